"""What an event of the history adds to somebody's work, or takes off it again.

Only what is fixed once the event is stored is asked: assignments that have ended, their answers,
and what was there before.  So a piece of work is the same whenever it is counted.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime

import attrs

from itagflow.measuring.counting_rules import find_labelings
from itagflow.measuring.look_rules import iter_looks
from itagflow.model.copying import evolve
from itagflow.model.event import Event
from itagflow.model.job import Accept, Stage
from itagflow.model.package import Assignment, Outcome
from itagflow.results.rules import Case, PackageHistory, find_campaign

HANDED_IN = ("submit", "review", "accept", "reject")
"""The types of the events in which work is handed in."""


@attrs.frozen(kw_only=True)
class Piece:
    """Some work of one member at one stage: what they handed in, or what was sent back of it."""

    at: datetime
    """When."""
    member: int
    """The key of the member."""
    job: int
    """The key of the job."""
    stage: Stage
    """The stage at which the work was done."""
    assignments: int = 0
    """How many assignments were handed in: 1, or 0 for what was sent back."""
    count: int = 0
    """How many tasks were handed in."""
    corrected: int = 0
    """How many were sent back."""
    seconds: float = 0.0
    """How long it took."""
    sent_back: int = 0
    """How many tasks a review sends back to others."""


def list_pieces(event: Event, cases: Sequence[Case]) -> list[Piece]:
    """Return what *event* adds up to; *cases* are the tasks of its package as they are now.

    Handed in are answers, also that a task is given up, but not what goes to the experts; and looks
    of reviewers.  What is sent back is taken off from those who have to do it again: the labelers
    of the task, or its inspector.
    """
    assignment = _find_assignment(event.assignment, cases)
    if assignment is None:
        return []
    pieces = list[Piece]()
    sent_back = list[Case]()
    if assignment.outcome is Outcome.REJECTED:
        sent_back = [case for case in cases if _is_sent_back(case, assignment)]
    if assignment.member is not None:
        piece = _hand_in(event, assignment, assignment.member, cases)
        pieces.append(attrs.evolve(piece, sent_back=len(sent_back)))
    return [*pieces, *_send_back(event, assignment, sent_back)]


def with_withdrawn(history: PackageHistory) -> PackageHistory:
    """Return the history of a package as if no campaign had been withdrawn: the work was done."""
    package = history.package
    if not any(campaign.is_withdrawn for campaign in package.campaigns):
        return history
    campaigns = [attrs.evolve(campaign, is_withdrawn=False) for campaign in package.campaigns]
    return PackageHistory(evolve(package, campaigns=tuple(campaigns)), history.assignments)


def _find_assignment(id: int, cases: Iterable[Case]) -> Assignment | None:
    for case in cases:
        for assignment in case.assignments:
            if assignment.id == id:
                return assignment
    return None


def _hand_in(event: Event, assignment: Assignment, member: int, cases: Sequence[Case]) -> Piece:
    answers = [case.answers.get(assignment.id) for case in cases]
    own = [answer for answer in answers if answer is not None]
    if assignment.stage is Stage.LABEL:
        count = sum(answer.is_resolved and not answer.is_escalated for answer in own)
    else:
        count = sum(
            look.assignment.id == assignment.id
            for case in cases
            for look in iter_looks(case, assignment.stage)
        )
    return Piece(
        at=event.at,
        member=member,
        job=event.job,
        stage=assignment.stage,
        assignments=1,
        count=count,
        seconds=assignment.seconds + sum(answer.seconds for answer in own),
    )


def _send_back(event: Event, review: Assignment, cases: Sequence[Case]) -> Iterator[Piece]:
    """Yield what is taken off those who have to do these tasks again."""
    for case in cases:
        stage = _find_target(case, review)
        for member in sorted(_find_authors(case.before(review), stage)):
            yield Piece(at=event.at, member=member, job=event.job, stage=stage, corrected=1)


def _is_sent_back(case: Case, review: Assignment) -> bool:
    if review.sent_back is not None:
        return case.task in review.sent_back
    campaign = find_campaign(case.package, review.round)
    return campaign is None or case.task in campaign.tasks


def _find_target(case: Case, review: Assignment) -> Stage:
    accept = case.job.workflow.accept
    if review.stage is Stage.ACCEPT and isinstance(accept, Accept):
        return accept.reject_to
    return Stage.LABEL


def _find_authors(past: Case, stage: Stage) -> set[int]:
    """Return who has to do the task again at *stage*."""
    if stage is Stage.LABEL:
        return {
            label.member
            for label in find_labelings(past)
            if label.member is not None and label.is_resolved and not label.is_escalated
        }
    looks = list(iter_looks(past, stage))
    last = looks[-1].assignment.member if looks else None
    return set() if last is None else {last}
