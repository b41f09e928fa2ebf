"""A week of double reading: two blind readings, a third reader, an audit, and a patient who leaves."""

from __future__ import annotations

import io
import json

import pytest
from support.scenes import taken

from itagflow import (
    Accept,
    Assignment,
    Choice,
    Crew,
    Flow,
    GroupByField,
    Inspect,
    Job,
    JobState,
    Label,
    NotAllowed,
    PackageState,
    Role,
    Stage,
    TaskState,
    Workflow,
    maintenance,
    templates,
)
from itagflow.errors import NotHeld
from itagflow.model import Purpose

FINDINGS = templates.image_classification(["benign", "malignant"])
SEED = 0
"""With it the sample of the first package is the scan on which the readers disagree below."""
SCANS = [
    {"data": {"source": f"{patient}-{n}.dcm", "patient": patient}}
    for patient in ("P1", "P2", "P3")
    for n in (1, 2)
]


@pytest.fixture
def job(flow: Flow) -> Job:
    """Six scans of three patients; a patient's scans stay together."""
    home = flow.workspaces.create("hospital", admin="boss")
    for name in ("rea", "ron", "tia", "aud", "qa"):
        flow.members.add(home, name, Role.OPERATOR, by="boss")
    flow.members.add(home, "dpo", Role.VIEWER, by="boss")
    return flow.jobs.create(
        home,
        "chest-1",
        template=FINDINGS,
        data=SCANS,
        packaging=GroupByField("patient", max_size=2),
        workflow=Workflow(
            Label(votes=2, min_votes=2),
            Inspect(task_share=0.5, blind=True),
            Accept(package_share=1e-9, task_count=1),
        ),
        workforce={
            Stage.LABEL: ["rea", "ron"],
            Crew.ADJUDICATORS: ["tia"],
            Stage.INSPECT: ["aud"],
            Stage.ACCEPT: ["boss"],
        },
        row_key="source",
        seed=SEED,
        by="boss",
    )


def read(flow: Flow, name: str, job: Job, *findings: str) -> Assignment:
    assignment = taken(flow, name, job)
    for item, finding in zip(flow.tasks(assignment, by=name), findings, strict=True):
        flow.save(assignment, item, Choice(finding), by=name)
    return flow.submit(assignment, by=name)


def test_each_scan_is_read_twice_and_blind(flow: Flow, job: Job) -> None:
    first = read(flow, "rea", job, "benign", "malignant")
    assert first.package == 1
    second = taken(flow, "ron", job)
    assert second.package == 1
    for item in flow.tasks(second, by="ron"):
        assert (item.votes, item.previous, item.submitted, item.comments) == ((), None, None, ())
    with pytest.raises(NotAllowed):
        flow.assignments.get(first, by="ron")
    with pytest.raises(NotAllowed):
        flow.results.get(job, 1, by="ron")
    with pytest.raises(NotHeld):
        list(flow.tasks(first, by="ron"))
    assert {event.account for event in flow.events.list(job, by="ron")} <= {"ron"}
    assert flow.claim("rea", job, Stage.LABEL, package=1) is None, "nobody reads twice"


def test_the_third_reader_sees_disputes_only_and_says_whose_reading_counts(
    flow: Flow, job: Job
) -> None:
    rea = read(flow, "rea", job, "benign", "malignant")
    assert flow.claim("tia", job, Stage.LABEL) is None
    read(flow, "ron", job, "benign", "benign")
    third = taken(flow, "tia", job)
    assert (third.purpose, third.scope) == (Purpose.ADJUDICATION, (2,))
    (item,) = flow.tasks(third, by="tia")
    picked = next(vote for vote in item.votes if vote.assignment == rea.id)
    flow.save(third, item, pick=picked, by="tia")
    flow.submit(third, by="tia")
    package = flow.packages.get((job.id, 1))
    assert (package.state, package.disputes) == (PackageState.INSPECT, ())
    result = flow.results.get(job, 2, by="dpo")
    decided = [step for step in result.provenance if step.purpose is Purpose.ADJUDICATION]
    tia = flow.members.get("hospital", "tia").id
    assert [step.member for step in decided] == [tia]
    assert [vote.replies for vote in result.votes] == [
        {"1": Choice("malignant")},
        {"1": Choice("benign")},
    ], "both readings stay"
    # a patient on whom the readers agree passes the third reader unseen
    read(flow, "rea", job, "benign", "benign")
    read(flow, "ron", job, "benign", "benign")
    assert flow.packages.get((job.id, 2)).state is PackageState.INSPECT
    assert flow.claim("tia", job, Stage.LABEL) is None


def test_after_the_adjudication_a_share_is_reviewed_without_names(flow: Flow, job: Job) -> None:
    read(flow, "rea", job, "benign", "malignant")
    read(flow, "ron", job, "benign", "benign")
    third = taken(flow, "tia", job)
    flow.save(third, 2, Choice("malignant"), by="tia")
    flow.submit(third, by="tia")
    review = taken(flow, "aud", job, Stage.INSPECT)
    items = list(flow.tasks(review, by="aud"))
    assert [item.task.number for item in items] == [2], "half of two"
    (item,) = items
    assert item.submitted is not None
    assert item.submitted.replies == {"1": Choice("malignant")}
    assert (item.submitted.member, item.submitted.labeler[:8]) == (None, "labeler ")
    people = ("rea", "ron", "tia")
    shown = repr((items, list(flow.events.list(job, by="aud"))))
    assert not [name for name in people if f"'{name}'" in shown]
    flow.judge(review, item, wrong="look at the lower lobe")
    flow.reject(review, by="aud")
    # each reader reads that scan again; the earlier readings do not count any more
    for name in ("rea", "ron"):
        rework = taken(flow, name, job)
        assert rework.scope == (item.task.number,)
        (again,) = flow.tasks(rework, by=name)
        assert again.comment == "look at the lower lobe"
        assert again.votes == ()
        flow.save(rework, again, Choice("malignant"), by=name)
        flow.submit(rework, by=name)
    second = taken(flow, "aud", job, Stage.INSPECT)
    assert [each.task.number for each in flow.tasks(second, by="aud")] == [item.task.number]
    flow.judge(second, item.task.number)
    flow.review(second, by="aud")
    result = flow.results.get(job, item.task)
    assert result.replies == {"1": Choice("malignant")}
    assert len(result.votes) == 2, "those of the newest round"


def finish(flow: Flow, job: Job) -> None:
    for _ in range(3):
        for name in ("rea", "ron"):
            read(flow, name, job, "benign", "malignant")
        review = flow.claim("aud", job, Stage.INSPECT)
        assert review is not None
        flow.review(review, by="aud")
    while (acceptance := flow.claim("boss", job, Stage.ACCEPT)) is not None:
        flow.accept(acceptance, by="boss")
    assert flow.jobs.get(job).state is JobState.FINISHED


def test_the_audit_finds_who_gave_each_reading_and_what_it_was_before(flow: Flow, job: Job) -> None:
    assignment = taken(flow, "rea", job)
    flow.save(assignment, 1, Choice("benign"), by="rea", seconds=30)
    flow.save(assignment, 1, Choice("malignant"), by="rea")
    flow.save(assignment, 2, Choice("benign"), by="rea")
    flow.submit(assignment, by="rea")
    read(flow, "ron", job, "malignant", "benign")
    versions = flow.results.versions(job, 1, by="dpo")
    rea = flow.members.get("hospital", "rea").id
    said = [v.answer.replies for v in versions if v.answer.member == rea]
    assert said == [{"1": Choice("benign")}, {"1": Choice("malignant")}]
    positions = [version.position for version in versions]
    assert positions == sorted(positions)
    saves = [event for event in flow.events.list(job, package=1, by="dpo") if event.type == "save"]
    assert [event.account for event in saves] == ["rea"] * 3 + ["ron"] * 2
    ron = flow.members.get("hospital", "ron").id
    own = {version.answer.member for version in flow.results.versions(job, 1, by="ron")}
    assert own == {ron}, "a reader sees what they said themselves"


def test_a_patient_who_leaves_is_nowhere_any_more(flow: Flow, job: Job) -> None:
    finish(flow, job)
    patient = [r.task for r in flow.results.list(job) if r.task.data["patient"] == "P1"]
    file = io.BytesIO()
    before = flow.results.export(job, "itag", file, by="boss")
    flow.comments.add(patient[0], "P1 has an implant", by="boss")
    for task in patient:
        maintenance.erase_task(flow, task, by="boss")
        maintenance.erase_task(flow, task, by="boss")  # may be sent again
    file = io.BytesIO()
    after = flow.results.export(job, "itag", file, by="boss")
    assert (before.rows, after.rows, after.erased) == (6, 4, 2)
    assert b"P1" not in file.getvalue()
    shown = repr(
        [
            [result.task.row for result in flow.results.list(job)],
            list(flow.events.list(job)),
            list(flow.comments.list(job)),
            [package.value for package in flow.packages.list(job)],
        ]
    )
    assert "P1" not in shown
    # who read them, and how often, stays
    assert [len(result.provenance) for result in flow.results.list(job)] == [
        len(flow.results.get(job, 6).provenance)
    ] * 6


def test_round_two_is_made_of_the_export_without_the_patient(flow: Flow, job: Job) -> None:
    finish(flow, job)
    for number in (1, 2):
        maintenance.erase_task(flow, (job, number), by="boss")
    file = io.BytesIO()
    flow.results.export(job, "itag", file, by="boss")
    rows = [json.loads(line) for line in file.getvalue().splitlines()]
    assert {row["data"]["patient"] for row in rows} == {"P2", "P3"}
    file.seek(0)
    second = flow.jobs.create(
        "hospital",
        "chest-2",
        template=FINDINGS,
        data=file,
        workflow=Workflow(Label()),
        workforce={Stage.LABEL: ["qa"]},
        by="boss",
    )
    results = list(flow.results.list(second))
    assert [result.state for result in results] == [TaskState.TODO] * 4
    assert not [one for one in results if "P1" in repr(one.task.row)]
