"""Whether the votes on a task are enough."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import pytest

from itagflow import Choice, Choices, Label, Rating, templates
from itagflow.labeling.settling_rules import OpenTask, find_open_task
from itagflow.labeling.voting import MergeCalls, make_voting_rules, merge
from itagflow.model.task import Answer
from itagflow.templates import Option, Question, QuestionKind
from itagflow.testing import make_answer, make_template

ANIMALS = templates.image_classification(["cat", "dog", "bird"])
MODE = make_template(questions=(Question("1", QuestionKind.RATING, "Fluency", required=False),))
BOTH = make_template(
    questions=(
        Question("1", QuestionKind.CHECKBOX, "Is", (Option("a"), Option("b")), required=False),
    )
)
GAVE_UP, NOTHING = "gave up", "nothing"


def votes(*said: Any) -> list[Answer]:
    made = list[Answer]()
    for member, reply in enumerate(said, 1):
        if reply == GAVE_UP:
            made.append(make_answer(member=member, abandon_reason="dark"))
        else:
            replies = {} if reply == NOTHING else {"1": reply}
            made.append(make_answer(member=member, replies=replies))
    return made


def find_open(template: Any, said: Sequence[Any], label: Label) -> OpenTask | None:
    return find_open_task(
        template, votes(*said), label, make_voting_rules(label, MergeCalls().find)
    )


def cats(text: str) -> list[Any]:
    """What voters say, a letter each; x: they give it up."""
    names = {"c": Choice("cat"), "d": Choice("dog"), "b": Choice("bird"), "x": GAVE_UP}
    return [names[letter] for letter in text]


TWO_THIRDS = Label(votes=2, max_votes=5, agree=2 / 3)


@pytest.mark.parametrize("said", ["cc", "ccd", "xx", "ccx", "xxc", "cdbcc", "ccddc", "cdbxx"])
def test_these_votes_are_enough(said: str) -> None:
    assert find_open(ANIMALS, cats(said), TWO_THIRDS) is None


@pytest.mark.parametrize(
    ("said", "agreeing"), [("cd", 1), ("cx", 1), ("cdb", 1), ("ccdb", 2), ("ccdd", 2), ("cdx", 1)]
)
def test_these_are_not(said: str, agreeing: int) -> None:
    open_task = find_open(ANIMALS, cats(said), TWO_THIRDS)
    assert open_task == OpenTask(task=1, votes=len(said), agreeing=agreeing)
    assert open_task.describe() == {"task": 1, "votes": len(said), "agreeing": agreeing}


def test_without_a_share_it_is_enough_that_nothing_is_disputed() -> None:
    label = Label(votes=2, max_votes=5)
    assert find_open(ANIMALS, cats("cd"), label)
    assert find_open(ANIMALS, cats("cdbb"), label) is None


def test_a_reply_needs_its_votes_too() -> None:
    assert find_open(ANIMALS, cats("cdd"), Label(votes=3, min_votes=3, max_votes=5))


@pytest.mark.parametrize(
    ("said", "is_enough"),
    [("cc", True), ("cd", False), ("cx", False), ("xx", True), ("xc", False), ("ccd", True)],
)
def test_what_a_third_vote_can_change(said: str, is_enough: bool) -> None:
    label = Label(votes=3, stop_early=True)
    assert (find_open(ANIMALS, cats(said), label) is None) is is_enough


EARLY = [
    (ANIMALS, cats("cdx"), {}),
    (ANIMALS, cats("cdx"), {"min_votes": 2}),
    (ANIMALS, cats("cd"), {"min_votes": 3, "votes": 5}),
    (ANIMALS, cats("cdx"), {"merge": {"1": "equal"}}),
    (MODE, [Rating(3), Rating(5), NOTHING], {"merge": {"1": "mode"}}),
    (MODE, [Rating(3), Rating(5), NOTHING], {"merge": {"1": "mode"}, "min_votes": 2}),
    (BOTH, [Choices(["a"]), Choices(["a", "b"]), NOTHING], {"merge": {"1": "each"}}),
    (BOTH, [Choices(["a"]), Choices([]), NOTHING], {"merge": {"1": "each"}, "min_votes": 2}),
    (BOTH, [Choices(["a"]), Choices(["a", "b"]), GAVE_UP], {"votes": 5}),
]


@pytest.mark.parametrize(("template", "replies", "more"), EARLY)
def test_what_is_found_early_is_what_all_votes_come_to(
    template: Any, replies: list[Any], more: dict[str, Any]
) -> None:
    """Every history of votes that stops early, gone on with in every way, comes to the same."""
    label = Label(**{"votes": 4, **more, "stop_early": True})
    rules = make_voting_rules(label, MergeCalls().find)
    stopped = 0
    for said in itertools.product(replies, repeat=label.votes):
        first = next(
            number
            for number in range(label.first_votes, label.votes + 1)
            if find_open(template, said[:number], label) is None
        )
        early = merge(template, votes(*said[:first]), rules)
        late = merge(template, votes(*said), rules)
        stopped += first < label.votes
        assert (early.replies, early.abandoned, early.disputed) == (
            late.replies,
            late.abandoned,
            late.disputed,
        )
    assert stopped


def test_no_vote_is_asked_for_beyond_the_last() -> None:
    assert find_open(ANIMALS, cats("cdb"), Label(votes=3, stop_early=True)) is None
    assert find_open(ANIMALS, cats("cdcdb"), TWO_THIRDS) is None
