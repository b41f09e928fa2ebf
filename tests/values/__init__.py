"""Wrong values at every public parameter: they work, or raise an `ItagflowError`."""
