"""The stores: where entities are kept.

`MemoryStore` keeps them for as long as the process lives, `SqliteStore` in a file.
"""

from itagflow.stores.sqlite import MemoryStore, SqliteStore

__all__ = ["MemoryStore", "SqliteStore"]
