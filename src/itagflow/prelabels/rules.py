"""Pre-labels: what counts as labeled before anybody has labeled, and what is only shown."""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Real
from typing import Any

import attrs

from itagflow.core.change import Context
from itagflow.errors import InvalidData, Problem
from itagflow.labeling import rules as labeling_rules
from itagflow.model.entity import Entity, evolve
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
from itagflow.model.text import find_text_error, format_value
from itagflow.results.rules import PRELABEL_OUTCOMES
from itagflow.reviewing import rules as reviewing_rules
from itagflow.validation import answers

MinConfidence = bool | float
"""Which pre-labels count as labeled: all, none, or those of at least this score."""


@attrs.frozen
class ValidPrelabel:
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
        # first: a bool is a number too, and True would ask for a score of 1
        if isinstance(min_confidence, bool):
            return min_confidence
        return self.score is not None and self.score >= min_confidence


def validate_prelabel(
    template: Template, task: Task, prediction: Prediction, model: str
) -> ValidPrelabel | list[Problem] | None:
    """Return the valid pre-label of *task*, its problems, or None when nothing was predicted."""
    if prediction is None:
        return None
    if isinstance(prediction, Problem):
        return [prediction]
    # with the paths that a source has found, and not as one message
    if isinstance(prediction, InvalidData):
        return [
            Problem(f"{task}, {problem.where}", problem.reason) for problem in prediction.problems
        ]
    # its type too: many messages say nothing alone, such as that of a KeyError
    if isinstance(prediction, Exception):
        return [Problem(str(task), f"the model failed: {type(prediction).__name__}: {prediction}")]
    prelabel = prediction
    if not isinstance(prelabel, PreLabel):
        prelabel = PreLabel(prelabel)
    replies = answers.normalize_replies(template, prelabel.replies, task)
    problems = [
        Problem(f"{task}, {problem.where}", problem.reason)
        for problem in answers.find_problems(template, replies, task)
    ]
    score = parse_score(prelabel.score)
    if prelabel.score is not None and score is None:
        reason = f"must be a number from 0 to 1, not {format_value(prelabel.score)}"
        problems.append(Problem(f"{task}, score", reason))
    name = prelabel.model or model
    if error := find_text_error(name):
        problems.append(Problem(f"{task}, model", error))
    if problems:
        return problems
    return ValidPrelabel(task, replies or {}, score, name, template.version)


def parse_score(score: object) -> float | None:
    """Return how sure a source is as a float from 0 to 1; None when it is no such number.

    >>> parse_score(1), parse_score(True), parse_score(12)
    (1.0, None, None)
    """
    if isinstance(score, bool) or not isinstance(score, Real):
        return None
    number: Any = score  # also of NumPy
    # NaN is in no range
    if not 0 <= number <= 1:
        return None
    return float(number)


@attrs.frozen
class SortedPrelabels:
    """The pre-labels of one package, by what becomes of them."""

    accepted: Sequence[ValidPrelabel]
    """Those that count as labeled."""
    suggested: Sequence[ValidPrelabel]
    """Those that people see, and correct."""


def sort_prelabels(
    prelabels: Sequence[ValidPrelabel], package: Package, min_confidence: MinConfidence
) -> SortedPrelabels:
    """Return the pre-labels of *package* sorted out, without those of tasks that were erased."""
    # erased while the model was running, outside of any transaction
    current = [prelabel for prelabel in prelabels if prelabel.task.number not in package.erased]
    return SortedPrelabels(
        [prelabel for prelabel in current if prelabel.is_accepted(min_confidence)],
        [prelabel for prelabel in current if not prelabel.is_accepted(min_confidence)],
    )


def is_untouched(job: Job, package: Package) -> bool:
    """Return whether nobody works, or has worked, on *package*: only then it gets pre-labels."""
    is_first_round = package.stage is Stage.LABEL and package.round == 1
    return is_first_round and package.free == reviewing_rules.slots(job, Stage.LABEL)


def has_prelabel(task: Task, assignments: Sequence[Assignment]) -> bool:
    """Return whether *task* has a pre-label already; *assignments* are those of its package."""
    return any(
        assignment.outcome in PRELABEL_OUTCOMES and assignment.covers(task.number)
        for assignment in assignments
    )


def with_prelabels(
    job: Job,
    package: Package,
    tasks: Sequence[int],
    sorted_out: SortedPrelabels,
    ctx: Context,
    ids: tuple[int, int],
) -> tuple[Package, tuple[Entity, ...]]:
    """Return *package* with its pre-labels, and the assignments and answers that hold them.

    Accepted ones take their tasks out of what is left to label of its *tasks*; when nothing is
    left, the package passes.
    """
    accepted, suggested = sorted_out.accepted, sorted_out.suggested
    added = list[Entity]()
    for outcome, prelabels, id in (
        (Outcome.PRELABELED, accepted, ids[0]),
        (Outcome.SUGGESTED, suggested, ids[1]),
    ):
        # without pre-labels no assignment: an empty scope would be one more row for nothing
        if prelabels:
            scope = tuple(prelabel.task.number for prelabel in prelabels)
            assignment = make_memberless_assignment(package, Stage.LABEL, outcome, scope, ctx, id)
            added.append(assignment)
            added += [_build_answer(assignment, prelabel, ctx) for prelabel in prelabels]
    after = _without_accepted(job, package, tasks, accepted, ctx)
    # a package can be pre-labeled several times, each time other tasks of it
    prelabeled = package.prelabeled + len(accepted) + len(suggested)
    return evolve(after, prelabeled=prelabeled), tuple(added)


def _without_accepted(
    job: Job,
    package: Package,
    tasks: Sequence[int],
    accepted: Sequence[ValidPrelabel],
    ctx: Context,
) -> Package:
    if not accepted:
        return package
    accepted_tasks = {prelabel.task.number for prelabel in accepted}
    due = tasks
    if package.scope is not None:
        due = package.scope
    remaining = tuple(task for task in due if task not in accepted_tasks)
    if remaining:
        return evolve(package, scope=remaining)
    return reviewing_rules.pass_package(job, package, ctx, tasks=tasks, first=True)


def make_memberless_assignment(
    package: Package,
    stage: Stage,
    outcome: Outcome,
    scope: tuple[int, ...] | None,
    ctx: Context,
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
        made_at=ctx.at,
        scope=scope,
        outcome=outcome,
        ended_at=ctx.at,
    )


def _build_answer(assignment: Assignment, prelabel: ValidPrelabel, ctx: Context) -> Answer:
    answer = labeling_rules.make_answer(
        assignment,
        prelabel.task.number,
        ctx,
        replies=prelabel.replies,
        template_version=prelabel.template_version,
    )
    return evolve(answer, score=prelabel.score, model=prelabel.model)
