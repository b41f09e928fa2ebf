"""How assignments end, and how packages move: they pass, go back, are discarded, or reopened.

They also say how many members label a package in its next round, and which reviewers are authors.

The service reads and locks everything into `CompletionFacts`, calls one rule, and applies the
change that it returns.  `reject_rules` has what leads to `send_back`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import attrs

from itagflow.claiming import part_rules
from itagflow.claiming.rules import add_to_assignment
from itagflow.jobs.rules import advance_job
from itagflow.labeling.voting import MergeCalls
from itagflow.lifecycle.tables import (
    ASSIGNMENT,
    JOB,
    AssignmentCommand,
    get_package_lifecycle,
    name_reopening,
    require_stage,
    stage_of,
)
from itagflow.model.change import Change, Context, Saved, record
from itagflow.model.copying import copyable, evolve
from itagflow.model.job import Job, Stage
from itagflow.model.package import Assignment, Campaign, Outcome, Package, PackageState
from itagflow.model.task import Answer, TaskState
from itagflow.model.template import Template
from itagflow.model.workspace import Member
from itagflow.results.outcome_rules import describe_end
from itagflow.results.rules import (
    Case,
    build_cases,
    compute_state,
    find_judgment,
    with_counts,
)
from itagflow.reviewing.lot_rules import LotWork, describe_lot, make_lot_work, require_accepted
from itagflow.reviewing.sampling import (
    Arrival,
    Draw,
    enter_lot,
    find_scope,
    is_package_drawn,
    list_skipped,
    open_lot,
)

OUTCOMES = {
    "submit": Outcome.SUBMITTED,
    "review": Outcome.REVIEWED,
    "accept": Outcome.ACCEPTED,
    "reject": Outcome.REJECTED,
}
"""How an assignment has ended after each operation that completes it."""


@copyable
@attrs.frozen(slots=False)
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
    seconds: float | None = None
    """How long it took as a whole, as the client says; None when it does not."""


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
    """The stage to which it goes then, unless a dispute is left; None: it is done."""
    merges_votes: bool
    """Whether the votes of the round are merged."""
    recounts: bool
    """Whether the counts of the package may change."""
    needs_answers: bool
    """Whether the answers to its tasks are needed, with the numbers of the tasks."""
    needs_tasks: bool
    """Whether the numbers of its tasks are needed."""


@copyable
@attrs.frozen(kw_only=True, slots=False)
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
    merge_calls: MergeCalls = attrs.field(factory=MergeCalls)
    """What the application's merge functions made of the votes, and what they are still to say."""
    drafts: tuple[int, ...] = ()
    """The tasks whose draft is newer than the answer, where that is asked."""
    part_id: int = 0
    """The id of an open offer, if one is made."""
    has_adjudicators: bool = False
    """Whether there is somebody who may decide disputes and did not vote, where they are merged."""
    has_voters: bool = False
    """Whether there is somebody left to vote on single tasks, where more votes may be asked for."""
    releases_rest: bool = False
    """Whether tasks without an answer are left to others."""


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
    has_votes = is_labeling and package.votes > 1
    # what an expert or an adjudicator still has to decide does not keep votes from being merged
    merges = (
        has_votes
        and assignment.is_vote
        and part_rules.are_votes_in(package, assignments, assignment.id)
    )
    target = find_next_stage(job, package)
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
    has_lot = package.lot is not None or package.lot_entry is not None
    needs_answers = recounts or merges or has_missing or has_disputes or has_lot
    needs_numbers = is_last and _needs_tasks(job, package, target)
    return CompletionPlan(
        leaves_stage=is_last,
        next_stage=target,
        merges_votes=merges,
        recounts=recounts,
        needs_answers=needs_answers,
        needs_tasks=needs_answers or needs_numbers,
    )


def pass_review(facts: CompletionFacts, operation: str) -> Change:
    """End a review or an acceptance: the package passes.

    Raises:
        WrongState: when the assignment is at another stage than *operation* is for.
        Incomplete: when tasks stand judged wrong, or disputed ones are undecided.
    """
    package, assignment = facts.context.package, facts.context.assignment
    require_stage(assignment, operation, REVIEW_STAGES[operation])
    lot = find_lot_work(facts.context, facts.history)
    if lot is not None:
        require_accepted(lot)
    closing = AssignmentCommand(
        assignment=assignment,
        wrong=find_wrong(facts.context, facts.history),
        undecided=find_undecided(facts.context, facts.history),
    )
    ended = end_assignment(facts.context, operation, closing)
    ended = with_author(ended, has_answered=facts.counts.resolved > 0)
    assignments = replace_assignment(facts.history.assignments, ended)
    after = recount(facts, pass_on(facts, assignments), assignments)
    save: list[Saved] = [(package, after), (assignment, ended), *facts.counters]
    save += finish_job_with(facts, after)
    became = describe_became(facts, after, assignments)
    ctx, data = facts.context.ctx, {} if lot is None else describe_lot(lot)
    return record(ctx, operation, about=ended, save=save, data=data, became=became)


def with_author(review: Assignment, *, has_answered: bool) -> Assignment:
    """Return *review*, which ends, with whether its holder is an author for the stage behind it."""
    if review.stage is not Stage.INSPECT or not has_answered:
        return review
    return evolve(review, authored=True)


REVIEW_STAGES = {"review": Stage.INSPECT, "accept": Stage.ACCEPT}
"""The stage of each operation that lets a package pass."""


def find_lot_work(context: AssignmentContext, history: PackageHistory) -> LotWork | None:
    """Return what was done on the lot that the assignment is about; None where no plan decides."""
    job, package, assignment = context.job, context.package, context.assignment
    if package.lot is None:
        return None  # nearly always
    return make_lot_work(job, package, assignment, history.assignments, history.answers)


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
        add_to_assignment(assignment, context.seconds, context.ctx.at),
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
    assignments: Sequence[Assignment] = (),
    disputes: tuple[int, ...] = (),
) -> Package:
    """Return *package* as it is at the next stage for which it is drawn, or done.

    *tasks* are the numbers of its tasks, where a scope has to be drawn or some are excluded;
    *assignments* are all that there ever were on it.
    """
    lifecycle = get_package_lifecycle(job.workflow)
    state = lifecycle.advance(package.state, "pass", entity=str(package))
    skipped = list_skipped(job, package, disputed=bool(disputes))
    for _ in skipped:
        state = lifecycle.advance(state, "skip", entity=str(package))
    stage, free, scope, lot, entry = state.stage, 0, None, None, None
    if stage is not None:
        left = [task for task in tasks if task not in package.excluded]
        arrival = Arrival(
            job=job, package=package, tasks=left, disputes=disputes, assignments=assignments
        )
        lot, entry = open_lot(arrival, stage), enter_lot(arrival, stage)
        # what waits for its lot is given to nobody, and nothing of it is drawn yet
        free = 0 if entry else slots(package, stage)
        scope = None if entry else find_scope(arrival, stage)
        scope = without_excluded(package, scope, left)
    return evolve(
        package,
        state=state,
        free=free,
        waiting_since=ctx.at,
        scope=scope,
        lot=lot,
        lot_entry=entry,
        disputes=disputes,
        skipped=(*package.skipped, *skipped),
        campaigns=package.campaigns if state.stage is not None else end_campaign(package),
    )


def send_back(
    job: Job, package: Package, ctx: Context, *, sent: tuple[int, ...] | None, tasks: Sequence[int]
) -> Package:
    """Return *package* as it is after a reject: at the stage that the rule names, in a new round.

    *sent* are the tasks that go back (None: all of *tasks*; in a campaign, all of its tasks).
    """
    state = get_package_lifecycle(job.workflow).advance(
        package.state, "reject", entity=str(package)
    )
    numbers = set(list_due(package, tasks) if sent is None else sent)
    redoes_all = state.stage is Stage.LABEL and job.workflow.label.redo_all
    if redoes_all or sent is None:
        sent = None if package.campaign is None else package.campaign.tasks
    # the scope of a whole package is None, so that every later step knows it without counting
    if sent is not None and len(sent) >= package.size:
        sent = None
    again = with_next_round(job, package, state.stage)
    return evolve(
        again,
        state=state,
        whole_round=_find_whole_round(package, state, is_whole=sent is None),
        skipped=(),
        free=_slots_at(again, state.stage),
        waiting_since=ctx.at,
        scope=without_excluded(package, sent, tasks),
        lot=None,
        lot_entry=None,
        rejects=tuple(sorted(numbers.union(package.rejects))),
        disputes=tuple(task for task in package.disputes if task not in numbers),
    )


def requeue(
    context: AssignmentContext, abandoned: Sequence[int], disputes: tuple[int, ...]
) -> Package:
    """Return the package in a new round at LABEL, in which *abandoned* tasks are labeled again."""
    job, package = context.job, context.package
    state = get_package_lifecycle(job.workflow).advance(
        package.state, "requeue", entity=str(package)
    )
    scope: tuple[int, ...] | None = tuple(abandoned)
    # the scope of a whole package is None, so that every later step knows it without counting
    is_whole = len(abandoned) >= package.size
    again = with_next_round(job, package, state.stage)
    return evolve(
        again,
        state=state,
        whole_round=_find_whole_round(package, state, is_whole=is_whole),
        free=_slots_at(again, state.stage),
        waiting_since=context.ctx.at,
        scope=None if is_whole else scope,
        disputes=disputes,
        requeued=tuple(sorted({*package.requeued, *abandoned})),
    )


def reopen_package(job: Job, package: Package, ctx: Context, *, tasks: Sequence[int]) -> Package:
    """Return *package* reopened: for a review of everything, or for labeling if there is none.

    *tasks* are the numbers of its tasks, where some are excluded.
    """
    state = get_package_lifecycle(job.workflow).advance(
        package.state, "reopen", entity=str(package)
    )
    again = with_next_round(job, package, state.stage)
    return evolve(
        again,
        state=state,
        whole_round=_find_whole_round(package, state, is_whole=True),
        reopened_round=package.round + 1,
        reopenings=package.reopenings + 1,
        skipped=(),
        free=_slots_at(again, state.stage),
        waiting_since=ctx.at,
        scope=without_excluded(package, None, tasks),
    )


@attrs.frozen
class Reopening:
    """Some tasks of a package that are to be opened again, and where."""

    tasks: tuple[int, ...]
    """Their numbers, in order."""
    stage: Stage
    """The stage at which they are."""
    comment: str = ""
    """Why."""


def reopen_tasks(job: Job, package: Package, ctx: Context, opening: Reopening) -> Package:
    """Return *package*, which is done, with some of its tasks opened again: a campaign begins."""
    state = get_package_lifecycle(job.workflow).advance(
        package.state, name_reopening(opening.stage), entity=str(package)
    )
    again = with_next_round(job, package, state.stage)
    is_whole = len(opening.tasks) >= package.size
    campaign = Campaign(
        round=again.round,
        stage=opening.stage,
        tasks=opening.tasks,
        skipped=package.skipped,
        whole_round=package.whole_round,
        requeued=package.requeued,
        comment=opening.comment,
    )
    return evolve(
        again,
        state=state,
        whole_round=_find_whole_round(package, state, is_whole=is_whole),
        skipped=(),
        free=_slots_at(again, state.stage),
        waiting_since=ctx.at,
        scope=None if is_whole else opening.tasks,
        campaigns=(*package.campaigns, campaign),
    )


def end_campaign(package: Package) -> tuple[Campaign, ...]:
    """Return the campaigns of *package* once its present round is its last."""
    if package.campaign is None:
        return package.campaigns
    ended = attrs.evolve(package.campaign, last_round=package.round)
    return (*package.campaigns[:-1], ended)


def list_due(package: Package, tasks: Sequence[int]) -> Sequence[int]:
    """Return which of its *tasks* work on a package is about: in a campaign, those of that."""
    return tasks if package.campaign is None else package.campaign.tasks


def discard_package(job: Job, package: Package) -> Package:
    """Return *package*, in no campaign, as it is when it is discarded; its answers stay."""
    state = get_package_lifecycle(job.workflow).advance(
        package.state, "discard", entity=str(package)
    )
    return evolve(package, state=state, free=0, scope=None, lot=None, lot_entry=None)


def finish_job(job: Job | None) -> tuple[Saved, ...]:
    """Return the locked *job* and its finished form, if there is one and it can finish."""
    if job is None or job.state not in JOB.get_sources("finish"):
        return ()
    return ((job, advance_job(job, "finish")),)


def finish_job_with(facts: CompletionFacts, package: Package) -> tuple[Saved, ...]:
    """Return the locked job finished, if *package* is done: a new dispute may have kept it open."""
    if package.open:
        return ()
    return finish_job(facts.last_of_job)


def slots(package: Package, stage: Stage) -> int:
    """Return how many assignments *stage* needs for *package*: its votes, or one."""
    return package.votes if stage is Stage.LABEL else 1


def _find_whole_round(package: Package, state: PackageState, *, is_whole: bool) -> int:
    """Return the round of the last whole labeling of *package*, whose next round begins here."""
    if is_whole and state is PackageState.LABEL:
        return package.round + 1
    return package.whole_round


def find_next_stage(job: Job, package: Package) -> Stage | None:
    """Return the stage that *package* comes to when it passes, if nothing is disputed then.

    None: it is done.  What is disputed now does not count: this may be what decides it.
    """
    stages = job.workflow.stages
    later = stages[stages.index(stage_of(package)) + 1 :]
    skipped = list_skipped(job, package, disputed=False)
    return next((stage for stage in later if stage not in skipped), None)


def without_excluded(
    package: Package, scope: tuple[int, ...] | None, tasks: Sequence[int]
) -> tuple[int, ...] | None:
    """Return *scope* (None: all of *tasks*) without what *package* excludes."""
    if not package.excluded:
        return scope
    numbers = tasks if scope is None else scope
    return tuple(task for task in numbers if task not in package.excluded)


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
    answers = {task: history.answers[task] for task in scope_of(context, history)}
    cases = build_cases(context.job, context.package, history.assignments, answers)
    return tuple(case.task for case in cases if find_judgment(case).is_wrong)


def pass_on(
    facts: CompletionFacts, assignments: Sequence[Assignment], disputes: tuple[int, ...] = ()
) -> Package:
    """Return the package at its next stage."""
    context = facts.context
    return pass_package(
        context.job,
        context.package,
        context.ctx,
        tasks=facts.history.tasks,
        assignments=assignments,
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
    answers = with_answers(facts.history.answers, new)
    return with_counts(package, build_cases(facts.context.job, package, assignments, answers))


def describe_became(
    facts: CompletionFacts,
    package: Package,
    assignments: Sequence[Assignment],
    new: Sequence[Answer] = (),
) -> str:
    """Return what became of the tasks of *package*, if it is done now; see `describe_end`."""
    if package.stage is not None:
        return ""
    tasks = facts.history.tasks or package.consecutive_tasks
    abandoned: tuple[int, ...] = ()
    if package.abandoned:  # else no answers were read, and none are needed
        answers = with_answers(facts.history.answers, new)
        abandoned = find_abandoned(build_cases(facts.context.job, package, assignments, answers))
    return describe_end(facts.context.package, package, tasks, abandoned)


def find_abandoned(cases: Iterable[Case]) -> tuple[int, ...]:
    """Return the tasks of *cases* that are given up, as far as votes are merged."""
    return tuple(
        case.task for case in cases if compute_state(case, live=False) is TaskState.ABANDONED
    )


def find_undecided(context: AssignmentContext, history: PackageHistory) -> tuple[int, ...]:
    """Return the disputed tasks to which the reviewer has given no answer of their own."""
    package = context.package
    if not package.disputes:
        return ()
    disputes = [task for task in package.disputes if task not in package.excluded]
    return find_unanswered(context, history, disputes)


def find_unanswered(
    context: AssignmentContext, history: PackageHistory, tasks: Sequence[int]
) -> tuple[int, ...]:
    """Return those of *tasks* that the assignment itself has not resolved."""
    missing: list[int] = []
    for task in tasks:
        answer = history.answers.get(task, {}).get(context.assignment.id)
        if answer is None or not answer.is_resolved:
            missing.append(task)
    return tuple(missing)


def replace_assignment(assignments: Sequence[Assignment], ended: Assignment) -> list[Assignment]:
    """Return *assignments* with the one that has *ended* as it is then."""
    return [ended if assignment.id == ended.id else assignment for assignment in assignments]


def with_answers(
    answers: Mapping[int, Mapping[int, Answer]], new: Sequence[Answer]
) -> Mapping[int, Mapping[int, Answer]]:
    """Return *answers* as they are once the *new* ones are stored."""
    if not new:
        return answers
    updated = dict(answers)
    for answer in new:
        updated[answer.task] = {**updated.get(answer.task, {}), answer.assignment: answer}
    return updated


def scope_of(context: AssignmentContext, history: PackageHistory) -> Sequence[int]:
    """Return the tasks that the assignment is about."""
    scope = context.assignment.scope
    return history.tasks if scope is None else scope


def is_count_enough(context: AssignmentContext, counts: AnswerCounts) -> bool:
    """Return whether the number of answers alone tells that none is missing."""
    # an answer to a task that is excluded stays, while the task is in no scope any more
    return not context.package.excluded and counts.resolved == get_scope_size(context)


def get_scope_size(context: AssignmentContext) -> int:
    """Return how many tasks the assignment is about."""
    scope = context.assignment.scope
    return context.package.size if scope is None else len(scope)


def _slots_at(package: Package, stage: Stage | None) -> int:
    return 0 if stage is None else slots(package, stage)


def _needs_tasks(job: Job, package: Package, stage: Stage | None) -> bool:
    """Return whether the numbers of the tasks are needed when *package* goes on to *stage*.

    `pass_package` draws from them, except for a first review of all; and the event that ends a
    package names them, where the package does not tell.
    """
    if stage is None:
        return not package.first_task
    rule = job.workflow.review(stage)
    is_sampled = rule is not None and rule.is_sampled
    return bool(package.excluded) or package.round > 1 or is_sampled


def count_votes(job: Job, package: int) -> int:
    """Return how many members are to label the package with this number."""
    label = job.workflow.label
    if label.votes_package_share is None:
        return label.first_votes
    # the round in which it is made: it stays drawn, or not, for good
    draw = Draw(seed=job.seed, stage=Stage.LABEL, package=package, round=1)
    return label.first_votes if is_package_drawn(draw, label.votes_package_share) else 1


def with_votes(job: Job, package: Package, round: int) -> Package:
    """Return *package* with the votes that its job asks for from this round on.

    They never become fewer: votes that were given count.
    """
    votes = max(count_votes(job, package.number), package.votes)
    since = package.voted_since
    if package.votes == 1 and votes > 1:
        since = round
    return evolve(package, votes=votes, voted_since=since)


def with_next_round(job: Job, package: Package, stage: Stage | None) -> Package:
    """Return *package* in its next round; at LABEL with the votes that its job asks for now."""
    again = evolve(package, round=package.round + 1)
    if stage is not Stage.LABEL:
        return again
    return with_votes(job, again, again.round)


def with_slots_added(job: Job, package: Package) -> Package:
    """Return *package*, which is at LABEL, with a slot for each vote that it has too few."""
    if package.state is not PackageState.LABEL:
        return package
    more = with_votes(job, package, package.round)
    return evolve(more, free=package.free + more.votes - package.votes)
