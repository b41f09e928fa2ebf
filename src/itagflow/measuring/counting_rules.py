"""What is counted of the work on a job, and on whom each part of it counts.

The unit is the task.  A look is a task in a round that a reviewer has handed in at a stage; an
error is a look that judged the task wrong, or has given another answer.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Self

import attrs

from itagflow.measuring.label_rules import name_hidden
from itagflow.measuring.look_rules import Look, has_changed, iter_looks
from itagflow.model.job import Stage
from itagflow.model.package import Assignment, AssignmentState, Outcome, Package, PackageState
from itagflow.model.task import Answer, TaskState
from itagflow.results.rules import Case, is_corrected, is_voted_on_in

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
    """How long they took, as far as it was told."""


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
    seconds: float = 0.0
    """How long these took, as far as it was told."""
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
    """How long these took, as far as it was told."""
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
    """How long these took, as far as it was told."""


@attrs.define
class WorkCounts:
    """What is counted of a job and of its labelers."""

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
    work.job.tasks += len(cases)
    work.job.done_tasks += len(cases) if is_done else 0
    for case in cases:
        _count_state(work, case, is_done=is_done)
        _count_answers(work, case, period)
        _count_looks(work, case, period)
    for assignment in _list_ended(cases, period):
        _count_seconds(work, cases[0].job.name, assignment, assignment.seconds)


def _count_state(work: WorkCounts, case: Case, *, is_done: bool) -> None:
    work.job.corrected += is_corrected(case)
    if not is_done:
        return
    state = case.state
    work.job.final += state is TaskState.FINAL
    work.job.abandoned += state is TaskState.ABANDONED
    if state is TaskState.FINAL:
        for label in find_labelings(case):
            work.of(name_labeler(case, label)).accepted += 1


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
            work.job.answers += 1
            counts = work.of(assignment.member or name_hidden(answer, case.job.name))
            counts.answers += 1
            counts.reworked += assignment.round > 1
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
            stage.looks += 1
            stage.errors += look.is_error
            stage.rejects += look.is_sent_back
            stage.abandoned += look.is_abandoned
            _count_look(work, case, look)
    if inspections and samples:
        work.job.both += 1
        work.job.missed += any(look.is_error for look in samples)


def _list_looks(case: Case, stage: Stage, period: Period) -> list[Look]:
    return [look for look in iter_looks(case, stage) if period.has(look.assignment)]


def _count_look(work: WorkCounts, case: Case, look: Look) -> None:
    """Add *look* to what is counted of those whose answers it was at."""
    past = case.before(look.assignment)
    labels: list[Answer | None] = [*find_labelings(past)]
    for label in labels or [None]:
        counts = work.of(None if label is None else name_labeler(case, label))
        counts.caused += look.is_sent_back and not _goes_to_inspectors(case, look)
        if look.assignment.stage is Stage.INSPECT:
            counts.checked += 1
            counts.check_errors += is_error_of(label, look, is_vote=len(labels) > 1)
        else:
            counts.sampled += 1
            is_own = label is None or len(labels) > 1 or is_unchanged(label, look)
            is_error = is_error_of(label, look, is_vote=len(labels) > 1)
            counts.sample_errors += is_own and is_error


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


def is_error_of(label: Answer | None, look: Look, *, is_vote: bool) -> bool:
    """Return whether *look* has found an error in this answer.

    A vote is wrong when it differs from what was decided, or says what was judged wrong.
    """
    if label is None or not is_vote:
        return look.is_error
    said = look.said
    if said is not None and said.wrong and not said.is_resolved:
        return look.submitted is None or not has_changed(look.submitted, label)
    decided = said if said is not None and said.is_resolved else look.submitted
    return has_changed(decided, label)


def is_unchanged(label: Answer, look: Look) -> bool:
    """Return whether *look* was at this answer itself, and not at that of an inspector."""
    return look.submitted is not None and look.submitted.assignment == label.assignment


def name_labeler(case: Case, label: Answer) -> Labeler:
    """Return who gave an answer: None for a model, a file or a deadline."""
    if label.member is None and label.labeler:
        return name_hidden(label, case.job.name)
    return label.member
