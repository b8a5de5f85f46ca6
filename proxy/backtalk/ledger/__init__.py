"""The ledger: Delta tables of what became of every call; append-only, exactly once, readable by anything that reads Delta."""
