"""Inside an assignment: read its tasks, answer them, abandon one, submit."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, cast

from itagflow.core import lookup
from itagflow.core.engine import Engine
from itagflow.core.lookup import AssignmentRef, MemberRef, TaskRef, get_or_none, iterate_pages
from itagflow.core.transaction import Transaction
from itagflow.core.visibility import access_of
from itagflow.errors import Conflict, InvalidData
from itagflow.labeling import rules
from itagflow.labeling.rules import AnswerFacts, AnswerOutcome, Replied
from itagflow.lifecycle.tables import must_be_of, must_not_be_returned
from itagflow.model.job import Job, Stage
from itagflow.model.package import Assignment
from itagflow.model.task import Answer, Task, WorkItem
from itagflow.model.template import Template
from itagflow.results import rules as results_rules
from itagflow.results.histories import describe_replaced, read_cases
from itagflow.results.rules import ModelChoice
from itagflow.reviewing import submitting_rules
from itagflow.reviewing.service import lock_unless_completed, read_completion
from itagflow.storage.port import Query, Reader, Span

PAGE = 100
"""How many tasks of an assignment are fetched in one read transaction."""


def tasks(
    engine: Engine,
    assignment: AssignmentRef,
    *,
    choice: ModelChoice = results_rules.ANY_MODEL,
    by: MemberRef | None = None,
) -> Iterator[WorkItem]:
    """Yield the tasks of an assignment, in order, each with all that its holder needs to see."""
    with engine.store.read() as reader:
        _require_visible(engine, reader, assignment, by)

    def read_page(reader: Reader, after: int) -> tuple[list[WorkItem], int | None]:
        # asked again for each page: the assignment may have been taken away meanwhile
        current, job = _require_visible(engine, reader, assignment, by)
        page = _read_tasks(reader, current, after)
        items = [
            results_rules.build_work_item(case, current, task, choice)
            for case, task in zip(read_cases(reader, job, page), page, strict=True)
        ]
        if len(page) < PAGE:
            return items, None
        return items, page[-1].number

    return iterate_pages(engine.store, read_page, 0)


def save(
    engine: Engine,
    assignment: AssignmentRef,
    task: TaskRef,
    reply: Replied,
    *,
    by: MemberRef | None = None,
) -> Answer:
    """Save the answer to a task and return it as stored; saving again replaces it."""
    return _save(engine, assignment, [(task, reply)], by)[0]


def save_many(
    engine: Engine,
    assignment: AssignmentRef,
    replies: Mapping[int, Replied] | Iterable[tuple[TaskRef, Replied]],
    *,
    by: MemberRef | None = None,
) -> list[Answer]:
    """Save the answers to several tasks, all or none, as one act; errors are those of `save`."""
    if isinstance(replies, Mapping):
        replies = cast("Mapping[int, Replied]", replies).items()
    return _save(engine, assignment, list[tuple[TaskRef, Replied]](replies), by)


def abandon(
    engine: Engine,
    assignment: AssignmentRef,
    task: TaskRef,
    reason: str,
    *,
    by: MemberRef | None = None,
) -> Answer:
    """Give a task up, with a reason; what was saved stays with it, and `restore` brings it back."""
    with engine.transaction() as transaction:
        facts = lock_for_answering(transaction, "abandon", assignment, [task], by)
        return apply(transaction, rules.abandon(facts, reason))[0]


def restore(
    engine: Engine, assignment: AssignmentRef, task: TaskRef, *, by: MemberRef | None = None
) -> Answer:
    """Undo that a task was abandoned, by the member or, in review, by the labeler."""
    with engine.transaction() as transaction:
        facts = lock_for_answering(transaction, "restore", assignment, [task], by)
        case = None
        if facts.assignment.stage is not Stage.LABEL:
            # a reviewer undoes what was decided before, which only the history of the task tells
            case = next(read_cases(transaction.store, facts.job, facts.tasks))
        return apply(transaction, rules.restore(facts, case))[0]


def submit(
    engine: Engine,
    assignment: AssignmentRef,
    *,
    releases_rest: bool = False,
    by: MemberRef | None = None,
) -> Assignment:
    """Submit a labeled package, or a part of it; when everything is in, it moves on."""
    with engine.transaction() as transaction:
        context = lock_unless_completed(transaction, "submit", assignment, by)
        if isinstance(context, Assignment):
            return context
        facts = read_completion(transaction, context, releases_rest=releases_rest)
        transaction.apply(submitting_rules.submit(facts))
        return transaction.as_stored(context.assignment)


def run_validator(
    engine: Engine,
    assignment: AssignmentRef,
    replies: Sequence[tuple[TaskRef, Replied]],
    by: MemberRef | None,
) -> str:
    """Ask the job's validator, outside of any transaction: it may take long, or use the Flow.

    Returns:
        The name of the validator, for `require_validated`; "" where none was asked.

    Raises:
        NotHeld: when the assignment is not that of the member *by*.
        NotRegistered: when this process does not have the validator.
        InvalidData: when it names problems.
    """
    # A process that has no validators need not read which one the job wants: that is one query
    # less for each save.  `require_validated` refuses it where the job wants one.
    if not engine.registry.validators:
        return ""
    with engine.store.read() as reader:
        stored = lookup.assignment(reader, assignment)
        job = reader.get(Job, (stored.job,))
        if not job.validator:
            return ""
        if by is not None:  # nobody else is told what is wrong with an answer
            must_be_of(stored, lookup.member(reader, job.workspace, by))
        validator = engine.registry.find_validator(job.validator)
        template = reader.get(Template, (job.template,))
        tasks = [lookup.task(reader, job.id, task) for task, _ in replies]
    fitting = rules.fit_replies(template, tasks, [reply for _, reply in replies])
    for task, task_replies in zip(tasks, fitting, strict=True):
        problems = list(validator(task, task_replies))
        if problems:
            raise InvalidData(f"the answer to {task}", problems)
    return job.validator


def require_validated(transaction: Transaction, job: Job, validated_by: str) -> None:
    """Check that the validator that *job* has now was asked, before this transaction began.

    Raises:
        NotRegistered: when it was not, since this process does not have it.
        Conflict: when it was not, since the job was given another one meanwhile.
    """
    if not job.validator or job.validator == validated_by:
        return
    transaction.registry.find_validator(job.validator)
    raise Conflict("Job", job.name)


def lock_for_answering(
    transaction: Transaction,
    operation: str,
    ref: AssignmentRef,
    tasks: Sequence[TaskRef],
    by: MemberRef | None,
) -> AnswerFacts:
    """Lock an assignment, and read what a rule about answers to some of its tasks decides on.

    Only the assignment is locked: labelers of one package do not wait for each other, and nothing
    of the package changes until they submit.

    Raises:
        NotHeld: when it is not held, or not by the member *by*.
        NotAllowed: when its job does not let work go on, or the policy does not let its holder work
            there.
        NotFound: when there is no such task in the job.
    """
    assignment = lookup.require_same(
        ref, transaction.lock(Assignment, lookup.key_of(Assignment, ref))
    )
    # read behind the lock: a change of the template waits for the assignment, so this template is
    # the one that the answers are checked against when they are stored
    job = transaction.store.get(Job, (assignment.job,))
    ctx = transaction.authorize_holder(job, assignment, operation, by)
    named = [lookup.task(transaction.store, job.id, task) for task in tasks]
    answers = [
        get_or_none(transaction.store, Answer, (*assignment.key, task.number)) for task in named
    ]
    previous = dict[str, Any]()
    if any(answers):  # most saves are the first of their task
        previous = describe_replaced(*answers)
    return AnswerFacts(
        job=job,
        template=transaction.cache.template(transaction.store, job),
        assignment=assignment,
        ctx=ctx,
        tasks=named,
        answers=answers,
        previous=previous,
    )


def apply(transaction: Transaction, outcome: AnswerOutcome) -> list[Answer]:
    """Store what a rule about answers decided, and return the answers as they are stored then."""
    if outcome.change is None:
        return list(outcome.answers)
    transaction.apply(outcome.change)
    return [transaction.as_stored(answer) for answer in outcome.answers]


def _save(
    engine: Engine,
    assignment: AssignmentRef,
    replies: Sequence[tuple[TaskRef, Replied]],
    by: MemberRef | None,
) -> list[Answer]:
    validated_by = run_validator(engine, assignment, replies, by)
    # the validator has seen what was sent; whether it fits is decided again behind the lock
    with engine.transaction() as transaction:
        tasks = [task for task, _ in replies]
        facts = lock_for_answering(transaction, "save", assignment, tasks, by)
        require_validated(transaction, facts.job, validated_by)
        return apply(transaction, rules.save_answers(facts, [reply for _, reply in replies]))


def _require_visible(
    engine: Engine, reader: Reader, ref: AssignmentRef, by: MemberRef | None
) -> tuple[Assignment, Job]:
    """Return an assignment and its job as they are now, if *by* may see its tasks."""
    assignment = lookup.assignment(reader, ref)
    job = reader.get(Job, (assignment.job,))
    reading = access_of(reader, engine.policy, job.workspace, by)
    if reading.member is not None:
        must_be_of(assignment, reading.member)
        must_not_be_returned(assignment)
        reading.require("tasks", job, own=True)
    return assignment, job


def _read_tasks(reader: Reader, assignment: Assignment, after: int) -> list[Task]:
    """Return the next tasks in the scope of the assignment, behind the task with this number."""
    where: dict[str, Any] = {
        "job": assignment.job,
        "package": assignment.package,
        "number": Span(after + 1, None),
    }
    if assignment.scope is not None:
        where["number"] = tuple(number for number in assignment.scope if number > after)[:PAGE]
    return list(reader.find(Query(Task, where, order=("number",), limit=PAGE)))
