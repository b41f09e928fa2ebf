"""Tasks on one event loop: claims, cancellations, threads and closing."""

from __future__ import annotations

import asyncio
import contextvars
import gc
import logging
import os
import pickle
import random
import threading
import time
import traceback
import warnings
from collections import Counter
from collections.abc import Callable, Coroutine, Iterator
from typing import Any

import pytest
from support.scenes import cats, rows, taken

import itagflow
from itagflow import (
    Assignment,
    AssignmentState,
    Choice,
    Event,
    Flow,
    Job,
    Label,
    Stage,
    StoreFailed,
    Workflow,
    maintenance,
)
from itagflow.aio import AsyncFlow, AsyncOpening
from itagflow.errors import NotHeld

PEOPLE = tuple(f"m{number}" for number in range(10))
SEEDS = int(os.environ.get("ITAGFLOW_SEEDS", "6"))


def run(task: Coroutine[Any, Any, Any]) -> Any:
    """Run a task to its end; nothing may be left behind unclosed."""
    return asyncio.run(task)


def many_packages(flow: Flow, count: int, **more: Any) -> Job:
    return cats(flow, tasks=count, size=1, label=PEOPLE, **more)


def held(flow: Flow, job: Job) -> set[tuple[int, int]]:
    """The keys of the assignments that somebody holds."""
    found = [
        assignment
        for account in ("ada", *PEOPLE)
        for assignment in flow.assignments.list(account, job=job)
    ]
    return {each.key for each in found if each.state is AssignmentState.HELD}


def must_be_consistent(flow: Flow, job: Job) -> None:
    assert list(maintenance.verify(flow, job)) == []


async def label_all(flow: AsyncFlow, job: Job, account: str) -> list[Assignment]:
    """Claim, answer and submit until there is nothing for a member."""
    done: list[Assignment] = []
    while (assignment := await flow.claim(account, job, Stage.LABEL)) is not None:
        async for item in flow.tasks(assignment):
            await flow.save(assignment, item, Choice("cat"))
        done.append(await flow.submit(assignment))
    return done


class TestManyTasks:
    def test_a_hundred_tasks_claim_each_package_once(self, url: str) -> None:
        async def main() -> None:
            async with itagflow.aio.open(url) as flow:
                job = await flow.run(many_packages, 150)
                async with asyncio.TaskGroup() as group:
                    tasks = [
                        group.create_task(label_all(flow, job, PEOPLE[number % len(PEOPLE)]))
                        for number in range(100)
                    ]
                done = [assignment for task in tasks for assignment in task.result()]
                assert Counter(each.package for each in done) == Counter(range(1, 151))
                assert (await flow.jobs.get(job)).state is itagflow.JobState.FINISHED
                await flow.run(must_be_consistent, job)

        run(main())

    def test_two_loops_in_two_threads_share_one(self, url: str) -> None:
        with itagflow.open(url) as flow:
            job = many_packages(flow, 20)
            shared = AsyncFlow(flow)
            done: list[int] = []

            def label(account: str) -> None:
                found = asyncio.run(label_all(shared, job, account))
                done.extend(each.package for each in found)

            threads = [threading.Thread(target=label, args=(PEOPLE[n],)) for n in range(3)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            assert sorted(done) == list(range(1, 21))
            assert asyncio.run(shared.close())


async def cancelled(task: asyncio.Task[Any]) -> None:
    """Cancel a task and wait for its end."""
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


class TestCancelling:
    """Where a cancellation strikes is chosen by callbacks, which run in the thread of the verb."""

    def interrupted_claim(self, url: str, *, at: str, **how: Any) -> tuple[Flow, Job, Assignment]:
        """Cancel a claim before or after its commit; return also what the member may claim then."""
        moments: dict[str, Callable[[], object]] = {}

        def policy(*asked: Any) -> Any:
            moments.get("before", bool)()
            return itagflow.access.default_policy(*asked)

        def listen(event: Event) -> None:
            if event.type == "claim":
                moments.get("after", bool)()

        flow = itagflow.open(url, policy=policy, listeners=[listen])
        job = many_packages(flow, 3, workflow=Workflow(Label(limit=1)))

        async def main() -> None:
            loop = asyncio.get_running_loop()
            shared = AsyncFlow(flow)
            told = threading.Event()

            def cancel_task() -> None:
                task.cancel()
                loop.call_soon(told.set)

            def strike() -> None:
                moments.clear()
                loop.call_soon_threadsafe(cancel_task)
                assert told.wait(10)

            moments[at] = strike
            task = asyncio.create_task(shared.claim("m1", job, "label", **how))
            with pytest.raises(asyncio.CancelledError):
                await task
            shared._pool.abandon()

        run(main())
        return flow, job, taken(flow, "m1", job)

    def test_before_the_commit_it_is_rolled_back(self, url: str) -> None:
        flow, job, claimed = self.interrupted_claim(url, at="before")
        claims = [event for event in flow.events.list(job) if event.type == "claim"]
        assert [event.assignment for event in claims] == [claimed.id]
        assert held(flow, job) == {claimed.key}
        must_be_consistent(flow, job)
        flow.close()

    def test_after_the_commit_it_is_released(self, url: str) -> None:
        flow, job, claimed = self.interrupted_claim(url, at="after")
        types = [event.type for event in flow.events.list(job)]
        assert types[-3:] == ["claim", "release", "claim"]
        assert held(flow, job) == {claimed.key}, "the limit of one is not used up"
        must_be_consistent(flow, job)
        flow.close()

    def test_what_a_token_has_claimed_is_returned_to_it(self) -> None:
        moments: dict[str, Any] = {}
        with itagflow.open(
            "memory:", listeners=[lambda event: moments.get(event.type, bool)()]
        ) as flow:
            job = many_packages(flow, 3)

            async def main() -> None:
                loop = asyncio.get_running_loop()
                shared = AsyncFlow(flow)
                moments["claim"] = lambda: loop.call_soon_threadsafe(task.cancel)
                task = asyncio.create_task(shared.claim("m1", job, "label", token="page-1"))
                with pytest.raises(asyncio.CancelledError):
                    await task
                moments.clear()
                (kept,) = held(flow, job)
                again = await shared.claim("m1", job, "label", token="page-1")
                assert again is not None
                assert {again.key} == {kept} == held(flow, job)
                shared._pool.abandon()

            run(main())

    @pytest.mark.parametrize("steps", [0, 1])
    def test_when_the_loop_learns_of_both_at_once(self, steps: int) -> None:
        """The thread is done, and its result waits for the task, when that is cancelled."""

        async def main() -> None:
            async with itagflow.aio.open("memory:") as flow:
                job = await flow.run(many_packages, 3)
                task = asyncio.create_task(flow.claim("m1", job, "label"))
                await asyncio.sleep(0)
                while not flow.sync.events or not held(flow.sync, job):
                    time.sleep(0.01)  # the loop stands still meanwhile, by intention
                time.sleep(0.05)
                for _ in range(steps):
                    await asyncio.sleep(0)
                await cancelled(task)
                assert held(flow.sync, job) == set()
                must_be_consistent(flow.sync, job)

        run(main())

    def test_claim_many_is_released_as_a_whole(self) -> None:
        moments: dict[str, Any] = {}
        with itagflow.open(
            "memory:", listeners=[lambda event: moments.get(event.type, bool)()]
        ) as flow:
            job = many_packages(flow, 30)

            async def main() -> None:
                loop = asyncio.get_running_loop()
                shared = AsyncFlow(flow)
                moments["claim"] = lambda: loop.call_soon_threadsafe(task.cancel)
                task = asyncio.create_task(shared.claim_many("m1", job, "label", 30))
                with pytest.raises(asyncio.CancelledError):
                    await task
                moments.clear()
                assert held(flow, job) == set()
                shared._pool.abandon()

            run(main())
            must_be_consistent(flow, job)

    def test_what_a_listener_does_is_not_given_up(self) -> None:
        """The claim that it was told of is; what it has stored itself stays."""
        moments: dict[str, Any] = {}
        with itagflow.open(
            "memory:", listeners=[lambda event: moments.get(event.type, bool)()]
        ) as flow:
            job = many_packages(flow, 3)

            async def main() -> None:
                loop = asyncio.get_running_loop()
                shared = AsyncFlow(flow)
                told = threading.Event()

                def cancel_task() -> None:
                    task.cancel()
                    loop.call_soon(loop.call_soon, told.set)

                def strike() -> None:
                    moments.clear()
                    loop.call_soon_threadsafe(cancel_task)
                    assert told.wait(10)
                    flow.claim("m2", job, "label")

                moments["claim"] = strike
                task = asyncio.create_task(shared.claim("m1", job, "label"))
                with pytest.raises(asyncio.CancelledError):
                    await task
                (kept,) = held(flow, job)
                assert flow.assignments.get(kept).member == flow.members.get("street", "m2").id
                shared._pool.abandon()

            run(main())

    def test_one_that_no_thread_has_begun_never_runs(self) -> None:
        async def main() -> None:
            async with itagflow.aio.open("memory:", threads=1) as flow:
                job = await flow.run(many_packages, 3)
                gate = threading.Event()
                busy = asyncio.create_task(flow.run(lambda _: gate.wait(10)))
                await asyncio.sleep(0.01)
                task = asyncio.create_task(flow.claim("m1", job, "label"))
                await asyncio.sleep(0.01)
                await cancelled(task)  # although the only thread is busy
                gate.set()
                assert await busy
                types = [event.type async for event in flow.events.list(job)]
                assert "claim" not in types

        run(main())

    def test_a_long_load_ends_soon_and_leaves_nothing(self, url: str) -> None:
        """Also when it is cancelled twice: the task waits for the thread."""

        def endless() -> Iterator[dict[str, Any]]:
            number = 0
            while True:
                number += 1
                yield {"data": {"source": f"{number}.jpg"}}

        async def main() -> None:
            async with itagflow.aio.open(url) as flow:
                home = await flow.workspaces.create("street", admin="ada")
                order: dict[str, Any] = {
                    "template": itagflow.templates.image_classification(["cat", "dog"]),
                    "by": "ada",
                }
                with pytest.raises(TimeoutError):
                    async with asyncio.timeout(0.2):
                        await flow.jobs.create(home, "cats", data=endless(), **order)
                assert [job async for job in flow.jobs.list(home)] == []
                task = asyncio.create_task(flow.jobs.create(home, "cats", data=endless(), **order))
                await asyncio.sleep(0.1)
                task.cancel()
                await asyncio.sleep(0)
                await cancelled(task)
                assert [job async for job in flow.jobs.list(home)] == []
                assert await flow.jobs.create(home, "cats", data=rows(2), **order)

        run(main())

    def test_a_timeout_and_a_group_see_their_own_cancellation(self) -> None:
        async def main() -> None:
            async with itagflow.aio.open("memory:") as flow:
                slow = threading.Event()
                with pytest.raises(TimeoutError):
                    async with asyncio.timeout(0.01):
                        asyncio.get_running_loop().call_later(0.05, slow.set)
                        await flow.run(lambda _: slow.wait(10))
                with pytest.raises(ExceptionGroup) as failed:
                    async with asyncio.TaskGroup() as group:
                        group.create_task(flow.jobs.get("nothing"))
                        group.create_task(flow.run(lambda _: time.sleep(0.05)))
                assert failed.group_contains(itagflow.NotFound)

        run(main())

    def test_a_coroutine_that_is_closed_gives_back_what_it_claimed(self) -> None:
        """As when a loop ends around it."""
        with itagflow.open("memory:") as flow:
            job = many_packages(flow, 3)
            shared = AsyncFlow(flow)

            async def main() -> None:
                claim = shared.claim("m1", job, "label")
                claim.send(None)  # it has begun, and waits for the thread
                while not held(flow, job):
                    time.sleep(0.01)
                time.sleep(0.05)
                claim.close()
                assert held(flow, job) == set()

            run(main())
            shared._pool.abandon()

    def test_what_cannot_be_given_back_is_logged(self, caplog: pytest.LogCaptureFixture) -> None:
        moments: dict[str, Any] = {}
        flow = itagflow.open("memory:", listeners=[lambda event: moments.get(event.type, bool)()])
        job = many_packages(flow, 3)

        async def main() -> None:
            loop = asyncio.get_running_loop()
            shared = AsyncFlow(flow)

            def strike() -> None:
                loop.call_soon_threadsafe(task.cancel)
                flow.close(0)

            moments["claim"] = strike
            task = asyncio.create_task(shared.claim("m1", job, "label"))
            with pytest.raises(asyncio.CancelledError), caplog.at_level(logging.ERROR, "itagflow"):
                await task
            shared._pool.abandon()

        run(main())
        assert "was not given back" in caplog.text


class Crowd:
    """Tasks that work, and one that cancels them at random."""

    def __init__(self, flow: AsyncFlow, job: Job, seed: int) -> None:
        self.flow, self.job = flow, job
        self.random = random.Random(seed)
        self.returned = set[tuple[int, int]]()
        """The keys that some task was told."""

    async def work(self, account: str) -> None:
        """Claim, answer, and submit or hold what is claimed."""
        for number in range(4):
            if number % 2:
                claimed = await self.flow.claim(account, self.job, "label")
                several = [] if claimed is None else [claimed]
            else:
                several = await self.flow.claim_many(account, self.job, "label", 2)
            self.returned |= {each.key for each in several}
            for each in several:
                items = [item async for item in self.flow.tasks(each)]
                await self.flow.save(each, items[0], Choice("cat"))
                if self.random.random() < 0.7:
                    await self.flow.submit(each)

    async def cancel_at_random(self, tasks: list[asyncio.Task[None]]) -> None:
        while not all(task.done() for task in tasks):
            await asyncio.sleep(self.random.random() * 0.004)
            self.random.choice(tasks).cancel()

    async def live(self) -> None:
        tasks = [asyncio.create_task(self.work(self.random.choice(PEOPLE))) for _ in range(20)]
        await asyncio.gather(*tasks, self.cancel_at_random(tasks), return_exceptions=True)
        for task in tasks:
            if not task.cancelled() and (error := task.exception()) is not None:
                raise error


@pytest.mark.parametrize("seed", range(SEEDS))
def test_tasks_that_are_cancelled_at_random_leave_nothing_held_that_was_not_returned(
    url: str, seed: int
) -> None:
    def linger(event: Event) -> None:
        """Let cancellations strike between a commit and its answer, which are close together."""
        if event.type == "claim":
            time.sleep(0.002)

    async def main() -> None:
        async with itagflow.aio.open(url, listeners=[linger]) as flow:
            job = await flow.run(many_packages, 60)
            crowd = Crowd(flow, job, seed)
            await crowd.live()
            left = await flow.run(held, job)
            assert left <= crowd.returned, "somebody holds what nobody was told of"
            await flow.run(must_be_consistent, job)

    run(main())


class TestThreads:
    def test_no_more_threads_than_given(self) -> None:
        running = Counter[str]()
        most = 0
        lock = threading.Lock()

        def work(flow: Flow) -> None:
            nonlocal most
            with lock:
                running["now"] += 1
                most = max(most, running["now"])
            time.sleep(0.005)
            with lock:
                running["now"] -= 1

        async def main() -> None:
            async with itagflow.aio.open("memory:", threads=3) as flow:
                await asyncio.gather(*(flow.run(work) for _ in range(60)))
            assert most == 3

        run(main())

    def test_context_variables_are_carried_and_not_changed(self) -> None:
        request = contextvars.ContextVar("request", default="none")
        seen: list[str] = []

        def listen(event: Event) -> None:
            seen.append(request.get())
            request.set("changed")

        async def main() -> None:
            async with itagflow.aio.open("memory:", listeners=[listen]) as flow:
                request.set("request 7")
                await flow.workspaces.create("street", admin="ada")
                assert request.get() == "request 7"
                assert await flow.run(lambda _: request.get()) == "request 7"
                assert [item async for item in flow.iterate(lambda _: iter([request.get()]))] == [
                    "request 7"
                ]
            assert seen == ["request 7"]

        run(main())

    def test_errors_come_back_as_they_are(self) -> None:
        async def main() -> None:
            async with itagflow.aio.open("memory:") as flow:
                job = await flow.run(many_packages, 1)
                assignment = await flow.claim("m1", job, "label")
                assert assignment is not None
                with pytest.raises(NotHeld) as refused:
                    await flow.submit(assignment, by="m2")
                assert refused.value.__cause__ is None
                places = [frame.name for frame in traceback.extract_tb(refused.value.__traceback__)]
                # from the caller, through the twin, to the rule that refuses
                assert places[:2] == ["main", "submit"]
                assert len(places) < 25

                def stop(_: Flow) -> None:
                    raise StopIteration("enough")

                with pytest.raises(RuntimeError, match="enough"):
                    await flow.run(stop)

        run(main())

    def test_a_child_of_a_fork_has_threads_of_its_own(self, tmp_path: Any) -> None:
        flow = itagflow.open(tmp_path / "labels.db")
        shared = AsyncFlow(flow)
        assert asyncio.run(shared.run(lambda _: 1)) == 1  # the parent has a thread now
        flow.workspaces.create("street", admin="ada")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # a fork with threads
            child = os.fork()
        if child == 0:
            code = 1
            try:
                names = asyncio.run(self.names_of(shared))
                code = 0 if names == ["street"] else 2
            finally:
                os._exit(code)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        assert asyncio.run(shared.close())

    async def names_of(self, flow: AsyncFlow) -> list[str]:
        async with asyncio.timeout(30):
            return [each.name async for each in flow.workspaces.list()]


class TestClosing:
    def test_it_waits_for_what_runs_and_refuses_what_comes(self) -> None:
        entered = threading.Event()
        gate = threading.Event()

        def slow(event: Event) -> None:
            entered.set()
            gate.wait(10)

        async def main() -> None:
            flow = await itagflow.aio.open("memory:", listeners=[slow])
            task = asyncio.create_task(flow.workspaces.create("street", admin="ada"))
            await asyncio.to_thread(entered.wait, 10)
            closing = asyncio.create_task(flow.close())
            await asyncio.sleep(0.05)
            with pytest.raises(StoreFailed, match="closed"):
                await flow.jobs.get(1)
            with pytest.raises(StoreFailed, match="closed"):
                await anext(flow.workspaces.list())
            gate.set()
            assert await closing
            assert (await task).name == "street"
            assert await flow.close(), "once more changes nothing"

        run(main())

    def test_one_that_nobody_closes_warns(self) -> None:
        async def main() -> None:
            flow = await itagflow.aio.open("memory:")
            await flow.workspaces.create("street", admin="ada")

        def forget() -> None:
            run(main())
            gc.collect()

        with pytest.warns(ResourceWarning, match="unclosed <AsyncFlow"):
            forget()

    def test_opening_is_undone_when_it_is_cancelled(self) -> None:
        flow = itagflow.open("memory:")
        entered, gate = threading.Event(), threading.Event()

        def open_slowly() -> Flow:
            entered.set()
            gate.wait(10)
            return flow

        async def enter() -> None:
            async with AsyncOpening(open_slowly, 1):
                pytest.fail("it was cancelled before")

        async def main() -> None:
            task = asyncio.create_task(enter())
            await asyncio.to_thread(entered.wait, 10)
            task.cancel()
            await asyncio.sleep(0)
            gate.set()
            with pytest.raises(asyncio.CancelledError):
                await task
            assert flow.store.is_closed

        run(main())

    def test_it_cannot_be_sent_to_another_process(self) -> None:
        async def main() -> None:
            async with itagflow.aio.open("memory:") as flow:
                assert repr(flow) == "<AsyncFlow on memory>"
                with pytest.raises(StoreFailed, match="cannot be sent"):
                    pickle.dumps(flow)

        run(main())


def test_cancel_scopes_of_anyio_work() -> None:
    """AnyIO cancels again and again until a task ends."""
    anyio = pytest.importorskip("anyio", reason="comes with FastAPI")

    async def main() -> None:
        async with itagflow.aio.open("memory:") as flow:
            job = await flow.run(many_packages, 3)
            with anyio.move_on_after(0.02) as scope:
                await flow.run(lambda _: time.sleep(0.1))
            assert scope.cancelled_caught
            async with anyio.create_task_group() as group:
                group.start_soon(flow.claim, "m1", job, "label")
                await anyio.sleep(0)
                group.cancel_scope.cancel()
            assert await flow.run(held, job) == set()
            assert await flow.claim("m1", job, "label") is not None

    run(main())
