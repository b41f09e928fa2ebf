"""A week of a team that compares and rates answers of language models, three raters each."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from typing import Any

import pytest
from support.scenes import street, taken

from itagflow import (
    Crew,
    FixedSize,
    Flow,
    Inspect,
    InvalidData,
    Job,
    JobState,
    Label,
    NotAllowed,
    NotHeld,
    PackageState,
    Preference,
    Rating,
    Role,
    Stage,
    TaskState,
    Text,
    Workflow,
    templates,
)
from itagflow.errors import Incomplete, NotAcknowledged
from itagflow.model import Purpose
from itagflow.model.reply import Reply

RATERS = ("ben", "cy", "dan")
MESSAGES = [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello!"}]
PAIR = templates.pairwise_preference(degrees=3, comment=True)


def team(flow: Flow, *more: str) -> None:
    home = street(flow, *RATERS, *more)
    flow.members.add(home, "vic", Role.VIEWER, by="ada")


def pairs(count: int) -> list[dict[str, Any]]:
    return [
        {"data": {"prompt": f"question {n}", "a": f"answer a{n}", "b": f"answer b{n}"}}
        for n in range(1, count + 1)
    ]


def preferences(flow: Flow, label: Label, *reviews: Inspect, **more: Any) -> Job:
    workforce: dict[Any, Any] = {Stage.LABEL: list(RATERS), **more.pop("workforce", {})}
    return flow.jobs.create(
        "street",
        "pref",
        template=PAIR,
        data=pairs(more.pop("tasks", 2)),
        packaging=FixedSize(1),
        workflow=Workflow(label, *reviews),
        workforce=workforce,
        by="ada",
        **more,
    )


def prefers(key: str | None, why: str, degree: int = 1) -> Mapping[str, Reply]:
    """The reply to each question of the template: what is better, and why."""
    preference, comment = PAIR.questions
    better = Preference(None) if key is None else Preference(key, degree=degree)
    return {preference.id: better, comment.id: Text(why)}


def rate(flow: Flow, name: str, job: Job, *replies: Mapping[str, Reply]) -> None:
    for each in replies:
        assignment = taken(flow, name, job)
        (item,) = flow.tasks(assignment, by=name)
        flow.save(assignment, item, each)
        flow.submit(assignment, by=name)


class TestCalibration:
    """Everybody rates everything; then they talk, and the guideline changes."""

    def calibration(self, flow: Flow) -> Job:
        team(flow)
        return flow.jobs.create(
            "street",
            "cal-1",
            template=templates.dialogue_rating(["helpful"], comment=True),
            data=[{"data": {"dialogue": MESSAGES}} for _ in range(2)],
            packaging=FixedSize(2),
            workflow=Workflow(Label(votes=3, on_dispute="keep", acknowledge=True)),
            workforce={Stage.LABEL: RATERS},
            guideline="rate how helpful the last answer is",
            by="ada",
        )

    def rate_all(self, flow: Flow, name: str, job: Job, rating: float, comment: str) -> None:
        flow.acknowledge(name, job)
        assignment = taken(flow, name, job)
        helpful, remark = flow.templates.get(job).questions
        for item in flow.tasks(assignment, by=name):
            flow.save(assignment, item, {helpful.id: Rating(rating), remark.id: Text(comment)})
        flow.submit(assignment, by=name)

    def test_everybody_rates_everything_and_who_differs_from_whom_can_be_read(
        self, flow: Flow
    ) -> None:
        job = self.calibration(flow)
        for name, rating, comment in (
            ("ben", 3, "short"),
            ("cy", 4, ""),
            ("dan", 5, "kind and short"),
        ):
            self.rate_all(flow, name, job, rating, comment)
        votes = list(flow.results.votes(job, by="ada"))
        assert len(votes) == 6
        table = {(vote["task"], vote["by"]): vote["helpful"] for vote in votes}
        assert table == {
            (task, name): rating
            for task in (1, 2)
            for name, rating in (("ben", 3), ("cy", 4), ("dan", 5))
        }
        # the ratings end as the rule says, with all votes beside them
        assert flow.jobs.get(job).state is JobState.FINISHED
        for result in flow.results.list(job, by="ada"):
            assert result.state is TaskState.FINAL
            helpful, remark = flow.templates.get(job).questions
            assert result.replies == {helpful.id: Rating(4)}
            assert result.kept == (remark.id,)
            comments = [vote.replies[remark.id] for vote in result.votes if vote.replies]
            assert comments == [Text("short"), Text(""), Text("kind and short")]
        with pytest.raises(NotAllowed):
            list(flow.results.votes(job, by="ben"))

    def test_every_answer_says_under_which_guideline_it_was_given(self, flow: Flow) -> None:
        job = self.calibration(flow)
        with pytest.raises(NotAcknowledged):
            flow.claim("ben", job, Stage.LABEL)
        self.rate_all(flow, "ben", job, 3, "")
        job = flow.jobs.update(job, guideline="helpful means: it answers the question", by="ada")
        assert job.guideline_version == 2
        with pytest.raises(NotAcknowledged) as asked:
            flow.acknowledge("cy", job, version=1)
            flow.claim("cy", job, Stage.LABEL)
        assert asked.value.version == 2
        self.rate_all(flow, "cy", job, 4, "")
        versions = {
            name: assignment.guideline_version
            for name in ("ben", "cy")
            for assignment in flow.assignments.list(name, job=job, live=False)
        }
        assert versions == {"ben": 1, "cy": 2}
        texts = [guideline.text for guideline in flow.jobs.guidelines(job, by="cy")]
        assert texts == [
            "rate how helpful the last answer is",
            "helpful means: it answers the question",
        ]


class TestPreferences:
    """Pairs, each compared by three, in an order that differs from rater to rater."""

    def test_left_and_right_are_shuffled_and_the_answer_keeps_what_was_shown(
        self, flow: Flow
    ) -> None:
        team(flow)
        job = preferences(flow, Label(votes=3, on_dispute="keep"), tasks=20)
        shown = set[tuple[str, ...]]()
        (question, _) = PAIR.questions
        for name in RATERS:
            for _ in range(20):
                assignment = taken(flow, name, job)
                (item,) = flow.tasks(assignment, by=name)
                order = tuple(item.order[question.id])
                shown.add(order)
                # whoever always takes what stands on the left
                answer = flow.save(assignment, item, prefers(order[0], "left"))
                assert tuple(answer.order[question.id]) == order
                flow.submit(assignment, by=name)
        assert shown == {("a", "b"), ("b", "a")}
        votes = [
            vote.replies[question.id]
            for result in flow.results.list(job)
            for vote in result.votes
            if vote.replies
        ]
        better = {vote.better for vote in votes if isinstance(vote, Preference)}
        assert (len(votes), better) == (60, {"a", "b"}), "the position does not decide"

    def test_the_same_preference_with_other_reasons_is_agreement(self, flow: Flow) -> None:
        team(flow)
        job = preferences(flow, Label(votes=3, min_votes=2, on_dispute="keep"), tasks=1)
        rate(flow, "ben", job, prefers("a", "shorter"))
        rate(flow, "cy", job, prefers("a", "friendlier"))
        rate(flow, "dan", job, prefers("b", "longer"))
        result = flow.results.get(job, 1)
        preference, comment = PAIR.questions
        assert result.replies == {preference.id: Preference("a", degree=1)}
        assert result.kept == (comment.id,)
        assert result.last is not None
        assert result.last.disputed == ()
        assert result.last.merge is not None
        assert result.last.merge.questions[preference.id].counts == (2, 1)
        said = [vote.replies[comment.id] for vote in result.votes if vote.replies]
        assert said == [Text("shorter"), Text("friendlier"), Text("longer")]

    def test_no_rater_learns_what_another_says_before_their_own_vote(self, flow: Flow) -> None:
        team(flow)
        job = preferences(flow, Label(votes=3, on_dispute="keep"), tasks=1)
        rate(flow, "ben", job, prefers("a", "shorter"))
        flow.comments.add((job, 1), "a is plainly better", by="ada")
        assignment = taken(flow, "cy", job)
        (item,) = flow.tasks(assignment, by="cy")
        assert (item.votes, item.previous, item.submitted) == ((), None, None)
        for name in ("cy", "ada"):  # who may still vote
            assert "ben" not in {event.account for event in flow.events.list(job, by=name)}
        assert flow.results.get(job, 1, by="ada").votes == ()
        assert len(flow.results.get(job, 1, by="vic").votes) == 1, "vic only reads"

    def test_one_more_rating_is_asked_for_on_a_chosen_pair(self, flow: Flow) -> None:
        team(flow, "eve")
        job = preferences(
            flow,
            Label(votes=2, min_votes=2, on_dispute="keep"),
            tasks=1,
            workforce={Stage.LABEL: [*RATERS, "eve"]},
        )
        rate(flow, "ben", job, prefers("a", ""))
        (extra,) = flow.packages.ask_again([(job, 1)], by="ada")
        assert (extra.purpose, extra.member) == (Purpose.EXTRA_VOTE, None)
        for name, better in (("cy", "b"), ("dan", "b")):
            rate(flow, name, job, prefers(better, ""))
        result = flow.results.get(job, 1)
        (preference, _) = PAIR.questions
        assert (result.state, len(result.votes)) == (TaskState.FINAL, 3)
        assert result.replies is not None
        assert result.replies[preference.id] == Preference("b", degree=1)

    def test_votes_are_raised_while_people_work(self, flow: Flow) -> None:
        team(flow)
        job = preferences(
            flow, Label(votes=2, min_votes=2), Inspect(), workforce={Stage.INSPECT: ["ada"]}
        )
        rate(flow, "ben", job, prefers("a", ""), prefers("a", ""))
        rate(flow, "cy", job, prefers("a", ""))
        three = Workflow(Label(votes=3, min_votes=2), Inspect())
        job = flow.jobs.update(job, workflow=three, by="ada")
        first, second = flow.packages.list(job)
        assert first.state is PackageState.INSPECT, "what has left LABEL is as it was"
        assert (second.state, second.votes, second.free) == (PackageState.LABEL, 3, 2)
        rate(flow, "cy", job, prefers("a", ""))
        rate(flow, "dan", job, prefers("b", ""))
        assert [len(result.votes) for result in flow.results.list(job)] == [2, 3]
        with pytest.raises(InvalidData, match="votes"):
            flow.jobs.update(job, workflow=Workflow(Label(votes=2), Inspect()), by="ada")

    def test_who_does_not_know_asks_an_expert(self, flow: Flow) -> None:
        team(flow, "doc")
        job = preferences(
            flow,
            Label(votes=2, on_dispute="keep"),
            tasks=1,
            workforce={Crew.EXPERTS: ["doc"]},
        )
        ben = taken(flow, "ben", job)
        flow.escalate(ben, 1, comment="I don't know, medical", reason="medical", by="ben")
        flow.submit(ben, by="ben")
        rate(flow, "cy", job, prefers("a", "sounds right"))
        assert flow.jobs.get(job).state is JobState.RUNNING, "it does not end without an answer"
        doc = taken(flow, "doc", job)
        (item,) = flow.tasks(doc, by="doc")
        assert (doc.purpose, item.comment) == (Purpose.ESCALATION, "I don't know, medical")
        assert [vote.escalation_reason for vote in item.votes] == ["medical", None]
        flow.save(doc, item, prefers("b", "a is dangerous", 3))
        flow.submit(doc, by="doc")
        result = flow.results.get(job, 1)
        assert (result.state, result.replies) == (
            TaskState.FINAL,
            prefers("b", "a is dangerous", 3),
        )
        assert flow.jobs.progress(job).abandoned == 0
        assert flow.jobs.get(job).state is JobState.FINISHED

    def test_a_dispute_goes_to_an_adjudicator_who_says_whose_vote_won(self, flow: Flow) -> None:
        team(flow, "sue")
        job = preferences(
            flow,
            Label(votes=2, min_votes=2),
            Inspect(task_count=1),
            workforce={Stage.INSPECT: ["ada"], Crew.ADJUDICATORS: ["sue"]},
        )
        rate(flow, "ben", job, prefers("a", "shorter"), prefers("a", ""))
        assert flow.claim("sue", job, Stage.LABEL) is None
        rate(flow, "cy", job, prefers("b", "longer"), prefers("a", "same"))
        third = taken(flow, "sue", job)
        (item,) = flow.tasks(third, by="sue")
        picked = next(vote for vote in item.votes if vote.replies == prefers("b", "longer"))
        with pytest.raises(NotHeld):
            flow.save(third, item, pick=picked, by="ben")
        with pytest.raises(Incomplete):
            flow.submit(third, by="sue")
        answer = flow.save(third, item, pick=picked, by="sue")
        assert answer.picked == picked.assignment
        flow.submit(third, by="sue")
        assert flow.claim("sue", job, Stage.LABEL) is None, "on the other pair they agree"
        for _ in range(2):
            review = taken(flow, "ada", job, Stage.INSPECT)
            flow.review(review, by="ada")
        result = flow.results.get(job, 1)
        assert result.replies == prefers("b", "longer")
        sue = flow.members.get("street", "sue").id
        assert result.stages[Stage.LABEL].member == sue
        assert [len(each.votes) for each in flow.results.list(job)] == [2, 2]

    def test_the_export_has_the_merged_answer_and_the_votes_can_be_read_beside_it(
        self, flow: Flow
    ) -> None:
        team(flow)
        job = preferences(flow, Label(votes=3, on_dispute="keep"), tasks=1)
        for name, better in (("ben", "a"), ("cy", "a"), ("dan", "b")):
            rate(flow, name, job, prefers(better, f"says {name}"))
        file = io.BytesIO()
        flow.results.export(job, "itag", file, by="ada")
        (row,) = [json.loads(line) for line in file.getvalue().splitlines()]
        assert row["data"]["prompt"] == "question 1"
        assert [key for key in row if key.startswith("label-")]
        (flat,) = flow.results.rows(job, by="ada")
        assert flat["Preference"]["better"] == "a"
        votes = [(vote["by"], vote["Preference"]) for vote in flow.results.votes(job, by="ada")]
        assert [name for name, _ in votes] == list(RATERS)
