"""The namespaces of the public API: a class for each, which calls the services."""
