"""The default answer that an overdue task gets, as the rule of the LABEL stage has it."""

from __future__ import annotations

from collections.abc import Mapping

import attrs

from itagflow.errors import InvalidData, Problem
from itagflow.labeling.merge_rules import explain_number, find_questions
from itagflow.model.job import Job, Label, Workflow
from itagflow.model.reply import Replies, Reply
from itagflow.model.template import Template
from itagflow.validation.answers import find_problems, normalize_replies


def with_default_replies(workflow: Workflow, template: Template) -> Workflow:
    """Return *workflow* with the default replies by the ids of their questions, if it has some.

    Raises:
        InvalidData: when they are no answer to *template*; it lists every problem.
    """
    given = workflow.label.on_overdue
    if not isinstance(given, Mapping):
        return workflow
    replies = normalize_replies(template, _resolve_questions(given, template))
    problems = find_problems(template, replies)
    if problems:
        placed = [Problem(f"on_overdue, {each.where}", each.reason) for each in problems]
        raise InvalidData("Label", placed)
    label: Label = attrs.evolve(workflow.label, on_overdue=replies)
    rules = (label, workflow.inspect, workflow.accept)
    return Workflow(*(rule for rule in rules if rule is not None))


def explain_default_replies(job: Job, template: Template) -> str:
    """Return why the default replies of *job* are no answer to *template*; empty if they are."""
    replies = job.workflow.label.on_overdue
    if not isinstance(replies, Mapping):
        return ""
    problems = find_problems(template, replies)
    if not problems:
        return ""
    first = problems[0]
    return (
        f"the default answer of overdue tasks does not fit the template: {first.where}: "
        f"{first.reason}"
    )


def _resolve_questions(given: Replies, template: Template) -> dict[str, Reply]:
    by_id: dict[str, Reply] = {}
    problems: list[Problem] = []
    for name, reply in given.items():
        questions = find_questions(name, template)
        problem = explain_number(questions, template)
        if not problem and questions[0].id in by_id:
            problem = "is given by its title and by its id"
        if problem:
            problems.append(Problem(f"on_overdue[{name!r}]", problem))
        else:
            by_id[questions[0].id] = reply
    if problems:
        raise InvalidData("Label", problems)
    return by_id
