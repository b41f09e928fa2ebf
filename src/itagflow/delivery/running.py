"""Workers: a thread for each receiver, which takes its lease, delivers what is due, and waits."""

from __future__ import annotations

import logging
import secrets
import threading
import time
from collections.abc import Mapping

import attrs

from itagflow.core.engine import Engine
from itagflow.core.waiting import POLL, Wait, open_wait
from itagflow.delivery import service
from itagflow.delivery.receivers import Function, Webhook
from itagflow.delivery.rules import EventFilter
from itagflow.delivery.sending import Sender, open_sender
from itagflow.delivery.service import Lease, LeaseLost
from itagflow.errors import Conflict, InvalidData, Problem, StoreFailed

LOGGER = logging.getLogger("itagflow.delivery")
GRACE = 10.0
"""How many seconds the others have to end what they do when one receiver's thread has failed."""
PAUSE = 0.01
"""How many seconds pass between two looks at a store in which much is going on."""
RECONNECT = 1.0
"""How many seconds to wait before the store is asked again that has failed."""


@attrs.frozen
class Line:
    """What one receiver is delivered by."""

    name: str
    receiver: Webhook | Function
    chosen: EventFilter
    sender: Sender
    holder: str = attrs.field(factory=lambda: secrets.token_hex(8))
    """What the lease of this worker is known by."""


class Runner:
    """Delivers to some receivers until it is stopped."""

    def __init__(self, engine: Engine, receivers: Mapping[str, Webhook | Function]) -> None:
        """Deliver the events of the store of *engine*."""
        self._engine = engine
        self._lines = [
            Line(name, receiver, service.make_filter(engine, receiver), open_sender(name, receiver))
            for name, receiver in receivers.items()
        ]
        self._stop = threading.Event()
        self._threads: list[threading.Thread] = []
        self._errors: list[BaseException] = []
        self._deadline: float | None = None

    def run(self) -> None:
        """Deliver until `stop` is called."""
        if any(thread.is_alive() for thread in self._threads):
            raise InvalidData("Worker.run", [Problem("", "it runs already: make another worker")])
        self._threads = [
            threading.Thread(
                target=self._run_line, args=(line,), name=f"delivery {line.name}", daemon=True
            )
            for line in self._lines
        ]
        try:
            for thread in self._threads:
                thread.start()
            self._wait_for_threads()
        except BaseException:
            # such as Ctrl-C: threads that nobody stops would go on delivering, and those that end
            # give back their leases
            self.stop(GRACE)
            raise
        if self._errors:
            raise self._errors[0]

    def stop(self, timeout: float) -> bool:
        """Begin nothing new, wait for what runs, and return whether it has ended."""
        self._deadline = time.monotonic() + timeout
        self._stop.set()
        for thread in self._threads:
            if thread.is_alive() and thread is not threading.current_thread():
                thread.join(max(self._deadline - time.monotonic(), 0))
        return not any(thread.is_alive() for thread in self._threads)

    def run_once(self) -> int:
        """Deliver what is due now, and return how many messages were tried."""
        count = 0
        for line in self._lines:
            lease = self._take(line)
            if lease is None:
                continue
            try:
                count += lease.deliver_due(self._stop.is_set)
            except LeaseLost:
                LOGGER.info("another worker delivers to %s now", line.name)
            finally:
                lease.give_back()
        return count

    def _wait_for_threads(self) -> None:
        """Wait until all have ended, or a stop has waited long enough."""
        while any(thread.is_alive() for thread in self._threads):
            if self._deadline is not None and time.monotonic() >= self._deadline:
                return
            # in steps: a handler of signals runs in between
            for thread in self._threads:
                thread.join(0.05)

    def _take(self, line: Line) -> Lease | None:
        cursor = service.take_lease(self._engine, line.name, line.receiver, line.holder)
        if cursor is None:
            return None
        return Lease(self._engine, line.receiver, line.chosen, line.sender, cursor)

    def _run_line(self, line: Line) -> None:
        while not self._stop.is_set():
            try:
                self._serve(line)
            except (StoreFailed, Conflict) as error:
                if self._engine.store.is_closed:
                    self._fail(error)
                    return
                # such as a database that starts again: nothing is lost, since the cursor is there
                LOGGER.warning("receiver %s waits for the store: %s", line.name, error)
                self._stop.wait(RECONNECT)
            except BaseException as error:
                self._fail(error)
                return

    def _fail(self, error: BaseException) -> None:
        """End `run` with this error, and let the other receivers end what they do."""
        self._errors.append(error)
        self._deadline = time.monotonic() + GRACE
        self._stop.set()

    def _serve(self, line: Line) -> None:
        """Deliver to one receiver, with one connection that listens for new events."""
        # opened before the first look, so that nothing falls in between
        with open_wait(self._engine.store) as wait:
            while not self._stop.is_set():
                lease = self._take(line)
                if lease is None:
                    # not by `wait`, which each commit of anybody ends
                    self._stop.wait(POLL)
                    continue
                try:
                    self._deliver(lease, wait)
                except LeaseLost:
                    LOGGER.info("another worker delivers to %s now", line.name)
                    continue
                finally:
                    lease.give_back()

    def _deliver(self, lease: Lease, wait: Wait) -> None:
        while not self._stop.is_set():
            lease.deliver_due(self._stop.is_set)
            due = lease.find_next_attempt()
            seconds = POLL
            if due is not None:
                seconds = min(POLL, max((due - self._engine.now()).total_seconds(), 0.01))
            if not self._stop.is_set():
                wait(seconds)
                # others may store a hundred things a second, and each wakes everybody who waits
                self._stop.wait(PAUSE)
