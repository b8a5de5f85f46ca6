"""PromQL from the catalogue."""

import pytest

from backtalk.errors import SetupError
from backtalk.telemetry.panels import level, level_of, quantile_of, rate, rate_of, share_of, spread


def test_counter_is_asked_for_its_growth() -> None:
    """A rate over all processes, by the labels that are wanted, as Prometheus names them."""
    asked = rate_of("backtalk.cost", "gen_ai.request.model", window="5m")
    assert asked == "sum by (gen_ai_request_model) (rate(backtalk_cost_total[5m]))"
    assert rate_of("backtalk.calls", where='outcome="failed"', window="1m") == (
        'sum (rate(backtalk_calls_total{outcome="failed"}[1m]))'
    )


def test_gauge_of_several_processes_is_added_up_or_the_worst_of_them() -> None:
    """What the catalogue says of a gauge decides; bytes add up, an age does not."""
    assert level_of("backtalk.spool.bytes") == "sum (backtalk_spool_bytes)"
    assert level_of("backtalk.worker.lag") == "max (backtalk_worker_lag_seconds)"


def test_histogram_is_asked_for_its_quantiles() -> None:
    """The buckets of all processes are added before the quantile is taken."""
    assert quantile_of(0.99, "backtalk.proxy.overhead", window="5m") == (
        "histogram_quantile(0.99, sum by (le) (rate(backtalk_proxy_overhead_seconds_bucket[5m])))"
    )
    panel = spread("Duration", "gen_ai.client.operation.duration", "gen_ai.request.model")
    assert [legend for legend, _ in panel.queries] == [
        "p50 {{gen_ai_request_model}}",
        "p95 {{gen_ai_request_model}}",
        "p99 {{gen_ai_request_model}}",
    ]


def test_share_of_nothing_is_none() -> None:
    """Without calls a share is 0, not empty and not NaN."""
    assert share_of("a", "b") == "(a) / (b > 0) or vector(0)"


def test_panel_says_its_unit_and_what_it_shows() -> None:
    """Growth is by the second; a panel without a sentence has the metric's."""
    assert rate("Cost", "backtalk.cost").unit == "currencyUSD/s"
    assert level("Lag", "backtalk.worker.lag").unit == "s"
    assert level("Lag", "backtalk.worker.lag").sentence == "Age of the oldest frame that is not decided."


@pytest.mark.parametrize(
    ("make", "name", "by", "said"),
    [
        (level, "backtalk.calls", (), "backtalk.calls is a counter; its labels: outcome"),
        (rate, "backtalk.calls", ("user",), "backtalk.calls is a counter; its labels: outcome"),
        (rate, "backtalk.nonesuch", (), "no metric is called backtalk.nonesuch"),
    ],
)
def test_what_is_not_in_the_catalogue_is_an_error(make: object, name: str, by: tuple[str, ...], said: str) -> None:
    """A wrong kind, label or name never becomes an empty graph."""
    assert callable(make)
    with pytest.raises(SetupError, match=said):
        make("Title", name, *by)
