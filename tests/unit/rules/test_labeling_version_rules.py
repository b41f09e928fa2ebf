"""An earlier version of an answer comes back."""

from __future__ import annotations

from typing import Any

import pytest
from support.facts import facts_of

from itagflow import Answer, Choice, Incomplete, InvalidData, Stage
from itagflow.errors import StaleVersion
from itagflow.labeling.version_rules import restore_version
from itagflow.model import AnswerVersion, Verdict
from itagflow.model.terms import SaveTerms
from itagflow.testing import make_answer, make_assignment, make_template

CAT, DOG = {"1": Choice("cat")}, {"1": Choice("dog")}
NOW = make_answer(replies=DOG, version=1)


def version_of(**fields: Any) -> AnswerVersion:
    answer = make_answer(**fields)
    return AnswerVersion(answer=answer, number=1, position=8, is_current=False)


def test_it_is_an_answer_of_the_assignment_with_an_event_that_names_it() -> None:
    outcome = restore_version(facts_of(NOW), version_of(replies=CAT, score=0.5, model="vit"))
    (answer,) = outcome.answers
    assert (answer.replies, answer.template_version, answer.model) == (CAT, 3, "vit")
    assert outcome.change is not None
    event = outcome.change.event
    assert (event.type, event.task) == ("restore_version", 1)
    assert event.data == {"version": 1, "of": 5, "previous": {"1": "was 1"}}


def test_what_stands_there_already_is_not_restored_again() -> None:
    outcome = restore_version(facts_of(NOW), version_of(replies=DOG))
    assert (outcome.answers, outcome.change) == ((NOW,), None)


@pytest.mark.parametrize(
    ("assignment", "stage", "verdict", "comment"),
    [
        (5, Stage.INSPECT, Verdict.WRONG, "no"),
        (9, Stage.INSPECT, Verdict.RIGHT, ""),
        (9, Stage.LABEL, None, ""),
    ],
)
def test_only_ones_own_version_brings_its_judgment_back(
    assignment: int, stage: Stage, verdict: Verdict | None, comment: str
) -> None:
    old = version_of(assignment=assignment, replies=CAT, verdict=Verdict.WRONG, comment="no")
    facts = facts_of(NOW, assignment=make_assignment(stage=stage))
    answer: Answer = restore_version(facts, old).answers[0]
    assert (answer.replies, answer.verdict, answer.comment) == (CAT, verdict, comment)


def test_an_abandoned_version_is_abandoned_again() -> None:
    answer = restore_version(facts_of(NOW), version_of(abandon_reason="dark")).answers[0]
    assert (answer.abandon_reason, answer.replies) == ("dark", None)
    strict = facts_of(NOW, template=make_template(abandon_reasons=("blurred",)))
    with pytest.raises(InvalidData, match="not one of blurred"):
        restore_version(strict, version_of(abandon_reason="dark"))


def test_what_does_not_fit_any_more_is_refused() -> None:
    with pytest.raises(InvalidData, match="'cow' is not an option"):
        restore_version(facts_of(NOW), version_of(replies={"1": Choice("cow")}))
    with pytest.raises(InvalidData, match="not in the scope"):
        facts = facts_of(NOW, assignment=make_assignment(scope=(2,)))
        restore_version(facts, version_of(replies=CAT))
    with pytest.raises(StaleVersion):
        facts = facts_of(NOW, terms=SaveTerms(expected_version=1))
        restore_version(facts, version_of(replies=CAT))


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"replies": {}, "erased": True}, "was erased"),
        ({"assignment": 9, "verdict": Verdict.RIGHT}, "only judges"),
    ],
)
def test_what_says_nothing_is_refused(fields: dict[str, Any], reason: str) -> None:
    with pytest.raises(Incomplete, match=reason):
        restore_version(facts_of(NOW), version_of(**fields))
