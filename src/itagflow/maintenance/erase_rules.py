"""What stays when a name or a task's data is erased: keys, states and counts, no content."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any

import attrs

from itagflow.model.event import Event
from itagflow.model.package import Assignment, Package
from itagflow.model.task import Answer, Task
from itagflow.model.template import Template
from itagflow.model.text import nfc
from itagflow.reviewing.rules import without_erased

ERASED = "erased"
"""What stands where a text was."""

Texts = Callable[[str], str]
"""Returns a text without what is erased in it."""

_REMARKING = frozenset({"judge", "reject"})
_ABOUT_MEMBERS = frozenset({"add_member", "set_role", "remove_member"})


def blank(task: Task, template: Template) -> Task:
    """Return *task* without its data: the fields that *template* shows stay, and are empty."""
    row = {"data": dict.fromkeys(sorted(template.fields)), ERASED: True}
    return attrs.evolve(task, row=json.dumps(row, ensure_ascii=False), row_key="")


def silent(answer: Answer) -> Answer:
    """Return *answer* without its content; resolved, abandoned and verdict stay."""
    return attrs.evolve(
        answer,
        replies=None if answer.replies is None else {},
        abandon_reason=None if answer.abandon_reason is None else ERASED,
        comment=_gone(answer.comment),
        erased=True,
    )


def reduced(package: Package, task: int, tasks: Sequence[int]) -> Package:
    """Return *package*, of these *tasks*, when nobody is to work on this one of them any more.

    The value of the field that made the package goes with the last of its tasks.
    """
    erased = tuple(sorted({*package.erased, task}))
    after = attrs.evolve(
        package, erased=erased, value="" if len(erased) == package.size else package.value
    )
    return (
        attrs.evolve(after, scope=without_erased(after, package.scope, tasks))
        if package.stage
        else after
    )


def dismissed(
    assignment: Assignment, package: Package, tasks: Sequence[int], texts: Texts
) -> Assignment:
    """Return *assignment* after tasks of its *package* were erased; the same if not concerned.

    What a live assignment is about shrinks; of one that has ended, only the comment is read.
    """
    scope = (
        without_erased(package, assignment.scope, tasks) if assignment.live else assignment.scope
    )
    comment = texts(assignment.comment)
    return (
        assignment
        if (scope, comment) == (assignment.scope, assignment.comment)
        else attrs.evolve(assignment, scope=scope, comment=comment)
    )


def forgotten(event: Event, task: int, texts: Texts) -> Event:
    """Return *event* without what it says about *task*; the same event if it says nothing."""
    reasons = _gone if event.task == task else texts
    data = _rewritten(
        event.data, reasons, lambda key, said: _blanked(said) if key == str(task) else said
    )
    return event if data == event.data else attrs.evolve(event, data=data)


def remarks_on(task: int, answers: Iterable[Answer], events: Iterable[Event]) -> set[str]:
    """Return what was remarked on *task*, as its *answers* and the *events* of its package say it.

    These differ while a name is taken out of them: out of the events first, in order, so that what
    joins a comment says it like the answer as long as it has the name, and then like the
    earlier event.
    """
    said = {answer.comment for answer in answers}
    for event in events:
        if event.type in _REMARKING and (
            event.task == task or task in event.data.get("answered", ())
        ):
            said.update(event.data.get(name, "") for name in ("comment", "reason"))
    return said - {""}


def without_remarks(comments: Collection[str]) -> Texts:
    """Return what removes these comments from a reason, which is one of them or joins several."""

    def texts(text: str) -> str:
        joined = f"; {text}; "
        for comment in comments:
            joined = joined.replace(f"; {comment}; ", f"; {ERASED}; ")
        return joined[2:-2]

    return texts


def without_name(account: str, mark: str) -> Texts:
    """Return what puts *mark* in place of *account*, in any spelling, where it is a whole word.

    >>> without_name("ben", "erased-7")("ben was removed, not ben-smith")
    'erased-7 was removed, not ben-smith'
    """
    typed = sorted({account, *(unicodedata.normalize(form, account) for form in ("NFC", "NFD"))})
    word = re.compile(rf"(?<![\w@.-])(?:{'|'.join(map(re.escape, typed))})(?![\w@-]|\.\w)")
    return lambda text: word.sub(mark, text)


def nameless(event: Event, account: str, mark: str) -> Event:
    """Return *event* with *mark* for the member called *account*; the same if not named."""
    texts = without_name(account, mark)
    data = _rewritten(event.data, texts, lambda _, said: _nameless_answer(said, texts))
    for name in ("to", *(("name",) if event.type in _ABOUT_MEMBERS else ())):
        if isinstance(data.get(name), str) and nfc(data[name]) == nfc(account):
            data[name] = mark
    return event if data == event.data else attrs.evolve(event, data=data)


def nameless_answer(answer: Answer, texts: Texts) -> Answer:
    """Return *answer* with its comment and its reason to give the task up rewritten by *texts*."""
    abandoned = None if answer.abandon_reason is None else texts(answer.abandon_reason)
    return attrs.evolve(answer, comment=texts(answer.comment), abandon_reason=abandoned)


def _gone(text: str) -> str:
    return ERASED if text else ""


def _rewritten(
    data: Mapping[str, Any],
    texts: Texts,
    answer: Callable[[str, Mapping[str, Any]], Mapping[str, Any]],
) -> dict[str, Any]:
    """Return an event's data with its reason, and the answers that it replaced, rewritten."""
    new = dict(data)
    for name in ("comment", "reason"):
        if name in new:
            new[name] = texts(new[name])
    if "previous" in new:
        new["previous"] = {key: answer(key, said) for key, said in new["previous"].items()}
    return new


def _blanked(said: Mapping[str, Any]) -> dict[str, Any]:
    """Return what `silent` would make of an answer that an event holds as JSON."""
    texts = {name: ERASED for name in ("comment", "abandon_reason") if said.get(name)}
    return {**said, **({"replies": {}} if "replies" in said else {}), **texts, "erased": True}


def _nameless_answer(said: Mapping[str, Any], texts: Texts) -> dict[str, Any]:
    return {
        **said,
        **{name: texts(said[name]) for name in ("comment", "abandon_reason") if said.get(name)},
    }
