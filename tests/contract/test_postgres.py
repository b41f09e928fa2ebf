from __future__ import annotations

import multiprocessing
import os
import secrets
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import attrs
import psycopg
import pytest
from psycopg import _copy, _pipeline, connection, cursor
from psycopg.rows import dict_row
from support import postgres
from support.scenes import rows
from support.workers import open_and_add, write_in_child

import itagflow
from itagflow import (
    Flow,
    InvalidData,
    Role,
    StoreFailed,
)
from itagflow.errors import Conflict, NotFound
from itagflow.jobs import loading
from itagflow.model.entity import advance
from itagflow.model.event import Event
from itagflow.model.package import Assignment, Package
from itagflow.model.task import Task
from itagflow.storage import Query, Reader, Unless, Writer
from itagflow.storage._sql import verbs
from itagflow.storage._sql.layout import LAYOUTS
from itagflow.storage._sql.migrations import migrations
from itagflow.storage._sql.statements import Sql
from itagflow.storage._sql.verbs import SqlWriter
from itagflow.storage.port import SupportsLockAll, SupportsReplaceAll
from itagflow.storage.postgres import PostgresStore
from itagflow.storage.postgres import store as postgres_store
from itagflow.testing import (
    ConcurrencyContract,
    StoreContract,
    make_assignment,
    make_event,
    make_package,
    make_task,
    make_workspace,
)
from itagflow.testing.interruptions import Interruption, Strike

FORK, SPAWN = (multiprocessing.get_context(how) for how in ("fork", "spawn"))


class Opens:
    @pytest.fixture(autouse=True)
    def lent(self, databases: postgres.Databases) -> Iterator[None]:
        self.databases, self.urls = databases, list[str]()
        yield
        for url in self.urls:
            databases.give_back(url)

    def open_store(self) -> PostgresStore:
        self.urls.append(self.databases.new())
        return PostgresStore(self.urls[-1])


class TestPostgresStore(Opens, StoreContract):
    pass


class TestPostgresConcurrency(Opens, ConcurrencyContract):
    timeout = 20.0  # a child makes a connection, which takes seconds where all cores are busy
    every_opcode = "ITAGFLOW_EVERY_OPCODE" in os.environ


class TestSchema:
    def test_a_later_script_runs_once_on_what_is_there(
        self, postgres_url: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        store = PostgresStore(postgres_url, schema="growing")
        with store.write() as writer:
            writer.add(make_package())
        store.close()
        scripts = [
            *migrations("postgres"),
            "ALTER TABLE package ADD COLUMN later BIGINT NOT NULL DEFAULT 7",
        ]
        monkeypatch.setattr("itagflow.storage.postgres.store.migrations", lambda _: scripts)
        for _ in range(2):
            grown = PostgresStore(postgres_url, schema="growing")
            with grown.read() as reader:
                assert reader.get(Package, (4, 1)) == make_package()
            grown.close()

    def test_a_script_that_fails_leaves_nothing(
        self, postgres_url: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        scripts = [*migrations("postgres"), "ALTER TABLE nowhere ADD COLUMN x BIGINT"]
        monkeypatch.setattr("itagflow.storage.postgres.store.migrations", lambda _: scripts)
        with pytest.raises(StoreFailed, match="refused the statement"):
            PostgresStore(postgres_url, schema="broken")
        with psycopg.connect(postgres_url) as connection:
            assert connection.execute("SELECT to_regnamespace('broken')").fetchone() == (None,)

    def test_many_processes_may_make_it_at_once(self, databases: postgres.Databases) -> None:
        url = databases.bare()
        with SPAWN.Pool(4) as pool:
            assert (
                pool.map(open_and_add, [(url, number) for number in range(1, 9)], 1) == [None] * 8
            )
        store = PostgresStore(url)
        with store.read() as reader:
            assert reader.count(Query(Package)) == 8
        store.close()

    def test_every_index_column_of_the_layouts_is_a_column(self, postgres_url: str) -> None:
        with psycopg.connect(postgres_url) as connection:
            for layout in LAYOUTS.values():
                rows = connection.execute(
                    "SELECT column_name, is_nullable, data_type FROM information_schema.columns "
                    "WHERE table_schema = 'itagflow' AND table_name = %s",
                    (layout.table,),
                ).fetchall()
                assert {row[0] for row in rows} == {
                    *(column.name for column in layout.stored),
                    "body",
                }
                assert all(row[1] == "NO" for row in rows)
                assert ("body", "NO", "text" if layout.text else "json") in rows

    def test_a_newer_one_is_refused(self, postgres_url: str) -> None:
        PostgresStore(postgres_url, schema="newer").close()
        with psycopg.connect(postgres_url) as connection:
            connection.execute("INSERT INTO newer.migration (version, at) VALUES (99, now())")
        with pytest.raises(StoreFailed, match=r"version 99 of the schema.*Upgrade itagflow"):
            PostgresStore(postgres_url, schema="newer")

    def test_schemas_of_one_database_know_nothing_of_each_other(self, postgres_url: str) -> None:
        one, two = (PostgresStore(postgres_url, schema=schema) for schema in ("one", "two"))
        with one.write() as writer:
            writer.add(make_package())
        with two.read() as reader:
            assert reader.count(Query(Package)) == 0
        one.close()
        two.close()

    def test_a_bad_name_is_refused(self, postgres_url: str) -> None:
        with pytest.raises(InvalidData, match="lower-case letters"):
            PostgresStore(postgres_url, schema='x"; DROP SCHEMA itagflow')


class TestConnections:
    def test_they_may_be_those_of_the_application(self, postgres_url: str) -> None:
        """Whatever they are set to; and they come back as they were."""
        with psycopg.connect(postgres_url, row_factory=dict_row) as connection:
            connection.autocommit = False

            @contextmanager
            def lend() -> Iterator[psycopg.Connection[Any]]:
                yield connection

            store = PostgresStore(lend)
            with store.write() as writer:
                writer.add(make_package(), make_event())
            with store.read() as reader:
                assert reader.get(Package, (4, 1)) == make_package()
            assert not connection.autocommit
            assert connection.execute("SELECT '{\"a\": 1}'::jsonb AS it").fetchone() == {
                "it": {"a": 1}
            }
            store.close()
            connection.execute("SELECT 1")  # still the application's

    def test_a_new_one_for_each_block(self, postgres_url: str) -> None:
        """The simplest callable: nothing is left open."""
        given = list[psycopg.Connection[Any]]()

        def connect() -> psycopg.Connection[Any]:
            given.append(psycopg.connect(postgres_url))
            return given[-1]

        with Flow(PostgresStore(connect)) as flow:
            flow.workspaces.create("street", admin="ada")
        assert given
        assert all(connection.closed for connection in given)

    def test_a_pool_that_is_used_up_says_so(
        self, postgres_url: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("itagflow.storage.postgres.transactions.PgTransactions.timeout", 0.2)
        store = PostgresStore(postgres_url, connections=1)
        with store.write() as writer:
            writer.add(make_package())
            with store.read(snapshot=True) as reader:  # has a connection of its own
                assert reader.count(Query(Package)) == 0
            thread = threading.Thread(target=failing, args=(store, failed := list[StoreFailed]()))
            thread.start()
            thread.join()
        assert "no connection came free" in str(failed[0])
        with store.read() as reader:
            assert reader.count(Query(Package)) == 1
        store.close()

    def test_one_that_the_server_has_closed_is_replaced_unseen(self, postgres_url: str) -> None:
        store = PostgresStore(postgres_url)
        with store.write() as writer:
            writer.add(make_package())
        assert cut(postgres_url) >= 1
        with store.read() as reader:
            assert reader.count(Query(Package)) == 1
        store.close()

    def test_all_that_the_server_has_closed_are_replaced_at_once(
        self, postgres_url: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """As when the server was restarted: found out one by one, the pool would wait twice as long for each."""
        monkeypatch.setattr("itagflow.storage.postgres.transactions.PgTransactions.timeout", 10.0)
        store = PostgresStore(postgres_url)
        together = threading.Barrier(6, timeout=30)
        threads = [threading.Thread(target=looking, args=(store, together)) for _ in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert cut(postgres_url) >= 6
        with store.read() as reader:
            assert reader.count(Query(Package)) == 0
        store.close()

    def test_a_fork_shares_none(self, postgres_url: str) -> None:
        store = PostgresStore(postgres_url)
        with store.write() as writer:
            writer.add(make_event())
        child = FORK.Process(target=write_in_child, args=(store,))
        child.start()
        child.join()
        assert child.exitcode == 0
        with store.read() as reader:
            assert [event.type for event in reader.find(Query(Event, order=("position",)))] == [
                "claim",
                "child",
            ]
        store.close()

    def test_errors_name_the_database_and_keep_the_password(self) -> None:
        with pytest.raises(StoreFailed, match="connection was lost") as failed:
            PostgresStore("postgresql://me:secret@127.0.0.1:1/labels?connect_timeout=2")
        assert failed.value.store == "postgresql://me@127.0.0.1:1/labels"

    def test_a_database_that_is_not_there_says_so(self, postgres_url: str) -> None:
        with pytest.raises(StoreFailed, match="nowhere"):
            itagflow.open(postgres.make_url(postgres_url, "nowhere"))


def cut(url: str) -> int:
    """Have the server close every other connection to a database, and return how many those were."""
    others = "SELECT pg_terminate_backend(pid, 60000) FROM pg_stat_activity WHERE datname = current_database()"
    with psycopg.connect(url, autocommit=True) as connection:
        found = connection.execute(
            f"{others} AND pid <> pg_backend_pid() AND backend_type = 'client backend'"
        )
        return sum(closed for (closed,) in found)


def looking(store: PostgresStore, together: threading.Barrier) -> None:
    with store.read():
        together.wait()


def failing(store: PostgresStore, failed: list[StoreFailed]) -> None:
    try:
        with store.read():
            raise AssertionError("a transaction was opened")
    except StoreFailed as error:
        failed.append(error)


class TestBlocks:
    def test_what_came_beside_a_package_while_it_was_taken_counts(
        self, postgres_url: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Between finding and holding a row, another claim of the same member may end: nobody votes twice."""
        store, other = PostgresStore(postgres_url), PostgresStore(postgres_url)
        with store.write() as writer:
            writer.add(make_package(1), make_package(2))
        mine = Unless(Assignment, {"member": 2}, {"job": "job", "number": "package"})
        query = Query(Package, {"job": 4, "waiting": True}, order=("number",), unless=mine)
        find_and_lock, meanwhile = SqlWriter.lock_first, iter([make_assignment(5, package=1)])

        def lock_first(self: SqlWriter, query: Query[Any]) -> Any:
            found = find_and_lock(self, query)
            for assignment in meanwhile:
                with other.write() as writer:
                    writer.add(assignment)
            return found

        monkeypatch.setattr(SqlWriter, "lock_first", lock_first)
        with store.write() as writer:
            assert writer.lock_first(query) == make_package(2)
        store.close()
        other.close()

    def test_a_package_that_others_hold_is_passed_over(self, postgres_url: str) -> None:
        one, two = PostgresStore(postgres_url), PostgresStore(postgres_url)
        with one.write() as writer:
            writer.add(make_package(1), make_package(2))
        query = Query(Package, {"job": 4}, order=("number",))
        with one.write() as writer, two.write() as other:
            assert writer.lock_first(query) == make_package(1)
            assert other.lock_first(query) == make_package(2)
            assert other.lock_first(Query(Package, {"number": 1})) is None
        one.close()
        two.close()

    def test_those_who_only_want_it_to_stay_hold_it_together(self, postgres_url: str) -> None:
        one, two, three = (PostgresStore(postgres_url) for _ in range(3))
        with one.write() as writer:
            writer.add(make_package(1))
        with one.write() as writer, two.write() as other:
            assert writer.lock(Package, (4, 1), shared=True) == other.lock(
                Package, (4, 1), shared=True
            )
            with three.write() as third:
                assert third.lock_first(Query(Package, {"number": 1})) is None
        three.close()
        one.close()
        two.close()

    def test_a_block_in_which_a_statement_failed_is_not_stored(self, postgres_url: str) -> None:
        """Also when the caller goes on as if nothing had been."""
        store = PostgresStore(postgres_url)
        with pytest.raises(StoreFailed, match="Nothing of"), store.write() as writer:
            writer.add(make_package())
            with pytest.raises(StoreFailed, match="too big"):
                writer.add(make_workspace(name=secrets.token_hex(10_000)))
        with store.read() as reader:
            assert reader.count(Query(Package)) == 0
        store.close()

    def test_the_history_does_not_wait_for_others(self, postgres_url: str) -> None:
        """Who looks sees their own act at once; who follows waits for what may still come before."""
        one, two = PostgresStore(postgres_url), PostgresStore(postgres_url)
        flow = Flow(two)
        with one.write() as writer:
            writer.add(make_event("early"))
            home = flow.workspaces.create("street", admin="ada")
            assert flow.members.list(home)
            with two.read() as reader:
                assert [event.type for event in reader.find(Query(Event))] == ["create_workspace"]
            assert two.high_water_mark() == 1
        assert two.high_water_mark() == 2
        with two.read() as reader:
            assert [e.type for e in reader.find(Query(Event, order=("position",)))] == [
                "early",
                "create_workspace",
            ]
        one.close()
        two.close()


class TimeLimitReached(Exception):
    """What a signal handler raises that limits the time of a task."""


def lend_again(
    url: str, made: list[psycopg.Connection]
) -> Callable[[], AbstractContextManager[psycopg.Connection]]:
    """Lend the last connection that was *made*, until somebody has closed it."""

    @contextmanager
    def lend() -> Iterator[psycopg.Connection]:
        if not made or made[-1].closed:
            made.append(psycopg.connect(url))
        yield made[-1]

    return lend


class TestManySaved:
    """Many entities are replaced in a pipeline: the server is at work while the next rows are made."""

    COUNT = 3 * verbs.SAVED_AT_ONCE + 7

    @pytest.fixture
    def store(self, postgres_url: str) -> Iterator[PostgresStore]:
        store = PostgresStore(postgres_url)
        with store.write() as writer:
            writer.add(*map(make_package, range(1, self.COUNT + 1)))
        yield store
        store.close()

    def prioritized(self, writer: Writer) -> list[Package]:
        """All packages, held, with the priorities that they are to have."""
        numbered = Query(Package, {"job": 4}, order=("number",))
        assert isinstance(writer, SupportsLockAll)
        return [
            advance(package, priority=package.number / 8) for package in writer.lock_all(numbered)
        ]

    def unchanged(self, store: PostgresStore) -> bool:
        with store.read() as reader:
            return reader.count(Query(Package, {"job": 4, "priority": 0})) == self.COUNT

    @pytest.mark.parametrize("is_old", [False, True], ids=["pipeline", "libpq before 14"])
    def test_each_gets_its_own_value(
        self, store: PostgresStore, monkeypatch: pytest.MonkeyPatch, is_old: bool
    ) -> None:
        if is_old:
            monkeypatch.setattr(psycopg.Pipeline, "is_supported", lambda: False)
        with store.write() as writer:
            saved = self.prioritized(writer)
            writer.save(*saved)
            # what follows in the transaction sees them
            assert list(writer.find(Query(Package, {"job": 4}, order=("number",)))) == saved
        with store.read() as reader:
            assert list(reader.find(Query(Package, {"job": 4}, order=("number",)))) == saved

    @pytest.mark.parametrize("place", [0, verbs.SAVED_AT_ONCE, COUNT - 1])
    def test_one_that_others_have_replaced_keeps_all_from_being_saved(
        self, store: PostgresStore, place: int
    ) -> None:
        with pytest.raises(StoreFailed), store.write() as writer:
            saved = self.prioritized(writer)
            saved[place] = advance(saved[place])
            with pytest.raises(Conflict, match=f"{saved[place].number}"):
                writer.save(*saved)
        assert self.unchanged(store)

    def test_one_that_is_gone_keeps_all_from_being_saved(self, store: PostgresStore) -> None:
        with pytest.raises(StoreFailed), store.write() as writer:
            saved = self.prioritized(writer)
            writer.remove(Query(Package, {"number": verbs.SAVED_AT_ONCE + 1}), 1)
            with pytest.raises((Conflict, NotFound)):
                writer.save(*saved)
        assert self.unchanged(store)

    def test_a_value_that_the_server_refuses_keeps_all_from_being_saved(
        self, store: PostgresStore
    ) -> None:
        with pytest.raises(StoreFailed), store.write() as writer:
            saved = self.prioritized(writer)
            # an index takes no text of this length
            saved[verbs.SAVED_AT_ONCE] = attrs.evolve(
                saved[verbs.SAVED_AT_ONCE], value=secrets.token_hex(10_000)
            )
            with pytest.raises(StoreFailed, match="too big"):
                writer.save(*saved)
        assert self.unchanged(store)

    @pytest.mark.parametrize("block", [0, 1, 3])
    def test_a_connection_that_is_cut_meanwhile_says_so(
        self,
        store: PostgresStore,
        postgres_url: str,
        monkeypatch: pytest.MonkeyPatch,
        block: int,
    ) -> None:
        make, blocks = Sql.update_many, iter(range(4))

        def make_and_cut(self: Sql, *given: Any) -> Any:
            if next(blocks) == block:
                cut(postgres_url)
            return make(self, *given)

        with pytest.raises(StoreFailed, match="the connection was lost"), store.write() as writer:
            saved = self.prioritized(writer)
            monkeypatch.setattr(Sql, "update_many", make_and_cut)
            writer.save(*saved)
        monkeypatch.undo()
        assert self.unchanged(store)
        with store.write() as writer:
            writer.save(*self.prioritized(writer))

    @pytest.mark.parametrize("number", [1, verbs.SAVED_AT_ONCE + 1, COUNT])
    def test_a_connection_that_is_cut_while_they_are_replaced_says_so(
        self, store: PostgresStore, postgres_url: str, number: int
    ) -> None:
        def promote_and_cut(package: Package) -> Package:
            if package.number == number:
                cut(postgres_url)
            return advance(package, priority=1)

        numbered = Query(Package, {"job": 4}, order=("number",))
        with pytest.raises(StoreFailed, match="the connection was lost"), store.write() as writer:
            assert isinstance(writer, SupportsReplaceAll)
            writer.replace_all(numbered, lambda _: promote_and_cut)
        assert self.unchanged(store)
        with store.write() as writer:
            assert isinstance(writer, SupportsReplaceAll)
            writer.replace_all(numbered, lambda _: lambda package: advance(package, priority=1))
        with store.read() as reader:
            assert reader.count(Query(Package, {"job": 4, "priority": 1})) == self.COUNT

    def replace(self, store: PostgresStore, round: int) -> None:
        with store.write() as writer:
            assert isinstance(writer, SupportsReplaceAll)
            query = Query(Package, {"job": 4}, order=("number",))
            writer.replace_all(query, lambda _: lambda package: advance(package, priority=round))

    def replaced(self, reader: Reader) -> list[float]:
        """The round in which all packages were replaced last."""
        (priority,) = {package.priority for package in reader.find(Query(Package, {"job": 4}))}
        return [priority]

    def add(self, store: PostgresStore, round: int) -> None:
        with store.write() as writer:
            tasks = (make_task(20 * round + number) for number in range(20))
            writer.add(*tasks, *(make_event(f"round{round}") for _ in range(20)))

    def added(self, reader: Reader) -> list[float]:
        """The rounds in which events were added."""
        rounds = reader.tally(Query(Event), by=("type",))
        assert {count for (count,) in rounds.values()} <= {20}
        assert reader.count(Query(Task)) == 20 * len(rounds)
        return sorted(int(str(name).removeprefix("round")) for (name,) in rounds)

    @pytest.mark.parametrize(("verb", "is_lent"), [("replace", True), ("add", False)])
    def test_an_exception_may_strike_at_any_point_of_a_pipeline(
        self, store: PostgresStore, postgres_url: str, verb: str, is_lent: bool
    ) -> None:
        """All is stored or nothing, and the next transaction has a connection that it can use."""
        lent = list[psycopg.Connection]()
        if is_lent:
            store = PostgresStore(lend_again(postgres_url, lent))
        act, done = {"replace": (self.replace, self.replaced), "add": (self.add, self.added)}[verb]
        modules = (_copy, _pipeline, connection, cursor, postgres_store)
        files = {module.__file__ or "" for module in modules}
        stored, error, at = list[float](), None, 0
        with store.read() as reader:
            stored = done(reader)
        while True:
            at += 1  # one point further each time
            strike = Strike(at, files, every_opcode=False)
            error = strike.run(lambda _, at=at: act(store, at))
            if not strike.place:
                break
            assert isinstance(error, Interruption) or strike.is_dropped, repr(error)
            with store.write() as writer:
                writer.save(advance(writer.lock(Package, (4, 1))))
                found = done(writer)
            assert found in (stored, [at], [*stored, at]), strike.place
            stored = found
        assert error is None
        assert at > 50, "hardly any point was found"
        store.close()
        for each in lent:
            each.close()

    @pytest.mark.parametrize("moment", ["before", "after"])
    @pytest.mark.parametrize("verb", ["replace", "add"])
    def test_a_time_limit_may_strike_whenever_the_driver_waits(
        self, store: PostgresStore, monkeypatch: pytest.MonkeyPatch, verb: str, moment: str
    ) -> None:
        """It is an exception like any other: the driver may make an error of its own out of it."""
        wait, act = psycopg.Connection.wait, {"replace": self.replace, "add": self.add}[verb]
        calls = at = 0

        def wait_and_strike(*given: Any, **named: Any) -> Any:
            nonlocal calls
            calls += 1
            if moment == "before" and calls == at:
                raise TimeLimitReached
            waited = wait(*given, **named)
            if calls == at:
                raise TimeLimitReached
            return waited

        while True:
            at += 1
            calls = 0
            with monkeypatch.context() as patched:
                patched.setattr(psycopg.Connection, "wait", wait_and_strike)
                try:
                    act(store, at)
                except TimeLimitReached:
                    pass
                else:
                    break
            self.replace(store, at)  # with a connection that can be used
        assert at > 5, "hardly any wait was found"

    def test_an_error_of_the_caller_arrives_as_it_is(self, store: PostgresStore) -> None:
        """Whatever the caller has dealt with before it was raised."""

        def parse(package: Package) -> Package:
            try:
                raise SystemExit
            except SystemExit:
                raise ValueError("no such score") from None

        with pytest.raises(ValueError, match="no such score"), store.write() as writer:
            assert isinstance(writer, SupportsReplaceAll)
            writer.replace_all(Query(Package, {"job": 4}), lambda _: parse)
        assert self.unchanged(store)

    def test_an_interruption_that_is_over_hides_no_error(
        self, store: PostgresStore, postgres_url: str
    ) -> None:
        """As in a program that stores what it has when somebody interrupts it."""

        def promote_and_cut(package: Package) -> Package:
            if package.number == 1:
                cut(postgres_url)
            return advance(package, priority=1)

        try:
            raise KeyboardInterrupt
        except KeyboardInterrupt:
            with pytest.raises(StoreFailed), store.write() as writer:
                assert isinstance(writer, SupportsReplaceAll)
                writer.replace_all(Query(Package, {"job": 4}), lambda _: promote_and_cut)

    def test_who_closes_the_store_meanwhile_waits_for_the_end(
        self, store: PostgresStore, monkeypatch: pytest.MonkeyPatch, postgres_url: str
    ) -> None:
        make, closed = Sql.update_many, list[bool]()
        closer = threading.Thread(target=lambda: closed.append(store.close(timeout=10)))

        def make_meanwhile(self: Sql, *given: Any) -> Any:
            if closer.ident is None:
                closer.start()
                while not store.is_closed:
                    time.sleep(0.01)
            return make(self, *given)

        with store.write() as writer:
            saved = self.prioritized(writer)
            monkeypatch.setattr(Sql, "update_many", make_meanwhile)
            writer.save(*saved)
        closer.join()
        assert closed == [True]
        other = PostgresStore(postgres_url)
        with other.read() as reader:
            assert list(reader.find(Query(Package, {"job": 4}, order=("number",)))) == saved
        other.close()


class TestStatistics:
    """What the server knows of its tables decides how it looks for rows."""

    @pytest.mark.parametrize(("tasks", "is_large"), [(49, False), (50, True)])
    def test_the_server_is_told_of_a_large_load(
        self, postgres_url: str, monkeypatch: pytest.MonkeyPatch, tasks: int, is_large: bool
    ) -> None:
        monkeypatch.setattr(loading, "MANY", 50)
        with itagflow.open(postgres_url) as flow:
            home = flow.workspaces.create("street", admin="ada")
            flow.jobs.create(
                home,
                "large",
                template=itagflow.templates.image_classification(["cat"]),
                data=rows(tasks),
                packaging=itagflow.FixedSize(1),
                by="ada",
            )
        with psycopg.connect(postgres_url) as connection:
            # what the server does by itself is noted elsewhere
            looked = connection.execute(
                "SELECT relname FROM pg_stat_user_tables WHERE last_analyze IS NOT NULL"
            ).fetchall()
        assert {name for (name,) in looked} == ({"package", "task"} if is_large else set())


class TestListening:
    def test_a_listener_is_woken(self, postgres_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
        """It does not have to look again by itself."""
        monkeypatch.setattr("itagflow.core.waiting.POLL", 1_000.0)
        with itagflow.open(postgres_url) as flow, itagflow.open(postgres_url) as other:
            heard = list[str]()
            with flow.store.read(snapshot=True):  # whoever reads keeps nobody from hearing
                listener = flow.events.follow()
                other.workspaces.create("street", admin="ada")
                heard.append(next(listener).type)
                threading.Timer(
                    0.1, lambda: other.members.add("street", "ben", Role.OPERATOR, by="ada")
                ).start()
                heard.append(next(listener).type)
            listener.close()
            assert heard == ["create_workspace", "add_member"]

    def test_a_listener_whose_connection_is_cut_says_so_and_can_go_on(
        self, postgres_url: str
    ) -> None:
        with itagflow.open(postgres_url) as flow:
            flow.workspaces.create("street", admin="ada")
            listener = flow.events.follow()
            last = next(listener).position
            cut(postgres_url)
            with pytest.raises(StoreFailed, match="Call again"):
                next(listener)
            flow.members.add("street", "ben", Role.OPERATOR, by="ada")
            assert next(flow.events.follow(after=last)).type == "add_member"
