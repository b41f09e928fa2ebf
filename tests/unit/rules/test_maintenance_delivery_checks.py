"""Unit tests of `itagflow.maintenance.delivery_checks`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from itagflow.maintenance.delivery_checks import check_cursors, check_waiting
from itagflow.model.delivery import DelayedJob, DeliveryCursor
from itagflow.model.inconsistency import Inconsistency
from itagflow.testing import AT

DELAYED = DelayedJob(receiver="r", job=4, position=5, next_attempt_at=AT)


def fields(found: Iterable[Inconsistency]) -> list[tuple[Any, ...]]:
    return [(one.field, one.actual, one.expected) for one in found]


def test_a_cursor_is_at_an_event_that_there_is_and_a_lease_belongs_to_somebody() -> None:
    good = DeliveryCursor(receiver="r", id=1, position=5, holder="w", lease_until=AT)
    assert fields(check_cursors([good, DeliveryCursor(receiver="s", id=2)], 5)) == []
    assert fields(check_cursors([good], 4)) == [("position", 5, "at most 4")]
    nobody = DeliveryCursor(receiver="r", id=1, lease_until=AT)
    assert fields(check_cursors([nobody], 4)) == [("lease_until", AT, None)]


def test_what_waits_is_an_event_of_its_job_that_was_passed() -> None:
    passed = {"r": 6}
    assert fields(check_waiting([DELAYED], passed, {5: 4}, {4})) == []
    assert fields(check_waiting([DELAYED], passed, {}, set())) == [], "the job was deleted"
    assert fields(check_waiting([DELAYED], passed, {}, {4})) == [("its event", None, "there")]
    assert fields(check_waiting([DELAYED], passed, {5: 3}, {4})) == [("job", 4, 3)]
    assert fields(check_waiting([DELAYED], {"r": 4}, {5: 4}, {4})) == [("position", 5, "at most 4")]
    assert fields(check_waiting([DELAYED], {}, {5: 4}, {4})) == [("its cursor", None, "there")]
