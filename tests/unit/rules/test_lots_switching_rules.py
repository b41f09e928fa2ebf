"""How severely the lots of a stream are inspected, by those before them."""

from __future__ import annotations

from typing import Any

import attrs
import pytest

from itagflow import Lot
from itagflow.lots.plan_rules import LotRule
from itagflow.lots.switching_rules import (
    choose_severity,
    count_decisions,
    explain_stop,
    find_state,
    find_stream,
    list_stopped,
    resume,
    switch,
)
from itagflow.model import AcceptanceLot, LotState
from itagflow.model.plan import Severity, SwitchingState
from itagflow.quality import SinglePlan, iso2859
from itagflow.testing import AT, make_job

NORMAL, TIGHTENED, REDUCED = Severity.NORMAL, Severity.TIGHTENED, Severity.REDUCED
RULE = LotRule(Lot(packages=3), iso2859(aql=1.0))
STOPPED = SwitchingState(severity=TIGHTENED, rejected=5, is_stopped=True)


def lot(number: int = 1, **fields: Any) -> AcceptanceLot:
    """A lot of a thousand tasks: code letter J."""
    given: dict[str, Any] = {
        "packages": (number,),
        "size": 1000,
        "sample": 80,
        "checked": 80,
        "state": LotState.ACCEPTED,
        "closed_at": AT,
        "decision": number,
    }
    return AcceptanceLot(job=4, number=number, **{**given, **fields})


def run(found: list[int], *, may_reduce: bool = False) -> list[AcceptanceLot]:
    """Lots in which so many wrong tasks were found, one after the other."""
    rule = attrs.evolve(RULE, lot=Lot(packages=3, may_reduce=may_reduce))
    lots = list[AcceptanceLot]()
    for number, wrong in enumerate(found, 1):
        before = find_state(lots, "open")
        plan = iso2859(aql=1.0).for_lot(1000, before.severity)
        state = LotState.ACCEPTED if wrong <= plan.accept else LotState.REJECTED
        decided = lot(number, wrong=wrong, state=state, severity=before.severity)
        lots.append(attrs.evolve(decided, switching=switch(rule, before, decided)))
    return lots


def severities(found: list[int], **more: Any) -> list[str]:
    lots = run(found, **more)
    return [find_state(lots, "open", number).severity.value for number in range(len(found) + 1)]


class TestSwitching:
    """The vectors of the standard, by lots that were decided one after the other."""

    def test_two_bad_ones_of_five_tighten(self) -> None:
        assert severities([3, 0, 0, 0, 3])[-2:] == ["normal", "tightened"]
        assert severities([3, 0, 0, 0, 0, 3])[-1] == "normal"

    def test_five_good_ones_in_a_row_end_that(self) -> None:
        assert severities([3, 3, 0, 0, 2, 0, 0, 0, 0, 0])[2:] == ["tightened"] * 8 + ["normal"]

    def test_five_bad_ones_on_tightened_inspection_stop_it(self) -> None:
        lots = run([3, 3, 2, 0, 2, 2, 0, 0, 2, 2])
        assert [find_state(lots, "open", number).is_stopped for number in (9, 10)] == [False, True]
        assert [each.number for each in list_stopped(lots)] == [10]
        resumed = [*lots[:-1], resume(lots[-1])]
        assert list_stopped(resumed) == []
        assert find_state(resumed, "open") == SwitchingState(severity=TIGHTENED)
        assert find_state(resumed, "open", 9) == find_state(lots, "open", 9)

    def test_many_good_ones_reduce_it_only_where_that_is_wanted(self) -> None:
        assert severities([1] * 10, may_reduce=True)[-1] == "reduced"
        assert severities([1] * 10)[-1] == "normal"


class TestWhatCounts:
    @pytest.mark.parametrize(
        "fields",
        [
            {"again": 3},
            {"state": LotState.DISCARDED},
            {"severity": TIGHTENED},
            {"size": 0},
        ],
    )
    def test_only_first_inspections_that_were_as_severe_as_the_stream(
        self, fields: dict[str, Any]
    ) -> None:
        assert switch(RULE, SwitchingState(), lot()) is not None
        assert switch(RULE, SwitchingState(), lot(**fields)) is None

    def test_nothing_counts_while_inspection_is_stopped(self) -> None:
        assert switch(RULE, STOPPED, lot(severity=TIGHTENED)) is None

    def test_other_plans_have_no_such_rules(self) -> None:
        single = LotRule(Lot(packages=3), SinglePlan(5, 1))
        assert switch(single, SwitchingState(), lot()) is None

    def test_streams_do_not_count_for_each_other(self) -> None:
        night = lot(1, stream="group night", switching=STOPPED)
        assert find_state([night], "group night").is_stopped
        assert find_state([night], "group day") == SwitchingState()
        assert [each.stream for each in list_stopped([night, lot(2)])] == ["group night"]

    def test_what_comes_back_is_of_the_stream_that_it_was_of(self) -> None:
        night = lot(3, stream="group night")
        assert find_stream("again 3", [night]) == "group night"
        assert find_stream("again 4", [night]) == "again 4"
        assert find_stream("open", [night]) == "open"

    def test_decisions_are_counted(self) -> None:
        assert count_decisions([]) == 0
        assert count_decisions([lot(1, decision=2), lot(2, decision=0)]) == 2


def test_what_comes_back_is_not_inspected_on_reduced_terms() -> None:
    reduced = SwitchingState(severity=REDUCED)
    assert choose_severity(reduced, is_first=True) is REDUCED
    assert choose_severity(reduced, is_first=False) is NORMAL
    assert choose_severity(STOPPED, is_first=False) is TIGHTENED


def test_it_is_said_why_nothing_closes() -> None:
    told = explain_stop(make_job(), lot(7))
    assert told.startswith("inspection is stopped after lot 7, since 5 lots were rejected")
    assert told.endswith("improve the work of job 'cats', then lots.resume")
