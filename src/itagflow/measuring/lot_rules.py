"""What lots of several packages tell of the errors that are left in what they have accepted.

The sample of a lot is drawn from all of its tasks, not package by package: that errors are in few
packages takes nothing from it.  So a lot is one inspection, with the number of errors up to which
its plan accepts; one that was rejected counts too, and comes back as another lot with a fresh
sample, or is checked whole and then has nothing left.
"""

from __future__ import annotations

from collections.abc import Sequence

from itagflow.lots.plan_rules import LotRule, make_lot_plan
from itagflow.model.lot import AcceptanceLot
from itagflow.model.package import Package, PackageState
from itagflow.model.plan import LotPlan, LotState, PlanVerdict
from itagflow.quality.values import Inspection

_DECIDED = (LotState.ACCEPTED, LotState.REJECTED)


def find_limit(plan: LotPlan) -> int | None:
    """Return with how many errors in its sample *plan* accepts; None: there is no such number.

    There is none where it may want to see more, or accepts with more errors and not with fewer;
    or where it accepts with none at all, so that nothing would be accepted.

    >>> from itagflow.quality import SinglePlan, sequential
    >>> find_limit(SinglePlan(20, 1).for_lot(100)), find_limit(sequential(0.02, 0.2).for_lot(100))
    (1, None)
    """
    verdicts = [plan.decide(plan.sample, wrong).verdict for wrong in range(plan.sample + 1)]
    accepted = verdicts.count(PlanVerdict.ACCEPT)
    expected = [PlanVerdict.ACCEPT] * accepted
    expected += [PlanVerdict.REJECT] * (len(verdicts) - accepted)
    return accepted - 1 if accepted and verdicts == expected else None


def list_inspections(rule: LotRule, lots: Sequence[AcceptanceLot]) -> list[Inspection] | None:
    """Return what the decided ones of *lots* have found; None: a plan has no number of errors.

    A lot counts with all tasks that it had when it closed, also those whose packages have left it:
    so what is found is never too low.
    """
    found = list[Inspection]()
    for lot in lots:
        if lot.state not in _DECIDED or not lot.checked:
            continue
        limit = find_limit(make_lot_plan(rule, lot.size, lot.severity))
        if limit is None:
            return None
        row = Inspection(lot.size, lot.checked, lot.wrong, accept=limit, is_drawn=False)
        found.append(row)
    return found


def count_accepted(package: Package) -> int:
    """Return how many tasks of *package* are accepted now.

    They stay so while a campaign works on some of them, and while those are corrected that were
    found wrong in a lot that was accepted.  Those that were erased or withdrawn are left out.
    """
    entry = package.lot_entry
    is_accepted = (
        package.state is PackageState.DONE
        or package.campaign is not None
        or (entry is not None and entry.state is LotState.ACCEPTED)
    )
    return package.size - len(package.excluded) if is_accepted else 0
