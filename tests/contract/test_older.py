"""A database from before the first release is refused, and left alone."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import psycopg
import pytest

import itagflow
from itagflow import StoreFailed
from itagflow.storage._sql.migrations import FIRST

REFUSED = r"version {} of the schema, from before the first release.*Export its jobs .* import them into a new database"


def set_version(url: str, file: Path, version: int) -> None:
    """Have a database say that its schema has this version."""
    if url.startswith("postgresql"):
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("UPDATE itagflow.migration SET version = %s", (version,))
        return
    with closing(sqlite3.connect(file, isolation_level=None)) as connection:
        connection.execute(f"PRAGMA user_version = {version}")


@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
def test_what_was_never_released_is_refused(
    kind: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    """Its jobs come over as files, which the error says."""
    file = tmp_path / "labels.db"
    url = (
        str(request.getfixturevalue("postgres_url")) if kind == "postgres" else f"sqlite:///{file}"
    )
    with itagflow.open(url) as flow:
        flow.workspaces.create("street", admin="ada")
    for version in range(1, FIRST):
        set_version(url, file, version)
        before = file.read_bytes() if kind == "sqlite" else b""
        with pytest.raises(StoreFailed, match=REFUSED.format(version)):
            itagflow.open(url)
        assert kind == "postgres" or file.read_bytes() == before
    set_version(url, file, FIRST)
    with itagflow.open(url) as flow:
        assert list(flow.jobs.list("street")) == []
