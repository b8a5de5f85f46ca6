"""A batch: the facts and consumed offsets that become one entry of the journal.

What is in one batch becomes durable in one step: a restart sees the facts of a frame and the frame's consumption, or
neither.
"""

from collections.abc import Iterable, Mapping
from typing import Final

import msgspec

from backtalk.model.facts import CallClosed, Fact, JournalEntry, encode_entry
from backtalk.spool.frame import MAX_PAYLOAD_BYTES

LIMIT_BYTES: Final = 4 << 20
"""Size of bodies at which a batch is written at once."""
_TOO_LARGE: Final = "the bodies are too large for the journal"


class Batch:
    """Grows frame by frame; `clear` begins the next."""

    def __init__(self) -> None:
        self.facts: list[Fact] = []
        self.size_bytes = 0
        self.dropped = 0
        self.unwritable = 0
        """Facts that were left out of the entry."""

    @property
    def full(self) -> bool:
        """Whether it is to be written at once."""
        return self.size_bytes >= LIMIT_BYTES

    def add(self, facts: Iterable[Fact], size_bytes: int = 0) -> None:
        """Take the facts of a frame of this size."""
        self.facts.extend(facts)
        self.size_bytes += size_bytes

    def clear(self) -> None:
        """Begin the next."""
        self.facts, self.size_bytes, self.dropped, self.unwritable = [], 0, 0, 0

    def encode(self, consumed: Mapping[str, int], *, limit_bytes: int = MAX_PAYLOAD_BYTES) -> bytes:
        """The entry; where it is larger than a frame may be, the largest calls lose their texts and say so.

        A fact that cannot be written is left out and counted in `unwritable`: raised, it would come again and again.
        """
        try:
            payload = self._entry(consumed)
        except (TypeError, ValueError, OverflowError):
            self._leave_out()
            payload = self._entry(consumed)
        if len(payload) > limit_bytes:
            self._shrink(len(payload) - limit_bytes)
            payload = self._entry(consumed)
        return payload

    def _entry(self, consumed: Mapping[str, int]) -> bytes:
        return encode_entry(JournalEntry(tuple(self.facts), consumed, self.dropped))

    def _leave_out(self) -> None:
        """Keep the facts that can be written."""
        kept = [fact for fact in self.facts if _is_writable(fact)]
        self.unwritable += len(self.facts) - len(kept)
        self.facts = kept

    def _shrink(self, excess_bytes: int) -> None:
        """Take the texts out of the largest calls, until that many bytes are gone."""
        calls = [(place, fact) for place, fact in enumerate(self.facts) if isinstance(fact, CallClosed)]
        sized = sorted(((_size(fact), place, fact) for place, fact in calls), key=lambda item: item[0], reverse=True)
        for size_bytes, place, fact in sized:
            if excess_bytes <= 0:
                return
            light = _without_texts(fact)
            self.facts[place] = light
            excess_bytes -= size_bytes - _size(light)


def _is_writable(fact: Fact) -> bool:
    try:
        encode_entry(JournalEntry((fact,)))
    except (TypeError, ValueError, OverflowError):
        return False
    return True


def _size(fact: CallClosed) -> int:
    return len(msgspec.msgpack.encode(fact))


def _without_texts(fact: CallClosed) -> CallClosed:
    asked, answered = fact.opened.request, fact.response
    request = msgspec.structs.replace(asked, messages=(), tools_json=None, params_json="{}", not_understood=_TOO_LARGE)
    response = msgspec.structs.replace(answered, choices=(), error_message=None, not_understood=_TOO_LARGE)
    return msgspec.structs.replace(
        fact,
        opened=msgspec.structs.replace(fact.opened, request=request),
        response=response,
        request_capture="none",
        response_capture="none",
    )
