"""Names and types of OpenTelemetry's semantic conventions, as facts to hold telemetry against.

Sources. v1.41: the registries of open-telemetry/semantic-conventions at tag v1.41.1 (model/gen-ai, openai, http, url,
server, error, user-agent, session, user); the names are checked against the constants of the package
opentelemetry-semantic-conventions as well. Latest: what docs/gen-ai/client-inference.md (commit 024a4f94),
model/gen-ai/token-metrics.yaml (066d4a7f) and the migration guide (32c328e8) of
open-telemetry/semantic-conventions-genai say otherwise; that repository had published no release.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, Literal, NamedTuple

from backtalk.export.semconv import Generation

Kind = Literal["string", "string[]", "int", "double", "boolean", "any"]
"""The types of attributes; `any` is JSON text on a span and structure on an event."""

_STABLE: Final[Mapping[str, Kind]] = {
    "error.type": "string",
    "http.request.method": "string",
    "http.request.method_original": "string",
    "http.request.resend_count": "int",
    "http.response.status_code": "int",
    "http.route": "string",
    "server.address": "string",
    "server.port": "int",
    "session.id": "string",
    "url.full": "string",
    "url.path": "string",
    "url.scheme": "string",
    "user.id": "string",
    "user_agent.original": "string",
}
_GEN_AI: Final[Mapping[str, Kind]] = {
    "gen_ai.conversation.id": "string",
    "gen_ai.data_source.id": "string",
    "gen_ai.embeddings.dimension.count": "int",
    "gen_ai.evaluation.explanation": "string",
    "gen_ai.evaluation.name": "string",
    "gen_ai.evaluation.score.label": "string",
    "gen_ai.evaluation.score.value": "double",
    "gen_ai.input.messages": "any",
    "gen_ai.operation.name": "string",
    "gen_ai.output.messages": "any",
    "gen_ai.output.type": "string",
    "gen_ai.prompt.name": "string",
    "gen_ai.provider.name": "string",
    "gen_ai.request.choice.count": "int",
    "gen_ai.request.encoding_formats": "string[]",
    "gen_ai.request.frequency_penalty": "double",
    "gen_ai.request.max_tokens": "int",
    "gen_ai.request.model": "string",
    "gen_ai.request.presence_penalty": "double",
    "gen_ai.request.seed": "int",
    "gen_ai.request.stop_sequences": "string[]",
    "gen_ai.request.stream": "boolean",
    "gen_ai.request.temperature": "double",
    "gen_ai.request.top_p": "double",
    "gen_ai.response.finish_reasons": "string[]",
    "gen_ai.response.id": "string",
    "gen_ai.response.model": "string",
    "gen_ai.response.time_to_first_chunk": "double",
    "gen_ai.system_instructions": "any",
    "gen_ai.tool.definitions": "any",
    "gen_ai.usage.cache_read.input_tokens": "int",
    "gen_ai.usage.input_tokens": "int",
    "gen_ai.usage.output_tokens": "int",
    "gen_ai.usage.reasoning.output_tokens": "int",
    "openai.api.type": "string",
    "openai.request.service_tier": "string",
}
ADDED_LATER: Final[Mapping[str, Kind]] = {
    "gen_ai.prompt.version": "string",
    "gen_ai.request.previous_response.id": "string",
    "gen_ai.request.reasoning.level": "string",
}
"""What the latest names and 1.41 says nothing of: spoken in both, so that one saved query asks for either."""
ATTRIBUTES: Final[Mapping[Generation, Mapping[str, Kind]]] = {
    "v1.41": {
        **_STABLE,
        **_GEN_AI,
        **ADDED_LATER,
        "gen_ai.request.top_k": "double",
        "gen_ai.token.type": "string",
        "gen_ai.usage.cache_creation.input_tokens": "int",
    },
    "latest": {
        **_STABLE,
        **_GEN_AI,
        **ADDED_LATER,
        "gen_ai.request.top_k": "int",
        "gen_ai.retrieval.top_k": "int",
        "gen_ai.token.modality": "string",
        "gen_ai.usage.cache_write.input_tokens": "int",
    },
}
"""What an attribute of the conventions may be called, and its type."""

OPERATIONS: Final = frozenset({"chat", "text_completion", "generate_content", "embeddings", "retrieval"})
"""The operations, of those that the conventions list, that a proxy sees."""
PROVIDERS: Final = frozenset(
    {"anthropic", "aws.bedrock", "azure.ai.inference", "azure.ai.openai", "cohere", "deepseek", "gcp.gemini"}
    | {"gcp.gen_ai", "gcp.vertex_ai", "groq", "ibm.watsonx.ai", "mistral_ai", "moonshot_ai", "openai", "perplexity"}
    | {"x_ai"}
)
"""The providers that the conventions list; any other name is a custom one."""


class Instrument(NamedTuple):
    """One metric of the conventions; `labels` are those it may have."""

    kind: Literal["histogram", "counter"]
    unit: str
    labels: frozenset[str]
    buckets: tuple[float, ...] = ()


_LABELS: Final = frozenset(
    {"gen_ai.operation.name", "gen_ai.provider.name", "gen_ai.request.model", "gen_ai.response.model"}
    | {"server.address", "server.port"}
)
_SECONDS: Final = (0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92)
_COUNTS: Final = tuple(4.0**power for power in range(14))
_TIMED: Final = Instrument("histogram", "s", _LABELS | {"error.type"}, _SECONDS)
_CHUNKS: Final = Instrument("histogram", "s", _LABELS, _SECONDS)
_USAGE: Final = Instrument("counter", "{token}", _LABELS | {"gen_ai.token.modality"})
_INFERENCE: Final = "gen_ai.client.inference"
METRICS: Final[Mapping[Generation, Mapping[str, Instrument]]] = {
    "v1.41": {
        "gen_ai.client.operation.duration": _TIMED,
        "gen_ai.client.operation.time_to_first_chunk": _CHUNKS,
        "gen_ai.client.operation.time_per_output_chunk": _CHUNKS,
        "gen_ai.client.token.usage": Instrument("histogram", "{token}", _LABELS | {"gen_ai.token.type"}, _COUNTS),
    },
    "latest": {
        "gen_ai.client.operation.duration": _TIMED,
        f"{_INFERENCE}.duration": _TIMED,
        f"{_INFERENCE}.time_to_first_chunk": _CHUNKS,
        f"{_INFERENCE}.time_per_output_chunk": _CHUNKS,
        f"{_INFERENCE}.usage.input_tokens": _USAGE,
        f"{_INFERENCE}.usage.output_tokens": _USAGE,
        f"{_INFERENCE}.usage.cache_read.input_tokens": _USAGE,
        f"{_INFERENCE}.usage.cache_write.input_tokens": _USAGE,
        f"{_INFERENCE}.usage.reasoning.output_tokens": _USAGE,
        # Its buckets are not published; ours are those of the histogram that it replaces.
        f"{_INFERENCE}.operation.input_tokens": Instrument("histogram", "{token}", _LABELS | {"error.type"}, _COUNTS),
        f"{_INFERENCE}.operation.output_tokens": Instrument("histogram", "{token}", _LABELS | {"error.type"}, _COUNTS),
    },
}
"""The client metrics of each generation; the latest keeps the older duration for what is no inference."""

OURS: Final = ("backtalk.", "openinference.", "annotations.", "session.annotations.")
"""Prefixes that are no names of OpenTelemetry's."""
_PYTHON: Final[Mapping[Kind, tuple[type, ...]]] = {
    "string": (str,),
    "string[]": (tuple, list),
    "int": (int,),
    "double": (float,),
    "boolean": (bool,),
    "any": (str,),
}


def faults(attributes: Mapping[str, Any], generation: Generation, *, structured: bool = False) -> list[str]:
    """What is wrong with a span's attributes (an event's where `structured`): unknown names and wrong types."""
    return list(_faults(attributes, ATTRIBUTES[generation], structured=structured))


def _faults(attributes: Mapping[str, Any], known: Mapping[str, Kind], *, structured: bool) -> Iterator[str]:
    for name, value in attributes.items():
        if name.startswith(OURS):
            continue
        kind = known.get(name)
        if kind is None:
            yield f"{name} is no name of the conventions"
        elif kind == "any" and structured:
            if isinstance(value, str) or not isinstance(value, Sequence | Mapping):
                yield f"{name} is no structure"
        elif type(value) not in _PYTHON[kind]:
            yield f"{name} is {type(value).__name__}, not {kind}"
        elif value in ("", ()):
            yield f"{name} is empty"
