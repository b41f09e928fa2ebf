"""How far members agree on labels that are equal, ordered or numbers.

Every function takes labels as (task, member, value), or a `LabelTable`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from enum import Enum
from typing import TYPE_CHECKING, Any, TypeVar, cast

import attrs

from itagflow.errors import InvalidData, Problem
from itagflow.model.arguments import require_mapping, require_optional_several
from itagflow.model.enums import parse_enum, parse_optional_enum
from itagflow.model.number import find_number, require_whole_number
from itagflow.printing import format_repr
from itagflow.quality.labels import LabelRow, LabelTable, read_codes
from itagflow.quality.values import Agreement, PairAgreement

if TYPE_CHECKING:
    from itagflow.quality.coding import Codes
    from itagflow.quality.coefficients import Floats, Pairs, Units

Q = TypeVar("Q")
Compute = Callable[["Floats"], "float | None"]
CONFIDENCE = 0.95
"""Of the intervals."""
MAX_DRAWS = 100_000
"""How many samples a bootstrap may draw."""
MAX_VALUES = 20_000
"""How many values a measure may have that compares every two of them."""
MAX_SEED = 2**32 - 1
ONE_VALUE = "only one label was used: agreement by chance cannot be told from agreement"
NO_PAIR = "no task has two labels"


class Level(Enum):
    """What holds between two values, which decides how far apart they are."""

    NOMINAL = "nominal"
    """They are equal or not."""
    ORDINAL = "ordinal"
    """One comes before the other; how far is counted by the labels between them."""
    INTERVAL = "interval"
    """They are numbers: the square of their difference."""
    RATIO = "ratio"
    """They are numbers from 0, such as counts: the square of ``(a - b) / (a + b)``."""


class Measure(Enum):
    """A coefficient of agreement, for the functions that compute several."""

    RAW = "raw"
    """The share of pairs of labels that are equal."""
    ALPHA = "alpha"
    """Krippendorff's alpha for nominal values."""
    FLEISS = "fleiss"
    """Fleiss' kappa."""
    GWET_AC1 = "gwet_ac1"
    """Gwet's AC1."""


class DistanceWeights(Enum):
    """How far apart two values are for a weighted kappa, by their places in the order."""

    LINEAR = "linear"
    """The number of places."""
    QUADRATIC = "quadratic"
    """Its square."""


def raw(labels: LabelTable | Iterable[LabelRow], *, bootstrap: int = 0, seed: int = 0) -> Agreement:
    """Return the mean over tasks of the share of pairs of labels that are equal.

    It says nothing of chance: with two values, guessing agrees in half of the cases or more.

    Args:
        labels: Each as (task, member, value).
        bootstrap: How many samples of tasks to draw for the interval; 0 for none.
        seed: The seed of these draws.

    Raises:
        InvalidData: when an argument is wrong, or a member has two labels for a task.

    >>> raw([(1, "ann", "cat"), (1, "bob", "cat"), (2, "ann", "cat"), (2, "bob", "dog")]).value
    0.5
    """
    return _measure("quality.raw", labels, Measure.RAW, (bootstrap, seed))


def alpha(
    labels: LabelTable | Iterable[LabelRow],
    level: Level | str = Level.NOMINAL,
    *,
    order: Iterable[Any] | None = None,
    bootstrap: int = 0,
    seed: int = 0,
) -> Agreement:
    """Return Krippendorff's alpha, for any number of members and with missing labels.

    1 - the disagreement there is / that of all labels mixed.  Source: Krippendorff, *Computing
    Krippendorff's Alpha-Reliability* (2011).  Krippendorff asks for .800, and for .667 where
    conclusions may be tentative.

    Args:
        labels: Each as (task, member, value).
        level: What holds between two values: ``nominal``, ``ordinal``, ``interval`` or ``ratio``.
        order: All values from the lowest to the highest; for ordinal values that are not numbers.
        bootstrap: How many samples of tasks to draw for the interval; 0 for none.
        seed: The seed of these draws.

    Raises:
        InvalidData: when an argument is wrong, values are not numbers where the level needs
            them, or a member has two labels for a task.

    >>> labels = [(1, "ann", 1), (1, "bob", 1), (2, "ann", 2), (2, "bob", 2), (3, "ann", 3)]
    >>> alpha(labels).value, alpha(labels[-1:]).why
    (1.0, 'no task has two labels')
    """
    what = "quality.alpha"
    level = parse_enum(Level, level)
    codes = read_codes(what, labels)
    given = require_optional_several(what, "order", order, "values")
    draws = _require_draws(what, bootstrap, seed)
    from itagflow.quality import coefficients as found

    units = found.make_units(codes)
    if level is Level.NOMINAL:
        return _describe(codes, units, lambda weights: found.compute_alpha(units, weights), draws)
    if level is Level.ORDINAL:
        ranks = _rank_values(what, codes.values, given)
        ordered = attrs.evolve(
            units, value=ranks[units.value], values=int(ranks.max(initial=0)) + 1
        )
        return _describe(
            codes, units, lambda weights: found.compute_squared_alpha(ordered, weights, None), draws
        )
    scores = _score_values(what, codes.values, level)
    if level is Level.INTERVAL:
        return _describe(
            codes, units, lambda weights: found.compute_squared_alpha(units, weights, scores), draws
        )
    return _describe(
        codes, units, lambda weights: found.compute_ratio_alpha(units, weights, scores), draws
    )


def fleiss(
    labels: LabelTable | Iterable[LabelRow], *, bootstrap: int = 0, seed: int = 0
) -> Agreement:
    """Return Fleiss' kappa, for the same number of labels on every task.

    Source: Fleiss, *Measuring nominal scale agreement among many raters* (1971).

    Args:
        labels: Each as (task, member, value).
        bootstrap: How many samples of tasks to draw for the interval; 0 for none.
        seed: The seed of these draws.

    Raises:
        InvalidData: when tasks differ in the number of their labels, which `alpha` allows; when an
            argument is wrong; or when a member has two labels for a task.

    >>> fleiss([(1, "ann", "a"), (1, "bob", "a"), (2, "ann", "b"), (2, "bob", "b")]).value
    1.0
    """
    return _measure("quality.fleiss", labels, Measure.FLEISS, (bootstrap, seed))


def gwet_ac1(
    labels: LabelTable | Iterable[LabelRow], *, bootstrap: int = 0, seed: int = 0
) -> Agreement:
    """Return Gwet's AC1, which stays high where nearly all labels are one value.

    There kappa and alpha are low although members agree nearly always.  Source: Gwet, *Computing
    inter-rater reliability and its variance in the presence of high agreement* (2008).

    Args:
        labels: Each as (task, member, value).
        bootstrap: How many samples of tasks to draw for the interval; 0 for none.
        seed: The seed of these draws.

    Raises:
        InvalidData: when an argument is wrong, or a member has two labels for a task.

    >>> gwet_ac1([(1, "ann", "a"), (1, "bob", "a"), (2, "ann", "b"), (2, "bob", "b")]).value
    1.0
    """
    return _measure("quality.gwet_ac1", labels, Measure.GWET_AC1, (bootstrap, seed))


def cohen(
    labels: LabelTable | Iterable[LabelRow],
    *,
    members: Iterable[Any] | None = None,
    weights: DistanceWeights | str | None = None,
    order: Iterable[Any] | None = None,
    bootstrap: int = 0,
    seed: int = 0,
) -> Agreement:
    """Return Cohen's kappa of two members on the tasks that both have labeled.

    Sources: Cohen, *A coefficient of agreement for nominal scales* (1960), and *Weighted kappa*
    (1968).

    Args:
        labels: Each as (task, member, value).
        members: The two members; may be left out when there are only two.
        weights: How far apart two values are: ``linear`` or ``quadratic`` in their places in the
            order; None when any difference is as bad.
        order: All values from the lowest to the highest, for weights; without it the values that
            the two have used, which must be numbers.
        bootstrap: How many samples of tasks to draw for the interval; 0 for none.
        seed: The seed of these draws.

    Raises:
        InvalidData: when there are other than two members, an argument is wrong, or a member has
            two labels for a task.

    >>> cohen([(1, "ann", "a"), (1, "bob", "a"), (2, "ann", "b"), (2, "bob", "b")]).value
    1.0
    """
    what = "quality.cohen"
    codes = read_codes(what, labels)
    chosen = parse_optional_enum(DistanceWeights, weights)
    two = _choose_two(what, codes, require_optional_several(what, "members", members, "members"))
    given = require_optional_several(what, "order", order, "values")
    draws = _require_draws(what, bootstrap, seed)
    from itagflow.quality import coefficients as found
    from itagflow.quality import member_pairs

    pairs = member_pairs.join_two(codes, *two)
    power = 0
    if chosen is not None:
        power = 1 if chosen is DistanceWeights.LINEAR else 2
        pairs = _order_pairs(what, codes, pairs, given)
    tasks = len(pairs.first)
    shown = Agreement(tasks=tasks, pairs=tasks, members=2)
    if not tasks:
        return attrs.evolve(shown, why="the two members have no task in common")
    return _with_value(
        shown, lambda weights: found.compute_cohen(pairs, weights, power), tasks, draws
    )


def by_question(
    questions: Mapping[Q, LabelTable | Iterable[LabelRow]], measure: Measure | str = Measure.ALPHA
) -> dict[Q, Agreement]:
    """Return the agreement on each question.

    Args:
        questions: The labels of each question.
        measure: Which coefficient: ``raw``, ``alpha``, ``fleiss`` or ``gwet_ac1``.

    Raises:
        InvalidData: when they are no mapping, or as the measure does.

    >>> by_question({"kind": [(1, "ann", "a"), (1, "bob", "a")]}, "raw")["kind"].value
    1.0
    """
    what = "quality.by_question"
    chosen = parse_enum(Measure, measure)
    given = require_mapping(what, "questions", questions, "from questions to their labels")
    return {question: _measure(what, labels, chosen, (0, 0)) for question, labels in given.items()}


def by_label(
    labels: LabelTable | Iterable[LabelRow], measure: Measure | str = Measure.ALPHA
) -> dict[Any, Agreement]:
    """Return the agreement on each value against all others: which labels are often confused.

    Args:
        labels: Each as (task, member, value).
        measure: Which coefficient: ``raw``, ``alpha``, ``fleiss`` or ``gwet_ac1``.

    Raises:
        InvalidData: when there are more than 20,000 values, or as the measure does.

    >>> found = by_label([(1, "ann", "a"), (1, "bob", "a"), (2, "ann", "b"), (2, "bob", "c")])
    >>> found["a"].value, round(found["b"].value, 4)
    (1.0, 0.0)
    """
    what = "quality.by_label"
    codes = read_codes(what, labels)
    chosen = parse_enum(Measure, measure)
    _require_few(what, codes.values)
    found = dict[Any, Agreement]()
    for number, value in enumerate(codes.values):
        # 0 is this value, and 1 is any other
        others = (codes.value != number).astype("int64")
        one = attrs.evolve(codes, value=others, values=(True, False))
        found[value] = _measure_codes(what, one, chosen, (0, 0))
    return found


def by_pair(labels: LabelTable | Iterable[LabelRow]) -> tuple[PairAgreement, ...]:
    """Return the agreement of every two members who have labeled a task in common.

    Args:
        labels: Each as (task, member, value).

    Raises:
        InvalidData: when a label is none, or a member has two labels for a task.

    >>> by_pair([(1, "ann", "a"), (1, "bob", "a"), (2, "ann", "b"), (2, "bob", "b")])
    (PairAgreement(first='ann', second='bob', tasks=2, raw=1.0, cohen=1.0),)
    """
    codes = read_codes("quality.by_pair", labels)
    from itagflow.quality import member_pairs

    return tuple(
        PairAgreement(
            first=codes.members[first],
            second=codes.members[second],
            tasks=tasks,
            raw=agreeing / tasks,
            cohen=kappa,
        )
        for first, second, tasks, agreeing, kappa in member_pairs.compare_members(codes)
    )


def by_member(labels: LabelTable | Iterable[LabelRow]) -> dict[Any, Agreement]:
    """Return how far each member agrees with the others: the share of equal pairs of labels.

    Every pair counts once, so that tasks with many labels count more.

    Args:
        labels: Each as (task, member, value).

    Raises:
        InvalidData: when a label is none, or a member has two labels for a task.

    >>> by_member([(1, "ann", "a"), (1, "bob", "a"), (1, "cy", "b")])["ann"].value
    0.5
    """
    codes = read_codes("quality.by_member", labels)
    from itagflow.quality import member_pairs

    found = dict[Any, Agreement]()
    for number, tasks, pairs, agreeing, others in member_pairs.sum_by_member(codes):
        value, why = (agreeing / pairs, "") if pairs else (None, NO_PAIR)
        found[codes.members[number]] = Agreement(
            value=value, why=why, tasks=tasks, pairs=pairs, members=others
        )
    return found


def _measure(
    what: str,
    labels: LabelTable | Iterable[LabelRow],
    measure: Measure,
    draws: tuple[int, int],
) -> Agreement:
    codes = read_codes(what, labels)
    return _measure_codes(what, codes, measure, _require_draws(what, *draws))


def _measure_codes(what: str, codes: Codes, measure: Measure, draws: tuple[int, int]) -> Agreement:
    from itagflow.quality import coefficients as found

    units = found.make_units(codes)
    compute = {
        Measure.RAW: found.compute_raw,
        Measure.ALPHA: found.compute_alpha,
        Measure.FLEISS: found.compute_fleiss,
        Measure.GWET_AC1: found.compute_gwet_ac1,
    }[measure]
    if measure is Measure.FLEISS:
        _require_same_number(what, units)
    return _describe(codes, units, lambda weights: compute(units, weights), draws)


def _require_same_number(what: str, units: Units) -> None:
    numbers = units.labels[units.labels > 0]
    if not len(numbers) or numbers.min() == numbers.max():
        return
    reason = (
        f"must be the same number for every task, and are from {numbers.min()} to "
        f"{numbers.max()}: use alpha, which allows for it"
    )
    raise InvalidData(what, [Problem("labels", reason)])


def _describe(codes: Codes, units: Units, compute: Compute, draws: tuple[int, int]) -> Agreement:
    """Return what *compute* finds, with how much it is found from."""
    from itagflow.quality import coefficients as found

    paired = units.is_paired
    n = units.labels[paired]
    members = found.count_used(codes.member[paired[codes.task]])
    shown = Agreement(tasks=len(n), pairs=int((n * (n - 1)).sum()) // 2, members=members)
    if not shown.tasks:
        return attrs.evolve(shown, why=NO_PAIR)
    return _with_value(shown, compute, len(units.labels), draws)


def _with_value(
    shown: Agreement, compute: Compute, tasks: int, draws: tuple[int, int]
) -> Agreement:
    import numpy as np

    from itagflow.quality import coefficients as found

    value = compute(np.ones(tasks))
    if value is None:
        return attrs.evolve(shown, why=ONE_VALUE)
    low = high = None
    if draws[0] and shown.tasks > 1:
        drawn = [compute(weights) for weights in found.resample(tasks, *draws)]
        # a sample in which all labels are equal tells nothing
        defined = [one for one in drawn if one is not None]
        if 2 * len(defined) > len(drawn):
            low, high = found.find_interval(defined, CONFIDENCE)
    return attrs.evolve(shown, value=float(value), low=low, high=high)


def _require_draws(what: str, bootstrap: object, seed: object) -> tuple[int, int]:
    return (
        require_whole_number(what, "bootstrap", bootstrap, least=0, most=MAX_DRAWS),
        require_whole_number(what, "seed", seed, least=0, most=MAX_SEED),
    )


def _require_few(what: str, values: Sequence[Any]) -> None:
    if len(values) > MAX_VALUES:
        reason = f"have {len(values)} different values; at most {MAX_VALUES} can be compared"
        raise InvalidData(what, [Problem("labels", reason)])


def _rank_values(what: str, values: Sequence[Any], order: Sequence[Any] | None) -> Any:
    """Return the place of each value in the order, as an array."""
    import numpy as np

    if order is None:
        scores = [find_number(value) for value in values]
        if None in scores:
            wrong = format_repr(values[scores.index(None)])
            reason = f"is needed where values are not numbers, such as {wrong}"
            raise InvalidData(what, [Problem("order", reason)])
        places = {score: at for at, score in enumerate(sorted(cast("list[float]", scores)))}
        return np.array([places[cast(float, score)] for score in scores], dtype=np.int64)
    places = _number_order(what, order)
    for value in values:
        if value not in places:
            raise InvalidData(what, [Problem("order", f"lacks the value {format_repr(value)}")])
    return np.array([places[value] for value in values], dtype=np.int64)


def _number_order(what: str, order: Sequence[Any]) -> dict[Any, int]:
    places = dict[Any, int]()
    for place, value in enumerate(order):
        try:
            is_known = value in places
        except TypeError as error:
            reason = f"has {format_repr(value)}, which has no hash"
            raise InvalidData(what, [Problem("order", reason)]) from error
        if is_known:
            raise InvalidData(what, [Problem("order", f"has {format_repr(value)} twice")])
        places[value] = place
    return places


def _score_values(what: str, values: Sequence[Any], level: Level) -> Floats:
    import numpy as np

    if level is Level.RATIO:
        _require_few(what, values)
    scores = list[float]()
    for value in values:
        number = find_number(value)
        if number is None or (level is Level.RATIO and number < 0):
            wanted = "numbers of at least 0" if level is Level.RATIO else "finite numbers"
            reason = f"need {wanted} for the level {level.value}, not {format_repr(value)}"
            raise InvalidData(what, [Problem("values", reason)])
        scores.append(number)
    return np.array(scores, dtype=float)


def _choose_two(what: str, codes: Codes, members: list[Any] | None) -> tuple[int, int]:
    """Return the numbers of the two members."""
    known = {member: number for number, member in enumerate(codes.members)}
    if members is None:
        members = list(codes.members)
    if len(members) != 2:
        reason = f"must be two, and there are {len(members)}: name them, or use alpha"
        raise InvalidData(what, [Problem("members", reason)])
    found = list[int]()
    for member in members:
        try:
            number = known.get(member)
        except TypeError:
            number = None
        if number is None:
            reason = f"has no label of {format_repr(member)}"
            raise InvalidData(what, [Problem("labels", reason)])
        found.append(number)
    if found[0] == found[1]:
        raise InvalidData(what, [Problem("members", "must be two different ones")])
    return found[0], found[1]


def _order_pairs(what: str, codes: Codes, pairs: Pairs, order: Sequence[Any] | None) -> Pairs:
    """Return *pairs* with values numbered by their place in the order."""
    import numpy as np

    used = np.unique(np.concatenate([pairs.first, pairs.second]))
    values = [codes.values[number] for number in used]
    ranks = np.zeros(max(len(codes.values), 1), dtype=np.int64)
    ranks[used] = _rank_values(what, values, order)
    size = len(order) if order is not None else len(values)
    _require_few(what, range(size))
    return attrs.evolve(
        pairs, first=ranks[pairs.first], second=ranks[pairs.second], values=max(size, 1)
    )
