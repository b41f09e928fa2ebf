"""What becomes of each kind of answer in each format: found by writing it, and reading it again."""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Any

import attrs

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
    RotatedBox,
    Segment,
    Segments,
    Spans,
    Template,
    Text,
    TextSpan,
    formats,
    templates,
)
from itagflow.formats import csv, kit
from itagflow.model import Row
from itagflow.templates import Question, QuestionKind
from support.answering import TEXT
from support.exported import a_result

COLUMNS: Mapping[str, tuple[str, Mapping[str, Any]]] = {
    "`itag`": ("itag", {}),
    "`itag_v1`": ("itag_v1", {}),
    "`csv`": ("csv", {}),
    "`jsonl`": ("jsonl", {}),
    "`webdataset`": ("webdataset", {}),
    "`parquet`": ("parquet", {}),
    "`hugging_face`": ("hugging_face", {}),
    "`coco`": ("coco", {}),
    "`coco`, captions": ("coco", {"kind": "captions"}),
    "`yolo`": ("yolo", {}),
    "`yolo`, segment": ("yolo", {"task": "segment"}),
    "`yolo`, obb": ("yolo", {"task": "obb"}),
    "`yolo`, pose": ("yolo", {"task": "pose"}),
    "`voc`": ("voc", {}),
    "`cvat`": ("cvat", {}),
    "`labelme`": ("labelme", {}),
    "`image_folder`": ("image_folder", {}),
    "`label_studio`": ("label_studio", {}),
    "`rttm`": ("rttm", {}),
    "`webvtt`": ("webvtt", {}),
    "`srt`": ("srt", {}),
    "`conll`": ("conll", {"tokens": "spaces"}),
    "`brat`": ("brat", {}),
}
"""The formats with the options that decide what they hold."""

NAMES = templates.entity_relation(["company"], ["bought"])
(MARKS,) = templates.object_detection(["ant"]).questions
NOTED = attrs.evolve(
    MARKS, children=[*MARKS.children, Question("9", QuestionKind.INPUT, "note", required=False)]
)
AREAS = Template(questions=[NOTED], views=templates.object_detection(["ant"]).views)
BODIES = templates.keypoints(["nose", "ear"], ["ant"])
LABELED: Any = {MARKS.children[0].title: "ant"}
SPAN = TextSpan(0, 4, TEXT[:4], labels={NAMES.questions[0].children[0].title: ("company",)})
OTHER = TextSpan(5, 6, TEXT[5:6], labels=SPAN.labels)
BOUGHT = Relation(0, 1, labels={NAMES.questions[0].relations[0].title: "bought"})
SOUNDS = templates.audio_segmentation(["agent"])
VIDEOS = templates.video_segmentation(["goal"])
HOLE = ((2, 1), (3, 1), (3, 2))


def on_image(region: Any) -> Regions:
    return Regions([region], width=20, height=10)


def labeled(template: Template) -> Any:
    """The labels of a part, an answer to each question about it."""
    children = template.questions[0].children
    return {each.title: each.options[0].key if each.options else "hello" for each in children}


ROWS: Mapping[str, tuple[Template, Any]] = {
    "Choice": (templates.image_classification(["cat"]), Choice("cat")),
    "Choices": (templates.image_classification(["cat"], multiple=True), Choices(["cat"])),
    "Text": (templates.image_captioning(), Text("a cat")),
    "Rating": (templates.dialogue_rating(["helpful"]), Rating(4)),
    "Ranking": (templates.preference_ranking(["a", "b"]), Ranking(["b", "a"])),
    "Preference": (templates.pairwise_preference(degrees=3), Preference("a", degree=2)),
    "Spans": (NAMES, Spans([SPAN])),
    "relations of spans": (NAMES, Spans([SPAN, OTHER], [BOUGHT])),
    "Segments of a sound": (SOUNDS, Segments([Segment(0, 2.5, labels=labeled(SOUNDS))], duration=9)),
    "Segments of a video": (VIDEOS, Segments([Segment(0, 2.5, labels=labeled(VIDEOS))], duration=9)),
    "Box": (AREAS, on_image(Box(1, 2, 3, 4, labels=LABELED))),
    "RotatedBox": (AREAS, on_image(RotatedBox(9, 5, 6, 2, 30, labels=LABELED))),
    "Polygon": (AREAS, on_image(Polygon([(1, 1), (9, 1), (9, 8)], labels=LABELED))),
    "Polygon with a hole": (
        AREAS, on_image(Polygon([(1, 0), (9, 0), (9, 8), (1, 8)], [HOLE], labels=LABELED)),
    ),
    "Polyline": (AREAS, on_image(Polyline([(1, 1), (9, 1)], labels=LABELED))),
    "Point": (AREAS, on_image(Point(3, 4, labels=LABELED))),
    "Keypoints": (
        BODIES,
        on_image(
            Keypoints(
                [Keypoint("nose", 3, 4), Keypoint("ear", 5, 6, 1)],
                labels={BODIES.questions[0].children[0].title: "ant"},
            )
        ),
    ),
    "Mask": (AREAS, on_image(Mask([12, 5, 183], labels=LABELED))),
    "further labels of a region": (
        AREAS, on_image(Box(1, 2, 3, 4, labels={**LABELED, "note": "left"})),
    ),
}  # fmt: skip
"""The kinds of answer, each with a template that asks for it."""


def render_table() -> str:
    """Return the table: what is exact, what is changed and how, and what is not held."""
    lines = [
        f"| answer | {' | '.join(COLUMNS)} |",
        "|---" * (len(COLUMNS) + 1) + "|",
    ]
    for name, (template, reply) in ROWS.items():
        cells = [judge(*column, template, reply) for column in COLUMNS.values()]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def judge(format: str, options: Mapping[str, Any], template: Template, reply: Any) -> str:
    """Return what becomes of a reply."""
    (question,) = [each for each in template.asked if each.id in find_id(template, reply)]
    data = {**dict.fromkeys(template.fields, TEXT), "width": 20, "height": 10}
    file = io.BytesIO()
    try:
        report = formats.write(
            format, [a_result({question.id: reply}, data=data)], file, template=template, **options
        )
    except InvalidData as error:
        # it says so before anything is written
        assert "the template" in str(error) or "the result" in str(error), error
        return "refused"
    found = read_reply(format, options, template, file.getvalue()).get(question.id)
    if is_same(found, reply) or (is_about_labels(reply) and has_labels_of(found, reply)):
        assert not report.losses or is_about_labels(reply), (format, report.losses)
        return "exact"
    if found is None or is_empty(found):
        assert report.losses, f"{format} loses {reply} and says nothing"
        return "lost"
    # iTAG has no boxes of its own, and says so: they are outlines of four corners
    assert report.losses or format in ("itag", "csv"), f"{format} changes {reply} silently"
    return f"changed: {describe(found, reply)}"


def is_about_labels(reply: Any) -> bool:
    """Return whether a reply is there for what is said of its region besides the class."""
    return isinstance(reply, Regions) and any("note" in each.labels for each in reply.regions)


def has_labels_of(found: Any, reply: Any) -> bool:
    """Return whether the region that was read has all labels, whatever its shape is."""
    regions = found.regions if isinstance(found, Regions) else ()
    return [each.labels for each in regions] == [each.labels for each in reply.regions]


def find_id(template: Template, reply: Any) -> list[str]:
    """Return the id of the question that a reply answers: the first of its kind."""
    kinds = {
        Text: QuestionKind.OPEN_ENDED,
        Rating: QuestionKind.RATING,
    }
    wanted = kinds.get(type(reply))
    return [each.id for each in template.asked if wanted in (None, each.kind)][:1]


def read_reply(
    format: str, options: Mapping[str, Any], template: Template, content: bytes
) -> Mapping[str, Any]:
    """Return the replies that a format reads."""
    declared = {each.name for each in getattr(formats.find(format), "READ_OPTIONS", ())}
    kept = {name: value for name, value in options.items() if name in declared}
    rows = list(formats.read(format, io.BytesIO(content), template=template, **kept))
    if not rows:
        return {}
    (row,) = rows
    assert isinstance(row, Row), (format, row)
    if format == "csv":
        import json

        return csv.parse(json.loads(row.text)["data"], template)
    job = "4" if format in ("itag", "itag_v1") else "file"
    found = kit.parse_row(row, template, job=job)
    assert len(found) <= 1
    return next(iter(found.values()), {})


def is_same(found: Any, reply: Any) -> bool:
    """Return whether two replies are the same, except for the last digits of places."""
    if isinstance(found, Regions) and isinstance(reply, Regions):
        pairs = list(zip(found.regions, reply.regions, strict=False))
        sizes = [(each.width, each.height, each.rotation) for each in (found, reply)]
        return (
            len(found.regions) == len(reply.regions)
            and sizes[0] == sizes[1]
            and all(is_same_region(one, other) for one, other in pairs)
        )
    return bool(found == reply)


def is_same_region(found: Any, region: Any) -> bool:
    if type(found) is not type(region) or found.labels != region.labels:
        return False
    values = []
    for each in (found, region):
        values.append(
            [number for name in ("x", "y", "width", "height", "angle", "points", "holes",
                                 "counts", "keypoints")
             if hasattr(each, name) for number in list_numbers(getattr(each, name))]
        )  # fmt: skip
    return len(values[0]) == len(values[1]) and all(
        abs(one - other) < 1e-5 for one, other in zip(*values, strict=True)
    )


def list_numbers(value: Any) -> list[float]:
    if isinstance(value, Keypoint):
        return [value.x, value.y, int(value.visibility)]
    if isinstance(value, tuple):
        return [number for each in value for number in list_numbers(each)]
    return [value]


def is_empty(found: Any) -> bool:
    return any(getattr(found, name, None) == () for name in ("regions", "spans", "segments"))


def describe(found: Any, reply: Any) -> str:
    """Return how a reply is changed."""
    if not isinstance(found, Regions):
        if isinstance(found, Spans) and not found.relations and reply.relations:
            return "without relations"
        if isinstance(found, Segments) and not found.duration:
            return "without the duration"
        if isinstance(found, Segments) and found.segments[0].labels != reply.segments[0].labels:
            return "without the label"
        return f"a {type(found).__name__}" if type(found) is not type(reply) else "other values"
    (one,), (other,) = found.regions, reply.regions
    if is_about_labels(reply):
        return "without further labels"
    if type(one) is not type(other):
        return f"a {type(one).__name__}"
    if isinstance(one, Polygon) and one.holes != other.holes:
        return "without holes"
    return "other places"
