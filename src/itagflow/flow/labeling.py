"""Inside a turn: see its tasks, answer them, give one up, submit."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, cast

from itagflow.flow import _find
from itagflow.flow._access import access_of
from itagflow.flow._act import Block
from itagflow.flow._answers import Answering, Desk, Replied, covered, fitted, put, replaced, sit_down
from itagflow.flow._cases import cases_of, numbers_in, said_about
from itagflow.flow._find import MemberRef, TaskRef, TurnRef, perhaps, turned
from itagflow.flow._turns import Held, held_unless, left, passed, recounted, with_finish
from itagflow.model.entity import Entity
from itagflow.model.job import Job, Stage
from itagflow.model.package import Assignment, Outcome, Package
from itagflow.model.task import Answer, Task, Verdict, Work
from itagflow.model.template import Template
from itagflow.rules import holding, labeling, results
from itagflow.rules.change import Saved, record
from itagflow.rules.lifecycles import Closing, must_be_at
from itagflow.storage.port import Query, Reader, Span

PAGE = 100
"""How many tasks of a turn are fetched in one read block."""


class Labeling(Answering):
    """The verbs of the one who holds a turn."""

    def tasks(self, turn: TurnRef, *, by: MemberRef | None = None) -> Iterator[Work]:
        """Yield the tasks of a turn, in order, each with all that its holder needs to see.

        Args:
            turn: A turn; for a member it must be offered or held, or have ended with its work.
            by: Who reads, when the turn comes from outside: asked again for every page.

        Raises:
            NotHeld: when *by* is not the turn's member, or the turn was given back or taken from them.
            NotAllowed: when *by* may not read there, or was removed.
        """
        with self.store.read() as reader:
            self._must_show(reader, turn, by)

        def page(reader: Reader, after: int) -> tuple[list[Work], int | None]:
            now, job = self._must_show(reader, turn, by)
            tasks = _tasks_after(reader, now, after)
            works = [
                results.work(case, now, task) for case, task in zip(cases_of(reader, job, tasks), tasks, strict=True)
            ]
            return works, tasks[-1].number if len(tasks) == PAGE else None

        return turned(self.store, page, 0)

    def _must_show(self, reader: Reader, ref: TurnRef, by: MemberRef | None) -> tuple[Assignment, Job]:
        """Return a turn and its job as they are now, after checking that *by* may see its tasks."""
        turn = _find.turn(reader, ref)
        job = reader.get(Job, (turn.job,))
        seeing = access_of(reader, self.policy, job.workspace, by)
        if seeing.who is not None:
            holding.must_be_of(turn, seeing.who)
            holding.must_not_be_returned(turn)
            seeing.must("tasks", job, own=True)
        return turn, job

    def save(self, turn: TurnRef, task: TaskRef, reply: Replied, *, by: MemberRef | None = None) -> Answer:
        """Save the answer to a task and return it as stored; saving again replaces it.

        The same answer once more changes nothing, so a client may resend it.  Every save renews the lease.

        Args:
            turn: A turn at LABEL that is held.
            task: A task in its scope.
            reply: The replies by question id, or the reply to the only question.
            by: Who saves, when the turn comes from outside.

        Raises:
            InvalidData: when the answer does not fit the template or the job's own check, or the task is not
                in the turn's scope; it lists every problem.
            NotHeld: when the turn is not held, or not by the member *by*.
            WrongState: when the turn is at a review stage: `modify` is the verb there.
        """
        return self._save_all("save", turn, [(task, reply)], by)[0]

    def save_many(
        self,
        turn: TurnRef,
        replies: Mapping[int, Replied] | Iterable[tuple[TaskRef, Replied]],
        *,
        by: MemberRef | None = None,
    ) -> list[Answer]:
        """Save the answers to several tasks, all or none, as one act; errors are those of `save`."""
        pairs = cast("Mapping[int, Replied]", replies).items() if isinstance(replies, Mapping) else replies
        return self._save_all("save", turn, list[tuple[TaskRef, Replied]](pairs), by)

    def abandon(self, turn: TurnRef, task: TaskRef, reason: str, *, by: MemberRef | None = None) -> Answer:
        """Give a task up, with a reason; what was saved stays with it, and `restore` brings it back.

        Raises:
            InvalidData: when the reason is empty or not one of the template's.
            NotHeld: when the turn is not held, or not by the member *by*.
        """
        with self._acting() as block:
            desk = sit_down(block, turn, "abandon", by)
            found = covered(block, desk, task)
            old = perhaps(block.store, Answer, (*desk.turn.key, found.number))
            why = labeling.abandon_reason(desk.template, reason)
            kept = old.replies if old else None
            version = old.template_version if old else 0
            verdict = None if desk.turn.stage is Stage.LABEL else Verdict.RIGHT
            new = labeling.answer(
                desk.turn, found, desk.act, replies=kept, abandoned=why, verdict=verdict, template_version=version
            )
            return put(block, "abandon", desk, old, new, reason=why)

    def restore(self, turn: TurnRef, task: TaskRef, *, by: MemberRef | None = None) -> Answer:
        """Take back that a task was given up: one's own word, or in review the labeler's.

        Raises:
            Incomplete: when the task is not abandoned, or the labeler had saved nothing: then `modify` it.
            NotHeld: when the turn is not held, or not by the member *by*.
        """
        with self._acting() as block:
            desk = sit_down(block, turn, "restore", by)
            found = covered(block, desk, task)
            old = perhaps(block.store, Answer, (*desk.turn.key, found.number))
            given_up = old
            if desk.turn.stage is not Stage.LABEL and not (old and old.dropped):
                given_up = results.shown_at(next(cases_of(block.store, desk.job, [found])), desk.turn.stage)
            replies = labeling.restored(given_up, found, review=desk.turn.stage is not Stage.LABEL)
            verdict = Verdict.RIGHT if replies is not None and desk.turn.stage is not Stage.LABEL else None
            version = given_up.template_version if given_up else 0
            new = labeling.answer(
                desk.turn, found, desk.act, replies=replies, verdict=verdict, template_version=version
            )
            return put(block, "restore", desk, old, new)

    def submit(self, turn: TurnRef, *, by: MemberRef | None = None) -> Assignment:
        """Hand a labeled package in; when every vote is in, it moves to the next stage.

        Submitting again what is submitted changes nothing.

        Raises:
            Incomplete: when tasks are neither answered nor abandoned; it lists them.
            NotHeld: when the turn is not held, or not by the member *by*.
            WrongState: when the turn is at a review stage: `review` or `accept` it.
        """
        with self._acting() as block:
            mine = held_unless(block, turn, "submit", Outcome.SUBMITTED, by)
            if isinstance(mine, Assignment):
                return mine
            closing = Closing(turn=mine.turn, missing=_missing(block, mine))
            ended = labeling.closed("submit", Outcome.SUBMITTED, mine.turn, mine.act, closing)
            turns = [ended if other.key == ended.key else other for other in block.turns(mine.package)]
            add, save = list[Entity](), list[Saved]()
            seats = left(block, mine.job, mine.turn)
            if mine.package.free or any(other.live for other in turns):
                after = recounted(block, mine.job, mine.package, turns, passing=mine.turn)
            else:
                after, added = _with_all_votes(block, mine, ended, turns)
                add += added
            if after != mine.package:
                save.append((mine.package, after))
            save += with_finish(block, after)
            save.append((mine.turn, ended))
            save += seats
            block.do(record(mine.act, "submit", about=ended, add=add, save=save))
            return block.as_stored(ended)

    def _save_all(
        self, verb: str, turn: TurnRef, given: list[tuple[TaskRef, Replied]], by: MemberRef | None
    ) -> list[Answer]:
        self._check(turn, given, by)
        with self._acting() as block:
            desk = sit_down(block, turn, verb, by)
            must_be_at(desk.turn, verb, Stage.LABEL)
            tasks = [covered(block, desk, task) for task, _ in given]
            labeling.must_be_different(tasks)
            replies = fitted(desk.template, tasks, [reply for _, reply in given])
            version = desk.template.version
            new = [
                labeling.answer(desk.turn, task, desk.act, replies=said, template_version=version)
                for task, said in zip(tasks, replies, strict=True)
            ]
            old = [perhaps(block.store, Answer, answer.key) for answer in new]
            if len(new) == 1:
                return [put(block, verb, desk, old[0], new[0])]
            return _put_all(block, verb, desk, old, new)


def _put_all(block: Block, verb: str, desk: Desk, old: list[Answer | None], new: list[Answer]) -> list[Answer]:
    pairs = list(zip(old, new, strict=True))
    fresh = [(was, now) for was, now in pairs if not labeling.says_the_same(was, now)]
    if fresh:
        data = {"said": [now.task for _, now in fresh], **replaced(*(was for was, _ in fresh))}
        block.do(labeling.put_all(verb, desk.turn, fresh, desk.act, data=data, also=desk.renewed()))
    return [was if was and labeling.says_the_same(was, now) else block.as_stored(now) for was, now in pairs]


def _tasks_after(reader: Reader, turn: Assignment, after: int) -> list[Task]:
    where: dict[str, Any] = {"job": turn.job, "package": turn.package, "number": Span(after + 1, None)}
    if turn.scope is not None:
        where["number"] = tuple(number for number in turn.scope if number > after)[:PAGE]
    return list(reader.find(Query(Task, where, order=("number",), limit=PAGE)))


def _missing(block: Block, mine: Held) -> tuple[int, ...]:
    """Return the tasks that the turn has not settled; they are only looked for if the number is not right."""
    turn = mine.turn
    size = mine.package.size if turn.scope is None else len(turn.scope)
    if sum(number for (counts, *_), number in block.said(turn).items() if counts) == size:
        return ()
    settled = Query(Answer, {"job": turn.job, "assignment": turn.id, "counts": True})
    scope = numbers_in(block.store, mine.package) if turn.scope is None else turn.scope
    answered = {answer.task for answer in block.store.find(settled)}
    return tuple(number for number in scope if number not in answered)


def _with_all_votes(
    block: Block, mine: Held, ended: Assignment, turns: list[Assignment]
) -> tuple[Package, list[Entity]]:
    """Return the package when the last turn of LABEL is in, and what is added: the merged votes, if there are some."""
    if mine.job.workflow.label.votes == 1:
        return passed(block, mine, turns, disputes=mine.package.disputes), []
    merged, answers = _merged(block, mine, ended, turns)
    again = {answer.task for answer in answers}
    disputed = {answer.task for answer in answers if answer.disputed}
    disputed.update(task for task in mine.package.disputes if task not in again)
    after = passed(block, mine, [*turns, merged], answers, tuple(sorted(disputed)))
    return after, [merged, *answers]


def _merged(
    block: Block, mine: Held, ended: Assignment, turns: list[Assignment]
) -> tuple[Assignment, tuple[Answer, ...]]:
    scope = numbers_in(block.store, mine.package) if ended.scope is None else ended.scope
    said = said_about(block.store, mine.job.id, scope)
    voters = [t.id for t in turns if t.round == ended.round and t.outcome is Outcome.SUBMITTED]
    votes = [[said[number][voter] for voter in voters if voter in said[number]] for number in scope]
    template = block.store.get(Template, (mine.job.template,))
    id = block.new_id(Assignment, mine.job.id)
    return labeling.merged(ended, votes, template, mine.job.workflow.label.min_votes, mine.act, id=id)
