"""Trials of threads, forks and interruptions; each runs in a process of its own."""
