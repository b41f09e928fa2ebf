"""Rows under the names of iTAG: shares are percentages, times are hours."""

from __future__ import annotations

from datetime import timedelta

import pytest

from itagflow import InvalidData, Stage
from itagflow.measuring import statistics_rules as rules
from itagflow.measuring.counting_rules import JobCounts, MemberCounts, Period, StageCounts
from itagflow.testing.builders import AT


def test_the_row_of_a_job() -> None:
    counts = JobCounts(
        tasks=10, answers=11, seconds=960.0, inspect=StageCounts(looks=4, errors=1, seconds=1200.0)
    )
    row = rules.to_job_row(counts, 1, 4)
    assert row["TotalItemCount"] == 10
    assert (row["CheckedAccuracy"], row["CheckEfficiency"]) == (75.0, 12.0)
    assert (row["SampledAccuracy"], row["SamplingAccuracy"]) == (None, 75.0)
    assert row["TotalWorkTime"] == 0.6


def test_the_row_of_a_member() -> None:
    row = rules.to_member_row(MemberCounts(answers=6, seconds=360.0, checked=6, check_errors=2))
    assert (row["MarkTime"], row["CheckedAcceptedCount"], row["SamplingAccuracy"]) == (0.1, 4, None)


def test_there_is_no_share_of_nothing() -> None:
    assert rules.compute_accuracy(0, 0) is None
    assert rules.compute_accuracy(1, 4) == 75.0
    assert rules.compute_efficiency(3, 0.0) is None
    assert rules.compute_efficiency(3, 3600.0) == 3.0


def test_the_rows_of_stages() -> None:
    counts = JobCounts(
        answers=4,
        seconds=3600.0,
        inspect=StageCounts(looks=4, errors=1, reviews=2, waited=7200.0),
    )
    rows_ = rules.list_stage_rows(counts, [Stage.LABEL, Stage.INSPECT, Stage.ACCEPT])
    label, inspect, accept = rows_
    assert (label["Stage"], label["Count"], label["Efficiency"]) == ("label", 4, 4.0)
    assert (inspect["Accuracy"], inspect["WaitTime"]) == (75.0, 1.0)
    assert (accept["Count"], accept["Accuracy"], accept["WaitTime"]) == (0, None, None)


def test_a_time_is_cut_into_periods() -> None:
    hour = timedelta(hours=1)
    cut = rules.cut_period(Period(AT, AT + 2.5 * hour), hour)
    assert cut == [
        Period(AT, AT + hour),
        Period(AT + hour, AT + 2 * hour),
        Period(AT + 2 * hour, AT + 2.5 * hour),
    ]
    assert rules.cut_period(Period(AT, AT), hour) == []
    for period in (Period(AT), Period(AT, AT + 1001 * hour)):
        with pytest.raises(InvalidData, match="every"):
            rules.cut_period(period, hour)
