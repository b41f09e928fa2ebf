"""Where entities are kept: the library's stores, and what a store of your own needs.

`MemoryStore`, `SqliteStore` and `PostgresStore` are ready; the last needs ``itagflow[postgres]``.
A store of your own implements the protocols `Store`, `Reader` and `Writer`, and finds entities by
the fields that `FIELDS` lists; how is a page of the documentation, ``examples/toy_store.py`` is a
whole one, and `itagflow.testing` proves it.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from itagflow.model.entity import Entity, Key
from itagflow.storage.fields import (
    FIELDS,
    NEVER,
    Fields,
    IndexField,
    check_query,
    cursor,
    encode_value,
    field_value,
    unique_values,
)
from itagflow.storage.opening import open_store
from itagflow.storage.port import (
    Condition,
    Query,
    Reader,
    Scalar,
    Span,
    Store,
    SupportsNotify,
    Unless,
    Writer,
)

if TYPE_CHECKING:
    from itagflow.storage.postgres import PostgresStore
    from itagflow.storage.sqlite import MemoryStore, SqliteStore

__all__ = [
    "FIELDS",
    "NEVER",
    "Condition",
    "Entity",
    "Fields",
    "IndexField",
    "Key",
    "MemoryStore",
    "PostgresStore",
    "Query",
    "Reader",
    "Scalar",
    "Span",
    "SqliteStore",
    "Store",
    "SupportsNotify",
    "Unless",
    "Writer",
    "check_query",
    "cursor",
    "encode_value",
    "field_value",
    "open_store",
    "unique_values",
]

# A store is imported when somebody asks for it: who uses one does not load the drivers of the
# others.
_STORES = {
    "MemoryStore": "itagflow.storage.sqlite",
    "SqliteStore": "itagflow.storage.sqlite",
    "PostgresStore": "itagflow.storage.postgres",
}


def __getattr__(name: str) -> Any:
    """Import a store when it is first asked for."""
    if name not in _STORES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_STORES[name]), name)
