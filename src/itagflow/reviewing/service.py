"""Inspection and acceptance: judge, modify, pass, send back."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from itagflow import access
from itagflow.access import Action
from itagflow.claiming import rules as claiming
from itagflow.core import holding, lookup
from itagflow.core.change import Saved, record
from itagflow.core.engine import Engine
from itagflow.core.lookup import (
    AssignmentRef,
    MemberRef,
    TaskRef,
    get_or_none,
)
from itagflow.core.transaction import Transaction
from itagflow.labeling import rules as labeling_rules
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
from itagflow.model.task import Answer, Task, Verdict
from itagflow.model.workspace import Member
from itagflow.results.histories import cases_in, numbers_in, said_about
from itagflow.results.rules import judged_wrong
from itagflow.reviewing import rules
from itagflow.reviewing.stages import (
    Held,
    held_unless,
    left,
    passed,
    recounted,
    with_finish,
)
from itagflow.storage.port import Query

REVIEWS = (Stage.INSPECT, Stage.ACCEPT)
"""The stages at which work is reviewed."""


def judge(
    engine: Engine,
    assignment: AssignmentRef,
    task: TaskRef,
    *,
    wrong: str | None = None,
    by: MemberRef | None = None,
) -> Answer:
    """Judge a task right, or wrong with a comment that its labeler will read."""
    with engine.transaction() as transaction:
        desk, found, old = _look_at(transaction, assignment, task, "judge", by)
        comment = "" if wrong is None else rules.require_comment(f"the judgment of {found}", wrong)
        verdict = Verdict.RIGHT if wrong is None else Verdict.WRONG
        new = labeling_rules.answer(
            desk.assignment, found, desk.act, verdict=verdict, comment=comment
        )
        return put(
            transaction, "judge", desk, old, new, data={"comment": comment} if comment else {}
        )


def modify(
    engine: Engine,
    assignment: AssignmentRef,
    task: TaskRef,
    reply: Replied,
    *,
    by: MemberRef | None = None,
) -> Answer:
    """Answer a task as the reviewer; the labeler's answer stays in the result of its stage."""
    run_validator(engine, assignment, [(task, reply)], by)
    with engine.transaction() as transaction:
        desk, found, old = _look_at(transaction, assignment, task, "modify", by)
        replies = fitted(desk.template, [found], [reply])[0]
        version = desk.template.version
        new = labeling_rules.answer(
            desk.assignment,
            found,
            desk.act,
            replies=replies,
            verdict=Verdict.RIGHT,
            template_version=version,
        )
        return put(transaction, "modify", desk, old, new)


def review(engine: Engine, assignment: AssignmentRef, *, by: MemberRef | None = None) -> Assignment:
    """Let a package pass at INSPECT; tasks without a judgment pass with it."""
    with engine.transaction() as transaction:
        return reviewed(transaction, "review", Outcome.REVIEWED, assignment, by)


def accept(engine: Engine, assignment: AssignmentRef, *, by: MemberRef | None = None) -> Assignment:
    """Let a package pass at ACCEPT; accepted work is locked.  Errors are those of `review`."""
    with engine.transaction() as transaction:
        return reviewed(transaction, "accept", Outcome.ACCEPTED, assignment, by)


def reject(
    engine: Engine,
    assignment: AssignmentRef,
    *,
    tasks: Iterable[TaskRef] | None = None,
    comment: str = "",
    by: MemberRef | None = None,
) -> Assignment:
    """Send tasks back: those judged wrong and those named, or else the whole package."""
    with engine.transaction() as transaction:
        return rejected(transaction, assignment, tasks, comment, by)


def reviewed(
    transaction: Transaction,
    verb: str,
    outcome: Outcome,
    assignment: AssignmentRef,
    by: MemberRef | None,
) -> Assignment:
    """Let a package pass: what `Reviewing.review` and `Reviewing.accept` do."""
    mine = held_unless(transaction, assignment, verb, outcome, by)
    if isinstance(mine, Assignment):
        return mine
    closing = Closing(
        assignment=mine.assignment,
        wrong=_wrong(transaction, mine),
        undecided=_undecided(transaction, mine),
    )
    ended = labeling_rules.closed(verb, outcome, mine.assignment, mine.act, closing)
    assignments = [
        ended if other.key == ended.key else other
        for other in transaction.assignments(mine.package)
    ]
    after = passed(transaction, mine, assignments)
    save: list[Saved] = [(mine.package, after), (mine.assignment, ended)]
    save += left(transaction, mine.job, mine.assignment)
    save += with_finish(transaction, after)
    transaction.do(record(mine.act, verb, about=ended, save=save))
    return transaction.as_stored(ended)


def rejected(
    transaction: Transaction,
    assignment: AssignmentRef,
    tasks: Iterable[TaskRef] | None,
    comment: str,
    by: MemberRef | None,
) -> Assignment:
    """Send tasks back: what `Reviewing.reject` does."""
    mine = held_unless(transaction, assignment, "reject", Outcome.REJECTED, by)
    if isinstance(mine, Assignment):
        return mine
    named = _named(transaction, mine, tasks, comment)
    return _send_back(transaction, mine, named, comment)


def _look_at(
    transaction: Transaction,
    assignment: AssignmentRef,
    task: TaskRef,
    verb: str,
    by: MemberRef | None,
) -> tuple[Desk, Task, Answer | None]:
    desk = sit_down(transaction, assignment, verb, by)
    must_be_at(desk.assignment, verb, *REVIEWS)
    found = covered(transaction, desk, task)
    return desk, found, get_or_none(transaction.store, Answer, (*desk.assignment.key, found.number))


def _wrong(transaction: Transaction, mine: Held, also: Iterable[Answer] = ()) -> tuple[int, ...]:
    """Return the tasks in scope that are judged wrong, including the *also* answers."""
    said = {answer.task: answer for answer in also}
    own = Query(
        Answer, {"job": mine.job.id, "assignment": mine.assignment.id, "verdict": Verdict.WRONG}
    )
    if not (said or mine.package.wrong or transaction.store.count(own)):
        return ()
    scope = (
        numbers_in(transaction.store, mine.package)
        if mine.assignment.scope is None
        else mine.assignment.scope
    )
    answers = said_about(transaction.store, mine.job.id, scope)
    for number, answer in said.items():
        answers[number][answer.assignment] = answer
    assignments = transaction.assignments(mine.package)
    return tuple(
        case.task
        for case in cases_in(mine.job, mine.package, assignments, answers)
        if judged_wrong(case)[0]
    )


def _undecided(transaction: Transaction, mine: Held) -> tuple[int, ...]:
    """Return the disputed tasks to which the reviewer has given no answer of their own."""
    disputes = mine.package.disputes
    if not disputes:
        return ()
    own = Query(Answer, {"job": mine.job.id, "assignment": mine.assignment.id, "is_resolved": True})
    decided = {answer.task for answer in transaction.store.find(own)}
    return tuple(
        task for task in disputes if task not in decided and task not in mine.package.erased
    )


def _named(
    transaction: Transaction, mine: Held, tasks: Iterable[TaskRef] | None, comment: str
) -> list[tuple[Answer | None, Answer]]:
    """Return the judgments of the tasks that a reject names, each with what it replaces."""
    refs = {lookup.number_in(mine.job.id, task): task for task in tasks or ()}
    if not refs:
        return []
    why = rules.require_comment("the reject", comment)
    checked = rules.tasks_of(
        mine.assignment, list(refs), numbers_in(transaction.store, mine.package)
    )
    judged = list[tuple[Answer | None, Answer]]()
    for number in checked:
        task = lookup.stored_task(transaction.store, mine.job.id, refs[number])
        old = get_or_none(transaction.store, Answer, (*mine.assignment.key, number))
        judged.append(
            (
                old,
                labeling_rules.answer(
                    mine.assignment, task, mine.act, verdict=Verdict.WRONG, comment=why
                ),
            )
        )
    return [(old, new) for old, new in judged if not labeling_rules.says_the_same(old, new)]


def _send_back(
    transaction: Transaction, mine: Held, named: list[tuple[Answer | None, Answer]], comment: str
) -> Assignment:
    """End the assignment with a reject, and offer the work to whom the rules say."""
    counters, new = left(transaction, mine.job, mine.assignment), [answer for _, answer in named]
    # offers are made, so it must stay as it is
    job = transaction.lock(Job, mine.job.key, shared=True)
    holding.must_be_working(job, "reject")
    wrong = _wrong(transaction, mine, new)
    closing = Closing(assignment=mine.assignment, wrong=wrong, comment=comment)
    sent = wrong or None
    why = comment or "; ".join(_remarks(transaction, mine, wrong))
    ended = labeling_rules.closed(
        "reject", Outcome.REJECTED, mine.assignment, mine.act, closing, comment=why, sent_back=sent
    )
    assignments = [
        ended if other.key == ended.key else other
        for other in transaction.assignments(mine.package)
    ]
    tasks = numbers_in(transaction.store, mine.package)
    back = rules.sent_back(job, mine.package, mine.act, sent=sent, tasks=tasks)
    members = _offered(transaction, job, back, assignments)
    after = recounted(transaction, job, rules.with_offers(back, members), assignments, new)
    stage = holding.stage_of(after)
    slots = [claiming.Slot(job, after, stage, member) for member in members]
    add: list[Entity] = [
        claiming.offer(slot, mine.act, id=transaction.new_id(Assignment, job.id)) for slot in slots
    ]
    save: list[Saved] = [(mine.package, after), (mine.assignment, ended)]
    for old, judgment in named:
        if old is None:
            add.append(judgment)
        else:
            save.append((old, judgment))
    save += counters
    data: dict[str, Any] = {"tasks": list(sent or tasks), "comment": why}
    data |= replaced(*(old for old, _ in named))
    if new:
        data["answered"] = [answer.task for answer in new]
    transaction.do(record(mine.act, "reject", about=ended, add=add, save=save, data=data))
    return transaction.as_stored(ended)


def _remarks(transaction: Transaction, mine: Held, wrong: Iterable[int]) -> list[str]:
    """Return the comments of the assignment's own judgments, each once."""
    wrong_here: dict[str, Any] = {
        "job": mine.job.id,
        "assignment": mine.assignment.id,
        "verdict": Verdict.WRONG,
    }
    own = Query(Answer, wrong_here, order=("task",))
    return list(
        dict.fromkeys(
            a.comment for a in transaction.store.find(own) if a.task in set(wrong) and a.comment
        )
    )


def _offered(
    transaction: Transaction, job: Job, package: Package, assignments: list[Assignment]
) -> list[Member]:
    """Return the members to whom the rework is offered: of its route, and still allowed."""
    stage = holding.stage_of(package)
    authors = rules.authors(job, package, assignments)
    held = {id: transaction.lock(Member, (id,), shared=True) for id in sorted(set(authors))}
    named = [held[id] for id in authors]
    able = [
        who
        for who in named
        if access.refusal(transaction.policy, who, Action.at(stage), job, stage) is None
    ]
    return able[: rules.slots(job, stage)]
