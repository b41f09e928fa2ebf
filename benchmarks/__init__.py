"""Benchmarks: each module prints one table, ``python -m benchmarks.run``.

What they share is in `benchmarks.shared`; `README.md` has the tables that were measured.
"""
