"""Roles of the application, and leaders who lead the groups that they share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from support.scenes import rows

import itagflow
from itagflow import (
    Choice,
    FixedSize,
    Flow,
    Group,
    InvalidData,
    Job,
    NotAllowed,
    Role,
    maintenance,
    templates,
)
from itagflow.access import TABLE, Action, Grant, Policy, RolePolicy

CATS = templates.image_classification(["cat", "dog"])
AUDITED = RolePolicy(
    {
        action: {**row, "auditor": Grant.YES if action is Action.READ_RESULTS else Grant.NO}
        for action, row in TABLE.items()
    }
)
WITHIN_GROUPS = RolePolicy(TABLE, leaders_within_groups=True)


def opened(url: str, policy: Policy) -> Flow:
    return itagflow.open(url, policy=policy)


def ordered(flow: Flow, **people: list[str]) -> Job:
    """A job of one-task packages at which all groups label; *people* are accounts by group."""
    street = flow.workspaces.create("street", admin="ada")
    for group, accounts in people.items():
        for account in accounts:
            role = Role.LEADER if account.startswith("le") else Role.OPERATOR
            flow.members.add(street, account, role, groups=[group], by="ada")
    return flow.jobs.create(
        street,
        "cats",
        template=CATS,
        data=rows(4),
        packaging=FixedSize(1),
        workforce={"label": [Group(group) for group in people]},
        by="ada",
    )


class TestARoleOfTheApplication:
    @pytest.fixture
    def flow(self, url: str) -> Iterator[Flow]:
        with opened(url, AUDITED) as flow:
            flow.workspaces.create("street", admin="ada")
            yield flow

    def test_its_members_do_what_the_table_says(self, flow: Flow) -> None:
        flow.members.add("street", "aud", "auditor", by="ada")
        assert flow.members.get("street", "aud").role == "auditor"
        assert flow.can("aud", Action.READ_RESULTS, "street")
        assert not flow.can("aud", Action.EXPORT, "street")
        assert not list(maintenance.verify(flow))

    def test_a_role_that_the_policy_does_not_know_is_refused(self, flow: Flow) -> None:
        with pytest.raises(InvalidData, match="there is no Role 'oditor'; there are"):
            flow.members.add("street", "aud", "oditor", by="ada")
        ben = flow.members.add("street", "ben", "operator", by="ada")
        with pytest.raises(InvalidData, match="there is no Role 'oditor'"):
            flow.members.set_role("street", ben, "oditor", by="ada")
        assert flow.members.get("street", "ben") == ben

    def test_a_built_in_role_stays_a_role(self, flow: Flow) -> None:
        flow.members.add("street", "ben", "operator", by="ada")
        assert flow.members.get("street", "ben").role is Role.OPERATOR
        assert repr(flow.members.get("street", "ben")).startswith("<Member 'ben' OPERATOR")

    def test_an_external_member_may_have_one(self, flow: Flow) -> None:
        flow.members.add("street", "aud", "auditor", external=True, by="ada")
        # a yes counts as "where named"
        assert not flow.can("aud", Action.READ_RESULTS, "street")
        with pytest.raises(InvalidData, match="an external member can be leader or operator"):
            flow.members.add("street", "eve", Role.VIEWER, external=True, by="ada")


def test_who_has_a_role_that_is_not_known_any_more_may_do_nothing(tmp_path: Path) -> None:
    path = str(tmp_path / "labels.db")
    with opened(path, AUDITED) as flow:
        flow.workspaces.create("street", admin="ada")
        flow.members.add("street", "aud", "auditor", by="ada")
    with itagflow.open(path) as flow:
        told = flow.can("aud", Action.READ_RESULTS, "street")
        assert (bool(told), told.reason) == (False, "the policy does not know the role auditor")
        assert not list(maintenance.verify(flow))


@pytest.mark.parametrize("missing", ["action", "role"])
def test_a_table_with_a_gap_is_refused(missing: str) -> None:
    table = {action: {**row, "auditor": Grant.NO} for action, row in TABLE.items()}
    if missing == "action":
        del table[Action.EXPORT]
    else:
        del table[Action.EXPORT]["auditor"]
    with pytest.raises(InvalidData, match=f"must have every (?i:{missing}); missing are"):
        RolePolicy(table)


class TestALeaderWithinGroups:
    @pytest.fixture
    def flow(self, url: str) -> Iterator[Flow]:
        with opened(url, WITHIN_GROUPS) as flow:
            yield flow

    @pytest.fixture
    def job(self, flow: Flow) -> Job:
        job = ordered(flow, red=["lea", "ann"], blue=["lee", "ben"])
        for account in ("ann", "ben"):
            assignment = flow.claim(account, job, "label")
            assert assignment is not None
            for item in flow.tasks(assignment):
                flow.save(assignment, item, Choice("cat"))
            flow.submit(assignment)
        return job

    def test_assigns_to_those_of_the_group(self, flow: Flow, job: Job) -> None:
        flow.assignments.assign((job, 3), "ann", by="lea")
        with pytest.raises(NotAllowed, match="they share no group with ben"):
            flow.assignments.assign((job, 4), "ben", by="lea")
        flow.assignments.assign((job, 4), "ben", by="ada")

    def test_takes_nothing_from_others(self, flow: Flow, job: Job) -> None:
        offer = flow.assignments.assign((job, 3), "ben", by="ada")
        for refused in (
            lambda: flow.release(offer, by="lea"),
            lambda: flow.assignments.reassign(offer, "ann", by="lea"),
        ):
            with pytest.raises(NotAllowed, match="they share no group with ben"):
                refused()
        flow.release(offer, by="lee")

    def test_reads_the_work_of_the_group(self, flow: Flow, job: Job) -> None:
        ann, ben = flow.members.get("street", "ann"), flow.members.get("street", "ben")
        done = {result.task.number for result in flow.results.list(job, by="lea")}
        assert done == {1, 3, 4}, "task 2 is ben's; on 3 and 4 nobody has worked"
        with pytest.raises(NotAllowed, match="they share no group with ben"):
            flow.results.get((job, 2), by="lea")
        assert {event.member for event in flow.events.list(job, by="lea")} >= {ann.id}
        assert ben.id not in {event.member for event in flow.events.list(job, by="lea")}
        assert list(flow.assignments.list("ann", live=False, by="lea"))
        assert not list(flow.assignments.list("ben", live=False, by="lea"))
        (assignment,) = flow.assignments.list("ben", live=False, by="ada")
        with pytest.raises(NotAllowed, match="they share no group with ben"):
            flow.assignments.get(assignment, by="lea")
        with pytest.raises(NotAllowed, match="they share no group with ben"):
            flow.explain("ben", job, "label", by="lea")

    def test_reads_and_writes_comments_of_the_group(self, flow: Flow, job: Job) -> None:
        flow.comments.add((job, 1), "well done", by="lea")
        with pytest.raises(NotAllowed, match="they share no group with ben"):
            flow.comments.add((job, 2), "well done", by="lea")
        flow.comments.add((job, 2), "well done", by="ada")
        assert [thread.task for thread in flow.comments.list(job, by="lea")] == [1]

    def test_without_the_condition_a_leader_reads_all(self) -> None:
        with itagflow.open("memory:") as flow:
            job = ordered(flow, red=["lea"], blue=["ben"])
            flow.assignments.assign((job, 1), "ben", by="lea")
            assert list(flow.assignments.list("ben", by="lea"))
