"""Erasing on request: a person's name, a task's data; keys, states, counts and events stay."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import chain, count, islice
from typing import Any

import attrs

from itagflow import access
from itagflow.access import Action
from itagflow.core import lookup
from itagflow.core.change import Saved, record
from itagflow.core.engine import BLOCK, Engine
from itagflow.core.lookup import MemberRef, WorkspaceRef, paged
from itagflow.core.transaction import Transaction
from itagflow.jobs import rules as jobs_rules
from itagflow.maintenance import erase_rules
from itagflow.maintenance.erase_rules import TextFilter
from itagflow.model.event import Event
from itagflow.model.job import Job
from itagflow.model.package import Assignment, Package
from itagflow.model.task import (
    Answer,
    Task,
    Verdict,
    WorkItem,
)
from itagflow.model.template import Template
from itagflow.model.workspace import Member
from itagflow.results.histories import read_task_numbers
from itagflow.reviewing.stages import recounted
from itagflow.storage.port import Query, Span
from itagflow.workspaces import rules as workspaces_rules


def erase_member(
    engine: Engine, workspace: WorkspaceRef, member: MemberRef, *, by: MemberRef
) -> Member:
    """Erase the name of a removed member: the account becomes ``erased-<key>``, groups go."""
    with engine.store.read() as reader:
        workspace_id = lookup.workspace(reader, workspace).id
        access.check(
            engine.policy, lookup.member(reader, workspace_id, by), Action.ERASE, None, None
        )
        current = lookup.member(reader, workspace_id, member)
    if current.erased:
        return current
    mark = _find_free_account(engine, current)
    workspaces_rules.erased(current, mark)  # is refused before anything is rewritten
    erase_name = erase_rules.build_name_filter(current.account, mark)
    high_water_mark = _anonymize_events(
        engine, current, mark
    )  # first, see `erase_rules.find_remarks`
    for job in paged(engine.store, Query(Job, {"workspace": workspace_id}, order=("id",))):
        _anonymize_job(engine, job, erase_name)
    with engine.transaction() as transaction:
        ctx = transaction.allowed(workspace_id, by, Action.ERASE)
        locked = transaction.lock(Member, current.key)
        _save_anonymized(
            transaction,
            locked,
            mark,
            transaction.store.find(_query_events(workspace_id, high_water_mark)),
        )
        erased = workspaces_rules.erased(locked, mark)
        transaction.do(
            record(ctx, "erase_member", save=((locked, erased),), data={"name": erased.account})
        )
        # a store that keeps decoded members forgets the old one
        return transaction.store.get(Member, erased.key)


def erase_task(
    engine: Engine, task: Task | WorkItem | tuple[int, int], *, by: MemberRef, comment: str = ""
) -> Task:
    """Erase the data of a task, and what was said about it: replies, comments and reasons."""
    key = lookup.key_of(Task, task)
    with engine.transaction() as transaction:
        job = transaction.job(key[0])
        ctx = transaction.allowed(job.workspace, by, Action.ERASE, job)
        jobs_rules.must_not_be_a_draft(job, "erase a task")
        known = lookup.stored_task(
            transaction.store, job.id, key[1] if isinstance(task, tuple) else task
        )
        package = transaction.lock_package((job.id, known.package))
        locked = transaction.lock(Task, key)
        if locked.erased:
            return locked
        erased = erase_rules.erase_row(locked, transaction.store.get(Template, (job.template,)))
        saves: list[Saved] = [(locked, erased)]
        package_saves, answers = _erase_from_package(transaction, job, package, erased)
        saves += package_saves
        data = dict[str, Any]()
        if comment:
            data["comment"] = comment
        transaction.do(
            record(ctx, "erase_task", about=package, task=erased.number, save=saves, data=data)
        )
        for answer in answers:
            _replace_answer(transaction, answer)
        return transaction.as_stored(erased)


def _anonymize_job(engine: Engine, job: Job, erase_name: TextFilter) -> None:
    """Erase a name from the comments of assignments and answers of *job*, one per transaction."""
    for assignment in paged(engine.store, Query(Assignment, {"job": job.id}, order=("id",))):
        if erase_name(assignment.comment) != assignment.comment:
            with engine.transaction() as transaction:
                current = transaction.lock(Assignment, assignment.key)
                transaction.replace(
                    current, attrs.evolve(current, comment=erase_name(current.comment))
                )
    for kind in ({"verdict": Verdict.WRONG}, {"is_abandoned": True}):  # these are remarked on
        query = Query(Answer, {"job": job.id, **kind}, order=("assignment", "task"))
        for answer in paged(engine.store, query):
            if erase_rules.anonymize_answer(answer, erase_name) != answer:
                with engine.transaction() as transaction:
                    transaction.lock(Assignment, (answer.job, answer.assignment))
                    _replace_answer(
                        transaction,
                        erase_rules.anonymize_answer(
                            transaction.store.get(Answer, answer.key), erase_name
                        ),
                    )


def _find_free_account(engine: Engine, member: Member) -> str:
    """Return the new account of *who*: nobody can take it, but somebody may have had it."""
    marks = chain([member.mark], (f"{member.mark}-{number}" for number in count(2)))
    with engine.store.read() as reader:
        condition = {"workspace": member.workspace}
        return next(
            mark
            for mark in marks
            if not reader.count(Query(Member, {**condition, "account": mark}))
        )


def _anonymize_events(engine: Engine, member: Member, mark: str) -> int:
    """Erase the name of *who* from the events so far, and return the last position."""
    high_water_mark = engine.store.high_water_mark()
    for batch in _batch_events(
        paged(engine.store, _query_events(member.workspace, 0, high_water_mark))
    ):
        if any(_anonymize_event(event, member, mark) is not event for event in batch):
            with engine.transaction() as transaction:
                _save_anonymized(transaction, member, mark, batch)
    return high_water_mark


def _query_events(workspace: int, after: int, until: int | None = None) -> Query[Event]:
    return Query(
        Event, {"workspace": workspace, "position": Span(after + 1, until)}, order=("position",)
    )


def _batch_events(events: Iterator[Event]) -> Iterator[list[Event]]:
    while batch := list(islice(events, BLOCK)):
        yield batch


def _anonymize_event(event: Event, member: Member, mark: str) -> Event:
    return erase_rules.anonymize_event(event, member.account, mark)


def _save_anonymized(
    transaction: Transaction, member: Member, mark: str, events: Iterable[Event]
) -> None:
    _save_events(transaction, events, lambda event: _anonymize_event(event, member, mark))


def _save_events(
    transaction: Transaction, events: Iterable[Event], rewrite: Callable[[Event], Event]
) -> None:
    """Save those of *events* that are *rewritten*, from their locked state."""
    for event in list(events):
        if rewrite(event) is not event:
            current = transaction.lock(Event, event.key)
            rewritten = rewrite(current)
            if rewritten is not current:
                transaction.replace(current, rewritten)


def _erase_from_package(
    transaction: Transaction, job: Job, package: Package, task: Task
) -> tuple[list[Saved], list[Answer]]:
    """Rewrite the events of *package*; return what to save, and the answers, with *task*."""
    assignments = transaction.assignments(package)
    transaction.lock_assignments(assignment.key for assignment in assignments if assignment.live)
    about: dict[str, Any] = {"job": job.id, "task": task.number}
    answers = [
        answer
        for answer in transaction.store.find(Query(Answer, about, order=("assignment",)))
        if not answer.erased
    ]
    where: dict[str, Any] = {"job": job.id, "package": package.number}
    events = list(transaction.store.find(Query(Event, where, order=("position",))))
    erase_remarks = erase_rules.build_remark_filter(
        erase_rules.find_remarks(task.number, answers, events)
    )
    erased = [erase_rules.erase_answer(answer) for answer in answers]
    tasks = read_task_numbers(transaction.store, package)
    after = erase_rules.erase_from_package(package, task.number, tasks)
    pairs = [
        (assignment, erase_rules.erase_from_assignment(assignment, after, tasks, erase_remarks))
        for assignment in transaction.assignments(package)
    ]
    after = recounted(
        transaction, job, after, [assignment_after for _, assignment_after in pairs], erased
    )
    _save_events(
        transaction,
        events,
        lambda event: erase_rules.erase_from_event(event, task.number, erase_remarks),
    )
    saves: list[Saved] = [(package, after)]
    saves += [
        (assignment, assignment_after)
        for assignment, assignment_after in pairs
        if assignment_after is not assignment
    ]
    return saves, erased


def _replace_answer(transaction: Transaction, answer: Answer) -> None:
    """Replace the stored answer by *answer* and keep its version: erasing is no new answer."""
    where: dict[str, Any] = {
        "job": answer.job,
        "assignment": answer.assignment,
        "task": answer.task,
    }
    transaction.remove(Query(Answer, where), 1)
    transaction.add(answer)
