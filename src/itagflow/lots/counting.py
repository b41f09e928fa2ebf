"""How many packages of a job wait for their lots."""

from __future__ import annotations

from collections.abc import Mapping

from itagflow.model.package import Package, PackageState
from itagflow.storage.port import Query, Reader


def count_by_lot_key(reader: Reader, job: int) -> Mapping[str, int]:
    """Return how many packages of a job wait for the same, by `Package.lot_key`."""
    at_accept = Query(Package, {"job": job, "state": PackageState.ACCEPT})
    tally = reader.tally(at_accept, by=("lot_key",))
    return {str(key): number for (key,), (number,) in sorted(tally.items()) if key}
