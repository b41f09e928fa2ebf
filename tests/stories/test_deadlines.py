"""Due times: what is due comes first, what is overdue is listed, and what time decides."""

from __future__ import annotations

import json
from datetime import datetime, timedelta

import pytest
from support.scenes import START, Clock, cats, labeled, taken

from itagflow import Flow, Inspect, InvalidData, Job, Label, NotAllowed, NotFound, Stage, Workflow

HOUR = timedelta(hours=1)


def due_times(flow: Flow, job: Job) -> list[datetime | None]:
    return [package.due for package in flow.packages.list(job)]


def overdue(flow: Flow, job: Job) -> list[int]:
    return [package.number for package in flow.packages.list(job, overdue=True)]


def test_packages_get_a_due_time_and_lose_it_again(flow: Flow) -> None:
    job = cats(flow, tasks=3, size=1)
    assert flow.packages.set_due(job, START + HOUR, by="ada") == 3
    assert flow.packages.set_due(job, START + 2 * HOUR, packages=[2], by="ada") == 1
    assert due_times(flow, job) == [START + HOUR, START + 2 * HOUR, START + HOUR]
    assert flow.packages.set_due(job, None, packages=[1], by="ada") == 1
    assert due_times(flow, job) == [None, START + 2 * HOUR, START + HOUR]


def test_each_package_can_get_a_time_of_its_own(flow: Flow) -> None:
    job = cats(flow, tasks=6, size=2)
    package = flow.packages.get((job, 1))
    task = flow.results.get(job, 3).task
    times = {package: START, task: START + HOUR, 3: None}
    assert flow.packages.set_due(job, times, by="ada") == 3
    assert due_times(flow, job) == [START, START + HOUR, None]


def test_two_tasks_of_a_package_cannot_be_due_at_different_times(flow: Flow) -> None:
    job = cats(flow, tasks=4, size=2)
    one, two = (flow.results.get(job, number).task for number in (1, 2))
    flow.packages.set_due(job, {one: START, two: START}, by="ada")
    with pytest.raises(InvalidData, match="is in package 1, which is given another time too"):
        flow.packages.set_due(job, {one: START, two: START + HOUR}, by="ada")
    with pytest.raises(InvalidData, match="are given beside a mapping"):
        flow.packages.set_due(job, {one: START}, packages=[1], by="ada")
    with pytest.raises(NotFound):
        flow.packages.set_due(job, {99: START}, by="ada")
    assert due_times(flow, job) == [START, None]


def test_the_history_says_when_it_was_due_before(flow: Flow) -> None:
    job = cats(flow, tasks=2, size=1)
    flow.packages.set_due(job, START, by="ada")
    flow.packages.set_due(job, {1: START, 2: START + HOUR}, by="ada")
    event = list(flow.events.list(job))[-1]
    assert str(event) == "09:00 ada set the due time of 1 package"
    assert [(c.key[1], c.field, c.before, c.after) for c in event.changes] == [
        (2, "due", START.isoformat(), (START + HOUR).isoformat())
    ]
    count = len(list(flow.events.list(job)))
    flow.packages.set_due(job, START + HOUR, packages=[2], by="ada")  # sent again
    assert len(list(flow.events.list(job))) == count


def test_what_is_due_first_is_claimed_first(flow: Flow) -> None:
    job = cats(flow, tasks=4, size=1)
    flow.packages.set_due(job, {3: START + HOUR, 2: START + 2 * HOUR}, by="ada")
    assert [taken(flow, "ben", job).package for _ in range(4)] == [3, 2, 1, 4]


def test_the_order_due_puts_it_before_the_priority(flow: Flow) -> None:
    job = cats(flow, tasks=4, size=1, workflow=Workflow(Label(order="due")))
    flow.packages.prioritize(job, 5, packages=[1], by="ada")
    flow.packages.set_due(job, {3: START + HOUR, 2: START + 2 * HOUR}, by="ada")
    assert [taken(flow, "ben", job).package for _ in range(4)] == [3, 2, 1, 4]


def test_a_package_that_has_waited_for_long_is_not_passed_over_when_its_time_changes(
    flow: Flow, clock: Clock
) -> None:
    """Ben's scan begins behind what he has seen, and the old package gets a place before that."""
    job = cats(flow, tasks=1, size=1, workflow=Workflow(Label(votes=2), Inspect()))
    for number in (2, 3, 4):
        clock.forward(minutes=10)
        flow.jobs.append(job, [{"data": {"source": f"more-{number}.jpg"}}], by="ada")
    flow.packages.set_due(job, {2: START + HOUR, 3: START + HOUR}, by="ada")
    assert [labeled(flow, "ben", job).package for _ in range(2)] == [2, 3]
    flow.packages.set_due(job, {1: START + HOUR}, by="ada")
    assert taken(flow, "ben", job).package == 1


def test_the_overdue_packages_are_listed_the_earliest_first(flow: Flow, clock: Clock) -> None:
    job = cats(flow, tasks=5, size=1)
    times = {5: START + HOUR, 2: START + 2 * HOUR, 3: START + 2 * HOUR, 4: START + 5 * HOUR}
    flow.packages.set_due(job, times, by="ada")
    assert overdue(flow, job) == []
    clock.forward(hours=3)
    assert overdue(flow, job) == [5, 2, 3]
    first, *_ = flow.packages.list(job, overdue=True, limit=1)
    assert [p.number for p in flow.packages.list(job, overdue=True, after=first)] == [2, 3]
    assert [p.number for p in flow.packages.list(job, overdue=True, after=2, limit=5)] == [3]
    labeled(flow, "ben", job)
    assert overdue(flow, job) == [2, 3]
    assert list(flow.packages.list(job, overdue=True, state="inspect")) == []


def test_who_may_not_assign_sets_no_due_time(flow: Flow) -> None:
    job = cats(flow, tasks=2, size=1)
    with pytest.raises(NotAllowed):
        flow.packages.set_due(job, START, by="ben")
    assert due_times(flow, job) == [None, None]


def test_the_board_says_what_there_is_to_do(flow: Flow, clock: Clock) -> None:
    job = cats(flow, tasks=8, size=1, workflow=Workflow(Label(), Inspect()))
    flow.packages.set_due(job, {1: START + HOUR, 2: START + 9 * HOUR}, by="ada")
    flow.packages.prioritize(job, 7, packages=[8], by="ada")
    labeled(flow, "ben", job)
    clock.forward(hours=2)
    taken(flow, "ben", job)
    flow.assignments.assign((job, 5), "cy", by="ada")
    board = flow.jobs.queue(job)
    label = board.stages[Stage.LABEL]
    assert (label.waiting, label.held, label.offered, label.overdue) == (5, 1, 1, 1)
    assert label.oldest_waiting_since == START
    assert board.stages[Stage.INSPECT].waiting == 1
    assert str(board) == "6 packages waiting, 1 held, 1 offered, 1 overdue"
    assert board.next_due == START + 9 * HOUR
    assert list(label.priorities.items()) == [(0, 5)]


def test_the_board_counts_by_priority_and_what_is_late(flow: Flow, clock: Clock) -> None:
    job = cats(flow, tasks=6, size=1)
    for priority, number in ((3, 1), (3, 2), (-1, 3), (9, 4)):
        flow.packages.prioritize(job, priority, packages=[number], by="ada")
    flow.packages.set_due(job, {5: START + HOUR, 6: START + 2 * HOUR}, by="ada")
    clock.forward(hours=1)
    board = flow.jobs.queue(job, by="ada")
    assert list(board.stages[Stage.LABEL].priorities.items()) == [(9, 1), (3, 2), (0, 2), (-1, 1)]
    assert (board.overdue, board.next_due) == (1, START + 2 * HOUR)
    assert board.to_dict()["stages"]["label"]["priorities"][0] == {"priority": 9, "waiting": 1}
    json.dumps(board.to_dict())


def test_an_archived_job_has_nothing_to_do(flow: Flow) -> None:
    job = cats(flow, tasks=2, size=1)
    taken(flow, "ben", job)
    flow.jobs.archive(job, by="ada")
    assert (flow.jobs.queue(job).waiting, flow.jobs.queue(job).held) == (0, 0)


def test_labelers_do_not_see_the_board(flow: Flow) -> None:
    job = cats(flow)
    with pytest.raises(NotAllowed):
        flow.jobs.queue(job, by="ben")
