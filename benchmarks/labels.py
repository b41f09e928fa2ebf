"""One million labels: agreement and aggregation beside the libraries that are usual, as ratios of one run.

``python -m benchmarks.labels``; it needs krippendorff, scikit-learn, statsmodels and crowd-kit, and
leaves out what is not installed.  Each case runs in a process of its own, so that its peak of memory
is its own, and the two sides alternate; the shortest of several runs counts.
"""

from __future__ import annotations

import resource
import subprocess
import sys
import time
from collections.abc import Callable
from importlib.util import find_spec
from typing import Any

import numpy as np

from itagflow import quality

TASKS, VOTES, MEMBERS, VALUES = 200_000, 5, 1_000, 10
ROUNDS = 3
Side = Callable[[], object]


def make_labels() -> dict[str, Any]:
    """Return the columns of a million labels of members with skills from .5 to .95."""
    random = np.random.default_rng(0)
    truth = random.integers(0, VALUES, TASKS)
    task = np.repeat(np.arange(TASKS), VOTES)
    some = [random.choice(MEMBERS, VOTES, replace=False) for _ in range(2_000)]
    member = np.tile(np.concatenate(some), TASKS * VOTES // (2_000 * VOTES))
    skill = random.uniform(0.5, 0.95, MEMBERS)
    is_right = random.random(TASKS * VOTES) < skill[member]
    value = np.where(is_right, truth[task], random.integers(0, VALUES, TASKS * VOTES))
    return {"task": task, "worker": member, "label": value.astype(np.int64)}


def read(columns: dict[str, Any]) -> quality.LabelTable:
    return quality.LabelTable.from_columns(columns["task"], columns["worker"], columns["label"])


def of_two(columns: dict[str, Any]) -> tuple[quality.LabelTable, Any, Any]:
    """Return the first two labels of every task, as those of two members."""
    first, second = columns["label"][0::VOTES], columns["label"][1::VOTES]
    task = np.tile(np.arange(TASKS), 2)
    member = np.repeat([0, 1], TASKS)
    table = quality.LabelTable.from_columns(task, member, np.concatenate([first, second]))
    return table, first, second


def prepare_majority(columns: dict[str, Any]) -> tuple[Side, Side]:
    import pandas as pd
    from crowdkit.aggregation import MajorityVote

    frame = pd.DataFrame(columns)
    return lambda: quality.majority(read(columns)).labels, lambda: MajorityVote().fit_predict(frame)


def prepare_counting(columns: dict[str, Any]) -> tuple[Side, Side]:
    _, theirs = prepare_majority(columns)
    labels = read(columns)
    return lambda: quality.majority(labels).labels, theirs


def prepare_truth(columns: dict[str, Any]) -> tuple[Side, Side]:
    import pandas as pd
    from crowdkit.aggregation import DawidSkene

    frame, labels = pd.DataFrame(columns), read(columns)
    return (
        lambda: quality.truth(labels, iterations=20, tolerance=0),
        lambda: DawidSkene(n_iter=20, tol=-1e9).fit_predict(frame),
    )


def prepare_alpha(columns: dict[str, Any]) -> tuple[Side, Side]:
    import krippendorff

    table = columns["label"].reshape(TASKS, VOTES).T.astype(float)
    labels = read(columns)
    return (
        lambda: quality.alpha(labels),
        lambda: krippendorff.alpha(reliability_data=table, level_of_measurement="nominal"),
    )


def prepare_ordinal_alpha(columns: dict[str, Any]) -> tuple[Side, Side]:
    import krippendorff

    table = columns["label"].reshape(TASKS, VOTES).T.astype(float)
    labels = read(columns)
    return (
        lambda: quality.alpha(labels, "ordinal"),
        lambda: krippendorff.alpha(reliability_data=table, level_of_measurement="ordinal"),
    )


def prepare_cohen(columns: dict[str, Any]) -> tuple[Side, Side]:
    from sklearn.metrics import cohen_kappa_score

    table, first, second = of_two(columns)
    return lambda: quality.cohen(table), lambda: cohen_kappa_score(first, second)


def prepare_fleiss(columns: dict[str, Any]) -> tuple[Side, Side]:
    from statsmodels.stats.inter_rater import aggregate_raters, fleiss_kappa

    table = columns["label"].reshape(TASKS, VOTES)
    labels = read(columns)
    return lambda: quality.fleiss(labels), lambda: fleiss_kappa(aggregate_raters(table)[0])


def prepare_reading(columns: dict[str, Any]) -> tuple[Side, Side]:
    rows = list(zip(*(column.tolist() for column in columns.values()), strict=True))
    return lambda: read(columns), lambda: quality.LabelTable(rows)


def prepare_bootstrap(columns: dict[str, Any]) -> tuple[Side, Side]:
    labels = read(columns)
    return lambda: quality.alpha(labels, bootstrap=200), lambda: quality.alpha(labels)


CASES: dict[str, tuple[str, Callable[[dict[str, Any]], tuple[Side, Side]], str]] = {
    "majority": ("crowdkit", prepare_counting, "crowd-kit; of labels that were read before"),
    "majority, with reading": ("crowdkit", prepare_majority, "crowd-kit; both read the columns"),
    "Dawid-Skene, 20 iterations": (
        "crowdkit",
        prepare_truth,
        "crowd-kit; of labels that were read before",
    ),
    "alpha, nominal": ("krippendorff", prepare_alpha, "krippendorff; both have their table"),
    "alpha, ordinal": (
        "krippendorff",
        prepare_ordinal_alpha,
        "krippendorff; both have their table",
    ),
    "Cohen, 200,000 pairs": ("sklearn", prepare_cohen, "scikit-learn; both have their table"),
    "Fleiss": ("statsmodels", prepare_fleiss, "statsmodels; with its table of counts"),
    "reading columns": ("numpy", prepare_reading, "reading tuples"),
    "alpha with 200 draws": ("numpy", prepare_bootstrap, "without an interval"),
}


def measure_peak() -> int:
    """Return the most memory that this process has used, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


def run_case(name: str) -> None:
    """Print the shortest time of each side, and how far each raises the peak of memory."""
    _, prepare, other = CASES[name]
    ours, theirs = prepare(make_labels())
    peaks = [measure_peak()]
    ours()
    peaks.append(measure_peak())
    theirs()
    peaks.append(measure_peak())
    shortest = [float("inf"), float("inf")]
    for _ in range(ROUNDS):
        for at, side in enumerate((ours, theirs)):
            # of the processor: other work on the machine counts for neither
            started = time.process_time()
            side()
            shortest[at] = min(shortest[at], time.process_time() - started)
    mine, others = shortest
    print(
        f"{name:28s} {mine:8.4f} s {others:8.4f} s {others / mine:6.1f} x   "
        f"+{peaks[1] - peaks[0]} MB, +{peaks[2] - peaks[1]} MB   {other}",
        flush=True,
    )


def main() -> None:
    """Print the table."""
    if len(sys.argv) > 1:
        run_case(sys.argv[1])
        return
    print(f"{'':28s} {'itagflow':>10s} {'other':>10s} {'ratio':>8s}   memory above the data")
    for name, (library, _, other) in CASES.items():
        if find_spec(library) is None:
            print(f"{name:28s} not measured: {other.partition(';')[0]} is not installed")
            continue
        subprocess.run([sys.executable, "-m", "benchmarks.labels", name], check=True)


if __name__ == "__main__":
    main()
