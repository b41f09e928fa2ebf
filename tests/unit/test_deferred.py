"""Answers and results that are read when they are asked: they are as if they had been read at once."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Mapping
from threading import Barrier, Thread
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.scenes import cats, labeled, taken

from itagflow import Box, Choice, Flow, Inspect, Label, Regions, Workflow
from itagflow.model.copying import evolve
from itagflow.model.task import Answer
from itagflow.storage import codec
from itagflow.storage._sql import bodies
from itagflow.storage._sql.bodies import find_parts
from itagflow.storage._sql.layout import LAYOUTS
from itagflow.testing import make_answer

LAYOUT = LAYOUTS[Answer]
REPLIES = {"1": Choice("cat"), "replies": Regions([Box(1, 2, 3, 4)], width=9, height=9)}
ANSWERS = [
    make_answer(replies=None, comment="so so"),
    make_answer(replies={}),
    make_answer(replies=REPLIES),
    make_answer(replies=REPLIES, seconds=2.5, template_version=3),
    make_answer(replies=None, abandon_reason="dark"),
    make_answer(replies=REPLIES, disputed=("replies",), order={"1": ("cat", "dog")}),
    make_answer(replies=None, order={"replies": ("cat", "dog")}, kept=("replies",)),
]


def stored(answer: Answer) -> Answer:
    return LAYOUT.entity(LAYOUT.row(answer))


@pytest.mark.parametrize("answer", ANSWERS)
class TestAnAnswerFromAStore:
    def test_equals_and_looks_like_the_one_that_was_stored(self, answer: Answer) -> None:
        assert stored(answer) == answer
        assert answer == stored(answer)
        assert hash(stored(answer)) == hash(answer)
        assert repr(stored(answer)) == repr(answer)
        assert attrs.asdict(stored(answer), recurse=False) == attrs.asdict(answer, recurse=False)

    def test_is_copied_and_changed_like_it(self, answer: Answer) -> None:
        for again in (copy.copy, copy.deepcopy, lambda each: pickle.loads(pickle.dumps(each))):
            assert again(stored(answer)) == answer
        assert evolve(stored(answer), version=7) == attrs.evolve(answer, version=7)
        assert attrs.evolve(stored(answer), version=7) == attrs.evolve(answer, version=7)
        with pytest.raises(TypeError, match="fre"):
            evolve(stored(answer), fre=0)

    def test_never_changes_and_has_no_other_fields(self, answer: Answer) -> None:
        with pytest.raises(attrs.exceptions.FrozenInstanceError):
            stored(answer).comment = "x"  # type: ignore[misc]
        with pytest.raises(AttributeError, match="'nothing'"):
            stored(answer).nothing  # type: ignore[attr-defined]  # noqa: B018
        assert not hasattr(stored(answer), "_nothing")

    def test_is_stored_again_as_the_same_row(self, answer: Answer) -> None:
        assert LAYOUT.row(stored(answer)) == LAYOUT.row(answer)


class TestReplies:
    def test_they_equal_a_dict_both_ways(self) -> None:
        replies = stored(make_answer(replies=REPLIES)).replies
        assert isinstance(replies, Mapping)
        assert replies == REPLIES
        assert replies == REPLIES
        assert replies != {"1": Choice("dog")}
        assert (list(replies), len(replies), "1" in replies, "2" in replies) == (
            ["1", "replies"],
            2,
            True,
            False,
        )
        assert repr(replies) == repr(REPLIES)
        assert type(pickle.loads(pickle.dumps(replies))) is dict

    def test_their_plain_json_is_what_is_stored(self) -> None:
        replies = stored(make_answer(replies=REPLIES)).replies
        assert replies is not None
        assert codec.encode_replies(replies) == codec.encode_replies(REPLIES)

    def test_threads_that_ask_at_once_get_the_same_one(self) -> None:
        answer, barrier = stored(make_answer(replies=REPLIES)), Barrier(8)
        found: list[Any] = []

        def ask() -> None:
            barrier.wait()
            found.append((answer.replies or {})["replies"])

        threads = [Thread(target=ask) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert {id(each) for each in found} == {id((answer.replies or {})["replies"])}
        assert found == [REPLIES["replies"]] * 8


TEXTS = st.text(alphabet='}{"\\,: ab', max_size=12)


@given(TEXTS, TEXTS, st.floats(0, 1) | st.none(), st.sampled_from(["1", "merge", "}}"]))
def test_whatever_stands_behind_the_replies_is_found(
    comment: str, reason: str, score: float | None, question: str
) -> None:
    answer = make_answer(
        replies={question: Choice(reason or "x")}, comment=comment, reason=reason, score=score
    )
    for field in ("comment", "reason", "score", "abandon_reason", "replies"):
        # each first: what is asked first must not change what comes next
        assert getattr(stored(answer), field) == getattr(answer, field)
    assert stored(answer) == answer


@pytest.mark.parametrize(
    ("text", "fields"),
    [
        ('{"at":"1","replies":{"1":{"key":"cat"}}}', ()),
        ('{"at":"1","replies":{"1":{"key":"cat"}},"seconds":2}', ("seconds",)),
        ('{"at":"1","replies":{"1":{}},"comment":"a","erased":true}', ("comment", "erased")),
        # these have to be parsed
        ('{"at": "1", "replies": {"1": {"key": "cat"}}}', None),
        ('{"at":"1","replies":{}}', None),
        ('{"at":"1","comment":"a"}', None),
        ('{"at":"1","kept":["2"],"replies":{"1":{}}}', None),
        ('{"at":"1","replies":{"1":{}},"comment":"}},"}', None),
        ('{"at":"1","replies":{"1":{}},"comment":"}}"}', None),
        ('{"at":"1","replies":{"1":{}},"order":{"1":["a"]}}', None),
        ('{"at":"1","replies":{"1":{}},"merge":{"1":{"2":{}}}}', None),
    ],
)
def test_the_fields_of_a_body_that_is_not_parsed(text: str, fields: tuple[str, ...] | None) -> None:
    parts = find_parts(text)
    assert (parts and parts.others) == fields


def test_who_asks_for_states_and_stages_does_not_parse_replies(
    flow: Flow, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = cats(flow, workflow=Workflow(Label(), Inspect()), tasks=2)
    labeled(flow, "ben", job)
    flow.review(taken(flow, "di", job, "inspect"))

    def refuse(body: bodies.Body) -> Any:
        raise AssertionError("the body is parsed")

    with monkeypatch.context() as patch:
        patch.setattr(bodies.Body, "parse", refuse)
        results = list(flow.results.list(job))
        assert [result.state.value for result in results] == ["final", "final"]
        assert [len(result.stages) for result in results] == [2, 2]
        with pytest.raises(AssertionError, match="is parsed"):
            _ = results[0].replies == {}
    assert [result.replies for result in results] == [{"1": Choice("cat")}] * 2
