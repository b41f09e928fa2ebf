"""What must hold of deliveries: all that is stored of them refers to events that were passed."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence

from itagflow.model.delivery import DeadLetter, DelayedJob, DeliveryCursor
from itagflow.model.inconsistency import Inconsistency, compare_field


def check_cursors(cursors: Sequence[DeliveryCursor], last: int) -> Iterator[Inconsistency]:
    """Yield the cursors that are beyond the *last* position, or whose lease belongs to nobody."""
    for cursor in cursors:
        if cursor.position > last:
            yield from compare_field(cursor, "position", cursor.position, f"at most {last}")
        if bool(cursor.holder) != (cursor.lease_until is not None):
            expected = "there" if cursor.holder else None
            yield from compare_field(cursor, "lease_until", cursor.lease_until, expected)


def check_waiting(
    waiting: Sequence[DelayedJob | DeadLetter],
    positions: Mapping[str, int],
    events: Mapping[int, int],
    jobs: Collection[int],
) -> Iterator[Inconsistency]:
    """Yield the delayed jobs and dead letters that refer to no event of their job.

    Args:
        waiting: The delayed jobs and dead letters.
        positions: Where the cursor of each receiver is.
        events: The job of each event that they refer to, by position.
        jobs: The jobs that exist, of those that they name; a deleted one has no events any more.
    """
    for entity in waiting:
        position = positions.get(entity.receiver)
        if position is None:
            yield from compare_field(entity, "its cursor", None, "there")
        elif entity.position > position:
            yield from compare_field(entity, "position", entity.position, f"at most {position}")
        elif entity.position in events:
            yield from compare_field(entity, "job", entity.job, events[entity.position])
        elif entity.job in jobs or not entity.job:
            yield from compare_field(entity, "its event", None, "there")
