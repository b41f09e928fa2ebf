"""The versions of the answers to a task, as the history tells them."""

from __future__ import annotations

import pytest

from itagflow import Choice
from itagflow.model.event import FieldChange
from itagflow.results.version_rules import Storing, build_versions, find_made, stores_answer
from itagflow.testing import make_answer, make_event

CAT, DOG = {"1": Choice("cat")}, {"1": Choice("dog")}


@pytest.mark.parametrize(
    ("event", "stores"),
    [
        (make_event("save", task=1), True),
        (make_event("restore_version", task=1), True),
        (make_event("save", task=2), False),
        (make_event("erase_task", task=1), False),
        (make_event("save", data={"answered": [2, 1]}), True),
        (make_event("reject", data={"answered": [2]}), False),
        (make_event("submit"), False),
    ],
)
def test_an_event_stores_an_answer_to_the_tasks_that_it_names(event: object, stores: bool) -> None:
    assert stores_answer(event, 1) is stores  # type: ignore[arg-type]


def test_an_event_makes_the_assignments_that_had_no_state_before() -> None:
    changes = (
        FieldChange("assignment", (4, 5), "state", "held", "done"),
        FieldChange("assignment", (4, 6), "state", None, "done"),
        FieldChange("assignment", (4, 6), "round", None, 1),
        FieldChange("package", (4, 1), "state", None, "label"),
    )
    assert find_made(make_event("submit", changes=changes)) == [6]


def test_each_version_has_the_position_of_what_stored_it() -> None:
    old, new = make_answer(replies=CAT), make_answer(replies=DOG, version=1)
    merged = make_answer(replies=CAT, assignment=6, member=None)
    versions = build_versions(
        [Storing(10, 5, None), Storing(12, 5, old)], {6: 20}, {5: new, 6: merged}, {5, 6}
    )
    assert [(v.answer, v.number, v.position, v.is_current) for v in versions] == [
        (old, 1, 10, False),
        (new, 2, 12, True),
        (merged, 1, 20, True),
    ]


def test_what_is_not_visible_is_left_out() -> None:
    versions = build_versions([], {}, {5: make_answer(), 6: make_answer(assignment=6)}, {6})
    assert [(version.answer.assignment, version.position) for version in versions] == [(6, 0)]


def test_an_answer_of_nobody_that_was_changed_begins_with_its_assignment() -> None:
    old, new = make_answer(assignment=6, replies=CAT), make_answer(assignment=6, version=1)
    versions = build_versions([Storing(30, 6, old)], {6: 20}, {6: new}, {6})
    assert [version.position for version in versions] == [20, 30]
