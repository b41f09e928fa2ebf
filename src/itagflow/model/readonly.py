"""Dicts inside of frozen values: they refuse to be changed, too."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar, cast

K = TypeVar("K")
V = TypeVar("V")


class ReadOnlyDict(dict[K, V]):
    """A dict that refuses every change.

    A store decodes what seldom changes once for each version, and gives the same value to everybody
    in the process: who changed it would change it for all of them.

    >>> ReadOnlyDict({"a": 1}).copy()
    {'a': 1}
    """

    # a dict and no `MappingProxyType`, which can neither be pickled nor copied deeply
    __slots__ = ()

    def __reduce__(self) -> tuple[Any, ...]:
        return (type(self), (dict(self),))

    def _refuse(self, *_: object, **__: object) -> NoReturn:
        raise TypeError("it is part of a value that never changes: change a copy() of it")

    # a type checker sees a `Mapping` in the fields of values, and refuses changes by that
    if not TYPE_CHECKING:
        __setitem__ = __delitem__ = __ior__ = _refuse
        clear = pop = popitem = setdefault = update = _refuse


def make_read_only(value: Mapping[K, V]) -> Mapping[K, V]:
    """Return a mapping as one that refuses changes: a converter of attrs.

    Anything else is returned as it is, for a validator to refuse.
    """
    if isinstance(value, ReadOnlyDict) or not isinstance(cast(object, value), Mapping):
        return value
    return ReadOnlyDict(value)
