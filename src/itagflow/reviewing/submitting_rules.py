"""How a labeling ends: whole or in part, and what the last vote of a round leads to."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

import attrs

from itagflow.claiming import part_rules
from itagflow.claiming.part_rules import PackagePart
from itagflow.core.change import Change, Saved, record
from itagflow.errors import Incomplete, NotAllowed
from itagflow.labeling.voting import merge_round
from itagflow.lifecycle.tables import AssignmentCommand
from itagflow.model.entity import Entity, evolve
from itagflow.model.package import Assignment, Package, Purpose
from itagflow.model.task import Answer
from itagflow.reviewing.rules import (
    CompletionFacts,
    end_assignment,
    find_unanswered,
    finish_job,
    get_scope,
    is_count_enough,
    pass_on,
    recount,
    replace_ended,
)


def submit(facts: CompletionFacts) -> Change:
    """End a labeling; with the last vote and the last part of the round the package moves on.

    Raises:
        WrongState: when the assignment is at a review stage.
        Incomplete: when tasks are neither answered nor abandoned, or none is of a part.
        NotAllowed: when the rule of the stage does not let a part be handed in.
    """
    package = facts.context.package
    ended, rest = _end(facts)
    assignments = replace_ended(facts.history.assignments, ended)
    add = list[Entity]()
    merged = _Merged((), _without_decided(package, ended))
    if facts.plan.merges_votes:
        holder, answers = _merge_votes(facts, ended, assignments)
        assignments.append(holder)
        add += [holder, *answers]
        merged = _find_disputes(facts, assignments, answers)
    offer = _offer_part(facts, ended, rest, merged)
    if offer is not None:
        assignments.append(offer)
        add.append(offer)
    leaves = facts.plan.leaves_stage and offer is None
    after = evolve(package, disputes=merged.disputes)
    if leaves:
        after = pass_on(facts, assignments, merged.disputes)
    after = recount(facts, after, assignments, merged.answers)
    save = list[Saved]()
    # a package that waits for votes mostly stays as it is: its row, which claims lock, is not saved
    if after != package:
        save.append((package, after))
    if leaves:
        save += finish_job(facts.last_of_job)
    save += [(facts.context.assignment, ended), *facts.counters]
    data: dict[str, Any] = {"rest": list(rest)} if rest else {}
    return record(facts.context.ctx, "submit", about=ended, add=add, save=save, data=data)


@attrs.frozen
class _Merged:
    """The merged votes, and what they leave to be decided."""

    answers: tuple[Answer, ...]
    """The merged answers; none where nothing was merged."""
    disputes: tuple[int, ...]
    """The disputed tasks of the package."""
    undecided: tuple[int, ...] = ()
    """Those of them that were voted on now."""


def _end(facts: CompletionFacts) -> tuple[Assignment, tuple[int, ...]]:
    """Return the assignment as it is when it has ended, and the tasks that it leaves to others."""
    context = facts.context
    missing = _find_missing(facts)
    rest = missing if facts.releases_rest else ()
    command = AssignmentCommand(
        assignment=context.assignment, missing=() if facts.releases_rest else missing
    )
    ended = end_assignment(context, "submit", command)
    if not rest:
        return ended, ()
    if not context.job.workflow.label.allow_partial:
        reason = "the rule of LABEL does not allow it: Label(allow_partial=True) would"
        raise NotAllowed("the holder", "hand in a part", reason)
    if not facts.counts.resolved:
        raise Incomplete("submit", "no task is answered: release it instead", rest)
    handed_in = [task for task in get_scope(context, facts.history) if task not in rest]
    return evolve(ended, scope=tuple(handed_in)), rest


def _offer_part(
    facts: CompletionFacts, ended: Assignment, rest: tuple[int, ...], merged: _Merged
) -> Assignment | None:
    """Return the open offer of what is left of the work, or of what the votes have left open."""
    package = facts.context.package
    if rest:
        purpose = ended.purpose if ended.is_part else Purpose.REST
        part = PackagePart(package, purpose, rest)
    elif merged.undecided and facts.has_adjudicators:
        part = PackagePart(package, Purpose.ADJUDICATION, merged.undecided)
    else:
        return None
    return part_rules.make_open_offer(part, facts.context.ctx, id=facts.part_id)


def _merge_votes(
    facts: CompletionFacts, ended: Assignment, assignments: Sequence[Assignment]
) -> tuple[Assignment, tuple[Answer, ...]]:
    """Return the merged votes of the round that the *ended* assignment completes."""
    if facts.template is None:
        raise ValueError("votes are merged with the template that they answer")
    # in the order of their assignments: of equal replies the first is taken
    voters = part_rules.find_voters(assignments, ended.round)
    # the last vote may be an extra one on some of the tasks: all that is due is merged
    scope = facts.context.package.scope
    votes = list[list[Answer]]()
    for task in facts.history.tasks if scope is None else scope:
        given = facts.history.answers[task]
        votes.append(part_rules.select_votes([given[id] for id in voters if id in given]))
    last = evolve(ended, scope=scope, purpose=Purpose.LABEL if ended.round == 1 else Purpose.REWORK)
    return merge_round(
        last,
        votes,
        facts.template,
        facts.context.job.workflow.label.min_votes,
        facts.context.ctx,
        id=facts.merged_id,
    )


def _find_disputes(
    facts: CompletionFacts, assignments: Sequence[Assignment], answers: tuple[Answer, ...]
) -> _Merged:
    """Return what is disputed once these votes are merged; other tasks stay disputed."""
    package = facts.context.package
    voted = {answer.task for answer in answers}
    disputed = {answer.task for answer in answers if answer.disputed}
    # an expert answers them, whatever the votes say
    disputed -= part_rules.find_escalated(assignments, package.round)
    kept = {task for task in package.disputes if task not in voted}
    return _Merged(answers, _sort(disputed | kept), _sort(disputed))


def _without_decided(package: Package, ended: Assignment) -> tuple[int, ...]:
    """Return the disputed tasks of *package* but for those that the *ended* assignment decides."""
    if not ended.decides:
        return package.disputes
    return tuple(task for task in package.disputes if not ended.covers(task))


def _sort(tasks: Collection[int]) -> tuple[int, ...]:
    return tuple(sorted(tasks))


def _find_missing(facts: CompletionFacts) -> tuple[int, ...]:
    """Return the tasks of the scope that are neither answered nor abandoned."""
    context, history = facts.context, facts.history
    if is_count_enough(context, facts.counts):
        return ()  # the usual case: nothing but a count was read
    missing = find_unanswered(context, history, get_scope(context, history))
    if context.job.workflow.label.votes > 1 or context.assignment.decides:
        return missing
    # what an earlier holder has handed to the experts is no work of this one
    escalated = part_rules.find_escalated(history.assignments, context.package.round)
    return tuple(task for task in missing if task not in escalated)
