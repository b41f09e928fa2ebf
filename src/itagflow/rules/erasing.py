"""What is left when a person's name, or a task's data, is erased: keys, states and counts, and no content."""

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
from itagflow.rules.reviewing import remaining

ERASED = "erased"
"""What stands where a text was."""

Texts = Callable[[str], str]
"""Returns a text without what is erased in it."""

_REMARKING = frozenset({"judge", "reject"})
_ABOUT_MEMBERS = frozenset({"add_member", "set_role", "remove_member"})


def blank(task: Task, template: Template) -> Task:
    """Return *task* without its data: the fields that *template* shows are still there, and empty."""
    row = {"data": dict.fromkeys(sorted(template.fields)), ERASED: True}
    return attrs.evolve(task, row=json.dumps(row, ensure_ascii=False), row_key="")


def silent(answer: Answer) -> Answer:
    """Return *answer* without what it says: whether it settles its task, gives it up or judges it stays known."""
    return attrs.evolve(
        answer,
        replies=None if answer.replies is None else {},
        abandoned=None if answer.abandoned is None else ERASED,
        remark=_gone(answer.remark),
        erased=True,
    )


def reduced(package: Package, task: int, tasks: Sequence[int]) -> Package:
    """Return *package*, of these *tasks*, when nobody is to work on this one of them any more.

    The value of the field that made the package goes with the last of its tasks.
    """
    erased = tuple(sorted({*package.erased, task}))
    after = attrs.evolve(package, erased=erased, value="" if len(erased) == package.size else package.value)
    return attrs.evolve(after, scope=remaining(after, package.scope, tasks)) if package.stage else after


def dismissed(turn: Assignment, package: Package, tasks: Sequence[int], texts: Texts) -> Assignment:
    """Return *turn* as it is when something of its *package* was erased; the same turn if nothing is changed by it.

    What a live turn is about shrinks; of one that has ended, only the remark is looked at.
    """
    scope = remaining(package, turn.scope, tasks) if turn.live else turn.scope
    remark = texts(turn.remark)
    return turn if (scope, remark) == (turn.scope, turn.remark) else attrs.evolve(turn, scope=scope, remark=remark)


def forgotten(event: Event, task: int, texts: Texts) -> Event:
    """Return *event* without what it says about *task*; the same event if it says nothing."""
    reasons = _gone if event.task == task else texts
    data = _rewritten(event.data, reasons, lambda key, said: _blanked(said) if key == str(task) else said)
    return event if data == event.data else attrs.evolve(event, data=data)


def remarks_on(task: int, answers: Iterable[Answer], events: Iterable[Event]) -> set[str]:
    """Return what was remarked on *task*, as its *answers* and the *events* of its package say it.

    These differ while a name is taken out of them: out of the events first, in order, so that what joins a remark
    says it like the answer as long as it has the name, and then like the earlier event.
    """
    said = {answer.remark for answer in answers}
    for event in events:
        if event.verb in _REMARKING and (event.task == task or task in event.data.get("said", ())):
            said.add(event.data.get("reason", ""))
    return said - {""}


def without_remarks(remarks: Collection[str]) -> Texts:
    """Return what takes these remarks out of a reason, which is one of them or joins several."""

    def texts(text: str) -> str:
        joined = f"; {text}; "
        for remark in remarks:
            joined = joined.replace(f"; {remark}; ", f"; {ERASED}; ")
        return joined[2:-2]

    return texts


def without_name(account: str, mark: str) -> Texts:
    """Return what puts *mark* where a text has *account*, however it was typed, as a word of its own.

    >>> without_name("ben", "erased-7")("ben was removed, not ben-smith")
    'erased-7 was removed, not ben-smith'
    """
    typed = sorted({account, *(unicodedata.normalize(form, account) for form in ("NFC", "NFD"))})
    word = re.compile(rf"(?<![\w@.-])(?:{'|'.join(map(re.escape, typed))})(?![\w@-]|\.\w)")
    return lambda text: word.sub(mark, text)


def nameless(event: Event, account: str, mark: str) -> Event:
    """Return *event* with *mark* for the member called *account*; the same event if it names another, or none."""
    texts = without_name(account, mark)
    data = _rewritten(event.data, texts, lambda _, said: _nameless_answer(said, texts))
    for name in ("to", *(("name",) if event.verb in _ABOUT_MEMBERS else ())):
        if isinstance(data.get(name), str) and nfc(data[name]) == nfc(account):
            data[name] = mark
    return event if data == event.data else attrs.evolve(event, data=data)


def nameless_answer(answer: Answer, texts: Texts) -> Answer:
    """Return *answer* with its remark and its reason to give the task up rewritten by *texts*."""
    abandoned = None if answer.abandoned is None else texts(answer.abandoned)
    return attrs.evolve(answer, remark=texts(answer.remark), abandoned=abandoned)


def _gone(text: str) -> str:
    return ERASED if text else ""


def _rewritten(
    data: Mapping[str, Any], texts: Texts, answer: Callable[[str, Mapping[str, Any]], Mapping[str, Any]]
) -> dict[str, Any]:
    """Return an event's data with its reason, and the answers that it replaced, rewritten."""
    new = dict(data)
    if "reason" in new:
        new["reason"] = texts(new["reason"])
    if "was" in new:
        new["was"] = {key: answer(key, said) for key, said in new["was"].items()}
    return new


def _blanked(said: Mapping[str, Any]) -> dict[str, Any]:
    """Return what `silent` would make of an answer that an event holds as JSON."""
    texts = {name: ERASED for name in ("remark", "abandoned") if said.get(name)}
    return {**said, **({"replies": {}} if "replies" in said else {}), **texts, "erased": True}


def _nameless_answer(said: Mapping[str, Any], texts: Texts) -> dict[str, Any]:
    return {**said, **{name: texts(said[name]) for name in ("remark", "abandoned") if said.get(name)}}
