"""Each sentence of an index names the tests that hold it, and pytest collects each of them."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]
INDEXES = ("behavior.txt", "conversions.txt", "reported.txt")
OTHER_PROGRAMS = "interop/"
"""Where tests are skipped, and not collected, unless the program that reads a file is installed."""


def read_index(name: str) -> dict[str, list[str]]:
    """The tests by the sentence that they hold."""
    found = dict[str, list[str]]()
    key = ""
    text = (Path(__file__).parent / name).read_text(encoding="utf-8")
    for line in text.splitlines():
        if not line or line.startswith("#"):
            continue
        if line.startswith(" "):
            found[key].append(line.strip())
            continue
        assert line not in found, f"{line!r} stands there twice"
        key = line
        found[key] = []
    return found


@pytest.mark.parametrize("name", INDEXES)
def test_every_sentence_has_a_test(name: str) -> None:
    index = read_index(name)
    assert index
    assert [sentence for sentence, tests in index.items() if not tests] == []


def collect(tests: list[str]) -> set[str]:
    """Return which of these *tests* pytest collects, without their parameters."""
    files = {test.partition("::")[0] for test in tests}
    command = [
        *(sys.executable, "-m", "pytest", "--collect-only", "-q", "-p", "no:cacheprovider"),
        *sorted(file for file in files if (TESTS / file).exists()),
    ]
    # plain output, whatever the run that this is part of was told
    environ = {name: value for name, value in os.environ.items() if name != "PYTEST_ADDOPTS"}
    paths = os.pathsep.join(entry for entry in sys.path if entry)
    done = subprocess.run(
        command,
        cwd=TESTS,
        env={**environ, "PYTHONPATH": paths},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-2_000:] + done.stderr[-2_000:]
    lines = {line.partition("[")[0] for line in done.stdout.splitlines() if "::" in line}
    return {line.removeprefix("tests/") for line in lines}


def find_written(file: str) -> set[str]:
    """Return the tests that stand in a *file*."""
    tree = ast.parse((TESTS / file).read_text("utf-8"))
    functions = {f"{file}::{each.name}" for each in tree.body if isinstance(each, ast.FunctionDef)}
    methods = {
        f"{file}::{group.name}::{each.name}"
        for group in tree.body
        if isinstance(group, ast.ClassDef)
        for each in group.body
        if isinstance(each, ast.FunctionDef)
    }
    return functions | methods


def find_collected(session: pytest.Session) -> set[str]:
    """Return the tests of the run that this is part of, without their parameters."""
    names = {item.nodeid.partition("[")[0] for item in session.items}
    return {name.removeprefix("tests/") for name in names}


def test_every_test_that_is_named_is_collected(request: pytest.FixtureRequest) -> None:
    named = [test for name in INDEXES for tests in read_index(name).values() for test in tests]
    elsewhere = [test for test in named if test.startswith(OTHER_PROGRAMS)]
    assert [test for test in elsewhere if test not in find_written(test.partition("::")[0])] == []
    tests = [test for test in named if test not in elsewhere]
    collected = find_collected(request.session)
    # a run of everything has collected them already; a run of some files has not
    if not collected.issuperset(tests):
        collected = collect(tests)
    assert [test for test in tests if test not in collected] == []
