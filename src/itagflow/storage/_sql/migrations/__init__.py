"""The scripts that create and update the schema of each database, in these folders."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache
from importlib.resources import files

from itagflow.errors import StoreFailed

FIRST = 4
"""The version that the first script makes.  Lower ones are from before the first release."""


@cache  # files of the installed package, which do not change while it runs
def migrations(database: str) -> tuple[str, ...]:
    """Return the scripts for this kind of database in order; the first makes version `FIRST`."""
    folder = files(__name__).joinpath(database)
    # in the order of their names, which begin with a number; a folder lists them in any order
    scripts = sorted(
        (file for file in folder.iterdir() if file.name.endswith(".sql")),
        key=lambda file: file.name,
    )
    return tuple(file.read_text("utf-8") for file in scripts)


def get_newest_version(scripts: Sequence[str]) -> int:
    """Return the version that the last of *scripts* makes."""
    return FIRST - 1 + len(scripts)


def list_missing(scripts: Sequence[str], version: int) -> Iterator[tuple[int, str]]:
    """Yield the *scripts* that a database of this *version* lacks, each with its version."""
    return ((number, script) for number, script in enumerate(scripts, FIRST) if number > version)


def must_be_known(name: str, version: int, newest: int) -> None:
    """Check that this program knows the schema of a database; version 0 is an empty one.

    Raises:
        StoreFailed: when a newer program has made it, or one from before the first release.
    """
    # What a newer program has changed is not known here: to write without it may lose something.
    if version > newest:
        reason = (
            f"the database has version {version} of the schema, this itagflow knows up to {newest}"
        )
        raise StoreFailed(name, reason, "Upgrade itagflow")
    if 0 < version < FIRST:
        reason = f"the database has version {version} of the schema, from before the first release"
        hint = "Export its jobs with the itagflow that made it, and import them into a new database"
        raise StoreFailed(name, reason, hint)
