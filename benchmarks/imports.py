"""Prints how long ``import itagflow`` takes, beside its core dependencies alone: the median of 20 processes each."""

import statistics
import subprocess
import sys

PROCESSES = 20
CODE = """
import time
begin, cpu = time.perf_counter(), time.process_time()
import {}
print(time.perf_counter() - begin, time.process_time() - cpu)
"""
CORE = ("attrs", "cattrs", "transitions", "typing_extensions")
CASES = {
    **{name: name for name in CORE},
    "all four": ", ".join(CORE),
    "itagflow": "itagflow",
    "itagflow.Flow": "itagflow.flow",
}
"""What is imported, by its name in the table."""


def measure(modules: str) -> tuple[float, float]:
    """Import modules in a new process, and return the seconds that passed and those of the processor."""
    run = subprocess.run(
        [sys.executable, "-c", CODE.format(modules)], capture_output=True, text=True, check=True
    )
    passed, cpu = map(float, run.stdout.split())
    return passed, cpu


def main() -> None:
    """Print a line for each import: the cases take turns, so that a busy moment meets them all."""
    for modules in CASES.values():
        measure(modules)  # compiles what is not compiled yet
    rounds = [{name: measure(modules) for name, modules in CASES.items()} for _ in range(PROCESSES)]
    print(f"{'import':20} {'ms':>8} {'ms of CPU':>10} {'CPU of all four':>16}")
    core = statistics.median(found["all four"][1] for found in rounds)
    for name in CASES:
        passed, cpu = (statistics.median(found[name][at] for found in rounds) for at in (0, 1))
        print(f"{name:20} {passed * 1e3:8.1f} {cpu * 1e3:10.1f} {cpu / core:16.2f}")


if __name__ == "__main__":
    main()
