"""What becomes of a delivery: who may deliver, when it is tried again, and when it is given up."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from enum import Enum

import attrs

from itagflow.delivery.messages import Message, Retries
from itagflow.model.delivery import DeadLetter, DelayedJob, DeliveryCursor
from itagflow.model.event import Event

LEASE_MARGIN = timedelta(seconds=5)
"""How much longer than a delivery may take a lease lasts: clocks of machines differ a little."""
PAUSE = timedelta(seconds=5)
"""How long a receiver that is busy gets nothing, unless it says how long."""
LONGEST_PAUSE = timedelta(days=1)
"""The longest pause that a receiver may ask for."""
MAX_DELAYED = 100
"""With this many jobs delayed, no event of another job is tried: the receiver itself must be down.

It bounds what is stored for a receiver, and what is sent to one that is down.
"""
DOWN = 10
"""After this many failures in a row the receiver was down; one job alone may fail for long."""


class Outcome(Enum):
    """What came of one attempt."""

    DELIVERED = "delivered"
    """It was taken."""
    FAILED = "failed"
    """It was not taken now; the next attempt may succeed."""
    BUSY = "busy"
    """The same, and the receiver should get nothing for a while."""
    REFUSED = "refused"
    """It will never be taken as it is."""
    GONE = "gone"
    """The receiver wants nothing any more."""


@attrs.frozen
class Response:
    """One attempt to deliver, as it ended."""

    outcome: Outcome
    """What came of it."""
    error: str = ""
    """Why it was not taken, in few words that are not the receiver's."""
    pause: timedelta | None = None
    """How long the receiver asked to wait."""


@attrs.frozen
class Terms:
    """What a decision depends on beside what is stored."""

    now: datetime
    """The time."""
    lease_until: datetime
    """Until when the lease lasts that the decision renews."""
    retries: Retries
    """When to try again."""
    chance: float
    """A number from 0 to 1, drawn for this decision."""


@attrs.frozen
class Place:
    """A place in the event log: behind a position, and some messages of the event after it."""

    position: int
    """All events up to here are behind it."""
    part: int = 0
    """So many messages of the next event are behind it, too."""


@attrs.frozen
class Replacement:
    """What was stored, and what takes its place."""

    old: DelayedJob | DeadLetter | None
    """What was stored; None: nothing."""
    new: DelayedJob | DeadLetter | None
    """What is to be stored; None: nothing."""


@attrs.frozen
class Settlement:
    """What is stored after an attempt."""

    cursor: DeliveryCursor
    """The cursor."""
    replacements: tuple[Replacement, ...] = ()
    """What becomes of delayed jobs and dead letters."""


@attrs.frozen
class EventFilter:
    """Which events a receiver gets; an empty condition admits all."""

    types: frozenset[str] = frozenset()
    """Their types."""
    became: frozenset[str] = frozenset()
    """What became of tasks."""
    jobs: frozenset[int] | None = None
    """The keys of their jobs; None: any, and events of no job."""
    workspace: int | None = None
    """The key of their workspace."""


def matches(chosen: EventFilter, event: Event) -> bool:
    """Return whether a receiver with this filter gets *event*."""
    if chosen.workspace is not None and event.workspace != chosen.workspace:
        return False
    if chosen.jobs is not None and event.job not in chosen.jobs:
        return False
    if chosen.types and event.type not in chosen.types:
        return False
    return not chosen.became or not chosen.became.isdisjoint(event.outcomes)


# -- leases --


def compute_lease(timeout: float) -> timedelta:
    """Return for how long a lease lasts, for deliveries that take at most so many seconds.

    Two deliveries fit in: one that begins when half of it is over still ends before its end.
    """
    return timedelta(seconds=2 * timeout) + LEASE_MARGIN


def must_renew(cursor: DeliveryCursor, timeout: float, now: datetime) -> bool:
    """Return whether the lease may end before a delivery that begins now."""
    if cursor.lease_until is None:
        return True
    return cursor.lease_until < now + timedelta(seconds=timeout) + LEASE_MARGIN


def is_free(cursor: DeliveryCursor, holder: str, now: datetime) -> bool:
    """Return whether *holder* may deliver to this receiver now."""
    if cursor.holder in ("", holder) or cursor.lease_until is None:
        return True
    return cursor.lease_until <= now


def take_lease(cursor: DeliveryCursor, holder: str, until: datetime) -> DeliveryCursor:
    """Return *cursor*, held by *holder*."""
    return attrs.evolve(cursor, holder=holder, lease_until=until)


def give_back(cursor: DeliveryCursor, place: Place) -> DeliveryCursor:
    """Return *cursor*, held by nobody."""
    return attrs.evolve(
        cursor, holder="", lease_until=None, position=place.position, part=place.part
    )


def keep_place(cursor: DeliveryCursor, place: Place, until: datetime) -> DeliveryCursor:
    """Return *cursor* at this place in the log, and with its lease renewed."""
    return attrs.evolve(cursor, lease_until=until, position=place.position, part=place.part)


# -- when --


def judge_status(status: int, retry_after: str | None, now: datetime) -> Response:
    """Return what the status of a response says, by the advice of Standard Webhooks.

    Only what speaks of the message itself refuses it.  What speaks of the address or of the caller,
    such as 401 or 404, is what a receiver answers while it is set up wrongly.
    """
    if 200 <= status < 300:
        return Response(Outcome.DELIVERED)
    error = f"answered {status}"
    if status == 410:
        return Response(Outcome.GONE, error)
    if status in (400, 413, 415, 422):
        return Response(Outcome.REFUSED, error)
    pause = parse_retry_after(retry_after, now)
    if pause is not None or status in (429, 502, 503, 504):
        return Response(Outcome.BUSY, error, pause)
    return Response(Outcome.FAILED, error)


def parse_retry_after(text: str | None, now: datetime) -> timedelta | None:
    """Return how long a ``Retry-After`` header asks to wait: seconds, or until a date.

    >>> parse_retry_after("120", datetime.now(UTC))
    datetime.timedelta(seconds=120)
    """
    if text is None:
        return None
    text = text.strip()
    if text.isascii() and text.isdigit():
        # a number of more digits is beyond the longest pause anyway, and may be beyond any number
        seconds = int(text[:9])
        return min(timedelta(seconds=seconds), LONGEST_PAUSE)
    try:
        at = parsedate_to_datetime(text)
    except ValueError:
        return None
    if at.tzinfo is None:  # the zone -0000: in HTTP it can only mean UTC
        at = at.replace(tzinfo=UTC)
    return min(max(at - now, timedelta()), LONGEST_PAUSE)


def compute_delay(retries: Retries, attempts: int, chance: float) -> timedelta:
    """Return how long to wait after so many attempts: longer each time, and by chance.

    At least half of it is certain; by the other half the attempts of many jobs spread.
    """
    # 2**40 times the shortest delay is beyond the longest one, which is at most a year
    factor = 2 ** min(attempts - 1, 40)
    whole = retries.longest
    if retries.first < retries.longest / factor:
        whole = retries.first * factor
    return whole / 2 + whole / 2 * chance


def find_next_attempt(
    cursor: DeliveryCursor, delayed: Iterable[DelayedJob], letters: Iterable[DeadLetter]
) -> datetime | None:
    """Return when something that waits is due; None when nothing waits for a time."""
    if cursor.is_disabled:
        return None
    times = [job.next_attempt_at for job in delayed]
    times += [letter.next_attempt_at for letter in letters if letter.next_attempt_at is not None]
    if cursor.next_attempt_at is None:
        return min(times, default=None)
    return max(min(times, default=cursor.next_attempt_at), cursor.next_attempt_at)


def is_open(cursor: DeliveryCursor, now: datetime) -> bool:
    """Return whether anything may be sent to the receiver now."""
    if cursor.is_disabled:
        return False
    return cursor.next_attempt_at is None or cursor.next_attempt_at <= now


def enable(cursor: DeliveryCursor) -> DeliveryCursor:
    """Return *cursor* of a receiver that gets deliveries again, from now on."""
    return attrs.evolve(cursor, is_disabled=False, next_attempt_at=None, failures=0)


# -- what becomes of messages --


def count_at_once(job: DelayedJob, batch: int | None) -> int:
    """Return how many messages of a delayed job are sent at once.

    One alone is tried again, and each of a batch that was not taken: one of them may be to blame.
    """
    is_alone = (job.position, job.part) <= (job.alone_until, job.alone_part)
    if batch is None or job.attempts or is_alone:
        return 1
    return batch


def settle_log(
    cursor: DeliveryCursor,
    messages: Sequence[Message],
    place: Place,
    response: Response,
    terms: Terms,
    delayed: Sequence[DelayedJob] = (),
) -> Settlement:
    """Decide what follows an attempt with the next *messages* of the log, up to *place*.

    When they were not taken, each of their jobs waits for itself from now on, and the log goes on
    with others.

    Args:
        cursor: The cursor as stored.
        messages: What was sent, in order; their jobs are not delayed.
        place: Where the log goes on.
        response: How it ended.
        terms: What else counts.
        delayed: The jobs that are delayed.
    """
    if response.outcome is Outcome.GONE:
        # nothing moves: once it is enabled again the same messages are sent
        return Settlement(_note_response(cursor, response, len(messages), terms))
    moved = keep_place(cursor, place, terms.lease_until)
    after = _note_response(moved, response, len(messages), terms)
    if response.outcome is Outcome.DELIVERED:
        return Settlement(after, _hasten(cursor, delayed, terms))
    replacements: list[Replacement] = []
    for of_job in _group_by_job(messages):
        begun = _begin_delay(cursor.receiver, of_job, is_batch=len(messages) > 1, terms=terms)
        job, letter = _fail(begun, of_job, response, terms, is_batch=len(messages) > 1)
        if letter is not None:
            replacements.append(Replacement(None, letter))
        if letter is None or len(of_job) > 1:
            replacements.append(Replacement(None, job))
    return Settlement(after, tuple(replacements))


def settle_delayed(
    cursor: DeliveryCursor,
    job: DelayedJob,
    messages: Sequence[Message],
    response: Response,
    terms: Terms,
    *,
    is_last: bool,
    delayed: Sequence[DelayedJob] = (),
) -> Settlement:
    """Decide what follows an attempt with the next *messages* of a delayed job.

    Args:
        cursor: The cursor as stored.
        job: The delayed job as stored.
        messages: What was sent; nothing when the job has nothing that waits.
        response: How it ended.
        terms: What else counts.
        is_last: Whether they are the last ones that wait: then the job goes on with the log.
        delayed: All jobs that are delayed.
    """
    after = _note_response(cursor, response, len(messages), terms)
    if response.outcome is Outcome.GONE:
        return Settlement(after)
    if response.outcome is Outcome.DELIVERED:
        others = _hasten(cursor, [other for other in delayed if other.job != job.job], terms)
        if is_last:
            return Settlement(after, (Replacement(job, None), *others))
        return Settlement(after, (Replacement(job, _go_on(job, messages[-1], terms)), *others))
    failed, letter = _fail(job, messages, response, terms, is_batch=len(messages) > 1)
    if letter is None:
        return Settlement(after, (Replacement(job, failed),))
    if is_last and len(messages) == 1:
        return Settlement(after, (Replacement(None, letter), Replacement(job, None)))
    return Settlement(after, (Replacement(None, letter), Replacement(job, failed)))


def settle_letter(
    cursor: DeliveryCursor, letter: DeadLetter, response: Response, terms: Terms
) -> Settlement:
    """Decide what follows an attempt with a dead letter that was ordered to be sent again."""
    after = _note_response(cursor, response, 1, terms)
    if response.outcome is Outcome.GONE:
        return Settlement(after)
    if response.outcome is Outcome.DELIVERED:
        return Settlement(after, (Replacement(letter, None),))
    attempts = letter.attempts + 1
    next_attempt_at: datetime | None = _plan_attempt(attempts, response, terms)
    if response.outcome is Outcome.REFUSED or attempts >= terms.retries.attempts:
        next_attempt_at = None
    failed = attrs.evolve(
        letter,
        attempts=attempts,
        error=response.error,
        failed_at=terms.now,
        next_attempt_at=next_attempt_at,
    )
    return Settlement(after, (Replacement(letter, failed),))


def order_again(letter: DeadLetter, now: datetime) -> DeadLetter:
    """Return a dead letter that is to be sent again."""
    return attrs.evolve(letter, attempts=0, next_attempt_at=now)


def _note_response(
    cursor: DeliveryCursor, response: Response, count: int, terms: Terms
) -> DeliveryCursor:
    """Return *cursor* after an attempt, wherever it stands in the log."""
    cursor = attrs.evolve(cursor, lease_until=terms.lease_until)
    if response.outcome is Outcome.DELIVERED:
        return attrs.evolve(
            cursor,
            failures=0,
            next_attempt_at=None,
            delivered=cursor.delivered + count,
            delivered_at=terms.now,
        )
    if response.outcome is Outcome.GONE:
        return attrs.evolve(cursor, is_disabled=True)
    next_attempt_at = None
    if response.outcome is Outcome.BUSY:
        next_attempt_at = terms.now + _get_pause(response)
    return attrs.evolve(cursor, failures=cursor.failures + 1, next_attempt_at=next_attempt_at)


def _get_pause(response: Response) -> timedelta:
    if response.pause is None:
        return PAUSE
    return response.pause


def _hasten(
    cursor: DeliveryCursor, delayed: Sequence[DelayedJob], terms: Terms
) -> tuple[Replacement, ...]:
    """Return the delayed jobs as due now, if the receiver was down until this delivery.

    Their next attempts may be an hour away, and were put off for a reason that is gone.
    """
    if cursor.failures < DOWN:
        return ()
    return tuple(
        Replacement(job, attrs.evolve(job, next_attempt_at=terms.now))
        for job in delayed
        if job.next_attempt_at > terms.now
    )


def _group_by_job(messages: Sequence[Message]) -> list[list[Message]]:
    by_job: dict[int, list[Message]] = {}
    for message in messages:
        by_job.setdefault(message.job, []).append(message)
    return list(by_job.values())


def _begin_delay(
    receiver: str, messages: Sequence[Message], *, is_batch: bool, terms: Terms
) -> DelayedJob:
    """Return a job that waits from the first of these messages on, before its attempt counts."""
    first, last = messages[0], messages[-1]
    return DelayedJob(
        receiver=receiver,
        job=first.job,
        position=first.position,
        part=first.part,
        alone_until=last.position if is_batch else 0,
        alone_part=last.part if is_batch else 0,
        next_attempt_at=terms.now,
    )


def _fail(
    job: DelayedJob,
    messages: Sequence[Message],
    response: Response,
    terms: Terms,
    *,
    is_batch: bool,
) -> tuple[DelayedJob, DeadLetter | None]:
    """Return *job* after its *messages* were not taken, and the first one if it is given up."""
    failed = attrs.evolve(job, error=response.error, failed_at=terms.now)
    if is_batch:
        last = messages[-1]
        failed = attrs.evolve(failed, alone_until=last.position, alone_part=last.part)
        if response.outcome is Outcome.REFUSED:
            # one of them may be to blame, so each is sent alone, at once
            return attrs.evolve(failed, next_attempt_at=terms.now), None
    attempts = job.attempts + 1
    if response.outcome is not Outcome.REFUSED and attempts < terms.retries.attempts:
        next_attempt_at = _plan_attempt(attempts, response, terms)
        return attrs.evolve(failed, attempts=attempts, next_attempt_at=next_attempt_at), None
    letter = DeadLetter(
        receiver=job.receiver,
        position=messages[0].position,
        part=messages[0].part,
        job=job.job,
        attempts=attempts,
        error=response.error,
        failed_at=terms.now,
    )
    return _go_on(failed, messages[0], terms), letter


def _go_on(job: DelayedJob, done: Message, terms: Terms) -> DelayedJob:
    """Return *job* with what comes behind the message *done* to be sent now."""
    return attrs.evolve(
        job,
        position=done.position,
        part=done.part + 1,
        attempts=0,
        next_attempt_at=terms.now,
        error="",
        failed_at=None,
    )


def _plan_attempt(attempts: int, response: Response, terms: Terms) -> datetime:
    delay = compute_delay(terms.retries, attempts, terms.chance)
    if response.outcome is Outcome.BUSY:
        delay = max(delay, _get_pause(response))
    return terms.now + delay
