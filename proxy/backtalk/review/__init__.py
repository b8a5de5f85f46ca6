"""Looks back at the ledger: what other detectors would have noticed, and how far what was noticed can be believed.

In: tables, pinned to their versions. Out: signals and reports. The one rule: the same tables give the same bytes.
"""
