"""Half-filled answers: what is asked of them, and when they are newer than the answer."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import attrs
import pytest
from support.facts import CTX, facts_of

from itagflow import Choice, InvalidData, Stage, WrongState
from itagflow.errors import StaleVersion
from itagflow.labeling.draft_rules import find_newer_drafts, make_optional, save_draft
from itagflow.model.change import Context
from itagflow.model.terms import SaveTerms
from itagflow.templates import Option, Question, QuestionKind
from itagflow.testing import AT, make_answer, make_assignment, make_draft, make_task, make_template

CAT, DOG = {"1": Choice("cat")}, {"1": Choice("dog")}
LATER = Context(AT + timedelta(seconds=60), 1, 2)


class TestSaveDraft:
    def test_a_draft_is_added_without_an_event(self) -> None:
        outcome = save_draft(facts_of(None), {})
        assert (outcome.change, outcome.rewritten, outcome.removed_drafts) == (None, (), ())
        assert outcome.draft is not None
        old, new = outcome.draft
        assert (old, new.replies, new.template_version, new.answer_version) == (None, {}, 3, 0)
        assert outcome.answers == (new,)
        assert outcome.assignment is not None
        assert outcome.assignment[1].has_drafts

    def test_it_notes_beside_which_version_it_lies(self) -> None:
        outcome = save_draft(facts_of(make_answer(replies=CAT, version=4)), DOG)
        assert outcome.draft is not None
        assert outcome.draft[1].answer_version == 5

    def test_the_same_once_more_changes_nothing(self) -> None:
        old = make_draft(replies=DOG)
        facts = facts_of(None, drafts={1: old}, assignment=make_assignment(has_drafts=True))
        outcome = save_draft(facts, DOG)
        assert (outcome.answers, outcome.draft, outcome.assignment) == ((old,), None, None)

    def test_time_is_kept_with_the_answer_if_there_is_one(self) -> None:
        terms = SaveTerms(seconds=5)
        outcome = save_draft(facts_of(None, terms=terms, ctx=LATER), DOG)
        assert outcome.draft is not None
        assert (outcome.draft[1].seconds, outcome.rewritten) == (5, ())
        answer = make_answer(replies=CAT, seconds=2, version=1)
        outcome = save_draft(facts_of(answer, terms=terms, ctx=LATER), DOG)
        assert outcome.draft is not None
        assert outcome.draft[1].seconds == 0
        assert outcome.rewritten == (attrs.evolve(answer, seconds=7),)

    @pytest.mark.parametrize("stage", [Stage.INSPECT, Stage.ACCEPT])
    def test_there_is_none_in_review(self, stage: Stage) -> None:
        with pytest.raises(WrongState):
            save_draft(facts_of(None, assignment=make_assignment(stage=stage)), DOG)

    def test_its_values_must_be_valid_and_its_version_the_expected_one(self) -> None:
        with pytest.raises(InvalidData, match="not an option"):
            save_draft(facts_of(None), Choice("cow"))
        answer = make_answer(replies=CAT)
        with pytest.raises(StaleVersion):
            save_draft(facts_of(answer, terms=SaveTerms(expected_version=0)), DOG)

    def test_the_task_must_be_in_scope(self) -> None:
        facts = facts_of(None, assignment=make_assignment(scope=(2,)), tasks=[make_task(1)])
        with pytest.raises(InvalidData, match="not in the scope"):
            save_draft(facts, DOG)
        assert facts.ctx == CTX


@pytest.mark.parametrize(
    ("answer", "answer_version", "newer"),
    [
        (None, 0, ()),  # missing, whatever the draft says
        ({"replies": CAT, "version": 1}, 2, (1,)),
        ({"replies": CAT, "version": 1}, 1, ()),  # changed since, such as abandoned
        ({"replies": None, "version": 0}, 1, ()),  # restored to nothing
        ({"replies": None, "abandon_reason": "dark"}, 1, (1,)),
    ],
)
def test_newer_is_a_draft_beside_the_stored_version_of_a_complete_answer(
    answer: dict[str, Any] | None, answer_version: int, newer: tuple[int, ...]
) -> None:
    answers = {} if answer is None else {1: make_answer(**answer)}
    draft = make_draft(replies=DOG, answer_version=answer_version)
    assert find_newer_drafts([draft], answers) == newer


def test_nothing_is_required_of_a_draft_and_nothing_is_too_few() -> None:
    marks = Question("2", QuestionKind.CHECKBOX, "Marks", (Option("a"), Option("b")), min_count=2)
    animals = (Option("cat"), Option("dog"))
    outer = Question("1", QuestionKind.RADIO, "Animal", animals, children=(marks,))
    asked = make_optional(make_template(questions=(outer,)))
    assert [(question.required, question.min_count) for question in asked.asked] == [
        (False, 0),
        (False, 0),
    ]
