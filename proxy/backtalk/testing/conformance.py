"""The conformance suite for detectors: what the host relies on, as a function that a plugin's own tests call.

    def test_it_conforms() -> None:
        check_detector(MyDetector)

In: a detector's class. Out: nothing, or an AssertionError that says which promise is broken.
"""

import time
from collections.abc import Iterator
from itertools import product
from typing import Final, get_args

from backtalk.model.facts import CallClosed, CallOpened, LinkRule
from backtalk.model.frames import Outcome
from backtalk.model.session import SessionView, Turn
from backtalk.plugin.discovery import DETECTORS, check
from backtalk.plugin.protocols import Detector, Signal
from backtalk.testing import factories

TIME_PER_CALL_S: Final = 0.002
"""Longest mean time of one look at one fact."""
_TEXTS: Final = ("", "hi", "Why is the sky blue at noon?", "ل" * 600, "\x00\ud83d 你好" * 50, "{[(" * 200)


def check_detector(plugin: type[Detector]) -> None:
    """Assert that a detector loads, is pure, survives odd facts, claims within bounds, and is quick."""
    check(DETECTORS, plugin.name, plugin)
    first, second = plugin(), plugin()
    cases = list(_cases())
    started_s = time.perf_counter()
    found = [tuple(first.observe(fact, view)) for fact, view in cases]
    mean_s = (time.perf_counter() - started_s) / len(cases)
    again = [tuple(second.observe(fact, view)) for fact, view in reversed(cases)]
    _demand(found == again[::-1], f"{plugin.name} is not pure: the same facts gave other signals")
    for signals in found:
        _check_signals(plugin.name, signals)
    _demand(mean_s <= TIME_PER_CALL_S, f"{plugin.name} took {mean_s * 1000:.2f} ms a fact")


def _check_signals(name: str, signals: tuple[Signal, ...]) -> None:
    for signal in signals:
        _demand(0 <= signal.probability <= 1, f"{name} claims with probability {signal.probability}")
        _demand(signal.kind == signal.kind.lower(), f"{name} names a signal {signal.kind}: use lower case")


def _demand(holds: bool, otherwise: str) -> None:
    if not holds:
        raise AssertionError(otherwise)


def _cases() -> Iterator[tuple[CallOpened | CallClosed, SessionView]]:
    rules: tuple[LinkRule, ...] = get_args(LinkRule)
    outcomes: tuple[Outcome, ...] = get_args(Outcome)
    for rule, (place, text) in product(rules, enumerate(_TEXTS)):
        for parent, sibling in product((None, _turn(text, place)), repeat=2):
            view = factories.view(rule, parent=parent, sibling=sibling, user_text=text)
            call = factories.opened(text, key=factories.call_key(place + 10))
            yield call, view
            yield factories.closed(call, text, outcome=outcomes[place % len(outcomes)], first_byte_ns=None), view
    yield factories.opened(key=factories.call_key(1)), factories.view()


def _turn(text: str, place: int) -> Turn:
    ended = place % 2 == 0
    return factories.turn(
        text, text, key=factories.call_key(place + 100), status=200 if ended else None, closed_ns=None
    )
