"""What grows in a job while people work on it: the numbers given out, and the rows read."""

from __future__ import annotations

import attrs

from itagflow.reprs import show_fields


@attrs.frozen(kw_only=True)
class JobCounter:
    """The numbers given out in one job, in a row of their own.

    Every append changes them.  They are not fields of `Job`, because each claim locks the row of
    the job and compares it: labelers would wait for every append.  Only those who load rows, and
    those who end a job or bring it back, lock this row.  `itagflow.Progress` is how an application
    reads them.
    """

    job: int
    """The job."""
    tasks: int = 0
    """How many tasks were loaded; the last has this number."""
    packages: int = 0
    """How many packages were made; the last has this number."""
    rows_read: int = 0
    """How many rows of the job's first data were read, with skipped ones; loading goes on there."""
    version: int = 0
    """Counts the saves."""

    @property
    def key(self) -> tuple[int]:
        """The key in the store."""
        return (self.job,)

    __repr__ = show_fields
