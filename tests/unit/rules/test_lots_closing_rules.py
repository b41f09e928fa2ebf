"""When a lot closes, what is drawn of it, and who gets that."""

from __future__ import annotations

from typing import Any

import pytest

from itagflow import Accept, Label, Workflow
from itagflow.lots.closing_rules import (
    ClosingFacts,
    Gathering,
    close_lot,
    find_lot_rule,
    get_most,
    give_out,
    is_to_be_closed,
    list_drawable,
)
from itagflow.model import AcceptanceLot, Lot, LotEntry, LotState, Package, PackageState
from itagflow.model.change import Context
from itagflow.quality import SinglePlan
from itagflow.reviewing.sampling import draw_of_lot
from itagflow.testing import AT, make_job, make_package

CTX = Context(AT, 1, 3)
JOB = make_job(workflow=Workflow(Label(), Accept(plan=SinglePlan(2, 0), lot=Lot(packages=3))))


def package(number: int, **fields: Any) -> Package:
    entry = fields.pop("lot_entry", LotEntry())
    return make_package(
        number, state=PackageState.ACCEPT, free=0, lot_entry=entry, in_lots=True, **fields
    )


def close(*packages: Package, again: int = 0) -> tuple[AcceptanceLot, list[Package]]:
    """The lot of packages of two tasks each, and the packages as they are then."""
    rule = find_lot_rule(JOB)
    assert rule is not None
    tasks = {each.number: (2 * each.number - 1, 2 * each.number) for each in packages}
    facts = ClosingFacts(
        job=JOB,
        rule=rule,
        number=4,
        again=again,
        packages=packages,
        tasks={each.number: list_drawable(each, tasks[each.number]) for each in packages},
        ctx=CTX,
    )
    change = close_lot(facts)
    [lot] = change.add
    assert isinstance(lot, AcceptanceLot)
    assert change.event.data["lot"]["number"] == 4
    return lot, [after for _, after in change.save if isinstance(after, Package)]


class TestWhen:
    @pytest.mark.parametrize(
        ("packages", "is_complete", "closes"),
        [(0, True, False), (2, False, False), (2, True, True), (3, False, True), (9, False, True)],
    )
    def test_a_lot_closes_with_its_number_or_when_nothing_comes(
        self, packages: int, is_complete: bool, closes: bool
    ) -> None:
        gathering = Gathering(packages=packages, is_complete=is_complete)
        assert is_to_be_closed(Lot(packages=3), gathering) is closes
        assert get_most(Lot(packages=3)) == 3

    def test_only_a_rule_of_accept_with_a_plan_has_lots(self) -> None:
        assert find_lot_rule(JOB) is not None
        assert JOB.workflow.has_lots
        alone = make_job(workflow=Workflow(Label(), Accept(plan=SinglePlan(2, 0))))
        assert find_lot_rule(alone) is None
        assert not alone.workflow.has_lots
        assert find_lot_rule(make_job()) is None


class TestClosing:
    def test_the_sample_is_drawn_over_all_of_it(self) -> None:
        lot, packages = close(package(1), package(2), package(3), again=2)
        assert (lot.packages, lot.size, lot.sample, lot.again) == ((1, 2, 3), 6, 2, 2)
        assert lot.state is LotState.CLOSED
        drawn = [task for each in packages if each.lot_entry for task in each.lot_entry.sample]
        assert tuple(drawn) == draw_of_lot(JOB.seed, 4, range(1, 7), 2)

    def test_only_what_was_drawn_is_given_out(self) -> None:
        for each in close(package(1), package(2), package(3))[1]:
            assert each.lot_entry is not None
            assert each.free == int(bool(each.lot_entry.sample))
            assert each.awaits_lot is not bool(each.free)
            if each.free:
                assert each.scope == (each.lot_entry.sample if each.scope else None)

    def test_what_is_checked_in_any_case_is_given_out_too_and_is_no_part_of_it(self) -> None:
        certain = LotEntry(certain=(1, 2))
        lot, packages = close(package(1, lot_entry=certain), package(2), package(3))
        assert lot.size == 4
        first = packages[0]
        assert first.lot_entry is not None
        assert (first.free, first.scope, first.lot_entry.sample) == (1, None, ())

    def test_where_nothing_else_is_left_nothing_is_drawn(self) -> None:
        lot, [alone] = close(package(1, lot_entry=LotEntry(certain=(1, 2))))
        assert (lot.size, lot.sample, alone.lot_key) == (0, 0, "check 4")

    def test_what_came_back_is_no_rejected_lot_any_more(self) -> None:
        _, packages = close(package(1, rejected_lot=3), package(2, rejected_lot=3))
        assert [each.rejected_lot for each in packages] == [0, 0]

    def test_excluded_tasks_are_not_drawn(self) -> None:
        withdrawn = package(1, withdrawals=(1,), excluded_revisions=(1,))
        assert list_drawable(withdrawn, (1, 2)) == [2]
        assert list_drawable(package(1, lot_entry=LotEntry(certain=(2,))), (1, 2)) == [1]
        assert list_drawable(make_package(), (1, 2)) == [1, 2]


def test_a_package_is_given_out_for_some_of_its_tasks() -> None:
    given = give_out(package(1), {2}, CTX)
    assert (given.free, given.scope, given.waiting_since) == (1, (2,), AT)
    assert give_out(package(1), {1, 2}, CTX).scope is None
