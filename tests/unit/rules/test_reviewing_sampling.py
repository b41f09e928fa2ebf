"""How a review names its sample, and which tasks are drawn."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import pytest
from support.scenes import cats, labeled, taken

from itagflow import Accept, Flow, Inspect, InvalidData, Label, Stage, Workflow
from itagflow.reviewing.sampling import draw_sample
from itagflow.storage import codec

RULES = [Inspect, Accept]


@pytest.mark.parametrize("rule", RULES)
class TestNames:
    @pytest.mark.parametrize("share", [1e-9, 0.5, 1.0, 1, Fraction(1, 2)])
    def test_a_share(self, rule: Any, share: Any) -> None:
        made = rule(task_share=share)
        assert (made.task_share, made.task_count, made.is_sampled) == (share, None, True)
        assert type(made.task_share) is float

    @pytest.mark.parametrize("count", [1, 5, 2**63 - 1])
    def test_a_count(self, rule: Any, count: int) -> None:
        made = rule(task_count=count)
        assert (made.task_share, made.task_count, made.is_sampled) == (None, count, True)

    def test_everything(self, rule: Any) -> None:
        assert not rule().is_sampled
        assert rule(task_share=None, task_count=None) == rule()

    @pytest.mark.parametrize(
        "share",
        [0, 0.0, -0.5, 1.0001, 2, math.nan, math.inf, True, False, "0.5", [0.5], 10**400],
        ids=lambda share: repr(share)[:9],
    )
    def test_what_is_no_share(self, rule: Any, share: Any) -> None:
        with pytest.raises(InvalidData, match="task_share: must be more than 0 and at most 1"):
            rule(task_share=share)

    @pytest.mark.parametrize("count", [0, -1, 0.5, 1.0, 2**63, True, "5", [5]])
    def test_what_is_no_count(self, rule: Any, count: Any) -> None:
        with pytest.raises(InvalidData, match="task_count: must be"):
            rule(task_count=count)

    def test_not_both(self, rule: Any) -> None:
        with pytest.raises(InvalidData, match="task_count: is given beside task_share"):
            rule(task_share=0.5, task_count=5)

    def test_never_a_bare_number(self, rule: Any) -> None:
        for arguments in ({"sample": 0.5}, {"sample": 5}):
            with pytest.raises(TypeError):
                rule(**arguments)

    @pytest.mark.parametrize("sample", [{"task_share": 0.5}, {"task_share": 1}, {"task_count": 5}])
    def test_it_is_stored_by_name(self, rule: Any, sample: dict[str, Any]) -> None:
        workflow = Workflow(Label(), rule(**sample))
        stored = codec.to_json(workflow)
        assert stored[rule.__name__.lower()] == sample
        assert codec.decoder(Workflow)(stored) == workflow


class TestDraws:
    @pytest.mark.parametrize(
        ("rule", "size", "drawn"),
        [
            (Inspect(task_share=0.25), 10, 3),
            (Inspect(task_share=0.07), 100, 7),
            (Inspect(task_share=0.001), 10, 1),
            (Inspect(task_share=1.0), 10, 10),
            (Inspect(task_count=1), 10, 1),
            (Inspect(task_count=10), 10, 10),
            (Inspect(task_count=11), 10, 10),
            (Inspect(), 10, 10),
            (None, 10, 10),
        ],
    )
    def test_how_many(self, rule: Any, size: int, drawn: int) -> None:
        found = draw_sample(rule, 7, 1, Stage.INSPECT, range(1, size + 1))
        assert len(set(found)) == drawn
        assert list(found) == sorted(found)
        assert found == draw_sample(rule, 7, 1, Stage.INSPECT, range(1, size + 1))

    @pytest.mark.parametrize("rule", [Inspect(task_share=0.5), Inspect(task_count=2)])
    def test_a_review_is_about_the_sample(self, flow: Flow, rule: Inspect) -> None:
        job = cats(flow, workflow=Workflow(Label(), rule), tasks=4, size=4)
        labeled(flow, "ben", job)
        review = taken(flow, "di", job, Stage.INSPECT)
        assert review.scope == draw_sample(rule, job.seed, 1, Stage.INSPECT, (1, 2, 3, 4))
        assert len(list(flow.tasks(review))) == 2
