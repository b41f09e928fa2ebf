"""Whether an answer fits its template: every problem, with its path."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, cast

import attrs

from itagflow.errors import Problem
from itagflow.model.reply import Box, Choice, Choices, Region, Regions, Replies, Reply, Text
from itagflow.model.task import Task
from itagflow.model.template import Question, QuestionKind, Template

SLACK = 1e-6
"""By how many pixels a region may reach over the edge: room for rounding, not for a mistake."""

Check = Callable[[Task, Replies], Iterable[Problem]]
"""An embedder's own look at the answers of one job: returns what is wrong with one, if anything."""

_REPLY_OF: Mapping[QuestionKind, type[Reply]] = {
    QuestionKind.RADIO: Choice,
    QuestionKind.CHECKBOX: Choices,
    QuestionKind.INPUT: Text,
    QuestionKind.PICTURE: Regions,
}


def fitted(template: Template, given: object) -> Replies | None:
    """Return *given* as replies by question id, or None when it is neither replies nor a reply.

    A single reply is short for the answer to the only question; ``label="car"`` on a region is short for
    the answer to the only question about regions.
    """
    if isinstance(given, Reply):
        if len(template.questions) != 1:
            return None
        given = {template.questions[0].id: given}
    if not isinstance(given, Mapping):
        return None
    said = cast("Mapping[str, object]", given)
    known = {question.id: question for question in template.questions}
    order = [*known, *(id for id in said if id not in known)]
    replies = {str(id): reply for id in order if isinstance(reply := said.get(id), Reply)}
    return {id: _spelled_out(known.get(id), replies[id]) for id in replies} if len(replies) == len(said) else None


def problems(template: Template, replies: Replies | None) -> list[Problem]:
    """Return everything that keeps *replies* from being an answer, each with its path."""
    if replies is None:
        asked = ", ".join(repr(question.id) for question in template.questions)
        return [Problem("", f"must be a mapping from question id ({asked}) to reply, or one reply to one question")]
    known = {question.id for question in template.questions}
    found = [Problem(id, "the template has no such question") for id in replies if id not in known]
    for question in template.questions:
        reply = replies.get(question.id)
        if reply is not None:
            found += _reply_problems(question, reply)
        elif question.required:
            found.append(Problem(question.id, f"no reply to the required question {question.title!r}"))
    return found


def mentions(replies: Replies | None, label: str) -> bool:
    """Return whether *label* is chosen in *replies*, for the task or for one of its regions."""
    return any(label in _chosen(reply) for reply in (replies or {}).values())


def _chosen(reply: Reply) -> Iterator[str]:
    match reply:
        case Choice():
            yield reply.key
        case Choices():
            yield from reply.keys
        case Regions():
            for value in (value for region in reply.regions for value in region.labels.values()):
                yield from (value,) if isinstance(value, str) else value
        case Text():
            return


def _spelled_out(question: Question | None, reply: Reply) -> Reply:
    """Return *reply* with every region's short label written out under its question's title."""
    if not isinstance(reply, Regions) or question is None or len(question.children) != 1:
        return reply
    if all(region.label is None for region in reply.regions):
        return reply
    title = question.children[0].title
    return attrs.evolve(reply, regions=tuple(_labeled(region, title) for region in reply.regions))


def _labeled(region: Region, title: str) -> Region:
    if region.label is None or title in region.labels:
        return region
    return attrs.evolve(region, label=None, labels={title: region.label, **region.labels})


def _reply_problems(question: Question, reply: Reply) -> Iterator[Problem]:
    wanted = _REPLY_OF[question.kind]
    if not isinstance(reply, wanted):
        yield Problem(question.id, f"needs a {wanted.__name__}, not a {type(reply).__name__}")
    elif isinstance(reply, Regions):
        yield from _regions_problems(question, reply)
    else:
        yield from _plain_problems(question, question.id, _value(reply))


def _value(reply: Choice | Choices | Text) -> Any:
    match reply:
        case Choice():
            return reply.key
        case Choices():
            return reply.keys
        case Text():
            return reply.text


def _plain_problems(question: Question, path: str, value: Any) -> Iterator[Problem]:
    """Check a choice (a string), choices (several) or a text, of a task or of a region."""
    if question.kind is QuestionKind.CHECKBOX:
        if not isinstance(value, tuple):
            yield Problem(path, "needs several options, not one")
        elif len(set(cast("tuple[str, ...]", value))) < len(cast("tuple[str, ...]", value)):
            yield Problem(path, "names an option twice")
        elif question.required and not value:
            yield Problem(path, f"no option chosen for the required question {question.title!r}")
        else:
            chosen = cast("tuple[str, ...]", value)
            yield from (_unknown(question, path, key) for key in chosen if key not in question.keys)
    elif not isinstance(value, str):
        yield Problem(path, f"needs a string, not {type(value).__name__}")
    elif question.kind is QuestionKind.RADIO:
        if value not in question.keys:
            yield _unknown(question, path, value)
    elif "\x00" in value:
        yield Problem(path, "contains a NUL character")
    elif question.required and not value.strip():
        yield Problem(path, f"is empty, and the question {question.title!r} is required")


def _unknown(question: Question, path: str, key: object) -> Problem:
    return Problem(path, f"{key!r} is not an option; the options are {', '.join(o.key for o in question.options)}")


def _regions_problems(question: Question, reply: Regions) -> Iterator[Problem]:
    for name in ("width", "height"):
        size = getattr(reply, name)
        if not isinstance(size, int) or size <= 0:
            yield Problem(f"{question.id}.{name}", f"must be a whole number of pixels above 0, not {size!r}")
            return
    if reply.rotation not in (0, 90, 180, 270):
        yield Problem(f"{question.id}.rotation", f"must be 0, 90, 180 or 270 degrees, not {reply.rotation!r}")
    for index, region in enumerate(reply.regions):
        path = f"{question.id}.regions[{index}]"
        yield from _shape_problems(path, region, reply)
        yield from _label_problems(path, question, region)


def _shape_problems(path: str, region: Region, image: Regions) -> Iterator[Problem]:
    if isinstance(region, Box):
        numbers = {"x": region.x, "y": region.y, "width": region.width, "height": region.height}
    else:
        numbers = {
            f"points[{i}].{n}": v for i, point in enumerate(region.points) for n, v in zip("xy", point, strict=True)
        }
    bad = [name for name, number in numbers.items() if not _finite(number)]
    if bad:
        yield from (Problem(f"{path}.{name}", f"must be a finite number, not {numbers[name]!r}") for name in bad)
    elif isinstance(region, Box) and (region.width <= 0 or region.height <= 0):
        yield Problem(path, f"must have an area, not {region.width} x {region.height} pixels")
    elif len(region.points) < 3:
        yield Problem(f"{path}.points", f"a polygon needs at least 3 points, not {len(region.points)}")
    elif not all(_inside(x, image.width) and _inside(y, image.height) for x, y in region.points):
        yield Problem(path, f"reaches outside the image of {image.width} x {image.height} pixels")


def _finite(number: object) -> bool:
    return isinstance(number, int | float) and not isinstance(number, bool) and math.isfinite(number)


def _inside(number: float, size: int) -> bool:
    return -SLACK <= number <= size + SLACK


def _label_problems(path: str, question: Question, region: Region) -> Iterator[Problem]:
    if region.label is not None:
        titles = ", ".join(repr(child.title) for child in question.children) or "none"
        yield Problem(f"{path}.label", f"is short for one question about regions; here they are {titles}: use labels")
    known = {child.title for child in question.children}
    for title in region.labels:
        if title not in known:
            yield Problem(f"{path}.labels", f"{title!r} is not a question about regions here")
    for child in question.children:
        value = region.labels.get(child.title)
        if value is not None:
            yield from _plain_problems(child, f"{path}.labels[{child.title!r}]", value)
        elif child.required and region.label is None:
            yield Problem(f"{path}.labels", f"no reply to the required question {child.title!r}")
