"""Workspaces, members and templates."""
