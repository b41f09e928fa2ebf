"""Pre-labels: what counts as labeled before anybody has labeled, and what is only shown."""

from __future__ import annotations

import math
from collections.abc import Sequence

import attrs

from itagflow.core.change import Act
from itagflow.errors import InvalidData, Problem
from itagflow.labeling import rules as labeling_rules
from itagflow.model.entity import Entity
from itagflow.model.job import Job, Stage
from itagflow.model.package import (
    Assignment,
    AssignmentState,
    Outcome,
    Package,
)
from itagflow.model.prelabel import Prediction, PreLabel
from itagflow.model.reply import Replies
from itagflow.model.task import Answer, Task
from itagflow.model.template import Template
from itagflow.model.text import flaw
from itagflow.results.rules import GIVEN
from itagflow.reviewing import rules as reviewing_rules
from itagflow.validation import answers

MinConfidence = bool | float
"""Which pre-labels count as labeled: all, none, or those of at least this score."""


@attrs.frozen
class Sound:
    """A pre-label that fits its task."""

    task: Task
    """The task."""
    replies: Replies
    """The replies by question id."""
    score: float | None
    """How sure the model is."""
    model: str
    """The model."""
    template_version: int
    """The version of the template that it fits."""

    def is_accepted(self, min_confidence: MinConfidence) -> bool:
        """Return whether it counts as labeled."""
        if isinstance(min_confidence, bool):
            return min_confidence
        return self.score is not None and self.score >= min_confidence


def sound(
    template: Template, task: Task, said: Prediction, model: str
) -> Sound | list[Problem] | None:
    """Return the valid pre-label of *task*, its problems, or None when nothing was predicted."""
    if said is None:
        return None
    if isinstance(said, Problem):
        return [said]
    if isinstance(said, InvalidData):
        return [Problem(f"{task}, {problem.where}", problem.reason) for problem in said.problems]
    if isinstance(said, Exception):
        return [Problem(str(task), f"the model failed: {type(said).__name__}: {said}")]
    given = said if isinstance(said, PreLabel) else PreLabel(said)
    replies = answers.fitted(template, given.replies, task)
    problems = [
        Problem(f"{task}, {problem.where}", problem.reason)
        for problem in answers.problems(template, replies, task)
    ]
    if given.score is not None and not math.isfinite(given.score):
        problems.append(Problem(f"{task}, score", f"must be a finite number, not {given.score!r}"))
    if wrong := flaw(name := given.model or model):
        problems.append(Problem(f"{task}, model", wrong))
    return problems or Sound(task, replies or {}, given.score, name, template.version)


def is_untouched(job: Job, package: Package) -> bool:
    """Return whether nobody works, or has worked, on *package*: only then can pre-labels come."""
    first = package.stage is Stage.LABEL and package.round == 1
    return first and package.free == reviewing_rules.slots(job, Stage.LABEL)


def has_prelabel(task: Task, assignments: Sequence[Assignment]) -> bool:
    """Return whether *task* has a pre-label already; *assignments* are those of its package."""
    return any(
        assignment.outcome in GIVEN and assignment.covers(task.number) for assignment in assignments
    )


def prelabeled(
    job: Job,
    package: Package,
    tasks: Sequence[int],
    counting: Sequence[Sound],
    showing: Sequence[Sound],
    act: Act,
    ids: tuple[int, int],
) -> tuple[Package, tuple[Entity, ...]]:
    """Return *package* with its pre-labels, and the assignments and answers that hold them.

    Those that are *counting* take their tasks out of what is left to label of its *tasks*; when
    nothing is left, the package passes.
    """
    added = list[Entity]()
    for outcome, said, id in (
        (Outcome.PRELABELED, counting, ids[0]),
        (Outcome.SUGGESTED, showing, ids[1]),
    ):
        if said:
            assignment = assignment_of_nobody(
                package, Stage.LABEL, outcome, tuple(sure.task.number for sure in said), act, id
            )
            added += [assignment, *(_answer(assignment, sure, act) for sure in said)]
    number = package.prelabeled + len(counting) + len(showing)
    return attrs.evolve(_left(job, package, tasks, counting, act), prelabeled=number), tuple(added)


def _left(
    job: Job, package: Package, tasks: Sequence[int], counting: Sequence[Sound], act: Act
) -> Package:
    if not counting:
        return package
    high_water_mark = {sure.task.number for sure in counting}
    left = tuple(
        task
        for task in (tasks if package.scope is None else package.scope)
        if task not in high_water_mark
    )
    if left:
        return attrs.evolve(package, scope=left)
    return reviewing_rules.passed(job, package, act, tasks=tasks, first=True)


def assignment_of_nobody(
    package: Package,
    stage: Stage,
    outcome: Outcome,
    scope: tuple[int, ...] | None,
    act: Act,
    id: int,
) -> Assignment:
    """Return an assignment without a member that has ended with this outcome."""
    return Assignment(
        job=package.job,
        id=id,
        package=package.number,
        stage=stage,
        round=package.round,
        member=None,
        state=AssignmentState.DONE,
        made_at=act.at,
        scope=scope,
        outcome=outcome,
        ended_at=act.at,
    )


def _answer(assignment: Assignment, sure: Sound, act: Act) -> Answer:
    said = labeling_rules.answer(
        assignment, sure.task, act, replies=sure.replies, template_version=sure.template_version
    )
    return attrs.evolve(said, score=sure.score, model=sure.model)
