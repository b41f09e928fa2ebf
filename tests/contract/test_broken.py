"""The kit is proven: each of many broken stores fails the tests that name its fault, and a sound one passes them."""

from __future__ import annotations

from functools import cache

import pytest
from support.broken_stores import BROKEN, Broken
from support.naming import describe
from toy_store import ToyStore

from itagflow import ItagflowError
from itagflow.testing import ConcurrencyContract, StoreContract
from itagflow.testing.counters import within

PLAIN = "test_every_kind_comes_back_as_it_was"


def prove(store: type[ToyStore], test: str) -> None:
    """Run one test of the kit on stores of this kind."""
    contract = StoreContract if hasattr(StoreContract, test) else ConcurrencyContract

    class Kit(contract):
        timeout = 1.0

        def open_store(self) -> ToyStore:
            return store()

    with within(20):  # the kit must not hang with a broken store either
        getattr(Kit(), test)()


@cache
def is_passed_by(store: type[ToyStore], test: str) -> bool:
    prove(store, test)
    return True


@pytest.mark.parametrize("broken", BROKEN, ids=describe)
def test_a_broken_store_fails_the_kit(broken: Broken) -> None:
    assert broken.store.__doc__ != broken.sound.__doc__, "it says what is broken"
    for test in broken.tests:
        assert is_passed_by(broken.sound, test)
        with pytest.raises((AssertionError, ItagflowError)):
            prove(broken.store, test)
    prove(broken.store, PLAIN)


def test_there_are_many() -> None:
    assert len(BROKEN) >= 20
    assert len({broken.store.__name__ for broken in BROKEN}) == len(BROKEN)
