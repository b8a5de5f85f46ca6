"""The gate: who comes with a virtual key is let in as far as the key goes, and the key stays here.

In: a call. Out: the same call without the key, or a refusal. The one rule: a key never goes upstream, wherever in a
head it stands; without any key in the file nothing else is asked and nothing is added. Counts are asked within their
budget, and a Redis that is away refuses nobody unless told to.
"""

from collections.abc import Coroutine
from typing import Any, Final, NamedTuple, Protocol
from urllib.parse import unquote_to_bytes

from backtalk import clock
from backtalk.errors import RequestError, StoreError
from backtalk.model.exchange import ClientExchange, Fields, RequestHead, wants_websocket
from backtalk.model.notes import CallNotes
from backtalk.relay.allowance import Verdict, verdict
from backtalk.relay.asked_models import asked_by_body, asked_by_head
from backtalk.relay.lane import Lane, Passing, with_fields
from backtalk.relay.upload import Room, Upload
from backtalk.settings import KeySettings, Settings
from backtalk.virtual_keys import HEADERS, PREFIX, Counts, KeyRing, VirtualKey, sent

_WITH_BODY: Final = frozenset(("POST", "PUT", "PATCH"))
_MARK: Final = PREFIX.encode()


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
        ours = self._ring or _MARK in client.head.known.get(b"authorization", b"")
        return self._checked(client, notes) if ours else self._inner(client, notes)

    async def _checked(self, client: ClientExchange, notes: CallNotes) -> None:
        head = client.head
        credential = sent(head.known)
        key = None if credential is None else self._ring.find(credential)
        if key is None and (credential or "").startswith(PREFIX):
            raise _refused("this key is not known here; a virtual key is needed")
        if _strays(head, taken=key is not None):
            raise _refused("send a virtual key in one header, as Authorization: Bearer, and no other key beside it")
        if key is None:
            if self._settings.required and self._ring:
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
        if not key.models:
            await self._inner(client, notes)
            return
        named = asked_by_head(head)
        if head.method not in _WITH_BODY:
            _hold(key, named, to_any=wants_websocket(head))
            await self._inner(client, notes)
            return
        upload = Upload(client, self._room)
        try:
            await upload.read()
            said = asked_by_body(head, upload.body, whole=upload.whole)
            _hold(key, None if said is None else [*named, *said], to_any=True)
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


def _hold(key: VirtualKey, named: list[str] | None, *, to_any: bool) -> None:
    """Refuse a call that names a model which the key may not ask for, or none where it has to name one."""
    if named is None or (to_any and not named):
        wrong = "a call whose model cannot be read"
    elif all(map(key.may_ask, named)):
        return
    else:
        wrong = next(name for name in named if not key.may_ask(name))
    message = f"this key may ask for {', '.join(key.models)}, not for {wrong}"
    raise RequestError(message, code="model_not_allowed", status=403, param="model")


def _strays(head: RequestHead, *, taken: bool) -> bool:
    """Whether a key of ours stands where it would go upstream; one that is `taken` stands alone in its header."""
    url = head.raw_path + b"?" + head.query
    if _MARK in url or (b"%" in url and _MARK in unquote_to_bytes(url)):
        return True
    marked = [name for name, value in head.fields if _MARK in value]
    credentials = [name for name, _ in head.fields if name in HEADERS]
    return bool(marked) and not (taken and marked == credentials)


def _refused(message: str) -> RequestError:
    return RequestError(message, code="invalid_api_key", status=401)
