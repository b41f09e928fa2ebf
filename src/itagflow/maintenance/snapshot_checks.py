"""More of what must hold of a package: its drafts, its votes, and what was done when overdue."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from itagflow.claiming import part_rules
from itagflow.labeling.draft_rules import make_optional
from itagflow.maintenance.checks import PackageSnapshot
from itagflow.model.event import Event
from itagflow.model.inconsistency import Inconsistency, compare_field
from itagflow.model.job import JobState, Stage
from itagflow.model.package import Outcome, Package
from itagflow.model.task import Draft, count_versions
from itagflow.validation import answers


def check_drafts(snapshot: PackageSnapshot) -> Iterator[Inconsistency]:
    """Yield where the drafts of a package do not fit their assignments, tasks and answers."""
    for draft in snapshot.drafts:
        yield from check_draft(snapshot, draft)


def check_votes(snapshot: PackageSnapshot) -> Iterator[Inconsistency]:
    """Yield that all votes on a package are in and nobody merges them: it would wait for ever."""
    package = snapshot.package
    if package.stage is not Stage.LABEL or package.votes == 1 or package.free:
        return
    if snapshot.job.state is JobState.ARCHIVED or any(each.live for each in snapshot.assignments):
        return
    is_merged = part_rules.are_votes_merged(package, snapshot.assignments)
    given = part_rules.find_voters(snapshot.assignments, package.round)
    if given and not is_merged:
        yield from compare_field(package, "votes that are not merged", len(given), 0)


def check_deadline(
    package: Package, overdue_events: Sequence[Event], snapshot: PackageSnapshot
) -> Iterator[Inconsistency]:
    """Yield where what was done about the due time of *package* is not what its history tells.

    *overdue_events* are those in which it was found overdue, oldest first.
    """
    last: datetime | None = overdue_events[-1].at if overdue_events else None
    if package.overdue_at is not None:
        field = "overdue_at, as the history tells it,"
        yield from compare_field(package, field, package.overdue_at, last)
        if package.due is None or package.due > package.overdue_at:
            expected = f"at most {package.overdue_at}"
            yield from compare_field(package, "due", package.due, expected)
    closed = sum(each.outcome is Outcome.TIMEOUT for each in snapshot.assignments)
    told = sum(bool(_get_closing(event)) for event in overdue_events)
    yield from compare_field(package, "labelings that ended overdue", closed, told)


def _get_closing(event: Event) -> bool:
    """Return whether *event* closed a labeling: it says of which tasks, or of none, what became."""
    return "defaulted" in event.data or "escalated" in event.data


def check_draft(snapshot: PackageSnapshot, draft: Draft) -> Iterator[Inconsistency]:
    """Yield where *draft* does not fit its assignment, its task, or the answer beside it."""
    assignment = snapshot.assignments_by_id.get(draft.assignment)
    task = snapshot.tasks.get(draft.task)
    if assignment is None:
        expected = f"one on package {snapshot.package.number}"
        yield from compare_field(draft, "assignment", draft.assignment, expected)
        return
    for name in ("stage", "round", "member"):
        yield from compare_field(draft, name, getattr(draft, name), getattr(assignment, name))
    yield from compare_field(assignment, "has_drafts", assignment.has_drafts, True)
    if task is None or task.erased:  # a draft is erased with its task
        yield from compare_field(draft, "task", draft.task, "one of its package, and not erased")
        return
    answer = snapshot.answers_by_task[draft.task].get(assignment.id)
    if draft.answer_version > count_versions(answer):
        expected = f"at most {count_versions(answer)}"
        yield from compare_field(draft, "answer_version", draft.answer_version, expected)
    template = snapshot.template
    # one that could not follow a change of the template is left as it was
    if template is None or draft.template_version != template.version:
        return
    for problem in answers.find_problems(make_optional(template), draft.replies, task):
        yield from compare_field(draft, "what does not fit the template", str(problem), None)
