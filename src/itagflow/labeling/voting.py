"""How several labelers' votes on one package become one answer per task."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Hashable, Mapping, Sequence

import attrs

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


def merge(template: Template, votes: Sequence[Answer], min_votes: int) -> Merged:
    """Return what the *votes* on one task come to.

    A reply wins a question if at least *min_votes* gave it and more than gave any other; no reply
    is a reply too.  The task is abandoned if *min_votes* abandoned it; fewer count as no vote.
    """
    reasons = [vote.abandon_reason for vote in votes if vote.abandon_reason is not None]
    if len(reasons) >= min_votes:
        return Merged(None, max(reasons, key=reasons.count), ())
    standing = [vote.replies or {} for vote in votes if vote.abandon_reason is None]
    replies: dict[str, Reply] = {}
    disputed: list[str] = []
    for question in template.asked:
        won, reply = _winner(question, [said.get(question.id) for said in standing], min_votes)
        if not won:
            disputed.append(question.id)
        elif reply is not None:
            replies[question.id] = reply
    return Merged(replies, None, tuple(disputed))


def _winner(
    question: Question, said: Sequence[Reply | None], min_votes: int
) -> tuple[bool, Reply | None]:
    """Return whether a reply won the question, and which: the first of the equal ones."""
    same = MERGERS.get(question.kind)
    if same is None:
        return False, None
    groups: dict[Hashable, list[Reply | None]] = {}
    for reply in said:
        groups.setdefault(_NO_REPLY if reply is None else same(reply), []).append(reply)
    ranked = sorted(groups.values(), key=len, reverse=True)
    if (
        not ranked
        or len(ranked[0]) < min_votes
        or (len(ranked) > 1 and len(ranked[1]) == len(ranked[0]))
    ):
        return False, None
    return True, ranked[0][0]
