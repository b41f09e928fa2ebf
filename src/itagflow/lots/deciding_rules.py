"""What the plan of a lot of several packages decides, and what becomes of its packages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import attrs

from itagflow.access import Policy
from itagflow.claiming.rules import Slot, offer
from itagflow.lots.closing_rules import LotRule, give_out, list_drawable
from itagflow.model.change import Change, Context, Saved, record
from itagflow.model.copying import evolve
from itagflow.model.entity import Entity
from itagflow.model.job import Job, Stage
from itagflow.model.lot import AcceptanceLot
from itagflow.model.package import Assignment, AssignmentState, Outcome, Package
from itagflow.model.plan import LotEntry, LotState, LotVerdict, PlanVerdict, RejectedLots
from itagflow.model.task import Answer
from itagflow.model.workspace import Member
from itagflow.printing import format_count
from itagflow.results.outcome_rules import describe_end
from itagflow.results.rules import build_cases, with_counts
from itagflow.reviewing.reject_rules import (
    RejectFacts,
    RejectPlan,
    Rework,
    find_authors,
    find_named_member,
    find_outdated_authors,
    select_rework,
)
from itagflow.reviewing.rules import (
    AssignmentContext,
    PackageHistory,
    pass_package,
    send_back,
    with_offers,
)
from itagflow.reviewing.sampling import draw_of_lot


@attrs.frozen(kw_only=True)
class DecidingFacts:
    """What is decided on: a lot of which all that was drawn was checked."""

    job: Job
    """The job."""
    rule: LotRule
    """What it says of lots."""
    lot: AcceptanceLot
    """The lot, locked."""
    packages: Sequence[Package]
    """Those of its packages that are still in it, locked, in order."""
    tasks: Mapping[int, Sequence[int]]
    """The numbers of their tasks, by package."""
    ctx: Context
    """Who acts, and when."""

    @property
    def drawable(self) -> list[int]:
        """The tasks that could be drawn in addition to the sample."""
        return [
            task
            for package in self.packages
            for task in list_drawable(package, self.tasks[package.number])
            if task not in entry_of(package).sample
        ]


def entry_of(package: Package) -> LotEntry:
    """Return what *package* is to its lot."""
    return package.lot_entry or LotEntry()


def judge_lot(facts: DecidingFacts) -> LotVerdict:
    """Return what the plan says of the lot by what was found in its packages.

    Where it wants more, and there is no more, all that there is decides.
    """
    entries = [entry_of(package) for package in facts.packages]
    checked, wrong = sum(each.checked for each in entries), sum(each.wrong for each in entries)
    if not facts.lot.size:  # all that was left of it was checked in any case
        return make_verdict(facts.lot, PlanVerdict.ACCEPT, checked=checked, wrong=wrong)
    plan = facts.rule.plan.for_lot(facts.lot.size)
    decision = plan.decide(checked, wrong)
    verdict, more = decision.verdict, 0
    if verdict is PlanVerdict.MORE:
        more = min(max(1, decision.more), len(facts.drawable))
    if verdict is PlanVerdict.MORE and not more:
        verdict = plan.decide(facts.lot.size, wrong).verdict
        if verdict is PlanVerdict.MORE:
            verdict = PlanVerdict.ACCEPT
    return make_verdict(facts.lot, verdict, checked=checked, wrong=wrong, more=more)


def make_verdict(
    lot: AcceptanceLot, verdict: PlanVerdict, *, checked: int, wrong: int, more: int = 0
) -> LotVerdict:
    """Return what is said of *lot*."""
    return LotVerdict(
        verdict=verdict, more=more, checked=checked, wrong=wrong, size=lot.size, number=lot.number
    )


def draw_more(facts: DecidingFacts, found: LotVerdict) -> Change:
    """Draw the tasks of the lot that its plan wants to see next."""
    lot = facts.lot
    drawn = set(draw_of_lot(facts.job.seed, lot.number, facts.drawable, found.more))
    save: list[Saved] = [(lot, attrs.evolve(lot, sample=lot.sample + len(drawn)))]
    for package in facts.packages:
        more = drawn.intersection(facts.tasks[package.number])
        if more:
            sample = tuple(sorted({*entry_of(package).sample, *more}))
            entry = attrs.evolve(entry_of(package), sample=sample, is_handed_in=False)
            again = give_out(evolve(package, lot_entry=entry), more, facts.ctx)
            save.append((package, again))
    data: dict[str, Any] = {"name": facts.job.name, "lot": {"number": lot.number}}
    data["tasks"] = sorted(drawn)
    return record(facts.ctx, "extend_lot", about=facts.job, save=save, data=data)


@attrs.frozen(kw_only=True)
class Decision:
    """What becomes of a lot and its packages."""

    change: Change
    """The lot is decided; those of its packages that stay at ACCEPT are given out again."""
    passing: tuple[Package, ...] = ()
    """The packages that pass."""
    rejected: tuple[Package, ...] = ()
    """The packages that go back to LABEL."""


def decide_lot(facts: DecidingFacts, found: LotVerdict) -> Decision:
    """Return what becomes of a lot on which its plan has decided, or of which nothing is left."""
    state = LotState.REJECTED if found.verdict is PlanVerdict.REJECT else LotState.ACCEPTED
    if not facts.packages:
        state = LotState.DISCARDED
    decided = attrs.evolve(
        facts.lot, state=state, checked=found.checked, wrong=found.wrong, decided_at=facts.ctx.at
    )
    save: list[Saved] = [(facts.lot, decided)]
    passing, rejected = list[Package](), list[Package]()
    for package in facts.packages:
        rest = _find_rest(facts, package, state)
        if rest is None:
            rejected.append(package)
        elif rest:
            entry = attrs.evolve(entry_of(package), state=state)
            save.append((package, give_out(evolve(package, lot_entry=entry), rest, facts.ctx)))
        else:
            passing.append(package)
    data = {"name": facts.job.name, "lot": describe_verdict(found)}
    change = record(facts.ctx, "decide_lot", about=facts.job, save=save, data=data)
    return Decision(change=change, passing=tuple(passing), rejected=tuple(rejected))


def _find_rest(facts: DecidingFacts, package: Package, state: LotState) -> set[int] | None:
    """Return what is still to be done on *package* at ACCEPT; None: it is labeled again."""
    entry = entry_of(package)
    standing = set(entry.standing).difference(package.excluded)
    if state is LotState.ACCEPTED:
        return standing
    accept = facts.job.workflow.accept
    if accept is None or accept.rejected_lots is RejectedLots.REWORK:
        return None
    seen = {*entry.sample, *package.excluded}
    return {task for task in facts.tasks[package.number] if task not in seen} | standing


def pass_with_lot(
    facts: DecidingFacts,
    package: Package,
    assignments: Sequence[Assignment],
    abandoned: Sequence[int],
) -> Change:
    """Return the change by which *package* passes with its lot, whoever has checked it."""
    tasks = facts.tasks[package.number]
    after = pass_package(facts.job, package, facts.ctx, tasks=tasks, assignments=assignments)
    if not entry_of(package).is_handed_in:
        after = evolve(after, skipped=(*after.skipped, Stage.ACCEPT))
    became = describe_end(package, after, tasks, abandoned)
    data = {"lot": {"number": facts.lot.number}}
    save = ((package, after),)
    return record(facts.ctx, "accept_lot", about=after, save=save, data=data, became=became)


@attrs.frozen(kw_only=True)
class RejectedPackage:
    """A package that goes back to LABEL with its lot."""

    package: Package
    """The package, locked."""
    assignments: Sequence[Assignment]
    """Every assignment that there ever was on it."""
    named_member: int | None
    """The member to whom the rule offers the rework, if it names one."""
    authors: tuple[int, ...]
    """The members to whom it is offered otherwise, in order."""

    @property
    def candidates(self) -> tuple[int, ...]:
        """Everybody who may be offered the rework."""
        if self.named_member is None:
            return self.authors
        return tuple(dict.fromkeys((self.named_member, *self.authors)))


def read_rejected(job: Job, package: Package, assignments: Sequence[Assignment]) -> RejectedPackage:
    """Return who may be offered the rework of *package*, all of which is labeled again."""
    return RejectedPackage(
        package=package,
        assignments=assignments,
        named_member=find_named_member(job, package),
        authors=find_authors(job, package, assignments),
    )


@attrs.frozen(kw_only=True)
class ReworkPlace:
    """To whom the packages of a rejected lot are offered."""

    policy: Policy
    """Says who may do what."""
    members: Sequence[Member]
    """The candidates of a package, locked."""
    reject_id: int
    """The id of the assignment that says that it was rejected."""
    offer_ids: Sequence[int]
    """The ids of the offers."""


def reject_with_lot(
    facts: DecidingFacts, rejected: RejectedPackage, place: ReworkPlace, found: LotVerdict
) -> Change:
    """Return the change by which a package goes back whole with its lot.

    An assignment of nobody says so, as that of a reviewer does who sends a package back.
    """
    job, package, ctx = facts.job, rejected.package, facts.ctx
    tasks = facts.tasks[package.number]
    wrong = format_count(found.wrong, "wrong task")
    comment = f"lot {facts.lot.number} was rejected: {wrong} in a sample of {found.checked}"
    ended = Assignment(
        job=job.id,
        id=place.reject_id,
        package=package.number,
        stage=Stage.ACCEPT,
        round=package.round,
        member=None,
        state=AssignmentState.DONE,
        made_at=ctx.at,
        outcome=Outcome.REJECTED,
        ended_at=ctx.at,
        comment=comment,
    )
    back = send_back(job, package, ctx, sent=None, tasks=tasks)
    rework = _select_rework(facts, rejected, place, ended, back)
    offered = with_offers(back, rework.members)
    assignments = (*rejected.assignments, ended)
    # all of it stands judged wrong by that, whatever the answers are: none is read
    answers: dict[int, dict[int, Answer]] = {task: {} for task in tasks}
    counted = with_counts(offered, build_cases(job, offered, assignments, answers))
    after = evolve(counted, rejected_lot=facts.lot.number)
    add: list[Entity] = [ended]
    for id, member in zip(place.offer_ids, rework.members, strict=False):
        add.append(offer(Slot(job, after, Stage.LABEL, member), ctx, id=id))
    data: dict[str, Any] = {
        "tasks": list(tasks),
        "comment": comment,
        "lot": describe_verdict(found),
    }
    if rework.instead is not None:
        data["rework"] = rework.instead.value
    save: list[Saved] = [(package, after), *find_outdated_authors(back, assignments, tasks)]
    return record(ctx, "reject", about=ended, add=add, save=save, data=data)


def _select_rework(
    facts: DecidingFacts,
    rejected: RejectedPackage,
    place: ReworkPlace,
    ended: Assignment,
    back: Package,
) -> Rework:
    history = PackageHistory(assignments=rejected.assignments)
    reject = RejectFacts(
        context=AssignmentContext(facts.job, rejected.package, ended, facts.ctx),
        history=history,
        counters=(),
        policy=place.policy,
    )
    plan = RejectPlan(
        judged=(),
        history=history,
        wrong=(),
        sent=None,
        named_member=rejected.named_member,
        authors=rejected.authors,
    )
    return select_rework(reject, plan, place.members, back)


def describe_verdict(found: LotVerdict) -> dict[str, Any]:
    """Return what events say of a lot."""
    return {
        "number": found.number,
        "verdict": found.verdict.value,
        "checked": found.checked,
        "wrong": found.wrong,
        "size": found.size,
    }
