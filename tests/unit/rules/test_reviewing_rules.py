"""How a package moves on: it passes, is sent back, is discarded, or is opened again."""

from __future__ import annotations

import pytest

from itagflow import (
    Accept,
    AssignmentState,
    Inspect,
    InvalidData,
    Label,
    PackageState,
    Route,
    Stage,
    Workflow,
    WrongState,
)
from itagflow.core.change import Act
from itagflow.model import Outcome
from itagflow.model.job import Job
from itagflow.reviewing import rules
from itagflow.testing import make_assignment, make_job, make_member, make_package
from itagflow.testing.builders import AT

ACT = Act(AT, 1, 2)
TASKS = (1, 2, 3, 4)


def job_of(*stages: object) -> Job:
    return make_job(workflow=Workflow(*stages))  # type: ignore[arg-type]


REVIEWED = job_of(Label(votes=2), Inspect(), Accept())


def test_labeling_needs_a_slot_for_each_vote_and_a_review_one() -> None:
    assert rules.slots(REVIEWED, Stage.LABEL) == 2
    assert rules.slots(REVIEWED, Stage.INSPECT) == 1


def test_a_package_passes_from_stage_to_stage_until_it_is_done() -> None:
    package, seen = make_package(size=4, free=0), list[tuple[PackageState, int]]()
    for _ in range(3):
        package = rules.passed(REVIEWED, package, ACT, tasks=TASKS, first=True)
        seen.append((package.state, package.free))
    assert seen == [(PackageState.INSPECT, 1), (PackageState.ACCEPT, 1), (PackageState.DONE, 0)]
    with pytest.raises(WrongState):
        rules.passed(REVIEWED, package, ACT, tasks=TASKS, first=True)


def test_a_first_review_looks_at_a_sample_and_at_disputes() -> None:
    sampled = job_of(Label(), Inspect(task_count=1))
    package = make_package(size=4)
    plain = rules.passed(sampled, package, ACT, tasks=TASKS, first=True)
    assert plain.scope is not None
    assert len(plain.scope) == 1
    (drawn,) = plain.scope
    other = next(task for task in TASKS if task != drawn)
    disputed = rules.passed(sampled, package, ACT, tasks=TASKS, first=True, disputes=(other,))
    assert disputed.scope == tuple(sorted((drawn, other)))
    assert disputed.disputes == (other,)


def test_an_erased_task_is_in_no_scope() -> None:
    package = make_package(size=4, erased=(2,))
    assert rules.passed(REVIEWED, package, ACT, tasks=TASKS, first=True).scope == (1, 3, 4)
    assert rules.remaining(package, (1, 2), TASKS) == (1,)
    assert rules.remaining(package, None, TASKS) == (1, 3, 4)
    assert rules.remaining(make_package(), None, TASKS) is None


def test_what_is_sent_back_begins_a_round_at_label() -> None:
    package = make_package(size=4, state=PackageState.INSPECT, disputes=(1, 3), rejects=(4,))
    back = rules.sent_back(REVIEWED, package, ACT, sent=(3,), tasks=TASKS)
    assert (back.state, back.round, back.free) == (PackageState.LABEL, 2, 2)
    assert (back.scope, back.rejects, back.disputes) == ((3,), (3, 4), (1,))


@pytest.mark.parametrize("sent", [None, TASKS])
def test_a_package_sent_back_as_a_whole_has_no_scope(sent: tuple[int, ...] | None) -> None:
    package = make_package(size=4, state=PackageState.INSPECT)
    assert rules.sent_back(REVIEWED, package, ACT, sent=sent, tasks=TASKS).scope is None


def test_redo_all_sends_everything_back_to_label() -> None:
    job = job_of(Label(redo_all=True), Inspect())
    package = make_package(size=4, state=PackageState.INSPECT)
    back = rules.sent_back(job, package, ACT, sent=(3,), tasks=TASKS)
    assert (back.scope, back.rejects) == (None, (3,))


def test_a_done_package_is_reopened_for_its_first_review() -> None:
    done = make_package(size=4, state=PackageState.DONE, free=0)
    opened = rules.reopened(REVIEWED, done, ACT, tasks=TASKS)
    assert opened.round == 2
    assert opened.state is PackageState.INSPECT
    assert rules.reopened(job_of(Label()), done, ACT, tasks=TASKS).state is PackageState.LABEL


def test_a_discarded_package_has_no_slot_and_no_scope() -> None:
    gone = rules.discarded(REVIEWED, make_package(scope=(1,), free=1))
    assert (gone.state, gone.free, gone.scope) == (PackageState.DISCARDED, 0, None)


DONE = {"state": AssignmentState.DONE, "outcome": Outcome.SUBMITTED}


def test_rework_goes_to_those_who_closed_the_latest_round() -> None:
    said = [
        make_assignment(5, member=2, round=1, **DONE),
        make_assignment(6, member=3, round=2, **DONE),
        make_assignment(7, member=4, round=2, **DONE),
        make_assignment(
            8, member=None, round=2, state=AssignmentState.DONE, outcome=Outcome.MERGED
        ),
        make_assignment(9, member=9, round=2, state=AssignmentState.RETURNED),
    ]
    assert rules.authors(REVIEWED, make_package(), said) == [3, 4]
    assert rules.authors(REVIEWED, make_package(), []) == []


def test_rework_goes_to_the_queue_or_to_one_member_where_the_rule_says_so() -> None:
    said = [make_assignment(**DONE)]
    assert rules.authors(job_of(Label(rework=Route.QUEUE)), make_package(), said) == []
    assert rules.authors(job_of(Label(rework=9)), make_package(), said) == [9]


def test_an_inspection_is_offered_to_its_last_inspector() -> None:
    done = {**DONE, "outcome": Outcome.REVIEWED}
    said = [make_assignment(n, member=n, stage=Stage.INSPECT, **done) for n in (6, 7)]
    at_inspect = make_package(state=PackageState.INSPECT)
    assert rules.authors(REVIEWED, at_inspect, said) == [7]


def test_each_offer_takes_a_slot() -> None:
    package = make_package(free=2)
    assert rules.with_offers(package, [make_member()]).free == 1
    assert rules.with_offers(package, []) is package


def test_only_tasks_in_the_scope_are_rejected() -> None:
    review = make_assignment(scope=(1, 3))
    assert rules.tasks_of(review, {3, 1}, TASKS) == (1, 3)
    assert rules.tasks_of(make_assignment(), [4, 2, 2], TASKS) == (2, 4)
    with pytest.raises(InvalidData) as refused:
        rules.tasks_of(review, [4, 1, 2], TASKS)
    assert [problem.where for problem in refused.value.problems] == ["task 2", "task 4"]


@pytest.mark.parametrize(("comment", "words"), [("", "is empty"), (" ", "is empty"), ("\0", "NUL")])
def test_who_rejects_says_why(comment: str, words: str) -> None:
    assert rules.require_comment("the reject", "blurred") == "blurred"
    with pytest.raises(InvalidData, match=words):
        rules.require_comment("the reject", comment)
