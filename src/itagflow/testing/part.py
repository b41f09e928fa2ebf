"""The base of all parts of the contract: the store under test, and expected errors."""

from __future__ import annotations

import os
from collections.abc import Generator
from contextlib import contextmanager
from typing import TypeVar

from itagflow.errors import ItagflowError
from itagflow.storage import Store

N = TypeVar("N", int, float)


@contextmanager
def expect_refusal(kind: type[ItagflowError]) -> Generator[None]:
    """Check that the transaction raises an error of this kind."""
    try:
        yield
    except kind:
        return  # any other error passes through, so that the test shows it
    raise AssertionError(f"{kind.__name__} was not raised")


class ContractPart:
    """Opens the stores that are to be proven."""

    def open_store(self) -> Store:
        """Return a new, empty store."""
        raise NotImplementedError


class ConcurrencyPart(ContractPart):
    """Says for how long the concurrency contract tries to break a store."""

    is_long = os.environ.get("ITAGFLOW_LONG", "") not in ("", "0")
    """Whether to test for minutes, not seconds; ``ITAGFLOW_LONG=1`` in the environment sets it."""
    timeout = 5.0
    """Within how many seconds a store must answer after something has struck it."""

    def _amount(self, usual: N, *, long: N) -> N:
        """Return how much to do: *usual*, or *long* where the tests may take minutes."""
        if self.is_long:
            return long
        return usual
