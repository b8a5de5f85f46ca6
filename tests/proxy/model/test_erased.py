"""The tombstone among the facts."""

from backtalk.model.erased import Erased
from backtalk.model.facts import JournalEntry, decode_entry, encode_entry


def test_a_tombstone_is_a_fact_like_any_other() -> None:
    """The journal holds it, whoever it is limited to."""
    stones = (Erased("1", "user", "hash", 7, "me", "asked for"), Erased("2", "trace", "t", 8, "me", "law", "acme"))
    assert decode_entry(encode_entry(JournalEntry(stones))).facts == stones
