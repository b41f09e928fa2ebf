"""The tables of states and transitions of jobs, packages and assignments."""
