"""The protocols: what a plugin must have, told by the class itself."""

from typing import ClassVar

import msgspec
import pytest

from backtalk.model.ids import CallKey
from backtalk.plugin.discovery import DETECTORS, EXPORTERS, installed
from backtalk.plugin.protocols import API_VERSION, Detector, Exporter, Signal
from backtalk.testing import stories

ABOUT = stories.a_key()


@pytest.mark.parametrize(("group", "protocol"), [(DETECTORS, Detector), (EXPORTERS, Exporter)])
def test_every_built_in_is_what_its_protocol_says(group: str, protocol: type) -> None:
    """They enter by the same door as anybody's, and speak the newest version."""
    plugins = [entry.load() for entry in installed(group).values()]
    assert plugins
    assert all(isinstance(plugin.__new__(plugin), protocol) for plugin in plugins)
    assert {plugin.api for plugin in plugins} == {API_VERSION}


class Silent:
    """Has everything but what a detector does."""

    name: ClassVar[str] = "silent"
    api: ClassVar[int] = 1
    version: ClassVar[str] = "1"


class Nameless:
    """Observes, and does not say who."""

    def observe(self, fact: object, session: object) -> tuple[Signal, ...]:
        """Finds nothing."""
        del fact, session
        return ()


@pytest.mark.parametrize("plugin", [Silent, Nameless])
def test_what_lacks_a_part_is_no_plugin(plugin: type) -> None:
    """Neither a name alone nor a method alone makes one."""
    assert not isinstance(plugin(), Detector | Exporter)


def test_a_signal_says_what_and_about_which_call() -> None:
    """When it was found, by whom and what showed it is the host's to say, not the plugin's."""
    assert [field.name for field in msgspec.structs.fields(Signal)] == [
        "kind",
        "about",
        "probability",
        "evidence",
        "polarity",
        "provenance",
    ]


def test_a_signal_without_evidence_has_an_empty_one() -> None:
    """A detector that has none to give need not say so."""
    assert Signal("regeneration", ABOUT, 0.9) == Signal("regeneration", ABOUT, 0.9, {})


def test_a_signal_does_not_change() -> None:
    """What a detector has claimed stands."""
    signal = Signal("regeneration", ABOUT, 0.9)
    with pytest.raises(AttributeError):
        signal.probability = 1.0  # type: ignore[misc]  # pyright: ignore[reportAttributeAccessIssue] -- that is the test


def test_a_signal_is_read_as_it_was_written() -> None:
    """A recorded verdict can be replayed."""
    signal = Signal("stop", CallKey(*ABOUT), 0.5, {"share": 0.25, "cut": True, "why": "left"})
    assert msgspec.json.decode(msgspec.json.encode(signal), type=Signal) == signal
