"""How values look at a prompt and in a debugger: one short line each, without nested data.

What people name or count is shown as in ``<Job 'cats' RUNNING id=7>``; what they write in code is
shown as they would write it, as in ``Box(10, 20, 30, 40, label='car')``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import Enum
from importlib import import_module
from typing import Any, cast

import attrs

from itagflow.printing import format_repr, make_printable

MAX_ITEMS = 3
"""How many elements of a sequence or mapping are shown: enough to see what is in it."""
MAX_DEPTH = 3
"""How deep values inside values are shown; one may also be inside itself."""
MAX_TEXT = 60
"""How many characters of a text are shown, so that two or three fit into a line."""


def show_line(value: object, *parts: object) -> str:
    """Return one line with the class of *value* and these parts; those that are empty are left out.

    >>> show_line(4, "'cats'", "", "RUNNING")
    "<int 'cats' RUNNING>"
    """
    words = [type(value).__name__, *(str(part) for part in parts if part != "")]
    return make_printable(f"<{' '.join(words)}>")


def show_in_notebook(self: object) -> str:
    """Return a value as HTML: it is the ``_repr_html_`` of public values."""
    # what shows values imports all of them
    return str(import_module("itagflow.display").describe_value(self))


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
        if content is attrs.NOTHING or _is_default(content, field, self):
            by_name = True  # what follows cannot be given by its place any more
            continue
        by_name = by_name or field.kw_only
        prefix = f"{field.alias}=" if by_name else ""
        shown.append(prefix + show(content))
    return f"{kind.__name__}({', '.join(shown)})"


def show(content: object, depth: int = 0) -> str:
    """Return a content of a field in few words; *depth* is how far inside of other contents.

    >>> show((1, 2, 3, 4, 5)), show("cat"), show({})
    ('(1, 2, 3, … 2 more)', "'cat'", '{}')
    """
    if depth > MAX_DEPTH:
        return "…"
    if isinstance(content, Enum):
        return f"{type(content).__name__}.{content.name}"
    if isinstance(content, str):
        shown = content
        if len(content) > MAX_TEXT:
            shown = f"{content[:MAX_TEXT]}…"
        return make_printable(str.__repr__(shown))
    if isinstance(content, Mapping):
        pairs = cast("Mapping[object, object]", content).items()
        deeper = depth + 1
        shown_pairs = (f"{show(key, deeper)}: {show(held, deeper)}" for key, held in pairs)
        return f"{{{_some(shown_pairs)}}}"
    if isinstance(content, tuple):
        items = cast("tuple[object, ...]", content)
        comma = "," if len(items) == 1 else ""
        return f"({_some(show(item, depth + 1) for item in items)}{comma})"
    return format_repr(content)


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


def _is_default(content: object, field: attrs.Attribute[Any], value: object) -> bool:
    """Return whether *content* is what *field* of *value* is unless it is given."""
    default = _default(field, value)
    # only what is of one type is compared: a value of a foreign class may refuse to be
    return content is default or (type(content) is type(default) and content == default)


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
