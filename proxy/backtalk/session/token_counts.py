"""How much feedback each token has given: counted in Redis for all replicas, and here where Redis cannot be asked.

In: a token's id and how much it gives now. Out: whether that is within its limit. The one rule: nobody waits longer
than the budget; without Redis each process counts by itself, for a bounded number of tokens.
"""

import logging
from collections import OrderedDict
from typing import Final, cast

from backtalk import clock
from backtalk.model.meter import Meter
from backtalk.session import keys
from backtalk.session.breaker import Breaker
from backtalk.session.lookup import LoadingError, Lookup

_log: Final = logging.getLogger(__name__)
REMEMBERED: Final = 10_000
"""Tokens that a process counts by itself; beyond it the one used longest ago begins anew."""


class TokenCounts:
    """The counters as a proxy asks them. Without a URL each process counts alone."""

    def __init__(
        self, url: str | None, *, secret: bytes, metrics: Meter, lookup_ms: float, remembered: int = REMEMBERED
    ) -> None:
        self._secret = secret
        self._metrics = metrics
        self._remembered = remembered
        self._breaker = Breaker()
        self._lookup = None if url is None else Lookup(url, budget_s=lookup_ms / 1000)
        self._given: OrderedDict[str, int] = OrderedDict()

    async def allows(self, token_id: str, amount: int, *, limit: int, ttl_s: int) -> bool:
        """Count `amount` more, and say whether the token may still give that; `ttl_s` is how long it is good."""
        here = self._given.pop(token_id, 0) + amount
        if here > limit:
            self._remember(token_id, here - amount)
            return False
        self._remember(token_id, here)
        everywhere = await self._everywhere(token_id, amount, max(1, ttl_s))
        return everywhere is None or everywhere <= limit

    async def warm(self) -> None:
        """Load the client library ahead of the first token, in a thread."""
        if self._lookup is not None:
            await self._lookup.warm()

    async def aclose(self) -> None:
        """Close the connection."""
        if self._lookup is not None:
            await self._lookup.aclose()

    def _remember(self, token_id: str, given: int) -> None:
        self._given[token_id] = given
        if len(self._given) > self._remembered:
            self._given.popitem(last=False)

    async def _everywhere(self, token_id: str, amount: int, ttl_s: int) -> int | None:
        """The count of all replicas; None where Redis is away or slow."""
        if self._lookup is None or not self._breaker.may_try(clock.monotonic_ns()):
            self._metrics.add("backtalk.feedback.tokens_uncounted")
            return None
        name = keys.token(self._secret, token_id)
        try:
            count, _ = await self._lookup.send([("INCRBY", name, amount), ("EXPIRE", name, ttl_s)])
        except OSError as error:  # TimeoutError is one
            self._failed(error)
            return None
        self._breaker.succeeded()
        return cast("int", count)

    def _failed(self, error: OSError) -> None:
        if not isinstance(error, LoadingError):
            if not self._breaker.broken:
                reason = str(error) or type(error).__name__
                _log.warning("Redis does not answer in time; each process counts tokens alone: %s", reason)
            self._breaker.failed(clock.monotonic_ns())
        self._metrics.add("backtalk.feedback.tokens_uncounted")
