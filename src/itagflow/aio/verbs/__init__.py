"""The verbs, awaited; generated from the sync ones."""
