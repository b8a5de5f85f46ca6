"""What of a call's words is sent: JSON on a span, the same on an event, or only the ids by which the ledger keeps them.

Pure: a `CallClosed` in, attributes out. The words are those of the fact, which left the worker's first step redacted;
nothing is taken out or put in here but by cutting.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final, Literal, NamedTuple

from backtalk.export.content import MESSAGE_LIMIT, Cut, choices_json, instructions_json, messages_json, tools_json
from backtalk.export.parameters import AttributeValue
from backtalk.model.chat import Message
from backtalk.model.facts import CallClosed

MessageId = Callable[[str, Message], str]
"""The ledger's content address of a tenant's message."""

_WITH_INSTRUCTIONS: Final = frozenset({"messages", "responses"})
"""APIs that take the system prompt in a field of its own (`system`, `instructions`); ours put it first."""


class Capture(NamedTuple):
    """How words are sent."""

    mode: Literal["off", "attributes", "reference"] = "off"
    limit_bytes: int = 65_536
    message_id: MessageId = lambda _tenant, _message: ""


def as_attributes(call: CallClosed, capture: Capture) -> dict[str, AttributeValue]:
    """What the client span bears; `backtalk.content.truncated` where anything of it was cut."""
    if capture.mode == "off":
        return {}
    if capture.mode == "reference":
        return _references(call, capture.message_id)
    parts = _parts(call, capture.limit_bytes)
    found: dict[str, AttributeValue] = {name: part.json for name, part in parts.items()}
    if any(part.cut for part in parts.values()):
        found["backtalk.content.truncated"] = True
    if call.opened.request.user:
        found["user.id"] = call.opened.request.user
    return found


def as_structure(call: CallClosed, capture: Capture) -> dict[str, Any]:
    """The same for an event, where the conventions ask for structure in place of JSON text."""
    found = dict[str, Any](as_attributes(call, capture))
    return found | {name: part.value for name, part in _parts(call, capture.limit_bytes).items()}


def _parts(call: CallClosed, limit_bytes: int) -> Mapping[str, Cut]:
    request, response = call.opened.request, call.response
    messages, found = request.messages, dict[str, Cut]()
    if messages and messages[0].role == "system" and call.opened.api in _WITH_INSTRUCTIONS:
        found["gen_ai.system_instructions"] = instructions_json(messages[0], limit_bytes)
        messages = messages[1:]
    if messages:
        found["gen_ai.input.messages"] = messages_json(messages, limit_bytes)
    if response.choices:
        found["gen_ai.output.messages"] = choices_json(response.choices, response.finish_reasons, limit_bytes)
    if request.tools_json:
        found["gen_ai.tool.definitions"] = tools_json(request.tools_json, limit_bytes)
    return found


def _references(call: CallClosed, message_id: MessageId) -> dict[str, AttributeValue]:
    request, tenant = call.opened.request, call.opened.tenant
    found: dict[str, AttributeValue] = {}
    if request.messages:
        newest = request.messages[-MESSAGE_LIMIT:]
        found["backtalk.input.message_ids"] = tuple(message_id(tenant, message) for message in newest)
    if call.response.choices:
        found["backtalk.output.message_ids"] = tuple(message_id(tenant, answer) for answer in call.response.choices)
    if request.tools_json is not None:
        found["backtalk.tools.message_id"] = message_id(tenant, Message(role="tools", text=request.tools_json))
    return found
