"""Datasets: immutable selections from the ledger, each row with the ids of every fact that made it."""
