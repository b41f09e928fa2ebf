"""Several queues side by side: the best of what waits in all of them comes first.

A `Lane` is the packages that wait at one stage of one job, in the order of that stage.  Of each
lane only the first packages are read, and of a lane whose packages cannot be the best yet only the
first that waits, whoever may have it: one query for each, along an index.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime

import attrs

from itagflow.claiming import queue
from itagflow.claiming.decision import ClaimPlace, Decision
from itagflow.core.lookup import first, read_page
from itagflow.model.package import Package
from itagflow.storage.port import Condition, Query, Reader

Rank = tuple[bool, int, datetime, datetime, int, int]
"""By what packages of several jobs are compared, see `rank_package`."""

_LAST_MOMENT = datetime.max.replace(tzinfo=UTC)
_PAGE = 8
"""How many packages of a lane are read at a time: nearly always the first will do, unless as many
claims run at once."""


def rank_package(package: Package, *, again: bool) -> Rank:
    """Return by what *package* is compared with those of other queues: what is least comes first.

    What the member has labeled before (*again*) comes last; then priority, due time, waiting time
    and number as in one job, and of equal ones that of the older job.
    """
    due = package.due or _LAST_MOMENT
    return (again, -package.priority, due, package.waiting_since, package.number, package.job)


@attrs.frozen
class Candidate:
    """A package that waits."""

    rank: Rank
    """Where it stands among those of all lanes."""
    number: int
    """Its number in the job."""
    query: Query[Package]
    """What has found it."""


@attrs.define(eq=False)
class Lane:
    """The packages that wait at one stage of one job, for one member."""

    decision: Decision
    """What the member may take there."""
    only: Mapping[str, Condition]
    """What all of its packages have in common, beside job and stage."""
    queries: Iterator[Query[Package]] | None = None
    """What finds them, one after the other; None: nothing was asked yet."""
    next_page: Query[Package] | None = None
    """Where the query goes on whose packages are being gone through."""
    page: list[Candidate] = attrs.field(factory=list[Candidate])
    """What was read and not passed yet, in order."""
    passed: set[int] = attrs.field(factory=set[int])
    """The numbers of what was passed: several queries may find the same."""


def list_lanes(decision: Decision) -> list[Lane]:
    """Return the lanes of one queue."""
    return [Lane(decision, {})]


def iterate_best(
    reader: Reader, lanes: Sequence[Lane], at: datetime
) -> Iterator[tuple[Decision, Query[Package]]]:
    """Yield where the best packages wait, with the query for them; those that follow come later.

    A query names the packages of one lane that come before all of the other lanes, in order.
    Whoever takes the first that they can lock has the best; if others have locked them all, the
    next one follows.
    """
    heap = _find_first_places(reader, lanes)
    while heap:
        _, index, lane = heapq.heappop(heap)
        if lane.queries is None:
            lane.queries = _query_lane(reader, lane, at)
        else:
            yield lane.decision, _pass_run(lane, heap[0][0] if heap else None)
        if not lane.page:
            _read_page(reader, lane)
        if lane.page:
            heapq.heappush(heap, (lane.page[0].rank, index, lane))


def _find_first_places(reader: Reader, lanes: Sequence[Lane]) -> list[tuple[Rank, int, Lane]]:
    """Return each lane where its first package stands in the usual order, whoever may have it.

    Nothing that the member may have there comes before that, in whatever order the stage has.
    """
    places = list[tuple[Rank, int, Lane]]()
    for index, lane in enumerate(lanes):
        situation = lane.decision.situation
        waiting = first(reader, queue.query_waiting(situation.job, situation.stage, lane.only))
        if waiting is not None:
            places.append((rank_package(waiting, again=False), index, lane))
    heapq.heapify(places)
    return places


def _query_lane(reader: Reader, lane: Lane, at: datetime) -> Iterator[Query[Package]]:
    """Return the queries for the packages of a lane that the member may have, in order."""
    situation = lane.decision.situation
    job, member, stage = situation.job, situation.member, situation.stage
    start = queue.find_start(reader, ClaimPlace(job, member, stage, at))
    return queue.query_allowed_package(reader, job, member, stage, start)


def _read_page(reader: Reader, lane: Lane) -> None:
    """Read the next packages of a lane; there are none when its page is empty then."""
    query = lane.next_page
    while not lane.page:
        if query is None:
            query = None if lane.queries is None else next(lane.queries, None)
        if query is None:
            return
        found, lane.next_page = read_page(reader, attrs.evolve(query, limit=_PAGE))
        again = queue.is_for_last(query)
        lane.page = [
            Candidate(rank_package(package, again=again), package.number, query)
            for package in found
            if package.number not in lane.passed
        ]
        query = lane.next_page


def _pass_run(lane: Lane, limit: Rank | None) -> Query[Package]:
    """Pass the first packages of a lane, up to this rank, and return the query that finds them."""
    run = [lane.page.pop(0)]
    while lane.page and (limit is None or lane.page[0].rank < limit):
        run.append(lane.page.pop(0))
    numbers = [candidate.number for candidate in run]
    lane.passed.update(numbers)
    condition: Condition = tuple(numbers) if len(numbers) > 1 else numbers[0]
    query = run[0].query
    # found by their numbers: what has come since begins a search of its own
    where = {**query.where, "number": condition}
    return attrs.evolve(query, where=where, after=None, limit=1)
