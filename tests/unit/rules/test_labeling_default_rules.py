"""The default answer of overdue tasks: resolved to ids, and checked against the template."""

from __future__ import annotations

from typing import Any

import pytest

from itagflow import Choice, Inspect, InvalidData, Label, Text, Workflow
from itagflow.labeling import default_rules
from itagflow.model import OnOverdue
from itagflow.testing.builders import make_job, make_template

TEMPLATE = make_template()
TITLE = TEMPLATE.asked[0].title


def resolve(replies: Any) -> Any:
    workflow = Workflow(Label(on_overdue=replies), Inspect())
    return default_rules.with_default_replies(workflow, TEMPLATE).label.on_overdue


def test_questions_may_be_named_by_title_or_id() -> None:
    assert resolve({TITLE: Choice("cat")}) == resolve({"1": Choice("cat")}) == {"1": Choice("cat")}


def test_other_rules_stay_as_they_are() -> None:
    assert resolve("notify") is OnOverdue.NOTIFY
    assert resolve(None) is None


@pytest.mark.parametrize(
    ("replies", "said"),
    [
        ({"9": Choice("cat")}, "no such question"),
        ({"1": Choice("cow")}, "cow"),
        ({"1": Text("cat")}, "needs a Choice"),
        ({"1": Choice("cat"), TITLE: Choice("dog")}, "by its title and by its id"),
    ],
)
def test_what_is_no_answer_is_refused(replies: Any, said: str) -> None:
    with pytest.raises(InvalidData, match=said):
        resolve(replies)


def test_a_job_whose_template_has_changed_says_what_does_not_fit() -> None:
    fits = make_job(workflow=Workflow(Label(on_overdue={"1": Choice("cat")})))
    other = make_job(workflow=Workflow(Label(on_overdue={"1": Choice("cow")})))
    assert default_rules.explain_default_replies(fits, TEMPLATE) == ""
    assert default_rules.explain_default_replies(make_job(), TEMPLATE) == ""
    said = default_rules.explain_default_replies(other, TEMPLATE)
    assert said.startswith("the default answer of overdue tasks does not fit the template: 1:")
