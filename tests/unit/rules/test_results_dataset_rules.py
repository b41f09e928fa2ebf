"""Several jobs as one: whether they make one table, what it asks, where a page of it begins."""

from __future__ import annotations

from typing import Any

import attrs
import pytest

from itagflow import (
    Choice,
    InvalidData,
    Job,
    NotFound,
    Result,
    Stage,
    TaskState,
    Template,
    templates,
)
from itagflow.model import JobPartition, MergeReport, QuestionMerge, StageResult
from itagflow.model.merging import Merge
from itagflow.results import dataset_rules as rules
from itagflow.results.dataset_rules import TableSource
from itagflow.templates import Option, Question, QuestionKind, Scale, object_detection
from itagflow.testing import make_answer, make_job, make_task

CATS = templates.image_classification(["cat", "dog"])
BOXES = templates.object_detection(["cat", "dog"])


def source(job: Job, first: int = 1, last: int = 9, template: Any = CATS) -> TableSource:
    return TableSource(job, template, JobPartition(job=job.id, first=first, last=last))


ONE, OTHER = make_job(id=4, name="one"), make_job(id=5, name="other")


class TestRequireOneTable:
    def test_one_job_and_jobs_that_ask_the_same(self) -> None:
        rules.require_one_table([source(ONE)])
        rules.require_one_table([source(ONE), source(OTHER)])

    def test_parts_of_a_job_that_do_not_overlap(self) -> None:
        rules.require_one_table([source(ONE, 1, 4), source(ONE, 5, 9)])

    @pytest.mark.parametrize("second", [(1, 9), (4, 4), (4, 9), (2, 3)])
    def test_a_task_that_is_there_twice(self, second: tuple[int, int]) -> None:
        with pytest.raises(InvalidData, match="'one' is there twice"):
            rules.require_one_table([source(ONE, 1, 4), source(OTHER), source(ONE, *second)])

    def test_other_questions(self) -> None:
        with pytest.raises(InvalidData, match="'one' and 'other' ask different questions"):
            rules.require_one_table([source(ONE), source(OTHER, template=BOXES)])

    def test_another_workspace(self) -> None:
        far = make_job(id=6, name="far", workspace=ONE.workspace + 1)
        with pytest.raises(InvalidData, match="'one' and 'far' are in two workspaces"):
            rules.require_one_table([source(ONE), source(OTHER), source(far)])

    @pytest.mark.parametrize(
        ("names", "reason"),
        [
            ({"2": "1"}, "question '1' is two of job 'other'"),
            ({"3": "1"}, "job 'other' does not ask '3'"),
            ({"1": "2"}, "question '2' is two of job 'other'"),
            ({"1": "1", "2": "5"}, r"question '2', 'Age' \(RADIO\), is no question of the first"),
        ],
    )
    def test_questions_that_are_named_otherwise(self, names: Any, reason: str) -> None:
        ask = [
            Question(id, "RADIO", title, [Option("a")])
            for id, title in (("1", "Sex"), ("2", "Age"))
        ]
        two = Template(questions=tuple(ask))
        other = attrs.evolve(source(OTHER, template=two), names=names)
        with pytest.raises(InvalidData, match=reason):
            rules.require_one_table([source(ONE, template=two), other])

    def test_a_question_may_have_another_title_when_it_is_named(self) -> None:
        age = Template(questions=(Question("7", "RADIO", "Age", [Option("a")]),))
        other = attrs.evolve(source(OTHER, template=age), names={"7": "1"})
        rules.require_one_table([source(ONE), other], "the export")

    def test_what_an_error_says(self) -> None:
        found = rules.make_difference_error(source(ONE), source(OTHER), "the export", "differ")
        assert str(found) == "the export: job: 'one' and 'other' differ"


class TestFindSource:
    SOURCES = (source(ONE, 1, 4), source(OTHER), source(ONE, 5, 9))

    def test_the_first_where_nothing_says_more(self) -> None:
        assert rules.find_source(self.SOURCES, None) == 0
        assert rules.find_source(self.SOURCES[:1], 3) == 0

    @pytest.mark.parametrize("job", [ONE, ONE.id, ONE.name])
    def test_by_the_job_named_in_any_way(self, job: Any) -> None:
        assert rules.find_source(self.SOURCES, (job, 4)) == 0
        assert rules.find_source(self.SOURCES, (job, 5)) == 2

    def test_by_a_row_or_a_task(self) -> None:
        assert rules.find_source(self.SOURCES, {"job": "other", "task": 2}) == 1
        assert rules.find_source(self.SOURCES, make_task(2, job=OTHER.id)) == 1

    def test_what_is_in_none_of_them(self) -> None:
        with pytest.raises(NotFound):
            rules.find_source(self.SOURCES, (ONE, 10))
        with pytest.raises(NotFound):
            rules.find_source(self.SOURCES, (99, 1))

    @pytest.mark.parametrize("after", [3, {"task": 3}, ("other", "3"), (1, 2, 3)])
    def test_what_does_not_say_to_which_it_belongs(self, after: Any) -> None:
        with pytest.raises(InvalidData, match="must say which job it is of"):
            rules.find_source(self.SOURCES, after)


def asking(*questions: Question) -> Template:
    return Template(questions=questions)


def radio(*options: str, id: str = "1", **more: Any) -> Question:
    return Question(id, QuestionKind.RADIO, "Animal", [Option(key) for key in options], **more)


def combined(one: Template, other: Template, names: Any = None) -> Template:
    return rules.combine_templates(
        [
            TableSource(ONE, one, JobPartition(job=4, first=1, last=9)),
            TableSource(OTHER, other, JobPartition(job=5, first=1, last=9), names or {}),
        ]
    )


class TestFindNames:
    def test_by_name_and_by_key(self) -> None:
        for key in ("other", 5):
            assert rules.find_names({key: {"2": "1"}}, [ONE, OTHER]) == [{}, {"2": "1"}]
        assert rules.find_names({}, [ONE, OTHER]) == [{}, {}]

    @pytest.mark.parametrize("key", ["third", 6, "one", 4])
    def test_other_jobs_and_the_first_one(self, key: Any) -> None:
        with pytest.raises(InvalidData, match="questions: names"):
            rules.find_names({key: {}}, [ONE, OTHER])


class TestCombineTemplates:
    def test_the_same_template_is_taken_as_it_is(self) -> None:
        template = asking(radio("cat"))
        assert combined(template, template) is template

    def test_new_options_come_last_whatever_lies_inside_of_others(self) -> None:
        tree = Option("bird", children=[Option("owl"), Option("cat")])
        nested = asking(Question("1", QuestionKind.RADIO, "Animal", [tree]))
        found = combined(asking(radio("dog", "cat")), nested).questions[0]
        assert [option.key for option in found.options] == ["dog", "cat", "bird", "owl"]
        assert all(option.children == () for option in found.options)

    def test_the_options_of_questions_inside_of_others(self) -> None:
        one = asking(radio("cat", children=[radio("old", id="2")]))
        other = asking(radio("cat", children=[radio("young", id="2")]))
        (child,) = combined(one, other).questions[0].children
        assert [option.key for option in child.options] == ["old", "young"]

    def test_the_classes_of_regions(self) -> None:
        found = combined(object_detection(["car"]), object_detection(["van", "car"]))
        (label,) = found.questions[0].children
        assert [option.key for option in label.options] == ["car", "van"]

    def test_a_question_under_another_name(self) -> None:
        found = combined(asking(radio("cat")), asking(radio("dog", id="8")), {"8": "1"})
        assert found.questions[0].keys == {"cat", "dog"}

    @pytest.mark.parametrize(
        ("what", "one", "other"),
        [
            ("parts", object_detection(["car"]), object_detection(["car"], title="Box")),
            ("scale", {"scale": Scale(1, 5)}, {"scale": Scale(1, 7)}),
            ("options", ["a", "b"], ["a", "c"]),
        ],
    )
    def test_what_is_asked_otherwise(self, what: str, one: Any, other: Any) -> None:
        with pytest.raises(InvalidData, match=f"'one' and 'other' do not ask for the same {what}"):
            combined(*map(_make_template, (one, other)))


def _make_template(given: Any) -> Template:
    if isinstance(given, dict):
        return asking(Question("1", QuestionKind.RATING, "How good", **given))
    if isinstance(given, list):
        options = [Option(key) for key in given]
        return asking(Question("1", QuestionKind.RANKING, "Order", options))
    if given.questions[0].title == "Box":
        (child,) = given.questions[0].children
        child = attrs.evolve(child, title="Another")
        question = attrs.evolve(given.questions[0], title="Picture", children=(child,))
        return asking(question)
    return given


class TestRenameQuestions:
    def test_everything_that_is_kept_by_question(self) -> None:
        merge = MergeReport(questions={"2": QuestionMerge(rule=Merge("majority"))})
        by_question: dict[str, Any] = {
            "replies": {"2": Choice("cat"), "3": Choice("dog"), "4": Choice("old")},
            "order": {"2": ("cat",), "3": ("dog",)},
            "disputed": ("2", "3"),
            "kept": ("4",),
            "merge": merge,
        }
        stage = StageResult(stage=Stage.LABEL, round=1, member=1, **by_question)
        result = Result(
            task=make_task(1),
            state=TaskState.FINAL,
            stages={Stage.LABEL: stage},
            votes=(make_answer(1, **by_question),),
        )
        found = rules.rename_questions(result, {"2": "1", "3": None})
        for said in (found.stages[Stage.LABEL], *found.votes):
            assert said.replies == {"1": Choice("cat"), "4": Choice("old")}
            assert said.order == {"1": ("cat",)}
            assert (said.disputed, said.kept) == (("1",), ("4",))
            assert said.merge is not None
            assert list(said.merge.questions) == ["1"]
        assert rules.rename_questions(result, {}) == result

    def test_a_task_that_was_given_up(self) -> None:
        stage = StageResult(stage=Stage.LABEL, replies=None, round=1, member=1)
        result = Result(task=make_task(1), state=TaskState.FINAL, stages={Stage.LABEL: stage})
        assert rules.rename_questions(result, {"2": "1"}) == result
