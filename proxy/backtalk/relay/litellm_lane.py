"""The litellm lane: it answers in OpenAI's dialect what any provider known to litellm says.

In: a call. Out: the provider's answer, translated. The one rule: litellm is a library, imported here
alone, in a thread, when the first call needs it; nothing of it decides what is retried, logged or sent elsewhere.
"""

import asyncio
import contextlib
import importlib
import logging
import warnings
from collections.abc import AsyncIterator, Awaitable, Mapping
from typing import Any, Final, Protocol, TypeVar, cast

from backtalk import clock
from backtalk.errors import BacktalkError, RequestError
from backtalk.model.exchange import ClientExchange, RequestHead
from backtalk.model.notes import CallNotes
from backtalk.relay import failures, translated
from backtalk.relay.provider_errors import secrets_of, told
from backtalk.relay.reply import RefusedError, Reply
from backtalk.relay.translated import Operation
from backtalk.relay.upstream import parse_target
from backtalk.relay.watch import Watcher
from backtalk.settings import RelaySettings, keep_litellm_offline
from backtalk.settings.routes import TargetSettings
from backtalk.tasks import TaskGroup

_T = TypeVar("_T")
_EVENTS: Final = b"text/event-stream; charset=utf-8"
_REQUEST_IDS: Final = ("llm_provider-request-id", "llm_provider-x-request-id", "llm_provider-x-amzn-requestid")
_AFTERWORK_S: Final = 5.0
_FUNCTIONS: Final = {"chat": "acompletion", "embeddings": "aembedding", "responses": "aresponses"}
_LOGGERS: Final = ("LiteLLM", "LiteLLM Router", "LiteLLM Proxy")


class _Result(Protocol):
    """What litellm gives back: a model of pydantic."""

    def model_dump(self, *, mode: str, exclude_none: bool, exclude_unset: bool, warnings: bool) -> dict[str, Any]: ...


class _Stream(_Result, Protocol):
    """A stream of them."""

    def __aiter__(self) -> AsyncIterator[_Result]: ...
    def __anext__(self) -> Awaitable[_Result]: ...


class _Afterwork(Protocol):
    """Where litellm queues coroutines after each answer, though nobody asks for them."""

    def flush(self) -> Awaitable[None]: ...


class _Library(Protocol):
    """The part of litellm that is used besides `acompletion`, `aembedding` and `aresponses`."""

    def close_litellm_async_clients(self) -> Awaitable[None]: ...


class Library:
    """litellm, loaded once a process, by whoever needs it first."""

    def __init__(self) -> None:
        self._tasks = TaskGroup()
        self._loading: asyncio.Task[_Library] | None = None

    async def get(self) -> _Library:
        """The library; it goes on loading where a caller leaves."""
        if self._loading is None:
            self._loading = self._tasks.spawn(asyncio.to_thread(load), name="load litellm")
        return await asyncio.shield(self._loading)

    async def aclose(self) -> None:
        """Let it end what it does after an answer, and close the connections that it keeps."""
        loading = self._loading
        if loading is not None and loading.done() and not loading.cancelled() and loading.exception() is None:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_AFTERWORK_S):
                    await _afterwork().flush()
            await loading.result().close_litellm_async_clients()
        await self._tasks.aclose()


class LitellmLane:
    """Answers by one provider. `key` is the target's; without one the client's own is used, where it may pass."""

    def __init__(self, library: Library, target: TargetSettings, key: str | None, relay: RelaySettings) -> None:
        self._library = library
        self._target = target
        self._key = key
        self._relay = relay
        self._watcher = Watcher(relay)
        self._address = "" if target.url is None else parse_target(target.url).name

    async def serve(self, client: ClientExchange, notes: CallNotes) -> None:
        """Answer one call."""
        asked = translated.operation(client.head.path)
        body = await _whole(client)
        arguments = translated.arguments(asked, body)
        if "*" in (self._target.model or "*"):
            translated.check_model(arguments.get("model"))
        arguments |= self._own_arguments(client.head)
        notes.upstream = self._address
        reply = Reply(client, notes)
        watch = self._watcher.start(client, size=len(body), uploading=False)
        try:
            await self._answer(asked, arguments, body, reply)
        except asyncio.CancelledError:
            if watch.error is None:
                raise
            if (task := asyncio.current_task()) is not None:
                task.uncancel()
            reply.fail(watch.error)
        except (BacktalkError, RefusedError) as error:
            reply.fail(error)
        finally:
            watch.stop()

    async def aclose(self) -> None:
        """Stop what watches."""
        await self._watcher.aclose()

    async def _answer(self, asked: Operation, arguments: dict[str, Any], body: bytes, reply: Reply) -> None:
        if arguments.get("stream"):
            await self._stream(asked, arguments, reply)
            return
        result = await self._ask(asked, arguments, reply.notes)
        as_base64 = asked == "embeddings" and translated.wants_base64(body)
        document = translated.document(asked, _dump(result), as_base64=as_base64)
        reply.begin(200, [*_fields(result), (b"content-length", b"%d" % len(document))])
        reply.end(document)

    async def _stream(self, asked: Operation, arguments: dict[str, Any], reply: Reply) -> None:
        """Pass a stream on; the head waits for the first chunk, so that what fails before it can be tried again."""
        options = arguments.get("stream_options")
        with_usage = isinstance(options, dict) and bool(cast("dict[str, Any]", options).get("include_usage"))
        if asked == "chat":
            arguments["stream_options"] = {"include_usage": True}
        events = translated.ChatEvents(with_usage=with_usage) if asked == "chat" else translated.ResponseEvents()
        result = cast("_Stream", await self._ask(asked, arguments, reply.notes))
        try:
            while (chunk := await self._timed(_next(result), arguments)) is not None:
                if not reply.started:
                    reply.begin(200, [*_fields(result), (b"content-type", _EVENTS)])
                for event in events.of(_dump(chunk)):
                    await reply.piece(event)
        finally:
            await _closed(result)
        if not reply.started:
            raise failures.cut()
        reply.end(b"".join(events.end()))

    async def _ask(self, asked: Operation, arguments: dict[str, Any], notes: CallNotes) -> "_Result":
        """Ask the provider once."""
        library = await self._library.get()
        function = getattr(library, _FUNCTIONS[asked])
        notes.asked_ns = clock.monotonic_ns()
        result: _Result = await self._timed(function(**arguments), arguments)
        return result

    async def _timed(self, work: Awaitable[_T], arguments: dict[str, Any]) -> _T:
        """Wait for litellm, no longer than the provider may be silent; its exceptions become ours."""
        try:
            async with asyncio.timeout(self._relay.idle_timeout_s):
                return await work
        except TimeoutError as error:
            raise failures.idle_timeout(self._relay.idle_timeout_s) from error
        except Exception as error:
            raise told(error, secrets_of(arguments), self._relay.idle_timeout_s) from error

    def _own_arguments(self, head: RequestHead) -> dict[str, Any]:
        """What the target says, over anything that a client could."""
        key = self._key
        if key is None and self._target.client_key:
            key = client_key(head.known)
        own: dict[str, Any] = {"timeout": self._relay.idle_timeout_s, "max_retries": 0, "num_retries": 0}
        if self._target.url is not None:
            own["api_base"] = self._target.url
        if key is not None:
            own["api_key"] = key
        return own | self._target.options


def client_key(known: Mapping[bytes, bytes]) -> str | None:
    """The key that the client sent, in whichever header."""
    for name in (b"authorization", b"x-api-key", b"api-key"):
        if name in known:
            value = known[name].decode("latin-1")
            return value[7:].strip() if value[:7].lower() == "bearer " else value
    return None


def load() -> "_Library":
    """Import litellm; takes seconds, so it is called in a thread."""
    keep_litellm_offline()
    import litellm  # noqa: PLC0415 -- only a process that needs it pays for it

    litellm.suppress_debug_info = True
    for name in _LOGGERS:  # they write requests, and to the standard error stream
        logging.getLogger(name).disabled = True
    warnings.filterwarnings("ignore", message=".*ReadOnly.*", category=UserWarning)  # of its own types
    return cast("_Library", litellm)


def _afterwork() -> _Afterwork:
    module = importlib.import_module("litellm.litellm_core_utils.logging_worker")
    return cast("_Afterwork", module.GLOBAL_LOGGING_WORKER)


async def _whole(client: ClientExchange) -> bytes:
    """The body; the router has bounded it, and kept it whole where it can be translated."""
    body, more = await client.receive()
    if more:
        raise RequestError(
            "the body is too large to be translated: relay.replay_bytes is the limit", code="body_too_large", status=413
        )
    return body


async def _next(stream: "_Stream") -> "_Result | None":
    return await anext(stream, None)


async def _closed(stream: "_Stream") -> None:
    """Let go of the provider's connection, so that nothing is generated for nobody."""
    close = getattr(stream, "aclose", None)
    if close is not None:
        with contextlib.suppress(Exception):
            await close()


def _fields(result: object) -> list[tuple[bytes, bytes]]:
    """What the provider said beside its answer: its id of the request, and how much more may be asked."""
    hidden: dict[str, Any] = getattr(result, "_hidden_params", None) or {}
    known: dict[str, object] = hidden.get("additional_headers") or {}
    named = [(b"x-request-id", known.get(name)) for name in _REQUEST_IDS if known.get(name)][:1]
    named += [(name.encode(), value) for name, value in known.items() if name.startswith("x-ratelimit-")]
    return [(name, str(value).encode("ascii", "replace")) for name, value in named if str(value).isprintable()]


def _dump(result: "_Result") -> dict[str, Any]:
    return result.model_dump(mode="json", exclude_none=True, exclude_unset=True, warnings=False)
