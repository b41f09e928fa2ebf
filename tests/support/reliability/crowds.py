"""Threads and processes do anything at once, on one store; on a server, connections are cut meanwhile."""

from __future__ import annotations

import multiprocessing
import random
import tempfile
import time
from collections import Counter
from contextlib import closing
from pathlib import Path

import psycopg

import itagflow
from support import soaking
from support.reliability.street import is_file

SPAWN = multiprocessing.get_context("spawn")
PROCESSES, THREADS = 2, 3


def together(url: str, seconds: float) -> str:
    """Nobody gets what somebody else has, no answer is lost, and the store is sound in the end."""
    with itagflow.open(url) as flow, tempfile.TemporaryDirectory() as folder:
        job = soaking.order(flow)
        given = [
            soaking.Soak(url, job.id, seed, seconds, Path(folder, f"{seed}"), THREADS)
            for seed in range(PROCESSES)
        ]
        with SPAWN.Pool(PROCESSES) as pool:
            working = pool.map_async(soaking.soak, given, 1)
            cuts = 0 if is_file(url) else disturb(url, seconds, folder)
            done = sum(working.get(timeout=seconds + 60), Counter[str]())
        found = soaking.Found(flow, job, list(soaking.notes(Path(folder))))
        found.check()
    assert is_file(url) or cuts, "no connection was cut"
    verbs = sum(done.values()) - done["called again"]
    how = f"{PROCESSES} processes of {THREADS} threads, {seconds:g} s, {verbs} acts, {done['refused']} refused"
    return f"{how}, {cuts} cuts, {done['called again']} calls made again, {found.figures()}"


def disturb(url: str, seconds: float, folder: str) -> int:
    """Cut connections at random moments as soon as everybody is there, and return how many were cut."""
    draw, cuts = random.Random(8), 0
    while not any(Path(folder).iterdir()):
        time.sleep(0.1)
    until = time.monotonic() + seconds  # from here: on a busy machine they start late
    with closing(psycopg.connect(url, autocommit=True)) as connection:
        while time.monotonic() < until:
            time.sleep(draw.uniform(0, 0.5))
            cuts += soaking.cut_one(connection, draw)
    return cuts
