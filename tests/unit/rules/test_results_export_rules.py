"""What the event of an export says, and how it is read again."""

from __future__ import annotations

from datetime import UTC, datetime
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from itagflow import Selection, Stage
from itagflow.results import export_rules as rules
from itagflow.results.export_rules import WrittenFile
from itagflow.testing import make_event

FILE = WrittenFile(
    format="csv", target="a.csv", sha256="ab12", size=9, stages=[Stage.LABEL], jobs=(4, 5)
)


@given(st.sets(st.integers(1, 10**6)).map(sorted))
def test_the_numbers_of_tasks_come_back(numbers: list[int]) -> None:
    assert list(rules.parse_tasks(rules.format_tasks(numbers))) == numbers


def test_many_numbers_with_holes_take_a_bit_for_each_task() -> None:
    draw = Random(7)
    numbers = [number for number in range(1, 20_000) if draw.random() < 0.5]
    text = rules.format_tasks(numbers)
    assert len(text) < 20_000 / 8 * 4 / 3 + 100
    assert list(rules.parse_tasks(text)) == numbers
    assert rules.format_tasks(range(1, 1_000_001)) == "1-1000000"


def test_an_event_says_what_is_in_the_file() -> None:
    where = Selection(label="cat")
    data = rules.build_export_data(FILE, "cats", [1, 2, 7], where)
    event = make_event("export", data=data, job=4, member=3)
    found = rules.build_export(event)
    assert (found.format, found.target, found.rows, found.size) == ("csv", "a.csv", 3, 9)
    assert (found.jobs, found.stages, found.where) == ((4, 5), ("label",), {"label": "cat"})
    assert (found.job, found.member, found.at) == (4, 3, event.at)
    assert [number for number in range(9) if rules.holds_task(event, number)] == [1, 2, 7]


@pytest.mark.parametrize(
    ("selection", "described"),
    [
        (Selection(), {}),
        (Selection(state="final", stage="label"), {"state": "final", "stage": "label"}),
        (Selection(member=4, package=2), {"member": 4, "package": 2}),
        (Selection(template_version=0), {"template_version": 0}),
        (
            Selection(since=datetime(2026, 11, 24, tzinfo=UTC)),
            {"since": "2026-11-24T00:00:00+00:00"},
        ),
        (Selection(field={"site": "north"}), {"field": {"site": "north"}}),
    ],
)
def test_a_selection_as_plain_json(selection: Selection, described: dict[str, object]) -> None:
    assert rules.describe_selection(selection) == described
