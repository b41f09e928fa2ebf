"""Runs the trials at full length, by hand: ``python tests/support/reliability/long.py [name …] [--postgres URL]``.

A name is that of a trial or of its module (``forks``, ``forks.during_writes``); all of them unless
given.  Each prints one line of figures for each store; the exit code is 1 when one has failed.
``--stores memory,sqlite`` leaves the others out.  ``--list`` prints the names.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import attrs

sys.path.insert(0, str(Path(__file__).parents[2]))
from support import postgres
from support.reliability import closing, connections, crowds, forks, interruptions, points, threads
from support.reliability.trials import Trial, run

STORES = ("memory", "sqlite", "postgres")
FILE, SERVER, SHARED = ("sqlite",), ("postgres",), ("sqlite", "postgres")
OTHER, SAME = "another store", "the same store"
"""Stand for the URL of a second store, or of the same one."""


@attrs.frozen
class Long:
    """A trial at full length."""

    trial: Trial
    given: tuple[Any, ...] = ()
    stores: Sequence[str] = STORES
    times: int = 1
    """How often it is run."""
    limit: float = 1_800
    """After how many seconds it hangs."""

    @property
    def name(self) -> str:
        """Its module and its own name."""
        return f"{self.trial.__module__.rpartition('.')[2]}.{self.trial.__name__}"


ALL = (
    *(Long(threads.requests, (way, 60)) for way in ("threading", "_thread")),
    Long(threads.server, (20,), times=10),
    Long(closing.under_load, (50,)),
    Long(closing.while_snapshots_begin, (50,)),
    Long(closing.from_a_signal_handler, (50,)),
    Long(closing.from_a_finalizer, (50,)),
    *map(Long, (closing.from_inside, closing.from_a_listener, closing.twice, closing.at_a_timeout)),
    *map(Long, (closing.while_waiting, closing.half_read, closing.while_listening)),
    *(Long(interruptions.strikes, (source, 2_500)) for source in interruptions.SOURCES),
    Long(interruptions.single_interrupts, (1_000,), SHARED),
    Long(interruptions.of_snapshots, (1_000,), SHARED),
    Long(interruptions.left_half_read, (500,)),
    Long(forks.during_writes, (200,)),
    Long(forks.inside_a_policy, (200,)),
    Long(forks.inside_a_signal_handler, (200,)),
    Long(points.everywhere, (1,), FILE),
    *(Long(connections.everywhere, (whose, 1), SERVER) for whose in connections.OWNERS),
    Long(connections.in_the_function_that_connects, (100,), SERVER),
    Long(forks.with_two_flows, (OTHER, 200)),
    Long(forks.with_two_flows, (SAME, 200), FILE),
    Long(forks.inside_an_act_on_another_flow, (OTHER, 100)),
    Long(forks.inside_an_act_on_another_flow, (SAME, 100), FILE),
    Long(forks.during_a_load, (60_000,)),
    Long(forks.by_the_data, (20_000,)),
    Long(forks.of_children, (30,)),
    Long(forks.that_exit, (90,)),
    Long(forks.with_a_half_read_snapshot, (6,)),
    *(Long(forks.by_multiprocessing, (way, 20), SHARED) for way in ("fork", "forkserver", "spawn")),
    Long(forks.by_multiprocessing, ("fork", 20), ("memory",)),
    Long(forks.while_another_process_holds_the_file, (5,), FILE),
    Long(forks.while_it_is_closed, (100,)),
    Long(crowds.together, (600,), SHARED),
)


class Place:
    """Makes empty stores."""

    def __init__(self, stack: ExitStack, server: str | None) -> None:
        self._stack, self._server = stack, server
        self._databases: postgres.Databases | None = None

    def new(self, store: str) -> str:
        """Return the URL of an empty store."""
        if store == "memory":
            return "memory:"
        if store == "sqlite":
            return str(Path(self._stack.enter_context(tempfile.TemporaryDirectory()), "labels.db"))
        if self._databases is None:
            server = self._server or self._stack.enter_context(postgres.running()).url
            self._databases = postgres.Databases(server)
            self._stack.callback(self._databases.close)
        return self._databases.new()


def runs(names: Sequence[str], stores: Sequence[str]) -> Iterator[tuple[Long, str]]:
    """Yield what is to be run, on which store."""
    for trial in ALL:
        if not names or trial.name in names or trial.name.partition(".")[0] in names:
            for store in [store for store in trial.stores if store in stores]:
                yield from ((trial, store) for _ in range(trial.times))


def main() -> int:
    """Run what the command line names, and return 1 when one has failed."""
    asked = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    asked.add_argument("names", nargs="*")
    asked.add_argument("--postgres", help="the URL of a server; a private one unless given")
    asked.add_argument("--stores", default=",".join(STORES))
    asked.add_argument("--list", action="store_true")
    options = asked.parse_args()
    failed = 0
    with ExitStack() as stack:
        place = Place(stack, options.postgres)
        for trial, store in runs(options.names, options.stores.split(",")):
            words = " ".join(str(word) for word in trial.given)
            if options.list:
                print(f"{trial.name} {words} ({store})")
                continue
            url, began = place.new(store), time.monotonic()
            other = {OTHER: place.new(store), SAME: url}
            try:
                said = run(
                    trial.trial,
                    url,
                    *(other.get(word, word) for word in trial.given),
                    seconds=trial.limit,
                )
            except AssertionError as error:
                said, failed = f"FAILED: {error}", 1
            print(
                f"{trial.name} {words} ({store}, {time.monotonic() - began:.0f} s): {said}",
                flush=True,
            )
    return failed


if __name__ == "__main__":
    sys.exit(main())
