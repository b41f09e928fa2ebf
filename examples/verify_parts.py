"""Verifies a job with processes that each look at a part of it.

Run it: ``python examples/verify_parts.py``.
"""

from __future__ import annotations

import sys
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import itagflow
from itagflow import Inconsistency, JobPartition, maintenance, templates


def verify(path: Path, part: JobPartition) -> list[Inconsistency]:
    """Return what is not sound in one part; this runs in a process of its own, with a Flow of its own."""
    with itagflow.open(path) as flow:
        return list(maintenance.verify(flow, part))


def main(folder: Path) -> None:
    """Make a job of 1,000 tasks, and verify it in two other processes."""
    path = folder / "labels.db"
    data = [{"data": {"source": f"{number}.jpg"}} for number in range(1_000)]
    template = templates.image_classification(["cat", "dog"])
    with (
        itagflow.open(path) as flow,
        ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool,
    ):
        street = flow.workspaces.create("street", admin="ada")
        job = flow.jobs.create(street, "cats", template=template, data=data, by="ada")
        parts = flow.results.partition(job, 4)
        for part, found in zip(parts, pool.map(partial(verify, path), parts), strict=True):
            print(f"{part}: {len(found)} differences")


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "."))
