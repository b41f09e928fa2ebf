"""The schema in PostgreSQL: created or updated; many processes may start at once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol

from psycopg import Cursor, sql

from itagflow.storage._sql.migrations import get_newest_version, list_missing, must_be_known

LOCK = 0x69546167666C6F77
"""The advisory lock under which one process at a time migrates: ``iTagflow``."""

_HAS_TABLE = """
    SELECT 1 FROM pg_catalog.pg_class
    JOIN pg_catalog.pg_namespace ON pg_namespace.oid = relnamespace
    WHERE nspname = %s AND relname = %s
"""


class Opening(Protocol):
    """**Protocol:** a transaction on a database that is being opened."""

    @property
    def cursor(self) -> Cursor[tuple[Any, ...]]:
        """Runs its statements."""
        ...


Begin = Callable[[], AbstractContextManager[Opening]]
"""Opens a transaction."""


def migrate(name: str, schema: str, begin: Begin, scripts: Sequence[str]) -> None:
    """Run those of *scripts* that have not run yet, all or none.

    Raises:
        StoreFailed: when a program of another version has made the schema, or the server refuses.
    """
    last = get_newest_version(scripts)
    # checked without the lock first: usually there is nothing to do, and nobody has to wait
    with begin() as opening:
        version = _version(name, schema, opening.cursor, last)
    if version == last:
        return
    with begin() as opening:
        cursor = opening.cursor
        # CREATE … IF NOT EXISTS is not enough: two that run at once can both fail in the catalog
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", (LOCK,))
        version = _version(name, schema, cursor, last)  # somebody may have been faster
        schema_name = sql.Identifier(schema)
        if version == 0:
            cursor.execute(sql.SQL("CREATE SCHEMA IF NOT EXISTS {}").format(schema_name))
        # the scripts name tables without their schema; LOCAL: only until this transaction ends
        cursor.execute(sql.SQL("SET LOCAL search_path TO {}").format(schema_name))
        if version == 0:
            cursor.execute(
                "CREATE TABLE migration (version BIGINT PRIMARY KEY, at TIMESTAMPTZ NOT NULL)"
            )
        for number, script in list_missing(scripts, version):
            cursor.execute(script.encode())
            cursor.execute("INSERT INTO migration (version, at) VALUES (%s, now())", (number,))


def _version(name: str, schema: str, cursor: Cursor[tuple[Any, ...]], last: int) -> int:
    """Return the version of the schema; 0 where there is none."""
    table = sql.Identifier(schema, "migration")
    # not by to_regclass: that may answer from a cache of this connection, which another process has
    # made untrue
    if cursor.execute(_HAS_TABLE, (schema, "migration")).fetchone() is None:
        return 0
    row = cursor.execute(
        sql.SQL("SELECT COALESCE(MAX(version), 0) FROM {}").format(table)
    ).fetchone()
    version = int(row[0]) if row else 0
    must_be_known(name, version, last)
    return version
