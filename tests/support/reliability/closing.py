"""Closing a Flow while others work in it, from wherever a program may do that."""

from __future__ import annotations

import gc
import random
import signal
import threading
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial

import itagflow
from itagflow import (
    Flow,
    Job,
    Stage,
    StoreFailed,
)
from itagflow.access import default_policy
from support.reliability.street import (
    AT_ONCE,
    Ledger,
    Worker,
    check_whole,
    descriptors,
    everything,
    is_closed,
    lay_out,
    start,
    workers,
)

MEMORY = "memory:"


class Place:
    """A Flow that can be told to call something from inside a policy call, or from a listener."""

    def __init__(self, url: str) -> None:
        self.url, self.ledger = url, Ledger()
        self.inside: Callable[[], object] | None = None
        """What the policy calls, once."""
        self.behind: Callable[[], object] | None = None
        """What the listener calls, once."""
        self.flow = itagflow.open(url, policy=self._policy, listeners=[self._listener])
        self.job = lay_out(self.flow)

    def worker(self, account: str = "p0", seed: int = 1) -> Worker:
        return Worker(self.flow, self.job, account, self.ledger, random.Random(seed))

    def invite(self) -> None:
        """Do an act that a policy is asked about."""
        self.flow.members.add("street", f"guest-{self.job.id}", itagflow.Role.OPERATOR, by="ada")

    def check_closed(self) -> int:
        """Check that nothing is open, every verb refuses, and all that was acknowledged is there."""
        assert_refuses(self.flow, self.job)
        left = descriptors(self.url) if self.url != MEMORY else []
        assert not left, f"still open after closing: {left}"
        assert_refuses(self.flow, self.job)
        assert not (self.url != MEMORY and descriptors(self.url)), (
            "a verb on a closed store has opened it again"
        )
        return check_whole(self.url, self.ledger) if self.url != MEMORY else 0

    def _policy(self, *given: object) -> str | None:
        inside, self.inside = self.inside, None
        if inside:
            inside()
        return default_policy(*given)  # type: ignore[arg-type]

    def _listener(self, _: object) -> None:
        behind, self.behind = self.behind, None
        if behind:
            behind()


def assert_refuses(flow: Flow, job: Job) -> None:
    """Check that reading and writing say that the store is closed."""
    acts = (
        lambda: flow.jobs.progress(job),
        lambda: flow.workspaces.create("late", admin="ada"),
        lambda: list(flow.events.since()),
    )
    for act in acts:
        try:
            act()
        except StoreFailed as error:
            assert is_closed(error), error
        else:
            raise AssertionError("a verb works after closing")


def under_load(url: str, closes: int) -> str:
    """Three close at once while eight threads do anything; they all learn that the store is closed, nothing else."""
    draw, done, longest, kept = random.Random(3), 0, 0.0, 0
    for _ in range(closes):
        place, errors, closed = Place(url), list[BaseException](), list[object]()
        ended = [
            start(partial(_work, worker, errors))
            for worker in workers(place.flow, place.job, place.ledger, 5)
        ]
        time.sleep(draw.uniform(0.01, 0.1))
        began = time.monotonic()
        closers = [start(partial(_close, place.flow, closed)) for _ in range(2)]
        _close(place.flow, closed)
        assert all(closer.wait(15) for closer in closers), "a closer waits for ever"
        longest = max(longest, time.monotonic() - began)
        assert closed == [True] * 3, closed
        left = descriptors(url) if url != MEMORY else []
        assert not left, f"closed, and still open: {left}"
        assert all(one.wait(AT_ONCE) for one in ended), "a thread hangs after the store was closed"
        raw = [
            "".join(traceback.format_exception(error)) for error in errors if not is_closed(error)
        ]
        assert not raw, raw[0]
        kept = place.check_closed()
        done += 1
    return f"{done} closes by three at once under eight threads, the longest {longest:.3f} s; {kept} answers kept"


def while_snapshots_begin(url: str, closes: int) -> str:
    """It is closed while eight threads begin snapshots: no connection is closed under them."""
    draw, outcomes = random.Random(6), Counter[str]()
    for _ in range(closes):
        place, errors = Place(url), list[BaseException]()
        ended = [start(partial(_begin_snapshots, place, errors)) for _ in range(8)]
        time.sleep(draw.uniform(0.002, 0.02))
        assert place.flow.close() is True
        assert all(one.wait(AT_ONCE) for one in ended), "a thread hangs after the store was closed"
        raw = [
            "".join(traceback.format_exception(error)) for error in errors if not is_closed(error)
        ]
        assert not raw, raw[0]
        outcomes["closed"] += 1
        place.check_closed()
    return str(dict(outcomes))


def _begin_snapshots(place: Place, errors: list[BaseException]) -> None:
    try:
        while True:
            next(place.flow.results.list(place.job, snapshot=True))
    except BaseException as error:
        errors.append(error)


def _close(flow: Flow, said: list[object]) -> None:
    said.append(flow.close())


def _work(worker: Worker, errors: list[BaseException]) -> None:
    try:
        while True:
            worker.work()
    except BaseException as error:
        errors.append(error)


def from_inside(url: str) -> str:
    """A policy call closes the store: it is told that an act is under way, its own; then nothing is open any more."""
    outcomes = Counter[str]()
    for verb in ("claim", "load", "invite"):
        place, said = Place(url), list[object]()
        act = {"claim": place.worker().claim, "load": place.worker().load, "invite": place.invite}[
            verb
        ]
        place.inside = lambda said=said, place=place: said.append(place.flow.close(timeout=0.2))
        outcomes[f"{verb} {_outcome(act)}"] += 1
        assert said == [False], said
        assert place.flow.close() is True
        place.check_closed()
    return str(dict(outcomes))


def _outcome(act: Callable[[], object]) -> str:
    try:
        act()
    except StoreFailed as error:
        assert is_closed(error), error
        return "refused"
    return "done"


def from_a_listener(url: str) -> str:
    """A listener closes the store behind the act that it hears of: the act is stored, and the caller is told so."""
    place, said = Place(url), []
    worker = place.worker()
    worker.claim()
    place.behind = lambda: said.append(place.flow.close())
    worker.save()
    assert said == [True], said
    return f"{place.check_closed()} answers kept"


def from_a_signal_handler(url: str, closes: int) -> str:
    """A signal closes the store wherever the main thread is: its act is done, or it learns that the store is closed."""
    draw, outcomes = random.Random(4), Counter[str]()
    for _ in range(closes):
        place, said = Place(url), list[object]()
        worker = place.worker()
        signal.signal(
            signal.SIGALRM,
            lambda *_, place=place, said=said: said.append(place.flow.close(timeout=0.1)),
        )
        signal.setitimer(signal.ITIMER_REAL, draw.uniform(0.0005, 0.03))
        errors: list[BaseException] = []
        _work(worker, errors)
        assert is_closed(errors[0]), repr(errors[0])
        assert len(said) == 1
        outcomes[f"close returned {said[0]}"] += 1
        assert place.flow.close() is True
        place.check_closed()
    return str(dict(outcomes))


class _Owner:
    """Closes a Flow when it is collected; it is part of a cycle, so that the collector strikes anywhere."""

    def __init__(self, flow: Flow, said: list[object]) -> None:
        self.flow, self.said, self.me = flow, said, self

    def __del__(self) -> None:
        self.said.append(self.flow.close(timeout=0.1))


def from_a_finalizer(url: str, closes: int) -> str:
    """The collector closes the store in the middle of whatever a thread does."""
    outcomes, before = Counter[str](), gc.get_threshold()
    for number in range(closes):
        place = Place(url)
        errors: list[BaseException] = []
        said: list[object] = []
        worker = place.worker(seed=number)
        worker.claim()
        gc.collect()
        _Owner(place.flow, said)
        gc.set_threshold(200 + 37 * number, 2, 2)
        _work(worker, errors)
        gc.set_threshold(*before)
        assert is_closed(errors[0]), repr(errors[0])
        outcomes[f"close returned {said}"] += 1
        assert place.flow.close() is True
        place.check_closed()
    return str(dict(outcomes))


def at_a_timeout(url: str) -> str:
    """Closing waits as long as it is told; an act that goes on is stored, and closes what it uses at its end."""
    place, inside, go_on = Place(url), threading.Event(), threading.Event()
    place.inside = lambda: (inside.set(), go_on.wait(20))
    slow = start(place.invite)
    assert inside.wait(5)
    began = time.monotonic()
    assert place.flow.close(timeout=0.2) is False
    took = time.monotonic() - began
    assert 0.1 < took < 2, f"it waited {took:.2f} s instead of 0.2"
    assert_refuses(place.flow, place.job)
    go_on.set()
    assert slow.wait(AT_ONCE)
    assert place.flow.close() is True
    place.check_closed()
    if url != MEMORY:
        with itagflow.open(url) as again:
            assert f"guest-{place.job.id}" in [
                member.account for member in again.members.list("street")
            ]
    return f"closing with a timeout of 0.2 s took {took:.2f} s"


def while_waiting(url: str) -> str:
    """Closing waits for an act that ends in time, and returns True when it has."""
    place, inside = Place(url), threading.Event()
    place.inside = lambda: (inside.set(), time.sleep(0.5))
    errors: list[BaseException] = []
    slow = start(lambda: _noting(place.invite, errors))
    assert inside.wait(5)
    assert place.flow.close(timeout=10) is True
    assert slow.wait(0.5), "it returned before the act had ended"
    assert errors == []
    place.check_closed()
    return "closed behind the act"


def _noting(act: Callable[[], object], errors: list[BaseException]) -> None:
    try:
        act()
    except BaseException as error:
        errors.append(error)


def half_read(url: str) -> str:
    """Whatever was half read says at its next step that the store is closed, and holds nothing open."""
    place = Place(url)
    lay_out(place.flow)
    for worker in workers(place.flow, place.job, place.ledger, 9):
        for _ in range(3):
            worker.save()
    assignment, _ = (place.flow.claim("ada", place.job, Stage.LABEL) for _ in range(2))
    assert assignment
    opened = {name: make() for name, make in everything(place.flow, place.job, assignment).items()}
    for iterator in opened.values():
        next(iterator)
    for name in ("frozen results", "results"):  # far enough to be in the middle of a page
        for _ in range(5):
            next(opened[name])
    began = time.monotonic()
    assert place.flow.close() is True
    assert time.monotonic() - began < 2, "it waited for those who only read"
    left = descriptors(url) if url != MEMORY else []
    assert not left, left
    went_on = [name for name, iterator in opened.items() if not _ends_with_our_error(iterator)]
    assert went_on == [], f"went on after closing: {went_on}"
    place.check_closed()
    return f"{len(opened)} iterators ended"


def _ends_with_our_error(iterator: Iterator[object]) -> bool:
    """Return whether the next step says that the store is closed."""
    try:
        next(iterator)
    except StoreFailed as error:
        assert is_closed(error), error
        return True
    except StopIteration:
        pass
    return False


def while_listening(url: str) -> str:
    """Who listens in another thread is told within seconds that the store is closed."""
    place, heard = Place(url), list[BaseException]()
    ear = start(lambda: _noting(lambda: list(place.flow.events.follow()), heard))
    time.sleep(0.3)
    began = time.monotonic()
    assert place.flow.close() is True
    assert ear.wait(AT_ONCE), "it listens for ever"
    took = time.monotonic() - began
    assert is_closed(heard[0]), heard
    place.check_closed()
    return f"the listener ended after {took:.2f} s"


def twice(url: str) -> str:
    """Closing again is no error, from another thread neither; a Flow in a `with` may be closed before its end."""
    place = Place(url)
    worker = place.worker()
    with place.flow:
        worker.save()
        assert place.flow.close() is True
        assert place.flow.close() is True
        said: list[object] = []
        assert start(lambda: said.append(place.flow.close(timeout=0))).wait(AT_ONCE)
        assert said == [True]
    return f"{place.check_closed()} answers kept"
