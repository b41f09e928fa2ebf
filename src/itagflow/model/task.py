"""Tasks, what is answered about them, and the work that an assignment shows."""

from collections.abc import Mapping
from datetime import datetime
from enum import Enum
from typing import Any, cast

import attrs

from itagflow import jsontext
from itagflow.model.arguments import make_error
from itagflow.model.comment import Thread
from itagflow.model.copying import copyable
from itagflow.model.deferred import Deferred
from itagflow.model.enums import IdentityHash
from itagflow.model.job import Stage
from itagflow.model.merging import MergeReport
from itagflow.model.reply import Reply
from itagflow.model.row_key import parse_row_key
from itagflow.model.validators import to_whole, whole_number
from itagflow.reprs import show, show_fields, show_line, show_replies

Order = Mapping[str, tuple[str, ...]]
"""Keys of options in the order in which they are shown, by the id of their question."""


def make_order() -> Order:
    """Return the order where nothing is shuffled: each answer has one, so this has to be fast."""
    # not `dict[str, …]`, a call of which takes many times as long
    return {}


class TaskState(IdentityHash, Enum):
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
    WITHDRAWN = "withdrawn"
    """It was taken out of the work, and keeps its data and answers."""


class Verdict(IdentityHash, Enum):
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


@copyable
@attrs.frozen(kw_only=True, slots=False)
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
    row_key_text: str = ""
    """How its row key is stored: see `row_key`.  Empty when there is none."""
    version: int = 0
    """Counts the erasings: 0, or 1 once its data is erased."""

    @property
    def key(self) -> tuple[int, int]:
        """The key in the store: job and number."""
        return (self.job, self.number)

    @property
    def row_key(self) -> str | int | None:
        """What tells it apart from other rows, as its row has it; None when nothing does.

        Where ``row_key_type`` is ``"text"``, a number is the text with its digits.
        """
        return parse_row_key(self.row_key_text)

    @property
    def erased(self) -> bool:
        """Whether its data was erased: `data` has its fields still, without what was in them."""
        return self.version > 0

    @property
    def tags(self) -> tuple[str, ...]:
        """The free words that stand in its row beside ``data``; none when they are no texts."""
        tags: object = jsontext.loads(self.row).get("tags")
        words = cast("list[object]", tags) if isinstance(tags, list) else []
        # any program may have written the row
        if all(isinstance(word, str) for word in words):
            return tuple(map(str, words))
        return ()

    @property
    def data(self) -> dict[str, Any]:
        """The row's ``data`` object, parsed at each call."""
        # the numbers of a row were checked when it was loaded
        data: dict[str, Any] = jsontext.loads_own(self.row)["data"]
        return data

    def __str__(self) -> str:
        return f"task {self.number}"

    def __repr__(self) -> str:
        erased = "erased" if self.erased else ""
        return show_line(self, self.number, f"in package {self.package}", erased, f"job={self.job}")


@copyable
@attrs.frozen(kw_only=True, slots=False)
class Answer(Deferred):
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
    replies: Mapping[str, Reply] | None = attrs.field(default=None, hash=False)
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
    """The comment of the reviewer, or of the member who handed the task to the experts."""
    reason: str = ""
    """Why a reviewer judges the task wrong: one of the reasons of the stage, if it has some."""
    disputed: tuple[str, ...] = ()
    """The questions that the votes have not settled (merged votes only)."""
    kept: tuple[str, ...] = ()
    """The questions whose replies are all kept, so that there is none here (merged votes only)."""
    merge: MergeReport | None = None
    """Who voted, by which rules, and how sure each reply is (merged votes only)."""
    score: float | None = None
    """How sure the model is that gave these replies, from 0 to 1."""
    model: str = ""
    """The model that gave these replies: of a pre-label, or of a member that is a program."""
    model_version: str = ""
    """The version of that model (pre-labels only)."""
    seconds: float = 0.0
    """How long the member worked on it, in seconds, as far as it was given."""
    template_version: int = 0
    """The version of the template that it answers; also fits later ones that did not change it."""
    order: Order = attrs.field(factory=make_order, hash=False)
    """The options as the one who gave the replies saw them, where they were shuffled.

    Keys of options by question id, as in `WorkItem.order`; empty when nothing was shuffled, for
    merged votes, and for what came from outside.
    """
    labeler: str = ""
    """Instead of the member for who reviews blind, such as ``labeler 1``; never stored."""
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


@copyable
@attrs.frozen(kw_only=True, slots=False)
class Draft(Answer):
    """A half-filled answer: it lies beside the answer of its assignment, and counts for nothing."""

    answer_version: int = 0
    """The version of the answer that it lies beside, as `WorkItem.version` counts; 0: of none."""

    @property
    def is_resolved(self) -> bool:
        """Whether the task is done for its assignment: a draft never says so."""
        return False

    __repr__ = Answer.__repr__


def count_versions(answer: Answer | None) -> int:
    """Return how many times *answer* was stored with something new: 0 before the first save."""
    if answer is None:
        return 0
    return answer.version + 1


def is_newer(draft: Draft, answer: Answer | None) -> bool:
    """Return whether *draft* was saved after *answer*, of the same assignment, was last changed."""
    # by versions, not by times: a clock may stand still, or be set back
    return draft.answer_version == count_versions(answer)


@attrs.frozen(kw_only=True)
class WorkItem:
    """One task as its assignment sees it: what ``flow.tasks`` yields."""

    task: Task
    """The task."""
    answer: Answer | None = None
    """The answer of this assignment so far, which is complete."""
    draft: Draft | None = None
    """The half-filled answer of this assignment that lies beside it; it does not count."""
    version: int = 0
    """How many times the answer was stored with something new: 0 before the first save."""
    submitted: Answer | None = None
    """The result that is to be judged or done again."""
    votes: tuple[Answer, ...] = ()
    """For a review: every vote on a task with a question that was disputed or kept.  For who
    decides a task: what labelers wrote."""
    comment: str = ""
    """Why it was sent back: what was said of this task, or else of the whole package."""
    reason: str = ""
    """Why it was sent back, as one of the reasons of the stage that did."""
    package_comment: str = ""
    """What was said of the package when it was sent back."""
    previous: Answer | None = None
    """What an earlier holder had saved last, an answer or a draft; it does not count."""
    prelabel: Answer | None = None
    """The prediction that is shown, to be corrected; it does not count until it is saved."""
    predictions: tuple[Answer, ...] = ()
    """Every prediction for the task, oldest first."""
    comments: tuple[Thread, ...] = ()
    """The threads on the task, oldest first."""
    order: Order = attrs.field(factory=make_order, hash=False)
    """How to show the options to the holder: for each question that shuffles, by its id, the keys
    of all its options.  The options of other questions are shown as the template has them."""

    @property
    def data(self) -> dict[str, Any]:
        """The row's ``data`` object."""
        return self.task.data

    def __repr__(self) -> str:
        has = [name for name in _ITEM_PARTS if getattr(self, name)]
        return show_line(self, f"task {self.task.number}", f"with {', '.join(has)}" if has else "")


_ITEM_PARTS = (
    "answer",
    "draft",
    "submitted",
    "previous",
    "prelabel",
    "votes",
    "comment",
    "reason",
    "comments",
)
"""What the representation of a work item names, where there is something."""
