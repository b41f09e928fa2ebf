"""What must hold at any time: each rule recomputes it and yields the inconsistencies."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from functools import cached_property

import attrs

from itagflow.claiming import part_rules
from itagflow.labeling.voting import is_to_be_decided, merge, remake_voting_rules
from itagflow.lifecycle.tables import JOB
from itagflow.maintenance.lot_checks import check_entry
from itagflow.maintenance.replay import Guidelines
from itagflow.model.inconsistency import Inconsistency, compare_field
from itagflow.model.job import Job, JobState, Stage
from itagflow.model.merging import MergeReport
from itagflow.model.package import (
    PASSING,
    Assignment,
    AssignmentState,
    ClaimCounter,
    Outcome,
    Package,
    PackageState,
    Purpose,
)
from itagflow.model.task import Answer, Draft, Task
from itagflow.model.template import Template
from itagflow.model.workspace import (
    NOT_EXTERNAL_ROLES,
    Member,
    Role,
    Workspace,
)
from itagflow.results import rules as results_rules
from itagflow.results.rules import Case, find_campaign, is_voted_on_in, select_history
from itagflow.reviewing import rules as reviewing_rules
from itagflow.reviewing.rules import count_votes
from itagflow.reviewing.sampling import is_drawn
from itagflow.validation import answers

_ENDS = {
    AssignmentState.OFFERED: frozenset[Outcome | None]({None}),
    AssignmentState.HELD: frozenset[Outcome | None]({None}),
    AssignmentState.RETURNED: frozenset[Outcome | None](
        {Outcome.RELEASED, Outcome.EXPIRED, Outcome.REASSIGNED, Outcome.RECALLED}
    ),
}
"""The outcomes of an assignment in each state but DONE, which has all the others."""
_DONE = frozenset[Outcome | None](Outcome).difference(*_ENDS.values())
_LABELED = frozenset(
    {*results_rules.CLOSING, Outcome.SUBMITTED, Outcome.MERGED, Outcome.SUGGESTED},
)
"""The outcomes of assignments that have an answer to every task of their scope."""


@attrs.frozen
class PackageSnapshot:
    """A package with everything that there is of it, read at one moment."""

    job: Job
    """Its job."""
    template: Template | None
    """The template of the job, if it is there."""
    package: Package
    """The package."""
    tasks: Mapping[int, Task]
    """Its tasks, by number."""
    assignments: Sequence[Assignment]
    """Its assignments, by round, then by id."""
    answers: Sequence[Answer]
    """The answers of its assignments, and all answers to its tasks."""
    members: Mapping[int, Member]
    """Those members of the workspace whom its assignments name."""
    removed_at: Mapping[int, datetime] = attrs.field(factory=dict[int, datetime])
    """When members with live assignments were removed; those are recalled one by one."""
    archived_at: datetime | None = None
    """When the job was archived, if assignments are still to be recalled: one by one, too."""
    drafts: Sequence[Draft] = ()
    """The drafts that name it."""

    @cached_property
    def assignments_by_id(self) -> Mapping[int, Assignment]:
        """Its assignments, by id."""
        return {assignment.id: assignment for assignment in self.assignments}

    @cached_property
    def answers_by_task(self) -> Mapping[int, Mapping[int, Answer]]:
        """The answers to each of its tasks, by the id of the assignment."""
        by_task: dict[int, dict[int, Answer]] = {number: {} for number in self.tasks}
        for answer in self.answers:
            by_task.get(answer.task, {})[answer.assignment] = answer
        return by_task

    @cached_property
    def cases(self) -> list[Case]:
        """The case of each of its tasks."""
        job, package, every = self.job, self.package, self.assignments
        return [
            Case(job, package, select_history(package, every, number), answers, number)
            for number, answers in self.answers_by_task.items()
        ]

    def get_scope(self, assignment: Assignment) -> set[int]:
        """Return the numbers of the tasks that *assignment* is about."""
        scope = assignment.scope
        return set(self.tasks if scope is None else scope)


def check_package(snapshot: PackageSnapshot) -> Iterator[Inconsistency]:
    """Yield where a package, its tasks, assignments and answers do not fit together."""
    yield from _check_counts(snapshot)
    yield from _check_task_lists(snapshot)
    yield from _check_votes(snapshot)
    yield from _check_slots(snapshot)
    yield from _check_rounds(snapshot)
    yield from _check_draws(snapshot)
    yield from check_entry(snapshot.job, snapshot.package)
    yield from _check_campaigns(snapshot)
    yield from _check_parts(snapshot)
    yield from _check_predictions(snapshot)
    for task in snapshot.tasks.values():
        yield from _check_task(task)
    for assignment in snapshot.assignments:
        yield from _check_assignment(snapshot, assignment)
        yield from _check_completeness(snapshot, assignment)
    for answer in snapshot.answers:
        yield from _check_answer(snapshot, answer)


def check_workspace(workspace: Workspace, members: Sequence[Member]) -> Iterator[Inconsistency]:
    """Yield where the members of *workspace* break a rule: it has an administrator of its own."""
    admins = sum(member.active and member.role == Role.ADMIN for member in members)
    yield from compare_field(workspace, "administrators", admins, admins or "at least 1")
    for member in members:
        if member.external and member.role in NOT_EXTERNAL_ROLES:
            expected = "leader or operator, for one from outside"
            yield from compare_field(member, "role", member.role, expected)


def check_job(
    job: Job, template: Template | None, members: Mapping[int, Member], open_package: Package | None
) -> Iterator[Inconsistency]:
    """Yield where *job* itself breaks a rule; *open_package* is any package of it that is open."""
    template_workspace = None
    if template is not None:
        template_workspace = template.workspace
    yield from compare_field(job, "template's workspace", template_workspace, job.workspace)
    known = {id for id, member in members.items() if member.workspace == job.workspace}
    strangers = tuple(sorted(find_named_members(job) - known))
    yield from compare_field(
        job, "those it names who are no members of its workspace", strangers, ()
    )
    if job.state is JobState.FINISHED and open_package:
        yield from compare_field(job, "state", job.state, f"running: {open_package} is open")
    if job.auto_finish and job.state in JOB.get_sources("finish") and not open_package:
        yield from compare_field(job, "state", job.state, JobState.FINISHED)


def find_named_members(job: Job) -> set[int]:
    """Return the keys of the members whom *job* names: creator, workforce, target of rework."""
    route = job.workflow.label.rework
    workers = {
        member for stage_workers in job.workforce.values() for member in stage_workers.members
    }
    named = {job.created_by, *workers}
    if isinstance(route, int):
        named.add(route)
    return named


def check_guidelines(
    job: Job, counters: Sequence[ClaimCounter], told: Guidelines
) -> Iterator[Inconsistency]:
    """Yield where the guideline's version, and who acknowledged it, are not as events have it."""
    field = "guideline_version, as the history tells it,"
    yield from compare_field(job, field, job.guideline_version, told.version)
    field = "acknowledged, as the history tells it,"
    for counter in counters:
        expected = told.acknowledged.get(counter.member, 0)
        yield from compare_field(counter, field, counter.acknowledged, expected)


def find_missing(kind: str, job: int, numbers: range, seen: set[int]) -> Iterator[Inconsistency]:
    """Yield the *numbers* that no entity of *kind* in *job* has, of those that were *seen*."""
    if len(seen) >= len(numbers):  # as almost always: the numbers need not be gone through
        return
    for number in numbers:
        if number not in seen:
            yield Inconsistency(
                kind, (job, number), "what is stored", None, f"one of the {kind}s of its job"
            )


def _check_counts(snapshot: PackageSnapshot) -> Iterator[Inconsistency]:
    package = snapshot.package
    recounted = results_rules.with_counts(package, snapshot.cases)
    prelabeled = sum(case.prelabel is not None for case in snapshot.cases)
    yield from compare_field(package, "size", package.size, len(snapshot.tasks))
    yield from compare_field(package, "abandoned", package.abandoned, recounted.abandoned)
    yield from compare_field(package, "wrong", package.wrong, recounted.wrong)
    yield from compare_field(package, "prelabeled", package.prelabeled, prelabeled)
    yield from compare_field(package, "corrected", package.corrected, recounted.corrected)


def _check_task_lists(snapshot: PackageSnapshot) -> Iterator[Inconsistency]:
    """Yield where a package marks the wrong tasks as erased, disputed, sent back or due."""
    package = snapshot.package
    erased = {number for number, task in snapshot.tasks.items() if task.erased}
    yield from compare_field(package, "erased", package.erased, tuple(sorted(erased)))
    withdrawn = tuple(sorted(snapshot.tasks.keys() & set(package.withdrawals)))
    yield from compare_field(package, "withdrawals", package.withdrawals, withdrawn)
    yield from compare_field(
        package,
        "disputes",
        package.disputes,
        tuple(c.task for c in snapshot.cases if _is_disputed(c, package)),
    )
    sent: set[int] = set()
    for assignment in snapshot.assignments:
        if assignment.outcome is Outcome.REJECTED:
            if assignment.sent_back is None:  # every task went back
                campaign = find_campaign(package, assignment.round)
                sent.update(snapshot.tasks if campaign is None else campaign.tasks)
            else:
                sent.update(assignment.sent_back)
    yield from compare_field(package, "rejects", package.rejects, tuple(sorted(sent)))
    given_up = tuple(case.task for case in snapshot.cases if _was_abandoned(case))
    requeued = tuple(task for task in package.requeued if task in given_up)
    yield from compare_field(package, "requeued", package.requeued, requeued)
    if package.scope is not None:
        excluded = erased.union(package.withdrawals)
        scope = tuple(sorted((snapshot.tasks.keys() - excluded) & set(package.scope)))
        # nothing is due only where something is excluded
        is_possible = package.stage and (scope or excluded)
        yield from compare_field(package, "scope", package.scope, scope if is_possible else None)


def _is_disputed(case: Case, package: Package) -> bool:
    """Return whether the merged votes on a task are disputed and nobody has resolved it."""
    label = case.find_labeling()
    answer = case.answers.get(label.id) if label else None
    if label is None or answer is None or not is_to_be_decided(answer):
        return False
    if answer.erased and case.task not in package.disputes:
        return False  # whether it was kept was erased with what the votes said
    if _is_decided(case, label):
        return False
    since = [assignment for assignment in case.assignments if assignment.round >= label.round]
    return not any(
        assignment.outcome in PASSING or _is_sent_back(assignment, case.task)
        for assignment in since
    )


def _is_decided(case: Case, label: Assignment) -> bool:
    """Return whether an adjudicator has decided the task in this round, or an expert answers it."""
    decisions = [
        assignment
        for assignment in case.assignments
        if assignment.round == label.round and assignment.decides and assignment.covers(case.task)
    ]
    adjudications = [each for each in decisions if each.purpose is Purpose.ADJUDICATION]
    if adjudications:
        # also of what the adjudicator has handed to the experts: until then it may be given back
        return any(each.state is AssignmentState.DONE for each in adjudications)
    # with a package that was discarded the expert's work was recalled
    return bool(decisions)


def _was_abandoned(case: Case) -> bool:
    """Return whether a labeling of the task was closed that had abandoned it."""
    answers = (
        case.answers.get(assignment.id)
        for assignment in case.find_completed(Stage.LABEL)
        if case.closes(assignment)
    )
    return any(answer is not None and answer.is_abandoned for answer in answers)


def _is_sent_back(assignment: Assignment, task: int) -> bool:
    return assignment.outcome is Outcome.REJECTED and (
        assignment.sent_back is None or task in assignment.sent_back
    )


def _check_slots(snapshot: PackageSnapshot) -> Iterator[Inconsistency]:
    """Yield where a package has more or less assignments than its stage needs."""
    job, package = snapshot.job, snapshot.package
    live = [
        assignment
        for assignment in snapshot.assignments
        if assignment.live and not _is_about_to_end(assignment, snapshot.archived_at)
    ]
    # the assignments of an archived job are recalled one by one: those still to go are left out
    # above
    if package.stage is None or job.state is JobState.ARCHIVED:
        yield from compare_field(package, "live assignments", len(live), 0)
        if package.stage is None:
            yield from compare_field(package, "free", package.free, 0)
        return
    if package.stage not in job.workflow.stages:
        yield from compare_field(package, "state", package.state, "a stage of the job")
        return
    current = [
        assignment
        for assignment in snapshot.assignments
        if assignment.stage is package.stage
        and assignment.round == package.round
        and not assignment.is_part
    ]
    taken = [
        assignment
        for assignment in current
        if assignment.live or assignment.outcome is Outcome.SUBMITTED
    ]
    slots = reviewing_rules.slots(package, package.stage)
    if any(assignment.outcome is Outcome.TIMEOUT for assignment in current):
        slots = len(taken)  # nobody gets one any more: experts have what is left
    if package.awaits_lot:
        slots = 0
    yield from compare_field(package, "free and taken slots", package.free + len(taken), slots)
    yield from compare_field(package, "free", package.free, max(package.free, 0))


def _check_votes(snapshot: PackageSnapshot) -> Iterator[Inconsistency]:
    """Yield where more or less members label a package than its job asks for."""
    job, package = snapshot.job, snapshot.package
    asked = count_votes(job, package.number)
    # votes are raised for packages at LABEL, block by block; who left it before has fewer
    may_have_fewer = (
        job.raising_votes
        or package.stage is not Stage.LABEL
        # and what waits for a decision on its votes gets none any more
        or part_rules.are_votes_merged(package, snapshot.assignments)
    )
    if package.votes > asked or (package.votes < asked and not may_have_fewer):
        yield from compare_field(package, "votes", package.votes, asked)
    if not 1 <= package.voted_since <= package.round:
        expected = f"from 1 to {package.round}"
        yield from compare_field(package, "voted_since", package.voted_since, expected)


def _check_rounds(snapshot: PackageSnapshot) -> Iterator[Inconsistency]:
    """Yield where a member has had a stage of one round more than once: nobody votes twice."""
    # what was given back may be claimed again by the same member
    not_returned = [
        assignment
        for assignment in snapshot.assignments
        if assignment.member is not None and assignment.state is not AssignmentState.RETURNED
    ]
    for (stage, round, member), assignments in Counter(
        (assignment.stage, assignment.round, assignment.member) for assignment in not_returned
    ).items():
        field = f"assignments of member {member} at {stage.value} in round {round}"
        if assignments > 1 and _are_apart(snapshot, stage, round, member):
            continue
        # who has checked the sample may have what is left to do when the lot is decided
        if stage is Stage.ACCEPT and snapshot.job.workflow.has_lots:
            continue
        yield from compare_field(snapshot.package, field, assignments, 1)


def _check_draws(snapshot: PackageSnapshot) -> Iterator[Inconsistency]:
    """Yield where a package passed a review stage without a review, and was drawn for it."""
    job, package = snapshot.job, snapshot.package
    for name in ("whole_round", "reopened_round"):
        number = getattr(package, name)
        yield from compare_field(package, name, number, min(max(number, 0), package.round))
    passed = {
        assignment.stage
        for assignment in snapshot.assignments
        if assignment.outcome in PASSING and assignment.round == package.round
    }
    campaign = find_campaign(package, package.round)
    if package.state is PackageState.DISCARDED or (campaign and campaign.is_withdrawn):
        return  # it may have been at any stage
    behind = job.workflow.stages[1:]
    if package.stage in job.workflow.stages:
        behind = behind[: max(job.workflow.stages.index(package.stage) - 1, 0)]
    if campaign is not None and campaign.round == package.round:
        begin = job.workflow.stages.index(campaign.stage)
        behind = tuple(stage for stage in behind if job.workflow.stages.index(stage) >= begin)
    unseen = tuple(stage for stage in behind if stage not in passed)
    expected = unseen
    # it was drawn by the shares of the time; of what is withdrawn nothing may be left to review
    if package.skipped == unseen and not job.workflow_changes and not package.withdrawals:
        expected = tuple(stage for stage in unseen if not _is_seen(job, package, stage))
    yield from compare_field(package, "skipped", _name(package.skipped), _name(expected))


def _is_seen(job: Job, package: Package, stage: Stage) -> bool:
    """Return whether *package* is reviewed at *stage* in any case."""
    # of a lot those are accepted unseen that hold nothing of its sample
    in_lots = stage is Stage.ACCEPT and job.workflow.has_lots
    return not in_lots and is_drawn(job, package, stage)


def _check_campaigns(snapshot: PackageSnapshot) -> Iterator[Inconsistency]:
    """Yield where the campaigns of a package, and the work in them, do not fit together."""
    package, begin = snapshot.package, 2
    for campaign in package.campaigns:
        last = package.round if campaign.last_round is None else campaign.last_round
        goes_on = package.open and campaign is package.campaign
        if campaign.last_round is None and not goes_on:
            expected = "the round in which it ended"
            yield from compare_field(package, "last round of a campaign", None, expected)
        if not begin <= campaign.round <= last <= package.round:
            rounds = f"rounds of the campaign of round {campaign.round}"
            yield from compare_field(package, rounds, (campaign.round, last), f"from {begin}")
        begin = last + 1
        strange = tuple(task for task in campaign.tasks if task not in snapshot.tasks)
        yield from compare_field(package, "tasks of a campaign in other packages", strange, ())
    begun = {each.round for each in package.campaigns if each.stage is Stage.LABEL}
    for assignment in snapshot.assignments:
        if assignment.stage is Stage.LABEL and not assignment.is_part:
            field, is_new = "whether it is the labeling of a campaign", assignment.round in begun
            found = assignment.purpose is Purpose.CAMPAIGN
            yield from compare_field(assignment, field, found, is_new)


def _name(stages: Sequence[Stage]) -> tuple[str, ...]:
    return tuple(stage.value for stage in stages)


def _are_apart(snapshot: PackageSnapshot, stage: Stage, round: int, member: int | None) -> bool:
    """Return whether all that *member* had in a round were parts of one labeling, without votes."""
    if is_voted_on_in(snapshot.package, round) or stage is not Stage.LABEL:
        return False
    scopes = [
        snapshot.get_scope(assignment)
        for assignment in snapshot.assignments
        if (assignment.stage, assignment.round, assignment.member) == (stage, round, member)
        and assignment.state is not AssignmentState.RETURNED
    ]
    return sum(map(len, scopes)) == len(set[int]().union(*scopes))


def _check_parts(snapshot: PackageSnapshot) -> Iterator[Inconsistency]:
    """Yield the tasks of a package at LABEL that nobody has to answer, though they are due."""
    job, package, assignments = snapshot.job, snapshot.package, snapshot.assignments
    if package.stage is not Stage.LABEL or job.state is JobState.ARCHIVED:
        return
    current = [
        each
        for each in assignments
        if each.stage is Stage.LABEL
        and each.round == package.round
        and each.state is not AssignmentState.RETURNED
    ]
    # what was handed to the experts is theirs, until the package has gone on
    holders = {each.id for each in current}
    handed = {
        each.task for each in snapshot.answers if each.is_escalated and each.assignment in holders
    }
    due = snapshot.tasks.keys() - set(package.excluded)
    if package.scope is not None:
        due &= set(package.scope)
    lost = (handed & due) - part_rules.find_escalated(assignments, package.round)
    yield from compare_field(package, "escalated tasks without an expert", tuple(sorted(lost)), ())
    if package.free or package.votes > 1:
        return
    lost = due.difference(*map(snapshot.get_scope, current))
    yield from compare_field(package, "due tasks without an assignment", tuple(sorted(lost)), ())


def _check_predictions(snapshot: PackageSnapshot) -> Iterator[Inconsistency]:
    """Yield predictions with a score that is none, and tasks with too many of one kind."""
    accepted, models = Counter[int](), Counter[tuple[int, str, str]]()
    for case in snapshot.cases:
        for answer in case.predictions:
            models[case.task, answer.model, answer.model_version] += 1
            outcome = snapshot.assignments_by_id[answer.assignment].outcome
            accepted[case.task] += int(outcome is Outcome.PRELABELED)
            if answer.score is not None and not 0 <= answer.score <= 1:
                yield from compare_field(answer, "score", answer.score, "from 0 to 1")
    for (task, model, version), number in models.items():
        field = f"predictions of model {model!r}, version {version!r}, for task {task}"
        yield from compare_field(snapshot.package, field, number, 1)
    for task, number in accepted.items():
        # a second one would take the place of the first, which people may have reviewed
        field = f"predictions that count as labels of task {task}"
        yield from compare_field(snapshot.package, field, number, min(number, 1))


def _check_task(task: Task) -> Iterator[Inconsistency]:
    try:
        data: object = task.data
    except (ValueError, LookupError, TypeError) as error:
        data = error
    yield from compare_field(task, "data", type(data).__name__, "dict")


def _check_assignment(snapshot: PackageSnapshot, assignment: Assignment) -> Iterator[Inconsistency]:
    job, package = snapshot.job, snapshot.package
    if assignment.stage not in job.workflow.stages:
        yield from compare_field(assignment, "stage", assignment.stage, "a stage of the job")
        return
    if assignment.outcome not in _ENDS.get(assignment.state, _DONE):
        yield from compare_field(
            assignment,
            "outcome",
            assignment.outcome,
            f"one of an assignment that is {assignment.state.value}",
        )
    yield from compare_field(
        assignment, "whether it has ended", assignment.ended_at is not None, not assignment.live
    )
    if assignment.guideline_version > job.guideline_version:
        field, expected = "guideline_version", f"at most {job.guideline_version}"
        yield from compare_field(assignment, field, assignment.guideline_version, expected)
    yield from _check_member(snapshot, assignment)
    yield from _check_author(snapshot, assignment)
    strange = tuple(sorted(snapshot.get_scope(assignment) - snapshot.tasks.keys()))
    yield from compare_field(assignment, "tasks of its scope in other packages", strange, ())
    if assignment.live:
        rule = job.workflow.rule(assignment.stage)
        lease = rule.offer_lease
        if assignment.state is AssignmentState.HELD:
            lease = rule.lease
        # what was given out before a change of the workflow has the lease of that time
        if not job.workflow_changes:
            yield from compare_field(
                assignment,
                "whether it has a lease",
                assignment.lease_until is not None,
                lease is not None and not assignment.is_open_offer,
            )
        yield from compare_field(assignment, "stage", assignment.stage, package.stage)
        yield from compare_field(assignment, "round", assignment.round, package.round)
    elif assignment.round > package.round:
        yield from compare_field(assignment, "round", assignment.round, f"at most {package.round}")


def _check_author(snapshot: PackageSnapshot, assignment: Assignment) -> Iterator[Inconsistency]:
    """Yield where an assignment says wrongly whether its member is an author."""
    expected = assignment.outcome is Outcome.SUBMITTED or _is_taken_over(snapshot, assignment)
    # what was imported has no member, so no author
    if assignment.stage is Stage.INSPECT and assignment.ended_at and assignment.member:
        answers = [each for each in snapshot.answers if each.assignment == assignment.id]
        is_done = assignment.state is AssignmentState.DONE
        expected = is_done and any(answer.is_resolved for answer in answers)
        # a later round may have begun with a labeling of the whole package, and an erased answer
        # does not say any more what it was
        is_past = assignment.round < snapshot.package.round
        if (expected and is_past) or any(answer.erased for answer in answers):
            return
    yield from compare_field(assignment, "authored", assignment.authored, expected)


def _is_taken_over(snapshot: PackageSnapshot, assignment: Assignment) -> bool:
    """Return whether answers of *assignment*, which had lapsed, count since an overdue package."""
    by_id = snapshot.assignments_by_id
    taken = (answer for answer in snapshot.answers if answer.picked == assignment.id)
    return any(by_id[each.assignment].outcome is Outcome.TIMEOUT for each in taken)


def _check_member(snapshot: PackageSnapshot, assignment: Assignment) -> Iterator[Inconsistency]:
    """Yield whether the member of *assignment* is foreign, or removed while it is live."""
    if assignment.member is None:
        # merged, pre-labeled and imported answers are held by assignments without a member
        by_nobody = (
            assignment.state is AssignmentState.DONE and assignment.outcome is not Outcome.SUBMITTED
        )
        # what is offered to everybody, or was taken back before anybody had it
        is_offered = assignment.is_part and assignment.state is not AssignmentState.HELD
        expected = None
        if not by_nobody and not (is_offered and assignment.outcome is not Outcome.SUBMITTED):
            expected = "the one whose assignment it is"
        yield from compare_field(assignment, "member", None, expected)
        return
    member = snapshot.members.get(assignment.member)
    if member is None or member.workspace != snapshot.job.workspace:
        yield from compare_field(
            assignment, "member", assignment.member, "a member of the workspace"
        )
    elif (
        assignment.live
        and not member.active
        and not _is_about_to_end(assignment, snapshot.removed_at.get(member.id))
    ):
        yield from compare_field(assignment, "member", assignment.member, "one who was not removed")


def _is_about_to_end(assignment: Assignment, since: datetime | None) -> bool:
    """Return whether *assignment* began before what ended it; it is recalled separately."""
    return since is not None and assignment.made_at <= since


def _check_completeness(
    snapshot: PackageSnapshot, assignment: Assignment
) -> Iterator[Inconsistency]:
    """Yield tasks without an answer in a closed labeling, and wrongly merged votes."""
    if assignment.outcome not in _LABELED:
        return
    due = snapshot.get_scope(assignment) & snapshot.tasks.keys()
    has_votes = is_voted_on_in(snapshot.package, assignment.round)
    if not has_votes and not assignment.decides:
        # what an earlier holder has handed to the experts was no work of this one
        due -= part_rules.find_escalated(snapshot.assignments, assignment.round)
    scope = sorted(due)
    unanswered: list[int] = []
    for number in scope:
        answer = snapshot.answers_by_task[number].get(assignment.id)
        if answer is None or not answer.is_resolved:
            unanswered.append(number)
    yield from compare_field(assignment, "tasks without an answer", tuple(unanswered), ())
    if assignment.outcome is Outcome.MERGED:
        yield from _check_merged_votes(snapshot, assignment, scope)


def _check_merged_votes(
    snapshot: PackageSnapshot, assignment: Assignment, scope: Sequence[int]
) -> Iterator[Inconsistency]:
    """Yield the merged answers that do not follow from the votes; votes are merged once."""
    template = snapshot.template
    # after a change of the template the votes answer another one than their merged answer
    if template is None or template.version:
        return
    voters = part_rules.find_voters(snapshot.assignments, assignment.round)
    for task_answers in map(snapshot.answers_by_task.__getitem__, scope):
        votes, merged = (
            [task_answers[id] for id in voters if id in task_answers],
            task_answers.get(assignment.id),
        )
        if merged is not None and votes and merged.merge is not None:
            votes = part_rules.select_votes(votes)
            winner = merge(template, votes, remake_voting_rules(merged, merged.merge))
            yield from compare_field(merged, "replies", merged.replies, winner.replies)
            yield from compare_field(merged, "abandoned", merged.abandon_reason, winner.abandoned)
            yield from compare_field(merged, "disputed", merged.disputed, winner.disputed)
            yield from compare_field(merged, "kept", merged.kept, winner.kept)
            yield from _compare_merges(merged, merged.merge, winner.report)
        elif merged is not None and votes and not merged.erased:
            yield from compare_field(merged, "merge", None, "how its votes were merged")


def _compare_merges(
    merged: Answer, stored: MergeReport, expected: MergeReport
) -> Iterator[Inconsistency]:
    """Yield where the report of a *merged* answer says something else than its votes."""
    for name in ("voters", "abandoned_by"):
        yield from compare_field(merged, name, getattr(stored, name), getattr(expected, name))
    asked = tuple(expected.questions)
    yield from compare_field(merged, "merged questions", tuple(stored.questions), asked)
    for id in expected.questions:
        one, other = stored.questions.get(id), expected.questions[id]
        if one is None:
            continue  # told above
        # the first difference is enough: the others follow from it
        for name in ("voters", "counts", "confidence", "number", "reason"):
            if getattr(one, name) != getattr(other, name):
                field = f"{name} of question {id}"
                yield from compare_field(merged, field, getattr(one, name), getattr(other, name))
                break


def _check_answer(snapshot: PackageSnapshot, answer: Answer) -> Iterator[Inconsistency]:
    assignment, task = (
        snapshot.assignments_by_id.get(answer.assignment),
        snapshot.tasks.get(answer.task),
    )
    if assignment is None:
        yield from compare_field(
            answer, "assignment", answer.assignment, f"one on package {snapshot.package.number}"
        )
        return
    for name in ("package", "stage", "round", "member"):
        yield from compare_field(answer, name, getattr(answer, name), getattr(assignment, name))
    # what was erased or withdrawn leaves the scope of live assignments
    is_excluded = answer.task in snapshot.package.excluded
    if task is None or not (is_excluded or assignment.covers(answer.task)):
        yield from compare_field(answer, "task", answer.task, "one in the scope of its assignment")
    elif task.erased or answer.erased:
        yield from compare_field(answer, "erased", answer.erased, task.erased)
    elif snapshot.template:
        yield from _check_template_fit(snapshot.template, snapshot, answer, task)


def _check_template_fit(
    template: Template, snapshot: PackageSnapshot, answer: Answer, task: Task
) -> Iterator[Inconsistency]:
    """Yield what of *answer* does not fit the template, unless it is still to be migrated."""
    if answer.template_version > template.version:
        yield from compare_field(
            answer, "template_version", answer.template_version, f"at most {template.version}"
        )
    by_itself = snapshot.assignments_by_id[answer.assignment].outcome is not Outcome.MERGED
    if answer.replies is not None and by_itself and snapshot.job.pending_template_change is None:
        for problem in answers.find_problems(template, answer.replies, task):
            yield from compare_field(answer, "what does not fit the template", str(problem), None)
