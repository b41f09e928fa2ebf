from __future__ import annotations

from typing import Any

import pytest
from scenes import cats, labeled, taken

import itagflow
from itagflow import Inspect, Label, Stage, Workflow
from itagflow.stores import MemoryStore
from itagflow.stores.memory import _Table
from itagflow.testing import ConcurrencyContract, StoreContract


class Opens:
    def open_store(self) -> MemoryStore:
        return MemoryStore()


class TestMemoryStore(Opens, StoreContract):
    pass


class TestMemoryConcurrency(Opens, ConcurrencyContract):
    pass


def test_a_claim_looks_at_few_rows_however_many_there_are(monkeypatch: pytest.MonkeyPatch) -> None:
    with itagflow.open("memory:") as flow:
        job = cats(flow, tasks=3_000, size=1, workflow=Workflow(Label(limit=2_000), Inspect()))
        for _ in range(1_000):
            labeled(flow, "ben", job)
        looked = 0
        values = _Table.values

        def counting(table: _Table[Any], entity: Any) -> dict[str, Any]:
            nonlocal looked
            looked += 1
            return values(table, entity)

        monkeypatch.setattr(_Table, "values", counting)
        for member, stage in (("ben", Stage.LABEL), ("cy", Stage.LABEL), ("di", Stage.INSPECT)):
            looked = 0
            turn = taken(flow, member, job, stage)
            assert looked < 40, (member, stage, looked)
            if stage is Stage.INSPECT:
                flow.review(turn)
        looked = 0
        labeled(flow, "cy", job)
        assert looked < 60
