"""What the rule of ACCEPT says of lots, and the plan for one of them."""

from __future__ import annotations

import pytest

from itagflow import Accept, Label, Lot, Workflow
from itagflow.lots.plan_rules import LotRule, find_lot_rule, make_lot_plan
from itagflow.model.plan import Severity
from itagflow.quality import SinglePlan, iso2859
from itagflow.testing import make_job

LOT = Lot(packages=3)


def test_only_a_rule_of_accept_with_lots_has_one() -> None:
    plan = SinglePlan(2, 0)
    job = make_job(workflow=Workflow(Label(), Accept(plan=plan, lot=LOT)))
    assert find_lot_rule(job) == LotRule(LOT, plan)
    assert job.workflow.has_lots
    alone = make_job(workflow=Workflow(Label(), Accept(plan=plan)))
    assert find_lot_rule(alone) is None
    assert not alone.workflow.has_lots
    assert find_lot_rule(make_job()) is None


@pytest.mark.parametrize(
    ("severity", "sample"), [("normal", 80), ("tightened", 80), ("reduced", 32)]
)
def test_the_standard_has_a_plan_for_each_severity(severity: str, sample: int) -> None:
    rule = LotRule(LOT, iso2859(aql=1.0))
    plan = make_lot_plan(rule, 1000, Severity(severity))
    assert plan.sample == sample
    assert plan == iso2859(aql=1.0).for_lot(1000, severity)


def test_other_plans_have_one() -> None:
    rule = LotRule(LOT, SinglePlan(5, 1))
    assert make_lot_plan(rule, 100, Severity.REDUCED) == SinglePlan(5, 1).for_lot(100)
