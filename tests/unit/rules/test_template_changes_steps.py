"""Steps make another template of one, or are refused with their place."""

from __future__ import annotations

import attrs
import pytest

from itagflow import InvalidData, templates
from itagflow.model.template import View, ViewKind
from itagflow.template_changes import steps
from itagflow.templates import (
    AddOption,
    AddQuestion,
    DropOption,
    DropQuestion,
    Option,
    Question,
    QuestionKind,
    RenameOption,
    RenameQuestion,
)
from itagflow.testing import make_template

CATS = make_template()
BOXES = attrs.evolve(templates.object_detection(["car", "sign"]), id=3)


def test_each_step_meets_what_the_one_before_left() -> None:
    given = [AddOption("1", Option("cow")), RenameOption("1", "cow", "ox"), DropOption("1", "dog")]
    met = steps.apply_steps(CATS, given)
    assert [[option.key for option in one.questions[0].options] for one in met] == [
        ["cat", "dog"],
        ["cat", "dog", "cow"],
        ["cat", "dog", "ox"],
        ["cat", "ox"],
    ]


def test_questions_come_get_another_title_and_go() -> None:
    new = Question("2", QuestionKind.INPUT, "Name", required=False)
    met = steps.apply_steps(
        CATS, [AddQuestion(new), RenameQuestion("2", "Called"), DropQuestion("1")]
    )
    assert [[question.title for question in one.questions] for one in met] == [
        ["Single-choice"],
        ["Single-choice", "Name"],
        ["Single-choice", "Called"],
        ["Called"],
    ]


def test_every_refused_step_is_named() -> None:
    given = [DropOption("1", "cow"), AddOption("1", Option("cow")), RenameQuestion("9", "X")]
    with pytest.raises(InvalidData) as refused:
        steps.apply_steps(CATS, given)
    assert [problem.where[:6] for problem in refused.value.problems] == ["step 1", "step 3"]


def test_a_replacement_is_the_same_template_one_version_newer() -> None:
    new = make_template(id=0, workspace=0, name="other", abandon_reasons=("dark",))
    old = attrs.evolve(CATS, name="cats", version=4)
    after = steps.replace_template(old, new)
    assert (after.id, after.workspace, after.name, after.version) == (3, 1, "cats", 5)
    assert after.abandon_reasons == ("dark",)


def test_a_replacement_shows_no_field_that_rows_need_not_have() -> None:
    other = make_template(views=(View(ViewKind.IMAGE, "picture"),))
    with pytest.raises(InvalidData, match="show the field 'picture'"):
        steps.replace_template(CATS, other)


def test_a_question_is_found_by_id_or_by_the_title_of_what_it_asks_about_parts() -> None:
    assert steps.find_target(CATS, "1") is CATS.questions[0]
    marks = BOXES.questions[0]
    (inner,) = marks.children
    assert steps.find_target(BOXES, marks.id, inner.title) is inner
    with pytest.raises(InvalidData, match="no question '9'; it has"):
        steps.find_target(CATS, "9")
    with pytest.raises(InvalidData, match="asks nothing called 'Color'"):
        steps.find_target(BOXES, marks.id, "Color")


def test_a_dropped_option_takes_its_inner_ones_along() -> None:
    question = Question(
        "1", QuestionKind.RADIO, "Q", (Option("a", children=(Option("a1"),)), Option("b"))
    )
    assert steps.find_key_moves(DropOption("1", "a", to="b"), question) == {"a": "b", "a1": "b"}
    assert steps.find_key_moves(DropOption("1", "b"), question) == {"b": None}
    assert steps.find_key_moves(RenameOption("1", "a", "c"), question) == {"a": "c"}


def test_moved_keys_are_there_once_and_in_order() -> None:
    assert steps.move_keys(["a", "b", "c"], {"a": "c", "b": None}) == ("c",)
    assert steps.move_keys(["b", "a"], {}) == ("b", "a")
