"""Work reports and statements: what was handed in and sent back in a workspace."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, cast

import attrs

from itagflow.access import Action, not_allowed
from itagflow.core import lookup
from itagflow.core.counted import Wrap, show
from itagflow.core.engine import Engine
from itagflow.core.lookup import MemberRef, WorkspaceRef, get_or_none, iterate_query
from itagflow.core.visibility import Access, access_of
from itagflow.errors import InvalidData, Problem
from itagflow.measuring.counting_rules import Period
from itagflow.measuring.reading import read_members
from itagflow.measuring.work_rules import HANDED_IN, Piece, list_pieces, with_withdrawn
from itagflow.model.arguments import require_several
from itagflow.model.enums import parse_enum
from itagflow.model.event import Event
from itagflow.model.job import Job
from itagflow.model.task import Task
from itagflow.model.workspace import Member
from itagflow.quality.statements import (
    Rate,
    RateKey,
    Statement,
    StatementLine,
    WorkBy,
    price,
)
from itagflow.results.histories import read_histories
from itagflow.results.rules import Case, TaskCases
from itagflow.storage.port import Query, Reader, Span

EVENTS = 200
"""The work of how many events is read in one transaction."""
Key = tuple[Any, ...]


@attrs.frozen(kw_only=True)
class WorkTerms:
    """Whose work is read, and by whom."""

    name: str
    """The operation, such as ``quality.work``."""
    workspace: WorkspaceRef
    """The workspace."""
    by: MemberRef | None = None
    """Who reads."""
    progress: Wrap | None = None
    """Shows the events that are read."""


@attrs.define
class _Sum:
    """What pieces of work add up to."""

    assignments: int = 0
    count: int = 0
    corrected: int = 0
    seconds: float = 0.0

    def add(self, piece: Piece) -> None:
        """Add *piece*."""
        self.assignments += piece.assignments
        self.count += piece.count
        self.corrected += piece.corrected
        # thousandths, as stores keep them: sums are the same in whatever order
        self.seconds = round(self.seconds + piece.seconds, 3)


def report_work(
    engine: Engine, terms: WorkTerms, period: Period, by: Sequence[WorkBy]
) -> list[dict[str, Any]]:
    """Return what was handed in and sent back in *period*, added up by these keys, as rows."""
    where: dict[str, Any] = {"at": Span(period.since, period.until)}
    pieces = [
        piece
        for piece in _iter_of_workspace(engine, terms, where)
        # the end of a span is in it, and that of a period is not
        if period.until is None or piece.at < period.until
    ]
    members = read_members(engine, {piece.member for piece in pieces})
    jobs = _read_jobs(engine, {piece.job for piece in pieces})
    sums = defaultdict[Key, _Sum](_Sum)
    for piece in pieces:
        for key in _list_keys(piece, members[piece.member], jobs[piece.job], by):
            sums[key].add(piece)
    names = [each.value.capitalize() for each in by]
    return [
        {
            **dict(zip(names, key, strict=True)),
            "AssignmentCount": found.assignments,
            "Count": found.count,
            "CorrectedCount": found.corrected,
            "NetCount": found.count - found.corrected,
            "Time": found.seconds / 3600,
        }
        for key, found in sorted(sums.items())
    ]


def _list_keys(piece: Piece, member: Member, job: Job, by: Sequence[WorkBy]) -> list[Key]:
    """Return under what a piece of work is added up: more than once for a member of groups."""
    values: Mapping[WorkBy, str] = {
        WorkBy.MEMBER: member.account,
        WorkBy.JOB: job.name,
        WorkBy.STAGE: piece.stage.value,
        WorkBy.DAY: piece.at.date().isoformat(),
    }
    if WorkBy.GROUP not in by:
        return [tuple(values[each] for each in by)]
    return [
        tuple(group if each is WorkBy.GROUP else values[each] for each in by)
        for group in member.groups or ("",)
    ]


def make_statement(
    engine: Engine,
    terms: WorkTerms,
    rates: Mapping[RateKey, Rate],
    after: int,
    until: int | None,
) -> Statement:
    """Return what members are paid for the work behind one position, up to another."""
    # no event that comes later gets a position up to there
    last = engine.store.high_water_mark()
    end = last if until is None else until
    if not after <= end <= last:
        reason = f"must be from {after} to {last}, the last event, not {end}"
        raise InvalidData(terms.name, [Problem("until", reason)])
    sums = defaultdict[Key, _Sum](_Sum)
    where: dict[str, Any] = {"position": Span(after + 1, end)}
    for piece in _iter_of_workspace(engine, terms, where, is_complete=True):
        sums[piece.member, piece.job, piece.stage].add(piece)
    members = read_members(engine, {member for member, _, _ in sums})
    jobs = _read_jobs(engine, {job for _, job, _ in sums})
    lines = [
        StatementLine(
            account=members[member].account,
            job=jobs[job].name,
            job_id=job,
            stage=stage,
            assignments=found.assignments,
            count=found.count,
            corrected=found.corrected,
            seconds=found.seconds,
        )
        for (member, job, stage), found in sums.items()
    ]
    lines.sort(key=lambda line: (line.account, line.job_id, line.stage.value))
    return Statement(after=after, until=end, lines=tuple(price(line, rates) for line in lines))


def _iter_of_workspace(
    engine: Engine, terms: WorkTerms, where: dict[str, Any], *, is_complete: bool = False
) -> Iterator[Piece]:
    """Return the pieces of work of the events of a workspace that match."""
    with engine.store.read() as reader:
        home = lookup.workspace(reader, terms.workspace)

    def find_access(reader: Reader) -> Access:
        access = access_of(reader, engine.policy, home.id, terms.by)
        access.require(terms.name, None)
        return access

    wanted = {**where, "workspace": home.id}
    return iter_pieces(
        engine, wanted, find_access, is_complete=is_complete, progress=terms.progress
    )


def iter_pieces(
    engine: Engine,
    where: dict[str, Any],
    find_access: Callable[[Reader], Access],
    *,
    is_complete: bool = False,
    progress: Wrap | None = None,
) -> Iterator[Piece]:
    """Yield the pieces of work of the events that match, in order, that the reader may know of.

    Votes that are secret from them are left out, and labelers whom they review blind.

    Args:
        engine: The engine.
        where: Which events.
        find_access: Returns who reads, and checks that they may.  It is asked for each block: a
            member may be removed while much is read.
        is_complete: Whether nothing may be left out.
        progress: Shows the events.

    Raises:
        NotAllowed: when something would be left out, and nothing may.
    """
    query = Query(Event, {**where, "type": HANDED_IN}, order=("position",))
    with engine.store.read() as reader:
        find_access(reader)
        total = 0 if progress is None else reader.count(query)
    events = iter(show(iterate_query(engine.store, query), total, progress))
    while block := list(islice(events, EVENTS)):
        with engine.store.read() as reader:
            cases = _read_packages(find_access(reader), block, is_complete=is_complete)
        for event in block:
            yield from list_pieces(event, cases.get((event.job, event.package), ()))


def _read_packages(
    access: Access, events: Iterable[Event], *, is_complete: bool
) -> Mapping[tuple[int, int], Sequence[Case]]:
    """Return the tasks of the packages of these events; a job that was deleted has none."""
    reader = access.reader
    numbers = defaultdict[int, set[int]](set)
    for event in events:
        numbers[event.job].add(event.package)
    found = defaultdict[tuple[int, int], list[Case]](list)
    for key, packages in numbers.items():
        job = get_or_none(reader, Job, (key,))
        if job is None or job.deleting:
            continue
        where: dict[str, Any] = {"job": key, "package": tuple(sorted(packages))}
        tasks = list(reader.find(Query(Task, where, order=("number",))))
        read = read_histories(reader, job, tasks, access)
        if is_complete:
            _require_all(access, read, read_histories(reader, job, tasks))
        histories = {number: with_withdrawn(each) for number, each in read.histories.items()}
        read = attrs.evolve(read, histories=histories)
        for case in map(read.build, tasks):
            found[key, case.package.number].append(case)
    return found


def _require_all(access: Access, shown: TaskCases, whole: TaskCases) -> None:
    """Check that nothing is left out of what a member is shown.

    Raises:
        NotAllowed: when votes are secret from them, or labelers whom they review blind.
    """
    if access.member is None:
        return
    for number, history in whole.histories.items():
        if list(shown.histories[number].assignments) != list(history.assignments):
            reason = f"some of the work on {history.package} is secret from them: leave by= out"
            raise not_allowed(access.member, Action.READ_RESULTS, reason)


def _read_jobs(engine: Engine, keys: Iterable[int]) -> dict[int, Job]:
    ids = tuple(set(keys))
    if not ids:
        return {}
    with engine.store.read() as reader:
        return {job.id: job for job in reader.find(Query(Job, {"id": ids}))}


def parse_keys(name: str, per: object) -> Sequence[WorkBy]:
    """Return by what is added up, each once.

    Raises:
        InvalidData: when it is nothing, or one is no such key.
    """
    given = [per] if isinstance(per, str | WorkBy) else per
    wanted = "such as ('member', 'day')"
    several = require_several(name, "per", cast("Iterable[Any]", given), wanted)
    keys = list(dict.fromkeys(parse_enum(WorkBy, each) for each in several))
    if not keys:
        raise InvalidData(
            name, [Problem("per", f"names nothing to add up by: give some, {wanted}")]
        )
    return keys
