from __future__ import annotations

import pytest

from itagflow.stores.postgres import PostgresStore
from itagflow.testing import StoreContract


class TestPostgresStore(StoreContract):
    @pytest.fixture(autouse=True)
    def database(self, postgres_url: str) -> None:
        self.url = postgres_url

    def open_store(self) -> PostgresStore:
        return PostgresStore(self.url)
