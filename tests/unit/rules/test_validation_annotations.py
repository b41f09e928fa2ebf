"""What is asked about the parts of a reply, and which questions apply."""

from __future__ import annotations

from typing import Any

import attrs

from itagflow import Box, Choice, Choices, Regions, Text, templates
from itagflow.templates import Option, Question, QuestionKind
from itagflow.validation import annotations

KIND = Question("1", QuestionKind.RADIO, "Kind", (Option("car"), Option("sign")))
MARKS = Question("1", QuestionKind.PICTURE, "Marks", children=(KIND,))
BOXES = Regions([Box(1, 1, 2, 2, label="car"), Box(3, 3, 2, 2)], width=9, height=9)
CHILD = Question("2", QuestionKind.INPUT, "Why", when=("dog",))
ASKED = Question(
    "1", QuestionKind.RADIO, "Animal", (Option("cat"), Option("dog")), children=(CHILD,)
)


def test_each_part_has_a_path_and_what_is_asked_about_it() -> None:
    found = list(annotations.walk_annotations(MARKS, BOXES))
    assert [path for path, _, _ in found] == ["1.regions[0]", "1.regions[1]"]
    assert {asked for _, asked, _ in found} == {(KIND,)}
    assert list(annotations.iter_annotations(BOXES)) == list(BOXES.regions)
    assert list(annotations.iter_annotations(Choice("cat"))) == []


def test_a_short_label_is_written_under_the_title_of_the_only_question() -> None:
    written: Any = annotations.expand_labels(MARKS, BOXES)
    assert [dict(part.labels) for part in written.regions] == [{"Kind": "car"}, {}]
    assert annotations.expand_labels(MARKS, written) is written
    two = attrs.evolve(MARKS, children=(KIND, attrs.evolve(KIND, id="2", title="Other")))
    assert annotations.expand_labels(two, BOXES) is BOXES


def test_labels_are_edited_where_they_change() -> None:
    written: Any = annotations.expand_labels(MARKS, BOXES)
    same = annotations.edit_labels(MARKS, written, lambda _, labels: labels)
    assert same is written
    upper: Any = annotations.edit_labels(
        MARKS, written, lambda _, labels: {title: str(key).upper() for title, key in labels.items()}
    )
    assert [dict(part.labels) for part in upper.regions] == [{"Kind": "CAR"}, {}]


def applies(reply: object) -> bool:
    replies = {"1": reply}
    found = {
        q.id: on for q, _, on in annotations.walk_questions(ASKED, lambda q: replies.get(q.id))
    }
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
    assert annotations.is_dependent_asked(anyway, Choice("cat"))
    assert not annotations.is_dependent_asked(anyway, None)
    assert annotations.is_dependent_asked(CHILD, Choice("dog"))
    assert not annotations.is_dependent_asked(CHILD, Choice("cat"))


def test_why_a_question_is_not_asked_names_its_options() -> None:
    assert annotations.explain_not_asked(CHILD) == (
        "the question 'Why' is only asked when 'dog' of the question before is chosen"
    )
    assert "an option of the question before" in annotations.explain_not_asked(
        attrs.evolve(CHILD, when=())
    )


def test_what_is_wrong_with_a_part_has_its_path() -> None:
    template = templates.object_detection(["car", "sign"])
    question = template.questions[0]
    title = question.children[0].title

    def where(**part: Any) -> list[str]:
        reply = Regions([Box(1, 1, 2, 2, **part)], width=9, height=9)
        return [problem.where for problem in annotations.find_annotation_problems(question, reply)]

    path = f"{question.id}.regions[0]"
    assert where(labels={title: "car"}) == []
    assert [place.startswith(path) for place in where(labels={title: "cow"})] == [True]
    assert where() == [f"{path}.labels"]
    assert where(label="car") == [f"{path}.label"]
    assert [place.startswith(path) for place in where(labels={"Nothing": "car"})][:1] == [True]
