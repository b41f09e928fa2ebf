"""What a reviewer says about single tasks: judge, modify."""

from __future__ import annotations

from itagflow.core.engine import Engine
from itagflow.core.lookup import AssignmentRef, MemberRef, TaskRef
from itagflow.core.transaction import Transaction
from itagflow.labeling.rules import AnswerFacts
from itagflow.labeling.service import apply, lock_for_answering, require_validated, run_validator
from itagflow.model.arguments import require_flag
from itagflow.model.copying import evolve
from itagflow.model.package import Assignment
from itagflow.model.task import Answer
from itagflow.model.terms import NO_TERMS, Replied, SaveTerms
from itagflow.model.text import require_optional_text
from itagflow.reviewing import judging_rules as rules
from itagflow.reviewing.judging_rules import Judgment, make_judgment
from itagflow.reviewing.reject_rules import count_rejects, find_limit
from itagflow.storage.port import Query


def parse_judgment(
    wrong: str | None, reason: str | None, *, discard_modification: bool
) -> Judgment:
    """Return the judgment of a task.

    Raises:
        InvalidData: when the comment or the reason is no text that can be stored, or the last is
            no flag.
    """
    wrong = require_optional_text("judge", "wrong", wrong)
    reason = require_optional_text("judge", "reason", reason)
    discard = require_flag("judge", "discard_modification", discard_modification)
    return make_judgment(wrong, reason, discard_modification=discard)


def judge(
    engine: Engine,
    assignment: AssignmentRef,
    task: TaskRef,
    judgment: Judgment,
    *,
    terms: SaveTerms = NO_TERMS,
    by: MemberRef | None = None,
) -> Answer:
    """Judge a task right, or wrong with a comment that its labeler will read."""
    with engine.transaction() as transaction:
        facts = lock_for_answering(transaction, "judge", assignment, [task], by)
        facts = evolve(facts, terms=terms)
        rejects = _count_rejects(transaction, facts)
        return apply(transaction, rules.judge(facts, judgment, rejects=rejects))[0]


def modify(
    engine: Engine,
    assignment: AssignmentRef,
    task: TaskRef,
    reply: Replied,
    *,
    terms: SaveTerms = NO_TERMS,
    by: MemberRef | None = None,
) -> Answer:
    """Answer a task as the reviewer; the labeler's answer stays in the result of its stage."""
    validated_by = run_validator(engine, assignment, [(task, reply)], by)
    with engine.transaction() as transaction:
        facts = lock_for_answering(transaction, "modify", assignment, [task], by)
        facts = evolve(facts, terms=terms)
        require_validated(transaction, facts.job, validated_by)
        return apply(transaction, rules.modify(facts, reply))[0]


def _count_rejects(transaction: Transaction, facts: AnswerFacts) -> int:
    """Return how often the one task was sent back by this stage, where that is limited."""
    assignment, (task,) = facts.assignment, facts.tasks
    if find_limit(facts.job, assignment.stage).most is None:
        return 0
    # without a lock: a reject that has ended never changes, and this package is reviewed only here
    where = {"job": assignment.job, "package": assignment.package}
    assignments = list(transaction.store.find(Query(Assignment, where)))
    return count_rejects(assignments, assignment.stage, [task.number])[task.number]
