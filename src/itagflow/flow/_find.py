"""From what a caller names to what is stored: every verb takes keys, names or objects."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TypeVar

import attrs

from itagflow.errors import InvalidData, NotFound, Problem, StoreFailed
from itagflow.model.entity import E, Key
from itagflow.model.job import Job
from itagflow.model.jobpart import JobPart
from itagflow.model.package import Assignment, Package
from itagflow.model.task import Task, Work
from itagflow.model.template import Template
from itagflow.model.text import flaw
from itagflow.model.workspace import Member, Workspace
from itagflow.store import Query, Reader, Store
from itagflow.stores._layout import LAYOUTS, cursor

WorkspaceRef = Workspace | int | str
"""A workspace, its key, or its name."""
MemberRef = Member | int | str
"""A member, the key, or the account."""
TemplateRef = Template | int | str
"""A template, its key, or its name in the workspace; one that is not yet stored belongs to its job."""
JobRef = Job | int | str
"""A job, its key, or its name where no other workspace has a job of that name."""
PartRef = JobRef | JobPart
"""A job, or a part of one."""
PackageRef = Package | tuple[int, int]
"""A package, or its key: job and number."""
TurnRef = Assignment | tuple[int, int]
"""A turn, or its key: job and id."""
TaskRef = Work | Task | int
"""A task, the work that shows it, or its number in the job of the turn."""
T = TypeVar("T")
M = TypeVar("M")
N = TypeVar("N", Task, Package)

PAGE = 500
"""How many entities an iterator fetches in one short read block."""


def first(reader: Reader, query: Query[E]) -> E | None:
    """Return the first match, or None."""
    return next(iter(reader.find(query)), None)


def perhaps(reader: Reader, kind: type[E], key: Key) -> E | None:
    """Return the entity with this key, or None."""
    try:
        return reader.get(kind, key)
    except NotFound:
        return None


def last_number(reader: Reader, kind: type[N], job: int) -> int:
    """Return the number of the last task or package of *job*, or 0."""
    last = first(reader, Query(kind, {"job": job}, order=("-number",), limit=1))
    return last.number if last else 0


def workspace(reader: Reader, ref: WorkspaceRef) -> Workspace:
    """Return the workspace as it is now."""
    if isinstance(ref, str):
        return _named(Workspace, ref, called(reader, Query(Workspace, {"name": ref}, limit=1)))
    return reader.get(Workspace, (_id(Workspace, ref),))


def member(reader: Reader, workspace: int, ref: MemberRef) -> Member:
    """Return the member of *workspace* as it is now; a member of another workspace is not found."""
    if isinstance(ref, str):
        return _named(Member, ref, called(reader, Query(Member, {"workspace": workspace, "account": ref}, limit=1)))
    found = reader.get(Member, (_id(Member, ref),))
    if found.workspace != workspace:
        raise NotFound("Member", f"{found.account} in workspace {workspace}")
    return found


def template(reader: Reader, workspace: int, ref: TemplateRef) -> Template:
    """Return the stored template of *workspace*; one of another workspace is not found."""
    if isinstance(ref, str):
        query = Query(Template, {"workspace": workspace, "name": ref}, limit=1)
        return _named(Template, ref, called(reader, query) if ref else [])
    found = reader.get(Template, (_id(Template, ref),))
    if found.workspace != workspace:
        raise NotFound("Template", found.id)
    return found


def job(reader: Reader, ref: PartRef) -> Job:
    """Return the job, or that of a part, as it is now.

    Raises:
        NotFound: when there is none.
        InvalidData: when several workspaces have a job of this name.
    """
    if not isinstance(ref, str):
        return reader.get(Job, (ref.job if isinstance(ref, JobPart) else _id(Job, ref),))
    found = called(reader, Query(Job, {"name": ref}, limit=2))
    if len(found) > 1:
        raise InvalidData("job", [Problem(ref, "more than one workspace has a job of this name: pass its key")])
    return _named(Job, ref, found)


def has_own_template(reader: Reader, job: Job) -> bool:
    """Return whether the template of *job* was made for it alone."""
    template = perhaps(reader, Template, (job.template,))
    others = reader.find(Query(Job, {"workspace": job.workspace}))
    used = any(other.template == job.template for other in others if other.id != job.id)
    return template is not None and not template.name and not used


def key_of(ref: Assignment | Package | tuple[int, int]) -> tuple[int, int]:
    """Return the key of a turn or package."""
    return ref.key if isinstance(ref, Assignment | Package) else ref


def number_of(ref: TaskRef) -> int:
    """Return the number of a task in its job."""
    match ref:
        case Work():
            return ref.task.number
        case Task():
            return ref.number
        case _:
            return ref


def task(reader: Reader, job: int, ref: TaskRef) -> Task:
    """Return the task in this job.

    Tasks never change, so one that is passed is not read again; one that was erased is in no live turn's scope.
    """
    given = ref.task if isinstance(ref, Work) else ref
    if not isinstance(given, Task):
        return reader.get(Task, (job, given))
    if given.job != job:
        raise NotFound("Task", given.key)
    return given


def paged(store: Store, query: Query[E], *, size: int = PAGE, snapshot: bool = False) -> Iterator[E]:
    """Yield every match in order, a page in each read block, so that no block is open while the caller works."""
    return turned(store, _page, attrs.evolve(query, limit=size), snapshot=snapshot)


def turned(
    store: Store, page: Callable[[Reader, M], tuple[list[T], M | None]], start: M, *, snapshot: bool = False
) -> Iterator[T]:
    """Yield what *page* returns, page after page, from *start* until it names no next one.

    With *snapshot* all pages come from one block with its own connection, so that they fit together.

    Raises:
        StoreFailed: at the next step after the store was closed, also in the middle of a page.
    """
    mark: M | None = start
    if snapshot:
        with store.read(snapshot=True) as reader:
            while mark is not None:
                found, mark = page(reader, mark)
                yield from _while_open(store, found)
    while mark is not None:
        with store.read() as reader:
            found, mark = page(reader, mark)
        yield from _while_open(store, found)


def _while_open(store: Store, found: list[T]) -> Iterator[T]:
    for one in found:
        if store.is_closed:
            raise StoreFailed(store.name, "the store is closed", "Open it again, and begin to read anew")
        yield one


def through(reader: Reader, query: Query[E], *, size: int = PAGE) -> Iterator[E]:
    """Yield every match in order, a page at a time, from a block that stays open."""
    mark: Query[E] | None = attrs.evolve(query, limit=size)
    while mark is not None:
        found, mark = _page(reader, mark)
        yield from found


def _page(reader: Reader, query: Query[E]) -> tuple[list[E], Query[E] | None]:
    """Return a page of matches, and the query for the next one if there may be more.

    Pages have an order, by key if by nothing else: without one, what a page begins behind is not known.
    """
    if not query.order:
        query = attrs.evolve(query, order=(LAYOUTS[query.kind].key[0].name,))
    found = list(reader.find(query))
    more = len(found) == query.limit
    return found, attrs.evolve(query, after=cursor(query, found[-1])) if more else None


def called(reader: Reader, query: Query[E]) -> list[E]:
    """Return what *query* asks for by name; nothing has a name that cannot be stored."""
    if any(flaw(name) for name in query.where.values() if isinstance(name, str)):
        return []
    return list(reader.find(query))


def _named(kind: type[E], name: str, found: list[E]) -> E:
    if not found:
        raise NotFound(kind.__name__, name)
    return found[0]


def _id(kind: type[Workspace | Member | Template | Job], ref: object) -> int:
    if isinstance(ref, kind):
        return ref.id
    if isinstance(ref, int):
        return ref
    raise NotFound(kind.__name__, ref)
