"""A person's texts leave the tables: every row, every version, every statistic in the log; ids and numbers stay."""

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from deltalake import DeltaTable

from backtalk.ledger import erasing
from backtalk.ledger.erasing import Erasure, Order
from backtalk.ledger.ledger import Ledger
from backtalk.ledger.reader import LedgerReader
from backtalk.ledger.rows import Rows
from backtalk.ledger.schema import COLUMNS, TABLES, TableName
from backtalk.ledger.table import LedgerTable
from backtalk.model.chat import Message, Request
from backtalk.model.facts import CallClosed, Fact, JournalEntry
from backtalk.model.ids import CallKey
from backtalk.testing import stories

ROWS = Rows(b"secret")
CANARY = "kanarienvogel"
AT_NS = 1_800_000_000_000_000_001
KEPT = {
    "calls": {
        "dt", "trace_id", "span_id", "server_span_id", "parent_span_id", "tenant", "session_id", "opened_ns",
        "closed_ns", "duration_ns", "first_byte_ns", "overhead_ns", "method", "path", "api", "stream", "retry_count",
        "late", "model", "model_served", "response_id", "upstream", "upstream_request_id", "status", "outcome",
        "error_type", "finish_reasons", "input_tokens", "output_tokens", "cached_tokens", "reasoning_tokens",
        "tokens_estimated", "message_ids", "answer_ids", "tools_id", "chunks", "request_bytes", "response_bytes",
        "request_capture", "response_capture", "route", "target", "attempt_count", "cost_usd", "key_id", "cache",
        "cache_write_tokens", "previous_response_id", "erased_ns", "ask_arm", "ask_prob", "ask_policy",
        "audit_prob", "audited", "retrieved_response_id", "conversation_id", "choice_count",
        "prompt_name", "prompt_version", "purpose",
    },
    "feedback": {
        "dt", "feedback_id", "kind", "value_json", "tenant", "given_ns", "trace_id", "span_id", "response_id",
        "parent_span_id", "session_id", "metric", "request_trace_id", "request_span_id", "body_sha256", "erased_ns",
        "source", "channel", "key_id", "at_ns", "supersedes", "item", "rank", "shown", "choice", "span_start",
        "span_end", "range_low", "range_high", "level", "direction", "distance", "duration_s", "rubric",
    },
}  # fmt: skip
"""Ids, numbers and words of ours. `value_json` is kept where it is a number."""


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    """An empty ledger."""
    made = Ledger(tmp_path, "journal-1", rows=ROWS, compact_every=2)
    yield made
    made.close()


def call(said: str, *, user: str | None = None, session: str = "5e55", system: str = "Be kind.") -> CallClosed:
    """A call with a system prompt that others share."""
    asked = stories.opened()
    request = Request(model="small", user=user, messages=(Message("system", system), Message("user", said)))
    opened = msgspec.structs.replace(asked, request=request)
    return stories.closed(call=opened, session_id=session, answered=f"Of {said}.", response_id=f"r-{opened.span_id}")


def commit(ledger: Ledger, *facts: Fact) -> None:
    """One commit a fact, so that there are versions to be read."""
    begin = ledger.committed
    for number, fact in enumerate(facts, 1):
        ledger.commit([(begin + number, JournalEntry((fact,)))])
    ledger.maintain("2026-01-01")


def readable(root: Path) -> str:
    """Everything that can be read below a root: files as they are, every row, and data files that no version names."""
    found = [b"".join(path.read_bytes() for path in sorted(root.rglob("*")) if path.is_file()).decode("latin-1")]
    reader = LedgerReader(root)
    for name in TABLES:
        found.append(str(reader.everything(name, order="dt")))
        written = {path.name for path in (root / name).rglob("*.parquet") if "_delta_log" not in path.parts}
        listed = {uri.rpartition("/")[2] for uri in DeltaTable(root / name).file_uris()}
        found += [f"{CANARY} may be in {stray}" for stray in written - listed]
    return "\n".join(found)


def erase(ledger: Ledger, **order: str) -> Erasure:
    """Carry out an order."""
    (by, subject), *_ = order.items()
    return ledger.erase(Order(by, subject, AT_NS))  # type: ignore[arg-type]


def test_nothing_of_a_user_can_be_read_afterwards(tmp_path: Path, ledger: Ledger) -> None:
    """Not in rows, not in older versions, not in the log; the shared prompt, others' calls and all numbers stay."""
    mine, other = call(CANARY, user=CANARY), call("the weather", session="other")
    said = stories.feedback(target_trace_id=mine.key.trace_id, comment=CANARY, rater="r")
    better = stories.feedback(target_response_id=mine.response.id, kind="correction", value_json=f'"{CANARY}"')
    shown = stories.signal(mine.key, other.key, evidence={"edited_text": CANARY})
    commit(ledger, mine, other, said, better, shown)
    assert CANARY in readable(tmp_path)

    erased = erase(ledger, user=CANARY)

    assert CANARY not in readable(tmp_path)
    assert erased.rows == {"calls": 1, "messages": 2, "feedback": 2}
    assert (erased.trace_ids, erased.response_ids) == ((mine.key.trace_id,), (mine.response.id,))
    reader = LedgerReader(tmp_path)
    calls = {row["span_id"]: row for row in reader.everything("calls", order="opened_ns")}
    assert calls[mine.key.span_id]["erased_ns"] == AT_NS
    assert calls[mine.key.span_id]["status"] == 200
    assert calls[other.key.span_id]["erased_ns"] is None
    texts = {row["json"] for row in reader.everything("messages", order="message_id")}
    assert any("Be kind." in text for text in texts)
    assert any("the weather" in text for text in texts)
    values = {row["kind"]: row["value_json"] for row in reader.everything("feedback", order="given_ns")}
    assert values == {"rating": "false", "correction": None}


def test_a_user_is_erased_with_the_whole_session(tmp_path: Path, ledger: Ledger) -> None:
    """A call of the conversation that does not name the user (a title, a summary) holds the same texts."""
    commit(ledger, call("hello", user="u"), call(CANARY), call("elsewhere", session="other"))
    assert erase(ledger, user="u").rows["calls"] == 2
    assert CANARY not in readable(tmp_path)
    assert "elsewhere" in readable(tmp_path)


@pytest.mark.parametrize("by", ["session", "trace"])
def test_a_session_or_a_trace_is_erased_alone(tmp_path: Path, ledger: Ledger, by: str) -> None:
    """What has another session and another trace stays."""
    mine, other = call(CANARY, session="mine"), call("elsewhere", session="other")
    commit(ledger, mine, other)
    erase(ledger, **{by: "mine" if by == "session" else mine.key.trace_id})
    assert CANARY not in readable(tmp_path)
    assert "elsewhere" in readable(tmp_path)


def test_a_rater_is_erased_and_the_call_stays(tmp_path: Path, ledger: Ledger) -> None:
    """What a person said goes, what it was said about is another's."""
    about = call("the weather")
    commit(ledger, about, stories.feedback(target_trace_id=about.key.trace_id, comment=CANARY, rater="Alice"))
    assert erase(ledger, rater="Alice").rows == {"calls": 0, "messages": 0, "feedback": 1}
    assert CANARY not in readable(tmp_path)
    assert "the weather" in readable(tmp_path)


def test_feedback_of_another_tenant_is_not_touched(tmp_path: Path, ledger: Ledger) -> None:
    """Naming somebody's trace makes it no part of it."""
    mine = call(CANARY, session="mine")
    strange = stories.feedback(target_trace_id=mine.key.trace_id, comment="a stranger's", tenant="evil")
    commit(ledger, mine, strange)
    erase(ledger, session="mine")
    (row,) = LedgerReader(tmp_path).everything("feedback", order="given_ns")
    assert row["comment"] == "a stranger's"


class Cut(LedgerTable):
    """A table under which the process dies."""

    def delete(self, condition: str) -> int:
        """Die."""
        raise KeyboardInterrupt(condition)


def test_an_erasure_may_be_repeated_and_goes_on_where_it_was_cut(tmp_path: Path, ledger: Ledger) -> None:
    """Cut before its messages were deleted, the second try finds the same calls by the erasure's own mark."""
    mine = call(CANARY, user="u", session="mine")
    commit(ledger, mine, call("elsewhere", session="other"))
    tables: dict[TableName, LedgerTable] = {table.name: table for table in ledger.tables()}
    tables["messages"] = Cut(tmp_path / "messages", "messages", "journal-1")

    with pytest.raises(KeyboardInterrupt):
        erasing.erase(tables, Order("user", "u", AT_NS))

    assert CANARY in readable(tmp_path)
    assert erase(ledger, user="u").span_ids == (mine.key.span_id,)
    assert CANARY not in readable(tmp_path)
    assert erase(ledger, user="u").span_ids == (mine.key.span_id,)


def test_what_was_erased_is_written_again_when_others_say_it(tmp_path: Path, ledger: Ledger) -> None:
    """The writer does not take a deleted message for one that it has written."""
    commit(ledger, call("a common question", user="u", session="mine"))
    erase(ledger, user="u")
    commit(ledger, call("a common question", session="other"))
    texts = [row["json"] for row in LedgerReader(tmp_path).everything("messages", order="message_id")]
    assert sum("a common question" in text for text in texts) == 2


def test_the_ledger_goes_on_behind_an_erasure(tmp_path: Path, ledger: Ledger) -> None:
    """Positions, other rows and readers that were open stay good; a new process finds everything."""
    reader = LedgerReader(tmp_path)
    commit(ledger, call("one", user="u", session="mine"), call("two", session="other"))
    assert len(reader.everything("calls", order="opened_ns")) == 2
    erase(ledger, user="u")
    commit(ledger, call("three", session="third"))
    assert len(reader.everything("calls", order="opened_ns")) == 3
    ledger.close()
    again = Ledger(tmp_path, "journal-1", rows=ROWS)
    assert again.tables()[1].position == ledger.tables()[1].position
    again.close()


def named(tenant: str) -> str:
    """A rater's pseudonym."""
    return f"{tenant}:Alice"


def test_a_rater_is_known_by_the_name_of_each_tenant(tmp_path: Path, ledger: Ledger) -> None:
    """What is kept of a rater is a pseudonym; another tenant's rater of the same name is meant too, unless told."""
    said = [
        stories.feedback(target_trace_id="a" * 32, comment=CANARY, rater=f"{tenant}:Alice", tenant=tenant)
        for tenant in ("acme", "other")
    ]
    commit(ledger, *said)
    ledger.erase(Order("rater", "Alice", AT_NS, "acme", named))
    rows = {row["tenant"]: row for row in LedgerReader(tmp_path).everything("feedback", order="given_ns")}
    assert (rows["acme"]["comment"], rows["other"]["comment"]) == (None, CANARY)
    found = ledger.erase(Order("user", "Alice", AT_NS + 1, None, named))
    assert found.raters == ("Alice", "acme:Alice", "other:Alice")
    assert CANARY not in readable(tmp_path)


@pytest.mark.parametrize("table", ["calls", "feedback"])
def test_every_column_is_either_kept_or_erased(table: str) -> None:
    """Who adds a column says which: a text that a person may have written is erased."""
    erased = set(erasing.NULLED[table])  # type: ignore[index]
    assert set(COLUMNS[table]) == KEPT[table] | erased  # type: ignore[index]
    assert not KEPT[table] & erased


def test_text_is_quoted(ledger: Ledger) -> None:
    """A subject cannot say anything but its own name."""
    commit(ledger, call("one", session="mine"))
    assert erase(ledger, user="x' or '1'='1").span_ids == ()
    assert CallKey("a" * 32, "b" * 16).span_id not in erasing.quote("' or 1=1")  # type: ignore[arg-type]
    assert erasing.quote("a'b") == "'a''b'"
