"""Several queues side by side: the best of what waits in all of them comes first.

A `Lane` is what waits at one stage of one job, in the order of that stage.  Of each lane only the
first packages are read, and of one that cannot have the best yet, only the first that waits,
whoever may have it: a query or two for each, along an index.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import attrs

from itagflow.claiming import queue
from itagflow.claiming.decision import ClaimPlace, Decision
from itagflow.claiming.queue import QueueStart
from itagflow.core.lookup import first, iterate_in_transaction
from itagflow.model.job import QueueOrder
from itagflow.model.package import Package
from itagflow.storage.port import Condition, Query, Reader

Rank = tuple[Any, ...]
"""By what packages are compared: what is least comes first."""

_LAST_MOMENT = datetime.max.replace(tzinfo=UTC)
_PAGE = 8
"""How many packages are read at a time: nearly always the first will do, unless as many claims run
at once."""


@attrs.frozen
class Candidate:
    """A package that waits, and that the member may have."""

    package: Package
    """The package."""
    query: Query[Package]
    """What has found it."""
    again: bool
    """Whether it is there because the member may label once more what they labeled before."""

    @property
    def rank(self) -> Rank:
        """Where it stands among those of other queues."""
        return rank_package(self.package, again=self.again)


def rank_package(package: Package, *, again: bool = False) -> Rank:
    """Return by what *package* is compared with those of other queues.

    What the member has labeled before (*again*) comes last; then priority, due time, waiting time
    and number as in one job, and of equal ones that of the older job.
    """
    due = package.due or _LAST_MOMENT
    return (again, -package.priority, due, package.waiting_since, package.number, package.job)


def rank_in_order(candidate: Candidate, order: QueueOrder | None, start: QueueStart) -> Rank:
    """Return by what a package is compared with others of its own queue, which has this order."""
    package, again = candidate.package, candidate.again
    due = package.due or _LAST_MOMENT
    if order is QueueOrder.RANDOM:
        return (again, package.number < start.number, package.number)
    if order is QueueOrder.DUE:
        return (again, due, -package.priority, package.waiting_since, package.number)
    if order is QueueOrder.OLDEST:
        return (again, package.waiting_since, -package.priority, due, package.number)
    return rank_package(package, again=again)


@attrs.define(eq=False)
class Lane:
    """What waits at one stage of one job, for one member."""

    decision: Decision
    """What the member may take there."""
    candidates: Iterator[Candidate] | None = None
    """What waits, in order; None: it was not looked for yet."""
    next: Candidate | None = None
    """The first that was not passed yet, once it is looked for; None: there is none."""


def iterate_best(
    reader: Reader, decisions: Sequence[Decision], at: datetime
) -> Iterator[tuple[Decision, Query[Package]]]:
    """Yield where the best packages wait, with the query for them; those that follow come later.

    A query names packages of one queue that come before those of all others, in order.  Whoever
    takes the first that they can lock has the best; if others have locked them all, the next query
    follows.
    """
    heap = list[tuple[Rank, int, Lane]]()
    for index, decision in enumerate(decisions):
        # what is alone is the best, wherever it stands
        rank = _find_first_place(reader, decision) if len(decisions) > 1 else ()
        if rank is not None:
            heap.append((rank, index, Lane(decision)))
    heapq.heapify(heap)
    while heap:
        _, index, lane = heapq.heappop(heap)
        if lane.candidates is None:
            lane.candidates = _iterate_candidates(reader, lane.decision, at)
            lane.next = next(lane.candidates, None)
        else:
            yield lane.decision, _pass_run(lane, heap[0][0] if heap else None)
        if lane.next is not None:
            heapq.heappush(heap, (lane.next.rank, index, lane))


def _find_first_place(reader: Reader, decision: Decision) -> Rank | None:
    """Return where the first package of a queue stands in the usual order, whoever may have it.

    Nothing that the member may have there comes before that, in whatever order the stage has.
    """
    situation = decision.situation
    ranks = list[Rank]()
    for only in queue.list_conditions(decision):
        waiting = first(reader, queue.query_waiting(situation.job, situation.stage, only))
        if waiting is not None:
            ranks.append(rank_package(waiting))
    return min(ranks, default=None)


def _iterate_candidates(reader: Reader, decision: Decision, at: datetime) -> Iterator[Candidate]:
    """Yield what waits in a queue for the member, in the order of its stage."""
    situation = decision.situation
    place = ClaimPlace(situation.job, situation.member, situation.stage, at)
    start = queue.find_start(reader, place)
    order = queue.get_order(situation.job, situation.stage)
    rows = [_iterate_row(reader, place, start, only) for only in queue.list_conditions(decision)]
    if len(rows) == 1:
        yield from rows[0]
    else:
        yield from heapq.merge(*rows, key=lambda each: rank_in_order(each, order, start))


def _iterate_row(
    reader: Reader, place: ClaimPlace, start: QueueStart, only: Mapping[str, Condition]
) -> Iterator[Candidate]:
    """Yield those of the packages of which *only* is true, each once."""
    seen = set[int]()
    for query in queue.query_allowed_package(
        reader, place.job, place.member, place.stage, start, only
    ):
        again = queue.is_for_last(query)
        for package in iterate_in_transaction(reader, query, size=_PAGE):
            if package.number not in seen:  # several queries may find the same
                seen.add(package.number)
                yield Candidate(package, query, again)


def _pass_run(lane: Lane, limit: Rank | None) -> Query[Package]:
    """Pass the first packages of a lane, up to this rank, and return the query that finds them."""
    run = list[Candidate]()
    # fewer than a page, so that to look at the one that follows costs no query
    while lane.next is not None and lane.candidates is not None and len(run) < _PAGE - 1:
        is_first = not run
        is_before = limit is None or lane.next.rank < limit
        if not is_first and (not is_before or lane.next.query is not run[0].query):
            break
        run.append(lane.next)
        lane.next = next(lane.candidates, None)
    numbers = [candidate.package.number for candidate in run]
    condition: Condition = tuple(numbers) if len(numbers) > 1 else numbers[0]
    query = run[0].query
    return attrs.evolve(query, where={**query.where, "number": condition}, limit=1)
