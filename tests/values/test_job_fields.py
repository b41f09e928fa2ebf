"""`jobs.create` and `jobs.update` set the documented fields, checked, and no others."""

from __future__ import annotations

import inspect
from typing import Any, get_type_hints

import attrs
import pytest
from support.naming import describe
from support.refusals import everything
from support.scenes import cats, rows, street

from itagflow import Flow, InvalidData, Job, maintenance, templates
from itagflow.typing import JobFields, JobNotes

NOTES = set(get_type_hints(JobNotes))
FIELDS = set(get_type_hints(JobFields))
OTHERS = [*sorted({field.name for field in attrs.fields(Job)} - FIELDS), "nothing", "loaded"]


@pytest.mark.parametrize("name", OTHERS)
def test_no_other_field_can_be_updated(flow: Flow, name: str) -> None:
    """`workspace=` moved a job to another tenant; `state=` skipped the lifecycle."""
    job = cats(flow)
    before = everything(flow)
    with pytest.raises(TypeError, match=rf"update\(\) got an unexpected keyword argument '{name}'"):
        flow.jobs.update(job, by="ada", **{name: getattr(job, name, 1)})
    assert everything(flow) == before


@pytest.mark.parametrize("verb", ["create", "import_results"])
@pytest.mark.parametrize("name", OTHERS)
def test_no_other_field_can_be_created(flow: Flow, verb: str, name: str) -> None:
    call = getattr(flow.jobs, verb)
    if name in inspect.signature(call).parameters:
        pytest.skip("it is an argument of its own")
    street(flow)
    before = everything(flow)
    with pytest.raises(TypeError, match=rf"{verb}\(\) got an unexpected keyword argument '{name}'"):
        call(
            "street",
            "new",
            template=templates.image_classification(["cat"]),
            data=rows(1),
            by="ada",
            **{name: 1},
        )
    assert everything(flow) == before


@pytest.mark.parametrize("name", sorted(FIELDS))
@pytest.mark.parametrize("value", [None, 5, 2.5, b"x", object(), {"a": 1}, "\ud800"], ids=describe)
def test_each_field_is_checked_and_the_workspace_stays_readable(
    flow: Flow, name: str, value: Any
) -> None:
    """`remark=None` was stored, and every reader of the workspace raised TypeError from then on."""
    job = cats(flow)
    is_good = value is None if name in ("due_at", "closes_at") else value == 5
    if name in ("due_at", "closes_at", "priority") and is_good:
        fields: Any = {name: value}
        assert getattr(flow.jobs.update(job, by="ada", **fields), name) == value
        return
    before = everything(flow)
    with pytest.raises(InvalidData) as refused:
        flow.jobs.update(job, by="ada", **{name: value})
    assert name in str(refused.value)
    assert everything(flow) == before
    assert [each.name for each in flow.jobs.list("street")] == ["cats"]
    assert list(maintenance.verify(flow)) == []


def test_types_and_checks_name_the_same_fields() -> None:
    assert {"name", "workflow"} == FIELDS - NOTES
    assert {field.name for field in attrs.fields(Job)} >= FIELDS
