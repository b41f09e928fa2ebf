"""The errors that a public verb names in its docstring, and the errors that it raises."""

from __future__ import annotations

import functools
import inspect
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

import itagflow
from itagflow import Flow, ItagflowError, errors

_SECTION = re.compile(r"^Raises:\n((?:    .*\n|\n)*)", re.MULTILINE)
_NAME = re.compile(r"^    (\w+):", re.MULTILINE)
_AS_ELSEWHERE = re.compile(
    r"errors\s+(?:are\s+those\s+)?(?:of|as\s+in)\s+`([\w.]+)`", re.IGNORECASE
)
"""Such as ``Errors are those of `review`.``"""
_IN_A_SENTENCE = re.compile(r"raises\s+`(\w+)`")
"""Such as ``What changes a job raises `NotAllowed` when …``"""


@cache
def verbs() -> dict[str, tuple[type[Any], Callable[..., Any]]]:
    """Return the class and the function of every verb by its path, such as ``jobs.create``."""
    with itagflow.open("memory:") as flow:
        spaces = {
            "": Flow,
            **{f"{name}.": type(space) for name, space in vars(flow).items() if name[0] != "_"},
        }
    return {
        f"{prefix}{name}": (space, function)
        for prefix, space in spaces.items()
        for name, function in vars(space).items()
        if name[0] != "_" and inspect.isfunction(function)
    }


def section_names(text: str) -> set[str]:
    """Return the errors that a docstring names in its own ``Raises:``."""
    section = _SECTION.search(f"{inspect.cleandoc(text)}\n")
    return set(_NAME.findall(section[1])) if section is not None else set()


@cache
def common_errors() -> frozenset[str]:
    """Return the errors that `Flow` names for every verb."""
    assert Flow.__doc__ is not None
    return frozenset(section_names(Flow.__doc__))


def _function(path: str) -> Callable[..., Any] | None:
    """Return the verb of this path, or a function of a public module."""
    if path in verbs():
        return verbs()[path][1]
    module, _, name = path.rpartition(".")
    found: Callable[..., Any] | None = getattr(getattr(itagflow, module, None), name, None)
    return found


@cache
def own_errors(path: str) -> frozenset[str]:
    """Return the errors that a verb names, or its namespace for all, or another verb that it names."""
    text = getattr(_function(path), "__doc__", None) or ""
    found = section_names(text) | set(_IN_A_SENTENCE.findall(text))
    if path in verbs():
        found.update(_IN_A_SENTENCE.findall(verbs()[path][0].__doc__ or ""))
    for other in _AS_ELSEWHERE.findall(text):
        beside = f"{path.rpartition('.')[0]}.{other}"
        found |= own_errors(beside if beside in verbs() else other)
    return frozenset(found)


def is_named(path: str, error: ItagflowError | str) -> bool:
    """Return whether a verb names an error, or a parent class of it."""
    kind = getattr(errors, error) if isinstance(error, str) else type(error)
    known = own_errors(path) | common_errors()
    return any(base.__name__ in known for base in kind.__mro__)


Seen = dict[tuple[str, str], str]
"""What was raised without being named: by verb and error, what it said."""


@contextmanager
def watching() -> Iterator[Seen]:
    """Collect what verbs raise to their callers without naming it, until the block ends."""
    seen: Seen = {}
    inside = threading.local()
    for path, (space, function) in verbs().items():
        setattr(space, function.__name__, _watched(path, function, seen, inside))
    try:
        yield seen
    finally:
        for space, function in verbs().values():
            setattr(space, function.__name__, function)


def _watched(
    path: str, function: Callable[..., Any], seen: Seen, inside: threading.local
) -> Callable[..., Any]:
    def note(error: ItagflowError) -> None:
        if not is_named(path, error):
            seen[path, type(error).__name__] = str(error)

    def go_through(items: Any) -> Iterator[Any]:
        try:
            yield from items
        except ItagflowError as error:
            note(error)
            raise

    @functools.wraps(function)
    def watch(*args: Any, **named: Any) -> Any:
        # a verb that another one calls, such as in a listener, is not what the caller has called
        if getattr(inside, "verb", ""):
            return function(*args, **named)
        inside.verb = path
        try:
            found = function(*args, **named)
        except ItagflowError as error:
            note(error)
            raise
        finally:
            inside.verb = ""
        return go_through(found) if inspect.isgenerator(found) else found

    return watch
