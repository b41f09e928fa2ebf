"""A call whose answer was lost is made again, and changes nothing more."""

from __future__ import annotations

import pytest
from support.scenes import cats, labeled, rows, street

from itagflow import (
    FixedSize,
    Flow,
    JobState,
    NotAllowed,
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
