"""A real Arize Phoenix gets every call, also those made while it was down, under the ids that the client saw."""

import contextlib
import json
import urllib.request
from collections import Counter
from functools import partial
from pathlib import Path
from typing import Any, Final, NamedTuple

import openai
import pytest

from backtalk import clock
from backtalk.model.ids import CallKey, parse_request_id
from backtalk.testing.backends import running_phoenix
from backtalk.testing.provider import running_provider
from backtalk.testing.serve import Backtalk, running_backtalk
from backtalk.testing.sockets import free_port
from backtalk.testing.waiting import wait_until

OUTAGE_S: Final = 60.0
PAUSE_S: Final = 0.2
PROJECT: Final = "outage"
# Whoever asks the same again makes a regeneration of the answer.
FOLLOW_UP: Final = (
    {"role": "user", "content": "Which river flows through Bern?"},
    {"role": "assistant", "content": "The scripted provider heard: Which river flows through Bern?"},
    {"role": "user", "content": "And how long is it?"},
)

pytestmark = [pytest.mark.phoenix, pytest.mark.timeout(900)]


class Ports(NamedTuple):
    """Where Phoenix will listen."""

    http: int
    grpc: int

    def endpoint(self, protocol: str) -> str:
        """What OTEL_EXPORTER_OTLP_ENDPOINT names."""
        return f"http://127.0.0.1:{self.grpc if protocol == 'grpc' else self.http}"


@pytest.mark.parametrize("protocol", ["http/protobuf", "grpc"])
def test_calls_made_while_phoenix_was_down_are_all_in_phoenix(protocol: str, tmp_path: Path) -> None:
    """After a minute of outage no call is missing or doubled, and feedback and signals point at the right spans."""
    ports = Ports(free_port(), free_port())
    environ = {
        "OTEL_EXPORTER_OTLP_ENDPOINT": ports.endpoint(protocol),
        "OTEL_EXPORTER_OTLP_PROTOCOL": protocol,
        "OTEL_RESOURCE_ATTRIBUTES": f"openinference.project.name={PROJECT}",
    }
    with (
        running_provider() as upstream,
        running_backtalk(upstream.url, tmp_path / "data", environ=environ) as backtalk,
        openai.OpenAI(base_url=f"{backtalk.url}/v1", api_key="sk-phoenix", max_retries=0, timeout=20) as client,
    ):
        keys = [_ask(client, FOLLOW_UP[:1]), _ask(client, FOLLOW_UP)]
        keys += _talk(client, OUTAGE_S)
        keys.append(_ask(client, FOLLOW_UP))
        _thumb_down(backtalk, keys[0])
        with running_phoenix(tmp_path / "phoenix", ports.http, ports.grpc):
            keys += _talk(client, 1.0)
            spans = wait_until(lambda: _complete(ports, keys), 240.0, what="the arrival of every call in Phoenix")
    _check_calls(spans, keys)
    _check_verdicts(spans, keys)


def _check_calls(spans: list[dict[str, Any]], keys: list[CallKey]) -> None:
    clients = [span for span in spans if span["name"] == "chat scripted"]
    servers = {span["context"]["span_id"]: span for span in spans if span["name"] == "POST /v1/chat/completions"}
    assert len(keys) > OUTAGE_S / PAUSE_S / 2
    assert sorted(_key(span) for span in clients) == sorted(keys)
    assert len(servers) == len(keys)
    for span in clients:
        parent = servers[span["parent_id"]]
        assert parent["context"]["trace_id"] == span["context"]["trace_id"]
        assert parent["start_time"] <= span["start_time"] <= span["end_time"] <= parent["end_time"]
        assert span["attributes"]["llm.model_name"] == "scripted"


def _check_verdicts(spans: list[dict[str, Any]], keys: list[CallKey]) -> None:
    (thumb,) = [span for span in spans if span["name"] == "feedback user_feedback"]
    assert thumb["attributes"]["gen_ai.evaluation.score.label"] == "thumbs_down"
    assert _target(thumb) == keys[0]
    (again,) = [span for span in spans if span["name"] == "signal regeneration"]
    assert _target(again) == keys[1]


def _complete(ports: Ports, keys: list[CallKey]) -> list[dict[str, Any]] | None:
    """All spans, once the calls and the two verdicts are there."""
    with contextlib.suppress(OSError):
        spans = _spans(ports.http)
        count = Counter(span["name"] for span in spans)
        calls = min(count["chat scripted"], count["POST /v1/chat/completions"])
        if calls >= len(keys) and count["feedback user_feedback"] and count["signal regeneration"]:
            return spans
    return None


def _talk(client: openai.OpenAI, duration_s: float) -> list[CallKey]:
    """Calls at an even pace, every other one streamed."""
    start_ns = clock.monotonic_ns()
    keys: list[CallKey] = []
    while clock.monotonic_ns() - start_ns < duration_s * clock.NS_PER_S:
        due_ns = start_ns + int(len(keys) * PAUSE_S * clock.NS_PER_S)
        wait_until(partial(_is_over, due_ns))
        question = {"role": "user", "content": f"question {len(keys)} of {start_ns}"}
        keys.append(_ask(client, [question], stream=len(keys) % 2 == 1))
    return keys


def _is_over(due_ns: int) -> bool:
    return clock.monotonic_ns() >= due_ns


def _ask(client: openai.OpenAI, messages: Any, *, stream: bool = False) -> CallKey:
    if stream:
        with client.chat.completions.create(model="scripted", messages=messages, stream=True) as chunks:
            for _ in chunks:
                pass
            header = chunks.response.headers["x-request-id"]
    else:
        answer = client.chat.completions.with_raw_response.create(model="scripted", messages=messages)
        header = answer.headers["x-request-id"]
    key = parse_request_id(header)
    assert key is not None
    return key


def _thumb_down(backtalk: Backtalk, key: CallKey) -> None:
    body = {"kind": "rating", "value": False, "request_id": key.request_id}
    request = urllib.request.Request(  # noqa: S310 -- our own listener
        f"{backtalk.url}/v1/feedback",
        json.dumps(body).encode(),
        {"content-type": "application/json", "authorization": "Bearer sk-phoenix"},
    )
    with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310 -- our own listener
        assert answer.status == 202


def _spans(port: int) -> list[dict[str, Any]]:
    """Every span of the project, page by page."""
    found: list[dict[str, Any]] = []
    cursor: str | None = ""
    while cursor is not None:
        url = f"http://127.0.0.1:{port}/v1/projects/{PROJECT}/spans?limit=1000" + (
            f"&cursor={cursor}" if cursor else ""
        )
        with urllib.request.urlopen(url, timeout=30) as answer:
            page = json.load(answer)
        found += page["data"]
        cursor = page.get("next_cursor")
    return found


def _key(span: dict[str, Any]) -> CallKey:
    return CallKey(span["context"]["trace_id"], span["context"]["span_id"])


def _target(span: dict[str, Any]) -> CallKey:
    return CallKey(span["attributes"]["backtalk.target.trace_id"], span["attributes"]["backtalk.target.span_id"])
