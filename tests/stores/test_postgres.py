from __future__ import annotations

from collections.abc import Iterator

import postgres
import pytest

from itagflow.stores.postgres import PostgresStore
from itagflow.testing import StoreContract


class TestPostgresStore(StoreContract):
    @pytest.fixture(autouse=True)
    def lent(self, databases: postgres.Databases) -> Iterator[None]:
        self.databases, self.urls = databases, list[str]()
        yield
        for url in self.urls:
            databases.give_back(url)

    def open_store(self) -> PostgresStore:
        self.urls.append(self.databases.new())
        return PostgresStore(self.urls[-1])
