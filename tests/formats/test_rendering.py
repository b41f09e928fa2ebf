"""What elements are made of: labels of parts, ids of regions, and replies as plain JSON."""

from __future__ import annotations

from uuid import UUID

import pytest

from itagflow.formats._labels import PartQuestions
from itagflow.formats._regions import RegionIds
from itagflow.formats._rendering import Elements
from itagflow.templates import Option, Question, QuestionKind, Template

KIND = Question("1", QuestionKind.RADIO, "Kind", [Option("cat"), Option("dog")])
TAGS = Question("2", QuestionKind.CHECKBOX, "Tags", [Option("wet"), Option("big")])


def test_labels_come_in_the_order_of_the_template_and_only_those_it_asks_for() -> None:
    parts = PartQuestions.find([KIND, TAGS])
    part = {"labels": {"Tags": ["wet"], "Else": "x", "Kind": "cat"}}
    assert list(parts.render_labels(part).items()) == [("Kind", "cat"), ("Tags", ["wet"])]


def test_a_single_label_is_a_list_where_itag_writes_one() -> None:
    assert PartQuestions.find([KIND]).render_labels({"labels": {"Kind": "cat"}}, lists=True) == {
        "Kind": ["cat"]
    }


@pytest.mark.parametrize(
    ("questions", "labels"),
    [([KIND], {"Kind": "wet"}), ([TAGS], {"Tags": ["wet"]}), ([KIND, TAGS], {}), ([], {})],
)
def test_a_label_that_was_not_saved_yet_answers_the_only_question(
    questions: list[Question], labels: dict[str, object]
) -> None:
    assert PartQuestions.find(questions).render_labels({"label": "wet"}) == labels


def test_an_element_belongs_to_whoever_gets_it() -> None:
    stored = {"labels": {"Tags": ["wet"]}}
    PartQuestions.find([TAGS]).render_labels(stored)["Tags"].append("big")
    assert stored == {"labels": {"Tags": ["wet"]}}


def test_ids_of_regions_are_the_same_each_time_and_those_of_no_other_region() -> None:
    ids = RegionIds(7, 1)
    made = [ids("1", 0), ids("1", 1), ids("2", 0), ids("1", 1)]
    assert made[1] == made[3] == RegionIds(7, 1)("1", 1)
    others = [RegionIds(7, 2)("1", 0), RegionIds(8, 1)("1", 0), RegionIds(71, 1)("1", 0)]
    assert len({*made, *others}) == 6
    for text in made:
        id = UUID(text)
        assert (str(id), id.version, id.variant) == (text, 8, "specified in RFC 4122")


def test_questions_without_a_reply_have_no_element() -> None:
    elements = Elements(Template(questions=[KIND, TAGS]))
    replies = {"2": {"kind": "choices", "keys": ["wet"]}}
    made = elements.render_each(replies, RegionIds(1, 1))
    assert list(made) == ["2"]
    assert made["2"]["data"] == ["wet"]
