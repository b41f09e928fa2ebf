"""What the acceptance plan of a stage says of the work that a reviewer holds."""

from __future__ import annotations

from itagflow.core.engine import Engine
from itagflow.core.lookup import AssignmentRef, MemberRef, read_answers, read_task_numbers
from itagflow.errors import NotAllowed
from itagflow.model.plan import LotVerdict
from itagflow.reviewing.lot_rules import decide_lot, make_lot_work
from itagflow.reviewing.service import lock_context


def decide(engine: Engine, ref: AssignmentRef, *, by: MemberRef | None) -> LotVerdict:
    """Return what the plan says of a lot; the holder gets the tasks that it wants to see next."""
    with engine.transaction() as transaction:
        context = lock_context(transaction, ref, "ask the plan", by)
        job, package, assignment = context.job, context.package, context.assignment
        tasks = read_task_numbers(transaction.store, package)
        answers = read_answers(transaction.store, job.id, tasks)
        assignments = transaction.assignments(package)
        work = make_lot_work(job, package, assignment, assignments, answers)
        if work is None:
            reason = f"no acceptance plan decides on {package} at {assignment.stage.name} now"
            raise NotAllowed("", "ask the plan", reason)
        verdict, change = decide_lot(work, context.ctx)
        if change is not None:
            transaction.apply(change)
        return verdict
