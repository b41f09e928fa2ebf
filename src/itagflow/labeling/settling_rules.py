"""Whether the votes on a task are enough, or one more is asked for.

With ``Label(max_votes=…)`` they are enough when they settle every question; with
``Label(stop_early=True)`` when no vote that may still come can change what they come to.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import attrs

from itagflow.labeling.merge_rules import Poll
from itagflow.labeling.voting import Merged, VotingRules, merge
from itagflow.model.job import Label
from itagflow.model.merging import QuestionMerge
from itagflow.model.task import Answer
from itagflow.model.template import Template


@attrs.frozen(kw_only=True)
class OpenTask:
    """A task that gets one more vote."""

    task: int
    """Its number."""
    votes: int
    """How many it has."""
    agreeing: int
    """How many say what most say, of the question on which they differ most."""

    def describe(self) -> dict[str, Any]:
        """Return what the history keeps of it."""
        return {"task": self.task, "votes": self.votes, "agreeing": self.agreeing}


@attrs.frozen(kw_only=True)
class _Count:
    """How the votes on one question stand."""

    counts: Sequence[int]
    """How many said the same, most first; of ``each``: how many chose each option."""
    given: int
    """How many replied."""
    left_out: int
    """How many left it out."""
    left: int
    """How many votes may still come."""
    min_votes: int
    """How many votes a reply needs."""


def find_open_task(
    template: Template, votes: Sequence[Answer], label: Label, rules: VotingRules
) -> OpenTask | None:
    """Return the task of these *votes* if it needs one more; None when they are enough.

    *rules* are those by which the votes of *label* are merged.
    """
    left = label.most_votes - len(votes)
    if left <= 0:
        return None
    merged = merge(template, votes, rules)
    if label.stop_early:
        is_enough = _is_certain(template, merged, votes, label)
    else:
        is_enough = _is_settled(merged, votes, label)
    if is_enough:
        return None
    counts = [max(each.counts, default=0) for each in merged.report.questions.values()]
    return OpenTask(task=votes[0].task, votes=len(votes), agreeing=min(counts, default=0))


def _is_settled(merged: Merged, votes: Sequence[Answer], label: Label) -> bool:
    """Return whether nothing is disputed, and as many answered as are asked at first."""
    if merged.abandoned is not None:
        return True
    answered = sum(not vote.is_abandoned for vote in votes)
    return answered >= label.votes and not merged.disputed


def _is_certain(template: Template, merged: Merged, votes: Sequence[Answer], label: Label) -> bool:
    """Return whether the votes come to the same, whatever those say that may still come."""
    left = label.most_votes - len(votes)
    gave_up = sum(vote.is_abandoned for vote in votes)
    answered = len(votes) - gave_up
    if merged.abandoned is not None:
        return gave_up > answered + left
    if gave_up + left > answered and gave_up + left >= label.min_votes:
        return False
    by_id = {question.id: question for question in template.asked}
    for id, report in merged.report.questions.items():
        if report.rule.name == "keep":
            continue
        asked = [vote for vote in votes if vote.member in report.voters]
        replies = [(vote.replies or {}).get(id) for vote in asked]
        poll = Poll(by_id[id], replies, label.min_votes)
        if not _CERTAIN[report.rule.name](_count(poll, report, left)):
            return False
    return True


def _count(poll: Poll, report: QuestionMerge, left: int) -> _Count:
    counts = report.counts
    if report.rule.name == "mode":
        # to leave it out is no rating
        counts = tuple(map(len, attrs.evolve(poll, replies=poll.given).groups))
    return _Count(
        counts=counts,
        given=len(poll.given),
        left_out=len(poll.replies) - len(poll.given),
        left=left,
        min_votes=poll.min_votes,
    )


def _has_certain_lead(count: _Count) -> bool:
    """Return whether no other reply can get as many votes as the first."""
    first, second = [*count.counts, 0, 0][:2]
    if first + count.left < count.min_votes:
        return True  # no reply gets enough any more
    return first >= count.min_votes and first > second + count.left


def _is_certainly_unequal(count: _Count) -> bool:
    return len(count.counts) > 1


def _is_certainly_given(count: _Count) -> bool:
    """Return whether enough reply, and not more leave it out, whatever is still said."""
    may_be_left_out = count.left_out + count.left
    is_given = count.given >= may_be_left_out or may_be_left_out < count.min_votes
    return is_given and count.given >= count.min_votes


def _is_certainly_left_out(count: _Count) -> bool:
    return count.left_out > count.given + count.left and count.left_out >= count.min_votes


def _is_mode_certain(count: _Count) -> bool:
    if _is_certainly_left_out(count):
        return True
    first, second = [*count.counts, 0, 0][:2]
    return _is_certainly_given(count) and first > second + count.left


def _is_each_certain(count: _Count) -> bool:
    if _is_certainly_left_out(count):
        return True
    most = count.given + count.left
    return _is_certainly_given(count) and all(
        2 * chosen > most or 2 * (chosen + count.left) < most for chosen in count.counts
    )


_CERTAIN: Mapping[str, Callable[[_Count], bool]] = {
    "majority": _has_certain_lead,
    "equal": _is_certainly_unequal,
    "mode": _is_mode_certain,
    "each": _is_each_certain,
}
