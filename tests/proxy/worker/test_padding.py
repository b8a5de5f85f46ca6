"""Entries of a given length, whatever was taken out of them."""

import pytest

from backtalk.model.facts import Fact, JournalEntry, decode_entry, encode_entry
from backtalk.testing import stories
from backtalk.worker.padding import erased, fitted


@pytest.mark.parametrize("length", [*range(80), *range(240, 300), 65_530, 65_536, 65_540, 70_000])
def test_an_entry_is_as_long_as_before(length: int) -> None:
    """At every length of what was taken away, the borders of msgpack's headers among them."""
    said = stories.feedback(target_trace_id="a" * 32, comment="Z" * length)
    kept = stories.feedback(target_trace_id="b" * 32)
    payload = encode_entry(JournalEntry((said, kept), {"owner": 7}, 3))

    def without(facts: object) -> list[Fact]:
        del facts
        return [stories.feedback(feedback_id=said.feedback_id, target_trace_id="a" * 32), kept]

    changed = erased(payload, without)
    assert changed is not None
    assert len(changed) == len(payload)
    entry = decode_entry(changed)
    assert (entry.consumed, entry.dropped) == ({"owner": 7}, 3)
    assert kept in entry.facts
    assert b"ZZ" not in changed


def test_what_is_not_touched_stays_byte_for_byte() -> None:
    """None says so."""
    payload = encode_entry(JournalEntry((stories.feedback(),)))
    assert erased(payload, list) is None
    assert erased(b"\xc1", list) is None


def test_no_padding_makes_an_entry_shorter() -> None:
    """The caller then leaves facts out."""
    entry = JournalEntry((stories.feedback(),))
    assert fitted(entry, entry.facts, len(encode_entry(entry)) - 1) is None
    assert fitted(entry, entry.facts, len(encode_entry(entry))) == encode_entry(entry)
