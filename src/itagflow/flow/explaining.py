"""Why there is nothing to claim."""

from __future__ import annotations

from itagflow.flow import _find
from itagflow.flow._act import Shell
from itagflow.flow._find import JobRef, MemberRef
from itagflow.flow._pool import has_work
from itagflow.model.job import Job, JobState, Stage
from itagflow.model.package import Assignment, Package, TurnState
from itagflow.model.workspace import Member
from itagflow.printing import printable
from itagflow.rules import access, claiming
from itagflow.rules.access import Action
from itagflow.store import Query, Reader


class Explaining(Shell):
    """The verb that says why."""

    def explain(self, member: MemberRef, job: JobRef, stage: Stage) -> str:
        """Say what `claim` would find for a member, and if nothing, why, in one sentence.

        Raises:
            NotFound: when there is no such member or job.
            InvalidData: when the job does not have this stage.
        """
        with self.store.read() as reader:
            return printable(self._explained(reader, member, job, stage))

    def _explained(self, reader: Reader, member: MemberRef, job: JobRef, stage: Stage) -> str:
        home = _find.job(reader, job)
        who = _find.member(reader, home.workspace, member)
        rule = home.workflow.rule(stage)
        if reason := access.refusal(self.policy, who, Action.at(stage), home, stage):
            return f"{who.account} may not {stage.value} here: {reason}"
        if home.state is not JobState.RUNNING:
            return f"the job is {home.state.value}"
        live = list(reader.find(Query(Assignment, {"job": home.id, "live": True, "stage": stage})))
        held = [turn for turn in live if turn.member == who.id and turn.state is TurnState.HELD]
        if claiming.seat_is_full(home, stage, len(held)):
            return f"the limit is reached: {who.account} holds {len(held)} of {rule.limit} turns"
        if any(turn.member == who.id and turn.state is TurnState.OFFERED for turn in live):
            return "something is offered: claim it"
        if has_work(reader, home, who, stage):
            return "something is waiting: claim it"
        return _why_nothing(reader, home, who, stage, live)


def _why_nothing(reader: Reader, job: Job, who: Member, stage: Stage, live: list[Assignment]) -> str:
    waiting = Query(Package, {"job": job.id, "state": claiming.waits_at(stage), "waiting": True})
    own = reader.count(waiting)
    parts = [f"{own} waiting packages are {who.account}'s own work"] if own else []
    if live:
        until = min((turn.lease_until for turn in live if turn.lease_until), default=None)
        ends = f", the first lease ends at {until:%Y-%m-%d %H:%M:%S %Z}" if until else ", and no lease ends"
        parts.append(f"{len(live)} turns are held by or offered to people{ends}")
    stages = job.workflow.stages
    before = _count(reader, job, stages[: stages.index(stage)])
    if before:
        parts.append(f"{before} packages are still at an earlier stage")
    behind = _count(reader, job, stages[stages.index(stage) + 1 :])
    if behind and not parts:
        parts.append(f"all done here: {behind} packages are at a later stage")
    return "; ".join(parts) or "all done"


def _count(reader: Reader, job: Job, stages: tuple[Stage, ...]) -> int:
    states = tuple(claiming.waits_at(stage) for stage in stages)
    return reader.count(Query(Package, {"job": job.id, "state": states}))
