"""What goes to somebody else to decide: a task handed to the experts, and a vote that is picked."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import attrs

from itagflow.claiming import part_rules
from itagflow.claiming.part_rules import PackagePart
from itagflow.errors import InvalidData, NotAllowed, Problem
from itagflow.labeling.rules import (
    AnswerFacts,
    AnswerOutcome,
    fit_replies,
    make_answer,
    require_covered,
    shown_order,
    write_answers,
)
from itagflow.lifecycle.tables import ASSIGNMENT, AssignmentCommand, require_stage
from itagflow.model.change import Saved
from itagflow.model.copying import evolve
from itagflow.model.job import Crew, Stage
from itagflow.model.package import Assignment, Package, Purpose
from itagflow.model.task import Answer


@attrs.frozen(kw_only=True)
class EscalationFacts:
    """What `escalate` decides on."""

    answers: AnswerFacts
    """The assignment, the one task, and the answer to it."""
    package: Package
    """The locked package."""
    assignments: Sequence[Assignment]
    """Every assignment that there ever was on it; the live escalations are locked."""
    has_experts: bool
    """Whether there is an expert who has no assignment on the package in this round."""
    id: int
    """The id of an open offer, if one is made."""


def escalate(facts: EscalationFacts, comment: str, reason: str) -> AnswerOutcome:
    """Hand the one task to the experts; what was saved stays, and is shown to them.

    Raises:
        WrongState: when the assignment is at a review stage.
        InvalidData: when the task is not in its scope.
        NotAllowed: when there is no expert who could answer it, or the holder is the expert.
    """
    answers = facts.answers
    (task,), (old,) = answers.tasks, answers.answers
    require_stage(answers.assignment, "escalate", Stage.LABEL)
    require_covered(answers.assignment, task)
    if answers.assignment.purpose is Purpose.ESCALATION:
        raise NotAllowed("an expert", "escalate", "they are those to whom tasks are handed")
    new = make_answer(
        answers.assignment,
        task.number,
        answers.ctx,
        replies=None if old is None else old.replies,
        comment=comment,
        template_version=0 if old is None else old.template_version,
        order={} if old is None else old.order,
    )
    new = evolve(new, escalation_reason=reason)
    given = {"comment": comment, "reason": reason}
    data: dict[str, Any] = {name: text for name, text in given.items() if text}
    return write_answers(answers, "escalate", [new], data, _hand_on(facts, task.number))


def find_extendable(assignment: Assignment, assignments: Sequence[Assignment]) -> Assignment | None:
    """Return the live escalation that can take one more task of *assignment*, or None."""
    for other in assignments:
        if (
            other.live
            and other.purpose is Purpose.ESCALATION
            and other.round == assignment.round
            and other.member != assignment.member
        ):
            return other
    return None


def _hand_on(facts: EscalationFacts, task: int) -> Saved | Assignment | None:
    """Return the escalation that takes the task: a new one, or a live one that is extended."""
    assignment = facts.answers.assignment
    if task in part_rules.find_escalated(facts.assignments, assignment.round):
        return None  # another voter has handed it on already
    live = find_extendable(assignment, facts.assignments)
    if live is not None:
        return (live, extend(live, [task]))
    if not facts.has_experts:
        raise NotAllowed("the holder", "escalate", _explain_missing(facts))
    part = PackagePart(facts.package, Purpose.ESCALATION, (task,))
    return part_rules.make_open_offer(part, facts.answers.ctx, id=facts.id)


def extend(assignment: Assignment, tasks: Iterable[int]) -> Assignment:
    """Return a part, offered or held, with more tasks in its scope."""
    command = AssignmentCommand(assignment=assignment)
    state = ASSIGNMENT.advance(assignment.state, "extend", command, str(assignment))
    return evolve(assignment, state=state, scope=tuple(sorted({*(assignment.scope or ()), *tasks})))


def _explain_missing(facts: EscalationFacts) -> str:
    crew = facts.answers.job.workforce.get(Crew.EXPERTS)
    if crew is None or not (crew.members or crew.groups):
        return 'the job has no experts: name some with jobs.add_workers(job, "experts", …)'
    return "no expert is left who has no assignment on the package: name more"


def pick_vote(facts: AnswerFacts, vote: Answer) -> AnswerOutcome:
    """Answer the one task with what *vote*, which the holder was shown, says.

    Raises:
        NotAllowed: when the assignment is not there to decide.
        InvalidData: when the task is not in its scope, or the vote says nothing to take over.
    """
    (task,) = facts.tasks
    require_covered(facts.assignment, task)
    if not facts.assignment.decides:
        reason = "the assignment is no adjudication or escalation: save a reply"
        raise NotAllowed("the holder", "pick a vote", reason)
    if vote.replies is None and not vote.is_abandoned:
        raise InvalidData("save", [Problem("pick", "has no replies to take over")])
    replies = None
    if vote.replies is not None and not vote.is_abandoned:
        # once more: the template may have changed since the vote was given
        (replies,) = fit_replies(facts.template, facts.tasks, [vote.replies])
    new = make_answer(
        facts.assignment,
        task.number,
        facts.ctx,
        replies=replies,
        abandoned=vote.abandon_reason,
        template_version=facts.template.version,
        order=shown_order(facts, task),
    )
    terms = facts.terms
    new = evolve(new, picked=vote.assignment, score=terms.score, model=terms.model)
    outcome = write_answers(facts, "save", [new], {"picked": vote.assignment})
    # what was half-filled is complete now
    return evolve(outcome, removed_drafts=tuple(facts.drafts.values()))


def find_vote(shown: Sequence[Answer], vote: Answer) -> Answer:
    """Return the stored form of *vote*, which must be one of those that are *shown*.

    Raises:
        InvalidData: when it is none of them.
    """
    for answer in shown:
        if answer.key == vote.key:
            return answer
    reason = "must be one of the votes that the task of this assignment shows: item.votes"
    raise InvalidData("save", [Problem("pick", reason)])
