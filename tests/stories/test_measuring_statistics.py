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
    Box,
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
    Regions,
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


class RandomJob:
    """A job in which labelers and reviewers do what comes to them, until it is done."""

    def __init__(self, seed: int, *, marks: bool = False) -> None:
        self.draws = random.Random(f"statistics/{seed}")
        self.marks = marks
        self.clock = Clock()
        self.flow = itagflow.open("memory:", ids=count(1).__next__, clock=self.clock)
        home = street(self.flow, "ann", "bob", "ivy")
        animals = templates.image_classification(["cat", "dog", "owl"])
        self.job = self.flow.jobs.create(
            home,
            "random",
            template=templates.object_detection(["cat", "dog", "owl"]) if marks else animals,
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
            name = self.draws.choice(list(people))
            self.clock.forward(minutes=self.draws.randrange(30))
            held = self.flow.claim(name, self.job, people[name])
            if held is not None and held.stage is Stage.LABEL:
                self.answer(held)
            elif held is not None:
                self.review(held)

    def say(self, *names: str) -> Any:
        """An option, or some boxes with these labels."""
        if not self.marks:
            return Choice(self.draws.choice(names))
        boxes = [
            Box(self.draws.randrange(9), place, 10, 10, label=self.draws.choice(names))
            for place in (0, 20, 40)[: self.draws.randrange(4)]
        ]
        return Regions(boxes, width=60, height=60)

    def answer(self, held: Assignment) -> None:
        for item in self.flow.tasks(held):
            if self.draws.random() < 0.1:
                self.flow.abandon(held, item, "dark")
            else:
                self.flow.save(held, item, self.say("cat", "dog"))
        self.flow.submit(held)

    def review(self, held: Assignment) -> None:
        wrong = 0
        for item in self.flow.tasks(held):
            what = self.draws.random()
            if what < 0.1:
                self.flow.judge(held, item, wrong="no")
                wrong += 1
            elif what < 0.3:
                self.flow.modify(held, item, self.say("owl", "cat"))
        if self.draws.random() < 0.1:
            self.flow.reject(held, whole=True, comment="all of it")
        elif wrong:
            self.flow.reject(held)
        elif held.stage is Stage.INSPECT:
            self.flow.review(held)
        else:
            self.flow.accept(held)


UNITS = [("item", False), ("item", True), ("operatorcell", False), ("operatorcell", True)]


@pytest.mark.parametrize(("unit", "marks"), UNITS)
@pytest.mark.parametrize("seed", range(6))
def test_the_sums_hold_on_any_history(seed: int, unit: str, marks: bool) -> None:
    done = RandomJob(seed, marks=marks)
    flow, job = done.flow, done.job
    (row,) = flow.quality.statistics(job, unit=unit)
    members = flow.quality.statistics(job, of="member", unit=unit)
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
    assert handed_in > 0
    stages = {each["Stage"]: each for each in flow.quality.statistics(job, of="stage", unit=unit)}
    assert list(stages) == ["label", "inspect", "accept"]
    assert stages["label"]["Count"] == handed_in
    assert stages["inspect"]["Count"] == row["TotalCheckedCount"]
    assert stages["accept"]["ErrorCount"] == row["SampledErrorCount"] <= row["TotalSampledCount"]
    assert sum(each["Time"] for each in stages.values()) == row["TotalWorkTime"]
    if unit == "item":
        assert handed_in >= row["FinishedItemCount"] > 0
    check_periods(done, row, members, unit)


def check_periods(
    done: RandomJob, row: dict[str, Any], members: Sequence[dict[str, Any]], unit: str
) -> None:
    """The periods of a time have all of its work, each piece once."""
    since, until = done.job.created_at, done.clock() + timedelta(seconds=1)
    cut: dict[str, Any] = {"since": since, "until": until, "every": timedelta(hours=7)}
    days = done.flow.quality.statistics(done.job, unit=unit, **cut)
    assert [days[0]["Since"], days[-1]["Until"]] == [since, until]
    for name in ("TotalCheckedCount", "CheckedError", "CheckedRejectCount", "SampledErrorCount"):
        assert sum(day[name] for day in days) == row[name]
    assert {day["TotalItemCount"] for day in days} == {row["TotalItemCount"]}
    by_day = done.flow.quality.statistics(done.job, of="member", unit=unit, **cut)
    for member in members:
        own = [each for each in by_day if each["UserId"] == member["UserId"]]
        for name in ("TotalMarkItemsCount", "CheckCount", "ReworkCount", "SamplingErrorCount"):
            assert sum(each[name] for each in own) == member[name]


def test_cells_are_counted_by_hand() -> None:
    """Three boxes and two: one is taken away, one moved and one new; then a task is wrong whole."""
    clock = Clock()
    flow = itagflow.open("memory:", clock=clock)
    home = street(flow, "ann", "ivy")
    job = flow.jobs.create(
        home,
        "boxes",
        template=templates.object_detection(["cat", "dog"]),
        data=rows(3),
        workflow=Workflow(Label(), Inspect()),
        packaging=FixedSize(3),
        workforce={"label": ["ann"], "inspect": ["ivy"]},
        by="ada",
    )

    def boxes(*places: int) -> Regions:
        return Regions([Box(x, 0, 10, 10, label="cat") for x in places], width=100, height=50)

    clock.forward(hours=1)
    held = taken(flow, "ann", job)
    flow.save_many(held, {1: boxes(0, 20, 40), 2: boxes(0, 20), 3: boxes()})
    flow.submit(held)
    clock.forward(hours=2)
    review = taken(flow, "ivy", job, Stage.INSPECT)
    flow.modify(review, 1, boxes(0, 25, 60))
    flow.judge(review, 2, wrong="dogs")
    flow.reject(review)
    held = taken(flow, "ann", job)
    flow.save(held, 2, boxes(0))
    flow.submit(held)
    clock.forward(hours=1)
    flow.review(taken(flow, "ivy", job, Stage.INSPECT))
    (row,) = flow.quality.statistics(job, unit="operatorcell")
    # at first 3 + 2 + 1 cells, then the 1 of the second task again
    assert (row["TotalItemCount"], row["AcceptItemCount"]) == (3 + 1 + 1, 5)
    assert row["TotalCheckedCount"] == 6 + 1
    # moved by 5 of 10 overlaps by a third: one is gone and one is new, and so is the last one; no
    # more than the three that there were; and both of what is wrong
    assert row["CheckedError"] == 3 + 2
    assert (row["CheckedRejectCount"], row["CheckedAccuracy"]) == (2, pytest.approx(100 * 2 / 7))
    (ann,) = flow.quality.statistics(job, of="member", unit="operatorcell")
    assert (ann["TotalMarkItemsCount"], ann["ReworkCount"]) == (6 + 1, 1)
    assert (ann["CheckCount"], ann["CheckedAcceptedCount"]) == (7, 2)
    (item,) = flow.quality.statistics(job)
    assert (item["TotalCheckedCount"], item["CheckedError"]) == (4, 2)
    label, inspect = flow.quality.statistics(job, of="stage")
    assert (label["Count"], label["WaitTime"], label["Accuracy"]) == (4, None, None)
    assert (inspect["Count"], inspect["ErrorCount"], inspect["Accuracy"]) == (4, 2, 50.0)
    assert inspect["WaitTime"] == 1.5, "two hours, and one"


def test_what_a_time_is_cut_by_must_be_able_to() -> None:
    flow = itagflow.open("memory:")
    job = toy_job(flow)
    since, day = Clock()(), timedelta(days=1)
    statistics = flow.quality.statistics
    with pytest.raises(InvalidData, match="every: needs since and until"):
        statistics(job, every=day)
    with pytest.raises(InvalidData, match="every: must be more than 0"):
        statistics(job, since=since, until=since + day, every=-day)
    with pytest.raises(InvalidData, match="every: must be a timedelta, not 7"):
        statistics(job, since=since, until=since + day, every=7)  # type: ignore[arg-type]
    with pytest.raises(InvalidData, match="1440 periods, more than 1000"):
        statistics(job, since=since, until=since + day, every=timedelta(minutes=1))
    with pytest.raises(InvalidData, match="operatorcell"):
        statistics(job, unit="box")
    rows = statistics(job, since=since, until=since + 2.5 * day, every=day)
    assert [(row["Until"] - row["Since"]) / day for row in rows] == [1, 1, 0.5]


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
