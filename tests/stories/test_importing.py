"""Exports are read back: as a finished job, as pre-labels, or as the input of another job."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support import invariants
from support.amounts import amount
from support.answering import ALL, a_row, as_written, replies
from support.refusals import is_refused
from support.scenes import cats, labeled, rows, street, taken, verbs

import itagflow
from itagflow import (
    Accept,
    Choice,
    FixedSize,
    Flow,
    Incomplete,
    Inspect,
    InvalidData,
    Job,
    JobState,
    Label,
    NotFound,
    Role,
    Selection,
    Stage,
    TaskState,
    Workflow,
    formats,
    templates,
)
from itagflow.formats import itag
from itagflow.model import Outcome, Row

SAMPLES = Path(__file__).parents[1] / "formats" / "samples"
WHOLE = sorted(path for path in SAMPLES.glob("*.output*.json*") if "partial" not in path.name)
CATS = templates.image_classification(["cat", "dog"])
# five for each of some thirty templates, each with two stores of its own
quiet = settings(
    deadline=None, max_examples=amount(5, 100), suppress_health_check=list(HealthCheck)
)


@pytest.fixture(params=["memory:", "labels.db"])
def flow(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Flow]:
    url = request.param if request.param == "memory:" else tmp_path / request.param
    with itagflow.open(url) as opened:
        yield opened
        invariants.check(opened)


def exported(flow: Flow, job: Job) -> bytes:
    target = io.BytesIO()
    flow.results.export(job, "itag", target)
    return target.getvalue()


def contents(manifest: bytes) -> list[dict[str, Any]]:
    return [json.loads(line) for line in manifest.splitlines()]


def a_finished_manifest() -> bytes:
    """Four tasks through three stages: one modified in inspection, one abandoned."""
    with itagflow.open("memory:") as flow:
        job = cats(flow, workflow=Workflow(Label(), Inspect(), Accept()))
        assignment = taken(flow, "ben", job)
        flow.save(assignment, 1, Choice("cat"))
        flow.abandon(assignment, 2, "dark")
        flow.submit(assignment)
        labeled(flow, "ben", job)
        while assignment := flow.claim("di", job, Stage.INSPECT):
            if assignment.package == 2:
                flow.modify(assignment, 3, Choice("dog"))
            flow.review(assignment)
        while assignment := flow.claim("ada", job, Stage.ACCEPT):
            flow.accept(assignment)
        return exported(flow, job)


def read(flow: Flow, data: Any, **more: Any) -> Job:
    street(flow, "ben", "di")
    return flow.jobs.import_results(
        "street", "again", template=CATS, data=data, packaging=FixedSize(2), by="ada", **more
    )


class TestAsAFinishedJob:
    def test_every_stage_has_its_result(self, flow: Flow) -> None:
        job = read(flow, io.BytesIO(a_finished_manifest()))
        assert (job.state, job.workflow.stages) == (JobState.FINISHED, tuple(Stage))
        results = list(flow.results.list(job))
        assert [result.state for result in results] == [
            TaskState.FINAL,
            TaskState.ABANDONED,
            *[TaskState.FINAL] * 2,
        ]
        assert {stage: made.replies for stage, made in results[2].stages.items()} == {
            Stage.LABEL: {"1": Choice("cat")},
            Stage.INSPECT: {"1": Choice("dog")},
            Stage.ACCEPT: {"1": Choice("dog")},
        }
        assert [made.outcome for made in results[0].provenance] == [
            *(Outcome.IMPORTED, Outcome.REVIEWED, Outcome.ACCEPTED)
        ]
        progress = flow.jobs.progress(job)
        assert (progress.total, progress.done, progress.abandoned, progress.corrected) == (
            4,
            4,
            1,
            0,
        )

    def test_exported_again_it_is_equal_key_by_key(self, flow: Flow) -> None:
        manifest = a_finished_manifest()
        job = read(flow, io.BytesIO(manifest))
        assert contents(exported(flow, job)) == contents(manifest)
        assert f'"label-{job.id}"'.encode() in manifest, "under the same id"

    def test_beside_the_job_itself_it_gets_an_id_of_its_own(self, flow: Flow) -> None:
        job = cats(flow)
        for name in ("ben", "cy"):
            labeled(flow, name, job)
        manifest = exported(flow, job)
        again = flow.jobs.import_results(
            "street", "again", template=CATS, data=io.BytesIO(manifest), by="ada"
        )
        assert again.id != job.id
        old, new = contents(manifest)[0], contents(exported(flow, again))[0]
        assert new == {**old, f"label-{again.id}": old[f"label-{job.id}"]}, (
            "every block of the row is kept"
        )

    def test_it_can_be_opened_again(self, flow: Flow) -> None:
        job = read(flow, io.BytesIO(a_finished_manifest()))
        flow.jobs.set_workforce(
            job, {Stage.LABEL: ["ben"], Stage.INSPECT: ["di"], Stage.ACCEPT: ["ada"]}, by="ada"
        )
        flow.packages.reopen((job.id, 1), by="ada", comment="a second look")
        assignment = taken(flow, "di", job, Stage.INSPECT)
        flow.modify(assignment, 1, Choice("dog"))
        flow.review(assignment)
        flow.accept(taken(flow, "ada", job, Stage.ACCEPT))
        assert flow.results.get((job.id, 1)).replies == {"1": Choice("dog")}
        assert flow.jobs.get(job).state is JobState.FINISHED

    def test_who_is_missing_is_said_before_anything_is_opened(self, flow: Flow) -> None:
        """It names nobody: so only the administrator may work, and would review their own work."""
        job = read(flow, io.BytesIO(a_finished_manifest()))

        def open_again() -> None:
            flow.jobs.reopen(job, where=Selection(package=1), by="ada")

        wanted = "cannot reopen: whoever may work at INSPECT must label too"
        is_refused(flow, Incomplete, wanted, open_again)
        flow.jobs.set_workforce(job, {Stage.LABEL: ["ben"], Stage.INSPECT: ["di"]}, by="ada")
        assert flow.jobs.reopen(job, where=Selection(package=1), by="ada").packages == 1
        flow.members.remove("street", "ben", by="ada")
        flow.members.remove("street", "di", by="ada")
        wanted = "cannot reopen: nobody may work at INSPECT"
        is_refused(flow, Incomplete, wanted, lambda: flow.packages.reopen((job.id, 2), by="ada"))

    def test_its_history_says_so(self, flow: Flow) -> None:
        job = read(flow, io.BytesIO(a_finished_manifest()))
        assert verbs(flow, job) == ["create_job", "load", "import", "import", "import"]

    def test_a_stage_that_the_first_rows_do_not_have_is_named(self, flow: Flow) -> None:
        data = contents(a_finished_manifest())
        job = next(key for key in data[0] if key != "data")
        del data[0][f"{job}-verify"], data[0][f"{job}-check"]
        with pytest.raises(InvalidData, match=r"task 3, inspect, : the workflow has no such stage"):
            read(flow, data)
        with pytest.raises(NotFound):
            flow.jobs.get("again")
        whole = Workflow(Label(), Inspect(), Accept())
        again = flow.jobs.import_results(
            "street", "again", template=CATS, data=data, workflow=whole, by="ada"
        )
        assert flow.jobs.progress(again).total == 4

    def test_bad_results_are_all_named_and_nothing_is_left_behind(self, flow: Flow) -> None:
        text = a_finished_manifest().replace(b'"cat"', b'"bird"')
        with pytest.raises(InvalidData) as refused:
            read(flow, io.BytesIO(text))
        assert refused.value.problems[0].where == "task 1, label, 1"
        assert refused.value.total == 7
        assert list(flow.jobs.list("street")) == []
        skipped = flow.jobs.import_results(
            "street", "again", template=CATS, data=io.BytesIO(text), on_error="skip", by="ada"
        )
        # task 3 too, of which only the label was bad: none of its stages is imported
        assert flow.jobs.progress(skipped).abandoned == 4

    def test_of_several_jobs_one_is_chosen(self, flow: Flow) -> None:
        block = {
            "results": [
                {
                    "questionId": "1",
                    "data": "cat",
                    "markTitle": "Single-choice",
                    "type": "survey/value",
                }
            ]
        }
        data = [{"data": {"source": "1.jpg"}, "label-7": block, "label-x9": block}]
        with pytest.raises(InvalidData, match="row 1: has results of the jobs 7, x9: pass of_job="):
            read(flow, data)
        job = flow.jobs.import_results(
            "street", "again", template=CATS, data=data, of_job="x9", by="ada"
        )
        (row,) = contents(exported(flow, job))
        assert list(row) == ["data", "label-7", "label-x9", job.label_key]

    @pytest.mark.parametrize(
        "id",
        [
            "9" * 5_000,
            "１５",
            "٣",
            "015",
            "0",
            "9223372036854775808",
            "1_5",
            "+15",
            " 15",
            "1e3",
            "15\u200b",
            "²",
        ],
        ids=lambda given: ascii(given)[:20],
    )
    def test_what_is_no_key_as_it_would_be_written_here_becomes_none(
        self, flow: Flow, id: str
    ) -> None:
        block = {
            "results": [
                {
                    "questionId": "1",
                    "data": "cat",
                    "markTitle": "Single-choice",
                    "type": "survey/value",
                }
            ]
        }
        job = read(flow, [{"data": {"source": "1.jpg"}, f"label-{id}": block}])
        assert str(job.id) != id
        assert job.id > 2**60 // 4, "a key of its own"
        (row,) = contents(exported(flow, job))
        assert list(row) == ["data", f"label-{id}", job.label_key]

    def test_the_greatest_key_is_one(self, flow: Flow) -> None:
        block = {
            "results": [
                {
                    "questionId": "1",
                    "data": "cat",
                    "markTitle": "Single-choice",
                    "type": "survey/value",
                }
            ]
        }
        job = read(flow, [{"data": {"source": "1.jpg"}, f"label-{2**63 - 1}": block}])
        assert job.id == 2**63 - 1

    def test_rows_without_any_result_are_for_jobs_create(self, flow: Flow) -> None:
        with pytest.raises(
            InvalidData, match=r"no results in the first 2 rows.*`jobs\.create` takes rows without"
        ):
            read(flow, rows(2))

    @pytest.mark.parametrize("path", WHOLE, ids=lambda path: path.name)
    def test_every_sample_comes_back_equal(self, flow: Flow, path: Path) -> None:
        text = path.read_text("utf-8")
        lines = [text] if path.suffix == ".json" else text.splitlines()
        data = [json.loads(line) for line in lines]
        template = itag.template_of(*data)
        street(flow)
        job = flow.jobs.import_results("street", "sample", template=template, data=data, by="ada")
        assert contents(exported(flow, job)) == data


def test_an_old_manifest_is_read_with_the_size_that_its_data_says() -> None:
    (row,) = formats.read("itag", SAMPLES / "legacy-v1" / "image-object-detection.output.jsonl")
    assert isinstance(row, Row)
    content = json.loads(row.text)
    content["data"] |= {"width": 1280, "height": 720}
    with itagflow.open("memory:") as flow:
        street(flow)
        job = flow.jobs.import_results(
            "street", "old", template=itag.template_of(content), data=[content], by="ada"
        )
        (result,) = flow.results.list(job)
        (regions,) = (result.replies or {}).values()
        assert (regions.width, regions.height) == (1280, 720)  # type: ignore[union-attr]


@pytest.mark.parametrize("name", sorted(ALL))
@quiet
@given(data=st.data())
def test_answers_survive_export_and_import_as_a_finished_job(
    name: str, data: st.DataObject
) -> None:
    template = ALL[name]
    answer = data.draw(replies(template))
    with itagflow.open("memory:") as flow, itagflow.open("memory:") as other:
        home = flow.workspaces.create("street", admin="ada")
        flow.members.add(home, "ben", Role.OPERATOR, by="ada")
        crew = {Stage.LABEL: ["ben"]}
        job = flow.jobs.create(
            home, "job", template=template, data=[a_row(template)], workforce=crew, by="ada"
        )
        assignment = taken(flow, "ben", job)
        flow.save(assignment, 1, answer)
        flow.submit(assignment)
        manifest = exported(flow, job)
        other.workspaces.create("street", admin="ada")
        again = other.jobs.import_results(
            "street", "again", template=template, data=io.BytesIO(manifest), by="ada"
        )
        (result,) = other.results.list(again)
        assert result.replies == {id: as_written(reply) for id, reply in answer.items()}
        assert contents(exported(other, again)) == contents(manifest)


def test_as_the_input_of_the_next_job_every_block_is_kept(flow: Flow) -> None:
    first = cats(flow, tasks=1)
    labeled(flow, "ben", first)
    manifest = exported(flow, first)
    crew = {Stage.LABEL: ["ben"]}
    second = flow.jobs.create(
        "street", "next", template=CATS, data=io.BytesIO(manifest), workforce=crew, by="ada"
    )
    labeled(flow, "ben", second, "dog")
    (row,) = contents(exported(flow, second))
    assert itag.parse(itag.result_in(row, job=str(first.id)), CATS) == {"1": Choice("cat")}
    assert itag.parse(itag.result_in(row), CATS) == {"1": Choice("dog")}


class TestAppending:
    """An imported job names nobody: what is added to it must be somebody's work."""

    def test_rows_that_nobody_could_finish_are_refused(self, flow: Flow) -> None:
        job = read(flow, io.BytesIO(a_finished_manifest()))
        before = list(flow.events.list(job))
        with pytest.raises(Incomplete, match="cannot append: whoever may work at INSPECT") as told:
            flow.jobs.append(job, rows(2), by="ada")
        assert "name somebody else" in str(told.value)
        with pytest.raises(Incomplete, match="cannot add: whoever may work at INSPECT"):
            flow.jobs.add(job, {"source": "5.jpg"}, by="ada")
        assert flow.jobs.get(job).state is JobState.FINISHED
        assert list(flow.events.list(job)) == before

        named = {"label": ["ben"], "inspect": ["di"], "accept": ["ada"]}
        flow.jobs.set_workforce(job, named, by="ada")
        flow.jobs.append(job, rows(2), by="ada")
        assert flow.jobs.get(job).state is JobState.RUNNING
        labeled(flow, "ben", job)
        flow.review(taken(flow, "di", job, Stage.INSPECT))
        flow.accept(taken(flow, "ada", job, Stage.ACCEPT))
        assert flow.jobs.get(job).state is JobState.FINISHED

    def test_rows_that_nobody_may_label_are_listed_in_a_job_that_runs(self, flow: Flow) -> None:
        job = read(flow, io.BytesIO(a_finished_manifest()))
        flow.jobs.set_workforce(job, {"inspect": ["di"], "accept": ["ada"]}, by="ada")
        flow.packages.reopen((job.id, 1), by="ada")  # for its reviews only
        flow.members.pause("street", "ada", by="ada")
        flow.jobs.append(job, rows(2), by="ada")
        (blocked,) = [each for each in flow.jobs.blocked(job) if each.stage is Stage.LABEL]
        assert blocked.package == 3
        assert blocked.reason == "1 more member must label it, and nobody can: ada is paused"
        assert flow.claim("ada", job, Stage.LABEL) is None

    def test_rows_that_are_all_known_change_nothing_and_need_nobody(self, flow: Flow) -> None:
        home, data = street(flow, "ben"), [{"data": {"source": "1.jpg"}}]
        job = flow.jobs.create(
            home,
            "cats",
            template=CATS,
            data=data,
            row_key="source",
            workflow=Workflow(Label(), Inspect()),
            workforce={"label": ["ben"], "inspect": ["ada"]},
            by="ada",
        )
        labeled(flow, "ben", job)
        flow.review(taken(flow, "ada", job, Stage.INSPECT))
        flow.members.remove(home, "ben", by="ada")
        assert flow.jobs.append(job, data, by="ada").known == 1
        assert flow.jobs.get(job).state is JobState.FINISHED
        with pytest.raises(Incomplete, match="cannot append"):
            flow.jobs.append(job, rows(2), by="ada")
