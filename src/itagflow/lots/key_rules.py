"""What packages in lots wait for, as `Package.lot_key` says it."""

from __future__ import annotations

from collections.abc import Mapping

from itagflow.model.package import AGAIN, CHECK, DECISION
from itagflow.printing import format_count


def parse_again(key: str) -> int:
    """Return the number of the rejected lot that comes back, by the `Package.lot_key`; 0: none.

    >>> parse_again("again 3"), parse_again("open")
    (3, 0)
    """
    return int(key.removeprefix(AGAIN)) if key.startswith(AGAIN) else 0


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
