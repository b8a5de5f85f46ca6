"""The ledger: Delta tables of what became of every call.

Append-only, exactly once, and readable by anything that reads Delta.
"""
