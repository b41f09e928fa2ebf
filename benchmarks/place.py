"""Where the benchmarks run: a database, how durable it is, and the limit beside it; and what they order there."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any

import attrs
import psycopg
from raw import Postgres, Raw, sqlite

import itagflow
from itagflow import (
    Accept,
    Choice,
    FixedSize,
    Flow,
    Job,
    Label,
    Stage,
    Workflow,
    templates,
)

sys.path.append(str(Path(__file__).parent.parent / "tests"))
from support.postgres import Databases, running

SETTINGS = ("shared_buffers=1GB", "max_wal_size=4GB")
"""Of the PostgreSQL server; whatever makes it durable is left as it is."""


@attrs.frozen
class Place:
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


def sqlite_place(folder: str, mode: str) -> Place:
    """Return SQLite with this durability."""
    numbers = count(1)

    def new(name: str) -> str:
        return f"sqlite:///{folder}/{mode}-{name}-{next(numbers)}.db?synchronous={mode.lower()}"

    def raw(url: str, job: int, member: int) -> Raw:
        return sqlite(url.removeprefix("sqlite:///").partition("?")[0], job, member, mode)

    return Place(mode, 300 if mode == "NORMAL" else 100, new, raw)


@contextmanager
def postgres_place() -> Iterator[Place]:
    """Start a PostgreSQL server."""
    with running(SETTINGS) as server:
        databases = Databases(server.url)
        yield Place("PG", 100, lambda _: databases.bare(), Postgres)
        databases.close()


def place_of(name: str) -> Place:
    """Return the place of this name in another process: databases are made where it was begun."""
    return Place("PG", 0, str, Postgres) if name == "PG" else sqlite_place("", name)


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


def rows(number: int) -> Iterator[dict[str, Any]]:
    """Yield rows of data."""
    return ({"data": {"source": f"oss://bucket/images/{n:012}.jpg"}} for n in range(number))


def order(flow: Flow, name: str, tasks: int, size: int) -> Job:
    """Make a job of so many tasks."""
    return flow.jobs.create(
        "bench",
        name,
        template=templates.image_classification(["cat", "dog"]),
        data=rows(tasks),
        workflow=Workflow(Label(), Accept(allow_own_work=True)),
        packaging=FixedSize(size),
        by="ada",
    )


def ada(flow: Flow) -> int:
    """Return the key of the only member."""
    return next(flow.members.list("bench")).id


def claims(flow: Flow, job: Job | int, times: int) -> list[Any]:
    """Claim so many assignments."""
    return [flow.claim("ada", job, Stage.LABEL) for _ in range(times)]


def finish(flow: Flow, assignment: Any) -> None:
    """Label all that an assignment has, and hand it in."""
    flow.save_many(assignment, [(work, Choice("cat")) for work in flow.tasks(assignment)])
    flow.submit(assignment)


def show(place: str, name: str, ratio: float | None, figure: str, goal: str = "") -> None:
    """Print a line of the table."""
    print(
        f"{place:7} {name:26} {'' if ratio is None else f'{ratio:.2f}':>5}   {figure:>17}   {goal}",
        flush=True,
    )
