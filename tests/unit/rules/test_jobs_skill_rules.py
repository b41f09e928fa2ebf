"""What a job must be like whose work requires skills."""

from __future__ import annotations

import attrs
import pytest

from itagflow import (
    Accept,
    Field,
    FixedSize,
    GroupByField,
    Inspect,
    InvalidData,
    Job,
    Label,
    PackageCount,
    Stage,
    Workflow,
)
from itagflow.jobs import skill_rules
from itagflow.model.packaging import Packaging
from itagflow.testing import make_job, make_member

LANG = Field("lang", skill="lang:{}")
PLAIN, SKILLED = Workflow(Inspect()), Workflow(Label(requires=LANG), Inspect())


def job_with(workflow: Workflow, packaging: Packaging | None = None) -> Job:
    return attrs.evolve(make_job(), workflow=workflow, packaging=packaging or FixedSize(1))


def test_the_field_is_that_of_any_stage() -> None:
    assert skill_rules.find_skill_field(PLAIN) == ""
    assert skill_rules.find_skill_field(SKILLED) == "lang"
    assert skill_rules.find_skill_field(Workflow(Accept(requires=LANG))) == "lang"


@pytest.mark.parametrize("packaging", [FixedSize(1), GroupByField("lang", max_size=9)])
def test_packages_of_one_value(packaging: Packaging) -> None:
    skill_rules.require_whole_values(SKILLED, packaging)


@pytest.mark.parametrize("packaging", [FixedSize(2), GroupByField("source"), PackageCount(3)])
def test_packages_that_could_mix_values(packaging: Packaging) -> None:
    skill_rules.require_whole_values(PLAIN, packaging)
    with pytest.raises(InvalidData, match="packaging: must be GroupByField"):
        skill_rules.require_whole_values(SKILLED, packaging)


def test_the_field_stays() -> None:
    other = Workflow(Label(requires=Field("source", skill="{}")), Inspect())
    better = Workflow(Label(requires=attrs.evolve(LANG, least=3)), Inspect(requires=LANG))
    skill_rules.require_same_field(SKILLED, better)
    skill_rules.require_same_field(SKILLED, PLAIN)
    skill_rules.require_same_field(PLAIN, PLAIN)
    with pytest.raises(InvalidData, match="must be of the field 'lang', as before"):
        skill_rules.require_same_field(SKILLED, other)
    with pytest.raises(InvalidData, match="cannot be given to a job that exists"):
        skill_rules.require_same_field(PLAIN, SKILLED)


def test_which_value_a_package_has() -> None:
    assert skill_rules.find_value_field(job_with(PLAIN)) == ""
    assert skill_rules.find_value_field(job_with(PLAIN, GroupByField("camera"))) == "camera"
    assert skill_rules.find_value_field(job_with(SKILLED)) == "lang"


@pytest.mark.parametrize(
    ("value", "expected"), [("de", '"de"'), (7, "7"), ("7", '"7"'), ("e\u0301", '"\u00e9"')]
)
def test_values_that_name_a_skill(value: object, expected: str) -> None:
    assert skill_rules.format_package_value(job_with(SKILLED), value) == (expected, None)


@pytest.mark.parametrize("value", [None, True, 1.5, [], "", " ", "a\nb"])
def test_values_that_name_none(value: object) -> None:
    text, wrong = skill_rules.format_package_value(job_with(SKILLED), value)
    assert text == ""
    assert wrong
    assert skill_rules.format_package_value(job_with(PLAIN), value)[1] is None


def test_skills_that_too_few_have() -> None:
    ben = attrs.evolve(make_member(), id=2, skills={"lang:de": 1, "lang:7": 1})
    cy = attrs.evolve(make_member(), id=3, skills={"lang:de": 1, "lang:fr": 1})
    crews = {Stage.LABEL: {2}, Stage.INSPECT: {3}}

    def find(job: Job, **values: int) -> str:
        by_value = {f'"{value}"': number for value, number in values.items()}
        return skill_rules.find_missing_skills(job, crews, [ben, cy], by_value)

    job = job_with(SKILLED)
    assert find(job, de=3) == ""
    assert find(job) == ""
    assert find(job, fr=3, de=1).startswith(
        "nobody of those who may label can do what 3 packages need: the skill lang:fr; see"
    )
    reviewed = job_with(Workflow(Label(requires=LANG), Inspect(requires=LANG)))
    assert "may inspect" in skill_rules.find_missing_skills(reviewed, crews, [ben, cy], {"7": 1})
    votes = job_with(Workflow(Label(votes=2, requires=attrs.evolve(LANG, least=1)), Inspect()))
    sentence = find(votes, de=1, fr=2)
    assert sentence.startswith("fewer than 2 of those who may label can do what 3 packages need:")
    assert "the skills lang:fr (2), lang:de (1), at least 1; see" in sentence
    assert find(job_with(PLAIN), fr=1) == ""
