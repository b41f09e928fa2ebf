"""Every public callable with its parameters, found by inspection."""

from __future__ import annotations

import inspect
import pkgutil
import re
from collections.abc import Callable, Iterator
from enum import Enum
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from inspect import Parameter
from types import FunctionType, ModuleType
from typing import Any, is_typeddict

import attrs

import itagflow

INTERNAL = frozenset(
    {
        "api",  # its classes are reached through an open Flow
        "claiming",
        "cli",  # a program, to which people talk in a shell
        "comments",
        "contexts",
        "core",
        "engines",
        "events",
        "flow",  # `Flow` and `open` are names of the package
        "jobs",
        "jsontext",
        "labeling",
        "lifecycle",
        "measuring",
        "preload",
        "printing",
        "reprs",
        "results",
        "reviewing",
        "template_changes",
        "validation",
        "workspaces",
    }
)
"""Modules that programs do not import.  A new module counts as public until it is named here."""
NOT_TRIED = frozenset({"aio", "testing"})
"""Public modules whose callables are not tried: verbs that hand what they get to the sync ones, which
are tried, and tools for tests of stores."""
NEED_MATPLOTLIB = frozenset({"plot_members", "plot_progress"})
"""Functions that are tried where matplotlib is installed: by the session ``notebooks``."""
HAS_MATPLOTLIB = find_spec("matplotlib") is not None
PORT = frozenset(
    {
        "IndexField",
        "Fields",
        "Query",
        "Span",
        "Unless",
        "check_query",
        "cursor",
        "encode_value",
        "field_value",
        "unique_values",
    }
)
"""What the library and a store say to each other: programs pass nothing to it."""
FORMAT_PORT = frozenset({"Counts", "FormatContext", "FormatOption", "RegionIds"})
"""What the library and a format say to each other: all that callers give is checked before."""
FORMAT_FUNCTION = re.compile(r"formats\.(\w+\.(read|write)|kit\.\w+)")
"""The functions of formats, which are called by `formats.read` and `formats.write`, and the kit."""
WITH_PUBLIC_MODULES = frozenset({"formats"})
"""Public packages whose modules are public too."""
AMBIGUOUS = frozenset({"delivery", "formats", "maintenance", "prelabels", "quality", "templates"})
"""Modules whose functions are known by the module's name too: several have a `read`, `copy` or `write`."""
UNPACKED = re.compile(r"Unpack\[(\w+)\]")


@attrs.frozen
class PublicCallable:
    """One public callable: how it is known here, and what it takes."""

    key: str
    """Such as ``Box``, ``templates.ocr``, ``Workflow.has`` or ``flow.jobs.create``."""
    parameters: tuple[str, ...]
    """The names of its parameters, with those of ``**fields: Unpack[…]``."""
    required: tuple[str, ...]
    """Those without a default."""
    starred: str | None = None
    """The name of its ``*parameter``."""
    has_options: bool = False
    """Whether it takes any other keyword: the case names those that are tried."""
    target: Callable[..., Any] | None = attrs.field(default=None, eq=False, repr=False)
    """What is called; None for a verb, which is looked up on each Flow, and for a method."""
    path: str = ""
    """For a verb the path from a Flow, such as ``jobs.create``; for a method its name."""
    owner: str = ""
    """For a method the key of its class."""


def public_callables() -> dict[str, PublicCallable]:
    """Return every public callable by its key."""
    found = dict[str, PublicCallable]()
    for one in (*_values_and_functions(), *_methods(), *_verbs()):
        assert one.key not in found or found[one.key] == one, f"two public callables are {one.key}"
        found[one.key] = one
    return found


@cache
def public_names() -> dict[str, Any]:
    """Return every public class, enum and function by its key, wherever it is exported.

    Cases find what they need here, so that a name may move from one public module to another.
    """
    found: dict[str, Any] = {"open": itagflow.open}
    seen = {id(itagflow.open)}
    for module, prefix in _public_modules():
        for name in _exported(module):
            value = getattr(module, name)
            is_class = inspect.isclass(value)
            if id(value) in seen or not (is_class or callable(value)):
                continue
            seen.add(id(value))
            found[f"{prefix}.{name}" if prefix and not is_class else name] = value
    return found


class _Names:
    """The public names as attributes: ``P.Box``, ``P.templates.ocr``."""

    def __init__(self, prefix: str = "") -> None:
        self._prefix = prefix

    def __getattr__(self, name: str) -> Any:
        key = f"{self._prefix}{name}"
        names = public_names()
        if key in names:
            return names[key]
        if any(known.startswith(f"{key}.") for known in names):
            return _Names(f"{key}.")
        raise AttributeError(f"no public module exports {key}")


P: Any = _Names()


def _public_modules() -> Iterator[tuple[ModuleType, str]]:
    """Yield the public modules, each with what its functions are known by beside their names."""
    yield itagflow, ""
    for info in pkgutil.iter_modules(itagflow.__path__):
        name = info.name
        if name.startswith("_") or name in INTERNAL | NOT_TRIED:
            continue
        module = import_module(f"itagflow.{name}")
        yield module, name if name in AMBIGUOUS else ""
        if name in WITH_PUBLIC_MODULES:
            for inner in pkgutil.iter_modules(module.__path__):
                if not inner.name.startswith("_"):
                    inner_name = f"{name}.{inner.name}"
                    yield import_module(f"itagflow.{inner_name}"), inner_name


def _exported(module: ModuleType) -> list[str]:
    listed = getattr(module, "__all__", None)
    if listed is not None:
        return list(listed)
    return [
        name
        for name, value in vars(module).items()
        if not name.startswith("_")
        and str(getattr(value, "__module__", "")).startswith(module.__name__)
    ]


def _is_tried(value: Any) -> bool:
    """Tell whether a public name is a callable that is tried."""
    if inspect.isclass(value):
        is_protocol = getattr(value, "_is_protocol", False)
        no_input = issubclass(value, Enum | BaseException) or is_protocol or is_typeddict(value)
        return value.__module__.startswith("itagflow") and not no_input
    if inspect.isroutine(value):
        return str(value.__module__).startswith("itagflow")
    return callable(value) and type(value).__module__.startswith("itagflow")


def _is_of_formats(key: str) -> bool:
    return key in FORMAT_PORT or FORMAT_FUNCTION.fullmatch(key) is not None


def _values_and_functions() -> Iterator[PublicCallable]:
    for key, value in public_names().items():
        is_left_out = key in PORT or (key in NEED_MATPLOTLIB and not HAS_MATPLOTLIB)
        if _is_tried(value) and not is_left_out and not _is_of_formats(key):
            yield _described(key, value, target=value)


def _methods() -> Iterator[PublicCallable]:
    """Yield the methods of public classes that take something; those of a Flow are verbs."""
    for key, kind in public_names().items():
        if not inspect.isclass(kind) or not _is_tried(kind) or key in PORT | FORMAT_PORT | {"Flow"}:
            continue
        for name in dir(kind):
            home = next(base for base in kind.__mro__ if name in vars(base))
            static = inspect.getattr_static(kind, name)
            is_ours = home.__module__.startswith("itagflow")
            if name.startswith("_") or not is_ours or not isinstance(static, FunctionType):
                continue
            described = _described(f"{key}.{name}", static, path=name, owner=key)
            if described.parameters:
                yield described


def _verbs() -> Iterator[PublicCallable]:
    """Yield the methods of a Flow and of the namespaces that are its attributes."""
    with itagflow.open("memory:") as flow:
        yield from _verbs_of(flow, "")
        for name, space in vars(flow).items():
            if not name.startswith("_") and type(space).__module__.startswith("itagflow"):
                yield from _verbs_of(space, f"{name}.")


def _verbs_of(space: Any, prefix: str) -> Iterator[PublicCallable]:
    for name in dir(type(space)):
        if not name.startswith("_") and inspect.isroutine(getattr(type(space), name)):
            path = f"{prefix}{name}"
            yield _described(f"flow.{path}", getattr(space, name), path=path, is_bound=True)


def _described(
    key: str,
    function: Any,
    *,
    target: Any = None,
    path: str = "",
    owner: str = "",
    is_bound: bool = False,
) -> PublicCallable:
    names, required = list[str](), list[str]()
    starred: str | None = None
    has_options = False
    given = list(inspect.signature(function).parameters.values())
    if owner and not is_bound:
        given = given[1:]  # self
    for parameter in given:
        if parameter.kind is Parameter.VAR_KEYWORD:
            fields = _unpacked(function, str(parameter.annotation))
            has_options = not fields
            names += fields
        elif parameter.kind is Parameter.VAR_POSITIONAL:
            starred = parameter.name
            names.append(parameter.name)
        else:
            names.append(parameter.name)
            if parameter.default is Parameter.empty:
                required.append(parameter.name)
    return PublicCallable(
        key, tuple(names), tuple(required), starred, has_options, target, path, owner
    )


def _unpacked(function: Any, annotation: str) -> list[str]:
    """Return the names in the `TypedDict` of ``**fields: Unpack[…]``."""
    match = UNPACKED.search(annotation)
    if match is None:
        return []
    names = getattr(function, "__func__", function).__globals__
    return list(names[match[1]].__annotations__)  # with those of its bases
