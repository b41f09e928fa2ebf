"""Answers follow a change of their template, or what would not fit is told."""

from __future__ import annotations

import attrs

from itagflow import Choice, Text
from itagflow.model.migration import TemplateChange
from itagflow.model.task import Answer
from itagflow.template_changes import rules
from itagflow.templates import (
    AddQuestion,
    DropOption,
    DropQuestion,
    Question,
    QuestionKind,
    RenameOption,
    RenameQuestion,
)
from itagflow.testing import make_answer, make_draft, make_package, make_template

CATS = make_template(version=1)
CAT = make_answer(replies={"1": Choice("cat")}, template_version=1)
RENAME = RenameOption("1", "cat", "feline")


def followed(*steps: object, answer: Answer = CAT) -> Answer:
    found = rules.migrate_answer(rules.make_migration(CATS, steps), answer)  # type: ignore[arg-type]
    assert isinstance(found, Answer)
    return found


def test_a_renamed_option_is_renamed_in_answers() -> None:
    after = followed(RENAME)
    assert after.replies == {"1": Choice("feline")}
    assert after.template_version == 2


def test_an_answer_that_is_not_concerned_is_the_same() -> None:
    assert followed(RenameOption("1", "dog", "hound")) is CAT
    assert followed(RenameQuestion("1", "Animal")) is CAT


def test_a_dropped_option_goes_to_another_or_is_told() -> None:
    assert followed(DropOption("1", "cat", to="dog")).replies == {"1": Choice("dog")}
    (problem,) = rules.migrate_answer(rules.make_migration(CATS, [DropOption("1", "cat")]), CAT)  # type: ignore[misc]
    assert problem.where == "1"


def test_a_dropped_question_takes_its_reply_and_its_dispute_along() -> None:
    both = attrs.evolve(CAT, replies={"1": Choice("cat"), "2": Text("x")}, disputed=("1", "2"))
    new = Question("2", QuestionKind.INPUT, "Name", required=False)
    after = followed(AddQuestion(new), DropQuestion("2"), answer=both)
    assert after.replies == {"1": Choice("cat")}
    assert after.disputed == ("1",)


def test_a_new_question_is_answered_where_its_step_says_how() -> None:
    new = Question("2", QuestionKind.INPUT, "Name")
    after = followed(AddQuestion(new, reply=Text("-")))
    assert after.replies == {"1": Choice("cat"), "2": Text("-")}
    without = rules.migrate_answer(rules.make_migration(CATS, [AddQuestion(new)]), CAT)
    assert isinstance(without, list)
    assert [problem.where for problem in without] == ["2"]


def test_what_was_said_later_or_erased_is_left_alone() -> None:
    later = attrs.evolve(CAT, template_version=2)
    erased = attrs.evolve(CAT, replies={}, erased=True)
    assert followed(RENAME, answer=later) is later
    assert followed(RENAME, answer=erased) is erased


def test_a_reason_that_the_new_template_does_not_have_is_told() -> None:
    new = make_template(abandon_reasons=("blurred",))
    given_up = make_answer(abandon_reason="dark", template_version=1)
    (problem,) = rules.migrate_answer(rules.make_replacement(CATS, new), given_up)  # type: ignore[misc]
    assert problem.reason == "'dark' is not one of blurred"


def test_a_change_that_was_made_is_made_again_for_the_rest() -> None:
    migration = rules.remake_migration(TemplateChange(CATS, (RENAME,)))
    assert migration == rules.make_migration(CATS, [RENAME])
    assert migration.after.version == 2


def test_a_change_is_empty_only_without_steps_and_differences() -> None:
    assert rules.make_replacement(CATS, CATS).is_empty
    assert not rules.make_replacement(CATS, make_template(abandon_reasons=("dark",))).is_empty
    assert not rules.make_migration(CATS, [RENAME]).is_empty


def test_a_dispute_ends_when_the_merged_votes_agree() -> None:
    package = make_package(disputes=(1, 2, 3))
    merged = [make_answer(1), make_answer(2, disputed=("1",))]
    assert rules.find_remaining_disputes(package, merged) == (2, 3)


def test_a_draft_follows_where_it_can_and_hinders_nothing() -> None:
    template = make_template()
    renamed = rules.make_migration(template, [RenameOption("1", "cat", "feline")])
    draft = make_draft(replies={"1": Choice("cat")})
    assert rules.migrate_draft(renamed, draft).replies == {"1": Choice("feline")}
    dropped = rules.make_migration(template, [DropOption("1", "cat")])
    assert rules.migrate_draft(dropped, draft) is draft
    newer = attrs.evolve(draft, template_version=1)
    assert rules.migrate_draft(renamed, newer) is newer
    assert rules.migrate_draft(renamed, make_draft(replies={})).replies == {}
