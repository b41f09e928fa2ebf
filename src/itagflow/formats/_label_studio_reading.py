"""Tasks of Label Studio as rows: their data, and the annotation or prediction as the result."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

import attrs

from itagflow import jsontext
from itagflow.errors import InvalidData, Problem
from itagflow.formats._files import BinaryFile, Source, find_file_problem, open_source
from itagflow.formats._plain import is_a, is_line, is_number, is_strings, parse_whole
from itagflow.formats._port import FormatContext, FormatOption
from itagflow.formats._regions import Element
from itagflow.formats._rows import render_row
from itagflow.formats._shapes import DECIMALS
from itagflow.model.job import Stage
from itagflow.model.region import Box, Point, Polygon, Region, Regions, RotatedBox
from itagflow.model.reply import Choice, Choices, Rating, Replies, Reply, Text
from itagflow.model.segment import Segment, Segments
from itagflow.model.span import Relation, Spans, TextSpan
from itagflow.model.task import Row
from itagflow.model.template import MARKING, Question, QuestionKind, Template
from itagflow.templates._controls import Control, find_relation, list_controls

ANNOTATIONS, PREDICTIONS = "annotations", "predictions"
KIND = FormatOption("kind", str, ANNOTATIONS, choices=(ANNOTATIONS, PREDICTIONS))
_CHUNK = 1024 * 1024
"""How much is read at once."""


def read_tasks(source: Source, context: FormatContext) -> Iterator[Row | Problem]:
    """Yield a row for each task of a JSON list."""
    with open_source(source) as file:
        tasks = _load_tasks(file)
    if isinstance(tasks, Problem):
        yield tasks
        return
    reader = None if context.template is None else _Reader.find(context.template)
    for index, task in enumerate(tasks):
        where = f"tasks[{index}]"
        data: Any = task.get("data") if is_a(task, dict) else None
        if not is_a(data, dict):
            yield Problem(where, "must be an object with data, which is an object")
            continue
        try:
            replies = None
            if reader is not None:
                replies = reader.read_task(task, context.options[KIND.name])
        except InvalidData as error:
            for problem in error.problems:
                yield Problem(f"{where}.{problem.where}", problem.reason)
            continue
        results = {} if replies is None else {Stage.LABEL: replies}
        yield render_row({"data": data}, results, context.template)


def _load_tasks(file: BinaryFile) -> list[Any] | Problem:
    parts: list[bytes] = []
    while part := file.readline(_CHUNK):
        if not parts and (problem := find_file_problem(part)):
            return problem
        parts.append(part)
    try:
        content: Any = jsontext.loads(b"".join(parts).decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        return Problem("the file", f"is not JSON: {error}")
    if not is_a(content, list):
        return Problem("the file", "must be a list of tasks")
    return list(content)


@attrs.define
class _Part:
    """A marked part, until all that is said of it is known."""

    where: str
    control: Control
    item: Element
    labels: dict[str, Any]


@attrs.frozen
class _Reader:
    """Makes replies of results."""

    template: Template
    controls: Mapping[str, Control]
    """By name."""

    @classmethod
    def find(cls, template: Template) -> _Reader:
        """Return what reads the answers to a template."""
        return cls(template, {control.name: control for control in list_controls(template)})

    def read_task(self, task: Element, kind: str) -> Replies | None:
        """Return the replies of a task; None when it has none.

        Raises:
            InvalidData: when they are several, or cannot be read.
        """
        answers: Any = task.get(kind) or []
        if not is_a(answers, list) or not all(is_a(each, dict) for each in answers):
            raise _make_error(kind, "must be a list of objects")
        kept = [
            (f"{kind}[{index}]", each)
            for index, each in enumerate(answers)
            if not each.get("was_cancelled")
        ]
        if len(kept) > 1:
            kept = [pair for pair in kept if pair[1].get("ground_truth") is True] or kept
        if len(kept) > 1:
            reason = f"are {len(kept)}, and a task takes one: mark one as ground_truth"
            raise _make_error(kind, reason)
        if not kept:
            return None
        ((where, answer),) = kept
        items: Any = answer.get("result") or []
        if not is_a(items, list) or not all(is_a(item, dict) for item in items):
            raise _make_error(f"{where}.result", "must be a list of objects")
        return self._read_items(f"{where}.result", items)

    def _read_items(self, where: str, items: list[Element]) -> Replies:
        replies: dict[str, Reply] = {}
        parts: dict[str, dict[str, _Part]] = {}
        relations: list[tuple[str, Element]] = []
        said: list[tuple[str, Control, Element]] = []
        for index, item in enumerate(items):
            path = f"{where}[{index}]"
            if item.get("type") == "relation":
                relations.append((path, item))
                continue
            control = self._find_control(path, item)
            if control.owner is not None:
                said.append((path, control, item))
            elif control.question.kind in MARKING:
                name = str(item.get("id") or f"#{index}")
                labels = _parse_labels(path, control, item)
                parts.setdefault(control.question.id, {})[name] = _Part(path, control, item, labels)
            else:
                replies[control.question.id] = _parse_reply(path, control, item)
        for path, control, item in said:
            _add_label(path, control, item, parts)
        for question in self.template.questions:
            if question.kind in MARKING and self._is_asked(question):
                marked = parts.get(question.id, {})
                replies[question.id] = _build_marking(question, marked, relations)
        return replies

    def _is_asked(self, question: Question) -> bool:
        return any(control.question is question for control in self.controls.values())

    def _find_control(self, where: str, item: Element) -> Control:
        name: Any = item.get("from_name")
        control = self.controls.get(name) if is_a(name, str) else None
        if control is None:
            reason = f"must be the name of a control of the template: {', '.join(self.controls)}"
            raise _make_error(f"{where}.from_name", reason)
        if not is_a(item.get("value"), dict):
            raise _make_error(f"{where}.value", "must be an object")
        return control


def _parse_reply(where: str, control: Control, item: Element) -> Reply:
    question = control.question
    said = _parse_value(where, control, item)
    if question.kind is QuestionKind.RATING:
        return Rating(said)
    if question.kind is QuestionKind.CHECKBOX:
        return Choices(said)
    if question.kind is not QuestionKind.RADIO:
        return Text("\n".join(said))
    if len(said) != 1:
        raise _make_error(f"{where}.value", f"must be one choice, not {len(said)}")
    return Choice(said[0])


def _parse_value(where: str, control: Control, item: Element) -> Any:
    """Return the texts, or the number, of an item that is no marking."""
    value = item["value"]
    if control.tag in ("Rating", "Number"):
        number = value.get(control.type)
        if not is_number(number):
            raise _make_error(f"{where}.value.{control.type}", "must be a number")
        return number
    name = "text" if control.tag == "TextArea" else control.type
    texts = value.get(name)
    if control.tag == "Taxonomy":
        if not is_a(texts, list) or not all(path and is_strings(path) for path in texts):
            raise _make_error(f"{where}.value.{name}", "must be a list of lists of choices")
        return [path[-1] for path in texts]
    if control.tag == "TextArea" and is_a(texts, str):
        return [texts]
    if not is_strings(texts):
        raise _make_error(f"{where}.value.{name}", "must be a list of texts")
    return texts


def _parse_labels(where: str, control: Control, item: Element) -> dict[str, Any]:
    """Return the labels that stand in a part itself."""
    if control.label is None:
        return {}
    said = item["value"].get(control.type, [])
    if not is_strings(said):
        raise _make_error(f"{where}.value.{control.type}", "must be a list of texts")
    return _name_labels(control.label, said)


def _name_labels(question: Question, said: list[str]) -> dict[str, Any]:
    if not said:
        return {}
    if len(said) == 1 and question.kind is not QuestionKind.CHECKBOX:
        return {question.title: said[0]}
    return {question.title: tuple(said)}


def _add_label(
    where: str, control: Control, item: Element, parts: dict[str, dict[str, _Part]]
) -> None:
    """Add what is said of a part to the part with the same id."""
    owner = "" if control.owner is None else control.owner.id
    part = parts.get(owner, {}).get(str(item.get("id")))
    if part is None:
        raise _make_error(f"{where}.id", "must be the id of a region with labels or without")
    said = _parse_value(where, control, item)
    if control.tag == "TextArea":
        part.labels[control.question.title] = "\n".join(said)
    else:
        part.labels.update(_name_labels(control.question, said))


def _build_marking(
    question: Question, parts: dict[str, _Part], relations: list[tuple[str, Element]]
) -> Reply:
    if question.kind is QuestionKind.PICTURE:
        return _build_regions(parts)
    if question.kind is QuestionKind.VIDEO:
        segments = [
            Segment(*_require_numbers(part, "start", "end"), labels=part.labels)
            for part in parts.values()
        ]
        lengths: list[Any] = [part.item.get("original_length") for part in parts.values()]
        known = [length for length in lengths if is_number(length)]
        return Segments(segments, duration=known[0] if known else 0)
    spans: list[TextSpan] = []
    for part in parts.values():
        start, end = _require_numbers(part, "start", "end")
        text: Any = part.item["value"].get("text", "")
        if not is_a(text, str):
            raise _make_error(f"{part.where}.value.text", "must be a text")
        with_id = {"id": part.item.get("id")} if is_a(part.item.get("id"), str) else {}
        spans.append(TextSpan(start, end, text, labels=part.labels, **with_id))
    return Spans(spans, _build_relations(question, list(parts), relations))


def _build_relations(
    question: Question, names: list[str], relations: list[tuple[str, Element]]
) -> list[Relation]:
    asked = find_relation(question)
    built: list[Relation] = []
    for where, item in relations:
        ends = [str(item.get("from_id")), str(item.get("to_id"))]
        if item.get("direction") == "left":
            ends.reverse()
        if not all(name in names for name in ends):
            raise _make_error(f"{where}.from_id", "must join two marked spans by their ids")
        said: Any = item.get("labels") or []
        if not is_strings(said):
            raise _make_error(f"{where}.labels", "must be a list of texts")
        labels = {} if asked is None else _name_labels(asked, said)
        built.append(Relation(names.index(ends[0]), names.index(ends[1]), labels=labels))
    return built


def _build_regions(parts: dict[str, _Part]) -> Regions:
    size = {"width": 0, "height": 0, "rotation": 0}
    regions: list[Region] = []
    for part in parts.values():
        found = {
            "width": _require_size(part, "original_width"),
            "height": _require_size(part, "original_height"),
            "rotation": parse_whole(part.item.get("image_rotation") or 0) or 0,
        }
        if regions and size != found:
            raise _make_error(part.where, "must have the size of the image that the others have")
        size = found
        regions.append(_build_region(part, found["width"], found["height"]))
    return Regions(regions, **size)


def _build_region(part: _Part, width: int, height: int) -> Region:
    name: Any = part.item.get("id")
    common: dict[str, Any] = {"labels": part.labels}
    if is_a(name, str):
        common["id"] = name
    if part.control.shape == "Polygon":
        points: Any = part.item["value"].get("points")
        if not is_line(points, 3):
            raise _make_error(f"{part.where}.value.points", "must be at least three points [x, y]")
        return Polygon([_scale(place, width, height) for place in points], **common)
    x, y = _scale(_require_numbers(part, "x", "y"), width, height)
    if part.control.shape == "KeyPoint":
        return Point(x, y, **common)
    across, down = _scale(_require_numbers(part, "width", "height"), width, height)
    angle: Any = part.item["value"].get("rotation") or 0
    if not is_number(angle):
        raise _make_error(f"{part.where}.value.rotation", "must be a number of degrees")
    if not angle:
        return Box(x, y, across, down, **common)
    # turned about the corner that is at the top left at angle 0
    cos, sin = math.cos(math.radians(angle)), math.sin(math.radians(angle))
    x, y = x + across / 2 * cos - down / 2 * sin, y + across / 2 * sin + down / 2 * cos
    return RotatedBox(round(x, DECIMALS), round(y, DECIMALS), across, down, angle, **common)


def _scale(place: list[float], width: int, height: int) -> tuple[float, float]:
    """Return percent of the width and of the height of an image as pixels."""
    x, y = place
    return round(x * width / 100, DECIMALS), round(y * height / 100, DECIMALS)


def _require_size(part: _Part, name: str) -> int:
    size = parse_whole(part.item.get(name))
    if size is None or size < 1:
        raise _make_error(f"{part.where}.{name}", "must be the size of the image in pixels")
    return size


def _require_numbers(part: _Part, *names: str) -> list[Any]:
    for name in names:
        if not is_number(part.item["value"].get(name)):
            raise _make_error(f"{part.where}.value.{name}", "must be a number")
    return [part.item["value"][name] for name in names]


def _make_error(where: str, reason: str) -> InvalidData:
    return InvalidData("the task", [Problem(where, reason)])
