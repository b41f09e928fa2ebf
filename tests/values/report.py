"""A table of what wrong values break, by callable and by kind of fault.

``python -m values.report [--store memory|sqlite|postgres] [--few] [--write FILE] [key …]``, with ``src`` and
``tests`` on the path, prints it; keys such as ``flow.claim`` or ``flow.`` choose what is tried.
"""

from __future__ import annotations

import argparse
import contextlib
import logging
import os
import tempfile
import time
import warnings
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import postgres

from values.callables import public_callables
from values.cases import POSTGRES
from values.scene import Stores
from values.trying import Trial, Try
from values.wrong import HAS_NUMPY, WRONG, Wrong

MOST_KINDS = 40
"""How many kinds of fault the table has."""


def rows_by_callable(tries: Iterable[Try]) -> Iterator[str]:
    """Yield a line for each callable with faults, the worst first."""
    counts: dict[str, Counter[str]] = {}
    for tried in tries:
        count = counts.setdefault(tried.key, Counter())
        count["tries"] += 1
        count["works"] += tried.outcome == "works"
        count["raw"] += any(not fault.is_unreadable for fault in tried.faults)
        count["unreadable"] += any(fault.is_unreadable for fault in tried.faults)
    yield f"{'callable':40} {'tries':>6} {'works':>6} {'raw':>6} {'unreadable':>10}"
    for key, count in sorted(counts.items(), key=lambda item: (-item[1]["raw"], item[0])):
        if count["raw"] or count["unreadable"]:
            numbers = (
                f"{count['tries']:6} {count['works']:6} {count['raw']:6} {count['unreadable']:10}"
            )
            yield f"{key:40} {numbers}"


def rows_by_kind(tries: Iterable[Try]) -> Iterator[str]:
    """Yield a line for each kind of fault: the exception, where it came from, how often, an example."""
    counts, examples = Counter[tuple[str, str, str]](), dict[tuple[str, str, str], str]()
    for tried in tries:
        for fault in tried.faults:
            when = "reader" if fault.is_unreadable else fault.when
            kind = (when, fault.kind, fault.place)
            counts[kind] += 1
            examples.setdefault(kind, f"{tried.key}({tried.parameter}={tried.value})")
    yield f"{'count':>6}  {'when':6} {'exception':20} {'place':52} example"
    for (when, error, place), count in counts.most_common(MOST_KINDS):
        yield f"{count:6}  {when:6} {error:20} {place:52} {examples[when, error, place]}"


def totals(tries: Iterable[Try]) -> str:
    """Return one line with the sums."""
    listed = list(tries)
    raw = sum(any(not fault.is_unreadable for fault in tried.faults) for tried in listed)
    unreadable = sum(any(fault.is_unreadable for fault in tried.faults) for tried in listed)
    numpy = "" if HAS_NUMPY else " (without numpy's values: numpy is not installed)"
    return f"{len(listed)} tries, {raw} raw errors, {unreadable} unreadable stores{numpy}"


def report(tries: Iterable[Try]) -> str:
    """Return all of it."""
    listed = list(tries)
    parts = [totals(listed), "", *rows_by_callable(listed), "", *rows_by_kind(listed), ""]
    return "\n".join(parts)


def all_faults(tries: Iterable[Try]) -> str:
    """Return a line for each try with a fault."""
    return "".join(f"{tried}\n" for tried in tries if tried.faults)


@contextlib.contextmanager
def stores_of(
    kind: str, folder: Path, databases: postgres.Databases | None = None
) -> Iterator[Stores]:
    """Open stores of one kind in a folder, or on a server."""
    lent = list[str]()

    def new_url() -> str:
        if kind == "memory":
            return "memory:"
        if kind == "sqlite":
            return f"sqlite:///{folder}/labels-{time.time_ns()}.db?synchronous=normal"
        assert databases is not None
        lent.append(databases.new())
        return lent[-1]

    stores = Stores(kind, new_url, folder)
    try:
        yield stores
    finally:
        stores.leave()
        for url in lent:
            assert databases is not None
            databases.give_back(url)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--store", default="memory", choices=["memory", "sqlite", "postgres"])
    parser.add_argument(
        "--few", action="store_true", help="only the values that every run compares"
    )
    parser.add_argument("--write", type=os.path.abspath, help="a file for a line about each fault")
    parser.add_argument("keys", nargs="*", help="what is tried: keys, or how they begin")
    given = parser.parse_args()
    warnings.simplefilter("ignore")  # values are wrong on purpose
    logging.disable()  # as are listeners
    values = [wrong for wrong in WRONG if wrong.is_compared or not given.few]
    with contextlib.ExitStack() as stack:
        databases = None
        if given.store == "postgres":
            databases = postgres.Databases(stack.enter_context(postgres.running()).url)
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        stack.enter_context(contextlib.chdir(folder))  # many a text is taken for a path
        with stores_of(given.store, folder, databases) as stores:
            tries = _all_tries(given.keys, stores, values, print_slow)
    print(report(tries))
    if given.write is not None:
        Path(given.write).write_text(all_faults(tries), "utf-8")


def _all_tries(
    keys: list[str], stores: Stores, values: list[Wrong], progress: Callable[[Try], None]
) -> list[Try]:
    tries = list[Try]()
    for key, one in public_callables().items():
        is_chosen = not keys or any(
            key == chosen or (chosen.endswith(".") and key.startswith(chosen)) for chosen in keys
        )
        if is_chosen and (key not in POSTGRES or stores.kind == "postgres"):
            began = time.process_time()
            tries += Trial(one, stores, progress=progress).run(values)
            print(f"{key:40} {time.process_time() - began:6.1f} s", flush=True)
    return tries


def print_slow(tried: Try) -> None:
    """Print what took too long, while the rest goes on."""
    if any(fault.kind == "TookTooLong" for fault in tried.faults):
        print(tried, flush=True)


if __name__ == "__main__":
    main()
