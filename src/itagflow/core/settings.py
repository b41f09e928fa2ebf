"""What an application brings when it opens a store: checked before anything is opened."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, cast

import attrs

from itagflow.access import Policy
from itagflow.core.engine import Clock, Engine, Listener, Settle, TimeOrdered
from itagflow.core.registry import MergeFunction, Registry
from itagflow.core.transaction import Ids
from itagflow.model.arguments import make_error, require_callable, require_several
from itagflow.model.number import require_number
from itagflow.storage.port import Store
from itagflow.validation.answers import Validator

MOST_SECONDS = 1_000_000_000
"""The longest time to wait for something: more than thirty years.

The clocks of systems count no further than some hundred years, and fail behind that.
"""


def require_optional_seconds(what: str, field: str, value: object) -> float | None:
    """Return *value* as a number of seconds to wait, or None for None.

    Raises:
        InvalidData: when it is not a number of seconds.
    """
    if value is None:
        return None
    return require_number(what, field, value, least=0, most=MOST_SECONDS)


def _convert_listeners(listeners: Iterable[Listener]) -> tuple[Listener, ...]:
    several = require_several("itagflow.open", "listeners", listeners, "functions")
    for number, listener in enumerate(several, 1):
        require_callable("itagflow.open", f"listeners, number {number}", listener)
    return tuple(several)


def _check_callable(_: object, attribute: attrs.Attribute[Any], value: Any) -> None:
    require_callable("itagflow.open", attribute.name, value)


def _check_optional_callable(_: object, attribute: attrs.Attribute[Any], value: Any) -> None:
    if value is not None:
        require_callable("itagflow.open", attribute.name, value)


@attrs.frozen
class Settings:
    """The arguments of `itagflow.open` beside the URL.

    Raises:
        InvalidData: when one of them cannot be called, or is no mapping of functions by name.
    """

    policy: Policy = attrs.field(validator=_check_callable)
    clock: Clock = attrs.field(validator=_check_callable)
    ids: Ids | None = attrs.field(validator=_check_optional_callable)
    listeners: tuple[Listener, ...] = attrs.field(converter=_convert_listeners)
    validators: Mapping[str, Validator] | None
    merges: Mapping[str, MergeFunction] | None
    registry: Registry = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        """Check what is given by name; frozen, so the field is set past attrs."""
        object.__setattr__(self, "registry", Registry(self.validators, self.merges))


def require_store(what: str, field: str, store: Store) -> Store:
    """Return *store*, which has what the port asks of one.

    Args:
        what: What it is given to, such as ``itagflow.Flow``.
        field: What it is called there, such as ``store``.
        store: What was given.

    Raises:
        InvalidData: when it is no store.
    """
    given = cast(object, store)
    verbs = ("read", "write", "high_water_mark", "close")
    # a class has the methods too, but nothing to keep entities in
    if not isinstance(given, type) and all(callable(getattr(given, verb, None)) for verb in verbs):
        return store
    wanted = "must be a store, such as itagflow.storage.MemoryStore()"
    raise make_error(what, field, wanted, given)


def make_engine(store: Store, settings: Settings, settle: Settle) -> Engine:
    """Return what every service uses: the store, and what the application brings.

    *settle* closes and decides lots, see `Settle`.

    Raises:
        InvalidData: when *store* is no store.
    """
    return Engine(
        require_store("itagflow.Flow", "store", store),
        settings.policy,
        settings.clock,
        settings.ids or TimeOrdered(settings.clock),
        settings.listeners,
        settings.registry,
        settle,
    )
