"""Somebody who comes from iTAG: its template, its manifest, its stages, its votes, and back."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest
from support.scenes import taken

from itagflow import (
    Accept,
    Choice,
    Crew,
    FixedSize,
    Flow,
    Inspect,
    InvalidData,
    Job,
    JobState,
    Label,
    Merge,
    PackageState,
    Role,
    Stage,
    TaskState,
    Workflow,
    templates,
)

TEMPLATE = {
    "QuestionConfigs": [
        {
            "QuestionId": "1",
            "Type": "RADIO",
            "MarkTitle": "单选",
            "Options": [
                {"Label": "cat", "Key": "cat", "Color": "#239125", "Shortcut": "1"},
                {"Label": "dog", "Key": "dog"},
            ],
        }
    ],
    "ViewConfigs": {"ViewPlugins": [{"Type": "IMAGE", "BindField": "source"}]},
}
MANIFEST = "".join(
    json.dumps({"data": {"source": f"oss://bucket/{n}.jpg"}, "kept": {"n": n}}) + "\n"
    for n in range(1, 5)
).encode()


def order(flow: Flow, label: Label, *reviews: Inspect | Accept, **more: Any) -> Job:
    """What CreateTask says: MARK, CHECK, SAMPLING; FIXED_SIZE 2."""
    home = flow.workspaces.create("tenant", admin="alice")
    for name in ("m1", "m2", "m3", "c1", "judge"):
        flow.members.add(home, name, Role.OPERATOR, by="alice")
    workforce: dict[Any, Any] = {
        "label": ["m1", "m2", "m3"],
        "inspect": ["c1"],
        "accept": ["alice"],
        **more.pop("workforce", {}),
    }
    workflow = Workflow(label, *reviews)
    stages = {stage.value for stage in workflow.stages}
    return flow.jobs.create(
        home,
        "demo-job",
        template=templates.from_itag(TEMPLATE),
        data=io.BytesIO(MANIFEST),
        packaging=FixedSize(2),
        workflow=workflow,
        workforce={
            stage: people
            for stage, people in workforce.items()
            if stage in stages or isinstance(stage, Crew)
        },
        tags=["text"],
        by="alice",
    )


def mark(flow: Flow, name: str, job: Job, *said: str) -> None:
    assignment = taken(flow, name, job)
    for item, choice in zip(flow.tasks(assignment), said, strict=True):
        flow.save(assignment, item, Choice(choice))
    flow.submit(assignment)


def written(flow: Flow, job: Job, format: str = "itag", **how: Any) -> bytes:
    file = io.BytesIO()
    flow.results.export(job, format, file, by="alice", **how)
    return file.getvalue()


def test_a_template_of_itag_is_read_and_written(flow: Flow) -> None:
    template = templates.from_itag(TEMPLATE)
    (question,) = template.questions
    assert (question.title, [option.key for option in question.options]) == ("单选", ["cat", "dog"])
    assert templates.from_itag(templates.to_itag(template)) == template
    assert templates.to_itag(template)["QuestionConfigs"][0]["Type"] == "RADIO"


def test_three_stages_come_out_as_itag_writes_them(flow: Flow) -> None:
    job = order(flow, Label(), Inspect(), Accept())
    mark(flow, "m1", job, "cat", "cat")
    mark(flow, "m2", job, "dog", "dog")
    check = taken(flow, "c1", job, Stage.INSPECT)
    flow.modify(check, 2, Choice("dog"))
    flow.review(check)
    flow.review(taken(flow, "c1", job, Stage.INSPECT))
    flow.accept_many([taken(flow, "alice", job, Stage.ACCEPT) for _ in range(2)], by="alice")
    assert flow.jobs.get(job).state is JobState.FINISHED
    rows = [json.loads(line) for line in written(flow, job).splitlines()]
    assert [row["data"]["source"] for row in rows] == [f"oss://bucket/{n}.jpg" for n in range(1, 5)]
    assert [row["kept"] for row in rows] == [{"n": n} for n in range(1, 5)]
    keys = [f"label-{job.id}", f"label-{job.id}-check", f"label-{job.id}-verify"]
    said = [[row[key]["results"][0]["data"] for key in keys] for row in rows]
    assert said == [["cat"] * 3, ["cat", "dog", "dog"], ["dog"] * 3, ["dog"] * 3]
    assert rows[0][keys[0]]["results"] == [
        {"questionId": "1", "data": "cat", "markTitle": "单选", "type": "survey/value"}
    ]
    table = written(flow, job, "csv").decode("utf-8-sig").splitlines()
    assert len(table) == 5
    assert any("单选" in column for column in table[0].split(","))


def test_the_manifest_comes_back_as_a_finished_job_and_as_the_next_ones_data(flow: Flow) -> None:
    job = order(flow, Label())
    mark(flow, "m1", job, "cat", "cat")
    mark(flow, "m2", job, "dog", "dog")
    manifest = written(flow, job)
    again = flow.jobs.import_results(
        "tenant",
        "archive",
        template=templates.from_itag(TEMPLATE),
        data=io.BytesIO(manifest),
        by="alice",
    )
    assert again.state is JobState.FINISHED
    assert [result.replies for result in flow.results.list(again)] == [
        {"1": Choice(key)} for key in ("cat", "cat", "dog", "dog")
    ]
    following = flow.jobs.create(
        "tenant",
        "second-round",
        template=templates.from_itag(TEMPLATE),
        data=io.BytesIO(manifest),
        workflow=Workflow(Label()),
        by="alice",
    )
    rows = [json.loads(line) for line in written(flow, following).splitlines()]
    assert all(f"label-{job.id}" in row for row in rows), "every earlier result is kept"
    assert [result.state for result in flow.results.list(following)] == [TaskState.TODO] * 4


def test_people_judge_the_votes_as_in_itag(flow: Flow) -> None:
    """VoteNum 3 and MinVote 2 for the question; a judge decides what no vote has won."""
    label = Label(votes=3, min_votes=3, merge={"单选": Merge("majority")})
    job = order(flow, label, Inspect(), workforce={Crew.ADJUDICATORS: ["judge"]})
    mark(flow, "m1", job, "cat", "cat")
    mark(flow, "m2", job, "cat", "dog")
    mark(flow, "m3", job, "cat", "cat")
    assert flow.packages.get((job.id, 1)).disputes == (2,)
    judge = taken(flow, "judge", job)
    (item,) = flow.tasks(judge)
    flow.save(judge, item, pick=item.votes[1])
    flow.submit(judge)
    assert flow.packages.get((job.id, 1)).state is PackageState.INSPECT
    result = flow.results.get(job, 2)
    assert result.stages[Stage.LABEL].replies == {"1": Choice("dog")}
    assert len(result.votes) == 3


def test_rework_goes_back_to_the_marker_and_an_abandoned_item_says_why(flow: Flow) -> None:
    job = order(flow, Label(), Inspect())
    first = taken(flow, "m1", job)
    flow.save(first, 1, Choice("cat"))
    flow.abandon(first, 2, "无法打开")
    flow.submit(first)
    check = taken(flow, "c1", job, Stage.INSPECT)
    flow.judge(check, 1, wrong="是狗")
    flow.reject(check)
    back = taken(flow, "m1", job)
    (item,) = flow.tasks(back)
    assert (item.task.number, item.comment) == (1, "是狗")
    flow.save(back, item, Choice("dog"))
    flow.submit(back)
    flow.review(taken(flow, "c1", job, Stage.INSPECT))
    assert flow.results.get(job, 1).replies == {"1": Choice("dog")}
    abandoned = flow.results.get(job, 2)
    assert (abandoned.state, abandoned.last and abandoned.last.abandon_reason) == (
        TaskState.ABANDONED,
        "无法打开",
    )


def test_other_names_of_stages_are_refused_with_those_there_are(flow: Flow) -> None:
    job = order(flow, Label())
    with pytest.raises(InvalidData, match="label"):
        flow.claim("m1", job, "MARK")
