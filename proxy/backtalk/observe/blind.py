"""Capture mode `none`: what was understood of a body, with a keyed hash in place of every text.

In: a copied body, in the process that relayed it, once it has been sent on. Out: a `Request` or `Response` as msgpack,
the body of a frame whose capture is `none`. The one rule: what is kept is named here, and no word of a message is;
equal texts of one tenant stay equal, so that sessions and the detectors that compare whole texts go on working.
"""

import asyncio
import logging
from collections.abc import Callable, Iterable, Sequence
from typing import Final, Protocol

import msgspec

from backtalk.model.chat import Message, Request, Response, ToolCall
from backtalk.model.endpoints import api_of
from backtalk.model.ids import keyed_hash
from backtalk.observe import understand
from backtalk.observe.facts_of import by_name, request_of
from backtalk.observe.tee import Body
from backtalk.session.canonical import SHORT_ANSWER_CHARS, clean

_encode: Final = msgspec.msgpack.Encoder().encode
_log: Final = logging.getLogger(__name__)
_FAILED: Final = "the body could not be understood"
_SHORT_BYTES: Final = 8
_LONG_BYTES: Final = 16


class Asked(Protocol):
    """What is needed of a request's head."""

    @property
    def method(self) -> str:
        """The method."""
        ...

    @property
    def path(self) -> str:
        """The path, which names the API."""
        ...


class Blind:
    """Hashes for all calls of a process."""

    def __init__(self, secret: bytes, session_header: str) -> None:
        self._secret = secret
        self._session_header = session_header

    def request(self, tenant: str, head: Asked, headers: Sequence[tuple[str, str]], body: Body) -> Body:
        """A request's body without its texts; `headers` are those that are kept."""

        def understood() -> Request:
            api, known = api_of(head.path), by_name(headers)
            return self._request(tenant, request_of(api, head.method, body.kept, known, self._session_header))

        return _hidden(body, understood, Request(not_understood=_FAILED))

    def response(self, tenant: str, head: Asked, status: int, headers: Sequence[tuple[str, str]], body: Body) -> Body:
        """A response's body without its texts; `headers` are those of the response that are kept."""

        def understood() -> Response:
            api, known = api_of(head.path), by_name(headers)
            return self._response(tenant, understand.response(api, status, known, body.kept))

        return _hidden(body, understood, Response(not_understood=_FAILED))

    def _request(self, tenant: str, asked: Request) -> Request:
        return Request(
            model=asked.model,
            messages=self._messages(tenant, asked.messages),
            stream=asked.stream,
            choice_count=asked.choice_count,
            user=asked.user,
            declared_session=asked.declared_session,
            tools_json=f'"{self._hash(tenant, asked.tools_json)}"' if asked.tools_json else None,
            params_json=_numbers(asked.params_json),
            not_understood=asked.not_understood,
            previous_response=asked.previous_response,
            conversation=asked.conversation,
            prompt_name=asked.prompt_name,
            prompt_version=asked.prompt_version,
            purpose=asked.purpose,
        )

    def _response(self, tenant: str, answered: Response) -> Response:
        return Response(
            id=answered.id,
            model=answered.model,
            choices=self._messages(tenant, answered.choices),
            finish_reasons=answered.finish_reasons,
            usage=answered.usage,
            error_type=answered.error_type,
            not_understood=answered.not_understood,
            retrieved=answered.retrieved,
        )

    def _messages(self, tenant: str, messages: Iterable[Message]) -> tuple[Message, ...]:
        return tuple(
            Message(
                role=message.role,
                text=self._hash(tenant, clean(message.text)),
                tool_calls=tuple(
                    ToolCall(call.id, call.name, self._hash(tenant, call.arguments)) for call in message.tool_calls
                ),
                tool_call_id=message.tool_call_id,
                refusal=self._hash(tenant, clean(message.refusal)) if message.refusal else None,
                attachments=tuple(self._hash(tenant, digest) for digest in message.attachments),
            )
            for message in messages
        )

    def _hash(self, tenant: str, text: str) -> str:
        """A text's keyed hash, itself short where the text is: short answers are known together with their question."""
        if not text:
            return ""
        size_bytes = _SHORT_BYTES if len(text) < SHORT_ANSWER_CHARS else _LONG_BYTES
        return "#" + keyed_hash(self._secret, b"text", tenant.encode(), text.encode(), size_bytes=size_bytes)


def read_request(body: bytes) -> Request:
    """What `Blind.request` left; raises `msgspec.MsgspecError` for anything else."""
    return msgspec.msgpack.decode(body, type=Request)


def read_response(body: bytes) -> Response:
    """What `Blind.response` left; raises `msgspec.MsgspecError` for anything else."""
    return msgspec.msgpack.decode(body, type=Response)


def soon(work: Callable[[], None]) -> None:
    """Do it once what is under way has been sent; at once where there is no loop."""
    try:
        asyncio.get_running_loop().call_soon(work)
    except RuntimeError:
        work()


def _hidden(body: Body, understood: Callable[[], Request | Response], failed: Request | Response) -> Body:
    try:
        kept = _encode(understood())
    except Exception as error:  # noqa: BLE001 -- runs in the middle of a call, which must not fail with it
        _log.error("a body could not be hidden; nothing of it is kept", extra={"error": type(error).__name__})
        kept = _encode(failed)
    return Body(kept, body.size_bytes, None, "none")


def _numbers(params_json: str) -> str:
    """The parameters that are numbers or switches: none of them can hold words."""
    fields: dict[str, object] = msgspec.json.decode(params_json)
    kept = {name: value for name, value in fields.items() if isinstance(value, int | float)}
    return msgspec.json.encode(kept, order="sorted").decode()
