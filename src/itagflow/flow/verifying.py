"""Whether a store is sound: everything that is counted or told twice comes to the same."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any, cast

import attrs

from itagflow.errors import NotFound
from itagflow.flow import _find
from itagflow.flow._find import PAGE, first, perhaps, through
from itagflow.flow.reading import Reading
from itagflow.model.difference import Difference, differ
from itagflow.model.entity import E, Entity
from itagflow.model.event import Event, Move
from itagflow.model.job import Job, Stage
from itagflow.model.package import OPEN, Assignment, Package, Seat, TurnState
from itagflow.model.task import Answer, Task
from itagflow.model.template import Template
from itagflow.model.workspace import Member, Workspace
from itagflow.rules import verifying
from itagflow.rules.history import Loads, Replay, replay_differences
from itagflow.rules.results import sort_turns
from itagflow.rules.verifying import Dossier
from itagflow.store import Query, Reader, Span, Store

BLOCK = 1_000
"""About how many tasks are looked at in one read block."""

Look = Callable[[], AbstractContextManager[Reader]]
"""Opens a read block: a short one, or the same snapshot each time."""
Place = Workspace | Job
"""What can be verified alone."""


class Verifying(Reading):
    """The verb that looks whether everything still fits together."""

    def verify(self, place: Place | int | str | None = None, *, snapshot: bool = False) -> Iterator[Difference]:
        """Recompute every count, state and rule from what is stored and from the history, and yield each difference.

        Nothing is yielded when all is sound.  Packages are looked at in turn, each with its tasks, turns, answers and
        events in one short block; so people may go on working, and memory does not grow with the job.

        Args:
            place: A workspace or job, its key or name (a workspace of that name comes first); everything, and what
                belongs to nothing, when not given.
            snapshot: Whether all of it shows one moment.

        Raises:
            NotFound: when there is no such workspace or job.

        >>> import itagflow
        >>> flow = itagflow.open("memory:")
        >>> street = flow.create_workspace("street", admin="ada")
        >>> list(flow.verify(street))
        []
        """
        if place is not None:
            with self.store.read() as reader:
                place = _found(reader, place)
        return differences(self.store, place, snapshot=snapshot)


def differences(store: Store, place: Place | None = None, *, snapshot: bool = False) -> Iterator[Difference]:
    """Yield where *place*, or all of *store*, is not sound; see `Verifying.verify`."""
    with _looking(store, snapshot) as look:
        if isinstance(place, Job):
            yield from _Verification(look, place).run()
        elif place is not None:
            yield from _in_workspace(look, place)
        else:
            with look() as reader:
                strays, homes = list(_strays(reader)), list(reader.find(Query(Workspace, order=("id",))))
            yield from strays
            for home in homes:
                yield from _in_workspace(look, home)


@contextmanager
def _looking(store: Store, snapshot: bool) -> Generator[Look]:
    if not snapshot:
        yield store.read
        return
    with store.read(snapshot=True) as reader:
        yield lambda: nullcontext(reader)


def _found(reader: Reader, place: Place | int | str) -> Place:
    """Return the workspace or job as it is now."""
    if isinstance(place, Job):
        return _find.job(reader, place)
    try:
        return _find.workspace(reader, place)
    except NotFound:
        if isinstance(place, Workspace):
            raise
        return _find.job(reader, place)


def _in_workspace(look: Look, home: Workspace) -> Iterator[Difference]:
    """Yield what is wrong with the members of *home*, and then with its jobs."""
    with look() as reader:
        members = list(reader.find(Query(Member, {"workspace": home.id}, order=("id",))))
        jobs = list(reader.find(Query(Job, {"workspace": home.id}, order=("id",))))
        told = Query(Event, {"workspace": home.id, "job": 0}, order=("position",))
        replay = Replay()
        for event in through(reader, told):
            replay.tell(event)
    yield from verifying.workspace_differences(home, members)
    yield from replay_differences(replay, members)
    for job in jobs:
        yield from _Verification(look, job).run()


def _strays(reader: Reader) -> Iterator[Difference]:
    """Yield what belongs to no workspace or no job; a deleted job leaves its last event."""
    homes = {workspace.id for workspace in reader.find(Query(Workspace))}
    jobs = {job for (job,) in reader.tally(Query(Job), by=("id",))}
    kinds: tuple[type[Entity], ...] = (Member, Template, Job, Event)
    for kind in kinds:
        for (home,), (count,) in reader.tally(Query(kind), by=("workspace",)).items():
            if home not in homes:
                yield Difference("workspace", (cast(int, home),), f"what it has of {kind.__name__}", count, 0)
    parts: tuple[type[Entity], ...] = (Package, Task, Assignment, Answer, Seat)
    for kind in parts:
        for (job,), (count,) in reader.tally(Query(kind), by=("job",)).items():
            if job not in jobs:
                yield Difference("job", (cast(int, job),), f"what it has of {kind.__name__}", count, 0)
    told = Counter[int]()
    for (job, verb), (count,) in reader.tally(Query(Event), by=("job", "verb")).items():
        if job and job not in jobs and verb != "delete":
            told[cast(int, job)] += count
    yield from (Difference("job", (job,), "what it has of Event", count, 0) for job, count in told.items())


@attrs.define
class _Verification:
    """One look at a whole job: what it goes by, and what it has seen so far."""

    look: Look
    job: Job
    tasks: int = 0
    """The number of the last task."""
    packages: int = 0
    """The number of the last package."""
    position: int = 0
    """The position of the last event; what comes later is not looked at."""
    template: Template | None = None
    moves: list[tuple[int, Move]] = attrs.field(factory=list[tuple[int, Move]])
    """The moves of the job itself, which the last act on a package makes too."""

    def run(self) -> Iterator[Difference]:
        """Yield everything that is not as it should be."""
        with self.look() as reader:
            job = perhaps(reader, Job, self.job.key)
            if job is None:
                return  # deleted meanwhile
            self.job = job
            found = [*self._begun(reader), *self._seats(reader)]
        yield from found
        yield from self._numbers()
        after = 0
        while after < self.packages:
            with self.look() as reader:
                after, found = self._group(reader, after)
            yield from found
        yield from self._history()

    def _begun(self, reader: Reader) -> Iterator[Difference]:
        """Look at the job itself, and at what lies outside of it."""
        job, own = self.job, {"job": self.job.id}
        self.template = perhaps(reader, Template, (job.template,))
        self.tasks, self.packages = _last(reader, Query(Task, own)), _last(reader, Query(Package, own))
        last = first(reader, Query(Event, own, order=("-position",), limit=1))
        self.position = last.position if last else 0
        members = {member.id: member for member in _members(reader, verifying.named(job))}
        still = first(reader, Query(Package, {**own, "state": OPEN}, order=("number",), limit=1))
        yield from verifying.job_differences(job, self.template, members, still)
        yield from differ(job, "loaded", job.loaded, self.tasks)
        yield from differ(job, "packages", job.packages, self.packages)
        behind: dict[str, Any] = {**own, "package": Span(self.packages + 1, None)}
        for turn in reader.find(Query(Assignment, behind, order=("id",), limit=PAGE)):
            yield from differ(turn, "package", turn.package, "one of its job")
        for event in reader.find(Query(Event, behind, order=("position",), limit=PAGE)):
            yield from differ(event, "package", event.package, "one of its job")
        for answer in reader.find(
            Query(Answer, {**own, "task": Span(self.tasks + 1, None)}, order=("task",), limit=PAGE)
        ):
            yield from differ(answer, "task", answer.task, "one of its job")

    def _seats(self, reader: Reader) -> Iterator[Difference]:
        own = {"job": self.job.id}
        seats = {(seat.stage, seat.member): seat.held for seat in through(reader, Query(Seat, own))}
        live = Query(Assignment, {**own, "live": True, "state": TurnState.HELD})
        tally = reader.tally(live, by=("stage", "member")).items()
        held = {(Stage(stage), cast(int, member)): count for (stage, member), (count,) in tally if member}
        return verifying.seat_differences(self.job, seats, held)

    def _numbers(self) -> Iterator[Difference]:
        """Yield the holes in the numbers of the tasks, and the tasks that are in no package of the job."""
        for start in range(1, self.tasks + 1, BLOCK):
            numbers = range(start, min(start + BLOCK, self.tasks + 1))
            where: dict[str, Any] = {"job": self.job.id, "number": Span(numbers[0], numbers[-1])}
            with self.look() as reader:
                tally = reader.tally(Query(Task, where), by=("number", "package"))
            found = cast("dict[tuple[int, int], object]", tally)
            yield from verifying.missing("task", self.job, numbers, {number for number, _ in found})
            for number, package in found:
                if not 1 <= package <= self.packages:
                    yield Difference("task", (self.job.id, number), "package", package, "one of its job")

    def _group(self, reader: Reader, after: int) -> tuple[int, list[Difference]]:
        """Look at the packages behind number *after*, as many as fit a block; return the last number."""
        job = perhaps(reader, Job, self.job.key)
        if job is None:
            return self.packages, []  # deleted meanwhile
        where: dict[str, Any] = {"job": job.id, "number": Span(after + 1, self.packages)}
        packages = _fitting(reader.find(Query(Package, where, order=("number",), limit=PAGE)))
        last = packages[-1].number if packages else self.packages
        seen = {package.number for package in packages}
        found = list(verifying.missing("package", job, range(after + 1, last + 1), seen))
        dossiers = _dossiers(reader, job, self.template, packages, Span(after + 1, last))
        for dossier in dossiers:
            found += verifying.package_differences(dossier)
        replay = self._replayed(reader, packages, Span(after + 1, last))
        turns = [turn for dossier in dossiers for turn in dossier.turns]
        answers = [answer for dossier in dossiers for answer in dossier.answers]
        found += replay_differences(replay, [*packages, *turns], answers)
        return last, found

    def _replayed(self, reader: Reader, packages: list[Package], numbers: Span) -> Replay:
        """Replay the history of some packages, and keep what it moved of the job."""
        replay = Replay()
        for package in packages:
            replay.begin(package)
        told = Query(Event, {"job": self.job.id, "package": numbers}, order=("package", "position"))
        for event in through(reader, told):
            replay.tell(event)
        self.moves += (moved for moved in replay.aside if moved[0] <= self.position)
        return replay

    def _history(self) -> Iterator[Difference]:
        """Yield where the acts on the job as a whole, and its own moves in all acts, do not come to what it is."""
        loads, replay = Loads(), Replay()
        where: dict[str, Any] = {"job": self.job.id, "package": 0, "position": Span(None, self.position)}
        with self.look() as reader:
            if perhaps(reader, Job, self.job.key) is None:
                return
            for event in through(reader, Query(Event, where, order=("position",))):
                loads.tell(event)
                self.moves += ((event.position, move) for move in event.changes if move.kind == "job")
        for position, move in sorted(self.moves, key=lambda moved: moved[0]):
            replay.move(position, move)
        yield from loads.breaks
        yield from differ(self.job, "loaded, as the history tells it,", self.job.loaded, loads.rows)
        yield from differ(self.job, "packages, as the history tells it,", self.job.packages, loads.packages)
        yield from replay_differences(replay, [self.job])


def _last(reader: Reader, query: Query[Task] | Query[Package]) -> int:
    last = first(cast(Any, reader), attrs.evolve(cast(Any, query), order=("-number",), limit=1))
    return cast(int, last.number) if last else 0


def _fitting(packages: Iterable[Package]) -> list[Package]:
    """Return the first of *packages*, until they have as many tasks as fit a block."""
    group, tasks = list[Package](), 0
    for package in packages:
        group.append(package)
        tasks += package.size
        if tasks >= BLOCK:
            break
    return group


def _dossiers(
    reader: Reader, job: Job, template: Template | None, packages: list[Package], numbers: Span
) -> list[Dossier]:
    """Return the dossiers of *packages*, whose *numbers* are these, read in one go."""
    own: dict[str, Any] = {"job": job.id, "package": numbers}
    tasks = _by_package(reader.find(Query(Task, own, order=("package", "number"))))
    turns = _by_package(reader.find(Query(Assignment, own)))
    homes = {turn.id: turn.package for found in turns.values() for turn in found}
    answers = defaultdict[int, list[Answer]](list)
    for home, answer in _answers(reader, job, tasks, homes).values():
        answers[home].append(answer)
    named = {turn.member for found in turns.values() for turn in found if turn.member is not None}
    members = {member.id: member for member in _members(reader, named)}
    return [
        Dossier(
            job,
            template,
            package,
            {task.number: task for task in tasks[package.number]},
            sort_turns(turns[package.number]),
            answers[package.number],
            members,
        )
        for package in packages
    ]


def _answers(
    reader: Reader, job: Job, tasks: dict[int, list[Task]], homes: dict[int, int]
) -> dict[Any, tuple[int, Answer]]:
    """Return every answer that a turn of *homes* gives or that is about one of *tasks*, each with its package."""
    where = {task.number: task.package for found in tasks.values() for task in found}
    by_task = reader.find(Query(Answer, {"job": job.id, "task": tuple(where)}, order=("task",))) if where else ()
    by_turn = (
        reader.find(Query(Answer, {"job": job.id, "assignment": tuple(homes)}, order=("assignment",))) if homes else ()
    )
    found = {answer.key: (where[answer.task], answer) for answer in by_task}
    return {**found, **{answer.key: (homes[answer.assignment], answer) for answer in by_turn}}


def _by_package(found: Iterable[E]) -> dict[int, list[E]]:
    sorted_out = defaultdict[int, list[E]](list)
    for each in found:
        sorted_out[cast(Any, each).package].append(each)
    return sorted_out


def _members(reader: Reader, keys: set[int]) -> Iterator[Member]:
    return reader.find(Query(Member, {"id": tuple(keys)})) if keys else iter(())
