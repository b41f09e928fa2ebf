"""Campaigns: selected tasks of a job are opened again, package by package."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

import attrs

from itagflow import access
from itagflow.access import Action
from itagflow.claiming import rules as claiming
from itagflow.core import lookup
from itagflow.core.counted import Wrap, show
from itagflow.core.engine import Engine
from itagflow.core.locking import lock_packages
from itagflow.core.lookup import (
    PAGE,
    JobRef,
    MemberRef,
    iterate_query,
    read_answers,
    read_task_numbers,
)
from itagflow.core.transaction import Transaction
from itagflow.core.visibility import access_of
from itagflow.errors import NotAllowed, Problem
from itagflow.jobs import reopening_rules as rules
from itagflow.jobs.finishing_rules import find_missing_team
from itagflow.jobs.reopening_rules import CampaignFacts
from itagflow.jobs.rules import reopen_finished
from itagflow.jobs.staffing import read_staffing_at, require_people
from itagflow.model.arguments import require_flag, require_wrapper
from itagflow.model.change import Change, Context
from itagflow.model.enums import parse_enum
from itagflow.model.job import Job, Route, Stage
from itagflow.model.package import Assignment, Package
from itagflow.model.reports import MAX_PROBLEMS, ReopenReport
from itagflow.model.selection import Selection, require_selection
from itagflow.model.task import Task
from itagflow.model.text import require_text
from itagflow.model.workspace import Member
from itagflow.prelabels.service import group_packages
from itagflow.results.histories import SelectedTasks, read_selected
from itagflow.results.rules import must_fit_its_template
from itagflow.results.selecting import find_selection, find_worked_packages
from itagflow.reviewing.reject_rules import WorkPlace
from itagflow.reviewing.rules import PackageHistory
from itagflow.storage.port import Query, Reader

Assignee = Route | MemberRef
"""Who gets what is opened again: the authors, the queue, or a member; a route also by value."""

_WHAT = "jobs.reopen"


def _convert_where(value: Selection) -> Selection:
    return require_selection(_WHAT, value)


def _convert_to(value: Stage | str) -> Stage:
    return parse_enum(Stage, value)


def _convert_assign(value: Assignee) -> Assignee:
    # a member of that name is given by key, or as an object
    if isinstance(value, str) and value in (Route.AUTHOR.value, Route.QUEUE.value):
        return Route(value)
    return value


def _convert_comment(value: str) -> str:
    return require_text(_WHAT, "comment", value)


def _convert_dry_run(value: bool) -> bool:
    return require_flag(_WHAT, "dry_run", value)


def _convert_progress(value: Wrap | None) -> Wrap | None:
    return require_wrapper(_WHAT, "progress", value)


@attrs.frozen
class ReopenSpec:
    """How `reopen` is called, beside the job."""

    where: Selection = attrs.field(converter=_convert_where)
    """Which tasks."""
    to: Stage = attrs.field(converter=_convert_to)
    """The stage at which they are opened; also by value."""
    assign: Assignee = attrs.field(converter=_convert_assign)
    """Who gets them; a route also by value."""
    comment: str = attrs.field(converter=_convert_comment)
    """Why."""
    dry_run: bool = attrs.field(converter=_convert_dry_run)
    """Whether to change nothing."""
    progress: Wrap | None = attrs.field(converter=_convert_progress)
    """Wraps the iterable of packages."""
    by: MemberRef
    """Who decides."""


@attrs.frozen
class _Campaign:
    """A campaign whose arguments were looked up."""

    spec: ReopenSpec
    job: Job
    selection: Selection
    assign: Route | int
    """Who gets the tasks, a member by key."""

    @property
    def assignee(self) -> int | None:
        """The key of the member to whom all goes, if one is named."""
        return self.assign if isinstance(self.assign, int) else None


@attrs.define
class _Tally:
    """What was opened so far, and what was not."""

    packages: int = 0
    tasks: int = 0
    skipped: int = 0
    problems: list[Problem] = attrs.field(factory=list[Problem])

    def count(self, selected: rules.SelectedTasks) -> None:
        self.packages += bool(selected.opened)
        self.tasks += len(selected.opened)
        self.skipped += len(selected.problems)
        # all are counted, but only the first are kept
        self.problems += selected.problems[: MAX_PROBLEMS - len(self.problems)]

    def build_report(self) -> ReopenReport:
        return ReopenReport(
            packages=self.packages,
            tasks=self.tasks,
            skipped=self.skipped,
            problems=tuple(self.problems),
        )


def reopen(engine: Engine, job: JobRef, spec: ReopenSpec) -> ReopenReport:
    """Open the selected tasks of a job again; the others keep their results."""
    campaign, tally = _begin(engine, job, spec), _Tally()
    where: dict[str, Any] = {"job": campaign.job.id}
    if campaign.selection.package is not None:
        where["number"] = campaign.selection.package
    query = Query(Package, where, order=("number",))
    with engine.store.read() as reader:
        total = reader.count(query)
    packages = show(iterate_query(engine.store, query), total, spec.progress)
    for group in group_packages(packages, PAGE):
        # without a lock: of most packages nothing is selected
        with engine.store.read() as reader:
            numbers = [package.number for package in group]
            selected = _find_selected(reader, engine, campaign, numbers)
            found = _find_openable(reader, engine, campaign, selected)
        if any(each.opened for each in found.values()) and not spec.dry_run:
            found = _open_group(engine, campaign, list(selected))
        for each in found.values():
            tally.count(each)
    return tally.build_report()


def _begin(engine: Engine, ref: JobRef, spec: ReopenSpec) -> _Campaign:
    """Return what is asked for, if it may be done.

    Raises:
        NotFound: when there is no such job, member or package.
        InvalidData: when the job does not have a stage.
        WrongState: when the job is a draft or archived.
        Incomplete: when its answers still follow a change of the template, or too few people may
            do the work.
        NotAllowed: when *by* may not manage jobs, or the named member may not have the work.
    """
    with engine.store.read() as reader:
        job = lookup.job(reader, ref)
        actor = lookup.member(reader, job.workspace, spec.by)
        access.check(engine.policy, actor, Action.MANAGE_JOB, job, None)
        job.workflow.rule(spec.to)
        must_fit_its_template(job, "reopen tasks")
        reopen_finished(job, "reopen")
        selection = find_selection(reader, job, spec.where)
        place = WorkPlace(engine.policy, job, spec.to, engine.now())
        require_people(reader, place)
        assign = spec.assign
        if not isinstance(assign, Route):
            member = lookup.member(reader, job.workspace, assign)
            access.check_about(engine.policy, actor, Action.ASSIGN, member)
            _require_able(reader, place, member)
            assign = member.id
    return _Campaign(spec, job, selection, assign)


def _require_able(reader: Reader, place: WorkPlace, member: Member) -> None:
    """Check that all the work can be given to *member*.

    Raises:
        NotAllowed: when they may not do it, are paused, or nobody else could review it.
    """
    job, stage = place.job, place.stage
    access.check(place.policy, member, Action.at(stage), job, stage)
    claiming.must_not_be_paused(member, place.at)
    if stage is not Stage.LABEL:
        return
    hindrance = find_missing_team(job, member, read_staffing_at(reader, place))
    if hindrance:
        raise NotAllowed(member.account, "be assigned", hindrance)


def _find_selected(
    reader: Reader, engine: Engine, campaign: _Campaign, packages: Sequence[int]
) -> dict[int, list[int]]:
    """Return the numbers of the selected tasks of these *packages*, by package."""
    job, selection = campaign.job, campaign.selection
    numbers = find_worked_packages(reader, job, selection, packages)
    where: dict[str, Any] = {"job": job.id, "package": tuple(numbers)}
    tasks = list(reader.find(Query(Task, where, order=("number",)))) if numbers else []
    # as whoever decides may read it: what a selection finds tells who did what
    viewer = access_of(reader, engine.policy, job.workspace, campaign.spec.by)
    by_package = defaultdict[int, list[int]](list)
    for result in read_selected(reader, job, SelectedTasks(tasks, selection), viewer):
        by_package[result.task.package].append(result.task.number)
    return dict(sorted(by_package.items()))


def _find_openable(
    reader: Reader, engine: Engine, campaign: _Campaign, selected: Mapping[int, Sequence[int]]
) -> dict[int, rules.SelectedTasks]:
    """Return which of the *selected* tasks can be opened, by package."""
    if not selected:
        return {}
    job, key = campaign.job, campaign.assignee
    place = WorkPlace(engine.policy, job, campaign.spec.to, engine.now())
    member = None if key is None else reader.get(Member, (key,))
    where: dict[str, Any] = {"job": job.id, "number": tuple(selected)}
    packages = {each.number: each for each in reader.find(Query(Package, where))}
    found = dict[int, rules.SelectedTasks]()
    for number, tasks in selected.items():
        package = packages[number]
        refusal = ""
        if member is not None:
            of_package = Query(Assignment, {"job": job.id, "package": number}, order=("id",))
            assignments = list(reader.find(of_package))
            refusal = rules.explain_refusal(place, package, member, assignments)
        found[number] = rules.sort_selected(package, tasks, refusal)
    return found


def _open_group(
    engine: Engine, campaign: _Campaign, packages: Sequence[int]
) -> dict[int, rules.SelectedTasks]:
    """Open the selected tasks of some packages in one transaction; return what was done.

    What is selected is found again under the locks: somebody may have been faster.
    """
    spec = campaign.spec
    with engine.transaction() as transaction:
        lock_packages(transaction, ((campaign.job.id, number) for number in packages))
        transaction.lock_job_counter(campaign.job.id)  # nobody finishes the job from here on
        job = transaction.lock_job_for_adding(campaign.job.id)
        ctx = transaction.authorize(job.workspace, spec.by, Action.MANAGE_JOB, job)
        must_fit_its_template(job, "reopen tasks")
        running = reopen_finished(job, "reopen")
        current = attrs.evolve(campaign, job=job)
        selected = _find_selected(transaction.store, engine, current, packages)
        found = _find_openable(transaction.store, engine, current, selected)
        opened = {number: each.opened for number, each in found.items() if each.opened}
        facts = [
            _read_facts(transaction, current, number, tasks) for number, tasks in opened.items()
        ]
        if facts:
            # with the first of them a finished job runs again
            facts[0] = attrs.evolve(facts[0], job_saves=running)
        for change in _decide(transaction, current, facts, ctx):
            transaction.apply(change)
    return found


def _read_facts(
    transaction: Transaction, campaign: _Campaign, number: int, tasks: tuple[int, ...]
) -> CampaignFacts:
    package = transaction.lock_package((campaign.job.id, number))
    numbers = read_task_numbers(transaction.store, package)
    return CampaignFacts(
        place=WorkPlace(transaction.policy, campaign.job, campaign.spec.to, transaction.at),
        package=package,
        history=PackageHistory(
            assignments=transaction.assignments(package),
            tasks=numbers,
            answers=read_answers(transaction.store, campaign.job.id, numbers),
        ),
        tasks=tasks,
        comment=campaign.spec.comment,
    )


def _decide(
    transaction: Transaction, campaign: _Campaign, facts: Sequence[CampaignFacts], ctx: Context
) -> list[Change]:
    """Return the changes that open the tasks; all are decided before the first is stored."""
    candidates = [rules.find_candidates(each, campaign.assign) for each in facts]
    # last in the order of locks, by key and shared, as claims of the same members do
    keys = sorted({key for named in candidates for key in named})
    locked = {key: transaction.lock(Member, (key,), shared=True) for key in keys}
    if campaign.assignee is not None and facts:
        member = locked[campaign.assignee]
        transaction.require_about(ctx, Action.ASSIGN, member.id)
        _require_able(transaction.store, facts[0].place, member)
    changes = list[Change]()
    for each, named in zip(facts, candidates, strict=True):
        members = rules.select_members(each, [locked[key] for key in named])
        ids = [transaction.new_id(Assignment, campaign.job.id) for _ in members]
        changes.append(rules.begin_campaign(each, members, ctx, ids=ids))
    return changes
