"""Redaction: facts go in as the spool's frames were understood, and come out with placeholders for personal data.

The worker's first step: nothing behind it (Redis, journal, ledger, exporters, metrics) sees what was taken out.
"""
