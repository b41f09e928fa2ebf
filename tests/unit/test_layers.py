"""Imports run strictly downward, rules are pure, and files stay small enough to read."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from fnmatch import fnmatch
from functools import cache
from pathlib import Path

import pytest

import itagflow

HOME = Path(itagflow.__file__).parent
FILES = sorted(HOME.rglob("*.py"))

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
    "maintenance.lot_checks",
    "maintenance.outcome_checks",
    "maintenance.replay",
    "maintenance.snapshot_checks",
    "model.*",
    "quality.assigning",
    "quality.distributions",
    "quality.errors_left",
    "quality.forecasting",
    "quality.iso_plans",
    "quality.matching",
    "quality.merging",
    "quality.overlap",
    "quality.plans",
    "quality.rows",
    "quality.sequential_plans",
    "quality.statements",
    "quality.stored_plans",
    "quality.table_plans",
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
    "lots",
    "maintenance",
    "measuring",
    "prelabels",
    "results",
    "reviewing",
    "template_changes",
    "workspaces",
)
"""Folders that hold a concern, from its rules to its services."""
LAYERS = (
    ("contexts", "errors", "jsontext", "printing", "reprs", "xmltext"),
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
    ("engines",),
    ("opening",),
    ("aio",),
    ("delivery/__init__", "maintenance/__init__", "preload", "testing"),
    ("display", "json"),
    ("cli", "__main__"),
    ("__init__",),
)
"""From the bottom: a file imports from its own layer and from those below."""


def name_of(file: Path) -> str:
    parts = file.relative_to(HOME.parent).with_suffix("").parts
    return ".".join(part for part in parts if part != "__init__")


KNOWN = {name_of(file): file for file in FILES}


# in the first test that asks, and not at the import: every process of a run imports this file
@cache
def parse(file: Path) -> ast.Module:
    return ast.parse(file.read_text("utf-8"))


@cache
def imports(name: str) -> frozenset[str]:
    """The modules that a module imports, wherever in it; `from package import module` is the module."""
    file = KNOWN[name]
    found = set[str]()
    for node in ast.walk(parse(file)):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file}: a relative import"
            module = node.module or ""
            names = {f"{module}.{alias.name}" for alias in node.names}
            found |= {name if name in KNOWN else module for name in names}
    return frozenset(found)


def ours(name: str) -> set[str]:
    """The modules of the library that a module imports."""
    return {other for other in imports(name) if other in KNOWN}


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


def test_a_module_imports_only_from_its_own_layer_or_below() -> None:
    upward = [
        f"{name} imports {other}"
        for name in KNOWN
        for other in ours(name)
        if layer(other) > layer(name)
    ]
    assert upward == []
    assert [name for name in KNOWN if "itagflow" in ours(name)] == [], "from the top"


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
        for name, found in ((name, ours(name)) for name in KNOWN)
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
    "zlib",
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


PURE_FILES = sorted(filter(is_pure, KNOWN))


def test_pure_files_import_no_store_no_clock_and_no_files() -> None:
    for name in PURE_FILES:
        others = {other for other in ours(name) if not is_pure(other)} - BESIDE
        assert others == set(), name
        libraries = {other.split(".")[0] for other in imports(name)} - {"itagflow"}
        more = {"transitions"} if name == "itagflow.lifecycle.machine" else set[str]()
        more |= {"sys"} if name == "itagflow.validation.values" else set()  # for `sys.float_info`
        assert libraries <= STANDARD | LIBRARIES | more, name


def calls(name: str) -> Iterator[ast.Call]:
    """What a module calls."""
    for node in ast.walk(parse(KNOWN[name])):
        if isinstance(node, ast.Call):
            yield node


def test_pure_files_ask_nobody() -> None:
    """No clock, no file, and no number that is drawn without a seed."""
    for name in PURE_FILES:
        for call in calls(name):
            called = ast.unparse(call.func)
            assert called.rpartition(".")[2] not in CLOCKS_AND_FILES, f"{name}: {called}"
            if called.rpartition(".")[0] == "random":
                assert called == "random.Random", f"{name}: {called}"
                assert call.args, f"{name}: a generator without a seed"


def test_only_the_top_knows_the_flow_and_its_nouns() -> None:
    """Services are given the engine."""
    top = ("itagflow.flow", "itagflow.api", "itagflow.opening", "itagflow.engines")
    users = {name for name in KNOWN if any(is_inside(one, top) for one in ours(name))}
    allowed = (*top, "itagflow.aio", "itagflow.cli", "itagflow.testing")
    assert {name for name in users if not is_inside(name, allowed)} == {
        "itagflow",
        "itagflow.delivery",
        "itagflow.display.charts",
        "itagflow.json",
        "itagflow.maintenance",
    }
    assert not any(is_inside(name, ("itagflow.api",)) for name in users), "a noun imports a noun"


def test_the_core_knows_no_slice() -> None:
    known = {
        other.removeprefix("itagflow.")
        for name in KNOWN
        if is_inside(name, ("itagflow.core",))
        for other in ours(name)
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
    users = {name for name in KNOWN if library in {one.split(".")[0] for one in imports(name)}}
    assert {user for user in users if not is_inside(user, homes)} == set()
    assert {place for place in homes if any(is_inside(user, (place,)) for user in users)} == homes


def is_inside(name: str, places: set[str] | tuple[str, ...]) -> bool:
    return any(f"{name}.".startswith(f"{place}.") for place in places)


def test_nothing_else_is_imported_than_the_dependencies() -> None:
    """An extra is imported in its home only."""
    libraries = {other.split(".")[0] for name in KNOWN for other in imports(name)}
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


def test_stores_do_not_know_each_other() -> None:
    """What they share is in `_sql`, and each driver is loaded by its own store only."""
    # these load a store when it is asked for
    loaders = ("itagflow.storage", "itagflow.storage.opening")
    found = list[str]()
    for name in KNOWN:
        if name.startswith("itagflow.storage") and name not in loaders:
            others = {"sqlite", "postgres"} - {name.split(".")[2] if name.count(".") > 1 else ""}
            homes = tuple(f"itagflow.storage.{other}" for other in others)
            found += [f"{name} imports {one}" for one in ours(name) if one.startswith(homes)]
    assert found == []


def test_files_stay_small() -> None:
    long = list[str]()
    for file in FILES:
        text = file.read_text("utf-8")
        if text.count("\n") > 700:
            long.append(str(file.relative_to(HOME)))
    assert long == []


def test_functions_stay_small() -> None:
    """The signature and the docstring of a function are not counted."""
    long = list[str]()
    for file in FILES:
        for node in ast.walk(parse(file)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                length = count_lines(node)
                if length > 40:
                    long.append(f"{file.relative_to(HOME)}: {node.name} has {length} lines")
    assert long == []


def count_lines(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    doc = ast.get_docstring(function, clean=False)
    first, last = function.body[0].lineno, function.end_lineno or 0
    return last - first + 1 - (doc.count("\n") + 1 if doc else 0)
