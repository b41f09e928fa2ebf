from __future__ import annotations

import itertools
import multiprocessing
import os
import sqlite3
import threading
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from support.hot import HOT
from support.scenes import on_writing_connection
from support.workers import count_up, look, open_and_add, write, write_in_child

from itagflow import Choice, StoreFailed
from itagflow.model.event import Event
from itagflow.model.package import Package
from itagflow.model.task import Answer, Task
from itagflow.storage import MemoryStore, Query, SqliteStore
from itagflow.storage._sql import forks
from itagflow.storage._sql.layout import LAYOUTS
from itagflow.storage._sql.statements import SQLITE
from itagflow.storage._sql.transactions import IDLE
from itagflow.storage.sqlite import transactions
from itagflow.testing import (
    ConcurrencyContract,
    StoreContract,
    make_answer,
    make_event,
    make_package,
    make_task,
)
from itagflow.testing.builders import change


def list_open(folder: Path) -> list[str]:
    """Return the files in *folder* that this process has open."""
    links = (f"/proc/self/fd/{number}" for number in os.listdir("/proc/self/fd"))
    return [
        found
        for link in links
        if os.path.lexists(link) and (found := os.readlink(link)).startswith(str(folder))
    ]


FORK, SPAWN = (multiprocessing.get_context(how) for how in ("fork", "spawn"))


class Opens:
    @pytest.fixture(autouse=True)
    def folder(self, tmp_path: Path) -> None:
        self.paths = (tmp_path / f"{number}.db" for number in itertools.count())

    def open_store(self) -> SqliteStore:
        return SqliteStore(next(self.paths), synchronous="NORMAL")


class TestSqliteStore(Opens, StoreContract):
    pass


class TestSqliteConcurrency(Opens, ConcurrencyContract):
    every_opcode = "ITAGFLOW_EVERY_OPCODE" in os.environ


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "labels.db"


def plan(reader: Any, query: Query[Any]) -> str:
    statement = SQLITE.find(query)
    rows = reader.rows(f"EXPLAIN QUERY PLAN {statement.text}", statement.values)
    return "\n".join(row[-1] for row in rows)


def plan_for_a_reader(path: Path, query: Query[Any]) -> str:
    with closing(SqliteStore(path)) as store, store.read() as reader:
        return plan(reader, query)


def plan_for_the_first_writer(path: Path, query: Query[Any]) -> str:
    """The connection that has made the schema is the one that writes from then on."""
    with closing(SqliteStore(path)) as store, store.write() as writer:
        return plan(writer, query)


def plan_in_memory(_: Path, query: Query[Any]) -> str:
    with closing(MemoryStore()) as store, store.write() as writer:
        return plan(writer, query)


class TestPlans:
    """Every query of the hot path uses its index and sorts nothing."""

    @pytest.mark.parametrize(
        "read_plan", [plan_for_a_reader, plan_for_the_first_writer, plan_in_memory]
    )
    @pytest.mark.parametrize(("query", "index"), HOT)
    def test_it_uses_its_index(
        self,
        path: Path,
        query: Query[Any],
        index: str,
        read_plan: Callable[[Path, Query[Any]], str],
    ) -> None:
        found = read_plan(path, query)
        good = {index}
        if index == "package_pool" and isinstance(query.where.get("priority"), int):
            # at one priority these have the same order
            good |= {"package_due", "package_oldest"}
        assert any(name in found for name in good), found
        assert "TEMP B-TREE" not in found
        assert "SCAN" not in found
        for name in ("priority", "waiting_since"):
            assert (name in query.where) == (f"{name}=" in found or f"{name}>" in found)


def test_every_index_column_of_the_layouts_is_a_column(path: Path) -> None:
    SqliteStore(path).close()
    with sqlite3.connect(path) as connection:
        for layout in LAYOUTS.values():
            rows = connection.execute(f"PRAGMA table_info({layout.table})").fetchall()
            assert {row[1] for row in rows} == {*(column.name for column in layout.stored), "body"}
            assert all(row[3] or row[5] for row in rows), "NOT NULL"
    connection.close()


class TestOpening:
    def test_what_was_stored_is_there_the_next_time(self, path: Path) -> None:
        store = SqliteStore(path)
        with store.write() as writer:
            writer.add(make_package())
        store.close()
        again = SqliteStore(str(path))
        with again.read() as reader:
            assert reader.get(Package, (4, 1)) == make_package()
        again.close()

    @pytest.mark.parametrize(("mode", "number"), [("FULL", 2), ("NORMAL", 1)])
    def test_it_is_as_durable_as_asked(self, path: Path, mode: Any, number: int) -> None:
        store = SqliteStore(path, synchronous=mode)
        assert on_writing_connection(store, "PRAGMA synchronous") == [(number,)]
        assert on_writing_connection(store, "PRAGMA journal_mode") == [("wal",)]
        store.close()

    def test_a_newer_database_is_refused_and_left_alone(self, path: Path) -> None:
        SqliteStore(path).close()
        with sqlite3.connect(path) as connection:
            connection.execute("PRAGMA user_version = 99")
        connection.close()
        before = path.read_bytes()
        with pytest.raises(StoreFailed, match=r"version 99 of the schema.*Upgrade itagflow"):
            SqliteStore(path)
        assert path.read_bytes() == before

    def test_another_programs_database_is_refused_and_left_alone(self, path: Path) -> None:
        with sqlite3.connect(path) as connection:
            connection.execute("CREATE TABLE theirs (id)")
        connection.close()
        before = path.read_bytes()
        with pytest.raises(StoreFailed, match="belongs to another program"):
            SqliteStore(path)
        assert path.read_bytes() == before

    def test_what_is_no_database_is_refused_and_left_alone(self, path: Path) -> None:
        path.write_bytes(b"not a database, but long enough to be read as one" * 100)
        before = path.read_bytes()
        with pytest.raises(StoreFailed, match="not a SQLite database"):
            SqliteStore(path)
        assert path.read_bytes() == before

    def test_who_makes_way_for_a_fork_while_connecting_begins_again(
        self, path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """With a new connection, and not with the one that was closed."""
        try_run, answers = transactions._try_run, iter([False])
        waits = iter([False, False, True])
        monkeypatch.setattr(forks, "must_wait", lambda thread, transaction: next(waits, False))
        monkeypatch.setattr(
            transactions, "_try_run", lambda *what: next(answers, True) and try_run(*what)
        )
        store = SqliteStore(path)
        write(store)
        assert not list(answers)
        assert not list(waits)
        assert store.close()

    def test_who_connects_waits_for_another_program_that_has_all_of_the_file(
        self, path: Path
    ) -> None:
        """As whoever closes the last connection has it for a moment."""
        store = SqliteStore(path)
        store._transactions.close_idle()  # as before a fork
        other = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        for text in (
            "PRAGMA locking_mode = EXCLUSIVE",
            "BEGIN IMMEDIATE",
            "CREATE TABLE theirs (id)",
            "ROLLBACK",
        ):
            other.execute(text)
        with (
            sqlite3.connect(path, timeout=0) as third,
            pytest.raises(sqlite3.OperationalError, match="locked"),
        ):
            third.execute("SELECT COUNT(*) FROM sqlite_master")
        third.close()
        threading.Timer(0.3, other.close).start()
        write(store)
        assert store.close()

    def test_a_file_that_is_deleted_while_it_is_open_is_noticed(self, path: Path) -> None:
        """SQLite would go on, and what is stored then would be nowhere."""
        store = SqliteStore(path)
        write(store)
        for file in path.parent.iterdir():
            file.unlink()
        with pytest.raises(StoreFailed, match="was deleted while it was open"):
            write(store)
        store._transactions.close_idle()
        with pytest.raises(StoreFailed, match="was deleted while it was open"), store.read():
            raise AssertionError("a transaction was opened")
        assert not path.exists()
        assert store.close()

    def test_a_file_that_is_replaced_while_it_is_open_is_noticed(self, path: Path) -> None:
        store = SqliteStore(path)
        write(store)
        other = path.with_name("other.db")
        SqliteStore(other).close()
        other.replace(path)
        with pytest.raises(StoreFailed, match="was replaced by another one while it was open"):
            write(store)
        store.close()

    def test_a_missing_folder_is_named(self, tmp_path: Path) -> None:
        with pytest.raises(StoreFailed, match="Check that its folder exists"):
            SqliteStore(tmp_path / "nowhere" / "labels.db")

    def test_it_stays_with_its_file_when_the_program_goes_to_another_folder(
        self, path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.chdir(path.parent)
        store = SqliteStore(path.name)
        (path.parent / "elsewhere").mkdir()
        monkeypatch.chdir("elsewhere")
        write(store)
        with store.read(snapshot=True) as reader:
            assert reader.get(Package, (4, 9)) == make_package(9)
        store.close()
        assert os.listdir() == []

    def test_memory_is_another_store(self) -> None:
        with pytest.raises(StoreFailed, match="'memory:'"):
            SqliteStore(":memory:")

    def test_many_processes_may_make_it_at_once(self, path: Path) -> None:
        with SPAWN.Pool(4) as pool:
            assert (
                pool.map(open_and_add, [(str(path), number) for number in range(1, 9)])
                == [None] * 8
            )
        store = SqliteStore(path)
        with store.read() as reader:
            assert reader.count(Query(Package)) == 8
        store.close()


class TestFailures:
    def test_a_corrupt_file_says_so(self, path: Path) -> None:
        store = SqliteStore(path)
        with store.write() as writer:
            writer.add(
                *(make_task(n, row='{"data": {"t": "' + "x" * 3000 + '"}}') for n in range(1, 60))
            )
        store.close()
        content = bytearray(path.read_bytes())
        content[4096 * 2 :] = b"\xff" * (len(content) - 4096 * 2)
        path.write_bytes(content)
        with pytest.raises(StoreFailed, match="corrupt"):
            SqliteStore(path)

    def test_a_file_that_is_damaged_in_the_middle_says_so_when_that_is_read(
        self, path: Path
    ) -> None:
        store = SqliteStore(path)
        with store.write() as writer:
            writer.add(
                *(make_task(n, row='{"data": {"t": "' + "x" * 3000 + '"}}') for n in range(1, 60))
            )
        store.close()
        content = bytearray(path.read_bytes())
        content[-4096 * 20 :] = b"\xff" * (4096 * 20)
        path.write_bytes(content)
        broken = SqliteStore(path)
        with pytest.raises(StoreFailed, match="corrupt"), broken.read() as reader:
            list(reader.find(Query(Task, {"job": 4}, order=("number",))))
        broken.close()

    def test_a_full_database_says_so_and_keeps_what_was(self, path: Path) -> None:
        store = SqliteStore(path)
        with store.write() as writer:
            writer.add(make_package())
        ((pages,),) = on_writing_connection(store, "PRAGMA page_count")
        on_writing_connection(store, f"PRAGMA max_page_count = {pages + 2}")
        with pytest.raises(StoreFailed, match="full"), store.write() as writer:
            writer.add(*(make_task(n, row='{"data": "' + "x" * 3000 + '"}') for n in range(1, 60)))
        with store.read() as reader:
            assert (reader.count(Query(Task)), reader.count(Query(Package))) == (0, 1)
        with store.write() as writer:
            writer.save(change(make_package(), free=0))
        store.close()

    def test_a_read_only_database_says_so(self, path: Path) -> None:
        store = SqliteStore(path)
        on_writing_connection(store, "PRAGMA query_only = 1")
        with pytest.raises(StoreFailed, match="read-only"), store.write() as writer:
            writer.add(make_package())
        with store.read() as reader:
            assert reader.count(Query(Package)) == 0
        store.close()

    @pytest.mark.skipif(not hasattr(os, "seteuid"), reason="needs users")
    def test_a_read_only_file_says_so(self, path: Path) -> None:
        SqliteStore(path).close()
        for file in path.parent.iterdir():
            file.chmod(0o444)
        path.parent.chmod(0o555)
        for parent in path.parents[1:-1]:
            if parent.owner() == path.owner() and not parent.stat().st_mode & 0o001:
                parent.chmod(parent.stat().st_mode | 0o011)
        user = os.geteuid()
        if user == 0:
            os.seteuid(65534)
        try:
            with pytest.raises(
                StoreFailed, match=r"read-only|lock file cannot be opened|cannot be opened"
            ):
                write(SqliteStore(path))
        finally:
            os.seteuid(user)
            path.parent.chmod(0o755)

    def test_another_program_that_holds_it_for_long(
        self, path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("itagflow.storage._sql.transactions.Transactions.timeout", 0.05)
        store = SqliteStore(path)
        other = sqlite3.connect(path, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreFailed, match="busy"), store.write():
            raise AssertionError("a transaction was opened")
        other.close()
        write(store)
        store.close()


class TestSharing:
    def test_processes_wait_in_turn(self, path: Path) -> None:
        store = SqliteStore(path, synchronous="NORMAL")
        with store.write() as writer:
            writer.add(make_package(size=0))
        with SPAWN.Pool(4) as pool:
            assert pool.map(count_up, [str(path)] * 4) == [None] * 4
        with store.read() as reader:
            assert reader.get(Package, (4, 1)).size == 200
        store.close()

    def test_a_fork_shares_no_connection(self, path: Path) -> None:
        store = SqliteStore(path)
        with store.write() as writer:
            writer.add(make_event())
        child = FORK.Process(target=write_in_child, args=(store,))
        child.start()
        child.join()
        assert child.exitcode == 0
        write(store)
        with store.read() as reader:
            assert [event.type for event in reader.find(Query(Event, order=("position",)))] == [
                "claim",
                "child",
            ]
        store.close()

    def test_threads_that_end_leave_no_connection(self, path: Path) -> None:
        store = SqliteStore(path)
        for _ in range(20):
            thread = threading.Thread(target=look, args=(store,))
            thread.start()
            thread.join()
        state = store._transactions.state
        assert len(state.idle[False]) + len(state.idle[True]) <= 2
        assert not state.running
        store.close()

    def test_few_connections_stay_open_however_many_threads_read_at_once(self, path: Path) -> None:
        store = SqliteStore(path)
        together = threading.Barrier(30, timeout=30)

        def read() -> None:
            with store.read():
                together.wait()

        threads = [threading.Thread(target=read) for _ in range(30)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(store._transactions.state.idle[False]) == IDLE
        store.close()

    @pytest.mark.skipif(not os.path.exists("/proc/self/fd"), reason="needs a list of what is open")
    def test_nothing_is_open_after_closing(self, path: Path) -> None:
        store = SqliteStore(path)
        with store.read(snapshot=True) as reader:
            write(store)
            half = reader.find(Query(Package))
            assert store.close()
            with pytest.raises(StoreFailed, match="the store is closed"):
                reader.count(Query(Package))
            assert not list_open(path.parent)
        del half

    def test_closing_inside_a_block_does_not_wait_for_it(self, path: Path) -> None:
        store = SqliteStore(path)
        with store.write() as writer:
            assert store.close(timeout=60) is False
            writer.add(make_package(1))
        assert store.close()
        again = SqliteStore(path)
        with again.read() as reader:
            assert reader.count(Query(Package)) == 1
        again.close()

    def test_what_seldom_changes_is_still_read_in_the_block(self, path: Path) -> None:
        one, two = SqliteStore(path), SqliteStore(path)
        with one.write() as writer:
            writer.add(make_answer(replies={"1": Choice("cat")}))
        with two.write() as writer:
            old = writer.get(Answer, (4, 5, 1))
            writer.save(change(old, replies={"1": Choice("dog")}))
        with one.read() as reader:
            assert reader.get(Answer, (4, 5, 1)).reply == Choice("dog")
        one.close()
        two.close()
