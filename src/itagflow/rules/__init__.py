"""What may happen and what follows: pure functions, a module for each family of acts.

A rule is given everything it looks at, time included, and returns a `Change`; it never reads a store.
"""
