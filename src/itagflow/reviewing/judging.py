"""What a reviewer says about single tasks: judge, modify."""

from __future__ import annotations

import attrs

from itagflow.core.engine import Engine
from itagflow.core.lookup import AssignmentRef, MemberRef, TaskRef
from itagflow.labeling.service import apply, lock_for_answering, require_validated, run_validator
from itagflow.labeling.terms import NO_TERMS, Replied, SaveTerms
from itagflow.model.task import Answer
from itagflow.reviewing import judging_rules as rules


def judge(
    engine: Engine,
    assignment: AssignmentRef,
    task: TaskRef,
    *,
    wrong: str | None = None,
    terms: SaveTerms = NO_TERMS,
    by: MemberRef | None = None,
) -> Answer:
    """Judge a task right, or wrong with a comment that its labeler will read."""
    with engine.transaction() as transaction:
        facts = lock_for_answering(transaction, "judge", assignment, [task], by)
        facts = attrs.evolve(facts, terms=terms)
        return apply(transaction, rules.judge(facts, wrong))[0]


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
        facts = attrs.evolve(facts, terms=terms)
        require_validated(transaction, facts.job, validated_by)
        return apply(transaction, rules.modify(facts, reply))[0]
