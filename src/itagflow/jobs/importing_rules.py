"""Finished work from elsewhere: each stage's results as an assignment that ended with them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

import attrs

from itagflow.core.change import Act
from itagflow.labeling import rules as labeling_rules
from itagflow.lifecycle.tables import package_lifecycle
from itagflow.model.job import Job, Stage
from itagflow.model.package import Assignment, Outcome, Package
from itagflow.model.reply import Replies
from itagflow.model.task import Answer, Task, Verdict
from itagflow.prelabels.rules import assignment_of_nobody
from itagflow.results.rules import Case, counted, sort_assignments

OUTCOME = {
    Stage.LABEL: Outcome.IMPORTED,
    Stage.INSPECT: Outcome.REVIEWED,
    Stage.ACCEPT: Outcome.ACCEPTED,
}
"""How the assignment that holds a stage's results has ended."""
MISSING = "no result was imported"
"""Why a task without a result is abandoned: its job is finished, so nobody works on it."""

Read = Sequence[tuple[Task, Mapping[Stage, Replies]]]
"""The tasks of a package, each with the replies at the stages that it has a result of."""


def imported(
    job: Job, package: Package, read: Read, act: Act, ids: Sequence[int], *, template_version: int
) -> tuple[Package, tuple[Assignment, ...], tuple[Answer, ...]]:
    """Return *package* as it is when all was *read*, with the assignments and answers that say so.

    A review assignment holds an answer only where it differs from the stage before.  *ids* names an
    assignment for each stage; the results answer the template of this version.
    """
    stages = job.workflow.stages
    assignments = tuple(
        assignment_of_nobody(package, stage, OUTCOME[stage], None, act, id)
        for stage, id in zip(stages, ids, strict=True)
    )
    answers = {
        task.number: _answers(assignments, task, results, act, template_version)
        for task, results in read
    }
    lifecycle, state = package_lifecycle(job.workflow), package.state
    for _ in stages:
        state = lifecycle.advance(state, "pass", entity=str(package))
    done = attrs.evolve(package, state=state, free=0, waiting_since=act.at)
    cases = [
        Case(job, done, sort_assignments(assignments), {a.assignment: a for a in said}, n)
        for n, said in answers.items()
    ]
    return (
        counted(done, cases),
        assignments,
        tuple(answer for said in answers.values() for answer in said),
    )


def _answers(
    assignments: Sequence[Assignment],
    task: Task,
    results: Mapping[Stage, Replies],
    act: Act,
    version: int,
) -> list[Answer]:
    answer = partial(labeling_rules.make_answer, template_version=version)
    said, before = list[Answer](), None
    for assignment in assignments:
        replies = results.get(assignment.stage)
        if assignment.stage is Stage.LABEL:
            missing = MISSING if replies is None else None
            said.append(answer(assignment, task.number, act, replies=replies, abandoned=missing))
        elif replies is not None and replies != before:
            said.append(
                answer(assignment, task.number, act, replies=replies, verdict=Verdict.RIGHT)
            )
        before = before if replies is None else replies
    return said
