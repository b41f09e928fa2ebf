"""A write transaction: everything that an operation looks at, locks and stores goes through it.

It locks in one order, which is enforced and explained here (`LockOrder`), and draws new ids.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Any

from itagflow import access
from itagflow.access import Action, Policy
from itagflow.core import lookup
from itagflow.core.lookup import (
    AssignmentRef,
    EntityCache,
    JobRef,
    MemberRef,
    PackageRef,
    get_or_none,
)
from itagflow.core.registry import Registry
from itagflow.errors import AlreadyExists, InvalidData, NotFound, Problem
from itagflow.lifecycle.tables import must_go_on
from itagflow.model.arguments import call
from itagflow.model.change import Change, Context, Saved, move_counter
from itagflow.model.delivery import DeliveryCursor
from itagflow.model.entity import E, Entity, Key, stamp
from itagflow.model.event import Event
from itagflow.model.job import Job, JobState, Stage
from itagflow.model.jobcounter import JobCounter
from itagflow.model.lot import AcceptanceLot
from itagflow.model.number import MOST, is_whole
from itagflow.model.package import Assignment, ClaimCounter, Package
from itagflow.model.task import Answer, Task
from itagflow.model.workspace import Member, Workspace
from itagflow.printing import format_repr
from itagflow.storage.port import (
    Query,
    Reader,
    Scalar,
    SupportsLockAll,
    SupportsReplaceAll,
    Writer,
)

LOCK_ORDER: tuple[type[Entity], ...] = (
    Workspace,
    Package,
    AcceptanceLot,
    Task,
    Assignment,
    ClaimCounter,
    JobCounter,
    Job,
    Member,
    Event,
    DeliveryCursor,
)
"""The kinds that are locked, in the order in which they are locked; rows of a kind go by key.

What many operations have in common comes late, so that they hold it only for a short time: every
claim of a job locks the job and its member, and each its own package.
"""

_RANKS: dict[type[Any], int] = {kind: rank for rank, kind in enumerate(LOCK_ORDER)}
_JOB, _MEMBER = _RANKS[Job], _RANKS[Member]
_START: tuple[int, Key] = (-1, ())
# the fifth rule: both have the rank of jobs, and a counter comes right before its job
_PLACES: dict[type[Any], tuple[int, Key]] = {
    **{kind: (rank, ()) for kind, rank in _RANKS.items()},
    JobCounter: (_JOB, (0,)),
    Job: (_JOB, (1,)),
}
"""Where the rows of a kind stand in the order: their rank, and what follows their key."""


class LockOrderError(RuntimeError):
    """A transaction was about to lock rows out of order.  This is a bug in the library."""


class LockOrder:
    """What one transaction has locked so far, and what it may still wait for.

    A store with row locks makes a transaction wait for whoever has locked the row.  Two
    transactions that wait for each other are a deadlock: the database ends one of them, and its
    work is lost.  These rules prevent that:

    1. A transaction waits only for a row that comes behind everything it has locked, in
       `LOCK_ORDER` and then by key.  So among transactions that wait for each other, the one that
       has come furthest waits for none of them.
    2. ``take`` skips rows that others have locked.  It never waits, so it may come at any time.
       This is how a transaction that holds a package looks for another one: it never waits for a
       package behind its first locks.
    3. An assignment is locked behind its package, or alone.  Behind its package it may come at any
       time, for example once a package was taken: only transactions that hold nothing else can have
       it, and these never wait.  For the same reason nothing is locked behind an assignment that
       was locked alone.
    4. A shared lock is never raised to an exclusive one: two transactions that share it would wait
       for each other.
    5. A job and its counter stand together, the counter first: a batch acts on one job after the
       other, and may lock the counter of the second behind the first.
    6. In a batch, each operation may lock its job and members behind the members of the operation
       before (`begin_operation`).  Members are only locked in shared mode behind other rows, and a
       transaction that locks a member exclusively waits for no package, assignment, claim counter
       or job, so no cycle leads through a member.
    """

    # Nothing is locked yet.  Defaults of the class, which cost nothing: one is made for every
    # operation, and many lock a row or two.
    _last = _START
    _last_job = _START
    _shared: frozenset[tuple[type[Any], Key]] = frozenset()
    _is_alone = False

    def require_next(self, kind: type[Any], key: Key, *, shared: bool) -> None:
        """Check that a row may be locked now, and note that it is.

        Raises:
            LockOrderError: when it may not.
        """
        place = _PLACES.get(kind)
        if place is None:
            raise LockOrderError(
                f"{kind.__name__} {key} cannot be locked: the kind is not in LOCK_ORDER"
            )
        if kind is Assignment:
            return  # `require_package` checks it: only the row says which package it is on
        if self._is_alone:
            raise LockOrderError(
                f"{kind.__name__} {key} is locked behind an assignment without its package"
            )
        rank, end = place
        position = (rank, key + end)
        if position <= self._last:
            last, last_key = self._last
            raise LockOrderError(
                f"{kind.__name__} {key} is locked behind {LOCK_ORDER[last].__name__} {last_key}"
            )
        # the sixth rule; rank 0 is the workspace, and -1 nothing
        if rank == _MEMBER and not shared and self._last[0] > 0:
            raise LockOrderError(
                f"Member {key} is locked exclusively behind other rows than its workspace"
            )
        self._last = position
        if rank == _JOB:
            self._last_job = position
        if shared:
            self._shared |= {(kind, key)}  # a new set: the first one belongs to the class

    def require_package(self, assignment: Assignment, *, is_locked: bool) -> None:
        """Check that an assignment was locked behind its package, or before anything else.

        Args:
            assignment: The assignment, which has just been locked.
            is_locked: Whether this transaction has locked its package.

        Raises:
            LockOrderError: when it was not.
        """
        if not is_locked and (self._is_alone or self._last != _START):
            raise LockOrderError(f"{assignment} is locked without its package behind other rows")
        self._is_alone = not is_locked
        # the later of both: an assignment may come behind rows that follow it, see the third rule
        self._last = max(self._last, (_RANKS[Assignment], assignment.key))

    def require_not_shared(self, kind: type[Any], key: Key) -> None:
        """Check that a row to be locked exclusively, or saved, is not locked in shared mode.

        Raises:
            LockOrderError: when it is.
        """
        if (kind, key) in self._shared:
            raise LockOrderError(
                f"{kind.__name__} {key} is locked in shared mode: lock it exclusively at once"
            )

    @property
    def has_shared(self) -> bool:
        """Whether anything is locked in shared mode."""
        return bool(self._shared)

    def note_locked_first(self, kind: type[Any], key: Key) -> None:
        """Note a row that was locked without waiting; later rows that may wait must follow it."""
        # the later of both: by the second rule it may stand anywhere
        rank, end = _PLACES[kind]
        self._last = max(self._last, (rank, key + end))

    def begin_operation(self) -> None:
        """Let the next operation of a batch lock its job and members, see the sixth rule."""
        # back to the last job and not further: the next operation is on the same one or a later one
        if self._last[0] == _MEMBER:
            self._last = self._last_job


Ids = Callable[[], int]
"""Makes new keys: positive, below 2**63, never twice the same."""

TRIES = 10
"""How many ids are drawn for one entity before the source is taken to be used up.

Two processes may draw the same by chance: once in four million in the same millisecond.  Ten in a
row are a source that repeats itself.
"""


class TransactionIds:
    """Ids as they are drawn in one transaction: each is a key, and given once to a kind."""

    def __init__(self, ids: Ids) -> None:
        """Draw from *ids*."""
        self._ids = ids
        self._drawn: set[tuple[type, int]] = set()

    def draw(self, kind: type) -> int | None:
        """Return the next id, or None when this transaction has it already for another of *kind*.

        Raises:
            InvalidData: when it is no key.
        """
        id: object = call("the ids", "", self._ids)
        if not is_whole(id) or not 0 < id <= MOST:
            reason = f"must give whole numbers from 1 to 2**63 - 1, not {format_repr(id)}"
            raise InvalidData("the ids", [Problem("", reason)])
        key = int(id)  # also of a library's own kind of integer
        # What was drawn in this transaction may not be stored yet, so the store cannot tell.
        if (kind, key) in self._drawn:
            return None
        self._drawn.add((kind, key))
        return key


def make_exhausted_error() -> InvalidData:
    """Return the error for a source of ids that gives only such as are taken."""
    return InvalidData(
        "the ids", [Problem("", f"gave {TRIES} times one that is taken: each must be a new one")]
    )


class Transaction:
    """One open write transaction: everything that an operation reads and stores goes through it.

    All locks are taken here, in one order: `LockOrder` says which, and why.
    All versions are advanced here: rules return plain changed values.  Only what is changed by the
    thousand comes as its next version already, see `advance`.
    """

    def __init__(
        self,
        store: Writer,
        at: datetime,
        policy: Policy,
        ids: Ids,
        cache: EntityCache,
        registry: Registry,
    ) -> None:
        """Wrap the transaction that *store* has opened, at this moment."""
        self.store: Reader = store  # only to be asked: locks and writes go through this transaction
        self.cache = cache
        self.at = at
        self.policy = policy
        self.registry = registry
        self.events: list[Event] = []
        self.changed_lots: set[int] = set()
        """The jobs in which something has changed that packages in lots wait for."""
        self._writer = store
        self._source_of_ids = ids
        self._ids: TransactionIds | None = None
        self._locks = LockOrder()
        self._is_batch = False
        self._locked: dict[type[Any], dict[Key, Any]] = defaultdict(dict)
        self._answer_counts: dict[Key, dict[tuple[Scalar, ...], int]] = {}

    def job(self, ref: JobRef) -> Job:
        """Return the job as it is now."""
        return lookup.job(self.store, ref)

    def member(self, workspace: int, ref: MemberRef) -> Member:
        """Return the member of *workspace*."""
        return lookup.member(self.store, workspace, ref)

    def make_context(self, workspace: int, member: int = 0) -> Context:
        """Return the context: who acts, when and where; 0 is the application."""
        return Context(self.at, workspace, member)

    def authorize(
        self,
        workspace: int,
        by: MemberRef,
        action: Action,
        job: Job | None = None,
        stage: Stage | None = None,
    ) -> Context:
        """Return the context of the member *by*, whom the policy lets do *action* here.

        Raises:
            NotAllowed: when it does not.
        """
        member = self.member(workspace, by)
        access.check(self.policy, member, action, job, stage)
        return self.make_context(workspace, member.id)

    def require_about(self, ctx: Context, action: Action, other: int | None) -> None:
        """Check that whoever acts may do *action*, which they may do here, with work of *other*.

        Raises:
            NotAllowed: when the policy says that it is none of theirs.
        """
        # most policies make no difference between people: then nobody is read
        if other is None or not hasattr(self.policy, "refuses_about"):
            return
        actor, worker = self.store.get(Member, (ctx.member,)), self.store.get(Member, (other,))
        access.check_about(self.policy, actor, action, worker)

    def authorize_holder(
        self, job: Job, assignment: Assignment, operation: str, by: MemberRef | None
    ) -> Context:
        """Return the context of the holder of *assignment*, if they may go on with it.

        With *by* the policy is asked each time: whoever may no longer work at this stage goes on
        with nothing. Without, the application itself acts for the holder.

        Raises:
            NotHeld: when it is not held, or not by the member *by*.
            NotAllowed: when the job does not let work go on, or the policy does not let *by* work
                there.
        """
        member = None if by is None else self.member(job.workspace, by)
        must_go_on(job, assignment, operation, member)
        if member is not None:
            access.check_worker(self.policy, member, job, assignment)
        return self.make_context(job.workspace, assignment.member or 0)

    def find_allowed_stages(self, job: Job, by: MemberRef, action: Action) -> list[Stage]:
        """Return the stages of *job* at which the member *by* may do *action*.

        Raises:
            NotAllowed: when there is none.
        """
        member = self.member(job.workspace, by)
        reasons = [
            access.refusal(self.policy, member, action, job, stage) for stage in job.workflow.stages
        ]
        able = [
            stage
            for stage, reason in zip(job.workflow.stages, reasons, strict=True)
            if reason is None
        ]
        if not able:
            raise access.not_allowed(member, action, reasons[0] or "")
        return able

    def lock_job(self, ref: JobRef) -> Job:
        """Return the job, kept from other writers until the transaction ends."""
        return self.lock(Job, self.job(ref).key)

    def lock_job_counter(self, job: int) -> JobCounter:
        """Return the counter of a job, kept from other writers until the transaction ends.

        Whoever adds packages to a job, ends one, finishes the job or brings it back holds this
        first.  So two operations that end the last two packages cannot each take the other's for
        open, and a job does not finish while a package is added.  It comes behind packages,
        assignments and claim counters, and before the job itself.

        Raises:
            NotFound: when the job was deleted meanwhile: nobody knows it by its counter.
        """
        try:
            return self.lock(JobCounter, (job,))
        except NotFound:
            raise NotFound("Job", (job,)) from None

    def lock_job_for_adding(self, job: int) -> Job:
        """Lock a job to which packages are added, and return it; its counter is locked before.

        Claims lock a running job in the same way, at the same time.  One that has finished
        is to run again, and is kept from other writers.
        """
        # Asked before the job is locked: a transaction that has locked it in shared mode and then
        # wants it exclusively may wait for another one that does the same, which is a deadlock.
        # Nobody makes the answer wrong in between.  Whoever finishes a job, or brings it back, has
        # locked its counter, which is locked here; that it is archived is refused later.
        is_finished = self.store.get(Job, (job,)).state is JobState.FINISHED
        return self.lock(Job, (job,), shared=not is_finished)

    def lock(self, kind: type[E], key: Key, *, shared: bool = False, create: E | None = None) -> E:
        """Lock an entity until the transaction ends, and return it as it is now.

        Args:
            kind: The kind of the entity.
            key: Its key.
            shared: Whether others may lock it in shared mode too; nobody can save it then.
            create: Is inserted if there is none.

        Raises:
            LockOrderError: when everybody else locks it before something that is locked already.
        """
        locked: dict[Key, E] = self._locked[kind]
        # What is locked is not read again: nobody else can have changed it.
        if key in locked:
            if not shared:
                self._locks.require_not_shared(kind, key)
            return locked[key]
        if self._is_batch and kind is Package:
            # A batch has locked all its packages at its beginning.  This one was not there, or came
            # since; to wait for it now, behind others, would be out of order.
            raise NotFound(kind.__name__, key)
        self._locks.require_next(kind, key, shared=shared)
        entity = self._writer.lock(kind, key, shared=shared, create=create)
        locked[key] = entity
        if isinstance(entity, Assignment):
            is_locked = (entity.job, entity.package) in self._locked[Package]
            self._locks.require_package(entity, is_locked=is_locked)
        return entity

    def lock_numbered(self, job: int, numbers: Sequence[int]) -> list[Package]:
        """Lock the packages with these *numbers*, which ascend, and return them.

        Raises:
            NotFound: when there is one that is not there.
        """
        if isinstance(self._writer, SupportsLockAll) and self._note_all_locked(job, numbers):
            found = self._writer.lock_all(lookup.query_numbered(Package, job, numbers))
            self._require_all(job, numbers, len(found))
            self._locked[Package].update({package.key: package for package in found})
            return found
        return [self.lock(Package, (job, number)) for number in numbers]

    def replace_numbered(
        self, job: int, numbers: Sequence[int], prepare: Callable[[], Callable[[Package], Package]]
    ) -> None:
        """Lock the packages with these *numbers*, which ascend, and replace each.

        Each is read, changed and stored before the next, as there may be very many.  *prepare* is
        called when all are locked.  What it returns makes the new package, or returns the very same
        one, asks nothing of this transaction, and changes nothing that events record by themselves.

        Raises:
            NotFound: when there is one that is not there; nothing is changed then.
        """

        def prepare_all(count: int) -> Callable[[Package], Package]:
            self._require_all(job, numbers, count)
            return partial(self._make_next, prepare())

        if isinstance(self._writer, SupportsReplaceAll) and self._note_all_locked(job, numbers):
            self._writer.replace_all(lookup.query_numbered(Package, job, numbers), prepare_all)
            return
        locked = self.lock_numbered(job, numbers)
        change = prepare()
        pairs = [(old, change(old)) for old in locked]
        self._update([(old, new) for old, new in pairs if new is not old])

    def _make_next(self, change: Callable[[Package], Package], old: Package) -> Package:
        new = change(old)
        if new is old:
            return old
        self._note_lots([(old, new)])
        return stamp(old, new)

    def _note_all_locked(self, job: int, numbers: Sequence[int]) -> bool:
        """Note that these packages are locked; return False where one may have been before."""
        if not numbers or self._locked[Package] or self._is_batch:
            return False
        # the first and the last: what ascends between them is in order, too
        for number in dict.fromkeys((numbers[0], numbers[-1])):
            self._locks.require_next(Package, (job, number), shared=False)
        return True

    def _require_all(self, job: int, numbers: Sequence[int], count: int) -> None:
        """Check that as many packages were found as there are numbers, or name one that is not."""
        if count < len(numbers):
            there = self.store.tally(lookup.query_numbered(Package, job, numbers), by=("number",))
            missing = next(number for number in numbers if (number,) not in there)
            raise NotFound(Package.__name__, (job, missing))

    def lock_first(self, query: Query[E]) -> E | None:
        """Lock the first match that no other writer has locked, and return it; this never waits."""
        entity = self._writer.lock_first(query)
        if entity is not None:
            self._locks.note_locked_first(query.kind, entity.key)
            self._locked[query.kind][entity.key] = entity
        return entity

    def lock_package(self, ref: PackageRef) -> Package:
        """Return the package, kept from other writers until the transaction ends."""
        return lookup.require_same(
            ref, self.lock(Package, lookup.find_key(self.store, Package, ref))
        )

    def lock_assignment(self, ref: AssignmentRef) -> tuple[Package, Assignment]:
        """Lock an assignment and, before it, its package, and return both."""
        key = lookup.find_key(self.store, Assignment, ref)
        # The package comes first, so the assignment is read before it is locked, unless somebody
        # has it at hand.  It may be an old version: an assignment never changes its package.
        known = ref if isinstance(ref, Assignment) else self._locked[Assignment].get(key)
        assignment = known or self.store.get(Assignment, key)
        package = self.lock(Package, (assignment.job, assignment.package))
        return package, lookup.require_same(ref, self.lock(Assignment, key))

    def has_locked_open(self, job: int, *, but: int) -> bool:
        """Return whether it holds an open package of *job*, other than the one numbered *but*."""
        locked: dict[Key, Package] = self._locked[Package]
        # the latest first: those are the ones that a batch has not done yet
        return any(
            other.job == job and other.number != but and other.stage
            for other in reversed(locked.values())
        )

    def try_lock_assignment(self, ref: AssignmentRef) -> tuple[Package, Assignment] | None:
        """Return the same, or None when another writer has locked the package; this never waits."""
        key = lookup.find_key(self.store, Assignment, ref)
        if key in self._locked[Assignment]:
            return self.lock_assignment(key)
        where = {"job": key[0], "number": self.store.get(Assignment, key).package}
        package = self.lock_first(Query(Package, where, limit=1))
        return None if package is None else (package, self.lock(Assignment, key))

    def assignments(self, package: Package) -> list[Assignment]:
        """Return every assignment that there ever was on *package*, oldest first."""
        where = {"job": package.job, "package": package.number}
        return list(self.store.find(Query(Assignment, where, order=("id",))))

    def counters(self, job: Job, stage: Stage, *moves: tuple[int | None, int]) -> tuple[Saved, ...]:
        """Return the claim counters of members, changed by these numbers, if there is a limit."""
        if job.workflow.rule(stage).limit is None:
            return ()
        # by member, which is the order of the keys of counters of one job and stage
        members = sorted((member, by) for member, by in moves if member is not None and by)
        counters = [
            (self.lock(ClaimCounter, (job.id, stage.value, member)), by) for member, by in members
        ]
        return tuple(move_counter(counter, by) for counter, by in counters)

    def count_answers(self, assignment: Assignment) -> Mapping[tuple[Scalar, ...], int]:
        """Count the answers of a held assignment, by `is_resolved`, `is_abandoned` and verdict."""
        # Kept, since an operation asks more than once.  The assignment is locked, so nobody else
        # saves answers to it; what this transaction saves itself drops the entry.
        if assignment.key not in self._answer_counts:
            answers = Query(Answer, {"job": assignment.job, "assignment": assignment.id})
            tally = self.store.tally(answers, by=("is_resolved", "is_abandoned", "verdict"))
            counts = {group: number for group, (number,) in tally.items()}
            self._answer_counts[assignment.key] = counts
        return self._answer_counts[assignment.key]

    def lock_job_and_member(self, job: int, member: int) -> tuple[Job, Member]:
        """Lock a job and a member in shared mode, before work is given out, and return both.

        This comes last, behind packages, assignments and claim counters.
        """
        # In shared mode, so that claims of one job do not wait for each other.  Whoever pauses the
        # job or removes the member locks it exclusively, and so comes before this or after it.
        locked_job = self.lock(Job, (job,), shared=True)
        return locked_job, self.lock(Member, (member,), shared=True)

    def new_id(self, kind: type[E], *parent: int) -> int:
        """Return an id that no *kind* has below this key: in a job, or anywhere without one.

        Raises:
            InvalidData: when the source of ids gives what is no key, or again and again one that is
                taken.
        """
        for _ in range(TRIES):
            id = self._draw_id(kind)
            if id is not None and not self.is_taken(kind, *parent, id):
                return id
        raise make_exhausted_error()

    def is_taken(self, kind: type[E], *key: int) -> bool:
        """Return whether a *kind* has this key, or a deleted job had it: histories must not mix."""
        if get_or_none(self.store, kind, key) is not None:
            return True
        if kind is not Job:
            return False
        return lookup.first(self.store, Query(Event, {"job": key[0]}, limit=1)) is not None

    def _draw_id(self, kind: type[E]) -> int | None:
        """Return the next id; most operations add nothing that needs one."""
        if self._ids is None:
            self._ids = TransactionIds(self._source_of_ids)
        return self._ids.draw(kind)

    def next_id(self, kind: type[E]) -> int:
        """Return an id without checking whether it is free; adding the entity shows that.

        Raises:
            InvalidData: when the source of ids gives what is no key, or again and again one that
                was just drawn.
        """
        for _ in range(TRIES):
            id = self._draw_id(kind)
            if id is not None:
                return id
        raise make_exhausted_error()

    def begin_operation(self) -> None:
        """Begin the next operation of a batch, whose packages are locked; see `LockOrder`."""
        self._is_batch = True
        self._locks.begin_operation()

    def apply(self, change: Change) -> None:
        """Store what a rule decided, with its event; `as_stored` tells what became of an entity.

        This is the place where the versions of optimistic locking advance.  A store replaces an
        entity only by the next version, so what was decided on an old one is refused.
        """
        # New entities before those that are replaced: where a key is taken, nothing of the change
        # is stored, and the caller may try again with another key.
        *_, event = self._writer.add(*change.add, change.event)
        updated = self._update(change.save)
        if self._answer_counts:
            for entity in (*change.add, *updated):
                if isinstance(entity, Answer):
                    self._answer_counts.pop((entity.job, entity.assignment), None)
        if isinstance(event, Event):  # always; the port only says that it is an entity
            self.events.append(event)

    def apply_new(self, kind: type[E], make: Callable[[int], Change]) -> Change:
        """Store the change that *make* returns for a new id of *kind*, and return it.

        Whether an id is free is only known when it is added: asking first would cost a query in
        each claim.

        Raises:
            InvalidData: when the source of ids gives again and again one that is taken.
        """
        for _ in range(TRIES):
            change = make(self.next_id(kind))
            try:
                self.apply(change)
            except AlreadyExists:
                # another Flow has drawn the same id; nothing was stored, so another one is drawn
                continue
            return change
        raise make_exhausted_error()

    def events_as_read(self) -> list[Event]:
        """Return the events of this transaction exactly as a later reader gets them, with accounts.

        They are read back: how a store writes an event, and what it makes of a tuple or an enum in
        the data, is known to the store alone.
        """
        positions = tuple(event.position for event in self.events)
        query = Query(Event, {"position": positions}, order=("position",))
        return lookup.with_accounts(self.store, list(self.store.find(query)), {})

    def as_stored(self, entity: E) -> E:
        """Return *entity*, which this transaction added or saved, with its version in the store."""
        stored: dict[Key, E] = self._locked[type(entity)]
        return stored.get(entity.key, entity)

    def replace(self, old: E, new: E) -> E:
        """Replace an entity by *new* without an event, and return it as stored."""
        self._update([(old, new)])
        return self.as_stored(new)

    def rewrite(self, answer: Answer) -> None:
        """Put *answer* in the place of the stored one, as the same version and without an event."""
        where: dict[str, Any] = {
            "job": answer.job,
            "assignment": answer.assignment,
            "task": answer.task,
        }
        # removed and added, since a replacement would count as a new version
        self._writer.remove(Query(Answer, where), 1)
        self._writer.add(answer)

    def add(self, *entities: Entity) -> None:
        """Store new entities without an event, with the version that they have."""
        self._writer.add(*entities)

    def remove(self, query: Query[E], limit: int) -> int:
        """Delete at most *limit* matches, and return how many."""
        return self._writer.remove(query, limit)

    def _update(self, saved: Sequence[Saved]) -> list[Entity]:
        """Store the next version of each entity, and return them."""
        updated = [stamp(old, new) for old, new in saved]
        # by the fourth rule of `LockOrder`: the database would raise the lock to save the row
        if self._locks.has_shared:
            for entity in updated:
                self._locks.require_not_shared(type(entity), entity.key)
        self._writer.save(*updated)
        for entity in updated:
            self._locked[type(entity)][entity.key] = entity
        self._note_lots(saved)
        return updated

    def _note_lots(self, saved: Sequence[Saved]) -> None:
        """Note the jobs of packages in lots that have moved: others may wait for that."""
        for old, new in saved:
            if not isinstance(new, Package) or not new.in_lots:
                continue  # nearly always
            if not isinstance(old, Package):
                continue  # never; types say only that both are entities
            if new.state is not old.state or new.lot_entry != old.lot_entry:
                self.changed_lots.add(new.job)
