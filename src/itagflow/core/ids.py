"""New keys: 63 bits that sort by time."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import count

from itagflow.errors import InvalidData, Problem
from itagflow.model.arguments import call
from itagflow.model.moment import to_utc
from itagflow.model.number import MOST, is_whole
from itagflow.printing import format_repr

Ids = Callable[[], int]
"""Makes new keys: positive, below 2**63, never twice the same."""

TRIES = 10
"""How many ids are drawn for one entity before the source is taken to be used up.

Two processes may draw the same by chance: once in four million in the same millisecond.  Ten in a
row are a source that repeats itself.
"""

# 63 bits together, as a signed column of 64 bits holds: 41 bits of milliseconds reach to 2089, and
# 22 are enough for four million keys in one millisecond before they run into the next one.
MOMENT_BITS = 41
RANDOM_BITS = 22
_EPOCH = datetime(2020, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)
_LAST = _EPOCH + (2**MOMENT_BITS - 1) * _MILLISECOND


class TimeOrdered:
    """Makes keys: 41 bits of milliseconds since 2020, then a count that starts at 22 random bits.

    Each count is one step in C, so no lock is needed that an exception, or a fork, could leave
    locked.
    """

    def __init__(self, clock: Callable[[], datetime]) -> None:
        """Start with the time that *clock* tells."""
        self._clock = clock
        self._latest = 0
        self._counts = _make_counter()
        self._process = os.getpid()

    def __call__(self) -> int:
        """Return the next key; never one that this object has returned before, in any thread.

        Raises:
            InvalidData: when the clock is before 2020 or after 2089, or tells no time.
        """
        # The largest time so far: a clock that is set back must not lead to keys that were drawn
        # before.  Two threads may both store theirs; either is right, since the count goes on.
        moment = self._latest = max(
            self._latest, _count_milliseconds(to_utc("the clock", "now", self._clock()))
        )
        process = os.getpid()
        if self._process != process:  # a child of a fork would draw what its parent draws
            self._counts = _make_counter()
            self._process = process
        # added and not or-ed: a count that outgrows its bits carries into the milliseconds, and the
        # keys stay different
        return (moment << RANDOM_BITS) + next(self._counts)


def _make_counter() -> Iterator[int]:
    # at random, so that processes that start in the same millisecond draw different keys; not by
    # `secrets`, which loads much more
    return count(int.from_bytes(os.urandom(4)) % 2**RANDOM_BITS)


def _count_milliseconds(at: datetime) -> int:
    """Return the milliseconds since 2020, which 41 bits hold until 2089."""
    if not _EPOCH <= at <= _LAST:
        reason = (
            f"is {at:%Y-%m-%d}: keys count the time from {_EPOCH:%Y-%m-%d} to {_LAST:%Y-%m-%d}; "
            "pass others as ids="
        )
        raise InvalidData("the clock", [Problem("now", reason)])
    return (at - _EPOCH) // _MILLISECOND


class TransactionIds:
    """Ids as they are drawn in one transaction: each is a key, and given once to a kind."""

    def __init__(self, ids: Ids) -> None:
        """Draw from *ids*."""
        self._ids = ids
        self._drawn: set[tuple[type, int]] = set()

    def draw(self, kind: type) -> int | None:
        """Return the next id, or None when this transaction has it already for another of *kind*.

        Raises:
            InvalidData: when it is no key.
        """
        id: object = call("the ids", "", self._ids)
        if not is_whole(id) or not 0 < id <= MOST:
            reason = f"must give whole numbers from 1 to 2**63 - 1, not {format_repr(id)}"
            raise InvalidData("the ids", [Problem("", reason)])
        key = int(id)  # also of a library's own kind of integer
        # What was drawn in this transaction may not be stored yet, so the store cannot tell.
        if (kind, key) in self._drawn:
            return None
        self._drawn.add((kind, key))
        return key


def make_exhausted_error() -> InvalidData:
    """Return the error for a source of ids that gives only such as are taken."""
    return InvalidData(
        "the ids", [Problem("", f"gave {TRIES} times one that is taken: each must be a new one")]
    )
