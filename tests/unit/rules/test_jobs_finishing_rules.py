"""Whether a job can ever finish."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import attrs
import pytest

from itagflow import Accept, Crew, Inspect, Label, Role, Stage, Workflow
from itagflow.access import default_policy
from itagflow.jobs import finishing_rules as rules
from itagflow.model.job import StageWorkers
from itagflow.testing.builders import AT, make_job, make_member

ADA = make_member(id=1, account="ada", role=Role.ADMIN)
BEN = make_member(id=2, account="ben", role=Role.OPERATOR)
CY = make_member(id=3, account="cy", role=Role.OPERATOR)
STAFFING = rules.Staffing(members=[ADA, BEN, CY], policy=default_policy, at=AT)


def test_the_workers_of_a_stage_are_those_it_names_or_else_all_who_may() -> None:
    named = make_job(workforce={Stage.LABEL: StageWorkers((2,))})
    assert rules.find_workers(named, Stage.LABEL, [ADA, BEN, CY], default_policy) == {2}
    assert rules.find_workers(make_job(), Stage.LABEL, [ADA, BEN], default_policy) == {1}
    gone = attrs.evolve(BEN, active=False)
    assert rules.find_workers(named, Stage.LABEL, [ADA, gone], default_policy) == set()


@pytest.mark.parametrize(
    ("workflow", "label", "inspect", "words"),
    [
        (Workflow(Label()), (2,), (), ""),
        (Workflow(Label(votes=2), Inspect()), (2,), (3,), "2 different members .* only 1 may"),
        (Workflow(Label(), Inspect()), (2,), (3,), ""),
        (Workflow(Label(), Inspect()), (2,), (2,), "nobody reviews their own work"),
        (Workflow(Label(), Inspect(allow_own_work=True)), (2,), (2,), ""),
        (Workflow(Label(), Inspect()), (2, 3), (2,), ""),
        (Workflow(Label(votes=2), Inspect()), (2, 3), (2,), "nobody reviews their own work"),
        (Workflow(Label(), Inspect()), (2,), (99,), "nobody may work at INSPECT"),
    ],
)
def test_a_job_that_can_never_finish_is_told_why(
    workflow: Workflow, label: tuple[int, ...], inspect: tuple[int, ...], words: str
) -> None:
    job = make_job(
        workflow=workflow,
        workforce={Stage.LABEL: StageWorkers(label), Stage.INSPECT: StageWorkers(inspect)},
    )
    said = rules.find_hindrance(job, STAFFING)
    if words:
        with pytest.raises(ValueError, match=words):
            raise ValueError(said)
    else:
        assert said == ""


@pytest.mark.parametrize(
    ("workflow", "crews", "words"),
    [
        (Workflow(Inspect(), Accept()), ((2,), (3,), (3,)), "only member who may accept"),
        (Workflow(Inspect(), Accept(allow_own_review=True)), ((2,), (3,), (3,)), ""),
        (Workflow(Inspect(), Accept()), ((2,), (3,), (1, 3)), ""),
        (Workflow(Inspect(), Accept()), ((2, 3), (2,), (3,)), "each of them another"),
        (Workflow(Inspect(), Accept(allow_own_work=True)), ((2, 3), (2,), (3,)), ""),
        (Workflow(Label(rework=3), Inspect(), Accept()), ((2,), (3,), (1,)), "cy, who may not"),
        (Workflow(Label(rework=3), Inspect(), Accept()), ((2, 3), (3,), (1,)), "cy, without whom"),
        (Workflow(Label(rework=3), Inspect(), Accept()), ((2, 3), (2,), (1,)), ""),
        (Workflow(Label(max_total=2), Inspect(), Accept()), ((2,), (3,), (1,)), "3 assignments"),
        (Workflow(Label(max_total=3), Inspect(), Accept()), ((2,), (3,), (1,)), ""),
        (Workflow(Inspect(max_total=1), Accept()), ((2,), (3,), (1,)), "at INSPECT"),
    ],
)
def test_each_package_needs_different_people(
    workflow: Workflow, crews: tuple[tuple[int, ...], ...], words: str
) -> None:
    named = {stage: StageWorkers(crew) for stage, crew in zip(Stage, crews, strict=True)}
    job = make_job(workflow=workflow, workforce=named)
    said = rules.find_hindrance(job, attrs.evolve(STAFFING, packages=3))
    assert words in said
    assert bool(words) == bool(said)


TWICE: dict[str, Any] = {"max_rejects": 2, "on_max_rejects": "queue"}
TO_INSPECT: dict[str, Any] = {"reject_to": Stage.INSPECT, "allow_own_review": True}


@pytest.mark.parametrize(
    ("workflow", "crews", "stages"),
    [
        (Workflow(Inspect(**TWICE)), ((2,), (3,)), ("INSPECT", "LABEL")),
        (Workflow(Inspect(**TWICE)), ((2, 3), (3,)), ("INSPECT", "LABEL")),
        (Workflow(Inspect(**TWICE, allow_own_work=True)), ((2, 3), (3,)), None),
        (Workflow(Inspect(**TWICE)), ((1, 2), (3,)), None),
        (Workflow(Label(votes=2), Inspect(**TWICE)), ((1, 2), (3,)), ("INSPECT", "LABEL")),
        (Workflow(Label(rework=2), Inspect(**TWICE)), ((2,), (3,)), ("INSPECT", "LABEL")),
        (Workflow(Inspect(max_rejects=2)), ((2,), (3,)), None),
        (Workflow(Inspect(max_rejects=2, on_max_rejects="abandon")), ((2,), (3,)), None),
        (Workflow(Inspect(on_max_rejects="queue")), ((2,), (3,)), None),
        (Workflow(Inspect(), Accept(**TWICE)), ((2,), (3,), (1,)), ("ACCEPT", "LABEL")),
        (
            Workflow(Inspect(), Accept(**TWICE, **TO_INSPECT)),
            ((2,), (3,), (1,)),
            ("ACCEPT", "INSPECT"),
        ),
        (Workflow(Inspect(), Accept(**TWICE, **TO_INSPECT)), ((2,), (3, 1), (1,)), None),
        (
            Workflow(Inspect(), Accept(**TWICE, reject_to="inspect")),
            ((2,), (3, 1), (1,)),
            ("ACCEPT", "INSPECT"),
        ),
    ],
)
def test_a_limit_of_rejects_needs_somebody_else_where_it_leads_to_the_queue(
    workflow: Workflow, crews: tuple[tuple[int, ...], ...], stages: tuple[str, str] | None
) -> None:
    named = {stage: StageWorkers(crew) for stage, crew in zip(Stage, crews, strict=False)}
    said = rules.find_hindrance(make_job(workflow=workflow, workforce=named), STAFFING)
    if stages is None:
        assert said == ""
        return
    sender, target = stages
    assert said.startswith(f"{sender} can send a task back without end: sent back 2 times")
    assert f"nobody else is there to {target.lower()} it: name more for {target}" in said
    assert said.endswith(f"on_max_rejects to 'modify' or 'abandon' for {sender}")


@pytest.mark.parametrize(
    ("stage", "crews", "words"),
    [
        (Stage.LABEL, ((2,), (3,), (1,)), ""),
        (Stage.LABEL, ((9,), (3,), (1,)), "but nobody may: name more for LABEL"),
        (Stage.LABEL, ((2,), (9,), (1,)), "nobody may work at INSPECT"),
        (Stage.LABEL, ((2,), (2,), (1,)), "whoever may work at INSPECT must label too"),
        (Stage.LABEL, ((2,), (3,), (3,)), "the only member who may accept"),
        (Stage.INSPECT, ((9,), (3,), (1,)), ""),
        (Stage.INSPECT, ((2,), (2,), (1,)), ""),
        (Stage.INSPECT, ((2,), (9,), (1,)), "nobody may work at INSPECT"),
        (Stage.INSPECT, ((2,), (3,), (9,)), "nobody may work at ACCEPT"),
        (Stage.ACCEPT, ((2,), (9,), (1,)), ""),
        (Stage.ACCEPT, ((2,), (3,), (9,)), "nobody may work at ACCEPT"),
    ],
)
def test_what_is_opened_again_needs_people_from_its_stage_on(
    stage: Stage, crews: tuple[tuple[int, ...], ...], words: str
) -> None:
    """Who labeled is not to review: that a review may come back is no reason to refuse it."""
    named = {each: StageWorkers(crew) for each, crew in zip(Stage, crews, strict=True)}
    job = make_job(workflow=Workflow(Inspect(), Accept()), workforce=named)
    said = rules.find_missing_people(job, stage, STAFFING)
    assert words in said
    assert bool(words) == bool(said)


def test_a_job_that_closes_before_it_begins_is_refused() -> None:
    for closes_at, words in ((AT, "which has passed"), (AT + timedelta(hours=1), "")):
        said = rules.find_hindrance(make_job(closes_at=closes_at), STAFFING)
        assert words in said
        assert bool(words) == bool(said)


@pytest.mark.parametrize(
    ("crew", "said"),
    [
        ((), ""),
        ((4,), ""),
        ((9,), "nobody may work in Crew.EXPERTS: name somebody for it"),
        ((2,), "whoever is in Crew.EXPERTS must label too"),
        ((3,), "whoever may work at INSPECT must work in Crew.EXPERTS too"),
        ((3, 4), ""),
    ],
    ids=["nobody", "somebody else", "removed", "the labeler", "the inspector", "one more"],
)
def test_a_crew_can_keep_a_job_from_ending(crew: tuple[int, ...], said: str) -> None:
    workforce = {
        Stage.LABEL: StageWorkers((2,)),
        Stage.INSPECT: StageWorkers((3,)),
        Crew.EXPERTS: StageWorkers(crew),
    }
    job = make_job(workflow=Workflow(Label(), Inspect()), workforce=workforce)
    members = [BEN, CY, make_member(id=4, account="di"), make_member(id=9, active=False)]
    staffing = attrs.evolve(STAFFING, members=members)
    found = rules.find_hindrance(job, staffing)
    assert found.startswith(said)
    assert bool(found) == bool(said)


@pytest.mark.parametrize(
    ("workflow", "inspect", "words"),
    [
        (Workflow(Label()), (2,), ""),
        (Workflow(Label(), Inspect()), (2, 3), ""),
        (Workflow(Label(), Inspect()), (2,), "without ben there are too few to review it"),
        (Workflow(Label(), Inspect(allow_own_work=True)), (2,), ""),
    ],
)
def test_somebody_else_must_review_what_one_member_labels(
    workflow: Workflow, inspect: tuple[int, ...], words: str
) -> None:
    job = make_job(
        workflow=workflow,
        workforce={Stage.LABEL: StageWorkers((2, 3)), Stage.INSPECT: StageWorkers(inspect)},
    )
    said = rules.find_missing_team(job, BEN, STAFFING)
    assert said.startswith(words)
    assert bool(said) == bool(words)
