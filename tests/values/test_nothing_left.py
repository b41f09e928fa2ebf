"""A write that was refused leaves nothing behind: no draft, no half-made job, no event.

Every verb that makes something is found with its parameters by inspection; a new parameter needs no
new test.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, get_type_hints

import pytest
from support.refusals import everything
from support.scenes import cats, rows, street

import itagflow
from itagflow import Flow, InvalidData, ItagflowError, maintenance, templates
from itagflow.storage import FIELDS, Query
from itagflow.typing import JobNotes

TEMPLATE = templates.image_classification(["cat", "dog"])
ORDER: dict[str, Any] = {"workspace": "street", "name": "new", "template": TEMPLATE, "by": "ada"}
CREATING: dict[str, dict[str, Any]] = {
    "workspaces.create": {"name": "new", "admin": "eve"},
    "members.add": {"workspace": "street", "account": "eve", "role": "operator", "by": "ada"},
    "templates.add": {"workspace": "street", "template": TEMPLATE, "name": "new", "by": "ada"},
    "jobs.create": {**ORDER, "data": rows(3)},
    "jobs.import_results": {**ORDER, "data": rows(3)},
    "jobs.append": {"job": "cats", "data": rows(3), "by": "ada"},
    "assignments.assign": {"package": None, "member": "ben", "by": "ada"},
}
"""The verbs that make something, with good values for what they require."""
OTHERS_CHECK = {"data"}
"""Rows are checked one by one: see the tests of loading and importing."""


class Hostile:
    def _raise(self, *_: object) -> Any:
        raise RuntimeError("asked")

    __eq__ = __repr__ = __len__ = __bool__ = __hash__ = _raise


def verb_of(flow: Flow, path: str) -> Callable[..., Any]:
    space, _, name = path.partition(".")
    return getattr(getattr(flow, space), name)  # type: ignore[no-any-return]


def parameters_of(path: str) -> list[str]:
    with itagflow.open("memory:") as flow:
        given = inspect.signature(verb_of(flow, path)).parameters.values()
    names = [one.name for one in given if one.kind is not one.VAR_KEYWORD]
    if any(one.kind is one.VAR_KEYWORD for one in given):
        names += get_type_hints(JobNotes)
    return names


def without_events(flow: Flow) -> list[Any]:
    with itagflow.open("memory:") as other:
        maintenance.copy(flow, to=other)
        with other.store.read() as reader:
            return [
                sorted(map(str, reader.find(Query(kind))))
                for kind in FIELDS
                if kind.__name__ != "Event"
            ]


CASES = [
    (path, name) for path in CREATING for name in parameters_of(path) if name not in OTHERS_CHECK
]


@pytest.mark.parametrize(("path", "name"), CASES, ids=[f"{path}-{name}" for path, name in CASES])
def test_a_wrong_argument(flow: Flow, path: str, name: str) -> None:
    job = cats(flow)
    good = {**CREATING[path]}
    if "package" in good:
        good["package"] = (job.id, 1)
    before = everything(flow)
    for wrong in (object(), 2.5, Hostile(), [object()], "\ud800"):
        with pytest.raises(ItagflowError):
            verb_of(flow, path)(**{**good, name: wrong})
        assert everything(flow) == before


def test_rows_that_are_bad_leave_no_job_and_no_template(flow: Flow) -> None:
    street(flow)
    before = without_events(flow)
    for data in (
        ["{"],
        [*rows(3), {"data": {"source": float("nan")}}],
        [*rows(3), "NaN"],
        [{"nothing": 1}],
    ):
        with pytest.raises(InvalidData):
            flow.jobs.create(**{**ORDER, "data": data})
        assert without_events(flow) == before
    assert flow.jobs.create(**{**ORDER, "data": rows(1)}).name == "new"


def test_a_data_source_that_breaks_leaves_no_job(flow: Flow) -> None:
    def broken() -> Any:
        yield from rows(3)
        raise RuntimeError("the source broke")

    street(flow)
    before = without_events(flow)
    with pytest.raises(RuntimeError, match="the source broke"):
        flow.jobs.create(**{**ORDER, "data": broken()})
    assert without_events(flow) == before
