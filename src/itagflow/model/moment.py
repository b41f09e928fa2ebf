"""Times: whatever zone they come in, they are kept in UTC, where an hour is always an hour."""

from __future__ import annotations

from datetime import UTC, datetime

from itagflow.errors import InvalidData, Problem
from itagflow.printing import format_repr


def to_utc(what: str, field: str, at: object) -> datetime:
    """Return the same moment in UTC.

    Times of a zone that changes its offset cannot be calculated with: what comes an hour later by
    the clock on the wall may be two hours later, or none.

    Args:
        what: What it is of, such as ``the clock``.
        field: What it is called there.
        at: What was given.

    Raises:
        InvalidData: when it is no time, has no zone, or lies beyond the first or last year.
    """
    # almost always: the own clock gives UTC
    if type(at) is datetime and at.tzinfo is UTC:
        return at
    if not isinstance(at, datetime):
        raise InvalidData(what, [Problem(field, f"must be a datetime, not {format_repr(at)}")])
    if at.utcoffset() is None:
        raise InvalidData(what, [Problem(field, "needs a time zone, such as datetime.now(UTC)")])
    try:
        return _to_plain(at.astimezone(UTC))
    except OverflowError:
        raise InvalidData(
            what, [Problem(field, f"{at} is outside of the years 1 to 9999 in UTC")]
        ) from None


def _to_plain(at: datetime) -> datetime:
    """Return a time of a class of its own, such as that of pandas, as a plain one."""
    if type(at) is datetime:
        return at
    return datetime(
        at.year, at.month, at.day, at.hour, at.minute, at.second, at.microsecond, tzinfo=UTC
    )
