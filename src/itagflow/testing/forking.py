"""Part of the concurrency contract: a forked child works or refuses at once, and its parent goes on undisturbed."""

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
from time import monotonic, sleep
from typing import Any
from unittest import SkipTest

import attrs

from itagflow.errors import StoreFailed
from itagflow.store import Reader, Store
from itagflow.testing.counting import count_up, increase, prepare, read_count, require_count
from itagflow.testing.opening import Trying
from itagflow.testing.threads import Running, start

WROTE, REFUSED, FAILED = 0, 7, 4
"""What a child has done: written and read it, refused with `StoreFailed`, or anything else."""


@attrs.frozen
class Child:
    """A forked process, and where it says what went wrong."""

    pid: int
    """Its number."""
    pipe: int
    """What its words can be read from."""

    def outcome(self, patience: float) -> int:
        """Wait for it, and return what it has done.

        Raises:
            AssertionError: when it hangs, in which case it is killed, or failed.
        """
        until = monotonic() + patience
        while True:
            ended, status = os.waitpid(self.pid, os.WNOHANG)
            if ended:
                break
            if monotonic() > until:
                os.kill(self.pid, signal.SIGKILL)
                os.waitpid(self.pid, 0)
                os.close(self.pipe)
                raise AssertionError(f"a forked child hangs: it neither works nor refuses within {patience:g} seconds")
            sleep(0.002)
        with os.fdopen(self.pipe, "rb") as pipe:
            said = pipe.read().decode()
        code = os.waitstatus_to_exitcode(status)
        assert code in (WROTE, REFUSED), f"a forked child ended with {code}: {said or 'without a word'}"
        return code


def fork(work: Callable[[], object]) -> Child:
    """Fork a child that does *work* and ends, without ever returning into the tests."""
    ours, theirs = os.pipe()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # that there are threads is the point
        pid = os.fork()
    if pid:
        os.close(theirs)
        return Child(pid, ours)
    code = FAILED
    try:
        work()
        code = WROTE
    except StoreFailed:
        code = REFUSED
    except BaseException as error:
        os.write(theirs, repr(error).encode()[:2000])
    finally:
        os._exit(code)


class Forking(Trying):
    """No child hangs, none writes what its parent does not see, and none takes anything from its parent."""

    def _prepared(self) -> Store:
        if not hasattr(os, "fork"):
            raise SkipTest("this system has no fork")
        return prepare(self.open_store())

    def test_a_child_of_a_quiet_process_works_or_refuses(self) -> None:
        """Also when it closes the store and drops everything: its parent goes on, and sees what it wrote."""
        store, wrote = self._prepared(), 0
        for number in range(3):
            child = fork(lambda: _count_up_and_close(store))
            wrote += child.outcome(self.patience) == WROTE
            start(lambda: count_up(store)).result("a thread of the parent", self.patience)
            count = read_count(store)
            assert count == wrote + number + 1, f"{wrote} children wrote; the parent sees {count - number - 1} of them"
        _require_opened_again(store, wrote + 3)
        store.close()

    def test_a_child_forked_while_others_write_works_or_refuses(self) -> None:
        """Whatever the other threads of its parent are doing at that moment."""
        store, stop, outcomes = self._prepared(), threading.Event(), Counter[int]()
        threads = [start(lambda work=work: _repeat(store, work, stop)) for work in (*_WORK, count_up)]
        try:
            for _ in range(200 if self.is_long else 12):
                sleep(random.uniform(0, 0.01))
                outcomes[fork(lambda: _count_up_and_close(store)).outcome(self.patience)] += 1
        finally:
            stop.set()
        acknowledged = sum(_written_by(threads)) + outcomes[WROTE]
        require_count(store, acknowledged, acknowledged)
        _require_opened_again(store, acknowledged)
        store.close()

    def test_a_child_forked_inside_a_write_does_not_keep_it(self) -> None:
        """The transaction is its parent's: a child that uses it, or leaves it, is refused; the parent keeps it."""
        self._fork_inside(lambda store: store.write(), writes=True)

    def test_a_child_forked_inside_a_read_does_not_use_it(self) -> None:
        """The transaction is its parent's."""
        self._fork_inside(lambda store: store.read(), writes=False)

    def test_a_child_forked_inside_a_snapshot_does_not_use_it(self) -> None:
        """The transaction is its parent's."""
        self._fork_inside(lambda store: store.read(snapshot=True), writes=False)

    def _fork_inside(self, opened: Callable[[Store], AbstractContextManager[Any]], *, writes: bool) -> None:
        store, done = self._prepared(), 0
        for _ in range(3):
            block = opened(store)
            with block as transaction:
                if writes:
                    increase(transaction)
                child = fork(lambda block=block, it=transaction: _leave_inherited(store, block, it, writes=writes))
                outcome = child.outcome(self.patience)
                if writes:
                    increase(transaction)
            done += 2 * writes + (outcome == WROTE)
            count_up(store)
            done += 1
            require_count(store, done, done)
        _require_opened_again(store, done)
        store.close()

    def test_a_child_forked_in_a_signal_handler_works_or_refuses(self) -> None:
        """The handler interrupts the main thread anywhere, also inside a transaction of its own."""
        store = self._prepared()
        if threading.current_thread() is not threading.main_thread():
            raise SkipTest("signal handlers run in the main thread")
        children = list[Child]()
        before = signal.signal(signal.SIGALRM, lambda *_: children.append(fork(lambda: _count_up_and_close(store))))
        done = 0
        try:
            for number in range(100 if self.is_long else 8):
                signal.setitimer(signal.ITIMER_REAL, random.uniform(0.0001, 0.003))
                until = monotonic() + 3 * self.patience
                while len(children) == number and monotonic() < until:
                    count_up(store)
                    done += 1
                    read_count(store)
                done += children[number].outcome(self.patience) == WROTE
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
    gc.collect()


def _leave_inherited(
    store: Store, block: AbstractContextManager[Any], transaction: Any, *, writes: bool
) -> None:
    """Check, in a child, that the transaction of its parent is refused; then work on its own, or refuse."""
    try:
        increase(transaction) if writes else _ask(transaction)
    except StoreFailed:
        pass
    else:
        raise AssertionError("the child could use a transaction of its parent")
    try:
        block.__exit__(None, None, None)
    except StoreFailed:
        pass
    else:
        assert not writes, "the child was told that it had kept a transaction of its parent"
    _count_up_and_close(store)


def _ask(reader: Reader) -> None:
    from itagflow.model.package import Package
    from itagflow.store import Query

    reader.count(Query(Package))


_WORK: tuple[Callable[[Store], object], ...] = (
    count_up,
    lambda store: read_count(store),
    lambda store: read_count(store, snapshot=True),
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
    opener = store.opener()
    if opener is not None:
        again = opener()
        require_count(again, count, count)
        again.close()
