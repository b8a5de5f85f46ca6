"""What a replay writes: the difference to what counts, and nothing twice."""

from typing import Any

import msgspec

from backtalk.ledger.counting import counting
from backtalk.ledger.rows import signal_row
from backtalk.model.facts import SignalFound
from backtalk.review.superseding import next_number, superseding
from backtalk.testing.dialogue import Dialogue, Stage

VERSIONS = {"regeneration": "2.0", "follow_up": "2.0"}


def found() -> list[SignalFound]:
    """A regeneration and a complaint."""
    stage = Stage()
    chat = Dialogue(stage)
    chat.says("Tell me of the sea.")
    chat.says("How do the tides work?", answer="The moon pushes the water of the sea away.")
    chat.regenerates()
    chat.says("No, that's wrong.")
    return stage.signals


def rows(signals: list[SignalFound]) -> list[dict[str, Any]]:
    """As the ledger holds them."""
    return [dict(signal_row(signal)) for signal in signals]


def test_a_new_version_is_written_under_its_number() -> None:
    """Each claim again, with the same id and the new version."""
    old = found()
    new = [msgspec.structs.replace(signal, detector_version="2.0") for signal in old]
    written = superseding(new, rows(old), VERSIONS, 3)
    assert [(signal.signal_id, signal.detector_version, signal.replay) for signal in written] == [
        (signal.signal_id, "2.0", 3) for signal in old
    ]


def test_what_is_not_found_again_is_withdrawn() -> None:
    """Under the version that did not find it."""
    old = found()
    [gone] = superseding(old[:1], rows(old), VERSIONS, 1)
    assert (gone.signal_id, gone.withdrawn, gone.detector_version) == (old[1].signal_id, True, "2.0")
    assert gone.evidence == {"withdrawn_version": old[1].detector_version}
    assert counting([*rows(old), *rows([gone])]) == rows(old[:1])


def test_a_second_replay_of_the_same_writes_nothing() -> None:
    """What counts after the first is what the second finds."""
    old = found()
    new = [msgspec.structs.replace(old[0], detector_version="2.0", probability=0.5)]
    first = superseding(new, rows(old), VERSIONS, 1)
    counted = counting([*rows(old), *rows(first)])
    assert superseding(new, counted, VERSIONS, 2) == []
    assert next_number([*rows(old), *rows(first)]) == 2
    assert next_number(rows(old)) == 1


def test_a_recorded_verdict_is_another_detectors() -> None:
    """Rows of detectors that did not run are not given, and so are left alone."""
    old = found()
    mine = [row for row in rows(old) if row["detector"] == "follow_up"]
    assert superseding([signal for signal in old if signal.detector == "follow_up"], mine, VERSIONS, 1) == []
