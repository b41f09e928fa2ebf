"""Random histories of deliveries: receivers that fail, workers that die, letters that are sent again.

What is checked: whatever fails, and wherever a worker dies, each receiver gets all that it asks for
at least once, each job's in order, under one id; and whoever keeps a copy has the last results.
"""

from __future__ import annotations

import os
from collections import Counter, deque
from collections.abc import Sequence
from contextlib import suppress
from datetime import timedelta
from typing import Any, ClassVar

import hypothesis.strategies as st
import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule
from support import postgres
from support.mortal import Death, MortalStore
from support.scenes import Clock, rows, street

from itagflow import (
    Became,
    Choice,
    Crew,
    FixedSize,
    Flow,
    InvalidData,
    ItagflowError,
    Job,
    Label,
    Stage,
    Workflow,
    delivery,
    maintenance,
    templates,
)
from itagflow.delivery import Function, Message, Retries, Worker, rules
from itagflow.delivery.rules import Outcome, Response
from itagflow.model import OnOverdue
from itagflow.storage import MemoryStore, open_store

EXAMPLES = int(os.environ.get("ITAGFLOW_WALKS", "10"))
LEASE = timedelta(minutes=10)
RECEIVERS: dict[str, dict[str, Any]] = {
    "events": {},
    "batches": {"types": ("update_job", "submit", "overdue"), "batch": 3},
    "results": {"send": "results", "became": [became.value for became in Became]},
}
"""What each receiver asks for."""
ANSWERS = {
    "taken": Response(Outcome.DELIVERED),
    "failed": Response(Outcome.FAILED, "raised ValueError"),
    "taken, and not heard": Response(Outcome.FAILED, "gave no answer"),
    "busy": Response(Outcome.BUSY, "answered 429", timedelta(seconds=40)),
    "refused": Response(Outcome.REFUSED, "answered 422"),
    "gone": Response(Outcome.GONE, "answered 410"),
}
TAKING = ("taken", "taken, and not heard", "taken, and the worker dies", "taken late")
"""After these the receiver has what it was sent."""
DYING = ("the worker dies", "taken, and the worker dies")
names = st.sampled_from(list(RECEIVERS))
answers = st.sampled_from([*ANSWERS, "refused", *TAKING, *DYING])
moments = st.sampled_from(["before", "within", "after"])
SEEN: Counter[str] = Counter()
"""What has happened in all walks."""
Key = tuple[int, int]
"""Position and part of a message."""


class Inbox:
    """A receiver, and what it has taken."""

    def __init__(self) -> None:
        self.script = deque[str]()
        """What it does about the next messages; it takes those behind them."""
        self.forget()

    def forget(self) -> None:
        """Begin again, as the library does for a name that was forgotten."""
        self.ids: dict[Key, str] = {}
        """The id of each message that was sent."""
        self.taken: dict[Key, Message] = {}
        """Each message by its first time."""
        self.last: dict[int, Key] = {}
        """The last one of each job that was taken in its turn."""
        self.given_up: set[Key] = set()
        """What has been a dead letter, which may come later."""
        self.discarded: set[Key] = set()

    def note_sent(self, messages: Sequence[Message]) -> None:
        for message in messages:
            key = (message.position, message.part)
            assert self.ids.setdefault(key, message.id) == message.id, "it is the same message"
        assert len(set(self.ids.values())) == len(self.ids), "others have other ids"

    def take(self, messages: Sequence[Message]) -> None:
        for message in messages:
            key = (message.position, message.part)
            if key in self.taken:
                SEEN["taken once more"] += 1
                continue
            self.taken[key] = message
            if key in self.given_up:
                SEEN["taken after it was given up"] += 1
                continue
            assert key > self.last.get(message.job, (0, 0)), "nothing of its job overtakes it"
            self.last[message.job] = key


class Line:
    """What sends to one inbox, from one worker."""

    def __init__(self, walk: DeliveryWalk, worker: int, name: str) -> None:
        self._walk = walk
        self._worker = worker
        self._name = name

    def send(self, id: str, messages: Sequence[Message]) -> Response:
        assert id
        inbox = self._walk.inboxes[self._name]
        answer = inbox.script.popleft() if inbox.script else "taken"
        SEEN[answer] += 1
        inbox.note_sent(messages)
        if answer == "taken late":
            self._walk.be_slow(self._worker)
            answer = "taken"
            inbox.take(messages)
        elif answer in TAKING:
            inbox.take(messages)
        if answer in DYING:
            self._walk.stores[self._worker].die()
        return ANSWERS[answer]

    def rest(self) -> None:
        pass


class DeliveryWalk(RuleBasedStateMachine):
    """A job, two workers, and three receivers."""

    databases: ClassVar[postgres.Databases]
    where: ClassVar[str] = "memory"

    def __init__(self) -> None:
        super().__init__()
        self.database = self.databases.new() if self.where == "postgres" else None
        self.store = open_store(self.database) if self.database else MemoryStore()
        self.clock = Clock()
        self.flow = Flow(self.store, clock=self.clock)
        self.patch = pytest.MonkeyPatch()
        self.patch.setattr("itagflow.delivery.service.MAX_DELAYED", 2)
        self.patch.setattr(rules, "DOWN", 3)
        self.inboxes = {name: Inbox() for name in RECEIVERS}
        self.stores = [MortalStore(self.store) for _ in range(2)]
        self.workers: list[Worker] = []
        self.nested = False
        self.jobs: list[Job] = []

    @initialize(attempts=st.sampled_from([1, 2, 3, 100]), overdue=st.sampled_from([*OnOverdue]))
    def begin(self, attempts: int, overdue: OnOverdue) -> None:
        home = street(self.flow, "ben", "cy")
        job = self.flow.jobs.create(
            home,
            "cats",
            template=templates.image_classification(["cat", "dog"]),
            data=rows(6),
            workflow=Workflow(Label(lease=LEASE, on_overdue=overdue)),
            packaging=FixedSize(2),
            workforce={Stage.LABEL: ["ben", "cy"], Crew.EXPERTS: ["ada"]},
            auto_finish=False,
            row_key="source",
            by="ada",
        )
        self.jobs.append(job)
        for name in ("second", "third", "fourth"):
            other = self.flow.jobs.clone(job, name, by="ada")
            self.flow.jobs.load(other, rows(2), by="ada")
            self.jobs.append(other)
        self.retries = Retries(timedelta(seconds=5), timedelta(minutes=1), attempts)
        self.workers = [self.hire(number) for number in range(2)]

    def hire(self, number: int) -> Worker:
        """Return a new worker, a process of its own."""
        self.stores[number] = MortalStore(self.store)
        flow = Flow(self.stores[number], clock=self.clock)  # type: ignore[arg-type]
        receivers = {
            name: Function(print, retries=self.retries, **asked)
            for name, asked in RECEIVERS.items()
        }
        with self.patch.context() as patch:
            patch.setattr(
                "itagflow.delivery.running.open_sender",
                lambda name, receiver: Line(self, number, name),
            )
            return Worker(flow, receivers)

    def teardown(self) -> None:
        try:
            if self.workers:
                self.end()
        finally:
            self.patch.undo()
            self.flow.close()
            if self.database:
                self.databases.give_back(self.database)

    # -- work, by which there is something to deliver --

    @rule(job=st.integers(0, 3), times=st.integers(1, 4))
    def change(self, job: int, times: int) -> None:
        for _ in range(times):
            self.flow.jobs.update(
                self.jobs[job], by="ada", remark=f"{self.flow.store.high_water_mark()}"
            )

    @rule(who=st.sampled_from(["ben", "cy"]), word=st.sampled_from(["cat", "dog"]))
    def label(self, who: str, word: str) -> None:
        assignment = self.flow.claim(who, self.jobs[0], "label")
        if assignment is not None:
            self.flow.save_many(
                assignment, {work: Choice(word) for work in self.flow.tasks(assignment)}
            )
            self.flow.submit(assignment)

    @rule(what=st.sampled_from(["reopen", "withdraw", "erase", "add"]), number=st.integers(1, 6))
    def move(self, what: str, number: int) -> None:
        """Let something become of tasks, where it can."""
        job = self.jobs[0]
        with suppress(ItagflowError):
            if what == "reopen":
                self.flow.packages.reopen((job, number), by="ada")
            elif what == "withdraw":
                self.flow.jobs.withdraw(job, tasks=[number], by="ada")
            elif what == "erase":
                maintenance.erase_task(self.flow, (job, number), by="ada")
            else:
                self.flow.jobs.add(job, rows(9)[number]["data"], by="ada")

    @rule(number=st.integers(1, 3))
    def be_due(self, number: int) -> None:
        with suppress(ItagflowError):
            due = self.clock() + timedelta(seconds=30)
            self.flow.packages.set_due(self.jobs[0], due, packages=[number], by="ada")

    @rule(seconds=st.sampled_from([1, 31, 200, 8_000]))
    def time_passes(self, seconds: int) -> None:
        self.clock.forward(seconds=seconds)
        self.flow.tick(job=self.jobs[0], by="ada")

    # -- deliveries --

    @rule(number=st.integers(0, 1), name=names, answers=st.lists(answers, max_size=6))
    def deliver(self, number: int, name: str, answers: list[str]) -> None:
        """Let a worker deliver what is due, while one receiver answers like this."""
        self.inboxes[name].script = deque(answers)
        self.run_once(number)

    @rule(number=st.integers(0, 1), writes=st.integers(0, 8), moment=moments)
    def die(self, number: int, writes: int, moment: str) -> None:
        """Let a worker deliver up to one of its transactions, and die there."""
        self.stores[number].die_at(writes, moment)
        self.run_once(number)
        self.stores[number].live_on()

    def run_once(self, number: int) -> None:
        try:
            self.workers[number].run_once()
        except Death:
            SEEN["died"] += 1
            self.workers[number] = self.hire(number)
        self.note_letters()

    def be_slow(self, number: int) -> None:
        """Let the lease of a worker end while it sends, so that the other one takes over."""
        other = 1 - number
        if self.nested:
            return
        self.nested = True
        try:
            self.clock.forward(minutes=5)
            self.run_once(other)
        finally:
            self.nested = False

    def note_letters(self) -> None:
        for name in delivery.list_names(self.flow):
            letters = {letter.key[1:] for letter in delivery.list_dead_letters(self.flow, name)}
            self.inboxes[name].given_up |= letters

    @rule(name=names, what=st.sampled_from(["redeliver", "redeliver one", "discard", "enable"]))
    def operate(self, name: str, what: str) -> None:
        if name not in delivery.list_names(self.flow):
            return
        letters = [*delivery.list_dead_letters(self.flow, name)][:1]
        if what == "redeliver":
            SEEN["letters ordered again"] += delivery.redeliver(self.flow, name)
        elif what == "redeliver one":
            SEEN["letters ordered again"] += delivery.redeliver(self.flow, name, letters)
        elif what == "discard":
            SEEN["letters discarded"] += delivery.discard(self.flow, name, letters)
            self.inboxes[name].discarded |= {letter.key[1:] for letter in letters}
        else:
            delivery.enable(self.flow, name)

    @rule(name=names)
    def forget(self, name: str) -> None:
        if name not in delivery.list_names(self.flow):
            return
        try:
            delivery.forget(self.flow, name)
        except InvalidData:
            SEEN["not forgotten: a worker delivers"] += 1
        else:
            SEEN["forgotten"] += 1
            self.inboxes[name].forget()

    # -- what must hold once everything is well again --

    def end(self) -> None:
        """Let all receivers take what comes, and compare what they have with the log."""
        for inbox in self.inboxes.values():
            inbox.script.clear()
        for _ in range(3):
            self.clock.forward(hours=2)
            for name in delivery.list_names(self.flow):
                delivery.enable(self.flow, name)
                delivery.redeliver(self.flow, name)
            self.run_once(0)
        for name, inbox in self.inboxes.items():
            state = delivery.status(self.flow, name)
            assert (state.lag, state.delayed, state.dead_letters) == (0, (), 0)
            assert state.lease_until is None
            self.check_events(name, inbox)
        self.check_copy(self.inboxes["results"])
        assert list(maintenance.verify(self.flow)) == []
        self.run_once(1)
        assert delivery.status(self.flow, "events").lag == 0

    def check_events(self, name: str, inbox: Inbox) -> None:
        """What was asked for is there, except for what somebody has discarded."""
        if name == "results":
            return
        types = RECEIVERS[name].get("types")
        wanted = {
            (event.position, 0)
            for event in self.flow.events.since()
            if types is None or event.type in types
        }
        assert inbox.taken.keys() <= wanted
        assert wanted - inbox.taken.keys() <= inbox.discarded
        SEEN["events delivered"] += len(inbox.taken)

    def check_copy(self, inbox: Inbox) -> None:
        """Who keeps the last of what came of each task has what became of it."""
        lost = {position for position, _ in inbox.discarded}
        copy: dict[tuple[int, int], Any] = {}
        for key in sorted(inbox.taken):
            result = inbox.taken[key].result
            assert result is not None
            copy[result.task.key] = result
        for job in self.jobs:
            for result in self.flow.results.list(job):
                told = copy.get(result.task.key)
                if lost or (result.became, result.revision) == ("", 0):
                    continue
                assert told is not None
                assert told.became == result.became
                assert told.revision == result.revision
                if result.became not in (Became.ERASED, Became.WITHDRAWN):
                    assert told.replies == result.replies
                SEEN["results compared"] += 1


class PostgresWalk(DeliveryWalk):
    """The same on PostgreSQL."""

    where = "postgres"


@pytest.fixture(scope="module", autouse=True)
def lent(databases: postgres.Databases) -> None:
    DeliveryWalk.databases = databases


def make_settings(examples: int) -> settings:
    return settings(
        max_examples=examples,
        stateful_step_count=40,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        print_blob=True,
    )


TestInMemory = DeliveryWalk.TestCase
TestInMemory.settings = make_settings(EXAMPLES * 5)
TestOnPostgres = PostgresWalk.TestCase
TestOnPostgres.settings = make_settings(EXAMPLES)


def test_everything_has_happened() -> None:
    """The walks reach every answer and every death; run them together."""
    if not SEEN:
        pytest.skip("the walks did not run in this process")
    print(SEEN)
    expected = {
        *ANSWERS,
        *TAKING,
        *DYING,
        "died",
        "taken once more",
        "taken after it was given up",
        "letters ordered again",
        "letters discarded",
        "forgotten",
        "not forgotten: a worker delivers",
        "events delivered",
        "results compared",
    }
    assert SEEN["events delivered"] > 0
    # few walks may leave out anything else: that is a matter of luck
    if EXAMPLES >= 50:
        missing = {what for what in expected if not SEEN[what]}
        assert missing == set()
