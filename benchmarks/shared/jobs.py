"""The jobs that the benchmarks create, and the work that they do in them."""

from collections.abc import Iterator
from typing import Any

from itagflow import Accept, Choice, FixedSize, Flow, Job, Label, Stage, Workflow, templates


def rows(number: int) -> Iterator[dict[str, Any]]:
    """Yield rows of data."""
    return ({"data": {"source": f"oss://bucket/images/{n:012}.jpg"}} for n in range(number))


def create_job(flow: Flow, name: str, tasks: int, size: int) -> Job:
    """Make a job of so many tasks."""
    return flow.jobs.create(
        "bench",
        name,
        template=templates.image_classification(["cat", "dog"]),
        data=rows(tasks),
        # without leases, as the hand-written code: a save of an answer stores the answer alone
        workflow=Workflow(Label(lease=None), Accept(lease=None, allow_own_work=True)),
        packaging=FixedSize(size),
        by="ada",
    )


def ada(flow: Flow) -> int:
    """Return the key of the only member."""
    return next(flow.members.list("bench")).id


def claims(flow: Flow, job: Job | int, times: int) -> list[Any]:
    """Claim so many assignments."""
    return [flow.claim("ada", job, Stage.LABEL) for _ in range(times)]


def finish(flow: Flow, assignment: Any) -> None:
    """Label all that an assignment has, and hand it in."""
    flow.save_many(assignment, [(work, Choice("cat")) for work in flow.tasks(assignment)])
    flow.submit(assignment)
