"""Events go to functions: at least once, in order for each job, whatever fails in between."""

from __future__ import annotations

import random
import threading
import time
from collections import defaultdict
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from support.scenes import Clock, cats, labeled, street

import itagflow
from itagflow import (
    Event,
    Flow,
    InvalidData,
    Job,
    NotFound,
    Result,
    delivery,
    maintenance,
    templates,
)
from itagflow.delivery import Function, Message, Retries, Worker, rules
from itagflow.results.following import read_results

SOON = timedelta(minutes=2)
CATS = templates.image_classification(["cat", "dog"])


class Inbox:
    """A receiver that keeps what it takes, and takes nothing while it fails."""

    def __init__(self) -> None:
        self.taken: list[Message] = []
        self.calls = 0
        self.fails: Callable[[Message], bool] = lambda message: False

    def __call__(self, given: Message | tuple[Message, ...]) -> None:
        self.calls += 1
        messages = given if isinstance(given, tuple) else (given,)
        if any(self.fails(message) for message in messages):
            raise ValueError("not now")
        self.taken += messages

    @property
    def positions(self) -> list[int]:
        return [message.position for message in self.taken]


@pytest.fixture
def inbox() -> Inbox:
    return Inbox()


def orders(flow: Flow, *names: str) -> list[Job]:
    """Some empty jobs, whose events the tests make by changing their remarks."""
    street(flow)
    return [
        flow.jobs.create("street", name, template=CATS, data=[], by="ada", draft=True)
        for name in names
    ]


def change(flow: Flow, *jobs: Job, times: int = 1) -> None:
    """Make events of these jobs, in turns."""
    for _ in range(times):
        for job in jobs:
            flow.jobs.update(job, by="ada", remark=f"{flow.jobs.get(job).remark}+")


def positions(flow: Flow) -> list[int]:
    return [event.position for event in flow.events.since()]


def number_of(flow: Flow, message: Message) -> int:
    """Which change of its job it is about, from 1."""
    changes = [one.position for one in flow.events.list(message.job) if one.type == "update_job"]
    return changes.index(message.position) + 1


def numbers_of(flow: Flow, taken: list[Message]) -> dict[int, list[int]]:
    """Which changes were taken, by job."""
    by_job = defaultdict[int, list[int]](list)
    for message in taken:
        by_job[message.job].append(number_of(flow, message))
    return by_job


UPDATES: dict[str, Any] = {"types": ("update_job",)}


def test_each_event_is_delivered_once_and_in_order(flow: Flow, inbox: Inbox) -> None:
    job = cats(flow)
    worker = Worker(flow, {"inbox": Function(inbox)})
    assert worker.run_once() == len(inbox.taken) == len(positions(flow))
    assert inbox.positions == positions(flow)
    assert worker.run_once() == 0
    labeled(flow, "ben", job)
    assert worker.run_once() > 0
    assert inbox.positions == positions(flow)
    state = delivery.status(flow, "inbox")
    assert (state.lag, state.delivered) == (0, len(inbox.taken))
    assert (state.delayed, state.dead_letters, state.lease_until) == ((), 0, None)
    assert delivery.list_names(flow) == ["inbox"]


def test_a_message_says_what_happened(flow: Flow, inbox: Inbox) -> None:
    job = cats(flow)
    labeled(flow, "ben", job)
    Worker(flow, {"inbox": Function(inbox, types=["submit"])}).run_once()
    (message,) = inbox.taken
    assert message.event.type == "submit"
    assert message.payload == {
        "id": message.id,
        "type": "submit",
        "position": message.position,
        "at": message.event.at.isoformat(),
        "workspace": str(job.workspace),
        "job": str(job.id),
        "package": 1,
        "tasks": [1, 2],
        "became": "final",
        "outcomes": {"final": [1, 2]},
        "account": "ben",
        "data": dict(message.event.data),
    }


def test_a_receiver_gets_what_it_asks_for(flow: Flow) -> None:
    one, two = orders(flow, "one", "two")
    flow.workspaces.create("alley", admin="eve")
    inboxes = {name: Inbox() for name in ("types", "job", "workspace", "became", "now")}
    change(flow, one)
    Worker(
        flow,
        {
            "types": Function(inboxes["types"], types=("create_workspace",)),
            "job": Function(inboxes["job"], jobs=["one"]),
            "workspace": Function(inboxes["workspace"], workspace="alley"),
            "became": Function(inboxes["became"], became=["final"]),
            "now": Function(inboxes["now"], start="now"),
        },
    ).run_once()
    assert [one.event.type for one in inboxes["types"].taken] == ["create_workspace"] * 2
    assert {message.job for message in inboxes["job"].taken} == {one.id}
    assert [one.event.account for one in inboxes["workspace"].taken] == ["eve"]
    assert not inboxes["became"].taken
    assert not inboxes["now"].taken
    change(flow, two)
    Worker(flow, {"now": Function(inboxes["now"])}).run_once()
    assert [message.job for message in inboxes["now"].taken] == [two.id]


def test_a_job_waits_for_its_message_and_others_do_not(
    flow: Flow, inbox: Inbox, clock: Clock
) -> None:
    one, two = orders(flow, "one", "two")
    change(flow, one, two, times=3)
    worker = Worker(flow, {"inbox": Function(inbox, **UPDATES)})
    inbox.fails = lambda message: message.job == one.id
    worker.run_once()
    assert numbers_of(flow, inbox.taken) == {two.id: [1, 2, 3]}
    (delayed,) = delivery.status(flow, "inbox").delayed
    assert (delayed.job, delayed.attempts, delayed.error) == (one.id, 1, "raised ValueError")
    assert delivery.status(flow, "inbox").next_attempt_at == delayed.next_attempt_at
    assert worker.run_once() == 0, "it is not tried before its time"
    inbox.fails = lambda message: False
    change(flow, two)
    clock.forward(seconds=6)
    worker.run_once()
    assert numbers_of(flow, inbox.taken) == {two.id: [1, 2, 3, 4], one.id: [1, 2, 3]}
    assert not delivery.status(flow, "inbox").delayed
    change(flow, one)
    worker.run_once()
    assert numbers_of(flow, inbox.taken)[one.id] == [1, 2, 3, 4]


def test_what_is_never_taken_is_given_up_and_the_job_goes_on(
    flow: Flow, inbox: Inbox, clock: Clock
) -> None:
    (one,) = orders(flow, "one")
    change(flow, one, times=2)
    retries = Retries(attempts=3)
    worker = Worker(flow, {"inbox": Function(inbox, retries=retries, **UPDATES)})
    inbox.fails = lambda message: number_of(flow, message) == 1
    for _ in range(4):
        worker.run_once()
        clock.forward(hours=1)
    assert numbers_of(flow, inbox.taken) == {one.id: [2]}
    (letter,) = delivery.list_dead_letters(flow, "inbox")
    assert (letter.job, letter.attempts, letter.error) == (one.id, 3, "raised ValueError")
    assert delivery.status(flow, "inbox").dead_letters == 1
    assert worker.run_once() == 0
    # ordered again while it still fails, and then once more
    assert delivery.redeliver(flow, "inbox") == 1
    for _ in range(4):
        worker.run_once()
        clock.forward(hours=1)
    assert inbox.calls == 3 + 1 + 3
    assert [one.next_attempt_at for one in delivery.list_dead_letters(flow, "inbox")] == [None]
    inbox.fails = lambda message: False
    assert delivery.redeliver(flow, "inbox", [letter]) == 1
    worker.run_once()
    assert numbers_of(flow, inbox.taken) == {one.id: [2, 1]}
    assert inbox.taken[-1].position == letter.position
    assert list(delivery.list_dead_letters(flow, "inbox")) == []
    assert delivery.redeliver(flow, "inbox", [letter]) == 0, "it is there no more"


def test_dead_letters_can_be_discarded(flow: Flow, inbox: Inbox) -> None:
    orders(flow, "one", "two")
    worker = Worker(flow, {"inbox": Function(inbox, retries=Retries(attempts=1))})
    inbox.fails = lambda message: message.job > 0
    worker.run_once()
    first, *others = delivery.list_dead_letters(flow, "inbox")
    assert delivery.discard(flow, "inbox", [first]) == 1
    assert list(delivery.list_dead_letters(flow, "inbox")) == others
    assert delivery.discard(flow, "inbox") == len(others)
    assert delivery.status(flow, "inbox").dead_letters == 0


def test_messages_go_in_batches_and_alone_once_a_batch_was_not_taken(
    flow: Flow, inbox: Inbox, clock: Clock
) -> None:
    one, two = orders(flow, "one", "two")
    change(flow, one, two, times=8)
    sizes: list[int] = []

    def receive(messages: tuple[Message, ...]) -> None:
        sizes.append(len(messages))
        inbox(messages)

    inbox.fails = lambda message: message.job == one.id and number_of(flow, message) == 4
    worker = Worker(flow, {"inbox": Function(receive, batch=5, **UPDATES)})
    worker.run_once()
    assert sizes[:2] == [5, 5]
    for _ in range(30):
        worker.run_once()
        clock.forward(hours=2)
    assert numbers_of(flow, inbox.taken)[two.id] == list(range(1, 9))
    assert numbers_of(flow, inbox.taken)[one.id] == [1, 2, 3]
    inbox.fails = lambda message: False
    clock.forward(hours=2)
    worker.run_once()
    assert numbers_of(flow, inbox.taken)[one.id] == list(range(1, 9))
    assert sizes[-3:] == [1, 1, 3], "behind the batch that was not taken they go together again"


def test_a_receiver_that_is_down_keeps_few_jobs_delayed(
    flow: Flow, inbox: Inbox, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("itagflow.delivery.service.MAX_DELAYED", 4)
    monkeypatch.setattr(rules, "DOWN", 4)
    jobs = orders(flow, *(f"job-{number}" for number in range(12)))
    change(flow, *jobs, times=2)
    inbox.fails = lambda message: True
    worker = Worker(flow, {"inbox": Function(inbox, **UPDATES)})
    for _ in range(3):
        worker.run_once()
        clock.forward(hours=2)
        assert len(delivery.status(flow, "inbox").delayed) == 4
    worker.run_once()
    inbox.fails = lambda message: False
    clock.forward(minutes=61)
    worker.run_once()
    assert numbers_of(flow, inbox.taken) == {job.id: [1, 2] for job in jobs}
    assert delivery.status(flow, "inbox").failures == 0


def test_once_a_receiver_is_up_again_nothing_waits_for_its_time(
    flow: Flow, inbox: Inbox, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rules, "DOWN", 3)
    one, two = orders(flow, "one", "two")
    change(flow, one)
    worker = Worker(flow, {"inbox": Function(inbox, **UPDATES)})
    inbox.fails = lambda message: True
    for _ in range(10):
        worker.run_once()
        clock.forward(hours=1)
    worker.run_once()
    inbox.fails = lambda message: False
    change(flow, two)
    worker.run_once()
    assert numbers_of(flow, inbox.taken) == {two.id: [1], one.id: [1]}


def test_who_has_lost_the_lease_stores_nothing(flow: Flow, inbox: Inbox, clock: Clock) -> None:
    (one,) = orders(flow, "one")
    change(flow, one, times=2)
    other = Worker(flow, {"inbox": Function(inbox, **UPDATES)})
    slow_calls: list[Message] = []

    def be_slow(message: Message) -> None:
        slow_calls.append(message)
        assert other.run_once() == 0, "the lease of the first worker holds"
        clock.forward(hours=1)
        assert other.run_once() == 2
        raise ValueError("and then it fails")

    first = Worker(flow, {"inbox": Function(be_slow, **UPDATES)})
    first.run_once()
    assert len(slow_calls) == 1
    assert numbers_of(flow, inbox.taken) == {one.id: [1, 2]}
    assert inbox.taken[0].id == slow_calls[0].id
    state = delivery.status(flow, "inbox")
    assert (state.delayed, state.lease_until, state.delivered) == ((), None, 2)


def test_a_crash_delivers_the_same_message_again(flow: Flow, inbox: Inbox, clock: Clock) -> None:
    (one,) = orders(flow, "one")
    change(flow, one, times=2)
    crashed: list[Message] = []

    def crash(message: Message) -> None:
        crashed.append(message)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Worker(flow, {"inbox": Function(crash, **UPDATES)}).run_once()
    clock.forward(hours=1)
    Worker(flow, {"inbox": Function(inbox, **UPDATES)}).run_once()
    assert [message.id for message in inbox.taken][:1] == [crashed[0].id]
    assert numbers_of(flow, inbox.taken) == {one.id: [1, 2]}


class Crash(BaseException):
    """A process that dies."""


class Flaky:
    """A receiver that fails by chance, after it has taken a message or before, and may crash."""

    def __init__(self, chance: random.Random) -> None:
        self.taken: list[Message] = []
        self.trouble = 0.4
        self._chance = chance

    def __call__(self, given: Any) -> None:
        messages = given if isinstance(given, tuple) else (given,)
        if self._chance.random() >= self.trouble:
            self.taken.extend(messages)
            return
        if self._chance.random() < 0.3:
            self.taken.extend(messages)  # and nobody learns of it
        if self._chance.random() < 0.2:
            raise Crash
        raise ValueError("no")


@pytest.mark.parametrize("seed", range(6))
def test_whatever_fails_nothing_is_lost_and_each_job_is_in_order(
    flow: Flow, clock: Clock, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("itagflow.delivery.service.MAX_DELAYED", 3)
    monkeypatch.setattr(rules, "DOWN", 3)
    chance = random.Random(seed)
    jobs = orders(flow, *(f"job-{number}" for number in range(5)))
    flaky = Flaky(chance)
    batch = chance.choice([None, 1, 3])
    receivers = {"inbox": Function(flaky, batch=batch, **UPDATES)}
    workers = [Worker(flow, receivers) for _ in range(2)]

    def work() -> None:
        try:
            chance.choice(workers).run_once()
        except Crash:
            clock.forward(minutes=5)

    for _ in range(120):
        job = chance.choice(jobs)
        change(flow, job)
        if chance.random() < 0.5:
            work()
        clock.forward(seconds=chance.choice([0, 1, 30, 4000]))
    flaky.trouble = 0.0
    for _ in range(30):
        work()
        clock.forward(hours=2)
    for job in jobs:
        first_times = list(dict.fromkeys(one.position for one in flaky.taken if one.job == job.id))
        changes = [one.position for one in flow.events.list(job) if one.type == "update_job"]
        assert first_times == changes
    assert not list(delivery.list_dead_letters(flow, "inbox"))
    assert list(maintenance.verify(flow)) == []


# -- results --


def results_of(inbox: Inbox) -> list[tuple[int, str, int]]:
    results = [message.result for message in inbox.taken if message.result]
    return [(result.task.number, result.became, result.revision) for result in results]


def test_a_result_comes_when_it_is_final_and_again_after_a_reopening(
    flow: Flow, inbox: Inbox
) -> None:
    job = cats(flow, tasks=2)
    worker = Worker(flow, {"inbox": Function(inbox, send="results")})
    labeled(flow, "ben", job)
    worker.run_once()
    assert results_of(inbox) == [(1, "final", 1), (2, "final", 1)]
    flow.packages.reopen((job.id, 1), by="ada")
    worker.run_once()
    assert len(inbox.taken) == 2
    labeled(flow, "ben", job, "dog")
    worker.run_once()
    assert results_of(inbox)[2:] == [(1, "final", 2), (2, "final", 2)]
    assert len({message.id for message in inbox.taken}) == 4


def test_a_result_that_is_not_final_any_more_is_left_out(flow: Flow, inbox: Inbox) -> None:
    job = cats(flow)
    labeled(flow, "ben", job)
    labeled(flow, "cy", job)
    flow.packages.reopen((job.id, 1), by="ada")
    worker = Worker(flow, {"inbox": Function(inbox, send="results")})
    worker.run_once()
    assert results_of(inbox) == [(3, "final", 1), (4, "final", 1)]
    labeled(flow, "ben", job, "dog")
    worker.run_once()
    assert results_of(inbox)[2:] == [(1, "final", 2), (2, "final", 2)]


def test_whoever_keeps_a_copy_learns_of_everything_that_became_of_tasks(
    flow: Flow, inbox: Inbox
) -> None:
    job = cats(flow)
    became = ["final", "reopened", "abandoned", "erased"]
    worker = Worker(flow, {"inbox": Function(inbox, send="results", became=became)})
    labeled(flow, "ben", job)
    worker.run_once()
    flow.packages.reopen((job.id, 1), by="ada")
    flow.packages.discard((job.id, 2), by="ada")
    worker.run_once()
    maintenance.erase_task(flow, (job, 1), by="ada")
    worker.run_once()
    assert [became for _, became, _ in results_of(inbox)] == [
        *("final", "final", "reopened", "reopened", "abandoned", "abandoned"),
        "erased",
    ]


def test_results_of_a_large_package_are_read_once(
    flow: Flow, inbox: Inbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = cats(flow, tasks=50, size=50)
    labeled(flow, "ben", job)
    reads: list[int] = []
    monkeypatch.setattr("itagflow.delivery.service.RESULTS_KEPT", 3600)

    def count(engine: Any, event: Event) -> list[Result]:
        reads.append(event.position)
        return read_results(engine, event)

    monkeypatch.setattr("itagflow.delivery.service.read_results", count)
    Worker(flow, {"inbox": Function(inbox, send="results")}).run_once()
    assert len(inbox.taken) == 50
    assert len(reads) == 1


@pytest.mark.parametrize("batch", [None, 3])
def test_results_of_one_package_that_fail_in_between_are_not_lost(
    flow: Flow, inbox: Inbox, clock: Clock, batch: int | None
) -> None:
    job = cats(flow, tasks=8, size=8)
    labeled(flow, "ben", job)
    retries = Retries(attempts=2)
    worker = Worker(flow, {"inbox": Function(inbox, send="results", batch=batch, retries=retries)})
    inbox.fails = lambda message: message.result is not None and message.result.task.number == 5
    for _ in range(12):
        worker.run_once()
        clock.forward(hours=2)
    assert [number for number, _, _ in results_of(inbox)] == [1, 2, 3, 4, 6, 7, 8]
    (letter,) = delivery.list_dead_letters(flow, "inbox")
    assert letter.part == 4
    inbox.fails = lambda message: False
    delivery.redeliver(flow, "inbox")
    worker.run_once()
    assert results_of(inbox)[-1] == (5, "final", 1)
    assert len({message.id for message in inbox.taken}) == 8


# -- running, and stopping --


def wait_for(is_true: Callable[[], bool], seconds: float = 10) -> None:
    end = time.monotonic() + seconds
    while not is_true():
        assert time.monotonic() < end, "it took too long"
        time.sleep(0.01)


def test_a_worker_delivers_what_comes_and_stops(flow: Flow, inbox: Inbox) -> None:
    worker = Worker(flow, {"inbox": Function(inbox), "other": Function(lambda message: None)})
    thread = threading.Thread(target=worker.run)
    thread.start()
    job = cats(flow)
    wait_for(lambda: inbox.positions == positions(flow))
    labeled(flow, "ben", job)
    wait_for(lambda: inbox.positions == positions(flow))
    assert worker.stop()
    thread.join(5)
    assert not thread.is_alive()
    wait_for(lambda: delivery.status(flow, "inbox").lease_until is None)
    assert delivery.status(flow, "inbox").lag == 0


def test_stopping_waits_no_longer_than_it_is_told(flow: Flow) -> None:
    street(flow)
    begun, go_on = threading.Event(), threading.Event()

    def hang(message: Message) -> None:
        begun.set()
        go_on.wait(30)

    worker = Worker(flow, {"inbox": Function(hang)})
    thread = threading.Thread(target=worker.run)
    thread.start()
    assert begun.wait(10)
    start = time.monotonic()
    assert not worker.stop(0.2)
    thread.join(5)
    assert not thread.is_alive()
    assert time.monotonic() - start < 5
    go_on.set()
    assert worker.stop(10), "the delivery that ran has ended"
    assert delivery.status(flow, "inbox").delivered == 1, "and its end is stored"


def test_a_worker_that_was_stopped_does_not_begin(flow: Flow, inbox: Inbox) -> None:
    """A signal may come before it runs."""
    street(flow)
    worker = Worker(flow, {"inbox": Function(inbox)})
    assert worker.stop()
    worker.run()
    assert worker.run_once() == 0
    assert not inbox.taken


def test_a_worker_runs_once_at_a_time(flow: Flow) -> None:
    street(flow)
    begun = threading.Event()
    worker = Worker(flow, {"inbox": Function(lambda message: begun.set())})
    thread = threading.Thread(target=worker.run)
    thread.start()
    assert begun.wait(10)
    with pytest.raises(InvalidData, match="it runs already"):
        worker.run()
    assert worker.stop()
    thread.join(5)


def test_an_interrupt_ends_a_worker_and_gives_back_its_leases(
    flow: Flow, inbox: Inbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    street(flow)

    def interrupt(self: Any) -> None:
        wait_for(lambda: bool(inbox.taken))
        raise KeyboardInterrupt

    monkeypatch.setattr("itagflow.delivery.running.Runner._wait_for_threads", interrupt)
    with pytest.raises(KeyboardInterrupt):
        Worker(flow, {"inbox": Function(inbox)}).run()
    assert delivery.status(flow, "inbox").lease_until is None


async def take_later(message: Message) -> None:
    """An async function: a call of it does nothing."""


def test_an_async_function_is_refused(flow: Flow) -> None:
    with pytest.raises(InvalidData, match="not an async one"):
        Function(take_later)
    street(flow)
    pending: list[Any] = []

    def return_coroutine(message: Message) -> Any:
        pending.append(take_later(message))
        return pending[-1]

    Worker(flow, {"inbox": Function(return_coroutine)}).run_once()
    (delayed,) = delivery.status(flow, "inbox").delayed
    assert delayed.error == "returned something to be awaited"
    pending[0].close()


def test_an_error_that_is_no_failure_ends_the_worker(flow: Flow) -> None:
    street(flow)

    def crash(message: Message) -> None:
        raise Crash

    with pytest.raises(Crash):
        Worker(flow, {"inbox": Function(crash)}).run()


def test_a_closed_store_ends_the_worker(clock: Clock) -> None:
    flow = itagflow.open("memory:", clock=clock)
    worker = Worker(flow, {"inbox": Function(lambda message: None)})
    found: list[BaseException] = []

    def run() -> None:
        try:
            worker.run()
        except itagflow.StoreFailed as error:
            found.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    wait_for(lambda: bool(delivery.list_names(flow)))
    flow.close()
    thread.join(10)
    assert not thread.is_alive()
    assert found


# -- operating --


def test_a_receiver_can_be_forgotten(flow: Flow, inbox: Inbox) -> None:
    orders(flow, "one")
    worker = Worker(flow, {"inbox": Function(inbox, retries=Retries(attempts=1))})
    inbox.fails = lambda message: True
    worker.run_once()
    delivery.forget(flow, "inbox")
    assert delivery.list_names(flow) == []
    for ask in (delivery.status, delivery.enable, delivery.forget, delivery.redeliver):
        with pytest.raises(NotFound, match="inbox"):
            ask(flow, "inbox")
    with pytest.raises(NotFound, match="inbox"):
        list(delivery.list_dead_letters(flow, "inbox"))
    inbox.fails = lambda message: False
    worker.run_once()
    assert inbox.positions == positions(flow), "it begins again"


def test_a_receiver_that_is_delivered_to_is_not_forgotten(flow: Flow) -> None:
    street(flow)

    def forget(message: Message) -> None:
        delivery.forget(flow, "inbox")

    seen: list[InvalidData] = []

    def receive(message: Message) -> None:
        with pytest.raises(InvalidData, match="stop it first") as refused:
            forget(message)
        seen.append(refused.value)

    Worker(flow, {"inbox": Function(receive)}).run_once()
    assert seen


def test_erasing_leaves_nothing_in_what_is_stored_of_deliveries(flow: Flow, clock: Clock) -> None:
    job = cats(flow)
    labeled(flow, "ben", job)

    def quote(message: Message) -> None:
        raise ValueError(f"I do not like {message.payload['account']}")

    worker = Worker(flow, {"inbox": Function(quote, retries=Retries(attempts=2))})
    for _ in range(3):
        worker.run_once()
        clock.forward(hours=1)
    stored = repr(delivery.status(flow, "inbox")) + repr(
        list(delivery.list_dead_letters(flow, "inbox"))
    )
    assert "ValueError" in stored
    assert "ben" not in stored


def test_a_copy_has_no_cursors(flow: Flow, inbox: Inbox) -> None:
    """Positions are other ones there."""
    cats(flow)
    Worker(flow, {"inbox": Function(inbox)}).run_once()
    with itagflow.open("memory:") as other:
        maintenance.copy(flow, to=other)
        assert delivery.list_names(other) == []
        again = Inbox()
        Worker(other, {"inbox": Function(again)}).run_once()
        assert len(again.taken) == len(inbox.taken)
        assert {one.id for one in again.taken}.isdisjoint(one.id for one in inbox.taken)
