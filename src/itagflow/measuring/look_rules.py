"""Looks: what a reviewer has handed in about a task, and whether they found an error."""

from __future__ import annotations

from collections.abc import Iterator

import attrs

from itagflow.model.job import Stage
from itagflow.model.package import PASSING, Assignment, AssignmentState, Outcome
from itagflow.model.task import Answer
from itagflow.results.rules import Case, find_submitted


@attrs.frozen(kw_only=True)
class Look:
    """One look of a reviewer at a task: an inspection or an acceptance that they handed in."""

    task: int
    """The number of the task."""
    assignment: Assignment
    """The review."""
    submitted: Answer | None
    """What was checked."""
    said: Answer | None
    """What the reviewer said of it; None when it was right without a word."""

    @property
    def is_error(self) -> bool:
        """Whether the reviewer judged it wrong, or has given another answer."""
        if self.said is None:
            return False
        return self.said.wrong or has_changed(self.submitted, self.said)

    @property
    def is_sent_back(self) -> bool:
        """Whether the reviewer sent the task back."""
        sent_back = self.assignment.sent_back
        rejected = self.assignment.outcome is Outcome.REJECTED
        return rejected and (sent_back is None or self.task in sent_back)

    @property
    def is_abandoned(self) -> bool:
        """Whether the task was abandoned after it."""
        if self.is_sent_back:
            return False
        last = self.said if self.said is not None and self.said.is_resolved else self.submitted
        return last is not None and last.is_abandoned


def has_changed(before: Answer | None, after: Answer) -> bool:
    """Return whether *after* is an answer of its own, and another one than *before*.

    That of an abandoned task is that nobody can answer it, whatever the reason.
    """
    if not after.is_resolved:
        return False
    if before is None or before.is_abandoned != after.is_abandoned:
        return True
    return not after.is_abandoned and before.replies != after.replies


def iter_looks(case: Case, stage: Stage) -> Iterator[Look]:
    """Yield the looks at the task at a review stage, oldest first.

    Whoever sends back a whole package has checked the tasks of which they said something.
    """
    for assignment in case.assignments:
        if not is_handed_in(assignment, stage) or not assignment.covers(case.task):
            continue
        said = case.answers.get(assignment.id)
        if said is None and is_whole_reject(assignment):
            continue
        submitted = find_submitted(case.before(assignment), stage)
        yield Look(task=case.task, assignment=assignment, submitted=submitted, said=said)


def is_handed_in(assignment: Assignment, stage: Stage) -> bool:
    """Return whether *assignment* is a review at *stage* that came to its end."""
    ended = assignment.state is AssignmentState.DONE and assignment.stage is stage
    return ended and (assignment.outcome in PASSING or assignment.outcome is Outcome.REJECTED)


def is_whole_reject(assignment: Assignment) -> bool:
    """Return whether *assignment* sent everything back."""
    return assignment.outcome is Outcome.REJECTED and assignment.sent_back is None
