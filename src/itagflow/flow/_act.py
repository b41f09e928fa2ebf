"""The one way an act runs: a write block in which it looks, decides and stores, and then the listeners."""

from __future__ import annotations

import logging
from collections.abc import Callable, Generator, Iterable, Sequence
from contextlib import contextmanager
from datetime import datetime

from itagflow.errors import InvalidData, Problem
from itagflow.flow import _find
from itagflow.flow._find import JobRef, MemberRef, PackageRef, TurnRef, perhaps
from itagflow.model.entity import E
from itagflow.model.event import Event
from itagflow.model.job import Job, Stage
from itagflow.model.package import Assignment, Package, Seat, TurnState
from itagflow.model.workspace import Member
from itagflow.rules import access
from itagflow.rules.access import Action, Policy
from itagflow.rules.answers import Check
from itagflow.rules.change import Act, Change, Saved
from itagflow.rules.claiming import seat_moved
from itagflow.store import Query, Store, Writer

Clock = Callable[[], datetime]
"""Tells the time, with its time zone."""
Ids = Callable[[], int]
"""Makes new keys: positive, below 2**63, never twice the same."""
Listener = Callable[[Event], object]
"""Is told each event after its act is stored; what it returns is not looked at."""

logger = logging.getLogger("itagflow")


class Block:
    """One open write block: everything that an act looks at and stores goes through it."""

    def __init__(self, store: Writer, at: datetime, policy: Policy, ids: Ids) -> None:
        """Stand in the block that *store* has opened, at this moment."""
        self.store = store
        self.at = at
        self.policy = policy
        self.events: list[Event] = []
        self._ids = ids

    def job(self, ref: JobRef) -> Job:
        """Return the job as it is now."""
        return _find.job(self.store, ref)

    def member(self, workspace: int, ref: MemberRef) -> Member:
        """Return the member of *workspace*."""
        return _find.member(self.store, workspace, ref)

    def act(self, workspace: int, member: int = 0) -> Act:
        """Return who acts when and where; 0 is the embedding program."""
        return Act(self.at, workspace, member)

    def allowed(
        self, workspace: int, by: MemberRef, action: Action, job: Job | None = None, stage: Stage | None = None
    ) -> Act:
        """Return the act of the member *by*, whom the policy lets do *action* here.

        Raises:
            NotAllowed: when it does not.
        """
        member = self.member(workspace, by)
        access.check(self.policy, member, action, job, stage)
        return self.act(workspace, member.id)

    def hold_job(self, ref: JobRef) -> Job:
        """Return the job, kept from other writers until the block ends."""
        return self.store.hold(Job, ref.key if isinstance(ref, Job) else self.job(ref).key)

    def hold_package(self, ref: PackageRef) -> Package:
        """Return the package, kept from other writers until the block ends."""
        return self.store.hold(Package, _find.key_of(ref))

    def hold_turn(self, ref: TurnRef) -> tuple[Package, Assignment]:
        """Return a turn and its package, kept from other writers: the package first, always in this order."""
        key = _find.key_of(ref)
        package = self.store.get(Assignment, key).package
        return self.store.hold(Package, (key[0], package)), self.store.hold(Assignment, key)

    def take_turn(self, ref: TurnRef) -> tuple[Package, Assignment] | None:
        """Return the same, or None when another writer holds the package: who holds one waits for no other."""
        key = _find.key_of(ref)
        where = {"job": key[0], "number": self.store.get(Assignment, key).package}
        package = self.store.take(Query(Package, where, limit=1))
        return None if package is None else (package, self.store.hold(Assignment, key))

    def turns(self, package: Package) -> list[Assignment]:
        """Return every turn that there ever was on *package*, oldest first."""
        where = {"job": package.job, "package": package.number}
        return list(self.store.find(Query(Assignment, where, order=("id",))))

    def seats(self, job: Job, stage: Stage, *moves: tuple[int | None, int]) -> tuple[Saved, ...]:
        """Return the seats of members with what they hold moved, where a limit counts it."""
        if job.workflow.rule(stage).limit is None:
            return ()
        named = sorted((member, by) for member, by in moves if member is not None and by)
        return tuple(seat_moved(self.store.hold(Seat, (job.id, stage.value, member)), by) for member, by in named)

    def hold_seats(self, job: Job, turns: Iterable[Assignment]) -> None:
        """Keep the seats of those who hold *turns* from other writers, in the order in which everybody does."""
        named = {(turn.stage, turn.member) for turn in turns if turn.member and turn.state is TurnState.HELD}
        for stage, member in sorted(named, key=lambda seat: (seat[0].value, seat[1])):
            if job.workflow.rule(stage).limit is not None:
                self.store.hold(Seat, (job.id, stage.value, member))

    def kept(self, job: int, member: int) -> tuple[Job, Member]:
        """Return a job and a member as they are now, and stay until the block ends: work is about to be given out.

        This comes last, behind packages, turns and seats.
        """
        return self.store.hold(Job, (job,), shared=True), self.store.hold(Member, (member,), shared=True)

    def new_id(self, kind: type[E], *place: int) -> int:
        """Return an id that no *kind* has in this place."""
        while perhaps(self.store, kind, (*place, id := self._ids())) is not None:
            continue
        return id

    def do(self, change: Change) -> None:
        """Store what a rule decided, with its event."""
        *_, event = self.store.add(*change.add, change.event)
        self.store.save(*(after for _, after in change.save))
        if isinstance(event, Event):
            self.events.append(event)


class Shell:
    """What every family of verbs stands on: a store, a policy, a clock, and the listeners."""

    def __init__(self, store: Store, policy: Policy, clock: Clock, ids: Ids, listeners: Sequence[Listener]) -> None:
        """Put these together; `Flow` documents them."""
        self.store = store
        self.policy = policy
        self._clock = clock
        self._ids = ids
        self._listeners = tuple(listeners)
        self._checks: dict[int, Check] = {}

    @contextmanager
    def _acting(self) -> Generator[Block]:
        """Open a write block for one act; when it is stored, tell the listeners."""
        with self.store.write() as writer:
            block = Block(writer, self._now(), self.policy, self._ids)
            yield block
        for event in block.events if self._listeners else ():
            self._tell(event)

    def _now(self) -> datetime:
        at = self._clock()
        if at.tzinfo is None:
            raise InvalidData("the clock", [Problem("tzinfo", "times need a time zone, such as datetime.now(UTC)")])
        return at

    def _tell(self, event: Event) -> None:
        for listener in self._listeners:
            try:
                listener(event)
            except Exception:
                logger.exception("a listener failed on %s; the act is stored all the same", event)
