"""What the concurrency contract counts: two packages that always change together."""

from __future__ import annotations

import multiprocessing
import signal
import threading
import warnings
from collections.abc import Callable, Generator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from typing import Any

from itagflow.model.package import Package
from itagflow.storage import Query, Store, Writer
from itagflow.testing.builders import change, make_package
from itagflow.testing.threads import start

START = 60.0
"""Within how many seconds another process must be up."""
KEYS = ((4, 1), (4, 2))
"""The two packages whose size is the count."""


def prepare(store: Store) -> Store:
    """Put the two packages into a new store, with a count of 0, and return it."""
    with store.write() as writer:
        writer.add(*(make_package(number, size=0) for _, number in KEYS))
    return store


def increase(writer: Writer) -> None:
    """Count one up, in two packages one after the other."""
    for key in KEYS:
        # locked before it is read: without the lock two threads would save the same count
        held = writer.lock(Package, key)
        writer.save(change(held, size=held.size + 1))


def count_up(store: Store) -> None:
    """Count one up in a transaction of its own."""
    with store.write() as writer:
        increase(writer)


def read_count(store: Store, *, snapshot: bool = False) -> int:
    """Return the count.

    Raises:
        AssertionError: when the two packages differ: something is stored by halves.
    """
    with store.read(snapshot=snapshot) as reader:
        one, two = (reader.get(Package, key).size for key in KEYS)
        # asked in another way, so that a store that answers `get` from a cache is found out
        again = sorted(package.size for package in reader.find(Query(Package, {"job": 4})))
    assert one == two, f"a transaction is stored by halves: {one} and {two}"
    assert again == [one, two], f"one read transaction saw two states: {one} and then {again}"
    return one


def require_count(store: Store, least: int, most: int | None = None) -> int:
    """Return the count, after checking that exactly what was acknowledged is stored."""
    count = read_count(store)
    assert count >= least, f"{least - count} of {least} acknowledged transactions are lost"
    assert most is None or count <= most, (
        f"{count} transactions are stored, and only {most} were made"
    )
    return count


class OtherProcess:
    """A process that was spawned, has the same store open, and counts up when it is told."""

    def __init__(self, connector: Callable[[], Store]) -> None:
        """Start it, and wait until it has opened the store."""
        # spawned and not forked: a forked one would inherit the open store
        context = multiprocessing.get_context("spawn")
        self._ours, theirs = context.Pipe()
        self._process = context.Process(target=serve, args=(connector, theirs), daemon=True)
        self._process.start()
        theirs.close()
        self._answer(START)

    def begin(self, times: int) -> None:
        """Have it count up so often, and do not wait for it."""
        self._ours.send(times)

    def end(self, timeout: float) -> int:
        """Return the count that it read when it had counted up."""
        return int(self._answer(timeout))

    def stop(self) -> None:
        """End it."""
        self._ours.close()
        self._process.join(1)
        # it may hang, which is what a test may just have found
        self._process.kill()
        self._process.join()

    def _answer(self, timeout: float) -> Any:
        assert self._ours.poll(timeout), (
            f"another process has not answered after {timeout:g} seconds"
        )
        answer = self._ours.recv()
        assert isinstance(answer, int), f"another process could not work: {answer}"
        return answer


def serve(connector: Callable[[], Store], connection: Connection) -> None:
    """Count up when told, in a process of its own, until the connection is closed."""
    store = connector()
    # says that the store is open: only now does the clock of the tests run
    connection.send(0)
    while True:
        try:
            times = connection.recv()
        except EOFError:
            break
        try:
            for _ in range(times):
                count_up(store)
            connection.send(read_count(store))
        except Exception as error:
            # the parent reports it; an exception here would only end this process
            connection.send(repr(error))
    store.close()


class Witnesses:
    """All who must still be able to work: this thread, another one, and perhaps a process."""

    def __init__(self, store: Store, other: OtherProcess | None, timeout: float) -> None:
        """Begin with a store that `prepare` set up; each must answer within *timeout* seconds."""
        self.store, self._other, self._timeout = store, other, timeout
        self.least = self.most = 0
        self._checks = 0

    def check(self, what: str) -> None:
        """Check that all of them can write and read, one after the other, in each rotation.

        Raises:
            AssertionError: when one of them cannot, or what is stored is not what was done; it says
                *what* had struck.
        """
        witnesses = [self._this_thread, self._other_thread, self._another_process]
        self._checks += 1
        for place in range(3):
            # another one goes first each time: it may repair what the next would find
            witness = witnesses[(self._checks + place) % 3]
            try:
                witness()
            except Exception as error:
                name = witness.__name__.strip("_").replace("_", " ")
                raise AssertionError(f"after {what}, {name} cannot work: {error}") from error
        self.count(what)

    def count(self, what: str) -> None:
        """Check that what was acknowledged is there, and no more than was begun."""
        try:
            self.least = self.most = require_count(self.store, self.least, self.most)
        except AssertionError as error:
            raise AssertionError(f"after {what}: {error}") from error

    def _this_thread(self) -> None:
        with within(self._timeout):
            self._work()

    def _other_thread(self) -> None:
        start(self._work).result("another thread", self._timeout)

    def _another_process(self) -> None:
        if self._other is not None:
            self._other.begin(1)
            self._other.end(self._timeout)
            # the other process counts in its own transaction, so it is added here
            self._note()

    def _work(self) -> None:
        count_up(self.store)
        self._note()
        read_count(self.store, snapshot=True)

    def _note(self) -> None:
        self.least += 1
        self.most += 1


@contextmanager
def within(timeout: float) -> Generator[None]:
    """Raise when the transaction hangs: in the main thread only, for no other one can be woken."""
    is_main = threading.current_thread() is threading.main_thread()
    if not is_main or not hasattr(signal, "setitimer"):
        yield
        return

    def wake(*_: object) -> None:
        raise AssertionError(f"this thread hangs for {timeout:g} seconds")

    # a lock that never comes can only be left by an exception, which a signal handler can raise
    before = signal.signal(signal.SIGALRM, wake)
    signal.setitimer(signal.ITIMER_REAL, timeout)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


@contextmanager
def witnesses_of(store: Store, timeout: float) -> Generator[Witnesses]:
    """Prepare a new store, and give those who must be able to work on it."""
    connector = prepare(store).connector()
    other = None
    if connector is not None:  # a store in memory cannot be opened by another process
        other = OtherProcess(connector)
    try:
        with warnings.catch_warnings():
            # a connection that was struck may be dropped unclosed
            warnings.simplefilter("ignore", ResourceWarning)
            yield Witnesses(store, other, timeout)
    finally:
        if other is not None:
            other.stop()
        store.close()
