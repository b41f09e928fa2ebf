"""Finished work from elsewhere: each stage's results as an assignment that ended with them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import attrs

from itagflow.errors import Problem
from itagflow.labeling import rules as labeling_rules
from itagflow.lifecycle.tables import get_package_lifecycle
from itagflow.model.change import Context
from itagflow.model.job import Job, Stage
from itagflow.model.package import Assignment, Outcome, Package
from itagflow.model.reply import Replies
from itagflow.model.result import NOT_IMPORTED
from itagflow.model.span import Spans
from itagflow.model.task import Answer, Task, Verdict
from itagflow.prelabels.rules import make_memberless_assignment
from itagflow.results.outcome_rules import describe_end
from itagflow.results.rules import Case, sort_assignments, with_counts
from itagflow.reviewing.rules import find_abandoned

OUTCOME = {
    Stage.LABEL: Outcome.IMPORTED,
    Stage.INSPECT: Outcome.REVIEWED,
    Stage.ACCEPT: Outcome.ACCEPTED,
}
"""How the assignment that holds a stage's results has ended."""
MISSING = "no result was imported"
"""Why a task without a result is abandoned: its job is finished, so nobody works on it."""


@attrs.frozen(kw_only=True)
class ImportedTask:
    """A task with the replies at the stages that it has a result of."""

    task: Task
    results: Mapping[Stage, Replies]
    is_bad: bool
    """Whether its row has a result that does not fit the template: then none is imported."""


@attrs.frozen
class ImportedPackage:
    """A package as it is when all of its results are imported."""

    package: Package
    assignments: tuple[Assignment, ...]
    """One for each stage, ended with the results."""
    answers: tuple[Answer, ...]
    became: str
    """What became of its tasks, as an event stores it."""


def import_package(
    job: Job,
    package: Package,
    tasks: Sequence[ImportedTask],
    ctx: Context,
    ids: Sequence[int],
    *,
    template_version: int,
) -> ImportedPackage:
    """Return *package* as it is with the results of all its *tasks*.

    *ids* names an assignment for each stage; the results answer the template of this version.
    """
    stages = job.workflow.stages
    assignments = tuple(
        make_memberless_assignment(package, stage, OUTCOME[stage], None, ctx, id)
        for stage, id in zip(stages, ids, strict=True)
    )
    answers = {
        imported.task.number: _make_answers(assignments, imported, ctx, template_version)
        for imported in tasks
    }
    # through every stage by the same table as work that was done here
    lifecycle, state = get_package_lifecycle(job.workflow), package.state
    for _ in stages:
        state = lifecycle.advance(state, "pass", entity=str(package))
    done = attrs.evolve(package, state=state, free=0, waiting_since=ctx.at)
    in_order = sort_assignments(assignments)
    cases = [
        Case(job, done, in_order, {answer.assignment: answer for answer in of_task}, number)
        for number, of_task in answers.items()
    ]
    return ImportedPackage(
        with_counts(done, cases),
        assignments,
        tuple(answer for of_task in answers.values() for answer in of_task),
        describe_end(package, done, tuple(answers), find_abandoned(cases)),
    )


def _make_answers(
    assignments: Sequence[Assignment], imported: ImportedTask, ctx: Context, version: int
) -> list[Answer]:
    """Return the answers to a task, in the order of the stages."""
    task, results = imported.task, imported.results
    made: list[Answer] = []
    previous: Replies | None = None
    for assignment in assignments:
        replies = results.get(assignment.stage)
        if assignment.stage is Stage.LABEL:
            reason: str | None = None
            if imported.is_bad:
                reason = NOT_IMPORTED
            elif replies is None:
                reason = MISSING
            made.append(
                labeling_rules.make_answer(
                    assignment,
                    task.number,
                    ctx,
                    replies=replies,
                    abandoned=reason,
                    template_version=version,
                )
            )
        elif replies is not None and replies != previous:
            # A review that says the same says nothing: only what the reviewer changed is an answer,
            # as it is in work that was done here.
            made.append(
                labeling_rules.make_answer(
                    assignment,
                    task.number,
                    ctx,
                    replies=replies,
                    verdict=Verdict.RIGHT,
                    template_version=version,
                )
            )
        if replies is not None:
            previous = replies
    return made


def find_missing_texts(replies: Replies) -> list[Problem]:
    """Return the spans whose text is not known: neither the file nor the data has it."""
    reason = "is missing, and so is the text in the data that it could be taken from"
    return [
        Problem(f"{id}.spans[{index}].text", reason)
        for id, reply in replies.items()
        if isinstance(reply, Spans)
        for index, span in enumerate(reply.spans)
        if not span.text
    ]
