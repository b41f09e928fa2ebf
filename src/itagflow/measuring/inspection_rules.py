"""Which inspections tell how many errors are left, and what each has found.

It is the last review stage that counts: what comes before it is part of the work that it looks at.
Only the first look since a package was labeled whole is at a fresh sample; what comes after it is
at what was sent back.  What is always checked, beside the sample, is a stratum of its own: tasks
that were sent back before, and those on which votes disagree.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import attrs

from itagflow.measuring.look_rules import Look, is_handed_in, is_whole_reject, iter_looks
from itagflow.model.job import Stage
from itagflow.model.package import Assignment, AssignmentState, Outcome, Package
from itagflow.quality.values import Inspection
from itagflow.results.rules import Case, find_campaign

LABELED = frozenset(
    {Outcome.SUBMITTED, Outcome.MERGED, Outcome.PRELABELED, Outcome.IMPORTED, Outcome.TIMEOUT}
)
"""How an assignment ends that labels its tasks."""


@attrs.frozen(kw_only=True)
class Sample:
    """What one review of a fresh sample has found."""

    tasks: int
    """How many tasks the package has, without those that are always checked."""
    sample: int
    """How many of these were drawn."""
    wrong: int
    """How many of the drawn ones were wrong."""
    certain: int = 0
    """How many tasks are always checked."""
    certain_wrong: int = 0
    """How many of these were wrong."""
    is_rejected: bool = False
    """Whether the whole package was sent back."""
    round: int = 1
    """Which fresh sample of the package it is."""
    is_drawn: bool = True
    """Whether the package was drawn by chance."""

    @property
    def found(self) -> int:
        """How many errors the reviewer has found."""
        return self.wrong + self.certain_wrong


def list_samples(package: Package, stage: Stage, cases: Sequence[Case]) -> list[Sample]:
    """Return what the reviews of fresh samples of *package* at *stage* have found, oldest first.

    *cases* are its tasks.  Reviews before the package was reopened count no more, and those of
    campaigns are of selected tasks.
    """
    found = list[Sample]()
    counted = [case for case in cases if case.task not in package.excluded]
    whole_rounds = set[int]()
    for assignment in _list_reviews(counted, stage):
        if assignment.round < package.reopened_round or find_campaign(package, assignment.round):
            continue
        begin = max(_list_whole_rounds(counted, assignment.round), default=1)
        if begin in whole_rounds:
            continue
        whole_rounds.add(begin)
        found.extend(_draw_up(package, assignment, counted, number=len(whole_rounds)))
    return found


def _list_reviews(cases: Sequence[Case], stage: Stage) -> list[Assignment]:
    reviews = {
        assignment.id: assignment
        for case in cases
        for assignment in case.assignments
        if is_handed_in(assignment, stage)
    }
    return sorted(reviews.values(), key=lambda each: (each.round, each.id))


def _list_whole_rounds(cases: Sequence[Case], last: int) -> set[int]:
    """Return the rounds up to *last* in which all tasks were labeled."""
    in_all: set[int] | None = None
    for case in cases:
        rounds = {
            assignment.round
            for assignment in case.assignments
            if assignment.stage is Stage.LABEL
            and assignment.state is AssignmentState.DONE
            and assignment.outcome in LABELED
            and assignment.round <= last
            and assignment.covers(case.task)
        }
        in_all = rounds if in_all is None else in_all & rounds
    return in_all or set()


def _draw_up(
    package: Package, assignment: Assignment, cases: Sequence[Case], *, number: int
) -> Iterator[Sample]:
    """Yield what *assignment* has found, unless nothing that it checked was drawn."""
    certain = {case.task for case in cases if _is_certain(case, assignment)}
    looks = {
        look.task: look
        for case in cases
        for look in iter_looks(case, assignment.stage)
        if look.assignment.id == assignment.id
    }
    drawn = {case.task for case in cases if assignment.covers(case.task)} - certain
    is_rejected = is_whole_reject(assignment)
    wrong, certain_wrong = _count_errors(looks, drawn), _count_errors(looks, certain)
    # who sends back everything without an error in a task has another reason than the sample
    if not drawn or (is_rejected and not wrong + certain_wrong):
        return
    always = bool(certain) or number > 1 or bool(package.reopened_round)
    yield Sample(
        tasks=len(cases) - len(certain),
        sample=len(drawn),
        wrong=wrong,
        certain=len(certain),
        certain_wrong=certain_wrong,
        is_rejected=is_rejected,
        round=number,
        is_drawn=not always,
    )


def _is_certain(case: Case, assignment: Assignment) -> bool:
    """Return whether the task is checked in any case: sent back before, or disputed."""
    past = case.before(assignment)
    for each in past.assignments:
        if each.outcome is Outcome.REJECTED and case.task in (each.sent_back or ()):
            return True
    label = past.find_labeling()
    answer = None if label is None else case.answers.get(label.id)
    return answer is not None and bool(answer.disputed)


def _count_errors(looks: dict[int, Look], tasks: set[int]) -> int:
    return sum(looks[task].is_error for task in tasks if task in looks)


def find_limit(samples: Sequence[Sample]) -> int | None:
    """Return with how many errors packages were accepted, or None when none went back whole.

    It is one less than the fewest errors with which one went back.  Where others passed with as
    many there is no such number: -1.
    """
    rejected = [sample.found for sample in samples if sample.is_rejected]
    if not rejected:
        return None
    limit = min(rejected) - 1
    passed = max((sample.found for sample in samples if not sample.is_rejected), default=0)
    return limit if passed <= limit else -1


def to_inspections(samples: Sequence[Sample], limit: int | None) -> list[Inspection]:
    """Return *samples* as `itagflow.quality.error_left` takes them.

    What is always checked is an inspection of all of it: it has no error left.
    """
    found = list[Inspection]()
    for each in samples:
        # errors among what is always checked leave less for the sample
        rest = None if limit is None else limit - each.certain_wrong
        if rest is not None and rest < 0:
            continue
        found.append(
            Inspection(
                each.tasks,
                each.sample,
                each.wrong,
                accept=rest,
                round=each.round,
                is_drawn=each.is_drawn,
            )
        )
        if each.certain and not each.is_rejected:
            found.append(Inspection(each.certain, each.certain, 0, is_drawn=False))
    return found


def is_skipped(package: Package, stage: Stage) -> bool:
    """Return whether *package* has passed *stage* since it was not drawn for it, and is done."""
    return stage in package.skipped and package.stage is None
