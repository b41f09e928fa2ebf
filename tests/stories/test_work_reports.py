"""What was handed in and sent back, by member, day and stage; and what is paid for it, once."""

from __future__ import annotations

import random
from collections import Counter
from datetime import timedelta
from itertools import count, pairwise
from typing import Any

import pytest
from support.scenes import Clock, cats, labeled, rows, street, taken

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
    Label,
    NotAllowed,
    Selection,
    Stage,
    TaskState,
    Workflow,
    templates,
)
from itagflow.quality import Rate, Statement

CAT, DOG = Choice("cat"), Choice("dog")
RATES = {"label": Rate(item=0.1, hour=6), "inspect": Rate(item=0.04), ("label", "cy"): Rate(item=1)}


def label(flow: Flow, name: str, job: Job, clock: Clock | None = None) -> None:
    """What a claim gives, labeled as cats; with a clock each task takes 90 seconds."""
    assignment = taken(flow, name, job)
    for item in flow.tasks(assignment):
        if clock is not None:
            clock.forward(seconds=90)
        flow.save(assignment, item, CAT, seconds=90)
    flow.submit(assignment)


def test_who_handed_in_what_and_what_came_back(flow: Flow, clock: Clock) -> None:
    job = cats(flow, workflow=Workflow(Label(), Inspect()))
    label(flow, "ben", job, clock)
    label(flow, "cy", job)
    clock.forward(days=1)
    flow.reject(taken(flow, "di", job, Stage.INSPECT), tasks=[2], comment="a dog")
    label(flow, "ben", job)
    work = flow.quality.work("street", per=("member", "stage"))
    names = ("Member", "Stage", "AssignmentCount", "Count", "CorrectedCount", "NetCount")
    assert [tuple(row[name] for name in names) for row in work] == [
        ("ben", "label", 2, 3, 1, 2),
        ("cy", "label", 1, 2, 0, 2),
        ("di", "inspect", 1, 2, 0, 2),
    ]
    assert work[0]["Time"] == pytest.approx(180 / 3600), "what took no time by the clock took none"
    days = flow.quality.work("street", per=["day", "job"], since=clock() - timedelta(hours=1))
    assert [(row["Day"], row["Job"], row["Count"], row["CorrectedCount"]) for row in days] == [
        (clock().date().isoformat(), "cats", 3, 1)
    ]
    before = flow.quality.work("street", until=clock())
    assert [(row["Member"], row["NetCount"]) for row in before] == [("ben", 2), ("cy", 2)]
    flow.members.set_role("street", "ben", "operator", groups=["north", "south"], by="ada")
    groups = flow.quality.work("street", per="group")
    assert [(row["Group"], row["Count"]) for row in groups] == [("", 4), ("north", 3), ("south", 3)]


def test_what_is_sent_back_after_it_was_paid_is_taken_off_the_next_statement(flow: Flow) -> None:
    job = cats(flow, workflow=Workflow(Label(), Inspect()))
    labeled(flow, "ben", job)
    first = flow.quality.statement("street", RATES)
    (line,) = first.lines
    assert (line.account, line.job, line.stage, line.net) == ("ben", "cats", Stage.LABEL, 2)
    assert (line.amount, first.amount) == (pytest.approx(0.2), pytest.approx(0.2))
    flow.reject(taken(flow, "di", job, Stage.INSPECT), whole=True, comment="all of it")
    second = flow.quality.statement("street", RATES, after=first.until)
    assert [(row["Member"], row["NetCount"]) for row in second.rows] == [("ben", -2), ("di", 0)]
    labeled(flow, "ben", job)
    labeled(flow, "cy", job)
    third = flow.quality.statement("street", RATES, after=second.until)
    amounts = {line.account: line.amount for line in third.lines}
    assert amounts == {"ben": pytest.approx(0.2), "cy": pytest.approx(2)}
    nothing = flow.quality.statement("street", RATES, after=third.until)
    assert (nothing.lines, nothing.amount, nothing.until) == ((), 0, third.until)


def test_each_voter_is_paid_and_loses_what_comes_back(flow: Flow) -> None:
    workflow = Workflow(Label(votes=2, max_votes=3), Inspect())
    job = cats(flow, tasks=2, workflow=workflow, label=("ben", "cy", "eve"))
    for name, second in (("ben", CAT), ("cy", DOG)):
        assignment = taken(flow, name, job)
        flow.save_many(assignment, {1: CAT, 2: second})
        flow.submit(assignment)
    label(flow, "eve", job)
    flow.reject(taken(flow, "di", job, Stage.INSPECT), tasks=[1], comment="no")
    rows_ = flow.quality.work("street", per=["member"])
    assert [(row["Member"], row["Count"], row["CorrectedCount"]) for row in rows_] == [
        ("ben", 2, 1),
        ("cy", 2, 1),
        ("di", 2, 0),
        ("eve", 1, 0),
    ]


def test_an_inspector_has_to_do_again_what_comes_back_to_them(flow: Flow) -> None:
    workflow = Workflow(Label(), Inspect(), Accept(reject_to="inspect"))
    job = cats(flow, tasks=2, workflow=workflow)
    labeled(flow, "ben", job)
    flow.review(taken(flow, "di", job, Stage.INSPECT))
    flow.reject(taken(flow, "ada", job, Stage.ACCEPT), tasks=[1], comment="a dog")
    net = {row["Member"]: row["NetCount"] for row in flow.quality.work("street")}
    assert net == {"ada": 2, "ben": 2, "di": 1}


def test_a_campaign_that_is_withdrawn_takes_nothing_off_again(flow: Flow) -> None:
    job = cats(flow, tasks=2, workflow=Workflow(Label(), Inspect()))
    labeled(flow, "ben", job)
    flow.review(taken(flow, "di", job, Stage.INSPECT))
    flow.jobs.reopen(job, where=Selection(), to=Stage.LABEL, by="ada")
    labeled(flow, "ben", job, "dog")
    flow.reject(taken(flow, "di", job, Stage.INSPECT), whole=True, comment="no")
    first = flow.quality.statement("street", RATES)
    assert [(line.account, line.net) for line in first.lines] == [("ben", 2), ("di", 2)]
    flow.packages.discard((job.id, 1), by="ada", comment="the campaign is over")
    assert flow.quality.statement("street", RATES, until=first.until) == first
    assert flow.quality.statement("street", RATES, after=first.until).lines == ()


def test_what_cannot_be_reported_is_refused(flow: Flow) -> None:
    job = cats(flow)
    labeled(flow, "ben", job)
    last = flow.quality.statement("street", {}).until
    with pytest.raises(InvalidData, match=f"until: must be from 0 to {last}, the last event"):
        flow.quality.statement("street", {}, until=last + 1)
    with pytest.raises(InvalidData, match="until"):
        flow.quality.statement("street", {}, after=3, until=2)
    with pytest.raises(InvalidData, match="Rate"):
        flow.quality.statement("street", {"label": 0.1})  # type: ignore[dict-item]
    with pytest.raises(InvalidData, match="a stage and an account"):
        flow.quality.statement("street", {("label",): Rate()})
    with pytest.raises(InvalidData, match="rates: must be a mapping"):
        flow.quality.statement("street", 0.1)  # type: ignore[arg-type]
    with pytest.raises(InvalidData, match="per: names nothing"):
        flow.quality.work("street", per=())
    with pytest.raises(InvalidData, match="week"):
        flow.quality.work("street", per="week")
    for read in (flow.quality.work, lambda home, by: flow.quality.statement(home, {}, by=by)):
        with pytest.raises(NotAllowed):
            read("street", by="ben")
    flow.jobs.archive(job, by="ada")
    flow.jobs.delete(job, by="ada")
    assert flow.quality.work("street") == [], "what was deleted is gone"


def random_work(seed: int, votes: int) -> tuple[Flow, Job, list[Statement]]:
    """A job that people work on at random, with a statement now and then."""
    draws = random.Random(f"work/{seed}")
    clock = Clock()
    flow = itagflow.open("memory:", ids=count(1).__next__, clock=clock)
    people = {
        **dict.fromkeys(("ann", "bob", "cid", "dee"), Stage.LABEL),
        "ivy": Stage.INSPECT,
        "ada": Stage.ACCEPT,
    }
    home = street(flow, *(name for name in people if name != "ada"))
    voting = Label() if votes == 1 else Label(votes=votes, max_votes=3, agree=2 / 3)
    job = flow.jobs.create(
        home,
        "random",
        template=templates.image_classification(["cat", "dog"]),
        data=rows(20),
        workflow=Workflow(voting, Inspect(task_share=0.7), Accept(task_share=0.5)),
        packaging=FixedSize(4),
        workforce={stage: [name for name, at in people.items() if at is stage] for stage in Stage},
        by="ada",
        seed=seed,
    )
    statements = [flow.quality.statement(home, RATES)]
    for _ in range(300):
        clock.forward(seconds=draws.randrange(600))
        name = draws.choice(list(people))
        held = flow.claim(name, job, people[name])
        if held is not None:
            _work(flow, held, draws)
        if draws.random() < 0.05:
            statements.append(flow.quality.statement(home, RATES, after=statements[-1].until))
    statements.append(flow.quality.statement(home, RATES, after=statements[-1].until))
    return flow, job, statements


def _work(flow: Flow, held: Assignment, draws: random.Random) -> None:
    wrong = 0
    for item in flow.tasks(held):
        what, seconds = draws.random(), draws.randrange(60)
        if held.stage is Stage.LABEL and what < 0.9:
            flow.save(held, item, draws.choice([CAT, DOG]), seconds=seconds)
        elif held.stage is Stage.LABEL:
            flow.abandon(held, item, "dark", seconds=seconds)
        elif what < 0.15:
            flow.judge(held, item, wrong="no", seconds=seconds)
            wrong += 1
        elif item.votes or what < 0.3:
            flow.modify(held, item, CAT, seconds=seconds)
    if held.stage is Stage.LABEL:
        flow.submit(held)
    elif wrong:
        flow.reject(held, whole=draws.random() < 0.3, comment="no")
    elif held.stage is Stage.INSPECT:
        flow.review(held)
    else:
        flow.accept(held)


def add_up(statements: list[Statement]) -> dict[Any, list[float]]:
    sums: dict[Any, list[float]] = {}
    for statement in statements:
        for line in statement.lines:
            key = (line.account, line.job_id, line.stage)
            more = [line.assignments, line.count, line.corrected, line.seconds, line.amount]
            sums[key] = [a + b for a, b in zip(sums.get(key, [0.0] * 5), more, strict=True)]
    return sums


@pytest.mark.parametrize("votes", [1, 2])
@pytest.mark.parametrize("seed", range(5))
def test_statements_that_follow_each_other_add_up_to_the_whole(seed: int, votes: int) -> None:
    flow, job, statements = random_work(seed, votes)
    assert len(statements) > 5
    assert all(one.until == other.after for one, other in pairwise(statements))
    whole = flow.quality.statement("street", RATES, until=statements[-1].until)
    parts, total = add_up(statements), add_up([whole])
    assert parts.keys() == total.keys()
    for key, numbers in total.items():
        assert parts[key] == pytest.approx(numbers), key
    # cut anywhere, also long after
    middle = whole.until // 2
    halves = [
        flow.quality.statement("street", RATES, until=middle),
        flow.quality.statement("street", RATES, after=middle, until=whole.until),
    ]
    assert {key: pytest.approx(numbers) for key, numbers in add_up(halves).items()} == total
    events = Counter(event.type for event in flow.events.list(job))
    handed_in = sum(events[each] for each in ("submit", "review", "accept", "reject"))
    assert sum(line.assignments for line in whole.lines) == handed_in
    by_member = {row["Member"]: row["NetCount"] for row in flow.quality.work("street")}
    nets = Counter[str]()
    for line in whole.lines:
        nets[line.account] += line.net
    assert by_member == nets


@pytest.mark.parametrize("seed", range(5))
def test_in_the_end_each_task_is_paid_to_who_labeled_it_last(seed: int) -> None:
    flow, job, statements = random_work(seed, 1)
    paid = Counter[str]()
    for statement in statements:
        for line in statement.lines:
            if line.stage is Stage.LABEL:
                paid[line.account] += line.net
    standing = Counter[str]()
    members = {member.id: member.account for member in flow.members.list("street")}
    for result in flow.results.list(job):
        label = result.stages.get(Stage.LABEL)
        if label is not None and label.member is not None and result.state is not TaskState.WRONG:
            standing[members[label.member]] += 1
    assert sum(standing.values()) > 0
    assert +paid == standing


def test_when_a_job_will_be_done(flow: Flow, clock: Clock) -> None:
    workflow = Workflow(Label(), Inspect(task_share=0.5))
    job = cats(flow, tasks=40, size=2, workflow=workflow, label=["ben"])
    assert flow.quality.forecast(job).stages[Stage.LABEL].why == "nothing was done yet"
    assert flow.quality.forecast(job).finish is None
    # from Tuesday to Tuesday, and not on the weekend: a package a day, and two on Wednesday
    for day in range(8):
        for _ in range(0 if day in (4, 5) else 1 + (day == 1)):
            label(flow, "ben", job)
            flow.review(taken(flow, "di", job, Stage.INSPECT))
        clock.forward(days=1)
    found = flow.quality.forecast(job)
    labeling, inspecting = found.stages[Stage.LABEL], found.stages[Stage.INSPECT]
    assert (labeling.left, labeling.observed) == (40 - 14, 6)
    assert labeling.pace == pytest.approx(14 / 6)
    assert labeling.days == pytest.approx(26 / (14 / 6))
    assert (inspecting.left, inspecting.pace) == (13, pytest.approx(7 / 6))
    # 11.14 days, from Wednesday on
    assert clock().weekday() == 2
    assert found.finish == (clock().date() + timedelta(days=15)).isoformat()
    assert found.earliest is not None
    assert found.latest is not None
    assert found.earliest < found.finish < found.latest
    wider = flow.quality.forecast(job, level=0.99).latest
    assert wider is not None
    assert wider > found.latest
    with pytest.raises(InvalidData, match="level"):
        flow.quality.forecast(job, level=1)
    with pytest.raises(NotAllowed):
        flow.quality.forecast(job, by="ben")


def test_what_came_back_is_expected_to_come_back_again(flow: Flow) -> None:
    job = cats(flow, tasks=40, size=4, workflow=Workflow(Label(), Inspect()), label=["ben"])
    labeled(flow, "ben", job)
    flow.reject(taken(flow, "di", job, Stage.INSPECT), tasks=[2], comment="a dog")
    stages = flow.quality.forecast(job).stages
    # one of four came back: it, 36 others, and a quarter of what is still to be checked
    assert stages[Stage.INSPECT].left == 40 * 1.25
    assert stages[Stage.LABEL].left == 1 + 36 + 40 / 4


def test_secret_votes_are_in_no_report_and_no_statement_is_made_without_them(flow: Flow) -> None:
    job = cats(flow, workflow=Workflow(Label(votes=2, min_votes=2), Inspect()), size=2)
    label(flow, "ben", job)
    assert [row["Member"] for row in flow.quality.work("street")] == ["ben"]
    assert flow.quality.work("street", by="ada") == []
    with pytest.raises(NotAllowed, match="package 1 is secret from them: leave by= out"):
        flow.quality.statement("street", RATES, by="ada")
    label(flow, "cy", job)
    assert [row["Member"] for row in flow.quality.work("street", by="ada")] == ["ben", "cy"]
    told = flow.quality.statement("street", RATES, by="ada")
    assert told == flow.quality.statement("street", RATES, until=told.until)


def test_a_forecast_does_not_tell_of_secret_votes(flow: Flow) -> None:
    job = cats(flow, workflow=Workflow(Label(votes=2, min_votes=2), Inspect()), size=2)
    unknown = flow.quality.forecast(job, by="ada").stages[Stage.LABEL]
    label(flow, "ben", job)
    assert flow.quality.forecast(job).stages[Stage.LABEL].pace is not None
    assert flow.quality.forecast(job, by="ada").stages[Stage.LABEL].pace == unknown.pace
