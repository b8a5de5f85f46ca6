"""Which headers are put on responses and which are copied."""

from backtalk.observe.context import context_of
from backtalk.observe.headers import chosen_query, request_chooser, response_chooser, with_field, with_ids


def test_ids_replace_the_upstreams_and_its_request_id_is_kept_apart() -> None:
    """Order stays, ids are added once, the upstream's request id moves to a field of its own."""
    context = context_of([])
    sent = [(b"a", b"1"), (b"x-request-id", b"req_1"), (b"x-trace-id", b"theirs"), (b"set-cookie", b"1"), (b"a", b"2")]
    fields = with_ids([*sent, (b"traceresponse", b"theirs"), (b"x-upstream-request-id", b"older")], context)
    assert fields[:3] == [(b"a", b"1"), (b"set-cookie", b"1"), (b"a", b"2")]
    assert fields[3:] == [
        (b"x-request-id", f"{context.trace_id}-{context.span_id}".encode()),
        (b"x-trace-id", context.trace_id.encode()),
        (b"traceresponse", context.traceparent.encode()),
        (b"x-upstream-request-id", b"req_1"),
    ]


def test_only_named_fields_are_copied() -> None:
    """The list is closed; a session header may be named, a credential never."""
    names = "content-type user-agent x-stainless-retry-count x-backtalk-test x-my-session authorization cookie baggage"
    fields = [(name.encode(), b"v") for name in names.split()]
    kept = request_chooser("X-My-Session")(fields)
    assert {name for name, _ in kept} == set(names.split()[:5])
    assert not request_chooser("authorization")([(b"authorization", b"v")])


def test_repeated_fields_are_all_copied_in_order() -> None:
    """A name that is there twice keeps both values."""
    fields = [(b"retry-after", b"1"), (b"x", b"1"), (b"retry-after", b"2")]
    assert response_chooser()(fields) == [("retry-after", "1"), ("retry-after", "2")]


def test_strange_names_do_not_fill_the_memory() -> None:
    """What is remembered of names is bounded, and the answers stay the same."""
    choose = response_chooser()
    for n in range(2000):
        assert not choose([(b"x-%d" % n, b"v")])
    assert choose([(b"retry-after", b"1")]) == [("retry-after", "1")]


def test_only_named_parameters_of_a_query_are_copied() -> None:
    """As they were spelled, in their order; a key never."""
    assert chosen_query("api-version=2024-10-21&key=sk-1&model=a%20b&api-key=sk-2&x=1") == (
        "api-version=2024-10-21&model=a%20b"
    )
    assert chosen_query("model=x;key=sk-1&model;key=sk-1&limit=1") == chosen_query("limit=1")
    assert chosen_query("") == ""


def test_our_token_stands_alone() -> None:
    """One of another Backtalk behind this one is of no use to who asked us."""
    fields = with_field([(b"a", b"1"), (b"x-feedback-token", b"theirs")], b"x-feedback-token", b"ours")
    assert fields == [(b"a", b"1"), (b"x-feedback-token", b"ours")]
