"""The public names, with their signatures and attributes, as readable text."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator, Mapping
from enum import Enum
from importlib import import_module
from inspect import Parameter, Signature
from types import ModuleType
from typing import Any, get_args

import attrs

import itagflow
from itagflow import typing
from itagflow.access import RolePolicy

MAX_WIDTH = 100
"""Longer signatures take a line for each parameter, so that a diff shows which one changed."""
INDENT = "    "
MODULES = (
    "model",
    "access",
    "aio",
    "errors",
    "formats",
    "json",
    "prelabels",
    "quality",
    "schema",
    "storage",
    "typing",
)
"""Beside the top and the modules that it names; a name is shown where it is found first."""
FACTORY = type(attrs.Factory(list))
PUBLIC = {"itagflow", *(f"itagflow.{module}" for module in MODULES)}


def render() -> str:
    """Return every public name of the library with its signature or attributes."""
    lines = [*_function("itagflow.open", itagflow.open), ""]
    for name in itagflow.__all__:
        lines += [*_entry(name, getattr(itagflow, name)), ""]
    seen = set(itagflow.__all__)
    for module in MODULES:
        found = import_module(f"itagflow.{module}")
        names = set(getattr(found, "__all__", None) or _own_names(found)) - seen
        lines.append(f"module {module}")
        for name in sorted(names):
            lines += _indented(_entry(name, getattr(found, name)))
        lines.append("")
        seen |= names
    return "\n".join(lines)


def _entry(name: str, value: Any) -> Iterator[str]:
    if isinstance(value, ModuleType):
        yield from _module(name, value)
    elif inspect.isclass(value) and issubclass(value, Enum):
        yield from _enum(name, value)
    elif inspect.isclass(value):
        yield from _class(name, value)
    elif get_args(value):
        yield f"{name} = {_plain(value)}"
    elif callable(value) and not isinstance(value, RolePolicy):
        yield from _function(name, value)
    elif isinstance(value, Mapping):
        yield f"{name}  [mapping]"
    else:
        yield f"{name} = {_text(value)}"


def _module(name: str, module: ModuleType) -> Iterator[str]:
    yield f"module {name}"
    names = getattr(module, "__all__", None) or _own_names(module)
    for key in sorted(names):
        yield from _indented(_entry(key, getattr(module, key)))


def _own_names(module: ModuleType) -> list[str]:
    """Return the public functions and classes that are defined in a module or below it."""
    homes = {name: getattr(value, "__module__", "") for name, value in vars(module).items()}
    return [
        name
        for name, home in homes.items()
        if not name.startswith("_") and home.startswith(module.__name__)
    ]


def _enum(name: str, kind: type[Enum]) -> Iterator[str]:
    yield f"enum {name}"
    for member in kind:
        yield f"{INDENT}{member.name} = {member.value!r}"
    yield from _indented(_members(kind, set(kind.__members__)))


def _class(name: str, kind: type) -> Iterator[str]:
    fields = attrs.fields(kind) if attrs.has(kind) else ()
    bases = [base.__name__ for base in kind.__mro__[1:] if _is_ours(base) or base is Exception]
    keywords_only = bool(fields) and all(field.kw_only for field in fields)
    listed = f"({', '.join(bases)})" if bases else ""
    note = "  [keywords only]" if keywords_only else ""
    yield f"class {name}{listed}{note}"
    for field in fields:
        keyword = "  [keyword]" if field.kw_only and not keywords_only else ""
        yield f"{INDENT}{field.name}: {_declared(kind, field.name)}{_default(field.default)}{keyword}"
    if not _is_generated(kind.__init__):
        yield from _indented(_function("__init__", kind.__init__))
    yield from _indented(_members(kind, {field.name for field in fields}))
    if name == "Flow":
        yield from _indented(_namespaces())


def _declared(kind: type, field: str) -> str:
    """Return the type of a field as the source has it; cattrs may have resolved the one in attrs."""
    home = next(base for base in kind.__mro__ if field in vars(base).get("__annotations__", {}))
    return _annotation(vars(home)["__annotations__"][field])


def _is_generated(constructor: Any) -> bool:
    """Tell whether a constructor is made from the fields of a class, or is that of a protocol."""
    code = getattr(constructor, "__code__", None)
    return (
        code is None
        or code.co_filename.startswith("<attrs generated")
        or constructor.__module__ == "typing"
    )


def _is_ours(base: type) -> bool:
    """Tell whether a class is public; bases that are not may come and go."""
    home = import_module(base.__module__)
    return base.__module__ in PUBLIC and getattr(home, base.__name__, None) is base


def _members(kind: type, known: set[str]) -> Iterator[str]:
    """Yield the public properties and methods of a class that the library itself defines."""
    for name in sorted(dir(kind)):
        if name.startswith("_") or name in known or not _is_defined_by_us(kind, name):
            continue
        value = inspect.getattr_static(kind, name)
        if isinstance(value, staticmethod | classmethod):
            yield from _function(f"{type(value).__name__} {name}", value.__func__)
        elif callable(value):
            yield from _function(name, value)
        elif isinstance(value, property) and value.fget:
            yield f"{name}: {_annotation(inspect.signature(value.fget).return_annotation)}  [property]"
        else:
            yield f"{name}  [attribute]"


def _is_defined_by_us(kind: type, name: str) -> bool:
    home = next(base for base in kind.__mro__ if name in vars(base))
    # the async verbs are those of a Flow, which `tests/docs/test_awaited.py` checks
    return _is_library(home) and not home.__module__.startswith("itagflow.aio.verbs")


def _is_library(kind: type) -> bool:
    return kind.__module__.startswith("itagflow")


def _namespaces() -> Iterator[str]:
    """Yield the public attributes of an open Flow; those that hold verbs with their verbs."""
    with itagflow.open("memory:") as flow:
        for name in sorted(dir(flow)):
            value = getattr(flow, name)
            kind = type(value)
            if name.startswith("_") or inspect.isroutine(value) or not _is_library(kind):
                continue
            yield f"{name}: {kind.__name__}  [attribute]"
            if not _is_ours(kind):
                yield from _indented(_members(kind, set()))


def _function(name: str, function: Any) -> Iterator[str]:
    """Yield a signature: in one line where it fits, else a line for each parameter."""
    signature = inspect.signature(function)
    parameters = list(_parameters(signature))
    returned = signature.return_annotation
    end = "" if returned is Signature.empty else f" -> {_annotation(returned)}"
    line = f"{name}({', '.join(parameters)}){end}"
    if len(line) <= MAX_WIDTH:
        yield line
    else:
        yield f"{name}("
        yield from (f"{INDENT}{parameter}," for parameter in parameters)
        yield f"){end}"


def _parameters(signature: Signature) -> Iterator[str]:
    starred = False
    for parameter in signature.parameters.values():
        if parameter.name == "self":
            continue
        if parameter.kind is Parameter.KEYWORD_ONLY and not starred:
            starred = True
            yield "*"
        starred = starred or parameter.kind is Parameter.VAR_POSITIONAL
        stars = {Parameter.VAR_POSITIONAL: "*", Parameter.VAR_KEYWORD: "**"}.get(parameter.kind, "")
        colon = (
            ""
            if parameter.annotation is Parameter.empty
            else f": {_annotation(parameter.annotation)}"
        )
        yield f"{stars}{parameter.name}{colon}{_default(parameter.default)}"


def _annotation(annotation: Any) -> str:
    if isinstance(annotation, str):
        return annotation
    text = _plain(annotation)
    for alias in ("Reply", "Region", "Packaging", "TemplateStep", "Labels", "Points", "Key"):
        text = text.replace(_plain(getattr(typing, alias)), alias)
    return text


def _plain(annotation: Any) -> str:
    """Return a type without the modules of its classes."""
    return re.sub(r"\b(?:[a-z_]+\.)+(?=\w)", "", inspect.formatannotation(annotation))


def _default(value: Any) -> str:
    if value is Parameter.empty or value is attrs.NOTHING:
        return ""
    return f" = {_text(value)}"


def _text(value: Any) -> str:
    """Return a default as a person would write it, without addresses in memory."""
    if isinstance(value, Enum):
        return f"{type(value).__name__}.{value.name}"
    if isinstance(value, FACTORY):
        return "<made for each>"
    if inspect.isroutine(value) or inspect.isclass(value):
        return str(value.__qualname__)
    return repr(value)


def _indented(lines: Iterator[str]) -> Iterator[str]:
    return (INDENT + line for line in lines)
