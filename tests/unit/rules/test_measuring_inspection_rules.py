"""Which reviews tell how many errors are left: those of fresh samples, of all rounds."""

from __future__ import annotations

from typing import Any

import attrs

from itagflow import Assignment, AssignmentState, Choice, Package, PackageState, Stage
from itagflow.measuring import inspection_rules as rules
from itagflow.measuring.inspection_rules import Sample
from itagflow.model import Answer, Outcome, Verdict
from itagflow.quality import Inspection
from itagflow.results.rules import Case
from itagflow.testing.builders import make_answer, make_assignment, make_job, make_package

TASKS = range(1, 7)
DONE = make_package(state=PackageState.DONE, size=len(TASKS))


def label(id: int, round: int = 1, scope: Any = None) -> Assignment:
    return make_assignment(
        id, round=round, scope=scope, state=AssignmentState.DONE, outcome=Outcome.SUBMITTED
    )


def review(
    id: int, scope: Any = (1, 2, 3), outcome: Outcome = Outcome.REVIEWED, **fields: Any
) -> Assignment:
    return make_assignment(
        id,
        stage=Stage.INSPECT,
        member=3,
        scope=scope,
        state=AssignmentState.DONE,
        outcome=outcome,
        **fields,
    )


def samples(
    *assignments: Assignment,
    wrong: dict[int, tuple[int, ...]],
    package: Package = DONE,
    disputed: tuple[int, ...] = (),
) -> list[Sample]:
    """What the reviews found; *wrong* has the tasks that each judged wrong."""
    cases = list[Case]()
    for task in TASKS:
        answers = dict[int, Answer]()
        for each in assignments:
            if each.stage is Stage.LABEL and each.covers(task):
                answer = make_answer(task, assignment=each.id, replies={"1": Choice("cat")})
                is_disputed = ("1",) if task in disputed else ()
                answers[each.id] = attrs.evolve(answer, round=each.round, disputed=is_disputed)
            if task in wrong.get(each.id, ()):
                answers[each.id] = make_answer(
                    task, assignment=each.id, stage=Stage.INSPECT, verdict=Verdict.WRONG
                )
        cases.append(Case(make_job(), package, assignments, answers, task))
    return rules.list_samples(package, Stage.INSPECT, cases)


def test_a_fresh_sample_counts() -> None:
    assert samples(label(1), review(2), wrong={2: (1, 3)}) == [Sample(tasks=6, sample=3, wrong=2)]


def test_what_is_looked_at_again_after_a_rework_is_left_out() -> None:
    first = review(2, outcome=Outcome.REJECTED, sent_back=(1,))
    again = review(4, scope=(1,), round=2)
    found = samples(label(1), first, label(3, 2, (1,)), again, wrong={2: (1,)})
    assert found == [Sample(tasks=6, sample=3, wrong=1)]


def test_a_package_that_is_labeled_anew_is_sampled_anew() -> None:
    first = review(2, outcome=Outcome.REJECTED)
    found = samples(label(1), first, label(3, 2), review(4, round=2), wrong={2: (1, 2)})
    assert found == [
        Sample(tasks=6, sample=3, wrong=2, is_rejected=True),
        Sample(tasks=6, sample=3, wrong=0, round=2, is_drawn=False),
    ]


def test_what_goes_back_whole_for_another_reason_says_nothing() -> None:
    assert samples(label(1), review(2, outcome=Outcome.REJECTED), wrong={}) == []


def test_disputed_tasks_are_a_stratum_of_their_own() -> None:
    found = samples(label(1), review(2), wrong={2: (1, 2)}, disputed=(1,))
    assert found == [Sample(tasks=5, sample=2, wrong=1, certain=1, certain_wrong=1, is_drawn=False)]


def test_reviews_before_a_reopening_count_no_more() -> None:
    reopened = attrs.evolve(DONE, reopened_round=2)
    found = samples(
        label(1), review(2), review(3, scope=None, round=2), wrong={2: (1,)}, package=reopened
    )
    assert found == [Sample(tasks=6, sample=6, wrong=0, is_drawn=False)]


def test_withdrawn_tasks_are_none() -> None:
    withdrawn = attrs.evolve(DONE, withdrawals=(1, 6))
    assert samples(label(1), review(2), wrong={2: (1, 2)}, package=withdrawn) == [
        Sample(tasks=4, sample=2, wrong=1)
    ]


PASSED = Sample(tasks=50, sample=10, wrong=1)
REJECTED = Sample(tasks=50, sample=10, wrong=3, is_rejected=True)


def test_the_limit_is_what_reviewers_did() -> None:
    assert rules.find_limit([PASSED]) is None
    assert rules.find_limit([PASSED, REJECTED]) == 2
    assert rules.find_limit([attrs.evolve(PASSED, wrong=3), REJECTED]) == -1


def test_samples_become_inspections() -> None:
    assert rules.to_inspections([PASSED, REJECTED], None) == [
        Inspection(50, 10, 1),
        Inspection(50, 10, 3),
    ]
    certain = attrs.evolve(PASSED, certain=2, certain_wrong=1)
    assert rules.to_inspections([certain, REJECTED], 2) == [
        Inspection(50, 10, 1, accept=1),
        Inspection(2, 2, 0, is_drawn=False),
        Inspection(50, 10, 3, accept=2),
    ]
    beyond = attrs.evolve(REJECTED, certain=4, certain_wrong=4)
    assert rules.to_inspections([beyond], 2) == []


def test_a_package_that_was_not_drawn_is_skipped() -> None:
    assert rules.is_skipped(attrs.evolve(DONE, skipped=(Stage.INSPECT,)), Stage.INSPECT)
    assert not rules.is_skipped(DONE, Stage.INSPECT)
    waiting = attrs.evolve(DONE, skipped=(Stage.INSPECT,), state=PackageState.ACCEPT)
    assert not rules.is_skipped(waiting, Stage.INSPECT)
