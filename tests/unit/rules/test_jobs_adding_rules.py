"""One item of a queue: its row, its key and its prediction, decided without a store."""

from __future__ import annotations

import json
from typing import Any

import pytest

from itagflow import Choice, InvalidData, PreLabel, Task
from itagflow.errors import Problem
from itagflow.jobs import adding_rules as rules
from itagflow.testing.builders import make_job, make_template

TEMPLATE = make_template()
JOB, KEYED = make_job(), make_job(row_key="id")
TASK = Task(job=7, number=0, package=0, row='{"data": {"source": "1.jpg"}}')


def prepare(item: object, *tags: str, job: Any = JOB) -> Any:
    return rules.prepare_item(item, tags, TEMPLATE, job)


class TestRows:
    def test_fields_alone_a_row_or_its_text(self) -> None:
        for item in (
            {"source": "1.jpg"},
            {"data": {"source": "1.jpg"}},
            '{"data": {"source": "1.jpg"}}',
        ):
            assert json.loads(prepare(item).text) == {"data": {"source": "1.jpg"}}

    def test_tags_stand_beside_what_there_is_which_stays_to_the_last_digit(self) -> None:
        text = prepare('{"data": {"source": "1.jpg", "x": 1.10}, "seen": 2e0 } ', "a", "é").text
        assert text.startswith('{"data": {"source": "1.jpg", "x": 1.10}, "seen": 2e0')
        assert json.loads(text)["tags"] == ["a", "é"]

    def test_what_is_wrong_is_named_without_a_number_of_the_row(self) -> None:
        with pytest.raises(InvalidData) as refused:
            prepare({})
        assert [problem.where for problem in refused.value.problems] == ["data.source"]
        with pytest.raises(InvalidData) as refused:
            prepare(5)
        assert [problem.where for problem in refused.value.problems] == [""]

    def test_tags_are_given_once(self) -> None:
        row = {"data": {"source": "1.jpg"}, "tags": ["here"]}
        with pytest.raises(InvalidData, match="tags: are given, and the row has some"):
            prepare(row, "there")
        assert json.loads(prepare(row).text)["tags"] == ["here"]


class TestKeys:
    def test_that_of_the_row_or_the_one_that_is_given(self) -> None:
        row = prepare({"source": "1.jpg"})
        assert rules.choose_key(JOB, row, None) == ""
        assert rules.choose_key(JOB, row, "a") == "a"
        assert rules.choose_key(JOB, row, 7) == "7"
        assert rules.choose_key(JOB, row, "7") == '"7"'
        assert rules.choose_key(make_job(row_key_type="text"), row, 7) == '"7"'

    def test_both_must_agree(self) -> None:
        row = prepare({"source": "1.jpg", "id": 7}, job=KEYED)
        assert rules.choose_key(KEYED, row, None) == "7"
        assert rules.choose_key(KEYED, row, 7) == "7"
        with pytest.raises(InvalidData, match=r"key: is '7', and data\.id is 7: leave it out"):
            rules.choose_key(KEYED, row, "7")

    @pytest.mark.parametrize("key", ["", "  ", 2**63, "\0", "x" * 5_000])
    def test_what_tells_nothing_apart_is_refused(self, key: str | int) -> None:
        with pytest.raises(InvalidData, match="the task: key"):
            rules.choose_key(JOB, prepare({"source": "1.jpg"}), key)


class TestPredictions:
    def test_bare_replies_or_a_pre_label(self) -> None:
        assert rules.check_prediction(TEMPLATE, TASK, None) is None
        bare = rules.check_prediction(TEMPLATE, TASK, Choice("cat"))
        assert bare is not None
        assert (bare.replies, bare.score) == ({"1": Choice("cat")}, None)
        scored = rules.check_prediction(TEMPLATE, TASK, PreLabel(Choice("cat"), score=0.5))
        assert scored is not None
        assert scored.score == 0.5

    def test_what_does_not_fit_is_named_without_the_number_of_the_task(self) -> None:
        with pytest.raises(InvalidData) as refused:
            rules.check_prediction(TEMPLATE, TASK, Choice("bird"))
        assert [problem.where for problem in refused.value.problems] == ["1"]

    def test_what_a_validator_says_is_named_so_too(self) -> None:
        error = rules.make_prediction_error(TASK, [Problem("task 0, 1", "no"), Problem("2", "nor")])
        assert [problem.where for problem in error.problems] == ["1", "2"]
