"""The doctor: one finding for each check, and advice where something is wrong."""

import json
import socket
from pathlib import Path
from typing import Any

import pytest

from backtalk import doctor
from backtalk.listeners import ADDRESSES, Addresses, url_of
from backtalk.settings import load
from backtalk.testing.provider import running_provider


def found(subject: str, tmp_path: Path, **settings: Any) -> doctor.Finding:
    """What the doctor says of one subject."""
    overrides = {"data_dir": tmp_path, "upstream": "http://127.0.0.1:9"} | settings
    return next(one for one in doctor.examine(load({}, overrides=overrides)) if one.subject == subject)


def test_upstream_that_answers_is_ok(tmp_path: Path) -> None:
    """A running model API is found by its list of models."""
    with running_provider() as provider:
        assert found("upstream", tmp_path, upstream=provider.url).level == "ok"


def test_upstream_that_is_away_fails_with_advice(tmp_path: Path) -> None:
    """Nobody listening there is said with what to check."""
    finding = found("upstream", tmp_path)

    assert finding.level == "fail"
    assert "--upstream" in finding.advice


def test_redis_that_answers_is_ok(tmp_path: Path, redis_url: str) -> None:
    """A configured Redis is asked."""
    assert found("redis", tmp_path, redis_url=redis_url).level == "ok"


def test_redis_that_is_away_fails(tmp_path: Path) -> None:
    """A configured Redis that is away is said."""
    assert found("redis", tmp_path, redis_url=f"unix://{tmp_path}/none").level == "fail"


def test_without_redis_the_embedded_server_is_named(tmp_path: Path) -> None:
    """No REDIS_URL is no trouble where a server can be started."""
    assert "serve` starts" in found("redis", tmp_path).sentence


def test_changed_settings_are_shown_and_secrets_are_not(tmp_path: Path) -> None:
    """What differs from the defaults is listed; a key never is."""
    sentence = found("settings", tmp_path, upstream_api_key="sk-canary", workers=2).sentence

    assert "workers = 2" in sentence
    assert "sk-canary" not in sentence


def test_port_in_use_is_said(tmp_path: Path) -> None:
    """Somebody already listening on our port is found before `serve` is."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        assert str(port) in found("ports", tmp_path, port=port).sentence


def test_a_running_backtalk_is_found_by_its_data_directory(tmp_path: Path) -> None:
    """Where `serve` was given ports of its own, they are what is said; addresses that a kill left behind are not."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        addresses = Addresses(url_of(listener), url_of(listener))
        (tmp_path / ADDRESSES).write_text(json.dumps(addresses._asdict()), encoding="ascii")
        assert f"Backtalk listens on {addresses.public}" in found("ports", tmp_path).sentence
    assert "Backtalk listens" not in found("ports", tmp_path).sentence


def test_collector_that_is_away_is_a_warning(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A collector that is down costs nothing but patience."""
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9")

    assert found("collector", tmp_path).level == "warn"


def test_no_secret_of_the_surroundings_is_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A password in a collector's URL and what a plugin is told stay out of the findings."""
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://user:canary@127.0.0.1:9")
    findings = doctor.examine(load({}, overrides={"data_dir": tmp_path, "plugin": {"mine": {"token": "canary"}}}))

    assert "canary" not in str(findings)
    assert "mine is set" in str(findings)


def test_targets_are_checked_and_their_options_stay_unsaid(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A key that is not there is named; what litellm is told may be secret."""
    target = {"lane": "litellm", "api_key_env": "NO_SUCH_KEY", "options": {"aws_secret_access_key": "canary"}}
    finding = found("targets", tmp_path, targets={"claude": target})
    assert (finding.level, "NO_SUCH_KEY holds no key" in finding.sentence) == ("fail", True)
    monkeypatch.setenv("NO_SUCH_KEY", "sk-1")
    assert found("targets", tmp_path, targets={"claude": target}).level == "ok"
    assert "canary" not in str(
        doctor.examine(load({}, overrides={"data_dir": tmp_path, "targets": {"claude": target}}))
    )
