"""Results as flat dicts: a row for each task or vote, a key for each field, question and stage."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Self

import attrs

from itagflow.model.job import STAGES, Stage
from itagflow.model.package import LABELING, PASSING, Outcome
from itagflow.model.reply import Reply
from itagflow.model.result import Provenance, Result
from itagflow.model.template import Template
from itagflow.storage import codec

FIXED = (
    *("task", "key", "state"),
    *(f"{stage.value}_{what}" for stage in STAGES for what in ("by", "at", "seconds")),
    *("score", "model", "inspected", "rejections", "decided_by", "job"),
)
"""The columns that every table of tasks begins with, whatever the workflow of the job is."""
MARKS = ("job_id", "removed")
"""What stands before them in a file of changes: the key of the job, and why a task is gone."""
FIXED_OF_ANSWERS = (
    *("task", "key", "state", "round", "by", "at", "seconds"),
    *("score", "model", "abandoned", "job"),
)
"""The same for a table of what each person said."""
FIXED_OF_VOTES = ("task", "round", "by", "at", "abandoned")
"""The same for the short table of votes."""


@attrs.frozen
class Columns:
    """The keys that all rows of a table have."""

    fixed: tuple[str, ...]
    """The columns that are there for every job."""
    fields: Mapping[str, str]
    """The key of the column of each field of the data, by the name of the field."""
    questions: Mapping[str, str]
    """The key of each question's column, by question id."""
    empty: Mapping[str, None]
    """A row in which nothing is said yet: it has all keys, in their order."""

    @classmethod
    def for_template(
        cls, template: Template, fields: Iterable[str], fixed: tuple[str, ...]
    ) -> Self:
        """Return the columns of tasks that are answered with *template* and have these fields."""
        questions = name_question_columns(template, fixed)
        named = name_field_columns(list(fields), {*fixed, *questions.values()})
        keys = (*fixed, *named.values(), *questions.values())
        return cls(fixed, named, questions, dict.fromkeys(keys))

    def build_row(self, result: Result, job: str, names: Mapping[int, str]) -> dict[str, Any]:
        """Return *result* as a flat dict.

        Args:
            result: The result of a task.
            job: The name of its job.
            names: What members are called, by key: those of all members in *result*.
        """
        row = self._begin(result, job)
        self._put_replies(row, result.replies)
        for stage in result.stages:
            row.update(_summarize_work(stage, find_work(result, stage), names))
        row.update(_describe_model(find_work(result, _find_answering_stage(result))))
        reviews = (each for stage, each in result.stages.items() if stage is not Stage.LABEL)
        row["inspected"] = any(review.inspected for review in reviews)
        outcomes = [entry.outcome for entry in result.provenance]
        row["rejections"] = outcomes.count(Outcome.REJECTED)
        row["decided_by"] = result.decided_by or None
        return row

    def iter_answers(
        self, result: Result, job: str, names: Mapping[int, str]
    ) -> Iterator[dict[str, Any]]:
        """Yield a row for each vote on a task; for one that a single member labels what they said.

        The arguments are those of `build_row`.
        """
        if result.votes:
            yield from self.iter_votes(result, job, names)
        elif Stage.LABEL in result.stages:
            yield self._build_labeling(result, job, names)

    def iter_votes(
        self, result: Result, job: str, names: Mapping[int, str]
    ) -> Iterator[dict[str, Any]]:
        """Yield a row for each vote on a task; the arguments are those of `build_row`."""
        for vote in result.votes:
            row = self._begin(result, job)
            said = {
                "round": vote.round,
                "by": names.get(vote.member or 0) or vote.labeler or None,
                "at": vote.at,
                "seconds": vote.seconds,
                "score": vote.score,
                "model": vote.model or None,
                "abandoned": vote.abandon_reason,
            }
            row.update((key, said[key]) for key in self.fixed if key in said)
            # what was replied before the task was given up is no vote
            self._put_replies(row, None if vote.is_abandoned else vote.replies)
            yield row

    def _build_labeling(self, result: Result, job: str, names: Mapping[int, str]) -> dict[str, Any]:
        row = self._begin(result, job)
        labeled = result.stages[Stage.LABEL]
        entries = find_work(result, Stage.LABEL)
        by, at, seconds = _summarize_work(Stage.LABEL, entries, names).values()
        row.update(round=labeled.round, by=by, at=at, seconds=seconds)
        row.update(_describe_model(entries), abandoned=labeled.abandon_reason)
        self._put_replies(row, labeled.replies)
        return row

    def _begin(self, result: Result, job: str) -> dict[str, Any]:
        """Return a row with what is known of the task before anybody works on it."""
        row: dict[str, Any] = dict(self.empty)
        task = result.task
        known = {
            "task": task.number,
            "key": task.row_key,
            "state": result.state.value,
            "job": job,
            "job_id": task.job,
            "removed": result.removed or None,
        }
        row.update({key: value for key, value in known.items() if key in self.fixed})
        if self.fields:
            data = task.data
            row.update((key, data.get(name)) for name, key in self.fields.items())
        return row

    def _put_replies(self, row: dict[str, Any], replies: Mapping[str, Reply] | None) -> None:
        # as they are stored: nothing here needs them as objects
        for id, reply in codec.encode_replies(replies or {}).items():
            key = self.questions.get(id)
            # replies to the questions about a region or an option lie in that of the question above
            if key is not None:
                row[key] = extract_value(reply)


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


def name_question_columns(template: Template, fixed: Iterable[str]) -> dict[str, str]:
    """Return the key of each question's column: its title, with its id where that is taken.

    Of questions that share a title all get their ids, so that none looks like the only one.
    """
    titles = [question.title for question in template.asked]
    columns: dict[str, str] = {}
    for question in template.asked:
        key = question.title
        is_taken = titles.count(key) > 1 or key in fixed
        taken = {*fixed, *titles, *columns.values()} - {question.title}
        # again while it is taken: a title may end like another with its id
        while is_taken or key in taken:
            key += f" ({question.id})"
            is_taken = False
        columns[question.id] = key
    return columns


def name_field_columns(fields: Iterable[str], taken: Iterable[str]) -> dict[str, str]:
    """Return the key of each data field's column: its name, with ``(data)`` where that is taken."""
    free = [name for name in fields if name not in taken]
    columns = dict[str, str]()
    for name in fields:
        key = name
        # again while it is taken: a field may be called "task (data)"
        while key in taken or (key != name and (key in free or key in columns.values())):
            key += " (data)"
        columns[name] = key
    return columns


def find_work(result: Result, stage: Stage) -> list[Provenance]:
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


def _summarize_work(
    stage: Stage, entries: list[Provenance], names: Mapping[int, str]
) -> dict[str, Any]:
    """Return who brought a task through *stage*, when, and how long they worked on it."""
    people = (names.get(entry.member or 0) or entry.labeler for entry in entries)
    seconds = round(sum(entry.seconds for entry in entries), 3) if entries else None
    return {
        f"{stage.value}_by": ", ".join(dict.fromkeys(filter(None, people))) or None,
        f"{stage.value}_at": max((entry.at for entry in entries), default=None),
        f"{stage.value}_seconds": seconds,
    }


def _find_answering_stage(result: Result) -> Stage:
    """Return the stage at which the last answer was given: a reviewer may have given another."""
    made, before = Stage.LABEL, None
    for stage, current in result.stages.items():
        if before is not None and (current.member, current.labeler) != before:
            made = stage
        before = (current.member, current.labeler)
    return made


def _describe_model(entries: list[Provenance]) -> dict[str, Any]:
    """Return which model said what a row says, and how sure it was; of several the last one."""
    models = [entry for entry in entries if entry.model or entry.score is not None]
    if not models:
        return {"score": None, "model": None}
    return {"score": models[-1].score, "model": models[-1].model or None}
