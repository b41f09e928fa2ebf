"""Who is left to vote on tasks on which the votes so far do not agree."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import attrs

from itagflow.access import Policy
from itagflow.claiming import part_rules
from itagflow.claiming.decision import has_skill
from itagflow.claiming.part_rules import PackagePart
from itagflow.core.transaction import Transaction
from itagflow.jobs.finishing_rules import find_workers
from itagflow.model.job import Job, Stage
from itagflow.model.package import Assignment, ClaimCounter, Package, Purpose
from itagflow.model.workspace import Member
from itagflow.storage.port import Query, Reader


@attrs.frozen
class Voters:
    """Those who may vote in a job, whatever they have done on a package."""

    job: Job
    """The job."""
    members: Sequence[Member]
    """The members; whoever is paused is among them, and comes back."""

    def is_one_left(
        self, package: Package, vote: Assignment, assignments: Sequence[Assignment]
    ) -> bool:
        """Return whether one of them may give *vote*, beside the *assignments* on its package."""
        return any(
            not part_rules.has_conflict(self.job, vote, member, assignments)
            and has_skill(self.job, Stage.LABEL, member, package)
            for member in self.members
        )


def read_voters(reader: Reader, policy: Policy, job: Job) -> Voters:
    """Return those who may vote in *job*."""
    active = Query(Member, {"workspace": job.workspace, "active": True})
    members = list(reader.find(active))
    workers = find_workers(job, Stage.LABEL, members, policy)
    finished = _find_finished(reader, job)
    able = [member for member in members if member.id in workers and member.id not in finished]
    return Voters(job, able)


def has_voter_left(
    transaction: Transaction, job: Job, package: Package, assignments: Sequence[Assignment]
) -> bool:
    """Return whether somebody of LABEL could give one more vote on tasks of a locked *package*.

    Nothing is read where the job asks for no more votes.
    """
    if not job.workflow.label.asks_again:
        return False
    part = PackagePart(package, Purpose.EXTRA_VOTE, ())
    vote = part_rules.make_open_offer(part, transaction.make_context(job.workspace), id=0)
    voters = read_voters(transaction.store, transaction.policy, job)
    return voters.is_one_left(package, vote, assignments)


def _find_finished(reader: Reader, job: Job) -> Collection[int]:
    """Return who has got as many packages at LABEL as one may in the whole job."""
    most = job.workflow.label.max_total
    if most is None:
        return ()
    # one question for all members: a submission may ask it
    counters = reader.find(Query(ClaimCounter, {"job": job.id, "stage": Stage.LABEL}))
    return {counter.member for counter in counters if counter.total >= most}
