# Generated from itagflow.api.jobs by tests/docs/pins/write.py: change that, and run this.
"""Jobs: created, loaded, published, paused, finished, archived; awaited."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Literal

from typing_extensions import Unpack

from itagflow.aio.items import AsyncItems
from itagflow.aio.pool import ThreadPool
from itagflow.api.jobs import Jobs
from itagflow.model.guideline import Guideline
from itagflow.model.job import CrewKey, Job, JobState, Route, Stage, Workflow
from itagflow.model.reports import (
    BlockedPackage,
    CheckReport,
    LoadReport,
    PrelabelReport,
    QueueReport,
    ReopenReport,
    TemplateReport,
    WithdrawReport,
)
from itagflow.model.result import Progress
from itagflow.model.selection import Selection
from itagflow.model.task import Row, Task
from itagflow.model.template import Template
from itagflow.typing import (
    Assignee,
    FormatRef,
    JobFields,
    JobNotes,
    JobRef,
    MemberRef,
    MinConfidence,
    OnError,
    Packaging,
    Prediction,
    Predictor,
    ProgressWrapper,
    RowSource,
    TaskRef,
    TemplateRef,
    TemplateStep,
    Workers,
    Workforce,
    WorkspaceRef,
)


class AsyncJobs:
    """Jobs: created, loaded, published, paused, finished, archived; awaited."""

    def __init__(self, pool: ThreadPool, jobs: Jobs) -> None:
        """Do the work of *jobs* in the threads of *pool*."""
        self._pool = pool
        self._jobs = jobs

    async def create(
        self,
        workspace: WorkspaceRef,
        name: str,
        *,
        template: TemplateRef,
        data: RowSource | None = None,
        workflow: Workflow | None = None,
        packaging: Packaging | None = None,
        workforce: Workforce | None = None,
        by: MemberRef,
        draft: bool = False,
        format: FormatRef = "itag",
        on_error: OnError = "raise",
        row_key: str | None = None,
        row_key_type: Literal["text"] | None = None,
        seed: int | None = None,
        validator: str | None = None,
        progress: ProgressWrapper | None = None,
        exist_ok: bool = False,
        **notes: Unpack[JobNotes],
    ) -> Job:
        """Order a job: store it, load its data, and publish it.

        Args:
            workspace: The workspace.
            name: Its name, unique in the workspace: 1 to 100 characters.
            template: What is asked: a stored template, or a new one for this job.
            data: The rows; see `load`.  Without data, and unless *draft*, the job is published
                empty and does not end by itself: rows come by `add` or `append`.
            workflow: The stages and their rules; labeling only unless given.
            packaging: How tasks are cut into packages; 50 each unless given.
            workforce: Who works at which stage, or is in which crew: members and groups.
            by: The member who orders.
            draft: Leave it a draft, to be loaded and published later.
            format: The format of *data*, when it is a source: its name, or a format itself.
            on_error: On bad rows ``"raise"`` and leave nothing, or ``"skip"`` them: `load_report`.
            row_key: The field of ``data``, a text or a whole number, that tells rows apart.
            row_key_type: ``"text"``: a number and the text with its digits are the same row key.
            seed: What samples are drawn with; drawn itself unless given.
            validator: The name of the application's own check of answers: `set_validator`.
            progress: Wraps the iterable of rows, such as ``tqdm``.
            exist_ok: Return the job of this name, if it agrees; data and the order of workers are
                not compared.  Only a draft goes on behind the rows read, and is published.
            **notes: ``tags``, ``remark``, ``guideline``, ``due_at``, ``closes_at``, ``priority``;
                ``auto_finish=False`` for a job that never ends by itself, and may be empty.

        Raises:
            InvalidData: on a bad name, rule or row; no job is left behind, but a draft that was
                there before stays.  Up to row 5,000 nothing was stored, not even an event.
            Incomplete: when it could never finish; what is left behind is the same.
            AlreadyExists: when the workspace has a job of this name, or it is being deleted; with
                *exist_ok*, when it does not agree: see `AlreadyExists.differences`.
            NotRegistered: when this process does not have the validator.
        """
        return await self._pool.run(
            self._jobs.create, workspace, name, template=template, data=data, workflow=workflow,
            packaging=packaging, workforce=workforce, by=by, draft=draft, format=format,
            on_error=on_error, row_key=row_key, row_key_type=row_key_type, seed=seed,
            validator=validator, progress=progress, exist_ok=exist_ok, **notes,
        )

    async def import_results(
        self,
        workspace: WorkspaceRef,
        name: str,
        *,
        template: TemplateRef,
        data: RowSource,
        by: MemberRef,
        format: FormatRef = "itag",
        of_job: str | None = None,
        workflow: Workflow | None = None,
        packaging: Packaging | None = None,
        on_error: OnError = "raise",
        row_key: str | None = None,
        row_key_type: Literal["text"] | None = None,
        progress: ProgressWrapper | None = None,
        **notes: Unpack[JobNotes],
    ) -> Job:
        """Read exported results as a finished job: a task per row, a result per block.

        The job gets its id in the manifest, where that is a number that no job has or had here, so
        that an export has the same keys.  A row without a result of it is an abandoned task.

        Arguments are those of `create`.  *data* is an exported file, or its rows: see `load`.  What
        was asked, the *template*, `itagflow.formats.itag.template_of` reads off some rows.  Where
        rows have results of several jobs, *of_job* is the id in ``label-<id>``.  The stages are
        those that the first row with a result has, unless *workflow* says so.  *on_error*:
        ``"skip"`` leaves bad rows out, and abandons tasks with a bad result.  *progress* wraps the
        rows, then the packages, whose results follow.

        Raises:
            InvalidData: when there are no results, or those of several jobs; on what is bad.
            AlreadyExists: when the workspace has a job of this name.
        """
        return await self._pool.run(
            self._jobs.import_results, workspace, name, template=template, data=data, by=by,
            format=format, of_job=of_job, workflow=workflow, packaging=packaging, on_error=on_error,
            row_key=row_key, row_key_type=row_key_type, progress=progress, **notes,
        )

    def list(
        self,
        workspace: WorkspaceRef,
        *,
        state: JobState | str | None = None,
        by: MemberRef | None = None,
        limit: int | None = None,
        after: JobRef | None = None,
    ) -> AsyncItems[Job]:
        """Yield the jobs of a workspace, oldest first; with *by* those that the member may see.

        A page begins behind *after*, the last job of the page before, or its key.

        Raises:
            NotAllowed: when *by* was removed.
        """
        verb = partial(self._jobs.list, workspace, state=state, by=by, limit=limit, after=after)
        return AsyncItems(self._pool, verb)

    async def get(self, job: JobRef, *, by: MemberRef | None = None) -> Job:
        """Return a job as it is now.  Errors are those of `load_report`."""
        return await self._pool.run(self._jobs.get, job, by=by)

    async def load(
        self,
        job: JobRef,
        data: RowSource,
        *,
        by: MemberRef,
        format: FormatRef = "itag",
        on_error: OnError = "raise",
        progress: ProgressWrapper | None = None,
    ) -> LoadReport:
        """Load a draft's data, and report what came of it; once more: go on behind what was read.

        The fields of a row are in its ``data``, as in iTAG's manifest; beside it results may stand.
        A mapping may also be the fields alone: the first good one decides for all of the data, and
        one that differs is a bad row.  So is one with results and without ``data``.  A JSON text,
        or a row of a file, always has ``data``.  In a data frame (pandas, Polars, PyArrow) each
        column is a field, a missing value is None, and times become texts of ISO 8601.

        Args:
            job: A job that is a draft.
            data: A path, an open binary file or place that *format* reads; a data frame; or an
                iterable of rows: mappings, JSON texts, or what a format's ``read`` yields.
            by: The member who loads.
            format: The format of a path, file or place: its name, or a format itself.
            on_error: On bad rows ``"raise"`` and store no more, or ``"skip"`` them.
            progress: Wraps the iterable of rows, such as ``tqdm``.

        Raises:
            InvalidData: on bad rows; it lists the first 1,000 problems and counts all.
            WrongState: when the job is not a draft: `append` to it.
        """
        return await self._pool.run(
            self._jobs.load, job, data, by=by, format=format, on_error=on_error, progress=progress
        )

    async def load_report(self, job: JobRef, *, by: MemberRef | None = None) -> LoadReport:
        """Return what loading a job's first data has done so far, whoever has loaded it.

        Also what `create` and `import_results` have skipped, but not what `append` adds.

        Raises:
            NotAllowed: when *by* may not read the job.
        """
        return await self._pool.run(self._jobs.load_report, job, by=by)

    async def check(
        self,
        workspace: WorkspaceRef,
        name: str,
        *,
        template: TemplateRef,
        data: RowSource | None = None,
        workflow: Workflow | None = None,
        packaging: Packaging | None = None,
        workforce: Workforce | None = None,
        by: MemberRef,
        format: FormatRef = "itag",
        row_key: str | None = None,
        row_key_type: Literal["text"] | None = None,
        seed: int | None = None,
        validator: str | None = None,
        progress: ProgressWrapper | None = None,
        **notes: Unpack[JobNotes],
    ) -> CheckReport:
        """Return what `create` would do with the same arguments, and store nothing.

        All rows are read; with a row key, the keys of all of them are held in memory.  Errors are
        those of `create`, but bad rows are none: the report has them.
        """
        return await self._pool.run(
            self._jobs.check, workspace, name, template=template, data=data, workflow=workflow,
            packaging=packaging, workforce=workforce, by=by, format=format, row_key=row_key,
            row_key_type=row_key_type, seed=seed, validator=validator, progress=progress, **notes,
        )

    async def clone(
        self,
        job: JobRef,
        name: str,
        *,
        by: MemberRef,
        with_data: bool = False,
        progress: ProgressWrapper | None = None,
    ) -> Job:
        """Store a new draft that is set up like *job*: without answers, pre-labels or comments.

        It has the same template (a copy, if the job has one of its own), workflow, packaging,
        workforce, row key, tags, validator and ``auto_finish``, and a new seed.  *with_data* also
        loads rows of tasks that were not erased; *progress* wraps these.  Errors as in `create`.
        """
        return await self._pool.run(
            self._jobs.clone, job, name, by=by, with_data=with_data, progress=progress
        )

    async def append(
        self,
        job: JobRef,
        data: RowSource,
        *,
        by: MemberRef,
        format: FormatRef = "itag",
        on_error: OnError = "raise",
        progress: ProgressWrapper | None = None,
        priority: float = 0,
        due: datetime | None = None,
    ) -> LoadReport:
        """Add rows to a published job; they form new packages, and a finished job runs again.

        Rows whose row key the job knows are left out: a broken append is sent again.  Arguments and
        errors are those of `load`, *priority* and *due* as in `add`; it raises `Incomplete` when
        the job has finished and too few people may do the work.
        """
        return await self._pool.run(
            self._jobs.append, job, data, by=by, format=format, on_error=on_error,
            progress=progress, priority=priority, due=due,
        )

    async def add(
        self,
        job: JobRef,
        data: Row | str | Mapping[str, object],
        *,
        by: MemberRef,
        key: str | int | None = None,
        priority: float = 0,
        due: datetime | None = None,
        tags: Iterable[str] = (),
        prediction: Prediction = None,
        min_confidence: MinConfidence = False,
    ) -> Task:
        """Add one task to a published job, in a package of its own, and return it.

        A task that has its key is returned as it is: send it again.  A finished job runs again.

        Args:
            job: A job that was published and is not archived.
            data: The row: its fields, or what `load` takes as one row.
            by: The member who adds it.
            key: What tells it apart, where the job has no row key; else it must be that of *data*.
            priority: Higher comes first in the queue.
            due: When its work should be done.
            tags: Free words, kept in the row beside ``data``: `Task.tags`.
            prediction: What a model says of it, as for `prelabel`.
            min_confidence: As for `prelabel`.  The task that the validator sees has the number 0.

        Raises:
            InvalidData: when the row, its key or the prediction does not fit.
            Incomplete: when the job has finished, and too few people may do the work.
            WrongState: when the job is a draft (`load` into it) or archived.
            NotRegistered: when this process lacks the validator for a prediction that counts.
        """
        return await self._pool.run(
            self._jobs.add, job, data, by=by, key=key, priority=priority, due=due, tags=tags,
            prediction=prediction, min_confidence=min_confidence,
        )

    async def withdraw(
        self,
        job: JobRef,
        *,
        tasks: Iterable[TaskRef] | None = None,
        keys: Iterable[str | int] | None = None,
        ignore_missing: bool = False,
        comment: str = "",
        progress: ProgressWrapper | None = None,
        by: MemberRef,
    ) -> WithdrawReport:
        """Take tasks out of the work; the report says which tasks this call has withdrawn.

        Their state is ``withdrawn``; data, answers and row key stay, and exports leave them out.
        Assignments go on without them, and empty packages are discarded.  Name tasks, row keys, or
        both; *ignore_missing* passes over what the job lacks.  When it breaks off, call it again.

        Raises:
            NotFound: when the job has no such task; then nothing is withdrawn.
            NotAllowed: when the job is a draft or archived.
        """
        return await self._pool.run(
            self._jobs.withdraw, job, tasks=tasks, keys=keys, ignore_missing=ignore_missing,
            comment=comment, progress=progress, by=by,
        )

    async def publish(self, job: JobRef, *, by: MemberRef) -> Job:
        """Give out a draft's work from now on.  Publishing again what runs changes nothing.

        Raises:
            Incomplete: when it could never finish, by which rule; or has no tasks, but may end.
            WrongState: when it is neither a draft nor running.
        """
        return await self._pool.run(self._jobs.publish, job, by=by)

    async def pause(self, job: JobRef, *, by: MemberRef) -> Job:
        """Give out no more work; what is held, and leases, go on.  Once more changes nothing.

        Raises:
            WrongState: when it neither runs nor is paused.
        """
        return await self._pool.run(self._jobs.pause, job, by=by)

    async def resume(self, job: JobRef, *, by: MemberRef) -> Job:
        """Give out work again.  Resuming what runs changes nothing; errors are those of `pause`."""
        return await self._pool.run(self._jobs.resume, job, by=by)

    async def finish(
        self,
        job: JobRef,
        *,
        by: MemberRef,
        discard_open: bool = False,
        progress: ProgressWrapper | None = None,
    ) -> Job:
        """End a job by hand; one with ``auto_finish`` whose packages are all done has finished.

        *discard_open* discards open packages, with *progress*.  Finishing again changes nothing.

        Raises:
            Incomplete: when a package is open.
            WrongState: when the job is a draft or archived.
        """
        return await self._pool.run(
            self._jobs.finish, job, by=by, discard_open=discard_open, progress=progress
        )

    async def reopen(
        self,
        job: JobRef,
        *,
        where: Selection,
        to: Stage | str = Stage.LABEL,
        assign: Assignee = Route.AUTHOR,
        comment: str = "",
        dry_run: bool = False,
        progress: ProgressWrapper | None = None,
        by: MemberRef,
    ) -> ReopenReport:
        """Open the selected tasks again; the others, also of their packages, keep their results.

        A finished job runs again, and finishes when all is in.  Reviews look at exactly the opened
        tasks.  Only tasks of packages that are done are opened; the report names the others.  When
        it breaks off, call it again: what is open already is skipped.

        Args:
            job: A job that runs, is paused or has finished.
            where: Which tasks.
            to: The stage at which they are opened: LABEL, or a review.
            assign: ``"author"``: offers to those who labeled, or reviewed, them last, if they may;
                other slots are free.  ``"queue"``: all slots are free.  Or a member.
            comment: Why, for those who work on them: `WorkItem.comment`.
            dry_run: Return the same report, and change nothing.
            progress: Wraps the iterable of packages.
            by: The member who decides.

        Raises:
            InvalidData: when the workflow does not have the stage.
            WrongState: when the job is a draft or archived.
            Incomplete: when answers follow a change of the template, or too few may do the work.
            NotAllowed: when the named member may not do it.
        """
        return await self._pool.run(
            self._jobs.reopen, job, where=where, to=to, assign=assign, comment=comment,
            dry_run=dry_run, progress=progress, by=by,
        )

    async def archive(
        self, job: JobRef, *, by: MemberRef, progress: ProgressWrapper | None = None
    ) -> Job:
        """Close a job permanently: it stays readable, and its open assignments are recalled.

        Nobody gets work of it from the first transaction on.  When it breaks off, call it again.
        *progress* wraps the assignments.
        """
        return await self._pool.run(self._jobs.archive, job, by=by, progress=progress)

    async def delete(
        self, job: JobRef, *, by: MemberRef, progress: ProgressWrapper | None = None
    ) -> None:
        """Delete a draft or an archived job with all that belongs to it; its last event stays.

        When it breaks off, call it again.  Any other job is `NotAllowed`.  *progress* wraps it all.
        """
        await self._pool.run(self._jobs.delete, job, by=by, progress=progress)

    async def update(
        self,
        job: JobRef,
        *,
        by: MemberRef,
        progress: ProgressWrapper | None = None,
        **fields: Unpack[JobFields],
    ) -> Job:
        """Change the name, notes, times or the workflow; what is not given stays.

        ``workflow=`` takes a whole workflow with the same stages and merge rules.  The rest may
        differ, and holds for claims, renewals, saves and judgments made later and for packages that
        come to a stage later.  Votes may become more: then each package that is still at LABEL is
        labeled by more members, as *progress* shows; when that breaks off, the same call goes on
        with it.  Another guideline is its next version: see `guidelines`.  ``auto_finish=True``
        lets the job end with its last open package; when nothing is open, it finishes at once.

        Raises:
            InvalidData: on a bad name, a value of another kind, a time without its zone, or a
                workflow that has other stages or merge rules, fewer votes or a limit more or less.
            AlreadyExists: when the workspace has another job of this name.
            NotAllowed: when the job is archived, or its people could not do the work.
            NotRegistered: when this process lacks a merge function that the workflow names.
        """
        return await self._pool.run(self._jobs.update, job, by=by, progress=progress, **fields)

    async def guidelines(self, job: JobRef, *, by: MemberRef | None = None) -> Sequence[Guideline]:
        """Return every version of a job's guideline, the oldest first; errors as in `get`."""
        return await self._pool.run(self._jobs.guidelines, job, by=by)

    async def progress(self, job: JobRef, *, by: MemberRef | None = None) -> Progress:
        """Return how far a job is, in packages, tasks and rows read; errors as in `get`."""
        return await self._pool.run(self._jobs.progress, job, by=by)

    async def queue(self, job: JobRef, *, by: MemberRef | None = None) -> QueueReport:
        """Return what waits, is held, offered and late, at any size; errors as in `blocked`."""
        return await self._pool.run(self._jobs.queue, job, by=by)

    def blocked(
        self,
        job: JobRef,
        *,
        by: MemberRef | None = None,
        limit: int | None = None,
        after: BlockedPackage | int | None = None,
    ) -> AsyncItems[BlockedPackage]:
        """Yield the packages that nobody can go on with, by number, with their stage and why.

        A page begins behind *after*, the last one of the page before, or its package's number.

        Raises:
            NotAllowed: when *by* may not read results there.
        """
        verb = partial(self._jobs.blocked, job, by=by, limit=limit, after=after)
        return AsyncItems(self._pool, verb)

    async def set_workforce(self, job: JobRef, workforce: Workforce, *, by: MemberRef) -> Job:
        """Name who works at these stages; other stages stay as they are, and so do assignments.

        Raises:
            NotFound: when a member is not in the workspace.
            NotAllowed: when the job is archived.
        """
        return await self._pool.run(self._jobs.set_workforce, job, workforce, by=by)

    async def add_workers(
        self, job: JobRef, stage: CrewKey | str, workers: Workers, *, by: MemberRef
    ) -> Job:
        """Name more members or groups for a stage; errors are those of `set_workforce`."""
        return await self._pool.run(self._jobs.add_workers, job, stage, workers, by=by)

    async def remove_workers(
        self, job: JobRef, stage: CrewKey | str, workers: Workers, *, by: MemberRef
    ) -> Job:
        """Name fewer members or groups for a stage; errors are those of `set_workforce`."""
        return await self._pool.run(self._jobs.remove_workers, job, stage, workers, by=by)

    async def set_validator(self, job: JobRef, validator: str | None, *, by: MemberRef) -> Job:
        """Check every answer of a job before it is saved, by a function of yours; None ends that.

        The job keeps the name under which each process that works on it registers the function;
        one that lacks it can claim nothing of the job and save nothing.  The function is called
        with the task and the replies by question id, outside of any transaction, and returns what
        is wrong: an iterable of `Problem`, empty when nothing is.  Earlier answers are not checked.

        Raises:
            NotRegistered: when this process does not have it.
            NotAllowed: when the job is archived.
        """
        return await self._pool.run(self._jobs.set_validator, job, validator, by=by)

    async def prelabel(
        self,
        job: JobRef,
        predict: Predictor,
        *,
        by: MemberRef,
        min_confidence: MinConfidence = False,
        model: str = "",
        model_version: str = "",
        batch: int = 100,
        progress: ProgressWrapper | None = None,
    ) -> PrelabelReport:
        """Let a model, or another source, say something about the tasks of a job before people do.

        A pre-label is either suggested, to be corrected by people (`WorkItem.prelabel`), or it
        counts as labeled, by *min_confidence*: a package of which nothing is left to label goes
        straight to its review.  Source: iTAG, *Configure intelligent pre-labeling*.

        A task can have several predictions, one of each model and version; what counts as labeled
        gets no more.  Packages on which people have worked are left out, and so are tasks with a
        prediction of *model* and *model_version* already, or of any model when neither is given.
        So a call that broke off is simply made again.  A draft with pre-labels takes no more rows.

        Args:
            job: A job that is a draft, runs or is paused.
            predict: Is called with up to *batch* tasks, outside of any transaction, and returns for
                each, in order, a `PreLabel`, bare replies, or None for nothing to say; a `Problem`
                or an exception says that it failed on that task.  When the call raises, it is made
                again for each task alone.  `itagflow.prelabels` makes such callables.
            by: The member who decides.
            min_confidence: True: all count as labeled; a number from 0 to 1: those whose score is
                at least that; False: none.  The job's validator is shown what is to count.
            model: The model, where the pre-label does not name it.
            model_version: Its version, where the pre-label does not name it.
            batch: How many tasks *predict* gets at the most.
            progress: Wraps the iterable of packages, such as ``tqdm``.

        Raises:
            WrongState: when the job is finished or archived.
            InvalidData: when *predict* does not return as many as it was given.
            NotRegistered: when this process lacks the job's validator, which is to be asked.
            Conflict: when the template or the validator was changed meanwhile: call it again.
        """
        return await self._pool.run(
            self._jobs.prelabel, job, predict, by=by, min_confidence=min_confidence, model=model,
            model_version=model_version, batch=batch, progress=progress,
        )

    async def change_template(
        self,
        job: JobRef,
        to: Template | TemplateStep | Iterable[TemplateStep],
        *,
        by: MemberRef,
        dry_run: bool = False,
        progress: ProgressWrapper | None = None,
    ) -> TemplateReport:
        """Change the template of a job and migrate its answers, or only report the effect.

        The job's template is one version newer afterwards; one that has a name, or that other jobs
        use too, stays as it is, and the job gets a copy.  Work goes on meanwhile: open assignments
        are answered with the new template from then on.  Votes are not merged again.  Answers
        follow package by package.  When it breaks off, call it again, also without steps.
        *to* is the steps of a migration, which change answers too; or a new template, which changes
        none.  *dry_run* only counts, and changes nothing.  *progress* wraps answers, then packages.

        Raises:
            InvalidData: when a step cannot be, or answers would not fit: the first 1,000 problems.
            Conflict: when somebody else has changed the template meanwhile.
            Incomplete: when *dry_run* is to look at answers that still follow the last change.
            NotAllowed: when the job is archived.
        """
        return await self._pool.run(
            self._jobs.change_template, job, to, by=by, dry_run=dry_run, progress=progress
        )
