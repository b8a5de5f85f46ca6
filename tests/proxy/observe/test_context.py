"""The ids of one call."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backtalk.model.ids import parse_traceparent
from backtalk.observe.context import context_of

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
PARENT = "00f067aa0ba902b7"
GOOD = f"00-{TRACE}-{PARENT}-01".encode()


@pytest.mark.parametrize("flags", ["00", "01", "ff"])
def test_a_traceparent_is_honoured_whatever_its_flags(flags: str) -> None:
    """Trace id, parent and flags go on; the spans are our own."""
    context = context_of([(b"traceparent", f"00-{TRACE}-{PARENT}-{flags}".encode())])
    assert (context.trace_id, context.parent_span_id, context.flags) == (TRACE, PARENT, int(flags, 16))
    assert len({PARENT, context.span_id, context.server_span_id}) == 3
    assert context.traceparent == f"00-{TRACE}-{context.span_id}-{flags}"


@pytest.mark.parametrize(
    "values",
    [
        [],
        [b""],
        [GOOD.upper()],
        [GOOD[:-1]],
        [b"00-" + b"0" * 32 + GOOD[35:]],
        [b"ff" + GOOD[2:]],
        [GOOD, GOOD],
        [GOOD, b"00-" + b"a" * 32 + GOOD[35:]],
        [b"\xff\x00\xfe"],
    ],
)
def test_a_malformed_or_repeated_traceparent_gives_fresh_ids(values: list[bytes]) -> None:
    """It is as if none had been sent, its tracestate included."""
    context = context_of([*((b"traceparent", v) for v in values), (b"tracestate", b"a=1")])
    assert context.trace_id != TRACE
    assert (context.parent_span_id, context.tracestate, context.flags) == (None, "", 1)


def test_repeated_tracestates_are_joined_and_bounded() -> None:
    """Members keep their order; what W3C does not ask to carry falls off the end, never half a member."""
    fields = [(b"traceparent", GOOD), (b"tracestate", b"a=1, b=2"), (b"tracestate", b"c=3")]
    assert context_of(fields).tracestate == "a=1,b=2,c=3"
    long = b",".join(b"k%d=%b" % (n, b"v" * 40) for n in range(40))
    kept = context_of([(b"traceparent", GOOD), (b"tracestate", long)]).tracestate
    assert len(kept) <= 512
    assert all(member.endswith("v" * 40) for member in kept.split(","))


@given(st.lists(st.tuples(st.sampled_from([b"traceparent", b"tracestate", b"x"]), st.binary(max_size=80)), max_size=5))
def test_no_header_makes_it_fail(headers: list[tuple[bytes, bytes]]) -> None:
    """Whatever is sent, the ids are well-formed."""
    context = context_of(headers)
    parsed = parse_traceparent(context.traceparent)
    assert parsed is not None
    assert (parsed.trace_id, parsed.span_id) == (context.trace_id, context.span_id)
    assert context.tracestate.isprintable()
