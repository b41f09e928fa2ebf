"""The schema of a SQLite file: made, brought up to date, or refused; and where every database's migrations are."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from importlib.resources import files
from typing import Protocol

from itagflow.errors import StoreFailed
from itagflow.stores._failures import translated
from itagflow.stores._gate import Gate

APPLICATION = 0x69546167
"""Marks a SQLite file as ours: ``iTag`` in its header."""


class File(Protocol):
    """What is to be brought up to date."""

    name: str
    gate: Gate

    def connected(self) -> sqlite3.Connection:
        """Return a new connection."""
        ...


def migrate(file: File, there: bool) -> None:
    """Bring the schema up to date, making it when the file is new.

    Raises:
        StoreFailed: when the file is another program's, of a newer version, or cannot be changed.
    """
    if file.name == ":memory:":
        raise StoreFailed(file.name, "is not a file", "Use 'memory:', which is faster and shared by threads")
    scripts = migrations("sqlite")
    try:
        with closing(file.connected()) as connection:
            if there and _checked(file.name, connection, len(scripts)) == len(scripts):
                return
            with file.gate:
                _bring_up(file.name, connection, scripts)
    except sqlite3.Error as error:
        raise translated(file.name, error) from error
    except OSError as error:
        hint = "Check that its folder exists and can be written"
        raise StoreFailed(file.name, f"the lock file cannot be opened: {error.strerror}", hint) from error


def _bring_up(name: str, connection: sqlite3.Connection, scripts: list[str]) -> None:
    _checked(name, connection, len(scripts))  # before the first change to a file that may be another's
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("BEGIN IMMEDIATE")
    done = _checked(name, connection, len(scripts))
    for script in scripts[done:]:
        for statement in _statements(script):
            connection.execute(statement)
    connection.execute(f"PRAGMA application_id = {APPLICATION}")
    connection.execute(f"PRAGMA user_version = {len(scripts)}")
    connection.execute("COMMIT")


def _checked(name: str, connection: sqlite3.Connection, newest: int) -> int:
    """Return the version of the schema; 0 in an empty file."""
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    (tables,) = connection.execute("SELECT COUNT(*) FROM sqlite_master").fetchone()
    if application != APPLICATION and (application or tables):
        raise StoreFailed(name, "the database belongs to another program", "Choose another path")
    must_be_known(name, version, newest)
    return int(version)


def must_be_known(name: str, version: int, newest: int) -> None:
    """Check that this program knows the schema of a database.

    Raises:
        StoreFailed: when a newer one has made it.
    """
    if version > newest:
        reason = f"the database has version {version} of the schema, this itagflow knows up to {newest}"
        raise StoreFailed(name, reason, "Upgrade itagflow")


def migrations(database: str) -> list[str]:
    """Return the scripts for this kind of database in order; the first makes version 1."""
    folder = files("itagflow.stores").joinpath("migrations", database)
    named = sorted((file for file in folder.iterdir() if file.name.endswith(".sql")), key=lambda file: file.name)
    return [file.read_text("utf-8") for file in named]


def _statements(script: str) -> Iterator[str]:
    statement = ""
    for line in script.splitlines():
        statement += f"{line}\n"
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""
