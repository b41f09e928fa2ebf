"""Which packages nobody can go on with, and why: what `jobs.blocked` lists."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

import attrs

from itagflow.claiming.decision import (
    Decision,
    Obstacle,
    has_assignment,
    has_skill,
    is_own_work,
)
from itagflow.claiming.part_rules import has_conflict, has_seen_votes
from itagflow.lifecycle.tables import stage_of
from itagflow.lots.key_rules import is_gathering
from itagflow.model.job import Crew, Job, Stage
from itagflow.model.package import Assignment, AssignmentState, Package, Purpose
from itagflow.model.reports import BlockedPackage
from itagflow.model.skills import name_skill
from itagflow.printing import format_count

MAX_NAMED = 5
"""How many members a sentence names."""

_BARS_ALL_WORK = frozenset({Obstacle.POLICY, Obstacle.PAUSED})
"""What keeps a member also from the work that they have already."""

_VERBS = {Stage.LABEL: "label", Stage.INSPECT: "inspect", Stage.ACCEPT: "accept"}

_PARTS = {
    Purpose.REST: "the rest of it",
    Purpose.EXTRA_VOTE: "one more vote on a part of it",
    Purpose.ADJUDICATION: "the decision between its votes",
    Purpose.ESCALATION: "an expert's answer to a part of it",
}
"""What a part of a package that waits for somebody is about."""


@attrs.frozen(kw_only=True)
class Workers:
    """What each member of a workspace may take of a job, whatever they hold."""

    job: Job
    """The job."""
    decisions: Mapping[Stage, Sequence[Decision]]
    """By stage, the decision about each active member, the limit of what is held aside."""
    at: datetime
    """When."""

    def find(self, stage: Stage, member: int | None) -> Decision | None:
        """Return the decision about a member at *stage*, if they are there."""
        for decision in self.decisions[stage]:
            if decision.situation.member.id == member:
                return decision
        return None


@attrs.frozen
class Need:
    """Work on a package for which somebody has to be found."""

    package: Package
    """The package."""
    assignment: Assignment | None = None
    """The assignment that somebody has to take; None: a free slot."""

    @property
    def is_part(self) -> bool:
        """Whether it is work on a part of the package."""
        return self.assignment is not None and self.assignment.is_part

    def is_possible(self, decision: Decision, assignments: Sequence[Assignment]) -> bool:
        """Return whether the member of *decision* may take it, beside these *assignments*."""
        if self.assignment is None:
            return decision.accepts_new(self.package, assignments)
        if self.assignment.is_open_offer:
            return decision.accepts_open(self.assignment, assignments, self.package)
        if self.assignment.member == decision.situation.member.id:
            return False  # who has it, and cannot go on with it, does not take it over
        return decision.accepts_lapsed(self.assignment, self.package, assignments)


def find_blocked(
    workers: Workers, package: Package, assignments: Sequence[Assignment], *, lot_reason: str = ""
) -> BlockedPackage | None:
    """Return why nobody can go on with an open *package*, or None when somebody can.

    Args:
        workers: Who may take what.
        package: The package.
        assignments: All assignments that there ever were on it.
        lot_reason: Why those that wait until their lot closes wait in vain, if they do.
    """
    stage = stage_of(package)
    if package.awaits_lot:
        # who is to check the sample of its lot is asked for the packages that hold it
        if lot_reason and is_gathering(package.lot_key):
            return BlockedPackage(package.number, stage, lot_reason)
        return None
    missing_code = _find_missing_code(workers, stage)
    if missing_code:
        return BlockedPackage(package.number, stage, missing_code)
    live = [each for each in assignments if each.live and each.round == package.round]
    stuck = [each for each in live if each.is_open_offer or not _goes_on(workers, each)]
    endless = [each for each in stuck if not each.is_open_offer and each.lease_until is None]
    if endless:
        return BlockedPackage(package.number, stage, _explain_holder(workers, endless[0]))
    needs = [*[Need(package)] * package.free, *(Need(package, each) for each in stuck)]
    able = [_find_able(workers, need, assignments) for need in needs]
    untaken = find_untaken(needs, able, votes=workers.job.workflow.label.votes)
    if not untaken:
        return None
    reason = _explain_untaken(workers, untaken, assignments)
    return BlockedPackage(package.number, stage, reason)


def explain_open_lot(waiting: int) -> str:
    """Return that nothing is on its way to a lot for which so many packages wait.

    >>> explain_open_lot(1)
    'its lot does not close with 1 package, and no other is on its way: add tasks, or lots.close'
    """
    packages = format_count(waiting, "package")
    return (
        f"its lot does not close with {packages}, and no other is on its way: "
        "add tasks, or lots.close"
    )


def find_untaken(
    needs: Sequence[Need], able: Sequence[Collection[int]], *, votes: int
) -> list[Need]:
    """Return the *needs* that are left over when as many as possible are taken.

    Where votes are given nobody has two assignments on a package; else one member may do several
    parts of it, but none of them beside the whole package.

    Args:
        needs: What has to be done on one package.
        able: Who may take each of these, by key.
        votes: How many members label a package of the job.
    """
    if votes == 1:
        return _find_untaken_of_one(needs, able)
    taken_by = dict[int, int]()
    return [
        need for number, need in enumerate(needs) if not _give(number, able, taken_by, seen=set())
    ]


def _find_untaken_of_one(needs: Sequence[Need], able: Sequence[Collection[int]]) -> list[Need]:
    """Return the *needs* that are left over on a package that one member labels."""
    # who is the only one for a part is not free for the package
    bound = {
        key
        for need, keys in zip(needs, able, strict=True)
        if need.is_part and len(keys) == 1
        for key in keys
    }
    return [
        need
        for need, keys in zip(needs, able, strict=True)
        if not (keys if need.is_part else set(keys) - bound)
    ]


def _give(
    number: int, able: Sequence[Collection[int]], taken_by: dict[int, int], *, seen: set[int]
) -> bool:
    """Find somebody for a need; who has another one may pass that on, so that most are taken."""
    for key in able[number]:
        if key in seen:
            continue
        seen.add(key)
        other = taken_by.get(key)
        if other is None or _give(other, able, taken_by, seen=seen):
            taken_by[key] = number
            return True
    return False


def _find_able(workers: Workers, need: Need, assignments: Sequence[Assignment]) -> Collection[int]:
    """Return the keys of the members who may take *need*."""
    return [
        decision.situation.member.id
        for decision in workers.decisions[stage_of(need.package)]
        if need.is_possible(decision, assignments)
    ]


def _find_missing_code(workers: Workers, stage: Stage) -> str:
    """Return which code of the application this process lacks, or an empty string."""
    # the same for everybody: it is a matter of the process, and not of the member
    for decision in workers.decisions[stage]:
        if decision.obstacle is Obstacle.CODE:
            return f"{decision.reason}: give it to itagflow.open"
    return ""


def _goes_on(workers: Workers, assignment: Assignment) -> bool:
    """Return whether the member of a live *assignment* can claim and finish it."""
    decision = workers.find(assignment.stage, assignment.member)
    if decision is None or decision.obstacle in _BARS_ALL_WORK:
        return False
    return decision.permits(assignment)


def _explain_holder(workers: Workers, assignment: Assignment) -> str:
    """Return why an assignment that never lapses is not finished."""
    decision = workers.find(assignment.stage, assignment.member)
    has = "is held by" if assignment.state is AssignmentState.HELD else "is offered to"
    if assignment.is_part:
        has = f"({_PARTS[assignment.purpose]}) {has}"
    if decision is None:
        return f"it {has} a member who was removed, and has no lease: reassign it"
    if _is_secret(workers.job, assignment.stage):
        return f"it {has} a member who cannot go on, and has no lease: reassign it"
    account = decision.situation.member.account
    reason = decision.reason
    if isinstance(assignment.workers, Crew) and assignment.workers not in decision.situation.crews:
        reason = f"{account} is not among the {assignment.workers.value} any more"
    return f"it {has} {account} and has no lease, but {reason}: reassign it"


def _is_secret(job: Job, stage: Stage) -> bool:
    """Return whether who works at *stage* is secret: those who still vote are among the readers."""
    return stage is Stage.LABEL and job.workflow.label.votes > 1


def _explain_untaken(
    workers: Workers, untaken: Sequence[Need], assignments: Sequence[Assignment]
) -> str:
    """Return why nobody can take what is left over of a package."""
    need = untaken[0]
    stage = stage_of(need.package)
    if need.assignment is not None and need.is_part:
        sentence = f"{_PARTS[need.assignment.purpose]} waits, and nobody can take it"
    else:
        members = format_count(sum(not each.is_part for each in untaken), "more member")
        sentence = f"{members} must {_VERBS[stage]} it, and nobody can"
    refusals = {
        decision.situation.member.id: _find_refusal(decision, need, assignments)
        for decision in workers.decisions[stage]
        if _belongs(decision, need)
    }
    reasons = list(dict.fromkeys(filter(None, refusals.values())))
    if not refusals:
        reasons = [_explain_nobody(need, stage)]
    elif not reasons:
        reasons = ["those who may are needed for the rest of it"]
    named = reasons[:MAX_NAMED]
    if len(reasons) > MAX_NAMED:
        named.append(f"and {format_count(len(reasons) - MAX_NAMED, 'more reason')}")
    return f"{sentence}: {'; '.join(named)}"


def _explain_nobody(need: Need, stage: Stage) -> str:
    """Return that nobody belongs to those whose work *need* is."""
    workers = stage if need.assignment is None else need.assignment.workers
    if isinstance(workers, Crew):
        call = f'jobs.add_workers(job, "{workers.value}", …)'
        return f"nobody may work as one of the {workers.value}: name somebody with {call}"
    return f"nobody may work at {stage.name}: name somebody for it"


def _belongs(decision: Decision, need: Need) -> bool:
    """Return whether the member of *decision* is one of those whose work *need* is."""
    if decision.obstacle is Obstacle.POLICY:
        return False
    if need.assignment is None:
        return decision.situation.policy_refusal is None
    return decision.permits(need.assignment)


def _find_refusal(decision: Decision, need: Need, assignments: Sequence[Assignment]) -> str:
    """Return why a member cannot take *need*, or an empty string when they can."""
    if need.is_possible(decision, assignments):
        return ""
    if decision.reason:
        return decision.reason
    situation = decision.situation
    job, member, package = situation.job, situation.member, need.package
    requires = job.workflow.rule(situation.stage).requires
    if requires is not None and not has_skill(job, situation.stage, member, package):
        return f"who takes it needs the skill {name_skill(requires, package.value)}"
    if has_seen_votes(job, member, package.round, assignments):
        return "who was shown the votes gives none"
    part = need.assignment if need.is_part else None
    if part is not None and has_conflict(job, part, member, assignments):
        if _is_secret(job, situation.stage):
            return "nobody has two assignments on it in a round"
        return f"{member.account} has, or had, an assignment on it in this round"
    if has_assignment(package, member, assignments):
        if _is_secret(job, situation.stage):
            return "nobody votes twice"
        return f"{member.account} has an assignment on it in this round"
    if is_own_work(job, package, member, situation.stage, assignments):
        return f"it is {member.account}'s own work"
    return f"{member.account} cannot go on with it"
