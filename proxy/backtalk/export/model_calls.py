"""What a model call is told by: the `gen_ai.*` attributes of its client span, in the generation that is spoken.

Pure: a `CallClosed` in, attributes out. What the two generations call differently has the name of the one that is
spoken; what only the latest knows (a prompt's version, the effort of reasoning) has its name in both. Usage is what was
used: an answer from our own cache has none.
"""

from typing import Final

from backtalk.clock import NS_PER_S
from backtalk.export import parameters
from backtalk.export.kinds import OPERATIONS
from backtalk.export.parameters import AttributeValue
from backtalk.export.semconv import Generation
from backtalk.export.upstreams import provider_of
from backtalk.model.chat import Api
from backtalk.model.facts import CallClosed

Attributes = dict[str, AttributeValue]

_TEXT_LIMIT: Final = 512
_MADE: Final[dict[Api, str]] = {"images": "image", "speech": "speech", "transcriptions": "text", "translations": "text"}
"""What an endpoint makes, where it makes one thing only."""
_OPENAI_APIS: Final[dict[Api, str]] = {"chat": "chat_completions", "responses": "responses"}


def span_name(call: CallClosed) -> str:
    """`chat gpt-x`; of a search in a vector store, `retrieval` and its id."""
    operation = OPERATIONS[call.opened.api]
    about = _data_source(call) if call.opened.api == "vector_search" else call.opened.request.model
    return f"{operation} {about[:_TEXT_LIMIT]}" if about else operation


def model_attributes(call: CallClosed, generation: Generation) -> Attributes:
    """The attributes of a call whose API is in `OPERATIONS`, but for errors and contents."""
    request, provider = call.opened.request, provider_of(call)
    found: Attributes = {
        "gen_ai.operation.name": OPERATIONS[call.opened.api],
        "gen_ai.provider.name": provider,
    }
    if request.model:
        found["gen_ai.request.model"] = request.model[:_TEXT_LIMIT]
    if request.choice_count != 1:
        found["gen_ai.request.choice.count"] = request.choice_count
    if call.opened.api == "vector_search" and (source := _data_source(call)):
        found["gen_ai.data_source.id"] = source
    found |= _response(call) | _session(call) | _usage(call, generation) | _prompt(call)
    asked = parameters.of_request(request.params_json, generation, retrieval=call.opened.api == "vector_search")
    found |= {name: value for name, value in asked.items() if provider == "openai" or not name.startswith("openai.")}
    if provider == "openai" and (api := _OPENAI_APIS.get(call.opened.api)):
        found["openai.api.type"] = api
    if kind := _MADE.get(call.opened.api):
        found["gen_ai.output.type"] = kind
    return found


def _response(call: CallClosed) -> Attributes:
    response = call.response
    found: Attributes = {}
    if call.opened.request.stream:
        found["gen_ai.request.stream"] = True
        if call.first_byte_ns is not None:
            found["gen_ai.response.time_to_first_chunk"] = call.first_byte_ns / NS_PER_S
    if response.id:
        found["gen_ai.response.id"] = response.id[:_TEXT_LIMIT]
    if response.model:
        found["gen_ai.response.model"] = response.model[:_TEXT_LIMIT]
    if reasons := _finish_reasons(call):
        found["gen_ai.response.finish_reasons"] = reasons
    return found


def _finish_reasons(call: CallClosed) -> tuple[str, ...]:
    """One reason a choice; `error` where the answer was cut before it gave one."""
    reasons, count = call.response.finish_reasons, len(call.response.choices)
    if call.outcome == "completed":
        return reasons
    return tuple(reason or "error" for reason in reasons) + ("error",) * max(count - len(reasons), not reasons)


def _session(call: CallClosed) -> Attributes:
    """A session that the app named is a conversation; one that we inferred must not be called so."""
    declared = call.opened.request.declared_session
    found: Attributes = {}
    if declared:
        found["gen_ai.conversation.id"] = declared
        found["session.id"] = declared
        if call.session_id:
            found["backtalk.session.id"] = call.session_id
    elif call.session_id:
        found["session.id"] = call.session_id
        found["backtalk.session.inferred_id"] = call.session_id
    return found


def _usage(call: CallClosed, generation: Generation) -> Attributes:
    usage = call.response.usage
    if usage is None or call.cache == "hit":
        return {}
    written = "cache_creation" if generation == "v1.41" else "cache_write"
    counts = {
        "gen_ai.usage.input_tokens": usage.input_tokens,
        "gen_ai.usage.output_tokens": usage.output_tokens,
        "gen_ai.usage.cache_read.input_tokens": usage.cached_tokens,
        f"gen_ai.usage.{written}.input_tokens": usage.cache_write_tokens,
        "gen_ai.usage.reasoning.output_tokens": usage.reasoning_tokens,
    }
    return {name: count for name, count in counts.items() if count is not None}


def _prompt(call: CallClosed) -> Attributes:
    """The prompt template, as far as the app named it."""
    told = {"name": call.opened.request.prompt_name, "version": call.opened.request.prompt_version}
    return {f"gen_ai.prompt.{part}": value for part, value in told.items() if value}


def _data_source(call: CallClosed) -> str | None:
    """The vector store of `/v1/vector_stores/<id>/search`."""
    steps = call.opened.path.split("/")
    place = steps.index("vector_stores") + 1 if "vector_stores" in steps else len(steps)
    return steps[place][:_TEXT_LIMIT] if place < len(steps) - 1 else None
