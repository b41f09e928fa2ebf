"""A database with work in it that an older version has made is brought up to date, and is sound."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import psycopg
import pytest
from corruptions import a_busy_job
from scenes import Clock

import itagflow
from itagflow import PackageState

BACK = [
    "DROP INDEX package_open",
    "ALTER TABLE package DROP COLUMN open",
    "DROP TABLE package_sums",
]
"""From version 3 to 2."""


def one_version_back(url: str, file: Path) -> None:
    if url.startswith("postgresql"):
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("SET search_path TO itagflow")
            for statement in (*BACK, "DROP INDEX assignment_package", "DELETE FROM migration WHERE version = 3"):
                connection.execute(statement.encode())
            connection.execute("CREATE INDEX assignment_package ON assignment (job, package, id)")
        return
    with closing(sqlite3.connect(file, isolation_level=None)) as connection:
        for statement in (*BACK, "DELETE FROM sqlite_stat1 WHERE idx = 'package_open'", "PRAGMA user_version = 2"):
            connection.execute(statement)


@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
def test_what_version_3_keeps_is_worked_out(
    kind: str, request: pytest.FixtureRequest, tmp_path: Path, clock: Clock
) -> None:
    """Which packages are open, and the sums of those in each state."""
    file = tmp_path / "labels.db"
    url = str(request.getfixturevalue("postgres_url")) if kind == "postgres" else f"sqlite:///{file}"
    with itagflow.open(url, clock=clock) as flow:
        job = a_busy_job(flow)
        before = flow.progress(job)
    one_version_back(url, file)
    with itagflow.open(url, clock=clock) as flow:
        assert flow.progress(job) == before
        assert before.packages[PackageState.DISCARDED] == 1
        assert list(flow.verify()) == []
        assert flow.finish(job, by="ada", discard_open=True).state.value == "finished"
