"""Several jobs of a workspace that are read as one: their tasks, questions and duplicates."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal, cast

import attrs

from itagflow.errors import InvalidData, Problem
from itagflow.model.arguments import make_error, require_mapping
from itagflow.model.job import Job
from itagflow.model.number import is_whole
from itagflow.model.partition import JobPartition
from itagflow.model.text import find_text_error, to_text
from itagflow.model.workspace import Workspace
from itagflow.reprs import show_line

Duplicates = Literal["error", "first", "last", "keep"]
"""What becomes of tasks of several jobs that have the same row key."""

DUPLICATES: tuple[Duplicates, ...] = ("error", "first", "last", "keep")

JobInDataset = Job | int | str | tuple[Workspace | int | str, str] | JobPartition
"""A job or a part of one, as it is given wherever a job is read."""

_WHAT = "Dataset"
_WANTED = "must be a job or a part of one, or several of them in a list"


def _convert_jobs(value: JobInDataset | Sequence[JobInDataset]) -> tuple[JobInDataset, ...]:
    # a tuple is one job, with its workspace: several are a list
    if isinstance(value, list):
        return tuple(value)
    return (cast(JobInDataset, value),)


def _check_jobs(_: object, attribute: "attrs.Attribute[Any]", value: tuple[object, ...]) -> None:
    if not value:
        raise InvalidData(_WHAT, [Problem(attribute.name, "must be at least one")])
    for job in value:
        if not isinstance(job, Job | JobPartition | str | tuple) and not is_whole(job):
            raise make_error(_WHAT, attribute.name, _WANTED, job)


def _convert_questions(
    value: Mapping[int | str, Mapping[str, str | None]],
) -> Mapping[int | str, Mapping[str, str | None]]:
    wanted = "from jobs, by name or key, to mappings of question ids"
    given = require_mapping(_WHAT, "questions", value, wanted)
    converted: dict[int | str, Mapping[str, str | None]] = {}
    for job, questions in given.items():
        named: object = job
        if not isinstance(named, str) and not is_whole(named):
            raise make_error(_WHAT, "questions", "must have names or keys of jobs as keys", named)
        converted[job] = _convert_ids(questions)
    return converted


def _convert_ids(value: Mapping[str, str | None]) -> dict[str, str | None]:
    wanted = "from ids of questions to those of the first job, or to None"
    ids: dict[str, str | None] = {}
    for own, first in require_mapping(_WHAT, "questions", value, wanted).items():
        for id in (own, first):
            given: object = id
            if given is None and id is not own:
                continue
            if not isinstance(given, str) or find_text_error(given):
                raise make_error(_WHAT, "questions", "must have ids of questions as texts", given)
        ids[to_text(own)] = None if first is None else to_text(first)
    return ids


def _check_duplicates(_: object, attribute: "attrs.Attribute[Any]", value: object) -> None:
    if not isinstance(value, str) or value not in DUPLICATES:
        reason = f"must be {', '.join(map(repr, DUPLICATES[:-1]))} or {DUPLICATES[-1]!r}"
        raise make_error(_WHAT, attribute.name, reason, value)


@attrs.frozen
class Dataset:
    """Several jobs of a workspace, or parts of jobs, that are read as one.

    The first job says what is asked: the templates of the others ask the same questions, or
    `questions` says which question is which.  Options that only others have come behind its own.

    >>> import itagflow
    >>> flow = itagflow.open("memory:")
    >>> street = flow.workspaces.create("street", admin="ada")
    >>> cats = itagflow.templates.image_classification(["cat", "dog"], title="Animal")
    >>> for name in ("one", "two"):
    ...     data = [{"data": {"source": "1.jpg"}}]
    ...     _ = flow.jobs.create(
    ...         street, name, template=cats, data=data, row_key="source", by="ada"
    ...     )
    >>> both = itagflow.Dataset(["one", "two"], duplicates="first")
    >>> [(row["job"], row["key"]) for row in flow.results.rows(both)]
    [('one', '1.jpg')]
    """

    jobs: tuple[JobInDataset, ...] = attrs.field(converter=_convert_jobs, validator=_check_jobs)
    """The jobs or parts of jobs, in the order in which their tasks come; a list of them."""
    questions: Mapping[int | str, Mapping[str, str | None]] = attrs.field(
        factory=dict[int | str, Mapping[str, str | None]],
        kw_only=True,
        converter=_convert_questions,
        hash=False,
    )
    """Which question of the first job a question of another one is, where their ids differ.

    By the name or the key of the other job: from the ids of its questions to those of the first
    job, or to None for a question that is left out.  Other questions have the id that they have.
    """
    duplicates: Duplicates = attrs.field(default="error", kw_only=True, validator=_check_duplicates)
    """What becomes of tasks of several jobs with the same row key.

    ``"error"`` refuses them; ``"first"`` and ``"last"`` take that of the first or the last of these
    jobs; ``"keep"`` takes all.  Only tasks that are selected count, and none that was withdrawn.
    """

    def __repr__(self) -> str:
        jobs = [job.name if isinstance(job, Job) else job for job in self.jobs]
        shown = [f"duplicates={self.duplicates!r}"] if self.duplicates != "error" else []
        return show_line(self, ", ".join(map(str, jobs)), *shown)
