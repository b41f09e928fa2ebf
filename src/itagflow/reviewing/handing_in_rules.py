"""How a review ends of a package that is part of a lot of several: the lot decides, and not it.

While the lot is not decided its reviewers hand in what they have found.  What is still to be done
on a package of a decided lot, is done by one more review: of what stands judged wrong, or of what
was not drawn, where rejected lots are inspected.
"""

from __future__ import annotations

from collections.abc import Sequence

import attrs

from itagflow.errors import Incomplete
from itagflow.lifecycle.tables import AssignmentCommand, require_stage
from itagflow.measuring.look_rules import Look
from itagflow.model.change import Change, Saved, record
from itagflow.model.copying import evolve
from itagflow.model.lot import AcceptanceLot
from itagflow.model.package import Assignment
from itagflow.model.plan import LotEntry, LotState, LotVerdict, PlanVerdict
from itagflow.results.rules import Case, build_cases, find_submitted
from itagflow.reviewing import rules
from itagflow.reviewing.rules import (
    REVIEW_STAGES,
    AssignmentContext,
    CompletionFacts,
    PackageHistory,
    end_assignment,
    find_undecided,
    recount,
    replace_assignment,
)


@attrs.frozen(kw_only=True)
class Findings:
    """What the holder of a review has said of the tasks that it is about."""

    missing: tuple[int, ...] = ()
    """Those of which they have said nothing."""
    standing: tuple[int, ...] = ()
    """Those that they have judged wrong and not modified."""
    checked: int = 0
    """How many tasks of the sample they have checked."""
    wrong: int = 0
    """How many of these were wrong."""


def collect_findings(
    context: AssignmentContext, history: PackageHistory, entry: LotEntry
) -> Findings:
    """Return what was said in a review of a package of a lot, which is *entry* there.

    What is checked in any case tells nothing of the rest: it is no part of the sample.
    """
    job, package, assignment = context.job, context.package, context.assignment
    missing, standing = list[int](), list[int]()
    checked = wrong = 0
    for case in build_cases(job, package, history.assignments, history.answers):
        if case.task in package.excluded or not assignment.covers(case.task):
            continue
        is_drawn = case.task in entry.sample
        said = case.answers.get(assignment.id)
        if said is None or not (said.is_resolved or said.verdict):
            if is_drawn or entry.state is not LotState.CLOSED:
                missing.append(case.task)
            continue
        if said.wrong:
            standing.append(case.task)
        if is_drawn:
            checked += 1
            wrong += _is_error(case, assignment)
    return Findings(missing=tuple(missing), standing=tuple(standing), checked=checked, wrong=wrong)


def _is_error(case: Case, assignment: Assignment) -> bool:
    said = case.answers[assignment.id]
    submitted = find_submitted(case.before(assignment), assignment.stage)
    return Look(task=case.task, assignment=assignment, submitted=submitted, said=said).is_error


def complete_review(facts: CompletionFacts, operation: str) -> Change:
    """End a review or an acceptance: the package passes, unless its lot is still to be decided.

    Raises:
        WrongState: when the assignment is at another stage than *operation* is for.
        Incomplete: when tasks are still to be checked, stand judged wrong, or are undecided.
    """
    entry = facts.context.package.lot_entry
    if entry is None:
        return rules.pass_review(facts, operation)
    require_stage(facts.context.assignment, operation, REVIEW_STAGES[operation])
    found = collect_findings(facts.context, facts.history, entry)
    if entry.state is LotState.CLOSED:
        return _hand_in(facts, entry, found)
    if found.missing:
        raise Incomplete("pass the package", _explain_rest(entry), found.missing)
    return rules.pass_review(facts, operation)


def _hand_in(facts: CompletionFacts, entry: LotEntry, found: Findings) -> Change:
    """End the review of what was drawn of a package; it stays until its lot is decided."""
    if found.missing:
        reason = f"lot {entry.lot} is decided by its sample: check all of it"
        raise Incomplete("hand in the sample", reason, found.missing)
    package, assignment = facts.context.package, facts.context.assignment
    # what stands judged wrong is corrected once the lot is accepted
    closing = AssignmentCommand(
        assignment=assignment, undecided=find_undecided(facts.context, facts.history)
    )
    ended = end_assignment(facts.context, "accept", closing)
    assignments = replace_assignment(facts.history.assignments, ended)
    after = evolve(package, lot_entry=_add_findings(entry, found), disputes=())
    after = recount(facts, after, assignments)
    save: list[Saved] = [(package, after), (assignment, ended), *facts.counters]
    data = {"lot": {"number": entry.lot, "checked": found.checked, "wrong": found.wrong}}
    return record(facts.context.ctx, "accept", about=ended, save=save, data=data)


def _add_findings(entry: LotEntry, found: Findings) -> LotEntry:
    return attrs.evolve(
        entry,
        is_handed_in=True,
        checked=entry.checked + found.checked,
        wrong=entry.wrong + found.wrong,
        standing=tuple(sorted({*entry.standing, *found.standing})),
    )


def _explain_rest(entry: LotEntry) -> str:
    if entry.state is LotState.REJECTED:
        return f"lot {entry.lot} was rejected, and is inspected whole: check every task"
    return f"lot {entry.lot} was accepted: modify what was found wrong"


def judge_so_far(
    lot: AcceptanceLot, entry: LotEntry, entries: Sequence[LotEntry], found: Findings
) -> LotVerdict:
    """Return what is known of a *lot*, by what was found in its packages, and by one who has one.

    Until it is decided that is *more*: nobody decides on it alone.

    Args:
        lot: The lot.
        entry: What the package of the holder is to it.
        entries: What its packages are to it, while it is not decided.
        found: What the holder has found.
    """
    if entry.state is not LotState.CLOSED:
        verdict = PlanVerdict.REJECT if entry.state is LotState.REJECTED else PlanVerdict.ACCEPT
        checked, wrong, more = lot.checked, lot.wrong, len(found.missing)
    else:
        verdict = PlanVerdict.MORE
        checked = sum(each.checked for each in entries) + found.checked
        wrong = sum(each.wrong for each in entries) + found.wrong
        more = max(0, lot.sample - checked)
    return LotVerdict(
        verdict=verdict, more=more, checked=checked, wrong=wrong, size=lot.size, number=lot.number
    )
