"""From what a caller names to what is stored: every verb takes keys, names or objects.

This is the only way.  What belongs to another workspace or job is not found, also where it is
passed as an object: its number is never taken for that of something here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from operator import attrgetter
from typing import TypeVar, cast

import attrs

from itagflow.errors import (
    InvalidData,
    NotFound,
    Problem,
    StoreFailed,
)
from itagflow.model.entity import E, Entity, Key
from itagflow.model.job import Job
from itagflow.model.number import (
    LEAST,
    MOST,
    is_storable,
    is_whole,
)
from itagflow.model.package import Assignment, Package
from itagflow.model.partition import JobPartition
from itagflow.model.task import Task, WorkItem
from itagflow.model.template import Template
from itagflow.model.text import find_text_error, normalize_name
from itagflow.model.workspace import Member, Workspace
from itagflow.storage.fields import FIELDS, cursor
from itagflow.storage.port import Query, Reader, Store

WorkspaceRef = Workspace | int | str
"""A workspace, its key, or its name."""
MemberRef = Member | int | str
"""A member, the key, or the account."""
TemplateRef = Template | int | str
"""A template, its key, or its name in the workspace; a new one belongs to its job."""
JobRef = Job | int | str
"""A job, its key, or its name where no other workspace has a job of that name."""
PartitionRef = JobRef | JobPartition
"""A job, or a part of one."""
PackageRef = Package | tuple[int, int]
"""A package, or its key: job and number."""
AssignmentRef = Assignment | tuple[int, int]
"""An assignment, or its key: job and id."""
TaskRef = WorkItem | Task | int
"""A task, the work that shows it, or its number in the job of the assignment."""
T = TypeVar("T")
M = TypeVar("M")
N = TypeVar("N", Task, Package)

LASTING: Mapping[type[Entity], tuple[str, ...]] = {
    Workspace: ("created_at",),
    Member: ("workspace",),
    Template: ("workspace",),
    Job: ("workspace", "created_at"),
    Package: ("value",),
    Task: ("package",),
    Assignment: ("package", "stage", "round", "member", "made_at"),
}
"""What never changes of each kind, beside its key."""
_LASTING_OF = {kind: attrgetter(*names) for kind, names in LASTING.items()}
PAGE = 500
"""How many entities an iterator fetches in one short read transaction."""


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
    return same(ref, reader.get(Workspace, (_id(Workspace, ref),)))


def member(reader: Reader, workspace: int, ref: MemberRef) -> Member:
    """Return the member of *workspace* as it is now; a member of another workspace is not found."""
    if isinstance(ref, str):
        return _named(
            Member,
            ref,
            called(reader, Query(Member, {"workspace": workspace, "account": ref}, limit=1)),
        )
    found = same(ref, reader.get(Member, (_id(Member, ref),)))
    if found.workspace != workspace:
        raise NotFound("Member", found.id)
    return found


def everywhere(reader: Reader, ref: MemberRef) -> list[Member]:
    """Return the member; an account stands for that person in every workspace."""
    if not isinstance(ref, str):
        return [same(ref, reader.get(Member, (_id(Member, ref),)))]
    found = called(reader, Query(Member, {"account": ref}, order=("id",)))
    _named(Member, ref, found)
    return found


def anyone(reader: Reader, ref: Member | int) -> Member:
    """Return the member of whatever workspace, as it is now."""
    return reader.get(Member, (_id(Member, ref),))


def template(reader: Reader, workspace: int, ref: TemplateRef) -> Template:
    """Return the stored template of *workspace*; one of another workspace is not found."""
    if isinstance(ref, str):
        query = Query(Template, {"workspace": workspace, "name": ref}, limit=1)
        return _named(Template, ref, called(reader, query) if ref else [])
    found = same(ref, reader.get(Template, (_id(Template, ref),)))
    if found.workspace != workspace:
        raise NotFound("Template", found.id)
    return found


def job(reader: Reader, ref: PartitionRef) -> Job:
    """Return the job, or that of a part, as it is now.

    Raises:
        NotFound: when there is none.
        InvalidData: when several workspaces have a job of this name.
    """
    if isinstance(ref, JobPartition):
        return reader.get(Job, (whole(Job, ref.job),))
    if not isinstance(ref, str):
        return same(ref, reader.get(Job, (_id(Job, ref),)))
    found = called(reader, Query(Job, {"name": ref}, limit=2))
    if len(found) > 1:
        raise InvalidData(
            "job", [Problem(ref, "more than one workspace has a job of this name: pass its key")]
        )
    return _named(Job, ref, found)


def has_own_template(reader: Reader, job: Job) -> bool:
    """Return whether the template of *job* was made for it alone."""
    template = perhaps(reader, Template, (job.template,))
    others = reader.find(Query(Job, {"workspace": job.workspace}))
    used = any(other.template == job.template for other in others if other.id != job.id)
    return template is not None and not template.name and not used


def is_same(ref: object, found: Entity) -> bool:
    """Return whether *ref* is no object, or an object that is a version of *found*.

    A key may have been used again, and an object may come from elsewhere: what never changes of it
    tells.
    """
    kind = type(found)
    if ref is found or not isinstance(ref, kind):
        return True
    lasting = _LASTING_OF[kind]
    return bool(lasting(ref) == lasting(found))


def same(ref: object, found: E) -> E:
    """Return what is *found* under the key of *ref*.

    Raises:
        NotFound: when *ref* is an object of something else.
    """
    if not is_same(ref, found):
        raise NotFound(type(found).__name__, found.key if len(found.key) > 1 else found.key[0])
    return found


def assignment(reader: Reader, ref: AssignmentRef) -> Assignment:
    """Return the assignment as it is now."""
    return same(ref, reader.get(Assignment, key_of(Assignment, ref)))


def package(reader: Reader, ref: PackageRef) -> Package:
    """Return the package as it is now."""
    return same(ref, reader.get(Package, key_of(Package, ref)))


def package_in(reader: Reader, job: int, ref: PackageRef | int) -> Package:
    """Return the package of this job as it is now; one of another job is not found."""
    key = (job, ref) if isinstance(ref, int) else key_of(Package, ref)
    if key[0] != job:
        raise NotFound("Package", key)
    return package(reader, ref if isinstance(ref, Package) else key)


def key_of(kind: type[Assignment | Package | Task], ref: object) -> tuple[int, int]:
    """Return the key of an assignment, package or task, given as an object or (job, number).

    Raises:
        NotFound: when *ref* is anything else.
    """
    given = ref.task if isinstance(ref, WorkItem) and kind is Task else ref
    if isinstance(given, Assignment | Package | Task) and isinstance(given, kind):
        return given.key
    pair = cast("tuple[object, ...]", given) if isinstance(given, tuple) else ()
    if len(pair) != 2:
        raise NotFound(kind.__name__, ref)
    return whole(kind, pair[0]), whole(kind, pair[1])


def number_in(job: int, ref: TaskRef) -> int:
    """Return the number of a task in this job.

    Raises:
        NotFound: when it is a task of another job, or no number.
    """
    given = ref.task if isinstance(ref, WorkItem) else ref
    if not isinstance(given, Task):
        return whole(Task, given)
    if given.job != job:
        raise NotFound("Task", given.key)
    return given.number


def task(reader: Reader, job: int, ref: TaskRef) -> Task:
    """Return the task in this job.

    Tasks never change, so one that is passed is not read again; one that was erased is in no live
    assignment's scope.
    """
    given = ref.task if isinstance(ref, WorkItem) else ref
    number_in(job, given)
    return given if isinstance(given, Task) else stored_task(reader, job, given)


def stored_task(reader: Reader, job: int, ref: TaskRef) -> Task:
    """Return the task in this job as it is now."""
    given = ref.task if isinstance(ref, WorkItem) else ref
    return same(given, reader.get(Task, (job, number_in(job, given))))


def paged(
    store: Store, query: Query[E], *, size: int = PAGE, snapshot: bool = False
) -> Iterator[E]:
    """Yield every match in order, a page per read transaction: none stays open in between."""
    return turned(store, page_of, attrs.evolve(query, limit=size), snapshot=snapshot)


def turned(
    store: Store,
    page: Callable[[Reader, M], tuple[list[T], M | None]],
    start: M,
    *,
    snapshot: bool = False,
) -> Iterator[T]:
    """Yield what *page* returns, page after page, from *start* until it names no next one.

    With *snapshot* all pages come from one transaction with its own connection, so that they fit
    together.

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
            raise StoreFailed(
                store.name, "the store is closed", "Open it again, and begin to read anew"
            )
        yield one


def through(reader: Reader, query: Query[E], *, size: int = PAGE) -> Iterator[E]:
    """Yield every match in order, a page at a time, from a transaction that stays open."""
    mark: Query[E] | None = attrs.evolve(query, limit=size)
    while mark is not None:
        found, mark = page_of(reader, mark)
        yield from found


def page_of(reader: Reader, query: Query[E]) -> tuple[list[E], Query[E] | None]:
    """Return a page of matches, and the query for the next one if there may be more.

    Pages have an order, by key if by nothing else: without one, what a page begins behind is not
    known.
    """
    if not query.order:
        query = attrs.evolve(query, order=(FIELDS[query.kind].key[0].name,))
    found = list(reader.find(query))
    more = len(found) == query.limit
    return found, attrs.evolve(query, after=cursor(query, found[-1])) if more else None


def called(reader: Reader, query: Query[E]) -> list[E]:
    """Return what *query* finds by name, in any Unicode form of the name."""
    names = {column: name for column, name in query.where.items() if isinstance(name, str)}
    if any(map(find_text_error, names.values())):
        return []
    # what was stored before names were compared so is found by what it was called
    either = {
        column: (normalize_name(name), name)
        for column, name in names.items()
        if normalize_name(name) != name
    }
    if either:
        query = attrs.evolve(query, where={**query.where, **either})
    return list(reader.find(query))


def _named(kind: type[E], name: str, found: list[E]) -> E:
    if not found:
        raise NotFound(kind.__name__, name)
    return found[0]


def _id(kind: type[Workspace | Member | Template | Job], ref: object) -> int:
    return whole(kind, ref.id if isinstance(ref, kind) else ref)


def whole(kind: type[Entity], ref: object) -> int:
    """Return a number by which a caller names something of *kind*.

    Raises:
        NotFound: when it is no whole number that can be stored: nothing is called true, 1.0, None
            or 2**63.
    """
    if type(ref) is int and LEAST <= ref <= MOST:
        return ref
    if not is_whole(ref) or not is_storable(int(ref)):  # also of a library's own kind of integer
        raise NotFound(kind.__name__, ref)
    return int(ref)


MAX_ENTRIES = 4_096
"""How many of each an `EntityCache` keeps."""


class EntityCache:
    """Jobs, members and templates as one Flow last saw them: needed often, changed seldom.

    They may be out of date, so nothing is stored or refused on the word of this alone.  A claim
    searches by what was last seen, locks job and member behind what it has found, and decides again
    by what is locked.  Reading both first would be two more of its ten round trips to PostgreSQL.
    """

    def __init__(self) -> None:
        """Start empty."""
        self._jobs: dict[int, Job] = {}
        self._members: dict[tuple[int, int | str], Member] = {}
        self._templates: dict[int, tuple[Job, Template]] = {}

    def job(self, reader: Reader, ref: JobRef) -> Job:
        """Return the job as last seen, or else as it is; by name it is always read."""
        id = ref.id if isinstance(ref, Job) else ref
        # true and 1.0 are found under 1, and name nothing
        known = self._jobs.get(id) if type(id) is int else None
        if known is not None and is_same(ref, known):
            return known
        return self.read_job(reader, ref)

    def read_job(self, reader: Reader, ref: JobRef) -> Job:
        """Return the job as it is."""
        found = job(reader, ref)
        self.note_job(found)
        return found

    def note_job(self, job: Job) -> None:
        """Keep the job as it has just been read."""
        if len(self._jobs) >= MAX_ENTRIES:
            self._jobs.clear()
        self._jobs[job.id] = job

    def member(self, reader: Reader, workspace: int, ref: MemberRef) -> Member:
        """Return the member of *workspace* as last seen, or else as it is."""
        name = ref.id if isinstance(ref, Member) else ref
        known = self._members.get((workspace, name)) if type(name) in (int, str) else None
        if known is not None and is_same(ref, known):
            return known
        return self.read_member(reader, workspace, ref)

    def read_member(self, reader: Reader, workspace: int, ref: MemberRef) -> Member:
        """Return the member of *workspace* as it is."""
        found = member(reader, workspace, ref)
        if len(self._members) >= MAX_ENTRIES:
            self._members.clear()
        self._members[workspace, ref.id if isinstance(ref, Member) else ref] = found
        return found

    def template(self, reader: Reader, job: Job) -> Template:
        """Return the template of *job*, which *reader* has read; it changes only with the job."""
        known = self._templates.get(job.id)
        if known is not None and (known[0] is job or known[0] == job):
            return known[1]
        if len(self._templates) >= MAX_ENTRIES:
            self._templates.clear()
        template = reader.get(Template, (job.template,))
        self._templates[job.id] = (job, template)
        return template
