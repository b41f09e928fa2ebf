"""How a review names its sample, and which tasks are drawn."""

from __future__ import annotations

import hashlib
import itertools
import math
from fractions import Fraction
from typing import Any

import attrs
import pytest
from support.scenes import cats, labeled, taken

from itagflow import Accept, Flow, Inspect, InvalidData, Label, Stage, Workflow
from itagflow.model import (
    Assignment,
    AssignmentState,
    Campaign,
    Lot,
    LotEntry,
    Outcome,
    PackageState,
)
from itagflow.quality import SinglePlan
from itagflow.reviewing.sampling import (
    Arrival,
    Draw,
    count_sampled,
    draw_of_lot,
    draw_tasks,
    enter_lot,
    find_scope,
    is_drawn,
    is_package_drawn,
    list_skipped,
    make_draw,
    open_lot,
)
from itagflow.storage import codec
from itagflow.testing import make_assignment, make_job, make_package

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

    @pytest.mark.parametrize("share", [0, 1.0001, True, "0.5", math.nan])
    def test_what_is_no_share_of_packages(self, rule: Any, share: Any) -> None:
        with pytest.raises(InvalidData, match="package_share: must be more than 0 and at most 1"):
            rule(package_share=share)

    def test_packages_and_tasks_are_sampled_together(self, rule: Any) -> None:
        made = rule(package_share=0.1, task_count=5)
        assert (made.package_share, made.task_count, made.is_sampled) == (0.1, 5, True)
        assert not rule(package_share=0.1).is_sampled

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


class TestHowMany:
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
            (Inspect(package_share=0.1), 10, 10),
            (Inspect(), 10, 10),
            (Inspect(), 0, 0),
            (None, 10, 10),
        ],
    )
    def test_how_many(self, rule: Any, size: int, drawn: int) -> None:
        assert count_sampled(rule, size) == drawn


FIRST = Draw(seed=7, stage=Stage.INSPECT, package=1, round=1)


class TestDrawnTasks:
    def test_they_are_those_with_the_smallest_hashes(self) -> None:
        """Written out, so that no version of Python and of the library draws anything else."""
        hashes = {
            task: hashlib.sha256(f"7/1/inspect/1/{task}".encode()).hexdigest()
            for task in range(1, 11)
        }
        smallest = sorted(hashes, key=lambda task: hashes[task])
        assert draw_tasks(FIRST, range(1, 11), 3) == tuple(sorted(smallest[:3])) == (5, 8, 10)

    def test_samples_are_nested(self) -> None:
        samples = [set(draw_tasks(FIRST, range(1, 51), count)) for count in range(51)]
        assert [len(sample) for sample in samples] == list(range(51))
        assert all(small < large for small, large in itertools.pairwise(samples))

    @pytest.mark.parametrize(
        "other", [{"seed": 8}, {"stage": Stage.ACCEPT}, {"package": 2}, {"round": 2}]
    )
    def test_another_seed_stage_package_or_round_draws_others(self, other: dict[str, Any]) -> None:
        tasks = range(1, 51)
        assert draw_tasks(FIRST, tasks, 10) != draw_tasks(attrs.evolve(FIRST, **other), tasks, 10)

    def test_a_task_is_drawn_alike_whatever_else_was_erased(self) -> None:
        without = [task for task in range(1, 11) if task != 5]
        assert set(draw_tasks(FIRST, without, 3)) > {8, 10}


class TestDrawnPackages:
    def test_they_are_those_whose_hash_is_below_the_share(self) -> None:
        number = int(hashlib.sha256(b"7/inspect/1/1").hexdigest(), 16) / 2**256
        assert is_package_drawn(FIRST, number + 1e-6)
        assert not is_package_drawn(FIRST, number - 1e-6)

    def test_about_that_share_is_drawn_and_a_larger_share_has_them_all(self) -> None:
        draws = [attrs.evolve(FIRST, package=number) for number in range(1, 2_001)]
        tenth = {draw for draw in draws if is_package_drawn(draw, 0.1)}
        half = {draw for draw in draws if is_package_drawn(draw, 0.5)}
        assert tenth < half
        assert 150 < len(tenth) < 250
        assert 900 < len(half) < 1_100
        assert all(is_package_drawn(draw, 1.0) for draw in draws)

    RARE = make_job(
        workflow=Workflow(
            Label(), Inspect(package_share=1e-9), Accept(package_share=1e-9, task_count=1)
        )
    )

    def test_what_is_not_drawn_skips_each_stage_that_follows(self) -> None:
        assert list_skipped(self.RARE, make_package(), disputed=False) == (
            Stage.INSPECT,
            Stage.ACCEPT,
        )
        at_inspect = make_package(state=PackageState.INSPECT)
        assert list_skipped(self.RARE, at_inspect, disputed=False) == (Stage.ACCEPT,)
        done = make_package(state=PackageState.DONE)
        assert list_skipped(self.RARE, done, disputed=False) == ()

    def test_whether_one_stage_reviews_a_package(self) -> None:
        package = make_package()
        assert not is_drawn(self.RARE, package, Stage.INSPECT)
        assert is_drawn(self.RARE, package, Stage.LABEL)
        assert is_drawn(self.RARE, attrs.evolve(package, rejects=(1,)), Stage.INSPECT)
        always = make_job(workflow=Workflow(Label(), Inspect(package_share=1.0)))
        assert is_drawn(always, package, Stage.INSPECT)

    def test_a_stage_that_reviews_every_package_is_not_skipped(self) -> None:
        job = make_job(workflow=Workflow(Label(), Inspect(), Accept(package_share=1e-9)))
        assert list_skipped(job, make_package(), disputed=False) == ()

    @pytest.mark.parametrize(
        "package",
        [
            {"rejects": (1,)},
            {"whole_round": 2},
            {"reopened_round": 2},
            {"campaigns": (Campaign(round=2, stage=Stage.LABEL, tasks=(1,)),)},
        ],
    )
    def test_what_was_rejected_done_again_or_reopened_is_always_drawn(
        self, package: dict[str, Any]
    ) -> None:
        assert list_skipped(self.RARE, make_package(round=2, **package), disputed=False) == ()

    def test_what_is_disputed_is_always_drawn(self) -> None:
        assert list_skipped(self.RARE, make_package(), disputed=True) == ()


TASKS = (1, 2, 3, 4)


def reviewed(
    round: int, sent_back: tuple[int, ...] | None = (), stage: Stage = Stage.INSPECT
) -> Assignment:
    """A review that ended: it sent these tasks back, or passed the package if there are none."""
    outcome = Outcome.REVIEWED if sent_back == () else Outcome.REJECTED
    return make_assignment(
        id=10 + round,
        stage=stage,
        round=round,
        state=AssignmentState.DONE,
        outcome=outcome,
        sent_back=sent_back or None,
    )


def scope_of(
    *assignments: Assignment,
    stage: Stage = Stage.INSPECT,
    disputes: tuple[int, ...] = (),
    sample: int | None = None,
    **package: Any,
) -> tuple[int, ...] | None:
    rule = Inspect(task_count=sample)
    job = make_job(workflow=Workflow(Label(), rule, Accept(task_count=sample)))
    arrival = Arrival(
        job=job,
        package=make_package(size=4, **package),
        tasks=TASKS,
        disputes=disputes,
        assignments=assignments,
    )
    return find_scope(arrival, stage)


class TestScopes:
    def test_a_first_look_without_a_sample_is_at_everything(self) -> None:
        assert scope_of(disputes=(2,)) is None

    def test_a_first_look_is_at_the_sample_and_all_that_is_disputed(self) -> None:
        drawn = draw_tasks(FIRST, TASKS, 1)
        assert scope_of(sample=1) == drawn
        assert scope_of(sample=1, disputes=(3,)) == tuple(sorted({*drawn, 3}))
        assert scope_of(sample=1, disputes=TASKS) is None  # that is everything

    def test_a_first_look_is_at_what_was_rejected_before_at_another_stage(self) -> None:
        draw = attrs.evolve(FIRST, stage=Stage.ACCEPT)
        (drawn,) = draw_tasks(draw, TASKS, 1)
        rejected = next(task for task in TASKS if task != drawn)
        inspections = (reviewed(1, (rejected,)), reviewed(2))
        scope = scope_of(*inspections, stage=Stage.ACCEPT, sample=1, round=2, rejects=(rejected,))
        assert scope == tuple(sorted((drawn, rejected)))

    def test_after_partial_rework_the_look_is_at_exactly_what_was_sent_back_or_is_disputed(
        self,
    ) -> None:
        assert scope_of(reviewed(1, (4,)), sample=1, round=2, rejects=(4,)) == (4,)
        assert scope_of(reviewed(1, (4,)), round=2, rejects=(4,), disputes=(2,)) == (2, 4)

    def test_what_passed_since_it_was_sent_back_is_not_looked_at_again(self) -> None:
        looks = (reviewed(1, (1,)), reviewed(2), reviewed(2, (4,), Stage.ACCEPT))
        assert scope_of(*looks, round=3, rejects=(1, 4)) == (4,)

    def test_what_this_stage_sent_back_is_looked_at_though_another_sent_back_less(self) -> None:
        looks = (reviewed(1), reviewed(1, (1, 4), Stage.ACCEPT), reviewed(2, (1,)), reviewed(3))
        assert scope_of(*looks, stage=Stage.ACCEPT, round=3, rejects=(1, 4)) == (1, 4)

    def test_after_whole_rework_a_fresh_sample_is_drawn(self) -> None:
        draws = [attrs.evolve(FIRST, round=number) for number in (1, 2)]
        first, fresh = (draw_tasks(draw, TASKS, 1) for draw in draws)
        assert first != fresh
        rejected = next(task for task in TASKS if task not in fresh)
        whole = {"round": 2, "whole_round": 2, "rejects": (rejected,)}
        scope = scope_of(reviewed(1, (rejected,)), sample=1, **whole)
        assert scope == tuple(sorted((*fresh, rejected)))
        # the next look is a partial one again
        later = scope_of(
            reviewed(1, (rejected,)), reviewed(2, (1,)), sample=1, **{**whole, "round": 3}
        )
        assert later == (1,)

    def test_after_the_package_was_reopened_the_look_is_at_everything(self) -> None:
        looks = (reviewed(1), reviewed(1, stage=Stage.ACCEPT), reviewed(2))
        reopened = {"round": 2, "reopened_round": 2}
        assert scope_of(*looks, stage=Stage.ACCEPT, sample=1, **reopened) is None

    def test_everything_is_looked_at_once_after_a_reopening(self) -> None:
        looks = (reviewed(1), reviewed(2, (3,)))
        scope = scope_of(*looks, sample=1, round=3, reopened_round=2, rejects=(3,))
        assert scope == (3,)

    def test_in_a_campaign_the_look_is_at_exactly_its_tasks(self) -> None:
        campaign = Campaign(round=2, stage=Stage.LABEL, tasks=(1, 3))
        going_on = {"round": 2, "campaigns": (campaign,), "rejects": (4,)}
        looks = (reviewed(1), reviewed(1, stage=Stage.ACCEPT))
        for stage in (Stage.INSPECT, Stage.ACCEPT):
            assert scope_of(*looks, stage=stage, sample=1, **going_on) == (1, 3)
            assert scope_of(*looks, stage=stage, disputes=(1,), **going_on) == (1, 3)

    def test_in_a_campaign_what_was_sent_back_is_looked_at_again(self) -> None:
        campaign = Campaign(round=2, stage=Stage.LABEL, tasks=(1, 3))
        going_on = {"round": 3, "campaigns": (campaign,), "rejects": (3,)}
        assert scope_of(reviewed(1), reviewed(2, (3,)), **going_on) == (3,)
        # of what went back as a whole only the campaign was meant
        assert scope_of(reviewed(1), reviewed(2, None), **going_on) == (1, 3)

    def test_a_campaign_about_all_tasks_has_no_list_of_them(self) -> None:
        campaign = Campaign(round=2, stage=Stage.LABEL, tasks=TASKS)
        whole = {"round": 2, "whole_round": 2, "campaigns": (campaign,)}
        assert scope_of(reviewed(1), sample=1, **whole) is None

    def test_a_discarded_package_that_is_labeled_again_is_sampled(self) -> None:
        reopened = {"round": 2, "whole_round": 2, "reopened_round": 2}
        fresh = draw_tasks(attrs.evolve(FIRST, round=2), TASKS, 1)
        assert scope_of(sample=1, **reopened) == fresh

    def test_what_went_back_whole_to_inspection_is_accepted_whole(self) -> None:
        looks = (reviewed(1), reviewed(1, None, Stage.ACCEPT), reviewed(2))
        assert scope_of(*looks, stage=Stage.ACCEPT, sample=1, round=2, rejects=TASKS) is None

    @pytest.mark.parametrize("rule", [Inspect(task_share=0.5), Inspect(task_count=2)])
    def test_a_review_is_about_the_sample(self, flow: Flow, rule: Inspect) -> None:
        job = cats(flow, workflow=Workflow(Label(), rule), tasks=4, size=4)
        labeled(flow, "ben", job)
        review = taken(flow, "di", job, Stage.INSPECT)
        draw = Draw(seed=job.seed, stage=Stage.INSPECT, package=1, round=1)
        assert review.scope == draw_tasks(draw, TASKS, 2)
        assert len(list(flow.tasks(review))) == 2


class TestLots:
    """What is drawn where an acceptance plan decides."""

    JOB = make_job(workflow=Workflow(Label(), Inspect(plan=SinglePlan(2, 0))))

    def lot_of(
        self, *assignments: Assignment, **package: Any
    ) -> tuple[int, tuple[int, ...]] | None:
        disputes = package.pop("disputes", ())
        arrival = Arrival(
            job=self.JOB,
            package=make_package(size=4, **package),
            tasks=TASKS,
            disputes=disputes,
            assignments=assignments,
        )
        lot = open_lot(arrival, Stage.INSPECT)
        return None if lot is None else (lot.size, lot.sample)

    def test_the_sample_is_that_of_a_first_look(self) -> None:
        draw = make_draw(self.JOB, make_package(), Stage.INSPECT)
        assert self.lot_of() == (4, draw_tasks(draw, TASKS, 2))

    def test_a_package_that_is_labeled_anew_is_another_lot(self) -> None:
        again = self.lot_of(reviewed(1, None), round=2, whole_round=2)
        draw = make_draw(self.JOB, make_package(round=2, whole_round=2), Stage.INSPECT)
        assert again == (4, draw_tasks(draw, TASKS, 2))

    def test_what_is_checked_in_any_case_is_no_part_of_it(self) -> None:
        found = self.lot_of(reviewed(1, (3,), Stage.ACCEPT), round=2, disputes=(1,))
        assert found == (2, (2, 4))
        assert self.lot_of(disputes=tuple(TASKS)) is None

    @pytest.mark.parametrize(
        ("assignments", "package"),
        [
            ((reviewed(1),), {"round": 2}),
            ((), {"round": 2, "reopened_round": 2}),
            (
                (),
                {"round": 2, "campaigns": (Campaign(round=2, stage=Stage.LABEL, tasks=(1,)),)},
            ),
        ],
    )
    def test_no_plan_decides_on_later_looks(
        self, assignments: tuple[Assignment, ...], package: dict[str, Any]
    ) -> None:
        assert self.lot_of(*assignments, **package) is None


class TestLotsOfSeveral:
    """What a package is to a lot of several packages, where it would else be one of its own."""

    JOB = make_job(workflow=Workflow(Label(), Accept(plan=SinglePlan(2, 0), lot=Lot(packages=3))))

    def arrive(self, *assignments: Assignment, **package: Any) -> Arrival:
        disputes = package.pop("disputes", ())
        return Arrival(
            job=self.JOB,
            package=make_package(size=4, **package),
            tasks=TASKS,
            disputes=disputes,
            assignments=assignments,
        )

    def test_it_waits_for_its_lot_and_is_none_of_its_own(self) -> None:
        arrival = self.arrive(disputes=(3,))
        assert enter_lot(arrival, Stage.ACCEPT) == LotEntry(certain=(3,))
        assert open_lot(arrival, Stage.ACCEPT) is None

    def test_no_plan_decides_on_later_looks(self) -> None:
        later = self.arrive(reviewed(1, stage=Stage.ACCEPT), round=2)
        assert enter_lot(later, Stage.ACCEPT) is None
        assert enter_lot(self.arrive(disputes=tuple(TASKS)), Stage.ACCEPT) is None
        alone = attrs.evolve(self.arrive(), job=TestLots.JOB)
        assert enter_lot(alone, Stage.INSPECT) is None

    def test_the_sample_of_a_lot_is_nested_and_another_for_each_lot(self) -> None:
        drawn = draw_of_lot(7, 1, range(1, 101), 10)
        assert set(drawn) < set(draw_of_lot(7, 1, range(1, 101), 20))
        assert drawn == tuple(sorted(drawn))
        assert drawn != draw_of_lot(7, 2, range(1, 101), 10)
        assert drawn != draw_of_lot(8, 1, range(1, 101), 10)
        assert draw_of_lot(7, 1, [5, 6], 9) == (5, 6)
