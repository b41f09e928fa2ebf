"""How good labels are is read from jobs: who said what, and how far members agree."""

from __future__ import annotations

from typing import Any

import pytest
from support.scenes import cats, rows, street, taken

import itagflow
from itagflow import (
    Box,
    Choice,
    Choices,
    FixedSize,
    Flow,
    Inspect,
    InvalidData,
    Job,
    Label,
    NotAllowed,
    NotFound,
    Rating,
    Regions,
    Stage,
    Workflow,
    templates,
)

VOTES = {1: "ccc", 2: "dcd", 3: "dd-", 4: "ccd"}
"""What ben, cy and lea say of each task: cat, dog or nothing."""
WORDS = {"c": "cat", "d": "dog"}
VOTERS = ("ben", "cy", "lea")
THREE = Workflow(Label(votes=3, min_votes=2, on_dispute="keep"))


def say(flow: Flow, name: str, job: Job, answers: dict[int, Any]) -> None:
    """Give one vote: abandon what has no answer."""
    assignment = taken(flow, name, job)
    for item in flow.tasks(assignment):
        answer = answers[item.task.number]
        if answer is None:
            flow.abandon(assignment, item, "dark")
        else:
            flow.save(assignment, item, answer)
    flow.submit(assignment)


def poll(flow: Flow, votes: dict[int, str] = VOTES) -> Job:
    job = cats(flow, tasks=len(votes), size=len(votes), workflow=THREE, label=VOTERS)
    for place, name in enumerate(VOTERS):
        said = {task: WORDS.get(three[place]) for task, three in votes.items()}
        say(flow, name, job, {task: word and Choice(word) for task, word in said.items()})
    return job


def test_labels_are_who_said_what(flow: Flow) -> None:
    job = poll(flow)
    (question,) = flow.quality.labels(job)
    assert sorted(flow.quality.labels(job)[question]) == [
        (task, name, WORDS[three[place]])
        for task, three in VOTES.items()
        for place, name in enumerate(VOTERS)
        if three[place] in WORDS
    ]


def test_the_answer_of_one_labeler_is_a_label_once_it_is_handed_in(flow: Flow) -> None:
    job = cats(flow, tasks=2, size=1, workflow=Workflow(Label(), Inspect()), label=["ben"])
    say(flow, "ben", job, {1: Choice("cat")})
    held = taken(flow, "ben", job)
    flow.save(held, 2, Choice("dog"))
    assert list(flow.quality.labels(job).values()) == [[(1, "ben", "cat")]]
    # what was sent back is labeled again, and what the reviewer answers is no label
    review = taken(flow, "di", job, Stage.INSPECT)
    flow.reject(review, whole=True, comment="too dark")
    assert list(flow.quality.labels(job).values()) == [[]]
    say(flow, "ben", job, {1: Choice("cat")})
    review = taken(flow, "di", job, Stage.INSPECT)
    flow.modify(review, 1, Choice("dog"))
    flow.review(review)
    assert list(flow.quality.labels(job).values()) == [[(1, "ben", "cat")]]


def test_several_jobs_are_read_as_one() -> None:
    flow = itagflow.open("memory:")
    one = poll(flow)
    other = flow.jobs.create(
        "street",
        "more-cats",
        template=templates.image_classification(["cat", "dog"]),
        data=rows(1),
        workforce={"label": ["ben"]},
        by="ada",
    )
    say(flow, "ben", other, {1: Choice("dog")})
    ((question, found),) = flow.quality.labels([one, other, one.id]).items()
    assert len(found) == sum(three.count("c") + three.count("d") for three in VOTES.values()) + 1
    assert ((other.id, 1), "ben", "dog") in found
    with pytest.raises(InvalidData, match="name at least one job"):
        flow.quality.labels([])
    # a tuple is a job of that name in a workspace
    assert flow.quality.labels(("street", "more-cats")) == {question: [(1, "ben", "dog")]}
    with pytest.raises(NotFound):
        flow.quality.labels([one, "no such job"])


def test_agreement_of_three_voters() -> None:
    flow = itagflow.open("memory:")
    job = poll(flow)
    (found,) = flow.quality.agreement(job, bootstrap=50, seed=2).values()
    # pairs that are equal: 3 of 3, 1 of 3, 1 of 1, 1 of 3
    assert found.raw.value == pytest.approx((1 + 1 / 3 + 1 + 1 / 3) / 4)
    (labels,) = flow.quality.labels(job).values()
    assert found.alpha == itagflow.quality.alpha(labels, bootstrap=50, seed=2)
    assert found.alpha.low is not None
    assert found.gwet_ac1 == itagflow.quality.gwet_ac1(labels)
    assert found.level == "nominal"
    assert found.by_label == itagflow.quality.by_label(labels)
    assert set(found.by_member) == set(VOTERS)
    assert {(pair.first, pair.second) for pair in found.by_pair} == {
        ("ben", "cy"),
        ("ben", "lea"),
        ("cy", "lea"),
    }
    # what cannot be said says why
    assert found.cohen.value is None
    assert found.cohen.why == "members must be two, and there are 3: name them, or use alpha"
    assert found.fleiss.value is None
    assert "must be the same number for every task" in found.fleiss.why
    assert found.marks is None


def test_where_one_member_labels_there_is_a_reason_and_no_number() -> None:
    flow = itagflow.open("memory:")
    job = cats(flow, tasks=1, size=1, label=["ben"])
    (before,) = flow.quality.agreement(job).values()
    say(flow, "ben", job, {1: Choice("cat")})
    (after,) = flow.quality.agreement(job).values()
    for found in (before, after):
        for measure in (found.raw, found.alpha, found.fleiss, found.gwet_ac1):
            assert (measure.value, measure.why) == (None, "no task has two labels")
    assert before.cohen.why.startswith("members must be two, and there are 0")


def asked(flow: Flow, template: Any, answers: dict[str, list[Any]]) -> Job:
    home = street(flow, *answers)
    job = flow.jobs.create(
        home,
        "asked",
        template=template,
        data=rows(len(next(iter(answers.values())))),
        workflow=Workflow(Label(votes=len(answers), on_dispute="keep")),
        workforce={"label": list(answers)},
        packaging=FixedSize(10),
        by="ada",
    )
    for name, given in answers.items():
        say(flow, name, job, dict(enumerate(given, 1)))
    return job


def test_ratings_are_compared_in_their_order() -> None:
    flow = itagflow.open("memory:")
    job = asked(
        flow,
        templates.dialogue_rating(["helpful"], dialogue="source", comment=False),
        {"ben": [Rating(1), Rating(4), Rating(5)], "cy": [Rating(2), Rating(4), Rating(4)]},
    )
    (found,) = flow.quality.agreement(job).values()
    assert found.level == "ordinal"
    (labels,) = flow.quality.labels(job).values()
    assert found.alpha == itagflow.quality.alpha(labels, level="ordinal")
    assert found.cohen == itagflow.quality.cohen(labels)


def test_options_that_may_be_chosen_together_are_compared_one_by_one() -> None:
    flow = itagflow.open("memory:")
    job = asked(
        flow,
        templates.image_classification(["cat", "dog", "owl"], multiple=True),
        {
            "ben": [Choices(["cat", "dog"]), Choices(["dog"]), Choices(["owl"])],
            "cy": [Choices(["dog", "cat"]), Choices(["dog", "owl"]), Choices(["cat"])],
        },
    )
    (found,) = flow.quality.agreement(job).values()
    assert found.raw.value == pytest.approx(1 / 3)
    assert list(found.by_label) == ["cat", "dog", "owl"]
    assert found.by_label["dog"].value == 1.0


def boxes(*places: tuple[int, str], width: int = 99) -> Regions:
    return Regions(
        [Box(at, 0, 10, 10, label=label) for at, label in places], width=width, height=99
    )


def test_regions_are_compared_by_their_places() -> None:
    flow = itagflow.open("memory:")
    job = asked(
        flow,
        templates.object_detection(["car"]),
        {"ben": [boxes((0, "car"), (20, "car"))], "cy": [boxes((1, "car"), (50, "car"))]},
    )
    (found,) = flow.quality.agreement(job).values()
    assert found.marks is not None
    assert found.marks.value == 0.5
    assert found.alpha.why.startswith("regions, spans and segments are compared by")
    assert flow.quality.truth(job) == {}


def test_images_of_two_sizes_are_a_reason() -> None:
    flow = itagflow.open("memory:")
    job = asked(
        flow,
        templates.object_detection(["car"]),
        {"ben": [boxes((0, "car"))], "cy": [boxes((0, "car"), width=98)]},
    )
    (found,) = flow.quality.agreement(job).values()
    assert found.marks is not None
    assert found.marks.value is None
    assert "image of another size" in found.marks.why


def test_truth_says_how_well_each_member_labels() -> None:
    flow = itagflow.open("memory:")
    job = poll(flow, {task: "ccd" if task % 3 else "ddc" for task in range(1, 31)})
    (found,) = flow.quality.truth(job).values()
    assert found.labels == {task: "cat" if task % 3 else "dog" for task in range(1, 31)}
    assert found.members["ben"].accuracy > 0.9 > 0.2 > found.members["lea"].accuracy


def test_votes_that_were_asked_for_later_may_be_left_out() -> None:
    flow = itagflow.open("memory:")
    job = cats(flow, tasks=1, size=1, workflow=TWO, label=VOTERS)
    say(flow, "ben", job, {1: Choice("cat")})
    flow.packages.ask_again([(job, 1)], by="ada")
    say(flow, "cy", job, {1: Choice("cat")})
    say(flow, "lea", job, {1: Choice("dog")})
    (all_votes,) = flow.quality.labels(job).values()
    (asked_at_first,) = flow.quality.labels(job, extra_votes=False).values()
    assert len(all_votes) == 3
    assert len(asked_at_first) == 2
    (found,) = flow.quality.agreement(job).values()
    assert found.raw.pairs == 1
    (with_all,) = flow.quality.agreement(job, extra_votes=True).values()
    assert with_all.raw.pairs == 3


TWO = Workflow(Label(votes=2, on_dispute="keep"))


def test_who_reviews_blind_is_not_told_the_names() -> None:
    flow = itagflow.open("memory:")
    home = street(flow, "ben", "cy")
    flow.members.add(home, "lea", "leader", by="ada")
    job = flow.jobs.create(
        home,
        "blind",
        template=templates.image_classification(["cat", "dog"]),
        data=rows(1),
        workflow=Workflow(Label(votes=2, on_dispute="keep"), Inspect(blind=True)),
        workforce={"label": ["ben", "cy"], "inspect": ["lea"]},
        by="ada",
    )
    say(flow, "ben", job, {1: Choice("cat")})
    assert list(flow.quality.labels(job, by="ada").values()) == [[]], "votes are secret yet"
    say(flow, "cy", job, {1: Choice("cat")})
    (shown,) = flow.quality.labels(job, by="lea").values()
    assert {name for _, name, _ in shown} == {
        "labeler 1 of package 1 of blind",
        "labeler 2 of package 1 of blind",
    }
    (told,) = flow.quality.labels(job).values()
    assert {name for _, name, _ in told} == {"ben", "cy"}
    with pytest.raises(NotAllowed):
        flow.quality.agreement(job, by="ben")


def test_wrong_draws_are_refused_before_anything_is_read() -> None:
    flow = itagflow.open("memory:")
    with pytest.raises(InvalidData, match="bootstrap"):
        flow.quality.agreement([], bootstrap=-1)
