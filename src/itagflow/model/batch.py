"""What became of one act among many."""

import attrs

from itagflow.errors import ItagflowError
from itagflow.model.package import Assignment
from itagflow.reprs import show_fields


@attrs.frozen
class BatchResult:
    """The outcome of one operation of many: true when it was done, false when it was refused.

    >>> from itagflow.errors import NotFound
    >>> bool(BatchResult((4, 17), error=NotFound("Assignment", (4, 17))))
    False
    """

    key: tuple[int, int]
    """What the act was asked for: the key of an assignment, or for `assign_many` of a package."""
    value: Assignment | None = None
    """The assignment as it is now; None when the act was refused."""
    error: ItagflowError | None = None
    """Why it was refused, as the verb for one would have raised it; None when it was done."""

    def __bool__(self) -> bool:
        return self.error is None

    __repr__ = show_fields
