"""Tasks, what is answered about them, and the work that an assignment shows."""

from collections.abc import Mapping
from datetime import datetime
from enum import Enum
from typing import Any

import attrs

from itagflow import jsontext
from itagflow.model.arguments import make_error
from itagflow.model.job import Stage
from itagflow.model.reply import Reply
from itagflow.model.validators import to_whole, whole_number
from itagflow.reprs import show, show_fields, show_line, show_replies


class TaskState(Enum):
    """How far a task is.  Read off the answers, never stored, so it cannot drift."""

    TODO = "todo"
    """Nobody has answered it in its round."""
    ANSWERED = "answered"
    """A labeler has answered it."""
    ABANDONED = "abandoned"
    """It was abandoned, with a reason; a reviewer may undo it."""
    WRONG = "wrong"
    """A reviewer judged it wrong, and nobody has answered or judged it since."""
    PASSED = "passed"
    """A reviewer let it pass, and another stage is still to come."""
    FINAL = "final"
    """Its package is done."""


class Verdict(Enum):
    """What a reviewer says of a task."""

    RIGHT = "right"
    WRONG = "wrong"


def _validate_row_text(_: object, attribute: "attrs.Attribute[Any]", value: object) -> None:
    if not isinstance(value, str):
        raise make_error("the Row", attribute.name, "must be a JSON text", value)


@attrs.frozen
class Row:
    """One row of input: its JSON text, kept as it came, and where it was found."""

    # whether it is JSON and can be stored is told with the row's place, when it is loaded
    text: str = attrs.field(validator=_validate_row_text)
    """The whole row as JSON text, an object with ``data``."""
    line: int = attrs.field(default=0, converter=to_whole, validator=whole_number(0))
    """Its line in the file, from 1; 0 when it did not come from a file."""

    __repr__ = show_fields


@attrs.frozen(kw_only=True)
class Task:
    """One row of data, kept as the whole raw row it came in; never changed, only erased."""

    job: int
    """The job it belongs to."""
    number: int
    """Its number in the job, from 1, in the order of the input."""
    package: int
    """The number of its package."""
    row: str
    """The whole row as JSON text."""
    row_key: str = ""
    """What tells it apart from other rows, if the job has a row key."""
    version: int = 0
    """Counts the erasings: 0, or 1 once its data is erased."""

    @property
    def key(self) -> tuple[int, int]:
        """The key in the store: job and number."""
        return (self.job, self.number)

    @property
    def erased(self) -> bool:
        """Whether its data was erased: `data` has its fields still, without what was in them."""
        return self.version > 0

    @property
    def data(self) -> dict[str, Any]:
        """The row's ``data`` object, parsed at each call."""
        data: dict[str, Any] = jsontext.loads(self.row)["data"]
        return data

    def __str__(self) -> str:
        return f"task {self.number}"

    def __repr__(self) -> str:
        erased = "erased" if self.erased else ""
        return show_line(self, self.number, f"in package {self.package}", erased, f"job={self.job}")


@attrs.frozen(kw_only=True)
class Answer:
    """The answer of one assignment to one task: replies, or abandoned; in review also a verdict."""

    job: int
    """The job."""
    assignment: int
    """The id of the assignment that says it."""
    task: int
    """The number of the task."""
    package: int
    """The number of the task's package."""
    stage: Stage
    """The stage of the assignment."""
    round: int
    """The round of the assignment."""
    member: int | None
    """Who says it; None for the merged outcome of several votes."""
    at: datetime
    """When it was given."""
    replies: Mapping[str, Reply] | None = None
    """The replies by question id; None when there are none (a bare verdict)."""
    abandon_reason: str | None = None
    """Why the task is abandoned; None when it is not."""
    escalation_reason: str | None = None
    """Why the task was handed to the experts, which may be empty; None when it was not."""
    picked: int | None = None
    """The assignment whose vote was taken over, where somebody decided by picking one."""
    verdict: Verdict | None = None
    """What a reviewer says of what was shown."""
    comment: str = ""
    """The comment of the reviewer, or of who handed the task to the experts."""
    disputed: tuple[str, ...] = ()
    """The questions that no reply has won (merged votes only)."""
    score: float | None = None
    """How sure the model is that gave these replies (pre-labels only), from 0 to 1."""
    model: str = ""
    """The model that gave these replies (pre-labels only)."""
    model_version: str = ""
    """The version of that model (pre-labels only)."""
    seconds: float = 0.0
    """How long the member worked on it.  Reserved: nothing sets it yet."""
    template_version: int = 0
    """The version of the template that it answers; also fits later ones that did not change it."""
    erased: bool = False
    """Whether it was erased with the task's data: replies are empty, and texts are ``erased``."""
    version: int = 0
    """Counts the saves."""

    @property
    def key(self) -> tuple[int, int, int]:
        """The key in the store: job, assignment, task."""
        return (self.job, self.assignment, self.task)

    @property
    def is_abandoned(self) -> bool:
        """Whether it gives the task up."""
        return self.abandon_reason is not None

    @property
    def is_escalated(self) -> bool:
        """Whether its assignment handed the task to the experts; replies are a suggestion then."""
        return self.escalation_reason is not None

    @property
    def is_resolved(self) -> bool:
        """Whether its assignment is done with the task: replies, abandoned, or escalated."""
        return self.replies is not None or self.is_abandoned or self.is_escalated

    @property
    def wrong(self) -> bool:
        """Whether it judges the task wrong."""
        return self.verdict is Verdict.WRONG

    @property
    def reply(self) -> Reply | None:
        """The reply, when there is exactly one."""
        if self.replies is None or len(self.replies) != 1:
            return None
        return next(iter(self.replies.values()))

    def __repr__(self) -> str:
        verdict = self.verdict.name if self.verdict else ""
        abandoned = f"abandoned: {show(self.abandon_reason)}" if self.is_abandoned else ""
        said = (verdict, abandoned or show_replies(self.replies))
        return show_line(self, f"to task {self.task}", self.stage.name, *said, f"job={self.job}")


@attrs.frozen(kw_only=True)
class WorkItem:
    """One task as its assignment sees it: what ``flow.tasks`` yields."""

    task: Task
    """The task."""
    answer: Answer | None = None
    """The answer of this assignment so far."""
    submitted: Answer | None = None
    """The result that is to be judged or done again."""
    votes: tuple[Answer, ...] = ()
    """Every vote on a task that is or was disputed; for an expert, all that labelers wrote."""
    comment: str = ""
    """Why it was sent back."""
    previous: Answer | None = None
    """What an earlier holder of the assignment had saved; it does not count."""
    prelabel: Answer | None = None
    """The prediction that is shown, to be corrected; it does not count until it is saved."""
    predictions: tuple[Answer, ...] = ()
    """Every prediction for the task, oldest first."""

    @property
    def data(self) -> dict[str, Any]:
        """The row's ``data`` object."""
        return self.task.data

    def __repr__(self) -> str:
        parts = ("answer", "submitted", "previous", "prelabel", "votes", "comment")
        has = [name for name in parts if getattr(self, name)]
        return show_line(self, f"task {self.task.number}", f"with {', '.join(has)}" if has else "")
