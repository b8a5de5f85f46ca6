"""The feedback door as `serve` puts it together, around whatever a test gives it, and literal requests to it.

In: an intake, look-ups, settings. Out: a door, and what it answered. The one rule: only what is named by a test
differs from the product.
"""

import json
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from backtalk.model.exchange import Fields
from backtalk.model.feedback_token import TokenReader, TokenSigner
from backtalk.model.ids import CallKey, SpanId, TraceId, new_span_id, new_trace_id
from backtalk.model.meter import NoMeter
from backtalk.observe.tenants import Tenants
from backtalk.session.targets import Targets
from backtalk.session.token_counts import TokenCounts
from backtalk.settings import FeedbackSettings
from backtalk.settings.metrics import FeedbackSource, MetricSettings
from backtalk.testing.exchange import HandExchange
from backtalk.web.admin_link import AdminLink
from backtalk.web.cors_door import Door
from backtalk.web.feedback import Doors, FeedbackDoor
from backtalk.web.feedback_authority import Authority
from backtalk.web.feedback_reads import FeedbackReads
from backtalk.web.feedback_request import BODY_S, FeedbackRequest
from backtalk.web.feedback_taking import Intake, Taking
from backtalk.web.speaker import Speakers

SECRET: Final = b"s" * 32
CALL: Final = CallKey(TraceId("4bf92f3577b34da6a3ce929d0e0e4736"), SpanId("00f067aa0ba902b7"))
"""The call that tokens are for where a test names no other."""
TENANT: Final = "ab" * 16


class Kept:
    """An intake that is as durable as memory is."""

    def __init__(self) -> None:
        self.payloads: list[bytes] = []

    async def put(self, payload: bytes) -> None:
        """Keep a frame."""
        self.payloads.append(payload)


class Told(NamedTuple):
    """A response of the door; `json` where its body is JSON."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body, parsed."""
        return json.loads(self.body)

    @property
    def code(self) -> str:
        """The error's code."""
        return str(self.json["error"]["code"])


def feedback_door(
    intake: Intake,
    targets: Targets | None = None,
    *,
    settings: FeedbackSettings | None = None,
    declared: Mapping[str, MetricSettings] | None = None,
    source: FeedbackSource = "end_user",
    admin_port: int = 1,
    on_loopback: bool = True,
    body_s: float = BODY_S,
) -> FeedbackDoor:
    """The door; without `targets` nothing is known of any call."""
    limits = settings or FeedbackSettings()
    known = targets or Targets(None, secret=SECRET, metrics=NoMeter(), lookup_ms=2000, mark_ttl_s=60)
    counts = TokenCounts(None, secret=SECRET, metrics=NoMeter(), lookup_ms=50)
    taking = Taking(intake, known, counts, secret=SECRET, settings=limits, declared=declared)
    tokens = TokenReader(SECRET, key_number=limits.tokens.key)
    authority = Authority(Speakers(Tenants(SECRET), source=source), tokens, on_loopback=on_loopback)
    reads = FeedbackReads(AdminLink("127.0.0.1", admin_port, "t", timeout_s=5), secret=SECRET)
    return FeedbackDoor(Doors(taking, authority, reads), settings=limits, metrics=NoMeter(), body_s=body_s)


def token(*kinds: str, call: CallKey = CALL, tenant: str = TENANT, now_ns: int, ttl_s: int = 3600) -> str:
    """A token for a call."""
    signer = TokenSigner(SECRET, key_number=0, kinds=kinds or ("rating", "comment"), ttl_s=ttl_s)
    return signer.sign(call, tenant, now_ns).decode()


async def ask(
    door: Door, *pieces: bytes, method: str = "POST", path: str = "/v1/feedback", query: str = "", **headers: str
) -> Told:
    """Send one request; a field's name is written with underscores."""
    fields: Fields = [(b"host", b"localhost")]
    fields += [(name.replace("_", "-").encode(), value.encode("latin-1")) for name, value in headers.items()]
    client = HandExchange(*(pieces or (b"",)), fields=fields, path=path, method=method, query=query.encode())
    answer = await door(FeedbackRequest(client, CallKey(new_trace_id(), new_span_id())))
    return Told(answer.status, {k.decode(): v.decode("latin-1") for k, v in answer.headers}, answer.body)
