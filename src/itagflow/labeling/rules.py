"""What is said about tasks inside an assignment: save, abandon, restore; and what reviewers share.

The service reads and locks everything into `AnswerFacts`, calls one rule, and applies the outcome.

In which order a person sees the options of a question is computed by hash, so always the same.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from hashlib import sha256
from typing import Any, TypeVar

import attrs

from itagflow.claiming import rules as claiming
from itagflow.claiming.rules import count_time
from itagflow.errors import Incomplete, InvalidData, Problem, StaleVersion
from itagflow.lifecycle.tables import require_stage
from itagflow.model.change import Change, Context, Saved, record, split_answers
from itagflow.model.copying import copyable, evolve
from itagflow.model.job import Job, Stage
from itagflow.model.package import Assignment
from itagflow.model.reply import Replies
from itagflow.model.task import Answer, Draft, Order, Task, Verdict, count_versions
from itagflow.model.template import Option, Template
from itagflow.model.terms import NO_TERMS, Replied, SaveTerms
from itagflow.model.text import find_text_error
from itagflow.results.rules import Case, find_submitted
from itagflow.validation import answers as validation

A = TypeVar("A", Answer, Draft)


@copyable
@attrs.frozen(kw_only=True, slots=False)
class AnswerFacts:
    """What a rule about answers decides on, read and locked beforehand."""

    job: Job
    """The job."""
    template: Template
    """What is asked."""
    assignment: Assignment
    """The locked assignment."""
    ctx: Context
    """Who answers, when and where: the holder."""
    tasks: Sequence[Task]
    """The tasks that are answered."""
    answers: Sequence[Answer | None]
    """The stored answer of the assignment to each of them, in the same order."""
    previous: Mapping[str, Any]
    """These answers as the history keeps them, by task number; only those that exist."""
    drafts: Mapping[int, Draft] = attrs.field(factory=dict[int, Draft])
    """The drafts that lie beside them, by task number."""
    was_restored: bool = False
    """Whether the last thing that the assignment did with the one task was to restore it."""
    terms: SaveTerms = NO_TERMS
    """What the caller says beside the answers."""


@copyable
@attrs.frozen(slots=False)
class AnswerOutcome:
    """What came of answering some tasks."""

    answers: tuple[Answer, ...]
    """The answer that stands for each task."""
    change: Change | None
    """What is to be stored with an event; None when no answer changes."""
    assignment: Saved | None = None
    """The assignment with its lease and time, where they change without an event."""
    rewritten: tuple[Answer, ...] = ()
    """The answers of which nothing but the time changes: they keep their versions."""
    draft: tuple[Draft | None, Draft] | None = None
    """The draft that is saved, and the one that it replaces."""
    removed_drafts: tuple[Draft, ...] = ()
    """The drafts that are removed."""


def save_answers(facts: AnswerFacts, replies: Sequence[Replied]) -> AnswerOutcome:
    """Answer tasks at LABEL.

    Raises:
        WrongState: when the assignment is at a review stage.
        InvalidData: when a task is not in its scope or named twice, or replies do not fit.
    """
    require_stage(facts.assignment, "save", Stage.LABEL)
    for task in facts.tasks:
        require_covered(facts.assignment, task)
    require_different(facts.tasks)
    require_not_escalated(facts)
    fitting = fit_replies(facts.template, facts.tasks, replies)
    version = facts.template.version
    new = [
        make_answer(
            facts.assignment,
            task.number,
            facts.ctx,
            replies=task_replies,
            template_version=version,
            order=shown_order(facts, task),
        )
        for task, task_replies in zip(facts.tasks, fitting, strict=True)
    ]
    terms = facts.terms
    if terms.score is not None or terms.model:
        new = [evolve(answer, score=terms.score, model=terms.model) for answer in new]
    outcome = write_answers(facts, "save", new)
    if not facts.drafts:
        return outcome
    # what was half-filled is complete now, also where it says what was said before
    return evolve(outcome, removed_drafts=tuple(facts.drafts.values()))


def abandon(facts: AnswerFacts, reason: str) -> AnswerOutcome:
    """Give the one task up; replies that were saved stay in the answer, for `restore`.

    Raises:
        InvalidData: when the task is not in scope, or the reason is not one of the template's.
    """
    (task,), (old,) = facts.tasks, facts.answers
    require_covered(facts.assignment, task)
    require_not_escalated(facts)
    require_abandon_reason(facts.template, reason)
    verdict = None if facts.assignment.stage is Stage.LABEL else Verdict.RIGHT
    new = make_answer(
        facts.assignment,
        task.number,
        facts.ctx,
        replies=None if old is None else old.replies,
        abandoned=reason,
        verdict=verdict,
        template_version=0 if old is None else old.template_version,
        order={} if old is None else old.order,
    )
    return write_answers(facts, "abandon", [_keep_source(old, new)], {"reason": reason})


def restore(facts: AnswerFacts, case: Case | None) -> AnswerOutcome:
    """Undo that the one task was abandoned; *case* has its history, in review.

    Raises:
        InvalidData: when the task is not in scope.
        Incomplete: when it is not abandoned, or when nothing could come back in review.
    """
    (task,), (abandoned,) = facts.tasks, facts.answers
    stage = facts.assignment.stage
    require_covered(facts.assignment, task)
    # a reviewer who has not abandoned the task restores what the labeler abandoned
    if case is not None and (abandoned is None or not abandoned.is_abandoned):
        abandoned = find_submitted(case, stage)
    own = facts.answers[0]
    if own is not None and not own.is_abandoned and facts.was_restored:
        return AnswerOutcome((own,), None)  # the call was sent again
    if abandoned is None or not abandoned.is_abandoned:
        raise Incomplete("restore", "the task is not abandoned", (task.number,))
    in_review = stage is not Stage.LABEL
    # a labeler may start over from nothing, but a reviewer's answer must have replies
    if in_review and abandoned.stage is Stage.LABEL and abandoned.replies is None:
        raise Incomplete(
            "restore",
            "nothing was saved before it was abandoned: modify it instead",
            (task.number,),
        )
    verdict = Verdict.RIGHT if in_review and abandoned.replies is not None else None
    new = make_answer(
        facts.assignment,
        task.number,
        facts.ctx,
        replies=abandoned.replies,
        verdict=verdict,
        template_version=abandoned.template_version,
        order=abandoned.order,
    )
    return write_answers(facts, "restore", [_keep_source(abandoned, new)])


def write_answers(
    facts: AnswerFacts,
    operation: str,
    answers: Sequence[Answer],
    data: Mapping[str, Any] | None = None,
    part: Saved | Assignment | None = None,
) -> AnswerOutcome:
    """Return the change that stores *answers* with one event, and the answers that stand then.

    With *part* it also adds an assignment, or saves one in its place, if an answer changes.

    An answer that says the same as the stored one is not stored again: a resend leaves no trace in
    the history. Only the time that it took is added.

    Raises:
        StaleVersion: when another version is stored than the one that is expected.
    """
    require_expected_versions(facts, answers)
    counted, timed = count_time(facts.assignment, facts.terms.seconds, facts.ctx.at)
    standing: list[Answer] = []
    rewritten: list[Answer] = []
    changed: list[tuple[Answer | None, Answer]] = []
    for old, new in zip(facts.answers, answers, strict=True):
        if old is None or not has_same_content(old, new):
            changed.append((old, add_seconds(new, counted + _find_spent(facts, old, new.task))))
            standing.append(changed[-1][1])
        elif counted:
            rewritten.append(add_seconds(old, counted + old.seconds))
            standing.append(rewritten[-1])
        else:
            standing.append(old)
    # whoever saves is at work: their lease counts from now, in the same transaction
    kept = keep_up(facts, timed)
    if not changed:
        return AnswerOutcome(tuple(standing), None, assignment=kept, rewritten=tuple(rewritten))
    details: dict[str, Any] = dict(data or {})
    task = 0
    if len(answers) == 1:
        task = answers[0].task
    else:
        details["answered"] = [new.task for _, new in changed]
    # the history keeps what is replaced: the row of an answer has its last version only
    replaced = {str(old.task): facts.previous[str(old.task)] for old, _ in changed if old}
    if replaced:
        details["previous"] = replaced
    add, save = split_answers(changed)
    if kept is not None:
        save.append(kept)
    if isinstance(part, Assignment):
        add.append(part)
    elif part is not None:
        save.append(part)
    change = record(
        facts.ctx, operation, about=facts.assignment, task=task, add=add, save=save, data=details
    )
    return AnswerOutcome(tuple(standing), change, rewritten=tuple(rewritten))


def require_expected_versions(facts: AnswerFacts, answers: Sequence[Answer]) -> None:
    """Check that what is stored are the versions that the caller has seen.

    An answer that is stored already, as it is sent, was not changed by anybody else: it is the same
    call once more.

    Raises:
        StaleVersion: when it is not so.
    """
    if facts.terms.expected_version is None:
        return
    stale = list[tuple[int, int, int]]()
    for old, new in zip(facts.answers, answers, strict=True):
        expected, stored = facts.terms.find_expected(new.task), count_versions(old)
        is_sent_again = old is not None and has_same_content(old, new)
        if expected is not None and expected != stored and not is_sent_again:
            stale.append((new.task, expected, stored))
    if stale:
        (task, expected, stored), *others = stale
        raise StaleVersion(task, expected, stored, tuple(number for number, *_ in others))


def make_answer(
    assignment: Assignment,
    task: int,
    ctx: Context,
    *,
    replies: Replies | None = None,
    abandoned: str | None = None,
    verdict: Verdict | None = None,
    comment: str = "",
    reason: str = "",
    template_version: int = 0,
    order: Order | None = None,
) -> Answer:
    """Return the answer of *assignment* to this task; its replies fit this template version."""
    return Answer(
        job=assignment.job,
        assignment=assignment.id,
        task=task,
        package=assignment.package,
        stage=assignment.stage,
        round=assignment.round,
        member=assignment.member,
        at=ctx.at,
        replies=replies,
        abandon_reason=abandoned,
        verdict=verdict,
        comment=comment,
        reason=reason,
        template_version=template_version,
        order=order or {},
    )


def shown_order(facts: AnswerFacts, task: Task) -> Order:
    """Return the order in which the holder of the assignment sees the options of *task*."""
    return shuffle_options(facts.template, facts.job.seed, task.number, facts.assignment.member)


def shuffle_options(template: Template, seed: int, task: int, member: int | None) -> Order:
    """Return the order of the options of every question of *template* that shuffles them.

    It is another one for each *seed* of a job, *task* and *member*; nobody sees merged votes, whose
    *member* is None.  Options inside another stay behind it.  Questions with the same options show
    them in the same order, so that a screen can show the texts behind these keys once.

    >>> from itagflow import templates
    >>> shuffle_options(templates.preference_ranking(["a", "b", "c"]), 7, 1, 2)
    {'1': ('b', 'c', 'a')}
    """
    if member is None or not template.shuffled:
        return {}
    place = f"{seed}/{task}/{member}"
    return {
        question.id: tuple(_sort_keys(place, question.options)) for question in template.shuffled
    }


def _sort_keys(place: str, options: Iterable[Option]) -> Iterator[str]:
    # sorted by hash, and not dealt out by a random generator: an option that is added or dropped
    # leaves the order of the others alone, and every Python version has the same order
    for option in sorted(options, key=lambda each: _hash_key(place, each.key)):
        yield option.key
        yield from _sort_keys(place, option.children)


def _hash_key(place: str, key: str) -> bytes:
    return sha256(f"{place}/{key}".encode()).digest()


def fit_replies(
    template: Template, tasks: Sequence[Task], replies: Sequence[Replied]
) -> list[Replies]:
    """Return the replies to each task by question id, checked against the template.

    Raises:
        InvalidData: when something does not fit; it lists every problem of every task.
    """
    fitting: list[Replies] = []
    problems: list[Problem] = []
    for task, reply in zip(tasks, replies, strict=True):
        task_replies = validation.normalize_replies(template, reply, task)
        # problems of one task need no task number: the error names it
        prefix = "" if len(tasks) == 1 else f"{task}, "
        problems += [
            Problem(prefix + problem.where, problem.reason)
            for problem in validation.find_problems(template, task_replies, task)
        ]
        fitting.append(task_replies or {})
    if problems:
        subject = f"the answer to {tasks[0]}" if len(tasks) == 1 else "the answers"
        raise InvalidData(subject, problems)
    return fitting


def require_covered(assignment: Assignment, task: Task) -> None:
    """Check that *task* is in the scope of *assignment*.

    Raises:
        InvalidData: when it is in another package, or the assignment is about other tasks.
    """
    # without a scope an assignment is about all tasks of its package, so this is checked first
    if task.package != assignment.package:
        raise InvalidData(
            str(task), [Problem("", f"is in package {task.package}, not in that of {assignment}")]
        )
    if not assignment.covers(task.number):
        numbers = ", ".join(map(str, assignment.scope or ()))
        raise InvalidData(
            str(task), [Problem("", f"is not in the scope of {assignment}: tasks {numbers}")]
        )


def require_different(tasks: Sequence[Task]) -> None:
    """Check that no task is named twice.

    Raises:
        InvalidData: when one is; it lists them.
    """
    if len(tasks) == 1:
        return  # nearly always: most saves are of one task
    times = Counter(task.number for task in tasks)
    repeated = sorted(number for number, count in times.items() if count > 1)
    if repeated:
        raise InvalidData(
            "the answers", [Problem(f"task {number}", "is answered twice") for number in repeated]
        )


def require_not_escalated(facts: AnswerFacts) -> None:
    """Check that none of the tasks was handed to the experts by this assignment.

    Raises:
        InvalidData: when one was; it lists them.
    """
    escalated = [answer.task for answer in facts.answers if answer and answer.is_escalated]
    if escalated:
        reason = "was handed to the experts, who answer it"
        raise InvalidData(
            f"the answers of {facts.assignment}",
            [Problem(f"task {task}", reason) for task in escalated],
        )


def require_abandon_reason(template: Template, reason: str) -> None:
    """Check that a task may be abandoned for *reason*.

    Raises:
        InvalidData: when it is empty, or not one of the template's reasons.
    """
    known = template.abandon_reasons
    problem = find_text_error(reason)
    if not problem and not reason.strip():
        problem = "is empty"
    if not problem and known and reason not in known:
        problem = f"{reason!r} is not one of {', '.join(known)}"
    if problem:
        raise InvalidData("the reason to abandon", [Problem("reason", problem)])


def has_same_content(old: Answer, new: Answer) -> bool:
    """Return whether *new* says nothing that *old* does not say."""
    return (
        old.replies == new.replies
        and old.abandon_reason == new.abandon_reason
        and old.escalation_reason == new.escalation_reason
        and old.picked == new.picked
        and old.verdict == new.verdict
        and old.comment == new.comment
        and old.reason == new.reason
        and (old.score, old.model) == (new.score, new.model)
    )


def add_seconds(answer: A, seconds: float) -> A:
    """Return *answer* with this time, in thousandths of a second as stores keep it."""
    return evolve(answer, seconds=round(seconds, 3)) if seconds else answer


def keep_up(facts: AnswerFacts, assignment: Assignment) -> Saved | None:
    """Return the assignment with its lease counted from now; None when nothing of it is stored.

    *assignment* is the one of *facts* with what else changes of it.
    """
    before = facts.assignment
    # what else changes is stored in any case, and then the lease with it
    if assignment is before and not claiming.must_renew(facts.job, before, facts.ctx.at):
        return None
    return (before, claiming.renew(facts.job, assignment, facts.ctx) or assignment)


def _find_spent(facts: AnswerFacts, old: Answer | None, task: int) -> float:
    """Return the seconds that were counted for a task before: in its answer, or in its draft."""
    if old is not None:
        return old.seconds
    draft = facts.drafts.get(task)
    return 0.0 if draft is None else draft.seconds


def _keep_source(old: Answer | None, new: Answer) -> Answer:
    """Return *new*, which has the replies of *old*, with the program that gave them."""
    if old is None or old.assignment != new.assignment:
        return new
    return evolve(new, score=old.score, model=old.model)
