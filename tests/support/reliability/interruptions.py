"""An exception strikes anywhere in a verb; afterwards everybody can go on, and nothing is half done."""

from __future__ import annotations

import _thread
import ctypes
import gc
import os
import random
import signal
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Generator, Iterator

import itagflow
from itagflow import Stage
from support.reliability.neighbor import Neighbor
from support.reliability.street import (
    AT_ONCE,
    Ledger,
    Worker,
    check,
    check_whole,
    descriptors,
    everything,
    lay_out,
)


class Strike(BaseException):
    """What a signal handler raises."""


class SoftLimit(Exception):
    """What the handler of a soft time limit raises, as task queues have it: an ordinary exception.

    Others may take it for one of theirs: cattrs wraps it, or goes on without it.
    """


STRIKES = (Strike, SoftLimit, KeyboardInterrupt)
DEPTH = 5
"""How many strikes in close order are caught."""


class Alarm:
    """A signal handler that raises at a random moment: once, or several times in close order."""

    kind: type[BaseException] = Strike
    """What it raised last."""

    def __init__(self, draw: random.Random, strikes: int = 1) -> None:
        self._draw, self._strikes, self._armed = draw, strikes, 0
        self.struck = 0
        signal.signal(signal.SIGALRM, self._strike)

    def arm(self) -> None:
        self.struck, self._armed = 0, self._strikes
        signal.setitimer(
            signal.ITIMER_REAL,
            self._draw.uniform(0.00005, 0.003),
            0.00004 if self._strikes > 1 else 0,
        )

    def disarm(self) -> None:
        self._armed = 0
        signal.setitimer(signal.ITIMER_REAL, 0)

    def _strike(self, *_: object) -> None:
        if self._armed:
            self._armed -= 1
            self.struck += 1
            self.kind = self._draw.choice((Strike, SoftLimit))
            raise self.kind


class Storm(Alarm):
    """Three strikes, 40 µs apart."""

    def __init__(self, draw: random.Random) -> None:
        super().__init__(draw, 3)


class Remote:
    """Strikes from another thread at a random moment."""

    kind: type[BaseException] = Strike

    def __init__(self, draw: random.Random) -> None:
        self._draw, self._go, self.struck = draw, _thread.allocate_lock(), 0
        self._go.acquire()
        self._target = threading.get_ident()
        _thread.start_new_thread(self._run, ())

    def arm(self) -> None:
        self.struck = 0
        self._go.release()

    def disarm(self) -> None:
        return

    def _run(self) -> None:
        while True:
            self._go.acquire()
            time.sleep(self._draw.uniform(0, 0.003))
            self._strike()
            self.struck = 1

    def _strike(self) -> None:
        raise NotImplementedError


class CtrlC(Remote):
    """Python's own handler of SIGINT, which raises KeyboardInterrupt in the main thread."""

    kind = KeyboardInterrupt

    def __init__(self, draw: random.Random) -> None:
        super().__init__(draw)
        # a process that was started in the background ignores SIGINT, and Python then installs no
        # handler
        signal.signal(signal.SIGINT, signal.default_int_handler)

    def _strike(self) -> None:
        if self._draw.random() < 0.5:
            os.kill(os.getpid(), signal.SIGINT)
        else:
            signal.raise_signal(signal.SIGINT)


class FromAnotherThread(Remote):
    """An exception that another thread sets, as time limits of thread pools do."""

    def _strike(self) -> None:
        thread, error = ctypes.c_ulong(self._target), ctypes.py_object(Strike)
        assert ctypes.pythonapi.PyThreadState_SetAsyncExc(thread, error) == 1


class FromAnotherProcess:
    """A SIGINT from another process, which writes all the time."""

    kind: type[BaseException] = KeyboardInterrupt

    def __init__(self, draw: random.Random, neighbor: Neighbor) -> None:
        self._draw, self._neighbor = draw, neighbor
        self.struck = 0
        signal.signal(signal.SIGINT, self._strike)

    def arm(self) -> None:
        self.struck = 0
        self._neighbor.strike(self._draw.uniform(0, 0.01))

    def disarm(self) -> None:
        return

    def _strike(self, number: int, frame: object) -> None:
        self.struck += 1
        signal.default_int_handler(number, None)


Striker = Alarm | Remote | FromAnotherProcess
SOURCES: dict[str, Callable[[random.Random], Striker]] = {
    "alarm": Alarm,
    "storm": Storm,
    "ctrl-c": CtrlC,
    "another thread": FromAnotherThread,
}


def until_struck(striker: Striker, worker: Worker, depth: int = DEPTH) -> BaseException | None:
    """Work until it strikes, and return what arrived, or None."""
    try:
        if depth:
            return until_struck(striker, worker, depth - 1)
        striker.arm()
        while not striker.struck:
            worker.work()
        for _ in range(10_000):  # what another thread has set arrives a moment later
            pass
        striker.disarm()
    except STRIKES as error:
        striker.disarm()
        return error
    except Exception as error:
        striker.disarm()
        if not _is_wrapped(error):
            raise
        return error
    return None


def _is_wrapped(error: BaseException | None) -> bool:
    """Return whether somebody has wrapped a strike into an error of theirs."""
    if isinstance(error, ExceptionGroup):
        return any(map(_is_wrapped, error.exceptions))
    if error is None or isinstance(error, SoftLimit):
        return error is not None
    # the driver hides what it took it for
    return _is_wrapped(error.__cause__) or _is_wrapped(error.__context__)


class Everybody:
    """Checks after each strike that this thread, another one, and another process can write and read."""

    def __init__(self, worker: Worker, other: Worker, neighbor: Neighbor | None) -> None:
        self._same, self._other, self._neighbor = worker, other, neighbor
        self.longest = 0.0

    def go_on(self, error: BaseException | None) -> None:
        """Check it while *error* is kept alive, with its traceback and all that this refers to."""
        checks = [self._act(self._same), lambda: self._in_thread(self._act(self._other))]
        if self._neighbor:
            checks.append(self._neighbor.write)
        self._same.draw.shuffle(checks)
        for act in checks:
            began = time.monotonic()
            act()
            took = time.monotonic() - began
            self.longest = max(self.longest, took)
            assert took < AT_ONCE, f"it took {took:.1f} s after {error!r}"

    def _act(self, worker: Worker) -> Callable[[], None]:
        def act() -> None:
            # what was claimed in the moment of a strike is not known to whoever claimed
            worker.claim()
            worker.save()
            worker.look()

        return act

    def _in_thread(self, act: Callable[[], None]) -> None:
        errors = list[BaseException]()

        def run() -> None:
            try:
                act()
            except BaseException as error:
                errors.append(error)

        thread = threading.Thread(target=run, daemon=True)
        thread.start()
        thread.join(AT_ONCE)
        assert not thread.is_alive(), "another thread waits still"
        if errors:
            raise AssertionError(f"another thread: {errors[0]!r}") from errors[0]


class Scene:
    """A store with those who check."""

    def __init__(self, url: str, *, busy: bool = False) -> None:
        self.url, self.ledger, self.unraisable = url, Ledger(), Counter[str]()
        self.flow = itagflow.open(url)
        self.job = lay_out(self.flow)
        self.draw = random.Random(11)
        self.neighbor = None if url == "memory:" else Neighbor(url, self.job.id, busy=busy)
        self.worker, other = self._worker("p0"), self._worker("p1")
        self.everybody = Everybody(self.worker, other, self.neighbor)
        sys.unraisablehook = self._note

    def _worker(self, account: str) -> Worker:
        return Worker(self.flow, self.job, account, self.ledger, random.Random(account))

    def _note(self, told: object) -> None:
        self.unraisable[type(getattr(told, "exc_value", None)).__name__] += 1

    def end(self) -> str:
        """Check that all is whole, and return the figures."""
        self.worker.tidy()
        did = self.neighbor.end() if self.neighbor else ""
        kept = check(self.flow, self.ledger)
        assert self.flow.close() is True, "closing says that something still runs"
        left = descriptors(self.url) if self.neighbor else []
        assert not left, f"still open after closing: {left}"
        if self.neighbor:
            check_whole(self.url, self.ledger)
        swallowed = f", unraisable {dict(self.unraisable)}" if self.unraisable else ""
        return f"longest wait {self.everybody.longest:.3f} s, {kept} answers kept{swallowed}{did}"


def strikes(url: str, source: str, count: int) -> str:
    """Interrupt verbs so often; after each one everybody goes on."""
    scene = Scene(url)
    if source == "another thread":  # which is the one that interrupts no main thread
        outcome = list[str | BaseException]()
        thread = threading.Thread(
            target=lambda: _keep(lambda: _strike(scene, source, count), outcome), daemon=True
        )
        thread.start()
        thread.join()
        if isinstance(outcome[0], BaseException):
            raise outcome[0]
        said = outcome[0]
    else:
        said = _strike(scene, source, count)
    return f"{said}, {scene.end()}"


def _keep(act: Callable[[], str], outcome: list[str | BaseException]) -> None:
    try:
        outcome.append(act())
    except BaseException as error:
        outcome.append(error)


def _strike(scene: Scene, source: str, count: int) -> str:
    return struck(scene, SOURCES[source](scene.draw), count)


def struck(scene: Scene, striker: Striker, count: int) -> str:
    """Strike so often, let everybody go on each time, and count what arrived."""
    arrived = Counter[str]()
    for _ in range(count):
        error = until_struck(striker, scene.worker)
        if isinstance(striker, FromAnotherProcess):
            assert scene.neighbor
            scene.neighbor.struck()
        scene.everybody.go_on(error)
        arrived[
            type(error).__name__ if error else f"{striker.kind.__name__} that never arrived"
        ] += 1
        del error
    lost = arrived[f"{striker.kind.__name__} that never arrived"]
    assert lost <= count // 10, f"{lost} of {count} strikes never arrived: nothing was tried"
    return f"{dict(arrived)}"


def single_interrupts(url: str, count: int) -> str:
    """Single SIGINTs from another process, which writes all the time to the same store."""
    scene = Scene(url, busy=True)
    assert scene.neighbor
    said = struck(scene, FromAnotherProcess(scene.draw, scene.neighbor), count)
    return f"{said}, {scene.end()}"


def of_snapshots(url: str, count: int) -> str:
    """Strikes on those who begin and end snapshots all the time, each on a connection of its own; none stays open.

    Without the collector of cycles: a connection of `sqlite3` is part of one, so one that is
    dropped stays open.
    """
    scene = Scene(url)
    gc.disable()
    scene.worker.verbs = (scene.worker.freeze_results,)
    said = struck(scene, Alarm(scene.draw), count)
    return f"{said}, {scene.end()}"


def left_half_read(url: str, count: int) -> str:
    """Iterators are left half read, closed, dropped or broken off; everybody can write meanwhile and afterwards."""
    scene = Scene(url)
    lay_out(scene.flow)
    for _ in range(4):
        scene.worker.save()
    held = [scene.flow.claim("ada", scene.job, Stage.LABEL) for _ in range(2)]
    assert held[0]
    kinds = everything(scene.flow, scene.job, held[0])
    for number in range(count):
        name = list(kinds)[number % len(kinds)]
        iterator = kinds[name]()
        for _ in range(scene.draw.randint(0, 2)):
            next(iterator, None)
        scene.everybody.go_on(None)  # while it is half read
        error = _leave(iterator, number // len(kinds) % 3)
        del iterator
        scene.everybody.go_on(error)
    left = len(descriptors(url)) if scene.neighbor else 0
    assert left <= 12, f"{left} descriptors are open"
    return f"{count} left half read, {scene.end()}"


def _leave(iterator: Iterator[object], how: int) -> BaseException | None:
    """Close an iterator, raise in it, or drop it, as is done with those that are no generators."""
    if how == 0 and isinstance(iterator, Generator):
        iterator.close()
    elif how == 1 and isinstance(iterator, Generator):
        try:
            iterator.throw(Strike())
        except Strike as error:
            return error
    return None
