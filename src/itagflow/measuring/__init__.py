"""Measuring: how good the labels of jobs are, read from what was done."""
