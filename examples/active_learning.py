"""Label first what a model is least sure of: train, score, prioritize, label, again and again.

Run it: ``python examples/active_learning.py``.  It labels the same points once in this order and
once as they come, and prints how well the model does after each round.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping

import attrs

import itagflow
from itagflow import Choice, FixedSize, Flow, Job, Role, Stage, Task, TaskState, templates

TRUTH = 0.62
"""Points to the right of this are "right"; the model has to find out where it is."""


@attrs.frozen
class Threshold:
    """A model of one number: what is to the right of `at` is "right"."""

    at: float

    def probability(self, x: float) -> float:
        """Return how sure it is that a point is "right", from 0 to 1."""
        return min(1.0, max(0.0, 0.5 + (x - self.at)))


def train(labeled: Mapping[float, str]) -> Threshold:
    """Return the model that lies in the middle between what is left and what is right."""
    left = max((x for x, label in labeled.items() if label == "left"), default=0.0)
    right = min((x for x, label in labeled.items() if label == "right"), default=1.0)
    return Threshold((left + right) / 2)


def uncertainty(model: Threshold, task: Task) -> float:
    """Return how little the model knows about a task: 1 for a coin toss, 0 for certainty."""
    return 1 - abs(model.probability(task.data["x"]) - 0.5) * 2


def read_labels(flow: Flow, job: Job) -> dict[float, str]:
    """Return the labels of what is final, by point."""
    labels: dict[float, str] = {}
    for result in flow.results.list(job):
        reply = result.replies["1"] if result.state is TaskState.FINAL else None
        if isinstance(reply, Choice):
            labels[result.task.data["x"]] = reply.key
    return labels


def read_unlabeled(flow: Flow, job: Job) -> Iterator[Task]:
    """Yield the tasks that nobody has answered."""
    return (result.task for result in flow.results.list(job) if result.state is TaskState.TODO)


def label(flow: Flow, job: Job, count: int) -> None:
    """Answer the next tasks, as a person would who knows the truth."""
    for assignment in flow.claim_many("ben", job, Stage.LABEL, count):
        for item in flow.tasks(assignment):
            answer = "right" if item.data["x"] > TRUTH else "left"
            flow.save(assignment, item, Choice(answer))
        flow.submit(assignment)


def order(flow: Flow, name: str, points: list[float]) -> Job:
    """Order a job with a package for each point."""
    return flow.jobs.create(
        "lab",
        name,
        template=templates.text_classification(["left", "right"]),
        data=[{"source": f"{x:.3f}", "x": x} for x in points],
        packaging=FixedSize(1),
        workforce={Stage.LABEL: ["ben"]},
        by="ada",
    )


def run(flow: Flow, job: Job, *, rounds: int, batch: int, learns: bool) -> list[float]:
    """Label in rounds, and return how far off the model is after each."""
    errors: list[float] = []
    for _ in range(rounds):
        if learns:
            model = train(read_labels(flow, job))
            scores = {task: uncertainty(model, task) for task in read_unlabeled(flow, job)}
            flow.packages.prioritize(job, scores, by="ada")
        label(flow, job, batch)
        errors.append(abs(train(read_labels(flow, job)).at - TRUTH))
    return errors


def main() -> None:
    """Print the errors of both orders."""
    source = random.Random(7)
    points = [source.random() for _ in range(300)]
    with itagflow.open("memory:") as flow:
        flow.workspaces.create("lab", admin="ada")
        flow.members.add("lab", "ben", Role.OPERATOR, by="ada")
        for name, learns in (("as-they-come", False), ("least-sure-first", True)):
            errors = run(flow, order(flow, name, points), rounds=6, batch=4, learns=learns)
            print(f"{name}: " + " ".join(f"{error:.4f}" for error in errors))


if __name__ == "__main__":
    main()
