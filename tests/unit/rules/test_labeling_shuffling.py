"""The order in which a person sees options: another for each, and always the same."""

from __future__ import annotations

from collections import Counter

import attrs
import pytest

from itagflow import InvalidData, Template, templates
from itagflow.labeling.shuffling import shuffle_options
from itagflow.templates import Option, Question, QuestionKind

THREE = templates.preference_ranking(["a", "b", "c"])
SEED = 7


def test_the_order_has_every_option_once_and_does_not_change() -> None:
    shown = shuffle_options(THREE, SEED, 1, 2)
    assert sorted(shown["1"]) == ["a", "b", "c"]
    assert shuffle_options(THREE, SEED, 1, 2) == shown
    # written down: another release, or another version of Python, must say the same
    assert shown == {"1": ("b", "c", "a")}


@pytest.mark.parametrize("differs", ["seed", "task", "member"])
def test_each_job_task_and_member_has_an_order_of_its_own(differs: str) -> None:
    place = {"seed": SEED, "task": 1, "member": 2}
    orders = {shuffle_options(THREE, **{**place, differs: number})["1"] for number in range(1, 100)}
    assert len(orders) == 6


def test_every_order_is_as_frequent_as_the_others() -> None:
    counts = Counter(shuffle_options(THREE, SEED, task, 2)["1"] for task in range(6_000))
    assert len(counts) == 6
    # five standard deviations of a thousand
    assert all(850 < count < 1150 for count in counts.values())


def test_an_option_that_is_added_leaves_the_order_of_the_others() -> None:
    four = templates.preference_ranking(["a", "b", "c", "d"])
    for task in range(1, 50):
        shown = shuffle_options(four, SEED, task, 2)["1"]
        assert (
            tuple(key for key in shown if key != "d") == shuffle_options(THREE, SEED, task, 2)["1"]
        )


def test_options_inside_another_stay_behind_it() -> None:
    tree = (
        Option("animal", children=(Option("cat"), Option("dog"), Option("cow"))),
        Option("plant", children=(Option("oak"), Option("elm"))),
    )
    template = Template(questions=(Question("1", QuestionKind.RADIO, "What", tree, shuffle=True),))
    orders = {shuffle_options(template, SEED, task, 2)["1"] for task in range(500)}
    assert len(orders) == 2 * 6 * 2
    for shown in orders:
        first, last = shown.index("animal"), shown.index("plant")
        assert {shown[first + n] for n in (1, 2, 3)} == {"cat", "dog", "cow"}
        assert {shown[last + n] for n in (1, 2)} == {"oak", "elm"}


def test_only_questions_that_shuffle_have_an_order() -> None:
    plain, mixed = templates.image_classification(["cat", "dog"]), templates.pairwise_preference()
    assert shuffle_options(plain, SEED, 1, 2) == {}
    both = attrs.evolve(
        mixed,
        questions=(*mixed.questions, attrs.evolve(plain.questions[0], id="2")),
    )
    assert set(shuffle_options(both, SEED, 1, 2)) == {"1"}


def test_a_question_that_depends_on_another_has_an_order_too() -> None:
    finer = Question("2", QuestionKind.RADIO, "Color", (Option("x"), Option("y")), shuffle=True)
    template = Template(
        questions=(Question("1", QuestionKind.RADIO, "Kind", (Option("car"),), children=(finer,)),)
    )
    assert set(shuffle_options(template, SEED, 1, 2)) == {"2"}


def test_questions_with_the_same_options_show_them_in_the_same_order() -> None:
    pair = templates.pairwise_preference()
    twice = attrs.evolve(
        pair, questions=(*pair.questions, attrs.evolve(pair.questions[0], id="2", title="Safer"))
    )
    for task in range(1, 20):
        shown = shuffle_options(twice, SEED, task, 2)
        assert shown["1"] == shown["2"]


def test_merged_votes_were_shown_to_nobody() -> None:
    assert shuffle_options(THREE, SEED, 1, None) == {}


def test_questions_about_annotations_cannot_be_shuffled() -> None:
    kind = Question("2", QuestionKind.RADIO, "Kind", (Option("x"), Option("y")), shuffle=True)
    with pytest.raises(InvalidData, match="cannot have shuffle: it is about a part"):
        Template(questions=(Question("1", "PICTURE", "Objects", children=(kind,)),))
