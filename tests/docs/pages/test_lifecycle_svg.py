"""The diagrams of lifecycles: they show every step of their table, and are well-formed."""

from __future__ import annotations

from typing import Any
from xml.etree import ElementTree as ET

import pytest
from docs.building.lifecycle_svg import describe, draw, group, is_apart, place_lanes

from itagflow import Accept, Inspect, Label, Stage, Workflow
from itagflow.lifecycle.tables import ASSIGNMENT, JOB, get_package_lifecycle

SVG = "{http://www.w3.org/2000/svg}"
FULL = get_package_lifecycle(Workflow(Label(), Inspect(), Accept()))
BACK = get_package_lifecycle(Workflow(Label(), Inspect(), Accept(reject_to=Stage.INSPECT)))
TABLES: list[Any] = [JOB, FULL, BACK, ASSIGNMENT]


@pytest.mark.parametrize("table", TABLES)
def test_every_state_and_every_event_is_drawn(table: Any) -> None:
    drawing = ET.fromstring(draw(table, "A lifecycle"))
    texts = [element.text or "" for element in drawing.iter(f"{SVG}text")]
    assert {state.value for state in table.states} <= set(texts)
    shown = {word for text in texts for word in text.removeprefix("stays: ").split(", ")}
    assert {step.event for step in table.steps} <= shown
    (title,) = drawing.iter(f"{SVG}title")
    assert title.text == "A lifecycle"
    (told,) = drawing.iter(f"{SVG}desc")
    assert (told.text or "").split("; ") == [describe(step) for step in table.steps]


@pytest.mark.parametrize("table", TABLES)
def test_everything_is_inside_the_picture(table: Any) -> None:
    drawing = ET.fromstring(draw(table, ""))
    width, height = map(float, drawing.attrib["viewBox"].split()[2:])
    for element in drawing.iter(f"{SVG}text"):
        half = len(element.text or "") * 7.2 / 2
        assert half <= float(element.attrib["x"]) <= width - half, element.text
        assert 0 < float(element.attrib["y"]) < height


@pytest.mark.parametrize("table", TABLES)
def test_lines_in_a_lane_do_not_meet(table: Any) -> None:
    lines = group(table.steps, list(table.states))
    lanes = place_lanes(lines)
    assert {line for lane in lanes for line in lane} == set(lines)
    for lane in lanes:
        for number, line in enumerate(lane):
            assert all(is_apart(line, other) for other in lane[number + 1 :])


def test_what_leads_to_one_state_from_several_is_one_line() -> None:
    lines = group(ASSIGNMENT.steps, list(ASSIGNMENT.states))
    (returning,) = [line for line in lines if "release" in line.events]
    assert returning.events == ("release", "expire", "reassign", "recall")
    assert (returning.sources, returning.target) == ((0, 1), 3)
    assert (returning.top, returning.bottom) == (0, 3)
