"""JSON is strict, and nothing in it ends a line elsewhere."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest
from support.scenes import cats, rows, street

from itagflow import Flow, InvalidData, jsontext, templates
from itagflow.jsontext import standard

BREAKING = "\u2028\u2029\u0085\x7f\x80\x9f\x1c\x1d\x1e\x0b\x0c\n\r\x00"
WRITERS = [jsontext, standard]


@pytest.mark.parametrize("library", WRITERS, ids=lambda one: one.__name__)
def test_what_is_written_is_one_line_for_every_reader(library: Any) -> None:
    value = {"data": {BREAKING: [BREAKING, "猫", "a\x7f"]}}
    text = library.dumps(value)
    assert text.splitlines() == [text]
    assert json.loads(text) == value == library.loads(text)
    assert "猫" in text


@pytest.mark.parametrize("library", WRITERS, ids=lambda one: one.__name__)
@pytest.mark.parametrize(
    "number",
    [
        "NaN",
        "Infinity",
        "-Infinity",
        "1e400",
        "-1e400",
        "1E+999",
        "9" * 310 + ".5",
        "9" * 210 + "e99",
        "9" * 308 + ".5e1",
    ],
)
def test_no_number_is_infinite(library: Any, number: str) -> None:
    for text in (number, f'{{"a": [{number}]}}', f'{{"a": [{number}]}}'.encode()):
        with pytest.raises(ValueError, match="number"):
            library.loads(text)


@pytest.mark.parametrize("library", WRITERS, ids=lambda one: one.__name__)
def test_large_numbers_and_texts_that_look_like_them_are_read(library: Any) -> None:
    text = '{"a": [1e308, 1e-400, 1.5E+300, 12e99], "b": "1e400", "1e999": "' + "9" * 400 + '"}'
    assert library.loads(text) == json.loads(text)


@pytest.mark.parametrize("library", WRITERS, ids=lambda one: one.__name__)
@pytest.mark.parametrize("number", [float("nan"), float("inf"), float("-inf")])
def test_none_is_written(library: Any, number: float) -> None:
    with pytest.raises(ValueError, match="float"):
        library.dumps({"a": [number]})


@pytest.mark.parametrize("bad", ["NaN", "Infinity", "-Infinity", "1e400"])
def test_rows_as_text_are_refused_as_mappings_are(flow: Flow, bad: str) -> None:
    """As a text they were stored and exported."""
    street(flow)
    template = templates.image_classification(["cat"])
    for row in (
        f'{{"data": {{"source": "a", "n": {bad}}}}}',
        {"data": {"source": "a", "n": float(bad)}},
    ):
        with pytest.raises(InvalidData):
            flow.jobs.create("street", "new", template=template, data=[row], by="ada")
    assert list(flow.jobs.list("street")) == []


def test_lines_of_a_manifest_hold_one_row_each_for_readers_that_split_lines(flow: Flow) -> None:
    data: list[Any] = [
        {"data": {"source": f"{BREAKING[:-1]}{row['data']['source']}"}} for row in rows(3)
    ]
    job = cats(flow, data=data)
    target = io.BytesIO()
    flow.results.export(job, "itag", target)
    lines = target.getvalue().decode().splitlines()
    assert [json.loads(line)["data"] for line in lines] == [row["data"] for row in data]


def test_notes_keep_what_people_write(flow: Flow) -> None:
    text = "a\u2028b\u0085c\x7f"
    job = flow.jobs.update(cats(flow), by="ada", remark=text, tags=[text], guideline=text)
    again = flow.jobs.get(job)
    assert (again.remark, again.tags, again.guideline) == (text, (text,), text)


@pytest.mark.parametrize("library", WRITERS, ids=lambda one: one.__name__)
def test_a_control_character_is_escaped_in_a_text_of_ascii_too(library: Any) -> None:
    assert library.dumps("a\x7fb") == '"a\\u007fb"'
