"""Carries out erasures, one small step at a time, between the worker's own work.

In: orders, as files. Out: the tombstone as a fact, then texts gone from the ledger, the journal, the exporters' memory,
Redis, the spools, the proxies and the datasets, in this order, with each place written down when it is done. The one
rule: every step may be repeated, so a kill at any moment costs a repeat and nothing is left out; the person's name
stays in the order until the last step.
"""

import logging
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from functools import partial
from pathlib import Path
from typing import Final

import msgspec

from backtalk import clock
from backtalk.errors import BacktalkError
from backtalk.ledger.erasing import Erasure
from backtalk.ledger.erasing import Order as LedgerOrder
from backtalk.model.erased import Erased
from backtalk.model.meter import Meter
from backtalk.spool import erasures
from backtalk.spool.commit import CUT, touched_ns
from backtalk.spool.erasures import Order
from backtalk.spool.segments import SUFFIX
from backtalk.worker import padding
from backtalk.worker.erasure_places import DatasetsErased, Places, Pseudonym
from backtalk.worker.tombstones import Tombstones

_log = logging.getLogger(__name__)
PAUSE_S: Final = 5.0
_LATE_NS: Final = 60 * clock.NS_PER_S


class Eraser:
    """Asked once a second by the worker's loop; used by one thread."""

    def __init__(
        self,
        data_dir: Path,
        tombstones: Tombstones,
        places: Places,
        metrics: Meter,
        *,
        pseudonym: Pseudonym,
        forget: Callable[[], None] = lambda: None,
        pause_s: float = PAUSE_S,
    ) -> None:
        self._data_dir = data_dir
        self._tombstones = tombstones
        self._facts, self._rewrite, self._tables, self._texts = places[:4]
        self._exporters, self._builds_now, self._datasets_of = places[4:]
        self._pseudonym, self._forget = pseudonym, forget
        self._pause_ns = int(pause_s * clock.NS_PER_S)
        self._metrics = metrics
        self._known: dict[str, Order] = {}
        self._asked: Future[Erasure] | None = None
        self._rewriting: Future[DatasetsErased] | None = None
        self._log_asked = self._rereading = False
        self._seen_ns = 0
        self._leaving: set[Path] | None = None
        self._building: frozenset[str] | None = None
        self._again_ns = self._late_ns = 0
        self._steps: Mapping[str, Callable[[Order], Order | None]] = {
            "ledger": self._ledger,
            "journal": self._journal,
            "exporters": self._reread,
            "redis": self._redis,
            "redis_log": self._redis_log,
            "spools": self._spools,
            "builds": self._builds,
            "datasets": self._datasets,
        }

    def tend(self) -> None:
        """Do the next step, if there is one; what fails is tried again after a pause."""
        now_ns = clock.monotonic_ns()
        if now_ns < self._again_ns:
            return
        try:
            self._notice()
            order = next((order for order in self._known.values() if order.done_ns is None), None)
            if order is not None:
                self._go_on(order)
            self._blank_late(now_ns)
        except BacktalkError as error:
            self._asked = self._rewriting = None
            self._again_ns = now_ns + self._pause_ns
            self._metrics.add("backtalk.erasure.failed")
            _log.warning("an erasure waits", extra={"reason": error.message})

    def _notice(self) -> None:
        """Take up orders that are new; from here on what comes late is erased on arrival."""
        changed_ns = touched_ns(self._data_dir / erasures.DIRECTORY)
        if changed_ns == self._seen_ns:
            return
        for order in erasures.load(self._data_dir):
            if order.id not in self._known:
                self._known[order.id] = order
                self._tombstones.add(order)
                self._forget()  # what waits in memory to be sent to a model
        self._seen_ns = changed_ns

    def _go_on(self, order: Order) -> None:
        if order.position is None:
            self._keep(msgspec.structs.replace(order, position=self._facts.record(_tombstone(order))))
            return
        for place, step in self._steps.items():
            if place not in order.done:
                if (after := step(order)) is not None:
                    self._keep(after)
                return
        self._keep(msgspec.structs.replace(order, subject="", done_ns=clock.now().wall_ns))
        self._metrics.add("backtalk.erasure.done", by=order.by)

    def _keep(self, order: Order) -> None:
        erasures.save(self._data_dir, order)
        self._known[order.id] = order

    def _ledger(self, order: Order) -> Order | None:
        """Once everything before the tombstone is in the tables, take the texts out of them."""
        if self._asked is None:
            if self._tables.committed >= (order.position or 0):
                self._asked = self._tables.erase(self._named(order))
            return None
        if not self._asked.done():
            return None
        asked, self._asked = self._asked, None
        found = asked.result()
        after = msgspec.structs.replace(
            order,
            done={**order.done, "ledger": sum(found.rows.values()), **dict(found.rows)},
            span_ids=found.span_ids,
            trace_ids=found.trace_ids,
            session_ids=found.session_ids,
            response_ids=found.response_ids,
            raters=found.raters[1:],
            tenants=found.tenants,
            fact_ids=found.fact_ids,
        )
        self._tombstones.add(after)
        return after

    def _named(self, order: Order) -> LedgerOrder:
        pseudonym = partial(self._pseudonym, order.subject)
        return LedgerOrder(order.by, order.subject, order.asked_ns, order.tenant, pseudonym)

    def _journal(self, order: Order) -> Order:
        count = self._rewrite(lambda payload: padding.erased(payload, self._tombstones.facts))
        return _done(order, "journal", count)

    def _reread(self, order: Order) -> Order | None:
        """Have exporters let go of what they read before, also while their receiver is away."""
        if not self._rereading:
            self._rereading = True
            for exporter in self._exporters:
                exporter.reread()
        if not all(exporter.has_reread for exporter in self._exporters):
            return None
        self._rereading = False
        return _done(order, "exporters", len(self._exporters))

    def _redis(self, order: Order) -> Order:
        count = self._texts.blank(frozenset(order.span_ids))
        self._forget()  # what was asked meanwhile about texts that Redis still had
        return _done(order, "redis", count)

    def _redis_log(self, order: Order) -> Order | None:
        if not self._log_asked:
            self._texts.rewrite_log()
            self._log_asked = True
            return None
        if not self._texts.log_is_rewritten():
            return None
        self._log_asked = False
        return _done(order, "redis_log", 1)

    def _spools(self, order: Order) -> Order | None:
        """Wait until the files are gone that were written to before proxies were asked to begin new ones."""
        spools = self._data_dir / "spool"
        if self._leaving is None:
            self._leaving = set(spools.glob(f"[!.]*/*{SUFFIX}"))
            (spools / CUT).touch()
        self._facts.release()
        self._leaving = {path for path in self._leaving if path.exists()}
        if self._leaving:
            return None
        self._leaving = None
        return _done(order, "spools", 1)

    def _builds(self, order: Order) -> Order | None:
        """Wait for the builds that may have read the texts before: they register what they wrote, or fail."""
        now = self._builds_now()
        if self._building is None:
            self._building = now
            if now:
                _log.info("an erasure waits for builds of datasets", extra={"erasure": order.id, "builds": len(now)})
        self._building &= now
        if self._building:
            return None
        self._building = None
        return _done(order, "builds", 1)

    def _datasets(self, order: Order) -> Order | None:
        """Last, for what the builds have written."""
        if self._rewriting is None:
            self._rewriting = self._datasets_of(order)
            return None
        if not self._rewriting.done():
            return None
        asked, self._rewriting = self._rewriting, None
        found = asked.result()
        counts = {"datasets": found.datasets, "dataset_rows": found.rows, "log_files": found.log_files}
        done = {**order.done, **counts}
        return msgspec.structs.replace(order, done=done, not_reached=found.not_reached, trained=found.trained)

    def _blank_late(self, now_ns: int) -> None:
        """Blank in Redis what has come since behind a tombstone, now and then."""
        late = self._tombstones.late
        if late and now_ns - self._late_ns >= _LATE_NS:
            self._late_ns = now_ns
            self._texts.blank(frozenset(late))
            self._texts.rewrite_log()
            late.clear()


def _tombstone(order: Order) -> Erased:
    return Erased(
        order.id, order.by, order.subject_hash, order.asked_ns, order.actor, order.reason, tenant=order.tenant
    )


def _done(order: Order, place: str, count: int) -> Order:
    return msgspec.structs.replace(order, done=dict(order.done) | {place: count})
