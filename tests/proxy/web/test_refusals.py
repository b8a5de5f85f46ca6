"""Refusals: whole HTTP responses, whatever the reason, that repeat nothing of what was sent."""

import json

import httptools
import pytest

from backtalk.errors import BacktalkError, RequestError, UpstreamError
from backtalk.web.refusals import STATUS_LINES, refusal, too_large, unreadable


class Read:
    """A response as a client's parser reads it."""

    def __init__(self, data: bytes) -> None:
        self.fields: dict[str, str] = {}
        self.body = b""
        self.complete = False
        parser = httptools.HttpResponseParser(self)
        parser.feed_data(data)
        self.status = parser.get_status_code()
        self.keeps = parser.should_keep_alive()

    def on_header(self, name: bytes, value: bytes) -> None:
        """Keep a field."""
        self.fields[name.decode()] = value.decode()

    def on_body(self, piece: bytes) -> None:
        """Keep a piece."""
        self.body += piece

    def on_message_complete(self) -> None:
        """All of it is there."""
        self.complete = True


ERRORS = [
    RequestError("no", code="bad_path"),
    UpstreamError("too slow", code="upstream_timeout", status=504),
    too_large("request head", 65536, status=431),
    BacktalkError("Ümläute\r\nx-injected: 1", code="x", status=418),
]


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: error.code)
def test_a_refusal_is_a_whole_response_that_ends_the_connection(error: BacktalkError) -> None:
    """Status, length and body belong together, and the error is in OpenAI's shape."""
    read = Read(refusal(error))
    assert (read.status, read.complete, read.keeps) == (error.status, True, False)
    assert (read.fields["content-type"], int(read.fields["content-length"])) == ("application/json", len(read.body))
    assert read.fields["connection"] == "close"
    assert "x-injected" not in read.fields
    assert json.loads(read.body)["error"]["message"] == error.message


def test_each_refusal_has_ids_of_its_own() -> None:
    """Header and body name the same trace; two refusals share none."""
    one, other = Read(refusal(ERRORS[0])), Read(refusal(ERRORS[0]))
    trace_id, span_id = one.fields["x-request-id"].split("-")
    assert (len(trace_id), len(span_id)) == (32, 16)
    assert one.fields["x-trace-id"] == json.loads(one.body)["error"]["trace_id"] == trace_id
    assert one.fields["traceresponse"] == f"00-{trace_id}-{span_id}-01"
    assert other.fields["x-trace-id"] != trace_id


@pytest.mark.parametrize("status", [100, 200, 299, 404, 451, 599, 999])
def test_every_status_has_a_line(status: int) -> None:
    """Also those that nobody has named: an upstream may answer with any."""
    assert Read(STATUS_LINES[status] + b"\r\ncontent-length: 0\r\n\r\n").status == status


def test_every_three_digit_status_is_known() -> None:
    """None is missing between the first and the last."""
    assert list(STATUS_LINES) == list(range(100, 1000))


def parser_error(data: bytes) -> httptools.HttpParserError:
    """What the parser raises."""
    with pytest.raises(httptools.HttpParserError) as caught:
        httptools.HttpRequestParser(object()).feed_data(data)
    return caught.value


@pytest.mark.parametrize(
    ("sent", "says"),
    [
        (b"SK-SECRET /v1 HTTP/1.1\r\n\r\n", "the request method is not one of HTTP's"),
        (b"GET sk-secret HTTP/1.1\r\n\r\n", "the request target is not a valid path"),
        (b"GET / HTTP/1.1\r\nsk secret: x\r\n\r\n", "the request line or a header field is not valid HTTP/1.1"),
        (b"GET / SK-SECRET/1.1\r\n\r\n", "the request line or a header field is not valid HTTP/1.1"),
    ],
)
def test_what_the_parser_refused_is_told_by_its_place(sent: bytes, says: str) -> None:
    """And not by what was sent, which may be a key."""
    error = unreadable(parser_error(sent), in_body=False)
    assert (error.status, error.code, error.message) == (400, "malformed_request", says)
    assert b"secret" not in refusal(error).lower()


def test_a_body_that_cannot_be_read_is_told_as_one() -> None:
    """Its head was good, so the error is another."""
    head = b"POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n"
    error = unreadable(parser_error(head + b"sk-secret\r\n"), in_body=True)
    assert (error.status, error.code) == (400, "malformed_body")
    assert "secret" not in error.message


def test_a_limit_is_named_with_its_size() -> None:
    """The client learns what is allowed."""
    error = too_large("request target", 65536, status=414)
    assert (error.status, error.code) == (414, "head_too_large")
    assert error.message == "the request target must not exceed 65536 bytes"
