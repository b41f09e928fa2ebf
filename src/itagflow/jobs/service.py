"""Jobs: ordered, published, paused, finished, archived, deleted; and who works on them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, TypedDict

import attrs
from typing_extensions import Unpack

from itagflow.access import Action
from itagflow.claiming.recalling import recall_all
from itagflow.core import lookup
from itagflow.core.change import Act, record
from itagflow.core.engine import Engine, find_or_create
from itagflow.core.lookup import (
    JobRef,
    MemberRef,
    TemplateRef,
    WorkspaceRef,
)
from itagflow.core.transaction import Transaction
from itagflow.errors import AlreadyExists, InvalidData, Problem, WrongState
from itagflow.jobs import rules
from itagflow.jobs.loading import (
    Data,
    OnError,
    Wrap,
    load,
)
from itagflow.lifecycle.tables import JOB
from itagflow.model.entity import Entity
from itagflow.model.event import Event
from itagflow.model.job import (
    FixedSize,
    Job,
    JobState,
    Label,
    Packaging,
    Route,
    Stage,
    StageWorkers,
    Workflow,
)
from itagflow.model.jobcounter import JobCounter
from itagflow.model.moment import in_utc
from itagflow.model.number import whole_number
from itagflow.model.package import Assignment, ClaimCounter, Package
from itagflow.model.task import Answer, Task
from itagflow.model.template import Template
from itagflow.model.text import several
from itagflow.model.workspace import Group, Member
from itagflow.reviewing.stages import finish_if_done
from itagflow.storage.port import Query
from itagflow.validation.answers import Validator

Workers = Iterable[MemberRef | Group]
"""Who works at a stage: members and groups."""
Names = tuple[Any, ...]
"""Members' keys, or names of groups."""
PARTS: tuple[type[Entity], ...] = (Assignment, Answer, ClaimCounter, Task, Package, Event)
"""What belongs to a job, in the order in which it is deleted.

Without its assignment, nobody can add an answer.
"""


class JobNotes(TypedDict, total=False):
    """What people note about a job: free fields that no rule looks at."""

    tags: Sequence[str]
    remark: str
    guideline: str
    due_at: datetime | None


class JobFields(JobNotes, total=False):
    """What `Ordering.update_job` can change."""

    name: str


@attrs.frozen(kw_only=True)
class JobOrder:
    """The arguments of `create` that are stored; None for what was not given."""

    name: str
    template: TemplateRef
    workflow: Workflow | None = None
    packaging: Packaging | None = None
    workforce: Mapping[Stage, Workers] | None = None
    row_key: str | None = None
    seed: int | None = None
    notes: JobNotes = attrs.field(factory=JobNotes)

    @property
    def given(self) -> tuple[str, ...]:
        """The names of the arguments that were given, beside name and template."""
        named = ("workflow", "packaging", "workforce", "row_key", "seed")
        return (*(name for name in named if getattr(self, name) is not None), *self.notes)


def create_job(
    engine: Engine,
    workspace: WorkspaceRef,
    order: JobOrder,
    *,
    data: Data | None = None,
    by: MemberRef,
    draft: bool = False,
    format: str = "itag",
    on_error: OnError = "raise",
    validator: Validator | None = None,
    progress: Wrap | None = None,
    exist_ok: bool = False,
) -> Job:
    """Create, load and publish a job, or return the one that exists already."""
    if exist_ok:
        job, is_new = find_or_create(lambda: _find_or_draft(engine, workspace, order, by))
    else:
        job, is_new = draft_job(engine, workspace, order, by), True
    if validator is not None:
        engine.validators[job.id] = validator
    if data is None or job.state is not JobState.DRAFT:
        return job
    try:
        load(
            engine,
            job,
            data,
            by=by,
            format=format,
            on_error=on_error,
            progress=progress,
            shared=exist_ok,
        )
        return find_job(engine, job) if draft else publish(engine, job, by=by)
    except Exception as error:
        if exist_ok and isinstance(error, WrongState):
            now = find_job(engine, job)
            if now.state not in (JobState.DRAFT, JobState.ARCHIVED):
                return now  # another process has created the same meanwhile, and has published it
        if is_new:
            delete(engine, job, by=by)
        raise


def draft_job(
    engine: Engine,
    workspace: WorkspaceRef,
    order: JobOrder,
    by: MemberRef,
    *,
    id: int | None = None,
) -> Job:
    """Store a new draft, with this id if it is free, and its template if that is new."""
    with engine.transaction() as transaction:
        act, job, new = _design(transaction, workspace, order, by, id)
        return _store_draft(transaction, act, job, new)


def _find_or_draft(
    engine: Engine, workspace: WorkspaceRef, order: JobOrder, by: MemberRef
) -> tuple[Job, bool]:
    """Return the job of this name if it agrees with *order*, or a new draft; and which it is.

    Raises:
        AlreadyExists: when it does not agree, or is being deleted.
    """
    with engine.transaction() as transaction:
        act, job, new = _design(transaction, workspace, order, by, None)
        query = Query(Job, {"workspace": job.workspace, "name": job.name}, limit=1)
        known = next(iter(lookup.find_by_name(transaction.store, query)), None)
        if known is None:
            return _store_draft(transaction, act, job, new), True
        asked = new[0] if new else transaction.store.get(Template, (job.template,))
        used = transaction.store.get(Template, (known.template,))
        differences = rules.differences(known, job, order.given, used, asked)
        if differences or known.deleting:
            raise AlreadyExists("Job", job.name, differences)
        return known, False


def _design(
    transaction: Transaction,
    workspace: WorkspaceRef,
    order: JobOrder,
    by: MemberRef,
    id: int | None,
) -> tuple[Act, Job, tuple[Template, ...]]:
    """Return the job that *order* describes, with its template if that is new; store nothing."""
    noted = _fitting(order.notes, JobNotes)
    home = lookup.workspace(transaction.store, workspace)
    act = transaction.allowed(home.id, by, Action.MANAGE_JOB)
    asked, new = _template(transaction, home.id, order.template)
    if id is None or transaction.is_taken(Job, id):
        id = transaction.new_id(Job)
    flow = _with_named_rework(transaction, home.id, order.workflow or Workflow())
    job = Job(
        id=id,
        workspace=home.id,
        name=order.name,
        template=asked.id,
        workflow=flow,
        packaging=order.packaging or FixedSize(50),
        workforce=_crews(transaction, home.id, flow, order.workforce or {}),
        created_by=act.member,
        created_at=act.at,
        seed=id if order.seed is None else whole_number("job", "seed", order.seed),
        row_key=order.row_key,
        **noted,
    )
    return act, job, new


def _store_draft(transaction: Transaction, act: Act, job: Job, new: tuple[Template, ...]) -> Job:
    add: tuple[Entity, ...] = (*new, job, JobCounter(job=job.id))
    transaction.do(record(act, "create_job", about=job, add=add, data={"name": job.name}))
    return job


def publish(engine: Engine, job: JobRef, *, by: MemberRef) -> Job:
    """Give out a draft's work from now on.  Publishing again what runs changes nothing."""
    with engine.transaction() as transaction:
        # first, for the job may finish at once
        counter = transaction.lock_job_counter(transaction.job(job).id)
        old = transaction.lock_job(job)
        act = transaction.allowed(old.workspace, by, Action.MANAGE_JOB, old)
        if JOB.has_led("publish", old.state):
            return old
        people = list(
            transaction.store.find(Query(Member, {"workspace": old.workspace, "active": True}))
        )
        hindrance = rules.hindrance(old, people, engine.policy)
        new = rules.stepped(old, "publish", tasks=counter.tasks, hindrance=hindrance)
        transaction.do(
            record(act, "publish", about=new, save=((old, new),), data={"name": old.name})
        )
        finish_if_done(transaction, new, act)  # pre-labels that count may have left nothing to do
        return transaction.store.get(Job, new.key)


def pause(engine: Engine, job: JobRef, *, by: MemberRef) -> Job:
    """Give out no more work for now; held assignments and their leases go on."""
    return _step(engine, job, "pause", by)


def resume(engine: Engine, job: JobRef, *, by: MemberRef) -> Job:
    """Give out work again.  Resuming what runs changes nothing."""
    return _step(engine, job, "resume", by)


def archive(engine: Engine, job: JobRef, *, by: MemberRef) -> Job:
    """Close a job permanently, and recall all open assignments."""
    with engine.transaction() as transaction:
        old = transaction.lock_job(job)
        act = transaction.allowed(old.workspace, by, Action.MANAGE_JOB, old)
        new = old
        if not JOB.has_led("archive", old.state):
            new = rules.stepped(old, "archive")
            transaction.do(
                record(act, "archive", about=new, save=((old, new),), data={"name": old.name})
            )
            new = transaction.as_stored(new)
    live = Query(Assignment, {"job": old.id, "live": True})
    recall_all(engine, live, act.member, "the job was archived", free=False)
    return new


def delete(engine: Engine, job: JobRef, *, by: MemberRef) -> None:
    """Delete a draft or an archived job with all that belongs to it; its last event stays."""
    gone = find_job(engine, job)
    if gone.state is JobState.DRAFT:
        gone = archive(engine, gone, by=by)  # nobody can load into it any more
    with engine.transaction() as transaction:
        transaction.allowed(gone.workspace, by, Action.MANAGE_JOB, gone)
        rules.must_be_archived(gone, "delete it")
        old = transaction.lock_job(gone)
        transaction.replace(old, attrs.evolve(old, deleting=True))
    for kind in PARTS:
        while _remove(engine, kind, gone):
            continue
    with engine.transaction() as transaction:
        act = transaction.allowed(gone.workspace, by, Action.MANAGE_JOB, gone)
        transaction.remove(Query(JobCounter, {"job": gone.id}), 1)
        transaction.remove(Query(Job, {"id": gone.id}), 1)
        if lookup.has_own_template(transaction.store, gone):
            transaction.remove(Query(Template, {"id": gone.template}), 1)
        transaction.do(record(act, "delete", about=gone, data={"name": gone.name}))
    engine.validators.pop(gone.id, None)


def update_job(engine: Engine, job: JobRef, *, by: MemberRef, **fields: Unpack[JobFields]) -> Job:
    """Change name, tags, remark, guideline or due time; what is not given stays."""
    return _changed(engine, job, "update_job", by, **_fitting(fields, JobFields))


def set_workforce(
    engine: Engine, job: JobRef, workforce: Mapping[Stage, Workers], *, by: MemberRef
) -> Job:
    """Name who works at these stages; other stages stay as they are, and so do assignments."""
    with engine.transaction() as transaction:
        old = transaction.lock_job(job)
        crews = _crews(transaction, old.workspace, old.workflow, workforce)
        return _save(transaction, old, "set_workforce", by, workforce={**old.workforce, **crews})


def add_workers(
    engine: Engine, job: JobRef, stage: Stage, workers: Workers, *, by: MemberRef
) -> Job:
    """Name more members or groups for a stage; errors are those of `set_workforce`."""
    return _recrew(engine, job, stage, workers, by, _joined)


def remove_workers(
    engine: Engine, job: JobRef, stage: Stage, workers: Workers, *, by: MemberRef
) -> Job:
    """Name fewer members or groups for a stage; errors are those of `set_workforce`."""
    return _recrew(engine, job, stage, workers, by, _without)


def set_validator(engine: Engine, job: JobRef, validator: Validator | None) -> None:
    """Check every answer of a job before it is saved, in this Flow; None ends that."""
    id = find_job(engine, job).id
    if validator is None:
        engine.validators.pop(id, None)
    else:
        engine.validators[id] = validator


def _recrew(
    engine: Engine,
    job: JobRef,
    stage: Stage,
    workers: Workers,
    by: MemberRef,
    put: Callable[[Names, Names], Names],
) -> Job:
    with engine.transaction() as transaction:
        old = transaction.lock_job(job)
        named = _crews(transaction, old.workspace, old.workflow, {stage: workers})[stage]
        had = old.crew(stage)
        crew = StageWorkers(put(had.members, named.members), put(had.groups, named.groups))
        return _save(
            transaction, old, "set_workforce", by, workforce={**old.workforce, stage: crew}
        )


def find_job(engine: Engine, ref: JobRef) -> Job:
    """Return the job as it is now."""
    with engine.store.read() as reader:
        return lookup.job(reader, ref)


def _step(engine: Engine, job: JobRef, verb: str, by: MemberRef) -> Job:
    with engine.transaction() as transaction:
        old = transaction.lock_job(job)
        act = transaction.allowed(old.workspace, by, Action.MANAGE_JOB, old)
        if JOB.has_led(verb, old.state):
            return old
        new = rules.stepped(old, verb)
        transaction.do(record(act, verb, about=new, save=((old, new),), data={"name": old.name}))
        return transaction.as_stored(new)


def _changed(engine: Engine, job: JobRef, verb: str, by: MemberRef, **fields: Any) -> Job:
    with engine.transaction() as transaction:
        return _save(transaction, transaction.lock_job(job), verb, by, **fields)


def _remove(engine: Engine, kind: type[Entity], job: Job) -> int:
    with engine.transaction() as transaction:
        return transaction.remove(Query(kind, {"job": job.id}), 5_000)


def _save(transaction: Transaction, old: Job, verb: str, by: MemberRef, **fields: Any) -> Job:
    """Store a job that is held with these fields changed."""
    act = transaction.allowed(old.workspace, by, Action.MANAGE_JOB, old)
    rules.must_not_be_archived(old, "change it")
    new = attrs.evolve(old, **fields)
    transaction.do(record(act, verb, about=new, save=((old, new),), data={"name": old.name}))
    return transaction.as_stored(new)


def _fitting(fields: JobNotes | JobFields, known: type[JobNotes | JobFields]) -> dict[str, Any]:
    """Return fields as a job keeps them.

    Raises:
        InvalidData: when one is not *known*, or is a time without its zone.
    """
    names = known.__annotations__
    if strange := [
        Problem(name, f"cannot be set; there are {', '.join(names)}")
        for name in fields
        if name not in names
    ]:
        raise InvalidData("job", strange)
    due = fields.get("due_at")
    at = {} if due is None else {"due_at": in_utc("job", "due_at", due)}
    tags = {"tags": several("job", "tags", fields["tags"])} if "tags" in fields else {}
    return {**fields, **tags, **at}


def _template(
    transaction: Transaction, workspace: int, ref: TemplateRef
) -> tuple[Template, tuple[Template, ...]]:
    """Return the template, and once more if it has still to be stored."""
    if isinstance(ref, Template) and not ref.id:
        new = attrs.evolve(ref, id=transaction.new_id(Template), workspace=workspace, name="")
        return new, (new,)
    return lookup.template(transaction.store, workspace, ref), ()


def _with_named_rework(transaction: Transaction, workspace: int, workflow: Workflow) -> Workflow:
    """Return *workflow* with the member to whom rework goes, if one is named, as a key."""
    to = workflow.label.rework
    if isinstance(to, Route):
        return workflow
    label: Label = attrs.evolve(workflow.label, rework=transaction.member(workspace, to).id)
    return Workflow(
        *(rule for rule in (label, workflow.inspect, workflow.accept) if rule is not None)
    )


def _crews(
    transaction: Transaction, workspace: int, flow: Workflow, named: Mapping[Stage, Workers]
) -> dict[Stage, StageWorkers]:
    crews = dict[Stage, StageWorkers]()
    for stage, workers in named.items():
        flow.rule(stage)
        everyone = [workers] if isinstance(workers, str) else list(workers)
        people = tuple(
            transaction.member(workspace, who).id for who in everyone if not isinstance(who, Group)
        )
        crews[stage] = StageWorkers(
            _joined(people, ()), tuple(who.name for who in everyone if isinstance(who, Group))
        )
    return crews


def _joined(had: Names, more: Names) -> Names:
    return tuple(dict.fromkeys([*had, *more]))


def _without(had: Names, less: Names) -> Names:
    return tuple(one for one in had if one not in less)
