"""What became of an import's feedback."""

import json
from collections import Counter
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from backtalk.feedback_import.joining import Ids, Joins, joined, wait_for
from backtalk.testing import stories
from backtalk.testing.ledgers import write_facts

names = st.binary(min_size=16, max_size=16)


@given(ids=st.dictionaries(names, st.integers(1, 1 << 39), max_size=30), other=names)
def test_every_id_is_found_with_its_line(ids: dict[bytes, int], other: bytes) -> None:
    """And no other; ids are random, so their first half tells them apart."""
    firsts = {name[:8] for name in ids}
    known = Ids((line, name) for name, line in ids.items())
    if len(firsts) == len(ids):
        assert {name: known.line(name.hex()) for name in ids} == ids
    if other[:8] not in firsts:
        assert known.line(other.hex()) is None


def test_what_has_not_joined_is_handed_out_with_its_line() -> None:
    """Feedback that is none of the import's is not counted."""
    ids = Ids([(2, bytes.fromhex("01" * 16)), (3, bytes.fromhex("02" * 16))])
    joins = Joins(Counter(), Counter(), {})
    rows = [("01" * 16, "joined"), ("02" * 16, "pending"), ("03" * 16, "pending")]
    found = list(joined(ids, [{"feedback_id": name, "status": status} for name, status in rows], {}, joins))
    assert found == [(3, "pending", None)]
    assert joins.counts == {"joined": 1, "pending": 1}


def test_the_ledger_says_what_joined(tmp_path: Path) -> None:
    """Lines that have not go to a file; where there are none there is no file."""
    call = stories.closed()
    first = stories.feedback(feedback_id="01" * 16, target_trace_id=call.key.trace_id)
    second = stories.feedback(feedback_id="02" * 16, target_response_id="gone")
    write_facts(tmp_path / "ledger", call, first, second)
    file = tmp_path / "unjoined.jsonl"
    both = Ids([(2, bytes.fromhex("01" * 16)), (3, bytes.fromhex("02" * 16))])
    assert wait_for(tmp_path / "ledger", both, 0, file, wait_s=0).counts == {"joined": 1, "pending": 1}
    assert json.loads(file.read_text()) == {"line": 3, "status": "pending"}
    one = Ids([(2, bytes.fromhex("01" * 16))])
    assert wait_for(tmp_path / "ledger", one, 0, file, wait_s=0).counts == {"joined": 1}
    assert not file.exists()


def test_what_a_call_rejects_is_counted_by_its_reason(tmp_path: Path) -> None:
    """Feedback with another credential than the call's: the reason stands beside its line, too."""
    call = stories.closed()
    said = stories.feedback(feedback_id="01" * 16, target_trace_id=call.key.trace_id, tenant="other")
    write_facts(tmp_path / "ledger", call, said)
    file = tmp_path / "unjoined.jsonl"
    joins = wait_for(tmp_path / "ledger", Ids([(2, bytes.fromhex("01" * 16))]), 0, file, wait_s=0)
    assert (joins.counts, joins.reasons) == ({"rejected": 1}, {"foreign_tenant": 1})
    assert "made with another credential" in joins.sentences["foreign_tenant"]
    assert json.loads(file.read_text()) == {"line": 2, "status": "rejected", "reason": "foreign_tenant"}
