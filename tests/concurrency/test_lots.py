"""Many label and check at once: each lot closes once, is decided once, and none is forgotten."""

from __future__ import annotations

import threading
from collections import Counter
from pathlib import Path

import pytest
from support import invariants
from support.scenes import rows, verbs

import itagflow
from itagflow import Accept, Choice, FixedSize, Flow, Job, JobState, Label, Lot, Role, Workflow
from itagflow.model import LotState
from itagflow.quality import SinglePlan
from itagflow.templates import image_classification

PACKAGES = 30
PEOPLE = 3


def order(flow: Flow) -> Job:
    home = flow.workspaces.create("street", admin="ada")
    labelers = [f"p{number}" for number in range(PEOPLE)]
    acceptors = [f"q{number}" for number in range(PEOPLE)]
    for name in (*labelers, *acceptors):
        flow.members.add(home, name, Role.OPERATOR, by="ada")
    return flow.jobs.create(
        home,
        "lots",
        template=image_classification(["cat", "dog"]),
        data=rows(PACKAGES),
        workflow=Workflow(Label(), Accept(plan=SinglePlan(2, 0), lot=Lot(packages=5))),
        packaging=FixedSize(1),
        workforce={"label": labelers, "accept": acceptors},
        seed=7,
        by="ada",
    )


def work(flow: Flow, name: str, job: Job, problems: list[BaseException]) -> None:
    """Label or check until the job has finished; each tenth task is wrong at first."""
    stage = "label" if name.startswith("p") else "accept"
    try:
        while flow.jobs.get(job.id).state is JobState.RUNNING:
            assignment = flow.claim(name, job.id, stage)
            if assignment is None:
                continue
            for item in flow.tasks(assignment):
                if stage == "label":
                    flow.save(assignment, item, Choice("cat"))
                else:
                    is_wrong = assignment.round == 1 and item.task.number % 10 == 0
                    flow.judge(assignment, item, wrong="no cat" if is_wrong else None)
            if stage == "label":
                flow.submit(assignment)
            else:
                flow.accept(assignment)
    except BaseException as error:
        problems.append(error)
        raise


@pytest.mark.parametrize("store", ["sqlite", "postgres"])
def test_each_lot_is_closed_and_decided_once(
    store: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    url = str(tmp_path / "lots.db")
    if store == "postgres":
        url = request.getfixturevalue("postgres_url")
    problems: list[BaseException] = []
    with itagflow.open(url) as flow:
        job = order(flow)
        names = [f"{kind}{number}" for kind in "pq" for number in range(PEOPLE)]
        threads = [
            threading.Thread(target=work, args=(flow, name, job, problems), daemon=True)
            for name in names
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(120)
        assert problems == []
        assert flow.jobs.get(job.id).state is JobState.FINISHED
        lots = list(flow.lots.list(job))
        counts = Counter(verbs(flow, job))
        assert counts["close_lot"] == counts["decide_lot"] == len(lots)
        first = [number for lot in lots if not lot.again for number in lot.packages]
        assert sorted(first) == list(range(1, PACKAGES + 1)), "each package is in one lot at first"
        assert {lot.state for lot in lots} <= {LotState.ACCEPTED, LotState.REJECTED}
        again = {lot.again for lot in lots if lot.again}
        assert again == {lot.number for lot in lots if lot.state is LotState.REJECTED}
        invariants.check(flow)
