"""Lots: packages on which an acceptance plan decides together."""

from __future__ import annotations

from collections.abc import Iterator

from itagflow.core.engine import Engine
from itagflow.core.lookup import Page
from itagflow.lots import listing
from itagflow.model.lot import AcceptanceLot
from itagflow.typing import JobRef, MemberRef


class Lots:
    """Lots: packages on which an acceptance plan decides together."""

    def __init__(self, engine: Engine) -> None:
        """Work over *engine*."""
        self._engine = engine

    def list(
        self,
        job: JobRef,
        *,
        by: MemberRef | None = None,
        limit: int | None = None,
        after: AcceptanceLot | int | None = None,
    ) -> Iterator[AcceptanceLot]:
        """Yield the lots of a job that have closed, by number: state, size, sample, what was found.

        A page begins behind *after*, the last one of the page before, or its number.

        Raises:
            NotAllowed: when *by* may not read results there.
        """
        return listing.list_lots(self._engine, job, by=by, page=Page(limit, after))

    def get(self, job: JobRef, number: int, *, by: MemberRef | None = None) -> AcceptanceLot:
        """Return the lot with this number; errors as in `list`.

        Raises:
            NotFound: when the job has no such lot.
        """
        return listing.get_lot(self._engine, job, number, by=by)

    def close(self, job: JobRef, *, by: MemberRef) -> int:
        """Close the lots that packages wait for now, however few they are; return how many.

        Raises:
            NotAllowed: when *by* may not manage the job, it has no lots of several packages, or it
                neither runs nor is paused.
        """
        return listing.close_lots(self._engine, job, by=by)
