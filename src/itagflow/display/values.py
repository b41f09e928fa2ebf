"""Values of the library as HTML: what a notebook shows of a single one."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import attrs

from itagflow.display.html import HIDDEN, Html, escape, format_cell, make_bar, make_table
from itagflow.errors import InvalidData, Problem
from itagflow.model.event import Event
from itagflow.model.job import Job
from itagflow.model.region import Regions
from itagflow.model.reply import (
    Choice,
    Choices,
    Preference,
    Ranking,
    Rating,
    Reply,
    Text,
)
from itagflow.model.result import Progress, Result
from itagflow.model.segment import Segments
from itagflow.model.span import Spans
from itagflow.model.template import Question, Template
from itagflow.printing import format_count, format_repr


def describe_value(value: object) -> Html:
    """Return what a notebook shows of a value, such as a job, its progress, a result or a report.

    Raises:
        InvalidData: when it is not a value of the library.

    >>> from itagflow import templates
    >>> "cat" in describe_value(templates.image_classification(["cat", "dog"])).text
    True
    """
    for kind, describe in _BY_KIND.items():
        if isinstance(value, kind):
            return Html(describe(value))
    if attrs.has(type(value)):
        return Html(_describe_fields(value))
    reason = f"must be a value of the library, such as a job, not {format_repr(value)}"
    raise InvalidData("describe_value", [Problem("value", reason)])


def describe_reply(reply: Reply) -> str:
    """Return a reply in one line, escaped."""
    match reply:
        case Choice():
            return escape(reply.key)
        case Choices():
            return escape(", ".join(reply.keys))
        case Text():
            return escape(reply.text)
        case Ranking():
            return escape(" > ".join(reply.keys))
        case Rating():
            return f"{reply.value:g}"
        case Preference():
            return escape(reply.better or (reply.tie.value if reply.tie else "no difference"))
        case Regions():
            return format_count(len(reply.regions), "region")
        case Spans():
            return format_count(len(reply.spans), "span")
        case Segments():
            return format_count(len(reply.segments), "segment")


def describe_replies(replies: Mapping[str, Reply] | None, template: Template | None = None) -> str:
    """Return replies in one line each, with the titles of their questions where these are known."""
    titles: dict[str, str] = {}
    if template is not None:
        titles = {question.id: question.title for question in template.asked}
    lines = (
        f"{escape(titles.get(id, id))}: {describe_reply(reply)}"
        for id, reply in (replies or {}).items()
    )
    return "<br>".join(lines)


def _describe_fields(value: object) -> str:
    """Return a table of what a value holds; what is empty is left out."""
    kind: type[Any] = type(value)
    named = ((field.name, getattr(value, field.name)) for field in attrs.fields(kind))
    # 0 and False are said; a field that is None or empty says nothing
    said = ((name, held) for name, held in named if held not in (None, "", (), {}))
    rows = ((escape(name), format_cell(held)) for name, held in said if name not in HIDDEN)
    return make_table((), rows, kind.__name__)


def _describe_job(job: Job) -> str:
    rows = {
        "state": job.state,
        "stages": tuple(stage.value for stage in job.workflow.stages),
        "packaging": job.packaging,
        "tags": job.tags,
        "guideline": job.guideline,
        "remark": job.remark,
        "due at": job.due_at,
        "created at": job.created_at,
    }
    cells = [(escape(name), format_cell(value)) for name, value in rows.items() if value]
    return make_table((), cells, f"job {job.name}")


def _describe_progress(progress: Progress) -> str:
    share = progress.done / progress.total if progress.total else 0
    rows = [
        (state.value, str(count), str(progress.tasks.get(state, 0)))
        for state, count in progress.packages.items()
        if count
    ]
    table = make_table(("state", "packages", "tasks"), rows)
    return f"<div>{escape(str(progress))}{make_bar(share)}</div>{table}"


def _describe_result(result: Result) -> str:
    rows = [
        (stage.value, describe_replies(found.replies)) for stage, found in result.stages.items()
    ]
    data = (("data", format_cell(result.task.data)), ("state", format_cell(result.state)))
    return make_table((), (*data, *rows), f"task {result.task.number}")


def _describe_template(template: Template) -> str:
    rows = [row for question in template.questions for row in _describe_question(question)]
    views = ", ".join(f"{escape(view.field)} ({view.kind.value})" for view in template.views)
    table = make_table(("question", "kind", "options", "required"), rows, "template")
    return f"{table}<div>shows {views or 'nothing'}</div>"


def _describe_question(question: Question, depth: int = 0) -> Iterator[tuple[str, ...]]:
    options = ", ".join(option.label for option in question.options)
    space = "&nbsp;" * 4 * depth
    required = format_cell(question.required)
    yield (space + escape(question.title), question.kind.value, escape(options), required)
    for inner in (*question.children, *question.relations):
        yield from _describe_question(inner, depth + 1)


def _describe_event(event: Event) -> str:
    return f"<code>{escape(str(event))}</code>"


_BY_KIND: Mapping[type, Callable[[Any], str]] = {
    Job: _describe_job,
    Progress: _describe_progress,
    Result: _describe_result,
    Template: _describe_template,
    Event: _describe_event,
}
