"""Items that are yielded one by one, and given up with that."""

from __future__ import annotations

from weakref import ref

from itagflow.core.lookup import take_each
from itagflow.testing import make_task


def test_an_item_goes_once_the_next_one_is_taken() -> None:
    items = [make_task(1), make_task(2)]
    first = ref(items[0])
    taken = take_each(items)
    assert next(taken).number == 1
    del items
    assert next(taken).number == 2
    assert first() is None


def test_the_list_of_the_caller_stays_as_it_is() -> None:
    items = [1, 2, 3]
    assert list(take_each(items)) == [1, 2, 3]
    assert items == [1, 2, 3]
