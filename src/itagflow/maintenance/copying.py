"""A workspace, or everything, into another store: whole, or not at all."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

import attrs

from itagflow.core import lookup
from itagflow.core.counted import Wrap, show
from itagflow.core.engine import Engine
from itagflow.core.lookup import (
    MemberRef,
    WorkspaceRef,
    first,
    get_or_none,
    iterate_in_transaction,
)
from itagflow.core.visibility import access_of, must_name_workspace
from itagflow.errors import (
    AlreadyExists,
    InvalidData,
    Problem,
    StoreFailed,
)
from itagflow.maintenance.verification import find_inconsistencies
from itagflow.model.comment import Comment
from itagflow.model.entity import Entity
from itagflow.model.event import Event
from itagflow.model.job import Job
from itagflow.model.jobcounter import JobCounter
from itagflow.model.lot import AcceptanceLot
from itagflow.model.package import Assignment, ClaimCounter, Package
from itagflow.model.reports import MAX_PROBLEMS
from itagflow.model.task import Answer, Draft, Task
from itagflow.model.template import Template
from itagflow.model.text import normalize_name
from itagflow.model.workspace import Member, Workspace
from itagflow.storage.port import Query, Reader, Store

BLOCK = 2_000
"""How many entities are copied, or removed, in one transaction."""

OwnerCounts = Mapping[tuple[type[Entity], int], int]
"""How many entities there are, by kind and by the workspace or job that has them."""

OF_WORKSPACE: tuple[type[Entity], ...] = (Member, Template, Event)
"""What belongs to a workspace except jobs; events go last, since they name the jobs."""
OF_JOB: tuple[type[Entity], ...] = (
    *(JobCounter, Package, AcceptanceLot, Task, Assignment),
    *(Answer, Draft, ClaimCounter, Comment),
)
"""What belongs to a job."""


def copy(
    engine: Engine,
    *,
    to: Store,
    workspace: WorkspaceRef | None = None,
    verify: bool = True,
    progress: Wrap | None = None,
    by: MemberRef | None = None,
) -> int:
    """Copy a workspace, or everything, as it is now, and return the number of entities."""
    _require_may_copy(engine, workspace, by)
    target = to
    # one snapshot of it all: people go on working in the original
    with engine.store.read(snapshot=True) as reader:
        selection = _select(reader, workspace)
        # before anything is removed: what is there whole is never touched
        _require_absent(target, selection)
        _remove_partial(target, selection)
        try:
            total = _count_entities(reader, selection) if progress else 0
            entities = show(_read_entities(reader, selection), total, progress)
            copied = _add_all(target, selection, entities)
            _publish(target, selection, copied)
            if verify:
                _require_consistent(target, selection)
        except BaseException:
            # also after Ctrl-C: what is left would be in the way of the next copy
            _remove_partial(target, selection)
            raise
    return len(selection.workspaces) + len(selection.jobs) + sum(copied.values())


def _require_may_copy(engine: Engine, workspace: WorkspaceRef | None, by: MemberRef | None) -> None:
    if workspace is None:
        must_name_workspace("the copy", by)
        return
    with engine.store.read() as reader:
        stored_workspace = lookup.workspace(reader, workspace)
        access_of(reader, engine.policy, stored_workspace.id, by).require("maintenance.copy", None)


@attrs.frozen
class _Selection:
    """What is copied: some workspaces with all their jobs, or everything."""

    workspaces: Sequence[Workspace]
    jobs: Sequence[Job]
    events: Mapping[str, Any]
    """What all events of it have."""


def _select(reader: Reader, ref: WorkspaceRef | None) -> _Selection:
    if ref is None:
        return _Selection(
            list(reader.find(Query(Workspace, order=("id",)))), list(reader.find(Query(Job))), {}
        )
    stored_workspace = lookup.workspace(reader, ref)
    condition = {"workspace": stored_workspace.id}
    return _Selection([stored_workspace], list(reader.find(Query(Job, condition))), condition)


def _require_absent(target: Store, selection: _Selection) -> None:
    """Check that *target* has none of the workspaces and jobs.

    Raises:
        AlreadyExists: when it has one, or another workspace of the name.
    """
    with target.read() as reader:
        _require_no_workspace(reader, selection)
        for job in selection.jobs:
            workspaces = {
                workspace
                for (workspace,) in reader.tally(Query(Event, {"job": job.id}), by=("workspace",))
            }
            if get_or_none(reader, Job, job.key) or workspaces - {job.workspace}:
                # or its history there is that of another workspace
                raise AlreadyExists("Job", job.id)


def _require_no_workspace(reader: Reader, selection: _Selection) -> None:
    for workspace in selection.workspaces:
        if get_or_none(reader, Workspace, workspace.key) or first(
            reader, Query(Workspace, {"name": normalize_name(workspace.name)}, limit=1)
        ):
            raise AlreadyExists("Workspace", workspace.name)


def _read_entities(reader: Reader, selection: _Selection) -> Iterator[Entity]:
    """Yield everything but workspaces and jobs; first the events, in order across all of them."""
    # events get their positions as they are added: in order over all workspaces, or not at all
    yield from iterate_in_transaction(
        reader, Query(Event, selection.events, order=("position",)), size=BLOCK
    )
    for kind, condition in _iter_conditions(selection):
        if kind is not Event:
            yield from iterate_in_transaction(reader, Query(kind, condition), size=BLOCK)


def _count_entities(reader: Reader, selection: _Selection) -> int:
    """Return how many `_read_entities` yields."""
    kinds = [each for each in _iter_conditions(selection) if each[0] is not Event]
    return sum(reader.count(Query(*each)) for each in [(Event, selection.events), *kinds])


def _iter_conditions(selection: _Selection) -> Iterator[tuple[type[Any], dict[str, Any]]]:
    """Yield every kind but workspaces and jobs with each place where there can be some."""
    yield from (
        (kind, {"workspace": workspace.id})
        for workspace in selection.workspaces
        for kind in OF_WORKSPACE
    )
    yield from ((kind, {"job": job.id}) for job in selection.jobs for kind in OF_JOB)


def _add_all(target: Store, selection: _Selection, entities: Iterable[Any]) -> OwnerCounts:
    """Store *entities* in transactions, and return how many there were of each kind and place."""
    copied, remaining = Counter[tuple[type[Entity], int]](), iter(entities)
    while batch := list(islice(remaining, BLOCK)):
        with target.write() as writer:
            _require_no_workspace(writer, selection)  # another copy may have been faster
            writer.add(*batch)
        copied.update(map(_get_owner, batch))
    return copied


def _get_owner(entity: Any) -> tuple[type[Entity], int]:
    kind: type[Entity] = entity.__class__
    if kind in OF_WORKSPACE:
        return kind, entity.workspace
    return kind, entity.job


def _publish(target: Store, selection: _Selection, copied: OwnerCounts) -> None:
    """Store the workspaces and jobs, if all else is there.

    Raises:
        StoreFailed: when it is not.
    """
    with target.write() as writer:
        for kind, condition in _iter_conditions(selection):
            if writer.count(Query(kind, condition)) != copied.get((kind, *condition.values()), 0):
                reason = f"what was copied of {kind.__name__} was changed at the same time"
                raise StoreFailed(
                    target.name, reason, "Let one program at a time copy a workspace."
                )
        # last and together: until now nobody could find any of it
        writer.add(*selection.jobs, *selection.workspaces)


def _require_consistent(target: Store, selection: _Selection) -> None:
    """Check that the copy has no inconsistency, else remove its workspaces and jobs again.

    Raises:
        InvalidData: when something does.
    """
    inconsistencies = (
        inconsistency
        for workspace in selection.workspaces
        for inconsistency in find_inconsistencies(target, workspace)
    )
    problems = [
        Problem(inconsistency.place, inconsistency.finding)
        for inconsistency in islice(inconsistencies, MAX_PROBLEMS)
    ]
    if problems:
        # counted on without being kept
        total = len(problems) + sum(1 for _ in inconsistencies)
        with target.write() as writer:
            for workspace in selection.workspaces:
                writer.remove(Query(Workspace, {"id": workspace.id}), 1)
            for job in selection.jobs:
                writer.remove(Query(Job, {"id": job.id}), 1)
        raise InvalidData("the copy, which is removed again", problems, total)


def _remove_partial(target: Store, selection: _Selection) -> None:
    """Remove what a copy has left of workspaces that are not there whole."""
    for workspace in selection.workspaces:
        condition = {"workspace": workspace.id}
        with target.read() as reader:
            if get_or_none(reader, Workspace, workspace.key):
                continue
            mentioned = [
                job
                for (job,) in reader.tally(Query(Event, condition), by=("job",))
                if isinstance(job, int)
            ]
            jobs = [job for job in mentioned if get_or_none(reader, Job, (job,)) is None]
        for job in jobs:
            for kind in OF_JOB:
                _remove_all(target, Query[Any](kind, {"job": job}))
        for kind in OF_WORKSPACE:
            _remove_all(target, Query[Any](kind, condition))


def _remove_all(target: Store, query: Query[Any]) -> None:
    removed = BLOCK
    # in small transactions: one for millions of rows would keep all other writers waiting
    while removed == BLOCK:
        with target.write() as writer:
            removed = writer.remove(query, BLOCK)
