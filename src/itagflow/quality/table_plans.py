"""A sampling table of your own: how many tasks are checked, by the size of the lot."""

from collections.abc import Iterable
from typing import Any, cast

import attrs

from itagflow.errors import InvalidData, Problem
from itagflow.model.arguments import is_several
from itagflow.model.number import require_whole_number, to_whole
from itagflow.model.plan import StoredPlan
from itagflow.printing import format_count, format_repr
from itagflow.quality.plans import MAX_LOT, SinglePlan, require_lot
from itagflow.reprs import show_fields

MAX_ROWS = 100
"""How many rows a table may have."""


def _check_size(_: object, __: object, value: int | None) -> None:
    if value is not None:
        require_whole_number("PlanRow", "up_to", value, least=1, most=MAX_LOT)


def _to_optional_whole(value: int | None) -> int | None:
    return None if value is None else to_whole(value)


@attrs.frozen
class PlanRow:
    """A row of a sampling table: the plan for lots up to a size.

    >>> PlanRow(90, sample=5, accept=0).up_to
    90
    """

    up_to: int | None = attrs.field(converter=_to_optional_whole, validator=_check_size)
    """How many tasks a lot may have at the most; None: any number."""
    sample: int = attrs.field(converter=to_whole)
    """How many tasks are checked."""
    accept: int = attrs.field(converter=to_whole)
    """With how many wrong tasks the lot is still accepted (Ac)."""

    def __attrs_post_init__(self) -> None:
        """Check the numbers as those of a plan."""
        self.make_plan()

    def make_plan(self) -> SinglePlan:
        """Return the plan of this row.

        Raises:
            InvalidData: when its numbers are none of a plan.
        """
        return SinglePlan(self.sample, self.accept)

    __repr__ = show_fields


def _as_rows(rows: object) -> Any:
    """Return rows as a tuple of `PlanRow`; what is none stays, to be refused."""
    if not is_several(rows):
        return rows
    return tuple(_as_row(row) for row in cast("Iterable[object]", rows))


def _as_row(row: object) -> object:
    if isinstance(row, tuple) and len(cast("tuple[object, ...]", row)) == 3:
        return PlanRow(*cast("tuple[Any, Any, Any]", row))
    return row


def _check_rows(_: object, __: object, rows: object) -> None:
    if not isinstance(rows, tuple) or not rows:
        reason = f"must be rows of a table, at least one, not {format_repr(rows)}"
        raise InvalidData("TablePlan", [Problem("rows", reason)])
    known = cast("tuple[object, ...]", rows)
    problems = [
        Problem(f"rows[{index}]", f"must be a PlanRow, or (up_to, sample, accept), not {given}")
        for index, given in enumerate(map(format_repr, known))
        if not isinstance(known[index], PlanRow)
    ]
    if len(known) > MAX_ROWS:
        problems.append(Problem("rows", f"must be at most {MAX_ROWS}, not {len(known)}"))
    if not problems:
        problems = _find_order_problems(cast("tuple[PlanRow, ...]", known))
    if problems:
        raise InvalidData("TablePlan", problems)


def _find_order_problems(rows: tuple[PlanRow, ...]) -> list[Problem]:
    """Return what keeps *rows* from having a plan for every lot, and one only."""
    problems: list[Problem] = []
    before = 0
    for index, row in enumerate(rows):
        is_last = index == len(rows) - 1
        if row.up_to is None and not is_last:
            problems.append(Problem(f"rows[{index}].up_to", "is None, which only the last can be"))
        if row.up_to is not None and is_last:
            reason = f"must be None in the last row: what about lots of more than {row.up_to}?"
            problems.append(Problem(f"rows[{index}].up_to", reason))
        if row.up_to is not None and row.up_to <= before:
            reason = f"must be more than the {before} of the row before, not {row.up_to}"
            problems.append(Problem(f"rows[{index}].up_to", reason))
        before = row.up_to or before
    return problems


@attrs.frozen
class TablePlan(StoredPlan):
    """A plan by a table of your own: the first row that a lot fits says how many are checked.

    >>> plan = TablePlan([(90, 5, 0), (1_200, 20, 1), (None, 50, 3)])
    >>> plan.for_lot(500).sample, plan.for_lot(500).accept, plan.for_lot(5_000).sample
    (20, 1, 50)
    """

    rows: tuple[PlanRow, ...] = attrs.field(converter=_as_rows, validator=_check_rows)
    """The rows, by the size of lots; the last is for all that are larger."""

    def for_lot(self, lot: int) -> SinglePlan:
        """Return the plan for a lot of so many tasks: a small one is checked whole.

        Args:
            lot: How many tasks the lot has.

        Raises:
            InvalidData: when *lot* is no whole number of at least 1.
        """
        lot = require_lot("TablePlan", lot)
        row = next(row for row in self.rows if row.up_to is None or lot <= row.up_to)
        return row.make_plan().for_lot(lot)

    def oc(self, p: float, lot: int) -> float:
        """Return the probability that a lot with this share of wrong tasks is accepted.

        Args:
            p: The share of wrong tasks, from 0 to 1.
            lot: How many tasks the lot has: it says which row is meant.

        Raises:
            InvalidData: when an argument is wrong.
        """
        return self.for_lot(lot).oc(p)

    def explain(self) -> str:
        """Return the table in sentences."""
        return " ".join(map(_explain_row, self.rows))

    __repr__ = show_fields


def _explain_row(row: PlanRow) -> str:
    which = "Of larger lots"
    if row.up_to is not None:
        which = f"Of lots of up to {format_count(row.up_to, 'task')}"
    checked = format_count(row.sample, "task")
    return f"{which} look at {checked}, and accept with at most {row.accept} wrong."
