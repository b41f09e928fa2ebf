"""A row of data: what it must have, what tells it apart, and what it may hold."""

from __future__ import annotations

import datetime as dt
import json
import math
from collections import ChainMap
from collections.abc import Callable
from enum import IntEnum, StrEnum
from fractions import Fraction
from types import MappingProxyType
from typing import Any

import pytest

from itagflow import GroupByField
from itagflow.errors import Problem
from itagflow.jobs import row_rules as rules
from itagflow.jobs.row_rules import PreparedRow
from itagflow.model import Row
from itagflow.testing import make_job, make_template

GOOD = {"data": {"source": "1.jpg", "id": 7, "street": "A"}}


def ready(item: object, **job: Any) -> PreparedRow | list[Problem]:
    return rules.prepare_row(item, 3, make_template(), make_job(**job))


def prepare(item: object, *, wrapped: bool) -> PreparedRow | list[Problem]:
    return rules.prepare_row(item, 3, make_template(), make_job(), wrapped=wrapped)


def reasons(item: object, **job: Any) -> list[tuple[str, str]]:
    found = ready(item, **job)
    assert isinstance(found, list)
    return [(problem.where, problem.reason) for problem in found]


def test_a_mapping_a_text_and_a_row_are_the_same() -> None:
    text = '{"data":{"source":"1.jpg","id":7,"street":"A"}}'
    for item in (text, f"  {text}\n", Row(text, line=9)):
        assert ready(item) == PreparedRow(text, "", "")
    made = ready(GOOD)
    assert isinstance(made, PreparedRow)
    assert '"1.jpg"' in made.text


def test_a_key_and_the_field_of_a_package_are_kept_with_the_row() -> None:
    made = ready(GOOD, row_key="id", packaging=GroupByField("street"))
    assert isinstance(made, PreparedRow)
    assert (made.row_key, made.value) == ("7", '"A"')


@pytest.mark.parametrize(
    ("item", "where", "words"),
    [
        ("{", "row 3", "is not JSON"),
        (Row("{", line=9), "line 9", "is not JSON"),
        ("[]", "row 3", "must be a JSON object"),
        ({}, "row 3, data.source", "is missing"),
        ({"data": None}, "row 3, data", "is missing"),
        ({"data": 1}, "row 3, data", "must be an object"),
        ({"data": {}}, "row 3, data.source", "is missing"),
        ({"data": {"source": {1}}}, "row 3", "is not JSON"),
        ({"data": {"source": "\0"}}, "row 3", "NUL"),
        ('{"data": {"source": "\\u0000"}}', "row 3", "NUL"),
        (5, "row 3", "must be a mapping of fields, a JSON text or a Row, not 5"),
    ],
)
def test_a_bad_row_is_told_where_and_why(item: object, where: str, words: str) -> None:
    ((place, reason),) = reasons(item)
    assert place == where
    assert words in reason


def test_an_escaped_backslash_before_u0000_is_text() -> None:
    assert isinstance(ready('{"data": {"source": "\\\\u0000"}}'), PreparedRow)


def test_what_a_reader_has_found_is_passed_on() -> None:
    problem = Problem("line 2", "is too long")
    assert ready(problem) == [problem]


def test_every_missing_field_is_named() -> None:
    found = reasons({"data": {}}, row_key="id", packaging=GroupByField("street"))
    assert [where for where, _ in found] == [
        "row 3, data.id",
        "row 3, data.source",
        "row 3, data.street",
    ]


def nested(levels: int) -> dict[str, Any]:
    """Return a row that is so many lists and objects deep, with its own and that of its fields."""
    value: Any = "1.jpg"
    for _ in range(levels - 2):
        value = [value]
    return {"data": {"source": value}}


@pytest.mark.parametrize(
    "item",
    [nested, lambda levels: nested(levels)["data"], lambda levels: json.dumps(nested(levels))],
)
def test_a_row_is_nested_up_to_a_limit(item: Callable[[int], Any]) -> None:
    assert isinstance(ready(item(rules.MAX_DEPTH)), PreparedRow)
    for levels in (rules.MAX_DEPTH + 1, 900):
        assert reasons(item(levels)) == [("row 3", "is nested more than 200 deep")]


def test_a_row_that_is_too_long_is_refused_before_it_is_parsed() -> None:
    for item in ("x" * (rules.MAX_ROW_CHARACTERS + 1), {"source": "x" * rules.MAX_ROW_CHARACTERS}):
        ((_, reason),) = reasons(item)
        assert f"characters long; at most {rules.MAX_ROW_CHARACTERS}" in reason


@pytest.mark.parametrize("number", ["1e999", "-1e999", "NaN", "Infinity", "9" * 400 + ".0"])
def test_an_infinite_number_is_in_no_row(number: str) -> None:
    ((where, reason),) = reasons(f'{{"data": {{"source": "1.jpg", "id": {number}}}}}')
    assert where == "row 3"
    assert "is not JSON" in reason
    assert reasons({"source": "1.jpg", "id": [float(number)]}) == [
        (
            "row 3",
            "is not JSON: NaN and Infinity are no numbers there; use null for what is missing",
        )
    ]


@pytest.mark.parametrize(
    ("key", "words"),
    [
        (None, "must be a text or a whole number"),
        (True, "must be a text or a whole number"),
        (1.0, "must be a text or a whole number"),
        ([1], "must be a text or a whole number"),
        (2**63, "is out of the range of 64 bits"),
        (-(2**63) - 1, "is out of the range of 64 bits"),
        ("", "is empty"),
        (" \t", "is empty"),
        ("x" * 5_000, "tells rows apart, and "),
    ],
)
def test_what_tells_no_rows_apart_is_no_key(key: object, words: str) -> None:
    ((where, reason),) = reasons({"source": "1.jpg", "id": key}, row_key="id")
    assert where == "row 3, data.id"
    assert words in reason


@pytest.mark.parametrize("key", [0, 2**63 - 1, -(2**63), "a b", "猫"])
def test_a_key_up_to_the_limits_is_kept(key: str | int) -> None:
    made = ready({"source": "1.jpg", "id": key}, row_key="id")
    assert isinstance(made, PreparedRow)
    assert made.row_key == str(key)


def test_keys_are_texts_alike_where_the_job_says_so() -> None:
    for key in (7, "7"):
        made = ready({"source": "1.jpg", "id": key}, row_key="id", row_key_type="text")
        assert isinstance(made, PreparedRow)
        assert made.row_key == '"7"'


def test_a_value_too_long_names_no_package() -> None:
    item = {"source": "1.jpg", "street": "x" * 5_000}
    ((where, reason),) = reasons(item, packaging=GroupByField("street"))
    assert where == "row 3, data.street"
    assert reason.startswith("names a package, and ")


def test_a_mapping_with_data_is_wrapped() -> None:
    assert rules.is_wrapped({"data": 1}) is True
    assert rules.is_wrapped(ChainMap({}, {"data": {}})) is True
    assert rules.is_wrapped({"source": "data"}) is False
    assert rules.is_wrapped({}) is False
    for item in ('{"data": {}}', Row('{"data": {}}'), ["data"], None):
        assert rules.is_wrapped(item) is None


def test_fields_may_stand_alone_as_long_as_they_do_in_all_rows() -> None:
    bare, wrapped = {"source": "1.jpg"}, {"data": {"source": "1.jpg"}}
    made = prepare(bare, wrapped=False)
    assert isinstance(made, PreparedRow)
    assert json.loads(made.text) == wrapped
    assert prepare(wrapped, wrapped=True) == made
    for item, before, words in ((bare, True, "is missing"), (wrapped, False, "has a field 'data'")):
        found = prepare(item, wrapped=before)
        assert isinstance(found, list)
        assert [problem.where for problem in found] == ["row 3, data"]
        assert found[0].reason.startswith(words)
    text = json.dumps(wrapped)
    assert prepare(text, wrapped=False) == PreparedRow(text, "", ""), "only mappings are alike"


@pytest.mark.parametrize("block", ["label-1", "label-1-check", "label-1-verify"])
def test_results_without_data_are_no_fields(block: str) -> None:
    ((where, reason),) = reasons({"source": "1.jpg", block: {}})
    assert where == "row 3, data"
    assert f"a row with results ({block}) has its fields in 'data'" in reason
    assert isinstance(ready({"source": "1.jpg", "label": 1, f"my-{block}": 2}), PreparedRow)
    assert isinstance(ready({"data": {"source": "1.jpg"}, block: {}}), PreparedRow)


class Level(IntEnum):
    HIGH = 3


class Animal(StrEnum):
    CAT = "cat"


@pytest.mark.parametrize(
    ("value", "plain"),
    [
        (None, None),
        (True, True),
        (10**400, 10**400),
        (Level.HIGH, 3),
        (Animal.CAT, "cat"),
        (Fraction(1, 2), 0.5),
        (dt.date(2026, 1, 2), "2026-01-02"),
        (dt.datetime(2026, 1, 2, 3, tzinfo=dt.UTC), "2026-01-02T03:00:00+00:00"),
        ((1, (2, [Level.HIGH])), [1, [2, [3]]]),
        (ChainMap({"a": (1,)}, {"b": MappingProxyType({})}), {"a": [1], "b": {}}),
        ({Animal.CAT: 1}, {"cat": 1}),
    ],
)
def test_a_value_becomes_what_json_has(value: object, plain: object) -> None:
    made = rules.to_plain("row 3", value)
    assert made == plain
    assert type(made) is type(plain)
    assert json.loads(json.dumps(made)) == plain, "nothing inside is of another type"


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ({1}, "it has a value of type set"),
        ([b"a"], "it has a value of type bytes"),
        ({"a": [object()]}, "it has a value of type object"),
        (1j, "it has a value of type complex"),
        (math.nan, "NaN and Infinity are no numbers"),
        ({"a": -math.inf}, "NaN and Infinity are no numbers"),
        (Fraction(10**400, 3), "NaN and Infinity are no numbers"),
        ({1: "a", "1": "b"}, "the name of a field must be a text, not 1"),
        ({"a": [{None: 1}]}, "the name of a field must be a text, not None"),
    ],
)
def test_what_json_has_not_is_refused_however_deep_it_is(value: object, words: str) -> None:
    ((where, reason),) = reasons({"source": "1.jpg", "x": value})
    assert where == "row 3"
    assert words in reason


def test_every_row_needs_the_fields_of_the_template_the_key_and_the_packages() -> None:
    template = make_template()
    assert rules.find_required_fields(template, make_job()) == {"source"}
    job = make_job(row_key="id", packaging=GroupByField("street"))
    assert rules.find_required_fields(template, job) == {"source", "id", "street"}
    same = make_job(row_key="source", packaging=GroupByField("source"))
    assert rules.find_required_fields(template, same) == {"source"}
    assert set(template.fields) == {"source"}, "the template's own fields are not added to"
