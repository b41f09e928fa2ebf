"""The queue of a stage, computed from what is counted."""

from __future__ import annotations

from itagflow import PackageState, Stage
from itagflow.deadlines import board_rules
from itagflow.deadlines.board_rules import StageCounts
from itagflow.testing.builders import make_package


def test_what_is_not_taken_waits() -> None:
    taken = make_package(1, free=0)
    assert StageCounts(packages=5, taken=[taken], prioritized={}).waiting == 4


def test_what_has_no_other_priority_has_the_usual_one() -> None:
    counts = StageCounts(packages=5, taken=[make_package(free=0)], prioritized={-1: 1, 2: 2})
    assert list(board_rules.list_priorities(counts).items()) == [(2, 2), (0, 1), (-1, 1)]
    none = StageCounts(packages=1, taken=[], prioritized={3: 1})
    assert board_rules.list_priorities(none) == {3: 1}


def test_a_report_has_only_the_highest_priorities() -> None:
    counts = StageCounts(packages=500, taken=[], prioritized=dict.fromkeys(range(1, 201), 1))
    assert list(board_rules.list_priorities(counts)) == list(range(200, 100, -1))


def test_taken_is_what_is_at_the_stage_and_does_not_wait() -> None:
    packages = [
        make_package(1, free=0),
        make_package(2, free=1),
        make_package(3, free=0, state=PackageState.INSPECT),
        make_package(4, free=0, state=PackageState.DONE),
    ]
    assert board_rules.find_taken(packages, Stage.LABEL) == packages[:1]
