"""Statistics under the names of iTAG: the toy job by hand, and sums that hold on any history."""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import timedelta
from itertools import count
from typing import Any

import pytest
from support.scenes import Clock, rows, street, taken

import itagflow
from itagflow import (
    Accept,
    Assignment,
    Choice,
    FixedSize,
    Flow,
    Inspect,
    InvalidData,
    Job,
    JobState,
    Label,
    NotAllowed,
    PreLabel,
    Stage,
    Workflow,
    templates,
)
from itagflow.reviewing.sampling import Draw, draw_tasks

CAT, DOG, OWL = Choice("cat"), Choice("dog"), Choice("owl")
PRELABELS = {1: DOG, 2: CAT, 3: DOG, 4: CAT}


def toy_job(flow: Flow) -> Job:
    """Ten tasks in two packages, labeled by ann and bob, inspected by ivy, sampled by ada."""
    home = street(flow, "ivy")
    flow.members.add(home, "ann", "operator", groups=["north"], by="ada")
    flow.members.add(home, "bob", "operator", groups=["north", "south"], by="ada")
    return flow.jobs.create(
        home,
        "toy",
        template=templates.image_classification(["cat", "dog", "owl"]),
        data=rows(10),
        workflow=Workflow(Label(), Inspect(), Accept(task_count=2)),
        packaging=FixedSize(5),
        workforce={"label": ["ann", "bob"], "inspect": ["ivy"], "accept": ["ada"]},
        by="ada",
        draft=True,
    )


def roles(drawn: Sequence[int], last: int) -> dict[int, int]:
    """Which task has which number in the toy job: those that are drawn for ada come first.

    Numbers 1 and 4, or 6 and 7, are those that ada checks.  What was sent back is always checked
    again, so that it is 4 and not 3 as in the text: no number of the table depends on that.
    """
    first = last - 4
    wanted = [1, 4] if last == 5 else [6, 7]
    rest_of = [n for n in range(first, last + 1) if n not in wanted]
    rest = [n for n in range(first, last + 1) if n not in drawn]
    return dict(zip([*wanted, *rest_of], [*drawn, *rest], strict=True))


def drawn_for_ada(job: Job, package: int) -> list[int]:
    """The sample, computed as the library does: whoever draws again draws the same."""
    first = 1 if package == 1 else 6
    draw = Draw(seed=job.seed, stage=Stage.ACCEPT, package=package, round=1)
    return list(draw_tasks(draw, range(first, first + 5), 2))


class Toy:
    """The toy job, done; its tasks are called by their numbers in the table."""

    def __init__(self, flow: Flow, clock: Clock) -> None:
        self.flow, self.clock = flow, clock
        job = toy_job(flow)
        self.at = roles(drawn_for_ada(job, 1), 5) | roles(drawn_for_ada(job, 2), 10)
        given = {self.at[n]: PreLabel({"1": reply}) for n, reply in PRELABELS.items()}
        flow.jobs.prelabel(job, lambda tasks: [given.get(task.number) for task in tasks], by="ada")
        self.job = flow.jobs.publish(job, by="ada")

    def wait(self, seconds: float) -> float:
        self.clock.forward(seconds=seconds)
        return seconds

    def label(self, name: str, numbers: Sequence[int], seconds: float) -> None:
        held = taken(self.flow, name, self.job)
        for number in numbers:
            took = self.wait(seconds)
            if number == 5:
                self.flow.abandon(held, self.at[number], "dark", seconds=took)
            else:
                self.flow.save(held, self.at[number], CAT, seconds=took)
        self.flow.submit(held)

    def look(self, held: Assignment, number: int, says: Any, seconds: float) -> None:
        took = self.wait(seconds)
        if isinstance(says, Choice):
            self.flow.modify(held, self.at[number], says, seconds=took)
        elif says:
            self.flow.judge(held, self.at[number], wrong=says, seconds=took)
        else:
            self.flow.judge(held, self.at[number], seconds=took)

    def inspect(self, says: dict[int, Any]) -> Assignment:
        held = taken(self.flow, "ivy", self.job, Stage.INSPECT)
        for number, said in says.items():
            self.look(held, number, said, 20)
        return held

    def accept(self, package: int, says: dict[int, Any]) -> None:
        held = self.flow.claim("ada", self.job, Stage.ACCEPT, package=package)
        assert held is not None
        for number, said in says.items():
            self.look(held, number, said, 15)
        self.flow.accept(held)

    def run(self) -> None:
        """Everything that the toy job's text tells, in its order."""
        self.label("ann", [1, 2, 3, 4, 5], 60)
        self.label("bob", [6, 7, 8, 9, 10], 120)
        first = self.inspect({1: None, 2: None, 3: OWL, 4: "no cat", 5: None})
        self.flow.reject(first)
        self.middle = self.wait_and_tell()
        second = self.inspect({6: None, 7: OWL, 8: None, 9: None, 10: None})
        self.flow.review(second)
        self.label("ann", [4], 60)
        self.flow.review(self.inspect({4: None}))
        self.accept(1, {1: OWL, 4: None})
        self.accept(2, {6: None, 7: DOG})

    def wait_and_tell(self) -> Any:
        self.wait(1)
        moment = self.clock()
        self.wait(1)
        return moment


JOB = {
    "TotalItemCount": 10,
    "FinishedItemCount": 10,
    "TotalSubtaskCount": 2,
    "FinishedSubtaskCount": 2,
    "AcceptItemCount": 9,
    "FinalAbandonCount": 1,
    "PreMarkFixedCount": 2,
    "TotalCheckedCount": 11,
    "CheckedError": 3,
    "CheckedRejectCount": 1,
    "CheckAbandon": 1,
    "CheckedAccuracy": 72.7273,
    "TotalCheckCount": 11,
    "TotalCheckTime": 0.061111,
    "CheckEfficiency": 180.0,
    "CheckAccuracy": 50.0,
    "TotalSampledCount": 4,
    "TotalSamplingCount": 4,
    "SampledErrorCount": 2,
    "SampledRejectCount": 0,
    "SampledAccuracy": 50.0,
    "SamplingAccuracy": 75.0,
    "TotalMarkTime": 0.266667,
    "MarkEfficiency": 41.25,
    "TotalWorkTime": 0.344444,
}
"""The table of the toy job, computed by hand."""
MEMBERS = {
    "ann": (6, 4, 0.1, 60.0, 6, 4, 66.6667, 2, 1, 50.0, 1, 1, 60 / 3600),
    "bob": (5, 5, 0.166667, 30.0, 5, 4, 80.0, 2, 0, 100.0, 0, 0, 0.0),
}
FIELDS = (
    "TotalMarkItemsCount",
    "AcceptedMarkItemsCount",
    "MarkTime",
    "MarkEfficiency",
    "CheckCount",
    "CheckedAcceptedCount",
    "CheckedAccuracy",
    "SamplingCount",
    "SamplingErrorCount",
    "SamplingAccuracy",
    "ReworkCausedCount",
    "ReworkCount",
    "ReworkTime",
)


def test_the_toy_job_gives_every_number_of_its_table(flow: Flow, clock: Clock) -> None:
    toy = Toy(flow, clock)
    toy.run()
    assert flow.jobs.get(toy.job).state is JobState.FINISHED
    (row,) = flow.quality.statistics(toy.job)
    assert (row.pop("JobId"), row.pop("JobName")) == (toy.job.id, "toy")
    assert row == pytest.approx(JOB, abs=1e-4)
    members = flow.quality.statistics(toy.job, of="member")
    assert [member["UserId"] for member in members] == ["ann", "bob"]
    for member in members:
        numbers = MEMBERS[member.pop("UserId")]
        assert member == pytest.approx(dict(zip(FIELDS, numbers, strict=True)), abs=1e-4)
    # work is counted in the period in which it was handed in, and all of it once
    groups = {each["Group"]: each for each in flow.quality.statistics(toy.job, of="group")}
    assert groups["north"]["TotalMarkItemsCount"] == 11
    assert groups["south"]["TotalMarkItemsCount"] == 5
    before = flow.quality.statistics(toy.job, until=toy.middle)[0]
    after = flow.quality.statistics(toy.job, since=toy.middle)[0]
    assert (before["TotalCheckedCount"], after["TotalCheckedCount"]) == (5, 6)
    for name in ("TotalCheckedCount", "CheckedError", "TotalSampledCount", "TotalWorkTime"):
        assert before[name] + after[name] == pytest.approx(row[name])
    with pytest.raises(NotAllowed):
        flow.quality.statistics(toy.job, by="ann")


def test_a_job_without_work_has_no_shares() -> None:
    flow = itagflow.open("memory:")
    job = toy_job(flow)
    (row,) = flow.quality.statistics(job)
    assert row["TotalItemCount"] == 10
    assert {name for name, value in row.items() if value is None} == {
        "CheckedAccuracy",
        "CheckEfficiency",
        "CheckAccuracy",
        "SampledAccuracy",
        "SamplingAccuracy",
        "MarkEfficiency",
    }
    assert flow.quality.statistics([job, job]) == [row]
    assert flow.quality.statistics(job, of="member") == []


def test_a_time_that_ends_before_it_begins_is_refused() -> None:
    flow = itagflow.open("memory:")
    now = Clock()()
    with pytest.raises(InvalidData, match="must not be before"):
        flow.quality.statistics([], since=now, until=now - timedelta(1))


def run_at_random(seed: int) -> tuple[Flow, Job]:
    """A job in which labelers and reviewers do what comes to them, until it is done."""
    draws = random.Random(f"statistics/{seed}")
    flow = itagflow.open("memory:", ids=count(1).__next__)
    home = street(flow, "ann", "bob", "ivy")
    job = flow.jobs.create(
        home,
        "random",
        template=templates.image_classification(["cat", "dog", "owl"]),
        data=rows(24),
        workflow=Workflow(
            Label(), Inspect(task_share=0.7), Accept(task_share=0.6, reject_to="label")
        ),
        packaging=FixedSize(4),
        workforce={"label": ["ann", "bob"], "inspect": ["ivy"], "accept": ["ada"]},
        by="ada",
        seed=seed,
    )
    people = {"ann": Stage.LABEL, "bob": Stage.LABEL, "ivy": Stage.INSPECT, "ada": Stage.ACCEPT}
    for _ in range(400):
        name = draws.choice(list(people))
        held = flow.claim(name, job, people[name])
        if held is None:
            continue
        if held.stage is Stage.LABEL:
            answer_at_random(flow, held, draws)
        else:
            review_at_random(flow, held, draws)
    return flow, job


def answer_at_random(flow: Flow, held: Assignment, draws: random.Random) -> None:
    for item in flow.tasks(held):
        if draws.random() < 0.1:
            flow.abandon(held, item, "dark")
        else:
            flow.save(held, item, draws.choice([CAT, DOG]))
    flow.submit(held)


def review_at_random(flow: Flow, held: Assignment, draws: random.Random) -> None:
    wrong = 0
    for item in flow.tasks(held):
        what = draws.random()
        if what < 0.1:
            flow.judge(held, item, wrong="no")
            wrong += 1
        elif what < 0.3:
            flow.modify(held, item, OWL)
    if draws.random() < 0.1:
        flow.reject(held, whole=True, comment="all of it")
    elif wrong:
        flow.reject(held)
    elif held.stage is Stage.INSPECT:
        flow.review(held)
    else:
        flow.accept(held)


@pytest.mark.parametrize("seed", range(6))
def test_the_sums_hold_on_any_history(seed: int) -> None:
    flow, job = run_at_random(seed)
    (row,) = flow.quality.statistics(job)
    members = flow.quality.statistics(job, of="member")
    assert row["TotalCheckedCount"] > 0
    assert row["TotalSampledCount"] > 0
    assert sum(each["CheckCount"] for each in members) == row["TotalCheckedCount"]
    right = sum(each["CheckedAcceptedCount"] for each in members)
    assert row["TotalCheckedCount"] - right == row["CheckedError"]
    assert sum(each["SamplingCount"] for each in members) == row["TotalSampledCount"]
    assert sum(each["AcceptedMarkItemsCount"] for each in members) == row["AcceptItemCount"]
    charged = sum(each["SamplingErrorCount"] for each in members)
    assert charged <= row["SampledErrorCount"]
    handed_in = sum(each["TotalMarkItemsCount"] for each in members)
    assert handed_in >= row["FinishedItemCount"] > 0


def test_with_votes_an_error_is_a_vote_that_differs_from_what_was_decided() -> None:
    flow = itagflow.open("memory:")
    home = street(flow, "ann", "bob", "ivy")
    job = flow.jobs.create(
        home,
        "votes",
        template=templates.image_classification(["cat", "dog", "owl"]),
        data=rows(2),
        workflow=Workflow(Label(votes=2), Inspect()),
        packaging=FixedSize(2),
        workforce={"label": ["ann", "bob"], "inspect": ["ivy"]},
        by="ada",
    )
    for name, said in (("ann", (CAT, CAT)), ("bob", (CAT, DOG))):
        held = taken(flow, name, job)
        for number, reply in enumerate(said, 1):
            flow.save(held, number, reply)
        flow.submit(held)
    held = taken(flow, "ivy", job, Stage.INSPECT)
    flow.modify(held, 2, CAT)
    flow.review(held)
    members = {each["UserId"]: each for each in flow.quality.statistics(job, of="member")}
    assert [members[name]["CheckedAccuracy"] for name in ("ann", "bob")] == [100.0, 50.0]
    assert [members[name]["AcceptedMarkItemsCount"] for name in ("ann", "bob")] == [2, 2]
