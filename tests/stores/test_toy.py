from __future__ import annotations

from toy_store import ToyStore

from itagflow.testing import ConcurrencyContract, StoreContract


class Opens:
    def open_store(self) -> ToyStore:
        return ToyStore(backwards=True)


class TestToyStore(Opens, StoreContract):
    pass


class TestToyConcurrency(Opens, ConcurrencyContract):
    pass
