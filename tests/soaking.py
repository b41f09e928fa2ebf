"""What the processes of the soak do, and what they note; in a module of its own, so that they can import it."""

from __future__ import annotations

import json
import logging
import random
import time
from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, TextIO

import attrs
from workers import PEOPLE, VERBS, erase

import itagflow
from itagflow import AlreadyExists, Flow, InvalidData, NotFound, RuleError, StoreFailed, codec

CUT = ("the connection was lost", "the server stopped the statement", "the server is starting or stopping")
"""Why a call is made again; whatever else the store says is no fault of the server, and ends the soak."""
NOTED = frozenset({"claim", "save_many", "modify", "submit", "review", "accept", "reject", "release"})
"""The verbs of those who work: what these return is noted."""
KEEPING = tuple(verb for verb in VERBS if verb is not erase)
"""What they do; nothing is erased, for every answer is looked for in the end."""


@attrs.frozen
class Soak:
    """One process of it."""

    url: str
    job: int
    seed: int
    seconds: float
    notes: Path
    """Where it notes what the store has promised to keep."""


class Insistent:
    """Calls a Flow until the store has answered, and notes what it has said."""

    def __init__(self, url: str, notes: TextIO) -> None:
        self.again = 0
        """How many calls were made again."""
        self._notes = notes
        self.flow: Flow = self._insist(partial(itagflow.open, url))

    def __getattr__(self, verb: str) -> Any:
        return partial(self._call, verb)

    def _call(self, verb: str, *given: Any, **more: Any) -> Any:
        said = self._insist(lambda: read(getattr(self.flow, verb)(*given, **more)))
        for entity in said if isinstance(said, list) else [said]:
            if verb in NOTED and entity is not None:
                print(json.dumps([verb, codec.to_json(entity)]), file=self._notes, flush=True)
        return said

    def _insist(self, call: Callable[[], Any]) -> Any:
        while True:
            try:
                return call()
            except StoreFailed as error:
                if not error.reason.startswith(CUT):
                    raise
                self.again += 1
                time.sleep(0.02)


def read(said: Any) -> Any:
    """All of what is said bit by bit."""
    return list(said) if isinstance(said, Iterator) else said


def carry_on(flow: Flow, job: int, name: str, draw: random.Random) -> None:
    """Resume: who called again to pause was told that it is paused, and left it so."""
    flow.resume(job, by="ada")


def soak(given: Soak) -> Counter[str]:
    """Do anything as anybody until the time is over, and return how often each verb was done, refused, called again."""
    logging.getLogger("psycopg.pool").setLevel(logging.ERROR)  # it warns of each connection that is cut
    draw, done, until = random.Random(given.seed), Counter[str](), time.monotonic() + given.seconds
    with given.notes.open("w") as notes:
        flow: Any = Insistent(given.url, notes)
        while time.monotonic() < until:
            verb = draw.choice((*KEEPING, carry_on))
            try:
                verb(flow, given.job, draw.choice(PEOPLE), draw)
                done[verb.__name__] += 1
            except (RuleError, InvalidData, AlreadyExists, NotFound):
                done["refused"] += 1
        done["called again"] = flow.again
        flow.close()
    return done
