"""The decision about claims, and the pure rules of claiming, directly."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import attrs
import pytest

from itagflow import (
    Accept,
    Assignment,
    AssignmentState,
    Crew,
    Field,
    Inspect,
    InvalidData,
    Job,
    JobState,
    Label,
    NotAllowed,
    PackageState,
    Stage,
    Workflow,
    WrongState,
)
from itagflow.claiming import rules
from itagflow.claiming.decision import (
    Decision,
    Obstacle,
    Situation,
    Source,
    can_have_open_offers,
    can_own_work_wait,
    decide,
    find_barred_stages,
    get_decision_inputs,
    has_assignment,
    has_labeled,
    has_skill,
    is_own_work,
    must_acknowledge,
    requires_other_skill,
)
from itagflow.model import Outcome, Purpose, StageWorkers
from itagflow.model.change import Context, add_to_counter
from itagflow.model.package import ClaimCounter, QueueCursor
from itagflow.testing.builders import (
    AT,
    make_assignment,
    make_job,
    make_member,
    make_package,
)

BEN, CY = make_member(id=2, account="ben"), make_member(id=7, account="cy")
HOUR = timedelta(hours=1)
CTX = Context(AT, 1, BEN.id)


def job_with(label: Label | None = None, inspect: Inspect | None = None, **fields: Any) -> Job:
    parts = [part for part in (label or Label(), inspect) if part]
    return make_job(workflow=Workflow(*parts), **fields)


def decided(job: Job, stage: Stage = Stage.LABEL, **fields: Any) -> Decision:
    return decide(Situation(job=job, member=BEN, stage=stage, **fields))


LANG = Field("lang", skill="lang:{}", least=2)


class TestSkills:
    def test_a_package_is_for_who_can_do_what_its_value_says(self) -> None:
        german = make_package(value='"de"', needs_skill=True)
        able = attrs.evolve(BEN, skills={"lang:de": 2})
        unable = attrs.evolve(BEN, skills={"lang:de": 1, "lang:fr": 9})
        job = job_with(Label(requires=LANG), Inspect())
        assert has_skill(job, Stage.LABEL, able, german)
        assert not has_skill(job, Stage.LABEL, unable, german)
        assert not has_skill(job, Stage.LABEL, able, None), "it is not known what is needed"
        assert has_skill(job, Stage.INSPECT, unable, german), "that stage asks for none"
        decisions = [
            decide(Situation(job=job, member=member, stage=Stage.LABEL))
            for member in (able, unable)
        ]
        lapsed = make_assignment(member=CY.id, state=AssignmentState.HELD, lease_until=AT)
        assert [each.accepts_new(german, []) for each in decisions] == [True, False]
        assert [each.accepts_lapsed(lapsed, german, [lapsed]) for each in decisions] == [
            True,
            False,
        ]
        own = attrs.evolve(lapsed, member=BEN.id)
        assert decisions[1].accepts_lapsed(own, german, [own]), "what they hold stays theirs"

    def test_other_packages_are_for_the_member_when_rule_or_skills_change(self) -> None:
        plain = Situation(job=job_with(), member=BEN, stage=Stage.LABEL)
        more = attrs.evolve(BEN, skills={"lang:de": 1})
        assert not requires_other_skill(plain, attrs.evolve(plain, member=more))
        skilled = attrs.evolve(plain, job=job_with(Label(requires=LANG)))
        assert requires_other_skill(plain, skilled)
        assert requires_other_skill(skilled, attrs.evolve(skilled, member=more))
        renamed = attrs.evolve(skilled, member=attrs.evolve(BEN, account="benjamin"))
        assert not requires_other_skill(skilled, renamed)


class TestDecide:
    def test_a_member_looks_at_offers_then_the_queue_then_lapsed_work(self) -> None:
        decision = decided(job_with())
        assert decision.sources == (Source.OFFERS, Source.OPEN, Source.QUEUE, Source.LAPSED)
        assert (decision.obstacle, decision.reason) == (None, "")

    def test_who_is_only_in_a_crew_gets_no_whole_packages(self) -> None:
        decision = decided(job_with(), policy_refusal="no", crews=frozenset({Crew.EXPERTS}))
        assert decision.sources == (Source.OFFERS, Source.OPEN, Source.LAPSED)
        assert decision.obstacle is None
        part = make_assignment(9, member=None, state=AssignmentState.OFFERED, scope=(1,))
        escalation = attrs.evolve(part, purpose=Purpose.ESCALATION)
        rest = attrs.evolve(part, purpose=Purpose.REST)
        assert [decision.permits(each) for each in (escalation, rest)] == [True, False]
        assert [decision.accepts_open(each, []) for each in (escalation, rest)] == [True, False]

    def test_open_offers_are_for_those_whose_work_it_is(self) -> None:
        decision = decided(job_with())
        part = make_assignment(9, member=None, state=AssignmentState.OFFERED, scope=(1,))
        escalation = attrs.evolve(part, purpose=Purpose.ESCALATION)
        rest = attrs.evolve(part, purpose=Purpose.REST)
        assert [decision.accepts_open(each, []) for each in (escalation, rest)] == [False, True]
        own = make_assignment(scope=(1,))
        assert not decision.accepts_open(rest, [own]), "nobody works twice on a task"
        assert not decision.accepts_open(attrs.evolve(rest, member=3), []), "it is another's"
        at_inspect = attrs.evolve(rest, stage=Stage.INSPECT)
        assert not decision.accepts_open(at_inspect, []), "it is work of another stage"

    def test_nobody_looks_for_open_offers_where_there_can_be_none(self) -> None:
        assert not can_have_open_offers(job_with(), Stage.LABEL)
        for job in (
            job_with(Label(votes=2), Inspect()),
            job_with(Label(allow_partial=True)),
            job_with(workforce={Crew.EXPERTS: StageWorkers((2,))}),
        ):
            assert can_have_open_offers(job, Stage.LABEL)
            assert not can_have_open_offers(job, Stage.INSPECT)

    def test_a_lapsed_part_is_taken_by_who_may_have_it(self) -> None:
        lapsed = make_assignment(9, member=7, scope=(1,), purpose=Purpose.ESCALATION)
        expert = decided(job_with(), crews=frozenset({Crew.EXPERTS}))
        assert expert.accepts_lapsed(lapsed, make_package(), [lapsed])
        assert not decided(job_with()).accepts_lapsed(lapsed, make_package(), [lapsed])
        own = make_assignment(scope=(1,))
        assert not expert.accepts_lapsed(lapsed, make_package(), [own, lapsed])

    def test_the_policy_comes_first(self) -> None:
        decision = decided(job_with(state=JobState.PAUSED), policy_refusal="no")
        assert (decision.sources, decision.obstacle) == ((), Obstacle.POLICY)
        assert decision.reason == "ben may not label here: no"

    @pytest.mark.parametrize(
        "state", [state for state in JobState if state is not JobState.RUNNING]
    )
    def test_only_a_running_job_gives_out_work(self, state: JobState) -> None:
        decision = decided(job_with(state=state))
        assert (decision.sources, decision.obstacle) == ((), Obstacle.JOB_STATE)
        assert decision.reason == f"the job is {state.value}"

    @pytest.mark.parametrize(("active", "is_full"), [(0, False), (1, False), (2, True), (3, True)])
    def test_a_limit_leaves_ones_own_lapsed_work_only(self, active: int, is_full: bool) -> None:
        decision = decided(job_with(Label(limit=2)), active=active)
        assert (decision.obstacle is Obstacle.LIMIT) == is_full
        assert decision.sources == ((Source.LAPSED,) if is_full else tuple(Source))
        assert decision.reason == (
            f"the limit is reached: ben holds {active} of 2 assignments" if is_full else ""
        )

    @pytest.mark.parametrize(("acknowledged", "is_free"), [(0, False), (1, False), (2, True)])
    def test_the_newest_guideline_must_be_acknowledged_where_that_is_asked(
        self, acknowledged: int, is_free: bool
    ) -> None:
        job = job_with(Label(acknowledge=True), Inspect(), guideline_version=2)
        decision = decided(job, acknowledged=acknowledged)
        assert (decision.obstacle is None) is is_free
        assert must_acknowledge(decision.situation) is not is_free
        if not is_free:
            assert (decision.obstacle, decision.sources) == (Obstacle.GUIDELINE, ())
            assert decision.reason == "ben has not acknowledged version 2 of the guideline"
        assert decided(job, Stage.INSPECT).obstacle is None

    def test_who_is_paused_goes_on_with_their_own_work_only(self) -> None:
        decision = decided(job_with(Label(limit=1)), is_paused=True, active=1)
        assert (decision.sources, decision.obstacle) == ((Source.LAPSED,), Obstacle.PAUSED)
        assert decision.reason == "ben is paused"

    @pytest.mark.parametrize(("total", "is_full"), [(1, False), (2, True)])
    def test_a_total_leaves_offers_and_ones_own_lapsed_work(
        self, total: int, is_full: bool
    ) -> None:
        decision = decided(job_with(Label(max_total=2)), total=total)
        assert (decision.obstacle is Obstacle.TOTAL) == is_full
        assert decision.sources == ((Source.OFFERS, Source.LAPSED) if is_full else tuple(Source))
        lapsed = make_assignment(member=CY.id)
        assert decision.accepts_lapsed(lapsed, make_package(), [lapsed]) != is_full

    def test_a_job_that_is_closed_leaves_offers_parts_and_all_lapsed_work(self) -> None:
        decision = decided(job_with(closes_at=AT), is_closed=True)
        assert (decision.sources, decision.obstacle) == (
            (Source.OFFERS, Source.OPEN, Source.LAPSED),
            Obstacle.CLOSED,
        )
        assert decision.reason == "the job is closed to new work since 2026-11-24 09:30:00 UTC"
        lapsed = make_assignment(member=CY.id)
        assert decision.accepts_lapsed(lapsed, make_package(), [lapsed])

    def test_without_a_limit_any_number_may_be_held(self) -> None:
        assert decided(job_with(), active=99).obstacle is None

    def test_a_stage_that_the_job_does_not_have_is_refused(self) -> None:
        with pytest.raises(InvalidData):
            decided(job_with(), Stage.ACCEPT)

    def test_counters_of_the_job_do_not_matter(self) -> None:
        job = job_with()
        assert get_decision_inputs(attrs.evolve(job, version=9)) == get_decision_inputs(job)
        for field, other in (
            ("state", JobState.PAUSED),
            ("template", 99),
            ("workflow", Workflow(Label(limit=1))),
        ):
            assert get_decision_inputs(attrs.evolve(job, **{field: other})) != get_decision_inputs(
                job
            )


class TestLapsed:
    def accepts(
        self, decision: Decision, lapsed: Assignment, *others: Assignment, **package: Any
    ) -> bool:
        return decision.accepts_lapsed(lapsed, make_package(**package), [lapsed, *others])

    def test_that_of_somebody_else_is_taken_over(self) -> None:
        assert self.accepts(decided(job_with()), make_assignment(member=CY.id))
        assert self.accepts(
            decided(job_with()), make_assignment(member=CY.id, state=AssignmentState.OFFERED)
        )

    def test_not_at_the_limit_and_not_without_permission(self) -> None:
        assert not self.accepts(
            decided(job_with(Label(limit=1)), active=1), make_assignment(member=CY.id)
        )
        assert not self.accepts(
            decided(job_with(), policy_refusal="no"), make_assignment(member=BEN.id)
        )
        assert not self.accepts(
            decided(job_with(state=JobState.PAUSED)), make_assignment(member=BEN.id)
        )

    def test_ones_own_goes_on_also_at_the_limit(self) -> None:
        for decision in (decided(job_with()), decided(job_with(Label(limit=1)), active=1)):
            assert self.accepts(decision, make_assignment(member=BEN.id))
            assert not self.accepts(
                decision, make_assignment(member=BEN.id, state=AssignmentState.OFFERED)
            )

    def test_nobody_votes_twice(self) -> None:
        lapsed = make_assignment(id=6, member=CY.id)
        voted = make_assignment(id=5, member=BEN.id, state=AssignmentState.DONE)
        decision = decided(job_with(Label(votes=2, min_votes=1), Inspect()))
        assert not self.accepts(decision, lapsed, voted)
        assert self.accepts(decision, lapsed, attrs.evolve(voted, state=AssignmentState.RETURNED))

    def test_who_labeled_it_in_an_earlier_round_is_not_refused(self) -> None:
        lapsed = make_assignment(id=6, member=CY.id, round=2)
        earlier = make_assignment(id=5, member=BEN.id, state=AssignmentState.DONE)
        for label in (Label(), Label(votes=2)):
            assert self.accepts(decided(job_with(label, Inspect())), lapsed, earlier, round=2)

    def test_nobody_reviews_their_own_work_unless_it_is_allowed(self) -> None:
        lapsed = make_assignment(id=6, member=CY.id, stage=Stage.INSPECT)
        labeled = make_assignment(id=5, member=BEN.id, state=AssignmentState.DONE, authored=True)
        at_inspect = {"state": PackageState.INSPECT}
        for allowed in (True, False):
            decision = decided(job_with(Label(), Inspect(allow_own_work=allowed)), Stage.INSPECT)
            assert self.accepts(decision, lapsed, labeled, **at_inspect) == allowed


class TestOwnWork:
    def test_for_a_review_it_is_what_was_labeled_in_any_round(self) -> None:
        job, package = job_with(Label(), Inspect()), make_package(round=3)
        labeled = make_assignment(state=AssignmentState.DONE, round=1, authored=True)
        assert is_own_work(job, package, BEN, Stage.INSPECT, [labeled])
        assert not is_own_work(job, package, CY, Stage.INSPECT, [labeled])
        reviewed = attrs.evolve(labeled, stage=Stage.INSPECT)
        assert not is_own_work(job, package, BEN, Stage.INSPECT, [reviewed])
        returned = attrs.evolve(labeled, state=AssignmentState.RETURNED, authored=False)
        assert not is_own_work(job, package, BEN, Stage.INSPECT, [returned])

    def test_at_label_it_is_a_vote_of_the_same_round(self) -> None:
        job, package = job_with(Label(votes=2), Inspect()), make_package(round=2)
        for state in (AssignmentState.OFFERED, AssignmentState.HELD, AssignmentState.DONE):
            voted = make_assignment(state=state, round=2)
            assert is_own_work(job, package, BEN, Stage.LABEL, [voted])
            earlier = attrs.evolve(voted, round=1)
            assert not is_own_work(job, package, BEN, Stage.LABEL, [earlier])

    @pytest.mark.parametrize("votes", [1, 2])
    def test_at_label_what_was_labeled_in_an_earlier_round_keeps_nobody_away(
        self, votes: int
    ) -> None:
        """Their own work is kept from people only where it would be reviewed."""
        workflow = Workflow(Label(votes=votes), Inspect(), Accept())
        job, package = make_job(workflow=workflow), make_package(round=2)
        labeled = make_assignment(state=AssignmentState.DONE, round=1, authored=True)
        modified = attrs.evolve(labeled, stage=Stage.INSPECT)
        for earlier in ([labeled], [modified], [labeled, modified]):
            assert not is_own_work(job, package, BEN, Stage.LABEL, earlier)
            assert decided(job).accepts_new(package, earlier)
            assert is_own_work(job, package, BEN, Stage.ACCEPT, earlier)

    def test_for_the_acceptance_it_is_also_what_was_modified_at_inspect(self) -> None:
        modified = make_assignment(
            stage=Stage.INSPECT, state=AssignmentState.DONE, authored=True, round=1
        )
        package = make_package(state=PackageState.ACCEPT, round=2)
        for accept, is_own in ((Accept(), True), (Accept(allow_own_review=True), False)):
            job = make_job(workflow=Workflow(Label(), Inspect(), accept))
            assert is_own_work(job, package, BEN, Stage.ACCEPT, [modified]) == is_own
            only_judged = attrs.evolve(modified, authored=False)
            assert not is_own_work(job, package, BEN, Stage.ACCEPT, [only_judged])

    def test_who_has_labeled_comes_last_whatever_the_round(self) -> None:
        labeled = make_assignment(state=AssignmentState.DONE)
        assert has_labeled(BEN, [labeled])
        assert not has_labeled(CY, [labeled])
        assert not has_labeled(BEN, [attrs.evolve(labeled, state=AssignmentState.RETURNED)])
        assert not has_labeled(BEN, [attrs.evolve(labeled, stage=Stage.INSPECT)])

    def test_an_assignment_counts_in_its_stage_and_round(self) -> None:
        package = make_package(round=2)
        assert has_assignment(package, BEN, [make_assignment(round=2)])
        assert not has_assignment(package, BEN, [make_assignment(round=1)])
        assert not has_assignment(
            package, BEN, [make_assignment(round=2, state=AssignmentState.RETURNED)]
        )
        assert not has_assignment(package, BEN, [make_assignment(round=2, stage=Stage.INSPECT)])

    def test_much_of_it_waits_where_votes_or_reviews_are_kept_apart(self) -> None:
        assert not can_own_work_wait(job_with(), Stage.LABEL)
        assert can_own_work_wait(job_with(Label(votes=2), Inspect()), Stage.LABEL)
        assert can_own_work_wait(job_with(Label(), Inspect()), Stage.INSPECT)
        assert not can_own_work_wait(job_with(Label(), Inspect(allow_own_work=True)), Stage.INSPECT)


class TestRules:
    def test_a_start_takes_a_slot_and_counts_the_lease(self) -> None:
        package, job = make_package(free=2), job_with(Label(lease=HOUR))
        counter = ClaimCounter(job=4, stage=Stage.LABEL, member=2)
        saved = (counter, add_to_counter(counter, 1, None))
        change = rules.start(
            rules.Slot(job, package, Stage.LABEL, BEN),
            CTX,
            id=50,
            terms=rules.Terms(token="t"),
            counters=(saved,),
        )
        (assignment,) = change.add
        assert isinstance(assignment, Assignment)
        assert (assignment.id, assignment.member, assignment.state, assignment.token) == (
            50,
            2,
            AssignmentState.HELD,
            "t",
        )
        assert assignment.lease_until == AT + HOUR
        assert [after for _, after in change.save] == [attrs.evolve(package, free=1), saved[1]]
        assert change.event.type == "claim"

    def test_an_offer_that_is_taken_is_held(self) -> None:
        offer = make_assignment(state=AssignmentState.OFFERED)
        change = rules.take_offer(job_with(Label(lease=HOUR)), offer, CTX)
        ((_, after),) = change.save
        assert isinstance(after, Assignment)
        assert (after.state, after.lease_until) == (AssignmentState.HELD, AT + HOUR)

    def test_who_takes_over_ends_what_had_lapsed(self) -> None:
        lapsed = make_assignment(member=CY.id, lease_until=AT)
        slot = rules.Slot(job_with(), make_package(free=0), Stage.LABEL, BEN)
        change = rules.take_over(slot, lapsed, CTX, id=50)
        ((before, after),) = change.save
        assert before == lapsed
        assert isinstance(after, Assignment)
        assert (after.state, after.outcome) == (AssignmentState.RETURNED, Outcome.EXPIRED)

    def test_ones_own_lapsed_work_goes_on_with_a_new_lease(self) -> None:
        lapsed = make_assignment(lease_until=AT, token="old")
        for lease, until in ((HOUR, AT + HOUR), (None, None)):
            change = rules.resume(job_with(Label(lease=lease)), lapsed, CTX)
            ((_, after),) = change.save
            assert after == attrs.evolve(lapsed, lease_until=until)
            assert change.event.type == "renew"
        ((_, after),) = rules.resume(job_with(), lapsed, CTX, terms=rules.Terms(token="new")).save
        assert isinstance(after, Assignment)
        assert after.token == "new"

    @pytest.mark.parametrize("state", AssignmentState)
    def test_a_lease_lapses_while_it_binds(self, state: AssignmentState) -> None:
        assignment = make_assignment(state=state, lease_until=AT)
        assert rules.has_lapsed(assignment, AT) == (
            state in (AssignmentState.OFFERED, AssignmentState.HELD)
        )
        assert not rules.has_lapsed(assignment, AT - timedelta(microseconds=1))
        assert not rules.has_lapsed(attrs.evolve(assignment, lease_until=None), AT)

    def test_a_lease_ends_at_the_last_day_at_the_latest(self) -> None:
        late = attrs.evolve(CTX, at=datetime(9999, 12, 31, tzinfo=UTC))
        renewed = rules.renew(job_with(Label(lease=timedelta(days=9))), make_assignment(), late)
        assert renewed is not None
        assert renewed.lease_until == datetime.max.replace(tzinfo=UTC)
        assert rules.renew(job_with(Label(lease=None)), make_assignment(), late) is None

    def test_what_is_given_back_waits_again(self) -> None:
        package = make_package(free=0, waiting_since=AT - HOUR)
        change = rules.give_back("release", package, make_assignment(), CTX, comment="tired")
        (_, freed), (_, ended) = change.save
        assert freed == attrs.evolve(package, free=1, waiting_since=AT)
        assert isinstance(ended, Assignment)
        assert (ended.outcome, ended.comment, ended.ended_at) == (Outcome.RELEASED, "tired", AT)
        with pytest.raises(WrongState):
            rules.give_back("release", package, ended, CTX, comment="")

    def test_a_slot_is_assigned_once_to_each_and_to_nobody_who_labeled_it(self) -> None:
        job = job_with(Label(), Inspect())
        labeled = make_assignment(state=AssignmentState.DONE, authored=True)
        for stage, package, assignments in (
            (Stage.LABEL, make_package(), [make_assignment()]),
            (Stage.INSPECT, make_package(state=PackageState.INSPECT), [labeled]),
        ):
            with pytest.raises(NotAllowed):
                rules.must_be_assignable(job, package, BEN, stage, assignments)
            rules.must_be_assignable(job, package, CY, stage, assignments)
        with pytest.raises(NotAllowed, match="no free slot"):
            rules.assign(rules.Slot(job, make_package(free=0), Stage.LABEL, BEN), CTX, id=50)

    def test_a_cursor_is_saved_when_it_has_moved_by_more_than_the_overlap(self) -> None:
        old = QueueCursor(0, AT)
        assert rules.is_worth_saving(None, old)
        assert not rules.is_worth_saving(old, QueueCursor(0, AT + rules.CURSOR_OVERLAP))
        assert rules.is_worth_saving(old, QueueCursor(0, AT + 2 * rules.CURSOR_OVERLAP))
        assert rules.is_worth_saving(old, QueueCursor(1, AT))
        counter = ClaimCounter(job=4, stage=Stage.LABEL, member=2, active=3, cursor=old)
        assert add_to_counter(counter, 1, None) == attrs.evolve(counter, active=4)
        assert add_to_counter(counter, 0, QueueCursor(1, AT)) == attrs.evolve(
            counter, cursor=QueueCursor(1, AT)
        )

    @pytest.mark.parametrize("token", ["", "t", "a claim"])
    def test_a_token_is_a_text(self, token: str) -> None:
        rules.must_be_a_token(token)

    @pytest.mark.parametrize("token", ["\x00", "x" * 5_000])
    def test_a_token_that_cannot_be_stored_is_refused(self, token: str) -> None:
        with pytest.raises(InvalidData, match="token"):
            rules.must_be_a_token(token)


def test_a_review_bars_labelers_and_an_acceptance_also_inspectors() -> None:
    full = make_job(workflow=Workflow(Label(), Inspect(), Accept()))
    assert find_barred_stages(full, Stage.LABEL) == ()
    assert find_barred_stages(full, Stage.INSPECT) == (Stage.LABEL,)
    assert find_barred_stages(full, Stage.ACCEPT) == (Stage.LABEL, Stage.INSPECT)
    both = make_job(workflow=Workflow(Inspect(), Accept(allow_own_work=True)))
    assert find_barred_stages(both, Stage.ACCEPT) == (Stage.INSPECT,)
    accept = Accept(allow_own_work=True, allow_own_review=True)
    assert find_barred_stages(make_job(workflow=Workflow(Inspect(), accept)), Stage.ACCEPT) == ()
    without = make_job(workflow=Workflow(Label(), Accept(allow_own_work=True)))
    assert find_barred_stages(without, Stage.ACCEPT) == ()
