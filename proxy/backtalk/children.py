"""The processes of `serve`: what each is made of, and in which order its parts open and close.

In: the settings and descriptors that the parent passed on. Out: running servers. The one rule: what opened last closes
first, and a proxy's spool closes after everything that may still write into it.
"""

import asyncio
import contextlib
import functools
import logging
import socket
from collections.abc import AsyncGenerator, Callable
from pathlib import Path
from typing import Final

from backtalk import installation
from backtalk.app import PublicApp
from backtalk.errors import SetupError
from backtalk.model.asgi import App, Message, Receive, Scope, Send
from backtalk.model.authority import is_loopback
from backtalk.model.exchange import Serve
from backtalk.observe.middleware import Observe
from backtalk.observe.tenants import Tenants
from backtalk.process import Inherited, die_with_parent
from backtalk.relay.gate import VirtualKeys
from backtalk.session.key_counts import KeyCounts
from backtalk.session.targets import Targets
from backtalk.session.token_counts import TokenCounts
from backtalk.settings import FeedbackSettings, Settings, load_inherited
from backtalk.spool import Spool
from backtalk.spool.commit import CUT, touched_ns
from backtalk.spool.late import LateSpool
from backtalk.tasks import TaskGroup
from backtalk.telemetry import Metrics, configure_logging
from backtalk.virtual_keys import KeyRing
from backtalk.web.crowd import Crowd, most_connections
from backtalk.web.feedback import door_of
from backtalk.web.feedback_taking import Taking
from backtalk.web.hosts import OwnHosts
from backtalk.web.problems import answer
from backtalk.web.publishing import publishing
from backtalk.web.server import run_server
from backtalk.web.speaker import Speakers

Open = Callable[[], contextlib.AbstractAsyncContextManager[App]]
"""Opens what an app needs within its server's life, and closes it after."""

_KEYS_S: Final = 1.0
_DRAIN_S: Final = 8.0


def run_child(kind: str, descriptors: tuple[int, ...]) -> None:
    """Be one of the processes of `serve`: a proxy, the worker or the admin process."""
    inherited = Inherited.parse(descriptors)
    die_with_parent(inherited.lifeline)
    settings = load_inherited()
    configure_logging(settings.log_level)
    logging.getLogger("uvicorn").setLevel(logging.WARNING)
    if kind == "worker":
        from backtalk.worker import run_worker  # noqa: PLC0415 -- only the worker pays for the ledger and exporters

        run_worker(settings)
        return
    if inherited.listener is None:
        raise SetupError("a listening process needs its socket", code="no_listener")
    listener = socket.socket(fileno=inherited.listener)
    metrics = Metrics("proxy" if kind == "proxy" else "admin")
    opened = _proxy(settings, metrics) if kind == "proxy" else _admin(settings, metrics)
    app = WithLife(opened, inherited.say_ready)
    crowd = Crowd(most_connections(settings.web.max_connections), metrics)
    run_server(app, listener, calls=app.calls, crowd=crowd, drain_s=_DRAIN_S, quiet_gc=kind == "proxy")


class WithLife:
    """An app whose parts open when its server starts and close when it ends."""

    def __init__(self, opened: Open, ready: Callable[[], None]) -> None:
        self._opened = opened
        self._ready = ready
        self._app: App | None = None

    def calls(self, path: str) -> Serve | None:
        """Who answers calls on a path without ASGI, if the app that is open has anyone."""
        return self._app.calls(path) if isinstance(self._app, PublicApp) else None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request, or one life of the server."""
        if scope["type"] == "lifespan":
            await self._live(receive, send)
        elif self._app is not None:
            await self._app(scope, receive, send)

    async def _live(self, receive: Receive, send: Send) -> None:
        await receive()
        async with self._opened() as self._app:
            await send({"type": "lifespan.startup.complete"})
            self._ready()
            await receive()
        await send({"type": "lifespan.shutdown.complete"})


@contextlib.asynccontextmanager
async def alive(app: App) -> AsyncGenerator[None]:
    """Open what an ASGI app keeps for its life, and close it at the end."""
    events: asyncio.Queue[Message] = asyncio.Queue(maxsize=1)
    started: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def send(message: Message) -> None:
        if message["type"] == "lifespan.startup.complete":
            started.set_result(None)

    tasks = TaskGroup()
    await events.put({"type": "lifespan.startup"})
    life = tasks.spawn(_lived(app, events.get, send), name="life of the app")
    await asyncio.wait((life, started), return_when=asyncio.FIRST_COMPLETED)
    if life.done():
        life.result()
    try:
        yield
    finally:
        await events.put({"type": "lifespan.shutdown"})
        await life


async def _lived(app: App, receive: Receive, send: Send) -> None:
    await app({"type": "lifespan", "asgi": {"version": "3.0"}}, receive, send)


def _proxy(settings: Settings, metrics: Metrics) -> Open:
    secret = installation.secret(settings.data_dir)

    @contextlib.asynccontextmanager
    async def opened() -> AsyncGenerator[App]:
        spool = Spool.open(settings.data_dir / "spool", settings.spool, metrics=metrics)
        targets = _targets(settings, secret, metrics)
        tasks = TaskGroup()
        counts = _key_counts(settings, secret, metrics)
        ring = KeyRing.open(settings.data_dir)
        tasks.spawn(targets.warm(), name="warm feedback look-ups")
        if ring:
            tasks.spawn(counts.warm(), name="warm the counters of keys")
        tasks.spawn(publishing(metrics, settings.data_dir / "metrics"), name="publish metrics")
        token_counts = _token_counts(settings, secret, metrics)
        taking = Taking(
            spool, targets, token_counts, secret=secret, settings=settings.feedback, declared=settings.metrics
        )
        speakers = Speakers(Tenants(secret, owner=ring.admitted), source=settings.feedback.source, find=ring.find)
        admin_token = installation.admin_token(settings.data_dir, _admin_token(settings))
        door = door_of(settings, taking, speakers, secret=secret, admin_token=admin_token, metrics=metrics)
        keys = VirtualKeys(ring, counts)
        app = PublicApp(settings, feedback_door=door, sink=spool, secret=secret, metrics=metrics, virtual_keys=keys)
        tasks.spawn(_refreshing(ring, app, settings.data_dir / "spool" / CUT), name="look at keys and erasures")
        try:
            async with alive(app):
                yield app
        finally:
            await tasks.aclose()
            await targets.aclose()
            await counts.aclose()
            await token_counts.aclose()
            await spool.aclose()
            metrics.publish(settings.data_dir / "metrics")

    return opened


def _admin_token(settings: Settings) -> str | None:
    return settings.admin_token.get_secret_value() if settings.admin_token else None


async def _refreshing(ring: KeyRing, app: PublicApp, cut: Path) -> None:
    """Look once a second whether the keys' file is another one, and whether texts are being erased."""
    seen_ns = touched_ns(cut)
    while True:
        await asyncio.sleep(_KEYS_S)
        ring.refresh()
        if (cut_ns := touched_ns(cut)) != seen_ns:
            seen_ns = cut_ns
            app.forget()


def _redis_url(settings: Settings) -> str | None:
    return settings.redis_url.get_secret_value() if settings.redis_url else None


def _token_counts(settings: Settings, secret: bytes, metrics: Metrics) -> TokenCounts:
    return TokenCounts(_redis_url(settings), secret=secret, metrics=metrics, lookup_ms=settings.feedback.lookup_ms)


def _key_counts(settings: Settings, secret: bytes, metrics: Metrics) -> KeyCounts:
    return KeyCounts(_redis_url(settings), secret=secret, metrics=metrics, lookup_ms=settings.keys.lookup_ms)


def _targets(settings: Settings, secret: bytes, metrics: Metrics) -> Targets:
    limits, url = settings.feedback, _redis_url(settings)
    return Targets(url, secret=secret, metrics=metrics, lookup_ms=limits.lookup_ms, mark_ttl_s=limits.idempotency_ttl_s)


def _redis_answers(settings: Settings) -> bool:
    from backtalk.session.ping import ping  # noqa: PLC0415 -- the proxies load it when it is needed

    url = _redis_url(settings)
    return url is not None and ping(url, timeout_s=settings.session.redis_timeout_ms / 1000) is None


def _admin(settings: Settings, metrics: Metrics) -> Open:
    from backtalk.console import pages  # noqa: PLC0415 -- only the admin process pays for the ledger and the console
    from backtalk.ledger.rows import Rows  # noqa: PLC0415
    from backtalk.web.admin import admin_app  # noqa: PLC0415
    from backtalk.web.reading import Reading  # noqa: PLC0415
    from backtalk.web.reviews import Reviews  # noqa: PLC0415
    from backtalk.web.traces import Traces  # noqa: PLC0415

    secret = installation.secret(settings.data_dir)
    token = installation.admin_token(settings.data_dir, _admin_token(settings))
    labels = LateSpool(lambda: Spool.open(settings.data_dir / "spool", settings.spool, metrics=metrics))

    def reviews(reading: Reading[Traces]) -> Reviews:
        return Reviews(reading, labels, secret, settings.feedback)

    rows = Rows(secret, content=settings.ledger.content)
    answers = functools.partial(_redis_answers, settings)
    inner = admin_app(settings.data_dir, rows, token, metrics, answers, pages=pages.routes(), reviews=reviews)

    @contextlib.asynccontextmanager
    async def opened() -> AsyncGenerator[App]:
        tasks = TaskGroup()
        tasks.spawn(publishing(metrics, settings.data_dir / "metrics"), name="publish metrics")
        hosts = OwnHosts(inner, settings.web.allowed_hosts)
        served: App = hosts if is_loopback(settings.admin_host) else inner
        plain = settings.model_copy(
            update={"feedback": FeedbackSettings()}
        )  # what is asked here is no call to speak of
        app = Observe(served, sink=_Nothing(), secret=secret, settings=plain, metrics=metrics, answer=answer)
        try:
            async with alive(app):
                yield app
        finally:
            await tasks.aclose()
            await labels.aclose()

    return opened


class _Nothing:
    """The admin listener's requests are no calls: nothing of them is kept."""

    def offer(self, payload: bytes) -> bool:
        del payload
        return True
