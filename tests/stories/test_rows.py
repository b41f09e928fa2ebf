"""results.rows: a flat dict for every task."""

from __future__ import annotations

import json
import re
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from support.scenes import Clock, cats, labeled, rows, taken

import itagflow
from itagflow import (
    Accept,
    Choice,
    Choices,
    Flow,
    Inspect,
    InvalidData,
    Label,
    NotAllowed,
    NotFound,
    Preference,
    PreLabel,
    Ranking,
    Rating,
    Regions,
    Selection,
    Stage,
    Template,
    Text,
    Workflow,
    maintenance,
)
from itagflow.formats._columns import FIXED, FIXED_OF_ANSWERS, Columns, extract_value
from itagflow.results.pseudonyms import make_pseudonym
from itagflow.storage import codec
from itagflow.templates import Question, QuestionKind
from itagflow.testing import make_workspace
from itagflow.typing import PartitionRef

CATS = itagflow.templates.image_classification(["cat", "dog"])
KINDS = (QuestionKind.RADIO, "cat"), (QuestionKind.CHECKBOX, ["cat"]), (QuestionKind.INPUT, "a cat")


def asking(*titles: str) -> Template:
    questions = (Question(str(n), QuestionKind.INPUT, title) for n, title in enumerate(titles, 1))
    return Template(questions=tuple(questions), views=())


def job_of(flow: Flow, template: Template, data: list[dict[str, Any]]) -> itagflow.Job:
    street = flow.workspaces.create("street", admin="ada")
    return flow.jobs.create(
        street, "texts", template=template, data=[{"data": one} for one in data], by="ada"
    )


class TestWhatARowSays:
    def test_before_anything_is_done(self, flow: Flow) -> None:
        job = cats(flow, workflow=Workflow(Label(), Inspect()), tasks=2)
        nothing: dict[str, Any] = dict.fromkeys(FIXED)
        nothing |= {"state": "todo", "inspected": False, "rejections": 0, "job": "cats"}
        found = list(flow.results.rows(job))
        assert found == [
            {**nothing, "task": n, "source": f"{n}.jpg", "Single-choice": None} for n in (1, 2)
        ]
        assert list(found[0]) == [*FIXED, "source", "Single-choice"]

    def test_the_columns_do_not_depend_on_the_workflow(self, flow: Flow) -> None:
        first = next(flow.results.rows(cats(flow, tasks=1)))
        three = Workflow(Label(), Inspect(), Accept())
        job = flow.jobs.create(
            "street", "more", template=CATS, data=rows(1), workflow=three, draft=True, by="ada"
        )
        assert list(next(flow.results.rows(job))) == list(first)

    def test_the_key_of_its_row(self, flow: Flow) -> None:
        street = flow.workspaces.create("street", admin="ada")
        data = [{"id": "a7", "source": "1.jpg"}]
        job = flow.jobs.create(street, "cats", template=CATS, data=data, row_key="id", by="ada")
        assert [row["key"] for row in flow.results.rows(job)] == ["a7"]

    def test_whether_it_was_checked_and_how_often_rejected(self, flow: Flow, clock: Clock) -> None:
        job = cats(flow, workflow=Workflow(Label(), Inspect(task_share=0.5)), tasks=2)
        labeled(flow, "ben", job)
        first = taken(flow, "di", job, Stage.INSPECT)
        (sampled,) = flow.tasks(first)
        flow.judge(first, sampled, wrong="no")
        flow.reject(first)
        assert [row["inspected"] for row in flow.results.rows(job)] == [False, False]
        labeled(flow, "ben", job)
        second = taken(flow, "di", job, Stage.INSPECT)
        inspected_now = [item.task.number for item in flow.tasks(second)]
        flow.review(second)
        told = {row["task"]: row["inspected"] for row in flow.results.rows(job)}
        assert [number for number, inspected in told.items() if inspected] == inspected_now
        assert [row["rejections"] for row in flow.results.rows(job)] == [1, 1]

    def test_who_and_when_at_each_stage(self, flow: Flow, clock: Clock) -> None:
        job = cats(flow, workflow=Workflow(Label(), Inspect()), tasks=2)
        first = clock.now
        assignment = labeled(flow, "ben", job)
        clock.forward(hours=1)
        review = taken(flow, "di", job, Stage.INSPECT)
        flow.judge(review, 2, wrong="no")
        flow.reject(review)
        rejected = list(flow.results.rows(job))
        assert [row["state"] for row in rejected] == ["answered", "wrong"]
        assert [row["inspect_by"] for row in rejected] == [None, None]
        clock.forward(hours=1)
        second = clock.now
        assert labeled(flow, "ben", job, "dog").id != assignment.id
        clock.forward(hours=1)
        review = taken(flow, "di", job, Stage.INSPECT)
        flow.modify(review, 2, Choice("cat"))
        flow.review(review)
        made = [(row["Single-choice"], row["label_at"]) for row in flow.results.rows(job)]
        assert made == [("cat", first), ("cat", second)]
        for row in flow.results.rows(job):
            assert (row["label_by"], row["inspect_by"]) == ("ben", "di")
            assert (row["state"], row["inspect_at"]) == ("final", clock.now)

    def test_all_who_voted(self, flow: Flow) -> None:
        people = ("ben", "cy", "eve")
        rule = Workflow(Label(votes=3, min_votes=2), Inspect())
        job = cats(flow, workflow=rule, label=people, tasks=2)
        for name, answer in zip(people, ("cat", "cat", "dog"), strict=True):
            labeled(flow, name, job, answer)
        for row in flow.results.rows(job):
            assert set(row["label_by"].split(", ")) == set(people)
            assert (row["Single-choice"], row["state"]) == ("cat", "answered")
            assert isinstance(row["label_at"], datetime)

    def test_an_abandoned_task(self, flow: Flow) -> None:
        job = cats(flow, tasks=2)
        assignment = taken(flow, "ben", job)
        flow.abandon(assignment, 1, "dark")
        flow.save(assignment, 2, Choice("dog"))
        flow.submit(assignment)
        assert [row["Single-choice"] for row in flow.results.rows(job)] == [None, "dog"]
        assert [row["label_by"] for row in flow.results.rows(job)] == ["ben", "ben"]

    def test_what_a_model_said_has_nobody(self, flow: Flow) -> None:
        job = cats(flow, tasks=2, data=None, draft=True)
        flow.jobs.load(job, rows(2), by="ada")
        flow.jobs.prelabel(
            job, lambda tasks: [{"1": Choice("dog")} for _ in tasks], by="ada", min_confidence=True
        )
        flow.jobs.publish(job, by="ada")
        for row in flow.results.rows(job):
            assert (row["Single-choice"], row["label_by"], row["state"]) == ("dog", None, "final")
            assert row["label_at"] is not None

    def test_a_part_of_a_job_and_more_than_a_page(self, flow: Flow) -> None:
        job = cats(flow, tasks=1_100, size=100)
        assert [row["task"] for row in flow.results.rows(job)] == list(range(1, 1_101))
        part = flow.results.partition(job, 3)[1]
        assert [row["task"] for row in flow.results.rows(part)] == list(range(367, 734))

    def test_who_was_erased_has_no_name(self, flow: Flow) -> None:
        job = cats(flow, tasks=2)
        labeled(flow, "ben", job)
        flow.members.remove("street", "ben", by="ada")
        maintenance.erase_member(flow, "street", "ben", by="ada")
        assert next(flow.results.rows(job))["label_by"].startswith("erased-")

    def test_all_rows_have_the_same_keys(self, flow: Flow) -> None:
        """As a table needs it, whatever was done with each task."""
        job = cats(flow, tasks=4, workflow=Workflow(Label(), Inspect()))
        labeled(flow, "ben", job)
        first, *others = map(list, flow.results.rows(job))
        assert others == [first] * 3

    def test_access_is_asked_at_once(self, flow: Flow) -> None:
        job = cats(flow)
        with pytest.raises(NotAllowed):
            flow.results.rows(job, by="ben")


def to_value(reply: Any) -> Any:
    return extract_value(codec.encode_replies({"1": reply})["1"])


@pytest.mark.parametrize(
    ("reply", "value"),
    [
        (Choice("cat"), "cat"),
        (Choices(["cat", "dog"]), ["cat", "dog"]),
        (Choices([]), []),
        (Text("a cat"), "a cat"),
        (Ranking(["b", "a"]), ["b", "a"]),
        (Rating(4), 4),
    ],
)
def test_plain_values(reply: Any, value: Any) -> None:
    assert to_value(reply) == value
    assert type(to_value(reply)) is type(value)


@pytest.mark.parametrize(
    "reply",
    [
        Preference("a", degree=2),
        Regions([itagflow.Box(1, 2, 3, 4, label="car")], width=9, height=9),
        itagflow.Spans([itagflow.TextSpan(0, 2, label="x")]),
        itagflow.Segments([itagflow.Segment(0, 2, label="x")]),
    ],
)
def test_what_has_parts_is_as_in_json(reply: Any) -> None:
    assert to_value(reply) == itagflow.schema.replies_to_json({"1": reply})["1"]
    assert json.loads(json.dumps(to_value(reply))) == to_value(reply)


class TestWhatAModelSaid:
    def prelabeled(self, flow: Flow, **more: Any) -> itagflow.Job:
        job = cats(flow, tasks=2, data=None, draft=True, **more)
        flow.jobs.load(job, rows(2), by="ada")
        flow.jobs.prelabel(
            job,
            lambda tasks: [PreLabel({"1": Choice("dog")}, score=0.75) for _ in tasks],
            model="m",
            by="ada",
            min_confidence=0.5,
        )
        return flow.jobs.publish(job, by="ada")

    def test_which_it_was_and_how_sure(self, flow: Flow) -> None:
        for row in flow.results.rows(self.prelabeled(flow)):
            assert (row["model"], row["score"], row["label_by"]) == ("m", 0.75, None)

    def test_not_where_a_reviewer_said_something_else(self, flow: Flow) -> None:
        job = self.prelabeled(flow, workflow=Workflow(Label(), Inspect()))
        review = taken(flow, "di", job, Stage.INSPECT)
        flow.modify(review, 2, Choice("cat"))
        flow.review(review)
        first, second = flow.results.rows(job)
        assert (first["model"], first["score"]) == ("m", 0.75)
        assert (second["model"], second["score"], second["Single-choice"]) == (None, None, "cat")


class TestFieldsOfTheData:
    def test_every_row_has_all_of_them(self, flow: Flow) -> None:
        job = job_of(flow, asking("a"), [{"x": 1}, {"y": 2, "x": 3}, {"z": [4]}])
        found = [{name: row[name] for name in "xyz"} for row in flow.results.rows(job)]
        assert found == [
            {"x": 1, "y": None, "z": None},
            {"x": 3, "y": 2, "z": None},
            {"x": None, "y": None, "z": [4]},
        ]

    def test_they_are_those_of_the_job_whatever_is_selected(self, flow: Flow) -> None:
        job = job_of(flow, asking("a"), [{"x": 1}, {"y": 2}])
        whole = list(next(flow.results.rows(job)))
        part = flow.results.partition(job, 2)[0]
        assert list(next(flow.results.rows(part))) == whole
        assert [list(row) for row in flow.results.rows(job, where=Selection(field={"y": "2"}))] == [
            whole
        ]
        assert list(next(flow.results.rows(job, limit=1))) == whole

    def test_only_those_that_are_named(self, flow: Flow) -> None:
        job = job_of(flow, asking("a"), [{"x": 1, "y": 2}])
        row = next(flow.results.rows(job, fields=["y", "none"]))
        assert list(row) == [*FIXED, "y", "none", "a"]
        assert (row["y"], row["none"]) == (2, None)

    def test_tasks_that_come_while_it_is_read_are_left_out(self, flow: Flow) -> None:
        job = job_of(flow, asking("a"), [{"x": 1}, {"x": 2}])
        reading = flow.results.rows(job)
        assert next(reading)["x"] == 1
        flow.jobs.append(job, [{"data": {"new": 3}}], by="ada")
        assert [row["x"] for row in reading] == [2]

    def test_erased_ones_keep_their_columns(self, flow: Flow) -> None:
        job = job_of(flow, asking("a"), [{"x": 1}, {"x": 2}])
        before = list(next(flow.results.rows(job)))
        maintenance.erase_task(flow, (job, 1), by="ada")
        assert [list(row) for row in flow.results.rows(job)] == [before, before]


class TestARowForEachAnswer:
    def test_every_vote(self, flow: Flow, clock: Clock) -> None:
        rule = Workflow(Label(votes=2, on_dispute="keep"))
        job = cats(flow, workflow=rule, label=("ben", "cy"), tasks=1)
        assignment = taken(flow, "ben", job)
        flow.save(assignment, 1, Choice("cat"), seconds=2.5)
        flow.submit(assignment)
        clock.forward(hours=1)
        labeled(flow, "cy", job, "dog")
        first, second = flow.results.rows(job, votes=True)
        assert list(first) == [*FIXED_OF_ANSWERS, "source", "Single-choice"]
        assert (first["by"], first["Single-choice"], first["round"]) == ("ben", "cat", 1)
        assert (second["by"], second["at"], second["seconds"]) == ("cy", clock.now, 0.0)
        assert [row["task"] for row in (first, second)] == [1, 1]

    def test_one_labeler_has_one(self, flow: Flow, clock: Clock) -> None:
        job = cats(flow, workflow=Workflow(Label(), Inspect()), tasks=2)
        assert list(flow.results.rows(job, votes=True)) == []
        labeled(flow, "ben", job, "dog")
        review = taken(flow, "di", job, Stage.INSPECT)
        flow.modify(review, 2, Choice("cat"))
        flow.review(review)
        said = [
            (row["by"], row["at"], row["Single-choice"], row["state"])
            for row in flow.results.rows(job, votes=True)
        ]
        assert said == [("ben", clock.now, "dog", "final")] * 2

    def test_who_gave_a_task_up_said_nothing(self, flow: Flow) -> None:
        job = cats(
            flow, workflow=Workflow(Label(votes=2, on_dispute="keep")), label=("ben", "cy"), tasks=1
        )
        for name in ("ben", "cy"):
            assignment = taken(flow, name, job)
            flow.save(assignment, 1, Choice("cat"))
            flow.abandon(assignment, 1, "dark")
            flow.submit(assignment)
        said = [
            (row["abandoned"], row["Single-choice"]) for row in flow.results.rows(job, votes=True)
        ]
        assert said == [("dark", None)] * 2

    def test_a_page_goes_on_in_the_middle_of_a_task(self, flow: Flow) -> None:
        job = cats(
            flow, workflow=Workflow(Label(votes=2, on_dispute="keep")), label=("ben", "cy"), tasks=3
        )
        for name in ("ben", "cy"):
            labeled(flow, name, job)
        whole = list(flow.results.rows(job, votes=True))
        for index, row in enumerate(whole):
            assert list(flow.results.rows(job, votes=True, after=row)) == whole[index + 1 :]


class TestSeveralJobs:
    def two(self, flow: Flow) -> list[itagflow.Job]:
        first = cats(flow, tasks=3, size=3)
        data = [{"source": f"{n}.png", "more": n} for n in range(2)]
        second = flow.jobs.create("street", "others", template=CATS, data=data, by="ada")
        return [first, second]

    def test_they_are_one_table(self, flow: Flow) -> None:
        first, second = self.two(flow)
        table = list(flow.results.rows([first, second]))
        assert [(row["job"], row["task"]) for row in table] == [
            *(("cats", n) for n in (1, 2, 3)),
            *(("others", n) for n in (1, 2)),
        ]
        assert len({tuple(row) for row in table}) == 1
        assert [row["more"] for row in table] == [None, None, None, 0, 1]

    def test_a_page_goes_on_in_the_job_of_its_last_row(self, flow: Flow) -> None:
        jobs = self.two(flow)
        whole = list(flow.results.rows(jobs))
        for index, row in enumerate(whole):
            place = (row["job"], row["task"])
            assert list(flow.results.rows(jobs, after=row)) == whole[index + 1 :]
            assert list(flow.results.rows(jobs, after=place)) == whole[index + 1 :]
            assert list(flow.results.rows(jobs, after=row, limit=2)) == whole[index + 1 :][:2]
        for result in flow.results.list(jobs[1]):
            assert list(flow.results.rows(jobs, after=result)) == whole[3 + result.task.number :]

    @pytest.mark.parametrize("after", [1, {"task": 1}, {"job": "cats", "task": "x"}, ("cats",)])
    def test_a_page_says_behind_which_job_it_begins(self, flow: Flow, after: Any) -> None:
        with pytest.raises(InvalidData, match="must say which job"):
            flow.results.rows(self.two(flow), after=after)

    def test_a_row_of_another_job_is_not_found(self, flow: Flow) -> None:
        jobs = self.two(flow)
        for after in ({"job": "nothing", "task": 1}, ("cats", 4)):
            with pytest.raises(NotFound):
                flow.results.rows(jobs, after=after)

    def test_parts_of_jobs(self, flow: Flow) -> None:
        first, second = self.two(flow)
        one, two = flow.results.partition(first, 2)
        found = [(row["job"], row["task"]) for row in flow.results.rows([two, second, one])]
        assert sorted(found) == sorted(
            (row["job"], row["task"]) for row in flow.results.rows([first, second])
        )
        overlapping: list[list[PartitionRef]] = [[first, two], [one, one], [first, first]]
        for twice in overlapping:
            with pytest.raises(InvalidData, match="'cats' is there twice"):
                flow.results.rows(twice)

    def test_they_ask_the_same(self, flow: Flow) -> None:
        first, _ = self.two(flow)
        other = flow.jobs.create("street", "texts", template=asking("a"), data=rows(1), by="ada")
        with pytest.raises(InvalidData, match="'cats' and 'texts' ask different questions"):
            flow.results.rows([first, other])

    def test_they_are_of_one_workspace(self, flow: Flow) -> None:
        first, _ = self.two(flow)
        lane = flow.workspaces.create("lane", admin="ada")
        other = flow.jobs.create(lane, "birds", template=CATS, data=rows(1), by="ada")
        with pytest.raises(InvalidData, match="are in two workspaces"):
            flow.results.rows([first, other])

    def test_there_is_at_least_one(self, flow: Flow) -> None:
        with pytest.raises(InvalidData, match="at least one"):
            flow.results.rows([])

    def test_access_is_asked_for_each(self, flow: Flow) -> None:
        with pytest.raises(NotAllowed):
            flow.results.rows(self.two(flow), by="ben")


class TestPseudonyms:
    def test_one_for_each_member_of_a_workspace(self, flow: Flow) -> None:
        job = cats(flow, tasks=2, size=1, label=["ben", "cy"])
        for name in ("ben", "cy"):
            labeled(flow, name, job)
        again = flow.jobs.create("street", "again", template=CATS, data=rows(1), by="ada")
        flow.jobs.set_workforce(again, {Stage.LABEL: ["ben"]}, by="ada")
        labeled(flow, "ben", again)
        names = [row["label_by"] for row in flow.results.rows([job, again], accounts=False)]
        assert names[0] == names[2] != names[1]
        assert all(re.fullmatch("w-[0-9a-f]{10}", name) for name in names)

    def test_they_are_made_with_a_key_of_the_workspace(self) -> None:
        one, other = (
            make_workspace(pseudonym_key="00" * 16),
            make_workspace(pseudonym_key="01" * 16),
        )
        assert make_pseudonym(one, 5) == make_pseudonym(one, 5) != make_pseudonym(other, 5)

    def test_every_workspace_has_a_key_of_its_own(self, flow: Flow) -> None:
        keys = {flow.workspaces.create(name, admin="ada").pseudonym_key for name in "abc"}
        assert len(keys) == 3
        assert all(len(key) == 32 for key in keys)

    def test_votes_and_pages(self, flow: Flow) -> None:
        job = cats(
            flow, workflow=Workflow(Label(votes=2, on_dispute="keep")), label=("ben", "cy"), tasks=2
        )
        for name in ("ben", "cy"):
            labeled(flow, name, job)
        whole = list(flow.results.rows(job, votes=True, accounts=False))
        assert {row["by"][:2] for row in whole} == {"w-"}
        rest = flow.results.rows(job, votes=True, accounts=False, after=whole[0])
        assert list(rest) == whole[1:]


def test_the_page_lists_every_fixed_column() -> None:
    page = (Path(__file__).parents[2] / "docs" / "rows.md").read_text("utf-8")
    listed = re.findall(r"^\| `(\w+)` \|", page, re.MULTILINE)
    assert listed == [*FIXED, *FIXED_OF_ANSWERS]


class TestNamesThatCollide:
    def keys(self, flow: Flow, template: Template, **data: Any) -> list[str]:
        row = next(flow.results.rows(job_of(flow, template, [data])))
        assert row["task"] == 1
        assert row["state"] == "todo"
        return list(row)[len(FIXED) :]

    def test_a_question_with_a_fixed_name(self, flow: Flow) -> None:
        assert self.keys(flow, asking("task", "state", "label_by")) == [
            "task (1)",
            "state (2)",
            "label_by (3)",
        ]

    def test_questions_that_share_a_title(self, flow: Flow) -> None:
        assert self.keys(flow, asking("a", "b", "a")) == ["a (1)", "b", "a (3)"]

    def test_a_title_like_another_one_with_its_id(self, flow: Flow) -> None:
        assert self.keys(flow, asking("a", "a", "a (1)")) == ["a (1) (1)", "a (2)", "a (1)"]

    def test_fields_with_the_names_of_others(self, flow: Flow) -> None:
        fields = {"task": 7, "a": 8, "b": 9, "state": "x"}
        assert self.keys(flow, asking("a"), **fields) == [
            "task (data)",
            "a (data)",
            "b",
            "state (data)",
            "a",
        ]

    def test_fields_that_look_as_if_they_were_renamed(self, flow: Flow) -> None:
        template = asking("task (data)")
        fields = {"task": 1, "task (data)": 2, "task (data) (data)": 3}
        row = next(flow.results.rows(job_of(flow, template, [fields])))
        values = [value for key, value in row.items() if key.startswith("task (data) (data)")]
        assert sorted(values) == [1, 2, 3]
        assert row["task (data)"] is None
        assert len(row) == len(FIXED) + 3 + 1

    def test_no_value_is_lost_whatever_the_names(self) -> None:
        names = ["a", "a (1)", "task", "a (data)", "task (data)", "a (data) (data)", "label_at"]
        for first in names:
            for second in names:
                columns = Columns.for_template(asking(first, second), names, FIXED)
                keys = [*FIXED, *columns.fields.values(), *columns.questions.values()]
                assert len(set(keys)) == len(keys) == len(FIXED) + len(names) + 2
                assert list(columns.fields) == names
                assert list(columns.empty) == keys
