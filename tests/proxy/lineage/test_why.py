"""Why a row is there: from the row to the call, the signals, the feedback and who gave it."""

from pathlib import Path

import msgspec

from backtalk.ledger.reader import LedgerReader
from backtalk.ledger.rows import Rows
from backtalk.ledger.schema import Row, TableName
from backtalk.lineage.manifests import Call, ManifestRow
from backtalk.lineage.why import why
from backtalk.testing import stories
from backtalk.testing.ledgers import write_facts, write_rows

CALL, LATER = stories.closed(), stories.closed(response_id="chatcmpl-2")
SIGNAL = stories.signal(CALL.key, LATER.key)
THUMB = stories.feedback(feedback_id="f1", target_trace_id=CALL.key.trace_id, rater="r-1", source="end_user")
ROW = ManifestRow(
    4,
    "ab" * 32,
    ("f1", "f-gone"),
    (SIGNAL.signal_id,),
    (Call(CALL.key.trace_id, CALL.key.span_id), Call("0" * 32, "0" * 16)),
)


def test_the_way_from_a_row_to_the_person(tmp_path: Path) -> None:
    """Call with texts, signal with its detector, feedback with its pseudonym and state; what is gone is named."""
    write_facts(tmp_path, CALL, LATER, SIGNAL, THUMB)
    found = why(LedgerReader(tmp_path), ROW)
    call, gone = found["calls"]
    assert (call["asked"][0]["text"], call["answers"][0]["text"]) == ("Why is the sky blue?", "Rayleigh scattering.")
    assert [(one["kind"], one["detector"]) for one in call["signals"]] == [("regeneration", "regeneration")]
    assert [(one["rater"], one["value"], one["state"]) for one in call["feedback"]] == [("r-1", False, "counts")]
    assert (gone["known"], gone["feedback"]) == (False, [])
    assert found["not_found"] == ["f-gone"]


def test_texts_that_were_not_captured_are_not_there(tmp_path: Path) -> None:
    """The rest of the way is the same."""
    rows = [made for fact in (CALL, THUMB) for made in Rows(b"secret", content=False).of(fact)]
    tables: dict[TableName, list[Row]] = {name: [row for table, row in rows if table == name] for name, _ in rows}
    call = why(LedgerReader(write_rows(tmp_path, tables)), ROW)["calls"][0]
    assert [one["text"] for one in (*call["asked"], *call["answers"])] == [None, None]
    assert len(call["feedback"]) == 1


def test_what_no_longer_counts_is_told(tmp_path: Path) -> None:
    """A withdrawn signal is not found any more, a retracted thumb says so."""
    back = stories.feedback(kind="retraction", value_json="null", target_trace_id=CALL.key.trace_id, supersedes="f1")
    withdrawn = msgspec.structs.replace(SIGNAL, withdrawn=True, replay=1)
    write_facts(tmp_path, CALL, LATER, SIGNAL, withdrawn, THUMB, back)
    found = why(LedgerReader(tmp_path), ROW)
    assert found["not_found"] == sorted(["f-gone", SIGNAL.signal_id])
    assert found["calls"][0]["feedback"][0]["state"] == "retracted"


def test_a_fact_about_another_call_stands_apart(tmp_path: Path) -> None:
    """It is not lost when its call is not one of the row's."""
    write_facts(tmp_path, CALL, LATER, SIGNAL, THUMB)
    found = why(LedgerReader(tmp_path), ManifestRow(0, "ab" * 32, ("f1",), (SIGNAL.signal_id,)))
    assert [one["kind"] for one in found["of_no_call"]] == ["regeneration", "rating"]
