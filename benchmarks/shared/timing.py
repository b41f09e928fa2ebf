"""How long something takes, and the lines of the tables."""

import time
from collections.abc import Callable


def timed(act: Callable[[], object]) -> float:
    """Return how many seconds *act* takes."""
    start = time.perf_counter()
    act()
    return time.perf_counter() - start


def show(database: str, name: str, ratio: float | None, figure: str, goal: str = "") -> None:
    """Print a line of the table."""
    print(
        f"{database:7} {name:26} {'' if ratio is None else f'{ratio:.2f}':>5}   {figure:>17}   {goal}",
        flush=True,
    )
