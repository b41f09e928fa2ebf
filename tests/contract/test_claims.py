"""A claim decides on what is stored now, whoever changed it."""

from __future__ import annotations

import itertools
from typing import Any

import attrs
import pytest
from support.scenes import cats, taken

import itagflow
from itagflow import (
    Flow,
    Job,
    Label,
    NotAllowed,
    Role,
    Stage,
    Workflow,
    templates,
)
from itagflow.core.lookup import MAX_ENTRIES, EntityCache
from itagflow.storage import MemoryStore
from itagflow.testing.builders import make_job


@pytest.fixture
def elsewhere(flow: Flow) -> Flow:
    """Another program on the same store."""
    return Flow(flow.store, clock=lambda: flow._engine.now())


@pytest.fixture
def job(flow: Flow) -> Job:
    """A job of which ben has an assignment."""
    job = cats(flow, tasks=8, size=1)
    taken(flow, "ben", job)
    return job


class TestWhatHasChangedMeanwhile:
    def test_nothing_is_given_to_who_was_removed_elsewhere(
        self, flow: Flow, elsewhere: Flow, job: Job
    ) -> None:
        elsewhere.members.remove("street", "ben", by="ada")
        with pytest.raises(NotAllowed, match="was removed"):
            flow.claim("ben", job, Stage.LABEL)
        elsewhere.members.add("street", "ben", Role.OPERATOR, by="ada")
        assert flow.claim("ben", job, Stage.LABEL)

    def test_a_job_that_was_paused_elsewhere_gives_nothing_out(
        self, flow: Flow, elsewhere: Flow, job: Job
    ) -> None:
        elsewhere.jobs.pause(job, by="ada")
        assert flow.claim("ben", job, Stage.LABEL) is None
        elsewhere.jobs.resume(job, by="ada")
        assert flow.claim("ben", job, Stage.LABEL)

    def test_who_was_added_to_the_workforce_elsewhere_is_given_work(
        self, flow: Flow, elsewhere: Flow, job: Job
    ) -> None:
        elsewhere.members.add("street", "di", Role.OPERATOR, by="ada")
        with pytest.raises(NotAllowed):
            flow.claim("di", job, Stage.LABEL)
        elsewhere.jobs.set_workforce(job, {Stage.LABEL: ["ben", "di"]}, by="ada")
        assert flow.claim("di", job, Stage.LABEL)

    def test_a_limit_holds(self, flow: Flow) -> None:
        job = cats(flow, tasks=4, size=1, workflow=Workflow(Label(limit=1)))
        assert flow.claim("ben", job, Stage.LABEL)
        assert flow.claim("ben", job, Stage.LABEL) is None

    def test_a_job_that_is_gone_is_not_found(self, flow: Flow, elsewhere: Flow) -> None:
        job = cats(flow, tasks=2, size=1)
        draft = flow.jobs.create(
            "street",
            "later",
            template=job.template,
            data=[{"data": {"source": "1.jpg"}}],
            workforce={Stage.LABEL: ["ben"]},
            by="ada",
            draft=True,
        )
        assert flow.claim("ben", draft, Stage.LABEL) is None
        elsewhere.jobs.delete(draft, by="ada")
        with pytest.raises(itagflow.NotFound):
            flow.claim("ben", draft, Stage.LABEL)


def test_an_id_that_is_taken_is_drawn_again() -> None:
    store = MemoryStore()
    with Flow(store, ids=itertools.count(100).__next__) as flow:
        job = cats(flow, tasks=4, size=1)
        first = flow.claim("ben", job, Stage.LABEL)
        assert first
        other = Flow(store, ids=iter([first.id, first.id, 900]).__next__)
        second = other.claim("cy", job, Stage.LABEL)
        assert second
        assert (second.id, second.package) == (900, 2)


def test_templates_are_kept_in_a_bounded_number() -> None:
    asked = templates.image_classification(["cat"])
    cache, job = EntityCache(), make_job()

    class Reader:
        reads = 0

        def get(self, kind: object, key: object) -> object:
            self.reads += 1
            return asked

    reader: Any = Reader()
    for number in range(MAX_ENTRIES + 10):
        jobs = [attrs.evolve(job, id=number)] * 2
        assert [cache.template(reader, each) for each in jobs] == [asked, asked]
    assert reader.reads == MAX_ENTRIES + 10
    assert len(cache._templates) == 10
