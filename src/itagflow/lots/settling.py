"""Lots are settled: those that are complete close, and those that were checked are decided.

Whether something is to be done is looked up behind each transaction that changes what packages in
lots wait for, by `Flow.tick`, and by `close_lots`.  Each step is a transaction of its own that
looks again at what it has locked; where another process has been faster it does nothing.  So a lot
is closed once and decided once, and what broke off in between is found by whoever comes next.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from enum import Enum
from typing import Any

import attrs

from itagflow.core.engine import BLOCK, Engine
from itagflow.core.lookup import first, get_or_none, read_task_numbers
from itagflow.core.transaction import Transaction
from itagflow.lots import closing_rules, deciding_rules, switching_rules
from itagflow.lots.closing_rules import ClosingFacts, Gathering
from itagflow.lots.counting import count_by_lot_key, read_lots
from itagflow.lots.deciding_rules import DecidingFacts, RejectedPackage, ReworkPlace
from itagflow.lots.key_rules import is_gathering, parse_again
from itagflow.lots.plan_rules import LotRule, find_lot_rule
from itagflow.model.change import Change
from itagflow.model.copying import evolve
from itagflow.model.job import Job, JobState, Stage
from itagflow.model.lot import AcceptanceLot
from itagflow.model.package import CHECK, DECISION, Assignment, Package, PackageState
from itagflow.model.plan import OPEN, LotEntry, LotState, LotVerdict, PlanVerdict
from itagflow.model.workspace import Member
from itagflow.results.histories import read_package_cases
from itagflow.reviewing.reject_rules import list_authors, without_withdrawn
from itagflow.reviewing.rules import find_abandoned
from itagflow.reviewing.service import finish_if_done
from itagflow.storage.port import Query, Reader

# one that has finished may leave a lot of which nothing is left
_WORKING = (JobState.RUNNING, JobState.PAUSED, JobState.FINISHED)
_EARLIER = (PackageState.LABEL, PackageState.INSPECT)


@attrs.frozen(kw_only=True)
class Settled:
    """What was done."""

    closed: int = 0
    """How many lots have closed."""
    decided: int = 0
    """How many were decided, or got a larger sample."""

    @property
    def total(self) -> int:
        """How many steps were taken."""
        return self.closed + self.decided


@attrs.frozen
class _Closing:
    """A lot that is to be closed."""

    key: str
    """The `Package.lot_key` of its packages."""
    is_forced: bool = False
    """Whether it closes with what there is."""


class _Sorting(Enum):
    """What is to be done with packages that are not kept apart yet."""

    BY_GROUP = "group"


def settle_lots(engine: Engine, job: int, *, closes_all: bool = False, actor: int = 0) -> Settled:
    """Close and decide the lots of a job as far as that can be done now.

    With *closes_all* those that wait now are closed as they are, by the member *actor*.
    """
    closed = decided = 0
    if closes_all:
        # those are not kept apart yet that came while the one before was sorting
        while _sort_by_group(engine, job):
            continue
    for key in _list_gathering(engine, job) if closes_all else ():
        closed += _close(engine, job, _Closing(key, is_forced=True), actor)
    while (step := _find_step(engine, job)) is not None:
        if isinstance(step, _Closing):
            done = _close(engine, job, step, 0)
            closed += done
        elif isinstance(step, _Sorting):
            done = _sort_by_group(engine, job)
        else:
            done = _decide(engine, step)
            decided += done
        if not done:
            break  # another process is about it, and looks again when it is done
    return Settled(closed=closed, decided=decided)


def _list_gathering(engine: Engine, job: int) -> Sequence[str]:
    with engine.store.read() as reader:
        rule = find_lot_rule(reader.get(Job, (job,)))
        keys = [key for key in count_by_lot_key(reader, job) if is_gathering(key)]
    # which those belong to that have just come is not known yet
    is_apart = rule is not None and rule.lot.by is not None
    return [key for key in keys if key != OPEN or not is_apart]


def _find_step(engine: Engine, id: int) -> _Closing | _Sorting | AcceptanceLot | None:
    """Return what is to be done next: to decide on a lot, to sort packages, or to close a lot."""
    with engine.store.read() as reader:
        job = get_or_none(reader, Job, (id,))
        rule = None if job is None else find_lot_rule(job)
        if job is None or rule is None or job.state not in _WORKING:
            return None
        counts = count_by_lot_key(reader, id)
        undecided = Query(AcceptanceLot, {"job": id, "state": LotState.CLOSED}, order=("number",))
        for lot in reader.find(undecided):
            if f"{CHECK}{lot.number}" not in counts:
                return lot
        if rule.lot.by is not None and OPEN in counts:
            return _Sorting.BY_GROUP
        at = engine.now()
        for key, number in counts.items():
            gathering = _read_gathering(reader, job, rule, key, number)
            is_due = closing_rules.is_to_be_closed(rule.lot, gathering, at)
            # asked last: it takes all lots that there were
            if is_due and not _is_stopped(reader, id, key):
                return _Closing(key)
    return None


def _is_stopped(reader: Reader, job: int, key: str) -> bool:
    """Return whether no lot of these packages closes any more, since too many were rejected."""
    lots = read_lots(reader, job)
    return switching_rules.find_state(lots, switching_rules.find_stream(key, lots)).is_stopped


def _read_gathering(reader: Reader, job: Job, rule: LotRule, key: str, packages: int) -> Gathering:
    """Return what is known of so many packages that wait with the same key."""
    if not is_gathering(key):
        return Gathering(packages=0)
    oldest = None
    # what comes back is a lot again once all of it is there, however long that takes
    if rule.lot.every is not None and not parse_again(key):
        where: dict[str, Any] = {"job": job.id, "state": PackageState.ACCEPT, "lot_key": key}
        found = first(reader, Query(Package, where, order=("waiting_since",), limit=1))
        oldest = None if found is None else found.waiting_since
    return Gathering(
        packages=packages, oldest=oldest, is_complete=_is_complete(reader, job, rule, key)
    )


def _is_complete(reader: Reader, job: Job, rule: LotRule, key: str) -> bool:
    """Return whether no package can come any more to those that wait with this key."""
    again = parse_again(key)
    where: dict[str, Any] = {"job": job.id, "state": _EARLIER}
    if again:
        lot = reader.get(AcceptanceLot, (job.id, again))
        coming = reader.find(Query(Package, {**where, "number": lot.packages}))
        return not any(package.rejected_lot == again for package in coming)
    # to a job that does not end by itself there may come more at any time
    if not job.auto_finish:
        return False
    if rule.lot.by is not None:
        unsorted: dict[str, Any] = {"job": job.id, "state": PackageState.ACCEPT, "lot_key": OPEN}
        if first(reader, Query(Package, unsorted, limit=1)) is not None:
            return False
    return first(reader, Query(Package, where, limit=1)) is None


def _sort_by_group(engine: Engine, id: int) -> int:
    """Note the groups of the labelers of packages that came to ACCEPT; return of how many."""
    with engine.transaction() as transaction:
        job = transaction.job(id)
        rule = find_lot_rule(job)
        if rule is None or rule.lot.by is None:
            return 0
        packages = _lock_gathering(transaction, job, OPEN, BLOCK)
        by_package = _read_assignments(transaction, id, packages)
        labelers = {
            each.number: list_authors(
                Stage.LABEL, without_withdrawn(each, by_package[each.number]), None
            )
            for each in packages
        }
        keys = tuple({key for found in labelers.values() for key in found})
        people = transaction.store.find(Query(Member, {"id": keys})) if keys else ()
        members = {member.id: member for member in people}
        for package in packages:
            theirs = [members[key] for key in labelers[package.number] if key in members]
            groups = closing_rules.find_groups(job, theirs)
            entry = attrs.evolve(package.lot_entry or LotEntry(), groups=groups)
            transaction.replace(package, evolve(package, lot_entry=entry))
        # this looks again itself
        transaction.changed_lots.clear()
        return len(packages)


def _close(engine: Engine, id: int, closing: _Closing, actor: int) -> int:
    """Close a lot, if that is still to be done, and return how many were closed."""
    with engine.transaction() as transaction:
        job = transaction.job(id)
        rule = find_lot_rule(job)
        if rule is None or job.state not in _WORKING:
            return 0
        most = closing_rules.get_most(rule.lot)
        packages = _lock_gathering(transaction, job, closing.key, most)
        # whoever adds packages to the job locks this, and so does whoever gives a lot its number
        transaction.lock_job_counter(id)
        if not packages:
            return 0
        gathering = _read_gathering(transaction.store, job, rule, closing.key, len(packages))
        is_due = closing_rules.is_to_be_closed(rule.lot, gathering, transaction.at)
        lots = read_lots(transaction.store, id)
        stream = switching_rules.find_stream(closing.key, lots)
        state = switching_rules.find_state(lots, stream)
        if state.is_stopped or not (is_due or closing.is_forced):
            return 0
        again = _read_again(transaction.store, id, closing.key)
        tasks = {each.number: read_task_numbers(transaction.store, each) for each in packages}
        drawable = {
            each.number: closing_rules.list_drawable(each, tasks[each.number]) for each in packages
        }
        ctx = transaction.make_context(job.workspace, actor)
        facts = ClosingFacts(
            job=job,
            rule=rule,
            number=len(lots) + 1,
            again=again,
            packages=packages,
            tasks=drawable,
            ctx=ctx,
            stream=stream,
            severity=switching_rules.choose_severity(state, is_first=again is None),
            decided_before=switching_rules.count_decisions(lots),
        )
        transaction.apply(closing_rules.close_lot(facts))
        # this looks again itself
        transaction.changed_lots.clear()
    return 1


def _read_again(reader: Reader, job: int, key: str) -> AcceptanceLot | None:
    """Return the rejected lot that comes back with this key, if it is one."""
    again = parse_again(key)
    return reader.get(AcceptanceLot, (job, again)) if again else None


def _lock_gathering(transaction: Transaction, job: Job, key: str, most: int) -> list[Package]:
    """Lock the first packages that wait with this key, and return them by number."""
    where: dict[str, Any] = {"job": job.id, "state": PackageState.ACCEPT, "lot_key": key}
    order = ("waiting_since", "number")
    query = Query(Package, where, order=order, limit=most)
    numbers = sorted(package.number for package in transaction.store.find(query))
    locked = transaction.lock_numbered(job.id, numbers)
    return [package for package in locked if package.lot_key == key]


def _decide(engine: Engine, lot: AcceptanceLot) -> int:
    """Decide on a lot of which everything drawn was checked; return how many were decided."""
    with engine.transaction() as transaction:
        packages = _lock_packages(transaction, lot)
        if any(package.lot_key.startswith(CHECK) for package in packages):
            return 0
        current = transaction.lock(AcceptanceLot, lot.key)
        if current.state is not LotState.CLOSED:
            return 0
        # decisions on lots of a job follow each other: what comes next depends on those before
        transaction.lock_job_counter(lot.job)
        job = transaction.job(lot.job)
        rule = find_lot_rule(job)
        if rule is None or job.state not in _WORKING:
            return 0
        facts = DecidingFacts(
            job=job,
            rule=rule,
            lot=current,
            packages=packages,
            tasks={each.number: read_task_numbers(transaction.store, each) for each in packages},
            ctx=transaction.make_context(job.workspace),
            lots=read_lots(transaction.store, lot.job),
        )
        found = deciding_rules.judge_lot(facts)
        if found.verdict is PlanVerdict.MORE:
            transaction.apply(deciding_rules.draw_more(facts, found))
        else:
            _carry_out(transaction, facts, found)
        transaction.changed_lots.clear()
    return 1


def _lock_packages(transaction: Transaction, lot: AcceptanceLot) -> list[Package]:
    """Lock the packages that are still in *lot*, and return them in order."""
    keys = (f"{CHECK}{lot.number}", f"{DECISION}{lot.number}")
    where: dict[str, Any] = {"job": lot.job, "state": PackageState.ACCEPT, "lot_key": keys}
    query = Query(Package, where, order=("number",))
    numbers = [package.number for package in transaction.store.find(query)]
    locked = transaction.lock_numbered(lot.job, numbers)
    return [package for package in locked if package.lot_key in keys]


def _carry_out(transaction: Transaction, facts: DecidingFacts, found: LotVerdict) -> None:
    """Store what was decided on a lot, and what becomes of each of its packages by that."""
    decision = deciding_rules.decide_lot(facts, found)
    by_package = _read_assignments(transaction, facts.job.id, facts.packages)
    changes = [decision.change]
    for package in decision.passing:
        assignments = by_package[package.number]
        abandoned: Sequence[int] = ()
        if package.abandoned:
            cases = read_package_cases(transaction.store, facts.job, package, assignments)
            abandoned = find_abandoned(cases)
        changes.append(deciding_rules.pass_with_lot(facts, package, assignments, abandoned))
    rejected = [
        deciding_rules.read_rejected(facts.job, package, by_package[package.number])
        for package in decision.rejected
    ]
    if rejected:
        changes += _send_back(transaction, facts, rejected, found)
    for change in changes:
        transaction.apply(change)
    if decision.passing:
        finish_if_done(transaction, facts.job, facts.ctx)


def _read_assignments(
    transaction: Transaction, job: int, packages: Sequence[Package]
) -> Mapping[int, Sequence[Assignment]]:
    """Return every assignment that there ever was on each of the packages, oldest first."""
    found = defaultdict[int, list[Assignment]](list)
    numbers = tuple(package.number for package in packages)
    where: dict[str, Any] = {"job": job, "package": numbers}
    if numbers:
        for assignment in transaction.store.find(Query(Assignment, where, order=("id",))):
            found[assignment.package].append(assignment)
    return found


def _send_back(
    transaction: Transaction,
    facts: DecidingFacts,
    rejected: Sequence[RejectedPackage],
    found: LotVerdict,
) -> list[Change]:
    """Return the changes by which the packages of a lot go back to LABEL."""
    # offers are made under the rules of the job, so it must stay as it is until they are stored; in
    # shared mode, as claims lock it
    job = transaction.lock(Job, facts.job.key, shared=True)
    keys = sorted({key for each in rejected for key in each.candidates})
    members = {key: transaction.lock(Member, (key,), shared=True) for key in keys}
    changes = list[Change]()
    for each in rejected:
        place = ReworkPlace(
            policy=transaction.policy,
            members=[members[key] for key in each.candidates],
            reject_id=transaction.new_id(Assignment, job.id),
            offer_ids=[transaction.new_id(Assignment, job.id) for _ in each.candidates],
        )
        current = attrs.evolve(facts, job=job)
        changes.append(deciding_rules.reject_with_lot(current, each, place, found))
    return changes
