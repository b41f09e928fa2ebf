"""Claiming: how members get work, and how assignments begin and end without it.

``decision.py`` is the one decision: what may this member take, and why not.  ``rules.py`` says how
assignments begin and end.  Both are pure.  ``queue.py`` has the queries, ``service.py`` the
functions that lock, decide and write.
"""
