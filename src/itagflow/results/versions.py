"""Every version of the answers to a task, read from what is stored and from the history."""

from __future__ import annotations

from typing import Any

from itagflow.core.engine import Engine
from itagflow.core.lookup import JobRef, MemberRef, TaskRef, iterate_in_transaction
from itagflow.core.visibility import Access
from itagflow.errors import NotFound
from itagflow.model.event import Event
from itagflow.model.job import Job
from itagflow.model.package import Assignment, AssignmentState
from itagflow.model.task import Answer, Task, WorkItem
from itagflow.model.version import AnswerVersion
from itagflow.results.histories import read_cases
from itagflow.results.service import find_task_to_read
from itagflow.results.version_rules import Storing, build_versions, find_made, stores_answer
from itagflow.storage import codec
from itagflow.storage.port import Query, Reader

READER = "results.versions"


def list_versions(
    engine: Engine,
    job: JobRef | Task | WorkItem | tuple[JobRef, int],
    task: TaskRef | None = None,
    *,
    key: str | int | None = None,
    by: MemberRef | None = None,
) -> list[AnswerVersion]:
    """Return every version of the answers to a task, in the order in which they were stored."""
    with engine.store.read() as reader:
        stored_job, viewer, stored = find_task_to_read(
            engine, reader, READER, (job, task, key), by, own=True
        )
        return read_versions(reader, stored_job, stored, viewer)


def find_version(
    reader: Reader, job: Job, task: Task, viewer: Access, version: AnswerVersion | int
) -> AnswerVersion:
    """Return a version of an answer to *task* that *viewer* may see, as the history has it.

    Raises:
        NotFound: when there is none: of this assignment and number, or at this position.
    """
    for known in read_versions(reader, job, task, viewer):
        if isinstance(version, AnswerVersion):
            same = (known.answer.key, known.number) == (version.answer.key, version.number)
        else:
            same = known.position == version
        if same:
            return known
    position = version.position if isinstance(version, AnswerVersion) else version
    raise NotFound("AnswerVersion", position)


def read_versions(reader: Reader, job: Job, task: Task, viewer: Access) -> list[AnswerVersion]:
    """Return the versions of the answers to *task* that *viewer* may see."""
    case = next(read_cases(reader, job, [task], viewer))
    visible = {
        assignment.id for assignment in case.assignments if _may_see(viewer, job, assignment)
    }
    storings, made = list[Storing](), dict[int, int]()
    where: dict[str, Any] = {"job": job.id, "package": task.package}
    hidden = viewer.read_hidden(job, {task.package})
    decode = codec.decoder(Answer)
    for event in iterate_in_transaction(reader, Query(Event, where, order=("position",))):
        made.update(dict.fromkeys(find_made(event), event.position))
        if stores_answer(event, task.number):
            kept = event.data.get("previous", {}).get(str(task.number))
            replaced = None if kept is None else hidden.hide_in_answer(decode(kept))
            storings.append(Storing(event.position, event.assignment, replaced))
    return build_versions(storings, made, case.answers, visible)


def _may_see(viewer: Access, job: Job, assignment: Assignment) -> bool:
    """Return whether *viewer* may see the versions of *assignment*, whose votes are no secret."""
    if viewer.can_see(READER, job):
        return True
    # one's own, as long as its tasks may be read
    return viewer.is_own(assignment.member) and assignment.state is not AssignmentState.RETURNED
