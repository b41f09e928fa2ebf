"""Priorities of packages: one for several, or one for each, in as many transactions as it takes."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from itertools import chain

import attrs

from itagflow.claiming.queue import forget_cursors
from itagflow.core import lookup
from itagflow.core.counted import Steps, Wrap
from itagflow.core.engine import Engine
from itagflow.core.lookup import JobRef, MemberRef, PackageRef, TaskRef, iterate_query
from itagflow.core.transaction import Transaction
from itagflow.errors import InvalidData, Problem
from itagflow.jobs import priority_rules
from itagflow.jobs.packaging import authorize_stages
from itagflow.jobs.priority_rules import Scores
from itagflow.jobs.task_places import find_by_key, find_by_number, find_packages
from itagflow.model.change import record
from itagflow.model.job import Job, Stage
from itagflow.model.number import require_priority
from itagflow.model.package import Package, PackageState
from itagflow.storage.port import Query, Reader

BLOCK = 4_000
"""How many packages a transaction gives priorities at the most.

More than elsewhere: nothing else is written, so that claims wait for a tenth of a second.  The
priorities of a block are spread over two indexes of the queue, so that each transaction writes most
of their pages again: with 2,000 it took up to a fifth longer than with 8,000.
"""
OPERATION = "prioritize"
"""What events and errors call it."""
TaskScores = Mapping[TaskRef | str, float]
"""Priorities by task, its number, or its row key where that is a text."""


@attrs.frozen(kw_only=True)
class PriorityOrder:
    """Which packages of a job get which priority, and who says so."""

    by: MemberRef
    priority: float = 0
    """That of every package that is named; of all open ones, when none is."""
    packages: Sequence[PackageRef | int] | None = None
    scores: Scores | None = None
    """That of each task instead: a package has the greatest of its tasks."""
    ignore_missing: bool = False
    """Whether scores of tasks that the job does not have are passed over."""


def parse_priorities(
    priority: float | TaskScores,
    packages: Sequence[PackageRef | int] | None,
    ignore_missing: bool,
    by: MemberRef,
) -> PriorityOrder:
    """Return what `packages.prioritize` is given, checked.

    Raises:
        InvalidData: when a priority is none, packages are named beside a mapping, or what is
            missing is to be passed over without one.
    """
    verb = "packages.prioritize"
    if not isinstance(priority, Mapping):
        if ignore_missing:
            reason = "is for a mapping from tasks to priorities: leave it out"
            raise InvalidData(verb, [Problem("ignore_missing", reason)])
        number = require_priority(verb, "priority", priority)
        return PriorityOrder(by=by, priority=number, packages=packages)
    if packages is not None:
        reason = "are given beside a mapping from tasks to priorities: give one"
        raise InvalidData(verb, [Problem("packages", reason)])
    scores = priority_rules.parse_scores(verb, priority)
    return PriorityOrder(by=by, scores=scores, ignore_missing=ignore_missing)


@attrs.frozen
class _Numbers:
    """Priorities by the numbers of packages, for one transaction after the other."""

    job: Job
    by: MemberRef
    by_package: Mapping[int, float]
    is_named: bool
    """Whether the packages were named: then all of them get theirs, or none."""


def prioritize(
    engine: Engine, job: JobRef, order: PriorityOrder, *, progress: Wrap | None = None
) -> int:
    """Give packages priorities, higher first in the queue, and return how many have theirs now."""
    with engine.store.read() as reader:
        current = lookup.job(reader, job)
    numbers = _find_numbers(engine, current, order)
    _authorize_all(engine, numbers)
    changed = 0
    # Block by block: each transaction holds its packages, and claims of them wait for its end.
    in_order = sorted(numbers.by_package)
    steps = Steps.begin(len(in_order), progress)
    for start in range(0, len(in_order), BLOCK):
        block = in_order[start : start + BLOCK]
        with engine.transaction() as transaction:
            changed += _set_priorities(transaction, numbers, block)
        steps.advance(len(block))
    steps.end()
    return changed


def _find_numbers(engine: Engine, job: Job, order: PriorityOrder) -> _Numbers:
    """Return the numbers of the packages, with their priorities.

    Raises:
        NotFound: when the job has no such package, task or row key.
    """
    if order.scores is not None:
        greatest = _find_scored(engine, job, order.scores, ignore_missing=order.ignore_missing)
        return _Numbers(job, order.by, greatest, is_named=True)
    if order.packages is None:
        open_packages = Query(Package, {"job": job.id, "open": True}, order=("number",))
        by_package = {
            package.number: order.priority for package in iterate_query(engine.store, open_packages)
        }
        return _Numbers(job, order.by, by_package, is_named=False)
    named = find_packages(engine, job, order.packages)
    return _Numbers(job, order.by, dict.fromkeys(named, order.priority), is_named=True)


def _find_scored(
    engine: Engine, job: Job, scores: Scores, *, ignore_missing: bool
) -> dict[int, float]:
    """Return the priority of each package of which a task has a score."""
    by_number = find_by_number(engine, job, scores.tasks, ignore_missing=ignore_missing)
    by_key = find_by_key(engine, job, scores.keys, ignore_missing=ignore_missing)
    places = chain(by_number, by_key)
    values = chain(scores.tasks.values(), scores.keys.values())
    return priority_rules.find_greatest(
        (place.package, value)
        for place, value in zip(places, values, strict=True)
        if place is not None
    )


def _authorize_all(engine: Engine, numbers: _Numbers) -> None:
    """Check, before the first package is changed, that all that are named may be.

    Raises:
        NotAllowed: when the member may not assign work at a stage of one of them, or at none.
    """
    named = sorted(numbers.by_package) if numbers.is_named else []
    states: set[PackageState] = set()
    for start in range(0, len(named), BLOCK):
        with engine.store.read() as reader:
            states |= _find_states(reader, numbers.job, named[start : start + BLOCK])
    with engine.transaction() as transaction:
        authorize_stages(transaction, numbers.job, states, numbers.by, OPERATION)


def _find_states(reader: Reader, job: Job, numbers: Sequence[int]) -> set[PackageState]:
    """Return in which states these packages of *job* are."""
    query = lookup.query_numbered(Package, job.id, numbers)
    return {PackageState(state) for (state,) in reader.tally(query, by=("state",))}


def _set_priorities(transaction: Transaction, numbers: _Numbers, block: Sequence[int]) -> int:
    """Give packages their priority: all, or those at a stage where *by* assigns work.

    Returns:
        How many have theirs now.
    """
    prioritizer = _Prioritizer(numbers)

    def prepare() -> Callable[[Package], Package]:
        # asked again of what is locked: a package may have moved to another stage since
        states = set[PackageState]()
        if numbers.is_named:
            states = _find_states(transaction.store, numbers.job, block)
        by = numbers.by
        prioritizer.stages = authorize_stages(transaction, numbers.job, states, by, OPERATION)
        return prioritizer.prioritize

    transaction.replace_numbered(numbers.job.id, block, prepare)
    if prioritizer.new_priorities:
        job = transaction.job(numbers.job)
        # a package that has waited for long may come before where a scan of the queue begins
        forget_cursors(transaction, job)
        member = transaction.member(job.workspace, numbers.by)
        ctx = transaction.make_context(job.workspace, member.id)
        data = priority_rules.describe(prioritizer.new_priorities)
        transaction.apply(record(ctx, OPERATION, about=job, data=data))
    return prioritizer.count


@attrs.define(eq=False)
class _Prioritizer:
    """Gives the packages of one transaction their priorities, and notes which are new."""

    numbers: _Numbers
    stages: Collection[Stage] = ()
    """Where the member may assign work: packages at other stages stay as they are, unless named."""
    count: int = 0
    """How many packages have theirs."""
    new_priorities: dict[int, float] = attrs.field(factory=dict[int, float])
    """The priority of each that had another one, by number."""

    def prioritize(self, package: Package) -> Package:
        """Return a package with its priority; the same one where nothing changes."""
        if not (self.numbers.is_named or package.stage in self.stages):
            return package
        self.count += 1
        priority = self.numbers.by_package[package.number]
        given = priority_rules.give_priority(package, priority)
        if given is not package:
            self.new_priorities[package.number] = priority
        return given
