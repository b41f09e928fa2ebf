"""Inside an assignment: see its tasks, answer them, give one up, submit."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, cast

from itagflow.core import holding, lookup
from itagflow.core.change import Saved, record
from itagflow.core.engine import Engine
from itagflow.core.lookup import (
    AssignmentRef,
    MemberRef,
    TaskRef,
    get_or_none,
    iterate_pages,
)
from itagflow.core.transaction import Transaction
from itagflow.core.visibility import access_of
from itagflow.labeling import rules
from itagflow.labeling.answering import (
    Desk,
    Replied,
    covered,
    fitted,
    put,
    replaced,
    run_validator,
    sit_down,
)
from itagflow.lifecycle.tables import Closing, must_be_at
from itagflow.model.entity import Entity
from itagflow.model.job import Job, Stage
from itagflow.model.package import Assignment, Outcome, Package
from itagflow.model.task import (
    Answer,
    Task,
    Verdict,
    WorkItem,
)
from itagflow.model.template import Template
from itagflow.results import rules as results_rules
from itagflow.results.histories import cases_of, numbers_in, said_about
from itagflow.reviewing.stages import (
    Held,
    held_unless,
    left,
    passed,
    recounted,
    with_finish,
)
from itagflow.storage.port import Query, Reader, Span

PAGE = 100
"""How many tasks of an assignment are fetched in one read transaction."""


def tasks(
    engine: Engine, assignment: AssignmentRef, *, by: MemberRef | None = None
) -> Iterator[WorkItem]:
    """Yield the tasks of an assignment, in order, each with all that its holder needs to see."""
    with engine.store.read() as reader:
        _must_show(engine, reader, assignment, by)

    def page(reader: Reader, after: int) -> tuple[list[WorkItem], int | None]:
        now, job = _must_show(engine, reader, assignment, by)
        tasks = _tasks_after(reader, now, after)
        works = [
            results_rules.work(case, now, task)
            for case, task in zip(cases_of(reader, job, tasks), tasks, strict=True)
        ]
        return works, tasks[-1].number if len(tasks) == PAGE else None

    return iterate_pages(engine.store, page, 0)


def _must_show(
    engine: Engine, reader: Reader, ref: AssignmentRef, by: MemberRef | None
) -> tuple[Assignment, Job]:
    """Return an assignment and its job as they are now, if *by* may see its tasks."""
    assignment = lookup.assignment(reader, ref)
    job = reader.get(Job, (assignment.job,))
    seeing = access_of(reader, engine.policy, job.workspace, by)
    if seeing.who is not None:
        holding.must_be_of(assignment, seeing.who)
        holding.must_not_be_returned(assignment)
        seeing.must("tasks", job, own=True)
    return assignment, job


def save(
    engine: Engine,
    assignment: AssignmentRef,
    task: TaskRef,
    reply: Replied,
    *,
    by: MemberRef | None = None,
) -> Answer:
    """Save the answer to a task and return it as stored; saving again replaces it."""
    return _save_all(engine, "save", assignment, [(task, reply)], by)[0]


def save_many(
    engine: Engine,
    assignment: AssignmentRef,
    replies: Mapping[int, Replied] | Iterable[tuple[TaskRef, Replied]],
    *,
    by: MemberRef | None = None,
) -> list[Answer]:
    """Save the answers to several tasks, all or none, as one act; errors are those of `save`."""
    pairs = (
        cast("Mapping[int, Replied]", replies).items() if isinstance(replies, Mapping) else replies
    )
    return _save_all(engine, "save", assignment, list[tuple[TaskRef, Replied]](pairs), by)


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
        desk = sit_down(transaction, assignment, "abandon", by)
        found = covered(transaction, desk, task)
        old = get_or_none(transaction.store, Answer, (*desk.assignment.key, found.number))
        why = rules.abandon_reason(desk.template, reason)
        kept = old.replies if old else None
        version = old.template_version if old else 0
        verdict = None if desk.assignment.stage is Stage.LABEL else Verdict.RIGHT
        new = rules.answer(
            desk.assignment,
            found,
            desk.act,
            replies=kept,
            abandoned=why,
            verdict=verdict,
            template_version=version,
        )
        return put(transaction, "abandon", desk, old, new, data={"reason": why})


def restore(
    engine: Engine, assignment: AssignmentRef, task: TaskRef, *, by: MemberRef | None = None
) -> Answer:
    """Undo that a task was abandoned, by the member or, in review, by the labeler."""
    with engine.transaction() as transaction:
        desk = sit_down(transaction, assignment, "restore", by)
        found = covered(transaction, desk, task)
        old = get_or_none(transaction.store, Answer, (*desk.assignment.key, found.number))
        given_up = old
        if desk.assignment.stage is not Stage.LABEL and not (old and old.is_abandoned):
            given_up = results_rules.shown_at(
                next(cases_of(transaction.store, desk.job, [found])), desk.assignment.stage
            )
        replies = rules.restored(given_up, found, review=desk.assignment.stage is not Stage.LABEL)
        verdict = (
            Verdict.RIGHT
            if replies is not None and desk.assignment.stage is not Stage.LABEL
            else None
        )
        version = given_up.template_version if given_up else 0
        new = rules.answer(
            desk.assignment,
            found,
            desk.act,
            replies=replies,
            verdict=verdict,
            template_version=version,
        )
        return put(transaction, "restore", desk, old, new)


def submit(engine: Engine, assignment: AssignmentRef, *, by: MemberRef | None = None) -> Assignment:
    """Submit a labeled package; when every vote is in, it moves to the next stage."""
    with engine.transaction() as transaction:
        mine = held_unless(transaction, assignment, "submit", Outcome.SUBMITTED, by)
        if isinstance(mine, Assignment):
            return mine
        closing = Closing(assignment=mine.assignment, missing=_missing(transaction, mine))
        ended = rules.closed("submit", Outcome.SUBMITTED, mine.assignment, mine.act, closing)
        assignments = [
            ended if other.key == ended.key else other
            for other in transaction.assignments(mine.package)
        ]
        add, save = list[Entity](), list[Saved]()
        counters = left(transaction, mine.job, mine.assignment)
        if mine.package.free or any(other.live for other in assignments):
            after = recounted(
                transaction, mine.job, mine.package, assignments, passing=mine.assignment
            )
        else:
            after, added = _with_all_votes(transaction, mine, ended, assignments)
            add += added
        if after != mine.package:
            save.append((mine.package, after))
        save += with_finish(transaction, after)
        save.append((mine.assignment, ended))
        save += counters
        transaction.do(record(mine.act, "submit", about=ended, add=add, save=save))
        return transaction.as_stored(ended)


def _save_all(
    engine: Engine,
    verb: str,
    assignment: AssignmentRef,
    given: list[tuple[TaskRef, Replied]],
    by: MemberRef | None,
) -> list[Answer]:
    run_validator(engine, assignment, given, by)
    with engine.transaction() as transaction:
        desk = sit_down(transaction, assignment, verb, by)
        must_be_at(desk.assignment, verb, Stage.LABEL)
        tasks = [covered(transaction, desk, task) for task, _ in given]
        rules.must_be_different(tasks)
        replies = fitted(desk.template, tasks, [reply for _, reply in given])
        version = desk.template.version
        new = [
            rules.answer(desk.assignment, task, desk.act, replies=said, template_version=version)
            for task, said in zip(tasks, replies, strict=True)
        ]
        old = [get_or_none(transaction.store, Answer, answer.key) for answer in new]
        if len(new) == 1:
            return [put(transaction, verb, desk, old[0], new[0])]
        return _put_all(transaction, verb, desk, old, new)


def _put_all(
    transaction: Transaction, verb: str, desk: Desk, old: list[Answer | None], new: list[Answer]
) -> list[Answer]:
    pairs = list(zip(old, new, strict=True))
    fresh = [(was, now) for was, now in pairs if not rules.says_the_same(was, now)]
    if fresh:
        data = {"answered": [now.task for _, now in fresh], **replaced(*(was for was, _ in fresh))}
        transaction.do(
            rules.put_all(verb, desk.assignment, fresh, desk.act, data=data, also=desk.renewed())
        )
    return [
        was if was and rules.says_the_same(was, now) else transaction.as_stored(now)
        for was, now in pairs
    ]


def _tasks_after(reader: Reader, assignment: Assignment, after: int) -> list[Task]:
    where: dict[str, Any] = {
        "job": assignment.job,
        "package": assignment.package,
        "number": Span(after + 1, None),
    }
    if assignment.scope is not None:
        where["number"] = tuple(number for number in assignment.scope if number > after)[:PAGE]
    return list(reader.find(Query(Task, where, order=("number",), limit=PAGE)))


def _missing(transaction: Transaction, mine: Held) -> tuple[int, ...]:
    """Return the unresolved tasks of the assignment; they are read only if the counts differ."""
    assignment = mine.assignment
    size = mine.package.size if assignment.scope is None else len(assignment.scope)
    if (
        sum(
            number
            for (counts, *_), number in transaction.count_answers(assignment).items()
            if counts
        )
        == size
    ):
        return ()
    high_water_mark = Query(
        Answer, {"job": assignment.job, "assignment": assignment.id, "is_resolved": True}
    )
    scope = (
        numbers_in(transaction.store, mine.package)
        if assignment.scope is None
        else assignment.scope
    )
    answered = {answer.task for answer in transaction.store.find(high_water_mark)}
    return tuple(number for number in scope if number not in answered)


def _with_all_votes(
    transaction: Transaction, mine: Held, ended: Assignment, assignments: list[Assignment]
) -> tuple[Package, list[Entity]]:
    """Return the package after the last LABEL assignment, and the merged votes to add, if any."""
    if mine.job.workflow.label.votes == 1:
        return passed(transaction, mine, assignments, disputes=mine.package.disputes), []
    merged, answers = _merged(transaction, mine, ended, assignments)
    again = {answer.task for answer in answers}
    disputed = {answer.task for answer in answers if answer.disputed}
    disputed.update(task for task in mine.package.disputes if task not in again)
    after = passed(transaction, mine, [*assignments, merged], answers, tuple(sorted(disputed)))
    return after, [merged, *answers]


def _merged(
    transaction: Transaction, mine: Held, ended: Assignment, assignments: list[Assignment]
) -> tuple[Assignment, tuple[Answer, ...]]:
    scope = numbers_in(transaction.store, mine.package) if ended.scope is None else ended.scope
    said = said_about(transaction.store, mine.job.id, scope)
    voters = [
        t.id for t in assignments if t.round == ended.round and t.outcome is Outcome.SUBMITTED
    ]
    votes = [[said[number][voter] for voter in voters if voter in said[number]] for number in scope]
    template = transaction.store.get(Template, (mine.job.template,))
    id = transaction.new_id(Assignment, mine.job.id)
    return rules.merged(ended, votes, template, mine.job.workflow.label.min_votes, mine.act, id=id)
