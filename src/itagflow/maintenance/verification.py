"""Whether a store is sound: everything that is counted or told twice comes to the same."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import AbstractContextManager, nullcontext
from datetime import datetime
from heapq import merge
from operator import attrgetter
from typing import Any, cast

import attrs

from itagflow.contexts import safe_context
from itagflow.core import lookup
from itagflow.core.engine import Engine
from itagflow.core.lookup import (
    PAGE,
    MemberRef,
    first,
    get_or_none,
    iterate_in_transaction,
    last_number,
)
from itagflow.core.visibility import access_of, asked_again, must_name_workspace
from itagflow.errors import NotFound
from itagflow.jobs.rules import packages_of
from itagflow.maintenance import checks
from itagflow.maintenance.checks import Dossier
from itagflow.maintenance.replay import (
    ENDING,
    Loads,
    Replay,
    replay_differences,
)
from itagflow.maintenance.snapshots import dossiers_of, members_of
from itagflow.model.entity import Entity
from itagflow.model.event import Event
from itagflow.model.inconsistency import Inconsistency, differ
from itagflow.model.job import Job, Stage
from itagflow.model.jobcounter import JobCounter
from itagflow.model.package import (
    Assignment,
    AssignmentState,
    ClaimCounter,
    Package,
)
from itagflow.model.partition import JobPartition
from itagflow.model.result import COUNTS
from itagflow.model.task import Answer, Task
from itagflow.model.template import Template
from itagflow.model.workspace import Member, Workspace
from itagflow.results.service import require_readable
from itagflow.storage.port import (
    Query,
    Reader,
    Span,
    Store,
)

BLOCK = 1_000
"""About how many tasks are checked in one read transaction."""

Look = Callable[[], AbstractContextManager[Reader]]
"""Opens a read transaction: a short one, or the same snapshot each time."""
Place = Workspace | Job | JobPartition
"""What can be verified alone."""


def verify(
    engine: Engine,
    place: Place | int | str | None = None,
    *,
    snapshot: bool = False,
    by: MemberRef | None = None,
) -> Iterator[Inconsistency]:
    """Recompute counts, states and rules from tasks and history, and yield each inconsistency."""
    if place is None:
        must_name_workspace("the verification", by)
        return differences(engine.store, snapshot=snapshot)
    with engine.store.read() as reader:
        found = _found(reader, place)
        _must_verify(engine, reader, found, by)
    every = differences(engine.store, found, snapshot=snapshot)
    return asked_again(engine.store, every, lambda reader: _must_verify(engine, reader, found, by))


def _must_verify(engine: Engine, reader: Reader, place: Place, by: MemberRef | None) -> None:
    if isinstance(place, Workspace):
        access_of(reader, engine.policy, place.id, by).must("maintenance.verify", None)
    else:
        require_readable(engine, reader, "maintenance.verify", place, by)


def differences(
    store: Store, place: Place | None = None, *, snapshot: bool = False
) -> Iterator[Inconsistency]:
    """Yield where *place*, or all of *store*, is not sound; see `Verifying.verify`."""
    with _looking(store, snapshot) as look:
        if isinstance(place, JobPartition):
            yield from _Verification(look, place.job, place).run()
        elif isinstance(place, Job):
            yield from _Verification(look, place.id).run()
        elif place is not None:
            yield from _in_workspace(look, place)
        else:
            with look() as reader:
                strays, homes = (
                    list(_strays(reader)),
                    list(reader.find(Query(Workspace, order=("id",)))),
                )
            yield from strays
            for home in homes:
                yield from _in_workspace(look, home)


@safe_context
def _looking(store: Store, snapshot: bool) -> Generator[Look]:
    if not snapshot:
        yield store.read
        return
    with store.read(snapshot=True) as reader:
        yield lambda: nullcontext(reader)


def _found(reader: Reader, place: Place | int | str) -> Place:
    """Return the workspace or job as it is now, or the part of a job that is there."""
    if isinstance(place, JobPartition):
        packages_of(place)  # refuses at once what would be refused at the first step
        lookup.job(reader, place)
        return place
    if isinstance(place, Job):
        return lookup.job(reader, place)
    try:
        return lookup.workspace(reader, place)
    except NotFound:
        if isinstance(place, Workspace):
            raise
        return lookup.job(reader, place)


def _in_workspace(look: Look, home: Workspace) -> Iterator[Inconsistency]:
    """Yield what is wrong with the members of *home*, and then with its jobs."""
    with look() as reader:
        members = list(reader.find(Query(Member, {"workspace": home.id}, order=("id",))))
        jobs = list(reader.find(Query(Job, {"workspace": home.id}, order=("id",))))
        told = Query(Event, {"workspace": home.id, "job": 0}, order=("position",))
        replay = Replay()
        for event in iterate_in_transaction(reader, told):
            replay.tell(event)
    yield from checks.workspace_differences(home, members)
    yield from replay_differences(replay, members)
    for job in jobs:
        yield from _Verification(look, job.id).run()


def _strays(reader: Reader) -> Iterator[Inconsistency]:
    """Yield what belongs to no workspace or no job; a deleted job leaves its last event."""
    homes = {workspace.id for workspace in reader.find(Query(Workspace))}
    jobs = {job for (job,) in reader.tally(Query(Job), by=("id",))}
    kinds: tuple[type[Entity], ...] = (Member, Template, Job, Event)
    for kind in kinds:
        for (home,), (count,) in reader.tally(Query(kind), by=("workspace",)).items():
            if home not in homes:
                yield Inconsistency(
                    "workspace", (cast(int, home),), f"what it has of {kind.__name__}", count, 0
                )
    parts: tuple[type[Entity], ...] = (JobCounter, Package, Task, Assignment, Answer, ClaimCounter)
    for kind in parts:
        for (job,), (count,) in reader.tally(Query(kind), by=("job",)).items():
            if job not in jobs:
                yield Inconsistency(
                    "job", (cast(int, job),), f"what it has of {kind.__name__}", count, 0
                )
    told = Counter[int]()
    for (job, verb), (count,) in reader.tally(Query(Event), by=("job", "type")).items():
        if job and job not in jobs and verb != "delete":
            told[cast(int, job)] += count
    yield from (
        Inconsistency("job", (job,), "what it has of Event", count, 0)
        for job, count in told.items()
    )


@attrs.define
class _Verification:
    """One look at a job, or at a part of it."""

    look: Look
    key: int
    """The key of the job."""
    part: JobPartition | None = None
    """The part that is checked; None: all of the job."""
    tasks: range = range(0)
    """The numbers of the tasks that are checked."""
    packages: range = range(0)
    """The numbers of the packages that are checked."""
    last: int = 0
    """The number of the last package of the job."""

    def run(self) -> Iterator[Inconsistency]:
        """Yield everything that is not as it should be."""
        with self.look() as reader:
            job = self._job(reader)
            if job is None:
                return
            found = self._begun(reader, job)
        yield from found
        yield from self._numbers()
        numbers = self.packages
        while numbers:
            with self.look() as reader:
                numbers, found = self._group(reader, numbers)
            yield from found

    def _job(self, reader: Reader) -> Job | None:
        """Return the job as it is now; None when it is deleted or being deleted."""
        job = get_or_none(reader, Job, (self.key,))
        return None if job is None or job.deleting else job

    def _begun(self, reader: Reader, job: Job) -> list[Inconsistency]:
        """Find what to check; the part with the first task checks the job as a whole too."""
        tasks, self.last = last_number(reader, Task, job.id), last_number(reader, Package, job.id)
        self.tasks, self.packages = range(1, tasks + 1), range(1, self.last + 1)
        if self.part is not None:
            self.tasks = _within(range(self.part.first, self.part.last + 1), tasks)
            self.packages = _within(packages_of(self.part), self.last)
            if self.part.first > 1:
                return []
        return [
            *_whole(reader, job, tasks, self.last),
            *_counters(reader, job),
            *_history(reader, job),
        ]

    def _numbers(self) -> Iterator[Inconsistency]:
        """Yield the gaps in the task numbers, and the tasks that are in no package of the job."""
        for start in range(0, len(self.tasks), BLOCK):
            numbers = self.tasks[start : start + BLOCK]
            where: dict[str, Any] = {"job": self.key, "number": _span(numbers)}
            with self.look() as reader:
                if self._job(reader) is None:
                    return
                tally = reader.tally(Query(Task, where), by=("number", "package"))
            found = cast("dict[tuple[int, int], object]", tally)
            yield from checks.missing("task", self.key, numbers, {number for number, _ in found})
            for number, package in found:
                if not 1 <= package <= self.last:
                    yield Inconsistency(
                        "task", (self.key, number), "package", package, "one of its job"
                    )

    def _group(self, reader: Reader, numbers: range) -> tuple[range, list[Inconsistency]]:
        """Check as many of these packages as fit a transaction; return the other numbers."""
        job = self._job(reader)
        if job is None:
            return range(0), []
        where: dict[str, Any] = {"job": job.id, "number": _span(numbers)}
        packages = _fitting(reader.find(Query(Package, where, order=("number",), limit=PAGE)))
        size = packages[-1].number - numbers[0] + 1 if packages else len(numbers)
        here = numbers[:size]
        found = list(
            checks.missing("package", job.id, here, {package.number for package in packages})
        )
        dossiers = dossiers_of(reader, job, packages, here, self.last)
        for dossier in dossiers:
            found += checks.package_differences(dossier)
        found += _retold(reader, job, dossiers, here)
        return numbers[size:], found


def _within(numbers: range, last: int) -> range:
    """Return those of *numbers* that are at most *last*."""
    return range(numbers.start, min(numbers.stop, last + 1))


def _whole(reader: Reader, job: Job, tasks: int, packages: int) -> Iterator[Inconsistency]:
    """Check the job itself, and what lies behind its last of *tasks* and *packages*."""
    own = {"job": job.id}
    template = get_or_none(reader, Template, (job.template,))
    members = {member.id: member for member in members_of(reader, checks.named(job))}
    still = first(reader, Query(Package, {**own, "open": True}, order=("number",), limit=1))
    yield from checks.job_differences(job, template, members, still)
    counter = get_or_none(reader, JobCounter, job.key)
    if counter is None:
        yield Inconsistency("job", job.key, "its counter", None, "there")
    else:
        yield from differ(counter, "tasks", counter.tasks, tasks)
        yield from differ(counter, "packages", counter.packages, packages)
    yield from _sums(reader, job)
    behind: dict[str, Any] = {**own, "package": Span(packages + 1, None)}
    for assignment in reader.find(Query(Assignment, behind, order=("id",), limit=PAGE)):
        yield from differ(assignment, "package", assignment.package, "one of its job")
    for event in reader.find(Query(Event, behind, order=("position",), limit=PAGE)):
        yield from differ(event, "package", event.package, "one of its job")
    beyond: dict[str, Any] = {**own, "task": Span(tasks + 1, None)}
    for answer in reader.find(Query(Answer, beyond, order=("task",), limit=PAGE)):
        yield from differ(answer, "task", answer.task, "one of its job")


def _sums(reader: Reader, job: Job) -> Iterator[Inconsistency]:
    """Compare the kept sums of the packages in each state with what is counted now."""
    names, own = ("size", *COUNTS), {"job": job.id}
    kept = reader.tally(Query(Package, own), by=("state",), add=names)
    counted = reader.tally(
        Query(Package, {**own, "number": Span(1, None)}), by=("state",), add=names
    )
    nothing = (0,) * (1 + len(names))
    for (state,) in sorted(kept.keys() | counted.keys(), key=str):
        pairs = zip(
            ("number", *names),
            kept.get((state,), nothing),
            counted.get((state,), nothing),
            strict=True,
        )
        for name, sum_, count in pairs:
            yield from differ(job, f"the sum of {name} of packages that are {state}", sum_, count)


def _counters(reader: Reader, job: Job) -> Iterator[Inconsistency]:
    counters = list(iterate_in_transaction(reader, Query(ClaimCounter, {"job": job.id})))
    live = Query(Assignment, {"job": job.id, "live": True, "state": AssignmentState.HELD})
    tally = reader.tally(live, by=("stage", "member")).items()
    held = {
        (Stage(stage), cast(int, member)): count for (stage, member), (count,) in tally if member
    }
    yield from checks.counter_differences(job, counters, held)
    yield from checks.start_differences(job, counters, _moments(reader, job, counters))


def _moments(reader: Reader, job: Job, counters: Iterable[ClaimCounter]) -> set[datetime]:
    """Return those moments in the cursors of *counters* at which there was an event."""
    since = tuple({counter.cursor.since for counter in counters if counter.cursor})
    acts = Query(Event, {"job": job.id, "at": since}, order=("position",))
    return {event.at for event in iterate_in_transaction(reader, acts)} if since else set()


def _history(reader: Reader, job: Job) -> Iterator[Inconsistency]:
    """Yield where the events of the job, and its changes in all events, differ from its row."""
    loads, replay = Loads(), Replay()
    for event in _acts(reader, job):
        loads.tell(event)
        replay.tell_job(event)
    yield from loads.breaks
    counter = get_or_none(reader, JobCounter, job.key)
    if counter is not None:
        yield from differ(counter, "tasks, as the history tells it,", counter.tasks, loads.rows)
        yield from differ(
            counter, "packages, as the history tells it,", counter.packages, loads.packages
        )
    yield from replay_differences(replay, [job])


def _acts(reader: Reader, job: Job) -> Iterator[Event]:
    """Yield the events of the job as a whole and those that may change it, in order."""
    whole: dict[str, Any] = {"job": job.id, "package": 0}
    ending: dict[str, Any] = {"job": job.id, "package": Span(1, None), "type": ENDING}
    both = (
        iterate_in_transaction(reader, Query(Event, where, order=("position",)))
        for where in (whole, ending)
    )
    return merge(*both, key=attrgetter("position"))


def _retold(
    reader: Reader, job: Job, dossiers: list[Dossier], numbers: range
) -> Iterator[Inconsistency]:
    """Yield where the events of each package with these *numbers* differ from what is stored."""
    replays = defaultdict[int, Replay](Replay)
    for dossier in dossiers:
        replays[dossier.package.number].begin(dossier.package)
    where: dict[str, Any] = {"job": job.id, "package": _span(numbers)}
    for event in iterate_in_transaction(reader, Query(Event, where, order=("package", "position"))):
        replays[event.package].tell(event)
    for dossier in dossiers:
        replay = replays.pop(dossier.package.number)
        yield from replay_differences(
            replay, [dossier.package, *dossier.assignments], dossier.answers
        )
    for replay in replays.values():
        yield from replay_differences(replay, [])


def _span(numbers: range) -> Span:
    return Span(numbers[0], numbers[-1])


def _fitting(packages: Iterable[Package]) -> list[Package]:
    """Return the first of *packages*, until they have as many tasks as fit a transaction."""
    group, tasks = list[Package](), 0
    for package in packages:
        group.append(package)
        tasks += package.size
        if tasks >= BLOCK:
            break
    return group
