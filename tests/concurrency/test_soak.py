"""A soak: everybody does anything on PostgreSQL, while connections are cut and the server is restarted.

Nobody gets what somebody else has, and whatever a verb had returned is there.  ``ITAGFLOW_SOAK``
says for how many seconds; 10 unless set, half of them on either side of a restart.  Above 60 it is
the long form: 16 processes and three restarts.
"""

from __future__ import annotations

import multiprocessing
import os
import random
import time
from collections import Counter
from contextlib import closing
from pathlib import Path

import psycopg
from support import postgres
from support.soaking import Found, Soak, cut_one, notes, order, soak

import itagflow

SECONDS = float(os.environ.get("ITAGFLOW_SOAK", "10"))
LONG = SECONDS > 60
PROCESSES = 16 if LONG else 4
RESTARTS = ("fast", "immediate", "fast") if LONG else ("immediate",)
"""How the server is stopped each time: orderly, or as in a crash."""
SETTINGS = ("fsync=off",)
"""The server crashes, the machine does not: what the server had written, the machine still has."""
SPAWN = multiprocessing.get_context("spawn")


def disturb(server: postgres.Server, draw: random.Random) -> int:
    """Cut connections at random moments, restart the server now and then, and return how many were cut."""
    began, cuts = time.monotonic(), 0
    for number, mode in enumerate((*RESTARTS, None), 1):
        until = began + SECONDS * number / (len(RESTARTS) + 1)
        with closing(psycopg.connect(server.url, autocommit=True)) as connection:
            while time.monotonic() < until:
                time.sleep(draw.uniform(0, 0.5))
                cuts += cut_one(connection, draw)
        if mode:
            server.stop(mode)
            server.start()
    return cuts


def test_nothing_is_lost_and_nobody_gets_what_another_has(tmp_path: Path) -> None:
    with postgres.running(SETTINGS) as server:
        with itagflow.open(server.url) as flow:
            job = order(flow)
        given = [
            Soak(server.url, job.id, seed, SECONDS, tmp_path / f"{seed}")
            for seed in range(PROCESSES)
        ]
        with SPAWN.Pool(PROCESSES) as pool:
            working = pool.map_async(soak, given, 1)
            while not working.ready() and sum(1 for _ in tmp_path.iterdir()) < PROCESSES:
                time.sleep(0.1)  # until everybody is there
            cuts = disturb(server, random.Random(PROCESSES))
            done = sum(working.get(timeout=SECONDS + 300), Counter[str]())
        with itagflow.open(server.url) as flow:
            found = Found(flow, job, list(notes(tmp_path)))
            print(
                f"{PROCESSES} processes, {SECONDS:g} s, {len(RESTARTS)} restarts, {cuts} cuts",
                found.figures(),
                done,
            )
            assert cuts
            assert done["called again"]
            found.check()
