"""What claims read: what the decision depends on, and what there is to take.

That is offers, waiting packages, lapsed leases, and the start of a scan.
"""

from __future__ import annotations

import heapq
import math
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any

import attrs

from itagflow import access
from itagflow.claiming import rules
from itagflow.claiming.decision import (
    ClaimPlace,
    Decision,
    Situation,
    Source,
    can_have_open_offers,
    can_own_work_wait,
    find_barred_stages,
    has_labeled,
)
from itagflow.core.lookup import first, get_or_none, iterate_in_transaction
from itagflow.core.registry import Environment
from itagflow.core.transaction import Transaction
from itagflow.model.copying import evolve
from itagflow.model.job import ALL_CREWS, Crew, Job, QueueOrder, Stage, find_registered_names
from itagflow.model.jobcounter import JobCounter
from itagflow.model.package import (
    LIVE,
    Assignment,
    AssignmentState,
    ClaimCounter,
    Package,
    PackageState,
    QueueCursor,
)
from itagflow.model.skills import list_values
from itagflow.model.workspace import Member, is_paused
from itagflow.storage.fields import NEVER
from itagflow.storage.port import (
    Condition,
    Query,
    Reader,
    Span,
    Unless,
)

USUAL_ORDER = ("-priority", "due", "waiting_since", "number")
"""The order in which packages are taken from the queue, unless the stage has another."""
DUE_ORDER = ("due", "-priority", "waiting_since", "number")
OLDEST_ORDER = ("waiting_since", "-priority", "due", "number")
RANDOM_ORDER = ("number",)
"""From a number on that is drawn, see `QueueStart`."""
_ORDERS: Mapping[QueueOrder | None, tuple[str, ...]] = {
    None: USUAL_ORDER,
    QueueOrder.DUE: DUE_ORDER,
    QueueOrder.OLDEST: OLDEST_ORDER,
    QueueOrder.RANDOM: RANDOM_ORDER,
}
_EVERYTHING: Mapping[str, Condition] = {}
NOBODY = 0
"""How a query names the member of an open offer."""
_AGAIN: Mapping[str, Condition] = {"round": Span(2, None)}
"""What holds of packages that somebody may have labeled in an earlier round."""
# What each claim asks for is a global: Python 3.11 takes ten times as long to find a member of an
# enum in its class.
_LABEL, _OFFERED, _RANDOM, _OPEN = (
    Stage.LABEL,
    AssignmentState.OFFERED,
    QueueOrder.RANDOM,
    Source.OPEN,
)
_LABELED: Mapping[str, Condition] = {
    "stage": Stage.LABEL,
    "state": (*LIVE, AssignmentState.DONE),
}
"""What matches the labelings that count."""
_MOMENT = timedelta(microseconds=1)
_LAST_MOMENT = datetime.max.replace(tzinfo=UTC)
_CANDIDATES = 8
"""How many packages of an index are read at a time where the first will nearly always do, unless as
many claims run at once."""


@attrs.frozen
class QueueStart:
    """Where a scan of the queue begins: at its front, unless one of these says otherwise."""

    cursor: QueueCursor | None = None
    """Behind a long row of the member's own work."""
    number: int = 0
    """At the package with this number, which was drawn; 0: at the front."""
    is_kept: bool = False
    """Whether the place that a member has come to is kept for their next claim."""


_FRONT = QueueStart()
"""Where most scans begin."""


def describe(reader: Reader, environment: Environment, place: ClaimPlace) -> Situation:
    """Return what the decision depends on, as it is stored.

    Raises:
        InvalidData: when the job does not have this stage.
    """
    counter: ClaimCounter | None = None
    if needs_counter(place.job, place.stage):
        key = (place.job.id, place.stage.value, place.member.id)
        counter = get_or_none(reader, ClaimCounter, key)
    return make_situation(environment, place, counter)


def needs_counter(job: Job, stage: Stage) -> bool:
    """Return whether the decision at *stage* depends on the counter of the member."""
    # else nobody counts, and nobody asks what was read: the query is saved
    return has_limits(job, stage) or job.workflow.rule(stage).acknowledge


def make_situation(
    environment: Environment, place: ClaimPlace, counter: ClaimCounter | None
) -> Situation:
    """Return what the decision depends on, once the member's *counter* is read, if it is needed."""
    job, member, stage = place.job, place.member, place.stage
    missing_merge = ""
    if stage is _LABEL:  # the last vote is merged by whoever submits it
        names = find_registered_names(job.workflow)
        missing_merge = next((n for n in names if not environment.registry.has_merge(n)), "")
    missing_validator = ""
    if job.validator and not environment.registry.has_validator(job.validator):
        missing_validator = job.validator
    return Situation(
        job=job,
        member=member,
        stage=stage,
        policy_refusal=access.working_refusal(environment.policy, member, job, stage),
        crews=_find_crews(environment, job, member, stage),
        missing_validator=missing_validator,
        missing_merge=missing_merge,
        acknowledged=0 if counter is None else counter.acknowledged,
        is_paused=is_paused(member, place.at),
        is_closed=job.closes_at is not None and job.closes_at <= place.at,
        active=0 if counter is None else counter.active,
        total=0 if counter is None else counter.total,
    )


def has_limits(job: Job, stage: Stage) -> bool:
    """Return whether the claims of a member at *stage* are counted."""
    rule = job.workflow.rule(stage)
    return rule.limit is not None or rule.max_total is not None


def _find_crews(
    environment: Environment, job: Job, member: Member, stage: Stage
) -> frozenset[Crew]:
    """Return the crews in which *member* may work at *stage*; their work is done at LABEL."""
    # most jobs have no crews, and the policy takes time
    if stage is not _LABEL or not job.workforce:
        return frozenset()
    return frozenset(
        crew
        for crew in ALL_CREWS
        if crew in job.workforce
        and access.working_refusal(environment.policy, member, job, crew) is None
    )


def find_offers(reader: Reader, job: Job, member: Member, stage: Stage) -> list[Assignment]:
    """Return what is offered to *member* at *stage*, oldest first."""
    where: dict[str, Any] = {"member": member.id, "state": _OFFERED, "job": job.id}
    # By key, which is the order of time and that of locks.  The index on members has no stage; a
    # member has few offers, so they are sorted out here.
    offered = reader.find(Query(Assignment, where, order=("id",)))
    return [assignment for assignment in offered if assignment.stage is stage]


def find_held(reader: Reader, place: ClaimPlace, package: int | None) -> list[Assignment]:
    """Return what a member holds at a stage, on this *package* or any, oldest first."""
    where: dict[str, Any] = {
        "member": place.member.id,
        "state": AssignmentState.HELD,
        "job": place.job.id,
    }
    held = reader.find(Query(Assignment, where, order=("id",)))
    return [
        assignment
        for assignment in held
        if assignment.stage is place.stage and package in (None, assignment.package)
    ]


def find_claimed(reader: Reader, place: ClaimPlace, terms: rules.Terms) -> Assignment | None:
    """Return what a claim with this token was given before.

    At another stage, or with other arguments, it is another claim.
    """
    where: dict[str, Any] = {
        "job": place.job.id,
        "member": place.member.id,
        "token": terms.token,
    }
    for assignment in reader.find(Query(Assignment, {**where, "stage": place.stage})):
        if assignment.token_arguments == terms.arguments:
            return assignment
    return None


def find_open_offers(reader: Reader, decision: Decision) -> list[Assignment]:
    """Return the open offers that the member may have by what is stored, oldest first."""
    job, member, stage = decision.situation.job, decision.situation.member, decision.situation.stage
    if _OPEN not in decision.sources or not can_have_open_offers(job, stage):
        return []
    # not together with the member's own: of two members PostgreSQL, while it has no statistics,
    # looks up neither in the index
    where: dict[str, Any] = {"member": NOBODY, "state": _OFFERED, "job": job.id}
    offers = reader.find(Query(Assignment, where, order=("id",)))
    permitted = [offer for offer in offers if offer.is_open_offer and decision.permits(offer)]
    if not permitted:
        return []
    # one query for all: who has worked on many packages is not to lock each of them to find out
    packages = tuple({offer.package for offer in permitted})
    theirs: dict[str, Any] = {"job": job.id, "package": packages, "member": member.id}
    own: defaultdict[int, list[Assignment]] = defaultdict(list)
    for assignment in reader.find(Query(Assignment, theirs)):
        own[assignment.package].append(assignment)
    by_number = dict[int, Package]()
    if job.workflow.rule(stage).requires is not None:
        found = reader.find(Query(Package, {"job": job.id, "number": packages}))
        by_number = {package.number: package for package in found}
    return [
        offer
        for offer in permitted
        if decision.accepts_open(offer, own[offer.package], by_number.get(offer.package))
    ]


def find_open_offers_of(
    reader: Reader, places: Sequence[ClaimPlace], decide: Callable[[ClaimPlace], Decision]
) -> list[tuple[ClaimPlace, Assignment]]:
    """Return the same in several queues, oldest first, each with the place of its queue."""
    by_job = {
        place.job.id: place for place in places if can_have_open_offers(place.job, place.stage)
    }
    if not by_job:
        return []
    # one query says which of the jobs have any: most have none
    where: dict[str, Any] = {
        "member": NOBODY,
        "state": _OFFERED,
        "job": tuple(by_job),
    }
    jobs = [job for (job,) in reader.tally(Query(Assignment, where), by=("job",))]
    found = [
        (place, offer)
        for place in (by_job[int(job)] for job in jobs if isinstance(job, int))
        for offer in find_open_offers(reader, decide(place))
    ]
    return sorted(found, key=lambda pair: pair[1].id)


def find_lapsed_of(reader: Reader, jobs: tuple[int, ...], at: datetime) -> list[Assignment]:
    """Return the assignments of several jobs whose lease has lapsed, the longest first."""
    if not jobs:
        return []
    where: dict[str, Any] = {
        "job": jobs,
        "live": True,
        "stage": tuple(Stage),
        "lease_until": Span(None, at),
    }
    return list(reader.find(Query(Assignment, where, order=("lease_until", "id"))))


def find_lapsed(reader: Reader, job: Job, stage: Stage, at: datetime) -> list[Assignment]:
    """Return the assignments whose lease has lapsed at this time, the longest first."""
    where: dict[str, Any] = {
        "job": job.id,
        "live": True,
        "stage": stage,
        "lease_until": Span(None, at),
    }
    return list(reader.find(Query(Assignment, where, order=("lease_until", "id"))))


def iter_lapsed(reader: Reader, place: ClaimPlace) -> Iterator[Assignment]:
    """Yield the same, in the order in which a member takes them.

    What they have labeled in an earlier round is left to others while there is more.
    """
    later = list[Assignment]()
    for lapsed in find_lapsed(reader, place.job, place.stage, place.at):
        if comes_last(reader, lapsed, place.member):
            later.append(lapsed)
        else:
            yield lapsed
    yield from later


def comes_last(reader: Reader, lapsed: Assignment, member: Member) -> bool:
    """Return whether the member labeled the package of another's lapsed work before."""
    # in the first round nobody labeled it before, and nothing has to be read
    if lapsed.stage is not Stage.LABEL or lapsed.round == 1 or lapsed.member == member.id:
        return False
    where: dict[str, Any] = {"job": lapsed.job, "package": lapsed.package}
    return has_labeled(member, list(reader.find(Query(Assignment, where, order=("id",)))))


def query_waiting(
    job: Job,
    stage: Stage,
    where: Mapping[str, Condition] | None = None,
    unless: Unless | None = None,
) -> Query[Package]:
    """Return the query for the first package that waits at *stage*, in the usual order."""
    where = where or {}
    # what has a waiting value waits: to ask both would lead to the index without the value
    waits: dict[str, Condition] = {} if "waiting_value" in where else {"waiting": True}
    return _query_first(job, stage, {**waits, **where}, USUAL_ORDER, unless)


def _query_first(
    job: Job,
    stage: Stage,
    where: Mapping[str, Condition],
    order: tuple[str, ...],
    unless: Unless | None,
) -> Query[Package]:
    # Each order is that of an index on packages, so that the database takes the first row that fits
    # and sorts nothing.
    conditions: dict[str, Condition] = {"job": job.id, "state": PackageState.at(stage)}
    return Query(Package, {**conditions, **where}, order=order, limit=1, unless=unless)


def _query_in_order(
    reader: Reader,
    job: Job,
    stage: Stage,
    where: Mapping[str, Condition],
    unless: Unless | None,
) -> Iterator[Query[Package]]:
    """Yield the queries that go through the queue in the order of *stage*, one after the other.

    Most packages have no priority and no due time: they are all of one rank, and the usual order
    has them by their age.  The indexes for the other orders hold only the rest.
    """
    order = get_order(job, stage)
    if "waiting_value" in where:
        # for what is of one value each order has an index of its own
        yield _query_first(job, stage, where, _ORDERS[order], unless)
    elif order is None:
        yield query_waiting(job, stage, where, unless)
    elif order is _RANDOM:
        yield _query_first(job, stage, {"waiting": True, **where}, RANDOM_ORDER, unless)
    elif order is QueueOrder.DUE:
        # both flags are those of the index, which so holds none that only has a priority
        has_due = {
            "ranked": True,
            "has_deadline": True,
            "due": Span(None, _LAST_MOMENT),
            **where,
        }
        yield _query_first(job, stage, has_due, DUE_ORDER, unless)
        yield query_waiting(job, stage, {"due": NEVER, **where}, unless)
    else:
        yield from _query_oldest(reader, job, stage, where, unless)


def _query_oldest(
    reader: Reader,
    job: Job,
    stage: Stage,
    where: Mapping[str, Condition],
    unless: Unless | None,
) -> Iterator[Query[Package]]:
    """Yield the queries that go through the queue by age, whatever is ranked."""
    ranked = _query_first(job, stage, {"ranked": True, **where}, OLDEST_ORDER, unless)
    others = query_waiting(job, stage, {"priority": 0, "due": NEVER, **where}, unless)
    if first(reader, ranked) is not None:
        # one query for each package: behind one that another claim has locked, the next may be in
        # the other index
        by_age = heapq.merge(
            iterate_in_transaction(reader, ranked, size=_CANDIDATES),
            iterate_in_transaction(reader, others, size=_CANDIDATES),
            key=_get_age_rank,
        )
        for package in by_age:
            this = {"waiting": True, **where, "number": package.number}
            yield _query_first(job, stage, this, RANDOM_ORDER, unless)
    # also what has come into the queue meanwhile
    yield others
    yield ranked


def _get_age_rank(package: Package) -> tuple[datetime, float, datetime, int]:
    """Return by what packages are sorted in `OLDEST_ORDER`."""
    due = package.due or _LAST_MOMENT
    return (package.waiting_since, -package.priority, due, package.number)


def list_conditions(decision: Decision) -> list[Mapping[str, Condition]]:
    """Return what is true of the packages that the member may have, one for each row of them.

    Where a skill is required there is a row for each value that their skills name; else only one.
    """
    situation = decision.situation
    values = list_waiting_values(situation.job, situation.member, situation.stage)
    if values is None:
        return [_EVERYTHING]
    return [{"waiting_value": value} for value in values]


def list_waiting_values(job: Job, member: Member, stage: Stage) -> Sequence[str] | None:
    """Return the values that the member's skills name at *stage*; None where none is required."""
    requires = job.workflow.rule(stage).requires
    return None if requires is None else list_values(requires, member.skills)


def get_order(job: Job, stage: Stage) -> QueueOrder | None:
    """Return what comes first at *stage*; None: what always does."""
    return job.workflow.label.order if stage is _LABEL else None


def query_next_package(
    reader: Reader,
    job: Job,
    member: Member,
    stage: Stage,
    start: QueueStart,
    only: Mapping[str, Condition] = _EVERYTHING,
) -> Iterator[Query[Package]]:
    """Yield queries for the next package of *member*: the first query that finds one has found it.

    From *start* on first, so that a long row of own work is not scanned again; what came to the
    front since has a higher priority, or is due earlier.  Then the whole queue: whatever *start*
    says, nothing is left out.  What the member has labeled in an earlier round comes last.

    *only* is what all of them have in common: the value that names a skill, see `list_conditions`.
    """
    unless = _exclude_own_work(job, member, stage)
    for where in (*_begin_at(start), _EVERYTHING):
        yield from _query_in_order(reader, job, stage, {**where, **only}, unless)
    if stage is _LABEL:
        again = {**_AGAIN, **only}
        yield from _query_in_order(reader, job, stage, again, _exclude_votes(member))


def is_for_last(query: Query[Package]) -> bool:
    """Return whether *query* is for what the member has labeled in an earlier round."""
    return query.where.get("round") == _AGAIN["round"]


def query_allowed_package(
    reader: Reader,
    job: Job,
    member: Member,
    stage: Stage,
    start: QueueStart,
    only: Mapping[str, Condition] = _EVERYTHING,
) -> Iterator[Query[Package]]:
    """Yield the same queries, without the packages of which *member* was shown votes.

    One who has such work is kept away by the query itself.  One who gave it back is nearly nobody:
    for them the packages are gone through, and asked for one by one.
    """
    shown = _find_shown(reader, job, member, stage)
    for query in query_next_package(reader, job, member, stage, start, only):
        if not shown:
            yield query
            continue
        for package in iterate_in_transaction(reader, query):
            if (package.number, package.round) not in shown:
                yield attrs.evolve(query, where={**query.where, "number": package.number})


def find_waiting(reader: Reader, decision: Decision, start: QueueStart) -> list[Package]:
    """Return the first packages that wait for the member, by number, whoever has locked them."""
    situation = decision.situation
    job, member, stage = situation.job, situation.member, situation.stage
    found: dict[int, Package] = {}
    for only in list_conditions(decision):
        for query in query_allowed_package(reader, job, member, stage, start, only):
            for package in reader.find(attrs.evolve(query, limit=_CANDIDATES)):
                found[package.number] = package
    # by number, which is the order of locks
    return [found[number] for number in sorted(found)]


def _find_shown(reader: Reader, job: Job, member: Member, stage: Stage) -> set[tuple[int, int]]:
    """Return package and round of the decisions that *member* gave back: they have seen votes."""
    has_votes = stage is _LABEL and job.workflow.label.votes > 1
    if not has_votes or not any(crew in job.workforce for crew in ALL_CREWS):
        return set()  # no query more for a plain claim
    where: dict[str, Any] = {
        "member": member.id,
        "state": AssignmentState.RETURNED,
        "job": job.id,
    }
    returned = reader.find(Query(Assignment, where, order=("id",)))
    return {(each.package, each.round) for each in returned if each.decides}


def _begin_at(start: QueueStart) -> Iterator[Mapping[str, Condition]]:
    """Yield the conditions of what comes from *start* on, in order."""
    if start.number:
        yield {"number": Span(start.number, None)}
    cursor = start.cursor
    if cursor is None:
        return
    # several queries, since each runs along an index; "higher, or equal and later" would not
    yield {"priority": Span(math.nextafter(cursor.priority, math.inf), None)}
    due, since = cursor.due, Span(cursor.since - rules.CURSOR_OVERLAP, None)
    same = {"priority": cursor.priority}
    if due is None:
        yield {**same, "due": Span(None, _LAST_MOMENT)}
        yield {**same, "due": NEVER, "waiting_since": since}
    else:
        yield {**same, "due": Span(None, due - _MOMENT)}
        yield {**same, "due": due, "waiting_since": since}
        yield {**same, "due": Span(due + _MOMENT, None)}


def find_start(reader: Reader, place: ClaimPlace) -> QueueStart:
    """Return where the scan of the queue begins for a member."""
    job, member, stage = place.job, place.member, place.stage
    if get_order(job, stage) is _RANDOM:
        packages = reader.get(JobCounter, (job.id,)).packages
        return QueueStart(number=_draw_number(place, packages))
    # where a skill is required there are several rows, and each is scanned from its front
    if not can_own_work_wait(job, stage) or job.workflow.rule(stage).requires is not None:
        return _FRONT
    counter = get_or_none(reader, ClaimCounter, (job.id, stage.value, member.id))
    return QueueStart(cursor=None if counter is None else counter.cursor, is_kept=True)


def forget_cursors(transaction: Transaction, job: Job) -> None:
    """Let the next scan of every member begin at the front of the queue of *job* again.

    A cursor says that nothing is left before it.  That is true of what comes into the queue, and
    not of a package that has waited for long and gets another place in it.  Called behind the locks
    of packages, in the transaction that moves them.
    """
    counters = transaction.store.find(Query(ClaimCounter, {"job": job.id}))
    for key in sorted(counter.key for counter in counters if counter.cursor is not None):
        counter = transaction.lock(ClaimCounter, key)
        transaction.replace(counter, evolve(counter, cursor=None))


def _draw_number(place: ClaimPlace, packages: int) -> int:
    """Return a number from 1 to *packages*: where a claim begins that takes any of them."""
    # by a hash and not a source of random numbers: the same claim finds the same once more
    at = place.at.isoformat()
    text = f"{place.job.seed}/{place.stage.value}/{place.member.id}/{at}"
    drawn = int.from_bytes(sha256(text.encode("utf-8")).digest()[:8], "big")
    return 1 + drawn % max(packages, 1)


def find_source(reader: Reader, decision: Decision, at: datetime) -> Source | None:
    """Return the first source that has something for the member, without locking anything."""
    return next(
        (source for source in decision.sources if _has_candidate(reader, decision, source, at)),
        None,
    )


def _has_candidate(reader: Reader, decision: Decision, source: Source, at: datetime) -> bool:
    situation = decision.situation
    job, member, stage = situation.job, situation.member, situation.stage
    if source is Source.OFFERS:
        offers = find_offers(reader, job, member, stage)
        return any(map(decision.permits, offers))
    if source is Source.OPEN:
        return bool(find_open_offers(reader, decision))
    if source is Source.QUEUE:
        start = find_start(reader, ClaimPlace(job, member, stage, at))
        return any(
            first(reader, query) is not None
            for only in list_conditions(decision)
            for query in query_allowed_package(reader, job, member, stage, start, only)
        )
    return any(
        is_acceptable(reader, decision, lapsed) for lapsed in find_lapsed(reader, job, stage, at)
    )


def is_acceptable(reader: Reader, decision: Decision, lapsed: Assignment) -> bool:
    """Return whether the member may have *lapsed*, whose lease has lapsed."""
    package = reader.get(Package, (lapsed.job, lapsed.package))
    return decision.accepts_lapsed(lapsed, package, find_assignments(reader, package))


def find_assignments(reader: Reader, package: Package) -> list[Assignment]:
    """Return every assignment that there ever was on *package*, oldest first."""
    where: dict[str, Any] = {"job": package.job, "package": package.number}
    return list(reader.find(Query(Assignment, where, order=("id",))))


def _exclude_own_work(job: Job, member: Member, stage: Stage) -> Unless | None:
    """Return the condition that excludes a waiting package: an assignment of the member's own.

    At LABEL it is one of any round: what is asked first is left to others, see `_exclude_votes`.
    """
    same = {"job": "job", "number": "package"}
    if stage is _LABEL:
        return Unless(Assignment, _describe_labeling(member), same)
    barred = find_barred_stages(job, stage)
    if not barred:
        return None
    return Unless(Assignment, {"member": member.id, "stage": barred, "authored": True}, same)


def _exclude_votes(member: Member) -> Unless:
    """Return the condition that excludes a package on which the member votes in this round."""
    same = {"job": "job", "number": "package", "round": "round"}
    return Unless(Assignment, _describe_labeling(member), same)


def _describe_labeling(member: Member) -> Mapping[str, Condition]:
    """Return which assignments are labelings of *member*, in whatever round."""
    return {"member": member.id, **_LABELED}
