"""Whether several jobs make one table, and where a page of it begins."""

from __future__ import annotations

from typing import Any

import attrs
import pytest

from itagflow import InvalidData, Job, NotFound, Template, templates
from itagflow.model import JobPartition
from itagflow.results import table_rules as rules
from itagflow.templates import Option, Question
from itagflow.testing import make_job, make_task

CATS = templates.image_classification(["cat", "dog"])
BOXES = templates.object_detection(["cat", "dog"])


def source(job: Job, first: int = 1, last: int = 9, template: Any = CATS) -> rules.TableSource:
    return rules.TableSource(job, template, JobPartition(job=job.id, first=first, last=last))


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
