"""What reviewers say when work is wrong: a comment, or one of the reasons of the stage."""

from __future__ import annotations

import attrs

from itagflow.errors import InvalidData, Problem
from itagflow.model.job import Job, Stage
from itagflow.model.text import find_text_error
from itagflow.printing import format_repr


@attrs.frozen
class Explanation:
    """Why something is wrong."""

    comment: str = ""
    """What the reviewer writes."""
    reason: str = ""
    """One of the reasons of the stage."""

    @property
    def is_empty(self) -> bool:
        """Whether nothing is said."""
        return not self.comment.strip() and not self.reason


NOTHING_SAID = Explanation()
"""No comment and no reason."""


def require_explanation(job: Job, stage: Stage, subject: str, said: Explanation) -> Explanation:
    """Return *said* if it explains to those who did the work why a task is wrong.

    Raises:
        InvalidData: when the stage has reasons and none of them is given, when it has none and
            there is no comment, or when one cannot be stored.
    """
    require_known_reason(job, stage, subject, said)
    reasons = list_reasons(job, stage)
    if reasons and not said.reason:
        raise InvalidData(subject, [Problem("reason", f"is missing: give {_join(reasons)}")])
    if not reasons and not said.comment.strip():
        message = "is empty: say why, the people who did the work will read it"
        raise InvalidData(subject, [Problem("comment", message)])
    return said


def require_known_reason(job: Job, stage: Stage, subject: str, said: Explanation) -> None:
    """Check that the reason, if one is given, is one of the stage, and the comment can be stored.

    Raises:
        InvalidData: when they are not.
    """
    problem = find_text_error(said.comment)
    if problem:
        raise InvalidData(subject, [Problem("comment", problem)])
    reasons = list_reasons(job, stage)
    if not said.reason or said.reason in reasons:
        return
    message = f"is not one of {_join(reasons)}"
    if not reasons:
        message = f"is not known: {stage.value} has no reasons; leave it out, and give a comment"
    raise InvalidData(subject, [Problem(f"reason {format_repr(said.reason)}", message)])


def list_reasons(job: Job, stage: Stage) -> tuple[str, ...]:
    """Return the reasons for which a task may be judged wrong at *stage*."""
    rule = job.workflow.review(stage)
    if rule is None:
        return ()
    return rule.reasons


def _join(reasons: tuple[str, ...]) -> str:
    return " or ".join(format_repr(reason) for reason in reasons)
