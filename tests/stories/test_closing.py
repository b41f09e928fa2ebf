"""A job that closes to new work while another process still knows it as open."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from support.scenes import Clock, cats, taken

import itagflow
from itagflow import Inspect, Label, Workflow


def test_the_first_claim_that_learns_of_it_takes_what_has_lapsed(tmp_path: Path) -> None:
    clock = Clock()
    url = f"sqlite:///{tmp_path}/labels.db"
    with itagflow.open(url, clock=clock) as here, itagflow.open(url, clock=clock) as there:
        lease = Label(lease=timedelta(minutes=10))
        job = cats(here, workflow=Workflow(lease, Inspect()), size=1)
        held = taken(here, "ben", job)
        clock.forward(minutes=11)
        there.jobs.update(job, closes_at=clock(), by="ada")
        found = here.claim("cy", job, "label")
        assert found is not None
        assert found.package == held.package
