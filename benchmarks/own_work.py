"""Prints what a claim costs a member who labeled most of what waits for inspection, beside one who labeled nothing."""

import statistics
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import itagflow
from benchmarks.shared.databases import postgres_database
from itagflow import (
    Assignment,
    AssignmentState,
    FixedSize,
    Flow,
    Inspect,
    Job,
    Label,
    Member,
    PackageState,
    Role,
    Stage,
    Workflow,
    templates,
)
from itagflow.model import Outcome
from itagflow.model.package import Package
from itagflow.testing.builders import changed

OWN, OTHERS = 100_000, 3_000
"""How many packages wait that the member labeled, and behind them how many that somebody else did."""
START = datetime(2026, 1, 1, tzinfo=UTC)
CLAIMS = 200


def build(flow: Flow) -> Job:
    """Order a job in which everything is labeled, a package each second: first by ben, then by di."""
    home = flow.workspaces.create("bench", admin="ada")
    ben, _, di = (
        flow.members.add(home, name, Role.OPERATOR, by="ada") for name in ("ben", "cy", "di")
    )
    job = flow.jobs.create(
        home,
        "own-work",
        template=templates.image_classification(["cat", "dog"]),
        data=({"data": {"source": f"{n}.jpg"}} for n in range(OWN + OTHERS)),
        workflow=Workflow(Label(), Inspect()),
        packaging=FixedSize(1),
        workforce={Stage.LABEL: ["ben", "di"], Stage.INSPECT: ["ben", "cy"]},
        by="ada",
    )
    for first in range(1, OWN + OTHERS + 1, 2_000):
        with flow.store.write() as writer:
            for number in range(first, min(first + 2_000, OWN + OTHERS + 1)):
                at, who = START + timedelta(seconds=number), ben if number <= OWN else di
                writer.add(assignment(job, number, who, at))
                held = writer.lock(Package, (job.id, number))
                writer.save(changed(held, state=PackageState.INSPECT, waiting_since=at))
    return job


def assignment(job: Job, number: int, member: Member, at: datetime) -> Assignment:
    """Return the assignment in which *member* labeled a package."""
    done = {
        "state": AssignmentState.DONE,
        "outcome": Outcome.SUBMITTED,
        "made_at": at,
        "ended_at": at,
    }
    where = {"job": job.id, "id": number, "package": number, "stage": Stage.LABEL, "round": 1}
    return Assignment(**where, **done, member=member.id)  # type: ignore[arg-type]


def claims(flow: Flow, job: Job, name: str) -> Iterator[float]:
    """Claim again and again, and yield the seconds of each."""
    for _ in range(CLAIMS):
        begin = time.perf_counter()
        if flow.claim(name, job, Stage.INSPECT) is None:
            raise LookupError("nothing is left to claim")
        yield time.perf_counter() - begin


def main() -> None:
    """Print a line for each store."""
    print(
        f"a claim where {OWN:,} of the waiting packages are one's own work, beside one who labeled nothing"
    )
    with tempfile.TemporaryDirectory() as folder, postgres_database() as postgres:
        sqlite = f"sqlite:///{folder}/own.db?synchronous=normal"
        for store, url in (("memory", "memory:"), ("SQLite", sqlite), ("PG", postgres.new("own"))):
            with itagflow.open(url) as flow:
                job = build(flow)
                first, *later = claims(flow, job, "ben")
                usual = statistics.median(claims(flow, job, "cy"))
            each = statistics.median(later)
            ratio = f"{each / usual:5.2f} times (goal at most 3)"
            print(
                f"{store:7} {each * 1e6:9.1f} µs, {ratio}; the first look {first * 1e3:.0f} ms",
                flush=True,
            )


if __name__ == "__main__":
    main()
