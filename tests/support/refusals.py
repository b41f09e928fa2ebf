"""What a refused call must leave behind: everything as it was, and an error that can be copied."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from typing import Any

import pytest

from itagflow import Flow, ItagflowError
from itagflow.storage import FIELDS, Query


def everything(flow: Flow) -> list[Any]:
    """All entities of a store, by kind."""
    with flow.store.read() as reader:
        return [sorted(reader.find(Query(kind)), key=lambda entity: entity.key) for kind in FIELDS]


def is_refused(
    flow: Flow, error: type[ItagflowError], words: str, act: Callable[[], object]
) -> ItagflowError:
    """Check that *act* is refused with these words and changes nothing, and return its error."""
    before = everything(flow)
    with pytest.raises(error, match=words) as refused:
        act()
    assert everything(flow) == before, "it changed something"
    assert str(pickle.loads(pickle.dumps(refused.value))) == str(refused.value)
    assert str(copy.copy(refused.value)) == str(refused.value)
    return refused.value
