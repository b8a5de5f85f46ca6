"""The gate, through the real server and a real Valkey."""

import contextlib
import json
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import pytest

from backtalk import virtual_keys
from backtalk.app import PublicApp
from backtalk.model.meter import NoMeter
from backtalk.observe.tenants import Tenants, tenant_of
from backtalk.relay.gate import VirtualKeys
from backtalk.session.key_counts import KeyCounts
from backtalk.settings import Settings
from backtalk.testing.raw_client import RawClient, RawResponse
from backtalk.testing.raw_upstream import RawUpstream, answering
from backtalk.testing.running import FrameList, error_of, nobody, serving
from backtalk.virtual_keys import KeyRing

CHAT = "/v1/chat/completions"
OK = (
    b"HTTP/1.1 200 OK\r\nx-ratelimit-limit-requests: 9999\r\nx-ratelimit-limit-tokens: 5\r\ncontent-length: 2\r\n\r\nok"
)
SECRET = b"s" * 32


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, bool]]:
    """The loop the product runs on."""
    return "asyncio", {"use_uvloop": True}


class Standing:
    """A proxy with virtual keys, its upstream, and a client."""

    def __init__(self, upstream: RawUpstream, client: RawClient, frames: FrameList) -> None:
        self.upstream = upstream
        self.client = client
        self.frames = frames

    async def ask(
        self, credential: str | None, *, model: str = "m", header: str = "authorization", path: str = CHAT
    ) -> RawResponse:
        """Call with a key."""
        value = f"Bearer {credential}" if header == "authorization" else str(credential)
        fields = () if credential is None else ((header, value),)
        return await self.client.request("POST", path, json.dumps({"model": model}).encode(), fields=fields)


@contextlib.asynccontextmanager
async def gated(
    data_dir: Path, redis_url: str | None = None, *, ring: KeyRing | None = None, **settings: Any
) -> AsyncGenerator[Standing]:
    """The public app with the keys of a directory."""
    frames, counts = FrameList(), KeyCounts(redis_url, secret=SECRET, metrics=NoMeter(), lookup_ms=2000)
    async with RawUpstream(answering(OK)).listening() as upstream:
        tree = Settings.model_validate({"upstream": upstream.url, "upstream_api_key": "sk-ours", **settings})
        keys = VirtualKeys(KeyRing(data_dir) if ring is None else ring, counts)
        app = PublicApp(tree, feedback_door=nobody, sink=frames, secret=SECRET, metrics=NoMeter(), virtual_keys=keys)
        async with serving(app, calls=app.calls) as port, await RawClient.to(port) as client:
            await counts.warm()
            yield Standing(upstream, client, frames)
        await counts.aclose()


@pytest.mark.anyio
@pytest.mark.parametrize("header", ["authorization", "x-api-key", "api-key"])
async def test_a_key_lets_in_and_stays_here(tmp_path: Path, header: str) -> None:
    """The upstream gets its own key; the call is its owner's, and names the key."""
    made = virtual_keys.create(tmp_path, "app", tenant="team")
    async with gated(tmp_path) as standing:
        assert (await standing.ask(made.credential, header=header)).status == 200
        closed = await standing.frames.ended()
        request = standing.upstream.requests[0]
        assert request.values(b"authorization") == [b"Bearer sk-ours"]
        assert made.credential.encode() not in request.head + b"".join(standing.frames.raw)
        assert standing.frames.opened[0].tenant == tenant_of(SECRET, "team")
        assert closed.key_id == made.key.id


@pytest.mark.anyio
async def test_keys_of_one_owner_are_one_tenant(tmp_path: Path) -> None:
    """Whoever sends feedback with another key of the same owner reaches the same calls."""
    made = [virtual_keys.create(tmp_path, name, tenant="team") for name in ("a", "b")]
    tenants = Tenants(SECRET, owner=KeyRing(tmp_path).owner)
    assert len({tenants.of([(b"authorization", f"Bearer {m.credential}".encode())]) for m in made}) == 1


@pytest.mark.anyio
async def test_who_has_no_valid_key_is_refused_as_openai_does(tmp_path: Path) -> None:
    """Unknown, revoked, expired, none: a 401 each, nothing reaches the upstream, and the refusal is a call."""
    revoked = virtual_keys.create(tmp_path, "revoked")
    virtual_keys.revoke(tmp_path, "revoked")
    expired = virtual_keys.create(tmp_path, "expired", expires_ns=1)
    async with gated(tmp_path) as standing:
        for credential in ("sk-bt-nobody", "sk-theirs", None, revoked.credential, expired.credential):
            response = await standing.ask(credential)
            assert (response.status, error_of(response)["code"]) == (401, "invalid_api_key")
        assert (await standing.frames.ended(5)).outcome == "rejected"
        assert not standing.upstream.requests


@pytest.mark.anyio
async def test_other_keys_pass_where_none_is_required(tmp_path: Path) -> None:
    """`keys.required = false`: a provider's key goes on as before, one of ours must still be good."""
    virtual_keys.create(tmp_path, "app")
    async with gated(tmp_path, keys={"required": False}, upstream_api_key=None) as standing:
        assert (await standing.ask("sk-theirs")).status == 200
        assert standing.upstream.requests[0].values(b"authorization") == [b"Bearer sk-theirs"]
        assert (await standing.ask("sk-bt-nobody")).status == 401


@pytest.mark.anyio
async def test_without_any_key_nothing_is_asked(tmp_path: Path) -> None:
    """An installation without virtual keys is as it was."""
    async with gated(tmp_path, upstream_api_key=None) as standing:
        assert (await standing.ask("sk-theirs")).status == 200
        assert standing.upstream.requests[0].values(b"authorization") == [b"Bearer sk-theirs"]


@pytest.mark.anyio
async def test_a_key_asks_for_its_models_alone(tmp_path: Path) -> None:
    """A 403 names what it may ask for; the body of an allowed one passes as it is."""
    made = virtual_keys.create(tmp_path, "app", models=("gpt-*",))
    async with gated(tmp_path) as standing:
        response = await standing.ask(made.credential, model="claude")
        assert (response.status, error_of(response)["code"]) == (403, "model_not_allowed")
        assert (await standing.ask(made.credential, model="gpt-5")).status == 200
        assert [request.body for request in standing.upstream.requests] == [b'{"model": "gpt-5"}']


@pytest.mark.anyio
async def test_a_deployment_that_the_key_may_not_ask_for_is_refused(tmp_path: Path) -> None:
    """Azure's upstream goes by the path, whatever the body says."""
    made = virtual_keys.create(tmp_path, "app", models=("gpt-5",))
    async with gated(tmp_path) as standing:
        path = "/openai/deployments/{}/chat/completions"
        assert (await standing.ask(made.credential, model="gpt-5", path=path.format("gpt-9"))).status == 403
        assert (await standing.ask(made.credential, model="gpt-5", path=path.format("gpt-5"))).status == 200


@pytest.mark.anyio
@pytest.mark.parametrize(("query", "status"), [("?model=gpt-9", 403), ("", 403), ("?model=gpt-5&model=gpt-9", 403)])
async def test_a_socket_that_the_key_may_not_open_is_refused(tmp_path: Path, query: str, status: int) -> None:
    """A realtime session names its model in the query."""
    made = virtual_keys.create(tmp_path, "app", models=("gpt-5",))
    fields = (
        ("authorization", f"Bearer {made.credential}"),
        ("connection", "upgrade"),
        ("upgrade", "websocket"),
        ("sec-websocket-version", "13"),
        ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
    )
    async with gated(tmp_path) as standing:
        head = b"GET /v1/realtime%b HTTP/1.1\r\nhost: x\r\n" % query.encode()
        lines = b"".join(f"{name}: {value}\r\n".encode() for name, value in fields)
        standing.client.send(head + lines + b"\r\n")
        assert (await standing.client.response()).status == status
        assert not standing.upstream.requests


@pytest.mark.anyio
@pytest.mark.parametrize("other", [("authorization", "Bearer sk-theirs"), ("x-api-key", "sk-theirs")])
@pytest.mark.parametrize("required", [True, False])
async def test_a_key_beside_another_is_refused(tmp_path: Path, other: tuple[str, str], required: bool) -> None:
    """Whichever of them were taken, the other one would go upstream."""
    made = virtual_keys.create(tmp_path, "app")
    async with gated(tmp_path, keys={"required": required}) as standing:
        for fields in ((("authorization", f"Bearer {made.credential}"), other), (other, ("api-key", made.credential))):
            assert (await standing.client.request("POST", CHAT, b"{}", fields=fields)).status == 401
        assert not standing.upstream.requests


@pytest.mark.anyio
async def test_a_key_in_the_query_is_refused(tmp_path: Path) -> None:
    """It would stand in the upstream's logs."""
    made = virtual_keys.create(tmp_path, "app")
    async with gated(tmp_path) as standing:
        assert (await standing.ask(made.credential, path=f"{CHAT}?key={made.credential}")).status == 401
        assert not standing.upstream.requests


@pytest.mark.anyio
@pytest.mark.parametrize("required", [True, False])
@pytest.mark.parametrize(
    "fields",
    [
        (("authorization", "Bearer sk-theirs"), ("x-api-key", "{}")),
        (("authorization", "Bearer {}"), ("authorization", "Bearer sk-theirs")),
        (("authorization", "Bearer {}"), ("cookie", "token={}")),
        (("authorization", "Basic {}"),),
        (("x-other-key", "{}"),),
        (("sec-websocket-protocol", "realtime, openai-insecure-api-key.{}"),),
    ],
)
async def test_a_key_goes_upstream_in_no_field(
    tmp_path: Path, fields: tuple[tuple[str, str], ...], required: bool
) -> None:
    """Whichever of several credentials is the one that counts."""
    made = virtual_keys.create(tmp_path, "app")
    filled = tuple((name, value.format(made.credential)) for name, value in fields)
    async with gated(tmp_path, upstream_api_key=None, keys={"required": required}) as standing:
        assert (await standing.client.request("POST", CHAT, b"{}", fields=filled)).status == 401
        assert not standing.upstream.requests


@pytest.mark.anyio
@pytest.mark.parametrize("place", ["?key={}", "/{}", "?a={}&b"])
async def test_a_key_goes_upstream_in_no_url(tmp_path: Path, place: str) -> None:
    """However it is spelled there."""
    made = virtual_keys.create(tmp_path, "app")
    async with gated(tmp_path, keys={"required": False}) as standing:
        for spelled in (made.credential, made.credential.replace("-", "%2D", 1)):
            assert (await standing.ask(None, path=CHAT + place.format(spelled))).status == 401
        assert not standing.upstream.requests


@pytest.mark.anyio
async def test_a_key_goes_nowhere_where_its_file_is_missing(tmp_path: Path) -> None:
    """A process that has no keys knows one of ours by its form."""
    async with gated(tmp_path, upstream_api_key=None) as standing:
        assert (await standing.ask("sk-bt-of-another-machine")).status == 401
        assert not standing.upstream.requests


FORM = (("content-type", "multipart/form-data; boundary=b"),)
PART = b'--b\r\ncontent-disposition: form-data; name="model"\r\n\r\n%b\r\n'


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("path", "body", "fields"),
    [
        (CHAT, b'{"model": "big", "model": "gpt-5"}', ()),
        (CHAT, b'{"model": "gpt-5", "Model": "big"}', ()),
        (CHAT, b'{"model": "gpt-5", "\\u006dodel": "big"}', ()),
        (CHAT, b'{"model": "gpt-5", "models": ["gpt-5", "big"]}', ()),
        (CHAT, b'[{"model": "gpt-5"}]', ()),
        (CHAT, b'{"model": "gpt-5"}', (("content-encoding", "gzip"),)),
        (CHAT, b'{"model": "gpt-5"}', (("content-type", "application/json"), *FORM)),
        (f"{CHAT}?model=big", b'{"model": "gpt-5"}', ()),
        ("/openai/deployments/big/chat/completions", b'{"model": "gpt-5"}', ()),
        ("/openai/deployments/b%69g/chat/completions", b"{}", ()),
        ("/v1/engines/big/completions", b'{"model": "gpt-5"}', ()),
        ("/v1/audio/transcriptions", PART % b"gpt-5" + PART % b"big" + b"--b--", FORM),
        ("/v1/audio/transcriptions", (PART % b"big" + PART % b"gpt-5").replace(b"\r\n", b"\n") + b"--b--", FORM),
        ("/v1/audio/transcriptions", PART.replace(b'"', b"") % b"big" + b"--b--", FORM),
        ("/v1/batches", b'{"input_file_id": "file-1"}', ()),
        ("/v1/threads/t/runs", b'{"assistant_id": "a"}', ()),
    ],
)
async def test_no_spelling_gets_a_key_past_its_models(
    tmp_path: Path, path: str, body: bytes, fields: tuple[tuple[str, str], ...]
) -> None:
    """What any server could read as another model, or what names none, is refused, and goes nowhere."""
    made = virtual_keys.create(tmp_path, "app", models=("gpt-*",))
    async with gated(tmp_path) as standing:
        authorization = ("authorization", f"Bearer {made.credential}")
        answer = await standing.client.request("POST", path, body, fields=(authorization, *fields))
        assert (answer.status, error_of(answer)["code"]) == (403, "model_not_allowed")
        assert not standing.upstream.requests


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("path", "body", "fields"),
    [
        ("/openai/deployments/gpt-5/chat/completions?api-version=1", b"{}", ()),
        ("/v1/audio/transcriptions", PART % b"gpt-5" + b"--b--", FORM),
        (CHAT, b'{"messages": [{"content": "\\u00e9 \\"model\\""}], "model": "gpt-5", "user": {"model": "big"}}', ()),
    ],
)
async def test_a_key_may_name_its_model_wherever_it_belongs(
    tmp_path: Path, path: str, body: bytes, fields: tuple[tuple[str, str], ...]
) -> None:
    """In the path, in a part, beside a `model` that is something else."""
    made = virtual_keys.create(tmp_path, "app", models=("gpt-*",))
    async with gated(tmp_path) as standing:
        authorization = ("authorization", f"Bearer {made.credential}")
        assert (await standing.client.request("POST", path, body, fields=(authorization, *fields))).status == 200
        assert standing.upstream.requests[0].body == body


@pytest.mark.anyio
@pytest.mark.parametrize(("query", "status"), [("?model=big", 403), ("", 403), ("?model=gpt-realtime", 200)])
async def test_a_socket_names_its_model_in_the_url(tmp_path: Path, query: str, status: int) -> None:
    """A socket has no body: who may not ask for a model cannot open one for it."""
    made = virtual_keys.create(tmp_path, "app", models=("gpt-*",))
    upgrade = (("connection", "Upgrade"), ("upgrade", "websocket"), ("authorization", f"Bearer {made.credential}"))
    async with gated(tmp_path) as standing:
        assert (await standing.client.request("GET", f"/v1/realtime{query}", fields=upgrade)).status == status
        assert len(standing.upstream.requests) == (status == 200)


@pytest.mark.anyio
async def test_a_key_that_is_used_before_it_is_known_has_its_owner_from_then_on(tmp_path: Path) -> None:
    """The head that was refused is remembered, the tenant that it seemed to have is not."""
    virtual_keys.create(tmp_path, "other")
    ring = KeyRing(tmp_path)
    made = virtual_keys.create(tmp_path, "app", tenant="team")
    async with gated(tmp_path, ring=ring) as standing:
        assert (await standing.ask(made.credential)).status == 401
        ring.refresh()
        assert (await standing.ask(made.credential)).status == 200
        assert standing.frames.opened[-1].tenant == tenant_of(SECRET, "team")


@pytest.mark.anyio
async def test_an_answer_says_what_is_left_of_the_keys_limits(tmp_path: Path, redis_url: str) -> None:
    """In place of the upstream's word on the same limit, which is of another key; its other fields stay."""
    made = virtual_keys.create(tmp_path, "app", requests_per_minute=1000)
    async with gated(tmp_path, redis_url) as standing:
        answer = await standing.ask(made.credential)
        assert answer.values("x-ratelimit-limit-requests") == ["1000"]
        assert answer.value("x-ratelimit-remaining-requests") == "999"
        assert answer.value("x-ratelimit-limit-tokens") == "5"


@pytest.mark.anyio
async def test_above_a_limit_it_is_a_429_that_says_when_to_come_again(tmp_path: Path, redis_url: str) -> None:
    """In OpenAI's shape, and nothing reaches the upstream."""
    made = virtual_keys.create(tmp_path, "app", budget_usd=0.0, requests_per_minute=1000)
    async with gated(tmp_path, redis_url) as standing:
        answer = await standing.ask(made.credential)
        assert (answer.status, error_of(answer)["code"]) == (429, "rate_limit_exceeded")
        assert 1 <= int(answer.value("retry-after") or 0) <= 86_400
        assert answer.value("x-ratelimit-remaining-requests") == "999"
        assert not standing.upstream.requests
        assert (await standing.frames.ended()).outcome == "rejected"


@pytest.mark.anyio
@pytest.mark.parametrize(("fail_open", "status"), [(True, 200), (False, 503)])
async def test_without_redis_it_fails_as_it_is_told(tmp_path: Path, fail_open: bool, status: int) -> None:
    """Open: nobody pays for a Redis that is away. Closed: nobody gets past a limit."""
    made = virtual_keys.create(tmp_path, "app", requests_per_minute=1)
    async with gated(tmp_path, "redis://127.0.0.1:1", keys={"fail_open": fail_open}) as standing:
        assert [(await standing.ask(made.credential)).status for _ in range(2)] == [status] * 2


@pytest.mark.anyio
async def test_an_unlimited_key_asks_redis_nothing(tmp_path: Path) -> None:
    """Even where it fails closed."""
    made = virtual_keys.create(tmp_path, "app")
    async with gated(tmp_path, None, keys={"fail_open": False}) as standing:
        assert (await standing.ask(made.credential)).status == 200
