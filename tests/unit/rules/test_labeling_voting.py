"""Votes on one task become one answer, or a dispute."""

from __future__ import annotations

from collections.abc import Sequence

from itagflow import AssignmentState, Box, Choice, Choices, Regions, Text
from itagflow.core.change import Context
from itagflow.labeling.voting import merge, merge_round
from itagflow.model import Outcome
from itagflow.model.reply import Reply
from itagflow.model.task import Answer
from itagflow.templates import Option, Question, QuestionKind
from itagflow.testing import make_answer, make_assignment, make_template
from itagflow.testing.builders import AT

CTX = Context(AT, 1, 2)
CAT, DOG = {"1": Choice("cat")}, {"1": Choice("dog")}
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


def test_merged_votes_are_an_assignment_of_nobody() -> None:
    last = make_assignment(
        6, state=AssignmentState.DONE, outcome=Outcome.SUBMITTED, token="t", version=2
    )
    votes = [
        [make_answer(1, replies=CAT), make_answer(1, replies=CAT, template_version=2)],
        [make_answer(2, replies=CAT), make_answer(2, replies=DOG)],
        [make_answer(3, abandon_reason="dark"), make_answer(3, abandon_reason="dark")],
    ]
    merged, answers = merge_round(last, votes, RADIO, 2, CTX, id=9)
    assert (merged.id, merged.member, merged.outcome) == (9, None, Outcome.MERGED)
    assert (merged.token, merged.version) == ("", 0)
    assert [(answer.task, answer.replies, answer.abandon_reason) for answer in answers] == [
        (1, CAT, None),
        (2, {}, None),
        (3, None, "dark"),
    ]
    assert [answer.disputed for answer in answers] == [(), ("1",), ()]
    assert {(answer.assignment, answer.member) for answer in answers} == {(9, None)}
    assert answers[0].template_version == 2
