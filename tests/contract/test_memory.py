from __future__ import annotations

import os

from itagflow.storage import MemoryStore
from itagflow.testing import ConcurrencyContract, StoreContract


class Opens:
    def open_store(self) -> MemoryStore:
        return MemoryStore()


class TestMemoryStore(Opens, StoreContract):
    pass


class TestMemoryConcurrency(Opens, ConcurrencyContract):
    # by hand: it takes a minute; in every run exceptions strike where CPython lets them in
    every_opcode = "ITAGFLOW_EVERY_OPCODE" in os.environ
