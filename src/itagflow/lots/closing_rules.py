"""When a lot of several packages closes, and what its sample is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

import attrs

from itagflow.model.change import Change, Context, record
from itagflow.model.copying import evolve
from itagflow.model.job import Job
from itagflow.model.lot import MAX_PACKAGES, AcceptanceLot, Lot
from itagflow.model.package import Package
from itagflow.model.plan import AcceptancePlan, LotEntry, LotState
from itagflow.reviewing.sampling import draw_of_lot


@attrs.frozen
class LotRule:
    """What the rule of ACCEPT says of lots."""

    lot: Lot
    """Which packages are one."""
    plan: AcceptancePlan
    """What decides on it."""


def find_lot_rule(job: Job) -> LotRule | None:
    """Return what the rule of ACCEPT says of lots of several packages; None: there are none."""
    accept = job.workflow.accept
    if accept is None or accept.lot is None or accept.plan is None:
        return None
    return LotRule(accept.lot, accept.plan)


@attrs.frozen(kw_only=True)
class Gathering:
    """Packages that wait for the same lot to close."""

    packages: int
    """How many."""
    oldest: datetime | None = None
    """Since when the first of them waits, where that matters."""
    is_complete: bool = False
    """Whether nothing more can come to it."""


def is_to_be_closed(lot: Lot, gathering: Gathering) -> bool:
    """Return whether the lot closes now.

    >>> is_to_be_closed(Lot(packages=3), Gathering(packages=2))
    False
    """
    if not gathering.packages:
        return False
    return gathering.is_complete or gathering.packages >= get_most(lot)


def get_most(lot: Lot) -> int:
    """Return how many packages a lot has at the most."""
    return min(lot.packages, MAX_PACKAGES)


@attrs.frozen(kw_only=True)
class ClosingFacts:
    """What `close_lot` decides on."""

    job: Job
    """The job."""
    rule: LotRule
    """What it says of lots."""
    number: int
    """The number of the lot."""
    again: int
    """The number of the rejected lot that it was; 0: none."""
    packages: Sequence[Package]
    """Its packages, locked, in order."""
    tasks: Mapping[int, Sequence[int]]
    """The tasks from which its sample is drawn, by package."""
    ctx: Context
    """Who acts, and when."""


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
    count = facts.rule.plan.for_lot(len(tasks)).sample if tasks else 0
    drawn = set(draw_of_lot(job.seed, number, tasks, count))
    lot = AcceptanceLot(
        job=job.id,
        number=number,
        packages=tuple(package.number for package in facts.packages),
        size=len(tasks),
        sample=len(drawn),
        again=facts.again,
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
        },
    }
    return record(facts.ctx, "close_lot", about=job, add=(lot,), save=save, data=data)


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
