"""Labels that are read once and measured several times."""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from typing import TYPE_CHECKING, Any

from itagflow.printing import format_count
from itagflow.quality._numpy import require_numpy

if TYPE_CHECKING:
    from itagflow.quality.coding import Codes

LabelRow = tuple[Hashable, Hashable, Hashable]
"""What one member says about one task: (task, member, value)."""


class LabelTable:
    """Labels, read once: every measure takes it in place of the labels.

    Tasks, members and values are whatever has a hash, such as numbers, accounts and replies.  What
    is equal in Python is one value.  A value that is None or NaN is a missing label.

    >>> table = LabelTable([(1, "ann", "cat"), (1, "bob", "cat"), (2, "ann", "dog")])
    >>> table.tasks, table.members, table.values, len(table)
    ((1, 2), ('ann', 'bob'), ('cat', 'dog'), 3)
    """

    __slots__ = ("codes",)

    def __init__(self, labels: Iterable[LabelRow]) -> None:
        """Read labels.

        Args:
            labels: Each as (task, member, value).

        Raises:
            InvalidData: when a label is none, or a member has two for a task; also when NumPy is
                not installed.
        """
        require_numpy("quality.LabelTable")
        from itagflow.quality.coding import code_triples

        self.codes = code_triples(labels)

    @classmethod
    def from_columns(
        cls, tasks: Iterable[Any], members: Iterable[Any], values: Iterable[Any]
    ) -> LabelTable:
        """Read labels from three columns, such as those of a data frame.

        Columns of whole numbers of NumPy are read ten times as fast as tuples.

        Args:
            tasks: The task of each label.
            members: The member of each label.
            values: What the member said.

        Raises:
            InvalidData: when the columns differ in length, or as for the class.

        >>> len(LabelTable.from_columns([1, 1], ["ann", "bob"], ["cat", "dog"]))
        2
        """
        require_numpy("quality.LabelTable")
        from itagflow.quality.coding import code_columns

        table = cls.__new__(cls)
        table.codes = code_columns(tasks, members, values)
        return table

    @property
    def tasks(self) -> tuple[Any, ...]:
        """The tasks."""
        return tuple(self.codes.tasks)

    @property
    def members(self) -> tuple[Any, ...]:
        """The members."""
        return tuple(self.codes.members)

    @property
    def values(self) -> tuple[Any, ...]:
        """The values."""
        return tuple(self.codes.values)

    def __len__(self) -> int:
        """Return the number of labels that are not missing."""
        return len(self.codes.value)

    def __repr__(self) -> str:
        """Return how many labels there are, in one line."""
        tasks = format_count(len(self.codes.tasks), "task")
        return f"<LabelTable {format_count(len(self), 'label')} of {tasks}>"


def read_codes(what: str, labels: LabelTable | Iterable[LabelRow]) -> Codes:
    """Return labels as numbers.

    Raises:
        InvalidData: as `LabelTable` does.
    """
    require_numpy(what)
    if isinstance(labels, LabelTable):
        return labels.codes
    from itagflow.quality.coding import code_triples

    return code_triples(labels)
