"""With redaction on, what a canary says is read nowhere behind the spool: files, tables, Redis, telemetry, metrics."""

import json
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import pytest
import redis

from backtalk.ledger.reader import LedgerReader
from backtalk.ledger.schema import TABLES
from backtalk.model.facts import decode_entry
from backtalk.spool import Tail
from backtalk.testing.behaviour import Behaviour, as_header
from backtalk.testing.otlp import HttpReceiver
from backtalk.testing.provider import Provider
from backtalk.testing.serve import Backtalk, running_backtalk
from backtalk.testing.waiting import wait_until

MAIL, TOKEN, CARD = "canary@example.com", "sk-proj-canary0123456789", "4111 1111 1111 1111"
CANARIES = (MAIL, TOKEN, CARD)
KEY = "sk-kanarienvogel-0123456789"
"""The caller's own key."""
SAID = f"I am {MAIL}, my card is {CARD} and my key {TOKEN}."
PATIENCE_S = 60.0


def ask(url: str, body: object, **headers: str) -> tuple[str, dict[str, Any]]:
    """One POST as an app makes it: the trace id and what came back."""
    fields = {"content-type": "application/json", "authorization": f"Bearer {KEY}", **headers}
    request = urllib.request.Request(url, json.dumps(body).encode(), fields)  # noqa: S310 -- our own
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:  # noqa: S310
            return answer.headers["x-trace-id"], json.load(answer)
    except urllib.error.HTTPError as error:
        with error:
            return error.headers["x-trace-id"], json.load(error)


def call(backtalk: Backtalk, messages: list[dict[str, Any]], **headers: str) -> tuple[str, dict[str, Any]]:
    """A model call whose every field has a canary."""
    tool: dict[str, Any] = {"type": "function", "function": {"name": "mail", "description": MAIL, "parameters": {}}}
    body = {"model": "scripted", "user": MAIL, "messages": messages, "tools": [tool], "metadata": {"mail": MAIL}}
    return ask(f"{backtalk.url}/v1/chat/completions", body, **{"user-agent": f"bot ({MAIL})", **headers})


def everything(backtalk: Backtalk, received: HttpReceiver) -> dict[str, str]:
    """All that is behind the spool, as text by place."""
    root = backtalk.data_dir
    found = {
        str(path.relative_to(root)): path.read_bytes().decode("latin-1")
        for path in root.rglob("*")
        if path.is_file() and path.relative_to(root).parts[0] != "spool"
    }
    reader = LedgerReader(root / "ledger")
    found |= {f"table {name}": str(reader.everything(name, order="dt")) for name in TABLES}
    with Tail(root / "journal") as tail:
        while records := tail.read():
            found["journal"] = found.get("journal", "") + str([decode_entry(r.payload).facts for r in records])
    server: Any = redis.Redis(unix_socket_path=str(root / "redis" / "valkey.sock"))
    with server as client:
        for name in client.scan_iter():
            value = client.hgetall(name) if client.type(name) == b"hash" else client.dump(name)
            found[f"Redis {name!r}"] = str(value)
    found["telemetry"] = str([message for _, message, _ in received.seen])
    found["output"] = backtalk.output
    return found


def metrics(backtalk: Backtalk) -> str:
    """What Prometheus is told."""
    headers = {"authorization": f"Bearer {backtalk.admin_token}"}
    request = urllib.request.Request(f"{backtalk.admin_url}/metrics", headers=headers)  # noqa: S310 -- our own
    with urllib.request.urlopen(request, timeout=20) as answer:  # noqa: S310
        return str(answer.read().decode())


@pytest.mark.timeout(180)
def test_no_canary_is_read_behind_the_spool(upstream: Provider, tmp_path: Path) -> None:
    """Said, answered, used in tools, given as feedback, echoed in an error; and the app still gets its own words."""
    with (
        HttpReceiver() as received,
        running_backtalk(
            upstream.url,
            tmp_path / "data",
            environ={"OTEL_EXPORTER_OTLP_ENDPOINT": received.endpoint, "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf"},
            ledger__commit_s="0.3",
            telemetry__content="attributes",
            redact__enabled="true",
        ) as backtalk,
    ):
        asked: list[dict[str, Any]] = [{"role": "user", "content": SAID}]
        script = as_header(Behaviour(text=f"You said: {SAID}"))
        first, answer = call(backtalk, asked, **{"x-script": script})
        said = answer["choices"][0]["message"]
        assert CARD in said["content"]
        used = {"id": "c", "type": "function", "function": {"name": "mail", "arguments": json.dumps({"to": MAIL})}}
        tools: list[dict[str, Any]] = [
            {"role": "assistant", "tool_calls": [used]},
            {"role": "tool", "tool_call_id": "c", "content": MAIL},
        ]
        again: dict[str, Any] = {"role": "user", "content": [{"type": "text", "text": SAID}]}
        second, _ = call(backtalk, [*asked, said, again])
        third, _ = call(backtalk, [*asked, *tools])
        echo = json.dumps({"error": {"message": f"Incorrect API key provided: {KEY}", "type": "invalid"}}).encode()
        refused, _ = call(backtalk, asked, **{"x-script": as_header(Behaviour(status=401, raw_body=echo))})
        for given in (
            {"kind": "correction", "value": f"It is {MAIL}."},
            {"kind": "rating", "value": False, "comment": SAID},
        ):
            ask(f"{backtalk.url}/v1/feedback", {**given, "trace_id": first})

        def settled() -> bool:
            rows = LedgerReader(backtalk.data_dir / "ledger")
            there = {row["trace_id"] for row in rows.calls(trace_ids=[first, second, third, refused])}
            return len(there) == 4 and len(rows.everything("feedback", order="dt")) == 2

        wait_until(settled, PATIENCE_S, what="all of it in the ledger")
        wait_until(lambda: len(received.spans) >= 8, PATIENCE_S, what="all of it in the telemetry")
        found = everything(backtalk, received)
        held = {place for place, text in found.items() for word in (*CANARIES, KEY) if word in text}
        assert held == set()
        assert "[EMAIL_" in found["journal"]
        assert "[EMAIL_" in found["telemetry"]
        assert "[CARD_" in found["table messages"]
        sessions = {
            row["session_id"] for row in LedgerReader(backtalk.data_dir / "ledger").calls(trace_ids=[first, second])
        }
        assert len(sessions) == 1
        told = metrics(backtalk)
        assert 'backtalk_redaction_replaced_total{kind="email"' in told.replace("process=", "")
        assert not any(word in told for word in (*CANARIES, KEY))
