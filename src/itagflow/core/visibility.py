"""What somebody may read: decided again for each page, in the transaction that reads it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any

import attrs

from itagflow import access
from itagflow.access import Action, Policy
from itagflow.core import lookup, secrecy
from itagflow.core.lookup import (
    MemberRef,
    T,
    get_or_none,
    iterate_pages,
)
from itagflow.errors import InvalidData, Problem
from itagflow.model.entity import E
from itagflow.model.event import Event
from itagflow.model.job import Job
from itagflow.model.package import Assignment, AssignmentState, Package
from itagflow.model.workspace import Member
from itagflow.storage.port import Query, Reader, Store


@attrs.frozen
class Access:
    """Who reads in a transaction, and what they may see."""

    reader: Reader
    """The transaction."""
    policy: Policy
    """Says who may do what."""
    who: Member | None
    """The member who reads; None: the application itself, which sees everything."""
    hides_votes: bool = False
    """Whether votes on packages that are still voted on are left out, whoever reads."""

    def is_own(self, member: int | None) -> bool:
        """Return whether it is the member with this key who reads."""
        return self.who is not None and self.who.id == member

    def may(self, name: str, job: Job | None, *, own: bool = False) -> bool:
        """Return whether the reader called *name* may see this of *job*, or of the workspace."""
        return (
            self.who is None
            or access.reading_refusal(self.policy, self.who, name, job, own=own) is None
        )

    def must(self, name: str, job: Job | None, *, own: bool = False) -> None:
        """Check the same.

        Raises:
            NotAllowed: when it may not be seen.
        """
        if self.who is not None:
            access.check_reading(self.policy, self.who, name, job, own=own)

    def own_packages(self, job: Job, numbers: Iterable[int]) -> set[int]:
        """Return those of these packages on which the member has or completed an assignment."""
        if self.who is None:
            return set()
        found = self.reader.find(_assignments_of(self.who, job, numbers))
        return {
            assignment.package
            for assignment in found
            if assignment.state is not AssignmentState.RETURNED
        }

    def without_secrets(
        self, job: Job, packages: Iterable[Package], assignments: Sequence[Assignment]
    ) -> Sequence[Assignment]:
        """Return *assignments* on these packages without votes that are secret from the reader."""
        rounds = self._secret_rounds(job, packages)
        if not rounds:
            return assignments
        return [
            assignment
            for assignment in assignments
            if self.is_own(assignment.member) or not _is_secret(assignment, rounds)
        ]

    def visible_assignments(self, name: str, found: Sequence[Assignment]) -> list[Assignment]:
        """Return those of these assignments, of any jobs, that may be seen, in the same order."""
        if self.who is None:
            return list(found)
        seen = set[Any]()
        for id in {assignment.job for assignment in found}:
            job = self.reader.get(Job, (id,))
            here = [
                assignment
                for assignment in found
                if assignment.job == id and self.may(name, job, own=self.is_own(assignment.member))
            ]
            packages = self._packages(job, {assignment.package for assignment in here})
            seen |= {assignment.key for assignment in self.without_secrets(job, packages, here)}
        return [assignment for assignment in found if assignment.key in seen]

    def visible_events(self, name: str, found: Sequence[Event]) -> list[Event]:
        """Return those of these events, of any jobs of a workspace, that may be seen, in order."""
        if self.who is None:
            return list(found)
        seen = set[int]()
        for id in {event.job for event in found}:
            job = get_or_none(self.reader, Job, (id,)) if id else None
            here = [event for event in found if event.job == id]
            here = [event for event in here if self.may(name, job, own=self.is_own(event.member))]
            secret = self._secret_assignments(job, here) if job else set[int]()
            seen |= {event.position for event in here if event.assignment not in secret}
        return [event for event in found if event.position in seen]

    def _secret_assignments(self, job: Job, events: Sequence[Event]) -> set[int]:
        """Return the assignments of *events* that are votes and secret from the reader."""
        if job.workflow.label.votes == 1:
            return set()
        ids = tuple({event.assignment for event in events if event.assignment})
        assignments = (
            list(self.reader.find(Query(Assignment, {"job": job.id, "id": ids}))) if ids else []
        )
        packages = self._packages(job, {assignment.package for assignment in assignments})
        return {assignment.id for assignment in assignments} - {
            assignment.id for assignment in self.without_secrets(job, packages, assignments)
        }

    def _packages(self, job: Job, numbers: Collection[int]) -> list[Package]:
        if job.workflow.label.votes == 1 or not numbers:
            return []
        return list(self.reader.find(Query(Package, {"job": job.id, "number": tuple(numbers)})))

    def _secret_rounds(self, job: Job, packages: Iterable[Package]) -> Mapping[int, int]:
        """Return the rounds whose votes are secret from the reader, by package number."""
        if self.who is None and not self.hides_votes:
            return {}
        rounds = {
            package.number: package.round
            for package in packages
            if secrecy.are_votes_open(job, package)
        }
        if self.who is None:
            return rounds
        if not rounds or secrecy.may_see_votes(self.policy, self.who, job, has_voted=False):
            return {}
        if not secrecy.may_see_votes(self.policy, self.who, job, has_voted=True):
            return rounds
        mine = self.reader.find(_assignments_of(self.who, job, rounds))
        voted = {
            assignment.package
            for assignment in mine
            if secrecy.is_given(assignment, rounds[assignment.package])
        }
        return {number: round for number, round in rounds.items() if number not in voted}


def access_of(reader: Reader, policy: Policy, workspace: int, by: MemberRef | None) -> Access:
    """Return what the member *by* of a workspace, or without one the application itself, may read.

    Raises:
        NotFound: when the workspace has no such member.
        NotAllowed: when the member was removed.
    """
    who = None if by is None else lookup.member(reader, workspace, by)
    if who is not None and not who.active:
        raise access.not_allowed(who, Action.READ_JOB, access.REMOVED)
    return Access(reader, policy, who)


def listed(
    store: Store, query: Query[E], visible: Callable[[Reader, list[E]], list[E]]
) -> Iterator[E]:
    """Yield what is *visible* of every match in order, a page per read transaction."""

    def page(reader: Reader, query: Query[E]) -> tuple[list[E], Query[E] | None]:
        found, mark = lookup.read_page(reader, query)
        return visible(reader, found), mark

    return iterate_pages(store, page, attrs.evolve(query, limit=lookup.PAGE))


def asked_again(store: Store, items: Iterable[T], ask: Callable[[Reader], object]) -> Iterator[T]:
    """Yield *items*; before each, *ask* in a new transaction raises if it is not visible."""
    for item in items:
        with store.read() as reader:
            ask(reader)
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


def _is_secret(assignment: Assignment, rounds: Mapping[int, int]) -> bool:
    return assignment.package in rounds and secrecy.is_vote(assignment, rounds[assignment.package])
