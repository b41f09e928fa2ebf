"""When a lot of several packages closes, and what its sample is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

import attrs

from itagflow.lots.plan_rules import LotRule, make_lot_plan
from itagflow.model.change import Change, Context, record
from itagflow.model.copying import evolve
from itagflow.model.job import Job, Stage
from itagflow.model.lot import MAX_PACKAGES, AcceptanceLot, Lot
from itagflow.model.package import Package
from itagflow.model.plan import OPEN, LotEntry, LotState, Severity
from itagflow.model.workspace import Member
from itagflow.reviewing.sampling import draw_of_lot


@attrs.frozen(kw_only=True)
class Gathering:
    """Packages that wait for the same lot to close."""

    packages: int
    """How many."""
    oldest: datetime | None = None
    """Since when the first of them waits, where that matters."""
    is_complete: bool = False
    """Whether nothing more can come to it."""


def is_to_be_closed(lot: Lot, gathering: Gathering, at: datetime) -> bool:
    """Return whether the lot closes now: it is full, nothing more can come, or its time is over.

    >>> from itagflow.testing import AT
    >>> is_to_be_closed(Lot(packages=3), Gathering(packages=2), AT)
    False
    """
    if not gathering.packages:
        return False
    if gathering.is_complete or gathering.packages >= get_most(lot):
        return True
    if lot.every is None or gathering.oldest is None:
        return False
    # not the sum of both, which may be after the last moment that there is
    return at - gathering.oldest >= lot.every


def get_most(lot: Lot) -> int:
    """Return how many packages a lot has at the most."""
    return lot.packages or MAX_PACKAGES


def find_groups(job: Job, labelers: Sequence[Member]) -> tuple[str, ...]:
    """Return the groups of those who have labeled a package, each once and in order.

    Where the job names groups for LABEL only these count: a member may be in others too.
    """
    groups = {group for member in labelers for group in member.groups}
    named = job.crew(Stage.LABEL).groups
    if named:
        groups.intersection_update(named)
    return tuple(sorted(groups))


@attrs.frozen(kw_only=True)
class ClosingFacts:
    """What `close_lot` decides on."""

    job: Job
    """The job."""
    rule: LotRule
    """What it says of lots."""
    number: int
    """The number of the lot."""
    again: AcceptanceLot | None
    """The rejected lot that it was; None: it is a first inspection."""
    packages: Sequence[Package]
    """Its packages, locked, in order."""
    tasks: Mapping[int, Sequence[int]]
    """The tasks from which its sample is drawn, by package."""
    ctx: Context
    """Who acts, and when."""
    stream: str = OPEN
    """Which lots it follows."""
    severity: Severity = Severity.NORMAL
    """How severely it is inspected."""
    decided_before: int = 0
    """How many lots of the job were decided before."""


def list_drawable(package: Package, tasks: Sequence[int]) -> list[int]:
    """Return those of its *tasks* that tell of the lot: not excluded, nor checked in any case."""
    certain = () if package.lot_entry is None else package.lot_entry.certain
    left_out = {*package.excluded, *certain}
    return [task for task in tasks if task not in left_out]


def close_lot(facts: ClosingFacts) -> Change:
    """Draw the sample of a lot, which closes by that, and give the packages that hold it out."""
    job, number = facts.job, facts.number
    tasks = [task for package in facts.packages for task in facts.tasks[package.number]]
    # there are none where all that is left is checked in any case
    count = make_lot_plan(facts.rule, len(tasks), facts.severity).sample if tasks else 0
    drawn = set(draw_of_lot(job.seed, number, tasks, count))
    lot = AcceptanceLot(
        job=job.id,
        number=number,
        packages=tuple(package.number for package in facts.packages),
        size=len(tasks),
        sample=len(drawn),
        groups=_find_groups_of_lot(facts),
        again=0 if facts.again is None else facts.again.number,
        stream=facts.stream,
        severity=facts.severity,
        decided_before=facts.decided_before,
        closed_at=facts.ctx.at,
    )
    save = [
        (package, _enter(package, lot, drawn.intersection(facts.tasks[package.number]), facts.ctx))
        for package in facts.packages
    ]
    data = {
        "name": job.name,
        "lot": {
            "number": number,
            "packages": list(lot.packages),
            "size": lot.size,
            "sample": lot.sample,
            "severity": lot.severity.value,
        },
    }
    return record(facts.ctx, "close_lot", about=job, add=(lot,), save=save, data=data)


def _find_groups_of_lot(facts: ClosingFacts) -> tuple[str, ...]:
    """Return the groups of those who have labeled the packages of a lot."""
    if facts.again is not None:
        return facts.again.groups
    entries = [package.lot_entry for package in facts.packages]
    return tuple(sorted({group for each in entries if each for group in each.groups or ()}))


def _enter(package: Package, lot: AcceptanceLot, drawn: set[int], ctx: Context) -> Package:
    """Return *package* as a part of the closed *lot*, of which these tasks are *drawn*."""
    certain = () if package.lot_entry is None else package.lot_entry.certain
    certain = tuple(task for task in certain if task not in package.excluded)
    entry = LotEntry(
        lot=lot.number, state=LotState.CLOSED, certain=certain, sample=tuple(sorted(drawn))
    )
    entered = evolve(package, lot_entry=entry, rejected_lot=0)
    if not entry.is_due:
        return entered
    return give_out(entered, {*drawn, *certain}, ctx)


def give_out(package: Package, tasks: set[int], ctx: Context) -> Package:
    """Return *package* as it waits in the queue, for who works on these *tasks* of it."""
    # the scope of a whole package is None, so that every later step knows it without counting
    scope = None if len(tasks) >= package.size else tuple(sorted(tasks))
    return evolve(package, free=1, scope=scope, waiting_since=ctx.at)
