"""Who labeled is hidden from those who review blind."""

from __future__ import annotations

from typing import Any

import attrs
import pytest

from itagflow import Accept, AssignmentState, Inspect, Label, PackageState, Stage, Workflow
from itagflow.access import default_policy
from itagflow.core import blinding
from itagflow.core.blinding import NOTHING_HIDDEN, Blinding, Reviewer
from itagflow.model import Outcome, Role
from itagflow.model.comment import Comment
from itagflow.model.event import Event, FieldChange
from itagflow.model.job import StageWorkers
from itagflow.model.merging import Merge, MergeReport, QuestionMerge
from itagflow.model.task import Answer
from itagflow.storage import codec
from itagflow.testing import make_answer, make_assignment, make_job, make_member, make_package
from itagflow.testing.builders import AT

BLIND = make_job(
    workflow=Workflow(Label(), Inspect(blind=True), Accept()),
    workforce={Stage.LABEL: StageWorkers((2,)), Stage.INSPECT: StageWorkers((3,))},
)
DI = make_member(id=3, account="di", role=Role.OPERATOR)
ADA = make_member(id=1, account="ada", role=Role.ADMIN)
LABELED = make_assignment(5, member=2, state=AssignmentState.DONE, outcome=Outcome.SUBMITTED)
AT_INSPECT = make_package(state=PackageState.INSPECT)
ACCOUNTS = {"ben": 2}
HIDDEN = Blinding({1: {2: "labeler 1"}}, {5: 1})


def hidden(*assignments: Any, member: Any = DI, job: Any = BLIND, package: Any = AT_INSPECT) -> Any:
    reviewer = Reviewer(policy=default_policy, member=member)
    return blinding.hide_from(reviewer, job, [package], [LABELED, *assignments])


def test_the_stages_where_labelers_are_hidden() -> None:
    assert blinding.list_blind_stages(BLIND) == (Stage.INSPECT,)
    assert blinding.list_blind_stages(make_job()) == ()


@pytest.mark.parametrize(
    ("state", "is_done"),
    [
        (PackageState.LABEL, False),
        (PackageState.INSPECT, False),
        (PackageState.ACCEPT, True),
        (PackageState.DONE, True),
        (PackageState.DISCARDED, False),
    ],
)
def test_until_the_package_is_done_at_the_stage(state: PackageState, is_done: bool) -> None:
    package = make_package(state=state)
    assert blinding.is_done_at(BLIND, package, Stage.INSPECT) is is_done
    assert hidden(package=package) == (NOTHING_HIDDEN if is_done else HIDDEN)


def test_names_are_numbers_in_the_order_of_a_hash_and_differ_between_packages() -> None:
    members = range(2, 8)
    of_packages = [blinding.name_labelers(BLIND, number, members) for number in range(1, 9)]
    for names in of_packages:
        assert sorted(names.values()) == [f"labeler {number}" for number in range(1, 7)]
    assert blinding.name_labelers(BLIND, 1, reversed(members)) == of_packages[0]
    assert len({tuple(sorted(names.items())) for names in of_packages}) > 1


class TestFromWhom:
    def test_those_whom_the_workforce_names_for_the_review(self) -> None:
        assert hidden() == HIDDEN
        assert hidden(member=make_member(id=4)) == NOTHING_HIDDEN

    def test_not_who_manages_the_job(self) -> None:
        assert hidden(member=ADA) == NOTHING_HIDDEN

    def test_but_who_stands_in_while_they_have_the_package(self) -> None:
        review = make_assignment(6, stage=Stage.INSPECT, member=ADA.id)
        assert hidden(review, member=ADA) == HIDDEN
        ended = attrs.evolve(review, state=AssignmentState.RETURNED)
        assert hidden(ended, member=ADA) == NOTHING_HIDDEN

    def test_everybody_who_may_review_where_nobody_is_named(self) -> None:
        anybody = attrs.evolve(BLIND, workforce={})
        assert hidden(member=ADA, job=anybody) == HIDDEN
        reviewer = Reviewer(policy=default_policy, member=ADA)
        assert blinding.reviews_at(reviewer, anybody, Stage.INSPECT)
        assert not blinding.reviews_at(reviewer, BLIND, Stage.INSPECT)

    def test_nobody_is_hidden_from_themselves(self) -> None:
        own = attrs.evolve(LABELED, id=7, member=DI.id)
        found = hidden(own)
        assert set(found.names[1]) == {2}
        assert found.hide_in_assignment(own) == own

    def test_nor_where_the_stage_is_not_blind(self) -> None:
        job = attrs.evolve(BLIND, workflow=Workflow(Label(), Inspect(), Accept()))
        assert hidden(job=job) == NOTHING_HIDDEN

    def test_the_tasks_of_a_review_are_blind_whoever_reads_them(self) -> None:
        found = blinding.hide_at(Stage.INSPECT, BLIND, [AT_INSPECT], [LABELED])
        assert found == HIDDEN
        assert blinding.hide_at(Stage.ACCEPT, BLIND, [AT_INSPECT], [LABELED]) == NOTHING_HIDDEN


class TestWhat:
    def test_an_assignment(self) -> None:
        shown = HIDDEN.hide_in_assignment(LABELED)
        assert (shown.member, shown.labeler) == (None, "labeler 1")
        review = make_assignment(6, stage=Stage.INSPECT, member=2)
        assert HIDDEN.hide_in_assignment(review) == review
        assert NOTHING_HIDDEN.hide_in_assignment(LABELED) == LABELED

    def test_an_answer(self) -> None:
        shown = HIDDEN.hide_in_answer(make_answer(assignment=5, member=2))
        assert (shown.member, shown.labeler) == (None, "labeler 1")
        merged = make_answer(assignment=5, member=None)
        assert HIDDEN.hide_in_answer(merged) == merged

    def test_who_voted_on_a_merged_answer(self) -> None:
        """Of the member 4, who reads, nothing is hidden."""
        question = QuestionMerge(rule=Merge("majority"), voters=(2, 4), counts=(1, 1))
        report = MergeReport(voters=(2, 4), abandoned_by=(2,), questions={"1": question})
        merged = make_answer(assignment=5, member=None, merge=report)
        shown = HIDDEN.hide_in_answer(merged)
        expected = MergeReport(voters=(4,), questions={"1": attrs.evolve(question, voters=(4,))})
        assert shown == attrs.evolve(merged, merge=expected)
        assert NOTHING_HIDDEN.hide_in_answer(merged) == merged
        stored = codec.to_json(merged)
        event = self.event("change_template", member=1, data={"previous": {"1": stored}})
        kept = HIDDEN.hide_in_event(event, ACCOUNTS).data["previous"]["1"]
        assert codec.decoder(Answer)(kept) == shown

    def test_who_wrote_a_comment(self) -> None:
        def written(by: int) -> Comment:
            return Comment(job=4, id=by, package=1, task=1, thread=2, member=by, at=AT, text="hm")

        shown = HIDDEN.hide_in_comment(written(2))
        assert (shown.member, shown.labeler) == (None, "labeler 1")
        for other in (written(3), attrs.evolve(written(2), package=2)):
            assert HIDDEN.hide_in_comment(other) == other

    @staticmethod
    def event(type: str, **fields: Any) -> Event:
        defaults: dict[str, Any] = {"workspace": 1, "job": 4, "package": 1, "assignment": 5}
        return Event(at=AT, type=type, **{**defaults, **fields})

    def test_an_event_of_a_labeler(self) -> None:
        change = FieldChange("assignment", (4, 5), "member", None, 2)
        other = FieldChange("assignment", (4, 5), "state", None, "held")
        event = self.event("claim", member=2, changes=(change, other))
        shown = HIDDEN.hide_in_event(event, ACCOUNTS)
        assert (shown.member, shown.account) == (0, "labeler 1")
        assert shown.changes == (attrs.evolve(change, after="labeler 1"), other)

    def test_an_event_about_a_labeler(self) -> None:
        event = self.event("assign", member=1, data={"to": "ben", "comment": "ben"})
        shown = HIDDEN.hide_in_event(event, ACCOUNTS)
        assert (shown.member, shown.data) == (1, {"to": "labeler 1", "comment": "ben"})

    def test_answers_that_an_event_keeps(self) -> None:
        answers = {"1": {"assignment": 5, "member": 2}, "2": {"assignment": 6, "member": 3}}
        event = self.event("save", member=2, data={"previous": answers})
        shown = HIDDEN.hide_in_event(event, ACCOUNTS)
        assert shown.data["previous"] == {
            "1": {"assignment": 5, "member": None, "labeler": "labeler 1"},
            "2": {"assignment": 6, "member": 3},
        }

    def test_events_elsewhere_stay_as_they_are(self) -> None:
        for fields in ({"package": 2}, {"package": 0, "assignment": 0}):
            event = self.event("claim", member=2, **fields)
            assert HIDDEN.hide_in_event(event, ACCOUNTS) is event
