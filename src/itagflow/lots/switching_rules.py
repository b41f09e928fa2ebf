"""How severely lots are inspected, which depends on those before: the switching rules of a plan.

Lots of one stream follow each other: those of a job, or of one group where lots are kept apart by
groups.  Only first inspections count, in the order of their decisions; and only lots that were
inspected as severely as the stream is when they are decided, since several may be open at once.
"""

from __future__ import annotations

from collections.abc import Sequence

import attrs

from itagflow.lots.key_rules import parse_again
from itagflow.lots.plan_rules import LotRule
from itagflow.model.job import Job
from itagflow.model.lot import AcceptanceLot
from itagflow.model.plan import LotState, Severity, SwitchingState
from itagflow.quality.iso_plans import Iso2859

BEGINNING = SwitchingState()
"""How a stream begins."""


def find_stream(key: str, lots: Sequence[AcceptanceLot]) -> str:
    """Return the stream of packages that wait with this `Package.lot_key`: that of their lots.

    What was rejected comes back to the stream that it was of.
    """
    again = parse_again(key)
    if not again:
        return key
    return next((lot.stream for lot in lots if lot.number == again), key)


def find_state(
    lots: Sequence[AcceptanceLot], stream: str, decided: int | None = None
) -> SwitchingState:
    """Return where a stream stands, by the *lots* of its job.

    Args:
        lots: The lots of the job.
        stream: The stream.
        decided: After how many decisions on lots of the job; None: after all of them.
    """
    counted = [
        lot
        for lot in lots
        if lot.stream == stream
        and lot.switching is not None
        and (decided is None or lot.decision <= decided)
    ]
    last = max(counted, key=lambda lot: lot.decision, default=None)
    if last is None or last.switching is None:
        return BEGINNING
    return last.switching.resume() if last.is_resumed else last.switching


def choose_severity(state: SwitchingState, *, is_first: bool) -> Severity:
    """Return how severely a lot is inspected; one that comes back is never so on reduced terms."""
    if not is_first and state.severity is Severity.REDUCED:
        return Severity.NORMAL
    return state.severity


def count_decisions(lots: Sequence[AcceptanceLot]) -> int:
    """Return how many lots were decided."""
    return max((lot.decision for lot in lots), default=0)


def switch(rule: LotRule, state: SwitchingState, lot: AcceptanceLot) -> SwitchingState | None:
    """Return where its stream stands after *lot* was decided; None: it does not count.

    *state* is where it stood before.
    """
    plan = rule.plan
    is_decided = lot.state in (LotState.ACCEPTED, LotState.REJECTED)
    if not isinstance(plan, Iso2859) or lot.again or not is_decided or not lot.size:
        return None
    if state.is_stopped or lot.severity is not state.severity:
        return None
    return plan.switch(state, lot.size, lot.wrong, may_reduce=rule.lot.may_reduce)


def list_stopped(lots: Sequence[AcceptanceLot]) -> list[AcceptanceLot]:
    """Return the lots after which the inspection of their streams was stopped, and still is."""
    found = list[AcceptanceLot]()
    for stream in sorted({lot.stream for lot in lots}):
        if find_state(lots, stream).is_stopped:
            counted = [lot for lot in lots if lot.stream == stream and lot.switching is not None]
            found.append(max(counted, key=lambda lot: lot.decision))
    return found


def resume(lot: AcceptanceLot) -> AcceptanceLot:
    """Return *lot* as that after which its stream goes on, on tightened inspection."""
    return attrs.evolve(lot, is_resumed=True)


def explain_stop(job: Job, lot: AcceptanceLot) -> str:
    """Return why no lot of a stream closes any more."""
    return (
        f"inspection is stopped after lot {lot.number}, since 5 lots were rejected on tightened "
        f"inspection: improve the work of job {job.name!r}, then lots.resume"
    )
