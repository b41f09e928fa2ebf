"""Pins: what the library shows and writes today, as text files, so that no refactoring changes it by accident."""
