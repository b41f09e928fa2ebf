"""Items that come one by one on an event loop: how they are read, left and followed."""

from __future__ import annotations

import asyncio
import gc
import threading
import time
from collections.abc import Callable, Coroutine, Iterator, Mapping
from typing import Any

import pytest
from support.scenes import cats, labeled

import itagflow
from itagflow import Flow, StoreFailed
from itagflow.aio import AsyncItems


def run(task: Coroutine[Any, Any, Any]) -> Any:
    return asyncio.run(task)


# -- ways to leave an iterator; none of them keeps it --


async def by_break(items: AsyncItems[int]) -> None:
    async for number in items:
        if number == 3:
            break


async def by_block(items: AsyncItems[int]) -> None:
    async with items:
        await anext(items)


async def by_closing(items: AsyncItems[int]) -> None:
    await anext(items)
    await items.aclose()
    await items.aclose()
    with pytest.raises(StopAsyncIteration):
        await anext(items)


async def by_error(items: AsyncItems[int]) -> None:
    with pytest.raises(ZeroDivisionError):
        async for number in items:
            assert 1 // number


async def by_cancelling(items: AsyncItems[int]) -> None:
    async def read_slowly(items: AsyncItems[int]) -> None:
        async for _ in items:
            await asyncio.sleep(1)

    task = asyncio.create_task(read_slowly(items))
    await asyncio.sleep(0.05)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


LEAVING: Mapping[str, Callable[[AsyncItems[int]], Coroutine[Any, Any, None]]] = {
    "break": by_break,
    "with": by_block,
    "aclose": by_closing,
    "error": by_error,
    "cancel": by_cancelling,
}


class TestItems:
    def test_many_are_read_in_order_and_once(self, url: str) -> None:
        async def main() -> None:
            async with itagflow.aio.open(url) as flow:
                job = await flow.run(cats, tasks=700, size=100)
                numbers = [row["task"] async for row in flow.results.rows(job)]
                assert numbers == list(range(1, 701))

        run(main())

    def test_the_first_one_is_read_alone(self) -> None:
        read: list[int] = []

        def count(flow: Flow) -> Iterator[int]:
            for number in range(1_000):
                read.append(number)
                yield number

        async def main() -> None:
            async with itagflow.aio.open("memory:") as flow:
                items = flow.iterate(count)
                assert read == []
                assert await anext(items) == 0
                assert len(read) == 1
                assert [item async for item in items] == list(range(1, 1_000))
                with pytest.raises(StopAsyncIteration):
                    await anext(items)

        run(main())

    @pytest.mark.parametrize("how", LEAVING)
    def test_it_is_closed_when_it_is_left(self, how: str) -> None:
        closed = threading.Event()
        where: list[str] = []

        def count(flow: Flow) -> Iterator[int]:
            try:
                yield from range(1_000)
            finally:
                where.append(threading.current_thread().name)
                closed.set()

        async def main() -> None:
            async with itagflow.aio.open("memory:") as flow:
                await LEAVING[how](flow.iterate(count))
                gc.collect()
                await asyncio.to_thread(closed.wait, 10)
                assert where
                assert where[0] != threading.main_thread().name

        run(main())

    def test_a_snapshot_is_given_back(self, url: str) -> None:
        """The threads that read it are different ones."""

        async def main() -> None:
            async with itagflow.aio.open(url, threads=3) as flow:
                job = await flow.run(cats, tasks=50, size=10)
                async with flow.results.list(job, snapshot=True) as results:
                    first = await anext(results)
                    assert first.task.number == 1
                    busy = [flow.run(lambda _: time.sleep(0.01)) for _ in range(3)]
                    (second, *_) = await asyncio.gather(anext(results), *busy)
                    assert second.task.number == 2
                await flow.run(labeled, "ben", job)
                assert await flow.close(0.5), "no snapshot is open"

        run(main())

    def test_a_cancelled_step_loses_nothing(self) -> None:
        gate = threading.Event()

        def count(flow: Flow) -> Iterator[int]:
            gate.wait(10)
            yield from range(10)

        async def main() -> None:
            async with itagflow.aio.open("memory:") as flow:
                items = flow.iterate(count)
                for _ in range(3):
                    with pytest.raises(TimeoutError):
                        await asyncio.wait_for(anext(items), 0.01)
                gate.set()
                assert [item async for item in items] == list(range(10))

        run(main())

    def test_several_tasks_share_one(self) -> None:
        async def main() -> None:
            async with itagflow.aio.open("memory:") as flow:
                items = flow.iterate(lambda _: iter(range(500)))

                async def read() -> list[int]:
                    found = []
                    async for item in items:
                        found.append(item)
                        await asyncio.sleep(0)
                    return found

                found = await asyncio.gather(*(read() for _ in range(5)))
                assert sorted(item for part in found for item in part) == list(range(500))
                assert all(part == sorted(part) for part in found)

        run(main())

    def test_what_comes_before_an_error_is_read(self) -> None:
        def fail(flow: Flow) -> Iterator[int]:
            yield from range(20)
            raise LookupError("no more")

        async def main() -> None:
            async with itagflow.aio.open("memory:") as flow:
                items, found = flow.iterate(fail), []
                with pytest.raises(LookupError, match="no more"):
                    async for item in items:
                        found.append(item)
                assert found == list(range(20))
                with pytest.raises(StopAsyncIteration):
                    await anext(items)

        run(main())

    def test_a_mistake_is_told_at_the_first_step(self) -> None:
        async def main() -> None:
            async with itagflow.aio.open("memory:") as flow:
                jobs = flow.jobs.list("nowhere")
                with pytest.raises(itagflow.NotFound):
                    await anext(jobs)

        run(main())


class TestFollowing:
    def test_followers_keep_no_verb_waiting(self, url: str) -> None:
        """The only thread is free although five tasks wait for events."""

        async def main() -> None:
            async with itagflow.aio.open(url, threads=1) as flow:
                home = await flow.workspaces.create("street", admin="ada")
                seen: list[list[str]] = [[] for _ in range(5)]

                async def follow(found: list[str]) -> None:
                    async for event in flow.events.follow(workspace=home):
                        found.append(event.type)
                        if len(found) == 3:
                            return

                tasks = [asyncio.create_task(follow(found)) for found in seen]
                await asyncio.sleep(0.2)
                async with asyncio.timeout(60):
                    for account in ("ben", "cy"):
                        await flow.members.add(home, account, "operator", by="ada")
                    await asyncio.gather(*tasks)
                assert seen == [["create_workspace", "add_member", "add_member"]] * 5

        run(main())

    def test_a_follower_that_nobody_keeps_ends(self, url: str) -> None:
        async def main() -> None:
            async with itagflow.aio.open(url) as flow:
                await flow.workspaces.create("street", admin="ada")
                for _ in range(3):
                    events = flow.events.follow(after=1)
                    with pytest.raises(TimeoutError):
                        await asyncio.wait_for(anext(events), 0.05)
                    del events
                async with asyncio.timeout(60):
                    while any(t.name == "itagflow-single" for t in threading.enumerate()):
                        await asyncio.sleep(0.05)

        run(main())

    def test_closing_a_follower_does_not_wait_for_an_event(self, url: str) -> None:
        async def main() -> None:
            async with itagflow.aio.open(url) as flow:
                await flow.workspaces.create("street", admin="ada")
                events = flow.events.follow()
                assert (await anext(events)).type == "create_workspace"
                waiting = asyncio.ensure_future(anext(events))
                await asyncio.sleep(0.1)
                async with asyncio.timeout(60):
                    await events.aclose()
                    with pytest.raises(StopAsyncIteration):
                        await waiting

        run(main())

    def test_a_follower_ends_by_its_own_timeout(self) -> None:
        async def main() -> None:
            async with itagflow.aio.open("memory:") as flow:
                await flow.workspaces.create("street", admin="ada")
                events = flow.events.follow(timeout=0.05)
                assert [event.type async for event in events] == ["create_workspace"]

        run(main())

    def test_closing_the_flow_ends_followers(self, url: str) -> None:
        async def main() -> None:
            flow = await itagflow.aio.open(url)
            await flow.workspaces.create("street", admin="ada")
            events = flow.events.follow(after=1)
            waiting = asyncio.ensure_future(anext(events))
            await asyncio.sleep(0.1)
            assert await flow.close()
            async with asyncio.timeout(60):
                with pytest.raises(StoreFailed):
                    await waiting

        run(main())
