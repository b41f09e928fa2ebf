"""Results as flat dicts: a row for each task, a key for each field, question and stage."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Self

import attrs

from itagflow.model.job import Job, Stage
from itagflow.model.package import LABELING, PASSING
from itagflow.model.result import Provenance, Result
from itagflow.model.template import Template
from itagflow.storage import codec

TASK, STATE, DECIDED_BY = "task", "state", "decided_by"
"""The fixed keys of every row, besides those of the stages."""


@attrs.frozen
class Columns:
    """The keys that all rows of a job have; the fields of the data come from each row."""

    questions: Mapping[str, str]
    """The key of each question's column, by question id."""
    stages: Sequence[Stage]
    """The stages that the job has."""
    reserved: frozenset[str]
    """Every key that no field of the data can have."""

    @classmethod
    def for_job(cls, job: Job, template: Template) -> Self:
        """Return the columns of *job*, whose tasks are answered with *template*."""
        stages = job.workflow.stages
        fixed = {
            TASK,
            STATE,
            DECIDED_BY,
            *(key for stage in stages for key in _name_stage_columns(stage)),
        }
        questions = name_question_columns(template, fixed)
        return cls(questions, stages, frozenset({*fixed, *questions.values()}))

    def build_row(self, result: Result, accounts: Mapping[int, str]) -> dict[str, Any]:
        """Return *result* as a flat dict; *accounts* has those of all members in it."""
        # as they are stored: nothing here needs them as objects
        replies = codec.encode_replies(result.replies or {})
        row: dict[str, Any] = {TASK: result.task.number, **self._prefix_fields(result.task.data)}
        for id, key in self.questions.items():
            reply = replies.get(id)
            # a key for every question, also without a reply: all rows have the same columns
            row[key] = None
            if reply is not None:
                row[key] = extract_value(reply)
        row[STATE] = result.state.value
        for stage in self.stages:
            by, at, seconds = _name_stage_columns(stage)
            provenance = _find_provenance(result, stage)
            people = [_name(entry, accounts) for entry in provenance]
            row[by] = ", ".join(dict.fromkeys(filter(None, people))) or None
            row[at] = max((entry.at for entry in provenance), default=None)
            row[seconds] = None
            if provenance:
                row[seconds] = round(sum(entry.seconds for entry in provenance), 3)
        row[DECIDED_BY] = result.decided_by or None
        return row

    def _prefix_fields(self, data: Mapping[str, Any]) -> dict[str, Any]:
        """Return the fields of the data; those whose names are taken have ``data.`` in front."""
        fields: dict[str, Any] = {}
        for name, value in data.items():
            key = name
            # until it is free: the row may have a field "data.x" of its own
            while key in self.reserved or (key != name and (key in data or key in fields)):
                key = f"data.{key}"
            fields[key] = value
        return fields


def extract_value(reply: Mapping[str, Any]) -> Any:
    """Return what a reply says as a plain Python value, given the plain JSON that it is stored as.

    >>> extract_value({"kind": "choices", "keys": ["cat", "dog"]})
    ['cat', 'dog']
    """
    name = _VALUES.get(reply["kind"])
    if name is None:
        return reply
    value = reply[name]
    # a store that keeps objects has tuples, and who gets a list may change it
    return list(value) if name == "keys" else value


_VALUES = {
    "choice": "key",
    "choices": "keys",
    "ranking": "keys",
    "text": "text",
    "rating": "value",
}
"""Where the kinds of replies that say one thing have it; others are the value themselves."""


def _name_stage_columns(stage: Stage) -> tuple[str, str, str]:
    return f"{stage.value}_by", f"{stage.value}_at", f"{stage.value}_seconds"


def name_question_columns(template: Template, fixed: set[str]) -> dict[str, str]:
    """Return the key of each question's column: its title, with its id where that is taken.

    Of questions that share a title all get their ids, so that none looks like the only one.
    """
    titles = [question.title for question in template.asked]
    columns: dict[str, str] = {}
    for question in template.asked:
        is_taken = titles.count(question.title) > 1 or question.title in fixed
        key = question.title
        if is_taken:
            key = f"{question.title}#{question.id}"
        taken = {*fixed, *titles} - {question.title}
        while key in taken or key in columns.values():  # a title may end like another with its id
            key += f"#{question.id}"
        columns[question.id] = key
    return columns


def _name(entry: Provenance, accounts: Mapping[int, str]) -> str:
    """Return who did it, as the reader of the rows may know them; nothing for what nobody did."""
    if entry.member is None:
        return entry.labeler
    return accounts[entry.member]


def _find_provenance(result: Result, stage: Stage) -> list[Provenance]:
    """Return who brought a task through *stage*: one assignment, or those of all voters."""
    stage_result = result.stages.get(stage)
    if stage_result is None:
        return []
    entries = [entry for entry in result.provenance if entry.stage is stage]
    if stage is Stage.LABEL:
        return [
            entry
            for entry in entries
            if entry.round == stage_result.round and entry.outcome in LABELING
        ]
    # a package that was sent back is reviewed in a later round also for the tasks that were not
    passed = [
        entry for entry in entries if entry.round >= stage_result.round and entry.outcome in PASSING
    ]
    return passed[-1:]
