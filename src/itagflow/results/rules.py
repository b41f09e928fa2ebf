"""What the answers about one task come to: its state, its result at each stage, and who made it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

import attrs

from itagflow.model.job import Job, Stage
from itagflow.model.package import (
    PASSING,
    Assignment,
    AssignmentState,
    Outcome,
    Package,
    PackageState,
)
from itagflow.model.result import Provenance, Result, StageResult
from itagflow.model.task import (
    Answer,
    Task,
    TaskState,
    WorkItem,
)

GIVEN = frozenset({Outcome.PRELABELED, Outcome.SUGGESTED})
"""The outcomes of the assignments that hold pre-labels."""


@attrs.frozen
class Case:
    """One task with everything that was ever said about it."""

    job: Job
    """The job."""
    package: Package
    """The task's package."""
    assignments: Sequence[Assignment]
    """Every assignment of the package, by round, then by id."""
    answers: Mapping[int, Answer]
    """The answers about this task by the id of their assignment."""
    task: int
    """The number of the task."""

    def done(self, stage: Stage, since: int = 0) -> list[Assignment]:
        """Return the assignments at *stage* that ended with their work, in this round or later."""
        return [
            t
            for t in self.assignments
            if t.stage is stage and t.state is AssignmentState.DONE and t.round >= since
        ]

    def labeled(self) -> Assignment | None:
        """Return the assignment that closed the last labeling of this task, or None."""
        assignments = [
            t for t in self.done(Stage.LABEL) if t.outcome in self.closing and t.covers(self.task)
        ]
        return assignments[-1] if assignments else None

    @property
    def closing(self) -> tuple[Outcome, ...]:
        """The outcomes of the assignments that close the labeling of a task."""
        by_people = Outcome.MERGED if self.job.workflow.label.votes > 1 else Outcome.SUBMITTED
        return (by_people, Outcome.PRELABELED, Outcome.IMPORTED)

    @property
    def prelabel(self) -> Answer | None:
        """The pre-label of this task, if it has one."""
        given = [
            self.answers[t.id]
            for t in self.assignments
            if t.outcome in GIVEN and t.id in self.answers
        ]
        return given[-1] if given else None

    @property
    def being_labeled(self) -> bool:
        """Whether the task is in the scope of a labeling that is not yet closed."""
        package = self.package
        return package.state is PackageState.LABEL and (
            package.scope is None or self.task in package.scope
        )

    @property
    def being_voted_on(self) -> bool:
        """Whether the task is in the scope of a labeling whose votes are not merged yet."""
        return self.being_labeled and self.job.workflow.label.votes > 1

    def own(self, stage: Stage, since: int) -> Answer | None:
        """Return the last answer that reviewers at *stage* gave themselves, since that round."""
        for assignment in reversed(self.done(stage, since)):
            answer = self.answers.get(assignment.id)
            if answer is not None and answer.is_resolved:
                return answer
        return None


def sort_assignments(assignments: Sequence[Assignment]) -> list[Assignment]:
    """Return *assignments* in the order in which they matter: by round, then by id."""
    return sorted(assignments, key=lambda assignment: (assignment.round, assignment.id))


def cases_in(
    job: Job,
    package: Package,
    assignments: Sequence[Assignment],
    answers: Mapping[int, Mapping[int, Answer]],
) -> list[Case]:
    """Return the case of each task of *package* in *answers*: by task, then by assignment."""
    ordered = sort_assignments(assignments)
    return [Case(job, package, ordered, by_id, task) for task, by_id in answers.items()]


def shown_at(case: Case, stage: Stage) -> Answer | None:
    """Return what *stage* is to judge, or LABEL to do again; None for a first labeling."""
    label = case.labeled()
    if label is None:
        return None
    answer = case.answers.get(label.id)
    for review in case.job.workflow.stages[1:]:
        answer = case.own(review, label.round) or answer
        if review is stage:
            break
    return answer


def result(case: Case, task: Task) -> Result:
    """Return what *task* came out of each stage with, its state, and everyone who worked on it."""
    return Result(
        task=task,
        state=state(case),
        stages={made.stage: made for made in _stage_results(case)},
        provenance=tuple(_provenance(case)),
    )


def _stage_results(case: Case) -> Iterator[StageResult]:
    """Yield a result for LABEL once its round is closed, and for each passed review stage."""
    label = case.labeled()
    answer = case.answers.get(label.id) if label else None
    if label is None or answer is None or case.being_labeled:
        return
    yield _stage_result(Stage.LABEL, answer, label.round, inspected=True)
    for stage in case.job.workflow.stages[1:]:
        answer = case.own(stage, label.round) or answer
        passed = [
            assignment
            for assignment in case.done(stage, label.round)
            if assignment.outcome in PASSING
        ]
        if passed:
            yield _stage_result(stage, answer, label.round, inspected=passed[-1].covers(case.task))


def _stage_result(stage: Stage, answer: Answer, round: int, *, inspected: bool) -> StageResult:
    return StageResult(
        stage=stage,
        replies=None if answer.is_abandoned else answer.replies,
        abandon_reason=answer.abandon_reason,
        round=round,
        member=answer.member,
        disputed=answer.disputed,
        inspected=inspected,
    )


def _provenance(case: Case) -> Iterator[Provenance]:
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
                outcome=assignment.outcome,
                inspected=assignment.covers(case.task),
                at=assignment.ended_at,
                score=answer.score if answer else None,
                model=answer.model if answer else "",
            )


def counted(package: Package, cases: Iterable[Case]) -> Package:
    """Return *package* with the counts of its abandoned, wrong and corrected tasks.

    Votes count once they are merged: before that, counts that anybody may see would tell what they
    say.
    """
    found = [(state(case, live=False), corrected(case)) for case in cases]
    states = [state for state, _ in found]
    return attrs.evolve(
        package,
        abandoned=states.count(TaskState.ABANDONED),
        wrong=states.count(TaskState.WRONG),
        corrected=sum(changed for _, changed in found),
    )


def corrected(case: Case) -> bool:
    """Return whether the task has a pre-label, and people have given it another answer."""
    before, now = case.prelabel, _present_answer(case, live=False)
    return (
        before is not None
        and now is not None
        and not now.is_abandoned
        and now.replies != before.replies
    )


def state(case: Case, *, live: bool = True) -> TaskState:
    """Return how far the task is; *live* includes held assignments and votes not yet merged."""
    wrong, _ = judged_wrong(case, live=live)
    if wrong:
        return TaskState.WRONG
    answer = _present_answer(case, live=live)
    if answer is None:
        return TaskState.TODO
    if answer.is_abandoned:
        return TaskState.ABANDONED
    if case.package.state is PackageState.DONE:
        return TaskState.FINAL
    passed = any(
        assignment.outcome in PASSING and assignment.round >= answer.round
        for assignment in case.assignments
    )
    return TaskState.PASSED if passed else TaskState.ANSWERED


def _present_answer(case: Case, *, live: bool) -> Answer | None:
    """Return the current answer to the task: the newest of its labeling, or a reviewer's."""
    label = case.labeled()
    since = case.package.round if case.being_labeled else (label.round if label else 0)
    outcomes = case.closing if label else (Outcome.SUBMITTED,)
    present = None
    for assignment, answer in _said(case, live=live):
        if assignment.round < since or not answer.is_resolved:
            continue
        if (
            assignment.stage is not Stage.LABEL
            or case.being_labeled
            or assignment.outcome in outcomes
        ):
            present = answer
    return present


def judged_wrong(case: Case, *, live: bool = True) -> tuple[bool, str]:
    """Return whether the task stands judged wrong, and the last comment that sent it back."""
    wrong, comment = False, ""
    for assignment in case.assignments:
        answer = case.answers.get(assignment.id) if _speaks(case, assignment, live=live) else None
        if answer is not None and answer.wrong:
            wrong, comment = True, answer.comment
        elif answer is not None and (answer.is_resolved or answer.verdict):
            wrong = False
        if assignment.outcome is Outcome.REJECTED and assignment.sent_back is None:
            wrong, comment = True, assignment.comment
        elif assignment.outcome in PASSING:
            wrong = False
    return wrong, comment


def _said(case: Case, *, live: bool) -> Iterator[tuple[Assignment, Answer]]:
    for assignment in case.assignments:
        answer = case.answers.get(assignment.id)
        if answer is not None and _speaks(case, assignment, live=live):
            yield assignment, answer


def _speaks(case: Case, assignment: Assignment, *, live: bool) -> bool:
    if (
        not live
        and case.being_voted_on
        and assignment.round == case.package.round
        and assignment.outcome is Outcome.SUBMITTED
    ):
        return False
    done = assignment.state is AssignmentState.DONE and assignment.outcome is not Outcome.SUGGESTED
    return done or (live and assignment.state is AssignmentState.HELD)


def work(case: Case, assignment: Assignment, task: Task) -> WorkItem:
    """Return *task* as *assignment* sees it."""
    if len(case.assignments) == 1:  # nobody was here before
        return WorkItem(task=task, answer=case.answers.get(assignment.id))
    shown = shown_at(case, assignment.stage)
    label = case.labeled()
    merged = case.answers.get(label.id) if label else None
    _, comment = judged_wrong(case, live=False)
    return WorkItem(
        task=task,
        answer=case.answers.get(assignment.id),
        submitted=shown,
        votes=tuple(_votes(case, label.round)) if label and merged and merged.disputed else (),
        comment=comment if assignment.round > 1 else "",
        previous=_draft(case, assignment),
        prelabel=case.prelabel,
    )


def _votes(case: Case, round: int) -> Iterator[Answer]:
    for assignment in case.assignments:
        answer = case.answers.get(assignment.id)
        if (
            answer is not None
            and assignment.outcome is Outcome.SUBMITTED
            and assignment.round == round
        ):
            yield answer


def _draft(case: Case, assignment: Assignment) -> Answer | None:
    """Return what the last returned assignment at the same stage and round had saved.

    Of several voters each sees only their own: whoever gave an assignment back may still vote.
    """
    voting = case.being_voted_on and assignment.stage is Stage.LABEL
    earlier = [
        case.answers[other.id]
        for other in case.assignments
        if other.id in case.answers
        and other.state is AssignmentState.RETURNED
        and (other.stage, other.round) == (assignment.stage, assignment.round)
        and (other.member == assignment.member or not voting)
    ]
    return earlier[-1] if earlier else None
