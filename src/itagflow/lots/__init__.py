"""Lots of several packages: when one closes, what is drawn of it, and what its plan decides."""
