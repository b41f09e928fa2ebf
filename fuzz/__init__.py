"""Fuzzing: targets that take any bytes, the inputs that are kept, and how a run is started."""
