"""Pre-labels: what a model says first, what people make of it, and what needs no people at all."""

from __future__ import annotations

import io
import json
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from support import invariants
from support.scenes import cats, labeled, rows, street, taken, verbs

import itagflow
from itagflow import (
    Accept,
    Answer,
    Box,
    Choice,
    FixedSize,
    Flow,
    Inspect,
    InvalidData,
    Job,
    JobState,
    Label,
    NotAllowed,
    PackageState,
    PreLabel,
    Regions,
    Role,
    Stage,
    Task,
    TaskState,
    Template,
    Workflow,
    WrongState,
    prelabels,
    templates,
)
from itagflow.errors import Problem
from itagflow.model import Outcome
from itagflow.storage import Query

EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.fixture(params=["memory:", "labels.db"])
def flow(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Flow]:
    url = request.param if request.param == "memory:" else tmp_path / request.param
    with itagflow.open(url) as opened:
        yield opened
        invariants.check(opened)


def says(*scores: float, word: str = "cat") -> Any:
    """A model that says *word* with these scores, by number of the task."""
    return lambda tasks: [PreLabel(Choice(word), scores[task.number - 1], "vit") for task in tasks]


class TestPrefill:
    def test_people_see_it_and_put_it_right(self, flow: Flow) -> None:
        job = cats(flow, workflow=Workflow(Label(), Inspect()))
        report = flow.jobs.prelabel(job, says(0.9, 0.8, 0.7, 0.6), by="ada")
        assert (report.suggested, report.accepted) == (4, 0)
        assignment = taken(flow, "ben", job)
        first, second = flow.tasks(assignment)
        assert first.answer is None, "it counts as nothing until it is saved"
        assert first.prelabel is not None
        assert (first.prelabel.reply, first.prelabel.score, first.prelabel.model) == (
            Choice("cat"),
            0.9,
            "vit",
        )
        flow.save(assignment, first, first.prelabel.replies or {})
        flow.save(assignment, second, Choice("dog"))
        assert flow.jobs.progress(job).corrected == 0, "counted when the assignment ends"
        flow.submit(assignment)
        progress = flow.jobs.progress(job)
        assert (progress.prelabeled, progress.corrected) == (4, 1)
        assert [result.replies for result in flow.results.list(job)][:2] == [
            {"1": Choice("cat")},
            {"1": Choice("dog")},
        ]

    def test_a_assignment_is_not_handed_in_on_its_strength(self, flow: Flow) -> None:
        job = cats(flow)
        flow.jobs.prelabel(job, says(1, 1, 1, 1), by="ada")
        assignment = taken(flow, "ben", job)
        with pytest.raises(itagflow.Incomplete):
            flow.submit(assignment)
        assert {result.state for result in flow.results.list(job)} == {TaskState.TODO}

    def test_what_a_reviewer_changes_counts_as_corrected_too(self, flow: Flow) -> None:
        job = cats(flow, tasks=2, workflow=Workflow(Label(), Inspect()))
        flow.jobs.prelabel(job, says(0.9, 0.8), by="ada")
        labeled(flow, "ben", job)
        assignment = taken(flow, "di", job, Stage.INSPECT)
        flow.modify(assignment, 1, Choice("dog"))
        flow.review(assignment)
        assert flow.jobs.progress(job).corrected == 1

    def test_its_score_and_model_stay_known(self, flow: Flow) -> None:
        job = cats(flow, tasks=1)
        flow.jobs.prelabel(job, says(0.25), by="ada")
        labeled(flow, "ben", job)
        (result,) = flow.results.list(job)
        given, made = result.provenance
        assert (given.outcome, given.member, given.score, given.model) == (
            Outcome.SUGGESTED,
            None,
            0.25,
            "vit",
        )
        assert (made.outcome, made.score, made.model) == (Outcome.SUBMITTED, None, "")

    def test_with_votes_every_voter_sees_it(self, flow: Flow) -> None:
        job = cats(flow, tasks=1, workflow=Workflow(Label(votes=2, min_votes=2), Inspect()))
        flow.jobs.prelabel(job, says(0.9), by="ada")
        for name in ("ben", "cy"):
            assert next(flow.tasks(taken(flow, name, job))).prelabel is not None

    def test_in_rework_it_is_still_there_and_the_rejected_answer_is_shown(self, flow: Flow) -> None:
        job = cats(flow, tasks=1, workflow=Workflow(Label(), Inspect()))
        flow.jobs.prelabel(job, says(0.9), by="ada")
        labeled(flow, "ben", job, "dog")
        flow.reject(taken(flow, "di", job, Stage.INSPECT), comment="look again", whole=True)
        (work,) = flow.tasks(taken(flow, "ben", job))
        assert work.submitted is not None
        assert (work.submitted.reply, work.comment) == (Choice("dog"), "look again")
        assert work.prelabel is not None


class TestFormal:
    def test_a_package_goes_straight_to_review(self, flow: Flow) -> None:
        job = cats(flow, workflow=Workflow(Label(), Inspect(task_count=1), Accept()))
        report = flow.jobs.prelabel(job, says(1, 1, 1, 1), min_confidence=True, by="ada")
        assert (report.accepted, report.suggested) == (4, 0)
        assert flow.claim("ben", job, Stage.LABEL) is None
        assignment = taken(flow, "di", job, Stage.INSPECT)
        (work,) = flow.tasks(assignment)
        assert work.submitted is not None
        assert (work.submitted.reply, work.submitted.member) == (Choice("cat"), None)
        flow.review(assignment)
        flow.accept(taken(flow, "ada", job, Stage.ACCEPT))
        assert flow.results.get((job.id, 1)).state is TaskState.FINAL

    def test_without_a_review_the_job_is_done(self, flow: Flow) -> None:
        job = cats(flow)
        flow.jobs.prelabel(job, says(1, 1, 1, 1), min_confidence=True, by="ada")
        assert flow.jobs.get(job).state is JobState.FINISHED
        assert verbs(flow, job)[-3:] == ["prelabel", "prelabel", "finish"]

    def test_from_a_score_on_and_the_rest_is_labeled_by_people(self, flow: Flow) -> None:
        job = cats(flow, tasks=4, size=4, workflow=Workflow(Label(), Inspect()))
        report = flow.jobs.prelabel(job, says(0.9, 0.2, 0.5, 0.1), min_confidence=0.5, by="ada")
        assert (report.accepted, report.suggested) == (2, 2)
        assignment = taken(flow, "ben", job)
        works = list(flow.tasks(assignment))
        assert [work.task.number for work in works] == [2, 4], (
            "what counts as labeled is not asked again"
        )
        assert all(work.prelabel for work in works)
        flow.save_many(assignment, [(work, Choice("dog")) for work in works])
        flow.submit(assignment)
        assert [result.replies for result in flow.results.list(job)] == [
            {"1": Choice(word)} for word in ("cat", "dog", "cat", "dog")
        ]
        assert flow.jobs.progress(job).corrected == 2
        flow.review(taken(flow, "di", job, Stage.INSPECT))
        assert flow.jobs.get(job).state is JobState.FINISHED

    def test_rejected_it_goes_to_people(self, flow: Flow) -> None:
        job = cats(flow, tasks=2, workflow=Workflow(Label(), Inspect()))
        flow.jobs.prelabel(job, says(1, 1), min_confidence=True, by="ada")
        assignment = taken(flow, "di", job, Stage.INSPECT)
        flow.judge(assignment, 2, wrong="that is a dog")
        flow.reject(assignment)
        again = taken(flow, "ben", job)
        (work,) = flow.tasks(again)
        assert (work.task.number, work.comment) == (2, "that is a dog")
        flow.save(again, work, Choice("dog"))
        flow.submit(again)
        assert [reply.key for reply in _replies(flow, job)] == ["cat", "dog"]

    def test_no_vote_is_asked_for_what_counts_as_labeled(self, flow: Flow) -> None:
        job = cats(flow, tasks=1, workflow=Workflow(Label(votes=2, min_votes=2), Inspect()))
        flow.jobs.prelabel(job, says(1), min_confidence=True, by="ada")
        assert next(flow.packages.list(job)).state is PackageState.INSPECT
        flow.review(taken(flow, "di", job, Stage.INSPECT))
        assert flow.results.get((job.id, 1)).state is TaskState.FINAL

    def test_in_a_draft_before_anybody_can_claim(self, flow: Flow) -> None:
        home = street(flow, "ben", "di")
        job = flow.jobs.create(
            home,
            "drafted",
            template=templates.image_classification(["cat", "dog"]),
            data=rows(2),
            packaging=FixedSize(1),
            by="ada",
            draft=True,
        )
        flow.jobs.prelabel(job, says(1, 0.1), min_confidence=0.5, by="ada")
        with pytest.raises(NotAllowed, match="publish it, then append"):
            flow.jobs.load(job, rows(3), by="ada")
        assert flow.jobs.publish(job, by="ada").state is JobState.RUNNING
        assert [package.state.value for package in flow.packages.list(job)] == ["done", "label"]

    def test_a_draft_in_which_nothing_is_left_is_finished_when_published(self, flow: Flow) -> None:
        home = street(flow)
        asked = templates.image_classification(["cat", "dog"])
        job = flow.jobs.create(home, "drafted", template=asked, data=rows(2), by="ada", draft=True)
        flow.jobs.prelabel(job, says(1, 1), min_confidence=True, by="ada")
        assert flow.jobs.get(job).state is JobState.DRAFT
        assert flow.jobs.publish(job, by="ada").state is JobState.FINISHED


def _replies(flow: Flow, job: Job) -> list[Any]:
    return [next(iter((result.replies or {}).values())) for result in flow.results.list(job)]


class TestTheModel:
    def test_it_gets_batches(self, flow: Flow) -> None:
        job, seen = cats(flow, tasks=10, size=3), list[list[int]]()

        def predict(tasks: Sequence[Task]) -> list[Choice]:
            seen.append([task.number for task in tasks])
            return [Choice("cat")] * len(tasks)

        assert flow.jobs.prelabel(job, predict, batch=4, model="m1", by="ada").suggested == 10
        assert [len(batch) for batch in seen] == [4, 2, 4]
        assert sorted(number for batch in seen for number in batch) == list(range(1, 11))
        assert next(flow.results.list(job)).provenance[0].model == "m1"

    def test_it_may_fail_row_by_row(self, flow: Flow) -> None:
        job = cats(flow)

        def predict(tasks: Sequence[Task]) -> list[Any]:
            ways: list[Any] = [
                Choice("cat"),
                None,
                Problem("2.jpg", "is broken"),
                RuntimeError("no memory"),
            ]
            return [ways[task.number - 1] for task in tasks]

        report = flow.jobs.prelabel(job, predict, by="ada")
        assert (report.suggested, report.no_prediction, report.failed) == (1, 1, 2)
        assert [str(problem) for problem in report.problems] == [
            "2.jpg: is broken",
            "task 4: the model failed: RuntimeError: no memory",
        ]

    def test_one_bad_row_does_not_cost_the_batch(self, flow: Flow) -> None:
        job = cats(flow)

        def predict(tasks: Sequence[Task]) -> list[Choice]:
            if any(task.data["source"] == "3.jpg" for task in tasks):
                raise ValueError("3.jpg is no image")
            return [Choice("cat")] * len(tasks)

        report = flow.jobs.prelabel(job, predict, by="ada")
        assert (report.suggested, report.failed) == (3, 1)
        assert report.problems == (
            Problem("task 3", "the model failed: ValueError: 3.jpg is no image"),
        )

    def test_what_does_not_fit_the_template_is_left_out(self, flow: Flow) -> None:
        job = cats(flow, tasks=2)

        def predict(tasks: Sequence[Task]) -> list[Any]:
            return [
                Choice("bird") if task.number == 1 else PreLabel(Choice("cat"), float("nan"))
                for task in tasks
            ]

        report = flow.jobs.prelabel(job, predict, by="ada")
        assert [problem.where for problem in report.problems] == ["task 1, 1", "task 2, score"]
        assert (report.failed, flow.jobs.progress(job).prelabeled) == (2, 0)

    def test_too_few_answers_are_a_mistake_in_the_program(self, flow: Flow) -> None:
        job = cats(flow)
        with pytest.raises(InvalidData, match="the model returned 1 for 4 tasks"):
            flow.jobs.prelabel(job, lambda tasks: [Choice("cat")], by="ada")
        assert flow.jobs.progress(job).prelabeled == 0

    def test_it_is_not_asked_twice(self, flow: Flow) -> None:
        job = cats(flow)
        flow.jobs.prelabel(
            job, lambda tasks: [None if t.number == 2 else Choice("cat") for t in tasks], by="ada"
        )
        seen = list[int]()
        flow.jobs.prelabel(
            job, lambda tasks: [seen.append(task.number) for task in tasks], by="ada"
        )
        assert seen == [2]

    def test_it_leaves_people_alone(self, flow: Flow) -> None:
        job = cats(flow, workflow=Workflow(Label(), Inspect()))
        assignment = taken(flow, "ben", job)
        report = flow.jobs.prelabel(job, says(1, 1, 1, 1), min_confidence=True, by="ada")
        assert (report.accepted, report.in_progress) == (2, 2)
        assert flow.assignments.get(assignment).live

    def test_no_block_is_open_while_it_thinks(self, flow: Flow) -> None:
        job = cats(flow)
        other = flow.jobs.create(
            "street", "other", template=flow.jobs.get(job).template, data=rows(1), by="ada"
        )
        flow.jobs.prelabel(
            job,
            lambda tasks: [flow.jobs.progress(other) and Choice("cat") for _ in tasks],
            by="ada",
        )

    def test_somebody_may_be_faster_than_it(self, flow: Flow) -> None:
        job = cats(flow)

        def predict(tasks: Sequence[Task]) -> list[Choice]:
            flow.claim("ben", job, Stage.LABEL)
            return [Choice("cat")] * len(tasks)

        report = flow.jobs.prelabel(job, predict, batch=100, by="ada")
        assert (report.suggested, report.in_progress) == (2, 2)

    def test_only_administrators_may_and_only_while_the_job_goes_on(self, flow: Flow) -> None:
        job = cats(flow)
        with pytest.raises(NotAllowed):
            flow.jobs.prelabel(job, says(1, 1, 1, 1), by="ben")
        flow.jobs.archive(job, by="ada")
        with pytest.raises(WrongState):
            flow.jobs.prelabel(job, says(1, 1, 1, 1), by="ada")


class TestRealBoxes:
    """The 100 images of COCO with somebody's detections, as a detection job."""

    def test_the_sure_ones_count_and_the_others_are_suggested(self, flow: Flow) -> None:
        found = defaultdict[int, list[Any]](list)
        for one in json.loads((EXAMPLES / "data" / "coco_boxes.json").read_text()):
            if min(one["bbox"][2:]) > 0:
                found[one["image_id"]].append(one)
        size = {
            image: tuple(
                max(int(b["bbox"][at] + b["bbox"][at + 2]) + 1 for b in boxes) for at in (0, 1)
            )
            for image, boxes in found.items()
        }

        def detect(tasks: Sequence[Task]) -> Iterator[PreLabel]:
            for task in tasks:
                boxes, (width, height) = found[task.data["image"]], size[task.data["image"]]
                regions = [Box(*box["bbox"], label=str(box["category_id"])) for box in boxes]
                yield PreLabel(
                    Regions(regions, width=width, height=height),
                    min(box["score"] for box in boxes),
                    "fake",
                )

        home = flow.workspaces.create("coco", admin="ada")
        flow.members.add(home, "ben", Role.OPERATOR, by="ada")
        kinds = sorted({str(box["category_id"]) for boxes in found.values() for box in boxes})
        job = flow.jobs.create(
            home,
            "boxes",
            template=templates.object_detection(kinds),
            data=[{"data": {"source": f"{image:012}.jpg", "image": image}} for image in found],
            workflow=Workflow(Label(), Inspect()),
            packaging=FixedSize(5),
            workforce={Stage.LABEL: ["ben"], Stage.INSPECT: ["ada"]},
            by="ada",
            draft=True,
        )
        report = flow.jobs.prelabel(job, detect, min_confidence=0.5, by="ada")
        flow.jobs.publish(job, by="ada")
        sure = {
            image for image, boxes in found.items() if all(box["score"] >= 0.5 for box in boxes)
        }
        assert 0 < len(sure) < len(found)
        assert (report.accepted, report.suggested, report.failed) == (
            len(sure),
            len(found) - len(sure),
            0,
        )
        results = list(flow.results.list(job))
        answered = [result for result in results if result.state is TaskState.ANSWERED]
        assert {result.task.data["image"] for result in answered} == sure
        marked = sum(len(result.replies["1"].regions) for result in answered if result.replies)  # type: ignore[union-attr]
        assert marked == sum(len(found[image]) for image in sure)
        straight = [p for p in flow.packages.list(job) if p.state is PackageState.INSPECT]
        by_package = defaultdict[int, list[bool]](list)
        for result in results:
            by_package[result.task.package].append(result.task.data["image"] in sure)
        assert {p.number for p in straight} == {
            number for number, all_sure in by_package.items() if all(all_sure)
        }
        while assignment := flow.claim("ben", job, Stage.LABEL):
            for work in flow.tasks(assignment):
                assert work.prelabel is not None
                flow.save(assignment, work, work.prelabel.replies or {})
            flow.submit(assignment)
        assert flow.jobs.progress(job).corrected == 0
        assert sum(len(r.replies["1"].regions) for r in flow.results.list(job) if r.replies) == sum(
            map(len, found.values())
        )  # type: ignore[union-attr]


class TestSources:
    def a_draft(self, flow: Flow, data: Any, template: Any = None, **more: Any) -> Job:
        flow.workspaces.create("street", admin="ada")
        asked = template or templates.image_classification(["cat", "dog"])
        return flow.jobs.create(
            "street", "drafted", template=asked, data=data, by="ada", draft=True, **more
        )

    def prelabels(self, flow: Flow, job: Job) -> list[Any]:
        with flow.store.read() as reader:
            said = {
                answer.task: answer.reply for answer in reader.find(Query(Answer, {"job": job.id}))
            }
        return [said.get(number) for number in range(1, flow.jobs.progress(job).total + 1)]

    def test_a_field_of_the_row_by_the_title_of_its_question(self, flow: Flow) -> None:
        cells = [("cat", "0.9"), ("", ""), ("dog", "x"), ("bird", "")]
        rows = [
            {"data": {"source": f"{n}.jpg", "label": label, "sure": sure}}
            for n, (label, sure) in enumerate(cells)
        ]
        job = self.a_draft(flow, rows)
        asked = flow.jobs.get(job).template
        with flow.store.read() as reader:
            template = reader.get(Template, (asked,))
        predict = prelabels.from_fields(
            template, {"Single-choice": "label"}, score="sure", model="guess"
        )
        report = flow.jobs.prelabel(job, predict, by="ada")
        assert (report.suggested, report.no_prediction, report.failed) == (1, 1, 2)
        assert [problem.where for problem in report.problems] == ["task 3, data.sure", "task 4, 1"]
        assert self.prelabels(flow, job) == [Choice("cat"), None, None, None]

    def test_a_field_for_a_question_that_is_not_there(self) -> None:
        with pytest.raises(InvalidData, match="Kind: is no question; there are 'Single-choice'"):
            prelabels.from_fields(templates.image_classification(["cat"]), {"Kind": "label"})

    def test_the_columns_of_itags_csv(self, flow: Flow) -> None:
        text = "source,结果字段-单选\n1.jpg,cat\n2.jpg,\n"
        template = templates.image_classification(["cat", "dog"], title="单选")
        job = self.a_draft(flow, io.BytesIO(text.encode()), template, format="csv")
        assert flow.jobs.prelabel(job, prelabels.from_fields(template), by="ada").suggested == 1
        assert self.prelabels(flow, job) == [Choice("cat"), None]

    def test_export_as_csv_and_come_back_as_pre_labels(self, flow: Flow) -> None:
        first = cats(flow, tasks=2)
        labeled(flow, "ben", first, "dog")
        target = io.BytesIO()
        flow.results.export(first, "csv", target)
        template = templates.image_classification(["cat", "dog"])
        again = flow.jobs.create(
            "street",
            "again",
            template=template,
            data=io.BytesIO(target.getvalue()),
            format="csv",
            by="ada",
            draft=True,
        )
        assert (
            flow.jobs.prelabel(
                again, prelabels.from_fields(template), min_confidence=True, by="ada"
            ).accepted
            == 2
        )
        assert self.prelabels(flow, again) == [Choice("dog"), Choice("dog")]

    def test_the_blocks_that_rows_came_with(self, flow: Flow) -> None:
        template = templates.image_classification(["cat", "dog"])
        job = self.a_draft(
            flow, [_row(1, "cat", "dog"), _row(2, "cat"), {"data": {"source": "3.jpg"}}], template
        )
        assert (
            flow.jobs.prelabel(
                job, prelabels.from_blocks(template, model="iTAG"), by="ada"
            ).suggested
            == 2
        )
        assert self.prelabels(flow, job) == [Choice("dog"), Choice("cat"), None]

    def test_of_the_stage_that_is_named(self, flow: Flow) -> None:
        template = templates.image_classification(["cat", "dog"])
        job = self.a_draft(flow, [_row(1, "cat", "dog")], template)
        flow.jobs.prelabel(
            job, prelabels.from_blocks(template, job="15", stage=Stage.LABEL), by="ada"
        )
        assert self.prelabels(flow, job) == [Choice("cat")]

    def test_a_block_of_another_shape_is_named_with_its_place(self, flow: Flow) -> None:
        template = templates.object_detection(["cat"])
        job = self.a_draft(flow, [_row(1, "cat")], template)
        report = flow.jobs.prelabel(job, prelabels.from_blocks(template), by="ada")
        assert [str(problem) for problem in report.problems] == [
            "task 1, results[0].type: must be 'image' for 'Object detection label configuration', not 'survey/value'"
        ]

    @pytest.mark.parametrize("format", ["itag", "csv"])
    def test_an_earlier_export_joined_by_a_field(self, flow: Flow, format: str) -> None:
        template = templates.image_classification(["cat", "dog"])
        first = cats(flow, tasks=4)
        labeled(flow, "ben", first, "dog")
        target = io.BytesIO()
        flow.results.export(first, format, target)
        data = [{"data": {"source": name}} for name in ("2.jpg", "9.jpg", "1.jpg", "3.jpg")]
        job = flow.jobs.create(
            "street", "again", template=template, data=data, by="ada", draft=True
        )
        predict = prelabels.from_export(
            template, io.BytesIO(target.getvalue()), format=format, model="round 1"
        )
        assert flow.jobs.prelabel(job, predict, by="ada").suggested == 2
        assert self.prelabels(flow, job) == [Choice("dog"), None, Choice("dog"), None]

    def test_an_export_that_cannot_be_joined_is_refused(self) -> None:
        template = templates.image_classification(["cat", "dog"])
        lines = [
            json.dumps(_row(1, "cat")),
            "{",
            json.dumps(_row(1, "dog")),
            '{"data": {"url": "x"}}',
        ]
        with pytest.raises(InvalidData) as refused:
            prelabels.from_export(template, io.BytesIO("\n".join(lines).encode()))
        assert [problem.where for problem in refused.value.problems] == [
            "line 2, ",
            "line 3, data.source",
            "line 4, data.source",
        ]


def _row(number: int, *words: str) -> dict[str, Any]:
    blocks = {}
    for suffix, word in zip(("", "-check", "-verify"), words, strict=False):
        element = {
            "questionId": "1",
            "data": word,
            "markTitle": "Single-choice",
            "type": "survey/value",
        }
        blocks[f"label-15{suffix}"] = {"results": [element]}
    return {"data": {"source": f"{number}.jpg"}, **blocks}
