"""The gate: who comes with a virtual key is let in as far as the key goes, and the key stays here.

In: a call. Out: the same call without the key, or a refusal. The one rule: without any key in the file nothing is asked
and nothing is added; counts are asked within their budget, and a Redis that is away refuses nobody unless told to.
"""

from collections.abc import Coroutine, Sequence
from typing import Any, Final, NamedTuple, Protocol
from urllib.parse import parse_qs

from backtalk import clock
from backtalk.errors import RequestError, StoreError
from backtalk.model.exchange import ClientExchange, Fields, RequestHead, wants_websocket
from backtalk.model.notes import CallNotes
from backtalk.relay.allowance import Verdict, verdict
from backtalk.relay.lane import Lane, Passing, with_fields
from backtalk.relay.request_model import asked_model, path_model
from backtalk.relay.upload import Room, Upload
from backtalk.settings import KeySettings, Settings
from backtalk.virtual_keys import HEADERS, PREFIX, Counts, KeyRing, VirtualKey, sent

_PREFIX: Final = PREFIX.encode()
_WITH_BODY: Final = frozenset(("POST", "PUT", "PATCH"))


class KeyCounts(Protocol):
    """Counts what keys use (`session.key_counts`)."""

    async def count(self, key: VirtualKey, now_ns: int) -> Counts | None:
        """Count a request, and say what the key has used; None where that cannot be known now."""
        ...


class VirtualKeys(NamedTuple):
    """The keys of a process, and who counts what they use."""

    ring: KeyRing
    counts: KeyCounts


def gated(inner: Lane, keys: VirtualKeys, settings: Settings) -> Lane:
    """A lane behind the gate."""
    relay = settings.relay
    room = Room(call_bytes=relay.replay_bytes, process_bytes=relay.replay_process_bytes)
    return Gate(inner, keys.ring, keys.counts, settings.keys, room).serve


class Gate:
    """A lane before another one."""

    def __init__(self, inner: Lane, ring: KeyRing, counts: KeyCounts, settings: KeySettings, room: Room) -> None:
        self._inner = inner
        self._ring = ring
        self._counts = counts
        self._settings = settings
        self._room = room

    def serve(self, client: ClientExchange, notes: CallNotes) -> Coroutine[Any, Any, None]:
        """Let a call through, or refuse it."""
        return self._checked(client, notes) if self._ring else self._inner(client, notes)

    async def _checked(self, client: ClientExchange, notes: CallNotes) -> None:
        head = client.head
        _check_places(head)
        credential = sent(head.known)
        key = None if credential is None else self._ring.find(credential)
        if key is None:
            if self._settings.required or (credential or "").startswith(PREFIX):
                raise _refused("this key is not known here; a virtual key is needed")
            await self._inner(client, notes)
            return
        now_ns = clock.now().wall_ns
        notes.key_id = key.id
        if (why := key.refusal(now_ns)) is not None:
            raise _refused(f"this key is {why}")
        allowed = await self._allowed(key, now_ns)
        await self._pass(_Keyed(client, allowed.fields), key, notes)

    async def _allowed(self, key: VirtualKey, now_ns: int) -> Verdict:
        """Count the call; raises where a limit is used up."""
        if not key.limited:
            return Verdict(())
        counts = await self._counts.count(key, now_ns)
        if counts is None:
            if not self._settings.fail_open:
                raise StoreError("this key's limits cannot be checked now; try again", code="limits_unknown")
            return Verdict(())
        told = verdict(key, counts, now_ns)
        if told.refused is None:
            return told
        error = RequestError(
            f"the limit of this key is used up: {told.refused}; it is free again in {told.retry_after_s} s",
            code="rate_limit_exceeded",
            status=429,
        )
        error.headers = (*told.fields, (b"retry-after", b"%d" % told.retry_after_s))
        raise error

    async def _pass(self, client: "_Keyed", key: VirtualKey, notes: CallNotes) -> None:
        head = client.head
        if key.models and wants_websocket(head):
            _check_models(key, parse_qs(head.query.decode("latin-1")).get("model", []))
        if not key.models or head.method not in _WITH_BODY:
            await self._inner(client, notes)
            return
        upload = Upload(client, self._room)
        try:
            await upload.read()
            body_model = asked_model(head.known.get(b"content-type", b""), upload.body, whole=upload.whole)
            _check_models(key, [model for model in (body_model, path_model(head.path)) if model])
            await self._inner(upload.replay(upload.body, head), notes)
        finally:
            upload.close()


class _Keyed(Passing):
    """A client's exchange without its virtual key; what is left of the key's limits stands on the response."""

    def __init__(self, client: ClientExchange, fields: tuple[tuple[bytes, bytes], ...]) -> None:
        super().__init__(client)
        self.head = with_fields(client.head, [field for field in client.head.fields if field[0] not in HEADERS])
        self._fields = fields
        self._ours = {name for name, _ in fields}

    def start(self, status: int, fields: Fields) -> None:
        """Begin the response; the upstream's word on limits of the same name is of another key."""
        kept = [field for field in fields if field[0] not in self._ours]
        self._client.start(status, [*kept, *self._fields])


def _check_places(head: RequestHead) -> None:
    """A virtual key stands in one header and nowhere else, so that taking it out leaves none to go upstream."""
    elsewhere = head.query + head.known.get(b"sec-websocket-protocol", b"")
    values = [value for name, value in head.fields if name in HEADERS]
    if _PREFIX in elsewhere or (len(values) > 1 and any(_PREFIX in value for value in values)):
        raise _refused("send a virtual key in one header, as Authorization: Bearer, and no other key beside it")


def _check_models(key: VirtualKey, models: Sequence[str]) -> None:
    """Every name by which a request may be understood must be one that the key may ask for."""
    if not models or not all(map(key.may_ask, models)):
        asked = " and ".join(models) or "what names no model"
        raise RequestError(
            f"this key may ask for {', '.join(key.models)}, not for {asked}",
            code="model_not_allowed",
            status=403,
            param="model",
        )


def _refused(message: str) -> RequestError:
    return RequestError(message, code="invalid_api_key", status=401)
