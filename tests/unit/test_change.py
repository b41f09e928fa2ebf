"""Changes: what the event says follows from what is added and saved."""

from __future__ import annotations

import attrs
import pytest

from itagflow import AssignmentState, InvalidData, PackageState
from itagflow.model.change import Context, record
from itagflow.testing import make_assignment, make_job, make_member, make_package, make_task
from itagflow.testing.builders import AT

CTX = Context(AT, workspace=1, member=2)


def moves(change: object) -> list[tuple[object, ...]]:
    return [
        (move.kind, move.key, move.field, move.before, move.after)
        for move in change.event.changes  # type: ignore[attr-defined]
    ]


def test_an_event_has_the_place_of_what_it_is_about() -> None:
    for about, place in (
        (None, (0, 0, 0)),
        (make_job(), (4, 0, 0)),
        (make_package(3), (4, 3, 0)),
        (make_assignment(id=6, package=3), (4, 3, 6)),
    ):
        event = record(CTX, "claim", about=about).event
        assert (event.job, event.package, event.assignment) == place
        assert (event.at, event.workspace, event.member) == (AT, 1, 2)


def test_only_fields_that_differ_are_in_the_event() -> None:
    before = make_package()
    after = attrs.evolve(before, state=PackageState.INSPECT, priority=9)
    change = record(CTX, "submit", about=before, save=[(before, after)])
    assert moves(change) == [("package", (4, 1), "state", "label", "inspect")]
    assert change.save == ((before, after),)


def test_a_new_assignment_begins_with_each_of_its_tracked_fields() -> None:
    new = make_assignment(state=AssignmentState.OFFERED)
    change = record(CTX, "assign", add=[new])
    assert moves(change) == [
        ("assignment", (4, 5), "state", None, "offered"),
        ("assignment", (4, 5), "member", None, 2),
        ("assignment", (4, 5), "round", None, 1),
    ]


def test_packages_and_tasks_that_are_added_are_not_named_one_by_one() -> None:
    change = record(CTX, "load", add=[make_package(), make_task()])
    assert moves(change) == []
    assert len(change.add) == 2


def test_a_member_is_tracked_by_role_and_activity() -> None:
    member = make_member()
    gone = attrs.evolve(member, active=False, groups=("night",))
    change = record(CTX, "remove_member", save=[(member, gone)])
    assert moves(change) == [("member", member.key, "active", True, False)]


@pytest.mark.parametrize("name", ["comment", "reason"])
def test_a_comment_that_no_database_keeps_is_refused(name: str) -> None:
    with pytest.raises(InvalidData, match=f"the {name} to release"):
        record(CTX, "release", data={name: "a\0b"})
    assert record(CTX, "release", data={name: "a b"}).event.data == {name: "a b"}
