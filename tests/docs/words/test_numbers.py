"""Messages agree in number: "1 task is", "2 tasks are"."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.scenes import cats, labeled, taken

import itagflow
from itagflow import Accept, Flow, Incomplete, Inspect, Label, NotAllowed, Stage, Workflow
from itagflow.model.package import PackageState
from itagflow.model.result import Progress
from itagflow.printing import format_count

SOURCES = sorted(Path(itagflow.__file__).parent.rglob("*.py"))
PLURAL = re.compile(
    r"\0 (?:(?!of )[a-z]+ ){0,2}?(answers|assignments|bytes|cells|characters|columns|events|fields|files|jobs|keys"
    r"|members|options|packages|parts|points|problems|questions|rows|seconds|slots|spans|tasks|votes)\b"
)
"""A number, and up to two words behind it the name of several things."""
ALWAYS_SEVERAL = {
    "This lot is small: \0 of \0 tasks are checked, and a lot with \0 wrong passes \0 of the time. "
    "An AQL is no promise about accepted work: see error_left, or take larger lots.": (
        "a sample has two tasks, and the lot has more"
    ),
    "\0 with fewer than \0 votes": "somebody has marked it, so that one vote would be enough",
    "is too near to p0: a decision would take more than \0 tasks": "the limit is a large number",
    "is \0 characters long; at most \0 are allowed": "only what is longer than thousands of them",
    "is \0 bytes long; at most \0 fit an index": "only what is longer than thousands of them",
    "is longer than \0 bytes": "the limit is a large number",
    "is longer than \0 bytes\0": "the limit is a large number",
    "imply more than \0 questions": "the limit is a large number",
    "1 to \0 characters that can be stored": "the limit is a large number",
    "a \0 needs at least \0 points, not \0": "no shape of these needs a single one",
    "must be a list of at least \0 points [x, y]": "the number is a word: two or three",
    "\0 different members would have to vote on \0, but only \0 may: name more for LABEL": (
        "two votes and one more are at least three, and 'only 1 may' is right too"
    ),
}


def numbers_in(tree: ast.AST) -> Iterator[str]:
    """The f-strings in a file that name several things, where nothing asks whether it is one thing."""
    for function in ast.walk(tree):
        if isinstance(function, ast.FunctionDef) and not asks_for_one(function):
            for node in ast.walk(function):
                if isinstance(node, ast.JoinedStr):
                    text = "".join(
                        part.value
                        if isinstance(part, ast.Constant) and isinstance(part.value, str)
                        else "\0"
                        for part in node.values
                    )
                    if PLURAL.search(text):
                        yield text


def asks_for_one(function: ast.FunctionDef) -> bool:
    return any(
        isinstance(node, ast.Compare)
        and any(isinstance(each, ast.Constant) and each.value == 1 for each in node.comparators)
        for node in ast.walk(function)
    )


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.stem)
def test_a_message_with_a_number_asks_whether_it_is_one(path: Path) -> None:
    if "testing" not in path.parts:
        assert set(numbers_in(ast.parse(path.read_text("utf-8")))) <= ALWAYS_SEVERAL.keys()


def test_a_message_that_does_not_ask_is_found() -> None:
    wrong = 'def explain(number):\n    return f"{number} open packages are left"'
    assert list(numbers_in(ast.parse(wrong))) == ["\0 open packages are left"]
    right = 'def explain(number):\n    return "1 package" if number == 1 else f"{number} packages"'
    assert list(numbers_in(ast.parse(right))) == []


def test_a_number_of_things() -> None:
    assert [format_count(number, "task") for number in (0, 1, 2, 1.0, 1.5)] == [
        "0 tasks", "1 task", "2 tasks", "1.0 task", "1.5 tasks",
    ]  # fmt: skip


def test_progress() -> None:
    one = Progress(packages={PackageState.LABEL: 1}, tasks={PackageState.LABEL: 1}, abandoned=1)
    assert str(one) == "0 of 1 task done: 1 package (1 task) label, 1 task abandoned"
    two = Progress(packages={PackageState.DONE: 2}, tasks={PackageState.DONE: 3}, wrong=2)
    assert str(two) == "3 of 3 tasks done: 2 packages (3 tasks) done, 2 tasks wrong"


def test_explain_and_refusals(flow: Flow) -> None:
    label = Label(limit=1, lease=None)
    job = cats(flow, tasks=4, size=2, workflow=Workflow(label, Inspect(lease=None), Accept()))
    assert flow.explain("di", job, Stage.INSPECT) == "2 packages are still at an earlier stage"
    assignment = taken(flow, "ben", job)
    flow.save(assignment, 1, itagflow.Choice("cat"))
    with pytest.raises(Incomplete, match=r"\(task 2\)$"):
        flow.submit(assignment)
    assert flow.explain("ben", job, Stage.LABEL) == (
        "the limit is reached: ben holds 1 of 1 assignment"
    )
    flow.save(assignment, 2, itagflow.Choice("cat"))
    flow.submit(assignment)
    labeled(flow, "cy", job)
    assert flow.explain("ben", job, Stage.LABEL) == "all done here: 2 packages are at a later stage"
    taken(flow, "di", job, Stage.INSPECT)
    taken(flow, "di", job, Stage.INSPECT)
    assert flow.explain("di", job, Stage.INSPECT) == (
        "2 assignments are held by or offered to people, and no lease ends"
    )


def test_where_no_member_may_the_message_says_so(flow: Flow) -> None:
    job = cats(flow)
    with pytest.raises(NotAllowed) as refused:
        flow.jobs.delete(job, by="ada")
    assert str(refused.value) == "cannot delete it: job 'cats' is running: archive it first"
    assert refused.value.member == ""
