"""Predictions: scores that are scores, several for a task, a report that adds up."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from enum import IntEnum
from fractions import Fraction
from numbers import Real
from pathlib import Path
from typing import Any

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support import invariants
from support.corruptions import altered
from support.naming import describe
from support.scenes import cats, labeled, rows, taken

import itagflow
from itagflow import (
    Answer,
    Choice,
    Flow,
    Inspect,
    InvalidData,
    Job,
    Label,
    PreLabel,
    Stage,
    Task,
    TaskState,
    Workflow,
    maintenance,
    prelabels,
    templates,
)
from itagflow.errors import Conflict, NotRegistered, Problem
from itagflow.model import Outcome, PrelabelReport
from itagflow.storage import Query

COUNTS = [
    field.name for field in attrs.fields(PrelabelReport) if field.name not in ("tasks", "problems")
]


class Half:
    """A number of halves, of a library's own kind, as NumPy's `float32` is one."""

    def __init__(self, count: int) -> None:
        self.count = count

    def __float__(self) -> float:
        return self.count / 2


Real.register(Half)


class Bit(IntEnum):
    ONE = 1


def says(word: str, score: float | None = None, **model: str) -> Callable[[Sequence[Task]], Any]:
    return lambda tasks: [PreLabel(Choice(word), score, **model) for _ in tasks]


def total(report: PrelabelReport) -> int:
    return sum(getattr(report, name) for name in COUNTS)


class TestScores:
    """`true` counts as 1.0, "1_0" as 10; 12 (percent) passes 0.9."""

    @pytest.mark.parametrize(
        "score",
        [True, False, "0.9", "1_0", 12, 93.0, -0.1, 1.0000001, 10**400, float("nan"),
         float("inf"), Half(4), 1j, [0.5], b"1"],
        ids=describe,
    )  # fmt: skip
    def test_what_is_no_score_is_refused(self, score: Any) -> None:
        with pytest.raises(InvalidData, match=r"the prelabel: score: must be .*from 0 to 1"):
            PreLabel(Choice("cat"), score)

    @pytest.mark.parametrize(
        ("score", "kept"),
        [
            (0, 0.0),
            (1, 1.0),
            (0.25, 0.25),
            (Half(1), 0.5),
            (Bit.ONE, 1.0),
            (Fraction(1, 4), 0.25),
            (None, None),
        ],
        ids=describe,
    )
    def test_a_score_of_any_kind_is_a_float(self, score: Any, kept: float | None) -> None:
        made = PreLabel(Choice("cat"), score).score
        assert (made, type(made)) == (kept, type(kept))

    def test_a_model_that_says_percent_fails_on_that_task_alone(self, flow: Flow) -> None:
        job = cats(flow)
        scores = {1: 0.9, 2: 93, 3: 0.95, 4: True}

        def predict(tasks: Sequence[Task]) -> list[Any]:
            return [PreLabel(Choice("cat"), scores[task.number]) for task in tasks]

        report = flow.jobs.prelabel(job, predict, min_confidence=0.9, by="ada")
        assert (report.accepted, report.failed) == (2, 2)
        assert [problem.where for problem in report.problems] == ["task 2, score", "task 4, score"]

    @pytest.mark.parametrize("cell", [True, "1_0", "12", 12, "nan", "٠.٥", "0.9%", [1], "0x1"])
    def test_a_field_that_holds_no_score_fails(self, cell: Any) -> None:
        with itagflow.open("memory:") as flow:
            data = [{"data": {"source": "1.jpg", "guess": "cat", "sure": cell}}]
            job = cats(flow, data=data)
            predict = prelabels.from_fields(
                flow.templates.get(job), {"Single-choice": "guess"}, score="sure"
            )
            report = flow.jobs.prelabel(job, predict, min_confidence=True, by="ada")
        assert (report.failed, report.accepted) == (1, 0)
        assert report.problems[0].where == "task 1, data.sure"

    @pytest.mark.parametrize(("cell", "score"), [("0.5", 0.5), ("1", 1.0), ("5e-1", 0.5), (0, 0.0)])
    def test_a_field_may_hold_it_as_text(self, cell: Any, score: float) -> None:
        with itagflow.open("memory:") as flow:
            data = [{"data": {"source": "1.jpg", "guess": "cat", "sure": cell}}]
            job = cats(flow, data=data)
            predict = prelabels.from_fields(
                flow.templates.get(job), {"Single-choice": "guess"}, score="sure"
            )
            flow.jobs.prelabel(job, predict, by="ada")
            (item,) = flow.tasks(taken(flow, "ben", job))
            assert item.prelabel is not None
            assert item.prelabel.score == score

    @pytest.mark.parametrize("given", [90, "0.9", -1, float("nan"), None, [0.9], 10**400])
    def test_so_must_min_confidence_be(self, given: Any) -> None:
        with itagflow.open("memory:") as flow:
            job = cats(flow)
            with pytest.raises(InvalidData, match="min_confidence: must be"):
                flow.jobs.prelabel(job, says("cat", 0.95), min_confidence=given, by="ada")
            assert flow.jobs.progress(job).prelabeled == 0

    @pytest.mark.parametrize("name", [None, 5, "a\0", b"vit"])
    def test_a_model_has_a_name_that_can_be_stored(self, name: Any) -> None:
        for wrong in ({"model": name}, {"model_version": name}):
            with pytest.raises(InvalidData, match=next(iter(wrong))):
                PreLabel(Choice("cat"), **wrong)
            with itagflow.open("memory:") as flow:
                job = cats(flow)
                with pytest.raises(InvalidData, match=next(iter(wrong))):
                    flow.jobs.prelabel(job, says("cat"), by="ada", **wrong)


class TestArguments:
    @pytest.mark.parametrize("wrong", [None, 5, "vit", [Choice("cat")]], ids=describe)
    def test_a_model_can_be_called(self, wrong: Any) -> None:
        with itagflow.open("memory:") as flow:
            job = cats(flow)
            with pytest.raises(InvalidData, match="predict: must be a function"):
                flow.jobs.prelabel(job, wrong, by="ada")
            if wrong is not None:
                with pytest.raises(InvalidData, match="progress: must be a function"):
                    flow.jobs.prelabel(job, says("cat"), progress=wrong, by="ada")
            assert flow.jobs.progress(job).prelabeled == 0

    @pytest.mark.parametrize("wrong", [None, 5, "template", ["a"]], ids=describe)
    def test_sources_refuse_what_they_cannot_read(self, wrong: Any) -> None:
        template = templates.image_classification(["cat", "dog"])
        for call in (
            lambda: prelabels.from_fields(wrong),
            lambda: prelabels.from_blocks(wrong),
            lambda: prelabels.from_export(wrong, b""),  # type: ignore[arg-type]
        ):
            with pytest.raises(InvalidData, match="template: must be a Template"):
                call()
        if wrong is not None and not isinstance(wrong, str):
            for name in ("fields", "score", "model"):
                with pytest.raises(InvalidData, match=name):
                    prelabels.from_fields(template, **{name: wrong})
            for name in ("job", "stage", "model"):
                with pytest.raises(InvalidData, match=name):
                    prelabels.from_blocks(template, **{name: wrong})
            with pytest.raises(InvalidData, match="fields, 'Single-choice'"):
                prelabels.from_fields(template, {"Single-choice": wrong})


class TestSeveral:
    def test_of_each_model_and_version_and_the_newest_is_shown(self, flow: Flow) -> None:
        job = cats(flow, tasks=2)
        for word, score, version in (("cat", 0.6, "1"), ("dog", 0.7, "2")):
            report = flow.jobs.prelabel(
                job, says(word, score), model="vit", model_version=version, by="ada"
            )
            assert (report.suggested, report.tasks) == (2, 2)
        flow.jobs.prelabel(job, says("cat", 0.5), model="clip", by="ada")
        assert flow.jobs.progress(job).prelabeled == 2, "tasks are counted, not predictions"
        held = taken(flow, "ben", job)
        (item, _) = flow.tasks(held)
        assert [(a.reply, a.score, a.model, a.model_version) for a in item.predictions] == [
            (Choice("cat"), 0.6, "vit", "1"),
            (Choice("dog"), 0.7, "vit", "2"),
            (Choice("cat"), 0.5, "clip", ""),
        ]
        assert item.prelabel == item.predictions[-1]
        chosen = [
            ("vit", None, item.predictions[1]),
            ("vit", "1", item.predictions[0]),
            (None, "2", item.predictions[1]),
            ("clip", "", item.predictions[2]),
            ("vit", "9", None),
        ]
        for model, version, shown in chosen:
            (first, _) = flow.tasks(held, model=model, model_version=version)
            assert first.prelabel == shown
            assert first.predictions == item.predictions

    def test_results_say_where_each_came_from(self, flow: Flow) -> None:
        job = cats(flow, tasks=1)
        flow.jobs.prelabel(job, says("cat", 0.6), model="vit", model_version="1", by="ada")
        flow.jobs.prelabel(job, says("dog", 0.9), model="vit", model_version="2", by="ada")
        labeled(flow, "ben", job)
        (result,) = flow.results.list(job)
        assert [(p.outcome, p.score, p.model, p.model_version) for p in result.provenance] == [
            (Outcome.SUGGESTED, 0.6, "vit", "1"),
            (Outcome.SUGGESTED, 0.9, "vit", "2"),
            (Outcome.SUBMITTED, None, "", ""),
        ]

    def test_the_same_model_again_changes_nothing_and_is_not_called(self, flow: Flow) -> None:
        job, calls = cats(flow), list[int]()

        def predict(tasks: Sequence[Task]) -> list[Any]:
            calls.append(len(tasks))
            return [Choice("cat") if task.number < 4 else None for task in tasks]

        for _ in range(2):
            report = flow.jobs.prelabel(job, predict, model="vit", model_version="1", by="ada")
        assert calls == [4, 1], "only for the task that it said nothing about"
        assert (report.already_predicted, report.no_prediction, total(report)) == (3, 1, 4)

    def test_without_a_name_it_fills_in_what_no_model_has_predicted(self, flow: Flow) -> None:
        job = cats(flow)
        flow.jobs.prelabel(job, says("cat"), model="vit", by="ada")
        report = flow.jobs.prelabel(job, says("dog"), by="ada")
        assert (report.already_predicted, report.tasks) == (4, 4)

    def test_what_counts_as_labeled_stays_the_label(self, flow: Flow) -> None:
        job = cats(flow, tasks=4, size=4, workflow=Workflow(Label(), Inspect()))
        first = flow.jobs.prelabel(
            job,
            lambda tasks: [PreLabel(Choice("cat"), 1 / task.number) for task in tasks],
            model="a",
            min_confidence=0.4,
            by="ada",
        )
        assert (first.accepted, first.suggested) == (2, 2)
        second = flow.jobs.prelabel(job, says("dog"), model="b", min_confidence=True, by="ada")
        assert (second.accepted, second.already_predicted, second.tasks) == (2, 2, 4)
        assert [result.replies for result in flow.results.list(job)] == [
            {"1": Choice(word)} for word in ("cat", "cat", "dog", "dog")
        ]
        assert flow.jobs.progress(job).prelabeled == 4

    def test_two_processes_with_one_model_store_one_prediction(self, flow: Flow) -> None:
        job = cats(flow, tasks=2)

        def predict(tasks: Sequence[Task]) -> list[Any]:
            flow.jobs.prelabel(job, says("cat"), model="vit", by="ada")
            return [Choice("dog") for _ in tasks]

        report = flow.jobs.prelabel(job, predict, model="vit", by="ada")
        assert (report.already_predicted, report.suggested, report.tasks) == (2, 0, 2)
        (item, _) = flow.tasks(taken(flow, "ben", job))
        assert [answer.reply for answer in item.predictions] == [Choice("cat")]

    def test_an_event_says_what_was_predicted(self, flow: Flow) -> None:
        job = cats(flow, tasks=2)
        flow.jobs.prelabel(
            job,
            lambda tasks: [PreLabel(Choice("cat"), 1 / (task.number + 1)) for task in tasks],
            model="vit",
            model_version="2",
            min_confidence=0.5,
            by="ada",
        )
        (event,) = (event for event in flow.events.list(job) if event.type == "prelabel")
        known = {"model": "vit", "model_version": "2"}
        assert event.data == {
            "accepted": [1],
            "suggested": [2],
            "predictions": {"1": {**known, "score": 0.5}, "2": {**known, "score": 1 / 3}},
        }

    def test_they_are_copied_and_erased_with_the_task(self, flow: Flow, tmp_path: Path) -> None:
        job = cats(flow, tasks=2)
        flow.jobs.prelabel(job, says("cat", 0.6), model="a", by="ada")
        flow.jobs.prelabel(job, says("dog", 0.7), model="b", by="ada")
        maintenance.erase_task(flow, (job.id, 1), by="ada")
        with flow.store.read() as reader:
            answers = list(reader.find(Query(Answer, {"job": job.id}, order=("task",))))
        assert [(answer.task, answer.erased) for answer in answers] == [
            (1, True),
            (1, True),
            (2, False),
            (2, False),
        ]
        assert [answer.replies for answer in answers if answer.erased] == [{}, {}]
        report = flow.jobs.prelabel(job, says("dog", 0.7), model="c", by="ada")
        assert (report.erased, report.suggested, report.tasks) == (1, 1, 2)
        with itagflow.open(tmp_path / "copy.db") as other:
            maintenance.copy(flow, to=other.store)
            with other.store.read() as reader:
                copied = list(reader.find(Query(Answer, {"job": job.id}, order=("task",))))
            assert {answer.key: answer for answer in copied}.items() >= {
                answer.key: answer for answer in answers
            }.items()
            invariants.check(other)


class TestVerify:
    @pytest.fixture
    def job(self, flow: Flow) -> Job:
        job = cats(flow, tasks=1)
        flow.jobs.prelabel(job, says("cat", 0.6), model="a", by="ada")
        flow.jobs.prelabel(job, says("cat", 0.7), model="b", by="ada")
        return job

    def spoil(self, flow: Flow, job: Job, **fields: Any) -> list[str]:
        with flow.store.read() as reader:
            answers = list(reader.find(Query(Answer, {"job": job.id}, order=("assignment",))))
        altered(flow, answers[0], **fields)
        found = [str(inconsistency) for inconsistency in maintenance.verify(flow)]
        altered(flow, attrs.evolve(answers[0], **fields), **attrs.asdict(answers[0], recurse=False))
        return found

    def test_a_score_that_is_none(self, flow: Flow, job: Job) -> None:
        (found,) = self.spoil(flow, job, score=12.0)
        assert found.endswith("score is 12.0, and should be from 0 to 1")

    def test_two_predictions_of_one_model(self, flow: Flow, job: Job) -> None:
        (found,) = self.spoil(flow, job, model="b")
        assert "predictions of model 'b', version '', for task 1 is 2, and should be 1" in found


class TestTheValidator:
    """It is asked for predictions that count as labels, and for no others."""

    @pytest.fixture
    def seen(self) -> list[int]:
        return []

    @pytest.fixture
    def judged(self, url: str, seen: list[int]) -> Iterator[Flow]:
        def no_dogs(task: Task, replies: Any) -> Iterator[Problem]:
            seen.append(task.number)
            if replies["1"] == Choice("dog"):
                yield Problem("1", "there are no dogs here")

        validators = {"no_dogs": no_dogs, "none": lambda task, replies: []}
        with itagflow.open(url, validators=validators) as flow:
            yield flow
            invariants.check(flow)

    def predict(self, tasks: Sequence[Task]) -> list[PreLabel]:
        words = {1: ("cat", 0.9), 2: ("dog", 0.9), 3: ("dog", 0.1), 4: ("cat", 0.1)}
        return [PreLabel(Choice(words[t.number][0]), words[t.number][1]) for t in tasks]

    def test_it_is_asked_for_labels(self, judged: Flow, seen: list[int]) -> None:
        job = cats(judged, size=4, validator="no_dogs", workflow=Workflow(Label(), Inspect()))
        report = judged.jobs.prelabel(job, self.predict, min_confidence=0.5, by="ada")
        assert (report.accepted, report.suggested, report.failed) == (1, 2, 1)
        assert report.problems == (Problem("task 2, 1", "there are no dogs here"),)
        assert seen == [1, 2]
        held = taken(judged, "ben", job)
        assert [item.task.number for item in judged.tasks(held)] == [2, 3, 4]

    def test_and_not_for_suggestions(self, judged: Flow, seen: list[int]) -> None:
        job = cats(judged, validator="no_dogs")
        assert judged.jobs.prelabel(job, self.predict, by="ada").suggested == 4
        assert seen == []

    def test_a_process_without_it_cannot_make_labels(self, tmp_path: Path) -> None:
        path, calls = tmp_path / "labels.db", list[int]()

        def predict(tasks: Sequence[Task]) -> list[PreLabel]:
            calls.append(len(tasks))
            return [PreLabel(Choice("cat"), 1.0) for _ in tasks]

        with itagflow.open(path, validators={"none": lambda task, replies: []}) as flow:
            job = cats(flow, validator="none")
        with itagflow.open(path) as flow:
            with pytest.raises(NotRegistered):
                flow.jobs.prelabel(job, predict, min_confidence=0.9, by="ada")
            assert calls == [], "refused before the model has worked"
            assert flow.jobs.prelabel(job, predict, by="ada").suggested == 4

    def test_a_job_that_gets_another_one_meanwhile(self, judged: Flow) -> None:
        job = cats(judged, tasks=1, validator="none")

        def predict(tasks: Sequence[Task]) -> list[PreLabel]:
            judged.jobs.set_validator(job, "no_dogs", by="ada")
            return [PreLabel(Choice("dog"), 1.0) for _ in tasks]

        with pytest.raises(Conflict):
            judged.jobs.prelabel(job, predict, min_confidence=True, by="ada")
        assert {result.state for result in judged.results.list(job)} == {TaskState.TODO}


class History:
    """Somebody works, others predict, and tasks are erased, all at random."""

    def __init__(self, flow: Flow, random_: random.Random) -> None:
        self.flow, self.random = flow, random_
        votes = random_.choice([1, 2])
        self.job = cats(
            flow,
            tasks=random_.randint(1, 9),
            size=random_.randint(1, 4),
            workflow=Workflow(Label(votes=votes, min_votes=votes), Inspect()),
        )

    def step(self) -> None:
        self.random.choice([self.predict, self.predict, self.label, self.erase, self.append])()

    def label(self) -> None:
        held = self.flow.claim(self.random.choice(["ben", "cy"]), self.job, Stage.LABEL)
        if held is None or self.random.random() < 0.4:
            return
        for item in list(self.flow.tasks(held)):
            self.flow.save(held, item, Choice(self.random.choice(["cat", "dog"])))
        if self.random.random() < 0.5:
            self.flow.submit(held)
        else:
            self.flow.release(held)

    def erase(self) -> None:
        number = self.random.randint(1, self.flow.jobs.progress(self.job).total)
        maintenance.erase_task(self.flow, (self.job.id, number), by="ada")

    def append(self) -> None:
        self.flow.jobs.append(self.job, rows(self.random.randint(1, 3)), by="ada")

    def predict(self) -> None:
        before = sum(package.size for package in self.flow.packages.list(self.job, state="label"))
        disturbs = self.random.random() < 0.4

        def model(tasks: Sequence[Task]) -> list[Any]:
            if disturbs:
                self.random.choice([self.label, self.erase])()
            return [self.one_of(task) for task in tasks]

        report = self.flow.jobs.prelabel(
            self.job,
            model,
            model=self.random.choice(["", "a", "b"]),
            min_confidence=self.random.choice([False, True, 0.5]),
            batch=self.random.randint(1, 5),
            by="ada",
        )
        assert total(report) == report.tasks, report
        if not disturbs:
            assert report.tasks == before, report

    def one_of(self, task: Task) -> Any:
        ways = [
            None,
            Choice("cat"),
            PreLabel(Choice("dog"), 0.9),
            PreLabel(Choice("cat"), 0.1, "own"),
            Choice("cow"),
            ValueError("no"),
        ]
        return self.random.choice(ways)


@pytest.mark.parametrize("store", ["memory", "sqlite"])
@given(seed=st.integers(0, 2**32))
@settings(max_examples=40)
def test_the_report_adds_up(
    store: str, tmp_path_factory: pytest.TempPathFactory, seed: int
) -> None:
    url = "memory:" if store == "memory" else str(tmp_path_factory.mktemp("sum") / "labels.db")
    with itagflow.open(url) as flow:
        history = History(flow, random.Random(seed))
        for _ in range(8):
            history.step()
        invariants.check(flow)
