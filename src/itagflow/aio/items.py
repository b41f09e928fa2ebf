"""What async readers return: items that come one by one, fetched in threads."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import suppress
from functools import partial
from types import TracebackType
from typing import Any, Generic, Self, TypeVar

import attrs

from itagflow.aio.calls import ThreadCall
from itagflow.aio.pool import ThreadPool, wait_until_done
from itagflow.errors import StoreFailed

T = TypeVar("T")

MOST = 256
"""How many items are fetched in one step at the most: about a page of the store."""
GROWTH = 4
"""By how much the steps grow: who wants the first item only gets it soon, and who wants all of them
waits for few threads."""
LONGEST = 0.01
"""After how many seconds a step ends with what it has, so that others get their turn."""


@attrs.frozen
class Chunk(Generic[T]):
    """What one step in a thread has fetched."""

    items: list[T]
    """The items, in order."""
    is_last: bool = False
    """Whether nothing comes behind them."""
    error: BaseException | None = None
    """What was raised behind them."""


class Source(Generic[T]):
    """The iterator of the sync verb, as the threads use it: one at a time."""

    def __init__(self, start: Callable[[], Iterator[T]], *, is_waiting: bool) -> None:
        """Read what *start* returns, which is called with the first step."""
        self.call = ThreadCall()
        self.is_waiting = is_waiting
        self._start = start
        self._iterator: Iterator[T] | None = None
        self._most = 1

    def read(self) -> Chunk[T]:
        """Return the next items; more with each step, but one by one where each may be waited for.

        What the verb raises is part of what is returned: the items before it come first.
        """
        items: list[T] = []
        until = time.monotonic() + LONGEST
        try:
            if self._iterator is None:
                self._iterator = self._start()
            for item in self._iterator:
                items.append(item)
                if len(items) >= self._most or time.monotonic() > until:
                    break
            else:
                return Chunk(items, is_last=True)
        except BaseException as error:
            return Chunk(items, is_last=True, error=error)
        if not self.is_waiting:
            self._most = min(self._most * GROWTH, MOST)
        return Chunk(items)

    def close(self) -> None:
        """Close the iterator: what it holds, such as a snapshot, is given back."""
        iterator, self._iterator = self._iterator, None
        close = getattr(iterator, "close", None)
        if close is not None:
            close()


class AsyncItems(Generic[T]):
    """Items that come one by one, for ``async for``; they are fetched in threads, in steps.

    Nothing is asked before the first item is: also mistakes in the arguments are reported then.  No
    thread is held while nobody asks.  It ends itself when an ``async for`` is left and nobody keeps
    it; `aclose`, or ``async with``, ends it at once and waits for that.

    An ``anext`` that is cancelled loses nothing: the next one gets the item.  Several tasks may ask
    one object, and each item goes to one of them.

    >>> import asyncio
    >>> import itagflow.aio
    >>> async def list_names():
    ...     async with itagflow.aio.open("memory:") as flow:
    ...         await flow.workspaces.create("street", admin="ada")
    ...         return [workspace.name async for workspace in flow.workspaces.list()]
    >>> asyncio.run(list_names())
    ['street']
    """

    __module__ = "itagflow.aio"

    def __init__(
        self,
        pool: ThreadPool,
        start: Callable[[], Iterator[T]],
        *,
        is_waiting: bool = False,
    ) -> None:
        """Yield the items of what *start* returns; `AsyncFlow` makes these.

        Args:
            pool: The threads.
            start: Calls the verb.
            is_waiting: Whether the verb may wait for long: it does so in threads of its own.
        """
        self._pool = pool
        # The threads know the source only.  So this object is dropped with the last task that
        # knows it, although a thread may still wait for the next item.
        self._source = Source(start, is_waiting=is_waiting)
        self._items: deque[T] = deque()
        self._step: Future[Chunk[T]] | None = None
        self._error: BaseException | None = None
        self._is_over = False
        self._is_released = True

    def __aiter__(self) -> Self:
        """Return the object itself."""
        return self

    async def __anext__(self) -> T:
        """Return the next item, when it is there."""
        while not self._items:
            error, self._error = self._error, None
            if error is not None:
                raise error
            if self._is_over:
                raise StopAsyncIteration
            await self._fetch()
        return self._items.popleft()

    async def _fetch(self) -> None:
        """Wait for the next step, which is begun unless another task has begun it."""
        if self._step is None:
            self._step = self._begin_step()
        step = self._step
        # shielded: the step goes on when this task is cancelled, and whoever asks next gets it
        chunk = await asyncio.shield(asyncio.wrap_future(step))
        if self._step is not step:
            return  # another task waited for the same step, and was first
        self._step = None
        self._items.extend(chunk.items)
        self._error = chunk.error
        self._is_over = chunk.is_last
        self._is_released = chunk.is_last

    def _begin_step(self) -> Future[Chunk[T]]:
        source = self._source
        self._is_released = False
        function = source.call.prepare(source.read)
        if source.is_waiting:
            return self._pool.submit_waiting(function)
        return self._pool.submit(function)

    async def aclose(self) -> None:
        """End it: no item comes any more, and what it holds is given back."""
        is_released, self._is_released = self._is_released, True
        step, self._step = self._step, None
        self._items.clear()
        self._error = None
        self._is_over = True
        if is_released:
            return
        self._source.call.give_up()
        if step is not None:
            await wait_until_done(step)
        with suppress(StoreFailed):  # the AsyncFlow is closed, and has given everything back
            await self._pool.run(self._source.close)

    async def __aenter__(self) -> Self:
        """Return the object itself, to be ended with the ``async with`` block."""
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End it."""
        await self.aclose()

    def __del__(self) -> None:
        """End it in a thread, since to give back what it holds may take time."""
        if getattr(self, "_is_released", True):
            return
        source, step = self._source, self._step
        source.call.give_up()
        if step is None:
            with suppress(StoreFailed, RuntimeError):  # closed, or the interpreter ends
                self._pool.submit(source.close)
        else:
            step.add_done_callback(partial(_close_behind, source))


def _close_behind(source: Source[Any], _: Future[Any]) -> None:
    """Close *source* in the thread that has ended its last step."""
    source.close()
