"""The stores on SQLite: `SqliteStore` in a file that processes share, `MemoryStore` in the memory of one."""

from itagflow.storage.sqlite.store import MemoryStore, SqliteStore

__all__ = ["MemoryStore", "SqliteStore"]
