"""The schema of a SQLite database: made, brought up to date, or refused."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator

from itagflow.errors import StoreFailed
from itagflow.storage._sql.migrations import (
    get_newest_version,
    list_missing,
    migrations,
    must_be_known,
)

APPLICATION = 0x69546167
"""Marks a SQLite file as ours: ``iTag`` in its header."""


def check_schema(name: str, connection: sqlite3.Connection) -> int:
    """Return the version of the schema; 0 in an empty file.

    Raises:
        StoreFailed: when the file is another program's, or of a version that this program does not
            know.
    """
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    # The first statement that reads the file beyond its header: a corrupt one says so here.
    (tables,) = connection.execute("SELECT COUNT(*) FROM sqlite_master").fetchone()
    if application != APPLICATION and (application or tables):
        raise StoreFailed(name, "the database belongs to another program", "Choose another path")
    must_be_known(name, version, get_newest_version(migrations("sqlite")))
    return int(version)


def is_up_to_date(name: str, connection: sqlite3.Connection) -> bool:
    """Return whether nothing is to be done; errors are those of `check_schema`."""
    return check_schema(name, connection) == get_newest_version(migrations("sqlite"))


def upgrade_schema(name: str, connection: sqlite3.Connection) -> None:
    """Update the schema, or create it in an empty database; errors as in `check_schema`.

    The caller has begun a transaction, and commits it.
    """
    scripts = migrations("sqlite")
    # Asked again inside the transaction: another process may have been faster.
    version = check_schema(name, connection)
    for _, script in list_missing(scripts, version):
        # not by `executescript`, which commits the transaction that is open
        for statement in _statements(script):
            connection.execute(statement)
    connection.execute(f"PRAGMA application_id = {APPLICATION}")
    connection.execute(f"PRAGMA user_version = {get_newest_version(scripts)}")


def _statements(script: str) -> Iterator[str]:
    statement = ""
    for line in script.splitlines():
        statement += f"{line}\n"
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""
