"""How often a review stage may send one task back."""

from __future__ import annotations

from typing import Any

import pytest

from itagflow import AssignmentState, Incomplete, Inspect, Label, Stage, Workflow
from itagflow.model import Campaign, OnMaxRejects, Outcome
from itagflow.reviewing.reject_limits import (
    count_rejects,
    find_limit,
    find_limited,
    require_below_limit,
)
from itagflow.testing import make_assignment, make_job, make_package

I = Stage.INSPECT


def limited(then: str = "modify") -> Any:
    rule = Inspect(max_rejects=2, on_max_rejects=then)
    return make_job(workflow=Workflow(Label(), rule))


def ended(id: int, outcome: Outcome, sent: tuple[int, ...] | None, stage: Stage = I) -> Any:
    return make_assignment(
        id, stage=stage, state=AssignmentState.DONE, outcome=outcome, sent_back=sent
    )


def test_each_task_is_counted_at_its_stage() -> None:
    assignments = [
        ended(6, Outcome.REJECTED, (1,)),
        ended(7, Outcome.REJECTED, None),
        ended(8, Outcome.REVIEWED, None),
        ended(9, Outcome.REJECTED, (1, 2), Stage.ACCEPT),
    ]
    package = make_package()
    assert count_rejects(package, assignments, I, (1, 2)) == {1: 2, 2: 1}
    assert count_rejects(package, assignments, Stage.ACCEPT, (1, 2, 3)) == {1: 1, 2: 1, 3: 0}


def test_what_a_campaign_sent_back_whole_counts_for_its_tasks_only() -> None:
    campaign = Campaign(round=1, last_round=1, stage=Stage.LABEL, tasks=(1,))
    package = make_package(round=2, campaigns=(campaign,))
    assert count_rejects(package, [ended(6, Outcome.REJECTED, None)], I, (1, 2)) == {1: 1, 2: 0}


def test_the_limit_is_that_of_the_rule() -> None:
    limit = find_limit(limited("abandon"), I)
    assert (limit.most, limit.then) == (2, OnMaxRejects.ABANDON)
    assert [limit.is_reached(number) for number in range(4)] == [False, False, True, True]
    for job, stage in ((make_job(), Stage.LABEL), (make_job(), I)):
        assert find_limit(job, stage).most is None
        assert not find_limit(job, stage).is_reached(1_000)


def test_tasks_at_the_limit_are_found() -> None:
    assert find_limited(limited(), I, {3: 2, 1: 5, 2: 1}) == (1, 3)
    assert find_limited(make_job(), I, {1: 5}) == ()


def test_the_reviewer_does_the_rest() -> None:
    with pytest.raises(Incomplete, match="sent back 2 times, which is the most") as caught:
        require_below_limit(limited(), I, {1: 2, 2: 1})
    assert caught.value.tasks == (1,)
    require_below_limit(limited(), I, {1: 1})


@pytest.mark.parametrize("then", ["abandon", "queue"])
def test_elsewhere_it_is_no_error(then: str) -> None:
    require_below_limit(limited(then), I, {1: 2})
