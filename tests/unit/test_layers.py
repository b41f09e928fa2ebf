"""Imports run strictly downward, rules are pure, and files stay small enough to read."""

from __future__ import annotations

import ast
import sys
from fnmatch import fnmatch
from pathlib import Path

import pytest

import itagflow

HOME = Path(itagflow.__file__).parent
FILES = sorted(HOME.rglob("*.py"))
TREES = {file: ast.parse(file.read_text("utf-8")) for file in FILES}

PURE = (
    "access",
    "claiming.decision",
    "core.blinding",
    "core.secrecy",
    "delivery.messages",
    "labeling.voting",
    "lifecycle.*",
    "maintenance.checks",
    "maintenance.counter_checks",
    "maintenance.delivery_checks",
    "maintenance.outcome_checks",
    "maintenance.replay",
    "maintenance.snapshot_checks",
    "model.*",
    "quality.assigning",
    "quality.distributions",
    "quality.errors_left",
    "quality.iso_plans",
    "quality.matching",
    "quality.merging",
    "quality.overlap",
    "quality.plans",
    "quality.rows",
    "quality.sequential_plans",
    "quality.values",
    "reviewing.sampling",
    "template_changes.steps",
    "validation.*",
    "*.rules",
    "*.*_rules",
)
"""Files that decide and compute: everything they need is given to them."""
SLICES = (
    "claiming",
    "comments",
    "delivery",
    "deadlines",
    "events",
    "jobs",
    "labeling",
    "maintenance",
    "prelabels",
    "results",
    "reviewing",
    "template_changes",
    "workspaces",
)
"""Folders that hold a concern, from its rules to its services."""
LAYERS = (
    ("contexts", "errors", "jsontext", "printing", "reprs"),
    ("model",),
    ("quality",),
    ("access", "lifecycle", "templates", "validation"),
    ("core: pure", *(f"{name}: pure" for name in SLICES)),
    ("storage",),
    ("formats", "schema"),
    ("core",),
    SLICES,
    ("typing",),
    ("api",),
    ("flow",),
    ("opening",),
    ("aio",),
    ("delivery/__init__", "maintenance/__init__", "preload", "testing", "__init__"),
)
"""From the bottom: a file imports from its own layer and from those below."""


def name_of(file: Path) -> str:
    parts = file.relative_to(HOME.parent).with_suffix("").parts
    return ".".join(part for part in parts if part != "__init__")


KNOWN = {name_of(file): file for file in FILES}


def imports(file: Path) -> set[str]:
    """The modules that a file imports, wherever in it; `from package import module` is the module."""
    found = set[str]()
    for node in ast.walk(TREES[file]):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file}: a relative import"
            module = node.module or ""
            names = {f"{module}.{alias.name}" for alias in node.names}
            found |= {name if name in KNOWN else module for name in names}
    return found


IMPORTS = {name: imports(file) for name, file in KNOWN.items()}
OURS = {name: {other for other in found if other in KNOWN} for name, found in IMPORTS.items()}


def is_pure(name: str) -> bool:
    return any(fnmatch(name.removeprefix("itagflow."), pattern) for pattern in PURE)


def layer(name: str) -> int:
    """The place of a module; a slice is in two: its rules, and the services that use the store."""
    top, *below = name.split(".")[1:] or ["__init__"]
    if top in (*SLICES, "core") and is_pure(name):
        top = f"{top}: pure"
    elif top in ("delivery", "maintenance") and not below:
        top = f"{top}/__init__"
    return next(at for at, names in enumerate(LAYERS) if top in names)


@pytest.mark.parametrize("name", sorted(OURS))
def test_a_module_imports_only_from_its_own_layer_or_below(name: str) -> None:
    assert {other for other in OURS[name] if layer(other) > layer(name)} == set()
    assert "itagflow" not in OURS[name], f"{name} imports from the top"


def test_every_pattern_of_pure_files_means_one() -> None:
    names = [name.removeprefix("itagflow.") for name in KNOWN]
    assert [pattern for pattern in PURE if not any(fnmatch(name, pattern) for name in names)] == []


def loaded_with(name: str, other: str) -> set[str]:
    """What importing *other* runs, seen from *name*: the packages around it, too."""
    parts = other.split(".")
    around = {".".join(parts[:length]) for length in range(2, len(parts) + 1)}
    return {each for each in around if not f"{name}.".startswith(f"{each}.")}


def test_there_are_no_circles() -> None:
    graph = {
        name: {each for other in found for each in loaded_with(name, other)}
        for name, found in OURS.items()
    }
    done = set[str]()

    def visit(name: str, way: tuple[str, ...]) -> None:
        assert name not in way, f"a circle: {' -> '.join((*way, name))}"
        if name not in done:
            for other in graph[name]:
                visit(other, (*way, name))
            done.add(name)

    for name in graph:
        visit(name, ())


STANDARD = {
    "__future__",
    "base64",
    "bisect",
    "binascii",
    "builtins",
    "collections",
    "datetime",
    "email",
    "enum",
    "functools",
    "hashlib",
    "hmac",
    "itertools",
    "json",
    "math",
    "numbers",
    "operator",
    "random",
    "re",
    "typing",
    "unicodedata",
}
"""What pure files import of the standard library: nothing in it reads a file, a clock or a store."""
LIBRARIES = {"attrs", "typing_extensions"}
BESIDE = {
    "itagflow.errors",
    "itagflow.jsontext",
    "itagflow.jsontext.standard",
    "itagflow.printing",
    "itagflow.reprs",
}
"""What pure files import of ours beside each other."""
CLOCKS_AND_FILES = {"now", "utcnow", "today", "open", "print", "input", "urandom", "getenv"}


@pytest.mark.parametrize("name", sorted(filter(is_pure, KNOWN)))
def test_pure_files_import_no_store_no_clock_and_no_files(name: str) -> None:
    others = {other for other in OURS[name] if not is_pure(other)} - BESIDE
    assert others == set()
    libraries = {other.split(".")[0] for other in IMPORTS[name]} - {"itagflow"}
    more = {"transitions"} if name == "itagflow.lifecycle.machine" else set[str]()
    more |= {"sys"} if name == "itagflow.validation.values" else set()  # for `sys.float_info`
    assert libraries <= STANDARD | LIBRARIES | more


@pytest.mark.parametrize("name", sorted(filter(is_pure, KNOWN)))
def test_pure_files_ask_nobody(name: str) -> None:
    """No clock, no file, and no number that is drawn without a seed."""
    for node in ast.walk(TREES[KNOWN[name]]):
        if isinstance(node, ast.Call):
            called = ast.unparse(node.func)
            assert called.rpartition(".")[2] not in CLOCKS_AND_FILES, called
            if called.rpartition(".")[0] == "random":
                assert called == "random.Random", called
                assert node.args, "a generator without a seed"


def test_only_the_top_knows_the_flow_and_its_nouns() -> None:
    """Services are given the engine."""
    top = ("itagflow.flow", "itagflow.api", "itagflow.opening")
    users = {name for name, found in OURS.items() if any(is_inside(one, top) for one in found)}
    allowed = (*top, "itagflow.aio", "itagflow.testing")
    assert {name for name in users if not is_inside(name, allowed)} == {
        "itagflow",
        "itagflow.delivery",
        "itagflow.maintenance",
    }
    assert not any(is_inside(name, ("itagflow.api",)) for name in users), "a noun imports a noun"


def test_the_core_knows_no_slice() -> None:
    known = {
        other.removeprefix("itagflow.")
        for name, found in OURS.items()
        if is_inside(name, ("itagflow.core",))
        for other in found
        if other.split(".")[1] in SLICES
    }
    assert known == set()


@pytest.mark.parametrize(
    ("library", "home"),
    [
        ("msgspec", {"jsontext.fast"}),
        ("transitions", {"lifecycle.machine"}),
        ("cattrs", {"storage.codec"}),
        ("sqlite3", {"storage.sqlite"}),
        ("fcntl", {"storage.sqlite"}),
        ("psycopg", {"storage.postgres"}),
        ("urllib3", {"delivery.sending"}),
        ("numpy", {"quality"}),
    ],
)
def test_a_library_has_one_home(library: str, home: set[str]) -> None:
    homes = {f"itagflow.{place}" for place in home}
    users = {
        name for name, found in IMPORTS.items() if library in {one.split(".")[0] for one in found}
    }
    assert {user for user in users if not is_inside(user, homes)} == set()
    assert {place for place in homes if any(is_inside(user, (place,)) for user in users)} == homes


def is_inside(name: str, places: set[str] | tuple[str, ...]) -> bool:
    return any(f"{name}.".startswith(f"{place}.") for place in places)


def test_nothing_else_is_imported_than_the_dependencies() -> None:
    """An extra is imported in its home only."""
    libraries = {other.split(".")[0] for found in IMPORTS.values() for other in found}
    assert libraries - set(sys.stdlib_module_names) == {
        "attrs",
        "cattrs",
        "itagflow",
        "msgspec",
        "numpy",
        "psycopg",
        "transitions",
        "typing_extensions",
        "urllib3",
    }


@pytest.mark.parametrize("name", sorted(n for n in OURS if n.startswith("itagflow.storage")))
def test_stores_do_not_know_each_other(name: str) -> None:
    """What they share is in `_sql`, and each driver is loaded by its own store only."""
    others = {"sqlite", "postgres"} - {name.split(".")[2] if name.count(".") > 1 else ""}
    # these load a store when it is asked for
    if name not in ("itagflow.storage", "itagflow.storage.opening"):
        assert not [
            n for n in OURS[name] for other in others if n.startswith(f"itagflow.storage.{other}")
        ]


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(HOME)))
def test_files_and_functions_stay_small(file: Path) -> None:
    """The signature and the docstring of a function are not counted."""
    text = file.read_text("utf-8")
    # what is generated is as long as what it is made from
    assert text.count("\n") <= 700 or text.startswith("# Generated from ")
    for node in ast.walk(TREES[file]):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            doc = ast.get_docstring(node, clean=False)
            first, last = node.body[0].lineno, node.end_lineno or 0
            length = last - first + 1 - (doc.count("\n") + 1 if doc else 0)
            assert length <= 40, f"{file.name}: {node.name} has {length} lines"
