"""Claim, renew, release, assign, reassign and expire: each locks, decides once, and writes once.

Locks are taken in the order that everybody keeps: packages, assignments, counters, job, member.
Who has locked a package waits for no other one.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

import attrs

from itagflow import access
from itagflow.access import Action, Policy
from itagflow.claiming import queue, rules
from itagflow.claiming.decision import (
    Decision,
    Situation,
    Source,
    decide,
    depends_on,
    is_own_work,
    own_work_waits,
)
from itagflow.core.change import (
    Act,
    Change,
    Saved,
    record,
)
from itagflow.core.ids import TRIES, used_up
from itagflow.core.lookup import (
    AssignmentRef,
    JobRef,
    MemberRef,
    PackageRef,
    first,
    perhaps,
)
from itagflow.core.transaction import Transaction
from itagflow.errors import AlreadyExists, NotAllowed
from itagflow.lifecycle.tables import must_be_working, stage_of
from itagflow.model.job import Job, Stage
from itagflow.model.package import (
    Assignment,
    AssignmentState,
    ClaimCounter,
    Package,
    PackageState,
    QueueCursor,
)
from itagflow.model.workspace import Member
from itagflow.reviewing.service import lock_context, release_counter
from itagflow.storage.port import Query, Reader


@attrs.frozen
class ClaimRequest:
    """What is asked for by a claim."""

    member: MemberRef
    """Who claims."""
    job: JobRef
    """The job."""
    stage: Stage
    """The kind of work."""
    token: str = ""
    """The caller's own name for the claim."""
    count: int = 1
    """How many assignments at the most."""


def claim(transaction: Transaction, request: ClaimRequest) -> list[Assignment]:
    """Give a member up to so many assignments; fewer when there are no more.

    Raises:
        NotAllowed: when the member may not work there.
        InvalidData: when the job does not have this stage, or the token cannot be stored.
    """
    rules.must_be_a_token(request.token)
    cache, store = transaction.cache, transaction.store
    if request.token:
        return _claim_by_token(transaction, request)
    # Job and member as last seen, which saves two queries.  They may be out of date: whatever is
    # found is confirmed by what is locked, and that there is nothing is only said by what is stored
    # now.
    job = cache.job(store, request.job)
    member = cache.member(store, job.workspace, request.member)
    work = _Claim(transaction, describe(store, transaction.policy, job, member, request.stage))
    taken = work.take(request.count)
    if not taken and work.is_out_of_date(*_read(transaction, request)):
        taken = work.take(request.count)
    if not taken:
        work.require_permission()
    return taken


def _claim_by_token(transaction: Transaction, request: ClaimRequest) -> list[Assignment]:
    """Give what the same claim, sent before, was given, or else something new."""
    job, member = _read(transaction, request)
    work = _Claim(
        transaction,
        describe(transaction.store, transaction.policy, job, member, request.stage),
        request.token,
    )
    work.require_permission()
    earlier = work.find_earlier()
    return work.take(request.count) if earlier is None else [earlier]


def _read(transaction: Transaction, request: ClaimRequest) -> tuple[Job, Member]:
    """Return job and member of a claim as they are stored now."""
    job = transaction.cache.read_job(transaction.store, request.job)
    return job, transaction.cache.read_member(transaction.store, job.workspace, request.member)


def describe(reader: Reader, policy: Policy, job: Job, member: Member, stage: Stage) -> Situation:
    """Return what the decision depends on, as it is stored.

    Raises:
        InvalidData: when the job does not have this stage.
    """
    limit = job.workflow.rule(stage).limit
    counter = (
        None if limit is None else perhaps(reader, ClaimCounter, (job.id, stage.value, member.id))
    )
    return Situation(
        job=job,
        member=member,
        stage=stage,
        policy_refusal=access.refusal(policy, member, Action.at(stage), job, stage),
        held=counter.active if counter else 0,
    )


def can_claim(reader: Reader, situation: Situation, at: datetime) -> bool:
    """Return whether a claim would give something."""
    return queue.find_source(reader, decide(situation), at) is not None


_FOUND = {
    Source.OFFERS: "something is offered: claim it",
    Source.QUEUE: "something is waiting: claim it",
    Source.LAPSED: "the lease of an assignment has lapsed: claim it",
}
"""What `explain` says where a claim would give something."""


def explain(reader: Reader, situation: Situation, at: datetime) -> str:
    """Return what a claim would find, and if nothing, why, in one sentence."""
    decision = decide(situation)
    source = queue.find_source(reader, decision, at)
    if source is not None:
        return _FOUND[source]
    return decision.reason or _explain_nothing(reader, decision, at)


def renew(transaction: Transaction, assignment: AssignmentRef, by: MemberRef | None) -> Assignment:
    """Count the lease of a held assignment from now.

    Raises:
        NotHeld: when it is not held, or not by the member *by*.
    """
    context = lock_context(transaction, assignment, "renew", by)
    renewed = rules.renew(context.job, context.assignment, context.ctx)
    if renewed is None:
        return context.assignment
    save = ((context.assignment, renewed),)
    transaction.do(record(context.ctx, "renew", about=renewed, save=save))
    return transaction.as_stored(renewed)


def release(
    transaction: Transaction, assignment: AssignmentRef, by: MemberRef | None, comment: str
) -> Assignment:
    """Give an assignment back, or decline an offer.

    Raises:
        WrongState: when it has ended.
        NotAllowed: when *by* is another member, who may not assign work.
    """
    package, old = transaction.lock_assignment(assignment)
    job = transaction.store.get(Job, (old.job,))
    act = _act_of_holder_or_assigner(transaction, job, old, by)
    counters = release_counter(transaction, job, old)
    return apply(
        transaction,
        rules.give_back("release", package, old, act, comment=comment, counters=counters),
    )


def assign(
    transaction: Transaction, package: PackageRef, member: MemberRef, by: MemberRef
) -> Assignment:
    """Offer a free slot of a package to a member.

    Raises:
        NotAllowed: when no slot is free, the member may not have it, or *by* may not assign work.
    """
    due = transaction.lock_package(package)
    job = transaction.store.get(Job, (due.job,))
    stage = stage_of(due)
    act = transaction.allowed(job.workspace, by, Action.ASSIGN, job, stage)
    must_be_working(job, "assign")
    who = transaction.member(job.workspace, member)
    access.check(transaction.policy, who, Action.at(stage), job, stage)
    rules.must_be_assignable(job, due, who, stage, transaction.assignments(due))
    change = rules.assign(
        job, due, who, act, id=transaction.new_id(Assignment, job.id), stage=stage
    )
    _confirm_work_goes_on(transaction, job, who, stage)
    return apply(transaction, change)


def reassign(
    transaction: Transaction,
    assignment: AssignmentRef,
    member: MemberRef,
    by: MemberRef,
    comment: str,
) -> Assignment:
    """Take an assignment back and offer its slot to another member.

    Raises:
        WrongState: when it has ended.
        NotAllowed: when the member may not have it, or *by* may not assign work.
    """
    package, old = transaction.lock_assignment(assignment)
    job = transaction.store.get(Job, (old.job,))
    act = transaction.allowed(job.workspace, by, Action.ASSIGN, job, old.stage)
    who = transaction.member(job.workspace, member)
    access.check(transaction.policy, who, Action.at(old.stage), job, old.stage)
    others = [other for other in transaction.assignments(package) if other != old]
    rules.must_be_assignable(job, package, who, old.stage, others)
    counters = release_counter(transaction, job, old)
    id = transaction.new_id(Assignment, job.id)
    change = rules.reassign(job, package, old, who, act, id=id, comment=comment, counters=counters)
    _confirm_work_goes_on(transaction, job, who, old.stage)
    return apply(transaction, change)


def find_expired(transaction: Transaction, job: JobRef, by: MemberRef) -> list[tuple[int, int]]:
    """Return the keys of the assignments with a lapsed lease, at the stages where *by* assigns.

    Raises:
        NotAllowed: when *by* may assign work at no stage.
    """
    home = transaction.job(job)
    stages = transaction.stages(home, by, Action.ASSIGN)
    return [
        lapsed.key
        for stage in stages
        for lapsed in queue.find_lapsed(transaction.store, home, stage, transaction.at)
    ]


def expire(transaction: Transaction, assignment: AssignmentRef, by: MemberRef) -> Assignment:
    """Return an assignment whose lease has lapsed to the queue.

    Raises:
        NotAllowed: when its lease goes on, or *by* may not assign work there.
    """
    package, old = transaction.lock_assignment(assignment)
    job = transaction.store.get(Job, (old.job,))
    act = transaction.allowed(job.workspace, by, Action.ASSIGN, job, old.stage)
    if not rules.has_lapsed(old, transaction.at):
        raise NotAllowed(
            "nobody", "expire it", f"the lease of {old} goes on: its holder was faster"
        )
    counters = release_counter(transaction, job, old)
    return apply(
        transaction,
        rules.give_back("expire", package, old, act, comment="the lease lapsed", counters=counters),
    )


def apply(transaction: Transaction, change: Change) -> Assignment:
    """Store what a rule decided and return the assignment that it leads to."""
    transaction.do(change)
    return transaction.as_stored(
        next(stored for stored in _stored(change) if isinstance(stored, Assignment))
    )


class _Claim:
    """A claim that runs, in one pass.

    Packages and assignments are locked as they are found.  With the first one, `_confirm` locks
    what comes after them and decides again by what is locked: who was removed or has reached the
    limit meanwhile gets nothing.
    """

    def __init__(self, transaction: Transaction, situation: Situation, token: str = "") -> None:
        self._transaction = transaction
        self._situation = situation
        self._decision = decide(situation)
        self._token = token
        self._act: Act = transaction.act(situation.job.workspace, situation.member.id)
        self._cursor = queue.load_cursor(
            transaction.store, situation.job, situation.member, situation.stage
        )
        self._counter: ClaimCounter | None = None
        """The member's counter, once it is locked; None where nothing is counted."""
        self._previous: ClaimCounter | None = None
        """The counter of the holder who loses an assignment, once it is locked."""
        self._earlier: Assignment | None = None
        """What the same claim, sent before, has been given meanwhile."""
        self._has_package = False
        """Whether a package is locked."""
        self._is_confirmed = False

    def require_permission(self) -> None:
        """Check that the policy lets the member work here.

        Raises:
            NotAllowed: when it does not.
        """
        refusal = self._situation.policy_refusal
        if refusal is not None:
            raise access.not_allowed(
                self._situation.member, Action.at(self._situation.stage), refusal
            )

    def is_out_of_date(self, job: Job, member: Member) -> bool:
        """Return whether job or member differ from those of the decision; if so, decide again.

        What is locked is up to date.
        """
        if self._is_confirmed or not self._differs(job, member):
            return False
        self._set(
            describe(
                self._transaction.store,
                self._transaction.policy,
                job,
                member,
                self._situation.stage,
            )
        )
        return True

    def find_earlier(self) -> Assignment | None:
        """Return what the same claim was given before; at another stage it is another claim."""
        situation = self._situation
        where: dict[str, Any] = {
            "job": situation.job.id,
            "member": situation.member.id,
            "token": self._token,
        }
        query = Query(Assignment, {**where, "stage": situation.stage}, limit=1)
        return first(self._transaction.store, query)

    def take(self, count: int) -> list[Assignment]:
        """Take up to *count*: what is offered and what waits, or else one whose lease has lapsed.

        A lapsed one is only taken by itself: for the first package a claim may wait, for others it
        does not.
        """
        taken = self._take_offers(count)
        while len(taken) < count:
            assignment = self._take_from_queue()
            if assignment is None:
                break
            taken.append(assignment)
        if not taken and count > 0:
            assignment = self._take_lapsed()
            if assignment is not None:
                taken.append(assignment)
        if taken:
            return taken
        if self._token and not self._is_confirmed:
            # what this claim would have got may have gone to the same claim, sent twice: wait for
            # that one
            self._counter = self._lock_counter()
            self._earlier = self.find_earlier()
        return [] if self._earlier is None else [self._earlier]

    def _take_offers(self, count: int) -> list[Assignment]:
        taken: list[Assignment] = []
        if Source.OFFERS not in self._decision.sources or count < 1:
            return taken
        situation = self._situation
        offers = queue.find_offers(
            self._transaction.store, situation.job, situation.member, situation.stage
        )
        if not offers:
            return taken
        # the first are waited for, in the order that everybody keeps; those behind them stand in
        # for what is gone
        self._transaction.lock_assignments(offer.key for offer in offers[:count])
        self._has_package = True
        for offer in offers:
            if len(taken) == count:
                break
            locked = self._lock(offer)
            if locked is None or locked[1].state is not AssignmentState.OFFERED:
                continue  # others have it, or it was withdrawn meanwhile
            self._confirm()
            if Source.OFFERS not in self._decision.sources:
                break
            taken.append(self._take_offer(locked[1]))
        return taken

    def _take_offer(self, offer: Assignment) -> Assignment:
        counters = self._count_one()
        change = rules.take_offer(
            self._situation.job, offer, self._act, token=self._token, counters=counters
        )
        return apply(self._transaction, change)

    def _take_from_queue(self) -> Assignment | None:
        if Source.QUEUE not in self._decision.sources:
            return None
        package = self._lock_next_package()
        if package is None:
            return None
        self._has_package = True
        cursor = self._cursor_behind(package)
        before = self._situation
        self._confirm(saves_cursor=cursor is not None)
        if Source.QUEUE not in self._decision.sources:
            return None
        situation = self._situation
        job, member, stage = situation.job, situation.member, situation.stage
        if situation.job is not before.job and is_own_work(
            job, package, member, stage, self._transaction.assignments(package)
        ):
            # the workflow was changed while the package was being locked: it is looked for once
            # more, by the new one
            return self._take_from_queue()
        counters = self._count_one(cursor)
        return self._apply_new(
            lambda new_id: rules.start(
                job,
                package,
                member,
                self._act,
                id=new_id,
                stage=stage,
                token=self._token,
                counters=counters,
            )
        )

    def _take_lapsed(self) -> Assignment | None:
        if Source.LAPSED not in self._decision.sources:
            return None
        situation = self._situation
        for lapsed in queue.find_lapsed(
            self._transaction.store, situation.job, situation.stage, self._transaction.at
        ):
            locked = self._lock(lapsed)
            if locked is None:
                continue  # somebody else is about to take it or to go on with it
            package, current = locked
            assignments = self._transaction.assignments(package)
            if not rules.has_lapsed(current, self._transaction.at):
                continue  # its holder has gone on with it meanwhile
            if not self._decision.accepts_lapsed(current, package, assignments):
                continue
            if self._is_confirmed and current.member != situation.member.id:
                continue  # its holder's counter would be locked behind job and member, out of order
            self._confirm(instead_of=current)
            if self._decision.accepts_lapsed(current, package, assignments):
                return self._take_over(package, current)
        return None

    def _take_over(self, package: Package, lapsed: Assignment) -> Assignment:
        job, member, token = self._situation.job, self._situation.member, self._token
        if lapsed.member == member.id:
            return apply(self._transaction, rules.resume(job, lapsed, self._act, token=token))
        counters = self._count_one()
        if self._previous is not None:
            counters = (*counters, rules.move_counter(self._previous, -1))
        return self._apply_new(
            lambda new_id: rules.take_over(
                job, package, lapsed, member, self._act, id=new_id, token=token, counters=counters
            )
        )

    def _lock(self, assignment: Assignment) -> tuple[Package, Assignment] | None:
        """Lock an assignment and its package, and return both as they are now.

        A claim waits for its first package only.  Later it takes what is free, since two claims
        that wait for each other's packages would never end: None when others have it.
        """
        if self._has_package:
            return self._transaction.try_lock_assignment(assignment)
        self._has_package = True
        return self._transaction.lock_assignment(assignment)

    def _lock_next_package(self) -> Package | None:
        """Lock the next package of the queue that nobody else has locked."""
        situation = self._situation
        for query in queue.next_package(
            situation.job, situation.member, situation.stage, self._cursor
        ):
            package = self._transaction.lock_first(query)
            if package is not None:
                return package
        return None

    def _cursor_behind(self, package: Package) -> QueueCursor | None:
        """Return where the member's next scan should begin, or None if that is not worth saving.

        The cursor is in the row of the counter.  Once job and member are locked it is too late to
        lock that one, so a claim of many saves no cursor then; the next claim does.
        """
        job, stage = self._situation.job, self._situation.stage
        if not own_work_waits(job, stage) or (self._is_confirmed and self._counter is None):
            return None
        cursor = rules.cursor_at(package)
        if not rules.is_worth_saving(self._cursor, cursor) or package == first(
            self._transaction.store, queue.waiting(job, stage)
        ):
            return None
        return cursor

    def _confirm(self, *, instead_of: Assignment | None = None, saves_cursor: bool = False) -> None:
        """Lock what comes after packages and assignments, and decide again by what is locked.

        Once for each claim: nobody changes any of it until the transaction ends.  Nothing is given
        to somebody who was removed meanwhile, at a job that has ended, or beyond the limit.
        """
        if self._is_confirmed:
            return
        self._is_confirmed = True
        situation = self._situation
        is_counted = situation.job.workflow.rule(situation.stage).limit is not None
        if is_counted or self._token or saves_cursor:
            self._lock_counters(instead_of if is_counted else None)
        if self._token:
            # the same claim, sent twice at once: the other one was first
            self._earlier = self.find_earlier()
        job, member = self._transaction.kept(situation.job.id, situation.member.id)
        if self._differs(job, member):
            self._transaction.cache.note_job(job)
            situation = describe(
                self._transaction.store, self._transaction.policy, job, member, situation.stage
            )
        if self._counter is not None:
            situation = attrs.evolve(situation, held=self._counter.active)
        if situation is not self._situation:
            self._set(situation)

    def _differs(self, job: Job, member: Member) -> bool:
        """Return whether job or member have changed in anything that the decision depends on."""
        known = self._situation
        same_job = job is known.job or (
            job.id == known.job.id and depends_on(job) == depends_on(known.job)
        )
        return not same_job or member != known.member

    def _lock_counters(self, instead_of: Assignment | None) -> None:
        """Lock the member's counter, and that of the holder who is replaced, in key order."""
        own = self._situation.member.id
        other = (
            instead_of.member if instead_of and instead_of.state is AssignmentState.HELD else None
        )
        if other is not None and other < own:
            self._previous = self._transaction.lock(ClaimCounter, self._counter_key(other))
        self._counter = self._lock_counter()
        if other is not None and other > own:
            self._previous = self._transaction.lock(ClaimCounter, self._counter_key(other))

    def _lock_counter(self) -> ClaimCounter:
        """Lock the member's counter, or create it.  Claims of one member queue up here."""
        situation = self._situation
        counter = ClaimCounter(
            job=situation.job.id, stage=situation.stage, member=situation.member.id
        )
        return self._transaction.lock(ClaimCounter, counter.key, create=counter)

    def _counter_key(self, member: int) -> tuple[int, str, int]:
        return (self._situation.job.id, self._situation.stage.value, member)

    def _count_one(self, cursor: QueueCursor | None = None) -> tuple[Saved, ...]:
        """Return the member's counter with one more assignment, if there is anything to save."""
        situation = self._situation
        is_counted = situation.job.workflow.rule(situation.stage).limit is not None
        if self._counter is None or not (is_counted or cursor):
            return ()
        # the one before in this claim may have stored it already
        counter = self._transaction.as_stored(self._counter)
        after = rules.counted(counter, int(is_counted), cursor)
        self._counter, self._cursor = after, cursor or self._cursor
        self._set(attrs.evolve(situation, held=after.active))
        return ((counter, after),)

    def _set(self, situation: Situation) -> None:
        self._situation = situation
        decision = decide(situation)
        self._decision = decision if self._earlier is None else Decision(situation=situation)

    def _apply_new(self, make: Callable[[int], Change]) -> Assignment:
        """Store a change that adds an assignment under a new id.

        Whether an id is free is only known when it is added: asking first would cost a query in
        each claim.

        Raises:
            InvalidData: when the source of ids gives again and again one that is taken.
        """
        for _ in range(TRIES):
            change = make(self._transaction.next_id(Assignment))
            try:
                return apply(self._transaction, change)
            except AlreadyExists:
                # another Flow has drawn the same id; nothing was stored, so another one is drawn
                continue
        raise used_up()


def _stored(change: Change) -> list[Any]:
    return [*change.add, *(after for _, after in change.save)]


def _act_of_holder_or_assigner(
    transaction: Transaction, job: Job, assignment: Assignment, by: MemberRef | None
) -> Act:
    """Return the context of whoever gives *assignment* back; its holder always may."""
    if by is None:
        return transaction.act(job.workspace, assignment.member or 0)
    who = transaction.member(job.workspace, by)
    if who.active and who.id == assignment.member:
        return transaction.act(job.workspace, who.id)
    return transaction.allowed(job.workspace, by, Action.ASSIGN, job, assignment.stage)


def _confirm_work_goes_on(transaction: Transaction, job: Job, member: Member, stage: Stage) -> None:
    """Lock job and member, last in the order of locks, and check again what may have changed.

    Nobody changes either of them any more until the transaction ends: nothing is given to somebody
    who has just been removed, and nothing of a job that has just ended.
    """
    current, who = transaction.kept(job.id, member.id)
    if depends_on(current) != depends_on(job) or who != member:
        must_be_working(current, f"{stage.value} here")
        access.check(transaction.policy, who, Action.at(stage), current, stage)


def _explain_nothing(reader: Reader, decision: Decision, at: datetime) -> str:
    """Return why there is nothing for a member who may take work."""
    job, member, stage = decision.situation.job, decision.situation.member, decision.situation.stage
    parts: list[str] = []
    own = reader.count(
        Query(Package, {"job": job.id, "state": PackageState.at(stage), "waiting": True})
    )
    if own:
        parts.append(f"{own} waiting packages are {member.account}'s own work")
    live = list(reader.find(Query(Assignment, {"job": job.id, "live": True, "stage": stage})))
    lapsed = [assignment for assignment in live if rules.has_lapsed(assignment, at)]
    if lapsed:
        parts.append(
            f"{len(lapsed)} assignments whose lease has lapsed are on {member.account}'s own work"
        )
    if len(live) > len(lapsed):
        parts.append(_explain_held([assignment for assignment in live if assignment not in lapsed]))
    stages = job.workflow.stages
    before = _count(reader, job, stages[: stages.index(stage)])
    if before:
        parts.append(f"{before} packages are still at an earlier stage")
    behind = _count(reader, job, stages[stages.index(stage) + 1 :])
    if behind and not parts:
        parts.append(f"all done here: {behind} packages are at a later stage")
    return "; ".join(parts) or "all done"


def _explain_held(live: list[Assignment]) -> str:
    """Return how many assignments others have, and when the first lease ends."""
    until = min(
        (assignment.lease_until for assignment in live if assignment.lease_until), default=None
    )
    ends = (
        f", the first lease ends at {until:%Y-%m-%d %H:%M:%S %Z}"
        if until
        else ", and no lease ends"
    )
    return f"{len(live)} assignments are held by or offered to people{ends}"


def _count(reader: Reader, job: Job, stages: tuple[Stage, ...]) -> int:
    states = tuple(PackageState.at(stage) for stage in stages)
    return reader.count(Query(Package, {"job": job.id, "state": states}))
