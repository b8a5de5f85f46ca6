"""The router: reads which model a call asks for, and sends it to the targets of that model's route.

In: a call. Out: the response of the target that answered. The one rule: it only acts; what to try
next is decided in `plan`. A call whose model has no route goes to the one upstream, untouched.
"""

import asyncio
import contextlib
import random
from collections.abc import Callable
from typing import Final

from backtalk import clock
from backtalk.model.exchange import ClientExchange, ClientGoneError, RequestHead
from backtalk.model.notes import CallNotes
from backtalk.relay import failures, model_list, plan
from backtalk.relay.attempt import Trial
from backtalk.relay.lane import Lane, with_fields
from backtalk.relay.request_model import asked_model, with_model
from backtalk.relay.response_cache import Recording, ResponseCache, give, question_of
from backtalk.relay.routes import Route, Routes, repeats_safely, upstream_model
from backtalk.relay.targets import Targets
from backtalk.relay.upload import Room, Upload
from backtalk.settings import RelaySettings

_WITH_BODY: Final = frozenset(("POST", "PUT", "PATCH"))


class Router:
    """A lane that chooses lanes; `default` is where calls without a route go. `draw` gives numbers in [0, 1)."""

    def __init__(
        self,
        routes: Routes,
        targets: Targets,
        default: Lane,
        settings: RelaySettings,
        *,
        session_header: str = "x-session-id",
        draw: Callable[[], float] = random.random,
    ) -> None:
        self._session_header = session_header.lower().encode("latin-1")
        self._cache = ResponseCache(settings.cache_bytes)
        self._routes = routes
        self._targets = targets
        self._default = default
        self._settings = settings
        self._room = Room(call_bytes=settings.replay_bytes, process_bytes=settings.replay_process_bytes)
        self._draw = draw

    def forget(self) -> None:
        """Forget the answers that are kept."""
        self._cache.clear()

    async def serve(self, client: ClientExchange, notes: CallNotes) -> None:
        """Send one call where its model's route says."""
        head = client.head
        try:
            if head.method in _WITH_BODY:
                await self._read(client, notes)
            elif head.method == "GET" and head.path == model_list.PATH:
                await model_list.answer(client, notes, upstream=self._default, models=self._routes.models)
            else:
                await self._default(client, notes)
        except ClientGoneError:
            notes.fail("client_disconnected")

    async def _read(self, client: ClientExchange, notes: CallNotes) -> None:
        upload = Upload(client, self._room)
        try:
            _bound(client.head, self._settings.body_limit_bytes)
            await upload.read()
            await self._send(upload, notes)
        finally:
            upload.close()

    async def _send(self, upload: Upload, notes: CallNotes) -> None:
        head = upload.client.head
        content_type = head.known.get(b"content-type", b"")
        model = asked_model(content_type, upload.body, whole=upload.whole)
        route = self._routes.of(model) if model else None
        if model is None or route is None:
            await self._default(upload.replay(upload.body, head), notes)
            return
        notes.route = route.name
        journey = _Journey(self, route, model, upload, notes)
        if route.settings.cache_ttl_s is not None and upload.whole and repeats_safely(head.path):
            await self._cached(journey, upload, notes, route.settings.cache_ttl_s, route.settings.cache_repeat_s)
        else:
            await journey.run(upload.client)

    async def _cached(
        self, journey: "_Journey", upload: Upload, notes: CallNotes, ttl_s: float, repeat_s: float
    ) -> None:
        """Answer from the cache, or keep what the targets answer."""
        client, now_s = upload.client, asyncio.get_running_loop().time()
        question = question_of(client.head, upload.body, key_id=notes.key_id, session_header=self._session_header)
        notes.cache, answer = self._cache.look_up(question, ttl_s=ttl_s, repeat_s=repeat_s, now_s=now_s)
        if answer is not None:
            notes.answered_ns = clock.monotonic_ns()
            give(client, answer, now_s=now_s)
            return
        recording = Recording(client, notes.cache or "miss")
        await journey.run(recording)
        if recording.whole and question.kept and notes.outcome is None:
            body = b"".join(recording.pieces)
            self._cache.keep(question, recording.fields, body, now_s=asyncio.get_running_loop().time())

    # What a journey needs.

    @property
    def targets(self) -> Targets:
        """The targets of this process."""
        return self._targets

    def draw(self) -> float:
        """A number drawn by lot."""
        return self._draw()

    def deadline_s(self, route: Route, now_s: float) -> float:
        """The loop time after which no attempt begins."""
        return now_s + (route.settings.total_timeout_s or self._settings.total_timeout_s)

    def head_timeout_s(self, target: str) -> float:
        """The longest wait for a target's head."""
        settings = self._targets.settings[target]
        return settings.first_byte_timeout_s or settings.idle_timeout_s or self._settings.idle_timeout_s

    async def pause(self, pause_s: float, upload: Upload) -> None:
        """Wait before an attempt; raises `ClientGoneError` where the client leaves meanwhile."""
        left = asyncio.Event()
        upload.client.when_gone(left.set)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(left.wait(), pause_s)
        if upload.client.gone:
            raise ClientGoneError


class _Journey:
    """One call on its way from target to target."""

    def __init__(self, router: Router, route: Route, model: str, upload: Upload, notes: CallNotes) -> None:
        self._router = router
        self._route = route
        self._model = model
        self._head = upload.client.head
        self._upload = upload
        self._notes = notes
        self._loop = asyncio.get_running_loop()
        self._deadline_s = router.deadline_s(route, self._loop.time())
        self._tried: list[str] = []
        self._next: plan.Next | None = None

    async def run(self, client: ClientExchange) -> None:
        """Try until an attempt is the last one; its answer goes to `client`."""
        self._client = client
        targets, now_s = self._router.targets, self._loop.time()
        name = plan.first(self._route, targets.settings, targets.health, now_s=now_s, draw=self._router.draw())
        if name is None:
            raise failures.targets_busy(self._route.name)
        self._next = plan.Next(name)
        while self._next is not None:
            (target, pause_s), self._next = self._next, None
            if pause_s > 0:
                await self._router.pause(pause_s, self._upload)
            await self._try(target)

    async def _try(self, name: str) -> None:
        targets = self._router.targets
        self._tried.append(name)
        settings = targets.settings[name]
        model = upstream_model(settings, self._model)
        trial = Trial(
            target=name,
            lane=settings.lane,
            model=model if model != self._model else None,
            number=len(self._tried),
            notes=self._notes,
        )
        head, body = self._renamed(model)
        left_s = max(0.001, self._deadline_s - self._loop.time())
        head_timeout_s = min(self._router.head_timeout_s(name), left_s)
        targets.begin(name)
        try:
            client = self._upload.replay(body, head, to=self._client)
            await trial.run(targets.lanes[name], client, head_timeout_s=head_timeout_s, go_on=self._go_on)
        finally:
            targets.end(name)
            if trial.cut is not None:
                targets.failed(name, trial.cut, self._loop.time())
            elif trial.failure is None and trial.status:
                targets.succeeded(name)

    def _renamed(self, model: str) -> tuple[RequestHead, bytes]:
        """The call with the target's name for the model."""
        body, head = self._upload.body, self._head
        if model == self._model:
            return head, body
        new = with_model(head.known.get(b"content-type", b""), body, model)
        more = len(new) - len(body)
        fields = [
            (name, b"%d" % (int(value) + more) if name == b"content-length" else value) for name, value in head.fields
        ]
        return with_fields(head, fields), new

    def _go_on(self, failure: plan.Failure) -> bool:
        """Take note of a failure, and decide whether another attempt follows."""
        targets, now_s = self._router.targets, self._loop.time()
        targets.failed(self._tried[-1], failure, now_s)
        if self._upload.whole:
            self._next = plan.again(
                self._route,
                self._tried,
                failure,
                targets.settings,
                targets.health,
                safe=repeats_safely(self._head.path),
                now_s=now_s,
                deadline_s=self._deadline_s,
                draw=self._router.draw(),
            )
        return self._next is not None


def _bound(head: RequestHead, limit_bytes: int) -> None:
    """Refuse a body that says of itself that it is too large, before it is read."""
    length = head.known.get(b"content-length")
    if length is not None and int(length) > limit_bytes:
        raise failures.body_too_large(limit_bytes)
