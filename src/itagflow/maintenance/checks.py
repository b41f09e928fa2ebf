"""What must hold at any time: each rule recomputes it and yields the inconsistencies."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime
from functools import cached_property

import attrs

from itagflow.claiming.decision import can_own_work_wait
from itagflow.labeling.voting import merge
from itagflow.lifecycle.tables import JOB
from itagflow.model.inconsistency import Inconsistency, differ
from itagflow.model.job import Job, JobState, Stage
from itagflow.model.package import (
    PASSING,
    Assignment,
    AssignmentState,
    ClaimCounter,
    Outcome,
    Package,
)
from itagflow.model.task import Answer, Task
from itagflow.model.template import Template
from itagflow.model.workspace import (
    EXTERNAL_ROLES,
    Member,
    Role,
    Workspace,
)
from itagflow.results import rules as results_rules
from itagflow.results.rules import Case
from itagflow.reviewing import rules as reviewing_rules
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
    {Outcome.SUBMITTED, Outcome.MERGED, Outcome.PRELABELED, Outcome.SUGGESTED, Outcome.IMPORTED},
)
"""The outcomes of assignments that have an answer to every task of their scope."""


@attrs.frozen
class Dossier:
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
    """What its assignments say, and what is said about its tasks."""
    members: Mapping[int, Member]
    """Those members of the workspace whom its assignments name."""
    gone: Mapping[int, datetime] = attrs.field(factory=dict[int, datetime])
    """When members with live assignments were removed; those are recalled one by one."""
    archived_at: datetime | None = None
    """When the job was archived, if assignments are still to be recalled: one by one, too."""

    @cached_property
    def by_id(self) -> Mapping[int, Assignment]:
        """Its assignments, by id."""
        return {assignment.id: assignment for assignment in self.assignments}

    @cached_property
    def said(self) -> Mapping[int, Mapping[int, Answer]]:
        """What is said about each of its tasks, by the id of the assignment."""
        said: dict[int, dict[int, Answer]] = {number: {} for number in self.tasks}
        for answer in self.answers:
            said.get(answer.task, {})[answer.assignment] = answer
        return said

    @cached_property
    def cases(self) -> list[Case]:
        """The case of each of its tasks."""
        return [
            Case(self.job, self.package, self.assignments, said, number)
            for number, said in self.said.items()
        ]

    def covered(self, assignment: Assignment) -> set[int]:
        """Return the numbers of the tasks that *assignment* is about."""
        return set(self.tasks if assignment.scope is None else assignment.scope)


def package_differences(dossier: Dossier) -> Iterator[Inconsistency]:
    """Yield where a package, its tasks, assignments and answers do not fit together."""
    yield from _counts(dossier)
    yield from _marks(dossier)
    yield from _slots(dossier)
    yield from _rounds(dossier)
    for task in dossier.tasks.values():
        yield from _task(task)
    for assignment in dossier.assignments:
        yield from _assignment(dossier, assignment)
        yield from _completeness(dossier, assignment)
    for answer in dossier.answers:
        yield from _answer(dossier, answer)


def workspace_differences(
    workspace: Workspace, members: Sequence[Member]
) -> Iterator[Inconsistency]:
    """Yield where the members of *workspace* break a rule: it has an administrator of its own."""
    admins = sum(member.active and member.role is Role.ADMIN for member in members)
    yield from differ(workspace, "administrators", admins, admins or "at least 1")
    for member in members:
        fits = not member.external or member.role in EXTERNAL_ROLES
        yield from differ(
            member,
            "role",
            member.role,
            member.role if fits else "leader or operator, for one from outside",
        )


def job_differences(
    job: Job, template: Template | None, members: Mapping[int, Member], open_package: Package | None
) -> Iterator[Inconsistency]:
    """Yield where *job* itself breaks a rule; *open_package* is any package of it that is open."""
    home = template.workspace if template else None
    yield from differ(job, "template's workspace", home, job.workspace)
    known = {id for id, member in members.items() if member.workspace == job.workspace}
    strange = tuple(sorted(named(job) - known))
    yield from differ(job, "those it names who are no members of its workspace", strange, ())
    if job.state is JobState.FINISHED and open_package:
        yield from differ(job, "state", job.state, f"running: {open_package} is open")
    if job.state in JOB.sources("finish") and not open_package:
        yield from differ(job, "state", job.state, JobState.FINISHED)


def named(job: Job) -> set[int]:
    """Return the keys of the members whom *job* names: creator, workforce, target of rework."""
    route = job.workflow.label.rework
    crews = {member for crew in job.workforce.values() for member in crew.members}
    return {job.created_by, *crews, *([route] if isinstance(route, int) else ())}


def counter_differences(
    job: Job, counters: Sequence[ClaimCounter], held: Mapping[tuple[Stage, int], int]
) -> Iterator[Inconsistency]:
    """Yield the claim counters that differ from *held*: active assignments by stage and member.

    A claim counter counts only at a stage with a limit; elsewhere it is there for tokens.
    """
    limited = {stage for stage in job.workflow.stages if job.workflow.rule(stage).limit is not None}
    due = {place: count for place, count in held.items() if place[0] in limited}
    counted = {(counter.stage, counter.member): counter.active for counter in counters}
    for stage, member in sorted({*counted, *due}, key=lambda place: (place[0].value, place[1])):
        count, should = counted.get((stage, member)), due.get((stage, member), 0)
        if count != should:
            yield Inconsistency(
                "claim_counter", (job.id, stage.value, member), "held", count, should
            )


def start_differences(
    job: Job, counters: Sequence[ClaimCounter], moments: Collection[datetime]
) -> Iterator[Inconsistency]:
    """Yield the claim counters whose cursor is at a place that no package can have had.

    A place is remembered where own work waits, and a package waits since an act; *moments* are
    those of acts. Whether anything lies before it is nothing that must hold: what is given a lower
    priority, and what others held at that moment, comes to lie there, and is found when nothing
    lies behind it any more.
    """
    for counter in counters:
        if counter.cursor is None:
            continue
        if counter.stage not in job.workflow.stages or not can_own_work_wait(job, counter.stage):
            yield from differ(counter, "cursor", counter.cursor.since, None)
        elif counter.cursor.since not in moments:
            yield from differ(counter, "cursor", counter.cursor.since, "the moment of an act")


def missing(kind: str, job: int, numbers: range, seen: set[int]) -> Iterator[Inconsistency]:
    """Yield the *numbers* that no entity of *kind* in *job* has, of those that were *seen*."""
    for number in numbers if len(seen) < len(numbers) else ():
        if number not in seen:
            yield Inconsistency(
                kind, (job, number), "what is stored", None, f"one of the {kind}s of its job"
            )


def _counts(dossier: Dossier) -> Iterator[Inconsistency]:
    package = dossier.package
    now = results_rules.counted(package, dossier.cases)
    prelabeled = sum(case.prelabel is not None for case in dossier.cases)
    yield from differ(package, "size", package.size, len(dossier.tasks))
    yield from differ(package, "abandoned", package.abandoned, now.abandoned)
    yield from differ(package, "wrong", package.wrong, now.wrong)
    yield from differ(package, "prelabeled", package.prelabeled, prelabeled)
    yield from differ(package, "corrected", package.corrected, now.corrected)


def _marks(dossier: Dossier) -> Iterator[Inconsistency]:
    """Yield where a package marks the wrong tasks as erased, disputed, sent back or due."""
    package = dossier.package
    erased = {number for number, task in dossier.tasks.items() if task.erased}
    yield from differ(package, "erased", package.erased, tuple(sorted(erased)))
    yield from differ(
        package,
        "disputes",
        package.disputes,
        tuple(c.task for c in dossier.cases if _is_disputed(c)),
    )
    sent = set[int]()
    for assignment in dossier.assignments:
        if assignment.outcome is Outcome.REJECTED:
            sent.update(dossier.tasks if assignment.sent_back is None else assignment.sent_back)
    yield from differ(package, "rejects", package.rejects, tuple(sorted(sent)))
    if package.scope is not None:
        own = tuple(sorted((dossier.tasks.keys() - erased) & set(package.scope)))
        # nothing is due only where something was erased
        yield from differ(
            package, "scope", package.scope, own if package.stage and (own or erased) else None
        )


def _is_disputed(case: Case) -> bool:
    """Return whether the merged votes on a task are disputed and no review has resolved it."""
    label = case.labeled()
    answer = case.answers.get(label.id) if label else None
    if label is None or answer is None or not answer.disputed:
        return False
    since = [assignment for assignment in case.assignments if assignment.round >= label.round]
    return not any(
        assignment.outcome in PASSING or _sent_back(assignment, case.task) for assignment in since
    )


def _sent_back(assignment: Assignment, task: int) -> bool:
    return assignment.outcome is Outcome.REJECTED and (
        assignment.sent_back is None or task in assignment.sent_back
    )


def _slots(dossier: Dossier) -> Iterator[Inconsistency]:
    """Yield where a package has more or less assignments than its stage needs."""
    job, package = dossier.job, dossier.package
    live = [
        assignment
        for assignment in dossier.assignments
        if assignment.live and not _is_to_end(assignment, dossier.archived_at)
    ]
    if package.stage is None or job.state is JobState.ARCHIVED:
        yield from differ(package, "live assignments", len(live), 0)
        if package.stage is None:
            yield from differ(package, "free", package.free, 0)
        return
    if package.stage not in job.workflow.stages:
        yield from differ(package, "state", package.state, "a stage of the job")
        return
    here = [
        assignment
        for assignment in dossier.assignments
        if assignment.stage is package.stage and assignment.round == package.round
    ]
    counting = [
        assignment
        for assignment in here
        if assignment.live or assignment.outcome is Outcome.SUBMITTED
    ]
    slots = reviewing_rules.slots(job, package.stage)
    yield from differ(package, "free and taken slots", package.free + len(counting), slots)
    yield from differ(package, "free", package.free, max(package.free, 0))


def _rounds(dossier: Dossier) -> Iterator[Inconsistency]:
    """Yield where a member has had a stage of one round more than once: nobody votes twice."""
    kept = [
        assignment
        for assignment in dossier.assignments
        if assignment.member is not None and assignment.state is not AssignmentState.RETURNED
    ]
    for (stage, round, member), assignments in Counter(
        (assignment.stage, assignment.round, assignment.member) for assignment in kept
    ).items():
        what = f"assignments of member {member} at {stage.value} in round {round}"
        yield from differ(dossier.package, what, assignments, 1)


def _task(task: Task) -> Iterator[Inconsistency]:
    try:
        data: object = task.data
    except (ValueError, LookupError, TypeError) as error:
        data = error
    yield from differ(task, "data", type(data).__name__, "dict")


def _assignment(dossier: Dossier, assignment: Assignment) -> Iterator[Inconsistency]:
    job, package = dossier.job, dossier.package
    if assignment.stage not in job.workflow.stages:
        yield from differ(assignment, "stage", assignment.stage, "a stage of the job")
        return
    if assignment.outcome not in _ENDS.get(assignment.state, _DONE):
        yield from differ(
            assignment,
            "outcome",
            assignment.outcome,
            f"one of an assignment that is {assignment.state.value}",
        )
    yield from differ(
        assignment, "whether it has ended", assignment.ended_at is not None, not assignment.live
    )
    yield from _holder(dossier, assignment)
    strange = tuple(sorted(dossier.covered(assignment) - dossier.tasks.keys()))
    yield from differ(assignment, "tasks of its scope in other packages", strange, ())
    if assignment.live:
        rule = job.workflow.rule(assignment.stage)
        lease = rule.lease if assignment.state is AssignmentState.HELD else rule.offer_lease
        yield from differ(
            assignment,
            "whether it has a lease",
            assignment.lease_until is not None,
            lease is not None,
        )
        yield from differ(assignment, "stage", assignment.stage, package.stage)
        yield from differ(assignment, "round", assignment.round, package.round)
    elif assignment.round > package.round:
        yield from differ(assignment, "round", assignment.round, f"at most {package.round}")


def _holder(dossier: Dossier, assignment: Assignment) -> Iterator[Inconsistency]:
    """Yield whether the member of *assignment* is foreign, or removed while it is live."""
    if assignment.member is None:
        by_nobody = (
            assignment.state is AssignmentState.DONE and assignment.outcome is not Outcome.SUBMITTED
        )
        yield from differ(
            assignment, "member", None, None if by_nobody else "the one whose assignment it is"
        )
        return
    member = dossier.members.get(assignment.member)
    if member is None or member.workspace != dossier.job.workspace:
        yield from differ(assignment, "member", assignment.member, "a member of the workspace")
    elif (
        assignment.live
        and not member.active
        and not _is_to_end(assignment, dossier.gone.get(member.id))
    ):
        yield from differ(assignment, "member", assignment.member, "one who was not removed")


def _is_to_end(assignment: Assignment, since: datetime | None) -> bool:
    """Return whether *assignment* began before what ended it; it is recalled separately."""
    return since is not None and assignment.made_at <= since


def _completeness(dossier: Dossier, assignment: Assignment) -> Iterator[Inconsistency]:
    """Yield tasks without an answer in a closed labeling, and wrongly merged votes."""
    if assignment.outcome not in _LABELED:
        return
    scope = sorted(dossier.covered(assignment) & dossier.tasks.keys())
    answered = {
        number
        for number in scope
        if (said := dossier.said[number].get(assignment.id)) and said.is_resolved
    }
    yield from differ(
        assignment, "tasks without an answer", tuple(n for n in scope if n not in answered), ()
    )
    if assignment.outcome is Outcome.MERGED:
        yield from _merged(dossier, assignment, scope)


def _merged(
    dossier: Dossier, assignment: Assignment, scope: Sequence[int]
) -> Iterator[Inconsistency]:
    """Yield the merged answers that do not follow from the votes; votes are merged once."""
    template = dossier.template
    if template is None or template.version:
        return
    voters = [
        t.id
        for t in dossier.assignments
        if t.round == assignment.round and t.outcome is Outcome.SUBMITTED
    ]
    for said in map(dossier.said.__getitem__, scope):
        votes, merged = [said[id] for id in voters if id in said], said.get(assignment.id)
        if merged is not None and votes and not merged.erased:
            won = merge(template, votes, dossier.job.workflow.label.min_votes)
            yield from differ(merged, "replies", merged.replies, won.replies)
            yield from differ(merged, "abandoned", merged.abandon_reason, won.abandoned)
            yield from differ(merged, "disputed", merged.disputed, won.disputed)


def _answer(dossier: Dossier, answer: Answer) -> Iterator[Inconsistency]:
    assignment, task = dossier.by_id.get(answer.assignment), dossier.tasks.get(answer.task)
    if assignment is None:
        yield from differ(
            answer, "assignment", answer.assignment, f"one on package {dossier.package.number}"
        )
        return
    for name in ("package", "stage", "round", "member"):
        yield from differ(answer, name, getattr(answer, name), getattr(assignment, name))
    if task is None or not (
        task.erased or assignment.covers(answer.task)
    ):  # an erased task leaves the scope of live assignments
        yield from differ(answer, "task", answer.task, "one in the scope of its assignment")
    elif task.erased or answer.erased:
        yield from differ(answer, "erased", answer.erased, task.erased)
    elif dossier.template:
        yield from _fit(dossier.template, dossier, answer, task)


def _fit(
    template: Template, dossier: Dossier, answer: Answer, task: Task
) -> Iterator[Inconsistency]:
    """Yield what of *answer* does not fit the template, unless it is still to be migrated."""
    if answer.template_version > template.version:
        yield from differ(
            answer, "template_version", answer.template_version, f"at most {template.version}"
        )
    by_itself = dossier.by_id[answer.assignment].outcome is not Outcome.MERGED
    if answer.replies is not None and by_itself and dossier.job.pending_template_change is None:
        for problem in answers.problems(template, answer.replies, task):
            yield from differ(answer, "what does not fit the template", str(problem), None)
