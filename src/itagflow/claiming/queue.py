"""The queries of claims: offers, waiting packages, lapsed leases, and the start of a scan."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

import attrs

from itagflow.claiming import rules
from itagflow.claiming.decision import (
    Decision,
    Source,
    can_have_open_offers,
    can_own_work_wait,
    own_work,
)
from itagflow.core.lookup import first, get_or_none, iterate_in_transaction
from itagflow.model.job import Crew, Job, Stage
from itagflow.model.package import (
    Assignment,
    AssignmentState,
    ClaimCounter,
    Package,
    PackageState,
    QueueCursor,
)
from itagflow.model.workspace import Member
from itagflow.storage.port import (
    Condition,
    Query,
    Reader,
    Span,
    Unless,
)

NOBODY = 0
"""How a query names the member of an open offer."""


def find_offers(reader: Reader, job: Job, member: Member, stage: Stage) -> list[Assignment]:
    """Return what is offered to *member* at *stage*, oldest first."""
    where: dict[str, Any] = {"member": member.id, "state": AssignmentState.OFFERED, "job": job.id}
    # By key, which is the order of time and that of locks.  The index on members has no stage; a
    # member has few offers, so they are sorted out here.
    offered = reader.find(Query(Assignment, where, order=("id",)))
    return [assignment for assignment in offered if assignment.stage is stage]


def find_open_offers(reader: Reader, decision: Decision) -> list[Assignment]:
    """Return the open offers that the member may have by what is stored, oldest first."""
    job, member, stage = decision.situation.job, decision.situation.member, decision.situation.stage
    if Source.OPEN not in decision.sources or not can_have_open_offers(job, stage):
        return []
    # not together with the member's own: of two members PostgreSQL, while it has no statistics,
    # looks up neither in the index
    where: dict[str, Any] = {"member": NOBODY, "state": AssignmentState.OFFERED, "job": job.id}
    offers = reader.find(Query(Assignment, where, order=("id",)))
    permitted = [offer for offer in offers if offer.is_open_offer and decision.permits(offer)]
    if not permitted:
        return []
    # one query for all: who has worked on many packages is not to lock each of them to find out
    packages = tuple({offer.package for offer in permitted})
    theirs: dict[str, Any] = {"job": job.id, "package": packages, "member": member.id}
    own = defaultdict[int, list[Assignment]](list)
    for assignment in reader.find(Query(Assignment, theirs)):
        own[assignment.package].append(assignment)
    return [offer for offer in permitted if decision.accepts_open(offer, own[offer.package])]


def find_lapsed(reader: Reader, job: Job, stage: Stage, at: datetime) -> list[Assignment]:
    """Return the assignments whose lease has lapsed at this time, the longest first."""
    where: dict[str, Any] = {
        "job": job.id,
        "live": True,
        "stage": stage,
        "lease_until": Span(None, at),
    }
    return list(reader.find(Query(Assignment, where, order=("lease_until", "id"))))


def query_waiting(
    job: Job,
    stage: Stage,
    where: Mapping[str, Condition] | None = None,
    unless: Unless | None = None,
) -> Query[Package]:
    """Return the query for the first package that waits at *stage*."""
    # The order of the index on waiting packages, so that the database takes the first row that fits
    # and sorts nothing.
    return Query(
        Package,
        {"job": job.id, "state": PackageState.at(stage), "waiting": True, **(where or {})},
        order=("-priority", "waiting_since", "number"),
        limit=1,
        unless=unless,
    )


def query_next_package(
    job: Job, member: Member, stage: Stage, cursor: QueueCursor | None
) -> Iterator[Query[Package]]:
    """Yield queries for the next package of *member*: the first query that finds one has found it.

    From *cursor* on first, so that a long row of own work is not scanned again; what came to the
    front since has a higher priority.  The last query is the whole queue: whatever *cursor* says,
    nothing is left out.
    """
    unless = _exclude_own_work(job, member, stage)
    if cursor is not None:
        # two queries, since each runs along an index; "higher, or equal and later" would not
        since = Span(cursor.since - rules.CURSOR_OVERLAP, None)
        yield query_waiting(job, stage, {"priority": Span(cursor.priority + 1, None)}, unless)
        yield query_waiting(
            job, stage, {"priority": cursor.priority, "waiting_since": since}, unless
        )
    yield query_waiting(job, stage, unless=unless)


def query_allowed_package(
    reader: Reader, job: Job, member: Member, stage: Stage, cursor: QueueCursor | None
) -> Iterator[Query[Package]]:
    """Yield the same queries, without the packages of which *member* was shown votes.

    One who has such work is kept away by the query itself.  One who gave it back is nearly nobody:
    for them the packages are gone through, and asked for one by one.
    """
    shown = _find_shown(reader, job, member, stage)
    for query in query_next_package(job, member, stage, cursor):
        if not shown:
            yield query
            continue
        for package in iterate_in_transaction(reader, query):
            if (package.number, package.round) not in shown:
                yield attrs.evolve(query, where={**query.where, "number": package.number})


def _find_shown(reader: Reader, job: Job, member: Member, stage: Stage) -> set[tuple[int, int]]:
    """Return package and round of the decisions that *member* gave back: they have seen votes."""
    has_votes = stage is Stage.LABEL and job.workflow.label.votes > 1
    if not has_votes or not any(crew in job.workforce for crew in Crew):
        return set()  # no query more for a plain claim
    where: dict[str, Any] = {
        "member": member.id,
        "state": AssignmentState.RETURNED,
        "job": job.id,
    }
    returned = reader.find(Query(Assignment, where, order=("id",)))
    return {(each.package, each.round) for each in returned if each.decides}


def load_cursor(reader: Reader, job: Job, member: Member, stage: Stage) -> QueueCursor | None:
    """Return where the scan of the queue begins for *member*; None: at its front."""
    if not can_own_work_wait(job, stage):
        return None
    counter = get_or_none(reader, ClaimCounter, (job.id, stage.value, member.id))
    if counter is None:
        return None
    return counter.cursor


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
        cursor = load_cursor(reader, job, member, stage)
        return any(
            first(reader, query) is not None
            for query in query_allowed_package(reader, job, member, stage, cursor)
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
    """Return the condition that excludes a waiting package: an assignment of the member's own."""
    condition = own_work(job, member, stage)
    if condition is None:
        return None
    same = {"job": "job", "number": "package"}
    if condition.pop("same_round", False):
        same["round"] = "round"
    return Unless(Assignment, condition, same)
