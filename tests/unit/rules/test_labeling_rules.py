"""Answers: what they are about, what they say, and how the assignment that gave them ends."""

from __future__ import annotations

import attrs
import pytest

from itagflow import AssignmentState, Choice, Incomplete, InvalidData, Stage, WrongState
from itagflow.core.change import Act
from itagflow.labeling import rules
from itagflow.lifecycle.tables import Closing
from itagflow.model import Outcome
from itagflow.testing import make_answer, make_assignment, make_task, make_template
from itagflow.testing.builders import AT

ACT = Act(AT, 1, 2)
CAT = {"1": Choice("cat")}


def test_a_task_of_another_package_or_scope_is_refused() -> None:
    rules.must_cover(make_assignment(scope=(1, 3)), make_task(3))
    with pytest.raises(InvalidData, match="is in package 2, not in that of"):
        rules.must_cover(make_assignment(), make_task(3, package=2))
    with pytest.raises(InvalidData, match=r"not in the scope .*: tasks 1, 3"):
        rules.must_cover(make_assignment(scope=(1, 3)), make_task(2))


def test_a_task_is_answered_once_in_a_call() -> None:
    rules.must_be_different([make_task(1), make_task(2)])
    rules.must_be_different([])
    with pytest.raises(InvalidData) as refused:
        rules.must_be_different([make_task(n) for n in (3, 1, 3, 1, 2)])
    assert [problem.where for problem in refused.value.problems] == ["task 1", "task 3"]


def test_an_answer_has_the_place_of_its_assignment() -> None:
    said = rules.answer(
        make_assignment(stage=Stage.INSPECT, round=2),
        make_task(3),
        ACT,
        replies=CAT,
        template_version=4,
    )
    assert (said.key, said.stage, said.round, said.member) == ((4, 5, 3), Stage.INSPECT, 2, 2)
    assert (said.replies, said.template_version) == (CAT, 4)


def test_the_same_content_is_the_same_whenever_it_was_said() -> None:
    old = make_answer(replies=CAT)
    assert rules.says_the_same(old, attrs.evolve(old, seconds=9.0))
    assert not rules.says_the_same(old, attrs.evolve(old, comment="no"))
    assert not rules.says_the_same(None, old)


def test_the_first_answer_is_added_and_a_later_one_replaces_it() -> None:
    old, new = make_answer(replies=CAT), make_answer(replies={"1": Choice("dog")})
    first = rules.put("save", make_assignment(), None, old, ACT, data={})
    assert (first.add, first.save, first.event.task) == ((old,), (), 1)
    later = rules.put("save", make_assignment(), old, new, ACT, data={"previous": {}})
    assert (later.add, later.save) == ((), ((old, new),))


def test_several_answers_are_one_event() -> None:
    old, new, other = make_answer(1), make_answer(1, replies=CAT), make_answer(2, replies=CAT)
    change = rules.put_all(
        "save", make_assignment(), [(old, new), (None, other)], ACT, data={"a": 1}
    )
    assert (change.add, change.save) == ((other,), ((old, new),))
    assert (change.event.task, change.event.data) == (0, {"a": 1})


def test_a_reason_to_abandon_is_one_of_the_template() -> None:
    free, fixed = make_template(), make_template(abandon_reasons=("dark", "blurred"))
    assert rules.abandon_reason(free, "whatever") == "whatever"
    assert rules.abandon_reason(fixed, "dark") == "dark"
    for template, reason, words in (
        (free, " ", "is empty"),
        (free, "\0", "reason"),
        (fixed, "bright", "not one of dark, blurred"),
    ):
        with pytest.raises(InvalidData, match=words):
            rules.abandon_reason(template, reason)


def test_only_what_is_abandoned_is_restored() -> None:
    task, given_up = make_task(), make_answer(abandon_reason="dark")
    with pytest.raises(Incomplete, match="is not abandoned"):
        rules.restored(None, task, review=False)
    with pytest.raises(Incomplete, match="is not abandoned"):
        rules.restored(make_answer(replies=CAT), task, review=False)
    assert rules.restored(attrs.evolve(given_up, replies=CAT), task, review=True) == CAT
    assert rules.restored(given_up, task, review=False) is None
    with pytest.raises(Incomplete, match="modify it instead"):
        rules.restored(given_up, task, review=True)


def test_work_ends_only_when_everything_is_answered() -> None:
    held = make_assignment()
    done = rules.closed("submit", Outcome.SUBMITTED, held, ACT, Closing(assignment=held))
    assert (done.state, done.outcome, done.ended_at) == (
        AssignmentState.DONE,
        Outcome.SUBMITTED,
        AT,
    )
    with pytest.raises(Incomplete):
        rules.closed("submit", Outcome.SUBMITTED, held, ACT, Closing(assignment=held, missing=(2,)))
    with pytest.raises(WrongState):
        rules.closed("submit", Outcome.SUBMITTED, done, ACT, Closing(assignment=done))


def test_merged_votes_are_an_assignment_of_nobody() -> None:
    last = make_assignment(token="t", version=7)
    votes = [[make_answer(replies=CAT, template_version=n) for n in (1, 2)]]
    outcome, answers = rules.merged(last, votes, make_template(), 2, ACT, id=9)
    assert (outcome.id, outcome.member, outcome.outcome) == (9, None, Outcome.MERGED)
    assert (outcome.token, outcome.version) == ("", 0)
    (said,) = answers
    assert (said.assignment, said.member, said.replies, said.template_version) == (9, None, CAT, 2)
