"""Several mark the same image, text or recording, and what most have marked is the result."""

from __future__ import annotations

import pytest
from support.scenes import cats, taken

from itagflow import (
    Box,
    Flow,
    Inspect,
    InvalidData,
    Job,
    Label,
    Merge,
    PackageState,
    Regions,
    Spans,
    Stage,
    Template,
    TextSpan,
    Workflow,
    maintenance,
    templates,
)

VOTERS = ("ben", "cy", "eve")
CARS = templates.object_detection(["car", "van"])


def boxes(*places: tuple[float, float], label: str = "car") -> Regions:
    return Regions([Box(x, y, 10, 10, label=label) for x, y in places], width=100, height=100)


def marked(flow: Flow, name: str, job: Job, reply: Regions | Spans) -> None:
    assignment = taken(flow, name, job)
    for item in flow.tasks(assignment):
        flow.save(assignment, item, reply)
    flow.submit(assignment)


def places(flow: Flow, job: Job) -> list[tuple[float, float]]:
    """Where the boxes of the result are; all are cars of the same size."""
    reply = flow.results.get(job, 1).replies["1"]
    assert isinstance(reply, Regions)
    found = [box for box in reply.regions if isinstance(box, Box)]
    assert all((box.width, box.height, *box.labels.values()) == (10, 10, "car") for box in found)
    return [(box.x, box.y) for box in found]


def poll(flow: Flow, label: Label, template: Template = CARS) -> Job:
    workflow = Workflow(label, Inspect())
    return cats(flow, tasks=1, workflow=workflow, label=VOTERS, template=template)


def test_three_draw_the_same_boxes_by_hand(flow: Flow) -> None:
    job = poll(flow, Label(votes=3))
    assert flow.jobs.get(job).workflow.label.merge["1"] == Merge("match")
    for name, shift in zip(VOTERS, (0, 1, 2), strict=True):
        marked(flow, name, job, boxes((shift, 0), (40 + shift, 40)))
    result = flow.results.get(job, 1)
    assert places(flow, job) == [(1, 0), (41, 40)]
    assert result.last is not None
    assert result.last.merge is not None
    found = result.last.merge.questions["1"]
    assert (found.counts, found.confidence, found.reason) == ((3, 3), 1, "")
    assert not list(maintenance.verify(flow))


def test_a_box_that_one_of_three_has_drawn_is_for_the_review(flow: Flow) -> None:
    job = poll(flow, Label(votes=3, min_votes=1))
    marked(flow, "ben", job, boxes((0, 0)))
    marked(flow, "cy", job, boxes((1, 0), (60, 60)))
    marked(flow, "eve", job, boxes((2, 0)))
    package = flow.packages.get((job.id, 1))
    assert (package.state, package.disputes) == (PackageState.INSPECT, (1,))
    review = taken(flow, "di", job, Stage.INSPECT)
    (item,) = flow.tasks(review)
    assert [len(vote.replies["1"].regions) for vote in item.votes] == [1, 2, 1]  # type: ignore[index, union-attr]
    flow.modify(review, 1, boxes((1, 0)))
    flow.review(review)
    assert places(flow, job) == [(1, 0)]
    assert not list(maintenance.verify(flow))


def test_one_more_is_asked_where_two_have_drawn_different_boxes(flow: Flow) -> None:
    job = poll(flow, Label(votes=2, max_votes=3, agree=0.5))
    marked(flow, "ben", job, boxes((0, 0)))
    marked(flow, "cy", job, boxes((0, 0), (60, 60)))
    assert flow.packages.get((job.id, 1)).state is PackageState.LABEL
    marked(flow, "eve", job, boxes((0, 0), (60, 61)))
    assert flow.packages.get((job.id, 1)).disputes == ()
    assert places(flow, job) == [(0, 0), (60, 60.5)]
    assert not list(maintenance.verify(flow))


def test_a_span_ends_where_one_of_them_has_ended_it(flow: Flow) -> None:
    names = templates.entity_recognition(["person"])
    job = poll(flow, Label(votes=3), names)
    for name, end in zip(VOTERS, (3, 4, 5), strict=True):
        marked(flow, name, job, Spans([TextSpan(0, end, label="person")]))
    (reply,) = flow.results.get(job, 1).replies.values()
    assert isinstance(reply, Spans)
    assert [(span.start, span.end) for span in reply.spans] == [(0, 4)]


def test_how_much_they_overlap_is_a_term_of_the_job(flow: Flow) -> None:
    job = poll(flow, Label(votes=2, merge={"1": Merge("match", threshold=0.9)}))
    marked(flow, "ben", job, boxes((0, 0)))
    marked(flow, "cy", job, boxes((1, 0)))
    assert flow.packages.get((job.id, 1)).disputes == (1,), "90 of 110 are not nine tenths"


def test_equal_is_still_to_be_had_and_match_is_for_what_is_marked(flow: Flow) -> None:
    job = poll(flow, Label(votes=2, merge={"1": "equal"}))
    marked(flow, "ben", job, boxes((0, 0)))
    marked(flow, "cy", job, boxes((0, 1)))
    assert flow.packages.get((job.id, 1)).disputes == (1,)
    wrong = Workflow(Label(votes=2, merge={"1": "match"}), Inspect())
    with pytest.raises(InvalidData, match="is a rule for PICTURE or SLOT or VIDEO, and this is"):
        flow.jobs.create(
            "street",
            "animals",
            template=templates.image_classification(["cat"]),
            workflow=wrong,
            by="ada",
        )
    with pytest.raises(InvalidData, match="stop_early: is not for 'match'"):
        flow.jobs.create(
            "street",
            "early",
            template=CARS,
            workflow=Workflow(Label(votes=3, stop_early=True), Inspect()),
            by="ada",
        )
