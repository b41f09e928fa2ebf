"""A week of who orders work from two vendors: limits, rework, a new class, pay and delivery."""

from __future__ import annotations

import io
import json
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta

import pytest
from support import invariants
from support.scenes import Clock, taken

import itagflow
from itagflow import (
    Accept,
    Assignment,
    Box,
    FixedSize,
    Flow,
    Group,
    Inspect,
    Job,
    JobState,
    Label,
    NotAllowed,
    NotHeld,
    PackageState,
    Regions,
    Role,
    Stage,
    Workflow,
    templates,
)
from itagflow.access import TABLE, RolePolicy
from itagflow.errors import Incomplete, InvalidData
from itagflow.templates import AddOption, DropOption, Option

VENDOR_A = ("amy", "abe", "art")
VENDOR_B = ("bea", "bob")
WORKFLOW = Workflow(
    Label(lease=timedelta(hours=2), limit=1, allow_partial=True),
    Inspect(task_share=0.2, reasons=("box is loose", "sign is missing"), limit=2),
    Accept(package_share=1.0, task_count=1),
)


@pytest.fixture
def flow(url: str, clock: Clock) -> Iterator[Flow]:
    """Leaders see and assign only those with whom they share a group."""
    policy = RolePolicy(TABLE, leaders_within_groups=True)
    with itagflow.open(url, clock=clock, policy=policy) as opened:
        yield opened
        invariants.check(opened)


@pytest.fixture
def job(flow: Flow) -> Job:
    """Forty images in packages of five, for two vendors with a leader each."""
    home = flow.workspaces.create("street", admin="me")
    for group, leader, people in (
        ("vendor-a", "lea", VENDOR_A),
        ("vendor-b", "leo", VENDOR_B),
    ):
        flow.members.add(home, leader, Role.LEADER, groups=[group], external=True, by="me")
        for name in people:
            flow.members.add(home, name, Role.OPERATOR, groups=[group], external=True, by="me")
    for name in ("ina", "ira"):
        flow.members.add(home, name, Role.OPERATOR, groups=["leads"], by="me")
    return flow.jobs.create(
        home,
        "signs-w48",
        template=templates.object_detection(["car", "sign"]),
        data=[{"data": {"source": f"{n}.jpg", "width": 1280, "height": 720}} for n in range(1, 41)],
        packaging=FixedSize(5),
        workflow=WORKFLOW,
        workforce={
            Stage.LABEL: [Group("vendor-a"), Group("vendor-b")],
            Stage.INSPECT: [Group("leads")],
            Stage.ACCEPT: ["me"],
        },
        row_key="source",
        by="me",
    )


def boxes(label: str = "car") -> Regions:
    box = Box(10, 20, 100, 200, labels={"Single-choice": label})
    return Regions([box], width=1280, height=720)


def answer(flow: Flow, assignment: Assignment, label: str = "car", seconds: float = 20) -> None:
    for item in flow.tasks(assignment):
        flow.save(assignment, item, boxes(label), seconds=seconds)


def label(flow: Flow, name: str, job: Job, what: str = "car") -> Assignment:
    assignment = taken(flow, name, job)
    answer(flow, assignment, what)
    return flow.submit(assignment, by=name)


def inspect(flow: Flow, name: str, job: Job) -> Assignment:
    return flow.review(taken(flow, name, job, Stage.INSPECT), by=name)


def test_monday_everybody_gets_one_package_and_a_reloaded_page_shows_it_again(
    flow: Flow, job: Job
) -> None:
    held = {name: taken(flow, name, job).package for name in (*VENDOR_A, *VENDOR_B)}
    assert len(set(held.values())) == len(held), "no package is given to two people"
    assert flow.claim("amy", job, Stage.LABEL) is None, "one at a time"
    assert flow.explain("amy", job, Stage.LABEL) == (
        "the limit is reached: amy holds 1 of 1 assignment"
    )
    assert not list(flow.available("amy")), "nothing is shown that a claim would refuse"
    again = flow.claim("amy", job, Stage.LABEL, resume=True)
    assert again is not None
    assert again.package == held["amy"]


def test_a_leader_sees_and_assigns_the_own_vendor_only(flow: Flow, job: Job) -> None:
    for name in ("amy", "bea"):
        taken(flow, name, job)
    assert [one.package for one in flow.assignments.list("amy", job=job, by="lea")] == [1]
    assert list(flow.assignments.list("bea", job=job, by="lea")) == []
    assert {event.account for event in flow.events.list(job, by="leo")} <= {"leo", *VENDOR_B}
    offer = flow.assignments.assign((job.id, 8), "abe", by="lea")
    assert flow.claim("abe", job, Stage.LABEL) == flow.assignments.get(offer)
    with pytest.raises(NotAllowed):
        flow.assignments.assign((job.id, 7), "bob", by="lea")
    for name in ("amy", "lea"):
        with pytest.raises(NotAllowed):
            flow.results.export(job, "itag", io.BytesIO(), by=name)


def test_who_goes_home_hands_in_what_is_done_and_is_credited_with_it(flow: Flow, job: Job) -> None:
    amy = taken(flow, "amy", job)
    for number in (1, 2, 3):
        flow.save(amy, number, boxes(), seconds=20)
    with pytest.raises(Incomplete, match="4"):
        flow.submit(amy)
    assert flow.submit(amy, rest="release").outcome is not None
    # the rest waits for anybody, before the queue; the package goes on when all is in
    rest = taken(flow, "bea", job)
    assert (rest.package, rest.scope) == (1, (4, 5))
    assert flow.packages.get((job.id, 1)).state is PackageState.LABEL
    answer(flow, rest)
    flow.submit(rest)
    assert flow.packages.get((job.id, 1)).state is PackageState.INSPECT
    inspect(flow, "ina", job)
    flow.accept(taken(flow, "me", job, Stage.ACCEPT))
    by = [row["label_by"] for row in flow.results.rows(job, limit=5)]
    assert by == ["amy", "amy", "amy", "bea", "bea"]


def test_who_closes_the_laptop_loses_nothing_and_keeps_nobody_waiting(
    flow: Flow, clock: Clock, job: Job
) -> None:
    flow.jobs.finish(job, discard_open=True, by="me")
    flow.packages.reopen((job.id, 1), by="me")  # one package is left to do
    amy = taken(flow, "amy", job)
    flow.save(amy, 1, boxes())
    clock.forward(hours=1, minutes=59)
    assert flow.claim("bea", job, Stage.LABEL) is None
    flow.save(amy, 2, boxes())  # which renews the lease
    clock.forward(hours=1, minutes=59)
    assert flow.claim("bea", job, Stage.LABEL) is None
    clock.forward(minutes=1)
    flow.save(amy, 3, boxes("sign"), draft=True)  # the own work goes on until somebody takes it
    clock.forward(hours=2)
    bea = taken(flow, "bea", job)
    with pytest.raises(NotHeld):
        flow.save(amy, 3, boxes())
    previous = {item.task.number: item.previous for item in flow.tasks(bea)}
    assert {number for number, left in previous.items() if left is not None} == {1, 2, 3}
    assert previous[3] is not None
    assert previous[3].replies == {"1": boxes("sign")}


def test_tuesday_a_lead_sends_back_what_is_wrong_with_a_reason(flow: Flow, job: Job) -> None:
    label(flow, "amy", job)
    review = taken(flow, "ina", job, Stage.INSPECT)
    (item,) = flow.tasks(review)  # a fifth of five
    flow.judge(review, item, wrong="", reason="box is loose")
    flow.reject(review, comment="mind the edges")
    rework = taken(flow, "amy", job)
    assert rework.scope == (item.task.number,)
    (back,) = flow.tasks(rework, by="amy")
    assert (back.reason, back.package_comment) == ("box is loose", "mind the edges")
    answer(flow, rework)
    flow.submit(rework)
    again = taken(flow, "ina", job, Stage.INSPECT)
    assert [each.task.number for each in flow.tasks(again)] == [item.task.number]
    flow.judge(again, item.task.number)
    flow.review(again)
    assert flow.packages.get((job.id, 1)).state is PackageState.ACCEPT


def test_rework_does_not_wait_for_an_author_on_holiday(flow: Flow, clock: Clock, job: Job) -> None:
    label(flow, "amy", job)
    label(flow, "bea", job)
    for lead in ("ina", "ira"):
        flow.reject(taken(flow, lead, job, Stage.INSPECT), whole=True, reason="sign is missing")
    # amy is known to be away: her offer waits for nobody
    flow.members.pause("street", "amy", until=clock.now + timedelta(days=7), by="me")
    abe = flow.claim("abe", job, Stage.LABEL, package=1)
    assert abe is not None
    # bea just does not come: a day later hers is anybody's
    assert flow.claim("bob", job, Stage.LABEL, package=2) is None
    clock.forward(days=1)
    bob = flow.claim("bob", job, Stage.LABEL, package=2)
    assert bob is not None
    assert "paused" in flow.explain("amy", job, Stage.LABEL)


def test_wednesday_a_class_is_added_while_people_work(flow: Flow, job: Job) -> None:
    label(flow, "amy", job, "car")
    held = taken(flow, "amy", job)
    flow.save(held, 6, boxes("car"))
    truck = AddOption("1", Option("truck"), about="Single-choice")
    tried = flow.jobs.change_template(job, truck, by="me", dry_run=True)
    with pytest.raises(InvalidData, match="'truck' is not an option"):
        flow.save(held, 7, boxes("truck"))
    changed = flow.jobs.change_template(job, truck, by="me")
    assert (changed.unchanged, changed.cannot) == (tried.unchanged, 0)
    # nothing that was answered is lost, and the assignment on hand takes the new class
    assert [flow.save(held, n, boxes("truck")).replies for n in (7, 8)] == [
        {"1": boxes("truck")}
    ] * 2
    cars = [result.task.number for result in flow.results.find(job, label="car")]
    assert cars == [1, 2, 3, 4, 5], "what was handed in as a car may be a truck"


def test_a_class_that_is_in_use_is_not_lost_silently(flow: Flow, job: Job) -> None:
    label(flow, "amy", job, "sign")
    with pytest.raises(InvalidData, match="5 answers"):
        flow.jobs.change_template(job, DropOption("1", "sign", about="Single-choice"), by="me")
    assert [row["label_by"] for row in flow.results.rows(job, limit=5)] == ["amy"] * 5


def test_a_question_about_an_image_is_asked_and_answered_where_it_is(flow: Flow, job: Job) -> None:
    amy, bea = taken(flow, "amy", job), taken(flow, "bea", job)
    asked = flow.comments.add((job, 1), "is a van a car?", by="amy")
    flow.comments.add((job, 1), "yes, a van is a car", thread=asked, by="me")
    (item, *_) = flow.tasks(amy, by="amy")
    (thread,) = item.comments
    assert [each.text for each in thread.comments] == ["is a van a car?", "yes, a van is a car"]
    # the other vendor neither reads nor answers it
    assert list(flow.comments.list(job, by="bea")) == []
    with pytest.raises(NotAllowed):
        flow.comments.add((job, 1), "no", thread=asked, by="bea")
    flow.release(bea)
    # an open question keeps nobody from handing in; whoever inspects finds it
    answer(flow, amy)
    flow.submit(amy)
    (open_thread,) = flow.comments.list(job, is_resolved=False, by="me")
    assert open_thread.task == 1
    flow.comments.resolve(open_thread, by="me")
    assert list(flow.comments.list(job, is_resolved=False, by="me")) == []


def test_thursday_what_is_urgent_comes_first_and_what_is_stuck_is_named(
    flow: Flow, job: Job
) -> None:
    flow.packages.prioritize(job, 5, packages=[7], by="me")
    assert taken(flow, "amy", job).package == 7
    for name in (*VENDOR_A, *VENDOR_B, "lea", "leo", "me"):  # an administrator might label, too
        flow.members.pause("street", name, by="me")
    blocked = list(flow.jobs.blocked(job, by="me"))
    assert {each.stage for each in blocked} == {Stage.LABEL}
    assert "amy is paused" in blocked[0].reason
    flow.members.resume("street", "bob", by="me")
    assert list(flow.jobs.blocked(job, by="me")) == []


def test_a_limit_is_raised_while_the_job_runs(flow: Flow, job: Job) -> None:
    taken(flow, "amy", job)
    assert flow.claim("amy", job, Stage.LABEL) is None
    more = Workflow(
        Label(lease=timedelta(hours=2), limit=3, allow_partial=True),
        WORKFLOW.inspect,
        WORKFLOW.accept,
    )
    job = flow.jobs.update(job, workflow=more, by="me")
    assert len(flow.claim_many("amy", job, Stage.LABEL, 9)) == 2


def test_friday_who_did_what_is_told_for_the_pay_slip(flow: Flow, clock: Clock, job: Job) -> None:
    for name in ("amy", "bea", "amy"):
        assignment = taken(flow, name, job)
        for item in flow.tasks(assignment):
            clock.forward(seconds=30)
            flow.save(assignment, item, boxes(), seconds=20)
        flow.submit(assignment)
    flow.reject(taken(flow, "ina", job, Stage.INSPECT), whole=True, reason="box is loose")
    rework = taken(flow, "amy", job)
    answer(flow, rework)
    flow.submit(rework)
    done = Counter[str]()
    seconds = Counter[str]()
    for row in flow.results.rows(job, by="me"):
        if row["label_by"] is not None:
            done[row["label_by"]] += 1
            seconds[row["label_by"]] += row["label_seconds"]
    assert done == {"amy": 10, "bea": 5}, "rework is not paid twice"
    assert seconds["bea"] == 100
    # what was sent back is told apart, from the history
    rejected = [event for event in flow.events.list(job, by="me") if event.type == "reject"]
    assert [(event.account, event.package) for event in rejected] == [("ina", 1)]


def test_the_delivery_is_whole_and_names_nobody_who_is_not_there(flow: Flow, job: Job) -> None:
    for number in range(8):
        name = (*VENDOR_A, *VENDOR_B)[number % 5]
        label(flow, name, job, "sign")
        inspect(flow, ("ina", "ira")[number % 2], job)
    assert [
        str(each.error)
        for each in flow.accept_many(
            [taken(flow, "me", job, Stage.ACCEPT) for _ in range(8)], by="me"
        )
    ] == ["None"] * 8
    assert flow.jobs.get(job).state is JobState.FINISHED
    file = io.BytesIO()
    report = flow.results.export(job, "itag", file, by="me")
    assert (report.rows, report.unfinished, report.abandoned) == (40, 0, 0)
    rows = [json.loads(line) for line in file.getvalue().splitlines()]
    assert [row["data"]["source"] for row in rows] == [f"{n}.jpg" for n in range(1, 41)]
    progress = flow.jobs.progress(job)
    assert (progress.done, progress.total) == (40, 40)
    result = flow.results.get(job, key="17.jpg")
    assert result.task.number == 17
    assert [step.stage for step in result.provenance] == [Stage.LABEL, Stage.INSPECT, Stage.ACCEPT]
