"""Names of parametrized tests: the same in every process, as pytest-xdist needs them."""

from __future__ import annotations

import re


def describe(value: object) -> str:
    """Return the ``repr`` of a value without addresses of memory."""
    return re.sub(r" at 0x[0-9a-f]+", "", repr(value))
