"""On PostgreSQL: what an act asks is found by its index, whatever the server knows of the tables."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import attrs
import psycopg
import pytest
from support import postgres
from support.hot import HOT

from itagflow import Assignment, AssignmentState, PackageState, Stage
from itagflow.claiming.queue import USUAL_ORDER
from itagflow.model import Outcome
from itagflow.model.delivery import DeadLetter
from itagflow.model.entity import Entity
from itagflow.model.event import Event
from itagflow.model.package import Package
from itagflow.storage import Query, Unless
from itagflow.storage._sql.layout import LAYOUTS
from itagflow.storage._sql.statements import Sql, Statement
from itagflow.storage.postgres.store import _LIST, PostgresStore
from itagflow.testing import (
    make_answer,
    make_assignment,
    make_event,
    make_package,
    make_task,
)

SINCE = make_package().waiting_since
DONE, WAITING, OTHERS = 3_000, 600, 300
"""How many packages member 2 has labeled, how many wait behind them, and how many of member 7's wait for inspection."""


def packages() -> Iterator[Entity]:
    """A job in which nearly everything was done by one member: what an index over members is bad at."""
    for number in range(1, DONE + WAITING + OTHERS + 1):
        at = SINCE + timedelta(seconds=number)
        state = PackageState.LABEL if number <= DONE + WAITING else PackageState.INSPECT
        free, value = int(number > DONE), f"v{number}"
        yield make_package(number, state=state, waiting_since=at, free=free, size=1, value=value)


def assignments() -> Iterator[Entity]:
    for number in (*range(1, DONE + 1), *range(DONE + WAITING + 1, DONE + WAITING + OTHERS + 1)):
        member = 2 if number <= DONE else 7
        done = {"state": AssignmentState.DONE, "outcome": Outcome.SUBMITTED, "ended_at": SINCE}
        yield make_assignment(number, package=number, member=member, token=f"t{number}", **done)


def answers() -> Iterator[Entity]:
    return (make_answer(number, assignment=number, package=number) for number in range(1, DONE + 1))


def tasks() -> Iterator[Entity]:
    return (
        make_task(n, package=n, row_key_text=f"k{n}") for n in range(1, DONE + WAITING + OTHERS + 1)
    )


def events() -> Iterator[Entity]:
    return (
        make_event(job=4 if number % 10 == 0 else 5, package=number, assignment=number)
        for number in range(1, 5 * DONE + 1)
    )


def letters() -> Iterator[Entity]:
    return (
        DeadLetter(
            receiver="r" if number % 2 else "s",
            position=number,
            job=4,
            attempts=1,
            error="answered 422",
            failed_at=SINCE,
        )
        for number in range(1, DONE + 1)
    )


@pytest.fixture(scope="module")
def url(databases: postgres.Databases) -> Iterator[str]:
    """A database that was just filled: the server has no statistics, and makes none by itself."""
    url = databases.bare()
    store = PostgresStore(url)
    with psycopg.connect(url, autocommit=True) as connection:
        for layout in LAYOUTS.values():
            connection.execute(
                f"ALTER TABLE itagflow.{layout.table} SET (autovacuum_enabled = off)".encode()
            )
    with store.write() as writer:
        for many in (packages(), assignments(), answers(), tasks(), events(), letters()):
            writer.add(*many)
    store.close()
    yield url
    databases.give_back(url)


def plan(url: str, query: Query[Any], how: str) -> dict[str, Any]:
    """What the server does for *query*, with a plan for any values or for these."""
    return plan_statement(url, make_sql(url).find(query), how)


def make_sql(url: str) -> Sql:
    store = PostgresStore(url)
    store.close()
    return store._sql


def plan_statement(url: str, statement: Statement, how: str) -> dict[str, Any]:
    """What the server does for a statement."""
    numbered = statement.text
    for number in range(1, len(statement.values) + 1):
        numbered = numbered.replace("%s", f"${number}", 1)
    # such a text is planned for its values
    how = how if _LIST not in statement.text else "force_custom_plan"
    with psycopg.connect(url, autocommit=True, cursor_factory=psycopg.ClientCursor) as connection:
        connection.execute(f"SET plan_cache_mode = {how}".encode())
        connection.execute(f"PREPARE asked AS {numbered}".encode())
        given = ", ".join(["%s"] * len(statement.values))
        text = f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) EXECUTE asked({given})"
        connection.execute(text.encode(), statement.values)  # what was read once is in memory
        (found,) = connection.execute(text.encode(), statement.values).fetchone() or ([],)
    return dict(found[0]["Plan"])


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for inner in plan.get("Plans", []):
        yield from nodes(inner)


ACTS = [(query, index) for query, index in HOT if query.kind is not Event]
HISTORY = [(query, index) for query, index in HOT if query.kind is Event]


class TestPlans:
    """These run in this order: without statistics, then with them."""

    @pytest.mark.parametrize("how", ["force_generic_plan", "force_custom_plan"])
    @pytest.mark.parametrize(("query", "index"), ACTS)
    def test_before_there_are_statistics(
        self, url: str, query: Query[Any], index: str, how: str
    ) -> None:
        must_be_by_index(plan(url, query, how), query, index)

    @pytest.mark.parametrize("how", ["force_generic_plan", "force_custom_plan"])
    @pytest.mark.parametrize(("query", "index"), ACTS)
    def test_when_there_are_statistics(
        self, url: str, query: Query[Any], index: str, how: str
    ) -> None:
        look_around(url)
        must_be_by_index(plan(url, query, how), query, index)

    @pytest.mark.parametrize(("query", "index"), HISTORY)
    def test_the_history(self, url: str, query: Query[Any], index: str) -> None:
        look_around(url)
        must_be_by_index(plan(url, query, "force_custom_plan"), query, index)


def look_around(url: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("ANALYZE")


def must_be_by_index(plan: dict[str, Any], query: Query[Any], index: str) -> None:
    steps = list(nodes(plan))
    named = f"{LAYOUTS[query.kind].table}_pkey" if index == "PRIMARY KEY" else index
    good = {named}
    if index == "package_pool" and isinstance(query.where.get("priority"), int):
        # of one priority the other two are in order, too: the server may take any of them
        good |= {"package_due", "package_oldest"}
    assert good & {step.get("Index Name") for step in steps}, plan
    assert "Seq Scan" not in {step["Node Type"] for step in steps}, plan
    if query.limit is not None:
        assert "Sort" not in {step["Node Type"] for step in steps}, plan
    assert plan["Shared Hit Blocks"] + plan["Shared Read Blocks"] < 60, plan


@pytest.mark.parametrize("how", ["force_generic_plan", "force_custom_plan"])
def test_the_first_of_each_queue_is_one_look_at_an_index_each(url: str, how: str) -> None:
    """600 packages wait at one stage and 300 at another; a hundred queues have none."""
    look_around(url)
    waiting = Query(Package, {"waiting": True}, order=USUAL_ORDER)
    groups = [(make_package().job, PackageState.at(stage)) for stage in Stage]
    groups += [(1_000 + number, PackageState.LABEL) for number in range(100)]
    statement = make_sql(url).find_firsts(waiting, ("job", "state"), groups)
    found = plan_statement(url, statement, how)
    assert found["Actual Rows"] == 2
    assert "package_pool" in {step.get("Index Name") for step in nodes(found)}, found
    # an index is some levels deep, and a row is in the table
    assert found["Shared Hit Blocks"] + found["Shared Read Blocks"] < 5 * len(groups), found


def test_own_work_is_passed_over_by_one_look_at_an_index_each(url: str) -> None:
    """Most of what waits for inspection was labeled by member 7, all of it before what somebody else did."""
    pool = next(query for query, _ in HOT if query.unless)
    mine = Unless(
        Assignment,
        {"member": 7, "stage": Stage.LABEL, "state": AssignmentState.DONE},
        {"job": "job", "number": "package"},
    )
    query = attrs.evolve(pool, where={**pool.where, "state": PackageState.INSPECT}, unless=mine)
    found = plan(url, query, "force_generic_plan")
    assert found["Actual Rows"] == 0
    assert found["Shared Hit Blocks"] + found["Shared Read Blocks"] < 6 * OTHERS
