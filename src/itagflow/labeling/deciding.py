"""Hand a task to the experts, and decide one by picking a vote."""

from __future__ import annotations

from typing import cast

import attrs

from itagflow.core.engine import Engine
from itagflow.core.lookup import AssignmentRef, MemberRef, TaskRef
from itagflow.labeling import deciding_rules as rules
from itagflow.labeling.deciding_rules import EscalationFacts
from itagflow.labeling.service import apply, lock_for_answering
from itagflow.labeling.service import save as save_reply
from itagflow.model.job import Crew
from itagflow.model.package import Assignment
from itagflow.model.task import Answer
from itagflow.model.terms import NO_TERMS, Replied, SaveTerms, require_pick
from itagflow.results.histories import read_cases
from itagflow.results.rules import find_shown_votes
from itagflow.reviewing.service import has_free_crew


@attrs.frozen
class Handover:
    """What is said about a task that goes to the experts."""

    comment: str = ""
    """What its labeler writes to them."""
    reason: str = ""
    """Why it goes to them."""


def escalate(
    engine: Engine,
    assignment: AssignmentRef,
    task: TaskRef,
    handover: Handover,
    *,
    by: MemberRef | None = None,
) -> Answer:
    """Hand a task to the experts; it counts as settled for the assignment."""
    with engine.transaction() as transaction:
        # the package first: it may get one more assignment
        package, locked = transaction.lock_assignment(assignment)
        answers = lock_for_answering(transaction, "escalate", assignment, [task], by)
        assignments = [
            each for each in transaction.assignments(package) if each.round == package.round
        ]
        live = rules.find_extendable(locked, assignments)
        if live is not None:
            # its holder may be saving answers, which locks nothing but the assignment
            current = transaction.lock(Assignment, live.key)
            assignments = [current if each.id == live.id else each for each in assignments]
        facts = EscalationFacts(
            answers=answers,
            package=package,
            assignments=assignments,
            has_experts=has_free_crew(transaction, answers.job, Crew.EXPERTS, assignments),
            id=transaction.new_id(Assignment, package.job),
        )
        outcome = rules.escalate(facts, handover.comment, handover.reason)
        return apply(transaction, outcome)[0]


@attrs.frozen
class Said:
    """What is said of a task: a reply, or the vote that is picked instead."""

    reply: Replied | None
    """The reply; None where a vote is picked."""
    pick: Answer | None = attrs.field(default=None, kw_only=True)
    """The vote that wins."""
    is_draft: bool = attrs.field(default=False, kw_only=True)
    """Whether it lies beside the answer."""


def save(
    engine: Engine,
    assignment: AssignmentRef,
    task: TaskRef,
    said: Said,
    *,
    terms: SaveTerms = NO_TERMS,
    by: MemberRef | None = None,
) -> Answer:
    """Save the answer to a task, or the vote that is picked, and return it as stored.

    Raises:
        InvalidData: when the reply does not fit, or a vote is given beside one.
    """
    if said.pick is None:
        # that None is no reply is said with the task and the question
        reply = cast("Replied", said.reply)
        return save_reply(engine, assignment, task, reply, terms=terms, draft=said.is_draft, by=by)
    vote = require_pick(said.pick, said.reply, draft=said.is_draft)
    return pick_vote(engine, assignment, task, vote, terms=terms, by=by)


def pick_vote(
    engine: Engine,
    assignment: AssignmentRef,
    task: TaskRef,
    vote: Answer,
    *,
    terms: SaveTerms = NO_TERMS,
    by: MemberRef | None = None,
) -> Answer:
    """Answer a task with a vote that the assignment shows."""
    with engine.transaction() as transaction:
        facts = lock_for_answering(transaction, "save", assignment, [task], by)
        facts = attrs.evolve(facts, terms=terms)
        case = next(read_cases(transaction.store, facts.job, facts.tasks))
        chosen = rules.find_vote(find_shown_votes(case, facts.assignment), vote)
        return apply(transaction, rules.pick_vote(facts, chosen))[0]
