"""Pre-labels: what models say before people do, and where that comes from."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from itagflow.prelabels.sources import from_blocks, from_export, from_fields

__all__ = ["from_blocks", "from_export", "from_fields"]


def __getattr__(name: str) -> Any:
    """Import the sources when one is first asked for: with them come the formats of files."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module("itagflow.prelabels.sources"), name)
