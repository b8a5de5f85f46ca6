"""Whether a virtual key has anything left: pure, from its limits and what was counted.

In: a key, counts, the time. Out: a verdict with the fields that tell the client. The one rule: windows are fixed, by
the wall clock; a minute, an hour, a day or thirty days begin where the count since 1970 does.
"""

from typing import Final, NamedTuple

from backtalk.clock import NS_PER_S
from backtalk.virtual_keys import WINDOW_S, Counts, VirtualKey

MINUTE_S: Final = 60


class Verdict(NamedTuple):
    """What the client is told. `refused` names the limit that is used up; None: the call may go on."""

    fields: tuple[tuple[bytes, bytes], ...]
    refused: str | None = None
    retry_after_s: int = 0


def verdict(key: VirtualKey, counts: Counts, now_ns: int) -> Verdict:
    """Decide a call; the limit that stays used up the longest is the one that is named."""
    fields: list[tuple[bytes, bytes]] = []
    refused, retry_after_s = None, 0
    minute_s = seconds_left(now_ns, MINUTE_S)
    for name, limit, used in (
        ("requests", key.requests_per_minute, counts.requests),
        ("tokens", key.tokens_per_minute, counts.tokens),
    ):
        if limit is None:
            continue
        fields += _fields(name.encode(), limit, max(0, limit - used), minute_s)
        over = used > limit if name == "requests" else used >= limit
        if over:
            refused, retry_after_s = f"{limit} {name} per minute", minute_s
    if key.budget_usd is not None and counts.spent_usd >= key.budget_usd:
        refused = f"{key.budget_usd:g} USD per {key.budget_window}"
        retry_after_s = seconds_left(now_ns, WINDOW_S[key.budget_window])
    return Verdict(tuple(fields), refused, retry_after_s)


def window(now_ns: int, length_s: int) -> int:
    """The number of the window that an instant is in."""
    return now_ns // (length_s * NS_PER_S)


def seconds_left(now_ns: int, length_s: int) -> int:
    """Seconds until the window ends, at least one."""
    left_ns = (window(now_ns, length_s) + 1) * length_s * NS_PER_S - now_ns
    return max(1, -(-left_ns // NS_PER_S))


def _fields(name: bytes, limit: int, left: int, reset_s: int) -> list[tuple[bytes, bytes]]:
    return [
        (b"x-ratelimit-limit-" + name, b"%d" % limit),
        (b"x-ratelimit-remaining-" + name, b"%d" % left),
        (b"x-ratelimit-reset-" + name, b"%ds" % reset_s),
    ]
