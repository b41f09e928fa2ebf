"""A copied workspace equals the original, and it is there whole or not at all."""

from __future__ import annotations

import itertools
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import attrs
import pytest
from support.corruptions import (
    a_busy_job,
    a_job_with_votes,
    a_prelabeled_job,
    all_of,
    altered,
    at,
    found,
    removed,
)
from support.scenes import Clock, cats, peak, rows, street, taken

import itagflow
from itagflow import (
    AlreadyExists,
    Event,
    Flow,
    InvalidData,
    Job,
    Member,
    Package,
    Stage,
    StoreFailed,
    Task,
    Workspace,
    maintenance,
    templates,
)
from itagflow.storage import FIELDS

OTHER = {"memory:": "labels.db", "labels.db": "memory:"}
LAST = 58
"""The place of the last entity of a busy job in a copy; workspaces and jobs come after it."""


@pytest.fixture(params=list(OTHER))
def flow(request: pytest.FixtureRequest, tmp_path: Path, clock: Clock) -> Iterator[Flow]:
    url = request.param if request.param == "memory:" else tmp_path / request.param
    with itagflow.open(url, clock=clock, ids=itertools.count(1).__next__) as opened:
        yield opened


@pytest.fixture
def other(
    request: pytest.FixtureRequest, tmp_path: Path, clock: Clock, flow: Flow
) -> Iterator[Flow]:
    """A store of the other kind."""
    with itagflow.open(
        tmp_path / "other.db" if flow.store.name == "memory" else "memory:", clock=clock
    ) as opened:
        yield opened


def everything(flow: Flow) -> dict[str, list[Any]]:
    """All that a store has; events without their position, in order."""
    kept: dict[str, list[Any]] = {kind.__name__: all_of(flow, kind) for kind in FIELDS}
    told: list[Event] = sorted(kept.pop("Event"), key=lambda event: event.position)
    ordered = {
        name: sorted(entities, key=lambda entity: str(entity.key))
        for name, entities in kept.items()
    }
    return {**ordered, "Event": [attrs.evolve(event, position=0) for event in told]}


def breaking(after: int, how: Callable[[], object]) -> Callable[[Iterable[Any]], Iterable[Any]]:
    """A progress bar that does something else before the entity with this number."""

    def watched(entities: Iterable[Any]) -> Iterator[Any]:
        for number, entity in enumerate(entities):
            if number == after:
                how()
            yield entity

    return watched


def power_cut() -> None:
    raise KeyboardInterrupt


@pytest.mark.parametrize("scene", [a_busy_job, a_job_with_votes, a_prelabeled_job])
def test_there_and_back_everything_is_as_it_was(
    flow: Flow, other: Flow, clock: Clock, scene: Callable[[Flow], Job]
) -> None:
    scene(flow)
    flow.workspaces.create("empty", admin="eve")
    there = maintenance.copy(flow, to=other)
    assert everything(other) == everything(flow)
    assert there == sum(map(len, everything(flow).values()))
    with itagflow.open("memory:", clock=clock) as home:
        assert maintenance.copy(other, to=home.store) == there
        assert everything(home) == everything(flow)
        assert found(home) == []


def test_an_empty_store_is_copied(flow: Flow, other: Flow) -> None:
    assert maintenance.copy(flow, to=other) == 0


def test_one_workspace_is_copied_beside_others(flow: Flow, other: Flow) -> None:
    other.workspaces.create("lake", admin="ada")
    job = a_busy_job(flow)
    river = flow.workspaces.create("river", admin="eve")
    flow.jobs.create(
        river, "fish", template=templates.image_classification(["cat"]), data=rows(3), by="eve"
    )
    flow.packages.prioritize(job, 3, by="ada")
    maintenance.copy(flow, to=other, workspace="street")
    assert [str(event) for event in other.events.list(job)] == [
        str(event) for event in flow.events.list(job)
    ]
    assert list(other.results.list(job)) == list(flow.results.list(job))
    assert sorted(home.name for home in all_of(other, Workspace)) == ["lake", "street"]
    assert len(all_of(other, Task)) == 10
    maintenance.copy(flow, to=other, workspace=river)
    assert [kept.name for kept in other.jobs.list("river")] == ["fish"]
    assert found(other) == []


def test_work_goes_on_in_the_copy(flow: Flow, other: Flow) -> None:
    job = a_busy_job(flow)
    maintenance.copy(flow, to=other)
    other.release(next(other.assignments.list("cy")))
    assert taken(other, "cy", job, Stage.LABEL).package == 3
    assert found(other) == []


class TestRefused:
    def test_what_is_there_already(self, flow: Flow, other: Flow) -> None:
        a_busy_job(flow)
        maintenance.copy(flow, to=other)
        before = everything(other)
        for again in (None, "street"):
            with pytest.raises(AlreadyExists, match="already a Workspace 'street'"):
                maintenance.copy(flow, to=other, workspace=again)
        with pytest.raises(AlreadyExists):
            maintenance.copy(flow, to=flow)
        assert everything(other) == before

    def test_another_workspace_of_the_name(self, flow: Flow, other: Flow) -> None:
        a_busy_job(flow)
        street(other, "ben")
        before = everything(other)
        with pytest.raises(AlreadyExists, match="already a Workspace 'street'"):
            maintenance.copy(flow, to=other)
        assert everything(other) == before

    @pytest.mark.parametrize("kind", [Job, Member])
    def test_another_entity_of_the_key(self, flow: Flow, tmp_path: Path, kind: type[Any]) -> None:
        a_busy_job(flow)
        with itagflow.open(
            "memory:", ids=itertools.count({Job: 4, Member: 2}[kind]).__next__
        ) as other:
            home = other.workspaces.create("lake", admin="eve")
            other.jobs.create(
                home,
                "boats",
                template=templates.image_classification(["cat"]),
                data=rows(2),
                by="eve",
            )
            before = everything(other)
            with pytest.raises(AlreadyExists, match="already a"):
                maintenance.copy(flow, to=other)
            assert everything(other) == before

    def test_a_copy_that_is_not_sound(self, flow: Flow, other: Flow) -> None:
        job = a_busy_job(flow)
        altered(flow, at(flow, Package, job.id, 2), wrong=3)
        with pytest.raises(InvalidData, match=r"package 2 of job 7: wrong is 3, and should be 0$"):
            maintenance.copy(flow, to=other)
        assert not any(everything(other).values())
        maintenance.copy(flow, to=other, verify=False)
        assert everything(other) == everything(flow)


class TestBrokenOff:
    @pytest.mark.parametrize("after", [0, 1, 20, LAST])
    def test_nothing_is_left(
        self, flow: Flow, other: Flow, after: int, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("itagflow.maintenance.copying.BLOCK", 7)
        a_busy_job(flow)
        with pytest.raises(KeyboardInterrupt):
            maintenance.copy(flow, to=other, progress=breaking(after, power_cut))
        assert not any(everything(other).values())
        maintenance.copy(flow, to=other)
        assert everything(other) == everything(flow)

    @pytest.mark.parametrize("after", [20, LAST])
    def test_of_a_process_that_ended_nobody_sees_anything_and_the_next_begins_anew(
        self, tmp_path: Path, after: int
    ) -> None:
        source, target = tmp_path / "labels.db", tmp_path / "other.db"
        with itagflow.open(source) as flow:
            job = a_busy_job(flow)
        ended = subprocess.run([sys.executable, "-c", ENDING, source, target, str(after)])
        assert ended.returncode == 9
        with itagflow.open(source) as flow, itagflow.open(target) as other:
            assert all_of(other, Event)
            assert not all_of(other, Workspace)
            assert not all_of(other, Job)
            assert all("what it has of" in line for line in found(other))
            assert found(other)
            flow.jobs.delete(flow.jobs.archive(job, by="ada"), by="ada")
            maintenance.copy(flow, to=other)
            assert everything(other) == everything(flow)
            assert found(other) == []

    def test_when_another_copy_is_faster_that_one_stays(
        self, flow: Flow, other: Flow, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        a_busy_job(flow)
        with pytest.raises(AlreadyExists, match="'street'"):
            maintenance.copy(
                flow, to=other, progress=breaking(0, lambda: maintenance.copy(flow, to=other))
            )
        assert everything(other) == everything(flow)

    def test_what_somebody_else_took_away_meanwhile_is_missed(
        self, flow: Flow, other: Flow, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("itagflow.maintenance.copying.BLOCK", 7)
        a_busy_job(flow)

        def meddle() -> None:
            removed(other, all_of(other, Event)[0])

        with pytest.raises(StoreFailed, match="what was copied of Event was changed"):
            maintenance.copy(flow, to=other, verify=False, progress=breaking(LAST, meddle))
        assert not any(everything(other).values())


ENDING = """
import os, sys
import itagflow
from itagflow import maintenance
maintenance.copying.BLOCK = 7
source, target, after = sys.argv[1:]
def ending(entities):
    for number, entity in enumerate(entities):
        if number == int(after):
            os._exit(9)
        yield entity
maintenance.copy(itagflow.open(source), to=itagflow.open(target), progress=ending)
"""


def test_memory_does_not_grow_with_what_is_copied(tmp_path: Path) -> None:
    peaks = dict[int, int]()
    for tasks in (5_000, 20_000):
        source, target = (
            f"sqlite:///{tmp_path}/{name}{tasks}.db?synchronous=normal" for name in ("a", "b")
        )
        with (
            itagflow.open(source) as flow,
            itagflow.open(target) as other,
            itagflow.open("memory:") as back,
        ):
            cats(flow, tasks=tasks, size=100)
            peaks[tasks] = peak(lambda flow=flow, other=other: maintenance.copy(flow, to=other))
            maintenance.copy(other, to=back)
            assert everything(back) == everything(flow)
    # a row alone takes more; the history of loading names the packages that it made
    assert peaks[20_000] - peaks[5_000] < 15_000 * 50
