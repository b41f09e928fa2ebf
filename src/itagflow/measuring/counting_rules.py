"""What is counted of the work on a job, and on whom each part of it counts.

A look is a task in a round that a reviewer has handed in at a stage; an error is a look that judged
the task wrong, or has given another answer.  Where cells are counted and not tasks, a task is as
many as its answer has: see `unit_rules`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Self

import attrs

from itagflow.measuring.label_rules import name_hidden
from itagflow.measuring.look_rules import Look, iter_looks
from itagflow.measuring.unit_rules import (
    count_changes,
    count_look_errors,
    count_units,
    is_same_vote,
)
from itagflow.model.job import Stage
from itagflow.model.package import Assignment, AssignmentState, Outcome, Package, PackageState
from itagflow.model.task import Answer, TaskState
from itagflow.quality.values import StatisticsUnit
from itagflow.results.rules import (
    Case,
    find_current_answer,
    is_corrected,
    is_voted_on_in,
)

Labeler = int | str | None
"""The key of a member; the name of one who is hidden; None: nobody has labeled it."""


@attrs.frozen
class Period:
    """The time in which work counts, by when it was handed in."""

    since: datetime | None = None
    """From then on; None: from the beginning."""
    until: datetime | None = None
    """Before then; None: until now."""

    def has(self, assignment: Assignment) -> bool:
        """Return whether *assignment* was handed in in this time."""
        at = assignment.ended_at
        if at is None:
            return False
        return (self.since is None or at >= self.since) and (self.until is None or at < self.until)


@attrs.define
class Counts:
    """Numbers that are added up."""

    def add(self, other: Self) -> None:
        """Add the numbers of *other*."""
        for field in attrs.fields(type(self)):
            own, more = getattr(self, field.name), getattr(other, field.name)
            if isinstance(own, Counts):
                own.add(more)
            else:
                setattr(self, field.name, own + more)


@attrs.define
class StageCounts(Counts):
    """What is counted at one review stage."""

    looks: int = 0
    """The looks."""
    errors: int = 0
    """Those with an error."""
    rejects: int = 0
    """Those that sent the task back."""
    abandoned: int = 0
    """Those after which the task was abandoned."""
    seconds: float = 0.0
    """How long they took, as far as it was given."""
    reviews: int = 0
    """The packages that were reviewed; one that came back counts again."""
    waited: float = 0.0
    """How many seconds these had waited for who reviewed them, from the work before on."""


@attrs.define
class JobCounts(Counts):
    """What is counted of a job."""

    tasks: int = 0
    """The tasks of packages that are not discarded."""
    done_tasks: int = 0
    """Those of done packages."""
    packages: int = 0
    """The packages that are not discarded."""
    done_packages: int = 0
    """Those that are done."""
    final: int = 0
    """The tasks of done packages with an answer."""
    abandoned: int = 0
    """The tasks of done packages that are abandoned."""
    corrected: int = 0
    """The tasks with a pre-label that have another answer now."""
    answers: int = 0
    """The answers that labelers handed in; a rework counts again."""
    given_up: int = 0
    """Those of them that gave the task up."""
    seconds: float = 0.0
    """How long these took, as far as it was given."""
    inspect: StageCounts = attrs.field(factory=StageCounts)
    """What was found at INSPECT."""
    accept: StageCounts = attrs.field(factory=StageCounts)
    """What was found at ACCEPT."""
    both: int = 0
    """The inspected tasks that ACCEPT has checked, too."""
    missed: int = 0
    """Those of them in which it found an error."""


@attrs.define
class MemberCounts(Counts):
    """What is counted of a labeler."""

    answers: int = 0
    """The answers that they handed in."""
    seconds: float = 0.0
    """How long these took, as far as it was given."""
    accepted: int = 0
    """The tasks of done packages that have an answer, and that they labeled."""
    checked: int = 0
    """The looks at their answers at INSPECT."""
    check_errors: int = 0
    """Those with an error."""
    sampled: int = 0
    """The looks at their answers at ACCEPT."""
    sample_errors: int = 0
    """Those with an error of theirs: no inspector has changed the answer since."""
    caused: int = 0
    """The tasks that were sent back after they labeled them."""
    reworked: int = 0
    """The answers that they handed in in a later round."""
    rework_seconds: float = 0.0
    """How long these took, as far as it was given."""


@attrs.define
class WorkCounts:
    """What is counted of a job and of its labelers."""

    unit: StatisticsUnit = StatisticsUnit.ITEM
    """What counts as one."""
    job: JobCounts = attrs.field(factory=JobCounts)
    """Of the job."""
    members: dict[Labeler, MemberCounts] = attrs.field(factory=dict["Labeler", "MemberCounts"])
    """Of each labeler."""

    def of(self, labeler: Labeler) -> MemberCounts:
        """Return what is counted of *labeler*."""
        return self.members.setdefault(labeler, MemberCounts())


def count_package(
    work: WorkCounts, package: Package, cases: Sequence[Case], period: Period
) -> None:
    """Add what was done on *package*, which is not discarded; *cases* are its tasks.

    How many tasks and packages there are, and how far, is as it is now; all else is of *period*.
    """
    is_done = package.state is PackageState.DONE
    work.job.packages += 1
    work.job.done_packages += is_done
    for case in cases:
        _count_state(work, case, is_done=is_done)
        _count_answers(work, case, period)
        _count_looks(work, case, period)
    ended = _list_ended(cases, period)
    for assignment in ended:
        _count_seconds(work, cases[0].job.name, assignment, assignment.seconds)
    if ended:
        _count_waits(work, cases[0].assignments, ended)


def _count_state(work: WorkCounts, case: Case, *, is_done: bool) -> None:
    current = find_current_answer(case, live=False)
    units = count_units(current, work.unit)
    work.job.tasks += units
    if case.prelabel is not None and is_corrected(case) and current is not None:
        work.job.corrected += count_changes(case.prelabel, current, work.unit)
    if not is_done:
        return
    work.job.done_tasks += units
    state = case.state
    work.job.abandoned += units * (state is TaskState.ABANDONED)
    if state is TaskState.FINAL:
        work.job.final += units
        for label in find_labelings(case):
            work.of(name_labeler(case, label)).accepted += units


def _count_waits(
    work: WorkCounts, assignments: Sequence[Assignment], ended: Sequence[Assignment]
) -> None:
    """Add how long a package waited for each review that has *ended*."""
    for review in ended:
        if review.stage is Stage.LABEL:
            continue
        before = [
            each.ended_at
            for each in assignments
            if each.id < review.id  # it began before
            and each.ended_at is not None
            and each.state is AssignmentState.DONE
            and each.ended_at <= review.made_at
        ]
        counts = work.job.inspect if review.stage is Stage.INSPECT else work.job.accept
        counts.reviews += 1
        counts.waited += (review.made_at - max(before, default=review.made_at)).total_seconds()


def _list_ended(cases: Iterable[Case], period: Period) -> list[Assignment]:
    """Return what people have handed in in *period*."""
    ended = {
        assignment.id: assignment
        for case in cases
        for assignment in case.assignments
        if _is_work(assignment, period)
    }
    return list(ended.values())


def _is_work(assignment: Assignment, period: Period) -> bool:
    has_worker = assignment.member is not None or bool(assignment.labeler)
    return assignment.state is AssignmentState.DONE and has_worker and period.has(assignment)


def _count_answers(work: WorkCounts, case: Case, period: Period) -> None:
    for assignment in case.assignments:
        answer = case.answers.get(assignment.id)
        if answer is None or not _is_work(assignment, period):
            continue
        if assignment.stage is Stage.LABEL and answer.is_resolved:
            units = count_units(answer, work.unit)
            work.job.answers += units
            work.job.given_up += units * answer.is_abandoned
            counts = work.of(assignment.member or name_hidden(answer, case.job.name))
            counts.answers += units
            counts.reworked += units * (assignment.round > 1)
        _count_seconds(work, case.job.name, assignment, answer.seconds)


def _count_seconds(work: WorkCounts, job: str, assignment: Assignment, seconds: float) -> None:
    if assignment.stage is Stage.INSPECT:
        work.job.inspect.seconds += seconds
        return
    if assignment.stage is Stage.ACCEPT:
        work.job.accept.seconds += seconds
        return
    work.job.seconds += seconds
    counts = work.of(assignment.member or name_hidden(assignment, job))
    counts.seconds += seconds
    if assignment.round > 1:
        counts.rework_seconds += seconds


def _count_looks(work: WorkCounts, case: Case, period: Period) -> None:
    inspections = _list_looks(case, Stage.INSPECT, period)
    samples = _list_looks(case, Stage.ACCEPT, period)
    for stage, looks in ((work.job.inspect, inspections), (work.job.accept, samples)):
        for look in looks:
            units = count_units(look.submitted, work.unit)
            stage.looks += units
            stage.errors += count_look_errors(look, work.unit)
            stage.rejects += units * look.is_sent_back
            stage.abandoned += units * look.is_abandoned
            _count_look(work, case, look)
    if inspections and samples:
        units = count_units(samples[0].submitted, work.unit)
        work.job.both += units
        work.job.missed += min(units, max(count_look_errors(look, work.unit) for look in samples))


def _list_looks(case: Case, stage: Stage, period: Period) -> list[Look]:
    return [look for look in iter_looks(case, stage) if period.has(look.assignment)]


def _count_look(work: WorkCounts, case: Case, look: Look) -> None:
    """Add *look* to what is counted of those whose answers it was at."""
    past = case.before(look.assignment)
    labels: list[Answer | None] = [*find_labelings(past)]
    for label in labels or [None]:
        is_vote = len(labels) > 1
        counts = work.of(None if label is None else name_labeler(case, label))
        units = count_units(label if is_vote else look.submitted, work.unit)
        errors = count_errors_of(label, look, work.unit, is_vote=is_vote)
        counts.caused += units * (look.is_sent_back and not _goes_to_inspectors(case, look))
        if look.assignment.stage is Stage.INSPECT:
            counts.checked += units
            counts.check_errors += errors
        else:
            counts.sampled += units
            is_own = label is None or is_vote or is_unchanged(label, look)
            counts.sample_errors += errors * is_own


def _goes_to_inspectors(case: Case, look: Look) -> bool:
    rule = case.job.workflow.accept
    at_acceptance = look.assignment.stage is Stage.ACCEPT
    return at_acceptance and rule is not None and rule.reject_to is Stage.INSPECT


def find_labelings(case: Case) -> list[Answer]:
    """Return the answers in the newest labeling of the task: one, or those of all who voted."""
    label = case.find_labeling()
    if label is None:
        return []
    if not is_voted_on_in(case.package, label.round):
        return [case.answers[label.id]] if label.id in case.answers else []
    return [
        case.answers[each.id]
        for each in case.assignments
        if each.outcome is Outcome.SUBMITTED
        and each.is_vote
        and each.round == label.round
        and each.id in case.answers
    ]


def count_errors_of(
    label: Answer | None, look: Look, unit: StatisticsUnit, *, is_vote: bool
) -> int:
    """Return how many units of this answer *look* has found wrong.

    A vote is wrong when it differs from what was decided, or says what was judged wrong.
    """
    if label is None or not is_vote:
        return count_look_errors(look, unit)
    if not label.is_resolved:
        return 0  # who hands a task to the experts says nothing that could be wrong
    said, submitted = look.said, look.submitted
    units = count_units(label, unit)
    if said is not None and said.wrong and not said.is_resolved:
        is_wrong = submitted is None or is_same_vote(label, submitted)
        return units if is_wrong else 0
    decided = said if said is not None and said.is_resolved else submitted
    if decided is None:
        return units
    if is_same_vote(label, decided):
        return 0
    return max(1, count_changes(label, decided, unit))


def is_unchanged(label: Answer, look: Look) -> bool:
    """Return whether *look* was at this answer itself, and not at that of an inspector."""
    return look.submitted is not None and look.submitted.assignment == label.assignment


def name_labeler(case: Case, label: Answer) -> Labeler:
    """Return who gave an answer: None for a model, a file or a deadline."""
    if label.member is None and label.labeler:
        return name_hidden(label, case.job.name)
    return label.member
