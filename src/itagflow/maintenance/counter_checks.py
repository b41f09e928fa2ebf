"""What must hold of claim counters: what they count, and where their cursors are."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime

from itagflow.claiming.decision import can_own_work_wait
from itagflow.model.inconsistency import Inconsistency, compare_field
from itagflow.model.job import Job, Stage
from itagflow.model.package import ClaimCounter


def check_claim_counters(
    job: Job,
    counters: Sequence[ClaimCounter],
    active: Mapping[tuple[Stage, int], int],
    totals: Mapping[tuple[Stage, int], int],
) -> Iterator[Inconsistency]:
    """Yield the claim counters that differ from what there is.

    Args:
        job: The job.
        counters: Its claim counters.
        active: How many assignments are held, by stage and member.  A claim counter counts them
            only at a stage with a limit; elsewhere it is there for tokens.
        totals: How many assignments count toward the total, by stage and member.
    """
    stored = {(counter.stage, counter.member): counter.total for counter in counters}
    for key in sorted({*stored, *totals}, key=lambda key: (key[0].value, key[1])):
        if stored.get(key, 0) != totals.get(key, 0):
            place = (job.id, key[0].value, key[1])
            actual_total, total = stored.get(key), totals.get(key, 0)
            yield Inconsistency("claim_counter", place, "total", actual_total, total)
    # without a limit nobody has to count, and a counter is there for the cursor only
    limited = {stage for stage in job.workflow.stages if job.workflow.rule(stage).limit is not None}
    expected = {key: count for key, count in active.items() if key[0] in limited}
    actual = {(counter.stage, counter.member): counter.active for counter in counters}
    for stage, member in sorted({*actual, *expected}, key=lambda key: (key[0].value, key[1])):
        count, expected_count = actual.get((stage, member)), expected.get((stage, member), 0)
        if count != expected_count:
            yield Inconsistency(
                "claim_counter", (job.id, stage.value, member), "held", count, expected_count
            )


def check_queue_cursors(
    job: Job, counters: Sequence[ClaimCounter], moments: Collection[datetime]
) -> Iterator[Inconsistency]:
    """Yield the claim counters whose cursor is at a place that no package can have had.

    A place is remembered where own work waits, and a package waits since an act; *moments* are
    those of acts. Whether anything lies before it is nothing that must hold: what is given a lower
    priority, and what others held at that moment, comes to lie there, and is found when nothing
    lies behind it any more.
    """
    for counter in counters:
        if counter.cursor is None:
            continue
        is_unused = not can_own_work_wait(job, counter.stage) and not job.workflow_changes
        if counter.stage not in job.workflow.stages or is_unused:
            yield from compare_field(counter, "cursor", counter.cursor.since, None)
        elif counter.cursor.since not in moments:
            yield from compare_field(
                counter, "cursor", counter.cursor.since, "the moment of an act"
            )
