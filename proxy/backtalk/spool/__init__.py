"""Durable frames: the intake of each proxy process and the worker's journal.

In: payloads. Out: the same payloads, each once and in order, also after a kill at any moment. The one rule: what was
acknowledged is on disk, and what a reader has seen is never taken back.
"""

from backtalk.spool.cursor import Cursor
from backtalk.spool.intake import Intake, Taken
from backtalk.spool.journal import Journal
from backtalk.spool.spool import Spool
from backtalk.spool.tail import Record, Tail, read_back

__all__ = ["Cursor", "Intake", "Journal", "Record", "Spool", "Tail", "Taken", "read_back"]
