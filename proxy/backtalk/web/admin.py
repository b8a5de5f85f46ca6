"""The admin listener: traces, metrics and health, for people and probes on this machine.

In: HTTP with a bearer token. Out: JSON documents and Prometheus text. Reads run in a thread of their own; what takes
too long is given up with a 503, and never delays a probe or other reads.
"""

import asyncio
import hmac
import logging
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from backtalk.errors import BacktalkError, RequestError
from backtalk.ledger.rows import Rows
from backtalk.model.ids import parse_request_id, parse_trace_id
from backtalk.model.meter import Meter
from backtalk.model.notes import NOTES, CallNotes
from backtalk.tasks import TaskGroup
from backtalk.telemetry import CONTENT_TYPE, read_all, render_prometheus
from backtalk.web.audits import Audits
from backtalk.web.conversions import Conversions
from backtalk.web.erasures import Erasures
from backtalk.web.feedback_admin import FeedbackAdmin
from backtalk.web.parameters import whole
from backtalk.web.pipelines import Pipelines
from backtalk.web.problems import body_of
from backtalk.web.reading import Reading
from backtalk.web.redis_probe import RedisProbe
from backtalk.web.reviews import Handler, MakeReviews, review_routes
from backtalk.web.traces import Traces
from backtalk.web.unjoined import Unjoined

_log = logging.getLogger(__name__)
_FOLLOW_S: Final = 0.25
_MOST_LISTED: Final = 500
_PARAMETERS: Final = frozenset(
    ("limit", "before_ns", "session_id", "model", "outcome", "tenant", "signal", "status", "has_feedback")
)


class Admin:
    """The handlers and the reading thread behind them."""

    def __init__(
        self, data_dir: Path, rows: Rows, token: str, metrics: Meter, redis_answers: Callable[[], bool]
    ) -> None:
        self._redis = RedisProbe(redis_answers)
        self._data_dir = data_dir
        self._token = token
        self.reading = Reading(lambda: Traces(data_dir, rows, metrics))
        self.feedback = FeedbackAdmin(self.reading)

    async def trace(self, request: Request) -> Response:
        """`GET /v1/traces/{trace_id}`: one trace with sessions, signals and feedback."""
        given = str(request.path_params["trace_id"])
        key = parse_request_id(given)
        trace_id = key.trace_id if key else parse_trace_id(given)
        if trace_id is None:
            message = "a trace id is 32 lower-case hex digits, as in the x-trace-id header"
            raise RequestError(message, code="bad_trace_id", param="trace_id")
        document = await self.reading.ask(lambda traces: traces.trace(trace_id))
        if document is None:
            raise RequestError(f"nothing is known of the trace {trace_id}", code="unknown_trace", status=404)
        return JSONResponse(document)

    async def traces(self, request: Request) -> Response:
        """`GET /v1/traces`: the latest calls, newest first, by session, model, outcome or signal."""
        asked = request.query_params
        unknown = set(asked) - _PARAMETERS
        if unknown:
            message = f"unknown parameter {min(unknown)}; known are {', '.join(sorted(_PARAMETERS))}"
            raise RequestError(message, code="unknown_parameter", param=min(unknown))
        limit = min(whole(asked.get("limit"), "limit") or 50, _MOST_LISTED)
        before_ns = whole(asked.get("before_ns"), "before_ns")
        equal: dict[str, str | int | None] = {
            name: asked.get(name) for name in ("session_id", "model", "outcome", "tenant")
        }
        equal["status"] = whole(asked.get("status"), "status")
        signal, has_feedback = asked.get("signal"), _truth(asked.get("has_feedback"), "has_feedback")

        def ask(traces: Traces) -> dict[str, Any]:
            return traces.recent(limit=limit, before_ns=before_ns, signal=signal, has_feedback=has_feedback, **equal)

        return JSONResponse(await self.reading.ask(ask))

    async def metrics(self, request: Request) -> Response:
        """`GET /metrics`: the figures of every process, as Prometheus text."""
        del request
        snapshot = await asyncio.to_thread(read_all, self._data_dir / "metrics")
        return Response(render_prometheus(snapshot), media_type=CONTENT_TYPE)

    async def healthz(self, request: Request) -> Response:
        """`GET /healthz`: this process runs."""
        del request
        return JSONResponse({"status": "ok"})

    async def readyz(self, request: Request) -> Response:
        """`GET /readyz`: the journal and the ledger can be read; a Redis that is away is said, no more."""
        del request
        await self.reading.ask(Traces.refresh)
        answers = await self._redis.answers()
        return JSONResponse({"status": "ready", "redis": "answers" if answers else "away: calls get no session"})

    def guarded(self, handler: Handler) -> Handler:
        """The handler behind the bearer token."""

        async def checked(request: Request) -> Response:
            given = request.headers.get("authorization", "").encode()
            if not hmac.compare_digest(given, f"Bearer {self._token}".encode()):
                message = "send `Authorization: Bearer <token>`; the token is in <data-dir>/admin-token"
                raise RequestError(message, code="unauthorized", status=401)
            return await handler(request)

        return checked

    async def follow(self) -> None:
        """Keep up with the journal, so that no reader has to wait for what has gathered."""
        while True:
            try:
                await self.reading.ask(Traces.refresh)
            except (BacktalkError, OSError) as error:
                _log.warning("the journal cannot be followed", extra={"error": str(error)})
            await asyncio.sleep(_FOLLOW_S)

    def close(self) -> None:
        """End the reading thread."""
        self.reading.close()


def admin_app(
    data_dir: Path,
    rows: Rows,
    token: str,
    metrics: Meter,
    redis_answers: Callable[[], bool] = lambda: False,
    *,
    pages: Sequence[BaseRoute] = (),
    reviews: MakeReviews | None = None,
) -> Starlette:
    """The admin listener's ASGI app; `redis_answers` is asked in a thread, and may take its time.

    `pages` are served beside the API, without the token. Without `reviews` there is nobody who could label.
    """
    admin = Admin(data_dir, rows, token, metrics, redis_answers)
    audits = Audits(data_dir)
    conversions = Conversions(audits.reading, metrics)
    routes = [
        *pages,
        Route("/v1/traces/{trace_id}", admin.guarded(admin.trace)),
        Route("/v1/traces", admin.guarded(admin.traces)),
        Route("/v1/feedback/{feedback_id}", admin.guarded(admin.feedback.one)),
        Route("/v1/feedback", admin.guarded(admin.feedback.find)),
        Route("/v1/audit", admin.guarded(audits.audit)),
        Route("/v1/conversion", admin.guarded(conversions.conversion)),
        *_orders(data_dir, admin.guarded),
        Route("/metrics", admin.guarded(admin.metrics)),
        Route("/healthz", admin.healthz),
        Route("/readyz", admin.readyz),
    ]
    routes += [] if reviews is None else review_routes(reviews(admin.reading), admin.guarded)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncGenerator[None]:
        following = TaskGroup()
        following.spawn(admin.follow(), name="follow the journal")
        following.spawn(Unjoined(audits.reading, metrics).follow(), name="count what has not joined")
        following.spawn(conversions.follow(), name="count what became rows")
        yield
        await following.aclose()
        admin.close()
        audits.close()

    return Starlette(routes=routes, exception_handlers=_handlers(), lifespan=lifespan)


def _handlers() -> dict[Any, Any]:
    return {BacktalkError: _refuse, 404: _not_found, 405: _wrong_method}


def _orders(data_dir: Path, guarded: Callable[[Handler], Handler]) -> list[BaseRoute]:
    """What can be ordered here, and how far it is: erasures and runs of pipelines."""
    erasures, pipelines = Erasures(data_dir), Pipelines(data_dir)
    return [
        Route("/v1/erasures/{erasure_id}", guarded(erasures.one)),
        Route("/v1/erasures", guarded(erasures.listed), methods=["GET"]),
        Route("/v1/erasures", guarded(erasures.order), methods=["POST"]),
        Route("/v1/pipelines/runs/{run_id}", guarded(pipelines.run), methods=["GET"]),
        Route("/v1/pipelines/{name}/trigger", guarded(pipelines.trigger), methods=["POST"]),
        Route("/v1/pipelines", guarded(pipelines.listed), methods=["GET"]),
    ]


async def _refuse(request: Request, error: BacktalkError) -> Response:
    body = body_of(error, trace_id=_trace_id(request))
    return Response(body, status_code=error.status, media_type="application/json")


async def _not_found(request: Request, error: Exception) -> Response:
    del error
    there = "/, /v1/traces, /v1/audit, /v1/conversion, /v1/erasures, /v1/pipelines, /metrics, /healthz and /readyz"
    message = f"there is no {request.url.path} here; there are {there}"
    return await _refuse(request, RequestError(message, code="not_found", status=404))


async def _wrong_method(request: Request, error: Exception) -> Response:
    del error
    message = f"{request.method} is not allowed here; GET is"
    return await _refuse(request, RequestError(message, code="method_not_allowed", status=405))


def _trace_id(request: Request) -> str:
    notes = request.scope.get(NOTES)
    return notes.traceparent[3:35] if isinstance(notes, CallNotes) else ""


def _truth(text: str | None, name: str) -> bool | None:
    if text not in {None, "true", "false"}:
        raise RequestError(f"{name} must be true or false", code="bad_parameter", param=name)
    return None if text is None else text == "true"
