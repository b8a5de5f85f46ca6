"""One observed call, free of any server's types: a head, pieces and times go in, frames come out.

In: what a server adapter sees (`middleware.Observe` for ASGI). Out: `Opened`, `Requested` and `Closed` frames into a
sink, and the response's header fields with ids. The one rule: exactly one `Opened` and one `Closed` per call whatever
happens, and nothing here waits or raises into the call.
"""

from typing import Protocol

from backtalk import clock
from backtalk.model import feedback_token
from backtalk.model.exchange import RequestHead
from backtalk.model.frames import Ask, Closed, Frame, Opened, Outcome, Requested, encode
from backtalk.model.meter import Meter
from backtalk.model.notes import CallNotes
from backtalk.observe.asking import asking
from backtalk.observe.blind import Blind, soon
from backtalk.observe.clients import ClientHashes
from backtalk.observe.context import CallContext
from backtalk.observe.headers import ASK, Fields, response_chooser, with_field, with_ids
from backtalk.observe.kept import Keeper
from backtalk.observe.parts import Parts
from backtalk.observe.tee import Body, Budget, Tee
from backtalk.observe.tenants import Owner, Tenants
from backtalk.settings import Settings


class Sink(Protocol):
    """Takes encoded frames, best effort (`spool.Spool`)."""

    def offer(self, payload: bytes, /) -> bool:
        """Take a frame at once, or return False where there is no room."""
        ...


class Observer:
    """What all calls of a process share: where frames go, the budget of copies, the secret of hashes."""

    def __init__(self, *, sink: Sink, secret: bytes, settings: Settings, metrics: Meter, owner: Owner = None) -> None:
        self.sink = sink
        self.metrics = metrics
        self.keeper = Keeper(Tenants(secret, owner=owner), settings.session.header)
        self.choose_response = response_chooser()
        self.budget = Budget(settings.capture.process_bytes)
        self.call_bytes = settings.capture.call_bytes
        self.blind = Blind(secret, settings.session.header) if settings.capture.mode == "none" else None
        self.asking = asking(settings.feedback.ask, secret, settings.session.header)
        self.socket_bytes = 0 if self.blind else settings.capture.socket_bytes
        tokens = settings.feedback.tokens
        signer = feedback_token.TokenSigner(secret, key_number=tokens.key, kinds=tokens.kinds, ttl_s=tokens.ttl_s)
        self.signer = signer if tokens.enabled else None
        self.client_hash = ClientHashes(secret).__getitem__

    def offer(self, frame: Frame) -> None:
        """Encode a frame and hand it to the sink; what it refuses is counted there."""
        self.sink.offer(encode(frame))


class Call:
    """Follows one call from its head to its end."""

    __slots__ = (
        "_ask",
        "_first_byte_ns",
        "_head",
        "_kept",
        "_kept_headers",
        "_observer",
        "_opened",
        "_request",
        "_responded_ns",
        "_response",
        "_started_ns",
        "context",
        "ended",
        "notes",
        "status",
        "uploaded_ns",
    )

    def __init__(self, observer: Observer, head: RequestHead, context: CallContext, notes: CallNotes) -> None:
        self._observer = observer
        self._head = head
        self._kept = observer.keeper.of(head)
        self.context = context
        self.notes = notes
        self._started_ns = self.uploaded_ns = clock.monotonic_ns()
        self._request: Tee | None = Tee(observer.call_bytes, observer.budget)
        self._response: Tee | Parts = Tee(observer.call_bytes, observer.budget)
        self._opened = self.ended = False
        self._kept_headers: list[tuple[str, str]] = []
        self._responded_ns: int | None = None
        self._first_byte_ns: int | None = None
        self._ask: Ask | None = None
        self.status = 0
        observer.metrics.add("backtalk.proxy.calls_in_flight", 1)

    def request_piece(self, piece: bytes, *, more: bool) -> None:
        """A piece of the request's body has arrived; `more` pieces follow or this was the last."""
        if isinstance(self._response, Parts):
            self._response.hear(piece)
            return
        tee = self._request
        if tee is None or self.ended:
            return
        tee.add(piece)
        if not self._opened:
            self.uploaded_ns = clock.monotonic_ns()
            self._open(None if more or self._observer.blind else self._request_copy(tee))
        elif not more and self.notes.asked_ns is None:
            self.uploaded_ns = clock.monotonic_ns()
        if not more and self._observer.blind is not None:
            soon(self._finish_request)
        elif not more:
            self._finish_request()

    def response_head(self, status: int, headers: Fields) -> Fields:
        """The response starts; returns its fields with the call's ids."""
        self.status = status
        self._responded_ns = clock.monotonic_ns()
        self._kept_headers = self._observer.choose_response(headers)
        if status == 101:  # from now on pieces are a socket's: they are spooled in parts as they come
            self._finish_request()
            extensions = dict(headers).get(b"sec-websocket-extensions", b"").decode("latin-1")
            self._response = Parts(self._observer.offer, self.context.span_id, extensions, self._observer.socket_bytes)
        fields = with_ids(headers, self.context)
        if self._observer.asking is not None:
            fields = with_field(fields, ASK, self._arm().encode())
        if (signer := self._observer.signer) is not None:
            token = signer.sign(self.context.key, self._kept.tenant, clock.now().wall_ns)
            return with_field(fields, feedback_token.HEADER, token)
        return fields

    def response_piece(self, piece: bytes) -> None:
        """A piece of the response's body is on its way to the client."""
        if piece:
            if self._first_byte_ns is None:
                self._first_byte_ns = clock.monotonic_ns() - self._started_ns
            self._response.add(piece)

    def close(self, outcome: Outcome, error: str | None = None) -> None:
        """The call has ended; the notes' word on how goes before `completed` and `failed`, the first end stands."""
        if self.ended:
            return
        self._finish_request()
        self.ended = True
        if self.notes.outcome is not None and outcome in ("completed", "failed"):
            outcome, error = self.notes.outcome, self.notes.error
        frame = self._closed(outcome, error)
        self._observer.offer(frame)
        metrics = self._observer.metrics
        metrics.add("backtalk.proxy.calls_in_flight", -1)
        metrics.record("backtalk.proxy.overhead", frame.overhead_ns / clock.NS_PER_S)
        if frame.capture == "truncated":
            metrics.add("backtalk.capture.truncated", side="response")

    def _finish_request(self) -> None:
        """Open a call whose body nobody read; complete one whose body was not read to its end."""
        tee = self._request
        if tee is None:
            return
        body, blind = self._request_copy(tee), self._observer.blind
        if blind is not None:
            if not self._opened:
                self._open(None)
            self._requested(blind.request(self._kept.tenant, self._head, self._kept.headers, body))
        elif self._opened:
            self._requested(body)
        else:
            self._open(body)

    def _request_copy(self, tee: Tee) -> Body:
        self._request = None
        body = tee.finish()
        if body.capture == "truncated":
            self._observer.metrics.add("backtalk.capture.truncated", side="request")
        elif self._observer.asking is not None and not self.status:
            self._ask = self._observer.asking.draw(self._kept.tenant, self._head, body.kept)
        return body

    def _open(self, body: Body | None) -> None:
        self._opened = True
        context, head, kept, observer = self.context, self._head, self._kept, self._observer
        now = clock.now()
        frame = Opened(
            wall_ns=now.wall_ns,
            boot_ns=now.boot_ns,
            trace_id=context.trace_id,
            span_id=context.span_id,
            server_span_id=context.server_span_id,
            parent_span_id=context.parent_span_id,
            trace_flags=context.flags,
            tracestate=context.tracestate,
            tenant=kept.tenant,
            method=head.method,
            path=head.path,
            query=kept.query,
            headers=kept.headers,
            client_hash=observer.client_hash(head.client),
            body=None if body is None else body.kept,
            body_bytes=0 if body is None else body.size_bytes,
            body_sha256=None if body is None else body.sha256,
            capture="full" if body is None else body.capture,
        )
        observer.offer(frame)

    def _arm(self) -> str:
        """The arm that was drawn; nobody is asked about an answer that is none."""
        if not 200 <= self.status < 300:
            self._ask = None
        return "none" if self._ask is None else self._ask.arm

    def _requested(self, body: Body) -> None:
        now = clock.now()
        self._observer.offer(Requested(now.wall_ns, now.boot_ns, self.context.span_id, *body))

    def _closed(self, outcome: Outcome, error: str | None) -> Closed:
        body, blind = self._response.finish(), self._observer.blind
        if blind is not None:
            body = blind.response(self._kept.tenant, self._head, self.status, self._kept_headers, body)
        return Closed(
            *clock.now(),
            span_id=self.context.span_id,
            outcome=outcome,
            status=self.status,
            headers=self._kept_headers,
            body=body.kept,
            body_bytes=body.size_bytes,
            duration_ns=clock.monotonic_ns() - self._started_ns,
            first_byte_ns=self._first_byte_ns,
            overhead_ns=self._overhead_ns(),
            chunks=self._response.chunks,
            upstream=self.notes.upstream,
            error=error,
            body_sha256=body.sha256,
            capture=body.capture,
            route=self.notes.route,
            attempts=self.notes.attempts,
            key_id=self.notes.key_id,
            cache=self.notes.cache,
            ask=self._ask,
        )

    def _overhead_ns(self) -> int:
        """Own time: from the body's arrival until the upstream was asked, and from its head until ours went out."""
        asked, answered, responded = self.notes.asked_ns, self.notes.answered_ns, self._responded_ns
        if asked is None:
            return max(0, (responded or self.uploaded_ns) - self.uploaded_ns)
        after = max(0, responded - answered) if responded is not None and answered is not None else 0
        return max(0, asked - self.uploaded_ns) + after
