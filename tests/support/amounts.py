"""How much tests try that draw what they try: little in every run, much by hand (``ITAGFLOW_LONG=1``)."""

from __future__ import annotations

from itagflow.testing import ConcurrencyContract

IS_LONG = ConcurrencyContract.is_long
"""Whether the tests may take hours; what the kit goes by, too."""


def amount(usual: int, long: int) -> int:
    """Return how many examples are drawn: other ones in each run, so that many runs try many."""
    return long if IS_LONG else usual
