"""What the fuzzer runs with a whole Flow: bytes become jobs, or are refused and leave nothing behind."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from typing import Any

import itagflow
from fuzz.attempts import as_json, attempt
from fuzz.readers import LOOSE, is_equal
from itagflow import (
    Flow,
    Job,
    Result,
    Stage,
    Template,
    maintenance,
    prelabels,
)
from itagflow.formats import itag
from itagflow.model.reply import Replies

ADA = "ada"


def imported(data: bytes) -> None:
    """Read *data* as a finished job: it is there whole or not at all, and its export is read as the same job."""
    template = _template(data)
    with itagflow.open("memory:") as flow:
        flow.workspaces.create("street", admin=ADA)
        for on_error in ("raise", "skip"):
            named = f"read-{on_error}"
            more: dict[str, Any] = {"template": template, "by": ADA, "on_error": on_error}
            job = attempt(flow.jobs.import_results, "street", named, data=io.BytesIO(data), **more)
            assert [job.name for job in flow.jobs.list("street")].count(named) == (job is not None)
            if job is not None:
                _comes_back(flow, job, template)
        _is_sound(flow)


def _comes_back(flow: Flow, job: Job, template: Template) -> None:
    target = io.BytesIO()
    flow.results.export(job, "itag", target)
    said = list(_with_results(flow, job))
    if not said:
        return
    with itagflow.open("memory:") as other:
        other.workspaces.create("street", admin=ADA)
        again = other.jobs.import_results(
            "street",
            "again",
            template=template,
            data=io.BytesIO(target.getvalue()),
            of_job=str(job.id),
            on_error="skip",  # what was skipped goes out again as it came in
            workflow=job.workflow,
            by=ADA,
        )
        for one, two in zip(said, _with_results(other, again), strict=True):
            assert _by_stage(one).keys() == _by_stage(two).keys()
            for stage, replies in _by_stage(one).items():
                _are_equal(replies, _by_stage(two)[stage])
        _is_sound(other)


def _with_results(flow: Flow, job: Job) -> Iterator[Result]:
    return (result for result in flow.results.list(job) if result.replies is not None)


def _by_stage(result: Result) -> dict[Stage, Replies]:
    return {
        stage: said.replies for stage, said in result.stages.items() if said.replies is not None
    }


def _are_equal(one: Replies, other: Replies) -> None:
    assert one.keys() == other.keys()
    for id, reply in one.items():
        assert is_equal(reply, other[id]), id


def prelabeled(data: bytes) -> None:
    """Read *data* as rows with pre-labels in blocks, in fields and in a file: each comes to its task, or is refused."""
    template = _template(data)
    for predict in (
        lambda: prelabels.from_blocks(template),
        lambda: prelabels.from_fields(template, score="score"),
        lambda: prelabels.from_export(template, io.BytesIO(data)),
    ):
        _prelabel(data, template, predict)


def _prelabel(data: bytes, template: Template, predict: Callable[[], Any]) -> None:
    with itagflow.open("memory:") as flow:
        flow.workspaces.create("street", admin=ADA)
        more: dict[str, Any] = {"template": template, "by": ADA, "on_error": "skip"}
        job = attempt(flow.jobs.create, "street", "rows", data=io.BytesIO(data), **more)
        read = None if job is None else attempt(predict)
        if read is not None:
            report = flow.jobs.prelabel(job, read, min_confidence=0.5, by=ADA)
            assert len(list(_with_results(flow, job))) == report.accepted
        _is_sound(flow)


def _template(data: bytes) -> Template:
    """Return the template that the first row of *data* implies, or one that asks for little."""
    content = as_json(data.partition(b"\n")[0])
    has_results = isinstance(content, dict) and attempt(itag.blocks, content)
    return (attempt(itag.template_of, content) if has_results else None) or LOOSE


def _is_sound(flow: Flow) -> None:
    assert [str(difference) for difference in maintenance.verify(flow)] == []
