"""How assignments end, and how packages move: they pass, go back, are discarded, or reopened.

The service reads and locks everything into `CompletionFacts` or `RejectFacts`, calls one rule, and
applies the change that it returns.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import attrs

from itagflow import access
from itagflow.access import Action, Policy
from itagflow.claiming import part_rules
from itagflow.claiming import rules as claiming
from itagflow.core.change import Change, Context, Saved, record
from itagflow.errors import InvalidData, Problem
from itagflow.jobs.rules import advance_job
from itagflow.labeling.rules import (
    has_same_content,
    make_answer,
    split_answers,
)
from itagflow.lifecycle.tables import (
    ASSIGNMENT,
    JOB,
    AssignmentCommand,
    get_package_lifecycle,
    must_be_working,
    stage_of,
)
from itagflow.model.entity import Entity, evolve
from itagflow.model.job import Job, Route, Stage
from itagflow.model.package import Assignment, AssignmentState, Outcome, Package
from itagflow.model.task import Answer, Verdict
from itagflow.model.template import Template
from itagflow.model.text import find_text_error
from itagflow.model.workspace import Member
from itagflow.results.rules import build_cases, find_judgment, with_counts
from itagflow.reviewing.sampling import draw_sample

OUTCOMES = {
    "submit": Outcome.SUBMITTED,
    "review": Outcome.REVIEWED,
    "accept": Outcome.ACCEPTED,
    "reject": Outcome.REJECTED,
}
"""How an assignment has ended after each operation that completes it."""


@attrs.frozen
class AssignmentContext:
    """An assignment that its holder goes on with, with its package and job."""

    job: Job
    """The job."""
    package: Package
    """The locked package."""
    assignment: Assignment
    """The locked assignment."""
    ctx: Context
    """Who acts, when and where: the holder."""


@attrs.frozen(kw_only=True)
class AnswerCounts:
    """How many answers of an assignment are of each kind."""

    resolved: int = 0
    """Those with replies, or abandoned."""
    abandoned: int = 0
    """Those that give the task up."""
    wrong: int = 0
    """Those that judge it wrong."""


@attrs.frozen(kw_only=True)
class PackageHistory:
    """What was done on a package; tasks and answers are read only where a rule needs them."""

    assignments: Sequence[Assignment]
    """Every assignment that there ever was on it, oldest first."""
    tasks: Sequence[int] = ()
    """The numbers of its tasks, in order."""
    answers: Mapping[int, Mapping[int, Answer]] = attrs.field(factory=dict[int, dict[int, Answer]])
    """Every answer to these, by task and by assignment."""


@attrs.frozen(kw_only=True)
class CompletionPlan:
    """What completing an assignment leads to if nothing is against it, and what has to be read."""

    leaves_stage: bool
    """Whether the package leaves its stage: no other vote is missing."""
    next_stage: Stage | None
    """The stage to which it goes then; None: it is done."""
    merges_votes: bool
    """Whether the votes of the round are merged."""
    recounts: bool
    """Whether the counts of the package may change."""
    needs_answers: bool
    """Whether the answers to its tasks are needed, with the numbers of the tasks."""
    needs_tasks: bool
    """Whether the numbers of its tasks are needed."""


@attrs.frozen(kw_only=True)
class CompletionFacts:
    """What `submit` and `pass_review` decide on."""

    context: AssignmentContext
    """The assignment, with its package and job."""
    plan: CompletionPlan
    """What completing it leads to."""
    counts: AnswerCounts
    """How many answers it has."""
    history: PackageHistory
    """What was done on the package."""
    counters: Sequence[Saved]
    """The locked claim counter of the holder with one assignment less, if the stage has a limit."""
    last_of_job: Job | None = None
    """The locked job, if the package is its last open one and this ends it."""
    template: Template | None = None
    """What the votes answer, where they are merged."""
    merged_id: int = 0
    """The id of the assignment that holds the merged votes."""
    part_id: int = 0
    """The id of an open offer, if one is made."""
    has_adjudicators: bool = False
    """Whether there is somebody who may decide disputes and did not vote, where they are merged."""
    releases_rest: bool = False
    """Whether tasks without an answer are left to others."""


@attrs.frozen(kw_only=True)
class RejectFacts:
    """What `reject` decides on."""

    context: AssignmentContext
    """The assignment with its package; the job is locked, so that offers stay allowed."""
    history: PackageHistory
    """What was done on the package, with all tasks and answers."""
    counters: Sequence[Saved]
    """The locked claim counter of the holder with one assignment less, if the stage has a limit."""
    named: Collection[int]
    """The numbers of the tasks that the reviewer names."""
    comment: str
    """Why the work goes back, as the reviewer says."""
    previous: Mapping[str, Any]
    """The reviewer's stored answers to the named tasks as the history keeps them, by number."""
    authors: Sequence[Member]
    """The locked members to whom the work is offered, if the policy lets them do it."""
    offer_ids: Sequence[int]
    """Ids for the offers."""
    policy: Policy
    """Says who may do what."""


def plan_completion(
    context: AssignmentContext, assignments: Sequence[Assignment], counts: AnswerCounts
) -> CompletionPlan:
    """Return what completing the assignment leads to, and what has to be read to decide it."""
    job, package, assignment = context.job, context.package, context.assignment
    is_labeling = assignment.stage is Stage.LABEL
    # at LABEL other votes or parts may be missing: not given out, or not submitted
    is_last = not is_labeling or not (
        package.free or any(each.live and each.id != assignment.id for each in assignments)
    )
    target = find_next_stage(job, package)
    has_votes = is_labeling and job.workflow.label.votes > 1
    # what an expert or an adjudicator still has to decide does not keep votes from being merged
    merges = (
        has_votes
        and assignment.is_vote
        and part_rules.are_votes_in(package, assignments, assignment.id)
    )
    # answers are read only if there may be something to count: most packages have no trouble
    recounts = bool(
        package.abandoned or package.wrong or package.prelabeled or counts.abandoned or counts.wrong
    )
    if has_votes and is_last:
        # what was decided is not counted before the package leaves, as votes are not
        recounts = recounts or any(
            each.decides and each.round == package.round for each in assignments
        )
    # tasks that are missing or undecided are named one by one in the refusal
    has_missing = is_labeling and not is_count_enough(context, counts)
    has_disputes = not is_labeling and bool(package.disputes)
    needs_answers = recounts or merges or has_missing or has_disputes
    draws = is_last and target is not None and _needs_tasks(job, package, target)
    return CompletionPlan(
        leaves_stage=is_last,
        next_stage=target,
        merges_votes=merges,
        recounts=recounts,
        needs_answers=needs_answers,
        needs_tasks=needs_answers or draws,
    )


def pass_review(facts: CompletionFacts, operation: str) -> Change:
    """End a review or an acceptance: the package passes.

    Raises:
        WrongState: when the assignment is at another stage than *operation* is for.
        Incomplete: when tasks stand judged wrong, or disputed ones are undecided.
    """
    package, assignment = facts.context.package, facts.context.assignment
    closing = AssignmentCommand(
        assignment=assignment,
        wrong=find_wrong(facts.context, facts.history),
        undecided=_find_undecided(facts.context, facts.history),
    )
    ended = end_assignment(facts.context, operation, closing)
    assignments = replace_ended(facts.history.assignments, ended)
    after = recount(facts, pass_on(facts, assignments), assignments)
    save: list[Saved] = [(package, after), (assignment, ended), *facts.counters]
    save += finish_job(facts.last_of_job)
    return record(facts.context.ctx, operation, about=ended, save=save)


def reject(facts: RejectFacts) -> Change:
    """End a review by sending tasks back: those judged wrong, or all; and offer the rework.

    Raises:
        InvalidData: when named tasks are not in scope, or the comment cannot be stored.
        NotAllowed: when the job does not let work go on.
        WrongState: when the assignment is at LABEL.
        Incomplete: when nothing is judged wrong and there is no comment.
    """
    context, tasks = facts.context, facts.history.tasks
    job, package, assignment = context.job, context.package, context.assignment
    judged = _judge_named(facts)
    new = [judgment for _, judgment in judged]
    # the job was read again when it was locked: it may have been finished or archived meanwhile
    must_be_working(job, "reject")
    history = attrs.evolve(facts.history, answers=_with_answers(facts.history.answers, new))
    wrong = find_wrong(context, history)
    comment = facts.comment or "; ".join(_collect_comments(context, history, wrong))
    ended = end_assignment(
        context,
        "reject",
        AssignmentCommand(assignment=assignment, wrong=wrong, comment=facts.comment),
        comment=comment,
        sent_back=wrong or None,
    )
    assignments = replace_ended(history.assignments, ended)
    back = send_back(job, package, context.ctx, sent=wrong or None, tasks=tasks)
    # the offers take slots of the package as it is after the reject, so they are made for that one
    members = _select_authors(facts, back)
    offered = with_offers(back, members)
    after = with_counts(offered, build_cases(job, offered, assignments, history.answers))
    # an id was drawn for every author; who may not do the work leaves one unused
    add: list[Entity] = [
        claiming.offer(claiming.Slot(job, after, stage_of(after), member), context.ctx, id=id)
        for id, member in zip(facts.offer_ids, members, strict=False)
    ]
    save: list[Saved] = [(package, after), (assignment, ended)]
    data: dict[str, Any] = {"tasks": list(wrong or tasks), "comment": comment}
    if judged:
        added, replaced = split_answers(judged)
        add += added
        save += replaced
        if replaced:
            named = (str(old.task) for old, _ in judged if old)
            data["previous"] = {task: facts.previous[task] for task in named}
        data["answered"] = [judgment.task for judgment in new]
    save += facts.counters
    return record(context.ctx, "reject", about=ended, add=add, save=save, data=data)


def end_assignment(
    context: AssignmentContext,
    operation: str,
    closing: AssignmentCommand,
    *,
    comment: str = "",
    sent_back: tuple[int, ...] | None = None,
) -> Assignment:
    """Return the assignment as it is after submit, review, accept or reject.

    Raises:
        WrongState: when it is not held, or at another stage than that of *operation*.
        Incomplete: when tasks are missing, stand judged wrong, or are undecided; or a reason is.
    """
    assignment = context.assignment
    state = ASSIGNMENT.advance(assignment.state, operation, closing, str(assignment))
    return evolve(
        assignment,
        state=state,
        outcome=OUTCOMES[operation],
        ended_at=context.ctx.at,
        comment=comment,
        sent_back=sent_back,
    )


def pass_package(
    job: Job,
    package: Package,
    ctx: Context,
    *,
    tasks: Sequence[int],
    first: bool,
    disputes: tuple[int, ...] = (),
) -> Package:
    """Return *package* as it is at the next stage, or done.

    *tasks* are the numbers of its tasks, where a scope has to be drawn or something was erased;
    *first* says that nobody has reviewed it at the next stage before.
    """
    state = get_package_lifecycle(job.workflow).advance(package.state, "pass", entity=str(package))
    stage, free, scope = state.stage, 0, None
    if stage is not None:
        left = [task for task in tasks if task not in package.erased]
        scope = scope_of_review(job, package, stage, left, disputes, first=first)
        free, scope = slots(job, stage), without_erased(package, scope, left)
    return evolve(
        package, state=state, free=free, waiting_since=ctx.at, scope=scope, disputes=disputes
    )


def send_back(
    job: Job, package: Package, ctx: Context, *, sent: tuple[int, ...] | None, tasks: Sequence[int]
) -> Package:
    """Return *package* as it is after a reject: at the stage that the rule names, in a new round.

    *sent* are the tasks that go back (None: all of *tasks*).
    """
    state = get_package_lifecycle(job.workflow).advance(
        package.state, "reject", entity=str(package)
    )
    numbers = set(tasks if sent is None else sent)
    redoes_all = state.stage is Stage.LABEL and job.workflow.label.redo_all
    # the scope of a whole package is None, so that every later step knows it without counting
    if redoes_all or len(numbers) >= package.size:
        sent = None
    return evolve(
        package,
        state=state,
        round=package.round + 1,
        free=_slots_at(job, state.stage),
        waiting_since=ctx.at,
        scope=without_erased(package, sent, tasks),
        rejects=tuple(sorted(numbers.union(package.rejects))),
        disputes=tuple(task for task in package.disputes if task not in numbers),
    )


def reopen_package(job: Job, package: Package, ctx: Context, *, tasks: Sequence[int]) -> Package:
    """Return *package* reopened: for a review of everything, or for labeling if there is none.

    *tasks* are the numbers of its tasks, where something was erased.
    """
    state = get_package_lifecycle(job.workflow).advance(
        package.state, "reopen", entity=str(package)
    )
    return evolve(
        package,
        state=state,
        round=package.round + 1,
        free=_slots_at(job, state.stage),
        waiting_since=ctx.at,
        scope=without_erased(package, None, tasks),
    )


def discard_package(job: Job, package: Package) -> Package:
    """Return *package* as it is when it is discarded; its answers stay in the history."""
    state = get_package_lifecycle(job.workflow).advance(
        package.state, "discard", entity=str(package)
    )
    return evolve(package, state=state, free=0, scope=None)


def finish_job(job: Job | None) -> tuple[Saved, ...]:
    """Return the locked *job* and its finished form, if there is one and it can finish."""
    if job is None or job.state not in JOB.get_sources("finish"):
        return ()
    return ((job, advance_job(job, "finish")),)


def slots(job: Job, stage: Stage) -> int:
    """Return how many assignments *stage* needs for one package: the votes, or one."""
    return job.workflow.label.votes if stage is Stage.LABEL else 1


def find_next_stage(job: Job, package: Package) -> Stage | None:
    """Return the stage that *package* comes to when it passes."""
    stages = job.workflow.stages
    later = stages[stages.index(stage_of(package)) + 1 :]
    return later[0] if later else None


def scope_of_review(
    job: Job,
    package: Package,
    stage: Stage,
    tasks: Sequence[int],
    disputes: Sequence[int],
    *,
    first: bool,
) -> tuple[int, ...] | None:
    """Return the tasks of the next assignment of *package* at a review stage; None: all.

    The *first* time that is the sample and every disputed task.  Later it is what was sent back in
    any round, what is disputed, and, when the whole package was done again, the sample once more.
    """
    rule = job.workflow.review(stage)
    if first and not (rule and rule.is_sampled):
        return None
    drawn = draw_sample(rule, job.seed, package.number, stage, tasks)
    scope = set(disputes)
    # what was sent back once is reviewed again in every later round, also if another task was
    if not first:
        scope.update(package.rejects)
    if first or job.workflow.label.redo_all or not scope:
        scope.update(drawn)
    return None if len(scope) >= package.size else tuple(sorted(scope))


def without_erased(
    package: Package, scope: tuple[int, ...] | None, tasks: Sequence[int]
) -> tuple[int, ...] | None:
    """Return *scope* (None: all of *tasks*) without the erased tasks of *package*."""
    if not package.erased:
        return scope
    numbers = tasks if scope is None else scope
    return tuple(task for task in numbers if task not in package.erased)


def find_authors(job: Job, package: Package, assignments: Sequence[Assignment]) -> list[int]:
    """Return the keys of the members to whom the work on *package* is offered after a reject.

    For LABEL the rule's route: the members whose assignments closed the latest round, nobody (the
    queue), or one named member.  For INSPECT, after a reject at ACCEPT, the inspector of the latest
    round.
    """
    lifecycle = get_package_lifecycle(job.workflow)
    if package.state not in lifecycle.get_sources("reject"):
        return []  # the rule refuses it, with the reason
    stage = lifecycle.advance(package.state, "reject").stage
    route = job.workflow.label.rework
    if stage is Stage.LABEL and isinstance(route, int):
        return [route]
    if stage is Stage.LABEL and route is Route.QUEUE:
        return []
    closing = [
        assignment
        for assignment in assignments
        if assignment.stage is stage
        and assignment.state is AssignmentState.DONE
        and assignment.outcome is not Outcome.MERGED
        and not assignment.decides
    ]
    latest = max((assignment.round for assignment in closing), default=0)
    members = [
        assignment.member
        for assignment in closing
        if assignment.round == latest and assignment.member is not None
    ]
    # one inspector reviews a package; of several in a round, after a return, the last one did
    return members if stage is Stage.LABEL else members[-1:]


def with_offers(package: Package, members: Sequence[Member]) -> Package:
    """Return *package* with a slot less for each member to whom one is offered."""
    if not members:
        return package
    return evolve(package, free=package.free - len(members))


def find_wrong(context: AssignmentContext, history: PackageHistory) -> tuple[int, ...]:
    """Return the tasks in the scope of the assignment that stand judged wrong.

    Where no answers were read there are none: no count of the package and no answer says so.
    """
    if not history.answers:
        return ()
    answers = {task: history.answers[task] for task in get_scope(context, history)}
    cases = build_cases(context.job, context.package, history.assignments, answers)
    return tuple(case.task for case in cases if find_judgment(case)[0])


def require_in_scope(assignment: Assignment, tasks: Collection[int], scope: Sequence[int]) -> None:
    """Check that *tasks*, which a reject of *assignment* names, are in this scope.

    Raises:
        InvalidData: when some are not; it lists them.
    """
    outside = sorted(set(tasks).difference(scope))
    if outside:
        raise InvalidData(
            "the tasks to reject",
            [Problem(f"task {task}", f"is not in the scope of {assignment}") for task in outside],
        )


def require_comment(subject: str, comment: str) -> str:
    """Return *comment* if there is one.

    Raises:
        InvalidData: when it is empty.
    """
    problem = find_text_error(comment)
    if not problem and not comment.strip():
        problem = "is empty: say why, the people who did the work will read it"
    if problem:
        raise InvalidData(subject, [Problem("comment", problem)])
    return comment


def pass_on(
    facts: CompletionFacts, assignments: Sequence[Assignment], disputes: tuple[int, ...] = ()
) -> Package:
    """Return the package at its next stage."""
    context, target = facts.context, facts.plan.next_stage
    return pass_package(
        context.job,
        context.package,
        context.ctx,
        tasks=facts.history.tasks,
        first=all(assignment.stage is not target for assignment in assignments),
        disputes=disputes,
    )


def recount(
    facts: CompletionFacts,
    package: Package,
    assignments: Sequence[Assignment],
    new: Sequence[Answer] = (),
) -> Package:
    """Return *package* with its counts of abandoned, wrong and corrected tasks, if they change."""
    if not facts.plan.recounts and not any(answer.is_abandoned or answer.wrong for answer in new):
        return package
    # merged votes are counted before they are stored: package and answers change together
    answers = _with_answers(facts.history.answers, new)
    return with_counts(package, build_cases(facts.context.job, package, assignments, answers))


def _find_undecided(context: AssignmentContext, history: PackageHistory) -> tuple[int, ...]:
    """Return the disputed tasks to which the reviewer has given no answer of their own."""
    package = context.package
    if not package.disputes:
        return ()
    disputes = [task for task in package.disputes if task not in package.erased]
    return find_unanswered(context, history, disputes)


def find_unanswered(
    context: AssignmentContext, history: PackageHistory, tasks: Sequence[int]
) -> tuple[int, ...]:
    """Return those of *tasks* that the assignment itself has not resolved."""
    missing = list[int]()
    for task in tasks:
        answer = history.answers.get(task, {}).get(context.assignment.id)
        if answer is None or not answer.is_resolved:
            missing.append(task)
    return tuple(missing)


def _judge_named(facts: RejectFacts) -> list[tuple[Answer | None, Answer]]:
    """Return the judgments of the tasks that a reject names, each with what it replaces."""
    if not facts.named:
        return []
    context = facts.context
    comment = require_comment("the reject", facts.comment)
    require_in_scope(context.assignment, facts.named, get_scope(context, facts.history))
    judged = list[tuple[Answer | None, Answer]]()
    # by number, as the service that gives them does not sort: events list tasks in order
    for task in sorted(facts.named):
        old = facts.history.answers[task].get(context.assignment.id)
        new = make_answer(
            context.assignment, task, context.ctx, verdict=Verdict.WRONG, comment=comment
        )
        if old is None or not has_same_content(old, new):
            judged.append((old, new))
    return judged


def _collect_comments(
    context: AssignmentContext, history: PackageHistory, wrong: Sequence[int]
) -> list[str]:
    """Return the comments of the assignment's own judgments of the *wrong* tasks, each once."""
    comments = dict[str, None]()  # in order, as a set is not
    for task in sorted(wrong):
        answer = history.answers[task].get(context.assignment.id)
        if answer is not None and answer.wrong and answer.comment:
            comments[answer.comment] = None
    return list(comments)


def _select_authors(facts: RejectFacts, package: Package) -> list[Member]:
    """Return the authors whom the policy still lets do the rework, as many as there are slots."""
    job, stage = facts.context.job, stage_of(package)
    able = [
        member
        for member in facts.authors
        if access.refusal(facts.policy, member, Action.at(stage), job, stage) is None
    ]
    return able[: slots(job, stage)]


def replace_ended(assignments: Sequence[Assignment], ended: Assignment) -> list[Assignment]:
    """Return *assignments* with the one that has *ended* in its new form."""
    return [ended if assignment.id == ended.id else assignment for assignment in assignments]


def _with_answers(
    answers: Mapping[int, Mapping[int, Answer]], new: Sequence[Answer]
) -> Mapping[int, Mapping[int, Answer]]:
    """Return *answers* as they are once the *new* ones are stored."""
    if not new:
        return answers
    updated = dict(answers)
    for answer in new:
        updated[answer.task] = {**updated.get(answer.task, {}), answer.assignment: answer}
    return updated


def get_scope(context: AssignmentContext, history: PackageHistory) -> Sequence[int]:
    """Return the tasks that the assignment is about."""
    scope = context.assignment.scope
    return history.tasks if scope is None else scope


def is_count_enough(context: AssignmentContext, counts: AnswerCounts) -> bool:
    """Return whether the number of answers alone tells that none is missing."""
    # an answer to a task that was erased stays, while the task is in no scope any more
    return not context.package.erased and counts.resolved == get_scope_size(context)


def get_scope_size(context: AssignmentContext) -> int:
    """Return how many tasks the assignment is about."""
    scope = context.assignment.scope
    return context.package.size if scope is None else len(scope)


def _slots_at(job: Job, stage: Stage | None) -> int:
    return 0 if stage is None else slots(job, stage)


def _needs_tasks(job: Job, package: Package, stage: Stage) -> bool:
    """Return whether `pass_package` needs the tasks: not for a first review of all of them."""
    rule = job.workflow.review(stage)
    is_sampled = rule is not None and rule.is_sampled
    return bool(package.erased) or package.round > 1 or is_sampled
