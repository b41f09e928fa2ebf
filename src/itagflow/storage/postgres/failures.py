"""What PostgreSQL's errors mean: the one place where they are translated."""

from __future__ import annotations

import sys
from collections.abc import Generator, Mapping
from typing import Any

import psycopg

from itagflow.contexts import safe_context
from itagflow.errors import StoreFailed
from itagflow.storage._sql.transaction import IS_OF_PARENT, Transaction

_CALL_AGAIN = "Call again: what was stored is not done twice, and nothing is stored by half"

# Keys are SQLSTATE codes, or the first two characters of them, which are the class of the error: a
# whole code wins over its class.
_MEANINGS: Mapping[str, tuple[str, str]] = {
    "08": ("the connection was lost", _CALL_AGAIN),
    "0A": ("the server cannot do this", "itagflow needs PostgreSQL 14 or newer"),
    "22": ("a value does not fit", "Texts must be valid Unicode without NUL, numbers below 2**63"),
    "23": (
        "the database holds something that contradicts this",
        "This may be a bug: please report it",
    ),
    "25": (
        "a statement of this transaction had failed before",
        "Nothing of the transaction was stored: call again",
    ),
    "28": ("the server does not let this user in", "Check the user and the password"),
    "3D": ("there is no such database", "Create it, or choose another"),
    "3F": ("there is no such schema", "Check that nobody has dropped it"),
    "40": ("two transactions conflicted", _CALL_AGAIN),
    "42": (
        "the server refused the statement",
        "Check that the user owns the schema, and that nobody changed it",
    ),
    "53": (
        "the server is out of disk, memory or connections",
        "Make room; what was saved before is safe",
    ),
    "54": ("a value is too big for PostgreSQL", "Keep large data in a file that the row points to"),
    "55": ("something is locked", _CALL_AGAIN),
    "57": ("the server stopped the statement", _CALL_AGAIN),
    "58": ("the server's disk failed", "Check its disk and its log"),
    "XX": ("the database is damaged", "Check the server's log; restore from a backup"),
    "25006": ("the database is read-only", "Connect to the primary server"),
    "40P01": ("two transactions waited for each other", _CALL_AGAIN),
    "42501": ("the user may not do this", "Let the user create, read and write in the schema"),
    "53100": ("the server's disk is full", "Make room; what was saved before is safe"),
    "53300": (
        "the server has no connection left",
        "Raise its max_connections, or use fewer connections",
    ),
    "57014": ("the statement took too long and was canceled", _CALL_AGAIN),
    "57P03": ("the server is starting or stopping", _CALL_AGAIN),
}


@safe_context
def translate_errors(store: str) -> Generator[None]:
    """Raise our error for PostgreSQL's.

    Raises:
        StoreFailed: when the driver, the pool or the server fails.
    """
    try:
        yield
    except psycopg.Error as error:
        raise make_store_error(store, error) from error


@safe_context
def translate_errors_in(transaction: Transaction[Any]) -> Generator[None]:
    """Raise our error for PostgreSQL's inside a transaction, which a child may have inherited.

    Raises:
        StoreFailed: when the driver or the server fails, or the process was forked.
    """
    try:
        yield
    except psycopg.Error as error:
        raise failure_of(transaction, error) from error


@safe_context
def in_pipeline(transaction: Transaction[Any]) -> Generator[None]:
    """Translate errors as `translate_errors_in` does, around a pipeline of the driver.

    An exception from outside, such as `KeyboardInterrupt`, is raised as it is.

    Raises:
        StoreFailed: when the driver or the server fails, or the process was forked.
    """
    transaction.is_in_pipeline = True
    # what the caller handles, perhaps an interruption, is the context of all that is raised in here
    handled = sys.exc_info()[1]
    try:
        yield
    except psycopg.Error as error:
        outside = _find_outside(error, handled)
        if outside is not None:
            raise outside from None
        raise failure_of(transaction, error) from error
    transaction.is_in_pipeline = False


def _find_outside(error: psycopg.Error, handled: BaseException | None) -> BaseException | None:
    """Return the exception from outside in whose place the driver has raised *error*, if any.

    One that is raised while a pipeline ends makes the driver fail, and is the context of its error.
    The driver's errors for failures of its own have no context, or suppress it.
    """
    found: BaseException = error
    while isinstance(found, psycopg.Error):
        context = found.__context__
        if context is None or context is handled or found.__suppress_context__:
            return None
        found = context
    return found


def make_store_error(store: str, error: psycopg.Error) -> StoreFailed:
    """Return our error for PostgreSQL's; the caller raises it from the original."""
    code = error.sqlstate
    if code is None:  # the driver itself has raised it, and only its class tells what happened
        code = ""
        if isinstance(error, psycopg.OperationalError | psycopg.InterfaceError):
            code = "08"
        elif isinstance(error, psycopg.DataError):
            code = "22"
    known = _MEANINGS.get(code) or _MEANINGS.get(code[:2])
    if known is None:
        return StoreFailed(
            store, f"PostgreSQL says: {error}", "This may be a bug: please report it"
        )
    return StoreFailed(store, f"{known[0]} ({str(error).strip().splitlines()[0]})", known[1])


def failure_of(transaction: Transaction[Any], error: psycopg.Error) -> StoreFailed:
    """Return our error for PostgreSQL's inside a transaction; a forked child gets its own error."""
    # the fork has cut the connection off, so the error says only that it was lost
    if transaction.refusal is IS_OF_PARENT:
        return StoreFailed(transaction.store, *IS_OF_PARENT)
    return make_store_error(transaction.store, error)
