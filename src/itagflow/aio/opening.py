"""What an async application starts with: an AsyncFlow over the store that a URL names."""

from __future__ import annotations

import os
from collections.abc import Callable, Generator, Mapping, Sequence
from functools import partial
from types import TracebackType

from itagflow import opening
from itagflow.access import default_policy
from itagflow.aio.flow import THREADS, AsyncFlow, parse_threads
from itagflow.aio.pool import wait_for_thread
from itagflow.core.engine import now
from itagflow.core.registry import MergeFunction
from itagflow.flow import Flow
from itagflow.typing import Clock, IdSource, Listener, Policy
from itagflow.validation.answers import Validator


class AsyncOpening:
    """What `open` returns: await it, or enter it with ``async with``, which closes at its end."""

    __module__ = "itagflow.aio"

    def __init__(self, start: Callable[[], Flow], threads: int) -> None:
        """Call *start* in a thread when it is awaited or entered; `open` makes these."""
        self._start = start
        self._threads = threads
        self._flow: AsyncFlow | None = None

    def __await__(self) -> Generator[object, None, AsyncFlow]:
        """Open the store, and return the AsyncFlow, which the caller closes."""
        return self._open().__await__()

    async def __aenter__(self) -> AsyncFlow:
        """Open the store, and return the AsyncFlow, to be closed with the ``async with`` block."""
        self._flow = await self._open()
        return self._flow

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the AsyncFlow."""
        flow, self._flow = self._flow, None
        if flow is not None:
            await flow.close()

    async def _open(self) -> AsyncFlow:
        flow = await wait_for_thread(self._start, undo=Flow.close)
        return AsyncFlow(flow, threads=self._threads)


def open(
    url: str | os.PathLike[str],
    *,
    policy: Policy = default_policy,
    clock: Clock = now,
    ids: IdSource | None = None,
    listeners: Sequence[Listener] = (),
    validators: Mapping[str, Validator] | None = None,
    merges: Mapping[str, MergeFunction] | None = None,
    threads: int = THREADS,
) -> AsyncOpening:
    """Open a store, in a thread: await the result, or enter it with ``async with``.

    Policy, validators, merge functions and listeners are called in the threads that do the work,
    never in the event loop.  They must not wait for the `AsyncFlow`.

    Args:
        url: As in `itagflow.open`, as for all that follow.
        policy: Says who may do what.
        clock: Tells the time.
        ids: Makes new keys.
        listeners: Are told each event.
        validators: The application's own checks of answers.
        merges: The application's own merge rules.
        threads: How many verbs run at once; see `AsyncFlow`.

    Raises:
        InvalidData: when *threads* is no whole number of at least one; when it is awaited or
            entered, as `itagflow.open` raises it.
        StoreFailed: when it is awaited or entered, as `itagflow.open` raises it.

    >>> import asyncio
    >>> import itagflow.aio
    >>> async def main():
    ...     flow = await itagflow.aio.open("memory:")
    ...     try:
    ...         return (await flow.workspaces.create("street", admin="ada")).name
    ...     finally:
    ...         await flow.close()
    >>> asyncio.run(main())
    'street'
    """
    start = partial(
        opening.open,
        url,
        policy=policy,
        clock=clock,
        ids=ids,
        listeners=listeners,
        validators=validators,
        merges=merges,
    )
    return AsyncOpening(start, parse_threads("itagflow.aio.open", threads))
