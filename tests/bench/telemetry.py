"""What a call costs the OpenTelemetry exporter, as a ratio to the SDK's plain path in the same run.

    python tests/bench/telemetry.py [--calls 1000] [--reps 5]

Ours: facts to spans to OTLP over HTTP, in batches of 128 calls. The SDK's: a tracer, a `BatchSpanProcessor` and the
OTLP exporter, with the same two spans, attributes that are known beforehand, and the same receiver. CPU time of this
process, all threads, the least of the repetitions, which alternate; the receiver is another process and not counted.
"""

import argparse
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import set_span_in_context

from backtalk.export.host import Host
from backtalk.export.origin import origin
from backtalk.export.otlp import OtlpExporter
from backtalk.export.spans import spans_of
from backtalk.model.chat import Message, Request, Response, Usage
from backtalk.model.facts import CallClosed
from backtalk.settings import TelemetrySettings
from backtalk.telemetry import Metrics
from backtalk.testing.facts import closed_call, opened_call

_BATCH: Final = 128
_RECEIVER: Final = """
from backtalk.testing.otlp import HttpReceiver
import sys
class Deaf(HttpReceiver):
    def take(self, route, message, headers):
        return 200
with Deaf() as receiver:
    print(receiver.endpoint, flush=True)
    sys.stdin.read()
"""


def main() -> None:
    """Run each way in turn and print a line for each."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calls", type=int, default=1000)
    parser.add_argument("--reps", type=int, default=5)
    asked = parser.parse_args()
    calls = [_call(number) for number in range(asked.calls)]
    told = [spans_of(call, origin()) for call in calls]
    with subprocess.Popen(
        [sys.executable, "-c", _RECEIVER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as receiver:
        if receiver.stdout is None or receiver.stdin is None:
            raise RuntimeError("pipes were asked for")
        endpoint = receiver.stdout.readline().strip()
        ways: dict[str, Callable[[Sequence[CallClosed]], None]] = {
            "SDK": lambda _calls: _sdk(endpoint, told, content=False),
            "ours": lambda calls: _ours(endpoint, calls, TelemetrySettings()),
            "SDK, words": lambda _calls: _sdk(endpoint, told, content=True),
            "ours, words": lambda calls: _ours(endpoint, calls, TelemetrySettings(content="attributes")),
            "ours, a tenth": lambda calls: _ours(endpoint, calls, TelemetrySettings(call_share=0.1)),
        }
        _print(_least(ways, calls, asked.reps))
        receiver.stdin.close()


def _least(
    ways: Mapping[str, Callable[[Sequence[CallClosed]], None]], calls: Sequence[CallClosed], reps: int
) -> dict[str, float]:
    found: dict[str, float] = dict.fromkeys(ways, float("inf"))
    for _ in range(reps):
        for name, run in ways.items():
            begin = time.process_time_ns()
            run(calls)
            found[name] = min(found[name], (time.process_time_ns() - begin) / 1_000 / len(calls))
    return found


def _print(costs: Mapping[str, float]) -> None:
    for name, cost_us in costs.items():
        base = costs["SDK, words" if name.endswith("words") else "SDK"]
        sys.stdout.write(f"{name:<14} {cost_us:6.0f} us CPU a call  {cost_us / base:5.2f} of the SDK's\n")


def _ours(endpoint: str, calls: Sequence[CallClosed], settings: TelemetrySettings) -> None:
    exporter = OtlpExporter({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": f"{endpoint}/v1/traces"})
    exporter.attach(Host(settings, Metrics()))
    for place in range(0, len(calls), _BATCH):
        exporter.export(calls[place : place + _BATCH])
    exporter.close()


def _sdk(endpoint: str, told: Sequence[tuple[ReadableSpan, ReadableSpan]], *, content: bool) -> None:
    """The plain path; what the spans say is known beforehand, so only the SDK's own work is counted."""
    exporter = OTLPSpanExporter(endpoint=f"{endpoint}/v1/traces")
    provider = TracerProvider()
    processor = BatchSpanProcessor(exporter, max_queue_size=4 * len(told) + 10, schedule_delay_millis=60_000)
    provider.add_span_processor(processor)
    tracer = provider.get_tracer("bench")
    words = {"gen_ai.input.messages": _WORDS, "gen_ai.output.messages": _WORDS} if content else {}
    for server, client in told:
        outer = tracer.start_span(server.name, kind=server.kind, attributes=server.attributes)
        inside = set_span_in_context(outer)
        tracer.start_span(client.name, inside, client.kind, {**(client.attributes or {}), **words}).end()
        outer.end()
    provider.shutdown()


def _call(number: int) -> CallClosed:
    text = "Tell me more about the matter at hand, please, and be brief. " * 16
    request = Request(
        model="gpt-x",
        messages=(Message("system", "Be brief."), Message("user", f"{number} {text}")),
        params_json='{"temperature":0.5,"max_tokens":100,"top_p":1}',
    )
    answer = Response("chatcmpl-1", "gpt-x-1", (Message("assistant", text),), ("stop",), Usage(200, 100, 50, 20))
    return closed_call(opened=opened_call(request=request), response=answer)


_WORDS: Final[str] = "Tell me more about the matter at hand, please, and be brief. " * 16

if __name__ == "__main__":
    main()
