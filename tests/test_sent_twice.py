"""A call whose answer was lost is made again, and changes nothing more."""

from __future__ import annotations

import pytest
from scenes import cats, labeled, rows, street

from itagflow import FixedSize, Flow, JobState, NotAllowed, WrongState, templates


def test_what_happens_to_a_job_happens_once(flow: Flow) -> None:
    home = street(flow, "ben")
    asked = templates.image_classification(["cat"])
    job = flow.create_job(home, "x", template=asked, data=rows(2), packaging=FixedSize(1), by="ada", draft=True)
    for act in (
        lambda: flow.publish(job, by="ada"),
        lambda: flow.pause(job, by="ada"),
        lambda: flow.resume(job, by="ada"),
        lambda: flow.finish(job, by="ada", discard_open=True),
        lambda: flow.archive(job, by="ada"),
    ):
        done = act()
        events = list(flow.events())
        assert act() == done == flow.job(job)
        assert list(flow.events()) == events


def test_a_job_that_finished_by_itself_is_finished(flow: Flow) -> None:
    job = cats(flow, tasks=2)
    labeled(flow, "ben", job)
    events = list(flow.events())
    assert flow.finish(job, by="ada").state is JobState.FINISHED
    assert list(flow.events()) == events


def test_only_who_may_do_it_may_do_it_again(flow: Flow) -> None:
    job = cats(flow)
    flow.pause(job, by="ada")
    with pytest.raises(NotAllowed):
        flow.pause(job, by="ben")


def test_what_cannot_have_led_there_is_still_refused(flow: Flow) -> None:
    job = cats(flow)
    flow.pause(job, by="ada")
    with pytest.raises(WrongState, match="paused: it cannot publish"):
        flow.publish(job, by="ada")
    flow.finish(job, by="ada", discard_open=True)
    for act in (flow.pause, flow.resume):
        with pytest.raises(WrongState, match="finished: it cannot"):
            act(job, by="ada")
