"""How a labeling ends: whole or in part, and what the last vote of a round leads to."""

from __future__ import annotations

from typing import Any

import attrs
import pytest
from unit.rules.test_reviewing_rules import (
    ANSWERED,
    AT_INSPECT,
    CAT,
    COUNTERS,
    DOG,
    INSPECTING,
    LABELED,
    STAGES,
    complete,
    saved,
)

from itagflow import (
    Assignment,
    AssignmentState,
    Crew,
    Incomplete,
    Inspect,
    Job,
    JobState,
    Label,
    NotAllowed,
    Package,
    PackageState,
    Workflow,
    WrongState,
)
from itagflow.labeling.voting import MergeOutcome
from itagflow.model import Outcome, Purpose
from itagflow.model.change import Change
from itagflow.model.job import StageWorkers
from itagflow.model.package import ClaimCounter
from itagflow.reviewing import submitting_rules as rules
from itagflow.testing.builders import (
    make_answer,
    make_assignment,
    make_job,
    make_package,
    make_template,
)


class TestSubmit:
    def test_the_package_goes_on_and_the_counter_goes_down(self) -> None:
        package = make_package(free=0)
        change = rules.submit(complete(STAGES, package, make_assignment(), answers=ANSWERED))
        ended, after = saved(change, Assignment), saved(change, Package)
        assert (ended.state, ended.outcome) == (AssignmentState.DONE, Outcome.SUBMITTED)
        assert (after.state, after.free, after.scope) == (PackageState.INSPECT, 1, None)
        assert COUNTERS[0] in change.save
        assert (change.event.type, change.add) == ("submit", ())

    def test_nothing_but_counts_is_read_where_there_is_no_trouble(self) -> None:
        plan = complete(STAGES, make_package(free=0), make_assignment(), answers=ANSWERED).plan
        assert not plan.needs_answers
        assert not plan.needs_tasks

    def test_missing_tasks_are_named(self) -> None:
        facts = complete(STAGES, make_package(free=0), make_assignment(), answers=ANSWERED[:1])
        with pytest.raises(Incomplete) as caught:
            rules.submit(facts)
        assert caught.value.tasks == (2,)

    def test_only_the_scope_has_to_be_answered(self) -> None:
        assignment = make_assignment(scope=(1,))
        facts = complete(STAGES, make_package(free=0), assignment, answers=ANSWERED[:1])
        assert saved(rules.submit(facts), Package).state is PackageState.INSPECT

    def test_a_review_is_not_submitted(self) -> None:
        with pytest.raises(WrongState, match="inspect"):
            rules.submit(complete(STAGES, AT_INSPECT, INSPECTING, answers=ANSWERED))

    def test_abandoned_tasks_are_counted(self) -> None:
        answers = (ANSWERED[0], make_answer(2, abandon_reason="dark"))
        facts = complete(STAGES, make_package(free=0), make_assignment(), answers=answers)
        assert saved(rules.submit(facts), Package).abandoned == 1

    def test_the_last_package_finishes_the_job(self) -> None:
        job = make_job()
        facts = complete(job, make_package(free=0), make_assignment(), answers=ANSWERED)
        assert facts.plan.next_stage is None
        change = rules.submit(attrs.evolve(facts, last_of_job=job))
        assert saved(change, Job).state is JobState.FINISHED
        assert saved(change, Package).state is PackageState.DONE

    QUEUE = make_job(workflow=Workflow(Label(on_abandon="queue"), Inspect()))

    def test_abandoned_tasks_are_offered_once_more(self) -> None:
        answers = (ANSWERED[0], make_answer(2, abandon_reason="dark"))
        package = make_package(free=0)
        change = rules.submit(complete(self.QUEUE, package, make_assignment(), answers=answers))
        after = saved(change, Package)
        assert (after.state, after.round, after.scope) == (PackageState.LABEL, 2, (2,))
        assert (after.requeued, after.abandoned) == ((2,), 0)
        assert change.event.data == {"requeued": [2]}

    def test_but_only_once_and_not_when_erased(self) -> None:
        answers = (ANSWERED[0], make_answer(2, abandon_reason="dark"))
        for fields in ({"requeued": (2,)}, {"erased": (2,)}):
            package = make_package(free=0, **fields)
            change = rules.submit(complete(self.QUEUE, package, make_assignment(), answers=answers))
            assert saved(change, Package).state is PackageState.INSPECT
            assert change.event.data == {}

    def test_what_an_expert_abandons_is_offered_once_more_too(self) -> None:
        expert = make_assignment(7, member=9, scope=(2,), purpose=Purpose.ESCALATION)
        given = (
            ANSWERED[0],
            make_answer(2, escalation_reason=""),
            make_answer(2, assignment=7, abandon_reason="dark"),
        )
        package = make_package(free=0)
        change = rules.submit(complete(self.QUEUE, package, expert, LABELED, answers=given))
        assert saved(change, Package).requeued == (2,)
        # and what an expert answers is not, although its labeler had nothing to say
        answered = (*given[:2], make_answer(2, assignment=7, replies=CAT))
        change = rules.submit(complete(self.QUEUE, package, expert, LABELED, answers=answered))
        assert saved(change, Package).requeued == ()

    VOTES = make_job(workflow=Workflow(Label(votes=2, min_votes=2), Inspect()))

    @pytest.mark.parametrize(
        ("free", "others"),
        [(1, ()), (0, (make_assignment(7, member=3),))],
        ids=["a slot is free", "another vote is held"],
    )
    def test_a_package_waits_for_the_other_votes(
        self, free: int, others: tuple[Assignment, ...]
    ) -> None:
        facts = complete(
            self.VOTES,
            make_package(free=free, votes=2),
            make_assignment(),
            *others,
            answers=ANSWERED,
        )
        change = rules.submit(facts)
        assert [type(after) for _, after in change.save] == [Assignment, ClaimCounter]
        assert change.add == ()

    def test_the_last_vote_merges_all_of_them(self) -> None:
        earlier = attrs.evolve(LABELED, id=3, member=9)
        votes = (
            make_answer(1, replies=CAT, assignment=3),
            make_answer(2, replies=CAT, assignment=3),
        )
        facts = complete(
            self.VOTES,
            make_package(free=0, votes=2),
            make_assignment(),
            earlier,
            answers=(*votes, *ANSWERED),
            template=make_template(),
            merged_id=8,
        )
        change = rules.submit(facts)
        merged, *answers = change.add
        assert isinstance(merged, Assignment)
        assert (merged.id, merged.member, merged.outcome) == (8, None, Outcome.MERGED)
        assert [answer.key for answer in answers] == [(4, 8, 1), (4, 8, 2)]
        after = saved(change, Package)
        assert (after.state, after.disputes) == (PackageState.INSPECT, (2,))

    def test_tasks_that_are_not_voted_on_again_stay_disputed(self) -> None:
        earlier = attrs.evolve(LABELED, id=3, member=9, scope=(2,))
        facts = complete(
            self.VOTES,
            make_package(free=0, votes=2, scope=(2,), disputes=(1, 2)),
            make_assignment(scope=(2,)),
            earlier,
            answers=(make_answer(2, replies=DOG, assignment=3), ANSWERED[1]),
            template=make_template(),
            merged_id=8,
        )
        assert saved(rules.submit(facts), Package).disputes == (1,)

    def test_functions_of_the_application_are_asked_before_the_votes_are_merged(self) -> None:
        label = Label(votes=2, min_votes=2, merge={"1": "first"})
        job = make_job(workflow=Workflow(label, Inspect()))
        vote = make_answer(1, replies=CAT, assignment=3)
        other = make_answer(2, replies=CAT, assignment=3)
        facts = complete(
            job,
            make_package(free=0, votes=2),
            make_assignment(),
            attrs.evolve(LABELED, id=3, member=9),
            answers=(vote, other, *ANSWERED),
            template=make_template(),
            merged_id=8,
        )
        calls = rules.find_merge_calls(facts)
        assert [(call.task, call.name) for call in calls] == [(1, "first"), (2, "first")]
        for call in calls:
            facts.merge_calls.add(call, MergeOutcome(reply=call.replies[0]))
        assert rules.find_merge_calls(facts) == []
        assert saved(rules.submit(facts), Package).disputes == ()
        assert rules.find_merge_calls(complete(self.VOTES, make_package(), make_assignment())) == ()

    def test_votes_are_not_merged_without_their_template(self) -> None:
        package = make_package(free=0, votes=2)
        facts = complete(self.VOTES, package, make_assignment(), answers=ANSWERED)
        with pytest.raises(ValueError, match="template"):
            rules.submit(facts)


class TestCloseVote:
    """Two have voted, and a third vote on task 2 waits for nobody in particular."""

    JOB = make_job(workflow=Workflow(Label(votes=2, max_votes=3, min_votes=2), Inspect()))
    OFFER = make_assignment(
        9,
        member=None,
        state=AssignmentState.OFFERED,
        purpose=Purpose.EXTRA_VOTE,
        scope=(2,),
    )
    VOTES = (LABELED, attrs.evolve(LABELED, id=7, member=9))

    def close(self, *more: Assignment, **fields: Any) -> Change:
        given = {"free": 0, "votes": 2, **fields}
        again = tuple(make_answer(task, replies=CAT, assignment=7, member=9) for task in (1, 2))
        facts = complete(
            self.JOB,
            make_package(**given),
            self.OFFER,
            *self.VOTES,
            *more,
            answers=(*ANSWERED, *again),
            template=make_template(),
            merged_id=8,
        )
        return rules.close_vote(facts)

    def test_the_votes_that_were_given_are_merged(self) -> None:
        change = self.close()
        ended = saved(change, Assignment)
        assert (ended.state, ended.outcome) == (AssignmentState.RETURNED, Outcome.RECALLED)
        merged, *answers = change.add
        assert isinstance(merged, Assignment)
        assert (merged.id, merged.state, merged.outcome) == (8, LABELED.state, Outcome.MERGED)
        assert (merged.scope, merged.purpose, len(answers)) == (None, Purpose.LABEL, 2)
        after = saved(change, Package)
        assert (after.state, after.disputes) == (PackageState.INSPECT, (2,))
        assert change.event.type == "close_vote"
        assert change.event.data == {"comment": rules.NOBODY_VOTES}

    def test_a_package_on_which_others_vote_waits_for_them(self) -> None:
        for change in (self.close(make_assignment(10, member=4)), self.close(free=1)):
            assert change.add == ()
            assert [type(after) for _, after in change.save] == [Assignment]

    def test_what_an_expert_has_is_waited_for(self) -> None:
        expert = make_assignment(10, member=4, scope=(1,), purpose=Purpose.ESCALATION)
        change = self.close(expert)
        assert saved(change, Package).state is PackageState.LABEL
        assert len(change.add) == 3


PARTIAL = make_job(workflow=Workflow(Label(allow_partial=True), Inspect()))


def offer_in(change: Change) -> Assignment:
    """Return the open offer that the change makes."""
    (offer,) = [each for each in change.add if isinstance(each, Assignment) and not each.outcome]
    assert offer.is_open_offer
    return offer


class TestHandInAPart:
    def facts(self, job: Job = PARTIAL, **fields: Any) -> Any:
        given: dict[str, Any] = {"answers": ANSWERED[:1], "part_id": 8, "releases_rest": True}
        return complete(job, make_package(free=0), make_assignment(), **{**given, **fields})

    def test_what_is_answered_is_credited_and_the_rest_is_offered(self) -> None:
        change = rules.submit(self.facts())
        ended = saved(change, Assignment)
        assert (ended.outcome, ended.scope) == (Outcome.SUBMITTED, (1,))
        offer = offer_in(change)
        assert (offer.id, offer.purpose, offer.scope) == (8, Purpose.REST, (2,))
        assert not [after for _, after in change.save if isinstance(after, Package)]
        assert change.event.data == {"rest": [2]}

    def test_without_a_rest_it_is_a_submit(self) -> None:
        change = rules.submit(self.facts(answers=ANSWERED))
        assert saved(change, Package).state is PackageState.INSPECT
        assert change.add == ()

    def test_the_rule_must_allow_it(self) -> None:
        with pytest.raises(NotAllowed, match="allow_partial"):
            rules.submit(self.facts(STAGES))

    def test_a_part_has_an_answer(self) -> None:
        with pytest.raises(Incomplete, match="release it instead"):
            rules.submit(self.facts(answers=()))

    def test_what_was_escalated_before_is_no_rest(self) -> None:
        expert = make_assignment(7, member=9, scope=(2,), purpose=Purpose.ESCALATION)
        given = complete(
            PARTIAL, make_package(free=0), make_assignment(), expert, answers=ANSWERED[:1]
        )
        change = rules.submit(attrs.evolve(given, releases_rest=True))
        assert change.add == ()
        assert saved(change, Assignment).outcome is Outcome.SUBMITTED


class TestAdjudicate:
    VOTES = make_job(
        workflow=Workflow(Label(votes=2, min_votes=2), Inspect()),
        workforce={Crew.ADJUDICATORS: StageWorkers((9,))},
    )
    FIRST = attrs.evolve(LABELED, id=3, member=9)
    VOTED = (
        make_answer(1, replies=CAT, assignment=3),
        make_answer(2, replies=CAT, assignment=3),
        *ANSWERED,
    )

    def last_vote(self, *others: Assignment, **fields: Any) -> Change:
        given: dict[str, Any] = {
            "answers": self.VOTED,
            "template": make_template(),
            "merged_id": 8,
            "part_id": 9,
            "has_adjudicators": True,
        }
        package = make_package(free=0, votes=2)
        others = (self.FIRST, *others)
        facts = complete(self.VOTES, package, make_assignment(), *others, **{**given, **fields})
        return rules.submit(facts)

    def test_disputed_tasks_are_offered_and_the_package_stays(self) -> None:
        change = self.last_vote()
        offer = offer_in(change)
        assert (offer.id, offer.purpose, offer.scope) == (9, Purpose.ADJUDICATION, (2,))
        after = saved(change, Package)
        assert (after.state, after.disputes) == (PackageState.LABEL, (2,))

    def test_a_job_is_not_finished_by_votes_that_are_disputed(self) -> None:
        change = self.last_vote(last_of_job=self.VOTES)
        assert not [after for _, after in change.save if isinstance(after, Job)]

    def test_without_a_dispute_the_package_goes_on(self) -> None:
        agreed = (*self.VOTED[:2], ANSWERED[0], make_answer(2, replies=CAT))
        change = self.last_vote(answers=agreed)
        assert saved(change, Package).state is PackageState.INSPECT

    def test_what_the_experts_have_is_not_adjudicated(self) -> None:
        expert = make_assignment(7, member=5, scope=(2,), purpose=Purpose.ESCALATION)
        change = self.last_vote(expert)
        assert [each.id for each in change.add if isinstance(each, Assignment)] == [8]
        assert not [after for _, after in change.save if isinstance(after, Package)]

    def test_the_decision_ends_the_dispute(self) -> None:
        merged = attrs.evolve(LABELED, id=8, member=None, outcome=Outcome.MERGED)
        decision = make_assignment(9, member=5, scope=(2,), purpose=Purpose.ADJUDICATION)
        facts = complete(
            self.VOTES,
            make_package(free=0, votes=2, disputes=(2,)),
            decision,
            self.FIRST,
            attrs.evolve(LABELED, id=5),
            merged,
            answers=(*self.VOTED, make_answer(2, replies=DOG, assignment=9)),
        )
        change = rules.submit(facts)
        after = saved(change, Package)
        assert (after.state, after.disputes) == (PackageState.INSPECT, ())
        assert change.add == (), "votes are merged once"
