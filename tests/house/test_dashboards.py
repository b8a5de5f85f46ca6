"""The dashboard and the alert rules are what the catalogue of metrics makes of them."""

import runpy
from pathlib import Path
from typing import Any

import pytest

from backtalk.telemetry import METRICS


@pytest.fixture(scope="module")
def script(root: Path) -> dict[str, Any]:
    """The names of the script that writes them."""
    return runpy.run_path(str(root / "tests/house/dashboards.py"))


def test_dashboard_and_rules_are_up_to_date(script: dict[str, Any]) -> None:
    """`make reference` writes both; what is checked in is what it writes."""
    assert script["DASHBOARD"].read_text(encoding="utf-8") == script["dashboard"](), "run: make reference"
    assert script["RULES"].read_text(encoding="utf-8") == script["rules"](), "run: make reference"


def test_every_metric_has_a_panel(script: dict[str, Any]) -> None:
    """What is recorded can be looked at."""
    assert {name for panel in script["all_panels"]() for name in panel.metrics} == set(METRICS)
