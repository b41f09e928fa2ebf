"""PostgreSQL fails at every statement, before it ran or after: an operation is whole or not at all.

Calling again ends the same way: a repeated claim gives the same assignment, and a repeated answer
or submit counts once.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import timedelta
from typing import Any

import attrs
import psycopg
import pytest
from psycopg import errors
from support import invariants, postgres
from support.scenes import Clock, rows

import itagflow
from itagflow import (
    Accept,
    Choice,
    FixedSize,
    Flow,
    Inspect,
    Job,
    Label,
    NotHeld,
    Stage,
    StoreFailed,
    Workflow,
    templates,
)
from itagflow.errors import RuleError
from itagflow.model.package import Package
from itagflow.storage import Query
from itagflow.storage.postgres import PostgresStore
from itagflow.testing import make_package

REFUSALS = (
    errors.DeadlockDetected,
    errors.QueryCanceled,
    errors.DiskFull,
    errors.TooManyConnections,
)
"""What the server raises when it ends a transaction but keeps the connection."""


@attrs.define
class Fault:
    """Which statement fails, and how."""

    how: str
    """``before`` or ``after`` it the connection is lost, or the server is ``refusing`` it."""
    at: int = -1
    """Which one, counted from 0; -1: none."""
    seen: int = 0
    """How many statements there were."""

    def strikes(self) -> bool:
        self.seen += 1
        return self.seen - 1 == self.at

    def fail(self, cursor: psycopg.Cursor[Any]) -> None:
        if self.how == "refusing":
            with pytest.raises(psycopg.Error):
                # the server ends the transaction
                psycopg.Cursor.execute(cursor, "SELECT 1 / 0")
            raise REFUSALS[self.at % len(REFUSALS)]("as told")
        cursor.connection.close()
        raise psycopg.OperationalError("as told")


def faulty(url: str, fault: Fault) -> Callable[[], psycopg.Connection[Any]]:
    """A driver whose statements fail as *fault* says."""

    class Cursor(psycopg.Cursor[Any]):
        def execute(self, query: Any, *given: Any, **more: Any) -> Any:
            strikes = fault.strikes()
            if strikes and fault.how != "after":
                fault.fail(self)
            done = super().execute(query, *given, **more)
            if strikes:
                fault.fail(self)
            return done

        def copy(self, statement: Any, *given: Any, **more: Any) -> Any:
            if fault.strikes():
                fault.fail(self)
            return super().copy(statement, *given, **more)

    return lambda: psycopg.connect(url, cursor_factory=Cursor)


class Scene:
    """A job of its own for each trial, on one database."""

    def __init__(self, url: str) -> None:
        self.url, self.clock, self.number = url, Clock(), 0
        self.flow = Flow(PostgresStore(url), clock=self.clock)
        self.flow.workspaces.create("street", admin="ada")
        for name in ("ben", "di"):
            self.flow.members.add("street", name, itagflow.Role.OPERATOR, by="ada")

    def job(self) -> Job:
        self.number += 1
        workflow = Workflow(Label(lease=timedelta(minutes=5), limit=5), Inspect(), Accept())
        return self.flow.jobs.create(
            "street",
            f"job-{self.number}",
            template=templates.image_classification(["cat", "dog"]),
            data=rows(2),
            workflow=workflow,
            packaging=FixedSize(2),
            workforce={Stage.LABEL: ["ben"], Stage.INSPECT: ["di"], Stage.ACCEPT: ["ada"]},
            row_key="source",
            by="ada",
        )

    def at(self, stage: Stage | None) -> tuple[Job, Any]:
        """A job, and an assignment of it at *stage* that is ready to be ended."""
        job, assignment = self.job(), None
        for name, here in (("ben", Stage.LABEL), ("di", Stage.INSPECT), ("ada", Stage.ACCEPT)):
            if stage is None:
                break
            assignment = self.flow.claim(name, job, here)
            if here is Stage.LABEL:
                self.flow.save_many(assignment, {1: Choice("cat"), 2: Choice("cat")})
            if here is stage:
                break
            self.flow.submit(assignment) if here is Stage.LABEL else self.flow.review(assignment)
        return job, assignment


Verb = Callable[[Flow, Job, Any], Any]
VERBS: dict[str, tuple[Stage | None, Verb]] = {
    "claim": (
        None,
        lambda flow, job, assignment: flow.claim("ben", job, Stage.LABEL, token="t").key,
    ),
    "save": (
        Stage.LABEL,
        lambda flow, job, assignment: flow.save(assignment, 1, Choice("dog")).replies,
    ),
    "submit": (Stage.LABEL, lambda flow, job, assignment: flow.submit(assignment).outcome),
    "reject": (
        Stage.INSPECT,
        lambda flow, job, assignment: flow.reject(assignment, tasks=[1], comment="no").outcome,
    ),
    "accept": (Stage.ACCEPT, lambda flow, job, assignment: flow.accept(assignment).outcome),
    "discard": (
        Stage.LABEL,
        lambda flow, job, assignment: flow.packages.discard((job.id, 1), by="ada"),
    ),
    "append": (
        None,
        lambda flow, job, assignment: flow.jobs.append(job, rows(20), by="ada").loaded,
    ),
}


@pytest.fixture
def scene(postgres_url: str) -> Iterator[Scene]:
    made = Scene(postgres_url)
    yield made
    made.flow.close()


@pytest.mark.parametrize("how", ["before", "after", "refusing"])
@pytest.mark.parametrize("verb", VERBS)
def test_an_operation_is_whole_or_not_at_all(scene: Scene, verb: str, how: str) -> None:
    stage, act = VERBS[verb]
    for at in range(100):
        job, assignment = scene.at(stage)
        before = list(scene.flow.events.list(job))
        fault = Fault(how)
        flow = Flow(PostgresStore(faulty(scene.url, fault)), clock=scene.clock)
        fault.at, fault.seen = at, 0
        with suppress(StoreFailed):  # it need not notice that taking nothing back has failed
            act(flow, job, assignment)
        if fault.seen <= at:
            break
        wait_for_the_server(scene.url)
        now = list(scene.flow.events.list(job))
        assert now[: len(before)] == before
        _again(act, scene.flow, job, assignment, stored=len(now) > len(before))
        verbs = [event.type for event in scene.flow.events.list(job)][len(before) :]
        assert verbs.count(verb) == 1, (at, verbs)
    assert at > 8, "there was a failure at every statement"
    invariants.check(scene.flow)


def wait_for_the_server(url: str) -> None:
    """Wait until the server has ended the transaction of a lost connection, and its locks."""
    others = (
        "datname = current_database() AND backend_type = 'client backend'"
        " AND pid <> pg_backend_pid()"
    )
    with psycopg.connect(url, autocommit=True) as connection:
        for _ in range(10_000):
            found = connection.execute(
                f"SELECT 1 FROM pg_stat_activity WHERE {others} AND state <> 'idle'".encode()
            )
            if found.fetchone() is None:
                return
            time.sleep(0.001)
    raise AssertionError("the server does not give up the transaction")


def _again(act: Verb, flow: Flow, job: Job, assignment: Any, *, stored: bool) -> None:
    """Call again; what was stored already may be refused, where a second call is not idempotent."""
    try:
        act(flow, job, assignment)
    except RuleError:
        assert stored


def test_who_lost_an_assignment_cannot_write_in_it(scene: Scene) -> None:
    """Not even with a save that had begun before the lease was found lapsed."""
    job, assignment = scene.at(Stage.LABEL)
    other, mine = scene.at(Stage.LABEL)
    scene.clock.forward(minutes=6)
    scene.flow.assignments.expire(job, by="ada")
    for act in (
        lambda: scene.flow.save(assignment, 1, Choice("dog")),
        lambda: scene.flow.submit(assignment),
    ):
        with pytest.raises(NotHeld):
            act()
    scene.flow.save(mine, 1, Choice("dog"))  # nobody had taken this one
    assert scene.flow.assignments.expire(other, by="ada") == []


def test_the_server_may_be_restarted() -> None:
    """A transaction that was open is lost, whole; the next one finds the server again."""
    with postgres.running(settings=()) as server, itagflow.open(server.url) as flow:
        street = flow.workspaces.create("street", admin="ada")
        with pytest.raises(StoreFailed, match="Call again"), flow.store.write() as writer:
            writer.add(make_package())
            server.restart()
            writer.add(make_package(2))
        flow.members.add(street, "ben", itagflow.Role.OPERATOR, by="ada")
        server.stop("immediate")  # as in a crash
        server.start()
        assert [member.account for member in flow.members.list(street)] == ["ada", "ben"]
        with flow.store.read() as reader:
            assert reader.count(Query(Package)) == 0
