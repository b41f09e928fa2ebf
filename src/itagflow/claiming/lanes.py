"""Several queues side by side: the best of what waits in all of them comes first.

A `Lane` is what waits at one stage of one job, in the order of that stage.  Of each lane only the
first packages are read, and of one that cannot have the best yet, only the first that waits,
whoever may have it: a query or two for each, along an index.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import attrs

from itagflow.claiming import queue
from itagflow.claiming.decision import ClaimPlace, Decision, Source
from itagflow.claiming.queue import QueueStart
from itagflow.core.lookup import first, iterate_in_transaction
from itagflow.model.job import QueueOrder
from itagflow.model.package import Package, PackageState
from itagflow.storage.port import Condition, Query, Reader, Scalar, SupportsFindFirsts

Rank = tuple[Any, ...]
"""By what packages are compared: what is least comes first."""
Group = tuple[Scalar, ...]
"""A queue in a query: its job and state, and where a skill is required the value that names it."""
_QUEUE = ("job", "state")

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


@attrs.frozen
class Head:
    """A queue in which something waits."""

    place: ClaimPlace
    """The queue, and who would claim there."""
    rank: Rank = ()
    """Where its first package stands in the usual order, whoever may have it.

    Nothing that the member may have there comes before that, in whatever order the stage has.
    """


@attrs.define(eq=False)
class Lane:
    """What waits at one stage of one job, for one member."""

    place: ClaimPlace
    """The queue."""
    decision: Decision | None = None
    """What the member may take there; None: nobody has asked yet."""
    candidates: Iterator[Candidate] | None = None
    """What waits, in order; None: it was not looked for."""
    next: Candidate | None = None
    """The first that was not passed yet, once it is looked for; None: there is none."""


def find_heads(reader: Reader, places: Sequence[ClaimPlace]) -> list[Head]:
    """Return the queues, all of one member, in which something waits, those that come first first.

    What anybody may have, and what requires a skill, is one query each, however many queues there
    are: each is an index, of which it takes the first entry.
    """
    if len(places) == 1:
        return [Head(places[0])]  # what is alone is the best, wherever it stands
    by_queue = {(place.job.id, PackageState.at(place.stage)): place for place in places}
    plain = list[Group]()
    skilled = list[Group]()
    for group, place in by_queue.items():
        values = queue.list_waiting_values(place.job, place.member, place.stage)
        if values is None:
            plain.append(group)
        else:
            skilled += [(*group, value) for value in values]
    waiting: Query[Package] = Query(Package, {"waiting": True}, order=queue.USUAL_ORDER)
    # what has a waiting value waits: to ask both would lead to the index without the value
    of_value: Query[Package] = Query(Package, order=queue.USUAL_ORDER)
    firsts = heapq.merge(
        _find_firsts(reader, waiting, _QUEUE, plain),
        _find_firsts(reader, of_value, (*_QUEUE, "waiting_value"), skilled),
        key=rank_package,
    )
    heads = dict[tuple[int, PackageState], Head]()
    for package in firsts:
        # of several values of a queue the first that comes is the best
        name = (package.job, package.state)
        heads.setdefault(name, Head(by_queue[name], rank_package(package)))
    return list(heads.values())


def _find_firsts(
    reader: Reader, query: Query[Package], by: tuple[str, ...], groups: Sequence[Group]
) -> Iterable[Package]:
    """Return the first match in each group, the best first."""
    if not groups:
        return ()
    if isinstance(reader, SupportsFindFirsts):
        return reader.find_firsts(query, by, groups)
    each = (
        attrs.evolve(query, where={**query.where, **dict(zip(by, group, strict=True))}, limit=1)
        for group in groups
    )
    found = (first(reader, one) for one in each)
    return sorted((package for package in found if package is not None), key=rank_package)


def iterate_best(
    reader: Reader, heads: Sequence[Head], decide: Callable[[ClaimPlace], Decision]
) -> Iterator[tuple[Decision, Query[Package]]]:
    """Yield where the best packages wait, with the query for them; those that follow come later.

    A query names packages of one queue that come before those of all others, in order.  Whoever
    takes the first that they can lock has the best; if others have locked them all, the next query
    follows.  Only queues that come to be first are decided on.
    """
    heap = [(head.rank, index, Lane(head.place)) for index, head in enumerate(heads)]
    heapq.heapify(heap)
    while heap:
        _, index, lane = heapq.heappop(heap)
        if lane.decision is None:
            lane.decision = decide(lane.place)
            if Source.QUEUE in lane.decision.sources:
                lane.candidates = _iterate_candidates(reader, lane.place, lane.decision)
                lane.next = next(lane.candidates, None)
        else:
            yield lane.decision, _pass_run(lane, heap[0][0] if heap else None)
        if lane.next is not None:
            heapq.heappush(heap, (lane.next.rank, index, lane))


def _iterate_candidates(
    reader: Reader, place: ClaimPlace, decision: Decision
) -> Iterator[Candidate]:
    """Yield what waits in a queue for the member, in the order of its stage."""
    situation = decision.situation
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
