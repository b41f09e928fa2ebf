"""What must hold of lots of several packages, and of the packages in them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from itagflow.model.inconsistency import Inconsistency, compare_field
from itagflow.model.job import Job
from itagflow.model.lot import AcceptanceLot
from itagflow.model.package import Package, PackageState
from itagflow.model.plan import LotState

_UNDECIDED = (LotState.OPEN, LotState.CLOSED)


def check_entry(job: Job, package: Package) -> Iterator[Inconsistency]:
    """Yield where what *package* is to its lot does not fit its job, its state and its slots."""
    has_lots = job.workflow.has_lots
    yield from compare_field(package, "whether its job has lots", package.in_lots, has_lots)
    entry = package.lot_entry
    if entry is None:
        return
    if package.state is not PackageState.ACCEPT:
        yield from compare_field(package, "its part in a lot", entry.lot, None)
    if package.awaits_lot:
        yield from compare_field(package, "free, while it waits for its lot,", package.free, 0)
    if entry.state is LotState.OPEN:
        yield from compare_field(package, "lot, before that has closed,", entry.lot, 0)
    known = {*entry.sample, *entry.certain}
    if entry.state is LotState.CLOSED:
        strange = tuple(task for task in entry.standing if task not in known)
        yield from compare_field(package, "tasks judged wrong that were not due", strange, ())


def check_lots(
    lots: Sequence[AcceptanceLot], packages: Sequence[Package]
) -> Iterator[Inconsistency]:
    """Yield where *lots* of a job and the *packages* that wait in them do not fit together."""
    by_number: Mapping[int, AcceptanceLot] = {lot.number: lot for lot in lots}
    for number, lot in enumerate(lots, 1):
        yield from compare_field(lot, "number", lot.number, number)
        is_decided = lot.state not in _UNDECIDED
        has_time = lot.decided_at is not None
        yield from compare_field(lot, "whether it has a time of decision", has_time, is_decided)
        for name, most in (("sample", lot.size), ("checked", lot.sample), ("wrong", lot.checked)):
            value: int = getattr(lot, name)
            if not 0 <= value <= most:
                yield from compare_field(lot, name, value, f"from 0 to {most}")
    for package in packages:
        entry = package.lot_entry
        if entry is None or entry.state is LotState.OPEN:
            continue
        found = by_number.get(entry.lot)
        if found is None or package.number not in found.packages:
            yield from compare_field(package, "lot", entry.lot, "one that it is in")
        else:
            field = "state of its lot"
            yield from compare_field(package, field, entry.state, found.state)
