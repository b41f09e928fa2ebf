"""The databases on which the benchmarks run: how durable each is, and the hand-written SQL to compare with."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count

import attrs
import psycopg
from tests.support.postgres import Databases, running

import itagflow
from benchmarks.shared.handwritten import Postgres, Raw, sqlite
from itagflow import Flow

SETTINGS = ("shared_buffers=1GB", "max_wal_size=4GB")
"""Of the PostgreSQL server; whatever makes it durable is left as it is."""


@attrs.frozen
class Database:
    """A kind of database."""

    name: str
    """What the table calls it."""
    times: int
    """How often a short act is done in a round."""
    new: Callable[[str], str]
    """Makes a database of this name, and returns its URL."""
    raw: Callable[[str, int, int], Raw]
    """Opens such a database by hand, for a job and a member."""

    @contextmanager
    def open(self, name: str) -> Iterator[tuple[Flow, str]]:
        """Open a new database with a workspace in it."""
        url = self.new(name)
        with itagflow.open(url) as flow:
            flow.workspaces.create("bench", admin="ada")
            yield flow, url


def sqlite_database(folder: str, mode: str) -> Database:
    """Return SQLite with this durability."""
    numbers = count(1)

    def new(name: str) -> str:
        return f"sqlite:///{folder}/{mode}-{name}-{next(numbers)}.db?synchronous={mode.lower()}"

    def raw(url: str, job: int, member: int) -> Raw:
        return sqlite(url.removeprefix("sqlite:///").partition("?")[0], job, member, mode)

    return Database(mode, 300 if mode == "NORMAL" else 100, new, raw)


@contextmanager
def postgres_database() -> Iterator[Database]:
    """Start a PostgreSQL server."""
    with running(SETTINGS) as server:
        databases = Databases(server.url)
        yield Database("PG", 100, lambda _: databases.bare(), Postgres)
        databases.close()


def database_named(name: str) -> Database:
    """Return the database of this name in another process: databases are made where it was begun."""
    return Database("PG", 0, str, Postgres) if name == "PG" else sqlite_database("", name)


def tidy(url: str) -> None:
    """Let a PostgreSQL server do at once what it would do by itself some minutes later, while we measure."""
    if url.startswith("postgresql"):
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("VACUUM (ANALYZE)")
            connection.execute("CHECKPOINT")


def version_of(url: str) -> str:
    """Return the version of a PostgreSQL server."""
    with psycopg.connect(url) as connection:
        return str(connection.info.server_version // 10_000)
