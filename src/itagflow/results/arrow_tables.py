"""Results as a table of Arrow."""

from __future__ import annotations

from functools import partial
from itertools import islice
from typing import Any

from itagflow.core.counted import Wrap, show
from itagflow.core.engine import Engine
from itagflow.errors import InvalidData, Problem
from itagflow.formats._packages import load_pyarrow
from itagflow.results.datasets import DatasetRef
from itagflow.results.tables import RowRequest, open_table


def build_arrow_table(
    engine: Engine,
    jobs: DatasetRef,
    table: RowRequest,
    *,
    votes: bool,
    progress: Wrap | None = None,
) -> Any:
    """Return the rows of `itagflow.results.tables.iter_rows` as a ``pyarrow.Table``.

    Raises:
        NotFound: as in `open_table`.
        NotAllowed: as in `open_table`.
        InvalidData: when PyArrow is not installed, or an answer does not fit the template.
    """
    # loaded when the first table is asked for
    from itagflow.formats._arrow import BATCH, ArrowRow, ArrowTable

    rows = open_table(engine, jobs, table, votes=votes)
    pa = load_pyarrow(table.name)
    arrow = ArrowTable.for_columns(pa, rows.template, rows.columns)
    # by tasks: how many votes there are is known when all are read
    rows.results = show(rows.results, rows.count_tasks(), progress)
    iterator = rows.iterate()
    batches: list[Any] = []
    while some := list(islice(iterator, BATCH)):
        places = [f"task {row['task']} of {row['job']!r}" for row in some]
        refusals = [partial(_refuse, place) for place in places]
        batches.append(arrow.build_batch(list(map(ArrowRow, places, some, refusals))))
    return pa.Table.from_batches(batches, arrow.schema)


def _refuse(place: str, what: str) -> None:
    """Refuse what a column has no place for: a table in memory has no report that tells of it.

    Raises:
        InvalidData: always.
    """
    raise InvalidData(place, [Problem(what, "have no place in the columns")])
