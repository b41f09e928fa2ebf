"""Votes on one task become one answer, or a dispute."""

from __future__ import annotations

from collections.abc import Sequence

from itagflow import Box, Choice, Choices, Regions, Text
from itagflow.labeling.voting import merge
from itagflow.model.reply import Reply
from itagflow.model.task import Answer
from itagflow.templates import Option, Question, QuestionKind
from itagflow.testing import make_answer, make_template

RADIO = make_template()


def votes(*replies: Reply | None) -> list[Answer]:
    return [make_answer(replies={} if reply is None else {"1": reply}) for reply in replies]


def winner(said: Sequence[Answer], least: int, kind: QuestionKind | None = None) -> Reply | None:
    template = RADIO
    if kind is not None:
        options = (Option("a"), Option("b")) if kind is QuestionKind.CHECKBOX else ()
        template = make_template(questions=(Question("1", kind, "Q", options),))
    merged = merge(template, said, least)
    if merged.disputed:
        assert merged.disputed == ("1",)
        return None
    assert merged.replies is not None
    return merged.replies.get("1")


def test_a_majority_wins() -> None:
    assert winner(votes(Choice("cat"), Choice("dog"), Choice("cat")), 2) == Choice("cat")


def test_too_few_equal_votes_are_a_dispute() -> None:
    assert winner(votes(Choice("cat"), Choice("dog"), Choice("cat")), 3) is None


def test_a_tie_is_a_dispute_even_with_enough_votes() -> None:
    cats_and_dogs = votes(Choice("cat"), Choice("dog"), Choice("cat"), Choice("dog"))
    assert merge(RADIO, cats_and_dogs, 2).disputed == ("1",)


def test_no_reply_is_a_reply_too() -> None:
    merged = merge(RADIO, votes(None, None, Choice("cat")), 2)
    assert merged.replies == {}
    assert merged.disputed == ()


def test_choices_are_equal_in_any_order() -> None:
    said = votes(Choices(["a", "b"]), Choices(["b", "a"]))
    assert winner(said, 2, QuestionKind.CHECKBOX) == Choices(["a", "b"])


def test_texts_are_equal_in_any_spelling_and_with_spaces_around() -> None:
    said = votes(Text("é "), Text("e\u0301"), Text("e"))
    assert winner(said, 2, QuestionKind.INPUT) == Text("é ")


def test_regions_are_always_disputed() -> None:
    same = Regions([Box(1, 1, 2, 2)], width=9, height=9)
    assert winner(votes(same, same), 2, QuestionKind.PICTURE) is None


def test_enough_voters_who_give_up_abandon_the_task() -> None:
    given_up = [make_answer(abandon_reason=reason) for reason in ("dark", "blurred", "dark")]
    merged = merge(RADIO, given_up, 2)
    assert (merged.replies, merged.abandoned, merged.disputed) == (None, "dark", ())


def test_one_voter_who_gives_up_counts_as_no_vote() -> None:
    said = [make_answer(abandon_reason="dark"), *votes(Choice("cat"), Choice("cat"))]
    merged = merge(RADIO, said, 2)
    assert merged.replies == {"1": Choice("cat")}
    assert merged.abandoned is None


def test_without_any_standing_vote_everything_is_disputed() -> None:
    assert merge(RADIO, [make_answer(abandon_reason="dark")], 2).disputed == ("1",)
