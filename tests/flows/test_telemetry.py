"""Telemetry of the whole of Backtalk: real processes, a real client, a real receiver of OTLP."""

import json
import urllib.request
from pathlib import Path
from typing import Any

import openai

from backtalk.testing import conventions
from backtalk.testing.otlp import HttpReceiver, attributes_of
from backtalk.testing.provider import running_provider
from backtalk.testing.serve import Backtalk, running_backtalk
from backtalk.testing.waiting import wait_until


def test_call_that_was_left_out_comes_with_its_words_once_somebody_minds(tmp_path: Path) -> None:
    """Sampled out, then judged by response id: its spans arrive late, in the latest names that a variable asks for."""
    with running_provider() as upstream, HttpReceiver() as receiver:
        environ = {
            "OTEL_EXPORTER_OTLP_ENDPOINT": receiver.endpoint,
            "OTEL_SEMCONV_STABILITY_OPT_IN": "gen_ai_latest_experimental",
        }
        settings: dict[str, Any] = {"call_share": 0, "content": "attributes", "metrics_interval_s": 0.5}
        told = {f"telemetry__{name}": value for name, value in settings.items()}
        with (
            running_backtalk(upstream.url, tmp_path / "data", environ=environ, **told) as backtalk,
            openai.OpenAI(base_url=f"{backtalk.url}/v1", api_key="sk-watched", max_retries=0) as client,
        ):
            plain, judged = _ask(client, "Which river flows through Bern?"), _ask(client, "And through Paris?")
            wait_until(lambda: "gen_ai.client.inference.duration" in receiver.metrics, 20)
            assert receiver.spans == []
            _thumb_down(backtalk, judged)
            wait_until(lambda: len(receiver.spans) == 3, 20, what="the two spans of the call and the carrier")
    spans = {span.name: attributes_of(span.attributes) for span in receiver.spans}
    call = spans["chat scripted"]
    assert call["gen_ai.response.id"] == judged != plain
    assert call["backtalk.sampling.reason"] == "feedback"
    assert "Paris" in json.loads(call["gen_ai.input.messages"])[-1]["parts"][0]["content"]
    for found in spans.values():
        assert conventions.faults(found, "latest") == []
    assert "gen_ai.client.operation.duration" not in receiver.metrics
    assert "gen_ai.client.inference.usage.input_tokens" in receiver.metrics


def _ask(client: openai.OpenAI, text: str) -> str:
    answer = client.chat.completions.create(model="scripted", messages=[{"role": "user", "content": text}])
    return answer.id


def _thumb_down(backtalk: Backtalk, response_id: str) -> None:
    body = json.dumps({"kind": "rating", "value": False, "response_id": response_id}).encode()
    request = urllib.request.Request(f"{backtalk.url}/v1/feedback", body, {"authorization": "Bearer sk-watched"})  # noqa: S310 -- our own listener
    with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310 -- our own listener
        assert answer.status == 202
