"""Erasing on request: a person's name, a task's data; keys, states, counts and events stay."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import chain, count, islice
from typing import Any

import attrs

from itagflow import access
from itagflow.access import Action
from itagflow.comments.rules import erase_comment
from itagflow.core import lookup
from itagflow.core.counted import Wrap, show
from itagflow.core.engine import BLOCK, Engine
from itagflow.core.locking import lock_assignments
from itagflow.core.lookup import JobRef, MemberRef, WorkspaceRef, iterate_query, read_task_numbers
from itagflow.core.transaction import Transaction
from itagflow.jobs import rules as jobs_rules
from itagflow.maintenance import erase_rules
from itagflow.maintenance.erase_rules import TextFilter
from itagflow.model.became import Became, format_became
from itagflow.model.change import Saved, record
from itagflow.model.comment import Comment
from itagflow.model.event import Event
from itagflow.model.job import Job
from itagflow.model.package import Assignment, Package
from itagflow.model.task import (
    Answer,
    Draft,
    Task,
    Verdict,
    WorkItem,
)
from itagflow.model.template import Template
from itagflow.model.workspace import Member
from itagflow.results.histories import recount
from itagflow.storage.port import Query, Span
from itagflow.workspaces import rules as workspaces_rules


def erase_member(
    engine: Engine,
    workspace: WorkspaceRef,
    member: MemberRef,
    *,
    by: MemberRef,
    progress: Wrap | None = None,
) -> Member:
    """Erase the name of a removed member: the account becomes ``erased-<key>``, groups go."""
    with engine.store.read() as reader:
        workspace_id = lookup.workspace(reader, workspace).id
        caller = lookup.member(reader, workspace_id, by)
        access.check(engine.policy, caller, Action.ERASE, None, None)
        current = lookup.member(reader, workspace_id, member)
    if current.erased:
        return current
    mark = _find_free_account(engine, current)
    workspaces_rules.erase_account(current, mark)  # is refused before anything is rewritten
    erase_name = erase_rules.build_name_filter(current.account, mark)
    # the events first: `erase_rules.find_remarks` says why
    high_water_mark = _anonymize_events(engine, current, mark)
    # job by job, without one long transaction: when it breaks off, calling again goes on
    jobs = Query(Job, {"workspace": workspace_id}, order=("id",))
    with engine.store.read() as reader:
        total = reader.count(jobs)
    for job in show(iterate_query(engine.store, jobs), total, progress):
        _anonymize_job(engine, job, erase_name)
        _remove_drafts(engine, job, current)
    with engine.transaction() as transaction:
        ctx = transaction.authorize(workspace_id, by, Action.ERASE)
        locked = transaction.lock(Member, current.key)
        # and what was written meanwhile, before the account is gone for good
        events = transaction.store.find(_query_events(workspace_id, high_water_mark))
        _save_anonymized(transaction, locked, mark, events)
        erased = workspaces_rules.erase_account(locked, mark)
        transaction.apply(
            record(ctx, "erase_member", save=((locked, erased),), data={"name": erased.account})
        )
        # a store that keeps decoded members forgets the old one
        return transaction.store.get(Member, erased.key)


def erase_task(
    engine: Engine,
    task: Task | WorkItem | tuple[JobRef, int],
    *,
    by: MemberRef,
    comment: str = "",
    request: str = "",
) -> Task:
    """Erase the data of a task, and its answers: replies, comments and reasons.

    Args:
        engine: The engine.
        task: The task.
        by: Who decides.
        comment: Why.
        request: What the event has in common with others of one erasure; empty: nothing.
    """
    with engine.transaction() as transaction:
        key = lookup.find_key(transaction.store, Task, task)
        job = transaction.job(key[0])
        ctx = transaction.authorize(job.workspace, by, Action.ERASE, job)
        jobs_rules.must_not_be_a_draft(job, "erase a task")
        ref = key[1] if isinstance(task, tuple) else task
        package_number = lookup.read_task(transaction.store, job.id, ref).package
        # found without a lock; whatever is decided on is read again under one
        package = transaction.lock_package((job.id, package_number))
        locked = transaction.lock(Task, key)
        if locked.erased:
            return locked
        erased = erase_rules.erase_row(locked, transaction.store.get(Template, (job.template,)))
        saves: list[Saved] = [(locked, erased)]
        package_saves, answers = _erase_from_package(transaction, job, package, erased)
        saves += package_saves
        data: dict[str, Any] = {}
        if comment:
            data["comment"] = comment
        if request:
            data[erase_rules.REQUEST] = request
        number, became = erased.number, format_became({Became.ERASED: [erased.number]})
        change = record(
            ctx, "erase_task", about=package, task=number, save=saves, data=data, became=became
        )
        transaction.apply(change)
        for answer in answers:
            transaction.rewrite(answer)
        # a draft goes whole: it counts for nothing, so nothing of it has to stay
        about: dict[str, Any] = {"job": job.id, "package": package_number, "task": erased.number}
        transaction.remove(Query(Draft, about), BLOCK)
        _erase_comments(transaction, erased)
        return transaction.as_stored(erased)


def _anonymize_job(engine: Engine, job: Job, erase_name: TextFilter) -> None:
    """Erase a name from what was written to the work on *job*, one entity per transaction."""
    for assignment in iterate_query(
        engine.store, Query(Assignment, {"job": job.id}, order=("id",))
    ):
        # almost no comment names the member: only these rows are locked, and read again for it
        if erase_name(assignment.comment) != assignment.comment:
            with engine.transaction() as transaction:
                current = transaction.lock(Assignment, assignment.key)
                comment = erase_name(current.comment)
                transaction.replace(current, attrs.evolve(current, comment=comment))
    for package in iterate_query(engine.store, Query(Package, {"job": job.id}, order=("number",))):
        if erase_rules.erase_from_campaigns(package, erase_name) is not package:
            with engine.transaction() as transaction:
                locked = transaction.lock(Package, package.key)
                without = erase_rules.erase_from_campaigns(locked, erase_name)
                transaction.replace(locked, without)
    # only these answers have a comment or a reason
    for kind in ({"verdict": Verdict.WRONG}, {"is_abandoned": True}):
        query = Query(Answer, {"job": job.id, **kind}, order=("assignment", "task"))
        for answer in iterate_query(engine.store, query):
            if erase_rules.anonymize_answer(answer, erase_name) != answer:
                _anonymize_answer(engine, answer, erase_name)
    comments = Query(Comment, {"job": job.id}, order=("id",))
    for entry in iterate_query(engine.store, comments):
        if erase_name(entry.text) != entry.text:
            _anonymize_comment(engine, entry, erase_name)


def _remove_drafts(engine: Engine, job: Job, member: Member) -> None:
    """Remove what a removed *member* left half-filled in *job*; nobody adds to it any more."""
    removed = BLOCK
    while removed == BLOCK:
        with engine.transaction() as transaction:
            where = {"job": job.id, "member": member.id}
            removed = transaction.remove(Query(Draft, where), BLOCK)


def _anonymize_answer(engine: Engine, answer: Answer, erase_name: TextFilter) -> None:
    with engine.transaction() as transaction:
        # whoever saves an answer holds the lock of its assignment
        transaction.lock(Assignment, (answer.job, answer.assignment))
        stored = transaction.store.get(Answer, answer.key)
        transaction.rewrite(erase_rules.anonymize_answer(stored, erase_name))


def _anonymize_comment(engine: Engine, comment: Comment, erase_name: TextFilter) -> None:
    with engine.transaction() as transaction:
        # whoever erases the task's data holds its package
        transaction.lock(Package, (comment.job, comment.package))
        stored = lookup.get_or_none(transaction.store, Comment, comment.key)
        if stored is not None:  # its job may have been deleted meanwhile
            _replace_comment(transaction, attrs.evolve(stored, text=erase_name(stored.text)))


def _find_free_account(engine: Engine, member: Member) -> str:
    """Return the new account of *member*: nobody can take it, but somebody may have had it."""
    marks = chain([member.mark], (f"{member.mark}-{number}" for number in count(2)))
    with engine.store.read() as reader:
        for mark in marks:
            where: dict[str, Any] = {"workspace": member.workspace, "account": mark}
            if not reader.count(Query(Member, where)):
                return mark
    raise AssertionError("there is always a next number")


def _anonymize_events(engine: Engine, member: Member, mark: str) -> int:
    """Erase the name of *member* from the events so far, and return the last position."""
    # beyond it events may still become visible, also between those that are already
    high_water_mark = engine.store.high_water_mark()
    events = iterate_query(engine.store, _query_events(member.workspace, 0, high_water_mark))
    for batch in _batch_events(events):
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
    """Save those of *events* that *rewrite* changes, from their locked state."""
    # read to the end first: the loop writes to the same table
    for event in list(events):
        if rewrite(event) is not event:
            current = transaction.lock(Event, event.key)
            # from the locked row, which another erasure may have rewritten since it was read
            rewritten = rewrite(current)
            if rewritten is not current:
                transaction.replace(current, rewritten)


def _erase_from_package(
    transaction: Transaction, job: Job, package: Package, task: Task
) -> tuple[list[Saved], list[Answer]]:
    """Rewrite the events of *package*; return what to save, and the answers, with *task*."""
    assignments = transaction.assignments(package)
    # only live ones can change: those that have ended are history
    lock_assignments(transaction, (assignment.key for assignment in assignments if assignment.live))
    about: dict[str, Any] = {"job": job.id, "task": task.number}
    answers = [
        answer
        for answer in transaction.store.find(Query(Answer, about, order=("assignment",)))
        if not answer.erased
    ]
    where: dict[str, Any] = {"job": job.id, "package": package.number}
    events = list(transaction.store.find(Query(Event, where, order=("position",))))
    remarks = erase_rules.find_remarks(task.number, answers, events)
    erase_remarks = erase_rules.build_remark_filter(remarks)
    erased = [erase_rules.erase_answer(answer) for answer in answers]
    tasks = read_task_numbers(transaction.store, package)
    after = erase_rules.erase_from_package(package, task.number, tasks, erase_remarks)
    pairs = [
        (assignment, erase_rules.erase_from_assignment(assignment, after, tasks, erase_remarks))
        for assignment in transaction.assignments(package)
    ]
    assignments_after = [assignment_after for _, assignment_after in pairs]
    # counted from the answers as they will be: they are written after the package
    after = recount(transaction.store, job, after, assignments_after, erased)
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


def _erase_comments(transaction: Transaction, task: Task) -> None:
    query = Query(Comment, {"job": task.job, "task": task.number}, order=("id",))
    for comment in list(transaction.store.find(query)):
        if not comment.erased:
            _replace_comment(transaction, erase_comment(comment, erase_rules.ERASED))


def _replace_comment(transaction: Transaction, comment: Comment) -> None:
    """Replace a stored comment by *comment* and keep its version: erasing is no new entry."""
    where: dict[str, Any] = {"job": comment.job, "id": comment.id}
    transaction.remove(Query(Comment, where), 1)
    transaction.add(comment)
