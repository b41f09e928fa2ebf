"""Lots are settled: those that are complete close, and those that were checked are decided.

Whether something is to be done is looked up behind each transaction that changes what packages in
lots wait for, by `Flow.tick`, and by `close_lots`.  Each step is a transaction of its own that
looks again at what it has locked; where another process has been faster it does nothing.  So a lot
is closed once and decided once, and what broke off in between is found by whoever comes next.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

import attrs

from itagflow.core.engine import Engine
from itagflow.core.lookup import first, get_or_none, last_number, read_task_numbers
from itagflow.core.transaction import Transaction
from itagflow.lots import closing_rules, deciding_rules
from itagflow.lots.closing_rules import ClosingFacts, Gathering, LotRule
from itagflow.lots.counting import count_by_lot_key
from itagflow.lots.deciding_rules import DecidingFacts, RejectedPackage, ReworkPlace
from itagflow.lots.key_rules import is_gathering, parse_again
from itagflow.model.change import Change
from itagflow.model.job import Job, JobState
from itagflow.model.lot import AcceptanceLot
from itagflow.model.package import CHECK, DECISION, Assignment, Package, PackageState
from itagflow.model.plan import LotState, LotVerdict, PlanVerdict
from itagflow.model.workspace import Member
from itagflow.results.histories import read_package_cases
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


def settle_lots(engine: Engine, job: int, *, closes_all: bool = False, actor: int = 0) -> Settled:
    """Close and decide the lots of a job as far as that can be done now.

    With *closes_all* those that wait now are closed as they are, by the member *actor*.
    """
    closed = decided = 0
    forced = _list_gathering(engine, job) if closes_all else ()
    for key in forced:
        closed += _close(engine, job, _Closing(key, is_forced=True), actor)
    while True:
        step = _find_step(engine, job)
        if isinstance(step, _Closing):
            done = _close(engine, job, step, 0)
            closed += done
        elif step is not None:
            done = _decide(engine, step)
            decided += done
        else:
            break
        if not done:
            break  # another process is about it, and looks again when it is done
    return Settled(closed=closed, decided=decided)


def _list_gathering(engine: Engine, job: int) -> Sequence[str]:
    with engine.store.read() as reader:
        return [key for key in count_by_lot_key(reader, job) if is_gathering(key)]


def _find_step(engine: Engine, id: int) -> _Closing | AcceptanceLot | None:
    """Return what is to be done next: a lot to be decided, or one to be closed."""
    with engine.store.read() as reader:
        job = get_or_none(reader, Job, (id,))
        rule = None if job is None else closing_rules.find_lot_rule(job)
        if job is None or rule is None or job.state not in _WORKING:
            return None
        counts = count_by_lot_key(reader, id)
        undecided = Query(AcceptanceLot, {"job": id, "state": LotState.CLOSED}, order=("number",))
        for lot in reader.find(undecided):
            if f"{CHECK}{lot.number}" not in counts:
                return lot
        for key in counts:
            if is_gathering(key) and _is_to_be_closed(reader, job, rule, key, counts):
                return _Closing(key)
    return None


def _is_to_be_closed(
    reader: Reader, job: Job, rule: LotRule, key: str, counts: Mapping[str, int]
) -> bool:
    gathering = Gathering(packages=counts.get(key, 0), is_complete=_is_complete(reader, job, key))
    return closing_rules.is_to_be_closed(rule.lot, gathering)


def _is_complete(reader: Reader, job: Job, key: str) -> bool:
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
    return first(reader, Query(Package, where, limit=1)) is None


def _close(engine: Engine, id: int, closing: _Closing, actor: int) -> int:
    """Close a lot, if that is still to be done, and return how many were closed."""
    with engine.transaction() as transaction:
        job = transaction.job(id)
        rule = closing_rules.find_lot_rule(job)
        if rule is None or job.state not in _WORKING:
            return 0
        packages = _lock_gathering(transaction, job, rule, closing.key)
        # whoever adds packages to the job locks this, and so does whoever gives a lot its number
        transaction.lock_job_counter(id)
        gathering = Gathering(
            packages=len(packages), is_complete=_is_complete(transaction.store, job, closing.key)
        )
        if not packages:
            return 0
        if not closing.is_forced and not closing_rules.is_to_be_closed(rule.lot, gathering):
            return 0
        tasks = {each.number: read_task_numbers(transaction.store, each) for each in packages}
        drawable = {
            each.number: closing_rules.list_drawable(each, tasks[each.number]) for each in packages
        }
        ctx = transaction.make_context(job.workspace, actor)
        facts = ClosingFacts(
            job=job,
            rule=rule,
            number=last_number(transaction.store, AcceptanceLot, id) + 1,
            again=parse_again(closing.key),
            packages=packages,
            tasks=drawable,
            ctx=ctx,
        )
        transaction.apply(closing_rules.close_lot(facts))
        # this looks again itself
        transaction.changed_lots.clear()
    return 1


def _lock_gathering(transaction: Transaction, job: Job, rule: LotRule, key: str) -> list[Package]:
    """Lock the packages of the next lot, those that came first, and return them in order."""
    where: dict[str, Any] = {"job": job.id, "state": PackageState.ACCEPT, "lot_key": key}
    order = ("waiting_since", "number")
    most = closing_rules.get_most(rule.lot)
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
        job = transaction.job(lot.job)
        rule = closing_rules.find_lot_rule(job)
        if rule is None or job.state not in _WORKING:
            return 0
        facts = DecidingFacts(
            job=job,
            rule=rule,
            lot=current,
            packages=packages,
            tasks={each.number: read_task_numbers(transaction.store, each) for each in packages},
            ctx=transaction.make_context(job.workspace),
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
    by_package = _read_assignments(transaction, facts)
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
    transaction: Transaction, facts: DecidingFacts
) -> Mapping[int, Sequence[Assignment]]:
    """Return every assignment that there ever was on each of the packages, oldest first."""
    found = defaultdict[int, list[Assignment]](list)
    numbers = tuple(package.number for package in facts.packages)
    where: dict[str, Any] = {"job": facts.job.id, "package": numbers}
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
