"""A workspace, or everything, into another store: whole, or not at all."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

import attrs

from itagflow.core import lookup
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
from itagflow.jobs.loading import KEPT, Wrap
from itagflow.maintenance.verification import differences
from itagflow.model.entity import Entity
from itagflow.model.event import Event
from itagflow.model.job import Job
from itagflow.model.jobcounter import JobCounter
from itagflow.model.package import Assignment, ClaimCounter, Package
from itagflow.model.task import Answer, Task
from itagflow.model.template import Template
from itagflow.model.text import nfc
from itagflow.model.workspace import Member, Workspace
from itagflow.storage.port import Query, Reader, Store

BLOCK = 2_000
"""How many entities are copied, or removed, in one transaction."""

Shares = Mapping[tuple[type[Entity], int], int]
"""How many entities there are, by kind and by the workspace or job that has them."""

OF_WORKSPACE: tuple[type[Entity], ...] = (Member, Template, Event)
"""What belongs to a workspace except jobs; events go last, since they name the jobs."""
OF_JOB: tuple[type[Entity], ...] = (JobCounter, Package, Task, Assignment, Answer, ClaimCounter)
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
    _must_copy(engine, workspace, by)
    target = to
    with engine.store.read(snapshot=True) as reader:
        cargo = _cargo(reader, workspace)
        _must_be_new(target, cargo)
        _clear(target, cargo)
        try:
            entities = _entities(reader, cargo)
            copied = _add_all(target, cargo, progress(entities) if progress else entities)
            _reveal(target, cargo, copied)
            if verify:
                _must_be_sound(target, cargo)
        except BaseException:
            _clear(target, cargo)
            raise
    return len(cargo.homes) + len(cargo.jobs) + sum(copied.values())


def _must_copy(engine: Engine, workspace: WorkspaceRef | None, by: MemberRef | None) -> None:
    if workspace is None:
        must_name_workspace("the copy", by)
        return
    with engine.store.read() as reader:
        home = lookup.workspace(reader, workspace)
        access_of(reader, engine.policy, home.id, by).must("maintenance.copy", None)


@attrs.frozen
class _Cargo:
    """What is copied: some workspaces with all their jobs, or everything."""

    homes: Sequence[Workspace]
    jobs: Sequence[Job]
    events: Mapping[str, Any]
    """What all events of it have."""


def _cargo(reader: Reader, ref: WorkspaceRef | None) -> _Cargo:
    if ref is None:
        return _Cargo(
            list(reader.find(Query(Workspace, order=("id",)))), list(reader.find(Query(Job))), {}
        )
    home = lookup.workspace(reader, ref)
    own = {"workspace": home.id}
    return _Cargo([home], list(reader.find(Query(Job, own))), own)


def _must_be_new(target: Store, cargo: _Cargo) -> None:
    """Check that *target* has none of the workspaces and jobs.

    Raises:
        AlreadyExists: when it has one, or another workspace of the name.
    """
    with target.read() as reader:
        _must_have_no_workspace(reader, cargo)
        for job in cargo.jobs:
            told = {
                home for (home,) in reader.tally(Query(Event, {"job": job.id}), by=("workspace",))
            }
            if get_or_none(reader, Job, job.key) or told - {job.workspace}:
                # or its history there is that of another workspace
                raise AlreadyExists("Job", job.id)


def _must_have_no_workspace(reader: Reader, cargo: _Cargo) -> None:
    for home in cargo.homes:
        if get_or_none(reader, Workspace, home.key) or first(
            reader, Query(Workspace, {"name": nfc(home.name)}, limit=1)
        ):
            raise AlreadyExists("Workspace", home.name)


def _entities(reader: Reader, cargo: _Cargo) -> Iterator[Entity]:
    """Yield everything but workspaces and jobs; first the events, in order across all of them."""
    yield from iterate_in_transaction(
        reader, Query(Event, cargo.events, order=("position",)), size=BLOCK
    )
    for kind, place in _places(cargo):
        if kind is not Event:
            yield from iterate_in_transaction(reader, Query(kind, place), size=BLOCK)


def _places(cargo: _Cargo) -> Iterator[tuple[type[Any], dict[str, Any]]]:
    """Yield every kind but workspaces and jobs with each place where there can be some."""
    yield from ((kind, {"workspace": home.id}) for home in cargo.homes for kind in OF_WORKSPACE)
    yield from ((kind, {"job": job.id}) for job in cargo.jobs for kind in OF_JOB)


def _add_all(target: Store, cargo: _Cargo, entities: Iterable[Any]) -> Shares:
    """Store *entities* in transactions, and return how many there were of each kind and place."""
    copied, rest = Counter[tuple[type[Entity], int]](), iter(entities)
    while batch := list(islice(rest, BLOCK)):
        with target.write() as writer:
            _must_have_no_workspace(writer, cargo)  # another copy may have been faster
            writer.add(*batch)
        copied.update(map(_share, batch))
    return copied


def _share(entity: Any) -> tuple[type[Entity], int]:
    kind: type[Entity] = entity.__class__
    return kind, entity.workspace if kind in OF_WORKSPACE else entity.job


def _reveal(target: Store, cargo: _Cargo, copied: Shares) -> None:
    """Store the workspaces and jobs, if all else is there.

    Raises:
        StoreFailed: when it is not.
    """
    with target.write() as writer:
        for kind, place in _places(cargo):
            if writer.count(Query(kind, place)) != copied.get((kind, *place.values()), 0):
                reason = f"what was copied of {kind.__name__} was changed at the same time"
                raise StoreFailed(
                    target.name, reason, "Let one program at a time copy a workspace."
                )
        writer.add(*cargo.jobs, *cargo.homes)


def _must_be_sound(target: Store, cargo: _Cargo) -> None:
    """Check that the copy has no inconsistency, else remove its workspaces and jobs again.

    Raises:
        InvalidData: when something does.
    """
    found = (difference for home in cargo.homes for difference in differences(target, home))
    problems = [Problem(difference.place, difference.finding) for difference in islice(found, KEPT)]
    if problems:
        total = len(problems) + sum(1 for _ in found)
        with target.write() as writer:
            for home in cargo.homes:
                writer.remove(Query(Workspace, {"id": home.id}), 1)
            for job in cargo.jobs:
                writer.remove(Query(Job, {"id": job.id}), 1)
        raise InvalidData("the copy, which is removed again", problems, total)


def _clear(target: Store, cargo: _Cargo) -> None:
    """Remove what a copy has left of workspaces that are not there whole."""
    for home in cargo.homes:
        own = {"workspace": home.id}
        with target.read() as reader:
            if get_or_none(reader, Workspace, home.key):
                continue
            told = [
                job
                for (job,) in reader.tally(Query(Event, own), by=("job",))
                if isinstance(job, int)
            ]
            jobs = [job for job in told if get_or_none(reader, Job, (job,)) is None]
        for job in jobs:
            for kind in OF_JOB:
                _remove(target, Query[Any](kind, {"job": job}))
        for kind in OF_WORKSPACE:
            _remove(target, Query[Any](kind, own))


def _remove(target: Store, query: Query[Any]) -> None:
    removed = BLOCK
    while removed == BLOCK:
        with target.write() as writer:
            removed = writer.remove(query, BLOCK)
