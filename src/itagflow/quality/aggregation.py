"""One label for each task, from those of several members.

`majority` counts, `majority` with weights counts better members more, and `truth` finds from the
labels alone how well each member labels (Dawid and Skene).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, cast

import attrs

from itagflow.errors import InvalidData, Problem
from itagflow.model.arguments import make_error, require_mapping, require_several
from itagflow.model.number import require_number, require_whole_number
from itagflow.printing import format_count, format_repr
from itagflow.quality.distributions import gamma_share
from itagflow.quality.labels import LabelRow, LabelTable, read_codes
from itagflow.quality.rows import is_row
from itagflow.quality.values import MemberSkill, PositionBias, Truth

MIN_VOTES_ON_AVERAGE = 3
"""With fewer votes a task Dawid and Skene's method cannot tell members from tasks."""
MIN_LABELS_ON_AVERAGE = 10
"""The same for labels a member."""
MIN_KNOWN = 5
"""From how many known tasks a member has a skill of their own."""
MOST_SKILL, LEAST_SKILL = 0.98, 0.02
MAX_ITERATIONS = 10_000


class Majority:
    """The value that most members gave to each task.

    >>> found = majority([(1, "ann", "a"), (1, "bob", "a"), (2, "ann", "a"), (2, "bob", "b")])
    >>> found.labels, found.undecided, found.confidence[1]
    ({1: 'a', 2: None}, (2,), 1.0)
    """

    __slots__ = ("_confidence", "_tasks", "_values", "_winners")

    def __init__(
        self, tasks: Sequence[Any], values: Sequence[Any], winners: Any, confidence: Any
    ) -> None:
        """Keep what `majority` has found.

        Args:
            tasks: The tasks.
            values: All values.
            winners: For each task the number of its value; -1 where it is undecided.
            confidence: For each task how sure it is.
        """
        self._tasks = tasks
        self._values = values
        self._winners = winners
        self._confidence = confidence

    @property
    def labels(self) -> dict[Any, Any]:
        """The value of each task; None where it is undecided."""
        # -1 is the last place of a list
        values = [*self._values, None]
        return {
            task: values[winner]
            for task, winner in zip(self._tasks, self._winners.tolist(), strict=True)
        }

    @property
    def confidence(self) -> dict[Any, float]:
        """How sure the value of each task is: the share of votes, or with weights its probability.

        Of an undecided task that of the values with the most votes.
        """
        return dict(zip(self._tasks, self._confidence.tolist(), strict=True))

    @property
    def undecided(self) -> tuple[Any, ...]:
        """The tasks without a value: another one has as many votes, or there are too few."""
        pairs = zip(self._tasks, self._winners.tolist(), strict=True)
        return tuple(task for task, winner in pairs if winner < 0)

    def __len__(self) -> int:
        """Return the number of tasks."""
        return len(self._tasks)

    def __repr__(self) -> str:
        """Return how many tasks there are, in one line."""
        return f"<Majority of {format_count(len(self), 'task')}>"


def majority(
    labels: LabelTable | Iterable[LabelRow],
    *,
    min_votes: int = 1,
    weights: Mapping[Any, float] | None = None,
) -> Majority:
    """Return the value that most members gave to each task.

    Args:
        labels: Each as (task, member, value).
        min_votes: How many votes a value needs.
        weights: How much each member counts, such as those of `weigh_members`; the value with the
            highest sum wins then.

    Raises:
        InvalidData: when an argument is wrong, a member has no weight, or two labels for a task.

    >>> majority([(1, "ann", "a"), (1, "bob", "b"), (1, "cy", "b")]).labels
    {1: 'b'}
    """
    what = "quality.majority"
    codes = read_codes(what, labels)
    least = require_whole_number(what, "min_votes", min_votes, least=1)
    from itagflow.quality import estimating

    if weights is None:
        winners, confidence = estimating.count_votes(codes, least)
    else:
        by_member = _list_weights(what, codes.members, weights)
        winners, confidence = estimating.weigh_votes(codes, least, by_member)
    return Majority(codes.tasks, codes.values, winners, confidence)


def weigh_members(known: Mapping[Any, tuple[int, int]], values: int) -> dict[Any, float]:
    """Return how much each member counts, from tasks whose answer is known.

    The weight is ln(p (C - 1) / (1 - p)) with C values and p = (right + 1) / (of + 2), kept between
    .02 and .98: then the sum of weights is the logarithm of the odds.  A member with fewer than 5
    known tasks has the p of all together.

    Args:
        known: For each member how many known tasks they had right, and how many they had.
        values: How many values there are to choose from, at least 2.

    Raises:
        InvalidData: when an argument is wrong.

    >>> {name: round(weight, 3) for name, weight in weigh_members({"ann": (8, 8)}, 2).items()}
    {'ann': 2.197}
    """
    what = "quality.weigh_members"
    number = require_whole_number(what, "values", values, least=2)
    given = require_mapping(what, "known", known, "from members to (right, of)")
    scores = {member: _require_score(what, member, score) for member, score in given.items()}
    right = sum(score[0] for score in scores.values())
    of = sum(score[1] for score in scores.values())
    weights = dict[Any, float]()
    for member, score in scores.items():
        enough = score if score[1] >= MIN_KNOWN else (right, of)
        p = (enough[0] + 1) / (enough[1] + 2)
        p = min(MOST_SKILL, max(LEAST_SKILL, p))
        weights[member] = math.log(p * (number - 1) / (1 - p))
    return weights


def truth(
    labels: LabelTable | Iterable[LabelRow],
    *,
    known: Mapping[Any, Any] | None = None,
    iterations: int = 100,
    tolerance: float = 1e-5,
) -> Truth:
    """Return the most probable value of each task, and how well each member labels.

    Dawid and Skene's method (1979): each member has a table of what they say of each true value; it
    is estimated from the labels, then the values from it, again and again.  It begins with the
    shares of votes, so that of the solutions that mirror each other it finds the one in which
    members are better than chance.  Counts are kept at 1e-10 or more, and what a member never said
    is impossible.

    It is for analysis, not for deciding work: where members label equally well it gains nothing
    over the majority, and where all are hardly better than chance it is worse.  With fewer than 3
    votes a task, or 10 labels a member, on average it is the majority, and ``why`` says so.

    Args:
        labels: Each as (task, member, value).
        known: The value of tasks whose answer is known.
        iterations: How many iterations there may be.
        tolerance: It ends when the log-likelihood rises by less than this share; 0 for never.

    Raises:
        InvalidData: when an argument is wrong, or a member has two labels for a task.

    >>> labels = [(task, name, "a") for task in range(10) for name in ("ann", "bob", "cy")]
    >>> truth(labels).why
    'only one label was used'
    """
    what = "quality.truth"
    codes = read_codes(what, labels)
    rounds = require_whole_number(what, "iterations", iterations, least=1, most=MAX_ITERATIONS)
    least = float(require_number(what, "tolerance", tolerance, least=0, most=1))
    from itagflow.quality import estimating

    fixed = _number_known(what, codes.tasks, codes.values, known)
    if why := _explain_too_few(len(codes.value), codes.tasks, codes.members, codes.values):
        winners, confidence = estimating.count_votes(codes, 1)
        found = Majority(codes.tasks, codes.values, winners, confidence)
        return Truth(labels=found.labels, confidence=found.confidence, why=why)
    estimate = estimating.estimate_truth(codes, fixed, rounds, least)
    winners = estimate.probabilities.argmax(axis=0).tolist()
    most = estimate.probabilities.max(axis=0).tolist()
    tasks = [codes.tasks[number] for number in estimate.tasks.tolist()]
    return Truth(
        labels={task: codes.values[winner] for task, winner in zip(tasks, winners, strict=True)},
        confidence=dict(zip(tasks, most, strict=True)),
        members={
            codes.members[member]: MemberSkill(
                accuracy=accuracy,
                labels=number,
                confusion={
                    codes.values[true]: {codes.values[said]: share for said, share in row.items()}
                    for true, row in confusion.items()
                },
            )
            for member, accuracy, number, confusion in estimating.list_skills(estimate)
        },
        shares=dict(zip(codes.values, estimate.shares.tolist(), strict=True)),
        log_likelihoods=tuple(estimate.log_likelihoods),
    )


def position_bias(choices: Iterable[tuple[Sequence[Any], Any]]) -> PositionBias:
    """Return whether the position of an option decides how often it is chosen.

    Only where options are shuffled for each member: else good options may stand first.  By
    Pearson's chi-squared test; choices among different numbers of options are tested apart and
    added.

    Args:
        choices: For each the options in the order in which they were shown, and the one chosen.

    Raises:
        InvalidData: when one is no such pair, or what was chosen was not shown once.

    >>> found = position_bias([(("a", "b"), "a"), (("b", "a"), "b")] * 10)
    >>> found.chosen, found.p_value < 0.001
    ((20, 0), True)
    """
    what = "quality.position_bias"
    rows = require_several(what, "choices", choices, "choices as (order, chosen)")
    by_length = dict[int, list[int]]()
    for number, row in enumerate(rows, 1):
        length, place = _find_place(what, number, row)
        by_length.setdefault(length, [0] * length)[place] += 1
    longest = max(by_length, default=0)
    chosen, expected = [0] * longest, [0.0] * longest
    statistic, freedom = 0.0, 0
    for length, counts in by_length.items():
        even = sum(counts) / length
        for place, count in enumerate(counts):
            chosen[place] += count
            expected[place] += even
            statistic += (count - even) ** 2 / even
        freedom += length - 1
    shown = PositionBias(chosen=tuple(chosen), expected=tuple(expected))
    if not freedom:
        return attrs.evolve(shown, why="nobody had two options to choose from")
    if any(sum(counts) < 5 * length for length, counts in by_length.items() if length > 1):
        return attrs.evolve(shown, why="there are fewer than 5 choices for each position")
    return attrs.evolve(shown, p_value=1 - gamma_share(freedom / 2, statistic / 2))


def _find_place(what: str, number: int, row: object) -> tuple[int, int]:
    """Return how many options were shown, and the position of the one chosen."""
    where = f"choice {number}"
    if not is_row(row, 2):
        raise make_error(what, where, "must be (order, chosen)", row)
    order, chosen = cast("tuple[Any, Any]", row)
    options = require_several(what, f"{where}, order", order, "options")
    places = [place for place, option in enumerate(options) if option == chosen]
    if len(places) != 1:
        reason = f"was shown {len(places)} times: {format_repr(chosen)}"
        raise InvalidData(what, [Problem(where, reason)])
    return len(options), places[0]


def _require_score(what: str, member: object, score: object) -> tuple[int, int]:
    where = f"known, member {format_repr(member)}"
    if not is_row(score, 2):
        raise make_error(what, where, "must be (right, of)", score)
    right, of = cast("tuple[object, object]", score)
    number = require_whole_number(what, where, of, least=0)
    return require_whole_number(what, where, right, least=0, most=number), number


def _list_weights(what: str, members: Sequence[Any], weights: Mapping[Any, float]) -> list[float]:
    given = require_mapping(what, "weights", weights, "from members to numbers")
    listed = list[float]()
    for member in members:
        if member not in given:
            reason = f"has none for {format_repr(member)}"
            raise InvalidData(what, [Problem("weights", reason)])
        listed.append(float(require_number(what, "weights", given[member], least=-1e3, most=1e3)))
    return listed


def _number_known(
    what: str, tasks: Sequence[Any], values: Sequence[Any], known: Mapping[Any, Any] | None
) -> dict[int, int]:
    """Return the number of the value of each known task; tasks without labels are left out."""
    if known is None:
        return {}
    given = require_mapping(what, "known", known, "from tasks to values")
    numbers = {value: number for number, value in enumerate(values)}
    fixed = dict[int, int]()
    for at, task in enumerate(tasks):
        if task not in given:
            continue
        try:
            number = numbers.get(given[task])
        except TypeError:
            number = None
        if number is None:
            reason = (
                f"has {format_repr(given[task])} for task {format_repr(task)}, which nobody said"
            )
            raise InvalidData(what, [Problem("known", reason)])
        fixed[at] = number
    return fixed


def _explain_too_few(
    labels: int, tasks: Sequence[Any], members: Sequence[Any], values: Sequence[Any]
) -> str:
    if len(values) < 2:
        return "only one label was used" if values else "there are no labels"
    if labels < MIN_VOTES_ON_AVERAGE * len(tasks):
        return f"not enough votes: {labels / len(tasks):.2g} a task, and 3 are needed"
    if labels < MIN_LABELS_ON_AVERAGE * len(members):
        return f"not enough votes: {labels / len(members):.2g} a member, and 10 are needed"
    return ""
