"""One replay from the command line: reads a range of the ledger, runs detectors, says what differs, hands it over.

In: settings and a range. Out: `Outcome`. The one rule: calls of a lead before the range are played too, so that what
the first calls of the range continue is known; what is said is of calls that arrived within it.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from backtalk import clock, installation
from backtalk.detect.calibration import read_calibration
from backtalk.errors import SetupError
from backtalk.ledger.counting import counting
from backtalk.ledger.reader import LedgerReader
from backtalk.model.facts import SessionLinked, SignalFound
from backtalk.plugin.discovery import ANNOTATORS, installed, load_detectors
from backtalk.review import handing_over, relinked, replay
from backtalk.review.past import calls_between, signal_of, without_texts
from backtalk.review.superseding import next_number, superseding
from backtalk.settings import Settings
from backtalk.text.embedding import SentenceEncoder


class Range(NamedTuple):
    """Instants of arrival: from the first until before the second."""

    since_ns: int
    until_ns: int


class Outcome(NamedTuple):
    """What a replay found, and how it differs from what counts in the ledger."""

    calls: int
    signals: list[SignalFound]
    links: list[SessionLinked]
    differences: list[replay.Difference]
    relinked: relinked.Relinked
    changes: list[SignalFound]
    """What would be written under `number`."""
    number: int


def look_back(reader: LedgerReader, settings: Settings, names: Sequence[str], within: Range) -> Outcome:
    """Run the named detectors over the calls of a range; of an annotator, take what is on record."""
    recorded = set(names) & set(installed(ANNOTATORS))
    running = [name for name in names if name not in recorded]
    lead_ns = settings.session.answer_ttl_s * clock.NS_PER_S
    calls = list(calls_between(reader, within.since_ns - lead_ns, within.until_ns))
    detectors = load_detectors(running, settings.plugin)
    facts = replay.decided(
        calls,
        detectors,
        installation.secret(settings.data_dir),
        settings,
        SentenceEncoder() if settings.detect.embedding else None,
        read_calibration(settings.data_dir),
    )
    shown = {call.key for call in calls if call.opened.opened_ns >= within.since_ns}
    signals = [signal for signal in replay.signals_in(facts) if signal.shown_by in shown]
    links = [link for link in relinked.links_in(facts) if link.key in shown]
    written = reader.everything("signals", order="found_ns", superseded=True)
    spans = {key.span_id for key in shown}
    known = [row for row in counting(written) if row["shown_by_span_id"] in spans and row["detector"] in names]
    judged = [row for row in known if row["detector"] in recorded]
    known = [row for row in known if row["detector"] not in recorded]
    number = next_number(written)
    versions: Mapping[str, str] = {detector.name: detector.version for detector in detectors}
    return Outcome(
        len(shown),
        replay.signals_in([*signals, *(signal_of(row) for row in judged)]),
        links,
        replay.difference(signals, known),
        relinked.compare(links, written),
        superseding(signals, known, versions, number),
        number,
    )


def write(reader: LedgerReader, settings: Settings, names: Sequence[str], within: Range) -> Outcome:
    """Look back, and hand what differs to the worker; raises `SetupError` where it would say less than is known."""
    with handing_over.alone(settings.data_dir):
        handing_over.check_taken(settings.data_dir, reader.everything("signals", order="found_ns", superseded=True))
        if lost := without_texts(reader, within.since_ns, within.until_ns):
            message = f"the texts of {lost} calls of this range were not kept: without --write they can be looked at"
            raise SetupError(message, code="content_not_kept")
        outcome = look_back(reader, settings, names, within)
        if outcome.changes:
            handing_over.hand_over(outcome.changes, outcome.number, settings)
        return outcome


def lines(outcome: Outcome, *, links: bool) -> bytes:
    """The signals, and where wanted the links, as JSON lines in the order of time."""
    facts: list[Any] = [*outcome.signals, *(outcome.links if links else ())]
    return replay.lines(sorted(facts, key=_time_and_id))


def _time_and_id(fact: SignalFound | SessionLinked) -> tuple[int, str]:
    return (fact.found_ns, fact.signal_id) if isinstance(fact, SignalFound) else (fact.linked_ns, fact.span_id)
