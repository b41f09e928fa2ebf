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
from itagflow.core.lookup import MemberRef, WorkspaceRef, iterate_query
from itagflow.core.transaction import Transaction
from itagflow.jobs import rules as jobs_rules
from itagflow.maintenance import erase_rules
from itagflow.maintenance.erase_rules import Texts
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
from itagflow.results.histories import numbers_in
from itagflow.reviewing.stages import recounted
from itagflow.storage.port import Query, Span
from itagflow.workspaces import rules as workspaces_rules


def erase_member(
    engine: Engine, workspace: WorkspaceRef, member: MemberRef, *, by: MemberRef
) -> Member:
    """Erase the name of a removed member: the account becomes ``erased-<key>``, groups go."""
    with engine.store.read() as reader:
        home = lookup.workspace(reader, workspace).id
        access.check(engine.policy, lookup.member(reader, home, by), Action.ERASE, None, None)
        who = lookup.member(reader, home, member)
    if who.erased:
        return who
    mark = _free_mark(engine, who)
    workspaces_rules.erased(who, mark)  # is refused before anything is rewritten
    texts = erase_rules.without_name(who.account, mark)
    high_water_mark = _rename_events(engine, who, mark)  # first, see `rules.erasing.remarks_on`
    for job in iterate_query(engine.store, Query(Job, {"workspace": home}, order=("id",))):
        _rename_in(engine, job, texts)
    with engine.transaction() as transaction:
        act = transaction.allowed(home, by, Action.ERASE)
        old = transaction.lock(Member, who.key)
        _rename(transaction, old, mark, transaction.store.find(_events(home, high_water_mark)))
        new = workspaces_rules.erased(old, mark)
        transaction.do(record(act, "erase_member", save=((old, new),), data={"name": new.account}))
        # a store that keeps decoded members forgets the old one
        return transaction.store.get(Member, new.key)


def erase_task(
    engine: Engine, task: Task | WorkItem | tuple[int, int], *, by: MemberRef, comment: str = ""
) -> Task:
    """Erase the data of a task, and what was said about it: replies, comments and reasons."""
    key = lookup.key_of(Task, task)
    with engine.transaction() as transaction:
        job = transaction.job(key[0])
        act = transaction.allowed(job.workspace, by, Action.ERASE, job)
        jobs_rules.must_not_be_a_draft(job, "erase a task")
        known = lookup.stored_task(
            transaction.store, job.id, key[1] if isinstance(task, tuple) else task
        )
        package = transaction.lock_package((job.id, known.package))
        old = transaction.lock(Task, key)
        if old.erased:
            return old
        new = erase_rules.blank(old, transaction.store.get(Template, (job.template,)))
        save: list[Saved] = [(old, new)]
        emptied, said = _emptied(transaction, job, package, new)
        save += emptied
        data = {"comment": comment} if comment else {}
        transaction.do(
            record(act, "erase_task", about=package, task=new.number, save=save, data=data)
        )
        for answer in said:
            _rewrite(transaction, answer)
        return transaction.as_stored(new)


def _rename_in(engine: Engine, job: Job, texts: Texts) -> None:
    """Erase a name from the comments of assignments and answers of *job*, one per transaction."""
    for assignment in iterate_query(
        engine.store, Query(Assignment, {"job": job.id}, order=("id",))
    ):
        if texts(assignment.comment) != assignment.comment:
            with engine.transaction() as transaction:
                now = transaction.lock(Assignment, assignment.key)
                transaction.replace(now, attrs.evolve(now, comment=texts(now.comment)))
    for kind in ({"verdict": Verdict.WRONG}, {"is_abandoned": True}):  # these are remarked on
        query = Query(Answer, {"job": job.id, **kind}, order=("assignment", "task"))
        for answer in iterate_query(engine.store, query):
            if erase_rules.nameless_answer(answer, texts) != answer:
                with engine.transaction() as transaction:
                    transaction.lock(Assignment, (answer.job, answer.assignment))
                    _rewrite(
                        transaction,
                        erase_rules.nameless_answer(
                            transaction.store.get(Answer, answer.key), texts
                        ),
                    )


def _free_mark(engine: Engine, who: Member) -> str:
    """Return the new account of *who*: nobody can take it, but somebody may have had it."""
    marks = chain([who.mark], (f"{who.mark}-{number}" for number in count(2)))
    with engine.store.read() as reader:
        own = {"workspace": who.workspace}
        return next(
            mark for mark in marks if not reader.count(Query(Member, {**own, "account": mark}))
        )


def _rename_events(engine: Engine, who: Member, mark: str) -> int:
    """Erase the name of *who* from the events so far, and return the last position."""
    high_water_mark = engine.store.high_water_mark()
    for some in _batches(iterate_query(engine.store, _events(who.workspace, 0, high_water_mark))):
        if any(_nameless(event, who, mark) is not event for event in some):
            with engine.transaction() as transaction:
                _rename(transaction, who, mark, some)
    return high_water_mark


def _events(workspace: int, after: int, last: int | None = None) -> Query[Event]:
    return Query(
        Event, {"workspace": workspace, "position": Span(after + 1, last)}, order=("position",)
    )


def _batches(events: Iterator[Event]) -> Iterator[list[Event]]:
    while some := list(islice(events, BLOCK)):
        yield some


def _nameless(event: Event, who: Member, mark: str) -> Event:
    return erase_rules.nameless(event, who.account, mark)


def _rename(transaction: Transaction, who: Member, mark: str, events: Iterable[Event]) -> None:
    _save_events(transaction, events, lambda event: _nameless(event, who, mark))


def _save_events(
    transaction: Transaction, events: Iterable[Event], rewritten: Callable[[Event], Event]
) -> None:
    """Save those of *events* that are *rewritten*, from their locked state."""
    for event in list(events):
        if rewritten(event) is not event:
            now = transaction.lock(Event, event.key)
            new = rewritten(now)
            if new is not now:
                transaction.replace(now, new)


def _emptied(
    transaction: Transaction, job: Job, package: Package, task: Task
) -> tuple[list[Saved], list[Answer]]:
    """Rewrite the events of *package*; return what to save, and the answers, with *task*."""
    assignments = transaction.assignments(package)
    transaction.lock_assignments(assignment.key for assignment in assignments if assignment.live)
    about: dict[str, Any] = {"job": job.id, "task": task.number}
    said = [
        answer
        for answer in transaction.store.find(Query(Answer, about, order=("assignment",)))
        if not answer.erased
    ]
    where: dict[str, Any] = {"job": job.id, "package": package.number}
    events = list(transaction.store.find(Query(Event, where, order=("position",))))
    texts = erase_rules.without_remarks(erase_rules.remarks_on(task.number, said, events))
    silent = [erase_rules.silent(answer) for answer in said]
    tasks = numbers_in(transaction.store, package)
    after = erase_rules.reduced(package, task.number, tasks)
    pairs = [
        (assignment, erase_rules.dismissed(assignment, after, tasks, texts))
        for assignment in transaction.assignments(package)
    ]
    after = recounted(transaction, job, after, [new for _, new in pairs], silent)
    _save_events(
        transaction, events, lambda event: erase_rules.forgotten(event, task.number, texts)
    )
    save: list[Saved] = [(package, after)]
    save += [(assignment, new) for assignment, new in pairs if new is not assignment]
    return save, silent


def _rewrite(transaction: Transaction, answer: Answer) -> None:
    """Replace the stored answer by *answer* and keep its version: erasing is no new answer."""
    where: dict[str, Any] = {
        "job": answer.job,
        "assignment": answer.assignment,
        "task": answer.task,
    }
    transaction.remove(Query(Answer, where), 1)
    transaction.add(answer)
