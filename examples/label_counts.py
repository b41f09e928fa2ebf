"""Counts what people answered, with processes that each read a part of the job.

Run it: ``python examples/label_counts.py``.
"""

from __future__ import annotations

import sys
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import itagflow
from itagflow import (
    Choice,
    Flow,
    Job,
    JobPartition,
    Stage,
    templates,
)


def count(path: Path, part: JobPartition) -> Counter[str]:
    """Count the answers in one part; this runs in a process of its own, with a Flow of its own."""
    with itagflow.open(path) as flow:
        replies = [result.replies["1"] for result in flow.results.list(part) if result.replies]
        return Counter(reply.key for reply in replies if isinstance(reply, Choice))


def labeled_job(flow: Flow) -> Job:
    """Make a job of 200 tasks, of which ada labels the first 150."""
    street = flow.workspaces.create("street", admin="ada")
    data = [{"data": {"source": f"{number}.jpg"}} for number in range(200)]
    job = flow.jobs.create(
        street, "cats", template=templates.image_classification(["cat", "dog"]), data=data, by="ada"
    )
    for _ in range(3):
        assignment = flow.claim("ada", job, Stage.LABEL)
        works = list(flow.tasks(assignment))
        flow.save_many(
            assignment, [(work, Choice("dog" if work.task.number % 5 else "cat")) for work in works]
        )
        flow.submit(assignment)
    return job


def main(folder: Path) -> None:
    """Label in this process, count in two others."""
    path = folder / "labels.db"
    with (
        itagflow.open(path) as flow,
        ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool,
    ):
        job = labeled_job(flow)
        counts = pool.map(partial(count, path), flow.results.partition(job, 4))
        print(dict(sum(counts, Counter[str]())))


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "."))
