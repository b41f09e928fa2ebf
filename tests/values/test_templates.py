"""What is asked and answered cannot be built wrong: types, ranges, and what screens are told."""

from __future__ import annotations

import enum
import fractions
import json
import math
import pickle
from collections.abc import Callable
from typing import Any

import attrs
import pytest
from support.answering import ALL

import itagflow
from itagflow import (
    Box,
    Choice,
    Choices,
    InvalidData,
    Keypoint,
    Keypoints,
    Mask,
    Point,
    Polygon,
    Polyline,
    Preference,
    Ranking,
    Rating,
    Regions,
    Relation,
    Role,
    RotatedBox,
    Segment,
    Segments,
    Spans,
    Stage,
    Template,
    Text,
    TextSpan,
    templates,
)
from itagflow.model import Bounds, Tie
from itagflow.model.template import MAX_NESTING
from itagflow.templates import (
    AddOption,
    AddQuestion,
    DropQuestion,
    Option,
    Question,
    QuestionKind,
    RenameOption,
    RenameQuestion,
    Scale,
    View,
)


class Level(enum.IntEnum):
    BAD = 1
    GOOD = 4


class Double(float):
    """A float of another library, as NumPy's is."""


class Animal(enum.StrEnum):
    CAT = "cat"


SQUARE = ((0, 0), (10, 0), (10, 10), (0, 10))
A_CHOICE = Question("1", QuestionKind.RADIO, "Kind", (Option("a"), Option("b")))

GOOD: list[tuple[Callable[..., Any], dict[str, Any]]] = [
    (Option, {"key": "a", "label": "A", "color": "#fff", "shortcut": "1", "remark": "r"}),
    (Option, {"key": "a", "children": (Option("b"),)}),
    (View, {"kind": "Image", "field": "source", "views": (View("Text"),), "title": "t"}),
    (Scale, {"low": 0, "high": 1, "step": 0.25}),
    (Question, {"id": "1", "kind": "RADIO", "title": "t", "options": (Option("a"),)}),
    (Question, {"id": "1", "kind": "RATING", "title": "t", "required": True, "scale": Scale()}),
    (Question, {"id": "1", "kind": "PICTURE", "title": "t", "min_count": 1, "max_count": 2}),
    (Question, {"id": "1", "kind": "PICTURE", "title": "t", "shapes": ("box",), "keypoints": ()}),
    (Question, {"id": "1", "kind": "SLOT", "title": "t", "children": (), "relations": ()}),
    (Question, {"id": "1", "kind": "INPUT", "title": "t", "presets": ("a",), "default": "a"}),
    (Question, {"id": "1", "kind": "INPUT", "title": "t", "when": (), "rule": "", "field": ""}),
    (Question, {"id": "1", "kind": "RADIO", "title": "t", "shuffle": True}),
    (Template, {"questions": (A_CHOICE,), "views": (), "abandon_reasons": (), "name": ""}),
    (Choice, {"key": "a"}),
    (Choices, {"keys": ("a", "b")}),
    (Text, {"text": "a"}),
    (Ranking, {"keys": ("a", "b")}),
    (Rating, {"value": 4.5}),
    (Preference, {"better": "a", "degree": 2}),
    (Preference, {"better": None, "tie": Tie.BOTH_BAD}),
    (Box, {"x": 1, "y": 1, "width": 1, "height": 1, "label": "a", "id": "r", "color": "#fff"}),
    (Box, {"x": 1, "y": 1, "width": 1, "height": 1, "labels": {"a": "b"}}),
    (RotatedBox, {"x": 1, "y": 1, "width": 1, "height": 1, "angle": 1}),
    (Polygon, {"points": SQUARE, "holes": (((1, 1), (2, 1), (2, 2)),)}),
    (Polyline, {"points": ((0, 0), (1, 1))}),
    (Point, {"x": 1, "y": 1}),
    (Keypoint, {"name": "nose", "x": 1, "y": 1, "visibility": 1}),
    (Keypoints, {"keypoints": (Keypoint("nose"),)}),
    (Mask, {"counts": (1, 2)}),
    (Regions, {"regions": (), "width": 5, "height": 5, "rotation": 90}),
    (TextSpan, {"start": 1, "end": 3, "text": "ab"}),
    (Relation, {"source": 0, "target": 1}),
    (Spans, {"spans": (TextSpan(0, 1),), "relations": ()}),
    (Segment, {"start": 0.5, "end": 2}),
    (Segments, {"segments": (Segment(0, 1),), "duration": 9.5}),
    (AddOption, {"question": "1", "option": "a", "inside": "", "about": ""}),
    (RenameOption, {"question": "1", "old": "a", "new": "b"}),
    (AddQuestion, {"question": A_CHOICE, "reply": Choice("a")}),
    (RenameQuestion, {"question": "1", "title": "t"}),
    (DropQuestion, {"question": "1", "about": ""}),
]
"""Calls that are right, from which wrong ones are made."""

NOTHING_IS: list[Any] = [
    b"bytes",
    True,
    math.nan,
    math.inf,
    10**400,
    {"a": 1},
    {1, 2},
    "\0",
    "\ud800",
    [[[]]],
    object(),
    3.5j,
]
"""Values that hardly any field takes."""
TAKES: dict[str, tuple[Any, ...]] = {"required": (True,), "shuffle": (True,), "labels": ({"a": 1},)}
"""Where one of them is right, or is refused for another reason."""


@pytest.mark.parametrize(("kind", "fields"), GOOD, ids=lambda value: getattr(value, "__name__", ""))
def test_every_field_of_a_value_refuses_what_it_cannot_be(
    kind: Callable[..., Any], fields: dict[str, Any]
) -> None:
    kind(**fields)
    for name in fields:
        for wrong in NOTHING_IS:
            if any(wrong is right for right in TAKES.get(name, ())):
                continue
            with pytest.raises(InvalidData) as refused:
                kind(**{**fields, name: wrong})
            message = str(refused.value)
            assert name in message, message
            assert "itagflow." not in message, message
            assert "NoneType" not in message, message


@pytest.mark.parametrize(
    "build",
    [
        lambda: Option(0),  # type: ignore[arg-type]
        lambda: Question(1, QuestionKind.RADIO, "t"),  # type: ignore[arg-type]
        lambda: Question("1", QuestionKind.RADIO, 5),  # type: ignore[arg-type]
        lambda: Question("1", "HEART", "t"),
        lambda: templates.image_classification([0, 1]),  # type: ignore[list-item]
        lambda: templates.keypoints("nose", ["a"]),
        lambda: templates.preference_ranking("abc"),
        lambda: templates.dialogue_rating("abc"),
        lambda: templates.dialogue_rating(["a"], scale=0),  # type: ignore[arg-type]
        lambda: templates.pairwise_preference(degrees=2.5),  # type: ignore[arg-type]
        lambda: templates.image_classification(["a"], multiple="yes"),  # type: ignore[arg-type]
        lambda: Keypoint("nose", 1, 2, 3),  # type: ignore[arg-type]
        lambda: Rating(True),
        lambda: Rating(math.nan),
        lambda: Choices("cat"),
        lambda: TextSpan(3, 3),
        lambda: TextSpan(3, 2),
        lambda: Segment(2, 1),
        lambda: Relation(1, 1),
        lambda: Polygon([(0, 0), (1, 1)]),
        lambda: Polygon([(0, 0), (1, 1), (1, 2, 3)]),  # type: ignore[list-item]
        lambda: Polygon([("0", "0"), ("1", "0"), ("1", "1")]),  # type: ignore[list-item]
        lambda: Polyline([]),
        lambda: Box(0, 0, 0, 1),
        lambda: Box(0, 0, -1, 1),
        lambda: Box(0, 0, 1, 1, labels=[0, 1]),  # type: ignore[arg-type]
        lambda: Box(0, 0, 1, 1, labels={"Kind": b"car"}),  # type: ignore[dict-item]
        lambda: Box(0, 0, 1, 1, labels={"Kind": "car"}, label="van"),
        lambda: Regions([], width=-1, height=1),
        lambda: Regions([], width=1, height=1, rotation=45),
        lambda: Preference("a", tie="both good"),
        lambda: Preference(None, degree=2),
        lambda: Scale(5, 1),
        lambda: Scale(0, 1, 1e-300),
        lambda: Template(questions=()),
        lambda: Question("1", "PICTURE", "t", min_count=3, max_count=2),
    ],
)
def test_what_cannot_be_right_cannot_be_built(build: Callable[[], object]) -> None:
    with pytest.raises(InvalidData) as refused:
        build()
    assert isinstance(refused.value, ValueError)


@pytest.mark.parametrize("kind", [int, float])
@pytest.mark.parametrize("number", [0, -1, 10**400, math.nan, math.inf, -math.inf])
def test_a_side_is_a_finite_number_above_zero(kind: Callable[[Any], Any], number: Any) -> None:
    try:
        given = kind(number)
    except (OverflowError, ValueError):
        given = number
    for sides in ((given, 5.0), (5.0, given)):
        with pytest.raises(InvalidData, match=r"width|height"):
            Box(0.0, 0.0, *sides)


@pytest.mark.parametrize("number", [10**400, math.nan, math.inf, -math.inf, True, None, "1"])
def test_a_corner_is_a_finite_number(number: Any) -> None:
    for corner in ((number, 0.0), (0.0, number)):
        with pytest.raises(InvalidData, match=r"x: |y: "):
            Box(*corner, 5.0, 5.0)
    assert Box(-1.5, -1, 5, 5.0).x == -1.5


def test_parts_that_are_nested_without_end_are_refused() -> None:
    option, view, question = Option("a"), View("Text"), A_CHOICE
    with pytest.raises(InvalidData, match="nested more than"):
        for _ in range(100):
            option = Option("a", children=(option,))
    with pytest.raises(InvalidData, match="nested more than"):
        for _ in range(100):
            view = View("Text", views=(view,))
    with pytest.raises(InvalidData, match="nested more than"):
        for _ in range(100):
            question = attrs.evolve(A_CHOICE, children=(question,))


def _numpy_numbers() -> list[tuple[Any, float]]:
    numpy = pytest.importorskip("numpy")
    return [(numpy.float64(4), 4.0), (numpy.float32(0.5), 0.5), (numpy.int64(4), 4)]


def test_numbers_become_plain_numbers() -> None:
    wanted: list[tuple[Any, float]] = [(Level.GOOD, 4), (Double(4), 4.0)]
    wanted.append((fractions.Fraction(1, 2), 0.5))
    for given, plain in wanted:
        value = Rating(given).value
        assert (type(value), value) == (type(plain), plain)
    box = Box(Level.BAD, 0, fractions.Fraction(1, 2), 1)
    assert repr(box) == "Box(1, 0, 0.5, 1)"
    assert type(Regions([], width=Level.GOOD, height=4).width) is int
    assert type(Choice(Animal.CAT).key) is str


def test_numpy_numbers_become_plain_numbers() -> None:
    for given, plain in _numpy_numbers():
        value = Rating(given).value
        assert (type(value), value) == (type(plain), plain)


def test_numbers_are_stored_read_and_exported_alike(flow: itagflow.Flow, tmp_path: Any) -> None:
    template = templates.dialogue_rating(["helpful"], comment=False)
    street = flow.workspaces.create("street", admin="ada")
    job = flow.jobs.create(
        street,
        "job",
        template=template,
        data=[{"data": {"dialogue": "Hi"}}],
        workforce={Stage.LABEL: ["ada"]},
        by="ada",
    )
    assignment = flow.claim("ada", job, Stage.LABEL)
    assert assignment is not None
    saved = flow.save(assignment, 1, Rating(Level.GOOD))
    assert repr(saved.reply) == "Rating(4)"
    flow.submit(assignment)
    (result,) = flow.results.list(job)
    assert repr(result.replies) == "{'1': Rating(4)}"
    flow.results.export(job, "itag", tmp_path / "out.manifest")
    row = json.loads((tmp_path / "out.manifest").read_text())
    assert row[f"label-{job.id}"]["results"][0]["data"] == "4"


BOUNDS = [
    (Box(1, 2, 3, 4), Bounds(1, 2, 4, 6), 12),
    (RotatedBox(50, 50, 20, 10, 90), Bounds(45, 40, 55, 60), 200),
    (Polygon(SQUARE, [[(1, 1), (3, 1), (3, 3)]]), Bounds(0, 0, 10, 10), 98),
    (Polyline([(5, 1), (2, 9)]), Bounds(2, 1, 5, 9), 0),
    (Point(3, 4), Bounds(3, 4, 3, 4), 0),
    (Keypoints([Keypoint("a", 1, 5), Keypoint("b", 4, 2), Keypoint("c", visibility=0)]),
     Bounds(1, 2, 4, 5), 0),
]  # fmt: skip


@pytest.mark.parametrize(("region", "bounds", "area"), BOUNDS)
def test_regions_have_bounds_and_an_area(region: Any, bounds: Bounds, area: float) -> None:
    assert attrs.astuple(region.bounds) == pytest.approx(attrs.astuple(bounds))
    assert region.area == pytest.approx(area)


@pytest.mark.parametrize("picture", [".#.|..#|...", "###|###|...", "...|...|..#", "#..|...|..#"])
def test_bounds_of_masks_are_those_of_their_pixels(picture: str) -> None:
    rows = picture.split("|")
    height, width = len(rows), len(rows[0])
    pixels = [rows[y][x] == "#" for x in range(width) for y in range(height)]
    counts, is_inside = [0], False
    for pixel in pixels:
        if pixel is not is_inside:
            counts.append(0)
            is_inside = pixel
        counts[-1] += 1
    inside = [(x, y) for x in range(width) for y in range(height) if rows[y][x] == "#"]
    mask = Mask(counts)
    assert mask.area == len(inside)
    wanted = Bounds(
        min(x for x, _ in inside),
        min(y for _, y in inside),
        max(x for x, _ in inside) + 1,
        max(y for _, y in inside) + 1,
    )
    assert Regions([mask], width=width, height=height).bounds == (wanted,)


@pytest.mark.parametrize("name", sorted(ALL))
def test_a_description_is_complete(name: str) -> None:
    template = attrs.evolve(ALL[name], version=3)
    said = template.describe()
    assert json.loads(json.dumps(said)) == said
    assert said["version"] == 3
    for question, described in zip(template.questions, said["questions"], strict=True):
        if question.kind in (QuestionKind.RATING, QuestionKind.PREFERENCE):
            assert set(described["scale"]) == {"low", "high", "step"}
        if question.kind in (QuestionKind.PICTURE, QuestionKind.SLOT, QuestionKind.VIDEO):
            assert described["field"] == template.field_of(question)
        assert described.get("shuffle", False) == question.shuffle


def test_a_view_has_words_for_a_screen() -> None:
    views = templates.pairwise_preference().describe()["views"]
    assert [view["title"] for view in views] == ["Prompt", "Response", "Response"]


def test_comparisons_are_shuffled_unless_told_otherwise() -> None:
    assert templates.preference_ranking(["a", "b"]).questions[0].shuffle
    assert templates.pairwise_preference().questions[0].shuffle
    assert not A_CHOICE.shuffle
    assert attrs.evolve(A_CHOICE, shuffle=True).shuffle
    with pytest.raises(InvalidData, match="cannot have shuffle"):
        Template(questions=(Question("1", "INPUT", "t", shuffle=True),))


def test_ties_are_told_apart() -> None:
    tie, good, bad = (Preference(None, tie=tie) for tie in (None, "both good", "both bad"))
    assert len({tie, good, bad}) == 3
    assert good.tie is Tie.BOTH_GOOD
    assert pickle.loads(pickle.dumps(bad)) == bad


def _job_with(flow: itagflow.Flow, template: Template, data: dict[str, Any]) -> Any:
    street = flow.workspaces.create("street", admin="ada")
    flow.members.add(street, "ben", Role.OPERATOR, by="ada")
    job = flow.jobs.create(
        street,
        "job",
        template=template,
        data=[{"data": data}],
        workforce={Stage.LABEL: ["ben"]},
        by="ada",
    )
    return job, flow.claim("ben", job, Stage.LABEL)


def test_a_label_reads_back_as_it_was_written_also_after_import(
    flow: itagflow.Flow, tmp_path: Any
) -> None:
    template = templates.object_detection(["car", "sign"])
    job, assignment = _job_with(flow, template, {"source": "1.jpg"})
    said = Regions([Box(0, 0, 5, 5, label="car")], width=640, height=480)
    saved = flow.save(assignment, 1, said).reply
    assert isinstance(saved, Regions)
    assert saved.regions[0].label == "car"
    assert saved.regions[0].labels == {"Single-choice": "car"}
    flow.submit(assignment)
    flow.results.export(job, "itag", tmp_path / "out.manifest")
    other = flow.workspaces.create("other", admin="ada")
    again = flow.jobs.import_results(
        other, "again", template=template, data=tmp_path / "out.manifest", by="ada"
    )
    (result,) = flow.results.list(again)
    assert result.replies is not None
    read = result.replies["1"]
    assert isinstance(read, Regions)
    assert read.regions[0].label == "car"


def test_a_span_takes_a_label_with_the_ready_made_templates(flow: itagflow.Flow) -> None:
    template = templates.entity_recognition(["company"])
    _, assignment = _job_with(flow, template, {"source": "Acme Corp"})
    saved = flow.save(assignment, 1, Spans([TextSpan(0, 4, label="company")])).reply
    assert isinstance(saved, Spans)
    assert saved.spans[0].label == "company"
    assert saved.spans[0].labels == {"Text content": ("company",)}


def test_a_question_can_ask_for_so_many_regions(flow: itagflow.Flow) -> None:
    template = templates.object_detection(["car"], min_count=1, max_count=2)
    _, assignment = _job_with(flow, template, {"source": "1.jpg"})
    box = Box(0, 0, 5, 5, label="car")
    for boxes, wanted in (([], "at least 1, not 0"), ([box] * 3, "at most 2, not 3")):
        with pytest.raises(InvalidData, match=wanted):
            flow.save(assignment, 1, Regions(boxes, width=9, height=9))
    assert flow.save(assignment, 1, Regions([box], width=9, height=9)).reply


OUTLINES = [
    Polygon([(1, 1), (1, 1), (1, 1)]),
    Polygon([(0, 0), (1, 1), (2, 2), (3, 3)]),
    Polygon([(0.1, 0.1), (0.2, 0.2), (0.3, 0.3)]),
    Polygon([(0, 0), (8, 0), (8, 0.0000001)]),
    Polygon(SQUARE, [SQUARE]),
    Polygon(SQUARE, [[(1, 1), (2, 2), (3, 3)]]),
    Polygon(SQUARE, [[(11, 11), (12, 11), (12, 12)]]),
    Polygon(SQUARE, [[(5, 5), (15, 5), (5, 6)]]),
    Polygon([(0, 0), (10, 0), (10, 10), (5, 1), (0, 10)], [[(1, 5), (9, 5), (5, 0.5)]]),
    Polyline([(1, 1), (1, 1)]),
    Keypoints([Keypoint("a", visibility=0)]),
    Keypoints([]),
    Mask([400]),
    Box(0, 0, 1e-9, 5),
    RotatedBox(5, 5, 1e-9, 5, 30),
]


@pytest.mark.parametrize("region", OUTLINES)
def test_outlines_without_area_are_refused(flow: itagflow.Flow, region: Any) -> None:
    question = Question("1", "PICTURE", "Areas")
    _, assignment = _job_with(flow, Template(questions=(question,)), {"source": "1.jpg"})
    with pytest.raises(InvalidData) as refused:
        flow.save(assignment, 1, Regions([region], width=20, height=20))
    assert all(problem.where.startswith("1.regions[0]") for problem in refused.value.problems)


def test_the_edge_has_room_for_rounding(flow: itagflow.Flow) -> None:
    question = Question("1", "PICTURE", "Areas")
    _, assignment = _job_with(flow, Template(questions=(question,)), {"source": "1.jpg"})
    for width in (640, 1_999, 8_192, 65_535):
        # a file that counts from 0 to 1, with six decimals: the box reaches to the right edge
        size = round(0.3333333 + 0.0000004, 6) * width
        left = round(1 - size / width / 2 + 0.0000005, 6) * width - size / 2
        box = Box(left, 0, size, 5)
        assert flow.save(assignment, 1, Regions([box], width=width, height=9)).reply
    assert flow.save(assignment, 1, Regions([Box(0, 0, 640.001, 5)], width=640, height=9)).reply
    assert flow.save(assignment, 1, Regions([Box(-0.001, 0, 9, 5)], width=640, height=9)).reply
    with pytest.raises(InvalidData, match="reaches outside"):
        flow.save(assignment, 1, Regions([Box(0, 0, 640.5, 5)], width=640, height=9))


@pytest.mark.parametrize("name", sorted(ALL))
def test_a_template_is_the_same_after_itag(name: str) -> None:
    template = ALL[name]
    kinds = {question.kind.value for question in template.asked}
    if kinds & {"RANKING", "RATING", "PREFERENCE"}:
        with pytest.raises(InvalidData, match="iTAG has no"):
            templates.to_itag(template)
        return
    assert templates.from_itag(json.dumps(templates.to_itag(template))) == template


def test_what_is_no_template_of_itag_is_refused_with_its_path() -> None:
    for wrong in (None, 5, "x", [], {}, {"QuestionConfigs": 5}, {"QuestionConfigs": [5]}):
        with pytest.raises(InvalidData):
            templates.from_itag(wrong)
    question = {"QuestionId": "1", "Type": "RADIO", "MarkTitle": "t", "Options": [{"Key": 5}]}
    with pytest.raises(InvalidData, match=r"QuestionConfigs\[0\]\.Options\[0\]\.Key"):
        templates.from_itag({"QuestionConfigs": [question]})


def nested_options(depth: int) -> Any:
    option: dict[str, Any] = {"Key": "0"}
    for number in range(1, depth):
        option = {"Key": str(number), "Children": [option]}
    return option


def test_a_template_of_itag_that_no_function_can_go_through_is_refused() -> None:
    question = {"QuestionId": "1", "Type": "RADIO", "MarkTitle": "t"}
    itself: dict[str, Any] = {}
    itself["Template"] = itself["more"] = [itself, itself]
    for deep in (
        {"QuestionConfigs": [{**question, "Options": [nested_options(100_000)]}]},
        json.dumps({"QuestionConfigs": [{**question, "Options": [nested_options(150)]}]}),
        itself,
    ):
        with pytest.raises(InvalidData, match="nested more than 200 deep"):
            templates.from_itag(deep)
    plain = {"QuestionConfigs": [{**question, "Options": [nested_options(MAX_NESTING - 1)]}]}
    assert len(templates.from_itag(plain).questions[0].keys) == MAX_NESTING - 1


def test_a_kind_that_is_no_text_is_refused_with_its_path() -> None:
    question = {"QuestionId": "1", "Type": [], "MarkTitle": "t", "Options": [{"Key": "a"}]}
    with pytest.raises(InvalidData, match=r"QuestionConfigs\[0\]\.Type"):
        templates.from_itag({"QuestionConfigs": [question]})


def test_options_of_a_question_about_parts_are_asked_of_each_part() -> None:
    question = {"QuestionId": 1, "Type": "SLOT", "MarkTitle": "Text", "Options": [{"Key": "a"}]}
    template = templates.from_itag({"Template": {"QuestionConfigs": [question]}})
    assert template.questions[0].children[0].title == "Text"
    assert template.questions[0].children[0].kind is QuestionKind.CHECKBOX
