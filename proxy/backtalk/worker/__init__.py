"""The worker: the process that decides what happened, once, and writes it into the journal.

In: the spools of all proxies. Out: the journal, which the ledger and the exporters follow in threads of their own.
"""

from backtalk.worker.core import Core, Follower
from backtalk.worker.run import run_worker

__all__ = ["Core", "Follower", "run_worker"]
