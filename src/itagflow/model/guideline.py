"""The texts that tell people how to work on a job, as they were."""

from datetime import datetime

import attrs

from itagflow.reprs import show, show_line


@attrs.frozen(kw_only=True)
class Guideline:
    """One version of the guideline of a job, as `flow.jobs.guidelines` lists them."""

    version: int
    """Its number, from 1."""
    text: str
    """The instructions, or a link to them."""
    at: datetime
    """Since when."""
    member: int
    """Who wrote it."""

    def __repr__(self) -> str:
        return show_line(self, self.version, show(self.text), f"member={self.member}")
