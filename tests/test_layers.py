"""Imports run strictly downward, and files stay small enough to read."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import itagflow

HOME = Path(itagflow.__file__).parent
FILES = sorted(HOME.rglob("*.py"))
LAYERS = (
    "printing",
    "claiming",
    "errors",
    "contexts",
    "jsontext",
    "lifecycle",
    "model",
    "templates",
    "rules",
    "storage",
    "schema",
    "formats",
    "prelabels",
    "flow",
    "testing",
    "__init__",
)

SLICES = ("claiming",)
"""Folders that hold a concern from its rules to its services; the folder itself imports nothing."""


def module(file: Path) -> str:
    parts = file.relative_to(HOME.parent).with_suffix("").parts
    return ".".join(part for part in parts if part != "__init__")


def imports(file: Path) -> set[str]:
    """The modules that a file imports, wherever in it."""
    found = set[str]()
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found.update(name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file}: a relative import"
            found.add(node.module or "")
            found.update(f"{node.module}.{name.name}" for name in node.names)
    return found


KNOWN = {module(file) for file in FILES}
GRAPH = {module(file): {name for name in imports(file) if name in KNOWN} for file in FILES}


PURE = {"rules", "decision"}
"""The files of a slice that import no store: they stand where the folder of the rules does."""


def layer(name: str) -> int:
    """A slice has two layers: its pure files, and its services, which stand where the verbs do."""
    parts = name.split(".")
    if len(parts) == 3 and parts[1] in SLICES:
        return LAYERS.index("rules" if parts[2] in PURE else "flow")
    return LAYERS.index(parts[1] if len(parts) > 1 else "__init__")


@pytest.mark.parametrize("name", sorted(GRAPH))
def test_a_module_imports_only_from_its_own_layer_or_below(name: str) -> None:
    upward = {other for other in GRAPH[name] if layer(other) > layer(name) and other != "itagflow"}
    assert not upward
    assert name == "itagflow" or "itagflow" not in {
        n for n in GRAPH[name] if n == "itagflow"
    } - _packages_only(name)


def _packages_only(name: str) -> set[str]:
    """`from itagflow import formats` names the package, but loads only the module."""
    file = next(file for file in FILES if module(file) == name)
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module == "itagflow":
            assert all(f"itagflow.{alias.name}" in KNOWN for alias in node.names), (
                f"{name} imports from the top"
            )
    return {"itagflow"}


def test_there_are_no_circles() -> None:
    graph = {name: {n for n in found if n != "itagflow"} for name, found in GRAPH.items()}
    for name, below in graph.items():
        # `from package import module` names the package on the way
        below.discard(name.rpartition(".")[0])
    done = set[str]()

    def visit(name: str, way: tuple[str, ...]) -> None:
        assert name not in way, f"a circle: {' -> '.join((*way, name))}"
        if name not in done:
            for other in graph[name]:
                visit(other, (*way, name))
            done.add(name)

    for name in graph:
        visit(name, ())


@pytest.mark.parametrize(
    ("library", "home"),
    [
        ("msgspec", {"jsontext"}),
        ("transitions", {"lifecycle"}),
        ("cattrs", {"storage.codec", "schema"}),
        ("sqlite3", {"storage.sqlite"}),
        ("fcntl", {"storage.sqlite"}),
        ("psycopg", {"storage.postgres"}),
    ],
)
def test_a_library_has_one_home(library: str, home: set[str]) -> None:
    users = {
        module(file) for file in FILES if any(n.split(".")[0] == library for n in imports(file))
    }
    assert {user for user in users if not is_inside(user, home)} == set()
    assert {place for place in home if any(is_inside(user, {place}) for user in users)} == home


def is_inside(name: str, homes: set[str]) -> bool:
    return any(f"{name}.".startswith(f"itagflow.{home}.") for home in homes)


@pytest.mark.parametrize(
    "name", sorted(name for name in GRAPH if name.startswith("itagflow.storage"))
)
def test_stores_do_not_know_each_other(name: str) -> None:
    """What they share is in `_sql`, and each driver is loaded by its own store only."""
    others = {"sqlite", "postgres"} - {name.split(".")[2] if name.count(".") > 1 else ""}
    # these load a store when it is asked for
    if name not in ("itagflow.storage", "itagflow.storage.opening"):
        assert not [
            n for n in GRAPH[name] for other in others if n.startswith(f"itagflow.storage.{other}")
        ]


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(HOME)))
def test_files_and_functions_stay_small(file: Path) -> None:
    text = file.read_text("utf-8")
    lines = text.count("\n")
    assert lines <= 700
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef):
            doc = ast.get_docstring(node, clean=False)
            length = (
                (node.end_lineno or 0)
                - node.body[0].lineno
                + 1
                - (doc.count("\n") + 1 if doc else 0)
            )
            assert length <= 40, f"{file.name}: {node.name} has {length} lines"
