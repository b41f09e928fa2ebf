"""Maintenance: functions over a Flow that check, copy and erase."""

from __future__ import annotations

from collections.abc import Iterator

from itagflow.core.settings import require_store
from itagflow.engines import engine_of
from itagflow.flow import Flow
from itagflow.maintenance import copying, erasure, field_erasure, verification
from itagflow.maintenance.field_erasure import FieldOrder
from itagflow.model.arguments import require_flag, require_wrapper
from itagflow.model.erasing import EraseReport
from itagflow.model.inconsistency import Inconsistency
from itagflow.model.task import Task, WorkItem
from itagflow.model.text import require_text
from itagflow.model.workspace import Member
from itagflow.storage.port import Store
from itagflow.typing import JobRef, MemberRef, PartitionRef, ProgressWrapper, WorkspaceRef

__all__ = [
    "Inconsistency",
    "copy",
    "erase_member",
    "erase_task",
    "erase_where",
    "verify",
]


def verify(
    flow: Flow,
    place: WorkspaceRef | PartitionRef | None = None,
    *,
    snapshot: bool = False,
    progress: ProgressWrapper | None = None,
    by: MemberRef | None = None,
) -> Iterator[Inconsistency]:
    """Recompute counts, states and rules from tasks and history, and yield each inconsistency.

    Nothing is yielded for a consistent store.  Packages are checked one by one, each with its
    tasks, assignments, answers and events in one short transaction; so people may go on working,
    and memory does not grow with the job.

    Args:
        flow: The flow whose store is checked.
        place: A workspace or job, its key or name (a workspace of that name comes first); or a part
            that was cut from a job, and all its parts together are the same as the job;
            everything, and what belongs to nothing, when not given.
        snapshot: Whether all of it shows one moment.
        progress: Wraps the iterable of packages, such as ``tqdm``.
        by: Who asks, when the policy is to be asked: again for each inconsistency.

    Raises:
        NotFound: when there is no such workspace or job.
        NotAllowed: when *by* may not see how good the work is.
        InvalidData: when a part was not cut from a job, and does not say which packages are
            checked with it.

    >>> import itagflow
    >>> flow = itagflow.open("memory:")
    >>> street = flow.workspaces.create("street", admin="ada")
    >>> list(itagflow.maintenance.verify(flow, street))
    []
    """
    engine = engine_of("maintenance.verify", flow)
    snapshot = require_flag("maintenance.verify", "snapshot", snapshot)
    wrap = require_wrapper("maintenance.verify", "progress", progress)
    return verification.verify(engine, place, snapshot=snapshot, progress=wrap, by=by)


def copy(
    flow: Flow,
    *,
    to: Flow | Store,
    workspace: WorkspaceRef | None = None,
    verify: bool = True,
    progress: ProgressWrapper | None = None,
    by: MemberRef | None = None,
) -> int:
    """Copy a workspace, or everything, as it is now, and return the number of entities.

    Events keep their order and get positions of the other store.  Workspaces and jobs are written
    last, in one transaction, after counting the rest: a copy is there whole or not at all.  When it
    fails, what was copied is removed; when the process ends in the middle, call it again, and it
    starts again.

    Args:
        flow: The flow whose store is copied.
        to: A Flow over the other store, or that store.
        workspace: Only this workspace, with its members, templates and jobs.
        verify: Check whether the copy is consistent; see `verify`.  One that is not is removed
            again, also if it is like the original.
        progress: Wraps the iterable of entities, such as ``tqdm``.
        by: Who copies, when the policy is to be asked: a member of the workspace, who may export
            all of it.

    Raises:
        AlreadyExists: when the other store has something of it already; nothing is changed then.
        NotAllowed: when *by* may not export.
        InvalidData: when the copy is not consistent; it lists the first 1,000 differences.
        StoreFailed: when another copy of the same ran at the same time.
    """
    verb = "maintenance.copy"
    if isinstance(to, Flow):
        to = to.store
    return copying.copy(
        engine_of(verb, flow),
        to=require_store(verb, "to", to),
        workspace=workspace,
        verify=require_flag(verb, "verify", verify),
        progress=require_wrapper(verb, "progress", progress),
        by=by,
    )


def erase_member(
    flow: Flow,
    workspace: WorkspaceRef,
    member: MemberRef,
    *,
    by: MemberRef,
    progress: ProgressWrapper | None = None,
) -> Member:
    """Erase the name of a removed member: the account becomes ``erased-<key>``, groups go.

    No account can be of that form; where one was taken before that was refused, a number follows.

    Their key stays, and with it what they did.  The account is taken out of the history too, and
    out of the comments and reasons that people wrote, where it stands as a word of its own; in
    transactions, the member last. When the process ends in between, call it again.  Erasing once
    more changes nothing.  *progress* wraps the iterable of jobs.

    Raises:
        NotAllowed: when the member was not removed, or *by* may not erase.
    """
    engine = engine_of("maintenance.erase_member", flow)
    wrap = require_wrapper("maintenance.erase_member", "progress", progress)
    return erasure.erase_member(engine, workspace, member, by=by, progress=wrap)


def erase_task(
    flow: Flow, task: Task | WorkItem | tuple[JobRef, int], *, by: MemberRef, comment: str = ""
) -> Task:
    """Erase the data of a task, and its answers: replies, comments and reasons.

    Its row keeps the fields that are shown, empty, and loses its row key and what else came with
    it.  State, counts, assignments and events stay, without their content.  Nobody works on it any
    more: it leaves the scope of every assignment that is offered or held, and of all that come, so
    that its package goes on without it.  Exports leave it out.  Erasing once more changes nothing.

    Args:
        flow: The flow over the store.
        task: The task, or its job and number.
        by: The member who decides.
        comment: Why; it stays in the history.

    Raises:
        NotFound: when there is no such task.
        NotAllowed: when the job is a draft, or *by* may not erase.
    """
    engine = engine_of("maintenance.erase_task", flow)
    comment = require_text("maintenance.erase_task", "comment", comment)
    return erasure.erase_task(engine, task, by=by, comment=comment)


def erase_where(
    flow: Flow,
    workspace: WorkspaceRef,
    *,
    field: str,
    equals: str,
    by: MemberRef,
    comment: str = "",
    dry_run: bool = False,
    progress: ProgressWrapper | None = None,
) -> EraseReport:
    """Erase all tasks of a workspace with a value in a field of their data, as `erase_task` does.

    All jobs are gone through, also those that are finished or archived; of a draft no task can be
    erased, and the report names those that are found.  Each task is erased in a transaction of its
    own.  When the process ends in between, call it again: it goes on, and its report has also what
    was erased before.  The history keeps a hash of field and value, by which the tasks are found
    again, and neither of the two.

    Args:
        flow: The flow over the store.
        workspace: The workspace.
        field: The field of the data.
        equals: The text in it, or the JSON of a value that is none, such as ``"17"``.
        by: The member who decides.
        comment: Why; it stays in the history of each task.
        dry_run: Whether nothing is erased, and the report says what would be.
        progress: Wraps the iterable of tasks, such as ``tqdm``.

    Raises:
        NotFound: when there is no such workspace, or *by* is nobody in it.
        NotAllowed: when *by* may not erase.

    >>> import itagflow
    >>> flow = itagflow.open("memory:")
    >>> street = flow.workspaces.create("street", admin="ada")
    >>> cats = itagflow.templates.image_classification(["cat", "dog"])
    >>> data = [{"data": {"source": f"{n}.jpg", "owner": f"o{n % 2}"}} for n in range(4)]
    >>> job = flow.jobs.create(street, "cats", template=cats, data=data, by="ada")
    >>> _ = flow.results.export(job, "csv", "cats.csv")
    >>> report = itagflow.maintenance.erase_where(
    ...     flow, street, field="owner", equals="o1", by="ada"
    ... )
    >>> print(report)
    erased 2 tasks of 1 job; 1 export holds them
    >>> [(export.target, tasks.numbers) for export, tasks in zip(report.exports, report.jobs)]
    [('cats.csv', (2, 4))]
    """
    verb = "maintenance.erase_where"
    order = FieldOrder(
        field=require_text(verb, "field", field),
        equals=require_text(verb, "equals", equals),
        by=by,
        comment=require_text(verb, "comment", comment),
        dry_run=require_flag(verb, "dry_run", dry_run),
    )
    progress = require_wrapper(verb, "progress", progress)
    return field_erasure.erase_where(engine_of(verb, flow), workspace, order, progress=progress)
