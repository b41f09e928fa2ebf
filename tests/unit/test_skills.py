"""Skills of members, and the field whose value names one."""

from __future__ import annotations

from typing import Any

import pytest

from itagflow import Field, InvalidData
from itagflow.model import skills
from itagflow.testing import make_member

LANG = Field("lang", skill="lang:{}")


def test_numbers_by_name() -> None:
    assert dict(skills.require_skills("ben", {"lang:de": 1})) == {"lang:de": 1.0}
    assert make_member().skills == {}


@pytest.mark.parametrize(
    "wrong",
    [
        None,
        ["lang:de"],
        "lang:de",
        {"": 1},
        {"a\nb": 1},
        {3: 1},
        {"a": "1"},
        {"a": True},
        {"a": float("nan")},
        {"a": float("inf")},
        {"\u00e9": 1, "e\u0301": 2},
        {"x" * 3_000: 1},
    ],
)
def test_what_is_no_skills(wrong: Any) -> None:
    with pytest.raises(InvalidData, match="skills"):
        skills.require_skills("ben", wrong)


@pytest.mark.parametrize("wrong", ["lang", "{}{}", "", None, 3, "a\n{}"])
def test_what_names_no_skill(wrong: Any) -> None:
    with pytest.raises(InvalidData, match="skill: "):
        Field("lang", skill=wrong)


def test_values_that_skills_name() -> None:
    theirs = {"lang:de": 1, "lang:7": 1, "lang:": 1, "radiology": 80, "language:fr": 1}
    assert skills.list_values(LANG, theirs) == ('"7"', '"de"', "7", "null")
    level = Field("lang", skill="{}-reader", least=50)
    assert skills.list_values(level, {"de-reader": 49.9, "fr-reader": 50, "-reader": 99}) == (
        '"fr"',
        "null",
    )


def test_one_place_decides() -> None:
    assert skills.is_met(LANG, {"lang:de": 0}, '"de"')
    assert not skills.is_met(LANG, {"lang:fr": 1}, '"de"')
    assert skills.is_met(LANG, {}, skills.NO_VALUE), "what was erased needs nothing"


def test_the_name_of_a_skill() -> None:
    assert skills.name_skill(LANG, '"de"') == "lang:de"
    assert skills.name_skill(LANG, "7") == "lang:7"
    assert skills.count_by_skill(LANG, {"7": 2, '"7"': 3, '"de"': 1}) == {
        "lang:7": 5,
        "lang:de": 1,
    }


def test_a_list_of_skills() -> None:
    assert skills.list_skills({"b": 2}) == "the skill b"
    assert skills.list_skills({"a": 1, "b": 2}) == "the skills b (2), a (1)"
    many = {f"s{number}": 1 for number in range(7)}
    assert skills.list_skills(many).endswith("s4 (1), 2 more")
