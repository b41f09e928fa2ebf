"""Type checkers see what the verbs return, and name `Flow` and the nouns when a script is wrong."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CHECKED = Path(__file__).parent / "checked_types.py"
CHECKED_ASYNC = Path(__file__).parent / "checked_async_types.py"
WRONG = """\
import itagflow
from itagflow import Box, Stage

with itagflow.open("memory:") as flow:
    flow.claims("ben", "cats", Stage.LABEL)
    flow.save((1, 2))
    flow.jobs.creat("street", "cats")
    assignment = flow.claim("ben", "cats", Stage.LABEL)
    flow.submit(assignment)
    flow.jobs.get("cats").nam
    flow.workspaces.create("street", admin=7)
    Box(1, 2, 3)
"""
"""A script of a user with one mistake in each line after the `with`, but the one that claims."""
EXPECTED = {
    5: '"Flow" has no attribute "claims"',
    6: 'Missing positional argument "task" in call to "save" of "Flow"',
    7: '"Jobs" has no attribute "creat"',
    9: 'Argument 1 to "submit" of "Flow" has incompatible type "Assignment | None"',
    10: '"Job" has no attribute "nam"',
    11: 'Argument "admin" to "create" of "Workspaces" has incompatible type "int"',
    12: 'Missing positional argument "height" in call to "Box"',
}


def run(*command: str, folder: Path) -> tuple[int, str]:
    environment = {**os.environ, "MYPYPATH": str(ROOT / "src"), "NO_COLOR": "1"}
    done = subprocess.run(
        [sys.executable, "-m", *command],
        capture_output=True,
        text=True,
        check=False,
        env=environment,
        cwd=folder,
    )
    return done.returncode, done.stdout + done.stderr


def mypy(file: Path, folder: Path) -> tuple[int, str]:
    pytest.importorskip("mypy", reason="nox -s typing runs this")
    cache = f"--cache-dir={folder / 'cache'}"
    # only what the file itself says: `nox -s typing` checks the library
    return run("mypy", "--strict", "--follow-imports=silent", cache, str(file), folder=folder)


@pytest.mark.parametrize("file", [CHECKED, CHECKED_ASYNC], ids=["sync", "async"])
def test_mypy_knows_what_the_verbs_return(file: Path, tmp_path: Path) -> None:
    code, said = mypy(file, tmp_path)
    assert code == 0, said


def test_pyright_knows_what_the_verbs_return(tmp_path: Path) -> None:
    pytest.importorskip("pyright", reason="nox -s typing runs this")
    settings = tmp_path / "pyrightconfig.json"
    files = f'"{CHECKED}", "{CHECKED_ASYNC}"'
    settings.write_text(
        f'{{"include": [{files}], "extraPaths": ["{ROOT / "src"}"], "typeCheckingMode": "strict"}}'
    )
    code, said = run(
        "pyright", "--pythonpath", sys.executable, "-p", str(settings), folder=tmp_path
    )
    assert code == 0, said


def test_mypy_names_flow_and_nouns_in_a_script_that_is_wrong(tmp_path: Path) -> None:
    file = tmp_path / "script.py"
    file.write_text(WRONG)
    code, said = mypy(file, tmp_path)
    assert code == 1, said
    found = dict(re.findall(r"script\.py:(\d+): error: (.*)", said))
    for line, sentence in EXPECTED.items():
        assert sentence in found.pop(str(line), "nothing"), said
    assert found == {}, "nothing else is wrong"
    assert not re.search(r"itagflow\.(?:core|storage|claiming|labeling|reviewing|results)\.", said)
