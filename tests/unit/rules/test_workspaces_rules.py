"""Who belongs to a workspace: joining, roles, leaving."""

from __future__ import annotations

from datetime import timedelta

import attrs
import pytest

from itagflow import AlreadyExists, InvalidData, NotAllowed, Role
from itagflow.model.workspace import is_paused
from itagflow.testing import make_member
from itagflow.testing.builders import AT
from itagflow.workspaces import rules

ADA = make_member(id=1, account="ada", role=Role.ADMIN)
BEN = make_member()


@pytest.mark.parametrize("name", ["", " ", "x" * (rules.MAX_NAME_LENGTH + 1), "a\0", "a\nb", 5])
def test_a_name_is_one_short_line(name: str) -> None:
    assert rules.require_name("member", "x" * rules.MAX_NAME_LENGTH) == "x" * rules.MAX_NAME_LENGTH
    with pytest.raises(InvalidData):
        rules.require_name("member", name)


def test_groups_are_several_names() -> None:
    assert rules.check_groups(["night", "day"]) == ("night", "day")
    with pytest.raises(InvalidData):
        rules.check_groups("night")
    with pytest.raises(InvalidData):
        rules.check_groups(["a\0"])


def test_who_left_comes_back_under_the_same_key() -> None:
    left = attrs.evolve(BEN, id=7, active=False)
    back = rules.join_member(left, attrs.evolve(BEN, id=99, role=Role.VIEWER))
    assert (back.id, back.active, back.role) == (7, True, Role.VIEWER)


def test_an_account_in_use_or_erased_is_taken() -> None:
    with pytest.raises(AlreadyExists):
        rules.join_member(BEN, BEN)
    erased = rules.erase_account(attrs.evolve(BEN, active=False), "erased-2")
    with pytest.raises(AlreadyExists):
        rules.join_member(erased, BEN)
    with pytest.raises(InvalidData, match="what is left of a name that was erased"):
        rules.join_member(None, make_member(account="erased-2"))


@pytest.mark.parametrize("role", list(Role))
def test_an_external_member_is_leader_or_operator(role: Role) -> None:
    wanted = make_member(role=role, external=True)
    if role in (Role.LEADER, Role.OPERATOR):
        assert rules.join_member(None, wanted) == wanted
    else:
        with pytest.raises(InvalidData, match="leader or operator"):
            rules.join_member(None, wanted)


def test_members_differ_in_what_was_given() -> None:
    other = attrs.evolve(BEN, role=Role.LEADER, groups=("b", "a"))
    same = attrs.evolve(BEN, groups=("a", "b"))
    assert rules.find_differences(same, other, ["role", "groups", "external"]) == ("role",)


def test_skills_are_for_members_who_are_there() -> None:
    able = rules.with_skills(attrs.evolve(BEN, skills={"a": 1}), {"b": 2})
    assert dict(able.skills) == {"b": 2.0}
    with pytest.raises(NotAllowed, match="may not be given skills: they were removed"):
        rules.with_skills(attrs.evolve(BEN, active=False), {"b": 2})


def test_a_workspace_keeps_an_administrator() -> None:
    second = attrs.evolve(ADA, id=9)
    for act in (
        lambda others: rules.remove_member(ADA, others),
        lambda others: rules.with_role(ADA, Role.VIEWER, (), external=False, others=others),
    ):
        with pytest.raises(NotAllowed, match="needs an administrator"):
            act([BEN])
        act([BEN, second])
    assert rules.with_role(ADA, Role.ADMIN, ("a",), external=False, others=[]).groups == ("a",)
    assert not rules.remove_member(BEN, []).active


def test_a_workspace_begins_with_its_administrator() -> None:
    first = rules.first_member(1, 5, "ada")
    assert (first.workspace, first.id, first.role) == (1, 5, Role.ADMIN)
    for name in ("", "erased-12", "erased-12-3"):
        with pytest.raises(InvalidData):
            rules.first_member(1, 5, name)


def test_only_who_was_removed_is_erased() -> None:
    with pytest.raises(NotAllowed, match="remove them first"):
        rules.erase_account(BEN, "erased-2")
    gone = rules.erase_account(attrs.evolve(BEN, active=False, groups=("night",)), "erased-2")
    assert (gone.id, gone.account, gone.groups) == (2, "erased-2", ())


def test_a_pause_lies_in_the_future_and_is_for_members_who_are_there() -> None:
    paused = rules.pause_member(BEN, None, AT)
    assert (paused.paused, paused.paused_until, is_paused(paused, AT)) == (True, None, True)
    later = AT + timedelta(hours=1)
    for_an_hour = rules.pause_member(BEN, later, AT)
    assert (is_paused(for_an_hour, AT), is_paused(for_an_hour, later)) == (True, False)
    with pytest.raises(InvalidData, match="must lie in the future"):
        rules.pause_member(BEN, AT, AT)
    with pytest.raises(NotAllowed, match="removed"):
        rules.pause_member(attrs.evolve(BEN, active=False), None, AT)
