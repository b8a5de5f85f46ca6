"""GET /v1/conversion, the same JSON as `backtalk conversion --json`, and the figure of it that is scraped.

In: a period in nanoseconds, or the passing of time. Out: the document, or `backtalk.conversion.share`. The one
rule: it is asked in the thread of the audits, which traces and probes do not wait for, and takes a hundredth of it.
"""

from pathlib import Path
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from backtalk import clock
from backtalk.model.meter import Meter
from backtalk.quality.conversion import conversion
from backtalk.quality.coverage_queries import Period
from backtalk.web.audits import PERIOD_NS, asked_period
from backtalk.web.counting import count_for_ever
from backtalk.web.reading import Reading

PAUSE_S: Final = 900.0


class Conversions:
    """The handler and the gauge; `reading` gives the ledger's root."""

    def __init__(self, reading: Reading[Path], metrics: Meter) -> None:
        self._reading = reading
        self._metrics = metrics
        self._known: set[tuple[str, str]] = set()

    async def conversion(self, request: Request) -> Response:
        """`GET /v1/conversion`: which share of signals and feedback became rows of datasets, and why not the rest."""
        now_ns = clock.now().wall_ns
        return JSONResponse(await self._ask(asked_period(request, now_ns), now_ns))

    async def follow(self) -> None:
        """Count for ever, first after a pause, so that a start is not slowed."""
        await count_for_ever(self.count, PAUSE_S, "conversion")

    async def count(self, now_ns: int) -> None:
        """Record the share of each kind; of a kind that is gone nothing is converted."""
        document = await self._ask(Period(max(now_ns - PERIOD_NS, 0), now_ns + 1), now_ns)
        found = {(one["fact"], one["kind"]): float(one["share"]) for one in document["kinds"]}
        for fact, kind in self._known | found.keys():
            self._metrics.set("backtalk.conversion.share", found.get((fact, kind), 0.0), fact=fact, kind=kind)
        self._known |= found.keys()

    async def _ask(self, period: Period, now_ns: int) -> dict[str, Any]:
        return await self._reading.ask(lambda root: conversion(root.parent, period, now_ns))
