"""Inspection and acceptance: judge, modify, pass, send back."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from itagflow.claiming import rules as claiming
from itagflow.flow import _find
from itagflow.flow._act import Block
from itagflow.flow._answers import Answering, Desk, Replied, covered, fitted, put, replaced, sit_down
from itagflow.flow._cases import cases_in, numbers_in, said_about
from itagflow.flow._find import MemberRef, TaskRef, TurnRef, perhaps
from itagflow.flow._turns import Held, held_unless, left, passed, recounted, with_finish
from itagflow.model.entity import Entity
from itagflow.model.job import Job, Stage
from itagflow.model.package import Assignment, Outcome, Package
from itagflow.model.task import Answer, Task, Verdict
from itagflow.model.workspace import Member
from itagflow.rules import access, holding, labeling, reviewing
from itagflow.rules.access import Action
from itagflow.rules.change import Saved, record
from itagflow.rules.lifecycles import Closing, must_be_at
from itagflow.rules.results import judged_wrong
from itagflow.storage.port import Query

REVIEWS = (Stage.INSPECT, Stage.ACCEPT)
"""The stages at which work is reviewed."""


class Reviewing(Answering):
    """The verbs of the one who reviews."""

    def judge(self, turn: TurnRef, task: TaskRef, *, wrong: str | None = None, by: MemberRef | None = None) -> Answer:
        """Judge a task right, or wrong with a remark that its labeler will read.

        A new judgment replaces the old one, and what `modify` had said in this turn.

        Args:
            turn: A review turn that is held.
            task: A task in its scope.
            wrong: What is wrong; the task is right when not given.
            by: Who judges, when the turn comes from outside.

        Raises:
            InvalidData: when the remark is empty, or the task is not in the turn's scope.
            NotHeld: when the turn is not held, or not by the member *by*.
            WrongState: when the turn is at LABEL.
        """
        with self._acting() as block:
            desk, found, old = _look_at(block, turn, task, "judge", by)
            remark = "" if wrong is None else reviewing.needs_reason(f"the judgment of {found}", wrong)
            verdict = Verdict.RIGHT if wrong is None else Verdict.WRONG
            new = labeling.answer(desk.turn, found, desk.act, verdict=verdict, remark=remark)
            return put(block, "judge", desk, old, new, reason=remark)

    def modify(self, turn: TurnRef, task: TaskRef, reply: Replied, *, by: MemberRef | None = None) -> Answer:
        """Pass a task with the reviewer's own answer; the labeler's stays in the result of its stage.

        Raises:
            InvalidData: when the answer does not fit, or the task is not in the turn's scope.
            NotHeld: when the turn is not held, or not by the member *by*.
            WrongState: when the turn is at LABEL: `save` is the verb there.
        """
        self._check(turn, [(task, reply)], by)
        with self._acting() as block:
            desk, found, old = _look_at(block, turn, task, "modify", by)
            replies = fitted(desk.template, [found], [reply])[0]
            version = desk.template.version
            new = labeling.answer(
                desk.turn, found, desk.act, replies=replies, verdict=Verdict.RIGHT, template_version=version
            )
            return put(block, "modify", desk, old, new)

    def review(self, turn: TurnRef, *, by: MemberRef | None = None) -> Assignment:
        """Let a package pass at INSPECT; tasks without a judgment pass with it.

        Reviewing again what is reviewed changes nothing.

        Raises:
            Incomplete: when tasks stand judged wrong, or disputed ones are not decided; it lists them.
            NotHeld: when the turn is not held, or not by the member *by*.
            WrongState: when the turn is at another stage.
        """
        with self._acting() as block:
            return reviewed(block, "review", Outcome.REVIEWED, turn, by)

    def accept(self, turn: TurnRef, *, by: MemberRef | None = None) -> Assignment:
        """Let a package pass at ACCEPT; accepted work is locked.  Errors are those of `review`."""
        with self._acting() as block:
            return reviewed(block, "accept", Outcome.ACCEPTED, turn, by)

    def reject(
        self,
        turn: TurnRef,
        *,
        tasks: Iterable[TaskRef] | None = None,
        reason: str = "",
        by: MemberRef | None = None,
    ) -> Assignment:
        """Send tasks back: those that stand judged wrong, and the ones named; or else the whole package.

        Args:
            turn: A review turn that is held.
            tasks: More tasks of its scope, judged wrong with *reason*.
            reason: Why; required when tasks are named, or when none stands judged wrong and all go back.
            by: Who rejects, when the turn comes from outside.

        Raises:
            Incomplete: when everything is to go back without a reason.
            InvalidData: when tasks are named without a reason, or outside the turn's scope.
            NotHeld: when the turn is not held, or not by the member *by*.
            WrongState: when the turn is at LABEL.
        """
        with self._acting() as block:
            return rejected(block, turn, tasks, reason, by)


def reviewed(block: Block, verb: str, outcome: Outcome, turn: TurnRef, by: MemberRef | None) -> Assignment:
    """Let a package pass: what `Reviewing.review` and `Reviewing.accept` do."""
    mine = held_unless(block, turn, verb, outcome, by)
    if isinstance(mine, Assignment):
        return mine
    closing = Closing(turn=mine.turn, wrong=_wrong(block, mine), undecided=_undecided(block, mine))
    ended = labeling.closed(verb, outcome, mine.turn, mine.act, closing)
    turns = [ended if other.key == ended.key else other for other in block.turns(mine.package)]
    after = passed(block, mine, turns)
    save: list[Saved] = [(mine.package, after), (mine.turn, ended)]
    save += left(block, mine.job, mine.turn)
    save += with_finish(block, after)
    block.do(record(mine.act, verb, about=ended, save=save))
    return block.as_stored(ended)


def rejected(
    block: Block, turn: TurnRef, tasks: Iterable[TaskRef] | None, reason: str, by: MemberRef | None
) -> Assignment:
    """Send tasks back: what `Reviewing.reject` does."""
    mine = held_unless(block, turn, "reject", Outcome.REJECTED, by)
    if isinstance(mine, Assignment):
        return mine
    named = _named(block, mine, tasks, reason)
    return _send_back(block, mine, named, reason)


def _look_at(
    block: Block, turn: TurnRef, task: TaskRef, verb: str, by: MemberRef | None
) -> tuple[Desk, Task, Answer | None]:
    desk = sit_down(block, turn, verb, by)
    must_be_at(desk.turn, verb, *REVIEWS)
    found = covered(block, desk, task)
    return desk, found, perhaps(block.store, Answer, (*desk.turn.key, found.number))


def _wrong(block: Block, mine: Held, also: Iterable[Answer] = ()) -> tuple[int, ...]:
    """Return the tasks in the turn's scope that stand judged wrong, with the answers that are *also* to be said."""
    said = {answer.task: answer for answer in also}
    own = Query(Answer, {"job": mine.job.id, "assignment": mine.turn.id, "verdict": Verdict.WRONG})
    if not (said or mine.package.wrong or block.store.count(own)):
        return ()
    scope = numbers_in(block.store, mine.package) if mine.turn.scope is None else mine.turn.scope
    answers = said_about(block.store, mine.job.id, scope)
    for number, answer in said.items():
        answers[number][answer.assignment] = answer
    turns = block.turns(mine.package)
    return tuple(case.task for case in cases_in(mine.job, mine.package, turns, answers) if judged_wrong(case)[0])


def _undecided(block: Block, mine: Held) -> tuple[int, ...]:
    """Return the disputed tasks to which the reviewer has given no answer of their own."""
    disputes = mine.package.disputes
    if not disputes:
        return ()
    own = Query(Answer, {"job": mine.job.id, "assignment": mine.turn.id, "counts": True})
    decided = {answer.task for answer in block.store.find(own)}
    return tuple(task for task in disputes if task not in decided and task not in mine.package.erased)


def _named(
    block: Block, mine: Held, tasks: Iterable[TaskRef] | None, reason: str
) -> list[tuple[Answer | None, Answer]]:
    """Return the judgments of the tasks that a reject names, each with what it replaces."""
    refs = {_find.number_in(mine.job.id, task): task for task in tasks or ()}
    if not refs:
        return []
    why = reviewing.needs_reason("the reject", reason)
    checked = reviewing.tasks_of(mine.turn, list(refs), numbers_in(block.store, mine.package))
    judged = list[tuple[Answer | None, Answer]]()
    for number in checked:
        task = _find.stored_task(block.store, mine.job.id, refs[number])
        old = perhaps(block.store, Answer, (*mine.turn.key, number))
        judged.append((old, labeling.answer(mine.turn, task, mine.act, verdict=Verdict.WRONG, remark=why)))
    return [(old, new) for old, new in judged if not labeling.says_the_same(old, new)]


def _send_back(block: Block, mine: Held, named: list[tuple[Answer | None, Answer]], reason: str) -> Assignment:
    """End the turn with a reject, and offer the work to whom the rules say."""
    seats, new = left(block, mine.job, mine.turn), [answer for _, answer in named]
    job = block.hold(Job, mine.job.key, shared=True)  # offers are made, so it must stay as it is
    holding.must_be_working(job, "reject")
    wrong = _wrong(block, mine, new)
    closing = Closing(turn=mine.turn, wrong=wrong, reason=reason)
    sent = wrong or None
    why = reason or "; ".join(_remarks(block, mine, wrong))
    ended = labeling.closed("reject", Outcome.REJECTED, mine.turn, mine.act, closing, remark=why, sent_back=sent)
    turns = [ended if other.key == ended.key else other for other in block.turns(mine.package)]
    tasks = numbers_in(block.store, mine.package)
    back = reviewing.sent_back(job, mine.package, mine.act, sent=sent, tasks=tasks)
    members = _offered(block, job, back, turns)
    after = recounted(block, job, reviewing.with_offers(back, members), turns, new)
    stage = holding.stage_of(after)
    add: list[Entity] = [
        claiming.offer(job, after, member, mine.act, id=block.new_id(Assignment, job.id), stage=stage)
        for member in members
    ]
    save: list[Saved] = [(mine.package, after), (mine.turn, ended)]
    for old, judgment in named:
        if old is None:
            add.append(judgment)
        else:
            save.append((old, judgment))
    save += seats
    data: dict[str, Any] = {"tasks": list(sent or tasks), "reason": why, **replaced(*(old for old, _ in named))}
    if new:
        data["said"] = [answer.task for answer in new]
    block.do(record(mine.act, "reject", about=ended, add=add, save=save, data=data))
    return block.as_stored(ended)


def _remarks(block: Block, mine: Held, wrong: Iterable[int]) -> list[str]:
    """Return the remarks of the turn's own judgments, each once."""
    wrong_here: dict[str, Any] = {"job": mine.job.id, "assignment": mine.turn.id, "verdict": Verdict.WRONG}
    own = Query(Answer, wrong_here, order=("task",))
    return list(dict.fromkeys(a.remark for a in block.store.find(own) if a.task in set(wrong) and a.remark))


def _offered(block: Block, job: Job, package: Package, turns: list[Assignment]) -> list[Member]:
    """Return the members to whom the rework is offered: those of its route who may still work there."""
    stage = holding.stage_of(package)
    authors = reviewing.authors(job, package, turns)
    held = {id: block.hold(Member, (id,), shared=True) for id in sorted(set(authors))}
    named = [held[id] for id in authors]
    able = [who for who in named if access.refusal(block.policy, who, Action.at(stage), job, stage) is None]
    return able[: reviewing.slots(job, stage)]
