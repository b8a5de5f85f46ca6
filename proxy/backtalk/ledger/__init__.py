"""The ledger: Delta tables of what became of every call; append-only and exactly once."""
