"""A job that closes to new work while another process still knows it as open."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from support.scenes import Clock, cats, taken

import itagflow
from itagflow import Inspect, Label, Workflow


@pytest.mark.parametrize("limit", [None, 1])
def test_the_first_claim_that_learns_of_it_takes_what_has_lapsed(
    tmp_path: Path, limit: int | None
) -> None:
    clock = Clock()
    url = f"sqlite:///{tmp_path}/labels.db"
    with itagflow.open(url, clock=clock) as here, itagflow.open(url, clock=clock) as there:
        label = Label(lease=timedelta(minutes=10), limit=limit)
        job = cats(here, workflow=Workflow(label, Inspect()), size=1)
        held = taken(here, "ben", job)
        clock.forward(minutes=11)
        there.jobs.update(job, closes_at=clock(), by="ada")
        # By what it knows it finds and locks one of the packages that wait, and learns that these
        # are not given out any more.  The counter of Ben cannot be locked behind the job.
        found = here.claim("cy", job, "label")
        assert found is not None
        assert found.package == held.package
