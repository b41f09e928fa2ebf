"""What an event adds to somebody's work, or takes off it."""

from __future__ import annotations

from typing import Any

import attrs
import pytest

from itagflow import Accept, Assignment, AssignmentState, Choice, Inspect, Label, Stage, Workflow
from itagflow.measuring.work_rules import HANDED_IN, Piece, list_pieces, with_withdrawn
from itagflow.model import Campaign, Outcome, Verdict
from itagflow.results.rules import Case, PackageHistory
from itagflow.testing.builders import (
    AT,
    make_answer,
    make_assignment,
    make_event,
    make_job,
    make_package,
)

CAT = {"1": Choice("cat")}
LABEL, INSPECT, ACCEPT = Stage.LABEL, Stage.INSPECT, Stage.ACCEPT


def ended(id: int, **fields: Any) -> Assignment:
    given = {"state": AssignmentState.DONE, "outcome": Outcome.SUBMITTED, "ended_at": AT}
    return make_assignment(id, **{**given, **fields})


LABELED = ended(1, seconds=5.0)
INSPECTED = ended(2, stage=INSPECT, member=3, outcome=Outcome.REVIEWED)
REJECTED = ended(3, stage=INSPECT, member=3, outcome=Outcome.REJECTED, sent_back=(2,), comment="no")


def cases(*assignments: Assignment, package: Any = None, **more: Any) -> list[Case]:
    """Two tasks: what ben labeled, and what was said of it."""
    job = make_job(workflow=more.pop("workflow", Workflow(Label(), Inspect(), Accept())))
    package = package or make_package(size=2, round=2)
    said = {
        1: make_answer(1, assignment=1, replies=CAT, seconds=60.0),
        2: make_answer(2, assignment=1, abandon_reason="dark"),
        **more.pop("said", {}),
    }
    return [Case(job, package, list(assignments), {1: said[number]}, number) for number in (1, 2)]


def of(assignment: int, found: list[Case]) -> list[Piece]:
    event = make_event(type="submit", assignment=assignment, package=1, at=AT)
    return [attrs.evolve(piece, at=AT, job=1) for piece in list_pieces(event, found)]


def piece(**fields: Any) -> Piece:
    return Piece(**{"at": AT, "job": 1, "member": 2, "stage": LABEL, **fields})


def test_answers_and_their_time_are_handed_in() -> None:
    found = of(1, cases(LABELED))
    assert found == [piece(assignments=1, count=2, seconds=65.0)]
    assert of(9, cases(LABELED)) == [], "of a package that nobody may read"
    assert set(HANDED_IN) == {"submit", "review", "accept", "reject"}


def test_what_goes_to_the_experts_is_not_handed_in() -> None:
    handed_on = {2: make_answer(2, assignment=1, escalation_reason="a fox?")}
    (found,) = of(1, cases(LABELED, said=handed_on))
    assert found.count == 1


def test_a_review_hands_in_its_looks() -> None:
    sampled = attrs.evolve(INSPECTED, scope=(2,))
    assert of(2, cases(LABELED, INSPECTED)) == [
        piece(member=3, stage=INSPECT, assignments=1, count=2)
    ]
    assert of(2, cases(LABELED, sampled)) == [
        piece(member=3, stage=INSPECT, assignments=1, count=1)
    ]


def test_what_is_sent_back_is_taken_off_its_labeler() -> None:
    reviewed = piece(member=3, stage=INSPECT, assignments=1, count=2, sent_back=1)
    assert of(3, cases(LABELED, REJECTED)) == [reviewed, piece(corrected=1)]
    whole = attrs.evolve(REJECTED, sent_back=None)
    # who sends everything back has checked what they said something of
    assert of(3, cases(LABELED, whole)) == [
        attrs.evolve(reviewed, count=0, sent_back=2),
        piece(corrected=1),
        piece(corrected=1),
    ]


def test_a_campaign_sends_back_its_own_tasks_only() -> None:
    campaign = Campaign(round=1, stage=LABEL, tasks=(2,))
    package = make_package(size=2, round=2, campaigns=(campaign,))
    whole = attrs.evolve(REJECTED, sent_back=None)
    found = of(3, cases(LABELED, whole, package=package))
    assert sum(each.corrected for each in found) == 1


def test_work_in_a_campaign_that_was_withdrawn_was_done() -> None:
    campaign = Campaign(round=2, stage=LABEL, tasks=(1,), last_round=2, is_withdrawn=True)
    history = PackageHistory(make_package(size=2, round=2, campaigns=(campaign,)), [LABELED])
    (kept,) = with_withdrawn(history).package.campaigns
    assert (kept.is_withdrawn, kept.tasks) == (False, (1,))
    plain = PackageHistory(make_package(), [LABELED])
    assert with_withdrawn(plain) is plain


@pytest.mark.parametrize(("reject_to", "member"), [(LABEL, 2), (INSPECT, 3)])
def test_it_is_taken_off_who_has_to_do_it_again(reject_to: Stage, member: int) -> None:
    workflow = Workflow(Label(), Inspect(), Accept(reject_to=reject_to))
    sampled = ended(4, stage=ACCEPT, member=5, outcome=Outcome.REJECTED, sent_back=(1,))
    found = of(4, cases(LABELED, INSPECTED, sampled, workflow=workflow))
    assert found[1:] == [piece(member=member, stage=reject_to, corrected=1)]


def test_nobody_loses_what_nobody_has_labeled() -> None:
    imported = attrs.evolve(LABELED, member=None, outcome=Outcome.IMPORTED)
    said = {
        number: make_answer(number, assignment=1, member=None, replies=CAT) for number in (1, 2)
    }
    assert of(1, cases(imported, said=said)) == []
    found = of(3, cases(imported, REJECTED, said=said))
    assert [each.corrected for each in found] == [0]
    wrong = make_answer(2, assignment=3, stage=INSPECT, member=3, verdict=Verdict.WRONG)
    assert wrong.wrong
