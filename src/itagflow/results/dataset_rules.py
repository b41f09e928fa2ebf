"""Several jobs as one: what all of them ask, and what their questions are called."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TypeVar

import attrs

from itagflow.errors import InvalidData, Problem
from itagflow.model.job import Job
from itagflow.model.result import Result, StageResult
from itagflow.model.task import Answer
from itagflow.model.template import COMPARING, Question, Template
from itagflow.results.table_rules import QuestionNames, TableSource, make_difference_error

T = TypeVar("T")
Said = TypeVar("Said", StageResult, Answer)


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
    if not names:
        return result
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
