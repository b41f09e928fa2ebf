"""The files of the parts of a split."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any, cast

from itagflow.errors import InvalidData, Problem
from itagflow.model.split import Split

PLACEHOLDER = "{split}"
"""What stands in the path of the files for the name of a part."""


def name_targets(target: Any, split: Split) -> dict[str, Any]:
    """Return the file of each part: a path has ``{split}`` in it, or each part is given one.

    Raises:
        InvalidData: when the target does not say where each part goes.
    """
    if isinstance(target, Mapping):
        given = cast("Mapping[str, Any]", target)
        if set(given) != set(split.shares):
            reason = f"must have a place for each of {', '.join(split.shares)}, and no other"
            raise InvalidData("the export", [Problem("target", reason)])
        paths = [
            os.path.realpath(cast("str | os.PathLike[str]", place))
            for place in given.values()
            if isinstance(place, str | os.PathLike)
        ]
        if len(set(paths)) < len(paths):
            raise InvalidData("the export", [Problem("target", "has the same path twice")])
        return {name: given[name] for name in split.shares}
    if isinstance(target, str | os.PathLike):
        path = os.fsdecode(cast("str | os.PathLike[str]", target))
        if PLACEHOLDER in path:
            return {name: path.replace(PLACEHOLDER, name) for name in split.shares}
    reason = (
        f"must be a path with {PLACEHOLDER} in it, such as 'cats.{PLACEHOLDER}.jsonl', "
        "or a mapping from the names of the parts to places"
    )
    raise InvalidData("the export", [Problem("target", reason)])
