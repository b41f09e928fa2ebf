"""How several labelers' votes on one package become one answer per task."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Hashable, Mapping, Sequence

import attrs

from itagflow.core.change import Context
from itagflow.model.entity import evolve
from itagflow.model.package import Assignment, Outcome
from itagflow.model.reply import (
    Choice,
    Choices,
    Preference,
    Ranking,
    Rating,
    Reply,
    Text,
)
from itagflow.model.task import Answer
from itagflow.model.template import Question, QuestionKind, Template


def _as_choice(reply: Reply) -> Hashable:
    return reply.key if isinstance(reply, Choice) else None


def _as_choices(reply: Reply) -> Hashable:
    return frozenset(reply.keys) if isinstance(reply, Choices) else None


def _as_text(reply: Reply) -> Hashable:
    return unicodedata.normalize("NFC", reply.text).strip() if isinstance(reply, Text) else None


def _as_it_is(reply: Reply) -> Hashable:
    return reply if isinstance(reply, Ranking | Rating | Preference) else None


MERGERS: Mapping[QuestionKind, Callable[[Reply], Hashable]] = {
    QuestionKind.RADIO: _as_choice,
    QuestionKind.CHECKBOX: _as_choices,
    QuestionKind.INPUT: _as_text,
    QuestionKind.OPEN_ENDED: _as_text,
    QuestionKind.TEXT_EDIT: _as_text,
    QuestionKind.RANKING: _as_it_is,
    QuestionKind.RATING: _as_it_is,
    QuestionKind.PREFERENCE: _as_it_is,
}
"""How replies to a kind of question are compared; other kinds are always disputed."""

# a tuple, so that a text of the same words is not equal to it
_NO_REPLY: Hashable = ("no reply",)


@attrs.frozen
class Merged:
    """The outcome of the votes on one task."""

    replies: Mapping[str, Reply] | None
    """The winning replies; None when the task is abandoned."""
    abandoned: str | None
    """Why it is abandoned, when enough voters gave it up."""
    disputed: tuple[str, ...]
    """The questions that no reply has won."""


def merge_round(
    assignment: Assignment,
    votes: Sequence[Sequence[Answer]],
    template: Template,
    min_votes: int,
    ctx: Context,
    *,
    id: int,
) -> tuple[Assignment, tuple[Answer, ...]]:
    """Return the merged votes of a round: an assignment without a member, and its answers.

    *votes* holds the answers of all voters for each task; *assignment* is the vote that came last.
    """
    merged = evolve(
        assignment,
        id=id,
        member=None,
        outcome=Outcome.MERGED,
        token="",
        authored=False,
        version=0,
    )
    answers = list[Answer]()
    for task_votes in votes:
        winner = merge(template, task_votes, min_votes)
        first = task_votes[0]
        answers.append(
            Answer(
                job=first.job,
                assignment=id,
                task=first.task,
                package=first.package,
                stage=first.stage,
                round=first.round,
                member=None,
                at=ctx.at,
                replies=winner.replies,
                abandon_reason=winner.abandoned,
                disputed=winner.disputed,
                template_version=max(vote.template_version for vote in task_votes),
            )
        )
    return merged, tuple(answers)


def merge(template: Template, votes: Sequence[Answer], min_votes: int) -> Merged:
    """Return what the *votes* on one task come to.

    A reply wins a question if at least *min_votes* gave it and more than gave any other; no reply
    is a reply too.  The task is abandoned if *min_votes* abandoned it; fewer count as no vote.
    """
    reasons = [vote.abandon_reason for vote in votes if vote.abandon_reason is not None]
    if len(reasons) >= min_votes:
        # the reason that most of them gave; of equals the first, so the order of votes decides
        return Merged(None, max(reasons, key=reasons.count), ())
    answered = [vote.replies or {} for vote in votes if vote.abandon_reason is None]
    replies: dict[str, Reply] = {}
    disputed: list[str] = []
    for question in template.asked:
        winner = _find_winner(
            question, [replies_of.get(question.id) for replies_of in answered], min_votes
        )
        if winner is None:
            disputed.append(question.id)
        elif winner.reply is not None:
            replies[question.id] = winner.reply
    return Merged(replies, None, tuple(disputed))


@attrs.frozen
class _Winner:
    """A reply that has won; None when leaving the question out has won."""

    reply: Reply | None


def _find_winner(
    question: Question, replies: Sequence[Reply | None], min_votes: int
) -> _Winner | None:
    """Return which reply won the question, the first of the equal ones; None without a winner."""
    to_comparable = MERGERS.get(question.kind)
    if to_comparable is None:
        return None
    groups: dict[Hashable, list[Reply | None]] = {}
    for reply in replies:
        comparable = _NO_REPLY if reply is None else to_comparable(reply)
        groups.setdefault(comparable, []).append(reply)
    ranked = sorted(groups.values(), key=len, reverse=True)
    if not ranked or len(ranked[0]) < min_votes:
        return None
    if len(ranked) > 1 and len(ranked[1]) == len(ranked[0]):
        return None  # a tie: which voter came first must not decide
    return _Winner(ranked[0][0])
