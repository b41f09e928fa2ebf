"""What a job must be like whose work requires skills, and which of them nobody has."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from itagflow.errors import InvalidData, Problem
from itagflow.jsontext import standard
from itagflow.model.job import Job, Stage, Workflow
from itagflow.model.packaging import FixedSize, GroupByField, Packaging
from itagflow.model.skills import count_by_skill, find_value_error, list_skills, list_values
from itagflow.model.text import normalize_name
from itagflow.model.workspace import Member
from itagflow.printing import format_count, format_repr


def find_skill_field(workflow: Workflow) -> str:
    """Return the name of the field that names skills, or an empty text; each stage has the same."""
    for stage in workflow.stages:
        requires = workflow.rule(stage).requires
        if requires is not None:
            return requires.name
    return ""


def require_whole_values(workflow: Workflow, packaging: Packaging) -> None:
    """Check that each package of a job with skills has one value of the field that names them.

    Raises:
        InvalidData: when packages could mix values.
    """
    field = find_skill_field(workflow)
    if not field or packaging == FixedSize(1):
        return
    if isinstance(packaging, GroupByField) and packaging.field == field:
        return
    reason = (
        f"must be GroupByField({field!r}) or FixedSize(1), since the skill for a package is named "
        f"by the value of {format_repr(field)}, of which it can have one"
    )
    raise InvalidData("job", [Problem("packaging", reason)])


def require_same_field(before: Workflow, after: Workflow) -> None:
    """Check that a workflow finds the names of skills where the packages have them.

    Raises:
        InvalidData: when it has another field, or has one where there was none.
    """
    known, wanted = find_skill_field(before), find_skill_field(after)
    if not wanted or wanted == known:
        return  # without one no skill is asked for any more, of whatever package
    reason = f"must be of the field {format_repr(known)}, as before: packages have its value"
    if not known:
        reason = "cannot be given to a job that exists: its packages do not have the value"
    raise InvalidData("the workflow", [Problem("requires", reason)])


def find_value_field(job: Job) -> str:
    """Return the field whose value each package of *job* has, or an empty text."""
    if isinstance(job.packaging, GroupByField):
        return job.packaging.field
    return find_skill_field(job.workflow)


def format_package_value(job: Job, value: Any) -> tuple[str, str | None]:
    """Return the *value* of a row as its package has it, as JSON, and what is wrong with it.

    As JSON, so that 1 and "1" are two values.
    """
    if not find_skill_field(job.workflow):
        return standard.dumps(value), None
    if wrong := find_value_error(value):
        return "", wrong
    # names are compared in one form, and the queue is searched by what is stored
    return standard.dumps(normalize_name(value) if isinstance(value, str) else value), None


def find_missing_skills(
    job: Job,
    crews: Mapping[Stage, Collection[int]],
    members: Iterable[Member],
    values: Mapping[str, int],
) -> str:
    """Return which skills too few of those have who work on *job*, or an empty text.

    Args:
        job: The job.
        crews: The keys of the members of each stage.
        members: The members of its workspace.
        values: How many packages have each value.
    """
    known = list(members)
    for stage in job.workflow.stages:
        requires = job.workflow.rule(stage).requires
        if requires is None:
            continue
        needed = job.workflow.label.votes if stage is Stage.LABEL else 1
        able = [set(list_values(requires, m.skills)) for m in known if m.id in crews[stage]]
        lacking = {
            value: packages
            for value, packages in values.items()
            if value and sum(value in theirs for theirs in able) < needed
        }
        if lacking:
            missing = count_by_skill(requires, lacking)
            least = "" if requires.least is None else f", at least {requires.least:g}"
            who = "nobody" if needed == 1 else f"fewer than {needed}"
            number = format_count(sum(missing.values()), "package")
            return (
                f"{who} of those who may {stage.value} can do what {number} need: "
                f"{list_skills(missing)}{least}; see members.set_skills"
            )
    return ""
