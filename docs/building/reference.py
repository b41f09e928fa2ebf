"""The pages of the reference: which names stand on them."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet
from enum import Enum
from importlib import import_module
from pathlib import Path

from itagflow.formats import FormatOption

from .listing import read_name

BLOCK = re.compile(r"^```\{names\} (\S+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
"""A module or class, and the names of it that are documented there."""

CLASS = re.compile(r"^\.\. autoclass:: (\S+)$", re.MULTILINE)
"""A class of which a page documents only some members."""


def find_owner(path: str) -> object:
    """Return a module, or a class that a module has.

    >>> find_owner("itagflow.Flow").__name__
    'Flow'
    """
    module, _, name = path.rpartition(".")
    try:
        return import_module(path)
    except ModuleNotFoundError:
        return getattr(import_module(module), name)


def list_names(owner: object, content: str) -> list[str]:
    """Return the names that a block lists, or all public ones where it lists none."""
    if content.split():
        return content.split()
    if isinstance(owner, type):
        return [name for name, value in vars(owner).items() if is_public_verb(name, value)]
    return list(getattr(owner, "__all__", ()))


def is_public_verb(name: str, value: object) -> bool:
    """Return whether an attribute of a class is what users call."""
    return inspect.isfunction(value) and not name.startswith("_")


def has_hidden_base(owner: object, kind: type) -> bool:
    """Return whether a class has what another class of ours says, which has no entry itself."""
    public = getattr(owner, "__all__", ())
    return any(
        base.__module__.startswith("itagflow") and base.__name__ not in public
        for base in kind.__mro__[1:]
    )


def render_names(path: str, content: str) -> str:
    """Return the reStructuredText that documents the names of a block."""
    owner = find_owner(path)
    lines: list[str] = []
    for name in list_names(owner, content):
        value = getattr(owner, name)
        if isinstance(owner, type):
            lines += [f".. automethod:: {path}.{name}", ""]
        elif isinstance(value, type):
            inherited = ["   :inherited-members:"] * has_hidden_base(owner, value)
            lines += [f".. autoclass:: {path}.{name}", "   :members:", *inherited, ""]
        elif inspect.isroutine(value):
            lines += [f".. autofunction:: {path}.{name}", ""]
        else:
            lines += render_data(path, name, value)
    return "\n".join(lines)


def render_data(path: str, name: str, value: object) -> list[str]:
    """Return the documentation of a constant or of a name for types."""
    written, text = read_name(path, name)
    kind, more = "type", [f"   :canonical: {written}"]
    if isinstance(value, str | int | Mapping | AbstractSet | Enum | FormatOption):
        kind, more = "data", []
    said = [f"   {line}" for line in inspect.cleandoc(text).splitlines()]
    return [f".. py:{kind}:: {path}.{name}", *more, "", *said, ""]


def list_documented(folder: Path) -> Iterator[tuple[str, str]]:
    """Yield each name that the pages in a folder document, with its page."""
    for page in sorted(folder.glob("*.md")):
        text = page.read_text("utf-8")
        for path, content in BLOCK.findall(text):
            for name in list_names(find_owner(path), content):
                yield f"{path}.{name}", page.stem
        for path in CLASS.findall(text):
            yield path, page.stem
