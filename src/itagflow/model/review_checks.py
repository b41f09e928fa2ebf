"""What the rules of review stages may be: attrs validators and converters."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from itagflow.errors import InvalidData, Problem
from itagflow.model.enums import parse_enum
from itagflow.model.lot import Lot
from itagflow.model.packaging import check_optional_positive
from itagflow.model.plan import RejectedLots, StoredPlan
from itagflow.model.text import validate_texts
from itagflow.printing import format_repr

if TYPE_CHECKING:
    import attrs

_BESIDE_A_PLAN = {
    "task_share": "is given beside a plan, which says how many tasks are checked",
    "task_count": "is given beside a plan, which says how many tasks are checked",
    "package_share": "is given beside a plan, which is about every package",
    "max_rejects": "is given beside a plan, which sends whole lots back",
}
"""What a rule with a plan cannot have."""


def _make_error(instance: Any, field: str, reason: str) -> InvalidData:
    return InvalidData(type(instance).__name__, [Problem(field, reason)])


def check_task_count(instance: Any, attribute: attrs.Attribute[Any], value: Any) -> None:
    """Check that *value* is a number of tasks, or None, and no share is given with it."""
    check_optional_positive(instance, attribute, value)
    if value is not None and instance.task_share is not None:
        raise _make_error(instance, attribute.name, "is given beside task_share: choose one")


def check_reasons(instance: Any, attribute: attrs.Attribute[Any], value: Any) -> None:
    """Check that *value* has different texts, and none is empty."""
    validate_texts(instance, attribute, value)
    for reason in value:
        if not reason.strip():
            raise _make_error(instance, attribute.name, "one of them is empty")
        if value.count(reason) > 1:
            raise _make_error(instance, attribute.name, f"{format_repr(reason)} is given twice")


def convert_rejected_lots(value: RejectedLots | str) -> RejectedLots:
    """Return what becomes of rejected lots, which may be given by value."""
    return parse_enum(RejectedLots, value)


def check_plan(rule: Any, attribute: attrs.Attribute[Any], value: object) -> None:
    """Check that *value* is a plan that can be stored, or None, and no other sample is named."""
    if value is None:
        return
    if not isinstance(value, StoredPlan):
        wanted = "must be a plan of itagflow.quality, such as iso2859(aql=1.0), or None"
        raise _make_error(rule, attribute.name, f"{wanted}, not {format_repr(value)}")
    if getattr(value, "lot", None) is not None:
        reason = "is for a lot of one size: give the plan without the lot"
        raise _make_error(rule, attribute.name, reason)
    problems = [
        Problem(name, reason)
        for name, reason in _BESIDE_A_PLAN.items()
        if getattr(rule, name) is not None
    ]
    if problems:
        raise InvalidData(type(rule).__name__, problems)


def check_lot(rule: Any, attribute: attrs.Attribute[Any], value: object) -> None:
    """Check that *value* says which packages are a lot, or is None, and there is a plan for it."""
    if value is None:
        return
    if not isinstance(value, Lot):
        wanted = "must be a Lot, such as Lot(packages=100), or None"
        raise _make_error(rule, attribute.name, f"{wanted}, not {format_repr(value)}")
    if rule.plan is None:
        reason = "needs a plan that decides on the lot: give one of itagflow.quality"
        raise _make_error(rule, attribute.name, reason)
