"""Whether what is given is an answer to a template."""

from __future__ import annotations

import pytest

from itagflow import Box, Choice, Choices, Regions, Spans, Text, TextSpan, templates
from itagflow.templates import Question, QuestionKind
from itagflow.testing import make_task, make_template
from itagflow.validation import answers

CATS = make_template()
TWO = make_template(
    questions=(
        *CATS.questions,
        Question("2", QuestionKind.INPUT, "Name", required=False),
    )
)


def test_one_reply_is_short_for_the_answer_to_the_only_question() -> None:
    assert answers.normalize_replies(CATS, Choice("cat")) == {"1": Choice("cat")}
    assert answers.normalize_replies(TWO, Choice("cat")) is None


@pytest.mark.parametrize("given", [None, "cat", 5, ["cat"], {"1": "cat"}, {"1": None}])
def test_what_is_neither_replies_nor_a_reply_is_none(given: object) -> None:
    assert answers.normalize_replies(CATS, given) is None


def test_replies_come_in_the_order_of_the_template_and_strangers_last() -> None:
    given = {"9": Text("x"), "2": Text("y"), "1": Choice("cat")}
    fitted = answers.normalize_replies(TWO, given)
    assert fitted is not None
    assert list(fitted) == ["1", "2", "9"]


def test_the_text_of_a_span_comes_from_the_data() -> None:
    template = templates.entity_recognition(["who"])
    (field,) = template.fields
    task = make_task(row=f'{{"data": {{"{field}": "ben and cy"}}}}')
    fitted = answers.normalize_replies(template, Spans([TextSpan(0, 3, label="who")]), task)
    assert fitted is not None
    (reply,) = fitted.values()
    assert isinstance(reply, Spans)
    assert reply.spans[0].text == "ben"


@pytest.mark.parametrize(
    ("replies", "where"),
    [
        ({"1": Choice("cat")}, []),
        ({"1": Choice("cow")}, ["1"]),
        ({"1": Text("cat")}, ["1"]),
        ({}, ["1"]),
        ({"1": Choice("cat"), "9": Text("x")}, ["9"]),
        (None, [""]),
    ],
)
def test_everything_that_does_not_fit_has_its_path(replies: object, where: list[str]) -> None:
    assert [one.where for one in answers.find_problems(CATS, replies)] == where  # type: ignore[arg-type]


def test_a_question_that_is_not_required_may_stay_open() -> None:
    assert answers.find_problems(TWO, {"1": Choice("cat")}) == []


def test_a_reply_is_of_the_kind_that_the_question_asks_for() -> None:
    (question,) = CATS.questions
    assert list(answers.find_reply_problems(CATS, question, Choice("cat"), None)) == []
    (problem,) = answers.find_reply_problems(CATS, question, Text("cat"), None)
    assert "needs a Choice" in problem.reason


def test_a_label_is_mentioned_by_the_task_or_by_a_part() -> None:
    regions = Regions(
        [Box(1, 1, 2, 2, labels={"Kind": "car", "Marks": ("new",)})], width=9, height=9
    )
    assert answers.has_label({"1": Choice("cat")}, "cat")
    assert answers.has_label({"1": Choices(["a", "b"])}, "b")
    assert answers.has_label({"1": regions}, "car")
    assert answers.has_label({"1": regions}, "new")
    assert not answers.has_label({"1": Text("cat")}, "cat")
    assert not answers.has_label(None, "cat")
