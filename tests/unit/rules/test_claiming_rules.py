"""How assignments begin and end: the slot of the package, the lease, and who may have it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import attrs
import pytest

from itagflow import (
    Accept,
    AssignmentState,
    Field,
    Inspect,
    InvalidData,
    Label,
    NotAllowed,
    Stage,
    Workflow,
    WrongState,
)
from itagflow.claiming import rules
from itagflow.claiming.rules import MOST_COUNTED, Slot, add_to_assignment, count_time
from itagflow.model import Outcome
from itagflow.model.change import Change, Context, add_to_counter, move_counter
from itagflow.model.package import Assignment, ClaimCounter, Package, QueueCursor
from itagflow.model.workspace import is_paused
from itagflow.testing import AT, make_assignment, make_job, make_member, make_package

CTX = Context(AT + timedelta(minutes=1), 1, 2)
HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)
SECOND = timedelta(seconds=1)
TICK = timedelta(microseconds=1)
LEASED = make_job(workflow=Workflow(Label(lease=HOUR, offer_lease=2 * HOUR), Inspect(), Accept()))
BEN = make_member()


def saved(change: Change, kind: type) -> list[object]:
    return [after for _, after in change.save if isinstance(after, kind)]


def package_after(change: Change) -> Package:
    (package,) = saved(change, Package)
    assert isinstance(package, Package)
    return package


def test_a_claim_takes_a_slot_and_starts_the_lease() -> None:
    package = make_package(free=2, round=3, scope=(1,))
    change = rules.start(
        Slot(LEASED, package, Stage.LABEL, BEN), CTX, id=9, terms=rules.Terms(token="t")
    )
    (held,) = change.add
    assert isinstance(held, Assignment)
    assert (held.state, held.round, held.scope) == (AssignmentState.HELD, 3, (1,))
    assert (held.lease_until, held.token) == (CTX.at + HOUR, "t")
    assert package_after(change).free == 1
    assert change.event.type == "claim"


def test_a_lease_beyond_the_calendar_never_ends() -> None:
    forever = make_job(workflow=Workflow(Label(lease=timedelta.max)))
    slot = Slot(forever, make_package(), Stage.LABEL, BEN)
    change = rules.start(slot, CTX, id=9)
    assert change.add[0].lease_until == datetime.max.replace(tzinfo=UTC)  # type: ignore[attr-defined]


def test_an_offer_has_a_lease_of_its_own_until_it_is_taken() -> None:
    offered = rules.offer(Slot(LEASED, make_package(), Stage.LABEL, BEN), CTX, id=9)
    assert (offered.state, offered.lease_until) == (AssignmentState.OFFERED, CTX.at + 2 * HOUR)
    (held,) = saved(
        rules.take_offer(LEASED, offered, CTX, terms=rules.Terms(token="t")), Assignment
    )
    assert isinstance(held, Assignment)
    assert (held.state, held.lease_until) == (AssignmentState.HELD, CTX.at + HOUR)
    with pytest.raises(WrongState):
        rules.take_offer(LEASED, held, CTX, terms=rules.Terms(token="t"))


def test_who_takes_over_gets_the_slot_of_the_lapsed_assignment() -> None:
    lapsed, cy = make_assignment(lease_until=AT), make_member(id=3, account="cy")
    slot = Slot(LEASED, make_package(free=0), Stage.LABEL, cy)
    change = rules.take_over(slot, lapsed, CTX, id=9)
    assert saved(change, Package) == []  # the slot goes from one to the other
    (returned,) = saved(change, Assignment)
    assert isinstance(returned, Assignment)
    assert (returned.state, returned.outcome) == (AssignmentState.RETURNED, Outcome.EXPIRED)
    assert [new.member for new in change.add] == [3]  # type: ignore[attr-defined]


def test_a_member_resumes_a_lapsed_assignment_under_its_token() -> None:
    lapsed = make_assignment(lease_until=AT, token="old")
    (same,) = saved(rules.resume(LEASED, lapsed, CTX), Assignment)
    (other,) = saved(rules.resume(LEASED, lapsed, CTX, terms=rules.Terms(token="new")), Assignment)
    assert (same.token, other.token) == ("old", "new")  # type: ignore[attr-defined]
    assert same.lease_until == CTX.at + HOUR  # type: ignore[attr-defined]


def test_a_full_package_is_not_assigned() -> None:
    with pytest.raises(NotAllowed, match="no free slot: reassign"):
        rules.assign(Slot(LEASED, make_package(free=0), Stage.LABEL, BEN), CTX, id=9)
    change = rules.assign(Slot(LEASED, make_package(free=1), Stage.LABEL, BEN), CTX, id=9)
    assert package_after(change).free == 0
    assert change.event.data == {"to": "ben"}


def test_reassigning_moves_the_slot_to_another_member() -> None:
    cy = make_member(id=3, account="cy")
    slot = Slot(LEASED, make_package(free=0), Stage.LABEL, cy)
    change = rules.reassign(slot, make_assignment(), CTX, id=9, comment="ill")
    assert saved(change, Package) == []
    assert change.event.data == {"to": "cy", "comment": "ill"}
    assert [(new.member, new.state) for new in change.add] == [(3, AssignmentState.OFFERED)]  # type: ignore[attr-defined]


@pytest.mark.parametrize("verb", ["release", "expire"])
def test_what_is_given_back_waits_from_now(verb: str) -> None:
    change = rules.give_back(verb, make_package(free=0), make_assignment(), CTX, comment="")
    after = package_after(change)
    assert (after.free, after.waiting_since) == (1, CTX.at)
    assert change.event.data == {}


@pytest.mark.parametrize("free", [True, False])
def test_a_recall_frees_the_slot_only_where_the_package_stays(free: bool) -> None:
    change = rules.recall(make_package(free=0), make_assignment(), CTX, comment="gone", free=free)
    assert [package.free for package in saved(change, Package)] == [1] * free  # type: ignore[attr-defined]
    assert change.event.data == {"comment": "gone"}


def test_only_a_stage_with_a_lease_can_be_renewed() -> None:
    endless = make_job(workflow=Workflow(Label(lease=None)))
    assert rules.renew(endless, make_assignment(), CTX) is None
    renewed = rules.renew(LEASED, make_assignment(lease_until=AT), CTX)
    assert renewed is not None
    assert renewed.lease_until == CTX.at + HOUR


@pytest.mark.parametrize(
    ("lease", "moved", "stored"),
    [
        (2 * HOUR, timedelta(0), False),
        (2 * HOUR, MINUTE - TICK, False),
        (2 * HOUR, MINUTE, True),
        (HOUR, MINUTE - TICK, False),
        (HOUR, MINUTE, True),
        (MINUTE, SECOND - TICK, False),
        (MINUTE, SECOND, True),
        (MINUTE, MINUTE + SECOND, True),  # it has lapsed
        # the workflow of the job was changed, or the clock set back
        (2 * HOUR, TICK - MINUTE, False),
        (2 * HOUR, -MINUTE, True),
        (TICK, timedelta(0), True),  # the shortest one: its part is no time at all
        (timedelta.max, timedelta(0), True),  # it ends with the calendar
    ],
)
def test_a_save_stores_a_lease_that_moves_by_a_minute_or_a_60th_of_it(
    lease: timedelta, moved: timedelta, *, stored: bool
) -> None:
    job = make_job(workflow=Workflow(Label(lease=lease)))
    until = datetime.max.replace(tzinfo=UTC) if lease == timedelta.max else AT + lease - moved
    assert rules.must_renew(job, make_assignment(lease_until=until), AT) is stored


def test_a_lease_that_begins_is_stored_and_one_that_ended_stays() -> None:
    assert rules.must_renew(LEASED, make_assignment(lease_until=None), AT)
    endless = make_job(workflow=Workflow(Label(lease=None)))
    assert not rules.must_renew(endless, make_assignment(lease_until=AT), AT)


def test_a_lease_lapses_at_its_very_end_while_the_assignment_is_live() -> None:
    held = make_assignment(lease_until=AT)
    assert rules.has_lapsed(held, AT)
    assert not rules.has_lapsed(held, AT - timedelta(microseconds=1))
    assert not rules.has_lapsed(make_assignment(), AT)
    assert not rules.has_lapsed(make_assignment(state=AssignmentState.DONE, lease_until=AT), AT)


@pytest.mark.parametrize(("verb", "outcome"), rules.OUTCOMES.items())
def test_each_verb_that_returns_an_assignment_says_how_it_ended(
    verb: str, outcome: Outcome
) -> None:
    after = rules.end_assignment(make_assignment(), verb, CTX, comment="so")
    assert (after.state, after.outcome, after.comment) == (AssignmentState.RETURNED, outcome, "so")
    assert after.ended_at == CTX.at
    with pytest.raises(InvalidData, match="comment"):
        rules.end_assignment(make_assignment(), verb, CTX, comment="\0")


def test_a_token_must_be_storable() -> None:
    rules.must_be_a_token("")
    rules.must_be_a_token("a1")
    with pytest.raises(InvalidData, match="token"):
        rules.must_be_a_token("a\0")


def test_nobody_votes_twice_and_nobody_reviews_their_own_work() -> None:
    package, own = (
        make_package(),
        make_assignment(state=AssignmentState.DONE, outcome=Outcome.SUBMITTED, authored=True),
    )
    with pytest.raises(NotAllowed, match="have an assignment on package 1"):
        rules.must_not_vote_twice(package, BEN, [make_assignment()])
    rules.must_not_vote_twice(package, BEN, [make_assignment(member=3)])
    with pytest.raises(NotAllowed, match="they labeled package 1"):
        rules.must_not_review_own_work(LEASED, package, BEN, Stage.INSPECT, [own])
    rules.must_not_review_own_work(LEASED, package, make_member(id=3), Stage.INSPECT, [own])
    own_allowed = make_job(workflow=Workflow(Label(), Inspect(allow_own_work=True)))
    rules.must_not_review_own_work(own_allowed, package, BEN, Stage.INSPECT, [own])
    with pytest.raises(NotAllowed):
        rules.must_be_assignable(LEASED, package, BEN, Stage.LABEL, [make_assignment()])
    rules.must_be_assignable(LEASED, package, make_member(id=3), Stage.LABEL, [make_assignment()])


def test_nothing_is_assigned_to_who_lacks_the_skill() -> None:
    package = make_package(value='"de"', needs_skill=True)
    requires = Field("lang", skill="lang:{}", least=3)
    job = make_job(workflow=Workflow(Label(requires=requires), Inspect()))
    with pytest.raises(NotAllowed, match="needs the skill lang:de, at least 3: see"):
        rules.must_have_skill(job, package, BEN, Stage.LABEL)
    rules.must_have_skill(job, package, BEN, Stage.INSPECT)
    able = attrs.evolve(BEN, skills={"lang:de": 3})
    rules.must_have_skill(job, package, able, Stage.LABEL)


def test_a_counter_keeps_its_cursor_unless_a_new_one_is_given() -> None:
    old, new = QueueCursor(0, AT), QueueCursor(1, AT)
    counter = ClaimCounter(job=4, stage=Stage.LABEL, member=2, active=1, cursor=old)
    assert move_counter(counter, -1)[1].active == 0
    assert add_to_counter(counter, 1, None).cursor == old
    assert add_to_counter(counter, 1, new) == ClaimCounter(
        job=4, stage=Stage.LABEL, member=2, active=2, cursor=new
    )


def test_a_cursor_is_saved_when_it_is_well_ahead_or_at_another_priority() -> None:
    cursor = rules.cursor_at(make_package(priority=3))
    assert cursor == QueueCursor(3, AT)
    near = QueueCursor(3, AT + rules.CURSOR_OVERLAP)
    far = QueueCursor(3, near.since + timedelta(microseconds=1))
    assert rules.is_worth_saving(None, cursor)
    assert not rules.is_worth_saving(cursor, near)
    assert rules.is_worth_saving(cursor, far)
    assert rules.is_worth_saving(cursor, QueueCursor(2, AT))


def test_a_package_counts_toward_the_total_when_a_member_first_has_it() -> None:
    assert rules.is_first_claim(BEN, Stage.LABEL, [make_assignment(member=3)])
    assert rules.is_first_claim(BEN, Stage.LABEL, [make_assignment(stage=Stage.INSPECT)])
    returned = make_assignment(state=AssignmentState.RETURNED)
    assert not rules.is_first_claim(BEN, Stage.LABEL, [returned])


def test_a_claim_is_known_by_its_arguments() -> None:
    assert rules.describe_arguments(None, is_resumed=False) == ""
    assert rules.describe_arguments(7, is_resumed=False) == "package=7"
    assert rules.describe_arguments(None, is_resumed=True) == "resume"
    assert rules.describe_arguments(7, is_resumed=True) == "package=7, resume"


def test_nothing_is_assigned_to_who_is_paused() -> None:
    paused = make_member(paused=True, paused_until=AT)
    assert [is_paused(paused, at) for at in (AT - HOUR, AT)] == [True, False]
    assert is_paused(make_member(paused=True), AT)
    assert not is_paused(BEN, AT)
    rules.must_not_be_paused(paused, AT)
    rules.must_not_be_paused(BEN, AT)
    with pytest.raises(NotAllowed, match="paused"):
        rules.must_not_be_paused(paused, AT - HOUR)


@pytest.mark.parametrize(
    ("sent", "passed", "counted"),
    [(10, 60, 10), (60, 10, 10), (900, 1000, MOST_COUNTED), (0, 60, 0), (5, -60, 0), (1 / 3, 9, 0.333)],
)  # fmt: skip
def test_counted_is_the_least_of_three(sent: float, passed: float, counted: float) -> None:
    at = AT + timedelta(seconds=passed)
    seconds, after = count_time(make_assignment(), sent, at)
    assert (seconds, after.counted_at) == (counted, at)


def test_time_that_was_counted_is_not_counted_again() -> None:
    assignment = make_assignment(counted_at=AT + timedelta(seconds=50))
    assert count_time(assignment, 60, AT + timedelta(seconds=60))[0] == 10


def test_where_nothing_is_told_nothing_changes() -> None:
    assignment = make_assignment()
    seconds, after = count_time(assignment, None, AT + timedelta(seconds=60))
    assert seconds == 0
    assert after is assignment
    assert add_to_assignment(assignment, None, AT) is assignment


def test_time_of_the_assignment_itself_adds_up() -> None:
    later = AT + timedelta(seconds=60)
    after = add_to_assignment(make_assignment(seconds=2.5), 10, later)
    assert (after.seconds, after.counted_at) == (12.5, later)
    assert add_to_assignment(after, 10, later).seconds == 12.5
