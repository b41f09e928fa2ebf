# Generated from itagflow.api.results by tests/docs/pins/write.py: change that, and run this.
"""Results: what each task came to, and who made it; awaited."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Mapping, Sequence
from concurrent.futures import Executor
from functools import partial
from typing import Any

from itagflow.aio.items import AsyncItems
from itagflow.aio.pool import ThreadPool
from itagflow.api.results import Results
from itagflow.formats import WriteReport
from itagflow.model.became import Became
from itagflow.model.export import Export
from itagflow.model.job import Stage
from itagflow.model.partition import JobPartition
from itagflow.model.result import Result
from itagflow.model.selection import Selection
from itagflow.model.snapshot import Snapshot
from itagflow.model.split import Split
from itagflow.model.task import Answer, Task, TaskState, WorkItem
from itagflow.model.version import AnswerVersion
from itagflow.typing import (
    AssignmentRef,
    DatasetRef,
    FollowedFrom,
    FormatRef,
    JobRef,
    Lossy,
    MemberRef,
    PartitionRef,
    ProgressWrapper,
    ResultRef,
    Target,
    TaskRef,
    WorkspaceRef,
)


class AsyncResults:
    """Results: what each task came to, and who made it; awaited."""

    def __init__(self, pool: ThreadPool, results: Results) -> None:
        """Do the work of *results* in the threads of *pool*."""
        self._pool = pool
        self._results = results

    def list(
        self,
        job: PartitionRef,
        *,
        where: Selection | None = None,
        by: MemberRef | None = None,
        snapshot: bool = False,
        limit: int | None = None,
        after: ResultRef | None = None,
    ) -> AsyncItems[Result]:
        """Yield the result of every task, in the order of the input, a page at a time.

        Args:
            job: The job, or a part of one.
            where: Which tasks: only those that meet its conditions, as far as *by* may see it.
            by: Who reads, when the policy is to be asked; it is without the votes that are secret
                from them.
            snapshot: Whether all pages show the same moment; each shows its own otherwise.
            limit: How many at the most.
            after: The last result of the page before, its task, or the number of that.

        Raises:
            NotFound: when there is no such job, *by* is nobody in its workspace, it has no task
                *after*, or no member or package that *where* names.
            NotAllowed: when *by* may not read there, or was removed.
        """
        verb = partial(
            self._results.list, job, where=where, by=by, snapshot=snapshot, limit=limit, after=after
        )
        return AsyncItems(self._pool, verb)

    async def get(
        self,
        job: JobRef | Task | WorkItem | tuple[JobRef, int],
        task: TaskRef | None = None,
        *,
        key: str | int | None = None,
        by: MemberRef | None = None,
    ) -> Result:
        """Return what a task came out of each stage with, its state, and who worked on it.

        Args:
            job: The job; or a task alone, as an object or as ``(job, number)``.
            task: The task in this job, or its number.
            key: The row key of the task, instead of its number.
            by: Who reads: without the votes that are secret from the member.

        Raises:
            NotFound: when there is no such job, it has no such task, or no task has this row key.
            InvalidData: when both *task* and *key* are given, or the job has no row key.
            NotAllowed: when *by* may not read there, or was removed.
        """
        return await self._pool.run(self._results.get, job, task, key=key, by=by)

    async def versions(
        self,
        job: JobRef | Task | WorkItem | tuple[JobRef, int],
        task: TaskRef | None = None,
        *,
        key: str | int | None = None,
        by: MemberRef | None = None,
    ) -> Sequence[AnswerVersion]:
        """Return every version of the answers to a task, in the order in which they were stored.

        Answers of all assignments are among them, also those that were replaced.

        Args:
            job: The job; or a task alone, as an object or as ``(job, number)``.
            task: The task in this job, or its number.
            key: The row key of the task, instead of its number.
            by: Who reads: without the votes that are secret from the member; who may not read
                results sees those of their own assignments.

        Raises:
            NotFound: when there is no such job, it has no such task, or no task has this row key.
            InvalidData: when both *task* and *key* are given, or the job has no row key.
            NotAllowed: when *by* may not read there, or was removed.
        """
        return await self._pool.run(self._results.versions, job, task, key=key, by=by)

    async def restore_version(
        self,
        assignment: AssignmentRef,
        task: TaskRef,
        version: AnswerVersion | int,
        *,
        expected_version: int | None = None,
        by: MemberRef | None = None,
    ) -> Answer:
        """Answer a task once more as an earlier version did, and return the answer as stored.

        What stands there now is kept as a version, too.  Restoring again what stands there changes
        nothing.  What an assignment said that has ended is restored in that of whoever works on
        the package next, such as its reviewer.

        Args:
            assignment: The assignment that answers: it is held.
            task: A task in its scope.
            version: The version, of this or an earlier assignment, or its position.
            expected_version: As in `Flow.save`.
            by: Who restores it: the holder, or somebody who manages jobs; the holder when not
                given.

        Raises:
            NotFound: when whoever acts sees no such version.
            InvalidData: when it does not fit the template or the validator as they are now.
            Incomplete: when the version was erased, or only judges what others said.
            StaleVersion: when the stored answer is of another version than expected.
            NotHeld: when the assignment is not held.
            NotAllowed: when *by* is another member, who may not manage jobs.
        """
        return await self._pool.run(
            self._results.restore_version, assignment, task, version,
            expected_version=expected_version, by=by,
        )

    def follow(
        self,
        place: JobRef | WorkspaceRef,
        *,
        after: FollowedFrom = 0,
        became: Became | str | None = Became.FINAL,
        timeout: float | None = None,
        by: MemberRef | None = None,
    ) -> AsyncItems[Result]:
        """Yield each result once it is final, and go on with what comes, soon after it is stored.

        A task that was reopened is yielded again when it is final again, with a higher
        ``revision``.  Each result is as it is now: what has been replaced before it could be
        yielded is left out.  Its ``cursor`` says where to go on after a crash, so that nothing is
        lost and nothing comes twice.

        Whoever keeps a copy asks for everything with ``became=None``: also for what was abandoned,
        reopened, withdrawn or erased, as ``result.became`` says, and so is no result any more.

        Args:
            place: The job, or the workspace, whose results are followed.
            after: The last result that was dealt with before, or its cursor; or an event, or its
                position, with which all before it were.  0: from the beginning.
            became: Yield a result when its task has become this; None: whatever it became.
            timeout: After how many seconds without a result to end; None: never.
            by: Who reads, asked again at every read: without the votes that are secret from them;
                of a workspace, the results of the jobs where they may read them.

        Raises:
            NotFound: when there is no such job or workspace, or *by* is nobody there.
            InvalidData: when *after* is no cursor, or *became* none of ``Became``.
            NotAllowed: when *by* may not read results there, or was removed.
        """
        verb = partial(
            self._results.follow, place, after=after, became=became, timeout=timeout, by=by
        )
        return AsyncItems(self._pool, verb, is_waiting=True)

    async def wait(
        self,
        job: JobRef | Task | WorkItem | tuple[JobRef, int],
        task: TaskRef | None = None,
        *,
        key: str | int | None = None,
        timeout: float | None = 30.0,
        by: MemberRef | None = None,
    ) -> Result | None:
        """Return the result of a task once work on it has ended, or None when it has not in time.

        It is final, or its ``became`` says that the task was abandoned, withdrawn or erased.

        Args:
            job: The job; or a task alone, as an object or as ``(job, number)``.
            task: The task in this job, or its number.
            key: The row key of the task, instead of its number.
            timeout: How many seconds to wait at the most; None: for ever.
            by: Who reads: without the votes that are secret from the member.

        Raises:
            NotFound: when there is no such job, it has no such task, or no task has this row key.
            InvalidData: when both *task* and *key* are given, or the job has no row key.
            NotAllowed: when *by* may not read there, or was removed.
        """
        return await self._pool.wait(self._results.wait, job, task, key=key, timeout=timeout, by=by)

    def find(
        self,
        job: PartitionRef,
        *,
        state: TaskState | str | None = None,
        member: MemberRef | None = None,
        label: str | None = None,
        by: MemberRef | None = None,
        limit: int | None = None,
        after: ResultRef | None = None,
    ) -> AsyncItems[Result]:
        """Yield the tasks that match all of what is given, with their results.

        It is short for `list` with a ``Selection`` of these conditions.

        Args:
            job: The job, or a part of one.
            state: How far they are.
            member: Who did work that the result comes from: the newest labeling, or a review that
                the task passed since.
            label: An option chosen in the result, for the task or one of its regions.
            by: Who reads, when the policy is to be asked; votes that are secret from them match
                nothing.
            limit: How many at the most.
            after: The last result of the page before, its task, or the number of that.

        Raises:
            NotFound: when there is no such job, it has no task *after*, or *member* or *by* is
                nobody in its workspace.
            NotAllowed: when *by* may not read there, or was removed.
        """
        verb = partial(
            self._results.find, job, state=state, member=member, label=label, by=by, limit=limit,
            after=after,
        )
        return AsyncItems(self._pool, verb)

    def rows(
        self,
        job: DatasetRef,
        *,
        votes: bool = False,
        fields: Iterable[str] | None = None,
        accounts: bool = True,
        where: Selection | None = None,
        by: MemberRef | None = None,
        limit: int | None = None,
        after: ResultRef | Mapping[str, Any] | None = None,
    ) -> AsyncItems[dict[str, Any]]:
        """Yield a flat dict for every task, in input order: what `pandas.DataFrame` takes.

        All rows have the same keys in the same order, with None where there is nothing:

        - ``task``, ``key``, ``state``: its number, its row key, the value of its `TaskState`;
        - ``label_by``, ``label_at``, ``label_seconds``, and the like for ``inspect`` and
          ``accept``: the accounts of those who last brought it through that stage, when, and how
          long they worked on it;
        - ``score``, ``model``: how sure the model was that gave the answer, and which one it was;
        - ``inspected``: whether a reviewer has checked the task since it was labeled;
        - ``rejections``: how often a reviewer rejected its package;
        - ``decided_by``: ``"timeout"`` for the default answer of a task that was overdue;
        - ``job``: the name of the job;
        - the fields of the data, as they came;
        - for each question its title, with the reply as a plain value: the key of an option, a
          list of keys, a text, a number; all others as `replies_to_json` writes them.

        With ``votes=True`` there is a row for each vote of the newest labeling, or for the one
        labeler of a task; instead of the columns about stages and reviews it has ``round``,
        ``by``, ``at``, ``seconds`` and ``abandoned``, why the labeler gave it up.

        Names stay apart.  A question whose title is that of another column gets its id behind the
        title, as in ``state (1)``, and a field of the data ``(data)``.

        Args:
            job: The job or a part of one, several of a workspace in a list, or a ``Dataset``,
                which says more about several.  Their templates ask the same questions.
            votes: Whether each vote has a row of its own.
            fields: Which fields of the data have columns.  All that some task has unless given:
                then the data of the jobs is gone through before the first row.
            accounts: Whether members are called by their accounts; else by pseudonyms, which are
                the same in all jobs of the workspace.
            where: Which tasks, as `list` has it.
            by: Who reads, when the policy is to be asked; it is without the votes that are secret
                from them.
            limit: How many rows at the most.
            after: The last row of the page before; or its task, to begin behind all its rows.

        Raises:
            NotFound: when there is no such job, *by* is nobody in its workspace, or it has no task
                *after*.
            NotAllowed: when *by* may not read there, or was removed.
            InvalidData: when several jobs do not make one table.
        """
        verb = partial(
            self._results.rows, job, votes=votes, fields=fields, accounts=accounts, where=where,
            by=by, limit=limit, after=after,
        )
        return AsyncItems(self._pool, verb)

    async def to_arrow(
        self,
        job: DatasetRef,
        *,
        votes: bool = False,
        fields: Iterable[str] | None = None,
        accounts: bool = True,
        where: Selection | None = None,
        by: MemberRef | None = None,
        progress: ProgressWrapper | None = None,
    ) -> Any:
        """Return the rows of `rows` as a ``pyarrow.Table``, with typed columns.

        It needs the extra ``arrow``.  The types follow from the template and the names of the
        fields, and not from what is in the rows: times are times, lists of keys are lists, regions,
        spans and segments are lists of structs.  A field of the data is a text; a value that is
        none is written as JSON.

        pandas, Polars, DuckDB and ``datasets`` take the table as it is.  It is in memory as a
        whole: of a large job, export the format ``parquet``, which is the same table in a file.

        The arguments and the errors are those of `rows`; *progress* wraps the iterable of tasks.

        Raises:
            InvalidData: also when PyArrow is not installed; or when an answer does not fit the
                template, such as while answers follow a change of it.
        """
        return await self._pool.run(
            self._results.to_arrow, job, votes=votes, fields=fields, accounts=accounts, where=where,
            by=by, progress=progress,
        )

    def votes(
        self,
        job: PartitionRef,
        *,
        by: MemberRef | None = None,
        limit: int | None = None,
        after: TaskRef | Mapping[str, Any] | None = None,
    ) -> AsyncItems[dict[str, Any]]:
        """Yield a flat dict for every vote, by task, then by the order in which they were claimed.

        The votes are those of each task's newest labeling; tasks that one member labels have none.
        `Results.rows` with ``votes=True`` has them, too, and more columns.
        The keys are, in this order:

        - ``task``: the number of the task; ``round``: that of the labeling;
        - ``by`` and ``at``: the account of the voter, and when the answer was saved;
        - ``abandoned``: why the voter gave the task up; None when they answered;
        - for each question its title, with the reply as a plain value, as `Results.rows` has it.

        Args:
            job: The job, or a part of one.
            by: Who reads, when the policy is to be asked; it is without the votes that are secret
                from them: those on packages that are at LABEL.
            limit: How many votes at the most.
            after: The last vote of the page before; or a task, to begin behind all votes on it.

        Raises:
            NotFound: when there is no such job, *by* is nobody in its workspace, or it has no task
                or vote *after*.
            NotAllowed: when *by* may not read results there, or was removed.
        """
        verb = partial(self._results.votes, job, by=by, limit=limit, after=after)
        return AsyncItems(self._pool, verb)

    async def export(
        self,
        job: DatasetRef,
        format: FormatRef,
        target: Target | Mapping[str, Target],
        *,
        split: Split | Mapping[str, float] | None = None,
        where: Selection | None = None,
        since: FollowedFrom | WriteReport | Export | None = None,
        stages: Collection[Stage | str] | Collection[Stage] | None = None,
        by: MemberRef | None = None,
        progress: ProgressWrapper | None = None,
        snapshot: bool | str | Snapshot = False,
        executor: Executor | None = None,
        partitions: int | None = None,
        lossy: Lossy = "report",
        **options: Any,
    ) -> WriteReport:
        """Write the results of one job or several to a file, and return what was written.

        Tasks whose data was erased are left out, and counted.  What is written is what each stage
        came to, without votes that are not merged yet.  Every export is kept in the history: see
        `exports`.

        Args:
            job: The job or a part of one, several of a workspace in a list, or a ``Dataset``.
            format: The name of the format, such as ``"itag"``, or a format itself: a module or
                object with ``read`` and ``write``.
            target: A path, an open binary file, or anything path-like with ``open`` and ``/``.  For
                a split a path with ``{split}`` in it, or a mapping from its names to places.
            split: How the tasks are divided among several files, such as
                ``{"train": 0.8, "test": 0.2}``, or a ``Split``, which also knows groups.
            where: Which tasks, as `list` has it.
            since: Write only what changed since an earlier export with ``since``, the first of them
                with ``since=0``: its report, its entry in `exports`, the position in its
                ``complete_to``, or where `follow` was.  Such a file also says which tasks are to
                be taken out of the earlier ones.
            stages: The stages whose results are written; all of them when not given.
            by: Who exports, when the policy is to be asked.
            progress: Wraps the iterable of results, such as ``tqdm``; with an executor, that of the
                parts written.
            snapshot: Whether the whole file shows one moment, also while people go on working; or
                a snapshot that `snapshot` has made, or its name: the file shows what was then.
            executor: Has its workers write the parts of the file, each with a connection of its
                own; the file is the same.
            partitions: Into how many partitions the work is cut for the executor; one for each
                5,000 tasks unless given.
            lossy: What becomes of what the format cannot hold: ``"report"`` leaves it out and
                counts it in ``WriteReport.losses``, ``"error"`` refuses the export.
            **options: What else the format takes, such as ``escape_formulas=True`` for CSV.

        Raises:
            UnknownFormat: when there is no such format; it lists those there are.
            NotAllowed: when *by* may not export.
            Incomplete: when answers still follow a change of the template.
            InvalidData: when the format has no such option; when something would be lost, and
                nothing may be; when several jobs do not make one dataset; when *since* is of
                another export, or the format does not know it; or when an executor cannot work on
                this export: the format is not made of parts, or one moment is asked for.
            StoreFailed: when the system does not write the target; or the workers are other
                processes, and the store is in the memory of this one.
        """
        return await self._pool.run(
            self._results.export, job, format, target, split=split, where=where, since=since,
            stages=stages, by=by, progress=progress, snapshot=snapshot, executor=executor,
            partitions=partitions, lossy=lossy, **options,
        )

    def exports(
        self,
        job: JobRef | Task | WorkItem | tuple[JobRef, int],
        task: TaskRef | None = None,
        *,
        key: str | int | None = None,
        by: MemberRef | None = None,
        limit: int | None = None,
        after: Export | int | None = None,
    ) -> AsyncItems[Export]:
        """Yield the exports of a job, or those whose files hold a task, oldest first.

        Every export is kept in the history, with who wrote the file, its hash, and what is in it.
        What was erased since is in the files still: they are found by the number of the task.

        Args:
            job: The job; or a task alone, as an object or as ``(job, number)``.
            task: The task in this job, or its number.
            key: The row key of the task, instead of its number.
            by: Who asks, when the policy is to be asked.
            limit: How many at the most.
            after: The last export of the page before, or its position.

        Raises:
            NotFound: when there is no such job, it has no such task, or *after* is an export of
                another job.
            InvalidData: when both *task* and *key* are given, or the job has no row key.
            NotAllowed: when *by* may not export, or was removed.
        """
        verb = partial(self._results.exports, job, task, key=key, by=by, limit=limit, after=after)
        return AsyncItems(self._pool, verb)

    async def snapshot(
        self,
        job: DatasetRef,
        name: str,
        target: str | os.PathLike[str],
        *,
        where: Selection | None = None,
        by: MemberRef | None = None,
        progress: ProgressWrapper | None = None,
    ) -> Snapshot:
        """Keep what the results of a job are now under a name, and return what is known of it.

        The rows go to a file in the format ``jsonl``, which stays where it is: exports with
        ``snapshot=name`` read it, and have the same bytes each time, whatever became of the job.
        Votes that are secret now are not in it.  What is erased later is left out of such exports,
        and their report counts it.

        Args:
            job: The job or a part of one, several of a workspace in a list, or a ``Dataset``.
            name: What it is called: a name that no other snapshot of these jobs has.
            target: The path of the file; with the suffix ``.gz`` it is compressed.
            where: Which tasks, as `list` has it.
            by: Who makes it, when the policy is to be asked.
            progress: Wraps the iterable of results, such as ``tqdm``.

        Raises:
            AlreadyExists: when one of the jobs has a snapshot of this name.
            NotFound: when there is no such job, or *by* is nobody in its workspace.
            NotAllowed: when *by* may not export.
            Incomplete: when answers still follow a change of the template.
            InvalidData: when several jobs do not make one dataset.
            StoreFailed: when the system does not write the target.
        """
        return await self._pool.run(
            self._results.snapshot, job, name, target, where=where, by=by, progress=progress
        )

    def snapshots(
        self,
        job: JobRef,
        *,
        by: MemberRef | None = None,
        limit: int | None = None,
        after: Snapshot | str | None = None,
    ) -> AsyncItems[Snapshot]:
        """Yield the snapshots of a job that were not dropped, oldest first.

        A page of so many begins behind *after*, the last one of the page before, or its name.

        Raises:
            NotFound: when there is no such job or snapshot, or *by* is nobody in its workspace.
            NotAllowed: when *by* may not export, or was removed.
        """
        verb = partial(self._results.snapshots, job, by=by, limit=limit, after=after)
        return AsyncItems(self._pool, verb)

    async def drop_snapshot(
        self, job: JobRef, snapshot: Snapshot | str, *, by: MemberRef | None = None
    ) -> Snapshot:
        """Forget a snapshot, and return what was known of it: its file is left to the caller.

        Raises:
            NotFound: when the job has no such snapshot.
            NotAllowed: when *by* may not export.
        """
        return await self._pool.run(self._results.drop_snapshot, job, snapshot, by=by)

    async def partition(
        self, job: PartitionRef, count: int, *, by: MemberRef | None = None
    ) -> tuple[JobPartition, ...]:
        """Partition the tasks that a job has now, for as many workers; each is in one partition.

        A part is a plain value.  A worker, in whatever process, opens a Flow of its own and passes
        the part where a job is read: to `list`, `find`, `export` or `verify`.

        Args:
            job: The job, or a part that is to be cut again.
            count: How many parts; there are fewer when there are fewer tasks, and one for a job
                without tasks.
            by: Who reads, when the policy is to be asked.

        Raises:
            InvalidData: when *count* is less than one.
            NotAllowed: when *by* may not read there, or was removed.
        """
        return await self._pool.run(self._results.partition, job, count, by=by)
