"""Changing the template of a job while people work."""
