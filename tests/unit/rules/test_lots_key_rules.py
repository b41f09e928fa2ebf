"""What packages in lots wait for, by their keys."""

from __future__ import annotations

import pytest

from itagflow.lots.key_rules import count_waiting, explain_waiting, is_gathering, parse_again
from itagflow.model import LotEntry, LotState, PackageState
from itagflow.testing import make_package

CHECKED = LotEntry(lot=4, state=LotState.CLOSED, sample=(1,), is_handed_in=True)
CASES = [
    (None, 0, ""),
    (LotEntry(), 0, "open"),
    (LotEntry(), 3, "again 3"),
    (LotEntry(lot=4, state=LotState.CLOSED, sample=(1,)), 0, "check 4"),
    (LotEntry(lot=4, state=LotState.CLOSED, certain=(1,)), 0, "check 4"),
    (LotEntry(lot=4, state=LotState.CLOSED), 0, "lot 4"),
    (CHECKED, 0, "lot 4"),
    (LotEntry(lot=4, state=LotState.ACCEPTED, standing=(1,)), 0, ""),
    (LotEntry(lot=4, state=LotState.REJECTED), 0, ""),
]


@pytest.mark.parametrize(("entry", "rejected", "key"), CASES)
def test_a_package_says_what_it_waits_for(entry: LotEntry | None, rejected: int, key: str) -> None:
    package = make_package(
        state=PackageState.ACCEPT, free=0, lot_entry=entry, rejected_lot=rejected
    )
    assert package.lot_key == key
    assert package.awaits_lot == (key != "" and not key.startswith("check"))
    assert is_gathering(key) == key.startswith(("open", "again"))
    assert parse_again(key) == (rejected if key else 0)


def test_what_is_to_be_checked_does_not_wait() -> None:
    assert count_waiting({"open": 2, "again 3": 1, "check 4": 5, "lot 4": 4}) == 7


def test_it_is_told_what_packages_wait_for() -> None:
    assert explain_waiting({}) == []
    assert explain_waiting({"again 3": 1, "lot 4": 2, "lot 5": 1, "check 5": 9}) == [
        "1 package waits until its lot closes",
        "3 packages wait until their lot is decided",
    ]
