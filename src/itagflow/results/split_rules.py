"""In which part of a split a task is, and the files of the parts."""

from __future__ import annotations

import os
from collections.abc import Mapping
from hashlib import blake2s
from itertools import accumulate
from typing import Any, TypeVar, cast

import attrs

from itagflow.errors import InvalidData, Problem
from itagflow.model.split import Split
from itagflow.model.task import Task
from itagflow.results.selection_rules import format_field

Place = TypeVar("Place")
"""What can be written."""
PLACEHOLDER = "{split}"
"""What stands in the path of the files for the name of a part."""


@attrs.frozen
class SplitPart:
    """One of the parts of a split."""

    split: Split
    name: str

    def has(self, task: Task) -> bool:
        """Return whether *task* is in it."""
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


def name_targets(target: Place | Mapping[str, Place], split: Split) -> dict[str, Place | str]:
    """Return the file of each part: a path has ``{split}`` in it, or each part is given one.

    Raises:
        InvalidData: when the target does not say where each part goes.
    """
    if isinstance(target, Mapping):
        if set(target) != set(split.shares):
            reason = f"must have a place for each of {', '.join(split.shares)}, and no other"
            raise InvalidData("the export", [Problem("target", reason)])
        paths = [
            os.path.realpath(cast("str | os.PathLike[str]", place))
            for place in target.values()
            if isinstance(place, str | os.PathLike)
        ]
        if len(set(paths)) < len(paths):
            raise InvalidData("the export", [Problem("target", "has the same path twice")])
        return {name: target[name] for name in split.shares}
    place: Any = target
    if isinstance(place, str | os.PathLike):
        path = os.fsdecode(cast("str | os.PathLike[str]", place))
        if PLACEHOLDER in path:
            return {name: path.replace(PLACEHOLDER, name) for name in split.shares}
    reason = (
        f"must be a path with {PLACEHOLDER} in it, such as 'cats.{PLACEHOLDER}.jsonl', "
        "or a mapping from the names of the parts to places"
    )
    raise InvalidData("the export", [Problem("target", reason)])
