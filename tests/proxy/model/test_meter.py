"""A meter that counts nothing fits where one is wanted."""

from backtalk.model.meter import Meter, NoMeter
from backtalk.telemetry import Metrics


def test_both_meters_fit_where_one_is_wanted() -> None:
    """The host's registry and the meter that counts nothing are both `Meter`s; neither fails or answers."""
    meters: list[Meter] = [Metrics(), NoMeter()]
    for meter in meters:
        meter.add("backtalk.spool.syncs")
        meter.add("backtalk.spool.dropped", 2, reason="full")
        meter.set("backtalk.spool.bytes", 1)
        meter.record("backtalk.proxy.overhead", 0.1)
