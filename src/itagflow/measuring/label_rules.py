"""What counts as a label: who says what about a task, in its newest labeling."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence

from itagflow.model.package import Assignment, Purpose
from itagflow.model.reply import Choice, Choices, Ranking, Rating, Reply, Text
from itagflow.model.task import Answer
from itagflow.results.rules import Case, find_votes


def find_labels(case: Case, *, extra_votes: bool = True) -> list[Answer]:
    """Return the answers that are labels of the task: its votes, or that of the one who labeled it.

    Those are of its newest labeling.  What a model, a file or a deadline has answered is none, nor
    what nobody has answered: abandoned tasks, and those that were handed to the experts.
    """
    answers: Iterable[Answer] = find_votes(case) or _find_single(case)
    if not extra_votes:
        extra = _list_extra(case.assignments)
        answers = [answer for answer in answers if answer.assignment not in extra]
    return [answer for answer in answers if _is_label(answer)]


def _find_single(case: Case) -> Sequence[Answer]:
    """Return the answer of the one member who labeled the task, once they handed it in."""
    label = case.find_labeling()
    if label is None or case.is_being_labeled or label.id not in case.answers:
        return ()
    return (case.answers[label.id],)


def _list_extra(assignments: Iterable[Assignment]) -> set[int]:
    return {each.id for each in assignments if each.purpose is Purpose.EXTRA_VOTE}


def _is_label(answer: Answer) -> bool:
    has_author = answer.member is not None or bool(answer.labeler)
    is_open = answer.is_abandoned or answer.is_escalated or answer.erased
    return has_author and not is_open and answer.replies is not None


def to_label_value(reply: Reply) -> Hashable:
    """Return what a reply says as a value that can be compared with others.

    The key of an option, a text, a number; the set of the keys that were chosen; a ranking as a
    tuple of keys; all others as they are.

    >>> to_label_value(Choices(["dog", "cat"])) == to_label_value(Choices(["cat", "dog"]))
    True
    """
    match reply:
        case Choice(key=key):
            return key
        case Choices(keys=keys):
            return frozenset(keys)
        case Ranking(keys=keys):
            return tuple(keys)
        case Text(text=text):
            return text
        case Rating(value=value):
            return value
        case _:
            return reply


def name_hidden(work: Answer | Assignment, job: str) -> str:
    """Return the name of a labeler who is hidden from the reader: in each package another one."""
    return f"{work.labeler} of package {work.package} of {job}"
