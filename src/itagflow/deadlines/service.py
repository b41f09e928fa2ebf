"""Due times of packages: set page by page, and listed once they have passed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any, cast

import attrs

from itagflow.claiming.queue import forget_cursors
from itagflow.core import lookup
from itagflow.core.counted import Steps, Wrap
from itagflow.core.engine import Engine
from itagflow.core.lookup import (
    EVERYTHING,
    PAGE,
    JobRef,
    MemberRef,
    PackageRef,
    Page,
    iterate_query,
)
from itagflow.core.transaction import Transaction
from itagflow.core.visibility import list_visible, require_readable
from itagflow.deadlines import rules
from itagflow.errors import InvalidData, Problem
from itagflow.jobs.packaging import authorize_stages
from itagflow.model.change import record
from itagflow.model.job import Job
from itagflow.model.moment import to_utc
from itagflow.model.package import Package, PackageState
from itagflow.model.task import Task, WorkItem
from itagflow.results import service as results
from itagflow.storage.fields import cursor
from itagflow.storage.port import Query, Reader, Span

DueRef = PackageRef | Task | WorkItem | int
"""A package, its number in the job, or a task of it."""
DueInput = datetime | None | Mapping[Any, datetime | None]
"""One due time, or one by package or task; None takes it away."""
VERB = "packages.set_due"
OPERATION = "set a due time"
"""What errors call it."""


@attrs.frozen
class DueWish:
    """What is asked for with `set_due`."""

    due: datetime | None
    """The time of all packages, where one is given."""
    by_ref: tuple[tuple[object, datetime | None], ...] | None
    """The time of each package or task that was named, in the caller's order."""
    packages: tuple[object, ...] | None
    """The packages that get *due*; None: every open one."""


def parse_due(due: DueInput, packages: Iterable[PackageRef | int] | None) -> DueWish:
    """Return what is asked for, with all times in UTC.

    Raises:
        InvalidData: when a time is none or has no zone, or *packages* are given beside a mapping.
    """
    if not isinstance(due, Mapping):
        named = None if packages is None else tuple(packages)
        return DueWish(_to_moment("due", due), None, named)
    if packages is not None:
        reason = "are given beside a mapping, which names them already"
        raise InvalidData(VERB, [Problem("packages", reason)])
    given = cast("Mapping[object, datetime | None]", due)
    by_ref = tuple((ref, _to_moment(rules.describe_key(ref), at)) for ref, at in given.items())
    return DueWish(None, by_ref, None)


def _to_moment(field: str, at: object) -> datetime | None:
    return None if at is None else to_utc(VERB, field, at)


def set_due(
    engine: Engine, job: JobRef, wish: DueWish, *, by: MemberRef, progress: Wrap | None = None
) -> int:
    """Give packages a due time, or take it away, and return how many have the one given now."""
    with engine.store.read() as reader:
        current = lookup.job(reader, job)
        named = _find_named(reader, current, wish)
    with engine.transaction() as transaction:
        # all of them are checked before the first is changed
        states: set[PackageState] = set()
        if named is not None:
            states = {package.state for package in named.packages}
        authorize_stages(transaction, current, states, by, OPERATION)
    if named is None:
        open_packages = Query(Package, {"job": current.id, "open": True}, order=("number",))
        numbers = [package.number for package in iterate_query(engine.store, open_packages)]
        times: rules.DueTimes = dict.fromkeys(numbers, wish.due)
    else:
        times = named.times
    changing = _DueChange(current, times, by, all_named=named is not None)
    numbers = sorted(times)
    changed = 0
    # Page by page: each transaction holds its packages, and claims of them wait for its end.
    steps = Steps.begin(len(numbers), progress)
    for start in range(0, len(numbers), PAGE):
        page = numbers[start : start + PAGE]
        with engine.transaction() as transaction:
            locked = transaction.lock_numbered(current.id, page)
            changed += _set_some(transaction, changing, locked)
        steps.advance(len(page))
    steps.end()
    return changed


@attrs.frozen
class _Named:
    """The packages that a caller has named, and the due time of each."""

    packages: tuple[Package, ...]
    times: rules.DueTimes


@attrs.frozen
class _DueChange:
    """Due times that packages of a job get."""

    job: Job
    times: rules.DueTimes
    by: MemberRef
    all_named: bool = attrs.field(kw_only=True)
    """Whether the packages were named: then all of them get it, or none."""


def _find_named(reader: Reader, job: Job, wish: DueWish) -> _Named | None:
    """Return the packages that are named, or None where none is.

    Raises:
        NotFound: when the job has no such package or task.
    """
    pairs = wish.by_ref
    if pairs is None:
        if wish.packages is None:
            return None
        pairs = tuple((ref, wish.due) for ref in wish.packages)
    packages: dict[int, Package] = {}
    given: list[tuple[int, datetime | None, str]] = []
    for ref, due in pairs:
        package = _find_package(reader, job, ref)
        packages[package.number] = package
        given.append((package.number, due, rules.describe_key(ref)))
    return _Named(tuple(packages.values()), rules.join_due_times(given))


def _find_package(reader: Reader, job: Job, ref: object) -> Package:
    """Return the package of *job* that is named by itself, its number, or a task of it."""
    if isinstance(ref, Task | WorkItem):
        task = lookup.read_task(reader, job.id, ref)
        return reader.get(Package, (job.id, task.package))
    return lookup.package_in(reader, job.id, cast("PackageRef | int", ref))


def _set_some(transaction: Transaction, changing: _DueChange, locked: list[Package]) -> int:
    """Give locked packages their due time: all, or those where the member assigns work."""
    # asked again of what is locked: a package may have moved to another stage since
    required = {package.state for package in locked} if changing.all_named else set[PackageState]()
    stages = authorize_stages(transaction, changing.job, required, changing.by, OPERATION)
    job = transaction.job(changing.job)
    packages = locked
    if not changing.all_named:
        packages = [package for package in locked if package.stage in stages]
    saves = rules.change_due(packages, changing.times)
    if saves:
        # a package that has waited for long may come before where a scan of the queue begins
        forget_cursors(transaction, job)
        ctx = transaction.make_context(
            job.workspace, transaction.member(job.workspace, changing.by).id
        )
        # which times there were and are is in the changes of the event
        data = {"packages": [after.number for _, after in saves]}
        transaction.apply(record(ctx, "set_due", about=job, save=saves, data=data))
    return len(packages)


def list_packages(
    engine: Engine,
    job: JobRef,
    *,
    overdue: bool = False,
    state: PackageState | None = None,
    by: MemberRef | None = None,
    page: Page = EVERYTHING,
) -> Iterator[Package]:
    """Yield the packages of a job by number; or, the earliest first, those that are *overdue*."""
    if not overdue:
        return results.list_packages(engine, job, state=state, by=by, page=page)
    with engine.store.read() as reader:
        current, _ = require_readable(engine, reader, "packages.list", job, by, own=True)
        where: dict[str, Any] = {
            "job": current.id,
            "has_deadline": True,
            "due": Span(None, engine.now()),
        }
        if state is not None:
            where["state"] = state
        query = Query(Package, where, order=("due", "number"))
        if page.after is not None:
            stored = lookup.package_in(reader, current.id, page.after)
            # as it was listed, where that is known: it may have got another time since
            last = page.after if isinstance(page.after, Package) else stored
            query = attrs.evolve(query, after=cursor(query, last))

    def filter_visible(reader: Reader, packages: list[Package]) -> list[Package]:
        # for every page again: a role may change while a long list is read
        stored_job, viewer = require_readable(
            engine, reader, "packages.list", current.id, by, own=True
        )
        if viewer.can_see("packages.list", stored_job):
            return packages
        own = viewer.own_packages(stored_job, [package.number for package in packages])
        return [package for package in packages if package.number in own]

    return list_visible(engine.store, query, filter_visible, page)
