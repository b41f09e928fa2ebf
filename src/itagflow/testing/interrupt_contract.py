"""A part of the concurrency contract: after an exception anywhere the store stays usable."""

from __future__ import annotations

import ctypes
import gc
import random
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from functools import partial
from time import monotonic
from unittest import SkipTest

from itagflow.errors import StoreFailed
from itagflow.storage import Store
from itagflow.testing.counters import (
    Witnesses,
    count_up,
    increase,
    read_count,
    witnesses_of,
)
from itagflow.testing.interruptions import (
    Interruption,
    Strike,
    files_of,
    watching_finalizers,
)
from itagflow.testing.part import ConcurrencyPart
from itagflow.testing.threads import start


class Failure(Exception):
    """An exception of the application, which takes its transaction back."""


Act = Callable[[Store, Strike], None]
"""Opens and ends a transaction of a kind; the strike is paused while it works inside."""
MOST_SECONDS = 1800.0
"""After how many seconds strikes at each point of an act count as hanging: there are up to two
thousand."""
LOST = 3.0
"""After how many seconds a sent exception counts as lost: CPython loses a few."""


def _write(store: Store, strike: Strike) -> None:
    with store.write() as writer:
        # the block itself is tested elsewhere; this is about how transactions begin and end
        strike.is_paused = True
        increase(writer)
        strike.is_paused = False


def _read(store: Store, strike: Strike) -> None:
    with store.read():
        strike.is_paused = False


def _take_snapshot(store: Store, strike: Strike) -> None:
    with store.read(snapshot=True):
        strike.is_paused = False


def _fail(store: Store, strike: Strike) -> None:
    try:
        with store.write() as writer:
            strike.is_paused = True
            increase(writer)
            strike.is_paused = False
            raise Failure
    except Failure:
        return


def _take_snapshot_inside(store: Store, strike: Strike) -> None:
    with store.write() as writer:
        strike.is_paused = True
        increase(writer)
        strike.is_paused = False
        try:
            with store.read(snapshot=True):
                strike.is_paused = False
        except StoreFailed:
            return  # a store with one connection may refuse it here


def _settle(store: Store, strike: Strike) -> None:
    strike.is_paused = False
    store.high_water_mark()


ACTS = (_write, _read, _take_snapshot, _fail, _take_snapshot_inside, _settle)
CODES = [act.__code__ for act in ACTS]


class InterruptContract(ConcurrencyPart):
    """After an exception anywhere all threads and processes go on, and nothing is half stored.

    The exception is kept, with its traceback, while that is checked: a lock that only goes when the
    exception is forgotten is a lock that stays.
    """

    every_opcode = False
    """Whether to raise before every step of the interpreter, also where CPython never does.

    That is stricter than what is promised: between two steps without such a place nothing can
    strike.
    """

    def files_to_strike(self, store: Store) -> set[str]:
        """Return the files in which exceptions are raised: the store's module and its neighbors."""
        return files_of(store)

    def test_a_write_may_be_struck_at_any_point(self) -> None:
        """While it begins and while it is kept."""
        self._strike_everywhere(_write)

    def test_a_read_may_be_struck_at_any_point(self) -> None:
        """While it begins and while it ends."""
        self._strike_everywhere(_read)

    def test_a_snapshot_may_be_struck_at_any_point(self) -> None:
        """While it begins and while it ends."""
        self._strike_everywhere(_take_snapshot)

    def test_what_is_taken_back_may_be_struck_at_any_point(self) -> None:
        """While a transaction that has raised is taken back."""
        self._strike_everywhere(_fail)

    def test_a_snapshot_inside_a_write_may_be_struck_at_any_point(self) -> None:
        """While either of them begins or ends."""
        self._strike_everywhere(_take_snapshot_inside)

    def test_the_high_water_mark_may_be_struck_at_any_point(self) -> None:
        """It opens a transaction too."""
        self._strike_everywhere(_settle)

    def _strike_everywhere(self, act: Act) -> None:
        # In a thread of its own: an exception where CPython lets none in may leave behind, in that
        # thread, an exception that seems to be handled.  Later tests would have it as a context.
        start(partial(self._strike_at_each_point, act)).result("the strikes", MOST_SECONDS)

    def _strike_at_each_point(self, act: Act) -> None:
        """Strike at the first point, then at the second, until the act goes to its end."""
        store = self.open_store()
        files = self.files_to_strike(store)
        with witnesses_of(store, self.timeout) as witnesses:
            at = 0
            while True:
                # one point further each time: the act is the same, so every point is struck once
                at += 1
                # it may or may not have been stored before the exception struck
                witnesses.most += 1
                strike = Strike(at, files, CODES, every_opcode=self.every_opcode)
                error = strike.run(lambda strike: act(store, strike))
                # the act went to its end before point *at* came: all points were struck
                if not strike.place:
                    break
                assert strike.is_dropped or isinstance(error, Interruption), (
                    f"an exception at {strike.place} became {error!r}"
                )
                witnesses.check(f"an exception at point {at} ({strike.place})")
            assert error is None, f"{act.__name__} failed: {error!r}"
            # a store in a package of its own, with no file found, would pass without being tested
            assert at > 5, "hardly any point was found: is `files_to_strike` right?"
            witnesses.check("all of that")

    def test_a_forgotten_transaction_is_taken_back(self) -> None:
        """One that is open in an abandoned generator, which is garbage in a reference cycle."""
        reported: list[object] = []
        before, sys.unraisablehook = sys.unraisablehook, reported.append
        try:
            with witnesses_of(self.open_store(), self.timeout) as witnesses:
                for stand in (_stand_in_a_write, _stand_in_a_read, _stand_in_a_snapshot):
                    forgotten = stand(witnesses.store)
                    next(forgotten)
                    circle: list[object] = [forgotten]
                    # only the garbage collector can end it, at a moment that nobody chooses
                    circle.append(circle)
                    del forgotten, circle
                    gc.collect()
                    witnesses.check(f"a transaction was forgotten in {stand.__name__}")
        finally:
            sys.unraisablehook = before
        assert not reported, f"taking it back has failed: {reported}"

    def test_a_signal_may_strike_at_any_time(self) -> None:
        """Its handler raises, wherever the main thread is."""
        if (
            not hasattr(signal, "setitimer")
            or threading.current_thread() is not threading.main_thread()
        ):
            raise SkipTest("needs timer signals, and the main thread")
        is_armed: list[bool] = []

        def strike(*_: object) -> None:
            if is_armed:
                # once: a late second signal would strike the check itself
                is_armed.clear()
                raise Interruption("a signal")

        before = signal.signal(signal.SIGALRM, strike)
        try:
            with (
                watching_finalizers(_ignore),
                witnesses_of(self.open_store(), self.timeout) as witnesses,
            ):
                for number in range(self._amount(60, long=3000)):
                    _strike_by_signal(witnesses, is_armed, number)
        finally:
            is_armed.clear()
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, before)

    def test_another_thread_may_strike_at_any_time(self) -> None:
        """As a time limit does that sets an exception from outside."""
        with (
            watching_finalizers(_ignore),
            witnesses_of(self.open_store(), self.timeout) as witnesses,
        ):
            for number in range(self._amount(60, long=3000)):
                ready = threading.Event()
                running = start(partial(_be_struck, witnesses, ready, number))
                assert ready.wait(LOST)
                # a time that differs, so that the exception comes anywhere in a transaction
                threading.Event().wait(random.uniform(0, 0.002))
                thread = ctypes.c_ulong(running.thread)
                ctypes.pythonapi.PyThreadState_SetAsyncExc(thread, ctypes.py_object(Interruption))
                running.result("a thread that was struck")


def _ignore() -> None:
    """Python has dropped an exception, and the thread goes on."""


def _stand_in_a_write(store: Store) -> Iterator[None]:
    with store.write() as writer:
        increase(writer)
        yield


def _stand_in_a_read(store: Store) -> Iterator[None]:
    with store.read():
        yield


def _stand_in_a_snapshot(store: Store) -> Iterator[None]:
    with store.read(snapshot=True):
        yield


def _strike_by_signal(witnesses: Witnesses, is_armed: list[bool], number: int) -> None:
    try:
        is_armed.append(True)
        signal.setitimer(signal.ITIMER_REAL, random.uniform(0.00005, 0.002))
        _work(witnesses)
    except Interruption as error:
        kept = error  # with its traceback, until the check is over
        witnesses.check(f"signal {number}")
        del kept
    is_armed.clear()


def _be_struck(witnesses: Witnesses, ready: threading.Event, number: int) -> None:
    try:
        ready.set()
        _work(witnesses)
    except Interruption as error:
        kept = error
        witnesses.check(f"exception {number} from another thread")
        del kept


def _work(witnesses: Witnesses) -> None:
    """Open and end transactions of all kinds until something strikes."""
    store, until = witnesses.store, monotonic() + LOST
    while monotonic() < until:
        # both transactions may be stored when something strikes; `least` follows when it is known
        witnesses.most += 2
        count_up(store)
        witnesses.least += 1
        read_count(store)
        read_count(store, snapshot=True)
        try:
            with store.write() as writer:
                increase(writer)
                raise Failure
        except Failure:
            witnesses.most -= 1
