"""Several stores side by side: the same acts by the same people, and what must hold after each.

What is checked: all stores say the same; `verify` finds nothing, which replays the changes of every
event; what is final changes only with an event about it; an act that is sent again is one act.
"""

from __future__ import annotations

import functools
import inspect
import itertools
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import attrs
import pytest
from hypothesis.stateful import RuleBasedStateMachine, invariant
from toy_store import ToyStore

import itagflow
from itagflow import AssignmentState, Flow, ItagflowError, Result, Stage, TaskState, maintenance
from itagflow.access import READERS
from itagflow.lots.plan_rules import find_lot_rule, make_lot_plan
from itagflow.model import Event, OnDispute, RejectedLots
from itagflow.quality import PlanVerdict, Statement
from support import invariants, postgres
from support.scenes import Clock

CALLED: Counter[str] = Counter()
"""How often each verb that changes something was called, on any of the stores."""
DONE: Counter[str] = Counter()
"""How often it was not refused."""
CHECKED: Counter[str] = Counter()
"""How often each property was checked."""
CHECKS = (
    "sent again",
    "refused, and nothing changed",
    "final and the same",
    "no vote counts twice",
    "what was disputed was decided",
    "paid once",
    "a vote that nobody could give was taken back",
    "no lot passed or went back against its plan",
    "a lot was decided once, as its plan says",
    "followed",
    "what changed and what was there are the whole",
    "a snapshot has the same bytes again",
    "verified, with every event replayed",
)
"""The properties that walks check."""


def find_verbs() -> dict[str, tuple[Any, str]]:
    """Every public function that is no reader, by its name in the API, with where it is."""
    verbs: dict[str, tuple[Any, str]] = {}
    with itagflow.open("memory:") as flow:
        places: list[tuple[str, Any]] = [("", type(flow))]
        for name, value in inspect.getmembers(flow):
            if type(value).__module__.startswith("itagflow.api"):
                places.append((f"{name}.", type(value)))
    for prefix, kind in places:
        for name, value in vars(kind).items():
            if inspect.isfunction(value) and not name.startswith("_"):
                verbs[f"{prefix}{name}"] = (kind, name)
    for name in ("erase_task", "erase_where", "erase_member"):
        verbs[f"maintenance.{name}"] = (maintenance, name)
    for name in ("close", *READERS):
        verbs.pop(name, None)
    return verbs


@contextmanager
def counting() -> Iterator[None]:
    """Count the calls of every verb for a while."""
    with pytest.MonkeyPatch.context() as patch:
        for verb, (place, name) in find_verbs().items():
            patch.setattr(place, name, _count(verb, getattr(place, name)))
        yield


def _count(verb: str, act: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(act)
    def counted(*arguments: Any, **options: Any) -> Any:
        CALLED[verb] += 1
        result = act(*arguments, **options)
        DONE[verb] += 1
        return result

    return counted


def without_files(event: Event) -> Event:
    """An event without what differs between stores: a hash with a key of theirs, paths and bytes.

    PostgreSQL keeps the fields of JSON in an order of its own.
    """
    data = {
        name: value
        for name, value in event.data.items()
        if name not in ("request", "target", "sha256")
    }
    return attrs.evolve(event, data=data)


class SideBySide(RuleBasedStateMachine):
    """The stores, and what must hold of them."""

    databases: postgres.Databases

    def __init__(self) -> None:
        super().__init__()
        self.database = self.databases.new()
        self.folder = tempfile.TemporaryDirectory()
        self.clock = Clock()
        self.flows: list[Flow] = []
        given: list[dict[str, Any]] = [
            {
                "clock": self.clock,
                "ids": itertools.count(1000).__next__,
                "validators": {"anything goes": lambda task, replies: ()},
            }
            for _ in range(4)
        ]
        # nothing may rely on an order it did not ask for
        self.flows.append(Flow(ToyStore(backwards=True), **given[0]))
        urls = (
            f"sqlite:///{self.folder.name}/labels.db?synchronous=normal",
            "memory:",
            self.database,
        )
        self.flows += [
            itagflow.open(url, **more) for url, more in zip(urls, given[1:], strict=True)
        ]
        self.assignments: list[tuple[int, int]] = []
        self.job = 0
        self.accepted: dict[tuple[int, int, int], Any] = {}
        self.final: dict[int, Any] = {}
        """The results that were final after the step before, by task."""
        self.position = 0
        """The position of the last event then."""
        self.copy: dict[int, Any] = {}
        """The result of each task as a follower has got it last."""
        self.cursor: Any = 0
        """Where the follower goes on."""
        self.decided_lots = set[int]()
        self.exported: dict[tuple[Any, ...], Any] = {}
        """What readers have who export only what changed, each on one of the stores."""
        self.paid_until = 0
        """Up to where work was paid."""
        self.paid: Counter[tuple[Stage, str]] = Counter()
        """What was paid for the job, by stage: tasks handed in, and sent back."""

    def teardown(self) -> None:
        if self.job:
            self.check(self.flows)
            self.pay(self.flows[0])
            for flow in self.flows:
                whole = flow.quality.statement("street", {}, until=self.paid_until)
                assert self.add_up(whole) == self.paid, "statements add up to the whole"
                CHECKED["paid once"] += 1
        for flow in self.flows:
            flow.close()
        self.folder.cleanup()
        self.databases.give_back(self.database)

    def all(self, act: Callable[[Flow], Any]) -> Any:
        """Do the same on all stores, check that the same comes out, and return it, or None when refused."""
        outcomes = [self._try(flow, act) for flow in self.flows]
        assert outcomes == outcomes[:1] * len(outcomes)
        kind, value = outcomes[0]
        return value if kind == "done" else None

    def twice(
        self, act: Callable[[Flow], Any], expect: Callable[[Any], Any] = lambda done: done
    ) -> Any:
        """Do what `all` does, and when it was done, send it again: that changes nothing more.

        *expect* says of the first answer what the second must be: the same, unless it is given.
        """
        done = self.all(act)
        if done is None:
            return None
        before = [list(flow.events.since()) for flow in self.flows]
        again = self.all(act)
        assert again == expect(done), "the same is answered"
        assert [list(flow.events.since()) for flow in self.flows] == before, "it is one act"
        CHECKED["sent again"] += 1
        return done

    @staticmethod
    def _try(flow: Flow, act: Callable[[Flow], Any]) -> tuple[str, Any]:
        before = list(flow.events.since())
        try:
            return "done", act(flow)
        except ItagflowError as error:
            assert list(flow.events.since()) == before, "what is refused changes nothing"
            CHECKED["refused, and nothing changed"] += 1
            return type(error).__name__, str(error)

    def note(self, *assignments: Any) -> None:
        """Note assignments, so that later steps go on with them."""
        for assignment in assignments:
            if assignment is not None and assignment.key not in self.assignments:
                self.assignments.append(assignment.key)

    @invariant()
    def nothing_differs_and_nothing_is_broken(self) -> None:
        """The stores in memory and PostgreSQL, which is further away, are checked as thoroughly at the end."""
        if self.job:
            self.check(self.flows[:2])
            self.check_final(self.flows[0])

    def check_final(self, flow: Flow) -> None:
        """What was final is as it was, unless an event says what changed on its package."""
        events = [each for each in flow.events.list(self.job) if each.position > self.position]
        results = {result.task.number: result for result in flow.results.list(self.job)}
        touched = {event.package for event in events}
        for task, before in self.final.items():
            now = results[task]
            if (now.state, now.replies) != (before.state, before.replies):
                assert now.task.package in touched, (before, now, events)
                CHECKED["what was final changed, with an event"] += 1
        self.final = {
            task: result for task, result in results.items() if result.state is TaskState.FINAL
        }
        CHECKED["final and the same"] += len(self.final)
        self.position = max([self.position, *(event.position for event in events)])
        self.check_votes(results.values())
        self.pay(flow)
        self.check_plans(flow, events)
        self.check_votes_taken_back(flow, events)
        self.check_followed(flow, results)

    def pay(self, flow: Flow) -> None:
        """State what was done since the last statement, as it is seen now."""
        statement = flow.quality.statement("street", {}, after=self.paid_until)
        self.paid_until = statement.until
        self.paid.update(self.add_up(statement))

    def add_up(self, statement: Statement) -> Counter[tuple[Stage, str]]:
        """What a statement has of the job: others may be deleted, with their work."""
        sums = Counter[tuple[Stage, str]]()
        for line in statement.lines:
            if line.job_id == self.job:
                sums[line.stage, "handed in"] += line.count
                sums[line.stage, "sent back"] += line.corrected
        return sums

    def check_votes(self, results: Iterable[Result]) -> None:
        """Nobody has two votes on a task, and what votes left open is not final without a decision."""
        for result in results:
            label = result.stages.get(Stage.LABEL)
            if label is None or label.merge is None:
                continue
            assert len(set(label.merge.voters)) == len(label.merge.voters), "two votes of one"
            CHECKED["no vote counts twice"] += 1
            merged = label.merge.questions.values()
            is_kept = label.merge.on_dispute is OnDispute.KEEP
            if is_kept or not any(question.reason for question in merged):
                continue
            if result.state is TaskState.FINAL:
                assert result.last is not None
                assert not result.last.disputed
                CHECKED["what was disputed was decided"] += 1

    def check_votes_taken_back(self, flow: Flow, events: Iterable[Event]) -> None:
        """A vote that was taken back had been offered to whoever may, and nobody had it."""
        for event in events:
            if event.type != "close_vote":
                continue
            offer = flow.assignments.get((event.job, event.assignment))
            assert (offer.state, offer.member) == (AssignmentState.RETURNED, None)
            CHECKED["a vote that nobody could give was taken back"] += 1

    def check_plans(self, flow: Flow, events: Iterable[Event]) -> None:
        """What was decided on a lot is what its plan says, counted from what was said of it."""
        for event in events:
            if "lot" not in event.data or event.type == "extend":
                continue
            if "number" in event.data["lot"]:
                self.check_lot(flow, event)
                continue
            assignment = flow.assignments.get((event.job, event.assignment))
            rule = flow.jobs.get(self.job).workflow.review(assignment.stage)
            assert rule is not None
            assert rule.plan is not None
            lot = event.data["lot"]
            said = rule.plan.for_lot(lot["size"]).decide(lot["checked"], lot["wrong"]).verdict
            # where tasks were erased or withdrawn, there may be no more of them to look at
            assert said in (PlanVerdict(lot["verdict"]), PlanVerdict.MORE)
            is_inspected = rule.rejected_lots is RejectedLots.INSPECT
            passes = lot["verdict"] == "accept" or is_inspected
            assert passes == (event.type != "reject"), event
            CHECKED["no lot passed or went back against its plan"] += 1

    def check_lot(self, flow: Flow, event: Event) -> None:
        """A lot of several packages is decided once, and as its plan says."""
        if event.type != "decide_lot":
            return
        lot, rule = event.data["lot"], find_lot_rule(flow.jobs.get(self.job))
        assert lot["number"] not in self.decided_lots, "a lot was decided twice"
        self.decided_lots.add(lot["number"])
        assert rule is not None
        severity = flow.lots.get(self.job, lot["number"]).severity
        plan = make_lot_plan(rule, lot["size"], severity)
        said = plan.decide(lot["checked"], lot["wrong"]).verdict
        assert said in (PlanVerdict(lot["verdict"]), PlanVerdict.MORE)
        CHECKED["a lot was decided once, as its plan says"] += 1

    def check_followed(self, flow: Flow, results: dict[int, Any]) -> None:
        """Who follows, and keeps a copy, has what the results show; and nothing comes twice."""
        for result in flow.results.follow(self.job, after=self.cursor, became=None, timeout=0):
            self.cursor = result.cursor
            copied = self.copy.get(result.task.number)
            assert result != copied, "nothing comes twice"
            self.copy[result.task.number] = result
            CHECKED["followed"] += 1
        for task, result in results.items():
            copied = self.copy.get(task)
            told = ("", 0) if copied is None else (copied.became, copied.revision)
            assert told == (result.became, result.revision)

    def check(self, flows: list[Flow]) -> None:
        for flow in flows:
            invariants.check(flow)
            CHECKED["verified, with every event replayed"] += 1
            with flow.store.read() as reader:
                for key, said in self.accepted.items():
                    stored = reader.get(type(said), key)
                    # time is added without a new version
                    assert attrs.evolve(stored, seconds=said.seconds) == said, (
                        "an answer that was saved is there"
                    )
        for see in (
            lambda flow: flow.packages.list(self.job),
            lambda flow: flow.results.list(self.job),
            lambda flow: map(without_files, flow.events.list(self.job)),
            lambda flow: flow.results.find(self.job),
            lambda flow: flow.jobs.guidelines(self.job),
            lambda flow: flow.results.versions(self.job, 1),
            lambda flow: flow.comments.list(self.job),
            lambda flow: flow.jobs.blocked(self.job),
            lambda flow: flow.lots.list(self.job),
            lambda flow: flow.members.list("street"),
        ):
            seen = [list(see(flow)) for flow in flows]
            assert seen == seen[:1] * len(seen)
        members = list(flows[0].members.list("street"))
        for name in (*(member.account for member in members), None):
            assignments = [
                list(flow.assignments.list(name, job=self.job, live=False)) for flow in flows
            ]
            assert assignments == assignments[:1] * len(assignments)
        boards = [flow.jobs.queue(self.job) for flow in flows]
        assert boards == boards[:1] * len(boards)
        invariants.check_board(flows[0], self.job)
        progress = [flow.jobs.progress(self.job) for flow in flows]
        assert progress == progress[:1] * len(progress)
