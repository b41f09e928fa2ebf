"""On whom work counts: labelers, voters, and nobody."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import attrs

from itagflow import Assignment, AssignmentState, Choice, Package, PackageState, Stage
from itagflow.measuring import counting_rules as rules
from itagflow.measuring.counting_rules import JobCounts, MemberCounts, Period, WorkCounts
from itagflow.measuring.look_rules import Look
from itagflow.model import Outcome, Verdict
from itagflow.quality import StatisticsUnit
from itagflow.results.rules import Case
from itagflow.testing.builders import AT, make_answer, make_assignment, make_job, make_package

ITEM = StatisticsUnit.ITEM
CAT, DOG = {"1": Choice("cat")}, {"1": Choice("dog")}
DONE = make_package(state=PackageState.DONE, size=1)


def ended(id: int, **fields: Any) -> Assignment:
    given = {"state": AssignmentState.DONE, "outcome": Outcome.SUBMITTED, "ended_at": AT}
    return make_assignment(id, **{**given, **fields})


LABEL = ended(1, seconds=5.0)
REVIEW = ended(2, stage=Stage.INSPECT, member=3, outcome=Outcome.REVIEWED)
SAID = make_answer(assignment=1, replies=CAT, seconds=60.0)
WRONG = make_answer(assignment=2, member=3, stage=Stage.INSPECT, verdict=Verdict.WRONG, seconds=20)


def case(package: Package = DONE) -> Case:
    return Case(make_job(), package, [LABEL, REVIEW], {1: SAID, 2: WRONG}, 1)


def look(submitted: Any = SAID, said: Any = WRONG) -> Look:
    return Look(task=1, assignment=REVIEW, submitted=submitted, said=said)


def test_a_package_is_counted() -> None:
    work = WorkCounts()
    rules.count_package(work, DONE, [case()], Period())
    assert (work.job.tasks, work.job.done_tasks, work.job.answers, work.job.seconds) == (
        1,
        1,
        1,
        65,
    )
    assert (work.job.inspect.looks, work.job.inspect.errors, work.job.inspect.seconds) == (1, 1, 20)
    counts = work.of(2)
    assert (counts.answers, counts.seconds, counts.checked, counts.check_errors) == (1, 65, 1, 1)
    waiting = WorkCounts()
    open_ = make_package(state=PackageState.INSPECT)
    rules.count_package(waiting, open_, [case(open_)], Period(since=AT + timedelta(1)))
    assert waiting.job == JobCounts(tasks=1, packages=1)
    assert waiting.members == {}


def test_a_period_has_its_beginning_and_not_its_end() -> None:
    assert Period(since=AT).has(LABEL)
    assert not Period(until=AT).has(LABEL)
    assert not Period().has(attrs.evolve(LABEL, ended_at=None))


def test_counts_are_added_up() -> None:
    one, other = JobCounts(tasks=1), JobCounts(tasks=2)
    other.inspect.looks = 3
    one.add(other)
    assert (one.tasks, one.inspect.looks) == (3, 3)
    of_a_member = MemberCounts(answers=1, seconds=2.5)
    of_a_member.add(of_a_member)
    assert (of_a_member.answers, of_a_member.seconds) == (2, 5.0)


def test_who_labeled_it() -> None:
    assert rules.find_labelings(case()) == [SAID]
    assert rules.name_labeler(case(), SAID) == 2
    assert rules.name_labeler(case(), attrs.evolve(SAID, member=None)) is None
    hidden = attrs.evolve(SAID, member=None, labeler="labeler 1")
    assert rules.name_labeler(case(), hidden) == f"labeler 1 of package 1 of {make_job().name}"
    unlabeled = Case(make_job(), make_package(), [], {}, 1)
    assert rules.find_labelings(unlabeled) == []


def test_all_who_voted_labeled_it() -> None:
    merged = ended(3, outcome=Outcome.MERGED, member=None)
    other = attrs.evolve(SAID, assignment=2, member=5)
    voted = Case(
        make_job(),
        make_package(state=PackageState.DONE, votes=2),
        [LABEL, ended(2, member=5), merged],
        {1: SAID, 2: other, 3: attrs.evolve(SAID, assignment=3, member=None)},
        1,
    )
    assert rules.find_labelings(voted) == [SAID, other]


def test_a_vote_is_wrong_when_it_differs_from_what_was_decided() -> None:
    dog = attrs.evolve(SAID, replies=DOG)
    decided = attrs.evolve(WRONG, verdict=None, replies=DOG)
    assert rules.count_errors_of(SAID, look(said=decided), ITEM, is_vote=True)
    assert not rules.count_errors_of(dog, look(said=decided), ITEM, is_vote=True)
    # judged wrong without another answer: who said the same is wrong
    assert rules.count_errors_of(SAID, look(), ITEM, is_vote=True)
    assert not rules.count_errors_of(dog, look(), ITEM, is_vote=True)
    assert rules.count_errors_of(dog, look(), ITEM, is_vote=False)
    assert rules.count_errors_of(None, look(), ITEM, is_vote=False)


def test_an_answer_that_an_inspector_gave_is_not_the_labelers() -> None:
    assert rules.is_unchanged(SAID, look())
    assert not rules.is_unchanged(SAID, look(submitted=attrs.evolve(SAID, assignment=7)))
    assert not rules.is_unchanged(SAID, look(submitted=None))
