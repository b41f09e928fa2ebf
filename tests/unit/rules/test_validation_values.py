"""Single values: counts, choices, rankings, ratings, preferences, texts."""

from __future__ import annotations

import pytest

from itagflow import Preference, Rating
from itagflow.errors import Problem
from itagflow.templates import Option, Question, QuestionKind, Scale
from itagflow.validation import values

KEYS = (Option("a"), Option("b", children=(Option("b1"),)))
THREE = (Option("a"), Option("b"), Option("c"))
RADIO = Question("1", QuestionKind.RADIO, "Q", KEYS)
BOXES = Question("1", QuestionKind.CHECKBOX, "Q", KEYS)
TEXT = Question("1", QuestionKind.INPUT, "Q")
CODE = Question("1", QuestionKind.INPUT, "Q", rule=r"\d{2}", required=False)


@pytest.mark.parametrize(
    ("least", "most", "count", "reason"),
    [
        (0, None, 0, None),
        (0, None, 10**6, None),
        (2, None, 1, "must be at least 2, not 1"),
        (2, None, 2, None),
        (0, 3, 3, None),
        (0, 3, 4, "must be at most 3, not 4"),
        (2, 2, 1, "must be at least 2, not 1"),
        (2, 2, 2, None),
        (2, 2, 3, "must be at most 2, not 3"),
    ],
)
def test_there_are_as_many_as_the_question_asks_for(
    least: int, most: int | None, count: int, reason: str | None
) -> None:
    question = Question("1", QuestionKind.CHECKBOX, "Q", THREE, min_count=least, max_count=most)
    expected = [] if reason is None else [Problem("1.regions", reason)]
    assert list(values.find_count_problems("1.regions", question, count)) == expected


def test_options_are_counted_too() -> None:
    two = Question("1", QuestionKind.CHECKBOX, "Q", THREE, min_count=2, max_count=2)
    assert list(values.find_value_problems(two, "p", ("a", "c"))) == []
    for keys, reason in (
        (("a",), "must be at least 2, not 1"),
        (("a", "b", "c"), "must be at most 2, not 3"),
    ):
        assert list(values.find_value_problems(two, "p", keys)) == [Problem("p", reason)]


@pytest.mark.parametrize(
    ("question", "value", "words"),
    [
        (RADIO, "b1", ""),
        (RADIO, "c", "is not an option; the options are a, b, b1"),
        (RADIO, 1, "needs one value, not 1"),
        (RADIO, None, "needs one value, not None"),
        (TEXT, ("a",), "needs one value"),
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
    [(1, True), (1.5, True), (5, True), (1.2, False), (0.5, False), (5.5, False)],
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
