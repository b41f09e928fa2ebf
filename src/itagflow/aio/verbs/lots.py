# Generated from itagflow.api.lots by tests/docs/pins/write.py: change that, and run this.
"""Lots: packages on which an acceptance plan decides together; awaited."""

from __future__ import annotations

from functools import partial

from itagflow.aio.items import AsyncItems
from itagflow.aio.pool import ThreadPool
from itagflow.api.lots import Lots
from itagflow.model.lot import AcceptanceLot
from itagflow.typing import JobRef, MemberRef


class AsyncLots:
    """Lots: packages on which an acceptance plan decides together; awaited."""

    def __init__(self, pool: ThreadPool, lots: Lots) -> None:
        """Do the work of *lots* in the threads of *pool*."""
        self._pool = pool
        self._lots = lots

    def list(
        self,
        job: JobRef,
        *,
        by: MemberRef | None = None,
        limit: int | None = None,
        after: AcceptanceLot | int | None = None,
    ) -> AsyncItems[AcceptanceLot]:
        """Yield the lots of a job that have closed, by number: state, size, sample, what was found.

        A page begins behind *after*, the last one of the page before, or its number.

        Raises:
            NotAllowed: when *by* may not read results there.
        """
        verb = partial(self._lots.list, job, by=by, limit=limit, after=after)
        return AsyncItems(self._pool, verb)

    async def get(self, job: JobRef, number: int, *, by: MemberRef | None = None) -> AcceptanceLot:
        """Return the lot with this number; errors as in `list`.

        Raises:
            NotFound: when the job has no such lot.
        """
        return await self._pool.run(self._lots.get, job, number, by=by)

    async def close(self, job: JobRef, *, by: MemberRef) -> int:
        """Close the lots that packages wait for now, however few they are; return how many.

        Raises:
            NotAllowed: when *by* may not manage the job, it has no lots of several packages, or it
                neither runs nor is paused.
        """
        return await self._pool.run(self._lots.close, job, by=by)

    async def resume(self, job: JobRef, *, by: MemberRef) -> int:
        """Let inspection go on that was stopped after bad lots; return how many streams were.

        It goes on tightened.  Improve the work before: nothing else has changed.

        Raises:
            NotAllowed: when *by* may not manage the job, or it neither runs nor is paused.
        """
        return await self._pool.run(self._lots.resume, job, by=by)
