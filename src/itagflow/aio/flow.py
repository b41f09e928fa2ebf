"""AsyncFlow: a Flow whose verbs run in threads while tasks await them."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from functools import partial
from types import TracebackType
from typing import Concatenate, NoReturn, ParamSpec, Self, TypeVar

from itagflow.access import Policy
from itagflow.aio.items import AsyncItems
from itagflow.aio.pool import ThreadPool
from itagflow.aio.verbs.assignments import AsyncAssignments
from itagflow.aio.verbs.comments import AsyncComments
from itagflow.aio.verbs.events import AsyncEvents
from itagflow.aio.verbs.flow import FlowVerbs
from itagflow.aio.verbs.jobs import AsyncJobs
from itagflow.aio.verbs.lots import AsyncLots
from itagflow.aio.verbs.members import AsyncMembers
from itagflow.aio.verbs.packages import AsyncPackages
from itagflow.aio.verbs.quality import AsyncQuality
from itagflow.aio.verbs.results import AsyncResults
from itagflow.aio.verbs.templates import AsyncTemplates
from itagflow.aio.verbs.workspaces import AsyncWorkspaces
from itagflow.core.settings import MOST_SECONDS
from itagflow.flow import Flow
from itagflow.model.arguments import require_callable, require_kind
from itagflow.model.number import require_number, require_whole_number
from itagflow.reprs import show_line
from itagflow.storage.port import Store

P = ParamSpec("P")
T = TypeVar("T")

THREADS = 4
"""How many verbs run at once unless the application says otherwise.

On SQLite one writes while others read, so more would wait for each other.  And the event loop gets
Python's lock in its turn: each busy thread adds to how long it waits.
"""
MOST_THREADS = 1_000
"""More threads than any database takes connections."""
WHY = "the task that claimed it was cancelled"


class AsyncFlow(FlowVerbs):
    """Runs labeling work over one store for programs on asyncio; tasks and loops may share it.

    It has every verb and namespace of `Flow`, with the same arguments.  What returns something is
    awaited; what yields is gone through with ``async for``, see `AsyncItems`.  Verbs run in a few
    threads, in the order in which they are awaited; context variables are carried there, and
    errors come back as they are.

    A task that is cancelled while it awaits a verb goes on when the thread is done: what was not
    committed is rolled back, what was claimed is released, and anything else is complete.  So no
    half of an operation remains, and nothing is held that nobody knows of.

    >>> import asyncio
    >>> from itagflow import Flow
    >>> from itagflow.aio import AsyncFlow
    >>> from itagflow.storage import MemoryStore
    >>> async def main():
    ...     async with AsyncFlow(Flow(MemoryStore())) as flow:
    ...         return (await flow.workspaces.create("street", admin="ada")).name
    >>> asyncio.run(main())
    'street'
    """

    __module__ = "itagflow.aio"  # where users import it from

    def __init__(self, flow: Flow, *, threads: int = THREADS) -> None:
        """Work over *flow*, which is closed together with this.

        Args:
            flow: What does the work; other threads may use it as well.
            threads: How many verbs run at once.  On PostgreSQL up to as many as the store has
                connections may be of use; on SQLite and in memory few are enough.

        Raises:
            InvalidData: when *flow* is none, or *threads* no whole number of at least one.
        """
        threads = parse_threads("AsyncFlow", threads)
        known = require_kind("AsyncFlow", "flow", flow, Flow, "a Flow")
        pool = ThreadPool(threads, name=known.store.name, release=partial(_release, known))
        super().__init__(pool, known)
        self.assignments = AsyncAssignments(pool, known.assignments)
        self.packages = AsyncPackages(pool, known.packages)
        self.workspaces = AsyncWorkspaces(pool, known.workspaces)
        self.members = AsyncMembers(pool, known.members)
        self.templates = AsyncTemplates(pool, known.templates)
        self.jobs = AsyncJobs(pool, known.jobs)
        self.results = AsyncResults(pool, known.results)
        self.lots = AsyncLots(pool, known.lots)
        self.comments = AsyncComments(pool, known.comments)
        self.events = AsyncEvents(pool, known.events)
        self.quality = AsyncQuality(pool, known.quality)

    @property
    def sync(self) -> Flow:
        """The Flow that does the work, for code that runs in threads."""
        return self._flow

    @property
    def store(self) -> Store:
        """The store."""
        return self._flow.store

    @property
    def policy(self) -> Policy:
        """Says who may do what."""
        return self._flow.policy

    async def run(
        self, function: Callable[Concatenate[Flow, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Return what a function returns that takes the Flow first, such as of `maintenance`.

        It runs in one of the threads.  So several verbs, one after the other, need one step.  When
        the task is cancelled, the next transaction of the function is rolled back.

        >>> import asyncio
        >>> import itagflow.aio
        >>> def count_members(flow, workspace):
        ...     return len(list(flow.members.list(workspace)))
        >>> async def main():
        ...     async with itagflow.aio.open("memory:") as flow:
        ...         street = await flow.workspaces.create("street", admin="ada")
        ...         return await flow.run(count_members, street)
        >>> asyncio.run(main())
        1
        """
        function = require_callable("AsyncFlow.run", "function", function)
        return await self._pool.run(function, self._flow, *args, **kwargs)

    def iterate(
        self,
        function: Callable[Concatenate[Flow, P], Iterator[T]],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> AsyncItems[T]:
        """Yield what a function yields that takes the Flow first, such as `maintenance.verify`.

        >>> import asyncio
        >>> import itagflow.aio
        >>> from itagflow import maintenance
        >>> async def main():
        ...     async with itagflow.aio.open("memory:") as flow:
        ...         return [found async for found in flow.iterate(maintenance.verify)]
        >>> asyncio.run(main())
        []
        """
        function = require_callable("AsyncFlow.iterate", "function", function)
        return AsyncItems(self._pool, partial(function, self._flow, *args, **kwargs))

    async def close(self, timeout: float = 10.0) -> bool:
        """Close the store, for all tasks and threads of this process.

        New verbs are refused at once; half-read iterators raise `StoreFailed` at their next step.
        Verbs that run are waited for.

        Args:
            timeout: For how many seconds to wait at most.

        Returns:
            Whether all have ended.  If not, each gives back what it holds at its end.
        """
        timeout = require_number("close", "timeout", timeout, least=0, most=MOST_SECONDS)
        return await self._pool.close(partial(self._flow.close, timeout))

    async def __aenter__(self) -> Self:
        """Return the AsyncFlow itself, to be closed at the end of the ``async with`` block."""
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the store."""
        await self.close()

    def __reduce__(self) -> NoReturn:
        """Refuse to be sent to another process.

        Raises:
            StoreFailed: always; it says what to do instead.
        """
        self._flow.__reduce__()

    def __del__(self) -> None:
        """Warn when nobody has closed it, as an open file does."""
        pool: ThreadPool | None = getattr(self, "_pool", None)
        if pool is None or pool.is_closed:
            return
        if not self.store.is_closed:
            warnings.warn(f"unclosed {self!r}", ResourceWarning, stacklevel=1, source=self)
        pool.abandon()

    def __repr__(self) -> str:
        return show_line(self, f"on {self.store.name}")


def parse_threads(what: str, threads: int) -> int:
    """Return a number of threads.

    Raises:
        InvalidData: when it is no whole number of at least one.
    """
    return require_whole_number(what, "threads", threads, least=1, most=MOST_THREADS)


def _release(flow: Flow, assignment: tuple[int, int]) -> None:
    """Give back what a cancelled task has claimed."""
    # What was claimed with a token stays: the same claim, sent again, returns this assignment.
    if not flow.assignments.get(assignment).token:
        flow.release(assignment, comment=WHY)
