"""Reviewing: judge, modify, pass and reject; samples; how packages move from stage to stage."""
