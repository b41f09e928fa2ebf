"""What a newcomer meets: the names, their documentation, the cost of the import, the commands of the README."""

from __future__ import annotations

import ast
import inspect
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

import itagflow

ROOT = Path(__file__).parents[1]
SOURCE = ROOT / "src" / "itagflow"
FILES = {path.relative_to(SOURCE).as_posix(): path for path in sorted(SOURCE.rglob("*.py"))}

CORE = {"itagflow", "attr", "attrs", "cattr", "cattrs", "six", "transitions", "typing_extensions"}
"""The core dependencies, and what they bring."""


def is_public(name: str) -> bool:
    return name == "__init__" or not name.startswith("_")


def untold(body: Sequence[ast.stmt], *, attributes: bool, where: str = "") -> Iterator[str]:
    """The public functions, classes and, if asked, attributes that say nothing about themselves."""
    for node, below in zip(body, [*body[1:], ast.Pass()], strict=True):
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and is_public(node.name):
            if not ast.get_docstring(node):
                yield where + node.name
            if isinstance(node, ast.ClassDef):
                yield from untold(node.body, attributes=is_value(node), where=f"{where}{node.name}.")
        elif attributes and not is_text(below):
            yield from (where + name for name in assigned(node) if is_public(name) and name != "__all__")


def is_value(node: ast.ClassDef) -> bool:
    """Whether a class is made by attrs: enums and dictionaries of arguments speak for their members."""
    return any(ast.unparse(made).startswith("attrs.") for made in node.decorator_list)


def is_text(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)


def assigned(node: ast.stmt) -> list[str]:
    """The names that a statement gives a value or a type, type variables aside."""
    if not isinstance(node, ast.Assign | ast.AnnAssign):
        return []
    if node.value is not None and ast.unparse(node.value).startswith("TypeVar("):
        return []
    targets = node.targets if isinstance(node, ast.Assign) else [node.target]
    return [target.id for target in targets if isinstance(target, ast.Name)]


def commands() -> list[str]:
    """The lines of the README's one console block."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    (block,) = re.findall(r"```console\n(.*?)```", readme, re.DOTALL)
    return block.splitlines()


class TestNames:
    def test_they_are_sorted_and_given_once(self) -> None:
        assert sorted(set(itagflow.__all__)) == itagflow.__all__

    @pytest.mark.parametrize("name", itagflow.__all__)
    def test_each_is_there_and_explains_itself(self, name: str) -> None:
        assert inspect.getdoc(getattr(itagflow, name))

    def test_what_is_not_there_is_refused_as_python_does(self) -> None:
        with pytest.raises(AttributeError, match="nothing"):
            _ = itagflow.nothing

    def test_the_version_is_the_one_of_the_package(self) -> None:
        project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
        assert itagflow.__version__ == project["version"]


class TestDocstrings:
    @pytest.mark.parametrize("file", FILES)
    def test_everything_public_says_what_it_is(self, file: str) -> None:
        tree = ast.parse(FILES[file].read_text(encoding="utf-8"))
        assert ast.get_docstring(tree)
        assert list(untold(tree.body, attributes=is_public(FILES[file].stem))) == []

    def test_silence_is_heard(self) -> None:
        code = "A = 1\nB = 2\n'Told.'\ndef f(): ...\nclass C:\n    'Told.'\n    def m(self): ...\n    def _p(self): ..."
        assert list(untold(ast.parse(code).body, attributes=True)) == ["A", "f", "C.m"]


class TestReference:
    def test_it_has_every_public_name(self) -> None:
        page = (ROOT / "docs" / "reference.md").read_text(encoding="utf-8")
        shown = re.findall(r"^\.\. auto\w+:: (?:itagflow\.)?(\w+)$", page, re.MULTILINE)
        assert set(itagflow.__all__) - set(shown) == set()


class TestImport:
    def test_it_loads_the_core_and_nothing_else(self) -> None:
        code = "import sys; before = set(sys.modules); import itagflow; print(*(set(sys.modules) - before))"
        loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
        tops = {module.split(".")[0] for module in loaded}
        assert "itagflow" in tops
        assert tops - CORE - sys.stdlib_module_names == set()


class TestCommands:
    def test_the_readme_gives_one_for_the_main_job_and_one_for_the_tests(self) -> None:
        main_job, tests = commands()
        assert main_job.endswith("nox -s quickstart")
        assert tests.endswith("nox -s tests lint typing docs")

    def test_continuous_integration_runs_the_very_line_of_the_readme(self) -> None:
        assert commands()[1] in (ROOT / ".ci" / "run").read_text(encoding="utf-8").splitlines()

    def test_the_sessions_are_there(self) -> None:
        tree = ast.parse((ROOT / "noxfile.py").read_text(encoding="utf-8"))
        sessions = {node.name for node in tree.body if isinstance(node, ast.FunctionDef) and node.decorator_list}
        assert {"quickstart", "tests", "lint", "typing", "docs", "bench"} <= sessions
