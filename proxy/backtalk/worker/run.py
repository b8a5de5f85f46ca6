"""The worker process: puts the parts together, runs the loop, tends the journal and the figures, ends in order.

In: the settings. Out: nothing but what the parts write. A second worker on the same data directory is refused.
"""

import contextlib
import logging
import os
import signal
import threading
from collections.abc import Callable, Generator, Sequence
from pathlib import Path
from typing import Final

from backtalk import clock, installation
from backtalk.detect.annotations import Annotations
from backtalk.detect.calibration import read_calibration
from backtalk.detect.desk import Desk
from backtalk.errors import SetupError
from backtalk.feedback.given import feedback_given
from backtalk.model.facts import FeedbackGiven
from backtalk.model.frames import Feedback
from backtalk.observe.open_calls import OpenCalls
from backtalk.plugin.discovery import load_annotators, load_detectors
from backtalk.process import keep_private, take_lock
from backtalk.redact.redaction import Redaction
from backtalk.session import embedded
from backtalk.session.key_counts import KeySpending
from backtalk.session.ping import ping
from backtalk.session.redis_store import RedisSessionStore
from backtalk.session.slots import Lifetimes
from backtalk.settings import Settings
from backtalk.spool import Journal, erasures
from backtalk.telemetry import Metrics
from backtalk.text.embedding import SentenceEncoder
from backtalk.virtual_keys import KeyRing
from backtalk.worker.audit import Audit
from backtalk.worker.core import Core, Follower
from backtalk.worker.decider import Decider, GiveFeedback
from backtalk.worker.erasing import eraser_of
from backtalk.worker.followers import followers_of
from backtalk.worker.prices import Prices
from backtalk.worker.tombstones import Tombstones

_log = logging.getLogger(__name__)
_TEND_NS: Final = clock.NS_PER_S
_TRIM_NS: Final = 5 * clock.NS_PER_S
_GRACE_S: Final = 10.0
_PAUSE_S: Final = 0.02
_LONGEST_PAUSE_S: Final = 0.1


def run_worker(settings: Settings, *, ready: Callable[[], None] | None = None) -> None:
    """Be the worker until SIGTERM or SIGINT; `ready` is called once frames are being taken."""
    stop = threading.Event()

    def end(_number: int, _frame: object) -> None:
        stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, end)
    keep_private()
    metrics = Metrics("worker")
    with _alone(settings.data_dir):
        secret = installation.secret(settings.data_dir)
        journal = Journal.open(settings.data_dir / "journal", settings.journal, metrics=metrics)
        tombstones = Tombstones(secret, erasures.load(settings.data_dir))
        annotations = _annotations(settings, secret, metrics)
        decider = _decider(settings, secret, metrics, tombstones, annotations)
        core = Core(settings, journal, decider, metrics, stop, spend=_spending(settings, secret, metrics).record)
        followers = followers_of(settings, journal, secret, metrics, lag_s=lambda: decider.lag_s)
        for follower in followers:
            follower.start()
        _say_if_redis_is_away(settings)
        if ready is not None:
            ready()
        try:
            forget = (lambda: None) if annotations is None else annotations.forget
            eraser = eraser_of(settings, tombstones, core, journal, followers, metrics, _redis_url(settings), forget)
            Loop(settings, core, followers, metrics, stop, tend=eraser.tend).run()
        finally:
            _end(core, followers)
            metrics.publish(settings.data_dir / "metrics")


class Loop:
    """Steps of the core, and what is to be done now and then between them."""

    def __init__(
        self,
        settings: Settings,
        core: Core,
        followers: Sequence[Follower],
        metrics: Metrics,
        stop: threading.Event,
        tend: Callable[[], None] = lambda: None,
    ) -> None:
        self._metrics_directory = settings.data_dir / "metrics"
        self._core = core
        self._followers = followers
        self._metrics = metrics
        self._stop = stop
        self._tend_more = tend
        self._tended_ns = self._trimmed_ns = 0

    def run(self) -> None:
        """Go on until told to stop."""
        pause_s = _PAUSE_S
        while not self._stop.is_set():
            if self._core.step():
                pause_s = _PAUSE_S
            else:
                self._stop.wait(pause_s)
                pause_s = min(1.1 * pause_s, _LONGEST_PAUSE_S)
            self._tend(clock.monotonic_ns())

    def _tend(self, now_ns: int) -> None:
        if now_ns - self._tended_ns < _TEND_NS:
            return
        self._tended_ns = now_ns
        self._core.report()
        self._tend_more()
        try:
            self._metrics.publish(self._metrics_directory)
        except OSError as error:
            _log.warning("the figures could not be written", extra={"error": str(error)})
        if now_ns - self._trimmed_ns >= _TRIM_NS:
            self._trimmed_ns = now_ns
            self._core.trim(self._followers)


def _decider(
    settings: Settings, secret: bytes, metrics: Metrics, tombstones: Tombstones, annotations: Annotations | None
) -> Decider:
    session = settings.session
    store = RedisSessionStore(
        _redis_url(settings),
        secret=secret,
        metrics=metrics,
        timeout_ms=session.redis_timeout_ms,
        lifetimes=Lifetimes(answer_s=session.answer_ttl_s, recent_s=session.recent_ttl_s),
    )
    detectors = load_detectors(settings.detect.detectors, settings.plugin)
    embed = SentenceEncoder() if settings.detect.embedding else None
    calibration = read_calibration(settings.data_dir)
    desk = Desk(
        store,
        detectors,
        secret=secret,
        settings=settings,
        metrics=metrics,
        embed=embed,
        calibration=calibration,
        annotations=annotations,
    )
    redaction = Redaction.of(settings.redact, settings.plugin, secret=secret, metrics=metrics)
    calls = OpenCalls(session.header, metrics, redaction=redaction)
    audit = Audit(settings.feedback.audit, secret)
    give, cost_of = _give(settings, redaction), Prices.bundled().cost_usd
    return Decider(calls, desk, give, metrics, cost_of=cost_of, drawn=audit.drawn, erasing=tombstones)


def _give(settings: Settings, redaction: Redaction | None) -> GiveFeedback:
    def give(frame: Feedback) -> FeedbackGiven:
        fact = feedback_given(frame, settings.metrics)
        return fact if redaction is None else redaction.feedback(fact)

    return give


def _annotations(settings: Settings, secret: bytes, metrics: Metrics) -> Annotations | None:
    annotators = load_annotators(settings.annotate.annotators, settings.plugin)
    return Annotations(annotators, settings.annotate, secret, metrics) if annotators else None


def _spending(settings: Settings, secret: bytes, metrics: Metrics) -> KeySpending:
    timeout_s = settings.session.redis_timeout_ms / 1000
    ring = KeyRing(settings.data_dir)
    return KeySpending(_redis_url(settings), ring, secret=secret, metrics=metrics, timeout_s=timeout_s)


def _redis_url(settings: Settings) -> str:
    return settings.redis_url.get_secret_value() if settings.redis_url else _own_redis_url(settings)


def _own_redis_url(settings: Settings) -> str:
    return f"unix://{embedded.socket_path(settings.data_dir / 'redis')}"


def _say_if_redis_is_away(settings: Settings) -> None:
    """Say at the start what is missing, and what goes on; the server that `serve` starts comes after us."""
    url, timeout_s = _redis_url(settings), settings.session.redis_timeout_ms / 1000
    if settings.redis_url and url == _own_redis_url(settings):
        return
    trouble = ping(url, timeout_s=timeout_s)
    if trouble is None:
        return
    meanwhile = "calls are answered, recorded and exported, but get no session, and virtual keys are not counted"
    if settings.redis_url is None:
        _log.warning("no Redis is configured: set REDIS_URL; without it %s", meanwhile)
    else:
        _log.warning("the Redis of REDIS_URL does not answer; until it does, %s: %s", meanwhile, trouble)


def _end(core: Core, followers: Sequence[Follower]) -> None:
    """Write what is decided, then let the followers deliver it within the time there is."""
    core.close()
    deadline_ns = clock.monotonic_ns() + int(_GRACE_S * clock.NS_PER_S)
    for follower in followers:
        follower.stop(max(0.0, (deadline_ns - clock.monotonic_ns()) / clock.NS_PER_S))


@contextlib.contextmanager
def _alone(data_dir: Path) -> Generator[None]:
    """Hold the worker's lock."""
    directory = data_dir / "worker"
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    lock = take_lock(directory / "lock")
    if lock is None:
        raise SetupError(f"another worker runs on {data_dir}; one is enough", code="worker_runs")
    try:
        yield
    finally:
        os.close(lock)
