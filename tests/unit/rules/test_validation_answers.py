"""Whether what is given is an answer to a template."""

from __future__ import annotations

from typing import Any

import attrs
import pytest

from itagflow import Box, Choice, Choices, Regions, Spans, Text, TextSpan, templates
from itagflow.templates import Option, Question, QuestionKind
from itagflow.testing import make_task, make_template
from itagflow.validation import answers
from itagflow.validation.answers import (
    edit_labels,
    expand_labels,
    explain_not_asked,
    find_annotation_problems,
    is_dependent_asked,
    iter_annotations,
    walk_questions,
)

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


KIND = Question("1", QuestionKind.RADIO, "Kind", (Option("car"), Option("sign")))
MARKS = Question("1", QuestionKind.PICTURE, "Marks", children=(KIND,))
BOXES = Regions([Box(1, 1, 2, 2, label="car"), Box(3, 3, 2, 2)], width=9, height=9)
CHILD = Question("2", QuestionKind.INPUT, "Why", when=("dog",))
ASKED = Question(
    "1", QuestionKind.RADIO, "Animal", (Option("cat"), Option("dog")), children=(CHILD,)
)


def test_the_parts_of_a_reply_are_what_it_marks() -> None:
    assert list(iter_annotations(BOXES)) == list(BOXES.regions)
    assert list(iter_annotations(Choice("cat"))) == []


def test_a_short_label_is_written_under_the_title_of_the_only_question() -> None:
    written: Any = expand_labels(MARKS, BOXES)
    assert [dict(part.labels) for part in written.regions] == [{"Kind": "car"}, {}]
    assert expand_labels(MARKS, written) is written
    two = attrs.evolve(MARKS, children=(KIND, attrs.evolve(KIND, id="2", title="Other")))
    assert expand_labels(two, BOXES) is BOXES


def test_labels_are_edited_where_they_change() -> None:
    written: Any = expand_labels(MARKS, BOXES)
    same = edit_labels(MARKS, written, lambda _, labels: labels)
    assert same is written
    upper: Any = edit_labels(
        MARKS, written, lambda _, labels: {title: str(key).upper() for title, key in labels.items()}
    )
    assert [dict(part.labels) for part in upper.regions] == [{"Kind": "CAR"}, {}]


def applies(reply: object) -> bool:
    replies = {"1": reply}
    found = {q.id: on for q, _, on in walk_questions(ASKED, lambda q: replies.get(q.id))}
    assert found["1"]
    return found["2"]


def test_a_dependent_question_applies_when_its_option_is_chosen() -> None:
    assert applies(Choice("dog"))
    assert applies(Choices(["cat", "dog"]))
    assert not applies(Choice("cat"))
    assert not applies(None)
    assert not applies(Text("dog"))


def test_it_applies_by_a_label_too_which_is_a_plain_key() -> None:
    assert applies("dog")
    assert applies(("cat", "dog"))
    assert not applies("cat")
    for anything in ((), (["dog"], None), 5, ["dog"]):  # a screen may send it
        assert not applies(anything)


def test_without_options_of_its_own_any_choice_leads_to_it() -> None:
    anyway = attrs.evolve(CHILD, when=())
    assert is_dependent_asked(anyway, Choice("cat"))
    assert not is_dependent_asked(anyway, None)
    assert is_dependent_asked(CHILD, Choice("dog"))
    assert not is_dependent_asked(CHILD, Choice("cat"))


def test_why_a_question_is_not_asked_names_its_options() -> None:
    assert explain_not_asked(CHILD) == (
        "the question 'Why' is only asked when 'dog' of the question before is chosen"
    )
    assert "an option of the question before" in explain_not_asked(attrs.evolve(CHILD, when=()))


def test_what_is_wrong_with_a_part_has_its_path() -> None:
    template = templates.object_detection(["car", "sign"])
    question = template.questions[0]
    title = question.children[0].title

    def where(**part: Any) -> list[str]:
        reply = Regions([Box(1, 1, 2, 2, **part)], width=9, height=9)
        return [problem.where for problem in find_annotation_problems(question, reply)]

    path = f"{question.id}.regions[0]"
    assert where(labels={title: "car"}) == []
    assert [place.startswith(path) for place in where(labels={title: "cow"})] == [True]
    assert where() == [f"{path}.labels"]
    assert where(label="car") == [f"{path}.label"]
    assert [place.startswith(path) for place in where(labels={"Nothing": "car"})][:1] == [True]
