"""What stays when a name or a task's data is erased."""

from __future__ import annotations

import json

import attrs
import pytest

from itagflow import AssignmentState, Choice, Merge, PackageState, Stage
from itagflow.maintenance import erase_rules as rules
from itagflow.model import Campaign, MergeReport, QuestionMerge
from itagflow.testing import (
    make_answer,
    make_assignment,
    make_event,
    make_package,
    make_task,
    make_template,
)

CAT = {"1": Choice("cat")}


def test_a_task_keeps_its_fields_and_loses_what_is_in_them() -> None:
    blank = rules.erase_row(make_task(row_key_text="7"), make_template())
    assert json.loads(blank.row) == {"data": {"source": None}, "erased": True}
    assert (blank.key, blank.row_key_text) == ((4, 1), "")


def test_an_answer_keeps_that_it_was_given_and_loses_what_it_said() -> None:
    silent = rules.erase_answer(make_answer(replies=CAT, comment="ben did it"))
    assert (silent.replies, silent.comment, silent.abandon_reason) == ({}, "erased", None)
    given_up = rules.erase_answer(make_answer(abandon_reason="dark"))
    assert (given_up.replies, given_up.comment, given_up.abandon_reason) == (None, "", "erased")
    assert silent.erased
    assert given_up.is_abandoned


def test_why_votes_were_disputed_goes_with_what_they_said() -> None:
    question = QuestionMerge(rule=Merge("mine"), reason="'mine' raised ValueError: ask ben")
    merged = make_answer(replies=CAT, merge=MergeReport(questions={"1": question}))
    assert rules.erase_answer(merged).merge is None
    nameless = rules.anonymize_answer(merged, rules.build_name_filter("ben", "X"))
    assert nameless.merge is not None
    assert nameless.merge.questions["1"].reason == "'mine' raised ValueError: ask X"


def test_the_reasons_of_disputes_are_erased_from_the_history_too() -> None:
    questions = {"1": {"reason": "ask ben"}, "2": {"counts": [1, 1]}}
    replaced = {"replies": {}, "merge": {"min_votes": 2, "questions": questions}}
    event = make_event("migrate", data={"previous": {"1": replaced}})
    erased = rules.erase_from_event(event, 1, lambda text: text)
    assert "merge" not in erased.data["previous"]["1"]
    nameless = rules.anonymize_event(event, "ben", "X")
    merge = nameless.data["previous"]["1"]["merge"]
    assert merge["questions"] == {"1": {"reason": "ask X"}, "2": {"counts": [1, 1]}}


def test_the_field_of_a_package_goes_with_its_last_task() -> None:
    package = make_package(size=2, value='"A"')
    once = rules.erase_from_package(package, 2, (1, 2), str)
    assert (once.erased, once.scope, once.value) == ((2,), (1,), '"A"')
    twice = rules.erase_from_package(once, 1, (1, 2), str)
    assert (twice.erased, twice.scope, twice.value) == ((1, 2), (), "")


def test_a_package_that_is_done_has_no_scope_to_shrink() -> None:
    done = make_package(size=2, state=PackageState.DONE)
    assert rules.erase_from_package(done, 2, (1, 2), str).scope is None


def test_the_comment_of_a_campaign_is_rewritten() -> None:
    campaign = Campaign(round=2, stage=Stage.LABEL, tasks=(1,), comment="ben was tired")
    package = make_package(size=2, round=2, campaigns=(campaign,))
    erase_ben = rules.build_name_filter("ben", "erased-7")
    without = rules.erase_from_campaigns(package, erase_ben)
    assert without.campaigns == (attrs.evolve(campaign, comment="erased-7 was tired"),)
    assert rules.erase_from_campaigns(without, erase_ben) is without
    assert rules.erase_from_package(package, 2, (1, 2), erase_ben).campaigns == without.campaigns


def test_a_live_assignment_shrinks_and_an_ended_one_is_as_it_was() -> None:
    package = make_package(size=2, erased=(2,))
    live = rules.erase_from_assignment(make_assignment(), package, (1, 2), lambda text: text)
    assert live.scope == (1,)
    ended = make_assignment(state=AssignmentState.DONE, comment="ben")
    assert rules.erase_from_assignment(ended, package, (1, 2), lambda text: text) is ended
    assert rules.erase_from_assignment(ended, package, (1, 2), lambda _: "x").comment == "x"


def test_an_event_forgets_what_it_says_of_one_task() -> None:
    said = {"previous": {"1": {"replies": {"1": 1}, "comment": "a"}, "2": {"comment": "b"}}}
    event = make_event("judge", data=said)
    assert rules.erase_from_event(event, 1, lambda text: text).data["previous"] == {
        "1": {"replies": {}, "comment": "erased", "erased": True},
        "2": {"comment": "b"},
    }
    assert rules.erase_from_event(event, 9, lambda text: text) is event
    own = make_event("judge", task=1, data={"comment": "see ben"})
    assert rules.erase_from_event(own, 1, lambda text: text).data == {"comment": "erased"}


def test_remarks_are_those_of_answers_and_of_events_about_the_task() -> None:
    answers = [make_answer(comment="a"), make_answer(comment="")]
    events = [
        make_event("judge", task=1, data={"comment": "b"}),
        make_event("reject", data={"answered": [1], "reason": "c"}),
        make_event("judge", task=2, data={"comment": "other task"}),
        make_event("release", task=1, data={"comment": "other verb"}),
    ]
    assert rules.find_remarks(1, answers, events) == {"a", "b", "c"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("blurred", "erased"),
        ("dark; blurred", "dark; erased"),
        ("blurred; dark; blurred", "erased; dark; erased"),
        ("not blurred", "not blurred"),
        ("", ""),
    ],
)
def test_a_remark_is_taken_out_of_a_joined_reason(text: str, expected: str) -> None:
    assert rules.build_remark_filter(["blurred"])(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("ben did it", "X did it"),
        ("ask ben.", "ask X."),
        ("ben@here", "ben@here"),
        ("ben.smith and ben-smith", "ben.smith and ben-smith"),
        ("Rubens", "Rubens"),
    ],
)
def test_a_name_is_replaced_as_a_whole_word(text: str, expected: str) -> None:
    assert rules.build_name_filter("ben", "X")(text) == expected


def test_a_name_is_found_in_any_spelling() -> None:
    assert rules.build_name_filter("rené", "X")("rene\u0301, rené") == "X, X"


def test_an_event_about_a_member_loses_the_name() -> None:
    joined = make_event("add_member", data={"name": "ben"})
    assert rules.anonymize_event(joined, "ben", "X").data == {"name": "X"}
    moved = make_event("reassign", data={"to": "ben", "comment": "ben is ill"})
    assert rules.anonymize_event(moved, "ben", "X").data == {"to": "X", "comment": "X is ill"}
    job = make_event("create_job", data={"name": "ben"})
    assert rules.anonymize_event(job, "ben", "X") is job  # it is the name of a job


def test_an_answer_loses_the_name_in_what_was_written() -> None:
    said = make_answer(comment="ask ben", abandon_reason="ben said so")
    nameless = rules.anonymize_answer(said, rules.build_name_filter("ben", "X"))
    assert (nameless.comment, nameless.abandon_reason) == ("ask X", "X said so")
    assert (
        rules.anonymize_answer(make_answer(), rules.build_name_filter("ben", "X")) == make_answer()
    )


def test_a_name_is_erased_from_earlier_guidelines() -> None:
    event = make_event("update_job", data={"guideline": "ask ben", "guideline_version": 1})
    after = rules.anonymize_event(event, "ben", "erased-2")
    assert after.data == {"guideline": "ask erased-2", "guideline_version": 1}
