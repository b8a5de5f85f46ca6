"""Which answers are put before a reviewer: drawn by a keyed hash, each with a known chance that is written down.

In: a call as it ended. Out: the same call with its chance and whether it was drawn. The one rule: the draw depends on
the secret and the call's key alone, never on what was said or noticed, so that labels of the drawn hold for all.
"""

from collections.abc import Sequence
from fnmatch import fnmatchcase
from typing import Final

import msgspec

from backtalk.model.facts import CallClosed
from backtalk.model.ids import CallKey, keyed_hash
from backtalk.settings.sampling import AuditSettings, read_share

_APIS: Final = frozenset(("chat", "completions", "messages", "ollama_chat", "ollama_generate", "responses"))


class Audit:
    """Draws for one worker."""

    def __init__(self, settings: AuditSettings, secret: bytes) -> None:
        self._enabled = settings.enabled
        self._share = settings.share
        self._shares: Sequence[tuple[str, float]] = [read_share(entry) for entry in settings.shares]
        self._secret = secret

    def drawn(self, call: CallClosed) -> CallClosed:
        """The call with its draw; as it is where there is no answer that a person could judge."""
        if not self._enabled or not _is_answer(call):
            return call
        chance = self._chance(call)
        return msgspec.structs.replace(call, audit_prob=chance, audited=place_of(self._secret, call.key) < chance)

    def _chance(self, call: CallClosed) -> float:
        names = [name for name in (call.route, call.opened.request.model) if name]
        fits = (share for pattern, share in self._shares if any(fnmatchcase(name, pattern) for name in names))
        return next(fits, self._share)


def place_of(secret: bytes, key: CallKey) -> float:
    """A call's place between 0 and 1: drawn below its chance, and in this order before reviewers."""
    digest = keyed_hash(secret, b"audit", key.trace_id.encode(), key.span_id.encode(), size_bytes=8)
    return int(digest, 16) / 2**64


def _is_answer(call: CallClosed) -> bool:
    """Whether words came for a person, whole; tool calls are the midst of a task, an evaluation's call is nobody's."""
    said = any(message.text or message.refusal for message in call.response.choices)
    whole = call.outcome == "completed" and 200 <= call.status < 300
    whole = whole and call.opened.request.purpose is None
    return whole and said and call.opened.api in _APIS and "tool_calls" not in call.response.finish_reasons
