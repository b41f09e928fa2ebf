"""`verify` finds what does not fit in what is stored of deliveries."""

from __future__ import annotations

from collections.abc import Callable

import attrs
import pytest
from support.corruptions import add, all_of, altered, found, removed
from support.scenes import START, Clock, cats

from itagflow import Flow
from itagflow.delivery import Function, Message, Retries, Worker, forget
from itagflow.model.delivery import DeadLetter, DelayedJob, DeliveryCursor


def fail_in_jobs(message: Message) -> None:
    if message.job:
        raise ValueError("no")


def undelivered(flow: Flow) -> None:
    """A job is delayed at one receiver, and all of its events are dead letters of another."""
    cats(flow)
    once = Retries(attempts=1)
    receivers = {"a": Function(fail_in_jobs), "b": Function(fail_in_jobs, retries=once)}
    Worker(flow, receivers).run_once()


def change(kind: type, **fields: object) -> Callable[[Flow], None]:
    return lambda flow: altered(flow, all_of(flow, kind, receiver="a")[0], **fields)


def remove(kind: type) -> Callable[[Flow], None]:
    return lambda flow: removed(flow, all_of(flow, kind, receiver="a")[0])


CASES = [
    (
        change(DeliveryCursor, position=99),
        ["the cursor of receiver a: position is 99, and should be at most {last}"],
    ),
    (
        change(DeliveryCursor, holder="w"),
        ["the cursor of receiver a: lease_until is nothing, and should be there"],
    ),
    (
        change(DeliveryCursor, lease_until=START),
        [f"the cursor of receiver a: lease_until is {START}, and should be nothing"],
    ),
    (
        remove(DeliveryCursor),
        ["the delay of job {job} at receiver a: its cursor is nothing, and should be there"],
    ),
    (
        change(DelayedJob, position=1),
        ["the delay of job {job} at receiver a: job is {job}, and should be 0"],
    ),
    (
        change(DelayedJob, position=99),
        ["the delay of job {job} at receiver a: position is 99, and should be at most {last}"],
    ),
    (
        add(DeadLetter(receiver="a", position=0, job=0, attempts=1, error="no", failed_at=START)),
        ["the dead letter 0 of event 0 to receiver a: its event is nothing, and should be there"],
    ),
]


@pytest.mark.parametrize(("corrupt", "lines"), CASES)
def test_it_finds_what_does_not_fit(
    flow: Flow, corrupt: Callable[[Flow], None], lines: list[str]
) -> None:
    undelivered(flow)
    assert found(flow) == []
    (delayed,) = all_of(flow, DelayedJob)
    last = max(event.position for event in flow.events.since())
    before = {kind: all_of(flow, kind) for kind in (DeliveryCursor, DelayedJob, DeadLetter)}
    corrupt(flow)
    assert found(flow) == [line.format(job=delayed.job, last=last) for line in lines]
    # the fixture verifies the store once more
    for kind, entities in before.items():
        for entity in all_of(flow, kind):
            removed(flow, entity)
        add(*entities)(flow)


def test_what_waits_of_a_deleted_job_is_consistent_and_goes_away(flow: Flow, clock: Clock) -> None:
    undelivered(flow)
    job = flow.jobs.get("cats")
    flow.jobs.finish(job, by="ada", discard_open=True)
    flow.jobs.archive(job, by="ada")
    flow.jobs.delete(job, by="ada")
    assert found(flow) == []
    assert all_of(flow, DelayedJob) != []
    clock.forward(hours=1)
    taken: list[Message] = []
    Worker(flow, {"a": Function(taken.append)}).run_once()
    assert [message.event.type for message in taken] == ["delete"]
    assert all_of(flow, DelayedJob) == []
    assert attrs.asdict(all_of(flow, DeliveryCursor, receiver="a")[0])["failures"] == 0
    forget(flow, "b")
    assert all_of(flow, DeadLetter) == []
