"""The protocol of exporters of lineage, and that built-in ones follow it."""

import msgspec

from backtalk.plugin import LineageEvent
from backtalk.plugin.discovery import LINEAGE_EXPORTERS, installed
from backtalk.plugin.lineage import LineageExporter
from backtalk.plugin.protocols import API_VERSION
from backtalk.testing.lineage_events import one_of_each


def test_every_built_in_is_what_the_protocol_says() -> None:
    """They enter by the same door as anybody's, and speak the newest version."""
    plugins = [entry.load() for entry in installed(LINEAGE_EXPORTERS).values()]
    assert {plugin.name for plugin in plugins} == {"mlflow", "openlineage"}
    assert all(isinstance(plugin.__new__(plugin), LineageExporter) for plugin in plugins)
    assert {plugin.api for plugin in plugins} == {API_VERSION}


def test_no_event_says_who_or_why() -> None:
    """There is no field for it, at any depth."""
    told = msgspec.json.encode(one_of_each()).decode()
    names = {field.name for event in one_of_each() for field in msgspec.structs.fields(event.said)}
    assert not {"actor", "reason", "by", "text", "recipe"} & names
    assert msgspec.json.decode(msgspec.json.encode(one_of_each()[0].hash)) in told
    assert isinstance(one_of_each()[0], LineageEvent)
