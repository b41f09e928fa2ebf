"""Labeling: answers are saved, submitted and merged."""
