"""The threads in which verbs run while tasks await them."""

from __future__ import annotations

import asyncio
import logging
import os
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context
from functools import partial
from typing import Any, ParamSpec, TypeVar

from itagflow.aio.calls import ThreadCall
from itagflow.errors import RuleError, StoreFailed

T = TypeVar("T")
P = ParamSpec("P")
Release = Callable[[tuple[int, int]], object]
"""Gives back the assignment that has this key."""


class ThreadPool:
    """A number of threads, shared by all tasks, and a thread for each call that waits for news."""

    def __init__(self, threads: int, *, name: str, release: Release) -> None:
        """Run up to *threads* verbs at once; no thread is started before the first verb.

        Args:
            threads: How many.
            name: What errors call the store.
            release: Gives back what a cancelled task has claimed.
        """
        self.is_closed = False
        self._threads = threads
        self._name = name
        self._release = release
        self._executor = self._make_executor()
        self._process = os.getpid()

    async def run(self, verb: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """Return what *verb* returns, or raise what it raises; it runs in one of the threads.

        A task that is cancelled meanwhile waits until the thread is done, then raises.  What the
        verb has not committed by then is rolled back, and what it has claimed is given back.
        """
        return await self._await(self.submit, partial(verb, *args, **kwargs))

    async def wait(self, verb: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """Do the same in a thread of its own, for a verb that may wait for long."""
        return await self._await(self.submit_waiting, partial(verb, *args, **kwargs))

    async def _await(
        self, submit: Callable[[Callable[[], T]], Future[T]], verb: Callable[[], T]
    ) -> T:
        call = ThreadCall()
        future = submit(call.prepare(verb))
        try:
            return await asyncio.wrap_future(future)
        except asyncio.CancelledError:
            # What no thread has begun is cancelled already, with the task.
            call.give_up()
            await wait_until_done(future)
            if call.claimed:
                # not behind others that wait for a thread, and also when the threads were closed
                await wait_until_done(_start_thread(partial(self._give_back, call)))
            raise
        except GeneratorExit:
            # The loop has ended around the task, and nobody can await anything any more.
            call.give_up()
            future.add_done_callback(lambda _: self._give_back(call))
            raise

    def submit(self, function: Callable[[], T]) -> Future[T]:
        """Have *function* run in one of the threads.

        Raises:
            StoreFailed: when they were closed.
        """
        self._require_open()
        if self._process != os.getpid():
            # The threads of the parent are not in the child of a fork.
            self._executor = self._make_executor()
            self._process = os.getpid()
        return self._executor.submit(function)

    def submit_waiting(self, function: Callable[[], T]) -> Future[T]:
        """Have *function* run in a thread of its own, which ends with it.

        Raises:
            StoreFailed: when the threads were closed.
        """
        self._require_open()
        # A daemon: whoever waits for events without end must not keep the process from ending.
        return _start_thread(function, daemon=True)

    async def close(self, close: Callable[[], bool]) -> bool:
        """Take no more calls, and return what *close* returns, which waits for those that run."""
        self.is_closed = True
        # not in one of the threads: all of them may run what it waits for
        future = _start_thread(close)
        try:
            return await asyncio.wrap_future(future)
        except asyncio.CancelledError:
            await wait_until_done(future)
            raise
        finally:
            self._executor.shutdown(wait=False)

    def abandon(self) -> None:
        """End the threads as soon as they have nothing to do, without waiting for them."""
        self.is_closed = True
        self._executor.shutdown(wait=False)

    def _require_open(self) -> None:
        if self.is_closed:
            raise StoreFailed(self._name, "the AsyncFlow is closed", "Open another one")

    def _make_executor(self) -> ThreadPoolExecutor:
        return ThreadPoolExecutor(self._threads, thread_name_prefix="itagflow")

    def _give_back(self, call: ThreadCall) -> None:
        """Give back what a call has claimed that nobody waits for."""
        for key in call.claimed:
            try:
                self._release(key)
            except RuleError:
                continue  # it has ended, or is somebody else's: nothing is held
            except Exception:
                # Nobody is there to be told.  Its lease lapses, and others get it.
                logging.getLogger("itagflow").exception(
                    "assignment %s, which a cancelled task has claimed, was not given back", key
                )


def _start_thread(function: Callable[[], T], *, daemon: bool = False) -> Future[T]:
    """Have *function* run in a thread of its own."""
    future = Future[T]()
    threading.Thread(
        target=_carry_out, args=(future, function), name="itagflow-single", daemon=daemon
    ).start()
    return future


def _carry_out(future: Future[Any], function: Callable[[], Any]) -> None:
    """Run *function* for a future."""
    if not future.set_running_or_notify_cancel():
        return
    try:
        result = function()
    except BaseException as error:
        future.set_exception(error)
    else:
        future.set_result(result)


async def wait_for_thread(function: Callable[[], T], *, undo: Callable[[T], object]) -> T:
    """Return what *function* returns, which runs in a thread of its own.

    When the task is cancelled meanwhile, it waits, calls *undo* with that, and raises.
    """
    context = copy_context()
    future = _start_thread(lambda: context.run(function))
    try:
        return await asyncio.wrap_future(future)
    except asyncio.CancelledError:
        await wait_until_done(future)
        if not future.cancelled() and future.exception() is None:
            result = future.result()
            await wait_until_done(_start_thread(lambda: undo(result)))
        raise


async def wait_until_done(future: Future[Any]) -> None:
    """Wait until a thread has dealt with *future*, also when the task is cancelled meanwhile.

    A caller that waits after a cancellation raises that one; asyncio counts the others.
    """
    loop = asyncio.get_running_loop()
    is_over = asyncio.Event()
    future.add_done_callback(lambda _: loop.call_soon_threadsafe(is_over.set))
    while not is_over.is_set():
        try:
            await is_over.wait()
        except asyncio.CancelledError:
            continue
