"""Named snapshots: made, listed and dropped."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, cast

from itagflow.access import Action
from itagflow.core import lookup
from itagflow.core.counted import Wrap
from itagflow.core.engine import Engine
from itagflow.core.lookup import EVERYTHING, JobRef, MemberRef, Page
from itagflow.core.transaction import Transaction
from itagflow.core.visibility import require_readable
from itagflow.errors import AlreadyExists, NotFound
from itagflow.model.arguments import make_error
from itagflow.model.change import record
from itagflow.model.event import Event
from itagflow.model.job import Job
from itagflow.model.selection import Selection
from itagflow.model.snapshot import Snapshot
from itagflow.results.datasets import DatasetRef
from itagflow.results.exporting import SnapshotRequest, export_snapshot
from itagflow.results.snapshot_reading import read_kept_events
from itagflow.results.snapshot_rules import DROPPED, MADE, build_snapshot, build_snapshot_data

READER = "results.snapshots"


def make_snapshot(
    engine: Engine,
    jobs: DatasetRef,
    name: str,
    target: str | os.PathLike[str],
    *,
    where: Selection,
    by: MemberRef | None = None,
    progress: Wrap | None = None,
) -> Snapshot:
    """Write what the results of jobs are now to a file, and keep its name."""

    def require_free(found: Sequence[Job]) -> None:
        # before much is written, and again when it is stored
        with engine.store.read() as reader:
            for job in found:
                if name in read_kept_events(reader, job.id):
                    raise AlreadyExists("Snapshot", name)

    path = os.path.abspath(os.fsdecode(_require_path(target)))
    request = SnapshotRequest(jobs, path, where, by, progress)
    file = export_snapshot(engine, request, require_free)
    data = build_snapshot_data(name, file)
    with engine.transaction() as transaction:
        locked = [transaction.lock_job(job) for job in sorted(file.jobs)]
        for job in locked:
            if name in read_kept_events(transaction.store, job.id):
                raise AlreadyExists("Snapshot", name)
        for job in locked:
            _record(transaction, MADE, job, by, data)
    return _find(engine, file.jobs[0], name)


def _require_path(target: object) -> str | os.PathLike[str]:
    """Return the path of a file that is read again by its path: an open file cannot be.

    Raises:
        InvalidData: when it is no path.
    """
    if isinstance(target, str | os.PathLike):
        return cast("str | os.PathLike[str]", target)
    raise make_error("results.snapshot", "target", "must be the path of a file", target)


def _find(engine: Engine, job: int, name: str) -> Snapshot:
    with engine.store.read() as reader:
        event = read_kept_events(reader, job)[name]
        (told,) = lookup.with_accounts(reader, [event], {})
    return build_snapshot(told)


def _record(
    transaction: Transaction, type: str, job: Job, by: MemberRef | None, data: dict[str, Any]
) -> None:
    ctx = transaction.make_context(job.workspace)
    if by is not None:
        ctx = transaction.authorize(job.workspace, by, Action.EXPORT, job)
    transaction.apply(record(ctx, type, about=job, data={"name": job.name, **data}))


def list_snapshots(
    engine: Engine, job: JobRef, *, by: MemberRef | None = None, page: Page = EVERYTHING
) -> Iterator[Snapshot]:
    """Yield the snapshots of a job that were not dropped, oldest first."""
    with engine.store.read() as reader:
        stored_job, _ = require_readable(engine, reader, READER, job, by)
        kept = read_kept_events(reader, stored_job.id)
        behind = 0
        if page.after is not None:
            behind = _find_position(page.after, stored_job, kept)
        events = [event for event in kept.values() if event.position > behind]
        told = lookup.with_accounts(reader, events, {})
    return page.cut(map(build_snapshot, told))


def _find_position(after: Any, job: Job, kept: Mapping[str, Event]) -> int:
    """Return the position that a page begins behind.

    Raises:
        NotFound: when it is no snapshot of the job.
    """
    if isinstance(after, Snapshot):
        # it may have been dropped since
        if job.id not in after.jobs:
            raise NotFound("Snapshot", after.name)
        return after.position
    if not isinstance(after, str) or after not in kept:
        raise NotFound("Snapshot", after)
    return kept[after].position


def drop_snapshot(
    engine: Engine, job: JobRef, name: str, *, by: MemberRef | None = None
) -> Snapshot:
    """Forget a snapshot of a job, and of the others that it is of; its file stays."""
    with engine.store.read() as reader:
        stored_job, _ = require_readable(engine, reader, READER, job, by)
        event = read_kept_events(reader, stored_job.id).get(name)
        if event is None:
            raise NotFound("Snapshot", name)
        (told,) = lookup.with_accounts(reader, [event], {})
    snapshot = build_snapshot(told)
    with engine.transaction() as transaction:
        for id in sorted(snapshot.jobs):
            # others may have been deleted, or have dropped it already
            if lookup.get_or_none(transaction.store, Job, (id,)) is None:
                continue
            locked = transaction.lock_job(id)
            kept = read_kept_events(transaction.store, id).get(name)
            if kept is not None and kept.data["sha256"] == snapshot.sha256:
                _record(transaction, DROPPED, locked, by, {"snapshot": name})
    return snapshot
