"""What reviewers say when work is wrong."""

from __future__ import annotations

import pytest

from itagflow import Inspect, InvalidData, Label, Stage, Workflow
from itagflow.reviewing.explanations import (
    NOTHING_SAID,
    Explanation,
    list_reasons,
    require_explanation,
    require_known_reason,
)
from itagflow.testing import make_job

PLAIN = make_job(workflow=Workflow(Label(), Inspect()))
LISTED = make_job(workflow=Workflow(Label(), Inspect(reasons=("blurred", "dark"))))


@pytest.mark.parametrize(("comment", "words"), [("", "is empty"), (" ", "is empty"), ("\0", "NUL")])
def test_without_reasons_there_is_a_comment(comment: str, words: str) -> None:
    said = Explanation("no cat")
    assert require_explanation(PLAIN, Stage.INSPECT, "the judgment", said) is said
    with pytest.raises(InvalidData, match=words):
        require_explanation(PLAIN, Stage.INSPECT, "the judgment", Explanation(comment))


def test_where_there_are_reasons_one_is_given_and_the_comment_may_be_empty() -> None:
    said = Explanation(reason="dark")
    assert require_explanation(LISTED, Stage.INSPECT, "the judgment", said) is said
    with pytest.raises(InvalidData, match="reason: is missing: give 'blurred' or 'dark'"):
        require_explanation(LISTED, Stage.INSPECT, "the judgment", Explanation("no cat"))


@pytest.mark.parametrize("comment", ["", "no cat"])
def test_a_reason_is_one_of_the_list(comment: str) -> None:
    said = Explanation(comment, "late")
    with pytest.raises(InvalidData, match="is not one of 'blurred' or 'dark'"):
        require_known_reason(LISTED, Stage.INSPECT, "the reject", said)
    with pytest.raises(InvalidData, match="inspect has no reasons"):
        require_known_reason(PLAIN, Stage.INSPECT, "the reject", said)
    require_known_reason(LISTED, Stage.INSPECT, "the reject", Explanation(comment, "dark"))


def test_a_stage_has_the_reasons_of_its_rule() -> None:
    assert list_reasons(LISTED, Stage.INSPECT) == ("blurred", "dark")
    assert list_reasons(LISTED, Stage.LABEL) == list_reasons(PLAIN, Stage.INSPECT) == ()


def test_what_says_nothing() -> None:
    assert NOTHING_SAID.is_empty
    assert Explanation(" ").is_empty
    assert not Explanation("x").is_empty
    assert not Explanation(reason="x").is_empty
