"""At which place the option stood that was chosen."""

from __future__ import annotations

import pytest

from itagflow import Choice, Choices, Preference, Ranking, Text
from itagflow.measuring.position_rules import find_chosen
from itagflow.model import Option, Question, QuestionKind
from itagflow.model.reply import Reply
from itagflow.testing import make_answer

OPTIONS = [Option("a", children=[Option("a1"), Option("a2")]), Option("b"), Option("c")]
QUESTION = Question("1", QuestionKind.RADIO, "Which", OPTIONS, shuffle=True)
ORDER = ("c", "a", "a2", "a1", "b")


@pytest.mark.parametrize(
    ("reply", "chosen"),
    [
        (Choice("b"), "b"),
        (Choice("a1"), "a"),
        (Ranking(["c", "a", "b"]), "c"),
        (Preference("b"), "b"),
    ],
)
def test_the_option_and_the_order_of_the_outer_ones(reply: Reply, chosen: str) -> None:
    answer = make_answer(replies={"1": reply}, order={"1": ORDER})
    assert find_chosen(QUESTION, answer) == (("c", "a", "b"), chosen)


@pytest.mark.parametrize("reply", [Preference(None), Choices(["a"]), Choice("gone"), Text("a")])
def test_nothing_was_chosen(reply: Reply) -> None:
    assert find_chosen(QUESTION, make_answer(replies={"1": reply}, order={"1": ORDER})) is None


def test_no_order_was_shown_or_nothing_was_said() -> None:
    assert find_chosen(QUESTION, make_answer(replies={"1": Choice("a")})) is None
    assert find_chosen(QUESTION, make_answer(abandon_reason="dark")) is None
