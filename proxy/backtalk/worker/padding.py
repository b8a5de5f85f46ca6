"""Journal entries of a given length: what is written in the place of an entry that was erased.

In: an entry and the length of the old one. Out: the encoded entry, exactly as long. The one rule: nothing but padding
is added; where no padding fits (it needs some bytes itself), the facts that were changed are left out.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Final

import msgspec

from backtalk.model.facts import Fact, JournalEntry, decode_entry, encode_entry

_LARGEST_HEADER_BYTES: Final = 24
_SECOND_BYTES: Final = 12


def erased(payload: bytes, filtered: Callable[[Iterable[Fact]], list[Fact]]) -> bytes | None:
    """The entry of a payload without what `filtered` takes away, as long as before; None where it takes nothing."""
    try:
        entry = decode_entry(payload)
    except msgspec.MsgspecError:  # of no version that could be read: nobody reads it
        return None
    kept = filtered(entry.facts)
    if kept == list(entry.facts):
        return None
    same = [fact for fact, old in zip(kept, entry.facts, strict=True) if fact == old]
    return fitted(entry, kept, len(payload)) or fitted(entry, same, len(payload)) or fitted(entry, (), len(payload))


def fitted(entry: JournalEntry, facts: Sequence[Fact], size_bytes: int) -> bytes | None:
    """The entry with these facts and padding up to a length; None where no padding makes it that long."""
    bare = msgspec.structs.replace(entry, facts=tuple(facts), padding=())
    missing = size_bytes - len(encode_entry(bare))
    if missing == 0:
        return encode_entry(bare)
    for second in range(_SECOND_BYTES):
        for header in range(_LARGEST_HEADER_BYTES):
            count = missing - header - second
            if count >= 0:
                padding = (b"\0" * count, b"\0" * second)
                encoded = encode_entry(msgspec.structs.replace(bare, padding=padding))
                if len(encoded) == size_bytes:
                    return encoded
    return None
