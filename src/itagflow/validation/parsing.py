"""Replies from plain JSON types, as a screen sends them.

Stored replies are read by `itagflow.storage.codec`, which trusts them.  What comes from outside is
read here: nothing is left out, guessed or taken for something else, and every problem is found, at
its path, in words that are fit for the screen.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, cast, get_args

import attrs

from itagflow.errors import InvalidData, Problem
from itagflow.model.annotation import Annotation
from itagflow.model.region import Keypoint, Keypoints, Region, Regions
from itagflow.model.reply import Reply
from itagflow.model.segment import Segment, Segments
from itagflow.model.span import Relation, Spans, TextSpan
from itagflow.model.validators import show_value

Kinds = Mapping[str, type[Any]]


def _name_kinds(kinds: Iterable[type[Any]]) -> Kinds:
    return {kind.__name__.lower(): kind for kind in kinds}


REPLIES: Kinds = _name_kinds(get_args(Reply))
"""The classes of replies, by their ``kind`` in JSON."""
REGIONS: Kinds = _name_kinds(get_args(Region))
"""The classes of regions, by their ``kind`` in JSON."""
PARTS: Mapping[tuple[type[Any], str], type[Any] | Kinds] = {
    (Regions, "regions"): REGIONS,
    (Keypoints, "keypoints"): Keypoint,
    (Spans, "spans"): TextSpan,
    (Spans, "relations"): Relation,
    (Segments, "segments"): Segment,
}
"""The fields that hold values of classes: those of one class, or of several that say their kind."""


_LARGE = re.compile("-?[0-9]{16,19}", re.ASCII)
"""An integer with more digits than JavaScript keeps, as a text."""


def parse_reply(path: str, value: object) -> tuple[Reply | None, list[Problem]]:
    """Return the reply that *value* is, or None and everything that is wrong with it."""
    problems: list[Problem] = []
    reply = parse_object(path, value, REPLIES, problems)
    return reply, problems


def parse_object(path: str, value: object, kind: type[Any] | Kinds, problems: list[Problem]) -> Any:
    """Return the value of a class that *value* is, or None; what is wrong goes to *problems*.

    Args:
        path: Where it is.
        value: Plain JSON types.
        kind: The class, or several by the ``kind`` that says which.
        problems: Is made longer.
    """
    if not isinstance(value, Mapping):
        problems.append(Problem(path, f"must be an object, not {show_value(value)}"))
        return None
    given = {**cast("dict[Any, Any]", value)}
    if not isinstance(kind, type):
        chosen = _choose_kind(path, given, kind, problems)
        if chosen is None:
            return None
        kind = chosen
    found = len(problems)
    content = _parse_fields(path, given, kind, problems)
    if len(problems) > found:
        return None
    try:
        return kind(**content)
    except InvalidData as error:
        problems += [Problem(join(path, each.where), each.reason) for each in error.problems]
        return None


def _choose_kind(
    path: str, given: dict[Any, Any], kinds: Kinds, problems: list[Problem]
) -> type[Any] | None:
    known = ", ".join(kinds)
    if "kind" not in given:
        problems.append(Problem(join(path, "kind"), f"is missing; it is one of {known}"))
        return None
    name = given.pop("kind")
    if not isinstance(name, str) or name not in kinds:
        problems.append(
            Problem(join(path, "kind"), f"must be one of {known}, not {show_value(name)}")
        )
        return None
    return kinds[name]


def _parse_fields(
    path: str, given: Mapping[Any, Any], kind: type[Any], problems: list[Problem]
) -> dict[str, Any]:
    """Return what the fields of *kind* hold."""
    fields = {field.name: field for field in attrs.fields(kind)}
    for name in given:
        if name not in fields:
            known = ", ".join(fields)
            problems.append(Problem(join(path, name), f"is not known here; known are {known}"))
    content: dict[str, Any] = {}
    for name, field in fields.items():
        if name in given:
            content[name] = _parse_field(join(path, name), given[name], (kind, field), problems)
        elif field.default is attrs.NOTHING:
            problems.append(Problem(join(path, name), "is missing"))
    # together they could contradict each other
    if issubclass(kind, Annotation) and content.get("labels") and content.get("label") is not None:
        problems.append(Problem(join(path, "label"), "is there beside labels: give one of them"))
    return content


def _parse_field(
    path: str, value: Any, place: tuple[type[Any], Any], problems: list[Problem]
) -> Any:
    kind, field = place
    inner = PARTS.get((kind, field.name))
    if inner is not None:
        if not _is_list(value):
            problems.append(Problem(path, f"must be a list, not {show_value(value)}"))
            return ()
        parts = enumerate(cast("Sequence[object]", value))
        return [parse_object(f"{path}[{index}]", part, inner, problems) for index, part in parts]
    if field.type is int or field.name == "visibility":
        return parse_whole(value)
    if field.name == "counts" and _is_list(value):
        return [parse_whole(count) for count in value]
    return value


def join(path: str, name: str) -> str:
    """Return the path of what is inside of another path.

    >>> join("label", "votes"), join("", "label")
    ('label.votes', 'label')
    """
    if not path or not name:
        return path or name
    return f"{path}.{name}"


def _is_list(value: object) -> bool:
    return isinstance(value, list | tuple)


def parse_whole(value: Any) -> Any:
    """Return a whole number as an integer, however JSON spells it; anything else as it is.

    >>> parse_whole(12.0), parse_whole("9007199254740993"), parse_whole("12")
    (12, 9007199254740993, '12')
    """
    # JSON Schema takes 12.0 for an integer, and JavaScript does not tell it from 12
    if type(value) is float and value.is_integer():
        return int(value)
    # nor one beyond 2**53 from its neighbors: that is written as a text
    if type(value) is str and _LARGE.fullmatch(value):
        return int(value)
    return value
