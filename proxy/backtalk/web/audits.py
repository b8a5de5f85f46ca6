"""The audit over HTTP: which answers leave no trace of success, the same JSON as `backtalk audit --json`.

In: a period in nanoseconds. Out: the document. The one rule: audits are asked one after the other, in a thread that
traces and probes do not wait for.
"""

from pathlib import Path
from typing import Final

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from backtalk import clock
from backtalk.errors import RequestError
from backtalk.quality.audit import audit
from backtalk.quality.coverage_queries import Period
from backtalk.web.parameters import whole
from backtalk.web.reading import Reading

PERIOD_NS: Final = 30 * 86_400 * clock.NS_PER_S
"""The period where `since_ns` is not given: this much before its end."""
DEADLINE_S: Final = 120.0
_PARAMETERS: Final = frozenset(("since_ns", "until_ns"))


class Audits:
    """The handler and the thread behind it."""

    def __init__(self, data_dir: Path) -> None:
        self.reading: Final = Reading(lambda: data_dir / "ledger", deadline_s=DEADLINE_S, patience_s=DEADLINE_S)
        """The one thread in which the whole ledger is asked."""

    async def audit(self, request: Request) -> Response:
        """`GET /v1/audit`: what is known of the answers of a period, and what to instrument next."""
        now_ns = clock.now().wall_ns
        period = asked_period(request, now_ns)
        return JSONResponse(await self.reading.ask(lambda root: audit(root, period, now_ns)))

    def close(self) -> None:
        """Take no more questions."""
        self.reading.close()


def asked_period(request: Request, now_ns: int) -> Period:
    """The period of `since_ns` and `until_ns`; raises `RequestError` for what is none, or for another parameter."""
    asked = request.query_params
    if unknown := set(asked) - _PARAMETERS:
        message = f"unknown parameter {min(unknown)}; known are {', '.join(sorted(_PARAMETERS))}"
        raise RequestError(message, code="unknown_parameter", param=min(unknown))
    until_ns = whole(asked.get("until_ns"), "until_ns") or now_ns
    since_ns = whole(asked.get("since_ns"), "since_ns")
    since_ns = max(until_ns - PERIOD_NS, 0) if since_ns is None else since_ns
    if since_ns >= until_ns:
        raise RequestError("since_ns must be before until_ns", code="bad_period", param="since_ns")
    return Period(since_ns, until_ns)
