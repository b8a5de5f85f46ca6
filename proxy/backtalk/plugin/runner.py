"""Runs detectors so that a failing or slow one harms nobody: isolated, measured, and rested after five failures.

In: one fact and its session. Out: what each detector claims, in their order. The one rule: nothing a detector does ends
the worker; what it costs and how often it fails is counted under its name.
"""

import logging
from collections.abc import Sequence
from typing import Final

import msgspec

from backtalk.clock import NS_PER_MS, NS_PER_S, monotonic_ns
from backtalk.model.facts import CallClosed, CallOpened
from backtalk.model.meter import Meter
from backtalk.model.session import SessionView
from backtalk.plugin.protocols import Detector, Signal

_log = logging.getLogger(__name__)
FAILURES_IN_A_ROW: Final = 5
REST_NS: Final = 60 * NS_PER_S
SLOW_NS: Final = 100 * NS_PER_MS
_LOG_EVERY_NS: Final = 30 * NS_PER_S
_encode: Final = msgspec.msgpack.Encoder().encode
_decode: Final = msgspec.msgpack.Decoder(Signal).decode


class _Runner:
    """One detector, with its failures in a row and the end of its rest."""

    def __init__(self, detector: Detector, metrics: Meter) -> None:
        self.detector = detector
        self._metrics = metrics
        self._failures = 0
        self._rests_until_ns = 0
        self._said_ns = -_LOG_EVERY_NS

    def observe(self, fact: CallOpened | CallClosed, session: SessionView) -> Sequence[Signal]:
        started_ns = monotonic_ns()
        if started_ns < self._rests_until_ns:
            self._metrics.add("backtalk.detector.skipped", detector=self.detector.name)
            return ()
        try:
            found = tuple(checked(signal) for signal in self.detector.observe(fact, session))
        except Exception as error:  # noqa: BLE001  # a plugin may raise anything; the others and the worker go on
            self._failed(error, started_ns)
            return ()
        self._failures = 0
        self._took(monotonic_ns() - started_ns)
        return found

    def _failed(self, error: Exception, now_ns: int) -> None:
        self._failures += 1
        self._metrics.add("backtalk.detector.failures", detector=self.detector.name)
        if self._failures >= FAILURES_IN_A_ROW:
            self._failures = 0
            self._rests_until_ns = now_ns + REST_NS
            rest_s = REST_NS // NS_PER_S
            _log.error("detector %s failed %d times in a row and rests %d s", self._name, FAILURES_IN_A_ROW, rest_s)
        if now_ns - self._said_ns >= _LOG_EVERY_NS:
            self._said_ns = now_ns
            _log.error("detector %s failed", self._name, exc_info=error)

    def _took(self, took_ns: int) -> None:
        self._metrics.record("backtalk.detector.duration", took_ns / NS_PER_S, detector=self.detector.name)
        now_ns = monotonic_ns()
        if took_ns > SLOW_NS and now_ns - self._said_ns >= _LOG_EVERY_NS:
            self._said_ns = now_ns
            _log.warning("detector %s took %.0f ms for one fact", self._name, took_ns / NS_PER_MS)

    @property
    def _name(self) -> str:
        return self.detector.name


class DetectorRunner:
    """Asks each detector in turn."""

    def __init__(self, detectors: Sequence[Detector], metrics: Meter) -> None:
        self._runners = tuple(_Runner(detector, metrics) for detector in detectors)

    def observe(self, fact: CallOpened | CallClosed, session: SessionView) -> list[tuple[Detector, Signal]]:
        """What all detectors claim about one fact, with who claims it."""
        return [(runner.detector, signal) for runner in self._runners for signal in runner.observe(fact, session)]


def checked(signal: Signal) -> Signal:
    """The signal as the journal will give it back; raises where it would not: that would cost a whole entry."""
    if not isinstance(signal, Signal):  # pyright: ignore[reportUnnecessaryIsInstance]  # plugins are not type-checked here
        raise TypeError(f"a detector returns Signal values, not {type(signal).__name__}")
    if not 0.0 <= signal.probability <= 1.0:
        raise ValueError(f"a probability lies in 0..1, not at {signal.probability}")
    return _decode(_encode(signal))
