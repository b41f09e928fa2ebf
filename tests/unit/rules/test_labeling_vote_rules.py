"""How many members label a package, and which rules a job stores."""

from __future__ import annotations

import hashlib

import attrs
import pytest

from itagflow import InvalidData, Label, Merge, PackageState, Stage, Workflow
from itagflow.core.secrecy import is_voted_on_in
from itagflow.labeling import vote_rules as rules
from itagflow.model import Option, Question
from itagflow.model.job import find_registered_names
from itagflow.testing import make_job, make_package, make_template

TEMPLATE = make_template(
    questions=(
        Question(
            "1",
            "RADIO",
            "Animal",
            [Option("cat"), Option("dog")],
            children=[Question("2", "RATING", "Size", when=["cat"])],
        ),
        Question("3", "INPUT", "Remark", required=False),
        Question("4", "INPUT", "Twice", required=False),
        Question("5", "INPUT", "Twice", required=False),
    )
)


def test_a_package_is_drawn_by_a_hash() -> None:
    digest = hashlib.sha256(b"7/label/3/1").digest()
    share = int.from_bytes(digest, "big") / 2**256
    assert not rules.is_package_drawn(share, 7, Stage.LABEL, 3, 1)
    assert rules.is_package_drawn(share + 1e-9, 7, Stage.LABEL, 3, 1)


def test_a_larger_share_has_all_packages_of_a_smaller_one() -> None:
    def draw(share: float) -> set[int]:
        return {
            number
            for number in range(1, 1001)
            if rules.is_package_drawn(share, 7, Stage.LABEL, number, 1)
        }

    assert draw(0.2) < draw(0.5) < draw(1.0)
    assert 160 < len(draw(0.2)) < 240


def test_packages_that_are_not_drawn_have_one_vote() -> None:
    job = make_job(workflow=Workflow(Label(votes=3, on_dispute="keep", votes_package_share=0.2)))
    votes = {rules.count_votes(job, number) for number in range(1, 101)}
    assert votes == {1, 3}
    everywhere = make_job(workflow=Workflow(Label(votes=3, on_dispute="keep")))
    assert rules.count_votes(everywhere, 1) == 3


THREE = make_job(workflow=Workflow(Label(votes=3, on_dispute="keep")))


def test_votes_are_raised_from_a_round_on() -> None:
    raised = rules.with_votes(THREE, make_package(votes=1, round=4), 4)
    assert (raised.votes, raised.voted_since) == (3, 4)
    assert not is_voted_on_in(raised, 3)
    assert is_voted_on_in(raised, 4)
    again = rules.with_votes(THREE, make_package(votes=2, voted_since=2, round=4), 4)
    assert (again.votes, again.voted_since) == (3, 2)


def test_votes_never_become_fewer() -> None:
    assert rules.with_votes(make_job(), make_package(votes=3), 2).votes == 3


def test_the_next_round_at_label_has_the_votes_of_now() -> None:
    at_label = rules.with_next_round(THREE, make_package(votes=1), Stage.LABEL)
    assert (at_label.round, at_label.votes, at_label.voted_since) == (2, 3, 2)
    at_inspect = rules.with_next_round(THREE, make_package(votes=1), Stage.INSPECT)
    assert (at_inspect.round, at_inspect.votes) == (2, 1)


def test_slots_are_added_to_what_is_at_label() -> None:
    assert rules.with_slots_added(THREE, make_package(votes=1, free=0)).free == 2
    done = make_package(state=PackageState.DONE, free=0)
    assert rules.with_slots_added(THREE, done) == done


def test_a_job_stores_the_rule_of_every_question_by_id() -> None:
    label = Label(votes=3, merge={"Size": Merge("mean", tolerance=1)}, on_dispute="keep")
    stored = rules.with_merge_rules(Workflow(label), TEMPLATE).label
    assert {id: merge.name for id, merge in stored.merge.items()} == {
        "1": "majority",
        "2": "mean",
        "3": "keep",
        "4": "keep",
        "5": "keep",
    }
    assert stored.merge["2"].tolerance == 1
    assert rules.with_merge_rules(Workflow(stored), TEMPLATE).label == stored


def test_one_vote_needs_no_rules_unless_some_are_given() -> None:
    assert rules.with_merge_rules(Workflow(), TEMPLATE) == Workflow()
    given = rules.with_merge_rules(Workflow(Label(merge={"1": "keep"})), TEMPLATE)
    assert given.label.merge["2"] == Merge("median")


def test_rules_that_fit_no_question_are_listed_together() -> None:
    merge = {"Colour": "keep", "Twice": "keep", "Animal": "median", "3": "keep", "Remark": "keep"}
    with pytest.raises(InvalidData) as caught:
        rules.with_merge_rules(Workflow(Label(merge=merge)), TEMPLATE)
    problems = {problem.where: problem.reason for problem in caught.value.problems}
    assert list(problems) == [
        "merge['Colour']",
        "merge['Twice']",
        "merge['Animal']",
        "merge['Remark']",
    ]
    assert "the template has no such question" in problems["merge['Colour']"]
    assert "give one of their ids, '4', '5'" in problems["merge['Twice']"]
    assert "is a rule for RATING" in problems["merge['Animal']"]
    assert "by its title and by its id" in problems["merge['Remark']"]


def test_functions_of_the_application_are_named_once() -> None:
    label = Label(merge={"1": "mine", "2": "mine", "3": "keep", "4": "other"})
    assert find_registered_names(Workflow(label)) == ["mine", "other"]


def test_votes_may_be_raised_and_nothing_else_of_them_changed() -> None:
    old = Label(votes=2, merge={"1": "keep"})
    explain = rules.explain_other_votes
    assert explain(old, attrs.evolve(old, votes=3)) == ""
    assert explain(old, attrs.evolve(old, min_votes=2)) == ""
    assert "cannot become fewer: they are 2, not 1" in explain(old, attrs.evolve(old, votes=1))
    assert "merge cannot change" in explain(old, attrs.evolve(old, merge={}))
    assert explain(Label(), Label(votes=2, merge={"1": "keep"})) == ""
    share = attrs.evolve(old, votes_package_share=0.5)
    assert "votes_package_share cannot change" in explain(old, share)
