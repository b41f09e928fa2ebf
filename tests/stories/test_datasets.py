"""Several jobs of a workspace as one dataset: exported to one file, and read as rows."""

from __future__ import annotations

import csv
import io
import json
import zipfile
from pathlib import Path
from typing import Any

import pytest
from stories.test_parts import OneByOne
from support.scenes import labeled, rows, street, taken

import itagflow
from itagflow import (
    Box,
    Choice,
    Dataset,
    Flow,
    InvalidData,
    Job,
    NotAllowed,
    NotFound,
    Regions,
    Selection,
    Template,
    maintenance,
)
from itagflow.formats import jsonl
from itagflow.templates import Option, Question, QuestionKind, image_classification

CATS = image_classification(["cat", "dog"], title="Animal")
BIRDS = image_classification(["dog", "owl"], title="Animal")


def order(flow: Flow, name: str, sources: list[str], template: Template = CATS, **more: Any) -> Job:
    return flow.jobs.create(
        "street",
        name,
        template=template,
        data=[{"data": {"source": source}} for source in sources],
        row_key=more.pop("row_key", "source"),
        workforce={"label": ["ben"]},
        by="ada",
        **more,
    )


@pytest.fixture
def two(flow: Flow) -> list[Job]:
    """Two jobs that have been labeled, with three images each, one of which both have."""
    street(flow, "ben")
    one = order(flow, "one", ["a.jpg", "b.jpg", "c.jpg"])
    other = order(flow, "two", ["c.jpg", "d.jpg", "e.jpg"], BIRDS)
    labeled(flow, "ben", one, "cat")
    labeled(flow, "ben", other, "owl")
    return [one, other]


def exported(flow: Flow, jobs: Any, format: str = "csv", **how: Any) -> bytes:
    file = io.BytesIO()
    flow.results.export(jobs, format, file, **how)
    return file.getvalue()


def table(flow: Flow, jobs: Any, **how: Any) -> list[list[str]]:
    return list(csv.reader(exported(flow, jobs, **how).decode().splitlines()))[1:]


class TestDuplicates:
    def test_they_are_refused_unless_it_is_said_what_becomes_of_them(
        self, flow: Flow, two: list[Job], tmp_path: Path
    ) -> None:
        target = tmp_path / "out.csv"
        target.write_text("yesterday's\n")
        with pytest.raises(InvalidData) as refused:
            flow.results.export(two, "csv", target)
        assert str(refused.value) == (
            "the dataset: duplicates: 'one' and 'two' both have a task with the row key 'c.jpg': "
            "pass Dataset(jobs, duplicates='first'), 'last' or 'keep'"
        )
        assert target.read_text() == "yesterday's\n"
        assert [file.name for file in tmp_path.iterdir()] == ["out.csv"]

    @pytest.mark.parametrize(
        ("rule", "of_c"), [("first", ["cat"]), ("last", ["owl"]), ("keep", ["cat", "owl"])]
    )
    def test_the_rule_says_which_one_is_taken(
        self, flow: Flow, two: list[Job], rule: Any, of_c: list[str]
    ) -> None:
        found = table(flow, Dataset(two, duplicates=rule))
        assert [animal for source, animal in found if source == "c.jpg"] == of_c
        assert {source for source, _ in found} == {f"{name}.jpg" for name in "abcde"}

    def test_a_task_that_is_not_selected_is_no_duplicate(self, flow: Flow, two: list[Job]) -> None:
        owls = Selection(label="owl")
        found = table(flow, two, where=owls)
        assert found == [["c.jpg", "owl"], ["d.jpg", "owl"], ["e.jpg", "owl"]]

    def test_what_was_withdrawn_or_erased_is_no_duplicate(self, flow: Flow) -> None:
        street(flow, "ben")
        one, other = order(flow, "one", ["a.jpg", "b.jpg"]), order(flow, "two", ["a.jpg", "b.jpg"])
        flow.jobs.withdraw(one, tasks=[1], by="ada")
        maintenance.erase_task(flow, (other, 2), by="ada")
        assert [source for source, _ in table(flow, [one, other])] == ["b.jpg", "a.jpg"]

    def test_tasks_without_a_row_key_are_none(self, flow: Flow) -> None:
        street(flow, "ben")
        jobs = [order(flow, name, ["a.jpg"], row_key=None) for name in ("one", "two")]
        assert len(table(flow, jobs)) == 2

    def test_parts_of_one_job_have_none(self, flow: Flow, two: list[Job]) -> None:
        first, second = flow.results.partition(two[0], 2)
        assert table(flow, [second, first]) == table(flow, second) + table(flow, first)
        assert table(flow, [first, second]) == table(flow, two[0])

    def test_only_those_in_the_part_that_is_meant(self, flow: Flow, two: list[Job]) -> None:
        first, second = flow.results.partition(two[0], 2)
        with pytest.raises(InvalidData, match="both have"):
            exported(flow, [second, two[1]])
        assert len(table(flow, [first, two[1]])) == len(first) + 3

    def test_rows_of_a_list_keep_them_and_those_of_a_dataset_do_as_it_says(
        self, flow: Flow, two: list[Job]
    ) -> None:
        assert len(list(flow.results.rows(two))) == 6
        with pytest.raises(InvalidData, match="both have"):
            list(flow.results.rows(Dataset(two)))
        first = list(flow.results.rows(Dataset(two, duplicates="first")))
        assert [(row["job"], row["key"]) for row in first] == [
            *(("one", key) for key in ("a.jpg", "b.jpg", "c.jpg")),
            *(("two", key) for key in ("d.jpg", "e.jpg")),
        ]
        rest = flow.results.rows(Dataset(two, duplicates="first"), after=first[2], limit=1)
        assert list(rest) == first[3:4]

    def test_more_than_a_page_of_them(self, flow: Flow) -> None:
        street(flow, "ben")
        names = [f"{number}.jpg" for number in range(1_200)]
        one, other = order(flow, "one", names[:700]), order(flow, "two", names[100:])
        for rule in ("first", "last"):
            found = table(flow, Dataset([one, other], duplicates=rule))
            assert sorted(source for source, _ in found) == sorted(names)


class TestClasses:
    def test_options_of_later_jobs_come_behind_those_of_the_first(
        self, flow: Flow, two: list[Job]
    ) -> None:
        street_boxes = boxes(flow, "cars", ["car", "sign"], ["car"])
        more_boxes = boxes(flow, "vans", ["van", "car"], ["van", "car"])
        data = json.loads(exported(flow, [street_boxes, more_boxes], "coco"))
        assert [(each["id"], each["name"]) for each in data["categories"]] == [
            (1, "car"),
            (2, "sign"),
            (3, "van"),
        ]
        ids = [(each["image_id"], each["category_id"]) for each in data["annotations"]]
        assert ids == [(1, 1), (1_000_000_001, 3), (1_000_000_002, 1)]
        assert [image["id"] for image in data["images"]] == [1, 1_000_000_001, 1_000_000_002]

    def test_images_of_two_jobs_with_one_name_are_two_files(self, flow: Flow) -> None:
        street(flow, "ben")
        jobs = [boxes(flow, name, ["car"], ["car"], row_key=None) for name in ("one", "two")]
        names = zipfile.ZipFile(io.BytesIO(exported(flow, jobs, "yolo"))).namelist()
        labels = [name for name in names if name.startswith("labels/")]
        assert labels == ["labels/train/1.txt", "labels/train/1-1000000001.txt"]


def boxes(flow: Flow, name: str, options: list[str], said: list[str], **more: Any) -> Job:
    """A job whose images have a box each, of these classes."""
    template = itagflow.templates.object_detection(options)
    sources = [f"{number}.jpg" for number in range(1, len(said) + 1)]
    job = order(flow, name, sources, template, **{"row_key": None, **more})
    assignment = taken(flow, "ben", job)
    for number, label in enumerate(said, 1):
        box = Box(1, 2, 3, 4, label=label)
        flow.save(assignment, number, Regions([box], width=10, height=10))
    flow.submit(assignment)
    return job


def asking(id: str, title: str, kind: QuestionKind = QuestionKind.RADIO) -> Question:
    options = [Option("cat"), Option("dog")] if kind is QuestionKind.RADIO else []
    return Question(id, kind, title, options, required=False)


class TestQuestions:
    @pytest.fixture
    def other(self, flow: Flow) -> list[Job]:
        """Two jobs that ask the same by questions of other ids, and one thing more."""
        street(flow, "ben")
        remark = asking("1", "Remark", QuestionKind.INPUT)
        more = Template(questions=(remark, asking("7", "Which animal?")))
        jobs = [order(flow, "one", ["a.jpg"]), order(flow, "two", ["b.jpg"], more)]
        labeled(flow, "ben", jobs[0], "cat")
        assignment = taken(flow, "ben", jobs[1])
        flow.save(assignment, 1, {"1": itagflow.Text("blurred"), "7": Choice("dog")})
        flow.submit(assignment)
        return jobs

    def test_other_questions_are_refused_with_what_to_do(
        self, flow: Flow, other: list[Job]
    ) -> None:
        with pytest.raises(InvalidData, match=r"ask different questions.*pass a Dataset"):
            exported(flow, other)

    def test_it_is_said_which_question_is_which(self, flow: Flow, other: list[Job]) -> None:
        same = Dataset(other, questions={"two": {"7": "1", "1": None}})
        assert table(flow, same) == [["a.jpg", "cat"], ["b.jpg", "dog"]]
        by_key = Dataset(other, questions={other[1].id: {"7": "1", "1": None}})
        assert [row["Animal"] for row in flow.results.rows(by_key)] == ["cat", "dog"]
        line = json.loads(exported(flow, same, "jsonl").splitlines()[1])
        assert line["stages"][0]["replies"] == {"1": {"kind": "choice", "key": "dog"}}

    @pytest.mark.parametrize(
        ("questions", "reason"),
        [
            ({"three": {"7": "1"}}, "names 'three', which is none of its jobs"),
            ({"one": {"1": "1"}}, "names 'one', the first job"),
            ({"two": {"8": "1"}}, "job 'two' does not ask '8'"),
            ({"two": {"7": "1"}}, r"question '1', 'Remark' \(INPUT\), is question '1', 'Animal'"),
            ({"two": {"1": "1", "7": None}}, r"question '1', 'Remark' \(INPUT\), is question '1'"),
            ({"two": {"1": "5", "7": "1"}}, r"question '1', 'Remark' \(INPUT\), is no question"),
        ],
    )
    def test_what_cannot_be(
        self, flow: Flow, other: list[Job], questions: Any, reason: str
    ) -> None:
        with pytest.raises(InvalidData, match=reason):
            exported(flow, Dataset(other, questions=questions))


class TestFormats:
    def test_a_manifest_has_the_blocks_of_one_job(self, flow: Flow, two: list[Job]) -> None:
        both = Dataset(two, duplicates="first")
        manifest = exported(flow, both, "itag")
        keys = {key for line in manifest.splitlines() for key in json.loads(line)}
        assert keys == {"data", f"label-{two[0].id}"}
        again = flow.jobs.import_results(
            "street",
            "again",
            template=image_classification(["cat", "dog", "owl"], title="Animal"),
            data=io.BytesIO(manifest),
            by="ada",
        )
        said = [result.replies for result in flow.results.list(again)]
        assert said == [{"1": Choice(key)} for key in ("cat", "cat", "cat", "owl", "owl")]

    def test_json_lines_name_the_job_of_each(self, flow: Flow, two: list[Job]) -> None:
        lines = exported(flow, Dataset(two, duplicates="keep"), "jsonl")
        found = list(jsonl.read_results(io.BytesIO(lines)))
        assert found == [*flow.results.list(two[0]), *flow.results.list(two[1])]

    def test_an_executor_writes_the_same(self, flow: Flow, two: list[Job]) -> None:
        for rule in ("first", "last", "keep"):
            both = Dataset(two, duplicates=rule)
            once = exported(flow, both, "jsonl")
            for count in (None, 1, 4):
                parts = exported(flow, both, "jsonl", executor=OneByOne(), partitions=count)
                assert parts == once
        with pytest.raises(InvalidData, match="both have"):
            exported(flow, two, "jsonl", executor=OneByOne())

    def test_one_moment_of_all_jobs(self, flow: Flow, two: list[Job]) -> None:
        both = Dataset(two, duplicates="first")
        seen = list[Any]()

        def append(results: Any) -> Any:
            for result in results:
                if not seen:
                    flow.jobs.update(two[1], remark="more", by="ada")
                    flow.jobs.append(two[1], rows(1), by="ada")
                seen.append(result)
                yield result

        before = table(flow, both)
        assert table(flow, both, snapshot=True, progress=append) == before
        assert len(table(flow, both)) == len(before) + 1

    def test_a_job_that_is_still_worked_on(self, flow: Flow) -> None:
        street(flow, "ben")
        jobs = [order(flow, "one", ["a.jpg"]), order(flow, "two", ["b.jpg"])]
        assert table(flow, jobs) == [["a.jpg", ""], ["b.jpg", ""]]


class TestWhoMay:
    def test_each_job_is_asked_about(self, flow: Flow, two: list[Job]) -> None:
        with pytest.raises(NotAllowed):
            exported(flow, two, by="ben")
        with pytest.raises(NotFound):
            exported(flow, [two[0], "three"])

    def test_they_are_of_one_workspace_and_each_is_there_once(
        self, flow: Flow, two: list[Job]
    ) -> None:
        lane = flow.workspaces.create("lane", admin="ada")
        far = flow.jobs.create(lane, "far", template=CATS, data=rows(1), by="ada")
        with pytest.raises(InvalidData, match="'one' and 'far' are in two workspaces"):
            exported(flow, [two[0], far])
        with pytest.raises(InvalidData, match="the export: job: 'one' is there twice"):
            exported(flow, [two[0], two[0]])
        with pytest.raises(InvalidData, match="at least one in a list"):
            exported(flow, [])


class TestTheValue:
    @pytest.mark.parametrize(
        ("given", "reason"),
        [
            ({"jobs": []}, "jobs: must be at least one"),
            ({"jobs": [1.5]}, "jobs: must be a job or a part of one, or several"),
            ({"jobs": None}, "jobs: must be a job"),
            ({"duplicates": "newest"}, "duplicates: must be 'error', 'first', 'last' or 'keep'"),
            ({"questions": ["1"]}, "questions: must be a mapping from jobs"),
            ({"questions": {1.5: {}}}, "questions: must have names or keys of jobs as keys"),
            ({"questions": {"two": "1"}}, "questions: must be a mapping from ids of questions"),
            ({"questions": {"two": {1: "1"}}}, "questions: must have ids of questions as texts"),
            ({"questions": {"two": {"1": 1}}}, "questions: must have ids of questions as texts"),
            ({"questions": {"two": {None: "1"}}}, "questions: must have ids of questions as texts"),
        ],
    )
    def test_what_it_cannot_be(self, given: Any, reason: str) -> None:
        with pytest.raises(InvalidData, match=reason):
            Dataset(**{"jobs": ["one", "two"], **given})

    def test_what_is_seen_of_it(self) -> None:
        assert repr(Dataset(["one", 4], duplicates="last")) == "<Dataset one, 4 duplicates='last'>"
        assert Dataset("one") == Dataset(["one"])
        assert Dataset(("street", "one")).jobs == (("street", "one"),)
