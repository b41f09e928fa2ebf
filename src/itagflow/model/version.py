"""The versions of answers: what is stored now, and what it has replaced."""

import attrs

from itagflow.model.task import Answer
from itagflow.reprs import show_line


@attrs.frozen(kw_only=True)
class AnswerVersion:
    """One version of the answer of an assignment, as `flow.results.versions` lists them."""

    answer: Answer
    """What it says, who said it and when."""
    number: int
    """Which version of its assignment's answer it is, from 1, as `WorkItem.version` counts."""
    position: int
    """The position of the event that stored it; 0 when the history does not name one."""
    is_current: bool
    """Whether it is the one that is stored now; else it was replaced."""

    def __repr__(self) -> str:
        current = "current" if self.is_current else ""
        return show_line(self, self.number, current, f"at {self.position}", repr(self.answer))
