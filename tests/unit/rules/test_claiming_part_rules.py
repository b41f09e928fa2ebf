"""Work on a part of a package: who may have it, and what it is when nobody has it."""

from __future__ import annotations

from typing import Any

import attrs
import pytest

from itagflow import (
    AssignmentState,
    Inspect,
    InvalidData,
    Label,
    NotAllowed,
    PackageState,
    Stage,
    Workflow,
)
from itagflow.claiming import part_rules as rules
from itagflow.claiming.part_rules import ExtraVotes, PackagePart
from itagflow.model import Outcome, Purpose
from itagflow.model.change import Context
from itagflow.testing.builders import (
    AT,
    make_answer,
    make_assignment,
    make_job,
    make_member,
    make_package,
)

CTX = Context(AT, 1, 2)
BEN = make_member(id=2, account="ben")
ONE = make_job(workflow=Workflow(Label()))
VOTES = make_job(workflow=Workflow(Label(votes=2), Inspect()))
REST = make_assignment(9, member=None, state=AssignmentState.OFFERED, scope=(2,))
REST = attrs.evolve(REST, purpose=Purpose.REST)
ESCALATION = attrs.evolve(REST, purpose=Purpose.ESCALATION)
DONE: dict[str, Any] = {
    "state": AssignmentState.DONE,
    "outcome": Outcome.SUBMITTED,
    "ended_at": AT,
}
RETURNED: dict[str, Any] = {"state": AssignmentState.RETURNED, "outcome": Outcome.RELEASED}


def test_an_open_offer_has_no_member_and_no_lease() -> None:
    package = make_package(round=3)
    offer = rules.make_open_offer(PackagePart(package, Purpose.REST, (2,)), CTX, id=9)
    assert (offer.is_open_offer, offer.live, offer.lease_until) == (True, True, None)
    assert (offer.id, offer.stage, offer.round, offer.scope) == (9, Stage.LABEL, 3, (2,))
    with pytest.raises(ValueError, match="has ended"):
        rules.make_open_offer(
            PackagePart(attrs.evolve(package, state=PackageState.DONE), Purpose.REST, (2,)),
            CTX,
            id=9,
        )


def test_what_is_given_back_is_offered_again_as_it_was() -> None:
    held = attrs.evolve(ESCALATION, member=2, state=AssignmentState.HELD)
    again = rules.offer_again(make_package(), held, CTX, id=10)
    assert (again.id, again.member) == (10, None)
    assert (again.purpose, again.scope) == (Purpose.ESCALATION, (2,))


@pytest.mark.parametrize(
    ("job", "own", "conflicts"),
    [
        (ONE, make_assignment(scope=(1,), **DONE), False),
        (ONE, make_assignment(scope=(1, 2), **DONE), True),
        (ONE, make_assignment(**DONE), True),
        (ONE, make_assignment(**RETURNED), False),
        (ONE, make_assignment(round=2), False),
        (ONE, make_assignment(member=3), False),
        (VOTES, make_assignment(scope=(1,), **DONE), True),
        (VOTES, make_assignment(scope=(1,), **RETURNED), False),
    ],
    ids=[
        "another part",
        "the same task",
        "the whole package",
        "given back",
        "another round",
        "another member",
        "with votes",
        "with votes, given back",
    ],
)
def test_nobody_works_twice_on_a_task_in_a_round(job: Any, own: Any, conflicts: bool) -> None:
    assert rules.has_conflict(job, REST, BEN, [own, REST]) is conflicts
    if conflicts:
        with pytest.raises(NotAllowed):
            rules.must_have_no_conflict(job, REST, BEN, [own, REST])
    else:
        rules.must_have_no_conflict(job, REST, BEN, [own, REST])


def test_who_saw_votes_gives_none_but_may_decide() -> None:
    seen = attrs.evolve(make_assignment(**RETURNED), purpose=Purpose.ESCALATION)
    assert rules.has_seen_votes(VOTES, BEN, 1, [seen])
    assert not rules.has_seen_votes(VOTES, BEN, 2, [seen])
    assert not rules.has_seen_votes(ONE, BEN, 1, [seen]), "there are no votes"
    extra = attrs.evolve(REST, purpose=Purpose.EXTRA_VOTE)
    assert rules.has_conflict(VOTES, extra, BEN, [seen])
    assert not rules.has_conflict(VOTES, ESCALATION, BEN, [seen])


def test_escalated_tasks_are_those_of_the_round_that_somebody_still_has() -> None:
    live = attrs.evolve(ESCALATION, scope=(2, 3))
    gone = attrs.evolve(ESCALATION, scope=(4,), **RETURNED)
    before = attrs.evolve(ESCALATION, scope=(5,), round=2)
    assert rules.find_escalated([live, gone, before, REST], 1) == {2, 3}


def test_voters_have_given_a_vote_and_no_decision() -> None:
    voted = make_assignment(3, **DONE)
    extra = attrs.evolve(REST, id=5, purpose=Purpose.EXTRA_VOTE, **DONE)
    decided = attrs.evolve(ESCALATION, id=6, **DONE)
    merged = attrs.evolve(voted, id=7, outcome=Outcome.MERGED)
    assert rules.find_voters([voted, make_assignment(4), extra, decided, merged], 1) == [3, 5]
    assert rules.find_voters([voted], 2) == []


def test_who_hands_a_task_on_gives_no_vote() -> None:
    vote, handed = make_answer(), make_answer(assignment=6, escalation_reason="")
    assert rules.select_votes([vote, handed]) == [vote]
    assert rules.select_votes([handed]) == [handed]


@pytest.mark.parametrize(
    ("free", "other", "are_in"),
    [
        (0, make_assignment(6, **DONE), True),
        (1, make_assignment(6, **DONE), False),
        (0, make_assignment(6), False),
        (0, attrs.evolve(REST, purpose=Purpose.EXTRA_VOTE), False),
        (0, ESCALATION, True),
    ],
    ids=["in", "a slot is free", "another vote is held", "one more was asked for", "an expert"],
)
def test_the_last_vote(free: int, other: Any, are_in: bool) -> None:
    own = make_assignment()
    assert rules.are_votes_in(make_package(free=free), [own, other], own.id) is are_in


def test_votes_are_merged_once_in_a_round() -> None:
    merged = make_assignment(**{**DONE, "outcome": Outcome.MERGED})
    assert rules.are_votes_merged(make_package(), [make_assignment(3, **DONE), merged])
    assert not rules.are_votes_merged(make_package(), [make_assignment(3, **DONE)])
    assert not rules.are_votes_merged(make_package(round=2), [merged])


class TestAskAgain:
    def asked(self, **fields: Any) -> ExtraVotes:
        given: dict[str, Any] = {
            "job": VOTES,
            "package": make_package(votes=2),
            "tasks": (1,),
            "assignments": [],
            "voters": 3,
        }
        return ExtraVotes(**{**given, **fields})

    def test_each_is_an_open_offer_of_one_event(self) -> None:
        change = rules.ask_again(self.asked(voters=4), CTX, ids=[8, 9])
        offers: list[Any] = list(change.add)
        assert [(offer.id, offer.purpose, offer.scope) for offer in offers] == [
            (8, Purpose.EXTRA_VOTE, (1,)),
            (9, Purpose.EXTRA_VOTE, (1,)),
        ]
        assert (change.event.type, change.event.data) == ("ask_again", {"tasks": [1], "votes": 2})

    @pytest.mark.parametrize(
        ("fields", "reason"),
        [
            ({"package": make_package()}, "takes one answer"),
            ({"package": make_package(state=PackageState.INSPECT, votes=2)}, "not at LABEL"),
            (
                {"assignments": [make_assignment(**{**DONE, "outcome": Outcome.MERGED})]},
                "are merged",
            ),
            ({"voters": 2}, "3 different members"),
        ],
        ids=["one vote", "another stage", "merged", "nobody left"],
    )
    def test_it_is_refused(self, fields: Any, reason: str) -> None:
        with pytest.raises(NotAllowed, match=reason):
            rules.ask_again(self.asked(**fields), CTX, ids=[8])

    def test_a_task_must_be_voted_on(self) -> None:
        package = make_package(scope=(2,), votes=2)
        with pytest.raises(InvalidData, match="task 1"):
            rules.ask_again(self.asked(package=package), CTX, ids=[8])
