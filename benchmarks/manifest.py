"""Prints how fast manifests are read and written, beside plain ``json`` on the same rows, and how much memory it takes.

Rates are rows per second of CPU time, the best of three with 100,000 rows; ratios are those to
plain ``json`` in the same run; the memory is by how much the peak grows while rows are read or
written.  ``--long`` adds a million rows.
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
SHORT, LONG = 100_000, 1_000_000
RUN = "from benchmarks.manifest_case import main; main()"
WITHOUT_MSGSPEC = f"import sys; sys.modules['msgspec'] = None; {RUN}"


def measured(
    program: str, act: str, kind: str, count: int, folder: str
) -> tuple[float, float, str]:
    """Run a case in processes of its own; return the least seconds, the most MiB it grew by, and who wrote the JSON."""
    # this process imports next to nothing: what it has at its peak, its children start with
    command = [sys.executable, "-c", program, act, kind, str(count), folder]
    rounds = [
        json.loads(subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE).stdout)
        for _ in range(3 if count == SHORT else 1)
    ]
    seconds, grown, writers = zip(*rounds, strict=True)
    return min(seconds), max(grown) / 1024, writers[0]


def compare(act: str, kind: str, count: int, folder: str) -> None:
    """Print plain ``json``, the library on the standard library, and the library with the extra ``fast``."""
    seconds, grown, _ = measured(RUN, f"plain_{act}", kind, count, folder)
    show(act, kind, count, "json", count / seconds, grown)
    for program in (WITHOUT_MSGSPEC, RUN):
        ours, grown, writer = measured(program, act, kind, count, folder)
        show(act, kind, count, writer, count / ours, grown, f"{seconds / ours:5.2f}")


def show(
    act: str, kind: str, count: int, writer: str, rate: float, grown: float, ratio: str = "     "
) -> None:
    """Print a line of the table."""
    print(
        f"{act:7} {kind:9} {count:9,}   {writer:9} {ratio}   {rate:9,.0f} rows/s   {grown:+7.1f} MiB",
        flush=True,
    )


def main() -> None:
    """Print the table."""
    counts = [SHORT, *([LONG] if "--long" in sys.argv else [])]
    print(
        f"Python {sys.version.split()[0]}; ratio to json, rows per second of CPU time, growth of the peak memory"
    )
    with tempfile.TemporaryDirectory() as folder:
        for kind, count in [("a choice", count) for count in counts] + [("3 boxes", counts[0])]:
            compare("write", kind, count, folder)
            compare("read", kind, count, folder)
        for count in counts:
            for program in (WITHOUT_MSGSPEC, RUN):
                for act in ("load", "export"):
                    seconds, grown, writer = measured(program, act, "a choice", count, folder)
                    show(act, "a choice", count, writer, count / seconds, grown)


if __name__ == "__main__":
    main()
