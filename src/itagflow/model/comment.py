"""Comments: what people say to each other about a task, in threads."""

from datetime import datetime
from enum import Enum

import attrs

from itagflow.reprs import show, show_fields, show_line


class CommentAction(Enum):
    """What an entry of a thread does beside its text."""

    NOTE = "note"
    """Says something."""
    RESOLVE = "resolve"
    """Closes the thread."""
    REOPEN = "reopen"
    """Opens the thread again."""


@attrs.frozen(kw_only=True)
class Comment:
    """One entry of a thread; never changed, only erased."""

    job: int
    """The job."""
    id: int
    """Its key: a time-ordered integer of at most 63 bits."""
    package: int
    """The number of the task's package."""
    task: int
    """The number of the task it is about."""
    thread: int
    """The id of the entry that opened the thread: its own id if that was this one.

    Of a thread that a review opened it is the id of the reviewer's assignment.
    """
    annotation: str = ""
    """The id of the annotation that the thread is about; empty: about the whole task."""
    member: int | None
    """Who wrote it; None where a reader may not know."""
    labeler: str = ""
    """What stands for the member where labelers are reviewed blind, such as ``labeler 1``."""
    at: datetime
    """When."""
    text: str = ""
    """What was said; empty where a thread was resolved or opened again without a word."""
    action: CommentAction = CommentAction.NOTE
    """What it does beside its text."""
    erased: bool = False
    """Whether its text was erased with the task's data."""
    version: int = 0
    """Always 0: an entry is written once."""

    @property
    def key(self) -> tuple[int, int]:
        """The key in the store: job and id."""
        return (self.job, self.id)

    def __repr__(self) -> str:
        action = "" if self.action is CommentAction.NOTE else self.action.value
        return show_line(self, self.id, f"on task {self.task}", action, show(self.text))


@attrs.frozen(kw_only=True)
class Thread:
    """What was said about one thing, from the first entry to the last."""

    job: int
    """The job."""
    id: int
    """What it is known by: the id of its first entry, or of the assignment that opened it."""
    task: int
    """The number of the task."""
    annotation: str = ""
    """The id of the annotation it is about; empty: about the whole task."""
    comments: tuple[Comment, ...]
    """Its entries, oldest first; the first may be what a reviewer wrote to a judgment."""
    is_resolved: bool = False
    """Whether it was resolved, by somebody or by the next verdict on the task."""

    __repr__ = show_fields
