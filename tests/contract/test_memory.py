from __future__ import annotations

from itagflow.storage import MemoryStore
from itagflow.testing import ConcurrencyContract, StoreContract


class Opens:
    def open_store(self) -> MemoryStore:
        return MemoryStore()


class TestMemoryStore(Opens, StoreContract):
    pass


class TestMemoryConcurrency(Opens, ConcurrencyContract):
    # the other stores do this by hand: it takes a minute or more
    every_opcode = True
