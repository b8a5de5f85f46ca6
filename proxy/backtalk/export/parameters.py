"""The parameters of a request as attributes: only those the conventions name, only with the types they demand.

In: the JSON of a request's remaining fields, from anyone. Out: attributes. A value of a wrong type is left out.
"""

from collections.abc import Mapping
from typing import Any, Final, TypeGuard, cast

import msgspec

from backtalk.export.semconv import Generation

AttributeValue = str | bool | int | float | tuple[str, ...]
"""What an attribute may hold here."""

_FLOATS: Final = {
    "temperature": "gen_ai.request.temperature",
    "top_p": "gen_ai.request.top_p",
    "frequency_penalty": "gen_ai.request.frequency_penalty",
    "presence_penalty": "gen_ai.request.presence_penalty",
}
_INTS: Final = {
    "max_tokens": "gen_ai.request.max_tokens",
    "max_completion_tokens": "gen_ai.request.max_tokens",
    "max_output_tokens": "gen_ai.request.max_tokens",
    "seed": "gen_ai.request.seed",
    "dimensions": "gen_ai.embeddings.dimension.count",
}
_TEXTS: Final = {
    "reasoning_effort": "gen_ai.request.reasoning.level",
    "previous_response_id": "gen_ai.request.previous_response.id",
}
_TEXT_LIMIT: Final = 256
_decoder: Final = msgspec.json.Decoder(dict[str, Any])


def of_request(
    params_json: str, generation: Generation = "v1.41", *, retrieval: bool = False
) -> dict[str, AttributeValue]:
    """The attributes that a request's parameters say; nothing where they are no JSON object."""
    if len(params_json) <= 2:
        return {}
    try:
        fields = _decoder.decode(params_json)
    except (msgspec.MsgspecError, RecursionError):
        return {}
    found: dict[str, AttributeValue] = {}
    for field, value in fields.items():
        if field in _FLOATS and _is_number(value):
            found[_FLOATS[field]] = float(value)
        elif field in _INTS and _is_int(value):
            found[_INTS[field]] = value
    found |= (
        _texts(fields)
        | _stop(fields.get("stop") or fields.get("stop_sequences"))
        | _output(fields)
        | _tier(fields)
        | _encoding(fields.get("encoding_format"))
    )
    return found | _top_k(fields, generation, retrieval=retrieval)


def _texts(fields: Mapping[str, Any]) -> dict[str, AttributeValue]:
    texts = {name: fields[field] for field, name in _TEXTS.items() if isinstance(fields.get(field), str)}
    if isinstance(level := _get(fields.get("reasoning"), "effort"), str):
        texts["gen_ai.request.reasoning.level"] = level
    return {name: text[:_TEXT_LIMIT] for name, text in texts.items()}


def _top_k(fields: Mapping[str, Any], generation: Generation, *, retrieval: bool) -> dict[str, AttributeValue]:
    """A whole number; 1.41 says it as a double, and has one name for sampling and for retrieval."""
    value = fields.get("max_num_results" if retrieval else "top_k")
    if not _is_int(value):
        return {}
    if generation == "v1.41":
        return {"gen_ai.request.top_k": float(value)}
    return {"gen_ai.retrieval.top_k" if retrieval else "gen_ai.request.top_k": value}


def _tier(fields: Mapping[str, Any]) -> dict[str, AttributeValue]:
    tier = fields.get("service_tier")
    return {"openai.request.service_tier": tier[:_TEXT_LIMIT]} if isinstance(tier, str) and tier != "auto" else {}


def _encoding(value: object) -> dict[str, AttributeValue]:
    return {"gen_ai.request.encoding_formats": (value[:_TEXT_LIMIT],)} if isinstance(value, str) else {}


def _is_int(value: object) -> TypeGuard[int]:
    return type(value) is int and abs(value) < 1 << 63


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e300


def _stop(value: object) -> dict[str, AttributeValue]:
    if isinstance(value, str):
        return {"gen_ai.request.stop_sequences": (value[:_TEXT_LIMIT],)}
    if isinstance(value, list):
        texts = tuple(item[:_TEXT_LIMIT] for item in cast("list[object]", value)[:16] if isinstance(item, str))
        return {"gen_ai.request.stop_sequences": texts} if texts else {}
    return {}


def _output(fields: Mapping[str, Any]) -> dict[str, AttributeValue]:
    text = fields.get("text")
    wanted = fields.get("response_format") or (_get(text, "format"))
    kind = _get(wanted, "type")
    if kind in ("json_object", "json_schema"):
        return {"gen_ai.output.type": "json"}
    return {"gen_ai.output.type": "text"} if kind == "text" else {}


def _get(value: object, key: str) -> object:
    return cast("dict[str, object]", value).get(key) if isinstance(value, dict) else None
