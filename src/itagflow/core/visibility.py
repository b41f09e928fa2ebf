"""What a member may read: decided again for each page, in the transaction that reads it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any

import attrs

from itagflow import access
from itagflow.access import Action, Policy
from itagflow.core import lookup, secrecy
from itagflow.core.blinding import (
    NOTHING_HIDDEN,
    Blinding,
    Reviewer,
    hide_from,
    list_blind_stages,
)
from itagflow.core.engine import Engine
from itagflow.core.lookup import (
    EVERYTHING,
    MemberRef,
    Page,
    PartitionRef,
    T,
    get_or_none,
    iterate_pages,
)
from itagflow.errors import InvalidData, Problem
from itagflow.model.entity import E
from itagflow.model.event import ASKED_AGAIN, Event
from itagflow.model.job import Job
from itagflow.model.package import Assignment, AssignmentState, Package
from itagflow.model.workspace import Member
from itagflow.storage.port import Query, Reader, Store


@attrs.frozen
class Access:
    """The reader of a transaction, and what they may see."""

    reader: Reader
    """The transaction."""
    policy: Policy
    """Says who may do what."""
    member: Member | None
    """The member who reads; None: the application itself, which sees everything."""
    hides_votes: bool = False
    """Whether votes on packages that are still voted on are left out, whoever reads."""

    def is_own(self, member: int | None) -> bool:
        """Return whether it is the member with this key who reads."""
        return self.member is not None and self.member.id == member

    def can_see(self, name: str, job: Job | None, *, own: bool = False) -> bool:
        """Return whether the reader called *name* may see this of *job*, or of the workspace."""
        return (
            self.member is None
            or access.reading_refusal(self.policy, self.member, name, job, own=own) is None
        )

    def require(self, name: str, job: Job | None, *, own: bool = False) -> None:
        """Check the same.

        Raises:
            NotAllowed: when it may not be seen.
        """
        if self.member is not None:
            access.check_reading(self.policy, self.member, name, job, own=own)

    def can_see_work_of(self, members: Iterable[int | None]) -> bool:
        """Return whether the reader, who may see the work of others, may see that of *members*.

        One whose work they may see is enough, and so is that nobody has done anything.
        """
        return self._find_hidden(members) is None

    def require_work_of(self, members: Iterable[int | None]) -> None:
        """Check the same.

        Raises:
            NotAllowed: when it may not be seen.
        """
        reason = self._find_hidden(members)
        if reason is not None and self.member is not None:
            raise access.not_allowed(self.member, Action.READ_RESULTS, reason)

    def _find_hidden(self, members: Iterable[int | None]) -> str | None:
        """Return why the work of all of *members* may not be seen, or None."""
        # most policies make no difference between people: then nobody is read
        if self.member is None or not hasattr(self.policy, "refuses_about"):
            return None
        reason = None
        for id in {id for id in members if id}:
            other = self.reader.get(Member, (id,))
            reason = access.refusal_about(self.policy, self.member, Action.READ_RESULTS, other)
            if reason is None:
                return None
        return reason

    def own_packages(self, job: Job, numbers: Iterable[int]) -> set[int]:
        """Return those of these packages on which the member has or completed an assignment."""
        if self.member is None:
            return set()
        assignments = self.reader.find(_assignments_of(self.member, job, numbers))
        return {
            assignment.package
            for assignment in assignments
            if assignment.state is not AssignmentState.RETURNED
        }

    def without_secrets(
        self, job: Job, packages: Iterable[Package], assignments: Sequence[Assignment]
    ) -> Sequence[Assignment]:
        """Return *assignments* on these packages without votes that are secret from the reader.

        A vote is secret until all are merged: who could read it might vote the same.
        """
        rounds = self._secret_rounds(job, packages)
        if not rounds:
            return assignments
        return [
            assignment
            for assignment in assignments
            if self.is_own(assignment.member) or not _is_secret(assignment, rounds)
        ]

    def read_public(self, job: Job, assignments: Sequence[Assignment]) -> Sequence[Assignment]:
        """Return *assignments* of *job* without what tells of secret votes."""
        numbers = {assignment.package for assignment in assignments}
        return self.without_secrets(job, self._packages(job, numbers), assignments)

    def has_secret_votes(self, job: Job, package: Package) -> bool:
        """Return whether the votes on *package* are secret from the reader."""
        return bool(self._secret_rounds(job, [package]))

    def find_hidden(
        self, job: Job, packages: Iterable[Package], assignments: Sequence[Assignment]
    ) -> Blinding:
        """Return which labelers are hidden from the reader, of all *assignments* on *packages*."""
        if self.member is None:
            return NOTHING_HIDDEN
        reviewer = Reviewer(policy=self.policy, member=self.member)
        return hide_from(reviewer, job, packages, assignments)

    def read_hidden(self, job: Job, numbers: Collection[int]) -> Blinding:
        """Return the same of the packages with these *numbers*, reading what it depends on."""
        if self.member is None or not numbers or not list_blind_stages(job):
            return NOTHING_HIDDEN
        where: dict[str, Any] = {"job": job.id, "package": tuple(numbers)}
        packages = self.reader.find(Query(Package, {"job": job.id, "number": tuple(numbers)}))
        return self.find_hidden(job, packages, list(self.reader.find(Query(Assignment, where))))

    def visible_assignments(self, name: str, assignments: Sequence[Assignment]) -> list[Assignment]:
        """Return those of these assignments, of any jobs, that may be seen, in the same order."""
        if self.member is None:
            return list(assignments)
        # what may be seen depends on the job, so its rules are asked once per job
        visible: dict[Any, Assignment] = {}
        for id in {assignment.job for assignment in assignments}:
            job = self.reader.get(Job, (id,))
            allowed = [
                assignment
                for assignment in assignments
                if assignment.job == id
                and self.can_see(name, job, own=self.is_own(assignment.member))
                and self.can_see_work_of([assignment.member])
            ]
            hidden = self.read_hidden(job, {assignment.package for assignment in allowed})
            public = self.read_public(job, allowed)
            visible |= {each.key: hidden.hide_in_assignment(each) for each in public}
        return [visible[each.key] for each in assignments if each.key in visible]

    def visible_events(self, name: str, events: Sequence[Event]) -> list[Event]:
        """Return those of these events, of any jobs of a workspace, that may be seen, in order."""
        if self.member is None:
            return list(events)
        visible: dict[int, Event] = {}
        for id in {event.job for event in events}:
            job = get_or_none(self.reader, Job, (id,)) if id else None  # it may have been deleted
            allowed = [
                event
                for event in events
                if event.job == id
                and self.can_see(name, job, own=self.is_own(event.member))
                and self.can_see_work_of([event.member])
            ]
            secret: set[int] = set()
            if job is not None:
                secret = self._secret_assignments(job, allowed)
            # the events of a secret vote are left out whole: their mere number would tell that it
            # was given, and their data what it says
            public = [event for event in allowed if not _is_about_secret(event, secret)]
            if job is not None:
                public = [_hide_changes(event, secret) for event in public]
                public = self._hide_counts(job, public)
                public = self._hide_in_events(job, public)
            visible |= {event.position: event for event in public}
        return [visible[event.position] for event in events if event.position in visible]

    def _hide_counts(self, job: Job, events: list[Event]) -> list[Event]:
        """Return *events* without how secret votes stand; who gave the last one sees its event."""
        telling = {event.package for event in events if ASKED_AGAIN in event.data}
        rounds = self._secret_rounds(job, self._packages(job, telling))
        if not rounds:
            return events
        return [_without_counts(event) if event.package in rounds else event for event in events]

    def _hide_in_events(self, job: Job, events: list[Event]) -> list[Event]:
        """Return *events* of *job* without the labelers who are hidden from the reader."""
        hidden = self.read_hidden(job, {event.package for event in events if event.package})
        keys = {key for names in hidden.names.values() for key in names}
        if not keys:
            return events
        members = self.reader.find(Query(Member, {"id": tuple(keys)}))
        accounts = {member.account: member.id for member in members}
        return [hidden.hide_in_event(event, accounts) for event in events]

    def _secret_assignments(self, job: Job, events: Sequence[Event]) -> set[int]:
        """Return the assignments of *events* that are votes and secret from the reader."""
        # also those that an event about something else has made, such as a reject: its offers
        named = {key for event in events for key in _list_changed_assignments(event)}
        ids = tuple(named.union(event.assignment for event in events if event.assignment))
        if job.workflow.label.votes == 1 or not ids:
            return set()
        assignments = list(self.reader.find(Query(Assignment, {"job": job.id, "id": ids})))
        packages = self._packages(job, {assignment.package for assignment in assignments})
        public = self.without_secrets(job, packages, assignments)
        return {each.id for each in assignments} - {each.id for each in public}

    def _packages(self, job: Job, numbers: Collection[int]) -> list[Package]:
        """Return these packages where they may have secrets: a job with one vote has none."""
        if job.workflow.label.votes == 1 or not numbers:
            return []
        return list(self.reader.find(Query(Package, {"job": job.id, "number": tuple(numbers)})))

    def _secret_rounds(self, job: Job, packages: Iterable[Package]) -> Mapping[int, int]:
        """Return the rounds whose votes are secret from the reader, by package number."""
        if self.member is None and not self.hides_votes:
            return {}
        rounds = {
            package.number: package.round
            for package in packages
            if secrecy.are_votes_open(job, package)
        }
        if self.member is None:
            return rounds
        if not rounds or secrecy.may_see_votes(self.policy, self.member, job, has_voted=False):
            return {}
        if not secrecy.may_see_votes(self.policy, self.member, job, has_voted=True):
            return rounds
        # who reads results and votes, too, sees the votes of others once their own is given: it
        # cannot be changed by then
        own = self.reader.find(_assignments_of(self.member, job, rounds))
        voted = {
            assignment.package
            for assignment in own
            if secrecy.is_given(assignment, rounds[assignment.package])
        }
        return {number: round for number, round in rounds.items() if number not in voted}


def access_of(reader: Reader, policy: Policy, workspace: int, by: MemberRef | None) -> Access:
    """Return what the member *by* of a workspace, or without one the application itself, may read.

    Raises:
        NotFound: when the workspace has no such member.
        NotAllowed: when the member was removed.
    """
    if by is None:
        return Access(reader, policy, None)
    member = lookup.member(reader, workspace, by)
    if not member.active:
        raise access.not_allowed(member, Action.READ_JOB, access.REMOVED)
    return Access(reader, policy, member)


def require_readable(
    engine: Engine,
    reader: Reader,
    name: str,
    job: PartitionRef,
    by: MemberRef | None,
    *,
    own: bool = False,
) -> tuple[Job, Access]:
    """Return the job and what *by* may read there, if they may call the operation *name*.

    Raises:
        NotFound: when there is no such job, or the member is not of its workspace.
        NotAllowed: when *by* may not call it, or was removed.
    """
    stored_job = lookup.job(reader, job)
    access = access_of(reader, engine.policy, stored_job.workspace, by)
    access.require(name, stored_job, own=own)
    return stored_job, access


def list_visible(
    store: Store,
    query: Query[E],
    visible: Callable[[Reader, list[E]], list[E]],
    page: Page = EVERYTHING,
) -> Iterator[E]:
    """Yield what is *visible* of every match in order, a page per read transaction.

    Of *page* only the limit counts; *query* begins behind its last entity already.

    It is decided again for each page: whoever is removed in between reads nothing more.
    """

    def read_page(reader: Reader, query: Query[E]) -> tuple[list[E], Query[E] | None]:
        matches, following = lookup.read_page(reader, query)
        return visible(reader, matches), following

    return page.cut(iterate_pages(store, read_page, attrs.evolve(query, limit=page.size)))


def check_each(store: Store, items: Iterable[T], check: Callable[[Reader], object]) -> Iterator[T]:
    """Yield *items*; before each, *check* in a new transaction raises if it is not visible."""
    for item in items:
        # no transaction stays open while the caller works on an item
        with store.read() as reader:
            check(reader)
        yield item


def must_name_workspace(what: str, by: MemberRef | None) -> None:
    """Check that nobody reads by a member what is of all workspaces.

    Raises:
        InvalidData: when *by* is given.
    """
    if by is not None:
        reason = (
            "must be named with by=: a member sees one workspace, "
            "and everything only the application itself"
        )
        raise InvalidData(what, [Problem("workspace", reason)])


def _assignments_of(member: Member, job: Job, packages: Iterable[int]) -> Query[Assignment]:
    return Query(Assignment, {"job": job.id, "package": tuple(packages), "member": member.id})


def _list_changed_assignments(event: Event) -> list[int]:
    """Return the keys of the assignments that an event has made or changed."""
    return [int(change.key[-1]) for change in event.changes if change.kind == "assignment"]


def _is_about_secret(event: Event, secret: set[int]) -> bool:
    """Return whether an event is about one of the *secret* assignments, or says who got it."""
    if event.assignment in secret:
        return True
    # an open offer is no secret, but to whom somebody gave it is
    return "to" in event.data and not secret.isdisjoint(_list_changed_assignments(event))


def _without_counts(event: Event) -> Event:
    if ASKED_AGAIN not in event.data:
        return event
    data = {name: value for name, value in event.data.items() if name != ASKED_AGAIN}
    return attrs.evolve(event, data=data)


def _hide_changes(event: Event, secret: set[int]) -> Event:
    """Return *event* without what it says of the assignments that are secret."""
    if secret.isdisjoint(_list_changed_assignments(event)):
        return event
    changes = tuple(
        change
        for change in event.changes
        if change.kind != "assignment" or change.key[-1] not in secret
    )
    return attrs.evolve(event, changes=changes)


def _is_secret(assignment: Assignment, rounds: Mapping[int, int]) -> bool:
    return assignment.package in rounds and secrecy.is_vote(assignment, rounds[assignment.package])
