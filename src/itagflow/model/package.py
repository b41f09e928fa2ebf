"""Packages, the assignments that people have on them, and the claim counters that count these."""

from datetime import datetime
from enum import Enum

import attrs

from itagflow.model.copying import copyable
from itagflow.model.enums import IdentityHash
from itagflow.model.job import Crew, Stage
from itagflow.model.number import is_whole
from itagflow.model.plan import LotEntry, LotState, PackageLot
from itagflow.printing import format_count
from itagflow.reprs import show_fields, show_line


class PackageState(IdentityHash, Enum):
    """Where a package is: at a stage, or at one of the two ends."""

    LABEL = "label"
    INSPECT = "inspect"
    ACCEPT = "accept"
    DONE = "done"
    DISCARDED = "discarded"

    @property
    def stage(self) -> Stage | None:
        """The stage whose work is due in this state, or None at an end."""
        return _STAGE_OF[self]

    @staticmethod
    def at(stage: Stage) -> "PackageState":
        """Return the state of a package whose work at *stage* is due."""
        return _STATE_AT[stage]


_ENDS = (PackageState.DONE, PackageState.DISCARDED)
_STATE_AT = {stage: PackageState(stage.value) for stage in Stage}
_STAGE_OF = {
    state: next((s for s in Stage if s.value == state.value), None) for state in PackageState
}


OPEN = "open"
AGAIN = "again "
CHECK = "check "
DECISION = "lot "
"""How the `Package.lot_key` of a package begins, by what it waits for."""


@attrs.frozen(kw_only=True)
class Campaign:
    """Some tasks of a package that ``jobs.reopen`` has opened again; the others stay as they are.

    >>> campaign = Campaign(round=2, stage=Stage.LABEL, tasks=(3, 7))
    >>> campaign.last_round is None
    True
    """

    round: int
    """The round of the package that began with it."""
    last_round: int | None = None
    """The round in which the package was done again, or it was withdrawn; None: it goes on."""
    is_withdrawn: bool = False
    """Whether it was ended before it was done: nothing that was done in it counts."""
    stage: Stage
    """The stage at which it began."""
    tasks: tuple[int, ...]
    """The numbers of the tasks, in order."""
    skipped: tuple[Stage, ...] = ()
    """The review stages that the package had passed before without a review: so have the others."""
    whole_round: int = 1
    """The round in which the package had been labeled whole before it."""
    requeued: tuple[int, ...] = ()
    """The abandoned tasks that had been offered once more before it."""
    comment: str = ""
    """Why they were opened, for those who work on them."""

    def __str__(self) -> str:
        """Return what the history keeps of it: rounds, stage, and tasks.

        >>> print(Campaign(round=2, stage=Stage.LABEL, tasks=(3, 7)))
        2- label 3 7
        """
        last = "" if self.last_round is None else self.last_round
        words = [f"{self.round}-{last}", self.stage.value, *map(str, self.tasks)]
        if self.is_withdrawn:
            words.append("withdrawn")
        return " ".join(words)

    __repr__ = show_fields


@copyable
@attrs.frozen(kw_only=True, slots=False)
class Package:
    """The batch of tasks that is claimed and submitted as one."""

    job: int
    """The job it belongs to."""
    number: int
    """Its number in the job, from 1."""
    state: PackageState = PackageState.LABEL
    """Where it is in its lifecycle."""
    round: int = 1
    """How many times it has been sent on its way; every reject and reopen adds one."""
    whole_round: int = 1
    """The round in which all of its tasks were labeled last: samples are drawn with it."""
    reopened_round: int = 0
    """The round that began when it was last reopened; 0: it never was."""
    reopenings: int = 0
    """How many times it was reopened as a whole; ``campaigns`` has when some of its tasks were."""
    free: int = 1
    """How many assignments at its stage can still be given out: one, or the number of votes."""
    votes: int = 1
    """How many members label it."""
    voted_since: int = 1
    """The first round that so many label: before it, one member did."""
    waiting_since: datetime
    """Since when it waits in the queue."""
    priority: float = 0
    """Higher comes first in the queue; an integer where it is whole."""
    due: datetime | None = None
    """When its work should be done: of equal priority, what is due earlier is claimed first; None:
    no time was set."""
    overdue_at: datetime | None = None
    """When ``Flow.tick`` found its due time passed, and did what `Label.on_overdue` says; None: not
    since that time was set."""
    size: int = 0
    """How many tasks it has."""
    first_task: int = 0
    """The number of its first task, from which the others are numbered on without a gap; 0: there
    are gaps."""
    abandoned: int = 0
    """How many of its tasks are abandoned; counted when an assignment ends."""
    wrong: int = 0
    """How many of its tasks are judged wrong and not redone; counted when an assignment ends."""
    prelabeled: int = 0
    """How many of its tasks have a pre-label."""
    corrected: int = 0
    """How many of these have a new answer; counted as above.  Source: ``PreMarkFixedCount``."""
    disputes: tuple[int, ...] = ()
    """The tasks on which too few votes agree, and no reviewer has decided yet."""
    scope: tuple[int, ...] | None = None
    """The tasks that the present stage and round are about; None: all."""
    lot: PackageLot | None = None
    """The lot that it is at its stage, where an acceptance plan decides; None: none does."""
    lot_entry: LotEntry | None = None
    """What it is to its lot at ACCEPT, where several packages are one; None: it is in none."""
    rejected_lot: int = 0
    """The number of the rejected lot with which it comes to ACCEPT again; 0: none."""
    in_lots: bool = False
    """Whether several packages of its job are a lot at ACCEPT."""
    rejects: tuple[int, ...] = ()
    """The tasks that were sent back in any round; each is reviewed again."""
    skipped: tuple[Stage, ...] = ()
    """The review stages that it passed in this round because it was not drawn for them."""
    requeued: tuple[int, ...] = ()
    """The abandoned tasks that were offered once more, as `Label.on_abandon` says."""
    erased: tuple[int, ...] = ()
    """The tasks whose data was erased: no assignment is about them any more."""
    withdrawals: tuple[int, ...] = ()
    """The tasks that were withdrawn: they keep their data, and no assignment is about them."""
    excluded_revisions: tuple[int, ...] = ()
    """How many times work on each of `excluded` had ended once it was erased or withdrawn."""
    campaigns: tuple[Campaign, ...] = ()
    """The campaigns that have opened tasks of it again, oldest first."""
    value: str = ""
    """The value of the field that made the package (FIELD_BASE), or that names a skill, as JSON."""
    needs_skill: bool = False
    """Whether its job has a field that names skills: its value is of that field."""
    version: int = 0
    """Counts the saves."""

    @property
    def key(self) -> tuple[int, int]:
        """The key in the store: job and number."""
        return (self.job, self.number)

    @property
    def stage(self) -> Stage | None:
        """The stage whose work is due, or None at an end."""
        return self.state.stage

    @property
    def open(self) -> bool:
        """Whether there is still work to come on it."""
        return self.state not in _ENDS

    @property
    def waiting(self) -> bool:
        """Whether it can be claimed from the queue."""
        return self.free > 0

    @property
    def awaits_lot(self) -> bool:
        """Whether it waits until its lot has closed, or is decided."""
        return self.lot_entry is not None and self.lot_entry.is_waiting

    @property
    def ranked(self) -> bool:
        """Whether it waits, and its priority or the time when it is due sets it apart."""
        return self.free > 0 and (self.priority != 0 or self.due is not None)

    @property
    def excluded(self) -> tuple[int, ...]:
        """The tasks that no assignment is about any more: those that were erased or withdrawn."""
        if not self.withdrawals:
            return self.erased
        return tuple(sorted({*self.erased, *self.withdrawals}))

    @property
    def has_deadline(self) -> bool:
        """Whether there is still work to come on it, and a time at which it is due."""
        return self.due is not None and self.open

    @property
    def is_deadline_pending(self) -> bool:
        """Whether ``Flow.tick`` is still to look at it once its due time has passed."""
        return self.overdue_at is None and self.has_deadline

    @property
    def waiting_value(self) -> str:
        """Its value while it waits, if that names the skill that its work needs; else empty."""
        if self.needs_skill and self.free > 0:
            return self.value
        return ""

    @property
    def lot_key(self) -> str:
        """What it waits for with other packages; empty: nothing.

        It is ``open`` before its lot has closed, ``again 3`` while what was rejected as lot 3 comes
        back, ``check 4`` while its part of the sample of lot 4 is to be checked, and then, or if it
        has none, ``lot 4``.
        """
        entry = self.lot_entry
        if entry is None:  # nearly always; every save of a package asks
            return ""
        if entry.state is LotState.OPEN:
            return f"{AGAIN}{self.rejected_lot}" if self.rejected_lot else OPEN
        if entry.state is not LotState.CLOSED:
            return ""
        return f"{CHECK if entry.is_due else DECISION}{entry.lot}"

    @property
    def disputed(self) -> int:
        """How many of its tasks are disputed."""
        return len(self.disputes)

    @property
    def campaign(self) -> Campaign | None:
        """The campaign that goes on, of which its present round is a part; None: there is none."""
        if self.campaigns and self.campaigns[-1].last_round is None:
            return self.campaigns[-1]
        return None

    @property
    def final(self) -> int:
        """How many of its tasks are final while it is open: those that a campaign did not open."""
        if not self.campaigns:  # as nearly always; every save of a package asks
            return 0
        campaign = self.campaign
        return 0 if campaign is None else self.size - len(campaign.tasks)

    def has_ended(self, task: int) -> bool:
        """Return whether work on the task with this number has ended, also by a withdrawal."""
        if self.stage is None or task in self.withdrawals:
            return True
        campaign = self.campaign
        return campaign is not None and task not in campaign.tasks

    def count_reopenings(self, task: int) -> int:
        """Return how many times a task was opened again: with all, or by a campaign."""
        return self.reopenings + sum(task in campaign.tasks for campaign in self.campaigns)

    def count_revisions(self, task: int) -> int:
        """Return how many times work on a task has ended: 0 before the first time.

        What was erased or withdrawn keeps the number that it had then: what comes later is not
        about it.
        """
        if task in self.excluded:
            kept = dict(zip(self.excluded, self.excluded_revisions, strict=False))
            if task in kept:
                return kept[task]
        return self.count_reopenings(task) + int(self.has_ended(task))

    @property
    def purpose(self) -> "Purpose":
        """What a whole labeling of what is due in its present round is for."""
        campaign = self.campaign
        if campaign is not None and campaign.round == self.round:
            return Purpose.CAMPAIGN
        return Purpose.LABEL if self.round == 1 else Purpose.REWORK

    @property
    def consecutive_tasks(self) -> range:
        """The numbers of its tasks where they have no gaps; else nothing."""
        if not self.first_task:
            return range(0)
        return range(self.first_task, self.first_task + self.size)

    def __str__(self) -> str:
        return f"package {self.number}"

    def __repr__(self) -> str:
        tasks = format_count(self.size, "task")
        return show_line(self, self.number, self.state.name, tasks, f"job={self.job}")


class AssignmentState(IdentityHash, Enum):
    """Where an assignment is in its lifecycle."""

    OFFERED = "offered"
    """Kept for one member, who can claim it; or, without a member, for whoever may have it."""
    HELD = "held"
    """A member is working on it."""
    DONE = "done"
    """It ended with its work: submitted, reviewed, accepted or rejected."""
    RETURNED = "returned"
    """It ended without: released, expired, reassigned or recalled."""


LIVE = (AssignmentState.OFFERED, AssignmentState.HELD)
"""The states of an assignment that still binds its package."""


class Purpose(IdentityHash, Enum):
    """What an assignment is for."""

    LABEL = "label"
    """The first labeling of a package, as one of its votes."""
    REWORK = "rework"
    """A labeling in a later round: after a reject, or after the package was opened again."""
    REST = "rest"
    """What was left of a labeling whose holder handed in a part of it."""
    EXTRA_VOTE = "extra_vote"
    """One more vote on some of its tasks."""
    ADJUDICATION = "adjudication"
    """A decision between votes that disagree."""
    ESCALATION = "escalation"
    """An expert's answer to tasks that a labeler could not answer."""
    CAMPAIGN = "campaign"
    """A new labeling of selected tasks, after the package was done."""
    REVIEW = "review"
    """An inspection or acceptance."""


PARTS = frozenset({Purpose.REST, Purpose.EXTRA_VOTE, Purpose.ADJUDICATION, Purpose.ESCALATION})
"""The purposes of work on a part of a package: it takes none of the slots of its stage."""

DECISIONS = frozenset({Purpose.ADJUDICATION, Purpose.ESCALATION})
"""The purposes of work whose answers decide, whatever others have said: they are no votes."""

CREWS = {Purpose.ADJUDICATION: Crew.ADJUDICATORS, Purpose.ESCALATION: Crew.EXPERTS}
"""Who does the work of a purpose; that of the others is done by the workers of its stage."""


class Outcome(IdentityHash, Enum):
    """How an assignment ended."""

    SUBMITTED = "submitted"
    REVIEWED = "reviewed"
    ACCEPTED = "accepted"
    REJECTED = "rejected"
    MERGED = "merged"
    """The assignment without a member that holds the winning replies of several votes."""
    PRELABELED = "prelabeled"
    """The assignment without a member whose replies count as labeled: accepted pre-labels."""
    SUGGESTED = "suggested"
    """The assignment without a member whose replies are suggestions that people correct."""
    IMPORTED = "imported"
    """The assignment without a member with labels that were made elsewhere and read from a file."""
    TIMEOUT = "timeout"
    """The assignment without a member that closed a labeling whose due time had passed."""
    RELEASED = "released"
    EXPIRED = "expired"
    REASSIGNED = "reassigned"
    RECALLED = "recalled"


PASSING = frozenset({Outcome.REVIEWED, Outcome.ACCEPTED})
"""The outcomes of a review assignment that let the package pass."""

LABELING = frozenset(Outcome) - PASSING - {Outcome.REJECTED, Outcome.SUGGESTED}
"""The outcomes of an assignment whose replies count at LABEL."""


def _infer_purpose(assignment: "Assignment") -> Purpose:
    """Return what an assignment is for, as its stage and its round tell."""
    if assignment.stage is not Stage.LABEL:
        return Purpose.REVIEW
    # asked by type too: an object that is made by hand may hold what refuses to be compared
    if is_whole(assignment.round) and assignment.round == 1:
        return Purpose.LABEL
    return Purpose.REWORK


@copyable
@attrs.frozen(kw_only=True, slots=False)
class Assignment:
    """One member's work on a package at a stage: what ``flow.claim`` returns.  Never deleted."""

    job: int
    """The job it belongs to."""
    id: int
    """Its key: a time-ordered integer of at most 63 bits."""
    package: int
    """The number of the package."""
    stage: Stage
    """The kind of work."""
    round: int
    """The package's round that it belongs to."""
    member: int | None
    """Who has it; None for an open offer, and for the merged outcome of several votes."""
    state: AssignmentState
    """Where it is in its lifecycle."""
    made_at: datetime
    """When it was claimed or offered."""
    scope: tuple[int, ...] | None = None
    """The tasks it is about; None: all of the package."""
    lease_until: datetime | None = None
    """Until when nobody else can take it; None: without end."""
    token: str = ""
    """The caller's own name for the claim; the same token gives the same assignment."""
    token_arguments: str = ""
    """The arguments of the claim with this token, such as ``package=7``: the same token with others
    is another claim."""
    counted: bool = False
    """Whether it counts toward `StageRule.max_total` of its member."""
    purpose: Purpose = attrs.Factory(_infer_purpose, takes_self=True)
    """What it is for; its stage and its round tell, unless it is given."""
    authored: bool = False
    """Whether answers of its member are what later stages review: it labeled the package, or
    modified tasks at INSPECT and the package was not labeled as a whole since."""
    outcome: Outcome | None = None
    """How it ended; None while it is offered or held."""
    ended_at: datetime | None = None
    """When it ended."""
    comment: str = ""
    """Why it ended so: the comment of its holder, or of the member who ended it."""
    reason: str = ""
    """Why it was rejected: one of the reasons of its stage, if one was given for the package."""
    sent_back: tuple[int, ...] | None = None
    """The tasks that a REJECTED assignment sent back; None: every task of the package, or of the
    campaign in which it was."""
    labeler: str = ""
    """Instead of the member for who reviews blind, such as ``labeler 1``; never stored."""
    seconds: float = 0.0
    """How long its member worked on it, besides what was given for single tasks."""
    counted_at: datetime | None = None
    """Until when time was counted; None: it was not yet, and begins when the assignment began."""
    has_drafts: bool = False
    """Whether drafts were saved in it: else nobody needs to look for them."""
    guideline_version: int = 0
    """The version of the job's guideline that it was claimed under; 0: it was not, or none was."""
    version: int = 0
    """Counts the saves."""

    @property
    def key(self) -> tuple[int, int]:
        """The key in the store: job and id."""
        return (self.job, self.id)

    @property
    def live(self) -> bool:
        """Whether it still binds its package."""
        return self.state in LIVE

    @property
    def is_open_offer(self) -> bool:
        """Whether it waits for whoever may have it."""
        return self.state is AssignmentState.OFFERED and self.member is None

    @property
    def is_part(self) -> bool:
        """Whether it is work on a part of the package, which takes none of its slots."""
        return self.purpose in PARTS

    @property
    def decides(self) -> bool:
        """Whether its answers decide, as those of an adjudicator or an expert do."""
        return self.purpose in DECISIONS

    @property
    def is_vote(self) -> bool:
        """Whether it is a labeling that is no decision, as one of the votes if there are any."""
        return self.stage is Stage.LABEL and self.purpose not in DECISIONS

    @property
    def workers(self) -> Stage | Crew:
        """Whose work it is: that of a crew, or of the workers of its stage."""
        return CREWS.get(self.purpose, self.stage)

    def covers(self, task: int) -> bool:
        """Return whether the task with this number is in its scope."""
        return self.scope is None or (is_whole(task) and task in self.scope)

    def __str__(self) -> str:
        return f"assignment {self.id} on package {self.package}"

    def __repr__(self) -> str:
        outcome = self.outcome.value if self.outcome else ""
        member = self.labeler if self.member is None else f"member={self.member}"
        place = f"on package {self.package}"
        states = (self.stage.name, self.state.name, outcome)
        return show_line(self, self.id, *states, place, f"job={self.job}", member)


@attrs.frozen
class QueueCursor:
    """Where a member's scan of the queue begins: most of what waits before it is their own work."""

    priority: float
    """The priority of the package that was found there."""
    since: datetime
    """Since when that package waited."""
    due: datetime | None = None
    """When its work was due."""

    __repr__ = show_fields


NO_JOB = 0
"""The job of a `ClaimCounter` that is of none: it counts nothing, and the claims of a member that
name no job queue up at it where they have a token."""


@copyable
@attrs.frozen(kw_only=True, slots=False)
class ClaimCounter:
    """What is remembered of one member at one stage of one job.

    It counts what the member holds and what they have got, where a rule limits it, and says where
    their scan of the queue begins, and which guideline they have read.
    """

    job: int
    """The job; `NO_JOB` for none."""
    stage: Stage
    """The stage."""
    member: int
    """The member."""
    active: int = 0
    """How many assignments the member holds; counted where the stage has a `StageRule.limit`."""
    total: int = 0
    """How many packages the member has got; counted where there is a `StageRule.max_total`."""
    cursor: QueueCursor | None = None
    """Where the scan of the queue begins; None: at its front."""
    acknowledged: int = 0
    """The newest version of the job's guideline that the member has acknowledged."""
    version: int = 0
    """Counts the saves."""

    @property
    def key(self) -> tuple[int, str, int]:
        """The key in the store: job, name of the stage, member."""
        return (self.job, self.stage.value, self.member)

    __repr__ = show_fields
