"""Several jobs as one: whether they make one table, what it asks, where a page of it begins."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeGuard, TypeVar, cast

import attrs

from itagflow.errors import InvalidData, NotFound, Problem
from itagflow.model.arguments import make_error
from itagflow.model.job import Job
from itagflow.model.number import is_whole
from itagflow.model.partition import JobPartition
from itagflow.model.result import Result, StageResult
from itagflow.model.task import Answer, Task
from itagflow.model.template import COMPARING, Question, Template

T = TypeVar("T")
Said = TypeVar("Said", StageResult, Answer)
QuestionNames = Mapping[str, str | None]
"""The ids that the questions of a job have in a table, by their own; None for what is left out."""


@attrs.frozen
class TableSource:
    """One of the jobs, or parts of jobs, that a table is made of."""

    job: Job
    """The job."""
    template: Template
    """The template that its tasks are answered with."""
    part: JobPartition
    """The tasks that are meant; for a whole job those that it has when it is asked for."""
    names: QuestionNames = attrs.field(factory=dict[str, str | None])
    """What its questions are called in the table, where that is not their own id."""


def require_one_table(sources: Sequence[TableSource], what: str = "the rows") -> None:
    """Check that *sources* answer the same questions, and that no task is there twice.

    Args:
        sources: The jobs.
        what: What is made of them.

    Raises:
        InvalidData: when they do not; it names the jobs and what differs.
    """
    first, *others = sources
    for index, other in enumerate(others, 1):
        if other.job.workspace != first.job.workspace:
            reason = "are in two workspaces: read each by itself"
            raise make_difference_error(first, other, what, reason)
        _require_same_questions(first, other, what)
        for before in sources[:index]:
            if _overlap(before.part, other.part):
                reason = f"{other.job.name!r} is there twice"
                raise InvalidData(what, [Problem("job", reason)])


def _require_same_questions(first: TableSource, other: TableSource, what: str) -> None:
    if other.names:
        _require_named_questions(first, other, what)
        return
    ours, theirs = _describe_questions(first.template), _describe_questions(other.template)
    if ours != theirs:
        reason = (
            f"ask different questions, {ours} and {theirs}: "
            "read each by itself, or pass a Dataset that says which question is which"
        )
        raise make_difference_error(first, other, what, reason)


def _require_named_questions(first: TableSource, other: TableSource, what: str) -> None:
    """Check that each question of *other* is one of the first job, or left out."""
    asked = other.template.asked
    own = {question.id for question in asked}
    if unknown := [id for id in other.names if id not in own]:
        reason = f"job {other.job.name!r} does not ask {', '.join(map(repr, unknown))}"
        raise InvalidData("Dataset", [Problem("questions", reason)])
    found = set[str]()
    for question in asked:
        name = other.names.get(question.id, question.id)
        if name is None:
            continue
        if name in found:
            reason = f"question {name!r} is two of job {other.job.name!r}"
            raise InvalidData("Dataset", [Problem("questions", reason)])
        found.add(name)
        ours = first.template.question(name)
        if ours is None or not _is_same(ours, question, is_named=question.id in other.names):
            reason = f"do not agree: {_describe(question)} is {_describe(ours)} of the first"
            raise make_difference_error(first, other, what, f"{reason}; None leaves it out")


def _describe(question: Question | None) -> str:
    if question is None:
        return "no question"
    return f"question {question.id!r}, {question.title!r} ({question.kind.value}),"


def _is_same(ours: Question, theirs: Question, *, is_named: bool) -> bool:
    """Return whether two questions are one: what somebody names so may have another title."""
    return ours.kind is theirs.kind and (is_named or ours.title == theirs.title)


def make_difference_error(
    first: TableSource, other: TableSource, what: str, reason: str
) -> InvalidData:
    """Return the error for two jobs that do not make one table."""
    named = f"{first.job.name!r} and {other.job.name!r} {reason}"
    return InvalidData(what, [Problem("job", named)])


def _describe_questions(template: Template) -> list[str]:
    """Return what decides about the columns of a template's questions: their ids and titles."""
    return [
        f"{question.id} {question.title} ({question.kind.value})" for question in template.asked
    ]


def _overlap(one: JobPartition, other: JobPartition) -> bool:
    return one.job == other.job and one.first <= other.last and other.first <= one.last


def find_source(sources: Sequence[TableSource], after: Any) -> int:
    """Return which of *sources* a page goes on in that begins behind *after*.

    Raises:
        NotFound: when it belongs to none of them.
        InvalidData: when it does not say to which of several it belongs.
    """
    if len(sources) == 1 or after is None:
        return 0
    job, number = _get_place(after.task if isinstance(after, Result) else after)
    for index, source in enumerate(sources):
        is_same_job = job in (source.job.id, source.job.name, source.job)
        if is_same_job and source.part.first <= number <= source.part.last:
            return index
    raise NotFound("Task", (job, number))


def _get_place(task: object) -> tuple[Any, int]:
    """Return the job and the number of a task that is given as such, as a row or as both.

    Raises:
        InvalidData: when the job is not said, or the number is none.
    """
    given: Any = task
    job, number = None, None
    if isinstance(task, Task):
        job, number = task.job, task.number
    elif isinstance(task, Mapping):
        row = cast("Mapping[str, Any]", task)
        job, number = row.get("job"), row.get("task")
    elif _is_pair(task):
        job, number = task
    if job is None or not is_whole(number):
        reason = "must say which job it is of: a row, a Result, or (job, number)"
        raise make_error("the rows", "after", reason, given)
    return job, number


def _is_pair(value: object) -> TypeGuard[tuple[Any, Any]]:
    return isinstance(value, tuple) and len(cast("tuple[object, ...]", value)) == 2


def find_names(
    questions: Mapping[int | str, QuestionNames], jobs: Sequence[Job]
) -> list[QuestionNames]:
    """Return what the questions of each of *jobs* are called in a dataset.

    Args:
        questions: What some of them are called, as `Dataset` has it.
        jobs: The jobs.

    Raises:
        InvalidData: when names are given for a job that is not among them, or for the first one,
            which says what is asked.
    """
    known = [key for job in jobs for key in (job.name, job.id)]
    for key in questions:
        if key not in known:
            reason = f"names {key!r}, which is none of its jobs: give its name or its key"
            raise InvalidData("Dataset", [Problem("questions", reason)])
        if key in (jobs[0].name, jobs[0].id):
            reason = f"names {key!r}, the first job: its questions are those of the data set"
            raise InvalidData("Dataset", [Problem("questions", reason)])
    return [{**questions.get(job.name, {}), **questions.get(job.id, {})} for job in jobs]


def combine_templates(sources: Sequence[TableSource]) -> Template:
    """Return what all of *sources*, which make one table, ask: the first template with all options.

    Options that only others have come behind those of the first, in the order of the jobs: so a job
    that is added behind the others changes the number of no class.

    Raises:
        InvalidData: when two jobs ask for different things by the same question.
    """
    first, *others = sources
    template = first.template
    for other in others:
        if other.template == first.template:
            continue
        theirs = {
            other.names.get(question.id, question.id): question for question in other.template.asked
        }
        for question in template.asked:
            if question.id in theirs:
                _require_same(first, other, question, theirs[question.id])
        questions = tuple(_add_options(question, theirs) for question in template.questions)
        template = attrs.evolve(template, questions=questions)
    return template


def _require_same(first: TableSource, other: TableSource, ours: Question, theirs: Question) -> None:
    """Check that replies to *theirs* can be replies to *ours*."""
    for what, one, another in (
        ("the same parts", _describe_parts(ours.children), _describe_parts(theirs.children)),
        ("the same relations", _describe_parts(ours.relations), _describe_parts(theirs.relations)),
        ("the same keypoints", ours.keypoints, theirs.keypoints),
        ("the same scale", ours.scale, theirs.scale),
        ("the same options", _find_compared(ours), _find_compared(theirs)),
    ):
        if one != another:
            reason = f"do not ask for {what} by {ours.title!r}: export each by itself"
            raise make_difference_error(first, other, "the export", reason)


def _describe_parts(questions: Iterable[Question]) -> list[tuple[str, str]]:
    """Return the titles and kinds of what is asked about parts of the data."""
    return sorted(
        (question.title, question.kind.value) for top in questions for question in top.every
    )


def _find_compared(question: Question) -> frozenset[str]:
    """Return the options that a reply has to rank or to compare: it has all of them."""
    return question.keys if question.kind in COMPARING else frozenset()


def _add_options(question: Question, theirs: Mapping[str | None, Question]) -> Question:
    """Return *question* with the options of the one that has its id, and so on inside it."""
    children = question.children
    other = theirs.get(question.id)
    if question.dependents:
        children = tuple(_add_options(child, theirs) for child in children)
    elif other is not None:
        children = tuple(_add_by_title(child, other.children) for child in children)
    if other is None:
        return attrs.evolve(question, children=children)
    return attrs.evolve(_extend(question, other), children=children)


def _add_by_title(question: Question, theirs: Iterable[Question]) -> Question:
    """Return a question about parts with the options of the one of *theirs* with its title."""
    every = {each.title: each for top in theirs for each in top.every}
    children = tuple(_add_by_title(child, theirs) for child in question.children)
    extended = _extend(question, every[question.title])
    return attrs.evolve(extended, children=children)


def _extend(question: Question, other: Question) -> Question:
    every = [option for top in other.options for option in top.every]
    new = [attrs.evolve(option, children=()) for option in every if option.key not in question.keys]
    return attrs.evolve(question, options=(*question.options, *new))


def rename_questions(result: Result, names: QuestionNames) -> Result:
    """Return *result* with the names that its questions have in a dataset."""
    return attrs.evolve(
        result,
        stages={stage: _rename(each, names) for stage, each in result.stages.items()},
        votes=tuple(_rename(vote, names) for vote in result.votes),
    )


def _rename(said: Said, names: QuestionNames) -> Said:
    merge = said.merge
    if merge is not None:
        merge = attrs.evolve(merge, questions=_rename_keys(merge.questions, names))
    replies = None if said.replies is None else _rename_keys(said.replies, names)
    return attrs.evolve(
        said,
        replies=replies,
        merge=merge,
        order=_rename_keys(said.order, names),
        disputed=tuple(_rename_keys(dict.fromkeys(said.disputed), names)),
        kept=tuple(_rename_keys(dict.fromkeys(said.kept), names)),
    )


def _rename_keys(given: Mapping[str, T], names: QuestionNames) -> dict[str, T]:
    renamed = ((names.get(id, id), value) for id, value in given.items())
    return {id: value for id, value in renamed if id is not None}
