"""Results and all answers to tasks, read from a store a page at a time."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, cast

import attrs

from itagflow.core import lookup
from itagflow.core.blinding import NOTHING_HIDDEN, hide_at
from itagflow.core.engine import Engine
from itagflow.core.lookup import (
    EVERYTHING,
    MemberRef,
    Page,
    PartitionRef,
    iterate_pages,
    read_answers,
    read_task_numbers,
    take_each,
)
from itagflow.core.visibility import Access, require_readable
from itagflow.errors import NotFound
from itagflow.model.job import Job, Stage
from itagflow.model.package import Assignment, Package
from itagflow.model.partition import JobPartition
from itagflow.model.result import Result
from itagflow.model.selection import ALL_TASKS, Selection
from itagflow.model.task import Answer, Task
from itagflow.results.building_rules import build_results
from itagflow.results.rules import (
    Case,
    PackageHistory,
    TaskCases,
    build_cases,
    sort_assignments,
    with_counts,
)
from itagflow.results.selecting import find_selection, select_tasks
from itagflow.results.selection_rules import is_selected
from itagflow.results.split_rules import SplitPart
from itagflow.storage.port import Query, Reader, Span


def recount(
    reader: Reader,
    job: Job,
    package: Package,
    assignments: Sequence[Assignment],
    new: Iterable[Answer] = (),
) -> Package:
    """Return *package* with its counts, given its assignments and *new* answers to be stored."""
    answers = read_answers(reader, job.id, read_task_numbers(reader, package))
    for answer in new:
        answers[answer.task][answer.assignment] = answer
    return with_counts(package, build_cases(job, package, assignments, answers))


def read_package_cases(
    reader: Reader, job: Job, package: Package, assignments: Sequence[Assignment]
) -> list[Case]:
    """Return the cases of all tasks of *package*, which has these assignments."""
    answers = read_answers(reader, job.id, read_task_numbers(reader, package))
    return build_cases(job, package, assignments, answers)


def read_cases(
    reader: Reader,
    job: Job,
    tasks: Sequence[Task],
    access: Access | None = None,
    *,
    reviewed_at: Stage | None = None,
) -> Iterator[Case]:
    """Yield the case of each task; *tasks* are sorted by number, of one or several packages.

    With *access* it is without the votes that are secret from the one who reads, and without the
    names of labelers whom they review blind; with *reviewed_at* without those hidden there.
    """
    return map(read_histories(reader, job, tasks, access, reviewed_at=reviewed_at).build, tasks)


def read_histories(
    reader: Reader,
    job: Job,
    tasks: Sequence[Task],
    access: Access | None = None,
    *,
    reviewed_at: Stage | None = None,
) -> TaskCases:
    """Return what the cases of *tasks* are made of; the arguments are those of `read_cases`."""
    numbers = tuple({task.package for task in tasks})
    # three queries for a page, and not three for each of its tasks
    packages = {
        package.number: package
        for package in reader.find(Query(Package, {"job": job.id, "number": numbers}))
    }
    visible: Sequence[Assignment] = list(
        reader.find(Query(Assignment, {"job": job.id, "package": numbers}))
    )
    hidden = NOTHING_HIDDEN
    if access is not None:
        hidden = access.find_hidden(job, packages.values(), visible)
        visible = access.without_secrets(job, packages.values(), visible)
    elif reviewed_at is not None:
        hidden = hide_at(reviewed_at, job, packages.values(), visible)
    assignments: dict[int, list[Assignment]] = defaultdict(list)
    answers = read_answers(reader, job.id, [task.number for task in tasks])
    # nearly always nobody is: then no name has to be replaced
    if hidden.names:
        visible = [hidden.hide_in_assignment(assignment) for assignment in visible]
        answers = {
            number: {id: hidden.hide_in_answer(answer) for id, answer in of_task.items()}
            for number, of_task in answers.items()
        }
    for assignment in visible:
        assignments[assignment.package].append(assignment)
    histories = {
        number: PackageHistory(package, sort_assignments(assignments[number]))
        for number, package in packages.items()
    }
    return TaskCases(job, histories, answers)


@attrs.frozen
class ResultQuery:
    """Which results are read, by whom, and how."""

    name: str
    """The operation that reads, such as ``results.list``."""
    by: MemberRef | None = None
    """Who reads; None: the application itself."""
    where: Selection = ALL_TASKS
    """The tasks that are meant."""
    page: Page = EVERYTHING
    """Where it begins; the limit is not applied: some results may still be left out."""
    snapshot: bool = False
    """Whether all of it shows one moment."""
    hides_votes: bool = False
    """Whether all votes that are secret from anybody are left out."""
    needed: Collection[str] = ()
    """The fields of every result that are worked out a page at a time; others when asked for."""
    part: SplitPart | None = None
    """The part of a split that the tasks are in; None: all of them."""


@attrs.frozen
class ResultPages:
    """The results of a job, or of a part of one, a page at a time."""

    engine: Engine
    job: Job
    query: ResultQuery
    first: int
    """The number of the first task that is meant."""
    start: int
    """The number of the first one that is read: a page may begin behind others."""
    last: int | None
    """The number of the last one; None: all there are."""
    selection: Selection | None
    """Which are meant, as `find_selection` returned it; None: all of them."""

    def read(self, reader: Reader, first: int) -> tuple[Iterable[Result], int | None]:
        """Return results from task *first* on, and where to go on; None behind the last."""
        selection = self.selection
        # of what is read at once few may be selected
        size = self.query.page.size if selection is None else EVERYTHING.size
        numbered: dict[str, Any] = {"job": self.job.id, "number": Span(first, self.last)}
        if selection is not None and selection.package is not None:
            numbered["package"] = selection.package
        tasks = list(reader.find(Query(Task, numbered, order=("number",), limit=size)))
        results = self.read_of(reader, self.keep_part(tasks))
        if len(tasks) < size:
            return results, None
        return results, tasks[-1].number + 1

    def keep_part(self, tasks: list[Task]) -> list[Task]:
        """Return those of *tasks* that are in the part of the split that is read."""
        part = self.query.part
        return tasks if part is None else [task for task in tasks if part.has(task)]

    def read_of(self, reader: Reader, tasks: Sequence[Task]) -> Iterable[Result]:
        """Return the results of those of *tasks* that are meant, for one pass; they are sorted."""
        access = self._check_access(reader)
        access = attrs.evolve(access, reader=reader, hides_votes=self.query.hides_votes)
        chosen = SelectedTasks(tasks, self.selection, self.query.needed)
        return read_selected(reader, self.job, chosen, access)

    def includes(self, task: Task) -> bool:
        """Return whether *task* lies in the part of its job that is read."""
        return self.first <= task.number and (self.last is None or task.number <= self.last)

    def _check_access(self, reader: Reader) -> Access:
        # asked for every page: a member may be removed while a long export runs; and never of the
        # snapshot, in which nobody is removed any more
        query = self.query
        if not query.snapshot or query.by is None:
            return require_readable(self.engine, reader, query.name, self.job, query.by)[1]
        with self.engine.store.read() as current:
            return require_readable(self.engine, current, query.name, self.job, query.by)[1]


def find_pages(
    engine: Engine, reader: Reader, job: PartitionRef, query: ResultQuery
) -> ResultPages:
    """Return the pages of the results that are meant, if they may be read.

    Raises:
        NotFound: when there is no such job, member or package, or no task that a page begins
            behind.
        NotAllowed: when they may not be read.
    """
    first, last = 1, None
    if isinstance(job, JobPartition):
        first, last = job.first, job.last
    stored_job, _ = require_readable(engine, reader, query.name, job, query.by)
    selection = None
    if query.where != ALL_TASKS:
        selection = find_selection(reader, stored_job, query.where)
    start = first
    if query.page.after is not None:
        start = max(first, _find_number(reader, stored_job, query.page.after) + 1)
    return ResultPages(engine, stored_job, query, first, start, last, selection)


def read_results(engine: Engine, job: PartitionRef, query: ResultQuery) -> Iterator[Result]:
    """Yield the results of the tasks that are meant, in order."""
    with engine.store.read() as reader:
        pages = find_pages(engine, reader, job, query)
    return iterate_pages(engine.store, pages.read, pages.start, snapshot=query.snapshot)


@attrs.frozen
class SelectedTasks:
    """Some tasks of a job, which of them are meant, and what is asked about them."""

    tasks: Sequence[Task]
    """The tasks, sorted."""
    selection: Selection | None = None
    """Which are meant, as `find_selection` returned it; None: all of them."""
    needed: Collection[str] = ()
    """The fields of the results that are worked out at once."""


def read_selected(
    reader: Reader, job: Job, wanted: SelectedTasks, access: Access
) -> Iterable[Result]:
    """Return the results of the tasks that are *wanted*, and may be seen.

    What they follow from is read now, and each is built when it is its turn, in one pass.
    """
    tasks, selection = wanted.tasks, wanted.selection
    chosen = tasks if selection is None else select_tasks(reader, job, selection, tasks)
    cases = read_histories(reader, job, chosen, access)
    if access.member is not None:  # the application itself sees everything
        chosen = [
            task
            for task in chosen
            if access.can_see_work_of(each.member for each in cases.build(task).assignments)
        ]
    results = build_results(cases, take_each(chosen), wanted.needed)
    if selection is None:
        return results
    return filter(partial(is_selected, selection), results)


def _find_number(reader: Reader, job: Job, after: Any) -> int:
    """Return the number of the task that a page begins behind.

    Args:
        reader: The transaction.
        job: The job that is listed.
        after: The task, its number or key; its result, or its row as `results.rows` yields it.

    Raises:
        NotFound: when the job has no such task.
    """
    ref: Any = after
    if isinstance(after, Result):
        ref = after.task
    elif isinstance(after, Mapping):
        # the first of its columns, which no field of the data can take away
        ref = cast("Mapping[str, Any]", after).get("task")
    if isinstance(ref, tuple):
        key = lookup.find_key(reader, Task, cast(object, ref))
        if key[0] != job.id:
            raise NotFound("Task", key)
        ref = key[1]
    return lookup.read_task(reader, job.id, ref).number
