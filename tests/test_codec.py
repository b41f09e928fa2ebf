"""How entities become JSON: what must be ready before the first one does."""

from __future__ import annotations

from typing import Any

import pytest
from cattrs import converters

from itagflow.model.entity import Entity
from itagflow.storage import MemoryStore
from itagflow.testing import one_of_each


def test_nothing_is_made_when_it_is_first_used(monkeypatch: pytest.MonkeyPatch) -> None:
    """An exception that strikes while cattrs makes a function keeps that thread from ever having it."""
    for name in ("make_dict_structure_fn", "make_dict_unstructure_fn"):
        monkeypatch.setattr(converters, name, _refuse)
    store = MemoryStore()
    with store.write() as writer:
        stored: list[Entity] = [writer.add(entity)[0] for entity in one_of_each()]
    with store.read() as reader:
        assert [reader.get(type(entity), entity.key) for entity in stored] == stored
    store.close()


def _refuse(kind: type, *given: Any, **named: Any) -> None:
    raise AssertionError(f"a function for {kind.__name__} is made when it is first used")
