"""Whether what is stored of a package, a job and a workspace fits together."""

from __future__ import annotations

from typing import Any

import attrs
import pytest

from itagflow import (
    Accept,
    AssignmentState,
    Choice,
    Inspect,
    JobState,
    Label,
    PackageState,
    Role,
    Stage,
    Workflow,
)
from itagflow.maintenance import checks, snapshot_checks
from itagflow.maintenance.checks import PackageSnapshot
from itagflow.maintenance.replay import Guidelines
from itagflow.model import Campaign, Outcome, Purpose
from itagflow.model.inconsistency import Inconsistency
from itagflow.model.job import StageWorkers
from itagflow.model.package import ClaimCounter
from itagflow.testing import (
    make_answer,
    make_assignment,
    make_draft,
    make_job,
    make_member,
    make_package,
    make_task,
    make_template,
    make_workspace,
)
from itagflow.testing.builders import AT

GIVEN: dict[str, Any] = {"state": AssignmentState.DONE, "outcome": Outcome.SUBMITTED}
ADA, BEN = make_member(id=1, account="ada", role=Role.ADMIN), make_member()
TASKS = {number: make_task(number) for number in (1, 2)}
HELD = PackageSnapshot(
    job=make_job(workforce={Stage.LABEL: StageWorkers((2,))}, workflow=Workflow(Label(lease=None))),
    template=make_template(),
    package=make_package(size=2, free=0),
    tasks=TASKS,
    assignments=[make_assignment()],
    answers=[make_answer(1, replies={"1": Choice("cat")}, template_version=0)],
    members={2: BEN},
)


def fields(found: Any) -> list[tuple[str, object, object]]:
    differences: list[Inconsistency] = list(found)
    return [(one.field, one.actual, one.expected) for one in differences]


def package_fields(**changes: Any) -> list[str]:
    snapshot = attrs.evolve(HELD, **changes)
    found = [*checks.check_package(snapshot), *snapshot_checks.check_drafts(snapshot)]
    return [field for field, _, _ in fields(found)]


def test_votes_that_are_all_in_are_merged() -> None:
    votes = [make_assignment(id=id, member=id, **GIVEN) for id in (2, 3)]
    snapshot = attrs.evolve(
        HELD, package=make_package(size=2, free=0, votes=2), assignments=votes, answers=[]
    )
    found = snapshot_checks.check_votes(snapshot)
    assert fields(found) == [("votes that are not merged", 2, 0)]
    more = make_assignment(
        id=4, member=None, state=AssignmentState.OFFERED, purpose=Purpose.EXTRA_VOTE, scope=(2,)
    )
    waiting = attrs.evolve(snapshot, assignments=[*votes, more])
    assert list(snapshot_checks.check_votes(waiting)) == []


def test_a_package_that_somebody_labels_is_sound() -> None:
    assert list(checks.check_package(HELD)) == []


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("size", 3),
        ("abandoned", 1),
        ("wrong", 1),
        ("prelabeled", 1),
        ("corrected", 1),
        ("erased", (1,)),
        ("disputes", (1,)),
        ("rejects", (1,)),
        ("skipped", (Stage.INSPECT,)),
        ("requeued", (1,)),
        ("whole_round", 2),
        ("reopened_round", 2),
        ("free", 1),
    ],
)
def test_a_field_of_the_package_that_says_otherwise_is_named(field: str, value: Any) -> None:
    found = package_fields(package=attrs.evolve(HELD.package, **{field: value}))
    assert any(name.startswith(field) or field == "free" for name in found), found
    assert found


class TestDraws:
    LABELED = make_assignment(state=AssignmentState.DONE, outcome=Outcome.SUBMITTED, ended_at=AT)

    def found(self, share: float | None, *assignments: Any, **package: Any) -> list[Any]:
        job = make_job(workflow=Workflow(Label(), Inspect(package_share=share), Accept()))
        at_accept = make_package(size=2, free=1, state=PackageState.ACCEPT, **package)
        snapshot = attrs.evolve(
            HELD, job=job, package=at_accept, assignments=[self.LABELED, *assignments]
        )
        return [one for one in fields(checks.check_package(snapshot)) if one[0] == "skipped"]

    def test_a_package_that_was_not_drawn_skipped_the_stage(self) -> None:
        assert self.found(1e-9, skipped=(Stage.INSPECT,)) == []

    def test_a_package_that_was_drawn_did_not(self) -> None:
        assert self.found(1.0, skipped=(Stage.INSPECT,)) == [("skipped", ("inspect",), ())]
        assert self.found(None, skipped=(Stage.INSPECT,)) == [("skipped", ("inspect",), ())]

    def test_a_package_that_nobody_reviewed_must_have_skipped_the_stage(self) -> None:
        assert self.found(1e-9) == [("skipped", (), ("inspect",))]

    def test_a_package_that_was_reviewed_did_not_skip_the_stage(self) -> None:
        review = make_assignment(
            6,
            stage=Stage.INSPECT,
            member=3,
            state=AssignmentState.DONE,
            outcome=Outcome.REVIEWED,
            ended_at=AT,
        )
        assert self.found(1e-9, review) == []
        assert self.found(1e-9, review, skipped=(Stage.INSPECT,)) == [("skipped", ("inspect",), ())]


class TestCampaigns:
    FIRST = make_assignment(
        4, state=AssignmentState.DONE, outcome=Outcome.SUBMITTED, ended_at=AT, authored=True
    )
    AGAIN = make_assignment(5, round=2, scope=(1,), purpose=Purpose.CAMPAIGN)
    CAMPAIGN = Campaign(round=2, stage=Stage.LABEL, tasks=(1,))

    def found(self, *campaigns: Campaign, again: Any = AGAIN, **package: Any) -> list[str]:
        cat = {"replies": {"1": Choice("cat")}, "template_version": 0}
        defaults: dict[str, Any] = {"size": 2, "free": 0, "round": 2, "scope": (1,)}
        snapshot = attrs.evolve(
            HELD,
            package=make_package(**{**defaults, "campaigns": campaigns, **package}),
            assignments=[self.FIRST, again],
            answers=[make_answer(task, assignment=4, **cat) for task in (1, 2)],
        )
        return [field for field, _, _ in fields(checks.check_package(snapshot))]

    def test_a_campaign_that_goes_on_is_sound(self) -> None:
        assert self.found(self.CAMPAIGN) == []

    def test_labeling_without_a_campaign_is_none(self) -> None:
        assert "whether it is the labeling of a campaign" in self.found()
        rework = attrs.evolve(self.AGAIN, purpose=Purpose.REWORK)
        assert self.found(again=rework) == []
        assert "whether it is the labeling of a campaign" in self.found(self.CAMPAIGN, again=rework)

    @pytest.mark.parametrize(
        ("campaigns", "field"),
        [
            ([attrs.evolve(CAMPAIGN, tasks=(1, 9))], "tasks of a campaign in other packages"),
            ([attrs.evolve(CAMPAIGN, round=1)], "rounds of the campaign of round 1"),
            ([attrs.evolve(CAMPAIGN, last_round=3)], "rounds of the campaign of round 2"),
            ([attrs.evolve(CAMPAIGN, last_round=2), CAMPAIGN], "rounds of the campaign of round 2"),
            ([CAMPAIGN, attrs.evolve(CAMPAIGN, last_round=2)], "last round of a campaign"),
        ],
    )
    def test_campaigns_that_cannot_be_are_found(self, campaigns: Any, field: str) -> None:
        assert field in self.found(*campaigns)

    def test_a_package_whose_campaign_was_withdrawn_is_as_before(self) -> None:
        """The stages that it passed before are not those of its last round."""
        withdrawn = attrs.evolve(self.CAMPAIGN, last_round=2, is_withdrawn=True)
        done = {"state": PackageState.DONE, "scope": None}
        again = attrs.evolve(self.AGAIN, state=AssignmentState.RETURNED, ended_at=AT)
        again = attrs.evolve(again, outcome=Outcome.RECALLED)
        assert self.found(withdrawn, again=again, **done) == []

    def test_a_campaign_ends_with_its_package(self) -> None:
        done = {"state": PackageState.DONE, "scope": None}
        assert "last round of a campaign" in self.found(self.CAMPAIGN, **done)


def test_an_assignment_that_nobody_can_have_is_found() -> None:
    assert package_fields(members={})
    assert package_fields(assignments=[make_assignment(outcome=Outcome.SUBMITTED)])
    assert package_fields(assignments=[make_assignment(round=2)])


def test_work_that_ended_without_all_answers_is_found() -> None:
    done = make_assignment(state=AssignmentState.DONE, outcome=Outcome.SUBMITTED, ended_at=AT)
    assert package_fields(assignments=[done])


def test_an_answer_that_does_not_fit_is_found() -> None:
    assert package_fields(answers=[make_answer(1, replies={"1": Choice("cow")})])
    assert package_fields(answers=[make_answer(9, replies={"1": Choice("cat")})])


def test_a_snapshot_covers_what_an_assignment_is_about() -> None:
    assert HELD.get_scope(make_assignment()) == {1, 2}
    assert HELD.get_scope(make_assignment(scope=(2,))) == {2}
    assert set(HELD.answers_by_task[1]) == {5}
    assert HELD.answers_by_task[2] == {}


def test_a_workspace_has_an_active_administrator() -> None:
    home = make_workspace()
    assert fields(checks.check_workspace(home, [ADA, BEN])) == []
    gone = attrs.evolve(ADA, active=False)
    assert fields(checks.check_workspace(home, [gone, BEN])) == [
        ("administrators", 0, "at least 1")
    ]
    outsider = attrs.evolve(BEN, role=Role.VIEWER, external=True)
    ((field, actual, _),) = fields(checks.check_workspace(home, [ADA, outsider]))
    assert (field, actual) == ("role", "viewer")


def test_a_job_names_its_creator_workforce_and_rework() -> None:
    job = make_job(
        created_by=1,
        workflow=Workflow(Label(rework=9), Inspect()),
        workforce={Stage.LABEL: StageWorkers((2, 3))},
    )
    assert checks.find_named_members(job) == {1, 2, 3, 9}
    assert checks.find_named_members(make_job(created_by=1)) == {1}


def test_a_job_is_finished_exactly_when_nothing_is_open() -> None:
    members, template = {2: BEN}, make_template()
    opened = make_package()
    running, finished = make_job(), make_job(state=JobState.FINISHED)
    assert fields(checks.check_job(running, template, members, opened)) == []
    assert fields(checks.check_job(finished, template, members, None)) == []
    assert [f for f, _, _ in fields(checks.check_job(finished, template, members, opened))] == [
        "state"
    ]
    assert [e for _, _, e in fields(checks.check_job(running, template, members, None))] == [
        "finished"
    ]


def test_a_job_names_strangers_and_a_template_of_another_workspace() -> None:
    stranger = attrs.evolve(BEN, workspace=8)
    found = fields(
        checks.check_job(make_job(), make_template(workspace=8), {2: stranger}, make_package())
    )
    assert [(actual, expected) for _, actual, expected in found] == [(8, 1), ((2,), ())]


def test_numbers_that_are_missing_are_named_and_others_are_not() -> None:
    assert [one.key for one in checks.find_missing("task", 4, range(1, 5), {1, 3})] == [
        (4, 2),
        (4, 4),
    ]
    assert list(checks.find_missing("task", 4, range(1, 3), {1, 2})) == []


def test_the_guideline_is_as_its_events_tell() -> None:
    told = Guidelines(version=2, acknowledged={2: 1})
    counter = ClaimCounter(job=4, stage=Stage.LABEL, member=2, acknowledged=1)
    job = make_job(guideline_version=2)
    assert fields(checks.check_guidelines(job, [counter], told)) == []
    wrong = attrs.evolve(counter, acknowledged=2)
    assert fields(checks.check_guidelines(make_job(), [wrong], told)) == [
        ("guideline_version, as the history tells it,", 0, 2),
        ("acknowledged, as the history tells it,", 2, 1),
    ]


def test_nobody_claims_under_a_guideline_that_is_not_there() -> None:
    assignments = [make_assignment(guideline_version=1)]
    assert package_fields(assignments=assignments) == ["guideline_version"]


@pytest.mark.parametrize(
    ("changes", "found"),
    [
        ({}, []),
        ({"assignment": 9}, ["assignment"]),
        ({"member": 7, "round": 2}, ["round", "member"]),
        ({"task": 3}, ["task"]),
        ({"answer_version": 2}, ["answer_version"]),
        ({"replies": {"1": Choice("cow")}}, ["what does not fit the template"]),
        ({"replies": {"1": Choice("cow")}, "template_version": 7}, []),
    ],
)
def test_a_draft_lies_beside_the_answer_of_its_assignment(
    changes: dict[str, Any], found: list[str]
) -> None:
    assignments = [make_assignment(has_drafts=True)]
    drafts = [make_draft(**{"replies": {}, "answer_version": 1, **changes})]
    assert package_fields(assignments=assignments, drafts=drafts) == found


def test_an_assignment_says_that_it_has_drafts() -> None:
    assert package_fields(drafts=[make_draft(replies={})]) == ["has_drafts"]
