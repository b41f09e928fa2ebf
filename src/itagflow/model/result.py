"""What comes out: the result of a task at each stage, who made it, and how far a job is."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, cast

import attrs

from itagflow.model.arguments import require_kind
from itagflow.model.became import Became
from itagflow.model.deferred import Deferred
from itagflow.model.enums import parse_enum_keys
from itagflow.model.job import STAGES, Stage
from itagflow.model.merging import MergeReport
from itagflow.model.number import require_whole_number, to_whole, validate_whole
from itagflow.model.package import Outcome, Package, PackageState, Purpose
from itagflow.model.plan import LotState
from itagflow.model.reply import Reply
from itagflow.model.task import Answer, Order, Task, TaskState, make_order
from itagflow.printing import format_count
from itagflow.reprs import show_line, show_replies

NOT_IMPORTED = "its result could not be imported"
"""Why a task is abandoned whose row came with a bad result; exports keep the result in the row."""


@attrs.frozen(kw_only=True, slots=False)
class StageResult:
    """What a task came out of one stage with."""

    stage: Stage
    """The stage."""
    replies: Mapping[str, Reply] | None = attrs.field(hash=False)
    """The replies by question id; None when the task is abandoned."""
    abandon_reason: str | None = None
    """Why it is abandoned, if it is."""
    round: int
    """The round that the task was labeled in."""
    member: int | None
    """Who gave the answer (at any stage up to this one); None for merged votes and pre-labels."""
    labeler: str = ""
    """Instead of the member for who reviews blind, such as ``labeler 1``."""
    disputed: tuple[str, ...] = ()
    """The questions that no vote has won and no reviewer has decided."""
    kept: tuple[str, ...] = ()
    """The questions whose replies are all kept, and no reviewer has picked one: see the votes."""
    merge: MergeReport | None = None
    """Who voted, by which rules, and how sure each reply is; None for the answer of one person."""
    inspected: bool = True
    """Whether the task was in the reviewer's sample, or only passed with its package."""
    order: Order = attrs.field(factory=make_order, hash=False)
    """The options as their author saw them: see `Answer.order`."""
    decided_by: str = ""
    """``timeout`` when it is the default answer of a task that was overdue; else empty."""

    @property
    def is_not_imported(self) -> bool:
        """Whether there is a result in the row that could not be imported."""
        # a member may write the same words as a reason, and means a task that they gave up
        return self.member is None and self.abandon_reason == NOT_IMPORTED

    def __repr__(self) -> str:
        abandoned = "abandoned" if self.abandon_reason is not None else ""
        return show_line(self, self.stage.name, abandoned or show_replies(self.replies))


@attrs.frozen(kw_only=True)
class Provenance:
    """One closed assignment that a task went through."""

    stage: Stage
    """The kind of work."""
    round: int
    """The round."""
    member: int | None
    """Who did it; None for merged votes and pre-labels."""
    outcome: Outcome
    """How the assignment ended."""
    inspected: bool
    """Whether the task was in the assignment's scope."""
    at: datetime
    """When the assignment ended."""
    labeler: str = ""
    """Instead of the member for who reviews blind, such as ``labeler 1``."""
    purpose: Purpose = Purpose.LABEL
    """What the assignment was for: who adjudicated, or answered as an expert, decided."""
    score: float | None = None
    """How sure the model was, if a model gave the answer with a score."""
    model: str = ""
    """The model that gave the answer, if one did."""
    model_version: str = ""
    """The version of that model."""
    seconds: float = 0.0
    """How long the member worked on the task, as far as it was given."""
    guideline_version: int = 0
    """The version of the job's guideline under which it was done; 0: there was none."""
    template_version: int | None = None
    """The version of the template that the answer fits; None: the task was not answered in it."""

    def __repr__(self) -> str:
        member = self.labeler if self.member is None else f"member={self.member}"
        return show_line(self, self.stage.name, self.outcome.value, f"round {self.round}", member)


def _check_stages(_: object, __: "attrs.Attribute[Any]", value: object) -> None:
    stages = require_kind("Result", "stages", cast(Any, value), Mapping, "a mapping by Stage")
    for stage, result in stages.items():
        require_kind("Result", "stages", stage, Stage, "a mapping by Stage")
        require_kind("Result", stage.value, result, StageResult, "a StageResult")


@attrs.frozen(kw_only=True, slots=False)
class Result(Deferred):
    """A task's outcome: its replies at each stage, and who made them."""

    task: Task
    """The task."""
    state: TaskState
    """How far it is."""
    stages: Mapping[Stage, StageResult] = attrs.field(validator=_check_stages, hash=False)
    """The results of the stages that have one."""
    provenance: tuple[Provenance, ...] = ()
    """Every closed assignment it went through, oldest first."""
    votes: tuple[Answer, ...] = ()
    """Every vote of the task's newest labeling, oldest first; empty where one member labels it."""
    became: str = ""
    """What became of the task, as ``Became`` has it; empty while the first work on it goes on."""
    revision: int = 0
    """How many times work on it has ended: 1 once it has, one more each time that it has again
    after it was reopened; 0 before."""
    removed: str = ""
    """Why an export that goes on from an earlier one takes the task out of it: ``erased``,
    ``withdrawn`` or ``unselected``; empty for every result that is one."""
    cursor: str = attrs.field(default="", eq=False)
    """Where ``results.follow`` goes on behind it; empty unless that has yielded it."""

    @property
    def last(self) -> StageResult | None:
        """The result of the last stage that has one: *the* result."""
        return next(
            (self.stages[stage] for stage in reversed(STAGES) if stage in self.stages), None
        )

    @property
    def replies(self) -> Mapping[str, Reply] | None:
        """The replies of the last stage that has a result."""
        last = self.last
        if last is None:
            return None
        return last.replies

    @property
    def decided_by(self) -> str:
        """``timeout`` when `replies` are the default answer of an overdue task; else empty."""
        last = self.last
        return "" if last is None else last.decided_by

    @property
    def kept(self) -> tuple[str, ...]:
        """The questions without a reply in `replies`, since all of ``votes`` are kept."""
        last = self.last
        if last is None:
            return ()
        return last.kept

    def __repr__(self) -> str:
        number = f"task {self.task.number}"
        return show_line(self, number, self.state.name, show_replies(self.replies))


def find_became(package: Package, task: int, state: TaskState) -> str:
    """Return what became of *task* of *package*, which is in *state*; empty while work goes on.

    What was opened again and has not ended since is ``reopened``.
    """
    if task in package.erased:
        return Became.ERASED.value
    if task in package.withdrawals:
        return Became.WITHDRAWN.value
    if not package.has_ended(task):
        return Became.REOPENED.value if package.count_reopenings(task) else ""
    if package.state is PackageState.DISCARDED or state is TaskState.ABANDONED:
        return Became.ABANDONED.value
    return Became.FINAL.value


COUNTS = ("abandoned", "wrong", "disputed", "prelabeled", "corrected", "final")
"""What packages count of their tasks, and a job's progress adds up."""


def _convert_counts(counts: Mapping[PackageState, int]) -> dict[PackageState, int]:
    return {
        state: require_whole_number("Progress", state.value, number)
        for state, number in parse_enum_keys(PackageState, "Progress", counts).items()
    }


def _convert_lots(counts: Mapping[LotState, int]) -> dict[LotState, int]:
    return {
        state: require_whole_number("Progress", state.value, number, least=0)
        for state, number in parse_enum_keys(LotState, "Progress", counts).items()
    }


@attrs.frozen(kw_only=True)
class Progress:
    """How far a job is; a sum over its packages."""

    packages: Mapping[PackageState, int] = attrs.field(converter=_convert_counts, hash=False)
    """How many packages are in each state."""
    tasks: Mapping[PackageState, int] = attrs.field(converter=_convert_counts, hash=False)
    """How many tasks the packages in each state have."""
    abandoned: int = attrs.field(default=0, converter=to_whole, validator=validate_whole(0))
    """How many tasks are abandoned."""
    wrong: int = attrs.field(default=0, converter=to_whole, validator=validate_whole(0))
    """How many tasks are judged wrong and not yet done again."""
    disputed: int = attrs.field(default=0, converter=to_whole, validator=validate_whole(0))
    """How many tasks are disputed and not yet decided."""
    prelabeled: int = attrs.field(default=0, converter=to_whole, validator=validate_whole(0))
    """How many tasks have a pre-label."""
    corrected: int = attrs.field(default=0, converter=to_whole, validator=validate_whole(0))
    """How many of these have another answer now.  Source: iTAG's ``PreMarkFixedCount``."""
    final: int = attrs.field(default=0, converter=to_whole, validator=validate_whole(0))
    """How many tasks of open packages are final: campaigns opened others of their packages."""
    rows_read: int = attrs.field(default=0, converter=to_whole, validator=validate_whole(0))
    """How many rows of the job's first data were read, with skipped ones; loading goes on there."""
    with_experts: int = attrs.field(default=0, converter=to_whole, validator=validate_whole(0))
    """How many tasks were handed to the experts and are not answered yet; without those that would
    tell of secret votes."""
    with_adjudicators: int = attrs.field(default=0, converter=to_whole, validator=validate_whole(0))
    """How many disputed tasks wait for an adjudicator's decision."""
    lots: Mapping[LotState, int] = attrs.field(
        factory=dict[LotState, int], converter=_convert_lots, hash=False
    )
    """How many lots of several packages are in each state: ``open`` while packages still come to
    them, ``closed`` until they are decided.  Empty where each package is accepted alone."""

    @property
    def total(self) -> int:
        """How many tasks there are, those of discarded packages left out."""
        return sum(n for state, n in self.tasks.items() if state is not PackageState.DISCARDED)

    @property
    def done(self) -> int:
        """How many tasks are in packages that are done, or final in one that is open."""
        return self.tasks.get(PackageState.DONE, 0) + self.final

    @property
    def is_idle(self) -> bool:
        """Whether no package is open: there is nothing to do until tasks are added or opened."""
        return not any(n for state, n in self.packages.items() if state.stage is not None)

    def __str__(self) -> str:
        phrases: list[str] = []
        for state in PackageState:
            if self.packages.get(state):
                packages = format_count(self.packages[state], "package")
                tasks = format_count(self.tasks[state], "task")
                phrases.append(f"{packages} ({tasks}) {state.value}")
        for name in COUNTS:
            count: int = getattr(self, name)
            if count:
                phrases.append(f"{format_count(count, 'task')} {name}")
        for name in ("with_experts", "with_adjudicators"):
            count = getattr(self, name)
            if count:
                phrases.append(f"{format_count(count, 'task')} {name.replace('_', ' ')}")
        phrases += [
            f"{format_count(self.lots[lot_state], 'lot')} {lot_state.value}"
            for lot_state in LotState
            if self.lots.get(lot_state)
        ]
        return f"{self.done} of {format_count(self.total, 'task')} done: " + ", ".join(phrases)

    def __repr__(self) -> str:
        return show_line(self, f"{self.done} of {format_count(self.total, 'task')} done")
