"""Feedback tokens: what they say, how long, and that nobody else makes or changes one."""

import base64
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backtalk.clock import NS_PER_S
from backtalk.errors import RequestError
from backtalk.model.feedback import FeedbackKind
from backtalk.model.feedback_token import KINDS, TOKEN_CHARS, TokenReader, TokenSigner, kinds_of, mask_of
from backtalk.model.ids import CallKey, SpanId, TraceId

SECRET = b"s" * 32
CALL = CallKey(TraceId("4bf92f3577b34da6a3ce929d0e0e4736"), SpanId("00f067aa0ba902b7"))
TENANT = "ab" * 16
NOW_NS = 1_800_000_000 * NS_PER_S


def token_of(
    *, secret: bytes = SECRET, call: CallKey = CALL, tenant: str = TENANT, number: int = 0, ttl_s: int = 60
) -> str:
    """A token for ratings and comments."""
    signer = TokenSigner(secret, key_number=number, kinds=("rating", "comment"), ttl_s=ttl_s)
    return signer.sign(call, tenant, NOW_NS).decode()


def refused(token: str, *, now_ns: int = NOW_NS, number: int = 0) -> tuple[int, str]:
    """Status and code with which a token is refused."""
    with pytest.raises(RequestError) as error:
        TokenReader(SECRET, key_number=number).read(token, now_ns)
    assert len(token) < 20 or token not in error.value.message
    return error.value.status, error.value.code


@given(
    trace=st.integers(1, (1 << 128) - 1), span=st.integers(1, (1 << 64) - 1), tenant=st.binary(min_size=16, max_size=16)
)
def test_a_token_says_what_was_put_into_it(trace: int, span: int, tenant: bytes) -> None:
    """For every call and tenant, in one header's length and alphabet."""
    call = CallKey(TraceId(f"{trace:032x}"), SpanId(f"{span:016x}"))
    token = token_of(call=call, tenant=tenant.hex())
    claims = TokenReader(SECRET, key_number=0).read(token, NOW_NS)
    assert (claims.call, claims.tenant, claims.kinds) == (call, tenant.hex(), frozenset(("rating", "comment")))
    assert claims.expires_s == NOW_NS // NS_PER_S + 60
    assert len(token) == TOKEN_CHARS


@given(place=st.integers(4, TOKEN_CHARS - 1), char=st.sampled_from("ABCXYZabcxyz019-_"))
def test_a_changed_character_is_a_forgery(place: int, char: str) -> None:
    """Wherever it stands: scope, kinds, expiry, tenant and signature hold together."""
    token = token_of()
    changed = token[:place] + char + token[place + 1 :]
    if changed != token:
        assert refused(changed) == (401, "token_invalid")


@given(st.text(max_size=200) | st.binary(max_size=90).map(lambda raw: "btf_" + base64.urlsafe_b64encode(raw).decode()))
def test_whatever_else_is_sent_is_refused_with_a_sentence(text: str) -> None:
    """Any text, and any well-formed nonsense: one answer, no crash."""
    assert refused(text) == (401, "token_invalid")


def test_a_token_ends_at_its_second() -> None:
    """Good until just before; then refused under a name of its own, with how long ago."""
    token = token_of(ttl_s=60)
    TokenReader(SECRET, key_number=0).read(token, NOW_NS + 60 * NS_PER_S - 1)
    assert refused(token, now_ns=NOW_NS + 60 * NS_PER_S) == (401, "token_expired")


def test_a_token_of_another_installation_is_none() -> None:
    """Its secret is another."""
    assert refused(token_of(secret=b"t" * 32)) == (401, "token_invalid")


def test_a_rotation_keeps_the_tokens_before_and_two_keep_none() -> None:
    """Raised by one the old ones stay good, by two they do not; a number to come is not accepted either."""
    old = token_of(number=4)
    assert TokenReader(SECRET, key_number=5).read(old, NOW_NS).call == CALL
    assert refused(old, number=6) == (401, "token_invalid")
    assert refused(old, number=3) == (401, "token_invalid")


def test_the_holder_learns_nothing_of_the_tenant() -> None:
    """Its hash is not in the token, and two tokens of one tenant have nothing in common there."""
    other = CallKey(CALL.trace_id, SpanId("1" * 16))
    masked = [base64.urlsafe_b64decode(token_of(call=call)[4:])[31:47] for call in (CALL, other)]
    assert bytes.fromhex(TENANT) not in masked
    assert masked[0] != masked[1]


def test_every_kind_has_a_bit_and_keeps_it() -> None:
    """The list only grows at its end; every kind of feedback that is sent to the door stands in it."""
    assert KINDS[:4] == ("rating", "score", "comment", "correction")
    assert set(get_args(FeedbackKind)) - {"retraction"} <= set(KINDS)
    assert all(kinds_of(mask_of({kind})) == {kind} for kind in KINDS)
    assert len(KINDS) <= 16
