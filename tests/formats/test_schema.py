"""Answers as JSON: what a screen is told, and what it may send."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import HealthCheck, given, settings
from jsonschema import Draft202012Validator
from support.amounts import amount
from support.answering import ALL, replies

from itagflow import InvalidData, Template, templates
from itagflow.schema import answer_schema, replies_from_json, replies_to_json
from itagflow.testing import make_one_of_each

# a dozen for each of some thirty templates
quiet = settings(
    deadline=None, max_examples=amount(12, 200), suppress_health_check=list(HealthCheck)
)
MODERATION = ALL["moderation"]


@cache
def validator(name: str) -> Draft202012Validator:
    """What checks the answers of a template, by a schema that is one."""
    schema = answer_schema(ALL[name])
    # once for each template: it takes a hundred times as long as checking an answer
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema)


@pytest.mark.parametrize("name", sorted(ALL))
@quiet
@given(data=st.data())
def test_answers_are_what_the_schema_says_and_come_back(name: str, data: st.DataObject) -> None:
    said = data.draw(replies(ALL[name]))
    sent = json.loads(json.dumps(replies_to_json(said)))
    validator(name).validate(sent)
    assert replies_from_json(sent) == said


@pytest.mark.parametrize(
    ("name", "sent"),
    [
        ("image_classification", {"1": {"kind": "choices", "keys": ["car"]}}),
        ("image_classification", {"1": {"kind": "choices", "keys": []}}),
        ("image_classification", {}),
        ("text_classification", {"1": {"kind": "choices", "keys": ["tech"]}}),
        ("preference_ranking", {"1": {"kind": "ranking", "keys": ["a", "b"]}}),
        ("pairwise_preference", {"1": {"kind": "preference", "better": "c"}}),
        (
            "dialogue_rating",
            {"1": {"kind": "rating", "value": 2}, "2": {"kind": "rating", "value": 0}},
        ),
        ("moderation", {"1": {"kind": "choice", "key": "block"}}),
        (
            "moderation",
            {"1": {"kind": "choice", "key": "pass"}, "2": {"kind": "choices", "keys": ["fraud"]}},
        ),
        (
            "segmentation",
            {
                "1": {
                    "kind": "regions",
                    "width": 9,
                    "height": 9,
                    "regions": [{"kind": "point", "x": 1, "y": 1}],
                }
            },
        ),
        ("video_segmentation", {"1": {"kind": "segments", "segments": [{"start": 1, "end": 2}]}}),
    ],
)
def test_the_schema_refuses_what_does_not_fit(name: str, sent: dict[str, Any]) -> None:
    assert not Draft202012Validator(answer_schema(ALL[name])).is_valid(sent)


def test_a_question_that_depends_on_another_is_in_the_schema() -> None:
    valid = Draft202012Validator(answer_schema(MODERATION)).is_valid
    assert valid({"1": {"kind": "choice", "key": "pass"}})
    assert valid(
        {"1": {"kind": "choice", "key": "block"}, "2": {"kind": "choices", "keys": ["fraud"]}}
    )


@pytest.mark.parametrize(
    "template", [*ALL.values(), *(e for e in make_one_of_each() if isinstance(e, Template))]
)
def test_a_template_describes_itself_in_plain_json(template: Template) -> None:
    said = template.describe()
    assert json.loads(json.dumps(said)) == said
    assert [question["title"] for question in said["questions"]] == [
        q.title for q in template.questions
    ]


def test_a_description_holds_what_a_screen_needs() -> None:
    said = templates.object_detection(["car", "sign"]).describe()
    assert said["views"] == [{"kind": "Image", "field": "source"}]
    (question,) = said["questions"]
    assert (question["id"], question["kind"], question["required"]) == ("1", "PICTURE", True)
    assert question["children"][0]["options"] == [
        {"key": "car", "label": "car"},
        {"key": "sign", "label": "sign"},
    ]


SENT = {
    "regions": {
        "kind": "regions",
        "width": 12,
        "height": 9,
        "regions": [{"kind": "mask", "counts": [3, 4]}],
    },
    "spans": {"kind": "spans", "spans": [{"start": 1, "end": 2, "text": "a"}]},
    "preference": {"kind": "preference", "better": "a", "degree": 2},
    "choice": {"kind": "choice", "key": "cat"},
    "choices": {"kind": "choices", "keys": ["cat"]},
    "text": {"kind": "text", "text": "a"},
}


@pytest.mark.parametrize(
    ("name", "field", "values"),
    [
        ("regions", "width", [12.7, "12", True, None, float("inf"), float("nan"), [12]]),
        ("regions", "rotation", [90.5, "90", False]),
        (
            "regions",
            "regions",
            [
                [{"kind": "mask", "counts": [3, 4.2]}],
                [{"kind": "point", "x": 1, "y": 1, "id": 7}],
            ],
        ),
        (
            "spans",
            "spans",
            [[{"start": 1.5, "end": 2, "text": "a"}], [{"start": 1, "end": 2, "text": 12.7}]],
        ),
        ("preference", "degree", [2.5, "2"]),
        ("choice", "key", [5, 12.7, None, True, ["cat"]]),
        ("choices", "keys", [["cat", 5], [None]]),
        ("text", "text", [12.7, None, {"a": "b"}]),
    ],
)
def test_nothing_that_is_sent_is_read_as_something_else(
    name: str, field: str, values: list[Any]
) -> None:
    for value in values:
        with pytest.raises(InvalidData) as refused:
            replies_from_json({"1": {**SENT[name], field: value}})
        assert all("1" in problem.where for problem in refused.value.problems), refused.value


def test_a_whole_number_may_be_sent_with_a_point() -> None:
    (said,) = replies_from_json({"1": {**SENT["regions"], "width": 12.0}}).values()
    assert repr(said) == repr(replies_from_json({"1": SENT["regions"]})["1"])


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "1",
                    "kind",
                    "key",
                    "keys",
                    "regions",
                    "points",
                    "spans",
                    "start",
                    "labels",
                    "width",
                ]
            ),
            inner
            | st.sampled_from(
                ["choice", "choices", "regions", "polygon", "spans", "mask", "keypoints"]
            ),
            max_size=5,
        )
    ),
    max_leaves=12,
)


@settings(max_examples=amount(200, 4_000), deadline=None)
@given(json_values)
def test_whatever_is_sent_only_our_errors_come_out(value: Any) -> None:
    for sent in (value, {"1": value}):
        try:
            replies_from_json(sent)
        except InvalidData as error:
            assert error.problems
