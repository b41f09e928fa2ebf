"""Whether claim counters fit what members hold, and cursors what has happened."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import attrs

from itagflow import Inspect, Label, Stage, Workflow
from itagflow.maintenance import counter_checks
from itagflow.model.inconsistency import Inconsistency
from itagflow.model.package import ClaimCounter, QueueCursor
from itagflow.testing import make_job
from itagflow.testing.builders import AT


def fields(found: Any) -> list[tuple[str, object, object]]:
    differences: list[Inconsistency] = list(found)
    return [(one.field, one.actual, one.expected) for one in differences]


LIMITED = make_job(workflow=Workflow(Label(limit=2), Inspect()))


def test_a_counter_counts_only_where_there_is_a_limit() -> None:
    held = {(Stage.LABEL, 2): 1, (Stage.INSPECT, 2): 1}
    counter = ClaimCounter(job=4, stage=Stage.LABEL, member=2, active=1)
    assert fields(counter_checks.check_claim_counters(LIMITED, [counter], held, {})) == []
    wrong = attrs.evolve(counter, active=3)
    assert fields(counter_checks.check_claim_counters(LIMITED, [wrong], held, {})) == [
        ("held", 3, 1)
    ]
    assert fields(counter_checks.check_claim_counters(LIMITED, [], held, {})) == [("held", None, 1)]


def test_a_cursor_is_at_the_moment_of_an_act_where_own_work_waits() -> None:
    at_inspect = ClaimCounter(job=4, stage=Stage.INSPECT, member=2, cursor=QueueCursor(0, AT))
    assert fields(counter_checks.check_queue_cursors(LIMITED, [at_inspect], [AT])) == []
    later = [AT + timedelta(seconds=1)]
    assert [
        e for _, _, e in fields(counter_checks.check_queue_cursors(LIMITED, [at_inspect], later))
    ] == ["the moment of an act"]
    at_label = attrs.evolve(at_inspect, stage=Stage.LABEL)
    assert [
        e for _, _, e in fields(counter_checks.check_queue_cursors(LIMITED, [at_label], [AT]))
    ] == [None]
