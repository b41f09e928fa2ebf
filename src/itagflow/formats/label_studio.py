"""Label Studio: the tasks with their annotations or predictions, as a JSON list.

::

    [{"id": 1, "data": {"image": "1.jpg"}, "predictions": [],
      "annotations": [{"result": [{"id": "a", "from_name": "1", "to_name": "image",
                                   "type": "choices", "value": {"choices": ["cat"]}}]}]}]

``templates.to_label_studio`` makes the labeling configuration that belongs to it, and
``templates.from_label_studio`` reads one.  Places on an image are percent of its width and height,
which stand beside them; a turned box is turned about its top left corner.  Source: labelstud.io,
*JSON format*.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import attrs

from itagflow import jsontext
from itagflow.errors import Problem
from itagflow.formats._files import Source, Target, open_target
from itagflow.formats._label_studio_reading import ANNOTATIONS, KIND, read_tasks
from itagflow.formats._pictures import find_replies
from itagflow.formats._port import Counts, FormatContext, WriteReport
from itagflow.formats._regions import Element
from itagflow.formats._shapes import Plain, find_corners
from itagflow.model.result import Result
from itagflow.model.task import Row, Task
from itagflow.model.template import MARKING, Question, QuestionKind
from itagflow.templates._controls import Control, find_relation, list_controls, list_paths

__all__ = ["READ_OPTIONS", "WRITE_OPTIONS", "read", "write"]

READ_OPTIONS = WRITE_OPTIONS = (KIND,)
"""Whether answers are ``annotations`` or ``predictions``."""
_SHAPES = {"box": "Rectangle", "rotatedbox": "Rectangle", "polygon": "Polygon", "point": "KeyPoint"}
_POINT_WIDTH = 0.5
"""How large a point is drawn, in percent of the width of the image."""


def read(source: Source, context: FormatContext, /) -> Iterator[Row | Problem]:
    """Yield a row for each task, with its annotation or prediction as the result of labeling.

    The whole file is held in memory.

    Args:
        source: A path, an open binary file, or anything path-like with ``open`` and ``/``.
        context: What is asked, and the option ``kind``.
    """
    return read_tasks(source, context)


def write(results: Iterable[Result], target: Target, context: FormatContext, /) -> WriteReport:
    """Write tasks with their answers; a task without one has no annotation.

    Args:
        results: The tasks with their results, in the order in which they are to be written.
        target: A path, an open binary file, or anything path-like with ``open`` and ``/``.  When
            something goes wrong, a path or place is left as it was.
        context: What was asked, the stages, and the option ``kind``: ``annotations``, or
            ``predictions``, which have a score where a model gave one.
    """
    counts = Counts(context)
    writer = _Writer.find(counts)
    with open_target(target) as file:
        separator = b"[\n"
        for result in results:
            text = jsontext.dumps(writer.make_task(result))
            file.write(separator + text.encode(errors="backslashreplace"))
            separator = b",\n"
        file.write(b"[\n]\n" if separator == b"[\n" else b"\n]\n")
    return counts.build_report()


@attrs.define
class _Writer:
    """Makes tasks of results."""

    counts: Counts
    answering: dict[str, list[Control]]
    """What asks or marks each question about a task, by its id."""
    asking: dict[str, list[Control]]
    """What asks about the parts that answer a question, by its id."""

    @classmethod
    def find(cls, counts: Counts) -> _Writer:
        """Return what writes the answers to a template."""
        answering: dict[str, list[Control]] = {}
        asking: dict[str, list[Control]] = {}
        for control in list_controls(counts.context.asked):
            if control.owner is None:
                answering.setdefault(control.question.id, []).append(control)
            else:
                asking.setdefault(control.owner.id, []).append(control)
        return cls(counts, answering, asking)

    def make_task(self, result: Result) -> Element:
        """Return a task with its answer."""
        abandoned, unfinished = self.counts.abandoned, self.counts.unfinished
        replies = find_replies(result, self.counts)
        is_abandoned = self.counts.abandoned > abandoned
        is_answered = not is_abandoned and self.counts.unfinished == unfinished
        task: Element = {
            "id": self.counts.context.number_task(result.task),
            "data": result.task.data,
            "annotations": [],
            "predictions": [],
        }
        kind = self.counts.context.options[KIND.name]
        if is_answered or (is_abandoned and kind == ANNOTATIONS):
            made: Element = {"result": self._list_items(replies, result.task)}
            task[kind] = [made]
            if kind == ANNOTATIONS:
                made["was_cancelled"] = is_abandoned
            else:
                made |= _find_model(result)
        return task

    def _list_items(self, replies: Plain, task: Task) -> list[Element]:
        items: list[Element] = []
        for question in self.counts.context.asked.asked:
            reply = replies.get(question.id)
            if reply is None:
                continue
            controls = self.answering.get(question.id)
            if not controls:
                self.counts.lose(task, f"answers of the kind {question.kind.value}")
            elif question.kind is QuestionKind.PICTURE:
                items += self._list_regions(controls, reply, task)
            elif question.kind is QuestionKind.SLOT:
                items += self._list_spans(controls[0], reply, task)
            elif question.kind in MARKING:
                items += self._list_segments(controls[0], reply, task)
            else:
                value = _make_value(controls[0], reply)
                items.append(_make_item(controls[0], f"{question.id}-0", value))
        return items

    def _list_regions(self, controls: list[Control], reply: Plain, task: Task) -> list[Element]:
        items: list[Element] = []
        width, height = reply["width"], reply["height"]
        about = {"original_width": width, "original_height": height}
        about["image_rotation"] = reply.get("rotation", 0)
        by_shape = {each.shape: each for each in controls}
        names = _name_parts(controls[0], reply["regions"])
        for name, region in zip(names, reply["regions"], strict=True):
            control = by_shape.get(_SHAPES.get(region["kind"], ""))
            if control is None:
                self.counts.lose(task, "shapes that Label Studio has no control for")
            elif not (width and height):
                self.counts.lose(task, "regions on images of unknown size")
            else:
                if region.get("holes"):
                    self.counts.lose(task, "holes of polygons")
                place = _make_place(region, width, height)
                made = self._list_part(control, region, name, place, task)
                items += [{**about, **item} for item in made]
        # a size stands in the items of the regions, and nowhere else
        if any(about.values()) and not reply["regions"]:
            self.counts.lose(task, "size and rotation of images without a region")
        return items

    def _list_spans(self, control: Control, reply: Plain, task: Task) -> list[Element]:
        items: list[Element] = []
        names = _name_parts(control, reply["spans"])
        for name, span in zip(names, reply["spans"], strict=True):
            place = {"start": span["start"], "end": span["end"], "text": span.get("text", "")}
            items += self._list_part(control, span, name, place, task)
        asked = find_relation(control.question)
        for relation in reply.get("relations", ()):
            ends: Element = {
                "from_id": names[relation["source"]],
                "to_id": names[relation["target"]],
            }
            labels = _find_labels(relation, asked)
            if len(relation.get("labels") or ()) > 1:
                self.counts.lose(task, "further labels of relations")
            items.append({"type": "relation", "direction": "right", **ends, "labels": labels})
        return items

    def _list_segments(self, control: Control, reply: Plain, task: Task) -> list[Element]:
        items: list[Element] = []
        about = {"original_length": reply["duration"]} if reply.get("duration") else {}
        names = _name_parts(control, reply["segments"])
        for name, segment in zip(names, reply["segments"], strict=True):
            place = {"start": segment["start"], "end": segment["end"], "channel": 0}
            made = self._list_part(control, segment, name, place, task)
            items += [{**about, **item} for item in made]
        if about and not reply["segments"]:
            self.counts.lose(task, "durations of recordings without a segment")
        return items

    def _list_part(
        self, control: Control, part: Plain, name: str, place: Element, task: Task
    ) -> list[Element]:
        """Return a part with its labels, and what else is said of it: items with the same id."""
        value = dict(place)
        if control.label is not None:
            value[control.type] = _find_labels(part, control.label)
        elif control.tag == "Labels":
            value[control.type] = [control.question.title]
        items = [_make_item(control, name, value)]
        labels = dict(part.get("labels") or {})
        if control.label is not None:
            labels.pop(control.label.title, None)
        for each in self.asking.get(control.question.id, ()):
            said = labels.pop(each.question.title, None)
            if said is not None:
                value = _make_value(each, _as_reply(each, said))
                items.append(_make_item(each, name, {**place, **value}))
        for _ in labels:
            self.counts.lose(task, "labels that the template does not ask")
        return items


def _find_model(result: Result) -> Element:
    """Return which model made an answer, and how sure it was."""
    made: Element = {}
    for entry in result.provenance:
        if entry.score is not None:
            made["score"] = entry.score
        if entry.model:
            made["model_version"] = " ".join(filter(None, (entry.model, entry.model_version)))
    return made


def _name_parts(control: Control, parts: list[Any]) -> list[str]:
    """Return the ids of parts: their own, or others where these are not there or not different."""
    names: list[str] = []
    for index, part in enumerate(parts):
        name = part.get("id") or f"{control.question.id}-{index}"
        while name in names:
            name = f"{name}-{index}"
        names.append(name)
    return names


def _make_item(control: Control, name: str, value: Element) -> Element:
    return {
        "id": name,
        "from_name": control.name,
        "to_name": control.object,
        "type": control.type,
        "value": value,
    }


def _make_value(control: Control, reply: Plain) -> Element:
    """Return what the value of a control has for a reply that is no marking."""
    match control.tag:
        case "Choices":
            return {"choices": _list_keys(reply)}
        case "Taxonomy":
            paths = dict(list_paths(control.question))
            return {"taxonomy": [list(paths[key]) for key in _list_keys(reply) if key in paths]}
        case "TextArea":
            return {"text": [reply["text"]]}
        case _:
            return {control.type: reply["value"]}


def _list_keys(reply: Plain) -> list[str]:
    return list(reply["keys"]) if "keys" in reply else [reply["key"]]


def _as_reply(control: Control, said: Any) -> Plain:
    """Return a label of a part as the reply that it would be to a question about a task."""
    if control.tag == "TextArea":
        return {"text": said}
    return {"keys": [said] if isinstance(said, str) else said}


def _find_labels(part: Plain, question: Question | None) -> list[str]:
    """Return the labels of a part as a list."""
    labels = part.get("labels")
    said = labels.get(question.title) if labels and question is not None else part.get("label")
    return [said] if isinstance(said, str) else list(said or ())


def _make_place(region: Plain, width: float, height: float) -> Element:
    """Return where a region is, in percent of the image."""
    if region["kind"] == "polygon":
        points = [[x * 100 / width, y * 100 / height] for x, y in region["points"]]
        return {"points": points, "closed": True}
    if region["kind"] == "point":
        x, y = region["x"] * 100 / width, region["y"] * 100 / height
        return {"x": x, "y": y, "width": _POINT_WIDTH}
    left, top = find_corners(region)[0]
    return {
        "x": left * 100 / width,
        "y": top * 100 / height,
        "width": region["width"] * 100 / width,
        "height": region["height"] * 100 / height,
        "rotation": region.get("angle", 0) % 360,
    }
