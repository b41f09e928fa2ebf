"""Results as batches of rows, which wait in a file until all fields of the data are known."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

import attrs

from itagflow.errors import InvalidData, Problem
from itagflow.formats._arrow import BATCH, ArrowRow, ArrowTable
from itagflow.formats._columns import FIXED, MARKS, Columns
from itagflow.formats._port import Counts
from itagflow.model.job import STAGES
from itagflow.model.result import Result
from itagflow.model.task import Task

GROUP_BYTES = 64 * 1024 * 1024
"""How much a batch or a row group holds at the most."""
MAX_FIELDS = 16_384
"""The most fields; if each row has its own, most cells are empty."""
_LENGTH = 8
"""How many bytes say how long a batch in the file is."""


@attrs.frozen
class _Waiting:
    """A row that is not in the file yet."""

    task: Task
    row: Mapping[str, Any]
    """What is known of the task, and the answers."""
    data: Mapping[str, Any]
    """Its data, parsed once."""


@attrs.define
class ArrowDraft:
    """The rows that are to be written."""

    pa: Any
    """The module ``pyarrow``."""
    spool: Any
    """The file in which they wait."""
    counts: Counts
    """Is told what is written, and what is lost; it has the context."""
    class_ids: Mapping[str, Mapping[str, int]]
    """As in `ArrowTable.for_columns`."""
    columns: Columns = attrs.field(init=False)
    """The columns besides those of the fields."""
    answers: ArrowTable = attrs.field(init=False)
    """The same with their types."""
    fields: dict[str, None] = attrs.field(factory=dict[str, None], init=False)
    """The fields of the data, in the order in which they first appear."""
    names: dict[int, str] = attrs.field(factory=dict[int, str], init=False)
    """What members are called, by key."""
    waiting: list[_Waiting] = attrs.field(factory=list[_Waiting], init=False)
    """What is not in the file yet."""
    size: int = attrs.field(default=0, init=False)
    """How long their data is."""
    widths: list[int] = attrs.field(factory=list[int], init=False)
    """How many fields each batch in the file has."""

    def __attrs_post_init__(self) -> None:
        """Make the columns of what is asked."""
        context = self.counts.context
        template = context.asked
        fixed = (*MARKS, *FIXED) if context.is_increment else FIXED
        self.columns = Columns.for_template(template, (), fixed)
        self.answers = ArrowTable.for_columns(self.pa, template, self.columns, self.class_ids)

    def add(self, result: Result) -> None:
        """Take a result.

        Raises:
            InvalidData: when the rows have too many fields, or one is none that a table can have.
        """
        context = self.counts.context
        self.counts.add_task(result)
        known = _select_stages(result, context.stages)
        members = {entry.member for entry in known.provenance if entry.member}
        for member in members - self.names.keys():
            self.names[member] = context.name_member(member)
        row = self.columns.build_row(known, context.job_names.get(result.task.job, ""), self.names)
        data = result.task.data
        self.fields.update(dict.fromkeys(data))
        _require_few(len(self.fields))
        self.waiting.append(_Waiting(result.task, row, data))
        self.size += len(result.task.row)
        if len(self.waiting) >= BATCH or self.size >= GROUP_BYTES:
            self._store()

    def _store(self) -> None:
        """Write what waits to the file: the answers, and the fields that are known so far."""
        tasks = [each.task for each in self.waiting]
        lose = [partial(self.counts.lose, task) for task in tasks]
        fields = ArrowTable.for_fields(self.pa, list(self.fields))
        for table, values in (
            (self.answers, [each.row for each in self.waiting]),
            (fields, [each.data for each in self.waiting]),
        ):
            rows = list(map(ArrowRow, map(str, tasks), values, lose))
            content = table.build_batch(rows).serialize()
            self.spool.write(len(content).to_bytes(_LENGTH, "big"))
            self.spool.write(content)
        self.widths.append(len(self.fields))
        self.waiting.clear()
        self.size = 0

    def make_table(self) -> ArrowTable:
        """Return the table of all rows; none is added after it."""
        if self.waiting:
            self._store()
        template = self.counts.context.asked
        columns = Columns.for_template(template, self.fields, self.columns.fixed)
        return ArrowTable.for_columns(self.pa, template, columns, self.class_ids)

    def iter_batches(self, schema: Any) -> Iterator[Any]:
        """Yield all rows in batches with the columns of *schema*."""
        names = list(self.fields)
        self.spool.seek(0)
        for width in self.widths:
            answers = self._read_batch(self.answers.schema)
            fields = self._read_batch(ArrowTable.for_fields(self.pa, names[:width]).schema)
            empty = self.pa.nulls(answers.num_rows, self.pa.string())
            missing = [empty] * (len(names) - width)
            count = len(self.columns.fixed)
            arrays = [*answers.columns[:count], *fields.columns, *missing, *answers.columns[count:]]
            yield self.pa.record_batch(arrays, schema=schema)

    def _read_batch(self, schema: Any) -> Any:
        length = int.from_bytes(self.spool.read(_LENGTH), "big")
        content = self.pa.py_buffer(self.spool.read(length))
        return self.pa.ipc.read_record_batch(content, schema)


def _select_stages(result: Result, stages: tuple[object, ...]) -> Result:
    """Return a result without what was said and done at other stages than these."""
    others = [stage for stage in STAGES if stage not in stages]
    if not any(stage in result.stages for stage in others) and not any(
        entry.stage in others for entry in result.provenance
    ):
        return result  # nearly always: nothing has to be made again
    return Result(
        task=result.task,
        state=result.state,
        stages={stage: each for stage, each in result.stages.items() if stage in stages},
        provenance=tuple(entry for entry in result.provenance if entry.stage in stages),
    )


def _require_few(fields: int) -> None:
    """Check how many columns the fields make.

    Raises:
        InvalidData: when they are too many.
    """
    if fields > MAX_FIELDS:
        reason = f"are more than {MAX_FIELDS:,} in all: use the format 'jsonl'"
        raise InvalidData("the results", [Problem("the fields of the rows", reason)])
