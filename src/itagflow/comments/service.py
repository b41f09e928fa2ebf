"""Comments on tasks: read as threads, written one entry at a time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import attrs

from itagflow.comments import rules
from itagflow.comments.rules import NewComment
from itagflow.core import lookup
from itagflow.core.blinding import NOTHING_HIDDEN, Blinding, hide_at, list_blind_stages
from itagflow.core.engine import Engine
from itagflow.core.lookup import EVERYTHING, JobRef, MemberRef, Page, iterate_pages
from itagflow.core.transaction import Transaction
from itagflow.core.visibility import Access, access_of, require_readable
from itagflow.errors import NotAllowed, NotFound
from itagflow.jobs.rules import must_not_be_a_draft, must_not_be_archived
from itagflow.model.comment import Comment, CommentAction, Thread
from itagflow.model.job import Job
from itagflow.model.package import Assignment, AssignmentState, Package
from itagflow.model.task import Task, WorkItem
from itagflow.results.histories import read_cases
from itagflow.results.rules import Case
from itagflow.storage.port import Query, Reader, Span

TaskPlace = Task | WorkItem | tuple[JobRef, int]
"""A task, the work that shows it, or its job and number."""
ThreadRef = Thread | Comment | int
"""A thread, an entry of it, or its id."""
READER = "comments.list"
"""What the policy is asked for: who may read what is said of a task may say something too."""


@attrs.frozen
class Entry:
    """What a caller writes, before its task is known."""

    text: str
    """What it says."""
    action: CommentAction = CommentAction.NOTE
    """What it does beside its text."""
    annotation: str = ""
    """The annotation that a new thread is about."""
    thread: int | None = None
    """The thread that it goes on with; None: it opens one."""


def write(
    engine: Engine, place: TaskPlace | Thread | Comment, entry: Entry, *, by: MemberRef
) -> Comment:
    """Write an entry of a thread on a task; sent twice, the entry that there is."""
    if isinstance(place, Thread | Comment):
        place = (place.job, place.task)
    with engine.transaction() as transaction:
        key = lookup.find_key(transaction.store, Task, place)
        job = transaction.job(key[0])
        must_not_be_a_draft(job, "comment")
        must_not_be_archived(job, "comment")
        ref = key[1] if isinstance(place, tuple) else place
        number = lookup.read_task(transaction.store, job.id, ref).package
        # In shared mode: people write at the same time, and claims of the package go on.  Whoever
        # erases the task, or deletes the job, locks or removes its package, and so comes before
        # this or after it.
        transaction.lock(Package, (job.id, number), shared=True)
        task = lookup.read_task(transaction.store, job.id, ref)
        if task.erased:
            raise NotAllowed("", "comment", f"the data of {task} was erased")
        return _write(transaction, job, task, entry, by)


def iter_threads(
    engine: Engine,
    job: JobRef,
    *,
    task: TaskPlace | int | None = None,
    is_resolved: bool | None = None,
    by: MemberRef | None = None,
    page: Page = EVERYTHING,
) -> Iterator[Thread]:
    """Yield the threads on the tasks of a job, task by task, that *by* may read."""
    with engine.store.read() as reader:
        stored_job, _ = require_readable(engine, reader, READER, job, by, own=True)
        first, last = 1, None
        if task is not None:
            first = last = _find_number(reader, stored_job, task)
        behind = _find_place(reader, stored_job, page.after)
        first = max(first, behind[0])

    def read_page(reader: Reader, start: int) -> tuple[list[Thread], int | None]:
        # asked again for each page: a member may be removed while the iterator waits
        _, viewer = require_readable(engine, reader, READER, stored_job, by, own=True)
        query = Query(
            Task,
            {"job": stored_job.id, "number": Span(start, last)},
            order=("number",),
            limit=page.size,
        )
        tasks = list(reader.find(query))
        threads = [
            thread
            for thread in _read_threads(reader, stored_job, tasks, viewer)
            if (thread.task, thread.id) > behind
            and (is_resolved is None or thread.is_resolved is is_resolved)
        ]
        if len(tasks) < page.size:
            return threads, None
        return threads, tasks[-1].number + 1

    return page.cut(iterate_pages(engine.store, read_page, first))


def read_of_item(
    reader: Reader, job: Job, tasks: Sequence[Task]
) -> Mapping[int, Sequence[Comment]]:
    """Return the stored comments on these tasks, by task, oldest first."""
    by_task: dict[int, list[Comment]] = {task.number: [] for task in tasks}
    query = Query(Comment, {"job": job.id, "task": tuple(by_task)}, order=("id",))
    for comment in reader.find(query):
        by_task[comment.task].append(comment)
    return by_task


def read_hidden_at(reader: Reader, job: Job, assignment: Assignment) -> Blinding:
    """Return which labelers are hidden in the tasks of *assignment*, whoever reads them."""
    if assignment.stage not in list_blind_stages(job):
        return NOTHING_HIDDEN
    where: dict[str, Any] = {"job": job.id, "package": assignment.package}
    package = reader.get(Package, (job.id, assignment.package))
    return hide_at(assignment.stage, job, [package], list(reader.find(Query(Assignment, where))))


def _write(transaction: Transaction, job: Job, task: Task, entry: Entry, by: MemberRef) -> Comment:
    viewer = access_of(transaction.store, transaction.policy, job.workspace, by)
    (case,) = read_cases(transaction.store, job, [task])
    _require_may_comment(viewer, job, case)
    new = NewComment(
        task=task,
        text=entry.text,
        action=entry.action,
        annotation=entry.annotation,
        thread=entry.thread,
    )
    rules.require_text(new)
    ctx = transaction.make_context(job.workspace, transaction.member(job.workspace, by).id)
    comments = read_of_item(transaction.store, job, [task])[task.number]
    repeated = rules.find_repeated(new, ctx.member, comments)
    if repeated is not None:
        return repeated
    threads = _show(viewer, job, case, comments)
    id = transaction.new_id(Comment, job.id)
    about = _find_own_work(viewer, case) or case.package
    change, comment = rules.add_comment(new, about, threads, ctx, id=id)
    transaction.apply(change)
    return comment


def _read_threads(
    reader: Reader, job: Job, tasks: Sequence[Task], viewer: Access
) -> Iterator[Thread]:
    """Yield the threads on *tasks* that may be seen, task by task."""
    if not tasks:
        return
    hidden = viewer.read_hidden(job, {task.package for task in tasks})
    comments = read_of_item(reader, job, tasks)
    sees_all = viewer.can_see(READER, job)
    for case in read_cases(reader, job, tasks):
        workers = (assignment.member for assignment in case.assignments)
        if _find_own_work(viewer, case) is not None or (
            sees_all and viewer.can_see_work_of(workers)
        ):
            threads = _show(viewer, job, case, comments[case.task])
            yield from rules.hide_labelers(threads, hidden)


def _show(viewer: Access, job: Job, case: Case, comments: Sequence[Comment]) -> tuple[Thread, ...]:
    """Return the threads on the task of *case* without what is secret from the reader."""
    threads = rules.build_threads(case, comments)
    hidden = set[int]()
    if threads and viewer.member is not None and viewer.has_secret_votes(job, case.package):
        hidden = rules.find_hidden_voters(case, viewer.member.id)
    return rules.without_authors(threads, hidden)


def _find_own_work(viewer: Access, case: Case) -> Assignment | None:
    """Return the last assignment on the task that the reader has, or had to its end."""
    own = [
        assignment
        for assignment in case.assignments
        if viewer.is_own(assignment.member)
        and assignment.state is not AssignmentState.RETURNED
        and assignment.covers(case.task)
    ]
    if not own:
        return None
    return own[-1]


def _require_may_comment(viewer: Access, job: Job, case: Case) -> None:
    """Check that the member may read the task of *case*, and so may say something about it.

    Raises:
        NotAllowed: when they may not.
    """
    is_own = _find_own_work(viewer, case) is not None
    viewer.require(READER, job, own=is_own)
    if not is_own:
        viewer.require_work_of(assignment.member for assignment in case.assignments)


def _find_number(reader: Reader, job: Job, task: TaskPlace | int) -> int:
    """Return the number of a task of *job*.

    Raises:
        NotFound: when the job has no such task.
    """
    if isinstance(task, tuple):
        key = lookup.find_key(reader, Task, task)
        if key[0] != job.id:
            raise NotFound("Task", key)
        return lookup.read_task(reader, job.id, key[1]).number
    return lookup.read_task(reader, job.id, task).number


def _find_place(reader: Reader, job: Job, after: object) -> tuple[int, int]:
    """Return task and id of the thread that a page begins behind; (0, 0): none.

    Raises:
        NotFound: when it is no thread of the job.
    """
    if after is None:
        return 0, 0
    if not isinstance(after, Thread) or after.job != job.id:
        raise NotFound("Thread", getattr(after, "id", after))
    return _find_number(reader, job, after.task), lookup.require_number(Comment, after.id)
