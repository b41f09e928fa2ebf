"""Count the labels of a job with several processes; each reads one partition.

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
from itagflow import Choice, Flow, Job, Stage, templates
from itagflow.model import JobPartition


def count(path: Path, partition: JobPartition) -> Counter[str]:
    """Count the labels of one partition; a worker process opens a Flow of its own."""
    with itagflow.open(path) as flow:
        results = flow.results.list(partition)
        replies = [result.replies["1"] for result in results if result.replies]
        return Counter(reply.key for reply in replies if isinstance(reply, Choice))


def labeled_job(flow: Flow) -> Job:
    """Create a job of 200 tasks, of which ada labels the first 150."""
    street = flow.workspaces.create("street", admin="ada")
    data = [{"data": {"source": f"{number}.jpg"}} for number in range(200)]
    job = flow.jobs.create(
        street, "cats", template=templates.image_classification(["cat", "dog"]), data=data, by="ada"
    )
    for _ in range(3):
        assignment = flow.claim("ada", job, Stage.LABEL)
        answers = {
            item.task.number: Choice("dog" if item.task.number % 5 else "cat")
            for item in flow.tasks(assignment)
        }
        flow.save_many(assignment, answers)
        flow.submit(assignment)
    return job


def main(folder: Path) -> None:
    """Label in this process and count in two others."""
    path = folder / "labels.db"
    with (
        itagflow.open(path) as flow,
        ProcessPoolExecutor(2, mp_context=get_context("spawn")) as executor,
    ):
        job = labeled_job(flow)
        counts = executor.map(partial(count, path), flow.results.partition(job, 4))
        print(dict(sum(counts, Counter[str]())))


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "."))
