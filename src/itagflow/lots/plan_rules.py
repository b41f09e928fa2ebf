"""What the rule of ACCEPT says of lots, and the plan for one of them."""

from __future__ import annotations

import attrs

from itagflow.model.job import Job
from itagflow.model.lot import Lot
from itagflow.model.plan import AcceptancePlan, LotPlan, Severity
from itagflow.quality.iso_plans import Iso2859


@attrs.frozen
class LotRule:
    """What the rule of ACCEPT says of lots."""

    lot: Lot
    """Which packages are one."""
    plan: AcceptancePlan
    """What decides on it."""


def find_lot_rule(job: Job) -> LotRule | None:
    """Return what the rule of ACCEPT says of lots of several packages; None: there are none."""
    accept = job.workflow.accept
    if accept is None or accept.lot is None or accept.plan is None:
        return None
    return LotRule(accept.lot, accept.plan)


def make_lot_plan(rule: LotRule, size: int, severity: Severity) -> LotPlan:
    """Return the plan for a lot of this size, which is inspected so severely."""
    if isinstance(rule.plan, Iso2859):
        return rule.plan.for_lot(size, severity)
    return rule.plan.for_lot(size)
