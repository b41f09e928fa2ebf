"""One worker's lease on one receiver: it reads what is due, sends it, and stores the outcome."""

from __future__ import annotations

import random
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import attrs

from itagflow.core import lookup
from itagflow.core.engine import Engine
from itagflow.core.lookup import get_or_none
from itagflow.core.transaction import Transaction
from itagflow.delivery import payload_rules, rules
from itagflow.delivery.messages import Message
from itagflow.delivery.receivers import Content, Function, Receiver, StartPoint, Webhook
from itagflow.delivery.rules import (
    MAX_DELAYED,
    EventFilter,
    Place,
    Replacement,
    Response,
    Settlement,
    Terms,
)
from itagflow.delivery.sending import Sender
from itagflow.errors import NotFound
from itagflow.model.became import Became
from itagflow.model.delivery import DeadLetter, DelayedJob, DeliveryCursor
from itagflow.model.event import Event
from itagflow.results.following import read_results
from itagflow.schema import replies_to_json
from itagflow.storage.port import Query, Reader, Span

PAGE = 200
"""How many events are read at once."""
SCAN = 2_000
"""After so many events that are not sent the worker looks whether it is to stop."""
SAVE_EVERY = 1.0
"""How many seconds pass at least between two saves of a place that is reached without sending."""

RESULTS_KEPT = 1.0
"""For how many seconds the results of one event are sent as they were read."""


class LeaseLost(Exception):
    """Another worker delivers to this receiver now, or it was forgotten."""


def make_filter(engine: Engine, receiver: Receiver) -> EventFilter:
    """Return which events a receiver gets.

    Raises:
        NotFound: when there is no such job or workspace.
    """
    jobs = workspace = None
    with engine.store.read() as reader:
        if receiver.workspace is not None:
            workspace = lookup.workspace(reader, receiver.workspace).id
        if receiver.jobs is not None:
            jobs = frozenset(lookup.job(reader, job).id for job in receiver.jobs)
    became = frozenset(receiver.became)
    if receiver.send is Content.RESULTS and not became:
        became = frozenset({Became.FINAL.value})
    return EventFilter(frozenset(receiver.types), became, jobs, workspace)


def take_lease(
    engine: Engine, name: str, receiver: Webhook | Function, holder: str
) -> DeliveryCursor | None:
    """Return the cursor of a receiver, to which *holder* delivers from now on, or None.

    None says that another worker delivers, whose lease has not ended.
    """
    with engine.store.read() as reader:
        known = get_or_none(reader, DeliveryCursor, (name,))
    # asked without a lock first: workers that stand by ask every second
    if known is not None and not rules.is_free(known, holder, engine.now()):
        return None
    position = 0
    if known is None and receiver.start is StartPoint.NOW:
        position = engine.store.high_water_mark()
    with engine.transaction() as transaction:
        begun = DeliveryCursor(
            receiver=name, id=transaction.next_id(DeliveryCursor), position=position
        )
        cursor = transaction.lock(DeliveryCursor, (name,), create=begun)
        if not rules.is_free(cursor, holder, transaction.at):
            return None
        until = transaction.at + rules.compute_lease(receiver.timeout)
        return transaction.replace(cursor, rules.take_lease(cursor, holder, until))


@attrs.frozen
class _State:
    """What is stored of a receiver, as it was read at the beginning of a step."""

    now: datetime
    cursor: DeliveryCursor
    delayed: Sequence[DelayedJob]
    """Those that are due first come first."""
    letters: Sequence[DeadLetter]
    """The first one that is to be sent again, if there is one."""


class Lease:
    """One worker's lease on one receiver, and how far it has come."""

    def __init__(
        self,
        engine: Engine,
        receiver: Webhook | Function,
        chosen: EventFilter,
        sender: Sender,
        cursor: DeliveryCursor,
    ) -> None:
        """Go on where *cursor* is."""
        self._engine = engine
        self._receiver = receiver
        self._filter = chosen
        self._sender = sender
        self._name = cursor.receiver
        self._holder = cursor.holder
        self._id = cursor.id
        self._place = Place(cursor.position, cursor.part)
        self._stored_place = self._place
        self._saved_at = time.monotonic()
        self._events = deque[Event]()
        self._results: list[Message] = []
        self._fresh_until = 0.0
        self._is_logs_turn = False

    def deliver_due(self, is_stopped: Callable[[], bool]) -> int:
        """Deliver everything that is due, and return the number of messages that were tried.

        Raises:
            LeaseLost: when another worker has taken over.
        """
        count = 0
        sent: int | None = 0
        while sent is not None and not is_stopped():
            count += sent
            sent = self._step()
        self._rest()
        return count

    def find_next_attempt(self) -> datetime | None:
        """Return when something that waits for a time is due, or None."""
        state = self._read_state()
        return rules.find_next_attempt(state.cursor, state.delayed, state.letters)

    def give_back(self) -> None:
        """Let any worker go on from here."""
        self._sender.rest()
        try:
            with self._engine.transaction() as transaction:
                cursor = self._lock(transaction)
                transaction.replace(cursor, rules.give_back(cursor, self._place))
        except LeaseLost:
            return  # whoever has it now has stored where they are

    def _rest(self) -> None:
        """Keep nothing while there is nothing to do."""
        self._sender.rest()
        self._events.clear()  # they may be erased meanwhile
        self._results = []
        is_due = time.monotonic() - self._saved_at >= SAVE_EVERY
        if self._place != self._stored_place and is_due:
            self._settle(lambda cursor, terms: Settlement(self._renew_lease(cursor, terms)))

    def _step(self) -> int | None:
        """Deliver what is next, and return how many messages that were; None: nothing is due."""
        state = self._read_state()
        if not rules.is_open(state.cursor, state.now):
            return None
        if rules.must_renew(state.cursor, self._receiver.timeout, state.now):
            self._settle(lambda cursor, terms: Settlement(self._renew_lease(cursor, terms)))
        # in turns: neither may a job with much to catch up hold the others back, nor they it
        self._is_logs_turn = not self._is_logs_turn
        deliveries = [self._deliver_delayed, self._deliver_log]
        if self._is_logs_turn:
            deliveries.reverse()
        for deliver in (*deliveries, self._deliver_letter):
            sent = deliver(state)
            if sent is not None:
                return sent
        return None

    def _read_state(self) -> _State:
        now = self._engine.now()
        with self._engine.store.read() as reader:
            cursor = get_or_none(reader, DeliveryCursor, (self._name,))
            if cursor is None or cursor.holder != self._holder:
                raise LeaseLost(self._name)
            of_receiver: Mapping[str, Any] = {"receiver": self._name}
            delayed = list(reader.find(Query(DelayedJob, of_receiver, order=("next_attempt_at",))))
            letters = list(reader.find(_query_ordered(self._name)))
        return _State(now, cursor, delayed, letters)

    # -- the log --

    def _deliver_log(self, state: _State) -> int | None:
        """Deliver the next messages of jobs that are not delayed."""
        if len(state.delayed) >= MAX_DELAYED:
            return None
        delayed = {job.job for job in state.delayed}
        messages, place, is_end = self._collect(delayed, self._receiver.batch or 1)
        if not messages:
            self._place = place
            return None if is_end else 0
        response = self._send(messages)
        self._settle(
            lambda cursor, terms: rules.settle_log(
                self._move_cursor(cursor), messages, place, response, terms, state.delayed
            )
        )
        if self._place != place:
            self._events.clear()  # these are sent again, and are read again for that
        return len(messages)

    def _collect(self, delayed: Iterable[int], limit: int) -> tuple[list[Message], Place, bool]:
        """Return the next messages of the log, the place behind them, and whether it ends there."""
        messages: list[Message] = []
        place = self._place
        seen = 0
        while len(messages) < limit and seen < SCAN:
            if not self._events and not self._read_page(place):
                return messages, place, True
            event = self._events[0]
            seen += 1
            if rules.matches(self._filter, event) and event.job not in delayed:
                first = place.part if place.position == event.position - 1 else 0
                remaining = self._make_messages(event, first)
                taken = remaining[: limit - len(messages)]
                messages += taken
                if len(taken) < len(remaining):
                    # right before this event, whatever is left out by then
                    return messages, Place(event.position - 1, taken[-1].part + 1), False
            place = Place(event.position)
            self._events.popleft()
        return messages, place, False

    def _read_page(self, place: Place) -> bool:
        """Read more of the log behind *place*, and return whether there is more."""
        # asked first, and read in a later transaction, as the port says
        last = self._engine.store.high_water_mark()
        if last <= place.position:
            return False
        where: dict[str, Any] = {"position": Span(place.position + 1, last)}
        if self._filter.workspace is not None:
            where["workspace"] = self._filter.workspace
        with self._engine.store.read() as reader:
            self._events.extend(_read_events(reader, where, PAGE))
        return bool(self._events)

    # -- delayed jobs and dead letters --

    def _deliver_delayed(self, state: _State) -> int | None:
        """Deliver the next messages of a delayed job that is due."""
        job = next((job for job in state.delayed if job.next_attempt_at <= state.now), None)
        if job is None:
            return None
        limit = rules.count_at_once(job, self._receiver.batch)
        messages, is_last = self._collect_of_job(job, limit)
        if not messages:
            # it has caught up: the log goes on with it
            self._settle(
                lambda cursor, terms: Settlement(
                    self._renew_lease(cursor, terms), (Replacement(job, None),)
                )
            )
            return 0
        response = self._send(messages)
        self._settle(
            lambda cursor, terms: rules.settle_delayed(
                self._move_cursor(cursor),
                job,
                messages,
                response,
                terms,
                is_last=is_last,
                delayed=state.delayed,
            )
        )
        return len(messages)

    def _collect_of_job(self, job: DelayedJob, limit: int) -> tuple[list[Message], bool]:
        """Return the next messages of a job, up to where the log is; and whether they are all."""
        messages: list[Message] = []
        first = job.position
        size = limit + 1  # one more says whether there are more
        while first <= self._place.position and len(messages) <= limit:
            where: dict[str, Any] = {
                "job": job.job,
                "position": Span(first, self._place.position),
            }
            with self._engine.store.read() as reader:
                events = _read_events(reader, where, size)
            for event in events:
                if len(messages) <= limit and rules.matches(self._filter, event):
                    part = job.part if event.position == job.position else 0
                    messages += self._make_messages(event, part)
            if len(events) < size:
                break
            first, size = events[-1].position + 1, PAGE
        return messages[:limit], len(messages) <= limit

    def _deliver_letter(self, state: _State) -> int | None:
        """Deliver a dead letter that was ordered to be sent again."""
        if not state.letters:
            return None
        letter = state.letters[0]
        due = letter.next_attempt_at
        if due is None or due > state.now:
            return None
        with self._engine.store.read() as reader:
            events = _read_events(reader, {"position": letter.position}, 1)
        messages = [
            message
            for event in events
            for message in self._make_messages(event, letter.part)
            if message.part == letter.part
        ]
        if not messages:  # the event is gone, and nothing of it can be sent
            self._settle(
                lambda cursor, terms: Settlement(
                    self._renew_lease(cursor, terms), (Replacement(letter, None),)
                )
            )
            return 0
        response = self._send(messages)
        self._settle(
            lambda cursor, terms: rules.settle_letter(
                self._move_cursor(cursor), letter, response, terms
            )
        )
        return 1

    # -- sending and storing --

    def _make_messages(self, event: Event, first: int) -> list[Message]:
        """Return the messages of an event, from the one with the number *first* on."""
        if self._receiver.send is Content.RESULTS:
            return self._make_results(event, first)
        if first:
            return []
        id = payload_rules.make_id(self._id, event.position)
        return [
            Message(
                id=id,
                position=event.position,
                job=event.job,
                event=event,
                payload=payload_rules.describe_event(id, event),
            )
        ]

    def _make_results(self, event: Event, first: int) -> list[Message]:
        """Return a message for each task of which something became that the receiver wants."""
        known = self._results
        # a package may have thousands of results, and each may be sent alone; they are read again
        # after a while, since something may be erased
        if known and known[-1].position == event.position and time.monotonic() < self._fresh_until:
            return [message for message in known if message.part >= first]
        self._results = self._read_results(event)
        self._fresh_until = time.monotonic() + RESULTS_KEPT
        return [message for message in self._results if message.part >= first]

    def _read_results(self, event: Event) -> list[Message]:
        parts = payload_rules.number_tasks(event)
        messages: list[Message] = []
        for result in read_results(self._engine, event):
            part = parts[result.task.number]
            if result.became not in self._filter.became:
                continue
            id = payload_rules.make_id(self._id, event.position, part)
            replies = None if result.replies is None else replies_to_json(result.replies)
            messages.append(
                Message(
                    id=id,
                    position=event.position,
                    part=part,
                    job=event.job,
                    event=event,
                    result=result,
                    payload=payload_rules.describe_result(id, event, result, replies),
                )
            )
        return messages

    def _send(self, messages: Sequence[Message]) -> Response:
        id = messages[0].id
        if self._receiver.batch is not None:
            id = payload_rules.make_batch_id(messages)
        return self._sender.send(id, messages)

    def _settle(self, decide: Callable[[DeliveryCursor, Terms], Settlement]) -> None:
        """Store what *decide* says, if the lease is still held.

        Who has lost it stores nothing: the worker that has taken over sends the same again.
        """
        with self._engine.transaction() as transaction:
            cursor = self._lock(transaction)
            until = transaction.at + rules.compute_lease(self._receiver.timeout)
            terms = Terms(transaction.at, until, self._receiver.retries, random.random())
            settlement = decide(cursor, terms)
            transaction.replace(cursor, settlement.cursor)
            for replacement in settlement.replacements:
                _replace(transaction, replacement)
        self._place = Place(settlement.cursor.position, settlement.cursor.part)
        self._stored_place = self._place
        self._saved_at = time.monotonic()

    def _lock(self, transaction: Transaction) -> DeliveryCursor:
        try:
            cursor = transaction.lock(DeliveryCursor, (self._name,))
        except NotFound:
            raise LeaseLost(self._name) from None
        # also when the lease is over: as long as nobody has taken it, nobody else delivers
        if cursor.holder != self._holder:
            raise LeaseLost(self._name)
        return cursor

    def _move_cursor(self, cursor: DeliveryCursor) -> DeliveryCursor:
        """Return the stored cursor at the place that was reached without sending anything."""
        return attrs.evolve(cursor, position=self._place.position, part=self._place.part)

    def _renew_lease(self, cursor: DeliveryCursor, terms: Terms) -> DeliveryCursor:
        return rules.keep_place(cursor, self._place, terms.lease_until)


def _query_ordered(name: str) -> Query[DeadLetter]:
    """Return the query for the first dead letter that is to be sent again."""
    # what nobody has ordered has no time, which sorts last
    return Query(DeadLetter, {"receiver": name}, order=("next_attempt_at",), limit=1)


def _read_events(reader: Reader, where: Mapping[str, Any], limit: int) -> list[Event]:
    query = Query(Event, where, order=("position",), limit=limit)
    return lookup.with_accounts(reader, list(reader.find(query)), {})


def _replace(transaction: Transaction, replacement: Replacement) -> None:
    old, new = replacement.old, replacement.new
    if old is None and new is not None:
        transaction.add(new)
    elif old is not None and new is not None:
        transaction.replace(old, new)
    elif isinstance(old, DelayedJob):
        where: dict[str, Any] = {"receiver": old.receiver, "job": old.job}
        transaction.remove(Query(DelayedJob, where), 1)
    elif old is not None:
        where = {"receiver": old.receiver, "position": old.position, "part": old.part}
        transaction.remove(Query(DeadLetter, where), 1)
