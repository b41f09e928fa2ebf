"""A value that cannot be right cannot be made: rules, packaging, workforce, policies, partitions."""

from __future__ import annotations

import enum
import math
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from fractions import Fraction
from typing import Any

import attrs
import pytest
from support.naming import describe

import itagflow
from itagflow import (
    Accept,
    FixedSize,
    GroupByField,
    Inspect,
    InvalidData,
    Label,
    Merge,
    PackageCount,
    Role,
    Route,
    Stage,
    Workflow,
)
from itagflow.access import TABLE, Action, Grant, RolePolicy, default_policy
from itagflow.model import Group, JobPartition, Progress, StageWorkers
from itagflow.model.number import find_number, require_number, require_priority
from itagflow.model.workspace import Member
from itagflow.testing import make_job, make_member


class Count(enum.IntEnum):
    THREE = 3


class Foreign(enum.Enum):
    LABEL = "label"


class Words(str):
    __slots__ = ()


LARGE = 2**63
NO_COUNTS: list[Any] = [0, -1, 1.5, 2.5, True, "3", b"3", LARGE, float("nan"), None, [], object()]
NO_FLAGS: list[Any] = [None, 0, 1, "yes", "", [], object()]
NO_DURATIONS: list[Any] = [
    30,
    1.5,
    "1h",
    timedelta(0),
    timedelta(seconds=-1),
    True,
    datetime(2026, 11, 27, tzinfo=UTC),
]
NO_SHARES: list[Any] = [
    True,
    0,
    -0.1,
    1.1,
    30,
    "0.5",
    float("nan"),
    float("inf"),
    10**400,
    object(),
]


def refused(make: Callable[[], object], *words: str) -> None:
    with pytest.raises(InvalidData) as raised:
        make()
    text = str(raised.value)
    assert isinstance(raised.value, ValueError)
    assert all(word in text for word in words), text
    assert_plain(text)


def assert_plain(text: str) -> None:
    """No address, no path of a class, nothing that only Python understands."""
    for internal in (" at 0x", "<class", "<function", "itagflow.model", "NoneType", "Traceback"):
        assert internal not in text, text


@pytest.mark.parametrize("value", NO_COUNTS, ids=describe)
def test_a_count_is_a_whole_number_above_zero(value: Any) -> None:
    refused(lambda: FixedSize(value), "FixedSize: size: must be")
    refused(lambda: PackageCount(value), "PackageCount: packages: must be")
    refused(lambda: Label(votes=value), "Label: votes: must be")
    if value is not None:
        refused(lambda: Label(limit=value), "Label: limit: must be")
        refused(lambda: Label(votes=2, max_votes=value), "Label: max_votes: must be")
        refused(lambda: Inspect(task_count=value), "Inspect: task_count: must be")


@pytest.mark.parametrize("value", NO_DURATIONS, ids=describe)
@pytest.mark.parametrize("field", ["lease", "offer_lease"])
def test_a_lease_is_a_timedelta(field: str, value: Any) -> None:
    for rule in (Label, Inspect, Accept):
        refused(lambda rule=rule: rule(**{field: value}), f"{rule.__name__}: {field}: must be")


@pytest.mark.parametrize("value", NO_SHARES, ids=lambda value: str(value)[:20])
def test_a_share_is_no_count_and_no_percentage(value: Any) -> None:
    refused(lambda: Inspect(task_share=value), "Inspect: task_share: must be more than 0")
    refused(lambda: Label(votes=2, max_votes=3, agree=value), "Label: agree: must be more than 0")


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ({"max_votes": 3}, "max_votes: is given beside one vote"),
        ({"votes": 3, "max_votes": 3}, "max_votes: must be more than votes (3)"),
        ({"votes": 2, "agree": 0.5}, "agree: is given without max_votes"),
        ({"votes": 2, "stop_early": True}, "stop_early: needs votes=3 or more, not 2"),
        ({"votes": 3, "stop_early": True, "max_votes": 5}, "stop_early: is given beside max_votes"),
        (
            {"votes": 3, "stop_early": True, "merge": {"Fluency": "mean"}},
            "stop_early: is not for 'mean'",
        ),
        ({"votes": 3, "max_votes": 5, "merge": {"1": "median"}}, "max_votes: is not for 'median'"),
        ({"votes": 3, "stop_early": True, "merge": {"1": "own"}}, "stop_early: is not for 'own'"),
        (
            {"votes": 3, "stop_early": True, "merge": {"1": Merge("mode", tolerance=1)}},
            "stop_early: is not for 'mode' with a tolerance",
        ),
    ],
)
def test_more_votes_are_asked_for_where_it_can_be_known_that_they_are_enough(
    given: dict[str, Any], reason: str
) -> None:
    refused(lambda: Label(**given), f"Label: {reason}")


@pytest.mark.parametrize("value", NO_FLAGS, ids=describe)
def test_a_flag_is_true_or_false(value: Any) -> None:
    refused(lambda: Label(redo_all=value), "Label: redo_all: must be True or False")
    refused(lambda: Label(votes=3, stop_early=value), "Label: stop_early: must be True or False")
    refused(lambda: Inspect(allow_own_work=value), "allow_own_work: must be True or False")


@pytest.mark.parametrize(
    "value", [[Label()], (Label(),), None, Label, "label", Stage.LABEL], ids=describe
)
def test_a_workflow_has_rules(value: Any) -> None:
    refused(lambda: Workflow(value), "Workflow: rule 1: must be a Label, an Inspect or an Accept")


def test_a_list_of_rules_gets_the_way_to_write_it() -> None:
    refused(lambda: Workflow([Label()]), "without brackets")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "value", [None, 1.5, True, "", "a\nb", 0, -1, LARGE, [], Foreign.LABEL], ids=describe
)
def test_rework_goes_to_a_route_or_a_member(value: Any) -> None:
    refused(lambda: Label(rework=value), "Label: rework: must be")


def test_a_route_may_be_given_by_value_and_a_member_as_an_object() -> None:
    assert Label(rework="queue").rework is Route.QUEUE
    assert Label(rework="author").rework is Route.AUTHOR
    member = make_member()
    assert Label(rework=member).rework == member.id


@pytest.mark.parametrize(
    "value", [Foreign.LABEL, "typo", 1, None, True, Role.ADMIN, [], object()], ids=describe
)
def test_a_stage_is_ours(value: Any) -> None:
    refused(lambda: Accept(reject_to=value), "no Stage")
    refused(lambda: Workflow().rule(value), "no Stage")
    refused(lambda: Workflow().has(value), "no Stage")
    refused(lambda: Workflow().review(value), "no Stage")
    refused(lambda: make_job().crew(value), "no Stage")


def test_a_stage_may_be_given_by_value() -> None:
    workflow = Workflow(Label(), Inspect())
    assert workflow.has("inspect")
    assert workflow.rule("inspect") is workflow.inspect is workflow.review("inspect")
    assert make_job().crew("label") == StageWorkers()


def test_numbers_of_other_libraries_become_plain_ones() -> None:
    for value in (
        FixedSize(Count.THREE).size,
        Label(limit=Count.THREE).limit,
        Label(votes=Count.THREE).votes,
        PackageCount(Count.THREE).packages,
        Inspect(task_count=Count.THREE).task_count,
        make_job(seed=Count.THREE).seed,
        JobPartition(job=Count.THREE, first=1, last=3).job,
    ):
        assert (type(value), value) == (int, 3)
    share = Inspect(task_share=Fraction(1, 2)).task_share  # type: ignore[arg-type]
    assert (type(share), share) == (float, 0.5)


@pytest.mark.parametrize(
    "value", [True, "1", None, float("nan"), float("-inf"), 10**400, LARGE, 1j, b"1"]
)
def test_what_is_no_number(value: Any) -> None:
    assert find_number(value) is None
    refused(lambda: require_number("the call", "timeout", value), "the call: timeout: must be a")


def test_numbers_keep_their_kind_and_their_bounds() -> None:
    assert (type(find_number(4)), type(find_number(4.0)), find_number(Fraction(1, 4))) == (
        int,
        float,
        0.25,
    )
    refused(
        lambda: require_number("the call", "timeout", -1, least=0), "must be at least 0, not -1"
    )
    refused(
        lambda: require_number("the call", "timeout", 9, most=8.5), "must be at most 8.5, not 9"
    )


@pytest.mark.parametrize(
    "value", [None, 5, "", b"night", "a\0b", "\ud800", "\u200b", ["night"]], ids=describe
)
def test_a_group_has_a_name(value: Any) -> None:
    refused(lambda: Group(value), "group")


@pytest.mark.parametrize("value", [None, 5, "a\0b", "\ud800", b"camera", ["camera"]], ids=describe)
def test_a_field_of_the_data_is_a_text(value: Any) -> None:
    refused(lambda: GroupByField(value), "field")


@pytest.mark.parametrize("value", ["night", None, 5, [5], ["a\0b"], {"night": 1}], ids=describe)
def test_groups_and_tags_are_several_texts(value: Any) -> None:
    refused(lambda: StageWorkers(groups=value), "groups")
    refused(lambda: make_job(tags=value), "tags")
    refused(lambda: attrs.evolve(make_member(), groups=value), "groups")


def test_texts_of_other_libraries_become_plain_ones() -> None:
    job = make_job(tags=[Words("a")], remark=Words("b"), row_key=Words("c"))
    assert {type(text) for text in (*job.tags, job.remark, job.row_key)} == {str}
    assert type(GroupByField(Words("camera")).field) is str


@pytest.mark.parametrize("value", ["5", 1.5, True, None, LARGE, [5], object()], ids=describe)
def test_members_of_a_stage_are_keys(value: Any) -> None:
    refused(lambda: StageWorkers(members=(value,)), "members: must be")


@pytest.mark.parametrize("value", ["", " ", Foreign.LABEL, None, Stage.LABEL, 1], ids=describe)
def test_the_role_of_a_member_is_a_role(value: Any) -> None:
    refused(lambda: Member(id=1, workspace=1, account="ben", role=value), "ember: role: ")


@pytest.mark.parametrize("value", [10, lambda rows: rows, None, "50", Label()], ids=describe)
def test_the_packaging_of_a_job_is_one(value: Any) -> None:
    refused(lambda: make_job(packaging=value), "job: packaging: must be FixedSize(50)")


class TestPartitions:
    @pytest.mark.parametrize("value", [1.5, True, "1", None, LARGE, object()], ids=describe)
    @pytest.mark.parametrize("field", ["first", "last", "index", "of"])
    def test_its_numbers(self, field: str, value: Any) -> None:
        given = {"job": 4, "first": 1, "last": 3, "index": 1, "of": 1}
        refused(lambda: JobPartition(**{**given, field: value}), f"part: {field}: must be")

    @pytest.mark.parametrize(
        "value", [(1,), (1, 2, 3), [1, 2], "12", ("a", 1), (1.5, 2), 5, (-1, 2)], ids=describe
    )
    def test_its_packages(self, value: Any) -> None:
        refused(
            lambda: JobPartition(job=4, first=1, last=3, packages=value), "part: packages: must be"
        )

    def test_it_ends_at_most_one_before_it_begins(self) -> None:
        assert len(JobPartition(job=4, first=5, last=4)) == 0
        refused(
            lambda: JobPartition(job=4, first=5, last=3), "part: last: must be at least 4, not 3"
        )


class TestPolicies:
    @pytest.mark.parametrize("value", [None, 5, "table", [], {}, {"label": {}}], ids=describe)
    def test_a_table_has_every_action(self, value: Any) -> None:
        refused(lambda: RolePolicy(value), "the table")

    def test_a_table_has_no_other_action(self) -> None:
        refused(lambda: RolePolicy({**TABLE, None: {}}), "there is no Action None")  # type: ignore[dict-item]

    def test_a_table_has_every_role_and_only_grants(self) -> None:
        row = dict(TABLE[Action.EXPORT])
        refused(
            lambda: RolePolicy({**TABLE, Action.EXPORT: {Role.ADMIN: Grant.YES}}),
            "the table, export: must have every role; missing are annotation_admin, leader",
        )
        refused(
            lambda: RolePolicy({**TABLE, Action.EXPORT: {**row, Role.ADMIN: True}}),
            "no Grant True",
        )  # type: ignore[dict-item]

    def test_a_table_may_be_given_by_values(self) -> None:
        by_value = {
            action.value: {role.value: grant.value for role, grant in row.items()}
            for action, row in TABLE.items()
        }
        assert RolePolicy(by_value).table == TABLE  # type: ignore[arg-type]

    @pytest.mark.parametrize("value", [None, 5, "ben", object()], ids=describe)
    def test_applications_ask_it_with_members_and_actions(self, value: Any) -> None:
        member = make_member()
        refused(lambda: default_policy(value, Action.LABEL, None, None), "member: must be a Member")
        refused(lambda: default_policy(member, value, None, None), "no Action")
        if value is not None:
            refused(lambda: default_policy(member, Action.LABEL, value, None), "job: must be a Job")
            refused(lambda: default_policy(member, Action.LABEL, None, value), "no Stage")

    @pytest.mark.parametrize("answer", [True, False, 0, 1, ["no"], Grant.NO], ids=describe)
    def test_it_answers_none_or_a_reason(self, answer: Any) -> None:
        """False was taken for "allowed", by everybody, everywhere."""
        with itagflow.open("memory:", policy=lambda *_: answer) as flow:
            flow.workspaces.create("street", admin="ada")
            refused(
                lambda: flow.members.add("street", "ben", "operator", by="ada"),
                "the policy: must answer None, or a text that says why not",
            )

    def test_an_empty_reason_is_a_refusal(self) -> None:
        with itagflow.open("memory:", policy=lambda *_: "") as flow:
            flow.workspaces.create("street", admin="ada")
            assert not flow.can("ada", "manage_members", "street")
            with pytest.raises(itagflow.NotAllowed, match="the policy does not allow it"):
                flow.members.add("street", "ben", "operator", by="ada")


@pytest.mark.parametrize(
    "value", [None, 5, {None: None}, {"typo": 1}, {"done": "1"}, {"done": 1.5}, []], ids=describe
)
def test_progress_counts_packages_by_state(value: Any) -> None:
    refused(lambda: Progress(packages=value, tasks={}), "P")
    refused(lambda: Progress(packages={}, tasks=value), "P")


class TestTimes:
    def test_a_time_of_another_class_becomes_a_plain_one_in_utc(self) -> None:
        class Stamp(datetime):
            pass

        from itagflow.model.moment import to_utc

        at = Stamp(2026, 11, 24, 9, 0, 0, 5, tzinfo=timezone(timedelta(hours=1)))
        stored = to_utc("job", "due_at", at)
        assert type(stored) is datetime
        assert stored == at
        assert stored.tzinfo is UTC
        assert type(to_utc("job", "due_at", Stamp(2026, 1, 1, tzinfo=UTC))) is datetime


def test_a_priority_is_whole_where_it_can_be() -> None:
    given = (2, 2.0, 0.5, -0.0, Fraction(1, 4), 2.0**53, 1e300)
    kept = [require_priority("the call", "priority", value) for value in given]
    assert kept == [2, 2, 0.5, 0, 0.25, 2**53, 1e300]
    assert [type(value) for value in kept] == [int, int, float, int, float, int, float]
    for wrong in (math.nan, math.inf, "1", None, True, 2**53 + 1, -(2**53) - 1):
        refused(
            lambda wrong=wrong: require_priority("the call", "priority", wrong),
            "the call: priority: must be",
        )
