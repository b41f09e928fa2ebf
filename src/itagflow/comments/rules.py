"""Threads: made from the comments on a task and the verdicts of its reviews.

What a reviewer writes to a judgment or a reject opens a thread.  It is not stored a second time:
the answer and the assignment have it.  The next verdict on the task resolves it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime

import attrs

from itagflow.core.blinding import NOTHING_HIDDEN, Blinding
from itagflow.core.secrecy import is_vote
from itagflow.errors import InvalidData, Problem
from itagflow.model.change import Change, Context, record
from itagflow.model.comment import Comment, CommentAction, Thread
from itagflow.model.package import PASSING, Assignment, Outcome, Package
from itagflow.model.task import Answer, Task, WorkItem
from itagflow.model.text import find_text_error
from itagflow.printing import format_repr
from itagflow.results.rules import Case

EVENTS: Mapping[CommentAction, str] = {
    CommentAction.NOTE: "comment",
    CommentAction.RESOLVE: "resolve_comment",
    CommentAction.REOPEN: "reopen_comment",
}
"""The type of the event of each action."""


@attrs.frozen(kw_only=True)
class NewComment:
    """What somebody wants to write."""

    task: Task
    """The task it is about."""
    text: str
    """What it says."""
    action: CommentAction = CommentAction.NOTE
    """What it does beside its text."""
    annotation: str = ""
    """The annotation that a new thread is about; empty: about the whole task."""
    thread: int | None = None
    """The thread that it goes on with; None: it opens one."""


def build_threads(case: Case, comments: Sequence[Comment]) -> tuple[Thread, ...]:
    """Return the threads on the task of *case*, oldest first, of these *comments* on it."""
    entries: dict[int, list[Comment]] = {}
    verdicts = {opening.thread: opening for opening in _iter_openings(case)}
    for opening in verdicts.values():
        entries[opening.thread] = [opening]
    for comment in sorted(comments, key=lambda comment: comment.id):
        entries.setdefault(comment.thread, []).append(comment)
    threads = [
        _build_thread(case, id, entries[id], is_verdict=id in verdicts) for id in sorted(entries)
    ]
    return tuple(threads)


def find_repeated(new: NewComment, member: int, comments: Sequence[Comment]) -> Comment | None:
    """Return the entry that says already what *member* says with *new*: it was sent twice.

    It is the last entry of its thread, by the same member, with the same text and action.

    Args:
        new: What is to be written.
        member: Who writes it.
        comments: The stored comments on the task, oldest first.
    """
    by_thread: dict[int, list[Comment]] = {}
    for comment in comments:
        by_thread.setdefault(comment.thread, []).append(comment)
    for thread, entries in by_thread.items():
        last = entries[-1]
        if (last.member, last.text, last.action) != (member, new.text, new.action):
            continue
        if new.thread == thread:
            return last
        # a thread of one entry, which opened it
        is_opening = last.id == thread and last.annotation == new.annotation
        if new.thread is None and is_opening:
            return last
    return None


def add_comment(
    new: NewComment,
    about: Package | Assignment,
    threads: Sequence[Thread],
    ctx: Context,
    *,
    id: int,
) -> tuple[Change, Comment]:
    """Return the change that stores *new*, and the entry.

    Args:
        new: What is written.
        about: The assignment that the writer has on the task, or else the package: the history of
            a voter is secret as long as the vote is.
        threads: The threads on the task that the writer may see.
        ctx: Who writes, when and where.
        id: The key of the entry.

    Raises:
        InvalidData: when the text cannot be stored, or is empty where something has to be said; or
            when the task has no thread of this id.
    """
    require_text(new)
    thread, annotation = id, new.annotation
    if new.thread is not None:
        known = find_thread(new, threads)
        thread, annotation = known.id, known.annotation
    comment = Comment(
        job=new.task.job,
        id=id,
        package=new.task.package,
        task=new.task.number,
        thread=thread,
        annotation=annotation,
        member=ctx.member,
        at=ctx.at,
        text=new.text,
        action=new.action,
    )
    # The text is in the comment alone: an event that repeated it would have to be erased too.
    data = {"thread": thread, "entry": id}
    change = record(
        ctx, EVENTS[new.action], about=about, task=comment.task, add=(comment,), data=data
    )
    return change, comment


def find_thread(new: NewComment, threads: Sequence[Thread]) -> Thread:
    """Return the thread that *new* goes on with.

    Raises:
        InvalidData: when the task has none of this id.
    """
    for thread in threads:
        if thread.id == new.thread:
            return thread
    reason = f"{new.task} has no thread {format_repr(new.thread)}"
    raise InvalidData("the comment", [Problem("thread", reason)])


def require_text(new: NewComment) -> None:
    """Check that the text of *new* can be stored, and says something where it has to.

    Raises:
        InvalidData: when it does not.
    """
    problem = find_text_error(new.text)
    if not problem and new.action is CommentAction.NOTE and not new.text.strip():
        problem = "is empty: say something"
    if problem:
        raise InvalidData("the comment", [Problem("text", problem)])
    if problem := find_text_error(new.annotation):
        raise InvalidData("the comment", [Problem("annotation", problem)])


def find_hidden_voters(case: Case, reader: int | None) -> set[int]:
    """Return the members whose comments are secret from *reader* while the task is voted on.

    Whoever may still vote must not learn from a comment what another voter thinks.
    """
    round = case.package.round
    return {
        assignment.member
        for assignment in case.assignments
        if assignment.member not in (None, reader) and is_vote(assignment, round)
    }


def without_authors(threads: Sequence[Thread], hidden: Collection[int]) -> tuple[Thread, ...]:
    """Return *threads* without what *hidden* members wrote; one that is empty then is left out."""
    if not hidden:
        return tuple(threads)
    shown = list[Thread]()
    for thread in threads:
        kept = tuple(comment for comment in thread.comments if comment.member not in hidden)
        if kept:
            shown.append(attrs.evolve(thread, comments=kept))
    return tuple(shown)


def hide_labelers(threads: Sequence[Thread], hidden: Blinding) -> tuple[Thread, ...]:
    """Return *threads* without the names of the labelers who are *hidden* from the reader."""
    if not hidden.names:
        return tuple(threads)
    return tuple(
        attrs.evolve(thread, comments=tuple(map(hidden.hide_in_comment, thread.comments)))
        for thread in threads
    )


def with_threads(
    item: WorkItem,
    case: Case,
    assignment: Assignment,
    comments: Sequence[Comment],
    hidden: Blinding = NOTHING_HIDDEN,
) -> WorkItem:
    """Return *item* with the threads that the holder of *assignment* may see."""
    # nothing was said, and nothing was judged before: nearly every item of a first labeling
    if not comments and len(case.assignments) == 1:
        return item
    threads = build_threads(case, comments)
    if not threads:
        return item
    if case.is_being_voted_on:
        threads = without_authors(threads, find_hidden_voters(case, assignment.member))
    return attrs.evolve(item, comments=hide_labelers(threads, hidden))


def erase_comment(comment: Comment, erased_text: str) -> Comment:
    """Return *comment* without its text; who wrote when stays."""
    text = erased_text if comment.text else ""
    return attrs.evolve(comment, text=text, annotation="", erased=True)


def _build_thread(case: Case, id: int, entries: Sequence[Comment], *, is_verdict: bool) -> Thread:
    is_resolved = is_verdict and _has_later_verdict(case, id)
    # somebody's own word comes after the verdict that they answer
    for comment in entries:
        if comment.action is CommentAction.RESOLVE:
            is_resolved = True
        elif comment.action is CommentAction.REOPEN:
            is_resolved = False
    return Thread(
        job=case.job.id,
        id=id,
        task=case.task,
        annotation=entries[0].annotation,
        comments=tuple(entries),
        is_resolved=is_resolved,
    )


def _iter_openings(case: Case) -> Iterator[Comment]:
    """Yield what reviewers wrote to their judgments, each as the first entry of a thread."""
    for assignment in case.assignments:
        answer = case.answers.get(assignment.id)
        text, at = _find_verdict_text(assignment, answer, case.task)
        if not text or at is None or assignment.member is None:
            continue
        yield Comment(
            job=case.job.id,
            id=assignment.id,
            package=case.package.number,
            task=case.task,
            thread=assignment.id,
            member=assignment.member,
            at=at,
            text=text,
            erased=answer is not None and answer.erased,
        )


def _find_verdict_text(
    assignment: Assignment, answer: Answer | None, task: int
) -> tuple[str, datetime | None]:
    """Return what the holder of *assignment* wrote to send the task back, and when."""
    if answer is not None and answer.wrong and answer.comment:
        return answer.comment, answer.at
    if assignment.outcome is Outcome.REJECTED and assignment.comment:
        sent_back = assignment.sent_back
        if sent_back is None or task in sent_back:
            return assignment.comment, assignment.ended_at
    return "", None


def _has_later_verdict(case: Case, assignment: int) -> bool:
    """Return whether a review behind this assignment has said something of the task."""
    ids = [each.id for each in case.assignments]
    for later in case.assignments[ids.index(assignment) + 1 :]:
        if later.outcome in PASSING and later.covers(case.task):
            return True
        answer = case.answers.get(later.id)
        if answer is not None and answer.verdict is not None:
            return True
    return False
