"""Who is let in, and who is told why not."""

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from backtalk.clock import NS_PER_S, now
from backtalk.testing.doors import Kept, ask, feedback_door, token

RATING = json.dumps({"kind": "rating", "value": True}).encode()
NAMED = json.dumps({"kind": "rating", "value": True, "trace_id": "1" * 32}).encode()


@pytest.mark.anyio
async def test_forged_expired_and_double_tokens_are_told_apart() -> None:
    """401 with the reason; nothing is kept."""
    kept = Kept()
    door = feedback_door(kept)
    good, old = token(now_ns=now().wall_ns), token(now_ns=now().wall_ns - 7200 * NS_PER_S)
    forged = good[:-1] + ("A" if good[-1] != "A" else "B")
    told = [
        await ask(door, RATING, x_feedback_token=forged),
        await ask(door, RATING, authorization="Bearer btf_short"),
        await ask(door, RATING, x_feedback_token=old),
        await ask(door, RATING, x_feedback_token=good, authorization=f"Bearer {token('rating', now_ns=now().wall_ns)}"),
    ]
    assert [one.status for one in told] == [401] * 4
    assert [one.code for one in told] == ["token_invalid", "token_invalid", "token_expired", "token_invalid"]
    assert kept.payloads == []


@pytest.mark.anyio
async def test_a_page_that_points_its_name_at_this_machine_is_refused() -> None:
    """Without a key, on loopback, only names of loopback are asked for; who has a key shows that it is meant."""
    door = feedback_door(Kept())
    told = await ask(door, NAMED, host="rebound.example")
    assert (told.status, told.code) == (403, "host_not_allowed")
    assert (await ask(door, NAMED, host="127.0.0.1:8080")).status == 202
    assert (await ask(door, NAMED, host="proxy.example", authorization="Bearer k")).status == 202


@pytest.mark.anyio
async def test_reading_and_taking_back_need_a_key_where_others_can_reach_us() -> None:
    """Who sends none shares a tenant with everybody who sends none."""
    door = feedback_door(Kept(), on_loopback=False)
    told = [
        await ask(door, method="GET", query="session_id=s"),
        await ask(door, method="GET", path=f"/v1/feedback/{'a' * 32}"),
        await ask(door, method="DELETE", path=f"/v1/feedback/{'a' * 32}"),
    ]
    assert [(one.status, one.code) for one in told] == [(401, "unauthorized")] * 3
    assert (await ask(door, NAMED)).status == 202


@pytest.mark.anyio
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(max_size=120), st.text(alphabet=st.characters(max_codepoint=255), max_size=120))
async def test_no_token_crashes_the_door(in_body: str, in_header: str) -> None:
    """Whatever is sent as a token, by body or header, is refused with a sentence or is none."""
    door = feedback_door(Kept())
    body = json.dumps({"kind": "rating", "value": True, "trace_id": "1" * 32, "token": in_body}).encode()
    told = await ask(door, body, x_feedback_token=in_header)
    assert told.status in {202, 401}
    assert told.json.get("error", {"message": "x"})["message"]
