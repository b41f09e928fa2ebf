"""Workspaces, members and packages, read one by one."""

from __future__ import annotations

from typing import Any

import pytest
from support.scenes import cats, labeled, taken

import itagflow
from itagflow import Flow, NotAllowed, NotFound, Role


@pytest.fixture
def homes(flow: Flow) -> dict[str, itagflow.Workspace]:
    """Two workspaces: ada is an administrator in both, ben an operator in one."""
    found = {name: flow.workspaces.create(name, admin="ada") for name in ("street", "alley")}
    flow.members.add("street", "ben", Role.OPERATOR, by="ada")
    flow.members.add("street", "eve", Role.VIEWER, by="ada")
    flow.members.add("alley", "mo", Role.OPERATOR, by="ada")
    return found


def names(found: Any) -> list[str]:
    return [home.name for home in found]


class TestWorkspaces:
    @pytest.mark.parametrize("by", [None, "ada", "ben"])
    def test_get(self, flow: Flow, homes: dict[str, itagflow.Workspace], by: str | None) -> None:
        street = homes["street"]
        for ref in ("street", street.id, street):
            assert flow.workspaces.get(ref, by=by) == street

    def test_get_is_for_those_who_belong_there(
        self, flow: Flow, homes: dict[str, itagflow.Workspace]
    ) -> None:
        with pytest.raises(NotFound):
            flow.workspaces.get("street", by="mo")
        flow.members.remove("street", "ben", by="ada")
        with pytest.raises(NotAllowed, match="was removed"):
            flow.workspaces.get("street", by="ben")
        with pytest.raises(NotFound):
            flow.workspaces.get("nowhere")

    def test_list(self, flow: Flow, homes: dict[str, itagflow.Workspace]) -> None:
        assert names(flow.workspaces.list()) == ["street", "alley"]
        assert names(flow.workspaces.list(by="ada")) == ["street", "alley"]
        assert names(flow.workspaces.list(by="ben")) == ["street"]
        assert names(flow.workspaces.list(by="mo")) == ["alley"]
        here = flow.members.get("alley", "ada")
        assert names(flow.workspaces.list(by=here)) == ["alley"]
        assert names(flow.workspaces.list(by=here.id)) == ["alley"]

    def test_list_leaves_out_what_somebody_was_removed_from(
        self, flow: Flow, homes: dict[str, itagflow.Workspace]
    ) -> None:
        flow.members.add("alley", "ben", Role.OPERATOR, by="ada")
        assert names(flow.workspaces.list(by="ben")) == ["street", "alley"]
        flow.members.remove("street", "ben", by="ada")
        assert names(flow.workspaces.list(by="ben")) == ["alley"]
        flow.members.remove("alley", "ben", by="ada")
        with pytest.raises(NotAllowed, match="was removed"):
            flow.workspaces.list(by="ben")
        with pytest.raises(NotFound):
            flow.workspaces.list(by="nobody")


class TestMembers:
    def test_get(self, flow: Flow, homes: dict[str, itagflow.Workspace]) -> None:
        ben = flow.members.get("street", "ben")
        assert (ben.account, ben.role, ben.active) == ("ben", Role.OPERATOR, True)
        for by in ("ada", "eve", "ben"):
            assert flow.members.get(homes["street"], ben.id, by=by) == ben

    def test_get_of_another_is_for_who_sees_all(
        self, flow: Flow, homes: dict[str, itagflow.Workspace]
    ) -> None:
        with pytest.raises(NotAllowed):
            flow.members.get("street", "ada", by="ben")
        with pytest.raises(NotFound):
            flow.members.get("street", "mo")
        with pytest.raises(NotFound):
            flow.members.get("street", flow.members.get("alley", "mo"))

    def test_get_shows_who_was_removed(
        self, flow: Flow, homes: dict[str, itagflow.Workspace]
    ) -> None:
        gone = flow.members.remove("street", "ben", by="ada")
        assert flow.members.get("street", "ben", by="ada") == gone
        with pytest.raises(NotAllowed, match="was removed"):
            flow.members.get("street", "ben", by="ben")


class TestPackages:
    def test_get(self, flow: Flow) -> None:
        job = cats(flow)
        first, second = flow.packages.list(job)
        assert flow.packages.get(first) == flow.packages.get((job.id, 1), by="ada") == first
        labeled(flow, "ben", job)
        assert flow.packages.get(first).version > first.version
        assert flow.packages.get(second, by="ada") == second
        with pytest.raises(NotFound):
            flow.packages.get((job.id, 3))

    def test_get_is_for_who_has_an_assignment_there(self, flow: Flow) -> None:
        job = cats(flow)
        first, second = flow.packages.list(job)
        held = taken(flow, "ben", job)
        assert flow.packages.get(first, by="ben").number == 1
        for package, by in ((second, "ben"), (first, "cy")):
            with pytest.raises(NotAllowed):
                flow.packages.get(package, by=by)
        flow.release(held)
        with pytest.raises(NotAllowed):
            flow.packages.get(first, by="ben")
