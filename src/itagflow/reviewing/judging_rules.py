"""What a reviewer says about single tasks: judge, modify."""

from __future__ import annotations

from typing import Any

import attrs

from itagflow.labeling.rules import (
    AnswerFacts,
    AnswerOutcome,
    fit_replies,
    make_answer,
    require_covered,
    shown_order,
    write_answers,
)
from itagflow.lifecycle.tables import require_stage
from itagflow.model.rule_choices import OnMaxRejects
from itagflow.model.task import Answer, Task, Verdict
from itagflow.model.terms import Replied
from itagflow.reviewing.reject_rules import (
    REJECTED_TOO_OFTEN,
    REVIEWS,
    Explanation,
    abandon_rejected,
    find_limit,
    require_below_limit,
    require_explanation,
    require_no_modification,
)


@attrs.frozen(kw_only=True)
class Judgment:
    """What a reviewer says of a task with `judge`."""

    wrong: Explanation | None = None
    """What is wrong; None: the task is right."""
    discard_modification: bool = False
    """Whether the reviewer's own answer to the task is dropped, if there is one."""


def make_judgment(wrong: str | None, reason: str | None, *, discard_modification: bool) -> Judgment:
    """Return the judgment that a caller gives: with a comment or a reason the task is wrong."""
    said = None
    if wrong is not None or reason is not None:
        said = Explanation(wrong or "", reason or "")
    return Judgment(wrong=said, discard_modification=discard_modification)


def judge(facts: AnswerFacts, judgment: Judgment, *, rejects: int = 0) -> AnswerOutcome:
    """Judge the one task right, or wrong; this stage has sent it back so many times, *rejects*.

    Raises:
        WrongState: when the assignment is at LABEL.
        InvalidData: when the task is not in scope, or it is not said why it is wrong.
        Incomplete: when the reviewer's own answer would be dropped, or the task was sent back as
            often as it may.
    """
    (task,), (old,) = facts.tasks, facts.answers
    require_stage(facts.assignment, "judge", *REVIEWS)
    require_covered(facts.assignment, task)
    if judgment.wrong is None:
        return write_answers(facts, "judge", [_make_right(facts, task, old, judgment)])
    stage = facts.assignment.stage
    wrong = require_explanation(facts.job, stage, f"the judgment of {task}", judgment.wrong)
    if not judgment.discard_modification:
        require_no_modification(old)
    require_below_limit(facts.job, stage, {task.number: rejects})
    data = describe(wrong)
    new = make_answer(
        facts.assignment,
        task.number,
        facts.ctx,
        verdict=Verdict.WRONG,
        comment=wrong.comment,
        reason=wrong.reason,
    )
    limit = find_limit(facts.job, stage)
    if limit.then is OnMaxRejects.ABANDON and limit.is_reached(rejects):
        new = abandon_rejected(new)
        data["abandoned"] = REJECTED_TOO_OFTEN
    return write_answers(facts, "judge", [new], data)


def describe(wrong: Explanation) -> dict[str, Any]:
    """Return what an event says of it: only what was given."""
    fields = {"comment": wrong.comment, "reason": wrong.reason}
    return {name: text for name, text in fields.items() if text}


def modify(facts: AnswerFacts, reply: Replied) -> AnswerOutcome:
    """Answer the one task as the reviewer.

    Raises:
        WrongState: when the assignment is at LABEL.
        InvalidData: when the task is not in scope, or the reply does not fit.
    """
    (task,) = facts.tasks
    require_stage(facts.assignment, "modify", *REVIEWS)
    require_covered(facts.assignment, task)
    (replies,) = fit_replies(facts.template, facts.tasks, [reply])
    new = make_answer(
        facts.assignment,
        task.number,
        facts.ctx,
        replies=replies,
        verdict=Verdict.RIGHT,
        template_version=facts.template.version,
        order=shown_order(facts, task),
    )
    return write_answers(facts, "modify", [new])


def _make_right(facts: AnswerFacts, task: Task, old: Answer | None, judgment: Judgment) -> Answer:
    """Return the judgment that the task is right; the reviewer's own answer is what is right."""
    right = make_answer(facts.assignment, task.number, facts.ctx, verdict=Verdict.RIGHT)
    if old is None or judgment.discard_modification:
        return right
    return attrs.evolve(
        right,
        replies=old.replies,
        abandon_reason=old.abandon_reason,
        template_version=old.template_version,
    )
