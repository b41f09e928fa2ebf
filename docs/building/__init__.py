"""What builds the pages of the documentation."""
