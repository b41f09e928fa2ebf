# Generated from itagflow.api.jobs by tests/docs/pins/write.py: change that, and run this.
"""Jobs: created, loaded, published, paused, finished, archived; awaited."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
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
    ReopenReport,
    TemplateReport,
)
from itagflow.model.result import Progress
from itagflow.model.selection import Selection
from itagflow.model.template import Template
from itagflow.typing import (
    Assignee,
    JobFields,
    JobNotes,
    JobRef,
    MemberRef,
    MinConfidence,
    OnError,
    Packaging,
    Predictor,
    ProgressWrapper,
    RowSource,
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
        format: str = "itag",
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
            data: The rows; see `load`.  None leaves a draft to be loaded later.
            workflow: The stages and their rules; labeling only unless given.
            packaging: How tasks are cut into packages; 50 each unless given.
            workforce: Who works at which stage: members and groups.  A stage is a `Stage` or its
                value, such as ``"label"``.
            by: The member who orders.
            draft: Leave it a draft, to be published later.
            format: The format of *data*, when it is a source.
            on_error: What to do about bad rows: ``"raise"`` and leave nothing behind, or ``"skip"``
                them; `load_report` says which.
            row_key: The field of ``data`` that tells rows apart: a text that is not empty, or a
                whole number; of rows with the same value one is loaded.
            row_key_type: ``"text"``: a number and the text with its digits are the same row key;
                else they are two.
            seed: What samples are drawn with; drawn itself unless given.
            validator: The name of the application's own check of answers; see `set_validator`.
            progress: Wraps the iterable of rows, such as ``tqdm``.
            exist_ok: Return the job that has this name, as it is, if it agrees with what is given
                here; data, and arguments that are not given, are not compared, nor an order of
                workers.  Only a draft goes on: rows behind those that were read are loaded
                (`Progress.rows_read`), and it is published.  So a program is simply run again.
            **notes: ``tags``, ``remark``, ``guideline``, ``due_at``, ``closes_at``.

        Raises:
            InvalidData: on a bad name, rule or row; no job is left behind, but a draft that was
                there before stays.  Up to row 5,000 nothing was stored, not even an event.
            Incomplete: when it could never finish; what is left behind is the same.
            AlreadyExists: when the workspace has a job of this name, or it is being deleted; with
                *exist_ok*, when it does not agree: see `AlreadyExists.differences`.
            UnknownFormat: when there is no such format.
            NotRegistered: when this process does not have the validator.
            NotAllowed: when *by* may not manage jobs.
        """
        verb = partial(
            self._jobs.create,
            workspace,
            name,
            template=template,
            data=data,
            workflow=workflow,
            packaging=packaging,
            workforce=workforce,
            by=by,
            draft=draft,
            format=format,
            on_error=on_error,
            row_key=row_key,
            row_key_type=row_key_type,
            seed=seed,
            validator=validator,
            progress=progress,
            exist_ok=exist_ok,
            **notes,
        )
        return await self._pool.run(verb)

    async def import_results(
        self,
        workspace: WorkspaceRef,
        name: str,
        *,
        template: TemplateRef,
        data: RowSource,
        by: MemberRef,
        of_job: str | None = None,
        workflow: Workflow | None = None,
        packaging: Packaging | None = None,
        on_error: OnError = "raise",
        row_key: str | None = None,
        row_key_type: Literal["text"] | None = None,
        progress: ProgressWrapper | None = None,
        **notes: Unpack[JobNotes],
    ) -> Job:
        """Read an exported manifest as a finished job: a task per row, a result per block.

        The job gets the id that it has in the manifest, where that is a number that no job has or
        had here, so that an export of it has the same keys.  A row without a result becomes an
        abandoned task.  Who did the work elsewhere a manifest does not say.

        Args:
            workspace: The workspace.
            name: The job's name, unique in the workspace.
            template: What was asked; `itagflow.formats.itag.template_of` reads one off some rows.
            data: A manifest, or its rows; see `load`.
            by: The member who imports.
            of_job: Whose results, where rows have those of several jobs, such as two manifests
                that were put together: the id in ``label-<id>``.  The results of the others stay in
                the rows, and rows without one of this job become abandoned tasks.
            workflow: The stages; those that the first row with a result has, unless given.
            packaging: How tasks are cut into packages; 50 each unless given.
            on_error: ``"raise"`` on a bad row or result and leave nothing behind; ``"skip"`` leaves
                bad rows out, and makes a task with a bad result at any stage an abandoned one,
                whose results stay in its row and in the next manifest.  `load_report` says which.
            row_key: See `create`, as for all that follow.
            row_key_type: ``"text"``, or None.
            progress: Wraps the iterable of rows.
            **notes: ``tags``, ``remark``, ``guideline``, ``due_at``, ``closes_at``.

        Raises:
            InvalidData: when there are no results, or those of several jobs; on a bad name, row or
                result; it lists the first 1,000 problems and counts all.
            AlreadyExists: when the workspace has a job of this name.
            NotAllowed: when *by* may not manage jobs.
        """
        verb = partial(
            self._jobs.import_results,
            workspace,
            name,
            template=template,
            data=data,
            by=by,
            of_job=of_job,
            workflow=workflow,
            packaging=packaging,
            on_error=on_error,
            row_key=row_key,
            row_key_type=row_key_type,
            progress=progress,
            **notes,
        )
        return await self._pool.run(verb)

    def list(
        self,
        workspace: WorkspaceRef,
        *,
        state: JobState | str | None = None,
        by: MemberRef | None = None,
        limit: int | None = None,
        after: JobRef | None = None,
    ) -> AsyncItems[Job]:
        """Yield the jobs of a workspace, oldest first.

        Args:
            workspace: The workspace.
            state: Only those in this state.
            by: Who reads: those that the member may see.
            limit: How many at the most.
            after: The last job of the page before, or its key; it may have been deleted meanwhile.

        Raises:
            NotFound: when there is no such workspace, *by* is nobody there, or it has no job
                *after*.
            NotAllowed: when *by* was removed.
        """
        verb = partial(self._jobs.list, workspace, state=state, by=by, limit=limit, after=after)
        return AsyncItems(self._pool, verb)

    async def get(self, job: JobRef, *, by: MemberRef | None = None) -> Job:
        """Return a job as it is now.  Errors are those of `load_report`."""
        verb = partial(self._jobs.get, job, by=by)
        return await self._pool.run(verb)

    async def load(
        self,
        job: JobRef,
        data: RowSource,
        *,
        by: MemberRef,
        format: str = "itag",
        on_error: OnError = "raise",
        progress: ProgressWrapper | None = None,
    ) -> LoadReport:
        """Load a draft's data, or go on with it where loading broke off.

        When it breaks off, call it again with the same data: rows that were read are passed over.

        The fields of a row are in its ``data``, as in iTAG's manifest; beside it results may stand.
        A mapping, or a row of a data frame, may also be the fields alone.  A mapping with a field
        ``data`` has its fields there; the first good one decides for all of the data, and one that
        differs is a bad row.  So is one with results and without ``data``.  A JSON text, or a row
        of a file, always has ``data``.

        In a data frame (pandas, Polars, PyArrow) each column is a field, a missing value is None,
        and times become texts as in ISO 8601.

        Args:
            job: A job that is a draft.
            data: A path, an open binary file or place that *format* reads; a data frame; or an
                iterable of rows: mappings, JSON texts, or what a format's ``read`` yields.
            by: The member who loads.
            format: The format of a path, file or place.
            on_error: ``"raise"`` stores nothing from the transaction of the first bad row on, and
                raises; ``"skip"`` leaves bad rows out.
            progress: Wraps the iterable of rows, such as ``tqdm``.

        Returns:
            Which tasks this call has made, and which rows it has left out and why.

        Raises:
            InvalidData: on bad rows; it lists the first 1,000 problems and counts all.
            UnknownFormat: when there is no such format; it lists those there are.
            WrongState: when the job is not a draft: `append` to it.
            NotAllowed: when *by* may not manage jobs.
        """
        verb = partial(
            self._jobs.load, job, data, by=by, format=format, on_error=on_error, progress=progress
        )
        return await self._pool.run(verb)

    async def load_report(self, job: JobRef, *, by: MemberRef | None = None) -> LoadReport:
        """Return what loading a job's first data has done so far, whoever has loaded it.

        So `create` and `import_results` tell what they have skipped, and a load that broke off what
        it had done before.  What `append` adds is not part of it: that returns a report of its own.

        Raises:
            NotAllowed: when *by* may not read the job.
        """
        verb = partial(self._jobs.load_report, job, by=by)
        return await self._pool.run(verb)

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
        format: str = "itag",
        row_key: str | None = None,
        row_key_type: Literal["text"] | None = None,
        seed: int | None = None,
        validator: str | None = None,
        progress: ProgressWrapper | None = None,
        **notes: Unpack[JobNotes],
    ) -> CheckReport:
        """Return what `create` would do with the same arguments, and store nothing.

        All rows are read; with a row key, the keys of all of them are held in memory.

        Raises:
            InvalidData: on a bad name or rule, or when *data* is nothing that has rows.
            AlreadyExists: when the workspace has a job of this name.
            UnknownFormat: when there is no such format.
            NotRegistered: when this process does not have the validator.
            NotAllowed: when *by* may not manage jobs.
        """
        verb = partial(
            self._jobs.check,
            workspace,
            name,
            template=template,
            data=data,
            workflow=workflow,
            packaging=packaging,
            workforce=workforce,
            by=by,
            format=format,
            row_key=row_key,
            row_key_type=row_key_type,
            seed=seed,
            validator=validator,
            progress=progress,
            **notes,
        )
        return await self._pool.run(verb)

    async def clone(self, job: JobRef, name: str, *, by: MemberRef, with_data: bool = False) -> Job:
        """Store a new draft that is set up like *job*: without answers, pre-labels or comments.

        It has the same template (a copy, if the job has one of its own), workflow, packaging,
        workforce, row key, tags and validator, and a new seed.  Other notes are not copied.

        Args:
            job: A job in any state.
            name: The name of the new one, unique in the workspace.
            by: The member who orders it.
            with_data: Whether to load the rows of its tasks too, but not those that were erased.

        Raises:
            AlreadyExists: when the workspace has a job of this name.
            NotRegistered: when this process does not have the job's validator.
            NotAllowed: when *by* may not manage jobs.
        """
        verb = partial(self._jobs.clone, job, name, by=by, with_data=with_data)
        return await self._pool.run(verb)

    async def append(
        self,
        job: JobRef,
        data: RowSource,
        *,
        by: MemberRef,
        format: str = "itag",
        on_error: OnError = "raise",
        progress: ProgressWrapper | None = None,
    ) -> LoadReport:
        """Add rows to a published job; they form new packages, and a finished job runs again.

        Rows whose row key the job knows are left out, so a broken append is simply sent again.  The
        arguments and errors are those of `load`.

        Raises:
            WrongState: when the job is a draft (`load` into it) or archived.
            Incomplete: when it has finished, and too few people may do the work or review it.
        """
        verb = partial(
            self._jobs.append, job, data, by=by, format=format, on_error=on_error, progress=progress
        )
        return await self._pool.run(verb)

    async def publish(self, job: JobRef, *, by: MemberRef) -> Job:
        """Give out a draft's work from now on.  Publishing again what runs changes nothing.

        Raises:
            Incomplete: when it has no tasks, or its set-up could never finish; it says which rule.
            WrongState: when it is neither a draft nor running.
            NotAllowed: when *by* may not manage jobs.
        """
        verb = partial(self._jobs.publish, job, by=by)
        return await self._pool.run(verb)

    async def pause(self, job: JobRef, *, by: MemberRef) -> Job:
        """Give out no more work; what is held, and leases, go on.  Once more changes nothing.

        Raises:
            WrongState: when it neither runs nor is paused.
            NotAllowed: when *by* may not manage jobs.
        """
        verb = partial(self._jobs.pause, job, by=by)
        return await self._pool.run(verb)

    async def resume(self, job: JobRef, *, by: MemberRef) -> Job:
        """Give out work again.  Resuming what runs changes nothing.

        Raises:
            WrongState: when it neither runs nor is paused.
            NotAllowed: when *by* may not manage jobs.
        """
        verb = partial(self._jobs.resume, job, by=by)
        return await self._pool.run(verb)

    async def finish(self, job: JobRef, *, by: MemberRef, discard_open: bool = False) -> Job:
        """End a job by hand; one whose packages are all done has finished by itself.

        Finishing again what is finished changes nothing.

        Args:
            job: A job that runs or is paused.
            by: The member who ends it.
            discard_open: Discard what is still open, package by package, or refuse.

        Raises:
            Incomplete: when a package is open.
            WrongState: when the job is a draft or archived.
            NotAllowed: when *by* may not manage jobs.
        """
        verb = partial(self._jobs.finish, job, by=by, discard_open=discard_open)
        return await self._pool.run(verb)

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
            progress: Wraps the iterable of packages, such as ``tqdm``.
            by: The member who decides.

        Raises:
            InvalidData: when the workflow does not have the stage.
            WrongState: when the job is a draft or archived.
            Incomplete: when answers follow a change of the template, or too few may do the work.
            NotAllowed: when the named member may not do it, or *by* may not manage jobs.
        """
        verb = partial(
            self._jobs.reopen,
            job,
            where=where,
            to=to,
            assign=assign,
            comment=comment,
            dry_run=dry_run,
            progress=progress,
            by=by,
        )
        return await self._pool.run(verb)

    async def archive(self, job: JobRef, *, by: MemberRef) -> Job:
        """Close a job permanently: it stays readable, and all open assignments are recalled.

        Nobody gets work of it any more.  Called again it goes on where it broke off.

        Raises:
            NotAllowed: when *by* may not manage jobs.
        """
        verb = partial(self._jobs.archive, job, by=by)
        return await self._pool.run(verb)

    async def delete(self, job: JobRef, *, by: MemberRef) -> None:
        """Delete a draft or an archived job with all that belongs to it; its last event stays.

        When the process ends in the middle, call it again.

        Raises:
            NotAllowed: when it is neither, or *by* may not manage jobs.
        """
        verb = partial(self._jobs.delete, job, by=by)
        await self._pool.run(verb)

    async def update(self, job: JobRef, *, by: MemberRef, **fields: Unpack[JobFields]) -> Job:
        """Change name, tags, remark, guideline, times or the workflow; what is not given stays.

        ``workflow=`` takes a whole workflow with the same stages and merge rules.  The rest may
        differ, and holds for claims, renewals, saves and judgments made later and for packages that
        come to a stage later.  Votes may become more: then each package that is still at LABEL is
        labeled by more members, and when that breaks off, the same call goes on with it.  Another
        guideline is its next version: see `guidelines`.

        Raises:
            InvalidData: on a bad name, a value of another kind, a time without its zone, or a
                workflow that has other stages or merge rules, fewer votes or a limit more or less.
            TypeError: on another field, as Python has it.
            AlreadyExists: when the workspace has another job of this name.
            NotAllowed: when the job is archived, its people could not do the work, or *by* may not
                manage jobs.
            NotRegistered: when this process lacks a merge function that the workflow names.
        """
        verb = partial(self._jobs.update, job, by=by, **fields)
        return await self._pool.run(verb)

    async def guidelines(self, job: JobRef, *, by: MemberRef | None = None) -> Sequence[Guideline]:
        """Return every version of a job's guideline, the oldest first; errors as in `get`."""
        verb = partial(self._jobs.guidelines, job, by=by)
        return await self._pool.run(verb)

    async def progress(self, job: JobRef, *, by: MemberRef | None = None) -> Progress:
        """Return how far a job is, in packages, tasks and rows read; errors as in `get`."""
        verb = partial(self._jobs.progress, job, by=by)
        return await self._pool.run(verb)

    def blocked(
        self,
        job: JobRef,
        *,
        by: MemberRef | None = None,
        limit: int | None = None,
        after: BlockedPackage | int | None = None,
    ) -> AsyncItems[BlockedPackage]:
        """Yield the packages that nobody can go on with, by number, with their stage and why.

        Args:
            job: The job; nothing of a draft, or of one that has ended, is blocked.
            by: Who reads.
            limit: How many at the most.
            after: The last one of the page before, or the number of its package.

        Raises:
            NotAllowed: when *by* may not read results there.
        """
        verb = partial(self._jobs.blocked, job, by=by, limit=limit, after=after)
        return AsyncItems(self._pool, verb)

    async def set_workforce(self, job: JobRef, workforce: Workforce, *, by: MemberRef) -> Job:
        """Name who works at these stages; other stages stay as they are, and so do assignments.

        Raises:
            NotFound: when a member is not in the workspace.
            NotAllowed: when the job is archived, or *by* may not manage jobs.
        """
        verb = partial(self._jobs.set_workforce, job, workforce, by=by)
        return await self._pool.run(verb)

    async def add_workers(
        self, job: JobRef, stage: CrewKey | str, workers: Workers, *, by: MemberRef
    ) -> Job:
        """Name more members or groups for a stage; errors are those of `set_workforce`."""
        verb = partial(self._jobs.add_workers, job, stage, workers, by=by)
        return await self._pool.run(verb)

    async def remove_workers(
        self, job: JobRef, stage: CrewKey | str, workers: Workers, *, by: MemberRef
    ) -> Job:
        """Name fewer members or groups for a stage; errors are those of `set_workforce`."""
        verb = partial(self._jobs.remove_workers, job, stage, workers, by=by)
        return await self._pool.run(verb)

    async def set_validator(self, job: JobRef, validator: str | None, *, by: MemberRef) -> Job:
        """Check every answer of a job before it is saved, by a function of yours; None ends that.

        The job keeps the name under which each process that works on it registers the function;
        one that lacks it can claim nothing of the job and save nothing.  The function is called
        with the task and the replies by question id, outside of any transaction, and returns what
        is wrong: an iterable of `Problem`, empty when nothing is.  Earlier answers are not checked.

        Raises:
            NotRegistered: when this process does not have it.
            NotAllowed: when the job is archived, or *by* may not manage jobs.
        """
        verb = partial(self._jobs.set_validator, job, validator, by=by)
        return await self._pool.run(verb)

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

        A task can have several predictions, one of each model and version; `WorkItem.predictions`
        has all, and `Result.provenance` says where each came from.  What counts as labeled gets no
        more.  Packages on which people work, or have worked, are left out; so are tasks that have a
        prediction of *model* and *model_version* already, or of any model when neither is given.
        So a call that broke off is simply made again.  A draft with pre-labels takes no more rows.

        Args:
            job: A job that is a draft, runs or is paused.
            predict: Is called with up to *batch* tasks, outside of any transaction, and returns for
                each, in their order, a `PreLabel`, bare replies, or None for nothing to say; a
                `Problem` or an exception tells that it failed on that task.  When the call raises,
                it is made again for each task alone.  `itagflow.prelabels` makes such callables.
            by: The member who decides.
            min_confidence: True: all count as labeled; a number from 0 to 1: those whose score is
                at least that; False: none.  What is to count is shown to the job's validator, too.
            model: The model, where the pre-label does not name it.
            model_version: Its version, where the pre-label does not name it.
            batch: How many tasks *predict* gets at the most.
            progress: Wraps the iterable of packages, such as ``tqdm``.

        Raises:
            WrongState: when the job is finished or archived.
            NotAllowed: when *by* may not manage jobs.
            InvalidData: when *predict* does not return as many as it was given.
            NotRegistered: when this process lacks the job's validator, which is to be asked.
            Conflict: when the template or the validator was changed meanwhile: call it again.
        """
        verb = partial(
            self._jobs.prelabel,
            job,
            predict,
            by=by,
            min_confidence=min_confidence,
            model=model,
            model_version=model_version,
            batch=batch,
            progress=progress,
        )
        return await self._pool.run(verb)

    async def change_template(
        self,
        job: JobRef,
        to: Template | TemplateStep | Iterable[TemplateStep],
        *,
        by: MemberRef,
        dry_run: bool = False,
    ) -> TemplateReport:
        """Change the template of a job and migrate its answers, or only report the effect.

        The job's template is one version newer afterwards; one that has a name, or that other jobs
        use too, stays as it is, and the job gets a copy.  Work goes on meanwhile: open assignments
        are answered with the new template from then on.  Votes are not merged again.  Answers
        follow package by package.  When it breaks off, call it again, also without steps.

        Args:
            job: A job that is not archived.
            to: The step or steps of a migration, which change answers too; or a new template, which
                changes none.
            by: The member who decides.
            dry_run: Only count, and change nothing.

        Raises:
            InvalidData: when a step cannot be, or answers would not fit the new template; it says
                how many, and lists the first 1,000 problems, such as ``task 3, assignment 17, 1``.
                Nothing is changed then.
            Conflict: when somebody else has changed the template meanwhile.
            Incomplete: when *dry_run* is to look at answers that still follow the last change.
            NotAllowed: when the job is archived, or *by* may not manage jobs.
        """
        verb = partial(self._jobs.change_template, job, to, by=by, dry_run=dry_run)
        return await self._pool.run(verb)
