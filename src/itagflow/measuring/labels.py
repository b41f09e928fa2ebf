"""Labels of jobs, by question, and what is found from them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import attrs

from itagflow.core.counted import Wrap
from itagflow.core.engine import Engine
from itagflow.core.lookup import JobRef, MemberRef
from itagflow.formats._columns import name_question_columns
from itagflow.measuring.label_rules import find_labels, name_hidden, to_label_value
from itagflow.measuring.position_rules import Chosen, find_chosen
from itagflow.measuring.reading import (
    begin_steps,
    find_jobs,
    is_one_job,
    iter_packages,
    read_members,
)
from itagflow.model.job import Job
from itagflow.model.reply import Reply
from itagflow.model.task import Answer
from itagflow.model.template import Template
from itagflow.quality import aggregation, describing
from itagflow.quality._numpy import require_numpy
from itagflow.quality.labels import LabelRow
from itagflow.quality.values import PositionBias, QuestionAgreement, Truth

Jobs = JobRef | Sequence[JobRef]
"""A job, or several in a list."""


@attrs.frozen
class LabelTerms:
    """Whose labels are read, and by whom."""

    name: str
    """The operation, such as ``quality.labels``."""
    extra_votes: bool = True
    """Whether votes that were asked for later count, too."""
    by: MemberRef | None = None
    """Who reads."""
    progress: Wrap | None = None
    """Shows the packages that are read."""


def collect_labels(engine: Engine, jobs: Jobs, terms: LabelTerms) -> dict[str, list[LabelRow]]:
    """Return the labels of one job or several, by question: (task, member, value)."""
    is_one = is_one_job(jobs)
    found = dict[str, list[tuple[Any, int | str, Reply]]]()
    for job, template, answers in _iter_answers(engine, jobs, terms):
        titles = name_question_columns(template, fixed=())
        for title in titles.values():
            found.setdefault(title, [])
        for answer in answers:
            task = answer.task if is_one else (job.id, answer.task)
            member = answer.member or name_hidden(answer, job.name)
            for id, title in titles.items():
                reply = (answer.replies or {}).get(id)
                if reply is not None:
                    found[title].append((task, member, reply))
    members = {member for rows in found.values() for _, member, _ in rows}
    known = read_members(engine, (each for each in members if isinstance(each, int)))
    return {
        title: [
            (
                task,
                known[member].account if isinstance(member, int) else member,
                to_label_value(reply),
            )
            for task, member, reply in rows
        ]
        for title, rows in found.items()
    }


def _iter_answers(
    engine: Engine, jobs: Jobs, terms: LabelTerms
) -> Iterator[tuple[Job, Template, list[Answer]]]:
    """Yield each job with its template and the answers that are labels."""
    found = find_jobs(engine, terms.name, jobs, terms.by)
    steps = begin_steps(engine, (job for job, _ in found), terms.progress)
    for job, template in found:
        answers = [
            answer
            for work in iter_packages(engine, terms.name, job, terms.by, steps)
            for case in work.cases
            for answer in find_labels(case, extra_votes=terms.extra_votes)
        ]
        yield job, template, answers
    steps.end()


def measure_positions(engine: Engine, jobs: Jobs, terms: LabelTerms) -> Mapping[str, PositionBias]:
    """Return, for each question that shuffles its options, whether their position decides."""
    found = dict[str, list[Chosen]]()
    for _, template, answers in _iter_answers(engine, jobs, terms):
        titles = name_question_columns(template, fixed=())
        for question in template.shuffled:
            found.setdefault(titles[question.id], [])
        for answer in answers:
            for question in template.shuffled:
                chosen = find_chosen(question, answer)
                if chosen is not None:
                    found[titles[question.id]].append(chosen)
    return {title: aggregation.position_bias(choices) for title, choices in found.items()}


def measure_agreement(
    engine: Engine, jobs: Jobs, terms: LabelTerms, *, bootstrap: int, seed: int
) -> Mapping[str, QuestionAgreement]:
    """Return how far members agree on each question of one job or several."""
    require_numpy(terms.name)
    labels = collect_labels(engine, jobs, terms)
    return {
        title: describing.describe_agreement(rows, bootstrap=bootstrap, seed=seed)
        for title, rows in labels.items()
    }


def estimate_truth(engine: Engine, jobs: Jobs, terms: LabelTerms) -> Mapping[str, Truth]:
    """Return the most probable value of each task for each question that has values."""
    require_numpy(terms.name)
    labels = collect_labels(engine, jobs, terms)
    return {
        title: aggregation.truth(rows)
        for title, rows in labels.items()
        if not describing.are_marks(rows)
    }
