"""Questions: what is there, how far is it, what came out, and who did what."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from itertools import chain
from typing import Any

import attrs

from itagflow import access
from itagflow.access import Action
from itagflow.core import lookup, secrecy
from itagflow.core.engine import Engine
from itagflow.core.lookup import (
    EVERYTHING,
    AssignmentRef,
    JobRef,
    MemberRef,
    PackageRef,
    Page,
    PartitionRef,
    TaskRef,
    WorkspaceRef,
    begin_behind,
)
from itagflow.core.visibility import Access, access_of, list_visible, require_readable
from itagflow.errors import InvalidData, ItagflowError, NotAllowed, NotFound, Problem
from itagflow.jobs import rules as jobs_rules
from itagflow.jobs.loading import read_report
from itagflow.lots.counting import count_lots
from itagflow.model.event import Event
from itagflow.model.job import Crew, Job, JobState, Stage
from itagflow.model.jobcounter import JobCounter
from itagflow.model.number import is_storable, require_whole_number
from itagflow.model.package import (
    DECISIONS,
    LIVE,
    Assignment,
    AssignmentState,
    Package,
    PackageState,
    Purpose,
)
from itagflow.model.partition import JobPartition
from itagflow.model.plan import LotState
from itagflow.model.reports import LoadReport
from itagflow.model.result import COUNTS, Progress, Result
from itagflow.model.row_key import format_row_key, require_row_key
from itagflow.model.selection import ALL_TASKS, Selection
from itagflow.model.task import Task, WorkItem
from itagflow.model.template import Template
from itagflow.model.text import find_key_error
from itagflow.model.workspace import Member
from itagflow.results.building_rules import build_result
from itagflow.results.histories import ResultQuery, read_cases, read_results
from itagflow.storage.port import Query, Reader, Span

ResultRef = Result | TaskRef | tuple[JobRef, int]
"""A result, its task, the number of that in the job, or job and number."""
TaskLookup = tuple[JobRef | Task | WorkItem | tuple[JobRef, int], TaskRef | None, str | int | None]
"""How a task is named: the job with the task or its row key, or the task alone."""


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
    page: Page = EVERYTHING,
) -> Iterator[Job]:
    """Yield the jobs of a workspace, oldest first; with *by* those that the member may see."""
    with engine.store.read() as reader:
        where: dict[str, Any] = {"workspace": lookup.workspace(reader, workspace).id}
        # asked now too: a mistake raises at the call, and not at the first `next`
        access_of(reader, engine.policy, where["workspace"], by)
        if state is not None:
            where["state"] = state
        query = Query(Job, where, order=("id",))
        if page.after is not None:
            query = begin_behind(query, (_find_job_key(reader, where["workspace"], page.after),))

    def filter_visible(reader: Reader, jobs: list[Job]) -> list[Job]:
        viewer = access_of(reader, engine.policy, where["workspace"], by)
        return [job for job in jobs if viewer.can_see("jobs.list", job)]

    return list_visible(engine.store, query, filter_visible, page)


def _find_job_key(reader: Reader, workspace: int, after: JobRef) -> int:
    """Return the key of the job of *workspace* that a page begins behind.

    It may have been deleted since it was listed: its place is known all the same.

    Raises:
        NotFound: when the workspace has no such job, and had none.
    """
    try:
        current = lookup.job(reader, after)
    except NotFound:
        deleted = after.id if isinstance(after, Job) else after
        if isinstance(deleted, str | tuple):  # the event of its deletion is found by its key
            raise
        id = lookup.require_number(Job, deleted)
        where: dict[str, Any] = {"job": id, "workspace": workspace, "type": "delete"}
        if lookup.first(reader, Query(Event, where, limit=1)) is None:
            raise
        return id
    if current.workspace != workspace:
        raise NotFound("Job", current.id)
    return current.id


def get_template(engine: Engine, job: JobRef, *, by: MemberRef | None = None) -> Template:
    """Return the template of a job as it is now; the history keeps what it was."""
    with engine.store.read() as reader:
        stored_job, _ = require_readable(engine, reader, "templates.get", job, by)
        return reader.get(Template, (stored_job.template,))


def list_templates(
    engine: Engine,
    workspace: WorkspaceRef,
    *,
    by: MemberRef | None = None,
    page: Page = EVERYTHING,
) -> Iterator[Template]:
    """Yield the templates of a workspace that have a name, oldest first."""
    with engine.store.read() as reader:
        stored_workspace = lookup.workspace(reader, workspace)
        # asked now too: a mistake raises at the call, and not at the first `next`
        access_of(reader, engine.policy, stored_workspace.id, by)
        query = Query(Template, {"workspace": stored_workspace.id}, order=("id",))
        if page.after is not None:
            last = lookup.template(reader, stored_workspace.id, page.after)
            query = begin_behind(query, last.key)

    def filter_visible(reader: Reader, templates: list[Template]) -> list[Template]:
        viewer = access_of(reader, engine.policy, stored_workspace.id, by)
        with_name = [template for template in templates if template.name]
        if viewer.can_see("templates.list", None):
            return with_name
        jobs = reader.find(Query(Job, {"workspace": stored_workspace.id}))
        # without the right to all templates a member still sees those of their own jobs
        used = {job.template for job in jobs if viewer.can_see("templates.list", job)}
        return [template for template in with_name if template.id in used]

    return list_visible(engine.store, query, filter_visible, page)


def get_package(engine: Engine, package: PackageRef, *, by: MemberRef | None = None) -> Package:
    """Return a package as it is now."""
    with engine.store.read() as reader:
        stored = lookup.package(reader, package)
        job = lookup.job(reader, stored.job)
        viewer = access_of(reader, engine.policy, job.workspace, by)
        own = stored.number in viewer.own_packages(job, [stored.number])
        viewer.require("packages.get", job, own=own)
        return stored


def list_packages(
    engine: Engine,
    job: JobRef,
    *,
    state: PackageState | None = None,
    by: MemberRef | None = None,
    page: Page = EVERYTHING,
) -> Iterator[Package]:
    """Yield the packages of a job, by number."""
    with engine.store.read() as reader:
        where: dict[str, Any] = {
            "job": require_readable(engine, reader, "packages.list", job, by, own=True)[0].id
        }
        if state is not None:
            where["state"] = state
        query = Query(Package, where, order=("number",))
        if page.after is not None:
            last = lookup.package_in(reader, where["job"], page.after)
            query = begin_behind(query, last.key)

    def filter_visible(reader: Reader, packages: list[Package]) -> list[Package]:
        # for every page again: a role may change while a long list is read
        stored_job, viewer = require_readable(
            engine, reader, "packages.list", where["job"], by, own=True
        )
        if viewer.can_see("packages.list", stored_job):
            return packages
        own = viewer.own_packages(stored_job, [package.number for package in packages])
        return [package for package in packages if package.number in own]

    return list_visible(engine.store, query, filter_visible, page)


def get_assignment(
    engine: Engine, assignment: AssignmentRef, *, by: MemberRef | None = None
) -> Assignment:
    """Return an assignment as it is now."""
    with engine.store.read() as reader:
        stored = lookup.assignment(reader, assignment)
        job = lookup.job(reader, stored.job)
        viewer = access_of(reader, engine.policy, job.workspace, by)
        viewer.require("assignments.get", job, own=viewer.is_own(stored.member))
        viewer.require_work_of([stored.member])
        visible = viewer.visible_assignments("assignments.get", [stored])
        if viewer.member is not None and not visible:
            raise access.not_allowed(viewer.member, Action.READ_RESULTS, secrecy.reason(stored))
        return visible[0]


def list_assignments(
    engine: Engine,
    member: MemberRef | None,
    *,
    job: JobRef | None = None,
    workspace: WorkspaceRef | None = None,
    live: bool = True,
    by: MemberRef | None = None,
    page: Page = EVERYTHING,
) -> Iterator[Assignment]:
    """Yield the assignments of a member: my work; without a member, those that nobody has."""
    if member is None:
        if job is None:
            reason = "must be named to list what nobody has"
            raise InvalidData("assignments.list", [Problem("job", reason)])
        return list_unheld(engine, job, live=live, by=by, page=page)
    members = find_members(engine, member, job, workspace, by)
    where: dict[str, Any] = {"state": LIVE if live else tuple(AssignmentState)}
    with engine.store.read() as reader:
        if job is not None:
            stored_job = lookup.job(reader, job)
            where["job"] = stored_job.id
            viewer = access_of(reader, engine.policy, stored_job.workspace, by)
            viewer.require("assignments.list", stored_job, own=viewer.is_own(members[0].id))
        queries = [
            Query(Assignment, {**where, "member": person.id}, order=("job", "id"))
            for person in members
        ]
        if page.after is not None:
            last = lookup.assignment(reader, page.after)
            members, queries = _skip_to(last, members, queries)
    lists = (
        _list_assignments(engine, person, query, by, page)
        for person, query in zip(members, queries, strict=True)
    )
    return page.cut(chain.from_iterable(lists))


def list_unheld(
    engine: Engine,
    job: JobRef,
    *,
    live: bool = True,
    by: MemberRef | None = None,
    page: Page = EVERYTHING,
) -> Iterator[Assignment]:
    """Yield the assignments of a job that no member has: what is offered to all, first of all."""
    states = LIVE if live else tuple(AssignmentState)
    with engine.store.read() as reader:
        stored_job = lookup.job(reader, job)
        viewer = access_of(reader, engine.policy, stored_job.workspace, by)
        viewer.require("assignments.list", stored_job)
        # a member is never 0: that is how an index names nobody
        where: dict[str, Any] = {"job": stored_job.id, "member": 0, "state": states}
        query = Query(Assignment, where, order=("job", "id"))
        if page.after is not None:
            last = lookup.assignment(reader, page.after)
            if last.job != stored_job.id:
                raise NotFound("Assignment", last.key)
            query = begin_behind(query, last.key)

    def filter_visible(reader: Reader, assignments: list[Assignment]) -> list[Assignment]:
        return access_of(reader, engine.policy, stored_job.workspace, by).visible_assignments(
            "assignments.list", assignments
        )

    return list_visible(engine.store, query, filter_visible, page)


def _skip_to(
    last: Assignment, members: list[Member], queries: list[Query[Assignment]]
) -> tuple[list[Member], list[Query[Assignment]]]:
    """Return those who come behind the assignment *last* in a list, with what is left to find.

    Raises:
        NotFound: when the list has no such assignment.
    """
    for index, (person, query) in enumerate(zip(members, queries, strict=True)):
        # whether it is still live is not asked: it may have ended since it was listed
        if person.id == last.member and query.where.get("job", last.job) == last.job:
            rest = begin_behind(query, last.key)
            return members[index:], [rest, *queries[index + 1 :]]
    raise NotFound("Assignment", last.key)


def _list_assignments(
    engine: Engine, member: Member, query: Query[Assignment], by: MemberRef | None, page: Page
) -> Iterator[Assignment]:
    def filter_visible(reader: Reader, assignments: list[Assignment]) -> list[Assignment]:
        viewer = access_of(reader, engine.policy, member.workspace, by)
        visible = viewer.visible_assignments("assignments.list", assignments)
        # in a list of one member's work, what is shown under another name would tell whose it is
        return [assignment for assignment in visible if not assignment.labeler]

    return list_visible(engine.store, query, filter_visible, page)


def get_progress(engine: Engine, job: JobRef, *, by: MemberRef | None = None) -> Progress:
    """Return the progress of a job: packages, tasks and lots by state, `COUNTS`, and rows read."""
    with engine.store.read() as reader:
        stored_job, viewer = require_readable(engine, reader, "jobs.progress", job, by)
        sums = reader.tally(
            Query(Package, {"job": stored_job.id}), by=("state",), add=("size", *COUNTS)
        )
        counter = reader.get(JobCounter, stored_job.key)
        waiting = _count_decisions(viewer, stored_job)
        has_lots = stored_job.workflow.has_lots
        lots = count_lots(reader, stored_job.id) if has_lots else dict[LotState, int]()
    by_state = {PackageState(state): numbers for (state,), numbers in sums.items()}
    open_counts = [
        # a tally begins with the number of packages and the sum of their sizes
        numbers[2:]
        for state, numbers in by_state.items()
        if state is not PackageState.DISCARDED
    ]
    return Progress(
        packages={state: numbers[0] for state, numbers in by_state.items()},
        tasks={state: numbers[1] for state, numbers in by_state.items()},
        **{
            name: sum(numbers[index] for numbers in open_counts)
            for index, name in enumerate(COUNTS)
        },
        rows_read=counter.rows_read,
        with_experts=waiting[Purpose.ESCALATION],
        with_adjudicators=waiting[Purpose.ADJUDICATION],
        lots=lots,
    )


def _count_decisions(viewer: Access, job: Job) -> Counter[Purpose]:
    """Return how many tasks wait for a decision of which the reader may know, by what it is for."""
    waiting = Counter[Purpose]()
    # most jobs have no crew, and nothing is read; a crew that was named stays among the keys
    if not any(crew in job.workforce for crew in Crew):
        return waiting
    where: dict[str, Any] = {
        "job": job.id,
        "live": True,
        "stage": Stage.LABEL,
        "purpose": tuple(DECISIONS),
    }
    assignments = list(viewer.reader.find(Query(Assignment, where)))
    for assignment in viewer.read_public(job, assignments):
        waiting[assignment.purpose] += len(assignment.scope or ())
    return waiting


def get_load_report(engine: Engine, job: JobRef, *, by: MemberRef | None = None) -> LoadReport:
    """Return what loading a job's first data has done so far."""
    with engine.store.read() as reader:
        stored_job, _ = require_readable(engine, reader, "jobs.load_report", job, by)
    return read_report(engine, stored_job)


def get_result(
    engine: Engine,
    job: JobRef | Task | WorkItem | tuple[JobRef, int],
    task: TaskRef | None = None,
    *,
    key: str | int | None = None,
    by: MemberRef | None = None,
) -> Result:
    """Return what a task came out of each stage with, its state, and who worked on it."""
    with engine.store.read() as reader:
        stored_job, viewer, stored = find_task_to_read(
            engine, reader, "results.get", (job, task, key), by
        )
        case = next(read_cases(reader, stored_job, [stored], viewer))
        viewer.require_work_of(assignment.member for assignment in case.assignments)
        return build_result(case, stored)


def find_task_to_read(
    engine: Engine,
    reader: Reader,
    name: str,
    place: TaskLookup,
    by: MemberRef | None,
    *,
    own: bool = False,
) -> tuple[Job, Access, Task]:
    """Return a task that is named in one of the three ways, if *by* may call the reader *name*.

    Raises:
        InvalidData: when the task is named in two ways, or the job has no row key.
        NotFound: when there is no such job or task.
        NotAllowed: when *by* may not read there.
    """
    job, task, key = place
    where: Any = job  # a job, or a task alone: the other two tell
    if task is not None and key is not None:
        raise InvalidData("the task", [Problem("key", "is given beside the task: give one")])
    ref: Any = task
    if task is None and key is None:
        where, number = lookup.find_key(reader, Task, job)
        ref = number if isinstance(job, tuple) else job
    stored_job, viewer = require_readable(engine, reader, name, where, by, own=own)
    if key is not None:
        return stored_job, viewer, _require_row_key(reader, stored_job, key)
    return stored_job, viewer, lookup.read_task(reader, stored_job.id, ref)


def _require_row_key(reader: Reader, job: Job, row_key: object) -> Task:
    """Return the task of *job* with this row key.

    Raises:
        InvalidData: when the job has no row key, and no task was added with one.
        NotFound: when no task has it.
    """
    stored = find_by_row_key(reader, job, row_key)
    if stored is not None:
        return stored
    with_key = Query(Task, {"job": job.id, "row_key_text": Span("\x01", None)}, limit=1)
    if job.row_key is None and lookup.first(reader, with_key) is None:
        reason = f"job {job.name!r} has no row key: give the number of the task"
        raise InvalidData("the task", [Problem("key", reason)])
    raise NotFound("Task", row_key)


def find_by_row_key(reader: Reader, job: Job, row_key: object) -> Task | None:
    """Return the task of *job* with this row key, or None."""
    key = require_row_key(row_key)
    if not is_storable(key):  # no row can have it, and the longest numbers cannot be written out
        return None
    stored_key = format_row_key(key, as_text=job.row_key_type == "text")
    if find_key_error(stored_key):  # the same, and not every database takes the question
        return None
    # by the unique index over job and row key, however large the job is
    return lookup.first(reader, Query(Task, {"job": job.id, "row_key_text": stored_key}, limit=1))


def partition_job(
    engine: Engine, job: PartitionRef, count: int, *, by: MemberRef | None = None
) -> tuple[JobPartition, ...]:
    """Cut a job into parts for as many workers, in order; each task is in one part."""
    with engine.store.read() as reader:
        job_id = require_readable(engine, reader, "results.partition", job, by)[0].id
        if isinstance(job, JobPartition):
            return jobs_rules.cut(job, count)
        # in one transaction: a load in between would leave tasks in no part
        tasks, packages = (
            lookup.last_number(reader, Task, job_id),
            lookup.last_number(reader, Package, job_id),
        )
    return jobs_rules.cut(
        JobPartition(job=job_id, first=1, last=tasks, packages=(1, packages)), count
    )


def iter_results(
    engine: Engine,
    job: PartitionRef,
    *,
    by: MemberRef | None = None,
    snapshot: bool = False,
    page: Page = EVERYTHING,
    where: Selection = ALL_TASKS,
) -> Iterator[Result]:
    """Yield the results of the selected tasks, in the order of the input, a page at a time."""
    query = ResultQuery("results.list", by, where, page, snapshot)
    return page.cut(read_results(engine, job, query))


def find_tasks(
    engine: Engine,
    job: PartitionRef,
    *,
    where: Selection,
    member: MemberRef | None = None,
    by: MemberRef | None = None,
    page: Page = EVERYTHING,
) -> Iterator[Result]:
    """Yield the results of the selected tasks, as `iter_results` does; *member* is selected, too.

    Raises:
        NotFound: when nobody in the workspace of the job is *member*.
    """
    if member is not None:
        with engine.store.read() as reader:
            stored_job, _ = require_readable(engine, reader, "results.find", job, by)
            worker = lookup.member(reader, stored_job.workspace, member)
        where = attrs.evolve(where, member=worker.id)
    return page.cut(read_results(engine, job, ResultQuery("results.find", by, where, page)))


def list_events(
    engine: Engine,
    job: JobRef,
    *,
    package: PackageRef | int | None = None,
    by: MemberRef | None = None,
    page: Page = EVERYTHING,
) -> Iterator[Event]:
    """Yield the events of a job, or of one of its packages, oldest first."""
    with engine.store.read() as reader:
        stored_job, _ = require_readable(engine, reader, "events.list", job, by, own=True)
        where: dict[str, Any] = {"job": stored_job.id}
        if package is not None:
            where["package"] = lookup.package_in(reader, stored_job.id, package).number
    query = Query(Event, where, order=("position",))
    if page.after is not None:
        if isinstance(page.after, Event) and page.after.job != stored_job.id:
            raise NotFound("Event", page.after.position)
        query = begin_behind(query, (find_position(page.after),))
    viewer = EventViewer("events.list", stored_job.workspace, by)
    return read_events(engine, query, viewer, page)


def find_position(after: Event | int) -> int:
    """Return the position of the event that a page begins behind, which may be any position.

    Positions are those of the whole store: whoever follows it goes on behind the last one that they
    dealt with, whatever event that was; 0 is before the first.
    """
    position = after.position if isinstance(after, Event) else after
    return require_whole_number("the events", "after", position)


@attrs.frozen
class EventViewer:
    """Who reads events, and by which operation."""

    name: str
    """The operation, such as ``events.list``."""
    workspace: int | None
    """The workspace whose events are read; None: all, for the application itself."""
    by: MemberRef | None
    """The member who reads."""


def read_events(
    engine: Engine, query: Query[Event], viewer: EventViewer, page: Page = EVERYTHING
) -> Iterator[Event]:
    """Yield the events that may be seen, with the account of the one who acted."""
    name, workspace, by = viewer.name, viewer.workspace, viewer.by
    accounts: dict[int, str] = {}

    def filter_visible(reader: Reader, events: list[Event]) -> list[Event]:
        if workspace is not None:
            events = access_of(reader, engine.policy, workspace, by).visible_events(name, events)
        return lookup.with_accounts(reader, events, accounts)

    return list_visible(engine.store, query, filter_visible, page)


def find_members(
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
        # one account can be a member of several workspaces
        candidates = _lookup_members(reader, member, job, workspace)
        readable: list[Member] = []
        refusals: list[ItagflowError] = []
        for candidate in candidates:
            try:
                access_of(reader, engine.policy, candidate.workspace, by)
                readable.append(candidate)
            except (NotFound, NotAllowed) as error:
                refusals.append(error)
    # only when nothing remains: a workspace that *by* is not in is no mistake of theirs
    if refusals and not readable:
        raise refusals[0]
    return readable


def _lookup_members(
    reader: Reader, member: MemberRef, job: JobRef | None, workspace: WorkspaceRef | None
) -> list[Member]:
    """Return the member of this job or workspace, or everybody with this account."""
    workspace_id = None if workspace is None else lookup.workspace(reader, workspace).id
    if job is not None:
        stored_job = lookup.job(reader, job)
        if workspace_id not in (None, stored_job.workspace):
            raise NotFound("Job", stored_job.id)
        workspace_id = stored_job.workspace
    if workspace_id is not None:
        return [lookup.member(reader, workspace_id, member)]
    return lookup.find_in_all_workspaces(reader, member)
