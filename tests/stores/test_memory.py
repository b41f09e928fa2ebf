from __future__ import annotations

from itagflow.stores import MemoryStore
from itagflow.testing import StoreContract


class TestMemoryStore(StoreContract):
    def open_store(self) -> MemoryStore:
        return MemoryStore()
