"""JSON Lines of our own: what comes out goes in again, whole."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import attrs
import hypothesis.strategies as st
import pytest
from hypothesis import HealthCheck, given, settings
from support.amounts import amount
from support.answering import ALL, a_row, replies
from support.exported import a_result

import itagflow
from itagflow import (
    Choice,
    Choices,
    Flow,
    InvalidData,
    Label,
    Result,
    Stage,
    Task,
    TaskState,
    Template,
    Workflow,
    formats,
    prelabels,
    templates,
)
from itagflow.errors import Problem
from itagflow.formats import jsonl, kit
from itagflow.model import (
    Answer,
    MergeReport,
    Outcome,
    Provenance,
    Purpose,
    Row,
    StageResult,
)
from itagflow.typing import Replies

quiet = settings(
    deadline=None, max_examples=amount(3, 200), suppress_health_check=list(HealthCheck)
)
CATS = templates.image_classification(["cat", "dog"], title="Animal")
DOCS = Path(__file__).parents[2] / "docs" / "formats.md"
moments = st.datetimes(timezones=st.just(UTC))
numbers = st.integers(1, 2**63 - 1)
words = st.text(max_size=5).filter(lambda text: "\0" not in text)
names = st.dictionaries(st.sampled_from(["1", "2"]), st.just(("b", "a")))


def stage_results(stage: Stage, said: Replies) -> st.SearchStrategy[StageResult]:
    given_up = st.builds(
        StageResult,
        stage=st.just(stage),
        replies=st.none(),
        abandon_reason=words,
        round=numbers,
        member=st.none() | numbers,
    )
    answered = st.builds(
        StageResult,
        stage=st.just(stage),
        replies=st.just(said),
        round=numbers,
        member=st.none() | numbers,
        labeler=words,
        disputed=st.just(("1",)) | st.just(()),
        inspected=st.booleans(),
        order=names,
        decided_by=st.sampled_from(["", "timeout"]),
    )
    return given_up | answered


provenance = st.builds(
    Provenance,
    stage=st.sampled_from(Stage),
    round=numbers,
    member=st.none() | numbers,
    outcome=st.sampled_from(Outcome),
    inspected=st.booleans(),
    at=moments,
    score=st.none() | st.floats(0, 1),
    model=words,
    seconds=st.floats(0, 1e6),
    template_version=st.none() | numbers,
)


def votes(said: Replies) -> st.SearchStrategy[Answer]:
    return st.builds(
        Answer,
        job=st.just(4),
        assignment=numbers,
        task=st.just(1),
        package=numbers,
        stage=st.just(Stage.LABEL),
        round=numbers,
        member=st.none() | numbers,
        at=moments,
        replies=st.none() | st.just(said),
        abandon_reason=st.none() | words,
        comment=words,
        order=names,
        version=numbers,
    )


@st.composite
def any_results(draw: st.DrawFn, template: Template) -> Result:
    """A result with everything that one can have."""
    said = draw(replies(template))
    stages = draw(st.lists(st.sampled_from(Stage), unique=True))
    row = {**a_row(template), "tags": ["a"], "label-7": {"results": []}}
    task = Task(
        job=draw(numbers),
        number=draw(numbers),
        package=draw(numbers),
        row=json.dumps(row, ensure_ascii=draw(st.booleans())),
        row_key_text=draw(words),
        version=draw(st.sampled_from([0, 1])),
    )
    return Result(
        task=task,
        state=draw(st.sampled_from(TaskState)),
        stages={stage: draw(stage_results(stage, said)) for stage in sorted(stages, key=str)},
        provenance=tuple(draw(st.lists(provenance, max_size=2))),
        votes=tuple(draw(st.lists(votes(said), max_size=2))),
        became=draw(st.sampled_from(["", "final"])),
        revision=draw(st.integers(0, 9)),
    )


def written(results: list[Result], template: Template, **more: Any) -> io.BytesIO:
    file = io.BytesIO()
    report = formats.write("jsonl", results, file, template=template, lossy="error", **more)
    assert (report.rows, report.losses) == (len(results), {})
    file.seek(0)
    return file


@pytest.mark.parametrize("name", sorted(ALL))
@quiet
@given(data=st.data())
def test_what_comes_out_goes_in_again_whole(name: str, data: st.DataObject) -> None:
    template = ALL[name]
    results = data.draw(st.lists(any_results(template), max_size=3))
    file = written(results, template)
    assert list(jsonl.read_results(file)) == results
    file.seek(0)
    rows = list(formats.read("jsonl", file, template=template))
    for result, row in zip(results, rows, strict=True):
        assert isinstance(row, Row)
        assert kit.parse_row(row, template) == {
            stage: made.replies for stage, made in result.stages.items() if made.replies is not None
        }
        assert json.loads(row.text)["data"] == result.task.data
    file.seek(0)
    plain = [row.text for row in formats.read("jsonl", file) if isinstance(row, Row)]
    assert plain == [result.task.row for result in results]


@pytest.fixture
def flow() -> Iterator[Flow]:
    with itagflow.open("memory:") as opened:
        opened.workspaces.create("street", admin="ada")
        for account in ("ben", "cy"):
            opened.members.add("street", account, itagflow.Role.OPERATOR, by="ada")
        yield opened


def voted(flow: Flow) -> itagflow.Job:
    """A job that two have voted on, of a row with numbers that are spelled oddly."""
    row = '{"data": {"source": "1.jpg", "n": 1.0},\n "tags": ["\u2028"]}'
    job = flow.jobs.create(
        "street",
        "pets",
        template=CATS,
        data=[row],
        workflow=Workflow(Label(votes=2, on_dispute="keep")),
        workforce={Stage.LABEL: ["ben", "cy"]},
        by="ada",
    )
    for account in ("ben", "cy"):
        assignment = flow.claim(account, job, Stage.LABEL)
        flow.save(assignment, 1, Choice("cat"), seconds=2.5)
        flow.submit(assignment)
    return job


def test_a_job_goes_out_with_votes_and_who_did_what(flow: Flow) -> None:
    job, file = voted(flow), io.BytesIO()
    flow.results.export(job, "jsonl", file)
    assert file.getvalue().count(b"\n") == 1
    (result,) = flow.results.list(job)
    (read,) = jsonl.read_results(io.BytesIO(file.getvalue()))
    assert isinstance(read, Result)
    assert json.loads(read.task.row) == json.loads(result.task.row)
    assert attrs.evolve(read, task=result.task) == result
    assert len(read.votes) == 2
    assert '"n": 1.0' in read.task.row
    line = json.loads(file.getvalue())
    assert line["itagflow"] == 1
    assert line["stages"][0]["replies"] == {"1": {"kind": "choice", "key": "cat"}}
    assert "ben" not in file.getvalue().decode()


def test_it_becomes_a_finished_job_and_predictions(flow: Flow, tmp_path: Path) -> None:
    file = tmp_path / "pets.jsonl"
    flow.results.export(voted(flow), "jsonl", file)
    again = flow.jobs.import_results(
        "street", "again", template=CATS, data=file, format="jsonl", by="ada"
    )
    (result,) = flow.results.list(again)
    assert (result.replies, result.task.data) == ({"1": Choice("cat")}, {"source": "1.jpg", "n": 1})
    fresh = flow.jobs.create(
        "street", "fresh", template=CATS, data=[{"source": "1.jpg"}], by="ada", draft=True
    )
    flow.jobs.prelabel(fresh, prelabels.from_export(CATS, file, format="jsonl"), by="ada")
    assert flow.jobs.progress(fresh).prelabeled == 1


def test_only_the_stages_that_are_asked_for_are_written() -> None:
    at = datetime(2026, 11, 24, tzinfo=UTC)
    made = {
        stage: StageResult(stage=stage, replies={"1": Choice("cat")}, round=1, member=2)
        for stage in (Stage.LABEL, Stage.INSPECT)
    }
    seen = tuple(
        Provenance(stage=stage, round=1, member=2, outcome=outcome, inspected=True, at=at)
        for stage, outcome in ((Stage.LABEL, Outcome.SUBMITTED), (Stage.INSPECT, Outcome.REVIEWED))
    )
    task = Task(job=4, number=1, package=1, row='{"data": {}}')
    result = Result(task=task, state=TaskState.FINAL, stages=made, provenance=seen)
    (read,) = jsonl.read_results(written([result], CATS, stages=[Stage.LABEL]))
    assert isinstance(read, Result)
    assert list(read.stages) == [Stage.LABEL]
    assert [entry.stage for entry in read.provenance] == [Stage.LABEL]


GOOD: dict[str, Any] = {
    "itagflow": 1,
    "job": 4,
    "number": 1,
    "package": 1,
    "row": {"data": {}},
    "state": "final",
    "stages": [{"stage": "label", "round": 1, "member": 2, "replies": {}}],
    "provenance": [],
    "votes": [],
}


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"itagflow": 2}, 'line 1: must begin with {"itagflow": 1}'),
        ({"job": "4"}, "line 1, job: is no int"),
        ({"state": "lost"}, "line 1, state: is no TaskState"),
        ({"row": []}, "line 1, row: must be an object"),
        ({"row": {}}, "line 1, data: is missing"),
        ({"stages": {}}, "line 1, stages: must be a list"),
        ({"stages": [{"stage": "label"}]}, "line 1, stages[0].replies: required field missing"),
        ({"stages": [{**GOOD["stages"][0], "replies": {"1": {"kind": "x"}}}]}, "line 1, stages[0]"),
        (
            {"stages": [{**GOOD["stages"][0], "replies": [{"kind": "choice", "key": "cat"}]}]},
            "line 1, stages[0].replies: must be an object",
        ),
        ({"votes": [5]}, "line 1, votes[0]"),
        ({"provenance": [{"stage": "label", "at": "now"}]}, "line 1, provenance[0]"),
        ({"revision": None}, "line 1, revision: is no int"),
        ({"number": None}, "line 1, number: is no int"),
    ],
)
def test_a_line_that_is_none_of_ours_is_a_problem_with_its_place(
    changes: dict[str, Any], said: str
) -> None:
    line = json.dumps({**GOOD, **changes}).encode() + b"\n" + json.dumps(GOOD).encode()
    for found in (
        list(jsonl.read_results(io.BytesIO(line))),
        list(formats.read("jsonl", io.BytesIO(line), template=CATS)),
    ):
        assert str(found[0]).startswith(said)
        assert not isinstance(found[-1], Problem), "the next line is read"


@pytest.mark.parametrize(
    ("template", "said"),
    [
        (templates.audio_segmentation(["a"]), "line 1, 1: needs a Segments, not a Choice"),
        (templates.image_captioning(), "line 1, 1: needs a Text, not a Choice"),
        (templates.entity_relation(["a"], ["b"]), "line 1, 1: needs a Spans, not a Choice"),
    ],
)
def test_an_answer_to_another_kind_of_question_is_a_problem(template: Any, said: str) -> None:
    line = written([a_result({"1": Choice("cat")})], CATS).getvalue()
    (found,) = formats.read("jsonl", io.BytesIO(line), template=template)
    assert str(found) == said


def test_an_answer_to_a_question_that_is_not_asked_is_a_problem() -> None:
    line = written([a_result({"9": Choice("cat")})], CATS).getvalue()
    (found,) = formats.read("jsonl", io.BytesIO(line), template=CATS)
    assert str(found) == "line 1, 9: the template has no such question"


@pytest.mark.parametrize("line", ["", "5", "[]", "{}", "no", "[" * 100_000, '{"data": {}}'])
def test_what_is_no_line_is_refused(line: str) -> None:
    with pytest.raises(InvalidData):
        jsonl.parse(line)
    found = list(formats.read("jsonl", io.BytesIO(line.encode())))
    assert all(isinstance(each, Problem) for each in found)


def test_a_newer_reply_of_several_choices_is_kept() -> None:
    template = templates.image_classification(["cat", "dog"], multiple=True)
    made = StageResult(
        stage=Stage.LABEL, replies={"1": Choices(["dog", "cat"])}, round=1, member=None
    )
    task = Task(job=4, number=1, package=1, row='{"data": {}}')
    result = Result(task=task, state=TaskState.FINAL, stages={Stage.LABEL: made})
    assert list(jsonl.read_results(written([result], template))) == [result]


@pytest.mark.parametrize("kind", [StageResult, Provenance, Answer], ids=lambda kind: kind.__name__)
def test_the_docs_name_every_field(kind: Any) -> None:
    page = DOCS.read_text("utf-8")
    section = page[page.index("## JSON Lines") :]
    told = set(re.findall(r"`(\w+)`", section[: section.index("\n## ", 5)]))
    assert {field.name for field in attrs.fields(kind)} <= told


ENTRY = Provenance(
    stage=Stage.LABEL,
    round=1,
    member=7,
    outcome=Outcome.SUBMITTED,
    inspected=True,
    at=datetime(2026, 11, 29, tzinfo=UTC),
)
OTHER_ENTRY = Provenance(
    stage=Stage.INSPECT,
    round=2,
    member=8,
    outcome=Outcome.REJECTED,
    inspected=False,
    at=datetime(2026, 11, 30, tzinfo=UTC),
    labeler="labeler 1",
    purpose=Purpose.ADJUDICATION,
    score=0.5,
    model="yolo",
    model_version="2",
    seconds=2.5,
    guideline_version=3,
    template_version=4,
)
REACHED = StageResult(stage=Stage.LABEL, replies={"1": Choice("cat")}, round=1, member=7)
OTHER_REACHED = StageResult(
    stage=Stage.INSPECT,
    replies={"1": Choice("dog")},
    abandon_reason="dark",
    round=2,
    member=8,
    labeler="labeler 1",
    disputed=("1",),
    kept=("1",),
    merge=MergeReport(voters=(2, 3)),
    inspected=False,
    order={"1": ("dog", "cat")},
    decided_by="timeout",
)


@pytest.mark.parametrize("field", [field.name for field in attrs.fields(Provenance)])
def test_tasks_whose_work_differs_in_one_field_keep_it(field: str) -> None:
    other = attrs.evolve(ENTRY, **{field: getattr(OTHER_ENTRY, field)})
    assert other != ENTRY
    results = [
        attrs.evolve(a_result({"1": Choice("cat")}), provenance=(entry,))
        for entry in (ENTRY, other, ENTRY)
    ]
    assert list(read_back(results)) == results


@pytest.mark.parametrize("field", [field.name for field in attrs.fields(StageResult)])
def test_tasks_whose_results_differ_in_one_field_keep_it(field: str) -> None:
    other = attrs.evolve(REACHED, **{field: getattr(OTHER_REACHED, field)})
    assert other != REACHED
    results = [
        attrs.evolve(a_result({"1": Choice("cat")}), stages={each.stage: each})
        for each in (REACHED, other, REACHED)
    ]
    assert list(read_back(results)) == results


def read_back(results: list[Result]) -> Iterator[Any]:
    """Write results as one file, and yield what is in it."""
    file = io.BytesIO()
    formats.write("jsonl", results, file, template=CATS)
    file.seek(0)
    return jsonl.read_results(file)
