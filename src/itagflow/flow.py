"""Flow: the public API on one page.  Each verb calls a service with the engine."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from importlib import import_module
from operator import attrgetter
from types import TracebackType
from typing import Any, NoReturn, Self, cast

from itagflow.access import Action, Permission, default_policy
from itagflow.api.assignments import Assignments
from itagflow.api.events import Events
from itagflow.api.jobs import Jobs
from itagflow.api.members import Members
from itagflow.api.packages import Packages
from itagflow.api.results import Results
from itagflow.api.templates import Templates
from itagflow.api.workspaces import Workspaces
from itagflow.claiming import assigning, explaining, service
from itagflow.core.engine import Engine, now
from itagflow.core.ids import TimeOrdered
from itagflow.core.settings import MOST_SECONDS, Settings, require_store
from itagflow.errors import InvalidData, Problem
from itagflow.labeling import deciding
from itagflow.labeling import service as labeling
from itagflow.model.arguments import require_kind, require_optional_several, require_several
from itagflow.model.batch import BatchResult
from itagflow.model.enums import parse_enum, parse_optional_enum
from itagflow.model.job import Job, Stage
from itagflow.model.number import require_number, require_whole_number
from itagflow.model.package import Assignment
from itagflow.model.task import Answer, WorkItem
from itagflow.model.text import require_optional_text, require_text
from itagflow.printing import format_repr
from itagflow.results.rules import ModelChoice
from itagflow.reviewing import batch, judging
from itagflow.reviewing import service as reviewing
from itagflow.storage.opening import open_store
from itagflow.storage.port import Store
from itagflow.validation.answers import Validator

__all__ = ["Flow", "open"]
from itagflow.reprs import show_line
from itagflow.typing import (
    AssignmentRef,
    Clock,
    EntityRef,
    IdSource,
    JobRef,
    Listener,
    MemberRef,
    Policy,
    ReplyInput,
    TaskRef,
    WorkspaceRef,
)


class Flow:
    """Runs labeling work over one store; threads may share it.

    >>> from itagflow.storage import MemoryStore
    >>> with Flow(MemoryStore()) as flow:
    ...     flow.workspaces.create("street", admin="ada").name
    'street'
    """

    __module__ = "itagflow"  # where users import it from

    def __init__(
        self,
        store: Store,
        *,
        policy: Policy = default_policy,
        clock: Clock = now,
        ids: IdSource | None = None,
        listeners: Sequence[Listener] = (),
        validators: Mapping[str, Validator] | None = None,
    ) -> None:
        """Work over *store*.

        Args:
            store: Where everything is kept.
            policy: Says who may do what.  It is asked inside the transaction that acts and must not
                call the Flow.
            clock: Tells the time, with its time zone; leases and the history go by it.
            ids: Makes new keys; time-ordered ones unless given.
            listeners: Are told each event after its act is stored.  One that raises is logged, and
                nothing is undone; after a crash `events` is the truth.
            validators: The application's own checks of answers, by the name under which jobs keep
                them; see ``jobs.set_validator``.
        """
        import_module("itagflow.preload")  # no verb may import anything; that module says why

        settings = Settings(
            policy=policy, clock=clock, ids=ids, listeners=listeners, validators=validators
        )
        self._engine = Engine(
            require_store("itagflow.Flow", "store", store),
            settings.policy,
            settings.clock,
            settings.ids or TimeOrdered(settings.clock),
            settings.listeners,
            settings.registry,
        )
        self.assignments = Assignments(self._engine)
        self.packages = Packages(self._engine)
        self.workspaces = Workspaces(self._engine)
        self.members = Members(self._engine)
        self.templates = Templates(self._engine)
        self.jobs = Jobs(self._engine)
        self.results = Results(self._engine)
        self.events = Events(self._engine)

    @property
    def store(self) -> Store:
        """The store."""
        return self._engine.store

    @property
    def policy(self) -> Policy:
        """Says who may do what."""
        return self._engine.policy

    def claim(
        self, member: MemberRef, job: JobRef, stage: Stage | str, *, token: str = ""
    ) -> Assignment | None:
        """Take the next assignment that is there for a member, or return None when there is none.

        First what is offered to them, then the queue in order of priority, waiting time and number,
        then the assignment whose lease lapsed first.  Where much of what waits is the member's own
        work, what lies behind that may come before what was put in front of it later.  `explain`
        says why there is nothing.

        Args:
            member: Who claims.
            job: The job.
            stage: The kind of work: a `Stage`, or its value, such as ``"label"``.
            token: The caller's own name for this claim: a repeated token gives the same assignment,
                so a claim whose answer was lost can be sent again.

        Raises:
            NotAllowed: when the member may not work there.
            NotRegistered: when this process lacks the job's validator.
            InvalidData: when the job does not have this stage.
        """
        token = require_text("claim", "token", token)
        return service.claim(self._engine, member, job, parse_enum(Stage, stage), token=token)

    def claim_many(
        self, member: MemberRef, job: JobRef, stage: Stage | str, count: int
    ) -> list[Assignment]:
        """Take up to *count* assignments in the order of `claim`; fewer when there are no more.

        Errors are those of `claim`.
        """
        count = require_whole_number("claim_many", "count", count, least=0)
        return service.claim_many(self._engine, member, job, parse_enum(Stage, stage), count)

    def renew(self, assignment: AssignmentRef, *, by: MemberRef | None = None) -> Assignment:
        """Count the lease of a held assignment from now; saving an answer does the same.

        Raises:
            NotHeld: when it is not held, or not by the member *by*.
        """
        return assigning.renew(self._engine, assignment, by=by)

    def release(
        self, assignment: AssignmentRef, *, by: MemberRef | None = None, comment: str = ""
    ) -> Assignment:
        """Give an assignment back, or decline an offer; the next holder sees the answers as drafts.

        Args:
            assignment: An assignment that is held or offered.
            by: Who gives it back: its holder, or somebody who may assign work; its holder when not
                given.
            comment: Why.

        Raises:
            WrongState: when it has ended.
            NotAllowed: when *by* is another member, who may not assign work.
        """
        comment = require_text("release", "comment", comment)
        return assigning.release(self._engine, assignment, by=by, comment=comment)

    def release_many(
        self,
        assignments: Iterable[AssignmentRef],
        *,
        by: MemberRef | None = None,
        comment: str = "",
    ) -> list[BatchResult]:
        """Give assignments back, or decline offers; refusals are the errors of `release`."""
        refs = require_several("release_many", "assignments", assignments, "assignments")
        comment = require_text("release_many", "comment", comment)
        return batch.release_many(self._engine, refs, by=by, comment=comment)

    def tasks(
        self,
        assignment: AssignmentRef,
        *,
        model: str | None = None,
        model_version: str | None = None,
        by: MemberRef | None = None,
    ) -> Iterator[WorkItem]:
        """Yield the tasks of an assignment, in order, each with all that its holder needs to see.

        An assignment that has ended shows what it was about: a past review the answers that it
        judged, and not those that came later.

        Args:
            assignment: An assignment; for a member it must be offered or held, or have ended with
                its work.
            model: Which model's prediction is shown as `WorkItem.prelabel`; the newest prediction
                of any model unless given.
            model_version: Which version of the model.
            by: Who reads, when the assignment comes from outside: asked again for every page.

        Raises:
            NotHeld: when *by* is not the assignment's member, or the assignment was given back or
                taken from them.
            NotAllowed: when *by* may not read there, or was removed.
        """
        choice = ModelChoice(model, model_version)
        return labeling.tasks(self._engine, assignment, choice=choice, by=by)

    def save(
        self,
        assignment: AssignmentRef,
        task: TaskRef,
        reply: ReplyInput | None = None,
        *,
        pick: Answer | None = None,
        by: MemberRef | None = None,
    ) -> Answer:
        """Save the answer to a task and return it as stored; saving again replaces it.

        The same answer once more changes nothing, so a client may resend it.  Every save renews the
        lease.

        Args:
            assignment: An assignment at LABEL that is held.
            task: A task in its scope.
            reply: The replies by question id, or the reply to the only question.
            pick: Instead of a reply: the vote that has won, one of ``item.votes``.  For who
                adjudicates, or answers as an expert.
            by: Who saves, when the assignment comes from outside.

        Raises:
            InvalidData: when the answer does not fit the template or the job's validator, or the
                task is not in the assignment's scope; it lists every problem.
            NotHeld: when the assignment is not held, or not by the member *by*.
            NotRegistered: when this process lacks the job's validator.
            Conflict: when the job was given another validator meanwhile: save again.
            WrongState: when the assignment is at a review stage: `modify` is the verb there.
        """
        if pick is None:
            # that None is no reply is said with the task and the question
            given = cast("ReplyInput", reply)
            return labeling.save(self._engine, assignment, task, given, by=by)
        if reply is not None:
            reason = "is given beside a reply: choose one"
            raise InvalidData("save", [Problem("pick", reason)])
        vote = require_kind("save", "pick", pick, Answer, "one of the votes of the task")
        return deciding.pick_vote(self._engine, assignment, task, vote, by=by)

    def save_many(
        self,
        assignment: AssignmentRef,
        replies: Mapping[int, ReplyInput] | Iterable[tuple[TaskRef, ReplyInput]],
        *,
        by: MemberRef | None = None,
    ) -> list[Answer]:
        """Save the answers to several tasks, all or none, with one event; errors as in `save`."""
        pairs = _list_pairs(replies)
        return labeling.save_many(self._engine, assignment, pairs, by=by)

    def abandon(
        self, assignment: AssignmentRef, task: TaskRef, reason: str, *, by: MemberRef | None = None
    ) -> Answer:
        """Abandon a task, with a reason; the saved answer stays, and `restore` brings it back.

        Raises:
            InvalidData: when the reason is empty or not one of the template's.
            NotHeld: when the assignment is not held, or not by the member *by*.
        """
        reason = require_text("abandon", "reason", reason)
        return labeling.abandon(self._engine, assignment, task, reason, by=by)

    def escalate(
        self,
        assignment: AssignmentRef,
        task: TaskRef,
        *,
        comment: str = "",
        reason: str = "",
        by: MemberRef | None = None,
    ) -> Answer:
        """Hand a task to the experts of the job; it counts as settled when the rest is submitted.

        What was saved stays in the answer that this returns, and is shown to the expert with the
        comment.  The package stays at LABEL until an expert has answered the task.

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
        handover = deciding.Handover(
            require_text("escalate", "comment", comment),
            require_text("escalate", "reason", reason),
        )
        return deciding.escalate(self._engine, assignment, task, handover, by=by)

    def restore(
        self, assignment: AssignmentRef, task: TaskRef, *, by: MemberRef | None = None
    ) -> Answer:
        """Undo that a task was abandoned, by the member or, in review, by the labeler.

        Raises:
            Incomplete: when the task is not abandoned, or the labeler had saved nothing: then
                `modify` it.
            NotHeld: when the assignment is not held, or not by the member *by*.
        """
        return labeling.restore(self._engine, assignment, task, by=by)

    def submit(
        self,
        assignment: AssignmentRef,
        *,
        rest: str | None = None,
        by: MemberRef | None = None,
    ) -> Assignment:
        """Submit a labeled package; when every vote is in, it moves to the next stage.

        Submitting again what is submitted changes nothing.

        Args:
            assignment: An assignment at LABEL that is held.
            rest: ``"release"`` hands in what is answered, and leaves the other tasks to whoever
                takes them, where the rule has ``allow_partial``.  The package moves on when all is
                in.
            by: Who submits, when the assignment comes from outside.

        Raises:
            Incomplete: when tasks are neither answered nor abandoned; it lists them.  Or when none
                is, of a part.
            NotAllowed: when the rule does not let a part be handed in.
            NotHeld: when the assignment is not held, or not by the member *by*.
            WrongState: when the assignment is at a review stage: `review` or `accept` it.
        """
        if rest is not None and require_text("submit", "rest", rest) != "release":
            reason = f"must be 'release' or None, not {format_repr(rest)}"
            raise InvalidData("submit", [Problem("rest", reason)])
        releases_rest = rest is not None
        return labeling.submit(self._engine, assignment, releases_rest=releases_rest, by=by)

    def judge(
        self,
        assignment: AssignmentRef,
        task: TaskRef,
        *,
        wrong: str | None = None,
        by: MemberRef | None = None,
    ) -> Answer:
        """Judge a task right, or wrong with a comment that its labeler will read.

        A new judgment replaces the old one, and what `modify` had said in this assignment.

        Args:
            assignment: A review assignment that is held.
            task: A task in its scope.
            wrong: What is wrong; the task is right when not given.
            by: Who judges, when the assignment comes from outside.

        Raises:
            InvalidData: when the comment is empty, or the task is not in the assignment's scope.
            NotHeld: when the assignment is not held, or not by the member *by*.
            WrongState: when the assignment is at LABEL.
        """
        wrong = require_optional_text("judge", "wrong", wrong)
        return judging.judge(self._engine, assignment, task, wrong=wrong, by=by)

    def modify(
        self,
        assignment: AssignmentRef,
        task: TaskRef,
        reply: ReplyInput,
        *,
        by: MemberRef | None = None,
    ) -> Answer:
        """Answer a task as the reviewer; the labeler's answer stays in the result of its stage.

        Raises:
            InvalidData: when the answer does not fit, or the task is not in the assignment's scope.
            NotHeld: when the assignment is not held, or not by the member *by*.
            NotRegistered: when this process lacks the job's validator.
            Conflict: when the job was given another validator meanwhile: modify again.
            WrongState: when the assignment is at LABEL: `save` is the verb there.
        """
        return judging.modify(self._engine, assignment, task, reply, by=by)

    def review(self, assignment: AssignmentRef, *, by: MemberRef | None = None) -> Assignment:
        """Let a package pass at INSPECT; tasks without a judgment pass with it.

        Reviewing again what is reviewed changes nothing.

        Raises:
            Incomplete: when tasks stand judged wrong, or disputed ones are not decided; it lists
                them.
            NotHeld: when the assignment is not held, or not by the member *by*.
            WrongState: when the assignment is at another stage.
        """
        return reviewing.review(self._engine, assignment, by=by)

    def accept(self, assignment: AssignmentRef, *, by: MemberRef | None = None) -> Assignment:
        """Let a package pass at ACCEPT; accepted work is locked.  Errors are those of `review`."""
        return reviewing.accept(self._engine, assignment, by=by)

    def reject(
        self,
        assignment: AssignmentRef,
        *,
        tasks: Iterable[TaskRef] | None = None,
        comment: str = "",
        by: MemberRef | None = None,
    ) -> Assignment:
        """Send tasks back: those judged wrong and those named, or else the whole package.

        Args:
            assignment: A review assignment that is held.
            tasks: More tasks of its scope, judged wrong with *comment*.
            comment: Why; required when tasks are named, or when none stands judged wrong and all go
                back.
            by: Who rejects, when the assignment comes from outside.

        Raises:
            Incomplete: when everything is to go back without a comment.
            InvalidData: when tasks are named without a comment, or outside the assignment's scope.
            NotHeld: when the assignment is not held, or not by the member *by*.
            WrongState: when the assignment is at LABEL.
        """
        comment = require_text("reject", "comment", comment)
        # gone through here: no transaction is open while code of the caller runs
        named = require_optional_several("reject", "tasks", tasks, "tasks")
        return reviewing.reject(self._engine, assignment, tasks=named, comment=comment, by=by)

    def review_many(
        self, assignments: Iterable[AssignmentRef], *, by: MemberRef | None = None
    ) -> list[BatchResult]:
        """Let packages pass at INSPECT; refusals are the errors of `review`."""
        refs = require_several("review_many", "assignments", assignments, "assignments")
        return batch.review_many(self._engine, refs, by=by)

    def accept_many(
        self, assignments: Iterable[AssignmentRef], *, by: MemberRef | None = None
    ) -> list[BatchResult]:
        """Let packages pass at ACCEPT; refusals are the errors of `accept`.

        All that one holds: ``flow.accept_many(flow.assignments.list("ada", job=job))``.
        """
        refs = require_several("accept_many", "assignments", assignments, "assignments")
        return batch.accept_many(self._engine, refs, by=by)

    def reject_many(
        self,
        assignments: Iterable[AssignmentRef],
        *,
        comment: str = "",
        by: MemberRef | None = None,
    ) -> list[BatchResult]:
        """Reject several assignments: what is judged wrong, or all; errors as in `reject`."""
        refs = require_several("reject_many", "assignments", assignments, "assignments")
        comment = require_text("reject_many", "comment", comment)
        return batch.reject_many(self._engine, refs, comment=comment, by=by)

    def available(
        self,
        member: MemberRef,
        *,
        workspace: WorkspaceRef | None = None,
        by: MemberRef | None = None,
    ) -> Iterator[tuple[Job, Stage]]:
        """Yield the running jobs with the stages at which there is work for a member now.

        With *by* it is the member who asks, or somebody who may see the work of others; at the jobs
        where they may.
        """
        return explaining.available(self._engine, member, workspace=workspace, by=by)

    def explain(
        self, member: MemberRef, job: JobRef, stage: Stage | str, *, by: MemberRef | None = None
    ) -> str:
        """Say what `claim` would find for a member, and if nothing, why, in one sentence.

        Args:
            member: Who would claim.
            job: The job.
            stage: The kind of work.
            by: Who asks: the member, or somebody who may see the work of others.

        Raises:
            NotFound: when there is no such member or job.
            NotAllowed: when *by* may not read there.
            InvalidData: when the job does not have this stage.
        """
        return explaining.explain(self._engine, member, job, parse_enum(Stage, stage), by=by)

    def can(
        self,
        member: MemberRef,
        action: Action | str,
        entity: EntityRef,
        *,
        stage: Stage | str | None = None,
        by: MemberRef | None = None,
    ) -> Permission:
        """Return whether a member may do something here, without trying it.

        Args:
            member: The member.
            action: What they would do.
            entity: Where: a workspace, job, package or assignment.
            stage: At which stage; that of the action, package or assignment when not given.
            by: Who asks: the member, or somebody who may see the work of others.

        >>> import itagflow
        >>> flow = itagflow.open("memory:")
        >>> street = flow.workspaces.create("street", admin="ada")
        >>> bool(flow.can("ada", Action.EXPORT, street))
        True
        """
        return explaining.check_permission(
            self._engine,
            member,
            parse_enum(Action, action),
            entity,
            stage=parse_optional_enum(Stage, stage),
            by=by,
        )

    def close(self, timeout: float = 10.0) -> bool:
        """Close the store, for all threads of this process.

        New verbs are refused at once, and half-read iterators raise `StoreFailed` at their next
        step.  Verbs that run go on to their end.  They are waited for, except when it is one of the
        calling thread.

        Args:
            timeout: For how many seconds to wait at most.

        Returns:
            Whether all have ended.  If not, each gives back what it holds at its end.
        """
        timeout = require_number("close", "timeout", timeout, least=0, most=MOST_SECONDS)
        return self._engine.store.close(timeout)

    def __reduce__(self) -> NoReturn:
        """Refuse to be sent to another process.

        Raises:
            StoreFailed: always; it says what to do instead.
        """
        self._engine.__reduce__()

    def __enter__(self) -> Self:
        """Return the Flow itself, to be closed at the end of the ``with`` block."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the store."""
        self.close()

    def __repr__(self) -> str:
        return show_line(self, f"on {self.store.name}")


def _list_pairs(
    replies: Mapping[int, ReplyInput] | Iterable[tuple[TaskRef, ReplyInput]],
) -> list[tuple[TaskRef, ReplyInput]]:
    """Return tasks with the replies to them.

    Raises:
        InvalidData: when they are neither a mapping nor several pairs.
    """
    given: object = replies
    if isinstance(given, Mapping):
        given = cast("Mapping[TaskRef, ReplyInput]", given).items()
    pairs = require_several("save_many", "replies", cast("Iterable[Any]", given), "pairs")
    for number, pair in enumerate(cast("list[object]", pairs), 1):
        if not _is_pair(pair):
            reason = f"must be a task and a reply, not {format_repr(pair)}"
            raise InvalidData("save_many", [Problem(f"replies, pair {number}", reason)])
    return pairs


def _is_pair(value: object) -> bool:
    return isinstance(value, tuple) and len(cast("tuple[object, ...]", value)) == 2


_get_engine: Callable[[Flow], Engine] = attrgetter("_engine")


def engine_of(what: str, flow: Flow) -> Engine:
    """Return the engine of a flow, for `itagflow.maintenance`; applications call the verbs.

    Args:
        what: Where the flow was given, such as ``maintenance.verify``.
        flow: The flow.

    Raises:
        InvalidData: when it is no flow.
    """
    return _get_engine(require_kind(what, "flow", flow, Flow, "a Flow"))


def open(
    url: str | os.PathLike[str],
    *,
    policy: Policy = default_policy,
    clock: Clock = now,
    ids: IdSource | None = None,
    listeners: Sequence[Listener] = (),
    validators: Mapping[str, Validator] | None = None,
) -> Flow:
    """Open a store and return a Flow over it.

    Args:
        url: ``"memory:"``, the path of a SQLite file, or ``"sqlite:///path"``, which takes
            ``?synchronous=normal`` (faster; the last work may be lost in a power cut, never torn)
            and ``?synchronous=full`` (the default).  A file that does not exist is made.  Or
            ``"postgresql://user@host/name"``, a database that exists; it needs
            ``itagflow[postgres]``, and takes what the driver takes.  Or the URL of a store that
            another package adds, by an entry point of the group ``itagflow.stores``.
        policy: Says who may do what.
        clock: Tells the time, with its time zone.
        ids: Makes new keys.
        listeners: Are told each event after its act is stored.
        validators: The application's own checks of answers, by the name under which jobs keep them;
            see ``jobs.set_validator``.

    Raises:
        InvalidData: when the URL is of no known kind; no error shows what might be a password in
            it.  Or when a validator has no name or cannot be called.
        StoreFailed: when the file or the database cannot be opened, belongs to another program or a
            newer version, or the driver is not installed.
    """
    # refuses before a file is made or a connection opened
    settings = Settings(
        policy=policy, clock=clock, ids=ids, listeners=listeners, validators=validators
    )
    return Flow(
        open_store(url),
        policy=settings.policy,
        clock=settings.clock,
        ids=settings.ids,
        listeners=settings.listeners,
        validators=settings.registry.validators,
    )
