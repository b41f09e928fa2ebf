"""What campaigns on a package leave as it is."""

from __future__ import annotations

from typing import Any

import attrs
import pytest

from itagflow import AssignmentState, Stage
from itagflow.model import Campaign, Outcome, Purpose
from itagflow.results import campaign_rules as rules
from itagflow.testing import make_assignment, make_package
from itagflow.testing.builders import AT

OTHERS = Campaign(round=2, stage=Stage.LABEL, tasks=(2,), skipped=(Stage.INSPECT,))
OVER = attrs.evolve(OTHERS, last_round=3)


def ended(id: int, outcome: Outcome, **more: Any) -> Any:
    return make_assignment(id, state=AssignmentState.DONE, outcome=outcome, ended_at=AT, **more)


LABELED = ended(5, Outcome.SUBMITTED)
REVIEWED = ended(6, Outcome.REVIEWED, stage=Stage.INSPECT, member=3)
AGAIN = ended(7, Outcome.SUBMITTED, round=2, scope=(2,), purpose=Purpose.CAMPAIGN)
REJECTED = ended(8, Outcome.REJECTED, stage=Stage.INSPECT, round=2, scope=(2,))


def open_again(**package: Any) -> Any:
    return make_package(**{"size": 2, "round": 2, "scope": (2,), "campaigns": (OTHERS,), **package})


@pytest.mark.parametrize(
    ("campaign", "rounds"), [(OTHERS, [2, 3, 4]), (OVER, [2, 3])], ids=["goes on", "is over"]
)
def test_a_campaign_has_the_rounds_from_its_first_to_its_last(
    campaign: Campaign, rounds: list[int]
) -> None:
    assert [n for n in range(1, 5) if rules.is_in_campaign(campaign, n)] == rounds
    package = open_again(round=4, campaigns=(campaign,))
    assert [n for n in range(1, 5) if rules.find_campaign(package, n) == campaign] == rounds
    assert rules.find_campaign(make_package(), 1) is None


def test_what_others_went_through_is_no_part_of_the_history() -> None:
    assignments = [LABELED, REVIEWED, AGAIN, REJECTED]
    package = open_again()
    assert rules.select_history(package, assignments, 1) == [LABELED, REVIEWED]
    assert rules.select_history(package, assignments, 2) == assignments
    over = attrs.evolve(package, campaigns=(attrs.evolve(OTHERS, last_round=2),), round=3)
    later = ended(9, Outcome.REVIEWED, stage=Stage.INSPECT, round=3)
    assert rules.select_history(over, [*assignments, later], 1) == [LABELED, REVIEWED, later]
    assert rules.select_history(make_package(), assignments, 1) is assignments


def test_what_was_skipped_before_a_campaign_was_skipped_for_the_others() -> None:
    package = open_again()
    assert rules.find_skipped(package, 1) == (Stage.INSPECT,)
    assert rules.find_skipped(package, 2) == ()
    second = Campaign(round=3, stage=Stage.LABEL, tasks=(3,))
    first = attrs.evolve(OTHERS, last_round=2)
    twice = attrs.evolve(package, round=3, campaigns=(first, second))
    assert [rules.find_skipped(twice, task) for task in (1, 2, 3)] == [(Stage.INSPECT,), (), ()]
    reviewed = attrs.evolve(twice, round=4, reopened_round=4)
    assert rules.find_skipped(reviewed, 1) == ()
