"""Feedback through a real Backtalk: each key that an app may hold, early and late, repeated, and without Redis."""

import json
import signal
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import openai
import pytest

from backtalk import clock
from backtalk.model.ids import new_trace_id
from backtalk.testing.provider import Provider
from backtalk.testing.serve import Backtalk, running_backtalk
from backtalk.testing.waiting import wait_until


def _post(backtalk: Backtalk, body: object, *, key: str = "sk-flow", **headers: str) -> tuple[int, dict[str, Any]]:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    fields = {"authorization": f"Bearer {key}"} | {name.replace("_", "-"): value for name, value in headers.items()}
    request = urllib.request.Request(f"{backtalk.url}/v1/feedback", data=raw, headers=fields)  # noqa: S310 -- our own
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:  # noqa: S310 -- our own
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.load(error)


def _call(client: openai.OpenAI, text: str, **headers: str) -> dict[str, str]:
    raw = client.chat.completions.with_raw_response.create(
        model="scripted", messages=[{"role": "user", "content": text}], extra_headers=headers
    )
    return {
        "trace_id": raw.headers["x-trace-id"],
        "request_id": raw.headers["x-request-id"],
        "traceparent": raw.headers["traceresponse"],
        "response_id": raw.parse().id,
    }


def _feedback_of(backtalk: Backtalk, trace_id: str, count: int = 1) -> list[dict[str, Any]]:
    document = backtalk.wait_for_trace(
        trace_id, lambda found: found["calls"] and len(found["calls"][0]["feedback"]) >= count
    )
    found: list[dict[str, Any]] = document["calls"][0]["feedback"]
    return found


@pytest.mark.parametrize("key", ["trace_id", "request_id", "traceparent", "response_id"])
def test_each_key_finds_the_call(backtalk: Backtalk, client: openai.OpenAI, key: str) -> None:
    """Whatever the app holds, the feedback is in the call's document."""
    call = _call(client, f"key {key}")
    status, reply = _post(backtalk, {"kind": "rating", "value": False, key: call[key], "comment": "no"})
    assert (status, reply["status"], reply["duplicate"]) == (202, "accepted", False)
    found = _feedback_of(backtalk, call["trace_id"])
    assert [(one["kind"], one["value"], one["comment"]) for one in found] == [("rating", False, "no")]
    assert found[0]["feedback_id"] == reply["feedback_id"]


def test_the_reply_names_the_target_once_the_call_is_known(backtalk: Backtalk, client: openai.OpenAI) -> None:
    """The echo is the call's trace and span."""
    call = _call(client, "echo the target")
    backtalk.wait_for_trace(call["trace_id"])

    def resolved() -> dict[str, Any] | None:
        _, reply = _post(backtalk, {"kind": "rating", "value": True, "response_id": call["response_id"]})
        return reply if reply["target_status"] == "resolved" else None

    target = wait_until(resolved, what="the echo of the target")["target"]
    assert f"{target['trace_id']}-{target['span_id']}" == call["request_id"]


def test_the_traceparent_that_the_app_sent_finds_the_call(backtalk: Backtalk, client: openai.OpenAI) -> None:
    """An app that traces knows its own span only."""
    sent = f"00-{new_trace_id()}-00f067aa0ba902b7-01"
    call = _call(client, "own traceparent", traceparent=sent)
    assert _post(backtalk, {"kind": "score", "value": 0.5, "traceparent": sent})[0] == 202
    assert _feedback_of(backtalk, call["trace_id"])[0]["value"] == 0.5


def test_feedback_may_come_before_its_call(backtalk: Backtalk, client: openai.OpenAI) -> None:
    """It is accepted as pending and joined when the call comes."""
    trace_id = new_trace_id()
    status, reply = _post(backtalk, {"kind": "rating", "value": True, "trace_id": trace_id})
    assert status == 202
    assert reply["target"] is None
    backtalk.wait_for_trace(trace_id, lambda found: found["pending_feedback"])
    _call(client, "the call comes late", traceparent=f"00-{trace_id}-00f067aa0ba902b7-01")
    assert len(_feedback_of(backtalk, trace_id)) == 1


def test_a_repeat_is_told_and_counts_once(backtalk: Backtalk, client: openai.OpenAI) -> None:
    """The same key and body: the same id, `duplicate: true`; another body: 409."""
    call = _call(client, "repeat")
    body = {"kind": "rating", "value": True, "trace_id": call["trace_id"]}
    first = _post(backtalk, body, idempotency_key="k-repeat")
    again = _post(backtalk, body, idempotency_key="k-repeat")
    by_id = _post(backtalk, body | {"id": "k-repeat"})
    assert first[0] == 202
    assert [reply["duplicate"] for _, reply in (first, again, by_id)] == [False, True, True]
    assert {reply["feedback_id"] for _, reply in (first, again, by_id)} == {first[1]["feedback_id"]}
    status, reply = _post(backtalk, body | {"value": False}, idempotency_key="k-repeat")
    assert (status, reply["error"]["code"]) == (409, "idempotency_conflict")
    marker = _post(backtalk, body | {"comment": "the last one"})
    assert marker[0] == 202
    found = _feedback_of(backtalk, call["trace_id"], count=2)
    assert len(found) == 2


def test_feedback_of_another_tenant_does_not_land(backtalk: Backtalk, client: openai.OpenAI) -> None:
    """Somebody else's key names nothing of ours, and their idempotency keys are their own."""
    call = _call(client, "tenants")
    body = {"kind": "rating", "value": False, "trace_id": call["trace_id"]}
    assert _post(backtalk, body, key="sk-stranger", idempotency_key="k-tenant")[0] == 202
    status, reply = _post(backtalk, body | {"value": True}, idempotency_key="k-tenant")
    assert (status, reply["duplicate"]) == (202, False)
    assert [one["value"] for one in _feedback_of(backtalk, call["trace_id"])] == [True]


@pytest.mark.parametrize(
    ("body", "status", "words"),
    [
        (b"", 400, "not JSON"),
        (b"\xff\xfe", 400, "not valid UTF-8"),
        (b'{"kind":"rating"}', 400, "value is missing"),
        ({"kind": "like", "value": True, "trace_id": "a" * 32}, 400, "allowed are rating, score"),
        ({"kind": "rating", "value": 3, "trace_id": "a" * 32}, 400, "not a number"),
        ({"kind": "rating", "value": True, "trace_id": "nope"}, 400, "32 lower-case hex"),
    ],
)
def test_bad_bodies_get_a_sentence_with_the_trace_id(backtalk: Backtalk, body: object, status: int, words: str) -> None:
    """OpenAI's error shape, no traceback, and the door stays open."""
    got, reply = _post(backtalk, body)
    assert got == status
    assert words in reply["error"]["message"]
    assert len(reply["error"]["trace_id"]) == 32


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("PUT", "/v1/feedback", 405),
        ("OPTIONS", "/v1/feedback", 405),
        ("POST", "/v1/feedback/x", 405),
        ("POST", "/v1/feedback/x/y", 404),
        ("POST", "/v1/feedbacks", 404),
        ("GET", "/feedback.jsx", 404),
    ],
)
def test_reserved_paths_never_reach_the_upstream(
    backtalk: Backtalk, upstream: Provider, method: str, path: str, status: int
) -> None:
    """They are answered here, with ids in the headers."""
    before = len(upstream.exchanges)
    request = urllib.request.Request(backtalk.url + path, method=method)  # noqa: S310 -- our own
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(request, timeout=10)  # noqa: S310 -- our own
    with caught.value as error:
        assert error.code == status
        assert len(error.headers["x-trace-id"]) == 32
        assert ("allow" in error.headers) == (status == 405)
    assert len(upstream.exchanges) == before


@pytest.mark.parametrize("number", [signal.SIGSTOP, signal.SIGKILL])
def test_feedback_is_taken_without_redis_and_counts_once(
    upstream: Provider, tmp_path: Path, number: signal.Signals
) -> None:
    """Stopped or killed, Redis costs the echo and the word `duplicate`, never the feedback, and not much time."""
    with running_backtalk(upstream.url, tmp_path / "data") as backtalk:
        with openai.OpenAI(base_url=f"{backtalk.url}/v1", api_key="sk-flow", max_retries=0) as client:
            call = _call(client, f"without redis {number.name}")
        body = {"kind": "rating", "value": True, "trace_id": call["trace_id"]}
        stopped = backtalk.signal_children("redis", number)
        assert stopped
        start_ns = clock.monotonic_ns()
        replies = [_post(backtalk, body, idempotency_key="k-down") for _ in range(3)]
        elapsed_ms = (clock.monotonic_ns() - start_ns) / clock.NS_PER_MS
        assert {status for status, _ in replies} <= {200, 202}
        assert len({reply["feedback_id"] for _, reply in replies}) == 1
        assert elapsed_ms < 2_000
        if number is signal.SIGSTOP:
            backtalk.signal_children("redis", signal.SIGCONT)
        assert _post(backtalk, body | {"comment": "the last one"})[0] == 202
        found = _feedback_of(backtalk, call["trace_id"], count=2)
        assert len(found) == 2
