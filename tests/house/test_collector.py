"""The files for a collector and for Prometheus, and the saved TraceQL: known components, wired, by what we send."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from backtalk.export.origin import origin
from backtalk.export.verdicts import carrier_of
from backtalk.model.chat import Request
from backtalk.model.facts import SignalFound
from backtalk.plugin.call_index import CallIndex
from backtalk.plugin.feedback_verdicts import of_feedback
from backtalk.plugin.verdicts import of_signal
from backtalk.testing.facts import closed_call, feedback, opened_call, signal

COMPONENTS = {
    "receivers": {"otlp"},
    "processors": {"batch", "memory_limiter", "tail_sampling"},
    "exporters": {"otlphttp", "prometheus"},
    "extensions": {"file_storage", "health_check"},
}
"""Types of the contrib distribution that the file may name."""
POLICIES = {"string_attribute", "status_code", "latency", "probabilistic"}


@pytest.fixture(scope="module")
def config(root: Path) -> dict[str, Any]:
    """The file."""
    found: dict[str, Any] = yaml.safe_load((root / "deploy/otel/collector.yaml").read_text(encoding="utf-8"))
    return found


def told_of_a_signal() -> dict[str, Any]:
    """The attributes of a signal's carrier, about a call that is known."""
    call = closed_call(opened=opened_call(request=Request(model="m", prompt_name="greet", prompt_version="7")))
    index = CallIndex()
    index.add(call)
    found: SignalFound = signal(call.key)
    return dict(carrier_of(index.described(of_signal(found)), origin()).attributes or {})


def test_every_component_is_known(config: dict[str, Any]) -> None:
    """By type, which is what stands before the slash."""
    for section, known in COMPONENTS.items():
        assert {name.partition("/")[0] for name in config[section]} <= known
    policies = config["processors"]["tail_sampling"]["policies"]
    assert {policy["type"] for policy in policies} <= POLICIES
    assert all(policy["type"] in policy for policy in policies), "a policy's settings stand under its type's name"


def test_every_component_is_wired(config: dict[str, Any]) -> None:
    """What a pipeline names is there, and what is there is in a pipeline."""
    service = config["service"]
    used = {section: set[str]() for section in ("receivers", "processors", "exporters")}
    for pipeline in service["pipelines"].values():
        for section, names in used.items():
            names.update(pipeline[section])
    assert used == {section: set(config[section]) for section in used}
    assert set(service["extensions"]) == set(config["extensions"])


def test_sampling_asks_for_attributes_that_we_send(config: dict[str, Any]) -> None:
    """Those of carriers, and the outcome of a call."""
    policies = config["processors"]["tail_sampling"]["policies"]
    asked = {policy["string_attribute"]["key"] for policy in policies if policy["type"] == "string_attribute"}
    (verdict,) = of_feedback(feedback(target_session_id="s"), lambda _: None)
    sent = {*told_of_a_signal(), *(carrier_of(verdict, origin()).attributes or {}), "backtalk.outcome"}
    assert asked <= sent


def test_the_saved_traceql_asks_for_attributes_that_we_send(root: Path) -> None:
    """Each `span.` of the query is on a signal's carrier."""
    page = (root / "docs/backends.md").read_text(encoding="utf-8")
    (query,) = re.findall(r"```traceql\n(.*?)```", page, re.DOTALL)
    asked = set(re.findall(r"span\.([a-z_.]+)", query))
    assert len(asked) == 4
    assert asked <= set(told_of_a_signal())


def test_the_page_shows_the_file_for_prometheus(root: Path) -> None:
    """The page's YAML says what the file says, which a real Prometheus runs under the mark `prometheus`."""
    page = (root / "docs/backends.md").read_text(encoding="utf-8")
    (shown,) = re.findall(r"```yaml\n(.*?)```", page, re.DOTALL)
    assert yaml.safe_load(shown) == yaml.safe_load((root / "deploy/otel/prometheus.yml").read_text(encoding="utf-8"))
