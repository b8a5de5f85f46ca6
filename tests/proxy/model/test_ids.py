"""Identifiers: whatever a header holds, what comes out is well-formed or nothing."""

import hashlib
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backtalk.model import ids

TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
HEADERS = st.one_of(
    st.text(),
    st.from_regex(r"[0-9a-fA-F]{2}-[0-9a-fA-F]{31,33}-[0-9a-fA-F]{15,17}-[0-9a-fA-F]{2}.*"),
    st.from_regex(r"[0-9a-f]{32}-[0-9a-f]{16}\s?"),
)


@pytest.mark.parametrize(
    ("text", "flags"),
    [
        (f"00-{TRACE}-{SPAN}-01", 1),
        (f"00-{TRACE}-{SPAN}-00", 0),
        (f" 00-{TRACE}-{SPAN}-01 ", 1),
        (f"cc-{TRACE}-{SPAN}-03", 3),
        (f"cc-{TRACE}-{SPAN}-01-what-the-future-brings", 1),
    ],
)
def test_traceparent_is_honoured(text: str, flags: int) -> None:
    """A well-formed one is read, of later versions too, sampled or not."""
    assert ids.parse_traceparent(text) == (TRACE, SPAN, flags)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "nonsense",
        f"00-{TRACE}-{SPAN}",
        f"00-{TRACE}-{SPAN}-01-more",
        f"cc-{TRACE}-{SPAN}-01.more",
        f"ff-{TRACE}-{SPAN}-01",
        f"00-{'0' * 32}-{SPAN}-01",
        f"00-{TRACE}-{'0' * 16}-01",
        f"00-{TRACE.upper()}-{SPAN}-01",
        f"00-{TRACE[1:]}-{SPAN}-01",
        f"00-{TRACE}-{SPAN}-0g",
        f"00-{TRACE}-{SPAN}-01\n01",
        f"0\N{ARABIC-INDIC DIGIT ZERO}-{TRACE}-{SPAN}-01",
    ],
)
def test_malformed_traceparent_is_as_if_none_was_sent(text: str) -> None:
    """Anything else gives nothing, and no error (W3C Trace Context, section 4.3)."""
    assert ids.parse_traceparent(text) is None


@given(HEADERS)
def test_any_header_gives_a_key_or_nothing(text: str) -> None:
    """No text raises, and what is read is well-formed."""
    parent = ids.parse_traceparent(text)
    key = ids.parse_request_id(text)
    for found in (parent, key):
        assert found is None or _is_well_formed(found.trace_id, found.span_id)
    assert parent is None or 0 <= parent.flags <= 255


@given(st.text(alphabet="0123456789abcdefABCDEF-\n ", max_size=40))
def test_single_ids_are_well_formed_or_nothing(text: str) -> None:
    """A trace id is 32 digits, a span id 16, in lower case and not all zero."""
    assert ids.parse_trace_id(text) in (text, None)
    assert (ids.parse_trace_id(text) is not None) == (bool(re.fullmatch(r"[0-9a-f]{32}", text)) and set(text) != {"0"})
    assert (ids.parse_span_id(text) is not None) == (bool(re.fullmatch(r"[0-9a-f]{16}", text)) and set(text) != {"0"})


def test_request_id_comes_back_as_the_key() -> None:
    """What we gave in `x-request-id` is read again."""
    key = ids.CallKey(ids.new_trace_id(), ids.new_span_id())
    assert ids.parse_request_id(key.request_id) == key


@pytest.mark.parametrize(
    "text", [f"{TRACE}-{'0' * 16}", f"{'0' * 32}-{SPAN}", f"{TRACE}-{SPAN}-", f"{TRACE}{SPAN}", TRACE]
)
def test_foreign_request_id_gives_nothing(text: str) -> None:
    """An id that Backtalk cannot have given is not taken for one."""
    assert ids.parse_request_id(text) is None


def test_minted_ids_are_well_formed_and_differ() -> None:
    """Fresh ids are random."""
    traces, spans = {ids.new_trace_id() for _ in range(1000)}, {ids.new_span_id() for _ in range(1000)}
    assert len(traces) == len(spans) == 1000
    assert all(_is_well_formed(trace, span) for trace, span in zip(traces, spans, strict=True))


@given(st.lists(st.binary(), max_size=4), st.lists(st.binary(), max_size=4))
def test_hashes_differ_where_parts_differ(left: list[bytes], right: list[bytes]) -> None:
    """Parts cannot run into each other: the same bytes cut elsewhere hash differently."""
    secret = b"s" * 32
    assert (ids.keyed_hash(secret, *left) == ids.keyed_hash(secret, *right)) == (left == right)


def test_hash_depends_on_the_secret_and_has_its_size() -> None:
    """Another installation's hashes cannot be compared."""
    assert ids.keyed_hash(b"a", b"x") != ids.keyed_hash(b"b", b"x")
    assert len(ids.keyed_hash(b"a", b"x", size_bytes=12)) == 24


def _is_well_formed(trace_id: str, span_id: str) -> bool:
    return ids.parse_trace_id(trace_id) == trace_id and ids.parse_span_id(span_id) == span_id


def test_keyed_hashes_are_those_of_older_installations() -> None:
    """Tenants, feedback ids and Redis keys are such hashes: what lies in a ledger is found by tomorrow's version."""
    digest = hashlib.blake2b(key=b"k" * 32, digest_size=16)
    for part in (b"feedback", b"", b"x" * 300):
        digest.update(len(part).to_bytes(8, "big"))
        digest.update(part)
    assert ids.keyed_hash(b"k" * 32, b"feedback", b"", b"x" * 300) == digest.hexdigest()
    assert ids.keyed_hash(b"k" * 32, b"feedback") == "57633b462c1c78e06d6203b1084ba308"
