"""A write that was refused leaves nothing behind: no draft, no half-made job, no event.

Every verb that makes something is found with its parameters by inspection; a new parameter needs no
new test.
"""

from __future__ import annotations

import inspect
import io
import json
from collections.abc import Callable
from typing import Any, get_type_hints

import pytest
from support.refusals import everything, is_refused
from support.scenes import cats, rows, street

import itagflow
from itagflow import (
    Accept,
    Choice,
    FixedSize,
    Flow,
    InvalidData,
    ItagflowError,
    Label,
    Workflow,
    maintenance,
    templates,
)
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
    # a priority may be a fraction
    number = float("nan") if name == "priority" else 2.5
    for wrong in (object(), number, Hostile(), [object()], "\ud800"):
        with pytest.raises(ItagflowError):
            verb_of(flow, path)(**{**good, name: wrong})
        assert everything(flow) == before


def test_rows_that_are_bad_leave_no_job_and_no_template(flow: Flow) -> None:
    street(flow)
    before = everything(flow)
    for data in (
        ["{"],
        [*rows(3), {"data": {"source": float("nan")}}],
        [*rows(3), "NaN"],
        [{"nothing": 1}],
    ):
        with pytest.raises(InvalidData):
            flow.jobs.create(**{**ORDER, "data": data})
        assert everything(flow) == before
    assert flow.jobs.create(**{**ORDER, "data": rows(1)}).name == "new"


def test_a_data_source_that_breaks_leaves_nothing(flow: Flow) -> None:
    def broken() -> Any:
        yield from rows(3)
        raise RuntimeError("the source broke")

    street(flow)
    before = everything(flow)
    with pytest.raises(RuntimeError, match="the source broke"):
        flow.jobs.create(**{**ORDER, "data": broken()})
    assert everything(flow) == before


ENDLESS = Workflow(Label(), Accept(max_rejects=1, on_max_rejects="queue"))
REFUSED_JOBS: dict[str, tuple[dict[str, Any], type[ItagflowError], str]] = {
    "too few labelers": (
        {"workflow": Workflow(Label(votes=9), Accept())},
        itagflow.errors.Incomplete,
        "9 different members must label",
    ),
    "an endless route": (
        {"workflow": ENDLESS, "workforce": {"label": ["ben"], "accept": ["ada"]}},
        itagflow.errors.Incomplete,
        "without end",
    ),
    "more packages than may be taken": (
        {"workflow": Workflow(Label(max_total=1)), "packaging": FixedSize(1)},
        itagflow.errors.Incomplete,
        "max_total",
    ),
    "no rows": ({"data": []}, itagflow.errors.Incomplete, "no tasks"),
    "no good rows": (
        {"data": [{"nothing": 1}], "on_error": "skip"},
        itagflow.errors.Incomplete,
        "no tasks",
    ),
    "a name that is taken": (
        {"name": "cats", "workflow": Workflow(Label(), Accept())},
        itagflow.errors.AlreadyExists,
        "cats",
    ),
}
"""What differs from an order that is accepted, and how it is refused."""


@pytest.mark.parametrize("exist_ok", [False, True])
@pytest.mark.parametrize("name", REFUSED_JOBS)
def test_a_job_that_is_refused(flow: Flow, name: str, exist_ok: bool) -> None:
    cats(flow)
    differences, error, words = REFUSED_JOBS[name]
    order = {**ORDER, "data": rows(20), **differences, "exist_ok": exist_ok}
    is_refused(flow, error, words, lambda: flow.jobs.create(**order))


@pytest.mark.parametrize("name", ["too few labelers", "an endless route", "a name that is taken"])
def test_what_does_not_depend_on_rows_is_refused_before_one_is_read(flow: Flow, name: str) -> None:
    cats(flow)
    differences, error, words = REFUSED_JOBS[name]
    data = iter(rows(3))
    order = {**ORDER, **differences, "data": data}
    is_refused(flow, error, words, lambda: flow.jobs.create(**order))
    assert len(list(data)) == 3


def test_a_draft_that_can_never_finish_gets_no_rows(flow: Flow) -> None:
    street(flow)
    order = {**ORDER, "workflow": Workflow(Label(votes=9), Accept())}
    draft = flow.jobs.create(**order, draft=True, data=rows(3))
    again = {**order, "data": rows(20), "exist_ok": True}
    is_refused(flow, itagflow.errors.Incomplete, "9 different", lambda: flow.jobs.create(**again))
    assert flow.jobs.progress(draft).rows_read == 3


def test_rows_behind_the_first_thousands_leave_no_job(
    flow: Flow, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Events tell of it: some rows were stored before it was known."""
    monkeypatch.setattr("itagflow.jobs.loading_rules.ROWS_PER_TRANSACTION", 5)
    street(flow)
    before = without_events(flow)
    with pytest.raises(InvalidData, match="row 21"):
        flow.jobs.create(**{**ORDER, "data": [*rows(20), {"nothing": 1}]})
    assert without_events(flow) == before


def test_all_bad_rows_are_counted_when_an_early_one_is_bad(
    flow: Flow, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("itagflow.jobs.loading_rules.ROWS_PER_TRANSACTION", 5)
    street(flow)
    data = [{"nothing": 1}, *rows(20), {"nothing": 1}]
    error = is_refused(
        flow,
        InvalidData,
        "row 1.*row 22",
        lambda: flow.jobs.create(**{**ORDER, "data": iter(data)}),
    )
    assert isinstance(error, InvalidData)
    assert error.total == 2


def exported(flow: Flow) -> list[dict[str, Any]]:
    """The rows of a manifest with the results of three tasks."""
    job = cats(flow, packaging=FixedSize(5))
    assignment = flow.claim("ben", job, "label")
    assert assignment is not None
    for item in flow.tasks(assignment):
        flow.save(assignment, item, Choice("cat"))
    flow.submit(assignment)
    file = io.BytesIO()
    flow.results.export(job, "itag", file)
    return [json.loads(line) for line in file.getvalue().splitlines()]


REFUSED_IMPORTS: dict[str, tuple[type[ItagflowError], str]] = {
    "a bad row": (InvalidData, "the data of job 'new'"),
    "a bad result": (InvalidData, "the results of job 'new'"),
    "results of two jobs": (InvalidData, "of_job="),
    "no tasks": (itagflow.errors.Incomplete, "no tasks"),
    "a name that is taken": (itagflow.errors.AlreadyExists, "cats"),
}


@pytest.mark.parametrize("name", REFUSED_IMPORTS)
def test_an_import_that_is_refused(flow: Flow, name: str) -> None:
    data = exported(flow)
    (block,) = {key for row in data for key in row if key.startswith("label-")}
    order: dict[str, Any] = {**ORDER, "data": data}
    last = data[-1]
    match name:
        case "a bad row":
            data[-1] = {"nothing": 1}
        case "a bad result":
            last[block] = {"results": [{"questionId": "1", "data": "fox"}]}
        case "results of two jobs":
            last["label-99"] = last.pop(block)
        case "no tasks":
            order |= {"data": [{block: last[block]}], "on_error": "skip"}
        case _:
            order["name"] = "cats"
    error, words = REFUSED_IMPORTS[name]
    is_refused(flow, error, words, lambda: flow.jobs.import_results(**order))
