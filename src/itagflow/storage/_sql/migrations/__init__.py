"""The scripts that make each database's schema and bring it up to date, in the folders beside this file."""

from __future__ import annotations

from functools import cache
from importlib.resources import files

from itagflow.errors import StoreFailed


@cache
def migrations(database: str) -> tuple[str, ...]:
    """Return the scripts for this kind of database in order; the first makes version 1."""
    folder = files(__name__).joinpath(database)
    named = sorted((file for file in folder.iterdir() if file.name.endswith(".sql")), key=lambda file: file.name)
    return tuple(file.read_text("utf-8") for file in named)


def must_be_known(name: str, version: int, newest: int) -> None:
    """Check that this program knows the schema of a database.

    Raises:
        StoreFailed: when a newer one has made it.
    """
    if version > newest:
        reason = f"the database has version {version} of the schema, this itagflow knows up to {newest}"
        raise StoreFailed(name, reason, "Upgrade itagflow")
