"""Jobs: created, loaded, published, paused, finished; and their packages."""
