"""How many packages of a job wait for their lots, and which lots it has."""

from __future__ import annotations

from collections.abc import Mapping

from itagflow.lots.key_rules import is_gathering
from itagflow.model.lot import AcceptanceLot
from itagflow.model.package import Package, PackageState
from itagflow.model.plan import LotState
from itagflow.storage.port import Query, Reader


def count_by_lot_key(reader: Reader, job: int) -> Mapping[str, int]:
    """Return how many packages of a job wait for the same, by `Package.lot_key`."""
    at_accept = Query(Package, {"job": job, "state": PackageState.ACCEPT})
    tally = reader.tally(at_accept, by=("lot_key",))
    return {str(key): number for (key,), (number,) in sorted(tally.items()) if key}


def count_lots(reader: Reader, job: int) -> Mapping[LotState, int]:
    """Return how many lots a job has in each state; those that have not closed by what waits."""
    tally = reader.tally(Query(AcceptanceLot, {"job": job}), by=("state",))
    counts = {LotState(state): number for (state,), (number,) in tally.items()}
    gathering = sum(map(is_gathering, count_by_lot_key(reader, job)))
    return {LotState.OPEN: gathering, **counts} if gathering else counts


def read_lots(reader: Reader, job: int) -> list[AcceptanceLot]:
    """Return the lots of a job, by number: there are few."""
    return list(reader.find(Query(AcceptanceLot, {"job": job}, order=("number",))))
