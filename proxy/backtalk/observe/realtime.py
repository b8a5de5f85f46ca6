"""A realtime session: its events go in one by one, one request and one response come out.

The session's items in their order are the conversation; the model's last answer is the response. Sound is left out (its
transcripts are kept), usage is the sum of all responses. Every event is counted by its type, known or not.
"""

from collections import Counter
from collections.abc import Callable
from typing import Any, Final

import msgspec

from backtalk.model.chat import Message, Request, Response, Usage
from backtalk.model.frames import Side
from backtalk.observe import responses
from backtalk.observe.credentials import kept
from backtalk.observe.lenient_json import canonical, is_array, is_object, parse
from backtalk.observe.messages import error_of, usage_of

MOST_ITEMS: Final = 4_096
"""Most items of one session that are understood."""
_MOST_TYPES: Final = 64
_NAME_CHARS: Final = 64
_FINISH: Final = {"completed": "stop", "incomplete": "length"}
_SPOKEN: Final = ("text", "transcript")
_TYPES: Final = {"input_audio": "input_text", "audio": "output_text", "output_audio": "output_text"}


class Session:
    """One session. `take` says how much of a budget a text may use: less than asked ends the understanding."""

    def __init__(self, take: Callable[[int], int]) -> None:
        self._take = take
        self._taken_bytes = 0
        self._items: dict[str, dict[str, Any]] = {}
        self._spoken: dict[str, list[str]] = {}
        self._session: dict[str, Any] = {}
        self._counts: dict[Side, Counter[str]] = {"client": Counter(), "server": Counter()}
        self._usage = Usage()
        self._response: dict[str, Any] = {}
        self._error: tuple[str | None, str | None] = (None, None)
        self.problem: str | None = None

    @property
    def taken_bytes(self) -> int:
        """What was taken from the budget."""
        return self._taken_bytes

    def event(self, side: Side, data: bytes) -> None:
        """Take one text message."""
        found = parse(data)
        fields: dict[str, Any] = found.value if is_object(found.value) else {}
        kind = fields.get("type")
        name = kind[:_NAME_CHARS] if isinstance(kind, str) else "unknown"
        self.count(side, name)
        if self.problem is None:
            try:
                self._understand(side, name, fields)
            except RecursionError:
                self.problem = "an event is nested too deeply"

    def count(self, side: Side, name: str) -> None:
        """Count a message by its type."""
        counts = self._counts[side]
        counts[name if name in counts or len(counts) < _MOST_TYPES else "other"] += 1

    def request(self, asked: Request) -> Request:
        """What was asked in the session, the answers before the last among it."""
        config = {key: value for key, value in self._session.items() if key not in ("instructions", "tools", "model")}
        tools, model = self._session.get("tools"), self._session.get("model")
        messages, last = self._messages()
        counts = {side: dict(sorted(counts.items())) for side, counts in self._counts.items()}
        return msgspec.structs.replace(
            asked,
            model=model if isinstance(model, str) else asked.model,
            messages=messages[:last] + messages[last + 1 :] if last is not None else messages,
            stream=True,
            tools_json=kept(tools) if tools else None,
            params_json=kept({"session": config, "events": counts}),
            not_understood=self.problem,
        )

    def response(self) -> Response:
        """What the model answered last, and what all answers used."""
        messages, last = self._messages()
        identity, status = self._response.get("id"), self._response.get("status")
        used = self._usage != Usage()
        answered = last is not None
        return Response(
            id=identity if isinstance(identity, str) else None,
            model=None,
            choices=(messages[last],) if last is not None else (),
            finish_reasons=(_FINISH.get(status, status) if isinstance(status, str) else "",) if answered else (),
            usage=self._usage if used else None,
            error_type=self._error[0],
            error_message=self._error[1],
        )

    def _messages(self) -> tuple[tuple[Message, ...], int | None]:
        """All messages, and the place of the model's last one."""
        items = [_readable(item, self._spoken.get(name)) for name, item in self._items.items()]
        instructions = self._session.get("instructions")
        messages = responses.request_messages({"input": items, "instructions": instructions}) or ()
        places = [place for place, message in enumerate(messages) if message.role == "assistant"]
        return messages, places[-1] if places else None

    def _understand(self, side: Side, name: str, fields: dict[str, Any]) -> None:
        if name in ("session.update", "session.created", "session.updated") and is_object(fields.get("session")):
            self._keep(canonical(fields["session"]))
            self._session |= fields["session"]
        if side == "client":
            return
        if is_object(item := fields.get("item")):
            self._item(item)
        if is_object(response := fields.get("response")):
            self._answer(name, response)
        if name.endswith((".delta", ".completed")) and isinstance(fields.get("item_id"), str):
            self._speech(name, fields)
        if name == "error":
            self._error = error_of(fields)

    def _item(self, item: dict[str, Any]) -> None:
        name = item.get("id")
        if not isinstance(name, str):
            return
        if name not in self._items and len(self._items) >= MOST_ITEMS:
            self.problem = f"the session has more than {MOST_ITEMS} items"
            return
        kept = {key: value for key, value in item.items() if key not in ("id", "object", "status")}
        self._keep(canonical(kept))
        if is_array(kept.get("content")) or "content" not in kept:
            self._items[name] = kept

    def _answer(self, name: str, response: dict[str, Any]) -> None:
        if name != "response.done":
            return
        self._response = {"id": response.get("id"), "status": response.get("status")}
        output = response.get("output")
        for item in output if is_array(output) else ():
            if is_object(item):
                self._item(item)
        if usage := usage_of(response.get("usage")):
            self._usage = _sum(self._usage, usage)

    def _speech(self, name: str, fields: dict[str, Any]) -> None:
        """The words of an item as they come, or as they were heard."""
        item_id, words = fields["item_id"], fields.get("delta") or fields.get("transcript")
        if not isinstance(words, str) or "audio.delta" in name or "arguments" in name:
            return
        if item_id not in self._spoken and len(self._spoken) >= MOST_ITEMS:
            return
        self._keep(words)
        if name.endswith(".completed"):
            self._spoken[item_id] = [words]
        else:
            self._spoken.setdefault(item_id, []).append(words)

    def _keep(self, text: str) -> None:
        granted = self._take(len(text))
        self._taken_bytes += granted
        if granted < len(text):
            self.problem = "the sessions that are open hold too much to keep more"


def _readable(item: dict[str, Any], spoken: list[str] | None) -> dict[str, Any]:
    """An item of the responses API: sounds are what was said in them."""
    content = item.get("content")
    parts = [_part(part) for part in content if is_object(part)] if is_array(content) else []
    if spoken and not any(part.get("text") for part in parts):
        parts = [{"type": "output_text" if item.get("role") == "assistant" else "input_text", "text": "".join(spoken)}]
    return {**item, "content": parts} if is_array(content) else item


def _part(part: dict[str, Any]) -> dict[str, Any]:
    kind, words = part.get("type"), part.get("transcript")
    if isinstance(kind, str) and kind in _TYPES:
        return {"type": _TYPES[kind], "text": words if isinstance(words, str) else ""}
    return {**part, "type": "output_text"} if kind == "text" else part


def _sum(one: Usage, other: Usage) -> Usage:
    return Usage(
        input_tokens=_plus(one.input_tokens, other.input_tokens),
        output_tokens=_plus(one.output_tokens, other.output_tokens),
        cached_tokens=_plus(one.cached_tokens, other.cached_tokens),
        reasoning_tokens=_plus(one.reasoning_tokens, other.reasoning_tokens),
    )


def _plus(one: int | None, other: int | None) -> int | None:
    return other if one is None else one + (other or 0)
