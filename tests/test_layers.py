"""The shape of the code: imports run strictly downward, files and functions stay short."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[1] / "src" / "itagflow"

LAYERS = (
    "errors",
    "lifecycle",
    "model",
    "templates",
    "rules",
    "store",
    "codec",
    "stores",
    "formats",
    "quality",
    "flow",
    "testing",
    "itagflow",
)
"""From the lowest to the highest; the last one is the package's own ``__init__``."""

ONLY_WAY_IN = {"transitions": "lifecycle", "cattrs": "codec", "sqlite3": "stores"}

OUTSIDE = {"asyncio", "io", "logging", "os", "pathlib", "secrets", "shutil", "socket", "sqlite3", "subprocess", "sys"}
OUTSIDE |= {"tempfile", "threading", "time", "urllib", "uuid"}
"""What the pure layers have no use for."""

LONGEST_FILE = 400
LONGEST_FUNCTION = 40


def name_of(path: Path) -> str:
    """``src/itagflow/flow/__init__.py`` is ``itagflow.flow``."""
    return ".".join(path.relative_to(SOURCE.parent).with_suffix("").parts).removesuffix(".__init__")


def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), filename=str(path))


FILES = {name_of(path): path for path in sorted(SOURCE.rglob("*.py"))}
TREES = {module: parsed(path) for module, path in FILES.items()}


def imports(tree: ast.AST) -> Iterator[str]:
    """Every module that is imported anywhere: on top, in a function, under ``TYPE_CHECKING``."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"line {node.lineno}: imports are absolute"
            for alias in node.names:
                inner = f"{node.module}.{alias.name}"
                yield inner if inner in FILES else str(node.module)


def ours(tree: ast.AST) -> set[str]:
    return {module for module in imports(tree) if top(module) == "itagflow"}


def top(module: str) -> str:
    return module.partition(".")[0]


def layer(module: str) -> str:
    """``itagflow.flow._act`` lies in ``flow``, and ``itagflow`` itself on top."""
    return module.split(".")[1] if "." in module else module


def upward(module: str, tree: ast.AST) -> set[str]:
    """What a module imports from above its own layer."""
    height = LAYERS.index(layer(module))
    return {found for found in ours(tree) if LAYERS.index(layer(found)) > height}


def calls(tree: ast.AST) -> set[str]:
    """What is called by name anywhere in *tree*."""
    return {ast.unparse(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}


def lines_of(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """How many lines a function has without its docstring."""
    told = function.body[0] if ast.get_docstring(function) is not None else None
    return length(function) - (length(told) if told else 0)


def length(node: ast.stmt) -> int:
    return (node.end_lineno or node.lineno) - node.lineno + 1


class TestLayers:
    def test_every_module_has_its_layer(self) -> None:
        assert {layer(module) for module in FILES} - set(LAYERS) == set()

    @pytest.mark.parametrize("module", FILES)
    def test_imports_run_downward(self, module: str) -> None:
        assert upward(module, TREES[module]) == set()

    def test_no_two_modules_need_each_other(self) -> None:
        TopologicalSorter({module: ours(tree) for module, tree in TREES.items()}).prepare()

    @pytest.mark.parametrize(
        ("module", "code"),
        [
            ("itagflow.model.job", "from itagflow.rules import claiming"),
            ("itagflow.rules.claiming", "import itagflow.store"),
            ("itagflow.errors", "if TYPE_CHECKING:\n    from itagflow.model.job import Job"),
            ("itagflow.stores.memory", "def late():\n    from itagflow import formats"),
            ("itagflow.flow.reading", "from itagflow import Flow"),
        ],
    )
    def test_an_import_upward_is_seen(self, module: str, code: str) -> None:
        assert len(upward(module, ast.parse(code))) == 1

    @pytest.mark.parametrize(("foreign", "home"), ONLY_WAY_IN.items())
    def test_what_comes_from_outside_has_one_way_in(self, foreign: str, home: str) -> None:
        users = {module for module, tree in TREES.items() if foreign in map(top, imports(tree))}
        assert set(map(layer, users)) == {home}

    def test_only_formats_are_imported_by_a_name_that_no_reader_sees(self) -> None:
        users = {module for module, tree in TREES.items() if calls(tree) & {"import_module", "__import__"}}
        assert users == {"itagflow.formats"}

    def test_formats_know_only_values_and_errors(self) -> None:
        known = {found for module, tree in TREES.items() if layer(module) == "formats" for found in ours(tree)}
        assert set(map(layer, known)) == {"formats", "model", "errors"}


class TestPureLayers:
    @pytest.mark.parametrize("module", [module for module in FILES if layer(module) in ("model", "rules")])
    def test_model_and_rules_read_no_clock_and_touch_nothing_outside(self, module: str) -> None:
        assert OUTSIDE.intersection(map(top, imports(TREES[module]))) == set()
        assert {"open", "print", "datetime.now", "datetime.utcnow"} & calls(TREES[module]) == set()


class TestSizes:
    @pytest.mark.parametrize("module", FILES)
    def test_files_are_short(self, module: str) -> None:
        assert len(FILES[module].read_text(encoding="utf-8").splitlines()) <= LONGEST_FILE

    @pytest.mark.parametrize("module", FILES)
    def test_functions_are_short(self, module: str) -> None:
        functions = [n for n in ast.walk(TREES[module]) if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef)]
        assert {n.name: lines_of(n) for n in functions if lines_of(n) > LONGEST_FUNCTION} == {}
