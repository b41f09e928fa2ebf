"""Words and switches that several verbs of jobs take, and their checks."""

from __future__ import annotations

from typing import cast

from itagflow import formats
from itagflow.jobs.loading import OnError
from itagflow.model.arguments import make_error
from itagflow.model.number import require_number
from itagflow.model.text import require_text
from itagflow.printing import format_repr

ON_ERROR = ("raise", "skip")
"""What can be done about bad rows."""


def require_format(verb: str, format: str) -> str:
    """Return *format*, which is there: asked before anything is stored.

    Raises:
        UnknownFormat: when there is no such format.
    """
    name = require_text(verb, "format", format)
    formats.find(name)
    return name


def require_on_error(verb: str, on_error: OnError) -> OnError:
    """Return *on_error*, which is a word that there is.

    Raises:
        InvalidData: when it is none.
    """
    given = cast(object, on_error)
    if isinstance(given, str) and given in ON_ERROR:
        return on_error
    known = " or ".join(map(format_repr, ON_ERROR))
    raise make_error(verb, "on_error", f"must be {known}", given)


def require_confidence(min_confidence: bool | float) -> bool | float:
    """Return *min_confidence*, which is true, false, or a number.

    Raises:
        InvalidData: when it is none of these.
    """
    if isinstance(min_confidence, bool):
        return min_confidence
    return require_number("jobs.prelabel", "min_confidence", min_confidence)
