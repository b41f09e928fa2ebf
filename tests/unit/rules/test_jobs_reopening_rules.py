"""Which tasks a campaign opens, and who gets them."""

from __future__ import annotations

from typing import Any

import attrs
import pytest

from itagflow import (
    AssignmentState,
    Choice,
    Inspect,
    Job,
    JobState,
    Label,
    Package,
    PackageState,
    Route,
    Stage,
    Workflow,
)
from itagflow.access import default_policy
from itagflow.jobs import reopening_rules as rules
from itagflow.model import Campaign, Outcome, Purpose
from itagflow.model.change import Context
from itagflow.model.job import StageWorkers
from itagflow.reviewing.reject_rules import WorkPlace
from itagflow.reviewing.rules import PackageHistory
from itagflow.testing.builders import AT, make_answer, make_assignment, make_job, make_member
from itagflow.testing.builders import make_package as any_package

CTX = Context(AT, 1, 1)
BEN, CY = make_member(id=2, account="ben"), make_member(id=4, account="cy")
WORKERS = {Stage.LABEL: StageWorkers((2, 4)), Stage.INSPECT: StageWorkers((2, 3))}
JOB = make_job(workflow=Workflow(Label(), Inspect()), workforce=WORKERS)
DONE: dict[str, Any] = {"state": AssignmentState.DONE, "ended_at": AT}
LABELED = make_assignment(5, outcome=Outcome.SUBMITTED, authored=True, **DONE)
INSPECTED = make_assignment(
    6, stage=Stage.INSPECT, member=3, outcome=Outcome.REVIEWED, authored=True, **DONE
)


def make_package(**fields: Any) -> Package:
    defaults: dict[str, Any] = {"size": 3, "free": 0, "state": PackageState.DONE}
    return any_package(**{**defaults, **fields})


def facts_of(
    *tasks: int, stage: Stage = Stage.LABEL, job: Job = JOB, **fields: Any
) -> rules.CampaignFacts:
    answers = {task: {5: make_answer(task, replies={"1": Choice("cat")})} for task in (1, 2)} | {
        3: {5: make_answer(3, abandon_reason="dark")}
    }
    defaults: dict[str, Any] = {
        "place": WorkPlace(default_policy, job, stage, AT),
        "package": make_package(abandoned=1),
        "history": PackageHistory(
            assignments=[LABELED, INSPECTED], tasks=(1, 2, 3), answers=answers
        ),
        "tasks": tasks,
    }
    return rules.CampaignFacts(**{**defaults, **fields})


class TestTasks:
    def test_tasks_of_a_package_that_is_done_are_opened(self) -> None:
        assert rules.sort_selected(make_package(), [1, 3]) == rules.SelectedTasks(opened=(1, 3))

    @pytest.mark.parametrize(
        ("state", "reason"),
        [
            (PackageState.LABEL, "package 1 is at LABEL: it can be opened again once it is done"),
            (PackageState.ACCEPT, "package 1 is at ACCEPT: it can be opened again once it is done"),
            (PackageState.DISCARDED, "package 1 is discarded"),
        ],
    )
    def test_the_others_are_told_with_their_reason(self, state: PackageState, reason: str) -> None:
        found = rules.sort_selected(make_package(state=state), [1, 3])
        assert found.opened == ()
        assert list(map(str, found.problems)) == [f"task 1: {reason}", f"task 3: {reason}"]

    def test_what_was_erased_stays_closed(self) -> None:
        found = rules.sort_selected(make_package(erased=(3,)), [1, 3])
        assert found.opened == (1,)
        assert list(map(str, found.problems)) == ["task 3: its data was erased"]

    def test_a_member_who_may_not_have_the_package_keeps_all_closed(self) -> None:
        found = rules.sort_selected(make_package(), [1], "package 1 is ben's own work")
        assert list(map(str, found.problems)) == ["task 1: package 1 is ben's own work"]


class TestPeople:
    def test_the_authors_or_the_named_member_get_it(self) -> None:
        find = rules.find_candidates
        assert find(facts_of(1), Route.AUTHOR) == (2,)
        assert find(facts_of(1, stage=Stage.INSPECT), Route.AUTHOR) == (3,)
        assert find(facts_of(1), Route.QUEUE) == ()
        assert find(facts_of(1), 9) == (9,)

    def test_who_labeled_in_a_withdrawn_campaign_is_no_author(self) -> None:
        campaign = Campaign(round=2, last_round=2, stage=Stage.LABEL, tasks=(1,))
        later = attrs.evolve(LABELED, id=9, round=2, member=3)
        for is_withdrawn, author in ((False, 3), (True, 2)):
            ended = attrs.evolve(campaign, is_withdrawn=is_withdrawn)
            package = make_package(round=2, campaigns=(ended,))
            facts = attrs.evolve(
                facts_of(1),
                package=package,
                history=PackageHistory(assignments=[LABELED, INSPECTED, later]),
            )
            assert rules.find_candidates(facts, Route.AUTHOR) == (author,)

    def test_nobody_is_named_for_a_review_of_their_own_work(self) -> None:
        place = WorkPlace(default_policy, JOB, Stage.INSPECT, AT)
        assignments = [LABELED, INSPECTED]
        package = make_package()
        said = rules.explain_refusal(place, package, BEN, assignments)
        assert said == "package 1 is ben's own work"
        assert rules.explain_refusal(place, package, CY, assignments) == ""
        assert rules.explain_refusal(place, package, None, assignments) == ""
        at_label = attrs.evolve(place, stage=Stage.LABEL)
        assert rules.explain_refusal(at_label, package, BEN, assignments) == ""

    def test_as_many_are_chosen_as_there_are_slots(self) -> None:
        assert rules.select_members(facts_of(1), [BEN, CY]) == [BEN]
        voted = attrs.evolve(JOB, workflow=Workflow(Label(votes=2), Inspect()))
        assert rules.select_members(facts_of(1, job=voted), [BEN, CY]) == [BEN, CY]

    def test_who_may_not_is_left_out(self) -> None:
        gone, resting = attrs.evolve(BEN, active=False), attrs.evolve(BEN, paused=True)
        assert rules.select_members(facts_of(1), [gone, CY]) == [CY]
        assert rules.select_members(facts_of(1), [resting]) == []
        assert rules.select_members(facts_of(1, stage=Stage.INSPECT), [BEN]) == []


class TestCampaign:
    def test_the_tasks_are_opened_and_offered(self) -> None:
        change = rules.begin_campaign(facts_of(1, 3, comment="again"), [BEN], CTX, ids=[9])
        (_, after), *others = change.save
        assert isinstance(after, Package)
        assert others == []
        assert (after.state, after.scope, after.free) == (PackageState.LABEL, (1, 3), 0)
        assert after.abandoned == 0  # the one that was is to be labeled
        (offer,) = change.add
        assert isinstance(offer, type(LABELED))
        assert (offer.id, offer.member, offer.state) == (9, 2, AssignmentState.OFFERED)
        assert (offer.purpose, offer.scope, offer.round) == (Purpose.CAMPAIGN, (1, 3), 2)
        event = change.event
        assert (event.type, event.package, event.became) == ("reopen", 1, "reopened")
        assert event.data == {"tasks": [1, 3], "comment": "again"}

    def test_without_members_the_slot_is_free(self) -> None:
        change = rules.begin_campaign(facts_of(2), [], CTX, ids=[])
        ((_, after),) = change.save
        assert isinstance(after, Package)
        assert (after.free, after.abandoned, change.add) == (1, 1, ())
        assert change.event.data == {"tasks": [2]}

    def test_the_first_package_brings_the_job_back(self) -> None:
        finished = make_job(state=JobState.FINISHED)
        saves = ((finished, attrs.evolve(finished, state=JobState.RUNNING)),)
        change = rules.begin_campaign(facts_of(2, job_saves=saves), [], CTX, ids=[])
        assert change.save[-1:] == saves

    def test_when_all_is_labeled_anew_inspectors_are_no_authors(self) -> None:
        change = rules.begin_campaign(facts_of(1, 2, 3), [], CTX, ids=[])
        (_, after), (_, inspection) = change.save
        assert isinstance(after, Package)
        assert (after.scope, after.whole_round) == (None, 2)
        assert inspection == attrs.evolve(INSPECTED, authored=False)

    def test_a_review_is_no_labeling(self) -> None:
        cy = attrs.evolve(CY, id=3)
        change = rules.begin_campaign(facts_of(2, stage=Stage.INSPECT), [cy], CTX, ids=[9])
        (offer,) = change.add
        assert isinstance(offer, type(LABELED))
        assert (offer.stage, offer.purpose, offer.scope) == (Stage.INSPECT, Purpose.REVIEW, (2,))
