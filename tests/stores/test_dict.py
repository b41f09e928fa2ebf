from __future__ import annotations

from dict_store import DictStore

from itagflow.testing import ConcurrencyContract, StoreContract


class Opens:
    def open_store(self) -> DictStore:
        return DictStore(backwards=True)


class TestDictStore(Opens, StoreContract):
    pass


class TestDictConcurrency(Opens, ConcurrencyContract):
    pass
