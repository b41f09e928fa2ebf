"""Checks of arguments that are neither numbers, texts, times nor enums: flags, code, collections.

Each takes what the argument is for, such as ``the claim``, and its name, so that an error says both
as the caller wrote them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, ParamSpec, TypeVar, cast

import attrs

from itagflow.errors import InvalidData, Problem
from itagflow.printing import format_repr

P = ParamSpec("P")
T = TypeVar("T")
C = TypeVar("C", bound=Callable[..., Any])


def require_flag(what: str, field: str, value: object) -> bool:
    """Return *value*, which is true or false and nothing that counts as one of them.

    Raises:
        InvalidData: when it is neither.
    """
    if isinstance(value, bool):
        return value
    raise make_error(what, field, "must be True or False", value)


def require_optional_flag(what: str, field: str, value: object) -> bool | None:
    """Return *value* if it is true, false or None.

    Raises:
        InvalidData: when it is neither.
    """
    if value is None:
        return None
    return require_flag(what, field, value)


def require_callable(what: str, field: str, value: C) -> C:
    """Return *value*, which can be called.

    Raises:
        InvalidData: when it cannot.
    """
    if callable(cast(object, value)):
        return value
    raise make_error(what, field, "must be a function, or something else that can be called", value)


def call(
    what: str, field: str, function: Callable[P, T], *arguments: P.args, **named: P.kwargs
) -> T:
    """Return what a function of the application returns; what it raises passes through.

    Args:
        what: Where it was given, such as ``itagflow.open``.
        field: What it is called there, such as ``policy``.
        function: The function.
        *arguments: What it is called with.
        **named: What it is called with by name.

    Raises:
        InvalidData: when it does not take these arguments, so that not a line of it ran.
    """
    try:
        return function(*arguments, **named)
    except TypeError as error:
        trace = error.__traceback__
        # a frame below this one is the application's: then it is its own error
        if trace is not None and trace.tb_next is not None:
            raise
        # only the names of types and numbers of arguments are in Python's words here
        raise InvalidData(what, [Problem(field, f"cannot be called as it is: {error}")]) from error


def require_wrapper(
    what: str, field: str, value: Callable[[Iterable[Any]], Iterable[Any]] | None
) -> Callable[[Iterable[Any]], Iterable[Any]] | None:
    """Return *value*, a function such as ``tqdm`` that wraps an iterable, or None.

    What comes back checks what the function returns.

    Raises:
        InvalidData: when it cannot be called; later, when it returns nothing that can be gone
            through.
    """
    wrap = value
    if wrap is None:
        return None
    wanted = "must be a function that wraps an iterable, such as tqdm"
    if not callable(cast(object, wrap)):
        raise make_error(what, field, wanted, wrap)

    def wrap_checked(items: Iterable[Any]) -> Iterable[Any]:
        wrapped = call(what, field, wrap, items)
        if not hasattr(wrapped, "__iter__"):
            reason = f"{wanted}: it returned {format_repr(wrapped)}"
            raise InvalidData(what, [Problem(field, reason)])
        return wrapped

    return wrap_checked


def require_kind(what: str, field: str, value: T, kinds: type | tuple[type, ...], wanted: str) -> T:
    """Return *value*, which is an object of one of these classes.

    Args:
        what: What it is for, such as ``the job``.
        field: What it is called there, such as ``packaging``.
        value: What was given.
        kinds: What it may be.
        wanted: The same in words, such as ``a Workflow``.

    Raises:
        InvalidData: when it is none.
    """
    if isinstance(value, kinds):
        return value
    raise make_error(what, field, f"must be {wanted}", value)


def require_several(what: str, field: str, values: Iterable[T], wanted: str) -> list[T]:
    """Return *values* as a list; a text is one value, and a mapping is none of several.

    What an iterable of the application raises passes through.

    Raises:
        InvalidData: when they are one value.
    """
    if not is_several(values):
        raise make_error(what, field, f"must be several {wanted}, such as a list", values)
    return list(values)


def require_optional_several(
    what: str, field: str, values: Iterable[T] | None, wanted: str
) -> list[T] | None:
    """Return the same, or None for None."""
    if values is None:
        return None
    return require_several(what, field, values, wanted)


def is_several(values: object) -> bool:
    """Return whether *values* can be gone through one by one, and is no single value for that."""
    # the letters of a text, the keys of a mapping and the lines of a file are not what is meant
    if isinstance(values, str | bytes | bytearray | Mapping) or hasattr(values, "readline"):
        return False
    try:
        iter(cast("Iterable[object]", values))
    except (
        TypeError
    ):  # also of what has an `__iter__`, such as a class, or an array of no dimension
        return False
    return True


def require_mapping(what: str, field: str, value: Mapping[Any, T], wanted: str) -> Mapping[Any, T]:
    """Return *value*, which is a mapping.

    Raises:
        InvalidData: when it is none.
    """
    if isinstance(cast(object, value), Mapping):
        return value
    raise make_error(what, field, f"must be a mapping {wanted}", value)


def validate_flag(owner: object, attribute: attrs.Attribute[Any], value: object) -> None:
    """Check a field that is true or false: an attrs validator.

    Raises:
        InvalidData: when it is neither.
    """
    require_flag(type(owner).__name__, attribute.name, value)


def make_error(what: str, field: str, reason: str, value: object) -> InvalidData:
    """Return the error for *value*, which was given for this field."""
    return InvalidData(what, [Problem(field, f"{reason}, not {format_repr(value)}")])


def require_executor(executor: Any) -> Any:
    """Return *executor*, if it can work.

    Raises:
        InvalidData: when it cannot.
    """
    if executor is None:
        return None
    # by what it can do: those of Dask and Ray are no subclasses of `Executor`
    if isinstance(executor, type) or not callable(getattr(executor, "submit", None)):
        reason = "must be an executor, such as a ThreadPoolExecutor()"
        raise make_error("results.export", "executor", reason, executor)
    return executor
