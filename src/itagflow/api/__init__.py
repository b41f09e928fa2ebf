"""The nouns of the public API: a class for each, with signatures and docstrings, that calls the services."""
