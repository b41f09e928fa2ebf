"""Events: read and followed."""
