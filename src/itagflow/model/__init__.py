"""What there is: frozen values with a key and a version; no I/O, no clock."""
