"""Connections to PostgreSQL: made, lent for a block, and given back as they were."""

from __future__ import annotations

import selectors
from collections.abc import Callable, Generator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import psycopg
from psycopg import Connection, Cursor
from psycopg.conninfo import conninfo_to_dict
from psycopg.pq import TransactionStatus
from psycopg.rows import tuple_row
from psycopg.types.numeric import Int8Dumper
from psycopg.types.string import TextLoader
from psycopg_pool import ConnectionPool

from itagflow.errors import InvalidData, Problem
from itagflow.stores._secrets import is_clear, safe_name

PATIENCE = 30.0
"""For how many seconds a block waits for a connection."""

AnyConnection = Connection[Any]
Connect = Callable[[], AbstractContextManager[AnyConnection]]
"""Gives a connection for one block, to be given back at its end."""
Run = Cursor[tuple[Any, ...]]


def new_pool(url: str, connections: int) -> ConnectionPool[AnyConnection]:
    """Return a pool of at most so many connections; what the server has closed is replaced unseen."""

    def must_be_alive(connection: AnyConnection) -> None:
        try:
            _must_be_alive(connection)
        except psycopg.Error:
            pool.check()  # who has closed one has closed more: found out one by one, each is waited for twice as long
            raise

    pool: ConnectionPool[AnyConnection] = ConnectionPool(
        url,
        kwargs={"autocommit": True},
        min_size=0,
        max_size=connections,
        timeout=PATIENCE,
        check=must_be_alive,
        open=True,
    )
    return pool


def name_of(source: str | Connect) -> str:
    """Return what errors call the store: its URL without the password."""
    if callable(source):
        return "postgresql"
    problem = Problem("", "must be like postgresql://user:p%40ss@host/name")
    if not is_clear(source):
        raise InvalidData("the URL", [problem])
    try:
        conninfo_to_dict(source)
    except psycopg.Error:  # its words may have the password in them
        raise InvalidData("the URL", [problem]) from None
    return safe_name(source)


@contextmanager
def by_hand(connection: AnyConnection) -> Generator[None]:
    """Leave it to us where transactions begin and end, and give the connection back as it was, or closed."""
    before = connection.autocommit
    if not before:
        connection.autocommit = True
    try:
        yield
    finally:
        if connection.info.transaction_status != TransactionStatus.IDLE:
            connection.close()
        elif not before:
            connection.autocommit = False


def cursor_of(connection: AnyConnection) -> Run:
    """Return a cursor that gives rows as they are stored, whatever the connection is set to."""
    cursor = connection.cursor(row_factory=tuple_row)
    cursor.adapters.register_loader("jsonb", TextLoader)
    cursor.adapters.register_dumper(int, Int8Dumper)
    return cursor


def _must_be_alive(connection: AnyConnection) -> None:
    """Ask the server only when it has said something unasked, as it does when it closes the connection."""
    with selectors.DefaultSelector() as waiting:
        waiting.register(connection, selectors.EVENT_READ)
        if waiting.select(0):
            ConnectionPool.check_connection(connection)
