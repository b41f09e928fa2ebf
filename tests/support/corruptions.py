"""Ways to spoil a store behind everybody's back, each with what `verify` must say of it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import attrs
import pytest

from itagflow import (
    Accept,
    Answer,
    Assignment,
    AssignmentState,
    Choice,
    Flow,
    Inspect,
    Job,
    JobState,
    Label,
    Package,
    PackageState,
    PreLabel,
    Role,
    Stage,
    Task,
    Template,
    Workflow,
    maintenance,
)
from itagflow.model import Verdict
from itagflow.model.entity import Entity
from itagflow.model.event import Event, FieldChange
from itagflow.model.jobcounter import JobCounter
from itagflow.model.package import ClaimCounter, Outcome, QueueCursor
from itagflow.model.workspace import Member, Workspace
from itagflow.storage import FIELDS, Query
from support.scenes import START, cats, labeled, taken

L, I, A = Stage.LABEL, Stage.INSPECT, Stage.ACCEPT
UNFIT = "what does not fit the template is 1: 'cow' is not an option; the options are cat, dog"
TOMORROW = START + timedelta(days=1)
OVERDUE_AT = "overdue_at, as the history tells it,"
THREE = Workflow(
    Label(limit=2, lease=timedelta(minutes=5), offer_lease=None),
    Inspect(lease=None),
    Accept(lease=None),
)
FINISHING = FieldChange("job", (7,), "state", "running", "finished")


def an_overdue_job(flow: Flow) -> Job:
    """Package 1 has default answers and waits for its review; nothing was done with package 2."""
    label = Label(on_overdue={"1": Choice("dog")})
    job = cats(flow, tasks=4, workflow=Workflow(label, Inspect()))
    flow.packages.set_due(job, START, packages=[1], by="ada")
    flow.tick()
    return job


def a_job_with_a_task_less(flow: Flow) -> Job:
    """Package 1 waits for its review, and its task 1 was withdrawn before."""
    job = cats(flow, workflow=Workflow(Label(), Inspect()))
    flow.jobs.withdraw(job, tasks=[1], by="ada")
    labeled(flow, "ben", job)
    return flow.jobs.get(job)


def a_busy_job(flow: Flow) -> Job:
    """Package 1 has come back to ben, 2 is done, cy holds 3, 4 waits, and 5 was discarded."""
    job = cats(flow, tasks=10, workflow=THREE)
    labeled(flow, "ben", job)
    labeled(flow, "cy", job, "dog")
    flow.reject(taken(flow, "di", job, I), tasks=[1], comment="no cat")
    flow.review(taken(flow, "di", job, I))
    flow.accept(taken(flow, "ada", job, A))
    flow.save(taken(flow, "cy", job), 5, Choice("cat"))
    flow.packages.discard((job.id, 5), by="ada")
    return flow.jobs.get(job)


def a_job_with_votes(flow: Flow) -> Job:
    """Ben and cy do not agree about task 2."""
    job = cats(flow, workflow=Workflow(Label(votes=2, min_votes=2), Inspect()))
    labeled(flow, "ben", job)
    assignment = taken(flow, "cy", job)
    flow.save_many(assignment, {1: Choice("cat"), 2: Choice("dog")})
    flow.submit(assignment)
    return flow.jobs.get(job)


def a_prelabeled_job(flow: Flow) -> Job:
    """A model has spoken about every task but the last; ben has put one right."""
    job = cats(flow, workflow=Workflow(Label(), Inspect()))
    flow.jobs.prelabel(
        job,
        lambda tasks: [
            PreLabel(Choice("cat"), 1 / t.number) if t.number < 4 else None for t in tasks
        ],
        min_confidence=0.4,
        by="ada",
    )
    labeled(flow, "ben", job, "dog")
    return flow.jobs.get(job)


def found(flow: Flow, place: Any = None) -> list[str]:
    return [str(difference) for difference in maintenance.verify(flow, place)]


def all_of(flow: Flow, kind: type[Any], **where: Any) -> list[Any]:
    with flow.store.read() as reader:
        return list(reader.find(Query[Any](kind, where)))


def at(flow: Flow, kind: type[Any], *key: Any) -> Any:
    with flow.store.read() as reader:
        return reader.get(kind, key)


def removed(flow: Flow, entity: Entity) -> None:
    """Take something away behind everybody's back."""
    key: dict[str, Any] = {c.name: getattr(entity, c.name) for c in FIELDS[type(entity)].key}
    with flow.store.write() as writer:
        assert writer.remove(Query[Any](type(entity), key), 1) == 1


def altered(flow: Flow, entity: Any, **fields: Any) -> None:
    """Change something behind everybody's back; the version stays."""
    removed(flow, entity)
    added(flow, attrs.evolve(entity, **fields))


def added(flow: Flow, *entities: Entity) -> None:
    with flow.store.write() as writer:
        writer.add(*entities)


def a_later_assignment(**fields: Any) -> Assignment:
    """An assignment that nobody was told of."""
    given: dict[str, Any] = {
        "package": 4,
        "stage": L,
        "round": 1,
        "member": 3,
        "state": AssignmentState.HELD,
    }
    lease = START + timedelta(minutes=5)
    return Assignment(
        **{"job": 7, "id": 99, "made_at": START, "lease_until": lease, **given, **fields}
    )


def make_answer(assignment: int, task: int, **fields: Any) -> Answer:
    given: dict[str, Any] = {
        "package": 3,
        "stage": L,
        "round": 1,
        "member": 4,
        "replies": {"1": Choice("cat")},
    }
    return Answer(
        **{"job": 7, "assignment": assignment, "task": task, "at": START, **given, **fields}
    )


def only_event(flow: Flow, type: str, **where: Any) -> Event:
    """The only event of this type there."""
    found: list[Event] = all_of(flow, Event, type=type, **where)
    assert len(found) == 1
    return found[0]


def change(kind: type[Any], *key: Any, **fields: Any) -> Callable[[Flow], None]:
    return lambda flow: altered(flow, at(flow, kind, *key), **fields)


def remove(kind: type[Any], *key: Any) -> Callable[[Flow], None]:
    return lambda flow: removed(flow, at(flow, kind, *key))


def forget(type: str, **where: Any) -> Callable[[Flow], None]:
    return lambda flow: removed(flow, only_event(flow, type, **where))


def retell(type: str, became: str) -> Callable[[Flow], None]:
    """Let the only event of this type say something else of what became of tasks."""
    return lambda flow: altered(flow, only_event(flow, type), became_text=became)


def add(*entities: Any) -> Callable[[Flow], None]:
    return lambda flow: added(flow, *entities)


def spoiled(flow: Flow, job: Job) -> None:
    """Something is wrong with the job itself, with its first task, the last claim and every package."""
    for package in list(flow.packages.list(job)):
        altered(flow, package, wrong=9)
    altered(flow, at(flow, JobCounter, job.id), tasks=7)
    altered(flow, at(flow, Task, job.id, 1), row="{")
    removed(flow, all_of(flow, Event, job=job.id, type="claim")[-1])


CORRUPTIONS = [
    pytest.param(
        a_busy_job,
        change(Package, 7, 2, abandoned=1),
        ["package 2 of job 7: abandoned is 1, and should be 0"],
        id="abandoned count",
    ),
    pytest.param(
        a_busy_job,
        change(Package, 7, 1, wrong=0),
        ["package 1 of job 7: wrong is 0, and should be 1"],
        id="wrong count",
    ),
    pytest.param(
        a_busy_job,
        change(Package, 7, 4, size=3),
        ["package 4 of job 7: size is 3, and should be 2"],
        id="size",
    ),
    pytest.param(
        a_busy_job,
        change(Package, 7, 4, erased=(7,)),
        [
            "package 4 of job 7: erased is 7, and should be nothing",
            "task 7 of job 7: what became of it, as the history tells it, is erased, and should be nothing",
        ],
        id="erased, except for the data",
    ),
    pytest.param(
        a_busy_job,
        change(Package, 7, 4, withdrawals=(1,)),
        [
            "package 4 of job 7: withdrawals is 1, and should be nothing",
            "package 4 of job 7: withdrawals, as the history tells it, is 1, and should be nothing",
        ],
        id="withdrawn, and of another package",
    ),
    pytest.param(
        a_job_with_a_task_less,
        change(Package, 7, 1, excluded_revisions=(2,)),
        [
            "task 1 of job 7: how often work on it had ended, as the history tells it, is 2, and should be 1"
        ],
        id="how often work on a withdrawn task has ended",
    ),
    pytest.param(
        a_prelabeled_job,
        change(Package, 7, 1, prelabeled=1),
        ["package 1 of job 7: prelabeled is 1, and should be 2"],
        id="pre-label count",
    ),
    pytest.param(
        a_prelabeled_job,
        change(Package, 7, 2, corrected=0),
        ["package 2 of job 7: corrected is 0, and should be 1"],
        id="corrected count",
    ),
    pytest.param(
        a_job_with_votes,
        change(Package, 7, 1, disputes=()),
        ["package 1 of job 7: disputes is nothing, and should be 2"],
        id="dispute forgotten",
    ),
    pytest.param(
        a_busy_job,
        change(Package, 7, 1, rejects=()),
        ["package 1 of job 7: rejects is nothing, and should be 1"],
        id="reject forgotten",
    ),
    pytest.param(
        a_busy_job,
        change(Package, 7, 1, scope=(1, 9)),
        ["package 1 of job 7: scope is 1, 9, and should be 1"],
        id="scope with a stranger",
    ),
    pytest.param(
        a_busy_job,
        change(Package, 7, 4, state=PackageState.INSPECT),
        ["package 4 of job 7: state, as the history tells it, is inspect, and should be label"],
        id="package state",
    ),
    pytest.param(
        a_busy_job,
        change(Package, 7, 4, state=PackageState.DONE),
        [
            "package 4 of job 7: free is 1, and should be 0",
            "package 4 of job 7: skipped is nothing, and should be inspect, accept",
            "package 4 of job 7: state, as the history tells it, is done, and should be label",
            "task 7 of job 7: what became of it, as the history tells it, is final, and should be nothing",
            "task 8 of job 7: what became of it, as the history tells it, is final, and should be nothing",
        ],
        id="package done too early",
    ),
    pytest.param(
        a_busy_job,
        change(Package, 7, 2, skipped=(I,)),
        [
            "package 2 of job 7: skipped is inspect, and should be nothing",
            "package 2 of job 7: skipped, as the history tells it, is inspect, and should be nothing",
        ],
        id="a stage that was not skipped",
    ),
    pytest.param(
        a_busy_job,
        change(Package, 7, 1, whole_round=2),
        ["package 1 of job 7: whole_round, as the history tells it, is 2, and should be 1"],
        id="round of the last whole labeling",
    ),
    pytest.param(
        a_busy_job,
        change(Package, 7, 4, round=2),
        ["package 4 of job 7: round, as the history tells it, is 2, and should be 1"],
        id="package round",
    ),
    pytest.param(
        a_busy_job,
        change(Package, 7, 3, free=1),
        ["package 3 of job 7: free and taken slots is 2, and should be 1"],
        id="slot too many",
    ),
    pytest.param(
        a_busy_job,
        change(Package, 7, 4, free=0),
        [
            "package 4 of job 7: free and taken slots is 0, and should be 1",
            "package 4 of job 7: due tasks without an assignment is 7, 8, and should be nothing",
        ],
        id="slot too few",
    ),
    pytest.param(
        a_busy_job,
        change(Package, 7, 2, free=1),
        ["package 2 of job 7: free is 1, and should be 0"],
        id="slot of what is done",
    ),
    pytest.param(
        a_busy_job,
        change(Package, 7, 3, free=-1),
        [
            "package 3 of job 7: free and taken slots is 0, and should be 1",
            "package 3 of job 7: free is -1, and should be 0",
        ],
        id="slots below nothing",
    ),
    pytest.param(
        a_busy_job,
        remove(Package, 7, 3),
        [
            "package 3 of job 7: what is stored is nothing, and should be one of the packages of its job",
            "assignment 14 of job 7: what is stored is nothing, and should be what the history tells of",
            "the answer of assignment 14 to task 5 of job 7: how often it was said is nothing, and should be 1",
        ],
        id="package gone",
    ),
    pytest.param(
        a_busy_job,
        remove(Package, 7, 5),
        [
            "the counter of job 7: packages is 5, and should be 4",
            "event 24: package is 5, and should be one of its job",
            "task 9 of job 7: package is 5, and should be one of its job",
            "task 10 of job 7: package is 5, and should be one of its job",
        ],
        id="last package gone",
    ),
    pytest.param(
        a_busy_job,
        add(
            Package(job=7, number=6, size=1, first_task=11, waiting_since=START),
            Task(job=7, number=11, package=6, row='{"data": {}}'),
        ),
        [
            "the counter of job 7: tasks is 10, and should be 11",
            "the counter of job 7: packages is 5, and should be 6",
        ],
        id="package that nobody loaded",
    ),
    pytest.param(
        a_busy_job,
        change(JobCounter, 7, packages=6),
        [
            "the counter of job 7: packages is 6, and should be 5",
            "the counter of job 7: packages, as the history tells it, is 6, and should be 5",
        ],
        id="package number of the job",
    ),
    pytest.param(
        a_busy_job,
        change(JobCounter, 7, tasks=9),
        [
            "the counter of job 7: tasks is 9, and should be 10",
            "the counter of job 7: tasks, as the history tells it, is 9, and should be 10",
        ],
        id="task number of the job",
    ),
    pytest.param(
        a_busy_job,
        remove(JobCounter, 7),
        ["job 7: its counter is nothing, and should be there"],
        id="counter gone",
    ),
    pytest.param(
        a_busy_job,
        change(Job, 7, state=JobState.FINISHED),
        [
            "job 7: state is finished, and should be running: package 1 is open",
            "job 7: state, as the history tells it, is finished, and should be running",
        ],
        id="job finished too early",
    ),
    pytest.param(
        a_busy_job,
        change(Job, 7, state=JobState.PAUSED),
        ["job 7: state, as the history tells it, is paused, and should be running"],
        id="job state",
    ),
    pytest.param(
        a_busy_job,
        change(Job, 7, created_by=77),
        ["job 7: those it names who are no members of its workspace is 77, and should be nothing"],
        id="job ordered by a stranger",
    ),
    pytest.param(
        a_busy_job,
        remove(Template, 6),
        ["job 7: template's workspace is nothing, and should be 1"],
        id="template gone",
    ),
    pytest.param(
        a_busy_job,
        remove(Task, 7, 7),
        [
            "task 7 of job 7: what is stored is nothing, and should be one of the tasks of its job",
            "package 4 of job 7: size is 2, and should be 1",
        ],
        id="hole in the tasks",
    ),
    pytest.param(
        a_busy_job,
        remove(Task, 7, 10),
        [
            "the counter of job 7: tasks is 10, and should be 9",
            "package 5 of job 7: size is 2, and should be 1",
            "package 5 of job 7: task 10 is nothing, and should be there: it is abandoned",
        ],
        id="last task gone",
    ),
    pytest.param(
        a_busy_job,
        change(Task, 7, 7, package=8),
        [
            "task 7 of job 7: package is 8, and should be one of its job",
            "package 4 of job 7: size is 2, and should be 1",
        ],
        id="task without its package",
    ),
    pytest.param(
        a_busy_job,
        change(Task, 7, 7, row='{"data": '),
        ["task 7 of job 7: data is JSONDecodeError, and should be dict"],
        id="torn row",
    ),
    pytest.param(
        a_busy_job,
        change(Task, 7, 7, row='{"data": 3}'),
        ["task 7 of job 7: data is int, and should be dict"],
        id="row without data",
    ),
    pytest.param(
        a_busy_job,
        change(Assignment, 7, 14, state=AssignmentState.OFFERED),
        [
            "the claim counter of member 4 at label in job 7: held is 1, and should be 0",
            "assignment 14 of job 7: whether it has a lease is yes, and should be no",
            "assignment 14 of job 7: state, as the history tells it, is offered, and should be held",
        ],
        id="assignment state",
    ),
    pytest.param(
        a_busy_job,
        change(Assignment, 7, 14, state=AssignmentState.DONE),
        [
            "the claim counter of member 4 at label in job 7: held is 1, and should be 0",
            "package 3 of job 7: free and taken slots is 0, and should be 1",
            "assignment 14 of job 7: outcome is nothing, and should be one of an assignment that is done",
            "assignment 14 of job 7: whether it has ended is no, and should be yes",
            "assignment 14 of job 7: state, as the history tells it, is done, and should be held",
        ],
        id="assignment done too early",
    ),
    pytest.param(
        a_busy_job,
        change(Assignment, 7, 14, member=5),
        [
            "the claim counter of member 4 at label in job 7: held is 1, and should be 0",
            "the claim counter of member 5 at label in job 7: held is nothing, and should be 1",
            "the answer of assignment 14 to task 5 of job 7: member is 4, and should be 5",
            "assignment 14 of job 7: member, as the history tells it, is 5, and should be 4",
        ],
        id="assignment of another",
    ),
    pytest.param(
        a_busy_job,
        change(Assignment, 7, 11, member=77),
        [
            "assignment 11 of job 7: member is 77, and should be a member of the workspace",
            "assignment 11 of job 7: member, as the history tells it, is 77, and should be 3",
        ],
        id="offer to a stranger",
    ),
    pytest.param(
        a_busy_job,
        change(Assignment, 7, 14, member=None),
        [
            "the claim counter of member 4 at label in job 7: held is 1, and should be 0",
            "assignment 14 of job 7: member is nothing, and should be the one whose assignment it is",
            "the answer of assignment 14 to task 5 of job 7: member is 4, and should be nothing",
            "assignment 14 of job 7: member, as the history tells it, is nothing, and should be 4",
        ],
        id="assignment of nobody",
    ),
    pytest.param(
        a_busy_job,
        change(Assignment, 7, 14, lease_until=None),
        ["assignment 14 of job 7: whether it has a lease is no, and should be yes"],
        id="lease gone",
    ),
    pytest.param(
        a_busy_job,
        change(Assignment, 7, 14, scope=(5, 7)),
        [
            "package 3 of job 7: due tasks without an assignment is 6, and should be nothing",
            "assignment 14 of job 7: tasks of its scope in other packages is 7, and should be nothing",
        ],
        id="assignment about another package",
    ),
    pytest.param(
        a_busy_job,
        change(Assignment, 7, 14, round=2),
        [
            "package 3 of job 7: free and taken slots is 0, and should be 1",
            "package 3 of job 7: due tasks without an assignment is 5, 6, and should be nothing",
            "assignment 14 of job 7: round is 2, and should be 1",
            "the answer of assignment 14 to task 5 of job 7: round is 1, and should be 2",
            "assignment 14 of job 7: round, as the history tells it, is 2, and should be 1",
        ],
        id="assignment of another round",
    ),
    pytest.param(
        a_busy_job,
        change(Assignment, 7, 14, stage=I),
        [
            "the claim counter of member 4 at label in job 7: held is 1, and should be 0",
            "package 3 of job 7: free and taken slots is 0, and should be 1",
            "package 3 of job 7: due tasks without an assignment is 5, 6, and should be nothing",
            "assignment 14 of job 7: whether it has a lease is yes, and should be no",
            "assignment 14 of job 7: stage is inspect, and should be label",
            "the answer of assignment 14 to task 5 of job 7: stage is label, and should be inspect",
        ],
        id="assignment at another stage",
    ),
    pytest.param(
        a_busy_job,
        change(Assignment, 7, 14, outcome=Outcome.SUBMITTED),
        [
            "assignment 14 of job 7: outcome is submitted, and should be one of an assignment that is held",
            "assignment 14 of job 7: authored is no, and should be yes",
            "assignment 14 of job 7: tasks without an answer is 6, and should be nothing",
        ],
        id="outcome of a held assignment",
    ),
    pytest.param(
        a_busy_job,
        change(Assignment, 7, 14, package=9),
        [
            "assignment 14 of job 7: package is 9, and should be one of its job",
            "package 3 of job 7: free and taken slots is 0, and should be 1",
            "package 3 of job 7: due tasks without an assignment is 5, 6, and should be nothing",
            "the answer of assignment 14 to task 5 of job 7: assignment is 14, and should be one on package 3",
            "assignment 14 of job 7: what is stored is nothing, and should be what the history tells of",
        ],
        id="assignment without its package",
    ),
    pytest.param(
        a_busy_job,
        change(Assignment, 7, 14, package=4),
        [
            "package 3 of job 7: free and taken slots is 0, and should be 1",
            "package 3 of job 7: due tasks without an assignment is 5, 6, and should be nothing",
            "package 4 of job 7: free and taken slots is 2, and should be 1",
            "the answer of assignment 14 to task 5 of job 7: package is 3, and should be 4",
            (
                "the answer of assignment 14 to task 5 of job 7: task is 5, "
                "and should be one in the scope of its assignment"
            ),
            "assignment 14 of job 7: what is stored is nothing, and should be what the history tells of",
            "the answer of assignment 14 to task 5 of job 7: how often it was said is nothing, and should be 1",
            "assignment 14 of job 7: what the history tells of it is nothing, and should be how it was made",
            "the answer of assignment 14 to task 5 of job 7: how often it was said is 1, and should be 0",
        ],
        id="assignment on the package of another",
    ),
    pytest.param(
        a_busy_job,
        remove(Assignment, 7, 14),
        [
            "the claim counter of member 4 at label in job 7: held is 1, and should be 0",
            "package 3 of job 7: free and taken slots is 0, and should be 1",
            "package 3 of job 7: due tasks without an assignment is 5, 6, and should be nothing",
            "the answer of assignment 14 to task 5 of job 7: assignment is 14, and should be one on package 3",
            "assignment 14 of job 7: what is stored is nothing, and should be what the history tells of",
        ],
        id="assignment gone",
    ),
    pytest.param(
        a_busy_job,
        add(a_later_assignment()),
        [
            "the claim counter of member 3 at label in job 7: held is 0, and should be 1",
            "package 4 of job 7: free and taken slots is 2, and should be 1",
            "assignment 99 of job 7: what the history tells of it is nothing, and should be how it was made",
        ],
        id="assignment without its event",
    ),
    pytest.param(
        a_busy_job,
        add(a_later_assignment(package=3, id=99, member=4)),
        [
            "the claim counter of member 4 at label in job 7: held is 1, and should be 2",
            "package 3 of job 7: free and taken slots is 2, and should be 1",
            "package 3 of job 7: assignments of member 4 at label in round 1 is 2, and should be 1",
            "assignment 99 of job 7: what the history tells of it is nothing, and should be how it was made",
        ],
        id="second assignment of the same member",
    ),
    pytest.param(
        a_job_with_votes,
        change(Assignment, 7, 9, member=3),
        [
            "package 1 of job 7: assignments of member 3 at label in round 1 is 2, and should be 1",
            "the answer of assignment 9 to task 1 of job 7: member is 4, and should be 3",
            "the answer of assignment 9 to task 2 of job 7: member is 4, and should be 3",
            "assignment 9 of job 7: member, as the history tells it, is 3, and should be 4",
        ],
        id="two votes of one member",
    ),
    pytest.param(
        a_busy_job,
        forget("claim", assignment=14),
        [
            "assignment 14 of job 7: what the history tells of it is nothing, and should be how it was made"
        ],
        id="claim not told",
    ),
    pytest.param(
        a_busy_job,
        forget("save", assignment=14),
        [
            "the answer of assignment 14 to task 5 of job 7: how often it was said is 1, and should be 0"
        ],
        id="save not told",
    ),
    pytest.param(
        a_busy_job,
        forget("submit", assignment=9),
        [
            "event 19: state of package 2 before it is inspect, and should be label",
            "assignment 9 of job 7: state, as the history tells it, is done, and should be held",
        ],
        id="submit not told",
    ),
    pytest.param(
        a_busy_job,
        forget("publish"),
        ["job 7: state, as the history tells it, is running, and should be draft"],
        id="publish not told",
    ),
    pytest.param(
        a_busy_job,
        forget("load"),
        [
            "the counter of job 7: tasks, as the history tells it, is 10, and should be 0",
            "the counter of job 7: packages, as the history tells it, is 5, and should be 0",
        ],
        id="load not told",
    ),
    pytest.param(
        a_busy_job,
        forget("create_job"),
        ["event 7: state of job 7 before it is draft, and should be nothing"],
        id="creation not told",
    ),
    pytest.param(
        a_busy_job,
        forget("discard"),
        [
            "package 5 of job 7: state, as the history tells it, is discarded, and should be label",
            "task 9 of job 7: what became of it, as the history tells it, is abandoned, and should be nothing",
            "task 10 of job 7: what became of it, as the history tells it, is abandoned, and should be nothing",
        ],
        id="discard not told",
    ),
    pytest.param(
        a_busy_job,
        remove(Answer, 7, 9, 3),
        [
            "assignment 9 of job 7: tasks without an answer is 3, and should be nothing",
            "the answer of assignment 9 to task 3 of job 7: how often it was said is nothing, and should be 1",
        ],
        id="answer gone",
    ),
    pytest.param(
        a_busy_job,
        remove(Answer, 7, 14, 5),
        [
            "the answer of assignment 14 to task 5 of job 7: how often it was said is nothing, and should be 1"
        ],
        id="answer of a held assignment gone",
    ),
    pytest.param(
        a_busy_job,
        add(make_answer(14, 6)),
        [
            "the answer of assignment 14 to task 6 of job 7: how often it was said is 1, and should be 0"
        ],
        id="answer added",
    ),
    pytest.param(
        a_busy_job,
        add(make_answer(14, 7)),
        [
            (
                "the answer of assignment 14 to task 7 of job 7: task is 7, "
                "and should be one in the scope of its assignment"
            ),
            "the answer of assignment 14 to task 7 of job 7: how often it was said is 1, and should be 0",
        ],
        id="answer about another package",
    ),
    pytest.param(
        a_busy_job,
        add(make_answer(98, 6)),
        [
            "the answer of assignment 98 to task 6 of job 7: assignment is 98, and should be one on package 3",
            "the answer of assignment 98 to task 6 of job 7: how often it was said is 1, and should be 0",
        ],
        id="answer without its assignment",
    ),
    pytest.param(
        a_busy_job,
        add(make_answer(98, 60)),
        [
            "the answer of assignment 98 to task 60 of job 7: task is 60, and should be one of its job"
        ],
        id="answer without assignment and task",
    ),
    pytest.param(
        a_busy_job,
        change(Answer, 7, 14, 5, version=4),
        [
            "the answer of assignment 14 to task 5 of job 7: how often it was said is 5, and should be 1"
        ],
        id="answer said less often",
    ),
    pytest.param(
        a_busy_job,
        change(Answer, 7, 14, 5, member=3),
        ["the answer of assignment 14 to task 5 of job 7: member is 3, and should be 4"],
        id="answer of another",
    ),
    pytest.param(
        a_busy_job,
        change(Answer, 7, 14, 5, replies={"1": Choice("cow")}),
        [f"the answer of assignment 14 to task 5 of job 7: {UNFIT}, and should be nothing"],
        id="answer that does not fit",
    ),
    pytest.param(
        a_busy_job,
        change(Answer, 7, 10, 1, verdict=Verdict.RIGHT),
        ["package 1 of job 7: wrong is 1, and should be 0"],
        id="verdict turned",
    ),
    pytest.param(
        a_busy_job,
        change(Answer, 7, 9, 3, abandon_reason="dark"),
        [
            "package 2 of job 7: abandoned is 0, and should be 1",
            "task 3 of job 7: what became of it, as the history tells it, is abandoned, and should be final",
        ],
        id="task given up",
    ),
    pytest.param(
        a_busy_job,
        retell("accept", "final 3"),
        [
            "task 4 of job 7: what became of it, as the history tells it, is final, and should be nothing"
        ],
        id="a final task not told",
    ),
    pytest.param(
        a_busy_job,
        retell("accept", "final 3-5"),
        [
            "package 2 of job 7: task 5 is nothing, and should be there: it is final",
        ],
        id="a final task of another package",
    ),
    pytest.param(
        a_busy_job,
        retell("accept", "reopened 3-4"),
        [
            "event 25: what became of task 3 before it was reopened is nothing, and should be another",
            "event 25: what became of task 4 before it was reopened is nothing, and should be another",
            "task 3 of job 7: what became of it, as the history tells it, is final, and should be reopened",
            "task 3 of job 7: how often it was reopened, as the history tells it, is 0, and should be 1",
            "task 4 of job 7: what became of it, as the history tells it, is final, and should be reopened",
            "task 4 of job 7: how often it was reopened, as the history tells it, is 0, and should be 1",
        ],
        id="reopened before it was done",
    ),
    pytest.param(
        a_busy_job,
        retell("publish", "final 3"),
        ["event 25: its package is 0, and should be the one of its tasks"],
        id="a final task of no package",
    ),
    pytest.param(
        a_busy_job,
        change(Package, 7, 4, first_task=6),
        ["package 4 of job 7: first task is 6, and should be 7"],
        id="tasks of another package",
    ),
    pytest.param(
        a_busy_job,
        change(Package, 7, 2, reopenings=1),
        [
            "package 2 of job 7: reopenings, as the history tells it, is 1, and should be 0",
            "task 3 of job 7: how often it was reopened, as the history tells it, is 1, and should be 0",
            "task 4 of job 7: how often it was reopened, as the history tells it, is 1, and should be 0",
        ],
        id="reopened without an event",
    ),
    pytest.param(
        a_job_with_votes,
        change(Answer, 7, 9, 2, replies={"1": Choice("cat")}),
        [
            "the answer of assignment 10 to task 2 of job 7: replies is {}, and should be {'1': Choice('cat')}",
            "the answer of assignment 10 to task 2 of job 7: disputed is 1, and should be nothing",
            "the answer of assignment 10 to task 2 of job 7: counts of question 1 is 1, 1, and should be 2",
        ],
        id="vote changed",
    ),
    pytest.param(
        a_job_with_votes,
        change(Package, 7, 1, votes=3),
        ["package 1 of job 7: votes is 3, and should be 2"],
        id="votes of a package",
    ),
    pytest.param(
        a_job_with_votes,
        remove(Answer, 7, 10, 1),
        ["assignment 10 of job 7: tasks without an answer is 1, and should be nothing"],
        id="merged answer gone",
    ),
    pytest.param(
        a_busy_job,
        change(ClaimCounter, 7, "label", 4, active=2),
        ["the claim counter of member 4 at label in job 7: held is 2, and should be 1"],
        id="claim_counter",
    ),
    pytest.param(
        a_busy_job,
        remove(ClaimCounter, 7, "label", 4),
        ["the claim counter of member 4 at label in job 7: held is nothing, and should be 1"],
        id="claim counter gone",
    ),
    pytest.param(
        a_busy_job,
        add(ClaimCounter(job=7, stage=I, member=5, active=1)),
        ["the claim counter of member 5 at inspect in job 7: held is 1, and should be 0"],
        id="claim counter without a limit",
    ),
    pytest.param(
        a_busy_job,
        change(ClaimCounter, 7, "label", 4, cursor=QueueCursor(0, START)),
        [
            (
                "the claim counter of member 4 at label in job 7: "
                "cursor is 2026-11-24 09:00:00+00:00, and should be nothing"
            )
        ],
        id="place in the queue where no own work waits",
    ),
    pytest.param(
        a_busy_job,
        add(ClaimCounter(job=7, stage=I, member=5, cursor=QueueCursor(0, TOMORROW))),
        [
            (
                f"the claim counter of member 5 at inspect in job 7: cursor is {TOMORROW}, "
                "and should be the moment of an act"
            ),
        ],
        id="place in the queue that no package had",
    ),
    pytest.param(
        a_busy_job,
        change(Member, 3, role=Role.VIEWER),
        ["member 3: role, as the history tells it, is viewer, and should be operator"],
        id="role",
    ),
    pytest.param(
        a_busy_job,
        change(Member, 2, external=True),
        ["member 2: role is admin, and should be leader or operator, for one from outside"],
        id="administrator from outside",
    ),
    pytest.param(
        a_busy_job,
        change(Member, 4, active=False),
        [
            "member 4: active, as the history tells it, is no, and should be yes",
            "assignment 14 of job 7: member is 4, and should be one who was not removed",
        ],
        id="member gone who holds",
    ),
    pytest.param(
        a_busy_job,
        change(Member, 2, active=False),
        [
            "workspace 1: administrators is 0, and should be at least 1",
            "member 2: active, as the history tells it, is no, and should be yes",
        ],
        id="no administrator",
    ),
    pytest.param(
        a_busy_job,
        remove(Member, 4),
        [
            "member 4: what is stored is nothing, and should be what the history tells of",
            "job 7: those it names who are no members of its workspace is 4, and should be nothing",
            "assignment 9 of job 7: member is 4, and should be a member of the workspace",
            "assignment 14 of job 7: member is 4, and should be a member of the workspace",
        ],
        id="member gone",
    ),
    pytest.param(
        a_busy_job,
        forget("add_member", position=3),
        ["member 4: what the history tells of it is nothing, and should be how it was made"],
        id="member not told",
    ),
    pytest.param(
        a_busy_job,
        remove(Workspace, 1),
        [
            "workspace 1: what it has of Member is 4, and should be 0",
            "workspace 1: what it has of Template is 1, and should be 0",
            "workspace 1: what it has of Job is 1, and should be 0",
            "workspace 1: what it has of Event is 24, and should be 0",
        ],
        id="workspace gone",
    ),
    pytest.param(
        a_busy_job,
        remove(Job, 7),
        [
            "job 7: what it has of JobCounter is 1, and should be 0",
            "job 7: what it has of Package is 5, and should be 0",
            "job 7: what it has of Task is 10, and should be 0",
            "job 7: what it has of Assignment is 7, and should be 0",
            "job 7: what it has of Answer is 6, and should be 0",
            "job 7: what it has of ClaimCounter is 2, and should be 0",
            "job 7: what it has of Event is 20, and should be 0",
        ],
        id="job gone",
    ),
    pytest.param(
        a_busy_job,
        add(Event(at=START, type="claim", workspace=1, job=7, package=12, assignment=5)),
        ["event 25: package is 12, and should be one of its job"],
        id="event about no package",
    ),
    pytest.param(
        a_busy_job,
        add(
            Event(
                at=START,
                type="renew",
                workspace=1,
                job=7,
                package=3,
                assignment=14,
                changes=(FINISHING,),
            )
        ),
        ["event 25: type is renew, and should be one that moves a job"],
        id="event that moves the job",
    ),
    pytest.param(
        a_busy_job,
        change(Package, 7, 4, due=START, overdue_at=TOMORROW),
        [f"package 4 of job 7: {OVERDUE_AT} is {TOMORROW}, and should be nothing"],
        id="overdue and not told",
    ),
    pytest.param(
        an_overdue_job,
        change(Package, 7, 1, due=TOMORROW),
        [f"package 1 of job 7: due is {TOMORROW}, and should be at most {START}"],
        id="overdue before it is due",
    ),
    pytest.param(
        an_overdue_job,
        change(Package, 7, 1, overdue_at=TOMORROW),
        [f"package 1 of job 7: {OVERDUE_AT} is {TOMORROW}, and should be {START}"],
        id="overdue at another time",
    ),
    pytest.param(
        an_overdue_job,
        change(Assignment, 7, 8, outcome=Outcome.IMPORTED),
        ["package 1 of job 7: labelings that ended overdue is 0, and should be 1"],
        id="overdue labeling that did not end so",
    ),
]
