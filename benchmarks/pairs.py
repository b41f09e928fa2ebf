"""Compares claim, save and submit on SQLite of two source trees: ``benchmarks/pairs.py OLD/src NEW/src [pairs]``.

Each pair runs both trees, one after the other and in turn the one and the other first, each in a process of its own.
Prints the median of new / old, and its interval of 95 %: 1.10 means that the new one takes 10 % longer.
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable
from math import comb
from time import perf_counter
from typing import Any

PAIRS = 20
PACKAGES, SIZE, PARTS = 600, 5, 20
VERBS = ("claim", "save", "submit")


def measure(url: str) -> dict[str, float]:
    """Return how many seconds each verb takes, with the library that is on the path: the median of its parts."""
    import itagflow
    from itagflow import Choice, FixedSize, Stage, templates

    def timed(act: Callable[..., object], calls: list[tuple[Any, ...]]) -> float:
        size = len(calls) // PARTS
        took = list[float]()
        for first in range(0, size * PARTS, size):
            began = perf_counter()
            for given in calls[first : first + size]:
                act(*given)
            took.append((perf_counter() - began) / size)
        return statistics.median(took)

    with itagflow.open(url) as flow:
        flow.create_workspace("bench", admin="ada")
        job = flow.create_job(
            "bench",
            "pairs",
            template=templates.image_classification(["cat", "dog"]),
            data=[{"data": {"source": f"{number}.jpg"}} for number in range(PACKAGES * SIZE)],
            packaging=FixedSize(SIZE),
            by="ada",
        )
        claim = timed(flow.claim, [("ada", job, Stage.LABEL)] * PACKAGES)
        held = list(flow.turns("ada", job=job))
        works = [(one, work, Choice("cat")) for one in held for work in flow.tasks(one)]
        save = timed(flow.save, works)
        submit = timed(flow.submit, [(one,) for one in held])
    return dict(zip(VERBS, (claim, save, submit), strict=True))


def measured(source: str) -> dict[str, float]:
    """Measure a source tree in a process of its own."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, __file__, "--one", f"sqlite:///{folder}/labels.db?synchronous=normal"]
        done = subprocess.run(command, env={**os.environ, "PYTHONPATH": source}, check=True, stdout=subprocess.PIPE)
    return json.loads(done.stdout)


def interval(ratios: list[float]) -> tuple[float, float]:
    """Return the interval of 95 % of the median, by order statistics: it supposes nothing about their distribution."""
    ratios, count, below, outside = sorted(ratios), len(ratios), 0, 0.5 ** len(ratios)
    while outside + comb(count, below + 1) * 0.5**count <= 0.025:
        below += 1
        outside += comb(count, below) * 0.5**count
    return ratios[below], ratios[-1 - below]


def main(old: str, new: str, pairs: int) -> None:
    found: dict[str, list[float]] = {verb: [] for verb in VERBS}
    for number in range(pairs):
        sources = [old, new] if number % 2 else [new, old]
        seconds = {source: measured(source) for source in sources}
        for verb in VERBS:
            found[verb].append(seconds[new][verb] / seconds[old][verb])
    for verb, ratios in found.items():
        low, high = interval(ratios)
        print(f"{verb:8} new / old {statistics.median(ratios):.3f}   95 %: {low:.3f} to {high:.3f}   {pairs} pairs")


if __name__ == "__main__":
    if sys.argv[1] == "--one":
        print(json.dumps(measure(sys.argv[2])))
    else:
        main(*map(os.path.abspath, sys.argv[1:3]), int(sys.argv[3]) if len(sys.argv) > 3 else PAIRS)
