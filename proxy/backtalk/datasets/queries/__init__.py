"""What is asked of the ledger for a dataset: tables go in, tables come out, the same on every engine.

Pure expressions; nothing here reads anything. `steps` lists them in the order in which they run.
"""
