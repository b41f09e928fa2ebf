"""A campaign that is ended early leaves its package as it was."""

from __future__ import annotations

from typing import Any

import attrs

from itagflow import Accept, AssignmentState, Choice, Inspect, Label, PackageState, Stage, Workflow
from itagflow.model import Outcome
from itagflow.model.change import Context
from itagflow.results.rules import build_cases
from itagflow.reviewing import rules
from itagflow.reviewing.withdrawing_rules import find_restored_authors, withdraw_campaign
from itagflow.testing.builders import AT, make_answer, make_assignment, make_job, make_package

STAGES = make_job(workflow=Workflow(Label(), Inspect(), Accept()))
CTX = Context(AT, 1, 1)
TASKS = (1, 2, 3, 4)
CAT = {"1": Choice("cat")}


def test_a_withdrawn_campaign_leaves_the_package_as_it_was() -> None:
    before = make_package(
        size=4,
        round=3,
        whole_round=2,
        state=PackageState.DONE,
        free=0,
        skipped=(Stage.ACCEPT,),
        requeued=(2,),
    )
    opening = rules.Reopening(TASKS, Stage.LABEL)
    opened = rules.reopen_tasks(STAGES, before, CTX, opening)
    assert (opened.whole_round, opened.skipped) == (4, ())
    worked = attrs.evolve(opened, round=5, disputes=(2,), requeued=(1, 2))
    assert worked.campaign is not None
    after = withdraw_campaign(STAGES, worked, worked.campaign)
    assert [(each.last_round, each.is_withdrawn) for each in after.campaigns] == [(5, True)]
    assert after == attrs.evolve(
        before, round=5, campaigns=after.campaigns, waiting_since=after.waiting_since
    )


def test_inspectors_are_authors_again_of_what_they_modified() -> None:
    done: dict[str, Any] = {"state": AssignmentState.DONE, "ended_at": AT}
    labeled = make_assignment(5, member=2, outcome=Outcome.SUBMITTED, **done)
    review = make_assignment(
        6, stage=Stage.INSPECT, member=3, outcome=Outcome.REVIEWED, authored=False, **done
    )
    answers = {
        1: {5: make_answer(1, replies=CAT), 6: make_answer(1, replies=CAT)},
        2: {5: make_answer(2, replies=CAT)},
    }
    package = make_package(state=PackageState.DONE)
    for said, expected in ((answers, [6]), ({2: answers[2]}, []), ({1: {}}, [])):
        cases = build_cases(STAGES, package, [labeled, review], said)
        saves = find_restored_authors(cases, [labeled, review])
        assert [before.key[-1] for before, _ in saves] == expected
        assert all(after == attrs.evolve(review, authored=True) for _, after in saves)
