"""What goes back to labeling, why, how often, and to whom: reject and the rework that follows.

The service reads into `RejectFacts`, asks `plan_reject` which members may be offered the rework,
locks these, and applies the change that `reject` returns.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

import attrs

from itagflow import access
from itagflow.access import Action, Policy
from itagflow.claiming import rules as claiming
from itagflow.errors import Incomplete, InvalidData, NotAllowed, Problem
from itagflow.labeling.rules import add_seconds, has_same_content, make_answer
from itagflow.lifecycle.tables import (
    AssignmentCommand,
    get_package_lifecycle,
    must_be_working,
    require_stage,
    stage_of,
)
from itagflow.model.change import Change, Saved, record, split_answers
from itagflow.model.copying import evolve
from itagflow.model.entity import Entity
from itagflow.model.job import Job, Route, Stage
from itagflow.model.package import Assignment, AssignmentState, Outcome, Package
from itagflow.model.plan import LotState
from itagflow.model.rule_choices import OnMaxRejects
from itagflow.model.task import Answer, Verdict
from itagflow.model.text import find_text_error
from itagflow.model.workspace import Member, is_paused
from itagflow.printing import format_count, format_repr
from itagflow.results.rules import (
    build_cases,
    has_opened,
    is_in_campaign,
    select_history,
    with_counts,
)
from itagflow.reviewing.lot_rules import describe_lot, require_rejected
from itagflow.reviewing.rules import (
    AssignmentContext,
    PackageHistory,
    end_assignment,
    find_lot_work,
    find_wrong,
    list_due,
    replace_assignment,
    scope_of,
    send_back,
    slots,
    with_answers,
    with_author,
    with_offers,
)

REVIEWS = (Stage.INSPECT, Stage.ACCEPT)
"""The stages at which work is reviewed."""


def abandon_rejected(judgment: Answer) -> Answer:
    """Return a wrong *judgment* as the answer that gives the task up, since it was sent back often.

    It keeps why the task is wrong.
    """
    return attrs.evolve(judgment, verdict=Verdict.RIGHT, abandon_reason=REJECTED_TOO_OFTEN)


def require_no_modification(*answers: Answer | None) -> None:
    """Check that a wrong judgment replaces no answer that the reviewer has given.

    Raises:
        Incomplete: when it would; it lists the tasks.
    """
    modified = tuple(each.task for each in answers if each is not None and each.is_resolved)
    if modified:
        reason = (
            "you have answered it yourself: let your answer stand, "
            "or judge it wrong with discard_modification=True"
        )
        raise Incomplete("judge the task wrong", reason, modified)


@attrs.frozen
class Explanation:
    """Why something is wrong."""

    comment: str = ""
    """What the reviewer writes."""
    reason: str = ""
    """One of the reasons of the stage."""

    @property
    def is_empty(self) -> bool:
        """Whether nothing is said."""
        return not self.comment.strip() and not self.reason


NOTHING_SAID = Explanation()
"""No comment and no reason."""


def require_explanation(job: Job, stage: Stage, subject: str, said: Explanation) -> Explanation:
    """Return *said* if it explains to those who did the work why a task is wrong.

    Raises:
        InvalidData: when the stage has reasons and none of them is given, when it has none and
            there is no comment, or when one cannot be stored.
    """
    require_known_reason(job, stage, subject, said)
    reasons = list_reasons(job, stage)
    if reasons and not said.reason:
        raise InvalidData(subject, [Problem("reason", f"is missing: give {_join(reasons)}")])
    if not reasons and not said.comment.strip():
        message = "is empty: say why, the people who did the work will read it"
        raise InvalidData(subject, [Problem("comment", message)])
    return said


def require_known_reason(job: Job, stage: Stage, subject: str, said: Explanation) -> None:
    """Check that the reason, if one is given, is one of the stage, and the comment can be stored.

    Raises:
        InvalidData: when they are not.
    """
    problem = find_text_error(said.comment)
    if problem:
        raise InvalidData(subject, [Problem("comment", problem)])
    reasons = list_reasons(job, stage)
    if not said.reason or said.reason in reasons:
        return
    message = f"is not one of {_join(reasons)}"
    if not reasons:
        message = f"is not known: {stage.value} has no reasons; leave it out, and give a comment"
    raise InvalidData(subject, [Problem(f"reason {format_repr(said.reason)}", message)])


def list_reasons(job: Job, stage: Stage) -> tuple[str, ...]:
    """Return the reasons for which a task may be judged wrong at *stage*."""
    rule = job.workflow.review(stage)
    if rule is None:
        return ()
    return rule.reasons


def _join(reasons: tuple[str, ...]) -> str:
    return " or ".join(format_repr(reason) for reason in reasons)


REJECTED_TOO_OFTEN = "rejected too often"
"""Why a task is abandoned that was sent back as often as it may."""


@attrs.frozen
class RejectLimit:
    """How often a stage may send one task back."""

    most: int | None
    """How many times; None: any number."""
    then: OnMaxRejects
    """What becomes of the task then."""

    def is_reached(self, rejects: int) -> bool:
        """Return whether a task that was sent back *rejects* times may not be again."""
        return self.most is not None and rejects >= self.most


def find_limit(job: Job, stage: Stage) -> RejectLimit:
    """Return how often *stage* of *job* may send one task back."""
    rule = job.workflow.review(stage)
    if rule is None:
        return RejectLimit(None, OnMaxRejects.MODIFY)
    return RejectLimit(rule.max_rejects, rule.on_max_rejects)


def count_rejects(
    package: Package, assignments: Sequence[Assignment], stage: Stage, tasks: Collection[int]
) -> dict[int, int]:
    """Return how many times *stage* has sent each of these tasks of *package* back.

    What was opened again, with its package or in a campaign, is counted again: whoever did that
    asks for another labeling, and not for the rest of the one before.
    """
    rejects = [
        assignment
        for assignment in assignments
        if assignment.stage is stage and assignment.outcome is Outcome.REJECTED
    ]
    counts = dict.fromkeys(tasks, 0)
    for task in tasks:
        opened = _find_last_opening(package, task)
        for assignment in select_history(package, rejects, task):
            is_sent = assignment.sent_back is None or task in assignment.sent_back
            if is_sent and assignment.round >= opened:
                counts[task] += 1
    return counts


def _find_last_opening(package: Package, task: int) -> int:
    """Return the round in which a task was opened again last; 0: never."""
    campaigns = [each.round for each in package.campaigns if has_opened(each, task)]
    return max(package.reopened_round, *campaigns, 0)


def find_limited(job: Job, stage: Stage, rejects: Mapping[int, int]) -> tuple[int, ...]:
    """Return the tasks that *stage* may not send back again, by how often it did."""
    limit = find_limit(job, stage)
    return tuple(sorted(task for task, number in rejects.items() if limit.is_reached(number)))


def require_below_limit(job: Job, stage: Stage, rejects: Mapping[int, int]) -> None:
    """Check that *stage* may send these tasks back, where the reviewer has to do the rest.

    Raises:
        Incomplete: when it has sent some back as often as it may; it lists them.
    """
    limit = find_limit(job, stage)
    limited = find_limited(job, stage, rejects)
    if limit.then is not OnMaxRejects.MODIFY or limit.most is None or not limited:
        return
    noun = "it was" if len(limited) == 1 else "they were"
    times = format_count(limit.most, "time")
    reason = f"{noun} sent back {times}, which is the most: modify, or abandon"
    raise Incomplete("send the task back", reason, limited)


@attrs.frozen(kw_only=True)
class RejectFacts:
    """What `plan_reject` and `reject` decide on."""

    context: AssignmentContext
    """The assignment with its package; the job is locked, so that offers stay allowed."""
    history: PackageHistory
    """What was done on the package, with all tasks and answers."""
    counters: Sequence[Saved]
    """The locked claim counter of the holder with one assignment less, if the stage has a limit."""
    named: Collection[int] = ()
    """The numbers of the tasks that the reviewer names."""
    said: Explanation = NOTHING_SAID
    """Why the work goes back, as the reviewer says of the named tasks and the package."""
    is_whole: bool = False
    """Whether every task goes back."""
    previous: Mapping[str, Any] = attrs.field(factory=dict[str, Any])
    """The reviewer's stored answers as the history keeps them, by number of the task."""
    policy: Policy
    """Says who may do what."""


@attrs.frozen(kw_only=True)
class RejectPlan:
    """What a reject comes to, except for the members who are offered the rework."""

    judged: Sequence[tuple[Answer | None, Answer]]
    """The reviewer's answers that the reject itself gives, each with what it replaces."""
    history: PackageHistory
    """What was done on the package, with these answers."""
    wrong: tuple[int, ...]
    """The tasks that stand judged wrong."""
    sent: tuple[int, ...] | None
    """The tasks that go back; None: every task of the package, or of the campaign that goes on."""
    abandoned: tuple[int, ...] = ()
    """The tasks that were sent back as often as they may, and are abandoned instead."""
    named_member: int | None = None
    """The member to whom the rule offers the rework, if it names one."""
    authors: tuple[int, ...] = ()
    """The members to whom the rework is offered otherwise, in order."""
    candidates: tuple[int, ...] = ()
    """Everybody who may be offered the rework: the service locks them."""


@attrs.frozen(kw_only=True)
class Rework:
    """To whom the rework is offered."""

    members: Sequence[Member]
    """The members, each with one assignment; the other slots are free."""
    instead: Route | None = None
    """Where it goes other than the rule says; None: as the rule says."""


def plan_reject(facts: RejectFacts) -> RejectPlan:
    """Return which tasks go back, and to whom they may be offered.

    Raises:
        WrongState: when the assignment is at LABEL.
        InvalidData: when named tasks are not in scope, or it is not said why they are wrong.
        Incomplete: when the reviewer's own answer would be dropped, or tasks were sent back as
            often as they may.
        NotAllowed: when the job does not let work go on, or an acceptance plan is against it.
    """
    context = facts.context
    job, package, assignment = context.job, context.package, context.assignment
    require_stage(assignment, "reject", *REVIEWS)
    must_not_be_in_a_lot(package)
    require_known_reason(job, assignment.stage, "the reject", facts.said)
    judged = _judge_named(facts)
    # the job was read again when it was locked: it may have been finished or archived meanwhile
    must_be_working(job, "reject")
    history = _add_answers(facts.history, judged.values())
    lot = find_lot_work(context, history)
    if lot is not None:
        require_rejected(lot)
    wrong = find_wrong(context, history)
    limited = _find_limited(facts, history, wrong)
    abandoned: tuple[int, ...] = ()
    if find_limit(job, assignment.stage).then is OnMaxRejects.ABANDON:
        abandoned = limited
        judged.update(_abandon(facts, history, abandoned))
        history = _add_answers(facts.history, judged.values())
    plan = RejectPlan(
        judged=[pair for pair in judged.values() if _is_change(pair)],
        history=history,
        wrong=wrong,
        sent=_find_sent(facts, wrong, abandoned),
        abandoned=abandoned,
    )
    if limited and not abandoned:
        return plan  # what was sent back so often is for anyone else
    authors = find_authors(job, package, history.assignments, plan.sent)
    named = find_named_member(job, package)
    candidates = authors if named is None else tuple(dict.fromkeys((named, *authors)))
    return attrs.evolve(plan, named_member=named, authors=authors, candidates=candidates)


def must_not_be_in_a_lot(package: Package) -> None:
    """Check that a reviewer may send *package* back: not where several packages are one lot.

    Raises:
        NotAllowed: when its lot decides, or has decided.
    """
    entry = package.lot_entry
    if entry is None:
        return
    if entry.state is LotState.CLOSED:
        reason = (
            f"lot {entry.lot} is accepted or rejected as a whole: judge what is wrong, "
            "and hand it in with accept"
        )
    else:
        reason = f"lot {entry.lot} was {entry.state.value}: modify what is wrong, and accept it"
    raise NotAllowed("", "reject", reason)


def reject(
    facts: RejectFacts, plan: RejectPlan, members: Sequence[Member], offer_ids: Sequence[int]
) -> Change:
    """End a review by sending tasks back, and offer the rework to the locked *members* who may.

    Raises:
        WrongState: when the assignment is not held.
        Incomplete: when no task is judged wrong and not all go back, or all go back and it is not
            said why.
    """
    context, tasks = facts.context, facts.history.tasks
    job, package, assignment = context.job, context.package, context.assignment
    closing = AssignmentCommand(
        assignment=assignment,
        wrong=plan.wrong,
        is_whole=facts.is_whole,
        is_explained=not facts.said.is_empty,
    )
    ended = end_assignment(
        context, "reject", closing, comment=facts.said.comment, sent_back=plan.sent
    )
    back = send_back(job, package, context.ctx, sent=plan.sent, tasks=tasks)
    has_answered = has_kept_answers(ended, back, tasks, plan.history.answers)
    ended = with_author(evolve(ended, reason=facts.said.reason), has_answered=has_answered)
    assignments = replace_assignment(plan.history.assignments, ended)
    # the offers take slots of the package as it is after the reject, so they are made for that one
    rework = select_rework(facts, plan, members, back)
    offered = with_offers(back, rework.members)
    after = with_counts(offered, build_cases(job, offered, assignments, plan.history.answers))
    # an id was drawn for every candidate; who does not get an offer leaves one unused
    add: list[Entity] = [
        claiming.offer(claiming.Slot(job, after, stage_of(after), member), context.ctx, id=id)
        for id, member in zip(offer_ids, rework.members, strict=False)
    ]
    added, replaced = split_answers(plan.judged)
    save: list[Saved] = [(package, after), (assignment, ended), *replaced, *facts.counters]
    save += find_outdated_authors(back, assignments, tasks)
    data = _describe(facts, plan, rework)
    return record(context.ctx, "reject", about=ended, add=[*add, *added], save=save, data=data)


def find_named_member(job: Job, package: Package) -> int | None:
    """Return the member to whom the rule of the job gives what is labeled again, if it names one.

    What goes back to INSPECT is reviewed again, and not labeled.
    """
    route = job.workflow.label.rework
    if _find_target(job, package) is Stage.LABEL and isinstance(route, int):
        return route
    return None


def find_authors(
    job: Job,
    package: Package,
    assignments: Sequence[Assignment],
    sent: Collection[int] | None = None,
) -> tuple[int, ...]:
    """Return the keys of the members whose work on *package* goes back, the latest first.

    For LABEL they are those whose assignments closed the last labeling of the tasks that are
    *sent* back (None: of any task); nobody, if the rule puts all rework into the queue. For
    INSPECT, after a reject at ACCEPT, it is the inspector of the latest round.
    """
    stage = _find_target(job, package)
    if stage is None or (stage is Stage.LABEL and job.workflow.label.rework is Route.QUEUE):
        return ()
    return list_authors(stage, without_withdrawn(package, assignments), sent)


def without_withdrawn(package: Package, assignments: Sequence[Assignment]) -> Sequence[Assignment]:
    """Return those of the *assignments* of a package that are part of no withdrawn campaign."""
    withdrawn = [each for each in package.campaigns if each.is_withdrawn]
    if not withdrawn:
        return assignments  # nearly always
    return [
        assignment
        for assignment in assignments
        if not any(is_in_campaign(campaign, assignment.round) for campaign in withdrawn)
    ]


def list_authors(
    stage: Stage, assignments: Sequence[Assignment], tasks: Collection[int] | None
) -> tuple[int, ...]:
    """Return who closed the last work at *stage* of *tasks* (None: of any), the latest first."""
    closing = [
        assignment
        for assignment in assignments
        if assignment.stage is stage
        and assignment.state is AssignmentState.DONE
        and assignment.member is not None
        and not assignment.decides
    ]
    if stage is not Stage.LABEL:
        # of several in a round, after a return, the last one reviewed the package
        return tuple(each.member for each in closing[-1:] if each.member is not None)
    closing.sort(key=lambda each: -each.round)
    authors = list[Assignment]()
    for task in tasks or ():
        of_task = [each for each in closing if each.covers(task)]
        authors += [each for each in of_task if each.round == of_task[0].round]
    # what no member has labeled, such as accepted pre-labels, goes to those who did the rest
    if not authors:
        authors = [each for each in closing if each.round == closing[0].round]
    authors.sort(key=lambda each: (-each.round, each.id))
    return tuple(dict.fromkeys(each.member for each in authors if each.member is not None))


@attrs.frozen
class WorkPlace:
    """Where and when work is offered to members."""

    policy: Policy
    """Says who may do what."""
    job: Job
    """The job."""
    stage: Stage
    """The kind of work."""
    at: datetime
    """When."""


def select_able(place: WorkPlace, members: Sequence[Member]) -> list[Member]:
    """Return those of *members* who may be offered work there, and are not paused."""
    return [
        member
        for member in members
        if access.refusal(place.policy, member, Action.at(place.stage), place.job, place.stage)
        is None
        and not is_paused(member, place.at)
    ]


def select_rework(
    facts: RejectFacts, plan: RejectPlan, members: Sequence[Member], package: Package
) -> Rework:
    """Return to whom the rework of *package* is offered, of the locked candidates *members*.

    Where the member whom the rule names may not do it any more, it goes back to the authors; who of
    these may not leaves a slot to the queue.
    """
    job, stage = facts.context.job, stage_of(package)
    able = select_able(WorkPlace(facts.policy, job, stage, facts.context.ctx.at), members)
    named = [member for member in able if member.id == plan.named_member]
    if named:
        return Rework(members=named)
    authors = [member for member in able if member.id in plan.authors][: slots(package, stage)]
    if not authors:
        is_queue = stage is Stage.LABEL and job.workflow.label.rework is Route.QUEUE
        return Rework(members=(), instead=None if is_queue else Route.QUEUE)
    if plan.named_member is not None:
        return Rework(members=authors, instead=Route.AUTHOR)
    return Rework(members=authors)


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


def _find_limited(
    facts: RejectFacts, history: PackageHistory, wrong: Sequence[int]
) -> tuple[int, ...]:
    """Return the tasks that would go back and were sent back as often as they may.

    Raises:
        Incomplete: when the reviewer has to decide these; it lists them.
    """
    context = facts.context
    package, stage, going = context.package, context.assignment.stage, wrong
    if facts.is_whole:
        due = list_due(package, history.tasks)
        going = [task for task in due if task not in package.excluded]
    rejects = count_rejects(package, history.assignments, stage, going)
    require_below_limit(context.job, stage, rejects)
    return find_limited(context.job, stage, rejects)


def _find_sent(
    facts: RejectFacts, wrong: Sequence[int], abandoned: Collection[int]
) -> tuple[int, ...] | None:
    """Return the tasks that go back; None: every task of the package.

    Raises:
        Incomplete: when all that would go back is abandoned instead.
    """
    if facts.is_whole and not abandoned:
        return None
    package = facts.context.package
    going = list_due(package, facts.history.tasks) if facts.is_whole else wrong
    sent = tuple(task for task in going if task not in abandoned and task not in package.excluded)
    if abandoned and not sent:
        reason = "was sent back as often as it may: judge it wrong, which abandons it, and pass"
        raise Incomplete("reject", f"every task {reason}", tuple(abandoned))
    return sent


def _find_target(job: Job, package: Package) -> Stage | None:
    """Return the stage to which a reject brings *package*."""
    return get_package_lifecycle(job.workflow).advance(package.state, "reject").stage


def _judge_named(facts: RejectFacts) -> dict[int, tuple[Answer | None, Answer]]:
    """Return the judgments of the named tasks, by task, each with what it replaces."""
    if not facts.named:
        return {}
    context, assignment = facts.context, facts.context.assignment
    said = require_explanation(context.job, assignment.stage, "the reject", facts.said)
    require_in_scope(assignment, facts.named, scope_of(context, facts.history))
    judged = dict[int, tuple[Answer | None, Answer]]()
    # by number, as the service that gives them does not sort: events list tasks in order
    for task in sorted(facts.named):
        new = make_answer(
            assignment,
            task,
            context.ctx,
            verdict=Verdict.WRONG,
            comment=said.comment,
            reason=said.reason,
        )
        old = facts.history.answers[task].get(assignment.id)
        # the time that the reviewer has spent on it stays
        judged[task] = (old, new if old is None else add_seconds(new, old.seconds))
    require_no_modification(*(old for old, _ in judged.values()))
    return judged


def _abandon(
    facts: RejectFacts, history: PackageHistory, tasks: Sequence[int]
) -> dict[int, tuple[Answer | None, Answer]]:
    """Return answers that abandon *tasks*, by task; the reviewer's own ones stand."""
    context, assignment = facts.context, facts.context.assignment
    abandoned = dict[int, tuple[Answer | None, Answer]]()
    for task in tasks:
        old = facts.history.answers[task].get(assignment.id)
        judgment = history.answers[task].get(assignment.id)
        if judgment is not None and judgment.is_resolved:
            continue
        said = facts.said
        if judgment is not None and judgment.wrong:
            said = Explanation(judgment.comment, judgment.reason)
        new = make_answer(assignment, task, context.ctx, comment=said.comment, reason=said.reason)
        abandoned[task] = (old, abandon_rejected(new))
    return abandoned


def _is_change(pair: tuple[Answer | None, Answer]) -> bool:
    old, new = pair
    return old is None or not has_same_content(old, new)


def _add_answers(
    history: PackageHistory, pairs: Collection[tuple[Answer | None, Answer]]
) -> PackageHistory:
    return attrs.evolve(history, answers=with_answers(history.answers, [new for _, new in pairs]))


def _describe(facts: RejectFacts, plan: RejectPlan, rework: Rework) -> dict[str, Any]:
    """Return what the event says of a reject."""
    said, tasks = facts.said, list_due(facts.context.package, facts.history.tasks)
    # what is said of the package, or else what is said of the tasks
    comment = said.comment or "; ".join(_collect_comments(facts, plan))
    data: dict[str, Any] = {
        "tasks": list(tasks if plan.sent is None else plan.sent),
        "comment": comment,
    }
    if said.reason:
        data["reason"] = said.reason
    if rework.instead is not None:
        data["rework"] = rework.instead.value
    if plan.abandoned:
        data["abandoned"] = list(plan.abandoned)
    if plan.judged:
        replaced = [str(old.task) for old, _ in plan.judged if old]
        if replaced:
            data["previous"] = {task: facts.previous[task] for task in replaced}
        data["answered"] = [judgment.task for _, judgment in plan.judged]
    lot = find_lot_work(facts.context, plan.history)
    return data if lot is None else {**data, **describe_lot(lot)}


def _collect_comments(facts: RejectFacts, plan: RejectPlan) -> list[str]:
    """Return what the assignment's own judgments say of the wrong tasks, each once."""
    comments = dict[str, None]()  # in order, as a set is not
    for task in sorted(plan.wrong):
        answer = plan.history.answers[task].get(facts.context.assignment.id)
        if answer is not None and answer.wrong and (answer.comment or answer.reason):
            comments[answer.comment or answer.reason] = None
    return list(comments)


def has_kept_answers(
    review: Assignment,
    back: Package,
    tasks: Sequence[int],
    answers: Mapping[int, Mapping[int, Answer]],
) -> bool:
    """Return whether something is left of what was modified in a *review* that sends work back.

    Args:
        review: The assignment at a review stage.
        back: The package as it goes back.
        tasks: The numbers of its tasks.
        answers: The answers to each of these, by the id of their assignment.
    """
    if is_labeled_anew(back, tasks):
        return False
    own = (by_assignment.get(review.id) for by_assignment in answers.values())
    return any(answer is not None and answer.is_resolved for answer in own)


def is_labeled_anew(package: Package, tasks: Sequence[int]) -> bool:
    """Return whether *package*, which has these *tasks*, is to be labeled as a whole."""
    if package.stage is not Stage.LABEL:
        return False
    return package.scope is None or len(package.scope) >= len(tasks) - len(package.excluded)


def find_outdated_authors(
    package: Package, assignments: Sequence[Assignment], tasks: Sequence[int]
) -> list[Saved]:
    """Return the inspections that author nothing any more, each with what it becomes.

    Where *package* is to be labeled as a whole, nothing is left of what inspectors modified.
    """
    if not is_labeled_anew(package, tasks):
        return []
    return [
        (assignment, evolve(assignment, authored=False))
        for assignment in assignments
        if assignment.authored and assignment.stage is Stage.INSPECT
    ]
