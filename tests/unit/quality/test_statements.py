"""Rates, and what lines come to."""

from __future__ import annotations

import attrs
import pytest

from itagflow import InvalidData, Stage
from itagflow.quality import Rate, Statement, StatementLine
from itagflow.quality.statements import parse_rates, price

LINE = StatementLine(
    account="ann", job="cats", job_id=7, stage=Stage.LABEL, count=6, corrected=2, seconds=1800.0
)


def test_a_line_comes_to_its_tasks_and_its_hours() -> None:
    assert LINE.net == 4
    rates = parse_rates("it", {"label": Rate(item=0.5, hour=10), ("label", "bob"): Rate(item=9)})
    assert price(LINE, rates).amount == 4 * 0.5 + 0.5 * 10
    assert price(attrs.evolve(LINE, account="bob"), rates).amount == 36
    assert price(attrs.evolve(LINE, stage=Stage.INSPECT), rates).amount == 0


def test_a_statement_is_the_sum_of_its_lines() -> None:
    lines = tuple(attrs.evolve(LINE, amount=amount) for amount in (0.1, 0.2, -0.3))
    statement = Statement(after=0, until=9, lines=lines)
    assert statement.amount == pytest.approx(0)
    assert statement.rows[0] == {
        "Member": "ann",
        "JobId": 7,
        "JobName": "cats",
        "Stage": "label",
        "AssignmentCount": 0,
        "Count": 6,
        "CorrectedCount": 2,
        "NetCount": 4,
        "Time": 0.5,
        "Amount": 0.1,
    }


@pytest.mark.parametrize("value", [-1, float("nan"), "1", None, True, 1e10])
def test_a_rate_is_a_number(value: object) -> None:
    with pytest.raises(InvalidData, match="Rate: item: must be"):
        Rate(item=value)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "rates", [None, [], {"label": 1}, {"paint": Rate()}, {("label", 7): Rate()}, {3: Rate()}]
)
def test_rates_are_of_stages(rates: object) -> None:
    with pytest.raises(InvalidData):
        parse_rates("it", rates)
