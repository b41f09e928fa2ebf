"""What a reviewer says about single tasks: judge, modify."""

from __future__ import annotations

from typing import Any

from itagflow.labeling.rules import (
    AnswerFacts,
    AnswerOutcome,
    fit_replies,
    make_answer,
    require_covered,
    write_answers,
)
from itagflow.labeling.terms import Replied
from itagflow.lifecycle.tables import require_stage
from itagflow.model.job import Stage
from itagflow.model.task import Verdict
from itagflow.reviewing.rules import require_comment

REVIEWS = (Stage.INSPECT, Stage.ACCEPT)
"""The stages at which work is reviewed."""


def judge(facts: AnswerFacts, wrong: str | None) -> AnswerOutcome:
    """Judge the one task right, or wrong with this comment.

    Raises:
        WrongState: when the assignment is at LABEL.
        InvalidData: when the task is not in scope, or the comment is empty.
    """
    (task,) = facts.tasks
    require_stage(facts.assignment, "judge", *REVIEWS)
    require_covered(facts.assignment, task)
    verdict, comment, data = Verdict.RIGHT, "", dict[str, Any]()
    if wrong is not None:
        verdict, comment = Verdict.WRONG, require_comment(f"the judgment of {task}", wrong)
        data["comment"] = comment
    new = make_answer(facts.assignment, task.number, facts.ctx, verdict=verdict, comment=comment)
    return write_answers(facts, "judge", [new], data)


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
    )
    return write_answers(facts, "modify", [new])
