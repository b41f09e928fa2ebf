"""How many bytes of disk a task takes: loaded, labeled, and with three votes and a review.

``python -m benchmarks.disk --tasks 20000``; sizes do not depend on how busy the machine is.
"""

from __future__ import annotations

import argparse
import sqlite3
import tempfile
from collections.abc import Iterator
from pathlib import Path

import itagflow
from itagflow import Choice, FixedSize, Flow, Inspect, Label, Workflow, templates

PACKAGE = 50
VOTERS = ("ben", "cy", "di")


def make_rows(count: int) -> Iterator[dict[str, str]]:
    """Yield rows with the address of an image."""
    for number in range(count):
        yield {"source": f"https://files.example/images/{number:08}.jpg"}


def label_all(flow: Flow, name: str, member: str) -> None:
    """Answer everything that there is for a member at LABEL."""
    while assignment := flow.claim(member, name, "label"):
        flow.save_many(assignment, {item: Choice("cat") for item in flow.tasks(assignment)})
        flow.submit(assignment)


def measure(path: Path, tasks: int, votes: int) -> list[tuple[str, float]]:
    """Return the bytes of a task after each step, and the name of the step."""
    sizes: list[tuple[str, float]] = []
    with itagflow.open(path) as flow:
        pets = flow.workspaces.create("pets", admin="ada")
        for name in VOTERS:
            flow.members.add(pets, name, "operator", by="ada")
        job = flow.jobs.create(
            pets,
            "cats",
            template=templates.image_classification(["cat", "dog"]),
            data=make_rows(tasks),
            workflow=Workflow(Label(votes=votes), Inspect(task_share=0.1)),
            packaging=FixedSize(PACKAGE),
            workforce={"label": VOTERS, "inspect": ["ada"]},
            by="ada",
        )
        sizes.append(("loaded", weigh(path) / tasks))
        for name in VOTERS[:votes]:
            label_all(flow, job.name, name)
        sizes.append((f"labeled by {votes}", weigh(path) / tasks))
        while review := flow.claim("ada", job, "inspect"):
            flow.review(review)
        sizes.append(("and reviewed", weigh(path) / tasks))
    return sizes


def weigh(path: Path) -> int:
    """Return the size of the database, with what is not yet moved into its file."""
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return path.stat().st_size


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tasks", type=int, default=20_000)
    tasks = parser.parse_args().tasks
    print("| votes | a task that is | bytes |\n|---|---|---|")
    for votes in (1, 3):
        with tempfile.TemporaryDirectory() as folder:
            for step, size in measure(Path(folder) / "labels.db", tasks, votes):
                print(f"| {votes} | {step} | {size:,.0f} |")


if __name__ == "__main__":
    main()
