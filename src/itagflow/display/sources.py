"""Files that are shown: given as a path or as bytes."""

from __future__ import annotations

import os
from typing import cast

from itagflow.errors import InvalidData, Problem
from itagflow.printing import format_repr


def read_source(what: str, field: str, source: object) -> bytes:
    """Return the bytes that are given, or those of the file."""
    if isinstance(source, bytes):
        return source
    if not isinstance(source, str | os.PathLike):
        reason = f"must be a path or bytes, not {format_repr(source)}"
        raise InvalidData(what, [Problem(field, reason)])
    path = cast("str | os.PathLike[str]", source)
    try:
        with open(path, "rb") as file:
            return file.read()
    except (OSError, ValueError) as error:
        reason = f"cannot be read: {format_repr(path)}: {error}"
        raise InvalidData(what, [Problem(field, reason)]) from None
