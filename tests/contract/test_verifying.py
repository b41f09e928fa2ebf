"""A sound store has no differences; whatever is not as it should be is found, and named."""

from __future__ import annotations

import itertools
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import psycopg
import pytest
from support.corruptions import (
    CORRUPTIONS,
    a_busy_job,
    a_job_with_votes,
    a_prelabeled_job,
    altered,
    at,
    found,
    removed,
)
from support.scenes import Clock, cats, labeled, peak, rows, street, taken

import itagflow
from itagflow import (
    Choice,
    FixedSize,
    Flow,
    GroupByField,
    Inspect,
    Job,
    Label,
    NotFound,
    Package,
    PackageCount,
    Stage,
    Task,
    Workflow,
    maintenance,
    templates,
)
from itagflow.maintenance import Inconsistency
from itagflow.model.workspace import Workspace
from itagflow.templates import RenameOption


@pytest.fixture(params=["memory:", "labels.db"])
def flow(request: pytest.FixtureRequest, tmp_path: Path, clock: Clock) -> Iterator[Flow]:
    """A store whose keys are 1, 2, 3 …"""
    url = request.param if request.param == "memory:" else tmp_path / request.param
    with itagflow.open(url, clock=clock, ids=itertools.count(1).__next__) as opened:
        yield opened


@pytest.mark.parametrize("scene", [a_busy_job, a_job_with_votes, a_prelabeled_job])
def test_what_is_sound_has_no_differences(flow: Flow, scene: Callable[[Flow], Job]) -> None:
    job = scene(flow)
    for place in (None, job, job.id, "cats", "street", job.workspace):
        assert found(flow, place) == []
    assert list(maintenance.verify(flow, snapshot=True)) == []


@pytest.mark.parametrize(("scene", "corrupt", "lines"), CORRUPTIONS)
def test_what_is_not_as_it_should_be_is_named(
    flow: Flow, scene: Callable[[Flow], Job], corrupt: Callable[[Flow], None], lines: list[str]
) -> None:
    scene(flow)
    corrupt(flow)
    assert found(flow) == lines
    assert [str(difference) for difference in maintenance.verify(flow, snapshot=True)] == lines


@pytest.mark.parametrize(("scene", "corrupt", "lines"), CORRUPTIONS)
def test_it_does_not_matter_how_many_packages_are_looked_at_together(
    flow: Flow,
    monkeypatch: pytest.MonkeyPatch,
    scene: Callable[[Flow], Job],
    corrupt: Callable[[Flow], None],
    lines: list[str],
) -> None:
    scene(flow)
    corrupt(flow)
    monkeypatch.setattr("itagflow.maintenance.verification.BLOCK", 1)
    assert sorted(found(flow)) == sorted(lines)


def test_an_empty_store_is_sound(flow: Flow) -> None:
    assert found(flow) == []


@pytest.mark.parametrize("packaging", [FixedSize(3), PackageCount(4), GroupByField("source")])
def test_every_packaging_is_sound_also_when_rows_are_appended(
    flow: Flow, packaging: PackageCount
) -> None:
    job = cats(flow, tasks=10, packaging=packaging)
    flow.jobs.append(job, rows(5), by="ada")
    while flow.claim("ben", job, Stage.LABEL):
        assignment = next(flow.assignments.list("ben"))
        flow.save_many(assignment, [(work, Choice("cat")) for work in flow.tasks(assignment)])
        flow.submit(assignment)
    flow.packages.reopen((job.id, 2), by="ada")
    assert found(flow) == []


def test_what_has_ended_is_sound(flow: Flow) -> None:
    job = a_busy_job(flow)
    flow.jobs.archive(job, by="ada")
    assert found(flow) == []
    flow.jobs.delete(job, by="ada")
    assert found(flow) == []


def test_only_the_place_that_is_named_is_looked_at(flow: Flow) -> None:
    job = a_busy_job(flow)
    other = flow.workspaces.create("river", admin="eve")
    calm = flow.jobs.create(
        "street", "calm", template=templates.image_classification(["cat"]), data=rows(2), by="ada"
    )
    altered(flow, at(flow, Package, job.id, 2), wrong=1)
    assert found(flow, other) == found(flow, calm) == found(flow, "calm") == []
    assert len(found(flow, job)) == len(found(flow, "street")) == len(found(flow)) == 1


@pytest.mark.parametrize(
    "place", ["nowhere", 12345, Workspace(id=12345, name="x", created_at=Clock().now)]
)
def test_a_place_that_is_not_there_is_refused(flow: Flow, place: int | str | Workspace) -> None:
    with pytest.raises(NotFound):
        maintenance.verify(flow, place)


def test_a_difference_says_what_and_where() -> None:
    difference = Inconsistency("answer", (4, 5, 1), "replies", None, tuple(range(12)))
    assert difference.place == "the answer of assignment 5 to task 1 of job 4"
    assert (
        difference.finding
        == "replies is nothing, and should be 0, 1, 2, 3, 4, 5, 6, 7, 8, 9 and 2 more"
    )
    assert str(Inconsistency("workspace", (1,), "closed", Stage.LABEL, True)) == (
        "workspace 1: closed is label, and should be yes"
    )


def test_no_transaction_is_open_while_the_differences_are_looked_at(flow: Flow) -> None:
    job = a_busy_job(flow)
    for number in (1, 2):
        altered(flow, at(flow, Package, job.id, number), corrected=7)
    for difference in maintenance.verify(flow, job):
        altered(flow, at(flow, Package, *difference.key), corrected=0)
    assert found(flow) == []


def test_people_may_go_on_meanwhile(tmp_path: Path) -> None:
    with itagflow.open(f"sqlite:///{tmp_path}/labels.db?synchronous=normal") as flow:
        job = cats(flow, tasks=400, workflow=Workflow(Label(limit=1), Inspect()))
        stop = threading.Event()

        def work() -> None:
            while not stop.is_set() and flow.claim("ben", job, Stage.LABEL):
                assignment = next(flow.assignments.list("ben"))
                flow.save_many(
                    assignment, [(work, Choice("cat")) for work in flow.tasks(assignment)]
                )
                flow.submit(assignment)
                if look := flow.claim("di", job, Stage.INSPECT):
                    flow.reject(
                        look, comment="again", whole=True
                    ) if assignment.round == 1 else flow.review(look)

        worker = threading.Thread(target=work)
        worker.start()
        for _ in range(5):
            assert found(flow) == []
        assert [str(difference) for difference in maintenance.verify(flow, snapshot=True)] == []
        stop.set()
        worker.join()
        assert found(flow) == []


def test_the_template_may_change_meanwhile(flow: Flow, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("itagflow.maintenance.verification.BLOCK", 1)
    job = a_busy_job(flow)
    altered(flow, at(flow, Package, job.id, 1), corrected=7)
    looking = maintenance.verify(flow, job)
    assert next(looking).key == (job.id, 1)
    flow.jobs.change_template(job, [RenameOption("1", "cat", "kitten")], by="ada")
    labeled(flow, "cy", job, "kitten")
    assert list(looking) == []


def a_large_job(path: Path, tasks: int) -> None:
    with itagflow.open(f"sqlite:///{path}?synchronous=normal") as flow:
        home = street(flow, "ben")
        job = flow.jobs.create(
            home,
            "large",
            template=templates.image_classification(["cat"]),
            data=rows(tasks),
            packaging=FixedSize(100),
            workforce={Stage.LABEL: ["ben"]},
            by="ada",
        )
        for _ in range(tasks // 400):
            labeled_at_once(flow, job)


def labeled_at_once(flow: Flow, job: Job) -> None:
    assignment = taken(flow, "ben", job)
    flow.save_many(assignment, [(work, Choice("cat")) for work in flow.tasks(assignment)])
    flow.submit(assignment)


def test_memory_does_not_grow_with_the_job(tmp_path: Path) -> None:
    peaks = dict[int, int]()
    for tasks in (5_000, 20_000):
        a_large_job(path := tmp_path / f"{tasks}.db", tasks)
        with itagflow.open(path) as flow:
            peaks[tasks] = peak(lambda flow=flow: found(flow))
            removed(flow, at(flow, Task, next(flow.jobs.list("street")).id, tasks - 1))
            assert len(found(flow)) == 2
    # a row alone takes more; the history of loading names the packages that it made
    assert peaks[20_000] - peaks[5_000] < 15_000 * 50


@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
def test_a_kept_sum_that_is_wrong_is_found(
    kind: str, request: pytest.FixtureRequest, tmp_path: Path, clock: Clock
) -> None:
    """The two databases keep the sums that progress reads; they are counted again."""
    url = (
        request.getfixturevalue("postgres_url")
        if kind == "postgres"
        else f"sqlite:///{tmp_path}/labels.db"
    )
    with itagflow.open(url, clock=clock) as flow:
        job = cats(flow, tasks=6)
        labeled(flow, "ben", job)
        assert list(maintenance.verify(flow, job)) == []
        spoil = "UPDATE {}package_sums SET size = size + 7 WHERE state = 'label'"
        if kind == "postgres":
            with psycopg.connect(url, autocommit=True) as connection:
                connection.execute(spoil.format("itagflow.").encode())
        else:
            with closing(
                sqlite3.connect(tmp_path / "labels.db", isolation_level=None)
            ) as connection:
                connection.execute(spoil.format(""))
        what = "the sum of size of packages that are label"
        assert list(maintenance.verify(flow, job)) == [Inconsistency("job", job.key, what, 11, 4)]
