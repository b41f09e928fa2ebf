"""Work on the parts of a job, spread over the workers of any executor."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterable
from typing import TYPE_CHECKING, Concatenate, ParamSpec, TypeVar

if TYPE_CHECKING:
    from concurrent.futures import Executor, Future  # whoever has an executor has loaded it

AHEAD = 32
"""How many parts are under way, or done and not yet taken; more workers would be idle."""

P = ParamSpec("P")
T = TypeVar("T")
Share = TypeVar("Share")


def map_partitions(
    executor: Executor,
    partitions: Iterable[Share],
    work: Callable[Concatenate[Share, P], T],
    *args: P.args,
    **kwargs: P.kwargs,
) -> Generator[T]:
    """Yield what *work* returns for each part, in order; an error cancels the parts not begun.

    Args:
        executor: Runs the work; one with processes or machines needs a function that they can
            import.
        partitions: The parts.
        work: Is called with a part and the other arguments.
        *args: What else it is called with.
        **kwargs: What else it is called with, by name.
    """
    waiting = deque["Future[T]"]()
    try:
        for partition in partitions:
            waiting.append(executor.submit(work, partition, *args, **kwargs))
            # only so many at once: what is done and not yet taken is held in memory
            if len(waiting) == AHEAD:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        # what runs already cannot be stopped; nobody takes its result any more
        for future in waiting:
            future.cancel()
