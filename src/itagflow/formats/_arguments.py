"""Checks of what callers of a format pass."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from itagflow.errors import InvalidData, Problem
from itagflow.model.arguments import is_several
from itagflow.model.number import require_whole_number
from itagflow.model.template import Template
from itagflow.model.text import format_value

MAX_LIMIT = 2**40
"""How many bytes a row may be allowed to have; more than any machine could hold."""


def require_limit(value: object) -> int:
    """Return how many bytes a row may have.

    Raises:
        InvalidData: when it is no whole number of at least 1.
    """
    return require_whole_number("the format", "limit", value, least=1, most=MAX_LIMIT)


def require_mapping(name: str, value: object) -> None:
    """Check an argument that maps names to values.

    Raises:
        InvalidData: when it is no mapping.
    """
    if not isinstance(value, Mapping):
        raise make_error(name, "a mapping", value)


def require_template(value: object) -> None:
    """Check an argument that is a template.

    Raises:
        InvalidData: when it is none.
    """
    if not isinstance(value, Template):
        raise make_error("template", "a Template", value)


def parse_texts(name: str, value: Any) -> tuple[str, ...]:
    """Return an argument that is several texts.

    Raises:
        InvalidData: when it is not.
    """
    if not is_several(value):
        raise make_error(name, "several texts, such as a list", value)
    texts = tuple(value)
    for text in texts:
        if not isinstance(text, str):
            raise make_error(name, "several texts", text)
    return texts


def require_results(value: object) -> None:
    """Check an argument that yields results; each of them is checked when it is reached.

    Raises:
        InvalidData: when it cannot be gone through.
    """
    if not is_several(value):
        raise make_error("results", "an iterable of Result", value)


def require_job_id(value: object) -> None:
    """Check an argument that is the id of a job as it stands in a key, or None.

    Raises:
        InvalidData: when it is neither.
    """
    if value is not None and not isinstance(value, str):
        raise make_error("job", "the id in 'label-<id>' as a text, or None", value)


def make_error(name: str, wanted: str, value: object) -> InvalidData:
    """Return the error of an argument that is not what is wanted."""
    return InvalidData(
        "the format", [Problem(name, f"must be {wanted}, not {format_value(value)}")]
    )
