"""What acceptance plans say of lots, and what may be done then: nobody goes against the plan."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import attrs

from itagflow.errors import Incomplete, NotAllowed
from itagflow.lifecycle.tables import ASSIGNMENT, AssignmentCommand
from itagflow.measuring.look_rules import Look
from itagflow.model.change import Change, Context, record
from itagflow.model.copying import evolve
from itagflow.model.job import Job, ReviewRule
from itagflow.model.package import Assignment, Package
from itagflow.model.plan import LotPlan, LotVerdict, PackageLot, PlanVerdict, RejectedLots
from itagflow.model.task import Answer
from itagflow.printing import format_count
from itagflow.results.rules import Case, build_cases, find_submitted
from itagflow.reviewing.sampling import draw_tasks, make_draw


@attrs.frozen(kw_only=True)
class LotWork:
    """A lot, with what its holder has said of its tasks."""

    job: Job
    """The job."""
    package: Package
    """The package that is the lot."""
    assignment: Assignment
    """The review."""
    rule: ReviewRule
    """The rule of the stage."""
    lot: PackageLot
    """The lot."""
    plan: LotPlan
    """The plan for a lot of its size."""
    cases: Sequence[Case]
    """The tasks of the package, without those that were erased or withdrawn."""


def make_lot_work(
    job: Job,
    package: Package,
    assignment: Assignment,
    assignments: Sequence[Assignment],
    answers: Mapping[int, Mapping[int, Answer]],
) -> LotWork | None:
    """Return what was done on a lot by this review of it; None where no plan decides."""
    rule = job.workflow.review(assignment.stage)
    if package.lot is None or rule is None or rule.plan is None:
        return None
    cases = build_cases(job, package, assignments, answers)
    return LotWork(
        job=job,
        package=package,
        assignment=assignment,
        rule=rule,
        lot=package.lot,
        plan=rule.plan.for_lot(package.lot.size),
        cases=[case for case in cases if case.task not in package.excluded],
    )


@attrs.frozen(kw_only=True)
class _Looks:
    """What the holder of a lot has checked."""

    checked: int
    """How many tasks of the sample they said something of."""
    wrong: int
    """How many of these were wrong."""
    missing: tuple[int, ...]
    """The tasks that they are still to look at: of the sample, or of all once it is rejected."""
    standing: tuple[int, ...]
    """The tasks that they have judged wrong and not modified."""


def _count_looks(work: LotWork) -> _Looks:
    checked = wrong = 0
    missing, standing = list[int](), list[int]()
    for case in work.cases:
        is_sampled = case.task in work.lot.sample
        said = case.answers.get(work.assignment.id)
        if said is None or not (said.is_resolved or said.verdict):
            if is_sampled or work.lot.is_rejected:
                missing.append(case.task)
            continue
        if said.wrong:
            standing.append(case.task)
        if is_sampled:
            checked += 1
            wrong += _is_error(case, work.assignment, said)
    return _Looks(checked=checked, wrong=wrong, missing=tuple(missing), standing=tuple(standing))


def _is_error(case: Case, assignment: Assignment, said: Answer) -> bool:
    submitted = find_submitted(case.before(assignment), assignment.stage)
    look = Look(task=case.task, assignment=assignment, submitted=submitted, said=said)
    return look.is_error


def judge_lot(work: LotWork) -> LotVerdict:
    """Return what the plan says by what was checked so far.

    Before every task of the sample was checked it wants the others.  A lot of which all was
    checked is accepted where the plan would want still more.
    """
    return _judge(work, _count_looks(work))


def _judge(work: LotWork, looks: _Looks) -> LotVerdict:
    if work.lot.is_rejected:
        return _make_verdict(work, looks, PlanVerdict.REJECT, len(looks.missing))
    if looks.missing:
        return _make_verdict(work, looks, PlanVerdict.MORE, len(looks.missing))
    decision = work.plan.decide(looks.checked, looks.wrong)
    if decision.verdict is not PlanVerdict.MORE:
        return _make_verdict(work, looks, decision.verdict)
    more = len(_draw_more(work, max(1, decision.more)))
    if more:
        return _make_verdict(work, looks, PlanVerdict.MORE, more)
    # tasks of the sample may have been erased or withdrawn: there is no other in their place
    last = work.plan.decide(work.lot.size, looks.wrong).verdict
    if last is PlanVerdict.MORE:
        last = PlanVerdict.ACCEPT
    return _make_verdict(work, looks, last)


def _make_verdict(work: LotWork, looks: _Looks, verdict: PlanVerdict, more: int = 0) -> LotVerdict:
    return LotVerdict(
        verdict=verdict,
        more=more,
        checked=looks.checked,
        wrong=looks.wrong,
        size=work.lot.size,
    )


def _draw_more(work: LotWork, more: int) -> tuple[int, ...]:
    """Return the next tasks in the order of the draw: so many, or as many as there are.

    What is checked in any case, beside the sample, is in the scope, and no part of the lot.
    """
    scope = work.assignment.scope
    if scope is None:
        return ()
    known = {*scope, *work.lot.sample}
    tasks = [case.task for case in work.cases if case.task not in known]
    return draw_tasks(make_draw(work.job, work.package, work.assignment.stage), tasks, more)


def decide_lot(work: LotWork, ctx: Context) -> tuple[LotVerdict, Change | None]:
    """Return what the plan says, and the change that gives the holder more tasks, if it wants more.

    A lot that it rejects becomes due whole where rejected lots are inspected.
    """
    looks = _count_looks(work)
    found = _judge(work, looks)
    if work.lot.is_rejected or looks.missing:
        return found, None
    if found.verdict is PlanVerdict.MORE:
        more = _draw_more(work, found.more)
        lot = attrs.evolve(work.lot, sample=tuple(sorted({*work.lot.sample, *more})))
        return found, _extend(work, lot, more, ctx, found)
    if found.verdict is PlanVerdict.ACCEPT or work.rule.rejected_lots is RejectedLots.REWORK:
        return found, None
    lot = attrs.evolve(work.lot, is_rejected=True)
    scope = work.assignment.scope
    rest = tuple(case.task for case in work.cases if scope is not None and case.task not in scope)
    found = judge_lot(attrs.evolve(work, lot=lot))
    return found, _extend(work, lot, rest, ctx, found)


def _extend(
    work: LotWork, lot: PackageLot, more: Sequence[int], ctx: Context, found: LotVerdict
) -> Change:
    """Return the change that adds *more* tasks to the assignment."""
    package, assignment = work.package, work.assignment
    command = AssignmentCommand(assignment=assignment)
    state = ASSIGNMENT.advance(assignment.state, "extend", command, str(assignment))
    scope: tuple[int, ...] | None = tuple(sorted({*(assignment.scope or ()), *more}))
    # the scope of a whole package is None, so that every later step knows it without counting
    if assignment.scope is None or len(scope or ()) >= package.size:
        scope = None
    after = evolve(package, lot=lot, scope=scope)
    extended = evolve(assignment, state=state, scope=scope)
    data = {"tasks": list(more), "lot": _to_plain(found)}
    return record(
        ctx,
        "extend",
        about=assignment,
        save=((package, after), (assignment, extended)),
        data=data,
    )


def describe_lot(work: LotWork) -> dict[str, Any]:
    """Return what an event says of a lot that was decided."""
    return {"lot": _to_plain(judge_lot(work))}


def _to_plain(found: LotVerdict) -> dict[str, Any]:
    return {
        "verdict": found.verdict.value,
        "checked": found.checked,
        "wrong": found.wrong,
        "size": found.size,
    }


def require_accepted(work: LotWork) -> None:
    """Check that the plan lets the package pass.

    Raises:
        Incomplete: when tasks are still to be checked, or what was found wrong is not modified.
        NotAllowed: when the plan says that the lot is rejected.
    """
    looks = _count_looks(work)
    found = _judge(work, looks)
    if work.lot.is_rejected:
        _require_inspected(looks)
        return
    if found.verdict is PlanVerdict.REJECT:
        next_step = "reject it"
        if work.rule.rejected_lots is RejectedLots.INSPECT:
            next_step = "plan_verdict adds the rest of it, to be inspected"
        raise NotAllowed("", "pass the package", f"{_tell(found)}: {next_step}")
    if found.verdict is PlanVerdict.MORE:
        raise _make_more_error("pass the package", found, looks)
    if looks.standing:
        reason = f"{_tell(found)}: first modify what was found wrong"
        raise Incomplete("pass the package", reason, looks.standing)


def _require_inspected(looks: _Looks) -> None:
    if looks.missing:
        reason = "the plan says reject, and the lot is inspected whole: look at every task"
        raise Incomplete("pass the package", reason, looks.missing)
    if looks.standing:
        reason = "the plan says reject, and the lot is inspected whole: modify what is wrong"
        raise Incomplete("pass the package", reason, looks.standing)


def require_rejected(work: LotWork) -> None:
    """Check that the plan lets the package be sent back.

    Raises:
        Incomplete: when tasks are still to be checked.
        NotAllowed: when the plan says that the lot is accepted, or it is inspected whole.
    """
    looks = _count_looks(work)
    found = _judge(work, looks)
    if found.verdict is PlanVerdict.MORE:
        raise _make_more_error("reject", found, looks)
    if found.verdict is PlanVerdict.ACCEPT:
        reason = f"{_tell(found)}: modify what was found wrong, and let it pass"
        raise NotAllowed("", "reject", reason)
    if work.rule.rejected_lots is RejectedLots.INSPECT or work.lot.is_rejected:
        reason = (
            f"{_tell(found)}, and rejected lots are inspected whole: plan_verdict adds the rest"
        )
        raise NotAllowed("", "reject", reason)


def _make_more_error(act: str, found: LotVerdict, looks: _Looks) -> Incomplete:
    if looks.missing:
        return Incomplete(act, "the plan says more: look at all of the sample", looks.missing)
    tasks = format_count(found.more, "task")
    return Incomplete(act, f"the plan says more: plan_verdict adds the next {tasks}")


def _tell(found: LotVerdict) -> str:
    checked = format_count(found.checked, "task")
    return f"the plan says {found.verdict.value} ({found.wrong} of {checked} wrong)"
