"""A part of the concurrency contract: a forked child works or refuses; its parent goes on."""

from __future__ import annotations

import gc
import os
import random
import signal
import threading
import warnings
from collections import Counter
from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import partial
from time import monotonic, sleep
from typing import Any, NoReturn
from unittest import SkipTest

import attrs

from itagflow.errors import StoreFailed
from itagflow.model.package import Package
from itagflow.storage import Query, Store
from itagflow.testing.counters import (
    count_up,
    increase,
    prepare,
    read_count,
    require_count,
    within,
)
from itagflow.testing.part import ConcurrencyPart
from itagflow.testing.threads import Running, start

WROTE, REFUSED, FAILED = 0, 7, 4
"""What a child has done: written and read it, refused with `StoreFailed`, or anything else."""


@attrs.define
class Fork:
    """A process that is forked where `split` is called, and a pipe for the child's errors."""

    pid: int = -1
    """The number of the child; 0 in the child itself."""
    pipe: int = -1
    """Where the parent reads, and the child writes."""

    def split(self) -> bool:
        """Fork, and return whether this is the child.  The child must call `end`."""
        ours, theirs = os.pipe()
        with warnings.catch_warnings():
            # that there are threads is the point
            warnings.simplefilter("ignore", DeprecationWarning)
            self.pid = os.fork()
        is_child = self.pid == 0
        # each side closes the end that it does not use, or the parent would wait for ever
        if is_child:
            self.pipe = theirs
            os.close(ours)
        else:
            self.pipe = ours
            os.close(theirs)
        return is_child

    def end(self, work: Callable[[], object]) -> NoReturn:
        """Do *work* in the child, and end it."""
        code = FAILED
        try:
            work()
            code = WROTE
        except StoreFailed:
            code = REFUSED
        except BaseException as error:
            # a pipe holds 4 KiB at least: a longer text could block the child before anybody reads
            os.write(self.pipe, repr(error).encode()[:2000])
        finally:
            # not `sys.exit`: the child has a copy of pytest, which must not go on in it
            os._exit(code)

    def outcome(self, timeout: float) -> int:
        """Wait for the child, and return what it has done.

        Raises:
            AssertionError: when it hangs, in which case it is killed, or failed.
        """
        until = monotonic() + timeout
        ended, status = os.waitpid(self.pid, os.WNOHANG)
        while not ended and monotonic() < until:
            sleep(0.002)
            ended, status = os.waitpid(self.pid, os.WNOHANG)
        if not ended:
            # a child that waits for a lock of its parent does not answer to a milder signal
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
        said = ""
        with os.fdopen(self.pipe, "rb") as pipe:
            # a child that was killed may have children of its own, which would keep the pipe open
            if ended:
                said = pipe.read().decode()
        assert ended, (
            f"a forked child hangs: it neither works nor refuses within {timeout:g} seconds"
        )
        code = os.waitstatus_to_exitcode(status)
        assert code in (WROTE, REFUSED), (
            f"a forked child ended with {code}: {said or 'without a word'}"
        )
        return code


def fork(work: Callable[[], object]) -> Fork:
    """Fork a child that does *work* and ends, without ever returning into the tests."""
    made = Fork()
    if made.split():
        made.end(work)
    return made


class ForkContract(ConcurrencyPart):
    """No child hangs, writes what its parent does not see, or takes anything from it."""

    def _open_prepared(self) -> Store:
        if not hasattr(os, "fork"):
            raise SkipTest("this system has no fork")
        return prepare(self.open_store())

    def test_a_child_of_a_quiet_process_works_or_refuses(self) -> None:
        """Also if it closes the store and drops everything: its parent goes on, sees its writes."""
        store, wrote = self._open_prepared(), 0
        for number in range(3):
            child = fork(lambda: _count_up_and_close(store))
            wrote += child.outcome(self.timeout) == WROTE
            # the child has closed its copy: a lock or a file that both share would be gone here
            start(lambda: count_up(store)).result("a thread of the parent", self.timeout)
            count = read_count(store)
            assert count == wrote + number + 1, (
                f"{wrote} children wrote; the parent sees {count - number - 1} of them"
            )
        _require_opened_again(store, wrote + 3)
        store.close()

    def test_a_child_forked_while_others_write_works_or_refuses(self) -> None:
        """Whatever the other threads of its parent are doing at that moment."""
        store, stop, outcomes = self._open_prepared(), threading.Event(), Counter[int]()
        threads = [start(partial(_repeat, store, work, stop)) for work in (*_WORK, count_up)]
        try:
            for _ in range(self._amount(6, long=200)):
                # at another moment of the threads each time
                sleep(random.uniform(0, 0.01))
                outcomes[fork(lambda: _count_up_and_close(store)).outcome(self.timeout)] += 1
        finally:
            stop.set()
        acknowledged = sum(_written_by(threads)) + outcomes[WROTE]
        require_count(store, acknowledged, acknowledged)
        _require_opened_again(store, acknowledged)
        store.close()

    def test_a_child_forked_inside_a_write_does_not_keep_it(self) -> None:
        """The transaction is its parent's, who commits it; a child is refused."""
        self._fork_inside(lambda store: store.write(), writes=True)

    def test_a_child_forked_inside_a_read_does_not_use_it(self) -> None:
        """The transaction is its parent's."""
        self._fork_inside(lambda store: store.read(), writes=False)

    def test_a_child_forked_inside_a_snapshot_does_not_use_it(self) -> None:
        """The transaction is its parent's."""
        self._fork_inside(lambda store: store.read(snapshot=True), writes=False)

    def _fork_inside(
        self, opened: Callable[[Store], AbstractContextManager[Any]], *, writes: bool
    ) -> None:
        store, done = self._open_prepared(), 0
        for _ in range(3):
            with within(self.timeout):
                child = _split_inside(store, opened(store), writes=writes)
            wrote = child.outcome(self.timeout) == WROTE
            count_up(store)
            # the parent counts twice inside its transaction, and once more behind it
            done += 2 * writes + wrote + 1
            require_count(store, done, done)
        _require_opened_again(store, done)
        store.close()

    def test_a_child_forked_in_a_signal_handler_works_or_refuses(self) -> None:
        """The handler interrupts the main thread anywhere, also inside a transaction of its own."""
        store = self._open_prepared()
        if threading.current_thread() is not threading.main_thread():
            raise SkipTest("signal handlers run in the main thread")
        children: list[Fork] = []

        def split(*_: object) -> None:
            children.append(fork(lambda: _count_up_and_close(store)))

        before = signal.signal(signal.SIGALRM, split)
        done = 0
        try:
            for number in range(self._amount(5, long=100)):
                signal.setitimer(signal.ITIMER_REAL, random.uniform(0.0001, 0.003))
                # the handler runs between two steps of this loop, or inside a transaction of it
                until = monotonic() + 3 * self.timeout
                while len(children) == number and monotonic() < until:
                    count_up(store)
                    done += 1
                    read_count(store)
                done += children[number].outcome(self.timeout) == WROTE
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, before)
        require_count(store, done, done)
        store.close()


def _count_up_and_close(store: Store) -> None:
    count_up(store)
    read_count(store)
    read_count(store, snapshot=True)
    store.close()
    # what a store frees in a finalizer must not touch what belongs to the parent
    gc.collect()


def _split_inside(store: Store, opened: AbstractContextManager[Any], *, writes: bool) -> Fork:
    """Fork inside a transaction: the parent ends it, and the child can neither use nor end it."""
    child, wrongly = Fork(), ""
    act: Callable[[Any], object] = _count_packages
    if writes:
        act = increase
    try:
        with opened as transaction:
            act(transaction)
            if child.split() and _can(act, transaction):
                wrongly = "could use a transaction of its parent"
            elif child.pid:
                act(transaction)
        if writes:
            wrongly = wrongly or "was told that it had kept a transaction of its parent"
    except BaseException as error:
        if child.pid:
            raise
        if not isinstance(error, StoreFailed):
            wrongly = repr(error)
    if child.pid == 0:
        child.end(lambda: _work_after(store, wrongly))
    return child


def _count_packages(reader: Any) -> int:
    return int(reader.count(Query(Package)))


def _can(act: Callable[[Any], object], transaction: Any) -> bool:
    try:
        act(transaction)
    except StoreFailed:
        return False
    return True


def _work_after(store: Store, wrongly: str) -> None:
    assert not wrongly, f"the child {wrongly}"
    _count_up_and_close(store)


_WORK: tuple[Callable[[Store], object], ...] = (
    count_up,
    read_count,
    partial(read_count, snapshot=True),
)


def _repeat(store: Store, work: Callable[[Store], object], stop: threading.Event) -> int:
    """Work again and again, and return how often something was written."""
    done = 0
    while not stop.is_set():
        work(store)
        done += work is count_up
    return done


def _written_by(threads: list[Running]) -> list[int]:
    return [thread.result("a thread of the parent") for thread in threads]


def _require_opened_again(store: Store, count: int) -> None:
    """Check what is stored with a fresh store of the same data, where there can be one."""
    connector = store.connector()
    if connector is not None:
        # a store may have cached what it wrote: a new one reads what is really stored
        again = connector()
        require_count(again, count, count)
        again.close()
