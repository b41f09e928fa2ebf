"""Jobs: created, published, paused, archived, deleted; and who works on them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs

from itagflow.access import Action
from itagflow.claiming.recalling import recall_all
from itagflow.core import lookup
from itagflow.core.counted import Steps, Wrap
from itagflow.core.engine import Engine, find_or_create
from itagflow.core.lookup import (
    JobRef,
    MemberRef,
    TemplateRef,
    WorkspaceRef,
)
from itagflow.core.registry import Registry
from itagflow.core.transaction import Transaction
from itagflow.errors import AlreadyExists, InvalidData, Problem, WrongState
from itagflow.jobs import loading_rules, rules
from itagflow.jobs.arguments import JobFields, JobNotes, Workers
from itagflow.jobs.finishing_rules import find_hindrance
from itagflow.jobs.guideline_rules import change_fields, describe_guideline
from itagflow.jobs.loading import LoadSpec, load, must_be_valid, read_source
from itagflow.jobs.previewing import RowPreview, look_ahead
from itagflow.jobs.skill_rules import require_whole_values
from itagflow.jobs.staffing import read_staffing, require_publishable
from itagflow.jobs.workflow_changes import add_slots, require_possible_change, require_workable
from itagflow.labeling.default_rules import explain_default_replies, with_default_replies
from itagflow.labeling.merge_rules import with_merge_rules
from itagflow.lifecycle.tables import JOB
from itagflow.model.arguments import require_wrapper
from itagflow.model.change import Context, record
from itagflow.model.comment import Comment
from itagflow.model.entity import Entity
from itagflow.model.event import Event
from itagflow.model.job import (
    CrewKey,
    Job,
    JobState,
    Label,
    Route,
    Stage,
    StageWorkers,
    Workflow,
    check_workflow,
    find_registered_names,
)
from itagflow.model.jobcounter import JobCounter
from itagflow.model.lot import AcceptanceLot
from itagflow.model.number import require_whole_number
from itagflow.model.package import Assignment, ClaimCounter, Package
from itagflow.model.packaging import (
    FixedSize,
    Packaging,
    check_packaging,
)
from itagflow.model.task import Answer, Draft, Task
from itagflow.model.template import Template
from itagflow.model.text import to_optional_text, validate_text
from itagflow.model.workspace import Group
from itagflow.printing import format_repr
from itagflow.reviewing.service import finish_idle, finish_if_done
from itagflow.storage import codec
from itagflow.storage.port import Query

Named = tuple[Any, ...]
"""Members' keys, or names of groups."""
OWNED_KINDS: tuple[type[Entity], ...] = (
    *(Assignment, Answer, Draft),
    *(ClaimCounter, Task, Package, AcceptanceLot, Comment, Event),
)
"""What belongs to a job, in the order in which it is deleted.

Without its assignment, nobody can add an answer, and without its package no comment.
"""
ROWS_PER_DELETION = 5_000
"""How many entities are deleted in one transaction, while other writers wait."""


def _check_seed(_: object, __: attrs.Attribute[Any], seed: object) -> None:
    if seed is not None:
        require_whole_number("job", "seed", seed)


@attrs.frozen(kw_only=True)
class JobSpec:
    """The arguments of `create` that are stored, and who creates; None for what was not given."""

    name: str
    template: TemplateRef
    by: MemberRef
    workflow: Workflow | None = attrs.field(
        default=None, validator=attrs.validators.optional(check_workflow)
    )
    packaging: Packaging | None = attrs.field(
        default=None, validator=attrs.validators.optional(check_packaging)
    )
    workforce: Mapping[CrewKey, Workers] | None = None
    row_key: str | None = None
    row_key_type: str | None = attrs.field(
        default=None,
        converter=to_optional_text,
        validator=attrs.validators.optional(validate_text),
    )
    seed: int | None = attrs.field(default=None, validator=_check_seed)
    validator: str | None = None
    is_endless: bool = False
    """Whether it never ends by itself, unless the notes say so or otherwise."""
    notes: JobNotes = attrs.field(factory=JobNotes)

    @property
    def arguments(self) -> tuple[str, ...]:
        """The names of the arguments that were given, beside name and template."""
        optional = (
            *("workflow", "packaging", "workforce"),
            *("row_key", "row_key_type", "seed", "validator"),
        )
        return (*(name for name in optional if getattr(self, name) is not None), *self.notes)


@attrs.frozen
class DraftIds:
    """The ids that a new draft is to get, where they are known and still free."""

    job: int | None = None
    template: int | None = None
    """That of a template that is stored with it."""


@attrs.frozen
class Design:
    """A job that is described, but not stored."""

    ctx: Context
    """Who creates it, when and where."""
    job: Job
    template: Template
    has_new_template: bool
    """Whether the template has still to be stored, with the job."""

    @property
    def ids(self) -> DraftIds:
        """The ids that were drawn for it."""
        return DraftIds(self.job.id, self.template.id if self.has_new_template else None)


def create_job(
    engine: Engine,
    workspace: WorkspaceRef,
    spec: JobSpec,
    *,
    data: LoadSpec | None = None,
    draft: bool = False,
    exist_ok: bool = False,
) -> Job:
    """Create, load and publish a job, or return the one that exists already."""
    # what is neither given data nor left for them is a queue that is filled while it runs
    spec = attrs.evolve(spec, is_endless=data is None and not draft)
    ids = DraftIds()
    if data is not None:
        must_be_valid(data)  # before anything is stored for it
        # others may create and load the same job at the same time
        data = attrs.evolve(data, shared=exist_ok)
        data, ids = _preview(engine, workspace, spec, data, draft=draft, exist_ok=exist_ok)
    if exist_ok:
        is_published = data is not None and not draft
        job, is_new = find_or_create(
            lambda: _find_or_draft(engine, workspace, spec, ids, is_published=is_published)
        )
    else:
        job, is_new = draft_job(engine, workspace, spec, ids), True
    waits_for_data = data is None and (draft or job.auto_finish)
    if waits_for_data or job.state is not JobState.DRAFT:
        return job
    try:
        if data is not None:
            load(engine, job, data)
        if draft:
            return find_job(engine, job)
        return publish(engine, job, by=spec.by)
    except Exception as error:
        if exist_ok and isinstance(error, WrongState):
            current = find_job(engine, job)
            if current.state not in (JobState.DRAFT, JobState.ARCHIVED):
                # another process has created the same meanwhile, and has published it
                return current
        if is_new:
            # Nothing is left behind by who cannot finish what they began.  A draft that was there
            # before is somebody's: it stays.
            delete(engine, job, by=spec.by)
        raise


def draft_job(engine: Engine, workspace: WorkspaceRef, spec: JobSpec, ids: DraftIds) -> Job:
    """Store a new draft, with these ids if they are free, and its template if that is new."""
    with engine.transaction() as transaction:
        design = design_job(transaction, workspace, spec, ids)
        _require_publishable_empty(transaction, spec, design)
        return store_draft(transaction, design)


def _require_publishable_empty(transaction: Transaction, spec: JobSpec, design: Design) -> None:
    """Check that a new job can be published, if that is done at once and without data.

    Raises:
        Incomplete: when it could never finish; nothing is stored yet.
    """
    job = design.job
    if spec.is_endless and not job.auto_finish:
        require_publishable(job, read_staffing(transaction, job), tasks=None)


def _preview(
    engine: Engine,
    workspace: WorkspaceRef,
    spec: JobSpec,
    data: LoadSpec,
    *,
    draft: bool,
    exist_ok: bool,
) -> tuple[LoadSpec, DraftIds]:
    """Return *data* with its first rows read, and the ids of the job that it is for.

    What can be known now to be refused is refused now.
    So it leaves no trace: nothing is stored yet.  Of what comes behind these rows, or changes
    meanwhile, it is known only when the job is there.

    Raises:
        AlreadyExists: when the workspace has a job of this name, and *exist_ok* is not set.
        InvalidData: when rows are bad.
        Incomplete: when it could not be published.
    """
    # A transaction because `create` designs its jobs in one.  Nothing is applied to it.
    with engine.transaction() as transaction:
        design = design_job(transaction, workspace, spec, DraftIds())
        job = design.job
        if not exist_ok:
            require_free_name(transaction, job)
        # asked once: between two questions another process may create the job
        elif _find_same_name(transaction, job) is not None:
            return data, DraftIds()  # its rows are read only if it is a draft that agrees
        staffing = read_staffing(transaction, job)
    if not draft:
        require_publishable(job, staffing, tasks=None)
    preview = RowPreview(job, design.template)
    rows = read_source(job, design.template, data)
    again, are_all = look_ahead(rows, preview, data, loading_rules.ROWS_PER_TRANSACTION)
    if data.on_error == "raise":
        preview.raise_problems()
    if not draft:
        staffing = attrs.evolve(staffing, packages=preview.count_packages(), values=preview.values)
        require_publishable(job, staffing, tasks=preview.tasks if are_all else None)
    return again, design.ids


def _find_same_name(transaction: Transaction, job: Job) -> Job | None:
    """Return the job of the name of a new *job* in its workspace, if there is one."""
    query = Query(Job, {"workspace": job.workspace, "name": job.name}, limit=1)
    return next(iter(lookup.find_by_name(transaction.store, query)), None)


def require_free_name(transaction: Transaction, job: Job) -> None:
    """Check that a new *job* can be stored under its name.

    Raises:
        AlreadyExists: when its workspace has a job of this name.
    """
    if _find_same_name(transaction, job) is not None:
        raise AlreadyExists("Job", job.name)


def _find_or_draft(
    engine: Engine,
    workspace: WorkspaceRef,
    spec: JobSpec,
    ids: DraftIds,
    *,
    is_published: bool,
) -> tuple[Job, bool]:
    """Return the job of this name if it agrees with *spec*, or a new draft; and whether it is new.

    Raises:
        AlreadyExists: when it does not agree, or is being deleted.
        Incomplete: when a draft that *is_published* afterwards could not be.
    """
    with engine.transaction() as transaction:
        design = design_job(transaction, workspace, spec, ids)
        requested = design.job
        known = _find_same_name(transaction, requested)
        if known is None:
            _require_publishable_empty(transaction, spec, design)
            return store_draft(transaction, design), True
        used = transaction.store.get(Template, (known.template,))
        differences = rules.find_differences(
            known, requested, spec.arguments, used, design.template
        )
        if differences or known.deleting:
            raise AlreadyExists("Job", requested.name, differences)
        is_empty = spec.is_endless and not known.auto_finish
        if known.state is JobState.DRAFT and (is_published or is_empty):
            require_publishable(known, read_staffing(transaction, known), tasks=None)
        return known, False


def design_job(
    transaction: Transaction, workspace: WorkspaceRef, spec: JobSpec, ids: DraftIds
) -> Design:
    """Return the job that *spec* describes, with its template; store nothing."""
    workspace_id = lookup.workspace(transaction.store, workspace).id
    ctx = transaction.authorize(workspace_id, spec.by, Action.MANAGE_JOB)
    validator = _require_registered(transaction.registry, spec.validator)
    template, is_new = _find_template(transaction, workspace_id, spec.template, ids)
    id = _find_free_id(transaction, Job, ids.job)
    workflow = Workflow() if spec.workflow is None else spec.workflow
    workflow = _with_rework_key(transaction, workspace_id, workflow)
    workflow = _with_registered_merges(transaction.registry, workflow, template)
    notes: JobNotes = {"auto_finish": not spec.is_endless}
    notes.update(spec.notes)
    packaging = FixedSize(50) if spec.packaging is None else spec.packaging
    require_whole_values(workflow, packaging)
    job = Job(
        id=id,
        workspace=workspace_id,
        name=spec.name,
        template=template.id,
        workflow=workflow,
        packaging=packaging,
        workforce=_find_crews(transaction, workspace_id, workflow, spec.workforce or {}),
        created_by=ctx.member,
        created_at=ctx.at,
        seed=id if spec.seed is None else spec.seed,
        row_key=spec.row_key,
        row_key_type="" if spec.row_key_type is None else spec.row_key_type,
        validator=validator,
        guideline_version=int(bool(spec.notes.get("guideline"))),
        **notes,
    )
    return Design(ctx, job, template, is_new)


def store_draft(transaction: Transaction, design: Design) -> Job:
    """Store a designed job as a draft, with its template if that is new, and return it."""
    job = design.job
    add: list[Entity] = [job, JobCounter(job=job.id)]
    if design.has_new_template:
        add.insert(0, design.template)
    data: dict[str, Any] = {"name": job.name, **describe_guideline(None, job)}
    if job.validator:
        data["validator"] = job.validator
    transaction.apply(record(design.ctx, "create_job", about=job, add=add, data=data))
    return job


def publish(engine: Engine, job: JobRef, *, by: MemberRef) -> Job:
    """Give out a draft's work from now on.  Publishing again what runs changes nothing."""
    with engine.transaction() as transaction:
        # Before the job, in the common order: it is needed below, for the job may finish at once.
        counter = transaction.lock_job_counter(transaction.job(job).id)
        old = transaction.lock_job(job)
        ctx = transaction.authorize(old.workspace, by, Action.MANAGE_JOB, old)
        if JOB.has_led("publish", old.state):
            return old
        # the template may have been changed since the order was made
        template = transaction.store.get(Template, (old.template,))
        staffing = read_staffing(transaction, old, counter.packages)
        hindrance = find_hindrance(old, staffing) or explain_default_replies(old, template)
        new = rules.advance_job(old, "publish", tasks=counter.tasks, hindrance=hindrance)
        _store_job(transaction, ctx, "publish", old, new)
        # pre-labels that count may have left nothing to do
        finish_if_done(transaction, new, ctx)
        return transaction.store.get(Job, new.key)


def pause(engine: Engine, job: JobRef, *, by: MemberRef) -> Job:
    """Give out no more work for now; held assignments and their leases go on."""
    return _advance(engine, job, "pause", by)


def resume(engine: Engine, job: JobRef, *, by: MemberRef) -> Job:
    """Give out work again.  Resuming what runs changes nothing."""
    return _advance(engine, job, "resume", by)


def archive(engine: Engine, job: JobRef, *, by: MemberRef, progress: Wrap | None = None) -> Job:
    """Close a job permanently, and recall all open assignments."""
    with engine.transaction() as transaction:
        old = transaction.lock_job(job)
        ctx = transaction.authorize(old.workspace, by, Action.MANAGE_JOB, old)
        archived = old
        if not JOB.has_led("archive", old.state):
            new = rules.advance_job(old, "archive")
            archived = _store_job(transaction, ctx, "archive", old, new)
    # Also for a job that was archived before: the process that did it may have ended in between.
    # The state came first, so no assignment is made behind this query.
    live = Query(Assignment, {"job": archived.id, "live": True})
    recall_all(engine, live, ctx.member, "the job was archived", free=False, progress=progress)
    return archived


def delete(engine: Engine, job: JobRef, *, by: MemberRef, progress: Wrap | None = None) -> None:
    """Delete a draft or an archived job with all that belongs to it; its last event stays."""
    progress = require_wrapper("jobs.delete", "progress", progress)
    target = find_job(engine, job)
    if target.state is JobState.DRAFT:
        target = archive(engine, target, by=by)  # nobody can load into it any more
    with engine.transaction() as transaction:
        transaction.authorize(target.workspace, by, Action.MANAGE_JOB, target)
        rules.must_be_archived(target, "delete it")
        old = transaction.lock_job(target)
        # Marked first: until the last transaction, what is left of the job is not consistent, and
        # who verifies the store must know.
        transaction.replace(old, attrs.evolve(old, deleting=True))
    with engine.store.read() as reader:
        total = sum(reader.count(Query(kind, {"job": target.id})) for kind in OWNED_KINDS)
    steps = Steps.begin(total, progress)
    for kind in OWNED_KINDS:
        while deleted := _delete_some(engine, kind, target):
            steps.advance(deleted)
    steps.end()
    with engine.transaction() as transaction:
        ctx = transaction.authorize(target.workspace, by, Action.MANAGE_JOB, target)
        # The job goes last: a deletion that broke off is found by it, and goes on.
        transaction.remove(Query(JobCounter, {"job": target.id}), 1)
        transaction.remove(Query(Job, {"id": target.id}), 1)
        if lookup.has_own_template(transaction.store, target):
            transaction.remove(Query(Template, {"id": target.template}), 1)
        transaction.apply(record(ctx, "delete", about=target, data={"name": target.name}))


def update_job(
    engine: Engine, job: JobRef, fields: JobFields, *, by: MemberRef, progress: Wrap | None = None
) -> Job:
    """Change name, notes, times, votes or whether it ends by itself; what is not given stays."""
    changed: dict[str, Any] = {**fields}
    may_end = fields.get("auto_finish", False)
    with engine.transaction() as transaction:
        if may_end:  # before the job, in the common order: it may finish at once
            transaction.lock_job_counter(transaction.job(job).id)
        old = transaction.lock_job(job)
        ctx = transaction.authorize(old.workspace, by, Action.MANAGE_JOB, old)
        rules.must_not_be_archived(old, "change it")
        if "workflow" in fields:
            changed |= _find_workflow_change(transaction, old, fields["workflow"])
        new = change_fields(old, changed)
        if new != old:  # else the call was sent again: one act is one event, and one version
            data = {
                "name": old.name,
                **describe_guideline(old, new),
                **_describe_workflow(old, new),
            }
            transaction.apply(record(ctx, "update_job", about=new, save=((old, new),), data=data))
            new = transaction.as_stored(new)
        if may_end:
            finish_if_done(transaction, new, ctx)
            new = transaction.job(new.id)
    # after the job, whose new votes everybody sees from here on: packages are locked before jobs
    if new.raising_votes:
        new = add_slots(engine, new, by=by, progress=progress)
    if may_end and new.state is not JobState.FINISHED:
        return finish_idle(engine, new, by=by)
    return new


def _find_workflow_change(
    transaction: Transaction, old: Job, requested: Workflow
) -> dict[str, Any]:
    """Return the fields of *old* that another workflow changes; the job is locked.

    Raises:
        InvalidData: when the workflow differs in what cannot change.
        NotAllowed: when the people of the job could not do the work.
        NotRegistered: when this process does not have a merge function that it names.
    """
    workflow = _with_rework_key(transaction, old.workspace, requested)
    # what was resolved once fits the template of that time
    known = old.workflow.label
    has_new_default = workflow.label.on_overdue != known.on_overdue
    if not known.merge or workflow.label.merge != known.merge or has_new_default:
        template = transaction.store.get(Template, (old.template,))
        workflow = _with_registered_merges(transaction.registry, workflow, template)
    require_possible_change(old, workflow)
    if workflow == old.workflow:
        return {"workflow": workflow}
    require_workable(transaction, attrs.evolve(old, workflow=workflow))
    is_raised = workflow.label.votes > old.workflow.label.votes
    return {
        "workflow": workflow,
        "workflow_changes": old.workflow_changes + int(old.state is not JobState.DRAFT),
        "raising_votes": old.raising_votes or is_raised,
    }


def set_workforce(
    engine: Engine, job: JobRef, workforce: Mapping[CrewKey, Workers], *, by: MemberRef
) -> Job:
    """Name who works at these stages; other stages stay as they are, and so do assignments."""
    with engine.transaction() as transaction:
        old = transaction.lock_job(job)
        crews = _find_crews(transaction, old.workspace, old.workflow, workforce)
        return _update(transaction, old, "set_workforce", by, workforce={**old.workforce, **crews})


def add_workers(
    engine: Engine, job: JobRef, named: Mapping[CrewKey, Workers], *, by: MemberRef
) -> Job:
    """Name more members or groups for a stage; errors are those of `set_workforce`."""
    with engine.transaction() as transaction:
        old = transaction.lock_job(job)
        ((stage, more),) = _find_crews(transaction, old.workspace, old.workflow, named).items()
        present = old.crew(stage)
        crew = StageWorkers(
            _join(present.members, more.members), _join(present.groups, more.groups)
        )
        return _update_crew(transaction, old, stage, crew, by)


def remove_workers(
    engine: Engine, job: JobRef, named: Mapping[CrewKey, Workers], *, by: MemberRef
) -> Job:
    """Name fewer members or groups for a stage; errors are those of `set_workforce`."""
    with engine.transaction() as transaction:
        old = transaction.lock_job(job)
        ((stage, less),) = _find_crews(transaction, old.workspace, old.workflow, named).items()
        present = old.crew(stage)
        crew = StageWorkers(
            _subtract(present.members, less.members), _subtract(present.groups, less.groups)
        )
        return _update_crew(transaction, old, stage, crew, by)


def set_validator(engine: Engine, job: JobRef, validator: str | None, *, by: MemberRef) -> Job:
    """Check every answer of a job by this validator before it is saved; None ends that."""
    with engine.transaction() as transaction:
        old = transaction.lock_job(job)
        ctx = transaction.authorize(old.workspace, by, Action.MANAGE_JOB, old)
        rules.must_not_be_archived(old, "set its validator")
        name = _require_registered(transaction.registry, validator)
        if name == old.validator:
            return old
        new = attrs.evolve(old, validator=name)
        data = {"name": old.name, "validator": name}
        transaction.apply(record(ctx, "set_validator", about=new, save=((old, new),), data=data))
        return transaction.as_stored(new)


def _require_registered(registry: Registry, validator: object) -> str:
    """Return the name of a validator as a job keeps it: "" for none.

    Raises:
        InvalidData: when it is no name.
        NotRegistered: when this process does not have it: a name that is misspelled would keep
            everybody from working.
    """
    if validator is None:
        return ""
    if not isinstance(validator, str):
        reason = f"must be the name of one that was registered, not {format_repr(validator)}"
        raise InvalidData("job", [Problem("validator", reason)])
    registry.find_validator(validator)
    return validator


def _with_registered_merges(registry: Registry, workflow: Workflow, template: Template) -> Workflow:
    """Return *workflow* with the merge rule of every question, and default replies, by its id.

    Raises:
        InvalidData: when a rule or a default reply does not fit the template.
        NotRegistered: when this process does not have a merge function that it names.
    """
    with_rules = with_default_replies(with_merge_rules(workflow, template), template)
    for name in find_registered_names(with_rules):
        registry.find_merge(name)
    return with_rules


def find_job(engine: Engine, ref: JobRef) -> Job:
    """Return the job as it is now."""
    with engine.store.read() as reader:
        return lookup.job(reader, ref)


def _advance(engine: Engine, job: JobRef, operation: str, by: MemberRef) -> Job:
    """Bring a job to its next state; where it is there already, nothing is stored."""
    with engine.transaction() as transaction:
        old = transaction.lock_job(job)
        ctx = transaction.authorize(old.workspace, by, Action.MANAGE_JOB, old)
        if JOB.has_led(operation, old.state):
            return old
        new = rules.advance_job(old, operation)
        return _store_job(transaction, ctx, operation, old, new)


def _delete_some(engine: Engine, kind: type[Entity], job: Job) -> int:
    """Delete up to so many entities of a kind, and return how many there were."""
    with engine.transaction() as transaction:
        return transaction.remove(Query(kind, {"job": job.id}), ROWS_PER_DELETION)


def _update_crew(
    transaction: Transaction, old: Job, stage: CrewKey, crew: StageWorkers, by: MemberRef
) -> Job:
    workforce = {**old.workforce, stage: crew}
    return _update(transaction, old, "set_workforce", by, workforce=workforce)


def _update(
    transaction: Transaction, old: Job, operation: str, by: MemberRef, **fields: Any
) -> Job:
    """Store a locked job with these fields changed."""
    ctx = transaction.authorize(old.workspace, by, Action.MANAGE_JOB, old)
    rules.must_not_be_archived(old, "change it")
    new = attrs.evolve(old, **fields)
    if new == old:
        return old  # the call was sent again
    return _store_job(transaction, ctx, operation, old, new)


def _store_job(transaction: Transaction, ctx: Context, operation: str, old: Job, new: Job) -> Job:
    # by the old name, under which readers of the events know it
    data: dict[str, Any] = {"name": old.name, **_describe_workflow(old, new)}
    transaction.apply(record(ctx, operation, about=new, save=((old, new),), data=data))
    return transaction.as_stored(new)


def _describe_workflow(old: Job, new: Job) -> dict[str, Any]:
    """Return what an event keeps of the workflow, where it changed; else nothing."""
    if new.workflow == old.workflow:
        return {}
    before, after = codec.to_json(old.workflow), codec.to_json(new.workflow)
    return {"workflow": {"before": before, "after": after}}


def _find_free_id(transaction: Transaction, kind: type[Entity], wanted: int | None) -> int:
    """Return the id that is *wanted* for a new entity, or another if it is taken."""
    if wanted is None or transaction.is_taken(kind, wanted):
        return transaction.new_id(kind)
    return wanted


def _find_template(
    transaction: Transaction, workspace: int, ref: TemplateRef, ids: DraftIds
) -> tuple[Template, bool]:
    """Return the template, and whether it has still to be stored."""
    if isinstance(ref, Template) and not ref.id:
        # a template that is built in the call belongs to this job alone, and has no name
        id = _find_free_id(transaction, Template, ids.template)
        return attrs.evolve(ref, id=id, workspace=workspace, name=""), True
    return lookup.template(transaction.store, workspace, ref), False


def _with_rework_key(transaction: Transaction, workspace: int, workflow: Workflow) -> Workflow:
    """Return *workflow* with the member to whom rework goes, if one is named, as a key."""
    to = workflow.label.rework
    if isinstance(to, Route):
        return workflow
    label: Label = attrs.evolve(workflow.label, rework=transaction.member(workspace, to).id)
    rules = (label, workflow.inspect, workflow.accept)
    return Workflow(*(rule for rule in rules if rule is not None))


def _find_crews(
    transaction: Transaction, workspace: int, workflow: Workflow, named: Mapping[CrewKey, Workers]
) -> dict[CrewKey, StageWorkers]:
    """Return who is named for each stage and crew, members by their keys.

    Raises:
        NotFound: when a member is not in the workspace.
        InvalidData: when the workflow does not have the stage.
    """
    crews: dict[CrewKey, StageWorkers] = {}
    for stage, workers in named.items():
        if isinstance(stage, Stage):
            workflow.rule(stage)  # refuses a stage that the workflow does not have
        refs = list(workers)
        groups = tuple(ref.name for ref in refs if isinstance(ref, Group))
        members = tuple(
            transaction.member(workspace, ref).id for ref in refs if not isinstance(ref, Group)
        )
        crews[stage] = StageWorkers(_join(members, ()), groups)
    return crews


def _join(present: Named, more: Named) -> Named:
    """Return both in order, each once."""
    return tuple(dict.fromkeys([*present, *more]))


def _subtract(present: Named, less: Named) -> Named:
    return tuple(name for name in present if name not in less)
