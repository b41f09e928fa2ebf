"""Votes: several members label a package, and a rule for each question makes one answer of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NoReturn

import attrs
import pytest
from support.scenes import cats, labeled, rows, street, taken

import itagflow
from itagflow import (
    Accept,
    Choice,
    Choices,
    Flow,
    Incomplete,
    Inspect,
    InvalidData,
    Job,
    Label,
    Merge,
    Preference,
    Rating,
    Result,
    Stage,
    TaskState,
    Template,
    Text,
    Workflow,
    maintenance,
    templates,
)
from itagflow.core import lookup
from itagflow.errors import NotRegistered
from itagflow.model import OnDispute, Option, PackageState, Question
from itagflow.model.reply import Reply
from itagflow.storage import Query

RATING = Template(
    questions=(
        Question("1", "RATING", "Fluency"),
        Question("2", "INPUT", "Comment", required=False),
    ),
    views=(),
)
VOTERS: tuple[str, ...] = ("ben", "cy", "dan")


def poll(
    flow: Flow, template: Template, label: Label, *reviews: Inspect | Accept, **more: Any
) -> Job:
    """A job on which ben, cy and dan vote, and di reviews if somebody does."""
    workforce = {Stage.LABEL: list(VOTERS)}
    if reviews:
        workforce[Stage.INSPECT] = ["di"]
    return flow.jobs.create(
        street(flow, *VOTERS, "di"),
        "poll",
        template=template,
        data=more.pop("data", rows(1)),
        workflow=Workflow(label, *reviews),
        workforce=workforce,
        by="ada",
        **more,
    )


def vote(flow: Flow, name: str, job: Job, replies: Mapping[str, Reply]) -> None:
    """Everything in one package is answered alike."""
    assignment = taken(flow, name, job)
    for item in flow.tasks(assignment):
        flow.save(assignment, item, replies)
    flow.submit(assignment)


def rate(flow: Flow, job: Job, *said: tuple[float, str]) -> Result:
    for name, (rating, comment) in zip(VOTERS, said, strict=False):
        vote(flow, name, job, {"1": Rating(rating), "2": Text(comment)})
    return flow.results.get(job, 1)


def ratings_of(result: Result) -> list[Reply]:
    return [vote.replies["1"] for vote in result.votes if vote.replies]


def is_consistent(flow: Flow, job: Job) -> bool:
    return list(maintenance.verify(flow, job)) == []


class TestTwoRowsOfRaters:
    """The same rating with different comments, and the ratings 3, 4, 5."""

    def test_the_same_rating_with_different_comments_is_no_dispute(self, flow: Flow) -> None:
        job = poll(flow, RATING, Label(votes=3, min_votes=2), Inspect())
        result = rate(flow, job, (4, "reads well"), (4, "a bit stiff"), (4, ""))
        label = result.stages[Stage.LABEL]
        assert (label.replies, label.disputed, label.kept) == ({"1": Rating(4)}, (), ("2",))
        comments = [vote.replies["2"] for vote in result.votes if vote.replies]
        assert comments == [Text("reads well"), Text("a bit stiff"), Text("")]
        assert flow.jobs.progress(job).disputed == 0
        flow.review(taken(flow, "di", job, Stage.INSPECT))
        assert flow.results.get(job, 1).state is TaskState.FINAL
        assert is_consistent(flow, job)

    def test_the_ratings_three_four_and_five_are_the_median(self, flow: Flow) -> None:
        job = poll(flow, RATING, Label(votes=3, min_votes=2, on_dispute="keep"))
        result = rate(flow, job, (3, "a"), (4, "b"), (5, "c"))
        assert (result.state, result.replies) == (TaskState.FINAL, {"1": Rating(4)})
        assert ratings_of(result) == [Rating(3), Rating(4), Rating(5)]
        assert result.kept == ("2",)
        assert is_consistent(flow, job)

    def test_with_a_tolerance_they_are_a_dispute_that_a_review_decides(self, flow: Flow) -> None:
        merge = {"Fluency": Merge("median", tolerance=1)}
        job = poll(flow, RATING, Label(votes=3, min_votes=2, merge=merge), Inspect())
        result = rate(flow, job, (3, "a"), (4, "b"), (5, "c"))
        assert result.stages[Stage.LABEL].disputed == ("1",)
        review = taken(flow, "di", job, Stage.INSPECT)
        (item,) = flow.tasks(review)
        assert len(item.votes) == 3
        with pytest.raises(Incomplete):
            flow.review(review)
        # the reviewer picks a comment, too: then it is kept no more
        flow.modify(review, item, {"1": Rating(3), "2": Text("a")})
        flow.review(review)
        result = flow.results.get(job, 1)
        assert result.replies == {"1": Rating(3), "2": Text("a")}
        assert (result.kept, len(result.votes)) == ((), 3)
        assert is_consistent(flow, job)

    def test_with_mean_the_exact_number_stands_beside_the_reply(self, flow: Flow) -> None:
        job = poll(flow, RATING, Label(votes=3, merge={"1": "mean"}, on_dispute="keep"))
        last = rate(flow, job, (3, ""), (4, ""), (4, "")).last
        assert last is not None
        assert last.replies == {"1": Rating(4)}
        assert last.merge is not None
        assert last.merge.questions["1"].number == pytest.approx(11 / 3)

    def test_a_majority_of_ratings_may_be_asked_for(self, flow: Flow) -> None:
        label = Label(votes=3, min_votes=2, merge={"Fluency": "majority"})
        result = rate(flow, poll(flow, RATING, label, Inspect()), (3, ""), (4, ""), (5, ""))
        assert result.stages[Stage.LABEL].disputed == ("1",)


def test_a_job_stores_the_rule_of_every_question(flow: Flow) -> None:
    job = poll(flow, RATING, Label(votes=3, merge={"Fluency": "mode"}), Inspect())
    stored = {id: merge.name for id, merge in job.workflow.label.merge.items()}
    assert stored == {"1": "mode", "2": "keep"}
    assert flow.jobs.get(job) == job


def test_the_merged_answer_says_who_voted_the_counts_the_confidence_and_the_rule(
    flow: Flow,
) -> None:
    job = poll(flow, RATING, Label(votes=3, min_votes=2), Inspect())
    merge = rate(flow, job, (4, ""), (4, ""), (2, "")).stages[Stage.LABEL].merge
    assert merge is not None
    people = {member.id: member.account for member in flow.members.list("street")}
    assert [people[id] for id in merge.voters] == ["ben", "cy", "dan"]
    fluency = merge.questions["1"]
    assert (fluency.rule, fluency.counts) == (Merge("median"), (2, 1))
    assert fluency.confidence == pytest.approx(2 / 3)


def test_options_are_merged_one_by_one_where_asked(flow: Flow) -> None:
    options = [Option("day"), Option("rain"), Option("night")]
    template = Template(questions=(Question("1", "CHECKBOX", "Tags", options),), views=())
    job = poll(flow, template, Label(votes=3, merge={"Tags": "each"}, on_dispute="keep"))
    for name, keys in zip(VOTERS, (["day"], ["rain", "day"], ["night", "rain"]), strict=True):
        vote(flow, name, job, {"1": Choices(keys)})
    assert flow.results.get(job, 1).replies == {"1": Choices(["day", "rain"])}


ANIMALS = Template(
    questions=(
        Question(
            "1",
            "RADIO",
            "Animal",
            [Option("cat"), Option("dog")],
            children=[Question("2", "RATING", "Tameness", when=["cat"])],
        ),
    ),
    views=(),
)


def test_a_question_whose_condition_is_not_met_is_dropped(flow: Flow) -> None:
    job = poll(flow, ANIMALS, Label(votes=3, min_votes=2, on_dispute="keep"))
    vote(flow, "ben", job, {"1": Choice("cat"), "2": Rating(5)})
    vote(flow, "cy", job, {"1": Choice("dog")})
    vote(flow, "dan", job, {"1": Choice("dog")})
    result = flow.results.get(job, 1)
    assert (result.replies, result.last and result.last.disputed) == ({"1": Choice("dog")}, ())
    assert is_consistent(flow, job)


def test_a_required_question_that_is_kept_counts_as_answered(flow: Flow) -> None:
    template = Template(questions=(Question("1", "OPEN_ENDED", "Story"),), views=())
    job = poll(flow, template, Label(votes=3, min_votes=3), Inspect())
    for name in VOTERS:
        vote(flow, name, job, {"1": Text(f"told by {name}")})
    flow.review(taken(flow, "di", job, Stage.INSPECT))
    result = flow.results.get(job, 1)
    assert (result.state, result.replies, result.kept) == (TaskState.FINAL, {}, ("1",))
    assert is_consistent(flow, job)


def test_with_on_dispute_keep_no_review_is_needed_and_the_result_says_what_is_open(
    flow: Flow,
) -> None:
    cats = templates.image_classification(["cat", "dog"])
    job = poll(flow, cats, Label(votes=2, on_dispute="keep"))
    for name, key in (("ben", "cat"), ("cy", "dog")):
        vote(flow, name, job, {"1": Choice(key)})
    result = flow.results.get(job, 1)
    assert result.state is TaskState.FINAL
    assert result.last is not None
    assert (result.last.replies, result.last.disputed) == ({}, ("1",))
    assert result.last.merge is not None
    assert result.last.merge.on_dispute is OnDispute.KEEP
    assert result.last.merge.questions["1"].reason == "no reply has more votes than any other"
    assert (flow.jobs.progress(job).disputed, flow.jobs.get(job).state.value) == (0, "finished")
    assert is_consistent(flow, job)


def test_without_it_disputes_need_a_review() -> None:
    with pytest.raises(InvalidData, match="on_dispute='keep'"):
        Workflow(Label(votes=2))


def test_min_votes_counts_replies_that_are_not_abandoned(flow: Flow) -> None:
    job = poll(flow, RATING, Label(votes=3, min_votes=2, on_dispute="keep"))
    assignment = taken(flow, "ben", job)
    flow.abandon(assignment, 1, "no sound")
    flow.submit(assignment)
    vote(flow, "cy", job, {"1": Rating(3)})
    vote(flow, "dan", job, {"1": Rating(5)})
    result = flow.results.get(job, 1)
    assert result.replies == {"1": Rating(3)}
    assert [vote.is_abandoned for vote in result.votes] == [True, False, False]


class TestFunctionsOfTheApplication:
    def test_one_decides_while_nothing_is_locked(self, url: str) -> None:
        seen = list[tuple[str, int]]()

        def choose_longest(question: Question, replies: Sequence[Reply]) -> Reply | None:
            # it may use the Flow, which would wait for itself if anything were locked
            seen.append((question.title, len(list(flow.results.list("poll")))))
            return max(replies, key=lambda reply: len(getattr(reply, "text", "")))

        with itagflow.open(url, merges={"longest": choose_longest}) as flow:
            label = Label(votes=2, merge={"Comment": "longest"}, on_dispute="keep")
            job = poll(flow, RATING, label)
            result = rate(flow, job, (4, "ok"), (4, "reads well"))
            assert result.replies == {"1": Rating(4), "2": Text("reads well")}
            assert seen == [("Comment", 1)]
            assert is_consistent(flow, job)

    @pytest.mark.parametrize(
        ("returned", "reason"),
        [
            (IndexError("no such reply"), "'mine' raised IndexError: no such reply"),
            (None, "'mine' returned no reply"),
            ("great", "'mine' returned 'great', which is no reply"),
            (Rating(99), "1: must be from 1 to 5 in steps of 1, not 99"),
            (Choice("cat"), "1: needs a Rating, not a Choice"),
        ],
    )
    def test_what_it_raises_or_the_template_refuses_makes_a_dispute(
        self, url: str, returned: Any, reason: str
    ) -> None:
        def merge(question: Question, replies: Sequence[Reply]) -> Any:
            if isinstance(returned, Exception):
                raise returned
            return returned

        with itagflow.open(url, merges={"mine": merge}) as flow:
            job = poll(flow, RATING, Label(votes=2, merge={"1": "mine"}), Inspect())
            label = rate(flow, job, (3, ""), (5, "")).stages[Stage.LABEL]
            assert (label.replies, label.disputed) == ({}, ("1",))
            assert label.merge is not None
            assert label.merge.questions["1"].reason == reason
            assert is_consistent(flow, job)

    def test_a_process_that_lacks_it_refuses_before_work_is_done(self, url: str) -> None:
        with itagflow.open(url, merges={"mine": lambda _, replies: replies[0]}) as flow:
            job = poll(flow, RATING, Label(votes=2, merge={"1": "mine"}), Inspect())
            without = Flow(flow.store)
            with pytest.raises(NotRegistered, match="no merge 'mine' is registered"):
                without.claim("ben", job, Stage.LABEL)
            assert "'mine' is not registered here" in str(without.explain("ben", job, Stage.LABEL))
            with pytest.raises(NotRegistered):
                without.jobs.clone(job, "again", by="ada")
            assignment = taken(flow, "ben", job)
            flow.save(assignment, 1, {"1": Rating(3)})
            vote(flow, "cy", job, {"1": Rating(3)})
            with pytest.raises(NotRegistered):
                without.submit(assignment)
            assert flow.submit(assignment).outcome is not None

    def test_a_job_cannot_name_one_that_is_not_there(self, flow: Flow) -> None:
        with pytest.raises(NotRegistered):
            poll(flow, RATING, Label(votes=2, merge={"1": "mine"}), Inspect())
        assert list(flow.jobs.list("street")) == []


def test_all_votes_are_read_as_flat_rows(flow: Flow) -> None:
    job = poll(flow, RATING, Label(votes=3, min_votes=2), Inspect(), data=rows(2))
    for name, rating in zip(VOTERS, (3, 4, 5), strict=True):
        vote(flow, name, job, {"1": Rating(rating), "2": Text(f"by {name}")})
    votes = list(flow.results.votes(job))
    assert [(row["task"], row["by"], row["Fluency"]) for row in votes] == [
        *((1, "ben", 3), (1, "cy", 4), (1, "dan", 5)),
        *((2, "ben", 3), (2, "cy", 4), (2, "dan", 5)),
    ]
    assert list(votes[0]) == ["task", "round", "by", "at", "abandoned", "Fluency", "Comment"]
    first = list(flow.results.votes(job, limit=2))
    assert first == votes[:2]
    assert list(flow.results.votes(job, after=first[-1])) == votes[2:]
    assert list(flow.results.votes(job, after=1, limit=2)) == votes[3:5]
    assert list(flow.results.votes(flow.results.partition(job, 2)[1])) == votes[3:]
    with pytest.raises(itagflow.NotFound):
        list(flow.results.votes(job, after={"task": 1, "by": "ada"}))


def test_the_answer_of_a_single_labeler_is_no_vote(flow: Flow) -> None:
    job = poll(flow, RATING, Label())
    rate(flow, job, (4, ""))
    assert list(flow.results.votes(job)) == []
    assert flow.results.get(job, 1).votes == ()


def test_only_votes_of_the_newest_round_are_merged(flow: Flow) -> None:
    job = poll(flow, RATING, Label(votes=2), Inspect())
    rate(flow, job, (1, ""), (1, ""))
    flow.reject(taken(flow, "di", job, Stage.INSPECT), comment="listen to the end", whole=True)
    result = rate(flow, job, (5, ""), (5, ""))
    assert ratings_of(result) == [Rating(5), Rating(5)]
    assert result.stages[Stage.LABEL].replies == {"1": Rating(5)}
    assert {row["round"] for row in flow.results.votes(job)} == {2}


def test_only_a_share_of_the_packages_is_voted_on(flow: Flow) -> None:
    label = Label(votes=2, votes_package_share=0.3, on_dispute="keep")
    job = poll(flow, RATING, label, data=rows(60), packaging=itagflow.FixedSize(1), seed=7)
    votes = {package.number: package.votes for package in flow.packages.list(job)}
    drawn = {number for number, count in votes.items() if count == 2}
    assert 8 <= len(drawn) <= 28
    flow.jobs.append(job, rows(61)[60:], by="ada")
    while (assignment := flow.claim("ben", job, Stage.LABEL)) is not None:
        for item in flow.tasks(assignment):
            flow.save(assignment, item, {"1": Rating(4)})
        flow.submit(assignment)
    states = {package.number: package.state for package in flow.packages.list(job)}
    done = {number for number, state in states.items() if state is PackageState.DONE}
    assert done == set(votes.keys()) - drawn | ({61} if states[61] is PackageState.DONE else set())
    assert {result.task.number for result in flow.results.list(job) if not result.votes} == done
    assert is_consistent(flow, job)


def test_a_share_needs_votes() -> None:
    with pytest.raises(InvalidData, match="beside one vote"):
        Label(votes_package_share=0.5)


def test_a_preference_is_merged_by_majority(flow: Flow) -> None:
    template = Template(
        questions=(Question("1", "PREFERENCE", "Better", [Option("a"), Option("b")]),), views=()
    )
    job = poll(flow, template, Label(votes=3, min_votes=2, on_dispute="keep"))
    for name, better in zip(VOTERS, ("a", "b", "b"), strict=True):
        vote(flow, name, job, {"1": Preference(better)})
    assert flow.results.get(job, 1).replies == {"1": Preference("b")}


def break_off(_: object) -> NoReturn:
    """Interrupt what shows its progress, before its first step."""
    raise KeyboardInterrupt


class TestRaisingVotes:
    def start(self, flow: Flow, label: Label | None = None) -> Job:
        return poll(
            flow,
            RATING,
            label or Label(),
            Inspect(),
            data=rows(3),
            packaging=itagflow.FixedSize(1),
        )

    def raised(self, flow: Flow, job: Job, votes: int) -> Job:
        workflow = flow.jobs.get(job).workflow
        more = attrs.evolve(workflow.label, votes=votes)
        return flow.jobs.update(job, workflow=Workflow(more, Inspect()), by="ada")

    def test_packages_that_are_still_at_label_get_more_slots(self, flow: Flow) -> None:
        job = self.start(flow)
        vote(flow, "ben", job, {"1": Rating(2)})  # the first has left LABEL
        held = taken(flow, "cy", job)
        job = self.raised(flow, job, 3)
        assert (job.workflow.label.votes, job.raising_votes) == (3, False)
        assert {id: merge.name for id, merge in job.workflow.label.merge.items()} == {
            "1": "median",
            "2": "keep",
        }
        packages = list(flow.packages.list(job))
        assert [(package.votes, package.free) for package in packages] == [(1, 1), (3, 2), (3, 3)]
        assert is_consistent(flow, job)
        flow.save(held, 2, {"1": Rating(3)})
        flow.submit(held)
        assert flow.packages.get((job, 2)).state is PackageState.LABEL
        for name in ("ben", "dan"):
            vote(flow, name, job, {"1": Rating(5)})
        assert ratings_of(flow.results.get(job, 2)) == [Rating(3), Rating(5), Rating(5)]
        assert flow.results.get(job, 1).votes == ()
        assert is_consistent(flow, job)

    def test_a_package_that_comes_back_to_label_has_the_votes_of_now(self, flow: Flow) -> None:
        job = self.start(flow)
        vote(flow, "ben", job, {"1": Rating(2)})
        job = self.raised(flow, job, 2)
        assert flow.packages.get((job, 1)).votes == 1
        flow.reject(taken(flow, "di", job, Stage.INSPECT), comment="listen again", whole=True)
        package = flow.packages.get((job, 1))
        assert (package.votes, package.voted_since, package.free) == (2, 2, 1)
        assert is_consistent(flow, job)
        vote(flow, "ben", job, {"1": Rating(4)})
        vote(flow, "cy", job, {"1": Rating(4)})
        assert ratings_of(flow.results.get(job, 1)) == [Rating(4), Rating(4)]
        assert is_consistent(flow, job)

    def test_they_cannot_become_fewer_and_what_was_made_by_a_rule_keeps_it(
        self, flow: Flow
    ) -> None:
        job = self.start(flow, Label(votes=2))
        for label, reason in (
            (Label(), "votes cannot become fewer: they are 2, not 1"),
            (Label(votes=2, merge={"1": "mean"}), "merge cannot change"),
            (Label(votes=3, votes_package_share=0.5), "votes_package_share cannot change"),
            (Label(votes=3, limit=2), "label, limit: can be another number, but not be given"),
        ):
            with pytest.raises(InvalidData, match=reason):
                flow.jobs.update(job, workflow=Workflow(label, Inspect()), by="ada")
        with pytest.raises(
            InvalidData, match="must have the same stages as before: label, inspect"
        ):
            flow.jobs.update(job, workflow=Workflow(Label(votes=3), Accept()), by="ada")
        assert flow.jobs.get(job) == job

    def test_there_must_be_enough_who_label(self, flow: Flow) -> None:
        job = self.start(flow)
        with pytest.raises(itagflow.NotAllowed, match="4 different members must label"):
            self.raised(flow, job, 4)
        assert flow.jobs.get(job) == job

    def test_the_event_has_the_workflow_before_and_after(self, flow: Flow) -> None:
        job = self.raised(flow, self.start(flow), 2)
        (event,) = (event for event in flow.events.list(job) if event.type == "update_job")
        workflow = event.data["workflow"]
        assert "votes" not in workflow["before"]["label"]
        assert workflow["after"]["label"]["votes"] == 2
        raised = [event for event in flow.events.list(job) if event.type == "raise_votes"]
        assert raised[0].data["numbers"] == [1, 2, 3]
        assert str(raised[0]).endswith("raised the votes of job 'poll'")

    def test_what_broke_off_goes_on_when_it_is_asked_again(self, flow: Flow) -> None:
        job = self.start(flow)
        two = Workflow(Label(votes=2), Inspect())
        with pytest.raises(KeyboardInterrupt):
            flow.jobs.update(job, workflow=two, by="ada", progress=break_off)
        assert flow.jobs.get(job).raising_votes
        assert is_consistent(flow, job)
        assert [package.votes for package in flow.packages.list(job)] == [1, 1, 1]
        job = flow.jobs.update(job, workflow=two, by="ada")
        assert not job.raising_votes
        assert [package.votes for package in flow.packages.list(job)] == [2, 2, 2]
        assert is_consistent(flow, job)

    def test_only_drawn_packages_get_more(self, flow: Flow) -> None:
        label = Label(votes=2, votes_package_share=0.5)
        job = self.start(flow, label)
        before = [package.votes for package in flow.packages.list(job)]
        job = self.raised(flow, job, 3)
        after = [package.votes for package in flow.packages.list(job)]
        assert after == [3 if votes == 2 else 1 for votes in before]
        assert is_consistent(flow, job)


def test_wrongly_merged_votes_are_found() -> None:
    with itagflow.open("memory:") as flow:  # whose contents no fixture checks
        job = poll(flow, RATING, Label(votes=2, min_votes=2), Inspect())
        rate(flow, job, (3, "a"), (5, "b"))
        with flow.store.write() as writer:
            merged = next(
                answer
                for answer in writer.find(Query(itagflow.Answer, {"job": job.id}))
                if answer.member is None
            )
            locked = writer.lock(itagflow.Answer, merged.key)
            again = {"replies": {"1": Rating(5)}, "kept": (), "version": locked.version + 1}
            writer.save(attrs.evolve(locked, **again))
        found = {one.field for one in maintenance.verify(flow, job)}
        assert {"replies", "kept"} <= found


def test_who_was_removed_reads_no_more_votes(flow: Flow, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lookup, "PAGE", 1)
    job = cats(flow, tasks=2, workflow=Workflow(Label(votes=2), Inspect()))
    for account in ("ben", "cy"):
        labeled(flow, account, job)
    flow.members.add("street", "eve", "viewer", by="ada")
    found = flow.results.votes(job, by="eve")
    next(found)
    flow.members.remove("street", "eve", by="ada")
    with pytest.raises(itagflow.NotAllowed, match="removed"):
        list(found)
