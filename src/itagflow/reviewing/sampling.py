"""Which packages and which tasks a review looks at.

All is drawn by hash, so that whoever draws again, at any time and with any version of Python, draws
the same; and a larger sample has every task of a smaller one.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from hashlib import sha256
from itertools import takewhile

import attrs

from itagflow.model.job import Accept, Job, ReviewRule, Stage
from itagflow.model.package import Assignment, AssignmentState, Outcome, Package
from itagflow.model.plan import LotEntry, PackageLot

_HASHES = 2**256
"""How many different hashes there are."""


@attrs.frozen(kw_only=True)
class Draw:
    """What is drawn by: the same values draw the same."""

    seed: int
    """The seed of the job."""
    stage: Stage
    """The stage that is drawn for."""
    package: int
    """The number of the package."""
    round: int
    """The round in which the whole package was labeled last: a new labeling is drawn again."""


@attrs.frozen(kw_only=True)
class Arrival:
    """A package that comes to a review stage, with what there was before."""

    job: Job
    """The job."""
    package: Package
    """The package, in the round in which it comes."""
    tasks: Sequence[int]
    """The numbers of its tasks, where they are needed; without those that were erased."""
    disputes: Sequence[int]
    """The tasks that are disputed now."""
    assignments: Sequence[Assignment]
    """Every assignment that there ever was on it."""


def draw_tasks(draw: Draw, tasks: Sequence[int], count: int) -> tuple[int, ...]:
    """Return *count* of *tasks*, in order: those whose hashes are the smallest.

    >>> draw = Draw(seed=7, stage=Stage.INSPECT, package=1, round=1)
    >>> set(draw_tasks(draw, range(1, 11), 2)) < set(draw_tasks(draw, range(1, 11), 5))
    True
    """
    place = f"{draw.seed}/{draw.package}/{draw.stage.value}/{draw.round}"
    by_hash = sorted(tasks, key=lambda task: sha256(f"{place}/{task}".encode()).digest())
    return tuple(sorted(by_hash[:count]))


def is_package_drawn(draw: Draw, share: float) -> bool:
    """Return whether the package is one of a *share* of all packages.

    >>> is_package_drawn(Draw(seed=7, stage=Stage.INSPECT, package=1, round=1), 1.0)
    True
    """
    place = f"{draw.seed}/{draw.stage.value}/{draw.package}/{draw.round}"
    number = int.from_bytes(sha256(place.encode()).digest(), "big")
    # a product with a power of two is exact, and so is the comparison of an integer with a float
    return number < share * _HASHES


def count_sampled(rule: ReviewRule | None, total: int) -> int:
    """Return how many of *total* tasks a first look is about: at least one, if there is one.

    A share is rounded up to whole tasks.

    >>> from itagflow import Inspect
    >>> count_sampled(Inspect(task_share=0.25), 10)
    3
    """
    count = total
    if rule is not None and rule.task_share is not None:
        # rounded first: 0.07 * 100 is a little more than 7 as a float, and 7 tasks are meant
        count = math.ceil(round(rule.task_share * total, 9))
    elif rule is not None and rule.task_count is not None:
        count = rule.task_count
    return min(max(count, 1), total)


def list_skipped(job: Job, package: Package, *, disputed: bool) -> tuple[Stage, ...]:
    """Return the review stages that *package*, which leaves its stage, passes without a review.

    They are those that follow at once and for which it is not drawn; *disputed* says whether votes
    on it are disputed.
    """
    stages = job.workflow.stages
    if package.stage is None or disputed:
        return ()
    later = stages[stages.index(package.stage) + 1 :]
    return tuple(takewhile(lambda stage: not is_drawn(job, package, stage), later))


def is_drawn(job: Job, package: Package, stage: Stage) -> bool:
    """Return whether *package*, of which nothing is disputed, is reviewed at *stage*.

    One that was rejected, labeled again whole, reopened, or part of a campaign always is.
    """
    rule = job.workflow.review(stage)
    if rule is None or rule.package_share is None:
        return True
    if package.rejects or package.whole_round > 1 or package.reopened_round or package.campaigns:
        return True
    return is_package_drawn(make_draw(job, package, stage), rule.package_share)


def find_scope(arrival: Arrival, stage: Stage) -> tuple[int, ...] | None:
    """Return the tasks that a review of the package at *stage* is about; None: all of them.

    The first look since the package was labeled whole is at the sample, all that is disputed, and
    all that was ever sent back. A later one is at exactly what was sent back since the last look,
    and what is disputed; after the package was reopened, at everything. In a campaign the first
    look is at its tasks.
    """
    package = arrival.package
    begin, looks = _find_looks(arrival, stage)
    last = max(looks, default=begin)
    # what was labeled whole in that round, or reviewed in it, was not reopened since
    if package.reopened_round > last:
        return None
    scope: set[int] | None
    if looks:
        scope = _find_sent_back(arrival.assignments, since=last)
    else:
        scope = _draw_first(arrival, stage)
    # what goes back as a whole is the campaign, where there is one
    if scope is None and package.campaign is not None:
        scope = set(package.campaign.tasks)
    if scope is None:
        return None
    scope.update(arrival.disputes)
    if len(scope) >= package.size:
        return None
    return tuple(sorted(scope))


def _find_looks(arrival: Arrival, stage: Stage) -> tuple[int, list[int]]:
    """Return the round in which the present work began, and those of the looks at it at *stage*."""
    package = arrival.package
    begin = package.whole_round
    if package.campaign is not None:
        begin = package.campaign.round
    looks = [
        assignment.round
        for assignment in arrival.assignments
        if assignment.stage is stage
        and assignment.state is AssignmentState.DONE
        and assignment.round >= begin
    ]
    return begin, looks


def open_lot(arrival: Arrival, stage: Stage) -> PackageLot | None:
    """Return the lot that the package is at *stage*, with its first sample; None: it is none.

    A plan decides on the first look since the package was labeled whole.  The sample is drawn from
    what is not checked in any case: what is disputed, or was sent back alone, tells nothing of
    the rest.
    """
    rule = arrival.job.workflow.review(stage)
    if rule is None or rule.plan is None or _is_in_lots(rule):
        return None
    tasks = _list_drawable(arrival, stage)
    if not tasks:
        return None
    count = rule.plan.for_lot(len(tasks)).sample
    sample = draw_tasks(make_draw(arrival.job, arrival.package, stage), tasks, count)
    return PackageLot(size=len(tasks), sample=sample)


def enter_lot(arrival: Arrival, stage: Stage) -> LotEntry | None:
    """Return what the package is to a lot of several packages; None: it is in none.

    It is in one where it would else be a lot of its own.
    """
    rule = arrival.job.workflow.review(stage)
    if rule is None or not _is_in_lots(rule) or not _list_drawable(arrival, stage):
        return None
    return LotEntry(certain=tuple(sorted(_find_certain(arrival))))


def _is_in_lots(rule: ReviewRule) -> bool:
    return isinstance(rule, Accept) and rule.lot is not None


def _list_drawable(arrival: Arrival, stage: Stage) -> list[int]:
    """Return the tasks from which the sample of a lot is drawn; none where no plan decides."""
    package = arrival.package
    if package.campaign is not None:
        return []
    begin, looks = _find_looks(arrival, stage)
    if looks or package.reopened_round > begin:
        return []
    certain = _find_certain(arrival)
    return [task for task in arrival.tasks if task not in certain]


def draw_of_lot(seed: int, lot: int, tasks: Iterable[int], count: int) -> tuple[int, ...]:
    """Return *count* of the *tasks* of a lot of several packages, in order.

    >>> set(draw_of_lot(7, 1, range(1, 11), 2)) < set(draw_of_lot(7, 1, range(1, 11), 5))
    True
    """
    place = f"{seed}/lot/{lot}"
    by_hash = sorted(tasks, key=lambda task: sha256(f"{place}/{task}".encode()).digest())
    return tuple(sorted(by_hash[:count]))


def _find_certain(arrival: Arrival) -> set[int]:
    """Return the tasks that a first look is at in any case."""
    certain = set(arrival.disputes)
    for assignment in arrival.assignments:
        if assignment.outcome is Outcome.REJECTED:
            certain.update(assignment.sent_back or ())
    return certain.intersection(arrival.tasks)


def _draw_first(arrival: Arrival, stage: Stage) -> set[int] | None:
    """Return the tasks of a first look without those that are disputed; None: all."""
    job, package = arrival.job, arrival.package
    if package.campaign is not None:
        return set(package.campaign.tasks)
    rule = job.workflow.review(stage)
    if rule is None or not rule.is_sampled:
        return None
    lot = open_lot(arrival, stage)
    if lot is not None:
        return {*lot.sample, *_find_certain(arrival)}
    count = count_sampled(rule, len(arrival.tasks))
    drawn = draw_tasks(make_draw(job, package, stage), arrival.tasks, count)
    return {*drawn, *package.rejects}


def _find_sent_back(assignments: Sequence[Assignment], *, since: int) -> set[int] | None:
    """Return the tasks that were sent back in this round or a later one; None: all."""
    sent = set[int]()
    for assignment in assignments:
        if assignment.outcome is not Outcome.REJECTED or assignment.round < since:
            continue
        if assignment.sent_back is None:
            return None
        sent.update(assignment.sent_back)
    return sent


def make_draw(job: Job, package: Package, stage: Stage) -> Draw:
    """Return what is drawn by for *package* at *stage*."""
    return Draw(seed=job.seed, stage=stage, package=package.number, round=package.whole_round)
