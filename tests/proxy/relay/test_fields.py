"""Header fields and paths on their way through."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backtalk.errors import RequestError
from backtalk.relay.fields import RequestFields, response_fields, target_of

_NAMES = st.sampled_from([b"a", b"b", b"te", b"connection", b"content-length", b"traceparent", b"authorization"])
_FIELDS = st.lists(st.tuples(_NAMES, st.sampled_from([b"1", b"b", b"close, a", b"content-length"])))


@given(_FIELDS)
def test_what_is_kept_keeps_its_order(fields: list[tuple[bytes, bytes]]) -> None:
    """The result is the sent fields without some of them, never re-ordered, and without connection fields."""
    for kept in (response_fields(fields), RequestFields(credential=None, trace=False).lasting(fields)):
        rest = iter(fields)
        assert all(field in rest for field in kept)
        assert not {b"connection", b"te"} & {name for name, _ in kept}
    lengths = [field for field in fields if field[0] == b"content-length"]
    assert [field for field in response_fields(fields) if field[0] == b"content-length"] == lengths


def test_fields_named_by_connection_are_dropped() -> None:
    """Whatever the peer declares to be of the connection stays there."""
    fields = [(b"x-hop", b"1"), (b"connection", b"keep-alive, X-Hop"), (b"x-end", b"1")]
    assert response_fields(fields) == [(b"x-end", b"1")]


def test_key_and_trace_context_are_replaced() -> None:
    """Ours take the place of theirs, at the end; all credentials of the client go."""
    make = RequestFields(credential=(b"authorization", b"Bearer ours"), trace=True)
    sent = [(b"authorization", b"a"), (b"x-api-key", b"b"), (b"traceparent", b"c"), (b"tracestate", b"d"), (b"x", b"1")]
    assert make.lasting(sent) == [(b"x", b"1"), (b"authorization", b"Bearer ours")]
    trace = [(b"traceparent", b"00-t-s-01"), (b"tracestate", b"k=v")]
    assert make.own(b"3", traceparent="00-t-s-01", tracestate="k=v") == [(b"content-length", b"3"), *trace]
    assert make.own(None, traceparent="", tracestate="") == []


@pytest.mark.parametrize(
    ("name", "ours"),
    [
        (b"x-api-key", (b"x-api-key", b"ours")),
        (b"api-key", (b"api-key", b"ours")),
        (b"x-goog-api-key", (b"authorization", b"Bearer ours")),
        (b"user-agent", (b"authorization", b"Bearer ours")),
    ],
)
def test_the_key_goes_where_the_clients_dialect_has_it(name: bytes, ours: tuple[bytes, bytes]) -> None:
    """Anthropic's and Azure's header are kept; who sent none of them gets a bearer token."""
    fields = RequestFields(credential=(b"authorization", b"Bearer ours"), trace=False).lasting([(name, b"theirs")])
    assert fields[-1] == ours
    assert (name, b"theirs") not in fields or name == b"user-agent"


@pytest.mark.parametrize(
    ("path", "base", "target"),
    [
        (b"/openai/deployments/d/chat/completions", b"/v1", b"/openai/deployments/d/chat/completions?api-version=1"),
        (b"/openai/v1/responses", b"/openai/v1", b"/openai/v1/responses?api-version=1"),
        (b"/openai/models", b"/team/openai/v1", b"/team/openai/models?api-version=1"),
        (b"/api/chat", b"/v1", b"/api/chat?api-version=1"),
    ],
)
def test_azures_and_ollamas_paths_are_absolute(path: bytes, base: bytes, target: bytes) -> None:
    """They go where the base would be without its own version."""
    assert target_of(path, b"api-version=1", prefix=b"/v1", base=base) == target


@pytest.mark.parametrize(
    ("path", "query", "target"),
    [
        (b"/v1/chat/completions", b"", b"/api/v1/chat/completions"),
        (b"/v1/a%2Fb/..c/.d", b"x=../y", b"/api/v1/a%2Fb/..c/.d?x=../y"),
        (b"/v1", b"", b"/api/v1"),
        (b"/v1/..a/...;b/.%61/%252e%252ea", b"", b"/api/v1/..a/...;b/.%61/%252e%252ea"),
    ],
)
def test_the_base_stands_for_our_prefix(path: bytes, query: bytes, target: bytes) -> None:
    """The rest of the path and the query are the client's bytes."""
    assert target_of(path, query, prefix=b"/v1", base=b"/api/v1") == target


@pytest.mark.parametrize(
    "path",
    [
        b"/v1/..",
        b"/v1/a/../b",
        b"/v1/%2e%2E/b",
        b"/v1/.%2e",
        b"/v1/a%2f..%5cb",
        b"/v1/..\\b",
        b"/v1/..;x=1/b",
        b"/v1/..%00/b",
        b"/v1/..%20/b",
        b"/v1/%252e%252E/b",
        b"/v1/a%25252f..%25252fb",
        b"/%761",
        b"/openai/../x",
    ],
)
def test_paths_that_climb_are_refused(path: bytes) -> None:
    """In any spelling."""
    with pytest.raises(RequestError):
        target_of(path, b"", prefix=b"/v1", base=b"/api/v1")
