"""Votes that nobody is left to give: what is asked for is asked no more, and its package goes on.

When more votes are asked for somebody is there who could give them.  Later they may be removed, may
not label any more, or lose a skill; then nobody would ever hand in what the package waits for.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from itagflow.core.engine import BLOCK, Engine
from itagflow.core.lookup import get_or_none, iterate_query
from itagflow.labeling.service import call_merge
from itagflow.labeling.voting import MergeCalls
from itagflow.model.copying import evolve
from itagflow.model.job import Job, JobState, Stage
from itagflow.model.package import Assignment, AssignmentState, Package, Purpose
from itagflow.reviewing import submitting_rules
from itagflow.reviewing.rules import AssignmentContext
from itagflow.reviewing.service import read_completion
from itagflow.reviewing.voters import read_voters
from itagflow.storage.port import Query


def close_votes(engine: Engine, job: Job, actor: int) -> int:
    """Take back the votes that nobody is left to give; return how many were.

    Each in a transaction of its own that looks again at what it has locked.
    """
    if job.workflow.label.votes == 1:
        return 0
    return sum(_close_vote(engine, offer, actor) for offer in _find_untakeable(engine, job))


def _find_untakeable(engine: Engine, job: Job) -> Sequence[Assignment]:
    """Return the open offers of one more vote that nobody is left to take."""
    where: dict[str, Any] = {
        "job": job.id,
        "live": True,
        "stage": Stage.LABEL,
        "purpose": Purpose.EXTRA_VOTE,
    }
    live = iterate_query(engine.store, Query(Assignment, where, order=("id",)))
    offers = [offer for offer in live if _is_open(offer)]
    found = list[Assignment]()
    for start in range(0, len(offers), BLOCK):
        found += _select_untakeable(engine, job, offers[start : start + BLOCK])
    return found


def _is_open(offer: Assignment) -> bool:
    return offer.state is AssignmentState.OFFERED and offer.member is None


def _select_untakeable(
    engine: Engine, job: Job, offers: Sequence[Assignment]
) -> Sequence[Assignment]:
    numbers = tuple({offer.package for offer in offers})
    by_package = defaultdict[int, list[Assignment]](list)
    with engine.store.read() as reader:
        current = get_or_none(reader, Job, job.key)
        if current is None:
            return ()
        voters = read_voters(reader, engine.policy, current)
        found = reader.find(Query(Package, {"job": job.id, "number": numbers}))
        packages = {package.number: package for package in found}
        where: dict[str, Any] = {"job": job.id, "package": numbers}
        for assignment in reader.find(Query(Assignment, where, order=("id",))):
            by_package[assignment.package].append(assignment)
    return [
        offer
        for offer in offers
        if not voters.is_one_left(packages[offer.package], offer, by_package[offer.package])
    ]


def _close_vote(engine: Engine, offer: Assignment, actor: int) -> bool:
    """Take back an open offer, if nobody is left to take it still; return whether it was."""
    calls = MergeCalls()
    while True:
        with engine.transaction() as transaction:
            package, current = transaction.lock_assignment(offer)
            job = transaction.store.get(Job, (offer.job,))
            if job.state is not JobState.RUNNING or not _is_open(current):
                return False
            # who labels may be about to change, or what the answers are to
            if job.raising_votes or job.pending_template_change is not None:
                return False
            assignments = transaction.assignments(package)
            voters = read_voters(transaction.store, transaction.policy, job)
            if voters.is_one_left(package, current, assignments):
                return False
            ctx = transaction.make_context(job.workspace, actor)
            context = AssignmentContext(job, package, current, ctx)
            facts = evolve(read_completion(transaction, context), merge_calls=calls)
            missing = submitting_rules.find_merge_calls(facts)
            if not missing:
                transaction.apply(submitting_rules.close_vote(facts))
                return True
        # code of the application runs while nothing is locked, as in `submit`
        for call in missing:
            calls.add(call, call_merge(engine.registry, call))
