"""What rules about answers decide on, put together by hand."""

from __future__ import annotations

from typing import Any

from itagflow import Answer, Inspect, Label, Workflow
from itagflow.labeling.rules import AnswerFacts
from itagflow.model.change import Context
from itagflow.testing import AT, make_assignment, make_job, make_task, make_template

CTX = Context(AT, 1, 2)
"""Member 2 acts."""


def facts_of(*answers: Answer | None, **fields: Any) -> AnswerFacts:
    """Return what a rule decides on for tasks 1, 2, … with these stored answers."""
    defaults: dict[str, Any] = {
        "job": make_job(workflow=Workflow(Label(lease=None), Inspect())),
        "template": make_template(version=3),
        "assignment": make_assignment(),
        "ctx": CTX,
        "tasks": [make_task(number) for number in range(1, len(answers) + 1)],
        "answers": answers,
        "previous": {str(old.task): f"was {old.task}" for old in answers if old},
    }
    return AnswerFacts(**{**defaults, **fields})
