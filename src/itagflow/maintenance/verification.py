"""Whether a store is consistent: what is stored twice, or can be counted, must agree."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import AbstractContextManager, nullcontext
from datetime import datetime
from heapq import merge
from itertools import islice
from operator import attrgetter
from typing import Any, cast

import attrs

from itagflow.contexts import safe_context
from itagflow.core import lookup
from itagflow.core.counted import Steps, Wrap
from itagflow.core.engine import Engine
from itagflow.core.lookup import (
    PAGE,
    JobRef,
    MemberRef,
    first,
    get_or_none,
    iterate_in_transaction,
    last_number,
)
from itagflow.core.visibility import (
    access_of,
    check_each,
    must_name_workspace,
    require_readable,
)
from itagflow.jobs.rules import packages_of
from itagflow.lots.plan_rules import find_lot_rule
from itagflow.maintenance import (
    checks,
    counter_checks,
    delivery_checks,
    lot_checks,
    snapshot_checks,
)
from itagflow.maintenance.checks import PackageSnapshot
from itagflow.maintenance.outcome_checks import Outcomes, check_outcomes, check_place
from itagflow.maintenance.replay import (
    ENDING,
    Guidelines,
    Loads,
    Replay,
    compare_replay,
)
from itagflow.maintenance.snapshots import read_members, read_snapshots
from itagflow.model.comment import Comment
from itagflow.model.delivery import DeadLetter, DelayedJob, DeliveryCursor
from itagflow.model.entity import Entity
from itagflow.model.event import Event
from itagflow.model.inconsistency import Inconsistency, compare_field
from itagflow.model.job import Job, Stage
from itagflow.model.jobcounter import JobCounter
from itagflow.model.lot import AcceptanceLot
from itagflow.model.package import (
    NO_JOB,
    Assignment,
    AssignmentState,
    ClaimCounter,
    Package,
    PackageState,
)
from itagflow.model.partition import JobPartition
from itagflow.model.result import COUNTS
from itagflow.model.task import Answer, Draft, Task
from itagflow.model.template import Template
from itagflow.model.workspace import Member, Workspace
from itagflow.storage.port import (
    Query,
    Reader,
    Span,
    Store,
)

BLOCK = 1_000
"""About how many tasks are checked in one read transaction."""

OpenRead = Callable[[], AbstractContextManager[Reader]]
"""Opens a read transaction: a short one, or the same snapshot each time."""
Place = Workspace | Job | JobPartition
"""What can be verified alone."""


def verify(
    engine: Engine,
    place: Place | JobRef | None = None,
    *,
    snapshot: bool = False,
    progress: Wrap | None = None,
    by: MemberRef | None = None,
) -> Iterator[Inconsistency]:
    """Recompute counts, states and rules from tasks and history, and yield each inconsistency."""
    if place is None:
        must_name_workspace("the verification", by)
        return find_inconsistencies(engine.store, snapshot=snapshot, progress=progress)
    with engine.store.read() as reader:
        resolved = _resolve(reader, place)
        _require_may_verify(engine, reader, resolved, by)
    inconsistencies = find_inconsistencies(
        engine.store, resolved, snapshot=snapshot, progress=progress
    )
    return check_each(
        engine.store,
        inconsistencies,
        lambda reader: _require_may_verify(engine, reader, resolved, by),
    )


def _require_may_verify(engine: Engine, reader: Reader, place: Place, by: MemberRef | None) -> None:
    if isinstance(place, Workspace):
        access_of(reader, engine.policy, place.id, by).require("maintenance.verify", None)
    else:
        require_readable(engine, reader, "maintenance.verify", place, by)


def find_inconsistencies(
    store: Store,
    place: Place | None = None,
    *,
    snapshot: bool = False,
    progress: Wrap | None = None,
) -> Iterator[Inconsistency]:
    """Yield where *place*, or all of *store*, is inconsistent; see `verify`."""
    with _open_reads(store, snapshot) as open_read:
        total = _count_packages(open_read, place) if progress else 0
        steps = Steps.begin(total, progress)
        if isinstance(place, JobPartition):
            yield from _Verification(open_read, steps, place.job, place).run()
        elif isinstance(place, Job):
            yield from _Verification(open_read, steps, place.id).run()
        elif place is not None:
            yield from _verify_workspace(open_read, steps, place)
        else:
            with open_read() as reader:
                orphans, workspaces = (
                    list(_find_orphans(reader)),
                    list(reader.find(Query(Workspace, order=("id",)))),
                )
                deliveries = list(_check_deliveries(reader))
            yield from orphans
            yield from deliveries
            for workspace in workspaces:
                yield from _verify_workspace(open_read, steps, workspace)
        steps.end()


def _count_packages(open_read: OpenRead, place: Place | None) -> int:
    """Return how many packages *place*, or the store, has now."""
    if isinstance(place, JobPartition):
        return len(packages_of(place))
    where: dict[str, Any] = {}
    if isinstance(place, Job):
        where["id"] = place.id
    elif place is not None:
        where["workspace"] = place.id
    with open_read() as reader:
        jobs = list(reader.find(Query(Job, where)))
        return sum(last_number(reader, Package, job.id) for job in jobs)


@safe_context
def _open_reads(store: Store, snapshot: bool) -> Generator[OpenRead]:
    if not snapshot:
        yield store.read
        return
    with store.read(snapshot=True) as reader:
        # the same reader each time, which stays open until the end
        yield lambda: nullcontext(reader)


def _resolve(reader: Reader, place: Place | JobRef) -> Place:
    """Return the workspace or job as it is now, or the part of a job that is there."""
    if isinstance(place, JobPartition):
        packages_of(place)  # refuses at once what would be refused at the first step
        lookup.job(reader, place)
        return place
    return lookup.workspace_or_job(reader, place)


def _verify_workspace(
    open_read: OpenRead, steps: Steps, workspace: Workspace
) -> Iterator[Inconsistency]:
    """Yield what is wrong with the members of *workspace*, and then with its jobs."""
    with open_read() as reader:
        members = list(reader.find(Query(Member, {"workspace": workspace.id}, order=("id",))))
        jobs = list(reader.find(Query(Job, {"workspace": workspace.id}, order=("id",))))
        events = Query(Event, {"workspace": workspace.id, "job": 0}, order=("position",))
        replay = Replay()
        for event in iterate_in_transaction(reader, events):
            replay.apply(event)
    yield from checks.check_workspace(workspace, members)
    yield from compare_replay(replay, members)
    for job in jobs:
        yield from _Verification(open_read, steps, job.id).run()


def _find_orphans(reader: Reader) -> Iterator[Inconsistency]:
    """Yield what belongs to no workspace or no job; a deleted job leaves its last event."""
    workspaces = {workspace.id for workspace in reader.find(Query(Workspace))}
    jobs = {job for (job,) in reader.tally(Query(Job), by=("id",))}
    of_workspace: tuple[type[Entity], ...] = (Member, Template, Job, Event)
    for kind in of_workspace:
        for (workspace,), (count,) in reader.tally(Query(kind), by=("workspace",)).items():
            if workspace not in workspaces:
                yield Inconsistency(
                    "workspace",
                    (cast(int, workspace),),
                    f"what it has of {kind.__name__}",
                    count,
                    0,
                )
    of_job: tuple[type[Entity], ...] = (
        *(JobCounter, Package, AcceptanceLot, Task, Assignment),
        *(Answer, Draft, ClaimCounter, Comment),
    )
    for kind in of_job:
        for (job,), (count,) in reader.tally(Query(kind), by=("job",)).items():
            # a counter of no job counts nothing: claims that name none queue up at it
            if job not in jobs and (kind, job) != (ClaimCounter, NO_JOB):
                yield Inconsistency(
                    "job", (cast(int, job),), f"what it has of {kind.__name__}", count, 0
                )
    orphaned = Counter[int]()
    for (job, event_type), (count,) in reader.tally(Query(Event), by=("job", "type")).items():
        # a deleted job leaves one event, which says so
        if job and job not in jobs and event_type != "delete":
            orphaned[cast(int, job)] += count
    yield from (
        Inconsistency("job", (job,), "what it has of Event", count, 0)
        for job, count in orphaned.items()
    )


def _check_deliveries(reader: Reader) -> Iterator[Inconsistency]:
    """Yield what is wrong with what is stored about deliveries; events are of all workspaces."""
    cursors = list(reader.find(Query(DeliveryCursor, order=("receiver",))))
    newest = first(reader, Query(Event, order=("-position",), limit=1))
    yield from delivery_checks.check_cursors(cursors, 0 if newest is None else newest.position)
    positions = {cursor.receiver: cursor.position for cursor in cursors}
    for kind in (DelayedJob, DeadLetter):
        waiting = iterate_in_transaction(reader, Query[Any](kind))
        while block := list(islice(waiting, PAGE)):
            events = {"position": tuple({entity.position for entity in block})}
            jobs = {"id": tuple({entity.job for entity in block})}
            yield from delivery_checks.check_waiting(
                block,
                positions,
                {event.position: event.job for event in reader.find(Query(Event, events))},
                {job.id for job in reader.find(Query(Job, jobs))},
            )


@attrs.define
class _Verification:
    """One look at a job, or at a part of it."""

    open_read: OpenRead
    steps: Steps
    """The packages, as they are shown to whoever waits."""
    key: int
    """The key of the job."""
    partition: JobPartition | None = None
    """The part that is checked; None: all of the job."""
    tasks: range = range(0)
    """The numbers of the tasks that are checked."""
    packages: range = range(0)
    """The numbers of the packages that are checked."""
    last_package: int = 0
    """The number of the last package of the job."""

    def run(self) -> Iterator[Inconsistency]:
        """Yield everything that is not as it should be."""
        with self.open_read() as reader:
            job = self._read_job(reader)
            if job is None:
                return
            inconsistencies = self._begin(reader, job)
        yield from inconsistencies
        yield from self._check_numbers()
        numbers = self.packages
        while numbers:
            with self.open_read() as reader:
                rest, inconsistencies = self._check_group(reader, numbers)
            self.steps.advance(len(numbers) - len(rest))
            numbers = rest
            yield from inconsistencies

    def _read_job(self, reader: Reader) -> Job | None:
        """Return the job as it is now; None when it is deleted or being deleted."""
        job = get_or_none(reader, Job, (self.key,))
        if job is None or job.deleting:
            return None
        return job

    def _begin(self, reader: Reader, job: Job) -> list[Inconsistency]:
        """Find what to check; the part with the first task checks the job as a whole too."""
        tasks, self.last_package = (
            last_number(reader, Task, job.id),
            last_number(reader, Package, job.id),
        )
        self.tasks, self.packages = range(1, tasks + 1), range(1, self.last_package + 1)
        if self.partition is not None:
            self.tasks = _limit(range(self.partition.first, self.partition.last + 1), tasks)
            self.packages = _limit(packages_of(self.partition), self.last_package)
            # what belongs to the job as a whole is checked with its first part only
            if self.partition.first > 1:
                return []
        return [
            *_check_whole_job(reader, job, tasks, self.last_package),
            *_check_counters(reader, job),
            *_check_history(reader, job),
        ]

    def _check_numbers(self) -> Iterator[Inconsistency]:
        """Yield the gaps in the task numbers, and the tasks that are in no package of the job."""
        # numbers alone, without the rows: most of a job's size is in its data
        for start in range(0, len(self.tasks), BLOCK):
            numbers = self.tasks[start : start + BLOCK]
            where: dict[str, Any] = {"job": self.key, "number": _to_span(numbers)}
            with self.open_read() as reader:
                if self._read_job(reader) is None:
                    return
                tally = reader.tally(Query(Task, where), by=("number", "package"))
            packages = cast("dict[tuple[int, int], object]", tally)
            yield from checks.find_missing(
                "task", self.key, numbers, {number for number, _ in packages}
            )
            for number, package in packages:
                if not 1 <= package <= self.last_package:
                    yield Inconsistency(
                        "task", (self.key, number), "package", package, "one of its job"
                    )

    def _check_group(self, reader: Reader, numbers: range) -> tuple[range, list[Inconsistency]]:
        """Check as many of these packages as fit a transaction; return the other numbers."""
        job = self._read_job(reader)
        if job is None:
            return range(0), []
        where: dict[str, Any] = {"job": job.id, "number": _to_span(numbers)}
        packages = _take_block(reader.find(Query(Package, where, order=("number",), limit=PAGE)))
        # up to the last package found, so that gaps before it are checked with them; without any,
        # all the remaining numbers are one gap
        size = len(numbers)
        if packages:
            size = packages[-1].number - numbers[0] + 1
        checked = numbers[:size]
        inconsistencies = list(
            checks.find_missing(
                "package", job.id, checked, {package.number for package in packages}
            )
        )
        snapshots = read_snapshots(reader, job, packages, checked, self.last_package)
        for snapshot in snapshots:
            inconsistencies += checks.check_package(snapshot)
            inconsistencies += snapshot_checks.check_drafts(snapshot)
            inconsistencies += snapshot_checks.check_votes(snapshot)
        inconsistencies += _check_package_histories(reader, job, snapshots, checked)
        return numbers[size:], inconsistencies


def _limit(numbers: range, last: int) -> range:
    """Return those of *numbers* that are at most *last*."""
    return range(numbers.start, min(numbers.stop, last + 1))


def _check_whole_job(
    reader: Reader, job: Job, tasks: int, packages: int
) -> Iterator[Inconsistency]:
    """Check the job itself, and what lies behind its last of *tasks* and *packages*."""
    of_job = {"job": job.id}
    template = get_or_none(reader, Template, (job.template,))
    members = {member.id: member for member in read_members(reader, checks.find_named_members(job))}
    open_package = first(
        reader, Query(Package, {**of_job, "open": True}, order=("number",), limit=1)
    )
    yield from checks.check_job(job, template, members, open_package)
    counter = get_or_none(reader, JobCounter, job.key)
    if counter is None:
        yield Inconsistency("job", job.key, "its counter", None, "there")
    else:
        yield from compare_field(counter, "tasks", counter.tasks, tasks)
        yield from compare_field(counter, "packages", counter.packages, packages)
    rule = find_lot_rule(job)
    if rule is not None:
        lots = list(reader.find(Query(AcceptanceLot, of_job, order=("number",))))
        at_accept: dict[str, Any] = {**of_job, "state": PackageState.ACCEPT}
        waiting = iterate_in_transaction(reader, Query(Package, at_accept, order=("number",)))
        yield from lot_checks.check_lots(lots, list(waiting))
        yield from lot_checks.check_switching(rule, lots)
    yield from _check_sums(reader, job)
    yield from _check_comments(reader, job)
    # what names a package beyond the last: no group of packages would find it
    after_packages: dict[str, Any] = {**of_job, "package": Span(packages + 1, None)}
    for assignment in reader.find(Query(Assignment, after_packages, order=("id",), limit=PAGE)):
        yield from compare_field(assignment, "package", assignment.package, "one of its job")
    for draft in reader.find(Query(Draft, after_packages, order=("package",), limit=PAGE)):
        yield from compare_field(draft, "package", draft.package, "one of its job")
    for event in reader.find(Query(Event, after_packages, order=("position",), limit=PAGE)):
        yield from compare_field(event, "package", event.package, "one of its job")
    after_tasks: dict[str, Any] = {**of_job, "task": Span(tasks + 1, None)}
    for answer in reader.find(Query(Answer, after_tasks, order=("task",), limit=PAGE)):
        yield from compare_field(answer, "task", answer.task, "one of its job")


def _check_comments(reader: Reader, job: Job) -> Iterator[Inconsistency]:
    """Yield the comments on what is not there: a task, a thread, a member."""
    openings: dict[int, int] = {}
    query = Query(Comment, {"job": job.id}, order=("id",))
    for comment in iterate_in_transaction(reader, query):
        task = get_or_none(reader, Task, (job.id, comment.task))
        package = None if task is None else task.package
        yield from compare_field(comment, "package", comment.package, package)
        member = get_or_none(reader, Member, (comment.member or 0,))
        workspace = None if member is None else member.workspace
        yield from compare_field(comment, "workspace of its member", workspace, job.workspace)
        if comment.thread == comment.id:
            openings[comment.id] = comment.task
        opened = openings.get(comment.thread)
        if opened is None and get_or_none(reader, Assignment, (job.id, comment.thread)):
            continue  # a review has opened the thread
        yield from compare_field(comment, "task of its thread", opened, comment.task)


def _check_sums(reader: Reader, job: Job) -> Iterator[Inconsistency]:
    """Compare the kept sums of the packages in each state with what is counted now."""
    names, of_job = ("size", *COUNTS), {"job": job.id}
    stored = reader.tally(Query(Package, of_job), by=("state",), add=names)
    counted = reader.tally(
        Query(Package, {**of_job, "number": Span(1, None)}), by=("state",), add=names
    )
    # a state that one of the two does not have counts as nothing there
    zeros = (0,) * (1 + len(names))
    for (state,) in sorted(stored.keys() | counted.keys(), key=str):
        pairs = zip(
            ("number", *names),
            stored.get((state,), zeros),
            counted.get((state,), zeros),
            strict=True,
        )
        for name, sum_, count in pairs:
            yield from compare_field(
                job, f"the sum of {name} of packages that are {state}", sum_, count
            )


def _check_counters(reader: Reader, job: Job) -> Iterator[Inconsistency]:
    counters = list(iterate_in_transaction(reader, Query(ClaimCounter, {"job": job.id})))
    live = Query(Assignment, {"job": job.id, "live": True, "state": AssignmentState.HELD})
    tally = reader.tally(live, by=("stage", "member")).items()
    active = {
        (Stage(stage), cast(int, member)): count for (stage, member), (count,) in tally if member
    }
    totals = _count_totals(reader, job, counters)
    yield from counter_checks.check_claim_counters(job, counters, active, totals)
    yield from counter_checks.check_queue_cursors(
        job, counters, _read_moments(reader, job, counters)
    )


def _count_totals(
    reader: Reader, job: Job, counters: Iterable[ClaimCounter]
) -> Counter[tuple[Stage, int]]:
    """Return how many assignments count toward the total of a member, by stage and member."""
    totals = Counter[tuple[Stage, int]]()
    has_limit = any(job.workflow.rule(stage).max_total for stage in job.workflow.stages)
    # all assignments are gone through only where some may count
    if not has_limit and not any(counter.total for counter in counters):
        return totals
    for assignment in iterate_in_transaction(reader, Query(Assignment, {"job": job.id})):
        if assignment.counted and assignment.member is not None:
            totals[assignment.stage, assignment.member] += 1
    return totals


def _read_moments(reader: Reader, job: Job, counters: Iterable[ClaimCounter]) -> set[datetime]:
    """Return those moments in the cursors of *counters* at which there was an event."""
    since = tuple({counter.cursor.since for counter in counters if counter.cursor})
    events = Query(Event, {"job": job.id, "at": since}, order=("position",))
    return {event.at for event in iterate_in_transaction(reader, events)} if since else set()


def _check_history(reader: Reader, job: Job) -> Iterator[Inconsistency]:
    """Yield where the events of the job, and its changes in all events, differ from its row."""
    loads, replay, guidelines = Loads(), Replay(), Guidelines()
    for event in _read_job_events(reader, job):
        if not event.package:
            yield from check_place(event)
        loads.apply(event)
        replay.apply_to_job(event)
        guidelines.apply(event)
    yield from loads.breaks
    counters = list(iterate_in_transaction(reader, Query(ClaimCounter, {"job": job.id})))
    yield from checks.check_guidelines(job, counters, guidelines)
    counter = get_or_none(reader, JobCounter, job.key)
    if counter is not None:
        yield from compare_field(
            counter, "tasks, as the history tells it,", counter.tasks, loads.rows
        )
        yield from compare_field(
            counter, "packages, as the history tells it,", counter.packages, loads.packages
        )
    yield from compare_replay(replay, [job])


def _read_job_events(reader: Reader, job: Job) -> Iterator[Event]:
    """Yield the events of the job as a whole and those that may change it, in order."""
    job_events: dict[str, Any] = {"job": job.id, "package": 0}
    ending_events: dict[str, Any] = {"job": job.id, "package": Span(1, None), "type": ENDING}
    # two ordered streams, merged: the store's index serves each of them, but not both at once
    streams = (
        iterate_in_transaction(reader, Query(Event, where, order=("position",)))
        for where in (job_events, ending_events)
    )
    return merge(*streams, key=attrgetter("position"))


def _check_package_histories(
    reader: Reader, job: Job, snapshots: list[PackageSnapshot], numbers: range
) -> Iterator[Inconsistency]:
    """Yield where the events of each package with these *numbers* differ from what is stored."""
    replays = defaultdict[int, Replay](Replay)
    outcomes = defaultdict[int, Outcomes](Outcomes)
    for snapshot in snapshots:
        replays[snapshot.package.number].add_package(snapshot.package)
    where: dict[str, Any] = {"job": job.id, "package": _to_span(numbers)}
    overdue = defaultdict[int, list[Event]](list)
    for event in iterate_in_transaction(reader, Query(Event, where, order=("package", "position"))):
        replays[event.package].apply(event)
        outcomes[event.package].apply(event)
        if event.type == "overdue":
            overdue[event.package].append(event)
    for snapshot in snapshots:
        # taken out: what remains are events of packages that are not there
        replay = replays.pop(snapshot.package.number)
        told = overdue[snapshot.package.number]
        yield from snapshot_checks.check_deadline(snapshot.package, told, snapshot)
        yield from compare_replay(
            replay, [snapshot.package, *snapshot.assignments], snapshot.answers
        )
        yield from check_outcomes(
            outcomes[snapshot.package.number], snapshot.package, snapshot.cases
        )
    for replay in replays.values():
        yield from compare_replay(replay, [])


def _to_span(numbers: range) -> Span:
    return Span(numbers[0], numbers[-1])


def _take_block(packages: Iterable[Package]) -> list[Package]:
    """Return the first of *packages*, until they have as many tasks as fit a transaction."""
    group, tasks = list[Package](), 0
    for package in packages:
        group.append(package)
        tasks += package.size
        # by tasks, not by packages: these may have one task or ten thousand
        if tasks >= BLOCK:
            break
    return group
