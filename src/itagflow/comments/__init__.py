"""Comments on tasks, in threads.

``rules.py`` makes threads out of comments and verdicts, and decides what may be written;
``service.py`` reads and writes.
"""
