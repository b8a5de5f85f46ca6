"""What browsers are told: exactly what the Fetch standard asks for, and nothing by a wildcard."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backtalk.model.origins import Origins
from backtalk.web.cors import EXPOSED, Cors, is_preflight, joined

APP = b"https://app.example"
CORS = Cors(Origins([APP.decode()]), methods=b"POST")
ASKS = {b"origin": APP, b"access-control-request-method": b"POST"}


def test_a_listed_page_may_read_our_headers() -> None:
    """Its own origin is named, ids and token are exposed, and caches are told."""
    fields = dict(CORS.fields({b"origin": APP}))
    assert fields[b"access-control-allow-origin"] == APP
    assert fields[b"vary"] == b"Origin"
    exposed = fields[b"access-control-expose-headers"].split(b", ")
    assert {b"x-trace-id", b"x-request-id", b"traceresponse", b"x-feedback-token", b"retry-after"} <= set(exposed)
    assert fields[b"access-control-expose-headers"] == EXPOSED


@pytest.mark.parametrize("origin", [b"https://evil.example", b"null", b"*", b""])
def test_others_are_told_nothing_but_that_it_depends(origin: bytes) -> None:
    """No field allows anything, but a cache may not take the answer for everybody's."""
    assert CORS.fields({b"origin": origin}) == [(b"vary", b"Origin")]
    told = CORS.preflight(ASKS | {b"origin": origin})
    assert [name for name, _ in told] == [b"vary"]


def test_where_no_page_is_allowed_nothing_is_added() -> None:
    """The answer does not depend on the origin then."""
    assert Cors(Origins([]), methods=b"POST").fields({b"origin": APP}) == []


def test_a_preflight_says_what_may_be_sent() -> None:
    """The fields that were asked for, the methods, for how long; a private network only to who asks for it."""
    asked = ASKS | {b"access-control-request-headers": b"authorization,content-type,x-feedback-token"}
    told = dict(CORS.preflight(asked))
    assert told[b"access-control-allow-headers"] == b"authorization,content-type,x-feedback-token"
    assert told[b"access-control-allow-methods"] == b"POST"
    assert told[b"access-control-max-age"] == b"600"
    assert b"Access-Control-Request-Headers" in told[b"vary"]
    assert b"access-control-allow-private-network" not in told
    private = dict(CORS.preflight(asked | {b"access-control-request-private-network": b"true"}))
    assert private[b"access-control-allow-private-network"] == b"true"


@given(st.binary(max_size=100), st.sampled_from([APP, b"null", b"https://evil.example"]))
def test_credentials_are_never_asked_for_and_nothing_is_a_wildcard(wanted: bytes, origin: bytes) -> None:
    """Whatever is asked: no cookies, no `*`, and no line that somebody else wrote."""
    asked = ASKS | {b"origin": origin, b"access-control-request-headers": wanted}
    told = CORS.preflight(asked) + CORS.fields(asked)
    assert b"access-control-allow-credentials" not in dict(told)
    assert all(value != b"*" and b"\r" not in value and b"\n" not in value for _, value in told)


def test_only_a_question_of_a_browser_is_a_preflight() -> None:
    """OPTIONS alone is a method like others."""
    assert is_preflight("OPTIONS", ASKS)
    assert not is_preflight("OPTIONS", {b"origin": APP})
    assert not is_preflight("POST", ASKS)


def test_ours_go_before_the_upstreams() -> None:
    """Two values of one field would forbid what one allows; what the answer varies by adds up."""
    theirs = [(b"access-control-allow-origin", b"*"), (b"vary", b"Accept"), (b"a", b"1")]
    ours = CORS.fields({b"origin": APP})
    assert joined(theirs, ours) == [(b"vary", b"Accept"), (b"a", b"1"), *ours]
