"""Campaigns: which tasks can be opened again, and who gets them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import attrs

from itagflow.claiming import rules as claiming
from itagflow.claiming.decision import is_own_work
from itagflow.errors import Problem
from itagflow.model.change import Change, Context, Saved, record
from itagflow.model.job import Route, Stage
from itagflow.model.package import Assignment, Package, PackageState
from itagflow.model.workspace import Member
from itagflow.results.outcome_rules import describe_reopening
from itagflow.results.rules import build_cases, with_counts
from itagflow.reviewing.reject_rules import (
    WorkPlace,
    find_outdated_authors,
    list_authors,
    select_able,
    without_withdrawn,
)
from itagflow.reviewing.rules import (
    PackageHistory,
    Reopening,
    reopen_tasks,
    slots,
    with_offers,
    with_votes,
)


@attrs.frozen(kw_only=True)
class SelectedTasks:
    """The selected tasks of a package, by whether they can be opened."""

    opened: tuple[int, ...] = ()
    """Those that can, in order."""
    problems: tuple[Problem, ...] = ()
    """Why each of the others cannot."""


@attrs.frozen(kw_only=True)
class CampaignFacts:
    """What is decided on when tasks of a package are opened again."""

    place: WorkPlace
    """The job, and the stage at which the tasks are to be worked on."""
    package: Package
    """The locked package, which is done."""
    history: PackageHistory
    """What was done on it, with all its tasks and answers."""
    tasks: tuple[int, ...]
    """The tasks that are opened, in order."""
    comment: str = ""
    """Why."""
    job_saves: Sequence[Saved] = ()
    """The locked job as it runs again, if it had finished."""


def sort_selected(package: Package, selected: Sequence[int], refusal: str = "") -> SelectedTasks:
    """Return which of the *selected* tasks of *package* can be opened.

    *refusal* says why the member to whom they are to go may not have the package, if so.
    """
    reason = _explain_state(package) or refusal
    if reason:
        return SelectedTasks(problems=tuple(_make_problem(task, reason) for task in selected))
    excluded = [task for task in selected if task in package.excluded]
    return SelectedTasks(
        opened=tuple(task for task in selected if task not in excluded),
        problems=tuple(_make_problem(task, _explain_excluded(package, task)) for task in excluded),
    )


def _explain_excluded(package: Package, task: int) -> str:
    return "its data was erased" if task in package.erased else "it was withdrawn"


def explain_refusal(
    place: WorkPlace, package: Package, member: Member | None, assignments: Sequence[Assignment]
) -> str:
    """Return why *member*, if one is named, may not have *package* there; empty when they may."""
    if member is None or place.stage is Stage.LABEL:
        return ""
    if is_own_work(place.job, package, member, place.stage, assignments):
        return f"{package} is {member.account}'s own work"
    return ""


def find_candidates(facts: CampaignFacts, assign: Route | int) -> tuple[int, ...]:
    """Return the keys of those to whom the tasks may be offered: the named member, or the authors.

    At a review stage the author is who reviewed the package last.
    """
    if isinstance(assign, int):
        return (assign,)
    if assign is Route.QUEUE:
        return ()
    assignments = without_withdrawn(facts.package, facts.history.assignments)
    return list_authors(facts.place.stage, assignments, facts.tasks)


def select_members(facts: CampaignFacts, candidates: Sequence[Member]) -> list[Member]:
    """Return those of the locked *candidates* who get an offer; the other slots are free."""
    place, package = facts.place, facts.package
    able = [
        member
        for member in select_able(place, candidates)
        if not explain_refusal(place, package, member, facts.history.assignments)
    ]
    # the votes of the package as it will be: the job may ask for more by now
    votes = with_votes(place.job, package, package.round + 1)
    return able[: slots(votes, place.stage)]


def begin_campaign(
    facts: CampaignFacts, members: Sequence[Member], ctx: Context, *, ids: Sequence[int]
) -> Change:
    """Open the tasks again, and offer them to the locked *members*; other slots are free."""
    job, stage, package = facts.place.job, facts.place.stage, facts.package
    history = facts.history
    opened = reopen_tasks(job, package, ctx, _make_opening(facts))
    offered = with_offers(opened, members)
    cases = build_cases(job, offered, history.assignments, history.answers)
    after = with_counts(offered, cases)
    offers = [
        claiming.offer(claiming.Slot(job, after, stage, member), ctx, id=id)
        for id, member in zip(ids, members, strict=True)
    ]
    outdated = find_outdated_authors(after, history.assignments, history.tasks)
    data: dict[str, Any] = {"tasks": list(facts.tasks)}
    if facts.comment:
        data["comment"] = facts.comment
    save = ((package, after), *outdated, *facts.job_saves)
    became = describe_reopening(package, facts.tasks)
    return record(ctx, "reopen", about=after, add=offers, save=save, data=data, became=became)


def _make_opening(facts: CampaignFacts) -> Reopening:
    return Reopening(facts.tasks, facts.place.stage, facts.comment)


def _explain_state(package: Package) -> str:
    if package.state is PackageState.DONE:
        return ""
    if package.stage is None:
        return f"{package} is {package.state.value}"
    return f"{package} is at {package.stage.name}: it can be opened again once it is done"


def _make_problem(task: int, reason: str) -> Problem:
    return Problem(f"task {task}", reason)
