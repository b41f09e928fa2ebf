"""The connections that a process keeps; what the server has closed is replaced unseen."""

from __future__ import annotations

import selectors
from typing import Any

import psycopg
from psycopg import Connection
from psycopg_pool import ConnectionPool


def new_pool(url: str, connections: int, patience: float) -> ConnectionPool[Connection[Any]]:
    """Return a pool of at most so many *connections*, for each of which a block waits *patience* seconds."""

    def must_be_alive(connection: Connection[Any]) -> None:
        try:
            _must_be_alive(connection)
        except psycopg.Error:
            pool.check()  # who has closed one has closed more: found out one by one, each is waited for twice as long
            raise

    pool: ConnectionPool[Connection[Any]] = ConnectionPool(
        url,
        kwargs={"autocommit": True},
        min_size=0,
        max_size=connections,
        timeout=patience,
        check=must_be_alive,
        open=True,
    )
    return pool


def _must_be_alive(connection: Connection[Any]) -> None:
    """Ask the server only when it has said something unasked, as it does when it closes the connection."""
    with selectors.DefaultSelector() as waiting:
        waiting.register(connection, selectors.EVENT_READ)
        if waiting.select(0):
            ConnectionPool.check_connection(connection)
