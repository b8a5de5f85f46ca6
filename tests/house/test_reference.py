"""Documentation equals the code, both ways: what is documented exists, what exists is documented and used."""

import ast
import runpy
from pathlib import Path
from typing import Any, get_args

import pytest

from backtalk import settings
from backtalk.model.facts import RelationKind, SignalKind
from backtalk.plugin.discovery import DETECTORS, installed

SCRIPT = "tests/house/reference.py"
NOT_READ_YET = {"telemetry.metrics_interval_s": "the worker does not hand it to its exporter"}


@pytest.fixture(scope="module")
def script(root: Path) -> dict[str, Any]:
    """The names of the script that writes the reference."""
    return runpy.run_path(str(root / SCRIPT))


def test_reference_and_example_are_up_to_date(script: dict[str, Any], root: Path) -> None:
    """`make reference` writes both files from the code; what is checked in is what it writes."""
    assert (root / "proxy/REFERENCE.md").read_text(encoding="utf-8") == script["reference"](), "run: make reference"
    assert (root / "deploy/example.toml").read_text(encoding="utf-8") == script["example"](), "run: make reference"


def test_headers_are_those_of_the_code(script: dict[str, Any]) -> None:
    """Each header that is added or kept has its sentence, and no sentence is about anything else."""
    assert set(script["RESPONSE_HEADERS"]) == script["added_response_headers"]()
    assert set(script["REQUEST_HEADERS"]) - script["NOT_COPIED"] == script["copied_request_headers"]()


def test_kinds_are_those_of_the_code(script: dict[str, Any]) -> None:
    """Relations and signals have their sentence; a signal's detector is installed."""
    assert set(script["RELATIONS"]) == set(get_args(RelationKind))
    assert set(script["SIGNALS"]) == set(get_args(SignalKind))
    assert {detector for detector, _ in script["SIGNALS"].values()} <= set(installed(DETECTORS))


def test_codes_endpoints_and_hooks_are_found(script: dict[str, Any]) -> None:
    """The reader of the sources finds them where they are known to be."""
    codes = {raised.code for raised in script["raised"]()}
    assert {"bad_settings", "body_too_large", "upstream_timeout", "spool_full", "unauthorized"} <= codes
    paths = {path for _, _, path, _ in script["endpoints"]()}
    assert {"/v1/*", "/v1/feedback", "/v1/traces", "/v1/traces/{trace_id}", "/metrics", "/healthz", "/readyz"} <= paths
    assert "`Detector.observe`" in script["reference"]()


def test_the_public_listener_keeps_few_paths_to_itself(script: dict[str, Any]) -> None:
    """What is not relayed there is about feedback; all else stands on the admin listener, each endpoint once."""
    found = [(listener, method, path) for listener, method, path, _ in script["endpoints"]()]
    public = {path for listener, method, path in found if listener == "public" and method != "any"}
    assert all(path.startswith(("/v1/feedback", "/feedback")) for path in public)
    assert len(found) == len(set(found))


def test_example_settings_load_as_the_defaults(root: Path) -> None:
    """The example is valid, and changes nothing."""
    assert settings.load({}, file=root / "deploy/example.toml") == settings.Settings()


def test_every_setting_is_used(product: dict[str, ast.Module]) -> None:
    """A setting that nothing reads is none."""
    read = {
        node.attr
        for name, tree in product.items()
        if not name.startswith("proxy/backtalk/settings/")
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute)
    }
    assert {".".join(path) for path, _, _ in settings.fields() if path[-1] not in read} <= set(NOT_READ_YET)
