"""What all targets share: an attempt, which tells a refusal from a failure."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from itagflow import InvalidData, ItagflowError


def attempt(act: Callable[..., Any], *given: Any, **named: Any) -> Any:
    """Return what *act* returns, or None when it refuses as it should: with what is wrong, in words."""
    try:
        return act(*given, **named)
    except ItagflowError as error:
        assert str(error)
        assert not isinstance(error, InvalidData) or error.problems
        return None


def as_json(text: str | bytes) -> Any:
    """Return what *text* holds, or None when it is not JSON."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None
