"""How values look at a prompt and in a debugger: one short line each, without nested data.

What people name or count is shown as in ``<Job 'cats' RUNNING id=7>``; what they write in code is
shown as they would write it, as in ``Box(10, 20, 30, 40, label='car')``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import Enum
from typing import Any, cast

import attrs

from itagflow.printing import make_printable

MAX_ITEMS = 3
"""How many elements of a sequence or mapping are shown: enough to see what is in it."""
MAX_TEXT = 60
"""How many characters of a text are shown, so that two or three fit into a line."""


def show_line(value: object, *parts: object) -> str:
    """Return one line with the class of *value* and these parts; those that are empty are left out.

    >>> show_line(4, "'cats'", "", "RUNNING")
    "<int 'cats' RUNNING>"
    """
    words = [type(value).__name__, *(str(part) for part in parts if part != "")]
    return make_printable(f"<{' '.join(words)}>")


def show_fields(self: Any) -> str:
    """Return a value as a call of its class, without the fields that have their default.

    It is the ``__repr__`` of attrs classes that people write in code.
    """
    kind: type[Any] = self.__class__
    fields = attrs.fields(kind)
    shown: list[str] = []
    by_name = False
    # those of the base class come first in `fields`, but are given by name, after the others
    for field in sorted(fields, key=lambda field: field.kw_only):
        content = getattr(self, field.name, attrs.NOTHING)
        if content is attrs.NOTHING or content == _default(field, self):
            by_name = True  # what follows cannot be given by its place any more
            continue
        by_name = by_name or field.kw_only
        prefix = f"{field.alias}=" if by_name else ""
        shown.append(prefix + show(content))
    return f"{kind.__name__}({', '.join(shown)})"


def show(content: object) -> str:
    """Return a content of a field in few words.

    >>> show((1, 2, 3, 4, 5)), show("cat"), show({})
    ('(1, 2, 3, … 2 more)', "'cat'", '{}')
    """
    if isinstance(content, Enum):
        return f"{type(content).__name__}.{content.name}"
    if isinstance(content, str):
        shown = content
        if len(content) > MAX_TEXT:
            shown = f"{content[:MAX_TEXT]}…"
        return make_printable(repr(shown))
    if isinstance(content, Mapping):
        pairs = cast("Mapping[object, object]", content).items()
        return f"{{{_some(f'{show(key)}: {show(held)}' for key, held in pairs)}}}"
    if isinstance(content, tuple):
        items = cast("tuple[object, ...]", content)
        comma = "," if len(items) == 1 else ""
        return f"({_some(map(show, items))}{comma})"
    return make_printable(repr(content))


def show_replies(replies: Mapping[str, object] | None) -> str:
    """Return the only reply, without what is in it if that is much, or how many there are.

    >>> show_replies({"1": "cat", "2": "black"})
    '2 replies'
    """
    if replies is None:
        return ""
    if len(replies) != 1:
        return f"{len(replies)} replies"
    reply = next(iter(replies.values()))
    shown = show(reply)
    return shown if len(shown) <= MAX_TEXT else f"{type(reply).__name__}(…)"


def count(number: int, noun: str) -> str:
    """Return a number with its noun, which agrees with it.

    >>> count(1, "task"), count(2, "task")
    ('1 task', '2 tasks')
    """
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _default(field: attrs.Attribute[Any], value: object) -> object:
    """Return what *field* of *value* is unless it is given."""
    default: Any = field.default
    if not hasattr(default, "factory"):
        return default
    return default.factory(value) if default.takes_self else default.factory()


def _some(items: Iterable[str]) -> str:
    every = list(items)
    shown = every[:MAX_ITEMS]
    if len(every) > MAX_ITEMS:
        shown.append(f"… {len(every) - MAX_ITEMS} more")
    return ", ".join(shown)
