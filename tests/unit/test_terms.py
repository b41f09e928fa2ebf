"""What a caller says beside an answer is checked before anything is stored."""

from __future__ import annotations

import pytest

from itagflow import Choice, InvalidData
from itagflow.model import AnswerVersion
from itagflow.model.terms import (
    NO_TERMS,
    SaveTerms,
    parse_answer_version,
    parse_pairs,
    parse_program,
    parse_rest,
    parse_seconds,
    parse_terms,
    parse_versions,
    require_pick,
)
from itagflow.testing import make_answer

NAN = float("nan")


def test_what_is_not_said_is_not_asked() -> None:
    assert parse_terms("save") == NO_TERMS
    assert parse_versions("save_many", None) == NO_TERMS
    assert parse_seconds("submit", None) is None
    assert NO_TERMS.find_expected(1) is None


def test_one_version_is_that_of_every_task_and_a_mapping_names_them() -> None:
    assert parse_versions("save_many", 3).find_expected(7) == 3
    some = parse_versions("save_many", {7: 2})
    assert (some.find_expected(7), some.find_expected(8)) == (2, None)


@pytest.mark.parametrize("wrong", [-1, 1.5, True, "1", [1], {1: -1}, {"a": 1}, {0: 1}, 2**63])
def test_what_is_no_version_is_refused(wrong: object) -> None:
    with pytest.raises(InvalidData, match="expected_version"):
        parse_versions("save_many", wrong)


@pytest.mark.parametrize("wrong", [-1, NAN, float("inf"), True, "5"])
def test_what_is_no_time_is_refused(wrong: object) -> None:
    with pytest.raises(InvalidData, match="seconds"):
        parse_seconds("save", wrong)


def test_a_program_says_its_name_and_how_sure_it_is() -> None:
    said = parse_program("save", NO_TERMS, score=1, model="vit")
    assert said == SaveTerms(score=1.0, model="vit")
    for wrong in (2, -0.1, NAN, True, "1"):
        with pytest.raises(InvalidData, match="score"):
            parse_program("save", NO_TERMS, score=wrong)
    with pytest.raises(InvalidData, match="model"):
        parse_program("save", NO_TERMS, model=1)


def test_replies_are_pairs_or_a_mapping() -> None:
    cat = Choice("cat")
    assert parse_pairs({1: cat}) == parse_pairs([(1, cat)]) == [(1, cat)]
    with pytest.raises(InvalidData, match="pair 1"):
        parse_pairs([cat])  # type: ignore[list-item]


def test_a_version_is_one_that_was_read_or_its_position() -> None:
    version = AnswerVersion(answer=make_answer(), number=1, position=7, is_current=False)
    assert parse_answer_version("x", version) is version
    assert parse_answer_version("x", 7) == 7
    for wrong in (None, "7", 1.5, True, make_answer()):
        with pytest.raises(InvalidData, match="version"):
            parse_answer_version("x", wrong)  # type: ignore[arg-type]


def test_what_is_not_answered_can_be_released() -> None:
    assert parse_rest("submit", "release")
    assert not parse_rest("submit", None)
    for wrong in ("keep", "", True, 1):
        with pytest.raises(InvalidData, match="rest"):
            parse_rest("submit", wrong)


def test_a_vote_is_picked_instead_of_a_reply() -> None:
    vote = make_answer()
    assert require_pick(vote, None, draft=False) is vote
    with pytest.raises(InvalidData, match="beside a reply"):
        require_pick(vote, Choice("cat"), draft=False)
    with pytest.raises(InvalidData, match="is no draft"):
        require_pick(vote, None, draft=True)
    with pytest.raises(InvalidData, match="votes of the task"):
        require_pick(7, None, draft=False)
