"""What is decided on a lot, and what becomes of each of its packages."""

from __future__ import annotations

from typing import Any

import attrs
import pytest

from itagflow import Accept, Label, Stage, Workflow
from itagflow.access import default_policy
from itagflow.lots.closing_rules import LotRule
from itagflow.lots.deciding_rules import (
    DecidingFacts,
    ReworkPlace,
    decide_lot,
    describe_verdict,
    draw_more,
    entry_of,
    judge_lot,
    make_verdict,
    pass_with_lot,
    read_rejected,
    reject_with_lot,
)
from itagflow.model import (
    AcceptanceLot,
    Assignment,
    AssignmentState,
    Lot,
    LotEntry,
    LotState,
    Outcome,
    Package,
    PackageState,
    RejectedLots,
    StageWorkers,
)
from itagflow.model.change import Context
from itagflow.quality import PlanVerdict, SinglePlan, sequential
from itagflow.testing import AT, make_assignment, make_job, make_member, make_package

CTX = Context(AT, 1, 0)
LOT = AcceptanceLot(job=4, number=4, packages=(1, 2), size=4, sample=2, closed_at=AT)
ACCEPT, REJECT, MORE = PlanVerdict.ACCEPT, PlanVerdict.REJECT, PlanVerdict.MORE
LABELING = make_assignment(
    id=5, member=2, state=AssignmentState.DONE, outcome=Outcome.SUBMITTED, authored=True
)


def entry(*sample: int, **fields: Any) -> LotEntry:
    """What a package is of which these tasks were drawn and checked."""
    given: dict[str, Any] = {
        "sample": sample,
        "is_handed_in": bool(sample),
        "checked": len(sample),
        **fields,
    }
    return LotEntry(lot=4, state=LotState.CLOSED, **given)


def package(number: int, entry: LotEntry, **fields: Any) -> Package:
    given: dict[str, Any] = {"state": PackageState.ACCEPT, "free": 0, "first_task": 2 * number - 1}
    return make_package(number, lot_entry=entry, in_lots=True, **{**given, **fields})


def facts(
    *packages: Package, plan: Any = None, rejected: RejectedLots = RejectedLots.REWORK
) -> DecidingFacts:
    accept = Accept(plan=plan or SinglePlan(2, 0), lot=Lot(packages=2), rejected_lots=rejected)
    assert accept.plan is not None
    assert accept.lot is not None
    return DecidingFacts(
        job=make_job(
            workflow=Workflow(Label(), accept), workforce={Stage.LABEL: StageWorkers((2,))}
        ),
        rule=LotRule(accept.lot, accept.plan),
        lot=LOT,
        packages=packages,
        tasks={each.number: (2 * each.number - 1, 2 * each.number) for each in packages},
        ctx=CTX,
    )


GOOD = (package(1, entry(1, 2)), package(2, entry()))
BAD = (package(1, entry(1, 2, wrong=1, standing=(2,))), package(2, entry()))


class TestVerdict:
    def test_what_was_found_in_all_packages_decides(self) -> None:
        two = (package(1, entry(1)), package(2, entry(3, wrong=1)))
        assert judge_lot(facts(*GOOD)).verdict is ACCEPT
        found = judge_lot(facts(*two))
        assert (found.verdict, found.checked, found.wrong, found.number) == (REJECT, 2, 1, 4)

    def test_more_is_wanted_as_long_as_there_is_more(self) -> None:
        lost = facts(package(1, entry(1, 2, checked=1)), package(2, entry()))
        assert (judge_lot(lost).verdict, judge_lot(lost).more) == (MORE, 1)
        alone = facts(package(1, entry(1, 2, checked=1)))
        assert judge_lot(alone).verdict is ACCEPT
        found = judge_lot(facts(package(1, entry(1, 2, checked=1, wrong=1))))
        assert found.verdict is REJECT

    def test_a_plan_that_never_decides_accepts_at_the_end(self) -> None:
        both = (package(1, entry(1, 2)), package(2, entry(3, 4)))
        found = judge_lot(facts(*both, plan=sequential(0.01, 0.02)))
        assert found.verdict is ACCEPT

    def test_a_lot_of_which_nothing_could_be_drawn_is_accepted(self) -> None:
        given = facts(package(1, entry(certain=(1, 2), is_handed_in=True)))
        empty = attrs.evolve(given, lot=attrs.evolve(LOT, size=0, sample=0))
        assert judge_lot(empty).verdict is ACCEPT

    def test_it_is_told(self) -> None:
        told = make_verdict(LOT, MORE, checked=3, wrong=1, more=2)
        assert (told.more, told.size) == (2, 4)
        assert describe_verdict(told) == {
            "number": 4,
            "verdict": "more",
            "checked": 3,
            "wrong": 1,
            "size": 4,
        }
        assert entry_of(make_package()) == LotEntry()


def test_more_is_drawn_and_given_out() -> None:
    given = facts(package(1, entry(1, checked=1)), package(2, entry(3, checked=0)))
    assert given.drawable == [2, 4]
    change = draw_more(given, make_verdict(LOT, MORE, checked=1, wrong=0, more=2))
    lot, first, second = (new for _, new in change.save)
    assert isinstance(lot, AcceptanceLot)
    assert isinstance(first, Package)
    assert isinstance(second, Package)
    assert lot.sample == 4
    assert (first.free, first.scope) == (1, (2,))
    assert first.lot_entry == attrs.evolve(entry(1), sample=(1, 2), is_handed_in=False)
    assert second.lot_key == "check 4"
    assert change.event.data["tasks"] == [2, 4]


class TestDecision:
    def decide(self, given: DecidingFacts) -> tuple[AcceptanceLot, list[Package], Any]:
        decision = decide_lot(given, judge_lot(given))
        (_, lot), *others = decision.change.save
        assert isinstance(lot, AcceptanceLot)
        return lot, [new for _, new in others if isinstance(new, Package)], decision

    def test_all_pass_when_it_is_accepted(self) -> None:
        lot, open_, decision = self.decide(facts(*GOOD))
        assert (lot.state, lot.checked, lot.wrong) == (LotState.ACCEPTED, 2, 0)
        assert lot.decided_at == AT
        assert (open_, decision.passing, decision.rejected) == ([], GOOD, ())

    def test_what_stands_wrong_is_given_out_again(self) -> None:
        lot, [again], decision = self.decide(facts(*BAD, plan=SinglePlan(2, 1)))
        assert lot.state is LotState.ACCEPTED
        assert (again.number, again.free, again.scope) == (1, 1, (2,))
        assert again.lot_entry is not None
        assert again.lot_entry.state is LotState.ACCEPTED
        assert [each.number for each in decision.passing] == [2]

    def test_all_go_back_when_it_is_rejected(self) -> None:
        lot, open_, decision = self.decide(facts(*BAD))
        assert (lot.state, open_) == (LotState.REJECTED, [])
        assert (decision.passing, decision.rejected) == ((), BAD)

    def test_or_the_rest_is_inspected(self) -> None:
        _, open_, decision = self.decide(facts(*BAD, rejected=RejectedLots.INSPECT))
        assert [(each.number, each.scope) for each in open_] == [(1, (2,)), (2, None)]
        assert (decision.passing, decision.rejected) == ((), ())

    def test_a_lot_of_which_nothing_is_left_is_discarded(self) -> None:
        lot, open_, decision = self.decide(facts())
        assert (lot.state, open_, decision.passing) == (LotState.DISCARDED, [], ())


class TestPackages:
    @pytest.mark.parametrize(("which", "skipped"), [(0, ()), (1, (Stage.ACCEPT,))])
    def test_they_pass_whoever_looked_at_them(self, which: int, skipped: Any) -> None:
        given = facts(*GOOD)
        change = pass_with_lot(given, GOOD[which], [LABELING], ())
        [(_, after)] = change.save
        assert isinstance(after, Package)
        assert (after.state, after.skipped, after.lot_entry) == (PackageState.DONE, skipped, None)
        assert change.event.outcomes == {"final": given.tasks[which + 1]}

    def test_one_is_sent_back_whole_and_offered_to_its_author(self) -> None:
        given = facts(*BAD)
        rejected = read_rejected(given.job, BAD[0], [LABELING])
        assert (rejected.authors, rejected.candidates) == ((2,), (2,))
        place = ReworkPlace(
            policy=default_policy, members=[make_member()], reject_id=7, offer_ids=[8]
        )
        change = reject_with_lot(given, rejected, place, judge_lot(given))
        ended, offered = change.add
        [(_, after)] = change.save
        assert isinstance(ended, Assignment)
        assert isinstance(offered, Assignment)
        assert isinstance(after, Package)
        assert (ended.member, ended.outcome, ended.sent_back) == (None, Outcome.REJECTED, None)
        assert ended.comment == "lot 4 was rejected: 1 wrong task in a sample of 2"
        assert (offered.member, offered.state) == (2, AssignmentState.OFFERED)
        assert (after.state, after.round, after.whole_round) == (PackageState.LABEL, 2, 2)
        assert (after.wrong, after.rejects, after.rejected_lot) == (2, (1, 2), 4)
        assert after.lot_entry is None

    def test_without_an_author_anybody_may_take_it(self) -> None:
        given = facts(*BAD)
        rejected = read_rejected(given.job, BAD[0], [LABELING])
        place = ReworkPlace(policy=default_policy, members=[], reject_id=7, offer_ids=[])
        change = reject_with_lot(given, rejected, place, judge_lot(given))
        [(_, after)] = change.save
        assert isinstance(after, Package)
        assert (after.free, change.event.data["rework"]) == (1, "queue")
