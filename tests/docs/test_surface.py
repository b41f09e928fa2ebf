"""What users import: which names there are, where each has its home, and how values look at a prompt."""

from __future__ import annotations

import ast
import inspect
import pickle
import types
import typing
from collections.abc import Callable, Iterator
from concurrent.futures import Executor
from enum import Enum
from importlib import import_module
from typing import Any

import attrs
import pytest
from support.naming import describe
from support.scenes import cats, labeled, taken

import itagflow
from itagflow import Box, Choice, Flow, Label, NotAllowed, Regions, Stage, Workflow, model
from itagflow.errors import ItagflowError, Problem
from itagflow.templates import Option

NOUNS = (
    "assignments",
    "events",
    "jobs",
    "members",
    "packages",
    "quality",
    "results",
    "templates",
    "workspaces",
)
MODULES = (
    "itagflow",
    "itagflow.access",
    "itagflow.aio",
    "itagflow.contexts",
    "itagflow.delivery",
    "itagflow.display",
    "itagflow.errors",
    "itagflow.formats",
    "itagflow.json",
    "itagflow.maintenance",
    "itagflow.model",
    "itagflow.prelabels",
    "itagflow.quality",
    "itagflow.schema",
    "itagflow.storage",
    "itagflow.templates",
    "itagflow.testing",
    "itagflow.typing",
    *(f"itagflow.api.{noun}" for noun in NOUNS),
)
"""Where users import from."""


def exported(module: str) -> dict[str, Any]:
    """The public names of a module: those of its list, or those that are defined there."""
    found = import_module(module)
    names = getattr(found, "__all__", None) or [
        name
        for name, value in vars(found).items()
        if not name.startswith("_") and getattr(value, "__module__", module) == module
    ]
    return {name: getattr(found, name) for name in names}


EXPORTED = {module: exported(module) for module in MODULES}
HOMES = {name: module for module, names in EXPORTED.items() for name in names}
CLASSES = {
    value
    for names in EXPORTED.values()
    for value in names.values()
    if inspect.isclass(value) and value.__module__.startswith("itagflow")
}


def test_the_top_has_about_sixty_names() -> None:
    # two of the last three say what training reads, and one which packages are a lot
    assert 50 <= len(itagflow.__all__) <= 68
    assert "open" not in itagflow.__all__, "`from itagflow import *` must not hide the built-in"
    assert callable(itagflow.open)
    assert set(itagflow.__all__) <= set(dir(itagflow))
    assert not [
        name for name in dir(itagflow) if name.startswith("_") and not name.startswith("__")
    ]


def test_a_name_means_the_same_in_every_module() -> None:
    found: dict[str, object] = {}
    for module, names in EXPORTED.items():
        for name, value in names.items():
            if inspect.isclass(value) and name in found:
                assert found[name] is value, (module, name)
            found.setdefault(name, value)


def is_importable(kind: type) -> bool:
    """Whether the place that a class reports is public and has it."""
    parts = kind.__module__.split(".")
    home = import_module(kind.__module__)
    return (
        not any(part.startswith("_") for part in parts)
        and getattr(home, kind.__name__, None) is kind
    )


@pytest.mark.parametrize("kind", sorted(CLASSES, key=str), ids=lambda kind: kind.__name__)
def test_a_class_reports_a_public_place(kind: type) -> None:
    assert is_importable(kind), kind.__module__


@pytest.mark.parametrize("module", ["itagflow", "itagflow.model", "itagflow.errors"])
def test_values_and_errors_report_the_top_or_their_module(module: str) -> None:
    for name, value in EXPORTED[module].items():
        if inspect.isclass(value):
            wanted = "itagflow" if name in itagflow.__all__ else module
            assert value.__module__ == wanted, name


@pytest.mark.parametrize("kind", sorted(CLASSES, key=str), ids=lambda kind: kind.__name__)
def test_the_types_of_fields_can_be_looked_up(kind: type) -> None:
    """cattrs, pydantic and others ask for them; text would be looked up in the reported module."""
    if attrs.has(kind):
        assert set(typing.get_type_hints(kind)) >= {field.name for field in attrs.fields(kind)}


def functions() -> Iterator[tuple[str, Callable[..., Any]]]:
    """Every public function, and every public method of a public class."""
    yield "open", itagflow.open
    for module, names in EXPORTED.items():
        if module == "itagflow.testing":
            continue
        for name, value in names.items():
            if inspect.isfunction(value):
                yield f"{module}.{name}", value
    for kind in CLASSES:
        if kind.__module__ == "itagflow.testing" or issubclass(kind, Enum):
            continue
        for name in ("__init__", "__call__", *dir(kind)):
            value = inspect.getattr_static(kind, name, None)
            value = value.fget if isinstance(value, property) else value
            value = value.__func__ if isinstance(value, classmethod | staticmethod) else value
            is_ours = inspect.isfunction(value) and (value.__module__ or "").startswith("itagflow")
            if is_ours and (not name.startswith("_") or name in ("__init__", "__call__")):
                yield f"{kind.__name__}.{name}", value


FUNCTIONS = dict(functions())


def types_in(hint: Any) -> Iterator[type]:
    """Every class that a type hint mentions."""
    if isinstance(hint, list | tuple):
        for each in hint:
            yield from types_in(each)
    elif isinstance(hint, typing.TypeVar):
        yield from types_in([each for each in (hint.__bound__, *hint.__constraints__) if each])
    elif typing.get_args(hint) and typing.get_origin(hint) is not typing.Literal:
        origin = typing.get_origin(hint)
        yield from types_in([*typing.get_args(hint), *([origin] if origin else [])])
    elif inspect.isclass(hint):
        yield hint


def hints_of(function: Callable[..., Any]) -> dict[str, Any]:
    made = getattr(function, "__code__", None)
    if made is not None and made.co_filename.startswith("<attrs generated"):
        return {}
    return typing.get_type_hints(function, localns={"Executor": Executor})


def test_enough_functions_are_looked_at() -> None:
    assert {"Flow.claim", "Jobs.create", "Results.export", "itagflow.maintenance.verify"} <= set(
        FUNCTIONS
    )
    assert len(FUNCTIONS) > 150


@pytest.mark.parametrize("name", sorted(FUNCTIONS))
def test_every_type_of_a_public_signature_can_be_imported(name: str) -> None:
    for kind in types_in(list(hints_of(FUNCTIONS[name]).values())):
        if kind.__module__.startswith("itagflow"):
            assert is_importable(kind), kind


TOP = ("itagflow.flow", "itagflow.opening", "itagflow.api", "itagflow.maintenance")
API = sorted(
    name
    for name, function in FUNCTIONS.items()
    # a Flow makes its namespaces itself
    if (not name.endswith(".__init__") or name == "Flow.__init__")
    and function.__module__.startswith(TOP)
)


@pytest.mark.parametrize("name", API)
def test_every_name_in_a_signature_of_a_verb_can_be_imported(name: str) -> None:
    """Also the names of unions, such as `JobRef`, which are no classes."""
    function = FUNCTIONS[name]
    for text in function.__annotations__.values():
        words = {node.id for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Name)}
        for word in (
            words
            - {"None", "Executor"}
            - set(dir(__builtins__))
            - set(vars(__import__("builtins")))
        ):
            value = function.__globals__[word]
            is_foreign = isinstance(value, types.ModuleType) or not is_of_ours(value)
            assert word in HOMES or is_foreign, word


def is_of_ours(value: object) -> bool:
    """Whether a type is ours, or is made of types of ours."""
    home = getattr(value, "__module__", "")
    return home.startswith("itagflow") or any(
        kind.__module__.startswith("itagflow") for kind in types_in(value)
    )


@pytest.mark.parametrize(
    "kind",
    sorted((kind for kind in CLASSES if issubclass(kind, ItagflowError)), key=str),
    ids=describe,
)
def test_errors_name_their_public_class(kind: type) -> None:
    assert f"{kind.__module__}.{kind.__name__}" in (
        f"itagflow.{kind.__name__}",
        f"itagflow.errors.{kind.__name__}",
    )


def test_a_pickle_names_public_places(flow: Flow) -> None:
    job = cats(flow)
    values = [
        job,
        taken(flow, "ben", job),
        *flow.results.list(job),
        *flow.events.list(job),
        Box(1, 2, 3, 4, label="car"),
    ]
    for value in (*values, NotAllowed("ben", "export", "no"), *flow.results.partition(job, 2)):
        text = pickle.dumps(value, protocol=2)
        assert pickle.loads(text) == value or isinstance(value, ItagflowError)
        assert b"itagflow.model." not in text
        assert type(value).__module__.encode() in text


def values_of(flow: Flow) -> Iterator[object]:
    """A value of every kind that a flow returns."""
    job = cats(flow)
    assignment = labeled(flow, "ben", job)
    yield from (flow, flow.store, job, job.workflow, assignment, flow.jobs.progress(job))
    yield from flow.workspaces.list()
    yield from flow.members.list(job.workspace)
    yield from flow.packages.list(job)
    yield from flow.events.list(job)
    yield flow.templates.get(job)
    yield flow.templates.get(job).questions[0]
    for result in flow.results.list(job):
        yield from (result, result.task, *result.stages.values(), *result.provenance)
    held = taken(flow, "cy", job)
    for item in flow.tasks(held):
        yield from (item, flow.save(held, item, Choice("cat")))
    yield flow.can("ben", "export", job)
    yield from flow.results.partition(job, 2)


def test_a_value_is_one_short_line(flow: Flow) -> None:
    kinds = set()
    for value in values_of(flow):
        shown = repr(value)
        kinds.add(type(value).__name__)
        assert type(value).__name__ in shown
        assert len(shown) <= 150, shown
        assert "\n" not in shown
        assert " object at 0x" not in shown
    assert kinds >= {
        "Answer", "Assignment", "Event", "Flow", "Job", "JobPartition", "Member", "Package", "Permission", "Progress",
        "Provenance", "Question", "Result", "StageResult", "Task", "Template", "WorkItem", "Workflow", "Workspace",
    }  # fmt: skip


def test_a_value_says_what_it_is_and_its_state(flow: Flow) -> None:
    job = cats(flow)
    assignment = taken(flow, "ben", job)
    assert repr(job) == f"<Job 'cats' RUNNING id={job.id}>"
    assert repr(assignment) == (
        f"<Assignment {assignment.id} LABEL HELD on package 1 job={job.id} member={assignment.member}>"
    )
    assert repr(flow.jobs.progress(job)) == "<Progress 0 of 4 tasks done>"
    assert repr(next(flow.packages.list(job))) == f"<Package 1 LABEL 2 tasks job={job.id}>"


def test_what_people_write_is_shown_as_they_write_it() -> None:
    boxes = Regions([Box(1, 2, 3, 4, label="car", color="#fff")], width=10, height=20)
    values = (
        Choice("cat"),
        boxes,
        Workflow(Label(votes=1)),
        Option("car"),
        Option("car", "a car"),
        Problem("row 1", "is bad"),
    )
    names = {name: value for names in EXPORTED.values() for name, value in names.items()}
    for value in values:
        assert eval(repr(value), names) == value, repr(value)
    assert (
        repr(boxes) == "Regions((Box(1, 2, 3, 4, label='car', color='#fff'),), width=10, height=20)"
    )
    assert repr(Workflow()) == "Workflow(Label())"


def test_much_is_cut() -> None:
    many = Regions([Box(1, 2, 3, 4)] * 50, width=10, height=20)
    assert (
        repr(many)
        == f"Regions(({', '.join(['Box(1, 2, 3, 4)'] * 3)}, … 47 more), width=10, height=20)"
    )
    assert repr(Choice("a" * 100)) == f"Choice('{'a' * 60}…')"
    assert repr(Choice("a\u2028b")) == "Choice('a\\u2028b')"
    assert repr(model.StageWorkers((1, 2), ("night",))) == "StageWorkers((1, 2), ('night',))"
    assert repr(Stage.LABEL) == "<Stage.LABEL: 'label'>"
