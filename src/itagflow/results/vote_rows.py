"""Votes as flat dicts: a row for each vote on each task, a key for each question."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Self

import attrs

from itagflow.model.result import Result
from itagflow.model.template import Template
from itagflow.results.rows import extract_value, name_question_columns
from itagflow.storage import codec

FIXED = ("task", "round", "by", "at", "abandoned")
"""The keys of every row, besides those of the questions."""


@attrs.frozen
class VoteColumns:
    """The keys that all votes of a job have."""

    questions: Mapping[str, str]
    """The key of each question's column, by question id."""

    @classmethod
    def for_template(cls, template: Template) -> Self:
        """Return the columns of a job whose tasks are answered with *template*."""
        return cls(name_question_columns(template, set(FIXED)))

    def iter_rows(self, result: Result, accounts: Mapping[int, str]) -> Iterator[dict[str, Any]]:
        """Yield every vote on the task of *result*; *accounts* has those of all members in it."""
        for vote in result.votes:
            row: dict[str, Any] = {
                "task": vote.task,
                "round": vote.round,
                "by": None if vote.member is None else accounts[vote.member],
                "at": vote.at,
                "abandoned": vote.abandon_reason,
            }
            # what was replied before the task was given up is no vote
            replies = codec.encode_replies({} if vote.is_abandoned else vote.replies or {})
            for id, key in self.questions.items():
                reply = replies.get(id)
                row[key] = None if reply is None else extract_value(reply)
            yield row
