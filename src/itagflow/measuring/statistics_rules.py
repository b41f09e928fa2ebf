"""Rows under the names of iTAG, from what was counted."""

from __future__ import annotations

from typing import Any

from itagflow.measuring.counting_rules import JobCounts, MemberCounts

HOUR = 3600.0


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
    """Return how many there are an hour; None where no time was told.

    >>> compute_efficiency(11, 220.0), compute_efficiency(11, 0.0)
    (180.0, None)
    """
    return number / (seconds / HOUR) if seconds else None
