# Generated from itagflow.api.quality by tests/docs/pins/write.py: change that, and run this.
"""Quality: how good the labels of one job or several are; it only reads; awaited."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from itagflow.aio.pool import ThreadPool
from itagflow.api.quality import Quality
from itagflow.model.event import Event
from itagflow.quality.forecasting import JobForecast
from itagflow.quality.labels import LabelRow
from itagflow.quality.statements import Rate, Statement, WorkBy
from itagflow.quality.values import (
    ErrorLeft,
    PositionBias,
    QuestionAgreement,
    StatisticsOf,
    StatisticsUnit,
    Truth,
)
from itagflow.typing import JobRef, MemberRef, ProgressWrapper, WorkspaceRef


class AsyncQuality:
    """Quality: how good the labels of one job or several are; it only reads; awaited."""

    def __init__(self, pool: ThreadPool, quality: Quality) -> None:
        """Do the work of *quality* in the threads of *pool*."""
        self._pool = pool
        self._quality = quality

    async def labels(
        self,
        job: JobRef | Sequence[JobRef],
        *,
        extra_votes: bool = True,
        by: MemberRef | None = None,
        progress: ProgressWrapper | None = None,
    ) -> Mapping[str, Sequence[LabelRow]]:
        """Return who said what, by question, as the functions of `itagflow.quality` take it.

        A label is ``(task, member, value)``: the number of the task, the account of the member, and
        the reply as a value that has a hash: the key of an option, a frozen set of keys, a text, a
        number; regions, spans and segments as they are.

        Labels are those of each task's newest labeling, once the members have handed them in: all
        votes, or the answer of the one member who labeled it.  What was abandoned, erased or handed
        to the experts is no label, nor what a model, a file or a deadline has answered.  A labeler
        who is hidden from a reviewer has another name in each package.

        Args:
            job: The job; several as a list.
            extra_votes: Whether votes that were asked for later count.  Where tasks were asked
                again because members disagreed, the agreement on these is too low.
            by: Who reads: without the votes that are secret from the member.
            progress: Wraps the iterable of packages, such as ``tqdm``.

        Raises:
            NotFound: when there is no such job, or *by* is nobody in its workspace.
            InvalidData: when the list names no job.
            NotAllowed: when *by* may not read results there, or was removed.
        """
        return await self._pool.run(
            self._quality.labels, job, extra_votes=extra_votes, by=by, progress=progress
        )

    async def agreement(
        self,
        job: JobRef | Sequence[JobRef],
        *,
        extra_votes: bool = False,
        bootstrap: int = 0,
        seed: int = 0,
        by: MemberRef | None = None,
        progress: ProgressWrapper | None = None,
    ) -> Mapping[str, QuestionAgreement]:
        """Return how far members agree on each question: over all, by label, and member by member.

        Where there is no number, as with one label for each task, the reason is given instead.

        Args:
            job: The job; several as a list.
            extra_votes: Whether votes that were asked for later count, as `labels` has it.
            bootstrap: How many samples of tasks to draw for the interval of alpha; 0 for none.
            seed: The seed of these draws.
            by: Who reads: without the votes that are secret from the member.
            progress: Wraps the iterable of packages, such as ``tqdm``.

        Raises:
            NotFound: when there is no such job, or *by* is nobody in its workspace.
            InvalidData: when an argument is wrong, no job is named, or NumPy is not installed.
            NotAllowed: when *by* may not read results there, or was removed.
        """
        return await self._pool.run(
            self._quality.agreement, job, extra_votes=extra_votes, bootstrap=bootstrap, seed=seed,
            by=by, progress=progress,
        )

    async def truth(
        self,
        job: JobRef | Sequence[JobRef],
        *,
        by: MemberRef | None = None,
        progress: ProgressWrapper | None = None,
    ) -> Mapping[str, Truth]:
        """Return the most probable value of each task, and how well each member labels.

        By question, with `itagflow.quality.truth`; without questions for regions, spans or
        segments.  It is for analysis: no work is decided by it.

        Args:
            job: The job; several as a list.
            by: Who reads: without the votes that are secret from the member.
            progress: Wraps the iterable of packages, such as ``tqdm``.

        Raises:
            NotFound: when there is no such job, or *by* is nobody in its workspace.
            InvalidData: when the list names no job, or NumPy is not installed.
            NotAllowed: when *by* may not read results there, or was removed.
        """
        return await self._pool.run(self._quality.truth, job, by=by, progress=progress)

    async def position_bias(
        self,
        job: JobRef | Sequence[JobRef],
        *,
        by: MemberRef | None = None,
        progress: ProgressWrapper | None = None,
    ) -> Mapping[str, PositionBias]:
        """Return how often each position was chosen, of questions whose options are shuffled.

        By question, with `itagflow.quality.position_bias`, of those with ``shuffle=True`` where one
        option is chosen, preferred or ranked first.  All labels count, as `labels` has them; of
        options inside another the outer one.

        Args:
            job: The job; several as a list.
            by: Who reads: without the votes that are secret from the member.
            progress: Wraps the iterable of packages, such as ``tqdm``.

        Raises:
            NotFound: when there is no such job, or *by* is nobody in its workspace.
            InvalidData: when the list names no job.
            NotAllowed: when *by* may not read results there, or was removed.
        """
        return await self._pool.run(self._quality.position_bias, job, by=by, progress=progress)

    async def error_left(
        self,
        job: JobRef | Sequence[JobRef],
        *,
        detection: float | None = None,
        by: MemberRef | None = None,
        progress: ProgressWrapper | None = None,
    ) -> ErrorLeft:
        """Return the rate of errors left in accepted work, with its 95 % interval and a sentence.

        It is found from all reviews of fresh samples at the last review stage, of all rounds,
        whether packages passed or went back: see `itagflow.quality.error_left`.  A task is wrong
        when it was judged wrong, or the reviewer gave another answer.  Reviews of what was sent
        back, of campaigns, and before a package was reopened are left out; so are discarded
        packages.  With ``package_share`` the packages that were drawn stand for those that were
        not, and those that are always drawn, as after a reject, only for themselves.

        Packages that are sent back whole are taken to be so from the fewest errors on with which
        one was.  Where others passed with as many there is no such number: then they count as if
        they had passed, the rate may be too high, and ``assumptions`` says so.

        A lot of several packages is one inspection, of a sample from all of its tasks.  One that
        was rejected counts with its sample; nothing is left in it once it was checked whole, and
        one that was labeled again is another lot.

        Args:
            job: The job; several as a list.
            detection: The share of errors that reviewers see, where it is known: rate and limits
                are divided by it.
            by: Who reads.
            progress: Wraps the iterable of packages, such as ``tqdm``.

        Raises:
            NotFound: when there is no such job, or *by* is nobody in its workspace.
            InvalidData: when *detection* is no share, or the list names no job.
            NotAllowed: when *by* may not read results there, or was removed.
        """
        return await self._pool.run(
            self._quality.error_left, job, detection=detection, by=by, progress=progress
        )

    async def statistics(
        self,
        job: JobRef | Sequence[JobRef],
        *,
        of: StatisticsOf | str = StatisticsOf.JOB,
        unit: StatisticsUnit | str = StatisticsUnit.ITEM,
        since: datetime | None = None,
        until: datetime | None = None,
        every: timedelta | None = None,
        by: MemberRef | None = None,
        progress: ProgressWrapper | None = None,
    ) -> Sequence[dict[str, Any]]:
        """Return statistics under the names that iTAG gives them, as flat dicts.

        What counts as one is the task, or with ``operatorcell`` the cell: each region, span and
        segment of an answer, and each reply without any.  Errors are then the cells that a reviewer
        has added, removed or changed (they overlap by less than nine tenths, or have another
        label), never more than were checked; of a task that is only judged wrong, all.  Open
        doubt: this is our reading of iTAG's ``OPERATORCELL``.

        A look is a task in a round that a reviewer has handed in at a stage; an error is a look
        that judged the task wrong or gave another answer.  Discarded packages are left out.  Times
        are hours as far as they were given; accuracies are percentages, None without a look;
        efficiencies are numbers an hour, None where no time was given.  Of a job there are:

        - ``TotalItemCount``, ``FinishedItemCount``: tasks; those of done packages.
          ``TotalSubtaskCount``, ``FinishedSubtaskCount``: packages; done ones;
        - ``AcceptItemCount``, ``FinalAbandonCount``: tasks of done packages with an answer; those
          that are abandoned.  ``PreMarkFixedCount``: tasks whose answer differs from the pre-label;
        - ``TotalCheckedCount``, ``CheckedError``, ``CheckedRejectCount``, ``CheckAbandon``: looks
          at INSPECT; those with an error; that sent the task back; that left it abandoned.
          ``CheckedAccuracy``: the share without an error;
        - ``TotalCheckCount``, ``TotalCheckTime``, ``CheckEfficiency``: looks made, hours, and looks
          an hour.  ``CheckAccuracy``: of inspected tasks that ACCEPT has checked, too, the share in
          which it found no error.  Open doubt: this is our reading of iTAG;
        - ``TotalSampledCount``, ``SampledErrorCount``, ``SampledRejectCount``,
          ``SampledAccuracy``: the same four at ACCEPT; ``TotalSamplingCount``: looks made there.
          ``SamplingAccuracy``: the share without an error of a labeler, whose answer no inspector
          had changed.  Open doubt: this is our reading of iTAG;
        - ``TotalMarkTime``, ``MarkEfficiency``: hours of labeling, rework included, and answers
          handed in an hour; ``TotalWorkTime``: hours at all stages.

        Of a member, or of the members of a group: ``TotalMarkItemsCount`` (answers handed in),
        ``AcceptedMarkItemsCount`` (tasks with an answer in done packages that they labeled),
        ``MarkTime``, ``MarkEfficiency``; ``CheckCount``, ``CheckedAcceptedCount`` and
        ``CheckedAccuracy`` (looks at their answers at INSPECT, those without an error);
        ``SamplingCount``, ``SamplingErrorCount`` and ``SamplingAccuracy`` (the same at ACCEPT,
        their errors); ``ReworkCausedCount`` (tasks sent back to be labeled again),
        ``ReworkCount`` and ``ReworkTime`` (answers in a later round).  With votes every voter is a
        labeler, and a vote that differs from what was decided is an error.  What nobody has
        labeled, such as pre-labels, is of the ``UserId`` None.

        Of a stage, which iTAG does not show: ``Count`` (answers or looks handed in),
        ``ErrorCount``, ``RejectCount``, ``AbandonCount``, ``Accuracy``, ``Time``, ``Efficiency``,
        and ``WaitTime``: how many hours packages waited, on average, from the work before until the
        review was claimed.

        Args:
            job: The job; several as a list.
            of: A row for each ``job``, each ``member`` over all jobs, each ``group``, by the groups
                that members are in now, or each ``stage`` over all jobs.
            unit: What counts as one: ``item``, a task, or ``operatorcell``.
            since: Only work that was handed in from then on; numbers of tasks and packages are as
                they are now.
            until: Only work that was handed in before then.
            every: The rows of each period of this length from *since* until *until*, with ``Since``
                and ``Until``.
            by: Who reads: without the votes that are secret from the member.
            progress: Wraps the iterable of packages, such as ``tqdm``.

        Raises:
            NotFound: when there is no such job, or *by* is nobody in its workspace.
            InvalidData: when a time has no zone, *of* or *unit* is none of these, or *every* cannot
                cut the time.
            NotAllowed: when *by* may not read results there, or was removed.
        """
        return await self._pool.run(
            self._quality.statistics, job, of=of, unit=unit, since=since, until=until, every=every,
            by=by, progress=progress,
        )

    async def work(
        self,
        workspace: WorkspaceRef,
        *,
        since: datetime | None = None,
        until: datetime | None = None,
        per: WorkBy | str | Iterable[WorkBy | str] = (WorkBy.MEMBER,),
        by: MemberRef | None = None,
        progress: ProgressWrapper | None = None,
    ) -> Sequence[dict[str, Any]]:
        """Return what was done in a workspace, added up, as flat dicts.

        ``AssignmentCount`` are the assignments that were handed in, ``Count`` their tasks: answers,
        also that a task is given up, and looks of reviewers.  ``CorrectedCount`` are tasks that
        were sent back, in this time, to who had handed them in, in this time or before: each voter,
        where there were votes.  ``NetCount`` is what is left, which may be less than 0; ``Time``
        the hours that were given.

        Args:
            workspace: The workspace.
            since: Only what was handed in or sent back from then on.
            until: Only what was before then.
            per: By what it is added up: any of ``member``, ``job``, ``stage``, ``group`` and
                ``day`` (in UTC), which are columns.  By groups as members are in them now: the work
                of a member in several is in each, and of a member in none under an empty name.
            by: Who reads: somebody who may read the results of all jobs.  Votes that are secret
                from them are left out, and labelers whom they review blind.
            progress: Wraps the iterable of events, such as ``tqdm``.

        Raises:
            NotFound: when there is no such workspace, or *by* is nobody there.
            InvalidData: when a time has no zone, or *per* names nothing or something else.
            NotAllowed: when *by* may not read results, or was removed.
        """
        return await self._pool.run(
            self._quality.work, workspace, since=since, until=until, per=per, by=by,
            progress=progress,
        )

    async def statement(
        self,
        workspace: WorkspaceRef,
        rates: Mapping[Any, Rate],
        *,
        after: Event | int = 0,
        until: Event | int | None = None,
        by: MemberRef | None = None,
        progress: ProgressWrapper | None = None,
    ) -> Statement:
        """Return what members are paid for what they handed in, between two events.

        The next statement begins with ``after=statement.until``: each event is in one of them, so
        that nothing is paid twice.  What is sent back later is taken off then, as `work` counts
        it; nothing is taken off for a package that is discarded.  Statements that follow each other
        add up to the one of the whole time, as long as no job of it is deleted.

        Args:
            workspace: The workspace.
            rates: What is paid at each stage: from a stage, or a pair of a stage and the account of
                a member, to a `Rate`.  What has none comes to nothing, and is listed.
            after: The event behind which it begins, or its position; 0: from the beginning.
            until: The last event, or its position; None: up to now.
            by: Who reads: somebody who may read the results of all jobs.
            progress: Wraps the iterable of events, such as ``tqdm``.

        Raises:
            NotFound: when there is no such workspace, or *by* is nobody there.
            InvalidData: when a rate is none, or a position is none that there is.
            NotAllowed: when *by* may not read results, or was removed; or when something would be
                missing, since votes are secret from them, or labelers whom they review blind.
        """
        return await self._pool.run(
            self._quality.statement, workspace, rates, after=after, until=until, by=by,
            progress=progress,
        )

    async def forecast(
        self,
        job: JobRef,
        *,
        level: float = 0.8,
        by: MemberRef | None = None,
        progress: ProgressWrapper | None = None,
    ) -> JobForecast:
        """Return how many days of work are left at each stage, and when the job will be done.

        With `itagflow.quality.forecast`, from the tasks that were handed in on each day (in UTC) on
        which any was; today counts only where there was no day before.  Left are the answers and
        looks of open packages: those that are still to be given, the looks to come as the rules of
        the stages draw them, and the rework that the share of looks which sent a task back lets
        expect.  What comes into the job later is not foreseen, nor more votes where they disagree.
        The days are named by the weekdays on which anybody has worked.

        Args:
            job: The job.
            level: How often the intervals are to have the truth, more than 0 and less than 1.
            by: Who reads.
            progress: Wraps the iterable of events, such as ``tqdm``.

        Raises:
            NotFound: when there is no such job, or *by* is nobody in its workspace.
            InvalidData: when *level* is no such number.
            NotAllowed: when *by* may not read results there, or was removed.
        """
        return await self._pool.run(
            self._quality.forecast, job, level=level, by=by, progress=progress
        )
