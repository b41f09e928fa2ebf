"""How a labeling ends: whole or in part, and what the last vote of a round leads to."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

import attrs

from itagflow.claiming import part_rules
from itagflow.claiming.part_rules import PackagePart
from itagflow.claiming.rules import end_assignment as end_claim
from itagflow.errors import Incomplete, NotAllowed
from itagflow.labeling.settling_rules import OpenTask, find_open_task
from itagflow.labeling.voting import (
    MergeCall,
    VotedRound,
    is_to_be_decided,
    make_voting_rules,
    merge_round,
)
from itagflow.lifecycle.tables import AssignmentCommand
from itagflow.model.change import Change, Saved, record
from itagflow.model.copying import evolve
from itagflow.model.entity import Entity
from itagflow.model.event import ASKED_AGAIN
from itagflow.model.job import find_registered_names
from itagflow.model.package import Assignment, AssignmentState, Outcome, Package, Purpose
from itagflow.model.rule_choices import OnAbandon
from itagflow.model.task import Answer
from itagflow.results.rules import build_cases
from itagflow.reviewing.rules import (
    CompletionFacts,
    describe_became,
    end_assignment,
    find_unanswered,
    finish_job_with,
    is_count_enough,
    pass_on,
    recount,
    replace_assignment,
    requeue,
    scope_of,
    with_answers,
)

NOBODY_VOTES = "nobody is left who could give this vote"
"""Why an open offer of one more vote is taken back."""


def submit(facts: CompletionFacts) -> Change:
    """End a labeling; with the last vote and the last part of the round the package moves on.

    Raises:
        WrongState: when the assignment is at a review stage.
        Incomplete: when tasks are neither answered nor abandoned, or none is of a part.
        NotAllowed: when the rule of the stage does not let a part be handed in.
    """
    package = facts.context.package
    ended, rest = _end(facts)
    assignments = replace_assignment(facts.history.assignments, ended)
    add: list[Entity] = []
    merged = _Merged((), _without_decided(package, ended))
    open_tasks = _find_open_tasks(facts, ended, assignments)
    if facts.plan.merges_votes and not open_tasks:
        holder, answers = _merge_votes(facts, ended, assignments)
        assignments.append(holder)
        add += [holder, *answers]
        merged = _find_disputes(facts, assignments, answers)
    offer = _offer_vote(facts, open_tasks) or _offer_part(facts, ended, rest, merged)
    if offer is not None:
        assignments.append(offer)
        add.append(offer)
    data: dict[str, Any] = {"rest": list(rest)} if rest else {}
    if open_tasks:
        data[ASKED_AGAIN] = [each.describe() for each in open_tasks]
    after, requeued = _move(facts, assignments, merged, waits=offer is not None)
    if requeued:
        data["requeued"] = list(requeued)
    after = recount(facts, after, assignments, merged.answers)
    save: list[Saved] = []
    # a package that waits for votes mostly stays as it is: its row, which claims lock, is not saved
    if after != package:
        save.append((package, after))
    save += finish_job_with(facts, after)
    save += [(facts.context.assignment, ended), *facts.counters]
    became = describe_became(facts, after, assignments, merged.answers)
    ctx = facts.context.ctx
    return record(ctx, "submit", about=ended, add=add, save=save, data=data, became=became)


def close_vote(facts: CompletionFacts) -> Change:
    """Take back an open offer of one more vote, which nobody is left to give.

    With the last one the votes that were given are merged, and the package goes on as behind the
    last vote: what they leave undecided is disputed.
    """
    package, ctx = facts.context.package, facts.context.ctx
    ended = end_claim(facts.context.assignment, "recall", ctx, comment=NOBODY_VOTES)
    assignments = replace_assignment(facts.history.assignments, ended)
    add: list[Entity] = []
    merged = _Merged((), package.disputes)
    offer = None
    if facts.plan.merges_votes:
        last = evolve(_find_last_vote(facts), ended_at=ctx.at)
        holder, answers = _merge_votes(facts, last, assignments)
        assignments.append(holder)
        add += [holder, *answers]
        merged = _find_disputes(facts, assignments, answers)
        offer = _offer_part(facts, last, (), merged)
    if offer is not None:
        assignments.append(offer)
        add.append(offer)
    after, requeued = _move(facts, assignments, merged, waits=offer is not None)
    after = recount(facts, after, assignments, merged.answers)
    save: list[Saved] = [(package, after)] if after != package else []
    save += [*finish_job_with(facts, after), (facts.context.assignment, ended)]
    data: dict[str, Any] = {"comment": NOBODY_VOTES}
    if requeued:
        data["requeued"] = list(requeued)
    became = describe_became(facts, after, assignments, merged.answers)
    return record(ctx, "close_vote", about=ended, add=add, save=save, data=data, became=became)


def find_merge_calls(facts: CompletionFacts) -> Sequence[MergeCall]:
    """Return what the application's merge functions are still to be asked before `submit`."""
    if not (facts.plan.merges_votes and find_registered_names(facts.context.job.workflow)):
        return ()
    # of a question that depends on another it is known only when that one is merged
    facts.merge_calls.missing.clear()
    assignment = facts.context.assignment
    ended = evolve(assignment, state=AssignmentState.DONE, outcome=Outcome.SUBMITTED)
    if assignment.member is None:  # an offer that nobody takes: see `close_vote`
        ended = _find_last_vote(facts)
    _merge_votes(facts, ended, replace_assignment(facts.history.assignments, ended))
    return list(facts.merge_calls.missing)


def _find_last_vote(facts: CompletionFacts) -> Assignment:
    """Return the vote of the present round that came last: more are asked for behind one only."""
    assignments = facts.history.assignments
    given = part_rules.find_voters(assignments, facts.context.package.round)
    return next(each for each in reversed(assignments) if each.id in given)


def _move(
    facts: CompletionFacts, assignments: Sequence[Assignment], merged: _Merged, *, waits: bool
) -> tuple[Package, tuple[int, ...]]:
    """Return the package as it is then, and the abandoned tasks that are offered once more.

    It stays at its stage where it *waits* for somebody to decide or to vote.
    """
    if not facts.plan.leaves_stage or waits:
        return evolve(facts.context.package, disputes=merged.disputes), ()
    abandoned = _find_requeued(facts, assignments, merged.answers)
    if abandoned:
        return requeue(facts.context, abandoned, merged.disputes), abandoned
    return pass_on(facts, assignments, merged.disputes), ()


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
        assignment=context.assignment,
        missing=() if facts.releases_rest else missing,
        drafts=facts.drafts,
    )
    ended = evolve(end_assignment(context, "submit", command), authored=True)
    if not rest:
        return ended, ()
    if not context.job.workflow.label.allow_partial:
        reason = "the rule of LABEL does not allow it: Label(allow_partial=True) would"
        raise NotAllowed("the holder", "hand in a part", reason)
    if not facts.counts.resolved:
        raise Incomplete("submit", "no task is answered: release it instead", rest)
    handed_in = [task for task in scope_of(context, facts.history) if task not in rest]
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


def _offer_vote(facts: CompletionFacts, open_tasks: Sequence[OpenTask]) -> Assignment | None:
    """Return the open offer of one more vote on these tasks; None where there are none."""
    if not open_tasks:
        return None
    scope = tuple(each.task for each in open_tasks)
    part = PackagePart(facts.context.package, Purpose.EXTRA_VOTE, scope)
    return part_rules.make_open_offer(part, facts.context.ctx, id=facts.part_id)


def _find_open_tasks(
    facts: CompletionFacts, ended: Assignment, assignments: Sequence[Assignment]
) -> Sequence[OpenTask]:
    """Return the tasks whose votes are not enough, if somebody is left to give one more.

    Nobody votes on what an expert answers, whatever the votes say.
    """
    label = facts.context.job.workflow.label
    if not (facts.plan.merges_votes and facts.has_voters and label.asks_again):
        return ()
    if facts.template is None:
        raise ValueError("votes are merged with the template that they answer")
    rules = make_voting_rules(label, facts.merge_calls.find)
    escalated = part_rules.find_escalated(assignments, facts.context.package.round)
    voted = _get_round(facts, ended, assignments)
    found = [
        find_open_task(facts.template, votes, label, rules)
        for votes in voted.collect_votes()
        if votes[0].task not in escalated
    ]
    return [each for each in found if each is not None]


def _merge_votes(
    facts: CompletionFacts, ended: Assignment, assignments: Sequence[Assignment]
) -> tuple[Assignment, tuple[Answer, ...]]:
    """Return the merged votes of the round that the *ended* assignment completes."""
    if facts.template is None:
        raise ValueError("votes are merged with the template that they answer")
    voted = _get_round(facts, ended, assignments)
    rules = make_voting_rules(facts.context.job.workflow.label, facts.merge_calls.find)
    return merge_round(voted, facts.template, rules, facts.context.ctx, id=facts.merged_id)


def _get_round(
    facts: CompletionFacts, ended: Assignment, assignments: Sequence[Assignment]
) -> VotedRound:
    # the last vote may be an extra one on some of the tasks: all that is due is merged
    scope = facts.context.package.scope
    return VotedRound(
        last=evolve(ended, scope=scope, purpose=facts.context.package.purpose),
        assignments=assignments,
        tasks=facts.history.tasks if scope is None else scope,
        answers=facts.history.answers,
    )


def _find_disputes(
    facts: CompletionFacts, assignments: Sequence[Assignment], answers: tuple[Answer, ...]
) -> _Merged:
    """Return what is disputed once these votes are merged; other tasks stay disputed."""
    package = facts.context.package
    voted = {answer.task for answer in answers}
    disputed = {answer.task for answer in answers if is_to_be_decided(answer)}
    # an expert answers them, whatever the votes say
    disputed -= part_rules.find_escalated(assignments, package.round)
    kept = {task for task in package.disputes if task not in voted}
    return _Merged(answers, _sort(disputed | kept), _sort(disputed))


def _find_requeued(
    facts: CompletionFacts, assignments: Sequence[Assignment], merged: Sequence[Answer]
) -> tuple[int, ...]:
    """Return the abandoned tasks that are offered once more, as the rule of the stage says."""
    job, package = facts.context.job, facts.context.package
    if job.workflow.label.on_abandon is not OnAbandon.QUEUE:
        return ()
    # none were read where none is abandoned
    answers = with_answers(facts.history.answers, merged)
    abandoned: list[int] = []
    for case in build_cases(job, package, assignments, answers):
        label = case.find_labeling()
        if label is None or label.round != package.round:
            continue
        answer = case.answers.get(label.id)
        if answer is not None and answer.is_abandoned:
            abandoned.append(case.task)
    once = {*package.requeued, *package.excluded}
    return tuple(task for task in abandoned if task not in once)


def _without_decided(package: Package, ended: Assignment) -> tuple[int, ...]:
    """Return the disputed tasks of *package*, without those that *ended* decides."""
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
    missing = find_unanswered(context, history, scope_of(context, history))
    if context.package.votes > 1 or context.assignment.decides:
        return missing
    # what an earlier holder has handed to the experts is no work of this one
    escalated = part_rules.find_escalated(history.assignments, context.package.round)
    return tuple(task for task in missing if task not in escalated)
