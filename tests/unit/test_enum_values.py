"""Enums given by value: every public verb that takes one, found by its signature."""

from __future__ import annotations

import inspect
import io
import re
from collections.abc import Callable, Iterator
from enum import Enum
from typing import Any

import attrs
import pytest
from support.naming import describe
from support.scenes import Clock, cats, labeled

import itagflow
from itagflow import (
    Became,
    Flow,
    InvalidData,
    JobState,
    Label,
    PackageState,
    Role,
    Selection,
    Stage,
    TaskState,
    Workflow,
    maintenance,
    model,
    templates,
)
from itagflow.access import Action
from itagflow.model import Workspace
from itagflow.storage import FIELDS, Query
from itagflow.testing.builders import change

PUBLIC = {name: getattr(model, name) for name in model.__all__} | {"Action": Action}
ENUMS = {
    name: kind for name, kind in PUBLIC.items() if inspect.isclass(kind) and issubclass(kind, Enum)
}
ALIASES = ("CrewKey", "Workforce")
"""Names in signatures for unions with enums."""
ASKED_FOR = re.compile(rf"\b({'|'.join([*ENUMS, *ALIASES])})\b")


@attrs.frozen
class Case:
    """A verb that takes a member of an enum."""

    good: Enum
    """What can be given here."""
    call: Callable[[Flow, Any], Any]


def make_job(flow: Flow, stage: Any) -> Any:
    asked = templates.image_classification(["cat"])
    return flow.jobs.create(
        "street", "new", template=asked, workforce={stage: ["ben"]}, by="ada", draft=True
    )


def check_job(flow: Flow, stage: Any) -> Any:
    asked = templates.image_classification(["cat", "dog"])
    return flow.jobs.check("street", "new", template=asked, workforce={stage: ["ben"]}, by="ada")


CASES: dict[tuple[str, str], Case] = {
    ("claim", "stage"): Case(Stage.LABEL, lambda f, v: f.claim("ben", "cats", v)),
    ("claim_many", "stage"): Case(Stage.LABEL, lambda f, v: f.claim_many("ben", "cats", v, 2)),
    ("explain", "stage"): Case(Stage.LABEL, lambda f, v: f.explain("ben", "cats", v)),
    ("can", "action"): Case(Action.EXPORT, lambda f, v: f.can("ada", v, "street")),
    ("can", "stage"): Case(
        Stage.LABEL, lambda f, v: f.can("ben", Action.LABEL, f.jobs.get("cats"), stage=v)
    ),
    ("members.add", "role"): Case(
        Role.LEADER, lambda f, v: f.members.add("street", "new", v, by="ada")
    ),
    ("members.set_role", "role"): Case(
        Role.LEADER, lambda f, v: f.members.set_role("street", "ben", v, by="ada")
    ),
    ("jobs.create", "workforce"): Case(Stage.LABEL, make_job),
    ("jobs.check", "workforce"): Case(Stage.LABEL, check_job),
    ("jobs.list", "state"): Case(
        JobState.RUNNING, lambda f, v: list(f.jobs.list("street", state=v))
    ),
    ("jobs.set_workforce", "workforce"): Case(
        Stage.LABEL, lambda f, v: f.jobs.set_workforce("cats", {v: ["ada"]}, by="ada")
    ),
    ("jobs.add_workers", "stage"): Case(
        Stage.LABEL, lambda f, v: f.jobs.add_workers("cats", v, ["ada"], by="ada")
    ),
    ("jobs.remove_workers", "stage"): Case(
        Stage.LABEL, lambda f, v: f.jobs.remove_workers("cats", v, ["ben"], by="ada")
    ),
    ("packages.list", "state"): Case(
        PackageState.DONE, lambda f, v: list(f.packages.list("cats", state=v))
    ),
    ("jobs.reopen", "to"): Case(
        Stage.LABEL, lambda f, v: f.jobs.reopen("cats", where=Selection(), to=v, by="ada")
    ),
    ("results.find", "state"): Case(
        TaskState.FINAL, lambda f, v: list(f.results.find("cats", state=v))
    ),
    ("results.follow", "became"): Case(
        Became.FINAL, lambda f, v: list(f.results.follow("cats", became=v, timeout=0))
    ),
    ("results.export", "stages"): Case(
        Stage.LABEL, lambda f, v: f.results.export("cats", "itag", io.BytesIO(), stages=[v])
    ),
}
"""By the name of the verb and of the parameter."""


def public_verbs() -> Iterator[tuple[str, Callable[..., Any]]]:
    """Every public method of a Flow and of its namespaces, and the functions of maintenance."""
    with itagflow.open("memory:") as flow:
        for name, value in inspect.getmembers(flow):
            if name.startswith("_") or name in ("store", "policy"):
                continue
            if inspect.ismethod(value):
                yield name, value
            else:
                for verb, method in inspect.getmembers(value, inspect.ismethod):
                    if not verb.startswith("_"):
                        yield f"{name}.{verb}", method
    for name, value in inspect.getmembers(maintenance, inspect.isfunction):
        if value.__module__ == maintenance.__name__ and not name.startswith("_"):
            yield name, value


def parameters() -> dict[tuple[str, str], str]:
    """Every parameter that takes a member of an enum, with its annotation."""
    return {
        (verb, name): str(parameter.annotation)
        for verb, method in public_verbs()
        for name, parameter in inspect.signature(method).parameters.items()
        if ASKED_FOR.search(str(parameter.annotation))
    }


def test_every_parameter_has_a_case() -> None:
    assert len(list(public_verbs())) > 60
    assert sorted(parameters()) == sorted(CASES)


def test_every_annotation_says_that_a_value_will_do() -> None:
    # of a workforce the alias says so
    said = re.compile(r"\w \| str\b|\bWorkforce\b")
    silent = [name for name, text in parameters().items() if not said.search(text)]
    assert silent == []


@pytest.fixture(scope="module")
def town() -> Iterator[Flow]:
    """The same in memory, for calls that change nothing."""
    with itagflow.open("memory:") as flow:
        labeled(flow, "ben", cats(flow, workflow=Workflow(Label())))
        yield flow


@pytest.fixture
def full(flow: Flow) -> Flow:
    """A job with one package done, and one to be labeled."""
    labeled(flow, "ben", cats(flow, workflow=Workflow(Label())))
    return flow


def everything(flow: Flow) -> list[Any]:
    with flow.store.read() as reader:
        found = [entity for kind in FIELDS for entity in reader.find(Query(kind))]
    # what pseudonyms are made with is drawn: each flow has its own
    return [
        change(each, pseudonym_key="") if isinstance(each, Workspace) else each for each in found
    ]


@pytest.mark.parametrize("name", CASES, ids=".".join)
def test_a_value_does_what_the_member_does(name: tuple[str, str]) -> None:
    case, came_to = CASES[name], list[Any]()
    for given in (case.good, case.good.value):
        with itagflow.open("memory:", clock=Clock(), ids=Numbers()) as flow:
            labeled(flow, "ben", cats(flow, workflow=Workflow(Label())))
            came_to.append((case.call(flow, given), everything(flow)))
    assert came_to[0] == came_to[1]
    assert came_to[0][0], "the case gives something to compare"


class Numbers:
    """Makes the same ids in every Flow."""

    def __init__(self) -> None:
        self.last = 0

    def __call__(self) -> int:
        self.last += 1
        return self.last


@pytest.mark.parametrize("name", CASES, ids=".".join)
def test_members_are_stored_and_not_their_values(name: tuple[str, str], full: Flow) -> None:
    CASES[name].call(full, CASES[name].good.value)
    assert list(maintenance.verify(full)) == []
    stored = everything(full)
    roles = [entity.role for entity in stored if isinstance(entity, itagflow.Member)]
    stages = [s for entity in stored if isinstance(entity, itagflow.Job) for s in entity.workforce]
    assert {type(role) for role in roles} == {Role}
    assert {type(stage) for stage in stages} == {Stage}


OPTIONAL = {name for name, text in parameters().items() if text.endswith("| None")} - {
    ("jobs.create", "workforce"),  # the cases put the value inside
    ("jobs.check", "workforce"),
    ("results.export", "stages"),
}
BAD = ["nobody", "", "LABEL", 1, None, (), Action.ERASE, b"label"]


REFUSED = [
    (name, bad)
    for name, case in CASES.items()
    for bad in BAD
    if not isinstance(bad, type(case.good)) and (bad is not None or name not in OPTIONAL)
]


@pytest.mark.parametrize(("name", "bad"), REFUSED, ids=describe)
def test_an_unknown_value_is_refused(name: tuple[str, str], bad: Any, town: Flow) -> None:
    case = CASES[name]
    before = everything(town)
    with pytest.raises(InvalidData) as caught:
        case.call(town, bad)
    assert all(repr(member.value) in str(caught.value) for member in type(case.good))
    assert everything(town) == before


class TestSeveral:
    def test_a_stage_named_twice_is_refused(self, full: Flow) -> None:
        with pytest.raises(InvalidData, match="label: is given twice"):
            full.jobs.set_workforce("cats", {"label": ["ben"], Stage.LABEL: ["cy"]}, by="ada")

    def test_a_workforce_is_a_mapping(self, full: Flow) -> None:
        with pytest.raises(InvalidData, match="must be a mapping by Stage"):
            full.jobs.set_workforce("cats", ["label"], by="ada")  # type: ignore[arg-type]

    @pytest.mark.parametrize("bad", ["label", Stage.LABEL, 5])
    def test_stages_are_several(self, full: Flow, bad: Any) -> None:
        with pytest.raises(InvalidData, match="must be several of Stage"):
            full.results.export("cats", "itag", io.BytesIO(), stages=bad)
