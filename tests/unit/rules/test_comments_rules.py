"""Unit tests of `itagflow.comments.rules`: threads, repeats, and what is refused."""

from __future__ import annotations

from datetime import timedelta

import pytest

from itagflow import Answer, Assignment, Inspect, InvalidData, Label, Stage, Workflow
from itagflow.comments import rules
from itagflow.comments.rules import NewComment
from itagflow.core.blinding import Blinding
from itagflow.model import AssignmentState, Comment, CommentAction, Outcome, Verdict, WorkItem
from itagflow.model.change import Context
from itagflow.results.rules import Case
from itagflow.testing import make_answer, make_assignment, make_job, make_package, make_task
from itagflow.testing.builders import AT

NOTE, RESOLVE, REOPEN = CommentAction


def comment(id: int, text: str = "why?", **more: object) -> Comment:
    given = {"thread": id, "member": 2, **more}
    return Comment(job=4, id=id, package=1, task=1, at=AT, text=text, **given)  # type: ignore[arg-type]


def review(id: int, outcome: Outcome, **more: object) -> Assignment:
    given = {
        "stage": Stage.INSPECT,
        "member": 3,
        "state": AssignmentState.DONE,
        "outcome": outcome,
        "ended_at": AT + timedelta(minutes=id),
    }
    return make_assignment(id, **{**given, **more})


def a_case(*assignments: Assignment, answers: tuple[Answer, ...] = ()) -> Case:
    job = make_job(workflow=Workflow(Label(), Inspect()))
    by_id = {answer.assignment: answer for answer in answers}
    return Case(job, make_package(), assignments, by_id, 1)


def judged(assignment: int, verdict: Verdict, text: str = "") -> Answer:
    return make_answer(
        assignment=assignment, task=1, stage=Stage.INSPECT, member=3, verdict=verdict, comment=text
    )


def test_entries_form_threads_in_order() -> None:
    entries = [comment(9, thread=7), comment(7), comment(8)]
    found = rules.build_threads(a_case(), entries)
    assert [[entry.id for entry in thread.comments] for thread in found] == [[7, 9], [8]]


@pytest.mark.parametrize(
    ("actions", "is_resolved"),
    [((), False), ((RESOLVE,), True), ((RESOLVE, REOPEN), False), ((RESOLVE, NOTE), True)],
)
def test_the_last_word_says_whether_a_thread_is_resolved(
    actions: tuple[CommentAction, ...], is_resolved: bool
) -> None:
    later = [comment(8 + index, thread=7, action=act) for index, act in enumerate(actions)]
    (thread,) = rules.build_threads(a_case(), [comment(7), *later])
    assert thread.is_resolved is is_resolved


def test_a_judgment_opens_a_thread_under_the_id_of_its_assignment() -> None:
    case = a_case(
        review(20, Outcome.REJECTED, comment="no", sent_back=(1,)),
        answers=(judged(20, Verdict.WRONG, "no"),),
    )
    (thread,) = rules.build_threads(case, [])
    assert (thread.id, thread.comments[0].text, thread.is_resolved) == (20, "no", False)


@pytest.mark.parametrize(
    ("later", "answers", "is_resolved"),
    [
        (review(30, Outcome.REVIEWED), (), True),
        (review(30, Outcome.REVIEWED, scope=(2,)), (), False),
        (review(30, Outcome.REJECTED), (judged(30, Verdict.WRONG),), True),
        (review(30, Outcome.RELEASED, state=AssignmentState.RETURNED), (), False),
    ],
)
def test_the_next_verdict_on_the_task_resolves_it(
    later: Assignment, answers: tuple[Answer, ...], is_resolved: bool
) -> None:
    first = review(20, Outcome.REJECTED, comment="no", sent_back=(1,))
    case = a_case(first, later, answers=(judged(20, Verdict.WRONG, "no"), *answers))
    assert rules.build_threads(case, [])[0].is_resolved is is_resolved


def test_a_reject_of_other_tasks_opens_none() -> None:
    case = a_case(review(20, Outcome.REJECTED, comment="no", sent_back=(2,)))
    assert rules.build_threads(case, []) == ()


def test_somebody_opens_again_what_a_verdict_has_resolved() -> None:
    first = review(20, Outcome.REJECTED, comment="no", sent_back=(1,))
    case = a_case(first, review(30, Outcome.REVIEWED))
    entries = [comment(40, thread=20, action=REOPEN)]
    assert not rules.build_threads(case, entries)[0].is_resolved


@pytest.mark.parametrize(
    ("new", "member", "expected"),
    [
        ({"text": "why?"}, 2, 7),
        ({"text": "why?"}, 3, None),
        ({"text": "how?"}, 2, None),
        ({"text": "why?", "annotation": "r1"}, 2, None),
        ({"text": "so", "thread": 8}, 2, 9),
        ({"text": "so", "thread": 7}, 2, None),
        ({"text": "so", "thread": 8, "action": RESOLVE}, 2, None),
    ],
)
def test_what_was_sent_twice_is_found(
    new: dict[str, object], member: int, expected: int | None
) -> None:
    entries = [comment(7), comment(8, "x"), comment(9, "so", thread=8)]
    written = NewComment(task=make_task(), **new)  # type: ignore[arg-type]
    found = rules.find_repeated(written, member, entries)
    assert (found.id if found else None) == expected


def test_a_new_entry_goes_into_its_thread() -> None:
    (thread,) = rules.build_threads(a_case(), [comment(7, annotation="r1")])
    new = NewComment(task=make_task(), text="so", thread=7)
    change, added = rules.add_comment(new, make_package(), [thread], Context(AT, 1, 2), id=11)
    assert (added.thread, added.annotation, change.add) == (7, "r1", (added,))
    assert (change.event.type, change.event.data) == ("comment", {"thread": 7, "entry": 11})


@pytest.mark.parametrize(
    "new",
    [{"text": " "}, {"text": "a\0"}, {"text": "a", "annotation": "\0"}, {"text": "a", "thread": 3}],
)
def test_a_wrong_entry_is_refused(new: dict[str, object]) -> None:
    written = NewComment(task=make_task(), **new)  # type: ignore[arg-type]
    with pytest.raises(InvalidData):
        rules.add_comment(written, make_package(), [], Context(AT, 1, 2), id=11)


def test_what_closes_a_thread_needs_no_words() -> None:
    rules.require_text(NewComment(task=make_task(), text="", action=RESOLVE, thread=7))
    with pytest.raises(InvalidData, match="say something"):
        rules.require_text(NewComment(task=make_task(), text=""))


def test_a_thread_without_its_author_is_left_out() -> None:
    threads = rules.build_threads(a_case(), [comment(7), comment(8, thread=7, member=3)])
    (shown,) = rules.without_authors(threads, {2})
    assert [entry.member for entry in shown.comments] == [3]
    assert rules.without_authors(threads, {2, 3}) == ()


def test_voters_of_the_round_are_hidden_from_each_other() -> None:
    package = make_package(round=2)
    votes = [make_assignment(5, member=2, round=2), make_assignment(6, member=3, round=1)]
    case = Case(make_job(), package, votes, {}, 1)
    assert rules.find_hidden_voters(case, 9) == {2}
    assert rules.find_hidden_voters(case, 2) == set()


def test_erasing_keeps_who_and_when() -> None:
    erased = rules.erase_comment(comment(7, annotation="r1"), "erased")
    assert (erased.text, erased.annotation, erased.erased) == ("erased", "", True)
    assert (erased.member, erased.at) == (2, AT)


def test_an_item_gets_the_threads_of_its_task() -> None:
    assignment = make_assignment(5)
    case = a_case(assignment)
    item = WorkItem(task=make_task())
    assert rules.with_threads(item, case, assignment, []) is item
    assert len(rules.with_threads(item, case, assignment, [comment(7)]).comments) == 1


def test_a_thread_is_found_by_its_id() -> None:
    threads = rules.build_threads(a_case(), [comment(7)])
    assert rules.find_thread(NewComment(task=make_task(), text="", thread=7), threads).id == 7


def test_a_hidden_labeler_has_a_number() -> None:
    threads = rules.build_threads(a_case(), [comment(7), comment(8, thread=7, member=3)])
    hidden = Blinding({1: {2: "labeler 1"}}, {})
    (shown,) = rules.hide_labelers(threads, hidden)
    assert [(entry.member, entry.labeler) for entry in shown.comments] == [
        (None, "labeler 1"),
        (3, ""),
    ]
    assert rules.hide_labelers(threads, Blinding()) == threads
