"""What every operation stands on: the engine, the transaction, the change, and how things are found."""
