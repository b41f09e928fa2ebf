"""The limit: the same reads and writes as the library's, hand-written on the database's driver, on the same tables."""

import json
import sqlite3
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import count
from typing import Any

import psycopg

NEVER = 2**63 - 1


def micros() -> int:
    """Return the time in microseconds."""
    return time.time_ns() // 1000


class Raw:
    """A connection with the statements of one job, in what SQL the two databases share."""

    begin, lock, take, apart = "BEGIN IMMEDIATE", "", "", ""
    bulk = 5_000
    """How many rows are loaded in one transaction."""

    def __init__(self, connection: Any, job: int, member: int) -> None:
        """Work on a job of the library's, as one of its members."""
        self.connection, self.job, self.member = connection, job, member
        self.ids = count(10**15)

    def run(self, text: str, values: Iterable[Any] = ()) -> Any:
        """Run a statement."""
        return self.connection.execute(text, values)

    @contextmanager
    def block(self) -> Iterator[None]:
        """Run a write transaction."""
        self.run(self.begin)
        yield
        self.run("COMMIT")

    def event(
        self, type: str, package: int, assignment: int, task: int, body: dict[str, Any]
    ) -> None:
        """Insert an event."""
        self.run(
            "INSERT INTO event (version, workspace, job, package, assignment, task, member, type, at, became, body) "
            "VALUES (0, 1, ?, ?, ?, ?, ?, ?, ?, '', ?)",
            (
                self.job,
                package,
                assignment,
                task,
                self.member,
                type,
                micros(),
                json.dumps(body, separators=(",", ":")),
            ),
        )

    def sums(self, *added: tuple[int, str, int, int]) -> None:
        """Add to the sums of packages and tasks by state."""
        marks = ", ".join(["(?, ?, ?, ?, ?, 0, 0, 0, 0, 0)"] * len(added))
        self.run(
            "INSERT INTO package_sums (job, state, slot, number, size, abandoned, wrong, disputed, prelabeled, "
            f"corrected) VALUES {marks} ON CONFLICT (job, state, slot) DO UPDATE "
            "SET number = package_sums.number + excluded.number, size = package_sums.size + excluded.size",
            [
                value
                for job, state, number, size in added
                for value in (job, state, self.member % 32, number, size)
            ],
        )

    def claim(self) -> tuple[int, int]:
        """Take the first package of the queue."""
        with self.block():
            number, free, version = self.run(
                "SELECT number, free, version FROM package WHERE job = ? AND state = 'label' AND waiting = 1 "
                "AND NOT EXISTS (SELECT 1 FROM assignment a WHERE a.job = package.job AND a.package = package.number "
                f"AND a.member = ? AND a.stage = 'label' AND a.state IN ('held', 'done'){self.apart}) "
                f"ORDER BY priority DESC, due, waiting_since, number LIMIT 1{self.take}",
                (self.job, self.member),
            ).fetchone()
            self.run(
                "UPDATE package SET free = ?, waiting = ?, version = ? WHERE job = ? AND number = ? AND version = ?",
                (free - 1, int(free > 1), version + 1, self.job, number, version),
            )
            assignment = next(self.ids)
            self.run(
                "INSERT INTO assignment (job, id, version, package, stage, round, member, state, live, lease_until, "
                "token, purpose, authored, body) "
                "VALUES (?, ?, 0, ?, 'label', 1, ?, 'held', 1, ?, '', 'label', 0, ?)",
                (
                    self.job,
                    assignment,
                    number,
                    self.member,
                    NEVER,
                    json.dumps({"made_at": micros()}),
                ),
            )
            key = [self.job, assignment]
            moves = [
                ["assignment", key, "state", None, "held"],
                ["assignment", key, "member", None, self.member],
            ]
            self.event(
                "claim",
                number,
                assignment,
                0,
                {"changes": [*moves, ["assignment", key, "round", None, 1]]},
            )
        return assignment, number

    def tasks(self, assignment: int) -> list[tuple[Any, ...]]:
        """Read the tasks of an assignment with what was said about them."""
        self.run("BEGIN")
        (package,) = self.run(
            "SELECT package FROM assignment WHERE job = ? AND id = ?", (self.job, assignment)
        ).fetchone()
        tasks: list[tuple[Any, ...]] = self.run(
            "SELECT number, body FROM task WHERE job = ? AND package = ? ORDER BY number",
            (self.job, package),
        ).fetchall()
        self.run(
            "SELECT * FROM package WHERE job = ? AND number = ?", (self.job, package)
        ).fetchall()
        self.run(
            "SELECT * FROM assignment WHERE job = ? AND package = ?", (self.job, package)
        ).fetchall()
        span = (self.job, tasks[0][0], tasks[-1][0])
        self.run("SELECT * FROM answer WHERE job = ? AND task BETWEEN ? AND ?", span).fetchall()
        self.run("COMMIT")
        return tasks

    def save(self, assignment: int, task: int, label: str) -> None:
        """Save the answer to a task."""
        with self.block():
            row = self.run(
                f"SELECT state, package FROM assignment WHERE job = ? AND id = ?{self.lock}",
                (self.job, assignment),
            ).fetchone()
            key = (self.job, assignment, task)
            self.run(
                "SELECT version FROM answer WHERE job = ? AND assignment = ? AND task = ?", key
            ).fetchone()
            body = {"at": micros(), "replies": {"1": {"key": label, "kind": "choice"}}}
            self.run(
                "INSERT INTO answer (job, assignment, task, version, package, stage, round, member, is_resolved, "
                "is_abandoned, verdict, seconds, body) VALUES (?, ?, ?, 0, ?, 'label', 1, ?, 1, 0, '', 0, ?)",
                (*key, row[1], self.member, json.dumps(body, separators=(",", ":"))),
            )
            self.event("save", row[1], assignment, task, {})

    def submit(self, assignment: int) -> None:
        """Hand a package in that passes to the next stage."""
        with self.block():
            key = (self.job, assignment)
            package, version = self.run(
                f"SELECT package, version FROM assignment WHERE job = ? AND id = ?{self.lock}", key
            ).fetchone()
            place = (self.job, package)
            old, size = self.run(
                f"SELECT version, size FROM package WHERE job = ? AND number = ?{self.lock}", place
            ).fetchone()
            answered, abandoned = self.run(
                "SELECT COUNT(*), SUM(is_abandoned) FROM answer "
                "WHERE job = ? AND assignment = ? AND is_resolved = 1",
                key,
            ).fetchone()
            self.run("SELECT * FROM assignment WHERE job = ? AND package = ?", place).fetchall()
            if answered != size or abandoned:
                raise ValueError(assignment)
            self.run(
                "UPDATE assignment SET state = 'done', live = 0, version = ?, body = ? "
                "WHERE job = ? AND id = ? AND version = ?",
                (
                    version + 1,
                    json.dumps({"outcome": "submitted", "ended_at": micros()}),
                    *key,
                    version,
                ),
            )
            self.run(
                "UPDATE package SET state = 'accept', free = 1, waiting = 1, waiting_since = ?, version = ? "
                "WHERE job = ? AND number = ? AND version = ?",
                (micros(), old + 1, *place, old),
            )
            self.sums((self.job, "accept", 1, size), (self.job, "label", -1, -size))
            moves = [
                ["assignment", key, "state", "held", "done"],
                ["package", place, "state", "label", "accept"],
            ]
            self.event("submit", package, assignment, 0, {"changes": moves})

    def load(self, rows: Iterable[dict[str, Any]], size: int) -> None:
        """Load rows from mappings as tasks in packages of *size*, in transactions of 5,000."""
        rows, first = iter(rows), 1
        while block := [
            json.dumps(row, ensure_ascii=False)
            for row, _ in zip(rows, range(self.bulk), strict=False)
        ]:
            numbers = range(first, first + len(block))
            packages = range((first - 1) // size + 1, (numbers[-1] - 1) // size + 2)
            with self.block():
                self.insert(
                    "task (job, number, version, package, row_key_text, body)",
                    (
                        (self.job, n, 0, (n - 1) // size + 1, "", text)
                        for n, text in zip(numbers, block, strict=True)
                    ),
                )
                self.insert(
                    "package (job, number, version, state, waiting, priority, waiting_since, free, round, size, "
                    "abandoned, wrong, disputed, value, prelabeled, corrected, open, due, body)",
                    (
                        (
                            self.job,
                            p,
                            0,
                            "label",
                            1,
                            0,
                            micros(),
                            1,
                            1,
                            size,
                            0,
                            0,
                            0,
                            "",
                            0,
                            0,
                            1,
                            NEVER,
                            "{}",
                        )
                        for p in packages
                    ),
                )
                self.sums((self.job, "label", len(packages), len(block)))
                self.event("load", 0, 0, 0, {"data": {"rows": [first, numbers[-1]]}})
            first += len(block)

    def insert(self, table: str, rows: Iterable[tuple[Any, ...]]) -> None:
        """Insert many rows."""
        marks = ", ".join("?" * (table.count(",") + 1))
        self.connection.executemany(f"INSERT INTO {table} VALUES ({marks})", rows)

    def rows(self) -> Iterator[tuple[Any, ...]]:
        """Read all tasks of the job, a page at a time, as an export does."""
        query = "SELECT number, body FROM task WHERE job = ? ORDER BY number"
        yield from self.run(query, (self.job,))

    def close(self) -> None:
        """Close the connection."""
        self.connection.close()


def sqlite(path: str, job: int, member: int, synchronous: str) -> Raw:
    """Open a file that the library has made."""
    connection = sqlite3.connect(path, isolation_level=None, timeout=60, cached_statements=512)
    connection.execute(f"PRAGMA synchronous = {synchronous}")
    return Raw(connection, job, member)


class Postgres(Raw):
    """The same on PostgreSQL: rows are held, and loaded by COPY."""

    begin, lock, take, apart = "BEGIN", " FOR UPDATE", " FOR UPDATE SKIP LOCKED", " OFFSET 0"

    def __init__(self, url: str, job: int, member: int) -> None:
        """Connect to a database that the library has made."""
        connection = psycopg.connect(url, autocommit=True, options="-c search_path=itagflow")
        super().__init__(connection, job, member)
        self._cursor = connection.cursor()
        self._texts = dict[str, str]()

    def run(self, text: str, values: Iterable[Any] = ()) -> Any:
        """Run a statement, its text with this driver's marks."""
        known = self._texts.get(text) or self._texts.setdefault(text, text.replace("?", "%s"))
        return self._cursor.execute(known, tuple(values))  # type: ignore[arg-type]

    def insert(self, table: str, rows: Iterable[tuple[Any, ...]]) -> None:
        """Copy many rows."""
        with self._cursor.copy(f"COPY {table} FROM STDIN") as copy:  # type: ignore[arg-type]
            for row in rows:
                copy.write_row(row)

    def rows(self) -> Iterator[tuple[Any, ...]]:
        """Read all tasks of the job with a cursor of the server's."""
        with self.connection.transaction(), self.connection.cursor("all") as cursor:
            cursor.itersize = 2_000
            yield from cursor.execute(
                "SELECT number, body FROM task WHERE job = %s ORDER BY number", (self.job,)
            )
