"""A product that sends what its model is unsure of to people, item by item."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from support.scenes import Clock, taken

from itagflow import (
    Choice,
    Crew,
    Event,
    FixedSize,
    Flow,
    Inspect,
    Job,
    JobState,
    Label,
    NotFound,
    NotHeld,
    PackageState,
    PreLabel,
    Role,
    Stage,
    TaskState,
    Workflow,
    templates,
)

PEOPLE = ("ann", "bo")


def post(key: str, text: str = "hello", **more: Any) -> dict[str, Any]:
    return {"data": {"source": text, "post": key, **more}}


def queue(flow: Flow, name: str = "moderation", **more: Any) -> Job:
    """A job with the first post in it; the others come while it runs."""
    home = flow.workspaces.create("shop", admin="app", exist_ok=True)
    for person in (*PEOPLE, "eva"):
        flow.members.add(home, person, Role.OPERATOR, by="app", exist_ok=True)
    return flow.jobs.create(
        home,
        name,
        template=templates.text_classification(["keep", "remove"]),
        data=more.pop("data", [post("post-1")]),
        packaging=FixedSize(1),
        workflow=more.pop("workflow", Workflow(Label(limit=1, lease=timedelta(minutes=10)))),
        workforce={Stage.LABEL: PEOPLE, Crew.EXPERTS: ["eva"]},
        row_key="post",
        by="app",
        **more,
    )


def decide(flow: Flow, name: str, job: Job, what: str) -> int:
    assignment = taken(flow, name, job)
    (item,) = flow.tasks(assignment, by=name)
    flow.save(assignment, item, Choice(what), by=name)
    flow.submit(assignment, by=name)
    return item.task.number


def test_items_come_while_people_work_and_are_found_by_their_key(flow: Flow) -> None:
    job = queue(flow)
    decide(flow, "ann", job, "keep")
    assert flow.jobs.get(job).state is JobState.FINISHED
    report = flow.jobs.append(job, [post("post-2"), post("post-3")], by="app")
    assert (report.loaded, flow.jobs.get(job).state) == (2, JobState.RUNNING)
    # the same post sent twice is one task, and the request is no error
    again = flow.jobs.append(job, [post("post-3")], by="app")
    assert (again.loaded, again.known) == (0, 1)
    decide(flow, "bo", job, "remove")
    result = flow.results.get(job, key="post-2")
    assert (result.state, result.replies) == (TaskState.FINAL, {"1": Choice("remove")})
    assert flow.results.get(job, key="post-3").state is TaskState.TODO
    with pytest.raises(NotFound, match="post-9"):
        flow.results.get(job, key="post-9")


def test_what_is_urgent_is_next_and_one_item_is_given_to_one_person(flow: Flow) -> None:
    job = queue(flow, data=[post(f"post-{n}") for n in range(1, 5)])
    urgent = flow.results.get(job, key="post-4").task
    flow.packages.prioritize(job, 9, packages=[urgent.package], by="app")
    assert taken(flow, "ann", job).package == urgent.package
    assert taken(flow, "bo", job).package != urgent.package
    assert flow.claim("ann", job, Stage.LABEL) is None


def test_the_application_routes_by_language_without_a_race(flow: Flow) -> None:
    job = queue(
        flow,
        data=[post("post-1", lang="en"), post("post-2", lang="de"), post("post-3", lang="de")],
    )
    german = [
        result.task.package for result in flow.results.list(job) if result.task.data["lang"] == "de"
    ]
    first, second = (
        next(a for n in german if (a := flow.claim(name, job, Stage.LABEL, package=n)))
        for name in PEOPLE
    )
    assert (first.package, second.package) == (2, 3), "each gets another, and only what they read"


def test_anything_from_any_queue(flow: Flow) -> None:
    queue(flow)
    refunds = queue(flow, "refunds", data=[post("refund-1"), post("refund-2")])
    shown = list(flow.available("ann"))
    assert {(job.name, stage) for job, stage in shown} == {
        ("refunds", Stage.LABEL),
        ("moderation", Stage.LABEL),
    }
    # what is shown can be claimed, and what cannot be claimed is not shown
    for job, stage in shown:
        assert flow.claim("ann", job, stage) is not None
    assert list(flow.available("ann")) == []
    assert [job.name for job, _ in flow.available("bo")] == ["refunds"]
    flow.jobs.pause(refunds, by="app")
    assert list(flow.available("bo")) == []


def test_the_model_goes_first_and_people_see_what_it_was_unsure_of(flow: Flow) -> None:
    scores = {"post-1": 0.99, "post-2": 0.4}
    draft = queue(flow, data=[post("post-1"), post("post-2")], draft=True)
    report = flow.jobs.prelabel(
        draft,
        lambda tasks: [
            PreLabel(Choice("keep"), score=scores[task.data["post"]], model="spam-7")
            for task in tasks
        ],
        min_confidence=0.9,
        by="app",
    )
    assert (report.accepted, report.suggested) == (1, 1)
    job = flow.jobs.publish(draft, by="app")
    assert flow.results.get(job, key="post-1").state is TaskState.FINAL
    ann = taken(flow, "ann", job)
    (item,) = flow.tasks(ann, by="ann")
    assert item.task.data["post"] == "post-2"
    (prediction,) = item.predictions
    assert (prediction.model, prediction.score) == ("spam-7", 0.4)
    flow.save(ann, item, Choice("remove"), by="ann")
    flow.submit(ann, by="ann")
    assert flow.jobs.progress(job).corrected == 1


def test_done_leaves_the_library_with_its_package_and_what_became_of_it(flow: Flow) -> None:
    heard = list[Event]()
    job = queue(flow, data=[post("post-1"), post("post-2")])
    (*_, last) = flow.events.since()
    decide(flow, "ann", job, "keep")
    ann = taken(flow, "bo", job)
    flow.abandon(ann, 2, "a picture is missing", by="bo")
    flow.submit(ann, by="bo")
    heard.extend(flow.events.follow(after=last, timeout=0))
    ends = [(event.became, event.tasks, event.package) for event in heard if event.became]
    assert ends == [("final", (1,), 1), ("abandoned", (2,), 2)]
    assert [flow.results.get(job, number).state for number in (1, 2)] == [
        TaskState.FINAL,
        TaskState.ABANDONED,
    ]
    # who goes on behind the last event gets nothing twice
    assert list(flow.events.follow(after=heard[-1], timeout=0)) == []


def test_who_is_not_sure_asks_a_colleague_who_knows(flow: Flow) -> None:
    job = queue(flow)
    ann = taken(flow, "ann", job)
    flow.escalate(ann, 1, comment="is this a threat?", by="ann")
    flow.submit(ann, by="ann")
    assert flow.jobs.get(job).state is JobState.RUNNING
    assert decide(flow, "eva", job, "remove") == 1
    result = flow.results.get(job, key="post-1")
    assert (result.state, result.replies) == (TaskState.FINAL, {"1": Choice("remove")})


def test_an_item_that_nobody_finishes_comes_back(flow: Flow, clock: Clock) -> None:
    job = queue(flow)
    taken(flow, "ann", job)
    assert flow.claim("bo", job, Stage.LABEL) is None
    assert "is held" in flow.explain("bo", job, Stage.LABEL)
    clock.forward(minutes=10)
    assert list(flow.available("bo")) != []
    assert decide(flow, "bo", job, "keep") == 1


def test_an_item_that_is_not_wanted_any_more_is_discarded(flow: Flow) -> None:
    job = queue(flow, data=[post("post-1"), post("post-2")])
    held = taken(flow, "ann", job)
    gone = flow.results.get(job, key="post-1").task
    flow.packages.discard((job, gone.package), comment="the author deleted it", by="app")
    with pytest.raises(NotHeld, match="the author deleted it"):
        flow.save(held, gone, Choice("keep"), by="ann")
    assert flow.packages.get((job.id, gone.package)).state is PackageState.DISCARDED
    assert decide(flow, "ann", job, "keep") == 2
    assert flow.jobs.get(job).state is JobState.FINISHED


def test_a_second_pair_of_eyes_looks_at_some(flow: Flow) -> None:
    home = flow.workspaces.create("shop", admin="app")
    flow.members.add(home, "lead", Role.OPERATOR, by="app")
    job = flow.jobs.create(
        home,
        "moderation",
        template=templates.text_classification(["keep", "remove"]),
        data=[post(f"post-{n}") for n in range(1, 41)],
        packaging=FixedSize(1),
        workflow=Workflow(Label(), Inspect(package_share=0.25)),
        workforce={Stage.INSPECT: ["lead"]},
        seed=7,
        by="app",
    )
    while (assignment := flow.claim("app", job, Stage.LABEL)) is not None:
        (item,) = flow.tasks(assignment)
        flow.save(assignment, item, Choice("keep"))
        flow.submit(assignment)
    drawn = [p.number for p in flow.packages.list(job, state=PackageState.INSPECT)]
    assert 3 <= len(drawn) <= 20
    assert len(list(flow.packages.list(job, state=PackageState.DONE))) == 40 - len(drawn)
