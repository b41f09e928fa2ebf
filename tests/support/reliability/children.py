"""A process whose threads write to a store, and the children that it forks."""

from __future__ import annotations

import json
import os
import random
import signal
import threading
import time
import traceback
from collections import Counter
from collections.abc import Callable
from functools import partial
from typing import Any, NoReturn

import itagflow
from itagflow import Role, StoreFailed
from itagflow.access import default_policy
from support.reliability.street import (
    AT_ONCE,
    PACKAGES,
    Ledger,
    Worker,
    check,
    check_whole,
    descriptors,
    lay_out,
    start,
)

MEMORY = "memory:"
TIMEOUT = 20.0
"""After how many seconds a child hangs."""
WROTE, REFUSED = "wrote", "refused"


class House:
    """A store whose threads write, and the children that its process has."""

    def __init__(self, url: str, *, ledger: Ledger | None = None, packages: int = PACKAGES) -> None:
        self.url, self.ledger = url, ledger or Ledger()
        self.inside: Callable[[], object] | None = None
        """What the policy calls, once, in the main thread."""
        self.flow = itagflow.open(url, policy=self._policy)
        self.job = lay_out(self.flow, packages=packages)
        self._stop, self._errors, self._ended = False, list[str](), list[threading.Event]()
        self.writes = self.invited = 0

    def worker(self, account: str) -> Worker:
        return Worker(self.flow, self.job, account, self.ledger, random.Random(account))

    def invite(self) -> None:
        """Do an act that the policy is asked about."""
        self.invited += 1
        self.flow.members.add(
            "street", f"guest-{self.invited}-{os.getpid()}", Role.OPERATOR, by="ada"
        )

    def begin(self, threads: int = 3) -> None:
        """Let so many threads write."""
        self._ended = [start(partial(self._write, self.worker(f"p{at}"))) for at in range(threads)]

    def end(self) -> None:
        """End them, and check that none of them was disturbed."""
        self._stop = True
        assert all(ended.wait(TIMEOUT) for ended in self._ended), (
            "a thread of the parent waits for ever"
        )
        assert not self._errors, self._errors

    def close(self) -> int:
        """Check that all is whole and that nothing stays open, and return how many answers were kept."""
        kept = check(self.flow, self.ledger)
        self.flow.close()
        if self.url == MEMORY:
            return kept
        assert not descriptors(self.url), descriptors(self.url)
        return check_whole(self.url, self.ledger)

    def _write(self, worker: Worker) -> None:
        try:
            while not self._stop:
                worker.draw.choice((worker.save, worker.save_many, worker.claim, worker.look))()
                self.writes += 1
        except BaseException as error:
            self._errors.append(repr(error))

    def _policy(self, *given: Any) -> str | None:
        if self.inside and threading.current_thread() is threading.main_thread():
            inside, self.inside = self.inside, None
            inside()
        return default_policy(*given)


class Children:
    """The children of this process: what became of each, and how long it took."""

    def __init__(self, ledger: Ledger, *, limit: float = 3 * AT_ONCE) -> None:
        """Note in *ledger* what they were told is stored; none may take longer than *limit* seconds."""
        self._ledger, self._limit, self._told = ledger, limit, dict[int, int]()
        self.fates, self.names = Counter[str](), list[str]()
        self.longest = self.longest_fork = 0.0
        self._mouth: int | None = None

    def fork(self, act: Callable[[], object]) -> int:
        """Fork a child that does *act* and ends; return its number to the parent."""
        pid = self.fork_on()
        if pid == 0:
            self.tell(act)
        return pid

    def fork_on(self) -> int:
        """Fork a child that goes on where this process is, and has something to `tell` later; return 0 to the child."""
        ear, mouth = os.pipe()
        began = time.monotonic()
        pid = os.fork()
        if pid == 0:
            os.close(ear)
            self._mouth = mouth
            return 0
        self.longest_fork = max(self.longest_fork, time.monotonic() - began)
        os.close(mouth)
        self._told[pid] = ear
        return pid

    @property
    def is_child(self) -> bool:
        """Whether this process is one of the children."""
        return self._mouth is not None

    def tell(self, act: Callable[[], object], end: Callable[[int], object] = os._exit) -> NoReturn:
        """Do *act* in the child, tell the parent what became of it, and end."""
        began, told = time.monotonic(), dict[str, Any]()
        try:
            told = {"fate": WROTE, "answers": act() or []}
        except StoreFailed as error:
            told = {"fate": REFUSED if is_refusal(error) else f"failed: {error}"}
        except BaseException as error:
            traceback.print_exc()
            told = {"fate": repr(error)}
        told["seconds"] = time.monotonic() - began
        assert self._mouth is not None
        os.write(self._mouth, json.dumps(told).encode())
        os.close(self._mouth)
        end(0)
        raise AssertionError("it has ended")

    def wait(self, pid: int) -> str:
        """Wait until a child has ended, and return its fate; one that hangs is killed."""
        until = time.monotonic() + self._limit + TIMEOUT
        while not os.waitpid(pid, os.WNOHANG)[0]:
            if time.monotonic() > until:
                os.kill(pid, signal.SIGABRT)  # it prints where its threads are
                time.sleep(0.2)
                os.kill(pid, signal.SIGKILL)
                os.waitpid(pid, 0)
                raise AssertionError("a child hangs")
            time.sleep(0.001)
        with os.fdopen(self._told.pop(pid), "rb") as ear:
            told = json.loads(ear.read() or '{"fate": "ended without a word"}')
        self.fates[told["fate"]] += 1
        if told["fate"] in (WROTE, REFUSED):
            self.longest = max(self.longest, told["seconds"])
            assert told["seconds"] < self._limit, (
                f"a child {told['fate']} after {told['seconds']:.1f} s"
            )
        for line in told.get("answers", []):
            self._ledger.note(*line)
        return str(told["fate"])

    def wait_all(self) -> None:
        """Wait for all of them."""
        for pid in list(self._told):
            self.wait(pid)

    def only(self, *fates: str) -> str:
        """Check that nothing else became of them, and return the figures."""
        self.wait_all()
        assert set(self.fates) <= set(fates), dict(self.fates)
        how = f"slowest child {self.longest:.3f} s, slowest fork {self.longest_fork:.3f} s"
        return f"children {dict(self.fates)}, {how}"


def is_refusal(error: StoreFailed) -> bool:
    """Return whether a child was told that it cannot work because it was forked, or is inside an act still."""
    return any(word in str(error) for word in ("fork", "open already", "belongs to the process"))
