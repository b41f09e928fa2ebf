"""Results: read, exported, partitioned."""
