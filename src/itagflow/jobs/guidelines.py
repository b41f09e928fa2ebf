"""Guidelines: read all versions of the text, and note who has read which."""

from __future__ import annotations

from typing import Any

from itagflow import access
from itagflow.access import Action
from itagflow.core import lookup
from itagflow.core.engine import Engine
from itagflow.core.lookup import JobRef, MemberRef, iterate_in_transaction
from itagflow.core.visibility import require_readable
from itagflow.jobs import guideline_rules, rules
from itagflow.model.event import Event
from itagflow.model.guideline import Guideline
from itagflow.model.number import require_optional_whole_number
from itagflow.model.package import ClaimCounter
from itagflow.storage.port import Query


def list_guidelines(engine: Engine, job: JobRef, *, by: MemberRef | None = None) -> list[Guideline]:
    """Return every version of the guideline of a job, the oldest first."""
    with engine.store.read() as reader:
        stored, _ = require_readable(engine, reader, "jobs.guidelines", job, by)
        where: dict[str, Any] = {
            "job": stored.id,
            "package": 0,
            "type": ("create_job", "update_job"),
        }
        events = iterate_in_transaction(reader, Query(Event, where, order=("position",)))
        return guideline_rules.list_guidelines(events)


def acknowledge(
    engine: Engine, member: MemberRef, job: JobRef, *, version: int | None = None
) -> int:
    """Note that a member has read a version of the guideline of a job, and return its number."""
    version = require_optional_whole_number("acknowledge", "version", version, least=0)
    with engine.transaction() as transaction:
        stored = transaction.job(job)
        person = lookup.member(transaction.store, stored.workspace, member)
        access.check(transaction.policy, person, Action.READ_JOB, stored, None)
        rules.must_not_be_archived(stored, "acknowledge its guideline")
        # of a version that is there: the number only grows, so the job need not be locked
        read = guideline_rules.require_version(stored, version)
        # where a claim looks: the counter of the member at the stage; in the order of their keys
        counters = list[ClaimCounter]()
        for stage in sorted(stored.workflow.stages, key=lambda stage: stage.value):
            counter = ClaimCounter(job=stored.id, stage=stage, member=person.id)
            counters.append(transaction.lock(ClaimCounter, counter.key, create=counter))
        ctx = transaction.make_context(stored.workspace, person.id)
        change = guideline_rules.acknowledge(stored, counters, read, ctx)
        if change is not None:
            transaction.apply(change)
        return read
