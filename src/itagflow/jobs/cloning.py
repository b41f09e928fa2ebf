"""A job once more: the same template, rules and people, for other work."""

from __future__ import annotations

from collections.abc import Iterator

import attrs

from itagflow.access import Action
from itagflow.core.counted import Remaining, Wrap
from itagflow.core.engine import Engine
from itagflow.core.lookup import JobRef, MemberRef, iterate_query, last_number
from itagflow.core.transaction import Transaction
from itagflow.jobs import loading_rules
from itagflow.jobs.loading import LoadSpec, load
from itagflow.jobs.previewing import RowPreview, look_ahead
from itagflow.jobs.service import Design, delete, find_job, require_free_name, store_draft
from itagflow.model.arguments import require_flag, require_wrapper
from itagflow.model.job import Job, JobState, find_registered_names
from itagflow.model.task import Row, Task
from itagflow.model.template import Template
from itagflow.storage.port import Query


def _convert_wanted(value: bool) -> bool:
    return require_flag("jobs.clone", "with_data", value)


def _convert_progress(value: Wrap | None) -> Wrap | None:
    return require_wrapper("jobs.clone", "progress", value)


@attrs.frozen
class CloneRows:
    """Whether a clone gets the rows of the job, and how they are shown."""

    wanted: bool = attrs.field(converter=_convert_wanted)
    progress: Wrap | None = attrs.field(converter=_convert_progress)


def clone_job(
    engine: Engine,
    job: JobRef,
    name: str,
    *,
    by: MemberRef,
    rows: CloneRows,
) -> Job:
    """Store a new draft that is set up like *job*, and load the rows of its tasks if asked to."""
    source = find_job(engine, job)
    if not rows.wanted:
        with engine.transaction() as transaction:
            return store_draft(transaction, _design_clone(transaction, source, name, by))
    data = attrs.evolve(_preview(engine, source, name, by), progress=rows.progress)
    with engine.transaction() as transaction:
        clone = store_draft(transaction, _design_clone(transaction, source, name, by))
    try:
        load(engine, clone, data)
        return find_job(engine, clone)
    except Exception:
        # a draft with a part of the rows would be taken for a whole one
        delete(engine, clone, by=by)
        raise


def _preview(engine: Engine, source: Job, name: str, by: MemberRef) -> LoadSpec:
    """Return the rows of *source*, and refuse what can be known now, while nothing is stored.

    Raises:
        AlreadyExists: when the workspace has a job of this name.
        InvalidData: when the first rows do not fit the template as it is now.
    """
    with engine.transaction() as transaction:
        design = _design_clone(transaction, source, name, by)
        require_free_name(transaction, design.job)
    with engine.store.read() as reader:
        rows = Remaining(_iter_rows(engine, source), last_number(reader, Task, source.id))
    preview = RowPreview(design.job, design.template)
    spec, _ = look_ahead(
        rows, preview, LoadSpec(data=rows, by=by), loading_rules.ROWS_PER_TRANSACTION
    )
    preview.raise_problems()
    return spec


def _design_clone(transaction: Transaction, ref: Job, name: str, by: MemberRef) -> Design:
    """Return a draft that is set up like the job; notes about the old one stay with it.

    Raises:
        NotRegistered: when this process does not have its validator or a merge function of it.
        NotAllowed: when *by* may not manage jobs.
    """
    source = transaction.job(ref)
    ctx = transaction.authorize(source.workspace, by, Action.MANAGE_JOB, source)
    if source.validator:
        transaction.registry.find_validator(source.validator)
    for merge in find_registered_names(source.workflow):
        transaction.registry.find_merge(merge)
    template = transaction.store.get(Template, (source.template,))
    is_new = not template.name
    if is_new:
        # one without a name is its job's own: a change of the one must not change the other
        template = attrs.evolve(template, id=transaction.new_id(Template), version=0)
    id = transaction.new_id(Job)
    job = Job(
        id=id,
        workspace=source.workspace,
        name=name,
        template=template.id,
        workflow=source.workflow,
        packaging=source.packaging,
        workforce=source.workforce,
        created_by=ctx.member,
        created_at=ctx.at,
        # its own: else the same tasks would be drawn as samples again
        seed=id,
        state=JobState.DRAFT,
        row_key=source.row_key,
        row_key_type=source.row_key_type,
        tags=source.tags,
        validator=source.validator,
        auto_finish=source.auto_finish,
    )
    return Design(ctx, job, template, is_new)


def _iter_rows(engine: Engine, job: Job) -> Iterator[Row]:
    """Yield the rows of a job's tasks as they came, without those that were erased."""
    tasks = Query(Task, {"job": job.id}, order=("number",))
    return (Row(task.row) for task in iterate_query(engine.store, tasks) if not task.erased)
