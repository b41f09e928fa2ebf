"""What SQLite's errors mean: the one place where they are translated."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Mapping
from typing import cast

from itagflow.errors import StoreFailed
from itagflow.model.arguments import make_error
from itagflow.storage._sql.transaction import IS_OF_PARENT, Transaction

_MEANINGS: Mapping[str, tuple[str, str]] = {
    "SQLITE_BUSY": (
        "the database is busy",
        "Another program holds it for long: end that, then try again",
    ),
    "SQLITE_LOCKED": (
        "the database is busy",
        "Another program holds it for long: end that, then try again",
    ),
    "SQLITE_READONLY": ("the database is read-only", "Make the file and its folder writable"),
    "SQLITE_FULL": ("the disk or the database is full", "Make room; what was saved before is safe"),
    "SQLITE_CORRUPT": (
        "the file is corrupt",
        "Restore it from a backup; `sqlite3 FILE .recover` may save parts",
    ),
    "SQLITE_NOTADB": (
        "the file is not a SQLite database",
        "Choose another path, or move the file away",
    ),
    "SQLITE_CANTOPEN": (
        "the file cannot be opened",
        "Check that its folder exists and can be written",
    ),
    "SQLITE_IOERR": ("the disk failed", "Check the disk and its free space"),
    "SQLITE_TOOBIG": (
        "a value is too big for SQLite",
        "Keep large data in a file that the row points to",
    ),
    "SQLITE_PERM": ("the file may not be accessed", "Check its permissions"),
    "SQLITE_AUTH": ("the file may not be accessed", "Check its permissions"),
}


def translate(store: str, error: sqlite3.Error) -> StoreFailed:
    """Return our error for SQLite's; the caller raises it from the original."""
    # The name and not the text, which differs by version.  Its first two words are the kind: there
    # are dozens of SQLITE_IOERR_….  Errors of the driver itself have no name.
    name = getattr(error, "sqlite_errorname", "") or ""
    family = "_".join(name.split("_")[:2])
    reason, hint = _MEANINGS.get(
        family, (f"SQLite says: {error}", "This may be a bug: please report it")
    )
    return StoreFailed(store, reason, hint)


def path_of(path: str | os.PathLike[str]) -> str:
    """Return *path* as text.

    Raises:
        InvalidData: when it is no path.
        StoreFailed: when the system has no files that are called so.
    """
    if not isinstance(cast(object, path), str | bytes | os.PathLike):
        raise make_error("the store", "path", "must be the path of a file", path)
    name = os.fsdecode(path)
    try:
        is_refused = b"\0" in os.fsencode(name)
    except UnicodeError:  # half of a surrogate pair
        is_refused = True
    if is_refused:
        raise StoreFailed(
            name, "the file cannot be opened: its name is none", "Choose another path"
        )
    return name


def failure_of(transaction: Transaction[sqlite3.Connection], error: sqlite3.Error) -> StoreFailed:
    """Return our error for SQLite's inside a transaction; a forked child gets its own error."""
    if transaction.refusal is IS_OF_PARENT:
        return StoreFailed(transaction.store, *IS_OF_PARENT)
    return translate(transaction.store, error)
