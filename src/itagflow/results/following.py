"""Following results: each is yielded once work on its task has ended, and when that changes."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

import attrs

from itagflow.core import lookup, waiting
from itagflow.core.calls import wait_for
from itagflow.core.engine import Engine
from itagflow.core.lookup import JobRef, MemberRef, WorkspaceRef, get_or_none, iterate_query
from itagflow.core.visibility import access_of, require_readable
from itagflow.errors import InvalidData, NotFound, Problem
from itagflow.model.became import ENDS, Became
from itagflow.model.event import Event
from itagflow.model.job import Job
from itagflow.model.number import MOST, is_storable, require_whole_number
from itagflow.model.package import Package
from itagflow.model.result import Result
from itagflow.model.task import Task
from itagflow.model.workspace import Workspace
from itagflow.printing import format_repr
from itagflow.results.histories import SelectedTasks, read_selected
from itagflow.results.service import TaskLookup, find_task_to_read, get_result
from itagflow.storage.port import Query, Reader, Span

PAUSE = 0.005
"""How many seconds pass between two looks at a store in which much is going on."""

FollowedFrom = Result | Event | str | int
"""Where following goes on: behind a result that was yielded, or its cursor; or behind an event."""

_NAME = "results.follow"
_EVERY = tuple(each.value for each in Became)


@attrs.frozen(order=True)
class Cursor:
    """The last result that was dealt with: of which event, and of which of its tasks."""

    position: int
    """The position of the event."""
    task: int = MOST
    """The number of the task; the largest there is: all of them were dealt with."""

    @property
    def is_whole(self) -> bool:
        """Whether all tasks of the event were dealt with."""
        return self.task == MOST

    def __str__(self) -> str:
        return f"{self.position}-{self.task}"


def parse_cursor(after: object, what: str = _NAME, argument: str = "after") -> Cursor:
    """Return where following goes on.

    Args:
        after: The place.
        what: The operation that it is given to.
        argument: What it is called there.

    Raises:
        InvalidData: when it is no place to go on from.
    """
    if isinstance(after, Event):
        return Cursor(after.position)
    text = after.cursor if isinstance(after, Result) else after
    if not isinstance(text, str):
        return Cursor(require_whole_number(what, argument, text))
    position, _, task = text.partition("-")
    if not _is_number(position) or not _is_number(task):
        reason = f"must be the cursor of a result that it has yielded, not {format_repr(after)}"
        raise InvalidData(what, [Problem(argument, reason)])
    return Cursor(int(position), int(task))


def _is_number(text: str) -> bool:
    # by its length first: the longest ones could not even be converted
    return text.isascii() and text.isdigit() and len(text) < 20 and is_storable(int(text))


@attrs.frozen
class _Step:
    """Something that became of a task, as an event says it."""

    job: int
    package: int
    cursor: Cursor


@attrs.define
class _Following:
    """Results that are followed."""

    engine: Engine
    place: Workspace | Job
    wanted: Became | None
    """What must have become of a task; None: anything."""
    by: MemberRef | None
    cursor: Cursor
    """The last result that was yielded, or where it began."""
    start: int
    """The position from which events are still to be read."""

    def look(self) -> Iterator[Result]:
        """Yield what has come since the last look, and is still so."""
        if not self._has_news():
            return
        last = self.engine.store.high_water_mark()
        steps = self._iter_steps(iterate_query(self.engine.store, self._query(last)))
        while block := list(islice(steps, lookup.PAGE)):
            for result in self._read(block):
                self.cursor = parse_cursor(result)
                yield result
        self.start = max(self.start, last + 1)

    def _query(self, last: int | None, limit: int | None = None) -> Query[Event]:
        """Return the query for what became of tasks, up to the *last* position."""
        where: dict[str, Any] = {"position": Span(self.start, last), "became": _EVERY}
        where["workspace" if isinstance(self.place, Workspace) else "job"] = self.place.id
        return Query(Event, where, order=("position",), limit=limit)

    def _has_news(self) -> bool:
        """Return whether there is something to read: most of what wakes a follower is a save."""
        # an index tells it of a job at once, and the store is not asked how far its log is complete
        if isinstance(self.place, Workspace):
            return True
        with self.engine.store.read() as reader:
            return lookup.first(reader, self._query(None, limit=1)) is not None

    def read_of_event(self, event: Event) -> list[Result]:
        """Return the results that *event* brings, and that are still so."""
        return self._read(list(self._iter_steps([event])))

    def _iter_steps(self, events: Iterable[Event]) -> Iterator[_Step]:
        """Yield what became of each task behind the cursor, in order."""
        start = self.cursor
        for event in events:
            steps = [
                _Step(event.job, event.package, Cursor(event.position, task))
                for became, tasks in event.outcomes.items()
                if self.wanted in (None, became)
                for task in tasks
            ]
            steps.sort(key=lambda step: step.cursor.task)
            yield from (step for step in steps if step.cursor > start)

    def _read(self, steps: Sequence[_Step]) -> list[Result]:
        """Return the results of those of *steps* behind which nothing became of the task."""
        found: dict[Cursor, Result] = {}
        with self.engine.store.read() as reader:
            for id in dict.fromkeys(step.job for step in steps):
                of_job = [step for step in steps if step.job == id]
                found |= self._read_of_job(reader, id, of_job)
        # in the order of the steps, whatever their jobs
        return [found[step.cursor] for step in steps if step.cursor in found]

    def _read_of_job(
        self, reader: Reader, id: int, steps: Sequence[_Step]
    ) -> Mapping[Cursor, Result]:
        job = get_or_none(reader, Job, (id,))
        if job is None or job.deleting:
            if isinstance(self.place, Job):
                raise NotFound("Job", (id,))
            return {}
        # asked each time: a member may be removed while they follow
        access = access_of(reader, self.engine.policy, job.workspace, self.by)
        if isinstance(self.place, Job):
            access.require(_NAME, job)
        elif not access.can_see(_NAME, job):
            return {}
        numbers = tuple({step.cursor.task for step in steps})
        query = Query(Task, {"job": id, "number": numbers}, order=("number",))
        tasks = SelectedTasks(list(reader.find(query)))
        results = {
            result.task.number: result for result in read_selected(reader, job, tasks, access)
        }
        # asked behind the results: what changed while they were read is found here, and its own
        # event yields the result then
        latest = _find_latest(reader, id, steps)
        return {
            step.cursor: attrs.evolve(results[step.cursor.task], cursor=str(step.cursor))
            for step in steps
            if step.cursor.task in results and step.cursor == latest.get(step.cursor.task)
        }


def _find_latest(reader: Reader, job: int, steps: Sequence[_Step]) -> Mapping[int, Cursor]:
    """Return where something became last of each task of the packages of *steps*."""
    where: dict[str, Any] = {
        "job": job,
        "package": tuple({step.package for step in steps}),
        "position": Span(min(step.cursor.position for step in steps), None),
        "became": _EVERY,
    }
    latest: dict[int, Cursor] = {}
    for event in reader.find(Query(Event, where, order=("position",))):
        for tasks in event.outcomes.values():
            latest |= {task: Cursor(event.position, task) for task in tasks}
    return latest


def follow_results(
    engine: Engine,
    place: JobRef | WorkspaceRef,
    *,
    after: FollowedFrom = 0,
    became: Became | None = Became.FINAL,
    timeout: float | None = None,
    by: MemberRef | None = None,
) -> Iterator[Result]:
    """Yield each result once its task has become this, and go on with what comes."""
    cursor = parse_cursor(after)
    # refused by the call, and not only at the first step of the iterator
    with engine.store.read() as reader:
        found = lookup.workspace_or_job(reader, place)
        if isinstance(found, Job):
            require_readable(engine, reader, _NAME, found, by)
        else:
            access_of(reader, engine.policy, found.id, by)
    following = _Following(engine, found, became, by, cursor, cursor.position)
    return waiting.follow(engine.store, following.look, timeout)


def read_results(engine: Engine, event: Event) -> list[Result]:
    """Return the results of the tasks of which something became by *event*, in order.

    Those of which something else became since are left out: a later event has them.
    """
    with engine.store.read() as reader:
        workspace = get_or_none(reader, Workspace, (event.workspace,))
    if workspace is None:
        return []
    start = Cursor(event.position, 0)
    following = _Following(engine, workspace, None, None, start, event.position)
    return following.read_of_event(event)


def wait_for_result(
    engine: Engine, place: TaskLookup, *, timeout: float | None = 30.0, by: MemberRef | None = None
) -> Result | None:
    """Return the result of a task once work on it has ended; None when it has not in time."""
    with engine.store.read() as reader:
        _, _, task = find_task_to_read(engine, reader, "results.wait", place, by)
    end = None if timeout is None else time.monotonic() + timeout
    # most who ask again find it there: then nobody needs to listen
    result = _find_ended(engine, task, by)
    if result is not None or timeout == 0:
        return result
    with waiting.open_wait(engine.store) as wait:
        while True:
            result = _find_ended(engine, task, by)
            remaining = waiting.POLL if end is None else end - time.monotonic()
            if result is not None or remaining <= 0:
                return result
            wait_for(wait, min(waiting.POLL, remaining))
            # others may store a hundred things a second, and each wakes everybody who waits
            time.sleep(min(PAUSE, max(remaining, 0)))


def _find_ended(engine: Engine, task: Task, by: MemberRef | None) -> Result | None:
    """Return the result of *task* if work on it has ended."""
    # one row tells mostly that there is nothing to read yet
    with engine.store.read() as reader:
        package = reader.get(Package, (task.job, task.package))
        if not package.has_ended(task.number) and task.number not in package.erased:
            return None
    result = get_result(engine, task.key, by=by)
    if result.became not in ENDS:
        return None
    return result
