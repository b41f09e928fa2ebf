"""The schema of a SQLite database: made, brought up to date, or refused; and where every database's migrations are."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from functools import cache
from importlib.resources import files

from itagflow.errors import StoreFailed

APPLICATION = 0x69546167
"""Marks a SQLite file as ours: ``iTag`` in its header."""
FIRST = 4
"""The version that the first script makes.  What has a lower one was made while itagflow was still being written."""


def check_schema(name: str, connection: sqlite3.Connection) -> int:
    """Return the version of the schema; 0 in an empty file.

    Raises:
        StoreFailed: when the file is another program's, or of a version that this program does not know.
    """
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    (tables,) = connection.execute("SELECT COUNT(*) FROM sqlite_master").fetchone()  # and a corrupt file says so
    if application != APPLICATION and (application or tables):
        raise StoreFailed(name, "the database belongs to another program", "Choose another path")
    must_be_known(name, version, newest(migrations("sqlite")))
    return int(version)


def is_up_to_date(name: str, connection: sqlite3.Connection) -> bool:
    """Return whether nothing is to be done; errors are those of `check_schema`."""
    return check_schema(name, connection) == newest(migrations("sqlite"))


def bring_up(name: str, connection: sqlite3.Connection) -> None:
    """Bring the schema up to date, making it in an empty database; errors are those of `check_schema`.

    The caller has begun a transaction, and commits it.
    """
    scripts = migrations("sqlite")
    done = check_schema(name, connection)  # another process may have been faster
    for _, script in missing(scripts, done):
        for statement in _statements(script):
            connection.execute(statement)
    connection.execute(f"PRAGMA application_id = {APPLICATION}")
    connection.execute(f"PRAGMA user_version = {newest(scripts)}")


def newest(scripts: Sequence[str]) -> int:
    """Return the version that the last of *scripts* makes."""
    return FIRST - 1 + len(scripts)


def missing(scripts: Sequence[str], version: int) -> Iterator[tuple[int, str]]:
    """Yield those of *scripts* that a database of this *version* lacks, each with the version that it makes."""
    return ((number, script) for number, script in enumerate(scripts, FIRST) if number > version)


def must_be_known(name: str, version: int, newest: int) -> None:
    """Check that this program knows the schema of a database; version 0 is an empty one.

    Raises:
        StoreFailed: when a newer program has made it, or one from before the first release.
    """
    if version > newest:
        reason = f"the database has version {version} of the schema, this itagflow knows up to {newest}"
        raise StoreFailed(name, reason, "Upgrade itagflow")
    if 0 < version < FIRST:
        reason = f"the database has version {version} of the schema, from before the first release"
        hint = "Export its jobs with the itagflow that made it, and import them into a new database"
        raise StoreFailed(name, reason, hint)


@cache
def migrations(database: str) -> tuple[str, ...]:
    """Return the scripts for this kind of database in order; the first makes version `FIRST`."""
    folder = files("itagflow.stores").joinpath("migrations", database)
    named = sorted((file for file in folder.iterdir() if file.name.endswith(".sql")), key=lambda file: file.name)
    return tuple(file.read_text("utf-8") for file in named)


def _statements(script: str) -> Iterator[str]:
    statement = ""
    for line in script.splitlines():
        statement += f"{line}\n"
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""
