"""Tasks and cells: what is counted as one, and how much of it a reviewer has changed."""

from __future__ import annotations

from typing import Any

import pytest

from itagflow import Box, Choice, Mask, Regions, Segment, Segments, Spans, Stage, TextSpan
from itagflow.measuring.look_rules import Look
from itagflow.measuring.unit_rules import (
    count_changes,
    count_look_errors,
    count_units,
    is_same_vote,
)
from itagflow.model import Outcome, Verdict
from itagflow.model.task import Answer
from itagflow.quality import StatisticsUnit
from itagflow.testing import make_answer, make_assignment

ITEM, CELL = StatisticsUnit.ITEM, StatisticsUnit.OPERATORCELL


def boxes(*places: tuple[float, str], width: int = 200) -> Regions:
    return Regions([Box(x, 0, 10, 10, label=name) for x, name in places], width=width, height=50)


def said(reply: Any, **more: Any) -> Answer:
    return make_answer(replies={"1": Choice("street"), "2": reply}, **more)


THREE = boxes((0, "car"), (50, "car"), (100, "van"))
GIVEN_UP = make_answer(abandon_reason="dark")


@pytest.mark.parametrize(
    ("answer", "cells"),
    [
        (said(THREE), 4),
        (said(boxes()), 2),  # that there is nothing to mark is said, too
        (said(Spans([TextSpan(0, 1), TextSpan(2, 3)])), 3),
        (said(Segments([Segment(0, 1)], duration=9)), 2),
        (GIVEN_UP, 1),
        (None, 1),
        (make_answer(replies={}), 1),
    ],
)
def test_the_cells_of_an_answer(answer: Answer | None, cells: int) -> None:
    assert count_units(answer, CELL) == cells
    assert count_units(answer, ITEM) == 1


@pytest.mark.parametrize(
    ("after", "cells"),
    [
        (THREE, 0),
        (boxes((0, "car"), (50, "car")), 1),  # one is gone
        (boxes((0, "car"), (50, "car"), (100, "van"), (150, "van")), 1),  # one is new
        (boxes((0, "car"), (50, "van"), (100, "van")), 1),  # another label
        (boxes((0.1, "car"), (50, "car"), (100, "van")), 0),  # 99 of 101
        (boxes((1, "car"), (50, "car"), (100, "van")), 1),  # 90 of 110
        (boxes((0, "car"), (70, "car"), (100, "van")), 2),  # one is gone, and one is new
        (boxes((9, "a"), (20, "b"), (30, "c"), (40, "d"), (70, "e")), 4),  # no more than there are
        (boxes((0, "car"), width=300), 3),  # of another size: all of it
        (Choice("none"), 3),
    ],
)
def test_the_cells_that_were_changed(after: Any, cells: int) -> None:
    assert count_changes(said(THREE), said(after), CELL) == cells
    assert count_changes(said(THREE), said(after), ITEM) == (after != THREE)


def test_what_was_given_up_or_not_there_counts_whole() -> None:
    assert count_changes(said(THREE), GIVEN_UP, CELL) == 4
    assert count_changes(GIVEN_UP, said(THREE), CELL) == 1
    assert count_changes(None, said(THREE), CELL) == 1
    assert count_changes(said(THREE), make_answer(replies={"1": Choice("street")}), CELL) == 3
    merged = make_answer(replies={"1": Choice("street")}, kept=("2",))
    assert count_changes(said(THREE), merged, CELL) == 0
    empty = Regions([Mask([2500])], width=50, height=50)
    assert count_changes(said(empty), said(boxes(width=0)), CELL) == 1


def test_the_errors_of_a_look() -> None:
    review = make_assignment(2, stage=Stage.INSPECT, outcome=Outcome.REVIEWED)

    def look(answer: Answer | None) -> Look:
        return Look(task=1, assignment=review, submitted=said(THREE), said=answer)

    assert count_look_errors(look(None), CELL) == 0
    wrong = make_answer(verdict=Verdict.WRONG)
    assert (count_look_errors(look(wrong), CELL), count_look_errors(look(wrong), ITEM)) == (4, 1)
    modified = said(boxes((0, "car"), (50, "car")), verdict=Verdict.RIGHT)
    assert count_look_errors(look(modified), CELL) == 1


def test_a_vote_on_what_is_marked_need_only_match_what_was_decided() -> None:
    decided = said(boxes((1, "car")))
    assert is_same_vote(said(boxes((0, "car"))), decided)
    assert not is_same_vote(said(boxes((0, "van"))), decided)
    assert not is_same_vote(said(boxes((0, "car"), (50, "car"))), decided)
    assert not is_same_vote(said(boxes((0, "car"), width=300)), decided)
    assert not is_same_vote(GIVEN_UP, decided)
    assert is_same_vote(GIVEN_UP, make_answer(abandon_reason="blurred"))
    remark = make_answer(replies={"1": Choice("street")}, kept=("2",))
    assert is_same_vote(said(Choice("a remark")), remark)
