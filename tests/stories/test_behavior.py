"""What the design says in a sentence, and no other story tells; `tests/docs/behavior.txt` lists all."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from support.scenes import Clock, cats, labeled, rows, street, taken

import itagflow
from itagflow import (
    Accept,
    AssignmentState,
    Box,
    Choice,
    Crew,
    FixedSize,
    Flow,
    Inspect,
    InvalidData,
    Job,
    JobState,
    Label,
    NotHeld,
    PackageState,
    Rating,
    Regions,
    Role,
    Route,
    Stage,
    TaskState,
    Template,
    Text,
    Workflow,
    maintenance,
    templates,
)
from itagflow.model import Outcome, Spans, TextSpan

REVIEWED = Workflow(Label(), Inspect())
KEYED = [{"data": {"source": f"{n}.jpg", "id": n}} for n in range(1, 8)]


def drafted(flow: Flow, data: Any = None) -> Job:
    home = street(flow, "ben", "cy")
    return flow.jobs.create(
        home,
        "cats",
        template=templates.image_classification(["cat", "dog"]),
        data=rows(2) if data is None else data,
        workforce={Stage.LABEL: ["ben", "cy"]},
        row_key="id" if data is not None else None,
        packaging=FixedSize(2),
        by="ada",
        draft=True,
    )


class TestJobs:
    @pytest.mark.parametrize("state", JobState)
    def test_a_job_is_archived_from_anywhere(self, flow: Flow, state: JobState) -> None:
        job = drafted(flow)
        if state is not JobState.DRAFT:
            flow.jobs.publish(job, by="ada")
        acts: dict[JobState, Callable[[], object]] = {
            JobState.PAUSED: lambda: flow.jobs.pause(job, by="ada"),
            JobState.FINISHED: lambda: flow.jobs.finish(job, discard_open=True, by="ada"),
            JobState.ARCHIVED: lambda: flow.jobs.archive(job, by="ada"),
        }
        if state in acts:
            acts[state]()
        assert flow.jobs.get(job).state is state
        assert flow.jobs.archive(job, by="ada").state is JobState.ARCHIVED
        flow.jobs.delete(job, by="ada")
        assert list(flow.jobs.list("street")) == []

    def test_a_draft_is_deleted_without_being_archived(self, flow: Flow) -> None:
        job = drafted(flow)
        flow.jobs.delete(job, by="ada")
        assert list(flow.jobs.list("street")) == []

    @pytest.mark.parametrize("is_paused", [False, True])
    def test_the_act_that_ends_the_last_package_finishes_the_job_in_its_own_event(
        self, flow: Flow, is_paused: bool
    ) -> None:
        job = cats(flow, tasks=2)
        assignment = taken(flow, "ben", job)
        flow.save_many(assignment, {1: Choice("cat"), 2: Choice("cat")})
        if is_paused:
            flow.jobs.pause(job, by="ada")
        flow.submit(assignment)
        (*_, last) = flow.events.list(job)
        moves = {(change.kind, change.field): change.after for change in last.changes}
        assert last.type == "submit"
        assert (moves["package", "state"], moves["job", "state"]) == ("done", "finished")

    def test_a_due_time_is_shown_and_stops_nobody(self, flow: Flow, clock: Clock) -> None:
        job = cats(flow, due_at=clock.now + timedelta(hours=1))
        clock.forward(hours=2)
        assert flow.jobs.get(job).due_at == clock.now - timedelta(hours=1)
        assert taken(flow, "ben", job).package == 1


class Broken(Exception):
    """What the source of the rows raises in the middle."""


def breaking(data: list[dict[str, Any]], after: int) -> Iterator[dict[str, Any]]:
    yield from data[:after]
    raise Broken


class TestLongOperations:
    """Each is a sequence of complete operations: sent again, it goes on."""

    @pytest.mark.parametrize("verb", ["load", "append"])
    def test_rows_that_broke_off_go_on_when_they_are_sent_again(
        self, flow: Flow, monkeypatch: pytest.MonkeyPatch, verb: str
    ) -> None:
        monkeypatch.setattr("itagflow.jobs.loading_rules.ROWS_PER_TRANSACTION", 2)
        job = drafted(flow, KEYED[:1] if verb == "append" else [])
        if verb == "append":
            flow.jobs.publish(job, by="ada")
        add = getattr(flow.jobs, verb)
        with pytest.raises(Broken):
            add(job, breaking(KEYED, 5), by="ada")
        stored = flow.jobs.progress(job).total
        assert 0 < stored < 7, "whole transactions are stored"
        add(job, KEYED, by="ada")
        assert flow.jobs.progress(job).total == 7
        assert [r.task.data["id"] for r in flow.results.list(job)] == list(range(1, 8))

    def test_a_copy_that_broke_off_goes_on_when_it_is_made_again(
        self, flow: Flow, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        job = cats(flow, tasks=6)
        labeled(flow, "ben", job)
        with itagflow.open("memory:") as other:

            def stop(total: Any) -> Iterator[Any]:
                for number, each in enumerate(total):
                    if number == 1:
                        raise Broken
                    yield each

            with pytest.raises(Broken):
                maintenance.copy(flow, to=other.store, progress=stop)
            maintenance.copy(flow, to=other.store)
            assert list(other.results.list(job.id)) == list(flow.results.list(job))
            assert list(maintenance.verify(other)) == []

    def test_an_import_that_broke_off_leaves_nothing_in_the_way(
        self, flow: Flow, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        job = cats(flow, tasks=4)
        for _ in range(2):
            labeled(flow, "ben", job)
        file = io.BytesIO()
        flow.results.export(job, "itag", file)
        lines = file.getvalue().decode().splitlines()

        def read(after: int) -> Iterator[str]:
            yield from lines[:after]
            if after < len(lines):
                raise Broken

        monkeypatch.setattr("itagflow.jobs.loading_rules.ROWS_PER_TRANSACTION", 1)
        make = lambda after: flow.jobs.import_results(  # noqa: E731
            "street",
            "again",
            template=templates.image_classification(["cat", "dog"]),
            data=read(after),
            by="ada",
        )
        with pytest.raises(Broken):
            make(3)
        again = make(4)
        assert [r.state for r in flow.results.list(again)] == [TaskState.FINAL] * 4


class TestPackages:
    def test_rows_that_are_appended_form_packages_of_their_own(self, flow: Flow) -> None:
        job = cats(flow, tasks=3)
        flow.jobs.append(job, rows(3), by="ada")
        assert [package.size for package in flow.packages.list(job)] == [2, 1, 2, 1]

    def test_a_package_goes_back_to_its_first_review_and_a_discarded_one_to_label(
        self, flow: Flow
    ) -> None:
        job = cats(flow, tasks=4, workflow=REVIEWED)
        labeled(flow, "ben", job)
        flow.review(taken(flow, "di", job, Stage.INSPECT))
        flow.packages.discard((job, 2), by="ada")
        assert flow.jobs.get(job).state is JobState.FINISHED
        assert flow.packages.reopen((job, 1), by="ada").state is PackageState.INSPECT
        assert flow.packages.reopen((job, 2), by="ada").state is PackageState.LABEL
        assert flow.jobs.get(job).state is JobState.RUNNING
        flow.packages.discard((job, 1), by="ada")
        assert flow.packages.reopen((job, 1), by="ada").state is PackageState.LABEL


class TestAssignments:
    def test_each_way_to_end_one_leaves_it_to_be_read(self, flow: Flow, clock: Clock) -> None:
        job = cats(flow, tasks=6, size=1)
        ends = dict[int, Outcome]()
        for number, (end, outcome) in enumerate(
            (
                (lambda a: flow.release(a), Outcome.RELEASED),
                (lambda a: flow.assignments.reassign(a, "cy", by="ada"), Outcome.REASSIGNED),
                (lambda a: flow.packages.discard((job, a.package), by="ada"), Outcome.RECALLED),
                (lambda a: clock.forward(hours=3), Outcome.EXPIRED),
            ),
            1,
        ):
            assignment = flow.claim("ben", job, Stage.LABEL, package=number)
            assert assignment is not None
            assert assignment.state is AssignmentState.HELD
            end(assignment)
            ends[assignment.id] = outcome
        flow.assignments.expire(job, by="ada")
        submitted = labeled(flow, "ben", job)
        for id, outcome in ends.items():
            ended = flow.assignments.get((job.id, id))
            assert (ended.state, ended.outcome) == (AssignmentState.RETURNED, outcome)
        assert flow.assignments.get(submitted).state is AssignmentState.DONE
        listed = {each.id for each in flow.assignments.list("ben", job=job, live=False)}
        assert listed == {*ends, submitted.id}, "none is ever deleted"

    def test_what_is_handed_in_is_done(self, flow: Flow) -> None:
        job = cats(flow, tasks=2, workflow=Workflow(Label(), Inspect(), Accept()))
        ended = [labeled(flow, "ben", job)]
        ended += [flow.reject(taken(flow, "di", job, Stage.INSPECT), tasks=[1], comment="no cat")]
        ended += [labeled(flow, "ben", job, "dog")]
        ended += [flow.review(taken(flow, "di", job, Stage.INSPECT))]
        ended += [flow.accept(taken(flow, "ada", job, Stage.ACCEPT))]
        assert [flow.assignments.get(each).state for each in ended] == [AssignmentState.DONE] * 5
        assert [each.outcome for each in ended] == [
            Outcome.SUBMITTED,
            Outcome.REJECTED,
            Outcome.SUBMITTED,
            Outcome.REVIEWED,
            Outcome.ACCEPTED,
        ]

    def test_an_offer_is_claimed_by_who_was_named_and_by_nobody_else(self, flow: Flow) -> None:
        job = cats(flow, tasks=2)
        offer = flow.assignments.assign((job, 1), "cy", by="ada")
        assert offer.state is AssignmentState.OFFERED
        with pytest.raises(NotHeld, match="claim"):
            flow.save(offer, 1, Choice("cat"))
        assert flow.claim("ben", job, Stage.LABEL) is None
        held = taken(flow, "cy", job)
        assert (held.id, held.state) == (offer.id, AssignmentState.HELD)

    @pytest.mark.parametrize("crew", [Crew.EXPERTS, "experts"])
    def test_a_crew_is_a_key_of_the_workforce_beside_the_stages(
        self, flow: Flow, crew: Any
    ) -> None:
        home = street(flow, "ben", "eve")
        job = flow.jobs.create(
            home,
            "cats",
            template=templates.image_classification(["cat", "dog"]),
            data=rows(1),
            workforce={"label": ["ben"], crew: ["eve"]},
            by="ada",
        )
        eve = flow.members.get(home, "eve").id
        assert job.workforce[Crew.EXPERTS].members == (eve,)
        flow.escalate(taken(flow, "ben", job), 1)
        assert taken(flow, "eve", job).stage is Stage.LABEL


def test_the_state_of_a_task_is_computed_from_its_answers(flow: Flow) -> None:
    job = cats(flow, tasks=2, workflow=Workflow(Label(), Inspect(), Accept()))

    def states() -> list[TaskState]:
        return [result.state for result in flow.results.list(job)]

    assert states() == [TaskState.TODO] * 2
    assignment = taken(flow, "ben", job)
    flow.save(assignment, 1, Choice("cat"))
    flow.abandon(assignment, 2, "dark")
    flow.submit(assignment)
    assert states() == [TaskState.ANSWERED, TaskState.ABANDONED]
    review = taken(flow, "di", job, Stage.INSPECT)
    flow.judge(review, 1, wrong="no cat")
    flow.reject(review)
    assert states() == [TaskState.WRONG, TaskState.ABANDONED]
    rework = taken(flow, "ben", job)
    flow.save(rework, 1, Choice("dog"))
    flow.submit(rework)
    assert states() == [TaskState.ANSWERED, TaskState.ABANDONED]
    flow.review(taken(flow, "di", job, Stage.INSPECT))
    assert states() == [TaskState.PASSED, TaskState.ABANDONED]
    flow.accept(taken(flow, "ada", job, Stage.ACCEPT))
    assert states() == [TaskState.FINAL, TaskState.ABANDONED]


class TestClaiming:
    def test_what_lapsed_first_is_taken_first_and_ones_own_is_renewed(
        self, flow: Flow, clock: Clock
    ) -> None:
        job = cats(flow, tasks=3, size=1, label=("ben", "cy", "eve"))
        for name, package in (("ben", 3), ("cy", 1), ("eve", 2)):
            assert flow.claim(name, job, Stage.LABEL, package=package) is not None
            clock.forward(minutes=1)
        clock.forward(hours=3)
        assert taken(flow, "ben", job).package == 3, "their own"
        assert taken(flow, "ben", job).package == 1, "then what lapsed first of the others"
        assert taken(flow, "ben", job).package == 2

    def test_a_limit_is_counted_for_each_member_and_stage(self, flow: Flow) -> None:
        assert (Label().limit, Label().max_total) == (None, None)
        job = cats(
            flow,
            size=1,
            workflow=Workflow(Label(limit=1), Inspect(limit=1)),
            inspect=("ben", "cy", "di"),
        )
        labeled(flow, "cy", job)
        labeled(flow, "cy", job)
        assert taken(flow, "ben", job).stage is Stage.LABEL
        assert flow.claim("ben", job, Stage.LABEL) is None
        assert taken(flow, "ben", job, Stage.INSPECT).package == 1
        assert flow.claim("ben", job, Stage.INSPECT) is None
        assert taken(flow, "di", job, Stage.INSPECT).package == 2

    def test_saving_and_renewing_extend_the_lease(self, flow: Flow, clock: Clock) -> None:
        job = cats(flow)
        assignment = taken(flow, "ben", job)
        for act in (
            lambda: flow.save(assignment, 1, Choice("cat")),
            lambda: flow.save(assignment, 1, Choice("cat")),  # the same once more
            lambda: flow.renew(assignment),
        ):
            clock.forward(minutes=90)
            act()
            held = flow.assignments.get(assignment)
            assert held.lease_until == clock.now + timedelta(hours=2)
        clock.forward(minutes=119)
        assert flow.claim("cy", job, Stage.LABEL, package=1) is None

    def test_saves_within_a_minute_need_not_extend_the_lease(
        self, flow: Flow, clock: Clock
    ) -> None:
        job = cats(flow)
        assignment = taken(flow, "ben", job)
        until = assignment.lease_until
        assert until is not None
        for seconds, reply in ((30, "cat"), (29, "dog")):
            clock.forward(seconds=seconds)
            flow.save(assignment, 1, Choice(reply))
            assert flow.assignments.get(assignment).lease_until == until
        clock.forward(seconds=1)
        flow.save(assignment, 1, Choice("cat"), draft=True)
        assert flow.assignments.get(assignment).lease_until == until + timedelta(minutes=1)
        clock.forward(seconds=1)
        assert flow.renew(assignment).lease_until == clock.now + timedelta(hours=2)


class TestVotes:
    def test_one_vote_decides_unless_more_are_asked_for(self, flow: Flow) -> None:
        assert Label(votes=3).min_votes == 1
        job = cats(flow, tasks=2, workflow=Workflow(Label(votes=2), Inspect()))
        assignment = taken(flow, "ben", job)
        flow.abandon(assignment, 1, "dark")
        flow.save(assignment, 2, Choice("dog"))
        flow.submit(assignment)
        labeled(flow, "cy", job, "dog")
        assert flow.packages.get((job, 1)).disputes == ()
        assert flow.results.get(job, 1).replies == {"1": Choice("dog")}


DIALOGUE = templates.dialogue_rating(["helpful"], comment=True)
MESSAGES = [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello!"}]


class TestRaters:
    """Three rate a dialogue with the template of the library, which asks for a comment, too."""

    @staticmethod
    def rated(flow: Flow, said: list[tuple[float, str]], *reviews: Inspect) -> Job:
        home = street(flow, "ben", "cy", "dan", "di")
        workforce = {Stage.LABEL: ["ben", "cy", "dan"]}
        if reviews:
            workforce[Stage.INSPECT] = ["di"]
        job = flow.jobs.create(
            home,
            "dialogues",
            template=DIALOGUE,
            data=[{"data": {"dialogue": MESSAGES}}],
            workflow=Workflow(Label(votes=3, min_votes=2, on_dispute="keep"), *reviews),
            workforce=workforce,
            by="ada",
        )
        helpful, comment = DIALOGUE.questions
        for name, (rating, text) in zip(("ben", "cy", "dan"), said, strict=True):
            assignment = taken(flow, name, job)
            flow.save(assignment, 1, {helpful.id: Rating(rating), comment.id: Text(text)})
            flow.submit(assignment)
        return job

    @pytest.mark.parametrize("is_reviewed", [False, True])
    @pytest.mark.parametrize(
        ("said", "rating"),
        [
            ([(4, "good"), (4, "a bit long"), (4, "")], 4),
            ([(3, "poor"), (4, "good"), (5, "great")], 4),
        ],
    )
    def test_ratings_end_as_the_rule_says_with_all_votes_beside_them(
        self, flow: Flow, said: list[tuple[float, str]], rating: float, is_reviewed: bool
    ) -> None:
        job = self.rated(flow, said, *([Inspect()] if is_reviewed else []))
        if is_reviewed:
            assert flow.packages.get((job, 1)).disputes == ()
            flow.review(taken(flow, "di", job, Stage.INSPECT))
        helpful, comment = DIALOGUE.questions
        result = flow.results.get(job, 1)
        assert (result.state, result.replies) == (TaskState.FINAL, {helpful.id: Rating(rating)})
        assert result.kept == (comment.id,)
        votes = [vote.replies for vote in result.votes]
        assert votes == [{helpful.id: Rating(r), comment.id: Text(text)} for r, text in said]
        assert flow.jobs.get(job).state is JobState.FINISHED

    @pytest.mark.parametrize(
        ("template", "data", "draw"),
        [
            (
                templates.object_detection(["car"]),
                {"source": "1.jpg"},
                lambda: Regions([Box(1, 2, 30, 40, label="car")], width=100, height=100),
            ),
            (
                templates.entity_recognition(["place"]),
                {"source": "from Rome"},
                lambda: Spans([TextSpan(5, 9, label="place")]),
            ),
        ],
    )
    def test_identical_boxes_and_spans_of_two_voters_are_no_dispute(
        self, flow: Flow, template: Template, data: dict[str, str], draw: Callable[[], Any]
    ) -> None:
        home = street(flow, "ben", "cy", "di")
        job = flow.jobs.create(
            home,
            "drawn",
            template=template,
            data=[{"data": data}],
            workflow=Workflow(Label(votes=2, min_votes=2), Inspect()),
            workforce={Stage.LABEL: ["ben", "cy"], Stage.INSPECT: ["di"]},
            by="ada",
        )
        said = dict[str, Any]()
        for name in ("ben", "cy"):
            assignment = taken(flow, name, job)
            said[name] = flow.save(assignment, 1, draw()).replies
            flow.submit(assignment)
        assert flow.packages.get((job, 1)).disputes == ()
        result = flow.results.get(job, 1)
        assert result.stages[Stage.LABEL].disputed == ()
        assert result.replies in (said["ben"], said["cy"])


def test_rework_to_the_queue_reaches_the_only_labeler(flow: Flow) -> None:
    workflow = Workflow(Label(rework=Route.QUEUE), Inspect())
    job = cats(flow, tasks=2, workflow=workflow, label=("ben",))
    labeled(flow, "ben", job)
    flow.reject(taken(flow, "di", job, Stage.INSPECT), whole=True, comment="again")
    labeled(flow, "ben", job, "dog")
    flow.review(taken(flow, "di", job, Stage.INSPECT))
    assert flow.jobs.get(job).state is JobState.FINISHED


def test_what_is_judged_wrong_goes_back_and_a_word_about_the_package_sends_back_no_more(
    flow: Flow,
) -> None:
    job = cats(flow, tasks=3, size=3, workflow=REVIEWED)
    labeled(flow, "ben", job)
    review = taken(flow, "di", job, Stage.INSPECT)
    flow.judge(review, 2, wrong="no cat")
    flow.reject(review, comment="the whole lot")
    rework = taken(flow, "ben", job)
    assert rework.scope == (2,)
    (item,) = flow.tasks(rework)
    assert (item.comment, item.package_comment) == ("no cat", "the whole lot")


def test_a_result_that_was_skipped_is_told_and_stays_in_its_row(flow: Flow) -> None:
    street(flow, "ben")
    bad = {"results": [{"questionId": "1", "data": "cow", "type": "survey/value"}]}
    good = {"results": [{"questionId": "1", "data": "cat", "type": "survey/value"}]}
    job = flow.jobs.import_results(
        "street",
        "old",
        template=templates.image_classification(["cat"]),
        data=[{"data": {"source": f"{n}"}, "label-7": block} for n, block in ((1, good), (2, bad))],
        on_error="skip",
        by="ada",
    )
    report = flow.jobs.load_report(job)
    (problem,) = report.problems
    assert (report.bad_results, problem.where.startswith("task 2")) == (1, True)
    file = io.BytesIO()
    flow.results.export(job, "itag", file)
    second = json.loads(file.getvalue().splitlines()[1])
    assert second["label-7"] == bad, "the next export has it as it came"


class TestLiveChanges:
    def test_saves_and_judgments_made_later_follow_the_new_rules(
        self, flow: Flow, clock: Clock
    ) -> None:
        job = cats(flow, tasks=4, workflow=REVIEWED)
        labeled(flow, "ben", job)
        held = taken(flow, "ben", job)
        review = taken(flow, "di", job, Stage.INSPECT)
        flow.judge(review, 1, wrong="no cat")
        other = Workflow(Label(lease=timedelta(hours=9)), Inspect(reasons=("blurred",)))
        flow.jobs.update(job, workflow=other, by="ada")
        flow.save(held, 3, Choice("cat"))
        assert flow.assignments.get(held).lease_until == clock.now + timedelta(hours=9)
        with pytest.raises(InvalidData, match="reason"):
            flow.judge(review, 2, wrong="no cat either")
        flow.judge(review, 2, reason="blurred")
        flow.reject(review)
        items = list(flow.tasks(taken(flow, "ben", job)))
        assert [(item.comment, item.reason) for item in items] == [
            ("no cat", ""),
            ("", "blurred"),
        ], "a judgment that was made before stays as it was"

    def test_the_event_has_every_field_before_and_after(self, flow: Flow) -> None:
        job = cats(flow, workflow=REVIEWED)
        other = Workflow(Label(lease=timedelta(hours=9), redo_all=True), Inspect(task_count=1))
        flow.jobs.update(job, workflow=other, by="ada")
        (event,) = [each for each in flow.events.list(job) if each.type == "update_job"]
        change = event.data["workflow"]
        differing = {
            (stage, field)
            for stage in ("label", "inspect")
            for field in {*change["before"][stage], *change["after"][stage]}
            if change["before"][stage].get(field) != change["after"][stage].get(field)
        }
        assert differing == {("label", "lease"), ("label", "redo_all"), ("inspect", "task_count")}


def test_a_role_that_may_not_label_is_in_no_crew(flow: Flow) -> None:
    """Whoever decides must be able to work at LABEL; a viewer only reads."""
    home = street(flow, "ben", "cy", "di")
    flow.members.add(home, "vic", Role.VIEWER, by="ada")
    with pytest.raises(itagflow.Incomplete, match="nobody may work in"):
        flow.jobs.create(
            home,
            "cats",
            template=templates.image_classification(["cat", "dog"]),
            data=rows(1),
            workforce={Stage.LABEL: ["ben"], Crew.EXPERTS: ["vic"]},
            by="ada",
        )
