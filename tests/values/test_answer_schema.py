"""`answer_schema` accepts what `replies_from_json` and saving accept, and nothing else."""

from __future__ import annotations

import copy
import json
from functools import cache
from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import HealthCheck, given, settings
from jsonschema import Draft202012Validator
from support.amounts import amount
from support.answering import ALL, replies

from itagflow import InvalidData, Template
from itagflow.schema import answer_schema, replies_from_json, replies_to_json
from itagflow.templates import Option, Question
from itagflow.validation.answers import find_problems, normalize_replies

# twenty for each of some thirty templates
quiet = settings(
    deadline=None, max_examples=amount(20, 400), suppress_health_check=list(HealthCheck)
)

DETAIL = Question("2", "INPUT", "Detail", when=("other",), rule="[a-z]+")
TEMPLATES = {
    **ALL,
    "with_dependents": Template(
        questions=(
            Question(
                "1",
                "PICTURE",
                "Objects",
                children=(
                    Question(
                        "1", "RADIO", "Kind", (Option("car"), Option("other")), children=(DETAIL,)
                    ),
                ),
                min_count=1,
                max_count=3,
            ),
            Question(
                "3", "CHECKBOX", "Marks", (Option("a"), Option("b"), Option("c")), max_count=2
            ),
            Question("4", "INPUT", "Code", required=False, rule="[A-Z]{2}|$"),
        )
    ),
}
BEYOND_SCHEMA = (
    "must have an area",
    "must have a length",
    "must have a pixel inside",
    "reaches outside",
    "must cover the",
    "must be inside the outline",
    "must be more than start",
    "must be the index of one of",
    "joins a span with itself",
    "is there twice",
    "must have 1 character",
    "characters, not",
)
"""What needs to calculate, or the data: a JSON Schema cannot say it."""

WRONG: list[Any] = [
    None, True, False, 0, 1, 2, 1.0, 1.5, -1, 10**30, 10**400, 1e308, float("inf"),
    "", " ", "a", "car", "zzz", "a\0", "\ud800", "a\n", [], [1], ["a"], ["a", "a"], {}, {"a": 1},
    [[0, 0], [1, 1]], "both good", "choice", "box",
]  # fmt: skip
NAMES = [
    "label", "labels", "kind", "key", "keys", "id", "color", "extra", "tie", "degree", "better",
    "relations", "rotation", "visibility", "x", "holes", "text", "1", "2", "9",
]  # fmt: skip


def _nodes(value: Any) -> list[Any]:
    """Every object and list in a value that has something in it to change."""
    found = []
    if isinstance(value, dict | list):
        found.append(value)
        for inner in value.values() if isinstance(value, dict) else value:
            found += _nodes(inner)
    return found


def _mutate(draw: st.DrawFn, sent: Any) -> None:
    node = draw(st.sampled_from(_nodes(sent)))
    ways = ["drop", "replace", "add", "short"]
    way = draw(st.sampled_from(ways))
    if isinstance(node, list):
        if way == "drop" and node:
            node.pop()
        elif way == "add":
            node.append(copy.deepcopy(draw(st.sampled_from(WRONG + node))))
        elif node:
            index = draw(st.integers(0, len(node) - 1))
            node[index] = copy.deepcopy(draw(st.sampled_from(WRONG)))
    elif way == "short" and isinstance(node.get("labels"), dict) and node["labels"]:
        value = next(iter(node["labels"].values()))
        node["label"] = value[0] if isinstance(value, list) and value else value
        if draw(st.booleans()):
            del node["labels"]
    elif way == "add":
        node[draw(st.sampled_from(NAMES))] = copy.deepcopy(draw(st.sampled_from(WRONG)))
    elif node:
        name = draw(st.sampled_from(sorted(node)))
        if way == "drop":
            del node[name]
        else:
            node[name] = copy.deepcopy(draw(st.sampled_from(WRONG)))


def _find_reasons(template: Template, sent: Any) -> list[str]:
    """Why an answer is not accepted; nothing when it is."""
    try:
        said = replies_from_json(sent)
    except InvalidData as error:
        return [problem.reason for problem in error.problems]
    problems = find_problems(template, normalize_replies(template, said))
    return [problem.reason for problem in problems]


@cache
def validator(name: str) -> Draft202012Validator:
    return Draft202012Validator(answer_schema(TEMPLATES[name]))


@pytest.mark.parametrize("name", sorted(TEMPLATES))
@quiet
@given(data=st.data())
def test_the_schema_accepts_what_is_accepted(name: str, data: st.DataObject) -> None:
    template = TEMPLATES[name]
    sent = json.loads(json.dumps(replies_to_json(data.draw(replies(template)))))
    for _ in range(data.draw(st.integers(0, 3))):
        _mutate(data.draw, sent)
    is_valid = validator(name).is_valid(sent)
    reasons = _find_reasons(template, sent)
    if not reasons:
        assert is_valid, ("the schema refuses what is accepted", sent)
    elif is_valid:
        beyond = [reason for reason in reasons if any(each in reason for each in BEYOND_SCHEMA)]
        assert beyond == reasons, ("the schema accepts what is refused", sent, reasons)


@pytest.mark.parametrize(
    ("name", "sent", "is_accepted"),
    [
        ("text_classification", {"1": {"kind": "choice", "key": "tech", "zzz": 1}}, False),
        ("text_classification", {"1": {"kind": "choice", "key": "tech"}}, True),
        (
            "object_detection",
            {
                "1": {
                    "kind": "regions",
                    "width": 9,
                    "height": 9,
                    "regions": [
                        {"kind": "box", "x": 0, "y": 0, "width": 5, "height": 5, "label": "car"}
                    ],
                }
            },
            True,
        ),
        (
            "entity_recognition",
            {"1": {"kind": "spans", "spans": [{"start": 0, "end": 4, "label": "company"}]}},
            True,
        ),
    ],
)
def test_extra_fields_are_refused_and_short_labels_accepted_by_both(
    name: str, sent: Any, is_accepted: bool
) -> None:
    assert Draft202012Validator(answer_schema(ALL[name])).is_valid(sent) is is_accepted
    assert (not _find_reasons(ALL[name], sent)) is is_accepted


@pytest.mark.parametrize("wrong", [None, 5, "abc", [], [None], {"kind": []}, {"kind": "box"}])
def test_messages_for_screens_are_without_python(wrong: Any) -> None:
    for sent in (
        {"1": wrong},
        {"1": {"kind": "regions", "width": 5, "height": 5, "regions": wrong}},
        {"1": {"kind": "regions", "width": 5, "height": 5, "regions": [wrong]}},
        {"1": {"key": "cat"}},
    ):
        if wrong == [] and "regions" in sent["1"]:
            continue
        with pytest.raises(InvalidData) as refused:
            replies_from_json(sent)
        message = str(refused.value)
        for leak in ("itagflow.", "NoneType", "subscriptable", "unhashable", "__", "attribute"):
            assert leak not in message
