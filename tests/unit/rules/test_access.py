"""The policies: what each role may do, and what no policy can allow."""

from __future__ import annotations

import pytest

from itagflow import Crew, Group, InvalidData, Member, NotAllowed, Role, Stage, access
from itagflow.access import (
    NEVER_EXTERNAL,
    READERS,
    REMOVED,
    Action,
    check,
    check_reading,
    check_worker,
    default_policy,
    is_in_crew,
    is_named,
    not_allowed,
    reading_refusal,
    refusal,
    strict_policy,
    working_refusal,
)
from itagflow.model import Purpose
from itagflow.model.job import StageWorkers
from itagflow.testing import make_assignment, make_job, make_member

NAMED = make_job(
    workforce={Stage.LABEL: StageWorkers((2,)), Stage.INSPECT: StageWorkers((), ("night",))}
)


@pytest.mark.parametrize("action", list(Action))
def test_an_administrator_may_do_everything(action: Action) -> None:
    assert refusal(default_policy, make_member(role=Role.ADMIN), action, None, None) is None


@pytest.mark.parametrize("action", list(Action))
def test_who_was_removed_may_do_nothing(action: Action) -> None:
    removed = make_member(role=Role.ADMIN, active=False)
    assert refusal(default_policy, removed, action, NAMED, None) == REMOVED


def test_an_operator_works_only_where_a_job_names_them() -> None:
    ben = make_member()
    assert refusal(default_policy, ben, Action.LABEL, NAMED, Stage.LABEL) is None
    said = refusal(default_policy, ben, Action.INSPECT, NAMED, Stage.INSPECT)
    assert said == "the workforce of this job does not name them for inspect"
    assert refusal(default_policy, ben, Action.LABEL, None, None) == (
        "they may do so only at the jobs that name them"
    )


def test_the_strict_policy_keeps_work_to_administrators() -> None:
    assert refusal(strict_policy, make_member(), Action.LABEL, NAMED, Stage.LABEL) == (
        "the role operator does not include it"
    )
    manager = make_member(role=Role.ANNOTATION_ADMIN)
    assert refusal(strict_policy, manager, Action.LABEL, NAMED, Stage.LABEL) is None


@pytest.mark.parametrize("action", sorted(NEVER_EXTERNAL, key=lambda action: action.value))
def test_an_external_member_manages_nothing_under_any_policy(action: Action) -> None:
    outsider = make_member(role=Role.LEADER, external=True)
    assert refusal(lambda *_: None, outsider, action, NAMED, None) == "an external member may not"


def test_an_external_member_reads_only_where_named_whatever_the_policy_says() -> None:
    outsider = make_member(id=9, role=Role.LEADER, external=True)
    assert refusal(lambda *_: None, outsider, Action.READ_JOB, NAMED, None) is not None
    named = make_member(role=Role.LEADER, external=True)
    assert refusal(lambda *_: None, named, Action.READ_JOB, NAMED, None) is None


def test_a_refusal_is_raised_with_who_what_and_why() -> None:
    check(default_policy, make_member(), Action.LABEL, NAMED, Stage.LABEL)
    with pytest.raises(NotAllowed, match=r"ben.*manage job.*operator does not include it"):
        check(default_policy, make_member(), Action.MANAGE_JOB, NAMED, None)
    assert "manage members" in str(not_allowed(make_member(), Action.MANAGE_MEMBERS, "so"))


@pytest.mark.parametrize("reader", sorted(READERS))
def test_who_was_removed_reads_nothing(reader: str) -> None:
    removed = make_member(role=Role.ADMIN, active=False)
    for own in (True, False):
        assert reading_refusal(default_policy, removed, reader, NAMED, own=own) is not None


def test_what_is_of_others_needs_more_than_what_is_own() -> None:
    ben = make_member()
    assert reading_refusal(default_policy, ben, "assignments.list", NAMED, own=True) is None
    assert reading_refusal(default_policy, ben, "assignments.list", NAMED, own=False) is not None
    assert (
        reading_refusal(default_policy, ben, "tasks", NAMED, own=False) == "it is another member's"
    )
    with pytest.raises(NotAllowed, match="ben"):
        check_reading(default_policy, ben, "assignments.list", NAMED, own=False)
    check_reading(default_policy, ben, "assignments.list", NAMED, own=True)


def test_a_group_names_its_members_in_any_spelling() -> None:
    crew = StageWorkers((), ("équipe",))
    assert is_in_crew(crew, make_member(groups=("e\u0301quipe",)))
    assert not is_in_crew(crew, make_member(groups=("equipe",)))
    assert Group("équipe").name in crew.groups


def test_a_job_names_a_member_for_one_stage_or_for_any() -> None:
    night = make_member(id=7, groups=("night",))
    assert is_named(NAMED, night, Stage.INSPECT)
    assert not is_named(NAMED, night, Stage.LABEL)
    assert is_named(NAMED, night, None)
    assert not is_named(NAMED, make_member(id=8), None)


ANN = make_member(id=3, account="ann", groups=("red", "blue"))
LEA = make_member(id=4, account="lea", role=Role.LEADER, groups=("red",))
BEN = make_member(id=5, account="ben", groups=("green",))
WITHIN = access.RolePolicy(access.TABLE, leaders_within_groups=True)


def test_groups_are_shared_in_any_spelling() -> None:
    assert access.share_group(LEA, ANN)
    assert not access.share_group(LEA, BEN)
    composed = make_member(groups=("Zo\N{LATIN SMALL LETTER E WITH DIAERESIS}",))
    typed = make_member(groups=("Zoe\N{COMBINING DIAERESIS}",))
    assert access.share_group(composed, typed)


@pytest.mark.parametrize(
    ("policy", "member", "other", "reason"),
    [
        (WITHIN, LEA, ANN, None),
        (WITHIN, LEA, LEA, None),
        (WITHIN, LEA, BEN, "they share no group with ben"),
        (WITHIN, ANN, BEN, None),
        (access.default_policy, LEA, BEN, None),
        (lambda *_: None, LEA, BEN, None),
    ],
)
def test_a_leader_within_groups(
    policy: access.Policy, member: Member, other: Member, reason: str | None
) -> None:
    assert access.refusal_about(policy, member, access.Action.ASSIGN, other) == reason
    if reason is None:
        access.check_about(policy, member, access.Action.ASSIGN, other)
    else:
        with pytest.raises(NotAllowed, match=reason):
            access.check_about(policy, member, access.Action.ASSIGN, other)


def test_a_policy_that_answers_neither_is_refused() -> None:
    class Wrong:
        def __call__(self, *_: object) -> None:
            return None

        def refuses_about(self, *_: object) -> bool:
            return True

    with pytest.raises(InvalidData, match="refuses_about: must answer None"):
        access.refusal_about(Wrong(), LEA, access.Action.ASSIGN, BEN)


@pytest.mark.parametrize("role", ["auditor", Role.VIEWER, "viewer"])
def test_a_role_is_a_name(role: str) -> None:
    assert access.require_role("the table", role) == role


@pytest.mark.parametrize("role", [None, 1, "", "a\0", access.Action.LABEL])
def test_what_is_no_role_is_refused(role: object) -> None:
    with pytest.raises(InvalidData):
        access.require_role("the table", role)


def test_a_policy_knows_its_roles() -> None:
    rows = {action: {**row, "auditor": access.Grant.NO} for action, row in access.TABLE.items()}
    assert access.require_known_role(access.RolePolicy(rows), "auditor") == "auditor"
    assert access.require_known_role(lambda *_: None, "admin") is Role.ADMIN
    with pytest.raises(InvalidData, match="there is no Role 'auditor'"):
        access.require_known_role(access.default_policy, "auditor")


WITH_EXPERTS = make_job(
    workforce={Stage.LABEL: StageWorkers((3,)), Crew.EXPERTS: StageWorkers((2,))}
)


def test_who_is_in_a_crew_does_its_work_and_no_other() -> None:
    expert = make_member(id=2)
    assert working_refusal(default_policy, expert, WITH_EXPERTS, Crew.EXPERTS) is None
    assert working_refusal(default_policy, expert, WITH_EXPERTS, Stage.LABEL) is not None
    assert working_refusal(default_policy, expert, WITH_EXPERTS, Crew.ADJUDICATORS) == (
        "the workforce of this job does not name them for adjudicators"
    )


def test_who_may_label_everywhere_is_in_no_crew_that_does_not_name_them() -> None:
    ada = make_member(id=1, role=Role.ADMIN)
    assert working_refusal(default_policy, ada, WITH_EXPERTS, Stage.LABEL) is None
    assert working_refusal(default_policy, ada, WITH_EXPERTS, Crew.EXPERTS) == (
        "they are not among the experts of this job"
    )


def test_a_role_that_labels_nowhere_is_no_expert_either() -> None:
    viewer = make_member(id=2, role=Role.VIEWER)
    assert working_refusal(default_policy, viewer, WITH_EXPERTS, Crew.EXPERTS) is not None


def test_an_assignment_is_work_of_its_stage_or_of_a_crew() -> None:
    labeler, expert = make_member(id=3), make_member(id=2)
    escalation = make_assignment(purpose=Purpose.ESCALATION)
    check_worker(default_policy, labeler, WITH_EXPERTS, make_assignment())
    check_worker(default_policy, expert, WITH_EXPERTS, escalation)
    with pytest.raises(NotAllowed, match="may not label"):
        check_worker(default_policy, labeler, WITH_EXPERTS, escalation)
