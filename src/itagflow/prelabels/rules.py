"""Pre-labels: what counts as labeled before anybody has labeled, and what is only shown."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

import attrs

from itagflow.errors import InvalidData, Problem
from itagflow.labeling import rules as labeling_rules
from itagflow.model.change import Context
from itagflow.model.copying import evolve
from itagflow.model.entity import Entity
from itagflow.model.job import Job, Stage
from itagflow.model.package import (
    Assignment,
    AssignmentState,
    Outcome,
    Package,
)
from itagflow.model.prelabel import Prediction, PreLabel, require_score
from itagflow.model.reply import Replies
from itagflow.model.task import Answer, Task
from itagflow.model.template import Template
from itagflow.model.text import find_text_error
from itagflow.results.rules import PRELABEL_OUTCOMES
from itagflow.reviewing import rules as reviewing_rules
from itagflow.validation import answers

MinConfidence = bool | float
"""Which pre-labels count as labeled: all, none, or those of at least this score from 0 to 1."""


def require_min_confidence(value: object) -> MinConfidence:
    """Return which pre-labels count as labeled, as it was given.

    Raises:
        InvalidData: when it is neither true, false nor a number from 0 to 1.
    """
    # first: a bool is no score
    if isinstance(value, bool):
        return value
    return require_score("the pre-labels", "min_confidence", value)


@attrs.frozen
class ModelName:
    """The model that a prediction comes from, with its version; both may be unknown."""

    model: str = ""
    """What it is called."""
    version: str = ""
    """Its version."""

    def __bool__(self) -> bool:
        return bool(self.model or self.version)

    @classmethod
    def of(cls, answer: Answer) -> ModelName:
        """Return the model that gave this prediction."""
        return cls(answer.model, answer.model_version)


def require_model_name(model: object, version: object) -> ModelName:
    """Return the model of a call.

    Raises:
        InvalidData: when one of the two is no text, or cannot be stored.
    """
    named = (("model", model), ("model_version", version))
    problems = [Problem(field, error) for field, text in named if (error := find_text_error(text))]
    if problems:
        raise InvalidData("the pre-labels", problems)
    return ModelName(str(model), str(version))


@attrs.frozen
class KnownPredictions:
    """What was predicted for one task before."""

    models: Collection[ModelName] = ()
    """The models that a prediction is there of."""
    is_accepted: bool = False
    """Whether the task counts as labeled by one of them."""

    def has(self, model: ModelName) -> bool:
        """Return whether nothing is to be stored of this model: the task is labeled, or has it."""
        return self.is_accepted or model in self.models

    def makes_needless(self, model: ModelName) -> bool:
        """Return whether a call for this *model* need not predict the task.

        A call that names no model fills in what no model has predicted: so a call that broke off
        can be made again, and asks the model for the rest only.
        """
        if not model:
            return self.is_accepted or bool(self.models)
        return self.has(model)


NOTHING_KNOWN = KnownPredictions()
"""What is known of a task for which nothing was predicted."""


def find_known_predictions(
    assignments: Iterable[Assignment], answers: Iterable[Answer]
) -> dict[int, KnownPredictions]:
    """Return what was predicted before, by task; *answers* are those of the *assignments*."""
    outcomes = {
        assignment.id: assignment.outcome
        for assignment in assignments
        if assignment.outcome in PRELABEL_OUTCOMES
    }
    models, accepted = defaultdict[int, set[ModelName]](set), set[int]()
    for answer in answers:
        if answer.assignment not in outcomes:
            continue
        models[answer.task].add(ModelName.of(answer))
        if outcomes[answer.assignment] is Outcome.PRELABELED:
            accepted.add(answer.task)
    return {
        task: KnownPredictions(frozenset(names), task in accepted) for task, names in models.items()
    }


@attrs.frozen
class ValidPrelabel:
    """A pre-label that fits its task."""

    task: Task
    """The task."""
    replies: Replies
    """The replies by question id."""
    score: float | None
    """How sure the model is."""
    model: ModelName
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
    template: Template, task: Task, prediction: Prediction, model: ModelName
) -> ValidPrelabel | list[Problem] | None:
    """Return the valid pre-label of *task*, its problems, or None when nothing was predicted."""
    if prediction is None:
        return None
    if isinstance(prediction, Problem):
        return [prediction]
    # with the paths that a source has found, and not as one message
    if isinstance(prediction, InvalidData):
        return place_problems(task, prediction.problems)
    # its type too: many messages say nothing alone, such as that of a KeyError
    if isinstance(prediction, Exception):
        return [Problem(str(task), f"the model failed: {type(prediction).__name__}: {prediction}")]
    prelabel = prediction
    if not isinstance(prelabel, PreLabel):
        prelabel = PreLabel(prelabel)
    replies = answers.normalize_replies(template, prelabel.replies, task)
    problems = place_problems(task, answers.find_problems(template, replies, task))
    if problems:
        return problems
    # each by itself: a model may know its version and leave its name to the caller
    name = ModelName(prelabel.model or model.model, prelabel.model_version or model.version)
    return ValidPrelabel(task, replies or {}, prelabel.score, name, template.version)


def place_problems(task: Task, problems: Iterable[Problem]) -> list[Problem]:
    """Return what is wrong with a prediction, with the task that it is for."""
    return [Problem(f"{task}, {problem.where}", problem.reason) for problem in problems]


@attrs.frozen
class SortedPrelabels:
    """The pre-labels of one package, by what becomes of them."""

    accepted: Sequence[ValidPrelabel]
    """Those that count as labeled."""
    suggested: Sequence[ValidPrelabel]
    """Those that people see, and correct."""
    already_predicted: int = 0
    """How many are of tasks that were labeled, or predicted by the same model, meanwhile."""
    erased: int = 0
    """How many are of tasks that were erased meanwhile."""
    newly_predicted: int = 0
    """How many of the tasks had no prediction before."""

    @property
    def stored(self) -> Sequence[ValidPrelabel]:
        """Those that are stored."""
        return [*self.accepted, *self.suggested]


def sort_prelabels(
    prelabels: Sequence[ValidPrelabel],
    package: Package,
    known: Mapping[int, KnownPredictions],
    min_confidence: MinConfidence,
) -> SortedPrelabels:
    """Return the pre-labels of *package* sorted out; *known* is what was predicted before."""
    accepted: list[ValidPrelabel] = []
    suggested: list[ValidPrelabel] = []
    already_predicted = erased = newly_predicted = 0
    for prelabel in prelabels:
        number = prelabel.task.number
        # the model ran outside of any transaction: the task may be erased, or predicted by another
        # process, since it was read
        if number in package.excluded:
            erased += 1
            continue
        if known.get(number, NOTHING_KNOWN).has(prelabel.model):
            already_predicted += 1
            continue
        if number not in known:
            newly_predicted += 1
        if prelabel.is_accepted(min_confidence):
            accepted.append(prelabel)
        else:
            suggested.append(prelabel)
    return SortedPrelabels(accepted, suggested, already_predicted, erased, newly_predicted)


def sort_prelabel(prelabel: ValidPrelabel, min_confidence: MinConfidence) -> SortedPrelabels:
    """Return the only pre-label of a package that is new, sorted out."""
    if prelabel.is_accepted(min_confidence):
        return SortedPrelabels([prelabel], [], newly_predicted=1)
    return SortedPrelabels([], [prelabel], newly_predicted=1)


def is_untouched(package: Package) -> bool:
    """Return whether nobody works, or has worked, on *package*: only then it gets pre-labels."""
    is_first_round = package.stage is Stage.LABEL and package.round == 1
    return is_first_round and package.free == reviewing_rules.slots(package, Stage.LABEL)


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
    # Always new assignments, also where the package has some with predictions of another model:
    # what was predicted once is never changed.
    added: list[Entity] = []
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
    # it counts tasks, and not their predictions: those that had one before are counted already
    prelabeled = package.prelabeled + sorted_out.newly_predicted
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
    return reviewing_rules.pass_package(job, package, ctx, tasks=tasks)


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
    model = prelabel.model
    return evolve(answer, score=prelabel.score, model=model.model, model_version=model.version)


def describe_predictions(prelabels: Sequence[ValidPrelabel]) -> dict[str, Any]:
    """Return what an event says of predictions, by task number: model, version and score.

    The replies are in the answers, which are never replaced.
    """
    return {str(prelabel.task.number): _describe_prediction(prelabel) for prelabel in prelabels}


def _describe_prediction(prelabel: ValidPrelabel) -> dict[str, Any]:
    fields = {
        "model": prelabel.model.model,
        "model_version": prelabel.model.version,
        "score": prelabel.score,
    }
    # what is not known is left out: an event names every task of a package
    return {name: value for name, value in fields.items() if value not in ("", None)}
