"""What events say is replayed, and compared with what is stored."""

from __future__ import annotations

from typing import Any

from itagflow import JobState, PackageState
from itagflow.maintenance.replay import Guidelines, Loads, Replay, compare_replay
from itagflow.model.event import FieldChange
from itagflow.testing import make_answer, make_event, make_job, make_member, make_package


def moved(kind: str, key: tuple[int, ...], field: str, before: Any, after: Any) -> FieldChange:
    return FieldChange(kind, key, field, before, after)


def told(*events: Any, packages: int = 0) -> Replay:
    replay = Replay()
    for number in range(1, packages + 1):
        replay.add_package(make_package(number))
    for event in events:
        replay.apply(event)
        replay.apply_to_job(event)
    return replay


SUBMIT = make_event(
    "submit", position=8, changes=(moved("package", (4, 1), "state", "label", "inspect"),)
)


def test_a_package_is_where_its_events_have_led() -> None:
    replay = told(SUBMIT, packages=1)
    assert list(compare_replay(replay, [make_package(state=PackageState.INSPECT)])) == []
    (difference,) = compare_replay(replay, [make_package()])
    assert (difference.kind, difference.key) == ("package", (4, 1))
    assert (difference.actual, difference.expected) == ("label", "inspect")


def test_an_event_that_begins_elsewhere_is_a_break() -> None:
    replay = told(SUBMIT, SUBMIT, packages=1)
    (broken,) = replay.breaks
    assert (broken.kind, broken.key) == ("event", (8,))
    assert (broken.actual, broken.expected) == ("label", "inspect")


def test_what_is_stored_without_events_and_told_without_being_stored_differ() -> None:
    assert [one.expected for one in compare_replay(Replay(), [make_member()])] == [
        "how it was made"
    ]
    assert [one.expected for one in compare_replay(told(packages=1), [])] == [
        "what the history tells of"
    ]


def test_an_answer_was_said_as_often_as_events_tell() -> None:
    key = make_answer().key
    saves = [make_event("save", package=1, assignment=5, task=1) for _ in range(2)]
    assert list(compare_replay(told(*saves), [], [make_answer(version=1)])) == []
    (difference,) = compare_replay(told(*saves), [], [make_answer(version=2)])
    assert (difference.key, difference.actual, difference.expected) == (key, 3, 2)


def test_an_event_about_several_answers_counts_each() -> None:
    replay = told(make_event("save_many", assignment=5, data={"answered": [1, 2]}))
    assert dict(replay.saves) == {(4, 5, 1): 1, (4, 5, 2): 1}


def test_what_is_said_by_nobody_is_told_with_its_assignment() -> None:
    assert list(compare_replay(Replay(), [], [make_answer(member=None)])) == []


def test_only_verbs_that_end_packages_move_the_job_with_them() -> None:
    finish = (moved("job", (4,), "state", None, "finished"),)
    replay = told(make_event("submit", changes=finish))
    assert replay.breaks == []
    assert list(compare_replay(replay, [make_job(state=JobState.FINISHED)])) == []
    (broken,) = told(make_event("claim", changes=finish)).breaks
    assert broken.expected == "one that moves a job"


def test_each_transaction_of_rows_begins_after_the_last() -> None:
    loads = Loads()
    loads.apply(make_event("load", data={"rows": [1, 4], "packages": [1, 2]}))
    loads.apply(make_event("claim"))
    loads.apply(make_event("append", data={"rows": [5, 5], "packages": [3, 3]}))
    assert (loads.rows, loads.packages, loads.breaks) == (5, 3, [])
    loads.apply(make_event("append", data={"rows": [7, 7], "packages": [4, 4]}))
    (broken,) = loads.breaks
    assert (broken.actual, broken.expected) == (7, 6)


def test_the_guideline_and_who_has_read_it_are_told_by_events() -> None:
    guidelines = Guidelines()
    for event in (
        make_event("create_job", data={"guideline": "1", "guideline_version": 1}),
        make_event("acknowledge", data={"version": 1}),
        make_event("update_job", data={"guideline": "2", "guideline_version": 2}),
        make_event("acknowledge", member=7, data={"version": 2}),
        make_event("acknowledge", member=7, data={"version": 1}),
        make_event("update_job", data={"name": "x"}),
    ):
        guidelines.apply(event)
    assert (guidelines.version, guidelines.acknowledged) == (2, {2: 1, 7: 2})
