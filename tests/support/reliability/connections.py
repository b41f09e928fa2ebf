"""A fork at lines that a transaction on PostgreSQL comes by, as a signal handler can do it; the child goes on there.

Connecting, lending, giving back and canceling are such lines, in this library and in the driver.  The child must not
touch what its parent has: the parent must not notice, and no socket of the parent stays open in the child.
"""

from __future__ import annotations

import os
import secrets
import signal
import sys
import time
from collections.abc import Callable
from contextlib import closing
from functools import partial
from types import FrameType
from typing import Any

import psycopg

from itagflow import StoreFailed
from itagflow.model.workspace import Workspace
from itagflow.storage import Query
from itagflow.storage.postgres import PostgresStore
from itagflow.testing import make_event, make_workspace
from support.reliability.children import REFUSED, WROTE, Children
from support.reliability.street import AT_ONCE, Ledger, descriptors

OURS = ("/itagflow/storage/", "/itagflow/contexts.py")
DRIVERS = ("/psycopg/", "/selectors.py")

OWN, BORROWED = "own", "borrowed"
OWNERS = (OWN, BORROWED)
"""Whose connections the store uses: its own, or those of the application."""


class Stop(Exception):
    """Interrupts a statement."""


class Forking:
    """Forks at one of the lines in some files, counted from the first."""

    def __init__(
        self, children: Children, at: int, files: tuple[str, ...], check: Callable[[], int]
    ) -> None:
        self._children, self._at, self._files, self._check = children, at, files, check
        self.seen, self.where, self.forked_at, self.stored = 0, "", 0.0, 0
        self.waits = at % 2 == 1
        """Whether the parent waits there until the child has ended."""

    def trace(self, frame: FrameType, event: str, _: Any) -> Any:
        """Go along in the files, and nowhere else."""
        return self._line if any(part in frame.f_code.co_filename for part in self._files) else None

    def _line(self, frame: FrameType, event: str, _: Any) -> Any:
        self.seen += event == "line"
        if event == "line" and self.seen == self._at:
            sys.settrace(None)
            self.where = f"{frame.f_code.co_qualname}, line {frame.f_lineno}"
            before, self.forked_at = self._check(), time.monotonic()
            if self._children.fork_on() and self.waits:
                self._children.wait_all()
                self.stored = self._check() - before
            return None
        return self._line


class Act:
    """What a process does with the store while it is traced."""

    def __init__(self, store: PostgresStore) -> None:
        self.store, self.name = store, secrets.token_hex(4)

    def write(self, forking: Forking) -> None:
        """Write, on a connection that is lent."""
        sys.settrace(forking.trace)
        with self.store.write() as writer:
            # a child that was forked before has a name of its own; nobody but the parent may store this one
            writer.add(workspace(f"{self.name}-{os.getpid()}"))

    def write_many(self, forking: Forking) -> None:
        """Write so much that it is copied in bulk, with events, which are inserted in a pipeline."""
        sys.settrace(forking.trace)
        with self.store.write() as writer:
            name = f"{self.name}-{os.getpid()}"
            writer.add(
                workspace(name),
                *(workspace(f"{name}-{number}") for number in range(20)),
                *(make_event() for _ in range(3)),
            )

    def snapshot(self, forking: Forking) -> None:
        """Read, on a new connection."""
        sys.settrace(forking.trace)
        with self.store.read(snapshot=True) as reader:
            assert reader.count(Query(Workspace)) > 0

    def listen(self, forking: Forking) -> None:
        """Wait for news, on a new connection."""
        sys.settrace(forking.trace)
        with self.store.subscribe() as wait:
            wait(0.001)

    def interrupted(self, forking: Forking) -> None:
        """Be interrupted in a statement, which is then canceled."""

        def strike(*_: object) -> None:
            sys.settrace(forking.trace)
            raise Stop

        signal.signal(signal.SIGALRM, strike)
        try:
            with self.store.read() as reader:
                signal.setitimer(signal.ITIMER_REAL, 0.01)
                reader.rows("SELECT pg_sleep(20)", ())  # type: ignore[attr-defined]
        except Stop:
            return


ACTS = (Act.write, Act.write_many, Act.snapshot, Act.listen, Act.interrupted)


def everywhere(url: str, whose: str, step: int) -> str:
    """Fork at every *step*-th line of each act, on connections of the store's own or of the application."""
    files = OURS if whose == BORROWED else (*OURS, *DRIVERS)
    store = PostgresStore(url if whose == OWN else lambda: closing(psycopg.connect(url)))
    add(store, "first")
    children, points, longest = Children(Ledger()), 0, 0.0
    for act in ACTS:
        at = 1
        while True:
            mine = Act(store)
            name = f"{mine.name}-{os.getpid()}"
            forking = Forking(children, at, files, lambda name=name: count(url, name))
            began, refused = time.monotonic(), ""
            try:
                act(mine, forking)
            except StoreFailed as error:
                refused = str(error)
            finally:
                sys.settrace(None)
            if children.is_child:
                children.tell(partial(go_on, store, forking, refused))
            if not forking.where:
                break
            assert not refused, (
                f"the parent was refused behind a fork in {forking.where}: {refused}"
            )
            assert not forking.stored, (
                f"a child that was forked in {forking.where} has stored the act of its parent"
            )
            if not forking.waits:
                longest = max(longest, time.monotonic() - began)
                assert longest < AT_ONCE, (
                    f"the parent took {longest:.1f} s behind a fork in {forking.where}"
                )
            children.wait_all()
            at, points = at + step, points + 1
    said = children.only(WROTE, REFUSED)
    assert store.close()
    assert not descriptors(url), descriptors(url)
    return f"{points} points, {said}, slowest act of the parent {longest:.3f} s"


def in_the_function_that_connects(url: str, forks: int) -> str:
    """The application's function forks when it has connected: the child refuses what belongs to its parent."""
    children, given = Children(Ledger()), list[psycopg.Connection[Any]]()
    is_to_fork = False

    def give() -> closing[psycopg.Connection[Any]]:
        given.append(psycopg.connect(url))
        if is_to_fork:
            children.fork_on()
        return closing(given[-1])

    store = PostgresStore(give)
    add(store, "first")
    for number in range(forks):
        refused, name, is_to_fork = "", f"{number}-{os.getpid()}", True
        try:
            add(store, name)
        except StoreFailed as error:
            refused = str(error)
        is_to_fork = False
        if children.is_child:
            children.tell(partial(refuse, store, given[-1], refused))
        assert not refused, refused
        children.wait_all()
        assert count(url, name) == 1, "the act of the parent is stored, and only once"
    said = children.only(WROTE)
    assert store.close()
    return said


def refuse(store: PostgresStore, of_parent: psycopg.Connection[Any], refused: str) -> None:
    """Check in a child that it was refused, and that it works on connections of its own."""
    assert "fork" in refused, f"the child went on with the connection of its parent: {refused}"
    assert not of_parent.closed, "the child has closed the connection of its parent"
    assert not descriptors("postgresql:"), descriptors("postgresql:")
    # the system gives out its process ids again after some thousand forks
    add(store, f"{os.getpid()}-{secrets.token_hex(4)}")


def go_on(store: PostgresStore, forking: Forking, refused: str) -> None:
    """Work in a child, after the act of its parent, which was to end soon and to leave no socket."""
    seconds = time.monotonic() - forking.forked_at
    assert seconds < AT_ONCE, f"the child went on for {seconds:.1f} s from {forking.where}"
    if refused:
        assert "fork" in refused, f"forked in {forking.where}: {refused}"
        assert not descriptors("postgresql:"), (
            f"forked in {forking.where}: {descriptors('postgresql:')}"
        )
    # the system gives out its process ids again after some thousand forks
    add(store, f"{os.getpid()}-{secrets.token_hex(4)}")
    with store.read(snapshot=True) as reader:
        assert reader.count(Query(Workspace)) > 1


def add(store: PostgresStore, name: str) -> None:
    """Write."""
    with store.write() as writer:
        writer.add(workspace(name))


def workspace(name: str) -> Workspace:
    """Return a new workspace."""
    return make_workspace(id=1 + secrets.randbelow(2**60), name=name)


def count(url: str, name: str) -> int:
    """Return how many workspaces of this name another session sees."""
    with closing(psycopg.connect(url, autocommit=True)) as connection:
        row = connection.execute(
            "SELECT count(*) FROM itagflow.workspace WHERE name = %s", (name,)
        ).fetchone()
    assert row
    return int(row[0])
