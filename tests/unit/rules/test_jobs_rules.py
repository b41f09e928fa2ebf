"""A job's own steps, whether it can ever finish, and how it is cut into parts."""

from __future__ import annotations

import attrs
import pytest

from itagflow import (
    Incomplete,
    InvalidData,
    JobState,
    NotAllowed,
    Role,
    Stage,
    WrongState,
)
from itagflow.jobs import rules
from itagflow.model import JobPartition
from itagflow.model.job import StageWorkers
from itagflow.testing import make_job, make_member, make_package, make_template

ADA = make_member(id=1, account="ada", role=Role.ADMIN)
BEN, CY = make_member(), make_member(id=3, account="cy")


def test_a_draft_without_tasks_is_not_published() -> None:
    draft = make_job(state=JobState.DRAFT)
    assert rules.advance_job(draft, "publish", tasks=1).state is JobState.RUNNING
    with pytest.raises(Incomplete, match="has no tasks"):
        rules.advance_job(draft, "publish")
    with pytest.raises(Incomplete, match="nobody is there"):
        rules.advance_job(draft, "publish", tasks=1, hindrance="nobody is there")


def test_a_job_with_an_open_package_does_not_finish() -> None:
    with pytest.raises(Incomplete, match="package 7 is still open"):
        rules.advance_job(make_job(), "finish", open_package=7)
    with pytest.raises(WrongState):
        rules.advance_job(make_job(state=JobState.ARCHIVED), "finish")


def test_a_running_job_is_not_written_when_packages_come_back() -> None:
    assert rules.reopen_finished(make_job(), "reopen") == ()
    finished = make_job(state=JobState.FINISHED)
    ((before, after),) = rules.reopen_finished(finished, "reopen")
    assert before is finished
    assert attrs.evolve(finished, state=JobState.RUNNING) == after


def test_jobs_differ_in_what_was_given_and_in_their_template() -> None:
    here, there = make_template(), make_template(id=9, version=4)
    other = make_template(id=9, abandon_reasons=("dark",))
    job, wanted = make_job(), make_job(name="dogs", priority=3)
    assert rules.find_differences(job, wanted, ["name"], here, there) == ("name",)
    assert rules.find_differences(job, wanted, ["priority"], here, other) == (
        "template",
        "priority",
    )
    assert rules.find_differences(job, wanted, [], here, here) == ()
    named = attrs.evolve(there, name="moods")
    assert rules.find_differences(job, wanted, [], here, named) == ("template",)


def test_a_workforce_has_no_order_and_an_empty_crew_is_none() -> None:
    one = make_job(workforce={Stage.LABEL: StageWorkers((2, 3)), Stage.INSPECT: StageWorkers()})
    other = make_job(workforce={Stage.LABEL: StageWorkers((3, 2))})
    template = make_template()
    assert rules.find_differences(one, other, ["workforce"], template, template) == ()
    third = make_job(workforce={Stage.LABEL: StageWorkers((2,))})
    assert rules.find_differences(one, third, ["workforce"], template, template) == ("workforce",)


@pytest.mark.parametrize("state", list(JobState))
def test_a_guard_lets_exactly_its_states_through(state: JobState) -> None:
    job = make_job(state=state)
    for guard, refused in (
        (rules.must_not_be_archived, state is JobState.ARCHIVED),
        (rules.must_not_be_a_draft, state is JobState.DRAFT),
        (rules.must_be_archived, state is not JobState.ARCHIVED),
    ):
        if refused:
            with pytest.raises(NotAllowed, match="job 'cats' is"):
                guard(job, "do it")
        else:
            guard(job, "do it")


@pytest.mark.parametrize(
    ("withdrawals", "erased", "is_left"),
    [((), (), True), ((1,), (), True), ((1,), (2,), False), ((), (1, 2), False)],
)
def test_a_package_without_any_task_left_is_not_worked_on(
    withdrawals: tuple[int, ...], erased: tuple[int, ...], is_left: bool
) -> None:
    package = make_package(size=2, withdrawals=withdrawals, erased=erased)
    if is_left:
        rules.must_have_tasks_left(package, "reopen")
    else:
        with pytest.raises(NotAllowed, match="all tasks of package 1 were withdrawn or erased"):
            rules.must_have_tasks_left(package, "reopen")


def test_parts_cover_everything_once_and_are_of_equal_size() -> None:
    whole = JobPartition(job=4, first=1, last=10, packages=(1, 5))
    parts = rules.cut(whole, 4)
    assert [n for part in parts for n in range(part.first, part.last + 1)] == list(range(1, 11))
    assert [n for part in parts for n in rules.packages_of(part)] == list(range(1, 6))
    assert {part.last + 1 - part.first for part in parts} == {2, 3}
    assert [(part.index, part.of) for part in parts] == [(1, 4), (2, 4), (3, 4), (4, 4)]


def test_there_are_never_more_parts_than_tasks_and_always_one() -> None:
    assert len(rules.cut(JobPartition(job=4, first=1, last=2), 9)) == 2
    (empty,) = rules.cut(JobPartition(job=4, first=1, last=0), 9)
    assert len(empty) == 0
    with pytest.raises(InvalidData, match="partitions"):
        rules.cut(empty, 0)


def test_a_part_that_was_made_by_hand_names_no_packages() -> None:
    with pytest.raises(InvalidData, match=r"flow\.results\.partition"):
        rules.packages_of(JobPartition(job=4, first=1, last=2))
