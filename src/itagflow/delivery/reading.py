"""What became of deliveries, and what an operator does about it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from typing import Any

import attrs

from itagflow.core import lookup
from itagflow.core.engine import BLOCK, Engine
from itagflow.core.transaction import Transaction
from itagflow.delivery import rules
from itagflow.errors import InvalidData, Problem
from itagflow.model.delivery import DeadLetter, DelayedJob, DeliveryCursor
from itagflow.reprs import show_fields
from itagflow.storage.port import Query


@attrs.frozen(kw_only=True)
class DeliveryStatus:
    """How far one receiver has come."""

    name: str
    """The name of the receiver."""
    position: int
    """The last position up to which each event was delivered, left out, delayed or given up."""
    lag: int
    """How many positions the log is ahead of that."""
    delivered: int
    """How many messages were delivered."""
    delivered_at: datetime | None
    """When the last one was."""
    failures: int
    """How many deliveries have failed since the last one that did not."""
    next_attempt_at: datetime | None
    """When something that failed is tried again; None: nothing waits for that."""
    is_disabled: bool
    """Whether the receiver answered 410, and gets nothing until `enable`."""
    delayed: tuple[DelayedJob, ...]
    """The jobs whose events wait, because one of them was not delivered."""
    dead_letters: int
    """How many messages were given up."""
    lease_until: datetime | None
    """Until when a worker has the lease; None: none has it."""

    __repr__ = show_fields


def read_status(engine: Engine, name: str) -> DeliveryStatus:
    """Return how far a receiver has come."""
    last = engine.store.high_water_mark()
    of_receiver: dict[str, Any] = {"receiver": name}
    with engine.store.read() as reader:
        cursor = reader.get(DeliveryCursor, (name,))
        delayed = tuple(reader.find(Query(DelayedJob, of_receiver, order=("next_attempt_at",))))
        count = reader.count(Query(DeadLetter, of_receiver))
        letters = list(
            reader.find(Query(DeadLetter, of_receiver, order=("next_attempt_at",), limit=1))
        )
    return DeliveryStatus(
        name=name,
        position=cursor.position,
        lag=max(last - cursor.position, 0),
        delivered=cursor.delivered,
        delivered_at=cursor.delivered_at,
        failures=cursor.failures,
        next_attempt_at=rules.find_next_attempt(cursor, delayed, letters),
        is_disabled=cursor.is_disabled,
        delayed=delayed,
        dead_letters=count,
        lease_until=cursor.lease_until,
    )


def list_names(engine: Engine) -> list[str]:
    """Return the names of all receivers that have a cursor, in order."""
    with engine.store.read() as reader:
        cursors = list(reader.find(Query(DeliveryCursor, order=("receiver",))))
    return [cursor.receiver for cursor in cursors]


def list_dead_letters(engine: Engine, name: str) -> Iterator[DeadLetter]:
    """Yield the messages that were given up, in the order of their events."""
    with engine.store.read() as reader:
        reader.get(DeliveryCursor, (name,))
    query = Query(DeadLetter, {"receiver": name}, order=("position", "part"))
    return lookup.iterate_query(engine.store, query)


def redeliver(engine: Engine, name: str, letters: Iterable[DeadLetter] | None) -> int:
    """Order dead letters to be sent again, and return how many."""
    return _for_each(engine, name, letters, _order_again)


def discard(engine: Engine, name: str, letters: Iterable[DeadLetter] | None) -> int:
    """Remove dead letters, and return how many."""
    return _for_each(engine, name, letters, _remove_letter)


def _order_again(transaction: Transaction, letter: DeadLetter) -> None:
    transaction.replace(letter, rules.order_again(letter, transaction.at))


def _remove_letter(transaction: Transaction, letter: DeadLetter) -> None:
    receiver, position, part = letter.key
    where: dict[str, Any] = {"receiver": receiver, "position": position, "part": part}
    transaction.remove(Query(DeadLetter, where), 1)


def _for_each(
    engine: Engine,
    name: str,
    letters: Iterable[DeadLetter] | None,
    act: Callable[[Transaction, DeadLetter], None],
) -> int:
    """Do something about each of the letters that is still there, in transactions of a block."""
    if letters is None:
        letters = list_dead_letters(engine, name)
    keys = [letter.key for letter in letters]
    count = 0
    for start in range(0, len(keys), BLOCK):
        with engine.transaction() as transaction:
            # the lock of the cursor: the worker that sends letters has it when it stores something
            transaction.lock(DeliveryCursor, (name,))
            for key in keys[start : start + BLOCK]:
                current = lookup.get_or_none(transaction.store, DeadLetter, key)
                if current is not None:
                    act(transaction, current)
                    count += 1
    return count


def enable(engine: Engine, name: str) -> None:
    """Let a receiver that answered 410, or asked for a break, get deliveries again."""
    with engine.transaction() as transaction:
        cursor = transaction.lock(DeliveryCursor, (name,))
        transaction.replace(cursor, rules.enable(cursor))


def forget(engine: Engine, name: str) -> None:
    """Remove everything that is stored of a receiver.

    Raises:
        NotFound: when nothing is stored of it.
        InvalidData: when a worker delivers to it.
    """
    with engine.transaction() as transaction:
        cursor = transaction.lock(DeliveryCursor, (name,))
        if not rules.is_free(cursor, "", transaction.at):
            reason = f"a worker delivers to {name!r}: stop it first"
            raise InvalidData("delivery.forget", [Problem("name", reason)])
        of_receiver: dict[str, Any] = {"receiver": name}
        for kind in (DeadLetter, DelayedJob, DeliveryCursor):
            removed = BLOCK
            while removed == BLOCK:
                removed = transaction.remove(Query[Any](kind, of_receiver), BLOCK)
