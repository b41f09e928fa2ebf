"""A fork at lines of the stores that an act comes by, as a signal handler can do it; the child goes on from there."""

from __future__ import annotations

import subprocess
import sys
from types import FrameType
from typing import Any

from itagflow import Role, StoreFailed
from support.reliability.children import REFUSED, WROTE, Children, House
from support.reliability.forks import write
from support.reliability.street import file_of
from support.reliability.trials import SETTINGS

LOOK = """
import sqlite3, sys
asked = "SELECT count(*) FROM member WHERE account = ?"
print(sqlite3.connect(sys.argv[1]).execute(asked, (sys.argv[2],)).fetchone()[0])
"""


class Forking:
    """Forks at one of the lines, counted from the first."""

    def __init__(self, children: Children, at: int, account: str, url: str) -> None:
        self._children, self._at, self._url = children, at, url
        self.account, self.seen, self.where = account, 0, ""
        self.is_stored_by_child = False

    def trace(self, frame: FrameType, event: str, _: Any) -> Any:
        """Go along in the stores, and nowhere else."""
        file = frame.f_code.co_filename
        return self._line if "/itagflow/storage/" in file or file.endswith("contexts.py") else None

    def _line(self, frame: FrameType, event: str, _: Any) -> Any:
        self.seen += event == "line"
        if event == "line" and self.seen == self._at:
            before = is_stored(self._url, self.account)
            self.where = f"{frame.f_code.co_qualname}, line {frame.f_lineno}"
            if self._children.fork_on() == 0:
                sys.settrace(None)
                return None
            self._children.wait_all()
            self.is_stored_by_child = not before and is_stored(self._url, self.account)
        return self._line


def is_stored(url: str, account: str) -> bool:
    """Return whether another process sees the member."""
    command = [sys.executable, "-S", "-c", LOOK, file_of(url), account]
    return (
        subprocess.run(command, stdout=subprocess.PIPE, env=SETTINGS, check=True).stdout.strip()
        == b"1"
    )


def everywhere(url: str, step: int) -> str:
    """Fork at every *step*-th line from a policy call to the end of its act; the parent waits there for the child."""
    house, points = House(url), 0
    children, wrong = Children(house.ledger), list[str]()
    while True:
        at = 1 + points * step
        forking = Forking(children, at, f"m{at}", url)
        reason = _add_member(house, forking)
        if children.is_child:
            children.tell(lambda: write(house.flow, house.job))
        if forking.seen < at:
            break
        points += 1
        if forking.is_stored_by_child:
            wrong.append(
                f"a child that was forked in {forking.where} has stored the act of its parent"
            )
        if reason:
            wrong.append(f"the parent was refused behind a fork in {forking.where}: {reason}")
    assert not wrong, wrong
    said = children.only(WROTE, REFUSED)
    return f"{points} points, {said}, {house.close()} answers kept"


def _add_member(house: House, forking: Forking) -> str:
    """Do an act that forks on its way, and return why it was refused, if it was."""
    house.inside = lambda: sys.settrace(forking.trace)
    try:
        house.flow.members.add("street", forking.account, Role.OPERATOR, by="ada")
    except StoreFailed as error:
        return str(error)
    finally:
        sys.settrace(None)
    return ""
