"""How a call ended: leaving with the whole answer is not leaving early."""

import pytest

from backtalk.model.frames import Closed
from backtalk.observe import facts_of
from backtalk.testing import stories

CHUNK = b'data: {"id":"c","choices":[{"index":0,"delta":{"content":"Hello"},"finish_reason":%b}]}\n\n'


@pytest.mark.parametrize(
    ("body", "outcome"),
    [
        (CHUNK % b"null" + CHUNK % b'"stop"' + b"data: [DONE]\n\n", "completed"),
        (CHUNK % b"null" + CHUNK % b'"stop"', "completed"),
        (CHUNK % b"null", "client_disconnected"),
        (b"", "client_disconnected"),
    ],
)
def test_client_that_leaves_with_the_whole_stream_completed_it(body: bytes, outcome: str) -> None:
    """Official clients hang up at the end of the events, before the last transfer chunk: no stop."""
    frame = Closed(
        2,
        2,
        "s" * 16,
        "client_disconnected",
        200,
        [("content-type", "text/event-stream")],
        body,
        len(body),
        1,
        1,
        0,
        1,
        "u",
    )

    assert facts_of.closed(stories.opened(), frame, request_bytes=0, request_capture="full").outcome == outcome


@pytest.mark.parametrize(("upstream", "tokens"), [("u", True), ("", False)])
def test_a_client_that_leaves_before_the_first_word_has_used_its_request(upstream: str, tokens: bool) -> None:
    """Else who leaves early would use nothing of a budget; what nobody was asked costs nothing."""
    frame = Closed(2, 2, "s" * 16, "client_disconnected", 0, [], b"", 0, 1, None, 0, 0, upstream)
    call = stories.opened()
    usage = facts_of.closed(call, frame, request_bytes=0, request_capture="full").response.usage
    assert (usage is not None and usage.estimated and bool(usage.input_tokens) and usage.output_tokens == 0) is tokens
