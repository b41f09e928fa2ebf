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
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from support import postgres

from values.callables import PublicCallable, public_callables
from values.cases import CASES, POSTGRES
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


def rows_by_kind(tries: Iterable[Try], most: int = MOST_KINDS) -> Iterator[str]:
    """Yield a line for each kind of fault: the exception, where it came from, how often, an example."""
    counts, examples = Counter[tuple[str, str, str]](), dict[tuple[str, str, str], str]()
    for tried in tries:
        for fault in tried.faults:
            when = "reader" if fault.is_unreadable else fault.when
            kind = (when, fault.kind, fault.place)
            counts[kind] += 1
            examples.setdefault(kind, f"{tried.key}({tried.parameter}={tried.value})")
    yield f"{'count':>6}  {'when':6} {'exception':20} {'place':52} example"
    for (when, error, place), count in counts.most_common(most):
        yield f"{count:6}  {when:6} {error:20} {place:52} {examples[when, error, place]}"


def totals(tries: Iterable[Try]) -> str:
    """Return one line with the sums."""
    listed = list(tries)
    raw = sum(any(not fault.is_unreadable for fault in tried.faults) for tried in listed)
    unreadable = sum(any(fault.is_unreadable for fault in tried.faults) for tried in listed)
    numpy = "" if HAS_NUMPY else " (without numpy's values: numpy is not installed)"
    return f"{len(listed)} tries, {raw} raw errors, {unreadable} unreadable stores{numpy}"


def differences(
    key: str, stores: Stores, expected: Mapping[tuple[str, str], str], values: Sequence[Wrong]
) -> list[str]:
    """Return where a store comes to something else than the one in memory."""
    tries = Trial(public_callables()[key], stores).run(lambda _: values)
    return [
        f"{tried} (in memory: {expected[tried.parameter, tried.value]})"
        for tried in tries
        if came_to(tried) != expected[tried.parameter, tried.value]
    ]


def came_to(tried: Try) -> str:
    """Return the outcome of a try, and whether everything can be read after it."""
    is_readable = not any(fault.is_unreadable for fault in tried.faults)
    return tried.outcome if is_readable else f"{tried.outcome}, unreadable"


def outcomes_of(tries: Iterable[Try]) -> dict[tuple[str, str], str]:
    """Return what came of each try, by its parameter and value."""
    return {(tried.parameter, tried.value): came_to(tried) for tried in tries}


def gets_into_a_store(key: str) -> bool:
    """Tell whether values of a callable get into a store; those of all others never see one."""
    return CASES[key].use is not None or key.startswith(("flow.", "maintenance."))


def summary(tries: Iterable[Try]) -> str:
    """Return the sums and the kinds of fault that are most frequent."""
    listed = list(tries)
    return "\n".join([totals(listed), *rows_by_kind(listed, most=10)])


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
    parser.add_argument(
        "--compare", action="store_true", help="only where the stores differ, with the few values"
    )
    parser.add_argument("keys", nargs="*", help="what is tried: keys, or how they begin")
    given = parser.parse_args()
    warnings.simplefilter("ignore")  # values are wrong on purpose
    logging.disable()  # as are listeners
    with contextlib.ExitStack() as stack:
        databases = None
        if given.store == "postgres" or given.compare:
            databases = postgres.Databases(stack.enter_context(postgres.running()).url)
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        stack.enter_context(contextlib.chdir(folder))  # many a text is taken for a path
        if given.compare:
            _compare(given.keys, folder, databases)
            return
        values = [wrong for wrong in WRONG if wrong.is_compared or not given.few]
        with stores_of(given.store, folder, databases) as stores:
            tries = list[Try]()
            for done in _all_tries(given.keys, stores, values):
                tries += done
                if given.write is not None:  # after each: who stops it has what was found so far
                    Path(given.write).write_text(all_faults(tries), "utf-8")
    print(report(tries))


def _compare(keys: list[str], folder: Path, databases: postgres.Databases | None) -> None:
    """Print the callables by which the stores differ, each with its first difference."""
    values = [wrong for wrong in WRONG if wrong.is_compared]
    with (
        stores_of("memory", folder) as memory,
        stores_of("sqlite", folder) as sqlite,
        stores_of("postgres", folder, databases) as server,
    ):
        for key, one in _chosen(keys, "memory"):
            if gets_into_a_store(key):
                expected = outcomes_of(Trial(one, memory).run(lambda _: values))
                for stores in (sqlite, server):
                    found = differences(key, stores, expected, values)
                    if found:
                        print(
                            f"{key} on {stores.kind}: {len(found)}, such as {found[0]}", flush=True
                        )
                print(f"{key} is compared", flush=True)


def _chosen(keys: list[str], kind: str) -> Iterator[tuple[str, PublicCallable]]:
    for key, one in public_callables().items():
        is_chosen = not keys or any(
            key == chosen or (chosen.endswith(".") and key.startswith(chosen)) for chosen in keys
        )
        if is_chosen and (key not in POSTGRES or kind == "postgres"):
            yield key, one


def _all_tries(keys: list[str], stores: Stores, values: list[Wrong]) -> Iterator[list[Try]]:
    for key, one in _chosen(keys, stores.kind):
        began = time.process_time()
        yield Trial(one, stores, progress=print_slow).run(lambda _: values)
        print(f"{key:40} {time.process_time() - began:6.1f} s", flush=True)


def print_slow(tried: Try) -> None:
    """Print what took too long, while the rest goes on."""
    if any(fault.kind == "TookTooLong" for fault in tried.faults):
        print(tried, flush=True)


if __name__ == "__main__":
    main()
