"""Many packages in one call: the same as one by one, with a result for each."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from datetime import timedelta
from pathlib import Path
from typing import Any

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support import invariants
from support.amounts import amount
from support.scenes import Clock, cats, labeled, rows, taken, verbs

import itagflow
from itagflow import (
    Accept,
    Assignment,
    AssignmentState,
    Choice,
    Flow,
    Incomplete,
    Inspect,
    ItagflowError,
    Job,
    JobState,
    Label,
    NotAllowed,
    NotFound,
    NotHeld,
    PackageState,
    Role,
    Stage,
    Workflow,
    WrongState,
)
from itagflow.claiming import service
from itagflow.core import engine
from itagflow.jobs import loading_rules
from itagflow.model import BatchResult, Outcome
from itagflow.storage import FIELDS, MemoryStore, Query, Writer

pytestmark = pytest.mark.usefixtures("equal_keys")

REVIEWED = Workflow(Label(), Inspect(), Accept())


@pytest.fixture(autouse=True)
def small_transactions(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (engine, service):
        monkeypatch.setattr(module, "BLOCK", 3)


@pytest.fixture
def checked(flow: Flow) -> Iterator[Flow]:
    yield flow
    invariants.check(flow)


def accepting(
    flow: Flow, packages: int, workflow: Workflow | None = None
) -> tuple[Job, list[Assignment]]:
    """A job whose packages are all held by ada, to be accepted."""
    job = cats(
        flow,
        tasks=packages,
        size=1,
        workflow=workflow or Workflow(Label(), Accept()),
        accept=["ada"],
    )
    for _ in range(packages):
        labeled(flow, "ben", job)
    return job, flow.claim_many("ada", job, Stage.ACCEPT, packages)


class TestClaiming:
    def test_as_many_as_asked_for_in_the_order_of_the_queue(self, checked: Flow) -> None:
        job = cats(checked, tasks=10, size=1)
        checked.packages.prioritize(job, 5, by="ada", packages=[7])
        assignments = checked.claim_many("ben", job, Stage.LABEL, 5)
        assert [assignment.package for assignment in assignments] == [7, 1, 2, 3, 4]
        assert all(assignment.state is AssignmentState.HELD for assignment in assignments)
        assert verbs(checked, job).count("claim") == 5

    def test_all_there_are_when_more_are_asked_for(self, checked: Flow) -> None:
        job = cats(checked, tasks=7, size=1)
        assert len(checked.claim_many("ben", job, Stage.LABEL, 100)) == 7
        assert checked.claim_many("ben", job, Stage.LABEL, 100) == []
        assert checked.claim_many("ben", job, Stage.LABEL, 0) == []

    def test_offers_come_first(self, checked: Flow) -> None:
        job = cats(checked, tasks=6, size=1)
        checked.assignments.assign_many([(job.id, 6), (job.id, 4)], "ben", by="ada")
        assert [
            assignment.package for assignment in checked.claim_many("ben", job, Stage.LABEL, 3)
        ] == [6, 4, 1]

    def test_no_more_than_the_limit(self, checked: Flow) -> None:
        job = cats(checked, tasks=9, size=1, workflow=Workflow(Label(limit=5)))
        assert len(checked.claim_many("ben", job, Stage.LABEL, 9)) == 5
        assert (
            checked.explain("ben", job, Stage.LABEL)
            == "the limit is reached: ben holds 5 of 5 assignments"
        )

    def test_lapsed_assignments_come_last(self, checked: Flow, clock: Clock) -> None:
        job = cats(checked, tasks=3, size=1, workflow=Workflow(Label(lease=timedelta(minutes=10))))
        checked.claim_many("cy", job, Stage.LABEL, 2)
        clock.forward(minutes=11)
        assert [
            assignment.package for assignment in checked.claim_many("ben", job, Stage.LABEL, 3)
        ] == [3, 1, 2]

    def test_who_may_not_work_there_is_told_so(self, checked: Flow) -> None:
        job = cats(checked)
        checked.members.add("street", "di", Role.OPERATOR, by="ada")
        with pytest.raises(NotAllowed):
            checked.claim_many("di", job, Stage.LABEL, 2)
        checked.jobs.pause(job, by="ada")
        assert checked.claim_many("ben", job, Stage.LABEL, 2) == []


class TestLoading:
    def test_rows_are_stored_in_several_transactions(
        self, checked: Flow, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(loading_rules, "ROWS_PER_TRANSACTION", 3)
        job = cats(checked, tasks=8, size=1)
        checked.jobs.append(job, rows(4), by="ada")
        loaded = [event for event in checked.events.list(job) if event.type in ("load", "append")]
        assert [event.data["rows"] for event in loaded] == [
            [1, 3],
            [4, 6],
            [7, 8],
            [9, 11],
            [12, 12],
        ]
        assert checked.jobs.progress(job).total == 12


class TestOutcomes:
    def test_each_says_how_its_assignment_is_now(self, checked: Flow) -> None:
        job, assignments = accepting(checked, 7)
        results = checked.accept_many(assignments)
        assert all(results)
        assert [result.key for result in results] == [assignment.key for assignment in assignments]
        assert [result.value for result in results] == [
            checked.assignments.get(assignment) for assignment in assignments
        ]
        assert {result.value.outcome for result in results if result.value} == {Outcome.ACCEPTED}
        assert checked.jobs.get(job).state is JobState.FINISHED

    def test_the_refused_ones_leave_no_trace_and_stop_nobody(self, checked: Flow) -> None:
        job, assignments = accepting(checked, 5)
        checked.judge(assignments[1], 2, wrong="no cat")
        checked.release(assignments[3])
        before = checked.assignments.get(assignments[1])
        results = checked.accept_many([*assignments, (job.id, 999)])
        assert [bool(result) for result in results] == [True, False, True, False, True, False]
        assert [type(result.error) for result in results if not result] == [
            Incomplete,
            NotHeld,
            NotFound,
        ]
        assert str(results[1].error).endswith("judge the task again (task 2)")
        assert checked.assignments.get(assignments[1]) == before
        assert verbs(checked, job).count("accept") == 3
        assert checked.jobs.get(job).state is JobState.RUNNING

    def test_jobs_are_acted_on_in_the_order_of_their_keys(self, checked: Flow) -> None:
        """Otherwise two transactions that each end two jobs could deadlock."""
        first = cats(checked)
        template = checked.templates.get(first)
        second = checked.jobs.create(
            "street",
            "more",
            template=template,
            data=rows(2),
            workforce={Stage.LABEL: ["ben"]},
            by="ada",
        )
        jobs = [first, second]
        assignments = [taken(checked, "ben", job) for job in reversed(jobs)]
        results = checked.release_many(assignments)
        assert [result.value for result in results] == [
            checked.assignments.get(assignment) for assignment in assignments
        ]
        released = [event.job for event in checked.events.since() if event.type == "release"]
        assert released == [job.id for job in jobs]

    def test_the_job_finishes_once_with_the_last_package(self, checked: Flow) -> None:
        job, assignments = accepting(checked, 6)
        checked.accept_many(assignments)
        changes = [
            (event.package, change.after)
            for event in checked.events.list(job)
            for change in event.changes
            if change.kind == "job"
        ]
        assert changes[-1] == (6, "finished")
        assert [after for _, after in changes].count("finished") == 1

    def test_it_finishes_also_when_the_last_of_a_transaction_is_refused(
        self, checked: Flow
    ) -> None:
        job, assignments = accepting(checked, 3)
        checked.accept(assignments[2])
        checked.release(assignments[1])
        (again,) = checked.claim_many("ada", job, Stage.ACCEPT, 5)
        results = checked.accept_many([assignments[0], again, assignments[1]])
        assert [bool(result) for result in results] == [True, True, False]
        assert checked.jobs.get(job).state is JobState.FINISHED

    def test_sent_again_it_changes_nothing(self, checked: Flow) -> None:
        job, assignments = accepting(checked, 4)
        first = checked.accept_many(assignments)
        history = list(checked.events.list(job))
        assert checked.accept_many(assignments) == first
        assert list(checked.events.list(job)) == history

    def test_one_assignment_named_twice_is_done_once(self, checked: Flow) -> None:
        job, assignments = accepting(checked, 2)
        released = checked.release_many([assignments[0], assignments[0], assignments[1]])
        assert [type(result.error) for result in released] == [type(None), WrongState, type(None)]
        assert verbs(checked, job).count("release") == 2

    def test_another_members_assignments_are_refused_one_by_one(self, checked: Flow) -> None:
        _, assignments = accepting(checked, 2)
        results = checked.accept_many(assignments, by="ben")
        assert [str(result.error) for result in results] == [
            f"assignment {assignment.id} is not held: it is another member's, not ben's"
            for assignment in assignments
        ]

    def test_assignments_of_several_jobs_go_together(self, checked: Flow) -> None:
        job, assignments = accepting(checked, 2)
        other = checked.jobs.create("street", "more", template=job.template, data=rows(1), by="ada")
        checked.jobs.set_workforce(other, {Stage.LABEL: ["ben"]}, by="ada")
        more = taken(checked, "ben", other)
        checked.save(more, 1, Choice("cat"))
        results = checked.release_many([more, *assignments], by="ada")
        assert [result.value.job for result in results if result.value] == [
            other.id,
            job.id,
            job.id,
        ]

    def test_nothing_comes_of_nothing(self, checked: Flow) -> None:
        assert checked.accept_many([]) == []


class TestEveryVerb:
    def test_assign_says_which_packages_have_no_free_slot(self, checked: Flow) -> None:
        job = cats(checked, tasks=5, size=1)
        taken(checked, "cy", job)
        results = checked.assignments.assign_many(
            [*checked.packages.list(job), (job.id, 77)], "ben", by="ada"
        )
        assert [bool(result) for result in results] == [False, True, True, True, True, False]
        assert "has no free slot" in str(results[0].error)
        assert [assignment.package for assignment in checked.assignments.list("ben", job=job)] == [
            2,
            3,
            4,
            5,
        ]

    def test_who_may_not_assign_gets_nothing_done(self, checked: Flow) -> None:
        job = cats(checked, tasks=2, size=1)
        results = checked.assignments.assign_many(checked.packages.list(job), "ben", by="cy")
        assert [type(result.error) for result in results] == [NotAllowed, NotAllowed]

    def test_release_gives_everything_back(self, checked: Flow) -> None:
        job = cats(checked, tasks=5, size=1, workflow=Workflow(Label(limit=9)))
        assignments = checked.claim_many("ben", job, Stage.LABEL, 3) + checked.claim_many(
            "cy", job, Stage.LABEL, 2
        )
        assert all(checked.release_many(assignments, by="ada", comment="the office is closed"))
        assert all(package.waiting for package in checked.packages.list(job))
        assert {checked.assignments.get(assignment).comment for assignment in assignments} == {
            "the office is closed"
        }
        assert checked.claim_many("ben", job, Stage.LABEL, 9)[4].package == 5

    def test_expire_returns_the_lapsed_ones_in_several_transactions(
        self, checked: Flow, clock: Clock
    ) -> None:
        job = cats(
            checked, tasks=8, size=1, workflow=Workflow(Label(lease=timedelta(minutes=10), limit=8))
        )
        assignments = checked.claim_many("ben", job, Stage.LABEL, 8)
        clock.forward(minutes=11)
        checked.renew(assignments[4])
        assert [assignment.package for assignment in checked.assignments.expire(job, by="ada")] == [
            1,
            2,
            3,
            4,
            6,
            7,
            8,
        ]
        assert checked.assignments.expire(job, by="ada") == []

    def test_review_passes_them_on(self, checked: Flow) -> None:
        job = cats(checked, tasks=4, size=1, workflow=REVIEWED)
        for _ in range(4):
            labeled(checked, "ben", job)
        assignments = checked.claim_many("di", job, Stage.INSPECT, 4)
        assert all(checked.review_many(assignments, by="di"))
        assert {package.state for package in checked.packages.list(job)} == {PackageState.ACCEPT}
        assert [type(result.error) for result in checked.accept_many(assignments[:1])] == [NotHeld]

    def test_reject_sends_back_what_is_wrong_and_needs_a_reason_for_the_rest(
        self, checked: Flow
    ) -> None:
        job = cats(checked, tasks=6, size=2, workflow=REVIEWED)
        for _ in range(3):
            labeled(checked, "ben", job)
        assignments = checked.claim_many("di", job, Stage.INSPECT, 3)
        checked.judge(assignments[1], 3, wrong="a dog")
        refused, done, _ = checked.reject_many(assignments)
        assert isinstance(refused.error, Incomplete)
        assert done.value is not None
        assert done.value.sent_back == (3,)
        assert all(
            checked.reject_many([assignments[0], assignments[2]], comment="do it again", whole=True)
        )
        assert [assignment.scope for assignment in checked.assignments.list("ben", job=job)] == [
            (3,),
            None,
            None,
        ]


ENDS: dict[str, tuple[Callable[..., Any], Callable[..., Any]]] = {
    "accept": (Flow.accept, Flow.accept_many),
    "review": (Flow.review, Flow.review_many),
    "reject": (Flow.reject, Flow.reject_many),
    "release": (Flow.release, Flow.release_many),
}


def one_by_one(
    verb: Callable[..., Any], flow: Flow, keys: Sequence[tuple[int, int]], **more: Any
) -> list[str]:
    """The outcome of each, as the method for a single one tells it."""
    outcomes = list[str]()
    for key in keys:
        try:
            outcomes.append(str(verb(flow, key, **more)))
        except ItagflowError as error:
            outcomes.append(str(error))
    return outcomes


def told(results: Sequence[BatchResult]) -> list[str]:
    return [str(result.value or result.error) for result in results]


def content(flow: Flow) -> list[Any]:
    """Everything in a store."""
    with flow.store.read() as reader:
        return [
            entity
            for kind in FIELDS
            for entity in sorted(reader.find(Query(kind)), key=lambda e: e.key)
        ]


@settings(max_examples=amount(10, 200))
@given(
    verb=st.sampled_from(sorted(ENDS)),
    picked=st.lists(st.integers(0, 8), max_size=9),
    wrong=st.sets(st.integers(1, 8)),
    limit=st.sampled_from([None, 8]),
    reason=st.sampled_from(["", "no good"]),
    two_stages=st.booleans(),
)
def test_it_is_the_same_as_one_by_one(
    verb: str, picked: list[int], wrong: set[int], limit: int | None, reason: str, two_stages: bool
) -> None:
    single, many = ENDS[verb]
    stage = Stage.INSPECT if two_stages else Stage.ACCEPT
    accepting = Accept(limit=limit, allow_own_review=True)  # di does both
    workflow = Workflow(Label(), *([Inspect(limit=limit)] if two_stages else []), accepting)
    outcomes, contents = list[list[str]](), list[list[Any]]()
    for act in (
        lambda *given, **more: told(many(*given, **more)),
        lambda *given, **more: one_by_one(single, *given, **more),
    ):
        ids = itertools.count(1000)
        with Flow(MemoryStore(), clock=Clock(), ids=ids.__next__) as flow:
            job = cats(flow, tasks=8, size=1, workflow=workflow, inspect=["di"], accept=["di"])
            for _ in range(8):
                labeled(flow, "ben", job)
            assignments = flow.claim_many("di", job, stage, 8)
            for assignment in assignments:
                if assignment.package in wrong:
                    flow.judge(assignment, assignment.package, wrong="no")
            keys = [assignments[at].key if at < 8 else (job.id, 5) for at in picked]
            more: dict[str, Any] = {"comment": reason} if verb in ("reject", "release") else {}
            if verb == "reject":
                more["whole"] = True
            outcomes.append(act(flow, keys, **more))
            invariants.check(flow)
            contents.append(content(flow))
    assert outcomes[0] == outcomes[1]
    assert contents[0] == contents[1]


class TestCrashes:
    def test_whole_transactions_are_stored_and_the_rest_is_done_when_called_again(
        self, checked: Flow, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        job, assignments = accepting(checked, 8)
        opened = checked.store.write
        transactions = itertools.count(1)

        def write() -> AbstractContextManager[Writer]:
            if next(transactions) > 2:
                raise OSError("the power is gone")
            return opened()

        monkeypatch.setattr(checked.store, "write", write)
        with pytest.raises(OSError, match="power"):
            checked.accept_many(assignments)
        monkeypatch.undo()
        assert [checked.assignments.get(assignment).outcome for assignment in assignments] == [
            Outcome.ACCEPTED
        ] * 6 + [None] * 2
        assert all(checked.accept_many(assignments))
        assert checked.jobs.get(job).state is JobState.FINISHED

    def test_a_transaction_that_fails_stores_nothing(
        self, checked: Flow, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        job, assignments = accepting(checked, 3)
        told = list[Any]()
        monkeypatch.setattr(checked._engine, "listeners", (told.append,))
        done = itertools.count(1)
        do = engine.Transaction.apply

        def failing(transaction: engine.Transaction, change: Any) -> None:
            if next(done) == 3:
                raise OSError("the disk is gone")
            do(transaction, change)

        monkeypatch.setattr(engine.Transaction, "apply", failing)
        with pytest.raises(OSError, match="disk"):
            checked.accept_many(assignments)
        monkeypatch.setattr(engine.Transaction, "apply", do)
        assert verbs(checked, job).count("accept") == 0
        assert told == []
        assert all(checked.accept_many(assignments))


def test_both_stores_come_to_the_same(tmp_path: Path) -> None:
    contents = list[list[Any]]()
    for url in ("memory:", str(tmp_path / "labels.db")):
        ids = itertools.count(1000)
        with itagflow.open(url, clock=Clock(), ids=ids.__next__) as flow:
            _, assignments = accepting(flow, 7, Workflow(Label(limit=3), Accept(limit=9)))
            flow.reject_many(assignments[:2], comment="again", whole=True)
            flow.accept_many(reversed(assignments))
            contents.append(content(flow))
    assert contents[0] == contents[1]
    assert all(attrs.has(type(entity)) for entity in contents[0])
