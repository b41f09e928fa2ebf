"""How many packages of a job wait for their lots: what `explain`, the board and others tell."""

from __future__ import annotations

from collections.abc import Mapping

from itagflow.model.package import CHECK, DECISION, Package, PackageState
from itagflow.printing import format_count
from itagflow.storage.port import Query, Reader


def count_by_lot_key(reader: Reader, job: int) -> Mapping[str, int]:
    """Return how many packages of a job wait for the same, by `Package.lot_key`."""
    at_accept = Query(Package, {"job": job, "state": PackageState.ACCEPT})
    tally = reader.tally(at_accept, by=("lot_key",))
    return {str(key): number for (key,), (number,) in sorted(tally.items()) if key}


def is_gathering(key: str) -> bool:
    """Return whether packages with this `Package.lot_key` wait until their lot closes.

    >>> [is_gathering(key) for key in ("", "open", "again 3", "check 4", "lot 4")]
    [False, True, True, False, False]
    """
    return bool(key) and not key.startswith((CHECK, DECISION))


def count_waiting(counts: Mapping[str, int]) -> int:
    """Return how many packages wait for their lot, and have no work for anybody.

    >>> count_waiting({"open": 2, "check 4": 3, "lot 4": 1})
    3
    """
    return sum(number for key, number in counts.items() if not key.startswith(CHECK))


def explain_waiting(counts: Mapping[str, int]) -> list[str]:
    """Return how many packages wait for what, in sentences without a full stop.

    >>> explain_waiting({"open": 2, "lot 4": 1})
    ['2 packages wait until their lot closes', '1 package waits until its lot is decided']
    """
    gathering = sum(number for key, number in counts.items() if is_gathering(key))
    deciding = sum(number for key, number in counts.items() if key.startswith(DECISION))
    told = list[str]()
    for number, what in ((gathering, "closes"), (deciding, "is decided")):
        if number:
            waits = "waits until its" if number == 1 else "wait until their"
            told.append(f"{format_count(number, 'package')} {waits} lot {what}")
    return told
