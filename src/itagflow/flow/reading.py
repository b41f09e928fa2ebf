"""Questions: what is there for me, how far is it, what came out, who did what, and why not."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import attrs

from itagflow.flow import _find
from itagflow.flow._act import Shell
from itagflow.flow._cases import cases_of
from itagflow.flow._find import JobRef, MemberRef, PackageRef, PartRef, WorkspaceRef, paged, turned
from itagflow.flow._pool import has_work
from itagflow.model.event import Event
from itagflow.model.job import Job, JobState, Stage
from itagflow.model.jobpart import JobPart
from itagflow.model.package import LIVE, Assignment, Package, PackageState, TurnState
from itagflow.model.result import COUNTS, Progress, Result
from itagflow.model.task import Task, TaskState, Work
from itagflow.model.template import Template
from itagflow.model.workspace import Member
from itagflow.rules import access, jobs, results
from itagflow.rules.access import Action
from itagflow.rules.answers import mentions
from itagflow.store import Query, Reader, Span

Place = WorkspaceRef | Job | Package | Assignment
"""What `Reading.can` is asked about."""


@attrs.frozen
class Permission:
    """Whether a member may do something: true or false in a condition, with the reason why not."""

    reason: str | None = None
    """Why not; None when it is allowed."""

    def __bool__(self) -> bool:
        return self.reason is None


class Reading(Shell):
    """The verbs that only look.  They ask the policy when ``by=`` is given."""

    def job(self, job: JobRef, *, by: MemberRef | None = None) -> Job:
        """Return a job as it is now.

        Raises:
            NotFound: when there is none.
        """
        with self.store.read() as reader:
            return self._readable(reader, job, by)

    def jobs(self, workspace: WorkspaceRef, *, state: JobState | None = None) -> Iterator[Job]:
        """Yield the jobs of a workspace, oldest first."""
        with self.store.read() as reader:
            where: dict[str, Any] = {"workspace": _find.workspace(reader, workspace).id}
        if state is not None:
            where["state"] = state
        return paged(self.store, Query(Job, where, order=("id",)))

    def template(self, job: JobRef, *, by: MemberRef | None = None) -> Template:
        """Return the template of a job as it is now; the history keeps what it was.

        Raises:
            NotFound: when there is no such job.
        """
        with self.store.read() as reader:
            return reader.get(Template, (self._readable(reader, job, by).template,))

    def templates(self, workspace: WorkspaceRef) -> Iterator[Template]:
        """Yield the templates of a workspace that have a name, oldest first."""
        with self.store.read() as reader:
            home = _find.workspace(reader, workspace)
        stored = paged(self.store, Query(Template, {"workspace": home.id}, order=("id",)))
        return (template for template in stored if template.name)

    def packages(self, job: JobRef, *, state: PackageState | None = None) -> Iterator[Package]:
        """Yield the packages of a job, by number."""
        where: dict[str, Any] = {"job": self._home(job).id}
        if state is not None:
            where["state"] = state
        return paged(self.store, Query(Package, where, order=("number",)))

    def turn(self, turn: tuple[int, int] | Assignment) -> Assignment:
        """Return a turn as it is now.

        Raises:
            NotFound: when there is none.
        """
        with self.store.read() as reader:
            return reader.get(Assignment, _find.key_of(turn))

    def turns(
        self,
        member: MemberRef,
        *,
        job: JobRef | None = None,
        workspace: WorkspaceRef | None = None,
        live: bool = True,
    ) -> Iterator[Assignment]:
        """Yield the turns of a member: my work.

        Args:
            member: The member; an account stands for that person in every workspace, unless one is named.
            job: Only those of this job.
            workspace: Only those of this workspace.
            live: Only those that are held or offered; every turn otherwise.
        """
        for who in self._people(member, job, workspace):
            where: dict[str, Any] = {"member": who.id, "state": LIVE if live else tuple(TurnState)}
            if job is not None:
                where["job"] = self._home(job).id
            yield from paged(self.store, Query(Assignment, where, order=("job", "id")))

    def available(self, member: MemberRef, *, workspace: WorkspaceRef | None = None) -> Iterator[tuple[Job, Stage]]:
        """Yield the running jobs with the stages at which there is work for a member now."""
        for who in self._people(member, None, workspace):
            for job in self.jobs(who.workspace, state=JobState.RUNNING):
                for stage in job.workflow.stages:
                    with self.store.read() as reader:
                        there = self._has_work(reader, job, who, stage)
                    if there:
                        yield job, stage

    def progress(self, job: JobRef, *, by: MemberRef | None = None) -> Progress:
        """Return how far a job is: packages and tasks by state, and what packages count (`COUNTS`)."""
        with self.store.read() as reader:
            home = self._readable(reader, job, by)
            sums = reader.tally(Query(Package, {"job": home.id}), by=("state",), add=("size", *COUNTS))
        by_state = {PackageState(state): numbers for (state,), numbers in sums.items()}
        counted = [numbers[2:] for state, numbers in by_state.items() if state is not PackageState.DISCARDED]
        return Progress(
            packages={state: numbers[0] for state, numbers in by_state.items()},
            tasks={state: numbers[1] for state, numbers in by_state.items()},
            **{name: sum(numbers[at] for numbers in counted) for at, name in enumerate(COUNTS)},
        )

    def result(self, task: Task | Work | tuple[int, int], *, by: MemberRef | None = None) -> Result:
        """Return what a task came out of each stage with, its state, and who worked on it.

        Raises:
            NotFound: when there is no such task.
        """
        job, number = _find.task_key(task)
        with self.store.read() as reader:
            home = self._readable(reader, job, by)
            found = reader.get(Task, (home.id, number))
            return results.result(next(cases_of(reader, home, [found])), found)

    def parts(self, job: PartRef, count: int) -> tuple[JobPart, ...]:
        """Cut a job into parts for as many workers, in order; all its tasks as they are now, each in one part.

        A part is a plain value.  A worker, in whatever process, opens a Flow of its own and passes the part where
        a job is read: to `results`, `find_tasks`, `export` or `verify`.

        Args:
            job: The job, or a part that is to be cut again.
            count: How many parts; there are fewer when there are fewer tasks, and one for a job without tasks.

        Raises:
            InvalidData: when *count* is less than one.

        >>> import itagflow
        >>> flow = itagflow.open("memory:")
        >>> street = flow.create_workspace("street", admin="ada")
        >>> data = [{"data": {"source": f"{n}.jpg"}} for n in range(10)]
        >>> cats = itagflow.templates.image_classification(["cat", "dog"])
        >>> job = flow.create_job(street, "cats", template=cats, data=data, by="ada")
        >>> print(*flow.parts(job, 2), sep=", ")
        part 1 of 2: tasks 1 to 5, part 2 of 2: tasks 6 to 10
        """
        if isinstance(job, JobPart):
            return jobs.cut(job, count)
        with self.store.read() as reader:
            home = _find.job(reader, job).id
            tasks, packages = _find.last_number(reader, Task, home), _find.last_number(reader, Package, home)
        return jobs.cut(JobPart(job=home, first=1, last=tasks, packages=(1, packages)), count)

    def results(self, job: PartRef, *, by: MemberRef | None = None, snapshot: bool = False) -> Iterator[Result]:
        """Yield the result of every task, in the order of the input, a page at a time.

        Args:
            job: The job, or a part of one.
            by: Who reads, when the policy is to be asked.
            snapshot: Whether all pages show the same moment; each shows its own otherwise.
        """
        with self.store.read() as reader:
            home = self._readable(reader, job, by)

        start, last = (job.first, job.last) if isinstance(job, JobPart) else (1, None)

        def page(reader: Reader, first: int) -> tuple[list[Result], int | None]:
            query = Query(Task, {"job": home.id, "number": Span(first, last)}, order=("number",), limit=_find.PAGE)
            tasks = list(reader.find(query))
            cases = cases_of(reader, home, tasks)
            found = [results.result(case, task) for case, task in zip(cases, tasks, strict=True)]
            return found, tasks[-1].number + 1 if len(tasks) == _find.PAGE else None

        return turned(self.store, page, start, snapshot=snapshot)

    def find_tasks(
        self,
        job: PartRef,
        *,
        state: TaskState | None = None,
        member: MemberRef | None = None,
        label: str | None = None,
        by: MemberRef | None = None,
    ) -> Iterator[Result]:
        """Yield the tasks that match all of what is given, with their results.

        Args:
            job: The job, or a part of one.
            state: How far they are.
            member: Who has worked on them in a turn that ended with its work.
            label: An option chosen in the result, for the task or one of its regions.
            by: Who reads, when the policy is to be asked.
        """
        with self.store.read() as reader:
            home = self._readable(reader, job, by)
            who = None if member is None else _find.member(reader, home.workspace, member).id
        for result in self.results(job if isinstance(job, JobPart) else home):
            worked = who is None or any(made.member == who and made.looked_at for made in result.provenance)
            labeled = label is None or mentions(result.replies, label)
            if worked and labeled and state in (None, result.state):
                yield result

    def history(
        self, job: JobRef, *, package: PackageRef | int | None = None, by: MemberRef | None = None
    ) -> Iterator[Event]:
        """Yield the events of a job, or of one of its packages, oldest first.

        Raises:
            NotFound: when there is no such job, or it has no such package.
        """
        with self.store.read() as reader:
            home = self._readable(reader, job, by)
            where: dict[str, Any] = {"job": home.id}
            if package is not None:
                where["package"] = reader.get(Package, (home.id, _find.package_number(package))).number
        return self._told(Query(Event, where, order=("position",)))

    def can(self, member: MemberRef, action: Action, entity: Place, *, stage: Stage | None = None) -> Permission:
        """Return whether a member may do something here, without trying it.

        Args:
            member: The member.
            action: What they would do.
            entity: Where: a workspace, job, package or turn.
            stage: At which stage; that of the action, package or turn when not given.

        >>> import itagflow
        >>> flow = itagflow.open("memory:")
        >>> street = flow.create_workspace("street", admin="ada")
        >>> bool(flow.can("ada", Action.EXPORT, street))
        True
        """
        with self.store.read() as reader:
            home, job = _place(reader, entity)
            who = _find.member(reader, home, member)
        at = stage or _stage(entity) or next((s for s in Stage if Action.at(s) is action), None)
        return Permission(access.refusal(self.policy, who, action, job, at))

    def _told(self, query: Query[Event]) -> Iterator[Event]:
        """Yield events with the account of the one who acted."""
        accounts = dict[int, str]()
        for event in paged(self.store, query):
            if event.member and event.member not in accounts:
                with self.store.read() as reader:
                    accounts[event.member] = reader.get(Member, (event.member,)).account
            yield attrs.evolve(event, who=accounts.get(event.member, ""))

    def _home(self, job: JobRef) -> Job:
        with self.store.read() as reader:
            return _find.job(reader, job)

    def _readable(self, reader: Reader, job: PartRef, by: MemberRef | None) -> Job:
        home = _find.job(reader, job)
        if by is not None:
            access.check(self.policy, _find.member(reader, home.workspace, by), Action.READ, home, None)
        return home

    def _people(self, member: MemberRef, job: JobRef | None, workspace: WorkspaceRef | None) -> list[Member]:
        with self.store.read() as reader:
            if job is not None:
                return [_find.member(reader, _find.job(reader, job).workspace, member)]
            if workspace is not None:
                return [_find.member(reader, _find.workspace(reader, workspace).id, member)]
            if isinstance(member, str):
                return _find.called(reader, Query(Member, {"account": member}, order=("id",)))
            return [_find.anyone(reader, member)]

    def _has_work(self, reader: Reader, job: Job, who: Member, stage: Stage) -> bool:
        if access.refusal(self.policy, who, Action.at(stage), job, stage):
            return False
        mine = reader.find(Query(Assignment, {"member": who.id, "state": LIVE, "job": job.id}))
        if any(turn.stage is stage for turn in mine):
            return True
        return has_work(reader, job, who, stage)


def _place(reader: Reader, entity: Place) -> tuple[int, Job | None]:
    """Return the workspace that *entity* is in, and its job if it has one."""
    if isinstance(entity, Job | Package | Assignment):
        job = reader.get(Job, (entity.id if isinstance(entity, Job) else entity.job,))
        return job.workspace, job
    return _find.workspace(reader, entity).id, None


def _stage(entity: Place) -> Stage | None:
    return entity.stage if isinstance(entity, Package | Assignment) else None
