"""Texts that not every database keeps are refused by every store alike, before anything is stored."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from support.refusals import everything, is_refused
from support.scenes import cats, street, taken

from itagflow import (
    Choice,
    Flow,
    Group,
    GroupByField,
    Inspect,
    InvalidData,
    Job,
    Label,
    NotFound,
    PreLabel,
    Role,
    Stage,
    Template,
    Workflow,
    maintenance,
    templates,
)
from itagflow.templates import View, ViewKind

L, I = Stage.LABEL, Stage.INSPECT
ASKED = templates.image_classification(["cat", "dog"])
BAD = pytest.mark.parametrize("bad", ["a\0", "a\ud800"], ids=["NUL", "half a pair"])


def reviewed(flow: Flow) -> tuple[Job, Any, Any]:
    """A job with an assignment that labels package 2, and one that inspects package 1."""
    job = cats(flow, workflow=Workflow(Label(limit=5), Inspect()))
    first = taken(flow, "ben", job)
    flow.save_many(first, {1: Choice("cat"), 2: Choice("cat")})
    flow.submit(first)
    return job, taken(flow, "cy", job), taken(flow, "di", job, I)


WRITTEN: dict[str, Callable[[Flow, Job, Any, Any, str], object]] = {
    "workspace": lambda flow, job, label, inspect, bad: flow.workspaces.create(bad, admin="x"),
    "admin": lambda flow, job, label, inspect, bad: flow.workspaces.create("x", admin=bad),
    "account": lambda flow, job, label, inspect, bad: flow.members.add(
        "street", bad, Role.OPERATOR, by="ada"
    ),
    "groups": lambda flow, job, label, inspect, bad: flow.members.add(
        "street", "x", Role.OPERATOR, groups=["b", bad], by="ada"
    ),
    "groups that change": lambda flow, job, label, inspect, bad: flow.members.set_role(
        "street", "ben", Role.OPERATOR, groups=[bad], by="ada"
    ),
    "template": lambda flow, job, label, inspect, bad: flow.templates.add(
        "street", ASKED, name=bad, by="ada"
    ),
    "tags": lambda flow, job, label, inspect, bad: flow.jobs.update(job, tags=["b", bad], by="ada"),
    "remark": lambda flow, job, label, inspect, bad: flow.jobs.update(job, remark=bad, by="ada"),
    "guideline": lambda flow, job, label, inspect, bad: flow.jobs.update(
        job, guideline=bad, by="ada"
    ),
    "tags of a new job": lambda flow, job, label, inspect, bad: flow.jobs.create(
        "street", "x", template=ASKED, tags=[bad], by="ada", draft=True
    ),
    "row key": lambda flow, job, label, inspect, bad: flow.jobs.create(
        "street", "x", template=ASKED, row_key=bad, by="ada", draft=True
    ),
    "field of packages": lambda flow, job, label, inspect, bad: flow.jobs.create(
        "street", "x", template=ASKED, packaging=GroupByField(bad), by="ada", draft=True
    ),
    "group that works": lambda flow, job, label, inspect, bad: flow.jobs.set_workforce(
        job, {L: [Group(bad)]}, by="ada"
    ),
    "fields shown": lambda flow, job, label, inspect, bad: flow.jobs.create(
        "street",
        "x",
        template=Template(questions=ASKED.questions, views=(View(ViewKind.IMAGE, bad),)),
        by="ada",
        draft=True,
    ),
    "reasons to abandon": lambda flow, job, label, inspect, bad: flow.jobs.create(
        "street",
        "x",
        template=Template(questions=ASKED.questions, abandon_reasons=("b", bad)),
        by="ada",
        draft=True,
    ),
    "token": lambda flow, job, label, inspect, bad: flow.claim("ben", job, L, token=bad),
    "release": lambda flow, job, label, inspect, bad: flow.release(label, comment=bad),
    "reassign": lambda flow, job, label, inspect, bad: flow.assignments.reassign(
        label, "ben", by="ada", comment=bad
    ),
    "abandon": lambda flow, job, label, inspect, bad: flow.abandon(label, 3, bad),
    "judge": lambda flow, job, label, inspect, bad: flow.judge(inspect, 1, wrong=bad),
    "reject": lambda flow, job, label, inspect, bad: flow.reject(inspect, comment=bad),
    "reject of tasks": lambda flow, job, label, inspect, bad: flow.reject(
        inspect, tasks=[1], comment=bad
    ),
    "discard": lambda flow, job, label, inspect, bad: flow.packages.discard(
        (job.id, 2), by="ada", comment=bad
    ),
    "erase": lambda flow, job, label, inspect, bad: maintenance.erase_task(
        flow, (job.id, 1), by="ada", comment=bad
    ),
}


@BAD
@pytest.mark.parametrize("act", WRITTEN.values(), ids=WRITTEN)
def test_what_people_write(
    flow: Flow, act: Callable[[Flow, Job, Any, Any, str], object], bad: str
) -> None:
    job, label, inspect = reviewed(flow)
    is_refused(flow, InvalidData, "cont|can be stored", lambda: act(flow, job, label, inspect, bad))


@BAD
def test_the_reason_to_open_a_package_again(flow: Flow, bad: str) -> None:
    job = cats(flow)
    flow.packages.discard((job.id, 1), by="ada")
    is_refused(
        flow,
        InvalidData,
        "contains",
        lambda: flow.packages.reopen((job.id, 1), by="ada", comment=bad),
    )


@BAD
def test_the_reason_for_many_packages(flow: Flow, bad: str) -> None:
    _, label, inspect = reviewed(flow)
    is_refused(flow, InvalidData, "contains", lambda: flow.release_many([label], comment=bad))
    is_refused(flow, InvalidData, "contains", lambda: flow.reject_many([inspect], comment=bad))


@BAD
def test_the_name_of_a_model(flow: Flow, bad: str) -> None:
    job = cats(flow)
    before = everything(flow)
    report = flow.jobs.prelabel(
        job, lambda tasks: [PreLabel(Choice("cat"), model=bad)] * len(tasks), by="ada"
    )
    assert (report.suggested, len(report.problems)) == (0, 4)
    for name in ("model", "model_version"):
        with pytest.raises(InvalidData, match=name):
            flow.jobs.prelabel(
                job, lambda tasks: [Choice("cat")] * len(tasks), by="ada", **{name: bad}
            )
    assert everything(flow) == before
    is_refused(
        flow,
        InvalidData,
        "contains",
        lambda: flow.jobs.prelabel(
            job, lambda tasks: [Choice("cat")] * len(tasks), model=bad, by="ada"
        ),
    )


SOUGHT: dict[str, Callable[[Flow, Job, str], object]] = {
    "workspace": lambda flow, job, bad: list(flow.jobs.list(bad)),
    "job": lambda flow, job, bad: flow.jobs.get(bad),
    "member": lambda flow, job, bad: flow.claim(bad, job, L),
    "member anywhere": lambda flow, job, bad: (
        list(flow.assignments.list(bad)) or flow.jobs.get(bad)
    ),
    "template": lambda flow, job, bad: flow.jobs.create(
        "street", "x", template=bad, by="ada", draft=True
    ),
    "by": lambda flow, job, bad: flow.jobs.pause(job, by=bad),
}


@BAD
@pytest.mark.parametrize("act", SOUGHT.values(), ids=SOUGHT)
def test_what_nothing_can_be_called_is_not_found(
    flow: Flow, act: Callable[[Flow, Job, str], object], bad: str
) -> None:
    job = cats(flow)
    is_refused(flow, NotFound, "no ", lambda: act(flow, job, bad))


LONG = 2_600
"""A page of PostgreSQL takes no longer text into an index."""


def noise(length: int) -> str:
    """A text that does not get shorter when it is compressed."""
    return "".join(
        chr(0x4E00 + number * number * 7919 % 20_000) for number in range(length // 3 + 1)
    )


@pytest.mark.parametrize("more", [{"row_key": "id"}, {"packaging": GroupByField("id")}])
def test_what_names_a_row_or_a_package_fits_an_index(flow: Flow, more: dict[str, Any]) -> None:
    home = street(flow, "ben")
    good, bad = ({"data": {"source": "1.jpg", "id": noise(length)}} for length in (2_400, LONG))
    job = flow.jobs.create(home, "good", template=ASKED, data=[good], by="ada", **more)
    words = (
        r"row 2, data.id: (tells rows apart|names a package), and is 26.. bytes long; at most 2500"
    )
    is_refused(flow, InvalidData, words, lambda: flow.jobs.append(job, [good, bad], by="ada"))
    with pytest.raises(InvalidData, match=words):
        flow.jobs.create(home, "bad", template=ASKED, data=[good, bad], by="ada", **more)
    assert [job.name for job in flow.jobs.list(home)] == ["good"]


def test_a_token_fits_an_index(flow: Flow) -> None:
    job = cats(flow)
    is_refused(
        flow,
        InvalidData,
        "token: is 2601 bytes long; at most 2500 fit an index",
        lambda: flow.claim("ben", job, L, token=noise(LONG)),
    )
    assignment = flow.claim("ben", job, L, token=noise(2_400))
    assert assignment == flow.claim("ben", job, L, token=noise(2_400))
