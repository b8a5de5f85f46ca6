"""What the holder of a token may say: of one call, in listed kinds, and about its own feedback."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backtalk.errors import RequestError
from backtalk.feedback.body import parse_object
from backtalk.feedback.token_scope import check_own, confined, own_id, with_call
from backtalk.model.feedback import FeedbackBody
from backtalk.model.feedback_token import TokenClaims
from backtalk.testing.doors import CALL, SECRET, TENANT

CLAIMS = TokenClaims(CALL, TENANT, frozenset(("rating", "ranking", "survey")), 2_000_000_000, "1" * 32)
OTHER_TRACE, OTHER_SPAN = "5" * 32, "6" * 16
RATING = {"kind": "rating", "value": True}
OWN = [
    {},
    {"trace_id": CALL.trace_id},
    {"trace_id": CALL.trace_id, "span_id": CALL.span_id},
    {"request_id": CALL.request_id},
    {"traceparent": f"00-{CALL.trace_id}-{CALL.span_id}-01"},
]
FOREIGN = [
    {"trace_id": OTHER_TRACE},
    {"trace_id": CALL.trace_id, "span_id": OTHER_SPAN},
    {"trace_id": OTHER_TRACE, "span_id": CALL.span_id},
    {"request_id": f"{OTHER_TRACE}-{CALL.span_id}"},
    {"traceparent": f"00-{CALL.trace_id}-{OTHER_SPAN}-01"},
    {"response_id": "chatcmpl-1"},
    {"session_id": "s"},
    {"calls": [{"trace_id": CALL.trace_id}, {"trace_id": OTHER_TRACE}]},
]


def said(**fields: Any) -> FeedbackBody:
    """What the token lets be said of this body."""
    return confined(parse_object(with_call({**RATING, **fields}, CLAIMS)).body, CLAIMS)


@pytest.mark.parametrize("target", OWN)
def test_its_own_call_may_be_named_in_any_way_or_not_at_all(target: dict[str, Any]) -> None:
    """What is kept names trace and span, so that a trace with more calls leaves no doubt."""
    body = said(**target)
    assert (body.trace_id, body.span_id, body.request_id, body.traceparent) == (*CALL, None, None)


@pytest.mark.parametrize("target", FOREIGN)
def test_nothing_else_may_be_named(target: dict[str, Any]) -> None:
    """Not another call, not a whole session, not an id that only the join could resolve."""
    with pytest.raises(RequestError) as error:
        said(**target)
    assert (error.value.status, error.value.code) == (403, "token_scope")
    assert CALL.request_id in error.value.message


def test_only_listed_kinds_may_be_said() -> None:
    """The refusal lists them."""
    with pytest.raises(RequestError, match="ranking, rating, survey") as error:
        said(kind="comment", value="x")
    assert error.value.param == "kind"


def test_the_choices_of_one_call_may_be_ranked_and_nothing_beside_them() -> None:
    """A ranking names calls inside it: each is held to the same."""
    own = {"trace_id": CALL.trace_id}
    order = [[{**own, "choice": 1}], [{**own, "choice": 0}]]
    ranked = confined(parse_object({"kind": "ranking", "order": order}).body, CLAIMS)
    assert [(one.span_id, one.choice) for group in ranked.order for one in group] == [
        (CALL.span_id, 1),
        (CALL.span_id, 0),
    ]
    with pytest.raises(RequestError):
        confined(parse_object({"kind": "ranking", "order": [[own], [{"trace_id": OTHER_TRACE}]]}).body, CLAIMS)


@given(st.none() | st.text(max_size=20), st.text(alphabet="0123456789abcdef", min_size=32, max_size=32))
def test_an_id_is_known_as_the_tokens_own_and_no_other_is(key: str | None, foreign: str) -> None:
    """Nothing is looked up: half of the id is a keyed hash. Another token's ids are foreign too."""
    other = CLAIMS._replace(token_id="2" * 32)
    own = own_id(SECRET, CLAIMS, key)
    assert len(own) == 32
    check_own(SECRET, CLAIMS, own)
    for claims, feedback_id in ((other, own), (CLAIMS, foreign), (CLAIMS, own_id(SECRET, other, key))):
        with pytest.raises(RequestError) as error:
            check_own(SECRET, claims, feedback_id)
        assert (error.value.status, error.value.code) == (403, "token_scope")


def test_a_repeat_under_a_key_has_the_id_of_the_first() -> None:
    """Within a token; without a key every feedback is one of its own."""
    assert own_id(SECRET, CLAIMS, "k") == own_id(SECRET, CLAIMS, "k")
    assert own_id(SECRET, CLAIMS, "k") != own_id(SECRET, CLAIMS._replace(token_id="2" * 32), "k")
    assert own_id(SECRET, CLAIMS, None) != own_id(SECRET, CLAIMS, None)


def test_a_token_names_no_rater() -> None:
    """Who has the token of one answer could otherwise unsay what somebody else said of it, or be a crowd."""
    with pytest.raises(RequestError, match="leave rater out") as caught:
        said(rater="ann")
    assert (caught.value.status, caught.value.code, caught.value.param) == (403, "token_scope", "rater")
