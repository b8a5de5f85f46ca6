"""What a call cost, by the price table that litellm's package brings: local data, read without importing litellm.

In: a call that ended. Out: US dollars, or None where any part of them is not known: no usage, a model without a price,
an address that could serve anything. The one rule: unknown is never nought.
"""

import importlib.util
import logging
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple, Self

import msgspec

from backtalk.export.upstreams import priced_as
from backtalk.model.chat import Usage
from backtalk.model.facts import CallClosed

_log: Final = logging.getLogger(__name__)
_FILE: Final = "model_prices_and_context_window_backup.json"
_RATE: Final = re.compile(
    r"(?:(?:in|out)put_cost_per_token|cache_(?:read|creation)_input_token_cost)(?:_above_(\d+)k_tokens)?(?:_flex|_priority)?"
)
_TIERS: Final = frozenset(("flex", "priority"))


class Price(NamedTuple):
    """Dollars a token, by the table's own names; `steps` are input sizes above which others count, largest first."""

    provider: str
    rates: Mapping[str, float]
    steps: tuple[int, ...] = ()

    def rate(self, name: str, *, input_tokens: int, tier: str) -> float | None:
        """The rate that counts for a call of this size and tier."""
        for step in self.steps:
            if input_tokens > step:
                found = self.rates.get(f"{name}_above_{step // 1000}k_tokens{tier}")
                if found is not None:
                    return found
        return self.rates.get(name + tier)


class _Tier(msgspec.Struct):
    service_tier: object = None


_entries: Final = msgspec.json.Decoder(dict[str, msgspec.Raw])
_entry: Final = msgspec.json.Decoder(dict[str, Any])
_tier: Final = msgspec.json.Decoder(_Tier)


class Prices:
    """All prices by the table's names of models."""

    def __init__(self, prices: Mapping[str, Price]) -> None:
        self._prices = prices

    @classmethod
    def bundled(cls) -> Self:
        """The table of the installed package; without it, or where it cannot be read, no price is known."""
        spec = importlib.util.find_spec("litellm")  # finds the package and imports nothing of it
        for place in spec.submodule_search_locations or () if spec else ():
            try:
                return cls(dict(_read((Path(place) / _FILE).read_bytes())))
            except (OSError, msgspec.MsgspecError) as error:
                _log.warning("the price table cannot be read; no cost is known", extra={"reason": str(error)})
        return cls({})

    def __len__(self) -> int:
        return len(self._prices)

    def cost_usd(self, call: CallClosed) -> float | None:
        """What a call cost; None where that is not known."""
        if call.cache == "hit":
            return 0.0  # nobody was asked
        usage, named = call.response.usage, priced_as(call)
        if usage is None or named is None or call.status >= 400:
            return None
        price = self._price(named[0], (call.response.model, named[1]))
        return None if price is None else _cost(price, usage, _tier_of(call.opened.request.params_json))

    def _price(self, provider: str, models: tuple[str | None, ...]) -> Price | None:
        for model in models:
            for name in (f"{provider}/{model}", model) if model else ():
                price = self._prices.get(name)
                if price is not None and provider in price.provider:
                    return price
        return None


def _cost(price: Price, usage: Usage, tier: str) -> float | None:
    input_tokens, output_tokens = usage.input_tokens or 0, usage.output_tokens or 0
    read, written = usage.cached_tokens or 0, usage.cache_write_tokens or 0
    plain = max(0, input_tokens - read - written)
    asked = price.rate("input_cost_per_token", input_tokens=input_tokens, tier=tier)
    answered = price.rate("output_cost_per_token", input_tokens=input_tokens, tier=tier)
    if asked is None or (answered is None and output_tokens):
        return None
    cached = price.rate("cache_read_input_token_cost", input_tokens=input_tokens, tier=tier)
    kept = price.rate("cache_creation_input_token_cost", input_tokens=input_tokens, tier=tier)
    total = plain * asked + output_tokens * (answered or 0.0)
    total += read * (asked if cached is None else cached) + written * (asked if kept is None else kept)
    return round(total, 12)


def _tier_of(params_json: str) -> str:
    """The suffix of the service tier that was asked for."""
    if "service_tier" not in params_json:
        return ""
    try:
        tier = _tier.decode(params_json).service_tier
    except (msgspec.MsgspecError, RecursionError):
        return ""
    return f"_{tier}" if tier in _TIERS else ""


def _read(table: bytes) -> Iterator[tuple[str, Price]]:
    for name, raw in _entries.decode(table).items():
        try:
            fields = _entry.decode(raw)
        except msgspec.MsgspecError:
            continue
        found = {key: match for key in fields if (match := _RATE.fullmatch(key))}
        rates = {key: float(fields[key]) for key in found if type(fields[key]) in (int, float) and fields[key] >= 0}
        if "input_cost_per_token" in rates:
            steps = {int(match[1]) * 1000 for key, match in found.items() if match[1] and key in rates}
            yield name, Price(str(fields.get("litellm_provider", "")), rates, tuple(sorted(steps, reverse=True)))
