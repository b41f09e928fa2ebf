"""A fork at every line of the stores that an act comes by; the child goes on in the middle of the act."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from collections import Counter
from contextlib import closing
from types import FrameType
from typing import Any

from reliability.children import REFUSED, WROTE, Children, House
from reliability.forks import write
from reliability.street import file_of, is_file
from reliability.trials import SETTINGS

from itagflow import StoreFailed

LOOK = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1])
print(connection.execute("SELECT count(*) FROM event").fetchone()[0])
"""


class Forking:
    """Forks at one line of the stores, counted from the first."""

    def __init__(self, children: Children, url: str, at: int) -> None:
        self._children, self._url, self._at = children, url, at
        self.seen = 0
        self.where = ""
        self.before: int | None = None

    def trace(self, frame: FrameType, event: str, _: Any) -> Any:
        if "/itagflow/stores/" not in frame.f_code.co_filename and "contexts" not in frame.f_code.co_filename:
            return None
        return self._line

    def _line(self, frame: FrameType, event: str, _: Any) -> Any:
        if event != "line":
            return self._line
        self.seen += 1
        if self.seen == self._at:
            self.where = f"{frame.f_code.co_qualname}:{frame.f_lineno}"
            before = stored(self._url)
            pid = self._children.fork_on()
            if pid == 0:
                sys.settrace(None)
                frame.f_trace = None
                return None
            self._children.wait(pid)
            after = stored(self._url)
            self.before = after - before
        return self._line


def stored(url: str) -> int:
    """Return how many events another process sees."""
    done = subprocess.run([sys.executable, "-c", LOOK, file_of(url)], stdout=subprocess.PIPE, env=SETTINGS, check=True)
    return int(done.stdout)
