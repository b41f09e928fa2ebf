"""In which part of a split a task is."""

from __future__ import annotations

from hashlib import blake2s
from itertools import accumulate

import attrs

from itagflow.errors import InvalidData, Problem
from itagflow.model.split import Split
from itagflow.model.task import Task
from itagflow.results.selection_rules import format_field


@attrs.frozen
class SplitPart:
    """One of the parts of a split."""

    split: Split
    name: str

    def has(self, task: Task) -> bool:
        """Return whether *task* is in it; one whose data was erased may be in any of them."""
        if task.erased:
            return True
        return choose_part(self.split, task) == self.name


def choose_part(split: Split, task: Task) -> str:
    """Return the name of the part that *task* is in; it follows from the task alone.

    Raises:
        InvalidData: when the task does not have the field that names its group.
    """
    digest = blake2s(f"{split.seed}\0{_find_group(split, task)}".encode(errors="surrogatepass"))
    place = int.from_bytes(digest.digest()[:8], "big") / 2**64
    names = list(split.shares)
    for name, end in zip(names, accumulate(split.shares.values()), strict=True):
        if place < end:
            return name
    return names[-1]  # shares may come to a bit less than 1


def _find_group(split: Split, task: Task) -> str:
    if split.by is None:
        return task.row_key_text or str(task.number)
    data = task.data
    if split.by not in data:
        reason = "is missing, and the split goes by it"
        raise InvalidData(str(task), [Problem(f"data.{split.by}", reason)])
    return format_field(data[split.by])
