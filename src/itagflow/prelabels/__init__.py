"""Pre-labels: what models say before people do, and where that comes from."""

from itagflow.prelabels.sources import from_blocks, from_export, from_fields

__all__ = ["from_blocks", "from_export", "from_fields"]
