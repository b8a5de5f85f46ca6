"""Facts as rows."""

from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backtalk.ledger.days import day
from backtalk.ledger.rows import Rows
from backtalk.ledger.schema import COLUMNS, TableName, to_arrow
from backtalk.model.chat import Message, Request, ToolCall, Usage
from backtalk.model.facts import CallClosed, Fact
from backtalk.testing import stories

ROWS = Rows(b"secret")
TEXT = st.text(max_size=30)
MESSAGES = st.builds(
    Message,
    role=TEXT,
    text=TEXT,
    tool_calls=st.lists(st.builds(ToolCall, id=TEXT, name=TEXT, arguments=TEXT), max_size=2).map(tuple),
    canonical=st.none() | TEXT,
)


def asking(*messages: Message, **fields: Any) -> CallClosed:
    """A call with these messages."""
    request = Request(messages=messages, **fields)
    return stories.closed(call=msgspec.structs.replace(stories.opened(), request=request))


def of(rows: Rows, fact: Fact, table: TableName) -> list[dict[str, Any]]:
    """The rows of one table."""
    return [dict(row) for name, row in rows.of(fact) if name == table]


def every_fact() -> list[Fact]:
    """One fact of each kind that makes rows."""
    call = stories.closed()
    call = msgspec.structs.replace(call, response=msgspec.structs.replace(call.response, usage=Usage(1, 2, 3, 4)))
    return [call, stories.linked(call.opened), stories.signal(call.key, call.key), stories.feedback()]


def test_rows_have_no_column_that_the_schema_lacks() -> None:
    """A misspelt column would be dropped without a word."""
    for fact in every_fact():
        for table, row in ROWS.of(fact):
            assert set(row) <= set(COLUMNS[table])


@given(st.lists(MESSAGES, max_size=4))
@settings(max_examples=50)
def test_any_messages_become_rows_that_arrow_takes(messages: list[Message]) -> None:
    """Whatever an app sends, ids point at rows and rows read back as what they were."""
    call = asking(*messages)
    stored = {row["message_id"]: row["json"] for row in of(ROWS, call, "messages")}
    row = of(ROWS, call, "calls")[0]

    assert [msgspec.json.decode(stored[name], type=Message) for name in row["message_ids"]] == messages
    assert to_arrow("calls", [row]).num_rows == 1
    assert to_arrow("messages", of(ROWS, call, "messages")).num_rows == len(of(ROWS, call, "messages"))


def test_message_ids_depend_on_tenant_and_secret() -> None:
    """Equal texts of two tenants, or under two secrets, cannot be told to be equal."""
    message = Message("user", "hello")
    ids = {
        ROWS.message_id("a", message),
        ROWS.message_id("b", message),
        Rows(b"other").message_id("a", message),
    }
    assert len(ids) == 3


@pytest.mark.parametrize("kind", ["comment", "correction"])
def test_without_content_no_text_is_in_any_row(kind: str) -> None:
    """Ids and sizes stay; what was asked, answered or written in feedback does not."""
    rows = Rows(b"secret", content=False)
    call = asking(Message("user", "PRIVATE"), tools_json='[{"x":"PRIVATE"}]', params_json='{"x":"PRIVATE"}')
    given_feedback = stories.feedback(kind=kind, value_json='"PRIVATE"', comment="PRIVATE")

    edit = stories.signal(
        call.key, call.key, kind="assistant_edit", evidence={"edited_text": "PRIVATE", "rule": "edit"}
    )
    failed = msgspec.structs.replace(call, response=msgspec.structs.replace(call.response, error_message="PRIVATE"))

    made = [*rows.of(call), *rows.of(given_feedback), *rows.of(edit), *rows.of(failed)]

    assert "PRIVATE" not in repr(made)
    assert of(rows, edit, "signals")[0]["evidence_json"] == '{"rule": "edit"}'
    assert of(rows, call, "messages")[0]["char_count"] is not None


def test_rating_stays_without_content() -> None:
    """A thumb is no text."""
    row = of(Rows(b"secret", content=False), stories.feedback(value_json="false"), "feedback")[0]
    assert row["value_json"] == "false"


@pytest.mark.parametrize("estimated", [False, True])
def test_estimated_tokens_are_told_from_reported_ones(*, estimated: bool) -> None:
    """A count that was made up from the texts says so."""
    call = stories.closed()
    usage = Usage(input_tokens=7, output_tokens=9, estimated=estimated)
    call = msgspec.structs.replace(call, response=msgspec.structs.replace(call.response, usage=usage))
    row = of(ROWS, call, "calls")[0]
    assert (row["input_tokens"], row["output_tokens"], row["tokens_estimated"]) == (7, 9, estimated)


def test_day_is_utc() -> None:
    """Partitions do not depend on where the machine stands."""
    assert (day(0), day(86_400 * 10**9 - 1), day(86_400 * 10**9)) == ("1970-01-01", "1970-01-01", "1970-01-02")
