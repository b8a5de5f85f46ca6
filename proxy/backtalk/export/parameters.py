"""The parameters of a request as attributes: only those the conventions name, only with the types they demand.

In: the JSON of a request's remaining fields, from anyone. Out: attributes. A value of a wrong type is left out.
"""

from collections.abc import Mapping
from typing import Any, Final, cast

import msgspec

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
    "top_k": "gen_ai.request.top_k",
    "dimensions": "gen_ai.embeddings.dimension.count",
}
_TEXTS: Final = {
    "reasoning_effort": "gen_ai.request.reasoning.level",
    "previous_response_id": "gen_ai.request.previous_response.id",
    "service_tier": "openai.request.service_tier",
}
_TEXT_LIMIT: Final = 256
_decoder: Final = msgspec.json.Decoder(dict[str, Any])


def of_request(params_json: str) -> dict[str, AttributeValue]:
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
        elif field in _INTS and type(value) is int and abs(value) < 1 << 63:
            found[_INTS[field]] = value
        elif field in _TEXTS and isinstance(value, str):
            found[_TEXTS[field]] = value[:_TEXT_LIMIT]
    return found | _stop(fields.get("stop")) | _output(fields) | _effort(fields.get("reasoning"))


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


def _effort(reasoning: object) -> dict[str, AttributeValue]:
    level = _get(reasoning, "effort")
    return {"gen_ai.request.reasoning.level": level[:_TEXT_LIMIT]} if isinstance(level, str) else {}


def _get(value: object, key: str) -> object:
    return cast("dict[str, object]", value).get(key) if isinstance(value, dict) else None
