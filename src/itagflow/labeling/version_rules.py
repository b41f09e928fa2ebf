"""An earlier version of an answer comes back, as an answer of the assignment that goes on."""

from __future__ import annotations

from typing import Any

from itagflow.errors import Incomplete
from itagflow.labeling.rules import (
    AnswerFacts,
    AnswerOutcome,
    fit_replies,
    make_answer,
    require_abandon_reason,
    require_covered,
    write_answers,
)
from itagflow.model.copying import evolve
from itagflow.model.job import Stage
from itagflow.model.task import Answer, Verdict
from itagflow.model.version import AnswerVersion


def restore_version(facts: AnswerFacts, version: AnswerVersion) -> AnswerOutcome:
    """Answer the one task as *version* does; what stands there now is kept in the history.

    Of an earlier assignment, what it says of the task comes back, and not how it judged others.

    Raises:
        InvalidData: when the task is not in scope, or the version does not fit the template as it
            is now.
        Incomplete: when the version was erased, or only judges what others said.
        StaleVersion: when another version is stored than the one that is expected.
    """
    (task,), old = facts.tasks, version.answer
    require_covered(facts.assignment, task)
    _require_content(facts, old)
    replies = old.replies
    if replies is not None:
        (replies,) = fit_replies(facts.template, facts.tasks, [replies])
    if old.abandon_reason is not None:
        require_abandon_reason(facts.template, old.abandon_reason)
    is_own = old.assignment == facts.assignment.id
    verdict = old.verdict
    if not is_own:
        verdict = None if facts.assignment.stage is Stage.LABEL else Verdict.RIGHT
    new = make_answer(
        facts.assignment,
        task.number,
        facts.ctx,
        replies=replies,
        abandoned=old.abandon_reason,
        verdict=verdict,
        comment=old.comment if is_own else "",
        template_version=facts.template.version,
    )
    # not by its position: a copy of the workspace has others
    data: dict[str, Any] = {"version": version.number, "of": old.assignment}
    new = evolve(new, score=old.score, model=old.model)
    return write_answers(facts, "restore_version", [new], data)


def _require_content(facts: AnswerFacts, old: Answer) -> None:
    reason = ""
    if old.erased:
        reason = "it was erased"
    elif old.assignment != facts.assignment.id and old.replies is None and not old.is_abandoned:
        reason = "it only judges what others said"
    if reason:
        raise Incomplete("restore the version", reason, (old.task,))
