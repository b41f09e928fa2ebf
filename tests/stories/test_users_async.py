"""A web service on one event loop: people label, a reviewer sends work back, a dashboard follows."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from datetime import timedelta
from typing import Any

import pytest
from support.scenes import Clock

import itagflow.aio
from itagflow import (
    Choice,
    FixedSize,
    Inspect,
    ItagflowError,
    Job,
    JobState,
    Label,
    NotHeld,
    Stage,
    Workflow,
    maintenance,
    templates,
)
from itagflow.aio import AsyncFlow

LABELERS = ("ann", "bo", "cleo")
Story = Callable[[AsyncFlow, Job], Coroutine[Any, Any, None]]


async def order(flow: AsyncFlow, photos: int) -> Job:
    """A job that three people label and one inspects."""
    shop = await flow.workspaces.create("shop", admin="app")
    for account in (*LABELERS, "ivy"):
        await flow.members.add(shop, account, "operator", by="app")
    return await flow.jobs.create(
        shop,
        "photos",
        template=templates.image_classification(["cat", "dog"]),
        data=[{"data": {"source": f"{number}.jpg"}} for number in range(1, photos + 1)],
        packaging=FixedSize(2),
        workflow=Workflow(Label(limit=1, lease=timedelta(hours=1)), Inspect(limit=1)),
        workforce={"label": LABELERS, "inspect": ["ivy"]},
        by="app",
    )


async def label(flow: AsyncFlow, job: Job, account: str) -> int:
    """Label whatever comes until nothing is left, and return how many packages that was."""
    done = 0
    while (assignment := await flow.claim(account, job, Stage.LABEL)) is not None:
        async for item in flow.tasks(assignment, by=account):
            # whoever has seen why it came back says what the reviewer wants
            await flow.save(assignment, item, Choice("dog" if item.comment else "cat"), by=account)
        await flow.submit(assignment, by=account)
        done += 1
    return done


async def inspect(flow: AsyncFlow, job: Job) -> None:
    """Send the first photo back once, and let everything else pass."""
    while (await flow.jobs.get(job)).state is not JobState.FINISHED:
        assignment = await flow.claim("ivy", job, Stage.INSPECT)
        if assignment is None:
            await asyncio.sleep(0.005)
            continue
        items = [item async for item in flow.tasks(assignment, by="ivy")]
        cats = [item for item in items if item.submitted.reply == Choice("cat")]
        wrong = [item for item in cats if item.task.number == 1]
        for item in wrong:
            await flow.judge(assignment, item, wrong="this is a dog", by="ivy")
        if wrong:
            await flow.reject(assignment, by="ivy")
        else:
            await flow.review(assignment, by="ivy")


async def dashboard(flow: AsyncFlow) -> list[str]:
    """Follow until the job is finished."""
    seen = []
    async with flow.events.follow(workspace="shop") as events:
        async for event in events:
            seen.append(event.type)
            if any(change.after == "finished" for change in event.changes):
                return seen
    return seen


def tell(url: str, story: Story, *, photos: int = 12, clock: Clock | None = None) -> None:
    async def main() -> None:
        async with itagflow.aio.open(url, clock=clock or Clock()) as flow:
            job = await order(flow, photos)
            await story(flow, job)
            assert [found async for found in flow.iterate(maintenance.verify)] == []

    asyncio.run(main())


def test_a_team_works_through_a_job_on_one_event_loop(url: str) -> None:
    async def story(flow: AsyncFlow, job: Job) -> None:
        async def come_back(account: str) -> int:
            done = 0
            while (await flow.jobs.get(job)).state is not JobState.FINISHED:
                done += await label(flow, job, account)
                await asyncio.sleep(0.005)
            return done

        async with asyncio.timeout(120), asyncio.TaskGroup() as group:
            work = [group.create_task(come_back(account)) for account in LABELERS]
            group.create_task(inspect(flow, job))
            board = group.create_task(dashboard(flow))
        assert sum(task.result() for task in work) == 6 + 1, "one package came back"
        assert board.result().count("reject") == 1
        rows = [row async for row in flow.results.rows(job)]
        assert [row["state"] for row in rows] == ["final"] * 12
        assert rows[0]["label_by"] in LABELERS
        first = await flow.results.get(job, 1)
        assert first.replies == {"1": Choice("dog")}

    tell(url, story)


def test_a_request_that_times_out_leaves_the_package_for_the_next_one(url: str) -> None:
    """Limits count what is held: nothing of a request that was given up stays behind."""

    async def story(flow: AsyncFlow, job: Job) -> None:
        for _ in range(5):
            request = asyncio.create_task(flow.claim("ann", job, Stage.LABEL))
            await asyncio.sleep(0)
            request.cancel()
            await asyncio.wait([request])
        assert await flow.claim("ann", job, Stage.LABEL) is not None

    tell(url, story)


def test_a_page_that_is_reloaded_shows_the_same_package(url: str) -> None:
    async def story(flow: AsyncFlow, job: Job) -> None:
        first, again = [await flow.claim("ann", job, Stage.LABEL, resume=True) for _ in range(2)]
        assert first == again

    tell(url, story)


def test_who_comes_too_late_is_told(url: str) -> None:
    clock = Clock()

    async def story(flow: AsyncFlow, job: Job) -> None:
        slow = await flow.claim("ann", job, Stage.LABEL)
        assert slow is not None
        clock.forward(hours=2)
        quick = await flow.claim("bo", job, Stage.LABEL)
        assert quick is not None
        assert quick.package == slow.package
        with pytest.raises(NotHeld):
            await flow.save(slow, 1, Choice("cat"), by="ann")
        with pytest.raises(ItagflowError, match="no Job 'cats'"):
            await flow.claim("ann", "cats", Stage.LABEL)

    tell(url, story, photos=2, clock=clock)
