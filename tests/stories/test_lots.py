"""Lots of several packages: they wait, close, are checked by a sample, and decided together."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from support import invariants
from support.scenes import Clock, cats, labeled, taken, verbs

import itagflow
from itagflow import (
    Accept,
    Assignment,
    Choice,
    Flow,
    Incomplete,
    Inspect,
    InvalidData,
    Job,
    JobState,
    Label,
    Lot,
    NotAllowed,
    NotFound,
    PackageState,
    Stage,
    Workflow,
    maintenance,
)
from itagflow.json import from_json, to_json
from itagflow.model import AcceptanceLot, LotState
from itagflow.model.plan import Severity, SwitchingState
from itagflow.quality import PlanVerdict, SinglePlan, iso2859, sequential
from itagflow.testing.builders import change

A = Stage.ACCEPT
ACCEPT, REJECT, MORE = PlanVerdict.ACCEPT, PlanVerdict.REJECT, PlanVerdict.MORE


def in_lots(flow: Flow, *rules: Any, packages: int = 6, size: int = 2, **more: Any) -> Job:
    """A job of small packages whose lots have three of them, and a sample of two tasks."""
    accept = rules or (Accept(plan=SinglePlan(2, 0), lot=Lot(packages=3)),)
    people: dict[str, Any] = {"label": ("ben",), "accept": ("ada", "eve"), "seed": 7, **more}
    return cats(
        flow, workflow=Workflow(Label(), *accept), tasks=packages * size, size=size, **people
    )


def label_all(flow: Flow, job: Job, packages: int) -> None:
    for _ in range(packages):
        labeled(flow, "ben", job)


def held(flow: Flow, job: Job) -> list[Assignment]:
    """All that ada can take at ACCEPT now."""
    assignments = []
    while (assignment := flow.claim("ada", job, A)) is not None:
        assignments.append(assignment)
    return assignments


def look(flow: Flow, review: Assignment, *, wrong: int = 0) -> None:
    for number, item in enumerate(flow.tasks(review)):
        if item.answer is None:
            flow.judge(review, item, wrong="no cat" if number < wrong else None)


def check(flow: Flow, job: Job, *, wrong: int = 0) -> None:
    """All that was drawn is judged and handed in; in as many packages one task is wrong."""
    for number, review in enumerate(held(flow, job)):
        look(flow, review, wrong=int(number < wrong))
        flow.accept(review)


def states(flow: Flow, job: Job) -> list[str]:
    return [package.state.value for package in flow.packages.list(job)]


class TestClosing:
    def test_packages_wait_until_their_lot_has_its_number(self, flow: Flow) -> None:
        job = in_lots(flow)
        label_all(flow, job, 2)
        assert flow.claim("ada", job, A) is None
        said = flow.explain("ada", job, A)
        assert said.startswith("2 packages wait until their lot closes; 4 packages are still")
        queue = flow.jobs.queue(job).stages[A]
        assert (queue.waiting, queue.in_lots) == (0, 2)
        assert list(flow.lots.list(job)) == []
        with pytest.raises(NotAllowed, match="package 1 waits for its lot, and has no work"):
            flow.packages.get((job, 1))
            flow.assignments.assign((job, 1), "ada", by="ada")
        label_all(flow, job, 1)
        [lot] = flow.lots.list(job)
        assert (lot.number, lot.state, lot.packages) == (1, LotState.CLOSED, (1, 2, 3))
        assert (lot.size, lot.sample, lot.checked, lot.wrong) == (6, 2, 0, 0)
        invariants.check(flow)

    def test_only_packages_with_something_drawn_are_given_out(self, flow: Flow) -> None:
        job = in_lots(flow, Accept(plan=SinglePlan(1, 0), lot=Lot(packages=3)))
        label_all(flow, job, 3)
        [review] = held(flow, job)
        assert review.scope is not None
        assert len(review.scope) == 1
        assert flow.explain("eve", job, A).startswith("2 packages wait until their lot is decided")
        invariants.check(flow)

    def test_the_last_lot_closes_with_what_there_is(self, flow: Flow) -> None:
        job = in_lots(flow, packages=4)
        label_all(flow, job, 4)
        assert [lot.packages for lot in flow.lots.list(job)] == [(1, 2, 3), (4,)]

    def test_it_closes_too_when_what_was_on_its_way_is_discarded(self, flow: Flow) -> None:
        job = in_lots(flow, packages=3)
        label_all(flow, job, 2)
        flow.packages.discard((job, 3), by="ada")
        assert [lot.packages for lot in flow.lots.list(job)] == [(1, 2)]
        invariants.check(flow)

    def test_it_closes_too_when_what_was_on_its_way_is_withdrawn(self, flow: Flow) -> None:
        job = in_lots(flow, packages=3)
        label_all(flow, job, 2)
        flow.jobs.withdraw(job, tasks=[5, 6], by="ada")
        assert [lot.packages for lot in flow.lots.list(job)] == [(1, 2)]
        invariants.check(flow)

    def test_the_same_is_drawn_on_every_store(self, flow: Flow) -> None:
        job = in_lots(flow)
        label_all(flow, job, 6)
        entries = [package.lot_entry for package in flow.packages.list(job)]
        drawn = [entry.sample for entry in entries if entry is not None]
        assert drawn == [(2,), (), (6,), (8,), (9,), ()]

    def test_of_a_job_that_never_ends_the_operator_closes_the_last(self, flow: Flow) -> None:
        job = in_lots(flow, auto_finish=False)
        label_all(flow, job, 6)
        check(flow, job)
        flow.jobs.append(job, [{"data": {"source": "13.jpg"}}], by="ada")
        labeled(flow, "ben", job)
        assert [lot.number for lot in flow.lots.list(job)] == [1, 2]
        [blocked] = flow.jobs.blocked(job)
        assert (blocked.package, blocked.stage) == (7, A)
        assert blocked.reason.startswith("its lot does not close with 1 package, and no other")
        assert flow.lots.close(job, by="ada") == 1
        assert flow.lots.get(job, 3).packages == (7,)
        assert list(flow.jobs.blocked(job)) == []
        assert flow.lots.close(job, by="ada") == 0
        invariants.check(flow)

    def test_lots_are_listed_by_page_and_got_by_number(self, flow: Flow) -> None:
        job = in_lots(flow)
        label_all(flow, job, 6)
        first, second = flow.lots.list(job)
        assert list(flow.lots.list(job, limit=1)) == [first]
        assert list(flow.lots.list(job, after=first)) == [second]
        assert list(flow.lots.list(job, after=1, by="ada")) == [second]
        assert flow.lots.get(job, 2) == second
        assert to_json(second)["packages"] == [4, 5, 6]
        with pytest.raises(NotFound):
            flow.lots.get(job, 3)
        with pytest.raises(NotAllowed):
            list(flow.lots.list(job, by="ben"))

    def test_a_job_without_lots_has_none_to_close(self, flow: Flow) -> None:
        job = cats(flow, workflow=Workflow(Label(), Accept(plan=SinglePlan(2, 0))))
        with pytest.raises(NotAllowed, match="is a lot of its own, or no plan decides"):
            flow.lots.close(job, by="ada")


class TestOtherLots:
    def test_all_of_a_job_is_one_lot(self, flow: Flow) -> None:
        job = in_lots(flow, Accept(plan=SinglePlan(2, 0), lot=Lot(whole=True)))
        label_all(flow, job, 5)
        assert list(flow.lots.list(job)) == []
        label_all(flow, job, 1)
        assert [lot.packages for lot in flow.lots.list(job)] == [(1, 2, 3, 4, 5, 6)]
        check(flow, job)
        assert flow.jobs.get(job.id).state is JobState.FINISHED
        invariants.check(flow)

    def test_what_comes_in_a_day_is_one_lot(self, flow: Flow, clock: Clock) -> None:
        rule = Accept(plan=SinglePlan(2, 0), lot=Lot(every=timedelta(days=1)))
        job = in_lots(flow, rule)
        label_all(flow, job, 2)
        clock.forward(hours=23)
        label_all(flow, job, 1)
        assert flow.tick(job=job).lots == 0
        clock.forward(hours=1)
        assert flow.tick(job=job).lots == 1
        assert [lot.packages for lot in flow.lots.list(job)] == [(1, 2, 3)]
        label_all(flow, job, 1)
        clock.forward(hours=25)
        label_all(flow, job, 1)
        assert [lot.packages for lot in flow.lots.list(job)] == [(1, 2, 3), (4, 5)]
        invariants.check(flow)

    def test_lots_are_kept_apart_by_the_groups_of_labelers(self, flow: Flow) -> None:
        rule = Accept(plan=SinglePlan(1, 0), lot=Lot(packages=2, by="group"))
        job = in_lots(flow, rule, packages=7, label=("ben", "cy", "di", "fay"))
        groups = {"ben": ["night"], "cy": ["day"], "fay": ["day", "night"]}
        for name, theirs in groups.items():
            flow.members.set_role(job.workspace, name, "operator", groups=theirs, by="ada")
        for name in ("ben", "cy", "fay", "di", "ben", "di"):
            labeled(flow, name, job)
        found = [(lot.packages, lot.groups) for lot in flow.lots.list(job)]
        assert found == [((1, 5), ("night",)), ((4, 6), ())]
        invariants.check(flow)
        labeled(flow, "fay", job)
        found = [(lot.packages, lot.groups) for lot in flow.lots.list(job)]
        assert found[2:] == [((2,), ("day",)), ((3, 7), ("day", "night"))]
        check(flow, job, wrong=1)
        invariants.check(flow)
        [rejected] = [lot for lot in flow.lots.list(job) if lot.state is LotState.REJECTED]
        for number in rejected.packages:
            labeled(flow, "ben" if number in (1, 5) else "fay", job)
        again = list(flow.lots.list(job))[-1]
        assert (again.again, again.groups) == (rejected.number, rejected.groups)

    def test_groups_that_the_job_does_not_name_do_not_count(self, flow: Flow) -> None:
        rule = Accept(plan=SinglePlan(1, 0), lot=Lot(packages=2, by="group"))
        job = in_lots(flow, rule, packages=2)
        flow.members.set_role(job.workspace, "ben", "operator", groups=["night", "all"], by="ada")
        flow.jobs.set_workforce(job, {"label": [itagflow.Group("night")]}, by="ada")
        label_all(flow, job, 2)
        assert flow.lots.get(job, 1).groups == ("night",)

    def test_what_was_left_over_is_kept_apart_too(
        self, flow: Flow, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        rule = Accept(plan=SinglePlan(1, 0), lot=Lot(packages=9, by="group"))
        job = in_lots(flow, rule, packages=3)
        flow.members.set_role(job.workspace, "ben", "operator", groups=["night"], by="ada")
        monkeypatch.setattr(flow._engine, "settle", None)
        label_all(flow, job, 2)
        assert flow.lots.close(job, by="ada") == 1
        assert flow.lots.get(job, 1).groups == ("night",)
        invariants.check(flow)


class TestAccepting:
    def test_all_packages_pass_with_the_last_that_is_handed_in(self, flow: Flow) -> None:
        job = in_lots(flow)
        label_all(flow, job, 6)
        first = flow.lots.get(job, 1)
        reviews = [each for each in held(flow, job) if each.package in first.packages]
        for review in reviews[:-1]:
            look(flow, review)
            flow.accept(review)
        assert states(flow, job) == ["accept"] * 6
        last = reviews[-1]
        look(flow, last)
        told = flow.plan_verdict(last)
        assert (told.verdict, told.more, told.checked, told.wrong) == (MORE, 0, 2, 0)
        assert (told.size, told.number) == (6, 1)
        flow.accept(last)
        assert states(flow, job) == ["done"] * 3 + ["accept"] * 3
        lot = flow.lots.get(job, 1)
        assert (lot.state, lot.checked, lot.wrong) == (LotState.ACCEPTED, 2, 0)
        assert lot.decided_at is not None
        invariants.check(flow)

    def test_the_job_finishes_with_its_last_lot(self, flow: Flow) -> None:
        job = in_lots(flow)
        label_all(flow, job, 6)
        check(flow, job)
        assert states(flow, job) == ["done"] * 6
        assert flow.jobs.get(job.id).state is JobState.FINISHED
        final = [
            task for event in flow.events.list(job) for task in event.outcomes.get("final", ())
        ]
        assert sorted(final) == list(range(1, 13))
        assert [result.became for result in flow.results.list(job)] == ["final"] * 12
        invariants.check(flow)

    def test_all_of_the_sample_is_looked_at(self, flow: Flow) -> None:
        job = in_lots(flow)
        label_all(flow, job, 3)
        review = held(flow, job)[0]
        with pytest.raises(Incomplete, match="lot 1 is decided by its sample: check all of it"):
            flow.accept(review)
        look(flow, review)
        done = flow.accept(review)
        assert flow.accept(review) == done

    def test_what_was_found_wrong_is_modified_before_its_package_passes(self, flow: Flow) -> None:
        job = in_lots(flow, Accept(plan=SinglePlan(2, 1), lot=Lot(packages=3)), packages=3)
        label_all(flow, job, 3)
        check(flow, job, wrong=1)
        assert flow.lots.get(job, 1).state is LotState.ACCEPTED
        assert states(flow, job) == ["accept", "done", "done"]
        review = taken(flow, "ada", job, A)
        assert review.scope == (2,)
        told = flow.plan_verdict(review)
        assert (told.verdict, told.checked, told.wrong, told.more) == (ACCEPT, 2, 1, 1)
        with pytest.raises(Incomplete, match="lot 1 was accepted: modify what was found wrong"):
            flow.accept(review)
        with pytest.raises(NotAllowed, match="lot 1 was accepted: modify what is wrong"):
            flow.reject(review, whole=True, comment="no")
        flow.modify(review, 2, Choice("dog"))
        flow.accept(review)
        assert flow.jobs.get(job.id).state is JobState.FINISHED
        invariants.check(flow)

    def test_a_modified_task_counts_as_wrong(self, flow: Flow) -> None:
        job = in_lots(flow, packages=3)
        label_all(flow, job, 3)
        for review in held(flow, job):
            for item in flow.tasks(review):
                flow.modify(review, item, Choice("dog"))
            flow.accept(review)
        assert flow.lots.get(job, 1).state is LotState.REJECTED
        invariants.check(flow)


class TestRejecting:
    def test_the_whole_lot_goes_back_and_comes_again_as_a_lot(self, flow: Flow) -> None:
        job = in_lots(flow, packages=4)
        label_all(flow, job, 3)
        check(flow, job, wrong=1)
        lot = flow.lots.get(job, 1)
        assert (lot.state, lot.checked, lot.wrong) == (LotState.REJECTED, 2, 1)
        assert states(flow, job) == ["label"] * 4
        rework = taken(flow, "ben", job)
        items = list(flow.tasks(rework))
        assert len(items) == 2
        told = "lot 1 was rejected: 1 wrong task in a sample of 2"
        assert items[0].package_comment == told
        flow.save_many(rework, {item: Choice("dog") for item in items})
        flow.submit(rework)
        label_all(flow, job, 2)
        [_, again] = flow.lots.list(job)
        assert (again.packages, again.again) == ((1, 2, 3), 1)
        assert all(package.rejected_lot == 0 for package in flow.packages.list(job))
        label_all(flow, job, 1)
        assert flow.lots.get(job, 3).packages == (4,)
        invariants.check(flow)
        check(flow, job)
        assert flow.jobs.get(job.id).state is JobState.FINISHED
        invariants.check(flow)

    def test_nobody_rejects_a_package_of_a_lot(self, flow: Flow) -> None:
        job = in_lots(flow)
        label_all(flow, job, 3)
        review = held(flow, job)[0]
        look(flow, review, wrong=1)
        with pytest.raises(NotAllowed, match="lot 1 is accepted or rejected as a whole"):
            flow.reject(review)

    def test_with_inspect_the_rest_of_it_is_looked_at(self, flow: Flow) -> None:
        rule = Accept(plan=SinglePlan(2, 0), lot=Lot(packages=3), rejected_lots="inspect")
        job = in_lots(flow, rule, packages=3)
        label_all(flow, job, 3)
        check(flow, job, wrong=1)
        assert flow.lots.get(job, 1).state is LotState.REJECTED
        assert states(flow, job) == ["accept"] * 3
        reviews = held(flow, job)
        assert [review.scope for review in reviews] == [None, None, (5,)]
        first = reviews[0]
        assert flow.plan_verdict(first).verdict is REJECT
        with pytest.raises(Incomplete, match="rejected, and is inspected whole: check every"):
            flow.accept(first)
        for review in reviews:
            look(flow, review)
            flow.accept(review)
        assert states(flow, job) == ["done"] * 3
        invariants.check(flow)

    def test_discarded_packages_leave_their_lot(self, flow: Flow) -> None:
        job = in_lots(flow, packages=3)
        label_all(flow, job, 3)
        for number in (1, 2, 3):
            flow.packages.discard((job, number), by="ada")
        lot = flow.lots.get(job, 1)
        assert lot.state is LotState.DISCARDED
        invariants.check(flow)

    def test_what_the_sample_lost_is_drawn_anew(self, flow: Flow) -> None:
        job = in_lots(flow, packages=3)
        label_all(flow, job, 3)
        flow.packages.discard((job, 1), by="ada")
        check(flow, job)
        assert flow.lots.get(job, 1).state is LotState.CLOSED
        assert "extend_lot" in verbs(flow, job)
        check(flow, job)
        assert flow.lots.get(job, 1).state is LotState.ACCEPTED
        assert flow.lots.get(job, 1).checked == 2
        invariants.check(flow)


class TestOtherWork:
    def test_an_erased_task_is_in_no_sample(self, flow: Flow) -> None:
        job = in_lots(flow, packages=3)
        label_all(flow, job, 2)
        maintenance.erase_task(flow, (job, 1), by="ada")
        label_all(flow, job, 1)
        lot = flow.lots.get(job, 1)
        assert (lot.size, lot.sample) == (5, 2)
        check(flow, job)
        invariants.check(flow)

    def test_behind_an_inspection(self, flow: Flow) -> None:
        job = in_lots(
            flow,
            Inspect(package_share=0.5),
            Accept(plan=SinglePlan(2, 0), lot=Lot(packages=2)),
            packages=4,
            inspect=("di",),
        )
        label_all(flow, job, 4)
        while (review := flow.claim("di", job, Stage.INSPECT)) is not None:
            flow.review(review)
        check(flow, job, wrong=1)
        assert flow.lots.get(job, 1).state is LotState.REJECTED
        label_all(flow, job, 2)
        while (review := flow.claim("di", job, Stage.INSPECT)) is not None:
            flow.review(review)
        assert [lot.again for lot in flow.lots.list(job)] == [0, 0, 1]
        check(flow, job)
        assert states(flow, job) == ["done"] * 4
        invariants.check(flow)

    def test_a_sequential_plan_wants_more_of_the_lot(self, flow: Flow) -> None:
        rule = Accept(plan=sequential(0.05, 0.5), lot=Lot(packages=3))
        job = in_lots(flow, rule, packages=3, size=6)
        label_all(flow, job, 3)
        first = flow.lots.get(job, 1).sample
        check(flow, job)
        while flow.lots.get(job, 1).state is LotState.CLOSED:
            assert flow.lots.get(job, 1).sample > first
            check(flow, job)
        assert states(flow, job) == ["done"] * 3
        invariants.check(flow)

    def test_an_open_package_counts_as_on_its_way_once_it_is_reopened(self, flow: Flow) -> None:
        job = in_lots(flow)
        label_all(flow, job, 3)
        check(flow, job)
        flow.packages.reopen((job, 1), by="ada")
        review = taken(flow, "ada", job, A)
        assert review.scope is None
        flow.reject(review, whole=True, comment="all of it")
        label_all(flow, job, 3)
        assert [lot.packages for lot in flow.lots.list(job)] == [(1, 2, 3), (1, 4, 5)]
        invariants.check(flow)


class TestSettling:
    """What a program that broke off has left over is found by a tick, and by the next operation."""

    @pytest.fixture
    def job(self, flow: Flow, monkeypatch: pytest.MonkeyPatch) -> Job:
        job = in_lots(flow, packages=6)
        monkeypatch.setattr(flow._engine, "settle", None)
        label_all(flow, job, 3)
        monkeypatch.undo()
        assert list(flow.lots.list(job)) == []
        invariants.check(flow)
        return job

    def test_a_tick_closes_and_decides(self, flow: Flow, job: Job) -> None:
        report = flow.tick(job=job)
        assert (report.lots, report.changed) == (1, 1)
        assert str(report) == "1 job: 1 lot settled"
        assert flow.tick(job=job).changed == 0
        flow._engine.settle = None
        check(flow, job)
        assert flow.lots.get(job, 1).state is LotState.CLOSED
        invariants.check(flow)
        assert flow.tick(job=job).lots == 1
        assert flow.lots.get(job, 1).state is LotState.ACCEPTED
        invariants.check(flow)

    def test_the_next_operation_does_it_too(self, flow: Flow, job: Job) -> None:
        label_all(flow, job, 1)
        assert flow.lots.get(job, 1).packages == (1, 2, 3)

    def test_what_goes_wrong_there_is_logged_and_undoes_nothing(
        self, flow: Flow, job: Job, caplog: pytest.LogCaptureFixture
    ) -> None:
        def fail(*_: object) -> None:
            raise OSError("the disk is full")

        flow._engine.settle = fail
        label_all(flow, job, 1)
        assert flow.packages.get((job, 4)).state is PackageState.ACCEPT
        assert f"lots of job {job.id} were not settled" in caplog.text

    def test_an_archived_job_settles_nothing(self, flow: Flow, job: Job) -> None:
        flow.jobs.archive(job, by="ada")
        assert flow.tick(job=job).lots == 0
        with pytest.raises(NotAllowed, match="is archived"):
            flow.lots.close(job, by="ada")

    def test_a_job_with_lots_is_copied_and_deleted(self, flow: Flow, job: Job) -> None:
        flow.tick(job=job)
        target = itagflow.open("memory:")
        maintenance.copy(flow, to=target.store)
        assert list(target.lots.list("cats")) == list(flow.lots.list(job))
        target.close()
        flow.jobs.archive(job, by="ada")
        flow.jobs.delete(job, by="ada")
        invariants.check(flow)


class TestSwitching:
    """By ISO 2859-1 how severely a lot is inspected depends on the lots before it."""

    PLAN = iso2859(aql=6.5)

    def order(self, flow: Flow, *, packages: int, **lot: Any) -> Job:
        """A job of which each package of eight tasks is a lot: code letter A."""
        rule = Accept(plan=self.PLAN, lot=Lot(packages=1, **lot), rejected_lots="inspect")
        return in_lots(flow, rule, packages=packages, size=8)

    def decide(self, flow: Flow, job: Job, *, wrong: int = 0) -> None:
        """Label the next package, and check it: a lot."""
        labeled(flow, "ben", job)
        review = taken(flow, "ada", job, A)
        look(flow, review, wrong=wrong)
        flow.accept(review)
        rest = flow.claim("ada", job, A)
        while rest is not None:
            for item in flow.tasks(rest):
                flow.modify(rest, item, Choice("dog"))
            flow.accept(rest)
            rest = flow.claim("ada", job, A)

    def severities(self, flow: Flow, job: Job) -> list[str]:
        return [lot.severity.value for lot in flow.lots.list(job)]

    def test_bad_lots_tighten_it_and_good_ones_end_that(self, flow: Flow) -> None:
        job = self.order(flow, packages=9)
        for wrong in (1, 1, 0, 0, 0, 0, 0, 0):
            self.decide(flow, job, wrong=wrong)
        assert self.severities(flow, job) == ["normal"] * 2 + ["tightened"] * 5 + ["normal"]
        tightened = flow.lots.get(job, 3)
        assert tightened.sample == self.PLAN.for_lot(8, "tightened").sample
        assert (tightened.decision, tightened.decided_before) == (3, 2)
        assert tightened.switching is not None
        assert tightened.switching.accepted == 1
        invariants.check(flow)

    def test_after_five_more_bad_ones_it_stops_until_somebody_resumes_it(self, flow: Flow) -> None:
        job = self.order(flow, packages=9)
        for _ in range(7):
            self.decide(flow, job, wrong=1)
        labeled(flow, "ben", job)
        assert flow.claim("ada", job, A) is None
        [blocked] = flow.jobs.blocked(job)
        assert (blocked.package, blocked.stage) == (8, A)
        assert blocked.reason == (
            "inspection is stopped after lot 7, since 5 lots were rejected on tightened "
            "inspection: improve the work of job 'cats', then lots.resume"
        )
        assert flow.tick(job=job).lots == flow.lots.close(job, by="ada") == 0
        invariants.check(flow)
        assert flow.lots.resume(job, by="ada") == 1
        assert flow.lots.resume(job, by="ada") == 0
        assert flow.lots.get(job, 8).severity.value == "tightened"
        assert list(flow.jobs.blocked(job)) == []
        assert "resumed the inspection of lots of job 'cats'" in str(
            next(event for event in flow.events.list(job) if event.type == "resume_lots")
        )
        with pytest.raises(NotAllowed):
            flow.lots.resume(job, by="ben")
        invariants.check(flow)

    def test_each_group_has_a_stream_of_its_own(self, flow: Flow) -> None:
        rule = Accept(plan=self.PLAN, lot=Lot(packages=1, by="group"), rejected_lots="inspect")
        job = in_lots(flow, rule, packages=6, size=8, label=("ben", "cy"))
        for name in ("ben", "cy"):
            flow.members.set_role(job.workspace, name, "operator", groups=[name], by="ada")
        self.decide(flow, job, wrong=1)
        self.decide(flow, job, wrong=1)
        for name in ("cy", "ben"):
            labeled(flow, name, job)
        found = [(lot.stream, lot.severity.value) for lot in flow.lots.list(job)][2:]
        assert found == [("group cy", "normal"), ("group ben", "tightened")]
        invariants.check(flow)

    def test_what_comes_back_does_not_count(self, flow: Flow) -> None:
        rule = Accept(plan=self.PLAN, lot=Lot(packages=1))
        job = in_lots(flow, rule, packages=2, size=8)
        for wrong in (1, 1, 1):
            labeled(flow, "ben", job)
            review = taken(flow, "ada", job, A)
            look(flow, review, wrong=wrong)
            flow.accept(review)
        found = [(lot.again, lot.switching is None) for lot in flow.lots.list(job)]
        assert found == [(0, False), (1, True), (2, True)]
        assert self.severities(flow, job) == ["normal"] * 3
        invariants.check(flow)

    def test_a_difference_is_told(self, flow: Flow) -> None:
        job = self.order(flow, packages=3)
        self.decide(flow, job, wrong=1)
        lot = flow.lots.get(job, 1)
        self.store(flow, change(lot, switching=SwitchingState()))
        [told] = maintenance.verify(flow)
        assert str(told).startswith(f"lot 1 of job {job.id}: switching state is")
        self.store(flow, change(change(lot), severity=Severity.REDUCED))
        assert {each.field for each in maintenance.verify(flow)} == {"severity", "switching state"}
        self.store(flow, change(change(change(lot))))
        invariants.check(flow)

    def store(self, flow: Flow, lot: AcceptanceLot) -> None:
        with flow.store.write() as writer:
            writer.save(lot)


class TestRules:
    def test_a_lot_is_stored_and_sent_as_it_is(self, flow: Flow) -> None:
        job = in_lots(flow)
        stored = flow.jobs.get(job.id).workflow
        assert stored.accept is not None
        assert stored.accept.lot == Lot(packages=3)
        assert from_json(Workflow, to_json(stored)) == stored

    @pytest.mark.parametrize("packages", [0, -1, 1_001, 1.5, "3", True])
    def test_a_lot_has_a_number_of_packages(self, packages: Any) -> None:
        with pytest.raises(InvalidData, match="packages"):
            Lot(packages=packages)

    @pytest.mark.parametrize("every", [timedelta(0), timedelta(-1), 1, "day"])
    def test_a_lot_lasts_some_time(self, every: Any) -> None:
        with pytest.raises(InvalidData, match="every: must be"):
            Lot(every=every)

    @pytest.mark.parametrize(
        ("given", "also"),
        [
            ({}, ""),
            ({"by": "group"}, ""),
            ({"packages": 3, "whole": True}, ", not packages and whole"),
            ({"every": timedelta(1), "whole": True}, ", not every and whole"),
        ],
    )
    def test_it_is_said_once_when_a_lot_closes(self, given: dict[str, Any], also: str) -> None:
        with pytest.raises(InvalidData, match=f"give one of packages, every and whole{also}$"):
            Lot(**given)

    def test_lots_are_kept_apart_by_groups_or_by_nothing(self) -> None:
        other: Any = "stage"
        with pytest.raises(InvalidData, match="LotBy"):
            Lot(packages=3, by=other)

    def test_a_lot_needs_a_plan(self) -> None:
        with pytest.raises(InvalidData, match="lot: needs a plan that decides on the lot"):
            Accept(lot=Lot(packages=3))
        other: Any = 3
        with pytest.raises(InvalidData, match=r"lot: must be a Lot, such as Lot\(packages=100\)"):
            Accept(plan=SinglePlan(2, 0), lot=other)

    def test_the_lots_of_a_job_cannot_change(self, flow: Flow) -> None:
        job = in_lots(flow)
        other = Workflow(Label(), Accept(plan=SinglePlan(2, 0), lot=Lot(packages=4)))
        with pytest.raises(InvalidData, match=r"accept, lot: is Lot\(packages=3\)"):
            flow.jobs.update(job, workflow=other, by="ada")
