# Generated from itagflow.flow by tests/docs/pins/write.py: change that, and run this.
"""The verbs of a Flow; awaited."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import partial

from itagflow.access import Action, Permission
from itagflow.aio.items import AsyncItems
from itagflow.aio.pool import ThreadPool
from itagflow.flow import Flow
from itagflow.model.batch import BatchResult
from itagflow.model.job import Job, Stage
from itagflow.model.package import Assignment
from itagflow.model.plan import LotVerdict
from itagflow.model.reports import TickReport
from itagflow.model.task import Answer, WorkItem
from itagflow.typing import (
    AssignmentRef,
    EntityRef,
    JobRef,
    MemberRef,
    PackageRef,
    ReplyInput,
    TaskRef,
    WorkspaceRef,
)


class FlowVerbs:
    """The verbs of a Flow; awaited."""

    def __init__(self, pool: ThreadPool, flow: Flow) -> None:
        """Do the work of *flow* in the threads of *pool*."""
        self._pool = pool
        self._flow = flow

    async def claim(
        self,
        member: MemberRef,
        job: JobRef | None = None,
        stage: Stage | str | None = None,
        *,
        workspace: WorkspaceRef | None = None,
        package: PackageRef | int | None = None,
        resume: bool = False,
        token: str = "",
    ) -> Assignment | None:
        """Take the next assignment that is there for a member, or return None when there is none.

        First what is offered to them; then the queue by priority (first that of the job), due time,
        waiting time and number, or in the order of the LABEL stage, and what they labeled in an
        earlier round last; then the assignment whose lease lapsed first.  Their own lapsed one is
        returned renewed.  `explain` says why there is nothing.

        Args:
            member: Who claims.
            job: The job; any job of the workspace that runs, unless given.
            stage: The kind of work: a `Stage` or its value, such as ``"label"``; or any.
            workspace: Where, without a job; the only one that the member is in, unless given.
            package: Only what the member may have of this package of the job, or number of one.
            resume: Give back first what the member holds there; one that has lapsed is renewed.
            token: The caller's own name for this claim: sent again, it gives the same assignment.
                It belongs to the member, the job, the stage, the package and *resume*.

        Raises:
            NotAllowed: when the member may not work there.
            NotAcknowledged: when the stage asks for it, and they have not read the guideline.
            NotRegistered: when this process lacks the job's validator.
            InvalidData: when the job does not have this stage, or the workspace is not clear.
            NotFound: when the job has no such package, or the workspace no such job.
        """
        return await self._pool.run(
            self._flow.claim, member, job, stage, workspace=workspace, package=package,
            resume=resume, token=token,
        )

    async def claim_many(
        self,
        member: MemberRef,
        job: JobRef | None = None,
        stage: Stage | str | None = None,
        count: int = 1,
        *,
        workspace: WorkspaceRef | None = None,
    ) -> list[Assignment]:
        """Take up to *count* assignments in the order of `claim`; fewer when there are no more.

        The other arguments and the errors are those of `claim`.
        """
        return await self._pool.run(
            self._flow.claim_many, member, job, stage, count, workspace=workspace
        )

    async def acknowledge(
        self, member: MemberRef, job: JobRef, *, version: int | None = None
    ) -> int:
        """Note that a member has read the guideline of a job, and return the version of that.

        Where a stage has ``acknowledge=True`` nobody claims before.  It is the newest one unless
        *version* says which.

        Raises:
            NotAllowed: when the member may not read the job, or it is archived.
        """
        return await self._pool.run(self._flow.acknowledge, member, job, version=version)

    async def renew(self, assignment: AssignmentRef, *, by: MemberRef | None = None) -> Assignment:
        """Count the lease of a held assignment from now; saving does the same, to a minute.

        Raises:
            NotHeld: when it is not held, or not by the member *by*.
            NotAllowed: when *by* may not do such work any more.
        """
        return await self._pool.run(self._flow.renew, assignment, by=by)

    async def release(
        self, assignment: AssignmentRef, *, by: MemberRef | None = None, comment: str = ""
    ) -> Assignment:
        """Give an assignment back, or decline an offer; the next holder sees what was saved.

        Its holder does that, or, with *by*, who may assign work; *comment* says why.

        Raises:
            WrongState: when it has ended.
            NotHeld: when it is offered to nobody yet.
            NotAllowed: when *by* is another member, who may not assign work.
        """
        return await self._pool.run(self._flow.release, assignment, by=by, comment=comment)

    async def release_many(
        self,
        assignments: Iterable[AssignmentRef],
        *,
        by: MemberRef | None = None,
        comment: str = "",
    ) -> list[BatchResult]:
        """Give assignments back, or decline offers; refusals are the errors of `release`."""
        return await self._pool.run(self._flow.release_many, assignments, by=by, comment=comment)

    def tasks(
        self,
        assignment: AssignmentRef,
        *,
        model: str | None = None,
        model_version: str | None = None,
        by: MemberRef | None = None,
    ) -> AsyncItems[WorkItem]:
        """Yield the tasks of an assignment, in order, each with all that its holder needs to see.

        A past review shows the answers that it judged, and not those that came later.

        Args:
            assignment: For a member it must be offered or held, or have ended with its work.
            model: Whose prediction is shown as `WorkItem.prelabel`; the newest unless given.
            model_version: Which version of the model.
            by: Who reads, when the assignment comes from outside.

        Raises:
            NotHeld: when *by* is not its member, or it was given back or taken from them.
            NotAllowed: when *by* may not read there, or was removed.
        """
        verb = partial(
            self._flow.tasks, assignment, model=model, model_version=model_version, by=by
        )
        return AsyncItems(self._pool, verb)

    async def save(
        self,
        assignment: AssignmentRef,
        task: TaskRef,
        reply: ReplyInput | None = None,
        *,
        draft: bool = False,
        expected_version: int | None = None,
        seconds: float | None = None,
        score: float | None = None,
        model: str = "",
        pick: Answer | None = None,
        by: MemberRef | None = None,
    ) -> Answer:
        """Save the answer to a task and return it as stored; saving again replaces it.

        A client may resend it.  Every save renews the lease.

        Args:
            assignment: An assignment at LABEL that is held.
            task: A task in its scope.
            reply: The replies by question id, or the reply to the only question.
            draft: Whether it is half-filled: it lies beside the answer as `WorkItem.draft`, until a
                complete one is saved.  No reply is required, and the validator is not asked.
            expected_version: The `WorkItem.version` that was read: another one is not replaced.
            seconds: How long it took: at most 300 count, and what has passed since the last call.
            score: How sure a program is that gives the answer, from 0 to 1.
            model: The name of that program.
            pick: Instead of a reply: the vote in ``item.votes`` that has won.
            by: Who saves, when the assignment comes from outside.

        Raises:
            InvalidData: when the answer does not fit template or validator, or the task is not in
                scope; it lists every problem.
            StaleVersion: when the stored answer is another one, of another version than expected.
            NotHeld: when the assignment is not held, or not by the member *by*.
            NotRegistered: when this process lacks the job's validator.
            Conflict: when the job was given another validator meanwhile: save again.
            WrongState: when the assignment is at a review stage: `modify` is the verb there.
            NotAllowed: when *by* may not label any more, or the holder may not pick a vote.
        """
        return await self._pool.run(
            self._flow.save, assignment, task, reply, draft=draft,
            expected_version=expected_version, seconds=seconds, score=score, model=model, pick=pick,
            by=by,
        )

    async def save_many(
        self,
        assignment: AssignmentRef,
        replies: Mapping[int, ReplyInput] | Iterable[tuple[TaskRef, ReplyInput]],
        *,
        expected_version: int | Mapping[int, int] | None = None,
        by: MemberRef | None = None,
    ) -> list[Answer]:
        """Save the answers to several tasks, all or none, with one event; errors as in `save`.

        One version is expected of all, or one of each task that a mapping names by number.
        """
        return await self._pool.run(
            self._flow.save_many, assignment, replies, expected_version=expected_version, by=by
        )

    async def abandon(
        self,
        assignment: AssignmentRef,
        task: TaskRef,
        reason: str,
        *,
        expected_version: int | None = None,
        seconds: float | None = None,
        by: MemberRef | None = None,
    ) -> Answer:
        """Abandon a task, with a reason; the saved answer stays, and `restore` brings it back.

        The expected version and the seconds are as in `save`.

        Raises:
            InvalidData: when the reason is empty or not one of the template's.
            StaleVersion: when the stored answer is of another version than expected.
            NotHeld: when the assignment is not held, or not by the member *by*.
            NotAllowed: when *by* may not do such work any more.
        """
        return await self._pool.run(
            self._flow.abandon, assignment, task, reason, expected_version=expected_version,
            seconds=seconds, by=by,
        )

    async def escalate(
        self,
        assignment: AssignmentRef,
        task: TaskRef,
        *,
        comment: str = "",
        reason: str = "",
        by: MemberRef | None = None,
    ) -> Answer:
        """Hand a task to the experts of the job; it counts as settled when the rest is submitted.

        What was saved is shown to them.  The package stays at LABEL until one has answered it.

        Args:
            assignment: An assignment at LABEL that is held.
            task: A task in its scope.
            comment: What the expert should know.
            reason: Why, in a word that can be counted.
            by: Who hands it on, when the assignment comes from outside.

        Raises:
            NotAllowed: when the job has no experts, or none who has not worked on the package.
            InvalidData: when the task is not in the assignment's scope.
            NotHeld: when the assignment is not held, or not by the member *by*.
            WrongState: when the assignment is at a review stage.
        """
        return await self._pool.run(
            self._flow.escalate, assignment, task, comment=comment, reason=reason, by=by
        )

    async def restore(
        self,
        assignment: AssignmentRef,
        task: TaskRef,
        *,
        expected_version: int | None = None,
        by: MemberRef | None = None,
    ) -> Answer:
        """Undo that a task was abandoned, by the member or, in review, by the labeler.

        Raises:
            Incomplete: when the task is not abandoned, or nothing was saved before: `modify` it.
            StaleVersion: when the stored answer is of another version than expected.
            NotHeld: when the assignment is not held, or not by the member *by*.
            NotAllowed: when *by* may not do such work any more.
        """
        return await self._pool.run(
            self._flow.restore, assignment, task, expected_version=expected_version, by=by
        )

    async def submit(
        self,
        assignment: AssignmentRef,
        *,
        seconds: float | None = None,
        ignore_drafts: bool = False,
        rest: str | None = None,
        by: MemberRef | None = None,
    ) -> Assignment:
        """Submit a labeled package; when every vote is in, it moves to the next stage.

        Submitting again what is submitted changes nothing.

        Args:
            assignment: An assignment at LABEL that is held.
            seconds: What was not told for single tasks; it counts as in `save`.
            ignore_drafts: Whether drafts may be newer than the answers.
            rest: ``"release"`` hands in a part and leaves the rest, with ``allow_partial``.
            by: Who submits, when the assignment comes from outside.

        Raises:
            Incomplete: when tasks are neither answered nor abandoned, drafts are newer than the
                answers (it lists both), or no task of a part is answered.
            NotAllowed: when no part may be handed in, or *by* may not label any more.
            NotHeld: when the assignment is not held, or not by the member *by*.
            WrongState: when the assignment is at a review stage: `review` or `accept` it.
            NotRegistered: when this process lacks a merge function that the votes need.
        """
        return await self._pool.run(
            self._flow.submit, assignment, seconds=seconds, ignore_drafts=ignore_drafts, rest=rest,
            by=by,
        )

    async def judge(
        self,
        assignment: AssignmentRef,
        task: TaskRef,
        *,
        wrong: str | None = None,
        reason: str | None = None,
        discard_modification: bool = False,
        expected_version: int | None = None,
        seconds: float | None = None,
        by: MemberRef | None = None,
    ) -> Answer:
        """Judge a task right, or wrong, which its labeler will read.

        A new judgment replaces the old one.  Of the reviewer's own answer it says that it is right.

        Args:
            assignment: A review assignment that is held.
            task: A task in its scope.
            wrong: What is wrong; the task is right when neither this nor *reason* is given.
            reason: One of the reasons of the stage; where it has some, *wrong* may be empty.
            discard_modification: Whether the reviewer's own answer to the task is dropped.
            expected_version: As in `save`.
            seconds: How long it took, as in `save`.
            by: Who judges, when the assignment comes from outside.

        Raises:
            StaleVersion: when the reviewer's stored answer is of another version than expected.
            InvalidData: when a comment or a known reason is missing, or the task is not in the
                assignment's scope.
            Incomplete: when it would drop the reviewer's own answer, or the stage has sent the task
                back as often as it may (``max_rejects``).
            NotHeld: when the assignment is not held, or not by the member *by*.
            WrongState: when the assignment is at LABEL.
            NotAllowed: when *by* may not do such work any more.
        """
        return await self._pool.run(
            self._flow.judge, assignment, task, wrong=wrong, reason=reason,
            discard_modification=discard_modification, expected_version=expected_version,
            seconds=seconds, by=by,
        )

    async def modify(
        self,
        assignment: AssignmentRef,
        task: TaskRef,
        reply: ReplyInput,
        *,
        expected_version: int | None = None,
        seconds: float | None = None,
        by: MemberRef | None = None,
    ) -> Answer:
        """Answer a task as the reviewer; the labeler's answer stays in the result of its stage.

        The expected version, that of the reviewer's own answer, and the seconds are as in `save`.

        Raises:
            StaleVersion: when the reviewer's stored answer is of another version than expected.
            InvalidData: when the answer does not fit, or the task is not in the assignment's scope.
            NotHeld: when the assignment is not held, or not by the member *by*.
            NotRegistered: when this process lacks the job's validator.
            Conflict: when the job was given another validator meanwhile: modify again.
            WrongState: when the assignment is at LABEL: `save` is the verb there.
            NotAllowed: when *by* may not do such work any more.
        """
        return await self._pool.run(
            self._flow.modify, assignment, task, reply, expected_version=expected_version,
            seconds=seconds, by=by,
        )

    async def plan_verdict(
        self, assignment: AssignmentRef, *, by: MemberRef | None = None
    ) -> LotVerdict:
        """Return what the acceptance plan says of the package that a reviewer holds, or of its lot.

        Once all is checked, what the plan wants to see next comes into the assignment.

        Raises:
            NotHeld: when the assignment is not held, or not by the member *by*.
            NotAllowed: when no plan decides there now, or *by* may not do such work any more.
        """
        return await self._pool.run(self._flow.plan_verdict, assignment, by=by)

    async def review(
        self,
        assignment: AssignmentRef,
        *,
        seconds: float | None = None,
        by: MemberRef | None = None,
    ) -> Assignment:
        """Let a package pass at INSPECT; tasks without a judgment pass with it, but under a plan.

        Sent again it changes nothing.  The *seconds* count as in `submit`.

        Raises:
            Incomplete: when tasks stand judged wrong or disputed ones undecided; it lists them.
            NotHeld: when the assignment is not held, or not by the member *by*.
            WrongState: when the assignment is at another stage.
            NotAllowed: when *by* may not do such work any more, or the acceptance plan is against.
        """
        return await self._pool.run(self._flow.review, assignment, seconds=seconds, by=by)

    async def accept(
        self,
        assignment: AssignmentRef,
        *,
        seconds: float | None = None,
        by: MemberRef | None = None,
    ) -> Assignment:
        """Let a package pass at ACCEPT; accepted work is locked.  Errors are those of `review`."""
        return await self._pool.run(self._flow.accept, assignment, seconds=seconds, by=by)

    async def reject(
        self,
        assignment: AssignmentRef,
        *,
        tasks: Iterable[TaskRef] | None = None,
        comment: str = "",
        reason: str | None = None,
        whole: bool = False,
        seconds: float | None = None,
        by: MemberRef | None = None,
    ) -> Assignment:
        """Send tasks back: those judged wrong and those named, or the whole package.

        Args:
            assignment: A review assignment that is held.
            tasks: More tasks of its scope, judged wrong with *comment* and *reason*.
            comment: What is said of the package, beside what is said of its tasks.
            reason: One of the reasons of the stage, where it has some.
            whole: Whether every task goes back, also those that are not in the sample.
            seconds: How long it took besides what was given for single tasks; counted as in `save`.
            by: Who rejects, when the assignment comes from outside.

        Raises:
            Incomplete: when no task is judged wrong or named and *whole* is not given; when all go
                back and nothing says why; when named tasks have an answer of the reviewer; or when
                tasks were sent back as often as they may (``max_rejects``).
            InvalidData: when named tasks are outside the scope, or nothing says why they are wrong.
            NotHeld: when the assignment is not held, or not by the member *by*.
            WrongState: when the assignment is at LABEL.
            NotAllowed: when *by* may not do such work any more, or the acceptance plan is against.
        """
        return await self._pool.run(
            self._flow.reject, assignment, tasks=tasks, comment=comment, reason=reason, whole=whole,
            seconds=seconds, by=by,
        )

    async def review_many(
        self, assignments: Iterable[AssignmentRef], *, by: MemberRef | None = None
    ) -> list[BatchResult]:
        """Let packages pass at INSPECT; refusals are the errors of `review`."""
        return await self._pool.run(self._flow.review_many, assignments, by=by)

    async def accept_many(
        self, assignments: Iterable[AssignmentRef], *, by: MemberRef | None = None
    ) -> list[BatchResult]:
        """Let packages pass at ACCEPT; refusals are the errors of `accept`."""
        return await self._pool.run(self._flow.accept_many, assignments, by=by)

    async def reject_many(
        self,
        assignments: Iterable[AssignmentRef],
        *,
        comment: str = "",
        reason: str | None = None,
        whole: bool = False,
        by: MemberRef | None = None,
    ) -> list[BatchResult]:
        """Reject several assignments: what is judged wrong, or all; errors as in `reject`."""
        return await self._pool.run(
            self._flow.reject_many, assignments, comment=comment, reason=reason, whole=whole, by=by
        )

    def available(
        self,
        member: MemberRef,
        *,
        workspace: WorkspaceRef | None = None,
        by: MemberRef | None = None,
    ) -> AsyncItems[tuple[Job, Stage]]:
        """Yield the running jobs with the stages at which there is work for a member now.

        *by* is the member, or who may see the work of others: then only where they may.
        Errors are those of `explain`.
        """
        verb = partial(self._flow.available, member, workspace=workspace, by=by)
        return AsyncItems(self._pool, verb)

    async def explain(
        self,
        member: MemberRef,
        job: JobRef | None = None,
        stage: Stage | str | None = None,
        *,
        workspace: WorkspaceRef | None = None,
        by: MemberRef | None = None,
    ) -> str:
        """Say what `claim` would find for a member, and if nothing, why, in one sentence.

        The arguments are those of `claim`; *by* is the member, or who may see the work of others.

        Raises:
            NotFound: when there is no such member or job.
            NotAllowed: when *by* may not read there.
            InvalidData: when the job does not have this stage, or the workspace is not clear.
        """
        return await self._pool.run(
            self._flow.explain, member, job, stage, workspace=workspace, by=by
        )

    async def can(
        self,
        member: MemberRef,
        action: Action | str,
        entity: EntityRef,
        *,
        stage: Stage | str | None = None,
        by: MemberRef | None = None,
    ) -> Permission:
        """Return whether a member may do something here, without trying it; errors as in `explain`.

        At the stage of the action, package or assignment, unless one is given.  *by* is the member,
        or somebody who may see the work of others.
        """
        return await self._pool.run(self._flow.can, member, action, entity, stage=stage, by=by)

    async def tick(
        self,
        workspace: WorkspaceRef | None = None,
        *,
        job: JobRef | None = None,
        by: MemberRef | None = None,
    ) -> TickReport:
        """Do what time decides: for the application to call every minute or so.

        In running jobs, what has lapsed goes back to the queue, and `Label.on_overdue` is applied
        to packages that are overdue: each due time once, however many call it at once.  Lots whose
        time is over close, and votes that nobody is left to give are taken back.

        Raises:
            NotAllowed: when *by* may not manage these jobs.
        """
        return await self._pool.run(self._flow.tick, workspace, job=job, by=by)
