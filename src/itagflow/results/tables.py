"""Results and votes as rows of a table, of one job or of several."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any, cast

import attrs

from itagflow.core import lookup
from itagflow.core.engine import Engine
from itagflow.core.lookup import (
    EVERYTHING,
    MemberRef,
    Page,
    PartitionRef,
    iterate_pages,
)
from itagflow.core.visibility import require_readable
from itagflow.errors import NotFound
from itagflow.formats._columns import FIXED, FIXED_OF_ANSWERS, FIXED_OF_VOTES, Columns
from itagflow.model.result import Result
from itagflow.model.selection import ALL_TASKS, Selection
from itagflow.model.task import Task
from itagflow.model.template import Template
from itagflow.model.workspace import Member, Workspace
from itagflow.results.building_rules import build_result
from itagflow.results.dataset_rules import (
    TableSource,
    combine_templates,
    find_source,
    rename_questions,
)
from itagflow.results.datasets import (
    DatasetRef,
    DatasetSource,
    DatasetSources,
    get_duplicates,
    read_dataset,
    read_sources,
)
from itagflow.results.histories import ResultQuery, read_cases
from itagflow.results.pseudonyms import make_pseudonym
from itagflow.storage.port import Query, Reader, Span

Build = Callable[[Columns, Result, str, Mapping[int, str]], Iterable[dict[str, Any]]]
"""What makes the rows of a result, for the job with this name and members with these."""


@attrs.frozen
class RowRequest:
    """Which rows are asked for."""

    name: str
    """The verb that asks, such as ``results.rows``."""
    by: MemberRef | None = None
    """Who reads; None: the application itself."""
    page: Page = EVERYTHING
    """Where it begins, and how many rows it has at the most."""
    where: Selection = ALL_TASKS
    """The tasks."""
    fields: tuple[str, ...] | None = None
    """The fields of the data that have columns; None: all that some task has."""
    accounts: bool = True
    """Whether members are called by their accounts, and not by pseudonyms."""
    fixed: tuple[str, ...] = FIXED
    """The columns that it begins with."""
    build: Build = lambda columns, result, job, names: [columns.build_row(result, job, names)]
    """What makes the rows of a result."""


def iter_rows(
    engine: Engine, jobs: DatasetRef, table: RowRequest, *, votes: bool
) -> Iterator[dict[str, Any]]:
    """Yield a row for every task, or for every answer of a person: job by job, in input order."""
    return open_table(engine, jobs, table, votes=votes).iterate()


def iter_votes(
    engine: Engine, job: PartitionRef, *, by: MemberRef | None = None, page: Page = EVERYTHING
) -> Iterator[dict[str, Any]]:
    """Yield every vote on every task as a flat dict, by task, then by assignment."""
    table = RowRequest(
        "results.votes", by, page, fields=(), fixed=FIXED_OF_VOTES, build=Columns.iter_votes
    )
    return open_table(engine, job, table).iterate()


def open_table(
    engine: Engine, jobs: DatasetRef, table: RowRequest, *, votes: bool = False
) -> TableRows:
    """Return the rows that are asked for, none of which is read yet.

    Raises:
        NotFound: when there is no such job, or no such task to begin behind.
        NotAllowed: when whoever asks may not read there.
        InvalidData: when several jobs do not make one table.
    """
    if votes:
        table = attrs.evolve(table, fixed=FIXED_OF_ANSWERS, build=Columns.iter_answers)
    page = table.page
    query = ResultQuery(table.name, table.by, table.where)
    with engine.store.read() as reader:
        sources = read_sources(engine, reader, jobs, query, "the rows")
        index = find_source(sources, page.after)
        begun = _read_begun(engine, reader, sources[index], table)
    # those before the one that the page goes on in are only asked which columns they have, and
    # which duplicates
    queries = [query] * len(sources)
    queries[index] = attrs.evolve(query, page=attrs.evolve(page, limit=None))
    parts = tuple(DatasetSource(source.part, source.names) for source in sources)
    dataset = DatasetSources(parts, get_duplicates(jobs, "keep"))
    results = read_dataset(engine, dataset, queries, range(index, len(sources)))
    return TableRows(engine, table, sources, begun, results)


def _read_begun(
    engine: Engine, reader: Reader, source: TableSource, table: RowRequest
) -> tuple[str, Result, str] | None:
    """Return the task in the middle of which a page begins, and whose answer is the last one read.

    None when it begins behind all rows of a task.
    """
    after = table.page.after
    if not isinstance(after, Mapping) or "by" not in table.fixed:
        return None
    row = cast("Mapping[str, Any]", after)
    if row.get("by") is None:
        return None
    job, viewer = require_readable(engine, reader, table.name, source.job, table.by)
    task = lookup.read_task(reader, job.id, cast("Any", row.get("task")))
    result = build_result(next(read_cases(reader, job, [task], viewer)), task)
    return job.name, rename_questions(result, source.names), row["by"]


@attrs.define(slots=False)
class TableRows:
    """Makes rows of results: it has read what they need beside these."""

    engine: Engine
    table: RowRequest
    """What is asked for."""
    sources: Sequence[TableSource]
    """The jobs."""
    begun: tuple[str, Result, str] | None
    """As in `_read_begun`."""
    results: Iterable[Result]
    """The results of all jobs; they are gone through once."""
    names: dict[int, str] = attrs.field(factory=dict[int, str])
    """What members are called, looked up once each, and not for each row."""

    @property
    def template(self) -> Template:
        """What the jobs ask: the same questions, of which some may have more options."""
        return combine_templates(self.sources)

    def count_tasks(self) -> int:
        """Return how many tasks the jobs have; a selection has fewer."""
        return sum(len(source.part) for source in self.sources)

    @cached_property
    def columns(self) -> Columns:
        """The columns; unless the fields are named, all tasks are gone through for them."""
        table = self.table
        fields = self._read_fields() if table.fields is None else table.fields
        return Columns.for_template(self.template, fields, table.fixed)

    def iterate(self) -> Iterator[dict[str, Any]]:
        """Return an iterator over the rows that the page has."""
        return self.table.page.cut(self._iterate())

    def _iterate(self) -> Iterator[dict[str, Any]]:
        columns = self.columns
        if self.begun is not None:
            job, result, account = self.begun
            rows = list(self._build(columns, job, result))
            yield from rows[_find_index(rows, account) + 1 :]
        jobs = {source.job.id: source.job.name for source in self.sources}
        for result in self.results:
            yield from self._build(columns, jobs[result.task.job], result)

    def _build(self, columns: Columns, job: str, result: Result) -> Iterable[dict[str, Any]]:
        members = {entry.member for entry in result.provenance}
        members |= {vote.member for vote in result.votes}
        unknown = {member for member in members if member} - self.names.keys()
        if unknown:
            self.names.update(self._read_names(unknown))
        return self.table.build(columns, result, job, self.names)

    def _read_names(self, members: Iterable[int]) -> dict[int, str]:
        with self.engine.store.read() as reader:
            if self.table.accounts:
                return {id: reader.get(Member, (id,)).account for id in members}
            workspace = reader.get(Workspace, (self.sources[0].job.workspace,))
        return {id: make_pseudonym(workspace, id) for id in members}

    def _read_fields(self) -> Iterable[str]:
        """Return the names of all fields that some task of the jobs has, as they come up.

        Of whole jobs, whatever is selected: the columns depend on nothing else.
        """
        found = dict[str, None]()
        for id in {source.job.id: None for source in self.sources}:
            for names in _iter_field_names(self.engine, id):
                found.update(names)
        return found


def _iter_field_names(engine: Engine, job: int) -> Iterator[dict[str, None]]:
    """Yield the names of the fields of every task of a job."""

    def read_page(reader: Reader, first: int) -> tuple[list[dict[str, None]], int | None]:
        where: dict[str, Any] = {"job": job, "number": Span(first, None)}
        tasks = list(reader.find(Query(Task, where, order=("number",), limit=lookup.PAGE)))
        names = [dict.fromkeys(task.data) for task in tasks]
        following = tasks[-1].number + 1 if len(tasks) == lookup.PAGE else None
        return names, following

    return iterate_pages(engine.store, read_page, 1)


def _find_index(rows: Sequence[Mapping[str, Any]], account: str) -> int:
    """Return where the answer of the member with this account is.

    Raises:
        NotFound: when there is none: the task is voted on again.
    """
    for index, row in enumerate(rows):
        if row["by"] == account:
            return index
    raise NotFound("Answer", account)
