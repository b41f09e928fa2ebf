"""Several workers share a receiver: each event comes in order, also when workers are killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from support.receiving import SECRET, Answer, Receiver, Request
from support.scenes import street

import itagflow
from itagflow import Flow, Job, delivery, maintenance, templates

KILLS = int(os.environ.get("ITAGFLOW_KILLS", "2"))
WORKER = f"""
import sys
from datetime import timedelta
import itagflow
from itagflow.delivery import Retries, Webhook, Worker, rules

rules.LEASE_MARGIN = timedelta(seconds=0.5)  # the next worker takes over soon
with itagflow.open(sys.argv[1]) as flow:
    retries = Retries(first=timedelta(seconds=0.05), longest=timedelta(seconds=0.2))
    webhook = Webhook(sys.argv[2], secret={SECRET!r}, timeout=0.5, retries=retries)
    Worker(flow, {{"training": webhook}}).run()
"""


@pytest.fixture(params=["sqlite", "postgres"])
def where(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of a store that processes can share."""
    if request.param == "postgres":
        return str(request.getfixturevalue("postgres_url"))
    return str(tmp_path / "labels.db")


def start_worker(where: str, url: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-c", WORKER, where, url])


def make_jobs(flow: Flow, count: int) -> list[Job]:
    street(flow)
    template = templates.image_classification(["cat", "dog"])
    return [
        flow.jobs.create("street", f"job-{n}", template=template, data=[], by="ada", draft=True)
        for n in range(count)
    ]


def change(flow: Flow, jobs: list[Job], times: int) -> None:
    for number in range(times):
        flow.jobs.update(jobs[number % len(jobs)], by="ada", remark=f"{time.monotonic()}")


def taken_by_job(receiver: Receiver) -> dict[str | None, list[int]]:
    """The positions of each job in the order in which they came first."""
    found: dict[str | None, list[int]] = {}
    for request in receiver.taken:
        positions = found.setdefault(request.payload["job"], [])
        if request.payload["position"] not in positions:
            positions.append(request.payload["position"])
    return found


def stored_by_job(flow: Flow) -> dict[str | None, list[int]]:
    found: dict[str | None, list[int]] = {}
    for event in flow.events.since():
        found.setdefault(str(event.job) if event.job else None, []).append(event.position)
    return found


def wait_for(is_true: Callable[[], bool], seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not is_true():
        assert time.monotonic() < end, "it took too long"
        time.sleep(0.02)


def fail_sometimes(request: Request) -> Answer:
    """Fail for every fifth position, once; it must not be lost, nor anything overtake it."""
    if request.payload["position"] % 5 == 0 and request.id not in SEEN:
        SEEN.add(request.id)
        return Answer(503, {"Retry-After": "0"})
    return Answer()


SEEN: set[str] = set()


def test_workers_that_are_killed_lose_nothing_and_keep_the_order(where: str) -> None:
    SEEN.clear()
    receiver = Receiver()
    receiver.answer = fail_sometimes
    with itagflow.open(where) as flow, receiver.serving() as url:
        jobs = make_jobs(flow, 4)
        workers = [start_worker(where, url) for _ in range(2)]
        try:
            for _ in range(KILLS):
                before = len(receiver.taken)
                change(flow, jobs, 12)
                wait_for(lambda before=before: len(receiver.taken) > before)
                for index in range(2):
                    workers[index].send_signal(signal.SIGKILL)
                    workers[index].wait()
                    workers[index] = start_worker(where, url)
                    change(flow, jobs, 4)
            wait_for(lambda: taken_by_job(receiver) == stored_by_job(flow))
        finally:
            for worker in workers:
                worker.kill()
                worker.wait()
        assert list(maintenance.verify(flow)) == []
        assert not list(delivery.list_dead_letters(flow, "training"))


def test_of_two_workers_one_delivers_and_nothing_comes_twice(where: str) -> None:
    receiver = Receiver()
    with itagflow.open(where) as flow, receiver.serving() as url:
        jobs = make_jobs(flow, 3)
        workers = [start_worker(where, url) for _ in range(2)]
        try:
            change(flow, jobs, 60)
            wait_for(lambda: taken_by_job(receiver) == stored_by_job(flow))
        finally:
            for worker in workers:
                worker.kill()
                worker.wait()
        ids = [request.id for request in receiver.taken]
        assert len(ids) == len(set(ids))
