"""What is stuck in a job: read page by page, and decided by `blocking_rules`."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import Any

import attrs

from itagflow.claiming.decision import ClaimPlace, Decision, decide
from itagflow.claiming.queue import describe
from itagflow.core import lookup
from itagflow.core.engine import Engine
from itagflow.core.lookup import JobRef, MemberRef, Page, begin_behind
from itagflow.core.visibility import require_readable
from itagflow.jobs.blocking_rules import Workers, explain_open_lot, find_blocked
from itagflow.lots.counting import count_by_lot_key
from itagflow.lots.key_rules import is_gathering
from itagflow.model.job import Job, JobState, Stage
from itagflow.model.package import Assignment, Package, PackageState
from itagflow.model.reports import BlockedPackage
from itagflow.model.workspace import Member
from itagflow.storage.port import Query, Reader


def list_blocked(
    engine: Engine, job: JobRef, *, by: MemberRef | None, page: Page
) -> Iterator[BlockedPackage]:
    """Yield the packages of a job that nobody can go on with, by number."""
    with engine.store.read() as reader:
        current, _ = require_readable(engine, reader, "jobs.blocked", job, by)
        query = Query(
            Package, {"job": current.id, "open": True}, order=("number",), limit=page.size
        )
        if page.after is not None:
            # it need not be blocked or open any more: others may have gone on with it
            last = lookup.package_in(reader, current.id, _find_package(page.after))
            query = begin_behind(query, last.key)

    def read_page(
        reader: Reader, query: Query[Package]
    ) -> tuple[list[BlockedPackage], Query[Package] | None]:
        # asked again for every page: who reads may have been removed meanwhile
        now, _ = require_readable(engine, reader, "jobs.blocked", current.id, by)
        packages = list(reader.find(query))
        more = begin_behind(query, packages[-1].key) if len(packages) == query.limit else None
        return _find_blocked(engine, reader, now, packages), more

    return page.cut(lookup.iterate_pages(engine.store, read_page, query))


def _find_package(after: BlockedPackage | int) -> int:
    """Return the number of the last package of the page before."""
    if isinstance(after, BlockedPackage):
        return after.package
    return after


def _find_blocked(
    engine: Engine, reader: Reader, job: Job, packages: list[Package]
) -> list[BlockedPackage]:
    """Return which of these open *packages* are blocked."""
    # a draft gives out nothing yet, and what has ended never does again
    if not packages or job.state not in (JobState.RUNNING, JobState.PAUSED):
        return []
    numbers = tuple(package.number for package in packages)
    where: dict[str, Any] = {"job": job.id, "package": numbers}
    by_package = defaultdict[int, list[Assignment]](list)
    for assignment in reader.find(Query(Assignment, where, order=("id",))):
        by_package[assignment.package].append(assignment)
    workers = _describe_workers(engine, reader, job)
    lot_reason = _explain_open_lots(reader, job)
    found = (
        find_blocked(workers, each, by_package[each.number], lot_reason=lot_reason)
        for each in packages
    )
    return [blocked for blocked in found if blocked is not None]


def _explain_open_lots(reader: Reader, job: Job) -> str:
    """Return why packages wait for a lot in vain, or an empty string where more may come."""
    # of a job that ends by itself the last lot closes with what there is
    if not job.workflow.has_lots or job.auto_finish:
        return ""
    earlier = tuple(PackageState.at(stage) for stage in job.workflow.stages[:-1])
    on_its_way = Query(Package, {"job": job.id, "state": earlier}, limit=1)
    if lookup.first(reader, on_its_way) is not None:
        return ""
    waiting = sum(
        number for key, number in count_by_lot_key(reader, job.id).items() if is_gathering(key)
    )
    return explain_open_lot(waiting)


def _describe_workers(engine: Engine, reader: Reader, job: Job) -> Workers:
    """Return what each active member may take of *job*."""
    # as if it ran: that it is paused is no package's fault, and nobody has to look for it
    running = attrs.evolve(job, state=JobState.RUNNING)
    at = engine.now()
    active = Query(Member, {"workspace": job.workspace, "active": True}, order=("id",))
    members = list(reader.find(active))

    def decide_about(member: Member, stage: Stage) -> Decision:
        situation = describe(reader, engine, ClaimPlace(running, member, stage, at))
        # who holds as many as they may will hold less once they have done their work, and who has
        # not read the guideline can do so
        ready = attrs.evolve(situation, active=0, acknowledged=job.guideline_version)
        return decide(ready)

    decisions = {
        stage: [decide_about(member, stage) for member in members] for stage in job.workflow.stages
    }
    return Workers(job=running, decisions=decisions, at=at)
