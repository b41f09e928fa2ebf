"""Claims: find work, lock it, decide by what is locked, and write once.

Locks are taken in the order that everybody keeps: packages, assignments, counters, job, member.
Who has locked a package waits for no other one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import attrs

from itagflow import access
from itagflow.access import Action
from itagflow.claiming import lanes, queue, rules
from itagflow.claiming.decision import (
    ClaimPlace,
    Decision,
    Obstacle,
    Situation,
    Source,
    decide,
    get_decision_inputs,
    is_own_work,
    requires_other_skill,
)
from itagflow.claiming.queue import describe, has_limits
from itagflow.claiming.wanted import Options, Wanted, make_wanted
from itagflow.core.engine import BLOCK, RACES, Engine
from itagflow.core.locking import lock_assignments
from itagflow.core.lookup import JobRef, MemberRef, PackageRef, WorkspaceRef, first
from itagflow.core.transaction import Transaction
from itagflow.errors import NotAcknowledged
from itagflow.model.arguments import require_flag
from itagflow.model.change import Change, Context, Saved, add_to_counter, move_counter
from itagflow.model.copying import evolve
from itagflow.model.enums import parse_optional_enum
from itagflow.model.job import Job, Stage
from itagflow.model.number import require_whole_number
from itagflow.model.package import Assignment, AssignmentState, ClaimCounter, Package, QueueCursor
from itagflow.model.text import require_text
from itagflow.model.workspace import Member
from itagflow.storage.port import Query

# globals: Python 3.11 takes ten times as long to find a member of an enum in its class
_QUEUE, _OFFERS = Source.QUEUE, Source.OFFERS


@attrs.frozen
class ClaimRequest:
    """What is asked for by a plain claim, of one queue; for others see `Wanted`."""

    member: MemberRef
    """Who claims."""
    job: JobRef
    """The job."""
    stage: Stage
    """The kind of work."""
    count: int = 1
    """How many assignments at the most."""


def parse_claim(
    member: MemberRef,
    job: JobRef | None,
    stage: Stage | str | None,
    *,
    workspace: WorkspaceRef | None = None,
    package: PackageRef | int | None = None,
    resume: bool = False,
    token: str = "",
) -> ClaimRequest | Wanted:
    """Return what is asked for by a claim.

    Raises:
        InvalidData: when an argument is of another kind, or a package is named without its job.
    """
    token = require_text("claim", "token", token)
    resume = require_flag("claim", "resume", resume)
    known = parse_optional_enum(Stage, stage)
    asks_more = bool(token) or resume or package is not None or workspace is not None
    if job is not None and known is not None and not asks_more:
        return ClaimRequest(member, job, known)
    options = Options(workspace, package, token, is_resumed=resume)
    return make_wanted("claim", member, job, known, options)


def claim(engine: Engine, request: ClaimRequest) -> Assignment | None:
    """Take the next assignment that is there for a member, or return None when there is none."""
    taken = _take_block(engine, request)
    return taken[0] if taken else None


def claim_many(engine: Engine, request: ClaimRequest, count: int) -> list[Assignment]:
    """Take up to *count* assignments in the order of `claim`; fewer when there are no more."""
    count = require_whole_number("claim_many", "count", count, least=0)
    # A transaction for each block, which locks its packages while others write.  Each sees what the
    # one before has stored, so the limit holds for all of them.
    taken: list[Assignment] = []
    while len(taken) < count:
        block = attrs.evolve(request, count=min(count - len(taken), BLOCK))
        more = _take_block(engine, block)
        if not more:
            break
        taken += more
    return taken


def _take_block(engine: Engine, request: ClaimRequest) -> list[Assignment]:
    """Take up to *request.count* in one transaction."""
    taken, is_overtaken = list[Assignment](), True
    for _ in range(RACES):
        # Once is enough, unless job, member or counter had changed when they were locked: by then
        # not all that is there can be locked any more.
        if is_overtaken:
            with engine.transaction() as transaction:
                taken, is_overtaken = take_work(transaction, request)
    return taken


def take_work(transaction: Transaction, request: ClaimRequest) -> tuple[list[Assignment], bool]:
    """Give a member up to so many assignments; fewer when there are no more.

    Returns:
        They, and whether there may be some after all, for a claim that begins again.

    Raises:
        NotAllowed: when the member may not work there.
        InvalidData: when the job does not have this stage.
    """
    cache, store = transaction.cache, transaction.store
    # Job and member as last seen, which saves two queries.  They may be out of date: whatever is
    # found is confirmed by what is locked, and that there is nothing is only said by what is stored
    # now.
    job = cache.job(store, request.job)
    member = cache.member(store, job.workspace, request.member)
    place = ClaimPlace(job, member, request.stage, transaction.at)
    work = Claim(transaction, describe(store, transaction, place))
    taken = work.take(request.count)
    if not taken and work.is_out_of_date(
        *read_job_and_member(transaction, request.job, request.member)
    ):
        taken = work.take(request.count)
    is_overtaken = not taken and work.is_confirmed
    if not taken and not is_overtaken:
        work.require_permission()
        work.require_acknowledged()
    return taken, is_overtaken


def read_job_and_member(
    transaction: Transaction, job: JobRef, member: MemberRef
) -> tuple[Job, Member]:
    """Return job and member of a claim as they are stored now."""
    current = transaction.cache.read_job(transaction.store, job)
    return current, transaction.cache.read_member(transaction.store, current.workspace, member)


def apply(transaction: Transaction, change: Change) -> Assignment:
    """Store what a rule decided and return the assignment that it leads to."""
    transaction.apply(change)
    return _get_result(transaction, change)


def _get_result(transaction: Transaction, change: Change) -> Assignment:
    """Return the assignment that a stored change leads to."""
    # What is new comes first: where one assignment takes the place of another, it leads to that.
    entities = [*change.add, *(after for _, after in change.save)]
    assignments = [entity for entity in entities if isinstance(entity, Assignment)]
    return transaction.as_stored(assignments[0])


class Claim:
    """A claim that runs, in one pass.

    Packages and assignments are locked as they are found.  With the first one, `_confirm` locks
    what comes after them and decides again by what is locked: who was removed or has reached the
    limit meanwhile gets nothing.
    """

    def __init__(
        self,
        transaction: Transaction,
        situation: Situation,
        terms: rules.Terms = rules.NO_TERMS,
        *,
        may_wait: bool = True,
    ) -> None:
        """Begin a claim of what *situation* is about.

        It waits for its first package only, and only if it *may_wait*: nothing is locked yet.
        """
        self._transaction = transaction
        self._situation = situation
        self._decided: Decision | None = None
        self._terms = terms
        self._ctx: Context = transaction.make_context(situation.job.workspace, situation.member.id)
        self._start = queue.find_start(transaction.store, self._place)
        self._counter: ClaimCounter | None = None
        """The member's counter, once it is locked; None where nothing is counted."""
        self._previous: ClaimCounter | None = None
        """The counter of the holder who loses an assignment, once it is locked."""
        self._earlier: Assignment | None = None
        """What the same claim, sent before, has been given meanwhile."""
        self._may_wait = may_wait
        self._has_package = False
        """Whether a package is locked."""
        self._is_confirmed = False

    @property
    def has_package(self) -> bool:
        """Whether it has locked a package."""
        return self._has_package

    @property
    def is_confirmed(self) -> bool:
        """Whether it has locked all that a claim locks: no other claim can follow it then."""
        return self._is_confirmed

    @property
    def _decision(self) -> Decision:
        """What the member may take by what is known now; decided when it is asked for."""
        if self._decided is None:
            self._decided = decide(self._situation)
        return self._decided

    @property
    def _place(self) -> ClaimPlace:
        """Who claims, where and when."""
        situation = self._situation
        return ClaimPlace(situation.job, situation.member, situation.stage, self._transaction.at)

    def require_permission(self) -> None:
        """Check that the policy lets the member work here, with code that is there.

        Raises:
            NotAllowed: when it does not.
            NotRegistered: when this process lacks the job's validator: no answer could be saved; or
                one of its merge functions: the last vote could not be submitted.
        """
        refusal = self._situation.policy_refusal
        if refusal is not None and not self._situation.crews:
            raise access.not_allowed(
                self._situation.member, Action.at(self._situation.stage), refusal
            )
        if self._decision.obstacle is not Obstacle.CODE:
            return
        if self._situation.missing_validator:
            self._transaction.registry.find_validator(self._situation.missing_validator)
        self._transaction.registry.find_merge(self._situation.missing_merge)

    def require_acknowledged(self) -> None:
        """Check that the member has read the newest guideline, where the stage asks for it.

        Raises:
            NotAcknowledged: when they have not.
        """
        if self._decision.obstacle is Obstacle.GUIDELINE:
            job = self._situation.job
            account = self._situation.member.account
            raise NotAcknowledged(account, job.name, job.guideline_version)

    def is_out_of_date(self, job: Job, member: Member) -> bool:
        """Return whether job or member differ from those of the decision; if so, decide again.

        What is locked is up to date.
        """
        if self._is_confirmed or not self._has_changed(job, member):
            return False
        place = evolve(self._place, job=job, member=member)
        self._decide_again(describe(self._transaction.store, self._transaction, place))
        return True

    def find_earlier(self) -> Assignment | None:
        """Return what the same claim was given before."""
        return queue.find_claimed(self._transaction.store, self._place, self._terms)

    def give_back_held(self, held: Assignment) -> Assignment | None:
        """Return what the member holds; None when its lease has lapsed and others are taking it."""
        has_lapsed = rules.has_lapsed(held, self._transaction.at)
        if not has_lapsed or Source.LAPSED not in self._decision.sources:
            return held
        renewed = self.take_one_lapsed(held)
        if renewed is not None and renewed.member == self._situation.member.id:
            return renewed
        return None

    def is_own(self, offer: Assignment) -> bool:
        """Return whether *offer* is the member's own, at the stage of the claim."""
        situation = self._situation
        is_here = offer.stage is situation.stage and self._decision.permits(offer)
        return is_here and offer.member == situation.member.id

    def accepts_open(self, offer: Assignment, package: Package) -> bool:
        """Return whether the member may have *offer*, a part of this *package*."""
        assignments = self._transaction.assignments(package)
        return self._decision.accepts_open(offer, assignments, package)

    def has_lapsed(self, assignment: Assignment) -> bool:
        """Return whether *assignment*, at the stage of the claim, has lapsed."""
        is_here = assignment.stage is self._situation.stage
        return is_here and rules.has_lapsed(assignment, self._transaction.at)

    def lock_package(self, package: Package) -> Package:
        """Lock a package, waiting for others who may be about to take another slot of it."""
        self._has_package = True
        return self._transaction.lock_package(package)

    def start(self, package: Package) -> Assignment | None:
        """Take a free slot of the locked *package*, if the member may have one."""
        if not self._can_start(package, self._transaction.assignments(package)):
            return None
        return self._start_work(package, None)

    def _can_start(self, package: Package, assignments: Sequence[Assignment]) -> bool:
        """Return whether the member may have a free slot of the locked *package*, by this stage."""
        is_free = package.stage is self._situation.stage and package.free > 0
        if not is_free or not self._decision.accepts_new(package, assignments):
            return False
        self._confirm()
        return self._decision.accepts_new(package, assignments)

    def take(self, count: int) -> list[Assignment]:
        """Take up to *count*: what is offered and what waits, or else one whose lease has lapsed.

        A lapsed one is only taken by itself: for the first package a claim may wait, for others it
        does not.
        """
        taken = self._take_offers(count)
        taken += self._take_open(count - len(taken))
        while len(taken) < count:
            assignment = self._take_from_queue()
            if assignment is None:
                break
            taken.append(assignment)
        if not taken and count > 0:
            assignment = self._wait_for_queue() or self._take_lapsed()
            if assignment is not None:
                taken.append(assignment)
        if taken:
            return taken
        earlier = self.find_sent_before()
        return [] if earlier is None else [earlier]

    def find_sent_before(self) -> Assignment | None:
        """Return what the same claim, sent at the same time, was given, where this one got nothing.

        What this claim would have got may have gone to that one: it is waited for.
        """
        if self._terms.token and not self._is_confirmed:
            self._counter = self._lock_counter()
            self._earlier = self.find_earlier()
        return self._earlier

    def _take_offers(self, count: int) -> list[Assignment]:
        """Take up to *count* of what is offered to the member."""
        store, situation = self._transaction.store, self._situation
        taken: list[Assignment] = []
        if _OFFERS not in self._decision.sources or count < 1:
            return taken
        offers = queue.find_offers(store, situation.job, situation.member, situation.stage)
        offers = [offer for offer in offers if self._decision.permits(offer)]
        if not offers:
            return taken
        # The first are waited for, in the order that everybody keeps; those behind them stand in
        # for what is gone.  All at once, since the counters come behind all packages.
        lock_assignments(self._transaction, (offer.key for offer in offers[:count]))
        self._has_package = True
        for offer in offers:  # the first ones are locked already: locking them again costs nothing
            if len(taken) == count or _OFFERS not in self._decision.sources:
                break
            assignment = self.take_own_offer(offer)
            if assignment is not None:
                taken.append(assignment)
        return taken

    def take_own_offer(self, offer: Assignment) -> Assignment | None:
        """Take what is offered to the member, unless it is gone or locked by others."""
        locked = self._lock_assignment(offer) if _OFFERS in self._decision.sources else None
        if locked is None or locked[1].state is not AssignmentState.OFFERED:
            return None  # others have it, or it was withdrawn meanwhile
        self._confirm()
        if _OFFERS not in self._decision.sources:
            return None
        return self._take_offer(locked[1])

    def _take_open(self, count: int) -> list[Assignment]:
        """Take up to *count* of the parts that are offered to whoever may have them."""
        taken: list[Assignment] = []
        if count < 1:
            return taken
        for offer in queue.find_open_offers(self._transaction.store, self._decision):
            if len(taken) == count:
                break
            assignment = self.take_open_offer(offer)
            if assignment is not None:
                taken.append(assignment)
        return taken

    def take_open_offer(self, offer: Assignment) -> Assignment | None:
        """Take a part that is offered to whoever may have it, unless others have locked it."""
        # Without waiting, as for the queue: what others have locked is as good as taken.
        locked = self._transaction.try_lock_assignment(offer)
        if locked is None:
            return None
        self._has_package = True
        package, current = locked
        if not self.accepts_open(current, package):
            return None  # others have another part of its package by now
        self._confirm()
        if not self.accepts_open(current, package):
            return None
        return self._take_offer(current)

    def _take_offer(self, offer: Assignment) -> Assignment:
        counters = self._count_one()
        change = rules.take_offer(
            self._situation.job, offer, self._ctx, terms=self._terms, counters=counters
        )
        return apply(self._transaction, change)

    def _take_from_queue(self) -> Assignment | None:
        if _QUEUE not in self._decision.sources:
            return None
        # Without waiting: a package that another claim has locked is as good as taken, and the next
        # one in the queue will do.  So claims of many members do not wait for each other here.
        package = self._lock_next_package()
        if package is None:
            return None
        return self._take_locked(package)

    def take_waiting(self, query: Query[Package]) -> Assignment | None:
        """Take the first package that *query* finds unlocked, all of which the member may have."""
        package = self._transaction.lock_first(query)
        if package is None:
            return None
        return self._take_locked(package)

    def _take_locked(self, package: Package) -> Assignment | None:
        """Take a *package* of the queue that is locked."""
        self._has_package = True
        # before `_confirm`, which locks the counter that has the cursor, if there is one to save
        cursor = self._choose_cursor(package)
        before = self._situation
        self._confirm(saves_cursor=cursor is not None)
        if _QUEUE not in self._decision.sources:
            return None
        now = self._situation
        has_changed = now.job is not before.job or now.member is not before.member
        if has_changed and self._has_changed_since(before, package):
            # The workflow, or what the member can do, was changed while the package was being
            # locked: it is looked for once more, by what is now.  Never a third time: what is
            # locked now cannot change.
            return self._take_from_queue()
        return self._start_work(package, cursor)

    def _has_changed_since(self, before: Situation, package: Package) -> bool:
        """Return whether a *package* that was found by what was *before* is the wrong one now."""
        situation = self._situation
        job, member, stage = situation.job, situation.member, situation.stage
        if requires_other_skill(before, situation):
            return True
        if job is before.job:
            return False
        assignments = self._transaction.assignments(package)
        return is_own_work(job, package, member, stage, assignments)

    def _wait_for_queue(self) -> Assignment | None:
        """Take one of the packages that others have locked, if there is a free slot left.

        With several votes a claim leaves some, and who gives a priority to packages leaves all.
        """
        # who has locked a package waits for no other one
        if self._has_package or _QUEUE not in self._decision.sources:
            return None
        for waiting in queue.find_waiting(self._transaction.store, self._decision, self._start):
            taken = self.wait_for(waiting)
            if taken is not None or self._is_confirmed:
                return taken  # counters may be locked, which come behind all packages
        return None

    def wait_for(self, waiting: Package) -> Assignment | None:
        """Take a package once those who have locked it are done, if there is a free slot left."""
        return self.start(self.lock_package(waiting))

    def _start_work(self, package: Package, cursor: QueueCursor | None) -> Assignment:
        """Give the member a free slot of the locked *package*."""
        situation = self._situation
        slot = rules.Slot(situation.job, package, situation.stage, situation.member)
        terms = self._note_total(package)
        counters = self._count_one(cursor, total=int(terms.counted))
        return self._apply_new(
            lambda new_id: rules.start(slot, self._ctx, id=new_id, terms=terms, counters=counters)
        )

    def _note_total(self, package: Package) -> rules.Terms:
        """Return the terms of a claim of *package* that is new work for the member."""
        situation = self._situation
        # whether the member had it before is only read where the total is limited
        if situation.job.workflow.rule(situation.stage).max_total is None:
            return self._terms
        assignments = self._transaction.assignments(package)
        is_first = rules.is_first_claim(situation.member, situation.stage, assignments)
        return attrs.evolve(self._terms, counted=is_first)

    def _take_lapsed(self) -> Assignment | None:
        if Source.LAPSED not in self._decision.sources:
            return None
        # read without locks; each is checked again once it is locked
        for lapsed in queue.iter_lapsed(self._transaction.store, self._place):
            taken = self.take_one_lapsed(lapsed)
            if taken is not None:
                return taken
        return None

    def take_one_lapsed(self, lapsed: Assignment) -> Assignment | None:
        """Take an assignment whose lease has lapsed, if the member may have it."""
        locked = self._lock_assignment(lapsed)
        if locked is None:
            return None  # somebody else is about to take it or to go on with it
        package, current = locked
        assignments = self._transaction.assignments(package)
        if not rules.has_lapsed(current, self._transaction.at):
            return None  # its holder has gone on with it meanwhile
        if not self._decision.accepts_lapsed(current, package, assignments):
            return None
        if self._is_confirmed and current.member != self._situation.member.id:
            return None  # its holder's counter would be locked behind job and member, out of order
        self._confirm(instead_of=current)
        if not self._decision.accepts_lapsed(current, package, assignments):
            return None
        return self._take_over(package, current)

    def _take_over(self, package: Package, lapsed: Assignment) -> Assignment:
        job, member = self._situation.job, self._situation.member
        if lapsed.member == member.id:
            # no counter: it has counted all the time
            return apply(self._transaction, rules.resume(job, lapsed, self._ctx, terms=self._terms))
        terms = self._note_total(package)
        counters = self._count_one(total=int(terms.counted))
        if self._previous is not None:
            counters = (*counters, move_counter(self._previous, -1))
        slot = rules.Slot(job, package, lapsed.stage, member)
        return self._apply_new(
            lambda new_id: rules.take_over(
                slot, lapsed, self._ctx, id=new_id, terms=terms, counters=counters
            )
        )

    def _lock_assignment(self, assignment: Assignment) -> tuple[Package, Assignment] | None:
        """Lock an assignment and its package, and return both as they are now.

        A claim waits for its first package only.  Later it takes what is free, since two claims
        that wait for each other's packages would never end: None when others have it.
        """
        if self._has_package or not self._may_wait:
            locked = self._transaction.try_lock_assignment(assignment)
            self._has_package = self._has_package or locked is not None
            return locked
        self._has_package = True
        return self._transaction.lock_assignment(assignment)

    def _lock_next_package(self) -> Package | None:
        """Lock the next package of the queue that nobody else has locked."""
        situation = self._situation
        if situation.job.workflow.rule(situation.stage).requires is not None:
            return self._lock_package_by_skill()
        for query in queue.query_allowed_package(
            self._transaction.store,
            situation.job,
            situation.member,
            situation.stage,
            self._start,
        ):
            package = self._transaction.lock_first(query)
            if package is not None:
                return package
        return None

    def _lock_package_by_skill(self) -> Package | None:
        """Lock the same, where the queue has a lane for each skill."""
        heads = [lanes.Head(self._place)]
        best = lanes.iterate_best(self._transaction.store, heads, lambda _: self._decision)
        packages = (self._transaction.lock_first(query) for _, query in best)
        return next((package for package in packages if package is not None), None)

    def _choose_cursor(self, package: Package) -> QueueCursor | None:
        """Return where the member's next scan should begin, or None if that is not worth saving.

        The cursor is in the row of the counter.  Once job and member are locked it is too late to
        lock that one, so a claim of many saves no cursor then; the next claim does.
        """
        job, stage = self._situation.job, self._situation.stage
        if not self._start.is_kept or (self._is_confirmed and self._counter is None):
            return None
        cursor = rules.cursor_at(package)
        if not rules.is_worth_saving(self._start.cursor, cursor) or package == first(
            self._transaction.store, queue.query_waiting(job, stage)
        ):
            return None
        return cursor

    def _confirm(self, *, instead_of: Assignment | None = None, saves_cursor: bool = False) -> None:
        """Lock what comes after packages and assignments, and decide again by what is locked.

        Once for each claim: nobody changes any of it until the transaction ends.  Nothing is given
        to somebody who was removed meanwhile, at a job that has ended, or beyond the limit.
        Only for what may be taken by what is known: so who takes nothing then was overtaken.
        """
        if self._is_confirmed:
            return
        self._is_confirmed = True
        situation = self._situation
        # The counter comes before job and member.  It is locked only where something is read from
        # it or stored in it: all claims of a member at this stage queue up at its row.  With a
        # token that is the purpose: the second of two equal claims finds what the first was given.
        job, stage = situation.job, situation.stage
        if has_limits(job, stage) or self._terms.token or saves_cursor:
            counts_held = job.workflow.rule(stage).limit is not None
            self._lock_counters(instead_of if counts_held else None)
        if self._terms.token:
            # the same claim, sent twice at once: the other one may have been first
            self._earlier = self.find_earlier()
        job, member = self._transaction.lock_job_and_member(situation.job.id, situation.member.id)
        # Nearly always as expected.  Where not, the job is kept as it is now, so that the next
        # claim does not search by the old one again.
        if self._has_changed(job, member):
            self._transaction.cache.note_job(job)
            place = evolve(self._place, job=job, member=member)
            situation = describe(self._transaction.store, self._transaction, place)
        if self._counter is not None:
            situation = attrs.evolve(
                situation, active=self._counter.active, total=self._counter.total
            )
        if situation is not self._situation:
            self._decide_again(situation)

    def _has_changed(self, job: Job, member: Member) -> bool:
        """Return whether job or member have changed in anything that the decision depends on."""
        known = self._situation
        # Most of the time both are the very same objects, as a store decodes a version only once;
        # to compare all their fields takes longer.
        if member is not known.member and member != known.member:
            return True
        if job is known.job:
            return False
        return job.id != known.job.id or get_decision_inputs(job) != get_decision_inputs(known.job)

    def _lock_counters(self, instead_of: Assignment | None) -> None:
        """Lock the member's counter, and that of the holder who is replaced, in key order."""
        own = self._situation.member.id
        holder: int | None = None
        if instead_of is not None and instead_of.state is AssignmentState.HELD:
            holder = instead_of.member  # an offer does not count
        # Whose key is lower is locked first: two members who take over from each other at the same
        # time would else wait for each other.
        if holder is not None and holder < own:
            self._previous = self._transaction.lock(ClaimCounter, self._counter_key(holder))
        self._counter = self._lock_counter()
        if holder is not None and holder > own:
            self._previous = self._transaction.lock(ClaimCounter, self._counter_key(holder))

    def _lock_counter(self) -> ClaimCounter:
        """Lock the member's counter, or create it.  Claims of one member queue up here."""
        situation = self._situation
        counter = ClaimCounter(
            job=situation.job.id, stage=situation.stage, member=situation.member.id
        )
        return self._transaction.lock(ClaimCounter, counter.key, create=counter)

    def _counter_key(self, member: int) -> tuple[int, str, int]:
        return (self._situation.job.id, self._situation.stage.value, member)

    def _count_one(self, cursor: QueueCursor | None = None, *, total: int = 0) -> tuple[Saved, ...]:
        """Return the member's counter with one more assignment, if there is anything to save."""
        situation = self._situation
        is_counted = situation.job.workflow.rule(situation.stage).limit is not None
        if self._counter is None or not (is_counted or cursor or total):
            return ()
        # with its version in the store: an assignment taken before in this claim may have saved it
        counter = self._transaction.as_stored(self._counter)
        after = add_to_counter(counter, int(is_counted), cursor, total=total)
        self._counter = after
        if cursor is not None:
            self._start = queue.QueueStart(cursor=cursor, is_kept=True)
        self._decide_again(evolve(situation, active=after.active, total=after.total))
        return ((counter, after),)

    def _decide_again(self, situation: Situation) -> None:
        self._situation = situation
        self._decided = None
        if self._earlier is not None:
            # the same claim has been given something meanwhile: nothing more is taken
            self._decided = Decision(situation=situation)

    def _apply_new(self, make: Callable[[int], Change]) -> Assignment:
        """Store a change that adds an assignment under a new id, and return that."""
        change = self._transaction.apply_new(Assignment, make)
        return _get_result(self._transaction, change)
