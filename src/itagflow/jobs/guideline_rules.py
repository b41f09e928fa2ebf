"""The versions of the guideline of a job: each change of the text is one, and all are kept."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import attrs

from itagflow.errors import InvalidData, Problem
from itagflow.model.change import Change, Context, Saved, record
from itagflow.model.copying import evolve
from itagflow.model.event import Event
from itagflow.model.guideline import Guideline
from itagflow.model.job import Job
from itagflow.model.package import ClaimCounter


def change_fields(job: Job, fields: Mapping[str, Any]) -> Job:
    """Return *job* with these fields; another guideline is the next version of it."""
    after = attrs.evolve(job, **fields)
    if after.guideline == job.guideline:
        return after
    return attrs.evolve(after, guideline_version=job.guideline_version + 1)


def describe_guideline(before: Job | None, after: Job) -> dict[str, Any]:
    """Return what an event keeps of the guideline, where it made a new version; else nothing."""
    known = 0 if before is None else before.guideline_version
    if after.guideline_version == known:
        return {}
    # the job has the newest text only: the history has all of them
    return {"guideline": after.guideline, "guideline_version": after.guideline_version}


def list_guidelines(events: Iterable[Event]) -> list[Guideline]:
    """Return the versions of the guideline that these events made, in order."""
    return [
        Guideline(
            version=event.data["guideline_version"],
            text=event.data["guideline"],
            at=event.at,
            member=event.member,
        )
        for event in events
        if "guideline_version" in event.data
    ]


def require_version(job: Job, version: int | None) -> int:
    """Return *version* if the guideline of *job* has it; the newest one when none is given.

    Raises:
        InvalidData: when it does not have it yet.
    """
    if version is None:
        return job.guideline_version
    if version > job.guideline_version:
        reason = f"is {version}, and the newest version is {job.guideline_version}"
        raise InvalidData("the guideline", [Problem("version", reason)])
    return version


def acknowledge(
    job: Job, counters: Sequence[ClaimCounter], version: int, ctx: Context
) -> Change | None:
    """Note in the *counters* of a member that they have read this version; None: they had before.

    There is a counter for each stage of the job.
    """
    save: list[Saved] = [
        (counter, evolve(counter, acknowledged=version))
        for counter in counters
        if counter.acknowledged < version
    ]
    if not save:
        return None
    data = {"name": job.name, "version": version}
    return record(ctx, "acknowledge", about=job, save=save, data=data)
