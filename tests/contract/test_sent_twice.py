"""A call whose answer was lost is made again, and changes nothing more."""

from __future__ import annotations

import pytest
from support.scenes import Clock, cats, labeled, rows, street, taken

from itagflow import (
    Choice,
    FixedSize,
    Flow,
    Inspect,
    JobState,
    Label,
    NotAllowed,
    Stage,
    Workflow,
    WrongState,
    templates,
)


def test_what_happens_to_a_job_happens_once(flow: Flow) -> None:
    home = street(flow, "ben")
    asked = templates.image_classification(["cat"])
    job = flow.jobs.create(
        home, "x", template=asked, data=rows(2), packaging=FixedSize(1), by="ada", draft=True
    )
    for act in (
        lambda: flow.jobs.publish(job, by="ada"),
        lambda: flow.jobs.pause(job, by="ada"),
        lambda: flow.jobs.resume(job, by="ada"),
        lambda: flow.jobs.finish(job, by="ada", discard_open=True),
        lambda: flow.jobs.archive(job, by="ada"),
    ):
        done = act()
        events = list(flow.events.since())
        assert act() == done == flow.jobs.get(job)
        assert list(flow.events.since()) == events


def test_who_works_where_and_what_comes_first_is_said_once(flow: Flow) -> None:
    job = cats(flow)
    for act in (
        lambda: flow.jobs.set_workforce(job, {Stage.LABEL: ["cy"]}, by="ada"),
        lambda: flow.jobs.add_workers(job, Stage.LABEL, ["ben"], by="ada"),
        lambda: flow.jobs.remove_workers(job, Stage.LABEL, ["cy"], by="ada"),
        lambda: flow.packages.prioritize(job, 3, by="ada", packages=[1]),
        lambda: flow.packages.prioritize(job, 3, by="ada"),
        lambda: flow.members.set_role("street", "ben", "leader", by="ada"),
        lambda: flow.members.set_role("street", "ben", "leader", groups=["cats"], by="ada"),
    ):
        before = len(list(flow.events.since()))
        done = act()
        assert act() == done
        assert len(list(flow.events.since())) == before + 1


def test_a_job_that_finished_by_itself_is_finished(flow: Flow) -> None:
    job = cats(flow, tasks=2)
    labeled(flow, "ben", job)
    events = list(flow.events.since())
    assert flow.jobs.finish(job, by="ada").state is JobState.FINISHED
    assert list(flow.events.since()) == events


def test_only_who_may_do_it_may_do_it_again(flow: Flow) -> None:
    job = cats(flow)
    flow.jobs.pause(job, by="ada")
    with pytest.raises(NotAllowed):
        flow.jobs.pause(job, by="ben")


def test_what_cannot_have_led_there_is_still_refused(flow: Flow) -> None:
    job = cats(flow)
    flow.jobs.pause(job, by="ada")
    with pytest.raises(WrongState, match="paused: it cannot publish"):
        flow.jobs.publish(job, by="ada")
    flow.jobs.finish(job, by="ada", discard_open=True)
    for act in (flow.jobs.pause, flow.jobs.resume):
        with pytest.raises(WrongState, match="finished: it cannot"):
            act(job, by="ada")


def test_what_is_said_about_a_task_is_said_once(flow: Flow, clock: Clock) -> None:
    job = cats(flow, tasks=1, size=1, workflow=Workflow(Label(), Inspect()), guideline="look")
    assignment = taken(flow, "ben", job)
    cat, dog = Choice("cat"), Choice("dog")
    for act in (
        lambda: flow.acknowledge("ben", job),
        lambda: flow.jobs.update(job, guideline="look twice", by="ada"),
        lambda: flow.save(assignment, 1, dog, draft=True, expected_version=0),
        lambda: flow.save(assignment, 1, cat, expected_version=0, seconds=5, model="vit"),
        lambda: flow.save_many(assignment, {1: dog}, expected_version=1),
        lambda: flow.abandon(assignment, 1, "dark", expected_version=2, seconds=5),
        lambda: flow.restore(assignment, 1, expected_version=3),
        lambda: flow.results.restore_version(
            assignment, 1, flow.results.versions(job, 1)[0], expected_version=4
        ),
        lambda: flow.submit(assignment, seconds=5),
    ):
        clock.forward(seconds=60)
        done = act()
        events = list(flow.events.since())
        assert act() == done
        assert list(flow.events.since()) == events
    review = taken(flow, "di", job, Stage.INSPECT)
    for act in (
        lambda: flow.judge(review, 1, wrong="a dog", expected_version=0, seconds=5),
        lambda: flow.modify(review, 1, dog, expected_version=1, seconds=5),
        lambda: flow.review(review, seconds=5),
    ):
        clock.forward(seconds=60)
        done = act()
        events = list(flow.events.since())
        assert act() == done
        assert list(flow.events.since()) == events
