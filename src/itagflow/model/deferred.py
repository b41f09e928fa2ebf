"""Values of which some fields are worked out when they are first asked for."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar, cast

import attrs

T = TypeVar("T")

FieldSource = Callable[[dict[str, Any], str], Any]
"""Returns the value of a field by its name; the same at each call.

It is given what the value has in its ``__dict__``: there it finds what the fields follow from.
"""
_SOURCE = "_field_source"


class Deferred:
    """A frozen class of attrs without slots, of whose values some have fields from a source.

    What attrs does with fields asks for each by its name: so such a value equals one that was made
    of all its fields, and has the same hash, text and changed copies.  A pickle has all fields, and
    no source.
    """

    __slots__ = ()

    # a type checker would take any name for that of a field
    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any:
            source = self.__dict__.get(_SOURCE)
            if source is None or name[:1] == "_":
                raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
            # Of several threads that ask at once, each works it out, and all get what the first one
            # has put there: one call in C.
            return self.__dict__.setdefault(name, source(self.__dict__, name))

    def __getstate__(self) -> dict[str, Any]:
        """Return all fields, for `pickle` and `copy`."""
        return get_fields(self)


def make_deferred(kind: type[T], fields: dict[str, Any], source: FieldSource) -> T:
    """Return the value of *kind* with these *fields*; all others come from *source*.

    They are neither converted nor checked, and *fields* belongs to the value from then on.  It may
    have more in it for *source*, under names that begin with ``_``.
    """
    made = object.__new__(kind)
    fields[_SOURCE] = source
    # past the `__setattr__` of a frozen class
    object.__setattr__(made, "__dict__", fields)
    return made


def get_fields(value: object) -> dict[str, Any]:
    """Return all fields of *value*, which has them in its ``__dict__``; not to be changed."""
    fields: dict[str, Any] = value.__dict__
    if _SOURCE not in fields:  # nearly always
        return fields
    kind = cast("type[attrs.AttrsInstance]", type(value))
    return {field.name: getattr(value, field.name) for field in attrs.fields(kind)}
