"""The stores on SQLite: `SqliteStore` in a file, for processes; `MemoryStore` in memory."""

from itagflow.storage.sqlite.store import MemoryStore, SqliteStore

__all__ = ["MemoryStore", "SqliteStore"]
