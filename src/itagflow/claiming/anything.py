"""Claims that name no job, or no stage: the best work of all the jobs of a workspace that run.

Each queue has its own decision, by the one function that every claim asks; what they let the member
take is put in one order.  Work is locked as it is found, and never waited for behind other work.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import datetime
from operator import itemgetter
from typing import Any

import attrs

from itagflow import access
from itagflow.access import Action
from itagflow.claiming import lanes, queue, rules
from itagflow.claiming.decision import ClaimPlace, Decision, Obstacle, Source, decide
from itagflow.claiming.requested import take_requested
from itagflow.claiming.service import Claim
from itagflow.claiming.wanted import Wanted, find_job_and_member
from itagflow.core import lookup
from itagflow.core.engine import RACES, Engine
from itagflow.core.registry import Environment
from itagflow.core.transaction import Transaction
from itagflow.model.job import Job, JobState, Stage
from itagflow.model.number import require_whole_number
from itagflow.model.package import NO_JOB, Assignment, AssignmentState, ClaimCounter, Package
from itagflow.model.workspace import Member
from itagflow.storage.port import Query, Reader

_PlaceKey = tuple[int, Stage]
"""The job and the stage of a place."""


def claim(engine: Engine, wanted: Wanted) -> Assignment | None:
    """Take the best that is there for a member, or return None when there is nothing."""
    taken, is_overtaken = None, True
    for _ in range(RACES):
        # Once is enough, unless what was locked is not what was read a moment before: then others
        # were faster.  Job and member are locked by then, and nothing else can follow these.
        if is_overtaken:
            with engine.transaction() as transaction:
                taken, is_overtaken = claim_once(transaction, wanted)
    return taken


def claim_many(engine: Engine, wanted: Wanted, count: int) -> list[Assignment]:
    """Take up to *count* assignments in the order of `claim`; fewer when there are no more."""
    count = require_whole_number("claim_many", "count", count, least=0)
    taken: list[Assignment] = []
    # A transaction for each: they may be of different jobs, and a claim ends with the locks of one.
    while len(taken) < count:
        assignment = claim(engine, wanted)
        if assignment is None:
            break
        taken.append(assignment)
    return taken


def claim_once(transaction: Transaction, wanted: Wanted) -> tuple[Assignment | None, bool]:
    """Return what is taken, and whether others were faster, so that it should be tried again."""
    job, member = find_job_and_member(transaction.store, wanted)
    stage = wanted.stage
    if job is not None and wanted.options.package is not None:
        package = lookup.package_in(transaction.store, job.id, wanted.options.package)
        stage = stage or package.stage
        if stage is None:
            return None, False  # its work is done
    if job is not None and stage is not None:
        return take_requested(transaction, member, job, stage, wanted.options)
    search = _Search(transaction, wanted, member, job)
    return search.take(), search.is_overtaken


def list_running(reader: Reader, workspace: int) -> list[Job]:
    """Return the jobs of a workspace that run, oldest first."""
    # Read each time, and not remembered: a job that somebody has just published is among them.
    # What changes rarely is decoded once for each version, so this costs the rows alone.
    where: dict[str, Any] = {"workspace": workspace, "state": JobState.RUNNING}
    return list(reader.find(Query(Job, where, order=("id",))))


def decide_all(
    reader: Reader, environment: Environment, places: Sequence[ClaimPlace]
) -> list[Decision]:
    """Return the decision about each of these places, which are all of one member."""
    counted = [place for place in places if queue.needs_counter(place.job, place.stage)]
    counters: dict[tuple[int, Stage], ClaimCounter] = {}
    if counted:
        where: dict[str, Any] = {
            "job": tuple({place.job.id for place in counted}),
            "stage": tuple(Stage),
            "member": counted[0].member.id,
        }
        found = reader.find(Query(ClaimCounter, where))
        counters = {(counter.job, counter.stage): counter for counter in found}
    return [
        decide(queue.make_situation(environment, place, counters.get((place.job.id, place.stage))))
        for place in places
    ]


def list_places(
    jobs: Sequence[Job], member: Member, only: Stage | None, at: datetime
) -> list[ClaimPlace]:
    """Return the stages of *jobs*, or *only* this one of each, with the member who would claim."""
    return [
        ClaimPlace(job, member, stage, at)
        for job in jobs
        for stage in job.workflow.stages
        if only in (None, stage)
    ]


@attrs.frozen
class _Found:
    """What there may be to take in jobs of one priority."""

    offers: list[tuple[ClaimPlace, Assignment]] = attrs.field(
        factory=list[tuple[ClaimPlace, Assignment]]
    )
    """The parts that are offered to whoever may have them, oldest first."""
    heads: list[lanes.Head] = attrs.field(factory=list[lanes.Head])
    """The queues in which something waits."""


class _Search:
    """A look for the best work, by which the first that can be locked is taken."""

    def __init__(
        self, transaction: Transaction, wanted: Wanted, member: Member, job: Job | None
    ) -> None:
        self._transaction = transaction
        self._reader: Reader = transaction.store
        self._wanted = wanted
        self._member = member
        self._is_of_one_job = job is not None
        self._may_wait = True
        """Whether nothing is locked: only then may a claim wait for a package."""
        self.is_overtaken = False
        """Whether what was locked was not what had been read, so that nothing more can be taken."""
        self._terms = _make_terms(wanted, job)
        self._require_active()
        if self._terms.token:
            self._lock_gate()
        jobs = list_running(self._reader, member.workspace) if job is None else [job]
        self._places = list_places(jobs, member, wanted.stage, transaction.at)
        self._decisions = dict[_PlaceKey, Decision]()
        """What was decided so far: most places are never asked about."""
        self._heads: Sequence[lanes.Head] = ()
        """The queues in which something waits, once they were looked for."""

    def _decide(self, place: ClaimPlace) -> Decision:
        """Return the decision about a place."""
        key = (place.job.id, place.stage)
        known = self._decisions.get(key)
        if known is None:
            known = decide(queue.describe(self._reader, self._transaction, place))
            self._decisions[key] = known
        return known

    def _require_active(self) -> None:
        """Check that the member was not removed.

        Raises:
            NotAllowed: when they were.
        """
        if not self._member.active:
            action = Action.at(self._wanted.stage or Stage.LABEL)
            raise access.not_allowed(self._member, action, access.REMOVED)

    def _lock_gate(self) -> None:
        """Wait for claims of this member that are sent at the same time, as they may be the same.

        They could lead to any job, so they queue up at a row that is of none, and holds nothing.
        It is locked before all others: nobody who has it has locked anything that it waits for,
        and from here on nothing is waited for but counters, job and member.
        """
        gate = ClaimCounter(job=NO_JOB, stage=Stage.ACCEPT, member=self._member.id)
        self._transaction.lock(ClaimCounter, gate.key, create=gate)
        self._may_wait = False

    def take(self) -> Assignment | None:
        """Take the first that can be had.

        Raises:
            NotAllowed: when the member may not work at any stage of the job that is named.
            NotAcknowledged: when nothing is there but work whose guideline they have not read.
            NotRegistered: when nothing is there but work that needs code that is not here.
        """
        if self._is_of_one_job:
            self._require_permission()
        taken = self._find_earlier() or self._find_held() or self._take_offer()
        taken = taken or self._take_new() or self._wait_for_queue() or self._take_lapsed()
        if taken is None and not self.is_overtaken:
            self._require_no_more()
        return taken

    def _require_permission(self) -> None:
        """Check that the member may work at one of the stages that are asked for, if any is."""
        decisions = [self._decide(place) for place in self._places]
        if all(decision.obstacle is Obstacle.POLICY for decision in decisions):
            self._begin(decisions[0]).require_permission()

    def _require_no_more(self) -> None:
        """Check that what is kept from the member is what they, or the process, could correct."""
        for decision in decide_all(self._reader, self._transaction, self._places):
            if decision.obstacle not in (Obstacle.GUIDELINE, Obstacle.CODE):
                continue
            situation = attrs.evolve(
                decision.situation,
                missing_validator="",
                missing_merge="",
                acknowledged=decision.situation.job.guideline_version,
            )
            if queue.find_source(self._reader, decide(situation), self._transaction.at) is not None:
                begun = self._begin(decision)
                begun.require_permission()
                begun.require_acknowledged()

    def _begin(self, decision: Decision) -> Claim:
        """Return a claim in the queue that a decision is about."""
        return Claim(self._transaction, decision.situation, self._terms, may_wait=self._may_wait)

    def _note(self, begun: Claim, taken: Assignment | None) -> Assignment | None:
        """Return what a claim has *taken*; without it, note whether another one can follow."""
        self._may_wait = self._may_wait and not begun.has_package
        if taken is None and begun.is_confirmed:
            self.is_overtaken = True
        return taken

    def _find_decision(self, assignment: Assignment, source: Source | None) -> Decision | None:
        """Return the decision that lets the member have *assignment* by this *source*, if any."""
        for place in self._places:
            if place.job.id == assignment.job and place.stage is assignment.stage:
                decision = self._decide(place)
                is_open = source is None or source in decision.sources
                return decision if is_open and decision.permits(assignment) else None
        return None

    def _find_earlier(self) -> Assignment | None:
        """Return what the same claim, sent before, was given."""
        if not self._terms.token:
            return None
        where: dict[str, Any] = {"member": self._member.id, "token": self._terms.token}
        for earlier in self._reader.find(Query(Assignment, where)):
            if earlier.token_arguments == self._terms.arguments:
                return earlier
        return None

    def _find_held(self) -> Assignment | None:
        """Return what the member holds already, the oldest first, if that is asked for."""
        if not self._wanted.options.is_resumed:
            return None
        where: dict[str, Any] = {"member": self._member.id, "state": AssignmentState.HELD}
        for held in self._reader.find(Query(Assignment, where, order=("id",))):
            decision = self._find_decision(held, None)
            if decision is None:
                continue
            begun = self._begin(decision)
            found = begun.give_back_held(held)
            if found is not None:
                return found
            if self._note(begun, None) is None and self.is_overtaken:
                return None
        return None

    def _take_offer(self) -> Assignment | None:
        """Take what is offered to the member, the oldest first."""
        where: dict[str, Any] = {"member": self._member.id, "state": AssignmentState.OFFERED}
        # by key, which is the order of time
        for offer in self._reader.find(Query(Assignment, where, order=("id",))):
            decision = self._find_decision(offer, Source.OFFERS)
            if decision is None:
                continue
            begun = self._begin(decision)
            taken = self._note(begun, begun.take_own_offer(offer))
            if taken is not None or self.is_overtaken:
                return taken
        return None

    def _take_new(self) -> Assignment | None:
        """Take an open offer or what waits, of the jobs that come first."""
        if self.is_overtaken:
            return None
        offers = queue.find_open_offers_of(self._reader, self._places, self._decide)
        self._heads = lanes.find_heads(self._reader, self._places)
        by_priority = defaultdict[int, _Found](_Found)
        for place, offer in offers:
            by_priority[place.job.priority].offers.append((place, offer))
        for head in self._heads:
            by_priority[head.place.job.priority].heads.append(head)
        for _, found in sorted(by_priority.items(), key=itemgetter(0), reverse=True):
            taken = self._take_open_offer(found.offers)
            if taken is None and not self.is_overtaken:
                taken = self._take_waiting(found.heads)
            if taken is not None or self.is_overtaken:
                return taken
        return None

    def _take_open_offer(
        self, offers: Sequence[tuple[ClaimPlace, Assignment]]
    ) -> Assignment | None:
        """Take a part that is offered to whoever may have it, the oldest first."""
        for place, offer in offers:
            begun = self._begin(self._decide(place))
            taken = self._note(begun, begun.take_open_offer(offer))
            if taken is not None or self.is_overtaken:
                return taken
        return None

    def _take_waiting(self, heads: Sequence[lanes.Head]) -> Assignment | None:
        """Take the best package that waits."""
        for decision, query in lanes.iterate_best(self._reader, heads, self._decide):
            begun = self._begin(decision)
            taken = self._note(begun, begun.take_waiting(query))
            if taken is not None or self.is_overtaken:
                return taken
        return None

    def _wait_for_queue(self) -> Assignment | None:
        """Take one of the packages that others have locked, if there is a free slot left."""
        if self.is_overtaken or not self._may_wait:
            return None
        waiting = [
            (package, self._decide(head.place))
            for head in self._heads
            for package in self._find_waiting(head.place)
        ]
        # by key, which is the order of locks
        for package, decision in sorted(waiting, key=lambda pair: pair[0].key):
            begun = self._begin(decision)
            taken = self._note(begun, begun.wait_for(package))
            if taken is not None or self.is_overtaken:
                return taken
        return None

    def _find_waiting(self, place: ClaimPlace) -> list[Package]:
        decision = self._decide(place)
        if Source.QUEUE not in decision.sources:
            return []
        start = queue.find_start(self._reader, place)
        return queue.find_waiting(self._reader, decision, start)

    def _take_lapsed(self) -> Assignment | None:
        """Take the assignment whose lease lapsed first."""
        if self.is_overtaken:
            return None
        for decision, lapsed in self._iterate_lapsed():
            begun = self._begin(decision)
            taken = self._note(begun, begun.take_one_lapsed(lapsed))
            if taken is not None or self.is_overtaken:
                return taken
        return None

    def _iterate_lapsed(self) -> Iterator[tuple[Decision, Assignment]]:
        """Yield what has lapsed, the longest first; what they labeled in an earlier round last."""
        places = {(place.job.id, place.stage): place for place in self._places}
        later = list[tuple[Decision, Assignment]]()
        jobs = tuple({job for job, _ in places})
        for lapsed in queue.find_lapsed_of(self._reader, jobs, self._transaction.at):
            place = places.get((lapsed.job, lapsed.stage))
            decision = None if place is None else self._decide(place)
            if decision is None or Source.LAPSED not in decision.sources:
                continue
            if queue.comes_last(self._reader, lapsed, self._member):
                later.append((decision, lapsed))
            else:
                yield decision, lapsed
        yield from later


def _make_terms(wanted: Wanted, job: Job | None) -> rules.Terms:
    """Return the terms of a claim; the same token with other arguments is another claim."""
    token = wanted.options.token
    rules.must_be_a_token(token)
    if not token:
        return rules.NO_TERMS
    place = "any job" if job is None else f"job={job.id}"
    stage = "any stage" if wanted.stage is None else f"stage={wanted.stage.value}"
    held = ", resume" if wanted.options.is_resumed else ""
    return rules.Terms(token=token, arguments=f"{place}, {stage}{held}")
