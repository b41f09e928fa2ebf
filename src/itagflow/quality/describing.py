"""All that is said of the agreement on one question, with reasons where there is no number."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, cast

from itagflow.errors import InvalidData
from itagflow.model.region import Regions
from itagflow.model.segment import Segments
from itagflow.model.span import Spans
from itagflow.quality import agreement
from itagflow.quality.agreement import Level
from itagflow.quality.labels import LabelRow, LabelTable
from itagflow.quality.matching import f1
from itagflow.quality.values import Agreement, MatchAgreement, QuestionAgreement

MARKED = "regions, spans and segments are compared by where they are: see marks"
MOST_LABELS = 1_000
"""How many values are each compared with all others; of more, such as free texts, none is."""


def describe_agreement(
    labels: Sequence[LabelRow], *, bootstrap: int = 0, seed: int = 0
) -> QuestionAgreement:
    """Return every measure of the agreement on one question.

    Raises:
        InvalidData: when an argument is wrong, or a member has two labels for a task.

    >>> found = describe_agreement([(1, "ann", "a"), (1, "bob", "a"), (2, "ann", "b")])
    >>> found.raw.value, found.alpha.why
    (1.0, 'only one label was used: agreement by chance cannot be told from agreement')
    """
    if are_marks(labels):
        nothing = Agreement(why=MARKED)
        return QuestionAgreement(
            raw=nothing,
            alpha=nothing,
            cohen=nothing,
            fleiss=nothing,
            gwet_ac1=nothing,
            marks=_match(labels),
        )
    table = LabelTable(labels)
    level = Level.ORDINAL if _are_numbers(labels) else Level.NOMINAL
    return QuestionAgreement(
        level=level.value,
        raw=agreement.raw(table),
        alpha=agreement.alpha(table, level=level, bootstrap=bootstrap, seed=seed),
        cohen=_explain(agreement.cohen, table),
        fleiss=_explain(agreement.fleiss, table),
        gwet_ac1=agreement.gwet_ac1(table),
        by_label=_compare_values(labels, table),
        by_pair=agreement.by_pair(table),
        by_member=agreement.by_member(table),
    )


def are_marks(labels: Sequence[LabelRow]) -> bool:
    """Return whether the labels are regions, spans or segments."""
    return any(isinstance(value, Regions | Spans | Segments) for _, _, value in labels)


def _match(labels: Sequence[LabelRow]) -> MatchAgreement:
    """Return the agreement on places, or why these cannot be compared."""
    marks: Sequence[Any] = labels
    try:
        return f1(marks)
    except InvalidData as error:  # such as of images of two sizes
        return MatchAgreement(why=str(error))


def _explain(measure: Callable[[LabelTable], Agreement], table: LabelTable) -> Agreement:
    """Return what *measure* finds, or why these labels are none for it."""
    try:
        return measure(table)
    except InvalidData as error:
        problem = error.problems[0]
        return Agreement(why=f"{problem.where} {problem.reason}")


def _are_numbers(labels: Sequence[LabelRow]) -> bool:
    return bool(labels) and all(isinstance(value, int | float) for _, _, value in labels)


def _compare_values(labels: Sequence[LabelRow], table: LabelTable) -> Mapping[Any, Agreement]:
    """Return Krippendorff's alpha of each value against all others.

    Of several options that may be chosen together, it is that of whether each was chosen.
    """
    if len(table.values) > MOST_LABELS:
        return {}
    if not any(isinstance(value, frozenset) for value in table.values):
        return agreement.by_label(table)
    chosen = [(task, member, _list_options(value)) for task, member, value in labels]
    options = sorted({option for _, _, keys in chosen for option in keys}, key=str)
    return {
        option: agreement.alpha([(task, member, option in keys) for task, member, keys in chosen])
        for option in options
    }


def _list_options(value: object) -> Collection[Any]:
    # questions of several jobs may share a title, and one of them allow one option only
    return cast("Collection[Any]", value) if isinstance(value, frozenset) else (value,)
