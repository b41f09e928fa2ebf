"""What the acceptance plan of a stage says of the work that a reviewer holds."""

from __future__ import annotations

from typing import Any

from itagflow.core.engine import Engine
from itagflow.core.lookup import AssignmentRef, MemberRef, read_answers, read_task_numbers
from itagflow.core.transaction import Transaction
from itagflow.errors import NotAllowed
from itagflow.model.lot import AcceptanceLot
from itagflow.model.package import CHECK, DECISION, Package, PackageState
from itagflow.model.plan import LotEntry, LotVerdict
from itagflow.reviewing.handing_in_rules import collect_findings, judge_so_far
from itagflow.reviewing.lot_rules import decide_lot, make_lot_work
from itagflow.reviewing.rules import AssignmentContext, PackageHistory
from itagflow.reviewing.service import lock_context
from itagflow.storage.port import Query


def decide(engine: Engine, ref: AssignmentRef, *, by: MemberRef | None) -> LotVerdict:
    """Return what the plan says of a lot; the holder gets the tasks that it wants to see next."""
    with engine.transaction() as transaction:
        context = lock_context(transaction, ref, "ask the plan", by)
        job, package, assignment = context.job, context.package, context.assignment
        tasks = read_task_numbers(transaction.store, package)
        answers = read_answers(transaction.store, job.id, tasks)
        assignments = transaction.assignments(package)
        if package.lot_entry is not None:
            history = PackageHistory(assignments=assignments, tasks=tasks, answers=answers)
            return _judge_so_far(transaction, context, history, package.lot_entry)
        work = make_lot_work(job, package, assignment, assignments, answers)
        if work is None:
            reason = f"no acceptance plan decides on {package} at {assignment.stage.name} now"
            raise NotAllowed("", "ask the plan", reason)
        verdict, change = decide_lot(work, context.ctx)
        if change is not None:
            transaction.apply(change)
        return verdict


def _judge_so_far(
    transaction: Transaction, context: AssignmentContext, history: PackageHistory, entry: LotEntry
) -> LotVerdict:
    """Return what is known of the lot, of which the holder has a part."""
    lot = transaction.store.get(AcceptanceLot, (context.job.id, entry.lot))
    keys = (f"{CHECK}{lot.number}", f"{DECISION}{lot.number}")
    where: dict[str, Any] = {"job": lot.job, "state": PackageState.ACCEPT, "lot_key": keys}
    entries = [each.lot_entry for each in transaction.store.find(Query(Package, where))]
    found = collect_findings(context, history, entry)
    return judge_so_far(lot, entry, [each for each in entries if each is not None], found)
