"""results.rows: a flat dict for every task."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

import pytest
from support.scenes import Clock, cats, labeled, rows, taken

import itagflow
from itagflow import (
    Choice,
    Choices,
    Flow,
    Inspect,
    Label,
    NotAllowed,
    Preference,
    Ranking,
    Rating,
    Regions,
    Stage,
    Template,
    Text,
    Workflow,
    maintenance,
)
from itagflow.results.rows import Columns, extract_value
from itagflow.storage import codec
from itagflow.templates import Question, QuestionKind
from itagflow.testing import make_job

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
        nothing = dict.fromkeys(
            f"{stage}_{what}" for stage in ("label", "inspect") for what in ("by", "at", "seconds")
        )
        nothing["decided_by"] = None
        assert list(flow.results.rows(job)) == [
            {"task": n, "source": f"{n}.jpg", "Single-choice": None, "state": "todo", **nothing}
            for n in (1, 2)
        ]
        assert list(next(flow.results.rows(job))) == [
            "task",
            "source",
            "Single-choice",
            "state",
            *nothing,
        ]

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


class TestNamesThatCollide:
    def keys(self, flow: Flow, template: Template, **data: Any) -> list[str]:
        row = next(flow.results.rows(job_of(flow, template, [data])))
        assert row["task"] == 1
        assert row["state"] == "todo"
        return list(row)[1:-5]

    def test_a_question_with_a_fixed_name(self, flow: Flow) -> None:
        assert self.keys(flow, asking("task", "state", "label_by")) == [
            "task#1",
            "state#2",
            "label_by#3",
        ]

    def test_questions_that_share_a_title(self, flow: Flow) -> None:
        assert self.keys(flow, asking("a", "b", "a")) == ["a#1", "b", "a#3"]

    def test_a_title_like_another_one_with_its_id(self, flow: Flow) -> None:
        assert self.keys(flow, asking("a", "a", "a#1")) == ["a#1#1", "a#2", "a#1"]

    def test_fields_with_the_names_of_others(self, flow: Flow) -> None:
        fields = {"task": 7, "a": 8, "b": 9, "state": "x"}
        assert self.keys(flow, asking("a"), **fields) == [
            "data.task",
            "data.a",
            "b",
            "data.state",
            "a",
        ]

    def test_fields_that_look_as_if_they_were_renamed(self, flow: Flow) -> None:
        template = asking("data.task")
        fields = {"task": 1, "data.task": 2, "data.data.task": 3}
        row = next(flow.results.rows(job_of(flow, template, [fields])))
        assert [value for key, value in row.items() if key.startswith("data.data.")] == [1, 2, 3]
        assert row["data.task"] is None
        assert len(row) == 1 + 3 + 1 + 1 + 3 + 1

    def test_no_value_is_lost_whatever_the_names(self) -> None:
        names = ["a", "a#1", "task", "data.a", "data.task", "data.data.a", "label_at"]
        for first in names:
            for second in names:
                columns = Columns.for_job(make_job(), asking(first, second))
                assert len(set(columns.questions.values())) == 2
                fields = columns._prefix_fields({name: name for name in names})
                assert sorted(fields.values()) == sorted(names)
                assert not fields.keys() & columns.reserved
