"""How a review of a package in a lot ends: handed in, or corrected once the lot is decided."""

from __future__ import annotations

from typing import Any

import attrs
import pytest

from itagflow import Accept, Choice, Incomplete, Label, Stage, Workflow, WrongState
from itagflow.model import (
    AcceptanceLot,
    Answer,
    Assignment,
    AssignmentState,
    Lot,
    LotEntry,
    LotState,
    LotVerdict,
    Outcome,
    Package,
    PackageState,
    Verdict,
)
from itagflow.model.change import Context
from itagflow.quality import PlanVerdict, SinglePlan
from itagflow.reviewing.handing_in_rules import (
    Findings,
    collect_findings,
    complete_review,
    judge_so_far,
)
from itagflow.reviewing.rules import (
    AnswerCounts,
    AssignmentContext,
    CompletionFacts,
    PackageHistory,
    plan_completion,
)
from itagflow.testing import AT, make_answer, make_assignment, make_job, make_package

JOB = make_job(workflow=Workflow(Label(), Accept(plan=SinglePlan(2, 0), lot=Lot(packages=3))))
CTX = Context(AT, 1, 3)
LABELING = make_assignment(
    id=5, member=2, state=AssignmentState.DONE, outcome=Outcome.SUBMITTED, authored=True
)
CAT = {"1": Choice("cat")}
CLOSED = LotEntry(lot=4, state=LotState.CLOSED, certain=(1,), sample=(2, 3))
ACCEPTED = LotEntry(lot=4, state=LotState.ACCEPTED, sample=(2, 3), standing=(2,))
LOT = AcceptanceLot(job=4, number=4, packages=(1, 2), size=8, sample=4, closed_at=AT)


def said(task: int, **fields: Any) -> Answer:
    given: dict[str, Any] = {"stage": Stage.ACCEPT, "replies": None, "verdict": Verdict.RIGHT}
    return make_answer(task, assignment=6, **{**given, **fields})


def wrong(task: int) -> Answer:
    return said(task, verdict=Verdict.WRONG, comment="no")


def modified(task: int, animal: str) -> Answer:
    return said(task, replies={"1": Choice(animal)}, verdict=None)


def facts(
    *answers: Answer, entry: LotEntry | None = CLOSED, scope: Any = (1, 2, 3), **package: Any
) -> CompletionFacts:
    """A review of a package of four tasks, labeled as cats, of which this was said."""
    held = make_assignment(id=6, member=3, stage=Stage.ACCEPT, scope=scope)
    of_package = make_package(
        size=4,
        state=PackageState.ACCEPT,
        free=0,
        lot_entry=entry,
        scope=scope,
        in_lots=True,
        **package,
    )
    by_task = {task: {5: make_answer(task, replies=CAT)} for task in range(1, 5)}
    for answer in answers:
        by_task[answer.task][6] = answer
    assignments = [LABELING, held]
    context = AssignmentContext(JOB, of_package, held, CTX)
    counts = AnswerCounts(wrong=sum(answer.wrong for answer in answers))
    return CompletionFacts(
        context=context,
        plan=plan_completion(context, assignments, counts),
        counts=counts,
        history=PackageHistory(assignments=assignments, tasks=range(1, 5), answers=by_task),
        counters=(),
    )


def found(*answers: Answer, **more: Any) -> Findings:
    given = facts(*answers, **more)
    entry = given.context.package.lot_entry
    assert entry is not None
    return collect_findings(given.context, given.history, entry)


class TestFindings:
    def test_only_the_sample_counts_and_has_to_be_looked_at(self) -> None:
        assert found(wrong(1), said(2)) == Findings(missing=(3,), standing=(1,), checked=1)

    def test_wrong_is_what_was_judged_so_or_given_another_answer(self) -> None:
        assert found(wrong(2), modified(3, "dog")) == Findings(standing=(2,), checked=2, wrong=2)
        assert found(said(2), modified(3, "cat")) == Findings(checked=2)

    def test_of_a_decided_lot_all_that_is_due_has_to_be_looked_at(self) -> None:
        assert found(entry=ACCEPTED, scope=(2,)) == Findings(missing=(2,))

    def test_excluded_tasks_are_left_out(self) -> None:
        more: dict[str, Any] = {"withdrawals": (3,), "excluded_revisions": (1,)}
        assert found(said(2), **more) == Findings(checked=1)


class TestCompleting:
    def test_it_is_handed_in_and_stays_until_the_lot_is_decided(self) -> None:
        change = complete_review(facts(wrong(2), said(3)), "accept")
        package = next(new for _, new in change.save if isinstance(new, Package))
        ended = next(new for _, new in change.save if isinstance(new, Assignment))
        entry = attrs.evolve(CLOSED, is_handed_in=True, checked=2, wrong=1, standing=(2,))
        assert (package.state, package.free, package.wrong) == (PackageState.ACCEPT, 0, 1)
        assert package.lot_entry == entry
        assert (ended.state, ended.outcome) == (AssignmentState.DONE, Outcome.ACCEPTED)
        assert change.event.data == {"lot": {"number": 4, "checked": 2, "wrong": 1}}
        assert change.event.became == ""

    def test_what_was_found_before_is_added_to(self) -> None:
        entry = attrs.evolve(CLOSED, checked=5, wrong=2, standing=(4,))
        change = complete_review(facts(wrong(2), said(3), entry=entry), "accept")
        package = next(new for _, new in change.save if isinstance(new, Package))
        assert package.lot_entry is not None
        assert (package.lot_entry.checked, package.lot_entry.wrong) == (7, 3)
        assert package.lot_entry.standing == (2, 4)

    def test_all_of_the_sample_must_be_looked_at(self) -> None:
        with pytest.raises(Incomplete, match="lot 4 is decided by its sample") as refused:
            complete_review(facts(said(2)), "accept")
        assert refused.value.tasks == (3,)

    def test_it_is_handed_in_by_accept(self) -> None:
        with pytest.raises(WrongState):
            complete_review(facts(said(2), said(3)), "review")

    def test_what_stood_wrong_passes_once_it_is_modified(self) -> None:
        entry = ACCEPTED
        with pytest.raises(Incomplete, match="lot 4 was accepted: modify what was found wrong"):
            complete_review(facts(entry=entry, scope=(2,)), "accept")
        with pytest.raises(Incomplete, match="stands judged wrong"):
            complete_review(facts(wrong(2), entry=entry, scope=(2,)), "accept")
        change = complete_review(facts(modified(2, "dog"), entry=entry, scope=(2,)), "accept")
        package = next(new for _, new in change.save if isinstance(new, Package))
        assert (package.state, package.lot_entry) == (PackageState.DONE, None)

    def test_a_rejected_lot_that_is_inspected_is_looked_at_whole(self) -> None:
        entry = attrs.evolve(ACCEPTED, state=LotState.REJECTED)
        with pytest.raises(Incomplete, match="inspected whole: check every task"):
            complete_review(facts(entry=entry, scope=(1, 4)), "accept")

    def test_without_a_lot_it_is_a_review_as_any_other(self) -> None:
        change = complete_review(facts(entry=None, scope=None), "accept")
        package = next(new for _, new in change.save if isinstance(new, Package))
        assert package.state is PackageState.DONE


class TestSoFar:
    def test_nothing_is_decided_before_all_is_handed_in(self) -> None:
        others = [attrs.evolve(CLOSED, checked=1, wrong=1)]
        told = judge_so_far(LOT, CLOSED, others, Findings(checked=2))
        assert told == LotVerdict(
            verdict=PlanVerdict.MORE, more=1, checked=3, wrong=1, size=8, number=4
        )

    @pytest.mark.parametrize(
        ("state", "verdict"),
        [(LotState.ACCEPTED, PlanVerdict.ACCEPT), (LotState.REJECTED, PlanVerdict.REJECT)],
    )
    def test_then_it_is_what_was_decided(self, state: LotState, verdict: PlanVerdict) -> None:
        lot = attrs.evolve(LOT, state=state, checked=4, wrong=1)
        entry = attrs.evolve(CLOSED, state=state)
        told = judge_so_far(lot, entry, [], Findings(missing=(2, 3)))
        assert (told.verdict, told.more, told.checked, told.wrong) == (verdict, 2, 4, 1)
