"""What must hold at any time, on everything that a Flow can show."""

from __future__ import annotations

from itagflow import Flow, maintenance


def check(flow: Flow) -> None:
    """Check that nothing in the store is other than the rest of it and the history say."""
    assert [str(difference) for difference in maintenance.verify(flow)] == []
