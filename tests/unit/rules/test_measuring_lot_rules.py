"""What lots of several packages tell of the errors left in what they have accepted."""

from __future__ import annotations

from typing import Any

import attrs
import pytest

from itagflow import Lot, PackageState, Stage
from itagflow.lots.plan_rules import LotRule
from itagflow.measuring import lot_rules
from itagflow.model.lot import AcceptanceLot
from itagflow.model.package import Campaign
from itagflow.model.plan import LotEntry, LotState, PlanDecision, PlanVerdict, Severity
from itagflow.quality import Inspection, SinglePlan, iso2859, sequential
from itagflow.testing.builders import AT, make_package

ACCEPTED, REJECTED = LotState.ACCEPTED, LotState.REJECTED


def lot(number: int, state: LotState, wrong: int, **fields: Any) -> AcceptanceLot:
    given: dict[str, Any] = {"packages": (number,), "size": 20, "sample": 6, "checked": 6, **fields}
    return AcceptanceLot(job=4, number=number, state=state, wrong=wrong, closed_at=AT, **given)


@attrs.frozen
class OwnPlan:
    """A plan for 3 tasks that says this when so many are wrong."""

    says: str
    sample: int = 3

    def for_lot(self, lot: int) -> OwnPlan:
        return self

    def decide(self, checked: int, wrong: int) -> PlanDecision:
        verdicts = {"a": PlanVerdict.ACCEPT, "r": PlanVerdict.REJECT, "m": PlanVerdict.MORE}
        return PlanDecision(verdicts[self.says[wrong]])

    def explain(self) -> str:
        return self.says


@pytest.mark.parametrize(
    ("says", "limit"),
    [("arrr", 0), ("aaar", 2), ("aaaa", 3), ("rrrr", None), ("ammr", None), ("arar", None)],
)
def test_with_how_many_errors_a_plan_accepts(says: str, limit: int | None) -> None:
    assert lot_rules.find_limit(OwnPlan(says)) == limit


def test_each_decided_lot_is_an_inspection() -> None:
    rule = LotRule(Lot(packages=2), SinglePlan(6, 1))
    lots = [
        lot(1, ACCEPTED, 1),
        lot(2, REJECTED, 2),
        lot(3, LotState.CLOSED, 0, checked=0),
        lot(4, LotState.DISCARDED, 0, checked=0),
        # all of it was checked in any case
        lot(5, ACCEPTED, 0, size=0, sample=0, checked=0),
        lot(6, ACCEPTED, 0, again=2),
    ]
    assert lot_rules.list_inspections(rule, lots) == [
        Inspection(20, 6, wrong, accept=1, is_drawn=False) for wrong in (1, 2, 0)
    ]


def test_the_limit_is_that_of_the_severity_of_each_lot() -> None:
    rule = LotRule(Lot(packages=2), iso2859(1.0))
    sizes = {"size": 1000, "sample": 80, "checked": 80}
    lots = [lot(1, ACCEPTED, 2, **sizes), lot(2, REJECTED, 2, severity=Severity.TIGHTENED, **sizes)]
    found = lot_rules.list_inspections(rule, lots)
    assert found is not None
    assert [each.accept for each in found] == [2, 1]
    assert [each.is_accepted for each in found] == [True, False]


def test_a_plan_that_wants_more_has_no_limit() -> None:
    rule = LotRule(Lot(packages=2), sequential(0.02, 0.2))
    assert lot_rules.list_inspections(rule, [lot(1, ACCEPTED, 0)]) is None
    assert lot_rules.list_inspections(rule, []) == []


@pytest.mark.parametrize(
    ("fields", "tasks"),
    [
        ({"state": PackageState.DONE}, 4),
        ({"state": PackageState.DONE, "erased": (1,), "withdrawals": (2,)}, 2),
        ({"state": PackageState.DISCARDED}, 0),
        ({"state": PackageState.ACCEPT}, 0),
        ({"state": PackageState.ACCEPT, "lot_entry": LotEntry(lot=1, state=REJECTED)}, 0),
        # what was found wrong in it is being corrected
        ({"state": PackageState.ACCEPT, "lot_entry": LotEntry(lot=1, state=ACCEPTED)}, 4),
        (
            {
                "state": PackageState.LABEL,
                "campaigns": (Campaign(round=2, stage=Stage.LABEL, tasks=(1,)),),
            },
            4,
        ),
    ],
)
def test_which_tasks_are_accepted(fields: dict[str, Any], tasks: int) -> None:
    assert lot_rules.count_accepted(make_package(1, size=4, **fields)) == tasks
