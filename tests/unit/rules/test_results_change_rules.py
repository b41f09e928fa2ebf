"""Which results may have changed, by the events behind a position."""

from __future__ import annotations

from typing import Any

import pytest

from itagflow import Result, Selection, TaskState
from itagflow.model.event import TYPES, Event
from itagflow.model.export import Export
from itagflow.results import change_rules
from itagflow.results.change_rules import (
    Changes,
    build_removal,
    find_differences,
    find_removal,
    may_have_been_selected,
)
from itagflow.testing import make_event, make_task
from itagflow.testing.builders import AT

LOADED: dict[str, Any] = {"data": {"rows": [1, 12], "packages": [4, 6]}}


def changes(*events: Event, for_member: bool = False) -> Changes:
    found = Changes(for_member=for_member)
    for event in events:
        found.apply(event)
    return found


def result(state: TaskState = TaskState.FINAL, **task: Any) -> Result:
    return Result(task=make_task(3, **task), state=state, stages={})


class TestWhatMayHaveChanged:
    def test_nothing_without_events(self) -> None:
        found = changes()
        assert (found.take_block(1), found.is_everything) == ((), False)
        assert not found.is_new(make_task(1))

    def test_the_packages_that_events_are_about_each_once_and_in_order(self) -> None:
        found = changes(*(make_event("submit", package=number) for number in (7, 2, 7, 3)))
        assert found.take_block(1) == (2, 3, 7)
        assert found.take_block(3) == (3, 7)
        assert found.take_block(8) == ()

    def test_not_those_that_were_only_talked_about(self) -> None:
        for verb in ("comment", "resolve_comment", "renew"):
            assert changes(make_event(verb, package=2)).take_block(1) == ()

    @pytest.mark.parametrize("verb", ["load", "append", "add"])
    def test_what_was_loaded_is_new(self, verb: str) -> None:
        found = changes(make_event(verb, **LOADED))
        assert found.take_block(1) == (4, 5, 6)
        assert [found.is_new(make_task(1, package=number)) for number in (3, 4, 9)] == [
            *(False, True, True)
        ]

    @pytest.mark.parametrize(
        ("verb", "for_application", "for_member"),
        [
            ("finish", False, False),
            ("export", False, False),
            ("set_workforce", False, True),
            ("update_job", False, True),
            ("raise_votes", True, True),
            ("change_template", True, True),
            ("erase_member", True, True),
            ("an act of a later version", True, True),
        ],
    )
    def test_what_is_about_a_whole_job(
        self, verb: str, for_application: bool, for_member: bool
    ) -> None:
        event = make_event(verb)
        assert changes(event).is_everything is for_application
        assert changes(event, for_member=True).is_everything is for_member

    def test_what_is_known_to_leave_results_alone_is_an_act(self) -> None:
        named = change_rules._WITHOUT_EFFECT | change_rules._ABOUT_SECRETS
        assert named <= TYPES

    def test_a_block_has_no_more_than_a_query_takes(self) -> None:
        found = changes(make_event("append", data={"rows": [1, 1], "packages": [1, 1_200]}))
        sizes, start = [], 1
        while block := found.take_block(start):
            sizes.append(len(block))
            start = block[-1] + 1
        assert sizes == [500, 500, 200]


class TestWhatIsTakenOut:
    @pytest.mark.parametrize(
        ("found", "where", "reason"),
        [
            (result(), None, ""),
            (result(), Selection(state="final"), ""),
            (result(TaskState.TODO), Selection(state="final"), "unselected"),
            (result(TaskState.WITHDRAWN), None, "withdrawn"),
            (result(TaskState.WITHDRAWN), Selection(state="final"), "withdrawn"),
            (result(version=1), None, "erased"),
            (result(TaskState.WITHDRAWN, version=1), None, "erased"),
        ],
    )
    def test_why(self, found: Result, where: Selection | None, reason: str) -> None:
        assert find_removal(found, where) == reason

    def test_nothing_that_was_said_goes_with_it(self) -> None:
        found = result(row='{"data":{"source":"secret.jpg"}}', row_key_text="a7")
        removal = build_removal(found, "withdrawn")
        assert (removal.removed, removal.task.number, removal.task.row_key) == (
            "withdrawn",
            3,
            "a7",
        )
        assert "secret" not in removal.task.row
        assert (removal.stages, removal.provenance, removal.votes) == ({}, (), ())

    @pytest.mark.parametrize(
        ("where", "may_be"),
        [
            (None, True),
            (Selection(label="cat"), True),
            (Selection(package=1), True),
            (Selection(package=2), False),
            (Selection(field={"source": "3.jpg"}), True),
            (Selection(field={"source": "4.jpg"}), False),
        ],
    )
    def test_only_what_an_earlier_file_can_have(
        self, where: Selection | None, may_be: bool
    ) -> None:
        task = make_task(3, package=1, row='{"data":{"source":"3.jpg"}}')
        assert may_have_been_selected(task, where) is may_be

    def test_of_what_was_erased_only_the_package_is_known(self) -> None:
        task = make_task(3, package=1, version=1)
        assert may_have_been_selected(task, Selection(field={"source": "3.jpg"}))
        assert not may_have_been_selected(task, Selection(package=2))


def test_what_another_export_had_differently() -> None:
    export = Export(
        position=9,
        at=AT,
        job=4,
        member=0,
        format="csv",
        target="a.csv",
        rows=1,
        sha256="ab",
        size=1,
        jobs=(4,),
    )
    assert find_differences(export, {"format": "csv", "jobs": (4,)}) == []
    (problem,) = find_differences(export, {"format": "csv", "jobs": (4, 5)})
    assert str(problem) == "since: is an export with the jobs (4,), and this one has (4, 5)"
