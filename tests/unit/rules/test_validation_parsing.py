"""Replies from plain JSON: nothing is left out or guessed, and every problem has its path."""

from __future__ import annotations

from types import MappingProxyType
from typing import Any, get_args

import pytest

from itagflow import (
    Box,
    Choice,
    Choices,
    Keypoint,
    Keypoints,
    Mask,
    Point,
    Preference,
    Ranking,
    Rating,
    Regions,
    Relation,
    Segment,
    Segments,
    Spans,
    Text,
    TextSpan,
)
from itagflow.errors import Problem
from itagflow.model.region import Region
from itagflow.model.reply import Reply
from itagflow.validation.parsing import (
    REGIONS,
    REPLIES,
    join,
    parse_object,
    parse_reply,
    parse_whole,
)

BOX = {"kind": "box", "x": 1, "y": 2.5, "width": 3, "height": 4}


def test_places_are_joined_by_points() -> None:
    assert (join("1", "key"), join("", "key"), join("1", "")) == ("1.key", "key", "1")


def test_an_object_of_one_class_needs_no_kind() -> None:
    found: list[Problem] = []
    assert parse_object("", {"start": 0, "end": 4.0}, TextSpan, found) == TextSpan(0, 4)
    assert parse_object("", {"start": 0}, TextSpan, found) is None
    assert [problem.where for problem in found] == ["end"]


def test_a_whole_number_may_be_spelled_with_a_point_or_as_a_text_if_large() -> None:
    assert parse_whole(12.0) == 12
    assert parse_whole("-9007199254740993") == -9007199254740993
    for other in ("12", 12.5, True, None, "9" * 20, "90071992547409.93"):
        assert parse_whole(other) is other


def problems(value: object) -> list[tuple[str, str]]:
    reply, found = parse_reply("1", value)
    assert reply is None
    return [(problem.where, problem.reason) for problem in found]


def marked(*regions: object, **more: object) -> dict[str, object]:
    return {"kind": "regions", "regions": list(regions), "width": 9, "height": 9, **more}


def test_every_reply_and_region_has_a_kind() -> None:
    assert set(REPLIES.values()) == set(get_args(Reply))
    assert set(REGIONS.values()) == set(get_args(Region))


@pytest.mark.parametrize(
    ("value", "reply"),
    [
        ({"kind": "choice", "key": "cat"}, Choice("cat")),
        ({"kind": "choices", "keys": ["a", "b"]}, Choices(["a", "b"])),
        ({"kind": "choices", "keys": []}, Choices([])),
        ({"kind": "text", "text": ""}, Text("")),
        ({"kind": "ranking", "keys": ["b", "a"]}, Ranking(["b", "a"])),
        ({"kind": "rating", "value": 2.5}, Rating(2.5)),
        (
            {"kind": "preference", "better": None, "tie": "both bad"},
            Preference(None, tie="both bad"),
        ),
        (marked(), Regions([], width=9, height=9)),
        (
            marked(
                {**BOX, "label": "car", "id": "b1"}, {"kind": "point", "x": 0, "y": 0}, rotation=90
            ),
            Regions(
                [Box(1, 2.5, 3, 4, label="car", id="b1"), Point(0, 0)],
                width=9,
                height=9,
                rotation=90,
            ),
        ),
        (
            marked({"kind": "keypoints", "keypoints": [{"name": "nose", "x": 1, "y": 1}]}),
            Regions([Keypoints([Keypoint("nose", 1, 1)])], width=9, height=9),
        ),
        (
            {
                "kind": "spans",
                "spans": [{"start": 0, "end": 2, "text": "ab"}, {"start": 2, "end": 3}],
                "relations": [{"source": 0, "target": 1, "labels": {"R": "of"}}],
            },
            Spans([TextSpan(0, 2, "ab"), TextSpan(2, 3)], [Relation(0, 1, labels={"R": "of"})]),
        ),
        (
            {"kind": "segments", "segments": [{"start": 0, "end": 1.5}], "duration": 3},
            Segments([Segment(0, 1.5)], duration=3),
        ),
    ],
)
def test_plain_types_become_the_reply_that_they_say(value: dict[str, object], reply: Reply) -> None:
    before = dict(value)
    assert parse_reply("1", value) == (reply, [])
    assert parse_reply("1", MappingProxyType(value)) == (reply, [])
    assert value == before, "what was given stays as it is"


@pytest.mark.parametrize("value", [None, "cat", 1, [], [{"kind": "choice", "key": "cat"}]])
def test_what_is_no_object_is_no_reply(value: object) -> None:
    ((where, reason),) = problems(value)
    assert where == "1"
    assert reason.startswith("must be an object, not ")


@pytest.mark.parametrize(
    ("value", "where", "words"),
    [
        ({}, "1.kind", "is missing; it is one of choice, choices, "),
        ({"key": "cat"}, "1.kind", "is missing; it is one of choice, choices, "),
        ({"kind": "Choice", "key": "cat"}, "1.kind", "must be one of choice, choices, "),
        ({"kind": ["choice"], "key": "cat"}, "1.kind", "not ['choice']"),
        ({"kind": None}, "1.kind", "not None"),
        # a region is no reply, and a reply no region
        (BOX, "1.kind", "not 'box'"),
        (marked({"kind": "choice", "key": "a"}), "1.regions[0].kind", "must be one of box, "),
        (marked({"x": 1, "y": 1}), "1.regions[0].kind", "is missing; it is one of box, "),
    ],
)
def test_the_kind_is_not_guessed(value: object, where: str, words: str) -> None:
    ((place, reason),) = problems(value)
    assert place == where
    assert words in reason


@pytest.mark.parametrize(
    ("value", "where", "words"),
    [
        ({"kind": "choice"}, "1.key", "is missing"),
        ({"kind": "choice", "key": 1}, "1.key", "must be a text, not 1"),
        ({"kind": "choice", "key": "\0"}, "1.key", "NUL"),
        ({"kind": "choice", "key": "a", "keys": []}, "1.keys", "is not known here; known are key"),
        ({"kind": "choice", "key": "a", 1: 2}, "1.1", "is not known here"),
        ({"kind": "choices", "keys": "ab"}, "1.keys", "several texts"),
        ({"kind": "choices", "keys": ["a", 1]}, "1.keys[1]", "must be a text, not 1"),
        ({"kind": "rating", "value": True}, "1.value", "must be a finite number, not True"),
        ({"kind": "rating", "value": "3"}, "1.value", "must be a finite number, not '3'"),
        ({"kind": "rating", "value": 10**400}, "1.value", "must be a finite number"),
        (marked(width=1.5), "1.width", "must be a whole number"),
        (marked() | {"regions": {}}, "1.regions", "must be a list, not {}"),
        (marked() | {"regions": None}, "1.regions", "must be a list, not None"),
        (marked() | {"regions": "ab"}, "1.regions", "must be a list, not 'ab'"),
        (marked(BOX, None), "1.regions[1]", "must be an object, not None"),
        (marked(BOX, {**BOX, "width": 0}), "1.regions[1].width", "must be more than 0, not 0"),
        (
            marked({"kind": "keypoints", "keypoints": [{"name": "n", "visibility": 9}]}),
            "1.regions[0].keypoints[0].visibility",
            "9",
        ),
        ({"kind": "spans", "spans": [{"start": 2, "end": 2}]}, "1.spans[0].end", "more than start"),
        # a span is of one class, and has no kind to choose it
        (
            {"kind": "spans", "spans": [{"kind": "textspan", "start": 0, "end": 2}]},
            "1.spans[0].kind",
            "is not known here",
        ),
    ],
)
def test_what_is_wrong_has_its_path(value: object, where: str, words: str) -> None:
    ((place, reason),) = problems(value)
    assert place == where
    assert words in reason


def test_every_problem_is_found_at_once() -> None:
    wrong = marked(
        {"kind": "box", "x": 1, "size": 2},
        BOX,
        {"kind": "circle"},
        {"kind": "point", "x": "1", "y": 2},
        color="red",
    )
    del wrong["height"]
    assert [where for where, _ in problems(wrong)] == [
        "1.color",
        "1.regions[0].size",
        "1.regions[0].y",
        "1.regions[0].width",
        "1.regions[0].height",
        "1.regions[2].kind",
        "1.regions[3].x",
        "1.height",
    ]


def test_a_part_has_a_label_or_labels() -> None:
    both = {**BOX, "label": "car", "labels": {"Kind": "sign"}}
    assert problems(marked(both)) == [
        ("1.regions[0].label", "is there beside labels: give one of them")
    ]
    for alone in ({"label": "car", "labels": {}}, {"label": None, "labels": {"Kind": "car"}}):
        reply, found = parse_reply("1", marked({**BOX, **alone}))
        assert found == []
        assert isinstance(reply, Regions)


def test_a_whole_number_may_be_written_with_a_point() -> None:
    def parse(value: dict[str, object]) -> Any:
        reply, found = parse_reply("1", value)
        assert found == []
        return reply

    image = parse(marked({"kind": "mask", "counts": [80.0, 1]}, width=9.0))
    assert image == Regions([Mask([80, 1])], width=9, height=9)
    assert type(image.width) is int
    assert [type(count) for count in image.regions[0].counts] == [int, int]
    assert parse({"kind": "spans", "spans": [{"start": 0.0, "end": 2.0}]}) == Spans(
        [TextSpan(0, 2)]
    )
    nose = {"name": "nose", "x": 1, "y": 1, "visibility": 2.0}
    seen = parse(marked({"kind": "keypoints", "keypoints": [nose]}))
    assert seen.regions[0].keypoints[0].visibility == 2
    assert type(parse({"kind": "rating", "value": 3.0}).value) is float


@pytest.mark.parametrize(
    ("value", "where"),
    [
        (marked(width=True), "1.width"),
        (marked(width="9"), "1.width"),
        (marked(height=float("nan")), "1.height"),
        (marked(height=float("inf")), "1.height"),
        (marked({"kind": "mask", "counts": [80.5, 1]}), "1.regions[0].counts[0]"),
    ],
)
def test_what_is_no_whole_number_is_not_made_one(value: object, where: str) -> None:
    assert [place for place, _ in problems(value)] == [where]
