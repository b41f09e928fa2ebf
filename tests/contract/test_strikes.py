"""Exceptions strike again and again while a transaction ends: still its lock and its connection are given back.

What gives something back may itself be struck, at its first line.  So each step must be one call in
C, or stand in front of one.  Here every function of ours that opens or ends transactions raises
when it is called, from one moment on; the real strikes of `support.reliability` find such a place
only once in thousands.
"""

from __future__ import annotations

import inspect
import sys
import threading
from collections.abc import Callable, Iterator
from functools import wraps
from types import FunctionType, ModuleType
from typing import Any

import pytest
from support.reliability.street import descriptors

import itagflow
from itagflow import contexts
from itagflow.errors import StoreFailed
from itagflow.model.package import Package, PackageState
from itagflow.storage import Query, Store, Writer
from itagflow.storage._sql import transaction, transactions
from itagflow.storage._sql.verbs import SqlWriter
from itagflow.storage.postgres import connecting
from itagflow.storage.postgres import transactions as of_postgres
from itagflow.storage.sqlite import transactions as of_sqlite
from itagflow.testing.builders import change, make_package

MODULES = (contexts, transaction, transactions, of_sqlite, of_postgres, connecting)
"""Where transactions are opened and ended."""
GAPS = (0, 1, 3)
"""How many calls behind the first strike they go on, at every call; 0: it remains the only one."""


class Struck(BaseException):
    """What strikes."""


class Failure(Exception):
    """What the application raises in its block."""


class Strikes:
    """Strikes at the call with the number `first`, and at every one that comes `gap` calls later."""

    def __init__(self) -> None:
        self.first = self.gap = self.calls = 0
        self.is_armed = False
        self.was_dropped = False

    @property
    def has_struck(self) -> bool:
        return self.calls >= self.first

    def arm(self, first: int, gap: int) -> None:
        self.first, self.gap, self.calls, self.is_armed = first, gap, 0, True
        self.was_dropped = False

    def drop(self, unraisable: Any) -> None:
        """Note what is struck while Python closes a generator: Python drops it there.

        That can be a generator of a test that ended long ago, which is collected just now.
        """
        self.was_dropped = self.was_dropped or isinstance(unraisable.exc_value, Struck)

    def come(self, name: str) -> None:
        """Count a call, and strike where it is to be struck."""
        if not self.is_armed or threading.current_thread() is not threading.main_thread():
            return
        self.calls += 1
        later = self.calls - self.first
        if later == 0 or 0 < self.gap <= later:
            raise Struck(name)


def functions_of(module: ModuleType) -> Iterator[tuple[Any, str, FunctionType]]:
    """Yield each function of ours that *module* calls, with where it is kept."""
    owners = [module, *(kind for _, kind in inspect.getmembers(module, inspect.isclass))]
    ours = {module.__name__ for module in MODULES}
    for owner in owners:
        for name, function in list(vars(owner).items()):
            is_special = name.startswith("__")
            if (
                isinstance(function, FunctionType)
                and function.__module__ in ours
                and not is_special
            ):
                yield owner, name, function


@pytest.fixture
def strikes(monkeypatch: pytest.MonkeyPatch) -> Iterator[Strikes]:
    """Strikes at calls in the modules."""
    made, seen = Strikes(), set[tuple[int, str]]()
    for owner, name, function in (found for module in MODULES for found in functions_of(module)):
        if (id(owner), name) not in seen:
            seen.add((id(owner), name))
            monkeypatch.setattr(owner, name, strikable(function, made))
    monkeypatch.setattr(sys, "unraisablehook", made.drop)
    yield made
    made.is_armed = False


def strikable(function: FunctionType, strikes: Strikes) -> Callable[..., Any]:
    @wraps(function)
    def call(*given: Any, **named: Any) -> Any:
        strikes.come(function.__qualname__)
        return function(*given, **named)

    return call


def increase(store: Store) -> None:
    with store.write() as writer:
        package = writer.lock(Package, (4, 1))
        writer.save(change(package, size=package.size + 1))


def fail(store: Store) -> None:
    with store.write() as writer:
        package = writer.lock(Package, (4, 1))
        writer.save(change(package, size=package.size + 1))
        raise Failure


def read(store: Store) -> None:
    with store.read() as reader:
        reader.get(Package, (4, 1))


def read_and_fail(store: Store) -> None:
    with store.read() as reader:
        reader.get(Package, (4, 1))
        raise Failure


def freeze(store: Store) -> None:
    with store.read(snapshot=True) as reader:
        reader.get(Package, (4, 1))


def freeze_and_fail(store: Store) -> None:
    with store.read(snapshot=True) as reader:
        reader.get(Package, (4, 1))
        raise Failure


def run(act: Callable[[Store], None], store: Store, strikes: Strikes) -> BaseException | None:
    try:
        act(store)
    except BaseException as error:
        strikes.is_armed = False
        return error
    strikes.is_armed = False
    return None


def assert_goes_on(store: Store, place: str) -> None:
    """Check that another thread can write, and this one."""
    thread = threading.Thread(target=increase, args=(store,), daemon=True)
    thread.start()
    thread.join(5)
    assert not thread.is_alive(), f"another thread waits still, after a strike at {place}"
    increase(store)


@pytest.mark.parametrize("gap", GAPS)
@pytest.mark.parametrize("act", [increase, fail, read, read_and_fail, freeze, freeze_and_fail])
def test_all_is_given_back_however_often_exceptions_strike(
    url: str, strikes: Strikes, act: Callable[[Store], None], gap: int
) -> None:
    kept, open_before = list[BaseException | None](), set(descriptors(url))
    store = itagflow.open(url).store
    with store.write() as writer:
        writer.add(make_package(1, size=0))
    for first in range(1, 500):
        strikes.arm(first, gap)
        kept.append(run(act, store, strikes))  # with its traceback, to the end
        if not strikes.has_struck:
            break
        assert isinstance(kept[-1], Struck | Failure) or strikes.was_dropped, repr(kept[-1])
        assert_goes_on(store, repr(kept[-1]))
    assert len(kept) > 5, "hardly anything was struck"
    assert store.close() is True
    assert url == "memory:" or set(descriptors(url)) <= open_before


VERBS: dict[str, Callable[[Writer, Package], object]] = {
    "add": lambda writer, package: writer.add(make_package(9)),
    "save": lambda writer, package: writer.save(change(package, state=PackageState.DONE)),
    "remove": lambda writer, package: writer.remove(Query(Package, {"job": 4}), 1),
    "create": lambda writer, package: writer.lock(Package, (4, 9), create=make_package(9)),
}


@pytest.mark.parametrize("verb", VERBS)
def test_what_is_stored_but_not_summed_is_not_kept(
    url: str, monkeypatch: pytest.MonkeyPatch, verb: str
) -> None:
    """An exception strikes in between, and is caught in the transaction."""

    def strike(*_: object) -> None:
        raise Struck

    store = itagflow.open(url).store
    with store.write() as writer:
        writer.add(*map(make_package, range(1, 4)))
    with pytest.raises(StoreFailed, match="some of several"), store.write() as writer:
        package = writer.lock(Package, (4, 1))
        with monkeypatch.context() as patched:
            patched.setattr(SqlWriter, "_count", strike)
            with pytest.raises(Struck):
                VERBS[verb](writer, package)
    with store.read() as reader:
        assert list(reader.find(Query(Package, order=("number",)))) == [
            make_package(number) for number in range(1, 4)
        ]
        assert reader.tally(Query(Package, {"job": 4}), by=("state",)) == {("label",): (3,)}
    store.close()
