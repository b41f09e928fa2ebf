"""What every operation uses: the engine, the transaction, the change, and lookups."""
