"""Lots as readers get them, and their closing by hand."""

from __future__ import annotations

from collections.abc import Iterator

from itagflow.access import Action
from itagflow.core import lookup
from itagflow.core.engine import Engine
from itagflow.core.lookup import JobRef, MemberRef, Page, begin_behind
from itagflow.core.visibility import list_visible, require_readable
from itagflow.errors import NotAllowed
from itagflow.lifecycle.tables import must_be_working
from itagflow.lots.closing_rules import find_lot_rule
from itagflow.lots.settling import settle_lots
from itagflow.model.lot import AcceptanceLot
from itagflow.storage.port import Query, Reader


def list_lots(
    engine: Engine, job: JobRef, *, by: MemberRef | None, page: Page
) -> Iterator[AcceptanceLot]:
    """Yield the lots of a job that have closed, by number."""
    with engine.store.read() as reader:
        current, _ = require_readable(engine, reader, "lots.list", job, by)
        query = Query(AcceptanceLot, {"job": current.id}, order=("number",))
        if page.after is not None:
            query = begin_behind(query, _find_lot(reader, current.id, page.after).key)

    def filter_visible(reader: Reader, lots: list[AcceptanceLot]) -> list[AcceptanceLot]:
        # for every page again: a role may change while a long list is read
        require_readable(engine, reader, "lots.list", current.id, by)
        return lots

    return list_visible(engine.store, query, filter_visible, page)


def get_lot(engine: Engine, job: JobRef, number: int, *, by: MemberRef | None) -> AcceptanceLot:
    """Return a lot of a job."""
    with engine.store.read() as reader:
        current, _ = require_readable(engine, reader, "lots.get", job, by)
        return _find_lot(reader, current.id, number)


def _find_lot(reader: Reader, job: int, ref: AcceptanceLot | int) -> AcceptanceLot:
    if isinstance(ref, AcceptanceLot):
        return lookup.require_same(ref, reader.get(AcceptanceLot, (job, ref.number)))
    return reader.get(AcceptanceLot, (job, lookup.require_number(AcceptanceLot, ref)))


def close_lots(engine: Engine, ref: JobRef, *, by: MemberRef) -> int:
    """Close the lots that packages wait for, as they are, and return how many have closed."""
    with engine.transaction() as transaction:
        job = transaction.job(ref)
        ctx = transaction.authorize(job.workspace, by, Action.MANAGE_JOB, job)
        must_be_working(job, "close lots")
        if find_lot_rule(job) is None:
            reason = f"each package of job {job.name!r} is a lot of its own, or no plan decides"
            raise NotAllowed("", "close lots", reason)
    return settle_lots(engine, job.id, closes_all=True, actor=ctx.member).closed
