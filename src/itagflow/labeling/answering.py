"""Saying something about a task: what labelers and reviewers share."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs

from itagflow.claiming import rules as claiming
from itagflow.core import holding, lookup
from itagflow.core.change import Act, Saved
from itagflow.core.engine import Engine
from itagflow.core.lookup import AssignmentRef, MemberRef, TaskRef
from itagflow.core.transaction import Transaction
from itagflow.errors import InvalidData, Problem
from itagflow.labeling import rules
from itagflow.model.job import Job
from itagflow.model.package import Assignment
from itagflow.model.reply import Replies, Reply
from itagflow.model.task import Answer, Task
from itagflow.model.template import Template
from itagflow.storage import codec
from itagflow.validation import answers

Replied = Reply | Mapping[str, Reply]
"""Replies by question id, or the one reply to the only question."""


@attrs.frozen
class Desk:
    """A held assignment with what its answers are checked against; only the assignment is held."""

    job: Job
    """The job."""
    template: Template
    """What is asked."""
    assignment: Assignment
    """The assignment."""
    act: Act
    """Who acts: the holder."""

    def renewed(self) -> tuple[Saved, ...]:
        """Return the assignment with its lease counted from now, where it has one."""
        assignment = claiming.renew(self.job, self.assignment, self.act)
        return () if assignment is None else ((self.assignment, assignment),)


def run_validator(
    engine: Engine,
    assignment: AssignmentRef,
    given: list[tuple[TaskRef, Replied]],
    by: MemberRef | None,
) -> None:
    """Ask the job's own check, outside of any transaction.

    Raises:
        NotHeld: when the assignment is not that of the member *by*.
        InvalidData: when it names problems.
    """
    check = engine.validators.get(lookup.key_of(Assignment, assignment)[0])
    if check is None:
        return
    with engine.store.read() as reader:
        mine = lookup.assignment(reader, assignment)
        job = reader.get(Job, (mine.job,))
        if by is not None:  # nobody else is told what is wrong with an answer
            holding.must_be_of(mine, lookup.member(reader, job.workspace, by))
        template = reader.get(Template, (job.template,))
        tasks = [lookup.task(reader, job.id, task) for task, _ in given]
    replies = fitted(template, tasks, [reply for _, reply in given])
    for task, said in zip(tasks, replies, strict=True):
        if problems := list(check(task, said)):
            raise InvalidData(f"the answer to {task}", problems)


def sit_down(transaction: Transaction, ref: AssignmentRef, verb: str, by: MemberRef | None) -> Desk:
    """Hold an assignment, and only it, to say something in it.

    Raises:
        NotHeld: when it is not held, or not by the member *by*.
        NotAllowed: when its job does not let work go on, or the policy does not let its holder work
            there.
    """
    assignment = lookup.require_same(
        ref, transaction.lock(Assignment, lookup.key_of(Assignment, ref))
    )
    job = transaction.store.get(Job, (assignment.job,))
    act = transaction.holder(job, assignment, verb, by)
    return Desk(job, transaction.cache.template(transaction.store, job), assignment, act)


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


def put(
    transaction: Transaction,
    verb: str,
    desk: Desk,
    old: Answer | None,
    new: Answer,
    *,
    data: Mapping[str, Any] | None = None,
) -> Answer:
    """Store an assignment's answer to a task, unless it is unchanged, and return it as stored."""
    if old is not None and rules.says_the_same(old, new):
        return old
    change = rules.put(
        verb,
        desk.assignment,
        old,
        new,
        desk.act,
        data={**(data or {}), **replaced(old)},
        also=desk.renewed(),
    )
    transaction.do(change)
    return transaction.as_stored(new)


def replaced(*old: Answer | None) -> dict[str, Any]:
    """Return what the history keeps of answers that are replaced."""
    was = {str(answer.task): codec.to_json(answer) for answer in old if answer is not None}
    return {"previous": was} if was else {}


def covered(transaction: Transaction, desk: Desk, ref: TaskRef) -> Task:
    """Return the task, which is in the scope of the assignment.

    Raises:
        InvalidData: when it is not.
    """
    task = lookup.task(transaction.store, desk.assignment.job, ref)
    rules.must_cover(desk.assignment, task)
    return task
