"""Verify a job with several processes; each checks one partition.

Run it: ``python examples/verify_partitions.py``.
"""

from __future__ import annotations

import sys
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import itagflow
from itagflow import maintenance, templates
from itagflow.maintenance import Inconsistency
from itagflow.model import JobPartition


def verify(path: Path, partition: JobPartition) -> list[Inconsistency]:
    """Return what is inconsistent in one partition; a worker process opens a Flow of its own."""
    with itagflow.open(path) as flow:
        return list(maintenance.verify(flow, partition))


def main(folder: Path) -> None:
    """Create a job of 1,000 tasks and verify it in two other processes."""
    path = folder / "labels.db"
    data = [{"data": {"source": f"{number}.jpg"}} for number in range(1_000)]
    template = templates.image_classification(["cat", "dog"])
    with (
        itagflow.open(path) as flow,
        ProcessPoolExecutor(2, mp_context=get_context("spawn")) as executor,
    ):
        street = flow.workspaces.create("street", admin="ada")
        job = flow.jobs.create(street, "cats", template=template, data=data, by="ada")
        partitions = flow.results.partition(job, 4)
        found = executor.map(partial(verify, path), partitions)
        for partition, inconsistencies in zip(partitions, found, strict=True):
            tasks = f"tasks {partition.first} to {partition.last}"
            print(f"{tasks}: {len(inconsistencies)} inconsistencies")


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "."))
