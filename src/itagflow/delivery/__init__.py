"""Delivery: events, or results, to a function or a URL, at least once, in order for each job.

>>> import itagflow
>>> from itagflow import delivery
>>> flow = itagflow.open("memory:")
>>> street = flow.workspaces.create("street", admin="ada")
>>> def show(message):
...     print(message.payload["type"], message.payload["account"])
>>> delivery.Worker(flow, {"screen": delivery.Function(show)}).run_once()
create_workspace ada
1
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from itagflow.core.settings import MOST_SECONDS
from itagflow.delivery import reading, signing_rules
from itagflow.delivery.messages import Message, Retries
from itagflow.delivery.payload_rules import EVENT_SCHEMA, RESULT_SCHEMA
from itagflow.delivery.reading import DeliveryStatus
from itagflow.delivery.receivers import Content, Envelope, Function, StartPoint, Webhook
from itagflow.delivery.running import Runner
from itagflow.engines import engine_of
from itagflow.errors import InvalidData, Problem
from itagflow.flow import Flow
from itagflow.model.arguments import make_error, require_kind, require_mapping, require_several
from itagflow.model.delivery import DeadLetter, DelayedJob
from itagflow.model.number import require_number
from itagflow.printing import format_repr

__all__ = [
    "EVENT_SCHEMA",
    "RESULT_SCHEMA",
    "Content",
    "DeadLetter",
    "DelayedJob",
    "DeliveryStatus",
    "Envelope",
    "Function",
    "Message",
    "Retries",
    "StartPoint",
    "Webhook",
    "Worker",
    "discard",
    "enable",
    "forget",
    "list_dead_letters",
    "list_names",
    "make_secret",
    "redeliver",
    "status",
]

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
"""The name of a receiver: it is in logs, and the key of what is stored."""


class Worker:
    """Delivers events to receivers; several workers, also of other machines, may share them.

    At any time one worker delivers to a receiver. The others stand by, and one of them takes over
    when it stops or dies.
    """

    def __init__(self, flow: Flow, receivers: Mapping[str, Webhook | Function]) -> None:
        """Deliver the events of *flow*.

        Args:
            flow: The flow over the store whose events are delivered.
            receivers: Each receiver by its name, under which the store keeps how far it has come.

        Raises:
            InvalidData: when a name or a receiver is none, or a URL is given and the HTTP client is
                not installed.
            NotFound: when a receiver names a job or workspace that is not there.
        """
        engine = engine_of("delivery.Worker", flow)
        self._runner = Runner(engine, _require_receivers(receivers))

    def run(self) -> None:
        """Deliver until `stop` is called, and wait for new events in between.

        When the connection to the store is lost, it goes on as soon as there is one again.

        Raises:
            StoreFailed: when the store was closed.
            InvalidData: when it runs already, in another thread.
        """
        self._runner.run()

    def run_once(self) -> int:
        """Deliver what is due now, and return how many messages were tried.

        It waits for nothing: what has failed before is tried if its time has come. What another
        worker delivers is left to it.
        """
        return self._runner.run_once()

    def stop(self, timeout: float = 10.0) -> bool:
        """Begin no other delivery, wait for those that run, and return whether they have ended.

        It may be called from another thread, or from a handler of signals. Whatever has not ended
        is delivered again by the next worker. A worker that was stopped delivers nothing more.

        Args:
            timeout: How many seconds to wait at the most.
        """
        seconds = require_number("Worker.stop", "timeout", timeout, least=0, most=MOST_SECONDS)
        return self._runner.stop(seconds)


def _require_receivers(
    receivers: Mapping[str, Webhook | Function],
) -> dict[str, Webhook | Function]:
    what = "delivery.Worker"
    given = require_mapping(what, "receivers", receivers, "of receivers by name")
    for name, receiver in given.items():
        _require_name(what, "receivers", name)
        wanted = "a Webhook or a Function"
        require_kind(what, f"receivers, {name!r}", receiver, (Webhook, Function), wanted)
    return dict(given)


def _require_name(what: str, field: str, name: Any) -> str:
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        reason = (
            "a name has 1 to 64 letters, digits, '.', '_' and '-', and begins with a letter or "
            f"digit; {format_repr(name)} does not"
        )
        raise InvalidData(what, [Problem(field, reason)])
    return str(name)


def status(flow: Flow, name: str) -> DeliveryStatus:
    """Return how far a receiver has come, and what waits.

    Raises:
        NotFound: when no worker has ever delivered to a receiver of this name.
    """
    engine = engine_of("delivery.status", flow)
    return reading.read_status(engine, _require_name("delivery.status", "name", name))


def list_names(flow: Flow) -> list[str]:
    """Return the names of all receivers that the store knows, in order."""
    return reading.list_names(engine_of("delivery.list_names", flow))


def list_dead_letters(flow: Flow, name: str) -> Iterator[DeadLetter]:
    """Yield the messages that were given up, in the order of their events.

    Raises:
        NotFound: when no worker has ever delivered to a receiver of this name.
    """
    verb = "delivery.list_dead_letters"
    return reading.list_dead_letters(engine_of(verb, flow), _require_name(verb, "name", name))


def redeliver(flow: Flow, name: str, letters: Iterable[DeadLetter] | None = None) -> int:
    """Order dead letters to be sent again by a worker, and return how many.

    They come behind what was delivered since. One that fails again is tried again like any
    message.

    Args:
        flow: The flow over the store.
        name: The name of the receiver.
        letters: Which of `list_dead_letters`; all of them when not given.

    Raises:
        NotFound: when no worker has ever delivered to a receiver of this name.
    """
    verb = "delivery.redeliver"
    engine, name = engine_of(verb, flow), _require_name(verb, "name", name)
    return reading.redeliver(engine, name, _require_letters(verb, letters, name))


def discard(flow: Flow, name: str, letters: Iterable[DeadLetter] | None = None) -> int:
    """Remove dead letters, and return how many.

    Args:
        flow: The flow over the store.
        name: The name of the receiver.
        letters: Which of `list_dead_letters`; all of them when not given.

    Raises:
        NotFound: when no worker has ever delivered to a receiver of this name.
    """
    verb = "delivery.discard"
    engine, name = engine_of(verb, flow), _require_name(verb, "name", name)
    return reading.discard(engine, name, _require_letters(verb, letters, name))


def _require_letters(
    verb: str, letters: Iterable[DeadLetter] | None, name: str
) -> list[DeadLetter] | None:
    if letters is None:
        return None
    several = require_several(verb, "letters", letters, "dead letters")
    for letter in several:
        require_kind(verb, "letters", letter, DeadLetter, "dead letters")
        if letter.receiver != name:
            raise make_error(verb, "letters", f"must be of {name!r}", letter.receiver)
    return several


def enable(flow: Flow, name: str) -> None:
    """Let a receiver get deliveries again that answered 410, or has asked for a long break.

    Raises:
        NotFound: when no worker has ever delivered to a receiver of this name.
    """
    verb = "delivery.enable"
    reading.enable(engine_of(verb, flow), _require_name(verb, "name", name))


def forget(flow: Flow, name: str) -> None:
    """Remove everything that is stored of a receiver, such as one that is not used any more.

    Raises:
        NotFound: when nothing is stored of it.
        InvalidData: when a worker delivers to it.
    """
    verb = "delivery.forget"
    reading.forget(engine_of(verb, flow), _require_name(verb, "name", name))


def make_secret() -> str:
    """Return a new secret for a `Webhook`: give it to the receiver, and keep it like a password.

    >>> make_secret().startswith("whsec_")
    True
    """
    return signing_rules.format_secret(secrets.token_bytes(32))
