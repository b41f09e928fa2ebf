"""Campaigns: tasks of a package that were opened again after all of it was done."""

import attrs

from itagflow.model.job import Stage
from itagflow.reprs import show_fields


@attrs.frozen(kw_only=True)
class Campaign:
    """Some tasks of a package that ``jobs.reopen`` has opened again; the others stay as they are.

    >>> campaign = Campaign(round=2, stage=Stage.LABEL, tasks=(3, 7))
    >>> campaign.last_round is None
    True
    """

    round: int
    """The round of the package that began with it."""
    last_round: int | None = None
    """The round in which the package was done again, or discarded; None: it goes on."""
    stage: Stage
    """The stage at which it began."""
    tasks: tuple[int, ...]
    """The numbers of the tasks, in order."""
    skipped: tuple[Stage, ...] = ()
    """The review stages that the package had passed before without a review: so have the others."""
    comment: str = ""
    """Why they were opened, for those who work on them."""

    def __str__(self) -> str:
        """Return what the history keeps of it: rounds, stage, and tasks.

        >>> print(Campaign(round=2, stage=Stage.LABEL, tasks=(3, 7)))
        2- label 3 7
        """
        last = "" if self.last_round is None else self.last_round
        return " ".join([f"{self.round}-{last}", self.stage.value, *map(str, self.tasks)])

    __repr__ = show_fields
