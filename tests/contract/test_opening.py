"""`itagflow.open` finds the stores that other packages declare, and shows no password when one fails."""

from __future__ import annotations

import importlib.metadata
import sys
import traceback
from collections.abc import Callable
from importlib.metadata import EntryPoint, EntryPoints
from types import ModuleType
from typing import Any

import pytest
from toy_store import ToyStore

import itagflow
from itagflow import InvalidData, ItagflowError, StoreFailed
from itagflow.storage import MemoryStore, open_store

SECRET = "s3cr3tPW"
URL = f"toy://ben:{SECRET}@db.example.org/labels"
Declare = Callable[..., None]


@pytest.fixture
def declare(monkeypatch: pytest.MonkeyPatch) -> Declare:
    """Install entry points by scheme, as packages do: each is a function, or where one is looked for."""

    def declare(**schemes: Any) -> None:
        module = ModuleType("toys")
        monkeypatch.setitem(sys.modules, "toys", module)
        entries = list[EntryPoint]()
        for scheme, function in schemes.items():
            for each in function if isinstance(function, list) else [function]:
                value = each if isinstance(each, str) else f"toys:{scheme}"
                vars(module)[scheme] = each
                entries.append(EntryPoint(scheme, value, "itagflow.stores"))
        known = importlib.metadata.entry_points

        def entry_points(**params: Any) -> EntryPoints:
            return (
                EntryPoints(entries) if params == {"group": "itagflow.stores"} else known(**params)
            )

        monkeypatch.setattr(importlib.metadata, "entry_points", entry_points)

    return declare


def refused(url: str) -> str:
    """Everything that is told of a refusal."""
    with pytest.raises(ItagflowError) as failed:
        itagflow.open(url)
    error = failed.value
    assert isinstance(error, InvalidData | StoreFailed)
    return "".join([str(error), repr(error), repr(vars(error)), *traceback.format_exception(error)])


def test_another_package_opens_its_scheme(declare: Declare) -> None:
    urls = list[str]()

    def open_it(url: str) -> ToyStore:
        urls.append(url)
        return ToyStore()

    declare(toy=open_it)
    with itagflow.open(URL) as flow:
        assert isinstance(flow.store, ToyStore)
        assert flow.workspaces.create("street", admin="ada").name == "street"
    open_store(URL.replace("toy:", "TOY:")).close()
    assert urls == [URL, URL.replace("toy:", "TOY:")]


def test_our_own_schemes_win(declare: Declare) -> None:
    declare(
        sqlite=lambda url: ToyStore(),
        memory=lambda url: ToyStore(),
        postgresql=lambda url: ToyStore(),
    )
    assert isinstance(open_store("memory:"), MemoryStore)
    refused("postgresql://ben@127.0.0.1:1/x?nonsense=1")
    with pytest.raises(InvalidData, match="write sqlite:///labels"):
        open_store("sqlite://")


def test_an_unknown_scheme_lists_what_is_known(declare: Declare) -> None:
    declare(toy=lambda url: ToyStore(), acme=lambda url: ToyStore())
    message = refused(URL.replace("toy:", "tyo:"))
    assert "'postgresql://user@host/name', 'acme://…', or 'toy://…'" in message
    assert SECRET not in message


def test_one_that_cannot_be_loaded_says_why(declare: Declare) -> None:
    declare(toy="no_such_module:open_it", half="toys:nothing")
    message = refused(URL)
    assert (
        "toy: no_such_module:open_it cannot be loaded: ModuleNotFoundError: No module named 'no_such_module'"
        in message
    )
    assert SECRET not in message
    assert "toys:nothing cannot be loaded: AttributeError" in refused("half://x")


def test_one_that_fails_does_not_show_the_password(declare: Declare) -> None:
    def fails(url: str) -> ToyStore:
        raise ConnectionError(f"cannot reach {url}")

    def tells(url: str) -> ToyStore:
        raise StoreFailed(url, "does not answer", "Start it")

    def is_discreet(url: str) -> ToyStore:
        raise StoreFailed("toy at db.example.org", "does not answer", "Start it")

    declare(toy=fails)
    message = refused(URL)
    assert "toys:toy raised ConnectionError, whose text is not shown" in message
    assert SECRET not in message
    declare(toy=tells)
    assert "toys:toy raised StoreFailed, whose text is not shown" in refused(URL)
    assert SECRET not in refused(URL)
    assert SECRET not in refused(f"toy://db/labels?password={SECRET}")
    assert "s3cr%40t" not in refused("toy://ben:s3cr%40t@db/labels")
    declare(toy=is_discreet)
    assert "toy at db.example.org: does not answer. Start it" in refused(URL)


@pytest.mark.parametrize("what", [None, 7, "toy", URL])
def test_one_that_returns_no_store_is_refused(declare: Declare, what: Any) -> None:
    declare(toy=lambda url: what)
    message = refused(URL)
    assert "toys:toy returned no store" in message
    assert SECRET not in message


def test_a_scheme_of_two_packages_is_refused(declare: Declare) -> None:
    declare(toy=["acme.stores:open_it", "toys:open_it", "toys:open_it"])
    assert "several packages declare it: acme.stores:open_it, toys:open_it" in refused(URL)
