"""Saying something about a task: what labelers and reviewers share."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs

from itagflow.claiming import rules as claiming
from itagflow.errors import InvalidData, Problem
from itagflow.flow import _find
from itagflow.flow._act import Block, Shell
from itagflow.flow._find import MemberRef, TaskRef, TurnRef
from itagflow.model.job import Job
from itagflow.model.package import Assignment
from itagflow.model.reply import Replies, Reply
from itagflow.model.task import Answer, Task
from itagflow.model.template import Template
from itagflow.rules import answers, holding, labeling
from itagflow.rules.change import Act, Saved
from itagflow.storage import codec

Replied = Reply | Mapping[str, Reply]
"""Replies by question id, or the one reply to the only question."""


@attrs.frozen
class Desk:
    """A held turn with what its answers are checked against; only the turn is held."""

    job: Job
    """The job."""
    template: Template
    """What is asked."""
    turn: Assignment
    """The turn."""
    act: Act
    """Who acts: the holder."""

    def renewed(self) -> tuple[Saved, ...]:
        """Return the turn with its lease counted from now, where it has one."""
        turn = claiming.renew(self.job, self.turn, self.act)
        return () if turn is None else ((self.turn, turn),)


class Answering(Shell):
    """What labelers' and reviewers' verbs stand on."""

    def _check(self, turn: TurnRef, given: list[tuple[TaskRef, Replied]], by: MemberRef | None) -> None:
        """Ask the job's own check, outside of any block.

        Raises:
            NotHeld: when the turn is not that of the member *by*.
            InvalidData: when it names problems.
        """
        check = self._checks.get(_find.key_of(Assignment, turn)[0])
        if check is None:
            return
        with self.store.read() as reader:
            mine = _find.turn(reader, turn)
            job = reader.get(Job, (mine.job,))
            if by is not None:  # nobody else is told what is wrong with an answer
                holding.must_be_of(mine, _find.member(reader, job.workspace, by))
            template = reader.get(Template, (job.template,))
            tasks = [_find.task(reader, job.id, task) for task, _ in given]
        replies = fitted(template, tasks, [reply for _, reply in given])
        for task, said in zip(tasks, replies, strict=True):
            if problems := list(check(task, said)):
                raise InvalidData(f"the answer to {task}", problems)


def sit_down(block: Block, ref: TurnRef, verb: str, by: MemberRef | None) -> Desk:
    """Hold a turn, and only it, to say something in it.

    Raises:
        NotHeld: when it is not held, or not by the member *by*.
        NotAllowed: when its job does not let work go on, or the policy does not let its holder work there.
    """
    turn = _find.same(ref, block.hold(Assignment, _find.key_of(Assignment, ref)))
    job = block.store.get(Job, (turn.job,))
    act = block.holder(job, turn, verb, by)
    return Desk(job, block.cache.template(block.store, job), turn, act)


def fitted(template: Template, tasks: list[Task], given: list[Replied]) -> list[Replies]:
    """Return what was given as replies by question id.

    Raises:
        InvalidData: when something does not fit the template; it lists every problem.
    """
    found, problems = list[Replies](), list[Problem]()
    for task, reply in zip(tasks, given, strict=True):
        replies = answers.fitted(template, reply, task)
        wrong = answers.problems(template, replies, task)
        where = "" if len(tasks) == 1 else f"{task}, "
        problems += [Problem(where + problem.where, problem.reason) for problem in wrong]
        found.append(replies or {})
    if problems:
        what = f"the answer to {tasks[0]}" if len(tasks) == 1 else "the answers"
        raise InvalidData(what, problems)
    return found


def put(block: Block, verb: str, desk: Desk, old: Answer | None, new: Answer, *, reason: str = "") -> Answer:
    """Store what a turn now says about a task, unless it says so already, and return it as stored."""
    if old is not None and labeling.says_the_same(old, new):
        return old
    data = {"reason": reason} if reason else {}
    change = labeling.put(verb, desk.turn, old, new, desk.act, data={**data, **replaced(old)}, also=desk.renewed())
    block.do(change)
    return block.as_stored(new)


def replaced(*old: Answer | None) -> dict[str, Any]:
    """Return what the history keeps of answers that are replaced."""
    was = {str(answer.task): codec.to_json(answer) for answer in old if answer is not None}
    return {"was": was} if was else {}


def covered(block: Block, desk: Desk, ref: TaskRef) -> Task:
    """Return the task, which is in the scope of the turn.

    Raises:
        InvalidData: when it is not.
    """
    task = _find.task(block.store, desk.turn.job, ref)
    labeling.must_cover(desk.turn, task)
    return task
