"""Rows under the names of iTAG, from what was counted."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from itagflow.errors import InvalidData, Problem
from itagflow.measuring.counting_rules import JobCounts, MemberCounts, Period, StageCounts
from itagflow.model.job import Stage

NAME = "quality.statistics"
HOUR = 3600.0
MOST_PERIODS = 1_000
"""In how many periods a time can be cut."""


def to_job_row(counts: JobCounts, sample_errors: int, sampled: int) -> dict[str, Any]:
    """Return the row of a job; *sample_errors* of *sampled* looks are charged to labelers."""
    inspect, accept = counts.inspect, counts.accept
    return {
        "TotalItemCount": counts.tasks,
        "FinishedItemCount": counts.done_tasks,
        "TotalSubtaskCount": counts.packages,
        "FinishedSubtaskCount": counts.done_packages,
        "AcceptItemCount": counts.final,
        "FinalAbandonCount": counts.abandoned,
        "PreMarkFixedCount": counts.corrected,
        "TotalCheckedCount": inspect.looks,
        "CheckedError": inspect.errors,
        "CheckedRejectCount": inspect.rejects,
        "CheckedAccuracy": compute_accuracy(inspect.errors, inspect.looks),
        "CheckAbandon": inspect.abandoned,
        "TotalCheckCount": inspect.looks,
        "TotalCheckTime": inspect.seconds / HOUR,
        "CheckEfficiency": compute_efficiency(inspect.looks, inspect.seconds),
        "CheckAccuracy": compute_accuracy(counts.missed, counts.both),
        "TotalSampledCount": accept.looks,
        "SampledErrorCount": accept.errors,
        "SampledRejectCount": accept.rejects,
        "SampledAccuracy": compute_accuracy(accept.errors, accept.looks),
        "TotalSamplingCount": accept.looks,
        "SamplingAccuracy": compute_accuracy(sample_errors, sampled),
        "TotalMarkTime": counts.seconds / HOUR,
        "MarkEfficiency": compute_efficiency(counts.answers, counts.seconds),
        "TotalWorkTime": (counts.seconds + inspect.seconds + accept.seconds) / HOUR,
    }


def list_stage_rows(counts: JobCounts, stages: Sequence[Stage]) -> list[dict[str, Any]]:
    """Return a row for each of these stages."""
    reviews = {Stage.INSPECT: counts.inspect, Stage.ACCEPT: counts.accept}
    label: dict[str, Any] = {
        "Stage": Stage.LABEL.value,
        "Count": counts.answers,
        "ErrorCount": None,
        "RejectCount": None,
        "AbandonCount": counts.given_up,
        "Accuracy": None,
        "Time": counts.seconds / HOUR,
        "Efficiency": compute_efficiency(counts.answers, counts.seconds),
        "WaitTime": None,
    }
    return [
        label,
        *(
            {"Stage": stage.value, **_describe_reviews(reviews[stage])}
            for stage in stages
            if stage in reviews
        ),
    ]


def _describe_reviews(counts: StageCounts) -> dict[str, Any]:
    return {
        "Count": counts.looks,
        "ErrorCount": counts.errors,
        "RejectCount": counts.rejects,
        "AbandonCount": counts.abandoned,
        "Accuracy": compute_accuracy(counts.errors, counts.looks),
        "Time": counts.seconds / HOUR,
        "Efficiency": compute_efficiency(counts.looks, counts.seconds),
        "WaitTime": counts.waited / HOUR / counts.reviews if counts.reviews else None,
    }


def cut_period(period: Period, every: timedelta) -> list[Period]:
    """Return the periods of this length that begin where *period* does, up to its end.

    The last one ends with it, and may be shorter.

    Raises:
        InvalidData: when the period has no beginning or no end, or there would be too many.
    """
    since, until = period.since, period.until
    if since is None or until is None:
        raise InvalidData(NAME, [Problem("every", "needs since and until: say what is cut")])
    number = -((since - until) // every)
    if number > MOST_PERIODS:
        reason = f"makes {number} periods, more than {MOST_PERIODS}: choose longer ones"
        raise InvalidData(NAME, [Problem("every", reason)])
    starts = [since + place * every for place in range(number)]
    return [Period(start, min(start + every, until)) for start in starts]


def to_member_row(counts: MemberCounts) -> dict[str, Any]:
    """Return the row of a labeler, or of several who were added up, without who it is."""
    return {
        "TotalMarkItemsCount": counts.answers,
        "AcceptedMarkItemsCount": counts.accepted,
        "MarkTime": counts.seconds / HOUR,
        "MarkEfficiency": compute_efficiency(counts.answers, counts.seconds),
        "CheckCount": counts.checked,
        "CheckedAcceptedCount": counts.checked - counts.check_errors,
        "CheckedAccuracy": compute_accuracy(counts.check_errors, counts.checked),
        "SamplingCount": counts.sampled,
        "SamplingErrorCount": counts.sample_errors,
        "SamplingAccuracy": compute_accuracy(counts.sample_errors, counts.sampled),
        "ReworkCausedCount": counts.caused,
        "ReworkCount": counts.reworked,
        "ReworkTime": counts.rework_seconds / HOUR,
    }


def compute_accuracy(errors: int, looks: int) -> float | None:
    """Return the percentage without an error; None without a look.

    >>> compute_accuracy(3, 4), compute_accuracy(0, 0)
    (25.0, None)
    """
    return 100 * (1 - errors / looks) if looks else None


def compute_efficiency(number: int, seconds: float) -> float | None:
    """Return how many there are an hour; None where no time was given.

    >>> compute_efficiency(11, 220.0), compute_efficiency(11, 0.0)
    (180.0, None)
    """
    return number / (seconds / HOUR) if seconds else None
