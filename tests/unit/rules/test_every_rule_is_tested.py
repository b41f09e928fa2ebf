"""Every file of rules has a test module of its own here, which calls what that file defines."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from benchmarks.trace import HOME, is_rule

HERE = Path(__file__).parent
RULES = sorted(
    name for file in HOME.rglob("*.py") if is_rule(name := file.relative_to(HOME).as_posix())
)
RULES = [name for name in RULES if not name.endswith("__init__.py")]


def module_of(rule: str) -> Path:
    return HERE / f"test_{rule.removesuffix('.py').replace('/', '_')}.py"


def public_functions(file: Path) -> set[str]:
    tree = ast.parse(file.read_text("utf-8"))
    return {
        node.name
        for node in tree.body
        if isinstance(node, ast.FunctionDef) and not node.name.startswith("_")
    }


def names_used(file: Path) -> set[str]:
    nodes = list(ast.walk(ast.parse(file.read_text("utf-8"))))
    names = {node.id for node in nodes if isinstance(node, ast.Name)}
    return names | {node.attr for node in nodes if isinstance(node, ast.Attribute)}


def test_the_rules_are_found() -> None:
    assert {"claiming/rules.py", "jobs/loading_rules.py", "lifecycle/machine.py"} <= set(RULES)


@pytest.mark.parametrize("rule", RULES)
def test_a_file_of_rules_has_a_test_module(rule: str) -> None:
    assert module_of(rule).is_file()


@pytest.mark.parametrize("rule", RULES)
def test_every_public_function_of_a_rule_is_called_directly(rule: str) -> None:
    module = module_of(rule)
    assert public_functions(HOME / rule) - names_used(module) == set(), (
        f"write tests of these in {module.name}"
    )
