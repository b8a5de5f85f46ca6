"""Takes rows out of datasets that were built, in a thread: a large one takes minutes, and the worker's loop goes on.

In: an order with the keys that the ledger found. Out: what was done, later. The one rule: one order at a time.
"""

from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

from backtalk.spool.erasures import Order
from backtalk.worker.erasure_places import DatasetsErased


class DatasetErasing:
    """Of one data directory."""

    def __init__(self, data_dir: Path) -> None:
        self._data_dir = data_dir
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="dataset-erasing")

    def erase(self, order: Order) -> "Future[DatasetsErased]":
        """Begin; what is cut by the end of the process is done again."""
        return self._thread.submit(self._erase, order)

    def _erase(self, order: Order) -> DatasetsErased:
        from backtalk.datasets import erasing  # noqa: PLC0415 -- 20 MB that only an erasure needs

        wanted = erasing.Order(order.id, frozenset(order.span_ids), frozenset(order.fact_ids))
        return erasing.erase(self._data_dir, wanted)
