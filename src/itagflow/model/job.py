"""One labeling order: what is asked, how it flows, how it is cut, who works on it."""

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from enum import Enum
from functools import cache
from typing import Any, TypeVar, cast

import attrs

from itagflow.errors import InvalidData, Problem
from itagflow.model.arguments import is_several, require_kind, require_several, validate_flag
from itagflow.model.copying import ReadOnlyDict, make_read_only
from itagflow.model.enums import IdentityHash, parse_enum, parse_optional_enum
from itagflow.model.lot import Lot
from itagflow.model.merging import Merge, OnDispute, convert_merges
from itagflow.model.migration import TemplateChange
from itagflow.model.number import (
    is_whole,
    require_whole_number,
    to_optional_whole,
    to_whole,
    validate_whole,
)
from itagflow.model.overdue import OverdueRule, check_on_overdue, convert_on_overdue
from itagflow.model.packaging import (
    Packaging,
    check_optional_positive,
    check_packaging,
    check_positive,
)
from itagflow.model.plan import AcceptancePlan, RejectedLots
from itagflow.model.review_checks import (
    check_lot,
    check_plan,
    check_reasons,
    check_task_count,
    convert_rejected_lots,
)
from itagflow.model.rule_choices import (
    OnAbandon,
    OnMaxRejects,
    convert_on_abandon,
    convert_on_max_rejects,
)
from itagflow.model.skills import Field, check_requires, require_one_field
from itagflow.model.text import (
    find_name_error,
    to_optional_text,
    to_text,
    to_texts,
    validate_text,
    validate_texts,
)
from itagflow.model.vote_checks import (
    check_agree,
    check_allow_partial,
    check_max_votes,
    check_min_votes,
    check_package_share,
    check_share,
    check_stop_early,
    convert_share,
)
from itagflow.model.workspace import Member
from itagflow.printing import format_repr
from itagflow.reprs import show, show_fields, show_line


@cache
def _name_pattern() -> re.Pattern[str]:
    """Return what a job's name matches.  Source: iTAG, *Create a labeling job*, Task Name."""
    # compiled when the first job is made: this class takes 3 ms, a twentieth of `import itagflow`
    return re.compile(r"[A-Za-z0-9\u4e00-\u9fff][A-Za-z0-9\u4e00-\u9fff_-]{0,99}")


class Stage(IdentityHash, Enum):
    """A kind of work.  Source: iTAG's work nodes MARK, CHECK and SAMPLING."""

    LABEL = "label"
    INSPECT = "inspect"
    ACCEPT = "accept"


STAGES = tuple(Stage)
"""The stages in the order in which work passes them."""
_LABEL = Stage.LABEL  # Python 3.11 takes ten times as long to find a member in its class


class Crew(IdentityHash, Enum):
    """Members beside those of the stages, who work on parts of packages only."""

    ADJUDICATORS = "adjudicators"
    """They decide tasks on which the votes disagree."""
    EXPERTS = "experts"
    """They answer what labelers hand to them: see ``Flow.escalate``."""


ALL_CREWS = tuple(Crew)
"""The crews; to go through the class itself takes longer, and each claim does it."""

CrewKey = Stage | Crew
"""A key of a job's workforce."""


def parse_crew_key(value: "CrewKey | str") -> "CrewKey":
    """Return the stage or the crew that *value* is, or whose value it is.

    Raises:
        InvalidData: when there is none; it lists the stages, and then the crews.
    """
    if isinstance(value, Stage | Crew):
        return value
    given = cast(object, value)
    if isinstance(given, str) and not isinstance(given, Enum):
        keys: tuple[CrewKey, ...] = (*Stage, *Crew)
        for key in keys:
            # no stage and no crew share a value
            if key.value == given:
                return key
    stages = ", ".join(format_repr(stage.value) for stage in Stage)
    crews = ", ".join(format_repr(crew.value) for crew in Crew)
    reason = f"there is no Stage {format_repr(value)}; there are {stages}, and the crews {crews}"
    raise _make_error("Stage", "", reason)


class Route(Enum):
    """To whom rejected work goes; a member's key stands for that member."""

    AUTHOR = "author"
    """An offer to each member whose assignment closed the stage's latest round."""
    QUEUE = "queue"
    """Anyone who may take it."""


class QueueOrder(Enum):
    """What comes first among the packages that wait to be labeled."""

    DUE = "due"
    """What is due first; then as always."""
    OLDEST = "oldest"
    """What has waited longest; then as always."""
    RANDOM = "random"
    """Any of them: a claim begins at a place in the job that is drawn."""


class JobState(IdentityHash, Enum):
    """Where a job is in its lifecycle."""

    DRAFT = "draft"
    RUNNING = "running"
    PAUSED = "paused"
    FINISHED = "finished"
    ARCHIVED = "archived"


def _make_error(what: str, field: str, reason: str) -> InvalidData:
    return InvalidData(what, [Problem(field, reason)])


def _check_duration(instance: Any, attribute: "attrs.Attribute[Any]", value: Any) -> None:
    if value is None:
        return
    what, field = type(instance).__name__, attribute.name
    if not isinstance(value, timedelta):
        raise _make_error(what, field, f"must be a timedelta or None, not {format_repr(value)}")
    # a lease of no time would lapse before its holder could save anything
    if value <= timedelta(0):
        raise _make_error(what, field, f"must be more than 0, not {value}")


@attrs.frozen(kw_only=True)
class StageRule:
    """What the rules of every stage share."""

    lease: timedelta | None = attrs.field(default=timedelta(hours=2), validator=_check_duration)
    """How long a claimed assignment is safe after its last save; None: without end.  Then others
    may take it, and until somebody does its holder may go on.  It is kept to a minute, or to a 60th
    of a lease shorter than an hour: saves that follow each other faster do not renew it."""
    offer_lease: timedelta | None = attrs.field(
        default=timedelta(hours=24), validator=_check_duration
    )
    """How long an offer waits for its member before others may take it; None: without end."""
    limit: int | None = attrs.field(
        default=None, converter=to_optional_whole, validator=check_optional_positive
    )
    """How many assignments one member may hold here at once, with offers; None: any number."""
    max_total: int | None = attrs.field(
        default=None, converter=to_optional_whole, validator=check_optional_positive
    )
    """How many packages one member may get at this stage in the whole job; None: any number.  What
    is offered to them does not count, nor a package that they had before."""
    acknowledge: bool = attrs.field(default=False, validator=validate_flag)
    """Whether a member must have acknowledged the newest guideline before they can claim."""
    requires: Field | None = attrs.field(default=None, validator=check_requires)
    """The field whose value names the skill that a member needs for a package; None: none."""

    __repr__ = show_fields


def _convert_rework(value: Route | Member | int | str) -> Route | int | str:
    """Return a route that is given by its value as a `Route`, and a member by key or account."""
    if isinstance(value, Member):
        return value.id
    if isinstance(value, str):
        if value in (Route.AUTHOR.value, Route.QUEUE.value):
            return Route(value)
        return to_text(value)
    if isinstance(value, Route):
        return value
    return to_whole(value)


def _convert_order(value: QueueOrder | str | None) -> QueueOrder | None:
    return parse_optional_enum(QueueOrder, value)


def _check_rework(_: object, attribute: "attrs.Attribute[Any]", value: object) -> None:
    if isinstance(value, Route):
        return
    if is_whole(value):
        require_whole_number("Label", attribute.name, value, least=1)
        return
    reason = "must be a Route, or the key or the account of a member"
    if not isinstance(value, str):
        raise _make_error("Label", attribute.name, f"{reason}, not {format_repr(value)}")
    if error := find_name_error(value):
        raise _make_error("Label", attribute.name, f"{reason}: {format_repr(value)} {error}")


def _convert_merge(value: Mapping[str, Merge | str]) -> Mapping[str, Merge]:
    return make_read_only(convert_merges(value))


def _convert_workforce(
    value: "Mapping[CrewKey, StageWorkers]",
) -> "Mapping[CrewKey, StageWorkers]":
    return make_read_only(value)


def _convert_on_dispute(value: OnDispute | str) -> OnDispute:
    return parse_enum(OnDispute, value)


@attrs.frozen(kw_only=True)
class Label(StageRule):
    """The rule of the LABEL stage.

    >>> Label(votes=3, min_votes=2, merge={"Fluency": "median"}).merge["Fluency"].name
    'median'
    """

    votes: int = attrs.field(default=1, converter=to_whole, validator=check_positive)
    """How many members label each package.  Source: iTAG's ``VoteNum``."""
    min_votes: int = attrs.field(default=1, converter=to_whole, validator=check_min_votes)
    """How many replies a question needs that are not abandoned; equal ones, for a majority.

    Source: iTAG's ``MinVote``.
    """
    merge: Mapping[str, Merge] = attrs.field(
        factory=ReadOnlyDict[str, Merge], converter=_convert_merge, hash=False
    )
    """How the votes on a question are merged, by its title or id: a `Merge`, or its name.

    A job stores the rule of every question, by id: the others have the default of their kind.
    """
    on_dispute: OnDispute = attrs.field(default=OnDispute.REVIEW, converter=_convert_on_dispute)
    """What happens where votes do not settle a question: a review decides, or it stays open."""
    votes_package_share: float | None = attrs.field(
        default=None, converter=convert_share, validator=check_package_share
    )
    """Which share of the packages several members label, drawn as the job's seed says; the others
    have one vote.  None: all packages."""
    max_votes: int | None = attrs.field(
        default=None, converter=to_optional_whole, validator=check_max_votes
    )
    """How many may vote on a task on which the first `votes` do not agree: one more after the other
    is asked, about these tasks only.  None: nobody more.  Not with ``keep``, ``mean``, ``median``.
    """
    agree: float | None = attrs.field(default=None, converter=convert_share, validator=check_agree)
    """Which share of the votes on a task must agree, with `max_votes`; a task that falls short of
    it in the end is disputed.  None: it is enough that the merge rule settles it."""
    stop_early: bool = attrs.field(default=False, validator=check_stop_early)
    """Whether a task gets no more of its `votes` once they can change nothing: more than half of
    the members label a package, and the others those of its tasks that are open.  With merge rules
    whose outcome is known early: ``majority``, ``mode``, ``each``, ``equal``."""
    rework: Route | int | str = attrs.field(
        default=Route.AUTHOR, converter=_convert_rework, validator=_check_rework
    )
    """To whom rejected tasks go: a `Route`, or a member."""
    redo_all: bool = attrs.field(default=False, validator=validate_flag)
    """Whether a rejected package is labeled again whole, not only its rejected tasks."""
    on_abandon: OnAbandon = attrs.field(default=OnAbandon.KEEP, converter=convert_on_abandon)
    """What becomes of a task that is abandoned: `OnAbandon` or its value."""
    order: QueueOrder | None = attrs.field(default=None, converter=_convert_order)
    """What comes first in the queue; None: priority, due time, waiting time, number."""
    allow_partial: bool = attrs.field(default=False, validator=check_allow_partial)
    """Whether ``submit(…, rest="release")`` may hand in a part; not with several votes."""
    on_overdue: OverdueRule = attrs.field(
        default=None, converter=convert_on_overdue, validator=check_on_overdue, hash=False
    )
    """What ``Flow.tick`` does when the due time of a package has passed: `OnOverdue` or its value,
    or a default reply to each question, by its id or title; None: nothing."""

    @property
    def first_votes(self) -> int:
        """How many members label each package as a whole."""
        if not self.stop_early:
            return self.votes
        return max(self.votes // 2 + 1, self.min_votes)

    @property
    def most_votes(self) -> int:
        """How many vote on a task, unless more are asked for with ``packages.ask_again``."""
        return self.votes if self.max_votes is None else self.max_votes

    @property
    def asks_again(self) -> bool:
        """Whether single tasks get more votes when those on the whole package are in."""
        return self.max_votes is not None or self.stop_early

    __repr__ = show_fields


@attrs.frozen(kw_only=True)
class ReviewRule(StageRule):
    """What both review stages share.  All tasks are reviewed unless a sample is named."""

    task_share: float | None = attrs.field(
        default=None, converter=convert_share, validator=check_share
    )
    """Which share of a package's tasks is reviewed: more than 0, at most 1; rounded up."""
    task_count: int | None = attrs.field(
        default=None, converter=to_optional_whole, validator=check_task_count
    )
    """How many of a package's tasks are reviewed: at least 1.  Not together with `task_share`."""
    package_share: float | None = attrs.field(
        default=None, converter=convert_share, validator=check_share
    )
    """Which share of the packages is reviewed: more than 0, at most 1; the others pass the stage.

    Packages with disputed or rejected tasks, and those that were labeled again whole or reopened,
    are always reviewed."""

    reasons: tuple[str, ...] = attrs.field(default=(), converter=to_texts, validator=check_reasons)
    """Why a task may be judged wrong; where there are some, each wrong judgment names one."""
    max_rejects: int | None = attrs.field(
        default=None, converter=to_optional_whole, validator=check_optional_positive
    )
    """How often this stage may send one task back, counted again when the task is opened again by a
    campaign or with its package; None: any number of times."""
    on_max_rejects: OnMaxRejects = attrs.field(
        default=OnMaxRejects.MODIFY, converter=convert_on_max_rejects
    )
    """What becomes of a task that was sent back so often: `OnMaxRejects` or its value."""

    blind: bool = attrs.field(default=False, validator=validate_flag)
    """Whether those who review here see ``labeler 1`` for who labeled, until the package has passed
    the stage."""
    allow_own_work: bool = attrs.field(default=False, validator=validate_flag)
    """Whether a member may review a package that they labeled, in whatever round."""

    plan: AcceptancePlan | None = attrs.field(default=None, validator=check_plan)
    """The acceptance plan that says how many tasks of a package are checked, and what comes of it:
    one of `itagflow.quality`.  Then nobody passes or rejects a package against it."""
    rejected_lots: RejectedLots = attrs.field(
        default=RejectedLots.REWORK, converter=convert_rejected_lots
    )
    """What becomes of what the plan rejects: `RejectedLots` or its value."""

    @property
    def is_sampled(self) -> bool:
        """Whether a sample is reviewed, and not every task."""
        return (self.task_share, self.task_count, self.plan) != (None, None, None)

    __repr__ = show_fields


@attrs.frozen(kw_only=True)
class Inspect(ReviewRule):
    """The rule of the INSPECT stage.

    >>> Inspect(task_share=0.5).task_share
    0.5
    """

    __repr__ = show_fields


def _convert_stage(value: Stage | str) -> Stage:
    if type(value) is Stage:  # nearly always
        return value
    return parse_enum(Stage, value)


@attrs.frozen(kw_only=True)
class Accept(ReviewRule):
    """The rule of the ACCEPT stage.

    >>> Accept(reject_to=Stage.INSPECT).reject_to.value
    'inspect'
    """

    reject_to: Stage = attrs.field(default=Stage.LABEL, converter=_convert_stage)
    """Where a package goes that is rejected here: LABEL or INSPECT."""
    allow_own_review: bool = attrs.field(default=False, validator=validate_flag)
    """Whether a member may accept a package of which they modified a task at INSPECT, since it was
    last labeled as a whole."""
    lot: Lot | None = attrs.field(default=None, validator=check_lot)
    """Which packages are one lot for the `plan`: they are accepted or rejected together.  None:
    each package is a lot of its own."""

    __repr__ = show_fields


Rule = Label | Inspect | Accept
R = TypeVar("R")


@attrs.frozen(init=False)
class Workflow:
    """The stages of a job and their rules: labeling, inspection if any, acceptance if any.

    >>> [stage.value for stage in Workflow(Label(), Accept()).stages]
    ['label', 'accept']
    """

    label: Label
    """The rule of the LABEL stage; every workflow has one."""
    inspect: Inspect | None
    """The rule of the INSPECT stage, if there is one."""
    accept: Accept | None
    """The rule of the ACCEPT stage, if there is one."""

    def __init__(self, *rules: Rule) -> None:
        """Put the rules of at most one of each stage together; LABEL is there even when not named.

        Raises:
            InvalidData: when a stage is given twice, votes have no review to decide disputes, votes
                are sent back to one named member, or packages are to be rejected to a stage that is
                not there.
        """
        _require_rules(rules)
        label = _find_rule(Label, rules) or Label()
        inspect, accept = _find_rule(Inspect, rules), _find_rule(Accept, rules)
        keeps_disputes = label.on_dispute is OnDispute.KEEP
        if label.votes > 1 and not (inspect or accept or keeps_disputes):
            raise _make_error(
                "Workflow",
                "votes",
                "disputed votes need a stage that decides them: add Inspect or Accept, "
                "or set Label(on_dispute='keep')",
            )
        # each vote has another author: one member cannot give all of them again
        if label.votes > 1 and not isinstance(label.rework, Route):
            raise _make_error(
                "Workflow", "rework", "several votes cannot all go back to one member: use a Route"
            )
        if accept and accept.reject_to not in (Stage.LABEL, Stage.INSPECT):
            raise _make_error("Workflow", "reject_to", "must be Stage.LABEL or Stage.INSPECT")
        if accept and accept.reject_to is Stage.INSPECT and not inspect:
            raise _make_error(
                "Workflow", "reject_to", "there is no INSPECT stage to reject to: add Inspect"
            )
        if accept and accept.reject_to is Stage.INSPECT and accept.plan:
            reason = "is not for a stage with a plan: what a plan rejects is labeled again whole"
            raise _make_error("Workflow", "reject_to", reason)
        require_one_field(rule.requires for rule in (label, inspect, accept) if rule)
        for name, rule in (("label", label), ("inspect", inspect), ("accept", accept)):
            # frozen, and attrs has no part in this constructor
            object.__setattr__(self, name, rule)

    @property
    def stages(self) -> tuple[Stage, ...]:
        """The stages, in the order in which a package passes them."""
        # asked in every submission: three conditions take a part of the time of a loop
        stages = [_LABEL]
        if self.inspect is not None:
            stages.append(Stage.INSPECT)
        if self.accept is not None:
            stages.append(Stage.ACCEPT)
        return tuple(stages)

    @property
    def has_lots(self) -> bool:
        """Whether several packages are a lot at ACCEPT."""
        return self.accept is not None and self.accept.lot is not None

    def has(self, stage: Stage | str) -> bool:
        """Return whether a package passes *stage*, which is a `Stage` or its value."""
        return self._find_stage_rule(_convert_stage(stage)) is not None

    def rule(self, stage: Stage | str) -> StageRule:
        """Return the rule of *stage*, which is a `Stage` or its value.

        Raises:
            InvalidData: when the workflow does not have it.
        """
        if stage is _LABEL:  # by far the most, some of them several times in an operation
            return self.label
        wanted = _convert_stage(stage)
        rule = self._find_stage_rule(wanted)
        if rule is None:
            available = ", ".join(known.value for known in self.stages)
            reason = f"this job does not have it; it has {available}"
            raise _make_error("stage", wanted.value, reason)
        return rule

    def review(self, stage: Stage | str) -> ReviewRule | None:
        """Return the rule of *stage* if it is a review stage of this workflow."""
        rule = self._find_stage_rule(_convert_stage(stage))
        if isinstance(rule, ReviewRule):
            return rule
        return None

    def _find_stage_rule(self, stage: Stage) -> StageRule | None:
        if stage is _LABEL:
            return self.label
        if stage is Stage.INSPECT:
            return self.inspect
        return self.accept

    def __repr__(self) -> str:
        rules = [self._find_stage_rule(stage) for stage in self.stages]
        return f"Workflow({', '.join(map(repr, rules))})"


def _require_rules(rules: Sequence[object]) -> None:
    for number, rule in enumerate(rules, 1):
        if isinstance(rule, Label | Inspect | Accept):
            continue
        reason = f"must be a Label, an Inspect or an Accept, not {format_repr(rule)}"
        # a list of rules is what other libraries take
        if isinstance(rule, list | tuple):
            reason += ": write Workflow(Label(), Inspect()), without brackets"
        raise _make_error("Workflow", f"rule {number}", reason)


def _find_rule(kind: type[R], rules: tuple[Rule, ...]) -> R | None:
    matches = [rule for rule in rules if isinstance(rule, kind)]
    if len(matches) > 1:
        raise _make_error("Workflow", kind.__name__, "is given twice")
    if not matches:
        return None
    return matches[0]


def _convert_keys(value: Iterable[int]) -> tuple[int, ...]:
    if not is_several(value):
        return cast("tuple[int, ...]", value)
    return tuple(map(to_whole, value))


def _check_keys(owner: object, attribute: "attrs.Attribute[Any]", value: Iterable[int]) -> None:
    what = type(owner).__name__
    for key in require_several(what, attribute.name, value, "keys of members"):
        require_whole_number(what, attribute.name, key)


@attrs.frozen
class StageWorkers:
    """Who works at one stage of a job."""

    members: tuple[int, ...] = attrs.field(
        default=(), converter=_convert_keys, validator=_check_keys
    )
    """The keys of single members."""
    groups: tuple[str, ...] = attrs.field(default=(), converter=to_texts, validator=validate_texts)
    """The names of groups; members who carry one of them belong to the stage."""

    __repr__ = show_fields


_NOBODY = StageWorkers()  # made once: it is what most claims find at most stages


def check_workflow(_: object, __: "attrs.Attribute[Any]", value: object) -> None:
    """Check a field that holds a workflow: an attrs validator."""
    wanted = "a Workflow, such as Workflow(Label(), Inspect())"
    require_kind("job", "workflow", value, Workflow, wanted)


def _check_name(_: object, __: "attrs.Attribute[Any]", name: object) -> None:
    if not isinstance(name, str) or not _name_pattern().fullmatch(name):
        reason = (
            "must have 1 to 100 characters, first a letter, digit or Chinese character, "
            "then also _ and -"
        )
        raise _make_error("job", f"name {format_repr(name)}", reason)


def _check_row_key_type(_: object, __: "attrs.Attribute[Any]", value: object) -> None:
    # first the kind: what is no text may compare in a way of its own
    if not isinstance(value, str) or value not in ("", "text"):
        raise _make_error(
            "job", "row_key_type", f"must be 'text' or None, not {format_repr(value)}"
        )


@attrs.frozen(kw_only=True)
class Job:
    """One labeling order in a workspace."""

    id: int
    """Its key: a time-ordered integer of at most 63 bits, as in ``label-<id>``."""
    workspace: int
    """The workspace that owns it."""
    name: str = attrs.field(converter=to_text, validator=_check_name)
    """Its name, unique in the workspace: 1 to 100 characters."""
    template: int
    """The key of the template that its tasks are answered with."""
    workflow: Workflow = attrs.field(validator=check_workflow)
    """The stages and their rules; fixed at creation."""
    packaging: Packaging = attrs.field(validator=check_packaging)
    """How its tasks are cut into packages; fixed at creation."""
    workforce: Mapping[CrewKey, StageWorkers] = attrs.field(
        factory=ReadOnlyDict[CrewKey, StageWorkers], converter=_convert_workforce, hash=False
    )
    """Who works at which stage, and who is in which crew."""
    created_by: int
    """The member who ordered it."""
    created_at: datetime
    """When it was ordered."""
    seed: int = attrs.field(converter=to_whole, validator=validate_whole())
    """What samples are drawn with, together with package and stage."""
    state: JobState = JobState.DRAFT
    """Where it is in its lifecycle."""
    row_key: str | None = attrs.field(
        default=None, converter=to_optional_text, validator=attrs.validators.optional(validate_text)
    )
    """The field of ``data`` that identifies rows; a row that is known is not loaded again."""
    row_key_type: str = attrs.field(default="", validator=_check_row_key_type)
    """``"text"`` when a number and the text with its digits are the same row key; else empty."""
    tags: tuple[str, ...] = attrs.field(default=(), converter=to_texts, validator=validate_texts)
    """Free words to find it by."""
    remark: str = attrs.field(default="", converter=to_text, validator=validate_text)
    """A note."""
    guideline: str = attrs.field(default="", converter=to_text, validator=validate_text)
    """The instructions for the people who work on it, or a link to them."""
    guideline_version: int = 0
    """Which text that is: each change adds 1; 0 when there never was one."""
    due_at: datetime | None = None
    """When it should be done; shown, and not enforced."""
    closes_at: datetime | None = None
    """From when on it gives out no new work, but what is offered or has lapsed; None: never."""
    auto_finish: bool = attrs.field(default=True, validator=validate_flag)
    """Whether it finishes when its last open package ends; else only ``jobs.finish`` ends it."""
    validator: str = attrs.field(default="", converter=to_text, validator=validate_text)
    """The name of the application's own check of its answers; empty when there is none."""
    priority: int = attrs.field(default=0, converter=to_whole, validator=validate_whole())
    """Higher comes first among the jobs of a workspace, for a claim that names no job."""
    deleting: bool = False
    """Whether it is being deleted, so that what is left of it is not consistent."""
    workflow_changes: int = 0
    """How often its workflow was changed since it was ordered: older work followed other rules."""
    raising_votes: bool = False
    """Whether its votes are being raised: packages at LABEL get more slots block by block."""
    pending_template_change: TemplateChange | None = None
    """The change of the template that its answers still follow; None when all fit."""
    version: int = 0
    """Counts the saves."""

    @property
    def key(self) -> tuple[int]:
        """The key in the store."""
        return (self.id,)

    @property
    def label_key(self) -> str:
        """The manifest's key for the results of the LABEL stage.  Source: iTAG, data structures."""
        return f"label-{self.id}"

    def crew(self, stage: CrewKey | str) -> StageWorkers:
        """Return who works at *stage*: a `Stage`, a `Crew`, or the value of one."""
        return self.workforce.get(parse_crew_key(stage), _NOBODY)

    def __repr__(self) -> str:
        return show_line(self, show(self.name), self.state.name, f"id={self.id}")


def find_registered_names(workflow: Workflow) -> list[str]:
    """Return the names of the application's merge functions that *workflow* names, each once."""
    names = (rule.name for rule in workflow.label.merge.values() if rule.is_registered)
    return list(dict.fromkeys(names))
