"""Values that become their next version by one copy in C; and dicts that are part of values."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar, cast

import attrs

from itagflow.model.deferred import get_fields

K = TypeVar("K")
T = TypeVar("T")
V = TypeVar("V", bound=attrs.AttrsInstance)

_COPYABLE: set[type[Any]] = set()


def copyable(kind: type[V]) -> type[V]:
    """Mark a class of values that `evolve` copies past ``__init__``; a decorator.

    For classes made with ``slots=False``, which keep their fields in a ``__dict__``, and whose
    ``__init__`` converts and checks nothing.  A test checks both.
    """
    _COPYABLE.add(kind)
    return kind


def is_copyable(kind: type[Any]) -> bool:
    """Return whether values of *kind* are all in their ``__dict__``, and never checked."""
    return kind in _COPYABLE


def evolve(value: V, **changes: Any) -> V:
    """Return *value* with some fields changed, like `attrs.evolve`; a copyable one much faster.

    Every write makes several new values of entities and of what rules decide on, with some twenty
    fields each, so this is a good part of what a claim or a submission costs.

    >>> from itagflow.testing import make_package
    >>> evolve(make_package(), free=0).free
    0
    """
    if type(value) in _COPYABLE:
        return copy_with(value, **changes)
    evolved: V = attrs.evolve(cast(Any, value), **changes)
    return evolved


def copy_with(value: V, **changes: Any) -> V:
    """Return a copy of *value*, whose fields are in its ``__dict__``, with some of them changed.

    What is changed is neither converted nor checked.
    """
    kind = type(value)
    # The fields are copied by one call in C, and become those of the new value as they are: put
    # into it one by one they would take several times as long.
    old = get_fields(value)
    fields = old | changes
    if len(fields) != len(old):  # `__init__` would have refused a name that is no field
        known = {field.name for field in attrs.fields(kind)}
        raise TypeError(f"{kind.__name__} has no field {', '.join(changes.keys() - known)}")
    return make_of_fields(kind, fields)


def make_of_fields(kind: type[T], fields: dict[str, Any]) -> T:
    """Return the value of *kind* that has these *fields*, all of them, in its ``__dict__``.

    They are neither converted nor checked, and *fields* belongs to the value from then on.
    """
    made = object.__new__(kind)
    # past the `__setattr__` of a frozen class
    object.__setattr__(made, "__dict__", fields)
    return made


class ReadOnlyDict(dict[K, T]):
    """A dict that refuses every change.

    A store decodes what rarely changes once for each version, and gives the same value to everybody
    in the process: who changed it would change it for all of them.

    >>> ReadOnlyDict({"a": 1}).copy()
    {'a': 1}
    """

    # a dict and no `MappingProxyType`, which can neither be pickled nor copied deeply
    __slots__ = ()

    def __reduce__(self) -> tuple[Any, ...]:
        # a copy belongs to whoever made it
        return (dict, (dict(self),))

    def _refuse(self, *_: object, **__: object) -> NoReturn:
        raise TypeError("it is part of a value that never changes: change a copy() of it")

    # a type checker sees a `Mapping` in the fields of values, and refuses changes by that
    if not TYPE_CHECKING:
        __setitem__ = __delitem__ = __ior__ = _refuse
        clear = pop = popitem = setdefault = update = _refuse


def make_read_only(value: Mapping[K, T]) -> Mapping[K, T]:
    """Return a mapping as one that refuses changes: a converter of attrs.

    Anything else is returned as it is, for a validator to refuse.
    """
    if isinstance(value, ReadOnlyDict) or not isinstance(cast(object, value), Mapping):
        return value
    return ReadOnlyDict(value)
