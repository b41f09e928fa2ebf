"""The rules by which the votes on one question become one reply, and which of them a job has.

Sources: quality.md of the design, table of defaults; the lower median and the nearest number on the
scale keep a merged rating one that a person could have given.
"""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from itertools import groupby
from typing import Any

import attrs

from itagflow.errors import InvalidData, Problem
from itagflow.model.job import Label, Workflow
from itagflow.model.merging import Merge
from itagflow.model.region import Regions
from itagflow.model.reply import Choice, Choices, Preference, Ranking, Rating, Reply, Text
from itagflow.model.segment import Segments
from itagflow.model.span import Spans
from itagflow.model.template import Question, QuestionKind, Scale, Template
from itagflow.model.vote_checks import find_settling_error
from itagflow.quality.matching import (
    MARKS,
    Marks,
    MatchTerms,
    explain_difference,
    measure_agreement,
)
from itagflow.quality.merging import merge_votes
from itagflow.quality.values import MergedMarks

FREE_TEXTS = frozenset({QuestionKind.INPUT, QuestionKind.OPEN_ENDED, QuestionKind.TEXT_EDIT})
"""The kinds that are merged by ``keep`` where a reply is not required."""
DEFAULTS: Mapping[QuestionKind, str] = {
    QuestionKind.RADIO: "majority",
    QuestionKind.CHECKBOX: "majority",
    QuestionKind.INPUT: "majority",
    QuestionKind.OPEN_ENDED: "keep",
    QuestionKind.TEXT_EDIT: "keep",
    QuestionKind.PICTURE: "match",
    QuestionKind.SLOT: "match",
    QuestionKind.VIDEO: "match",
    QuestionKind.RANKING: "majority",
    QuestionKind.RATING: "median",
    QuestionKind.PREFERENCE: "majority",
}
"""The rule of each kind of question, unless a job has another."""
_ONLY_FOR: Mapping[str, Sequence[QuestionKind]] = {
    "median": [QuestionKind.RATING],
    "mean": [QuestionKind.RATING],
    "mode": [QuestionKind.RATING],
    "each": [QuestionKind.CHECKBOX],
    "match": [QuestionKind.PICTURE, QuestionKind.SLOT, QuestionKind.VIDEO],
}
"""The rules that merge some kinds of questions only."""


@attrs.frozen(kw_only=True)
class Decision:
    """What the votes on one question come to."""

    reply: Reply | None = None
    """The merged reply; None when it is left out, kept or disputed."""
    counts: tuple[int, ...] = ()
    """How many said the same, most first."""
    confidence: float | None = None
    """The share of the votes that says what the merged reply says."""
    agreement: float | None = None
    """How far the votes agree, where that is more than a share of equal ones; None: as far as
    `confidence` says."""
    number: float | None = None
    """The exact mean."""
    is_kept: bool = False
    """Whether all replies are kept, and none is taken."""
    reason: str = ""
    """Why it is disputed; empty when it is not."""


@attrs.frozen
class Poll:
    """The votes on one question."""

    question: Question
    """The question."""
    replies: Sequence[Reply | None]
    """What each voter who was asked has replied; None where they left it out."""
    min_votes: int
    """How many votes a reply needs."""
    tolerance: float | None = None
    """How far ratings may be apart."""
    terms: MatchTerms = attrs.field(factory=MatchTerms)
    """When two annotations are the same."""

    @property
    def given(self) -> list[Reply]:
        """The replies, without those who left it out."""
        return [reply for reply in self.replies if reply is not None]

    @property
    def groups(self) -> list[list[Reply | None]]:
        """The replies that say the same, the largest group first."""
        groups = list[list[Reply | None]]()
        for reply in self.replies:
            group = next((known for known in groups if says_same(known[0], reply)), None)
            if group is None:
                groups.append([reply])
            else:
                group.append(reply)
        return sorted(groups, key=len, reverse=True)


def choose_default(question: Question) -> Merge:
    """Return the rule of *question* where a job names none.

    An optional free text is a remark: that remarks differ is no dispute.
    """
    if question.kind in FREE_TEXTS and not question.required:
        return Merge("keep")
    return Merge(DEFAULTS[question.kind])


def find_rule_error(question: Question, rule: Merge) -> str:
    """Return why *rule* cannot merge replies to *question*; empty when it can."""
    kinds = _ONLY_FOR.get(rule.name)
    if kinds is None or question.kind in kinds:
        return ""
    names = " or ".join(kind.value for kind in kinds)
    return f"{rule.name!r} is a rule for {names}, and this is {question.kind.value}"


def merge_replies(rule: Merge, poll: Poll) -> Decision:
    """Return what the votes come to by one of the library's own rules.

    >>> from itagflow import Rating
    >>> from itagflow.model import Question
    >>> ratings = [Rating(3), Rating(4), Rating(5)]
    >>> merge_replies(Merge("median"), Poll(Question("1", "RATING", "Fluency"), ratings, 1)).reply
    Rating(4)
    """
    terms = MatchTerms(threshold=rule.threshold or 0.5, distance=rule.distance or 0)
    return _RULES[rule.name](attrs.evolve(poll, tolerance=rule.tolerance, terms=terms))


def merge_by_majority(poll: Poll) -> Decision:
    """Take the reply that at least `min_votes` gave, and more than gave any other.

    To leave the question out is a reply, too.
    """
    groups = poll.groups
    counts = tuple(map(len, groups))
    most = max(counts, default=0)
    if most < poll.min_votes or not groups:
        return Decision(counts=counts, reason=_explain_too_few(poll, most))
    if counts.count(most) > 1:
        # which voter came first must not decide
        return Decision(counts=counts, reason="no reply has more votes than any other")
    return Decision(reply=groups[0][0], counts=counts, confidence=_share(most, poll.replies))


def merge_by_median(poll: Poll) -> Decision:
    """Take the middle rating, the lower of two, which is one that somebody gave."""
    ratings = _sort_ratings(poll)
    return _merge_ratings(poll, ratings[(len(ratings) - 1) // 2] if ratings else None)


def merge_by_mode(poll: Poll) -> Decision:
    """Take the most frequent rating; of several the middle one, the lower of two."""
    ratings = _sort_ratings(poll)
    most = max(map(ratings.count, ratings), default=0)
    modes = [value for value, _ in groupby(ratings) if ratings.count(value) == most]
    return _merge_ratings(poll, modes[(len(modes) - 1) // 2] if modes else None)


def merge_by_mean(poll: Poll) -> Decision:
    """Take the number on the scale next to the mean, the lower of two; the mean itself is told."""
    ratings = _sort_ratings(poll)
    if not ratings:
        return _merge_ratings(poll, None)
    mean = math.fsum(ratings) / len(ratings)
    decision = _merge_ratings(poll, find_nearest(poll.question.scale or Scale(), mean))
    return attrs.evolve(decision, number=mean)


def merge_by_keeping(poll: Poll) -> Decision:
    """Take no reply, and keep all: it is never disputed."""
    return Decision(counts=tuple(map(len, poll.groups)), is_kept=bool(poll.given))


def merge_each_option(poll: Poll) -> Decision:
    """Take every option that more than half of the votes chose; exactly half is a dispute."""
    if decision := decide_left_out(poll):
        return decision
    options = [option.key for top in poll.question.options for option in top.every]
    chosen = [frozenset(reply.keys) for reply in poll.given if isinstance(reply, Choices)]
    counts = tuple(sum(key in keys for keys in chosen) for key in options)
    halves = [key for key, number in zip(options, counts, strict=True) if 2 * number == len(chosen)]
    if halves:
        reason = f"exactly half of the votes chose {', '.join(map(repr, halves))}"
        return Decision(counts=counts, reason=reason)
    kept = [key for key, number in zip(options, counts, strict=True) if 2 * number > len(chosen)]
    # as sure as of the option that is least sure
    least = min((max(number, len(chosen) - number) for number in counts), default=0)
    return Decision(reply=Choices(kept), counts=counts, confidence=_share(least, chosen))


def merge_if_equal(poll: Poll) -> Decision:
    """Take the reply that all gave; any difference is a dispute."""
    counts = tuple(map(len, poll.groups))
    if len(counts) > 1:
        return Decision(counts=counts, reason="the replies are not equal")
    return merge_by_majority(poll)


def merge_by_matching(poll: Poll) -> Decision:
    """Take what more than half of those who replied have marked, and at least `min_votes`.

    What fewer have marked, or with different labels, is a dispute: is it there, or not?
    """
    if decision := decide_left_out(poll):
        return decision
    votes = [reply for reply in poll.given if isinstance(reply, MARKS)]
    try:
        merged = _merge_marks(votes, poll)
        agreement = measure_agreement(votes, poll.terms)
    except InvalidData as error:
        return Decision(reason="; ".join(map(str, error.problems)))
    counts = sorted((len(cluster.voters) for cluster in merged.clusters), reverse=True)
    return Decision(
        reply=merged.marks,
        counts=tuple(counts),
        confidence=merged.confidence,
        agreement=agreement,
        reason=merged.reason,
    )


def _merge_marks(votes: Sequence[Marks], poll: Poll) -> MergedMarks:
    """Return what was marked as one.

    Raises:
        InvalidData: when the votes cannot be compared.
    """
    for vote in votes[1:]:
        if problem := explain_difference(votes[0], vote):
            raise InvalidData("the votes", [Problem("a vote", problem)])
    # a region that one of three has marked is no region of all, however few votes are enough
    least = max(poll.min_votes, len(votes) // 2 + 1)
    return merge_votes(votes, least, poll.terms, [1.0] * len(votes))


_RULES: Mapping[str, Callable[[Poll], Decision]] = {
    "majority": merge_by_majority,
    "median": merge_by_median,
    "mean": merge_by_mean,
    "mode": merge_by_mode,
    "keep": merge_by_keeping,
    "each": merge_each_option,
    "equal": merge_if_equal,
    "match": merge_by_matching,
}


def find_nearest(scale: Scale, number: float) -> float:
    """Return the number on *scale* next to *number*, the lower of two.

    >>> find_nearest(Scale(1, 5), 3.5), find_nearest(Scale(0, 1, step=0), 0.25)
    (3, 0.25)
    """
    within = min(max(number, scale.low), scale.high)
    if not scale.step:
        return within
    # steps such as 0.1 have no exact float: what is a half except for that is a half
    steps = math.ceil((within - scale.low) / scale.step - 0.5 - 1e-9)
    last = math.floor((scale.high - scale.low) / scale.step + 1e-9)
    return scale.low + min(steps, last) * scale.step


def says_same(reply: Reply | None, other: Reply | None) -> bool:
    """Return whether two replies say the same.

    Choices, regions, spans and segments do in any order, texts in any spelling of Unicode and with
    any spaces around.
    """
    match reply, other:
        case Choices(), Choices():
            return frozenset(reply.keys) == frozenset(other.keys)
        case Text(), Text():
            return _normalize(reply.text) == _normalize(other.text)
        case Regions(), Regions():
            sizes = [(each.width, each.height, each.rotation) for each in (reply, other)]
            return sizes[0] == sizes[1] and _has_same_items(reply.regions, other.regions)
        case Segments(), Segments():
            return _has_same_items(reply.segments, other.segments)
        case Spans(), Spans():
            # the numbers of spans in relations follow the order in which they were marked
            return _has_same_items(reply.spans, other.spans) and _has_same_items(
                _resolve_relations(reply), _resolve_relations(other)
            )
        case ((Choice() | Ranking() | Rating() | Preference() | None), _):
            return reply == other
        case _:
            return False


def _normalize(text: str) -> str:
    return unicodedata.normalize("NFC", text).strip()


def _has_same_items(items: Sequence[Any], others: Sequence[Any]) -> bool:
    """Return whether both have equal items, each as often; they have no hash to count them by."""
    if len(items) != len(others):
        return False
    if list(items) == list(others):  # as people who confirm the same pre-label leave them
        return True
    left = list(others)
    for item in items:
        if item not in left:
            return False
        del left[left.index(item)]
    return True


def _resolve_relations(reply: Spans) -> list[tuple[Any, ...]]:
    """Return the relations with the spans that they join."""
    spans = reply.spans
    return [
        (
            *(spans[end] for end in (relation.source, relation.target) if end < len(spans)),
            relation.labels,
        )
        for relation in reply.relations
    ]


def _sort_ratings(poll: Poll) -> list[float]:
    return sorted(reply.value for reply in poll.given if isinstance(reply, Rating))


def _merge_ratings(poll: Poll, value: float | None) -> Decision:
    """Return the decision for a rating, unless there are too few, or they are too far apart."""
    counts = tuple(map(len, poll.groups))
    if decision := decide_left_out(poll):
        return decision
    if value is None:
        return Decision(counts=counts, reason=_explain_too_few(poll, 0))
    ratings = _sort_ratings(poll)
    distance = ratings[-1] - ratings[0]
    # differences of floats such as 0.3 - 0.1 are not exact
    if poll.tolerance is not None and distance > poll.tolerance + 1e-9:
        reason = f"the ratings are {distance:g} apart, more than {poll.tolerance:g}"
        return Decision(counts=counts, reason=reason)
    agreeing = sum(rating == value for rating in ratings)
    return Decision(reply=Rating(value), counts=counts, confidence=_share(agreeing, ratings))


def decide_left_out(poll: Poll) -> Decision | None:
    """Return the decision where most leave the question out, or too few reply; else None."""
    given = len(poll.given)
    left_out = len(poll.replies) - given
    counts = tuple(map(len, poll.groups))
    if left_out > given and left_out >= poll.min_votes:
        return Decision(counts=counts, confidence=_share(left_out, poll.replies))
    if given < max(poll.min_votes, 1):
        return Decision(counts=counts, reason=_explain_too_few(poll, given))
    return None


def _explain_too_few(poll: Poll, number: int) -> str:
    if not poll.replies:
        return "nobody who voted was asked"
    return f"too few equal votes: {number} of {poll.min_votes}"


def _share(number: int, of: Sequence[object]) -> float | None:
    if not of:
        return None
    return number / len(of)


def with_merge_rules(workflow: Workflow, template: Template) -> Workflow:
    """Return *workflow* with the rule of each question by its id: those given, else the defaults.

    Raises:
        InvalidData: when a rule is for no question of *template*, for several, or for one of a kind
            that it cannot merge; it lists every problem.
    """
    label = workflow.label
    # one member alone has nothing to merge, unless they were asked for: votes may be raised later
    if label.votes == 1 and not label.merge:
        return workflow
    given = _resolve_questions(label.merge, template)
    merge = {
        question.id: given.get(question.id, choose_default(question)) for question in template.asked
    }
    _require_settling(label, merge, template)
    with_rules: Label = attrs.evolve(label, merge=merge)
    rules = (with_rules, workflow.inspect, workflow.accept)
    return Workflow(*(rule for rule in rules if rule is not None))


def _require_settling(label: Label, merge: Mapping[str, Merge], template: Template) -> None:
    """Check that it can be said of each question when its votes are enough, where that is asked.

    An optional free text is a remark: what is kept of it settles nothing.

    Raises:
        InvalidData: when it cannot be said of one, or of none; it lists every question.
    """
    if not label.asks_again:
        return
    asked = [
        question
        for question in template.asked
        if question.required or question.kind not in FREE_TEXTS or merge[question.id].name != "keep"
    ]
    field = "stop_early" if label.stop_early else "max_votes"
    problems = [
        Problem(field, f"{reason}: merge {question.title!r} ({question.id}) by another rule")
        for question in asked
        if (reason := find_settling_error(merge[question.id], early=label.stop_early))
    ]
    if not asked:
        problems = [Problem(field, "all questions are kept: there is nothing to agree on")]
    if problems:
        raise InvalidData("Label", problems)


def explain_other_votes(old: Label, new: Label) -> str:
    """Return why the votes of a job cannot be changed to those of *new*; empty when they can."""
    if new.votes < old.votes:
        return f"votes cannot become fewer: they are {old.votes}, not {new.votes}"
    if new.votes_package_share != old.votes_package_share:
        return "votes_package_share cannot change: packages were made by it"
    for name in ("max_votes", "agree", "stop_early"):
        if getattr(new, name) != getattr(old, name) and old.votes > 1:
            return f"{name} cannot change: votes were asked for by it"
    # while one member labels everything, nothing was merged yet
    if new.merge != old.merge and old.votes > 1:
        return "merge cannot change: votes were merged by it"
    return ""


def _resolve_questions(merge: Mapping[str, Merge], template: Template) -> dict[str, Merge]:
    by_id = dict[str, Merge]()
    problems = list[Problem]()
    for name, rule in merge.items():
        questions = find_questions(name, template)
        problem = ""
        if len(questions) != 1:
            problem = explain_number(questions, template)
        elif questions[0].id in by_id:
            problem = "is given by its title and by its id"
        else:
            problem = find_rule_error(questions[0], rule)
            by_id[questions[0].id] = rule
        if problem:
            problems.append(Problem(f"merge[{name!r}]", problem))
    if problems:
        raise InvalidData("Label", problems)
    return by_id


def find_questions(name: str, template: Template) -> list[Question]:
    """Return the question with this id, or else those with this title."""
    with_id = [question for question in template.asked if question.id == name]
    return with_id or [question for question in template.asked if question.title == name]


def explain_number(questions: list[Question], template: Template) -> str:
    """Return why a name that stands for these *questions* is not that of one; empty if it is."""
    if len(questions) == 1:
        return ""
    if questions:
        ids = ", ".join(repr(question.id) for question in questions)
        return f"is the title of several questions: give one of their ids, {ids}"
    known = ", ".join(f"{question.title!r} ({question.id})" for question in template.asked)
    return f"the template has no such question; it has {known}"
