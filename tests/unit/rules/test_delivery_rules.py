"""Unit tests of `itagflow.delivery.rules`: leases, back-off, and what becomes of messages."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import attrs
import pytest

from itagflow.delivery import Message, Retries, rules
from itagflow.delivery.rules import (
    LEASE_MARGIN,
    LONGEST_PAUSE,
    PAUSE,
    EventFilter,
    Outcome,
    Place,
    Replacement,
    Response,
    Terms,
)
from itagflow.model.delivery import DeadLetter, DelayedJob, DeliveryCursor
from itagflow.testing import AT, make_event

SECOND = timedelta(seconds=1)
LATER = AT + timedelta(minutes=1)
TAKEN = Response(Outcome.DELIVERED)
FAILED = Response(Outcome.FAILED, "answered 500")
BUSY = Response(Outcome.BUSY, "answered 429", timedelta(minutes=3))
REFUSED = Response(Outcome.REFUSED, "answered 422")
GONE = Response(Outcome.GONE, "answered 410")
RETRIES = Retries(timedelta(seconds=10), timedelta(seconds=60), attempts=3)


def a_cursor(**fields: Any) -> DeliveryCursor:
    return attrs.evolve(DeliveryCursor(receiver="r", id=7, position=1), **fields)


def a_message(position: int, job: int = 4, part: int = 0) -> Message:
    event = make_event(position=position, job=job)
    id = f"msg_{position}"
    return Message(id=id, position=position, part=part, job=job, event=event, payload={})


def a_delay(position: int, job: int = 4, **fields: Any) -> DelayedJob:
    given = {"next_attempt_at": AT, **fields}
    return DelayedJob(receiver="r", job=job, position=position, **given)


def a_letter(**fields: Any) -> DeadLetter:
    given = {"position": 3, "job": 4, "attempts": 3, "error": "old", "failed_at": AT, **fields}
    return DeadLetter(receiver="r", **given)


def terms(retries: Retries = RETRIES, chance: float = 1.0) -> Terms:
    return Terms(AT, LATER, retries, chance)


# -- which events --


@pytest.mark.parametrize(
    ("chosen", "is_match"),
    [
        (EventFilter(), True),
        (EventFilter(types=frozenset({"claim", "submit"})), True),
        (EventFilter(types=frozenset({"accept"})), False),
        (EventFilter(jobs=frozenset({4})), True),
        (EventFilter(jobs=frozenset({5})), False),
        (EventFilter(jobs=frozenset()), False),
        (EventFilter(workspace=1), True),
        (EventFilter(workspace=2), False),
        (EventFilter(became=frozenset({"final"})), False),
        (EventFilter(types=frozenset({"claim"}), workspace=2), False),
    ],
)
def test_an_event_matches_when_it_meets_every_condition(
    chosen: EventFilter, is_match: bool
) -> None:
    assert rules.matches(chosen, make_event("claim")) is is_match


def test_an_event_matches_by_what_became_of_tasks() -> None:
    done = make_event("submit", became_text="final 1-2 abandoned 3")
    assert rules.matches(EventFilter(became=frozenset({"final"})), done)
    assert rules.matches(EventFilter(became=frozenset({"abandoned"})), done)
    assert not rules.matches(EventFilter(became=frozenset({"reopened"})), done)


# -- leases --


def test_a_lease_is_free_when_nobody_has_it_or_it_is_over() -> None:
    held = rules.take_lease(a_cursor(), "one", LATER)
    assert (held.holder, held.lease_until) == ("one", LATER)
    assert rules.is_free(a_cursor(), "one", AT)
    assert rules.is_free(held, "one", AT)
    assert not rules.is_free(held, "two", LATER - SECOND)
    assert rules.is_free(held, "two", LATER)


def test_a_lease_lasts_for_a_delivery_that_begins_in_its_first_half() -> None:
    length = rules.compute_lease(15)
    assert length == timedelta(seconds=30) + LEASE_MARGIN
    held = rules.take_lease(a_cursor(), "one", AT + length)
    assert not rules.must_renew(held, 15, AT)
    assert not rules.must_renew(held, 15, AT + timedelta(seconds=15))
    assert rules.must_renew(held, 15, AT + timedelta(seconds=16))
    assert rules.must_renew(a_cursor(), 15, AT)


def test_whoever_gives_a_lease_back_says_how_far_they_have_come() -> None:
    held = rules.take_lease(a_cursor(), "one", LATER)
    back = rules.give_back(held, Place(9, 2))
    assert (back.holder, back.lease_until, back.position, back.part) == ("", None, 9, 2)
    kept = rules.keep_place(held, Place(9, 2), LATER + SECOND)
    assert (kept.holder, kept.lease_until) == ("one", LATER + SECOND)
    assert (kept.position, kept.part) == (9, 2)


def test_a_receiver_that_was_disabled_can_be_enabled() -> None:
    off = a_cursor(is_disabled=True, failures=3, next_attempt_at=LATER)
    assert not rules.is_open(off, LATER)
    assert rules.enable(off) == a_cursor()


def test_a_receiver_that_asked_for_a_break_gets_nothing_until_then() -> None:
    waiting = a_cursor(next_attempt_at=LATER)
    assert rules.is_open(a_cursor(), AT)
    assert not rules.is_open(waiting, AT)
    assert rules.is_open(waiting, LATER)


# -- when --


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        (200, Outcome.DELIVERED),
        (204, Outcome.DELIVERED),
        (299, Outcome.DELIVERED),
        (301, Outcome.FAILED),
        (400, Outcome.REFUSED),
        (401, Outcome.FAILED),
        (404, Outcome.FAILED),
        (408, Outcome.FAILED),
        (410, Outcome.GONE),
        (413, Outcome.REFUSED),
        (422, Outcome.REFUSED),
        (429, Outcome.BUSY),
        (500, Outcome.FAILED),
        (502, Outcome.BUSY),
        (503, Outcome.BUSY),
        (504, Outcome.BUSY),
    ],
)
def test_a_status_says_what_came_of_it(status: int, outcome: Outcome) -> None:
    response = rules.judge_status(status, None, AT)
    error = "" if outcome is Outcome.DELIVERED else f"answered {status}"
    assert response == Response(outcome, error)


def test_whoever_says_when_to_come_back_is_busy() -> None:
    assert rules.judge_status(500, "7", AT) == Response(
        Outcome.BUSY, "answered 500", timedelta(seconds=7)
    )


@pytest.mark.parametrize(
    ("text", "pause"),
    [
        (None, None),
        ("", None),
        ("soon", None),
        ("-5", None),
        ("1.5", None),
        ("٣", None),
        ("0", timedelta()),
        (" 120 ", timedelta(minutes=2)),
        ("9" * 5_000, LONGEST_PAUSE),
        ("Tue, 24 Nov 2026 09:00:30 GMT", timedelta(seconds=30)),
        ("Tue, 24 Nov 2026 09:00:30 -0000", timedelta(seconds=30)),
        ("Tue, 24 Nov 2026 08:00:00 GMT", timedelta()),
        ("Tue, 24 Nov 2099 08:00:00 GMT", LONGEST_PAUSE),
        ("Tue, 99 Nov 2026 08:00:00 GMT", None),
    ],
)
def test_retry_after_is_a_number_of_seconds_or_a_date(
    text: str | None, pause: timedelta | None
) -> None:
    now = datetime(2026, 11, 24, 9, tzinfo=UTC)
    assert rules.parse_retry_after(text, now) == pause


def test_delays_double_up_to_the_longest_one() -> None:
    delays = [rules.compute_delay(RETRIES, attempts, 1.0) for attempts in range(1, 6)]
    assert [delay.total_seconds() for delay in delays] == [10, 20, 40, 60, 60]
    assert rules.compute_delay(RETRIES, 1_000_000, 1.0) == timedelta(seconds=60)


def test_half_of_a_delay_is_left_to_chance() -> None:
    delays = [rules.compute_delay(RETRIES, 2, chance) for chance in (0, 0.5, 1)]
    assert [delay.total_seconds() for delay in delays] == [10, 15, 20]


def test_the_defaults_give_up_after_three_days() -> None:
    retries = Retries()
    total = sum(
        (rules.compute_delay(retries, attempts, 0.5) for attempts in range(1, retries.attempts)),
        timedelta(),
    )
    assert timedelta(days=2.5) < total < timedelta(days=3.5)


def test_the_next_attempt_is_the_first_that_is_due() -> None:
    delayed = [a_delay(2, next_attempt_at=LATER), a_delay(3, 5, next_attempt_at=LATER + SECOND)]
    ordered = a_letter(next_attempt_at=AT)
    find = rules.find_next_attempt
    assert find(a_cursor(), [], [a_letter()]) is None
    assert find(a_cursor(), delayed, []) == LATER
    assert find(a_cursor(), delayed, [ordered]) == AT
    assert find(a_cursor(is_disabled=True), delayed, []) is None
    paused = a_cursor(next_attempt_at=LATER + SECOND)
    assert find(paused, [], []) == LATER + SECOND
    assert find(paused, delayed, []) == LATER + SECOND


def test_one_that_failed_is_tried_again_alone_and_so_is_each_of_a_batch() -> None:
    assert rules.count_at_once(a_delay(5), None) == 1
    assert rules.count_at_once(a_delay(5), 10) == 10
    assert rules.count_at_once(a_delay(5, attempts=1), 10) == 1
    in_batch = {"alone_until": 5, "alone_part": 1}
    assert rules.count_at_once(a_delay(4, part=7, **in_batch), 10) == 1
    assert rules.count_at_once(a_delay(5, part=1, **in_batch), 10) == 1
    assert rules.count_at_once(a_delay(5, part=2, **in_batch), 10) == 10


# -- the log --


def test_what_is_taken_moves_the_cursor() -> None:
    cursor = a_cursor(failures=2, next_attempt_at=AT, delivered=5)
    settlement = rules.settle_log(cursor, [a_message(2), a_message(3)], Place(3), TAKEN, terms())
    assert settlement.cursor == a_cursor(
        position=3, delivered=7, delivered_at=AT, lease_until=LATER
    )
    assert settlement.replacements == ()


def test_what_fails_delays_its_job_and_the_log_goes_on() -> None:
    settlement = rules.settle_log(a_cursor(), [a_message(2)], Place(2), FAILED, terms())
    assert settlement.cursor == a_cursor(position=2, failures=1, lease_until=LATER)
    expected = a_delay(
        2,
        attempts=1,
        next_attempt_at=AT + 10 * SECOND,
        error="answered 500",
        failed_at=AT,
    )
    assert settlement.replacements == (Replacement(None, expected),)


def test_a_batch_that_fails_delays_each_of_its_jobs() -> None:
    messages = [a_message(2, 4), a_message(3, 5), a_message(5, 4)]
    settlement = rules.settle_log(a_cursor(), messages, Place(6), FAILED, terms())
    assert settlement.cursor.position == 6
    delayed = [one.new for one in settlement.replacements]
    assert [
        (one.job, one.position, one.alone_until, one.attempts)
        for one in delayed
        if isinstance(one, DelayedJob)
    ] == [(4, 2, 5, 1), (5, 3, 3, 1)]


def test_a_batch_that_is_refused_is_sent_one_by_one_at_once() -> None:
    settlement = rules.settle_log(
        a_cursor(), [a_message(2), a_message(3)], Place(3), REFUSED, terms()
    )
    (replacement,) = settlement.replacements
    assert replacement.new == a_delay(2, alone_until=3, error="answered 422", failed_at=AT)


def test_one_that_is_refused_is_given_up_and_delays_nothing() -> None:
    settlement = rules.settle_log(a_cursor(), [a_message(2)], Place(2), REFUSED, terms())
    assert settlement.replacements == (
        Replacement(None, a_letter(position=2, attempts=1, error="answered 422")),
    )
    assert settlement.cursor.position == 2


def test_with_one_attempt_each_failure_is_the_last() -> None:
    once = attrs.evolve(RETRIES, attempts=1)
    settlement = rules.settle_log(
        a_cursor(), [a_message(2), a_message(3)], Place(3), FAILED, terms(once)
    )
    letter, rest = (one.new for one in settlement.replacements)
    assert letter == a_letter(position=2, attempts=1, error="answered 500")
    assert isinstance(rest, DelayedJob)
    assert (rest.position, rest.part, rest.alone_until, rest.attempts) == (2, 1, 3, 0)


def test_a_receiver_that_is_gone_is_disabled_and_nothing_moves() -> None:
    settlement = rules.settle_log(a_cursor(), [a_message(2)], Place(2), GONE, terms())
    assert settlement.cursor == a_cursor(is_disabled=True, lease_until=LATER)
    assert settlement.replacements == ()


@pytest.mark.parametrize(
    ("response", "pause"),
    [(BUSY, timedelta(minutes=3)), (Response(Outcome.BUSY, "answered 503"), PAUSE)],
)
def test_a_receiver_that_is_busy_gets_nothing_for_a_while(
    response: Response, pause: timedelta
) -> None:
    settlement = rules.settle_log(a_cursor(), [a_message(2)], Place(2), response, terms())
    assert settlement.cursor.next_attempt_at == AT + pause
    (replacement,) = settlement.replacements
    assert isinstance(replacement.new, DelayedJob)
    assert replacement.new.next_attempt_at == AT + max(pause, 10 * SECOND)


def test_a_receiver_that_was_down_gets_everything_at_once_when_it_is_back() -> None:
    waiting = a_delay(2, 5, next_attempt_at=LATER, attempts=7)
    due = a_delay(3, 6)
    for failures, expected in [
        (rules.DOWN - 1, ()),
        (rules.DOWN, (Replacement(waiting, attrs.evolve(waiting, next_attempt_at=AT)),)),
    ]:
        cursor = a_cursor(failures=failures)
        settlement = rules.settle_log(
            cursor, [a_message(9)], Place(9), TAKEN, terms(), [waiting, due]
        )
        assert settlement.replacements == expected


# -- delayed jobs --


def settle_delayed(
    job: DelayedJob, *messages: Message, response: Response, is_last: bool = False
) -> rules.Settlement:
    return rules.settle_delayed(
        a_cursor(), job, messages, response, terms(), is_last=is_last, delayed=[job]
    )


def test_a_delayed_job_goes_on_until_it_has_caught_up() -> None:
    job = a_delay(2, attempts=2, error="old", failed_at=AT)
    settlement = settle_delayed(job, a_message(2), response=TAKEN)
    assert settlement.cursor.delivered == 1
    assert settlement.cursor.position == 1
    assert settlement.replacements == (Replacement(job, a_delay(2, part=1)),)
    settlement = settle_delayed(job, a_message(2), response=TAKEN, is_last=True)
    assert settlement.replacements == (Replacement(job, None),)


def test_a_delayed_job_waits_longer_each_time() -> None:
    job = a_delay(2, attempts=1)
    (replacement,) = settle_delayed(job, a_message(2), response=FAILED).replacements
    assert isinstance(replacement.new, DelayedJob)
    assert (replacement.new.attempts, replacement.new.next_attempt_at) == (2, AT + 20 * SECOND)


def test_the_last_attempt_gives_the_message_up() -> None:
    job = a_delay(2, attempts=2)
    letter = a_letter(position=2, error="answered 500")
    settlement = settle_delayed(job, a_message(2), response=FAILED)
    assert settlement.replacements == (
        Replacement(None, letter),
        Replacement(job, a_delay(2, part=1)),
    )
    settlement = settle_delayed(job, a_message(2), response=FAILED, is_last=True)
    assert settlement.replacements == (Replacement(None, letter), Replacement(job, None))


def test_a_batch_of_a_delayed_job_is_split() -> None:
    job = a_delay(2)
    messages = [a_message(2), a_message(4, part=1)]
    (replacement,) = settle_delayed(job, *messages, response=REFUSED, is_last=True).replacements
    assert replacement.new == attrs.evolve(
        job, alone_until=4, alone_part=1, error="answered 422", failed_at=AT
    )


def test_a_delayed_job_stays_as_it_is_when_the_receiver_is_gone() -> None:
    settlement = settle_delayed(a_delay(2), a_message(2), response=GONE)
    assert settlement.cursor.is_disabled
    assert settlement.replacements == ()


# -- dead letters --


def test_a_dead_letter_is_sent_again_when_it_is_ordered() -> None:
    ordered = rules.order_again(a_letter(), LATER)
    assert (ordered.attempts, ordered.next_attempt_at) == (0, LATER)
    settlement = rules.settle_letter(a_cursor(), ordered, TAKEN, terms())
    assert settlement.replacements == (Replacement(ordered, None),)


@pytest.mark.parametrize(
    ("attempts", "response", "next_attempt_at"),
    [
        (0, FAILED, AT + 10 * SECOND),
        (1, FAILED, AT + 20 * SECOND),
        (2, FAILED, None),
        (0, REFUSED, None),
        (0, BUSY, AT + timedelta(minutes=3)),
    ],
)
def test_a_dead_letter_that_fails_again_waits_or_is_dead_again(
    attempts: int, response: Response, next_attempt_at: datetime | None
) -> None:
    letter = a_letter(attempts=attempts, next_attempt_at=AT)
    (replacement,) = rules.settle_letter(a_cursor(), letter, response, terms()).replacements
    assert replacement == Replacement(
        letter,
        a_letter(attempts=attempts + 1, next_attempt_at=next_attempt_at, error=response.error),
    )


def test_a_dead_letter_stays_when_the_receiver_is_gone() -> None:
    settlement = rules.settle_letter(a_cursor(), a_letter(), GONE, terms())
    assert settlement.cursor.is_disabled
    assert settlement.replacements == ()
