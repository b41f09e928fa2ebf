"""What a store promises to a server, as tests: threads, shutdown, interruptions, forks."""

from __future__ import annotations

import os
import random
import threading
from collections.abc import Callable
from functools import partial
from time import monotonic, sleep
from unittest import SkipTest

from itagflow.errors import StoreFailed
from itagflow.model.package import Package
from itagflow.storage import Store
from itagflow.testing.counters import (
    KEYS,
    OtherProcess,
    count_up,
    prepare,
    read_count,
    require_count,
)
from itagflow.testing.fork_contract import ForkContract
from itagflow.testing.interrupt_contract import InterruptContract
from itagflow.testing.part import ConcurrencyPart
from itagflow.testing.threads import (
    MOMENT,
    TIMEOUT,
    Running,
    often_switched,
    start,
)

AT_ONCE = 8
"""How many threads work at the same time."""


class ThreadContract(ConcurrencyPart):
    """Threads share a store, however they were started and however briefly they live."""

    def test_threads_count_up(self) -> None:
        """Each of them writes and reads; nothing is lost and nobody sees anything by halves."""
        self._count_up_in_threads(unknown=False)

    def test_threads_that_python_does_not_know_count_up(self) -> None:
        """As those of a server written in C, which `threading` does not list."""
        self._count_up_in_threads(unknown=True)

    def test_a_transaction_of_a_thread_that_python_does_not_know_goes_on(self) -> None:
        """It ends when its thread ends it, and not when another thread begins one."""
        store = prepare(self.open_store())
        has_begun, has_been_joined = threading.Event(), threading.Event()

        def read_slowly() -> int:
            with store.read() as reader:
                has_begun.set()
                # where transactions run one at a time, the other one waits for this one to end
                has_been_joined.wait(MOMENT)
                return reader.get(Package, KEYS[0]).size

        slow = start(read_slowly, unknown=True)
        assert has_begun.wait(TIMEOUT), "a thread that reads has not begun"
        other = start(partial(read_count, store))
        other.ended.wait(MOMENT)
        has_been_joined.set()
        assert slow.result("a thread that reads slowly") == 0
        assert other.result("a thread that reads meanwhile") == 0
        assert store.close() is True

    def _count_up_in_threads(self, *, unknown: bool) -> None:
        store, each = prepare(self.open_store()), self._amount(20, long=500)

        def work() -> None:
            for number in range(each):
                count_up(store)
                read_count(store, snapshot=number % 2 == 0)

        with often_switched():
            threads = [start(work, unknown=unknown) for _ in range(AT_ONCE)]
            for thread in threads:
                thread.result("a thread that counts up", 2 * TIMEOUT)
        require_count(store, AT_ONCE * each, AT_ONCE * each)
        assert store.close() is True

    def test_a_thread_for_each_request(self) -> None:
        """Threads come and go, eight at once, each with one transaction."""
        self._serve_requests(unknown=False)

    def test_a_thread_that_python_does_not_know_for_each_request(self) -> None:
        """The same, started past `threading`."""
        self._serve_requests(unknown=True)

    def _serve_requests(self, *, unknown: bool) -> None:
        before = open_files()
        store, until = prepare(self.open_store()), monotonic() + self._amount(1.5, long=60)
        works: tuple[Callable[[Store], object], ...] = (
            count_up,
            read_count,
            partial(read_count, snapshot=True),
        )
        running, written, number = list[Running](), 0, 0
        while monotonic() < until or running:
            while monotonic() < until and len(running) < AT_ONCE:
                work = works[number % 3]
                written += work is count_up
                number += 1
                running.append(start(partial(work, store), unknown=unknown))
            running[0].ended.wait(TIMEOUT)
            for thread in [
                thread for thread in running if thread.ended.is_set() or thread is running[0]
            ]:
                thread.result("a request")
                running.remove(thread)
        require_count(store, written, written)
        assert store.close() is True
        require_closed_files(before)


class ShutdownContract(ConcurrencyPart):
    """A store is closed while others work with it."""

    def test_closing_under_load(self) -> None:
        """By several at once: running work completes or gets our error, and nothing stays open."""
        before = open_files()
        store, acknowledged = prepare(self.open_store()), 0
        for _ in range(self._amount(6, long=50)):
            acknowledged += self._close_under_load(store)
            # files and sockets that stay open add up in a server that is reloaded
            require_closed_files(before)
            connector = store.connector()
            if connector is None:
                store, acknowledged = prepare(self.open_store()), 0
            else:
                store = connector()
                require_count(store, acknowledged, acknowledged)
        assert store.close() is True

    def _close_under_load(self, store: Store) -> int:
        """Close a store under eight threads; return how many commits they were told of."""
        threads = [start(partial(_work_until_refused, store, number)) for number in range(AT_ONCE)]
        # so that closing comes before, between and inside their transactions
        sleep(random.uniform(0.005, 0.06))
        # a server may be told to stop by a signal and by its framework at once
        closers = [start(store.close) for _ in range(2)]
        assert store.close() is True, "close did not see the end of transactions that take no time"
        assert all(closer.result("close") for closer in closers)
        written = sum(
            int(thread.result("who works while the store is closed")) for thread in threads
        )
        try:
            read_count(store)
        except StoreFailed:
            return written
        raise AssertionError("a transaction was opened after close had returned True")


class ProcessContract(ConcurrencyPart):
    """Processes share a store, where it can be opened in another one."""

    def _open_two(self) -> tuple[Store, Callable[[], Store]]:
        store = prepare(self.open_store())
        connector = store.connector()
        if connector is None:
            store.close()
            raise SkipTest("no other process can open this store")
        return store, connector

    def test_what_another_process_writes_is_seen(self) -> None:
        """At once, and the other way round; a snapshot stays as it was."""
        store, connector = self._open_two()
        other = OtherProcess(connector)
        for number in range(5):
            # a snapshot that is open must not keep another process from writing
            with store.read(snapshot=True):
                other.begin(1)
                assert other.end(self.timeout) == 2 * number + 1, (
                    "another process does not see what was written"
                )
            assert read_count(store) == 2 * number + 1, (
                "what another process has written is not seen"
            )
            count_up(store)
        other.stop()
        store.close()

    def test_two_processes_lose_nothing(self) -> None:
        """They count one package up together, and each sees all of it at the end."""
        store, connector = self._open_two()
        other, each = OtherProcess(connector), self._amount(50, long=1000)
        other.begin(each)
        for _ in range(each):
            count_up(store)
        assert other.end(2 * TIMEOUT) >= each
        require_count(store, 2 * each, 2 * each)
        other.stop()
        store.close()


class ConcurrencyContract(
    ThreadContract, ShutdownContract, InterruptContract, ForkContract, ProcessContract
):
    """What every store promises a real server; subclass it and give ``open_store``.

    It takes some seconds.  With the environment variable ``ITAGFLOW_LONG=1``, or ``is_long = True``
    in the subclass, it tries for minutes.
    """


def _work_until_refused(store: Store, number: int) -> int:
    """Work until the store says that it is closed, and return how often something was written."""
    written, why = 0, ""
    try:
        while True:
            if number % 2:
                count_up(store)
                written += 1
            else:
                read_count(store, snapshot=number % 4 == 0)
    except StoreFailed as error:
        why = str(error)
    assert "the store is closed" in why, f"the store was closed, and the error says: {why}"
    return written


def open_files() -> set[str] | None:
    """Return the files that this process has open, where the system tells."""
    home = "/proc/self/fd"
    if not os.path.isdir(home):
        return None
    found: set[str] = set()
    for number in os.listdir(home):
        try:
            found.add(f"{number}: {os.readlink(f'{home}/{number}')}")
        except OSError:
            continue  # it was the listing itself
    return found


def require_closed_files(before: set[str] | None) -> None:
    """Check that nothing is open that was not open before."""
    until = monotonic() + 1  # a connection over the network may take a moment
    while before is not None and (open_files() or set()) - before and monotonic() < until:
        threading.Event().wait(0.02)
    if before is not None:
        left = (open_files() or set()) - before
        assert not left, f"files are open after close has returned True: {sorted(left)}"
