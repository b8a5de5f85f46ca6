"""Past calls: what the ledger holds of them becomes the facts that it was made from."""

from pathlib import Path

import msgspec

from backtalk.ledger.ledger import Ledger
from backtalk.ledger.reader import LedgerReader
from backtalk.ledger.rows import Rows
from backtalk.model.chat import Message, Request, Response
from backtalk.model.facts import CallClosed, JournalEntry
from backtalk.review.past import calls_between, without_texts
from backtalk.testing import stories

TOOLS = '[{"type":"function","function":{"name":"look_up"}}]'


def kept(tmp_path: Path, *calls: CallClosed, content: bool = True) -> LedgerReader:
    """A ledger of these calls."""
    ledger = Ledger(tmp_path / "ledger", "journal-1", rows=Rows(b"secret", content=content))
    ledger.commit([(10, JournalEntry(calls))])
    ledger.close()
    return LedgerReader(tmp_path / "ledger").pinned()


def call(second: int, asked: str = "Why is the sky blue?") -> CallClosed:
    """A call that arrived so many seconds after noon."""
    at_ns = stories.NOON_NS + second * 10**9
    request = Request(
        model="small", messages=(Message("user", asked),), stream=True, tools_json=TOOLS, params_json='{"n":1}'
    )
    request = msgspec.structs.replace(request, conversation="conv_1", choice_count=2)
    opened = stories.opened(opened_ns=at_ns, boot_ns=at_ns, request=request, client_hash="c")
    return stories.closed(call=opened, closed_ns=at_ns + 10**9)


def test_a_call_comes_back_as_it_was(tmp_path: Path) -> None:
    """Request, response, times and ids."""
    first = call(0)
    [found] = calls_between(kept(tmp_path, first), 0, 1 << 62)
    assert found.opened == first.opened
    assert found.response == msgspec.structs.replace(first.response, usage=None)
    assert (found.closed_ns, found.status, found.outcome) == (first.closed_ns, 200, "completed")


def test_what_an_error_said_comes_back(tmp_path: Path) -> None:
    """A detector reads it."""
    failed = msgspec.structs.replace(call(0), response=Response(error_type="x", error_message="too many tokens"))
    [found] = calls_between(kept(tmp_path, failed), 0, 1 << 62)
    assert found.response == failed.response


def test_calls_without_their_texts_are_counted(tmp_path: Path) -> None:
    """Within the range alone."""
    assert without_texts(kept(tmp_path / "a", call(0), call(1), content=False), stories.NOON_NS + 1, 1 << 62) == 1
    assert without_texts(kept(tmp_path / "b", call(0), call(1)), 0, 1 << 62) == 0


def test_only_the_range_comes_back_and_in_order(tmp_path: Path) -> None:
    """From the first instant on, up to the last one without it."""
    reader = kept(tmp_path, call(3), call(1), call(2), call(0))
    found = calls_between(reader, stories.NOON_NS + 10**9, stories.NOON_NS + 3 * 10**9)
    assert [(each.opened.opened_ns - stories.NOON_NS) // 10**9 for each in found] == [1, 2]


def test_without_content_the_texts_are_empty(tmp_path: Path) -> None:
    """Columns are all there is."""
    [found] = calls_between(kept(tmp_path, call(0), content=False), 0, 1 << 62)
    assert [message.text for message in found.opened.request.messages] == [""]
    assert found.opened.request.model == "small"
