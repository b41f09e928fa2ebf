"""Votes that disagree go to a third reader, who says whose vote won."""

from __future__ import annotations

from typing import Any

import pytest
from support.scenes import cats, labeled, taken, verbs

from itagflow import (
    Accept,
    Assignment,
    Choice,
    Crew,
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
    Role,
    Stage,
    Workflow,
    templates,
)
from itagflow.errors import Incomplete, InvalidData
from itagflow.model import Outcome, Purpose


def with_crew(flow: Flow, job: Job, *third: str) -> Job:
    for name in third:
        flow.members.add("street", name, Role.OPERATOR, by="ada", exist_ok=True)
    return flow.jobs.add_workers(job, Crew.ADJUDICATORS, third, by="ada")


def double_reading(flow: Flow, *third: str, **more: Any) -> Job:
    job = cats(flow, workflow=Workflow(Label(votes=2, min_votes=2), Inspect()), **more)
    return with_crew(flow, job, *third)


def read(flow: Flow, reader: str, job: Job, *answers: str) -> Assignment:
    assignment = taken(flow, reader, job)
    for item, answer in zip(flow.tasks(assignment), answers, strict=True):
        flow.save(assignment, item, Choice(answer))
    return flow.submit(assignment)


def test_double_reading_with_a_third_reader(flow: Flow) -> None:
    job = double_reading(flow, "eve", tasks=2)
    first = read(flow, "ben", job, "cat", "cat")
    read(flow, "cy", job, "cat", "dog")
    package = flow.packages.get((job.id, 1))
    assert (package.state, package.disputes) == (PackageState.LABEL, (2,))

    third = taken(flow, "eve", job)
    assert (third.purpose, third.scope) == (Purpose.ADJUDICATION, (2,))
    (item,) = flow.tasks(third, by="eve")
    assert [vote.replies for vote in item.votes] == [{"1": Choice("cat")}, {"1": Choice("dog")}]
    assert item.submitted is not None
    assert item.submitted.disputed == ("1",)
    picked = flow.save(third, item, pick=item.votes[0], by="eve")
    assert (picked.picked, picked.replies) == (first.id, {"1": Choice("cat")})
    flow.submit(third, by="eve")

    package = flow.packages.get((job.id, 1))
    assert (package.state, package.disputes) == (PackageState.INSPECT, ())
    flow.review(taken(flow, "di", job, Stage.INSPECT))
    result = flow.results.get(job, 2)
    eve = flow.members.get("street", "eve").id
    assert result.stages[Stage.LABEL].member == eve
    assert [step.purpose for step in result.provenance if step.member == eve] == [
        Purpose.ADJUDICATION
    ]
    assert result.stages[Stage.LABEL].disputed == ()


def test_a_decision_that_ends_the_last_package_ends_the_job(flow: Flow) -> None:
    # no dispute is left, so that the package need not be inspected
    workflow = Workflow(Label(votes=2, min_votes=2), Inspect(package_share=1e-9))
    job = with_crew(flow, cats(flow, tasks=1, workflow=workflow), "eve")
    read(flow, "ben", job, "cat")
    read(flow, "cy", job, "dog")
    read(flow, "eve", job, "dog")
    package = flow.packages.get((job.id, 1))
    assert (package.state, package.skipped) == (PackageState.DONE, (Stage.INSPECT,))
    assert flow.jobs.get(job).state is JobState.FINISHED


def test_an_inspection_that_decides_the_last_dispute_may_end_the_job(flow: Flow) -> None:
    # decided, the package need not be accepted
    workflow = Workflow(Label(votes=2, min_votes=2), Inspect(), Accept(package_share=1e-9))
    job = cats(flow, tasks=1, workflow=workflow)
    read(flow, "ben", job, "cat")
    read(flow, "cy", job, "dog")
    inspection = taken(flow, "di", job, Stage.INSPECT)
    flow.modify(inspection, 1, Choice("cat"))
    flow.review(inspection)
    assert flow.packages.get((job.id, 1)).state is PackageState.DONE
    assert flow.jobs.get(job).state is JobState.FINISHED


def test_tasks_on_which_the_readers_agree_are_not_shown_to_the_third(flow: Flow) -> None:
    job = double_reading(flow, "eve", tasks=2)
    labeled(flow, "ben", job)
    labeled(flow, "cy", job)
    assert flow.claim("eve", job, Stage.LABEL) is None
    assert flow.explain("eve", job, Stage.LABEL) == "nothing waits for the adjudicators"
    assert flow.packages.get((job.id, 1)).state is PackageState.INSPECT


def test_without_adjudicators_disputes_go_to_the_next_review(flow: Flow) -> None:
    job = cats(flow, tasks=2, workflow=Workflow(Label(votes=2, min_votes=2), Inspect()))
    read(flow, "ben", job, "cat", "cat")
    read(flow, "cy", job, "cat", "dog")
    package = flow.packages.get((job.id, 1))
    assert (package.state, package.disputes) == (PackageState.INSPECT, (2,))


def test_who_voted_does_not_adjudicate(flow: Flow) -> None:
    job = double_reading(flow, "eve", "fay", tasks=2, label=["ben", "cy", "eve"])
    read(flow, "ben", job, "cat", "cat")
    read(flow, "eve", job, "cat", "dog")
    assert flow.claim("eve", job, Stage.LABEL) is None
    assert flow.claim("cy", job, Stage.LABEL) is None
    assert flow.explain("cy", job, Stage.LABEL) == "1 part of packages waits for somebody else"
    assert (job.id, Stage.LABEL) not in [(each.id, stage) for each, stage in flow.available("eve")]
    assert taken(flow, "fay", job).purpose is Purpose.ADJUDICATION


def test_where_every_adjudicator_voted_disputes_go_to_the_next_review(flow: Flow) -> None:
    job = double_reading(flow, "eve", tasks=2, label=["ben", "eve"])
    read(flow, "ben", job, "cat", "cat")
    read(flow, "eve", job, "cat", "dog")
    assert flow.packages.get((job.id, 1)).state is PackageState.INSPECT


def test_an_adjudicator_gets_no_whole_package(flow: Flow) -> None:
    job = double_reading(flow, "eve", tasks=2)
    assert flow.claim("eve", job, Stage.LABEL) is None
    assert not list(flow.available("eve"))
    with pytest.raises(NotAllowed):
        flow.claim("eve", job, Stage.INSPECT)
    with pytest.raises(NotAllowed):
        flow.assignments.assign((job.id, 1), "eve", by="ada")


def test_an_adjudication_that_is_given_back_waits_for_another(flow: Flow) -> None:
    job = double_reading(flow, "eve", "fay", tasks=2)
    read(flow, "ben", job, "cat", "cat")
    read(flow, "cy", job, "cat", "dog")
    third = taken(flow, "eve", job)
    (item,) = flow.tasks(third)
    flow.save(third, item, Choice("dog"))
    returned = flow.release(third, by="eve", comment="not mine")
    assert (returned.id, returned.outcome) == (third.id, Outcome.RELEASED)
    again = taken(flow, "fay", job)
    assert (again.purpose, again.scope) == (Purpose.ADJUDICATION, (2,))
    (item,) = flow.tasks(again)
    assert item.previous is not None
    assert item.previous.replies == {"1": Choice("dog")}


def test_an_adjudication_of_somebody_who_is_removed_waits_for_another(flow: Flow) -> None:
    job = double_reading(flow, "eve", "fay", tasks=2)
    read(flow, "ben", job, "cat", "cat")
    read(flow, "cy", job, "cat", "dog")
    taken(flow, "eve", job)
    flow.members.remove("street", "eve", by="ada")
    assert taken(flow, "fay", job).purpose is Purpose.ADJUDICATION


def test_a_leader_gives_an_adjudication_to_one_of_the_crew(flow: Flow) -> None:
    job = double_reading(flow, "eve", "fay", tasks=2)
    read(flow, "ben", job, "cat", "cat")
    read(flow, "cy", job, "cat", "dog")
    (waiting,) = flow.assignments.list(None, job=job, by="ada")
    assert waiting.is_open_offer
    with pytest.raises(NotHeld, match="whoever may have it"):
        flow.release(waiting, by="ada")
    with pytest.raises(NotAllowed):
        flow.assignments.reassign(waiting, "cy", by="ada")
    offer = flow.assignments.reassign(waiting, "fay", by="ada")
    assert flow.claim("eve", job, Stage.LABEL) is None
    assert taken(flow, "fay", job).id == offer.id


def test_the_third_reader_decides_every_task_before_handing_in(flow: Flow) -> None:
    job = double_reading(flow, "eve", tasks=2)
    read(flow, "ben", job, "cat", "cat")
    read(flow, "cy", job, "dog", "dog")
    third = taken(flow, "eve", job)
    flow.save(third, 1, Choice("cat"))
    with pytest.raises(Incomplete):
        flow.submit(third)
    flow.abandon(third, 2, "dark")
    flow.submit(third)
    package = flow.packages.get((job.id, 1))
    assert (package.state, package.abandoned) == (PackageState.INSPECT, 1)


def test_a_rater_team_with_adjudication_by_group(flow: Flow) -> None:
    home = flow.workspaces.create("raters", admin="ada")
    for name in ("ben", "cy", "di"):
        flow.members.add(home, name, Role.OPERATOR, by="ada")
    flow.members.add(home, "eve", Role.LEADER, groups=["seniors"], by="ada")
    job = flow.jobs.create(
        home,
        "replies",
        template=templates.image_classification(["cat", "dog"]),
        data=[{"data": {"source": "1.jpg"}}],
        workflow=Workflow(Label(votes=3, min_votes=3), Inspect()),
        packaging=FixedSize(1),
        workforce={
            "label": ["ben", "cy", "di"],
            "inspect": ["ada"],
            "adjudicators": [Group("seniors")],
        },
        by="ada",
    )
    for name, answer in (("ben", "cat"), ("cy", "cat"), ("di", "dog")):
        read(flow, name, job, answer)
    third = taken(flow, "eve", job)
    (item,) = flow.tasks(third, by="eve")
    flow.save(third, item, pick=item.votes[2])
    flow.submit(third)
    flow.review(taken(flow, "ada", job, Stage.INSPECT))
    assert flow.results.get(job, 1).replies == {"1": Choice("dog")}
    assert "submit" in verbs(flow, job)


def test_only_a_shown_vote_can_be_picked(flow: Flow) -> None:
    job = double_reading(flow, "eve", tasks=4)
    read(flow, "ben", job, "cat", "cat")
    read(flow, "cy", job, "cat", "dog")
    third = taken(flow, "eve", job)
    (item,) = flow.tasks(third)
    other = flow.save(taken(flow, "ben", job), 3, Choice("cat"))
    with pytest.raises(InvalidData, match="must be one of the votes"):
        flow.save(third, item, pick=other)
    with pytest.raises(InvalidData, match="choose one"):
        flow.save(third, item, Choice("cat"), pick=item.votes[0])
    ben = taken(flow, "cy", job)
    with pytest.raises((InvalidData, NotAllowed)):
        flow.save(ben, 3, pick=other)


def test_a_crew_that_is_named_must_have_somebody_who_can_work(flow: Flow) -> None:
    home = flow.workspaces.create("street", admin="ada")
    for name in ("ben", "cy", "di"):
        flow.members.add(home, name, Role.OPERATOR, by="ada")
    flow.members.add(home, "vic", Role.VIEWER, by="ada")

    def create(adjudicators: list[str]) -> Job:
        return flow.jobs.create(
            home,
            "cats",
            template=templates.image_classification(["cat", "dog"]),
            data=[{"data": {"source": "1.jpg"}}],
            workflow=Workflow(Label(votes=2), Inspect()),
            workforce={
                Stage.LABEL: ["ben", "cy"],
                Stage.INSPECT: ["di"],
                Crew.ADJUDICATORS: adjudicators,
            },
            by="ada",
        )

    with pytest.raises(Incomplete, match="nobody may work in"):
        create(["vic"])
    with pytest.raises(Incomplete, match="must label too"):
        create(["ben"])
    with pytest.raises(Incomplete, match="nobody reviews"):
        create(["di"])
