"""What the numbers of a `Label` rule may be, and the shares of every rule: attrs validators."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from itagflow.errors import InvalidData, Problem
from itagflow.model.arguments import validate_flag
from itagflow.model.merging import Merge
from itagflow.model.number import find_number, require_whole_number
from itagflow.printing import format_repr

if TYPE_CHECKING:
    import attrs

NEVER_SETTLED = ("keep", "mean", "median")
"""The merge rules of which no number of votes is known to be enough."""


def _make_error(field: str, reason: str, what: str = "Label") -> InvalidData:
    return InvalidData(what, [Problem(field, reason)])


def convert_share(value: float | None) -> float | None:
    """Return a share as a float, of whatever type it is; `check_share` refuses the rest."""
    number = find_number(value)
    # only what can be a share: the message about any other shows what was given
    if number is not None and 0 < number <= 1:
        return float(number)
    return value


def check_share(instance: Any, attribute: attrs.Attribute[Any], value: Any) -> None:
    """Check that *value* is a share: more than 0, at most 1, or None."""
    if value is not None and not (isinstance(value, float) and 0 < value <= 1):
        reason = f"must be more than 0 and at most 1, not {format_repr(value)}"
        raise _make_error(attribute.name, reason, type(instance).__name__)


def check_min_votes(rule: Any, _: object, value: int) -> None:
    """Check that so many votes can be equal."""
    require_whole_number("Label", "min_votes", value)
    # attrs validates in the order of the fields: `votes` was checked before
    if not 1 <= value <= rule.votes:
        raise _make_error("min_votes", f"must be from 1 to votes ({rule.votes}), not {value}")


def check_package_share(rule: Any, attribute: attrs.Attribute[Any], value: Any) -> None:
    """Check the share of packages that have several votes."""
    check_share(rule, attribute, value)
    if value is not None and rule.votes == 1:
        reason = "is given beside one vote: give votes=2 or more, for the packages that are drawn"
        raise _make_error(attribute.name, reason)


def check_allow_partial(rule: Any, attribute: attrs.Attribute[Any], value: Any) -> None:
    """Check that parts are handed in only where there are no votes."""
    validate_flag(rule, attribute, value)
    # votes are merged task by task over the whole package: each voter answers all of it
    if value and rule.votes > 1:
        raise _make_error(attribute.name, "is for one vote: votes are handed in whole")


def check_max_votes(rule: Any, attribute: attrs.Attribute[Any], value: Any) -> None:
    """Check how many may vote on a task."""
    if value is None:
        return
    require_whole_number("Label", attribute.name, value)
    if rule.votes == 1:
        raise _make_error(attribute.name, "is given beside one vote: give votes=2 or more")
    if value <= rule.votes:
        raise _make_error(attribute.name, f"must be more than votes ({rule.votes}), not {value}")
    _require_settling_rules(rule, attribute.name)


def check_agree(rule: Any, attribute: attrs.Attribute[Any], value: Any) -> None:
    """Check the share of votes that must agree."""
    check_share(rule, attribute, value)
    if value is not None and rule.max_votes is None:
        reason = "is given without max_votes: say how many may vote on a task, too"
        raise _make_error(attribute.name, reason)


def check_stop_early(rule: Any, attribute: attrs.Attribute[Any], value: Any) -> None:
    """Check that it can be known early what votes come to."""
    validate_flag(rule, attribute, value)
    if not value:
        return
    if rule.max_votes is not None:
        raise _make_error(attribute.name, "is given beside max_votes: choose one")
    if rule.votes < 3:
        raise _make_error(attribute.name, f"needs votes=3 or more, not {rule.votes}")
    _require_settling_rules(rule, attribute.name)


def _require_settling_rules(rule: Any, name: str) -> None:
    """Check the rules that are named; see `find_settling_error` for those of the kinds."""
    for question, merge in rule.merge.items():
        # a remark that is kept need not be settled: which question that is, the template tells
        if merge.name == "keep":
            continue
        if reason := find_settling_error(merge, early=name == "stop_early"):
            raise _make_error(name, f"{reason}: merge {format_repr(question)} by another rule")


def find_settling_error(merge: Merge, *, early: bool) -> str:
    """Return why votes that are merged by this rule have no point at which they are enough.

    With *early* it is to be known what they come to before all are given.

    >>> find_settling_error(Merge("median"), early=True)
    "is not for 'median', which each further vote may change"
    """
    name = format_repr(merge.name)
    if merge.name in NEVER_SETTLED:
        return f"is not for {name}, which each further vote may change"
    if early and merge.name == "match":
        return f"is not for {name}, whose places each further vote may move"
    if early and merge.is_registered:
        return f"is not for {name}, of which nobody knows what further votes would change"
    if early and merge.tolerance is not None:
        return f"is not for {name} with a tolerance, which any further vote may exceed"
    return ""
