"""The store of the examples keeps the contracts, and is written from public names only."""

from __future__ import annotations

import ast
import importlib
import sys
from pathlib import Path

import toy_store
from toy_store import ToyStore

from itagflow.testing import ConcurrencyContract, StoreContract

PUBLIC = {"itagflow", "itagflow.contexts", "itagflow.errors", "itagflow.storage"}
"""Where its names of ours come from."""


class Opens:
    def open_store(self) -> ToyStore:
        return ToyStore(backwards=True)


class TestToyStore(Opens, StoreContract):
    pass


class TestToyConcurrency(Opens, ConcurrencyContract):
    pass


def test_it_is_written_from_public_names_only() -> None:
    """Otherwise nobody else could write one."""
    tree = ast.parse(Path(toy_store.__file__).read_text("utf-8"))
    homes = set[str]()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            roots = {alias.name.partition(".")[0] for alias in node.names}
            assert roots <= {"attrs", *sys.stdlib_module_names}, roots
        if isinstance(node, ast.Attribute):
            assert not node.attr.startswith("_") or node.attr == "__name__", node.attr
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0
            home = node.module or ""
            if home.partition(".")[0] in sys.stdlib_module_names:
                continue
            homes.add(home)
            public = getattr(importlib.import_module(home), "__all__", ["safe_context"])
            assert {alias.name for alias in node.names} <= set(public), home
    assert homes == PUBLIC


def test_it_stays_short_enough_to_read() -> None:
    assert len(Path(toy_store.__file__).read_text("utf-8").splitlines()) < 380
