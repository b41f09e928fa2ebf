"""Single sampling by ISO 2859-1:1999 (ANSI Z1.4): tables, plans and switching rules.

The tables are one rule: rows of code letters A to R and columns of AQLs lie on diagonals, and the
acceptance number depends on the diagonal, row + column, alone; a cell without a plan takes the
nearest one of its column in the direction of its arrow, with *its* sample size.

Open doubt: the text of ISO 2859-1:1999 was not read.  The tables are those of GB/T 2828.1-2012,
which is identical by its own declaration; normal and tightened agree in every cell with two other
transcriptions (of ANSI Z1.4, except for the cell A/10 of tightened), reduced rests on GB/T alone.
"""

import bisect
from enum import Enum

import attrs

from itagflow.errors import InvalidData, Problem
from itagflow.model.arguments import require_flag, require_kind
from itagflow.model.enums import parse_enum
from itagflow.model.number import find_number, require_number, require_whole_number
from itagflow.model.plan import PlanDecision, Severity, StoredPlan
from itagflow.printing import format_repr
from itagflow.quality.distributions import poisson_cdf
from itagflow.quality.plans import (
    SinglePlan,
    explain_sample,
    explain_shares,
    format_percent,
    require_lot,
)
from itagflow.reprs import show_fields

LETTERS = "ABCDEFGHJKLMNPQRS"
"""The code letters; S has a plan of tightened inspection only."""
AQLS = (
    *(0.010, 0.015, 0.025, 0.040, 0.065, 0.10, 0.15, 0.25, 0.40, 0.65, 1.0, 1.5, 2.5, 4.0, 6.5, 10),
    *(15, 25, 40, 65, 100, 150, 250, 400, 650, 1000),
)
"""The acceptance quality limits: percent of wrong tasks up to 10, above errors in 100 tasks."""
LOT_SIZES = (8, 15, 25, 50, 90, 150, 280, 500, 1200, 3200, 10000, 35000, 150000, 500000)
"""The largest lot of each row of the table of code letters but the last."""
SIZES = (2, 3, 5, 8, 13, 20, 32, 50, 80, 125, 200, 315, 500, 800, 1250, 2000, 3150)
"""The sample size of each letter, on normal and tightened inspection."""
REDUCED_SIZES = (2, 2, 2, 3, 5, 8, 13, 20, 32, 50, 80, 125, 200, 315, 500, 800)
"""The sample size of each letter on reduced inspection."""
MOST_PERCENT = 10
"""Up to this AQL tasks are right or wrong; above it a task can have several errors."""
_ACCEPT = {
    Severity.NORMAL: {14: 0, 17: 1, 18: 2, 19: 3, 20: 5, 21: 7, 22: 10, 23: 14, 24: 21},
    Severity.TIGHTENED: {15: 0, 18: 1, 19: 2, 20: 3, 21: 5, 22: 8, 23: 12, 24: 18},
    Severity.REDUCED: {14: 0, 18: 1, 19: 2, 20: 3, 21: 5, 22: 6, 23: 8, 24: 10},
}
"""The acceptance number by diagonal."""
_ACCEPT_TO_E = {
    Severity.NORMAL: {25: 30, 26: 44},
    Severity.TIGHTENED: {25: 27, 26: 41},
    Severity.REDUCED: {25: 14, 26: 21},
}
"""That of two more diagonals, in the rows A to E."""
_REDUCED_A = {**_ACCEPT[Severity.NORMAL], 25: 30}
_REDUCED_B = {14: 0, 18: 1, 19: 2, 20: 3, 21: 5, 22: 7, 23: 10, 24: 14, 25: 21, 26: 30}
"""Letters A and B have the same sample of 2 as C on reduced inspection."""
ENOUGH = 30
"""The switching score from which inspection may be reduced."""


class InspectionLevel(Enum):
    """How large samples are for a lot of some size: level II unless there is a reason."""

    SPECIAL_1 = "S-1"
    SPECIAL_2 = "S-2"
    SPECIAL_3 = "S-3"
    SPECIAL_4 = "S-4"
    GENERAL_1 = "I"
    GENERAL_2 = "II"
    GENERAL_3 = "III"


_CODE_LETTERS = {
    InspectionLevel.SPECIAL_1: "AAAABBBBCCCCDDD",
    InspectionLevel.SPECIAL_2: "AAABBBCCCDDDEEE",
    InspectionLevel.SPECIAL_3: "AABBCCDDEEFFGGH",
    InspectionLevel.SPECIAL_4: "AABCCDEEFGGHJJK",
    InspectionLevel.GENERAL_1: "AABCCDEFGHJKLMN",
    InspectionLevel.GENERAL_2: "ABCDEFGHJKLMNPQ",
    InspectionLevel.GENERAL_3: "BCDEFGHJKLMNPQR",
}


@attrs.frozen
class Cell:
    """A cell of the tables, with its arrow followed."""

    letter: str
    """The letter whose plan it is."""
    sample: int
    accept: int
    arrow: str = ""
    """``up`` or ``down`` where another letter's plan is taken."""


def find_letter(lot: int, level: InspectionLevel) -> str:
    """Return the code letter for a lot of this size.

    >>> find_letter(1000, InspectionLevel.GENERAL_2)
    'J'
    """
    return _CODE_LETTERS[level][bisect.bisect_left(LOT_SIZES, lot)]


def find_cell(letter: str, aql: float, severity: Severity) -> Cell:
    """Return the plan in a cell of the tables, or that to which its arrow leads.

    >>> find_cell("D", 2.5, Severity.NORMAL)
    Cell(letter='C', sample=5, accept=0, arrow='up')
    """
    row, column = LETTERS.index(letter), AQLS.index(aql)
    accepts = _list_accepts(column, severity)
    if row in accepts:
        return _make_cell(row, accepts[row], severity, "")
    above = [each for each in accepts if each < row]
    below = [each for each in accepts if each > row]
    # the one arrow up is that beside the plan that accepts with 0, except on tightened inspection
    goes_up = row + column == 15 and severity is not Severity.TIGHTENED
    if above and (goes_up or not below):
        return _make_cell(above[-1], accepts[above[-1]], severity, "up")
    return _make_cell(below[0], accepts[below[0]], severity, "down")


def _list_accepts(column: int, severity: Severity) -> dict[int, int]:
    """Return the acceptance numbers of a column, by row; rows with an arrow are left out."""
    found = {row: _find_accept(row, column, severity) for row in range(len(LETTERS))}
    return {row: accept for row, accept in found.items() if accept is not None}


def _make_cell(row: int, accept: int, severity: Severity, arrow: str) -> Cell:
    sizes = REDUCED_SIZES if severity is Severity.REDUCED else SIZES
    return Cell(LETTERS[row], sizes[row], accept, arrow)


def _find_accept(row: int, column: int, severity: Severity) -> int | None:
    """Return the acceptance number in a cell, or None where it has an arrow."""
    diagonal = row + column
    if row == 16:
        return 1 if severity is Severity.TIGHTENED and column == 2 else None
    if severity is Severity.REDUCED and row < 2:
        return (_REDUCED_A, _REDUCED_B)[row].get(diagonal)
    accept = _ACCEPT[severity].get(diagonal)
    if accept is None and row <= 4:
        return _ACCEPT_TO_E[severity].get(diagonal)
    return accept


@attrs.frozen(kw_only=True)
class Iso2859LotPlan:
    """The plan of ISO 2859-1 for one lot."""

    lot: int
    """How many tasks the lot has."""
    sample: int
    """How many of them are checked: all when the table has more."""
    accept: int
    """With how many wrong tasks the lot is still accepted (Ac)."""
    letter: str
    """The code letter of the plan, after its arrow was followed."""
    aql: float
    """The acceptance quality limit."""
    severity: Severity
    """How severely the lot is inspected."""

    @property
    def reject(self) -> int:
        """With how many wrong tasks the lot is rejected (Re)."""
        return self.accept + 1

    def decide(self, checked: int, wrong: int) -> PlanDecision:
        """Return what follows when *wrong* of the *checked* tasks are wrong.

        Args:
            checked: How many tasks were checked.
            wrong: How many of them are wrong.

        Raises:
            InvalidData: when they are no such numbers.
        """
        return SinglePlan(self.sample, self.accept, lot=self.lot).decide(checked, wrong)

    def oc(self, p: float, lot: int | None = None) -> float:
        """Return the probability that a lot with this share of wrong tasks is accepted.

        Hypergeometric when *lot* is given, else binomial, as the standard's own tables; with an AQL
        above 10 Poisson, for *p* errors a task.

        Args:
            p: The share of wrong tasks, from 0 to 1; above AQL 10 the errors a task.
            lot: How many tasks the lot has.

        Raises:
            InvalidData: when an argument is wrong.
        """
        if self.aql > MOST_PERCENT:
            mean = float(require_number("Iso2859LotPlan.oc", "p", p, least=0, most=1_000))
            return poisson_cdf(self.accept, self.sample * mean)
        return SinglePlan(self.sample, self.accept).oc(p, lot)

    def explain(self) -> str:
        """Return the plan in sentences, with a warning where the lot is small."""
        sample = explain_sample(self.sample, self.accept, self.lot)
        name = f"ISO 2859-1, {self.severity.value}, AQL {self.aql:g}, code letter {self.letter}."
        shares = [(share, self.oc(share)) for share in (self.aql / 100, 4 * self.aql / 100)]
        parts = (sample, name, explain_shares(shares), self.warn())
        return " ".join(part for part in parts if part)

    def warn(self) -> str:
        """Return what a small lot does not promise; empty where it is large enough.

        It is too small when even a lot with four times the AQL wrong is more often accepted than
        not.
        """
        bad = 4 * self.aql / 100
        often = self.oc(bad)
        if self.sample == self.lot or often <= 0.5:
            return ""
        return (
            f"This lot is small: {self.sample} of {self.lot} tasks are checked, and a lot with "
            f"{format_percent(bad)} wrong passes {format_percent(often)} of the time. An AQL is no "
            "promise about accepted work: see error_left, or take larger lots."
        )

    __repr__ = show_fields


@attrs.frozen(kw_only=True)
class SwitchingState:
    """Where a stream of lots stands between normal, tightened and reduced inspection."""

    severity: Severity = Severity.NORMAL
    """How severely the next lot is inspected."""
    score: int = 0
    """The switching score, on normal inspection."""
    recent: tuple[bool, ...] = ()
    """Whether each of the last five lots was accepted, on normal inspection."""
    accepted: int = 0
    """How many lots were accepted in a row, on tightened inspection."""
    rejected: int = 0
    """How many lots were not accepted, on tightened inspection."""
    is_stopped: bool = False
    """Whether inspection is stopped until something was done about the work."""

    def resume(self) -> "SwitchingState":
        """Return the state after the work was improved: tightened inspection goes on.

        >>> SwitchingState(is_stopped=True).resume().severity.name
        'TIGHTENED'
        """
        return SwitchingState(severity=Severity.TIGHTENED)

    __repr__ = show_fields


def _convert_aql(value: float) -> float:
    number = find_number(value)
    if number in AQLS:
        return AQLS[AQLS.index(number)]
    reason = f"must be one of {', '.join(f'{each:g}' for each in AQLS)}, not {format_repr(value)}"
    raise InvalidData("iso2859", [Problem("aql", reason)])


def _convert_level(value: InspectionLevel | str) -> InspectionLevel:
    return parse_enum(InspectionLevel, value)


@attrs.frozen
class Iso2859(StoredPlan):
    """The single sampling plans of ISO 2859-1 for lots of any size; made by `iso2859`."""

    aql: float = attrs.field(converter=_convert_aql)
    """The acceptance quality limit: the worst rate of errors that is usually accepted."""
    level: InspectionLevel = attrs.field(
        default=InspectionLevel.GENERAL_2, converter=_convert_level
    )
    """The inspection level."""

    def for_lot(self, lot: int, severity: Severity | str = Severity.NORMAL) -> Iso2859LotPlan:
        """Return the plan for a lot.

        Args:
            lot: How many tasks the lot has.
            severity: How severely it is inspected.

        Raises:
            InvalidData: when an argument is wrong.

        >>> iso2859(aql=1.0).for_lot(1000).sample
        80
        """
        lot = require_lot("iso2859", lot)
        severity = parse_enum(Severity, severity)
        cell = find_cell(find_letter(lot, self.level), self.aql, severity)
        return Iso2859LotPlan(
            lot=lot,
            sample=min(cell.sample, lot),
            accept=cell.accept,
            letter=cell.letter,
            aql=self.aql,
            severity=severity,
        )

    def oc(self, p: float, lot: int, severity: Severity | str = Severity.NORMAL) -> float:
        """Return the probability that a lot of this size with a share of wrong tasks is accepted.

        Args:
            p: The share of wrong tasks, from 0 to 1; above AQL 10 the errors a task.
            lot: How many tasks the lot has.
            severity: How severely it is inspected.

        Raises:
            InvalidData: when an argument is wrong.

        >>> round(iso2859(aql=1.0).oc(0.05, 1000), 6)
        0.218645
        """
        return self.for_lot(lot, severity).oc(p, lot)

    def explain(self, lot: int | None = None) -> str:
        """Return the plan in sentences.

        Args:
            lot: How many tasks a lot has; without it only the kind of plan is described.

        Raises:
            InvalidData: when *lot* is no whole number of at least 1.
        """
        if lot is not None:
            return self.for_lot(lot).explain()
        return (
            f"Single sampling by ISO 2859-1, level {self.level.value}, AQL {self.aql:g}: how many "
            "tasks are checked depends on the size of the lot and on the lots before."
        )

    def switch(
        self,
        state: SwitchingState,
        lot: int,
        wrong: int,
        *,
        is_steady: bool = True,
        may_reduce: bool = True,
    ) -> SwitchingState:
        """Return how the next lot is inspected.

        Only first inspections count: no lot that comes back after it was labeled again.

        - Normal to tightened: two of five lots in a row, or of fewer, were not accepted.
        - Tightened to normal: five lots in a row were accepted.
        - Stopped: five lots were not accepted on tightened inspection.
        - Normal to reduced: the switching score is 30, the work is steady, and it is wanted.
        - Reduced to normal: a lot was not accepted, or the work is not steady, or it is not wanted.

        The score rises by 3 when the lot would also pass the plan that is one AQL tighter, where
        the plan accepts with 2 or more wrong; by 2 when it is accepted, where the plan accepts with
        fewer; else it is 0 again.

        Args:
            state: How this lot was inspected.
            lot: How many tasks it has.
            wrong: How many tasks of the sample were wrong.
            is_steady: Whether work goes on as before.
            may_reduce: Whether reduced inspection is wanted.

        Raises:
            InvalidData: when an argument is wrong.

        >>> state = SwitchingState()
        >>> for found in (3, 0, 3):
        ...     state = iso2859(aql=1.0).switch(state, 1000, found)
        >>> state.severity.name
        'TIGHTENED'
        """
        what = "Iso2859.switch"
        state = require_kind(what, "state", state, SwitchingState, "a SwitchingState")
        plan = self.for_lot(lot, state.severity)
        wrong = require_whole_number(what, "wrong", wrong, least=0, most=plan.sample)
        is_steady = require_flag(what, "is_steady", is_steady)
        is_free = require_flag(what, "may_reduce", may_reduce) and is_steady
        is_accepted = wrong <= plan.accept
        if state.is_stopped:
            return state
        if state.severity is Severity.TIGHTENED:
            return _switch_tightened(state, is_accepted)
        if state.severity is Severity.REDUCED:
            return state if is_accepted and is_free else SwitchingState()
        return _switch_normal(state, is_accepted, self._score(state, plan, wrong), is_free)

    def _score(self, state: SwitchingState, plan: Iso2859LotPlan, wrong: int) -> int:
        if wrong > plan.accept:
            return 0
        if plan.accept < 2:
            return state.score + 2
        # it has the same letter, and so the same sample
        tighter = AQLS[AQLS.index(self.aql) - 1]
        if wrong <= find_cell(plan.letter, tighter, Severity.NORMAL).accept:
            return state.score + 3
        return 0

    __repr__ = show_fields


def _switch_normal(
    state: SwitchingState, is_accepted: bool, score: int, is_free: bool
) -> SwitchingState:
    recent = (*state.recent, is_accepted)[-5:]
    if recent.count(False) >= 2:
        return SwitchingState(severity=Severity.TIGHTENED)
    if score >= ENOUGH and is_free:
        return SwitchingState(severity=Severity.REDUCED)
    return attrs.evolve(state, recent=recent, score=score)


def _switch_tightened(state: SwitchingState, is_accepted: bool) -> SwitchingState:
    accepted = state.accepted + 1 if is_accepted else 0
    rejected = state.rejected + (not is_accepted)
    if accepted >= 5:
        return SwitchingState()
    return attrs.evolve(state, accepted=accepted, rejected=rejected, is_stopped=rejected >= 5)


def iso2859(aql: float, level: InspectionLevel | str = InspectionLevel.GENERAL_2) -> Iso2859:
    """Return the single sampling plans of ISO 2859-1 for an acceptance quality limit.

    An AQL of 1.0 means that lots with 1 % wrong tasks are accepted nearly always (87 to 99 %, by
    the plan).  It is not a promise about accepted work: for that there is ``error_left``.  A
    package is a small lot; packages together make larger ones.

    Args:
        aql: One of the limits of the standard, such as 0.65, 1.0, 1.5, 2.5 or 4.0: percent of wrong
            tasks, above 10 errors in 100 tasks.
        level: The inspection level: ``I``, ``II``, ``III``, or ``S-1`` to ``S-4``.

    Raises:
        InvalidData: when the standard has no such limit or level.

    >>> plan = iso2859(aql=2.5).for_lot(50)
    >>> plan.sample, plan.accept, plan.reject
    (5, 0, 1)
    """
    return Iso2859(aql, level)
