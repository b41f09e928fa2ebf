"""Single values: numbers, names, choices, rankings, ratings, preferences, texts."""

from __future__ import annotations

import math
import sys

import pytest

from itagflow import Preference, Rating
from itagflow.templates import Option, Question, QuestionKind, Scale
from itagflow.validation import values

KEYS = (Option("a"), Option("b", children=(Option("b1"),)))
RADIO = Question("1", QuestionKind.RADIO, "Q", KEYS)
BOXES = Question("1", QuestionKind.CHECKBOX, "Q", KEYS)
TEXT = Question("1", QuestionKind.INPUT, "Q")
CODE = Question("1", QuestionKind.INPUT, "Q", rule=r"\d{2}", required=False)


@pytest.mark.parametrize(
    ("number", "is_finite", "is_whole"),
    [
        (1, True, True),
        (1.5, True, False),
        (True, False, False),
        (math.inf, False, False),
        (math.nan, False, False),
        (sys.float_info.max, True, False),
        (10**400, False, True),
        ("1", False, False),
        (None, False, False),
    ],
)
def test_a_number_is_finite_or_whole(number: object, is_finite: bool, is_whole: bool) -> None:
    assert values.is_finite(number) is is_finite
    assert values.is_integer(number) is is_whole


def test_a_name_is_a_text_that_can_be_stored() -> None:
    assert list(values.find_string_problems("p", "a")) == []
    assert [one.reason for one in values.find_string_problems("p", 3)] == [
        "needs a string, not int"
    ]
    assert len(list(values.find_string_problems("p", "\0"))) == 1


@pytest.mark.parametrize(
    ("question", "value", "words"),
    [
        (RADIO, "b1", ""),
        (RADIO, "c", "is not an option; the options are a, b, b1"),
        (RADIO, 1, "needs a string, not int"),
        (BOXES, ("a", "b1"), ""),
        (BOXES, "a", "needs several options"),
        (BOXES, (), "no option chosen"),
        (BOXES, ("a", "a"), "names an option twice"),
        (BOXES, ("a", []), "is not an option"),
        (TEXT, " ", "is empty"),
        (TEXT, "x" * (values.MAX_TEXT + 1), "characters long"),
        (TEXT, "\0", "NUL"),
        (CODE, "12", ""),
        (CODE, "", ""),
        (CODE, "123", "does not match the rule"),
    ],
)
def test_a_value_fits_its_question_or_says_why_not(
    question: Question, value: object, words: str
) -> None:
    found = [one.reason for one in values.find_value_problems(question, "p", value)]
    if words:
        assert len(found) == 1
        assert words in found[0]
    else:
        assert found == []


def test_a_ranking_has_every_option_once() -> None:
    assert list(values.find_ranking_problems(RADIO, "p", ("b1", "a", "b"))) == []
    assert [one.reason for one in values.find_ranking_problems(RADIO, "p", ("a",))] == [
        "leaves out b, b1: every option needs its rank"
    ]
    assert len(list(values.find_ranking_problems(RADIO, "p", ("a", "b", "b1", "a")))) == 1


@pytest.mark.parametrize(
    ("value", "fits"),
    [(1, True), (1.5, True), (5, True), (1.2, False), (5.5, False), (math.nan, False)],
)
def test_a_rating_is_on_its_scale(value: float, fits: bool) -> None:
    scale = Question("1", QuestionKind.RATING, "Q", scale=Scale(1, 5, 0.5))
    assert (list(values.find_rating_problems(scale, "p", Rating(value))) == []) is fits


@pytest.mark.parametrize(
    ("reply", "fits"),
    [
        (Preference("a", 3), True),
        (Preference("a", 4), False),
        (Preference("c", 1), False),
        (Preference(None, 1), True),
    ],
)
def test_a_preference_names_an_option_and_a_degree(reply: Preference, fits: bool) -> None:
    question = Question(
        "1", QuestionKind.PREFERENCE, "Q", (Option("a"), Option("b")), scale=Scale(1, 3, 1)
    )
    assert (list(values.find_preference_problems(question, "p", reply)) == []) is fits
