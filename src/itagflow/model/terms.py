"""What a caller says beside an answer: which version it is about, how long it took, who gave it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, cast

import attrs

from itagflow.errors import InvalidData, Problem
from itagflow.model.arguments import make_error, require_flag, require_kind, require_several
from itagflow.model.copying import copyable, evolve
from itagflow.model.number import (
    is_whole,
    require_number,
    require_optional_whole_number,
    require_whole_number,
)
from itagflow.model.reply import Reply
from itagflow.model.task import Answer
from itagflow.model.text import require_text
from itagflow.model.version import AnswerVersion
from itagflow.printing import format_repr

Replied = Reply | Mapping[str, Reply]
"""Replies by question id, or the one reply to the only question."""


@copyable
@attrs.frozen(kw_only=True, slots=False)
class SaveTerms:
    """What a caller says beside an answer."""

    expected_version: int | Mapping[int, int] | None = None
    """The version of the stored answer that is to be replaced, or that of each task."""
    seconds: float | None = None
    """How long it took, as the client says; None when it does not."""
    score: float | None = None
    """How sure the program is that gives it."""
    model: str = ""
    """The name of that program."""

    def find_expected(self, task: int) -> int | None:
        """Return the version that is expected of this task, or None: any."""
        if isinstance(self.expected_version, Mapping):
            return self.expected_version.get(task)
        return self.expected_version


@attrs.frozen(kw_only=True)
class SubmitTerms:
    """What a caller says when they submit."""

    seconds: float | None = None
    """How long it took, as the client says; None when it does not."""
    ignore_drafts: bool = False
    """Whether drafts that are newer than the answers are left."""
    releases_rest: bool = False
    """Whether tasks without an answer are left to others."""


NO_TERMS = SaveTerms()
"""Nothing is said: any version is replaced, and no time is counted."""


def parse_seconds(verb: str, seconds: object) -> float | None:
    """Return the time that a client tells, in seconds, or None for None.

    Raises:
        InvalidData: when it is not a number, or less than 0.
    """
    if seconds is None:
        return None
    return float(require_number(verb, "seconds", seconds, least=0))


def parse_terms(verb: str, *, expected_version: object = None, seconds: object = None) -> SaveTerms:
    """Return what is said about one answer, checked.

    Raises:
        InvalidData: when the version is no whole number from 0, or the time is none.
    """
    if expected_version is None and seconds is None:
        return NO_TERMS
    return SaveTerms(
        expected_version=require_optional_whole_number(
            verb, "expected_version", expected_version, least=0
        ),
        seconds=parse_seconds(verb, seconds),
    )


def parse_program(
    verb: str, terms: SaveTerms, *, score: object = None, model: object = ""
) -> SaveTerms:
    """Return *terms* with what a program says of itself, checked.

    Raises:
        InvalidData: when the score is not from 0 to 1, or the name is not a text.
    """
    if score is not None:
        score = float(require_number(verb, "score", score, least=0, most=1))
    model = require_text(verb, "model", cast(str, model))
    if score is None and not model:  # most members are no programs
        return terms
    return evolve(terms, score=score, model=model)


def parse_versions(verb: str, expected: object) -> SaveTerms:
    """Return what is said about several answers: one version for all, or one for each task.

    Raises:
        InvalidData: when it is neither a whole number from 0 nor a mapping of such by task number.
    """
    if not isinstance(expected, Mapping):
        if expected is not None and not is_whole(expected):
            reason = "must be a whole number, or a mapping from task numbers to such"
            raise make_error(verb, "expected_version", reason, expected)
        return parse_terms(verb, expected_version=expected)
    versions = {
        require_whole_number(verb, "expected_version", task, least=1): require_whole_number(
            verb, f"expected_version, task {task}", version, least=0
        )
        for task, version in cast("Mapping[object, object]", expected).items()
    }
    return SaveTerms(expected_version=versions)


def parse_answer_version(verb: str, version: AnswerVersion | int) -> AnswerVersion | int:
    """Return the version of an answer that is meant, or the position of what stored it.

    Raises:
        InvalidData: when it is neither.
    """
    if isinstance(cast(object, version), AnswerVersion):
        return version
    return require_whole_number(verb, "version", version)


def parse_rest(verb: str, rest: object) -> bool:
    """Return whether what is not answered is released: *rest* is "release", or None.

    Raises:
        InvalidData: when it is something else.
    """
    if rest is None:
        return False
    if require_text(verb, "rest", cast(str, rest)) != "release":
        raise make_error(verb, "rest", "must be 'release' or None", rest)
    return True


def parse_submission(
    seconds: float | None, *, ignore_drafts: bool, rest: str | None
) -> SubmitTerms:
    """Return what is said with a package that is submitted.

    Raises:
        InvalidData: when one of them is not a value of its kind.
    """
    return SubmitTerms(
        seconds=parse_seconds("submit", seconds),
        ignore_drafts=require_flag("submit", "ignore_drafts", ignore_drafts),
        releases_rest=parse_rest("submit", rest),
    )


def require_pick(pick: object, reply: object, *, draft: bool) -> Answer:
    """Return the vote that is picked instead of a reply.

    Raises:
        InvalidData: when it is no answer, or is given beside a reply, or as a draft.
    """
    if reply is not None:
        raise InvalidData("save", [Problem("pick", "is given beside a reply: choose one")])
    if draft:
        raise InvalidData("save", [Problem("pick", "is no draft: leave out draft=True")])
    vote = cast(Answer, pick)
    return require_kind("save", "pick", vote, Answer, "one of the votes of the task")


def parse_pairs(
    replies: Mapping[int, Replied] | Iterable[tuple[Any, Replied]],
) -> list[tuple[Any, Replied]]:
    """Return tasks with the replies to them.

    Raises:
        InvalidData: when they are neither a mapping nor several pairs.
    """
    given: object = replies
    if isinstance(given, Mapping):
        given = cast("Mapping[Any, Replied]", given).items()
    pairs = require_several("save_many", "replies", cast("Iterable[Any]", given), "pairs")
    for number, pair in enumerate(cast("list[object]", pairs), 1):
        if not _is_pair(pair):
            reason = f"must be a task and a reply, not {format_repr(pair)}"
            raise InvalidData("save_many", [Problem(f"replies, pair {number}", reason)])
    return pairs


def _is_pair(value: object) -> bool:
    return isinstance(value, tuple) and len(cast("tuple[object, ...]", value)) == 2
