"""What becomes of a package that is overdue: who is waited for, and what its tasks are given.

A task that is answered keeps its answer: a part that was handed in, what an adjudicator or an
expert has decided, merged votes.  So does what was saved by somebody whose lease has lapsed, and
what the votes that were given agree on.  All others get the default answer, or go to the experts.
An assignment without a member holds what was kept here; it closes the labeling.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import attrs

from itagflow.claiming import part_rules
from itagflow.claiming.rules import has_lapsed
from itagflow.labeling.deciding_rules import extend
from itagflow.labeling.rules import make_answer
from itagflow.labeling.voting import MergeCalls, Merged, make_voting_rules, merge
from itagflow.model.change import Change, Context, Saved, record
from itagflow.model.copying import evolve
from itagflow.model.entity import Entity
from itagflow.model.job import Job, Stage
from itagflow.model.overdue import OnOverdue
from itagflow.model.package import (
    Assignment,
    AssignmentState,
    Outcome,
    Package,
    Purpose,
)
from itagflow.model.task import Answer, Task
from itagflow.model.template import Template
from itagflow.prelabels.rules import make_memberless_assignment
from itagflow.results.outcome_rules import describe_end
from itagflow.results.rules import build_cases, with_counts
from itagflow.reviewing.rules import find_abandoned, pass_package, with_answers
from itagflow.validation.answers import find_problems

DOES_NOT_FIT = "overdue, and the default answer does not fit the task"
"""Why a task is abandoned whose data, or a new template, keeps it from the default answer."""


@attrs.frozen(kw_only=True)
class OverdueFacts:
    """What is decided on: an overdue package at LABEL on which nobody is waited for."""

    job: Job
    """The job."""
    template: Template
    """Its template."""
    package: Package
    """The locked package, whose offers are recalled."""
    assignments: Sequence[Assignment]
    """Every assignment that there ever was on it, oldest first."""
    tasks: Mapping[int, Task]
    """Its tasks, by number, in order."""
    answers: Mapping[int, Mapping[int, Answer]]
    """Every answer to these, by task and by assignment."""
    ctx: Context
    """Who acts, when and where."""
    ids: tuple[int, int]
    """The ids of the assignment that closes the labeling, and of an open offer."""

    @property
    def current(self) -> list[Assignment]:
        """The labelings of the present round."""
        return [
            each
            for each in self.assignments
            if each.stage is Stage.LABEL and each.round == self.package.round
        ]

    @property
    def escalates(self) -> bool:
        """Whether what is not kept goes to the experts."""
        return self.job.workflow.label.on_overdue is OnOverdue.ESCALATE


@attrs.frozen(kw_only=True)
class Timeout:
    """What an overdue package comes to."""

    package: Package
    """The package as it is then."""
    add: Sequence[Entity]
    """What is new."""
    save: Sequence[Saved]
    """What is replaced."""
    data: Mapping[str, Any]
    """What the event says."""
    became: str
    """What became of its tasks, where that ends the work on them; see `describe_end`."""

    @property
    def is_escalated(self) -> bool:
        """Whether tasks went to the experts."""
        return "escalated" in self.data

    def to_change(self, ctx: Context, finishing: Sequence[Saved] = ()) -> Change:
        """Return it with its event, and the job that it finishes if this ends the last package."""
        save = (*self.save, *finishing)
        return record(
            ctx,
            "overdue",
            about=self.package,
            add=self.add,
            save=save,
            data=self.data,
            became=self.became,
        )


def acts_on(job: Job, package: Package) -> bool:
    """Return whether more is done with *package*, which is overdue, than to say so."""
    rule = job.workflow.label.on_overdue
    return package.stage is Stage.LABEL and (
        isinstance(rule, Mapping) or rule is OnOverdue.ESCALATE
    )


def is_waited_for(job: Job, assignment: Assignment, at: datetime) -> bool:
    """Return whether nothing is done with a package before *assignment* has ended or lapsed.

    Nobody loses what they hold.  What experts hold already does not keep other tasks from them.
    """
    if assignment.state is not AssignmentState.HELD or has_lapsed(assignment, at):
        return False
    escalates = job.workflow.label.on_overdue is OnOverdue.ESCALATE
    return not (escalates and assignment.purpose is Purpose.ESCALATION)


def is_to_be_ended(job: Job, assignment: Assignment) -> bool:
    """Return whether *assignment* is taken back when its package is overdue."""
    escalates = job.workflow.label.on_overdue is OnOverdue.ESCALATE
    return assignment.live and not (escalates and assignment.purpose is Purpose.ESCALATION)


def find_live_escalation(assignments: Sequence[Assignment]) -> Assignment | None:
    """Return the live escalation among the labelings of a round, which can take more tasks."""
    for assignment in assignments:
        if assignment.live and assignment.purpose is Purpose.ESCALATION:
            return assignment
    return None


def notify(package: Package, ctx: Context, *, reason: str = "") -> Change:
    """Say in the history that *package* is overdue, and that this was said."""
    after = evolve(package, overdue_at=ctx.at)
    data = _describe(package, OnOverdue.NOTIFY.value)
    if reason:
        data["reason"] = reason
    return record(ctx, "overdue", about=package, save=((package, after),), data=data)


def time_out(facts: OverdueFacts) -> Timeout:
    """Return what the tasks of an overdue package are given, and where it goes."""
    kept = _keep(facts)
    open_tasks = _list_open(facts, kept)
    if facts.escalates and open_tasks:
        return _escalate(facts, kept, open_tasks)
    return _close(facts, kept, open_tasks)


def _describe(package: Package, rule: str) -> dict[str, Any]:
    due = None if package.due is None else package.due.isoformat()
    return {"due": due, "rule": rule}


# -- what is kept --


def _list_due(facts: OverdueFacts) -> list[int]:
    """Return the tasks that the present round is about, without those erased or withdrawn."""
    package = facts.package
    numbers = [number for number in facts.tasks if number not in package.excluded]
    if package.scope is None:
        return numbers
    scope = set(package.scope)
    return [number for number in numbers if number in scope]


def _is_answered(facts: OverdueFacts, task: int) -> bool:
    """Return whether the task has an answer that counts: handed in, decided, or merged."""
    has_votes = facts.package.votes > 1
    for assignment in facts.current:
        answer = facts.answers[task].get(assignment.id)
        if assignment.state is not AssignmentState.DONE or not assignment.covers(task):
            continue
        if answer is None or not answer.is_resolved or answer.is_escalated:
            continue
        if assignment.decides:
            return True
        if not has_votes and assignment.outcome is Outcome.SUBMITTED:
            return True
        if assignment.outcome is Outcome.MERGED and task not in facts.package.disputes:
            return task not in part_rules.find_escalated(facts.current, facts.package.round)
    return False


def _keep(facts: OverdueFacts) -> dict[int, Answer]:
    """Return the answers that people have given to tasks though nobody has handed them in.

    They are answers of the assignment that closes the labeling.
    """
    kept: dict[int, Answer] = {}
    for task in _list_due(facts):
        if _is_answered(facts, task):
            continue
        answer = _take_over(facts, task)
        if facts.package.votes > 1:
            answer = _merge_given(facts, task)
        if answer is not None:
            kept[task] = answer
    return kept


def _take_over(facts: OverdueFacts, task: int) -> Answer | None:
    """Return what was saved last by somebody whose lease lapsed, with whose answer it is."""
    for assignment in reversed(facts.current):
        answer = facts.answers[task].get(assignment.id)
        if assignment.outcome is not Outcome.EXPIRED or answer is None:
            continue
        if answer.is_resolved and not answer.is_escalated and not answer.erased:
            own = _make_answer(facts, task, answer, abandoned=answer.abandon_reason)
            return evolve(
                own,
                picked=assignment.id,
                score=answer.score,
                model=answer.model,
                order=answer.order,
            )
    return None


def _merge_given(facts: OverdueFacts, task: int) -> Answer | None:
    """Return what the votes that were given agree on; None where they do not, or are too few.

    A merge function of the application is not asked: code of it may take long, and a package is
    locked here.
    """
    if part_rules.are_votes_merged(facts.package, facts.assignments):
        return None  # what is left of them is disputed
    if task in part_rules.find_escalated(facts.current, facts.package.round):
        return None
    given = facts.answers[task]
    voters = part_rules.find_voters(facts.assignments, facts.package.round)
    votes = [given[id] for id in voters if id in given]
    if not votes:
        return None
    rules = make_voting_rules(facts.job.workflow.label, MergeCalls().find)
    merged: Merged = merge(facts.template, votes, rules)
    if merged.disputed:
        return None
    version = max(vote.template_version for vote in votes)
    own = make_answer(
        _make_closing(facts, ()),
        task,
        facts.ctx,
        replies=merged.replies,
        abandoned=merged.abandoned,
        template_version=version,
    )
    return evolve(own, kept=merged.kept, merge=merged.report)


def _make_answer(
    facts: OverdueFacts, task: int, answer: Answer, *, abandoned: str | None
) -> Answer:
    return make_answer(
        _make_closing(facts, ()),
        task,
        facts.ctx,
        replies=answer.replies,
        abandoned=abandoned,
        template_version=answer.template_version,
    )


def _list_open(facts: OverdueFacts, kept: Mapping[int, Answer]) -> tuple[int, ...]:
    """Return the tasks that nobody has answered; without those that are with the experts now."""
    with_experts: set[int] = set()
    if facts.escalates:
        live = [each for each in facts.current if each.live]
        with_experts = part_rules.find_escalated(live, facts.package.round)
    return tuple(
        task
        for task in _list_due(facts)
        if task not in kept and task not in with_experts and not _is_answered(facts, task)
    )


# -- where it goes --


def _make_closing(facts: OverdueFacts, scope: tuple[int, ...]) -> Assignment:
    """Return the assignment without a member that holds what was kept here."""
    return make_memberless_assignment(
        facts.package, Stage.LABEL, Outcome.TIMEOUT, scope, facts.ctx, facts.ids[0]
    )


def _escalate(
    facts: OverdueFacts, kept: Mapping[int, Answer], open_tasks: tuple[int, ...]
) -> Timeout:
    """Hand *open_tasks* to the experts; the package stays at LABEL until they have answered."""
    package = facts.package
    # nobody labels it any more: the experts have what is left
    after = evolve(package, free=0)
    data = {**_describe(package, OnOverdue.ESCALATE.value), "escalated": list(open_tasks)}
    live = find_live_escalation(facts.current)
    if live is not None:
        return _store(facts, after, kept, data, extend(live, open_tasks))
    part = part_rules.PackagePart(package, Purpose.ESCALATION, open_tasks)
    offer = part_rules.make_open_offer(part, facts.ctx, id=facts.ids[1])
    return _store(facts, after, kept, data, offer)


def _close(facts: OverdueFacts, kept: Mapping[int, Answer], open_tasks: tuple[int, ...]) -> Timeout:
    """Give *open_tasks* the default answer, and let the package go on, unless experts have more."""
    package = facts.package
    closed = {**kept, **{task: _make_default(facts, task) for task in open_tasks}}
    rule = OnOverdue.ESCALATE.value if facts.escalates else "default"
    data: dict[str, Any] = {**_describe(package, rule), "defaulted": list(open_tasks)}
    if any(each.live for each in facts.assignments):
        # what is not kept is with the experts already
        return _store(facts, evolve(package, free=0), closed, data)
    disputes = tuple(task for task in package.disputes if task not in closed)
    closing = _make_closing(facts, tuple(sorted(closed)))
    after = pass_package(
        facts.job,
        package,
        facts.ctx,
        tasks=list(facts.tasks),
        assignments=[*facts.assignments, closing],
        disputes=disputes,
    )
    return _store(facts, after, closed, data)


def _make_default(facts: OverdueFacts, task: int) -> Answer:
    """Return the default answer to a task; it is abandoned where that does not fit."""
    replies = facts.job.workflow.label.on_overdue
    closing = _make_closing(facts, ())
    if not isinstance(replies, Mapping) or find_problems(
        facts.template, replies, facts.tasks[task]
    ):
        return make_answer(closing, task, facts.ctx, abandoned=DOES_NOT_FIT)
    version = facts.template.version
    return make_answer(closing, task, facts.ctx, replies=replies, template_version=version)


def _store(
    facts: OverdueFacts,
    after: Package,
    answers: Mapping[int, Answer],
    data: Mapping[str, Any],
    part: Assignment | None = None,
) -> Timeout:
    """Return the change: the package as it is *after*, counted again, and what is new."""
    closing = _make_closing(facts, tuple(sorted(answers)))
    added: list[Entity] = [closing, *answers.values()]
    others = [each for each in facts.assignments if part is None or each.id != part.id]
    assignments = [*others, closing]
    extended: list[Saved] = []
    if part is not None:
        assignments.append(part)
        extended = [(each, part) for each in facts.assignments if each.id == part.id]
        if not extended:
            added.append(part)
    known = with_answers(facts.answers, list(answers.values()))
    cases = list(build_cases(facts.job, after, assignments, known))
    counted = with_counts(after, cases)
    counted = evolve(counted, overdue_at=facts.ctx.at)
    save: list[Saved] = [(facts.package, counted), *extended, *_list_authors(facts, answers)]
    became = describe_end(facts.package, counted, list(facts.tasks), find_abandoned(cases))
    return Timeout(package=counted, add=added, save=save, data=data, became=became)


def _list_authors(facts: OverdueFacts, answers: Mapping[int, Answer]) -> list[Saved]:
    """Return the assignments whose answers were taken over: their members review none of them."""
    taken = {answer.picked for answer in answers.values()}
    return [
        (each, evolve(each, authored=True))
        for each in facts.assignments
        if each.id in taken and not each.authored
    ]
