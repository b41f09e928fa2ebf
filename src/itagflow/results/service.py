"""Questions: what is there, how far is it, what came out, and who did what."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import nullcontext
from itertools import chain
from typing import Any

import attrs

from itagflow import access
from itagflow.access import Action
from itagflow.core import lookup, secrecy
from itagflow.core.engine import Engine
from itagflow.core.lookup import (
    AssignmentRef,
    JobRef,
    MemberRef,
    PackageRef,
    PartitionRef,
    WorkspaceRef,
    iterate_pages,
)
from itagflow.core.visibility import Access, access_of, listed
from itagflow.errors import ItagflowError, NotAllowed, NotFound
from itagflow.jobs import rules as jobs_rules
from itagflow.model.event import Event
from itagflow.model.job import Job, JobState
from itagflow.model.jobcounter import JobCounter
from itagflow.model.package import (
    LIVE,
    Assignment,
    AssignmentState,
    Package,
    PackageState,
)
from itagflow.model.partition import JobPartition
from itagflow.model.result import COUNTS, Progress, Result
from itagflow.model.task import Task, TaskState, WorkItem
from itagflow.model.template import Template
from itagflow.model.workspace import Member
from itagflow.results import rules
from itagflow.results.histories import cases_of
from itagflow.results.rows import Columns
from itagflow.storage.port import Query, Reader, Span
from itagflow.validation.answers import mentions


def get_job(engine: Engine, job: JobRef, *, by: MemberRef | None = None) -> Job:
    """Return a job as it is now."""
    with engine.store.read() as reader:
        return require_readable(engine, reader, "jobs.get", job, by)[0]


def list_jobs(
    engine: Engine,
    workspace: WorkspaceRef,
    *,
    state: JobState | None = None,
    by: MemberRef | None = None,
) -> Iterator[Job]:
    """Yield the jobs of a workspace, oldest first; with *by* those that the member may see."""
    with engine.store.read() as reader:
        where: dict[str, Any] = {"workspace": lookup.workspace(reader, workspace).id}
        access_of(reader, engine.policy, where["workspace"], by)
    if state is not None:
        where["state"] = state

    def visible(reader: Reader, found: list[Job]) -> list[Job]:
        seeing = access_of(reader, engine.policy, where["workspace"], by)
        return [job for job in found if seeing.may("jobs.list", job)]

    return listed(engine.store, Query(Job, where, order=("id",)), visible)


def get_template(engine: Engine, job: JobRef, *, by: MemberRef | None = None) -> Template:
    """Return the template of a job as it is now; the history keeps what it was."""
    with engine.store.read() as reader:
        home, _ = require_readable(engine, reader, "templates.get", job, by)
        return reader.get(Template, (home.template,))


def list_templates(
    engine: Engine, workspace: WorkspaceRef, *, by: MemberRef | None = None
) -> Iterator[Template]:
    """Yield the templates of a workspace that have a name, oldest first."""
    with engine.store.read() as reader:
        home = lookup.workspace(reader, workspace)
        access_of(reader, engine.policy, home.id, by)

    def visible(reader: Reader, found: list[Template]) -> list[Template]:
        seeing = access_of(reader, engine.policy, home.id, by)
        named = [template for template in found if template.name]
        if seeing.may("templates.list", None):
            return named
        jobs = reader.find(Query(Job, {"workspace": home.id}))
        asked = {job.template for job in jobs if seeing.may("templates.list", job)}
        return [template for template in named if template.id in asked]

    return listed(engine.store, Query(Template, {"workspace": home.id}, order=("id",)), visible)


def get_package(engine: Engine, package: PackageRef, *, by: MemberRef | None = None) -> Package:
    """Return a package as it is now."""
    with engine.store.read() as reader:
        found = lookup.package(reader, package)
        home = lookup.job(reader, found.job)
        seeing = access_of(reader, engine.policy, home.workspace, by)
        own = found.number in seeing.own_packages(home, [found.number])
        seeing.must("packages.get", home, own=own)
        return found


def list_packages(
    engine: Engine, job: JobRef, *, state: PackageState | None = None, by: MemberRef | None = None
) -> Iterator[Package]:
    """Yield the packages of a job, by number."""
    with engine.store.read() as reader:
        where: dict[str, Any] = {
            "job": require_readable(engine, reader, "packages.list", job, by, own=True)[0].id
        }
    if state is not None:
        where["state"] = state

    def visible(reader: Reader, found: list[Package]) -> list[Package]:
        home, seeing = require_readable(engine, reader, "packages.list", where["job"], by, own=True)
        if seeing.may("packages.list", home):
            return found
        own = seeing.own_packages(home, [package.number for package in found])
        return [package for package in found if package.number in own]

    return listed(engine.store, Query(Package, where, order=("number",)), visible)


def get_assignment(
    engine: Engine, assignment: AssignmentRef, *, by: MemberRef | None = None
) -> Assignment:
    """Return an assignment as it is now."""
    with engine.store.read() as reader:
        found = lookup.assignment(reader, assignment)
        home = lookup.job(reader, found.job)
        seeing = access_of(reader, engine.policy, home.workspace, by)
        seeing.must("assignments.get", home, own=seeing.is_own(found.member))
        if seeing.who is not None and not seeing.visible_assignments("assignments.get", [found]):
            raise access.not_allowed(seeing.who, Action.READ_RESULTS, secrecy.reason(found))
        return found


def list_assignments(
    engine: Engine,
    member: MemberRef,
    *,
    job: JobRef | None = None,
    workspace: WorkspaceRef | None = None,
    live: bool = True,
    by: MemberRef | None = None,
) -> Iterator[Assignment]:
    """Yield the assignments of a member: my work."""
    people = find_people(engine, member, job, workspace, by)
    where: dict[str, Any] = {"state": LIVE if live else tuple(AssignmentState)}
    if job is not None:
        with engine.store.read() as reader:
            home = lookup.job(reader, job)
            where["job"] = home.id
            seeing = access_of(reader, engine.policy, home.workspace, by)
            seeing.must("assignments.list", home, own=seeing.is_own(people[0].id))
    return chain.from_iterable(_assignments_of(engine, who, where, by) for who in people)


def _assignments_of(
    engine: Engine, who: Member, where: dict[str, Any], by: MemberRef | None
) -> Iterator[Assignment]:
    def visible(reader: Reader, found: list[Assignment]) -> list[Assignment]:
        return access_of(reader, engine.policy, who.workspace, by).visible_assignments(
            "assignments.list", found
        )

    return listed(
        engine.store, Query(Assignment, {**where, "member": who.id}, order=("job", "id")), visible
    )


def progress(engine: Engine, job: JobRef, *, by: MemberRef | None = None) -> Progress:
    """Return the progress of a job: packages and tasks by state, `COUNTS`, and rows read."""
    with engine.store.read() as reader:
        home, _ = require_readable(engine, reader, "jobs.progress", job, by)
        sums = reader.tally(Query(Package, {"job": home.id}), by=("state",), add=("size", *COUNTS))
        counter = reader.get(JobCounter, home.key)
    by_state = {PackageState(state): numbers for (state,), numbers in sums.items()}
    counted = [
        numbers[2:] for state, numbers in by_state.items() if state is not PackageState.DISCARDED
    ]
    return Progress(
        packages={state: numbers[0] for state, numbers in by_state.items()},
        tasks={state: numbers[1] for state, numbers in by_state.items()},
        **{name: sum(numbers[at] for numbers in counted) for at, name in enumerate(COUNTS)},
        rows_read=counter.rows_read,
    )


def get_result(
    engine: Engine, task: Task | WorkItem | tuple[int, int], *, by: MemberRef | None = None
) -> Result:
    """Return what a task came out of each stage with, its state, and who worked on it."""
    job, number = lookup.key_of(Task, task)
    with engine.store.read() as reader:
        home, seeing = require_readable(engine, reader, "results.get", job, by)
        found = lookup.stored_task(reader, home.id, number if isinstance(task, tuple) else task)
        return rules.result(next(cases_of(reader, home, [found], seeing)), found)


def partition_job(
    engine: Engine, job: PartitionRef, count: int, *, by: MemberRef | None = None
) -> tuple[JobPartition, ...]:
    """Cut a job into parts for as many workers, in order; each task is in one part."""
    with engine.store.read() as reader:
        home = require_readable(engine, reader, "results.partition", job, by)[0].id
        if isinstance(job, JobPartition):
            return jobs_rules.cut(job, count)
        tasks, packages = (
            lookup.last_number(reader, Task, home),
            lookup.last_number(reader, Package, home),
        )
    return jobs_rules.cut(
        JobPartition(job=home, first=1, last=tasks, packages=(1, packages)), count
    )


def iter_results(
    engine: Engine, job: PartitionRef, *, by: MemberRef | None = None, snapshot: bool = False
) -> Iterator[Result]:
    """Yield the result of every task, in the order of the input, a page at a time."""
    return read_results(engine, "results.list", job, by, snapshot=snapshot)


def read_results(
    engine: Engine,
    name: str,
    job: PartitionRef,
    by: MemberRef | None,
    *,
    snapshot: bool = False,
    hide_votes: bool = False,
) -> Iterator[Result]:
    """Yield what `results` yields, to whoever may read by the verb of this name."""
    with engine.store.read() as reader:
        home, _ = require_readable(engine, reader, name, job, by)
    start, last = (job.first, job.last) if isinstance(job, JobPartition) else (1, None)

    def page(reader: Reader, first: int) -> tuple[list[Result], int | None]:
        with engine.store.read() if snapshot and by is not None else nullcontext(reader) as now:
            # whoever is removed meanwhile, is so in no snapshot
            seeing = require_readable(engine, now, name, home, by)[1]
        query = Query(
            Task,
            {"job": home.id, "number": Span(first, last)},
            order=("number",),
            limit=lookup.PAGE,
        )
        tasks = list(reader.find(query))
        cases = cases_of(
            reader, home, tasks, attrs.evolve(seeing, reader=reader, hides_votes=hide_votes)
        )
        found = [rules.result(case, task) for case, task in zip(cases, tasks, strict=True)]
        return found, tasks[-1].number + 1 if len(tasks) == lookup.PAGE else None

    return iterate_pages(engine.store, page, start, snapshot=snapshot)


def iter_rows(
    engine: Engine, job: PartitionRef, *, by: MemberRef | None = None
) -> Iterator[dict[str, Any]]:
    """Yield the result of every task as a flat dict, in the order of the input."""
    with engine.store.read() as reader:
        home, _ = require_readable(engine, reader, "results.rows", job, by)
        template = reader.get(Template, (home.template,))
    columns = Columns.of(home, template)
    accounts = dict[int, str]()

    def as_row(result: Result) -> dict[str, Any]:
        new = {made.member for made in result.provenance if made.member} - accounts.keys()
        if new:
            with engine.store.read() as reader:
                accounts.update({id: reader.get(Member, (id,)).account for id in new})
        return columns.row(result, accounts)

    return map(as_row, read_results(engine, "results.rows", job, by))


def find_tasks(
    engine: Engine,
    job: PartitionRef,
    *,
    state: TaskState | None = None,
    member: MemberRef | None = None,
    label: str | None = None,
    by: MemberRef | None = None,
) -> Iterator[Result]:
    """Yield the tasks that match all of what is given, with their results."""
    with engine.store.read() as reader:
        home, _ = require_readable(engine, reader, "results.find", job, by)
        who = None if member is None else lookup.member(reader, home.workspace, member).id

    def fits(result: Result) -> bool:
        worked = who is None or any(
            made.member == who and made.inspected for made in result.provenance
        )
        labeled = label is None or mentions(result.replies, label)
        return worked and labeled and state in (None, result.state)

    return filter(
        fits,
        read_results(engine, "results.find", job if isinstance(job, JobPartition) else home, by),
    )


def list_events(
    engine: Engine,
    job: JobRef,
    *,
    package: PackageRef | int | None = None,
    by: MemberRef | None = None,
) -> Iterator[Event]:
    """Yield the events of a job, or of one of its packages, oldest first."""
    with engine.store.read() as reader:
        home, _ = require_readable(engine, reader, "events.list", job, by, own=True)
        where: dict[str, Any] = {"job": home.id}
        if package is not None:
            where["package"] = lookup.package_in(reader, home.id, package).number
    return read_events(
        engine, "events.list", Query(Event, where, order=("position",)), home.workspace, by
    )


def read_events(
    engine: Engine, name: str, query: Query[Event], workspace: int | None, by: MemberRef | None
) -> Iterator[Event]:
    """Yield the events that may be seen, with the account of the one who acted."""
    accounts = dict[int, str]()

    def visible(reader: Reader, found: list[Event]) -> list[Event]:
        if workspace is not None:
            found = access_of(reader, engine.policy, workspace, by).visible_events(name, found)
        for member in {event.member for event in found if event.member} - accounts.keys():
            accounts[member] = reader.get(Member, (member,)).account
        return [attrs.evolve(event, account=accounts.get(event.member, "")) for event in found]

    return listed(engine.store, query, visible)


def require_readable(
    engine: Engine,
    reader: Reader,
    name: str,
    job: PartitionRef,
    by: MemberRef | None,
    *,
    own: bool = False,
) -> tuple[Job, Access]:
    """Return the job and what *by* may read there, if they may call the verb of this name."""
    home = lookup.job(reader, job)
    seeing = access_of(reader, engine.policy, home.workspace, by)
    seeing.must(name, home, own=own)
    return home, seeing


def find_people(
    engine: Engine,
    member: MemberRef,
    job: JobRef | None,
    workspace: WorkspaceRef | None,
    by: MemberRef | None,
) -> list[Member]:
    """Return the matching member of each workspace; with *by*, only in their workspaces.

    Raises:
        NotFound: when there is no such member, or *by* belongs to none of the workspaces.
        NotAllowed: when *by* was removed from all of them.
    """
    with engine.store.read() as reader:
        found = _named(reader, member, job, workspace)
        beside, refused = list[Member](), list[ItagflowError]()
        for who in found:
            try:
                access_of(reader, engine.policy, who.workspace, by)
                beside.append(who)
            except (NotFound, NotAllowed) as error:
                refused.append(error)
    if refused and not beside:
        raise refused[0]
    return beside


def _named(
    reader: Reader, member: MemberRef, job: JobRef | None, workspace: WorkspaceRef | None
) -> list[Member]:
    """Return the member of this job or workspace, or everybody with this account."""
    home = None if workspace is None else lookup.workspace(reader, workspace).id
    if job is not None:
        place = lookup.job(reader, job)
        if home not in (None, place.workspace):
            raise NotFound("Job", place.id)
        home = place.workspace
    if home is not None:
        return [lookup.member(reader, home, member)]
    return lookup.find_in_all_workspaces(reader, member)
