"""What a task came out of each stage with, and everyone who worked on it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from typing import Any

from itagflow.model.deferred import make_deferred
from itagflow.model.job import Stage
from itagflow.model.overdue import TIMEOUT
from itagflow.model.package import PASSING, Assignment, AssignmentState, Outcome
from itagflow.model.result import Provenance, Result, StageResult, find_became
from itagflow.model.task import Answer, Task
from itagflow.results.rules import Case, TaskCases, find_skipped, find_votes

_CASE = "_case"
"""Under which name a result keeps the case that its fields follow from."""


def build_result(case: Case, task: Task) -> Result:
    """Return what *task* came out of each stage with, its state, and everyone who worked on it."""
    fields = {name: build(case) for name, build in _FIELDS.items()}
    return Result(task=task, **fields)


def build_results(
    cases: TaskCases, tasks: Iterable[Task], needed: Collection[str]
) -> Iterator[Result]:
    """Yield the same of some *tasks*: fields that are not *needed* are worked out when asked for.

    Who only counts results, or asks each for a field or two, need not wait for all others.  Each is
    built when it is its turn: a page of them would be many objects, through which the garbage
    collector goes again and again.
    """

    def build_field(fields: dict[str, Any], name: str) -> Any:
        build = _FIELDS.get(name)
        if build is None:
            raise AttributeError(f"'Result' object has no attribute {name!r}")
        case = fields.get(_CASE)
        if case is None:
            case = fields[_CASE] = cases.build(fields["task"])
        return build(case)

    builders = [(name, _FIELDS[name]) for name in needed]
    for task in tasks:
        fields: dict[str, Any] = {"task": task, "removed": "", "cursor": ""}
        if builders:
            # taken out: what a result has parsed of an answer ends with it, not with the page
            case = fields[_CASE] = cases.take(task)
            for name, build in builders:
                fields[name] = build(case)
        yield make_deferred(Result, fields, build_field)


def _index_stage_results(case: Case) -> Mapping[Stage, StageResult]:
    """Return a result for LABEL once its round is closed, and for each passed review stage."""
    label = case.find_labeling()
    answer = case.answers.get(label.id) if label else None
    # while a task is labeled again, what it had before is no result
    if label is None or answer is None or case.is_being_labeled:
        return {}
    closing = label if label.outcome is Outcome.TIMEOUT else None
    found = {
        Stage.LABEL: _build_stage_result(Stage.LABEL, answer, label.round, closing, inspected=True)
    }
    reviews = case.job.workflow.stages[1:]
    skipped = find_skipped(case.package, case.task) if reviews else ()
    for stage in reviews:
        answer = case.find_review_answer(stage, label.round) or answer
        # in this round or a later one: earlier reviews were of another answer
        passed = [
            assignment
            for assignment in case.find_completed(stage, label.round)
            if assignment.outcome in PASSING
        ]
        # a package that was not drawn passed the stage without anybody's look at its tasks
        if passed or stage in skipped:
            found[stage] = _build_stage_result(
                stage,
                answer,
                label.round,
                closing,
                inspected=bool(passed) and passed[-1].covers(case.task),
            )
    return found


def _build_stage_result(
    stage: Stage, answer: Answer, round: int, closing: Assignment | None, *, inspected: bool
) -> StageResult:
    """Return what *stage* made of the task; *closing* ended its labeling when it was overdue."""
    return StageResult(
        stage=stage,
        replies=None if answer.is_abandoned else answer.replies,
        abandon_reason=answer.abandon_reason,
        round=round,
        member=answer.member,
        labeler=answer.labeler,
        disputed=answer.disputed,
        kept=answer.kept,
        merge=answer.merge,
        inspected=inspected,
        order={} if answer.is_abandoned else answer.order,
        decided_by=TIMEOUT if is_default_answer(answer, closing) else "",
    )


def is_default_answer(answer: Answer, closing: Assignment | None) -> bool:
    """Return whether nobody gave *answer*: it is the default one of an overdue task."""
    if closing is None or answer.assignment != closing.id:
        return False
    # what somebody had saved, and what votes agree on, is kept with where it comes from
    return answer.picked is None and answer.merge is None


def _build_provenance(case: Case) -> Iterator[Provenance]:
    for assignment in case.assignments:
        if (
            assignment.state is not AssignmentState.DONE
            or assignment.outcome is None
            or assignment.ended_at is None
        ):
            continue
        if assignment.stage is not Stage.LABEL or assignment.covers(case.task):
            answer = case.answers.get(assignment.id)
            yield Provenance(
                stage=assignment.stage,
                round=assignment.round,
                member=assignment.member,
                labeler=assignment.labeler,
                outcome=assignment.outcome,
                purpose=assignment.purpose,
                inspected=assignment.covers(case.task),
                at=assignment.ended_at,
                score=answer.score if answer else None,
                model=answer.model if answer else "",
                model_version=answer.model_version if answer else "",
                seconds=answer.seconds if answer else 0.0,
                guideline_version=assignment.guideline_version,
                template_version=answer.template_version if answer else None,
            )


_FIELDS: Mapping[str, Callable[[Case], Any]] = {
    "state": lambda case: case.state,
    "became": lambda case: find_became(case.package, case.task, case.state),
    "revision": lambda case: case.package.count_revisions(case.task),
    "stages": _index_stage_results,
    "provenance": lambda case: tuple(_build_provenance(case)),
    "votes": find_votes,
}
"""How each field of a result follows from the case of its task."""
