"""Tasks on which the votes do not agree get more votes, and others fewer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

import pytest
from support.scenes import cats, street, taken, verbs

import itagflow
from itagflow import (
    Assignment,
    AssignmentState,
    Choice,
    Crew,
    Field,
    Flow,
    GroupByField,
    Inspect,
    Job,
    JobState,
    Label,
    NotAllowed,
    PackageState,
    Stage,
    TaskState,
    Text,
    Workflow,
    maintenance,
    templates,
)
from itagflow.errors import InvalidData
from itagflow.model import Purpose, Question, Template
from itagflow.typing import Reply

RATERS = ("ben", "cy", "eve", "fay", "gil")
ADAPTIVE = Workflow(Label(votes=2, max_votes=5, agree=2 / 3), Inspect())
EARLY = Workflow(Label(votes=3, min_votes=2, stop_early=True), Inspect())


def voted(flow: Flow, member: str, job: Job, said: Mapping[int, str]) -> Assignment:
    """What a claim gives, with an answer to each of its tasks."""
    assignment = taken(flow, member, job)
    scope = [item.task.number for item in flow.tasks(assignment)]
    assert set(scope) == set(said)
    flow.save_many(assignment, {task: Choice(label) for task, label in said.items()})
    return flow.submit(assignment)


def stands(flow: Flow, job: Job) -> tuple[PackageState, tuple[int, ...]]:
    """Where the first package is, and which of its tasks are disputed."""
    package = flow.packages.get((job.id, 1))
    assert not list(maintenance.verify(flow, job))
    return package.state, package.disputes


def test_only_the_task_on_which_two_disagree_gets_a_third_vote(flow: Flow) -> None:
    job = cats(flow, tasks=2, workflow=ADAPTIVE, label=RATERS)
    voted(flow, "ben", job, {1: "cat", 2: "cat"})
    voted(flow, "cy", job, {1: "cat", 2: "dog"})
    assert stands(flow, job) == (PackageState.LABEL, ())
    (offer,) = flow.assignments.list(None, job=job)
    assert (offer.purpose, offer.scope, offer.member) == (Purpose.EXTRA_VOTE, (2,), None)
    assert flow.claim("ben", job, Stage.LABEL) is None, "nobody votes twice"
    voted(flow, "eve", job, {2: "dog"})
    assert stands(flow, job) == (PackageState.INSPECT, ())
    result = flow.results.get(job, 2)
    assert result.last is not None
    assert result.replies == {"1": Choice("dog")}
    assert result.last.merge is not None
    assert result.last.merge.questions["1"].counts == (2, 1)
    assert len(flow.results.get(job, 1).votes) == 2


def test_each_round_opens_one_slot_until_enough_agree(flow: Flow) -> None:
    job = cats(flow, tasks=2, workflow=ADAPTIVE, label=RATERS, template=animals())
    voted(flow, "ben", job, {1: "cat", 2: "cat"})
    voted(flow, "cy", job, {1: "dog", 2: "dog"})
    assert len(list(flow.assignments.list(None, job=job))) == 1
    voted(flow, "eve", job, {1: "dog", 2: "bird"})
    (offer,) = flow.assignments.list(None, job=job)
    assert offer.scope == (2,), "two of three agree on the first"
    voted(flow, "fay", job, {2: "bird"})
    voted(flow, "gil", job, {2: "bird"})
    # three of five are fewer than two thirds
    assert stands(flow, job) == (PackageState.INSPECT, (2,))
    disputed = flow.results.get(job, 2)
    assert disputed.state is TaskState.ANSWERED
    assert disputed.last is not None
    assert disputed.last.merge is not None
    reason = disputed.last.merge.questions["1"].reason
    assert reason == "60% of the votes agree, and 67% must"


def animals() -> Template:
    return templates.image_classification(["cat", "dog", "bird"])


def test_the_history_says_what_was_asked_again(flow: Flow) -> None:
    job = cats(flow, tasks=2, workflow=ADAPTIVE, label=RATERS)
    voted(flow, "ben", job, {1: "cat", 2: "cat"})
    voted(flow, "cy", job, {1: "cat", 2: "dog"})
    told = [event for event in flow.events.list(job) if "asked_again" in event.data]
    assert [event.type for event in told] == ["submit"]
    assert told[0].data["asked_again"] == [{"task": 2, "votes": 2, "agreeing": 1}]


def test_how_votes_stand_is_not_told_to_who_gave_one(flow: Flow) -> None:
    job = cats(flow, tasks=2, workflow=ADAPTIVE, label=RATERS)
    voted(flow, "ben", job, {1: "cat", 2: "cat"})
    last = voted(flow, "cy", job, {1: "cat", 2: "dog"})
    shown = list(flow.events.list(job, by="cy"))
    (own,) = [event for event in shown if event.type == "submit"]
    assert own.assignment == last.id
    assert "asked_again" not in own.data
    voted(flow, "eve", job, {2: "dog"})
    told = [event for event in flow.events.list(job, by="cy") if "asked_again" in event.data]
    assert len(told) == 1, "the votes are no secret any more"


def test_nobody_is_left_who_could_vote(flow: Flow) -> None:
    job = cats(flow, tasks=2, workflow=ADAPTIVE, label=("ben", "cy", "eve"), template=animals())
    voted(flow, "ben", job, {1: "cat", 2: "cat"})
    voted(flow, "cy", job, {1: "cat", 2: "dog"})
    voted(flow, "eve", job, {2: "bird"})
    assert stands(flow, job) == (PackageState.INSPECT, (2,))
    review = taken(flow, "di", job, Stage.INSPECT)
    with pytest.raises(Exception, match="disagree"):
        flow.review(review)
    flow.modify(review, 2, Choice("dog"))
    flow.review(review)
    assert flow.results.get(job, 2).replies == {"1": Choice("dog")}


def test_who_may_not_get_more_packages_is_not_waited_for(flow: Flow) -> None:
    workflow = Workflow(Label(votes=2, max_votes=3, max_total=1), Inspect())
    job = cats(flow, tasks=2, size=1, workflow=workflow, label=("ben", "cy", "eve", "fay"))
    voted(flow, "ben", job, {1: "cat"})
    voted(flow, "eve", job, {1: "cat"})
    voted(flow, "cy", job, {2: "cat"})
    voted(flow, "fay", job, {2: "dog"})
    assert flow.packages.get((job.id, 2)).disputes == (2,)


def test_adjudicators_decide_what_the_last_vote_left_open(flow: Flow) -> None:
    workflow = Workflow(Label(votes=2, max_votes=3, agree=2 / 3), Inspect())
    job = flow.jobs.create(
        street(flow, "ben", "cy", "eve", "di", "jo"),
        "cats",
        template=animals(),
        data=[{"data": {"source": "1.jpg"}}],
        workflow=workflow,
        workforce={
            Stage.LABEL: ["ben", "cy", "eve"],
            Stage.INSPECT: ["di"],
            Crew.ADJUDICATORS: ["jo"],
        },
        by="ada",
    )
    for name, label in (("ben", "cat"), ("cy", "dog"), ("eve", "bird")):
        assert flow.claim("jo", job, Stage.LABEL) is None
        voted(flow, name, job, {1: label})
    decision = taken(flow, "jo", job)
    assert decision.purpose is Purpose.ADJUDICATION
    flow.save(decision, 1, Choice("dog"))
    flow.submit(decision)
    assert stands(flow, job) == (PackageState.INSPECT, ())


def test_a_vote_that_is_asked_for_waits_for_another_when_it_is_given_back(flow: Flow) -> None:
    job = cats(flow, tasks=1, workflow=ADAPTIVE, label=RATERS)
    voted(flow, "ben", job, {1: "cat"})
    voted(flow, "cy", job, {1: "dog"})
    third = taken(flow, "eve", job)
    flow.save(third, 1, Choice("cat"))
    flow.members.remove("street", "eve", by="ada")
    assert flow.assignments.get(third).state is AssignmentState.RETURNED
    voted(flow, "fay", job, {1: "dog"})
    assert stands(flow, job) == (PackageState.INSPECT, ())
    assert flow.results.get(job, 1).replies == {"1": Choice("dog")}


def test_a_task_that_both_gave_up_is_not_asked_again(flow: Flow) -> None:
    job = cats(flow, tasks=2, workflow=ADAPTIVE, label=RATERS)
    for name in ("ben", "cy"):
        assignment = taken(flow, name, job)
        flow.abandon(assignment, 1, "dark")
        if name == "ben":
            flow.abandon(assignment, 2, "dark")
        else:
            flow.save(assignment, 2, Choice("cat"))
        flow.submit(assignment)
    voted(flow, "eve", job, {2: "cat"})
    assert stands(flow, job) == (PackageState.INSPECT, ())
    assert flow.results.get(job, 1).state is TaskState.ABANDONED
    assert flow.results.get(job, 2).replies == {"1": Choice("cat")}


def test_sent_back_work_is_voted_on_in_the_same_way(flow: Flow) -> None:
    job = cats(flow, tasks=2, workflow=ADAPTIVE, label=RATERS)
    voted(flow, "ben", job, {1: "cat", 2: "cat"})
    voted(flow, "cy", job, {1: "cat", 2: "cat"})
    flow.reject(taken(flow, "di", job, Stage.INSPECT), tasks=[2], comment="no cat")
    voted(flow, "ben", job, {2: "dog"})
    voted(flow, "cy", job, {2: "cat"})
    assert stands(flow, job) == (PackageState.LABEL, ())
    voted(flow, "eve", job, {2: "dog"})
    assert stands(flow, job) == (PackageState.INSPECT, ())
    assert flow.results.get(job, 2).replies == {"1": Choice("dog")}


def test_a_third_vote_only_where_it_can_change_something(flow: Flow) -> None:
    job = cats(flow, tasks=3, size=3, workflow=EARLY, label=RATERS)
    assert flow.packages.get((job.id, 1)).votes == 2
    voted(flow, "ben", job, {1: "cat", 2: "cat", 3: "dog"})
    voted(flow, "cy", job, {1: "cat", 2: "dog", 3: "dog"})
    voted(flow, "eve", job, {2: "dog"})
    assert stands(flow, job) == (PackageState.INSPECT, ())
    assert [flow.results.get(job, task).replies["1"] for task in (1, 2, 3)] == [
        Choice("cat"),
        Choice("dog"),
        Choice("dog"),
    ]
    assert [len(flow.results.get(job, task).votes) for task in (1, 2, 3)] == [2, 3, 2]


def test_after_the_last_vote_the_rule_decides_as_ever(flow: Flow) -> None:
    job = cats(flow, tasks=1, workflow=EARLY, label=RATERS, template=animals())
    for name, label in (("ben", "cat"), ("cy", "dog"), ("eve", "bird")):
        voted(flow, name, job, {1: label})
    assert stands(flow, job) == (PackageState.INSPECT, (1,))


def test_a_dispute_that_is_kept_ends_the_job(flow: Flow) -> None:
    workflow = Workflow(Label(votes=2, max_votes=3, on_dispute="keep"))
    job = cats(flow, tasks=1, workflow=workflow, label=RATERS, template=animals())
    for name, label in (("ben", "cat"), ("cy", "dog"), ("eve", "bird")):
        voted(flow, name, job, {1: label})
    result = flow.results.get(job, 1)
    assert result.state is TaskState.FINAL
    assert result.last is not None
    assert (result.last.disputed, result.replies) == (("1",), {})


def test_a_task_that_an_expert_answers_gets_no_more_votes(flow: Flow) -> None:
    job = flow.jobs.create(
        street(flow, *RATERS, "di", "jo"),
        "cats",
        template=animals(),
        data=[{"data": {"source": f"{number}.jpg"}} for number in (1, 2)],
        workflow=ADAPTIVE,
        workforce={Stage.LABEL: RATERS, Stage.INSPECT: ["di"], Crew.EXPERTS: ["jo"]},
        by="ada",
    )
    first = taken(flow, "ben", job)
    flow.save(first, 1, Choice("cat"))
    flow.escalate(first, 2, comment="a fox?")
    flow.submit(first)
    voted(flow, "cy", job, {1: "dog", 2: "cat"})
    extra = voted(flow, "eve", job, {1: "dog"})
    assert extra.scope == (1,)
    answer = taken(flow, "jo", job)
    flow.save(answer, 2, Choice("bird"))
    flow.submit(answer)
    assert stands(flow, job) == (PackageState.INSPECT, ())
    assert flow.results.get(job, 2).replies == {"1": Choice("bird")}


def test_an_overdue_package_is_closed_though_votes_are_asked_for(flow: Flow) -> None:
    workflow = Workflow(
        Label(votes=2, max_votes=5, agree=2 / 3, on_overdue={"1": Choice("dog")}), Inspect()
    )
    job = cats(flow, tasks=2, workflow=workflow, label=RATERS)
    voted(flow, "ben", job, {1: "cat", 2: "cat"})
    voted(flow, "cy", job, {1: "cat", 2: "dog"})
    due = flow.events.list(job)
    past = next(iter(due)).at - timedelta(days=1)
    flow.packages.set_due(job, past, by="ada")
    flow.tick()
    assert stands(flow, job) == (PackageState.INSPECT, ())
    assert flow.results.get(job, 1).replies == {"1": Choice("cat")}
    assert flow.results.get(job, 2).replies == {"1": Choice("dog")}


def test_a_withdrawn_task_is_waited_for_no_more(flow: Flow) -> None:
    job = cats(flow, tasks=2, workflow=ADAPTIVE, label=RATERS)
    voted(flow, "ben", job, {1: "cat", 2: "cat"})
    voted(flow, "cy", job, {1: "cat", 2: "dog"})
    flow.jobs.withdraw(job, tasks=[2], by="ada")
    voted(flow, "eve", job, {})
    assert stands(flow, job) == (PackageState.INSPECT, ())


def test_a_remark_may_be_kept_and_does_not_count(flow: Flow) -> None:
    template = Template(
        questions=(
            *templates.image_classification(["cat", "dog"]).questions,
            Question("2", "INPUT", "Note", required=False),
        ),
        views=(),
    )
    job = cats(flow, tasks=1, workflow=ADAPTIVE, label=RATERS, template=template)
    for name, note in (("ben", "big"), ("cy", "small")):
        assignment = taken(flow, name, job)
        flow.save(assignment, 1, {"1": Choice("cat"), "2": Text(note)})
        flow.submit(assignment)
    assert stands(flow, job) == (PackageState.INSPECT, ())
    assert flow.results.get(job, 1).kept == ("2",)


def test_what_has_no_point_at_which_votes_are_enough_is_refused(flow: Flow) -> None:
    ratings = Template(questions=(Question("1", "RATING", "Fluency"),), views=())
    with pytest.raises(InvalidData, match=r"max_votes: is not for 'median'.*'Fluency' \(1\)"):
        cats(flow, workflow=ADAPTIVE, label=RATERS, template=ratings)
    kept = Workflow(Label(votes=3, stop_early=True, merge={"1": "keep"}), Inspect())
    with pytest.raises(InvalidData, match="stop_early: is not for 'keep'"):
        flow.jobs.create(
            "street",
            "kept",
            template=animals(),
            workflow=kept,
            workforce={Stage.LABEL: RATERS, Stage.INSPECT: ["di"]},
            by="ada",
        )
    notes = Template(questions=(Question("1", "INPUT", "Note", required=False),), views=())
    with pytest.raises(InvalidData, match="all questions are kept"):
        flow.jobs.create("street", "notes", template=notes, workflow=ADAPTIVE, by="ada")


def test_how_more_votes_are_asked_for_is_not_changed_under_way(flow: Flow) -> None:
    job = cats(flow, tasks=1, workflow=ADAPTIVE, label=RATERS)
    for label in (Label(votes=2, max_votes=4, agree=2 / 3), Label(votes=2)):
        with pytest.raises(InvalidData, match="cannot change: votes were asked for by it"):
            flow.jobs.update(job, workflow=Workflow(label, Inspect()), by="ada")
    more = Workflow(Label(votes=3, max_votes=5, agree=2 / 3), Inspect())
    flow.jobs.update(job, workflow=more, by="ada")
    assert flow.packages.get((job.id, 1)).votes == 3


def test_more_votes_may_be_asked_for_by_hand_beside(flow: Flow) -> None:
    job = cats(flow, tasks=2, workflow=ADAPTIVE, label=RATERS)
    voted(flow, "ben", job, {1: "cat", 2: "cat"})
    flow.packages.ask_again([(job.id, 1)], by="ada")
    voted(flow, "cy", job, {1: "dog"})
    voted(flow, "eve", job, {1: "cat", 2: "dog"})
    assert [offer.scope for offer in flow.assignments.list(None, job=job)] == [(2,)]
    with pytest.raises(NotAllowed, match="different members"):
        flow.packages.ask_again([(job.id, 1)], votes=2, by="ada")
    voted(flow, "fay", job, {2: "dog"})
    assert stands(flow, job) == (PackageState.INSPECT, ())
    assert "ask_again" in verbs(flow, job)


def test_the_last_who_could_vote_goes_away_and_somebody_else_is_named(flow: Flow) -> None:
    job = cats(flow, tasks=1, workflow=ADAPTIVE, label=("ben", "cy", "eve"))
    voted(flow, "ben", job, {1: "cat"})
    voted(flow, "cy", job, {1: "dog"})
    flow.members.remove("street", "eve", by="ada")
    assert list(flow.jobs.blocked(job)) == [], "an administrator may vote, too"
    for name in ("ben", "cy"):
        assert flow.claim(name, job, Stage.LABEL) is None
    flow.members.add("street", "fay", "operator", by="ada")
    flow.jobs.add_workers(job, Stage.LABEL, ["fay"], by="ada")
    voted(flow, "fay", job, {1: "dog"})
    assert stands(flow, job) == (PackageState.INSPECT, ())


class TestTheLastWhoCouldVoteIsGone:
    """Two disagree on task 2; eve, the only one who could vote too, is asked, and then cannot."""

    @pytest.fixture
    def job(self, flow: Flow) -> Job:
        return self.make(flow, ADAPTIVE)

    def make(self, flow: Flow, workflow: Workflow, **more: Any) -> Job:
        job = cats(flow, tasks=2, workflow=workflow, label=("ben", "cy", "eve"), **more)
        voted(flow, "ben", job, {1: "cat", 2: "cat"})
        voted(flow, "cy", job, {1: "cat", 2: "dog"})
        assert flow.tick(job=job).votes == 0
        return job

    @pytest.mark.parametrize(
        "leave",
        [
            lambda flow, _: flow.members.remove("street", "eve", by="ada"),
            lambda flow, job: flow.jobs.remove_workers(job, Stage.LABEL, ["eve"], by="ada"),
            lambda flow, job: flow.jobs.set_workforce(job, {"label": ["ben", "cy"]}, by="ada"),
            lambda flow, _: flow.members.set_role("street", "eve", "viewer", by="ada"),
        ],
        ids=["removed", "not named any more", "others are named", "may not label any more"],
    )
    def test_a_tick_lets_the_package_go_on(self, flow: Flow, job: Job, leave: Any) -> None:
        leave(flow, job)
        assert stands(flow, job) == (PackageState.LABEL, ())
        report = flow.tick(job=job)
        assert (report.votes, report.changed) == (1, 1)
        assert str(report) == "1 job: 1 vote asked for no more"
        assert stands(flow, job) == (PackageState.INSPECT, (2,))
        offer = next(flow.assignments.list(None, job=job, live=False))
        assert offer.state is AssignmentState.RETURNED
        assert offer.comment == "nobody is left who could give this vote"
        assert flow.tick(job=job).votes == 0
        review = taken(flow, "di", job, Stage.INSPECT)
        flow.modify(review, 2, Choice("dog"))
        flow.review(review)
        assert flow.results.get(job, 2).replies == {"1": Choice("dog")}

    def test_who_held_it_and_was_removed_is_waited_for_no_more(self, flow: Flow, job: Job) -> None:
        taken(flow, "eve", job)
        assert flow.tick(job=job).votes == 0
        flow.members.remove("street", "eve", by="ada")
        assert flow.tick(job=job).votes == 1
        assert stands(flow, job) == (PackageState.INSPECT, (2,))

    def test_who_lost_the_skill_cannot_vote(self, flow: Flow) -> None:
        home = street(flow, "ben", "cy", "eve", "di")
        for name in ("ben", "cy", "eve"):
            flow.members.set_skills(home, name, {"lang:de": 90}, by="ada")
        label = Label(votes=2, max_votes=3, requires=Field("lang", skill="lang:{}", least=50))
        job = flow.jobs.create(
            home,
            "cats",
            template=templates.image_classification(["cat", "dog"]),
            data=[{"source": f"{number}.jpg", "lang": "de"} for number in (1, 2)],
            workflow=Workflow(label, Inspect()),
            packaging=GroupByField("lang"),
            workforce={"label": ["ben", "cy", "eve"], "inspect": ["di"]},
            by="ada",
        )
        voted(flow, "ben", job, {1: "cat", 2: "cat"})
        voted(flow, "cy", job, {1: "cat", 2: "dog"})
        flow.members.set_skills("street", "eve", {"lang:de": 10}, by="ada")
        assert flow.tick(job=job).votes == 1
        assert stands(flow, job) == (PackageState.INSPECT, (2,))

    def test_who_is_paused_comes_back(self, flow: Flow, job: Job) -> None:
        flow.members.pause("street", "eve", by="ada")
        assert flow.tick(job=job).votes == 0
        flow.members.resume("street", "eve", by="ada")
        voted(flow, "eve", job, {2: "dog"})
        assert stands(flow, job) == (PackageState.INSPECT, ())

    def test_somebody_else_who_is_named_first_is_asked(self, flow: Flow, job: Job) -> None:
        flow.members.remove("street", "eve", by="ada")
        flow.members.add("street", "fay", "operator", by="ada")
        flow.jobs.add_workers(job, Stage.LABEL, ["fay"], by="ada")
        assert flow.tick(job=job).votes == 0
        voted(flow, "fay", job, {2: "dog"})
        assert stands(flow, job) == (PackageState.INSPECT, ())

    def test_a_dispute_that_is_kept_ends_the_job(self, flow: Flow) -> None:
        job = self.make(flow, Workflow(Label(votes=2, max_votes=3, on_dispute="keep")))
        flow.members.remove("street", "eve", by="ada")
        flow.tick(job=job)
        assert flow.jobs.get(job).state is JobState.FINISHED
        last = flow.results.get(job, 2).last
        assert last is not None
        assert last.disputed == ("1",)

    def test_adjudicators_decide_what_is_left(self, flow: Flow) -> None:
        flow_ = Workflow(Label(votes=2, max_votes=3), Inspect())
        job = self.make(flow, flow_)
        flow.members.add("street", "lea", "leader", by="ada")
        flow.jobs.set_workforce(job, {Crew.ADJUDICATORS: ["lea"]}, by="ada")
        flow.members.remove("street", "eve", by="ada")
        flow.tick(job=job)
        assert stands(flow, job) == (PackageState.LABEL, (2,))
        decision = taken(flow, "lea", job)
        assert (decision.purpose, decision.scope) == (Purpose.ADJUDICATION, (2,))
        flow.save(decision, 2, Choice("dog"))
        flow.submit(decision)
        assert stands(flow, job) == (PackageState.INSPECT, ())

    def test_votes_asked_for_by_hand_are_taken_back_too(self, flow: Flow) -> None:
        workflow = Workflow(Label(votes=2, min_votes=2), Inspect())
        job = cats(flow, tasks=2, workflow=workflow, label=("ben", "cy", "eve"))
        voted(flow, "ben", job, {1: "cat", 2: "cat"})
        second = taken(flow, "cy", job)
        flow.packages.ask_again([(job, 2)], by="ada")
        flow.save_many(second, {1: Choice("cat"), 2: Choice("cat")})
        flow.submit(second)
        flow.members.remove("street", "eve", by="ada")
        assert stands(flow, job)[0] is PackageState.LABEL
        assert flow.tick(job=job).votes == 1
        assert stands(flow, job) == (PackageState.INSPECT, ())

    def test_a_merge_function_of_the_application_is_asked(self) -> None:
        asked = list[str]()

        def pick_last(question: Question, replies: Sequence[Reply]) -> Reply:
            asked.append(question.title)
            return replies[-1]

        with itagflow.open("memory:", merges={"last": pick_last}) as flow:
            job = cats(
                flow,
                tasks=1,
                workflow=Workflow(Label(votes=2, merge={"1": "last"}), Inspect()),
                label=("ben", "cy", "eve"),
            )
            voted(flow, "ben", job, {1: "cat"})
            second = taken(flow, "cy", job)
            flow.packages.ask_again([(job, 1)], by="ada")
            flow.save(second, 1, Choice("dog"))
            flow.submit(second)
            flow.members.remove("street", "eve", by="ada")
            flow.tick(job=job)
            assert stands(flow, job) == (PackageState.INSPECT, ())
            assert flow.results.get(job, 1).replies == {"1": Choice("dog")}
            assert asked
