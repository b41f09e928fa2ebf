"""What stays when a name or a task's data is erased: keys, states and counts, no content."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any

import attrs

from itagflow import jsontext
from itagflow.model.event import Event
from itagflow.model.merging import MergeReport
from itagflow.model.package import Assignment, Package
from itagflow.model.skills import NO_VALUE
from itagflow.model.task import Answer, Task
from itagflow.model.template import Template
from itagflow.model.text import normalize_name
from itagflow.results.outcome_rules import exclude_tasks
from itagflow.reviewing.rules import without_excluded

REQUEST = "request"
"""Where the event of an erased task says by which field and value it was found, as a hash."""
ERASED = "erased"
"""What stands where a text was."""

_TEXTS = ("comment", "abandon_reason", "escalation_reason")
"""What people write about a task, beside the replies."""

TextFilter = Callable[[str], str]
"""Returns a text without what is erased in it."""

_REMARKING = frozenset({"escalate", "judge", "reject"})
_ABOUT_MEMBERS = frozenset(
    {"add_member", "set_role", "set_skills", "remove_member", "pause_member", "resume_member"}
)


def erase_row(task: Task, template: Template) -> Task:
    """Return *task* without its data: the fields that *template* shows stay, and are empty."""
    # the fields stay, so that screens need no case for erased rows
    row = {"data": dict.fromkeys(sorted(template.fields)), ERASED: True}
    return attrs.evolve(
        task, row=jsontext.escape(json.dumps(row, ensure_ascii=False)), row_key_text=""
    )


def erase_answer(answer: Answer) -> Answer:
    """Return *answer* without its content; resolved, abandoned and verdict stay."""
    # None stays None: whether a task was answered or abandoned is counted, and no content
    # why votes were disputed may quote them
    erased = attrs.evolve(answer, comment=_erase_text(answer.comment), merge=None, erased=True)
    if answer.replies is not None:
        erased = attrs.evolve(erased, replies={}, order={})
    if answer.abandon_reason is not None:
        erased = attrs.evolve(erased, abandon_reason=ERASED)
    if answer.escalation_reason:
        erased = attrs.evolve(erased, escalation_reason=ERASED)
    return erased


def erase_from_package(
    package: Package, task: int, tasks: Sequence[int], erase_text: TextFilter
) -> Package:
    """Return *package*, of these *tasks*, after this one of them was erased.

    The value of the field that made the package goes with the last of its tasks.
    """
    after = exclude_tasks(erase_from_campaigns(package, erase_text), erased=(task,))
    if len(after.erased) == package.size:
        # the value came from the data, such as a patient's number; remaining tasks have it too
        after = attrs.evolve(after, value=NO_VALUE if package.needs_skill else "")
    if package.stage:
        after = attrs.evolve(after, scope=without_excluded(after, package.scope, tasks))
    return after


def erase_from_campaigns(package: Package, erase_text: TextFilter) -> Package:
    """Return *package* with the comments of its campaigns rewritten; the same if none changes."""
    campaigns = tuple(
        attrs.evolve(campaign, comment=erase_text(campaign.comment))
        for campaign in package.campaigns
    )
    # the same object when nothing changed, so that the caller saves only what did
    if campaigns == package.campaigns:
        return package
    return attrs.evolve(package, campaigns=campaigns)


def erase_from_assignment(
    assignment: Assignment, package: Package, tasks: Sequence[int], erase_text: TextFilter
) -> Assignment:
    """Return *assignment* after tasks of its *package* were erased; the same if not concerned.

    What a live assignment is about shrinks; of one that has ended, only the comment is read.
    """
    scope = assignment.scope
    if assignment.live:
        scope = without_excluded(package, assignment.scope, tasks)
    comment = erase_text(assignment.comment)
    # the same object when nothing changed, so that the caller saves only what did
    if (scope, comment) == (assignment.scope, assignment.comment):
        return assignment
    return attrs.evolve(assignment, scope=scope, comment=comment)


def erase_from_event(event: Event, task: int, erase_text: TextFilter) -> Event:
    """Return *event* without its texts about *task*; the same event if it has none."""
    # an event about this task alone loses its whole reason; one about a package, which may name
    # several tasks, only what repeats a comment on this one
    erase_reason = erase_text
    if event.task == task:
        erase_reason = _erase_text

    def erase_previous(key: str, answer: Mapping[str, Any]) -> Mapping[str, Any]:
        if key == str(task):
            return _erase_answer_data(answer)
        return answer

    data = _rewrite_data(event.data, erase_reason, erase_previous)
    if data == event.data:
        return event
    return attrs.evolve(event, data=data)


def find_remarks(task: int, answers: Iterable[Answer], events: Iterable[Event]) -> set[str]:
    """Return what was remarked on *task*, as its *answers* and the *events* of its package say it.

    These differ while a name is taken out of them: out of the events first, in order, so that what
    joins a comment says it like the answer as long as it has the name, and then like the
    earlier event.
    """
    remarks = {answer.comment for answer in answers}
    for event in events:
        if event.type in _REMARKING and (
            event.task == task or task in event.data.get("answered", ())
        ):
            remarks.update(event.data.get(name, "") for name in ("comment", "reason"))
    return remarks - {""}


def build_remark_filter(comments: Collection[str]) -> TextFilter:
    """Return what removes these comments from a reason, which is one of them or joins several."""

    def erase_remarks(text: str) -> str:
        # reasons join comments with "; ": with it on both sides, each can be found whole
        joined = f"; {text}; "
        for comment in comments:
            joined = joined.replace(f"; {comment}; ", f"; {ERASED}; ")
        return joined[2:-2]

    return erase_remarks


def build_name_filter(account: str, mark: str) -> TextFilter:
    """Return what puts *mark* in place of *account*, in any spelling, where it is a whole word.

    >>> build_name_filter("ben", "erased-7")("ben was removed, not ben-smith")
    'erased-7 was removed, not ben-smith'
    """
    # however it was typed: a Mac writes "é" as two characters, most others as one
    spellings = sorted(
        {account, *(unicodedata.normalize(form, account) for form in ("NFC", "NFD"))}
    )
    # accounts contain "@", "." and "-": inside a longer word it is somebody else's name
    pattern = re.compile(rf"(?<![\w@.-])(?:{'|'.join(map(re.escape, spellings))})(?![\w@-]|\.\w)")
    return lambda text: pattern.sub(mark, text)


def anonymize_event(event: Event, account: str, mark: str) -> Event:
    """Return *event* with *mark* for the member called *account*; the same if not named."""
    erase_name = build_name_filter(account, mark)
    data = _rewrite_data(
        event.data, erase_name, lambda _, answer: _anonymize_answer_data(answer, erase_name)
    )
    if isinstance(data.get("guideline"), str):
        # an earlier one can be changed nowhere else
        data["guideline"] = erase_name(data["guideline"])
    names = ["to"]
    if event.type in _ABOUT_MEMBERS:
        names.append("name")  # elsewhere it is the name of a job or a template
    for name in names:
        if isinstance(data.get(name), str) and normalize_name(data[name]) == normalize_name(
            account
        ):
            data[name] = mark
    if data == event.data:
        return event
    return attrs.evolve(event, data=data)


def anonymize_answer(answer: Answer, erase_name: TextFilter) -> Answer:
    """Return *answer* with its comment and abandon reason rewritten by *erase_name*."""
    given = {name: getattr(answer, name) for name in _TEXTS}
    texts: dict[str, Any] = {
        name: erase_name(text) for name, text in given.items() if text is not None
    }
    return attrs.evolve(answer, **texts, merge=_anonymize_merge(answer.merge, erase_name))


def _anonymize_merge(report: MergeReport | None, erase_name: TextFilter) -> MergeReport | None:
    """Return *report* with the reasons of its disputes rewritten: they may quote what was said."""
    if report is None:
        return None
    questions = {
        id: attrs.evolve(merge, reason=erase_name(merge.reason))
        for id, merge in report.questions.items()
    }
    return attrs.evolve(report, questions=questions)


def _erase_text(text: str) -> str:
    # an empty text stays empty: that nobody wrote anything is no content
    if not text:
        return ""
    return ERASED


def _rewrite_data(
    data: Mapping[str, Any],
    rewrite_text: TextFilter,
    rewrite_answer: Callable[[str, Mapping[str, Any]], Mapping[str, Any]],
) -> dict[str, Any]:
    """Return an event's data with its reason, and the answers that it replaced, rewritten."""
    # a copy: events are shared between readers, and frozen by agreement only
    rewritten = dict(data)
    for name in ("comment", "reason"):
        if name in rewritten:
            rewritten[name] = rewrite_text(rewritten[name])
    if "previous" in rewritten:
        rewritten["previous"] = {
            key: rewrite_answer(key, previous) for key, previous in rewritten["previous"].items()
        }
    return rewritten


def _erase_answer_data(answer: Mapping[str, Any]) -> dict[str, Any]:
    """Return what `erase_answer` would make of an answer that an event holds as JSON."""
    texts = {name: ERASED for name in _TEXTS if answer.get(name)}
    erased = {**answer, **texts, "erased": True}
    erased.pop("merge", None)
    if "replies" in answer:
        erased["replies"] = {}
        erased.pop("order", None)
    return erased


def _anonymize_answer_data(answer: Mapping[str, Any], erase_name: TextFilter) -> dict[str, Any]:
    anonymous = {**answer}
    if "merge" in answer:
        anonymous["merge"] = _anonymize_merge_data(answer["merge"], erase_name)
    return {
        **anonymous,
        **{name: erase_name(answer[name]) for name in _TEXTS if answer.get(name)},
    }


def _anonymize_merge_data(report: Mapping[str, Any], erase_name: TextFilter) -> dict[str, Any]:
    """Return what `_anonymize_merge` would make of a report that an event holds as JSON."""
    questions = {
        id: {**merge, "reason": erase_name(merge["reason"])} if "reason" in merge else merge
        for id, merge in report.get("questions", {}).items()
    }
    return {**report, "questions": questions}
