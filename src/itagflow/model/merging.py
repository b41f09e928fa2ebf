"""How votes become one answer: the rule of each question, and what it came to."""

from collections.abc import Mapping
from enum import Enum
from typing import Any, cast

import attrs

from itagflow.errors import InvalidData, Problem
from itagflow.model.number import find_number, require_number
from itagflow.model.text import find_name_error, find_text_error, to_text
from itagflow.printing import format_count, format_repr
from itagflow.reprs import show_fields

BUILT_IN = ("majority", "median", "mean", "mode", "keep", "each", "equal", "match")
"""The merge rules that the library has; any other name is one of the application."""
WITH_TOLERANCE = ("median", "mean", "mode")
"""The merge rules of numbers: only they take a tolerance."""
LEAST_OVERLAP = 1e-9
"""The least overlap of annotations that are the same: what is apart is no match."""


class OnDispute(Enum):
    """What happens to a task whose votes have not settled a question."""

    REVIEW = "review"
    """The next review decides: it cannot pass the task without an answer of its own."""
    KEEP = "keep"
    """The question stays open in the result, beside all votes."""


def _check_name(_: object, __: "attrs.Attribute[Any]", name: object) -> None:
    if not isinstance(name, str):
        raise _make_error("name", f"must be a text, not {format_repr(name)}")
    wrong = find_text_error(name) or find_name_error(name)
    if not wrong and not name.strip():
        wrong = "is empty"
    if wrong:
        raise _make_error("name", f"{format_repr(name)} {wrong}")


def _convert_tolerance(value: float | None) -> float | None:
    """Return a tolerance as a float, of whatever type it is; `_check_tolerance` refuses others."""
    number = find_number(value)
    if number is None:
        return value
    return float(number)


def _check_tolerance(merge: "Merge", _: "attrs.Attribute[Any]", value: object) -> None:
    if value is None:
        return
    require_number("Merge", "tolerance", cast(Any, value), least=0)
    if merge.name not in WITH_TOLERANCE:
        names = ", ".join(WITH_TOLERANCE)
        raise _make_error("tolerance", f"is only for {names}, not for {format_repr(merge.name)}")


def _check_threshold(merge: "Merge", _: "attrs.Attribute[Any]", value: object) -> None:
    if value is not None:
        require_number("Merge", "threshold", cast(Any, value), least=LEAST_OVERLAP, most=1)
        _require_match(merge, "threshold")


def _check_distance(merge: "Merge", _: "attrs.Attribute[Any]", value: object) -> None:
    if value is not None:
        require_number("Merge", "distance", cast(Any, value), least=0)
        _require_match(merge, "distance")


def _require_match(merge: "Merge", field: str) -> None:
    if merge.name != "match":
        raise _make_error(field, f"is only for 'match', not for {format_repr(merge.name)}")


@attrs.frozen
class Merge:
    """A rule that makes one reply of the votes on a question.

    The names of the library's own rules are ``majority``, ``median``, ``mean``, ``mode``, ``keep``,
    ``each``, ``equal`` and ``match``; any other is a function of the application, registered by
    ``itagflow.open(…, merges={name: function})``.

    >>> Merge("median", tolerance=1).name
    'median'
    """

    name: str = attrs.field(converter=to_text, validator=_check_name)
    """The name of the rule."""
    tolerance: float | None = attrs.field(
        default=None, converter=_convert_tolerance, validator=_check_tolerance
    )
    """How far the highest and the lowest rating may be apart; None: any distance."""
    threshold: float | None = attrs.field(
        default=None, kw_only=True, converter=_convert_tolerance, validator=_check_threshold
    )
    """How much annotations that are the same overlap at least, more than 0 and up to 1, of the rule
    ``match``; None: by half."""
    distance: float | None = attrs.field(
        default=None, kw_only=True, converter=_convert_tolerance, validator=_check_distance
    )
    """How far points, lines and keypoints may be apart that overlap by half, in pixels, of the rule
    ``match``; None: those at the same place are the same."""

    @property
    def is_registered(self) -> bool:
        """Whether it is a function of the application, and no rule of the library."""
        return self.name not in BUILT_IN

    __repr__ = show_fields


def convert_merges(merges: Mapping[str, Merge | str]) -> dict[str, Merge]:
    """Return rules by question, those that are given by name as `Merge`.

    Raises:
        InvalidData: when it is no mapping, or a key or a rule is of another kind.
    """
    if not isinstance(cast(object, merges), Mapping):
        reason = f"must be a mapping by the title or the id of questions, not {format_repr(merges)}"
        raise InvalidData("Label", [Problem("merge", reason)])
    by_question = dict[str, Merge]()
    for question, given in cast("Mapping[object, object]", merges).items():
        where = f"merge[{format_repr(question)}]"
        if not isinstance(question, str) or find_text_error(question):
            reason = "must be the title or the id of a question"
            raise InvalidData("Label", [Problem(where, reason)])
        rule = Merge(given) if isinstance(given, str) else given
        if not isinstance(rule, Merge):
            reason = f"must be the name of a rule or a Merge, not {format_repr(rule)}"
            raise InvalidData("Label", [Problem(where, reason)])
        by_question[to_text(question)] = rule
    return by_question


@attrs.frozen(kw_only=True)
class QuestionMerge:
    """What the votes on one question came to."""

    rule: Merge
    """The rule that merged them."""
    voters: tuple[int, ...] = ()
    """The members whose votes counted: those who were asked, and did not give the task up."""
    counts: tuple[int, ...] = ()
    """How many of them said the same, most first; of ``each``: how many chose each option, in the
    order of the template; of ``match``: how many marked each annotation, most first."""
    confidence: float | None = None
    """The share of them that says what the merged reply says, of ``match`` that marked what the
    fewest have marked; None without such a reply."""
    number: float | None = None
    """The exact mean, of the rule ``mean``: the reply is the number on the scale next to it."""
    reason: str = ""
    """Why it is disputed; empty when it is not."""

    __repr__ = show_fields


@attrs.frozen(kw_only=True)
class MergeReport:
    """How the votes on one task were merged: who voted, by which rules, and how sure it is.

    >>> print(MergeReport(voters=(2, 3, 4), abandoned_by=(3,)))
    3 members voted on 0 questions, 1 of them gave the task up
    """

    voters: tuple[int, ...] = ()
    """The members who voted, in the order of their assignments; a blind review leaves them out."""
    abandoned_by: tuple[int, ...] = ()
    """Those of them who gave the task up: they count for no question."""
    min_votes: int = 1
    """How many replies a question needed."""
    on_dispute: OnDispute = OnDispute.REVIEW
    """What happens where a question is disputed."""
    agree: float | None = None
    """Which share of the votes on a question had to agree; None: the rule alone decided."""
    questions: Mapping[str, QuestionMerge] = attrs.field(
        factory=dict[str, QuestionMerge], hash=False
    )
    """What each question came to, by its id; without those that nobody is asked."""

    def __str__(self) -> str:
        voters = format_count(len(self.voters), "member")
        sentence = f"{voters} voted on {format_count(len(self.questions), 'question')}"
        if self.abandoned_by:
            sentence += f", {len(self.abandoned_by)} of them gave the task up"
        return sentence

    __repr__ = show_fields


def _make_error(field: str, reason: str) -> InvalidData:
    return InvalidData("Merge", [Problem(field, reason)])
