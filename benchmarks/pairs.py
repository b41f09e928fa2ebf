"""Compares claim, save and submit on SQLite of two source trees.

``python -m benchmarks.pairs OLD/src NEW/src [pairs]``; both must have the API of this tree.

Each pair is two processes, one for each tree, that make a few calls each, one after the other: what
slows the machine down for a moment slows down both.  Prints the median of new / old, and its
interval of 95 %: 1.10 means that the new one takes 10 % longer.  ``--full`` has every act written
to the disk before it ends, which is the default of the library; without it the disk has less to
say.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from math import comb
from pathlib import Path
from time import perf_counter
from typing import Any

ROOT = Path(__file__).parents[1]
PAIRS = 20
PACKAGES, SIZE = 1_000, 5
CALLS = 20
"""How many calls a process makes before the other one goes on."""
VERBS = ("claim", "save", "submit")


def measure(url: str) -> Iterator[tuple[str, float]]:
    """Yield the name of a verb and how many seconds a call took, a few calls at a time."""
    import itagflow
    from itagflow import Choice, FixedSize, Stage, templates

    def timed(
        verb: str, act: Callable[..., object], calls: list[tuple[Any, ...]]
    ) -> Iterator[tuple[str, float]]:
        for first in range(0, len(calls), CALLS):
            some = calls[first : first + CALLS]
            began = perf_counter()
            for given in some:
                act(*given)
            yield verb, (perf_counter() - began) / len(some)

    with itagflow.open(url) as flow:
        flow.workspaces.create("bench", admin="ada")
        job = flow.jobs.create(
            "bench",
            "pairs",
            template=templates.image_classification(["cat", "dog"]),
            data=[{"data": {"source": f"{number}.jpg"}} for number in range(PACKAGES * SIZE)],
            packaging=FixedSize(SIZE),
            by="ada",
        )
        yield from timed("claim", flow.claim, [("ada", job, Stage.LABEL)] * PACKAGES)
        held = list(flow.assignments.list("ada", job=job))
        works = [(one, work, Choice("cat")) for one in held for work in flow.tasks(one)]
        yield from timed("save", flow.save, works)
        yield from timed("submit", flow.submit, [(one,) for one in held])


def serve(synchronous: str) -> None:
    """Measure a few calls for each line that comes in, and answer with what was found."""
    with tempfile.TemporaryDirectory() as folder:
        found = measure(f"sqlite:///{folder}/labels.db?synchronous={synchronous}")
        for _ in sys.stdin:
            print(json.dumps(next(found, None)), flush=True)


def begin(source: str, synchronous: str) -> subprocess.Popen[str]:
    """Start a process that measures a source tree."""
    # both processes run this very module, from this folder; only the library is that of the tree
    command = [sys.executable, "-m", "benchmarks.pairs", "--serve", synchronous]
    pipe = subprocess.PIPE
    environment = {**os.environ, "PYTHONPATH": source}
    return subprocess.Popen(command, cwd=ROOT, env=environment, stdin=pipe, stdout=pipe, text=True)


def ask(process: subprocess.Popen[str]) -> tuple[str, float] | None:
    """Let a process make its next calls, and return what it measured."""
    assert process.stdin
    assert process.stdout
    print("go", file=process.stdin, flush=True)
    line = process.stdout.readline()
    assert line, "the process that measures has failed"
    return json.loads(line)


def compare(old: str, new: str, synchronous: str) -> dict[str, float]:
    """Return new / old of one pair, for each verb: the ratio of the medians of all measurements."""
    with begin(old, synchronous) as one, begin(new, synchronous) as other:
        took: dict[str, tuple[list[float], list[float]]] = {verb: ([], []) for verb in VERBS}
        while (found := ask(one)) is not None:
            verb, seconds = found
            took[verb][0].append(seconds)
            answer = ask(other)
            assert answer is not None
            assert answer[0] == verb
            took[verb][1].append(answer[1])
        for process in (one, other):
            assert process.stdin
            process.stdin.close()
    return {
        verb: statistics.median(theirs) / statistics.median(ours)
        for verb, (ours, theirs) in took.items()
    }


def interval(ratios: list[float]) -> tuple[float, float]:
    """Return the interval of 95 % of the median, by order statistics: it supposes nothing about their distribution."""
    ratios, count, below, outside = sorted(ratios), len(ratios), 0, 0.5 ** len(ratios)
    while outside + comb(count, below + 1) * 0.5**count <= 0.025:
        below += 1
        outside += comb(count, below) * 0.5**count
    return ratios[below], ratios[-1 - below]


def main(old: str, new: str, pairs: int, synchronous: str) -> None:
    """Print the ratios."""
    found: dict[str, list[float]] = {verb: [] for verb in VERBS}
    for number in range(pairs):
        if number % 2:  # in turn the one and the other goes first
            ratios = compare(old, new, synchronous)
        else:
            ratios = {verb: 1 / ratio for verb, ratio in compare(new, old, synchronous).items()}
        for verb, ratio in ratios.items():
            found[verb].append(ratio)
    for verb, all_ratios in found.items():
        low, high = interval(all_ratios)
        print(
            f"{verb:8} new / old {statistics.median(all_ratios):.3f}   95 %: {low:.3f} to {high:.3f}   {pairs} pairs"
        )


if __name__ == "__main__":
    if sys.argv[1:2] == ["--serve"]:
        serve(sys.argv[2])
    else:
        parser = argparse.ArgumentParser(description=__doc__)
        parser.add_argument("old")
        parser.add_argument("new")
        parser.add_argument("pairs", nargs="?", type=int, default=PAIRS)
        parser.add_argument("--full", action="store_true")
        given = parser.parse_args()
        main(
            *map(os.path.abspath, (given.old, given.new)),
            given.pairs,
            "full" if given.full else "normal",
        )
