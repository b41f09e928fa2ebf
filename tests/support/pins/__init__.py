"""Pins: what the library shows and writes, as text files, so that nothing changes by accident.

``python tests/docs/pins/write.py`` writes the files again after a change by design.
"""
