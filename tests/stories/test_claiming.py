"""Who is given what, in which order, and what becomes of it: claims as people use them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from support.scenes import START, Clock, cats, labeled, rows, taken

import itagflow
from itagflow import (
    Accept,
    AssignmentState,
    Choice,
    Flow,
    Incomplete,
    Inspect,
    InvalidData,
    Job,
    Label,
    NotAllowed,
    NotFound,
    NotHeld,
    Route,
    Stage,
    Workflow,
)
from itagflow.claiming import requested
from itagflow.core.engine import Engine
from itagflow.model import Outcome
from itagflow.model.package import Package
from itagflow.storage import MemoryStore

L, I, A = Stage.LABEL, Stage.INSPECT, Stage.ACCEPT
HOUR = timedelta(hours=1)


def reviewed(flow: Flow, member: str, job: Job, *, modifies: int = 0) -> None:
    """The next package inspected; one task of it answered by the inspector, if one is named."""
    assignment = taken(flow, member, job, I)
    if modifies:
        flow.modify(assignment, modifies, Choice("dog"))
    flow.review(assignment)


class TestOwnWork:
    def test_nobody_reviews_what_they_labeled_in_any_round(self, flow: Flow) -> None:
        workflow = Workflow(Label(rework=Route.QUEUE), Inspect())
        job = cats(flow, tasks=2, workflow=workflow, inspect=("ben", "di"))
        labeled(flow, "ben", job)
        flow.reject(taken(flow, "di", job, I), comment="again", whole=True)
        labeled(flow, "cy", job)
        assert flow.claim("ben", job, I) is None
        assert flow.explain("ben", job, I) == "1 waiting package is ben's own work"
        assert taken(flow, "di", job, I)

    def test_it_may_be_allowed(self, flow: Flow) -> None:
        job = cats(flow, tasks=2, workflow=Workflow(Inspect(allow_own_work=True)), label=("di",))
        labeled(flow, "di", job)
        assert taken(flow, "di", job, I)

    def test_nobody_accepts_what_they_modified_at_inspect(self, flow: Flow) -> None:
        workflow = Workflow(Inspect(), Accept())
        job = cats(flow, workflow=workflow, inspect=("di",), accept=("ada", "di"))
        labeled(flow, "ben", job)
        reviewed(flow, "di", job, modifies=1)
        labeled(flow, "ben", job)
        reviewed(flow, "di", job)
        assert taken(flow, "di", job, A).package == 2, "judging alone makes nobody an author"
        assert flow.claim("di", job, A) is None
        with pytest.raises(NotAllowed, match="allow_own_review=True would allow it"):
            flow.assignments.assign((job, 1), "di", by="ada")
        assert taken(flow, "ada", job, A).package == 1

    def test_own_review_may_be_allowed(self, flow: Flow) -> None:
        workflow = Workflow(Inspect(), Accept(allow_own_review=True))
        job = cats(flow, tasks=2, workflow=workflow, inspect=("di",), accept=("di",))
        labeled(flow, "ben", job)
        reviewed(flow, "di", job, modifies=1)
        assert taken(flow, "di", job, A)

    def test_a_new_labeling_of_the_whole_package_leaves_nothing_of_what_was_modified(
        self, flow: Flow
    ) -> None:
        workflow = Workflow(Inspect(), Accept())
        job = cats(flow, tasks=2, workflow=workflow, inspect=("di", "eve"), accept=("ada", "di"))
        labeled(flow, "ben", job)
        reviewed(flow, "di", job, modifies=1)
        flow.reject(taken(flow, "ada", job, A), comment="all of it again", whole=True)
        labeled(flow, "ben", job)
        reviewed(flow, "eve", job)
        assert taken(flow, "di", job, A)

    def test_rework_of_one_task_leaves_what_was_modified(self, flow: Flow) -> None:
        workflow = Workflow(Inspect(), Accept())
        job = cats(flow, tasks=2, workflow=workflow, inspect=("di", "eve"), accept=("ada", "di"))
        labeled(flow, "ben", job)
        reviewed(flow, "di", job, modifies=1)
        flow.reject(taken(flow, "ada", job, A), tasks=[2], comment="this one")
        labeled(flow, "ben", job)
        reviewed(flow, "eve", job)
        assert flow.claim("di", job, A) is None

    def test_nobody_votes_twice_in_a_round(self, flow: Flow) -> None:
        job = cats(flow, tasks=2, workflow=Workflow(Label(votes=2), Inspect()))
        labeled(flow, "ben", job)
        assert flow.claim("ben", job, L) is None
        with pytest.raises(NotAllowed, match="in this round"):
            flow.assignments.assign((job, 1), "ben", by="ada")
        assert taken(flow, "cy", job)

    def test_who_labeled_it_before_comes_last_and_is_not_refused(self, flow: Flow) -> None:
        workflow = Workflow(Label(rework=Route.QUEUE), Inspect())
        job = cats(flow, workflow=workflow)
        labeled(flow, "ben", job)
        flow.reject(taken(flow, "di", job, I), comment="again", whole=True)
        flow.packages.prioritize(job, 9, packages=[1], by="ada")
        assert taken(flow, "ben", job).package == 2
        assert taken(flow, "ben", job).package == 1

    def test_who_labeled_it_before_can_be_assigned_it_again(self, flow: Flow) -> None:
        workflow = Workflow(Label(rework=Route.QUEUE), Inspect())
        job = cats(flow, tasks=2, workflow=workflow)
        labeled(flow, "ben", job)
        flow.reject(taken(flow, "di", job, I), comment="again", whole=True)
        assert flow.assignments.assign((job, 1), "ben", by="ada").state is AssignmentState.OFFERED

    def test_lapsed_work_that_they_labeled_before_comes_last(
        self, flow: Flow, clock: Clock
    ) -> None:
        workflow = Workflow(Label(rework=Route.QUEUE), Inspect())
        job = cats(flow, workflow=workflow)
        labeled(flow, "ben", job)
        flow.reject(taken(flow, "di", job, I), comment="again", whole=True)
        taken(flow, "cy", job)
        clock.forward(minutes=1)
        taken(flow, "cy", job)
        clock.forward(hours=3)
        first, second = taken(flow, "ben", job), taken(flow, "ben", job)
        assert (first.round, second.round) == (1, 2)


class TestLeases:
    def test_an_assignment_is_safe_for_two_hours_and_an_offer_for_a_day(self, flow: Flow) -> None:
        job = cats(flow, workflow=Workflow(Label(), Inspect()))
        assert taken(flow, "ben", job).lease_until == START + 2 * HOUR
        assert flow.assignments.assign((job, 2), "cy", by="ada").lease_until == START + 24 * HOUR

    def test_none_switches_them_off(self, flow: Flow) -> None:
        job = cats(flow, workflow=Workflow(Label(lease=None, offer_lease=None)))
        assert taken(flow, "ben", job).lease_until is None
        assert flow.assignments.assign((job, 2), "cy", by="ada").lease_until is None

    def test_a_holder_whose_lease_has_lapsed_goes_on_until_somebody_takes_it(
        self, flow: Flow, clock: Clock
    ) -> None:
        job = cats(flow, tasks=2)
        assignment = taken(flow, "ben", job)
        clock.forward(hours=3)
        flow.save(assignment, 1, Choice("cat"))
        clock.forward(hours=3)
        assert taken(flow, "cy", job).package == 1
        with pytest.raises(NotHeld):
            flow.save(assignment, 2, Choice("cat"))

    def test_ones_own_lapsed_assignment_is_returned_renewed(self, flow: Flow, clock: Clock) -> None:
        job = cats(flow, tasks=2)
        assignment = taken(flow, "ben", job)
        clock.forward(hours=3)
        again = taken(flow, "ben", job)
        assert (again.id, again.lease_until) == (assignment.id, clock() + 2 * HOUR)


def make_packages_differ(flow: Flow, job: Job, **fields: tuple[Any, ...]) -> None:
    """Give the packages of a job other fields, one after the other."""
    with flow._engine.transaction() as transaction:
        for name, values in fields.items():
            for number, value in enumerate(values, 1):
                old = transaction.lock(Package, (job.id, number))
                transaction.replace(old, itagflow.model.entity.evolve(old, **{name: value}))


class TestOrder:
    @pytest.mark.parametrize(
        ("order", "expected"),
        [
            (None, [4, 2, 1, 3]),
            ("due", [2, 1, 4, 3]),
            ("oldest", [3, 4, 2, 1]),
        ],
    )
    def test_the_queue_goes_by_priority_due_time_waiting_time_and_number(
        self, flow: Flow, order: Any, expected: list[int]
    ) -> None:
        job = cats(flow, size=1, workflow=Workflow(Label(order=order)))
        make_packages_differ(
            flow,
            job,
            priority=(0, 0, 0, 5),
            due=(START + 2 * HOUR, START + HOUR, None, None),
            waiting_since=(START, START - HOUR, START - 3 * HOUR, START - 2 * HOUR),
        )
        assert [taken(flow, "ben", job).package for _ in range(4)] == expected

    def test_a_random_order_gives_every_package_once(self, flow: Flow, clock: Clock) -> None:
        job = cats(flow, tasks=12, size=1, workflow=Workflow(Label(order="random")))
        numbers = list[int]()
        for _ in range(12):
            clock.forward(minutes=1)
            numbers.append(taken(flow, "ben", job).package)
        assert sorted(numbers) == list(range(1, 13))
        assert numbers != sorted(numbers)

    def test_what_is_due_comes_first_also_behind_a_row_of_own_work(
        self, flow: Flow, clock: Clock
    ) -> None:
        job = cats(flow, tasks=9, size=1, workflow=Workflow(Label(votes=2), Inspect()))
        for _ in range(5):
            clock.forward(minutes=5)
            labeled(flow, "ben", job)
        clock.forward(minutes=5)
        assert taken(flow, "ben", job).package == 6
        make_packages_differ(flow, job, due=(None,) * 7 + (START + HOUR,))
        assert [taken(flow, "ben", job).package for _ in range(3)] == [8, 7, 9]
        assert taken(flow, "cy", job).package == 8

    def test_offers_come_before_the_queue_and_lapsed_work_behind_it(
        self, flow: Flow, clock: Clock
    ) -> None:
        job = cats(flow, tasks=3, size=1)
        taken(flow, "cy", job)
        clock.forward(hours=3)
        flow.assignments.assign((job, 3), "ben", by="ada")
        assert [taken(flow, "ben", job).package for _ in range(3)] == [3, 2, 1]


class TestLimits:
    def test_a_limit_counts_what_is_held_also_of_offers(self, flow: Flow) -> None:
        job = cats(flow, workflow=Workflow(Label(limit=1)))
        taken(flow, "ben", job)
        flow.assignments.assign((job, 2), "ben", by="ada")
        assert flow.claim("ben", job, L) is None
        assert flow.explain("ben", job, L) == (
            "the limit is reached: ben holds 1 of 1 assignment; "
            "1 offer must wait until one of them is in"
        )

    def test_a_total_counts_what_was_first_claimed_from_the_queue(self, flow: Flow) -> None:
        job = cats(flow, tasks=4, size=1, workflow=Workflow(Label(max_total=2), Inspect()))
        labeled(flow, "ben", job)
        flow.reject(taken(flow, "di", job, I), comment="again", whole=True)
        flow.release(taken(flow, "ben", job))  # an offer is nothing new, and so is a package
        flow.packages.prioritize(job, 1, packages=[1], by="ada")
        flow.claim("ben", job, L, package=1)  # that they had before
        assert taken(flow, "ben", job).package == 2, "the second of two"
        assert flow.claim("ben", job, L) is None
        assert flow.explain("ben", job, L) == "ben has got 2 of 2 packages at this stage of the job"
        flow.assignments.assign((job, 3), "ben", by="ada")
        assert taken(flow, "ben", job).package == 3
        assert taken(flow, "cy", job).package == 4

    def test_lapsed_work_of_others_counts_too(self, flow: Flow, clock: Clock) -> None:
        job = cats(flow, workflow=Workflow(Label(max_total=1)))
        taken(flow, "cy", job)
        taken(flow, "ben", job)
        clock.forward(hours=3)
        assert taken(flow, "ben", job).package == 2, "ben's own, renewed"
        assert flow.claim("ben", job, L) is None

    def test_one_claim_of_many_ends_at_the_total(self, flow: Flow) -> None:
        job = cats(flow, size=1, workflow=Workflow(Label(max_total=3)))
        assert len(flow.claim_many("ben", job, L, 9)) == 3


class TestPauses:
    def test_who_is_paused_gets_nothing_new_and_goes_on_with_what_they_hold(
        self, flow: Flow, clock: Clock
    ) -> None:
        job = cats(flow, size=1)
        assignment = taken(flow, "ben", job)
        flow.members.pause("street", "ben", by="ada")
        assert flow.claim("ben", job, L) is None
        assert flow.explain("ben", job, L) == "ben is paused"
        assert list(flow.available("ben")) == []
        flow.save(assignment, 1, Choice("cat"))
        clock.forward(hours=3)
        assert taken(flow, "ben", job).id == assignment.id
        flow.submit(assignment)
        flow.members.resume("street", "ben", by="ada")
        assert taken(flow, "ben", job).package == 2

    def test_a_pause_may_end_by_itself(self, flow: Flow, clock: Clock) -> None:
        job = cats(flow)
        member = flow.members.pause("street", "ben", until=clock() + HOUR, by="ada")
        assert (member.paused, member.paused_until) == (True, START + HOUR)
        assert flow.explain("ben", job, L) == "ben is paused until 2026-11-24 10:00:00 UTC"
        clock.forward(hours=1)
        assert taken(flow, "ben", job)

    def test_their_offers_go_to_others_at_once(self, flow: Flow) -> None:
        job = cats(flow, tasks=2)
        offer = flow.assignments.assign((job, 1), "ben", by="ada")
        flow.members.pause("street", "ben", by="ada")
        assert flow.assignments.get(offer).outcome is Outcome.RECALLED
        assert taken(flow, "cy", job).package == 1

    def test_nothing_is_offered_to_them(self, flow: Flow) -> None:
        job = cats(flow, tasks=2, workflow=Workflow(Inspect()))
        labeled(flow, "ben", job)
        flow.members.pause("street", "ben", by="ada")
        flow.reject(taken(flow, "di", job, I), comment="again", whole=True)
        with pytest.raises(NotAllowed, match="paused"):
            flow.assignments.assign((job, 1), "ben", by="ada")
        assert taken(flow, "cy", job).round == 2

    def test_a_pause_has_events_and_is_sent_twice_without_harm(self, flow: Flow) -> None:
        cats(flow)
        for _ in range(2):
            flow.members.pause("street", "ben", by="ada")
        for _ in range(2):
            assert not flow.members.resume("street", "ben", by="ada").paused
        types = [event.type for event in flow.events.since()]
        assert types[-2:] == ["pause_member", "resume_member"]

    def test_a_pause_must_lie_in_the_future_and_is_for_who_manages_members(
        self, flow: Flow, clock: Clock
    ) -> None:
        cats(flow)
        with pytest.raises(InvalidData, match="future"):
            flow.members.pause("street", "ben", until=clock(), by="ada")
        with pytest.raises(NotAllowed):
            flow.members.pause("street", "ben", by="cy")
        flow.members.remove("street", "ben", by="ada")
        with pytest.raises(NotAllowed, match="removed"):
            flow.members.pause("street", "ben", by="ada")


class TestClosing:
    def test_a_closed_job_gives_out_nothing_new(self, flow: Flow, clock: Clock) -> None:
        job = cats(flow, size=1, closes_at=START + HOUR)
        taken(flow, "cy", job)
        flow.assignments.assign((job, 2), "ben", by="ada")
        clock.forward(hours=3)
        assert taken(flow, "ben", job).package == 2, "their own offer goes on"
        assert taken(flow, "ben", job).package == 1, "and so does what has lapsed"
        assert flow.claim("ben", job, L) is None
        assert flow.explain("ben", job, L) == (
            "the job is closed to new work since 2026-11-24 10:00:00 UTC"
        )
        flow.jobs.update(job, closes_at=clock() + HOUR, by="ada")
        assert taken(flow, "ben", job).package == 3
        flow.jobs.update(job, closes_at=None, by="ada")
        assert taken(flow, "ben", job).package == 4


class TestOnePackage:
    def test_an_application_may_choose_the_package(self, flow: Flow) -> None:
        job = cats(flow, tasks=8)
        second = flow.claim("ben", job, L, package=2)
        assert second is not None
        assert second.package == 2
        assert flow.claim("cy", job, L, package=2) is None
        third = flow.claim("cy", job, L, package=flow.packages.get((job, 3)))
        assert third is not None
        assert third.package == 3
        with pytest.raises(NotFound):
            flow.claim("cy", job, L, package=99)

    def test_it_may_be_an_offer_or_lapsed_work(self, flow: Flow, clock: Clock) -> None:
        job = cats(flow)
        offer = flow.assignments.assign((job, 2), "ben", by="ada")
        assert flow.claim("cy", job, L, package=2) is None
        mine = flow.claim("ben", job, L, package=2)
        assert mine is not None
        assert mine.id == offer.id
        clock.forward(hours=3)
        theirs = flow.claim("cy", job, L, package=2)
        assert theirs is not None
        assert (theirs.package, flow.assignments.get(offer).outcome) == (2, Outcome.EXPIRED)

    def test_the_decision_is_the_same(self, flow: Flow) -> None:
        workflow = Workflow(Label(limit=1), Inspect())
        job = cats(flow, workflow=workflow, inspect=("ben", "di"))
        labeled(flow, "ben", job)
        assert flow.claim("ben", job, I, package=1) is None
        assert flow.claim("ben", job, L, package=1) is None, "it is at another stage"
        assert flow.claim("ben", job, L, package=2) is not None
        assert flow.claim("ben", job, L, package=2) is None
        flow.members.pause("street", "di", by="ada")
        assert flow.claim("di", job, I, package=1) is None
        with pytest.raises(NotAllowed):
            flow.claim("di", job, L, package=2)

    def test_a_token_belongs_to_the_arguments(self, flow: Flow) -> None:
        job = cats(flow, tasks=8)
        first = flow.claim("ben", job, L, token="t")
        second = flow.claim("ben", job, L, token="t", package=2)
        assert first is not None
        assert second is not None
        assert (first.package, second.package) == (1, 2)
        assert flow.claim("ben", job, L, token="t") == first
        assert flow.claim("ben", job, L, token="t", package=2) == second


class TestResuming:
    def test_a_page_that_is_reloaded_gets_what_is_held(self, flow: Flow, clock: Clock) -> None:
        job = cats(flow)
        first = flow.claim("ben", job, L, resume=True)
        assert first is not None
        assert flow.claim("ben", job, L, resume=True) == first
        assert taken(flow, "ben", job).package == 2
        assert flow.claim("ben", job, L, resume=True) == first, "the oldest comes first"
        clock.forward(hours=3)
        renewed = flow.claim("ben", job, L, resume=True)
        assert renewed is not None
        assert (renewed.id, renewed.lease_until) == (first.id, clock() + 2 * HOUR)

    def test_it_is_given_back_also_at_the_limit_and_while_the_job_is_paused(
        self, flow: Flow
    ) -> None:
        job = cats(flow, workflow=Workflow(Label(limit=1)))
        first = taken(flow, "ben", job)
        assert flow.claim("ben", job, L, resume=True) == first
        flow.jobs.pause(job, by="ada")
        assert flow.claim("ben", job, L, resume=True) == first
        assert flow.claim("ben", job, L, resume=True, package=2) is None


class TestDeadEnds:
    def test_what_can_never_finish_is_not_published(self, flow: Flow) -> None:
        job = cats(flow)
        for workflow, people, words in (
            (Workflow(Label(votes=2), Inspect()), {L: ["ben"], I: ["cy"]}, "2 different members"),
            (Workflow(Inspect()), {L: ["ben"], I: ["ben"]}, "nobody reviews their own work"),
            (
                Workflow(Inspect(), Accept()),
                {L: ["ben"], I: ["cy"], A: ["cy"]},
                "allow_own_review=True",
            ),
            (Workflow(Label(rework="cy"), Inspect()), {L: ["ben"], I: ["cy"]}, "may not label"),
            (
                Workflow(Label(rework="cy"), Inspect()),
                {L: ["ben", "cy"], I: ["cy"]},
                "too few to review",
            ),
        ):
            more: Any = {"template": job.template, "workflow": workflow, "workforce": people}
            report = flow.jobs.check("street", "dogs", data=rows(2), by="ada", **more)
            assert words in report.blocking_reason
            with pytest.raises(Incomplete, match=words):
                flow.jobs.create("street", "dogs", data=rows(2), by="ada", **more)

    def test_what_is_stuck_later_is_listed(self, flow: Flow) -> None:
        workflow = Workflow(Inspect())
        job = cats(flow, workflow=workflow, inspect=("ben", "di"))
        labeled(flow, "ben", job)
        assert list(flow.jobs.blocked(job)) == []
        flow.jobs.remove_workers(job, I, ["di"], by="ada")
        flow.members.pause("street", "ada", by="ada")  # who might do it, too
        (blocked,) = flow.jobs.blocked(job, by="ada")
        assert (blocked.package, blocked.stage) == (1, I)
        assert blocked.reason == (
            "1 more member must inspect it, and nobody can: ada is paused; it is ben's own work"
        )
        flow.members.resume("street", "ada", by="ada")
        assert list(flow.jobs.blocked(job)) == []

    def test_what_the_only_inspector_has_labeled_is_named_by_everybody(self, flow: Flow) -> None:
        """An administrator may label although the job names others: nobody is refused at LABEL."""
        job = cats(flow, tasks=2, workflow=Workflow(Inspect()), label=["ben"], inspect=["ada"])
        labeled(flow, "ada", job)
        assert flow.claim("ada", job, I) is None
        assert flow.explain("ada", job, I) == "1 waiting package is ada's own work"
        (blocked,) = flow.jobs.blocked(job)
        assert (blocked.package, blocked.stage) == (1, I)
        assert blocked.reason == (
            "1 more member must inspect it, and nobody can: it is ada's own work"
        )
        flow.jobs.add_workers(job, I, ["ben"], by="ada")
        assert list(flow.jobs.blocked(job)) == []
        flow.review(taken(flow, "ben", job, I))
        assert flow.jobs.progress(job).done == 2

    def test_a_holder_who_is_away_blocks_what_has_no_lease(self, flow: Flow) -> None:
        job = cats(flow, tasks=2, workflow=Workflow(Label(lease=None)))
        taken(flow, "ben", job)
        flow.members.pause("street", "ben", by="ada")
        (blocked,) = flow.jobs.blocked(job)
        assert blocked.reason == (
            "it is held by ben and has no lease, but ben is paused: reassign it"
        )

    def test_a_job_that_has_closed_is_blocked_where_work_is_left(
        self, flow: Flow, clock: Clock
    ) -> None:
        job = cats(flow, size=1, closes_at=START + HOUR)
        taken(flow, "ben", job)
        clock.forward(hours=1)
        blocked = list(flow.jobs.blocked(job))
        assert [each.package for each in blocked] == [2, 3, 4]
        assert "closed to new work since" in blocked[0].reason
        assert [each.package for each in flow.jobs.blocked(job, limit=1)] == [2]
        assert [each.package for each in flow.jobs.blocked(job, after=blocked[0])] == [3, 4]

    def test_it_is_for_those_who_read_results(self, flow: Flow) -> None:
        job = cats(flow)
        with pytest.raises(NotAllowed):
            list(flow.jobs.blocked(job, by="ben"))


class TestAClaimByWhatWasKnownBefore:
    """A job and its members are kept in memory: the first claim after a change may go by the old."""

    @pytest.mark.parametrize("asks", [{}, {"token": "a"}, {"workspace": "street"}])
    def test_lapsed_work_of_a_job_that_has_just_closed(
        self, flow: Flow, clock: Clock, asks: dict[str, Any]
    ) -> None:
        job = cats(flow, size=1)
        flow.claim("ben", job, Stage.LABEL)
        clock.forward(days=2)
        flow.jobs.update(job, closes_at=clock.now, by="ada")
        taken = flow.claim("cy", job, Stage.LABEL, **asks)
        assert taken is not None
        assert taken.package == 1

    def test_a_job_that_closes_while_a_claim_with_a_token_runs(
        self, flow: Flow, clock: Clock, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        job = cats(flow, size=1)
        flow.claim("ben", job, Stage.LABEL)
        clock.forward(days=2)
        flow.jobs.update(job, closes_at=clock.now, by="ada")
        read, before = requested.read_job_and_member, [job]

        def read_late(*given: Any) -> Any:
            current, member = read(*given)
            return before.pop() if before else current, member

        monkeypatch.setattr(requested, "read_job_and_member", read_late)
        taken = flow.claim("cy", job, Stage.LABEL, token="a")
        assert taken is not None
        assert taken.package == 1

    def test_what_is_not_for_the_member_is_looked_at_once(
        self, flow: Flow, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        job = cats(flow, tasks=1, workflow=Workflow(Label(votes=2), Inspect()))
        flow.claim("ben", job, Stage.LABEL)
        flow.assignments.assign((job, 1), "cy", by="ada")
        flow.jobs.pause(job, by="ada")
        begin, begun = Engine.transaction, list[Engine]()

        def count(engine: Engine) -> Any:
            begun.append(engine)
            return begin(engine)

        monkeypatch.setattr(Engine, "transaction", count)
        assert flow.claim("cy", job, Stage.LABEL, package=1) is None
        assert len(begun) == 1, "the job is paused, and a claim began again"
        flow.jobs.resume(job, by="ada")
        begun.clear()
        assert flow.claim("ben", job, Stage.LABEL, package=1) is None
        assert flow.claim("ben", job, Stage.LABEL) is None
        assert flow.claim("ben", job) is None
        assert len(begun) == 3, "nothing had changed, and a claim began again"

    def test_many_at_once(self, flow: Flow, clock: Clock) -> None:
        job = cats(flow, size=1)
        flow.claim("ben", job, Stage.LABEL)
        clock.forward(days=2)
        flow.jobs.update(job, closes_at=clock.now, by="ada")
        assert [each.package for each in flow.claim_many("cy", job, Stage.LABEL, 5)] == [1]


def test_a_claim_that_finds_nothing_of_one_package_leaves_nothing_behind() -> None:
    with Flow(MemoryStore()) as flow:
        job = cats(flow, tasks=2)
        taken(flow, "ben", job)
        before = len(list(flow.events.list(job)))
        assert flow.claim("cy", job, L, package=1) is None
        assert len(list(flow.events.list(job))) == before
