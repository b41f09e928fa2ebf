"""Saving: versions of answers, half-filled ones, the time they took, and the programs that give them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from support.scenes import Clock, cats, labeled, rows, street, taken, verbs

import itagflow
from itagflow import (
    Accept,
    Assignment,
    Box,
    Choice,
    Flow,
    Incomplete,
    Inspect,
    InvalidData,
    Label,
    Regions,
    Stage,
    Text,
    Workflow,
    WrongState,
    maintenance,
    templates,
)
from itagflow.errors import Problem, StaleVersion
from itagflow.model import Draft
from itagflow.storage import Query
from itagflow.templates import DropOption, Option, Question, QuestionKind, RenameOption, Template

CAT, DOG = Choice("cat"), Choice("dog")
REVIEWED = Workflow(Label(), Inspect())


def item(flow: Flow, assignment: Assignment, task: int = 1) -> Any:
    return next(item for item in flow.tasks(assignment) if item.task.number == task)


def positions(flow: Flow) -> list[int]:
    return [event.position for event in flow.events.since()]


class TestVersions:
    def test_the_version_is_0_before_the_first_save_and_each_stored_change_adds_1(
        self, flow: Flow
    ) -> None:
        assignment = taken(flow, "ben", cats(flow))
        seen = [item(flow, assignment).version]
        for act in (
            lambda: flow.save(assignment, 1, CAT),
            lambda: flow.save(assignment, 1, CAT),
            lambda: flow.save(assignment, 1, DOG),
            lambda: flow.abandon(assignment, 1, "dark"),
            lambda: flow.restore(assignment, 1),
        ):
            act()
            seen.append(item(flow, assignment).version)
        assert seen == [0, 1, 1, 2, 3, 4]

    def test_what_another_window_has_saved_is_not_replaced(self, flow: Flow) -> None:
        assignment = taken(flow, "ben", cats(flow))
        flow.save(assignment, 1, CAT, expected_version=0)
        with pytest.raises(StaleVersion) as caught:
            flow.save(assignment, 1, DOG, expected_version=0)
        error = caught.value
        assert (error.task, error.expected, error.stored) == (1, 0, 1)
        assert str(error) == "the answer to task 1 has version 1, not 0: read it again"
        assert item(flow, assignment).answer.reply == CAT
        flow.save(assignment, 1, DOG, expected_version=1)
        assert item(flow, assignment).answer.reply == DOG

    def test_an_equal_answer_is_returned_unchanged_whatever_version_is_expected(
        self, flow: Flow
    ) -> None:
        assignment = taken(flow, "ben", cats(flow))
        saved = flow.save(assignment, 1, CAT, expected_version=0)
        before = positions(flow)
        assert flow.save(assignment, 1, CAT, expected_version=0) == saved
        assert positions(flow) == before

    def test_several_are_saved_by_one_version_or_by_one_for_each(self, flow: Flow) -> None:
        assignment = taken(flow, "ben", cats(flow))
        flow.save_many(assignment, {1: CAT, 2: CAT}, expected_version=0)
        flow.save(assignment, 2, DOG)
        with pytest.raises(StaleVersion) as caught:
            flow.save_many(assignment, {1: DOG, 2: CAT}, expected_version=3)
        assert (caught.value.task, caught.value.others) == (1, (2,))
        assert "so it is with task 2" in str(caught.value)
        with pytest.raises(StaleVersion, match="task 2 has version 2, not 1"):
            flow.save_many(assignment, {1: DOG, 2: CAT}, expected_version={1: 1, 2: 1})
        assert item(flow, assignment).answer.reply == CAT  # all or none
        flow.save_many(assignment, {1: DOG, 2: CAT}, expected_version={2: 2})

    @pytest.mark.parametrize("verb", ["abandon", "restore"])
    def test_abandon_and_restore_ask_for_the_version_too(self, flow: Flow, verb: str) -> None:
        assignment = taken(flow, "ben", cats(flow))
        flow.save(assignment, 1, CAT)
        if verb == "restore":
            flow.abandon(assignment, 1, "dark")
        acts: dict[str, Callable[[int], Any]] = {
            "abandon": lambda n: flow.abandon(assignment, 1, "dark", expected_version=n),
            "restore": lambda n: flow.restore(assignment, 1, expected_version=n),
        }
        stored = item(flow, assignment).version
        with pytest.raises(StaleVersion):
            acts[verb](stored - 1)
        acts[verb](stored)
        before = positions(flow)
        acts[verb](stored)  # sent again
        assert positions(flow) == before

    def test_a_reviewer_asks_for_the_version_of_their_own_answer(self, flow: Flow) -> None:
        job = cats(flow, workflow=REVIEWED)
        labeled(flow, "ben", job)
        review = taken(flow, "di", job, Stage.INSPECT)
        flow.judge(review, 1, wrong="a dog", expected_version=0)
        with pytest.raises(StaleVersion):
            flow.modify(review, 1, DOG, expected_version=0)
        flow.modify(review, 1, DOG, expected_version=1)
        with pytest.raises(StaleVersion):
            flow.judge(review, 1, wrong="a cow", discard_modification=True, expected_version=1)


class TestDrafts:
    def test_a_draft_lies_beside_the_answer_and_never_replaces_it(self, flow: Flow) -> None:
        assignment = taken(flow, "ben", cats(flow))
        answer = flow.save(assignment, 1, CAT)
        before = positions(flow)
        draft = flow.save(assignment, 1, DOG, draft=True)
        assert isinstance(draft, Draft)
        seen = item(flow, assignment)
        assert (seen.answer, seen.draft, seen.version) == (answer, draft, 1)
        assert positions(flow) == before, "a draft has no event"

    def test_a_complete_save_removes_it_also_with_the_answer_that_was_there(
        self, flow: Flow
    ) -> None:
        assignment = taken(flow, "ben", cats(flow))
        flow.save(assignment, 1, {}, draft=True)
        flow.save(assignment, 1, CAT)
        assert item(flow, assignment).draft is None
        flow.save(assignment, 1, DOG, draft=True)
        flow.save_many(assignment, {1: CAT, 2: CAT})
        assert item(flow, assignment).draft is None

    def test_its_replies_must_be_valid_values_and_none_is_required(self, flow: Flow) -> None:
        asked = Template(
            questions=(
                Question("1", QuestionKind.RADIO, "Animal", (Option("cat"), Option("dog"))),
                Question(
                    "2", QuestionKind.CHECKBOX, "Marks", tuple(map(Option, "abc")), min_count=2
                ),
                Question("3", QuestionKind.INPUT, "Name"),
            )
        )
        job = flow.jobs.create(
            street(flow, "ben"), "x", template=asked, data=rows(1), workforce={"label": ["ben"]},
            by="ada",
        )  # fmt: skip
        assignment = taken(flow, "ben", job)
        with pytest.raises(InvalidData, match="required"):
            flow.save(assignment, 1, {"3": Text("Tom")})
        draft = flow.save(assignment, 1, {"3": Text("Tom")}, draft=True)
        assert draft.replies == {"3": Text("Tom")}
        with pytest.raises(InvalidData, match="'cow' is not an option"):
            flow.save(assignment, 1, {"1": Choice("cow")}, draft=True)
        with pytest.raises(InvalidData, match="no such question"):
            flow.save(assignment, 1, {"9": Text("x")}, draft=True)

    def test_a_region_without_its_label_is_half_filled(self, flow: Flow) -> None:
        job = flow.jobs.create(
            street(flow, "ben"), "x", template=templates.object_detection(["car"]), data=rows(1),
            workforce={"label": ["ben"]}, by="ada",
        )  # fmt: skip
        assignment = taken(flow, "ben", job)
        begun = Regions([Box(1, 1, 5, 5)], width=10, height=10)
        with pytest.raises(InvalidData):
            flow.save(assignment, 1, begun)
        assert flow.save(assignment, 1, begun, draft=True).reply == begun

    def test_submit_lists_what_is_missing_and_the_drafts_that_are_newer(self, flow: Flow) -> None:
        assignment = taken(flow, "ben", cats(flow, tasks=3, size=3))
        flow.save_many(assignment, {1: CAT, 2: CAT})
        flow.save(assignment, 2, DOG, draft=True)
        flow.save(assignment, 3, {}, draft=True)
        with pytest.raises(Incomplete) as caught:
            flow.submit(assignment)
        assert (caught.value.tasks, caught.value.drafts) == ((3,), (2,))
        assert str(caught.value) == (
            "cannot submit: not every task is answered or abandoned (task 3), and drafts are "
            "newer than the answers (task 2): save them, or pass ignore_drafts=True"
        )
        with pytest.raises(Incomplete, match=r"abandoned \(task 3\)$"):
            flow.submit(assignment, ignore_drafts=True)  # a draft is no answer
        flow.save(assignment, 3, CAT)
        with pytest.raises(Incomplete, match=r"^cannot submit: drafts are newer"):
            flow.submit(assignment)
        flow.submit(assignment, ignore_drafts=True)
        assert flow.submit(assignment) == flow.assignments.get(assignment)

    def test_a_draft_from_before_the_task_was_abandoned_is_not_newer(self, flow: Flow) -> None:
        assignment = taken(flow, "ben", cats(flow, tasks=1, size=1))
        flow.save(assignment, 1, DOG, draft=True)
        flow.abandon(assignment, 1, "dark")
        assert item(flow, assignment).draft.reply == DOG
        flow.submit(assignment)

    def test_a_draft_extends_the_lease(self, flow: Flow, clock: Clock) -> None:
        job = cats(flow, workflow=Workflow(Label(lease=timedelta(hours=1))))
        assignment = taken(flow, "ben", job)
        for _ in range(2):  # the second says the same
            clock.forward(minutes=50)
            flow.save(assignment, 1, DOG, draft=True)
            held = flow.assignments.get(assignment)
            assert held.lease_until == clock.now + timedelta(hours=1)

    def test_on_its_return_it_becomes_the_next_holders_previous(self, flow: Flow) -> None:
        job = cats(flow, tasks=2)
        first = taken(flow, "ben", job)
        flow.save(first, 1, CAT)
        draft = flow.save(first, 1, DOG, draft=True)
        answer = flow.save(first, 2, CAT)
        flow.save(first, 2, DOG, draft=True)
        flow.save(first, 2, CAT)
        flow.release(first)
        second = taken(flow, "cy", job)
        assert [item.previous for item in flow.tasks(second)] == [draft, answer]
        assert [item.draft for item in flow.tasks(second)] == [None, None]

    def test_a_voter_sees_no_draft_of_another_voter(self, flow: Flow) -> None:
        job = cats(flow, tasks=1, size=1, workflow=Workflow(Label(votes=2), Inspect()))
        first = taken(flow, "ben", job)
        flow.save(first, 1, DOG, draft=True)
        flow.release(first)
        second = taken(flow, "cy", job)
        seen = item(flow, second)
        assert (seen.draft, seen.previous) == (None, None)
        assert item(flow, taken(flow, "ben", job)).previous.reply == DOG

    def test_a_draft_sent_again_is_one_draft(self, flow: Flow) -> None:
        assignment = taken(flow, "ben", cats(flow))
        draft = flow.save(assignment, 1, DOG, draft=True, expected_version=0)
        assert flow.save(assignment, 1, DOG, draft=True, expected_version=0) == draft
        flow.save(assignment, 1, CAT)
        with pytest.raises(StaleVersion):
            flow.save(assignment, 1, DOG, draft=True, expected_version=0)

    def test_a_reviewer_has_no_drafts(self, flow: Flow) -> None:
        job = cats(flow, workflow=REVIEWED)
        labeled(flow, "ben", job)
        with pytest.raises(WrongState):
            flow.save(taken(flow, "di", job, Stage.INSPECT), 1, DOG, draft=True)

    def test_the_validator_is_not_asked(self, url: str) -> None:
        def refuse(*_: object) -> list[Problem]:
            return [Problem("1", "no")]

        with itagflow.open(url, validators={"never": refuse}) as flow:
            assignment = taken(flow, "ben", cats(flow, validator="never"))
            with pytest.raises(InvalidData):
                flow.save(assignment, 1, CAT)
            flow.save(assignment, 1, CAT, draft=True)

    def test_it_is_erased_with_its_task(self, flow: Flow) -> None:
        job = cats(flow)
        assignment = taken(flow, "ben", job)
        flow.save_many(assignment, {1: CAT, 2: CAT})
        flow.save(assignment, 1, DOG, draft=True)
        flow.save(assignment, 2, DOG, draft=True)
        maintenance.erase_task(flow, (job, 1), by="ada")
        assert [draft.task for draft in drafts(flow)] == [2]

    def test_it_is_erased_with_its_member(self, flow: Flow) -> None:
        job = cats(flow)
        flow.save(taken(flow, "ben", job), 1, DOG, draft=True)
        flow.save(taken(flow, "cy", job), 3, DOG, draft=True)
        flow.members.remove("street", "ben", by="ada")
        maintenance.erase_member(flow, "street", "ben", by="ada")
        assert [draft.task for draft in drafts(flow)] == [3]

    def test_it_is_copied_and_deleted_with_its_job(self, flow: Flow) -> None:
        job = cats(flow)
        flow.save(taken(flow, "ben", job), 1, DOG, draft=True)
        with itagflow.open("memory:") as other:
            maintenance.copy(flow, to=other.store)
            assert drafts(other) == drafts(flow)
        flow.jobs.archive(job, by="ada")
        flow.jobs.delete(job, by="ada")
        assert drafts(flow) == []

    def test_it_follows_a_change_of_the_template_where_it_can(self, flow: Flow) -> None:
        job = cats(flow)
        assignment = taken(flow, "ben", job)
        flow.save(assignment, 1, DOG, draft=True)
        flow.save(assignment, 2, CAT, draft=True)
        flow.jobs.change_template(job, RenameOption("1", "dog", "hound"), by="ada")
        assert item(flow, assignment, 1).draft.reply == Choice("hound")
        flow.jobs.change_template(job, DropOption("1", "cat"), by="ada")
        assert item(flow, assignment, 2).draft.reply == CAT  # it hinders nobody


def drafts(flow: Flow) -> list[Draft]:
    with flow.store.read() as reader:
        return list(reader.find(Query(Draft, order=("task",))))


class TestTime:
    def test_counted_is_what_was_told_what_has_passed_or_five_minutes(
        self, flow: Flow, clock: Clock
    ) -> None:
        assignment = taken(flow, "ben", cats(flow))
        counted = list[float]()
        for passed, told in ((60, 20.5), (10, 40), (1000, 900), (0, 5)):
            clock.forward(seconds=passed)
            counted.append(flow.save(assignment, 1, CAT, seconds=told).seconds)
        assert counted == [20.5, 30.5, 330.5, 330.5]

    def test_a_save_that_changes_nothing_adds_its_seconds_and_is_no_version(
        self, flow: Flow, clock: Clock
    ) -> None:
        assignment = taken(flow, "ben", cats(flow))
        clock.forward(seconds=30)
        flow.save(assignment, 1, CAT, seconds=30)
        before = positions(flow)
        clock.forward(seconds=30)
        assert flow.save(assignment, 1, CAT, seconds=10).seconds == 40
        seen = item(flow, assignment)
        assert (seen.version, seen.answer.seconds) == (1, 40)
        assert positions(flow) == before

    def test_every_verb_about_a_task_counts_for_its_answer(self, flow: Flow, clock: Clock) -> None:
        job = cats(flow, tasks=1, size=1, workflow=REVIEWED)
        assignment = taken(flow, "ben", job)
        for act in (
            lambda: flow.save(assignment, 1, {}, draft=True, seconds=5),
            lambda: flow.save(assignment, 1, CAT, seconds=5),
            lambda: flow.save(assignment, 1, DOG, draft=True, seconds=5),
            lambda: flow.abandon(assignment, 1, "dark", seconds=5),
            lambda: flow.restore(assignment, 1),
        ):
            clock.forward(seconds=60)
            act()
        clock.forward(seconds=60)
        flow.save(assignment, 1, CAT)
        assert item(flow, assignment).answer.seconds == 20
        flow.submit(assignment, seconds=7)
        assert flow.assignments.get(assignment).seconds == 7
        review = taken(flow, "di", job, Stage.INSPECT)
        clock.forward(seconds=60)
        flow.judge(review, 1, wrong="no", seconds=3)
        clock.forward(seconds=60)
        assert flow.modify(review, 1, DOG, seconds=4).seconds == 7
        clock.forward(seconds=60)
        flow.review(review, seconds=90)
        assert flow.assignments.get(review).seconds == 60
        flow.review(review, seconds=90)  # sent again
        assert flow.assignments.get(review).seconds == 60
        row = next(flow.results.rows(job))
        assert (row["label_seconds"], row["inspect_seconds"]) == (20, 7)

    def test_reject_and_accept_count_too(self, flow: Flow, clock: Clock) -> None:
        job = cats(flow, tasks=1, size=1, workflow=Workflow(Label(), Inspect(), Accept()))
        labeled(flow, "ben", job)
        review = taken(flow, "di", job, Stage.INSPECT)
        clock.forward(seconds=60)
        flow.judge(review, 1, wrong="no", seconds=8)
        flow.reject(review, tasks=[1], comment="still no", seconds=5)
        ended = flow.assignments.get(review)
        assert ended.seconds == 0  # no time has passed since
        again = taken(flow, "ben", job)
        flow.save(again, 1, DOG)
        flow.submit(again)
        flow.review(taken(flow, "di", job, Stage.INSPECT))
        last = taken(flow, "ada", job, Stage.ACCEPT)
        clock.forward(seconds=60)
        assert flow.accept(last, seconds=30).seconds == 30

    def test_an_offer_counts_from_its_claim(self, flow: Flow, clock: Clock) -> None:
        job = cats(flow)
        flow.assignments.assign((job, 1), "ben", by="ada")
        clock.forward(hours=1)
        assignment = taken(flow, "ben", job)
        clock.forward(seconds=2)
        assert flow.save(assignment, 1, CAT, seconds=100).seconds == 2


class TestPrograms:
    def test_an_answer_says_which_program_gave_it_and_how_sure_it_is(self, flow: Flow) -> None:
        job = cats(flow, tasks=1, size=1)
        assignment = taken(flow, "ben", job)
        flow.save(assignment, 1, CAT, score=0.75, model="vit")
        before = positions(flow)
        flow.save(assignment, 1, CAT, score=0.75, model="vit")
        assert positions(flow) == before
        answer = flow.save(assignment, 1, CAT, score=0.5, model="vit")
        assert (answer.version, answer.score, answer.model) == (1, 0.5, "vit")
        flow.abandon(assignment, 1, "dark")
        restored = flow.restore(assignment, 1)
        assert (restored.score, restored.model) == (0.5, "vit")
        flow.submit(assignment)
        entry = flow.results.get(job, 1).provenance[-1]
        assert (entry.score, entry.model) == (0.5, "vit")

    def test_a_score_is_from_0_to_1(self, flow: Flow) -> None:
        assignment = taken(flow, "ben", cats(flow))
        with pytest.raises(InvalidData, match="score: must be at most 1"):
            flow.save(assignment, 1, CAT, score=1.5)


def test_restoring_again_what_was_just_restored_changes_nothing(flow: Flow) -> None:
    job = cats(flow)
    assignment = taken(flow, "ben", job)
    flow.save(assignment, 1, CAT)
    with pytest.raises(Incomplete, match="not abandoned"):
        flow.restore(assignment, 1)
    flow.abandon(assignment, 1, "dark")
    restored = flow.restore(assignment, 1)
    assert flow.restore(assignment, 1) == restored
    assert verbs(flow, job)[-3:] == ["save", "abandon", "restore"]
