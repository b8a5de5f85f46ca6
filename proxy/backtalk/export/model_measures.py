"""A model call as figures, in the names of the generation that is spoken.

In: a closed call that went to a model. Out: values in the registry. The labels are those of the conventions and never
an id. Tokens are counted where somebody was asked for them: an answer from our own cache has none.
"""

from typing import Final

from backtalk.clock import NS_PER_S
from backtalk.export.kinds import OPERATIONS, error_type
from backtalk.export.semconv import Generation
from backtalk.export.upstreams import provider_of, upstream_of
from backtalk.model.facts import CallClosed
from backtalk.telemetry import Label, Metrics

_LABEL_LIMIT: Final = 128
_INFERENCE: Final = frozenset({"chat", "text_completion", "generate_content"})
"""Operations that the latest names call inference; the others keep the older names."""

Labels = dict[str, Label | None]


def measure_model_call(metrics: Metrics, call: CallClosed, generation: Generation) -> None:
    """Duration, streaming, tokens and cost."""
    labels = _labels(call)
    latest = generation == "latest" and OPERATIONS[call.opened.api] in _INFERENCE
    if latest:
        _latest_times(metrics, call, labels)
        _latest_tokens(metrics, call, labels)
    else:
        _times(metrics, call, labels)
    if generation == "v1.41":
        _tokens(metrics, call, labels)
    _cost(metrics, call, labels)


def _times(metrics: Metrics, call: CallClosed, labels: Labels) -> None:
    duration_s = _duration_s(call)
    metrics.record("gen_ai.client.operation.duration", duration_s, **labels, error_type=error_type(call))
    if (first_s := _first_chunk_s(call)) is not None:
        metrics.record("gen_ai.client.operation.time_to_first_chunk", first_s, **labels)
        if call.chunks > 1:
            each_s = max(0.0, duration_s - first_s) / (call.chunks - 1)
            metrics.record("gen_ai.client.operation.time_per_output_chunk", each_s, **labels)


def _latest_times(metrics: Metrics, call: CallClosed, labels: Labels) -> None:
    duration_s = _duration_s(call)
    metrics.record("gen_ai.client.inference.duration", duration_s, **labels, error_type=error_type(call))
    if (first_s := _first_chunk_s(call)) is not None:
        metrics.record("gen_ai.client.inference.time_to_first_chunk", first_s, **labels)
        if call.chunks > 1:
            each_s = max(0.0, duration_s - first_s) / (call.chunks - 1)
            metrics.record("gen_ai.client.inference.time_per_output_chunk", each_s, **labels)


def _tokens(metrics: Metrics, call: CallClosed, labels: Labels) -> None:
    usage = call.response.usage
    if usage is None or call.cache == "hit":
        return
    for kind, count in (("input", usage.input_tokens), ("output", usage.output_tokens)):
        if count is not None:
            metrics.record("gen_ai.client.token.usage", count, **labels, gen_ai_token_type=kind)


def _latest_tokens(metrics: Metrics, call: CallClosed, labels: Labels) -> None:
    """Counters whose modality no provider tells us, and histograms."""
    usage = call.response.usage
    if usage is None or call.cache == "hit":
        return
    counted = {
        "gen_ai.client.inference.usage.input_tokens": usage.input_tokens,
        "gen_ai.client.inference.usage.output_tokens": usage.output_tokens,
        "gen_ai.client.inference.usage.cache_read.input_tokens": usage.cached_tokens,
        "gen_ai.client.inference.usage.cache_write.input_tokens": usage.cache_write_tokens,
        "gen_ai.client.inference.usage.reasoning.output_tokens": usage.reasoning_tokens,
    }
    by_modality = labels | {"gen_ai_token_modality": "unknown"}
    for name, count in counted.items():
        if count is not None:
            metrics.add(name, count, **by_modality)
    error = error_type(call)
    if usage.input_tokens is not None:
        metrics.record("gen_ai.client.inference.operation.input_tokens", usage.input_tokens, **labels, error_type=error)
    if (output := usage.output_tokens) is not None:
        metrics.record("gen_ai.client.inference.operation.output_tokens", output, **labels, error_type=error)


def _cost(metrics: Metrics, call: CallClosed, labels: Labels) -> None:
    provider = labels["gen_ai_provider_name"]
    if call.cost_usd is not None:
        model = labels["gen_ai_request_model"]
        metrics.add("backtalk.cost", call.cost_usd, gen_ai_request_model=model, gen_ai_provider_name=provider)
    elif call.status < 400:
        metrics.add("backtalk.cost.unknown", gen_ai_provider_name=provider)


def _duration_s(call: CallClosed) -> float:
    return max(0, call.duration_ns) / NS_PER_S


def _first_chunk_s(call: CallClosed) -> float | None:
    """Of a stream alone."""
    if not call.opened.request.stream or call.first_byte_ns is None:
        return None
    return call.first_byte_ns / NS_PER_S


def _labels(call: CallClosed) -> Labels:
    upstream = upstream_of(call.upstream)
    return {
        "gen_ai_operation_name": OPERATIONS[call.opened.api],
        "gen_ai_provider_name": provider_of(call),
        "gen_ai_request_model": (call.opened.request.model or "")[:_LABEL_LIMIT] or None,
        "gen_ai_response_model": (call.response.model or "")[:_LABEL_LIMIT] or None,
        "server_address": upstream.address,
        "server_port": upstream.port,
    }
