"""What happens inside an assignment: save, abandon, restore, and the end of labeling."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import attrs

from itagflow.core.change import (
    Act,
    Change,
    Saved,
    record,
)
from itagflow.errors import Incomplete, InvalidData, Problem
from itagflow.labeling.voting import merge
from itagflow.lifecycle.tables import ASSIGNMENT, AssignmentCommand
from itagflow.model.job import Stage
from itagflow.model.package import Assignment, Outcome
from itagflow.model.reply import Replies
from itagflow.model.task import Answer, Task, Verdict
from itagflow.model.template import Template
from itagflow.model.text import find_text_error


def must_cover(assignment: Assignment, task: Task) -> None:
    """Check that *task* is in the scope of *assignment*.

    Raises:
        InvalidData: when it is in another package, or the assignment is about other tasks.
    """
    if task.package != assignment.package:
        raise InvalidData(
            str(task), [Problem("", f"is in package {task.package}, not in that of {assignment}")]
        )
    if not assignment.covers(task.number):
        asked = ", ".join(map(str, assignment.scope or ()))
        raise InvalidData(
            str(task), [Problem("", f"is not in the scope of {assignment}: tasks {asked}")]
        )


def must_be_different(tasks: Sequence[Task]) -> None:
    """Check that no task is named twice.

    Raises:
        InvalidData: when one is; it lists them.
    """
    if len(tasks) == 1:
        return  # by far the most
    times = Counter(task.number for task in tasks)
    if twice := sorted(number for number, count in times.items() if count > 1):
        raise InvalidData(
            "the answers", [Problem(f"task {number}", "is answered twice") for number in twice]
        )


def answer(
    assignment: Assignment,
    task: Task,
    act: Act,
    *,
    replies: Replies | None = None,
    abandoned: str | None = None,
    verdict: Verdict | None = None,
    comment: str = "",
    template_version: int = 0,
) -> Answer:
    """Return the answer of *assignment* to *task*; its replies fit this template version."""
    return Answer(
        job=assignment.job,
        assignment=assignment.id,
        task=task.number,
        package=assignment.package,
        stage=assignment.stage,
        round=assignment.round,
        member=assignment.member,
        at=act.at,
        replies=replies,
        abandon_reason=abandoned,
        verdict=verdict,
        comment=comment,
        template_version=template_version,
    )


def says_the_same(old: Answer | None, new: Answer) -> bool:
    """Return whether *new* says nothing that *old* does not say."""
    return old is not None and _content(old) == _content(new)


def put(
    verb: str,
    assignment: Assignment,
    old: Answer | None,
    new: Answer,
    act: Act,
    *,
    data: dict[str, Any],
    also: tuple[Saved, ...] = (),
) -> Change:
    """Store *new* as the assignment's answer; *data* is what the event says about the old one."""
    if old is None:
        return record(act, verb, about=assignment, task=new.task, add=(new,), save=also, data=data)
    save: list[Saved] = [(old, new)]
    save += also
    return record(act, verb, about=assignment, task=new.task, save=save, data=data)


def put_all(
    verb: str,
    assignment: Assignment,
    said: Sequence[tuple[Answer | None, Answer]],
    act: Act,
    *,
    data: dict[str, Any],
    also: tuple[Saved, ...] = (),
) -> Change:
    """Store several answers with one event; *data* lists their tasks and what they replace."""
    add = [new for old, new in said if old is None]
    save: list[Saved] = [(old, new) for old, new in said if old is not None]
    save += also
    return record(act, verb, about=assignment, add=add, save=save, data=data)


def abandon_reason(template: Template, reason: str) -> str:
    """Return *reason* if a task may be abandoned for it.

    Raises:
        InvalidData: when it is empty, or not one of the template's reasons.
    """
    known = template.abandon_reasons
    if wrong := find_text_error(reason):
        raise InvalidData("the reason to abandon", [Problem("reason", wrong)])
    if not reason.strip():
        raise InvalidData("the reason to abandon", [Problem("reason", "is empty")])
    if known and reason not in known:
        raise InvalidData(
            "the reason to abandon",
            [Problem("reason", f"{reason!r} is not one of {', '.join(known)}")],
        )
    return reason


def restored(given_up: Answer | None, task: Task, *, review: bool) -> Replies | None:
    """Return the replies that come back when *task* is no longer abandoned.

    Raises:
        Incomplete: when it is not abandoned; or, in *review*, when there is nothing that could come
            back.
    """
    if given_up is None or not given_up.is_abandoned:
        raise Incomplete("restore", "the task is not abandoned", (task.number,))
    if review and given_up.stage is Stage.LABEL and given_up.replies is None:
        raise Incomplete(
            "restore",
            "nothing was saved before it was abandoned: modify it instead",
            (task.number,),
        )
    return given_up.replies


def closed(
    verb: str,
    outcome: Outcome,
    assignment: Assignment,
    act: Act,
    closing: AssignmentCommand,
    *,
    comment: str = "",
    sent_back: tuple[int, ...] | None = None,
) -> Assignment:
    """Return *assignment* as it is after submit, review, accept or reject.

    Raises:
        WrongState: when it is not held, or at another stage than the verb's.
        Incomplete: when tasks are missing, stand judged wrong, or are undecided; or a reason is.
    """
    state = ASSIGNMENT.advance(assignment.state, verb, closing, str(assignment))
    return attrs.evolve(
        assignment,
        state=state,
        outcome=outcome,
        ended_at=act.at,
        comment=comment,
        sent_back=sent_back,
    )


def merged(
    assignment: Assignment,
    votes: Sequence[Sequence[Answer]],
    template: Template,
    min_votes: int,
    act: Act,
    *,
    id: int,
) -> tuple[Assignment, tuple[Answer, ...]]:
    """Return the merged votes of a round: an assignment without a member, and its answers.

    *votes* holds the answers of all voters for each task; *assignment* is the vote that came last.
    """
    outcome = attrs.evolve(
        assignment, id=id, member=None, outcome=Outcome.MERGED, token="", version=0
    )
    answers = list[Answer]()
    for said in votes:
        won = merge(template, said, min_votes)
        first = said[0]
        answers.append(
            Answer(
                job=first.job,
                assignment=id,
                task=first.task,
                package=first.package,
                stage=first.stage,
                round=first.round,
                member=None,
                at=act.at,
                replies=won.replies,
                abandon_reason=won.abandoned,
                disputed=won.disputed,
                template_version=max(vote.template_version for vote in said),
            )
        )
    return outcome, tuple(answers)


def _content(answer: Answer) -> tuple[Any, ...]:
    return (answer.replies, answer.abandon_reason, answer.verdict, answer.comment)
