"""Routes, through the real server: which target a call reaches, and what the client sees when targets fail."""

import asyncio
import json
from typing import Any

import pytest

from backtalk.errors import SetupError
from backtalk.testing.raw_client import request_bytes
from backtalk.testing.raw_upstream import Conversation, RawRequest, Script, answering
from backtalk.testing.running import FrameList, error_of, proxying, routing

CHAT = "/v1/chat/completions"
OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, bool]]:
    """The loop the product runs on."""
    return "asyncio", {"use_uvloop": True}


def asking(model: str = "m", **more: Any) -> bytes:
    """A body that asks for a model."""
    return json.dumps({"model": model, "messages": [], **more}).encode()


def refusing(status: int, *fields: bytes) -> Script:
    """A script that always refuses."""
    head = b"".join(b"%b\r\n" % field for field in fields)
    return answering(b"HTTP/1.1 %d No\r\n%bcontent-length: 4\r\n\r\nsaid" % (status, head))


def in_turn(*scripts: Script) -> Script:
    """A script that does one thing after the other, and the last one from then on."""
    left = list(scripts)

    async def script(conversation: Conversation, request: RawRequest) -> None:
        await (left.pop(0) if len(left) > 1 else left[0])(conversation, request)

    return script


async def cutting(conversation: Conversation, _request: RawRequest) -> None:
    """An upstream that hangs up."""
    conversation.cut()


@pytest.mark.anyio
async def test_the_model_chooses_the_target_and_the_bytes_stay() -> None:
    """A routed call reaches its target with the bytes that were sent; the answer says which target it was."""
    body = b'{ "messages":[],\n "model" : "m", "x":1.0}'
    frames = FrameList()
    async with routing({"a": answering(OK)}, frames=frames) as (upstreams, client):
        response = await client.request("POST", CHAT, body)
        assert (response.status, response.body) == (200, b"ok")
        assert (response.value("x-backtalk-target"), response.value("x-backtalk-attempts")) == ("a", "1")
        assert upstreams["a"].requests[0].body == body
        closed = await frames.ended()
    (attempt,) = closed.attempts
    assert (closed.route, attempt.target, attempt.lane, attempt.status, attempt.error) == ("m", "a", "raw", 200, None)
    assert closed.upstream == attempt.upstream == f"127.0.0.1:{upstreams['a'].port}"


@pytest.mark.anyio
@pytest.mark.parametrize("body", [asking("other"), b"{}", b"not json", b"", b'{"model": 7}', b'{"model": ""}'])
async def test_a_call_without_a_route_goes_to_the_upstream_untouched(body: bytes) -> None:
    """A model that no route names, and a body that names none, go where all calls go without routes."""
    async with routing({"a": answering(OK)}) as (upstreams, client):
        response = await client.request("POST", CHAT, body)
        assert response.status == 200
        assert response.value("x-backtalk-target") is None
        assert [request.body for request in upstreams["default"].requests] == [body]
        assert not upstreams["a"].requests


@pytest.mark.anyio
async def test_a_target_renames_the_model_and_nothing_else() -> None:
    """Where the target has another name for the model, that one value is another, and the length fits."""
    body = b'{"messages":[{"content":"\\"model\\":\\"m\\""}],"model":"m" ,"tools":[{"model":"m"}]}'
    frames = FrameList()
    async with routing({"a": answering(OK)}, targets={"a": {"model": "big/*-1"}}, frames=frames) as (upstreams, client):
        await client.request("POST", CHAT, body)
        sent = upstreams["a"].requests[0]
        assert sent.body == body.replace(b'"model":"m" ', b'"model":"big/m-1" ')
        assert sent.values(b"content-length") == [b"%d" % len(sent.body)]
        assert (await frames.ended()).attempts[0].model == "big/m-1"


@pytest.mark.anyio
async def test_a_form_is_routed_by_its_field() -> None:
    """Multipart uploads name their model in a field; it is renamed there."""
    form = (
        b'--B\r\nContent-Disposition: form-data; name="file"; filename="model"\r\n\r\n\0name="model"\r\n\r\nm\r\n'
        b'--B\r\nContent-Disposition: form-data; name="model"\r\n\r\nm\r\n--B--\r\n'
    )
    fields = (("content-type", "multipart/form-data; boundary=B"),)
    async with routing({"a": answering(OK)}, targets={"a": {"model": "whisper"}}) as (upstreams, client):
        await client.request("POST", "/v1/audio/transcriptions", form, fields=fields)
        assert upstreams["a"].requests[0].body == form.replace(b"\r\n\r\nm\r\n--B--", b"\r\n\r\nwhisper\r\n--B--")


@pytest.mark.anyio
async def test_a_targets_key_replaces_the_clients(tmp_path: Any) -> None:
    """A target has a key of its own, in the header that its API wants; the client's key stays here."""
    (tmp_path / "key").write_text("sk-ours\n")
    target = {"api_key_file": str(tmp_path / "key"), "api_key_header": "x-api-key"}
    async with routing({"a": answering(OK)}, targets={"a": target}) as (upstreams, client):
        await client.request("POST", CHAT, asking(), fields=(("authorization", "Bearer sk-theirs"),))
        assert upstreams["a"].requests[0].values(b"x-api-key") == [b"sk-ours"]
        assert b"sk-theirs" not in upstreams["a"].requests[0].head


@pytest.mark.anyio
@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504, 529])
async def test_a_fallback_answers_where_the_target_fails(status: int) -> None:
    """The client sees the fallback's answer alone; both attempts are recorded."""
    frames = FrameList()
    scripts = {"a": refusing(status), "b": answering(OK)}
    async with routing(scripts, route={"targets": ("a",), "fallbacks": ("b",)}, frames=frames) as (_, client):
        response = await client.request("POST", CHAT, asking())
        assert (response.status, response.body) == (200, b"ok")
        assert (response.value("x-backtalk-target"), response.value("x-backtalk-attempts")) == ("b", "2")
        closed = await frames.ended()
    assert [(a.target, a.status, a.error) for a in closed.attempts] == [
        ("a", status, f"status_{status}"),
        ("b", 200, None),
    ]
    assert (closed.outcome, closed.status, closed.error) == ("completed", 200, None)
    assert len({attempt.span_id for attempt in closed.attempts} | {closed.span_id}) == 3


@pytest.mark.anyio
@pytest.mark.parametrize("status", [200, 301, 400, 401, 403, 404, 409, 413, 422, 501])
async def test_an_answer_is_not_tried_again(status: int) -> None:
    """What the client did wrong, and what a repeat would meet again, passes as it is."""
    async with routing({"a": refusing(status), "b": answering(OK)}, route={"targets": ("a",)}) as (upstreams, client):
        response = await client.request("POST", CHAT, asking())
        assert (response.status, response.body) == (status, b"said")
        assert not upstreams["b"].requests


@pytest.mark.anyio
async def test_the_last_answer_passes_where_all_fail() -> None:
    """The client gets the last target's own words, and how many attempts there were."""
    frames = FrameList()
    async with routing({"a": refusing(503)}, frames=frames, route={"attempts": 3}) as (upstreams, client):
        response = await client.request("POST", CHAT, asking())
        assert (response.status, response.body) == (503, b"said")
        assert response.value("x-backtalk-attempts") == "3"
        assert len(upstreams["a"].requests) == 3
        assert [a.error for a in (await frames.ended()).attempts] == ["status_503"] * 3


@pytest.mark.anyio
async def test_a_target_that_hangs_up_or_is_not_there_is_passed_over() -> None:
    """Connections that fail or are cut before a head count as failures of the target."""
    targets = {"a": {"url": "http://127.0.0.1:1/v1"}}
    route = {"targets": ("a",), "fallbacks": ("b", "c")}
    frames = FrameList()
    scripts = {"a": answering(OK), "b": cutting, "c": answering(OK)}
    async with routing(scripts, targets=targets, route=route, frames=frames) as (_, client):
        assert (await client.request("POST", CHAT, asking())).body == b"ok"
        errors = [attempt.error for attempt in (await frames.ended()).attempts]
        assert errors == ["upstream_unreachable", "upstream_cut", None]


@pytest.mark.anyio
async def test_an_error_of_the_last_attempt_says_how_many_there_were() -> None:
    """Where no target answered, the error is ours and carries the same headers."""
    frames = FrameList()
    async with routing({"a": cutting}, route={"attempts": 2}, frames=frames) as (_, client):
        response = await client.request("POST", CHAT, asking())
        assert (response.status, error_of(response)["code"]) == (502, "upstream_cut")
        assert (response.value("x-backtalk-target"), response.value("x-backtalk-attempts")) == ("a", "2")
        closed = await frames.ended()
        assert (closed.outcome, closed.error, len(closed.attempts)) == ("upstream_error", "upstream_cut", 2)


@pytest.mark.anyio
async def test_a_job_is_not_created_twice() -> None:
    """Where a repeat would leave something behind, only a target that took nothing is passed over."""
    route = {"targets": ("a",), "fallbacks": ("b",)}
    async with routing({"a": refusing(500), "b": answering(OK)}, route=route) as (_, client):
        assert (await client.request("POST", "/v1/fine_tuning/jobs", asking())).status == 500
    async with routing({"a": refusing(429), "b": answering(OK)}, route=route) as (_, client):
        assert (await client.request("POST", "/v1/fine_tuning/jobs", asking())).status == 200


@pytest.mark.anyio
async def test_nothing_is_tried_again_once_a_byte_is_out() -> None:
    """An answer that breaks off after its head is the client's to see; the target failed all the same."""

    async def breaking(conversation: Conversation, _request: RawRequest) -> None:
        await conversation.say(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\npart")
        conversation.cut()

    frames = FrameList()
    async with routing({"a": breaking, "b": answering(OK)}, route={"targets": ("a",)}, frames=frames) as (
        upstreams,
        client,
    ):
        client.send(request_bytes("POST", CHAT, asking()))
        assert not (await client.response()).complete
        closed = await frames.ended()
        assert not upstreams["b"].requests
    assert (closed.outcome, closed.attempts[0].status) == ("upstream_error", 200)
    assert closed.attempts[0].error == "upstream_cut"


@pytest.mark.anyio
async def test_a_target_that_does_not_begin_in_time_is_passed_over() -> None:
    """Silence beyond `first_byte_timeout_s` is a failure; a stream that has begun is not bound by it."""

    async def silent(conversation: Conversation, _request: RawRequest) -> None:
        await conversation.until_closed()

    route = {"targets": ("a",), "fallbacks": ("b",)}
    frames = FrameList()
    async with routing(
        {"a": silent, "b": answering(OK)}, targets={"a": {"first_byte_timeout_s": 0.05}}, route=route, frames=frames
    ) as (_, client):
        assert (await client.request("POST", CHAT, asking())).body == b"ok"
        assert (await frames.ended()).attempts[0].error == "upstream_timeout"


@pytest.mark.anyio
async def test_a_client_that_leaves_in_a_pause_ends_the_call() -> None:
    """Nobody is asked again for a client that has gone."""
    frames = FrameList()
    async with routing(
        {"a": refusing(503, b"retry-after: 15")},
        route={"attempts": 2},
        targets={"a": {"cooldown_s": 0.0}},
        frames=frames,
    ) as (upstreams, client):
        client.send(request_bytes("POST", CHAT, asking()))
        await upstreams["a"].asked.wait()
        client.close()
        closed = await frames.ended()
        assert closed.outcome == "client_disconnected"
        assert len(upstreams["a"].requests) == 1


@pytest.mark.anyio
async def test_a_full_target_is_not_asked_and_full_targets_are_said() -> None:
    """Above its limit a target gets no call; where all are full it is a 429 that says when to come again."""
    go_on = asyncio.Event()

    async def holding(conversation: Conversation, _request: RawRequest) -> None:
        await go_on.wait()
        await conversation.say(OK)

    async with routing({"a": holding}, targets={"a": {"max_concurrent": 1}}) as (upstreams, client):
        client.send(request_bytes("POST", CHAT, asking()))
        await upstreams["a"].asked.wait()
        async with await type(client).to(client.writer.get_extra_info("peername")[1]) as second:
            response = await second.request("POST", CHAT, asking())
            assert (response.status, error_of(response)["code"]) == (429, "targets_busy")
            assert response.value("retry-after") == "1"
            go_on.set()
            assert (await client.response()).body == b"ok"
            assert (await second.request("POST", CHAT, asking())).body == b"ok"


@pytest.mark.anyio
async def test_a_body_too_large_to_keep_is_sent_on_once() -> None:
    """A body beyond `relay.replay_bytes` reaches its target whole, and is not tried again."""
    body = asking(padding="x" * 300_000)
    async with routing(
        {"a": refusing(503), "b": answering(OK)}, route={"targets": ("a",)}, relay={"replay_bytes": 1000}
    ) as (
        upstreams,
        client,
    ):
        response = await client.request("POST", CHAT, body)
        assert response.status == 503
        assert upstreams["a"].requests[0].body == body
        assert not upstreams["b"].requests


@pytest.mark.anyio
async def test_each_attempt_is_a_parent_of_its_own() -> None:
    """The target sees the attempt's span as its parent, in the trace of the call."""
    trace = "4bf92f3577b34da6a3ce929d0e0e4736"
    frames = FrameList()
    async with routing({"a": in_turn(refusing(503), answering(OK))}, frames=frames) as (upstreams, client):
        fields = (("traceparent", f"00-{trace}-00f067aa0ba902b7-01"),)
        await client.request("POST", CHAT, asking(), fields=fields)
        spans = [attempt.span_id for attempt in (await frames.ended()).attempts]
        seen = [request.values(b"traceparent")[0].decode() for request in upstreams["a"].requests]
        assert seen == [f"00-{trace}-{span_id}-01" for span_id in spans]


@pytest.mark.anyio
async def test_what_an_upstream_says_of_targets_is_not_believed() -> None:
    """An upstream's own `x-backtalk-*` fields of a chained proxy are replaced."""
    said = b"HTTP/1.1 200 OK\r\nx-backtalk-target: other\r\nx-backtalk-attempts: 9\r\ncontent-length: 2\r\n\r\nok"
    async with routing({"a": answering(said)}) as (_, client):
        response = await client.request("POST", CHAT, asking())
        assert (response.values("x-backtalk-target"), response.values("x-backtalk-attempts")) == (["a"], ["1"])


@pytest.mark.anyio
async def test_a_bad_key_file_is_refused_at_start() -> None:
    """A key that is not where the settings say is an error that names the setting, before anything is served."""
    with pytest.raises(SetupError, match=r"targets\.a\.api_key_file"):
        async with proxying(
            "http://127.0.0.1:1/v1",
            targets={"a": {"url": "http://127.0.0.1:1/v1", "api_key_file": "not/there"}},
            routes={"m": {"targets": ["a"]}},
        ):
            pass


@pytest.mark.anyio
async def test_a_kept_answer_is_a_call_of_its_own() -> None:
    """Another session's same request is answered from here: with ids of its own, its age, and no attempt."""
    frames = FrameList()
    async with routing({"a": answering(OK)}, route={"cache_ttl_s": 60.0}, frames=frames) as (upstreams, client):
        answers = [
            await client.request("POST", CHAT, asking(), fields=(("x-session-id", session),))
            for session in ("s1", "s2", "s2", "s3")
        ]
        assert [answer.value("x-backtalk-cache") for answer in answers] == ["miss", "hit", "bypass", "hit"]
        assert {answer.body for answer in answers} == {b"ok"}
        assert len({answer.value("x-request-id") for answer in answers}) == 4
        assert answers[-1].value("age") == "0"
        assert len(upstreams["a"].requests) == 2
        await frames.ended(4)
        assert [(f.cache, len(f.attempts), f.outcome) for f in frames.closed] == [
            ("miss", 1, "completed"),
            ("hit", 0, "completed"),
            ("bypass", 1, "completed"),
            ("hit", 0, "completed"),
        ]


@pytest.mark.anyio
async def test_no_answer_crosses_callers_and_no_error_is_kept() -> None:
    """Another key's same request is asked of the target; so is one whose first answer was a refusal."""
    script = in_turn(refusing(400), answering(OK))
    async with routing({"a": script}, route={"cache_ttl_s": 60.0, "cache_repeat_s": 0.0}) as (upstreams, client):
        for key in ("sk-1", "sk-1", "sk-2"):
            fields = (("authorization", f"Bearer {key}"),)
            response = await client.request("POST", CHAT, asking(), fields=fields)
            assert response.value("x-backtalk-cache") == "miss"
        assert len(upstreams["a"].requests) == 3


@pytest.mark.anyio
async def test_without_a_cache_nothing_is_kept_or_said() -> None:
    """It is a route's choice."""
    async with routing({"a": answering(OK)}) as (upstreams, client):
        for _ in range(2):
            response = await client.request("POST", CHAT, asking())
            assert response.value("x-backtalk-cache") is None
        assert len(upstreams["a"].requests) == 2
