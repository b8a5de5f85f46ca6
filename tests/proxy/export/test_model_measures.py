"""A model call as figures, held against the conventions."""

from typing import Any

import pytest

from backtalk.export.model_measures import measure_model_call
from backtalk.export.semconv import Generation
from backtalk.model.chat import Request, Response, Usage
from backtalk.model.facts import CallClosed
from backtalk.telemetry import METRICS, Metrics, Snapshot
from backtalk.testing import conventions
from backtalk.testing.facts import closed_call, opened_call

GENERATIONS: tuple[Generation, ...] = ("v1.41", "latest")


def _call(**changes: Any) -> CallClosed:
    usage = Usage(7, 3, cached_tokens=2, reasoning_tokens=1, cache_write_tokens=4)
    request = Request(model="m1", stream=True)
    fields: dict[str, Any] = {
        "opened": opened_call(request=request),
        "response": Response("id", "m1-2026", usage=usage),
        "chunks": 5,
    }
    return closed_call(**fields | changes)


def _measured(call: CallClosed, generation: Generation) -> Snapshot:
    metrics = Metrics()
    measure_model_call(metrics, call, generation)
    return metrics.snapshot()


@pytest.mark.parametrize("generation", GENERATIONS)
def test_metrics_are_those_of_the_conventions(generation: Generation) -> None:
    """Names, kinds, units, buckets and labels; with a call that has everything, none is missing."""
    snapshot = _measured(_call(status=500), generation)
    found = {name for name in snapshot.points if name.startswith("gen_ai.")}
    expected = dict(conventions.METRICS[generation])
    if generation == "latest":
        del expected["gen_ai.client.operation.duration"]
    assert found == set(expected)
    for name, instrument in expected.items():
        metric = METRICS[name]
        assert (metric.kind, metric.unit) == (instrument.kind, instrument.unit), name
        assert metric.buckets == instrument.buckets, name
        for point in snapshot.points[name]:
            assert {label for label, _ in point.labels} <= instrument.labels, name


def test_latest_counts_tokens_apart() -> None:
    """By kind and not by label; the modality is not told by any provider, and not guessed."""
    snapshot = _measured(_call(), "latest")
    prefix = "gen_ai.client.inference.usage"
    counted = ("input", "output", "cache_read.input", "cache_write.input", "reasoning.output")
    assert [snapshot.value(f"{prefix}.{name}_tokens") for name in counted] == [7, 3, 2, 4, 1]
    (point,) = snapshot.points[f"{prefix}.input_tokens"]
    assert ("gen_ai.token.modality", "unknown") in point.labels
    assert snapshot.value("gen_ai.client.inference.operation.input_tokens") == 7


def test_latest_keeps_the_older_duration_for_what_is_no_inference() -> None:
    """Embeddings and retrieval, by the migration guide."""
    snapshot = _measured(_call(opened=opened_call(api="embeddings", path="/v1/embeddings")), "latest")
    assert snapshot.value("gen_ai.client.operation.duration") == 0.5
    assert "gen_ai.client.inference.duration" not in snapshot.points


@pytest.mark.parametrize("generation", GENERATIONS)
def test_answer_from_our_cache_used_no_tokens(generation: Generation) -> None:
    """Its time counts all the same."""
    snapshot = _measured(_call(cache="hit"), generation)
    assert not [name for name in snapshot.points if "token" in name and not name.endswith("chunk")]
    assert [name for name in snapshot.points if name.endswith(".duration")]
