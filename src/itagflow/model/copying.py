"""Values that become their next version by one copy in C."""

from __future__ import annotations

from typing import Any, TypeVar, cast

import attrs

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
    changed = object.__new__(kind)
    # all fields by one call in C
    fields = changed.__dict__
    fields.update(value.__dict__)
    count = len(fields)
    fields.update(changes)
    if len(fields) != count:  # `__init__` would have refused a name that is no field
        known = {field.name for field in attrs.fields(kind)}
        raise TypeError(f"{kind.__name__} has no field {', '.join(changes.keys() - known)}")
    return changed
