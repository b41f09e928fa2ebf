"""Labels as three arrays of numbers: task, member and value, each counted from 0."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from typing import Any, cast

import attrs
import numpy as np
from numpy.typing import NDArray

from itagflow.errors import InvalidData, Problem
from itagflow.model.arguments import require_several
from itagflow.printing import format_count, format_repr
from itagflow.quality.rows import is_row

Whole = NDArray[np.int64]
"""An array of whole numbers."""
WHAT = "the labels"
"""What errors are about."""
WANTED = "labels as (task, member, value)"


@attrs.frozen(eq=False)
class Codes:
    """Labels without those that are missing: label i is ``values[value[i]]``."""

    task: Whole
    member: Whole
    value: Whole
    tasks: Sequence[Any]
    members: Sequence[Any]
    values: Sequence[Any]


def code_triples(labels: Iterable[Any]) -> Codes:
    """Return labels that are given as (task, member, value).

    Raises:
        InvalidData: when one is none, has no hash, or a member has two for a task.
    """
    rows = require_several(WHAT, "labels", labels, WANTED)
    # all at once: one by one takes four times as long
    is_plain = set(map(type, rows)) <= {tuple} and set(map(len, rows)) <= {3}
    if not is_plain:
        for number, row in enumerate(rows, 1):
            _require_triple(number, row)
    tasks, members, values = zip(*rows, strict=True) if rows else ((), (), ())
    return _join(_code(tasks, "task"), _code(members, "member"), _code(values, "value"))


def code_columns(tasks: Iterable[Any], members: Iterable[Any], values: Iterable[Any]) -> Codes:
    """Return labels that are given as three columns of the same length.

    Raises:
        InvalidData: when one is no column, they differ in length, an element has no hash, or a
            member has two labels for a task.
    """
    columns = {
        "tasks": _to_column("tasks", tasks),
        "members": _to_column("members", members),
        "values": _to_column("values", values),
    }
    lengths = {name: len(column) for name, column in columns.items()}
    if len(set(lengths.values())) > 1:
        shown = ", ".join(f"{name} has {number}" for name, number in lengths.items())
        raise InvalidData(WHAT, [Problem("columns", f"must be of the same length: {shown}")])
    task, member, value = (_code(column, name) for name, column in columns.items())
    return _join(task, member, value)


def _to_column(name: str, column: Iterable[Any]) -> Sequence[Any] | NDArray[Any]:
    # columns of pandas and polars become arrays of NumPy without going through their elements
    if hasattr(column, "to_numpy"):
        column = cast("Any", column).to_numpy()
    if isinstance(column, np.ndarray):
        array = cast("NDArray[Any]", column)
        if array.ndim != 1:
            raise InvalidData(WHAT, [Problem(name, "must have one dimension")])
        # integers are coded as they are; texts and times are sooner coded as Python's objects
        return array if array.dtype.kind in "iu" else cast("list[Any]", array.tolist())
    return require_several(WHAT, name, column, f"{name}, one for each label")


def _require_triple(number: int, row: object) -> None:
    if is_row(row, 3):
        return
    reason = f"must be (task, member, value), not {format_repr(row)}"
    raise InvalidData(WHAT, [Problem(f"label {number}", reason)])


def _code(column: Sequence[Any] | NDArray[Any], name: str) -> tuple[Whole, Sequence[Any]]:
    """Return a number for each element, -1 where it is missing, and what the numbers stand for."""
    if isinstance(column, np.ndarray):
        return _code_whole(column)
    known = dict[Hashable, int]()
    try:
        numbers = (known.setdefault(each, len(known)) for each in column)
        codes = np.fromiter(numbers, np.int64, len(column))
    except TypeError as error:
        raise _make_hash_error(column, name) from error
    keys = list(known)
    # NaN is what data frames have for what is missing
    missing = [number for number, key in enumerate(keys) if _is_missing(key)]
    if not missing:
        return codes, keys
    kept = np.ones(len(keys), dtype=bool)
    kept[missing] = False
    renumbered = np.where(kept, np.cumsum(kept) - 1, -1)
    return renumbered[codes], [key for key in keys if not _is_missing(key)]


def _is_missing(key: object) -> bool:
    return key is None or (isinstance(key, float) and key != key)


def _code_whole(column: NDArray[Any]) -> tuple[Whole, Sequence[Any]]:
    if not len(column):
        return np.zeros(0, np.int64), []
    least, most = int(column.min()), int(column.max())
    if most - least > 4 * len(column) + 1_000:
        keys, codes = np.unique(column, return_inverse=True)
        return codes.astype(np.int64), cast("list[Any]", keys.tolist())
    # numbers that lie close together need no sorting
    shifted = column.astype(np.int64) - least
    is_used = np.bincount(shifted) > 0
    codes = shifted if is_used.all() else (np.cumsum(is_used) - 1)[shifted]
    return codes, cast("list[Any]", (np.flatnonzero(is_used) + least).tolist())


def _make_hash_error(column: Sequence[Any], name: str) -> InvalidData:
    for number, each in enumerate(column, 1):
        try:
            hash(each)
        except TypeError:
            reason = f"cannot be compared: {format_repr(each)} has no hash; give a tuple or a text"
            return InvalidData(WHAT, [Problem(f"{name} of label {number}", reason)])
    return InvalidData(WHAT, [Problem(name, "cannot be compared")])


def _join(
    task: tuple[Whole, Sequence[Any]],
    member: tuple[Whole, Sequence[Any]],
    value: tuple[Whole, Sequence[Any]],
) -> Codes:
    for name, (numbers, _) in (("task", task), ("member", member)):
        if len(numbers) and numbers.min() < 0:
            number = int(np.argmin(numbers)) + 1
            raise InvalidData(WHAT, [Problem(f"{name} of label {number}", "is missing")])
    given = value[0] >= 0
    columns = [task[0], member[0], value[0]]
    if not given.all():
        columns = [column[given] for column in columns]
    codes = Codes(columns[0], columns[1], columns[2], task[1], member[1], value[1])
    _require_one_each(codes)
    return codes


def _require_one_each(codes: Codes) -> None:
    pairs = codes.task * max(len(codes.members), 1) + codes.member
    ordered = np.sort(pairs)
    twice = np.flatnonzero(ordered[1:] == ordered[:-1])
    if not len(twice):
        return
    task, member = divmod(int(ordered[twice[0]]), len(codes.members))
    reason = (
        f"member {format_repr(codes.members[member])} has "
        f"{format_count(int((pairs == ordered[twice[0]]).sum()), 'label')} for task "
        f"{format_repr(codes.tasks[task])}: give one"
    )
    raise InvalidData(WHAT, [Problem("labels", reason)])
