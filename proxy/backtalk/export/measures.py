"""Facts as figures: what each fact adds to the metrics.

In: facts, each once, as the worker decided them. Out: values in the registry. The labels are those of the conventions
and never an id. The worker calls this after it has appended the facts to its journal.
"""

from collections import OrderedDict
from collections.abc import Iterable
from typing import Final

from backtalk.clock import NS_PER_S
from backtalk.export.kinds import OPERATIONS, method_of, route_of
from backtalk.export.model_measures import measure_model_call
from backtalk.export.semconv import Generation, generation_of
from backtalk.model.facts import CallClosed, CallRelated, Fact, FeedbackGiven, SessionLinked, SignalFound
from backtalk.settings import TelemetrySettings, otel_environ
from backtalk.telemetry import Metrics

_LABEL_LIMIT: Final = 128
TRACES: Final = 20_000
"""Traces whose model is remembered, so that what is said of their answers is counted by model."""


class Measures:
    """Counts facts; what is said of an answer carries the answer's model while that is remembered."""

    def __init__(self, metrics: Metrics, settings: TelemetrySettings, *, traces: int = TRACES) -> None:
        self._metrics = metrics
        self._generation: Generation = generation_of(settings.semconv, otel_environ())
        self._limit = traces
        self._models: OrderedDict[str, str | None] = OrderedDict()

    def record(self, facts: Iterable[Fact]) -> None:
        """Count facts, in order."""
        for fact in facts:
            match fact:
                case CallClosed():
                    self._note(fact)
                    _call(self._metrics, fact, self._generation)
                case SignalFound(replay=0):
                    model = self._models.get(fact.about.trace_id)
                    self._metrics.add("backtalk.signals", kind=fact.kind, model=model)
                case FeedbackGiven():
                    model = self._models.get(fact.target_trace_id or "")
                    self._metrics.add("backtalk.feedback", kind=fact.kind, model=model)
                case CallRelated():
                    self._metrics.add("backtalk.relations", kind=fact.kind)
                case SessionLinked():
                    self._metrics.add("backtalk.session.links", rule=fact.rule)
                case _:
                    pass

    def _note(self, call: CallClosed) -> None:
        """Remember the trace's model; where its calls went to several, which one is meant is not known."""
        trace_id, model = call.opened.trace_id, (call.opened.request.model or "")[:_LABEL_LIMIT] or None
        earlier = self._models.get(trace_id, model)
        self._models[trace_id] = model if earlier == model else None
        while len(self._models) > self._limit:
            self._models.popitem(last=False)


def _call(metrics: Metrics, call: CallClosed, generation: Generation) -> None:
    duration_s = max(0, call.duration_ns) / NS_PER_S
    metrics.add("backtalk.calls", outcome=call.outcome)
    _captures(metrics, call)
    if call.cache:
        metrics.add("backtalk.cache.lookups", result=call.cache)
    metrics.record(
        "http.server.request.duration",
        duration_s,
        http_request_method=method_of(call),
        http_route=route_of(call),
        http_response_status_code=call.status or None,
        url_scheme="http",
        error_type=str(call.status) if call.status >= 500 else None,
    )
    if call.opened.api in OPERATIONS and call.outcome != "rejected":
        measure_model_call(metrics, call, generation)


def _captures(metrics: Metrics, call: CallClosed) -> None:
    for side, capture in (("request", call.request_capture), ("response", call.response_capture)):
        if capture == "truncated":
            metrics.add("backtalk.capture.truncated", side=side)
