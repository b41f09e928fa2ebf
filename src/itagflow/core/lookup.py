"""From what a caller names to what is stored: every operation takes keys, names or objects.

This is the only way.  What belongs to another workspace or job is not found, also where it is
passed as an object: its number is never taken for that of something here.

Lists are read page by page, each page in a short transaction of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from operator import attrgetter
from typing import Any, TypeVar, cast

import attrs

from itagflow.core.calls import running_call
from itagflow.errors import (
    InvalidData,
    NotFound,
    Problem,
    StoreFailed,
)
from itagflow.model.entity import E, Entity, Key
from itagflow.model.event import Event
from itagflow.model.job import Job
from itagflow.model.lot import AcceptanceLot
from itagflow.model.number import (
    LEAST,
    MOST,
    is_storable,
    is_whole,
    require_whole_number,
)
from itagflow.model.package import Assignment, Package
from itagflow.model.partition import JobPartition
from itagflow.model.task import Answer, Task, WorkItem
from itagflow.model.template import Template
from itagflow.model.text import find_text_error, normalize_name, to_text
from itagflow.model.workspace import Member, Workspace
from itagflow.storage import codec
from itagflow.storage.fields import FIELDS, cursor
from itagflow.storage.port import Query, Reader, Span, Store

WorkspaceRef = Workspace | int | str
"""A workspace, its key, or its name."""
MemberRef = Member | int | str
"""A member, the key, or the account."""
TemplateRef = Template | int | str
"""A template, its key, or its name in the workspace; a new one belongs to its job."""
JobRef = Job | int | str | tuple[WorkspaceRef, str]
"""A job, its key, its name where no other workspace has one of that name; (workspace, name)."""
PartitionRef = JobRef | JobPartition
"""A job, or a part of one."""
JobsRef = PartitionRef | Sequence[PartitionRef]
"""A job or a part of one; or several of them in a list."""
PackageRef = Package | tuple[JobRef, int]
"""A package, or its job and number."""
AssignmentRef = Assignment | tuple[JobRef, int]
"""An assignment, or its job and id."""
TaskRef = WorkItem | Task | int
"""A task, the work that shows it, or its number in the job of the assignment."""
Pair = tuple[int, int]
"""The key of what is of a job: that of the job, and the number or id in it."""
T = TypeVar("T")
M = TypeVar("M")
N = TypeVar("N", Task, Package)

IMMUTABLE_FIELDS: Mapping[type[Entity], tuple[str, ...]] = {
    Workspace: ("created_at",),
    Member: ("workspace",),
    Template: ("workspace",),
    Job: ("workspace", "created_at"),
    Package: ("value",),
    AcceptanceLot: ("packages", "closed_at"),
    Task: ("package",),
    # not the member: an open offer gets one when it is claimed
    Assignment: ("package", "stage", "round", "made_at"),
}
"""What never changes of each kind, beside its key."""
_get_immutable_fields = {
    # the first one twice: of a single name `attrgetter` would make no tuple
    kind: attrgetter(*names, *names[:1])
    for kind, names in IMMUTABLE_FIELDS.items()
}


PAGE = 500
"""How many entities an iterator fetches in one short read transaction."""
LEAST_PAGE = 50
"""How many are fetched at the least, also for a shorter page.

What the reader may not see is left out after it was read; by tens, a list of which they may see
little would take many transactions.
"""


def _to_limit(limit: int | None) -> int | None:
    if limit is None:
        return None
    # not 0: a program that asks for pages of nothing until one is empty would miss everything
    return require_whole_number("the list", "limit", limit, least=1)


@attrs.frozen
class Page:
    """Which page of a list is asked for."""

    limit: int | None = attrs.field(default=None, converter=_to_limit)
    """How many entities at the most; None: all."""
    after: Any = None
    """The last entity of the page before, or its key; None: from the beginning."""

    @property
    def size(self) -> int:
        """How many entities are fetched in one read transaction."""
        if self.limit is None:
            return PAGE
        return min(PAGE, max(LEAST_PAGE, self.limit))

    def cut(self, items: Iterator[T]) -> Iterator[T]:
        """Return *items*, but at most so many."""
        if self.limit is None:
            return items
        return _take(items, self.limit)


EVERYTHING = Page()
"""The whole list."""


def _take(items: Iterator[T], limit: int) -> Iterator[T]:
    """Yield at most so many items.

    Not `itertools.islice`, which keeps *items* after the last one: an iterator over a snapshot
    would keep its transaction open for as long as the caller keeps the list.
    """
    for _ in range(limit):
        try:
            item = next(items)
        except StopIteration:
            return
        yield item


def begin_behind(query: Query[E], key: Key) -> Query[E]:
    """Return *query*, which sorts by fields of the key, from behind the entity with this *key*.

    By the key and not by a number of entities that are skipped: what comes or goes before it
    meanwhile shifts nothing, and nothing is missed or repeated.
    """
    names = [field.name for field in FIELDS[query.kind].key]
    values: dict[str, Any] = dict(zip(names, key, strict=True))
    return attrs.evolve(query, after=tuple(values[name] for name in (*query.order, *names)))


def first(reader: Reader, query: Query[E]) -> E | None:
    """Return the first match, or None."""
    return next(iter(reader.find(query)), None)


def get_or_none(reader: Reader, kind: type[E], key: Key) -> E | None:
    """Return the entity with this key, or None."""
    try:
        return reader.get(kind, key)
    except NotFound:
        return None


def last_number(reader: Reader, kind: type[N], job: int) -> int:
    """Return the number of the last task or package of *job*, or 0."""
    last = first(reader, Query(kind, {"job": job}, order=("-number",), limit=1))
    if last is None:
        return 0
    return last.number


def workspace(reader: Reader, ref: WorkspaceRef) -> Workspace:
    """Return the workspace as it is now."""
    if isinstance(ref, str):
        query = Query(Workspace, {"name": ref}, limit=1)
        return _require_found(Workspace, ref, find_by_name(reader, query))
    return require_same(ref, reader.get(Workspace, (_get_id(Workspace, ref),)))


def workspace_or_job(reader: Reader, ref: WorkspaceRef | JobRef) -> Workspace | Job:
    """Return the workspace or the job as it is now; of a name that both have the workspace."""
    if isinstance(ref, Job | tuple):
        return job(reader, ref)
    try:
        return workspace(reader, ref)
    except NotFound:
        if isinstance(ref, Workspace):
            raise
        return job(reader, ref)


def member(reader: Reader, workspace: int, ref: MemberRef) -> Member:
    """Return the member of *workspace* as it is now; a member of another workspace is not found."""
    if isinstance(ref, str):
        query = Query(Member, {"workspace": workspace, "account": ref}, limit=1)
        return _require_found(Member, ref, find_by_name(reader, query))
    member = require_same(ref, reader.get(Member, (_get_id(Member, ref),)))
    # not "not allowed": who asks must not learn that another workspace has a member of this key
    if member.workspace != workspace:
        raise NotFound("Member", member.id)
    return member


def find_in_all_workspaces(reader: Reader, ref: MemberRef) -> list[Member]:
    """Return the member; an account stands for that person in every workspace."""
    if not isinstance(ref, str):
        return [require_same(ref, reader.get(Member, (_get_id(Member, ref),)))]
    members = find_by_name(reader, Query(Member, {"account": ref}, order=("id",)))
    _require_found(Member, ref, members)
    return members


def get_member(reader: Reader, ref: Member | int) -> Member:
    """Return the member of whatever workspace, as it is now."""
    return reader.get(Member, (_get_id(Member, ref),))


def template(reader: Reader, workspace: int, ref: TemplateRef) -> Template:
    """Return the stored template of *workspace*; one of another workspace is not found."""
    if isinstance(ref, str):
        if not ref:  # templates of one job have no name, and cannot be found by it
            raise NotFound("Template", ref)
        query = Query(Template, {"workspace": workspace, "name": ref}, limit=1)
        return _require_found(Template, ref, find_by_name(reader, query))
    template = require_same(ref, reader.get(Template, (_get_id(Template, ref),)))
    if template.workspace != workspace:
        raise NotFound("Template", template.id)
    return template


def job(reader: Reader, ref: PartitionRef) -> Job:
    """Return the job, or that of a part, as it is now.

    Raises:
        NotFound: when there is none.
        InvalidData: when several workspaces have a job of this name, and the workspace is not
            given.
    """
    if isinstance(ref, JobPartition):
        return reader.get(Job, (require_number(Job, ref.job),))
    if isinstance(ref, tuple):
        return _job_in(reader, cast("tuple[object, ...]", ref))
    if not isinstance(ref, str):
        return require_same(ref, reader.get(Job, (_get_id(Job, ref),)))
    # two are enough to know that the name says too little
    matches = find_by_name(reader, Query(Job, {"name": ref}, limit=2))
    if len(matches) > 1:
        raise InvalidData(
            "job",
            [
                Problem(
                    ref,
                    "more than one workspace has a job of this name: pass (workspace, name), "
                    "or its key",
                )
            ],
        )
    return _require_found(Job, ref, matches)


def _job_in(reader: Reader, ref: tuple[object, ...]) -> Job:
    """Return the job that is given as workspace and name."""
    if len(ref) != 2 or not isinstance(ref[1], str):
        raise NotFound("Job", ref)
    home = workspace(reader, cast(WorkspaceRef, ref[0]))
    query = Query(Job, {"workspace": home.id, "name": ref[1]}, limit=1)
    return _require_found(Job, ref[1], find_by_name(reader, query))


def has_own_template(reader: Reader, job: Job) -> bool:
    """Return whether the template of *job* was made for it alone."""
    template = get_or_none(reader, Template, (job.template,))
    others = reader.find(Query(Job, {"workspace": job.workspace}))
    is_shared = any(other.template == job.template for other in others if other.id != job.id)
    return template is not None and not template.name and not is_shared


def is_same(ref: object, entity: Entity) -> bool:
    """Return whether *ref* is no object, or an object that is a version of *entity*.

    A key may have been used again, and an object may come from elsewhere: what never changes of it
    tells.
    """
    kind = type(entity)
    if ref is entity or not isinstance(ref, kind):
        return True
    get_fields = _get_immutable_fields[kind]
    given, stored = get_fields(ref), get_fields(entity)
    # only what is of one type is compared: a forged object may hold what refuses to be
    return [*map(type, given)] == [*map(type, stored)] and bool(given == stored)


def require_same(ref: object, entity: E) -> E:
    """Return *entity*, which was found under the key of *ref*.

    Raises:
        NotFound: when *ref* is an object of something else.
    """
    if not is_same(ref, entity):
        raise NotFound(type(entity).__name__, entity.key if len(entity.key) > 1 else entity.key[0])
    return entity


def assignment(reader: Reader, ref: AssignmentRef) -> Assignment:
    """Return the assignment as it is now."""
    return require_same(ref, reader.get(Assignment, find_key(reader, Assignment, ref)))


def package(reader: Reader, ref: PackageRef) -> Package:
    """Return the package as it is now."""
    return require_same(ref, reader.get(Package, find_key(reader, Package, ref)))


def package_in(reader: Reader, job: int, ref: PackageRef | int) -> Package:
    """Return the package of this job as it is now; one of another job is not found."""
    key = (job, int(ref)) if is_whole(ref) else find_key(reader, Package, ref)
    if key[0] != job:
        raise NotFound("Package", key)
    return package(reader, ref if isinstance(ref, Package) else key)


def find_key(reader: Reader, kind: type[Assignment | Package | Task], ref: object) -> Pair:
    """Return the key of an assignment, package or task, given as an object or (job, number).

    The job of a pair is named in any way; by its key, nothing is read.

    Raises:
        NotFound: when *ref* is anything else, or there is no such job.
    """
    if kind is Task and isinstance(ref, WorkItem):
        ref = ref.task
    if isinstance(ref, kind):
        # an object may be made by hand: what it says of itself is checked as what is given alone
        return require_number(kind, ref.key[0]), require_number(kind, ref.key[1])
    if not isinstance(ref, tuple):
        raise NotFound(kind.__name__, ref)
    pair = cast("tuple[object, ...]", ref)
    if len(pair) != 2:
        raise NotFound(kind.__name__, pair)
    place, number = pair
    if is_whole(place):
        return require_number(kind, place), require_number(kind, number)
    return job(reader, cast(JobRef, place)).id, require_number(kind, number)


def number_in(job: int, ref: TaskRef) -> int:
    """Return the number of a task in this job.

    Raises:
        NotFound: when it is a task of another job, or no number.
    """
    task = _get_task(ref)
    if not isinstance(task, Task):
        return require_number(Task, task)
    if task.job != job:
        raise NotFound("Task", task.key)
    return task.number


def task(reader: Reader, job: int, ref: TaskRef) -> Task:
    """Return the task in this job.

    Tasks never change, so one that is passed is not read again; one that was erased is in no live
    assignment's scope.
    """
    task = _get_task(ref)
    number_in(job, task)
    if isinstance(task, Task):
        return task
    return read_task(reader, job, task)


def read_task(reader: Reader, job: int, ref: TaskRef) -> Task:
    """Return the task in this job as it is now."""
    task = _get_task(ref)
    return require_same(task, reader.get(Task, (job, number_in(job, task))))


def _get_task(ref: TaskRef) -> Task | int:
    """Return the task of a work item, or what else names a task, as it is."""
    if isinstance(ref, WorkItem):
        return ref.task
    return ref


def iterate_query(
    store: Store, query: Query[E], *, size: int = PAGE, snapshot: bool = False
) -> Iterator[E]:
    """Yield every match in order, a page per read transaction: none stays open in between."""
    return iterate_pages(store, read_page, attrs.evolve(query, limit=size), snapshot=snapshot)


def iterate_pages(
    store: Store,
    page: Callable[[Reader, M], tuple[Iterable[T], M | None]],
    start: M,
    *,
    snapshot: bool = False,
) -> Iterator[T]:
    """Yield what *page* returns, page after page, from *start* until it names no next one.

    A page reads what its items are made of; it may make them as they are asked for.

    With *snapshot* all pages come from one transaction with its own connection, so that they fit
    together.

    Raises:
        StoreFailed: at the next step after the store was closed, also in the middle of a page.
    """
    position: M | None = start
    if snapshot:
        with store.read(snapshot=True) as reader:
            while position is not None:
                _require_wanted()
                items, position = page(reader, position)
                yield from _yield_while_open(store, items)
    while position is not None:
        _require_wanted()
        # Each page is read to its end before the transaction ends, and nothing is yielded inside
        # it: the caller may take any time, write, or drop the iterator.
        with store.read() as reader:
            items, position = page(reader, position)
        yield from _yield_while_open(store, items)


def _require_wanted() -> None:
    """Check that somebody still waits for what is read, where it is read in another thread.

    Raises:
        GivenUp: when nobody does.
    """
    call = running_call.get()
    if call is not None:
        call.require_wanted()


def _yield_while_open(store: Store, items: Iterable[T]) -> Iterator[T]:
    """Yield the items of a page; asked at each, since a caller may close the store in between."""
    for item in take_each(items) if isinstance(items, list) else items:
        if store.is_closed:
            raise StoreFailed(
                store.name, "the store is closed", "Open it again, and begin to read again"
            )
        yield item


def take_each(items: Sequence[T]) -> Iterator[T]:
    """Yield the items, and hold none that has been yielded: what is read of one goes with it."""
    left = list(reversed(items))
    del items
    while left:
        yield left.pop()


def iterate_in_transaction(reader: Reader, query: Query[E], *, size: int = PAGE) -> Iterator[E]:
    """Yield every match in order, a page at a time, from a transaction that stays open."""
    position: Query[E] | None = attrs.evolve(query, limit=size)
    while position is not None:
        entities, position = read_page(reader, position)
        yield from entities


def read_page(reader: Reader, query: Query[E]) -> tuple[list[E], Query[E] | None]:
    """Return a page of matches, and the query for the next one if there may be more.

    Pages have an order, by key if by nothing else: without one, what a page begins behind is not
    known.
    """
    if not query.order:
        query = attrs.evolve(query, order=(FIELDS[query.kind].key[0].name,))
    entities = list(reader.find(query))
    if len(entities) != query.limit:
        return entities, None
    # By the last entity and not by an offset: what is inserted or removed before it meanwhile
    # shifts nothing, and the database does not count through the pages before.
    return entities, attrs.evolve(query, after=cursor(query, entities[-1]))


def find_by_name(reader: Reader, query: Query[E]) -> list[E]:
    """Return what *query* finds by name, in any Unicode form of the name."""
    names = {
        # also of a class of its own, such as NumPy's, which no database takes
        column: to_text(name)
        for column, name in query.where.items()
        if isinstance(name, str)
    }
    if any(map(find_text_error, names.values())):
        return []
    # what was stored before names were compared so is found by the name that it had
    either = {
        column: (normalize_name(name), name)
        for column, name in names.items()
        if normalize_name(name) != name
    }
    return list(reader.find(attrs.evolve(query, where={**query.where, **names, **either})))


def _require_found(kind: type[E], name: str, matches: list[E]) -> E:
    if not matches:
        raise NotFound(kind.__name__, name)
    return matches[0]


def with_accounts(reader: Reader, events: Sequence[Event], accounts: dict[int, str]) -> list[Event]:
    """Return *events* with the account of the one who acted; *accounts* keeps those looked up.

    An event is stored with the key alone, so that an account can be erased in one place.
    """
    unknown = {event.member for event in events if event.member} - accounts.keys()
    accounts.update(find_accounts(reader, unknown))
    # one whose name is hidden has another already
    return [
        attrs.evolve(event, account=event.account or accounts.get(event.member, ""))
        for event in events
    ]


def find_accounts(reader: Reader, members: Collection[int]) -> dict[int, str]:
    """Return the accounts of members by key; what is no member's is left out."""
    if not members:
        return {}
    found = reader.find(Query(Member, {"id": tuple(members)}))
    return {member.id: member.account for member in found}


def _get_id(kind: type[Workspace | Member | Template | Job], ref: object) -> int:
    return require_number(kind, ref.id if isinstance(ref, kind) else ref)


def read_answers(reader: Reader, job: int, tasks: Sequence[int]) -> dict[int, dict[int, Answer]]:
    """Return every answer about these tasks."""
    answers: dict[int, dict[int, Answer]] = {number: {} for number in tasks}
    if not tasks:
        return answers
    for answer in reader.find(Query(Answer, {"job": job, "task": match_numbers(tasks)})):
        answers[answer.task][answer.assignment] = answer
    return answers


def query_numbered(kind: type[E], job: int, numbers: Sequence[int]) -> Query[E]:
    """Return the query for the packages or tasks of *job* with these *numbers*, which ascend."""
    where: dict[str, Any] = {"job": job, "number": match_numbers(numbers)}
    return Query(kind, where, order=("number",))


def match_numbers(numbers: Sequence[int]) -> Span | tuple[int, ...]:
    """Return the condition that a number is one of *numbers*, which ascend.

    >>> match_numbers([3, 4, 5]), match_numbers([3, 5])
    (Span(low=3, high=5), (3, 5))
    """
    # a range costs the database two comparisons, a list one for each of its numbers
    if numbers and numbers[-1] - numbers[0] == len(numbers) - 1:
        return Span(numbers[0], numbers[-1])
    return tuple(numbers)


def read_task_numbers(reader: Reader, package: Package) -> Sequence[int]:
    """Return the numbers of the tasks of *package*, in order, without reading the tasks."""
    if package.first_task:
        return package.consecutive_tasks
    query = Query(Task, {"job": package.job, "package": package.number})
    return sorted(
        number for (number,) in reader.tally(query, by=("number",)) if isinstance(number, int)
    )


def describe_replaced(*old: Answer | None) -> dict[str, Any]:
    """Return answers as the history keeps them once they are replaced, by task number."""
    return {str(answer.task): codec.to_json(answer) for answer in old if answer is not None}


def require_number(kind: type[Entity], ref: object) -> int:
    """Return a number by which a caller names something of *kind*.

    Raises:
        NotFound: when it is no whole number that can be stored: nothing is called true, 1.0, None
            or 2**63.
    """
    if type(ref) is int and LEAST <= ref <= MOST:  # nearly always, and not true, which is an int
        return ref
    if not is_whole(ref) or not is_storable(int(ref)):  # also of a library's own kind of integer
        raise NotFound(kind.__name__, ref)
    return int(ref)


MAX_ENTRIES = 4_096
"""How many of each an `EntityCache` keeps.

More than a busy installation works on at a time.  When there are more, all are dropped at once:
that costs a query for each that is still in use, and keeping an order of use would cost at each
access.
"""


class EntityCache:
    """Jobs, members and templates as one Flow last saw them: needed often, changed rarely.

    They may be out of date, so nothing is stored or refused on the word of this alone.  A claim
    searches by what was last seen, locks job and member behind what it has found, and decides again
    by what is locked.  Reading both first would be two more of its ten round trips to PostgreSQL.
    """

    # Threads share it without a lock: each access is one call of a dict, and each value is a frozen
    # entity that was stored at some time.  The worst that a race does is to keep the older of two.

    def __init__(self) -> None:
        """Start empty."""
        self._jobs: dict[int, Job] = {}
        self._members: dict[tuple[int, int | str], Member] = {}
        self._templates: dict[int, tuple[Job, Template]] = {}

    def job(self, reader: Reader, ref: JobRef) -> Job:
        """Return the job as last seen, or else as it is; by name it is always read."""
        id = ref.id if isinstance(ref, Job) else ref
        # true and 1.0 would be found under 1, and name nothing
        if type(id) is int:
            cached = self._jobs.get(id)
            if cached is not None and is_same(ref, cached):
                return cached
        return self.read_job(reader, ref)

    def read_job(self, reader: Reader, ref: JobRef) -> Job:
        """Return the job as it is."""
        current = job(reader, ref)
        self.note_job(current)
        return current

    def note_job(self, job: Job) -> None:
        """Keep the job as it has just been read."""
        if len(self._jobs) >= MAX_ENTRIES:
            self._jobs.clear()
        self._jobs[job.id] = job

    def member(self, reader: Reader, workspace: int, ref: MemberRef) -> Member:
        """Return the member of *workspace* as last seen, or else as it is."""
        name = ref.id if isinstance(ref, Member) else ref
        if type(name) is int or type(name) is str:
            cached = self._members.get((workspace, name))
            if cached is not None and is_same(ref, cached):
                return cached
        return self.read_member(reader, workspace, ref)

    def read_member(self, reader: Reader, workspace: int, ref: MemberRef) -> Member:
        """Return the member of *workspace* as it is."""
        current = member(reader, workspace, ref)
        if len(self._members) >= MAX_ENTRIES:
            self._members.clear()
        # under what it was asked by: a key and an account are two entries
        name = ref.id if isinstance(ref, Member) else ref
        self._members[workspace, name] = current
        return current

    def template(self, reader: Reader, job: Job) -> Template:
        """Return the template of *job*, which *reader* has read; it changes only with the job."""
        # Kept with the job that it was read for: the job as *reader* has it says which template is
        # current, so an old one is never returned.
        cached = self._templates.get(job.id)
        if cached is not None and (cached[0] is job or cached[0] == job):
            return cached[1]
        if len(self._templates) >= MAX_ENTRIES:
            self._templates.clear()
        template = reader.get(Template, (job.template,))
        self._templates[job.id] = (job, template)
        return template
